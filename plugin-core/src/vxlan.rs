//! Weave's and flannel's way: the pods of a node are ports of one bridge. What joins the bridges of the
//! nodes, a VXLAN port or routes, is the agent's; this is the pod's side of it.
//!
//! In a flat pool (10.32.0.0/12) every pod is on every other pod's link and asks for it by ARP, across
//! nodes. With a subnet for each node the same holds inside the node, and the bridge leads outside. Either
//! way the prefix length that IPAM gives says how far the link goes, and the default gateway is the node's
//! own bridge.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::attach::ends::{Ends, everything, has_ipv4, has_ipv6, secondary};
use crate::attach::network::Bridge;
use crate::mac::Mac;
use crate::plan::{Operation, Side};
use crate::spec::{AddResult, Interface, Route};

/// What a pod gets of what IPAM gave: with `gateway`, a default route through it for each family.
pub fn adapt(given: &AddResult, gateway: bool) -> AddResult {
    let next_hop = |dst: IpNet| {
        let same = given
            .ips
            .iter()
            .filter(|ip| ip.address.addr().is_ipv4() == dst.addr().is_ipv4());
        same.filter_map(|ip| ip.gateway).next()
    };
    let mut routes: Vec<Route> = given
        .routes
        .iter()
        .map(|route| Route {
            gw: route.gw.or_else(|| next_hop(route.dst)),
            ..route.clone()
        })
        .collect();
    if gateway {
        for ip in &given.ips {
            let dst = everything(ip.address.addr());
            if ip.gateway.is_some() && !routes.iter().any(|route| route.dst == dst) {
                routes.push(Route::via(dst, ip.gateway));
            }
        }
    }
    AddResult {
        routes,
        ..given.clone()
    }
}

/// The operations that attach a pod with what [`adapt`] made. `mac` is the bridge's, should it have to be
/// made.
pub fn operations(ends: &Ends, given: &AddResult, bridge: &Bridge, mac: Mac) -> Vec<Operation> {
    let node = &ends.node.name;
    let mut list = vec![Operation::EnsureBridge {
        name: bridge.name.clone(),
        mac,
        mtu: ends.mtu,
    }];
    if bridge.gateway {
        list.extend(
            bridge_addresses(given).map(|address| Operation::AddAddress {
                side: Side::Node,
                link: bridge.name.clone(),
                address,
            }),
        );
        if has_ipv4(given) {
            list.push(Operation::forward("net/ipv4/ip_forward"));
        }
        if has_ipv6(given) {
            list.push(Operation::forward("net/ipv6/conf/all/forwarding"));
        }
    }
    list.extend(ends.create(Some(&bridge.name)));
    if ends.ipv6 {
        // The port itself has nothing to say; a pod must not hand the node a default route through it
        // (CVE-2020-10749).
        list.push(Operation::link_sysctl(
            Side::Node,
            "ipv6/conf",
            node,
            "accept_ra",
            0,
        ));
    }
    list.push(Operation::SetPort {
        link: node.clone(),
        hairpin: bridge.hairpin,
    });
    list.push(Operation::RaiseLink {
        side: Side::Node,
        link: node.clone(),
    });
    list.extend(ends.address_pod(given));
    list.extend(ends.route_pod(given));
    if secondary(&ends.pod.name).is_some() {
        // Two interfaces on one link: each answers for, and asks with, its own addresses only.
        for (name, value) in [("arp_ignore", 1), ("arp_announce", 2)] {
            list.push(Operation::link_sysctl(
                Side::Pod,
                "ipv4/conf",
                "all",
                name,
                value,
            ));
        }
        let links: Vec<IpNet> = given.ips.iter().map(|ip| ip.address.trunc()).collect();
        list.extend(ends.own_table(given, &links));
    }
    list
}

/// The gateways with the prefix length of the pods, which the bridge has as its own.
fn bridge_addresses(given: &AddResult) -> impl Iterator<Item = IpNet> {
    given.ips.iter().filter_map(|ip| {
        let gateway: IpAddr = ip.gateway?;
        IpNet::new(gateway, ip.address.prefix_len()).ok()
    })
}

/// The entry of the bridge in the result.
pub fn interface(bridge: &Bridge, mac: Mac) -> Interface {
    Interface {
        name: bridge.name.clone(),
        mac: Some(mac.to_string()),
        ..Interface::default()
    }
}
