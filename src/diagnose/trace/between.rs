//! What stands between two devices and could take a packet without the tables saying so: rules that are not
//! understood, filters and queues of devices, XDP, and whatever counted exactly what is missing.

use std::cmp::Reverse;

use serde_json::Value;

use super::device::{self, Passage};
use super::filtered::{self, shows};
use super::observed::{Change, Gap, Observed};
use super::origin::Told;
use super::{Possible, Read};
use crate::model::netfilter::{Backend, Chain};
use crate::model::rule::Family;
use crate::model::{Bundle, Link, Netns, Node};
use crate::walk::netfilter::Ruleset;
use crate::walk::path::{
    Cause, Direction, Drop, Hop, Note, NoteKind, Packet, Protocol, Row, RowTable, Wrapping,
};

/// Something that could have taken the packets.
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    /// What.
    pub(super) what: String,
    /// The command that shows it.
    pub(super) tell: String,
    /// By how much its own counter moved while the packets were sent; nothing if it has none.
    pub(super) moved: Option<u64>,
    /// The tables alone say that it may take this packet.
    pub(super) concerns: bool,
    /// The command that takes it away.
    pub(super) undo: Option<String>,
    /// What it is to lose the packet by this.
    pub(super) guilt: Option<Guilt>,
    /// What the walk noted of it.
    pub(super) note: Option<Note>,
}

/// What it is to lose packets by a suspect.
#[derive(Debug, Clone)]
pub(super) enum Guilt {
    /// By a rule that was found by its counter alone.
    Rule(Box<Drop>),
    /// By what a device has of its own.
    Device(Box<Told>),
}

impl Suspect {
    pub(super) fn new(what: impl Into<String>, tell: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            tell: tell.into(),
            moved: None,
            concerns: false,
            undo: None,
            guilt: None,
            note: None,
        }
    }

    /// It counted packets, or is known to concern this one.
    pub(super) fn is_likely(&self) -> bool {
        self.concerns || self.moved.is_some_and(|moved| moved > 0)
    }

    /// The likeliest first: what counted packets, then what is known to concern this one.
    fn rank(&self) -> (Reverse<bool>, Reverse<bool>, Reverse<u64>) {
        let moved = self.moved.unwrap_or(0);
        (Reverse(moved > 0), Reverse(self.concerns), Reverse(moved))
    }

    /// A rule of the families that see ARP, or IPv6's discovery.
    fn is_of_frames(&self) -> bool {
        let undo = self.undo.as_deref().unwrap_or_default();
        ["arp ", "bridge ", "netdev ", "ip6 ", "inet "]
            .iter()
            .any(|family| {
                undo.strip_prefix("nft delete rule ")
                    .is_some_and(|rest| rest.starts_with(family))
            })
            || undo.starts_with("ip6tables")
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

/// The likely one, if there is just one.
pub(super) fn sole(suspects: &[Suspect]) -> Option<&Suspect> {
    let mut likely = suspects.iter().filter(|suspect| suspect.is_likely());
    likely.next().filter(|_| likely.next().is_none())
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
                known.guilt = known.guilt.take().or(suspect.guilt);
            }
            None => found.push(suspect),
        }
    };
    for suspect in noted(bundle, after, gap) {
        push(suspect);
    }
    let forms = forms(gap);
    for (number, hop) in gap.hops() {
        let Some((node, netns, link)) = place(bundle, hop) else {
            continue;
        };
        let later = after
            .and_then(|after| after.node(&node.name))
            .and_then(|node| node.netns(netns.id));
        let passage = Passage {
            hop,
            node,
            netns,
            link,
            later,
            is_last_seen: gap.last == Some(number),
            is_next: gap.next == Some(number),
            arrives: hop.direction == Direction::In,
        };
        for suspect in device::suspects(&passage) {
            push(suspect);
        }
        for suspect in counted_rules(node, netns, later, hop, &forms) {
            push(suspect);
        }
    }
    let near: Vec<&str> = gap.hops().map(|(_, hop)| hop.at.node.as_str()).collect();
    for change in &observed.changes {
        if near.contains(&change.node.as_str())
            && is_about(&change.counter, &forms)
            && let Some(mut suspect) = of_counter(change)
        {
            suspect.guilt = full_socket(change, gap).map(|told| Guilt::Device(Box::new(told)));
            push(suspect);
        }
    }
    // What counts and did not count took nothing.
    found.retain(|suspect| suspect.moved != Some(0));
    found.sort_by_key(Suspect::rank);
    found
}

/// What could take a question that the packets of a gap wait for, or its answer: on the device that asks and on the one
/// where the question arrives, in either direction. No tap looks for them.
pub(super) fn askers(read: Read<'_>, gap: &Gap<'_>) -> Vec<Suspect> {
    let Some(next) = gap.next else {
        return Vec::new();
    };
    let mut found: Vec<Suspect> = Vec::new();
    for hop in gap.path.hops.iter().skip(next).take(2) {
        let Some((node, netns, link)) = place(read.before, hop) else {
            continue;
        };
        let later = read
            .after
            .and_then(|after| after.node(&node.name))
            .and_then(|node| node.netns(netns.id));
        let mut all = Vec::new();
        for arrives in [true, false] {
            all.extend(device::suspects(&Passage {
                hop,
                node,
                netns,
                link,
                later,
                is_last_seen: false,
                is_next: false,
                arrives,
            }));
        }
        all.extend(
            counted_rules(node, netns, later, hop, &[])
                .into_iter()
                .filter(
                    // Rules of routed packets never see a frame that is not one.
                    Suspect::is_of_frames,
                ),
        );
        all.extend(uncounted(node, netns));
        for suspect in all {
            if suspect.moved != Some(0) && !found.iter().any(|known| known.what == suspect.what) {
                found.push(suspect);
            }
        }
    }
    found.sort_by_key(Suspect::rank);
    found
}

