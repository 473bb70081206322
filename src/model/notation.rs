//! Rows as an operator knows them: the notation of `ip route`, `ip rule`, `ip neigh` and `bridge fdb`.

use std::fmt::Write;

use super::address::Address;
use super::fdb::FdbEntry;
use super::neighbour::{Neighbour, NeighbourState};
use super::netns::Netns;
use super::number::TableId;
use super::route::{Encap, NextHop, PortVlan, Protocol, Route, RouteKind, Scope};
use super::rule::{Family, Rule, RuleAction};

/// A device's setting as `sysctl` takes it: a dot in the device's name would be read as the end of it, so then
/// slashes part the words.
pub fn setting(family: &str, device: &str, key: &str) -> String {
    if device.contains(['.', '/']) {
        format!("net/{family}/conf/{device}/{key}")
    } else {
        format!("net.{family}.conf.{device}.{key}")
    }
}

/// A route as `ip route show table all` prints it: `172.31.89.192/26 via 192.168.61.12 dev enp0s8 proto 80 onlink`.
pub fn route(route: &Route, netns: &Netns) -> String {
    let mut text = String::new();
    if route.kind != RouteKind::Unicast {
        text.push_str(route.kind.as_str());
        text.push(' ');
    }
    if route.is_default() && route.kind != RouteKind::Local {
        text.push_str("default");
    } else if route.destination.prefix_len() == route.destination.max_prefix_len() {
        push(&mut text, route.destination.addr());
    } else {
        push(&mut text, route.destination);
    }
    if let Some(source) = route.source {
        push(&mut text, format_args!(" from {source}"));
    }
    if route.tos != 0 {
        push(&mut text, format_args!(" tos {:#x}", route.tos));
    }
    if let Some(id) = route.nexthop_id {
        push(&mut text, format_args!(" nhid {id}"));
    }
    if let [hop] = route.nexthops.as_slice() {
        push_hop(&mut text, hop, netns);
    }
    if route.table != TableId::MAIN {
        match route.table.name() {
            Some(name) => push(&mut text, format_args!(" table {name}")),
            None => push(&mut text, format_args!(" table {}", route.table)),
        }
    }
    if !matches!(route.protocol, Protocol::BOOT | Protocol::UNSPEC) {
        push(&mut text, format_args!(" proto {}", route.protocol));
    }
    if route.scope != Scope::UNIVERSE && route.destination.addr().is_ipv4() {
        push(&mut text, format_args!(" scope {}", route.scope));
    }
    if let Some(source) = route.prefsrc {
        push(&mut text, format_args!(" src {source}"));
    }
    if route.metric != 0 {
        push(&mut text, format_args!(" metric {}", route.metric));
    }
    if let [hop] = route.nexthops.as_slice() {
        push_hop_flags(&mut text, hop);
    }
    if let Some(mtu) = route.mtu {
        let lock = if route.mtu_locked { "lock " } else { "" };
        push(&mut text, format_args!(" mtu {lock}{mtu}"));
    }
    if route.nexthops.len() > 1 {
        for hop in &route.nexthops {
            text.push_str(" nexthop");
            push_hop(&mut text, hop, netns);
            push(&mut text, format_args!(" weight {}", hop.weight));
            push_hop_flags(&mut text, hop);
        }
    }
    text
}

fn push(text: &mut String, what: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{what}");
}

fn push_hop(text: &mut String, hop: &NextHop, netns: &Netns) {
    match &hop.encap {
        Some(Encap::Ip { id, dst, src, .. }) => {
            push(text, format_args!(" encap ip id {id}"));
            if let Some(src) = src {
                push(text, format_args!(" src {src}"));
            }
            if let Some(dst) = dst {
                push(text, format_args!(" dst {dst}"));
            }
        }
        Some(Encap::Mpls { labels }) => {
            let labels: Vec<_> = labels.iter().map(u32::to_string).collect();
            push(text, format_args!(" encap mpls {}", labels.join("/")));
        }
        Some(Encap::Seg6 { segments }) => {
            let segments: Vec<_> = segments.iter().map(ToString::to_string).collect();
            push(
                text,
                format_args!(" encap seg6 segs {}", segments.join(",")),
            );
        }
        Some(Encap::Other { name }) => push(text, format_args!(" encap {name}")),
        None => {}
    }
    if let Some(gateway) = hop.gateway {
        push(text, format_args!(" via {gateway}"));
    }
    if let Some(device) = hop.device {
        push(text, format_args!(" dev {}", netns.device_name(device)));
    }
}

