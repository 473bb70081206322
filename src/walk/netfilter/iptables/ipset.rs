//! What a rule asks of a set of `ipset(8)`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::notation::protocol;
use crate::model::Netns;
use crate::walk::netfilter::rule::{Element, Field, Test, Value};

/// A set of `ipset`, looked up by `src,dst,…`.
pub(super) fn set(netns: &Netns, name: &str, flags: &str) -> Test {
    let unknown = |why: &str| Test::Unknown(format!("set {name}: {why}"));
    let sets = &netns.netfilter.ipsets;
    let Some(set) = sets.iter().find(|set| set.name == name) else {
        return unknown(sets.doubt().unwrap_or("is not there"));
    };
    let Some(members) = set.members.known() else {
        return unknown("its members are not decoded");
    };
    let kinds: Vec<&str> = set
        .kind
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .split(',')
        .collect();
    if set.kind == "list:set" {
        return unknown("a list of sets");
    }
    let mut fields = Vec::new();
    for (kind, flag) in kinds.iter().zip(flags.split(',')) {
        let source = flag == "src";
        fields.push(match (*kind, source) {
            ("ip" | "net", true) => Field::Source,
            ("ip" | "net", false) => Field::Destination,
            ("port", true) => Field::SourcePort,
            ("port", false) => Field::DestinationPort,
            ("iface", true) => Field::Input,
            ("iface", false) => Field::Output,
            _ => return unknown("a kind of set that is not followed"),
        });
    }
    let mut elements = Vec::new();
    for member in members {
        let values: Option<Vec<_>> = member.split(',').map(value_of).collect();
        match values {
            Some(values) if member.contains("nomatch") || values.len() != fields.len() => {
                return unknown("a member that is not followed");
            }
            Some(values) => elements.push(Element { values }),
            None => return unknown("a member that is not followed"),
        }
    }
    Test::Elements { fields, elements }
}

fn value_of(text: &str) -> Option<Value> {
    if let Ok(net) = text.parse() {
        return Some(Value::Net(net));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Value::Net(IpNet::from(address)));
    }
    if let Some((name, range)) = text.split_once(':')
        && let Some(number) = protocol(name)
    {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        return Some(Value::Service(
            number,
            first.parse().ok()?,
            last.parse().ok()?,
        ));
    }
    Some(Value::Name(text.to_owned()))
}
