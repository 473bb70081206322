//! What a rule's expressions and sets ask of a packet.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value as Json;

use super::notation::left;
use super::{Sets, text};
use crate::model::rule::Family;
use crate::walk::netfilter::iptables::notation::protocol;
use crate::walk::netfilter::rule::{AddressType, Element, Field, Match, States, Test, Value};

pub(super) fn match_of(body: &Json, sets: &Sets<'_>) -> Match {
    let unknown = || Test::Unknown(left(body.get("left")));
    let (invert, equal) = match text(body, "op") {
        Some("!=") => (true, true),
        Some("==" | "in") | None => (false, true),
        Some(_) => (false, false),
    };
    let (Some(expression), Some(right)) = (body.get("left"), body.get("right")) else {
        return Match {
            invert,
            test: unknown(),
        };
    };
    let test = if equal {
        test_of(expression, right, sets).unwrap_or_else(unknown)
    } else {
        compared(expression, text(body, "op"), right).unwrap_or_else(unknown)
    };
    // An inverted unknown is as unknown.
    let invert = invert && !matches!(test, Test::Unknown(_));
    Match { invert, test }
}

/// What reading an expression presupposes of the packet: the kernel asks it first, and it is not listed. `ip ttl` is of IPv4 alone,
/// `tcp dport != 80` of TCP alone (nft(8), "payload expressions").
pub(super) fn presupposed(expression: Option<&Json>) -> Vec<Match> {
    let parts = expression.map_or(&[][..], |whole| {
        let parts = ["concat", "&"]
            .iter()
            .find_map(|of| whole.get(of)?.as_array());
        parts.map_or(std::slice::from_ref(whole), Vec::as_slice)
    });
    let test = |part: &Json| match text(part.get("payload")?, "protocol")? {
        "ip" => Some(Test::Version(Family::Inet)),
        "ip6" => Some(Test::Version(Family::Inet6)),
        name => Some(Test::Protocol(vec![protocol(name)?])),
    };
    let sure = |test| Match {
        invert: false,
        test,
    };
    parts.iter().filter_map(test).map(sure).collect()
}

fn test_of(expression: &Json, right: &Json, sets: &Sets<'_>) -> Option<Test> {
    if let Some(ct) = expression.get("ct") {
        return match text(ct, "key")? {
            "state" => Some(Test::State(states(right))),
            "status" => Some(Test::State(States {
                dnat: words(right).contains(&"dnat"),
                snat: words(right).contains(&"snat"),
                ..States::default()
            })),
            _ => None,
        };
    }
    if let Some([mark, mask]) = expression
        .get("&")
        .and_then(Json::as_array)
        .map(Vec::as_slice)
        && mark.get("meta").and_then(|meta| text(meta, "key")) == Some("mark")
    {
        return Some(Test::Mark {
            value: u32::try_from(right.as_u64()?).ok()?,
            mask: u32::try_from(mask.as_u64()?).ok()?,
        });
    }
    if let Some(meta) = expression.get("meta") {
        match text(meta, "key")? {
            "nfproto" | "protocol" => {
                return match right.as_str()? {
                    "ipv4" | "ip" => Some(Test::Version(Family::Inet)),
                    "ipv6" | "ip6" => Some(Test::Version(Family::Inet6)),
                    _ => None,
                };
            }
            // What is followed is for this host, or to be sent on by it.
            "pkttype" if matches!(right.as_str()?, "host" | "unicast") => {
                return Some(Test::Always);
            }
            _ => {}
        }
    }
    if let Some(head) = reads_length(expression) {
        let length = u32::try_from(right.as_u64()?).ok()?.checked_add(head)?;
        return Some(Test::Length(length, length));
    }
    if reads_hops(expression) {
        let hops = u8::try_from(right.as_u64()?).ok()?;
        return Some(Test::Hops(hops, hops));
    }
    if let Some(fib) = expression.get("fib") {
        return address_type(fib, right);
    }
    if let Some(payload) = expression.get("payload")
        && text(payload, "protocol") == Some("ether")
        && text(payload, "field") == Some("type")
    {
        return match right.as_str()? {
            "ip" => Some(Test::Version(Family::Inet)),
            "ip6" => Some(Test::Version(Family::Inet6)),
            // What is followed carries IP: none of these.
            "arp" => Some(Test::Protocol(Vec::new())),
            _ => None,
        };
    }
    if let Some(payload) = expression.get("payload")
        && matches!(text(payload, "protocol"), Some("icmp" | "icmpv6"))
        && text(payload, "field") == Some("type")
    {
        let types = words(right)
            .into_iter()
            .filter_map(|word| match word {
                "echo-request" => Some(vec![8, 128]),
                "echo-reply" => Some(vec![0, 129]),
                "nd-neighbor-solicit" => Some(vec![135]),
                "nd-neighbor-advert" => Some(vec![136]),
                _ => None,
            })
            .flatten()
            .collect();
        return Some(Test::IcmpType(types));
    }
    let fields = fields_of(expression)?;
    Some(Test::Elements {
        elements: elements(right, &fields, sets)?,
        fields,
    })
}

