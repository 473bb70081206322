//! What a node should hold in each mode.

use super::*;
use crate::node::state::{Device, RouteKey, Target};

fn peers(settings: &Settings, theirs: &[(u8, &[&str])]) -> Vec<Peer> {
    theirs
        .iter()
        .map(|(number, addresses)| {
            let (network, it) = node(*number, settings, &underlay(addresses));
            network.record(&it, Vec::new(), "0")
        })
        .collect()
}

fn via(plan: &Plan, cidr: &str) -> Option<(String, Device)> {
    match plan
        .state
        .routes
        .get(&RouteKey::plain(cidr.parse().unwrap()))?
    {
        Target::Via {
            gateway,
            device,
            onlink: true,
        } => Some((gateway.to_string(), *device)),
        _ => None,
    }
}

fn rows(plan: &Plan) -> (usize, usize, usize) {
    let fdb = plan
        .state
        .fdb
        .values()
        .map(std::collections::BTreeSet::len)
        .sum();
    (plan.state.routes.len(), plan.state.neighbours.len(), fdb)
}

#[test]
fn the_books_rows_on_host01() {
    let settings = settings(Mode::Routed, None, &[("172.31.0.0/16", 26)]);
    let (network, me) = node(1, &settings, &underlay(&["192.168.61.11/24"]));
    let peers = peers(
        &settings,
        &[(3, &["192.168.61.13/24"]), (2, &["192.168.61.12/24"])],
    );
    let blocks = [
        block("172.31.239.192/26", "host01"),
        block("172.31.89.192/26", "host02"),
        block("172.31.25.192/26", "host03"),
    ];
    let plan = plan(&network, &me, &peers, &blocks);
    assert_eq!(plan.problems, []);
    let to = |node: &str| Some((node.to_owned(), Device::Underlay));
    assert_eq!(via(&plan, "172.31.25.192/26"), to("192.168.61.13"));
    assert_eq!(via(&plan, "172.31.89.192/26"), to("192.168.61.12"));
    let own = RouteKey::plain("172.31.239.192/26".parse().unwrap());
    assert_eq!(plan.state.routes.get(&own), Some(&Target::Blackhole));
    assert_eq!(rows(&plan), (3, 0, 0));
    assert_eq!((plan.state.vxlan, plan.state.bridge), (None, None));
    assert_eq!(
        plan.state.sysctls.get("net/ipv4/ip_forward"),
        Some(&Some("1".to_owned()))
    );
}

#[test]
fn across_subnets_only_the_others_are_wrapped() {
    let settings = settings(
        Mode::Routed,
        Some(Encap::CrossSubnet),
        &[("10.244.0.0/16", 24)],
    );
    let (network, me) = node(1, &settings, &underlay(&["192.168.61.11/24"]));
    let peers = peers(
        &settings,
        &[(2, &["192.168.61.12/24"]), (3, &["192.168.62.13/24"])],
    );
    let blocks = [
        block("10.244.2.0/24", "host02"),
        block("10.244.3.0/24", "host03"),
    ];
    let plan = plan(&network, &me, &peers, &blocks);
    assert_eq!(
        via(&plan, "10.244.2.0/24"),
        Some(("192.168.61.12".to_owned(), Device::Underlay))
    );
    assert_eq!(
        via(&plan, "10.244.3.0/24"),
        Some(("10.244.3.0".to_owned(), Device::Vxlan))
    );
    assert_eq!(rows(&plan), (2, 1, 1));
    let mac = mac::of_vtep("host03");
    assert_eq!(
        plan.state.neighbours.get(&"10.244.3.0".parse().unwrap()),
        Some(&mac)
    );
    assert!(plan.state.fdb[&mac].contains(&"192.168.62.13".parse().unwrap()));
    assert_eq!(plan.state.vxlan.unwrap().mtu, 1450);
}

#[test]
fn a_flat_network_floods_to_every_peer_and_routes_nothing() {
    let settings = settings(Mode::Flat, None, &[("10.32.0.0/12", 16)]);
    let (network, mut me) = node(1, &settings, &underlay(&["192.168.61.11/24"]));
    me.bridge_addresses = vec!["10.46.0.0/12".parse().unwrap()];
    let peers = peers(
        &settings,
        &[(2, &["192.168.61.12/24"]), (3, &["192.168.61.13/24"])],
    );
    let blocks = [
        block("10.46.0.0/16", "host01"),
        block("10.40.0.0/16", "host02"),
    ];
    let plan = plan(&network, &me, &peers, &blocks);
    assert_eq!(plan.problems, []);
    assert_eq!(rows(&plan), (0, 0, 2));
    assert_eq!(plan.state.fdb[&crate::mac::Mac::ZERO].len(), 2);
    let tunnel = plan.state.vxlan.unwrap();
    assert_eq!(tunnel.master, Some(Device::Bridge));
    assert!(tunnel.fixed.learning);
    let address = (Device::Bridge, "10.46.0.0/12".parse().unwrap());
    assert_eq!(plan.state.addresses, [address].into());
}

