//! Tables that could not be read: whatever is missing, nothing false is said. A healthy network is healthy or cannot be
//! told; a broken one is broken for the right reason or cannot be told.

use ovl::cluster::Source;
use ovl::command::trace::unfound;
use ovl::diagnose::Severity;
use ovl::error::Outcome;
use ovl::model::Bundle;
use ovl::trace::{Content, Question, Trace, ways};
use serde_json::{Value, json};

use super::support::lab::Lab;

/// Faults that each table is taken away of in turn, where a profile can have them and the tables tell of them.
const IN_TURN: [&str; 12] = [
    "no-route-to-block",
    "block-route-wrong-node",
    "ip-forward-off",
    "forward-policy-drop",
    "rule-drop",
    "rp-filter-drop",
    "proxy-arp-off",
    "host-route-missing",
    "host-veth-down",
    "pod-default-route-missing",
    "fdb-missing",
    "vni-mismatch",
];
/// How often half of the tables are taken away, of each fault.
const HALVES: u64 = 8;

/// Where the tables of a bundle are, as JSON pointers: whatever has rows or is known.
fn tables(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            let is_table = object.contains_key("state") && object.contains_key("rows");
            if is_table || (object.contains_key("known") && object.len() == 1) {
                found.push(at.to_owned());
            }
            for (key, inner) in object {
                tables(
                    inner,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(values) => {
            for (index, inner) in values.iter().enumerate() {
                tables(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Takes a table away, as a node that cannot read it would.
fn take(bundle: &mut Value, at: &str) {
    // One inside of another that is gone is gone already.
    let Some(table) = bundle.pointer_mut(at) else {
        return;
    };
    *table = if table.get("rows").is_some() {
        json!({"state": "unavailable", "reason": "permission denied", "rows": []})
    } else {
        json!({"unavailable": "permission denied"})
    };
}

/// What a trace says, as a program would end: the outcome, the faults, and all of it for a failing test.
fn verdict(bundle: &Value) -> (Outcome, Vec<String>, String) {
    let bundle: Bundle = serde_json::from_value(bundle.clone()).unwrap();
    let question = Question {
        source: "pod1".parse().unwrap(),
        destination: "pod2".parse().unwrap(),
        content: Content::ECHO,
        v6: None,
    };
    match ways(&bundle, &question) {
        Ok(ways) => {
            let trace: Trace = ways.into_trace(&bundle);
            let faults = trace
                .findings
                .iter()
                .map(|verdict| &verdict.finding)
                .filter(|finding| finding.severity == Severity::Fault)
                .map(|finding| finding.id.to_owned())
                .collect();
            (
                trace.outcome(),
                faults,
                serde_json::to_string_pretty(&trace).unwrap(),
            )
        }
        Err(who) => {
            let error = unfound(who, &bundle, &Source::Files(Vec::new()));
            (error.outcome(), Vec::new(), error.with_cause())
        }
    }
}

/// A sequence that looks random and is the same every time (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 63 == 1
    }
}

/// What is wrong with what is said of `bundle` without the tables at `gone`; `fault` is what is wrong with the network.
fn false_verdict(bundle: &Value, gone: &[&String], fault: Option<&str>) -> Option<String> {
    let mut without = bundle.clone();
    for at in gone {
        take(&mut without, at);
    }
    let (outcome, faults, said) = verdict(&without);
    let is_true = match (outcome, fault) {
        (Outcome::CannotTell, _) => faults.is_empty(),
        (Outcome::Healthy, None) => true,
        (Outcome::Fault, Some(fault)) => faults == [fault],
        _ => false,
    };
    (!is_true).then(|| {
        let gone: Vec<_> = gone.iter().map(|at| at.as_str()).collect();
        let first: String = said.lines().take(3).collect::<Vec<_>>().join(" ");
        format!(
            "{}: {outcome:?} {faults:?} without {}: {first}",
            fault.unwrap_or("healthy"),
            gone.join(" ")
        )
    })
}

fn snapshot(lab: &Lab) -> Value {
    serde_json::from_str(&lab.ok(&["snapshot", &lab.here()])).unwrap()
}

fn all_tables(bundle: &Value) -> Vec<String> {
    let mut found = Vec::new();
    tables(bundle, "", &mut found);
    found
}

fn half(bundle: &Value, seed: u64, fault: Option<&str>) -> Option<String> {
    let tables = all_tables(bundle);
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (seed + 1));
    let gone: Vec<&String> = tables.iter().filter(|_| dice.roll()).collect();
    false_verdict(bundle, &gone, fault).map(|words| format!("seed {seed}: {words}"))
}

fn without(profile: &str) {
    let Some(lab) = Lab::up(profile, 2) else {
        return;
    };
    let here = lab.here();
    // Neighbours are known then, as they are in a network that is used.
    lab.ok(&["trace", "pod1", "pod2", &here]);
    let healthy = snapshot(&lab);
    assert_eq!(verdict(&healthy).0, Outcome::Healthy);
    let mut wrong = Vec::new();
    for at in all_tables(&healthy) {
        wrong.extend(false_verdict(&healthy, &[&at], None));
    }
    for seed in 0..HALVES * 4 {
        wrong.extend(half(&healthy, seed, None));
    }
    let list = lab.ok(&["lab", "break", "--list", "-o", "json", &here]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let mut told = 0;
    for fault in list["faults"].as_array().unwrap() {
        if fault["available"] != true {
            continue;
        }
        let id = fault["id"].as_str().unwrap();
        let made = lab.ok(&["lab", "break", id, "-o", "json", &here]);
        let made: Value = serde_json::from_str(&made).unwrap();
        let broken = snapshot(&lab);
        lab.ok(&["lab", "heal", &here]);
        let (outcome, faults, _) = verdict(&broken);
        // What the tables do not tell of, or what concerns other packets than these.
        let is_of_these = made["see"] == json!(["trace", "pod1", "pod2"]);
        if !is_of_these || outcome != Outcome::Fault || faults != [id] {
            continue;
        }
        told += 1;
        if IN_TURN.contains(&id) {
            for at in all_tables(&broken) {
                wrong.extend(false_verdict(&broken, &[&at], Some(id)));
            }
        }
        for seed in 0..HALVES {
            wrong.extend(half(&broken, seed, Some(id)));
        }
    }
    assert!(
        told >= 8,
        "only {told} faults of {profile} are told by its tables"
    );
    assert!(
        wrong.is_empty(),
        "{} false:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn of_routed_pods() {
    without("calico");
}

#[test]
fn of_pods_on_one_flat_network() {
    without("weave");
}

#[test]
fn of_pods_routed_into_vxlan() {
    without("flannel");
}

#[test]
fn of_pods_across_subnets() {
    without("crosssubnet");
}
