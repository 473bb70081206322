//! What stands between two devices and could take a packet without the tables saying so: rules that are not
//! understood, filters and queues of devices, XDP, and whatever counted exactly what is missing.

use std::cmp::Reverse;

use serde_json::Value;

use super::Possible;
use super::filtered::shows;
use super::observed::{Change, Gap, Observed};
use crate::model::netfilter::{Backend, Chain};
use crate::model::rule::Family;
use crate::model::tc::{Action, Filter, Qdisc};
use crate::model::{Bundle, Link, Netns, Node};
use crate::walk::path::{Cause, Direction, Drop, Hop, Note, NoteKind, Protocol, Row, RowTable};

/// Something that could have taken the packets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Suspect {
    /// What.
    pub(super) what: String,
    /// The command that shows it.
    pub(super) tell: String,
    /// By how much its own counter moved while the packets were sent; nothing if it has none.
    pub(super) moved: Option<u64>,
    /// The tables alone say that it may take this packet.
    pub(super) concerns: bool,
    /// A rule, by the command that takes it away.
    undo: Option<String>,
    /// What it is to lose the packet by a rule that was found by its counter alone.
    pub(super) by_counter: Option<Drop>,
    /// What the walk noted of it.
    pub(super) note: Option<Note>,
}

impl Suspect {
    fn new(what: impl Into<String>, tell: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            tell: tell.into(),
            moved: None,
            concerns: false,
            undo: None,
            by_counter: None,
            note: None,
        }
    }

    /// The likeliest first: what counted packets, then what is known to concern this one.
    fn rank(&self) -> (Reverse<bool>, Reverse<bool>, Reverse<u64>) {
        let moved = self.moved.unwrap_or(0);
        (Reverse(moved > 0), Reverse(self.concerns), Reverse(moved))
    }

    /// For people.
    pub(super) fn told(&self) -> Possible {
        Possible {
            what: match self.moved {
                Some(moved) if moved > 0 => format!("{} (counted {moved} more)", self.what),
                _ => self.what.clone(),
            },
            tell: self.tell.clone(),
        }
    }
}

/// What could take the packets of a gap, the likeliest first. `after` was read when they had been sent.
pub(super) fn suspects(
    bundle: &Bundle,
    after: Option<&Bundle>,
    gap: &Gap<'_>,
    observed: &Observed,
) -> Vec<Suspect> {
    let mut found: Vec<Suspect> = Vec::new();
    let mut push = |suspect: Suspect| {
        let same = |other: &&mut Suspect| {
            other.what == suspect.what || (other.undo.is_some() && other.undo == suspect.undo)
        };
        match found.iter_mut().find(same) {
            Some(known) => {
                known.moved = known.moved.max(suspect.moved);
                known.by_counter = known.by_counter.take().or(suspect.by_counter);
            }
            None => found.push(suspect),
        }
    };
    for suspect in noted(bundle, after, gap) {
        push(suspect);
    }
    for (number, hop) in gap.hops() {
        let Some((node, netns, link)) = place(bundle, hop) else {
            continue;
        };
        let later = after
            .and_then(|after| after.node(&node.name))
            .and_then(|node| node.netns(netns.id));
        for suspect in of_device(hop, netns, link, later, gap, number) {
            push(suspect);
        }
        for suspect in counted_rules(node, netns, later, hop) {
            push(suspect);
        }
    }
    if let Some(suspect) = silent(bundle, gap) {
        push(suspect);
    }
    let near: Vec<&str> = gap.hops().map(|(_, hop)| hop.at.node.as_str()).collect();
    for change in &observed.changes {
        if near.contains(&change.node.as_str())
            && let Some(suspect) = of_counter(change)
        {
            push(suspect);
        }
    }
    found.sort_by_key(Suspect::rank);
    found
}

fn place<'a>(bundle: &'a Bundle, hop: &Hop) -> Option<(&'a Node, &'a Netns, &'a Link)> {
    let node = bundle.node(&hop.at.node)?;
    let netns = node.netns(hop.at.netns)?;
    let link = netns.link(hop.at.device.as_ref()?.index)?;
    Some((node, netns, link))
}

