//! The layers of a frame: what headers it has, where each lies, and how deep in tunnels.
//!
//! [`Layers`] walks from the link header inwards and through tunnels. It says where a header lies and what
//! it is; what its fields mean is read through the views that [`Layer`] hands out. Whatever is not a
//! header that is understood ends the walk as [`Kind::Payload`] or, past the captured octets,
//! [`Kind::Cut`].

mod kind;
mod ports;

use std::ops::Range;

use super::bytes::{Bytes, Read};
use super::ethernet::{self, EtherType, sll, sll2};
use super::frame::{Frame, LinkType};
use super::ip::{Protocol, v4, v6};
use super::port;
use super::tcp::{self, udp};

pub use kind::Kind;
pub use ports::VxlanPorts;

/// The VXLAN header (RFC 7348 section 5).
pub mod vxlan {
    /// Octets of the header.
    pub const HEADER_LENGTH: usize = 8;
    /// Flags.
    pub const FLAGS: usize = 0;
    /// The network identifier, three octets.
    pub const VNI: usize = 4;
    /// The flag that says the identifier is valid.
    pub const FLAG_VNI: u8 = 0x08;
    /// The flag of the group policy extension (draft-smith-vxlan-group-policy).
    pub const FLAG_GROUP_POLICY: u8 = 0x80;
}

/// Layers of one frame at most; a frame with more is hostile.
const MAX_LAYERS: usize = 64;

/// One layer of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// What it is.
    pub kind: Kind,
    /// Where its header lies, from the first captured octet of the frame.
    pub header: Range<usize>,
    /// Octets of header and payload on the wire, as the length fields up to here say. More than are
    /// captured if the capture cut the frame.
    pub length: u32,
    /// How many tunnels it is inside of.
    pub depth: u8,
}

/// Walks the layers of a frame from the outside in.
#[derive(Debug, Clone)]
pub struct Layers<'a> {
    bytes: Bytes<'a>,
    ports: &'a VxlanPorts,
    at: usize,
    length: u32,
    depth: u8,
    next: Option<Expect>,
    passed: usize,
}

/// What comes next, as the header before says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Link(LinkType),
    Ethernet,
    EtherType(EtherType),
    AnyIp,
    Ip(Protocol, u8),
    UdpPayload(u16, u16),
    Gpe(u8),
    MplsPayload,
    Payload,
}

impl<'a> Layers<'a> {
    /// The layers of `frame`; VXLAN is what `ports` says it is.
    pub fn new(frame: &Frame<'a>, ports: &'a VxlanPorts) -> Self {
        Self {
            bytes: Bytes::new(frame.bytes),
            ports,
            at: 0,
            length: frame.length,
            depth: 0,
            next: Some(Expect::Link(frame.link)),
            passed: 0,
        }
    }

