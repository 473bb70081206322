//! Packets in a namespace: sending, routing, the checks on arrival, forwarding, and taking what is local.
//!
//! Sources: `net/ipv4/ip_output.c`, `ip_input.c`, `ip_forward.c`, `route.c` (`ip_route_input_slow`,
//! `ip_route_output_key_hash_rcu`), and their IPv6 counterparts.

use std::net::IpAddr;

use super::answer::{Belief, WayBack, believe};
use super::fib::{Decision, Verdict};
use super::flow::Flow;
use super::netfilter::{Devices, Hook, Judgement};
use super::network::SpaceId;
use super::path::{Cause, Direction, NoteKind, Packet, Protocol, Row, RowTable, Step};
use super::walker::{Current, Frame, Passing, Stop, Walker};
use crate::model::number::IfIndex;
use crate::model::route::NextHop;
use crate::model::rule::RuleAction;
use crate::model::socket::Transport;
use crate::model::{Link, LinkKind, Route, notation};

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

    /// A tunnel device that is a bridge's port answers the sender of a packet that is not to be cut, in place of the
    /// wrapped one being cut (`skb_tunnel_check_pmtu`, net/ipv4/ip_tunnel_core.c, since Linux 5.9).
    fn told_inside(
        &mut self,
        space: SpaceId,
        current: &Current,
        way: &Way<'_>,
        mtu: u32,
    ) -> Result<(), Stop> {
        let Some(inside) = &current.inside else {
            return Ok(());
        };
        let (at, index) = inside.wrapped_at;
        let is_port = self
            .network
            .get(at)
            .link(index)
            .is_some_and(|link| link.master.is_some());
        if at != space || !is_port || !inside.current.packet.dont_fragment {
            return Ok(());
        }
        let wrapping = current
            .packet
            .size
            .saturating_sub(inside.current.packet.size);
        let cause = Cause::MtuExceeded {
            mtu: mtu.saturating_sub(wrapping),
            size: inside.current.packet.size,
            silent: false,
        };
        let rows = vec![link_row(way.link)];
        Err(self.dropped(space, Some(way.link.index), cause, rows))
    }

    /// `ip_fragment`, `ip6_fragment`, and the refusals before them.
    fn too_big(
        &mut self,
        space: SpaceId,
        current: &mut Current,
        way: &Way<'_>,
        mtu: u32,
        step: Step,
    ) -> Result<(), Stop> {
        let forwarded = step == Step::Forward;
        self.told_inside(space, current, way, mtu)?;
        let must_not =
            current.packet.dont_fragment || (forwarded && current.packet.destination.is_ipv6());
        if must_not {
            let cause = Cause::MtuExceeded {
                mtu,
                size: current.packet.size,
                silent: current.inside.is_some(),
            };
            let mut rows = vec![link_row(way.link)];
            rows.extend(way.rows.iter().cloned());
            return Err(self.dropped(space, Some(way.link.index), cause, rows));
        }
        self.note(
            space,
            Some(way.link.index),
            NoteKind::Fragmented { mtu },
            Some(link_row(way.link)),
        );
        Ok(())
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

    fn family_on(&self, space: SpaceId, link: &Link, current: &Current) -> Result<(), Stop> {
        let off = current.packet.destination.is_ipv6()
            && link.inet6.is_some_and(|conf| conf.disable_ipv6 != 0);
        if off {
            let row = Row::new(
                RowTable::Sysctl,
                format!("net.ipv6.conf.{}.disable_ipv6 = 1", link.name),
            );
            return Err(self.dropped(space, Some(link.index), Cause::FamilyOff, vec![row]));
        }
        Ok(())
    }

    /// Addresses that cannot be on a link (`ip_route_input_slow`, `martian_source`, `martian_destination`).
    fn martian(&self, space: SpaceId, link: &Link, packet: &Packet) -> Result<(), Stop> {
        // `IN_DEV_ROUTE_LOCALNET`: on the device, or on all.
        let localnet = || {
            let netns = self.network.get(space).netns;
            link.inet.is_some_and(|conf| conf.route_localnet != 0)
                || netns.sysctl_number("net.ipv4.conf.all.route_localnet") == Some(1)
        };
        let (address, why) = if packet.source.is_multicast() {
            (packet.source, "a group as source")
        } else if packet.source.is_unspecified() {
            (packet.source, "no source")
        } else if packet.source.is_loopback() && !localnet() {
            (packet.source, "a loopback source from outside")
        } else if packet.destination.is_loopback() && !localnet() {
            (packet.destination, "a loopback destination from outside")
        } else {
            return Ok(());
        };
        let cause = Cause::Martian { address, why };
        Err(self.dropped(space, Some(link.index), cause, Vec::new()))
    }

    fn believes(&self, space: SpaceId, link: &Link, flow: &Flow, local: bool) -> Result<(), Stop> {
        let at = self.network.get(space);
        match believe(at.fib(), link, flow) {
            Belief::Yes => Ok(()),
            Belief::CannotTell(why) => Err(self.cannot_tell(space, Some(link.index), why)),
            Belief::No(disbelief) => {
                let source = disbelief.source;
                let cause = if disbelief.way_back == WayBack::Own {
                    Cause::Martian {
                        address: source,
                        why: if local {
                            "the receiver's own address as source"
                        } else {
                            "the node's own address as source"
                        },
                    }
                } else {
                    Cause::ReversePath {
                        source,
                        mode: i32::try_from(disbelief.rp_filter).unwrap_or(1),
                    }
                };
                let mut rows = self.way_back_rows(space, source, flow.destination);
                let setting = |device: &str| format!("net.ipv4.conf.{device}.rp_filter");
                for device in ["all", &link.name] {
                    let value = if device == "all" {
                        at.netns.sysctl_number(&setting("all"))
                    } else {
                        link.inet.map(|conf| i64::from(conf.rp_filter))
                    };
                    if let Some(value) = value {
                        let text = format!("{} = {value}", setting(device));
                        rows.push(Row::new(RowTable::Sysctl, text));
                    }
                }
                Err(self.dropped(space, Some(link.index), cause, rows))
            }
        }
    }

    fn way_back_rows(&self, space: SpaceId, source: IpAddr, destination: IpAddr) -> Vec<Row> {
        let back = Flow::to(source).from(destination);
        let decision = self.network.get(space).fib().lookup(&back);
        self.decision_rows(space, &decision)
    }

    /// Whether the namespace forwards what comes in by a device.
    fn forwards(&self, space: SpaceId, link: &Link, current: &Current) -> Result<(), Stop> {
        let at = self.network.get(space);
        let v4 = current.packet.destination.is_ipv4();
        let on = if v4 {
            link.inet.map(|conf| conf.forwarding != 0)
        } else {
            // `ip6_forward` asks the namespace, unless the device forwards by force.
            let forced = link.inet6.is_some_and(|conf| conf.force_forwarding != 0);
            at.netns
                .sysctl_number("net.ipv6.conf.all.forwarding")
                .map(|all| all != 0 || forced)
        };
        if on == Some(true) {
            return Ok(());
        }
        let sysctl = if v4 {
            notation::setting("ipv4", &link.name, "forwarding")
        } else {
            "net.ipv6.conf.all.forwarding".to_owned()
        };
        match on {
            Some(_) => {
                let mut rows = vec![Row::new(RowTable::Sysctl, format!("{sysctl} = 0"))];
                if let Some(0) = at.netns.sysctl_number("net.ipv4.ip_forward") {
                    rows.push(Row::new(RowTable::Sysctl, "net.ipv4.ip_forward = 0"));
                }
                // What the namespace is not asked to forward is not its fault: the sender meant another.
                let cause = Cause::ForwardingOff { sysctl };
                Err(self.dropped(space, Some(link.index), cause, rows))
            }
            None => {
                Err(self.cannot_tell(space, Some(link.index), format!("{sysctl} was not read")))
            }
        }
    }

    /// The namespace takes it (`ip_local_deliver`).
    fn deliver(
        &mut self,
        space: SpaceId,
        input: IfIndex,
        mut current: Current,
    ) -> Result<(SpaceId, Packet), Stop> {
        let devices = Devices {
            input: Some(input),
            output: None,
        };
        let mut rows = Vec::new();
        self.hook(space, Hook::Input, devices, &mut current, &mut rows)?;
        self.add_rows(rows);
        if let Some(inside) = current.inside.take() {
            return self.unwrap(space, input, current, *inside);
        }
        if let Some(goal) = self.goal()
            && goal != space
        {
            let to = self.network.place(space, Some(input));
            let text = format!("{} is here too", current.packet.destination);
            let rows = vec![Row::new(RowTable::Address, text)];
            return Err(self.dropped(space, Some(input), Cause::DeliveredElsewhere { to }, rows));
        }
        if !current.established {
            self.listens(space, input, &current.packet)?;
        }
        Ok((space, current.packet))
    }

    fn listens(&self, space: SpaceId, input: IfIndex, packet: &Packet) -> Result<(), Stop> {
        let (transport, name, port) = match packet.protocol {
            Protocol::Udp {
                destination_port, ..
            } => (Transport::Udp, "udp", destination_port),
            Protocol::Tcp {
                destination_port, ..
            } => (Transport::Tcp, "tcp", destination_port),
            _ => return Ok(()),
        };
        let at = self.network.get(space);
        let listens = at.netns.sockets.iter().any(|socket| {
            socket.protocol == transport
                && socket.port == port
                && socket.remote.is_none()
                && socket.device.is_none_or(|device| device == input)
                && (socket.local == packet.destination
                    || (socket.local.is_unspecified()
                        && (socket.local.is_ipv4() == packet.destination.is_ipv4()
                            || (socket.local.is_ipv6() && !socket.v6_only))))
        });
        if listens {
            return Ok(());
        }
        if let Some(why) = at.netns.sockets.doubt() {
            return Err(self.cannot_tell(space, Some(input), format!("sockets: {why}")));
        }
        let cause = Cause::NothingListens {
            protocol: name,
            port,
        };
        Err(self.dropped(space, Some(input), cause, Vec::new()))
    }

    /// What netfilter does with a frame that a device is about to send.
    pub(super) fn leaves(
        &mut self,
        space: SpaceId,
        device: IfIndex,
        current: &mut Current,
    ) -> Result<(), Stop> {
        self.frame_hook(space, Hook::Egress, (None, Some(device)), current)
    }

    /// What netfilter does where frames pass.
    pub(super) fn frame_hook(
        &mut self,
        space: SpaceId,
        hook: Hook,
        (input, output): (Option<IfIndex>, Option<IfIndex>),
        current: &mut Current,
    ) -> Result<(), Stop> {
        if !self.network.get(space).ruleset().sees_frames() {
            return Ok(());
        }
        let mut rows = Vec::new();
        self.hook(space, hook, Devices { input, output }, current, &mut rows)?;
        self.add_rows(rows);
        Ok(())
    }

    /// What netfilter does at a hook; rows of rules that changed the packet are added to `rows`.
    pub(super) fn hook(
        &mut self,
        space: SpaceId,
        hook: Hook,
        devices: Devices,
        current: &mut Current,
        rows: &mut Vec<Row>,
    ) -> Result<(), Stop> {
        let at = self.network.get(space);
        let before = current.packet;
        if current.established
            && matches!(hook, Hook::Prerouting | Hook::Output)
            && let Some(back) = self.translations.back(space, &current.packet)
        {
            current.packet = back;
        }
        let judgement = at.ruleset().judge(
            hook,
            devices,
            self.translations
                .tracked(space, &current.packet, current.established),
            &mut current.packet,
            self.is_recording(),
        );
        let place = devices.output.or(devices.input);
        match judgement {
            Judgement::Accept { changed_by } => {
                rows.extend(changed_by);
            }
            Judgement::Drop(loss) => {
                let row = Row::new(RowTable::Netfilter, loss.row);
                return Err(self.dropped(space, place, loss.cause, vec![row]));
            }
            Judgement::CannotTell(doubt) => {
                let Some((packet, changed_by)) = doubt.otherwise.filter(|_| self.is_recording())
                else {
                    return Err(self.cannot_tell(space, place, doubt.why));
                };
                // Whoever sends a packet will see which it is.
                current.packet = packet;
                rows.extend(changed_by);
                for loss in doubt.losses {
                    let row = Row::new(RowTable::Netfilter, loss.row);
                    let cause = Box::new(loss.cause);
                    self.note(space, place, NoteKind::MayDrop { hook, cause }, Some(row));
                }
            }
        }
        let after = current.packet;
        if after == before || current.established {
            return Ok(());
        }
        if after.destination != before.destination {
            let kind = NoteKind::DestinationTranslated {
                to: after.destination,
            };
            self.note(space, place, kind, rows.last().cloned());
        }
        if hook == Hook::Postrouting && after.source.is_unspecified() {
            // MASQUERADE: the address of the device it leaves by.
            let source = devices.output.and_then(|device| {
                at.netns
                    .addresses_of(device)
                    .find(|row| row.address.is_ipv4() == before.source.is_ipv4())
            });
            match source {
                Some(row) => current.packet.source = row.address,
                None => {
                    let why = "masquerade by a device without an address";
                    return Err(self.cannot_tell(space, place, why));
                }
            }
        }
        if current.packet.source != before.source {
            let kind = NoteKind::SourceTranslated {
                to: current.packet.source,
                masquerade: after.source.is_unspecified(),
            };
            self.note(space, place, kind, rows.last().cloned());
        }
        self.translations.remember(space, &before, &current.packet);
        Ok(())
    }

    pub(super) fn decision_rows(&self, space: SpaceId, decision: &Decision<'_>) -> Vec<Row> {
        let mut rows = self.route_rows(space, decision.route);
        if self.is_recording()
            && let Some(rule) = decision.rule
            && !is_ordinary(rule.action, rule.priority)
        {
            rows.push(Row::new(RowTable::Rule, notation::rule(rule)));
        }
        rows
    }

    fn route_rows(&self, space: SpaceId, route: Option<&Route>) -> Vec<Row> {
        if !self.is_recording() {
            return Vec::new();
        }
        let netns = self.network.get(space).netns;
        route
            .map(|route| Row::new(RowTable::Route, notation::route(route, netns)))
            .into_iter()
            .collect()
    }
}

/// The three rules that every namespace has say nothing about why a route was chosen.
fn is_ordinary(action: RuleAction, priority: u32) -> bool {
    matches!(action, RuleAction::Lookup(_)) && matches!(priority, 0 | 32766 | 32767)
}

/// A device as `ip link` shows it, as far as it matters here.
pub(super) fn link_row(link: &Link) -> Row {
    let flags: Vec<_> = link.flags.names().collect();
    let kind = match &link.kind {
        LinkKind::Device | LinkKind::Loopback => String::new(),
        kind => format!(" {}", kind.name()),
    };
    let text = format!(
        "{}: <{}> mtu {} state {}{kind}",
        link.name,
        flags.join(","),
        link.mtu,
        link.oper_state.as_str(),
    );
    Row::new(RowTable::Link, text)
}

impl Frame {
    /// Whether everybody on the link takes it.
    pub(super) fn is_for_all(&self) -> bool {
        self.to.is_multicast()
    }
}
