//! Whether packet filters let IPv6's question for a neighbour through, and its answer: unlike ARP, both are packets
//! that the rules of `INPUT` and `OUTPUT` see.
//!
//! Sources: `net/ipv6/ndisc.c` (`ndisc_send_ns`, `ndisc_send_na`), RFC 4861 §4.3 and §4.4, and
//! `nf_conntrack_proto_icmpv6.c`, which leaves both untracked.

use std::net::{IpAddr, Ipv6Addr};

use super::question::{Heard, Question};
use crate::model::Link;
use crate::walk::netfilter::{Devices, Hook, Judgement, Tracked};
use crate::walk::network::{Port, SpaceId};
use crate::walk::path::{Packet, Protocol, Row, RowTable};
use crate::walk::walker::Walker;

/// A solicitation or an advertisement with the link-layer address (RFC 4861 §4.3, §4.4), with its IP header, octets.
const SIZE: u32 = 40 + 24 + 8;

/// What a solicitation is sent with, so that no router has passed it on (RFC 4861 §7.1.1).
const HOPS: u8 = 255;

impl Walker<'_, '_> {
    /// What takes the question where it is asked, or the answer that comes back.
    pub(super) fn takes_asking(
        &self,
        space: SpaceId,
        link: &Link,
        question: Question,
    ) -> Option<Heard> {
        self.taken(space, link, Hook::Output, question, solicitation)
            .or_else(|| self.taken(space, link, Hook::Input, question, advertisement))
    }

    /// What takes the question where it arrives, or the answer given.
    pub(super) fn takes_answering(
        &self,
        space: SpaceId,
        link: &Link,
        question: Question,
    ) -> Option<Heard> {
        self.taken(space, link, Hook::Input, question, solicitation)
            .or_else(|| self.taken(space, link, Hook::Output, question, advertisement))
    }

    /// Only what certainly drops it counts: whoever does not know finds out by asking.
    fn taken(
        &self,
        space: SpaceId,
        link: &Link,
        hook: Hook,
        question: Question,
        packet: fn(Ipv6Addr, Ipv6Addr) -> Packet,
    ) -> Option<Heard> {
        let (IpAddr::V6(target), Some(solicitor)) = (question.target, question.solicitor) else {
            return None;
        };
        let index = link.index;
        let devices = match hook {
            Hook::Output => Devices {
                input: None,
                output: Some(index),
            },
            _ => Devices {
                input: Some(index),
                output: None,
            },
        };
        let ruleset = self.network.get(space).ruleset();
        let mut packet = packet(solicitor, target);
        match ruleset.judge(hook, devices, Tracked::UNTRACKED, &mut packet, false) {
            Judgement::Drop(loss) => {
                let row = Row::new(RowTable::Netfilter, loss.row);
                Some(Heard::Filtered(Port { space, index }, loss.cause, row))
            }
            Judgement::Accept { .. } | Judgement::CannotTell(_) => None,
        }
    }

    /// The address that a device's solicitations are from: any of its own, the one for the link first.
    pub(super) fn solicitor(&self, space: SpaceId, link: &Link) -> Option<Ipv6Addr> {
        let rows = self.network.get(space).netns.addresses_of(link.index);
        let mut own: Vec<Ipv6Addr> = rows
            .filter_map(|row| match row.address {
                IpAddr::V6(address) => Some(address),
                IpAddr::V4(_) => None,
            })
            .collect();
        own.sort_by_key(|address| !address.is_unicast_link_local());
        own.first().copied()
    }
}

fn solicitation(solicitor: Ipv6Addr, target: Ipv6Addr) -> Packet {
    of(
        Protocol::NeighbourSolicitation,
        solicitor,
        solicited_node(target),
    )
}

fn advertisement(solicitor: Ipv6Addr, target: Ipv6Addr) -> Packet {
    of(Protocol::NeighbourAdvertisement, target, solicitor)
}

fn of(protocol: Protocol, source: Ipv6Addr, destination: Ipv6Addr) -> Packet {
    Packet {
        protocol,
        size: SIZE,
        ttl: HOPS,
        ..Packet::echo(source.into(), destination.into())
    }
}

/// The group that whoever has an address listens to: `ff02::1:ff00:0/104` and its last 24 bits (RFC 4291 §2.7.1).
fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0);
    Ipv6Addr::from_bits(GROUP.to_bits() | target.to_bits() & 0xff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_an_address() {
        let group = solicited_node("fe80::2aa:ff:fe28:9c5a".parse().unwrap());
        assert_eq!(group, "ff02::1:ff28:9c5a".parse::<Ipv6Addr>().unwrap());
    }
}
