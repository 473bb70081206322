//! The routers of a pod, and who answers when it asks for one.
//!
//! Both what is shown of a pod and what is found wrong with it are drawn from here.

use std::net::IpAddr;

use serde::Serialize;

use super::find::occupant;
use crate::model::cni::CachedResult;
use crate::model::link::PortState;
use crate::model::tc::Action;
use crate::model::{IfIndex, Link, LinkKind, Mac, Netns, Node, State};
use crate::walk::answer::{self, Silence};
use crate::walk::fib::Fib;

/// A router of the pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gateway {
    /// Its address.
    pub address: IpAddr,
    /// The pod's device behind which it is.
    pub device: String,
    /// The link-layer address that the pod knows for it.
    pub mac: Option<Mac>,
    /// Who answers for it.
    pub answer: Answer,
}

/// Who answers when a pod asks for its gateway.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Answer {
    /// A device that has the address.
    Owner {
        /// Where.
        place: String,
        /// The device.
        device: String,
        /// Its link-layer address.
        mac: Option<Mac>,
    },
    /// The node, for an address that it does not have itself.
    ProxyArp {
        /// The device that answers.
        device: String,
        /// Its link-layer address.
        mac: Option<Mac>,
    },
    /// Nobody.
    Nobody {
        /// Why not.
        reason: String,
        /// Why not, for whoever concludes from it.
        #[serde(skip)]
        cause: Cause,
    },
    /// It cannot be told.
    Unknown {
        /// Why not.
        reason: String,
    },
}

impl Answer {
    /// The link-layer address that the pod should know.
    pub fn mac(&self) -> Option<Mac> {
        match self {
            Self::Owner { mac, .. } | Self::ProxyArp { mac, .. } => *mac,
            Self::Nobody { .. } | Self::Unknown { .. } => None,
        }
    }
}

/// Why nobody answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// A device on the way is down or does not pass anything.
    Cut,
    /// The node's device keeps silent.
    Silent {
        /// The device that should answer.
        device: String,
        /// Why it does not.
        silence: Silence,
    },
    /// No device of the bridge has the address.
    NotOnBridge {
        /// The bridge.
        bridge: String,
    },
}

/// The routers of the routes of `netns`, each once. `fib` has the tables of the node's own namespace.
pub fn gateways(node: &Node, fib: Option<&Fib<'_>>, netns: &Netns) -> Vec<Gateway> {
    let mut gateways: Vec<Gateway> = Vec::new();
    for route in &netns.routes {
        for hop in &route.nexthops {
            let (Some(address), Some(device)) = (hop.gateway, hop.device) else {
                continue;
            };
            let name = netns.device_name(device);
            if gateways
                .iter()
                .any(|known| known.address == address && known.device == name)
            {
                continue;
            }
            let question = Question {
                node,
                fib,
                netns,
                address,
                asker: route
                    .prefsrc
                    .filter(|source| source.is_ipv4() == address.is_ipv4())
                    .or_else(|| source(netns, device, address)),
            };
            gateways.push(Gateway {
                address,
                device: name,
                mac: known_mac(netns, device, address),
                answer: question.answer(device),
            });
        }
    }
    gateways
}

/// The link-layer address with which `netns` sends to a neighbour.
fn known_mac(netns: &Netns, device: IfIndex, address: IpAddr) -> Option<Mac> {
    netns
        .neighbours
        .iter()
        .find(|row| {
            !row.proxy && row.address == address && row.device == device && row.state.is_valid()
        })
        .and_then(|row| row.mac)
}

/// The source of what is sent by a device (`inet_select_addr`): its first address, else any.
fn source(netns: &Netns, device: IfIndex, target: IpAddr) -> Option<IpAddr> {
    let alike = |address: &IpAddr| address.is_ipv4() == target.is_ipv4() && !address.is_loopback();
    netns
        .addresses_of(device)
        .chain(netns.addresses.iter())
        .map(|row| row.address)
        .find(alike)
}

