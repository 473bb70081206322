//! Frames: out of a device, over a pair or the underlay, and into a device.
//!
//! Sources: `net/core/dev.c`, `drivers/net/veth.c`, `drivers/net/macvlan.c`.

use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::evidence::link_row;
use super::netfilter::Hook;
use super::network::{Port, SpaceId};
use super::path::{Cause, Direction, NoteKind, Packet, Step, Wire};
use super::vlan::TAG_OCTETS;
use super::walker::{Current, Frame, Passing, Stop, Walker};
use crate::model::link::LinkFlags;
use crate::model::{Link, LinkKind};

impl<'a> Walker<'_, 'a> {
    /// The device sends the packet; `frame` is missing on devices without frames.
    pub(super) fn transmit(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        current: Current,
        frame: Option<Frame>,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        match &link.kind {
            LinkKind::Veth | LinkKind::Netkit(_) => self.pair(space, link, current, frame, next),
            LinkKind::Bridge(_) => match frame {
                Some(frame) => self.bridge_sends(space, link, current, frame, next),
                None => Err(self.cannot_tell(space, Some(link.index), "a bridge without frames")),
            },
            LinkKind::Vxlan(vxlan) => match frame {
                Some(frame) => self.wrap(space, link, vxlan, current, frame),
                None => Err(self.cannot_tell(space, Some(link.index), "VXLAN without frames")),
            },
            LinkKind::Tunnel(tunnel) => self.wrap_ip(space, link, tunnel, current, next),
            LinkKind::Macvlan(_) | LinkKind::Vlan(_) | LinkKind::Ipvlan(_) => {
                self.by_lower(space, link, current, frame, next)
            }
            LinkKind::Device | LinkKind::Bond(_) => self.wire(space, link, current, frame, next),
            other => {
                let why = format!("{} is a {other} device, which is not followed", link.name);
                Err(self.cannot_tell(space, Some(link.index), why))
            }
        }
    }

    /// Over a pair (`veth_xmit`).
    fn pair(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        mut current: Current,
        frame: Option<Frame>,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        let peer = self
            .peer_of(space, link)
            .and_then(|port| Some((port.space, self.network.get(port.space).link(port.index)?)));
        let Some((there, other)) = peer else {
            // The far end is in no namespace of this node: on a node's own device that is its way out.
            if self.network.is_root(space) {
                return self.wire(space, link, current, frame, next);
            }
            let why = format!("the other end of {} was not found", link.name);
            return Err(self.cannot_tell(space, Some(link.index), why));
        };
        if !other.is_up() {
            let peer = Some(self.network.place(there, Some(other.index)));
            let rows = vec![link_row(other)];
            return Err(self.dropped(space, Some(link.index), Cause::PeerDown { peer }, rows));
        }
        // `__is_skb_forwardable`: the far end takes no more than its own MTU and the tag of a VLAN, and says nothing.
        if link.kind == LinkKind::Veth && current.packet.size > other.mtu + TAG_OCTETS {
            let cause = Cause::MtuExceeded {
                mtu: other.mtu,
                size: current.packet.size,
                silent: true,
            };
            let rows = vec![link_row(link), link_row(other)];
            return Err(self.dropped(there, Some(other.index), cause, rows));
        }
        if let Some(frame) = frame
            && other.master.is_none()
            && !frame.is_for_all()
            && frame.tag.is_none()
            && other.mac != Some(frame.to)
            && self.macvlan_on(there, other, frame.to).is_none()
            && link.master.is_none()
        {
            // The pod asked while the device was still a bridge's port.
            if let Some(cause) = self.bridge_of(there, next) {
                return Err(self.dropped(there, Some(other.index), cause, vec![link_row(other)]));
            }
            let cause = Cause::NeighbourWrong {
                address: next,
                mac: frame.to,
                real: other.mac,
            };
            let rows = self.neighbour_rows(space, link.index, next);
            return Err(self.dropped(space, Some(link.index), cause, rows));
        }
        if there != space {
            // `skb_scrub_packet`
            current.packet.mark = 0;
        }
        self.arrive(there, other, current, frame)
    }

    /// A frame comes in by a device (`__netif_receive_skb_core`).
    pub(super) fn arrive(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        current: Current,
        frame: Option<Frame>,
    ) -> Result<(SpaceId, Packet), Stop> {
        self.arrive_as(space, link, current, frame, Step::Receive)
    }

    /// The same, out of a wrapped packet too.
    pub(super) fn arrive_as(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        mut current: Current,
        frame: Option<Frame>,
        step: Step,
    ) -> Result<(SpaceId, Packet), Stop> {
        if !link.is_up() {
            let rows = vec![link_row(link)];
            return Err(self.dropped(space, Some(link.index), Cause::DeviceDown, rows));
        }
        self.pass(Passing {
            space,
            device: link.index,
            direction: Direction::In,
            step,
            rows: Vec::new(),
            mtu: None,
            current: &current,
            frame,
        })?;
        self.programs(space, link);
        self.frame_hook(space, Hook::Ingress, (Some(link.index), None), &mut current)?;
        // Before a bridge gets to see it, that the device may be a port of.
        if let Some(frame) = frame
            && let Some(tag) = frame.tag
            && let Some((there, upper)) = self.vlan_on(space, link, tag)
        {
            return self.arrive(there, upper, current, Some(frame.with(None)));
        }
        let at = self.network.get(space);
        if let (Some(master), Some(frame)) = (link.master, frame)
            && at.is_bridge(master)
        {
            return self.bridge_receives(space, link, master, current, frame);
        }
        let upper = frame.and_then(|frame| self.macvlan_on(space, link, frame.to));
        if let Some((there, upper)) = upper {
            return self.arrive(there, upper, current, frame);
        }
        if let Some(frame) = frame {
            if let Some(tag) = frame.tag {
                return Err(self.nobody_takes(space, link, tag));
            }
            self.is_for(space, link, frame)?;
        }
        self.receive(space, link, current)
    }

    /// `eth_type_trans`: a frame for another MAC is nobody's.
    fn is_for(&self, space: SpaceId, link: &Link, frame: Frame) -> Result<(), Stop> {
        if frame.is_for_all() || link.mac == Some(frame.to) || link.mac.is_none() {
            return Ok(());
        }
        // What the device below takes for its own stays so (`vlan_do_receive`).
        if matches!(link.kind, LinkKind::Vlan(_))
            && let Some((_, lower)) = self.lower_of(space, link)
            && lower.mac == Some(frame.to)
        {
            return Ok(());
        }
        let cause = Cause::NotForThisMac {
            mac: frame.to,
            own: link.mac,
        };
        Err(self.dropped(space, Some(link.index), cause, Vec::new()))
    }

    /// What sees packets before the stack, and cannot be read.
    fn programs(&mut self, space: SpaceId, link: &Link) {
        if !self.is_recording() {
            return;
        }
        if let Some(xdp) = &link.xdp {
            let what = format!("an XDP program ({xdp})");
            self.note(space, Some(link.index), NoteKind::Program { what }, None);
        }
        let netns = self.network.get(space).netns;
        for filter in netns
            .filters
            .iter()
            .filter(|filter| filter.device == link.index)
        {
            let what = format!("a tc filter ({})", filter.kind);
            self.note(space, Some(link.index), NoteKind::Program { what }, None);
        }
    }

    /// The macvlan on a device that has a MAC (`macvlan_handle_frame`).
    fn macvlan_on(&self, space: SpaceId, link: &Link, mac: Mac) -> Option<(SpaceId, &'a Link)> {
        let at = self.network.get(space);
        if link.mac == Some(mac) {
            return None;
        }
        self.network.with_mac(mac).iter().find_map(|port| {
            let there = self.network.get(port.space);
            if there.node_number != at.node_number {
                return None;
            }
            let upper = there.link(port.index)?;
            let lower = upper.lower?;
            let below = lower.netns.unwrap_or(there.netns.id);
            let is_macvlan = matches!(upper.kind, LinkKind::Macvlan(_) | LinkKind::Macvtap(_));
            (is_macvlan && lower.index == link.index && below == at.netns.id)
                .then_some((port.space, upper))
        })
    }

    /// Out of a device on top of another.
    fn by_lower(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        mut current: Current,
        frame: Option<Frame>,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        let Some((there, lower)) = self.lower_of(space, link) else {
            let why = format!("the device below {} was not found", link.name);
            return Err(self.cannot_tell(space, Some(link.index), why));
        };
        if !lower.is_up() {
            let rows = vec![link_row(lower)];
            return Err(self.dropped(there, Some(lower.index), Cause::DeviceDown, rows));
        }
        // Siblings in bridge mode reach each other without leaving.
        if let (LinkKind::Macvlan(macvlan), Some(frame)) = (&link.kind, frame)
            && macvlan.mode == "bridge"
            && let Some((sibling, upper)) = self.macvlan_on(there, lower, frame.to)
        {
            return self.arrive(sibling, upper, current, Some(frame));
        }
        let frame = match (&link.kind, frame) {
            (LinkKind::Vlan(vlan), Some(frame)) => Some(self.tagged(space, link, vlan, frame)?),
            (_, frame) => frame,
        };
        self.leaves(there, lower.index, &mut current)?;
        self.pass(Passing {
            space: there,
            device: lower.index,
            direction: Direction::Out,
            step: Step::Send,
            rows: Vec::new(),
            mtu: Some(lower.mtu),
            current: &current,
            frame,
        })?;
        self.transmit(there, lower, current, frame, next)
    }

    /// Over the underlay to another node.
    pub(super) fn wire(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        mut current: Current,
        frame: Option<Frame>,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        current.packet.mark = 0;
        if !link.flags.has(LinkFlags::LOWER_UP) {
            let rows = vec![link_row(link)];
            return Err(self.dropped(space, Some(link.index), Cause::DeviceDown, rows));
        }
        let at = self.network.get(space);
        let from = at
            .netns
            .addresses_of(link.index)
            .map(|row| row.address)
            .find(|address| address.is_ipv4() == next.is_ipv4());
        let here = at.node_number;
        let elsewhere = |port: &&Port| {
            let there = self.network.get(port.space);
            there.node_number != here && self.network.is_root(port.space)
        };
        let tag = frame.and_then(|frame| frame.tag);
        let by_mac = frame.and_then(|frame| self.outside_with(frame, elsewhere));
        let by_address = self.network.holders(next).iter().find(elsewhere).copied();
        let mut wire = Wire {
            from,
            to: next,
            by_router: false,
        };
        let port = match (by_mac, by_address) {
            (Some(port), _) => {
                self.cross(wire);
                if let Some(why) = self.may_be_retagged(port, tag, next) {
                    return Err(self.cannot_tell(space, Some(link.index), why));
                }
                match self.outer_port(port) {
                    Ok(port) => port,
                    Err(why) => return Err(self.cannot_tell(port.space, Some(port.index), why)),
                }
            }
            (None, Some(_)) => {
                let mac = frame.map_or(Mac::ZERO, |frame| frame.to);
                let real = by_address
                    .and_then(|port| self.network.get(port.space).link(port.index))
                    .and_then(|link| link.mac);
                let rows = self.neighbour_rows(space, link.index, next);
                let cause = Cause::NeighbourWrong {
                    address: next,
                    mac,
                    real,
                };
                return Err(self.dropped(space, Some(link.index), cause, rows));
            }
            (None, None) => {
                wire.by_router = true;
                self.cross(wire);
                self.note(
                    space,
                    Some(link.index),
                    NoteKind::UnderlayRoutes { router: next },
                    None,
                );
                return self.routed_by_underlay(space, link, current);
            }
        };
        let there = self.network.get(port.space);
        let Some(other) = there.link(port.index) else {
            return Err(self.cannot_tell(port.space, Some(port.index), "the device was not read"));
        };
        if other.is_up() && !other.is_running() {
            let rows = vec![link_row(other)];
            return Err(self.dropped(port.space, Some(port.index), Cause::DeviceDown, rows));
        }
        self.arrive(port.space, other, current, frame)
    }

    /// The device of another node by which a frame comes in from the underlay; of several with the MAC, one that takes
    /// its tag.
    fn outside_with(&self, frame: Frame, elsewhere: impl Fn(&&Port) -> bool) -> Option<Port> {
        let mut bearers = self
            .network
            .with_mac(frame.to)
            .iter()
            .filter_map(|port| self.below_vlans(*port))
            .map(|(below, _)| below)
            .filter(|below| elsewhere(&below));
        let Some(tag) = frame.tag else {
            return bearers.next();
        };
        let takes = |port: &Port| {
            let link = self.network.get(port.space).link(port.index);
            link.is_some_and(|link| self.vlan_on(port.space, link, tag).is_some())
        };
        let first = bearers.next()?;
        std::iter::once(first)
            .chain(bearers)
            .find(takes)
            .or(Some(first))
    }

    /// A router that is no node takes the packet to whoever has its destination.
    fn routed_by_underlay(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        current: Current,
    ) -> Result<(SpaceId, Packet), Stop> {
        let destination = current.packet.destination;
        let here = self.network.get(space).node_number;
        let holders = self.network.holders(destination);
        let root = holders.iter().find(|port| {
            self.network.is_root(port.space) && self.network.get(port.space).node_number != here
        });
        if let Some(port) = root.copied() {
            let Some(other) = self.network.get(port.space).link(port.index) else {
                return Err(self.cannot_tell(port.space, None, "the device was not read"));
            };
            return self.arrive(port.space, other, current, None);
        }
        let why = self.missing_nodes().unwrap_or_else(|| {
            if holders.is_empty() {
                format!("the underlay takes it on; no node has {destination}")
            } else {
                format!("the underlay takes it on; whether its routers know {destination} cannot be seen")
            }
        });
        Err(self.cannot_tell(space, Some(link.index), why))
    }
}
