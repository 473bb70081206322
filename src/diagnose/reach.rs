//! Pods that their own node does not reach, or does not believe.

use std::net::IpAddr;

use super::{Evidence, Finding, Look, Severity};
use crate::inspect::gateway::{Answer, Programs, gateways, programs};
use crate::model::address::Address;
use crate::model::neighbour::NeighbourState;
use crate::model::route::RouteKind;
use crate::model::{Link, LinkKind, Netns, notation};

use crate::walk::answer::{Belief, Disbelief, WayBack, validate_source};
use crate::walk::fib::{Decision, Fib, Verdict};
use crate::walk::flow::Flow;

/// The priority of the rule that leads to the main table.
const MAIN_RULE: u32 = 32766;

pub(super) fn check(look: &mut Look<'_>) {
    let Some(root) = look.node.root() else { return };
    let Some(fib) = look.fib.take() else { return };
    for (netns, pod) in look.pods() {
        for link in &netns.links {
            let Some(end) = end_of(root, link) else {
                continue;
            };
            // That it is outside its bridge says all.
            let outside = look.findings.iter().any(|finding| {
                finding.id == "veth-not-in-bridge" && finding.device.as_ref() == Some(&end.name)
            });
            if outside {
                continue;
            }
            let Some(by) = way_in(look, &fib, netns, link, end) else {
                continue;
            };
            let way = Way {
                root,
                fib: &fib,
                netns,
                pod: &pod,
                link,
                end,
                by,
            };
            for row in netns.addresses_of(link.index) {
                if is_everyones(row) {
                    way.address(look, row.address);
                }
            }
            way.bridge_entry(look);
        }
    }
    look.fib = Some(fib);
}

/// Pods that the node routes for: the pod, the node's device that is its router, and its addresses.
pub(super) fn routed(look: &mut Look<'_>) -> Vec<(String, String, Vec<IpAddr>)> {
    let (Some(root), Some(fib)) = (look.node.root(), look.fib.take()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (netns, pod) in look.pods() {
        for link in &netns.links {
            let Some(end) = end_of(root, link) else {
                continue;
            };
            let Some(by) = way_in(look, &fib, netns, link, end) else {
                continue;
            };
            let addresses: Vec<_> = netns
                .addresses_of(link.index)
                .filter(|row| is_everyones(row))
                .map(|row| row.address)
                .collect();
            if !addresses.is_empty() {
                found.push((pod.clone(), by.name.clone(), addresses));
            }
        }
    }
    look.fib = Some(fib);
    found
}

/// The node's end of a pod's pair.
fn end_of<'a>(root: &'a Netns, link: &Link) -> Option<&'a Link> {
    let peer = link.peer().filter(|peer| peer.netns == Some(root.id))?;
    root.link(peer.index)
}

/// Whether others may send to it.
fn is_everyones(row: &Address) -> bool {
    let local = match row.address {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
    };
    !local && !row.is_tentative() && !row.is_duplicate()
}

/// The node's device by which packets for the pod should leave: the other end of the pair, or the bridge if that is
/// the pod's router. `None` where the node has no part in it, or something is down and told of as that.
fn way_in<'a>(
    look: &mut Look<'a>,
    fib: &Fib<'_>,
    netns: &Netns,
    link: &Link,
    end: &'a Link,
) -> Option<&'a Link> {
    let root = look.node.root()?;
    if !link.is_up() || !end.is_up() {
        return None;
    }
    if let Programs::Some(what) = programs(root, end) {
        let doubt = format!("which way packets take at {}: {what} decides", end.name);
        look.doubt(&doubt);
        return None;
    }
    match end.master {
        None => Some(end),
        Some(index) => {
            let bridge = look.node.root()?.link(index)?;
            let is_router = matches!(bridge.kind, LinkKind::Bridge(_))
                && bridge.is_up()
                && gateways(look.node, Some(fib), netns).iter().any(|gateway| {
                    matches!(&gateway.answer, Answer::Owner { place, device, .. }
                        if *place == look.node.name && *device == bridge.name)
                });
            is_router.then_some(bridge)
        }
    }
}

/// One device of a pod, and the way to it.
struct Way<'a> {
    root: &'a Netns,
    fib: &'a Fib<'a>,
    netns: &'a Netns,
    pod: &'a str,
    link: &'a Link,
    end: &'a Link,
    by: &'a Link,
}

