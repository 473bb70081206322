//! `ovl check --probe`: echoes between each two nodes and their pods, and what becomes of those that are lost.

use serde_json::Value;

use super::support::can_run;
use super::support::lab::Lab;
use super::via::via;

fn check(lab: &Lab, args: &[&str]) -> (Value, i32) {
    let here = lab.here();
    let mut all = vec!["check", "--probe", "-o", "json"];
    all.extend(args);
    if !args.iter().any(|arg| arg.starts_with("--via")) {
        all.push(&here);
    }
    let output = lab.run(&all);
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (document, output.status.code().unwrap())
}

/// Each finding as `id node device`.
fn found(report: &Value) -> Vec<String> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("-").to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| {
            ["id", "node", "device"]
                .map(|key| text(finding, key))
                .join(" ")
        })
        .collect()
}

/// Sent and answered of a network.
fn count(report: &Value, layer: &str) -> [u64; 2] {
    ["sent", "answered"].map(|key| report["echoes"][layer][key].as_u64().unwrap())
}

fn healthy(profile: &str, families: u64) {
    let Some(lab) = Lab::up(profile, 3) else {
        return;
    };
    let (report, code) = check(&lab, &[]);
    assert_eq!((code, found(&report)), (0, Vec::new()), "{report:#}");
    assert_eq!(report["doubts"], Value::Array(Vec::new()), "{report:#}");
    // Six ordered pairs of three nodes; the third has pods, too.
    assert_eq!(count(&report, "nodes"), [6, 6]);
    assert_eq!(count(&report, "pods"), [6 * families, 6 * families]);
    for node in ["host01", "host02", "host03"] {
        assert_eq!(lab.packet_sockets(node), 0, "{node}");
    }
}

#[test]
fn routed_nodes_and_pods_answer() {
    healthy("calico", 1);
}

#[test]
fn pods_on_one_flat_network_answer() {
    healthy("weave", 1);
}

#[test]
fn pods_routed_into_vxlan_answer() {
    healthy("flannel", 1);
}

#[test]
fn pods_across_subnets_answer() {
    healthy("crosssubnet", 1);
}

#[test]
fn pods_of_two_families_are_asked_in_both() {
    if !can_run() {
        return;
    }
    let lab = Lab::of_topology(
        "mesh-dual",
        r#"
        subnet = [{ cidr = ["192.168.61.0/24", "fd00:61::/64"] }]
        node = [{ name = "host01" }, { name = "host02" }]
        [network]
        name = "k8s-pod-network"
        mode = "routed"
        pools = [{ cidr = "172.31.0.0/16" }, { cidr = "fd00:31::/48" }]
        "#,
    );
    for (pod, node) in [("pod1", "host01"), ("pod2", "host02")] {
        assert_eq!(lab.pod(pod, node, &[]).len(), 2);
    }
    let here = lab.here();
    let probe = ["check", "--probe", "-o", "json", &here];
    let mut output = lab.run(&probe);
    // The first echo waits for IPv6 addresses that were made just now.
    for _ in 0..20 {
        if output.status.success() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(250));
        output = lab.run(&probe);
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(count(&report, "nodes"), [2, 2]);
    assert_eq!(count(&report, "pods"), [4, 4]);
    // Only IPv6 is lost.
    let switch = ["lab", "exec", "switch", "--", "nft"];
    let nft = |line: &str| lab.ok(&[&switch[..], &[line]].concat());
    nft("add table netdev cut");
    nft("add chain netdev cut in { type filter hook ingress device \"host01\" priority 0; }");
    nft("add rule netdev cut in ip6 saddr fd00:31::/48 drop");
    let output = lab.run(&probe);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    let found = found(&report);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("pod-addresses-lost-in-underlay host01 "),
        "{found:?}"
    );
    for lost in report["echoes"]["lost"].as_array().unwrap() {
        assert!(
            lost["source_address"]
                .as_str()
                .unwrap()
                .starts_with("fd00:31:"),
            "{lost}"
        );
    }
}

