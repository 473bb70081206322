//! Many ADDs at once.

use std::collections::BTreeSet;

use serde_json::json;

use super::node::{Answer, Node, Who, addresses};

const PODS: usize = 200;

#[test]
fn two_hundred_adds_at_once_give_two_hundred_addresses() {
    let Some(node) = Node::new() else { return };
    // More pods than one block of 2^6 addresses holds.
    let ipam = json!({"type": "ovl-ipam", "pools": [{"cidr": "172.31.0.0/16", "blockSize": 26}]});
    for net in [node.routed(json!({"ipam": ipam})), node.bridged(json!({}))] {
        let kind = net["type"].as_str().unwrap();
        let pods: Vec<_> = (0..PODS)
            .map(|at| node.pod(&format!("{kind}{at}")))
            .collect();
        let names: Vec<String> = (0..PODS).map(|at| format!("c{at}")).collect();
        let who = |at: usize| Who::new(&names[at], &pods[at]);
        let children: Vec<_> = (0..PODS)
            .map(|at| node.spawn("ADD", &net, who(at)))
            .collect();
        let mut seen = BTreeSet::new();
        for child in children {
            let answer = Answer::of(child);
            assert!(answer.success, "{answer:?}");
            for address in addresses(&answer.stdout) {
                assert!(seen.insert(address.clone()), "{address} was given twice");
            }
        }
        node.must("CHECK", &net, who(0));
        node.must("CHECK", &net, who(PODS - 1));
        let children: Vec<_> = (0..PODS)
            .map(|at| node.spawn("DEL", &net, who(at)))
            .collect();
        for child in children {
            let answer = Answer::of(child);
            assert!(answer.success, "{answer:?}");
        }
        node.gc(&net, &[]);
        assert_eq!(
            node.json("ip", &["-j", "link"]).as_array().unwrap().len(),
            1
        );
    }
}