impl Way<'_> {
    fn finding(&self, look: &Look<'_>, id: &'static str, address: IpAddr) -> Finding {
        Finding {
            id,
            severity: Severity::Fault,
            node: look.node.name.clone(),
            place: Some(self.pod.to_owned()),
            device: Some(self.by.name.clone()),
            what: String::new(),
            why: String::new(),
            evidence: Vec::new(),
            show: format!("ip route get {address}"),
            fix: format!("ip route replace {address} dev {}", self.by.name),
        }
    }

    fn address(&self, look: &mut Look<'_>, address: IpAddr) {
        self.fixed_neighbour(look, address);
        // What is forwarded, and what the node itself sends (the probes of kubelet).
        let uplink = self
            .root
            .routes
            .iter()
            .filter(|route| route.is_default())
            .find_map(|route| route.nexthops.first()?.device);
        let mut forwarded = Flow::to(address);
        forwarded.input = uplink.filter(|device| *device != self.by.index);
        if !self.is_led_here(look, address, &forwarded) {
            return;
        }
        // The source of what the pod sends is looked up as what the node itself sends.
        match validate_source(self.fib, self.by, address, None) {
            Belief::No(disbelief) if disbelief.way_back != WayBack::Own => {
                self.disbelieved(look, address, &disbelief);
            }
            Belief::No(_) | Belief::Yes => {
                self.is_led_here(look, address, &Flow::to(address));
            }
            Belief::CannotTell(why) => {
                look.doubt(&format!("whether what {} sends is let in: {why}", self.pod));
            }
        }
    }

    /// Whether packets of a flow leave by the right device; if not, it is told where they go.
    fn is_led_here(&self, look: &mut Look<'_>, address: IpAddr, flow: &Flow) -> bool {
        let decision = self.fib.lookup(flow);
        match &decision.verdict {
            Verdict::Forward(hops) => {
                let elsewhere: Vec<String> = hops
                    .iter()
                    .filter(|hop| hop.device != Some(self.by.index))
                    .filter_map(|hop| hop.device)
                    .map(|index| self.root.device_name(index))
                    .collect();
                if elsewhere.is_empty() {
                    return true;
                }
                if !self.is_another_pods(look, address, &elsewhere) {
                    self.elsewhere(look, address, &decision, &elsewhere.join(", "));
                }
            }
            Verdict::Local => self.own_address(look, address),
            Verdict::CannotTell(why) => look.doubt(&format!(
                "which way packets for {address} of {} take: {why}",
                self.pod
            )),
            _ => self.elsewhere(look, address, &decision, ""),
        }
        false
    }

    /// Another pod has the address too, and gets the packets: `duplicate-pod-address` says so.
    fn is_another_pods(&self, look: &Look<'_>, address: IpAddr, devices: &[String]) -> bool {
        look.node.namespaces.iter().any(|other| {
            other.id != self.netns.id
                && other.id != self.root.id
                && other.addresses.iter().any(|row| row.address == address)
                && other.links.iter().any(|link| {
                    link.peer().is_some_and(|peer| {
                        peer.netns == Some(self.root.id)
                            && devices.contains(&self.root.device_name(peer.index))
                    })
                })
        })
    }

    /// Packets for the pod leave by other devices (`to`), or by none.
    fn elsewhere(&self, look: &mut Look<'_>, address: IpAddr, decision: &Decision<'_>, to: &str) {
        let deciding = decision.route;
        let right = self
            .root
            .routes
            .iter()
            .filter(|route| route.leaves_by(self.by.index) && route.destination.contains(&address))
            .max_by_key(|route| route.destination.prefix_len());
        let row = deciding.map_or_else(
            || "no route to it in any table that is asked".to_owned(),
            |route| notation::route(route, self.root),
        );
        let where_to = match (deciding, to) {
            (_, to) if !to.is_empty() => format!("leave by {to}"),
            (Some(route), _) => format!("meet a route that is {}", route.kind.as_str()),
            (None, _) => "have no route".to_owned(),
        };
        let is_for_it = deciding.is_some_and(|route| {
            route.destination.prefix_len() == route.destination.max_prefix_len()
                && route.destination.addr() == address
        });
        // A rule that stands before those that every node has.
        let rule = decision
            .rule
            .filter(|rule| rule.priority > 0 && rule.priority < MAIN_RULE);
        let (id, what) = match (right, rule) {
            (Some(right), Some(rule)) => (
                "rule-hijacks-route",
                format!(
                    "packets for {address} of {} {where_to}: rule '{}' stands before the route '{}'",
                    self.pod,
                    notation::rule(rule),
                    notation::route(right, self.root)
                ),
            ),
            (Some(right), None) => (
                match deciding.map(|route| route.kind) {
                    Some(RouteKind::Blackhole) => "blackhole-route",
                    Some(RouteKind::Unreachable | RouteKind::Prohibit) => "unreachable-route",
                    _ => "host-route-wrong",
                },
                format!(
                    "packets for {address} of {} {where_to}: another route stands before '{}'",
                    self.pod,
                    notation::route(right, self.root)
                ),
            ),
            (None, _) if is_for_it && !to.is_empty() => (
                "host-route-wrong",
                format!(
                    "the route to {address} leads to {to}, but {} is behind {}",
                    self.pod, self.by.name
                ),
            ),
            (None, _) => (
                "host-route-missing",
                format!(
                    "the node has no route to {address} by {}, behind which {} is: packets for it {where_to}",
                    self.by.name, self.pod
                ),
            ),
        };
        let mut evidence = vec![Evidence::new("ip route", row)];
        evidence.extend(rule.map(|rule| Evidence::new("ip rule", notation::rule(rule))));
        let mut why =
            "no packet and no reply reaches the pod, from this node or another".to_owned();
        if let Belief::No(disbelief) = validate_source(self.fib, self.by, address, None) {
            why.push_str(", and what the pod sends is dropped on arrival");
            evidence.push(Evidence::new(
                "sysctl",
                format!(
                    "rp_filter of {} in effect = {}",
                    self.by.name, disbelief.rp_filter
                ),
            ));
        }
        let fix = match (right, rule, deciding) {
            (Some(_), Some(rule), _) => format!("ip rule del priority {}", rule.priority),
            (Some(_), None, Some(route)) => {
                format!("ip route del {}", notation::route(route, self.root))
            }
            _ => format!("ip route replace {address} dev {}", self.by.name),
        };
        look.findings.push(Finding {
            what,
            why,
            evidence,
            fix,
            ..self.finding(look, id, address)
        });
    }

    fn own_address(&self, look: &mut Look<'_>, address: IpAddr) {
        let holder = self
            .root
            .addresses
            .iter()
            .find(|row| row.address == address)
            .map_or_else(|| "lo".to_owned(), |row| self.root.device_name(row.device));
        look.findings.push(Finding {
            what: format!(
                "{address} is the address of {} and of the node itself",
                self.pod
            ),
            why: "the node takes packets for it as its own, and drops those that the pod sends"
                .to_owned(),
            evidence: vec![Evidence::new(
                "ip address",
                format!("{address} dev {holder}"),
            )],
            fix: format!("ip address del {address} dev {holder}"),
            ..self.finding(look, "duplicate-pod-address", address)
        });
    }

    /// The way to the pod is right, but packets from it are taken for forged.
    fn disbelieved(&self, look: &mut Look<'_>, address: IpAddr, disbelief: &Disbelief) {
        let back = match &disbelief.way_back {
            WayBack::Devices(devices) => devices
                .iter()
                .map(|index| self.root.device_name(*index))
                .collect::<Vec<_>>()
                .join(", "),
            WayBack::Own | WayBack::Nowhere => "nowhere".to_owned(),
        };
        look.findings.push(Finding {
            what: format!("{} drops what {} sends from {address}", self.by.name, self.pod),
            why: format!(
                "its reverse path filter is on, and what the node itself sends to {address} leaves by {back}"
            ),
            evidence: vec![Evidence::new(
                "sysctl",
                format!("rp_filter of {} in effect = {}", self.by.name, disbelief.rp_filter),
            )],
            show: format!("sysctl net.ipv4.conf.{{all,{}}}.rp_filter; ip route get {address}", self.by.name),
            fix: format!(
                "sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{}.rp_filter=0",
                self.by.name
            ),
            ..self.finding(look, "rp-filter-drop", address)
        });
    }

    /// An entry of the node for the pod that was set by hand, and wrongly.
    fn fixed_neighbour(&self, look: &mut Look<'_>, address: IpAddr) {
        let Some(right) = self.link.mac else { return };
        let fixed = self.root.neighbours.iter().find(|row| {
            !row.proxy
                && row.address == address
                && row.device == self.by.index
                && row.state == NeighbourState::Permanent
        });
        if let Some(row) = fixed
            && row.mac.is_some_and(|mac| mac != right)
        {
            look.findings.push(Finding {
                what: format!(
                    "the node is told to send to {} for {address}, but {} is {right}",
                    row.mac.map(|mac| mac.to_string()).unwrap_or_default(),
                    self.pod
                ),
                why: "the pod does not take a frame with another's MAC, and an entry that is permanent is never asked for again".to_owned(),
                evidence: vec![Evidence::new("ip neigh", notation::neighbour(row, self.root))],
                show: format!("ip neigh show {address} dev {}", self.by.name),
                fix: format!("ip neigh del {address} dev {}", self.by.name),
                ..self.finding(look, "neighbour-mac-wrong", address)
            });
        }
    }

    /// An entry of the bridge for the pod's MAC that was set by hand, and behind another port.
    fn bridge_entry(&self, look: &mut Look<'_>) {
        let (Some(bridge), Some(mac)) = (self.end.master, self.link.mac) else {
            return;
        };
        let wrong = self.root.fdb.iter().find(|row| {
            row.mac == mac
                && row.master == Some(bridge)
                && row.device != self.end.index
                // Any other moves to the right port with the first frame of the pod (`br_fdb_update`).
                && (row.sticky || row.state == NeighbourState::Permanent)
        });
        if let Some(row) = wrong {
            let port = self.root.device_name(row.device);
            look.findings.push(Finding {
                id: "bridge-fdb-wrong",
                severity: Severity::Fault,
                node: look.node.name.clone(),
                place: Some(self.pod.to_owned()),
                device: Some(port.clone()),
                what: format!(
                    "{mac} of {} is fixed behind {port}, but is behind {}",
                    self.pod, self.end.name
                ),
                why: "the bridge sends all frames for the pod out of the wrong port".to_owned(),
                evidence: vec![Evidence::new("bridge fdb", notation::fdb(row, self.root))],
                show: format!(
                    "bridge fdb show br {} | grep {mac}",
                    self.root.device_name(bridge)
                ),
                fix: format!("bridge fdb del {mac} dev {port} master"),
            });
        }
    }
}
