mod replaced;

use serde_json::json;

use super::*;
use crate::model::netfilter::{
    Backend, Chain as SavedChain, IpSet, Iptables, IptablesRule, IptablesTable, Netfilter,
};
use crate::model::{Reading, Table};
use crate::walk::path::Protocol;

/// Rules as `iptables-save` prints them; `:CHAIN POLICY` begins a chain.
fn saved(tables: &[(&str, &[&str])]) -> Table<IptablesTable> {
    let tables = tables
        .iter()
        .map(|(name, lines)| {
            let mut chains: Vec<SavedChain> = Vec::new();
            for line in *lines {
                if let Some(head) = line.strip_prefix(':') {
                    let (name, policy) = head.split_once(' ').unwrap();
                    chains.push(SavedChain {
                        name: name.into(),
                        policy: Some(policy.to_owned()).filter(|policy| policy != "-"),
                        packets: 0,
                        bytes: 0,
                        rules: Vec::new(),
                    });
                } else {
                    let mut words = line.split(' ').map(str::to_owned);
                    assert_eq!(words.next().as_deref(), Some("-A"));
                    let name = words.next().unwrap();
                    let chain = chains.iter_mut().find(|chain| chain.name == name).unwrap();
                    chain.rules.push(IptablesRule {
                        words: words.collect(),
                        packets: 0,
                        bytes: 0,
                    });
                }
            }
            IptablesTable {
                name: (*name).to_owned(),
                chains,
            }
        })
        .collect();
    Table::complete(tables)
}

pub(super) fn netns(tables: &[(&str, &[&str])], nft: Vec<serde_json::Value>) -> Netns {
    let programs = |backend, tables| Iptables {
        backend,
        family: Family::Inet,
        tables,
    };
    Netns {
        netfilter: Netfilter {
            nft: Table::complete(nft),
            iptables: vec![
                programs(Backend::Nft, saved(tables)),
                programs(Backend::Legacy, Table::complete(Vec::new())),
            ],
            ipsets: Table::complete(vec![IpSet {
                name: "pods".into(),
                kind: "hash:ip".into(),
                members: Reading::Known(vec!["10.0.0.1".into()]),
            }]),
        },
        addresses: Table::complete(Vec::new()),
        links: Table::complete(Vec::new()),
        ..Netns::default()
    }
}

fn tcp(destination: &str, port: u16) -> Packet {
    Packet {
        protocol: Protocol::Tcp {
            source_port: 40_000,
            destination_port: port,
        },
        ..Packet::echo("10.0.0.1".parse().unwrap(), destination.parse().unwrap())
    }
}

const NOWHERE: Devices = Devices {
    input: None,
    output: None,
};

fn judge(netns: &Netns, hook: Hook, packet: &mut Packet) -> Judgement {
    Ruleset::new(netns).judge(hook, NOWHERE, Tracked::NEW, packet, true)
}

fn is_dropped(netns: &Netns, hook: Hook, mut packet: Packet) -> bool {
    match judge(netns, hook, &mut packet) {
        Judgement::Accept { .. } => false,
        Judgement::Drop(_) => true,
        Judgement::CannotTell(doubt) => panic!("{}", doubt.why),
    }
}

#[test]
fn the_first_rule_with_a_verdict_decides_and_a_chain_returns() {
    let rules = netns(
        &[(
            "filter",
            &[
                ":FORWARD DROP",
                ":POD -",
                "-A FORWARD -j POD",
                "-A FORWARD -d 10.0.0.0/24 -j ACCEPT",
                "-A POD -p tcp -m tcp --dport 22 -j DROP",
                "-A POD -p udp -j ACCEPT",
                "-A POD -m comment --comment pods -m set --match-set pods dst -j RETURN",
                "-A POD ! -d 10.0.0.0/16 -j REJECT --reject-with icmp-port-unreachable",
            ],
        )],
        vec![],
    );
    assert!(is_dropped(&rules, Hook::Forward, tcp("10.0.0.2", 22)));
    assert!(!is_dropped(&rules, Hook::Forward, tcp("10.0.0.2", 80)));
    assert!(!is_dropped(&rules, Hook::Input, tcp("10.0.0.2", 22)));
    // Through both chains to the policy.
    let mut to_policy = tcp("10.0.1.2", 80);
    let Judgement::Drop(loss) = judge(&rules, Hook::Forward, &mut to_policy) else {
        panic!("the policy drops");
    };
    assert!(matches!(loss.cause, Cause::Filtered { policy: true, .. }));
    let mut rejected = tcp("10.1.0.2", 80);
    let Judgement::Drop(loss) = judge(&rules, Hook::Forward, &mut rejected) else {
        panic!("it is rejected");
    };
    assert!(matches!(loss.cause, Cause::Filtered { rejected: true, .. }));
    assert!(
        loss.row.contains("-A POD ! -d 10.0.0.0/16 -j REJECT"),
        "{}",
        loss.row
    );
}

