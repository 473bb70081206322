//! Which headers a frame has, one after the other, through any depth of tunnels.
//!
//! [`Layers::read`] finds them without allocating; what the caller wants of a header it reads at the
//! offsets of that protocol's module. The errors that ICMP quotes are not followed: a quoted packet did not
//! travel here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bytes::{Bytes, Cut, Read};
use super::ethernet::{self, EtherType, sll, sll2};
use super::frame::{Frame, LinkType};
use super::ip::{Protocol, v4, v6};
use super::port;

/// The most headers that are followed. Real packets have a dozen; a hostile one may nest without end.
const MAX_LAYERS: usize = 32;

/// What a header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// BSD loopback.
    Null,
    /// Linux cooked, version 1.
    Sll,
    /// Linux cooked, version 2.
    Sll2,
    /// Ethernet II or 802.3.
    Ethernet,
    /// An 802.1Q or 802.1ad tag: the four octets behind the type that announces it.
    Vlan,
    /// A stack of MPLS labels.
    Mpls,
    /// ARP.
    Arp,
    /// IPv4 with its options.
    Ipv4,
    /// IPv6's fixed header.
    Ipv6,
    /// An IPv6 extension header other than the fragment header.
    Extension,
    /// IPv6's fragment header.
    Fragment,
    /// ICMP.
    Icmp,
    /// ICMPv6.
    Icmpv6,
    /// IGMP.
    Igmp,
    /// TCP with its options.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP's common header.
    Sctp,
    /// ESP: what follows is encrypted.
    Esp,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe).
    VxlanGpe,
    /// Geneve with its options (RFC 8926).
    Geneve,
    /// GRE with its optional fields (RFC 2784, RFC 2890).
    Gre,
    /// NSH (RFC 8300).
    Nsh,
}

/// One header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// What it is.
    pub kind: Kind,
    /// How many tunnels are around it.
    pub depth: u8,
    /// Octets from the start of the frame.
    pub start: u32,
    /// Octets of the header, options included. All of them were captured.
    pub header: u32,
    /// Octets of header and payload on the wire, by its own length field or by what is around it.
    pub length: u32,
}

impl Layer {
    /// Where the payload begins.
    pub fn payload(&self) -> usize {
        (self.start as usize).saturating_add(self.header as usize)
    }

    /// Octets of payload on the wire.
    pub fn payload_length(&self) -> u32 {
        self.length.saturating_sub(self.header)
    }

    /// What was captured of header and payload.
    pub fn bytes<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        let start = self.start as usize;
        let end = frame.len().min(start.saturating_add(self.length as usize));
        frame.get(start..end).unwrap_or_default()
    }

    /// What was captured of the payload.
    pub fn payload_bytes<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        self.bytes(frame)
            .get(self.header as usize..)
            .unwrap_or_default()
    }

    /// Whether it is IPv4 or IPv6.
    pub fn is_ip(&self) -> bool {
        matches!(self.kind, Kind::Ipv4 | Kind::Ipv6)
    }

    /// Source and destination of an IP header.
    pub fn addresses(&self, frame: &[u8]) -> Option<(IpAddr, IpAddr)> {
        let bytes = Bytes::new(self.bytes(frame));
        match self.kind {
            Kind::Ipv4 => {
                let address = |at| bytes.array::<4>(at).ok().map(|a| Ipv4Addr::from(a).into());
                Some((address(v4::SOURCE)?, address(v4::DESTINATION)?))
            }
            Kind::Ipv6 => {
                let address = |at| bytes.array::<16>(at).ok().map(|a| Ipv6Addr::from(a).into());
                Some((address(v6::SOURCE)?, address(v6::DESTINATION)?))
            }
            _ => None,
        }
    }

    /// Source and destination port of TCP, UDP or SCTP.
    pub fn ports(&self, frame: &[u8]) -> Option<(u16, u16)> {
        let bytes = Bytes::new(self.bytes(frame));
        match self.kind {
            Kind::Tcp | Kind::Udp | Kind::Sctp => Some((bytes.u16(0).ok()?, bytes.u16(2).ok()?)),
            _ => None,
        }
    }

    /// The network identifier of VXLAN, VXLAN-GPE or Geneve (24 bits), or the key of GRE.
    pub fn network(&self, frame: &[u8]) -> Option<u32> {
        let bytes = Bytes::new(self.bytes(frame));
        match self.kind {
            Kind::Vxlan | Kind::VxlanGpe | Kind::Geneve => bytes.u24(4).ok(),
            Kind::Gre => {
                let flags = bytes.u16(0).ok()?;
                let at = if flags & gre::CHECKSUM_OR_ROUTING != 0 {
                    8
                } else {
                    4
                };
                (flags & gre::KEY != 0)
                    .then(|| bytes.u32(at).ok())
                    .flatten()
            }
            _ => None,
        }
    }

    /// Whether what follows it travels inside a tunnel.
    pub fn is_tunnel(&self) -> bool {
        matches!(
            self.kind,
            Kind::Vxlan | Kind::VxlanGpe | Kind::Geneve | Kind::Gre
        )
    }
}