/// Who has an address, asked by a pod.
struct Question<'a> {
    node: &'a Node,
    fib: Option<&'a Fib<'a>>,
    netns: &'a Netns,
    address: IpAddr,
    asker: Option<IpAddr>,
}

impl Question<'_> {
    /// Who answers on the other side of the pod's `device`.
    fn answer(&self, device: IfIndex) -> Answer {
        let Some(inside) = self.netns.link(device) else {
            return unknown("the device was not read");
        };
        let Some(lower) = inside.lower else {
            return unknown("it is not known what is behind the device");
        };
        if !inside.is_up() {
            return cut(format!("{} is down", inside.name));
        }
        let Some(root) = self.node.root() else {
            return unknown("the node's own tables were not read");
        };
        if lower.netns != Some(root.id) {
            return match lower.netns {
                Some(_) => unknown("the other end of the pair is not on the node"),
                None => unknown("the other end of the pair is not known"),
            };
        }
        let Some(end) = root.link(lower.index) else {
            return unknown("the other end of the pair was not read");
        };
        if inside.peer().is_none() {
            return unknown(&format!("it is behind {}", end.name));
        }
        if !end.is_up() {
            return cut(format!("{} is down", end.name));
        }
        let Some(fib) = self.fib else {
            return unknown("the node's routes were not read");
        };
        let answer = match end.master {
            None => self.of_device(fib, end),
            Some(master) => match root.link(master) {
                Some(bridge) if matches!(bridge.kind, LinkKind::Bridge(_)) => {
                    self.of_bridge(fib, root, end, bridge)
                }
                // A VRF's ports answer as any device does, from the tables of the VRF.
                Some(other) => unknown(&format!("it is behind {}, a {}", other.name, other.kind)),
                None => unknown("the master of the other end was not read"),
            },
        };
        match (&answer, programs(root, end)) {
            (Answer::Nobody { .. }, Programs::Some(what)) => {
                unknown(&format!("{what} on {} may answer in its place", end.name))
            }
            (Answer::Nobody { .. }, Programs::Unknown(why)) => unknown(&format!(
                "it is not known what filters {} has: {why}",
                end.name
            )),
            _ => answer,
        }
    }

    fn of_device(&self, fib: &Fib<'_>, end: &Link) -> Answer {
        match answer::answer(fib, end, self.address, self.asker) {
            answer::Answer::Own => self.owner(end),
            answer::Answer::Proxy => Answer::ProxyArp {
                device: end.name.clone(),
                mac: end.mac,
            },
            answer::Answer::Silent(silence) => Answer::Nobody {
                reason: format!("{} {silence}", end.name),
                cause: Cause::Silent {
                    device: end.name.clone(),
                    silence,
                },
            },
            answer::Answer::CannotTell(why) => Answer::Unknown { reason: why },
        }
    }

    fn owner(&self, link: &Link) -> Answer {
        Answer::Owner {
            place: self.node.name.clone(),
            device: link.name.clone(),
            mac: link.mac,
        }
    }

    /// The question is flooded: the bridge itself hears it, and whoever else is behind its ports.
    fn of_bridge(&self, fib: &Fib<'_>, root: &Netns, port: &Link, bridge: &Link) -> Answer {
        if !bridge.is_up() {
            return cut(format!("{} is down", bridge.name));
        }
        if let Some(settings) = port.bridge_port()
            && settings.state != PortState::Forwarding
        {
            return cut(format!(
                "{}, a port of {}, is {}",
                port.name,
                bridge.name,
                settings.state.as_str()
            ));
        }
        match self.of_device(fib, bridge) {
            Answer::Nobody { .. } => {}
            heard => return heard,
        }
        let ports = root
            .links
            .iter()
            .filter(|link| link.master == Some(bridge.index) && link.index != port.index);
        let mut others = Vec::new();
        for other in ports {
            let far = other
                .peer()
                .and_then(|peer| Some((self.node.netns(peer.netns?)?, peer.index)));
            match far {
                Some((far, index)) if far.id != root.id && far.addresses.is_complete() => {
                    if far
                        .addresses_of(index)
                        .any(|row| row.address == self.address)
                    {
                        return Answer::Owner {
                            place: occupant(self.node, far),
                            device: far.device_name(index),
                            mac: far.link(index).and_then(|link| link.mac),
                        };
                    }
                }
                _ => others.push(other.name.as_str()),
            }
        }
        if let Some(network) = self.promised_by(bridge) {
            return Answer::Nobody {
                reason: format!(
                    "{} does not have it, although network {network} makes it the gateway",
                    bridge.name
                ),
                cause: Cause::NotOnBridge {
                    bridge: bridge.name.clone(),
                },
            };
        }
        if !root.links.is_complete() {
            return unknown(&format!(
                "{} does not have it; it may be behind another port",
                bridge.name
            ));
        }
        if others.is_empty() {
            Answer::Nobody {
                reason: format!(
                    "neither {} nor what is behind its ports has it",
                    bridge.name
                ),
                cause: Cause::NotOnBridge {
                    bridge: bridge.name.clone(),
                },
            }
        } else {
            unknown(&format!(
                "{} does not have it; it may be behind {}",
                bridge.name,
                others.join(", ")
            ))
        }
    }

    /// The network whose plugin was to give the bridge this address.
    fn promised_by(&self, bridge: &Link) -> Option<&str> {
        self.node
            .sandboxes_in(self.netns.id)
            .flat_map(|sandbox| {
                let of = move |result: &&CachedResult| {
                    !sandbox.id.is_empty() && result.container == sandbox.id
                };
                self.node.cni.results.iter().filter(of)
            })
            .find(|result| {
                result.makes_gateway(&bridge.name)
                    && result.given().any(|ip| ip.gateway == Some(self.address))
            })
            .map(|result| result.network.as_str())
    }
}

