//! Policy rules: which of them are about a packet, and which tables they lead to.
//!
//! Sources: `net/core/fib_rules.c`, `net/ipv4/fib_rules.c`, `net/ipv6/fib6_rules.c`.

use super::table::Prefixes;
use super::{Decision, Fib, Verdict};
use crate::model::number::TableId;
use crate::model::rule::{Family, Rule, RuleAction};
use crate::model::{Netns, notation};
use crate::walk::flow::Flow;

/// The rules of one family.
#[derive(Debug, Default)]
pub(super) struct Rules<'a> {
    pub(super) rows: Vec<&'a Rule>,
    /// The tables to ask in turn, if no rule looks at the packet: nearly always.
    pub(super) tables: Option<Vec<(TableId, &'a Rule)>>,
}

impl<'a> Rules<'a> {
    pub(super) fn of(netns: &'a Netns, family: Family) -> Self {
        let mut rows: Vec<_> = netns
            .rules
            .iter()
            .filter(|rule| rule.family == family)
            .collect();
        // Rules of one priority are asked in the order in which they stand; the sort is stable.
        rows.sort_by_key(|rule| rule.priority);
        let asks_always = |rule: &&'a Rule| match rule.action {
            RuleAction::Lookup(table) if is_unconditional(rule) => Some((table, *rule)),
            _ => None,
        };
        let tables = rows.iter().map(asks_always).collect();
        Self { rows, tables }
    }

    /// The rules that every namespace begins with, if these are they.
    pub(super) fn merged(&self) -> Option<Merged<'a>> {
        let usual = [
            (0, TableId::LOCAL),
            (32766, TableId::MAIN),
            (32767, TableId::DEFAULT),
        ];
        let [(_, local), (_, main), (_, default)] = self.tables.as_deref()? else {
            return None;
        };
        let rules = [*local, *main, *default];
        let are_usual = rules.iter().zip(usual).all(|(rule, (priority, table))| {
            rule.priority == priority && rule.action == RuleAction::Lookup(table)
        });
        (are_usual && local.family == Family::Inet).then(|| Merged {
            prefixes: Prefixes::default(),
            local,
            main,
            default,
        })
    }
}

/// The tables `local` and `main` as one, as IPv4 without rules of its own keeps them (`fib_trie.c`,
/// `fib_trie_unmerge`): the longer prefix wins whichever of the two it is in. The first rule parts them for good;
/// that there was one, once, cannot be seen.
#[derive(Debug)]
pub(super) struct Merged<'a> {
    pub(super) prefixes: Prefixes<'a>,
    pub(super) local: &'a Rule,
    pub(super) main: &'a Rule,
    pub(super) default: &'a Rule,
}

/// Whether a rule is about a packet.
pub(super) enum Match {
    Yes,
    No,
    CannotTell(String),
}

