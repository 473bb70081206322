//! Nodes that die or cannot be reached, and a trace that is killed: no verdict, and nothing left behind.

use std::time::{Duration, Instant};

use super::support::lab::Lab;
use super::via::{addresses, via};

#[test]
fn a_node_that_dies_while_packets_fly_leaves_no_verdict() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let [from, to] = addresses(&lab);
    let nodes = "--nodes=host01,host02";
    let whole = via(&lab, "host02", "serve host02");
    let (trace, code) = lab.trace(&[&from, &to, &whole, nodes]);
    assert_eq!(
        (code, &trace["probes"]["answered"]),
        (0, &3.into()),
        "{trace:#}"
    );
    // Five times the clock, the tables, the taps, the counters: it hears nothing more.
    let dying = via(&lab, "host02", "sed -u 8q | serve host02");
    let (trace, code) = lab.trace(&[&from, &to, &dying, nodes]);
    assert_eq!(code, 4, "{trace:#}");
    assert_eq!(trace["findings"], serde_json::json!([]));
    let doubts = trace["doubts"].to_string();
    assert!(doubts.contains("host02: what it saw is lost"), "{doubts}");
    // What the other node saw is still told, and of this one that nobody knows.
    let seen: Vec<_> = trace["out"]["hops"]
        .as_array()
        .unwrap()
        .iter()
        .zip(trace["out"]["sights"].as_array().unwrap())
        .map(|(hop, sight)| (hop["at"]["node"].as_str().unwrap(), sight["seen"].as_u64()))
        .collect();
    assert!(
        seen.contains(&("host01", Some(3))) && seen.contains(&("host02", None)),
        "{seen:?}"
    );
    for node in ["host01", "host02"] {
        assert_eq!(lab.packet_sockets(node), 0, "{node}");
    }
}

#[test]
fn a_node_that_cannot_be_read_leaves_no_verdict() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let [from, to] = addresses(&lab);
    let dead = via(&lab, "host02", "echo no route to host >&2; exit 255");
    let output = lab.run(&["trace", &from, &to, &dead, "--nodes=host01,host02"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("host02") && said.contains("no route to host"),
        "{said}"
    );
}

/// A node that is asked as an ordinary user: neither its packet filter nor its pods' namespaces can be read, and no
/// packet can be seen or sent there.
#[test]
fn a_node_without_rights_leaves_no_verdict() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let [from, to] = addresses(&lab);
    let nodes = "--nodes=host01,host02";
    let as_nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all";
    let second = format!("serve host02 {as_nobody}");
    let via = via(&lab, "host02", &second);
    for (from, to) in [(&from, &to), (&to, &from)] {
        for more in [&[][..], &["--static"]] {
            let mut args = vec!["trace", from, to, &via, nodes];
            args.extend(more);
            let output = lab.run(&args);
            let said = String::from_utf8_lossy(&output.stderr).into_owned()
                + &String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(4), "{args:?} {said}");
            assert!(said.contains("host02"), "{said}");
            assert!(!said.contains("\nfault  "), "{said}");
        }
    }
    for node in ["host01", "host02"] {
        assert_eq!(lab.packet_sockets(node), 0, "{node}");
    }
    let processes = lab.on("host02", "ps -eo uid=,args=");
    let is_left = |line: &&str| line.trim().starts_with("65534 ") && line.contains("node serve");
    assert_eq!(processes.lines().find(is_left), None);
}

#[test]
fn a_trace_that_is_killed_leaves_no_tap() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let wait = |what: &str, is_true: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_true() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "waited too long for {what}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // A bridge makes its ports promiscuous; a tap must not make anything so.
    let promiscuity = || {
        let links = lab.on("host01", "ip -d link");
        links
            .split("promiscuity ")
            .skip(1)
            .filter_map(|rest| rest.split(' ').next().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let before = promiscuity();
    let open = || ["host01", "host02"].map(|node| lab.packet_sockets(node));
    let mut trace = lab.start(&[
        "trace",
        "pod1",
        "pod2",
        "--count=200",
        "--interval=1",
        &lab.here(),
    ]);
    wait("the taps", &|| open().iter().all(|count| *count > 0));
    assert_eq!(promiscuity(), before);
    trace.0.kill().unwrap();
    wait("their end", &|| open() == [0, 0]);
}
