//! A packet that is larger than the device it leaves by takes.
//!
//! Sources: `net/ipv4/ip_output.c` (`ip_fragment`), `net/ipv6/ip6_output.c` (`ip6_fragment`),
//! `net/ipv4/ip_tunnel_core.c`.

use super::Way;
use crate::walk::evidence::link_row;
use crate::walk::network::SpaceId;
use crate::walk::path::{Cause, NoteKind, Step};
use crate::walk::walker::{Current, Stop, Walker};

impl Walker<'_, '_> {
    /// `ip_fragment`, `ip6_fragment`, and the refusals before them.
    pub(super) fn too_big(
        &mut self,
        space: SpaceId,
        current: &mut Current,
        way: &Way<'_>,
        mtu: u32,
        step: Step,
    ) -> Result<(), Stop> {
        let forwarded = step == Step::Forward;
        self.told_inside(space, current, way, mtu)?;
        let must_not =
            current.packet.dont_fragment || (forwarded && current.packet.destination.is_ipv6());
        if must_not {
            let cause = Cause::MtuExceeded {
                mtu,
                size: current.packet.size,
                silent: current.inside.is_some(),
            };
            let mut rows = vec![link_row(way.link)];
            rows.extend(way.rows.iter().cloned());
            return Err(self.dropped(space, Some(way.link.index), cause, rows));
        }
        self.note(
            space,
            Some(way.link.index),
            NoteKind::Fragmented {
                mtu,
                size: current.packet.size,
            },
            Some(link_row(way.link)),
        );
        current.packet.size = largest_piece(mtu, current.packet.destination.is_ipv6());
        Ok(())
    }

    /// A tunnel device that is a bridge's port answers the sender of a packet that is not to be cut, in place of the
    /// wrapped one being cut (`skb_tunnel_check_pmtu`, net/ipv4/ip_tunnel_core.c, since Linux 5.9).
    fn told_inside(
        &mut self,
        space: SpaceId,
        current: &Current,
        way: &Way<'_>,
        mtu: u32,
    ) -> Result<(), Stop> {
        let Some(inside) = &current.inside else {
            return Ok(());
        };
        let (at, index) = inside.wrapped_at;
        let is_port = self
            .network
            .get(at)
            .link(index)
            .is_some_and(|link| link.master.is_some());
        if at != space || !is_port || !inside.current.packet.dont_fragment {
            return Ok(());
        }
        let wrapping = current
            .packet
            .size
            .saturating_sub(inside.current.packet.size);
        let cause = Cause::MtuExceeded {
            mtu: mtu.saturating_sub(wrapping),
            size: inside.current.packet.size,
            silent: false,
        };
        let rows = vec![link_row(way.link)];
        Err(self.dropped(space, Some(way.link.index), cause, rows))
    }
}

/// The size of the pieces but the last, with their IP headers: what they carry counts in units of 8 octets (RFC 791
/// §3.2, RFC 8200 §4.5).
fn largest_piece(mtu: u32, v6: bool) -> u32 {
    let headers = if v6 { 40 + 8 } else { 20 };
    headers + (mtu.saturating_sub(headers) & !7)
}
