//! Who talks to whom, inside tunnels and outside, and what the wrapping costs.
//!
//! A capture of all devices sees each packet several times. Every conversation is therefore counted at each
//! point by itself, and what is reported is the point that saw most of it, each way.

mod track;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use super::address::addresses;
use super::point::{PointId, Points, Tunnel, Way, innermost_tunnel};
use super::record::Record;
use crate::wire::Timestamp;
use crate::wire::bytes::Bytes;
use crate::wire::ip::v4;
use crate::wire::packet::{Kind, Layer};
use track::Track;

/// Conversations remembered; beyond that, the oldest are forgotten and counted.
pub const MAX_FLOWS: usize = 65_536;
/// Pairs of tunnel ends remembered.
pub const MAX_WRAPPINGS: usize = 4096;
/// Points at which one conversation is counted.
const MAX_TRACKS: usize = 16;
/// Octets of the Ethernet header that carries an IP packet on the wire, whatever the capture has instead.
const ETHERNET: u32 = 14;

/// A transport protocol, or what there is instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transport(pub u8);

impl Transport {
    /// Its name, if it has one here.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "icmp",
            2 => "igmp",
            6 => "tcp",
            17 => "udp",
            50 => "esp",
            58 => "icmpv6",
            132 => "sctp",
            _ => return None,
        })
    }
}

/// One end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct End {
    /// Its address.
    pub address: IpAddr,
    /// Its port; 0 where there are none.
    pub port: u16,
}

/// What tells one conversation from another. `a` is the lesser end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    /// Inside which tunnel; none outside.
    pub tunnel: Option<Tunnel>,
    /// The protocol.
    pub transport: Transport,
    /// One end.
    pub a: End,
    /// The other.
    pub b: End,
}

/// Counts of one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Octets of IP.
    pub octets: u64,
    /// TCP segments whose data had been seen before.
    pub retransmissions: u64,
}

/// One conversation.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Which.
    pub key: FlowKey,
    /// Whether `a` sent the first packet seen.
    pub a_began: bool,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
    tracks: Vec<Track>,
}

impl Flow {
    /// What the point that saw most of this way counted: from `a` to `b`, or back.
    pub fn count(&self, from_a: bool) -> Count {
        self.tracks
            .iter()
            .filter(|track| track.from_a == from_a)
            .map(|track| track.count)
            .max_by_key(|count| (count.packets, count.octets))
            .unwrap_or_default()
    }

    /// The end that sent the first packet, and the other.
    pub fn ends(&self) -> (End, End) {
        if self.a_began {
            (self.key.a, self.key.b)
        } else {
            (self.key.b, self.key.a)
        }
    }

    /// Counts from the end that sent the first packet, and back.
    pub fn counts(&self) -> (Count, Count) {
        (self.count(self.a_began), self.count(!self.a_began))
    }
}

/// What tells one pair of tunnel ends from another; addresses sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WrappingKey {
    /// The tunnel.
    pub tunnel: Tunnel,
    /// Its UDP port; 0 for tunnels without.
    pub port: u16,
    /// One end.
    pub a: IpAddr,
    /// The other.
    pub b: IpAddr,
}

/// What a tunnel between two ends carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrapping {
    /// Which tunnel.
    pub key: WrappingKey,
    /// Packets, at the point that saw most of each way.
    pub packets: u64,
    /// Octets on the wire, as Ethernet frames.
    pub wire_octets: u64,
    /// Octets of the frames or packets inside.
    pub inner_octets: u64,
    /// What one packet costs, if all cost the same.
    pub per_packet: Option<u32>,
    /// When it was first seen.
    pub first: Timestamp,
}

impl Wrapping {
    /// The share of the wire that is wrapping, in percent.
    pub fn percent(&self) -> f64 {
        if self.wire_octets == 0 {
            return 0.0;
        }
        let overhead = self.wire_octets.saturating_sub(self.inner_octets);
        overhead as f64 * 100.0 / self.wire_octets as f64
    }
}

/// Where, which way through the device, and whether from the lesser end.
type Place = (PointId, Option<Way>, bool);

#[derive(Debug, Clone, Copy, Default)]
struct Carried {
    first: Timestamp,
    packets: u64,
    wire: u64,
    inner: u64,
    cost: Option<u32>,
    costs_differ: bool,
}

/// Everything about the conversations of a capture.
#[derive(Debug, Default)]
pub struct Flows {
    flows: HashMap<FlowKey, Flow>,
    /// Keys in the order they came, to forget the oldest.
    order: VecDeque<FlowKey>,
    forgotten: u64,
    wrappings: HashMap<WrappingKey, Vec<(Place, Carried)>>,
    wrappings_full: bool,
    points: Points,
    cooked: bool,
}

