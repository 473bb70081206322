//! The route of each node to the blocks of each other, and ranges that two have.

mod hop;

use ipnet::IpNet;

use super::index::{Index, Known};
use super::{finding, row};
use crate::diagnose::Finding;
use crate::model::route::{Protocol, RouteKind};
use crate::model::rule::RuleAction;
use crate::model::{Route, TableId, notation};
use crate::walk::fib::Fib;
use crate::walk::flow::Flow;

pub(super) fn check(index: &Index<'_>, findings: &mut Vec<Finding>) {
    claimed_twice(index, findings);
    for (number, known) in index.nodes.iter().enumerate() {
        if known.is_whole {
            routes(index, number, known, findings);
            inside(index, number, known, findings);
            hijacked(index, number, known, findings);
        }
        overlaps(index, number, known, findings);
    }
    both_ways(index, findings);
}

/// Blocks that two nodes hold.
fn claimed_twice(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let mut blocks: Vec<(&IpNet, &Vec<usize>)> = index
        .owners
        .iter()
        .filter(|(_, owners)| owners.len() > 1)
        .collect();
    blocks.sort();
    for (block, owners) in blocks {
        // The one without pods in it has no use for it.
        let users = |number: usize| {
            index
                .pods
                .iter()
                .filter(|(address, pods)| {
                    block.contains(*address) && pods.iter().any(|(node, _)| *node == number)
                })
                .count()
        };
        let Some(rightful) = owners.iter().copied().max_by_key(|number| users(*number)) else {
            continue;
        };
        for number in owners.iter().copied().filter(|number| *number != rightful) {
            let (node, other) = (index.name(number), index.name(rightful));
            findings.push(Finding {
                what: format!("{node} holds {block}, and so does {other}"),
                show: format!("ip route show {block}, on both"),
                fix: format!("take it from {node}: ip route del {block}"),
                evidence: [number, rightful]
                    .into_iter()
                    .map(|number| row(index.name(number), "route", block.to_string()))
                    .collect(),
                ..finding("block-claimed-twice", node, None)
            });
        }
    }
}

/// The row of a node for each block of the others.
fn routes(index: &Index<'_>, number: usize, known: &Known<'_>, findings: &mut Vec<Finding>) {
    let node = &known.node.name;
    let mut known_blocks = 0usize;
    let mut absent: Vec<(IpNet, usize)> = Vec::new();
    for (other, peer) in index
        .nodes
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != number)
    {
        for block in &peer.blocks {
            // Told of as claimed twice.
            if index
                .owners
                .get(block)
                .is_some_and(|owners| owners.len() > 1)
            {
                continue;
            }
            let Some(route) = known.routes.get(block) else {
                absent.push((*block, other));
                continue;
            };
            known_blocks += 1;
            hop::check(index, known, route, other, findings);
        }
    }
    // A node that knows no block at all leaves them to a router, or belongs to another network.
    if known_blocks == 0 {
        return;
    }
    for (block, other) in absent {
        let covered = known.routes.values().any(|route| {
            !route.is_default() && route.destination != block && route.destination.contains(&block)
        });
        if covered {
            continue;
        }
        let owner = index.name(other);
        findings.push(Finding {
            what: format!("{node} has no route to {block}, the block of {owner}"),
            show: format!("ip route show {block}"),
            fix: match row_for(index, number, known, block, other) {
                Some(row) => {
                    format!("ip route add {row}; look at the log of the network's agent")
                }
                None => format!(
                    "look at the log of the network's agent, which makes the route to {owner}"
                ),
            },
            evidence: vec![row(node, "route", format!("no {block}"))],
            ..finding("no-route-to-block", node, None)
        });
    }
}