/// Where VXLAN is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VxlanPorts {
    ports: Vec<u16>,
    by_shape: bool,
}

impl Default for VxlanPorts {
    /// The ports everybody uses (4789, Linux's and flannel's 8472, Weave's 6784), and any other where the
    /// payload looks like nothing else.
    fn default() -> Self {
        Self {
            ports: vec![port::VXLAN, port::VXLAN_LINUX, port::WEAVE],
            by_shape: true,
        }
    }
}

impl VxlanPorts {
    /// Looks on `port` too.
    pub fn add(&mut self, port: u16) {
        if !self.ports.contains(&port) {
            self.ports.push(port);
        }
    }

    /// Whether UDP to this port with this payload is VXLAN.
    #[inline]
    pub fn carries(&self, destination: u16, payload: &[u8]) -> bool {
        let Some((header, inner)) = payload.split_first_chunk::<8>() else {
            return false;
        };
        if self.ports.contains(&destination) {
            // A valid VNI. BFD, whose port Weave took, has its version in the high bits of this octet
            // and never is 0x08.
            let [flags, ..] = header;
            return flags & 0x08 != 0 && (destination != port::WEAVE || flags & 0xe0 == 0);
        }
        self.by_shape && has_shape(header, inner)
    }
}

/// Octets that show the shape: VXLAN, Ethernet and two of what it carries.
const SHAPE: usize = 8 + ethernet::HEADER_LENGTH + 2;

/// A VXLAN header with nothing set but the VNI, before an Ethernet header of a protocol that agrees with
/// the octet after it.
fn has_shape(header: &[u8; 8], inner: &[u8]) -> bool {
    let [0x08, 0, 0, 0, _, _, _, 0] = header else {
        return false;
    };
    let inner = Bytes::new(inner);
    let (Ok(kind), Ok(first)) = (inner.u16(ethernet::TYPE), inner.u8(ethernet::HEADER_LENGTH))
    else {
        return false;
    };
    match EtherType(kind) {
        EtherType::IPV4 => first >> 4 == 4 && first & 0x0f >= 5,
        EtherType::IPV6 => first >> 4 == 6,
        // Hardware type 1, Ethernet.
        EtherType::ARP => first == 0 && inner.u8(ethernet::HEADER_LENGTH + 1) == Ok(1),
        _ => false,
    }
}

/// The headers of one frame after the other; reused, so that finding them allocates nothing.
#[derive(Debug, Clone)]
pub struct Layers {
    found: [Layer; MAX_LAYERS],
    count: usize,
    cut: bool,
    ports: VxlanPorts,
}

/// What comes next, as the header before it says.
#[derive(Debug, Clone, Copy)]
enum Next {
    Link(LinkType),
    Type(u16),
    Protocol(u8),
    /// IPv4 or IPv6, by its version field.
    AnyIp,
    Mpls,
    Udp,
    Vxlan,
    VxlanGpe,
    Geneve,
    Nsh,
    Nothing,
}

