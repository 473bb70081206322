//! Rules that give packets other addresses, and rules that nobody can read.

use serde_json::{Value, json};

use super::{Hook, Judgement, Netns, Packet, Ruleset, judge, netns, tcp, undo_of};

/// One chain at a hook, and what else stands in the table.
fn nft(hook: &str, others: Vec<Value>) -> Netns {
    let kind = if hook == "forward" { "filter" } else { "nat" };
    let mut rows = vec![
        json!({"table": {"family": "ip", "name": "t"}}),
        json!({"chain": {"family": "ip", "table": "t", "name": "c", "type": kind, "hook": hook, "prio": 0, "policy": "accept"}}),
    ];
    rows.extend(others);
    netns(&[], rows)
}

fn rule(statement: Value) -> Value {
    json!({"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 4, "expr": [statement]}})
}

#[test]
fn maps_of_addresses_are_followed_and_told_as_nft_lists_them() {
    let key = json!({"payload": {"protocol": "ip", "field": "daddr"}});
    let map = |key: &Value, data: Value| json!({"map": {"key": key, "data": data}});
    let with = |statement: Value| {
        nft(
            "prerouting",
            vec![
                json!({"map": {"family": "ip", "table": "t", "name": "m", "elem": [["10.0.0.2", "10.0.0.9"]]}}),
                rule(statement),
            ],
        )
    };
    let sent_to = |statement: Value| {
        let mut packet = tcp("10.0.0.2", 80);
        let rules = with(statement);
        let judgement = judge(&rules, Hook::Prerouting, &mut packet);
        let Judgement::Accept { changed_by } = judgement else {
            panic!("{judgement:?}");
        };
        let row = changed_by
            .into_iter()
            .next()
            .map(|row| (row.text, row.undo.unwrap()));
        let port = packet.protocol.ports().unwrap().1;
        (format!("{}:{port}", packet.destination), row)
    };
    let (to, row) = sent_to(json!({"dnat": {"addr": map(&key, json!("@m"))}}));
    assert_eq!(to, "10.0.0.9:80");
    assert_eq!(
        row.unwrap(),
        (
            "ip t: c dnat to ip daddr map @m".to_owned(),
            "nft delete rule ip t c handle 4".to_owned()
        )
    );
    let ends = json!({"set": [[{"prefix": {"addr": "10.0.0.0", "len": 24}}, {"prefix": {"addr": "10.7.1.0", "len": 24}}]]});
    let (to, row) = sent_to(json!({"dnat": {"addr": map(&key, ends), "flags": "netmap"}}));
    assert_eq!(to, "10.7.1.2:80");
    assert_eq!(
        row.unwrap().0,
        "ip t: c dnat to ip daddr map { 10.0.0.0/24 : 10.7.1.0/24 }"
    );
    let both = json!({"concat": [&key, {"payload": {"protocol": "tcp", "field": "dport"}}]});
    let ends = json!({"set": [[{"concat": ["10.0.0.2", 80]}, {"concat": ["10.0.0.8", 8080]}]]});
    assert_eq!(
        sent_to(json!({"dnat": {"addr": map(&both, ends)}})).0,
        "10.0.0.8:8080"
    );
    // A packet that the map does not know goes on as it is.
    let ends = json!({"set": [["10.0.0.3", "10.0.0.9"]]});
    assert_eq!(
        sent_to(json!({"dnat": {"addr": map(&key, ends)}})),
        ("10.0.0.2:80".to_owned(), None)
    );
    // A field that is written, without tracking.
    let written = json!({"mangle": {"key": &key, "value": "10.0.0.7"}});
    let (to, row) = sent_to(written);
    assert_eq!(to, "10.0.0.7:80");
    assert_eq!(row.unwrap().0, "ip t: c ip daddr set 10.0.0.7");
}

#[test]
fn one_of_several_ends_that_a_number_chooses() {
    let by = json!({"numgen": {"mode": "inc", "mod": 2, "offset": 0}});
    let ends = json!({"set": [[0, "10.0.0.7"], [1, "10.0.0.8"]]});
    let statement = json!({"dnat": {"addr": {"map": {"key": by, "data": ends}}}});
    let rules = nft("prerouting", vec![rule(statement)]);
    let ruleset = Ruleset::new(&rules);
    let ends = ruleset.endpoints(Hook::Prerouting, &tcp("10.0.0.2", 80));
    let ends: Vec<_> = ends
        .iter()
        .map(|(address, _)| address.to_string())
        .collect();
    assert_eq!(ends, ["10.0.0.7", "10.0.0.8"]);
}

#[test]
fn what_nft_has_no_json_for_may_take_the_packet() {
    let words = json!("jump {\n\t\t\ticmp type echo-request drop\n\t\t}");
    let rules = nft("forward", vec![rule(words)]);
    let judgement = judge(&rules, Hook::Forward, &mut tcp("10.0.0.2", 80));
    let Judgement::CannotTell(doubt) = judgement else {
        panic!("{judgement:?}");
    };
    let loss = doubt.losses.first().unwrap();
    assert_eq!(loss.row, "ip t: c jump { icmp type echo-request drop }");
    assert_eq!(undo_of(loss), "nft delete rule ip t c handle 4");
    assert!(doubt.otherwise.is_some());
}

#[test]
fn targets_of_iptables_change_what_they_change_and_unknown_ones_may_take_the_packet() {
    let with = |table: &str, rule: &str| {
        netns(
            &[(table, &[":PREROUTING ACCEPT", ":FORWARD ACCEPT", rule])],
            Vec::new(),
        )
    };
    let mut packet = tcp("10.0.0.2", 80);
    let rules = with(
        "nat",
        "-A PREROUTING -d 10.0.0.0/24 -j NETMAP --to 10.9.2.0/24",
    );
    assert!(matches!(
        judge(&rules, Hook::Prerouting, &mut packet),
        Judgement::Accept { .. }
    ));
    assert_eq!(packet.destination.to_string(), "10.9.2.2");
    // A port alone leaves the address as it is.
    let mut packet = tcp("10.0.0.2", 80);
    let rules = with("nat", "-A PREROUTING -p tcp -j DNAT --to-destination :8080");
    judge(&rules, Hook::Prerouting, &mut packet);
    assert_eq!(
        (
            packet.destination.to_string(),
            packet.protocol.ports().map(|ports| ports.1)
        ),
        ("10.0.0.2".to_owned(), Some(8080))
    );
    let rules = with("filter", "-A FORWARD -j TEE --gateway 10.0.0.9");
    assert!(matches!(
        judge(&rules, Hook::Forward, &mut tcp("10.0.0.2", 80)),
        Judgement::Accept { .. }
    ));
    let rules = with("filter", "-A FORWARD -j ODD");
    let judgement = judge(&rules, Hook::Forward, &mut tcp("10.0.0.2", 80));
    let Judgement::CannotTell(doubt) = judgement else {
        panic!("{judgement:?}");
    };
    assert_eq!(
        doubt.losses.first().unwrap().row,
        "filter: -A FORWARD -j ODD"
    );
    assert!(doubt.otherwise.is_some());
}

#[test]
fn lengths_are_read_as_each_family_counts_them() {
    let asks = |protocol: &str, op: &str, length: u32| json!({"match": {"op": op, "left": {"payload": {"protocol": protocol, "field": "length"}}, "right": length}});
    let drops = |statement: Value, size: u32| {
        let rules = nft(
            "forward",
            vec![
                json!({"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 4,
            "expr": [statement, {"drop": null}]}}),
            ],
        );
        let mut packet = Packet {
            size,
            ..tcp("10.0.0.2", 80)
        };
        matches!(
            judge(&rules, Hook::Forward, &mut packet),
            Judgement::Drop(_)
        )
    };
    assert!(drops(asks("ip", ">", 1000), 1001));
    assert!(!drops(asks("ip", ">", 1000), 1000));
    assert!(drops(asks("ip", "==", 84), 84));
    // Nothing of IPv6 is asked of IPv4.
    assert!(!drops(asks("ip6", ">", 10), 1000));
}
