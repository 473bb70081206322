//! What to tap and what to send, from the ways that the tables predict. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::message::{Kind, NetnsRef, Send, Watch};
use crate::model::{Bundle, LinkKind, Netns, NetnsId, Node};
use crate::trace::Ways;
use crate::walk::path::{NoteKind, Packet, Path, Protocol};

/// The first of our source ports is one of so many from here on: above what the kernel gives to programs
/// unless told otherwise (`net.ipv4.ip_local_port_range`).
const PORTS: (u16, u16) = (61_000, 4_000);
/// How many large packets are sent: one may be lost by chance.
const LARGE: u16 = 3;
/// The most nodes whose own namespaces are tapped although the way does not lead there.
const MOST_BYSTANDERS: usize = 16;

/// How probes are to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// How many.
    pub count: u16,
    /// Microseconds from one to the next; the answer's time if none.
    pub interval_us: Option<u64>,
    /// Microseconds that the last may take.
    pub wait_us: u64,
}

/// Everything that is done to see a packet's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The node that sends.
    pub node: String,
    /// The probes.
    pub main: Send,
    /// One echo between the nodes with their own addresses.
    pub underlay: Option<Send>,
    /// A few of the size that the source believes in, not to be cut.
    pub large: Option<Send>,
    /// Where taps and counters are wanted, by node.
    pub taps: BTreeMap<String, Vec<NetnsRef>>,
}

impl Plan {
    /// Plans for `ways`. `nonce` must be new for each plan.
    ///
    /// # Errors
    /// When the source is in no namespace that can be entered.
    pub fn new(bundle: &Bundle, ways: &Ways, manner: Manner, nonce: u64) -> Result<Self, String> {
        let source = ways.source.node.as_deref().zip(ways.source.netns);
        let (node, netns) = source
            .and_then(|(node, netns)| {
                let node = bundle.node(node)?;
                Some((node, node.netns(netns)?))
            })
            .ok_or_else(|| format!("the namespace of {} is not known", ways.source.name))?;
        let (kind, destination_port) = match ways.packet.protocol {
            Protocol::Udp {
                destination_port, ..
            } => (Kind::Udp(destination_port), Some(destination_port)),
            Protocol::Tcp {
                destination_port, ..
            } => (Kind::Tcp(destination_port), Some(destination_port)),
            _ => (Kind::Echo, None),
        };
        let watch = Watch {
            nonce,
            first_port: PORTS.0 + u16::try_from(nonce % u64::from(PORTS.1)).unwrap_or(0),
            ports: manner.count.clamp(1, 256),
            destination_port,
            any_syn: is_translated(ways),
            tunnel_ports: tunnel_ports(bundle),
        };
        let main = Send {
            netns: reference(node, netns),
            source: Some(ways.packet.source),
            destination: ways.packet.destination,
            kind,
            watch,
            first_sequence: 0,
            count: manner.count,
            size: ways.packet.size,
            dont_fragment: ways.packet.dont_fragment,
            interval_us: manner.interval_us,
            wait_us: manner.wait_us,
        };
        let one = |nonce: u64| Send {
            watch: Watch {
                nonce,
                ports: 1,
                ..main.watch.clone()
            },
            count: 1,
            ..main.clone()
        };
        let underlay = underlay(&ways.conversation.out).and_then(|(from, to)| {
            Some(Send {
                netns: reference(node, node.root()?),
                source: Some(from),
                destination: to,
                kind: Kind::Echo,
                size: Packet::echo(from, to).size,
                dont_fragment: false,
                ..one(nonce ^ 1)
            })
        });
        // A connection has no size of its own.
        let large = ways
            .large
            .as_ref()
            .filter(|_| !matches!(kind, Kind::Tcp(_)))
            .map(|large| Send {
                size: large.out.packet.size,
                dont_fragment: true,
                count: LARGE,
                // The next follows the answer at once, so that only a loss takes longer than one would.
                interval_us: None,
                ..one(nonce ^ 2)
            });
        Ok(Self {
            node: node.name.clone(),
            taps: taps(bundle, ways, (node, netns)),
            main,
            underlay,
            large,
        })
    }
}

/// The addresses of the two nodes on the first network that the way crosses.
pub(crate) fn underlay(path: &Path) -> Option<(IpAddr, IpAddr)> {
    let hop = path.hops.iter().find(|hop| hop.wire.is_some())?;
    match hop.headers.outer {
        Some(outer) => Some((outer.source, outer.destination)),
        None => {
            let wire = hop.wire?;
            Some((wire.from?, wire.to)).filter(|_| !wire.by_router)
        }
    }
}

/// Every namespace that a way leads through, those at both ends, and the nodes' own, where packets stray.
fn taps(bundle: &Bundle, ways: &Ways, source: (&Node, &Netns)) -> BTreeMap<String, Vec<NetnsRef>> {
    let mut wanted: BTreeMap<String, Vec<NetnsId>> = BTreeMap::new();
    let mut want = |node: &str, netns: NetnsId| {
        let known = wanted.entry(node.to_owned()).or_default();
        if !known.contains(&netns) {
            known.push(netns);
        }
    };
    want(&source.0.name, source.1.id);
    if let (Some(node), Some(netns)) = (&ways.destination.node, ways.destination.netns) {
        want(node, netns);
    }
    let paths = std::iter::once(&ways.conversation.out).chain(&ways.conversation.back);
    for hop in paths.flat_map(|path| &path.hops) {
        want(&hop.at.node, hop.at.netns);
    }
    for node in bundle.nodes.iter().take(MOST_BYSTANDERS) {
        want(&node.name, node.root);
    }
    wanted
        .into_iter()
        .filter_map(|(name, ids)| {
            let node = bundle.node(&name)?;
            let spaces = ids.into_iter().filter_map(|id| node.netns(id));
            Some((
                name.clone(),
                spaces.map(|netns| reference(node, netns)).collect(),
            ))
        })
        .collect()
}

/// How the node finds a namespace again.
pub fn reference(node: &Node, netns: &Netns) -> NetnsRef {
    let sandboxes = node
        .sandboxes
        .iter()
        .filter(|sandbox| sandbox.netns == Some(netns.id));
    let mut paths = netns.paths.clone();
    let mut pids: Vec<u32> = netns.processes.iter().map(|process| process.pid).collect();
    for sandbox in sandboxes {
        paths.extend(sandbox.netns_path.clone());
        pids.extend(sandbox.pid);
    }
    pids.truncate(8);
    NetnsRef {
        id: netns.id,
        paths,
        pids,
    }
}

/// Whether addresses change on the way; ports may then too, and a snapshot does not say to which.
fn is_translated(ways: &Ways) -> bool {
    let out = &ways.conversation.out;
    out.notes.iter().any(|note| {
        matches!(
            note.kind,
            NoteKind::SourceTranslated { .. } | NoteKind::DestinationTranslated { .. }
        )
    })
}

/// The ports of all VXLAN devices.
fn tunnel_ports(bundle: &Bundle) -> Vec<u16> {
    let mut ports: Vec<u16> = bundle
        .nodes
        .iter()
        .flat_map(|node| &node.namespaces)
        .flat_map(|netns| &netns.links)
        .filter_map(|link| match &link.kind {
            LinkKind::Vxlan(vxlan) => Some(vxlan.port),
            _ => None,
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}