#[test]
fn subnets_lie_behind_their_nodes_bridges() {
    let settings = settings(Mode::Subnets, None, &[("10.244.0.0/16", 24)]);
    let (network, me) = node(1, &settings, &underlay(&["192.168.61.11/24"]));
    let peers = peers(&settings, &[(2, &["192.168.61.12/24"])]);
    let blocks = [
        block("10.244.1.0/24", "host01"),
        block("10.244.9.0/24", "host01"),
        block("10.244.2.0/24", "host02"),
    ];
    let plan = plan(&network, &me, &peers, &blocks);
    assert_eq!(
        via(&plan, "10.244.2.0/24"),
        Some(("10.244.2.0".to_owned(), Device::Vxlan))
    );
    // The first block is the bridge's connected route, the second has no bridge address yet.
    let second = RouteKey::plain("10.244.9.0/24".parse().unwrap());
    assert_eq!(plan.state.routes.get(&second), Some(&Target::Blackhole));
    assert_eq!(rows(&plan), (2, 1, 1));
    let vtep = (Device::Vxlan, "10.244.1.0/32".parse().unwrap());
    assert!(plan.state.addresses.contains(&vtep));
}

#[test]
fn dual_stack_over_an_ipv6_underlay() {
    let pools = [("10.244.0.0/16", 24), ("fd10:244::/48", 64)];
    let settings = settings(Mode::Routed, Some(Encap::Always), &pools);
    let (network, me) = node(1, &settings, &underlay(&["fd61::11/64"]));
    assert_eq!(network.mtu, 1430);
    let peers = peers(&settings, &[(2, &["fd61::12/64"])]);
    let blocks = [
        block("10.244.2.0/24", "host02"),
        block("fd10:244:0:2::/64", "host02"),
    ];
    let plan = plan(&network, &me, &peers, &blocks);
    assert_eq!(plan.problems, []);
    assert_eq!(
        via(&plan, "10.244.2.0/24"),
        Some(("10.244.2.0".to_owned(), Device::Vxlan))
    );
    let over = via(&plan, "fd10:244:0:2::/64");
    assert_eq!(over, Some(("fd10:244:0:2::".to_owned(), Device::Vxlan)));
    assert_eq!(rows(&plan), (2, 2, 1));
    let forwarding = "net/ipv6/conf/all/forwarding";
    assert_eq!(
        plan.state.sysctls.get(forwarding),
        Some(&Some("1".to_owned()))
    );
}

#[test]
fn a_node_that_follows_router_advertisements_keeps_following_them() {
    let settings = settings(Mode::Routed, None, &[("fd10:244::/48", 64)]);
    let (network, mut me) = node(1, &settings, &underlay(&["fd61::11/64"]));
    me.takes_router_advertisements = true;
    let plan = plan(&network, &me, &[], &[]);
    let accept_ra = plan.state.sysctls.get("net/ipv6/conf/enp0s8/accept_ra");
    assert_eq!(accept_ra, Some(&Some("2".to_owned())));
}

#[test]
fn a_peer_that_claims_what_is_taken_is_left_out_and_named() {
    let settings = settings(Mode::Routed, Some(Encap::Always), &[("10.244.0.0/16", 24)]);
    let (network, me) = node(1, &settings, &underlay(&["192.168.61.11/24"]));
    let mut all = peers(
        &settings,
        &[
            (2, &["192.168.61.12/24"]),
            (3, &["192.168.61.12/24"]),
            (4, &["192.168.61.11/24"]),
            (5, &["192.168.61.15/24"]),
            (6, &["192.168.61.16/24"]),
            (7, &["192.168.61.17/24"]),
        ],
    );
    all[3].vtep.as_mut().unwrap().mac = mac::of_vtep("host01");
    all[4].addresses = vec!["10.244.77.1/24".parse().unwrap()];
    all[5].vtep.as_mut().unwrap().port = 8472;
    let blocks = [
        block("10.244.2.0/24", "host02"),
        block("10.244.4.0/24", "host04"),
    ];
    let plan = plan(&network, &me, &all, &blocks);
    assert_eq!(rows(&plan), (1, 1, 1), "only host02 is left");
    let told: Vec<String> = plan.problems.iter().map(ToString::to_string).collect();
    let has = |text: &str| assert!(told.iter().any(|t| t.contains(text)), "{text} in {told:#?}");
    assert_eq!(told.len(), 6, "{told:#?}");
    has("peers host02 and host03 both claim address 192.168.61.12");
    has("peer host04 claims this node's address 192.168.61.11");
    has("peer host05 claims this node's VTEP MAC 66:5a:18:78:e4:a8");
    has("peer host06 has its underlay address 10.244.77.1 inside pool 10.244.0.0/16");
    has("peer host07 has VNI 4096 on port 8472, this node 4096 on 4789");
    has("block 10.244.4.0/24 is owned by host04, which has no record");
}

#[test]
fn the_order_of_peers_and_blocks_does_not_matter() {
    let settings = settings(Mode::Routed, Some(Encap::Always), &[("10.244.0.0/16", 24)]);
    let (network, me) = node(1, &settings, &underlay(&["192.168.61.11/24"]));
    let mut peers = peers(
        &settings,
        &[
            (2, &["192.168.61.12/24"]),
            (3, &["192.168.61.12/24"]),
            (4, &["192.168.61.14/24"]),
        ],
    );
    let mut blocks = [
        block("10.244.2.0/24", "host02"),
        block("10.244.4.0/24", "host04"),
        block("9.0.0.0/24", "x"),
    ];
    let first = plan(&network, &me, &peers, &blocks);
    peers.reverse();
    blocks.reverse();
    assert_eq!(plan(&network, &me, &peers, &blocks), first);
}
