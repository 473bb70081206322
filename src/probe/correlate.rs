//! From what was seen to what it says: how many probes each hop of each way saw, and when. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::clocks::{Clocks, Crossings};
use super::counters::Moved;
use super::message::{Outcome, Role, Seens, Sent, Sighting};
use super::plan::Plan;
use crate::diagnose::trace::{self as diagnosis, Change, Observed};
use crate::inspect::find;
use crate::model::Bundle;
use crate::trace::{Probes, Sight, Ways};
use crate::walk::path::{Hop, Path, TapPoint};

/// What came of a plan.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    /// What became of the probes.
    pub main: Vec<Sent>,
    /// Of the echo between the nodes.
    pub underlay: Option<Vec<Sent>>,
    /// Of the large one.
    pub large: Option<Vec<Sent>>,
    /// What each node saw; a node that is missing saw nothing because nobody could look.
    pub seen: BTreeMap<String, Seens>,
    /// How the nodes' clocks differ from ours.
    pub clocks: Clocks,
    /// Counters that moved, by node.
    pub moved: BTreeMap<String, Vec<Moved>>,
    /// Namespaces that could not be tapped, by node.
    pub blind: BTreeMap<String, Vec<super::message::Blind>>,
}

/// What it says.
#[derive(Debug, Clone)]
pub struct Correlated {
    /// For the diagnosis.
    pub observed: Observed,
    /// What each hop of the way there saw.
    pub there: Vec<Sight>,
    /// The same for the way back.
    pub back: Vec<Sight>,
    /// For the summary.
    pub probes: Probes,
}

/// Which way a sighting belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// A sighting of one of the probes, in our time.
struct Seen<'a> {
    node: &'a str,
    sighting: &'a Sighting,
    way: Way,
    sequence: u16,
    time_ns: i64,
}

/// Puts together what was collected.
pub fn correlate(bundle: &Bundle, ways: &Ways, plan: &Plan, collected: &Collected) -> Correlated {
    let seen = ours(plan, collected);
    let out = &ways.conversation.out;
    let there = looks(out, Way::There, &seen, collected);
    let back = ways
        .conversation
        .back
        .as_ref()
        .map(|path| looks(path, Way::Back, &seen, collected))
        .unwrap_or_default();
    let mut crossings = Crossings::default();
    for (from, to, after) in there.iter().chain(&back).flat_map(Look::crossings) {
        crossings.add(from, to, after);
    }
    let sights = |looks: &[Look<'_>]| -> Vec<Sight> {
        let sight = |look: &Look<'_>| look.sight(&crossings, &collected.clocks);
        looks.iter().map(sight).collect()
    };
    let (there, back) = (sights(&there), sights(&back));
    let left: u32 = number(
        collected
            .main
            .iter()
            .filter(|sent| !matches!(sent.outcome, Outcome::NotSent { .. }))
            .count(),
    );
    let answered = answered(&collected.main);
    let one = |sent: &Vec<Sent>| (number(sent.len()), self::answered(sent));
    let only_seen = |sights: &[Sight]| {
        sights
            .iter()
            .map(|sight| diagnosis::Sight { seen: sight.seen })
            .collect()
    };
    let observed = Observed {
        // One that the kernel refused was lost as well: at the first step.
        sent: number(collected.main.len()),
        answered,
        reached: reached(ways, &seen, collected),
        there: only_seen(&there),
        back: only_seen(&back),
        underlay: collected.underlay.as_ref().map(one),
        large: collected.large.as_ref().map(one),
        large_is_silent: collected
            .large
            .iter()
            .flatten()
            .all(|sent| matches!(sent.outcome, Outcome::Silence)),
        changes: changes(bundle, collected),
    };
    let mut errors = errors(&collected.main);
    if left < number(collected.main.len()) && errors.is_empty() {
        errors.push("the kernel did not send all".to_owned());
    }
    let probes = Probes {
        sent: observed.sent,
        answered,
        round_trips_ns: round_trips(out, &seen, &collected.main),
        errors,
        underlay: observed.underlay,
        large: observed.large,
    };
    Correlated {
        observed,
        there,
        back,
        probes,
    }
}

