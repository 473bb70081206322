//! What is to blame for a loss that the tables do not tell of.

use super::between::{Guilt, Suspect};
use super::observed::{Gap, Observed, answered, first_sentence};
use super::{Certainty, Leg, Possible, Read, Verdict, Ways, between, rows, waiting};
use crate::diagnose::{Evidence, Finding, Severity, catalogue};
use crate::model::{Bundle, Node};
use crate::walk::path::{Drop, End, NoteKind, Path, Place, Protocol};

/// What is to blame for a loss that the tables do not tell of.
pub(super) fn blamed(
    read: Read<'_>,
    ways: &Ways<'_>,
    gap: &Gap<'_>,
    observed: &Observed,
) -> Verdict {
    if let Some(waiting) = waiting::of(read, gap) {
        return waiting::told(read, gap, observed, &waiting);
    }
    unusable(read.before, gap, observed)
        .or_else(|| suspected(read.before, ways, gap, observed))
        .or_else(|| by_rule(read, gap, observed))
        .or_else(|| by_counter(read, gap, observed))
        .or_else(|| by_elimination(read, gap, observed))
        .unwrap_or_else(|| lost_here(read, gap, observed))
}

/// What counted just what is missing, while nothing else did: a rule that the tables take to let the packet pass, by
/// a state of the conversation, say, that no table tells of; or what a device has of its own.
fn by_counter(read: Read<'_>, gap: &Gap<'_>, observed: &Observed) -> Option<Verdict> {
    if kind(read.before, gap, observed).1 {
        return None;
    }
    let suspects = between::suspects(read.before, read.after, gap, observed);
    let lost = u64::from(gap.lost);
    let suspect = between::sole(&suspects)?;
    let moved = suspect.moved?;
    match suspect.guilt.as_ref()? {
        Guilt::Rule(drop) if moved == lost => {
            let mut finding = super::cause::finding(read.before, gap.path, drop);
            finding.evidence.push(Evidence::new(
                format!("{} counter", drop.at.node),
                format!("{lost} more packets, just those that are missing"),
            ));
            Some(proven(finding, gap, observed))
        }
        Guilt::Device(told) if moved >= lost => {
            let mut finding = (**told).clone().into_finding();
            finding.evidence.push(Evidence::new(
                format!("{} counter", finding.node),
                format!("{moved} more packets, of {lost} that are missing"),
            ));
            Some(proven(finding, gap, observed))
        }
        _ => None,
    }
}

/// The only thing that stands in the gap and may take packets, though it does not say that it did: a program, say.
fn by_elimination(read: Read<'_>, gap: &Gap<'_>, observed: &Observed) -> Option<Verdict> {
    let suspects = between::suspects(read.before, read.after, gap, observed);
    let suspect = between::sole(&suspects)?;
    let Some(Guilt::Device(told)) = &suspect.guilt else {
        return None;
    };
    let mut finding = (**told).clone().into_finding();
    finding.evidence.extend(gap.last_seen());
    if let Some(next) = gap.next_hop() {
        let never = format!("never seen at {}", next.at);
        finding.evidence.push(Evidence::new("tap", never));
    }
    finding.evidence.push(answered(observed));
    // What stands between the nodes cannot be seen, and may as well have lost them.
    let crosses = gap.last_hop().is_some_and(|hop| hop.wire.is_some());
    let possible = crosses.then(|| Possible {
        what: "the network between the two nodes".to_owned(),
        tell: format!("without the program: {}", finding.fix),
    });
    Some(Verdict {
        finding,
        certainty: Certainty::Seen,
        possible: possible.into_iter().collect(),
    })
}

/// The rule that may have taken what is missing, if there is no other and it does not say whether it did.
fn sole_rule(suspects: &[Suspect]) -> Option<(&Suspect, &str)> {
    let suspect = between::sole(suspects)?;
    let undo = suspect.undo.as_deref()?;
    (suspect.note.is_some() && suspect.moved.is_none()).then_some((suspect, undo))
}

