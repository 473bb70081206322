//! From the place where a walk ends to the finding: what is wrong, and not merely where it shows.

mod frame;
mod local;
mod neighbour;
mod routing;
mod vlan;

use std::net::IpAddr;

use super::facts::{self, Role, role};
use super::filtered::{self, Filtered};
use super::origin::{self, Told};
use super::rows;
use crate::diagnose::{Evidence, Finding, catalogue};
use crate::model::{Bundle, Link, Netns, Node, notation};
use crate::walk::path::{Cause, Drop, Hop, Packet, Path, Step};

/// A packet with fewer hops to go than this may end on a way that is right.
const FEW_HOPS: u8 = 16;

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

    /// A finding of the namespace where it is lost, without a device.
    pub(super) fn of_space(&self, id: &'static str) -> Told {
        let told = self.of_node(id);
        if self.is_pod() {
            told.place(self.name.clone())
        } else {
            told
        }
    }

    pub(super) fn is_pod(&self) -> bool {
        self.netns.id != self.node.root
    }

    /// What people call the place where the packet is lost: the pod, or the node.
    fn who(&self) -> &str {
        if self.is_pod() {
            &self.name
        } else {
            &self.node.name
        }
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
        if let Some(told) = self.enslaved() {
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
            Cause::DeliveredElsewhere { to } => {
                let told = self
                    .of_space("duplicate-pod-address")
                    .what(format!(
                        "{} reaches {to}, which has the address too",
                        self.destination()
                    ))
                    .show(format!("ovl pod {}", self.destination()))
                    .fix("delete one of the pods that have the address");
                match origin::borne_too(self, self.node, self.netns, self.destination()) {
                    Some(borne) => told.fix(borne.fix),
                    None => told,
                }
            }
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
            Cause::NotFlooded { setting } => {
                let name = self.device_name();
                let what = match *setting {
                    "flood" => "frames for a MAC that the bridge does not know",
                    "mcast_flood" => "multicasts, which IPv6 neighbours are asked by",
                    _ => "broadcasts, which ARP asks by",
                };
                self.here("bridge-port-flood-off")
                    .what(format!("{name} is kept from {what}"))
                    .show(format!("bridge -d link show dev {name}"))
                    .fix(format!("bridge link set dev {name} {setting} on"))
            }
            Cause::NoPvid => self.no_pvid(),
            Cause::NotInVlan { vlan } => self.not_in_vlan(*vlan),
            Cause::NoVlanDevice { vlan } => self.no_vlan_device(*vlan),
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
                    .fix(self.fdb_row(&name))
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
                super::size::told(self, *mtu, *size, *silent)
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
                .fix(
                    self.drop
                        .rows
                        .first()
                        .map_or_else(String::new, origin::without),
                ),
            // Less than any way is long: nobody goes in circles.
            Cause::HopLimit if self.path.packet.ttl < FEW_HOPS => self.few_hops(),
            Cause::Loop | Cause::HopLimit => self
                .of_node("hop-limit-exceeded")
                .what("the packet goes in a circle")
                .show(format!("ip route get {}", self.destination()))
                .fix("correct the route on the node that sends it back"),
            Cause::NothingListens { protocol, port } => self.nothing_listens(protocol, *port),
            Cause::SocketFull {
                protocol,
                port,
                waiting,
                limit,
            } => self.socket_full(protocol, *port, (*waiting, *limit)),
            Cause::EchoIgnored { setting } => self.echo_ignored(setting),
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

    /// The command that has a tunnel send the frame that it wrapped to where its MAC is.
    pub(super) fn fdb_row(&self, name: &str) -> String {
        let mac = self.wrapped_at().and_then(|hop| hop.headers.mac);
        match mac.and_then(|mac| Some((mac, facts::end_of(self.bundle, mac)?))) {
            Some((mac, end)) => {
                format!("bridge fdb replace {mac} dev {name} dst {end} self permanent")
            }
            None => {
                format!("correct the entry: bridge fdb replace, dev {name}, by the node's address")
            }
        }
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

    /// The sender itself gives its packets fewer hops than the way has.
    fn few_hops(&self) -> Told {
        let hops = self.path.packet.ttl;
        let holder = facts::holders(self.bundle, self.path.packet.source).next();
        let Some(holder) = holder else {
            return self.of_node("hop-limit-exceeded");
        };
        let mut told = Told::new("hop-limit-exceeded", &holder.node.name);
        let mut prefix = String::new();
        if holder.is_pod() {
            told = told.place(holder.name());
            let path = holder.netns.paths.first();
            prefix = path.map_or(prefix, |path| format!("nsenter --net={path} "));
        }
        let first = self
            .path
            .hops
            .first()
            .and_then(|hop| hop.at.device.as_ref());
        let setting = if self.path.packet.source.is_ipv4() {
            "net.ipv4.ip_default_ttl".to_owned()
        } else {
            let device = first.map_or("all", |device| device.name.as_str());
            notation::setting("ipv6", device, "hop_limit")
        };
        told.what(format!(
            "{} sends with a hop limit of {hops}, and the way is longer",
            holder.name()
        ))
        .show(format!("{prefix}sysctl {setting}"))
        .fix(format!("{prefix}sysctl -w {setting}={}", Packet::TTL))
        .evidence(vec![Evidence::new(
            format!("{} sysctl", holder.node.name),
            format!("{setting} = {hops}"),
        )])
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
            format!("{prefix}ip link set {name} up # and the routes that went with it"),
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