/// How many of the probes came into the namespace they are for.
fn reached(ways: &Ways, seen: &[Seen<'_>], collected: &Collected) -> Option<u32> {
    let (node, netns) = ways.destination.node.as_ref().zip(ways.destination.netns)?;
    let is_blind = collected
        .blind
        .get(node)
        .is_some_and(|blind| blind.iter().any(|blind| blind.netns == netns));
    if is_blind || !collected.seen.contains_key(node) {
        return None;
    }
    let there: BTreeSet<u16> = seen
        .iter()
        .filter(|seen| seen.way == Way::There && seen.node == node)
        .filter(|seen| seen.sighting.netns == netns)
        .map(|seen| seen.sequence)
        .collect();
    Some(number(there.len()))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// How many were answered.
pub fn answered(sent: &[Sent]) -> u32 {
    let is_answered = |sent: &&Sent| matches!(sent.outcome, Outcome::Answered { .. });
    number(sent.iter().filter(is_answered).count())
}

/// The sightings of our probes and their answers. TCP's are told by the sequence number that the SYN had
/// where it was seen first, with the source port that is ours.
fn ours<'a>(plan: &Plan, collected: &'a Collected) -> Vec<Seen<'a>> {
    let all = || {
        collected.seen.iter().flat_map(|(node, seens)| {
            seens
                .sightings
                .iter()
                .map(move |sighting| (node.as_str(), sighting))
        })
    };
    let mut syns: HashMap<u32, u16> = HashMap::new();
    for (_, sighting) in all() {
        if let (Role::Syn(number), Some((source, _))) = (sighting.seen.role, sighting.seen.ports)
            && sighting.seen.source == plan.main.source.unwrap_or(sighting.seen.source)
            && let Some(sequence) = plan.main.watch.sequence_of_port(source)
        {
            syns.insert(number, sequence);
        }
    }
    let mut seen: Vec<Seen<'a>> = all()
        .filter_map(|(node, sighting)| {
            let (way, sequence) = match sighting.seen.role {
                Role::Request(sequence) => (Way::There, sequence),
                Role::Reply(sequence) => (Way::Back, sequence),
                Role::Syn(number) => (Way::There, *syns.get(&number)?),
                Role::SynAnswer { to, .. } => (Way::Back, *syns.get(&to)?),
                _ => return None,
            };
            Some(Seen {
                node,
                sighting,
                way,
                sequence,
                time_ns: collected.clocks.ours(node, sighting.time_ns),
            })
        })
        .collect();
    seen.sort_by_key(|seen| seen.time_ns);
    seen
}

/// What one hop saw.
#[derive(Default)]
struct Look<'a> {
    /// How many of the probes; nothing if nobody could look.
    seen: Option<u32>,
    /// Its node.
    node: &'a str,
    /// The node of the hop that saw it before, and how long after that it was seen here, for each probe.
    after: Vec<(&'a str, i64)>,
}

impl<'a> Look<'a> {
    /// What crossed from one node to another.
    fn crossings(&self) -> impl Iterator<Item = (&'a str, &'a str, i64)> {
        let crossed = self.after.iter().filter(|(from, _)| *from != self.node);
        crossed.map(|(from, after)| (*from, self.node, *after))
    }

    fn sight(&self, crossings: &Crossings<'_>, clocks: &Clocks) -> Sight {
        // All probes come from where the first came from, but for those that another tap missed.
        let took = self.after.first().and_then(|(from, _)| {
            let same = self.after.iter().filter(|(other, _)| other == from);
            crossings.took(
                clocks,
                from,
                self.node,
                same.map(|(_, after)| *after).collect(),
            )
        });
        Sight {
            seen: self.seen,
            after_ns: took.map(|took| took.ns),
            doubt_ns: took.map(|took| took.doubt_ns).filter(|doubt| *doubt > 0),
        }
    }
}

