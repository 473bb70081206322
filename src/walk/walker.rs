//! One packet on its way: what it is now, where it has been, and the notes taken.

use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::fib::Verdict;
use super::flow::Flow;
use super::learned::Learned;
use super::network::{Network, SpaceId};
use super::path::{
    Cause, Direction, Drop, End, Headers, Hop, Note, NoteKind, Outer, Packet, Path, Place, Row,
    Step, Wire,
};
use super::translation::Translations;
use super::vlan::Tag;
use crate::model::number::IfIndex;

/// What a network remembers of the way there when the answer comes.
#[derive(Debug, Default)]
struct Memory {
    translations: Translations,
    learned: Learned,
}

/// Who sends a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The namespace it is sent from.
    pub space: SpaceId,
    /// The namespace it should end in, if that is known; ending elsewhere is a loss.
    pub goal: Option<SpaceId>,
}

/// Both ways of a conversation.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Conversation {
    /// The packet that is sent.
    pub out: Path,
    /// What answers it, if it arrives.
    pub back: Option<Path>,
    /// Whether the answer passes the same devices, in reverse.
    pub same_way_back: Option<bool>,
}

/// What a hash may choose in place of the first way (ECMP).
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OtherWay {
    /// Which of them, from 1.
    pub number: usize,
    /// How many there are where it parts from the first.
    pub of: usize,
    /// The way.
    pub path: Path,
}

/// The ways that a hash may choose in place of the first.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct OtherWays {
    /// Those that were followed.
    pub found: Vec<OtherWay>,
    /// There are more.
    pub more: bool,
}

/// More ways than a network has where somebody looks at them one by one.
const MOST_WAYS: usize = 64;

/// More devices than any packet passes that does not go in circles.
const MOST_HOPS: usize = 96;

/// The packet as it is now.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) packet: Packet,
    /// It belongs to a conversation that was let through before (conntrack `ESTABLISHED`).
    pub(super) established: bool,
    /// What is inside, if this is a tunnel's packet.
    pub(super) inside: Option<Box<Inside>>,
}

/// What a tunnel's packet carries.
#[derive(Debug, Clone)]
pub(super) struct Inside {
    pub(super) current: Current,
    pub(super) outer: Outer,
    /// The frame around the inner packet, if the tunnel carries frames.
    pub(super) frame: Option<Frame>,
    /// Where it was wrapped.
    pub(super) wrapped_at: (SpaceId, IfIndex),
}

/// An Ethernet frame's header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) to: Mac,
    pub(super) from: Mac,
    pub(super) tag: Option<Tag>,
}

impl Frame {
    /// An untagged one.
    pub(super) fn new(to: Mac, from: Mac) -> Self {
        Self {
            to,
            from,
            tag: None,
        }
    }

    /// The same with that tag, or with none.
    pub(super) fn with(self, tag: Option<Tag>) -> Self {
        Self { tag, ..self }
    }

    /// Whether everybody on the link takes it.
    #[inline]
    pub(super) fn is_for_all(&self) -> bool {
        self.to.is_multicast()
    }
}

impl Current {
    /// The innermost packet.
    pub(super) fn innermost(&self) -> &Packet {
        let mut current = self;
        while let Some(inside) = &current.inside {
            current = &inside.current;
        }
        &current.packet
    }
}

/// Why a walk ends before the goal.
pub(super) type Stop = Box<Stopped>;

#[derive(Debug)]
pub(super) enum Stopped {
    Dropped(Drop),
    CannotTell { at: Place, why: String },
}

/// Walks packets through a network.
#[derive(Debug)]
pub(super) struct Walker<'n, 'a> {
    pub(super) network: &'n Network<'a>,
    /// Without it only the end is found out, and nothing is written down.
    recording: bool,
    goal: Option<SpaceId>,
    count: usize,
    hops: Vec<Hop>,
    notes: Vec<Note>,
    /// The namespaces that translated addresses, so that answers can be translated back.
    pub(super) translations: Translations,
    /// What bridges and tunnels have learned from it.
    pub(super) learned: Learned,
    /// Which way to take at each route of several, in their order; the first behind its end.
    choices: Vec<usize>,
    /// How many ways there were at each of those met.
    met: Vec<usize>,
}

impl<'a> Network<'a> {
    /// The way of a packet that a socket in `origin` sends.
    pub fn walk(&self, origin: Origin, packet: &Packet) -> Path {
        self.way(origin, packet, false, Memory::default()).0
    }

    /// Only where it arrives: nothing is written down on the way.
    ///
    /// # Errors
    /// How it ends otherwise.
    pub fn end(&self, origin: Origin, packet: &Packet) -> Result<SpaceId, End> {
        let mut walker = Walker::new(self, origin.goal, false, Memory::default());
        match walker.start(origin.space, packet, false) {
            Ok((space, _)) => Ok(space),
            lost => Err(walker.ended(lost)),
        }
    }

