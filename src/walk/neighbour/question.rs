//! Who hears a question for an address, and who answers it.
//!
//! Sources: `net/ipv4/arp.c`, `net/ipv6/ndisc.c`.

use std::net::{IpAddr, Ipv6Addr};

use plugin_core::mac::Mac;

use crate::model::{Link, LinkKind};
use crate::walk::answer::{Answer, Silence, answer};
use crate::walk::network::{Port, SpaceId};
use crate::walk::path::{Cause, Row, Unanswered};
use crate::walk::vlan::{Tag, tag_below};
use crate::walk::walker::Walker;

/// More bridges and tunnels than a question passes that does not go in circles.
pub(super) const DEEPEST: u8 = 8;

/// A question sent to everybody on a link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) target: IpAddr,
    pub(super) asker: IpAddr,
    /// The address that IPv6's question is from.
    pub(super) solicitor: Option<Ipv6Addr>,
    /// The tag of the frame it is in.
    pub(super) tag: Option<Tag>,
}

impl Question {
    pub(super) fn with(self, tag: Option<Tag>) -> Self {
        Self { tag, ..self }
    }
}

/// What becomes of it. The further down, the less it says.
pub(super) enum Heard {
    /// Somebody answers.
    Answered(Mac),
    /// Somebody who may answer could not be looked at.
    CannotTell(String),
    /// It does not get to whoever has the address.
    Blocked(Port, Cause),
    /// A rule takes it, or the answer.
    Filtered(Port, Cause, Row),
    /// A device hears it, might answer, and does not.
    Silent(Port, Unanswered),
    /// Nobody who hears it has to do with the address.
    Nobody,
}

impl Heard {
    fn rank(&self) -> u8 {
        match self {
            Self::Answered(_) => 0,
            Self::CannotTell(_) => 1,
            Self::Blocked(..) | Self::Filtered(..) => 2,
            Self::Silent(..) => 3,
            Self::Nobody => 4,
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        if other.rank() < self.rank() {
            other
        } else {
            self
        }
    }
}

impl<'a> Walker<'_, 'a> {
    /// Sends a question out of a device.
    pub(super) fn ask(
        &self,
        space: SpaceId,
        link: &'a Link,
        question: Question,
        depth: u8,
    ) -> Heard {
        if depth > DEEPEST || !link.is_up() {
            return Heard::Nobody;
        }
        match &link.kind {
            LinkKind::Bridge(_) => self.ask_bridge(space, link, None, question, depth),
            LinkKind::Vxlan(vxlan) => self.ask_tunnel(space, link, vxlan, question, depth),
            LinkKind::Veth | LinkKind::Netkit(_) => match self.peer_of(space, link) {
                Some(port) => {
                    let there = self.network.get(port.space);
                    match there.link(port.index) {
                        Some(peer) if peer.is_up() => self.hear(port.space, peer, question, depth),
                        Some(_) => Heard::Blocked(
                            Port {
                                space,
                                index: link.index,
                            },
                            Cause::PeerDown {
                                peer: Some(self.network.place(port.space, Some(port.index))),
                            },
                        ),
                        None => Heard::Nobody,
                    }
                }
                None if self.leads_out(space, link) => self.ask_underlay(space, question),
                None => Heard::CannotTell(format!("the other end of {} was not found", link.name)),
            },
            LinkKind::Vlan(vlan) => match self.lower_of(space, link) {
                Some((there, lower)) => match tag_below(vlan, question.tag) {
                    Ok(tag) => self.ask(there, lower, question.with(Some(tag)), depth + 1),
                    Err(why) => Heard::CannotTell(why),
                },
                None => Heard::CannotTell(format!("the device below {} was not found", link.name)),
            },
            LinkKind::Macvlan(_) => match self.lower_of(space, link) {
                Some((there, lower)) if matches!(lower.kind, LinkKind::Vlan(_)) => {
                    self.ask(there, lower, question, depth + 1)
                }
                _ => self.ask_underlay(space, question),
            },
            _ if self.leads_out(space, link) => self.ask_underlay(space, question),
            _ => Heard::Nobody,
        }
    }

    /// Everybody on the underlay is taken to hear each other.
    fn ask_underlay(&self, space: SpaceId, question: Question) -> Heard {
        let here = self.network.get(space).node_number;
        self.network
            .holders(question.target)
            .iter()
            .filter(|port| self.network.get(port.space).node_number != here)
            .filter(|port| self.network.is_root(port.space))
            .filter_map(|port| {
                let there = self.network.get(port.space);
                let link = there.link(port.index)?;
                // The other node may be joined to the same VLAN by a switch that takes the tag off.
                let tag = self.below_vlans(*port).map(|(_, tag)| tag);
                if tag != Some(question.tag) {
                    let why = format!(
                        "{} of {} is in another VLAN, unless switches between change tags, which cannot be seen",
                        link.name, there.node.name
                    );
                    return Some(Heard::CannotTell(why));
                }
                Some(self.answers(port.space, link, question))
            })
            .fold(Heard::Nobody, Heard::or)
    }

