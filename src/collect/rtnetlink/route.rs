//! Routes (`RTM_GETROUTE`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use plugin_core::netlink::Socket;

use super::{INET, INET6, Message, tables};
use crate::collect::attributes::{Attributes, Value, Writer};
use crate::model::number::TableId;
use crate::model::route::{Encap, NextHop, Protocol, RouteKind, Scope};
use crate::model::{IfIndex, Route, Table};

const RTM_GETROUTE: u16 = 26;
/// `struct rtmsg`.
const HEADER: usize = 12;

const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_CACHEINFO: u16 = 12;
const RTA_TABLE: u16 = 15;
const RTA_VIA: u16 = 18;
const RTA_PREF: u16 = 20;
const RTA_ENCAP_TYPE: u16 = 21;
const RTA_ENCAP: u16 = 22;
const RTA_NH_ID: u16 = 30;

const RTAX_LOCK: u16 = 1;
const RTAX_MTU: u16 = 2;
const RTAX_ADVMSS: u16 = 8;

const RTNH_F_DEAD: u32 = 1;
const RTNH_F_ONLINK: u32 = 4;
const RTNH_F_LINKDOWN: u32 = 16;
/// A route that was made from another for one destination: a cache, not configuration.
const RTM_F_CLONED: u32 = 0x200;
/// The route itself is wanted, not what was made of it for one destination.
const RTM_F_FIB_MATCH: u32 = 0x2000;
const RTM_F_OFFLOAD: u32 = 0x4000;

/// The kernel counts a route's remaining time in ticks of `USER_HZ`.
const USER_HZ: u32 = 100;

/// What to ask for. A strict socket is needed for anything but everything.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::collect) struct Wanted {
    /// Only routes of this family.
    pub(in crate::collect) family: Option<u8>,
    /// Only routes that leave by this device.
    pub(in crate::collect) device: Option<IfIndex>,
    /// Only routes of this table.
    pub(in crate::collect) table: Option<TableId>,
}

/// The routes, of both families unless one is wanted.
pub(in crate::collect) fn read(socket: &mut Socket, wanted: Wanted) -> Table<Route> {
    let request = |family| {
        let mut header = [0; HEADER];
        header[0] = family;
        let mut body = Writer::behind(&header);
        if let Some(table) = wanted.table {
            body = body.put_u32(RTA_TABLE, table.0);
        }
        if let Some(device) = wanted.device {
            body = body.put_u32(RTA_OIF, device.0);
        }
        Message::new(RTM_GETROUTE, body.0)
    };
    match wanted.family {
        Some(family) => tables(socket, &[request(family)], decode),
        None => tables(socket, &[request(INET), request(INET6)], decode),
    }
}

