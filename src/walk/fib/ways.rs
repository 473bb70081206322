//! The next hops of a route that a packet can take.
//!
//! Sources: `net/ipv4/fib_semantics.c` (`fib_lookup_good_nhc`), `include/linux/inetdevice.h`.

use super::Fib;
use crate::model::number::IfIndex;
use crate::model::route::{NextHop, Route};
use crate::model::rule::Family;
use crate::walk::flow::Flow;

/// The next hops of a route that are in use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ways<'a> {
    hops: &'a [NextHop],
    /// One bit a next hop; routes with more than 64 keep those behind unconditionally.
    usable: u64,
    /// The device of a sole next hop: here, as the next hop itself may be far away.
    sole: Option<IfIndex>,
}

impl<'a> Ways<'a> {
    const NONE: Self = Self {
        hops: &[],
        usable: 0,
        sole: None,
    };

    /// The only next hop of a route, which is in use.
    #[inline]
    pub(super) fn sole(hops: &'a [NextHop], device: Option<IfIndex>) -> Self {
        Self {
            hops,
            usable: 1,
            sole: device,
        }
    }

    /// The next hops.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = &'a NextHop> {
        self.hops
            .iter()
            .enumerate()
            .filter(move |(at, _)| *at >= 64 || self.usable >> at & 1 == 1)
            .map(|(_, hop)| hop)
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty, reason = "a route that forwards has one")]
    #[inline]
    pub fn len(self) -> usize {
        self.usable.count_ones() as usize + self.hops.len().saturating_sub(64)
    }

    /// The first.
    #[inline]
    pub fn first(self) -> Option<&'a NextHop> {
        self.iter().next()
    }

    /// The device of the first.
    #[inline]
    pub fn device(self) -> Option<IfIndex> {
        self.sole
            .or_else(|| self.first().and_then(|hop| hop.device))
    }

    /// Whether one of them is behind `device`.
    #[inline]
    pub fn lead_to(self, device: IfIndex) -> bool {
        match self.sole {
            Some(sole) => sole == device,
            None => self.iter().any(|hop| hop.device == Some(device)),
        }
    }
}

impl<'a> Fib<'a> {
    /// The next hops of a route that `flow` can take; `None` passes the route over for the next best.
    #[inline]
    pub(super) fn ways(&self, route: &'a Route, flow: &Flow) -> Option<Ways<'a>> {
        if route.tos != 0 && route.tos != flow.tos {
            return None;
        }
        if let Some(from) = route.source {
            // An IPv6 subtree: the packet must come from there (`ip6_fib.c`, `fib6_node_lookup_1`).
            if !flow.source.is_some_and(|source| from.contains(&source)) {
                return None;
            }
        }
        if route.nexthops.is_empty() {
            return Some(Ways::NONE);
        }
        let usable = route
            .nexthops
            .iter()
            .take(64)
            .enumerate()
            .filter(|(_, hop)| self.is_usable(hop, flow))
            .fold(0, |bits, (at, _)| bits | 1 << at);
        let ways = Ways {
            hops: &route.nexthops,
            usable,
            sole: None,
        };
        // All of its next hops are dead or elsewhere.
        (ways.len() > 0).then_some(ways)
    }

    fn is_usable(&self, hop: &NextHop, flow: &Flow) -> bool {
        if hop.dead {
            return false;
        }
        if hop.linkdown && self.ignores_linkdown(hop, flow.family()) {
            return false;
        }
        flow.output.is_none_or(|wanted| hop.device == Some(wanted))
    }

    /// `ignore_routes_with_linkdown`: the device's own setting (`include/linux/inetdevice.h`).
    fn ignores_linkdown(&self, hop: &NextHop, family: Family) -> bool {
        let Some(name) = hop.device.map(|device| self.netns.device_name(device)) else {
            return false;
        };
        let family = match family {
            Family::Inet => "ipv4",
            Family::Inet6 => "ipv6",
        };
        let read = |device: &str| {
            let setting = format!("net.{family}.conf.{device}.ignore_routes_with_linkdown");
            self.netns.sysctl_number(&setting).is_some_and(|on| on != 0)
        };
        read(&name) || (family == "ipv4" && read("all"))
    }
}