impl Layers {
    /// Looks for VXLAN on `ports`.
    pub fn new(ports: VxlanPorts) -> Self {
        Self {
            found: [Layer {
                kind: Kind::Null,
                depth: 0,
                start: 0,
                header: 0,
                length: 0,
            }; MAX_LAYERS],
            count: 0,
            cut: false,
            ports,
        }
    }

    /// The headers found, outermost first.
    #[inline]
    pub fn all(&self) -> &[Layer] {
        self.found.get(..self.count).unwrap_or_default()
    }

    /// Whether a header was not captured whole, so that nobody knows what came after it.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The innermost header of the given kind.
    pub fn last(&self, kind: Kind) -> Option<&Layer> {
        self.all().iter().rev().find(|layer| layer.kind == kind)
    }

    /// The innermost IP header.
    pub fn last_ip(&self) -> Option<&Layer> {
        self.all().iter().rev().find(|layer| layer.is_ip())
    }

    /// How many tunnels the frame has around its innermost packet.
    pub fn depth(&self) -> u8 {
        self.all().last().map_or(0, |layer| layer.depth)
    }

    /// Finds the headers of a frame.
    pub fn read(&mut self, frame: &Frame<'_>) {
        self.count = 0;
        self.cut = false;
        let mut walk = Walk {
            bytes: Bytes::new(frame.bytes),
            at: 0,
            length: frame.length,
            depth: 0,
        };
        let mut next = Next::Link(frame.link);
        while self.count < MAX_LAYERS {
            match self.step(&mut walk, next) {
                Ok(Next::Nothing) => return,
                Ok(then) => next = then,
                Err(Cut) => {
                    self.cut = true;
                    return;
                }
            }
        }
    }

    fn step(&mut self, walk: &mut Walk<'_>, next: Next) -> Read<Next> {
        match next {
            Next::Link(LinkType::ETHERNET) => self.ethernet(walk),
            Next::Link(LinkType::LINUX_SLL) => {
                let kind = walk.bytes.u16(walk.at + sll::PROTOCOL)?;
                self.push(walk, Kind::Sll, sll::LENGTH)?;
                Ok(Next::Type(kind))
            }
            Next::Link(LinkType::LINUX_SLL2) => {
                let kind = walk.bytes.u16(walk.at + sll2::PROTOCOL)?;
                self.push(walk, Kind::Sll2, sll2::LENGTH)?;
                Ok(Next::Type(kind))
            }
            Next::Link(LinkType::NULL | LinkType::LOOP) => {
                self.push(walk, Kind::Null, 4)?;
                Ok(Next::AnyIp)
            }
            Next::Link(
                LinkType::RAW
                | LinkType::RAW_OPENBSD
                | LinkType::RAW_DLT
                | LinkType::IPV4
                | LinkType::IPV6,
            )
            | Next::AnyIp => match walk.bytes.u8(walk.at)? >> 4 {
                4 => self.ipv4(walk),
                6 => self.ipv6(walk),
                _ => Ok(Next::Nothing),
            },
            Next::Link(_) | Next::Nothing => Ok(Next::Nothing),
            Next::Type(kind) => self.ether_type(walk, EtherType(kind)),
            Next::Protocol(protocol) => self.protocol(walk, Protocol(protocol)),
            Next::Mpls => self.mpls(walk),
            Next::Udp => self.udp(walk),
            Next::Vxlan => {
                self.push(walk, Kind::Vxlan, 8)?;
                walk.depth = walk.depth.saturating_add(1);
                Ok(Next::Link(LinkType::ETHERNET))
            }
            Next::VxlanGpe => {
                let inner = match walk.bytes.u8(walk.at + 3)? {
                    1 | 2 => Next::AnyIp,
                    3 => Next::Link(LinkType::ETHERNET),
                    4 => Next::Nsh,
                    5 => Next::Mpls,
                    _ => Next::Nothing,
                };
                self.push(walk, Kind::VxlanGpe, 8)?;
                walk.depth = walk.depth.saturating_add(1);
                Ok(inner)
            }
            Next::Geneve => {
                let options = usize::from(walk.bytes.u8(walk.at)? & 0x3f) * 4;
                let kind = walk.bytes.u16(walk.at + 2)?;
                self.push(walk, Kind::Geneve, 8 + options)?;
                walk.depth = walk.depth.saturating_add(1);
                Ok(bridged(kind))
            }
            Next::Nsh => {
                let header = usize::from(walk.bytes.u8(walk.at + 1)? & 0x3f) * 4;
                let inner = match walk.bytes.u8(walk.at + 3)? {
                    1 | 2 => Next::AnyIp,
                    3 => Next::Link(LinkType::ETHERNET),
                    5 => Next::Mpls,
                    _ => Next::Nothing,
                };
                if header < 8 {
                    return Ok(Next::Nothing);
                }
                self.push(walk, Kind::Nsh, header)?;
                Ok(inner)
            }
        }
    }

