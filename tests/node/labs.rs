//! Labs: healthy ones have no finding; a file says what the lab said.

use std::path::Path;

use serde_json::Value;

use crate::support::OVL;
use crate::support::lab::Lab;

/// How `ovl check` of a lab ended, and what it said.
pub fn check(lab: &Lab) -> (Option<i32>, Value) {
    let output = lab.run(&["check", "-o", "json", &lab.here()]);
    (
        output.status.code(),
        serde_json::from_slice(&output.stdout).unwrap(),
    )
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
        let Some(lab) = Lab::bare(profile, 3) else {
            return;
        };
        for (pod, node) in [("pod1", "host01"), ("pod2", "host02"), ("pod3", "host02")] {
            lab.add(pod, node);
        }
        let (code, report) = check(&lab);
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
        let file = lab.path("bundle.json.zst");
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
    let Some(lab) = Lab::bare("calico", 2) else {
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
    let Some(lab) = Lab::bare("calico", 2) else {
        return;
    };
    lab.add("pod1", "host01");
    let via = format!(
        "{OVL} lab --lab {} exec {{node}} -- ovl node serve",
        lab.name()
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