/// The row that a node lacks: as a third node has it, else as its own ones to other nodes' blocks are, else by the
/// owner's address in a network of both.
fn row_for(
    index: &Index<'_>,
    number: usize,
    known: &Known<'_>,
    block: IpNet,
    owner: usize,
) -> Option<String> {
    let hop_of = |route: &Route| Some((route.nexthops.first()?.gateway?, route.nexthops.len()));
    let holds = |address: &std::net::IpAddr, node: usize| {
        let holders = index.by_address.get(address);
        holders.is_some_and(|holders| holders.contains(&node))
    };
    let third = index.nodes.iter().enumerate().find_map(|(node, third)| {
        let row = third.routes.get(&block)?;
        let (gateway, _) = hop_of(row).filter(|(_, ways)| *ways == 1)?;
        (node != number && holds(&gateway, owner)).then(|| notation::route(row, third.root))
    });
    let peer = index.nodes.get(owner)?;
    let like_others = || {
        index.nodes.iter().enumerate().find_map(|(node, other)| {
            let row = other
                .blocks
                .iter()
                .filter(|other| other.addr().is_ipv4() == block.addr().is_ipv4())
                .find_map(|block| known.routes.get(block))?;
            let (gateway, _) = hop_of(row).filter(|(_, ways)| *ways == 1)?;
            let held = other.root.addresses.iter();
            let device = other.root.device_name(
                held.filter(|row| row.address == gateway)
                    .map(|row| row.device)
                    .next()?,
            );
            let own = peer.root.link_named(&device)?;
            let address = peer
                .root
                .addresses_of(own.index)
                .map(|row| row.address)
                .find(|address| address.is_ipv4() == gateway.is_ipv4())?;
            let mut row = (*row).clone();
            row.destination = block;
            row.nexthops.first_mut()?.gateway = Some(address);
            (node != owner).then(|| notation::route(&row, known.root))
        })
    };
    let shared = || {
        let mine = known
            .underlays()
            .flat_map(|link| known.root.addresses_of(link.index));
        let networks: Vec<IpNet> = mine.filter_map(crate::model::Address::network).collect();
        let theirs = peer
            .underlays()
            .flat_map(|link| peer.root.addresses_of(link.index));
        let address = theirs
            .map(|row| row.address)
            .filter(|address| address.is_ipv4() == block.addr().is_ipv4())
            .find(|address| networks.iter().any(|net| net.contains(address)))?;
        (known.tunnels.is_empty()).then(|| format!("{block} via {address}"))
    };
    third.or_else(like_others).or_else(shared)
}

/// Rows for a part of another node's block, which win over the block's.
fn inside(index: &Index<'_>, number: usize, known: &Known<'_>, findings: &mut Vec<Finding>) {
    let mut lengths: Vec<u8> = index.owners.keys().map(IpNet::prefix_len).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let node = &known.node.name;
    let mut rows: Vec<(&IpNet, &&Route)> = known.routes.iter().collect();
    rows.sort_by_key(|(net, _)| **net);
    for (net, route) in rows {
        let block = lengths
            .iter()
            .filter(|length| **length < net.prefix_len())
            .find_map(|length| {
                let block = IpNet::new(net.addr(), *length).ok()?.trunc();
                let owners = index.owners.get(&block)?;
                (!owners.contains(&number)).then_some((block, owners))
            });
        let Some((block, owners)) = block else {
            continue;
        };
        let owner = owners.first().copied().unwrap_or_default();
        let text = notation::route(route, known.root);
        let id = match route.kind {
            RouteKind::Blackhole => "blackhole-route",
            RouteKind::Unreachable | RouteKind::Prohibit => "unreachable-route",
            _ => {
                // A row by a gateway of the owner's, such as a borrowed address, is right; networks of devices are
                // looked at by themselves.
                let gateway = route.nexthops.first().and_then(|hop| hop.gateway);
                let to = gateway.and_then(|gateway| index.by_address.get(&gateway));
                let elsewhere = to.is_some_and(|to| !to.contains(&owner));
                // An address of the block that is in use elsewhere was borrowed.
                let borrowed = index.pods.get(&net.addr()).is_some_and(|pods| {
                    pods.iter()
                        .any(|(at, _)| to.is_some_and(|to| to.contains(at)))
                });
                if !elsewhere || borrowed {
                    continue;
                }
                "block-route-to-wrong-node"
            }
        };
        findings.push(Finding {
            what: format!(
                "{text} wins over the route to {block}, the block of {}",
                index.name(owner)
            ),
            show: format!("ip route get {}", net.addr()),
            fix: format!("ip route del {text}"),
            evidence: vec![row(node, "route", text)],
            ..finding(id, node, None)
        });
    }
}