impl Fib<'_> {
    #[inline]
    pub(super) fn matches(&self, rule: &Rule, flow: &Flow) -> Match {
        let known = [
            rule.from.is_none_or(|from| match flow.source {
                Some(source) => from.contains(&source),
                // A socket that has chosen no address yet asks with 0.0.0.0.
                None => from.prefix_len() == 0,
            }),
            rule.to.is_none_or(|to| to.contains(&flow.destination)),
            rule.iif
                .as_deref()
                .is_none_or(|name| self.came_by(name, flow)),
            rule.oif.as_deref().is_none_or(|name| {
                flow.output
                    .is_some_and(|device| self.netns.device_name(device) == name)
            }),
            mark_matches(rule, flow.mark),
            rule.tos == 0 || rule.tos == flow.tos,
            rule.ip_protocol
                .is_none_or(|protocol| flow.protocol == Some(protocol)),
            in_range(rule.source_ports, flow.ports.map(|ports| ports.0)),
            in_range(rule.destination_ports, flow.ports.map(|ports| ports.1)),
            rule.tunnel_id.is_none_or(|id| id == 0),
        ];
        let all = known.iter().all(|matched| *matched);
        // What cannot be judged matters only if everything else speaks for the rule, or it is inverted.
        if all || rule.invert {
            if rule.unknown_match {
                let what = "matches on something that is not decoded";
                return Match::CannotTell(format!("rule '{}' {what}", notation::rule(rule)));
            }
            // Forwarded packets belong to nobody; the user of a local socket is not part of a flow.
            match rule.uids {
                Some(_) if flow.input.is_some() => {
                    return if rule.invert { Match::Yes } else { Match::No };
                }
                Some(_) => {
                    let what = "depends on the user who sends";
                    return Match::CannotTell(format!("rule '{}' {what}", notation::rule(rule)));
                }
                None => {}
            }
        }
        if all == rule.invert {
            Match::No
        } else {
            Match::Yes
        }
    }

    /// `iif NAME`: the device it arrived by; `lo` stands for what this node sends itself.
    fn came_by(&self, name: &str, flow: &Flow) -> bool {
        match flow.input {
            Some(device) => self.netns.device_name(device) == name,
            None => name == "lo",
        }
    }

    /// Only a route that succeeds is suppressed: a blackhole and its like is an error, with which
    /// `fib_rules_lookup` (`net/core/fib_rules.c`) returns before it asks.
    #[inline]
    pub(super) fn is_suppressed(&self, rule: &Rule, decision: &Decision<'_>) -> bool {
        if matches!(
            decision.verdict,
            Verdict::Blackhole | Verdict::Unreachable | Verdict::Prohibit
        ) {
            return false;
        }
        if let (Some(length), Some(route)) = (rule.suppress_prefixlen, decision.route)
            && u32::from(route.destination.prefix_len()) <= length
        {
            return true;
        }
        match (rule.suppress_ifgroup, &decision.verdict) {
            (Some(group), Verdict::Forward(hops)) => hops.iter().any(|hop| {
                hop.device
                    .and_then(|device| self.netns.link(device))
                    .is_some_and(|link| link.group == group)
            }),
            _ => false,
        }
    }
}

/// `(rule->mark ^ fl->mark) & rule->mark_mask` (`net/core/fib_rules.c`): a mask without a mark asks for zero, and bits
/// of the mark beside the mask do not count.
fn mark_matches(rule: &Rule, mark: u32) -> bool {
    let default = if rule.fwmark.is_some() { u32::MAX } else { 0 };
    let mask = rule.fwmask.unwrap_or(default);
    (mark ^ rule.fwmark.unwrap_or(0)) & mask == 0
}

/// Whether a rule holds for every packet and leaves every route of its table standing.
fn is_unconditional(rule: &Rule) -> bool {
    let Rule {
        family: _,
        priority: _,
        action: _,
        protocol: _,
        invert,
        from,
        to,
        iif,
        oif,
        fwmark,
        fwmask,
        tos,
        ip_protocol,
        source_ports,
        destination_ports,
        uids,
        tunnel_id,
        l3mdev,
        suppress_prefixlen,
        suppress_ifgroup,
        unknown_match,
    } = rule;
    let names_nothing = from.is_none() && to.is_none() && iif.is_none() && oif.is_none();
    let names_no_field = fwmark.is_none()
        && fwmask.is_none()
        && *tos == 0
        && ip_protocol.is_none()
        && source_ports.is_none()
        && destination_ports.is_none()
        && uids.is_none()
        && tunnel_id.is_none();
    let suppresses = suppress_prefixlen.is_some() || suppress_ifgroup.is_some();
    names_nothing && names_no_field && !suppresses && !(*invert || *l3mdev || *unknown_match)
}

fn in_range(range: Option<(u16, u16)>, port: Option<u16>) -> bool {
    range.is_none_or(|(first, last)| port.is_some_and(|port| (first..=last).contains(&port)))
}
