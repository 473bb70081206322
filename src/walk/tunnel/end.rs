//! The other end of a tunnel: to which node a VXLAN device sends a frame, and which device there takes it.
//!
//! Sources: `drivers/net/vxlan/vxlan_core.c` (`vxlan_xmit`, `vxlan_vs_find_vni`), `vxlan_vnifilter.c`.

use std::net::IpAddr;

use plugin_core::mac::Mac;

use crate::model::link::Vxlan;
use crate::model::number::Vni;
use crate::model::{FdbEntry, Link, LinkKind, notation};
use crate::walk::evidence::link_row;
use crate::walk::network::SpaceId;
use crate::walk::path::{Cause, Row};
use crate::walk::walker::{Stop, Walker};

impl<'a> Walker<'_, 'a> {
    /// The device's own row for a MAC; `None` if it floods.
    #[inline]
    pub(super) fn tunnel_row(
        &self,
        space: SpaceId,
        link: &Link,
        mac: Mac,
    ) -> Result<Option<&'a FdbEntry>, Stop> {
        let at = self.network.get(space);
        let row = at
            .fdb(link.index, mac)
            .iter()
            .find(|row| row.device == link.index && row.master.is_none())
            .copied();
        match (row, at.netns.fdb.doubt()) {
            (None, Some(why)) => {
                Err(self.cannot_tell(space, Some(link.index), format!("fdb: {why}")))
            }
            (row, _) => Ok(row.filter(|_| !mac.is_multicast())),
        }
    }

    /// The tunnel end of a row; a nexthop group's first member stands for all.
    #[inline]
    pub(super) fn end_of(
        &self,
        space: SpaceId,
        link: &Link,
        row: &FdbEntry,
    ) -> Result<IpAddr, Stop> {
        if let Some(end) = row.dst {
            return Ok(end);
        }
        let at = self.network.get(space);
        let member = row.nexthop_id.and_then(|id| {
            let object = at.netns.nexthops.iter().find(|object| object.id == id)?;
            let gateway =
                |object: &crate::model::route::NextHopObject| object.hop.as_ref()?.gateway;
            gateway(object).or_else(|| {
                let (first, _) = object.group.first()?;
                gateway(
                    at.netns
                        .nexthops
                        .iter()
                        .find(|object| object.id == *first)?,
                )
            })
        });
        member.ok_or_else(|| {
            let why = format!("'{}' names no tunnel end", notation::fdb(row, at.netns));
            self.cannot_tell(space, Some(link.index), why)
        })
    }

    /// Where a frame for an unknown MAC goes: the rows for 00:00:00:00:00:00, and the device's `remote`.
    pub(in crate::walk) fn flood_ends(
        &self,
        space: SpaceId,
        link: &Link,
        vxlan: &Vxlan,
    ) -> Vec<IpAddr> {
        let at = self.network.get(space);
        let rows = at
            .fdb(link.index, Mac::ZERO)
            .iter()
            .filter(|row| row.device == link.index && row.master.is_none())
            .filter_map(|row| row.dst);
        let mut ends: Vec<_> = rows.chain(vxlan.remote).collect();
        // A group stands for all who have joined it: whoever has a device with the same group.
        if ends.iter().any(IpAddr::is_multicast) {
            let groups: Vec<_> = ends.iter().copied().filter(IpAddr::is_multicast).collect();
            ends.retain(|end| !end.is_multicast());
            for there in self.network.spaces() {
                let other = self.network.get(there);
                if other.node_number == at.node_number {
                    continue;
                }
                let joined = other.vxlans().iter().any(|link| match &link.kind {
                    LinkKind::Vxlan(theirs) => {
                        theirs.remote.is_some_and(|group| groups.contains(&group))
                    }
                    _ => false,
                });
                if joined && let Some(end) = self.tunnel_address(other.node_number, vxlan) {
                    ends.push(end);
                }
            }
        }
        ends
    }

    /// The one of the flooding list that leads to whoever has the MAC.
    pub(super) fn flooded_end(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        vxlan: &Vxlan,
        mac: Mac,
    ) -> Result<IpAddr, Stop> {
        let ends = self.flood_ends(space, link, vxlan);
        let here = self.network.get(space).node_number;
        if ends.is_empty() {
            let cause = Cause::NoTunnelEnd { mac };
            return Err(self.dropped(space, Some(link.index), cause, vec![link_row(link)]));
        }
        let owners: Vec<u32> = self
            .network
            .with_mac(mac)
            .iter()
            .map(|port| self.network.get(port.space).node_number)
            .filter(|node| *node != here)
            .collect();
        let leads = |end: &IpAddr| {
            self.network
                .holders(*end)
                .iter()
                .any(|port| owners.contains(&self.network.get(port.space).node_number))
        };
        if let Some(end) = ends.iter().copied().find(leads) {
            return Ok(end);
        }
        let missing = owners
            .first()
            .and_then(|node| self.tunnel_address(*node, vxlan));
        match missing {
            Some(missing) => {
                let cause = Cause::NotInFloodList { mac, missing };
                Err(self.dropped(space, Some(link.index), cause, vec![link_row(link)]))
            }
            None => {
                let why = self
                    .missing_nodes()
                    .unwrap_or_else(|| format!("no node is known to have {mac}"));
                Err(self.cannot_tell(space, Some(link.index), why))
            }
        }
    }

    /// Whether the tunnel end is where the MAC is.
    #[allow(
        clippy::too_many_arguments,
        reason = "a row, and what it is compared with"
    )]
    #[inline]
    pub(super) fn is_right_end(
        &self,
        space: SpaceId,
        link: &Link,
        vxlan: &Vxlan,
        mac: Mac,
        end: IpAddr,
        by_row: bool,
        rows: &[Row],
    ) -> Result<(), Stop> {
        let at = self.network.get(space);
        let nodes: Vec<u32> = self
            .network
            .holders(end)
            .iter()
            .filter(|port| self.network.is_root(port.space))
            .map(|port| self.network.get(port.space).node_number)
            .collect();
        if nodes == [at.node_number] {
            let cause = Cause::TunnelEndIsSelf { address: end };
            return Err(self.dropped(space, Some(link.index), cause, rows.to_vec()));
        }
        let owners: Vec<u32> = self
            .network
            .with_mac(mac)
            .iter()
            .map(|port| self.network.get(port.space).node_number)
            .filter(|node| *node != at.node_number)
            .collect();
        if nodes.is_empty()
            && let Some(why) = self.missing_nodes()
        {
            return Err(self.cannot_tell(space, Some(link.index), why));
        }
        if owners.iter().any(|owner| nodes.contains(owner)) || !by_row {
            return Ok(());
        }
        let right = owners
            .first()
            .and_then(|node| self.tunnel_address(*node, vxlan));
        if owners.is_empty() && !nodes.is_empty() {
            // Nobody is known to have the MAC; the frame is judged where it arrives.
            return Ok(());
        }
        let cause = Cause::WrongTunnelEnd {
            mac,
            sent_to: end,
            right,
        };
        Err(self.dropped(space, Some(link.index), cause, rows.to_vec()))
    }

    /// The tunnel end of a node for a VXLAN network: what its own device sends from, else the node's address on the
    /// network that the device's peers are on.
    pub(in crate::walk) fn tunnel_address(
        &self,
        node_number: u32,
        vxlan: &Vxlan,
    ) -> Option<IpAddr> {
        let here = vxlan.local.and_then(|local| {
            let port = self.network.holders(local).first()?;
            let at = self.network.get(port.space);
            at.netns
                .addresses
                .iter()
                .find(|row| row.address == local)?
                .network()
        });
        let others = || {
            self.network
                .spaces()
                .map(|space| self.network.get(space))
                .filter(move |space| space.node_number == node_number)
        };
        let local = others().find_map(|space| {
            space.vxlans().iter().find_map(|link| match &link.kind {
                LinkKind::Vxlan(theirs) if theirs.vni == vxlan.vni => theirs.local,
                _ => None,
            })
        });
        local.or_else(|| {
            others().find_map(|space| {
                space
                    .netns
                    .addresses
                    .iter()
                    .map(|row| row.address)
                    .find(|address| here.is_some_and(|network| network.contains(address)))
            })
        })
    }

    /// The VXLAN device of the node at a tunnel end that takes what `vxlan` sends there.
    pub(in crate::walk) fn tunnel_at(
        &self,
        from: SpaceId,
        end: IpAddr,
        vxlan: &Vxlan,
    ) -> Option<(SpaceId, &'a Link)> {
        let here = self.network.get(from).node_number;
        let port = self.network.holders(end).iter().find(|port| {
            self.network.is_root(port.space) && self.network.get(port.space).node_number != here
        })?;
        let link = self.takes(port.space, vxlan.port, vxlan.vni)?;
        link.is_up().then_some((port.space, link))
    }

    /// The VXLAN device of a namespace for a port and a VNI (`vxlan_vs_find_vni`).
    #[inline]
    pub(super) fn takes(&self, space: SpaceId, port: u16, vni: Vni) -> Option<&'a Link> {
        let at = self.network.get(space);
        at.vxlans()
            .iter()
            .find(|link| match &link.kind {
                LinkKind::Vxlan(vxlan) => {
                    vxlan.port == port
                        && (vxlan.vni == vni || vxlan.collect_metadata || vxlan.vni_filter)
                }
                _ => false,
            })
            .copied()
    }
}
