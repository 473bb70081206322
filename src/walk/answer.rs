//! Who answers when somebody on a link asks for an address, and whether a packet's source is believed.
//!
//! Sources: `net/ipv4/arp.c` (`arp_process`, `arp_ignore`, `arp_fwd_proxy`), `net/ipv4/fib_frontend.c`
//! (`fib_validate_source`), `net/ipv6/ndisc.c` (`ndisc_recv_ns`).

use std::fmt;
use std::net::IpAddr;

use super::fib::{Decision, Fib, Verdict};
use super::flow::Flow;
use crate::model::link::LinkFlags;
use crate::model::{IfIndex, Link, Route};

/// What a device does with the question who has an address.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It answers, as the address is the node's own.
    Own,
    /// It answers for another.
    Proxy,
    /// It keeps silent.
    Silent(Silence),
    /// The snapshot does not say, and why.
    CannotTell(String),
}

/// Why a device does not answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Silence {
    /// It is down.
    Down,
    /// It takes no part in ARP.
    NoArp,
    /// The address is the node's, but the device is told not to speak of it.
    Ignored {
        /// `arp_ignore` in effect.
        arp_ignore: i64,
    },
    /// The address is not the node's, and it answers for nobody else.
    NoProxy,
    /// It would answer for others if it forwarded.
    NotForwarding,
    /// The node has no route to the address.
    NoRoute,
    /// The node's route to the address refuses or drops.
    Refused(Box<Route>),
    /// The node's route leads back to whoever asks.
    LeadsBack,
    /// The node does not believe the source of the question.
    Disbelieved(Disbelief),
    /// An IPv6 address that is neither the device's nor in its proxy table.
    NoProxyEntry,
    /// It is in the device's proxy table, but the settings do not let it answer.
    ProxyNdpOff,
}

/// Why a source is not believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Disbelief {
    /// The source.
    pub source: IpAddr,
    /// The reverse path filter in effect: 0 off, 1 strict, 2 loose.
    pub rp_filter: i64,
    /// Where the node would send a packet to the source.
    pub way_back: WayBack,
}

/// Where the node would send a packet to a source.
#[derive(Debug, Clone, PartialEq)]
pub enum WayBack {
    /// To itself: the address is its own.
    Own,
    /// Out of these devices.
    Devices(Vec<IfIndex>),
    /// Nowhere.
    Nowhere,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => f.write_str("is down"),
            Self::NoArp => f.write_str("takes no part in ARP (NOARP)"),
            Self::Ignored { arp_ignore } => {
                write!(f, "does not tell of it (arp_ignore {arp_ignore})")
            }
            Self::NoProxy => f.write_str("does not have proxy_arp set"),
            Self::NotForwarding => f.write_str("has proxy_arp set but does not forward"),
            Self::NoRoute => {
                f.write_str("has proxy_arp set, but the node has no route to the address")
            }
            Self::Refused(route) => write!(
                f,
                "has proxy_arp set, but the node's route to the address is {}",
                route.kind.as_str()
            ),
            Self::LeadsBack => {
                f.write_str("is where the node's route to the address leads back to")
            }
            Self::Disbelieved(disbelief) => match disbelief.way_back {
                WayBack::Own => {
                    write!(
                        f,
                        "gets the question from {}, the node's own address",
                        disbelief.source
                    )
                }
                _ => write!(
                    f,
                    "drops the question (rp_filter {}): the node's way to {} is not by it",
                    disbelief.rp_filter, disbelief.source
                ),
            },
            Self::NoProxyEntry => f.write_str("neither has the address nor a proxy entry for it"),
            Self::ProxyNdpOff => {
                f.write_str("has a proxy entry for it, but proxy_ndp or forwarding is off")
            }
        }
    }
}

/// What `device` of the namespace of `fib` does when somebody at `asker` asks it for `target`.
pub fn answer(fib: &Fib<'_>, device: &Link, target: IpAddr, asker: Option<IpAddr>) -> Answer {
    if !device.is_up() {
        return Answer::Silent(Silence::Down);
    }
    match target {
        IpAddr::V4(_) => arp(fib, device, target, asker),
        IpAddr::V6(_) => discovery(fib, device, target),
    }
}

