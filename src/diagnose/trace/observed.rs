//! What was seen of the packets that were sent, and what it makes of what the tables say.

use serde::Serialize;

use super::{Certainty, Conclusion, Leg, Possible, Verdict, Ways, rows};
use crate::diagnose::{Evidence, Finding, Severity, catalogue};
use crate::model::{Bundle, Link, Netns, Node};
use crate::walk::path::{Hop, Path, Place};

/// What was seen.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Observed {
    /// How many packets were sent.
    pub sent: u32,
    /// How many of them were answered.
    pub answered: u32,
    /// What the taps of the way there saw, one for each hop of the path, in its order.
    pub there: Vec<Sight>,
    /// The same for the answer's way.
    pub back: Vec<Sight>,
    /// Sent and answered: between the two nodes, with their own addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlay: Option<(u32, u32)>,
    /// Sent and answered: of the size that the source believes in, not to be cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub large: Option<(u32, u32)>,
    /// Counters that moved by more than they do in idleness.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// What one tap saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sight {
    /// How many of the packets; nothing if there was no tap.
    pub seen: Option<u32>,
}

/// A counter that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The node.
    pub node: String,
    /// Where on it: `root`, or a pod.
    pub place: String,
    /// The counter, by `nstat`'s name, or `DEVICE tx_dropped`.
    pub counter: String,
    /// By how much.
    pub by: u64,
}

/// Between which two devices packets are lost.
struct Gap<'a> {
    leg: Leg,
    path: &'a Path,
    /// The hop where they were last seen; none if they never left.
    last: Option<usize>,
    /// The hop where they should have been seen next; none behind the last one.
    next: Option<usize>,
}

/// Holds what the tables say against what was seen.
pub(super) fn weigh(
    bundle: &Bundle,
    ways: &Ways<'_>,
    predicted: Vec<(Leg, Finding)>,
    observed: &Observed,
    conclusion: &mut Conclusion,
) {
    if observed.sent == 0 {
        conclusion.doubts.push("no packet could be sent".to_owned());
    }
    let passes = observed.sent > 0 && observed.answered >= observed.sent;
    let gap = if passes { None } else { gap(ways, observed) };
    let mut lost_is_told = false;
    for (leg, finding) in predicted {
        let certainty = match leg {
            Leg::Quiet => Certainty::Proven,
            Leg::Large => match observed.large {
                Some((sent, answered)) if sent > 0 && answered == 0 => Certainty::Proven,
                Some((sent, answered)) if sent > 0 && answered == sent => {
                    let what = &finding.what;
                    conclusion.doubts.push(format!(
                        "the tables say that {what}, but packets of that size were answered"
                    ));
                    continue;
                }
                _ => Certainty::Tables,
            },
            Leg::There | Leg::Back if passes => {
                let (id, what) = (finding.id, &finding.what);
                conclusion.doubts.push(format!(
                    "the tables say {id} ({what}), but every packet was answered"
                ));
                conclusion.more_may_follow = false;
                continue;
            }
            Leg::There | Leg::Back => {
                lost_is_told = true;
                match &gap {
                    Some(gap) if gap.agrees(leg) => Certainty::Proven,
                    Some(gap) => {
                        // The packet did not come as far as the tables say.
                        let mut verdict = lost_here(bundle, gap, observed);
                        verdict.possible.push(Possible {
                            what: format!("{}: {}", finding.id, finding.what),
                            tell: finding.show.clone(),
                        });
                        conclusion.verdicts.push(verdict);
                        continue;
                    }
                    None => Certainty::Tables,
                }
            }
        };
        if leg == Leg::Quiet && !passes {
            // Told of when nothing is lost; else the loss comes first.
            continue;
        }
        let mut finding = finding;
        finding
            .evidence
            .extend(seen_evidence(ways, observed, leg, gap.as_ref()));
        conclusion.verdicts.push(Verdict {
            finding,
            certainty,
            possible: Vec::new(),
        });
    }
    if passes || lost_is_told || observed.sent == 0 {
        return;
    }
    if observed.answered > 0 {
        conclusion.doubts.push(format!(
            "{} of {} packets were answered",
            observed.answered, observed.sent
        ));
    }
    match gap {
        Some(gap) => {
            let verdict = suspected(bundle, &gap, observed)
                .unwrap_or_else(|| lost_here(bundle, &gap, observed));
            conclusion.verdicts.push(verdict);
        }
        None => conclusion
            .doubts
            .push("packets were lost, and no tap saw where".to_owned()),
    }
}

