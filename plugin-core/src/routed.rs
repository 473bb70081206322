//! Calico's way: every pod alone behind its own veth pair and a host route, and everything routed.
//!
//! IPv4: the pod's gateway is 169.254.1.1, which exists nowhere. The node's end answers ARP for it
//! (`proxy_arp`) at once (`proxy_delay` 0; the kernel waits up to 0.8 s by default) with its own address
//! ee:ee:ee:ee:ee:ee, the same on every node, so that a pod's neighbour entry never goes stale.
//!
//! IPv6: the gateway is fe80::ecee:eeff:feee:eeee, the link-local address that follows from that hardware
//! address (RFC 4291 appendix A). It is a real address of the node's end: `proxy_ndp` answers only for
//! addresses listed one by one, and a route through a link-local next hop is what IPv6 expects (RFC 4861).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::attach::ends::{Ends, everything, has_ipv4, has_ipv6, secondary};
use crate::mac::Mac;
use crate::plan::{Operation, Side};
use crate::spec::{AddResult, IpConfig, Route};

/// The hardware address of every node's end.
pub const HOST_MAC: Mac = Mac([0xee; 6]);
/// The pods' IPv4 gateway.
pub const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);
/// That it is on the pod's link.
const GATEWAY_ROUTE: IpNet = IpNet::V4(Ipv4Net::new_assert(GATEWAY_V4, 32));
/// The pods' IPv6 gateway.
pub const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0xecee, 0xeeff, 0xfeee, 0xeeee);

/// What a pod gets of what IPAM gave: every address alone, and everything through the gateway.
pub fn adapt(given: &AddResult) -> AddResult {
    let alone = |ip: &IpConfig| {
        let address = ip.address.addr();
        IpConfig {
            address: address.into(),
            gateway: Some(gateway_of(address)),
            interface: ip.interface,
        }
    };
    let ips: Vec<IpConfig> = given.ips.iter().map(alone).collect();
    let mut routes: Vec<Route> = Vec::new();
    for ip in &ips {
        let default = Route::via(everything(ip.address.addr()), ip.gateway);
        if !routes.contains(&default) {
            routes.push(default);
        }
    }
    let of_a_family = |dst: IpNet| {
        ips.iter()
            .any(|ip| ip.address.addr().is_ipv4() == dst.addr().is_ipv4())
    };
    let others = given
        .routes
        .iter()
        .filter(|route| route.dst.prefix_len() > 0 && of_a_family(route.dst));
    // Whatever next hop was given: the pod has no neighbour but the node.
    routes.extend(others.map(|route| Route {
        gw: Some(gateway_of(route.dst.addr())),
        ..route.clone()
    }));
    AddResult {
        ips,
        routes,
        ..given.clone()
    }
}

/// The operations that attach a pod with what [`adapt`] made. `answers_gateway` says whether the node has
/// a way to the gateway by another link.
pub fn operations(ends: &Ends, given: &AddResult, answers_gateway: bool) -> Vec<Operation> {
    let (node, pod) = (&ends.node.name, &ends.pod.name);
    let set = |table, name, value| Operation::link_sysctl(Side::Node, table, node, name, value);
    let mut list = Vec::new();
    if has_ipv4(given) {
        list.push(Operation::forward("net/ipv4/ip_forward"));
    }
    list.extend(ends.create(None));
    if ends.ipv6 {
        // A pod must not hand the node a default route (CVE-2020-10749).
        list.push(set("ipv6/conf", "accept_ra", 0));
    }
    if has_ipv4(given) {
        list.push(set("ipv4/neigh", "proxy_delay", 0));
        list.push(set("ipv4/conf", "forwarding", 1));
        list.push(set("ipv4/conf", "proxy_arp", 1));
        // A pod may send from its own address only.
        list.push(set("ipv4/conf", "rp_filter", 1));
        if !answers_gateway {
            list.push(Operation::EnsureGatewayRoute {
                gateway: GATEWAY_V4.into(),
            });
        }
    }
    if has_ipv6(given) {
        list.push(Operation::forward("net/ipv6/conf/all/forwarding"));
        list.push(set("ipv6/conf", "disable_ipv6", 0));
        list.push(set("ipv6/conf", "forwarding", 1));
        // Before the link is up: the kernel would make the same address itself, and keep it unusable
        // for a second while it looks for duplicates.
        list.push(Operation::AddAddress {
            side: Side::Node,
            link: node.clone(),
            address: IpNet::V6(Ipv6Net::new_assert(GATEWAY_V6, 64)),
        });
    }
    list.push(Operation::RaiseLink {
        side: Side::Node,
        link: node.clone(),
    });
    list.extend(
        given.ips.iter().map(|ip| {
            Operation::route(Side::Node, None, ip.address.addr().into(), None, node, None)
        }),
    );

    list.extend(ends.address_pod(given));
    // IPv6 needs no route to its gateway: the address is link-local.
    let gateway: &[IpNet] = if has_ipv4(given) {
        &[GATEWAY_ROUTE]
    } else {
        &[]
    };
    list.extend(
        gateway
            .iter()
            .map(|gateway| Operation::route(Side::Pod, None, *gateway, None, pod, secondary(pod))),
    );
    list.extend(ends.route_pod(given));
    // Without it the node would drop, rightly, what it takes for forged (rp_filter).
    list.extend(ends.own_table(given, gateway));
    list
}

fn gateway_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => GATEWAY_V4.into(),
        IpAddr::V6(_) => GATEWAY_V6.into(),
    }
}