    /// A device hears a question.
    pub(super) fn hear(
        &self,
        space: SpaceId,
        link: &'a Link,
        question: Question,
        depth: u8,
    ) -> Heard {
        if depth > DEEPEST {
            return Heard::Nobody;
        }
        let at = self.network.get(space);
        if let Some(tag) = question.tag
            && let Some((there, upper)) = self.vlan_on(space, link, tag)
        {
            if upper.is_up() {
                return self.hear(there, upper, question.with(None), depth + 1);
            }
            let index = upper.index;
            return self.unheard(
                Port {
                    space: there,
                    index,
                },
                Cause::DeviceDown,
                question,
            );
        }
        let bridge = link
            .master
            .and_then(|master| at.link(master))
            .filter(|master| matches!(master.kind, LinkKind::Bridge(_)));
        match bridge {
            Some(bridge) if !bridge.is_up() => Heard::Blocked(
                Port {
                    space,
                    index: bridge.index,
                },
                Cause::BridgeDown,
            ),
            Some(bridge) => {
                if let Some(cause) = self.shut(space, link) {
                    let port = Port {
                        space,
                        index: link.index,
                    };
                    return Heard::Blocked(port, cause);
                }
                self.ask_bridge(space, bridge, Some(link), question, depth + 1)
            }
            None => match question.tag {
                None => self.answers(space, link, question),
                Some(tag) => {
                    let index = link.index;
                    let cause = Cause::NoVlanDevice { vlan: tag.id };
                    self.unheard(Port { space, index }, cause, question)
                }
            },
        }
    }

    /// What does not hear a question matters where the address is.
    fn unheard(&self, port: Port, cause: Cause, question: Question) -> Heard {
        if self.owns(port.space, question.target) {
            Heard::Blocked(port, cause)
        } else {
            Heard::Nobody
        }
    }

    /// Whether a device answers by itself.
    pub(super) fn answers(&self, space: SpaceId, link: &'a Link, question: Question) -> Heard {
        let at = self.network.get(space);
        let port = Port {
            space,
            index: link.index,
        };
        let device = || link.name.clone();
        let unanswered = match answer(at.fib(), link, question.target, Some(question.asker)) {
            Answer::Own | Answer::Proxy => {
                return self
                    .takes_answering(space, link, question)
                    .unwrap_or_else(|| link.mac.map_or(Heard::Nobody, Heard::Answered));
            }
            Answer::CannotTell(why) => return Heard::CannotTell(why),
            Answer::Silent(silence) => match silence {
                Silence::NoProxy | Silence::NoProxyEntry | Silence::ProxyNdpOff => {
                    // On a bridge the owner answers; nobody else has to.
                    if matches!(link.kind, LinkKind::Bridge(_)) {
                        let other = self.stray(space, question).filter(|cause| {
                            !matches!(cause, Cause::NotInBridge { bridge } if *bridge == link.name)
                        });
                        return other.map_or(Heard::Nobody, |cause| Heard::Blocked(port, cause));
                    }
                    if let Some(cause) = self.stray(space, question) {
                        return Heard::Blocked(port, cause);
                    }
                    Unanswered::ProxyOff { device: device() }
                }
                Silence::NotForwarding => Unanswered::ForwardingOff { device: device() },
                Silence::NoRoute | Silence::Refused(_) | Silence::LeadsBack => {
                    Unanswered::NoRoute { device: device() }
                }
                Silence::Disbelieved(disbelief) => {
                    let cause = Cause::ReversePath {
                        source: disbelief.source,
                        mode: i32::try_from(disbelief.rp_filter).unwrap_or(1),
                    };
                    return Heard::Blocked(port, cause);
                }
                Silence::NoArp | Silence::Ignored { .. } if !self.owns(space, question.target) => {
                    Unanswered::Nobody
                }
                Silence::NoArp => Unanswered::Refused {
                    device: device(),
                    setting: "arp off".to_owned(),
                },
                Silence::Ignored { arp_ignore } => Unanswered::Refused {
                    device: device(),
                    setting: format!("arp_ignore = {arp_ignore}"),
                },
                Silence::Down => Unanswered::Nobody,
            },
        };
        Heard::Silent(port, unanswered)
    }

    /// The address asked for belongs to a bridge of the namespace that hears the question by a device outside of
    /// that bridge: the device was meant to be its port.
    fn stray(&self, space: SpaceId, question: Question) -> Option<Cause> {
        self.bridge_of(space, question.target).filter(|_| {
            self.network
                .holders(question.target)
                .iter()
                .any(|port| port.space != space)
        })
    }

    /// The bridge of a namespace on whose network an address is, as what a device outside of it should belong to.
    pub(in crate::walk) fn bridge_of(&self, space: SpaceId, address: IpAddr) -> Option<Cause> {
        let at = self.network.get(space);
        let bridge = at.netns.links.iter().find(|link| {
            matches!(link.kind, LinkKind::Bridge(_))
                && at.netns.addresses_of(link.index).any(|row| {
                    row.network()
                        .is_some_and(|network| network.contains(&address))
                })
        })?;
        Some(Cause::NotInBridge {
            bridge: bridge.name.clone(),
        })
    }
}
