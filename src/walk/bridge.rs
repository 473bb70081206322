//! Bridges: who is behind which port, and which frames pass between them.
//!
//! Sources: `net/bridge/br_forward.c`, `br_input.c`, `br_fdb.c`, `br_device.c`, `br_netfilter_hooks.c`.

use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::layer3::link_row;
use super::netfilter::{Devices, Hook};
use super::network::SpaceId;
use super::path::{Cause, Direction, Packet, Row, RowTable, Step};
use super::walker::{Current, Frame, Passing, Stop, Walker};
use crate::model::link::{BridgePort, PortState};
use crate::model::neighbour::NeighbourState;
use crate::model::number::IfIndex;
use crate::model::{FdbEntry, Link, LinkKind, notation};

/// What a bridge knows about a MAC.
enum Known<'a> {
    /// It is the bridge's own.
    Own,
    /// It is behind a port.
    Behind(&'a Link, Option<&'a FdbEntry>),
    /// Nothing.
    Not,
}

impl<'a> Walker<'_, 'a> {
    /// The bridge device sends a frame of the node's own (`br_dev_xmit`).
    pub(super) fn bridge_sends(
        &mut self,
        space: SpaceId,
        bridge: &'a Link,
        mut current: Current,
        frame: Frame,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        let sends = (None, Some(bridge.index));
        self.frame_hook(space, Hook::BridgeOutput, sends, &mut current)?;
        match self.lookup(space, bridge, frame)? {
            Known::Own if bridge.mac == Some(frame.to) => {
                let why = "the bridge sends a frame to itself";
                Err(self.cannot_tell(space, Some(bridge.index), why))
            }
            // `br_forward`: without a port it goes nowhere.
            Known::Own => Err(self.kept(space, bridge, frame)),
            Known::Behind(port, row) => {
                self.by_port(space, bridge, None, port, row, current, frame, next)
            }
            Known::Not => self.flood(space, bridge, None, current, frame, next),
        }
    }

    /// A frame comes in by a port (`br_handle_frame`).
    pub(super) fn bridge_receives(
        &mut self,
        space: SpaceId,
        port: &'a Link,
        master: IfIndex,
        mut current: Current,
        frame: Frame,
    ) -> Result<(SpaceId, Packet), Stop> {
        let at = self.network.get(space);
        let Some(bridge) = at.link(master) else {
            return Err(self.cannot_tell(space, Some(master), "the bridge was not read"));
        };
        if !bridge.is_up() {
            let rows = vec![link_row(bridge)];
            return Err(self.dropped(space, Some(bridge.index), Cause::BridgeDown, rows));
        }
        self.passes(space, port)?;
        if let Some(settings) = port.bridge_port()
            && settings.locked
        {
            let why = format!("{} is locked; what it lets in is not followed", port.name);
            return Err(self.cannot_tell(space, Some(port.index), why));
        }
        if matches!(&bridge.kind, LinkKind::Bridge(settings) if settings.vlan_filtering) {
            let why = format!("{} filters VLANs, which is not followed", bridge.name);
            return Err(self.cannot_tell(space, Some(bridge.index), why));
        }
        self.learn(space, bridge, port, frame);
        let came = (Some(port.index), None);
        self.frame_hook(space, Hook::BridgePrerouting, came, &mut current)?;
        match self.lookup(space, bridge, frame)? {
            Known::Own => {
                // `br_handle_frame`: of what the bridge takes, its own stack only has what is for its MAC, or its port's.
                if bridge.mac != Some(frame.to) && port.mac != Some(frame.to) {
                    return Err(self.kept(space, bridge, frame));
                }
                self.frame_hook(space, Hook::BridgeInput, came, &mut current)?;
                self.pass(Passing {
                    space,
                    device: bridge.index,
                    direction: Direction::In,
                    step: Step::Receive,
                    rows: Vec::new(),
                    mtu: None,
                    current: &current,
                    frame: Some(frame),
                })?;
                self.receive(space, bridge, current)
            }
            known => {
                let next = current.packet.destination;
                self.bridged_netfilter(space, bridge, &mut current)?;
                match known {
                    Known::Behind(out, row) => {
                        self.by_port(space, bridge, Some(port), out, row, current, frame, next)
                    }
                    _ => self.flood(space, bridge, Some(port), current, frame, next),
                }
            }
        }
    }

    /// `bridge-nf-call-iptables`: bridged packets pass the hooks of routed ones (`br_netfilter_hooks.c`).
    fn bridged_netfilter(
        &mut self,
        space: SpaceId,
        bridge: &Link,
        current: &mut Current,
    ) -> Result<(), Stop> {
        let netns = self.network.get(space).netns;
        let (name, own) = match &bridge.kind {
            LinkKind::Bridge(settings) if current.packet.destination.is_ipv4() => (
                "net.bridge.bridge-nf-call-iptables",
                settings.nf_call_iptables,
            ),
            LinkKind::Bridge(settings) => (
                "net.bridge.bridge-nf-call-ip6tables",
                settings.nf_call_ip6tables,
            ),
            _ => return Ok(()),
        };
        if !own && netns.sysctl_number(name) != Some(1) {
            return Ok(());
        }
        let through = |input, output| Devices { input, output };
        let index = Some(bridge.index);
        let mut rows = Vec::new();
        for (hook, devices) in [
            (Hook::Prerouting, through(index, None)),
            (Hook::Forward, through(index, index)),
            (Hook::Postrouting, through(None, index)),
        ] {
            self.hook(space, hook, devices, current, &mut rows)?;
        }
        self.add_rows(rows);
        Ok(())
    }

    /// Only a forwarding port passes frames.
    fn passes(&self, space: SpaceId, port: &Link) -> Result<(), Stop> {
        let Some(settings) = port.bridge_port() else {
            return Ok(());
        };
        if settings.state == PortState::Forwarding {
            return Ok(());
        }
        let cause = Cause::PortNotForwarding {
            state: settings.state.as_str(),
        };
        let row = Row::new(
            RowTable::Link,
            format!("{} state {}", port.name, settings.state.as_str()),
        );
        Err(self.dropped(space, Some(port.index), cause, vec![row]))
    }

    /// `br_fdb_update`: what comes in says where its sender is. The bridge's own rows stay, and sticky ones; one set
    /// by hand (`static`) moves like one that was learned.
    fn learn(&mut self, space: SpaceId, bridge: &Link, port: &'a Link, frame: Frame) {
        if !self.is_recording() {
            return;
        }
        let fixed = self
            .network
            .get(space)
            .fdb(bridge.index, frame.from)
            .iter()
            .any(|row| row.state == NeighbourState::Permanent || row.sticky);
        if !fixed && port.bridge_port().is_none_or(|settings| settings.learning) {
            self.learned
                .behind(space, bridge.index, frame.from, port.index);
        }
    }

    /// `br_fdb_find_rcu`
    fn lookup(&self, space: SpaceId, bridge: &'a Link, frame: Frame) -> Result<Known<'a>, Stop> {
        let at = self.network.get(space);
        if bridge.mac == Some(frame.to) {
            return Ok(Known::Own);
        }
        if frame.is_for_all() {
            return Ok(Known::Not);
        }
        let learned = self
            .learned
            .port(space, bridge.index, frame.to)
            .and_then(|port| at.link(port));
        if let Some(port) = learned {
            let row = at
                .fdb(bridge.index, frame.to)
                .iter()
                .find(|row| row.device == port.index)
                .copied();
            return Ok(Known::Behind(port, row));
        }
        let row = at
            .fdb(bridge.index, frame.to)
            .iter()
            .find(|row| row.master == Some(bridge.index) || row.device == bridge.index)
            .copied();
        let Some(row) = row else {
            if let Some(why) = at.netns.fdb.doubt() {
                return Err(self.cannot_tell(space, Some(bridge.index), format!("fdb: {why}")));
            }
            return Ok(Known::Not);
        };
        if row.device == bridge.index {
            return Ok(Known::Own);
        }
        match at.link(row.device) {
            // A port's own MAC belongs to the bridge itself.
            Some(port) if port.mac == Some(frame.to) => Ok(Known::Own),
            Some(port) => Ok(Known::Behind(port, Some(row))),
            None => {
                Err(self.cannot_tell(space, Some(row.device), "the bridge's port was not read"))
            }
        }
    }

    /// A row says that the MAC is the bridge's own, and so the frame goes to no port.
    fn kept(&self, space: SpaceId, bridge: &Link, frame: Frame) -> Stop {
        let at = self.network.get(space);
        let ports = at.ports(bridge.index);
        let right = ports
            .iter()
            .find(|port| self.leads_to(space, port, frame.to) == Some(true));
        let rows = at
            .fdb(bridge.index, frame.to)
            .iter()
            .map(|row| Row::new(RowTable::Fdb, notation::fdb(row, at.netns)))
            .collect();
        let cause = Cause::BridgeFdbWrong {
            mac: frame.to,
            right: right.map(|port| port.name.clone()),
        };
        self.dropped(space, Some(bridge.index), cause, rows)
    }

    /// The port that leads to whoever has the MAC; the frame goes out of all the others too.
    fn flood(
        &mut self,
        space: SpaceId,
        bridge: &'a Link,
        from: Option<&'a Link>,
        current: Current,
        frame: Frame,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        let at = self.network.get(space);
        let flooded = |port: &&&'a Link| {
            from.is_none_or(|from| from.index != port.index)
                && port
                    .bridge_port()
                    .is_none_or(|settings| settings.unicast_flood)
        };
        let ports = at.ports(bridge.index);
        let out = ports
            .iter()
            .filter(flooded)
            .find(|port| self.leads_to(space, port, frame.to) == Some(true))
            .or_else(|| {
                ports
                    .iter()
                    .filter(flooded)
                    .find(|port| self.leads_to(space, port, frame.to).is_none())
            })
            .copied();
        match out {
            Some(port) => self.by_port(space, bridge, from, port, None, current, frame, next),
            None => {
                let kept_out = ports
                    .iter()
                    .find(|port| self.leads_to(space, port, frame.to) == Some(true));
                let (port, cause) = match kept_out {
                    Some(port) if from.is_none_or(|from| from.index != port.index) => {
                        (port.index, Cause::NotFlooded { setting: "flood" })
                    }
                    _ => (bridge.index, Cause::BridgeKnowsNobody { mac: frame.to }),
                };
                Err(self.dropped(space, Some(port), cause, Vec::new()))
            }
        }
    }

    /// Whether a MAC is behind a bridge's port; `None` when the port leads out of the node.
    fn leads_to(&self, space: SpaceId, port: &Link, mac: Mac) -> Option<bool> {
        let at = self.network.get(space);
        match &port.kind {
            LinkKind::Veth => {
                let peer = self.peer_of(space, port)?;
                let other = self.network.get(peer.space).link(peer.index)?;
                Some(other.mac == Some(mac))
            }
            // What another port of the same node has is not behind the tunnel.
            _ => {
                let local = self
                    .network
                    .with_mac(mac)
                    .iter()
                    .any(|owner| self.network.get(owner.space).node_number == at.node_number);
                if local { Some(false) } else { None }
            }
        }
    }

    /// Out of a bridge's port (`br_forward`, `should_deliver`).
    #[allow(
        clippy::too_many_arguments,
        reason = "a frame, and where it is between which ports"
    )]
    fn by_port(
        &mut self,
        space: SpaceId,
        bridge: &'a Link,
        from: Option<&'a Link>,
        port: &'a Link,
        row: Option<&'a FdbEntry>,
        mut current: Current,
        frame: Frame,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        let at = self.network.get(space);
        let index = Some(port.index);
        let rows: Vec<_> = row
            .map(|row| Row::new(RowTable::Fdb, notation::fdb(row, at.netns)))
            .into_iter()
            .collect();
        if row.is_some() && self.leads_to(space, port, frame.to) == Some(false) {
            let right = at
                .ports(bridge.index)
                .iter()
                .find(|other| self.leads_to(space, other, frame.to) == Some(true))
                .map(|other| other.name.clone());
            if right.is_some() || !self.network.with_mac(frame.to).is_empty() {
                let cause = Cause::BridgeFdbWrong {
                    mac: frame.to,
                    right,
                };
                return Err(self.dropped(space, index, cause, rows));
            }
        }
        let isolated = |link: &Link| link.bridge_port().is_some_and(|s: &BridgePort| s.isolated);
        if let Some(from) = from {
            let hairpin = port.bridge_port().is_some_and(|settings| settings.hairpin);
            if from.index == port.index && !hairpin {
                return Err(self.dropped(space, index, Cause::HairpinOff, rows));
            }
            if isolated(from) && isolated(port) {
                return Err(self.dropped(space, index, Cause::PortIsolated, rows));
            }
        }
        self.passes(space, port)?;
        if !port.is_up() {
            let rows = vec![link_row(port)];
            return Err(self.dropped(space, index, Cause::DeviceDown, rows));
        }
        // `br_dev_queue_push_xmit`, `is_skb_forwardable`: too long for the port is thrown away in silence.
        if current.packet.size > port.mtu {
            let cause = Cause::MtuExceeded {
                mtu: port.mtu,
                size: current.packet.size,
                silent: true,
            };
            let rows = vec![link_row(port)];
            return Err(self.dropped(space, index, cause, rows));
        }
        if let Some(from) = from {
            let between = (Some(from.index), index);
            self.frame_hook(space, Hook::BridgeForward, between, &mut current)?;
        }
        self.frame_hook(space, Hook::BridgePostrouting, (None, index), &mut current)?;
        self.leaves(space, port.index, &mut current)?;
        self.pass(Passing {
            space,
            device: port.index,
            direction: Direction::Out,
            step: if row.is_some() || self.learned.port(space, bridge.index, frame.to).is_some() {
                Step::Switch
            } else {
                Step::Flood
            },
            rows,
            mtu: Some(port.mtu),
            current: &current,
            frame: Some(frame),
        })?;
        self.transmit(space, port, current, Some(frame), next)
    }
}
