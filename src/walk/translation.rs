//! Addresses that were replaced on the way, so that the answer finds back.
//!
//! Connection tracking translates each packet of a conversation as its first one, and answers in reverse
//! (`net/netfilter/nf_nat_core.c`, `nf_nat_packet`).

use std::net::IpAddr;

use super::netfilter::Tracked;
use super::network::SpaceId;
use super::path::{Packet, Protocol};

/// What namespaces have done to the addresses of one conversation.
#[derive(Debug, Clone, Default)]
pub(super) struct Translations {
    rows: Vec<Translation>,
}

#[derive(Debug, Clone)]
struct Translation {
    space: SpaceId,
    /// As it came in.
    before: Tuple,
    /// As it left.
    after: Tuple,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tuple {
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
}

impl Tuple {
    fn of(packet: &Packet) -> Self {
        Self {
            source: packet.source,
            destination: packet.destination,
            protocol: packet.protocol,
        }
    }

    fn answered(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            protocol: self.protocol.answered(),
        }
    }
}

impl Translations {
    /// `space` made `after` of `before`.
    pub(super) fn remember(&mut self, space: SpaceId, before: &Packet, after: &Packet) {
        let (before, after) = (Tuple::of(before), Tuple::of(after));
        if before == after {
            return;
        }
        // A second rule at another hook of the same namespace adds to what the first did.
        if let Some(row) = self
            .rows
            .iter_mut()
            .find(|row| row.space == space && row.after == before)
        {
            row.after = after;
        } else {
            self.rows.push(Translation {
                space,
                before,
                after,
            });
        }
    }

    /// What connection tracking of `space` knows of a packet that it may have translated, or that answers one.
    pub(super) fn tracked(&self, space: SpaceId, packet: &Packet, established: bool) -> Tracked {
        let tuple = Tuple::of(packet);
        let row = self.rows.iter().find(|row| {
            row.space == space && (row.after == tuple || row.before.answered() == tuple)
        });
        Tracked {
            established,
            dnat: row.is_some_and(|row| row.before.destination != row.after.destination),
            snat: row.is_some_and(|row| row.before.source != row.after.source),
            untracked: false,
        }
    }

    /// What `space` makes of an answer; `None` if it has not translated what this answers.
    pub(super) fn back(&self, space: SpaceId, packet: &Packet) -> Option<Packet> {
        let tuple = Tuple::of(packet);
        let row = self
            .rows
            .iter()
            .find(|row| row.space == space && row.after.answered() == tuple)?;
        let back = row.before.answered();
        Some(Packet {
            source: back.source,
            destination: back.destination,
            protocol: back.protocol,
            ..*packet
        })
    }
}
