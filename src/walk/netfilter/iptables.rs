//! iptables' rules, as `iptables-save` prints them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::Hook;
use super::rule::{
    Action, AddressType, Chain, Element, Field, Match, Rule, States, Table, Test, Value,
};
use crate::model::Netns;
use crate::model::netfilter::{Backend, Iptables, IptablesRule, IptablesTable};
use crate::model::rule::Family;

/// Adds the base chains of all iptables tables.
pub(super) fn compile(netns: &Netns, chains: &mut Vec<Chain>, doubts: &mut Vec<(Family, String)>) {
    for program in &netns.netfilter.iptables {
        if let Some(why) = program.tables.doubt() {
            // What iptables-nft holds stands in nft's own listing too.
            if program.backend == Backend::Legacy || !netns.netfilter.nft.is_complete() {
                doubts.push((program.family, format!("iptables: {why}")));
            }
            continue;
        }
        for table in &program.tables {
            compile_table(netns, program, table, chains);
        }
    }
}

fn compile_table(
    netns: &Netns,
    program: &Iptables,
    table: &IptablesTable,
    chains: &mut Vec<Chain>,
) {
    let mut rules = HashMap::new();
    for chain in &table.chains {
        let compiled = chain
            .rules
            .iter()
            .map(|rule| compile_rule(netns, program.family, &chain.name, rule))
            .collect();
        rules.insert(chain.name.clone(), compiled);
    }
    let compiled = Arc::new(Table {
        name: table.name.clone(),
        program: match (program.family, program.backend) {
            (Family::Inet, Backend::Nft) => "iptables",
            (Family::Inet, Backend::Legacy) => "iptables-legacy",
            (Family::Inet6, Backend::Nft) => "ip6tables",
            (Family::Inet6, Backend::Legacy) => "ip6tables-legacy",
        },
        chains: rules,
    });
    for chain in &table.chains {
        let (Some(policy), Some((hook, priority))) =
            (&chain.policy, hook_of(&table.name, &chain.name))
        else {
            continue;
        };
        chains.push(Chain {
            hook,
            priority,
            family: Some(program.family),
            is_nat: table.name == "nat",
            by: "iptables",
            table: Arc::clone(&compiled),
            name: chain.name.clone(),
            policy_drops: policy == "DROP",
            devices: Vec::new(),
        });
    }
}

/// `NF_IP_PRI_*`
fn hook_of(table: &str, chain: &str) -> Option<(Hook, i32)> {
    let hook = match chain {
        "PREROUTING" => Hook::Prerouting,
        "INPUT" => Hook::Input,
        "FORWARD" => Hook::Forward,
        "OUTPUT" => Hook::Output,
        "POSTROUTING" => Hook::Postrouting,
        _ => return None,
    };
    let priority = match (table, hook) {
        ("raw", _) => -300,
        ("mangle", _) => -150,
        ("nat", Hook::Prerouting | Hook::Output) => -100,
        ("nat", _) => 100,
        ("security", _) => 50,
        _ => 0,
    };
    Some((hook, priority))
}

/// Reads a rule's words from left to right.
struct Words<'w> {
    words: std::slice::Iter<'w, String>,
    invert: bool,
}

impl<'w> Words<'w> {
    fn next(&mut self) -> Option<&'w str> {
        self.words.next().map(String::as_str)
    }

    fn value(&mut self) -> &'w str {
        self.next().unwrap_or_default()
    }
}

fn compile_rule(netns: &Netns, family: Family, chain: &str, rule: &IptablesRule) -> Rule {
    let mut words = Words {
        words: rule.words.iter(),
        invert: false,
    };
    let mut matches = Vec::new();
    let mut actions = Vec::new();
    let mut module = "";
    while let Some(word) = words.next() {
        match word {
            "!" => {
                words.invert = true;
                continue;
            }
            "-m" | "--match" => {
                module = words.value();
                if module == "conntrack" || module == "state" || is_known(module) {
                    continue;
                }
                matches.push(unknown(module));
            }
            "-j" | "--jump" | "-g" | "--goto" => {
                let target = words.value();
                let rest: Vec<&str> = words.words.by_ref().map(String::as_str).collect();
                actions = target_of(word, target, &rest);
            }
            option => {
                let invert = std::mem::take(&mut words.invert);
                let test = test_of(netns, family, module, option, &mut words);
                if let Some(test) = test {
                    matches.push(Match { invert, test });
                }
            }
        }
    }
    if actions
        .iter()
        .any(|action| matches!(action, Action::Drop | Action::Reject))
    {
        // What is thrown away by chance is some, and not the first of several to choose from.
        for one in &mut matches {
            if matches!(one.test, Test::Chance) {
                *one = unknown("statistic");
            }
        }
    }
    Rule {
        matches,
        actions,
        text: format!("-A {chain} {}", rule.text()),
        handle: None,
    }
}

fn unknown(what: &str) -> Match {
    Match {
        invert: false,
        test: Test::Unknown(what.to_owned()),
    }
}

/// The modules whose options are read below.
fn is_known(module: &str) -> bool {
    matches!(
        module,
        "comment"
            | "tcp"
            | "udp"
            | "multiport"
            | "mark"
            | "set"
            | "addrtype"
            | "statistic"
            | "icmp"
            | "icmp6"
            | "ipv6-icmp"
            | "iprange"
            | "length"
            | "pkttype"
    )
}

/// `None` for options that ask nothing.
fn test_of(
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
        "--pkt-type" => match words.value() {
            "unicast" => Test::Always,
            other => Test::Unknown(format!("{option} {other}")),
        },
        // What is left of an option that is not read: its values.
        other => Test::Unknown(other.to_owned()),
    };
    Some(test)
}

