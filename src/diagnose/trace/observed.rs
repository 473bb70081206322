//! What was seen of the packets that were sent, and what it makes of what the tables say.

use serde::Serialize;

use super::blame::{blamed, unanswered_datagrams};
use super::waiting;
use super::{Certainty, Conclusion, Leg, Possible, Read, Verdict, Ways};
use crate::diagnose::{Evidence, Finding, Severity, catalogue};
use crate::model::Bundle;
use crate::walk::path::{Cause, End, Hop, NoteKind, Path};

/// What was seen.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Observed {
    /// How many packets were sent.
    pub sent: u32,
    /// How many of them were answered.
    pub answered: u32,
    /// How many of them were seen in the namespace they are for, by any of its devices; nothing if nobody could look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached: Option<u32>,
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
    /// Nobody said why those were lost: neither our own kernel nor a router.
    #[serde(skip)]
    pub large_is_silent: bool,
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
pub(super) struct Gap<'a> {
    pub(super) leg: Leg,
    pub(super) path: &'a Path,
    /// The hop where they were last seen; none if they never left.
    pub(super) last: Option<usize>,
    /// The hop where they should have been seen next; none behind the last one.
    pub(super) next: Option<usize>,
    /// How many are lost there.
    pub(super) lost: u32,
    /// The way there, if that is passed and no answer leaves.
    pub(super) arrival: Option<&'a Path>,
}

