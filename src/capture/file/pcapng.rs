//! The next-generation format: blocks of any kind in any number of sections (draft-ietf-opsawg-pcapng).

mod clock;
mod option;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::error::Fault;
use super::input::Input;
use super::order::Order;
use super::{Body, MAX_PACKET, Options, Position, Step, truncated};
use crate::capture::interface::Interface;
use crate::capture::record::Direction;
use crate::wire::{LinkType, Timestamp};
use clock::{Clock, units};
use option::{COMMENT, EPB_FLAGS, IF_DESCRIPTION, IF_NAME, IF_TSOFFSET, IF_TSRESOL, OptionList};

/// Block types.
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const ENHANCED_PACKET: u32 = 6;

/// Type and length before a block's body, and the length again after it.
const BLOCK_HEAD: usize = 8;
const BLOCK_TAIL: usize = 4;
/// The fixed part of a packet block's body, enhanced or obsolete.
const PACKET_FIXED: usize = 20;
/// The largest block we take: libpcap's limit.
const MAX_BLOCK: u32 = 16 << 20;
/// Interfaces of one section, and names of one file, that we remember. Nobody has more; a hostile file may.
const MAX_INTERFACES: usize = 65_536;
const MAX_NAMES: usize = 65_536;
/// Names of interfaces and their descriptions longer than this are cut.
const MAX_TEXT: usize = 4096;
/// Where a reader stands in a pcapng file.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    /// How the interfaces of this section count time, in their order.
    clocks: Vec<Clock>,
    next_id: u32,
    names: BTreeMap<IpAddr, String>,
    one_type: Option<OneType>,
}

/// libpcap wants all interfaces of a file alike.
#[derive(Debug, Default)]
struct OneType {
    first: Option<LinkType>,
}

impl Pcapng {
    /// Whether a file that begins like this is pcapng.
    pub(super) fn recognises(magic: [u8; 4]) -> bool {
        magic == SECTION_HEADER.to_be_bytes()
    }

    /// Takes the first section header and what follows up to the first interface, so that the link type is
    /// known before the first packet.
    pub(super) fn open(
        input: &mut Input,
        options: &Options,
    ) -> Result<(Self, Vec<Interface>), Fault> {
        let mut file = Self {
            order: Order::Little,
            clocks: Vec::new(),
            next_id: 0,
            names: BTreeMap::new(),
            one_type: options.one_link_type.then(OneType::default),
        };
        let mut interfaces = Vec::new();
        while interfaces.is_empty() {
            match file.block(input, &mut interfaces)? {
                Step::Other => {}
                Step::End if options.one_link_type => {
                    return Err(Fault::Malformed(
                        "the capture file has no Interface Description Blocks".to_owned(),
                    ));
                }
                Step::End | Step::Packet(_) => break,
            }
        }
        Ok((file, interfaces))
    }

    /// Names that the file gives to addresses, as far as it was read.
    pub(super) fn names(&self) -> &BTreeMap<IpAddr, String> {
        &self.names
    }

    /// Has the next packet whole in the buffer.
    pub(super) fn advance(
        &mut self,
        input: &mut Input,
        interfaces: &mut Vec<Interface>,
    ) -> Result<Step, Fault> {
        loop {
            match self.block(input, interfaces)? {
                Step::Other => {}
                step => return Ok(step),
            }
        }
    }

