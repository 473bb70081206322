//! A conversation as one point saw it.

use super::Count;
use crate::capture::point::{PointId, Way};
use crate::wire::bytes::Bytes;
use crate::wire::packet::Layer;
use crate::wire::tcp;

/// One way of a conversation at one point.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) point: PointId,
    pub(super) way: Option<Way>,
    pub(super) from_a: bool,
    pub(super) count: Count,
    /// The sequence number that should come next.
    pub(super) expected: Option<u32>,
}

impl Track {
    /// Whether a segment repeats what was seen (RFC 9293 §3.4: sequence numbers compare modulo 2^32).
    pub(super) fn segment(&mut self, layer: &Layer, bytes: &Bytes<'_>) {
        let at = layer.header.start;
        let (Ok(sequence), Ok(flags)) = (bytes.u32(at + tcp::SEQUENCE), bytes.u8(at + tcp::FLAGS))
        else {
            return;
        };
        let data = layer.length.saturating_sub(layer.header.len() as u32);
        let markers = u32::from(flags & (tcp::flag::SYN | tcp::flag::FIN) != 0);
        let length = data + markers;
        if flags & tcp::flag::RST != 0 || length == 0 {
            return;
        }
        let end = sequence.wrapping_add(length);
        let Some(expected) = self
            .expected
            .filter(|_| flags & tcp::flag::SYN == 0 || self.is_same_syn(end))
        else {
            self.expected = Some(end);
            return;
        };
        let behind = expected.wrapping_sub(end) as i32;
        // One octet just before the expected one keeps a connection alive; it carries nothing.
        let keeps_alive =
            data <= 1 && markers == 0 && behind == 0 && sequence.wrapping_add(1) == expected;
        if behind >= 0 && !keeps_alive {
            self.count.retransmissions += 1;
        } else if behind < 0 {
            self.expected = Some(end);
        }
    }

    /// Whether a SYN that ends here is the one seen before rather than a new connection's.
    fn is_same_syn(&self, end: u32) -> bool {
        self.expected == Some(end)
    }
}