    /// Notes a header and moves behind it.
    fn push(&mut self, walk: &mut Walk<'_>, kind: Kind, header: usize) -> Read<()> {
        if !walk.bytes.has(walk.at, header) {
            return Err(Cut);
        }
        if let Some(place) = self.found.get_mut(self.count) {
            *place = Layer {
                kind,
                depth: walk.depth,
                start: walk.at as u32,
                header: header as u32,
                length: walk.length,
            };
            self.count += 1;
        }
        walk.at += header;
        walk.length = walk.length.saturating_sub(header as u32);
        Ok(())
    }

    fn ethernet(&mut self, walk: &mut Walk<'_>) -> Read<Next> {
        let kind = walk.bytes.u16(walk.at + ethernet::TYPE)?;
        self.push(walk, Kind::Ethernet, ethernet::HEADER_LENGTH)?;
        Ok(Next::Type(kind))
    }

    fn ether_type(&mut self, walk: &mut Walk<'_>, kind: EtherType) -> Read<Next> {
        match kind {
            EtherType::IPV4 => self.ipv4(walk),
            EtherType::IPV6 => self.ipv6(walk),
            EtherType::ARP | EtherType::REVERSE_ARP => {
                self.push(walk, Kind::Arp, 28)?;
                Ok(Next::Nothing)
            }
            EtherType::MPLS | EtherType::MPLS_MULTICAST => Ok(Next::Mpls),
            EtherType::NSH => Ok(Next::Nsh),
            kind if kind.is_vlan() => {
                let inner = walk.bytes.u16(walk.at + 2)?;
                self.push(walk, Kind::Vlan, ethernet::VLAN_TAG_LENGTH)?;
                Ok(Next::Type(inner))
            }
            _ => Ok(Next::Nothing),
        }
    }

    fn ipv4(&mut self, walk: &mut Walk<'_>) -> Read<Next> {
        let at = walk.at;
        let first = walk.bytes.u8(at)?;
        let header = usize::from(first & 0x0f) * 4;
        if first >> 4 != 4 || header < v4::HEADER_LENGTH {
            return Ok(Next::Nothing);
        }
        let total = walk.bytes.u16(at + v4::TOTAL_LENGTH)?;
        let fragment = walk.bytes.u16(at + v4::FRAGMENT)?;
        let protocol = walk.bytes.u8(at + v4::PROTOCOL)?;
        // A length of 0 is a packet that the sender's segmentation offload made longer than 16 bits say.
        if total != 0 {
            walk.limit(at, u32::from(total));
        }
        self.push(walk, Kind::Ipv4, header)?;
        if fragment & v4::OFFSET_MASK != 0 {
            return Ok(Next::Nothing);
        }
        Ok(Next::Protocol(protocol))
    }

    fn ipv6(&mut self, walk: &mut Walk<'_>) -> Read<Next> {
        let at = walk.at;
        if walk.bytes.u8(at)? >> 4 != 6 {
            return Ok(Next::Nothing);
        }
        let payload = walk.bytes.u16(at + v6::PAYLOAD_LENGTH)?;
        let next = walk.bytes.u8(at + v6::NEXT_HEADER)?;
        // 0 is a jumbogram (RFC 2675) or segmentation offload: as long as what is around it.
        if payload != 0 {
            walk.limit(at, u32::from(payload) + v6::HEADER_LENGTH as u32);
        }
        self.push(walk, Kind::Ipv6, v6::HEADER_LENGTH)?;
        Ok(Next::Protocol(next))
    }