impl Flows {
    /// Counts a packet. `source` counts the files.
    pub fn see(&mut self, source: usize, record: &Record<'_>, layers: &[Layer]) {
        let bytes = Bytes::new(record.data);
        let way = Way::of(record);
        self.cooked |= layers
            .first()
            .is_some_and(|layer| matches!(layer.kind, Kind::LinuxSll | Kind::LinuxSll2));
        let mut last_ip = None;
        for (index, layer) in layers.iter().enumerate() {
            if matches!(layer.kind, Kind::Ipv4 | Kind::Ipv6) {
                // IP directly in IP: the inner header opens the tunnel that the outer one is.
                let in_ip = last_ip
                    .and_then(|outer: usize| layers.get(outer + 1..index))
                    .is_some_and(|between| {
                        between.iter().all(|layer| {
                            layer.kind == Kind::Ipv6Extension || layer.kind == Kind::Ah
                        })
                    });
                if in_ip && let Some(outer) = last_ip {
                    self.see_wrapping(source, record, layers, outer, index, way);
                }
                last_ip = Some(index);
            } else if layer.kind.is_tunnel()
                && let Some(outer) = last_ip
            {
                self.see_wrapping(source, record, layers, outer, index + 1, way);
            }
        }
        let Some(place) = last_ip else {
            return;
        };
        let before = layers.get(..place).unwrap_or_default();
        let after = layers.get(place + 1..).unwrap_or_default();
        if after.iter().any(|layer| layer.kind.is_tunnel()) {
            // Ends of a tunnel around something that is not IP, ARP mostly: counted as wrapping.
            return;
        }
        let (Some(ip), tunnel) = (
            layers.get(place),
            innermost_tunnel(before, layers.get(place), record.data),
        ) else {
            return;
        };
        let Some((from, to, _)) = addresses(&bytes, ip) else {
            return;
        };
        let transport = after.iter().find(|layer| {
            !matches!(
                layer.kind,
                Kind::Ipv6Extension | Kind::Ah | Kind::Payload | Kind::Cut
            )
        });
        let ports = transport
            .filter(|layer| matches!(layer.kind, Kind::Tcp | Kind::Udp | Kind::Sctp))
            .and_then(|layer| {
                let at = layer.header.start;
                Some((bytes.u16(at).ok()?, bytes.u16(at + 2).ok()?))
            })
            .unwrap_or((0, 0));
        let number = match (transport.map(|layer| layer.kind), ip.kind) {
            (Some(Kind::Tcp), _) => 6,
            (Some(Kind::Udp), _) => 17,
            (Some(Kind::Icmp), _) => 1,
            (Some(Kind::Icmpv6), _) => 58,
            (Some(Kind::Sctp), _) => 132,
            (_, Kind::Ipv4) => bytes.u8(ip.header.start + v4::PROTOCOL).unwrap_or(255),
            _ => bytes
                .u8(ip.header.start + crate::wire::ip::v6::NEXT_HEADER)
                .unwrap_or(255),
        };
        let sender = End {
            address: from,
            port: ports.0,
        };
        let receiver = End {
            address: to,
            port: ports.1,
        };
        let from_a = sender <= receiver;
        let key = FlowKey {
            tunnel,
            transport: Transport(number),
            a: sender.min(receiver),
            b: sender.max(receiver),
        };
        let point = self.points.of(source, record, tunnel);
        let flow = self.flow(key, from_a, record.time);
        flow.last = flow.last.max(record.time);
        flow.first = flow.first.min(record.time);
        let found = flow
            .tracks
            .iter()
            .position(|track| track.point == point && track.way == way && track.from_a == from_a);
        let found = found.unwrap_or_else(|| {
            if flow.tracks.len() < MAX_TRACKS {
                flow.tracks.push(Track {
                    point,
                    way,
                    from_a,
                    count: Count::default(),
                    expected: None,
                });
            }
            flow.tracks.len() - 1
        });
        let Some(track) = flow.tracks.get_mut(found) else {
            return;
        };
        track.count.packets += 1;
        track.count.octets += u64::from(ip.length);
        if let Some(segment) = transport.filter(|layer| layer.kind == Kind::Tcp) {
            track.segment(segment, &bytes);
        }
    }

    fn flow(&mut self, key: FlowKey, from_a: bool, time: Timestamp) -> &mut Flow {
        if !self.flows.contains_key(&key) {
            if self.flows.len() >= MAX_FLOWS
                && let Some(oldest) = self.order.pop_front()
            {
                self.flows.remove(&oldest);
                self.forgotten += 1;
            }
            self.order.push_back(key);
        }
        self.flows.entry(key).or_insert_with(|| Flow {
            key,
            a_began: from_a,
            first: time,
            last: time,
            tracks: Vec::with_capacity(2),
        })
    }

