//! nft's rules, from its JSON (`libnftables-json(5)`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde_json::Value as Json;

use super::Hook;
use super::iptables::protocol;
use super::rule::{Action, Chain, Element, Field, Match, Rule, States, Table, Test, Value};
use crate::model::Netns;
use crate::model::netfilter::Backend;
use crate::model::rule::Family;

/// Adds the base chains of all nft tables that are not iptables' own.
pub(super) fn compile(netns: &Netns, chains: &mut Vec<Chain>, doubts: &mut Vec<(Family, String)>) {
    let ruleset = &netns.netfilter.nft;
    if let Some(why) = ruleset.doubt() {
        for family in [Family::Inet, Family::Inet6] {
            doubts.push((family, format!("nft: {why}")));
        }
        return;
    }
    let objects = |kind: &'static str| ruleset.iter().filter_map(move |row| row.get(kind));
    for table in objects("table") {
        let (Some(family), Some(name)) = (text(table, "family"), text(table, "name")) else {
            continue;
        };
        let of = match family {
            "ip" => Some(Family::Inet),
            "ip6" => Some(Family::Inet6),
            "inet" => None,
            // They see frames; what is followed carries packets of either family.
            "bridge" | "netdev" => None,
            _ => continue,
        };
        if is_of_iptables(netns, of, name) {
            continue;
        }
        let here = |object: &&Json| {
            text(object, "family") == Some(family) && text(object, "table") == Some(name)
        };
        let sets: Sets<'_> = objects("set")
            .chain(objects("map"))
            .filter(here)
            .filter_map(|set| Some((text(set, "name")?, set)))
            .collect();
        let mut rules: HashMap<String, Vec<Rule>> = objects("chain")
            .filter(here)
            .filter_map(|chain| Some((text(chain, "name")?.to_owned(), Vec::new())))
            .collect();
        for rule in objects("rule").filter(here) {
            if let Some(chain) = text(rule, "chain") {
                rules
                    .entry(chain.to_owned())
                    .or_default()
                    .push(compile_rule(chain, rule, &sets));
            }
        }
        let compiled = Arc::new(Table {
            name: format!("{family} {name}"),
            program: "nft",
            chains: rules,
        });
        for chain in objects("chain").filter(here) {
            let Some(hook) = text(chain, "hook").and_then(|hook| hook_of(family, hook)) else {
                continue;
            };
            let priority = chain.get("prio").and_then(Json::as_i64).unwrap_or(0);
            chains.push(Chain {
                hook,
                priority: i32::try_from(priority).unwrap_or(0),
                family: of,
                is_nat: text(chain, "type") == Some("nat"),
                by: "nft",
                table: Arc::clone(&compiled),
                name: text(chain, "name").unwrap_or_default().to_owned(),
                policy_drops: text(chain, "policy") == Some("drop"),
                devices: chain.get("dev").map_or_else(Vec::new, |devices| {
                    words(devices).into_iter().map(str::to_owned).collect()
                }),
            });
        }
    }
}

fn hook_of(family: &str, hook: &str) -> Option<Hook> {
    Some(match (family, hook) {
        (_, "ingress") => Hook::Ingress,
        (_, "egress") => Hook::Egress,
        ("bridge", "prerouting") => Hook::BridgePrerouting,
        ("bridge", "input") => Hook::BridgeInput,
        ("bridge", "forward") => Hook::BridgeForward,
        ("bridge", "output") => Hook::BridgeOutput,
        ("bridge", "postrouting") => Hook::BridgePostrouting,
        (_, "prerouting") => Hook::Prerouting,
        (_, "input") => Hook::Input,
        (_, "forward") => Hook::Forward,
        (_, "output") => Hook::Output,
        (_, "postrouting") => Hook::Postrouting,
        _ => return None,
    })
}

type Sets<'j> = HashMap<&'j str, &'j Json>;

fn text<'j>(object: &'j Json, key: &str) -> Option<&'j str> {
    object.get(key)?.as_str()
}

/// Tables that iptables-nft made stand among iptables' tables, with all their matches.
fn is_of_iptables(netns: &Netns, family: Option<Family>, name: &str) -> bool {
    netns.netfilter.iptables.iter().any(|program| {
        program.backend == Backend::Nft
            && Some(program.family) == family
            && program.tables.iter().any(|table| table.name == name)
    })
}

