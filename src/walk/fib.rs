//! Which route a packet takes: policy rules, then the longest prefix of a table.
//!
//! Sources: `net/core/fib_rules.c`, `net/ipv4/fib_rules.c` and `fib_trie.c`, `net/ipv6/fib6_rules.c`,
//! `ip6_fib.c` and `route.c`. What the kernel decides by a hash (multipath) stays open: all the ways are
//! returned.

mod table;

use super::flow::{Flow, family_of};
use crate::model::number::{IfIndex, TableId};
use crate::model::route::{NextHop, Route, RouteKind};
use crate::model::rule::{Family, Rule, RuleAction};
use crate::model::{Netns, State, notation};
use table::{Entry, Prefixes};

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

/// `net.ipv4.conf.all`: what counts beside a device's own settings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Settings {
    pub(super) rp_filter: i64,
    pub(super) accept_local: bool,
    pub(super) src_valid_mark: bool,
}

impl Settings {
    fn of(netns: &Netns) -> Self {
        let all = |name: &str| {
            netns
                .sysctl_number(&format!("net.ipv4.conf.all.{name}"))
                .unwrap_or(0)
        };
        Self {
            rp_filter: all("rp_filter"),
            accept_local: all("accept_local") != 0,
            src_valid_mark: all("src_valid_mark") != 0,
        }
    }
}

/// The rules of one family.
#[derive(Debug, Default)]
struct Rules<'a> {
    rows: Vec<&'a Rule>,
    /// The tables to ask in turn, if no rule looks at the packet: nearly always.
    tables: Option<Vec<(TableId, &'a Rule)>>,
}

/// The tables `local` and `main` as one, as IPv4 without rules of its own keeps them (`fib_trie.c`,
/// `fib_trie_unmerge`): the longer prefix wins whichever of the two it is in. The first rule parts them for good;
/// that there was one, once, cannot be seen.
#[derive(Debug)]
struct Merged<'a> {
    prefixes: Prefixes<'a>,
    local: &'a Rule,
    main: &'a Rule,
    default: &'a Rule,
}

/// The next hops of a route that are in use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ways<'a> {
    hops: &'a [NextHop],
    /// One bit a next hop; routes with more than 64 keep those behind unconditionally.
    usable: u64,
    /// The device of a sole next hop: here, as the next hop itself may be far away.
    sole: Option<IfIndex>,
}

impl<'a> Ways<'a> {
    const NONE: Self = Self {
        hops: &[],
        usable: 0,
        sole: None,
    };

    /// The next hops.
    pub fn iter(self) -> impl Iterator<Item = &'a NextHop> {
        self.hops
            .iter()
            .enumerate()
            .filter(move |(at, _)| *at >= 64 || self.usable >> at & 1 == 1)
            .map(|(_, hop)| hop)
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty, reason = "a route that forwards has one")]
    pub fn len(self) -> usize {
        self.usable.count_ones() as usize + self.hops.len().saturating_sub(64)
    }

    /// The first.
    pub fn first(self) -> Option<&'a NextHop> {
        self.iter().next()
    }

    /// The device of the first.
    pub fn device(self) -> Option<IfIndex> {
        self.sole
            .or_else(|| self.first().and_then(|hop| hop.device))
    }

    /// Whether one of them is behind `device`.
    pub fn lead_to(self, device: IfIndex) -> bool {
        match self.sole {
            Some(sole) => sole == device,
            None => self.iter().any(|hop| hop.device == Some(device)),
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

/// Whether a rule is about a packet.
enum Match {
    Yes,
    No,
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
                Ways {
                    hops: entry.hops,
                    usable: 1,
                    sole: entry.device,
                }
            } else {
                self.ways(entry.route, flow)?
            };
            Some((*entry, ways))
        })
    }

    /// The next hops of a route that `flow` can take; `None` passes the route over for the next best.
    fn ways(&self, route: &'a Route, flow: &Flow) -> Option<Ways<'a>> {
        if route.tos != 0 && route.tos != flow.tos {
            return None;
        }
        if let Some(from) = route.source {
            // An IPv6 subtree: the packet must come from there (`ip6_fib.c`, `fib6_node_lookup_1`).
            if !flow.source.is_some_and(|source| from.contains(&source)) {
                return None;
            }
        }
        if route.nexthops.is_empty() {
            return Some(Ways::NONE);
        }
        let usable = route
            .nexthops
            .iter()
            .take(64)
            .enumerate()
            .filter(|(_, hop)| self.is_usable(hop, flow))
            .fold(0, |bits, (at, _)| bits | 1 << at);
        let ways = Ways {
            hops: &route.nexthops,
            usable,
            sole: None,
        };
        // All of its next hops are dead or elsewhere.
        (ways.len() > 0).then_some(ways)
    }

    fn is_usable(&self, hop: &NextHop, flow: &Flow) -> bool {
        if hop.dead {
            return false;
        }
        if hop.linkdown && self.ignores_linkdown(hop, flow.family()) {
            return false;
        }
        flow.output.is_none_or(|wanted| hop.device == Some(wanted))
    }

    /// `ignore_routes_with_linkdown`: the device's own setting (`include/linux/inetdevice.h`).
    fn ignores_linkdown(&self, hop: &NextHop, family: Family) -> bool {
        let Some(name) = hop.device.map(|device| self.netns.device_name(device)) else {
            return false;
        };
        let family = match family {
            Family::Inet => "ipv4",
            Family::Inet6 => "ipv6",
        };
        let read = |device: &str| {
            let setting = format!("net.{family}.conf.{device}.ignore_routes_with_linkdown");
            self.netns.sysctl_number(&setting).is_some_and(|on| on != 0)
        };
        read(&name) || (family == "ipv4" && read("all"))
    }

    /// Only a route that succeeds is suppressed: a blackhole and its like is an error, with which
    /// `fib_rules_lookup` (`net/core/fib_rules.c`) returns before it asks.
    fn is_suppressed(&self, rule: &Rule, decision: &Decision<'_>) -> bool {
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

    fn matches(&self, rule: &Rule, flow: &Flow) -> Match {
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
}

impl<'a> Rules<'a> {
    fn of(netns: &'a Netns, family: Family) -> Self {
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
    fn merged(&self) -> Option<Merged<'a>> {
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

#[cfg(test)]
mod tests;
