//! Losses for want of a neighbour, or by a wrong one.

use std::net::IpAddr;

use super::{Case, ip_forward_off};
use crate::diagnose::Evidence;
use crate::diagnose::trace::facts::{self, Role, role};
use crate::diagnose::trace::origin::{self, Told};
use crate::diagnose::trace::rows;
use crate::model::{LinkKind, Mac, notation};
use crate::walk::fib::Fib;
use crate::walk::flow::Flow;
use crate::walk::path::{Cause, Drop, NoteKind, RowTable, Step, Unanswered};

impl Case<'_> {
    /// The same, in the namespace that asked for `address` and at the device it asked on: the place of the drop is
    /// where the answer should have come from.
    pub(super) fn asker(&self, address: IpAddr) -> Self {
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
    pub(super) fn arp_off(&self, setting: &str) -> Told {
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

    pub(super) fn unresolved(&self, address: IpAddr, why: &Unanswered) -> Told {
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
    pub(super) fn node_unresolved(&self, address: IpAddr, why: &Unanswered) -> Told {
        let own = || {
            origin::host_route(self.bundle, self.destination())
                .filter(|told| told.node == self.node.name)
        };
        if let Some(told) = origin::of_routing(self, address) {
            return told;
        }
        // For a pod: the pod itself is at fault.
        if let Some(told) = origin::broken_destination(self, address)
            .or_else(own)
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
                        "ip neigh replace {address} dev {name}, with the MAC of that tunnel end; or restart the network's agent"
                    ),
                });
        }
        if let Unanswered::NotHeard(cause) = why {
            return self.not_heard(address, cause);
        }
        self.here("next-hop-unresolved")
            .what(format!("nobody on {name} answers for {address}"))
            .show(format!("ip neigh show {address} dev {name}"))
            .fix("correct the gateway in the route, or bring the host that has the address back")
    }

    /// The question is lost on the way to who could answer it, at the place of the drop.
    pub(super) fn not_heard(&self, address: IpAddr, cause: &Cause) -> Told {
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
        let by_rule =
            matches!(self.drop.rows.first(), Some(row) if row.table == RowTable::Netfilter);
        let case = Case {
            drop: &inner,
            node,
            netns,
            link: device.and_then(|device| netns.link(device.index)),
            name: self.drop.at.name.clone(),
            ..self.clone()
        };
        let told = case.told_owned();
        if !by_rule {
            return told;
        }
        let what = format!(
            "{}; so {address} is asked for in vain by ICMPv6, or is not heard",
            told.what
        );
        told.what(what)
    }

    /// Whether the packet was translated to an address that nobody has.
    pub(super) fn is_dead_endpoint(&self, address: IpAddr) -> bool {
        let translated = self
            .path
            .notes
            .iter()
            .any(|note| note.kind == NoteKind::DestinationTranslated { to: address });
        translated && facts::holders(self.bundle, address).next().is_none()
    }

    /// The same as [`Self::told`], for a case that does not live as long.
    pub(super) fn told_owned(&self) -> Told {
        self.told()
    }

    /// A pod that gets no answer for its next hop.
    pub(super) fn pod_unresolved(&self, address: IpAddr, why: &Unanswered) -> Told {
        let pod = self.name.clone();
        if let Some(told) = origin::broken_pod(self.node, self.netns) {
            return told;
        }
        let given = origin::gateway_given(self.node, self.netns, address.is_ipv4());
        let is_default = origin::default_gateway(self.netns, address.is_ipv4()) == Some(address);
        if is_default && given.is_some_and(|given| given != address) {
            let (given, device) = (given.unwrap_or(address), self.device_name());
            return self
                .here("pod-default-route-wrong")
                .what(format!(
                    "the default route of {pod} leads to {address}; its network gave it {given}"
                ))
                .show(format!("{0}ip route; {0}ip neigh", self.prefix()))
                .fix(self.back_to(given, address, &device));
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
                origin::flat(self, address).unwrap_or_else(|| self.not_heard(address, cause))
            }
            // It asks for the destination itself, not for a gateway.
            Unanswered::Nobody if address == self.destination() => {
                origin::flat(self, address).unwrap_or_else(|| self.taken_for_near(address))
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

    /// The command that leaves the pod the default route that its network gave it, and not the wrong one.
    fn back_to(&self, given: IpAddr, wrong: IpAddr, device: &str) -> String {
        let prefix = self.prefix();
        let mut routes = self.netns.routes.iter().filter(|route| route.is_default());
        let has_right = routes.any(|route| {
            let mut hops = route.nexthops.iter();
            hops.any(|hop| hop.gateway == Some(given))
        });
        if has_right {
            format!("{prefix}ip route del default via {wrong} dev {device}")
        } else {
            format!("{prefix}ip route replace default via {given} dev {device}")
        }
    }

    /// A pod looks for an address on its own link that is not there.
    fn taken_for_near(&self, address: IpAddr) -> Told {
        let (pod, name, prefix) = (&self.name, self.device_name(), self.prefix());
        let decision = Fib::new(self.netns).lookup(&Flow::to(address));
        let row = decision
            .route
            .map_or_else(String::new, |route| notation::route(route, self.netns));
        let told = self
            .here("next-hop-unresolved")
            .what(format!(
                "{pod} takes {address} to be on the link of {name} ({row}), and nobody there answers for it"
            ))
            .show(format!("{prefix}ip route get {address}; {prefix}ip address show dev {name}"))
            .evidence(vec![Evidence::new(format!("{} route", self.node.name), row)]);
        // With another length than its network gave it, an address brings another network along.
        let given = origin::prefix_given(self.node, self.netns);
        let own = given.and_then(|given| {
            let rows = self.netns.addresses.iter();
            let mut rows = rows.filter(|row| row.address == given.addr());
            rows.find(|row| row.prefix_len != given.prefix_len())
        });
        match (given, own) {
            (Some(given), Some(own)) => {
                let mut fix = format!(
                    "{prefix}ip address del {}/{} dev {name}; {prefix}ip address add {given} dev {name}",
                    own.address, own.prefix_len
                );
                // With the address go the routes by it.
                let v4 = address.is_ipv4();
                if let Some(gateway) = origin::gateway_given(self.node, self.netns, v4) {
                    fix.push_str(&format!(
                        "; {prefix}ip route replace default via {gateway} dev {name}"
                    ));
                }
                told.fix(fix)
            }
            _ => told.fix(format!(
                "{prefix}ip route del the one that says so, or send by a gateway"
            )),
        }
    }

    pub(super) fn wrong_neighbour(&self, address: IpAddr, mac: Mac, real: Option<Mac>) -> Told {
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
    pub(super) fn not_for_this(&self, mac: Mac) -> Told {
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
                    .fix(self.fdb_row(name));
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
}