fn compile_rule(chain: &str, rule: &Json, sets: &Sets<'_>) -> Rule {
    let mut matches = Vec::new();
    let mut actions = Vec::new();
    let statements = rule.get("expr").and_then(Json::as_array);
    for statement in statements.into_iter().flatten() {
        let Some((kind, body)) = statement
            .as_object()
            .and_then(|object| object.iter().next())
        else {
            continue;
        };
        match kind.as_str() {
            "match" => matches.push(match_of(body, sets)),
            "accept" => actions.push(Action::Accept),
            "drop" => actions.push(Action::Drop),
            "reject" => actions.push(Action::Reject),
            "return" => actions.push(Action::Return),
            "continue" | "counter" | "comment" | "log" | "notrack" | "flow" | "ct helper" => {}
            "jump" | "goto" => {
                let target = text(body, "target").unwrap_or_default().to_owned();
                actions.push(if kind == "jump" {
                    Action::Jump(target)
                } else {
                    Action::Goto(target)
                });
            }
            "masquerade" => actions.push(Action::Masquerade),
            "snat" => actions.push(match body.get("addr").and_then(address) {
                Some(address) => Action::Source(address),
                None => Action::Unknown("snat".to_owned()),
            }),
            "dnat" => actions.push(destination(body)),
            "redirect" => {
                let port = body.get("port").and_then(Json::as_u64);
                let port = port.and_then(|port| u16::try_from(port).ok());
                actions.push(Action::Destination(None, port));
            }
            "mangle" => actions.push(mangle(body)),
            "queue" => actions.push(Action::Ask),
            "vmap" => actions.push(verdicts(body, sets)),
            // A limit, a meter, or what comes later: whether the rule goes on is not known.
            other => matches.push(Match {
                invert: false,
                test: Test::Unknown(other.to_owned()),
            }),
        }
    }
    Rule {
        matches,
        actions,
        text: format!("{chain} {}", notation(rule)),
        handle: rule.get("handle").and_then(Json::as_u64),
    }
}

/// The rule as JSON's words, and its comment, in the order of `nft list`.
pub(super) fn notation(rule: &Json) -> String {
    let mut words = Vec::new();
    let statements = rule.get("expr").and_then(Json::as_array);
    for statement in statements.into_iter().flatten() {
        let Some((kind, body)) = statement
            .as_object()
            .and_then(|object| object.iter().next())
        else {
            continue;
        };
        match kind.as_str() {
            "match" => {
                let op = match text(body, "op") {
                    Some("==" | "in") | None => String::new(),
                    Some(other) => format!("{other} "),
                };
                words.push(format!(
                    "{} {op}{}",
                    left(body.get("left")),
                    value_text(body.get("right"))
                ));
            }
            "counter" => {}
            "jump" | "goto" => {
                words.push(format!(
                    "{kind} {}",
                    text(body, "target").unwrap_or_default()
                ));
            }
            "snat" | "dnat" => {
                words.push(format!("{kind} to {}", value_text(body.get("addr"))));
            }
            "vmap" => words.push(format!(
                "{} vmap {}",
                left(body.get("key")),
                value_text(body.get("data"))
            )),
            "limit" => words.push(limit(body)),
            other => words.push(other.to_owned()),
        }
    }
    if let Some(comment) = text(rule, "comment") {
        words.push(format!("comment \"{comment}\""));
    }
    words.join(" ")
}

/// `limit rate over 1/second`
fn limit(body: &Json) -> String {
    let over = body.get("inv").and_then(Json::as_bool).unwrap_or(false);
    format!(
        "limit rate {}{}/{}",
        if over { "over " } else { "" },
        value_text(body.get("rate")),
        text(body, "per").unwrap_or("second")
    )
}

fn left(expression: Option<&Json>) -> String {
    let Some(expression) = expression else {
        return String::new();
    };
    if let Some(payload) = expression.get("payload") {
        let (a, b) = (text(payload, "protocol"), text(payload, "field"));
        return format!("{} {}", a.unwrap_or_default(), b.unwrap_or_default());
    }
    for kind in ["meta", "ct", "fib"] {
        if let Some(key) = expression
            .get(kind)
            .and_then(|e| text(e, "key").or(text(e, "result")))
        {
            return match kind {
                "meta" => key.to_owned(),
                kind => format!("{kind} {key}"),
            };
        }
    }
    expression.to_string()
}