/// Rules that drop frames and do not say how many: a question that is asked in frames may be among them.
fn uncounted<'a>(node: &'a Node, netns: &'a Netns) -> impl Iterator<Item = Suspect> + 'a {
    let rules = netns
        .netfilter
        .nft
        .iter()
        .filter_map(|item| item.get("rule"));
    rules.filter_map(|rule| {
        let text = |key: &str| rule.get(key)?.as_str();
        let (family, table, chain) = (text("family")?, text("table")?, text("chain")?);
        let statements = rule.get("expr")?.as_array()?;
        let has = |kind: &str| statements.iter().any(|one| one.get(kind).is_some());
        let frames = matches!(family, "arp" | "bridge" | "netdev");
        let handle = rule.get("handle")?.as_u64()?;
        (frames && has("drop") && !has("counter")).then(|| {
            let words = crate::walk::netfilter::nft_rule(rule);
            Suspect::new(
                format!(
                    "a rule of {}, which does not count: {family} {table}: {chain} {words}",
                    node.name
                ),
                format!("without it: nft delete rule {family} {table} {chain} handle {handle}"),
            )
        })
    })
}

/// The packet in all the forms that it has in a gap, with what it is wrapped in.
fn forms(gap: &Gap<'_>) -> Vec<Packet> {
    let mut all: Vec<Packet> = Vec::new();
    for (_, hop) in gap.hops() {
        let headers = hop.headers;
        let inner = Packet {
            source: headers.source,
            destination: headers.destination,
            ..gap.path.packet
        };
        let outer = headers.outer.map(|outer| Packet {
            source: outer.source,
            destination: outer.destination,
            protocol: match outer.kind {
                Wrapping::Vxlan { port, .. } => Protocol::Udp {
                    source_port: 0,
                    destination_port: port,
                },
                Wrapping::Ip { protocol } => Protocol::Tunnel { number: protocol },
            },
            ..inner
        });
        all.extend([Some(inner), outer].into_iter().flatten());
    }
    all.push(gap.path.packet);
    if let Some(there) = gap.arrival {
        all.push(there.packet);
        all.push(there.packet.reply());
    }
    all
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
                // Less than before: somebody has written the rules anew.
                of(after)?.checked_sub(of(bundle)?)
            });
            Some(Suspect {
                moved,
                concerns: true,
                undo: Some(undo.clone()),
                note: Some(note.clone()),
                ..Suspect::new(
                    format!("a rule at {} of {}: {}", hook.as_str(), note.at, row.text),
                    filtered::would_tell(undo, gap.path.packet.destination),
                )
            })
        })
        .collect()
}

/// Rules and policies that drop, and whose counters moved.
fn counted_rules(
    node: &Node,
    netns: &Netns,
    later: Option<&Netns>,
    hop: &Hop,
    forms: &[Packet],
) -> Vec<Suspect> {
    let Some(later) = later else {
        return Vec::new();
    };
    let before: Vec<Counted> = dropping(netns);
    let ruleset = Ruleset::new(later);
    dropping(later)
        .into_iter()
        .filter_map(|now| {
            let then = before.iter().find(|then| then.undo == now.undo)?;
            let moved = now.packets.saturating_sub(then.packets);
            // It counted others' packets, however many.
            (moved > 0 && (forms.is_empty() || ruleset.could_match(&now.undo, forms))).then(|| {
                Suspect {
                    moved: Some(moved),
                    undo: Some(now.undo.clone()),
                    guilt: now.cause.map(|cause| {
                        Guilt::Rule(Box::new(Drop {
                            cause,
                            at: hop.at.clone(),
                            rows: vec![Row::new(RowTable::Netfilter, now.text.clone())],
                        }))
                    }),
                    ..Suspect::new(
                        format!("a rule of {}: {}", node.name, now.text),
                        shows(&now.undo),
                    )
                }
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

/// Whether a counter can be about packets such as these: others' TCP is no matter of an echo.
fn is_about(counter: &str, forms: &[Packet]) -> bool {
    let any = |wanted: fn(&Protocol) -> bool| forms.iter().any(|packet| wanted(&packet.protocol));
    if counter.starts_with("Udp") {
        any(|protocol| matches!(protocol, Protocol::Udp { .. }))
    } else if counter == "TcpExtIPReversePathFilter" {
        true
    } else if counter.starts_with("Tcp") {
        any(|protocol| matches!(protocol, Protocol::Tcp { .. }))
    } else {
        true
    }
}

/// What came to a namespace and was thrown away at its socket.
fn full_socket(change: &Change, gap: &Gap<'_>) -> Option<Told> {
    let arrival = gap.arrival?;
    let at = &arrival.hops.last()?.at;
    let counts = match arrival.packet.protocol {
        Protocol::Udp { .. } => matches!(
            change.counter.as_str(),
            "UdpRcvbufErrors" | "Udp6RcvbufErrors"
        ),
        Protocol::Tcp { .. } => change.counter == "TcpExtListenOverflows",
        _ => false,
    };
    let here = change.node == at.node && change.place == at.name;
    let (_, port) = arrival.packet.protocol.ports()?;
    (counts && here).then(|| {
        let mut told = Told::new("socket-full", &at.node);
        if at.name != "root" {
            told = told.place(&at.name);
        }
        let protocol = arrival.packet.protocol.name();
        told.what(format!(
            "the program behind {protocol} port {port} of {} takes nothing: its queue is full",
            at.name
        ))
        .show("ss -lntum, in the namespace: Recv-Q against Send-Q, or rb")
        .fix("find out what the program waits for, or restart it; a longer queue only where it is merely slow")
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
