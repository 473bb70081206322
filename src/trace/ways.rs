//! The ways that a trace asks the tables for.

use super::endpoint::{Endpoint, Named, Unfound};
use super::{Leg, ServiceEndpoint, Trace};
use crate::diagnose::trace as diagnosis;
use crate::model::Bundle;
use crate::walk::netfilter::Hook;
use crate::walk::path::{End, NoteKind, Packet, Path, Protocol};
use crate::walk::{Conversation, Network, Origin, OtherWays};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who asks.
    pub source: Named,
    /// Who is asked.
    pub destination: Named,
    /// With what.
    pub content: Content,
    /// IPv6 or IPv4 on purpose.
    pub v6: Option<bool>,
}

/// What a packet is to be, whoever it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Its protocol; its ports are filled in.
    pub protocol: Protocol,
    /// Octets of data, as `ping -s` counts them.
    pub data: u32,
    /// Not to be cut.
    pub dont_fragment: bool,
}

impl Content {
    /// What `ping` sends.
    pub const ECHO: Self = Self {
        protocol: Protocol::EchoRequest,
        data: 56,
        dont_fragment: false,
    };
}

/// The ways by the tables.
#[derive(Debug, Clone)]
pub struct Ways {
    /// Who asks.
    pub source: Endpoint,
    /// Who is asked.
    pub destination: Endpoint,
    /// The packet.
    pub packet: Packet,
    /// There and back.
    pub conversation: Conversation,
    /// What a hash may choose in place of the first way there, and in place of the first way back.
    pub others: OtherWays,
    /// A packet as large as the source believes it may send, not to be cut, there and back.
    pub large: Option<Conversation>,
    /// What stands behind a service.
    pub endpoints: Vec<ServiceEndpoint>,
}

/// Asks the tables.
///
/// # Errors
/// When one of the two is not found.
pub fn ways(bundle: &Bundle, question: &Question) -> Result<Ways, Unfound> {
    let destination = Endpoint::find(bundle, &question.destination, question.v6)?;
    let source = Endpoint::find(
        bundle,
        &question.source,
        Some(destination.address.is_ipv6()),
    )?;
    between(&Network::new(bundle), source, destination, question.content)
}

/// Asks the tables for the ways between two ends that are known.
///
/// # Errors
/// When the source is in no namespace of these nodes.
pub fn between(
    network: &Network<'_>,
    source: Endpoint,
    destination: Endpoint,
    content: Content,
) -> Result<Ways, Unfound> {
    let no_source = || match unread(network.bundle()) {
        Some(why) => Unfound::Unknown(format!("nobody is known to have {}; {why}", source.name)),
        None => Unfound::NoAddress(format!("{}: no namespace here", source.name)),
    };
    let (Some(node), Some(netns)) = (&source.node, source.netns) else {
        return Err(no_source());
    };
    let space = network.space(node, netns).ok_or_else(no_source)?;
    let goal = destination
        .node
        .as_ref()
        .zip(destination.netns)
        .and_then(|(node, netns)| network.space(node, netns));
    let protocol = protocol(content.protocol, &destination);
    let packet = Packet {
        protocol,
        size: content.data + protocol.headers(destination.address.is_ipv6()),
        dont_fragment: content.dont_fragment,
        ..Packet::echo(source.address, destination.address)
    };
    let origin = Origin { space, goal };
    let conversation = network.converse(origin, &packet);
    let mut others = others(network, origin, &conversation.out);
    if let (Some(back), Some(goal)) = (&conversation.back, goal) {
        let answering = Origin {
            space: goal,
            goal: Some(space),
        };
        let back = self::others(network, answering, back);
        others.found.extend(back.found);
        others.more |= back.more;
    }
    // A node is told by its own router what a pod's device takes; a pod that believes in too much may not be.
    let is_pod = network.root(node) != Some(space);
    let large = conversation
        .out
        .hops
        .first()
        .and_then(|hop| hop.mtu)
        .filter(|_| is_pod)
        .filter(|mtu| *mtu > packet.size)
        .map(|mtu| {
            let large = Packet {
                size: mtu,
                dont_fragment: true,
                ..packet
            };
            network.converse(origin, &large)
        });
    // Only a service says what is spoken to it.
    let endpoints = if destination.transport.is_some() {
        endpoints(network, origin, &packet)
    } else {
        Vec::new()
    };
    Ok(Ways {
        source,
        destination,
        packet,
        conversation,
        others,
        large,
        endpoints,
    })
}