fn value_text(value: Option<&Json>) -> String {
    match value {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Array(several)) => {
            let several: Vec<_> = several.iter().map(|v| value_text(Some(v))).collect();
            several.join(",")
        }
        Some(Json::Object(object)) => match object.iter().next() {
            Some((kind, body)) if kind == "prefix" => format!(
                "{}/{}",
                value_text(body.get("addr")),
                value_text(body.get("len"))
            ),
            Some((kind, Json::Array(ends))) if kind == "range" => {
                format!("{}-{}", value_text(ends.first()), value_text(ends.get(1)))
            }
            Some((kind, Json::Array(several))) if kind == "set" => {
                let several: Vec<_> = several.iter().map(|v| value_text(Some(v))).collect();
                format!("{{ {} }}", several.join(", "))
            }
            _ => Json::Object(object.clone()).to_string(),
        },
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn match_of(body: &Json, sets: &Sets<'_>) -> Match {
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
        unknown()
    };
    // An inverted unknown is as unknown.
    let invert = invert && !matches!(test, Test::Unknown(_));
    Match { invert, test }
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
            "length" => {
                let length = u32::try_from(right.as_u64()?).ok()?;
                return Some(Test::Length(length, length));
            }
            _ => {}
        }
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

/// What of a packet an expression reads, several if concatenated.
fn fields_of(expression: &Json) -> Option<Vec<Field>> {
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
            "iifname" => Field::Input,
            "oifname" => Field::Output,
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

fn element(member: &Json, fields: &[Field]) -> Option<Element> {
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

fn address(json: &Json) -> Option<IpAddr> {
    json.as_str()?.parse().ok()
}

fn words(right: &Json) -> Vec<&str> {
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
        ..States::default()
    }
}

fn destination(body: &Json) -> Action {
    let port = body.get("port").and_then(Json::as_u64);
    let port = port.and_then(|port| u16::try_from(port).ok());
    match body.get("addr").map(address) {
        Some(Some(address)) => Action::Destination(Some(address), port),
        _ => Action::Unknown("dnat by a map".to_owned()),
    }
}

/// Only the mark matters to where a packet goes.
fn mangle(body: &Json) -> Action {
    if let Some(field) = body.get("key").and_then(|key| key.get("payload"))
        && matches!(text(field, "field"), Some("ttl" | "hoplimit"))
    {
        let hops = body.get("value").and_then(Json::as_u64);
        return match hops.and_then(|hops| u8::try_from(hops).ok()) {
            Some(hops) => Action::HopsAre(hops),
            None => Action::Unknown("a hop limit".to_owned()),
        };
    }
    let key = body.get("key").and_then(|key| key.get("meta"));
    if key.and_then(|meta| text(meta, "key")) != Some("mark") {
        return Action::Mark { mask: 0, value: 0 };
    }
    let number = |json: &Json| json.as_u64().and_then(|n| u32::try_from(n).ok());
    let value = body.get("value");
    if let Some(value) = value.and_then(number) {
        return Action::Mark {
            mask: u32::MAX,
            value,
        };
    }
    // `meta mark set mark or 0x4000`, and with `xor`.
    for (operator, keep) in [("|", true), ("^", false)] {
        if let Some([_, by]) = value
            .and_then(|value| value.get(operator))
            .and_then(Json::as_array)
            .map(Vec::as_slice)
            && let Some(by) = number(by)
        {
            return Action::Mark {
                mask: if keep { by } else { 0 },
                value: by,
            };
        }
    }
    Action::Unknown("a mark".to_owned())
}

fn verdicts(body: &Json, sets: &Sets<'_>) -> Action {
    let unknown = || Action::Unknown("a verdict map".to_owned());
    let Some(fields) = body.get("key").and_then(fields_of) else {
        return unknown();
    };
    let data = body.get("data");
    let named = data
        .and_then(Json::as_str)
        .and_then(|name| name.strip_prefix('@'));
    let members = match named {
        Some(name) => sets.get(name).and_then(|set| set.get("elem")),
        None => data.and_then(|data| data.get("set")),
    };
    let mut map = Vec::new();
    for member in members.and_then(Json::as_array).into_iter().flatten() {
        let Some([key, verdict]) = member.as_array().map(Vec::as_slice) else {
            return unknown();
        };
        let (Some(element), Some(action)) = (element(key, &fields), verdict_of(verdict)) else {
            return unknown();
        };
        map.push((element, vec![action]));
    }
    Action::Verdicts { fields, map }
}

fn verdict_of(verdict: &Json) -> Option<Action> {
    let (kind, body) = verdict.as_object()?.iter().next()?;
    let target = || text(body, "target").map(str::to_owned);
    Some(match kind.as_str() {
        "accept" => Action::Accept,
        "drop" => Action::Drop,
        "return" => Action::Return,
        "jump" => Action::Jump(target()?),
        "goto" => Action::Goto(target()?),
        _ => return None,
    })
}
