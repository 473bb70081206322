//! What is printed in front of a transport header, remembered by the octets it was printed from.
//!
//! A capture holds many packets of few conversations, and the packets of one conversation begin with the
//! same text: MAC addresses, type, IP addresses and ports, a hundred characters of which nothing but the
//! frame's length changes. Putting them together is most of what printing a packet costs, so a [`Head`] keeps
//! them beside the header octets they were made of; finding and copying it takes a tenth of the time. A
//! packet in a tunnel has two heads, which are remembered apart from each other: that of the nodes is found
//! even where the pods inside are always others.
//!
//! Only the commonest layout has a head: a link header without tags, IPv4 without options, a whole packet
//! of ICMP, TCP or UDP. Its text is made by the same methods that print any other packet, so there is one
//! way only to write a header. What those methods look at stands in the key, whole; what they do not look
//! at (time to live, checksums, the identification) is left out of it. Two values vary from packet to packet
//! though they matter: the frame's length, whose digits are written anew, and the packet's, which is
//! compared with the frame's before a head is used at all.

use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::text::{put, put_front};
use crate::wire::bytes::Read;
use crate::wire::ethernet::{self, EtherType, sll, sll2};
use crate::wire::ip::{Protocol, v4};

/// Heads remembered; each takes 192 octets. A head found at its place is the only one there.
const HEADS: usize = 2048;
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

/// The bits of a region that are looked at when a head is printed, with or without ports.
const fn looked_at(link: Link, ports: bool) -> [u64; WORDS] {
    let mut octets = [0u8; REGION];
    let ip = link.length();
    let mut at = 0;
    while at < REGION {
        octets[at] = if at < ip {
            0xff
        } else {
            match at - ip {
                v4::VERSION | v4::PROTOCOL => 0xff,
                // Whether the packet may be fragmented is not printed, whether it has been is.
                v4::FRAGMENT => 0x3f,
                7 => 0xff,
                v4::SOURCE..v4::HEADER_LENGTH => 0xff,
                v4::HEADER_LENGTH..24 if ports => 0xff,
                _ => 0,
            }
        };
        at += 1;
    }
    words(&octets)
}

#[inline(always)]
const fn words(octets: &[u8; REGION]) -> [u64; WORDS] {
    let (chunks, _) = octets.as_chunks::<8>();
    let mut words = [0; WORDS];
    let mut n = 0;
    while n < WORDS {
        words[n] = u64::from_le_bytes(chunks[n]);
        n += 1;
    }
    words
}

static WITHOUT_PORTS: [[u64; WORDS]; 3] = [
    looked_at(Link::Ethernet, false),
    looked_at(Link::Sll, false),
    looked_at(Link::Sll2, false),
];
static WITH_PORTS: [[u64; WORDS]; 3] = [
    looked_at(Link::Ethernet, true),
    looked_at(Link::Sll, true),
    looked_at(Link::Sll2, true),
];

/// What a head is found by.
struct Key {
    words: [u64; WORDS],
    /// Digits of the frame's length, 0 if it is not printed. Heads that differ in it are different ones.
    digits: u8,
    slot: usize,
    /// Tells most keys of a slot apart.
    tag: u16,
}

impl Key {
    #[inline(always)]
    fn new(region: &[u8; REGION], link: Link, ports: bool, length: Option<u32>) -> Self {
        let masks = if ports {
            &WITH_PORTS[link as usize]
        } else {
            &WITHOUT_PORTS[link as usize]
        };
        let mut words = words(region);
        for (word, mask) in words.iter_mut().zip(masks) {
            *word &= mask;
        }
        let digits = length.map_or(0, |length| {
            1 + u8::from(length >= 10)
                + u8::from(length >= 100)
                + u8::from(length >= 1000)
                + u8::from(length >= 10_000)
        });
        let [a, b, c, d, e, f] = words;
        let even = a ^ c.rotate_left(23) ^ e.rotate_left(47);
        let odd = b ^ d.rotate_left(31) ^ f.rotate_left(11) ^ u64::from(digits) << 56;
        // Digits of pi: other constants would do, as nobody gains by two heads that share a place.
        let product =
            u128::from(even ^ 0x243f_6a88_85a3_08d3) * u128::from(odd ^ 0x1319_8a2e_0370_7344);
        let hash = product as u64 ^ (product >> 64) as u64;
        Self {
            words,
            digits,
            slot: hash as usize % HEADS,
            tag: (hash >> 48) as u16,
        }
    }
}

