use serde_json::json;

use super::*;
use crate::walk::netfilter::tests::netns;

fn outward() -> Class<'static> {
    Class {
        family: Family::Inet,
        input: Some("cali1"),
        output: None,
        source: Some("172.31.0.2".parse().unwrap()),
        destination: None,
    }
}

/// What iptables' filter table does with all that a pod sends: what it accepts, and what drops the rest.
fn fate(lines: &[&str]) -> (Accepts, Option<String>) {
    let space = netns(&[("filter", lines)], Vec::new());
    told(&space)
}

fn told(space: &crate::model::Netns) -> (Accepts, Option<String>) {
    let rules = Ruleset::new(space);
    let fates = rules.fates(Hook::Forward, &outward());
    let [fate] = fates.as_slice() else {
        panic!("{fates:?}");
    };
    let by = fate.drops.clone().map(|drops| match drops {
        Drops::Rule { text, .. } => text,
        Drops::Policy { .. } => "policy".to_owned(),
    });
    (fate.accepts, by)
}

fn policy() -> Option<String> {
    Some("policy".to_owned())
}

#[test]
fn a_policy_that_drops_needs_a_rule_that_accepts() {
    assert_eq!(fate(&[":FORWARD ACCEPT"]), (Accepts::Something, None));
    assert_eq!(fate(&[":FORWARD DROP"]), (Accepts::Nothing, policy()));
    let replies = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
    assert_eq!(
        fate(&[":FORWARD DROP", replies]),
        (Accepts::Nothing, policy())
    );
    for accepted in [
        "-A FORWARD -i cali+ -j ACCEPT",
        "-A FORWARD -s 172.31.0.0/16 -j ACCEPT",
        "-A FORWARD ! -i docker0 -j ACCEPT",
        "-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT",
        "-A FORWARD -m conntrack --ctstate NEW -m comment --comment x -j ACCEPT",
    ] {
        let found = fate(&[":FORWARD DROP", accepted]).0;
        assert_eq!(found, Accepts::Something, "{accepted}");
    }
    for other in [
        "-A FORWARD -i docker0 -j ACCEPT",
        "-A FORWARD ! -s 172.31.0.0/16 -j ACCEPT",
        "-A FORWARD -m iprange --src-range 10.0.0.1-10.0.0.9 -j ACCEPT",
    ] {
        let found = fate(&[":FORWARD DROP", other]);
        assert_eq!(found, (Accepts::Nothing, policy()), "{other}");
    }
}

#[test]
fn chains_are_followed_and_return() {
    let marked = [
        ":FORWARD DROP",
        ":KUBE-FORWARD -",
        "-A FORWARD -j KUBE-FORWARD",
        "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
    ];
    assert_eq!(fate(&marked), (Accepts::Undecided, policy()));
    // A chain that was gone to, not called, ends at the policy.
    let gone_to = [
        ":FORWARD ACCEPT",
        ":OURS -",
        "-A FORWARD -g OURS",
        "-A FORWARD -j DROP",
        "-A OURS -s 10.0.0.0/8 -j DROP",
    ];
    assert_eq!(fate(&gone_to), (Accepts::Something, None));
    let called = [
        ":FORWARD ACCEPT",
        ":OURS -",
        "-A FORWARD -j OURS",
        "-A FORWARD -j DROP",
        "-A OURS -s 10.0.0.0/8 -j DROP",
    ];
    let by = Some("-A FORWARD -j DROP".to_owned());
    assert_eq!(fate(&called), (Accepts::Nothing, by));
    // What drops all that is called for some is not what drops all.
    let partly = [
        ":FORWARD DROP",
        ":OURS -",
        "-A FORWARD -p tcp -j OURS",
        "-A OURS -j DROP",
    ];
    assert_eq!(fate(&partly), (Accepts::Nothing, policy()));
}

#[test]
fn what_goes_on_is_not_a_verdict() {
    let logged = [
        ":FORWARD DROP",
        "-A FORWARD -j LOG --log-prefix x",
        "-A FORWARD -j ACCEPT",
    ];
    assert_eq!(fate(&logged).0, Accepts::Something);
    let rejected = "-A FORWARD -i cali1 -j REJECT";
    assert_eq!(
        fate(&[":FORWARD ACCEPT", rejected]),
        (Accepts::Nothing, Some(rejected.to_owned()))
    );
}

#[test]
fn chains_of_nft_are_followed_as_those_of_iptables_are() {
    let accepts = |rule: serde_json::Value| {
        told(&netns(
            &[],
            vec![
                json!({"table": {"family": "inet", "name": "wall"}}),
                json!({"chain": {"family": "inet", "table": "wall", "name": "through", "type": "filter",
                    "hook": "forward", "prio": 0, "policy": "drop"}}),
                json!({"rule": {"family": "inet", "table": "wall", "chain": "through", "handle": 4,
                    "expr": rule}}),
            ],
        ))
    };
    let by_device = |name: &str| {
        json!([
            {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": name}},
            {"accept": null}
        ])
    };
    assert_eq!(accepts(by_device("cali1")).0, Accepts::Something);
    assert_eq!(accepts(by_device("docker0")), (Accepts::Nothing, policy()));
    let by_protocol = json!([
        {"vmap": {"key": {"meta": {"key": "l4proto"}}, "data": {"set": [["tcp", {"accept": null}]]}}}
    ]);
    assert_eq!(accepts(by_protocol).0, Accepts::Something);
    let replies = json!([
        {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}},
        {"accept": null}
    ]);
    assert_eq!(accepts(replies), (Accepts::Nothing, policy()));
}
