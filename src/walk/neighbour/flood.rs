//! A question sent to everybody behind a bridge or a tunnel.
//!
//! Sources: `net/bridge/br_forward.c`, `br_arp_nd_proxy.c`, `drivers/net/vxlan/vxlan_core.c` (`arp_reduce`).

use std::net::IpAddr;

use super::question::{DEEPEST, Heard, Question};
use crate::model::Link;
use crate::model::link::Vxlan;
use crate::walk::network::{Port, SpaceId};
use crate::walk::path::{Cause, Unanswered};
use crate::walk::vlan::{self, Refused, Within};
use crate::walk::walker::Walker;

impl<'a> Walker<'_, 'a> {
    /// A bridge floods a question that came in by `from`, or that it asks itself.
    pub(super) fn ask_bridge(
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
            let (floods, setting) = match question.target {
                IpAddr::V4(_) => (settings.is_none_or(|s| s.broadcast_flood), "bcast_flood"),
                IpAddr::V6(_) => (settings.is_none_or(|s| s.multicast_flood), "mcast_flood"),
            };
            let kept_out = if let Some(cause) = self.shut(space, port) {
                Some(cause)
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

    /// Whether another node has an address.
    fn is_elsewhere(&self, space: SpaceId, address: IpAddr) -> bool {
        let here = self.network.get(space).node_number;
        self.network
            .holders(address)
            .iter()
            .any(|port| self.network.get(port.space).node_number != here)
    }

    /// A VXLAN device sends a question to everybody on its flooding list.
    pub(super) fn ask_tunnel(
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