/// Holds what the tables say against what was seen.
pub(super) fn weigh(
    read: Read<'_>,
    ways: &Ways<'_>,
    predicted: Vec<(Leg, Finding)>,
    observed: &Observed,
    conclusion: &mut Conclusion,
) {
    let told_before = conclusion.doubts.clone();
    if observed.sent == 0 {
        conclusion.doubts.push("no packet could be sent".to_owned());
    }
    let passes = observed.sent > 0 && observed.answered >= observed.sent;
    let gap = if passes { None } else { gap(ways, observed) };
    let mut lost_is_told = false;
    let large_is_told = predicted.iter().any(|(leg, _)| *leg == Leg::Large);
    for (leg, finding) in predicted {
        let certainty = match leg {
            Leg::Quiet => Certainty::Proven,
            // Which way a packet takes is the kernel's to choose; these may have taken the first.
            Leg::Sometimes => {
                lost_is_told = !passes;
                Certainty::Tables
            }
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
            // Whoever has the address too answers as well.
            Leg::There if passes && ends_elsewhere(read.before, ways) => match observed.reached {
                Some(0) => Certainty::Proven,
                _ => {
                    contradict(&finding, conclusion);
                    continue;
                }
            },
            Leg::There | Leg::Back if passes => {
                contradict(&finding, conclusion);
                continue;
            }
            Leg::There | Leg::Back => {
                lost_is_told = true;
                match &gap {
                    Some(gap) if gap.agrees(leg) => Certainty::Proven,
                    // It waits for a neighbour, and what loses the packet loses the neighbour's word as well.
                    Some(gap)
                        if waiting::of(read, gap)
                            .is_some_and(|waits| waits.is_between(&finding.node)) =>
                    {
                        Certainty::Proven
                    }
                    Some(gap) => {
                        // The packet did not come as far as the tables say.
                        let mut verdict = blamed(read, ways, gap, observed);
                        if verdict.certainty == Certainty::Seen {
                            verdict.possible.push(Possible {
                                what: format!("{}: {}", finding.id, finding.what),
                                tell: finding.show.clone(),
                            });
                        }
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
    if passes && !large_is_told {
        conclusion.verdicts.extend(large_lost(ways, observed));
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
        Some(gap) if gap.is_outside(read.before) => {
            let router = gap.last_hop().and_then(|hop| hop.wire);
            conclusion.doubts.push(format!(
                "{} was handed to the router {} and not answered; what is behind it is no node that was read",
                gap.path.packet.destination,
                router.map_or_else(|| "of the underlay".to_owned(), |wire| wire.to.to_string()),
            ));
        }
        Some(gap) => {
            let verdict = blamed(read, ways, &gap, observed);
            if verdict.certainty == Certainty::Seen
                && let Some(doubt) = unanswered_datagrams(read, &gap, observed)
            {
                conclusion.doubts.push(doubt);
                return;
            }
            // Where the tables cannot tell, the packets did.
            if verdict.certainty == Certainty::Proven {
                conclusion
                    .doubts
                    .retain(|doubt| !told_before.contains(doubt));
            }
            conclusion.verdicts.push(verdict);
        }
        None => conclusion
            .doubts
            .push("packets were lost, and no tap saw where".to_owned()),
    }
}

/// The tables say that it is lost, and the packets say otherwise.
fn contradict(finding: &Finding, conclusion: &mut Conclusion) {
    let (id, what) = (finding.id, &finding.what);
    conclusion.doubts.push(format!(
        "the tables say {id} ({what}), but every packet was answered"
    ));
    conclusion.more_may_follow = false;
    conclusion.contradicted = true;
}

/// Large packets that every device of the way takes are lost, and small ones are not: by a rule that is not followed,
/// or by something that no table tells of and that carries less, a switch or the network of a cloud.
fn large_lost(ways: &Ways<'_>, observed: &Observed) -> Option<Verdict> {
    let (sent, 0) = observed.large? else {
        return None;
    };
    let (large, back) = (ways.large?, ways.large_back?);
    // One is no proof; and what our own kernel or a router speaks of is no black hole.
    if sent < 2 || !observed.large_is_silent || !large.is_delivered() || !back.is_delivered() {
        return None;
    }
    let size = large.packet.size;
    let what = format!("packets of {size} octets are lost without a word, and small ones pass");
    let rules = large.notes.iter().chain(&back.notes).filter_map(|note| {
        let NoteKind::MayDrop { hook, cause } = &note.kind else {
            return None;
        };
        let row = note.row.as_ref()?;
        let undo = match &**cause {
            Cause::Filtered { undo, .. } => undo.as_str(),
            _ => "",
        };
        let what = format!("a rule at {} of {}: {}", hook.as_str(), note.at, row.text);
        Some((&note.at, what, undo))
    });
    // Both ways may meet one rule.
    let mut known: Vec<(&str, &str)> = Vec::new();
    let mut rules: Vec<_> = rules.collect();
    rules.retain(|(at, _, undo)| {
        let rule = (at.node.as_str(), *undo);
        let is_new = !known.contains(&rule);
        known.push(rule);
        is_new
    });
    let (id, at, what, fix, possible) = if let Some((at, _, undo)) = rules.first() {
        let fix = match rules.len() {
            1 => format!("{undo} # if it is that rule"),
            _ => "take the rules away one by one".to_owned(),
        };
        (
            "lost-here",
            *at,
            what,
            fix,
            rules.iter().map(|(_, what, _)| what.clone()).collect(),
        )
    } else {
        let crosses = large.hops.iter().position(|hop| hop.wire.is_some())?;
        let (from, to) = (
            &large.hops.get(crosses)?.at,
            &large.hops.get(crosses + 1)?.at,
        );
        let what = format!(
            "{what}; all devices take them, so that something between {from} and {to} carries less"
        );
        let possible =
            "a switch, a cloud's network or a tunnel under the nodes whose MTU is smaller";
        let fix = "a smaller MTU for the nodes' devices and the pods, or a larger one for what connects the nodes"
            .to_owned();
        (
            "underlay-mtu-too-small",
            from,
            what,
            fix,
            vec![possible.to_owned()],
        )
    };
    let tell = format!(
        "ovl trace {} {} --df --size N, with smaller and smaller N",
        large.packet.source, large.packet.destination
    );
    Some(Verdict {
        finding: Finding {
            id,
            severity: catalogue::find(id).map_or(Severity::Fault, |entry| entry.severity),
            node: at.node.clone(),
            place: Some(at.name.clone()).filter(|name| name != "root"),
            device: at.device.as_ref().map(|device| device.name.clone()),
            what,
            why: first_sentence(id),
            evidence: vec![
                answered(observed),
                Evidence::new(
                    "probe",
                    format!("0 of {sent} packets of {size} octets answered"),
                ),
            ],
            show: tell.clone(),
            fix,
        },
        certainty: Certainty::Seen,
        possible: possible
            .into_iter()
            .map(|what| Possible {
                what,
                tell: tell.clone(),
            })
            .collect(),
    })
}

/// The tables say that what is for a pod is taken by another namespace.
fn ends_elsewhere(bundle: &Bundle, ways: &Ways<'_>) -> bool {
    let is_pod = ways.ends[1]
        .is_some_and(|(node, netns)| bundle.node(node).is_some_and(|node| node.root != netns));
    is_pod
        && matches!(&ways.there.end, End::Dropped(drop)
            if matches!(drop.cause, Cause::DeliveredElsewhere { .. }))
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
            lost: observed.sent,
            arrival: (leg == Leg::Back && last.is_none()).then_some(ways.there),
        });
    }
    legs.into_iter()
        .find_map(|(leg, path, sights)| thinned(leg, path?, sights))
}

/// The first place behind which fewer are seen. A hop that saw fewer than one behind it merely did not look well.
fn thinned<'a>(leg: Leg, path: &'a Path, sights: &[Sight]) -> Option<Gap<'a>> {
    let mut last: Option<(usize, u32)> = None;
    for (number, sight) in sights.iter().enumerate().take(path.hops.len()) {
        let Some(seen) = sight.seen else { continue };
        let later = sights.iter().skip(number).filter_map(|sight| sight.seen);
        let seen = later.max().unwrap_or(seen);
        if let Some((before, most)) = last
            && seen < most
        {
            return Some(Gap {
                leg,
                path,
                last: Some(before),
                next: Some(number),
                lost: most - seen,
                arrival: None,
            });
        }
        last = Some((number, seen));
    }
    None
}

