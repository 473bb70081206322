//! Packets in packets: VXLAN with all its ways to find the other end, and IP in IP.
//!
//! Sources: `drivers/net/vxlan/vxlan_core.c` (`vxlan_xmit`, `vxlan_xmit_one`, `vxlan_rcv`), `net/ipv4/ipip.c`,
//! `ip_tunnel.c`; RFC 7348.

mod end;
mod unwrap;

use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::network::SpaceId;
use super::path::{Outer, Packet, Protocol, Row, Step, Wrapping};
use super::vlan::TAG_OCTETS;
use super::walker::{Current, Frame, Inside, Stop, Walker};
use crate::model::link::{DontFragment, Tunnel, Vxlan};
use crate::model::number::{IfIndex, Vni};
use crate::model::route::Encap;
use crate::model::{FdbEntry, Link, LinkKind};

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
