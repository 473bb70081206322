//! Addresses, ports, protocols and marks as iptables writes them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::rule::Family;

pub(super) fn nets(text: &str, family: Family) -> Vec<IpNet> {
    text.split(',')
        .filter_map(|net| {
            net.parse().ok().or_else(|| {
                let address: IpAddr = net.parse().ok()?;
                IpNet::new(address, if family == Family::Inet { 32 } else { 128 }).ok()
            })
        })
        .collect()
}

pub(in crate::walk::netfilter) fn protocol(name: &str) -> Option<u8> {
    Some(match name {
        "all" => 0,
        "icmp" => 1,
        "igmp" => 2,
        "ipencap" | "ipip" => 4,
        "tcp" => 6,
        "udp" => 17,
        "ipv6" => 41,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmp6" | "icmpv6" | "ipv6-icmp" => 58,
        "sctp" => 132,
        "udplite" => 136,
        number => number.parse().ok()?,
    })
}

pub(super) fn ports(text: &str) -> Vec<(u16, u16)> {
    text.split(',')
        .filter_map(|range| match range.split_once(':') {
            Some((first, last)) => {
                let first = if first.is_empty() {
                    Some(0)
                } else {
                    first.parse().ok()
                };
                let last = if last.is_empty() {
                    Some(u16::MAX)
                } else {
                    last.parse().ok()
                };
                Some((first?, last?))
            }
            None => range.parse().ok().map(|port| (port, port)),
        })
        .collect()
}

pub(super) fn number(text: &str) -> u32 {
    text.strip_prefix("0x").map_or_else(
        || text.parse().unwrap_or(0),
        |hex| u32::from_str_radix(hex, 16).unwrap_or(0),
    )
}

pub(super) fn masked(text: &str) -> (u32, u32) {
    match text.split_once('/') {
        Some((value, mask)) => (number(value), number(mask)),
        None => (number(text), u32::MAX),
    }
}
