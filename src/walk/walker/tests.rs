//! Networks by hand.

use super::*;
use crate::model::netfilter::Netfilter;
use crate::model::number::{NetnsId, TableId};
use crate::model::rule::{Family, Rule, RuleAction};
use crate::model::{Bundle, Netns, NextHop, Node, Route, Table};

/// A node with one route of so many next hops.
fn of_ways(ways: u32) -> Bundle {
    let rules = [(0, TableId::LOCAL), (32766, TableId::MAIN)];
    let rules = rules
        .map(|(priority, table)| Rule::for_all(Family::Inet, priority, RuleAction::Lookup(table)));
    let nexthops = (0..ways).map(|way| NextHop {
        gateway: Some(format!("10.0.1.{way}").parse().unwrap()),
        ..NextHop::device(IfIndex(2))
    });
    let root = Netns {
        id: NetnsId(1),
        rules: Table::complete(rules.into()),
        routes: Table::complete(vec![Route {
            nexthops: nexthops.collect(),
            ..Route::to("10.9.0.0/16".parse().unwrap())
        }]),
        netfilter: Netfilter {
            nft: Table::complete(Vec::new()),
            iptables: Vec::new(),
            ipsets: Table::complete(Vec::new()),
        },
        ..Netns::default()
    };
    let node = Node {
        name: "host01".to_owned(),
        root: root.id,
        namespaces: vec![root],
        ..Node::default()
    };
    Bundle::new(vec![node], Vec::new())
}

fn other_ways(bundle: &Bundle) -> OtherWays {
    let network = Network::new(bundle);
    let origin = Origin {
        space: network.root("host01").unwrap(),
        goal: None,
    };
    // The node is to choose its address itself.
    let packet = Packet::echo("0.0.0.0".parse().unwrap(), "10.9.0.1".parse().unwrap());
    network.other_ways(origin, &packet)
}

#[test]
fn every_way_that_a_hash_may_choose_is_followed_once() {
    let ways = other_ways(&of_ways(4));
    let numbers: Vec<_> = ways.found.iter().map(|way| (way.number, way.of)).collect();
    assert_eq!(numbers, [(2, 4), (3, 4), (4, 4)]);
    assert!(!ways.more);
    assert!(other_ways(&of_ways(1)).found.is_empty());
}

#[test]
fn that_there_are_more_ways_than_are_followed_is_said() {
    let all = other_ways(&of_ways(MOST_WAYS as u32 + 1));
    assert_eq!((all.found.len(), all.more), (MOST_WAYS, false));
    let some = other_ways(&of_ways(MOST_WAYS as u32 + 2));
    assert_eq!((some.found.len(), some.more), (MOST_WAYS, true));
}