    /// Reads one block, whatever it is.
    fn block(&mut self, input: &mut Input, interfaces: &mut Vec<Interface>) -> Result<Step, Fault> {
        // A section header needs its byte-order magic before its length can be read.
        let got = input.fill(BLOCK_HEAD).map_err(Fault::Read)?;
        let Some(head) = input.bytes().first_chunk::<BLOCK_HEAD>().copied() else {
            return match got {
                0 => Ok(Step::End),
                _ => Err(truncated("block header", BLOCK_HEAD, got)),
            };
        };
        let mut kind = self.order.u32(&head, 0);
        if head.starts_with(&SECTION_HEADER.to_be_bytes()) {
            kind = SECTION_HEADER;
            self.order = byte_order(input)?;
        }
        let length = self.order.u32(&head, 4);
        if (length as usize) < BLOCK_HEAD + BLOCK_TAIL {
            return Err(Fault::Malformed(format!(
                "block in pcapng dump file has a length of {length} < {}",
                BLOCK_HEAD + BLOCK_TAIL
            )));
        }
        if !length.is_multiple_of(4) {
            // Tolerated by some readers, but then nobody knows where the next block begins.
            return Err(Fault::Malformed(format!(
                "block in pcapng dump file has a length of {length} that is not a multiple of 4"
            )));
        }
        if length > MAX_BLOCK {
            return Err(Fault::Malformed(format!(
                "pcapng block size {length} is larger than maximum {MAX_BLOCK}"
            )));
        }
        let total = length as usize;
        let known = matches!(
            kind,
            SECTION_HEADER | INTERFACE | PACKET | SIMPLE_PACKET | NAME_RESOLUTION | ENHANCED_PACKET
        );
        if !known {
            let got = input.skip(u64::from(length)).map_err(Fault::Read)?;
            return if got < u64::from(length) {
                Err(truncated("block", total, usize::try_from(got).unwrap_or(0)))
            } else {
                Ok(Step::Other)
            };
        }
        let got = input.fill(total).map_err(Fault::Read)?;
        let Some(body) = input
            .bytes()
            .get(BLOCK_HEAD..total.saturating_sub(BLOCK_TAIL))
        else {
            return Err(truncated("block", total, got));
        };
        if got < total {
            return Err(truncated("block", total, got));
        }
        let again = self.order.u32(input.bytes(), total - BLOCK_TAIL);
        if again != length {
            return Err(Fault::Malformed(format!(
                "block total length {length} at the head of a block, {again} at its end"
            )));
        }
        match kind {
            ENHANCED_PACKET | PACKET => {
                return self.packet(kind, body, total, interfaces).map(Step::Packet);
            }
            SIMPLE_PACKET => {
                return self
                    .simple_packet(body, total, interfaces)
                    .map(Step::Packet);
            }
            SECTION_HEADER => {
                self.section(body)?;
                interfaces.clear();
                self.clocks.clear();
            }
            INTERFACE => {
                let (interface, clock) = self.interface(body)?;
                if let Some(alike) = &mut self.one_type {
                    alike.check(interface.link_type)?;
                }
                if interfaces.len() >= MAX_INTERFACES {
                    return Err(Fault::Malformed(format!(
                        "more than {MAX_INTERFACES} interfaces in one section"
                    )));
                }
                interfaces.push(interface);
                self.clocks.push(clock);
            }
            _ => self.name_resolution(body),
        }
        input.consume(total);
        Ok(Step::Other)
    }

    fn section(&self, body: &[u8]) -> Result<(), Fault> {
        if body.len() < 16 {
            return Err(Fault::Malformed(
                "section header block is shorter than its fixed part".to_owned(),
            ));
        }
        // Minor versions were meant to stay readable; 1.2 is written by some and is 1.0 (draft §4.1).
        let major = self.order.u16(body, 4);
        if major != 1 {
            return Err(Fault::Malformed(format!(
                "unsupported pcapng savefile version {major}.{}",
                self.order.u16(body, 6)
            )));
        }
        Ok(())
    }

    fn interface(&mut self, body: &[u8]) -> Result<(Interface, Clock), Fault> {
        let Some(options) = body.get(8..) else {
            return Err(Fault::Malformed(
                "interface description block is shorter than its fixed part".to_owned(),
            ));
        };
        let mut interface = Interface {
            id: self.next_id,
            link_type: LinkType(u32::from(self.order.u16(body, 0))),
            snap_length: self.order.u32(body, 4),
            name: None,
            description: None,
        };
        self.next_id = self.next_id.wrapping_add(1);
        let mut clock = Clock::MICROSECONDS;
        for (code, value) in self.options(options) {
            match (code, value) {
                (IF_NAME, value) => interface.name = Some(text(value)),
                (IF_DESCRIPTION, value) => interface.description = Some(text(value)),
                (IF_TSRESOL, [resolution, ..]) => clock.units = units(*resolution)?,
                (IF_TSOFFSET, value) if value.len() == 8 => {
                    clock.offset = self.order.u64(value, 0) as i64;
                }
                _ => {}
            }
        }
        Ok((interface, clock))
    }

    #[inline]
    fn packet(
        &self,
        kind: u32,
        body: &[u8],
        total: usize,
        interfaces: &[Interface],
    ) -> Result<Position, Fault> {
        if body.len() < PACKET_FIXED {
            return Err(Fault::Malformed(
                "packet block is shorter than its fixed part".to_owned(),
            ));
        }
        let order = self.order;
        let interface = if kind == ENHANCED_PACKET {
            order.u32(body, 0)
        } else {
            u32::from(order.u16(body, 0))
        };
        let length = order.u32(body, 12);
        let wire_len = order.u32(body, 16);
        let clock = self.clock(interface)?;
        check_length(length, body.len() - PACKET_FIXED)?;
        // Padded to 32 bits; a writer that left the padding out after the last packet is forgiven.
        let end = PACKET_FIXED + (length as usize).next_multiple_of(4);
        let mut position = Position {
            body: Body {
                start: BLOCK_HEAD + PACKET_FIXED,
                length: cut(length, interfaces.get(interface as usize)),
            },
            comment: None,
            total,
            time: clock.moment(order.u32(body, 4), order.u32(body, 8)),
            wire_len,
            interface: interface as usize,
            direction: None,
        };
        if let Some(options) = body.get(end..).filter(|rest| rest.len() > 4) {
            self.packet_options(options, BLOCK_HEAD + end, &mut position);
        }
        Ok(position)
    }

