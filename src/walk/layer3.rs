//! Packets in a namespace: sending, routing, receiving and forwarding.
//!
//! Sources: `net/ipv4/ip_output.c`, `ip_input.c`, `ip_forward.c`, `route.c` (`ip_route_input_slow`,
//! `ip_route_output_key_hash_rcu`), and their IPv6 counterparts.

mod arrival;
mod local;
mod size;

use std::net::IpAddr;

use super::evidence::link_row;
use super::fib::{Decision, Verdict};
use super::flow::Flow;
use super::netfilter::{Devices, Hook};
use super::network::SpaceId;
use super::path::{Cause, Direction, NoteKind, Packet, Row, Step};
use super::walker::{Current, Passing, Stop, Walker};
use crate::model::number::IfIndex;
use crate::model::route::NextHop;
use crate::model::{Link, Route};

/// Where routing sends a packet.
struct Way<'a> {
    link: &'a Link,
    /// The address to resolve on the device.
    next: IpAddr,
    hop: Option<&'a NextHop>,
    route: Option<&'a Route>,
    /// The path MTU that the route sets.
    mtu: Option<u32>,
    rows: Vec<Row>,
}

impl<'a> Walker<'_, 'a> {
    /// A socket or tunnel device of `space` sends a packet; `output` is the device it is bound to.
    pub(super) fn send(
        &mut self,
        space: SpaceId,
        mut current: Current,
        output: Option<IfIndex>,
    ) -> Result<(SpaceId, Packet), Stop> {
        let at = self.network.get(space);
        let mut flow = current.packet.flow();
        flow.output = output;
        if current.packet.source.is_unspecified() {
            flow.source = None;
        } else if !self.owns(space, current.packet.source)
            && !current.packet.source.is_loopback()
            && current.inside.is_none()
        {
            if let Some(why) = at.netns.addresses.doubt() {
                return Err(self.cannot_tell(space, None, format!("addresses: {why}")));
            }
            let cause = Cause::SourceNotLocal {
                source: current.packet.source,
            };
            return Err(self.dropped(space, None, cause, Vec::new()));
        }
        let mut decision = at.fib().lookup(&flow);
        let by = match &decision.verdict {
            Verdict::Forward(hops) => hops.device(),
            _ => None,
        };
        let devices = Devices {
            input: None,
            output: by,
        };
        let mut rows = Vec::new();
        let before = current.packet;
        self.hook(space, Hook::Output, devices, &mut current, &mut rows)?;
        if before.destination != current.packet.destination || before.mark != current.packet.mark {
            // `ip_route_me_harder`
            let mut flow = current.packet.flow();
            flow.output = output;
            decision = at.fib().lookup(&flow);
        }
        if matches!(decision.verdict, Verdict::Local | Verdict::Broadcast) {
            return self.loop_back(space, current, decision.route);
        }
        let mut way = self.way_of(space, &decision, &current)?;
        way.rows.extend(rows);
        if current.packet.source.is_unspecified() {
            current.packet.source = self.source_for(space, &way, &current)?;
            if let Some(inside) = &mut current.inside {
                inside.outer.source = current.packet.source;
            }
        }
        self.output(space, current, way, Step::Send)
    }

    /// `inet_select_addr`: the route's source, else an address of the device, else of another.
    fn source_for(&self, space: SpaceId, way: &Way<'_>, current: &Current) -> Result<IpAddr, Stop> {
        let at = self.network.get(space);
        let v6 = current.packet.destination.is_ipv6();
        let suits = |address: &IpAddr| address.is_ipv6() == v6 && !address.is_loopback();
        let on_device = || {
            at.netns
                .addresses_of(way.link.index)
                .map(|row| row.address)
                .find(suits)
        };
        let anywhere = || at.netns.addresses.iter().map(|row| row.address).find(suits);
        way.route
            .and_then(|route| route.prefsrc)
            .or_else(on_device)
            .or_else(anywhere)
            .ok_or_else(|| {
                self.cannot_tell(
                    space,
                    Some(way.link.index),
                    "it has no address to send from",
                )
            })
    }

    /// To the namespace itself, by the loopback.
    fn loop_back(
        &mut self,
        space: SpaceId,
        mut current: Current,
        route: Option<&'a Route>,
    ) -> Result<(SpaceId, Packet), Stop> {
        let at = self.network.get(space);
        let Some(lo) = at.netns.links.iter().find(|link| link.is_loopback()) else {
            return Err(self.cannot_tell(space, None, "the loopback was not read"));
        };
        let mut rows = self.route_rows(space, route);
        if !lo.is_up() {
            return Err(self.dropped(space, Some(lo.index), Cause::DeviceDown, rows));
        }
        if current.packet.source.is_unspecified() {
            current.packet.source = current.packet.destination;
        }
        let devices = Devices {
            input: None,
            output: Some(lo.index),
        };
        self.hook(space, Hook::Postrouting, devices, &mut current, &mut rows)?;
        self.pass(Passing {
            space,
            device: lo.index,
            direction: Direction::Out,
            step: Step::Send,
            rows,
            mtu: None,
            current: &current,
            frame: None,
        })?;
        self.deliver(space, lo.index, current)
    }

    /// What a route decision means for the packet.
    fn way_of(
        &mut self,
        space: SpaceId,
        decision: &Decision<'a>,
        current: &Current,
    ) -> Result<Way<'a>, Stop> {
        let destination = current.packet.destination;
        let rows = self.decision_rows(space, decision);
        let forbidden = |kind| Cause::RouteForbids { destination, kind };
        let hops = match &decision.verdict {
            Verdict::Forward(hops) => *hops,
            Verdict::Local | Verdict::Broadcast => {
                let why = "a local route where none was expected";
                return Err(self.cannot_tell(space, None, why));
            }
            Verdict::Multicast => {
                return Err(self.cannot_tell(space, None, "multicast is not followed"));
            }
            Verdict::Blackhole => {
                return Err(self.dropped(space, None, forbidden("blackhole"), rows));
            }
            Verdict::Unreachable => {
                return Err(self.dropped(space, None, forbidden("unreachable"), rows));
            }
            Verdict::Prohibit => {
                return Err(self.dropped(space, None, forbidden("prohibit"), rows));
            }
            Verdict::NoRoute => {
                return Err(self.dropped(space, None, Cause::NoRoute { destination }, rows));
            }
            Verdict::CannotTell(why) => {
                return Err(self.cannot_tell(space, None, why.clone()));
            }
        };
        let choice = if hops.len() > 1 {
            self.choose(hops.len())
        } else {
            0
        };
        let Some(hop) = hops.iter().nth(choice) else {
            return Err(self.cannot_tell(space, None, "a route without a next hop"));
        };
        if hops.len() > 1 {
            let kind = NoteKind::OneOfSeveral { ways: hops.len() };
            self.note(space, hop.device, kind, rows.first().cloned());
        }
        let at = self.network.get(space);
        let Some(link) = hop.device.and_then(|index| at.link(index)) else {
            let why = at
                .netns
                .links
                .doubt()
                .unwrap_or("the route's device is not there");
            return Err(self.cannot_tell(space, None, why));
        };
        Ok(Way {
            link,
            next: hop.gateway.unwrap_or(destination),
            hop: Some(hop),
            route: decision.route,
            mtu: decision.mtu,
            rows,
        })
    }

    /// Out of the device that routing chose.
    fn output(
        &mut self,
        space: SpaceId,
        mut current: Current,
        mut way: Way<'a>,
        step: Step,
    ) -> Result<(SpaceId, Packet), Stop> {
        let index = way.link.index;
        if !way.link.is_up() {
            let row = link_row(way.link);
            return Err(self.dropped(space, Some(index), Cause::DeviceDown, vec![row]));
        }
        let devices = Devices {
            input: None,
            output: Some(index),
        };
        self.hook(
            space,
            Hook::Postrouting,
            devices,
            &mut current,
            &mut way.rows,
        )?;
        let mtu = way.mtu.map_or(way.link.mtu, |mtu| mtu.min(way.link.mtu));
        if current.packet.size > mtu && !way.link.is_loopback() {
            self.too_big(space, &mut current, &way, mtu, step)?;
        }
        if let Some(encap) = way.hop.and_then(|hop| hop.encap.as_ref()) {
            return self.wrap_by_route(space, current, way.link, encap, way.rows);
        }
        if way.link.is_loopback() {
            return self.deliver(space, index, current);
        }
        let frame = self.frame_for(space, way.link, way.next, &current, &mut way.rows)?;
        self.leaves(space, index, &mut current)?;
        self.pass(Passing {
            space,
            device: index,
            direction: Direction::Out,
            step,
            rows: way.rows,
            mtu: Some(mtu),
            current: &current,
            frame,
        })?;
        self.transmit(space, way.link, current, frame, way.next)
    }

    /// A packet comes in by a device (`ip_rcv`).
    pub(super) fn receive(
        &mut self,
        space: SpaceId,
        link: &'a Link,
        mut current: Current,
    ) -> Result<(SpaceId, Packet), Stop> {
        let at = self.network.get(space);
        let index = link.index;
        self.family_on(space, link, &current)?;
        let mut rows = Vec::new();
        let devices = Devices {
            input: Some(index),
            output: None,
        };
        self.hook(space, Hook::Prerouting, devices, &mut current, &mut rows)?;
        let limited = rows.clone();
        self.martian(space, link, &current.packet)?;
        let flow = Flow {
            input: Some(index),
            ..current.packet.flow()
        };
        let decision = at.fib().lookup(&flow);
        let local = matches!(decision.verdict, Verdict::Local | Verdict::Broadcast);
        // A packet without a route is lost before anybody asks whence it came.
        match decision.verdict {
            Verdict::Local | Verdict::Broadcast => self.believes(space, link, &flow, true)?,
            Verdict::Forward(ways) => {
                let output = ways.device();
                self.believes(space, link, &Flow { output, ..flow }, false)?;
            }
            _ => {}
        }
        if local {
            if self.is_recording() {
                self.add_rows(rows);
                let route = self.route_rows(space, decision.route);
                self.add_rows(route);
            }
            return self.deliver(space, index, current);
        }
        // `ip_route_input_slow` asks before it looks at what kind of route it is.
        self.forwards(space, link, &current)?;
        let mut way = self.way_of(space, &decision, &current)?;
        way.rows.extend(rows);
        if current.packet.ttl <= 1 {
            return Err(self.dropped(space, Some(index), Cause::HopLimit, limited));
        }
        current.packet.ttl -= 1;
        let devices = Devices {
            input: Some(index),
            output: Some(way.link.index),
        };
        self.hook(space, Hook::Forward, devices, &mut current, &mut way.rows)?;
        self.output(space, current, way, Step::Forward)
    }
}
