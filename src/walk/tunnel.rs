//! Packets in packets: VXLAN with all its ways to find the other end, and IP in IP.
//!
//! Sources: `drivers/net/vxlan/vxlan_core.c` (`vxlan_xmit`, `vxlan_xmit_one`, `vxlan_rcv`), `net/ipv4/ipip.c`,
//! `ip_tunnel.c`; RFC 7348.

use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::layer3::link_row;
use super::network::SpaceId;
use super::path::{Cause, Outer, Packet, Protocol, Row, RowTable, Step, Wrapping};
use super::vlan::TAG_OCTETS;
use super::walker::{Current, Frame, Inside, Stop, Walker};
use crate::model::link::{DontFragment, Tunnel, Vxlan};
use crate::model::number::{IfIndex, Vni};
use crate::model::route::Encap;
use crate::model::{FdbEntry, Link, LinkKind, notation};

/// The kernel picks the source port of a wrapped packet by a hash of what is inside; this stands for any.
const ANY_SOURCE_PORT: u16 = 49152;

impl<'a> Walker<'_, 'a> {
    /// A VXLAN device sends a frame.
    pub(super) fn wrap(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        vxlan: &Vxlan,
        current: Current,
        frame: Frame,
    ) -> Result<(SpaceId, Packet), Stop> {
        let index = Some(link.index);
        if vxlan.collect_metadata {
            let why = format!("{} is told by a program where to send", link.name);
            return Err(self.cannot_tell(space, index, why));
        }
        let row = self.tunnel_row(space, link, frame.to)?;
        let mut rows = self.fdb_rows(space, row);
        let learned = self
            .learned
            .end(space, link.index, frame.to)
            .filter(|_| row.is_none_or(FdbEntry::is_learned));
        let end = match (row, learned) {
            (_, Some(end)) => end,
            (Some(row), None) => self.end_of(space, link, row)?,
            (None, None) => {
                let end = self.flooded_end(space, link, vxlan, frame.to)?;
                let flood = self
                    .network
                    .get(space)
                    .fdb(link.index, Mac::ZERO)
                    .iter()
                    .find(|row| row.dst == Some(end));
                rows = self.fdb_rows(space, flood.copied());
                end
            }
        };
        self.is_right_end(space, link, vxlan, frame.to, end, row.is_some(), &rows)?;
        self.add_rows(rows);
        let kind = Wrapping::Vxlan {
            vni: row.and_then(|row| row.vni).unwrap_or(vxlan.vni),
            port: row.and_then(|row| row.port).unwrap_or(vxlan.port),
        };
        // A row names its own device, or none; the tunnel's is for its default destination alone
        // (drivers/net/vxlan/vxlan_core.c, `remote_ifindex`).
        let via = row.map_or(vxlan.underlay, |row| row.via);
        let way = Wrapped {
            kind,
            source: vxlan.local,
            end,
            dont_fragment: match vxlan.df {
                DontFragment::Unset => false,
                DontFragment::Set => true,
                DontFragment::Inherit => current.packet.dont_fragment,
            },
            via,
            frame: Some(frame),
        };
        self.send_wrapped(space, link, current, way)
    }

    /// A tunnel without frames sends a packet (`ip_tunnel_xmit`).
    pub(super) fn wrap_ip(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        tunnel: &Tunnel,
        current: Current,
        next: IpAddr,
    ) -> Result<(SpaceId, Packet), Stop> {
        let inner_v6 = current.packet.destination.is_ipv6();
        let protocol = match tunnel.name.as_str() {
            "ipip" => 4,
            "sit" if inner_v6 => 41,
            "sit" => 4,
            "gre" => 47,
            other => {
                let why = format!(
                    "{} is a tunnel of kind {other}, which is not followed",
                    link.name
                );
                return Err(self.cannot_tell(space, Some(link.index), why));
            }
        };
        if tunnel.collect_metadata || tunnel.encapsulation.is_some() {
            let why = format!("what {} does with a packet is not followed", link.name);
            return Err(self.cannot_tell(space, Some(link.index), why));
        }
        // Without a remote the next hop is the tunnel's other end (NBMA).
        let end = tunnel
            .remote
            .filter(|remote| !remote.is_unspecified())
            .unwrap_or(next);
        let way = Wrapped {
            kind: Wrapping::Ip { protocol },
            source: tunnel.local.filter(|local| !local.is_unspecified()),
            end,
            dont_fragment: tunnel.path_mtu_discovery,
            via: link.lower.map(|lower| lower.index),
            frame: None,
        };
        self.send_wrapped(space, link, current, way)
    }

    /// The route says how to wrap (`encap ip`).
    pub(super) fn wrap_by_route(
        &mut self,
        space: SpaceId,
        current: Current,
        link: &'a Link,
        encap: &Encap,
        _rows: Vec<Row>,
    ) -> Result<(SpaceId, Packet), Stop> {
        let (Encap::Ip { id, dst, src, .. }, LinkKind::Vxlan(vxlan)) = (encap, &link.kind) else {
            let why = "the route wraps in a way that is not followed";
            return Err(self.cannot_tell(space, Some(link.index), why));
        };
        let (Some(end), Some(from), true) = (*dst, link.mac, vxlan.collect_metadata) else {
            let why = "the route wraps for a device that takes its tunnel ends from elsewhere";
            return Err(self.cannot_tell(space, Some(link.index), why));
        };
        let vni = Vni(u32::try_from(*id).unwrap_or(u32::MAX));
        let way = Wrapped {
            kind: Wrapping::Vxlan {
                vni,
                port: vxlan.port,
            },
            source: *src,
            end,
            dont_fragment: false,
            via: None,
            frame: Some(Frame::new(from, from)),
        };
        self.send_wrapped(space, link, current, way)
    }

    fn send_wrapped(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        current: Current,
        way: Wrapped,
    ) -> Result<(SpaceId, Packet), Stop> {
        let source = way.source.unwrap_or(match way.end {
            IpAddr::V4(_) => IpAddr::from([0, 0, 0, 0]),
            IpAddr::V6(_) => IpAddr::from([0u8; 16]),
        });
        let outer = Outer {
            source,
            destination: way.end,
            kind: way.kind,
        };
        let protocol = match way.kind {
            Wrapping::Vxlan { port, .. } => Protocol::Udp {
                source_port: ANY_SOURCE_PORT,
                destination_port: port,
            },
            Wrapping::Ip { protocol } => Protocol::Tunnel { number: protocol },
        };
        // A tag goes along inside (`vxlan_build_skb`), though RFC 7348, section 6.1, advises against it.
        let tag = match way.frame {
            Some(Frame { tag: Some(_), .. }) => TAG_OCTETS,
            _ => 0,
        };
        let packet = Packet {
            source,
            destination: way.end,
            protocol,
            size: current.packet.size + way.kind.octets(way.end.is_ipv6()) + tag,
            dont_fragment: way.dont_fragment,
            mark: current.packet.mark,
            ttl: Packet::TTL,
        };
        self.last_is(Step::Wrap);
        let wrapped = Current {
            packet,
            established: current.established,
            inside: Some(Box::new(Inside {
                current,
                outer,
                frame: way.frame,
                wrapped_at: (space, link.index),
            })),
        };
        self.send(space, wrapped, way.via)
    }

    /// The device's own row for a MAC; `None` if it floods.
    fn tunnel_row(
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

    fn fdb_rows(&self, space: SpaceId, row: Option<&FdbEntry>) -> Vec<Row> {
        if !self.is_recording() {
            return Vec::new();
        }
        let netns = self.network.get(space).netns;
        row.map(|row| Row::new(RowTable::Fdb, notation::fdb(row, netns)))
            .into_iter()
            .collect()
    }

    /// The tunnel end of a row; a nexthop group's first member stands for all.
    fn end_of(&self, space: SpaceId, link: &Link, row: &FdbEntry) -> Result<IpAddr, Stop> {
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
    pub(super) fn flood_ends(&self, space: SpaceId, link: &Link, vxlan: &Vxlan) -> Vec<IpAddr> {
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
    fn flooded_end(
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
    fn is_right_end(
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
    pub(super) fn tunnel_address(&self, node_number: u32, vxlan: &Vxlan) -> Option<IpAddr> {
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
    pub(super) fn tunnel_at(
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
    fn takes(&self, space: SpaceId, port: u16, vni: Vni) -> Option<&'a Link> {
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

    /// A tunnel's packet has arrived at the address it was sent to.
    pub(super) fn unwrap(
        &mut self,
        space: SpaceId,
        input: IfIndex,
        outer: Current,
        inside: Inside,
    ) -> Result<(SpaceId, Packet), Stop> {
        if let Some(why) = self.network.get(space).netns.links.doubt() {
            return Err(self.cannot_tell(space, Some(input), format!("devices: {why}")));
        }
        match inside.outer.kind {
            Wrapping::Vxlan { vni, port } => self.unwrap_vxlan(space, input, inside, vni, port),
            Wrapping::Ip { protocol } => self.unwrap_ip(space, input, &outer, inside, protocol),
        }
    }

    fn unwrap_vxlan(
        &mut self,
        space: SpaceId,
        input: IfIndex,
        inside: Inside,
        vni: Vni,
        port: u16,
    ) -> Result<(SpaceId, Packet), Stop> {
        let at = self.network.get(space);
        let devices = || {
            at.vxlans().iter().filter_map(|link| match &link.kind {
                LinkKind::Vxlan(vxlan) => Some((link, vxlan)),
                _ => None,
            })
        };
        let rows: Vec<_> = devices()
            .map(|(link, vxlan)| {
                let text = format!(
                    "{}: vxlan id {} dstport {}",
                    link.name, vxlan.vni, vxlan.port
                );
                Row::new(RowTable::Link, text)
            })
            .collect();
        let Some(link) = self.takes(space, port, vni) else {
            let on_port: Vec<_> = devices().filter(|(_, vxlan)| vxlan.port == port).collect();
            let cause = if on_port.is_empty() {
                Cause::NoTunnelDevice {
                    port,
                    there: devices()
                        .map(|(link, vxlan)| (link.name.clone(), vxlan.port))
                        .collect(),
                }
            } else {
                Cause::VniMismatch {
                    vni,
                    there: on_port
                        .iter()
                        .map(|(link, vxlan)| (link.name.clone(), vxlan.vni))
                        .collect(),
                }
            };
            return Err(self.dropped(space, Some(input), cause, rows));
        };
        if !link.is_up() {
            let rows = vec![link_row(link)];
            return Err(self.dropped(space, Some(link.index), Cause::TunnelDeviceDown, rows));
        }
        if let Some(frame) = inside.frame
            && link.mac == Some(frame.from)
        {
            let cause = Cause::DuplicateTunnelMac { mac: frame.from };
            let mut rows = vec![link_row(link)];
            let (from, index) = inside.wrapped_at;
            rows.extend(self.network.get(from).link(index).map(link_row));
            return Err(self.dropped(space, Some(link.index), cause, rows));
        }
        if let (Some(frame), LinkKind::Vxlan(vxlan)) = (inside.frame, &link.kind)
            && vxlan.learning
            && self.is_recording()
        {
            let end = inside.outer.source;
            self.learned.comes_from(space, link.index, frame.from, end);
        }
        self.arrive_as(space, link, inside.current, inside.frame, Step::Unwrap)
    }

    fn unwrap_ip(
        &mut self,
        space: SpaceId,
        input: IfIndex,
        outer: &Current,
        inside: Inside,
        protocol: u8,
    ) -> Result<(SpaceId, Packet), Stop> {
        let at = self.network.get(space);
        let suits = |own: Option<IpAddr>, packet: IpAddr| {
            own.is_none_or(|own| own.is_unspecified() || own == packet)
        };
        let link = at.netns.links.iter().find(|link| match &link.kind {
            LinkKind::Tunnel(tunnel) => {
                let kind = match tunnel.name.as_str() {
                    "ipip" => protocol == 4,
                    "sit" => matches!(protocol, 4 | 41),
                    "gre" => protocol == 47,
                    _ => false,
                };
                kind && link.is_up()
                    && suits(tunnel.local, outer.packet.destination)
                    && suits(tunnel.remote, outer.packet.source)
            }
            _ => false,
        });
        match link {
            Some(link) => self.arrive_as(space, link, inside.current, None, Step::Unwrap),
            None => {
                let cause = Cause::NoIpTunnel { protocol };
                Err(self.dropped(space, Some(input), cause, Vec::new()))
            }
        }
    }
}

/// How a packet is wrapped.
struct Wrapped {
    kind: Wrapping,
    source: Option<IpAddr>,
    end: IpAddr,
    dont_fragment: bool,
    via: Option<IfIndex>,
    frame: Option<Frame>,
}
