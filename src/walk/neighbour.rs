//! Which MAC a packet leaves with: the entry of `ip neigh`, or who would answer if asked.
//!
//! Sources: `net/core/neighbour.c`, `net/ipv4/arp.c`, `net/bridge/br_arp_nd_proxy.c`,
//! `drivers/net/vxlan/vxlan_core.c` (`arp_reduce`).

use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::answer::{Answer, Silence, answer};
use super::network::{Port, SpaceId};
use super::path::{Cause, NoteKind, Row, RowTable, Unanswered};
use super::vlan::{self, Refused, Tag, Within, tag_below};
use super::walker::{Current, Frame, Stop, Walker};
use crate::model::link::{LinkFlags, PortState, Vxlan};
use crate::model::neighbour::NeighbourState;
use crate::model::number::IfIndex;
use crate::model::{Link, LinkKind, notation};

/// More bridges and tunnels than a question passes that does not go in circles.
const DEEPEST: u8 = 8;

/// So many bearers of a MAC are looked through sooner than the devices of one namespace.
const FEW: usize = 16;

/// A question sent to everybody on a link.
#[derive(Debug, Clone, Copy)]
struct Question {
    target: IpAddr,
    asker: IpAddr,
    /// The tag of the frame it is in.
    tag: Option<Tag>,
}

impl Question {
    fn with(self, tag: Option<Tag>) -> Self {
        Self { tag, ..self }
    }
}

/// What becomes of it. The further down, the less it says.
enum Heard {
    /// Somebody answers.
    Answered(Mac),
    /// Somebody who may answer could not be looked at.
    CannotTell(String),
    /// It does not get to whoever has the address.
    Blocked(Port, Cause),
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
            Self::Blocked(..) => 2,
            Self::Silent(..) => 3,
            Self::Nobody => 4,
        }
    }

    fn or(self, other: Self) -> Self {
        if other.rank() < self.rank() {
            other
        } else {
            self
        }
    }
}