/// `ip ttl < 5`, `meta length > 1000`
fn compared(expression: &Json, operator: Option<&str>, right: &Json) -> Option<Test> {
    let number = u32::try_from(right.as_u64()?).ok()?;
    let (least, most) = match operator? {
        "<" => (0, number.checked_sub(1)?),
        "<=" => (0, number),
        ">" => (number.checked_add(1)?, u32::MAX),
        ">=" => (number, u32::MAX),
        _ => return None,
    };
    if reads_hops(expression) {
        let octet = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
        return (least <= 255).then(|| Test::Hops(octet(least), octet(most)));
    }
    let head = reads_length(expression)?;
    Some(Test::Length(
        least.saturating_add(head),
        most.saturating_add(head),
    ))
}

/// An expression of the packet's length, and how much that leaves out: IPv6's does not count its own header.
fn reads_length(expression: &Json) -> Option<u32> {
    if let Some(meta) = expression.get("meta") {
        return (text(meta, "key")? == "length").then_some(0);
    }
    let payload = expression.get("payload")?;
    match (text(payload, "protocol")?, text(payload, "field")?) {
        ("ip", "length") => Some(0),
        ("ip6", "length") => Some(40),
        _ => None,
    }
}

fn reads_hops(expression: &Json) -> bool {
    expression.get("payload").is_some_and(|payload| {
        matches!(
            (text(payload, "protocol"), text(payload, "field")),
            (Some("ip"), Some("ttl")) | (Some("ip6"), Some("hoplimit"))
        )
    })
}

/// `fib daddr type local`
fn address_type(fib: &Json, right: &Json) -> Option<Test> {
    let [which] = *words(fib.get("flags")?).as_slice() else {
        return None;
    };
    let kind = match (text(fib, "result")?, right.as_str()?) {
        ("type", "local") => AddressType::Local,
        ("type", "unicast") => AddressType::Unicast,
        ("type", "broadcast") => AddressType::Broadcast,
        ("type", "multicast") => AddressType::Multicast,
        _ => return None,
    };
    matches!(which, "saddr" | "daddr").then(|| Test::AddressType {
        destination: which == "daddr",
        kind,
    })
}

/// What of a packet an expression reads, several if concatenated.
pub(super) fn fields_of(expression: &Json) -> Option<Vec<Field>> {
    if let Some(parts) = expression.get("concat").and_then(Json::as_array) {
        return parts
            .iter()
            .map(|part| Some(*fields_of(part)?.first()?))
            .collect();
    }
    let field = if let Some(payload) = expression.get("payload") {
        match (text(payload, "protocol")?, text(payload, "field")?) {
            ("ip" | "ip6", "saddr") => Field::Source,
            ("ip" | "ip6", "daddr") => Field::Destination,
            ("ip", "protocol") | ("ip6", "nexthdr") => Field::Protocol,
            ("tcp" | "udp" | "th", "sport") => Field::SourcePort,
            ("tcp" | "udp" | "th", "dport") => Field::DestinationPort,
            _ => return None,
        }
    } else {
        match text(expression.get("meta")?, "key")? {
            "l4proto" => Field::Protocol,
            "iif" | "iifname" => Field::Input,
            "oif" | "oifname" => Field::Output,
            "mark" => Field::Mark,
            _ => return None,
        }
    };
    Some(vec![field])
}

