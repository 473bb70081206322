//! Which probe a frame is. Pure: a frame in, an answer out.
//!
//! A probe is known by the nonce in its payload, whatever it is wrapped in and whatever addresses and ports
//! it was given on the way. Only TCP's first packets have no payload: their sequence number stays the same.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plugin_core::mac::Mac;

use super::message::{IcmpError, OuterSeen, Role, Seen, Watch};
use crate::model::number::Vni;
use crate::wire::bytes::{Bytes, Cut, Read};
use crate::wire::checksum::Sum;
use crate::wire::ip::{Protocol, v4, v6};
use crate::wire::packet::{Kind, Layer, VxlanPorts, vxlan};
use crate::wire::tcp::{self, flag, udp};
use crate::wire::{Frame, Layers, ethernet};

/// Octets of a payload that make it ours: the nonce, then the probe's number.
pub const MARK: usize = 10;

/// The mark of probe `sequence`.
pub fn mark(nonce: u64, sequence: u16) -> [u8; MARK] {
    let mut mark = [0; MARK];
    let (first, last) = mark.split_at_mut(8);
    first.copy_from_slice(&nonce.to_be_bytes());
    last.copy_from_slice(&sequence.to_be_bytes());
    mark
}

/// The number of the probe whose mark is at `at`.
fn read_mark(bytes: &Bytes<'_>, at: usize, watch: &Watch) -> Option<u16> {
    (bytes.u64(at).ok()? == watch.nonce)
        .then(|| bytes.u16(at + 8).ok())
        .flatten()
}

/// Recognises a packet of ours; `None` for everybody else's.
pub fn identify(frame: &Frame<'_>, ports: &VxlanPorts, watch: &Watch) -> Option<Seen> {
    let bytes = Bytes::new(frame.bytes);
    let mut ip: Option<Layer> = None;
    let mut ether: Option<usize> = None;
    let mut outer: Option<OuterSeen> = None;
    let mut udp_at: Option<usize> = None;
    for layer in Layers::new(frame, ports) {
        let at = layer.header.start;
        match layer.kind {
            Kind::Ethernet => ether = Some(at),
            Kind::Ipv4 | Kind::Ipv6 => {
                // IP directly in IP is a tunnel too.
                if let Some(around) = ip.take().filter(|_| outer.is_none()) {
                    outer = outer_of(&bytes, &around, None, None);
                }
                ip = Some(layer);
            }
            Kind::Vxlan | Kind::VxlanGpe | Kind::Geneve | Kind::Gre => {
                let around = ip.take()?;
                let vni = (layer.kind == Kind::Vxlan).then_some(at);
                outer = outer_of(&bytes, &around, udp_at.take(), vni);
            }
            Kind::Udp => {
                udp_at = Some(at);
                if let Some(seen) = udp_role(&bytes, ip.as_ref()?, at, watch) {
                    return finish(&bytes, ip.as_ref()?, ether, outer, seen);
                }
            }
            Kind::Tcp => {
                let seen = tcp_role(&bytes, at, watch)?;
                return finish(&bytes, ip.as_ref()?, ether, outer, seen);
            }
            Kind::Icmp | Kind::Icmpv6 => {
                let role = icmp_role(&bytes, ip.as_ref()?, &layer, watch)?;
                return finish(&bytes, ip.as_ref()?, ether, outer, (role, None));
            }
            Kind::Arp => return arp(&bytes, at, ether, outer),
            _ => {}
        }
    }
    None
}

type Ports = Option<(u16, u16)>;

fn finish(
    bytes: &Bytes<'_>,
    ip: &Layer,
    ether: Option<usize>,
    outer: Option<OuterSeen>,
    (role, ports): (Role, Ports),
) -> Option<Seen> {
    let (source, destination) = addresses(bytes, ip).ok()?;
    let at = ip.header.start;
    let (ttl, cut) = match ip.kind {
        Kind::Ipv4 => (
            bytes.u8(at + v4::TTL).ok()?,
            bytes.u16(at + v4::FRAGMENT).ok()? & v4::MORE_FRAGMENTS != 0,
        ),
        _ => (
            bytes.u8(at + v6::HOP_LIMIT).ok()?,
            bytes.u8(at + v6::NEXT_HEADER).ok()? == Protocol::FRAGMENT.0,
        ),
    };
    Some(Seen {
        role,
        source,
        destination,
        ports,
        ttl,
        mac: ether.and_then(|at| bytes.array(at + ethernet::DESTINATION).ok().map(Mac)),
        outer,
        cut,
    })
}