fn gap<'a>(ways: &Ways<'a>, observed: &Observed) -> Option<Gap<'a>> {
    let legs = [
        (Leg::There, Some(ways.there), &observed.there),
        (Leg::Back, ways.back, &observed.back),
    ];
    for (leg, path, sights) in legs {
        let path = path?;
        let last = sights
            .iter()
            .rposition(|sight| sight.seen.is_some_and(|seen| seen > 0));
        let from = last.map_or(0, |last| last + 1);
        let next = (from..path.hops.len())
            .find(|n| sights.get(*n).is_some_and(|sight| sight.seen == Some(0)));
        let arrived = next.is_none() && last.is_some() && path.is_delivered();
        if arrived {
            continue;
        }
        return Some(Gap {
            leg,
            path,
            last,
            next,
        });
    }
    None
}

impl Gap<'_> {
    fn last_hop(&self) -> Option<&Hop> {
        self.path.hops.get(self.last?)
    }

    fn next_hop(&self) -> Option<&Hop> {
        self.path.hops.get(self.next?)
    }

    /// Whether the packet came as far as the tables say. The last devices of a way that is not passed may not see it:
    /// it waits there for a neighbour that never answers.
    fn agrees(&self, leg: Leg) -> bool {
        let reached = self.last.map_or(0, |last| last + 1);
        self.leg == leg && reached + 2 >= self.path.hops.len()
    }
}

/// A loss at, or right before, the place where the packet is handed to an address that no node has. One that left is
/// no matter of an address that nobody answers for.
fn suspected(bundle: &Bundle, gap: &Gap<'_>, observed: &Observed) -> Option<Verdict> {
    let suspect = super::quiet::suspect(bundle, gap.path)?;
    let reached = gap.last.map_or(0, |last| last + 1);
    let left = reached > suspect.hop;
    let here = reached == suspect.hop || reached == suspect.hop + 1;
    if !here || (left && suspect.finding.id == "next-hop-unresolved") {
        return None;
    }
    let mut finding = suspect.finding;
    if let Some(hop) = gap.last_hop() {
        finding
            .evidence
            .push(Evidence::new("tap", format!("last seen at {}", hop.at)));
    }
    finding.evidence.push(Evidence::new(
        "probe",
        format!("{} of {} answered", observed.answered, observed.sent),
    ));
    Some(Verdict {
        finding,
        certainty: Certainty::Proven,
        possible: Vec::new(),
    })
}

fn seen_evidence(
    ways: &Ways<'_>,
    observed: &Observed,
    leg: Leg,
    gap: Option<&Gap<'_>>,
) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    let sent = observed.sent;
    if let Some(gap) = gap {
        match gap.last_hop() {
            Some(hop) => evidence.push(Evidence::new("tap", format!("last seen at {}", hop.at))),
            None => evidence.push(Evidence::new("tap", "seen nowhere")),
        }
    }
    if leg == Leg::Large
        && let (Some((sent, answered)), Some(large)) = (observed.large, ways.large)
    {
        evidence.push(Evidence::new(
            "probe",
            format!(
                "{answered} of {sent} packets of {} octets answered",
                large.packet.size
            ),
        ));
    } else {
        evidence.push(Evidence::new(
            "probe",
            format!("{} of {sent} answered", observed.answered),
        ));
    }
    evidence
}

