//! Heads of frames in VXLAN: from the nodes' addresses to the pods' ports, or to an echo's identifier.

use super::table::{Key, Known, Table, digits_of};
use super::{Behind, Link, SHORTEST, in_eights, look_at_ip, words};
use crate::wire::bytes::Read;
use crate::wire::ethernet::{self, EtherType};
use crate::wire::ip::{Protocol, v4};
use crate::wire::packet::vxlan;
use crate::wire::print::UdpPayload;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::ipv4::IpHeader;
use crate::wire::tcp::udp;

/// Octets such a head is made from at most.
const REGION: usize = 96;
const WORDS: usize = REGION / 8;
/// The longest text remembered. One of Ethernet has at most 299 characters without an indent.
const TEXT: usize = 384;
/// Texts remembered.
pub(super) const PLACES: usize = 1024;

/// What is remembered of tunnels.
pub(super) type Tunnels = Table<WORDS, TEXT, 2>;

/// Where the headers are, from the start of the frame.
struct Layout {
    ip: usize,
    udp: usize,
    vxlan: usize,
    frame: usize,
    inner_ip: usize,
    transport: usize,
}

impl Layout {
    #[inline(always)]
    const fn of(link: Link) -> Self {
        let ip = link.length();
        let udp = ip + v4::HEADER_LENGTH;
        let vxlan = udp + udp::HEADER_LENGTH;
        let frame = vxlan + vxlan::HEADER_LENGTH;
        let inner_ip = frame + ethernet::HEADER_LENGTH;
        Self {
            ip,
            udp,
            vxlan,
            frame,
            inner_ip,
            transport: inner_ip + v4::HEADER_LENGTH,
        }
    }
}

const fn looked_at(link: Link, behind: Behind) -> [u64; WORDS] {
    let layout = Layout::of(link);
    let mut octets = [0xff; REGION];
    look_at_ip(&mut octets, layout.ip, Behind::Ports);
    // Of the header, all: whether it is VXLAN at all may depend on each octet.
    let mut at = layout.vxlan;
    while at < layout.inner_ip {
        octets[at] = 0xff;
        at += 1;
    }
    look_at_ip(&mut octets, layout.inner_ip, behind);
    words(&octets)
}

static LOOKED_AT: [[[u64; WORDS]; 3]; 3] = {
    let mut masks = [[[0; WORDS]; 3]; 3];
    let mut link = 0;
    while link < masks.len() {
        let mut behind = 0;
        while behind < 3 {
            masks[link][behind] = looked_at(Link::ALL[link], Behind::ALL[behind]);
            behind += 1;
        }
        link += 1;
    }
    masks
};