    /// The captured octets of the frame.
    pub fn bytes(&self) -> Bytes<'a> {
        self.bytes
    }

    fn step(&mut self, expect: Expect) -> Read<(Kind, usize, Option<Expect>)> {
        use Expect as E;
        let at = self.at;
        let bytes = self.bytes;
        Ok(match expect {
            E::Payload => (Kind::Payload, 0, None),
            E::Link(link) => return self.link(link),
            E::Ethernet => {
                bytes.slice(at, ethernet::HEADER_LENGTH)?;
                let ether_type = bytes.u16(at + ethernet::TYPE)?;
                let next = if ether_type <= ethernet::MAX_LENGTH {
                    E::Payload
                } else {
                    E::EtherType(EtherType(ether_type))
                };
                (Kind::Ethernet, ethernet::HEADER_LENGTH, Some(next))
            }
            E::EtherType(ether_type) => return self.ether_type(ether_type),
            E::AnyIp => {
                let next = match bytes.u8(at)? >> 4 {
                    4 => E::EtherType(EtherType::IPV4),
                    6 => E::EtherType(EtherType::IPV6),
                    _ => E::Payload,
                };
                return self.step(next);
            }
            E::Ip(protocol, version) => return self.protocol(protocol, version),
            E::UdpPayload(source, destination) => {
                return self.udp_payload(source, destination);
            }
            E::Gpe(protocol) => {
                let next = match protocol {
                    1 => E::EtherType(EtherType::IPV4),
                    2 => E::EtherType(EtherType::IPV6),
                    3 => E::Ethernet,
                    4 => E::EtherType(EtherType::NSH),
                    5 => E::EtherType(EtherType::MPLS),
                    _ => E::Payload,
                };
                return self.step(next);
            }
            E::MplsPayload => return self.step(E::AnyIp),
        })
    }

    fn link(&mut self, link: LinkType) -> Read<(Kind, usize, Option<Expect>)> {
        use Expect as E;
        let bytes = self.bytes;
        Ok(match link {
            LinkType::ETHERNET => return self.step(E::Ethernet),
            LinkType::LINUX_SLL => {
                bytes.slice(0, sll::LENGTH)?;
                let next = E::EtherType(EtherType(bytes.u16(sll::PROTOCOL)?));
                (Kind::LinuxSll, sll::LENGTH, Some(next))
            }
            LinkType::LINUX_SLL2 => {
                bytes.slice(0, sll2::LENGTH)?;
                let next = E::EtherType(EtherType(bytes.u16(sll2::PROTOCOL)?));
                (Kind::LinuxSll2, sll2::LENGTH, Some(next))
            }
            LinkType::NULL | LinkType::LOOP => {
                let family = bytes.array::<4>(0)?.into_iter().max();
                let next = match family {
                    Some(2) => E::EtherType(EtherType::IPV4),
                    Some(24 | 28 | 30) => E::EtherType(EtherType::IPV6),
                    _ => E::Payload,
                };
                (Kind::Null, 4, Some(next))
            }
            LinkType::RAW
            | LinkType::RAW_OPENBSD
            | LinkType::RAW_DLT
            | LinkType::IPV4
            | LinkType::IPV6 => return self.step(E::AnyIp),
            _ => return self.step(E::Payload),
        })
    }

    fn ether_type(&mut self, ether_type: EtherType) -> Read<(Kind, usize, Option<Expect>)> {
        use Expect as E;
        let at = self.at;
        let bytes = self.bytes;
        Ok(match ether_type {
            _ if ether_type.is_vlan() => {
                bytes.slice(at, ethernet::VLAN_TAG_LENGTH)?;
                let inner = bytes.u16(at + 2)?;
                let next = if inner <= ethernet::MAX_LENGTH {
                    E::Payload
                } else {
                    E::EtherType(EtherType(inner))
                };
                (Kind::Vlan, ethernet::VLAN_TAG_LENGTH, Some(next))
            }
            EtherType::ARP | EtherType::REVERSE_ARP => {
                bytes.slice(at, 8)?;
                let addresses =
                    2 * (usize::from(bytes.u8(at + 4)?) + usize::from(bytes.u8(at + 5)?));
                bytes.slice(at, 8 + addresses)?;
                (Kind::Arp, 8 + addresses, None)
            }
            EtherType::IPV4 => {
                let header = usize::from(bytes.u8(at)? & 15) * 4;
                if bytes.u8(at)? >> 4 != 4 || header < v4::HEADER_LENGTH {
                    return self.step(E::Payload);
                }
                bytes.slice(at, header)?;
                let total = u32::from(bytes.u16(at + v4::TOTAL_LENGTH)?);
                // Zero: segmentation offload fills it in after the capture.
                if total as usize >= header {
                    self.narrow(total);
                }
                let offset = bytes.u16(at + v4::FRAGMENT)? & v4::OFFSET_MASK;
                let next = if offset == 0 {
                    E::Ip(Protocol(bytes.u8(at + v4::PROTOCOL)?), 4)
                } else {
                    E::Payload
                };
                (Kind::Ipv4, header, Some(next))
            }
            EtherType::IPV6 => {
                bytes.slice(at, v6::HEADER_LENGTH)?;
                if bytes.u8(at)? >> 4 != 6 {
                    return self.step(E::Payload);
                }
                let payload = u32::from(bytes.u16(at + v6::PAYLOAD_LENGTH)?);
                // Zero: a jumbogram, or nothing at all.
                if payload != 0 {
                    self.narrow(payload + v6::HEADER_LENGTH as u32);
                }
                let next = E::Ip(Protocol(bytes.u8(at + v6::NEXT_HEADER)?), 6);
                (Kind::Ipv6, v6::HEADER_LENGTH, Some(next))
            }
            EtherType::TRANSPARENT_BRIDGING => return self.step(E::Ethernet),
            EtherType::MPLS | EtherType::MPLS_MULTICAST => {
                let label = bytes.u32(at)?;
                let next = if label & 0x100 == 0 {
                    E::EtherType(ether_type)
                } else {
                    E::MplsPayload
                };
                (Kind::Mpls, 4, Some(next))
            }
            EtherType::NSH => {
                let length = usize::from(bytes.u8(at + 1)? & 0x3f) * 4;
                if length < 8 {
                    return self.step(E::Payload);
                }
                bytes.slice(at, length)?;
                (Kind::Nsh, length, Some(E::Gpe(bytes.u8(at + 3)?)))
            }
            _ => return self.step(E::Payload),
        })
    }

    fn protocol(&mut self, protocol: Protocol, version: u8) -> Read<(Kind, usize, Option<Expect>)> {
        use Expect as E;
        let at = self.at;
        let bytes = self.bytes;
        let extension = |length: usize, next: Expect| -> Read<_> {
            bytes.slice(at, length)?;
            Ok((Kind::Ipv6Extension, length, Some(next)))
        };
        Ok(match protocol {
            Protocol::ICMP if version == 4 => {
                bytes.slice(at, 8)?;
                (Kind::Icmp, 8, Some(E::Payload))
            }
            Protocol::ICMPV6 if version == 6 => {
                bytes.slice(at, 8)?;
                (Kind::Icmpv6, 8, Some(E::Payload))
            }
            Protocol::IGMP if version == 4 => {
                bytes.slice(at, 8)?;
                (Kind::Igmp, 8, Some(E::Payload))
            }
            Protocol::UDP => {
                bytes.slice(at, udp::HEADER_LENGTH)?;
                let length = u32::from(bytes.u16(at + udp::LENGTH)?);
                if length >= udp::HEADER_LENGTH as u32 {
                    self.narrow(length);
                }
                let ports = (bytes.u16(at)?, bytes.u16(at + 2)?);
                let next = E::UdpPayload(ports.0, ports.1);
                (Kind::Udp, udp::HEADER_LENGTH, Some(next))
            }
            Protocol::TCP => {
                let header = usize::from(bytes.u8(at + tcp::DATA_OFFSET)? >> 4) * 4;
                let header = header.max(tcp::HEADER_LENGTH);
                bytes.slice(at, header)?;
                (Kind::Tcp, header, Some(E::Payload))
            }
            Protocol::SCTP => {
                bytes.slice(at, 12)?;
                (Kind::Sctp, 12, Some(E::Payload))
            }
            Protocol::IPV4 => {
                self.depth = self.depth.saturating_add(1);
                return self.step(E::EtherType(EtherType::IPV4));
            }
            Protocol::IPV6 => {
                self.depth = self.depth.saturating_add(1);
                return self.step(E::EtherType(EtherType::IPV6));
            }
            Protocol::GRE => return self.gre(),
            Protocol::ESP => {
                bytes.slice(at, 8)?;
                (Kind::Esp, 8, Some(E::Payload))
            }
            Protocol::AH => {
                let length = (usize::from(bytes.u8(at + 1)?) + 2) * 4;
                bytes.slice(at, length)?;
                (
                    Kind::Ah,
                    length,
                    Some(E::Ip(Protocol(bytes.u8(at)?), version)),
                )
            }
            Protocol::ETHERNET if version == 6 => {
                self.depth = self.depth.saturating_add(1);
                return self.step(E::Ethernet);
            }
            Protocol::HOP_BY_HOP | Protocol::DESTINATION_OPTIONS | Protocol::ROUTING
                if version == 6 =>
            {
                let length = (usize::from(bytes.u8(at + 1)?) + 1) * 8;
                return extension(length, E::Ip(Protocol(bytes.u8(at)?), 6));
            }
            Protocol::FRAGMENT if version == 6 => {
                let next = if bytes.u16(at + 2)? & 0xfff8 == 0 {
                    E::Ip(Protocol(bytes.u8(at)?), 6)
                } else {
                    E::Payload
                };
                return extension(8, next);
            }
            _ => return self.step(E::Payload),
        })
    }

    fn gre(&mut self) -> Read<(Kind, usize, Option<Expect>)> {
        use Expect as E;
        let (at, bytes) = (self.at, self.bytes);
        let flags = bytes.u16(at)?;
        if flags & 7 != 0 {
            return self.step(E::Payload);
        }
        let checksum_or_routing = if flags & 0xc000 != 0 { 4 } else { 0 };
        let key = if flags & 0x2000 != 0 { 4 } else { 0 };
        let sequence = if flags & 0x1000 != 0 { 4 } else { 0 };
        let length = 4 + checksum_or_routing + key + sequence;
        bytes.slice(at, length)?;
        let next = E::EtherType(EtherType(bytes.u16(at + 2)?));
        Ok((Kind::Gre, length, Some(next)))
    }

    fn udp_payload(
        &mut self,
        source: u16,
        destination: u16,
    ) -> Read<(Kind, usize, Option<Expect>)> {
        use Expect as E;
        let (at, bytes) = (self.at, self.bytes);
        let payload = bytes.rest(at, self.length as usize);
        if self.ports.is_vxlan(source, destination, payload) {
            bytes.slice(at, vxlan::HEADER_LENGTH)?;
            return Ok((Kind::Vxlan, vxlan::HEADER_LENGTH, Some(E::Ethernet)));
        }
        let is = |port| source == port || destination == port;
        if is(port::GENEVE) {
            let length = 8 + usize::from(bytes.u8(at)? & 0x3f) * 4;
            bytes.slice(at, length)?;
            let next = E::EtherType(EtherType(bytes.u16(at + 2)?));
            return Ok((Kind::Geneve, length, Some(next)));
        }
        if is(port::VXLAN_GPE) {
            bytes.slice(at, vxlan::HEADER_LENGTH)?;
            let next = if bytes.u8(at)? & 0x04 != 0 {
                E::Gpe(bytes.u8(at + 3)?)
            } else {
                E::Ethernet
            };
            return Ok((Kind::VxlanGpe, vxlan::HEADER_LENGTH, Some(next)));
        }
        if is(port::MPLS) {
            return self.step(E::EtherType(EtherType::MPLS));
        }
        self.step(E::Payload)
    }

    /// Believes a length field that says the rest is `length` octets, unless an outer one said less.
    fn narrow(&mut self, length: u32) {
        if length < self.length {
            self.length = length;
            self.bytes.narrow(self.at, length as usize);
        }
    }
}

impl Iterator for Layers<'_> {
    type Item = Layer;

    fn next(&mut self) -> Option<Layer> {
        let expect = self.next.take()?;
        if self.passed >= MAX_LAYERS {
            return None;
        }
        self.passed += 1;
        let (kind, header, next) = match self.step(expect) {
            Ok(step) => step,
            Err(_) => (Kind::Cut, 0, None),
        };
        if kind == Kind::Payload && self.length == 0 {
            return None;
        }
        let layer = Layer {
            kind,
            header: self.at..self.at + header,
            length: self.length,
            depth: self.depth,
        };
        self.at += header;
        self.length = self.length.saturating_sub(header as u32);
        self.next = next;
        if kind.is_tunnel() {
            self.depth = self.depth.saturating_add(1);
        }
        Some(layer)
    }
}
