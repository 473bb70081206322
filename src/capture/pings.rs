//! Echo requests and their replies, at every point where either was seen.
//!
//! A capture of all devices (`-i any`) sees one request several times: at the pod's veth, at the VXLAN
//! device, and wrapped on the underlay. Pairing the reply's sightings with the request's, point by point,
//! gives the time that passed behind each point, and shows where a lost one was seen last.

mod conversation;
mod hops;
mod quoted;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

pub use self::conversation::{Conversation, Totals};
pub use self::hops::Hop;
use self::quoted::quoted_echo;
use super::address::addresses;
use super::point::{PointId, Points, Way, innermost_tunnel};
use super::record::Record;
use crate::wire::Timestamp;
use crate::wire::bytes::Bytes;
use crate::wire::packet::{Kind, Layer};

/// Requests remembered; beyond that, the oldest are forgotten and counted.
pub const MAX_EXCHANGES: usize = 65_536;
/// Sightings remembered of one request or reply. No path has as many points.
const MAX_SIGHTINGS: usize = 64;
/// A request with the same number this long after is another one: `ping` starts again after 65,536.
const AGAIN: i128 = 60 * 1_000_000_000;

/// What tells one echo request from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Echo {
    /// Who asked.
    pub source: IpAddr,
    /// Who was asked.
    pub destination: IpAddr,
    /// Identifier: one for each `ping` process.
    pub id: u16,
    /// Sequence number.
    pub sequence: u16,
}

/// A request or reply, seen once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Where.
    pub point: PointId,
    /// Which way, if known.
    pub way: Option<Way>,
    /// When.
    pub time: Timestamp,
    /// Who sent it.
    pub from: IpAddr,
    /// Time to live, or hop limit, that was left.
    pub ttl: u8,
    /// The packet's number in its capture.
    pub number: u64,
}

/// An error that came instead of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Who sent it.
    pub from: IpAddr,
    /// ICMP or ICMPv6 type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// When it was first seen.
    pub time: Timestamp,
}

/// One request with everything that was seen of it and of its replies.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Which request.
    pub echo: Echo,
    /// The request, in the order of the capture.
    pub requests: Vec<Sighting>,
    /// Its replies, in the order of the capture.
    pub replies: Vec<Sighting>,
    /// What came instead.
    pub refusal: Option<Refusal>,
}

impl Exchange {
    /// When the request was first seen; a reply without its request counts from itself.
    pub fn first_seen(&self) -> Timestamp {
        let all = self.requests.iter().chain(&self.replies);
        all.map(|seen| seen.time).min().unwrap_or_default()
    }

    /// Whether any reply was seen.
    pub fn is_answered(&self) -> bool {
        !self.replies.is_empty()
    }

    /// Somebody else than who was asked, if that is who answered.
    pub fn impostor(&self) -> Option<IpAddr> {
        self.replies
            .iter()
            .map(|reply| reply.from)
            .find(|&from| from != self.echo.destination)
    }

    /// Where and when it was seen last before it vanished: the request if nothing answered it.
    pub fn last_seen(&self) -> Option<&Sighting> {
        let list = if self.replies.is_empty() {
            &self.requests
        } else {
            &self.replies
        };
        list.iter().max_by_key(|seen| seen.time)
    }
}

/// All requests and replies of a capture.
#[derive(Debug, Default)]
pub struct Pings {
    exchanges: VecDeque<Exchange>,
    /// How many were forgotten at the front: what [`Pings::index`] counts from.
    forgotten: usize,
    index: HashMap<Echo, usize>,
    points: Points,
}