fn addresses(bytes: &Bytes<'_>, ip: &Layer) -> Read<(IpAddr, IpAddr)> {
    let at = ip.header.start;
    Ok(match ip.kind {
        Kind::Ipv4 => (
            Ipv4Addr::from(bytes.u32(at + v4::SOURCE)?).into(),
            Ipv4Addr::from(bytes.u32(at + v4::DESTINATION)?).into(),
        ),
        Kind::Ipv6 => (
            Ipv6Addr::from(bytes.array::<16>(at + v6::SOURCE)?).into(),
            Ipv6Addr::from(bytes.array::<16>(at + v6::DESTINATION)?).into(),
        ),
        _ => return Err(Cut),
    })
}

fn outer_of(
    bytes: &Bytes<'_>,
    ip: &Layer,
    udp_at: Option<usize>,
    vxlan_at: Option<usize>,
) -> Option<OuterSeen> {
    let (source, destination) = addresses(bytes, ip).ok()?;
    Some(OuterSeen {
        source,
        destination,
        port: udp_at.and_then(|at| bytes.u16(at + tcp::DESTINATION_PORT).ok()),
        vni: vxlan_at.and_then(|at| bytes.u24(at + vxlan::VNI).ok().map(Vni)),
        bad_checksum: udp_at.is_some_and(|at| has_bad_checksum(bytes, source, destination, at)),
    })
}

/// Whether a whole UDP datagram has a checksum that is neither left out nor right, nor what the kernel puts
/// there for a device to finish: the sum of the pseudo header alone (`net/ipv4/udp.c`, `udp_set_csum`).
fn has_bad_checksum(bytes: &Bytes<'_>, source: IpAddr, destination: IpAddr, at: usize) -> bool {
    let check = || -> Read<bool> {
        let field = bytes.u16(at + udp::CHECKSUM)?;
        let length = bytes.u16(at + udp::LENGTH)?;
        let datagram = bytes.slice(at, usize::from(length))?;
        let pseudo = match (source, destination) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                Sum::default().octets(&a.octets()).octets(&b.octets())
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                Sum::default().octets(&a.octets()).octets(&b.octets())
            }
            _ => return Ok(false),
        }
        .word(u16::from(Protocol::UDP.0))
        .word(length);
        let right = field == 0 || pseudo.octets(datagram).finish() == 0;
        Ok(!right && field != !pseudo.finish())
    };
    // One that was cut by the capture cannot be checked.
    check().unwrap_or(false)
}

fn udp_role(bytes: &Bytes<'_>, ip: &Layer, at: usize, watch: &Watch) -> Option<(Role, Ports)> {
    let source = bytes.u16(at + tcp::SOURCE_PORT).ok()?;
    let destination = bytes.u16(at + tcp::DESTINATION_PORT).ok()?;
    // Only what could be TCP or UDP of this conversation; a port alone proves little.
    let _ = ip;
    let marked = read_mark(bytes, at + udp::HEADER_LENGTH, watch);
    let role = match marked {
        Some(sequence) if watch.sequence_of_port(destination) == Some(sequence) => {
            Role::Reply(sequence)
        }
        Some(sequence) => Role::Request(sequence),
        // An answer need not repeat the question.
        None if watch.destination_port.is_some() => {
            Role::Reply(watch.sequence_of_port(destination)?)
        }
        None => return None,
    };
    Some((role, Some((source, destination))))
}

fn tcp_role(bytes: &Bytes<'_>, at: usize, watch: &Watch) -> Option<(Role, Ports)> {
    let source = bytes.u16(at + tcp::SOURCE_PORT).ok()?;
    let destination = bytes.u16(at + tcp::DESTINATION_PORT).ok()?;
    let flags = bytes.u8(at + tcp::FLAGS).ok()?;
    let sequence = bytes.u32(at + tcp::SEQUENCE).ok()?;
    let acknowledged = bytes.u32(at + tcp::ACKNOWLEDGEMENT).ok()?;
    let has = |flag| flags & flag != 0;
    let role = if has(flag::SYN) && !has(flag::ACK) {
        Role::Syn(sequence)
    } else if has(flag::ACK) && (has(flag::SYN) || has(flag::RST)) {
        Role::SynAnswer {
            to: acknowledged.wrapping_sub(1),
            reset: has(flag::RST),
        }
    } else {
        return None;
    };
    // A reset of ours that ends a connection which stood answers no SYN.
    let ours = |port| watch.sequence_of_port(port).is_some();
    if matches!(role, Role::SynAnswer { .. }) && ours(source) {
        return None;
    }
    Some((role, Some((source, destination))))
}