fn push_hop_flags(text: &mut String, hop: &NextHop) {
    for (set, word) in [
        (hop.dead, " dead"),
        (hop.onlink, " onlink"),
        (hop.linkdown, " linkdown"),
    ] {
        if set {
            text.push_str(word);
        }
    }
}

/// A rule as `ip rule` prints it: `100: from 10.0.0.0/8 lookup 7`.
pub fn rule(rule: &Rule) -> String {
    let mut text = format!("{}:", rule.priority);
    if rule.invert {
        text.push_str(" not");
    }
    match rule.from {
        Some(from) => push(&mut text, format_args!(" from {from}")),
        None => text.push_str(" from all"),
    }
    if let Some(to) = rule.to {
        push(&mut text, format_args!(" to {to}"));
    }
    if rule.tos != 0 {
        push(&mut text, format_args!(" tos {:#x}", rule.tos));
    }
    match (rule.fwmark, rule.fwmask) {
        (Some(mark), None | Some(u32::MAX)) => push(&mut text, format_args!(" fwmark {mark:#x}")),
        (Some(mark), Some(mask)) => push(&mut text, format_args!(" fwmark {mark:#x}/{mask:#x}")),
        (None, Some(mask)) => push(&mut text, format_args!(" fwmark 0/{mask:#x}")),
        (None, None) => {}
    }
    if let Some(device) = &rule.iif {
        push(&mut text, format_args!(" iif {device}"));
    }
    if let Some(device) = &rule.oif {
        push(&mut text, format_args!(" oif {device}"));
    }
    if let Some((first, last)) = rule.uids {
        push(&mut text, format_args!(" uidrange {first}-{last}"));
    }
    if let Some(protocol) = rule.ip_protocol {
        push(&mut text, format_args!(" ipproto {protocol}"));
    }
    for (word, range) in [
        ("sport", rule.source_ports),
        ("dport", rule.destination_ports),
    ] {
        if let Some((first, last)) = range {
            if first == last {
                push(&mut text, format_args!(" {word} {first}"));
            } else {
                push(&mut text, format_args!(" {word} {first}-{last}"));
            }
        }
    }
    if let Some(id) = rule.tunnel_id {
        push(&mut text, format_args!(" tun_id {id}"));
    }
    if rule.unknown_match {
        text.push_str(" (and something that is not decoded)");
    }
    match rule.action {
        RuleAction::Lookup(_) if rule.l3mdev => text.push_str(" lookup [l3mdev-table]"),
        RuleAction::Lookup(table) => match table.name() {
            Some(name) => push(&mut text, format_args!(" lookup {name}")),
            None => push(&mut text, format_args!(" lookup {table}")),
        },
        RuleAction::Goto(priority) => push(&mut text, format_args!(" goto {priority}")),
        RuleAction::Nop => text.push_str(" nop"),
        RuleAction::Blackhole => text.push_str(" blackhole"),
        RuleAction::Unreachable => text.push_str(" unreachable"),
        RuleAction::Prohibit => text.push_str(" prohibit"),
    }
    if let Some(length) = rule.suppress_prefixlen {
        push(&mut text, format_args!(" suppress_prefixlength {length}"));
    }
    if let Some(group) = rule.suppress_ifgroup {
        push(&mut text, format_args!(" suppress_ifgroup {group}"));
    }
    if !matches!(
        rule.protocol,
        Protocol::KERNEL | Protocol::UNSPEC | Protocol::BOOT
    ) {
        push(&mut text, format_args!(" proto {}", rule.protocol));
    }
    text
}

/// A neighbour as `ip neigh` prints it: `169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee REACHABLE`.
pub fn neighbour(neighbour: &Neighbour, netns: &Netns) -> String {
    let device = netns.device_name(neighbour.device);
    let mut text = format!("{} dev {device}", neighbour.address);
    if neighbour.proxy {
        text.push_str(" proxy");
        return text;
    }
    if let Some(mac) = neighbour.mac {
        push(&mut text, format_args!(" lladdr {mac}"));
    }
    if neighbour.router {
        text.push_str(" router");
    }
    if neighbour.extern_learned {
        text.push_str(" extern_learn");
    }
    push(&mut text, format_args!(" {}", neighbour.state.as_str()));
    text
}