fn arp(fib: &Fib<'_>, device: &Link, target: IpAddr, asker: Option<IpAddr>) -> Answer {
    if device.flags.has(LinkFlags::NOARP) {
        return Answer::Silent(Silence::NoArp);
    }
    let netns = fib.netns();
    let Some(conf) = device.inet else {
        return Answer::CannotTell(format!(
            "the IPv4 settings of {} were not read",
            device.name
        ));
    };
    let all = |name: &str| netns.sysctl_number(&format!("net.ipv4.conf.all.{name}"));
    let mut flow = Flow::to(target).arriving_by(device.index);
    flow.source = asker;
    let Decision { verdict, route, .. } = fib.lookup(&flow);
    // The question is routed as a packet would be, its source included.
    let output = match &verdict {
        Verdict::Forward(hops) => hops.device(),
        _ => None,
    };
    let believed = || match believe(fib, device, &Flow { output, ..flow }) {
        Belief::Yes => None,
        Belief::No(disbelief) => Some(Answer::Silent(Silence::Disbelieved(disbelief))),
        Belief::CannotTell(why) => Some(Answer::CannotTell(why)),
    };
    let hops = match verdict {
        Verdict::CannotTell(why) => return Answer::CannotTell(why),
        Verdict::Local => {
            let ignore = i64::from(conf.arp_ignore).max(all("arp_ignore").unwrap_or(0));
            if is_ignored(fib, device, target, asker, ignore) {
                return Answer::Silent(Silence::Ignored { arp_ignore: ignore });
            }
            return believed().unwrap_or(Answer::Own);
        }
        Verdict::Forward(hops) => Some(hops),
        _ => None,
    };
    let listed = netns
        .neighbours
        .iter()
        .any(|row| row.proxy && row.address == target && row.device == device.index);
    let proxy = conf.proxy_arp != 0 || all("proxy_arp") == Some(1);
    let private = conf.proxy_arp_pvlan != 0 || all("proxy_arp_pvlan") == Some(1);
    if !listed && !proxy && !private {
        return Answer::Silent(Silence::NoProxy);
    }
    if conf.forwarding == 0 {
        return Answer::Silent(Silence::NotForwarding);
    }
    let Some(hops) = hops else {
        return Answer::Silent(match route {
            Some(route) => Silence::Refused(Box::new(route.clone())),
            None => Silence::NoRoute,
        });
    };
    let back = hops
        .iter()
        .filter(|hop| hop.device == Some(device.index))
        .count();
    if back > 0 && back < hops.len() {
        return Answer::CannotTell(format!(
            "one of the node's several ways to {target} leads back to {}",
            device.name
        ));
    }
    // A private VLAN is the reverse: it answers only for what is behind the same device.
    let answers = if back > 0 { private } else { proxy || listed };
    if answers {
        believed().unwrap_or(Answer::Proxy)
    } else if back > 0 {
        Answer::Silent(Silence::LeadsBack)
    } else {
        Answer::Silent(Silence::NoProxy)
    }
}

/// `arp_ignore()` of `net/ipv4/arp.c`.
fn is_ignored(
    fib: &Fib<'_>,
    device: &Link,
    target: IpAddr,
    asker: Option<IpAddr>,
    arp_ignore: i64,
) -> bool {
    let netns = fib.netns();
    let mut on_device = netns
        .addresses_of(device.index)
        .filter(|row| row.address == target);
    match arp_ignore {
        0 => false,
        1 => on_device.next().is_none(),
        2 => !on_device.any(|row| {
            row.network()
                .is_some_and(|network| asker.is_none_or(|asker| network.contains(&asker)))
        }),
        3 => netns
            .addresses
            .iter()
            .any(|row| row.address == target && row.scope == crate::model::route::Scope::HOST),
        8 => true,
        _ => false,
    }
}

