//! A rule in the words of `nft list`, as far as they tell it from others.

use serde_json::Value as Json;

use super::{statements, text};

/// The rule as JSON's words, and its comment, in the order of `nft list`.
pub(in crate::walk::netfilter) fn notation(rule: &Json) -> String {
    let mut words = Vec::new();
    for (kind, body) in statements(rule) {
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

pub(super) fn left(expression: Option<&Json>) -> String {
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
