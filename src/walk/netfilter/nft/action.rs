//! What a rule's statements do with a packet.

use serde_json::Value as Json;

use super::test::{address, element, fields_of};
use super::{Sets, text};
use crate::walk::netfilter::rule::Action;

pub(super) fn destination(body: &Json) -> Action {
    let port = body.get("port").and_then(Json::as_u64);
    let port = port.and_then(|port| u16::try_from(port).ok());
    match body.get("addr").map(address) {
        Some(Some(address)) => Action::Destination(Some(address), port),
        _ => Action::Unknown("dnat by a map".to_owned()),
    }
}

/// Only the mark matters to where a packet goes.
pub(super) fn mangle(body: &Json) -> Action {
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