/// A loss at a device one of whose addresses is not used yet.
fn unusable(bundle: &Bundle, gap: &Gap<'_>, observed: &Observed) -> Option<Verdict> {
    if gap.path.packet.destination.is_ipv4() {
        return None;
    }
    let packet = &gap.path.packet;
    let of_devices = gap.hops().flat_map(|(_, hop)| {
        bundle
            .node(&hop.at.node)
            .and_then(|node| node.netns(hop.at.netns))
            .zip(hop.at.device.as_ref())
            .into_iter()
            .flat_map(|(netns, device)| netns.addresses_of(device.index))
            .map(|row| row.address)
    });
    let addresses = [packet.source, packet.destination]
        .into_iter()
        .chain(of_devices);
    let told = super::origin::unusable(bundle, addresses)?;
    let mut finding = told.into_finding();
    finding.evidence.push(answered(observed));
    Some(Verdict {
        finding,
        certainty: Certainty::Proven,
        possible: Vec::new(),
    })
}

/// A loss at, or right before, the place where the packet is handed to an address that no node has.
fn suspected(
    bundle: &Bundle,
    ways: &Ways<'_>,
    gap: &Gap<'_>,
    observed: &Observed,
) -> Option<Verdict> {
    if let Some(verdict) = suspected_on(bundle, gap.path, gap, observed) {
        return Some(verdict);
    }
    // Which of several equal routes a packet took, the hops behind the choice do not say.
    ways.others.found.iter().find_map(|other| {
        let last = gap.last?;
        let same = other.path.packet.destination == gap.path.packet.destination
            && other.path.hops.get(..=last)? == gap.path.hops.get(..=last)?;
        let mut verdict = suspected_on(bundle, &other.path, gap, observed).filter(|_| same)?;
        verdict.finding.what = format!("one of {} ways: {}", other.of, verdict.finding.what);
        Some(verdict)
    })
}

fn suspected_on(
    bundle: &Bundle,
    path: &Path,
    gap: &Gap<'_>,
    observed: &Observed,
) -> Option<Verdict> {
    let suspect = super::quiet::suspect(bundle, path)?;
    let reached = gap.last.map_or(0, |last| last + 1);
    let left = reached > suspect.hop;
    let here = reached == suspect.hop || reached == suspect.hop + 1;
    if !here {
        return None;
    }
    // One that left is no matter of an address that nobody answers for.
    let finding = if left && suspect.finding.id == "next-hop-unresolved" {
        suspect.left?
    } else {
        suspect.finding
    };
    Some(proven(finding, gap, observed))
}

/// A cause that what was seen leaves no doubt about.
fn proven(mut finding: Finding, gap: &Gap<'_>, observed: &Observed) -> Verdict {
    finding.evidence.extend(gap.last_seen());
    finding.evidence.push(answered(observed));
    Verdict {
        finding,
        certainty: Certainty::Proven,
        possible: Vec::new(),
    }
}

/// A rule that the walk could not follow, and that counted no fewer than what is missing: no other that may take the
/// packet did.
fn by_rule(read: Read<'_>, gap: &Gap<'_>, observed: &Observed) -> Option<Verdict> {
    let suspects = between::suspects(read.before, read.after, gap, observed);
    let mut guilty = suspects.iter().filter(|suspect| {
        suspect.concerns
            && suspect
                .moved
                .is_some_and(|moved| moved >= u64::from(gap.lost))
    });
    let (Some(suspect), None) = (guilty.next(), guilty.next()) else {
        return None;
    };
    let note = suspect.note.as_ref()?;
    let NoteKind::MayDrop { cause, .. } = &note.kind else {
        return None;
    };
    let path = gap.arrival.filter(|there| there.notes.contains(note));
    let path = path.unwrap_or(gap.path);
    let drop = Drop {
        cause: (**cause).clone(),
        at: note.at.clone(),
        rows: note.row.iter().cloned().collect(),
    };
    let mut finding = super::cause::finding(read.before, path, &drop);
    finding.evidence.push(Evidence::new(
        format!("{} counter", note.at.node),
        format!(
            "{} more packets, of {} that are missing",
            suspect.moved.unwrap_or(0),
            gap.lost
        ),
    ));
    Some(proven(finding, gap, observed))
}