/// Rules that lead what is for other nodes' blocks to tables that know better, or worse.
fn hijacked(index: &Index<'_>, number: usize, known: &Known<'_>, findings: &mut Vec<Finding>) {
    let usual = [TableId::LOCAL, TableId::MAIN, TableId::DEFAULT];
    let own_rules = known.root.rules.iter().any(|rule| match rule.action {
        RuleAction::Lookup(table) => !usual.contains(&table) || rule.l3mdev,
        _ => true,
    });
    if !own_rules {
        return;
    }
    let fib = Fib::new(known.root);
    let node = &known.node.name;
    let mut told: Vec<u32> = Vec::new();
    for (other, peer) in index
        .nodes
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != number)
    {
        for block in &peer.blocks {
            let Some(right) = known.routes.get(block) else {
                continue;
            };
            let decision = fib.lookup(&Flow::to(block.addr()));
            let Some(rule) = decision.rule else { continue };
            let RuleAction::Lookup(table) = rule.action else {
                continue;
            };
            if usual.contains(&table) || told.contains(&rule.priority) {
                continue;
            }
            let same = decision.route.is_some_and(|route| {
                route.nexthops.first().map(|hop| (hop.gateway, hop.device))
                    == right.nexthops.first().map(|hop| (hop.gateway, hop.device))
            });
            if same {
                continue;
            }
            told.push(rule.priority);
            let text = notation::rule(rule);
            let mut evidence = vec![row(node, "rule", &text)];
            if let Some(route) = decision.route {
                evidence.push(row(node, "route", notation::route(route, known.root)));
            }
            evidence.push(row(
                node,
                "route, never asked",
                notation::route(right, known.root),
            ));
            findings.push(Finding {
                what: format!(
                    "the rule {text} answers for {block}, the block of {}",
                    index.name(other)
                ),
                show: format!("ip rule; ip route show table {table}"),
                fix: format!("ip rule del priority {}", rule.priority),
                evidence,
                ..finding("rule-hijacks-route", node, None)
            });
        }
    }
}

/// Networks of a node's devices that hold addresses of pods.
fn overlaps(index: &Index<'_>, number: usize, known: &Known<'_>, findings: &mut Vec<Finding>) {
    let node = &known.node.name;
    for link in known.underlays() {
        for row_ in known.root.addresses_of(link.index) {
            let Some(net) = row_
                .network()
                .filter(|net| net.prefix_len() < net.max_prefix_len())
            else {
                continue;
            };
            let hit = index.owners.iter().find(|(block, owners)| {
                let overlap = block.contains(&net) || net.contains(*block);
                overlap && !owners.contains(&number)
            });
            let Some((block, owners)) = hit else { continue };
            let name = &link.name;
            let address = notation::address(row_);
            findings.push(Finding {
                what: format!(
                    "{net} on {name} overlaps {block}, the block of {}",
                    owners.first().map_or("?", |n| index.name(*n))
                ),
                show: format!("ip address show dev {name}"),
                fix: format!("ip address del {address} dev {name}, or other ranges for the pods"),
                evidence: vec![row(node, "address", format!("{address} dev {name}"))],
                ..finding("range-overlap", node, Some(name))
            });
        }
    }
}

/// Wrapped one way and plain the other.
fn both_ways(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let wraps = |from: &Known<'_>, to: &Known<'_>| {
        to.blocks
            .iter()
            .find_map(|block| from.routes.get(block))
            .filter(|route| route.kind == RouteKind::Unicast && route.protocol != Protocol::KERNEL)
            .map(|route| from.wraps(route))
    };
    // How a node reaches most of the others.
    let habit = |number: usize| {
        let Some(from) = index.nodes.get(number) else {
            return 0i64;
        };
        index
            .nodes
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number)
            .filter_map(|(_, to)| wraps(from, to))
            .map(|wrapped| if wrapped { 1 } else { -1 })
            .sum()
    };
    for (a, left) in index.nodes.iter().enumerate() {
        for (b, right) in index.nodes.iter().enumerate().skip(a + 1) {
            let (Some(there), Some(back)) = (wraps(left, right), wraps(right, left)) else {
                continue;
            };
            if there == back {
                continue;
            }
            // Of the two the one that does otherwise than it is used to; in doubt the one that does not wrap.
            let odd = |number: usize, wrapped: bool| {
                let habit = habit(number);
                (habit > 0 && !wrapped) || (habit < 0 && wrapped)
            };
            let (node, peer) = match (odd(a, there), odd(b, back)) {
                (true, false) => (left, right),
                (false, true) => (right, left),
                _ if there => (right, left),
                _ => (left, right),
            };
            let route = peer.blocks.iter().find_map(|block| node.routes.get(block));
            let Some(route) = route else { continue };
            let device = node.device(route).map(|link| link.name.as_str());
            findings.push(Finding {
                what: format!(
                    "{} and {} reach each other's pods in different ways: one wraps, the other does not",
                    node.node.name, peer.node.name
                ),
                show: format!("ip route show {}", route.destination),
                fix: "make both nodes reach each other by the same device".to_owned(),
                evidence: vec![row(&node.node.name, "route", notation::route(route, node.root))],
                ..finding("asymmetric-return", &node.node.name, device)
            });
            let _ = b;
        }
    }
}