fn target_of(word: &str, target: &str, rest: &[&str]) -> Vec<Action> {
    let option = |name: &str| {
        rest.iter()
            .position(|word| *word == name)
            .and_then(|at| rest.get(at + 1))
            .copied()
    };
    let action = match target {
        "ACCEPT" => Action::Accept,
        "DROP" => Action::Drop,
        "REJECT" => Action::Reject,
        "RETURN" => Action::Return,
        "MASQUERADE" => Action::Masquerade,
        "DNAT" => match option("--to-destination").and_then(end) {
            Some((address, port)) => Action::Destination(address, port),
            None => Action::Unknown("DNAT".to_owned()),
        },
        "SNAT" => match option("--to-source").and_then(end) {
            Some((Some(address), _)) => Action::Source(address),
            _ => Action::Unknown("SNAT".to_owned()),
        },
        "REDIRECT" => {
            let port = option("--to-ports").and_then(|port| port.parse().ok());
            Action::Destination(None, port)
        }
        "MARK" => match (
            option("--set-xmark"),
            option("--set-mark"),
            option("--or-mark"),
        ) {
            (Some(text), _, _) => {
                let (value, mask) = xmark(text);
                Action::Mark { mask, value }
            }
            (_, Some(text), _) => {
                let (value, mask) = xmark(text);
                Action::Mark {
                    mask: mask | value,
                    value,
                }
            }
            (_, _, Some(text)) => {
                let value = number(text);
                Action::Mark { mask: value, value }
            }
            _ => Action::Unknown("MARK".to_owned()),
        },
        // They look, count or label, and let the packet go on as it is.
        "LOG" | "NFLOG" | "CT" | "NOTRACK" | "CONNMARK" | "TCPMSS" | "CHECKSUM" | "TRACE"
        | "CONNSECMARK" | "SECMARK" | "SET" | "DSCP" | "TOS" | "CLASSIFY" => return Vec::new(),
        "TTL" | "HL" => hops(&option).unwrap_or_else(|| Action::Unknown(target.to_owned())),
        "QUEUE" | "NFQUEUE" => Action::Ask,
        "TPROXY" | "NETMAP" | "TEE" | "SYNPROXY" => Action::Unknown(target.to_owned()),
        chain if word == "-g" || word == "--goto" => Action::Goto(chain.to_owned()),
        chain => Action::Jump(chain.to_owned()),
    };
    vec![action]
}

/// `--ttl-set 1`, `--hl-dec 2`
fn hops<'t>(option: &impl Fn(&str) -> Option<&'t str>) -> Option<Action> {
    let number = |suffix: &str| {
        option(&format!("--ttl-{suffix}"))
            .or_else(|| option(&format!("--hl-{suffix}")))?
            .parse::<u8>()
            .ok()
    };
    number("set")
        .map(Action::HopsAre)
        .or_else(|| Some(Action::HopsLess(i16::from(number("dec")?))))
        .or_else(|| Some(Action::HopsLess(-i16::from(number("inc")?))))
}

/// `10.0.0.1:80`, `10.0.0.1`, `[fd00::1]:80`; a range is not one end.
fn end(text: &str) -> Option<(Option<IpAddr>, Option<u16>)> {
    if let Ok(address) = text.parse() {
        return Some((Some(address), None));
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some((Some(socket.ip()), Some(socket.port())));
    }
    let port = text.strip_prefix(':')?.parse().ok()?;
    Some((None, Some(port)))
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

fn nets(text: &str, family: Family) -> Vec<IpNet> {
    text.split(',')
        .filter_map(|net| {
            net.parse().ok().or_else(|| {
                let address: IpAddr = net.parse().ok()?;
                IpNet::new(address, if family == Family::Inet { 32 } else { 128 }).ok()
            })
        })
        .collect()
}

pub(super) fn protocol(name: &str) -> Option<u8> {
    Some(match name {
        "all" => 0,
        "icmp" => 1,
        "igmp" => 2,
        "ipencap" | "ipip" => 4,
        "tcp" => 6,
        "udp" => 17,
        "ipv6" => 41,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmp6" | "icmpv6" | "ipv6-icmp" => 58,
        "sctp" => 132,
        "udplite" => 136,
        number => number.parse().ok()?,
    })
}

fn ports(text: &str) -> Vec<(u16, u16)> {
    text.split(',')
        .filter_map(|range| match range.split_once(':') {
            Some((first, last)) => {
                let first = if first.is_empty() {
                    Some(0)
                } else {
                    first.parse().ok()
                };
                let last = if last.is_empty() {
                    Some(u16::MAX)
                } else {
                    last.parse().ok()
                };
                Some((first?, last?))
            }
            None => range.parse().ok().map(|port| (port, port)),
        })
        .collect()
}

fn number(text: &str) -> u32 {
    text.strip_prefix("0x").map_or_else(
        || text.parse().unwrap_or(0),
        |hex| u32::from_str_radix(hex, 16).unwrap_or(0),
    )
}

fn masked(text: &str) -> (u32, u32) {
    match text.split_once('/') {
        Some((value, mask)) => (number(value), number(mask)),
        None => (number(text), u32::MAX),
    }
}

/// `--set-xmark value/mask`: mask first, then exclusive or.
fn xmark(text: &str) -> (u32, u32) {
    masked(text)
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
            "RELATED" | "INVALID" | "UNTRACKED" => {}
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
        other => match other.split('/').next().and_then(|n| n.parse().ok()) {
            Some(number) => Test::IcmpType(vec![number]),
            // All other names are of messages that are not asked about.
            None => Test::IcmpType(Vec::new()),
        },
    }
}

/// A set of `ipset`, looked up by `src,dst,…`.
fn set(netns: &Netns, name: &str, flags: &str) -> Test {
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