/// One text, and what it was made of.
#[derive(Clone)]
#[repr(align(64))]
struct Head {
    words: [u64; WORDS],
    /// The frame's length that the text says now.
    length: u32,
    /// Where its digits are, and how many.
    hole: u8,
    digits: u8,
    size: u8,
    text: [u8; TEXT],
}

impl Head {
    const EMPTY: Self = Self {
        words: [0; WORDS],
        length: 0,
        hole: 0,
        digits: u8::MAX,
        size: 0,
        text: [0; TEXT],
    };

    /// Whether this is what `key` stands for, without the call that comparing arrays makes.
    #[inline(always)]
    fn is(&self, key: &Key) -> bool {
        let pairs = self.words.iter().zip(&key.words);
        let differing = pairs.fold(0, |bits, (ours, theirs)| bits | (ours ^ theirs));
        differing | u64::from(self.digits ^ key.digits) == 0
    }

    /// Writes the digits of another length over those that are there.
    #[inline(always)]
    fn say(&mut self, length: u32) {
        if self.length == length {
            return;
        }
        self.length = length;
        let hole = usize::from(self.hole);
        let mut left = length;
        if let Some(digits) = self.text.get_mut(hole..hole + usize::from(self.digits)) {
            for digit in digits.iter_mut().rev() {
                *digit = b'0' + (left % 10) as u8;
                left /= 10;
            }
        }
    }
}

/// What is known of a head.
enum Known {
    /// Everything; it has been printed.
    Printed,
    /// It was asked for before, so it is worth remembering.
    AskedFor,
    /// Nothing.
    New,
}

/// All heads remembered.
pub(super) struct Heads {
    heads: Box<[Head]>,
    /// The tag that was last looked for and not found at each place. A head is remembered when it is looked
    /// for again: where every packet is of another conversation, none is remembered in vain, and none that
    /// returns is driven out.
    asked_for: Box<[u16]>,
}

impl Heads {
    pub(super) fn new() -> Self {
        Self {
            heads: vec![Head::EMPTY; HEADS].into_boxed_slice(),
            asked_for: vec![0; HEADS].into_boxed_slice(),
        }
    }

    /// Forgets all, as what names mean has changed.
    pub(super) fn clear(&mut self) {
        for head in &mut self.heads {
            // No frame's length has that many.
            head.digits = u8::MAX;
        }
    }

    #[inline(always)]
    fn print(&mut self, key: &Key, length: u32, out: &mut Vec<u8>) -> Known {
        if let Some(head) = self.heads.get_mut(key.slot)
            && head.is(key)
        {
            head.say(length);
            put_front(&head.text, usize::from(head.size), out);
            return Known::Printed;
        }
        match self.asked_for.get_mut(key.slot) {
            Some(tag) if *tag == key.tag => Known::AskedFor,
            Some(tag) => {
                *tag = key.tag;
                Known::New
            }
            None => Known::New,
        }
    }

    /// Remembers `text`, in which the digits of the frame's length start at `hole`.
    fn remember(&mut self, key: &Key, length: u32, hole: usize, text: &[u8]) {
        if let Some(head) = self.heads.get_mut(key.slot)
            && let (Ok(hole), Ok(size)) = (u8::try_from(hole), u8::try_from(text.len()))
            && let Some(place) = head.text.get_mut(..text.len())
        {
            place.copy_from_slice(text);
            head.words = key.words;
            head.length = length;
            head.hole = hole;
            head.digits = key.digits;
            head.size = size;
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
        let printed_length = self.options.link_header.then_some(length);
        let key = Key::new(region, link, ports, printed_length);
        match self.heads.print(&key, length, self.out) {
            Known::Printed => {}
            Known::New => return Ok(false),
            Known::AskedFor => self.remember_head(&key, link, start, length, header, protocol)?,
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

    #[cold]
    fn remember_head(
        &mut self,
        key: &Key,
        link: Link,
        start: usize,
        length: u32,
        header: IpHeader,
        protocol: Protocol,
    ) -> Read<()> {
        let from = self.out.len();
        match link {
            Link::Ethernet if self.options.link_header => {
                self.ethernet_ipv4_header(start, length)?;
            }
            Link::Ethernet => {}
            Link::Sll => self.sll_front(length)?,
            Link::Sll2 => self.sll2_front(length)?,
        }
        let hole = if self.options.link_header {
            // What has been printed ends in the length and `: `.
            self.out.len() - from - ": ".len() - usize::from(key.digits)
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
        let text = self.out.get(from..).unwrap_or_default();
        self.heads.remember(key, length, hole, text);
        Ok(())
    }
}
