//! VLANs: the tag of a frame, the ports of a bridge that are in its VLAN, and the devices that put tags on and take
//! them off.
//!
//! States of single VLANs (`bridge vlan set … state`, MST) are not in a snapshot; they are taken to forward.
//!
//! Sources: `net/bridge/br_vlan.c` (`br_allowed_ingress`, `br_allowed_egress`, `br_handle_vlan`), `br_input.c`
//! (`br_pass_frame_up`), `net/8021q/vlan_core.c` (`vlan_do_receive`), `vlan_dev.c`.

use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::network::{Port, Space, SpaceId};
use super::path::{Cause, Row, RowTable};
use super::walker::{Current, Frame, Stop, Walker};
use crate::model::link::{LinkFlags, Vlan, VlanProtocol};
use crate::model::number::IfIndex;
use crate::model::route::PortVlan;
use crate::model::{Link, LinkKind, notation};

/// What a tag adds to a frame, octets (`VLAN_HLEN`).
pub(super) const TAG_OCTETS: u32 = 4;

/// A frame's tag. One that has two is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) id: u16,
    pub(super) protocol: VlanProtocol,
}

impl Tag {
    /// That of a VLAN device.
    fn of(vlan: &Vlan) -> Self {
        Self {
            id: vlan.id,
            protocol: vlan.protocol,
        }
    }
}

/// The VLAN that a frame is in inside of a bridge; `None` in one that does not filter.
pub(super) type Within = Option<Tag>;

/// Its number in the forwarding database: 0 is that of a bridge that does not filter.
pub(super) fn number(within: Within) -> u16 {
    within.map_or(0, |tag| tag.id)
}

/// Why a frame does not pass a port.
pub(super) enum Refused {
    Dropped(Cause),
    CannotTell(String),
}

/// What two tags are to the walk.
const TWO_TAGS: &str = "frames with two tags are not followed";

impl<'a> Space<'a> {
    /// The VLAN of a frame that comes in by a port of a bridge, or that the bridge itself sends, with the row that says
    /// so (`br_allowed_ingress`).
    pub(super) fn enters(
        &self,
        bridge: &Link,
        port: &Link,
        tag: Option<Tag>,
    ) -> Result<(Within, Option<&'a PortVlan>), Refused> {
        let LinkKind::Bridge(settings) = &bridge.kind else {
            return Ok((None, None));
        };
        if !settings.vlan_filtering {
            return Ok((None, None));
        }
        let Some(protocol) = settings.vlan_protocol else {
            let why = format!("which kind of tags {} looks at was not read", bridge.name);
            return Err(Refused::CannotTell(why));
        };
        // The tag of another kind stays, and the port's VLAN is put before it.
        if tag.is_some_and(|tag| tag.protocol != protocol) {
            return Err(Refused::CannotTell(TWO_TAGS.to_owned()));
        }
        // A tag of VLAN 0 says but the priority.
        let tag = tag.filter(|tag| tag.id != 0);
        let (row, cause) = match tag {
            Some(tag) => {
                let cause = Cause::NotInVlan { vlan: tag.id };
                (self.port_vlan(port.index, tag.id), cause)
            }
            None => (self.pvid(port.index), Cause::NoPvid),
        };
        match row {
            Some(row) => {
                let id = row.vlan;
                Ok((Some(Tag { id, protocol }), Some(row)))
            }
            None => Err(self.not_there(cause)),
        }
    }

    /// The tag with which a frame goes out by a port of a bridge, with the row that lets it (`br_allowed_egress`,
    /// `br_handle_vlan`).
    pub(super) fn goes_out(
        &self,
        port: &Link,
        within: Within,
        tag: Option<Tag>,
    ) -> Result<(Option<Tag>, Option<&'a PortVlan>), Refused> {
        let Some(own) = within else {
            return Ok((tag, None));
        };
        match self.port_vlan(port.index, own.id) {
            Some(row) => Ok((within.filter(|_| !row.untagged), Some(row))),
            None => Err(self.not_there(Cause::NotInVlan { vlan: own.id })),
        }
    }

    /// The same for the bridge itself, which takes a frame (`br_pass_frame_up`): one that listens to everything gets
    /// those of other VLANs too, as they are.
    pub(super) fn goes_up(
        &self,
        bridge: &Link,
        within: Within,
        tag: Option<Tag>,
    ) -> Result<(Option<Tag>, Option<&'a PortVlan>), Refused> {
        match self.goes_out(bridge, within, tag) {
            Err(_) if is_promiscuous(bridge) => Ok((within, None)),
            other => other,
        }
    }

