//! What is printed in front of transport headers, remembered by the octets it was printed from.
//!
//! A capture holds many packets of few conversations, and the packets of one conversation begin with the
//! same text: MAC addresses, type, IP addresses and ports, a hundred characters of which nothing but the
//! frame's length changes. Putting them together is most of what printing a packet costs, so a head keeps
//! them beside the header octets they were made of; finding and copying it takes a tenth of the time.
//!
//! There are two sorts. A head of one frame reaches from its link header to its ports. A [`tunnel`] head has
//! all of a frame in VXLAN, from the nodes' addresses to the pods' ports. Where the pods inside are always
//! others, the nodes' own head is still found.
//!
//! Only the commonest layout has a head: a link header without tags, IPv4 without options, a whole packet
//! of ICMP, TCP or UDP. Its text is made by the same methods that print any other packet, so there is one
//! way only to write a header. What those methods look at stands in the key, whole; what they do not look
//! at (time to live, checksums, the identification) is left out of it. Two values vary from packet to packet
//! though they matter: the frame's length, whose digits are written anew, and the packet's, which is
//! compared with the frame's before a head is used at all.

mod table;
mod tunnel;

use self::table::{Known, Table, digits_of};
use self::tunnel::Tunnels;
use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::text::put;
use crate::wire::bytes::Read;
use crate::wire::ethernet::{self, EtherType, sll, sll2};
use crate::wire::ip::{Protocol, v4};

/// Octets a head is made from at most: the longest link header, the IP header and both ports, in whole words.
const REGION: usize = 48;
const WORDS: usize = REGION / 8;
/// The longest text remembered, which is copied whole. An Ethernet head has at most 125 characters; one
/// with a cooked header and a long device name may have more, and is then not remembered.
const TEXT: usize = 128;
/// The shortest packet that has a head, an IP header and the shortest transport header behind it.
const SHORTEST: u32 = (v4::HEADER_LENGTH + 8) as u32;

/// The link headers a head may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Ethernet,
    Sll,
    Sll2,
}

impl Link {
    const ALL: [Self; 3] = [Self::Ethernet, Self::Sll, Self::Sll2];

    #[inline(always)]
    const fn length(self) -> usize {
        match self {
            Self::Ethernet => ethernet::HEADER_LENGTH,
            Self::Sll => sll::LENGTH,
            Self::Sll2 => sll2::LENGTH,
        }
    }

    /// Where the type of what follows is.
    #[inline(always)]
    const fn kind(self) -> usize {
        match self {
            Self::Ethernet => ethernet::TYPE,
            Self::Sll => sll::PROTOCOL,
            Self::Sll2 => sll2::PROTOCOL,
        }
    }
}

/// What of a transport header is part of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// Nothing.
    Nothing,
    /// TCP's or UDP's ports.
    Ports,
    /// An echo's kind and identifier.
    Echo,
}

impl Behind {
    const ALL: [Self; 3] = [Self::Nothing, Self::Ports, Self::Echo];

    /// Whether the octet `at` behind the IP header is looked at.
    const fn looks_at(self, at: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::Ports => at < 4,
            Self::Echo => at == 0 || at == 4 || at == 5,
        }
    }
}

/// Marks the bits of an IPv4 header, `ip` octets into the region, that are looked at when a head is printed.
const fn look_at_ip<const N: usize>(octets: &mut [u8; N], ip: usize, behind: Behind) {
    let mut at = ip;
    while at < N {
        octets[at] = match at - ip {
            v4::VERSION | v4::PROTOCOL => 0xff,
            // Whether the packet may be fragmented is not printed, whether it has been is.
            v4::FRAGMENT => 0x3f,
            7 => 0xff,
            v4::SOURCE..v4::HEADER_LENGTH => 0xff,
            v4::HEADER_LENGTH.. if behind.looks_at(at - ip - v4::HEADER_LENGTH) => 0xff,
            _ => 0,
        };
        at += 1;
    }
}

const fn looked_at(link: Link, behind: Behind) -> [u64; WORDS] {
    let mut octets = [0xff; REGION];
    look_at_ip(&mut octets, link.length(), behind);
    words(&octets)
}

/// Octets in eights.
#[inline(always)]
fn in_eights<const N: usize, const W: usize>(octets: &[u8; N]) -> Option<&[[u8; 8]; W]> {
    octets.as_chunks().0.first_chunk()
}

const fn words<const N: usize, const W: usize>(octets: &[u8; N]) -> [u64; W] {
    let (chunks, _) = octets.as_chunks::<8>();
    let mut words = [0; W];
    let mut n = 0;
    while n < W {
        words[n] = u64::from_le_bytes(chunks[n]);
        n += 1;
    }
    words
}