/// `ndisc_recv_ns()` of `net/ipv6/ndisc.c`.
fn discovery(fib: &Fib<'_>, device: &Link, target: IpAddr) -> Answer {
    let netns = fib.netns();
    // Every device that is up has a link-local address even if that was not read.
    if netns
        .addresses_of(device.index)
        .any(|row| row.address == target && !row.is_tentative())
    {
        return Answer::Own;
    }
    let listed = netns
        .neighbours
        .iter()
        .any(|row| row.proxy && row.device == device.index && row.address == target);
    if !listed {
        return match [netns.addresses.doubt(), netns.neighbours.doubt()] {
            [None, None] => Answer::Silent(Silence::NoProxyEntry),
            // Of a table that was read as far as was needed, what was needed is here.
            _ if fib.is_asked_for() => Answer::Silent(Silence::NoProxyEntry),
            [Some(why), _] | [_, Some(why)] => Answer::CannotTell(why.to_owned()),
        };
    }
    let Some(conf) = device.inet6 else {
        return Answer::CannotTell(format!(
            "the IPv6 settings of {} were not read",
            device.name
        ));
    };
    let all = netns.sysctl_number("net.ipv6.conf.all.proxy_ndp") == Some(1);
    if conf.forwarding != 0 && (conf.proxy_ndp != 0 || all) {
        Answer::Proxy
    } else {
        Answer::Silent(Silence::ProxyNdpOff)
    }
}

/// Whether a packet's source is believed.
#[derive(Debug, Clone, PartialEq)]
pub enum Belief {
    /// It is.
    Yes,
    /// It is not: the packet is dropped on arrival.
    No(Disbelief),
    /// The snapshot does not say, and why.
    CannotTell(String),
}

/// `fib_validate_source()` of `net/ipv4/fib_frontend.c`: what `device` does with a packet of IPv4 from `source` to
/// `destination`, or to any. IPv6 has no such check of its own.
pub fn validate_source(
    fib: &Fib<'_>,
    device: &Link,
    source: IpAddr,
    destination: Option<IpAddr>,
) -> Belief {
    let mut flow = Flow::to(destination.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into()));
    flow.source = Some(source);
    believe(fib, device, &flow)
}

/// The same for a whole packet: rules may look at more of it than its addresses. `packet.output` is the device by
/// which it is forwarded, if it is: the kernel asks where an answer that comes in by that one would go.
pub fn believe(fib: &Fib<'_>, device: &Link, packet: &Flow) -> Belief {
    let Some(source @ IpAddr::V4(_)) = packet.source else {
        return Belief::Yes;
    };
    let netns = fib.netns();
    let Some(conf) = device.inet else {
        return Belief::CannotTell(format!(
            "the IPv4 settings of {} were not read",
            device.name
        ));
    };
    let all = fib.settings();
    let rp_filter = i64::from(conf.rp_filter).max(all.rp_filter);
    let accept_local = conf.accept_local != 0 || all.accept_local;
    let no = |way_back| {
        Belief::No(Disbelief {
            source,
            rp_filter,
            way_back,
        })
    };
    // The way back is looked up as for a packet of the node's own, with what the packet has the other way round.
    let back = Flow {
        source: Some(packet.destination).filter(|address| !address.is_unspecified()),
        destination: source,
        input: packet.output,
        output: None,
        mark: if conf.src_valid_mark != 0 || all.src_valid_mark {
            packet.mark
        } else {
            0
        },
        ports: packet
            .ports
            .map(|(source, destination)| (destination, source)),
        ..*packet
    };
    match fib.lookup(&back).verdict {
        Verdict::CannotTell(_) if rp_filter == 0 => Belief::Yes,
        Verdict::CannotTell(why) => Belief::CannotTell(why),
        Verdict::Local if accept_local => Belief::Yes,
        // Not a single host's address, or the node's own (`res.type != RTN_UNICAST`).
        Verdict::Local | Verdict::Broadcast | Verdict::Multicast => no(WayBack::Own),
        Verdict::Forward(hops) => {
            if rp_filter == 0 || hops.lead_to(device.index) {
                return Belief::Yes;
            }
            // A device without an address of its own fails even where any device would do (`no_addr`).
            let bare = || {
                !netns
                    .addresses_of(device.index)
                    .any(|row| row.address.is_ipv4())
            };
            if rp_filter == 2 && !bare() {
                Belief::Yes
            } else {
                no(WayBack::Devices(
                    hops.iter().filter_map(|hop| hop.device).collect(),
                ))
            }
        }
        _ if rp_filter == 0 => Belief::Yes,
        _ => no(WayBack::Nowhere),
    }
}

#[cfg(test)]
mod tests;