/// kube-proxy's rules for a service with two endpoints, as it writes them.
const SERVICE: &[&str] = &[
    ":PREROUTING ACCEPT",
    ":POSTROUTING ACCEPT",
    ":KUBE-SERVICES -",
    ":KUBE-SVC-A -",
    ":KUBE-SEP-1 -",
    ":KUBE-SEP-2 -",
    ":KUBE-MARK-MASQ -",
    ":KUBE-POSTROUTING -",
    "-A PREROUTING -j KUBE-SERVICES",
    "-A POSTROUTING -j KUBE-POSTROUTING",
    "-A KUBE-SERVICES ! -s 10.0.0.0/16 -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ",
    "-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-A",
    "-A KUBE-SVC-A -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-1",
    "-A KUBE-SVC-A -j KUBE-SEP-2",
    "-A KUBE-SEP-1 -s 10.0.1.1/32 -j KUBE-MARK-MASQ",
    "-A KUBE-SEP-1 -p tcp -m tcp -j DNAT --to-destination 10.0.1.1:8080",
    "-A KUBE-SEP-2 -p tcp -m tcp -j DNAT --to-destination 10.0.2.1:8080",
    "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
    "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
];

#[test]
fn a_service_leads_to_each_of_its_endpoints() {
    let rules = netns(&[("nat", SERVICE)], vec![]);
    let ruleset = Ruleset::new(&rules);
    let packet = tcp("10.96.0.10", 80);
    let found = ruleset.endpoints(Hook::Prerouting, &packet);
    let ends: Vec<_> = found
        .iter()
        .map(|(address, port)| format!("{address}:{}", port.unwrap()))
        .collect();
    assert_eq!(ends, ["10.0.1.1:8080", "10.0.2.1:8080"]);
    assert!(
        ruleset
            .endpoints(Hook::Prerouting, &tcp("10.96.0.10", 81))
            .is_empty()
    );
}

#[test]
fn a_mark_set_at_one_hook_masquerades_at_another() {
    let rules = netns(&[("nat", SERVICE)], vec![]);
    let mut inside = tcp("10.96.0.10", 80);
    judge(&rules, Hook::Prerouting, &mut inside);
    assert_eq!(
        (inside.mark, inside.destination.to_string()),
        (0, "10.0.1.1".into())
    );
    judge(&rules, Hook::Postrouting, &mut inside);
    assert_eq!(inside.source.to_string(), "10.0.0.1");
    let mut outside = Packet {
        source: "192.0.2.1".parse().unwrap(),
        ..tcp("10.96.0.10", 80)
    };
    judge(&rules, Hook::Prerouting, &mut outside);
    assert_eq!(outside.mark, 0x4000);
    judge(&rules, Hook::Postrouting, &mut outside);
    assert!(outside.source.is_unspecified(), "{}", outside.source);
    // The exclusive or takes the mark off again.
    assert_eq!(outside.mark, 0);
}

#[test]
fn a_conversation_is_translated_by_its_first_packet_only() {
    let rules = netns(&[("nat", SERVICE)], vec![]);
    let mut later = tcp("10.96.0.10", 80);
    let tracked = Tracked {
        established: true,
        ..Tracked::NEW
    };
    Ruleset::new(&rules).judge(Hook::Prerouting, NOWHERE, tracked, &mut later, true);
    assert_eq!(later.destination.to_string(), "10.96.0.10");
}

