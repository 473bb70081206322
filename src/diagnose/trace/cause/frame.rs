//! Losses of frames: in bridges, and where tunnels send them.

use std::net::IpAddr;

use super::Case;
use crate::diagnose::trace::facts;
use crate::diagnose::trace::origin::{self, Told};
use crate::diagnose::trace::rows;
use crate::model::{LinkKind, Mac};
use crate::walk::path::Cause;

impl Case<'_> {
    pub(super) fn outside_bridge(&self, bridge: &str) -> Told {
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

    /// It is lost in a bridge, or for want of an answer, as a device that the node routes by was made the bridge's port.
    pub(super) fn enslaved(&self) -> Option<Told> {
        let is_of_bridge = matches!(
            self.drop.cause,
            Cause::BridgeDown
                | Cause::BridgeKnowsNobody { .. }
                | Cause::BridgeFdbWrong { .. }
                | Cause::PortNotForwarding { .. }
                | Cause::ReversePath { .. }
                | Cause::ForwardingOff { .. }
                | Cause::NeighbourUnresolved { .. }
        );
        let last = self.path.hops.last().map(|hop| &hop.at);
        let places = [Some(&self.drop.at), last].into_iter().flatten();
        let ends = places.filter_map(|place| facts::node_end(self.bundle, place));
        let mut ends = ends.chain(
            facts::holders(self.bundle, self.path.packet.source)
                .filter_map(|holder| Some((holder.node, holder.outer()?))),
        );
        is_of_bridge
            .then(|| ends.find_map(|(node, outer)| origin::enslaved(node, outer)))
            .flatten()
    }

    pub(super) fn port(&self, state: &str) -> Told {
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

    pub(super) fn bridge_fdb(&self, mac: Mac, right: Option<&str>) -> Told {
        let bridge = self.bridge_name();
        let port = self
            .row()
            .split_whitespace()
            .skip_while(|w| *w != "dev")
            .nth(1)
            .unwrap_or("PORT");
        let is = right.map_or_else(String::new, |right| format!("; it is behind {right}"));
        let (believes, whose) = if port == bridge {
            ("to be its own".to_owned(), "self")
        } else {
            (format!("behind {port}"), "master")
        };
        self.of_node("bridge-fdb-wrong")
            .device(&bridge)
            .what(format!("{bridge} believes {mac} {believes}{is}"))
            .show(format!("bridge fdb show br {bridge} | grep {mac}"))
            .fix(format!("bridge fdb del {mac} dev {port} {whose}"))
    }

    /// The bridge of the place: the device itself, its master, or that of the last port.
    pub(super) fn bridge_name(&self) -> String {
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

    pub(super) fn bridge_knows_nobody(&self, mac: Mac) -> Told {
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

    pub(super) fn no_tunnel_end(&self, mac: Mac) -> Told {
        let name = self.device_name();
        let owner = facts::end_of(self.bundle, mac);
        if owner.is_none()
            && let Some(told) = origin::changed_mac(self, &self.node.name, &name, mac)
        {
            return told;
        }
        self.here("fdb-entry-missing")
            .what(format!(
                "{name} does not know behind which node {mac} is, and floods to none"
            ))
            .show(format!("bridge fdb show dev {name} | grep {mac}"))
            .fix(match owner {
                Some(owner) => {
                    format!("bridge fdb append {mac} dev {name} dst {owner} self permanent")
                }
                None => "find who has the MAC, or restart the network's agent".to_owned(),
            })
    }

    pub(super) fn wrong_tunnel_end(
        &self,
        mac: Mac,
        sent_to: IpAddr,
        right: Option<IpAddr>,
    ) -> Told {
        let name = self.tunnel_name();
        let is = right.map_or_else(String::new, |right| format!("; it is behind {right}"));
        let mut told = self.here("fdb-entry-stale").device(&name);
        // The row is the sender's, wherever the frame ended up.
        if let Some(wrap) = self.wrapped_at() {
            told = Told::new("fdb-entry-stale", &wrap.at.node)
                .device(&name)
                .evidence(rows(&wrap.at.node, &wrap.rows));
        }
        told.what(format!("{name} sends frames for {mac} to {sent_to}{is}"))
            .show(format!("bridge fdb show dev {name} | grep {mac}"))
            .fix(match right.or_else(|| facts::end_of(self.bundle, mac)) {
                Some(right) => {
                    format!("bridge fdb replace {mac} dev {name} dst {right} self permanent")
                }
                None => format!("bridge fdb del {mac} dev {name} self"),
            })
    }
}