static LOOKED_AT: [[[u64; WORDS]; 2]; 3] = {
    let mut masks = [[[0; WORDS]; 2]; 3];
    let mut link = 0;
    while link < masks.len() {
        masks[link][0] = looked_at(Link::ALL[link], Behind::Nothing);
        masks[link][1] = looked_at(Link::ALL[link], Behind::Ports);
        link += 1;
    }
    masks
};

/// All heads remembered.
pub(super) struct Heads {
    frames: Table<WORDS, TEXT, 1>,
    tunnels: Tunnels,
    /// Whether a device's name stands in any of them.
    name_devices: bool,
}

impl Heads {
    pub(super) fn new() -> Self {
        Self {
            frames: Table::new(2048),
            tunnels: Tunnels::new(tunnel::PLACES),
            name_devices: false,
        }
    }

    /// Forgets what names devices, as their names have changed.
    pub(super) fn forget_devices(&mut self) {
        if std::mem::take(&mut self.name_devices) {
            self.frames.clear();
            self.tunnels.clear();
        }
    }
}

impl std::fmt::Debug for Heads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heads").finish_non_exhaustive()
    }
}

impl Dissector<'_> {
    /// Prints a frame of `length` octets whose head is known, or becomes known by this; answers false,
    /// having printed nothing, if it has to be printed without.
    #[inline(always)]
    pub(super) fn headed(&mut self, link: Link, start: usize, length: u32) -> Read<bool> {
        if !self.has_heads {
            return Ok(false);
        }
        let Ok(region) = self.bytes.array_at::<REGION>(start) else {
            return Ok(false);
        };
        let at = |offset: usize| region.get(offset).copied().unwrap_or_default();
        let u16_at = |offset| u16::from_be_bytes([at(offset), at(offset + 1)]);
        let ip = link.length();
        let protocol = Protocol(at(ip + v4::PROTOCOL));
        let ports = match protocol {
            Protocol::ICMP => false,
            Protocol::TCP | Protocol::UDP => true,
            _ => return Ok(false),
        };
        let total = u32::from(u16_at(ip + v4::TOTAL_LENGTH));
        if u16_at(link.kind()) != EtherType::IPV4.0
            || at(ip) != 0x45
            || u16_at(ip + v4::FRAGMENT) & (v4::MORE_FRAGMENTS | v4::OFFSET_MASK) != 0
            || total < SHORTEST
            || length > u32::from(u16::MAX)
            || length < total + ip as u32
            || self.is_deepest()
        {
            return Ok(false);
        }
        let header = IpHeader {
            at: start + ip,
            version: 4,
            fragmented: false,
        };
        let digits = digits_of(self.options.link_header, length);
        let masks = &LOOKED_AT[link as usize][usize::from(ports)];
        let Some(octets) = in_eights(region) else {
            return Ok(false);
        };
        let key = table::Key::new(octets, masks, digits);
        match self.heads.frames.print(&key, [length], self.out) {
            Known::Printed => {}
            Known::New => return Ok(false),
            Known::AskedFor => {
                let from = self.out.len();
                let hole = self.head_text(link, start, length, header, protocol)?;
                let text = self.out.get(from..).unwrap_or_default();
                self.heads.frames.remember(&key, [(length, hole)], text);
            }
        }
        self.depth += 1;
        let before = self.bytes.narrow(header.at, total as usize);
        let payload = header.at + v4::HEADER_LENGTH;
        let left = total - v4::HEADER_LENGTH as u32;
        match protocol {
            Protocol::ICMP => self.icmp(payload, left, header)?,
            Protocol::TCP => self.tcp_behind_ports(payload, left, header)?,
            _ => self.udp_behind_ports(payload, left, header)?,
        }
        self.bytes.set_end(before);
        Ok(true)
    }

    /// Prints a head, and answers where in it the digits of the frame's length start.
    fn head_text(
        &mut self,
        link: Link,
        start: usize,
        length: u32,
        header: IpHeader,
        protocol: Protocol,
    ) -> Read<usize> {
        let from = self.out.len();
        match link {
            Link::Ethernet if self.options.link_header => {
                self.ethernet_ipv4_header(start, length)?;
            }
            Link::Ethernet => {}
            Link::Sll => self.sll_front(length)?,
            Link::Sll2 => {
                self.heads.name_devices = true;
                self.sll2_front(length)?;
            }
        }
        let digits = digits_of(self.options.link_header, length) as usize;
        let hole = if self.options.link_header {
            // What has been printed ends in the length and `: `.
            self.out.len() - from - ": ".len() - digits
        } else {
            put!(self, "IP ");
            0
        };
        if protocol == Protocol::ICMP {
            self.ipv4_addresses(header.at, b": ")?;
        } else {
            let at = header.at + v4::HEADER_LENGTH;
            let ports = (self.u16(at)?, self.u16(at + 2)?);
            self.transport_addresses(header, protocol, Some(ports))?;
        }
        Ok(hole)
    }
}
