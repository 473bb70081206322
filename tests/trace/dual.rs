//! Dual stack: the same over IPv6 as over IPv4, in every profile's kind of network. Healthy ways are right to the last
//! device, and faults that IPv6 has of its own kind are found; the tables stand with the others in `target/tmp/results/`.

use std::path::Path;

use super::results::{Row, look, table};
use super::support::can_run;
use super::support::lab::Lab;

/// Sends a signal to the agents of nodes: stopped ones do not mend what a test breaks.
pub fn signal_agents(lab: &Lab, nodes: &[&str], signal: &str) {
    for node in nodes {
        let line = format!(
            "own=$(readlink /proc/self/ns/net); for p in /proc/[0-9]*; do \
             [ \"$(readlink $p/ns/net 2>/dev/null)\" = \"$own\" ] && \
             tr '\\0' ' ' < $p/cmdline | grep -q '^[^ ]*ovl agent ' && kill -{signal} ${{p#/proc/}}; done; true"
        );
        lab.exec(node, &["sh", "-c", &line]);
    }
}

/// One fault: where, what makes it and takes it back, and what must be found.
struct Fault {
    id: &'static str,
    /// Where it is made: a node or a pod.
    at: &'static str,
    make: String,
    heal: String,
    /// The node that must be named.
    node: &'static str,
    trace: [&'static str; 2],
}

const NODES: [&str; 3] = ["host01", "host02", "host03"];
const SUBNET: &str = r#"cidr = ["192.168.61.0/24", "fd00:61::/64"]"#;
const SECOND: &str = r#"cidr = ["192.168.62.0/24", "fd00:62::/64"]"#;

fn topology(profile: &str) -> String {
    let network = match profile {
        "calico" => "mode = \"routed\"",
        "weave" => {
            "mode = \"flat\"\nbridge = \"weave\"\nvxlan = { device = \"vxlan-6784\", port = 6784 }"
        }
        "flannel" => {
            "mode = \"subnets\"\nbridge = \"cni0\"\nvxlan = { device = \"flannel.1\", vni = 1, port = 8472 }"
        }
        _ => {
            "mode = \"routed\"\nencap = \"crossSubnet\"\nvxlan = { device = \"vxlan.calico\", vni = 4096, port = 4789 }"
        }
    };
    let is_cross = profile == "crosssubnet";
    let subnets = if is_cross {
        format!("{{ {SUBNET}, name = \"one\" }}, {{ {SECOND}, name = \"two\" }}")
    } else {
        format!("{{ {SUBNET}, name = \"one\" }}")
    };
    let last = if is_cross { "two" } else { "one" };
    format!(
        r#"
        subnet = [{subnets}]
        node = [{{ name = "host01", subnet = "one" }}, {{ name = "host02", subnet = "{last}" }}, {{ name = "host03", subnet = "{last}" }}]
        [network]
        name = "pods"
        pools = [{{ cidr = "172.31.0.0/16" }}, {{ cidr = "fd00:31::/48" }}]
        {network}
        "#
    )
}

/// What a node's own IPv6 routing says of an address, in one field.
fn route(lab: &Lab, node: &str, address: &str, field: &str) -> String {
    let rows = lab.json(node, &format!("ip -6 -j route get fibmatch {address}"));
    rows[0][field].as_str().unwrap_or_default().to_owned()
}

fn faults(lab: &Lab, profile: &str, pod2: &str) -> Vec<Fault> {
    let there = ["pod1", "pod2"];
    let fault = |id, at, make: String, heal: String, node| Fault {
        id,
        at,
        make,
        heal,
        node,
        trace: there,
    };
    let drop = format!("FORWARD -d {pod2} -j DROP");
    let filtered = fault(
        "rule-drop",
        "host02",
        format!("ip6tables -I {drop}"),
        format!("ip6tables -D {drop}"),
        "host02",
    );
    let mut all = vec![fault(
        "pod-address-missing",
        "pod2",
        "ip -6 address flush dev eth0 scope global".to_owned(),
        String::new(),
        "host02",
    )];
    if profile == "weave" {
        all.insert(
            0,
            fault(
                "vxlan-device-down",
                "host01",
                "ip link set vxlan-6784 down".to_owned(),
                "ip link set vxlan-6784 up".to_owned(),
                "host01",
            ),
        );
        return all;
    }
    let block = route(lab, "host01", pod2, "dst");
    let row: String = lab
        .exec("host01", &["ip", "-6", "route", "show", &block])
        .trim()
        .replace(" pref medium", "");
    let forwarding = "sysctl -q -w net.ipv6.conf.all.forwarding";
    let default = lab
        .exec("pod1", &["ip", "-6", "route", "show", "default"])
        .trim()
        .replace(" pref medium", "");
    let more = vec![
        fault(
            "no-route-to-block",
            "host01",
            format!("ip -6 route del {block}"),
            format!("ip -6 route add {row}"),
            "host01",
        ),
        fault(
            "blackhole-route",
            "host01",
            format!("ip -6 route add blackhole {pod2}/128"),
            format!("ip -6 route del blackhole {pod2}/128"),
            "host01",
        ),
        fault(
            "rule-hijacks-route",
            "host01",
            format!("ip -6 rule add to {pod2}/128 priority 100 blackhole"),
            "ip -6 rule del priority 100".to_owned(),
            "host01",
        ),
        fault(
            "ip-forward-off",
            "host02",
            format!("{forwarding}=0"),
            format!("{forwarding}=1"),
            "host02",
        ),
        filtered,
        fault(
            "pod-default-route-missing",
            "pod1",
            "ip -6 route del default".to_owned(),
            format!("ip -6 route add {default}"),
            "host01",
        ),
    ];
    all.splice(0..0, more);
    all
}

fn dual(profile: &str) {
    if !can_run() {
        return;
    }
    let lab = Lab::of_topology(&format!("dual-{profile}"), &topology(profile));
    let mut second = String::new();
    for (pod, node) in [("pod1", "host01"), ("pod2", "host02"), ("pod3", "host03")] {
        let addresses = lab.pod(pod, node, &[]);
        if pod == "pod2" {
            second = addresses
                .into_iter()
                .find(|address| address.contains(':'))
                .unwrap();
        }
    }
    // Addresses are asked about for a second before they are used.
    std::thread::sleep(std::time::Duration::from_secs(2));
    for (from, to) in [("pod1", "pod2"), ("pod3", "pod1"), ("node/host01", "pod2")] {
        for family in ["-4", "-6"] {
            let (found, code, doubts) = look(&lab, &["trace", from, to, family]);
            assert_eq!(
                (found, code),
                (Vec::new(), 0),
                "{profile}: {from} to {to} {family}: {doubts}"
            );
        }
    }
    signal_agents(&lab, &NODES, "STOP");
    let rows: Vec<Row> = faults(&lab, profile, &second)
        .into_iter()
        .map(|fault| {
            lab.exec(fault.at, &["sh", "-c", &fault.make]);
            let [from, to] = fault.trace;
            // Where the pod's address is gone, it is the one that is asked for.
            let to = if fault.id == "pod-address-missing" {
                &second
            } else {
                to
            };
            let (found, code, doubts) = look(&lab, &["trace", from, to, "-6"]);
            if !fault.heal.is_empty() {
                lab.exec(fault.at, &["sh", "-c", &fault.heal]);
            }
            let is_right = code == 1
                && found.len() == 1
                && found[0].starts_with(&format!("{} {} ", fault.id, fault.node));
            Row {
                fault: fault.id.to_owned(),
                command: format!("trace {from} {to} -6"),
                expected: format!("{} {}", fault.id, fault.node),
                found: if found.is_empty() {
                    format!("nothing, exit {code}: {doubts}")
                } else {
                    found.join(", ")
                },
                is_right,
            }
        })
        .collect();
    signal_agents(&lab, &NODES, "CONT");
    let name = format!("{profile}-ipv6");
    let text = table(&name, &rows);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("results");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(&name), &text).unwrap();
    println!("{text}");
    assert!(rows.iter().all(|row| row.is_right), "{text}");
}

