//! iptables' rules, as `iptables-save` prints them.

mod ipset;
pub(super) mod notation;
mod target;
mod test;

use std::collections::HashMap;
use std::sync::Arc;

use super::Hook;
use super::rule::{Action, Chain, Match, Rule, Table, Test};
use crate::model::Netns;
use crate::model::netfilter::{Backend, Iptables, IptablesRule, IptablesTable};
use crate::model::rule::Family;
use target::target_of;
use test::test_of;

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
                actions = target_of(chain, word, target, &rest);
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
            | "ttl"
            | "hl"
    )
}