/// Rules that the walk met and could not follow.
fn noted(bundle: &Bundle, after: Option<&Bundle>, gap: &Gap<'_>) -> Vec<Suspect> {
    let near = |note: &Note| {
        gap.hops()
            .any(|(_, hop)| (&hop.at.node, hop.at.netns) == (&note.at.node, note.at.netns))
    };
    let of_arrival = gap.arrival.into_iter().flat_map(|there| &there.notes);
    gap.path
        .notes
        .iter()
        .chain(of_arrival)
        .filter(|note| near(note))
        .filter_map(|note| {
            let NoteKind::MayDrop { hook, cause } = &note.kind else {
                return None;
            };
            let Cause::Filtered { undo, .. } = &**cause else {
                return None;
            };
            let row = note.row.as_ref()?;
            let moved = after.and_then(|after| {
                let of = |bundle: &Bundle| {
                    let netns = bundle.node(&note.at.node)?.netns(note.at.netns)?;
                    counter_of(netns, undo)
                };
                Some(of(after)?.saturating_sub(of(bundle)?))
            });
            Some(Suspect {
                moved,
                concerns: true,
                undo: Some(undo.clone()),
                note: Some(note.clone()),
                ..Suspect::new(
                    format!("a rule at {} of {}: {}", hook.as_str(), note.at, row.text),
                    shows(undo),
                )
            })
        })
        .collect()
}

/// Settings by which a namespace does not answer an echo that it gets.
fn silent(bundle: &Bundle, gap: &Gap<'_>) -> Option<Suspect> {
    let there = gap.arrival?;
    let last = there.hops.last()?;
    let netns = bundle.node(&last.at.node)?.netns(last.at.netns)?;
    let setting = match (there.packet.protocol, there.packet.destination.is_ipv4()) {
        (Protocol::EchoRequest, true) => "net.ipv4.icmp_echo_ignore_all",
        (Protocol::EchoRequest, false) => "net.ipv6.icmp.echo_ignore_all",
        _ => return None,
    };
    (netns.sysctl_number(setting)? != 0).then(|| Suspect {
        concerns: true,
        ..Suspect::new(
            format!(
                "{} {} does not answer any echo: {setting} = 1",
                last.at.node, last.at.name
            ),
            format!("sysctl {setting}, or trace with --proto tcp:PORT"),
        )
    })
}

/// What a device itself may do with a packet: on arrival behind the tap, on departure before it.
fn of_device(
    hop: &Hop,
    netns: &Netns,
    link: &Link,
    later: Option<&Netns>,
    gap: &Gap<'_>,
    number: usize,
) -> Vec<Suspect> {
    let mut found = Vec::new();
    let (at, name) = (&hop.at, &link.name);
    let arrives = hop.direction == Direction::In;
    // XDP runs before a tap sees what arrives; filters and queues of what leaves, too.
    let before_tap = gap.last != Some(number);
    let behind_tap = gap.next != Some(number);
    if let Some(xdp) = link.xdp.as_ref().filter(|_| arrives && before_tap) {
        found.push(Suspect {
            concerns: true,
            ..Suspect::new(
                format!("an XDP program ({xdp}) on {at}"),
                format!("ip link show {name}; bpftool net"),
            )
        });
    }
    if !(arrives && behind_tap || !arrives && before_tap) {
        return found;
    }
    let side = if arrives { "ingress" } else { "egress" };
    let filters = netns
        .filters
        .iter()
        .filter(|filter| filter.device == link.index && filter.is_ingress() == arrives);
    for filter in filters {
        let Some(what) = takes(filter, netns) else {
            continue;
        };
        let moved = later.and_then(|later| {
            let now = later.filters.iter().find(|other| {
                (other.device, other.parent, other.priority, other.handle)
                    == (filter.device, filter.parent, filter.priority, filter.handle)
            })?;
            Some(counted(now).saturating_sub(counted(filter)))
        });
        found.push(Suspect {
            moved,
            concerns: true,
            ..Suspect::new(
                format!("a tc filter ({}) at {side} of {at}: {what}", filter.kind),
                format!("tc -s filter show dev {name} {side}"),
            )
        });
    }
    if !arrives {
        found.extend(queues(hop, netns, link, later));
    }
    found
}

/// Queues that threw packets away meanwhile.
fn queues<'a>(
    hop: &'a Hop,
    netns: &'a Netns,
    link: &'a Link,
    later: Option<&'a Netns>,
) -> impl Iterator<Item = Suspect> + 'a {
    netns
        .qdiscs
        .iter()
        .filter(|qdisc| qdisc.device == link.index)
        .filter_map(move |qdisc| {
            let now = later?.qdiscs.iter().find(|other| {
                let key = |qdisc: &Qdisc| (qdisc.device, qdisc.handle, qdisc.parent);
                key(other) == key(qdisc) && other.kind == qdisc.kind
            })?;
            let moved = now.drops.saturating_sub(qdisc.drops);
            (moved > 0).then(|| Suspect {
                moved: Some(moved),
                concerns: true,
                ..Suspect::new(
                    format!("the queue ({}) of {} drops", qdisc.kind, hop.at),
                    format!("tc -s qdisc show dev {}", link.name),
                )
            })
        })
}

