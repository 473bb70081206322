//! From the place where a walk ends to the finding: what is wrong, and not merely where it shows.

use std::net::IpAddr;

use super::facts::{self, Role, role};
use super::filtered::{self, Filtered};
use super::origin::{self, Told};
use super::rows;
use crate::diagnose::{Evidence, Finding, catalogue};
use crate::model::{Bundle, Link, LinkKind, Mac, Netns, Node, notation};
use crate::walk::path::{Cause, Drop, Hop, NoteKind, Path, Step, Unanswered};

/// Everything about the place where a packet is lost.
#[derive(Clone)]
pub(super) struct Case<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) path: &'a Path,
    pub(super) drop: &'a Drop,
    pub(super) node: &'a Node,
    pub(super) netns: &'a Netns,
    pub(super) link: Option<&'a Link>,
    /// What people call the namespace.
    pub(super) name: String,
}

/// What a lost packet is a finding of.
pub(super) fn finding(bundle: &Bundle, path: &Path, drop: &Drop) -> Finding {
    let told = bundle
        .node(&drop.at.node)
        .and_then(|node| Some((node, node.netns(drop.at.netns)?)))
        .map(|(node, netns)| {
            let device = drop.at.device.as_ref();
            let case = Case {
                bundle,
                path,
                drop,
                node,
                netns,
                link: device.and_then(|device| netns.link(device.index)),
                name: drop.at.name.clone(),
            };
            case.told()
        });
    let told = told.unwrap_or_else(|| Told::new("lost-here", &drop.at.node));
    let mut evidence = rows(&drop.at.node, &drop.rows);
    evidence.extend(told.evidence);
    if evidence.is_empty() {
        let rows_before = path.hops.last().map_or(&[][..], |hop| hop.rows.as_slice());
        evidence = rows(&drop.at.node, rows_before);
    }
    let entry = catalogue::find(told.id);
    Finding {
        id: told.id,
        severity: entry.map_or(crate::diagnose::Severity::Fault, |entry| entry.severity),
        node: told.node,
        place: told.place,
        device: told.device,
        what: told.what,
        why: told.why.unwrap_or_else(|| {
            let sentence = entry.map_or("", |entry| entry.mechanism);
            sentence
                .split_inclusive(". ")
                .next()
                .unwrap_or(sentence)
                .trim()
                .to_owned()
        }),
        evidence,
        show: told.show,
        fix: told.fix,
    }
}

impl<'a> Case<'a> {
    /// A finding at the place of the drop.
    pub(super) fn here(&self, id: &'static str) -> Told {
        let told = Told::new(id, &self.node.name);
        let told = match self.link {
            Some(link) => told.device(&link.name),
            None => told,
        };
        if self.is_pod() {
            told.place(self.name.clone())
        } else {
            told
        }
    }

    /// A finding of the node where it is lost, without a device.
    pub(super) fn of_node(&self, id: &'static str) -> Told {
        Told::new(id, &self.node.name)
    }

    pub(super) fn is_pod(&self) -> bool {
        self.netns.id != self.node.root
    }

    /// What to put before a command so that it works where the packet is lost.
    pub(super) fn prefix(&self) -> String {
        match self.netns.paths.first() {
            Some(path) if self.is_pod() => format!("nsenter --net={path} "),
            _ => String::new(),
        }
    }