    /// `at` is where the options begin in the block.
    #[cold]
    fn packet_options(&self, options: &[u8], at: usize, position: &mut Position) {
        let begin = options.as_ptr() as usize;
        for (code, value) in self.options(options) {
            if code == COMMENT && position.comment.is_none() {
                position.comment = Some(Body {
                    start: at + (value.as_ptr() as usize - begin),
                    length: value.len(),
                });
            } else if code == EPB_FLAGS && value.len() == 4 {
                position.direction = match self.order.u32(value, 0) & 3 {
                    1 => Some(Direction::Inbound),
                    2 => Some(Direction::Outbound),
                    _ => None,
                };
            }
        }
    }

    /// A packet without time or interface: it belongs to the first one.
    fn simple_packet(
        &self,
        body: &[u8],
        total: usize,
        interfaces: &[Interface],
    ) -> Result<Position, Fault> {
        if body.len() < 4 {
            return Err(Fault::Malformed(
                "simple packet block is shorter than its fixed part".to_owned(),
            ));
        }
        self.clock(0)?;
        let wire_len = self.order.u32(body, 0);
        let room = u32::try_from(body.len() - 4).unwrap_or(u32::MAX);
        let limit = interfaces
            .first()
            .map(|interface| interface.snap_length)
            .filter(|&limit| limit > 0)
            .unwrap_or(u32::MAX);
        let length = wire_len.min(limit);
        check_length(length, room as usize)?;
        Ok(Position {
            body: Body {
                start: BLOCK_HEAD + 4,
                length: length as usize,
            },
            comment: None,
            total,
            time: Timestamp::default(),
            wire_len,
            interface: 0,
            direction: None,
        })
    }

    fn clock(&self, interface: u32) -> Result<Clock, Fault> {
        self.clocks.get(interface as usize).copied().ok_or_else(|| {
            Fault::Malformed(format!(
                "a packet arrived on interface {interface}, but there's no Interface Description Block for that interface"
            ))
        })
    }

    /// Each record: type, length, an address, then one or more names that end in NUL.
    fn name_resolution(&mut self, body: &[u8]) {
        let mut rest = body;
        while let (kind @ 1..=2, Some(record)) = (self.order.u16(rest, 0), rest.get(4..)) {
            let length = usize::from(self.order.u16(rest, 2));
            let Some(value) = record.get(..length) else {
                return;
            };
            let address = match kind {
                1 => value
                    .split_first_chunk::<4>()
                    .map(|(raw, names)| (IpAddr::from(Ipv4Addr::from(*raw)), names)),
                _ => value
                    .split_first_chunk::<16>()
                    .map(|(raw, names)| (IpAddr::from(Ipv6Addr::from(*raw)), names)),
            };
            if let Some((address, names)) = address
                && let Some(name) = names
                    .split(|&octet| octet == 0)
                    .find(|name| !name.is_empty())
                && (self.names.len() < MAX_NAMES || self.names.contains_key(&address))
            {
                self.names.insert(address, text(name));
            }
            rest = record.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    fn options<'a>(&self, bytes: &'a [u8]) -> OptionList<'a> {
        OptionList {
            order: self.order,
            rest: bytes,
        }
    }
}

impl OneType {
    fn check(&mut self, link_type: LinkType) -> Result<(), Fault> {
        match self.first {
            None => self.first = Some(link_type),
            Some(first) if first == link_type => {}
            Some(_) => {
                return Err(Fault::Malformed(format!(
                    "an interface has a type {} different from the type of the first interface",
                    link_type.dlt()
                )));
            }
        }
        Ok(())
    }
}

/// The byte order of the section whose header begins the buffer.
fn byte_order(input: &mut Input) -> Result<Order, Fault> {
    const MAGIC: [u8; 4] = 0x1a2b_3c4d_u32.to_be_bytes();
    const REVERSED: [u8; 4] = 0x1a2b_3c4d_u32.to_le_bytes();
    let got = input.fill(BLOCK_HEAD + 4).map_err(Fault::Read)?;
    match input.bytes().get(BLOCK_HEAD..BLOCK_HEAD + 4) {
        Some(magic) if magic == MAGIC => Ok(Order::Big),
        Some(magic) if magic == REVERSED => Ok(Order::Little),
        Some(_) => Err(Fault::Malformed(
            "the section header has no byte-order magic".to_owned(),
        )),
        None => Err(truncated("block", BLOCK_HEAD + 4, got)),
    }
}

#[inline]
fn check_length(length: u32, room: usize) -> Result<(), Fault> {
    if length > MAX_PACKET {
        return Err(Fault::PacketTooLong {
            length,
            limit: MAX_PACKET,
        });
    }
    if length as usize > room {
        return Err(Fault::Malformed(format!(
            "a packet of {length} octets in a block with room for {room}"
        )));
    }
    Ok(())
}

/// What is kept of a packet longer than its interface's own limit.
#[inline]
fn cut(length: u32, interface: Option<&Interface>) -> usize {
    match interface.map_or(0, |interface| interface.snap_length) {
        0 => length as usize,
        limit => length.min(limit) as usize,
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&octet| octet == 0);
    let bytes = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
    String::from_utf8_lossy(bytes.get(..MAX_TEXT).unwrap_or(bytes)).into_owned()
}