    /// The way of a packet and of what answers it.
    pub fn converse(&self, origin: Origin, packet: &Packet) -> Conversation {
        let packet = self.sent_from(origin.space, *packet);
        let (out, arrived, memory) = self.way(origin, &packet, false, Memory::default());
        let Some((space, received)) = arrived else {
            return Conversation {
                out,
                back: None,
                same_way_back: None,
            };
        };
        let answer = Origin {
            space,
            goal: Some(origin.space),
        };
        // Whoever answers has put the pieces together.
        let whole = Packet {
            size: packet.size,
            ..received.reply()
        };
        let reply = self.sent_from(space, whole);
        let (back, _, _) = self.way(answer, &reply, true, memory);
        let same = back.is_delivered().then(|| mirrors(&out, &back));
        Conversation {
            out,
            back: Some(back),
            same_way_back: same,
        }
    }

    /// With the hops that a namespace gives its packets (`ip4_dst_hoplimit`, `ip6_dst_hoplimit`): IPv6's are a setting
    /// of the device that they leave by.
    fn sent_from(&self, space: SpaceId, packet: Packet) -> Packet {
        let at = self.get(space);
        let hops = if packet.destination.is_ipv4() {
            at.netns.sysctl_number("net.ipv4.ip_default_ttl")
        } else {
            let flow = Flow::to(packet.destination).from(packet.source);
            match at.fib().lookup(&flow).verdict {
                Verdict::Forward(ways) => ways
                    .device()
                    .and_then(|device| at.link(device)?.inet6)
                    .map(|conf| i64::from(conf.hop_limit)),
                _ => None,
            }
        };
        let hops = hops.and_then(|hops| u8::try_from(hops).ok());
        Packet {
            ttl: hops.filter(|hops| *hops > 0).unwrap_or(packet.ttl),
            ..packet
        }
    }

    /// The other ways that `packet` may take than the first one, each once.
    pub fn other_ways(&self, origin: Origin, packet: &Packet) -> OtherWays {
        let mut found = Vec::new();
        let mut more = false;
        let mut open: Vec<(Vec<usize>, usize)> = vec![(Vec::new(), 0)];
        while let Some((choices, of)) = open.pop() {
            let mut walker = Walker::new(self, origin.goal, true, Memory::default());
            walker.choices.clone_from(&choices);
            let end = walker.run(origin.space, packet, false);
            for (at, ways) in walker.met.iter().enumerate().skip(choices.len()) {
                for other in (1..*ways).rev() {
                    let mut next = choices.clone();
                    next.resize(at, 0);
                    next.push(other);
                    if open.len() + found.len() < MOST_WAYS {
                        open.push((next, *ways));
                    } else {
                        more = true;
                    }
                }
            }
            if let Some(last) = choices.last() {
                found.push(OtherWay {
                    number: last + 1,
                    of,
                    path: Path {
                        packet: *packet,
                        hops: walker.hops,
                        end,
                        notes: walker.notes,
                    },
                });
            }
        }
        OtherWays { found, more }
    }

    fn way(
        &self,
        origin: Origin,
        packet: &Packet,
        established: bool,
        memory: Memory,
    ) -> (Path, Option<(SpaceId, Packet)>, Memory) {
        let mut walker = Walker::new(self, origin.goal, true, memory);
        let result = walker.start(origin.space, packet, established);
        let arrived = result.as_ref().ok().copied();
        let end = walker.ended(result);
        let path = Path {
            packet: *packet,
            hops: walker.hops,
            end,
            notes: walker.notes,
        };
        let memory = Memory {
            translations: walker.translations,
            learned: walker.learned,
        };
        (path, arrived, memory)
    }
}

/// Whether `back` passes the namespaces' devices of `out` in reverse.
fn mirrors(out: &Path, back: &Path) -> bool {
    let devices = |path: &Path| -> Vec<_> {
        path.hops
            .iter()
            .map(|hop| (hop.at.node.clone(), hop.at.netns, hop.at.device.clone()))
            .collect()
    };
    let mut there = devices(out);
    there.reverse();
    let mut back = devices(back);
    // A packet that is wrapped passes the tunnel device and the device below; in which order differs by direction.
    there.dedup();
    back.dedup();
    there == back
}

impl<'n, 'a> Walker<'n, 'a> {
    fn new(
        network: &'n Network<'a>,
        goal: Option<SpaceId>,
        recording: bool,
        memory: Memory,
    ) -> Self {
        Self {
            network,
            recording,
            goal,
            count: 0,
            hops: Vec::new(),
            notes: Vec::new(),
            translations: memory.translations,
            learned: memory.learned,
            choices: Vec::new(),
            met: Vec::new(),
        }
    }