/// The route by which the namespace of `socket` reaches an address; `None` without one.
///
/// # Errors
/// When the kernel does not answer.
pub(in crate::collect) fn to(
    socket: &mut Socket,
    address: IpAddr,
) -> Result<Option<Route>, plugin_core::netlink::Error> {
    let mut header = [0; HEADER];
    header[8..12].copy_from_slice(&RTM_F_FIB_MATCH.to_ne_bytes());
    let body = match address {
        IpAddr::V4(address) => {
            (header[0], header[1]) = (INET, 32);
            Writer::behind(&header).put(RTA_DST, &address.octets())
        }
        IpAddr::V6(address) => {
            (header[0], header[1]) = (INET6, 128);
            Writer::behind(&header).put(RTA_DST, &address.octets())
        }
    };
    match socket.get::<_, Message>(&Message::new(RTM_GETROUTE, body.0), 0) {
        Ok(answer) => Ok(decode(&answer.payload)),
        Err(error) if error.errno() == Some(libc::ENETUNREACH) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Turns one message into a route.
pub(in crate::collect) fn decode(payload: &[u8]) -> Option<Route> {
    let &[family, dst_len, src_len, tos, table, protocol, scope, kind] = payload.get(..8)? else {
        return None;
    };
    let flags = Value(payload).u32_in(8)?;
    if flags & RTM_F_CLONED != 0 {
        return None;
    }
    let any: IpAddr = match family {
        INET => Ipv4Addr::UNSPECIFIED.into(),
        INET6 => Ipv6Addr::UNSPECIFIED.into(),
        _ => return None,
    };
    let mut destination = any;
    let mut source = None;
    let mut only = Hop::default();
    let mut hops = Vec::new();
    let mut route = Route {
        table: TableId(u32::from(table)),
        tos,
        kind: kind_of(kind),
        scope: Scope(scope),
        protocol: Protocol(protocol),
        offloaded: flags & RTM_F_OFFLOAD != 0,
        ..Route::to(IpNet::new(any, 0).ok()?)
    };
    for (kind, value) in Attributes::behind(payload, HEADER) {
        if only.take(kind, value) {
            continue;
        }
        match kind {
            RTA_DST => destination = value.ip()?,
            RTA_SRC => source = value.ip(),
            RTA_TABLE => route.table = TableId(value.u32()?),
            RTA_PRIORITY => route.metric = value.u32()?,
            RTA_PREFSRC => route.prefsrc = value.ip(),
            RTA_NH_ID => route.nexthop_id = value.u32(),
            RTA_PREF => route.preference = value.u8().unwrap_or_default(),
            RTA_MULTIPATH => hops = multipath(value.0),
            RTA_METRICS => metrics(&mut route, value.nested()),
            // struct rta_cacheinfo: clntref, lastuse, expires (signed; zero is never).
            RTA_CACHEINFO => {
                route.expires_s = value
                    .i32_at(2)
                    .and_then(|ticks| u32::try_from(ticks).ok())
                    .filter(|ticks| *ticks != 0)
                    .map(|ticks| ticks / USER_HZ);
            }
            _ => {}
        }
    }
    route.destination = IpNet::new(destination, dst_len).ok()?;
    route.source = source
        .filter(|_| src_len != 0)
        .and_then(|source| IpNet::new(source, src_len).ok());
    if hops.is_empty() && (only.gateway.is_some() || only.device.is_some()) {
        hops.push(only.finish(1, flags));
    }
    // Without a way out these kinds still name the loopback in IPv6 (net/ipv6/route.c); it means nothing.
    let leads_nowhere = matches!(
        route.kind,
        RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit | RouteKind::Throw
    );
    if !leads_nowhere {
        route.nexthops = hops;
    }
    Some(route)
}

fn metrics(route: &mut Route, metrics: Attributes<'_>) {
    for (kind, value) in metrics {
        match kind {
            RTAX_MTU => route.mtu = value.u32(),
            RTAX_ADVMSS => route.advmss = value.u32(),
            RTAX_LOCK => {
                route.mtu_locked = value.u32().unwrap_or_default() & (1 << RTAX_MTU) != 0;
            }
            _ => {}
        }
    }
}

/// A list of `struct rtnexthop` (length, flags, hops = weight − 1, index), each with attributes.
fn multipath(mut bytes: &[u8]) -> Vec<NextHop> {
    let mut hops = Vec::new();
    while let Some(&[a, b, flags, weight]) = bytes.get(..4) {
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let (Some(device), Some(attributes)) = (Value(bytes).u32_in(4), bytes.get(8..length))
        else {
            break;
        };
        let mut hop = Hop {
            device: Some(IfIndex(device)).filter(|device| device.0 != 0),
            ..Hop::default()
        };
        for (kind, value) in Attributes(attributes) {
            hop.take(kind, value);
        }
        hops.push(hop.finish(u16::from(weight) + 1, u32::from(flags)));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    hops
}

/// A nexthop whose attributes are still coming.
#[derive(Debug, Default)]
struct Hop<'a> {
    gateway: Option<IpAddr>,
    device: Option<IfIndex>,
    encap_type: Option<u16>,
    encap: Option<Value<'a>>,
}

impl<'a> Hop<'a> {
    /// Takes an attribute of a nexthop; `false` for any other.
    fn take(&mut self, kind: u16, value: Value<'a>) -> bool {
        match kind {
            RTA_GATEWAY => self.gateway = value.specified_ip(),
            // struct rtvia: the family, then the address.
            RTA_VIA => self.gateway = value.0.get(2..).and_then(|ip| Value(ip).ip()),
            RTA_OIF => self.device = value.u32().map(IfIndex),
            RTA_ENCAP_TYPE => self.encap_type = value.u16(),
            RTA_ENCAP => self.encap = Some(value),
            _ => return false,
        }
        true
    }

    fn finish(self, weight: u16, flags: u32) -> NextHop {
        NextHop {
            gateway: self.gateway,
            device: self.device,
            weight,
            onlink: flags & RTNH_F_ONLINK != 0,
            dead: flags & RTNH_F_DEAD != 0,
            linkdown: flags & RTNH_F_LINKDOWN != 0,
            encap: self
                .encap_type
                .filter(|kind| *kind != 0)
                .map(|kind| encap(kind, self.encap.map(Value::nested))),
        }
    }
}

/// Lightweight tunnels (`include/uapi/linux/lwtunnel.h`).
pub(super) fn encap(kind: u16, attributes: Option<Attributes<'_>>) -> Encap {
    const MPLS: u16 = 1;
    const IP: u16 = 2;
    const IP6: u16 = 4;
    const SEG6: u16 = 5;
    let attributes = attributes.unwrap_or(Attributes(&[]));
    match kind {
        IP | IP6 => {
            let (mut id, mut dst, mut src, mut ttl, mut tos) = (0, None, None, 0, 0);
            for (kind, value) in attributes {
                match kind {
                    // The identifier is in network byte order, the rest are octets.
                    1 => id = value.be64().unwrap_or_default(),
                    2 => dst = value.specified_ip(),
                    3 => src = value.specified_ip(),
                    // IPv4 has ttl, tos; IPv6 has hop limit, traffic class: the same places.
                    4 => ttl = value.u8().unwrap_or_default(),
                    5 => tos = value.u8().unwrap_or_default(),
                    _ => {}
                }
            }
            Encap::Ip {
                id,
                dst,
                src,
                ttl,
                tos,
            }
        }
        MPLS => Encap::Mpls {
            // 20 bits of label, 3 of class, 1 bottom of stack, 8 of TTL (RFC 3032 §2.1).
            labels: attributes
                .get(1)
                .map(|stack| {
                    stack
                        .0
                        .chunks_exact(4)
                        .filter_map(|entry| Value(entry).be32())
                        .map(|entry| entry >> 12)
                        .collect()
                })
                .unwrap_or_default(),
        },
        SEG6 => Encap::Seg6 {
            // A mode (4 octets), then the routing header: 8 octets and the segments, last one first
            // (RFC 8754 §2).
            segments: attributes
                .get(1)
                .and_then(|header| header.0.get(12..))
                .map(|segments| {
                    segments
                        .chunks_exact(16)
                        .rev()
                        .filter_map(|segment| Value(segment).ip())
                        .collect()
                })
                .unwrap_or_default(),
        },
        other => Encap::Other {
            name: match other {
                3 => "ila".to_owned(),
                6 => "bpf".to_owned(),
                7 => "seg6local".to_owned(),
                8 => "rpl".to_owned(),
                9 => "ioam6".to_owned(),
                10 => "xfrm".to_owned(),
                _ => other.to_string(),
            },
        },
    }
}

fn kind_of(kind: u8) -> RouteKind {
    match kind {
        1 => RouteKind::Unicast,
        2 => RouteKind::Local,
        3 => RouteKind::Broadcast,
        4 => RouteKind::Anycast,
        5 => RouteKind::Multicast,
        6 => RouteKind::Blackhole,
        7 => RouteKind::Unreachable,
        8 => RouteKind::Prohibit,
        9 => RouteKind::Throw,
        _ => RouteKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `172.31.89.192/26 via 192.168.61.12 dev 2 proto 80 onlink`
    fn block() -> Writer {
        Writer::behind(&[2, 26, 0, 0, 254, 80, 0, 1, 4, 0, 0, 0])
            .put_u32(RTA_TABLE, 254)
            .put(RTA_DST, &[172, 31, 89, 192])
            .put(RTA_GATEWAY, &[192, 168, 61, 12])
            .put_u32(RTA_OIF, 2)
    }

    #[test]
    fn a_block_route() {
        let route = decode(&block().0).unwrap();
        assert_eq!(route.destination.to_string(), "172.31.89.192/26");
        assert_eq!(route.protocol, Protocol(80));
        assert_eq!(
            route.nexthops,
            [NextHop {
                gateway: Some("192.168.61.12".parse().unwrap()),
                onlink: true,
                ..NextHop::device(IfIndex(2))
            }]
        );
    }

    #[test]
    fn a_route_into_a_tunnel() {
        let encap = Writer::default()
            .put(1, &4096_u64.to_be_bytes())
            .put(2, &[192, 168, 61, 12])
            .put(4, &[64]);
        let bytes = block()
            .put(RTA_ENCAP_TYPE, &[2, 0])
            .nest(RTA_ENCAP, encap)
            .0;
        assert_eq!(
            decode(&bytes).unwrap().nexthops[0].encap,
            Some(Encap::Ip {
                id: 4096,
                dst: Some("192.168.61.12".parse().unwrap()),
                src: None,
                ttl: 64,
                tos: 0
            })
        );
    }

    #[test]
    fn labels_and_segments() {
        let stack = Writer::default()
            .put(1, &[0, 0x06, 0x40, 0, 0, 0x0c, 0x81, 0])
            .0;
        assert_eq!(
            encap(1, Some(Attributes(&stack))),
            Encap::Mpls {
                labels: vec![100, 200]
            }
        );
        let mut header = vec![1, 0, 0, 0, 0, 4, 4, 1, 1, 0, 0, 0];
        header.extend("fc00::2".parse::<Ipv6Addr>().unwrap().octets());
        header.extend("fc00::1".parse::<Ipv6Addr>().unwrap().octets());
        let bytes = Writer::default().put(1, &header).0;
        let Encap::Seg6 { segments } = encap(5, Some(Attributes(&bytes))) else {
            panic!("not seg6");
        };
        assert_eq!(segments.len(), 2);
        assert_eq!(
            segments[0].to_string(),
            "fc00::1",
            "the first to be visited"
        );
    }

    #[test]
    fn several_ways_have_weights() {
        let mut ways = Vec::new();
        for (weight, last, index) in [(0u8, 12u8, 2u32), (2, 13, 3)] {
            let hop = Writer::default().put(RTA_GATEWAY, &[192, 168, 61, last]).0;
            ways.extend((8 + hop.len() as u16).to_ne_bytes());
            ways.extend([0, weight]);
            ways.extend(index.to_ne_bytes());
            ways.extend(hop);
        }
        let bytes = Writer::behind(&[2, 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0])
            .put(RTA_MULTIPATH, &ways)
            .0;
        let route = decode(&bytes).unwrap();
        assert!(route.is_default());
        assert_eq!(route.nexthops.len(), 2);
        assert_eq!(route.nexthops[1].weight, 3);
        assert_eq!(route.nexthops[1].device, Some(IfIndex(3)));
    }

    #[test]
    fn a_gateway_of_the_other_family() {
        let mut via = vec![10, 0];
        via.extend("fe80::1".parse::<Ipv6Addr>().unwrap().octets());
        let bytes = Writer::behind(&[2, 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0])
            .put(RTA_VIA, &via)
            .put_u32(RTA_OIF, 2)
            .0;
        assert_eq!(
            decode(&bytes).unwrap().nexthops[0]
                .gateway
                .unwrap()
                .to_string(),
            "fe80::1"
        );
    }

    #[test]
    fn a_blackhole_leads_nowhere_and_a_clone_is_no_route() {
        let bytes = Writer::behind(&[10, 64, 0, 0, 254, 80, 0, 6, 0, 0, 0, 0])
            .put(RTA_DST, &"fd00::".parse::<Ipv6Addr>().unwrap().octets())
            .put_u32(RTA_OIF, 1)
            .0;
        let route = decode(&bytes).unwrap();
        assert_eq!(route.kind, RouteKind::Blackhole);
        assert!(route.nexthops.is_empty());
        assert_eq!(decode(&[2, 32, 0, 0, 254, 0, 0, 1, 0, 2, 0, 0]), None);
        assert_eq!(decode(&[2, 32]), None);
    }
}