    /// A row that is not there is missing only if all were read.
    fn not_there(&self, cause: Cause) -> Refused {
        match self.netns.port_vlans.doubt() {
            Some(why) => Refused::CannotTell(format!("VLANs of ports: {why}")),
            None => Refused::Dropped(cause),
        }
    }
}

/// The tag with which a question leaves a VLAN device.
pub(super) fn tag_below(vlan: &Vlan, tag: Option<Tag>) -> Result<Tag, String> {
    match tag {
        None => Ok(Tag::of(vlan)),
        Some(_) => Err(TWO_TAGS.to_owned()),
    }
}

/// Whether a device takes every frame; `ip link` shows only what was asked for by hand.
pub(super) fn is_promiscuous(link: &Link) -> bool {
    link.promiscuity > 0 || link.flags.has(LinkFlags::PROMISC)
}

impl<'a> Walker<'_, 'a> {
    /// A frame that does not pass a port of a bridge.
    pub(super) fn refused(&self, space: SpaceId, port: IfIndex, refused: Refused) -> Stop {
        match refused {
            Refused::Dropped(cause) => {
                let rows = self.vlan_rows(space, port);
                self.dropped(space, Some(port), cause, rows)
            }
            Refused::CannotTell(why) => self.cannot_tell(space, Some(port), why),
        }
    }

    /// The VLANs that a port is in: what is missing among them.
    pub(super) fn vlan_rows(&self, space: SpaceId, port: IfIndex) -> Vec<Row> {
        /// More VLANs than a reader looks through.
        const MOST: usize = 8;
        let netns = self.network.get(space).netns;
        let mut rows: Vec<_> = netns
            .port_vlans
            .iter()
            .filter(|row| row.device == port)
            .take(MOST)
            .map(|row| Row::new(RowTable::Vlan, notation::port_vlan(row, netns)))
            .collect();
        if rows.is_empty() {
            // As `bridge vlan` says it.
            let text = format!("{}  None", netns.device_name(port));
            rows.push(Row::new(RowTable::Vlan, text));
        }
        rows
    }

    /// A row that lets a frame pass, for the hop.
    pub(super) fn vlan_row(&self, space: SpaceId, row: Option<&PortVlan>) -> Option<Row> {
        let row = row.filter(|_| self.is_recording())?;
        let text = notation::port_vlan(row, self.network.get(space).netns);
        Some(Row::new(RowTable::Vlan, text))
    }

    /// The frame that a VLAN device hands to the device below (`vlan_dev_hard_start_xmit`).
    pub(super) fn tagged(
        &self,
        space: SpaceId,
        link: &Link,
        vlan: &Vlan,
        frame: Frame,
    ) -> Result<Frame, Stop> {
        match frame.tag {
            None => Ok(frame.with(Some(Tag::of(vlan)))),
            Some(_) => Err(self.cannot_tell(space, Some(link.index), TWO_TAGS)),
        }
    }

    /// The VLAN device on a device that takes frames with a tag (`vlan_find_dev`).
    pub(super) fn vlan_on(
        &self,
        space: SpaceId,
        link: &Link,
        tag: Tag,
    ) -> Option<(SpaceId, &'a Link)> {
        let index = link.index;
        self.vlans_of(Port { space, index })
            .find(|(_, upper)| matches!(&upper.kind, LinkKind::Vlan(vlan) if Tag::of(vlan) == tag))
    }

    /// Whether a VLAN device on a device has a MAC.
    pub(super) fn has_vlan_with(&self, space: SpaceId, link: &Link, mac: Mac) -> bool {
        let index = link.index;
        self.vlans_of(Port { space, index })
            .any(|(_, upper)| upper.mac == Some(mac))
    }

    fn vlans_of(&self, port: Port) -> impl Iterator<Item = (SpaceId, &'a Link)> {
        self.network.vlans_on(port).iter().filter_map(|upper| {
            let there = self.network.get(upper.space);
            Some((upper.space, there.link(upper.index)?))
        })
    }

    /// A tagged frame that no VLAN device takes (`__netif_receive_skb_core`).
    pub(super) fn nobody_takes(&self, space: SpaceId, link: &Link, tag: Tag) -> Stop {
        let at = self.network.get(space);
        if let Some(why) = at.netns.links.doubt() {
            return self.cannot_tell(space, Some(link.index), format!("devices: {why}"));
        }
        let index = link.index;
        let rows = self
            .vlans_of(Port { space, index })
            .filter_map(|(_, upper)| match &upper.kind {
                LinkKind::Vlan(vlan) => {
                    let (name, below) = (&upper.name, &link.name);
                    let protocol = vlan.protocol.as_str();
                    let text = format!("{name}@{below}: vlan protocol {protocol} id {}", vlan.id);
                    Some(Row::new(RowTable::Link, text))
                }
                _ => None,
            })
            .collect();
        let cause = Cause::NoVlanDevice { vlan: tag.id };
        self.dropped(space, Some(index), cause, rows)
    }

    /// The device that frames for `port` come in by from outside, and their tag there; `None` if they have two.
    pub(super) fn below_vlans(&self, port: Port) -> Option<(Port, Option<Tag>)> {
        let link = self.network.get(port.space).link(port.index)?;
        match &link.kind {
            LinkKind::Vlan(vlan) => {
                let (space, lower) = self.lower_of(port.space, link)?;
                let index = lower.index;
                match self.below_vlans(Port { space, index })? {
                    (below, None) => Some((below, Some(Tag::of(vlan)))),
                    (_, Some(_)) => None,
                }
            }
            LinkKind::Macvlan(_) => match self.lower_of(port.space, link) {
                Some((space, lower)) if matches!(lower.kind, LinkKind::Vlan(_)) => {
                    let index = lower.index;
                    self.below_vlans(Port { space, index })
                }
                _ => Some((port, None)),
            },
            _ => Some((port, None)),
        }
    }

    /// Whether a frame that comes from the underlay by `below` is the one for `next`. Whether switches between the nodes
    /// put tags on and take them off cannot be seen.
    pub(super) fn may_be_retagged(
        &self,
        below: Port,
        tag: Option<Tag>,
        next: IpAddr,
    ) -> Option<String> {
        let at = self.network.get(below.space);
        let link = at.link(below.index)?;
        let words = |tag: Option<Tag>| match tag {
            Some(tag) => format!("in VLAN {}", tag.id),
            None => "untagged".to_owned(),
        };
        let wanted = self
            .network
            .holders(next)
            .iter()
            .filter(|port| port.space == below.space)
            .filter_map(|port| self.below_vlans(*port))
            .find(|(base, _)| *base == below)
            .map(|(_, wanted)| wanted);
        let differs = match (tag, wanted) {
            (Some(tag), _) => self.vlan_on(below.space, link, tag).is_none(),
            (None, Some(wanted)) => wanted.is_some(),
            (None, None) => false,
        };
        differs.then(|| {
            let there = match wanted {
                Some(wanted) => format!("{next} is {} there", words(wanted)),
                None => format!("{} has no device for it", link.name),
            };
            format!(
                "it leaves {}, and {there} ({}); what the switches between make of tags cannot be seen",
                words(tag),
                at.node.name
            )
        })
    }

    /// A bridge that filters stands for the port by which it is joined to the underlay, if that is one.
    pub(super) fn outer_port(&self, port: Port) -> Result<Port, String> {
        let at = self.network.get(port.space);
        let filters = |link: &&Link| matches!(&link.kind, LinkKind::Bridge(settings) if settings.vlan_filtering);
        let Some(bridge) = at.link(port.index).filter(filters) else {
            return Ok(port);
        };
        let mut outer = at
            .ports(bridge.index)
            .iter()
            .filter(|link| self.leads_out(port.space, link));
        match (outer.next(), outer.next()) {
            (Some(only), None) => Ok(Port {
                space: port.space,
                index: only.index,
            }),
            _ => Err(format!(
                "by which port of {} frames of the underlay come is not known",
                bridge.name
            )),
        }
    }

    /// A frame that a bridge has taken is the bridge's own, or a VLAN device's on it.
    pub(super) fn taken_by_bridge(
        &mut self,
        space: SpaceId,
        bridge: &'a Link,
        current: Current,
        frame: Frame,
    ) -> Result<(SpaceId, super::path::Packet), Stop> {
        match frame.tag {
            None => self.receive(space, bridge, current),
            Some(tag) => match self.vlan_on(space, bridge, tag) {
                Some((there, upper)) => self.arrive(there, upper, current, Some(frame.with(None))),
                None => Err(self.nobody_takes(space, bridge, tag)),
            },
        }
    }
}

#[cfg(test)]
mod tests;