    fn protocol(&mut self, walk: &mut Walk<'_>, protocol: Protocol) -> Read<Next> {
        let at = walk.at;
        match protocol {
            Protocol::TCP => {
                let header = usize::from(walk.bytes.u8(at + 12)? >> 4) * 4;
                self.push(walk, Kind::Tcp, header.max(20))?;
            }
            Protocol::UDP => return Ok(Next::Udp),
            Protocol::ICMP => self.push(walk, Kind::Icmp, 8)?,
            Protocol::ICMPV6 => self.push(walk, Kind::Icmpv6, 8)?,
            Protocol::IGMP => self.push(walk, Kind::Igmp, 8)?,
            Protocol::SCTP => self.push(walk, Kind::Sctp, 12)?,
            Protocol::ESP => self.push(walk, Kind::Esp, 8)?,
            Protocol::IPV4 | Protocol::IPV6 => {
                walk.depth = walk.depth.saturating_add(1);
                return Ok(Next::AnyIp);
            }
            Protocol::ETHERNET => {
                walk.depth = walk.depth.saturating_add(1);
                return Ok(Next::Link(LinkType::ETHERNET));
            }
            Protocol::GRE => return self.gre(walk),
            Protocol::HOP_BY_HOP
            | Protocol::ROUTING
            | Protocol::DESTINATION_OPTIONS
            | Protocol::MOBILITY => {
                let next = walk.bytes.u8(at)?;
                let header = (usize::from(walk.bytes.u8(at + 1)?) + 1) * 8;
                self.push(walk, Kind::Extension, header)?;
                return Ok(Next::Protocol(next));
            }
            Protocol::AH => {
                // RFC 4302 §2.2: in 4-octet units, minus 2.
                let next = walk.bytes.u8(at)?;
                let header = (usize::from(walk.bytes.u8(at + 1)?) + 2) * 4;
                self.push(walk, Kind::Extension, header)?;
                return Ok(Next::Protocol(next));
            }
            Protocol::FRAGMENT => {
                let next = walk.bytes.u8(at)?;
                let offset = walk.bytes.u16(at + 2)? >> 3;
                self.push(walk, Kind::Fragment, 8)?;
                if offset == 0 {
                    return Ok(Next::Protocol(next));
                }
            }
            _ => {}
        }
        Ok(Next::Nothing)
    }

    fn udp(&mut self, walk: &mut Walk<'_>) -> Read<Next> {
        let at = walk.at;
        let source = walk.bytes.u16(at)?;
        let destination = walk.bytes.u16(at + 2)?;
        let length = walk.bytes.u16(at + 4)?;
        if length >= 8 {
            walk.limit(at, u32::from(length));
        }
        self.push(walk, Kind::Udp, 8)?;
        let payload = walk.bytes.rest(walk.at, walk.length as usize);
        Ok(if self.ports.carries(destination, payload) {
            Next::Vxlan
        } else if destination == port::GENEVE || source == port::GENEVE {
            // Version 0 only.
            match payload {
                [first, ..] if first >> 6 == 0 => Next::Geneve,
                _ => Next::Nothing,
            }
        } else if destination == port::VXLAN_GPE || source == port::VXLAN_GPE {
            Next::VxlanGpe
        } else if destination == port::MPLS {
            Next::Mpls
        } else if payload.len() < SHAPE && payload.len() < walk.length as usize {
            // Too little was captured to tell.
            return Err(Cut);
        } else {
            Next::Nothing
        })
    }

    fn gre(&mut self, walk: &mut Walk<'_>) -> Read<Next> {
        let flags = walk.bytes.u16(walk.at)?;
        let kind = walk.bytes.u16(walk.at + 2)?;
        if flags & gre::VERSION != 0 || flags & gre::ROUTING != 0 {
            return Ok(Next::Nothing);
        }
        let mut header = 4;
        for bit in [gre::CHECKSUM, gre::KEY, gre::SEQUENCE] {
            if flags & bit != 0 {
                header += 4;
            }
        }
        self.push(walk, Kind::Gre, header)?;
        walk.depth = walk.depth.saturating_add(1);
        Ok(bridged(kind))
    }

