//! One routing table, ordered for the longest prefix.

use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};

use crate::model::Route;
use crate::model::route::{NextHop, RouteKind};
use crate::model::rule::Family;

/// One table: its routes, the longest prefix first, those to one destination in the order of preference.
#[derive(Debug, Default)]
pub(super) struct Prefixes<'a> {
    routes: Vec<Entry<'a>>,
    /// Where the routes of one destination begin, by prefix length, longest first. Small tables have none:
    /// they are read from the start.
    lengths: Vec<(u8, HashMap<IpAddr, u32>)>,
}

/// A route with what a lookup asks of it side by side: in a network of many nodes each row that has to be
/// looked at comes from memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) network: IpAddr,
    pub(super) length: u8,
    pub(super) kind: RouteKind,
    /// Whatever the packet, as far as routes are concerned: no type of service, no source, and one next hop
    /// that is in use.
    pub(super) plain: bool,
    pub(super) hops: &'a [NextHop],
    pub(super) route: &'a Route,
}

impl<'a> Entry<'a> {
    fn of(route: &'a Route) -> Self {
        let hops = route.nexthops.as_slice();
        let in_use = |hop: &NextHop| !hop.dead && !hop.linkdown;
        Self {
            network: route.destination.network(),
            length: route.destination.prefix_len(),
            kind: route.kind,
            plain: route.tos == 0
                && route.source.is_none()
                && hops.len() == 1
                && hops.iter().all(in_use),
            hops,
            route,
        }
    }

    fn contains(&self, destination: IpAddr) -> bool {
        truncated(destination, self.length) == self.network
    }
}

/// A table with more routes than this is indexed.
const SMALL: usize = 8;

impl<'a> Prefixes<'a> {
    /// Takes a route in; [`order`](Self::order) comes after the last.
    pub(super) fn push(&mut self, route: &'a Route) {
        self.routes.push(Entry::of(route));
    }

    /// Among routes to one destination: IPv4 prefers a matching type of service, then the metric
    /// (`fib_trie.c`, `fib_insert_alias`); IPv6 the metric, then the router's preference.
    pub(super) fn order(&mut self, family: Family) {
        self.routes.sort_by_key(|entry| {
            let route = entry.route;
            let tos = match family {
                Family::Inet => std::cmp::Reverse(route.tos),
                Family::Inet6 => std::cmp::Reverse(0),
            };
            let subtree = std::cmp::Reverse(route.source.map_or(0, |from| from.prefix_len()));
            // RFC 4191 §2.1: 1 high, 0 medium, 3 low.
            let preference = match route.preference {
                1 => 0,
                0 => 1,
                _ => 2,
            };
            let length = std::cmp::Reverse(route.destination.prefix_len());
            let network = route.destination.network();
            (length, network, subtree, tos, route.metric, preference)
        });
        if self.routes.len() <= SMALL {
            return;
        }
        for (at, entry) in self.routes.iter().enumerate() {
            let length = entry.length;
            if self.lengths.last().is_none_or(|(last, _)| *last != length) {
                self.lengths.push((length, HashMap::new()));
            }
            if let (Some((_, starts)), Ok(at)) = (self.lengths.last_mut(), u32::try_from(at)) {
                starts.entry(entry.network).or_insert(at);
            }
        }
    }

    /// The first of the routes for `destination`, best first, that `accept` takes.
    pub(super) fn find_map<T>(
        &self,
        destination: IpAddr,
        mut accept: impl FnMut(&Entry<'a>) -> Option<T>,
    ) -> Option<T> {
        if self.lengths.is_empty() {
            return self
                .routes
                .iter()
                .filter(|entry| entry.contains(destination))
                .find_map(accept);
        }
        for (length, starts) in &self.lengths {
            let network = truncated(destination, *length);
            let Some(start) = starts.get(&network) else {
                continue;
            };
            let found = self
                .routes
                .iter()
                .skip(*start as usize)
                .take_while(|entry| entry.length == *length && entry.network == network)
                .find_map(&mut accept);
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The first `length` bits of an address.
fn truncated(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(32 - u32::from(length.min(32)))
                .unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(length.min(128)))
                .unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}
