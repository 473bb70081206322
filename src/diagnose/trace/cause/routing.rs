//! Losses by routing: routes, sources, forwarding, addresses that nobody has.

use std::net::IpAddr;

use super::{Case, ip_forward_off};
use crate::diagnose::Evidence;
use crate::diagnose::trace::facts;
use crate::diagnose::trace::origin::{self, Told};
use crate::diagnose::trace::rows;
use crate::model::notation;
use crate::walk::path::NoteKind;

impl Case<'_> {
    pub(super) fn no_route(&self, destination: IpAddr) -> Told {
        if let Some(told) =
            origin::of_routing(self, destination).or_else(|| self.discarded_by_rule(destination))
        {
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
                .fix(self.default_route(destination.is_ipv4()));
        }
        origin::no_block_route(self, destination)
    }

    /// The command that gives the pod its default route back.
    fn default_route(&self, v4: bool) -> String {
        let gateway = origin::gateway_given(self.node, self.netns, v4)
            .map_or_else(|| "GATEWAY".to_owned(), |gateway| gateway.to_string());
        let mut addresses = self.netns.addresses.iter();
        let own = addresses.find(|row| row.address.is_ipv4() == v4 && !row.address.is_loopback());
        let device = own.map_or_else(
            || "eth0".to_owned(),
            |row| self.netns.device_name(row.device),
        );
        format!(
            "{}ip route add default via {gateway} dev {device}",
            self.prefix()
        )
    }

    pub(super) fn forbidden(&self, destination: IpAddr, kind: &str) -> Told {
        if let Some(told) =
            origin::of_routing(self, destination).or_else(|| self.discarded_by_rule(destination))
        {
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
        let mut words = row.split_whitespace();
        let target = words.nth(1).unwrap_or_default();
        let table = words
            .skip_while(|word| *word != "table")
            .nth(1)
            .map_or_else(String::new, |table| format!(" table {table}"));
        let prefix = self.prefix();
        self.of_space(id)
            .what(format!("the row that decides about {destination} is {row}"))
            .show(format!("{prefix}ip route get {destination}"))
            .fix(format!("{prefix}ip route del {kind} {target}{table}"))
    }

    /// A rule decides by itself, without a table.
    fn discarded_by_rule(&self, destination: IpAddr) -> Option<Told> {
        let row = self.row();
        let (priority, rest) = row.split_once(": ")?;
        let is_rule = priority.bytes().all(|octet| octet.is_ascii_digit());
        if !is_rule || rest.contains(" lookup ") {
            return None;
        }
        let (prefix, v6) = (
            self.prefix(),
            if destination.is_ipv6() { "-6 " } else { "" },
        );
        Some(
            self.of_space("rule-hijacks-route")
                .what(format!("the rule {row} discards what is for {destination}"))
                .show(format!(
                    "{prefix}ip {v6}rule; {prefix}ip route get {destination}"
                ))
                .fix(format!("{prefix}ip {v6}rule del priority {priority}")),
        )
    }

    pub(super) fn source_missing(&self, source: IpAddr) -> Told {
        origin::broken_pod(self.node, self.netns).unwrap_or_else(|| {
            self.here("pod-address-missing")
                .what(format!("{} does not have {source}", self.name))
                .show(format!("{}ip address", self.prefix()))
                .fix("delete the pod, so that its network is set up again")
        })
    }

    pub(super) fn forwarding_off(&self, sysctl: &str) -> Told {
        // A pod is no router: what it would have to forward is for an address that it does not have.
        if self.is_pod() {
            return self
                .mac_of_another()
                .unwrap_or_else(|| self.source_missing(self.destination()));
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

    /// The frame was for a pod that has the same MAC.
    fn mac_of_another(&self) -> Option<Told> {
        let mac = self.link?.mac?;
        let other = facts::holders(self.bundle, self.destination())
            .find(|holder| holder.link.mac == Some(mac) && holder.is_pod())?;
        let (own, other) = (&self.name, other.name());
        Some(
            self.here("duplicate-mac")
                .what(format!(
                    "{mac} is the MAC of {own} and of {other}: what is for {other} came to {own}"
                ))
                .show(format!("bridge fdb show | grep {mac}"))
                .fix("give one of them another MAC, or delete that pod")
                .evidence(vec![
                    Evidence::new(own, format!("lladdr {mac}")),
                    Evidence::new(&other, format!("lladdr {mac}")),
                ]),
        )
    }

    pub(super) fn reverse_path(&self, source: IpAddr, mode: i32) -> Told {
        if let Some(told) =
            origin::host_route(self.bundle, source).or_else(|| self.discarded_by_rule(source))
        {
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
                "sysctl -w {}=2 # or mend the way back to {source}",
                notation::setting("ipv4", &name, "rp_filter")
            ))
    }

    pub(super) fn martian(&self, address: IpAddr, why: &str) -> Told {
        if let Some(told) = origin::host_route(self.bundle, address) {
            return told;
        }
        if why.contains("own address")
            && let Some(told) = origin::borne_too(self, self.node, self.netns, address)
        {
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

    pub(super) fn nobody(&self, address: IpAddr) -> Told {
        if let Some(told) = origin::of_routing(self, address) {
            return told;
        }
        if self.is_dead_endpoint(address) {
            return origin::dead_endpoint(self, address);
        }
        let own = origin::host_route(self.bundle, self.destination())
            .filter(|told| told.node == self.node.name);
        if let Some(told) = own
            .or_else(|| origin::passed_to_router(self, self.destination()))
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
                .fix(self.fdb_row(&name));
        }
        let name = self.device_name();
        self.here("next-hop-unresolved")
            .what(format!("nobody on {name} has {address}"))
            .show(format!("ip neigh show {address} dev {name}"))
            .fix("correct the gateway in the route, or bring the host that has the address back")
    }
}