impl Gap<'_> {
    /// The hops from where packets were last seen to where they should have been seen next, with their numbers.
    pub(super) fn hops(&self) -> impl Iterator<Item = (usize, &Hop)> {
        let first = self.last.unwrap_or(0);
        let last = self.next.unwrap_or(usize::MAX);
        self.path
            .hops
            .iter()
            .enumerate()
            .filter(move |(number, _)| (first..=last).contains(number))
    }

    /// Whether the packets were last seen on their way out of all nodes, to an address that no node has.
    fn is_outside(&self, bundle: &Bundle) -> bool {
        let leaves = self
            .last_hop()
            .is_some_and(|hop| hop.wire.is_some_and(|wire| wire.by_router));
        let destination = self.path.packet.destination;
        let is_known = bundle.nodes.iter().any(|node| {
            node.namespaces
                .iter()
                .any(|netns| netns.addresses.iter().any(|row| row.address == destination))
        });
        leaves && self.next.is_none() && !is_known
    }

    pub(super) fn last_hop(&self) -> Option<&Hop> {
        self.path.hops.get(self.last?)
    }

    pub(super) fn last_seen(&self) -> Option<Evidence> {
        let at = &self.last_hop()?.at;
        Some(Evidence::new("tap", format!("last seen at {at}")))
    }

    pub(super) fn next_hop(&self) -> Option<&Hop> {
        self.path.hops.get(self.next?)
    }

    /// Whether the packet came as far as the tables say. The last devices of a way that is not passed may not see it:
    /// it waits there for a neighbour that never answers.
    fn agrees(&self, leg: Leg) -> bool {
        let reached = self.last.map_or(0, |last| last + 1);
        self.leg == leg && reached + 2 >= self.path.hops.len()
    }
}

fn seen_evidence(
    ways: &Ways<'_>,
    observed: &Observed,
    leg: Leg,
    gap: Option<&Gap<'_>>,
) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    if let Some(gap) = gap {
        let nowhere = || Evidence::new("tap", "seen nowhere");
        evidence.push(gap.last_seen().unwrap_or_else(nowhere));
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
        evidence.push(answered(observed));
    }
    evidence
}

pub(super) fn answered(observed: &Observed) -> Evidence {
    Evidence::new(
        "probe",
        format!("{} of {} answered", observed.answered, observed.sent),
    )
}

pub(super) fn first_sentence(id: &str) -> String {
    let text = catalogue::find(id).map_or("", |entry| entry.mechanism);
    text.split_inclusive(". ")
        .next()
        .unwrap_or(text)
        .trim()
        .to_owned()
}