    fn mpls(&mut self, walk: &mut Walk<'_>) -> Read<Next> {
        let mut header = 4;
        // The third octet's lowest bit: bottom of the stack.
        while walk.bytes.u8(walk.at + header - 2)? & 1 == 0 {
            header += 4;
        }
        self.push(walk, Kind::Mpls, header)?;
        Ok(Next::AnyIp)
    }
}

/// What follows a tunnel header whose protocol field is an Ethernet type.
fn bridged(kind: u16) -> Next {
    if EtherType(kind) == EtherType::TRANSPARENT_BRIDGING {
        Next::Link(LinkType::ETHERNET)
    } else {
        Next::Type(kind)
    }
}

/// Flag bits of GRE's first two octets.
mod gre {
    pub(super) const CHECKSUM: u16 = 0x8000;
    pub(super) const ROUTING: u16 = 0x4000;
    pub(super) const CHECKSUM_OR_ROUTING: u16 = CHECKSUM | ROUTING;
    pub(super) const KEY: u16 = 0x2000;
    pub(super) const SEQUENCE: u16 = 0x1000;
    pub(super) const VERSION: u16 = 0x0007;
}

/// Where we are in a frame.
struct Walk<'a> {
    bytes: Bytes<'a>,
    at: usize,
    /// Octets from `at` on the wire, as far as the headers before allow.
    length: u32,
    depth: u8,
}