    /// `outer` is the IP header that carries the tunnel, `inner` the first header inside.
    fn see_wrapping(
        &mut self,
        source: usize,
        record: &Record<'_>,
        layers: &[Layer],
        outer: usize,
        inner: usize,
        way: Option<Way>,
    ) {
        let bytes = Bytes::new(record.data);
        let (Some(ip), Some(inside)) = (layers.get(outer), layers.get(inner)) else {
            return;
        };
        let before = layers.get(..inner).unwrap_or_default();
        let Some(tunnel) = innermost_tunnel(before, Some(inside), record.data) else {
            return;
        };
        let Some((from, to, _)) = addresses(&bytes, ip) else {
            return;
        };
        let port = before
            .get(outer..)
            .unwrap_or_default()
            .iter()
            .find(|layer| layer.kind == Kind::Udp)
            .and_then(|udp| bytes.u16(udp.header.start + 2).ok())
            .unwrap_or(0);
        let key = WrappingKey {
            tunnel,
            port,
            a: from.min(to),
            b: from.max(to),
        };
        // Outside of all tunnels, the IP packet travels in Ethernet, whatever header the capture gave it;
        // inside one, in what is there.
        let carrier = if ip.depth == 0 { ETHERNET } else { 0 };
        let cost = carrier + (inside.header.start - ip.header.start) as u32;
        let whole = u64::from(ip.length) + u64::from(carrier);
        // A first fragment holds only a part of what is inside.
        let inner_octets = whole.saturating_sub(u64::from(cost));
        let outside = innermost_tunnel(
            layers.get(..outer).unwrap_or_default(),
            Some(ip),
            record.data,
        );
        let point = self.points.of(source, record, outside);
        if !self.wrappings.contains_key(&key) && self.wrappings.len() >= MAX_WRAPPINGS {
            self.wrappings_full = true;
            return;
        }
        let list = self.wrappings.entry(key).or_default();
        let place = (point, way, from <= to);
        let found = list.iter().position(|(known, _)| *known == place);
        let found = found.unwrap_or_else(|| {
            if list.len() < MAX_TRACKS {
                let first = record.time;
                let carried = Carried {
                    first,
                    ..Carried::default()
                };
                list.push((place, carried));
            }
            list.len() - 1
        });
        let Some((_, carried)) = list.get_mut(found) else {
            return;
        };
        carried.packets += 1;
        carried.wire += whole;
        carried.inner += inner_octets;
        match carried.cost {
            None => carried.cost = Some(cost),
            Some(known) => carried.costs_differ |= known != cost,
        }
    }

    /// Conversations, the busiest first.
    pub fn conversations(&self) -> Vec<&Flow> {
        let mut list: Vec<&Flow> = self.flows.values().collect();
        let octets = |flow: &Flow| flow.count(true).octets + flow.count(false).octets;
        list.sort_by_cached_key(|flow| (std::cmp::Reverse(octets(flow)), flow.first, flow.key));
        list
    }

    /// Tunnels between pairs of ends, the busiest first.
    pub fn wrappings(&self) -> Vec<Wrapping> {
        let mut list: Vec<Wrapping> = self
            .wrappings
            .iter()
            .map(|(key, tracks)| {
                let best = |forward: bool| {
                    tracks
                        .iter()
                        .filter(|((_, _, way), _)| *way == forward)
                        .map(|(_, carried)| *carried)
                        .max_by_key(|carried| carried.packets)
                        .unwrap_or_default()
                };
                let (there, back) = (best(true), best(false));
                let same = !there.costs_differ && !back.costs_differ;
                let cost = match (there.cost, back.cost) {
                    (Some(there), Some(back)) => (there == back).then_some(there),
                    (one, other) => one.or(other),
                };
                Wrapping {
                    key: *key,
                    packets: there.packets + back.packets,
                    wire_octets: there.wire + back.wire,
                    inner_octets: there.inner + back.inner,
                    per_packet: cost.filter(|_| same),
                    first: tracks
                        .iter()
                        .map(|(_, carried)| carried.first)
                        .min()
                        .unwrap_or_default(),
                }
            })
            .collect();
        list.sort_by_key(|wrapping| (std::cmp::Reverse(wrapping.wire_octets), wrapping.key));
        list
    }

    /// How many conversations were forgotten because there were too many.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Whether there were more pairs of tunnel ends than are counted.
    pub fn wrappings_are_incomplete(&self) -> bool {
        self.wrappings_full
    }

    /// Whether the capture has cooked headers, whose length is not that of the wire.
    pub fn is_cooked(&self) -> bool {
        self.cooked
    }
}
