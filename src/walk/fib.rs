//! Which route a packet takes: policy rules, then the longest prefix of a table.
//!
//! Sources: `net/core/fib_rules.c`, `net/ipv4/fib_rules.c` and `fib_trie.c`, `net/ipv6/fib6_rules.c`,
//! `ip6_fib.c` and `route.c`. What the kernel decides by a hash (multipath) stays open: all the ways are
//! returned.

mod rules;
mod table;
mod ways;

use super::flow::{Flow, family_of};
use crate::model::number::TableId;
use crate::model::route::{Route, RouteKind};
use crate::model::rule::{Family, Rule, RuleAction};
use crate::model::{Netns, State, notation};
use rules::{Match, Merged, Rules};
use table::{Entry, Prefixes};

pub use ways::Ways;

/// The rules and tables of one namespace, ordered for lookups.
#[derive(Debug)]
pub struct Fib<'a> {
    netns: &'a Netns,
    /// IPv4 where it has no rules of its own.
    merged: Option<Merged<'a>>,
    inet: Rules<'a>,
    inet6: Rules<'a>,
    /// A handful, so that looking through them is faster than hashing.
    tables: Vec<((Family, TableId), Prefixes<'a>)>,
    doubt: Option<Box<str>>,
    settings: Settings,
    /// Tables of which only what a question needs was asked for are good enough.
    asked_for: bool,
}

/// What a namespace has set for all its devices, read once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Settings {
    pub(super) rp_filter: i64,
    pub(super) accept_local: bool,
    pub(super) src_valid_mark: bool,
    /// `net.ipv4.icmp_echo_ignore_all`.
    pub(super) ignores_echo: bool,
    /// `net.ipv6.icmp.echo_ignore_all`.
    pub(super) ignores_echo6: bool,
}

impl Settings {
    fn of(netns: &Netns) -> Self {
        let number = |name: &str| netns.sysctl_number(name).unwrap_or(0);
        // `net.ipv4.conf.all`: what counts beside a device's own settings.
        let all = |name: &str| number(&format!("net.ipv4.conf.all.{name}"));
        Self {
            rp_filter: all("rp_filter"),
            accept_local: all("accept_local") != 0,
            src_valid_mark: all("src_valid_mark") != 0,
            ignores_echo: number("net.ipv4.icmp_echo_ignore_all") != 0,
            ignores_echo6: number("net.ipv6.icmp.echo_ignore_all") != 0,
        }
    }
}

/// What routing decides about a packet.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<'a> {
    /// What becomes of it.
    pub verdict: Verdict<'a>,
    /// The rule that decided, or that led to the table.
    pub rule: Option<&'a Rule>,
    /// The route that decided.
    pub route: Option<&'a Route>,
    /// The path MTU that it sets, octets: beside it, as the row itself need not be looked at otherwise.
    pub mtu: Option<u32>,
}

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<'a> {
    /// It leaves by one of these; which one, a hash of the packet says when there are several.
    Forward(Ways<'a>),
    /// It is for this node.
    Local,
    /// It is a broadcast on the link, for this node too.
    Broadcast,
    /// It goes to a group.
    Multicast,
    /// It vanishes.
    Blackhole,
    /// It is refused: no route to host.
    Unreachable,
    /// It is refused: administratively prohibited.
    Prohibit,
    /// No rule and no table had an answer: network unreachable.
    NoRoute,
    /// The snapshot does not say, and why.
    CannotTell(String),
}

impl<'a> Fib<'a> {
    /// Orders the tables of `netns`.
    pub fn new(netns: &'a Netns) -> Self {
        Self::ordered(netns, false)
    }

    /// The same for questions about what the snapshot was taken for: tables of which only the rows that concern
    /// it were asked for ([`State::Partial`]) suffice then.
    pub fn of_asked(netns: &'a Netns) -> Self {
        Self::ordered(netns, true)
    }

    fn ordered(netns: &'a Netns, asked_for: bool) -> Self {
        let doubt = [
            ("rules", netns.rules.state, netns.rules.doubt()),
            ("routes", netns.routes.state, netns.routes.doubt()),
        ]
        .into_iter()
        .filter(|(_, state, _)| !(asked_for && *state == State::Partial))
        .find_map(|(what, _, doubt)| {
            doubt.map(|why| {
                format!("the {what} of this namespace were not read whole: {why}").into()
            })
        });
        let inet = Rules::of(netns, Family::Inet);
        let mut merged = inet.merged();
        let mut tables: Vec<((Family, TableId), Prefixes<'a>)> = Vec::new();
        for route in &netns.routes {
            let key = (family_of(route.destination.addr()), route.table);
            if let (Some(merged), (Family::Inet, TableId::LOCAL | TableId::MAIN)) =
                (&mut merged, key)
            {
                merged.prefixes.push(route);
                continue;
            }
            match tables.iter_mut().find(|(other, _)| *other == key) {
                Some((_, prefixes)) => prefixes.push(route),
                None => {
                    let mut prefixes = Prefixes::default();
                    prefixes.push(route);
                    tables.push((key, prefixes));
                }
            }
        }
        for ((family, _), prefixes) in &mut tables {
            prefixes.order(*family);
        }
        if let Some(merged) = &mut merged {
            merged.prefixes.order(Family::Inet);
        }
        Self {
            netns,
            merged,
            inet,
            inet6: Rules::of(netns, Family::Inet6),
            tables,
            doubt,
            settings: Settings::of(netns),
            asked_for,
        }
    }

    /// Whether the rows that concern the question are enough ([`Fib::of_asked`]).
    pub fn is_asked_for(&self) -> bool {
        self.asked_for
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings
    }

    /// The namespace.
    pub fn netns(&self) -> &'a Netns {
        self.netns
    }

