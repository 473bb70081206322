//! One captured packet, borrowed from the reader's buffer.

use super::interface::Interface;
use crate::wire::Timestamp;

/// Which way a packet went, where the file says so beside the packet (pcapng `epb_flags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Received.
    Inbound,
    /// Sent.
    Outbound,
}

/// One captured packet.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// When it was seen.
    pub time: Timestamp,
    /// Octets it had on the wire; more than `data` holds when the capture cut it.
    pub wire_len: u32,
    /// The octets captured.
    pub data: &'a [u8],
    /// Where it was captured.
    pub interface: &'a Interface,
    /// Which way it went, if the file says so.
    pub direction: Option<Direction>,
    /// The first comment somebody wrote on it.
    pub comment: Option<&'a [u8]>,
}
