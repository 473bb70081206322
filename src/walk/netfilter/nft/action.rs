//! What a rule's statements do with a packet.

use ipnet::IpNet;
use serde_json::Value as Json;

use super::test::{address, element, fields_of};
use super::{Sets, text};
use crate::walk::netfilter::rule::{Action, Choice, End, Replace, Whither};

/// `snat to 10.0.0.1`, `dnat to ip daddr map @services`, `redirect to :8080`
pub(super) fn translate(kind: &str, body: &Json, sets: &Sets<'_>) -> Action {
    let end = |address| {
        let port = match body.get("port") {
            Some(port) => Some(u16::try_from(port.as_u64()?).ok()?),
            None => None,
        };
        Some(Choice::One(End { address, port }))
    };
    let by = match body.get("addr") {
        None if kind == "redirect" => end(Whither::Own),
        None => end(Whither::Same),
        Some(one) => match address(one) {
            Some(address) => end(Whither::Net(address.into())),
            None => several(one, sets),
        },
    };
    match by {
        Some(by) => Action::Replace(Replace {
            source: kind == "snat",
            by,
            translates: true,
        }),
        None => Action::Unknown(kind.to_owned()),
    }
}

/// A map, or a network whose addresses stand for others one for one.
fn several(json: &Json, sets: &Sets<'_>) -> Option<Choice> {
    let Some(map) = json.get("map") else {
        return Some(Choice::net(net(json)?));
    };
    let (key, data) = (map.get("key")?, map.get("data")?);
    let members = match data.as_str().and_then(|name| name.strip_prefix('@')) {
        Some(name) => sets.get(name)?.get("elem"),
        None => data.get("set"),
    };
    let pairs = || {
        let all = members.and_then(Json::as_array).into_iter().flatten();
        all.map(|member| match member.as_array().map(Vec::as_slice) {
            Some([key, value]) => Some((key, value)),
            _ => None,
        })
    };
    if ["numgen", "jhash", "symhash"]
        .iter()
        .any(|chance| key.get(chance).is_some())
    {
        let ends = pairs().map(|pair| end_of(pair?.1));
        return Some(Choice::Any(ends.collect::<Option<_>>()?));
    }
    let fields = fields_of(key)?;
    let map = pairs().map(|pair| {
        let (key, value) = pair?;
        Some((element(key, &fields)?, end_of(value)?))
    });
    Some(Choice::Map {
        map: map.collect::<Option<_>>()?,
        fields,
    })
}

/// `10.0.0.1`, `10.0.0.0/24`, `10.0.0.1 . 80`
fn end_of(json: &Json) -> Option<End> {
    if let Some([address, port]) = json
        .get("concat")
        .and_then(Json::as_array)
        .map(Vec::as_slice)
    {
        return Some(End {
            address: Whither::Net(net(address)?),
            port: Some(u16::try_from(port.as_u64()?).ok()?),
        });
    }
    Some(End {
        address: Whither::Net(net(json)?),
        port: None,
    })
}

fn net(json: &Json) -> Option<IpNet> {
    let Some(prefix) = json.get("prefix") else {
        return Some(address(json)?.into());
    };
    let length = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
    IpNet::new(address(prefix.get("addr")?)?, length).ok()
}

/// `ip daddr set 10.0.0.1`, `tcp dport set 80`: what is no matter of where a packet goes changes nothing here.
fn written(key: &Json, value: &Json, sets: &Sets<'_>) -> Option<Action> {
    let field = key.get("payload")?;
    let (source, is_port) = match (text(field, "protocol")?, text(field, "field")?) {
        ("ip" | "ip6", "saddr") => (true, false),
        ("ip" | "ip6", "daddr") => (false, false),
        ("tcp" | "udp" | "th", "sport") => (true, true),
        ("tcp" | "udp" | "th", "dport") => (false, true),
        _ => return None,
    };
    let by = if is_port {
        let port = value.as_u64().and_then(|port| u16::try_from(port).ok());
        port.map(|port| {
            Choice::One(End {
                address: Whither::Same,
                port: Some(port),
            })
        })
    } else {
        match address(value) {
            Some(address) => Some(Choice::One(End::at(address))),
            None => several(value, sets),
        }
    };
    Some(match by {
        Some(by) => Action::Replace(Replace {
            source,
            by,
            translates: false,
        }),
        None => Action::Unknown("a field that is written".to_owned()),
    })
}

/// Addresses, ports, hops to go and the mark matter to where a packet goes.
pub(super) fn mangle(body: &Json, sets: &Sets<'_>) -> Action {
    if let (Some(key), Some(value)) = (body.get("key"), body.get("value"))
        && let Some(action) = written(key, value, sets)
    {
        return action;
    }
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

pub(super) fn verdicts(body: &Json, sets: &Sets<'_>) -> Action {
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