/// The members of a set, named or not, or a single value.
fn elements(right: &Json, fields: &[Field], sets: &Sets<'_>) -> Option<Vec<Element>> {
    if let Some(name) = right.as_str().and_then(|text| text.strip_prefix('@')) {
        let members = sets.get(name)?.get("elem");
        return members
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .map(|member| element(member, fields))
            .collect();
    }
    if let Some(members) = right.get("set").and_then(Json::as_array) {
        return members
            .iter()
            .map(|member| element(member, fields))
            .collect();
    }
    Some(vec![element(right, fields)?])
}

pub(super) fn element(member: &Json, fields: &[Field]) -> Option<Element> {
    // A member with a counter, a comment or a timeout.
    let member = member
        .get("elem")
        .map_or(member, |elem| elem.get("val").unwrap_or(elem));
    let values = match member.get("concat").and_then(Json::as_array) {
        Some(parts) => parts
            .iter()
            .zip(fields)
            .map(|(part, field)| value(part, *field))
            .collect::<Option<Vec<_>>>()?,
        None => vec![value(member, *fields.first()?)?],
    };
    Some(Element { values })
}

fn value(json: &Json, field: Field) -> Option<Value> {
    if json.as_str() == Some("*") {
        return Some(Value::Any);
    }
    match field {
        Field::Source | Field::Destination => {
            if let Some(prefix) = json.get("prefix") {
                let address: IpAddr = text(prefix, "addr")?.parse().ok()?;
                let length = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
                return Some(Value::Net(IpNet::new(address, length).ok()?));
            }
            if let Some([first, last]) = json
                .get("range")
                .and_then(Json::as_array)
                .map(Vec::as_slice)
            {
                return Some(Value::Range(address(first)?, address(last)?));
            }
            Some(Value::Net(IpNet::from(address(json)?)))
        }
        Field::Input | Field::Output => Some(Value::Name(json.as_str()?.to_owned())),
        Field::Protocol => {
            let number = match json.as_str() {
                Some(name) => u32::from(protocol(name)?),
                None => u32::try_from(json.as_u64()?).ok()?,
            };
            Some(Value::Number(number, number))
        }
        Field::SourcePort | Field::DestinationPort | Field::Mark => {
            let number = |json: &Json| match json.as_str() {
                Some(name) => service(name),
                None => u32::try_from(json.as_u64()?).ok(),
            };
            if let Some([first, last]) = json
                .get("range")
                .and_then(Json::as_array)
                .map(Vec::as_slice)
            {
                return Some(Value::Number(number(first)?, number(last)?));
            }
            let number = number(json)?;
            Some(Value::Number(number, number))
        }
    }
}

/// nft prints ports as numbers unless told otherwise; these are the names it accepts most often.
fn service(name: &str) -> Option<u32> {
    Some(match name {
        "ssh" => 22,
        "domain" => 53,
        "http" => 80,
        "https" => 443,
        number => number.parse().ok()?,
    })
}

pub(super) fn address(json: &Json) -> Option<IpAddr> {
    json.as_str()?.parse().ok()
}

pub(super) fn words(right: &Json) -> Vec<&str> {
    match right {
        Json::String(word) => vec![word.as_str()],
        Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
        other => other
            .get("set")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect(),
    }
}

fn states(right: &Json) -> States {
    let words = words(right);
    States {
        new: words.contains(&"new"),
        established: words.contains(&"established"),
        untracked: words.contains(&"untracked"),
        ..States::default()
    }
}
