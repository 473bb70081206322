//! Labs: healthy ones have no finding, and each thing that is broken by hand has the right one.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::machine::OVL;

struct Lab {
    directory: TempDir,
    name: String,
}

impl Lab {
    fn up(profile: &str, nodes: u8) -> Option<Self> {
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
            name: format!("node-{profile}-{}", std::process::id()),
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

    fn run(&self, args: &[&str]) -> Output {
        Command::new(OVL)
            .args(args)
            .env("OVL_LAB_DIR", self.directory.path())
            .output()
            .unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "ovl {args:?}: {}{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn here(&self) -> String {
        format!("--lab={}", self.name)
    }

    fn add(&self, pod: &str, node: &str) {
        self.ok(&[
            "lab", "--lab", &self.name, "pod", "add", pod, "--node", node,
        ]);
    }

    fn exec(&self, place: &str, script: &str) -> String {
        self.ok(&[
            "lab", "--lab", &self.name, "exec", place, "--", "sh", "-ec", script,
        ])
    }

    fn check(&self) -> (Option<i32>, Value) {
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

fn ids(report: &Value) -> Vec<&str> {
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
    for gone in [
        "host01",
        "pod2",
        "192.168.61.1",
        "172.31.",
        "10.244.",
        "10.46.",
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
fn what_is_broken_by_hand_is_named() {
    let Some(lab) = Lab::up("weave", 1) else {
        return;
    };
    lab.add("pod1", "host01");
    lab.add("pod2", "host01");
    let device = {
        let text = lab.ok(&["pods", "-o", "json", &lab.here()]);
        let list: Value = serde_json::from_str(&text).unwrap();
        list["pods"][0]["device"].as_str().unwrap().to_owned()
    };
    let netns = {
        let text = lab.ok(&["pod", "pod1", "-o", "json", &lab.here()]);
        let report: Value = serde_json::from_str(&text).unwrap();
        report["netns"]["paths"][0].as_str().unwrap().to_owned()
    };
    let address = |pod: &str| {
        let text = lab.ok(&["pod", pod, "-o", "json", &lab.here()]);
        let report: Value = serde_json::from_str(&text).unwrap();
        report["interfaces"][0]["addresses"][0]["address"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (one, two) = (address("pod1"), address("pod2"));
    let config = lab
        .exec("host01", "ls /etc/cni/net.d/*.conflist")
        .trim()
        .to_owned();
    // What breaks it, what heals it, what it is called.
    let faults = [
        (
            "ip link set DEVICE down",
            "ip link set DEVICE up",
            "bridge-port-down",
        ),
        (
            "nsenter --net=NETNS ip link set eth0 mtu 1500",
            "nsenter --net=NETNS ip link set eth0 mtu 1376",
            "pod-mtu-above-device",
        ),
        (
            "nsenter --net=NETNS ip addr add TWO/12 dev eth0",
            "nsenter --net=NETNS ip addr del TWO/12 dev eth0",
            "duplicate-pod-address",
        ),
        (
            "sleep 1.1; printf '{\"cniVersion\":\"1.0.0\",\"name\":\"late\",\"plugins\":[{\"type\":\"ptp\"}]}' > /etc/cni/net.d/99-late.conflist",
            "rm /etc/cni/net.d/99-late.conflist",
            "cni-config-shadowed",
        ),
        (
            "printf '{' > /etc/cni/net.d/00-broken.conf",
            "rm /etc/cni/net.d/00-broken.conf",
            "cni-config-broken",
        ),
        (
            "cp CONFIG /tmp/kept; sed -i s/portmap/portmop/ CONFIG",
            "cp /tmp/kept CONFIG",
            "cni-plugin-missing",
        ),
        (
            "ip netns add cni-lost",
            "ip netns del cni-lost",
            "netns-leaked",
        ),
        (
            "iptables-nft -A FORWARD -s 203.0.113.1 -j DROP; iptables-legacy -A FORWARD -s 203.0.113.1 -j DROP",
            "iptables-nft -D FORWARD -s 203.0.113.1 -j DROP; iptables-legacy -D FORWARD -s 203.0.113.1 -j DROP",
            "iptables-backends-mixed",
        ),
    ];
    let fill = |script: &str| {
        script
            .replace("DEVICE", &device)
            .replace("NETNS", &netns)
            .replace("TWO", &two)
            .replace("CONFIG", &config)
    };
    assert_ne!(one, two);
    for (fault, heal, id) in faults {
        lab.exec("host01", &fill(fault));
        let (code, report) = lab.check();
        lab.exec("host01", &fill(heal));
        assert_eq!(ids(&report), [id], "after {fault}: {report:#}");
        let severity = report["findings"][0]["severity"].as_str().unwrap();
        let expected = if severity == "fault" {
            Some(1)
        } else {
            Some(0)
        };
        assert_eq!(code, expected, "{id}");
        for field in ["what", "why", "show", "fix"] {
            assert!(
                !report["findings"][0][field].as_str().unwrap().is_empty(),
                "{id}: {field}"
            );
        }
        assert!(
            !report["findings"][0]["evidence"]
                .as_array()
                .unwrap()
                .is_empty(),
            "{id}"
        );
        let (code, report) = lab.check();
        assert_eq!(
            (code, ids(&report)),
            (Some(0), Vec::new()),
            "after healing {id}: {report:#}"
        );
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