impl Pings {
    /// Takes note of a packet, if it is an echo request, a reply, or an error about one. `source` counts
    /// the files, `number` the packets.
    pub fn see(&mut self, source: usize, number: u64, record: &Record<'_>, layers: &[Layer]) {
        let Some((place, layer)) = layers
            .iter()
            .enumerate()
            .rev()
            .find(|(_, layer)| matches!(layer.kind, Kind::Icmp | Kind::Icmpv6))
        else {
            return;
        };
        let before = layers.get(..place).unwrap_or_default();
        let Some(ip) = before
            .iter()
            .rev()
            .find(|layer| matches!(layer.kind, Kind::Ipv4 | Kind::Ipv6))
        else {
            return;
        };
        let bytes = Bytes::new(record.data);
        let Some((from, to, ttl)) = addresses(&bytes, ip) else {
            return;
        };
        let at = layer.header.start;
        let (Ok(kind), Ok(code), Ok(id), Ok(sequence)) = (
            bytes.u8(at),
            bytes.u8(at + 1),
            bytes.u16(at + 4),
            bytes.u16(at + 6),
        ) else {
            return;
        };
        let (request, reply) = match layer.kind {
            Kind::Icmp => (8, 0),
            _ => (128, 129),
        };
        if kind != request && kind != reply {
            self.see_refusal(layer, &bytes, from, (kind, code), record.time);
            return;
        }
        let tunnel = innermost_tunnel(before, Some(layer), record.data);
        let seen = Sighting {
            point: self.points.of(source, record, tunnel),
            way: Way::of(record),
            time: record.time,
            from,
            ttl,
            number,
        };
        if kind == request {
            let echo = Echo {
                source: from,
                destination: to,
                id,
                sequence,
            };
            self.see_request(echo, seen);
        } else {
            let echo = Echo {
                source: to,
                destination: from,
                id,
                sequence,
            };
            self.see_reply(echo, seen);
        }
    }

    fn see_request(&mut self, echo: Echo, seen: Sighting) {
        if let Some(exchange) = self.current(&echo, seen.time) {
            push(&mut exchange.requests, seen);
        } else {
            self.begin(Exchange {
                echo,
                requests: vec![seen],
                replies: Vec::new(),
                refusal: None,
            });
        }
    }

    fn see_reply(&mut self, echo: Echo, seen: Sighting) {
        if let Some(exchange) = self.current(&echo, seen.time) {
            push(&mut exchange.replies, seen);
            return;
        }
        // Who was asked may be another than who answers: a service address, or an impostor.
        let other = self
            .exchanges
            .iter()
            .rev()
            .take(1024)
            .position(|exchange| {
                exchange.echo.source == echo.source
                    && exchange.echo.id == echo.id
                    && exchange.echo.sequence == echo.sequence
                    && !exchange.requests.is_empty()
            })
            .and_then(|back| self.exchanges.len().checked_sub(back + 1))
            .and_then(|index| self.exchanges.get_mut(index));
        match other {
            Some(exchange) => push(&mut exchange.replies, seen),
            None => self.begin(Exchange {
                echo,
                requests: Vec::new(),
                replies: vec![seen],
                refusal: None,
            }),
        }
    }

    /// An ICMP error quotes the packet it is about (RFC 792, RFC 4443 §2.4).
    fn see_refusal(
        &mut self,
        layer: &Layer,
        bytes: &Bytes<'_>,
        from: IpAddr,
        (kind, code): (u8, u8),
        time: Timestamp,
    ) {
        let quoted = layer.header.start + 8;
        let is_error = match layer.kind {
            Kind::Icmp => matches!(kind, 3 | 11 | 12),
            _ => matches!(kind, 1..=4),
        };
        if !is_error {
            return;
        }
        let Some(echo) = quoted_echo(bytes, quoted, layer.kind) else {
            return;
        };
        if let Some(exchange) = self.current(&echo, time)
            && exchange.refusal.is_none()
        {
            exchange.refusal = Some(Refusal {
                from,
                kind,
                code,
                time,
            });
        }
    }

    /// The exchange that a sighting belongs to, unless that one is long over.
    fn current(&mut self, echo: &Echo, time: Timestamp) -> Option<&mut Exchange> {
        let index = self.index.get(echo)?.checked_sub(self.forgotten)?;
        self.exchanges
            .get_mut(index)
            .filter(|exchange| time.as_nanos() - exchange.first_seen().as_nanos() < AGAIN)
    }

    fn begin(&mut self, exchange: Exchange) {
        if self.exchanges.len() >= MAX_EXCHANGES
            && let Some(oldest) = self.exchanges.pop_front()
        {
            if self.index.get(&oldest.echo) == Some(&self.forgotten) {
                self.index.remove(&oldest.echo);
            }
            self.forgotten += 1;
        }
        self.index
            .insert(exchange.echo, self.forgotten + self.exchanges.len());
        self.exchanges.push_back(exchange);
    }

    /// How many requests were forgotten because there were too many.
    pub fn forgotten(&self) -> usize {
        self.forgotten
    }

    /// Where sightings happened.
    pub fn points(&self) -> &Points {
        &self.points
    }
}

fn push(list: &mut Vec<Sighting>, seen: Sighting) {
    if list.len() < MAX_SIGHTINGS {
        list.push(seen);
    }
}