/// Why an answer that never left is no fault: UDP was brought to a socket, and whether a program answers it is the
/// program's own business.
pub(super) fn unanswered_datagrams(
    read: Read<'_>,
    gap: &Gap<'_>,
    observed: &Observed,
) -> Option<String> {
    let arrival = gap.arrival?;
    let Protocol::Udp {
        destination_port, ..
    } = arrival.packet.protocol
    else {
        return None;
    };
    let last = arrival.hops.last()?;
    let all_came = observed.there.last()?.seen == Some(observed.sent);
    let suspects = between::suspects(read.before, read.after, gap, observed);
    let suspected = suspects.iter().any(Suspect::is_likely);
    (all_came && !suspected).then(|| {
        format!(
            "all packets came to {}, where a socket takes UDP port {destination_port}; its program did not answer, \
             as it need not, and whether it took them cannot be seen",
            last.at
        )
    })
}

/// A loss that the tables do not explain.
fn lost_here(read: Read<'_>, gap: &Gap<'_>, observed: &Observed) -> Verdict {
    let bundle = read.before;
    let (last, next) = (gap.last_hop(), gap.next_hop());
    let arrived = gap.leg == Leg::Back && gap.last.is_none();
    // Where nothing could be said of the way from the start, that is where it begins.
    let begin = match &gap.path.end {
        End::CannotTell { at, .. } => Some(at),
        End::Dropped(drop) => Some(&drop.at),
        End::Delivered { .. } => None,
    };
    let at: Option<&Place> = last.or(next).map(|hop| &hop.at).or(begin);
    let (id, known) = kind(bundle, gap, observed);
    let node = at.map_or_else(String::new, |at| at.node.clone());
    let mut finding = Finding {
        id,
        severity: catalogue::find(id).map_or(Severity::Fault, |entry| entry.severity),
        place: at.filter(|at| at.name != "root").map(|at| at.name.clone()),
        device: at
            .and_then(|at| at.device.as_ref())
            .map(|device| device.name.clone()),
        node,
        what: match (last, next) {
            _ if arrived => "the packet arrived, and no answer left".to_owned(),
            (Some(last), Some(next)) if gap.lost < observed.sent => format!(
                "{} of {} are lost between {} and {}",
                gap.lost, observed.sent, last.at, next.at
            ),
            (Some(last), Some(next)) => format!("last seen at {}, never at {}", last.at, next.at),
            (Some(last), None) => format!("last seen at {}", last.at),
            (None, Some(next)) => format!("never seen, not even at {}", next.at),
            (None, None) => at.map_or_else(
                || "never seen".to_owned(),
                |at| format!("never seen to leave {at}"),
            ),
        },
        why: first_sentence(id),
        evidence: Vec::new(),
        show: at.map_or_else(String::new, |at| {
            let device = at
                .device
                .as_ref()
                .map_or("any", |device| device.name.as_str());
            format!("ovl capture -i {device}, on {}", at.node)
        }),
        fix: catalogue::find(id).map_or_else(String::new, |entry| {
            entry.fix.lines().next().unwrap_or_default().to_owned()
        }),
    };
    if let Some(hop) = last {
        finding.evidence = rows(&hop.at.node, &hop.rows);
    }
    let suspects = between::suspects(bundle, read.after, gap, observed);
    if read.after.is_some()
        && let Some((suspect, undo)) = sole_rule(&suspects)
    {
        finding.what.push_str(&format!(
            "; one rule there may take them, and does not count: {}",
            suspect.what
        ));
        finding.show.clone_from(&suspect.tell);
        finding.fix = format!("{undo} # if it is that rule");
    }
    if id == "bad-outer-checksum"
        && let Some(next) = last
    {
        finding.device = next.at.device.as_ref().map(|device| device.name.clone());
    }
    finding.evidence.push(answered(observed));
    if let Some((sent, answered)) = observed.underlay {
        finding.evidence.push(Evidence::new(
            "probe of the underlay",
            format!("{answered} of {sent} answered"),
        ));
    }
    let near: Vec<&str> = [last, next]
        .into_iter()
        .flatten()
        .map(|hop| hop.at.node.as_str())
        .collect();
    for change in observed
        .changes
        .iter()
        .filter(|c| near.contains(&c.node.as_str()))
    {
        finding.evidence.push(Evidence::new(
            format!("{} {} counter", change.node, change.place),
            format!("{} +{}", change.counter, change.by),
        ));
    }
    Verdict {
        finding,
        certainty: if known {
            Certainty::Proven
        } else {
            Certainty::Seen
        },
        possible: if known {
            Vec::new()
        } else {
            possible(&suspects)
        },
    }
}

