//! nft's rules, from its JSON (`libnftables-json(5)`).

mod action;
mod notation;
mod test;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Hook;
use super::rule::{Action, Chain, Match, Rule, Table, Test};
use crate::model::Netns;
use crate::model::netfilter::Backend;
use crate::model::rule::Family;
use action::{mangle, translate, verdicts};
use test::{match_of, presupposed, words};

pub(super) use notation::notation;

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

/// What a rule consists of, each statement with its kind. One that has no form in JSON stands there as nft would
/// list it.
fn statements(rule: &Json) -> impl Iterator<Item = (&str, &Json)> {
    let all = rule.get("expr").and_then(Json::as_array);
    all.into_iter()
        .flatten()
        .filter_map(|statement| match statement {
            Json::String(words) => Some((words.as_str(), &Json::Null)),
            other => {
                let (kind, body) = other.as_object()?.iter().next()?;
                Some((kind.as_str(), body))
            }
        })
}

fn compile_rule(chain: &str, rule: &Json, sets: &Sets<'_>) -> Rule {
    let mut matches = Vec::new();
    let mut actions = Vec::new();
    for (kind, body) in statements(rule) {
        match kind {
            "match" => {
                matches.extend(presupposed(body.get("left")));
                matches.push(match_of(body, sets));
            }
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
            "snat" | "dnat" | "redirect" => actions.push(translate(kind, body, sets)),
            "mangle" => {
                matches.extend(presupposed(body.get("key")));
                actions.push(mangle(body, sets));
            }
            "queue" => actions.push(Action::Ask),
            "vmap" => {
                matches.extend(presupposed(body.get("key")));
                actions.push(verdicts(body, sets));
            }
            // nft has no JSON for it and says it in its own words, a chain without a name among them.
            words if body.is_null() && words.contains(' ') => {
                actions.push(Action::Perhaps("not told in JSON".to_owned()));
            }
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