fn unknown(reason: &str) -> Answer {
    Answer::Unknown {
        reason: reason.to_owned(),
    }
}

fn cut(reason: String) -> Answer {
    Answer::Nobody {
        reason,
        cause: Cause::Cut,
    }
}

/// Whether an action sends packets elsewhere for good. What goes through an ifb, to be shaped, comes back.
fn takes_away(netns: &Netns, action: &Action) -> bool {
    let to = action.device.and_then(|index| netns.link(index));
    action.verdict.as_deref() == Some("redirect")
        && !to.is_some_and(|link| matches!(link.kind, LinkKind::Ifb))
}

/// Programs and filters that see a packet before the stack does.
pub enum Programs {
    /// There are none.
    None,
    /// What there is.
    Some(String),
    /// It is not known, and why.
    Unknown(String),
}

/// What sees packets that arrive at a device before its node's tables do: a datapath of BPF programs forwards, and
/// answers ARP, by maps of its own.
pub fn programs(netns: &Netns, device: &Link) -> Programs {
    if device.xdp.is_some() {
        return Programs::Some("an XDP program".to_owned());
    }
    if matches!(device.kind, LinkKind::Netkit(_)) {
        return Programs::Some("a netkit program".to_owned());
    }
    let found = netns.filters.iter().find(|filter| {
        filter.device == device.index
            && (filter.program.is_some()
                || filter.direct_action
                || filter
                    .actions
                    .iter()
                    .any(|action| takes_away(netns, action)))
    });
    match (found, netns.filters.state) {
        (Some(filter), _) => Programs::Some(match &filter.program {
            Some(program) => format!("the program {program} (tc)"),
            None => "a filter (tc)".to_owned(),
        }),
        (None, State::Complete | State::Partial) => Programs::None,
        (None, _) => Programs::Unknown(netns.filters.doubt().unwrap_or_default().to_owned()),
    }
}
