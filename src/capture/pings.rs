//! Echo requests and their replies, at every point where either was seen.
//!
//! A capture of all devices (`-i any`) sees one request several times: at the pod's veth, at the VXLAN
//! device, and wrapped on the underlay. Pairing the reply's sightings with the request's, point by point,
//! gives the time that passed behind each point, and shows where a lost one was seen last.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::point::{Device, PointId, Points, Way, innermost_tunnel};
use super::record::Record;
use crate::wire::Timestamp;
use crate::wire::bytes::Bytes;
use crate::wire::ip::{v4, v6};
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

/// What was seen at one point of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// Where.
    pub point: PointId,
    /// Which of several sightings at a point whose devices cannot be told apart; 0 for the first.
    pub turn: usize,
    /// The request there.
    pub request: Option<Sighting>,
    /// The reply there.
    pub reply: Option<Sighting>,
}

impl Hop {
    /// Nanoseconds from request to reply at this point.
    pub fn round_trip(&self) -> Option<i128> {
        let (request, reply) = (self.request?, self.reply?);
        Some(reply.time.as_nanos() - request.time.as_nanos())
    }
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

    /// What was seen at each point, in the order in which the request passed them.
    pub fn hops(&self, points: &Points) -> Vec<Hop> {
        let mut hops: Vec<Hop> = Vec::new();
        let mut requests: Vec<&Sighting> = self.requests.iter().collect();
        requests.sort_by_key(|seen| seen.time);
        for seen in requests {
            let anonymous = is_anonymous(points, seen.point);
            let turn = hops.iter().filter(|hop| hop.point == seen.point).count();
            // A second sighting at a known device is a duplicate; where devices cannot be told apart it
            // is most likely the next device.
            if turn == 0 || anonymous {
                hops.push(Hop {
                    point: seen.point,
                    turn,
                    request: Some(*seen),
                    reply: None,
                });
            }
        }
        let mut replies: Vec<&Sighting> = self.replies.iter().collect();
        replies.sort_by_key(|seen| seen.time);
        // The reply takes the way back: what it passes first the request passed last.
        let mut unpaired = Vec::new();
        for seen in replies {
            let free = hops
                .iter_mut()
                .rev()
                .find(|hop| hop.point == seen.point && hop.reply.is_none());
            match free {
                Some(hop) => hop.reply = Some(*seen),
                None => unpaired.push(*seen),
            }
        }
        for seen in unpaired {
            let known = hops.iter().filter(|hop| hop.point == seen.point).count();
            if known == 0 || is_anonymous(points, seen.point) {
                hops.push(Hop {
                    point: seen.point,
                    turn: known,
                    request: None,
                    reply: Some(seen),
                });
            }
        }
        hops
    }

    /// How often the request and the reply were seen again at a device that had seen them already.
    fn repeats(&self, points: &Points) -> (usize, usize) {
        let again = |list: &[Sighting]| {
            list.iter()
                .enumerate()
                .filter(|(index, seen)| {
                    !is_anonymous(points, seen.point)
                        && list
                            .iter()
                            .take(*index)
                            .any(|before| before.point == seen.point && before.way == seen.way)
                })
                .count()
        };
        (again(&self.requests), again(&self.replies))
    }
}

/// Whether a point stands for several devices: a cooked capture that does not tell them apart.
fn is_anonymous(points: &Points, id: PointId) -> bool {
    points
        .get(id)
        .is_some_and(|point| point.device == Device::Unknown)
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

/// One `ping` process: everything with the same addresses and identifier.
#[derive(Debug)]
pub struct Conversation<'a> {
    /// Who asked.
    pub source: IpAddr,
    /// Who was asked.
    pub destination: IpAddr,
    /// Identifier.
    pub id: u16,
    /// Its requests in the order they were first seen.
    pub exchanges: Vec<&'a Exchange>,
    /// The counts.
    pub totals: Totals,
}

