//! What became of all the requests of one `ping` process.

use std::collections::HashMap;
use std::net::IpAddr;

use super::hops::is_anonymous;
use super::{Exchange, Pings};
use crate::wire::Timestamp;

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

impl Conversation<'_> {
    /// When its first request was seen.
    pub fn began(&self) -> Timestamp {
        self.exchanges
            .first()
            .map(|exchange| exchange.first_seen())
            .unwrap_or_default()
    }
}

impl Pings {
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
        list.sort_by_key(Conversation::began);
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
