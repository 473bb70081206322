//! Whether what a rule asks holds for the packet as it is now.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Run;
use crate::model::number::IfIndex;
use crate::walk::flow::family_of;
use crate::walk::netfilter::rule::is_called;
use crate::walk::netfilter::rule::{AddressType, Element, Field, Match, Rule, States, Test, Value};
use crate::walk::path::Protocol;

impl Run<'_, '_> {
    #[inline]
    pub(super) fn matches(&mut self, rule: &Rule) -> bool {
        // What is understood first: a rule that is out of the question asks nothing of the rest.
        let known = rule
            .matches
            .iter()
            .filter(|m| !matches!(m.test, Test::Unknown(_) | Test::Chance))
            .all(|m| self.holds(m));
        if !known || (rule.actions.is_empty() && !rule.matches.is_empty()) {
            return false;
        }
        // Several that are not understood hold together or not at all: one assumption for the rule.
        let mut asked = false;
        for m in &rule.matches {
            match &m.test {
                Test::Unknown(_) if asked => {}
                Test::Unknown(what) => {
                    asked = true;
                    if !self.assume(format!("{} ({what})", rule.text)) {
                        return false;
                    }
                }
                Test::Chance if self.skip > 0 => {
                    self.skip -= 1;
                    return false;
                }
                _ => {}
            }
        }
        true
    }

    pub(super) fn holds(&self, m: &Match) -> bool {
        let packet = &self.packet;
        let v6 = packet.destination.is_ipv6();
        let ports = packet.protocol.ports();
        let in_nets =
            |nets: &[IpNet], address: IpAddr| nets.iter().any(|net| net.contains(&address));
        let in_ranges = |ranges: &[(u16, u16)], port: Option<u16>| {
            port.is_some_and(|port| ranges.iter().any(|(a, b)| (*a..=*b).contains(&port)))
        };
        let result = match &m.test {
            Test::Source(nets) => in_nets(nets, packet.source),
            Test::Destination(nets) => in_nets(nets, packet.destination),
            Test::Input(names) => self.is_named(names, self.devices.input),
            Test::Output(names) => self.is_named(names, self.devices.output),
            Test::Protocol(numbers) => numbers.contains(&packet.protocol.number(v6)),
            Test::SourcePort(ranges) => in_ranges(ranges, ports.map(|ports| ports.0)),
            Test::DestinationPort(ranges) => in_ranges(ranges, ports.map(|ports| ports.1)),
            Test::Mark { value, mask } => packet.mark & mask == *value,
            Test::State(states) => self.is_in(*states),
            Test::IcmpType(types) => {
                let own = match (packet.protocol, v6) {
                    (Protocol::EchoRequest, false) => Some(8),
                    (Protocol::EchoReply, false) => Some(0),
                    (Protocol::EchoRequest, true) => Some(128),
                    (Protocol::EchoReply, true) => Some(129),
                    (Protocol::NeighbourSolicitation, _) => Some(135),
                    (Protocol::NeighbourAdvertisement, _) => Some(136),
                    _ => None,
                };
                own.is_some_and(|own| types.contains(&own))
            }
            Test::AddressType { destination, kind } => {
                let address = if *destination {
                    packet.destination
                } else {
                    packet.source
                };
                self.is_of_type(address, *kind)
            }
            Test::Elements { fields, elements } => elements
                .iter()
                .any(|element| self.is_element(fields, element)),
            Test::Length(least, most) => (*least..=*most).contains(&packet.size),
            Test::Hops(least, most) => (*least..=*most).contains(&packet.ttl),
            Test::Version(family) => *family == family_of(packet.destination),
            Test::Always => true,
            Test::Chance | Test::Unknown(_) => true,
        };
        result != m.invert
    }

    fn is_in(&self, states: States) -> bool {
        let (established, untracked) = (self.tracked.established, self.tracked.untracked);
        (states.untracked && untracked)
            || (states.new && !established && !untracked)
            || (states.established && established)
            || (states.dnat
                && (self.tracked.dnat || self.packet.destination != self.first.destination))
            || (states.snat && (self.tracked.snat || self.packet.source != self.first.source))
    }

    fn is_named(&self, names: &[String], device: Option<IfIndex>) -> bool {
        let Some(device) = device else { return false };
        let netns = self.ruleset.netns;
        let own = netns.device_name(device);
        names.iter().any(|name| is_called(&own, name))
    }

    fn is_of_type(&self, address: IpAddr, kind: AddressType) -> bool {
        let local = address.is_loopback()
            || self
                .ruleset
                .netns
                .addresses
                .iter()
                .any(|row| row.address == address);
        let broadcast = self
            .ruleset
            .netns
            .addresses
            .iter()
            .any(|row| row.broadcast == Some(address));
        match kind {
            AddressType::Local => local,
            AddressType::Broadcast => broadcast,
            AddressType::Multicast => address.is_multicast(),
            AddressType::Unicast => !local && !broadcast && !address.is_multicast(),
        }
    }

    #[inline]
    pub(super) fn is_element(&self, fields: &[Field], element: &Element) -> bool {
        fields.len() == element.values.len()
            && fields
                .iter()
                .zip(&element.values)
                .all(|(field, value)| self.has(*field, value))
    }

    fn has(&self, field: Field, value: &Value) -> bool {
        let packet = &self.packet;
        let v6 = packet.destination.is_ipv6();
        let number = match field {
            Field::Source | Field::Destination => {
                let address = if field == Field::Source {
                    packet.source
                } else {
                    packet.destination
                };
                return match value {
                    Value::Net(net) => net.contains(&address),
                    Value::Range(first, last) => (*first..=*last).contains(&address),
                    Value::Any => true,
                    _ => false,
                };
            }
            Field::Input | Field::Output => {
                let device = if field == Field::Input {
                    self.devices.input
                } else {
                    self.devices.output
                };
                return match value {
                    Value::Name(name) => self.is_named(std::slice::from_ref(name), device),
                    Value::Any => true,
                    _ => false,
                };
            }
            Field::SourcePort => packet.protocol.ports().map(|ports| u32::from(ports.0)),
            Field::DestinationPort => packet.protocol.ports().map(|ports| u32::from(ports.1)),
            Field::Protocol => Some(u32::from(packet.protocol.number(v6))),
            Field::Mark => Some(packet.mark),
        };
        match value {
            Value::Number(first, last) => number.is_some_and(|n| (*first..=*last).contains(&n)),
            Value::Service(protocol, first, last) => {
                *protocol == packet.protocol.number(v6)
                    && number.is_some_and(|n| (u32::from(*first)..=u32::from(*last)).contains(&n))
            }
            Value::Any => true,
            _ => false,
        }
    }
}