    /// Which of several ways to take: the hash is not imitated.
    pub(super) fn choose(&mut self, ways: usize) -> usize {
        let choice = self.choices.get(self.met.len()).copied().unwrap_or(0);
        if self.recording {
            self.met.push(ways);
        }
        choice.min(ways.saturating_sub(1))
    }

    fn run(&mut self, space: SpaceId, packet: &Packet, established: bool) -> End {
        let result = self.start(space, packet, established);
        self.ended(result)
    }

    fn start(
        &mut self,
        space: SpaceId,
        packet: &Packet,
        established: bool,
    ) -> Result<(SpaceId, Packet), Stop> {
        let current = Current {
            packet: *packet,
            established,
            inside: None,
        };
        self.send(space, current, None)
    }

    fn ended(&self, result: Result<(SpaceId, Packet), Stop>) -> End {
        match result.map_err(|stop| *stop) {
            Ok((space, _)) => End::Delivered {
                at: self.network.place(space, None),
            },
            Err(Stopped::Dropped(drop)) => End::Dropped(Box::new(drop)),
            Err(Stopped::CannotTell { at, why }) => End::CannotTell { at, why },
        }
    }

    /// The namespace where the packet should end.
    pub(super) fn goal(&self) -> Option<SpaceId> {
        self.goal
    }

    pub(super) fn is_recording(&self) -> bool {
        self.recording
    }

    /// The packet passes a device.
    ///
    /// # Errors
    /// When it has passed too many.
    pub(super) fn pass(&mut self, passing: Passing<'_>) -> Result<(), Stop> {
        self.count += 1;
        if self.count > MOST_HOPS {
            return Err(self.dropped(passing.space, Some(passing.device), Cause::Loop, Vec::new()));
        }
        if !self.recording {
            return Ok(());
        }
        let inner = passing.current.innermost();
        let outer = passing.current.inside.as_ref().map(|inside| inside.outer);
        self.hops.push(Hop {
            at: self.network.place(passing.space, Some(passing.device)),
            direction: passing.direction,
            step: passing.step,
            rows: passing.rows,
            mtu: passing.mtu,
            size: passing.current.packet.size,
            headers: Headers {
                source: inner.source,
                destination: inner.destination,
                mac: passing.frame.map(|frame| frame.to),
                vlan: passing.frame.and_then(|frame| frame.tag).map(|tag| tag.id),
                outer,
            },
            wire: None,
        });
        Ok(())
    }

    /// The last device was one to the underlay.
    pub(super) fn cross(&mut self, wire: Wire) {
        if let Some(hop) = self.hops.last_mut() {
            hop.wire = Some(wire);
        }
    }

    /// What happened at the last hop is more than passing.
    pub(super) fn last_is(&mut self, step: Step) {
        if let Some(hop) = self.hops.last_mut() {
            hop.step = step;
        }
    }

    /// Adds rows to the last hop.
    pub(super) fn add_rows(&mut self, rows: impl IntoIterator<Item = Row>) {
        if let Some(hop) = self.hops.last_mut() {
            hop.rows.extend(rows);
        }
    }

    pub(super) fn note(
        &mut self,
        space: SpaceId,
        device: Option<IfIndex>,
        kind: NoteKind,
        row: Option<Row>,
    ) {
        if self.recording {
            let note = Note {
                at: self.network.place(space, device),
                kind,
                row,
            };
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    pub(super) fn dropped(
        &self,
        space: SpaceId,
        device: Option<IfIndex>,
        cause: Cause,
        rows: Vec<Row>,
    ) -> Stop {
        Box::new(Stopped::Dropped(Drop {
            cause,
            at: self.network.place(space, device),
            rows,
        }))
    }

    pub(super) fn cannot_tell(
        &self,
        space: SpaceId,
        device: Option<IfIndex>,
        why: impl Into<String>,
    ) -> Stop {
        Box::new(Stopped::CannotTell {
            at: self.network.place(space, device),
            why: why.into(),
        })
    }

    /// Whether a node is missing, so that what is not here may be there.
    pub(super) fn missing_nodes(&self) -> Option<String> {
        let missing = &self.network.bundle().missing;
        let names: Vec<_> = missing
            .iter()
            .map(|missing| missing.node.as_str())
            .collect();
        (!names.is_empty()).then(|| format!("nothing is known of {}", names.join(", ")))
    }

    /// Whether an address is one of `space`'s own.
    pub(super) fn owns(&self, space: SpaceId, address: IpAddr) -> bool {
        self.network
            .holders(address)
            .iter()
            .any(|port| port.space == space)
    }
}

/// A packet passing a device.
pub(super) struct Passing<'c> {
    pub(super) space: SpaceId,
    pub(super) device: IfIndex,
    pub(super) direction: Direction,
    pub(super) step: Step,
    pub(super) rows: Vec<Row>,
    pub(super) mtu: Option<u32>,
    pub(super) current: &'c Current,
    pub(super) frame: Option<Frame>,
}

#[cfg(test)]
mod tests;