impl<'a> Walker<'_, 'a> {
    /// The frame in which a packet for `next` leaves a device; `None` on devices without frames.
    pub(super) fn frame_for(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        next: IpAddr,
        current: &Current,
        rows: &mut Vec<Row>,
    ) -> Result<Option<Frame>, Stop> {
        // ARPHRD_ETHER; tunnels without frames need no neighbour.
        let (Some(from), 1) = (link.mac, link.hardware_type) else {
            return Ok(None);
        };
        if next.is_multicast() {
            return Err(self.cannot_tell(space, Some(link.index), "multicast is not followed"));
        }
        let at = self.network.get(space);
        let entry = at.neighbour(link.index, next);
        if let Some(entry) = entry
            && entry.state.is_valid()
            && let Some(to) = entry.mac
        {
            if self.is_recording() {
                rows.push(Row::new(
                    RowTable::Neighbour,
                    notation::neighbour(entry, at.netns),
                ));
            }
            self.is_right(space, link, next, to)?;
            return Ok(Some(Frame::new(to, from)));
        }
        if link.flags.has(LinkFlags::NOARP) && next.is_ipv4() {
            let frames = matches!(
                link.kind,
                LinkKind::Veth | LinkKind::Bridge(_) | LinkKind::Device | LinkKind::Macvlan(_)
            );
            if frames {
                let rows = vec![super::layer3::link_row(link)];
                return Err(self.dropped(space, Some(link.index), Cause::ArpOff, rows));
            }
            return Ok(Some(Frame::new(from, from)));
        }
        let question = Question {
            target: next,
            asker: current.packet.source,
            tag: None,
        };
        match self.ask(space, link, question, 0) {
            Heard::Answered(to) => {
                let kind = NoteKind::WouldResolve { address: next };
                self.note(space, Some(link.index), kind, None);
                Ok(Some(Frame::new(to, from)))
            }
            Heard::CannotTell(why) => Err(self.cannot_tell(space, Some(link.index), why)),
            Heard::Blocked(port, cause) => {
                let why = Unanswered::NotHeard(Box::new(cause));
                Err(self.unresolved(space, link.index, port, next, why))
            }
            Heard::Silent(port, why) => Err(self.unresolved(space, link.index, port, next, why)),
            Heard::Nobody => {
                let here = Port {
                    space,
                    index: link.index,
                };
                let failed = entry.is_some_and(|entry| entry.state == NeighbourState::Failed);
                let leads_out = self.leads_out(space, link);
                if let Some(why) = self.missing_nodes().filter(|_| leads_out) {
                    return Err(self.cannot_tell(space, Some(link.index), why));
                }
                // A router of the underlay that is no node may well answer.
                if leads_out && !failed && self.network.holders(next).is_empty() {
                    return Ok(None);
                }
                if let Some(why) = at.netns.neighbours.doubt().filter(|_| entry.is_none()) {
                    let why = format!("neighbours: {why}");
                    return Err(self.cannot_tell(space, Some(link.index), why));
                }
                Err(self.unresolved(space, link.index, here, next, Unanswered::Nobody))
            }
        }
    }

    fn unresolved(
        &self,
        space: SpaceId,
        device: IfIndex,
        blame: Port,
        address: IpAddr,
        why: Unanswered,
    ) -> Stop {
        let mut rows = self.neighbour_rows(space, device, address);
        let there = self.network.get(blame.space);
        if let Some(link) = there.link(blame.index)
            && let Some(conf) = link.inet
        {
            match why {
                Unanswered::ProxyOff { .. } => rows.push(Row::new(
                    RowTable::Sysctl,
                    format!("net.ipv4.conf.{}.proxy_arp = {}", link.name, conf.proxy_arp),
                )),
                Unanswered::ForwardingOff { .. } => rows.push(Row::new(
                    RowTable::Sysctl,
                    format!(
                        "net.ipv4.conf.{}.forwarding = {}",
                        link.name, conf.forwarding
                    ),
                )),
                _ => {}
            }
        }
        if let Unanswered::NotHeard(cause) = &why
            && matches!(**cause, Cause::NoPvid | Cause::NotInVlan { .. })
        {
            rows.extend(self.vlan_rows(blame.space, blame.index));
        }
        let cause = Cause::NeighbourUnresolved { address, why };
        self.dropped(blame.space, Some(blame.index), cause, rows)
    }

    /// An entry that names a MAC which whoever has the address does not have.
    fn is_right(&self, space: SpaceId, link: &Link, address: IpAddr, mac: Mac) -> Result<(), Stop> {
        let holders = self.network.holders(address);
        // Any device of the host may answer for its addresses (`arp_ignore` 0), so any of its MACs will do.
        let bearers = self.network.with_mac(mac);
        let has = |port: &Port| {
            // Some MACs are every node's: those of pods' gateways.
            if (1..=FEW).contains(&bearers.len()) {
                return bearers.iter().any(|bearer| bearer.space == port.space);
            }
            let there = self.network.get(port.space);
            there.netns.links.iter().any(|link| link.mac == Some(mac))
        };
        if holders.is_empty() || holders.iter().any(has) {
            return Ok(());
        }
        // A proxy on the way answers with its own MAC.
        if self.is_peer_mac(space, link, mac) {
            return Ok(());
        }
        let real = holders.iter().find_map(|port| {
            let there = self.network.get(port.space);
            there.link(port.index)?.mac
        });
        let cause = Cause::NeighbourWrong { address, mac, real };
        let rows = self.neighbour_rows(space, link.index, address);
        Err(self.dropped(space, Some(link.index), cause, rows))
    }

    fn is_peer_mac(&self, space: SpaceId, link: &Link, mac: Mac) -> bool {
        self.peer_of(space, link).is_some_and(|port| {
            let there = self.network.get(port.space);
            there
                .link(port.index)
                .is_some_and(|peer| peer.mac == Some(mac) && peer.master.is_none())
        })
    }

    /// The other end of a pair, if it is on a node that was read.
    pub(super) fn peer_of(&self, space: SpaceId, link: &Link) -> Option<Port> {
        let at = self.network.get(space);
        let lower = link.peer()?;
        let netns = match (lower.netns, lower.nsid) {
            (Some(netns), _) => netns,
            (None, None) => at.netns.id,
            (None, Some(_)) => return None,
        };
        let space = self.network.space_of(at.node_number, netns)?;
        self.network.get(space).link(lower.index)?;
        Some(Port {
            space,
            index: lower.index,
        })
    }

    /// Whether a device leads to the underlay.
    pub(super) fn leads_out(&self, space: SpaceId, link: &Link) -> bool {
        match link.kind {
            LinkKind::Device | LinkKind::Bond(_) | LinkKind::Macvlan(_) => true,
            LinkKind::Vlan(_) => self
                .lower_of(space, link)
                .is_none_or(|(there, lower)| self.leads_out(there, lower)),
            LinkKind::Veth => self.network.is_root(space) && self.peer_of(space, link).is_none(),
            _ => false,
        }
    }

    /// Sends a question out of a device.
    fn ask(&self, space: SpaceId, link: &'a Link, question: Question, depth: u8) -> Heard {
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
    fn hear(&self, space: SpaceId, link: &'a Link, question: Question, depth: u8) -> Heard {
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
                if let Some(state) = link.bridge_port().map(|settings| settings.state)
                    && state != PortState::Forwarding
                {
                    let state = state.as_str();
                    let port = Port {
                        space,
                        index: link.index,
                    };
                    return Heard::Blocked(port, Cause::PortNotForwarding { state });
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

    /// The bridge itself hears a question that a port of it has let in.
    fn bridge_hears(
        &self,
        space: SpaceId,
        bridge: &'a Link,
        within: Within,
        question: Question,
        depth: u8,
    ) -> Heard {
        let at = self.network.get(space);
        let port = Port {
            space,
            index: bridge.index,
        };
        // Only what is the bridge's, or a VLAN device's on it, is lost for it.
        let lost = |cause: Cause| {
            let below = |owner: &Port| {
                self.below_vlans(*owner)
                    .is_some_and(|(below, _)| below == port)
            };
            if self.network.holders(question.target).iter().any(below) {
                Heard::Blocked(port, cause)
            } else {
                Heard::Nobody
            }
        };
        match at.goes_up(bridge, within, question.tag) {
            Ok((None, _)) => self.answers(space, bridge, question.with(None)),
            Ok((Some(tag), _)) => match self.vlan_on(space, bridge, tag) {
                Some((there, upper)) if upper.is_up() => {
                    self.hear(there, upper, question.with(None), depth + 1)
                }
                Some((_, _)) => lost(Cause::DeviceDown),
                None => lost(Cause::NoVlanDevice { vlan: tag.id }),
            },
            Err(Refused::Dropped(cause)) => lost(cause),
            Err(Refused::CannotTell(why)) => Heard::CannotTell(why),
        }
    }

    /// Whether a device answers by itself.
    fn answers(&self, space: SpaceId, link: &'a Link, question: Question) -> Heard {
        let at = self.network.get(space);
        let port = Port {
            space,
            index: link.index,
        };
        let device = || link.name.clone();
        let unanswered = match answer(at.fib(), link, question.target, Some(question.asker)) {
            Answer::Own | Answer::Proxy => {
                return link.mac.map_or(Heard::Nobody, Heard::Answered);
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
    pub(super) fn bridge_of(&self, space: SpaceId, address: IpAddr) -> Option<Cause> {
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

    /// A bridge floods a question that came in by `from`, or that it asks itself.
    fn ask_bridge(
        &self,
        space: SpaceId,
        bridge: &'a Link,
        from: Option<&'a Link>,
        question: Question,
        depth: u8,
    ) -> Heard {
        if depth > DEEPEST {
            return Heard::Nobody;
        }
        let at = self.network.get(space);
        let entrance = from.unwrap_or(bridge);
        let within = match at.enters(bridge, entrance, question.tag) {
            Ok((within, _)) => within,
            Err(Refused::Dropped(cause)) => {
                let index = entrance.index;
                return Heard::Blocked(Port { space, index }, cause);
            }
            Err(Refused::CannotTell(why)) => return Heard::CannotTell(why),
        };
        let ports = at.ports(bridge.index);
        let suppresses = |port: &&&'a Link| {
            port.bridge_port()
                .is_some_and(|settings| settings.neigh_suppress || settings.proxy_arp)
        };
        // Of a VLAN the neighbours of the VLAN device on the bridge count (`br_do_proxy_suppress_arp`).
        let speaker = match within {
            None => Some((space, bridge)),
            Some(tag) => self.vlan_on(space, bridge, tag),
        };
        if ports.iter().any(|port| suppresses(&port))
            && let Some((there, speaker)) = speaker
            && let Some(mac) = self
                .network
                .get(there)
                .neighbour(speaker.index, question.target)
                .filter(|entry| entry.state.is_valid())
                .and_then(|entry| entry.mac)
            && at
                .fdb(bridge.index, mac)
                .iter()
                .any(|row| row.vlan.unwrap_or(0) == vlan::number(within))
        {
            return Heard::Answered(mac);
        }
        let mut heard = match from {
            Some(_) => match self.bridge_hears(space, bridge, within, question, depth) {
                // The bridge itself has nothing to do with what pods ask each other.
                Heard::Silent(_, why) if !matches!(why, Unanswered::Refused { .. }) => {
                    Heard::Nobody
                }
                other => other,
            },
            None => Heard::Nobody,
        };
        let isolated = |link: &Link| link.bridge_port().is_some_and(|settings| settings.isolated);
        // Ports to elsewhere that do not carry the VLAN, unless another does.
        let mut shut = None;
        let mut carried_on = false;
        for port in ports {
            if from.is_some_and(|from| from.index == port.index) || !port.is_up() {
                continue;
            }
            let settings = port.bridge_port();
            let state = settings.map(|settings| settings.state);
            let (floods, setting) = match question.target {
                IpAddr::V4(_) => (settings.is_none_or(|s| s.broadcast_flood), "bcast_flood"),
                IpAddr::V6(_) => (settings.is_none_or(|s| s.multicast_flood), "mcast_flood"),
            };
            let kept_out = if let Some(state) = state.filter(|s| *s != PortState::Forwarding) {
                let state = state.as_str();
                Some(Cause::PortNotForwarding { state })
            } else if from.is_some_and(isolated) && isolated(port) {
                Some(Cause::PortIsolated)
            } else if !floods && from.is_some() {
                // `br_flood`: what the bridge itself says to all goes out of every port.
                Some(Cause::NotFlooded { setting })
            } else {
                None
            };
            if let Some(cause) = kept_out {
                if self
                    .peer_of(space, port)
                    .is_some_and(|peer| self.owns(peer.space, question.target))
                {
                    let blocked = Port {
                        space,
                        index: port.index,
                    };
                    heard = heard.or(Heard::Blocked(blocked, cause));
                }
                continue;
            }
            let peer = self.peer_of(space, port);
            carried_on |= peer.is_none() && at.goes_out(port, within, question.tag).is_ok();
            let tag = match at.goes_out(port, within, question.tag) {
                Ok((tag, _)) => tag,
                Err(Refused::CannotTell(why)) => {
                    heard = heard.or(Heard::CannotTell(why));
                    continue;
                }
                Err(Refused::Dropped(cause)) => {
                    let index = port.index;
                    let blocked = || Heard::Blocked(Port { space, index }, cause);
                    match peer {
                        Some(peer) if self.owns(peer.space, question.target) => {
                            heard = heard.or(blocked());
                        }
                        None if self.is_elsewhere(space, question.target) => {
                            shut = shut.or_else(|| Some(blocked()));
                        }
                        _ => {}
                    }
                    continue;
                }
            };
            heard = heard.or(match self.ask(space, port, question.with(tag), depth + 1) {
                // A pod does not answer for others.
                Heard::Silent(_, why) if !matches!(why, Unanswered::Refused { .. }) => {
                    Heard::Nobody
                }
                other => other,
            });
            if matches!(heard, Heard::Answered(_)) {
                break;
            }
        }
        match shut {
            Some(shut) if !carried_on => heard.or(shut),
            _ => heard,
        }
    }

    /// Whether another node has an address.
    fn is_elsewhere(&self, space: SpaceId, address: IpAddr) -> bool {
        let here = self.network.get(space).node_number;
        self.network
            .holders(address)
            .iter()
            .any(|port| self.network.get(port.space).node_number != here)
    }

    /// A VXLAN device sends a question to everybody on its flooding list.
    fn ask_tunnel(
        &self,
        space: SpaceId,
        link: &'a Link,
        vxlan: &Vxlan,
        question: Question,
        depth: u8,
    ) -> Heard {
        let at = self.network.get(space);
        if vxlan.proxy
            && let Some(mac) = at
                .neighbour(link.index, question.target)
                .filter(|entry| entry.state.is_valid())
                .and_then(|entry| entry.mac)
        {
            return Heard::Answered(mac);
        }
        let ends = self.flood_ends(space, link, vxlan);
        let mut heard = Heard::Nobody;
        for end in &ends {
            let Some((there, other)) = self.tunnel_at(space, *end, vxlan) else {
                continue;
            };
            heard = heard.or(match self.hear(there, other, question, depth + 1) {
                Heard::Silent(..) => Heard::Nobody,
                heard => heard,
            });
            if matches!(heard, Heard::Answered(_)) {
                return heard;
            }
        }
        // Whoever has the address lives on a node that the list leaves out.
        let missing = self
            .network
            .holders(question.target)
            .iter()
            .filter_map(|port| {
                let there = self.network.get(port.space);
                let mac = there.link(port.index)?.mac?;
                let end = self.tunnel_address(there.node_number, vxlan)?;
                (there.node_number != at.node_number && !ends.contains(&end)).then_some((mac, end))
            })
            .next();
        match (missing, at.netns.fdb.doubt()) {
            (Some(_), Some(why)) => heard.or(Heard::CannotTell(format!("fdb: {why}"))),
            (Some((mac, missing)), None) if !ends.is_empty() => {
                let port = Port {
                    space,
                    index: link.index,
                };
                heard.or(Heard::Blocked(port, Cause::NotInFloodList { mac, missing }))
            }
            (Some((mac, _)), None) if link.master.is_some() => {
                let port = Port {
                    space,
                    index: link.index,
                };
                heard.or(Heard::Blocked(port, Cause::NoTunnelEnd { mac }))
            }
            _ => heard,
        }
    }
}