/// A VLAN of a bridge's port as `bridge vlan` prints it: `eth1  10 PVID Egress Untagged`.
pub fn port_vlan(row: &PortVlan, netns: &Netns) -> String {
    let mut text = format!("{}  {}", netns.device_name(row.device), row.vlan);
    if row.pvid {
        text.push_str(" PVID");
    }
    if row.untagged {
        text.push_str(" Egress Untagged");
    }
    text
}

/// A forwarding entry as `bridge fdb` prints it: `66:5a:18:78:e4:a8 dev vxlan.calico dst 192.168.61.12 self permanent`.
pub fn fdb(entry: &FdbEntry, netns: &Netns) -> String {
    let mut text = format!("{} dev {}", entry.mac, netns.device_name(entry.device));
    if let Some(dst) = entry.dst {
        push(&mut text, format_args!(" dst {dst}"));
    }
    if let Some(vlan) = entry.vlan {
        push(&mut text, format_args!(" vlan {vlan}"));
    }
    if let Some(port) = entry.port {
        push(&mut text, format_args!(" port {port}"));
    }
    if let Some(vni) = entry.vni {
        push(&mut text, format_args!(" vni {vni}"));
    }
    if let Some(via) = entry.via {
        push(&mut text, format_args!(" via {}", netns.device_name(via)));
    }
    if let Some(id) = entry.nexthop_id {
        push(&mut text, format_args!(" nhid {id}"));
    }
    if entry.own {
        text.push_str(" self");
    }
    if let Some(master) = entry.master {
        push(
            &mut text,
            format_args!(" master {}", netns.device_name(master)),
        );
    }
    for (set, word) in [
        (entry.extern_learned, " extern_learn"),
        (entry.sticky, " sticky"),
    ] {
        if set {
            text.push_str(word);
        }
    }
    match entry.state {
        NeighbourState::Permanent => text.push_str(" permanent"),
        NeighbourState::Noarp => text.push_str(" static"),
        NeighbourState::Stale => text.push_str(" stale"),
        _ => {}
    }
    text
}

/// An address as `ip addr` prints it: `172.31.239.205/32`.
pub fn address(address: &Address) -> String {
    match address.peer {
        Some(peer) if peer != address.address => {
            format!("{} peer {peer}/{}", address.address, address.prefix_len)
        }
        _ => format!("{}/{}", address.address, address.prefix_len),
    }
}

/// The command that shows the rules of a family.
pub fn family_flag(family: Family) -> &'static str {
    match family {
        Family::Inet => "-4",
        Family::Inet6 => "-6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::number::IfIndex;
    use crate::model::table::Table;

    fn netns() -> Netns {
        let link: crate::model::Link = serde_json::from_value(serde_json::json!({
            "index": 2, "name": "enp0s8", "kind": {"type": "device"}, "hardware_type": 1,
            "flags": ["UP"], "oper_state": "UP", "mtu": 1500, "stats": {}
        }))
        .unwrap();
        Netns {
            links: Table::complete(vec![link]),
            ..Netns::default()
        }
    }

    fn block() -> Route {
        Route {
            protocol: Protocol(80),
            nexthops: vec![NextHop {
                gateway: Some("192.168.61.12".parse().unwrap()),
                onlink: true,
                ..NextHop::device(IfIndex(2))
            }],
            ..Route::to("172.31.89.192/26".parse().unwrap())
        }
    }

    #[test]
    fn routes_read_as_ip_prints_them() {
        let netns = netns();
        assert_eq!(
            route(&block(), &netns),
            "172.31.89.192/26 via 192.168.61.12 dev enp0s8 proto 80 onlink"
        );
        let own = Route {
            kind: RouteKind::Blackhole,
            nexthops: Vec::new(),
            destination: "172.31.239.192/26".parse().unwrap(),
            ..block()
        };
        assert_eq!(route(&own, &netns), "blackhole 172.31.239.192/26 proto 80");
        let pod = Route {
            destination: "172.31.239.216/32".parse().unwrap(),
            scope: Scope::LINK,
            protocol: Protocol::BOOT,
            nexthops: vec![NextHop::device(IfIndex(7))],
            ..block()
        };
        assert_eq!(route(&pod, &netns), "172.31.239.216 dev if7 scope link");
    }
}