    /// The decisive row, as text.
    pub(super) fn row(&self) -> &'a str {
        self.drop.rows.first().map_or("", |row| row.text.as_str())
    }

    /// The last hop that put the packet into another one, if it is still in there.
    pub(super) fn wrapped_at(&self) -> Option<&'a Hop> {
        let last = self.path.hops.last()?;
        last.headers.outer?;
        self.path
            .hops
            .iter()
            .rev()
            .find(|hop| hop.step == Step::Wrap)
    }

    /// The address that the packet has become, after all translation.
    pub(super) fn destination(&self) -> IpAddr {
        self.path
            .hops
            .last()
            .map_or(self.path.packet.destination, |hop| hop.headers.destination)
    }

    fn told(&self) -> Told {
        let asked = match &self.drop.cause {
            Cause::NeighbourUnresolved { address, .. } => Some(*address),
            _ => None,
        };
        let packet = &self.path.packet;
        let addresses = [packet.source, packet.destination, self.destination()]
            .into_iter()
            .chain(asked);
        if let Some(told) = origin::unusable(self.bundle, addresses) {
            return told;
        }
        match &self.drop.cause {
            Cause::NoRoute { destination } => self.no_route(*destination),
            Cause::RouteForbids { destination, kind } => self.forbidden(*destination, kind),
            Cause::SourceNotLocal { source } => self.source_missing(*source),
            Cause::DeviceDown | Cause::TunnelDeviceDown | Cause::BridgeDown => match self.link {
                Some(link) => device_down(self.node, self.netns, link),
                None => self.here("device-down").what("a device is down"),
            },
            Cause::PeerDown { peer } => self.peer_down(peer.as_ref()),
            Cause::NeighbourUnresolved { address, why } => self.unresolved(*address, why),
            Cause::NeighbourWrong { address, mac, real } => {
                self.wrong_neighbour(*address, *mac, *real)
            }
            Cause::ArpOff => self.arp_off("arp off"),
            Cause::NotForThisMac { mac, .. } => self.not_for_this(*mac),
            Cause::ForwardingOff { sysctl } => self.forwarding_off(sysctl),
            Cause::ReversePath { source, mode } => self.reverse_path(*source, *mode),
            Cause::Martian { address, why } => self.martian(*address, why),
            Cause::DeliveredElsewhere { to } => Told::new("duplicate-pod-address", &to.node)
                .place(to.name.clone())
                .what(format!(
                    "{} reaches {to}, which has the address too",
                    self.destination()
                ))
                .show(format!("ovl pod {}", self.destination()))
                .fix("delete one of the pods that have the address"),
            Cause::NotInBridge { bridge } => self.outside_bridge(bridge),
            Cause::PortNotForwarding { state } => self.port(state),
            Cause::PortIsolated => {
                let name = self.device_name();
                self.here("bridge-port-isolated")
                    .what(format!(
                        "{name} is isolated, as the port the frame came by is"
                    ))
                    .show(format!("bridge -d link show dev {name}"))
                    .fix(format!("bridge link set dev {name} isolated off"))
            }
            Cause::HairpinOff => {
                let name = self.device_name();
                self.here("hairpin-off")
                    .what(format!(
                        "the frame would leave by {name}, by which it came, and hairpin is off"
                    ))
                    .show(format!("bridge -d link show dev {name}"))
                    .fix(format!("bridge link set dev {name} hairpin on"))
            }
            Cause::BridgeFdbWrong { mac, right } => self.bridge_fdb(*mac, right.as_deref()),
            Cause::BridgeKnowsNobody { mac } => self.bridge_knows_nobody(*mac),
            Cause::NoTunnelEnd { mac } => self.no_tunnel_end(*mac),
            Cause::NotInFloodList { missing, .. } => {
                let name = self.device_name();
                self.here("flood-list-missing-peer")
                    .what(format!("{name} does not send unknown frames to {missing}"))
                    .show(format!("bridge fdb show dev {name} | grep 00:00:00:00:00:00"))
                    .fix(format!("bridge fdb append 00:00:00:00:00:00 dev {name} dst {missing} self permanent"))
            }
            Cause::WrongTunnelEnd {
                mac,
                sent_to,
                right,
            } => self.wrong_tunnel_end(*mac, *sent_to, *right),
            Cause::TunnelEndIsSelf { address } => {
                let name = self.tunnel_name();
                self.here("fdb-entry-to-itself")
                    .device(&name)
                    .what(format!(
                        "{name} sends the frame to {address}, which is the node itself"
                    ))
                    .show(format!("bridge fdb show dev {name}"))
                    .fix(format!(
                        "bridge fdb replace MAC dev {name} dst NODE_ADDRESS self permanent"
                    ))
            }
            Cause::NoTunnelDevice { port, there } => origin::no_tunnel(self, *port, there),
            Cause::VniMismatch { vni, there } => origin::other_vni(self, *vni, there),
            Cause::NoIpTunnel { protocol } => self
                .of_node("tunnel-device-missing")
                .what(format!(
                    "nothing on {} takes packets of protocol {protocol}",
                    self.node.name
                ))
                .show("ip -d link show")
                .fix("restart the network agent of the node, which makes the device"),
            Cause::TunnelPeerUnknown { address } => self
                .here("tunnel-peer-unknown")
                .what(format!(
                    "{} takes nothing from {address}",
                    self.device_name()
                ))
                .show(format!("ip -d link show {}", self.device_name()))
                .fix("set the device's remote to the sender's address, or to none"),
            Cause::DuplicateTunnelMac { mac } => origin::duplicate_mac(self, *mac),
            Cause::NobodyHasAddress { address } => self.nobody(*address),
            Cause::WrongNode { node, right } => origin::wrong_node(self, node, right.as_deref()),
            Cause::MtuExceeded { mtu, size, silent } => {
                super::quiet::size_finding(self, *mtu, *size, *silent)
            }
            Cause::Filtered {
                by,
                chain,
                rejected,
                policy,
                undo,
            } => filtered::told(
                self,
                &Filtered {
                    by,
                    chain,
                    rejected: *rejected,
                    policy: *policy,
                    undo,
                },
            ),
            Cause::HopLimit if !self.drop.rows.is_empty() => self
                .of_node("hop-limit-exceeded")
                .what(format!(
                    "a rule leaves the packet no hops to go: {}",
                    self.row()
                ))
                .show("iptables-save -t mangle -c; nft -a list ruleset")
                .fix("take the rule away"),
            Cause::Loop | Cause::HopLimit => self
                .of_node("hop-limit-exceeded")
                .what("the packet goes in a circle")
                .show(format!("ip route get {}", self.destination()))
                .fix("correct the route on the node that sends it back"),
            Cause::NothingListens { protocol, port } => {
                let (id, flag) = if *protocol == "tcp" {
                    ("nothing-listening-tcp", "t")
                } else {
                    ("nothing-listening-udp", "u")
                };
                let mut told = self
                    .of_node(id)
                    .what(format!(
                        "nothing listens on {protocol} port {port} of {}",
                        self.name
                    ))
                    .show(format!("{}ss -l{flag}n", self.prefix()))
                    .fix("start the server, or have it listen on all addresses");
                if self.is_pod() {
                    told = told.place(self.name.clone());
                }
                told
            }
            Cause::NoEndpoint { address } => self.no_endpoint(*address),
            Cause::FamilyOff => {
                let name = self.device_name();
                self.here("ipv6-off")
                    .what(format!("IPv6 is switched off on {name}"))
                    .show(format!(
                        "{}sysctl {}",
                        self.prefix(),
                        notation::setting("ipv6", &name, "disable_ipv6")
                    ))
                    .fix(format!(
                        "{}sysctl -w {}=0",
                        self.prefix(),
                        notation::setting("ipv6", &name, "disable_ipv6")
                    ))
            }
        }
    }

    /// The device's name; where there is none, of the last hop.
    pub(super) fn device_name(&self) -> String {
        match self.link {
            Some(link) => link.name.clone(),
            None => {
                let hop = self.path.hops.last();
                let device = hop.and_then(|hop| hop.at.device.as_ref());
                device.map_or_else(|| "?".to_owned(), |device| device.name.clone())
            }
        }
    }

    /// The tunnel device that wrapped the packet; else that of the place.
    pub(super) fn tunnel_name(&self) -> String {
        let hop = self.wrapped_at().and_then(|hop| hop.at.device.as_ref());
        hop.map_or_else(|| self.device_name(), |device| device.name.clone())
    }

    fn no_route(&self, destination: IpAddr) -> Told {
        if let Some(told) = origin::of_routing(self, destination) {
            return told;
        }
        if self.is_pod() {
            // With a device or an address go its routes; that is what is to be told.
            if let Some(told) = origin::broken_pod(self.node, self.netns) {
                return told;
            }
            return self
                .of_node("pod-default-route-missing")
                .place(self.name.clone())
                .what(format!("{} has no route to {destination}", self.name))
                .show(format!("{}ip route", self.prefix()))
                .fix(match origin::gateway_given(self.node, self.netns) {
                    Some(gateway) => format!(
                        "{}ip route add default via {gateway} dev eth0",
                        self.prefix()
                    ),
                    None => format!("{}ip route add default via GATEWAY dev eth0", self.prefix()),
                });
        }
        origin::no_block_route(self, destination)
    }

    fn forbidden(&self, destination: IpAddr, kind: &str) -> Told {
        if let Some(told) = origin::of_routing(self, destination) {
            return told;
        }
        if !self.is_pod() {
            // The node's own block discards what is for pods that are not routed to.
            let found = origin::host_route(self.bundle, destination)
                .filter(|told| told.node == self.node.name)
                .or_else(|| origin::claimed_twice(self, destination));
            if let Some(told) = found {
                return told;
            }
            if self
                .path
                .notes
                .iter()
                .any(|note| matches!(note.kind, NoteKind::DestinationTranslated { .. }))
                && facts::holders(self.bundle, destination).next().is_none()
            {
                return origin::dead_endpoint(self, destination);
            }
        }
        let row = self.row();
        let id = if kind == "blackhole" {
            "blackhole-route"
        } else {
            "unreachable-route"
        };
        // A rule decides by itself, without a table.
        if let Some((priority, _)) = row.split_once(": ")
            && priority.bytes().all(|octet| octet.is_ascii_digit())
        {
            return self
                .of_node("rule-hijacks-route")
                .what(format!("the rule {row} discards what is for {destination}"))
                .show(format!("ip rule; ip route get {destination}"))
                .fix(format!("ip rule del priority {priority}"));
        }
        let prefix = row.split_whitespace().nth(1).unwrap_or_default();
        self.of_node(id)
            .what(format!("the row that decides about {destination} is {row}"))
            .show(format!("ip route get {destination}"))
            .fix(format!("ip route del {kind} {prefix}"))
    }

    fn source_missing(&self, source: IpAddr) -> Told {
        origin::broken_pod(self.node, self.netns).unwrap_or_else(|| {
            self.here("pod-address-missing")
                .what(format!("{} does not have {source}", self.name))
                .show(format!("{}ip address", self.prefix()))
                .fix("delete the pod, so that its network is set up again")
        })
    }

    fn peer_down(&self, peer: Option<&crate::walk::path::Place>) -> Told {
        let other = peer.and_then(|place| {
            let node = self.bundle.node(&place.node)?;
            let netns = node.netns(place.netns)?;
            let link = netns.link(place.device.as_ref()?.index)?;
            Some((node, netns, link))
        });
        match other {
            Some((node, netns, link)) => device_down(node, netns, link),
            None => {
                let name = self.device_name();
                self.here("device-without-carrier")
                    .what(format!("{name} has no carrier"))
                    .show(format!("{}ip link show {name}", self.prefix()))
                    .fix("bring up what is at the other end of it")
            }
        }
    }

    /// The same, in the namespace that asked for `address` and at the device it asked on: the place of the drop is
    /// where the answer should have come from.
    fn asker(&self, address: IpAddr) -> Self {
        let last = self.path.hops.last().map(|hop| &hop.at);
        let space = match last {
            Some(at) => self
                .bundle
                .node(&at.node)
                .and_then(|node| Some((node, node.netns(at.netns)?))),
            // Nothing has left the sender yet.
            None => facts::holders(self.bundle, self.path.packet.source)
                .next()
                .map(|holder| (holder.node, holder.netns)),
        };
        let Some((node, netns)) = space else {
            return self.clone();
        };
        let link = origin::asked_on(self, netns, address);
        let name = if netns.id == node.root {
            "root".to_owned()
        } else {
            crate::inspect::find::occupant(node, netns)
        };
        Self {
            node,
            netns,
            link,
            name,
            ..self.clone()
        }
    }

    /// The device is told not to speak ARP, or not of its addresses.
    fn arp_off(&self, setting: &str) -> Told {
        let (name, prefix) = (self.device_name(), self.prefix());
        let told = self.here("arp-off");
        if setting == "arp off" {
            told.what(format!(
                "{name} neither asks nor answers ARP: it is set to arp off"
            ))
            .show(format!("{prefix}ip link show {name}"))
            .fix(format!("{prefix}ip link set {name} arp on"))
        } else {
            told.what(format!(
                "{name} does not answer ARP for its address: {setting}"
            ))
            .show(format!(
                "{prefix}sysctl net.ipv4.conf.all.arp_ignore {}",
                notation::setting("ipv4", &name, "arp_ignore")
            ))
            .fix(format!(
                "{prefix}sysctl -w net.ipv4.conf.all.arp_ignore=0 {}=0",
                notation::setting("ipv4", &name, "arp_ignore")
            ))
        }
    }

    fn unresolved(&self, address: IpAddr, why: &Unanswered) -> Told {
        if let Unanswered::Refused { setting, .. } = why {
            return self.arp_off(setting);
        }
        let asker = self.asker(address);
        if asker.is_pod() {
            asker.pod_unresolved(address, why)
        } else {
            asker.node_unresolved(address, why)
        }
    }

    /// A node that gets no answer for its next hop.
    fn node_unresolved(&self, address: IpAddr, why: &Unanswered) -> Told {
        if let Some(told) = origin::of_routing(self, address) {
            return told;
        }
        // For a pod: the pod itself is at fault.
        if let Some(told) = origin::broken_destination(self, address)
            .or_else(|| origin::claimed_twice(self, address))
            .or_else(|| origin::flat(self, address))
        {
            return told;
        }
        if self.is_dead_endpoint(address) {
            return origin::dead_endpoint(self, address);
        }
        let name = self.device_name();
        let is_tunnel = self
            .link
            .is_some_and(|link| matches!(link.kind, LinkKind::Vxlan(_)));
        if is_tunnel {
            return self
                .here("vtep-neighbour-missing")
                .what(format!(
                    "{name} does not know the MAC of {address}, and nobody answers for it there"
                ))
                .show(format!("ip neigh show dev {name}"))
                .fix(match origin::tunnel_mac(self.bundle, address) {
                    Some(mac) => {
                        format!("ip neigh replace {address} lladdr {mac} dev {name} nud permanent")
                    }
                    None => format!(
                        "ip neigh replace {address} lladdr VTEP_MAC dev {name} nud permanent"
                    ),
                });
        }
        if let Unanswered::NotHeard(cause) = why {
            return self.not_heard(cause);
        }
        self.here("next-hop-unresolved")
            .what(format!("nobody on {name} answers for {address}"))
            .show(format!("ip neigh show {address} dev {name}"))
            .fix("correct the gateway in the route, or bring the host that has the address back")
    }

    /// The question is lost on the way to who could answer it, at the place of the drop.
    fn not_heard(&self, cause: &Cause) -> Told {
        let inner = Drop {
            cause: cause.clone(),
            ..self.drop.clone()
        };
        let place = self
            .bundle
            .node(&self.drop.at.node)
            .and_then(|node| Some((node, node.netns(self.drop.at.netns)?)));
        let (node, netns) = place.unwrap_or((self.node, self.netns));
        let device = self.drop.at.device.as_ref();
        let case = Case {
            drop: &inner,
            node,
            netns,
            link: device.and_then(|device| netns.link(device.index)),
            name: self.drop.at.name.clone(),
            ..self.clone()
        };
        case.told_owned()
    }

    /// Whether the packet was translated to an address that nobody has.
    fn is_dead_endpoint(&self, address: IpAddr) -> bool {
        let translated = self
            .path
            .notes
            .iter()
            .any(|note| note.kind == NoteKind::DestinationTranslated { to: address });
        translated && facts::holders(self.bundle, address).next().is_none()
    }

    /// The same as [`Self::told`], for a case that does not live as long.
    fn told_owned(&self) -> Told {
        self.told()
    }

    /// A pod that gets no answer for its next hop.
    fn pod_unresolved(&self, address: IpAddr, why: &Unanswered) -> Told {
        let pod = self.name.clone();
        if let Some(told) = origin::broken_pod(self.node, self.netns) {
            return told;
        }
        let given = origin::gateway_given(self.node, self.netns);
        let is_default = origin::default_gateway(self.netns, address.is_ipv4()) == Some(address);
        if is_default && given.is_some_and(|given| given != address) {
            let (given, device) = (given.unwrap_or(address), self.device_name());
            return self
                .here("pod-default-route-wrong")
                .what(format!(
                    "the default route of {pod} leads to {address}; its network gave it {given}"
                ))
                .show(format!("{0}ip route; {0}ip neigh", self.prefix()))
                .fix(format!(
                    "{}ip route replace default via {given} dev {device}",
                    self.prefix()
                ));
        }
        if !is_default && let Some(told) = origin::broken_destination(self, address) {
            return told;
        }
        let at =
            |device: &str, id: &'static str| self.of_node(id).place(pod.clone()).device(device);
        match why {
            Unanswered::ProxyOff { device } => at(device, "proxy-arp-off")
                .what(format!(
                    "{device} does not answer ARP for {address}, the gateway of {pod}"
                ))
                .show(format!(
                    "sysctl {}",
                    notation::setting("ipv4", device, "proxy_arp")
                ))
                .fix(format!(
                    "sysctl -w {}=1",
                    notation::setting("ipv4", device, "proxy_arp")
                )),
            Unanswered::ForwardingOff { device } => {
                let root = self.node.root();
                let off =
                    root.and_then(|root| root.sysctl_number("net.ipv4.ip_forward")) == Some(0);
                if off {
                    return ip_forward_off(self.of_node("ip-forward-off"));
                }
                at(device, "veth-forwarding-off")
                    .what(format!("{device} does not forward, and so does not answer for {address}, the gateway of {pod}"))
                    .show(format!("sysctl {}", notation::setting("ipv4", device, "forwarding")))
                    .fix(format!(
                        "sysctl -w {}=1",
                        notation::setting("ipv4", device, "forwarding")
                    ))
            }
            Unanswered::NoRoute { device } => at(device, "gateway-without-route")
                .what(format!(
                    "the node has no route to {address}, and so {device} does not answer for it"
                ))
                .show(format!("ip route get {address}"))
                .fix(format!("ip route add {address} dev lo scope link")),
            Unanswered::Refused { setting, .. } => self.arp_off(setting),
            Unanswered::NotHeard(cause) => {
                origin::flat(self, address).unwrap_or_else(|| self.not_heard(cause))
            }
            Unanswered::Nobody => {
                let bridge = self
                    .link
                    .and_then(|link| facts::outer(self.node, link))
                    .and_then(|outer| self.node.root()?.link(outer.master?));
                let told = match bridge {
                    Some(bridge) => self.of_node("gateway-unanswered").device(&bridge.name),
                    None => self.here("gateway-unanswered"),
                };
                let fix = match bridge {
                    Some(bridge) => format!("ip address add {address}/PREFIX dev {}", bridge.name),
                    None => "bring the gateway back, or correct the pod's route".to_owned(),
                };
                told.what(format!(
                    "nobody answers for {address}, by which {pod} sends"
                ))
                .show(format!("{}ip neigh show {address}", self.prefix()))
                .fix(fix)
            }
        }
    }

    fn wrong_neighbour(&self, address: IpAddr, mac: Mac, real: Option<Mac>) -> Told {
        let name = self.device_name();
        let is_tunnel = self
            .link
            .is_some_and(|link| matches!(link.kind, LinkKind::Vxlan(_)));
        if is_tunnel && let Some(told) = origin::taken_mac(self, address, real) {
            return told;
        }
        let id = match self.link.map(|link| role(self.node, self.netns, link)) {
            Some(Role::Tunnel) => "vtep-neighbour-stale",
            Some(Role::Underlay) => "underlay-neighbour-stale",
            _ => "neighbour-mac-wrong",
        };
        let (is, fix) = match real {
            Some(real) if is_tunnel => (
                format!("; it has {real}"),
                format!("ip neigh replace {address} lladdr {real} dev {name} nud permanent"),
            ),
            Some(real) => (
                format!("; it has {real}"),
                format!("{}ip neigh del {address} dev {name}", self.prefix()),
            ),
            None => (
                String::new(),
                format!("{}ip neigh del {address} dev {name}", self.prefix()),
            ),
        };
        self.here(id)
            .what(format!("the entry for {address} on {name} says {mac}{is}"))
            .show(format!(
                "{}ip neigh show {address} dev {name}",
                self.prefix()
            ))
            .fix(fix)
    }

    /// A frame that arrives where its MAC is not.
    fn not_for_this(&self, mac: Mac) -> Told {
        if let Some(wrap) = self
            .path
            .hops
            .iter()
            .rev()
            .find(|hop| hop.step == Step::Wrap)
            && self
                .link
                .is_some_and(|link| matches!(link.kind, LinkKind::Vxlan(_)))
            && let Some(device) = &wrap.at.device
        {
            let owners = facts::tunnels_with(self.bundle, mac);
            let (from, name) = (&wrap.at.node, &device.name);
            if let [(owner, _), ..] = owners.as_slice() {
                return Told::new("fdb-entry-stale", from)
                    .device(name)
                    .evidence(rows(from, &wrap.rows))
                    .what(format!(
                        "{name} sends frames for {mac} to {}; the MAC is that of {}",
                        self.node.name, owner.name
                    ))
                    .show(format!("bridge fdb show dev {name} | grep {mac}"))
                    .fix(format!(
                        "bridge fdb replace {mac} dev {name} dst NODE_ADDRESS self permanent"
                    ));
            }
            if let Some(told) = origin::changed_mac(self, from, name, mac) {
                return told;
            }
        }
        self.here("neighbour-mac-wrong")
            .what(format!(
                "the frame is for {mac}, and {} does not have that",
                self.device_name()
            ))
            .show(format!(
                "{}ip link show {}",
                self.prefix(),
                self.device_name()
            ))
            .fix("delete the neighbour entry at the sender")
    }

    fn forwarding_off(&self, sysctl: &str) -> Told {
        // A pod is no router: what it would have to forward is for an address that it does not have.
        if self.is_pod() {
            return self.source_missing(self.destination());
        }
        if sysctl.contains("ipv6") {
            return self
                .of_node("ip-forward-off")
                .what("the node does not forward IPv6")
                .show(format!("sysctl {sysctl}"))
                .fix(format!("sysctl -w {sysctl}=1"))
                .evidence(vec![Evidence::new("sysctl", format!("{sysctl} = 0"))]);
        }
        let root = self.node.root();
        let whole = root.and_then(|root| root.sysctl_number("net.ipv4.ip_forward")) == Some(0);
        if whole || sysctl.ends_with("ip_forward") || sysctl.contains("conf.all.") {
            return ip_forward_off(self.of_node("ip-forward-off"));
        }
        let name = self.device_name();
        let mut told = self.here("veth-forwarding-off");
        if let Some(pod) = self
            .link
            .and_then(|link| facts::pod_behind(self.node, link))
        {
            told = told.place(pod);
        }
        told.what(format!("{name} does not forward what comes in by it"))
            .show(format!("sysctl {sysctl}"))
            .fix(format!("sysctl -w {sysctl}=1"))
    }

    fn reverse_path(&self, source: IpAddr, mode: i32) -> Told {
        if let Some(told) = origin::host_route(self.bundle, source) {
            return told;
        }
        let name = self.device_name();
        let how = if mode == 1 { "strict" } else { "loose" };
        self.here("rp-filter-drop")
            .what(format!(
                "{name} does not believe that {source} is behind it (rp_filter {mode}, {how})"
            ))
            .show(format!(
                "sysctl net.ipv4.conf.all.rp_filter {}; ip route get {source}",
                notation::setting("ipv4", &name, "rp_filter")
            ))
            .fix(format!(
                "sysctl -w {}=2, or mend the way back to {source}",
                notation::setting("ipv4", &name, "rp_filter")
            ))
    }

    fn martian(&self, address: IpAddr, why: &str) -> Told {
        if let Some(told) = origin::host_route(self.bundle, address) {
            return told;
        }
        self.here("martian-source")
            .what(format!(
                "{address} cannot come by {}: {why}",
                self.device_name()
            ))
            .show(format!("ip route get {address}"))
            .fix("mend the route to the address, or find who sends with it: ovl pod ADDRESS")
    }

    fn outside_bridge(&self, bridge: &str) -> Told {
        let pod = self
            .link
            .and_then(|link| facts::pod_behind(self.node, link));
        let name = self.device_name();
        let told = self.here("veth-not-in-bridge");
        let told = match pod {
            Some(pod) => told.place(pod),
            None => told,
        };
        told.what(format!("{name} is not a port of {bridge}"))
            .show(format!("ip link show {name}; bridge link"))
            .fix(format!("ip link set {name} master {bridge}"))
    }

    fn port(&self, state: &str) -> Told {
        if let Some(link) = self.link
            && !link.is_up()
        {
            return device_down(self.node, self.netns, link);
        }
        let name = self.device_name();
        let mut told = self.here("bridge-port-not-forwarding");
        if let Some(pod) = self
            .link
            .and_then(|link| facts::pod_behind(self.node, link))
        {
            told = told.place(pod);
        }
        told.what(format!(
            "{name} is {state}, and a bridge passes frames of forwarding ports only"
        ))
        .show(format!("bridge -d link show dev {name}"))
        .fix(format!("bridge link set dev {name} state 3"))
    }

    fn bridge_fdb(&self, mac: Mac, right: Option<&str>) -> Told {
        let bridge = self.bridge_name();
        let port = self
            .row()
            .split_whitespace()
            .skip_while(|w| *w != "dev")
            .nth(1)
            .unwrap_or("PORT");
        let is = right.map_or_else(String::new, |right| format!("; it is behind {right}"));
        self.of_node("bridge-fdb-wrong")
            .device(&bridge)
            .what(format!("{bridge} believes {mac} behind {port}{is}"))
            .show(format!("bridge fdb show br {bridge} | grep {mac}"))
            .fix(format!("bridge fdb del {mac} dev {port} master"))
    }

    /// The bridge of the place: the device itself, its master, or that of the last port.
    fn bridge_name(&self) -> String {
        let bridge = self.link.and_then(|link| match link.kind {
            LinkKind::Bridge(_) => Some(link),
            _ => self.netns.link(link.master?),
        });
        let of_row = self
            .row()
            .split_whitespace()
            .skip_while(|word| *word != "master")
            .nth(1);
        match (bridge, of_row) {
            (Some(bridge), _) => bridge.name.clone(),
            (None, Some(name)) => name.to_owned(),
            (None, None) => self.device_name(),
        }
    }

    fn bridge_knows_nobody(&self, mac: Mac) -> Told {
        if let Some(told) = origin::tunnel_missing(self) {
            return told;
        }
        if let Some(told) = origin::broken_destination(self, self.destination()) {
            return told;
        }
        let bridge = self.bridge_name();
        self.of_node("bridge-fdb-wrong")
            .device(&bridge)
            .what(format!("{bridge} has no port behind which {mac} is"))
            .show(format!("bridge fdb show br {bridge}; bridge link"))
            .fix("plug the device that has the MAC into the bridge")
    }

    fn no_tunnel_end(&self, mac: Mac) -> Told {
        let name = self.device_name();
        let owner = facts::tunnels_with(self.bundle, mac)
            .first()
            .and_then(|(node, _)| {
                facts::tunnels(self.bundle).find(|(other, ..)| other.name == node.name)
            })
            .and_then(|(_, _, vxlan)| vxlan.local);
        if owner.is_none()
            && let Some(told) = origin::changed_mac(self, &self.node.name, &name, mac)
        {
            return told;
        }
        let dst = owner.map_or_else(|| "NODE_ADDRESS".to_owned(), |owner| owner.to_string());
        self.here("fdb-entry-missing")
            .what(format!(
                "{name} does not know behind which node {mac} is, and floods to none"
            ))
            .show(format!("bridge fdb show dev {name} | grep {mac}"))
            .fix(format!(
                "bridge fdb append {mac} dev {name} dst {dst} self permanent"
            ))
    }

    fn wrong_tunnel_end(&self, mac: Mac, sent_to: IpAddr, right: Option<IpAddr>) -> Told {
        let name = self.tunnel_name();
        let is = right.map_or_else(String::new, |right| format!("; it is behind {right}"));
        let dst = right.map_or_else(|| "NODE_ADDRESS".to_owned(), |right| right.to_string());
        let mut told = self.here("fdb-entry-stale").device(&name);
        // The row is the sender's, wherever the frame ended up.
        if let Some(wrap) = self.wrapped_at() {
            told = Told::new("fdb-entry-stale", &wrap.at.node)
                .device(&name)
                .evidence(rows(&wrap.at.node, &wrap.rows));
        }
        told.what(format!("{name} sends frames for {mac} to {sent_to}{is}"))
            .show(format!("bridge fdb show dev {name} | grep {mac}"))
            .fix(format!(
                "bridge fdb replace {mac} dev {name} dst {dst} self permanent"
            ))
    }

    fn nobody(&self, address: IpAddr) -> Told {
        if let Some(told) = origin::of_routing(self, address) {
            return told;
        }
        if self.is_dead_endpoint(address) {
            return origin::dead_endpoint(self, address);
        }
        if let Some(told) = origin::passed_to_router(self, self.destination())
            .or_else(|| origin::broken_destination(self, address))
            .or_else(|| origin::broken_destination(self, self.destination()))
        {
            return told;
        }
        if let Some(wrap) = self.wrapped_at()
            && wrap
                .headers
                .outer
                .is_some_and(|outer| outer.destination == address)
        {
            let name = self.tunnel_name();
            return Told::new("fdb-entry-stale", &wrap.at.node)
                .device(&name)
                .evidence(rows(&wrap.at.node, &wrap.rows))
                .what(format!(
                    "{name} sends the frame to {address}, which no node has"
                ))
                .show(format!("bridge fdb show dev {name}"))
                .fix(format!(
                    "bridge fdb replace MAC dev {name} dst NODE_ADDRESS self permanent"
                ));
        }
        let name = self.device_name();
        self.here("next-hop-unresolved")
            .what(format!("nobody on {name} has {address}"))
            .show(format!("ip neigh show {address} dev {name}"))
            .fix("correct the gateway in the route, or bring the host that has the address back")
    }

    pub(super) fn no_endpoint(&self, address: IpAddr) -> Told {
        self.of_node("service-without-endpoints")
            .what(format!("the service at {address} has no endpoint"))
            .show("iptables-save | grep 'has no endpoints'")
            .fix("make a pod ready that the service selects: kubectl describe service")
    }
}

