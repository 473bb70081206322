//! Faults of kinds that nobody wrote a check for: filters of frames, rules with matches that are not understood, queues.
//! The trace must say where packets were last seen, and of all rows there the one that took them.

use serde_json::Value;

use super::support::lab::Lab;

/// One such fault, and what must be said of it.
struct Case {
    node: &'static str,
    /// Run in a shell of the node; `POD1` is the node's end of pod1's pair.
    make: &'static str,
    heal: &'static str,
    id: &'static str,
    /// In the finding, its fix or the first of what is possible.
    says: &'static str,
    /// How many of six packets arrive.
    answered: u64,
}

const CASES: &[Case] = &[
    Case {
        node: "host02",
        make: "nft add table netdev guard; nft 'add chain netdev guard in { type filter hook ingress device enp0s8 priority 0 ; }'; nft add rule netdev guard in udp dport 8472 drop",
        heal: "nft delete table netdev guard",
        id: "rule-drop",
        says: "nft delete rule netdev guard in handle 2",
        answered: 0,
    },
    Case {
        node: "host01",
        make: "nft add table netdev guard; nft 'add chain netdev guard in { type filter hook ingress device POD1 priority 0 ; }'; nft add rule netdev guard in icmp type echo-request drop",
        heal: "nft delete table netdev guard",
        id: "rule-drop",
        says: "nft delete rule netdev guard in handle 2",
        answered: 0,
    },
    Case {
        node: "host02",
        make: "nft add table bridge guard; nft 'add chain bridge guard out { type filter hook postrouting priority 0 ; }'; nft add rule bridge guard out ip protocol icmp drop",
        heal: "nft delete table bridge guard",
        id: "rule-drop",
        says: "nft delete rule bridge guard out handle 2",
        answered: 0,
    },
    Case {
        node: "host02",
        make: "iptables -t raw -A PREROUTING -i flannel.1 -p icmp -j DROP",
        heal: "iptables -t raw -F PREROUTING",
        id: "rule-drop",
        says: "iptables -t raw -D PREROUTING -i flannel.1 -p icmp -j DROP",
        answered: 0,
    },
    Case {
        node: "host02",
        make: "iptables -I FORWARD -m string --algo bm --hex-string '|08|' -j DROP",
        heal: "iptables -D FORWARD 1",
        id: "rule-drop",
        says: "--hex-string \"|08|\"",
        answered: 0,
    },
    Case {
        node: "host02",
        make: "iptables -I FORWARD -p icmp -d 10.244.1.0/24 -m statistic --mode nth --every 2 --packet 0 -j DROP",
        heal: "iptables -D FORWARD 1",
        id: "rule-drop",
        says: "--mode nth",
        answered: 3,
    },
    Case {
        node: "host01",
        make: "iptables -t mangle -A PREROUTING -i cni0 -j TTL --ttl-set 1",
        heal: "iptables -t mangle -F PREROUTING",
        id: "hop-limit-exceeded",
        says: "--ttl-set 1",
        answered: 0,
    },
    Case {
        node: "host01",
        make: "tc qdisc add dev enp0s8 root tbf rate 8bit burst 40 limit 40",
        heal: "tc qdisc del dev enp0s8 root",
        id: "queue-drop",
        says: "tc qdisc del dev enp0s8 root",
        answered: 0,
    },
    Case {
        node: "host02",
        make: "nft add table ip guard; nft 'add chain ip guard way { type filter hook forward priority 0 ; }'; nft add rule ip guard way numgen inc mod 1 == 0 drop",
        heal: "nft delete table ip guard",
        id: "lost-here",
        says: "nft delete rule ip guard way handle 2 # if it is that rule",
        answered: 0,
    },
    Case {
        node: "host02",
        make: "nft add table ip guard; nft 'add chain ip guard way { type filter hook forward priority 0 ; }'; nft add rule ip guard way ip ttl '<' 63 icmp type echo-request drop",
        heal: "nft delete table ip guard",
        id: "rule-drop",
        says: "nft delete rule ip guard way handle 2",
        answered: 0,
    },
    Case {
        node: "host01",
        make: "ip rule add to 10.244.1.0/24 priority 100 blackhole",
        heal: "ip rule del priority 100",
        id: "rule-hijacks-route",
        says: "ip rule del priority 100",
        answered: 0,
    },
];

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_takes_packets_is_found_where_they_were_last_seen() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    let here = lab.here();
    let links = lab.on("host01", "ip -o link show type veth");
    let pod1 = links
        .split_whitespace()
        .find_map(|word| {
            word.split('@')
                .next()
                .filter(|name| name.starts_with("veth"))
        })
        .unwrap();
    let shell = |node: &str, line: &str| {
        let output = lab.run(&["lab", &here, "exec", node, "--", "sh", "-c", line]);
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let mut wrong = Vec::new();
    for case in CASES {
        shell(case.node, &case.make.replace("POD1", pod1));
        let (trace, code) = lab.trace(&["pod1", "pod2", "--count", "6", "--wait", "0.3", &here]);
        shell(case.node, case.heal);
        let findings = trace["findings"].as_array().unwrap();
        let told = findings.first().cloned().unwrap_or_default();
        let possible = text(&told["possible"][0], "what");
        let all = format!("{} {} {possible}", text(&told, "what"), text(&told, "fix"));
        let right = findings.len() == 1
            && code == 1
            && told["id"] == case.id
            && told["node"] == case.node
            && all.contains(case.says)
            && trace["probes"]["answered"] == case.answered;
        if !right {
            wrong.push(format!("{}: exit {code} {findings:#?}", case.make));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A rule that is not understood and lets the packet pass is nothing to speak of once packets have passed; without
/// packets it is a doubt.
#[test]
fn a_rule_that_is_not_understood_is_no_matter_once_packets_pass() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    let here = lab.here();
    lab.on(
        "host02",
        "iptables -I FORWARD -m string --algo bm --string NOBODY-SENDS-THIS -j DROP",
    );
    let (trace, code) = lab.trace(&["pod1", "pod2", &here]);
    assert_eq!((code, &trace["doubts"]), (0, &serde_json::json!([])));
    let (trace, code) = lab.trace(&["pod1", "pod2", "--static", &here]);
    assert_eq!(code, 4, "{trace:#}");
    assert!(
        trace["doubts"][0].as_str().unwrap().contains("NOBODY"),
        "{trace:#}"
    );
}