/// What a filter does that may keep a packet from going on; nothing if it lets all pass.
fn takes(filter: &Filter, netns: &Netns) -> Option<String> {
    if filter.direct_action {
        let program = filter.program.as_deref().unwrap_or("without a name");
        return Some(format!("the BPF program {program} decides"));
    }
    filter.actions.iter().find_map(|action| {
        let verdict = action.verdict.as_deref().unwrap_or_default();
        let to = action
            .device
            .map_or_else(|| "?".to_owned(), |device| netns.device_name(device));
        match (action.kind.as_str(), verdict) {
            ("gact", "pass" | "pipe" | "reclassify") => None,
            ("gact", verdict) => Some(verdict.to_owned()),
            ("mirred", verdict) if verdict.starts_with("redirect") => {
                Some(format!("{verdict} {to}"))
            }
            ("mirred" | "skbedit" | "csum" | "sample" | "connmark", _) => None,
            (kind, _) => Some(kind.to_owned()),
        }
    })
}

/// What a filter's actions counted: where they drop or send elsewhere, all packets; a policer, those it dropped.
fn counted(filter: &Filter) -> u64 {
    filter
        .actions
        .iter()
        .map(|action: &Action| match action.kind.as_str() {
            "police" => action.drops,
            _ => action.packets,
        })
        .max()
        .unwrap_or(0)
}

/// Rules and policies that drop, and whose counters moved.
fn counted_rules(node: &Node, netns: &Netns, later: Option<&Netns>, hop: &Hop) -> Vec<Suspect> {
    let Some(later) = later else {
        return Vec::new();
    };
    let before: Vec<Counted> = dropping(netns);
    dropping(later)
        .into_iter()
        .filter_map(|now| {
            let then = before.iter().find(|then| then.undo == now.undo)?;
            let moved = now.packets.saturating_sub(then.packets);
            (moved > 0).then(|| Suspect {
                moved: Some(moved),
                undo: Some(now.undo.clone()),
                by_counter: now.cause.map(|cause| Drop {
                    cause,
                    at: hop.at.clone(),
                    rows: vec![Row::new(RowTable::Netfilter, now.text.clone())],
                }),
                ..Suspect::new(
                    format!("a rule of {}: {}", node.name, now.text),
                    shows(&now.undo),
                )
            })
        })
        .collect()
}

/// A rule, or a policy, that drops and counts.
struct Counted {
    text: String,
    /// The command that takes it away, which names it.
    undo: String,
    packets: u64,
    /// What it is to be lost by it; nothing for rules that merely may lead to a loss.
    cause: Option<Cause>,
}

fn counter_of(netns: &Netns, undo: &str) -> Option<u64> {
    dropping(netns)
        .into_iter()
        .find(|rule| rule.undo == undo)
        .map(|rule| rule.packets)
}

fn dropping(netns: &Netns) -> Vec<Counted> {
    let mut found = Vec::new();
    for program in &netns.netfilter.iptables {
        let name = program_name(program.family, program.backend);
        for table in &program.tables {
            for chain in &table.chains {
                of_chain(name, &table.name, chain, &mut found);
            }
        }
    }
    for rule in netns
        .netfilter
        .nft
        .iter()
        .filter_map(|item| item.get("rule"))
    {
        // What iptables-nft made stands above, with all its matches.
        let of_iptables =
            rule.get("family")
                .zip(rule.get("table"))
                .is_some_and(|(family, table)| {
                    netns.netfilter.iptables.iter().any(|program| {
                        let of = match program.family {
                            Family::Inet => "ip",
                            Family::Inet6 => "ip6",
                        };
                        program.backend == Backend::Nft
                            && family == of
                            && program.tables.iter().any(|known| *table == known.name)
                    })
                });
        if !of_iptables {
            found.extend(of_nft(rule));
        }
    }
    found
}

/// The program that changes the tables of a backend.
fn program_name(family: Family, backend: Backend) -> &'static str {
    match (family, backend) {
        (Family::Inet, Backend::Nft) => "iptables",
        (Family::Inet, Backend::Legacy) => "iptables-legacy",
        (Family::Inet6, Backend::Nft) => "ip6tables",
        (Family::Inet6, Backend::Legacy) => "ip6tables-legacy",
    }
}

