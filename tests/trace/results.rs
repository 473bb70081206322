//! What is found of every fault that a lab can have, in every profile: the right finding on the right node and device,
//! no second one, exit 1; and nothing once it is healed, exit 0.
//!
//! One lab a profile; the faults are made one after another. The tables of results stand in
//! `target/tmp/results/`, from where `make test` prints them.

use std::fmt::Write;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::dual::signal_agents;
use super::support::can_run;
use super::support::lab::Lab;

/// What was found, of one fault.
pub struct Row {
    pub fault: String,
    pub command: String,
    pub expected: String,
    pub found: String,
    pub is_right: bool,
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        panic!(
            "{error}: {}{stderr}",
            String::from_utf8_lossy(&output.stdout)
        )
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("-")
}

/// Runs a command that shows faults; what it found, as `id node device`, and its exit code.
pub fn look(lab: &Lab, command: &[&str]) -> (Vec<String>, i32, String) {
    let output = lab.run(&[command, &["-o", "json", &lab.here()]].concat());
    let code = output.status.code().unwrap_or(-1);
    if output.stdout.is_empty() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return (Vec::new(), code, stderr.trim().to_owned());
    }
    let document = json(&output);
    let found = document["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|finding| {
            format!(
                "{} {} {}",
                text(finding, "id"),
                text(finding, "node"),
                text(finding, "device")
            )
        })
        .collect();
    let doubts: Vec<_> = document["doubts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    (found, code, doubts.join("; "))
}

/// One fault, from the healthy lab to the healthy lab.
fn row(lab: &Lab, fault: &str) -> Row {
    let made = lab.run(&["lab", "break", fault, "-o", "json"]);
    assert!(
        made.status.success(),
        "{fault}: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let made = json(&made);
    let see: Vec<&str> = made["see"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let (found, code, doubts) = look(lab, &see);
    let healed = lab.run(&["lab", "heal"]);
    let healed_text = String::from_utf8_lossy(&healed.stdout).into_owned();
    assert!(healed.status.success(), "{fault}: {healed_text}");
    let (node, device) = (text(&made, "node"), text(&made, "device"));
    let is_expected = |found: &String| {
        let mut words = found.split(' ');
        words.next() == Some(fault)
            && words.next() == Some(node)
            && (device == "-" || words.next() == Some(device))
    };
    let mut is_right = found.len() == 1 && found.iter().all(is_expected) && code == 1;
    let mut found = if found.is_empty() {
        format!("nothing, exit {code}: {doubts}")
    } else {
        found.join(", ")
    };
    // A pod's socket is there or not, whether the lab is healed or not.
    if !fault.starts_with("nothing-listening") {
        let (left, code, doubts) = look(lab, &see_healthy(&see));
        if !left.is_empty() || code != 0 {
            is_right = false;
            let _ = write!(found, "; after heal {left:?}, exit {code}: {doubts}");
        }
    }
    Row {
        fault: fault.to_owned(),
        command: see.join(" "),
        expected: format!("{fault} {node} {device}"),
        found,
        is_right,
    }
}

/// What must be healthy afterwards: the same question, or between the pods where it was about a service.
fn see_healthy<'a>(see: &[&'a str]) -> Vec<&'a str> {
    match see {
        ["trace", from, to, "--proto", ..] if to.parse::<std::net::IpAddr>().is_ok() => {
            vec!["trace", from, "pod2"]
        }
        other => other.to_vec(),
    }
}

pub fn table(profile: &str, rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).len()).max().unwrap_or(0);
    let (fault, command) = (width(|row| &row.fault), width(|row| &row.command));
    let right = rows.iter().filter(|row| row.is_right).count();
    let mut text = format!("{profile}: {right} of {} faults found\n\n", rows.len());
    for row in rows {
        let mark = if row.is_right { "ok " } else { "BAD" };
        let _ = writeln!(
            text,
            "{mark}  {:fault$}  {:command$}  {}",
            row.fault, row.command, row.found
        );
    }
    text
}

