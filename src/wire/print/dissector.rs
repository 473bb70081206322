//! What every protocol printer works on: the bytes, the text so far, and what the packet's own headers
//! have said up to here.

use super::heads::Heads;
use super::sequence::Conversations;
use super::text::{Mac, Put, V4, V6};
use super::{Names, PrintOptions};
use crate::wire::bytes::{Bytes, Read};

/// How many headers may lie inside each other before printing stops. The deepest real packet has about
/// twenty; the limit keeps a hostile one from exhausting the stack.
const MAX_DEPTH: u32 = 250;

/// One packet being printed.
///
/// Each protocol is a method in a file of its own. A method that runs past the captured bytes either
/// says so and goes on ([`Dissector::truncated`]) or gives up the whole packet by returning
/// [`crate::wire::bytes::Cut`]; which of the two is part of the text to match. In both cases the text
/// ends in ` [|PROTOCOL]`, where the protocol is the one whose printer was entered last.
pub(super) struct Dissector<'a> {
    /// The captured octets.
    pub(super) bytes: Bytes<'a>,
    /// The text so far.
    pub(super) out: &'a mut Vec<u8>,
    /// What to print.
    pub(super) options: &'a PrintOptions,
    /// Port and device names.
    pub(super) names: &'a mut Names,
    /// Initial sequence numbers.
    pub(super) conversations: &'a mut Conversations,
    /// What is printed in front of transport headers.
    pub(super) heads: &'a mut Heads,
    /// Whether what is printed there is nothing but a head's text.
    pub(super) has_heads: bool,
    /// The protocol whose printer was entered last.
    pub(super) protocol: &'static str,
    /// Octets of link headers, which `-x` leaves out.
    pub(super) link_header: usize,
    /// Headers entered.
    pub(super) depth: u32,
}

impl Dissector<'_> {
    /// ` [|PROTOCOL]`
    #[cold]
    pub(super) fn truncated(&mut self) {
        (" [|", self.protocol, "]").put(self.out);
    }

    /// ` (invalid)`
    #[cold]
    pub(super) fn invalid(&mut self) {
        " (invalid)".put(self.out);
    }

    /// Enters a header that may hold another of its kind; answers false when that has happened too often.
    pub(super) fn enter(&mut self) -> bool {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            " [nested too deep]".put(self.out);
            return false;
        }
        true
    }

    /// Whether no further header may be entered.
    pub(super) fn is_deepest(&self) -> bool {
        self.depth >= MAX_DEPTH
    }

    pub(super) fn verbose(&self) -> bool {
        self.options.verbosity > 0
    }

    pub(super) fn has(&self, at: usize, length: usize) -> bool {
        self.bytes.has(at, length)
    }

    #[inline]
    pub(super) fn u8(&self, at: usize) -> Read<u8> {
        self.bytes.u8(at)
    }

    #[inline]
    pub(super) fn u16(&self, at: usize) -> Read<u16> {
        self.bytes.u16(at)
    }

    #[inline]
    pub(super) fn u24(&self, at: usize) -> Read<u32> {
        self.bytes.u24(at)
    }

    #[inline]
    pub(super) fn u32(&self, at: usize) -> Read<u32> {
        self.bytes.u32(at)
    }

    #[inline]
    pub(super) fn mac(&self, at: usize) -> Read<Mac> {
        self.bytes.array(at).map(|octets| Mac {
            octets,
            organisation: !self.options.numeric,
        })
    }

    #[inline]
    pub(super) fn v4(&self, at: usize) -> Read<V4> {
        self.bytes.array(at).map(V4)
    }

    #[inline]
    pub(super) fn v6(&self, at: usize) -> Read<V6> {
        self.bytes.array(at).map(V6)
    }
}