#[test]
fn of_calico() {
    dual("calico");
}

#[test]
fn of_weave() {
    dual("weave");
}

#[test]
fn of_flannel() {
    dual("flannel");
}

#[test]
fn of_crosssubnet() {
    dual("crosssubnet");
}

/// What is told of one fault made by hand over IPv6: id, node, and the fix.
fn told(lab: &Lab, at: &str, make: &str, heal: &str) -> (String, String, String) {
    lab.sh(at, make);
    let (trace, code) = lab.trace(&["pod1", "pod2", "-6", &lab.here()]);
    lab.sh(at, heal);
    let findings = trace["findings"].as_array().unwrap();
    assert_eq!((code, findings.len()), (1, 1), "{make}: {trace:#}");
    let text = |key: &str| findings[0][key].as_str().unwrap_or_default().to_owned();
    (text("id"), text("node"), text("fix"))
}

#[test]
fn what_only_ipv6_has() {
    if !can_run() {
        return;
    }
    let lab = Lab::of_topology("dual-own", &topology("calico"));
    for (pod, node) in [("pod1", "host01"), ("pod2", "host02")] {
        lab.pod(pod, node, &[]);
    }
    std::thread::sleep(std::time::Duration::from_secs(2));
    signal_agents(&lab, &NODES, "STOP");
    // Neighbour discovery is packets, which rules see: of the node that asks, and of the one that answers.
    for (at, hook, kind) in [
        ("host01", "input", "nd-neighbor-advert"),
        ("host02", "input", "nd-neighbor-solicit"),
        ("host02", "output", "nd-neighbor-advert"),
    ] {
        let make = format!(
            "nft add table ip6 t; nft add chain ip6 t c '{{ type filter hook {hook} priority 0; }}'; \
             nft add rule ip6 t c icmpv6 type {kind} drop; ip -6 neigh flush dev enp0s8"
        );
        // The other node must ask as well.
        lab.sh("host01", "ip -6 neigh flush dev enp0s8");
        let (id, node, fix) = told(&lab, at, &make, "nft delete table ip6 t");
        assert_eq!((id.as_str(), node.as_str()), ("rule-drop", at), "{make}");
        assert!(fix.starts_with("nft delete rule ip6 t c handle"), "{fix}");
        lab.sh("host01", "ip -6 neigh flush dev enp0s8");
    }
    // Connection tracking does not follow it, so that it is never established.
    let make = "ip6tables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; \
                ip6tables -P INPUT DROP; ip -6 neigh flush dev enp0s8";
    let heal = "ip6tables -P INPUT ACCEPT; ip6tables -F INPUT; ip -6 neigh flush dev enp0s8";
    let (id, node, _) = told(&lab, "host01", make, heal);
    assert_eq!(
        (id.as_str(), node.as_str()),
        ("forward-policy-drop", "host01")
    );
    lab.sh("host01", "ip -6 neigh flush dev enp0s8");
    let (_, healthy) = lab.trace(&["pod1", "pod2", "-6", &lab.here()]);
    assert_eq!(healthy, 0);
    // A hop limit of each device, and a gateway of its own.
    let (id, node, fix) = told(
        &lab,
        "pod1",
        "sysctl -qw net.ipv6.conf.eth0.hop_limit=1",
        "sysctl -qw net.ipv6.conf.eth0.hop_limit=64",
    );
    assert_eq!(
        (id.as_str(), node.as_str()),
        ("hop-limit-exceeded", "host01")
    );
    assert!(
        fix.ends_with("sysctl -w net.ipv6.conf.eth0.hop_limit=64"),
        "{fix}"
    );
    let default = lab.exec("pod2", &["ip", "-6", "route", "show", "default"]);
    let default = default.trim().replace(" pref medium", "");
    let (id, node, fix) = told(
        &lab,
        "pod2",
        "ip -6 route del default",
        &format!("ip -6 route add {default}"),
    );
    assert_eq!(
        (id.as_str(), node.as_str()),
        ("pod-default-route-missing", "host02")
    );
    let gateway = default.split_whitespace().nth(2).unwrap();
    assert!(
        fix.ends_with(&format!("ip route add default via {gateway} dev eth0")),
        "{fix}"
    );
    signal_agents(&lab, &NODES, "CONT");
}