/// What became of the requests of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Requests seen.
    pub sent: usize,
    /// Those with a reply.
    pub answered: usize,
    /// Those without.
    pub lost: usize,
    /// Requests or replies seen more than once at the same device.
    pub duplicated: usize,
    /// Replies that came after the reply to a later request.
    pub reordered: usize,
    /// Answered by an address that was not asked.
    pub impostors: usize,
    /// Answered by an ICMP error.
    pub refused: usize,
    /// Replies whose request was not seen.
    pub unasked: usize,
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

    /// The conversations, in the order they began.
    pub fn conversations(&self) -> Vec<Conversation<'_>> {
        let mut list: Vec<Conversation<'_>> = Vec::new();
        let mut places: HashMap<(IpAddr, IpAddr, u16), usize> = HashMap::new();
        for exchange in &self.exchanges {
            let echo = exchange.echo;
            let place = *places
                .entry((echo.source, echo.destination, echo.id))
                .or_insert_with(|| {
                    list.push(Conversation {
                        source: echo.source,
                        destination: echo.destination,
                        id: echo.id,
                        exchanges: Vec::new(),
                        totals: Totals::default(),
                    });
                    list.len() - 1
                });
            if let Some(conversation) = list.get_mut(place) {
                conversation.exchanges.push(exchange);
            }
        }
        for conversation in &mut list {
            conversation
                .exchanges
                .sort_by_key(|exchange| exchange.first_seen());
            conversation.totals = self.totals(&conversation.exchanges);
        }
        list.sort_by_key(|conversation| {
            conversation
                .exchanges
                .first()
                .map(|exchange| exchange.first_seen())
        });
        list
    }

    fn totals(&self, exchanges: &[&Exchange]) -> Totals {
        let mut totals = Totals::default();
        let mut latest_reply = None;
        // Where devices cannot be told apart, what is usual is the number of devices on the way.
        let usual = usual_sightings(exchanges);
        for exchange in exchanges {
            if exchange.requests.is_empty() {
                totals.unasked += 1;
                continue;
            }
            totals.sent += 1;
            if exchange.is_answered() {
                totals.answered += 1;
            } else {
                totals.lost += 1;
            }
            totals.refused += usize::from(exchange.refusal.is_some());
            totals.impostors += usize::from(exchange.impostor().is_some());
            let (requests, replies) = exchange.repeats(&self.points);
            let anonymous = exchange
                .requests
                .iter()
                .any(|seen| is_anonymous(&self.points, seen.point));
            let more_than_usual =
                anonymous && exchange.requests.len() + exchange.replies.len() > usual;
            totals.duplicated += usize::from(requests + replies > 0 || more_than_usual);
            // The reply at the point where the request was first seen is the one its sender got.
            let reply = exchange.replies.iter().map(|seen| seen.time).max();
            if let Some(reply) = reply {
                if latest_reply.is_some_and(|latest| reply < latest) {
                    totals.reordered += 1;
                }
                latest_reply = latest_reply.max(Some(reply));
            }
        }
        totals
    }
}

/// The number of sightings, of request and reply together, that most answered requests have.
fn usual_sightings(exchanges: &[&Exchange]) -> usize {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.is_answered()) {
        *counts
            .entry(exchange.requests.len() + exchange.replies.len())
            .or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|&(sightings, count)| (count, std::cmp::Reverse(sightings)))
        .map_or(usize::MAX, |(sightings, _)| sightings)
}

fn push(list: &mut Vec<Sighting>, seen: Sighting) {
    if list.len() < MAX_SIGHTINGS {
        list.push(seen);
    }
}

/// Source, destination and time to live of an IP header.
pub fn addresses(bytes: &Bytes<'_>, ip: &Layer) -> Option<(IpAddr, IpAddr, u8)> {
    let at = ip.header.start;
    match ip.kind {
        Kind::Ipv4 => {
            let address = |offset| bytes.array::<4>(at + offset).ok().map(Ipv4Addr::from);
            Some((
                address(v4::SOURCE)?.into(),
                address(v4::DESTINATION)?.into(),
                bytes.u8(at + v4::TTL).ok()?,
            ))
        }
        Kind::Ipv6 => {
            let address = |offset| bytes.array::<16>(at + offset).ok().map(Ipv6Addr::from);
            Some((
                address(v6::SOURCE)?.into(),
                address(v6::DESTINATION)?.into(),
                bytes.u8(at + v6::HOP_LIMIT).ok()?,
            ))
        }
        _ => None,
    }
}

/// The echo request that an error quotes.
fn quoted_echo(bytes: &Bytes<'_>, at: usize, kind: Kind) -> Option<Echo> {
    let (source, destination, icmp, request): (IpAddr, IpAddr, usize, u8) = match kind {
        Kind::Icmp => {
            let first = bytes.u8(at).ok()?;
            let fragment = bytes.u16(at + v4::FRAGMENT).ok()? & v4::OFFSET_MASK;
            if first >> 4 != 4 || bytes.u8(at + v4::PROTOCOL).ok()? != 1 || fragment != 0 {
                return None;
            }
            (
                Ipv4Addr::from(bytes.array::<4>(at + v4::SOURCE).ok()?).into(),
                Ipv4Addr::from(bytes.array::<4>(at + v4::DESTINATION).ok()?).into(),
                at + usize::from(first & 15) * 4,
                8,
            )
        }
        _ => {
            if bytes.u8(at).ok()? >> 4 != 6 || bytes.u8(at + v6::NEXT_HEADER).ok()? != 58 {
                return None;
            }
            (
                Ipv6Addr::from(bytes.array::<16>(at + v6::SOURCE).ok()?).into(),
                Ipv6Addr::from(bytes.array::<16>(at + v6::DESTINATION).ok()?).into(),
                at + v6::HEADER_LENGTH,
                128,
            )
        }
    };
    if bytes.u8(icmp).ok()? != request {
        return None;
    }
    Some(Echo {
        source,
        destination,
        id: bytes.u16(icmp + 4).ok()?,
        sequence: bytes.u16(icmp + 6).ok()?,
    })
}