fn icmp_role(bytes: &Bytes<'_>, ip: &Layer, layer: &Layer, watch: &Watch) -> Option<Role> {
    let at = layer.header.start;
    let (kind, code) = (bytes.u8(at).ok()?, bytes.u8(at + 1).ok()?);
    match (layer.kind, kind) {
        (Kind::Icmp, 8) | (Kind::Icmpv6, 128) => read_mark(bytes, at + 8, watch).map(Role::Request),
        (Kind::Icmp, 0) | (Kind::Icmpv6, 129) => read_mark(bytes, at + 8, watch).map(Role::Reply),
        (Kind::Icmp, 3 | 11 | 12) | (Kind::Icmpv6, 1..=4) => {
            let error = IcmpError {
                from: addresses(bytes, ip).ok()?.0,
                kind,
                code,
                mtu: told_mtu(bytes, at, layer.kind, kind, code),
            };
            let sequence = quoted(bytes, at + 8, layer.kind, watch)?;
            Some(Role::Error(sequence, error))
        }
        // Neighbour discovery (RFC 4861): the target behind four octets of flags.
        (Kind::Icmpv6, 135) => Some(Role::Asks(target(bytes, at)?)),
        (Kind::Icmpv6, 136) => {
            // The option "target link-layer address": type 2, one unit of eight octets.
            let option = at + 24;
            let has = bytes.u16(option).ok() == Some(0x0201);
            has.then(|| bytes.array(option + 2).ok())
                .flatten()
                .and_then(|mac| Some(Role::Tells(target(bytes, at)?, Mac(mac))))
        }
        _ => None,
    }
}

fn target(bytes: &Bytes<'_>, at: usize) -> Option<IpAddr> {
    Some(Ipv6Addr::from(bytes.array::<16>(at + 8).ok()?).into())
}

/// The MTU in "fragmentation needed" (RFC 1191 §4) and "packet too big" (RFC 4443 §3.2).
fn told_mtu(bytes: &Bytes<'_>, at: usize, layer: Kind, kind: u8, code: u8) -> Option<u32> {
    match (layer, kind, code) {
        (Kind::Icmp, 3, 4) => bytes
            .u16(at + 6)
            .ok()
            .filter(|mtu| *mtu != 0)
            .map(u32::from),
        (Kind::Icmpv6, 2, _) => bytes.u32(at + 4).ok(),
        _ => None,
    }
}

/// The probe that an error at `at` quotes. A router may quote as little as eight octets behind the IP header
/// (RFC 792); the echo's identifier and number, or the ports, then have to do.
pub(super) fn quoted(bytes: &Bytes<'_>, at: usize, layer: Kind, watch: &Watch) -> Option<u16> {
    let (protocol, inner) = match layer {
        Kind::Icmp => {
            let words = usize::from(bytes.u8(at).ok()? & 15);
            (bytes.u8(at + v4::PROTOCOL).ok()?, at + words * 4)
        }
        _ => {
            let next = bytes.u8(at + v6::NEXT_HEADER).ok()?;
            let first = at + v6::HEADER_LENGTH;
            if next == Protocol::FRAGMENT.0 {
                (bytes.u8(first).ok()?, first + 8)
            } else {
                (next, first)
            }
        }
    };
    match Protocol(protocol) {
        Protocol::ICMP | Protocol::ICMPV6 => {
            if bytes.has(inner + 8, MARK) {
                return read_mark(bytes, inner + 8, watch);
            }
            (bytes.u16(inner + 4).ok()? == watch.echo_id())
                .then(|| bytes.u16(inner + 6).ok())
                .flatten()
        }
        Protocol::UDP if bytes.has(inner + udp::HEADER_LENGTH, MARK) => {
            read_mark(bytes, inner + udp::HEADER_LENGTH, watch)
        }
        Protocol::UDP | Protocol::TCP => {
            watch.sequence_of_port(bytes.u16(inner + tcp::SOURCE_PORT).ok()?)
        }
        _ => None,
    }
}

/// ARP for IPv4 over Ethernet (RFC 826).
fn arp(
    bytes: &Bytes<'_>,
    at: usize,
    ether: Option<usize>,
    outer: Option<OuterSeen>,
) -> Option<Seen> {
    let usual = bytes.u16(at).ok()? == 1
        && bytes.u16(at + 2).ok()? == 0x0800
        && bytes.u16(at + 4).ok()? == 0x0604;
    if !usual {
        return None;
    }
    let sender: IpAddr = Ipv4Addr::from(bytes.u32(at + 14).ok()?).into();
    let wanted: IpAddr = Ipv4Addr::from(bytes.u32(at + 24).ok()?).into();
    let role = match bytes.u16(at + 6).ok()? {
        1 => Role::Asks(wanted),
        2 => Role::Tells(sender, Mac(bytes.array(at + 8).ok()?)),
        _ => return None,
    };
    Some(Seen {
        role,
        source: sender,
        destination: wanted,
        ports: None,
        ttl: 0,
        mac: ether.and_then(|at| bytes.array(at + ethernet::DESTINATION).ok().map(Mac)),
        outer,
        cut: false,
    })
}