fn of_chain(program: &str, table: &str, chain: &Chain, found: &mut Vec<Counted>) {
    let name = &chain.name;
    if chain.policy.as_deref() == Some("DROP") {
        let undo = format!("{program} -t {table} -P {name} ACCEPT");
        found.push(Counted {
            text: format!("{table}: policy of {name} drops"),
            packets: chain.packets,
            cause: Some(Cause::Filtered {
                by: "iptables",
                chain: format!("{table} {name}"),
                rejected: false,
                policy: true,
                undo: undo.clone(),
            }),
            undo,
        });
    }
    for rule in &chain.rules {
        let target = rule
            .words
            .iter()
            .position(|word| word == "-j")
            .and_then(|at| rule.words.get(at + 1));
        if !matches!(
            target.map(String::as_str),
            Some("DROP" | "REJECT" | "NFQUEUE" | "QUEUE" | "TTL" | "HL")
        ) {
            continue;
        }
        let undo = format!("{program} -t {table} -D {name} {}", rule.text());
        let rejected = target.is_some_and(|target| target == "REJECT");
        found.push(Counted {
            text: format!("{table}: -A {name} {}", rule.text()),
            packets: rule.packets,
            cause: (rejected || target.is_some_and(|target| target == "DROP")).then(|| {
                Cause::Filtered {
                    by: "iptables",
                    chain: format!("{table} {name}"),
                    rejected,
                    policy: false,
                    undo: undo.clone(),
                }
            }),
            undo,
        });
    }
}

fn of_nft(rule: &Value) -> Option<Counted> {
    let text = |key: &str| rule.get(key)?.as_str();
    let statements = rule.get("expr")?.as_array()?;
    let takes = ["drop", "reject", "queue"]
        .iter()
        .any(|kind| statements.iter().any(|one| one.get(kind).is_some()));
    let counter = statements.iter().find_map(|one| one.get("counter"))?;
    let (family, table, chain) = (text("family")?, text("table")?, text("chain")?);
    let handle = rule.get("handle")?.as_u64()?;
    takes.then_some(())?;
    let undo = format!("nft delete rule {family} {table} {chain} handle {handle}");
    let asks = statements.iter().any(|one| one.get("queue").is_some());
    Some(Counted {
        text: format!(
            "{family} {table}: {chain} {}",
            crate::walk::netfilter::nft_rule(rule)
        ),
        packets: counter.get("packets")?.as_u64()?,
        cause: (!asks).then(|| Cause::Filtered {
            by: "nft",
            chain: format!("{family} {table} {chain}"),
            rejected: statements.iter().any(|one| one.get("reject").is_some()),
            policy: false,
            undo: undo.clone(),
        }),
        undo,
    })
}

/// What a counter of the kernel says of a loss.
fn of_counter(change: &Change) -> Option<Suspect> {
    let (what, tell) = match change.counter.as_str() {
        "UdpRcvbufErrors" | "Udp6RcvbufErrors" => (
            "the receive buffer of a UDP socket is full",
            "ss -uamn; nstat -az UdpRcvbufErrors",
        ),
        "TcpExtListenOverflows" | "TcpExtListenDrops" => (
            "a listening socket's queue is full",
            "ss -ltn; nstat -az TcpExtListenOverflows",
        ),
        "TcpExtTCPMD5NotFound" => ("a connection lacks its MD5 signature", "nstat -az"),
        "IpInAddrErrors" | "Ip6InAddrErrors" => (
            "packets with a destination that is refused",
            "nstat -az IpInAddrErrors; sysctl net.ipv4.conf.all.log_martians",
        ),
        "IpInNoRoutes" | "Ip6InNoRoutes" | "IpOutNoRoutes" | "Ip6OutNoRoutes" => (
            "packets without a route, or with a source that is not believed",
            "ip route get DESTINATION from SOURCE iif DEVICE",
        ),
        "IpInHdrErrors" | "Ip6InHdrErrors" => (
            "packets whose header is refused: hop limit, checksum, options",
            "nstat -az IpInHdrErrors IcmpOutTimeExcds",
        ),
        "IpInTruncatedPkts" | "Ip6InTruncatedPkts" => ("packets cut short", "nstat -az"),
        "TcpExtIPReversePathFilter" => (
            "a source that rp_filter does not believe",
            "nstat -az TcpExtIPReversePathFilter; sysctl -a | grep rp_filter",
        ),
        "conntrack drop" | "conntrack insert_failed" => (
            "connections that could not be tracked",
            "conntrack -S; sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max",
        ),
        "UdpInCsumErrors" | "Udp6InCsumErrors" | "TcpInCsumErrors" => {
            ("packets with a wrong checksum", "nstat -az | grep Csum")
        }
        "softnet dropped" => (
            "a processor's backlog is full",
            "cat /proc/net/softnet_stat",
        ),
        _ => return None,
    };
    Some(Suspect {
        moved: Some(change.by),
        ..Suspect::new(
            format!("{} {}: {what}", change.node, change.place),
            tell.to_owned(),
        )
    })
}