/// What each hop of a way saw.
fn looks<'a>(path: &'a Path, way: Way, seen: &[Seen<'_>], collected: &Collected) -> Vec<Look<'a>> {
    // Where and when the hop before saw each probe.
    let mut before: HashMap<u16, (&'a str, i64)> = HashMap::new();
    path.hops
        .iter()
        .map(|hop| {
            let Some(point) = hop.tap_point().filter(|point| has_tap(point, collected)) else {
                return Look::default();
            };
            let mut times: BTreeMap<u16, i64> = BTreeMap::new();
            for seen in seen
                .iter()
                .filter(|seen| seen.way == way && is_at(seen, &point))
            {
                times.entry(seen.sequence).or_insert(seen.time_ns);
            }
            let after = times
                .iter()
                .filter_map(|(sequence, time)| {
                    let (node, earlier) = before.get(sequence)?;
                    Some((*node, time - earlier))
                })
                .collect();
            let node = hop.at.node.as_str();
            before.extend(
                times
                    .iter()
                    .map(|(sequence, time)| (*sequence, (node, *time))),
            );
            Look {
                seen: Some(number(times.len())),
                node,
                after,
            }
        })
        .collect()
}

/// A packet that passes a device is the same packet however it is wrapped there: a tunnel's device sees it
/// bare on one side, and what is expected to be wrapped and is not has come this far all the same.
fn is_at(seen: &Seen<'_>, point: &TapPoint) -> bool {
    let sighting = seen.sighting;
    seen.node == point.node
        && sighting.netns == point.netns
        && sighting.device == point.device
        && sighting.direction == point.direction
}

fn has_tap(point: &TapPoint, collected: &Collected) -> bool {
    let is_blind = collected
        .blind
        .get(&point.node)
        .is_some_and(|blind| blind.iter().any(|blind| blind.netns == point.netns));
    collected.seen.contains_key(&point.node) && !is_blind
}

/// Round trips by the first device, in the order of the probes; by the sender's own clock where that saw
/// less.
fn round_trips(path: &Path, seen: &[Seen<'_>], sent: &[Sent]) -> Vec<u64> {
    let first = path.hops.first().and_then(Hop::tap_point);
    sent.iter()
        .filter_map(|sent| {
            let Outcome::Answered { after_ns } = sent.outcome else {
                return None;
            };
            let at = |way: Way| {
                let first = first.as_ref()?;
                seen.iter()
                    .find(|seen| {
                        seen.way == way
                            && seen.sequence == sent.sequence
                            && seen.node == first.node
                            && seen.sighting.netns == first.netns
                            && seen.sighting.device == first.device
                    })
                    .map(|seen| seen.time_ns)
            };
            let by_taps = at(Way::There)
                .zip(at(Way::Back))
                .and_then(|(out, back)| u64::try_from(back - out).ok());
            Some(by_taps.unwrap_or(after_ns))
        })
        .collect()
}

/// What came in place of answers, each once.
fn errors(sent: &[Sent]) -> Vec<String> {
    let mut all = BTreeSet::new();
    for sent in sent {
        match &sent.outcome {
            Outcome::Answered { .. } | Outcome::Silence => {}
            Outcome::Refused { .. } => {
                all.insert("refused: nothing listens there".to_owned());
            }
            Outcome::NotSent { why, .. } => {
                all.insert(format!("not sent: {why}"));
            }
            Outcome::Error { error, .. } => {
                let what = icmp_words(error.from.is_ipv6(), error.kind, error.code);
                let mtu = error
                    .mtu
                    .map(|mtu| format!(", MTU {mtu}"))
                    .unwrap_or_default();
                all.insert(format!("{} says: {what}{mtu}", error.from));
            }
        }
    }
    all.into_iter().collect()
}

/// ICMP's errors (RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3).
fn icmp_words(v6: bool, kind: u8, code: u8) -> String {
    let known = match (v6, kind, code) {
        (false, 3, 0) | (true, 1, 0) => "no route",
        (false, 3, 1) | (true, 1, 3) => "host unreachable",
        (false, 3, 2) => "protocol unreachable",
        (false, 3, 3) | (true, 1, 4) => "port unreachable",
        (false, 3, 4) => "fragmentation needed",
        (true, 2, _) => "packet too big",
        (false, 3, 9 | 10 | 13) | (true, 1, 1) => "prohibited",
        (true, 1, 5) => "source address fails policy",
        (true, 1, 6) => "route rejects",
        (false, 11, 0) | (true, 3, 0) => "hop limit exceeded",
        _ => return format!("ICMP type {kind} code {code}"),
    };
    known.to_owned()
}

/// Counters that tell of losses, in the words of the diagnosis.
fn changes(bundle: &Bundle, collected: &Collected) -> Vec<Change> {
    let mut all = Vec::new();
    for (name, moved) in &collected.moved {
        let Some(node) = bundle.node(name) else {
            continue;
        };
        for moved in moved.iter().filter(|moved| tells_of_loss(&moved.name)) {
            let place = match node.netns(moved.netns) {
                Some(netns) if netns.id != node.root => find::occupant(node, netns),
                _ => "root".to_owned(),
            };
            all.push(Change {
                node: name.clone(),
                place,
                counter: match &moved.device {
                    Some(device) => format!("{device} {}", moved.name),
                    None => moved.name.clone(),
                },
                by: moved.by,
            });
        }
    }
    all
}

fn tells_of_loss(counter: &str) -> bool {
    const WORDS: [&str; 18] = [
        "drop",
        "error",
        "err",
        "discard",
        "noroute",
        "noport",
        "fail",
        "filter",
        "unreach",
        "invalid",
        "toobig",
        "csum",
        "rcvbuf",
        "overflow",
        "full",
        "truncated",
        "exceeded",
        "squeeze",
    ];
    let counter = counter.to_ascii_lowercase();
    WORDS.iter().any(|word| counter.contains(word))
}