/// Why somebody may be on a node although no namespace there is known to be theirs.
fn unread(bundle: &Bundle) -> Option<String> {
    bundle.nodes.iter().find_map(|node| {
        let namespaces = node.namespaces_doubt.as_deref();
        let addresses = || {
            node.namespaces
                .iter()
                .find_map(|netns| netns.addresses.doubt())
        };
        let why = namespaces.or_else(addresses)?;
        Some(format!(
            "not all namespaces of {} were read: {why}",
            node.name
        ))
    })
}

/// The ways besides one that is chosen of several, where addresses stay what they are.
fn others(network: &Network<'_>, origin: Origin, first: &Path) -> OtherWays {
    let several = first
        .notes
        .iter()
        .any(|note| matches!(note.kind, NoteKind::OneOfSeveral { .. }));
    if several {
        network.other_ways(origin, &first.packet)
    } else {
        OtherWays::default()
    }
}

/// A service says its own port and protocol.
fn protocol(asked: Protocol, destination: &Endpoint) -> Protocol {
    const EPHEMERAL: u16 = 40_000;
    let Some(port) = destination.port else {
        return asked;
    };
    match (asked, destination.transport) {
        (Protocol::Udp { .. }, _) | (Protocol::EchoRequest, Some("udp")) => Protocol::Udp {
            source_port: EPHEMERAL,
            destination_port: port,
        },
        _ => Protocol::Tcp {
            source_port: EPHEMERAL,
            destination_port: port,
        },
    }
}

/// The pods behind a service, by the rules of whoever translates first: the sender's node.
fn endpoints(network: &Network<'_>, origin: Origin, packet: &Packet) -> Vec<ServiceEndpoint> {
    let Some((node, _)) = network.netns(origin.space) else {
        return Vec::new();
    };
    let Some(root) = network.root(&node.name) else {
        return Vec::new();
    };
    let hook = if root == origin.space {
        Hook::Output
    } else {
        Hook::Prerouting
    };
    network
        .endpoints(root, hook, packet)
        .into_iter()
        .map(|(address, port)| {
            let mut to = *packet;
            to.destination = address;
            if let (Some(port), Some((source, _))) = (port, packet.protocol.ports()) {
                to.protocol = packet.protocol.with_ports(source, port);
            }
            ServiceEndpoint {
                address,
                port,
                end: match network.end(origin, &to) {
                    Ok(space) => End::Delivered {
                        at: network.place(space, None),
                    },
                    Err(end) => end,
                },
            }
        })
        .collect()
}

impl Ways {
    /// For what is concluded from them.
    pub fn for_diagnosis(&self) -> diagnosis::Ways<'_> {
        diagnosis::Ways {
            there: &self.conversation.out,
            back: self.conversation.back.as_ref(),
            others: &self.others,
            large: self.large.as_ref().map(|large| &large.out),
            large_back: self.large.as_ref().and_then(|large| large.back.as_ref()),
            ends: [&self.source, &self.destination].map(|end| end.node.as_deref().zip(end.netns)),
        }
    }

    /// The whole trace without packets.
    pub fn into_trace(self, bundle: &Bundle) -> Trace {
        let conclusion = diagnosis::conclude(
            diagnosis::Read {
                before: bundle,
                after: None,
            },
            &self.for_diagnosis(),
            None,
        );
        self.with_conclusion(bundle, conclusion)
    }

    /// The whole trace, with what was concluded.
    pub fn with_conclusion(self, bundle: &Bundle, conclusion: diagnosis::Conclusion) -> Trace {
        let Conversation {
            out,
            back,
            same_way_back,
        } = self.conversation;
        let path_mtu = [Some(&out), back.as_ref()]
            .into_iter()
            .flatten()
            .filter(|path| path.is_delivered())
            .filter_map(Path::mtu)
            .min();
        let mut doubts = conclusion.doubts;
        for endpoint in &self.endpoints {
            if let End::CannotTell { at, why } = &endpoint.end {
                let doubt = format!("{at}: {why}");
                if !doubts.contains(&doubt) {
                    doubts.push(doubt);
                }
            }
        }
        Trace {
            schema: Trace::SCHEMA,
            source: self.source,
            destination: self.destination,
            packet: self.packet,
            out: Leg::from(out),
            back: back.map(Leg::from),
            same_way_back,
            endpoints: self.endpoints,
            probes: None,
            path_mtu,
            findings: conclusion.verdicts,
            more_may_follow: conclusion.more_may_follow,
            contradicted: conclusion.contradicted,
            doubts,
            missing: bundle.missing.clone(),
            watched: None,
        }
    }
}
