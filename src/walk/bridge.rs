//! Bridges: who is behind which port, and which frames pass between them.
//!
//! Sources: `net/bridge/br_forward.c`, `br_input.c`, `br_fdb.c`, `br_device.c`, `br_netfilter_hooks.c`.

use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::evidence::link_row;
use super::netfilter::{Devices, Hook};
use super::network::SpaceId;
use super::path::{Cause, Direction, Packet, Row, RowTable, Step};
use super::vlan::{self, Tag, Within};
use super::walker::{Current, Frame, Passing, Stop, Walker};
use crate::model::link::BridgePort;
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

/// Where a frame is inside of a bridge.
#[derive(Clone, Copy)]
struct Between<'a> {
    space: SpaceId,
    bridge: &'a Link,
    /// The port it came in by; the bridge's own come by none.
    from: Option<&'a Link>,
    within: Within,
}

impl Between<'_> {
    fn vlan(self) -> u16 {
        vlan::number(self.within)
    }
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
        let within = self.enters(space, bridge, bridge, frame)?;
        let sends = (None, Some(bridge.index));
        self.frame_hook(space, Hook::BridgeOutput, sends, &mut current)?;
        let between = Between {
            space,
            bridge,
            from: None,
            within,
        };
        match self.lookup(between, frame)? {
            Known::Own if bridge.mac == Some(frame.to) => {
                let why = "the bridge sends a frame to itself";
                Err(self.cannot_tell(space, Some(bridge.index), why))
            }
            // `br_forward`: without a port it goes nowhere.
            Known::Own => Err(self.kept(between, frame)),
            Known::Behind(port, row) => self.by_port(between, port, row, current, frame, next),
            Known::Not => self.flood(between, current, frame, next),
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
        let came = (Some(port.index), None);
        self.frame_hook(space, Hook::BridgePrerouting, came, &mut current)?;
        let within = self.enters(space, bridge, port, frame)?;
        let between = Between {
            space,
            bridge,
            from: Some(port),
            within,
        };
        self.learn(between, port, frame);
        match self.lookup(between, frame)? {
            Known::Own => {
                // `br_handle_frame`: of what the bridge takes, its own stack only has what is for its MAC, or its port's.
                let is_own = [bridge.mac, port.mac].contains(&Some(frame.to))
                    || self.has_vlan_with(space, bridge, frame.to);
                if !is_own {
                    return Err(self.kept(between, frame));
                }
                let (tag, row) = at
                    .goes_up(bridge, within, frame.tag)
                    .map_err(|refused| self.refused(space, bridge.index, refused))?;
                let frame = frame.with(tag);
                self.frame_hook(space, Hook::BridgeInput, came, &mut current)?;
                self.pass(Passing {
                    space,
                    device: bridge.index,
                    direction: Direction::In,
                    step: Step::Receive,
                    rows: self.vlan_row(space, row).into_iter().collect(),
                    mtu: None,
                    current: &current,
                    frame: Some(frame),
                })?;
                self.taken_by_bridge(space, bridge, current, frame)
            }
            known => {
                let next = current.packet.destination;
                if self.is_filtered_as_routed(space, frame.tag) {
                    let hooks = &[Hook::Prerouting];
                    self.bridged_netfilter(space, bridge, hooks, &mut current)?;
                }
                match known {
                    Known::Behind(out, row) => {
                        self.by_port(between, out, row, current, frame, next)
                    }
                    _ => self.flood(between, current, frame, next),
                }
            }
        }
    }

    /// The VLAN of a frame that comes in by a port, or that the bridge itself sends.
    fn enters(
        &mut self,
        space: SpaceId,
        bridge: &Link,
        port: &Link,
        frame: Frame,
    ) -> Result<Within, Stop> {
        let at = self.network.get(space);
        let (within, row) = at
            .enters(bridge, port, frame.tag)
            .map_err(|refused| self.refused(space, port.index, refused))?;
        let row = self.vlan_row(space, row);
        self.add_rows(row);
        Ok(within)
    }

    /// Tagged frames pass the hooks of routed packets only where that was asked for (`br_netfilter_hooks.c`,
    /// `is_vlan_ip`).
    fn is_filtered_as_routed(&self, space: SpaceId, tag: Option<Tag>) -> bool {
        let netns = self.network.get(space).netns;
        tag.is_none() || netns.sysctl_number("net.bridge.bridge-nf-filter-vlan-tagged") == Some(1)
    }

    /// `bridge-nf-call-iptables`: bridged packets pass the hooks of routed ones (`br_netfilter_hooks.c`).
    fn bridged_netfilter(
        &mut self,
        space: SpaceId,
        bridge: &Link,
        hooks: &[Hook],
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
        for hook in hooks {
            let devices = match hook {
                Hook::Prerouting => through(index, None),
                Hook::Postrouting => through(None, index),
                _ => through(index, index),
            };
            self.hook(space, *hook, devices, current, &mut rows)?;
        }
        self.add_rows(rows);
        Ok(())
    }

    /// `br_fdb_update`: what comes in says where its sender is. The bridge's own rows stay, and sticky ones; one set
    /// by hand (`static`) moves like one that was learned.
    fn learn(&mut self, between: Between<'a>, port: &'a Link, frame: Frame) {
        if !self.is_recording() {
            return;
        }
        let Between { space, bridge, .. } = between;
        let vlan = between.vlan();
        let fixed = self
            .network
            .get(space)
            .fdb(bridge.index, frame.from)
            .iter()
            .filter(|row| row.vlan.unwrap_or(0) == vlan)
            .any(|row| row.state == NeighbourState::Permanent || row.sticky);
        if !fixed && port.bridge_port().is_none_or(|settings| settings.learning) {
            self.learned
                .behind(space, bridge.index, (vlan, frame.from), port.index);
        }
    }

    /// `br_fdb_find_rcu`
    fn lookup(&self, between: Between<'a>, frame: Frame) -> Result<Known<'a>, Stop> {
        let Between { space, bridge, .. } = between;
        let vlan = between.vlan();
        let at = self.network.get(space);
        // Also in VLANs that the bridge itself is not in: what it would lose for it is lost for nobody else to take.
        if bridge.mac == Some(frame.to) {
            return Ok(Known::Own);
        }
        // A MAC of its own on a VLAN device has the bridge listen to everything (`dev_uc_add`).
        if vlan::is_promiscuous(bridge) && self.has_vlan_with(space, bridge, frame.to) {
            return Ok(Known::Own);
        }
        if frame.is_for_all() {
            return Ok(Known::Not);
        }
        let learned = self
            .learned
            .port(space, bridge.index, (vlan, frame.to))
            .and_then(|port| at.link(port));
        let rows = || {
            at.fdb(bridge.index, frame.to)
                .iter()
                .filter(|row| row.vlan.unwrap_or(0) == vlan)
        };
        if let Some(port) = learned {
            let row = rows().find(|row| row.device == port.index).copied();
            return Ok(Known::Behind(port, row));
        }
        let row = rows()
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
    fn kept(&self, between: Between<'a>, frame: Frame) -> Stop {
        let Between { space, bridge, .. } = between;
        let at = self.network.get(space);
        let ports = at.ports(bridge.index);
        let right = ports
            .iter()
            .find(|port| self.leads_to(space, port, frame.to) == Some(true));
        let rows = at
            .fdb(bridge.index, frame.to)
            .iter()
            .filter(|row| row.vlan.unwrap_or(0) == between.vlan())
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
        between: Between<'a>,
        current: Current,
        frame: Frame,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        let Between {
            space,
            bridge,
            from,
            within,
        } = between;
        let at = self.network.get(space);
        let flooded = |port: &&&'a Link| {
            from.is_none_or(|from| from.index != port.index)
                && port
                    .bridge_port()
                    .is_none_or(|settings| settings.unicast_flood)
        };
        let ports = at.ports(bridge.index);
        // One MAC may be there once in each VLAN; where it is in another alone, the port that leads there says so.
        let mut best = None;
        for port in ports.iter().filter(flooded) {
            let leads = self.leads_to(space, port, frame.to);
            let carries = at.goes_out(port, within, frame.tag).is_ok();
            let rank = match (leads, carries) {
                (Some(true), true) => 0,
                (Some(true), false) => 1,
                (None, true) => 2,
                (None, false) => 3,
                (Some(false), _) => continue,
            };
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, *port));
            }
        }
        match best.map(|(_, port)| port) {
            Some(port) => self.by_port(between, port, None, current, frame, next),
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
                Some(other.mac == Some(mac) || self.has_vlan_with(peer.space, other, mac))
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
    fn by_port(
        &mut self,
        between: Between<'a>,
        port: &'a Link,
        row: Option<&'a FdbEntry>,
        mut current: Current,
        mut frame: Frame,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        let Between {
            space,
            bridge,
            from,
            within,
        } = between;
        let at = self.network.get(space);
        let index = Some(port.index);
        let mut rows: Vec<_> = row
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
        let (tag, vlan_row) = at
            .goes_out(port, within, frame.tag)
            .map_err(|refused| self.refused(space, port.index, refused))?;
        let was_filtered = self.is_filtered_as_routed(space, frame.tag);
        frame = frame.with(tag);
        rows.extend(self.vlan_row(space, vlan_row));
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
            if self.is_filtered_as_routed(space, frame.tag) && was_filtered {
                let hooks = &[Hook::Forward, Hook::Postrouting];
                self.bridged_netfilter(space, bridge, hooks, &mut current)?;
            }
            let through = (Some(from.index), index);
            self.frame_hook(space, Hook::BridgeForward, through, &mut current)?;
        }
        self.frame_hook(space, Hook::BridgePostrouting, (None, index), &mut current)?;
        self.leaves(space, port.index, &mut current)?;
        let known = (between.vlan(), frame.to);
        let learned = self.learned.port(space, bridge.index, known);
        self.pass(Passing {
            space,
            device: port.index,
            direction: Direction::Out,
            step: if row.is_some() || learned.is_some() {
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
