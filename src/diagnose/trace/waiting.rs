//! Packets that never leave as they wait for a neighbour: somebody has the address and would answer, by the tables, and
//! was asked in vain. The question or the answer is lost, and what takes either is what is looked for.
//!
//! Source: `net/core/neighbour.c` (`neigh_resolve_output`: the packet waits in `arp_queue`, behind all taps).

use std::net::IpAddr;

use super::between::{self, Guilt, Suspect};
use super::observed::{Gap, Observed, answered};
use super::origin::{self, Told};
use super::{Certainty, Possible, Read, Verdict, cause, facts};
use crate::diagnose::Evidence;
use crate::model::neighbour::NeighbourState;
use crate::model::notation;
use crate::walk::path::{Hop, NoteKind, Place};

/// What is waited for, and where.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    /// The neighbour.
    address: IpAddr,
    /// The device on which it is asked for.
    at: &'a Place,
    /// Where the question arrives.
    there: Option<&'a Place>,
    /// What the kernel says of the neighbour by now.
    row: Evidence,
}

impl Waiting<'_> {
    /// Whether a node asks, or is asked.
    pub(super) fn is_between(&self, node: &str) -> bool {
        self.at.node == node || self.there.is_some_and(|there| there.node == node)
    }
}

/// The neighbour that the packets of a gap wait for: it was to be asked for when the tables were read, and has not
/// answered since.
pub(super) fn of<'a>(read: Read<'_>, gap: &'a Gap<'a>) -> Option<Waiting<'a>> {
    let next = gap.next?;
    let hop = gap.path.hops.get(next)?;
    let at = &hop.at;
    let address = gap.path.notes.iter().find_map(|note| match note.kind {
        NoteKind::WouldResolve { address } if note.at == *at => Some(address),
        _ => None,
    })?;
    let netns = read.after?.node(&at.node)?.netns(at.netns)?;
    let device = at.device.as_ref()?.index;
    let row = netns
        .neighbours
        .iter()
        .find(|row| (row.device, row.address) == (device, address) && !row.proxy)?;
    matches!(
        row.state,
        NeighbourState::Failed | NeighbourState::Incomplete
    )
    .then(|| Waiting {
        address,
        at,
        there: gap.path.hops.get(next + 1).map(|hop: &Hop| &hop.at),
        row: Evidence::new(
            format!("{} neighbour, afterwards", at.node),
            notation::neighbour(row, netns),
        ),
    })
}

/// What keeps the neighbour from answering.
pub(super) fn told(
    read: Read<'_>,
    gap: &Gap<'_>,
    observed: &Observed,
    waiting: &Waiting<'_>,
) -> Verdict {
    let suspects = between::askers(read, gap);
    let alone =
        between::sole(&suspects).and_then(|suspect| Some((suspect, suspect.guilt.as_ref()?)));
    let in_bridge = [Some(waiting.at), waiting.there]
        .into_iter()
        .flatten()
        .filter_map(|place| facts::node_end(read.before, place))
        .find_map(|(node, outer)| origin::enslaved(node, outer));
    let (mut finding, certainty) = match (in_bridge, alone) {
        // What comes in is the bridge's, so that no answer is heard whatever else stands there.
        (Some(told), _) => (told.into_finding(), Certainty::Proven),
        (None, Some((suspect, Guilt::Device(told)))) => (
            (**told).clone().into_finding(),
            // What counted took something, and nothing else stands there.
            if suspect.moved.is_some() {
                Certainty::Proven
            } else {
                Certainty::Seen
            },
        ),
        (None, Some((_, Guilt::Rule(drop)))) => (
            cause::finding(read.before, gap.path, drop),
            Certainty::Proven,
        ),
        (None, None) => (unheard(waiting).into_finding(), Certainty::Seen),
    };
    finding.evidence.push(waiting.row.clone());
    finding.evidence.push(answered(observed));
    let possible = if certainty == Certainty::Proven {
        Vec::new()
    } else {
        let others = suspects.iter().filter(|_| alone.is_none());
        let mut all: Vec<Possible> = others.map(Suspect::told).collect();
        if all.is_empty()
            && waiting
                .there
                .is_some_and(|there| there.node != waiting.at.node)
        {
            all.push(Possible {
                what: "the network between the two nodes".to_owned(),
                tell: "ovl capture arp, on both sides".to_owned(),
            });
        }
        all
    };
    Verdict {
        finding,
        certainty,
        possible,
    }
}

fn unheard(waiting: &Waiting<'_>) -> Told {
    let Waiting {
        address, at, there, ..
    } = waiting;
    let device = at
        .device
        .as_ref()
        .map_or("?", |device| device.name.as_str());
    let mut told = Told::new("neighbour-unheard", &at.node).device(device);
    if at.name != "root" {
        told = told.place(&at.name);
    }
    let whose = there.map_or_else(String::new, |there| {
        format!(", though {there} is there to answer")
    });
    let what = if address.is_ipv4() {
        "ARP"
    } else {
        "ICMPv6 neighbour solicitations"
    };
    told.what(format!(
        "packets wait for {address} on {device}, which nobody answers for{whose}: {what} is lost on the way there or back"
    ))
    .show(format!("ip neigh show {address} dev {device}; ovl capture -i {device} arp"))
    .fix("take away what filters it: nft list ruleset (arp, bridge, netdev), tc filter show, ip -d link show, on both sides")
}