/// What kind of loss it is by what was seen, and whether that leaves nothing else.
fn kind(bundle: &Bundle, gap: &Gap<'_>, observed: &Observed) -> (&'static str, bool) {
    let moved = |node: &str, counter: &str| {
        observed
            .changes
            .iter()
            .any(|change| change.node == node && change.counter == counter && change.by > 0)
    };
    if gap.leg == Leg::Back && gap.last.is_none() {
        return ("not-answered", false);
    }
    let (Some(last), Some(next)) = (gap.last_hop(), gap.next_hop()) else {
        return ("lost-here", false);
    };
    let wrapped = last.headers.outer.is_some();
    if last.at.node == next.at.node {
        let node = &last.at.node;
        if wrapped && (moved(node, "UdpInCsumErrors") || moved(node, "Udp6InCsumErrors")) {
            return ("bad-outer-checksum", true);
        }
        // Nearly every node has a rule that drops what is invalid.
        if let Some(tracked) = not_tracked(bundle, node)
            && (tracked || moved(node, "conntrack invalid"))
        {
            // A rule that counted what is missing knows better than that packets are not tracked.
            return ("conntrack-invalid-drop", moved(node, "conntrack invalid"));
        }
        if moved(node, "conntrack drop") && is_full(bundle, node) {
            return ("conntrack-full", true);
        }
        if moved(node, "table_fulls") {
            return ("neighbour-table-overflow", true);
        }
        if moved(node, "TcpExtIPReversePathFilter") {
            return ("rp-filter-drop", true);
        }
        return ("lost-here", false);
    }
    match observed.underlay {
        Some((sent, 0)) if sent > 0 => ("underlay-lost", true),
        // That other packets between the nodes pass is what makes it a matter of these packets.
        Some((_, answered)) if answered > 0 && wrapped => ("vxlan-lost-in-underlay", true),
        Some((_, answered)) if answered > 0 => ("pod-addresses-lost-in-underlay", true),
        _ if wrapped => ("vxlan-lost-in-underlay", false),
        _ => ("pod-addresses-lost-in-underlay", false),
    }
}

/// Whether a node drops what belongs to no tracked connection, and if so, whether it keeps packets from being tracked.
fn not_tracked(bundle: &Bundle, node: &str) -> Option<bool> {
    let root = bundle.node(node)?.root()?;
    let rules = || {
        root.netfilter
            .iptables
            .iter()
            .flat_map(|tables| tables.tables.iter())
            .flat_map(|table| &table.chains)
            .flat_map(|chain| &chain.rules)
            .map(crate::model::netfilter::IptablesRule::text)
    };
    let drops = rules().any(|rule| rule.contains("INVALID") && rule.contains("-j DROP"));
    drops.then(|| rules().any(|rule| rule.to_lowercase().contains("notrack")))
}

fn is_full(bundle: &Bundle, node: &str) -> bool {
    bundle
        .node(node)
        .and_then(Node::root)
        .and_then(|root| root.conntrack.known())
        .is_some_and(|conntrack| conntrack.count >= conntrack.max)
}

/// What could have taken the packets, the likeliest first.
fn possible(suspects: &[Suspect]) -> Vec<Possible> {
    /// More would not be read.
    const MOST: usize = 6;
    let mut found: Vec<Possible> = suspects.iter().take(MOST).map(Suspect::told).collect();
    if found.is_empty() {
        found.push(Possible {
            what: "no row of that place is known to take it; the network between the two devices, or the kernel's security module".to_owned(),
            tell: "perf trace -e skb:kfree_skb, or dropwatch, on the node".to_owned(),
        });
    }
    found
}