impl Dissector<'_> {
    /// Prints a frame of `length` octets that carries VXLAN, if the head of both is known or becomes known by
    /// this; answers false, having printed nothing, if it has to be printed without.
    #[inline(always)]
    pub(in crate::wire::print) fn headed_tunnel(&mut self, link: Link, length: u32) -> Read<bool> {
        if !self.has_heads {
            return Ok(false);
        }
        let Ok(region) = self.bytes.array_at::<REGION>(0) else {
            return Ok(false);
        };
        let at = |offset: usize| region.get(offset).copied().unwrap_or_default();
        let u16_at = |offset| u32::from(u16::from_be_bytes([at(offset), at(offset + 1)]));
        let layout = Layout::of(link);
        // What has a head of this kind fits these masks; all else about it stands in the key.
        if at(layout.ip + v4::PROTOCOL) != Protocol::UDP.0 || at(layout.inner_ip) != 0x45 {
            return Ok(false);
        }
        let behind = match Protocol(at(layout.inner_ip + v4::PROTOCOL)) {
            Protocol::TCP | Protocol::UDP => Behind::Ports,
            Protocol::ICMP if matches!(at(layout.transport), 0 | 8) => Behind::Echo,
            Protocol::ICMP => Behind::Nothing,
            _ => return Ok(false),
        };
        let total = u16_at(layout.ip + v4::TOTAL_LENGTH);
        let datagram = u16_at(layout.udp + udp::LENGTH);
        let inner_total = u16_at(layout.inner_ip + v4::TOTAL_LENGTH);
        let inner_length = datagram.wrapping_sub((layout.frame - layout.udp) as u32);
        if inner_total < SHORTEST
            || datagram < inner_total + (layout.inner_ip - layout.udp) as u32
            || total != datagram + v4::HEADER_LENGTH as u32
            || length < total + layout.ip as u32
            || length > u32::from(u16::MAX)
        {
            return Ok(false);
        }
        let Ok(sequence) = self.bytes.u16(layout.transport + 6) else {
            return Ok(false);
        };
        let is_printed = self.options.link_header;
        let digits = digits_of(is_printed, length) | digits_of(is_printed, inner_length) << 4;
        let masks = &LOOKED_AT[link as usize][behind as usize];
        let Some(octets) = in_eights(region) else {
            return Ok(false);
        };
        let key = Key::new(octets, masks, digits);
        let lengths = [length, inner_length];
        match self.heads.tunnels.print(&key, lengths, self.out) {
            Known::Printed => {}
            Known::New => return Ok(false),
            Known::AskedFor => {
                if !self.remember_tunnel(&key, link, lengths)? {
                    return Ok(false);
                }
            }
        }
        // As many as are entered without a head.
        self.depth += if link == Link::Ethernet { 4 } else { 3 };
        let before = self.bytes.narrow(layout.inner_ip, inner_total as usize);
        let header = IpHeader {
            at: layout.inner_ip,
            version: 4,
            fragmented: false,
        };
        let left = inner_total - v4::HEADER_LENGTH as u32;
        match (Protocol(at(layout.inner_ip + v4::PROTOCOL)), behind) {
            (_, Behind::Echo) => self.echo_behind_id(sequence, left),
            (Protocol::TCP, _) => self.tcp_behind_ports(layout.transport, left, header)?,
            (Protocol::UDP, _) => self.udp_behind_ports(layout.transport, left, header)?,
            _ => self.icmp(layout.transport, left, header)?,
        }
        self.bytes.set_end(before);
        Ok(true)
    }

    /// Prints a head and remembers it, unless the frame is not one that has a head.
    #[cold]
    fn remember_tunnel(
        &mut self,
        key: &Key<'_, WORDS>,
        link: Link,
        lengths: [u32; 2],
    ) -> Read<bool> {
        let layout = Layout::of(link);
        let [length, inner_length] = lengths;
        let is_whole = |dissector: &Self, ip: usize| {
            Ok(dissector.u8(ip)? == 0x45
                && dissector.u16(ip + v4::FRAGMENT)? & (v4::MORE_FRAGMENTS | v4::OFFSET_MASK) == 0)
        };
        if self.u16(link.kind())? != EtherType::IPV4.0
            || !is_whole(self, layout.ip)?
            || self.u8(layout.vxlan)? != vxlan::FLAG_VNI
            || self.options.udp == UdpPayload::TcpdumpPorts
            || !self.is_vxlan(
                layout.udp,
                layout.vxlan,
                inner_length + vxlan::HEADER_LENGTH as u32,
            )?
            || self.u16(layout.frame + ethernet::TYPE)? != EtherType::IPV4.0
            || !is_whole(self, layout.inner_ip)?
        {
            return Ok(false);
        }
        let header = |at| IpHeader {
            at,
            version: 4,
            fragmented: false,
        };
        let from = self.out.len();
        let outer_header = header(layout.ip);
        let hole = self.head_text(link, 0, length, outer_header, Protocol::UDP)?;
        self.vxlan_line(self.bytes.array(layout.vxlan)?);
        let inner_from = self.out.len();
        let protocol = Protocol(self.u8(layout.inner_ip + v4::PROTOCOL)?);
        let inner_header = header(layout.inner_ip);
        let inner_hole = self.head_text(
            Link::Ethernet,
            layout.frame,
            inner_length,
            inner_header,
            protocol,
        )?;
        if protocol == Protocol::ICMP && matches!(self.u8(layout.transport)?, 0 | 8) {
            self.echo_id(self.bytes.array(layout.transport)?);
        }
        let holes = [
            (length, hole),
            (inner_length, inner_from - from + inner_hole),
        ];
        let text = self.out.get(from..).unwrap_or_default();
        self.heads.tunnels.remember(key, holes, text);
        Ok(true)
    }
}
