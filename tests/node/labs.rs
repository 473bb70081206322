//! Labs: healthy ones have no finding; a file says what the lab said.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::machine::OVL;

/// Labs of this process so far; no two have one name.
static LABS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

pub struct Lab {
    directory: TempDir,
    name: String,
}

impl Lab {
    pub fn up(profile: &str, nodes: u8) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            assert!(
                std::env::var_os("OVL_TEST_STRICT").is_none_or(|value| value != "1"),
                "this test needs root"
            );
            eprintln!("skipped: a lab of this test needs root");
            return None;
        }
        let lab = Self {
            directory: tempfile::tempdir().unwrap(),
            name: format!(
                "node-{profile}-{}-{}",
                std::process::id(),
                LABS.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            ),
        };
        let nodes = nodes.to_string();
        lab.ok(&[
            "lab",
            "up",
            "--lab",
            &lab.name,
            "--profile",
            profile,
            "--nodes",
            &nodes,
        ]);
        Some(lab)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A file beside the lab's own, and its path.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn run(&self, args: &[&str]) -> Output {
        Command::new(OVL)
            .args(args)
            .env("OVL_LAB_DIR", self.directory.path())
            .output()
            .unwrap()
    }

    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "ovl {args:?}: {}{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn here(&self) -> String {
        format!("--lab={}", self.name)
    }

    pub fn add(&self, pod: &str, node: &str) {
        self.ok(&[
            "lab", "--lab", &self.name, "pod", "add", pod, "--node", node,
        ]);
    }

    pub fn exec(&self, place: &str, script: &str) -> String {
        self.ok(&[
            "lab", "--lab", &self.name, "exec", place, "--", "sh", "-ec", script,
        ])
    }

    pub fn check(&self) -> (Option<i32>, Value) {
        let output = self.run(&["check", "-o", "json", &self.here()]);
        (
            output.status.code(),
            serde_json::from_slice(&output.stdout).unwrap(),
        )
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A failing test must not be followed by a second panic here.
        let _ = self.run(&["lab", "down", &self.name]);
    }
}

pub fn ids(report: &Value) -> Vec<&str> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["id"].as_str().unwrap())
        .collect()
}

#[test]
fn a_healthy_network_has_no_finding() {
    for profile in ["calico", "weave", "flannel", "crosssubnet"] {
        let Some(lab) = Lab::up(profile, 3) else {
            return;
        };
        for (pod, node) in [("pod1", "host01"), ("pod2", "host02"), ("pod3", "host02")] {
            lab.add(pod, node);
        }
        let (code, report) = lab.check();
        assert_eq!(
            (code, ids(&report)),
            (Some(0), Vec::new()),
            "{profile}: {report:#}"
        );
        assert_eq!(report["doubts"], serde_json::json!([]), "{profile}");

        let pods = lab.ok(&["pods", &lab.here()]);
        assert_eq!(pods.lines().count(), 4, "{pods}");
        let text = lab.ok(&["pod", "pod2", &lab.here()]);
        assert!(text.contains("on host02"), "{text}");
        assert!(text.contains("default/pod2"), "{text}");
        assert!(!text.contains("answered by nobody"), "{text}");
        assert!(text.contains("recorded by ovl-ipam"), "{text}");
        // Another node's route to it is shown.
        assert!(text.contains("(on host01)"), "{profile}: {text}");
        let file = lab.directory.path().join("bundle.json.zst");
        saved_as_live(&lab, &file, &text);
    }
}

fn saved_as_live(lab: &Lab, file: &Path, live: &str) {
    let file = file.to_str().unwrap();
    lab.ok(&["snapshot", "-o", file, &lab.here()]);
    super::schemas::assert_fits("bundle", &lab.ok(&["snapshot", &lab.here()]));
    let strip = |text: &str| -> String {
        // Neighbours age between two looks.
        text.lines()
            .filter(|line| !line.contains(" lladdr "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let saved = lab.ok(&["pod", "pod2", "--from", file]);
    assert_eq!(strip(&saved), strip(live));
    let diff = lab.run(&["diff", file, &lab.here()]);
    assert_eq!(
        diff.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&diff.stdout)
    );

    // Redacted, it still has an answer for the same pod under its new name, and nothing of the old ones.
    let redacted = format!("{file}.redacted");
    lab.ok(&["snapshot", "--redact", "--from", file, "-o", &redacted]);
    let text = std::fs::read_to_string(&redacted).unwrap();
    // Whole addresses: that a network is given the number it had is a matter of chance.
    let address = live.split_whitespace().nth(1).unwrap();
    assert!(address.parse::<std::net::IpAddr>().is_ok(), "{live}");
    for gone in [
        "host01",
        "pod2",
        "192.168.61.1",
        address,
        // The device of the pod is called after a hash of its name.
        "bd2348b4f67",
    ] {
        assert!(!text.contains(gone), "{gone} is in the redacted snapshot");
    }
    let report = lab.run(&["check", "--from", &redacted]);
    assert_eq!(
        report.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&report.stdout)
    );
}

#[test]
fn a_pod_that_nobody_is_has_an_answer_and_a_command_to_paste() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    lab.add("web", "host01");
    for command in [&["pod", "nobody"][..], &["trace", "web", "nobody"]] {
        let here = lab.here();
        let output = lab.run(&[command, &[here.as_str()]].concat());
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let try_this = format!("try: ovl pods --lab {}", lab.name());
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("no pod is found by nobody"), "{words}");
        assert!(words.contains(&try_this), "{words}");
    }
}

#[test]
fn nodes_that_do_not_answer_are_named_and_the_others_are_shown() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    lab.add("pod1", "host01");
    let via = format!(
        "{OVL} lab --lab {} exec {{node}} -- ovl node serve",
        lab.name
    );
    let all = [
        "--via",
        &via,
        "--nodes",
        "host01,host02,host09",
        "--cri",
        "none",
    ];
    let output = lab.run(&[&["pods"], all.as_slice()].concat());
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("pod1"));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        words.contains("host09 is not in the answer: it ended with exit status"),
        "{words}"
    );
    // A bundle with a node missing says so, and nothing is concluded from its absence.
    let output = lab.run(&[&["check"], all.as_slice()].concat());
    assert_eq!(output.status.code(), Some(4));
    let none = ["--via", "false", "--nodes", "host01"];
    assert_eq!(
        lab.run(&[&["pods"], none.as_slice()].concat())
            .status
            .code(),
        Some(4)
    );
    let silent = [
        "--via",
        "sleep 100; node serve",
        "--nodes",
        "host01",
        "--node-timeout",
        "1",
    ];
    let begun = std::time::Instant::now();
    assert_eq!(
        lab.run(&[&["pods"], silent.as_slice()].concat())
            .status
            .code(),
        Some(4)
    );
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
}