#[test]
fn what_only_packets_show_is_found_by_them() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    let here = lab.here();
    lab.ok(&["lab", "break", "vxlan-lost-in-underlay", &here]);
    // The tables say nothing of it.
    lab.ok(&["check", &here]);
    let (report, code) = check(&lab, &[]);
    assert_eq!(code, 1, "{report:#}");
    let found = found(&report);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("vxlan-lost-in-underlay host01 "),
        "{found:?}"
    );
    assert_eq!(count(&report, "nodes"), [2, 2]);
    let [sent, answered] = count(&report, "pods");
    assert_eq!(sent, 2);
    let lost = report["echoes"]["lost"].as_array().unwrap();
    assert_eq!(lost.len() as u64, sent - answered);
    assert!(lost.iter().any(|lost| {
        lost["layer"] == "pods" && lost["findings"][0] == "vxlan-lost-in-underlay"
    }));
    let text = lab.run(&["check", "--probe", &here]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("2 of 2 between nodes") && text.contains("lost      default/pod1"),
        "{text}"
    );
    lab.ok(&["lab", "heal", &here]);
    assert_eq!(check(&lab, &[]).1, 0);
}

#[test]
fn what_the_tables_tell_is_told_once() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let here = lab.here();
    for fault in ["no-route-to-block", "host-route-missing"] {
        lab.ok(&["lab", "break", fault, &here]);
        let (report, code) = check(&lab, &[]);
        let found = found(&report);
        assert_eq!((code, found.len()), (1, 1), "{fault}: {report:#}");
        assert!(found[0].starts_with(&format!("{fault} ")), "{found:?}");
        assert_eq!(count(&report, "nodes"), [2, 2], "{fault}");
        lab.ok(&["lab", "heal", &here]);
    }
}

#[test]
fn nodes_that_are_cut_off_from_each_other_are_found() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let ports = lab.on("switch", "ls /sys/class/net");
    let port = ports
        .split_whitespace()
        .find(|name| name.contains("host01"))
        .unwrap_or_else(|| panic!("{ports}"));
    let nft = |line: &str| {
        let mut args = vec!["lab", "--lab", lab.name(), "exec", "switch", "--", "nft"];
        args.push(line);
        lab.ok(&args);
    };
    nft("add table netdev cut");
    nft(&format!(
        "add chain netdev cut in {{ type filter hook ingress device \"{port}\" priority 0; }}"
    ));
    let drop = |what: &str| nft(&format!("add rule netdev cut in {what} drop"));
    drop("ip protocol icmp ip saddr 192.168.61.0/24");
    // Nodes do not answer, pods do: not what breaks pods.
    let (report, code) = check(&lab, &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(count(&report, "pods"), [2, 2]);
    assert_eq!(report["findings"][0]["id"], "underlay-lost", "{report:#}");
    assert_eq!(report["findings"][0]["severity"], "warning");
    drop("ip protocol icmp");
    let (report, code) = check(&lab, &[]);
    assert_eq!(code, 1, "{report:#}");
    let found = found(&report);
    assert!(
        found
            .iter()
            .all(|found| found.starts_with("underlay-lost host0")),
        "{found:?}"
    );
    assert_eq!(report["findings"][0]["severity"], "fault");
}

#[test]
fn a_node_that_answers_nothing_is_no_verdict() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let via = via(&lab, "host09", "echo no route to host >&2; exit 255");
    let (report, code) = check(&lab, &[&via, "--nodes=host01,host02,host09"]);
    assert_eq!(code, 4, "{report:#}");
    assert!(
        report["doubts"].to_string().contains("host09: "),
        "{report:#}"
    );
    assert_eq!(count(&report, "nodes"), [2, 2]);
}

#[test]
fn one_node_has_nobody_to_ask() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let alone = lab.run(&["check", "--probe", "--nodes=host01", &lab.here()]);
    assert_eq!(alone.status.code(), Some(2));
    let saved = lab.run(&["check", "--probe", "--from", "-"]);
    assert_eq!(saved.status.code(), Some(2));
}