pub(super) fn ip_forward_off(told: Told) -> Told {
    told.what("the node does not forward IPv4")
        .show("sysctl net.ipv4.ip_forward")
        .fix("sysctl -w net.ipv4.ip_forward=1")
        .evidence(vec![Evidence::new("sysctl", "net.ipv4.ip_forward = 0")])
}

/// A device that is down, by the role it plays.
pub(super) fn device_down(node: &Node, netns: &Netns, link: &Link) -> Told {
    let kind = role(node, netns, link);
    let id = match kind {
        // A bridge without ports and a pair whose other end is down have none either.
        Role::Underlay if link.is_up() && !link.is_running() => "device-without-carrier",
        Role::Pods => "pod-device-down",
        Role::HostEnd => "host-veth-down",
        Role::Port => "bridge-port-down",
        Role::Bridge => "bridge-down",
        Role::Tunnel => "vxlan-device-down",
        Role::Underlay => "device-down",
    };
    let name = &link.name;
    let mut told = Told::new(id, &node.name).device(name);
    let mut prefix = String::new();
    match kind {
        Role::Pods => {
            told = told.place(crate::inspect::find::occupant(node, netns));
            prefix = netns
                .paths
                .first()
                .map_or_else(String::new, |path| format!("nsenter --net={path} "));
        }
        Role::HostEnd | Role::Port => {
            if let Some(pod) = facts::pod_behind(node, link) {
                told = told.place(pod);
            }
        }
        _ => {}
    }
    let (what, fix) = if id == "device-without-carrier" {
        (
            format!("{name} has no carrier: nothing is at the other end of it"),
            "plug the cable in, or bring up what is at the other end".to_owned(),
        )
    } else {
        (
            format!("{name} is down"),
            format!("{prefix}ip link set {name} up, and the routes that went with it"),
        )
    };
    told.what(what)
        .show(format!("{prefix}ip link show {name}"))
        .fix(fix)
        .evidence(vec![Evidence::new(
            format!("{} link", node.name),
            format!(
                "{}: {name}: <{}>",
                link.index,
                link.flags.names().collect::<Vec<_>>().join(",")
            ),
        )])
}
