//! A wrapped packet has arrived: which device takes it, and what comes out.
//!
//! Sources: `drivers/net/vxlan/vxlan_core.c` (`vxlan_rcv`), `net/ipv4/ip_tunnel.c` (`ip_tunnel_lookup`).

use std::net::IpAddr;

use crate::model::LinkKind;
use crate::model::number::{IfIndex, Vni};
use crate::walk::evidence::link_row;
use crate::walk::network::SpaceId;
use crate::walk::path::{Cause, Packet, Row, RowTable, Step, Wrapping};
use crate::walk::walker::{Current, Inside, Stop, Walker};

impl Walker<'_, '_> {
    /// A tunnel's packet has arrived at the address it was sent to.
    pub(in crate::walk) fn unwrap(
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