/// A loss that the tables do not explain.
fn lost_here(bundle: &Bundle, gap: &Gap<'_>, observed: &Observed) -> Verdict {
    let (last, next) = (gap.last_hop(), gap.next_hop());
    let arrived = gap.leg == Leg::Back && gap.last.is_none();
    let at: Option<&Place> = last.or(next).map(|hop| &hop.at);
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
            (Some(last), Some(next)) => format!("last seen at {}, never at {}", last.at, next.at),
            (Some(last), None) => format!("last seen at {}", last.at),
            (None, Some(next)) => format!("never seen, not even at {}", next.at),
            (None, None) => "never seen".to_owned(),
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
    if id == "bad-outer-checksum"
        && let Some(next) = last
    {
        finding.device = next.at.device.as_ref().map(|device| device.name.clone());
    }
    finding.evidence.push(Evidence::new(
        "probe",
        format!("{} of {} answered", observed.answered, observed.sent),
    ));
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
            candidates(bundle, gap)
        },
    }
}

fn first_sentence(id: &str) -> String {
    let text = catalogue::find(id).map_or("", |entry| entry.mechanism);
    text.split_inclusive(". ")
        .next()
        .unwrap_or(text)
        .trim()
        .to_owned()
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
        if let Some(tracked) = not_tracked(bundle, node) {
            return (
                "conntrack-invalid-drop",
                tracked || moved(node, "conntrack invalid"),
            );
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

/// What stands between the two devices and could take a packet without the tables saying so.
fn candidates(bundle: &Bundle, gap: &Gap<'_>) -> Vec<Possible> {
    let mut found = Vec::new();
    for hop in [gap.last_hop(), gap.next_hop()].into_iter().flatten() {
        let Some((netns, link)) = bundle
            .node(&hop.at.node)
            .and_then(|node| node.netns(hop.at.netns))
            .and_then(|netns| Some((netns, netns.link(hop.at.device.as_ref()?.index)?)))
        else {
            continue;
        };
        programs(&hop.at, netns, link, &mut found);
        chains(&hop.at, netns, &mut found);
    }
    found.dedup();
    if found.is_empty() {
        found.push(Possible {
            what: "no filter of that place is known; the network between the two devices, or the kernel's security module".to_owned(),
            tell: "perf trace -e skb:kfree_skb, or dropwatch, on the node".to_owned(),
        });
    }
    found
}

/// Programs on a device.
fn programs(at: &Place, netns: &Netns, link: &Link, found: &mut Vec<Possible>) {
    if let Some(xdp) = &link.xdp {
        found.push(Possible {
            what: format!("an XDP program ({xdp}) on {at}"),
            tell: format!("ip link show {}; bpftool net", link.name),
        });
    }
    for filter in netns
        .filters
        .iter()
        .filter(|filter| filter.device == link.index)
    {
        found.push(Possible {
            what: format!("a tc filter on {at}: {}", filter.kind),
            tell: format!(
                "tc -s filter show dev {0} ingress; tc -s filter show dev {0} egress",
                link.name
            ),
        });
    }
}

/// Chains of netfilter that no hook of routing has.
fn chains(at: &Place, netns: &Netns, found: &mut Vec<Possible>) {
    for item in &netns.netfilter.nft {
        let Some(rule) = item.get("rule") else {
            continue;
        };
        let text = |key: &str| {
            rule.get(key)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        let family = text("family");
        let drops = rule
            .get("expr")
            .and_then(serde_json::Value::as_array)
            .is_some_and(|exprs| {
                exprs
                    .iter()
                    .any(|expr| expr.get("drop").is_some() || expr.get("reject").is_some())
            });
        if drops && ["netdev", "bridge", "arp", "inet", "ip", "ip6"].contains(&family) {
            found.push(Possible {
                what: format!(
                    "a rule of nft {family} {} {} on {}",
                    text("table"),
                    text("chain"),
                    at.node
                ),
                tell: format!(
                    "nft -a list chain {family} {} {}, with a counter in the rule",
                    text("table"),
                    text("chain")
                ),
            });
        }
    }
}
