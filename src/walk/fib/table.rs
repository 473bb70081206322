//! One routing table, ordered for the longest prefix.

use std::net::IpAddr;

use smallvec::SmallVec;

use crate::model::Route;
use crate::model::number::{IfIndex, TableId};
use crate::model::route::{NextHop, RouteKind};
use crate::model::rule::Family;
use crate::walk::places::{Places, hash};

/// One table: its routes, the longest prefix first, those to one destination in the order of preference.
#[derive(Debug, Default)]
pub(super) struct Prefixes<'a> {
    routes: Vec<Entry<'a>>,
    /// The lengths of its prefixes, the longest first. Small tables have none: they are read from the start.
    lengths: SmallVec<[u8; 8]>,
    /// Where in `routes` those of a destination begin, by the destination and its length.
    starts: Places,
}

/// A route with what a lookup asks of it side by side: in a network of many nodes each row that has to be
/// looked at comes from memory.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Entry<'a> {
    pub(super) network: IpAddr,
    pub(super) length: u8,
    pub(super) kind: RouteKind,
    /// Whatever the packet, as far as routes are concerned: no type of service, no source, and one next hop
    /// that is in use.
    pub(super) plain: bool,
    pub(super) table: TableId,
    pub(super) mtu: Option<u32>,
    /// Of the first next hop.
    pub(super) device: Option<IfIndex>,
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
            table: route.table,
            mtu: route.mtu,
            device: hops.first().and_then(|hop| hop.device),
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
            // Where two tables are one, `local` is the one asked first.
            let table = route.table != TableId::LOCAL;
            let metric = route.metric;
            (length, network, table, subtree, tos, metric, preference)
        });
        if self.routes.len() <= SMALL {
            return;
        }
        self.starts = Places::new(self.routes.len());
        let mut last = None;
        for (at, entry) in self.routes.iter().enumerate() {
            let destination = Some((entry.length, entry.network));
            if last == destination {
                continue;
            }
            last = destination;
            if self.lengths.last() != Some(&entry.length) {
                self.lengths.push(entry.length);
            }
            let hash = hash(entry.network, u32::from(entry.length));
            self.starts.insert(hash, at);
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
        for &length in &self.lengths {
            let network = truncated(destination, length);
            let is_it = |entry: &&Entry<'a>| entry.length == length && entry.network == network;
            let start = self.starts.find(hash(network, u32::from(length)), |at| {
                self.routes.get(at).is_some_and(|entry| is_it(&entry))
            });
            let found = start
                .and_then(|start| self.routes.get(start..))
                .unwrap_or_default()
                .iter()
                .take_while(is_it)
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
