//! The classic format: one header, then packets (draft-ietf-opsawg-pcap).

use super::error::Fault;
use super::input::Input;
use super::{Body, MAX_PACKET, Options, Position, Step, truncated};
use crate::capture::interface::Interface;
use crate::wire::{LinkType, Timestamp};

use super::order::Order;

/// Octets of the file's header.
const FILE_HEADER: usize = 24;
/// Octets of a packet's header.
const PACKET_HEADER: usize = 16;
/// The same in Kuznetsov's variant of the nineties, which adds an interface index, protocol and kind.
const PATCHED_HEADER: usize = 24;

/// What a pcap file says once, before its packets.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    nanoseconds: bool,
    header: usize,
    swapped: Swapped,
    /// Whether packet headers are the usual ones, with their lengths the right way round.
    is_usual: bool,
    snap_length: u32,
    signed_seconds: bool,
}

/// Some old writers put the two lengths of a packet the wrong way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Swapped {
    Never,
    /// Version 2.3: told by the captured length being the larger one.
    Perhaps,
    /// DG/UX, version 543.0.
    Always,
}

impl Pcap {
    /// Whether a file that begins like this is pcap.
    pub(super) fn recognises(magic: [u8; 4]) -> bool {
        magic_of(magic).is_some()
    }

    /// Reads the file's header.
    pub(super) fn open(
        input: &mut Input,
        magic: [u8; 4],
        options: &Options,
    ) -> Result<(Self, Interface), Fault> {
        let (order, nanoseconds, header) = magic_of(magic).ok_or(Fault::UnknownFormat)?;
        let got = input.fill(FILE_HEADER).map_err(Fault::Read)?;
        let Some(head) = input.bytes().first_chunk::<FILE_HEADER>() else {
            return Err(truncated("file header", FILE_HEADER, got));
        };
        let major = order.u16(head, 4);
        let minor = order.u16(head, 6);
        let snap_length = order.u32(head, 16);
        // The upper bits tell the length of the frame check sequence at the end of each packet.
        let link_type = LinkType(order.u32(head, 20) & 0x03ff_ffff);
        if major < 2 {
            return Err(Fault::Archaic(major, minor));
        }
        input.consume(FILE_HEADER);
        // libpcap's rule: no limit, or a silly one, means the largest.
        let snap_length = match snap_length {
            0 | 0x8000_0000.. => MAX_PACKET,
            given => given.min(MAX_PACKET),
        };
        let swapped = match (major, minor) {
            (543, _) => Swapped::Always,
            (2, ..3) | (2, 3) => Swapped::Perhaps,
            _ => Swapped::Never,
        };
        let pcap = Self {
            order,
            nanoseconds,
            header,
            swapped,
            is_usual: swapped == Swapped::Never && header == PACKET_HEADER,
            snap_length,
            signed_seconds: options.signed_seconds,
        };
        let interface = Interface {
            id: 0,
            link_type,
            snap_length,
            name: None,
            description: None,
        };
        Ok((pcap, interface))
    }

    /// The next packet, if it is one without anything unusual and already in the buffer.
    #[inline(always)]
    pub(super) fn next_of(&self, bytes: &[u8]) -> Option<Position> {
        let head = bytes.first_chunk::<PACKET_HEADER>()?;
        let [seconds, fraction, length, wire_len] = self.order.four(head);
        let total = PACKET_HEADER + length as usize;
        if length > self.snap_length || total > bytes.len() || !self.is_usual {
            return None;
        }
        Some(self.position(seconds, fraction, length, wire_len, PACKET_HEADER))
    }

    #[inline(always)]
    fn position(
        &self,
        seconds: u32,
        fraction: u32,
        stored: u32,
        wire_len: u32,
        header: usize,
    ) -> Position {
        let nanos = if self.nanoseconds {
            u64::from(fraction)
        } else {
            u64::from(fraction) * 1000
        };
        let seconds = if self.signed_seconds {
            i64::from(seconds as i32)
        } else {
            i64::from(seconds)
        };
        Position {
            body: Body {
                start: header,
                // More than the file's own limit is cut, as libpcap does.
                length: stored.min(self.snap_length) as usize,
            },
            comment: None,
            total: header + stored as usize,
            time: Timestamp { seconds, nanos },
            wire_len,
            interface: 0,
            direction: None,
        }
    }

    /// Has the next packet whole in the buffer.
    pub(super) fn advance(&mut self, input: &mut Input) -> Result<Step, Fault> {
        let got = input.fill(self.header).map_err(Fault::Read)?;
        let bytes = input.bytes();
        let Some(head) = bytes
            .first_chunk::<PACKET_HEADER>()
            .filter(|_| got >= self.header)
        else {
            return match got {
                0 => Ok(Step::End),
                _ => Err(truncated("header", self.header, got)),
            };
        };
        let [seconds, fraction, mut length, mut wire_len] = self.order.four(head);
        if self.swapped == Swapped::Always
            || (self.swapped == Swapped::Perhaps && length > wire_len)
        {
            (length, wire_len) = (wire_len, length);
        }
        if length > MAX_PACKET {
            return Err(Fault::PacketTooLong {
                length,
                limit: MAX_PACKET,
            });
        }
        let stored = length as usize;
        let total = self.header + stored;
        let got = input.fill(total).map_err(Fault::Read)?;
        if got < total {
            return Err(truncated("captured", stored, got - self.header));
        }
        let position = self.position(seconds, fraction, length, wire_len, self.header);
        Ok(Step::Packet(position))
    }
}

/// Byte order, whether fractions are nanoseconds, and the packet header's length.
fn magic_of(magic: [u8; 4]) -> Option<(Order, bool, usize)> {
    for order in [Order::Big, Order::Little] {
        match order.u32(&magic, 0) {
            0xa1b2_c3d4 => return Some((order, false, PACKET_HEADER)),
            0xa1b2_3c4d => return Some((order, true, PACKET_HEADER)),
            0xa1b2_cd34 => return Some((order, false, PATCHED_HEADER)),
            _ => {}
        }
    }
    None
}