#[test]
fn states_are_those_of_the_conversation() {
    let rules = netns(
        &[(
            "filter",
            &[
                ":FORWARD DROP",
                "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            ],
        )],
        vec![],
    );
    let ruleset = Ruleset::new(&rules);
    let judge = |established| {
        let mut packet = tcp("10.0.0.2", 80);
        let tracked = Tracked {
            established,
            ..Tracked::NEW
        };
        ruleset.judge(Hook::Forward, NOWHERE, tracked, &mut packet, false)
    };
    assert!(matches!(judge(true), Judgement::Accept { .. }));
    assert!(matches!(judge(false), Judgement::Drop(_)));
}

#[test]
fn what_one_hook_translates_the_next_ones_know_as_translated() {
    let rules = netns(
        &[(
            "filter",
            &[
                ":INPUT ACCEPT",
                "-A INPUT -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
            ],
        )],
        vec![],
    );
    let ruleset = Ruleset::new(&rules);
    let is_dropped = |dnat| {
        let tracked = Tracked {
            dnat,
            ..Tracked::NEW
        };
        let mut packet = tcp("127.0.0.1", 80);
        let judged = ruleset.judge(Hook::Input, NOWHERE, tracked, &mut packet, false);
        matches!(judged, Judgement::Drop(_))
    };
    assert_eq!((is_dropped(true), is_dropped(false)), (false, true));
}

#[test]
fn the_mark_of_a_connection_is_not_that_of_the_packet() {
    let rules = netns(
        &[(
            "filter",
            &[
                ":FORWARD ACCEPT",
                "-A FORWARD -m connmark --mark 0x9 -j DROP",
            ],
        )],
        vec![],
    );
    let judged = judge(&rules, Hook::Forward, &mut tcp("10.0.0.2", 80));
    assert!(matches!(judged, Judgement::CannotTell(_)));
}

#[test]
fn what_is_not_understood_matters_only_where_it_decides() {
    let with =
        |rule: &'static str, policy: &'static str| netns(&[("filter", &[policy, rule])], vec![]);
    // Accepted here or at the end: it is all the same.
    let harmless = with(
        "-A FORWARD -m u32 --u32 0x0=0x1 -j ACCEPT",
        ":FORWARD ACCEPT",
    );
    assert!(!is_dropped(&harmless, Hook::Forward, tcp("10.0.0.2", 80)));
    // A rule for others is not looked at any further.
    let others = with(
        "-A FORWARD -d 10.9.9.9/32 -m u32 --u32 0x0=0x1 -j DROP",
        ":FORWARD ACCEPT",
    );
    assert!(!is_dropped(&others, Hook::Forward, tcp("10.0.0.2", 80)));
    let decides = with("-A FORWARD -m u32 --u32 0x0=0x1 -j DROP", ":FORWARD ACCEPT");
    let Judgement::CannotTell(Doubt { why, .. }) =
        judge(&decides, Hook::Forward, &mut tcp("10.0.0.2", 80))
    else {
        panic!("it cannot be told");
    };
    assert!(why.contains("u32"), "{why}");
}

#[test]
fn too_many_that_are_not_understood_are_not_taken_to_pass() {
    // Only two of them together drop; one by one none does.
    let rules = netns(
        &[(
            "filter",
            &[
                ":FORWARD ACCEPT",
                ":A -",
                ":E -",
                "-A FORWARD -m u32 --u32 0x0=0x1 -j A",
                "-A FORWARD -m u32 --u32 0x0=0x2 -j E",
                "-A FORWARD -m u32 --u32 0x0=0x3 -j E",
                "-A FORWARD -m u32 --u32 0x0=0x4 -j E",
                "-A A -m u32 --u32 0x4=0x1 -j DROP",
            ],
        )],
        vec![],
    );
    let Judgement::CannotTell(doubt) = judge(&rules, Hook::Forward, &mut tcp("10.0.0.2", 80))
    else {
        panic!("it cannot be told");
    };
    assert!(doubt.otherwise.is_none(), "{doubt:?}");
}

#[test]
fn a_value_that_cannot_be_read_is_not_a_match_that_fails() {
    let rules = netns(
        &[(
            "filter",
            &[":FORWARD ACCEPT", "-A FORWARD -s somewhere -j DROP"],
        )],
        vec![],
    );
    let judged = judge(&rules, Hook::Forward, &mut tcp("10.0.0.2", 80));
    assert!(matches!(judged, Judgement::CannotTell(_)));
}

#[test]
fn rules_that_could_not_be_read_are_not_absent() {
    let mut unread = netns(&[], vec![]);
    unread.netfilter.nft = Table::unavailable("nft is not installed");
    let judged = judge(&unread, Hook::Forward, &mut tcp("10.0.0.2", 80));
    assert!(matches!(judged, Judgement::CannotTell(_)));
}

#[test]
fn nft_has_sets_verdict_maps_and_both_families() {
    let chain = |name: &str, hook: Option<&str>| {
        let mut chain = json!({"family": "inet", "table": "guard", "name": name});
        if let Some(hook) = hook {
            chain["type"] = json!("filter");
            chain["hook"] = json!(hook);
            chain["prio"] = json!(0);
            chain["policy"] = json!("accept");
        }
        json!({"chain": chain})
    };
    let rule = |chain: &str, expr: serde_json::Value| json!({"rule": {"family": "inet", "table": "guard", "chain": chain, "expr": expr}});
    let field =
        |protocol: &str, field: &str| json!({"payload": {"protocol": protocol, "field": field}});
    let rules = netns(
        &[],
        vec![
            json!({"table": {"family": "inet", "name": "guard"}}),
            json!({"set": {"family": "inet", "table": "guard", "name": "closed", "type": "inet_service",
                "elem": [25, {"range": [6000, 6100]}]}}),
            chain("fwd", Some("forward")),
            chain("strict", None),
            rule(
                "fwd",
                json!([{"match": {"op": "==", "left": field("tcp", "dport"), "right": "@closed"}}, {"drop": null}]),
            ),
            rule(
                "fwd",
                json!([{"vmap": {"key": field("ip", "daddr"),
                "data": {"set": [["10.0.0.7", {"jump": {"target": "strict"}}]]}}}]),
            ),
            rule(
                "strict",
                json!([
                    {"match": {"op": "!=", "left": field("ip", "saddr"),
                        "right": {"prefix": {"addr": "10.5.0.0", "len": 16}}}},
                    {"counter": {"packets": 0, "bytes": 0}},
                    {"reject": null}
                ]),
            ),
        ],
    );
    assert!(is_dropped(&rules, Hook::Forward, tcp("10.0.0.2", 25)));
    assert!(is_dropped(&rules, Hook::Forward, tcp("10.0.0.2", 6050)));
    assert!(!is_dropped(&rules, Hook::Forward, tcp("10.0.0.2", 80)));
    assert!(is_dropped(&rules, Hook::Forward, tcp("10.0.0.7", 80)));
    let friend = Packet {
        source: "10.5.1.1".parse().unwrap(),
        ..tcp("10.0.0.7", 80)
    };
    assert!(!is_dropped(&rules, Hook::Forward, friend));
    let v6 = Packet {
        source: "fd00::1".parse().unwrap(),
        ..tcp("fd00::2", 25)
    };
    // The table is for both families; IPv6 of iptables was never read.
    assert!(is_dropped(&rules, Hook::Forward, v6));
}

#[test]
fn nft_asks_a_field_only_of_packets_that_have_it() {
    let dropped = |left: serde_json::Value, op: &str, right: serde_json::Value, packet: Packet| {
        let rules = netns(
            &[],
            vec![
                json!({"table": {"family": "inet", "name": "guard"}}),
                json!({"chain": {"family": "inet", "table": "guard", "name": "fwd", "type": "filter",
                    "hook": "forward", "prio": 0, "policy": "accept"}}),
                json!({"rule": {"family": "inet", "table": "guard", "chain": "fwd", "expr": [
                    {"match": {"op": op, "left": left, "right": right}}, {"drop": null}]}}),
            ],
        );
        is_dropped(&rules, Hook::Forward, packet)
    };
    let field =
        |protocol: &str, field: &str| json!({"payload": {"protocol": protocol, "field": field}});
    let v4 = tcp("10.0.0.2", 80);
    let v6 = Packet {
        source: "fd00::1".parse().unwrap(),
        ..tcp("fd00::2", 80)
    };
    let echo = Packet::echo("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
    let ttl = || (field("ip", "ttl"), "<", json!(65));
    let (left, op, right) = ttl();
    assert!(dropped(left, op, right, v4));
    let (left, op, right) = ttl();
    assert!(!dropped(left, op, right, v6));
    let other = || (field("ip", "saddr"), "!=", json!("192.0.2.1"));
    let (left, op, right) = other();
    assert!(dropped(left, op, right, v4));
    let (left, op, right) = other();
    assert!(!dropped(left, op, right, v6));
    assert!(dropped(field("tcp", "dport"), "!=", json!(443), v4));
    assert!(!dropped(field("tcp", "dport"), "!=", json!(443), echo));
    assert!(dropped(field("th", "dport"), "==", json!(80), v4));
    assert!(!dropped(field("udp", "dport"), "==", json!(80), v4));
}

#[test]
fn chains_that_lead_in_circles_end() {
    let rules = netns(
        &[(
            "filter",
            &[":FORWARD ACCEPT", ":A -", "-A FORWARD -j A", "-A A -j A"],
        )],
        vec![],
    );
    let judged = judge(&rules, Hook::Forward, &mut tcp("10.0.0.2", 80));
    assert!(matches!(judged, Judgement::CannotTell(_)));
}

fn undo_of(loss: &Loss) -> &str {
    match &loss.cause {
        Cause::Filtered { undo, .. } => undo,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rule_that_is_not_understood_leaves_both_what_it_may_take_and_what_comes_otherwise() {
    let rules = netns(
        &[(
            "filter",
            &[
                ":FORWARD ACCEPT",
                "-A FORWARD -m string --string GET -j DROP",
                "-A FORWARD -d 10.0.0.9/32 -m statistic --mode nth --every 2 --packet 0 -j DROP",
            ],
        )],
        vec![],
    );
    let Judgement::CannotTell(doubt) = judge(&rules, Hook::Forward, &mut tcp("10.0.0.2", 80))
    else {
        panic!("nobody knows what is in the packet");
    };
    assert_eq!(doubt.otherwise.unwrap().0, tcp("10.0.0.2", 80));
    let [loss] = doubt.losses.as_slice() else {
        panic!("{:?}", doubt.losses);
    };
    assert_eq!(
        undo_of(loss),
        "iptables -t filter -D FORWARD -m string --string GET -j DROP"
    );
    // One in several is dropped: not the first of some to choose from.
    let Judgement::CannotTell(doubt) = judge(&rules, Hook::Forward, &mut tcp("10.0.0.9", 80))
    else {
        panic!("half of them pass");
    };
    assert_eq!(doubt.losses.len(), 2);
}

#[test]
fn many_rules_that_are_not_understood_are_each_told() {
    let lines: Vec<String> = std::iter::once(":FORWARD ACCEPT".to_owned())
        .chain((0..9).map(|n| format!("-A FORWARD -m string --string {n} -j DROP")))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let rules = netns(&[("filter", &lines)], vec![]);
    let Judgement::CannotTell(doubt) = judge(&rules, Hook::Forward, &mut tcp("10.0.0.2", 80))
    else {
        panic!("nobody knows");
    };
    assert_eq!(doubt.losses.len(), 9);
    assert!(doubt.otherwise.is_some());
}

#[test]
fn hops_to_go_are_counted_as_rules_set_them() {
    let rules = netns(
        &[(
            "mangle",
            &[":PREROUTING ACCEPT", "-A PREROUTING -j TTL --ttl-set 1"],
        )],
        vec![],
    );
    let mut packet = tcp("10.0.0.2", 80);
    let Judgement::Accept { changed_by } = judge(&rules, Hook::Prerouting, &mut packet) else {
        panic!("it passes");
    };
    assert_eq!((packet.ttl, changed_by.len()), (1, 1));
}

#[test]
fn a_chain_of_a_device_sees_what_passes_that_device() {
    // Devices that were not read go by their number.
    let space = netns(
        &[],
        vec![
            json!({"table": {"family": "netdev", "name": "guard", "handle": 1}}),
            json!({"chain": {"family": "netdev", "table": "guard", "name": "in", "handle": 1,
                "dev": "if2", "type": "filter", "hook": "ingress", "prio": 0, "policy": "accept"}}),
            json!({"rule": {"family": "netdev", "table": "guard", "chain": "in", "handle": 4, "expr": [
                {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}},
                {"drop": null}]}}),
        ],
    );
    let at = |device| {
        let devices = Devices {
            input: Some(IfIndex(device)),
            output: None,
        };
        Ruleset::new(&space).judge(
            Hook::Ingress,
            devices,
            Tracked::NEW,
            &mut tcp("10.0.0.2", 80),
            true,
        )
    };
    assert!(Ruleset::new(&space).sees_frames());
    assert!(matches!(at(1), Judgement::Accept { .. }));
    let Judgement::Drop(loss) = at(2) else {
        panic!("if2 is guarded");
    };
    assert_eq!(undo_of(&loss), "nft delete rule netdev guard in handle 4");
}

#[test]
fn a_rule_of_one_family_is_none_of_the_others() {
    let rule = |version: &str| {
        let rules = netns(
            &[],
            vec![
                json!({"table": {"family": "inet", "name": "guard"}}),
                json!({"chain": {"family": "inet", "table": "guard", "name": "f", "type": "filter",
                    "hook": "forward", "prio": 0, "policy": "accept"}}),
                json!({"rule": {"family": "inet", "table": "guard", "chain": "f", "handle": 3, "expr": [
                    {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": version}},
                    {"drop": null}]}}),
            ],
        );
        is_dropped(&rules, Hook::Forward, tcp("10.0.0.2", 80))
    };
    assert_eq!((rule("ipv4"), rule("ipv6")), (true, false));
}

#[test]
fn maps_and_limits_are_told_as_nft_lists_them() {
    let rule = json!({"expr": [
        {"limit": {"rate": 1, "per": "second", "inv": true}},
        {"vmap": {"key": {"payload": {"protocol": "ip", "field": "daddr"}}, "data": "@pods"}}]});
    assert_eq!(
        nft_rule(&rule),
        "limit rate over 1/second ip daddr vmap @pods"
    );
}