fn results(profile: &str) {
    if !can_run() {
        return;
    }
    let lab = Lab::made(
        &format!("results-{profile}"),
        &["--profile", profile, "--nodes", "3"],
    );
    for (pod, node) in [
        ("pod1", "host01"),
        ("pod2", "host02"),
        ("pod3", "host03"),
        ("pod4", "host01"),
    ] {
        lab.pod(pod, node, &[]);
    }
    for healthy in [
        &["trace", "pod1", "pod2"][..],
        &["trace", "pod1", "pod3"],
        &["trace", "pod3", "pod1"],
        &["trace", "pod1", "pod4"],
        &["trace", "host01", "host02"],
        &["check"],
    ] {
        let words: Vec<String> = healthy
            .iter()
            .map(|word| word.replace("host", "node/host"))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (found, code, doubts) = look(&lab, &words);
        assert_eq!(
            (found, code),
            (Vec::new(), 0),
            "{words:?} in a healthy lab: {doubts}"
        );
    }
    let list = json(&lab.run(&["lab", "break", "--list", "-o", "json"]));
    let only = std::env::var("OVL_ONLY_FAULT").ok();
    let faults: Vec<&str> = list["faults"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|fault| fault["available"] == Value::Bool(true))
        .map(|fault| text(fault, "id"))
        .filter(|fault| {
            only.as_deref()
                .is_none_or(|only| only.split(',').any(|o| o == *fault))
        })
        .collect();
    let rows: Vec<Row> = faults.iter().map(|fault| row(&lab, fault)).collect();
    let table = table(profile, &rows);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("results");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(profile), &table).unwrap();
    println!("{table}");
    let wrong: Vec<String> = rows
        .iter()
        .filter(|row| !row.is_right)
        .map(|row| format!("{} → {}", row.expected, row.found))
        .collect();
    assert!(wrong.is_empty(), "{profile}:\n{}", wrong.join("\n"));
}

#[test]
fn of_calico() {
    results("calico");
}

#[test]
fn of_weave() {
    results("weave");
}

#[test]
fn of_flannel() {
    results("flannel");
}

#[test]
fn of_crosssubnet() {
    results("crosssubnet");
}

/// Two faults at once: the first one on the way is named, with a word that more may follow; then the other.
#[test]
fn of_two_faults_at_once() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("results-two", &["--profile", "calico", "--nodes", "2"]);
    lab.pod("pod1", "host01", &[]);
    lab.pod("pod2", "host02", &[]);
    lab.ok(&["lab", "break", "no-route-to-block"]);
    lab.ok(&["lab", "break", "host-route-missing"]);
    let output = lab.run(&["trace", "pod1", "pod2", "-o", "json", &lab.here()]);
    assert_eq!(output.status.code(), Some(1));
    let trace = json(&output);
    assert_eq!(trace["findings"][0]["id"], "no-route-to-block");
    assert_eq!(trace["more_may_follow"], true);
    lab.exec(
        "host01",
        &[
            "ip",
            "route",
            "add",
            "172.31.89.192/26",
            "via",
            "192.168.61.12",
            "dev",
            "enp0s8",
            "onlink",
        ],
    );
    let (found, code, doubts) = look(&lab, &["trace", "pod1", "pod2"]);
    assert_eq!((found.len(), code), (1, 1), "{found:?} {doubts}");
    assert!(
        found[0].starts_with("host-route-missing host02"),
        "{found:?}"
    );
}

/// Of several equal routes every way is followed: the kernel's hash may choose any of them.
#[test]
fn of_one_of_two_ways() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("results-ways", &["--profile", "calico", "--nodes", "3"]);
    lab.pod("pod1", "host01", &[]);
    let there = lab.pod("pod2", "host02", &[]);
    signal_agents(&lab, &["host01", "host02", "host03"], "STOP");
    let to = |node: &str| format!("nexthop via {node} dev enp0s8 onlink");
    lab.exec(
        "host01",
        &[
            "sh",
            "-c",
            &format!(
                "ip route replace 172.31.89.192/26 {} {}",
                to("192.168.61.12"),
                to("192.168.61.13")
            ),
        ],
    );
    let drop = format!("iptables -I FORWARD -d {} -j DROP", there[0]);
    lab.exec("host03", &["sh", "-c", &drop]);
    let here = lab.here();
    let on_tables = ["trace", "pod1", "pod2", "--static", "-o", "json", &here];
    let output = lab.run(&on_tables);
    // A rule that is not followed, on the other way alone.
    let may_drop = format!(
        "iptables -R FORWARD 1 -d {} -m u32 --u32 0=1 -j DROP",
        there[0]
    );
    lab.exec("host03", &["sh", "-c", &may_drop]);
    let in_doubt = lab.run(&on_tables);
    signal_agents(&lab, &["host01", "host02", "host03"], "CONT");
    // That the third node is on the way at all is told, and the rule stays a doubt.
    assert_eq!(in_doubt.status.code(), Some(1));
    let in_doubt = json(&in_doubt);
    let detour = &in_doubt["findings"][0];
    assert_eq!(text(detour, "id"), "block-route-to-wrong-node");
    assert!(
        text(detour, "what").starts_with("one of 2 ways, the 2nd: "),
        "{detour:#}"
    );
    let doubts = in_doubt["doubts"].to_string();
    assert!(
        doubts.contains("one of 2 ways, the 2nd: ") && doubts.contains("u32"),
        "{doubts}"
    );
    assert_eq!(output.status.code(), Some(1));
    let trace = json(&output);
    let found = &trace["findings"][0];
    assert_eq!(
        (text(found, "id"), text(found, "node")),
        ("rule-drop", "host03")
    );
    assert!(
        text(found, "what").starts_with("one of 2 ways, the 2nd: "),
        "{found:#}"
    );
}