impl Walk<'_> {
    /// A length field says that the packet at `at` has `length` octets: padding behind it is nobody's.
    fn limit(&mut self, at: usize, length: u32) {
        self.length = self.length.min(length);
        self.bytes.narrow(at, length as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(link: LinkType, bytes: &[u8]) -> (Vec<Kind>, bool) {
        kinds_of_cut(link, bytes, bytes.len())
    }

    fn kinds_of_cut(link: LinkType, bytes: &[u8], length: usize) -> (Vec<Kind>, bool) {
        let mut layers = Layers::new(VxlanPorts::default());
        layers.read(&Frame {
            link,
            time: super::super::Timestamp::default(),
            length: length as u32,
            bytes,
        });
        (
            layers.all().iter().map(|layer| layer.kind).collect(),
            layers.is_cut(),
        )
    }

    /// Ethernet, IPv4 of `total` octets with the given protocol.
    fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
        let total = (20 + payload.len()) as u16;
        packet.extend([0x45, 0]);
        packet.extend(total.to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(payload);
        packet
    }

    fn udp(destination: u16, payload: &[u8]) -> Vec<u8> {
        let mut datagram = vec![0xc3, 0x50];
        datagram.extend(destination.to_be_bytes());
        datagram.extend(((payload.len() + 8) as u16).to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(payload);
        ipv4(17, &datagram)
    }

    fn vxlan(vni: u8, inner: &[u8]) -> Vec<u8> {
        [&[8, 0, 0, 0, 0, 0, vni, 0], inner].concat()
    }

    const ECHO: [u8; 8] = [8, 0, 0, 0, 0, 1, 0, 1];

    #[test]
    fn vxlan_on_any_port_is_known_by_its_shape() {
        use Kind::*;
        let expected = vec![Ethernet, Ipv4, Udp, Vxlan, Ethernet, Ipv4, Icmp];
        for port in [4789, 8472, 6784, 4444] {
            let frame = udp(port, &vxlan(7, &ipv4(1, &ECHO)));
            assert_eq!(
                kinds(LinkType::ETHERNET, &frame),
                (expected.clone(), false),
                "{port}"
            );
        }
        // Not the shape: a reserved bit set; IPv6 announced before IPv4.
        let mut other = vxlan(7, &ipv4(1, &ECHO));
        other[1] = 1;
        let plain = vec![Ethernet, Ipv4, Udp];
        assert_eq!(kinds(LinkType::ETHERNET, &udp(4444, &other)).0, plain);
        let mut other = vxlan(7, &ipv4(1, &ECHO));
        other[8 + 12] = 0x86;
        other[8 + 13] = 0xdd;
        assert_eq!(kinds(LinkType::ETHERNET, &udp(4444, &other)).0, plain);
        // BFD on Weave's port: version 1.
        assert_eq!(kinds(LinkType::ETHERNET, &udp(6784, &[0x28; 60])).0, plain);
    }

    #[test]
    fn lengths_vni_and_addresses_are_the_layers_own() {
        let inner = ipv4(1, &ECHO);
        let mut frame = udp(4789, &vxlan(7, &inner));
        let real = frame.len();
        // Padding and a frame check sequence are not the packet's.
        frame.extend([0; 9]);
        let mut layers = Layers::new(VxlanPorts::default());
        layers.read(&Frame {
            link: LinkType::ETHERNET,
            time: super::super::Timestamp::default(),
            length: frame.len() as u32,
            bytes: &frame,
        });
        let vxlan = layers.last(Kind::Vxlan).unwrap();
        assert_eq!(vxlan.network(&frame), Some(7));
        assert_eq!((vxlan.depth, layers.depth()), (0, 1));
        assert_eq!(vxlan.payload_bytes(&frame), inner);
        assert_eq!(vxlan.payload_length() as usize, inner.len());
        assert_eq!(vxlan.payload() + inner.len(), real);
        let ip = layers.last_ip().unwrap();
        let [a, b] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(ip.addresses(&frame), Some((a, b)));
        let udp = layers.last(Kind::Udp).unwrap();
        assert_eq!(udp.ports(&frame), Some((50_000, 4789)));
    }

    #[test]
    fn every_cut_keeps_what_is_whole() {
        let frame = udp(4789, &vxlan(7, &ipv4(1, &ECHO)));
        let (all, _) = kinds(LinkType::ETHERNET, &frame);
        let mut before = 0;
        for cut in 0..frame.len() {
            let (found, is_cut) = kinds_of_cut(LinkType::ETHERNET, &frame[..cut], frame.len());
            assert!(is_cut, "{cut}");
            assert_eq!(found, all[..found.len()], "{cut}");
            assert!(found.len() >= before, "{cut}");
            before = found.len();
        }
    }

    #[test]
    fn other_tunnels() {
        use Kind::*;
        let ip = ipv4(1, &ECHO)[14..].to_vec();
        assert_eq!(
            kinds(LinkType::ETHERNET, &ipv4(4, &ip)).0,
            [Ethernet, Ipv4, Ipv4, Icmp]
        );
        let gre = [&[0x20, 0, 0x65, 0x58, 0, 0, 0, 9][..], &ipv4(1, &ECHO)].concat();
        assert_eq!(
            kinds(LinkType::ETHERNET, &ipv4(47, &gre)).0,
            [Ethernet, Ipv4, Gre, Ethernet, Ipv4, Icmp]
        );
        let geneve = [
            &[1, 0, 0x65, 0x58, 0, 0, 9, 0, 0, 0, 0, 0][..],
            &ipv4(1, &ECHO),
        ]
        .concat();
        assert_eq!(
            kinds(LinkType::ETHERNET, &udp(6081, &geneve)).0,
            [Ethernet, Ipv4, Udp, Geneve, Ethernet, Ipv4, Icmp]
        );
        let labels = [&[0, 6, 0x40, 64, 0, 6, 0x41, 64][..], &ip].concat();
        let mut mpls = ipv4(1, &ECHO)[..12].to_vec();
        mpls.extend([0x88, 0x47]);
        mpls.extend(labels);
        assert_eq!(
            kinds(LinkType::ETHERNET, &mpls).0,
            [Ethernet, Mpls, Ipv4, Icmp]
        );
    }

    #[test]
    fn nesting_without_end_ends() {
        let mut frame = ipv4(1, &ECHO);
        for _ in 0..40 {
            frame = udp(4789, &vxlan(1, &frame));
        }
        let (found, _) = kinds(LinkType::ETHERNET, &frame);
        assert_eq!(found.len(), MAX_LAYERS);
    }
}
