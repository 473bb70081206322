//! What a rule's options ask of a packet (`iptables-extensions(8)`).

use super::Words;
use super::ipset::set;
use super::notation::{masked, nets, ports, protocol};
use crate::model::Netns;
use crate::model::rule::Family;
use crate::walk::netfilter::rule::{AddressType, Element, Field, States, Test, Value};

/// `None` for options that ask nothing.
pub(super) fn test_of(
    netns: &Netns,
    family: Family,
    module: &str,
    option: &str,
    words: &mut Words<'_>,
) -> Option<Test> {
    let test = match option {
        "-s" | "--source" => read(
            option,
            words.value(),
            |text| nets(text, family),
            Test::Source,
        ),
        "-d" | "--destination" => read(
            option,
            words.value(),
            |text| nets(text, family),
            Test::Destination,
        ),
        "-i" | "--in-interface" => Test::Input(vec![words.value().to_owned()]),
        "-o" | "--out-interface" => Test::Output(vec![words.value().to_owned()]),
        "-p" | "--protocol" => match protocol(words.value()) {
            Some(0) => return None,
            Some(number) => Test::Protocol(vec![number]),
            None => Test::Unknown(option.to_owned()),
        },
        "--comment" => {
            words.value();
            return None;
        }
        "--sport" | "--source-port" | "--sports" | "--source-ports" => {
            read(option, words.value(), ports, Test::SourcePort)
        }
        "--dport" | "--destination-port" | "--dports" | "--destination-ports" => {
            read(option, words.value(), ports, Test::DestinationPort)
        }
        "--mark" if module == "mark" => {
            let (value, mask) = masked(words.value());
            Test::Mark { value, mask }
        }
        "--ctstate" | "--state" => states(words.value()),
        "--match-set" => {
            let (name, flags) = (words.value(), words.value());
            set(netns, name, flags)
        }
        "--dst-type" | "--src-type" => {
            let kinds = words.value();
            let kind = match kinds {
                "LOCAL" => AddressType::Local,
                "UNICAST" => AddressType::Unicast,
                "BROADCAST" => AddressType::Broadcast,
                "MULTICAST" => AddressType::Multicast,
                other => return Some(Test::Unknown(format!("{option} {other}"))),
            };
            Test::AddressType {
                destination: option == "--dst-type",
                kind,
            }
        }
        "--mode" => {
            words.value();
            return None;
        }
        "--probability" | "--every" => {
            words.value();
            Test::Chance
        }
        "--packet" if module == "statistic" => {
            words.value();
            return None;
        }
        "--icmp-type" | "--icmpv6-type" => icmp_type(words.value()),
        "--src-range" | "--dst-range" => {
            let field = if option == "--src-range" {
                Field::Source
            } else {
                Field::Destination
            };
            let value = words.value();
            match value
                .split_once('-')
                .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)))
            {
                Some((first, last)) => Test::Elements {
                    fields: vec![field],
                    elements: vec![Element {
                        values: vec![Value::Range(first, last)],
                    }],
                },
                None => Test::Unknown(format!("{option} {value}")),
            }
        }
        "--length" => {
            let (first, last) = words.value().split_once(':').unwrap_or_default();
            Test::Length(first.parse().unwrap_or(0), last.parse().unwrap_or(u32::MAX))
        }
        "--ttl-eq" | "--hl-eq" => match words.value().parse() {
            Ok(hops) => Test::Hops(hops, hops),
            Err(_) => Test::Unknown(option.to_owned()),
        },
        "--ttl-lt" | "--hl-lt" => match words.value().parse::<u8>().map(|n| n.checked_sub(1)) {
            Ok(Some(most)) => Test::Hops(0, most),
            _ => Test::Unknown(option.to_owned()),
        },
        "--ttl-gt" | "--hl-gt" => match words.value().parse::<u8>().map(|n| n.checked_add(1)) {
            Ok(Some(least)) => Test::Hops(least, u8::MAX),
            _ => Test::Unknown(option.to_owned()),
        },
        "--pkt-type" => match words.value() {
            "unicast" => Test::Always,
            other => Test::Unknown(format!("{option} {other}")),
        },
        // What is left of an option that is not read: its values.
        other => Test::Unknown(other.to_owned()),
    };
    Some(test)
}

/// A list whose every member is read; one that is not makes the match unknown, not false.
fn read<T>(
    option: &str,
    text: &str,
    list: impl Fn(&str) -> Vec<T>,
    test: impl Fn(Vec<T>) -> Test,
) -> Test {
    let members = list(text);
    if members.len() == text.split(',').count() {
        test(members)
    } else {
        Test::Unknown(format!("{option} {text}"))
    }
}

fn states(text: &str) -> Test {
    let mut states = States::default();
    for word in text.split(',') {
        match word {
            "NEW" => states.new = true,
            "ESTABLISHED" => states.established = true,
            "DNAT" => states.dnat = true,
            "SNAT" => states.snat = true,
            // What is asked about here belongs to a conversation that was seen from its beginning.
            "UNTRACKED" => states.untracked = true,
            "RELATED" | "INVALID" => {}
            other => return Test::Unknown(format!("state {other}")),
        }
    }
    Test::State(states)
}

fn icmp_type(text: &str) -> Test {
    match text {
        "any" => Test::Always,
        "echo-request" => Test::IcmpType(vec![8, 128]),
        "echo-reply" => Test::IcmpType(vec![0, 129]),
        "neighbour-solicitation" | "neighbor-solicitation" => Test::IcmpType(vec![135]),
        "neighbour-advertisement" | "neighbor-advertisement" => Test::IcmpType(vec![136]),
        other => match other.split('/').next().and_then(|n| n.parse().ok()) {
            Some(number) => Test::IcmpType(vec![number]),
            // All other names are of messages that are not asked about.
            None => Test::IcmpType(Vec::new()),
        },
    }
}
