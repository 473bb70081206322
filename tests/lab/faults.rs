//! Faults are made as they are announced, remembered, and taken back to the letter.

use std::collections::BTreeSet;

use serde_json::Value;

use super::support::can_run;
use super::support::lab::Lab;

fn two_pods(name: &str, profile: &str) -> Lab {
    let lab = Lab::made(name, &["--profile", profile, "--nodes", "3"]);
    for (pod, node) in [("pod1", "host01"), ("pod2", "host02"), ("pod3", "host03")] {
        lab.pod(pod, node, &[]);
    }
    lab
}

fn answers(lab: &Lab, from: &str, to: &str) -> bool {
    let words = ["lab", "exec", from, "--", "ping", "-c", "1", "-W", "2", to];
    lab.run(&words).status.success()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn a_fault_is_made_and_taken_back() {
    if !can_run() {
        return;
    }
    let lab = two_pods("fault-one", "calico");
    let before = lab.exec("host01", &["ip", "route"]);
    let made = lab.ok(&["lab", "break", "no-route-to-block"]);
    assert!(
        made.contains("host01  ip route del 172.31.89.192/26"),
        "{made}"
    );
    assert!(made.contains("the agent of host01 is stopped"), "{made}");
    // An agent that runs would have mended it within milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_ne!(lab.exec("host01", &["ip", "route"]), before);
    assert!(!answers(&lab, "pod1", "pod2"));
    let again = lab.fails(&["lab", "break", "no-route-to-block"]);
    assert!(again.contains("is broken already"), "{again}");
    assert!(
        lab.ok(&["lab", "heal"])
            .contains("healed  no-route-to-block")
    );
    assert_eq!(lab.exec("host01", &["ip", "route"]), before);
    assert!(answers(&lab, "pod1", "pod2"));
    assert_eq!(lab.ok(&["lab", "heal"]), "nothing is broken\n");
    // The agent goes on: it mends what is broken without `break`.
    lab.exec("host01", &["ip", "route", "del", "172.31.89.192/26"]);
    let start = std::time::Instant::now();
    while lab.exec("host01", &["ip", "route"]) != before {
        assert!(start.elapsed().as_secs() < 5, "the agent does not run");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn several_faults_are_taken_back_in_turn() {
    if !can_run() {
        return;
    }
    let lab = two_pods("fault-two", "flannel");
    let device = |lab: &Lab| lab.exec("host01", &["ip", "-d", "link", "show", "flannel.1"]);
    let routes = lab.exec("host01", &["ip", "route"]);
    // The kernel lists them in the order of a hash table.
    let neighbours = |lab: &Lab| {
        let text = lab.exec("host01", &["ip", "neigh", "show", "dev", "flannel.1"]);
        text.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let before = neighbours(&lab);
    assert!(device(&lab).contains("vxlan id 1 "));
    let made = json(&lab.ok(&["lab", "break", "vni-mismatch", "-o", "json"]));
    assert_eq!(made["schema"], "ovl.lab-fault/v1");
    assert_eq!(made["device"], "flannel.1");
    assert_eq!(made["see"][0], "trace");
    lab.ok(&["lab", "break", "ip-forward-off", "--node", "host01"]);
    assert!(device(&lab).contains("vxlan id 2 "));
    let healed = json(&lab.ok(&["lab", "heal", "-o", "json"]));
    let names: Vec<_> = healed["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["fault"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["ip-forward-off", "vni-mismatch"]);
    assert!(device(&lab).contains("vxlan id 1 "));
    assert_eq!(lab.exec("host01", &["ip", "route"]), routes);
    assert_eq!(neighbours(&lab), before);
    assert!(answers(&lab, "pod1", "pod2") && answers(&lab, "pod1", "pod3"));
}

/// A step that was recorded and may not have been run: what a killed `ovl lab break` leaves.
#[test]
fn what_a_crash_left_is_taken_back() {
    if !can_run() {
        return;
    }
    let lab = two_pods("fault-crash", "calico");
    lab.ok(&["lab", "break", "rule-hijacks-route"]);
    let file = lab.root().join(lab.name()).join("lab.json");
    let mut state = json(&std::fs::read_to_string(&file).unwrap());
    // The last step was about to be run.
    lab.exec("host01", &["ip", "rule", "del", "priority", "1000"]);
    state["faults"][0]["steps"][1]["done"] = false.into();
    std::fs::write(&file, state.to_string()).unwrap();
    lab.ok(&["lab", "heal"]);
    assert!(
        !lab.exec("host01", &["ip", "route", "show", "table", "all"])
            .contains("table 100")
    );
    assert!(answers(&lab, "pod1", "pod2"));
}

#[test]
fn what_cannot_be_broken_says_why() {
    if !can_run() {
        return;
    }
    let lab = two_pods("fault-list", "weave");
    let list = json(&lab.ok(&["lab", "break", "--list", "-o", "json"]));
    let faults = list["faults"].as_array().unwrap();
    assert!(faults.len() > 50, "{}", faults.len());
    for fault in faults {
        let (available, reason) = (&fault["available"], &fault["reason"]);
        assert_eq!(available == &Value::Bool(true), reason.is_null(), "{fault}");
    }
    let why = lab.fails(&["lab", "break", "no-route-to-block"]);
    assert!(why.contains("one Ethernet"), "{why}");
    let why = lab.fails(&["lab", "break", "neighbour-table-overflow"]);
    assert!(why.contains("for this machine"), "{why}");
    assert!(
        lab.fails(&["lab", "break", "no-such-fault"])
            .contains("there is no fault")
    );
    assert_eq!(lab.ok(&["lab", "heal"]), "nothing is broken\n");
}
