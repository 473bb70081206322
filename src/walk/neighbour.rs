//! Which MAC a packet leaves with: the entry of `ip neigh`, or who would answer if asked.
//!
//! Sources: `net/core/neighbour.c`, `net/ipv4/arp.c`.

mod flood;
mod question;
mod solicited;

use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::evidence::link_row;
use super::network::{Port, SpaceId};
use super::path::{Cause, NoteKind, Row, RowTable, Unanswered};
use super::walker::{Current, Frame, Stop, Walker};
use crate::model::link::LinkFlags;
use crate::model::neighbour::NeighbourState;
use crate::model::number::IfIndex;
use crate::model::{Link, LinkKind, notation};
use question::{Heard, Question};

/// So many bearers of a MAC are looked through sooner than the devices of one namespace.
const FEW: usize = 16;

impl<'a> Walker<'_, 'a> {
    /// The frame in which a packet for `next` leaves a device; `None` on devices without frames.
    pub(super) fn frame_for(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        next: IpAddr,
        current: &Current,
        rows: &mut Vec<Row>,
    ) -> Result<Option<Frame>, Stop> {
        // ARPHRD_ETHER; tunnels without frames need no neighbour.
        let (Some(from), 1) = (link.mac, link.hardware_type) else {
            return Ok(None);
        };
        if next.is_multicast() {
            return Err(self.cannot_tell(space, Some(link.index), "multicast is not followed"));
        }
        let at = self.network.get(space);
        let entry = at.neighbour(link.index, next);
        if let Some(entry) = entry
            && entry.state.is_valid()
            && let Some(to) = entry.mac
        {
            if self.is_recording() {
                rows.push(Row::new(
                    RowTable::Neighbour,
                    notation::neighbour(entry, at.netns),
                ));
            }
            self.is_right(space, link, next, to)?;
            return Ok(Some(Frame::new(to, from)));
        }
        if link.flags.has(LinkFlags::NOARP) && next.is_ipv4() {
            let frames = matches!(
                link.kind,
                LinkKind::Veth | LinkKind::Bridge(_) | LinkKind::Device | LinkKind::Macvlan(_)
            );
            if frames {
                let rows = vec![link_row(link)];
                return Err(self.dropped(space, Some(link.index), Cause::ArpOff, rows));
            }
            return Ok(Some(Frame::new(from, from)));
        }
        let question = Question {
            target: next,
            asker: current.packet.source,
            solicitor: next
                .is_ipv6()
                .then(|| self.solicitor(space, link))
                .flatten(),
            tag: None,
        };
        let heard = match self.ask(space, link, question, 0) {
            Heard::Answered(to) => self
                .takes_asking(space, link, question)
                .unwrap_or(Heard::Answered(to)),
            other => other,
        };
        match heard {
            Heard::Answered(to) => {
                let kind = NoteKind::WouldResolve { address: next };
                self.note(space, Some(link.index), kind, None);
                Ok(Some(Frame::new(to, from)))
            }
            Heard::CannotTell(why) => Err(self.cannot_tell(space, Some(link.index), why)),
            Heard::Blocked(port, cause) => {
                let why = Unanswered::NotHeard(Box::new(cause));
                Err(self.unresolved(space, link.index, port, next, why, None))
            }
            Heard::Filtered(port, cause, row) => {
                let why = Unanswered::NotHeard(Box::new(cause));
                Err(self.unresolved(space, link.index, port, next, why, Some(row)))
            }
            Heard::Silent(port, why) => {
                Err(self.unresolved(space, link.index, port, next, why, None))
            }
            Heard::Nobody => {
                let here = Port {
                    space,
                    index: link.index,
                };
                let failed = entry.is_some_and(|entry| entry.state == NeighbourState::Failed);
                let leads_out = self.leads_out(space, link);
                if let Some(why) = self.missing_nodes().filter(|_| leads_out) {
                    return Err(self.cannot_tell(space, Some(link.index), why));
                }
                // A router of the underlay that is no node may well answer.
                if leads_out && !failed && self.network.holders(next).is_empty() {
                    return Ok(None);
                }
                if let Some(why) = at.netns.neighbours.doubt().filter(|_| entry.is_none()) {
                    let why = format!("neighbours: {why}");
                    return Err(self.cannot_tell(space, Some(link.index), why));
                }
                let why = Unanswered::Nobody;
                Err(self.unresolved(space, link.index, here, next, why, None))
            }
        }
    }

    fn unresolved(
        &self,
        space: SpaceId,
        device: IfIndex,
        blame: Port,
        address: IpAddr,
        why: Unanswered,
        rule: Option<Row>,
    ) -> Stop {
        let mut rows = Vec::from_iter(rule);
        rows.extend(self.neighbour_rows(space, device, address));
        let there = self.network.get(blame.space);
        if let Some(link) = there.link(blame.index)
            && let Some(conf) = link.inet
        {
            match why {
                Unanswered::ProxyOff { .. } => rows.push(Row::new(
                    RowTable::Sysctl,
                    format!("net.ipv4.conf.{}.proxy_arp = {}", link.name, conf.proxy_arp),
                )),
                Unanswered::ForwardingOff { .. } => rows.push(Row::new(
                    RowTable::Sysctl,
                    format!(
                        "net.ipv4.conf.{}.forwarding = {}",
                        link.name, conf.forwarding
                    ),
                )),
                _ => {}
            }
        }
        if let Unanswered::NotHeard(cause) = &why
            && matches!(**cause, Cause::NoPvid | Cause::NotInVlan { .. })
        {
            rows.extend(self.vlan_rows(blame.space, blame.index));
        }
        let cause = Cause::NeighbourUnresolved { address, why };
        self.dropped(blame.space, Some(blame.index), cause, rows)
    }

    /// An entry that names a MAC which whoever has the address does not have.
    fn is_right(&self, space: SpaceId, link: &Link, address: IpAddr, mac: Mac) -> Result<(), Stop> {
        let holders = self.network.holders(address);
        // Any device of the host may answer for its addresses (`arp_ignore` 0), so any of its MACs will do.
        let bearers = self.network.with_mac(mac);
        let has = |port: &Port| {
            // Some MACs are every node's: those of pods' gateways.
            if (1..=FEW).contains(&bearers.len()) {
                return bearers.iter().any(|bearer| bearer.space == port.space);
            }
            let there = self.network.get(port.space);
            there.netns.links.iter().any(|link| link.mac == Some(mac))
        };
        if holders.is_empty() || holders.iter().any(has) {
            return Ok(());
        }
        // A proxy on the way answers with its own MAC.
        if self.is_peer_mac(space, link, mac) {
            return Ok(());
        }
        let real = holders.iter().find_map(|port| {
            let there = self.network.get(port.space);
            there.link(port.index)?.mac
        });
        let cause = Cause::NeighbourWrong { address, mac, real };
        let rows = self.neighbour_rows(space, link.index, address);
        Err(self.dropped(space, Some(link.index), cause, rows))
    }

    fn is_peer_mac(&self, space: SpaceId, link: &Link, mac: Mac) -> bool {
        self.peer_of(space, link).is_some_and(|port| {
            let there = self.network.get(port.space);
            there
                .link(port.index)
                .is_some_and(|peer| peer.mac == Some(mac) && peer.master.is_none())
        })
    }
}
