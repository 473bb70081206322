//! A rule in the words of `nft list`, as far as they tell it from others.

use serde_json::Value as Json;

use super::{statements, test, text};

/// The rule as JSON's words, and its comment, in the order of `nft list`.
pub(in crate::walk::netfilter) fn notation(rule: &Json) -> String {
    let mut words = Vec::new();
    for (kind, body) in statements(rule) {
        match kind {
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
            "snat" | "dnat" | "redirect" => words.push(translation(kind, body)),
            "mangle" => words.push(format!(
                "{} set {}",
                left(body.get("key")),
                value_text(body.get("value"))
            )),
            "vmap" => words.push(format!(
                "{} vmap {}",
                left(body.get("key")),
                value_text(body.get("data"))
            )),
            "limit" => words.push(limit(body)),
            other => words.extend(other.split_whitespace().map(str::to_owned)),
        }
    }
    if let Some(comment) = text(rule, "comment") {
        words.push(format!("comment \"{comment}\""));
    }
    words.join(" ")
}

/// `dnat to 10.0.0.1:80`, `redirect to :8080`
fn translation(kind: &str, body: &Json) -> String {
    let address = value_text(body.get("addr"));
    let port = match body.get("port") {
        Some(port) => format!(":{}", value_text(Some(port))),
        None => String::new(),
    };
    if address.is_empty() && port.is_empty() {
        return kind.to_owned();
    }
    format!("{kind} to {address}{port}")
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

pub(super) fn left(expression: Option<&Json>) -> String {
    let Some(expression) = expression else {
        return String::new();
    };
    if let Some(payload) = expression.get("payload") {
        let (a, b) = (text(payload, "protocol"), text(payload, "field"));
        return format!("{} {}", a.unwrap_or_default(), b.unwrap_or_default());
    }
    if let Some(parts) = expression.get("concat").and_then(Json::as_array) {
        let parts: Vec<_> = parts.iter().map(|part| left(Some(part))).collect();
        return parts.join(" . ");
    }
    if let Some([of, mask]) = expression
        .get("&")
        .and_then(Json::as_array)
        .map(Vec::as_slice)
    {
        return format!("{} and {}", left(Some(of)), value_text(Some(mask)));
    }
    if let Some(fib) = expression.get("fib") {
        let flags = fib.get("flags").map_or_else(Vec::new, test::words);
        let result = text(fib, "result").unwrap_or_default();
        return format!("fib {} {result}", flags.join(" . "));
    }
    if let Some(choice) = expression.get("numgen") {
        let mode = text(choice, "mode").unwrap_or_default();
        return format!("numgen {mode} mod {}", value_text(choice.get("mod")));
    }
    for kind in ["meta", "ct"] {
        if let Some(key) = expression.get(kind).and_then(|e| text(e, "key")) {
            return match kind {
                "meta" => key.to_owned(),
                kind => format!("{kind} {key}"),
            };
        }
    }
    expression.to_string()
}

/// A member of a set, or of a map: `KEY : VALUE`.
fn member_text(member: &Json) -> String {
    match member.as_array().map(Vec::as_slice) {
        Some([key, value]) => format!("{} : {}", value_text(Some(key)), value_text(Some(value))),
        _ => value_text(Some(member)),
    }
}

fn value_text(value: Option<&Json>) -> String {
    match value {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Array(several)) => {
            let several: Vec<_> = several.iter().map(|v| value_text(Some(v))).collect();
            several.join(",")
        }
        Some(Json::Object(object)) => match object
            .iter()
            .next()
            .map(|(kind, body)| (kind.as_str(), body))
        {
            Some(("prefix", body)) => format!(
                "{}/{}",
                value_text(body.get("addr")),
                value_text(body.get("len"))
            ),
            Some(("range", Json::Array(ends))) => {
                format!("{}-{}", value_text(ends.first()), value_text(ends.get(1)))
            }
            Some(("set", Json::Array(several))) => {
                let several: Vec<_> = several.iter().map(member_text).collect();
                format!("{{ {} }}", several.join(", "))
            }
            Some(("concat", Json::Array(several))) => {
                let several: Vec<_> = several.iter().map(|v| value_text(Some(v))).collect();
                several.join(" . ")
            }
            Some(("map", body)) => format!(
                "{} map {}",
                left(body.get("key")),
                value_text(body.get("data"))
            ),
            Some((kind @ ("jump" | "goto"), body)) if body.get("target").is_some() => {
                format!("{kind} {}", value_text(body.get("target")))
            }
            Some((verdict, Json::Null)) => verdict.to_owned(),
            _ => left(value),
        },
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