    /// What happens to `flow`.
    pub fn lookup(&self, flow: &Flow) -> Decision<'a> {
        if let Some(doubt) = &self.doubt {
            return decided(Verdict::CannotTell(doubt.to_string()), None, None);
        }
        let rules = match (flow.family(), &self.merged) {
            (Family::Inet, Some(merged)) => {
                return self
                    .lookup_merged(merged, flow)
                    .or_else(|| self.lookup_table(TableId::DEFAULT, merged.default, flow))
                    .unwrap_or_else(|| decided(Verdict::NoRoute, None, None));
            }
            (Family::Inet, None) => &self.inet,
            (Family::Inet6, _) => &self.inet6,
        };
        if let Some(tables) = &rules.tables {
            return tables
                .iter()
                .find_map(|(table, rule)| self.lookup_table(*table, rule, flow))
                .unwrap_or_else(|| decided(Verdict::NoRoute, None, None));
        }
        let mut from_priority = 0;
        for rule in &rules.rows {
            if rule.priority < from_priority {
                continue;
            }
            match self.matches(rule, flow) {
                Match::No => continue,
                Match::CannotTell(why) => {
                    return decided(Verdict::CannotTell(why), Some(rule), None);
                }
                Match::Yes => {}
            }
            let verdict = match rule.action {
                RuleAction::Nop => continue,
                RuleAction::Goto(priority) => {
                    // A jump to where no rule stands does nothing (`fib_rules_lookup`, "unresolved").
                    if rules.rows.iter().any(|rule| rule.priority == priority) {
                        from_priority = priority;
                    }
                    continue;
                }
                RuleAction::Blackhole => Verdict::Blackhole,
                RuleAction::Unreachable => Verdict::NoRoute,
                RuleAction::Prohibit => Verdict::Prohibit,
                RuleAction::Lookup(_) if rule.l3mdev => {
                    let why = format!("rule '{}' asks the table of a VRF", notation::rule(rule));
                    Verdict::CannotTell(why)
                }
                RuleAction::Lookup(table) => match self.lookup_table(table, rule, flow) {
                    Some(decision) if !self.is_suppressed(rule, &decision) => return decision,
                    _ => continue,
                },
            };
            return decided(verdict, Some(rule), None);
        }
        decided(Verdict::NoRoute, None, None)
    }

    fn lookup_merged(&self, merged: &Merged<'a>, flow: &Flow) -> Option<Decision<'a>> {
        let (entry, ways) = self.best(&merged.prefixes, flow)?;
        let rule = if entry.table == TableId::MAIN {
            merged.main
        } else {
            merged.local
        };
        decision(rule, &entry, ways)
    }

    /// `None` lets the next rule have its turn.
    fn lookup_table(&self, table: TableId, rule: &'a Rule, flow: &Flow) -> Option<Decision<'a>> {
        let wanted = (flow.family(), table);
        let (_, prefixes) = self.tables.iter().find(|(key, _)| *key == wanted)?;
        let (entry, ways) = self.best(prefixes, flow)?;
        decision(rule, &entry, ways)
    }

    /// The route of a table for `flow`, with the next hops that are in use.
    fn best(&self, prefixes: &Prefixes<'a>, flow: &Flow) -> Option<(Entry<'a>, Ways<'a>)> {
        prefixes.find_map(flow.destination, |entry| {
            let ways = if entry.plain && flow.output.is_none() {
                Ways::sole(entry.hops, entry.device)
            } else {
                self.ways(entry.route, flow)?
            };
            Some((*entry, ways))
        })
    }
}

/// What a route says of a packet that it was found for; `None` lets the next rule have its turn.
fn decision<'a>(rule: &'a Rule, entry: &Entry<'a>, ways: Ways<'a>) -> Option<Decision<'a>> {
    let verdict = match entry.kind {
        RouteKind::Throw => return None,
        RouteKind::Unicast => Verdict::Forward(ways),
        RouteKind::Local | RouteKind::Anycast => Verdict::Local,
        RouteKind::Broadcast => Verdict::Broadcast,
        RouteKind::Multicast => Verdict::Multicast,
        RouteKind::Blackhole => Verdict::Blackhole,
        RouteKind::Unreachable => Verdict::Unreachable,
        RouteKind::Prohibit => Verdict::Prohibit,
        RouteKind::Other => Verdict::CannotTell("a route of an unknown type".to_owned()),
    };
    Some(Decision {
        mtu: entry.mtu,
        ..decided(verdict, Some(rule), Some(entry.route))
    })
}

fn decided<'a>(
    verdict: Verdict<'a>,
    rule: Option<&'a Rule>,
    route: Option<&'a Route>,
) -> Decision<'a> {
    Decision {
        verdict,
        rule,
        route,
        mtu: None,
    }
}

#[cfg(test)]
mod tests;
