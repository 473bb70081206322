//! Carries out a plan: taps first, then counters, then packets, then what was seen. Whatever happens, the
//! taps are closed in the end; should this program die, they end with its conversations.

use std::collections::BTreeMap;
use std::time::Duration;

use super::clocks::{Ahead, Clocks};
use super::correlate::{self, Collected};
use super::counters::{moved, moved_by_probes};
use super::message::{NetnsRef, Seens, Send, Sent};
use super::plan::Plan;
use crate::cluster::live::Live;
use crate::cluster::protocol::{AnswerOutcome, Question};
use crate::model::counters::{Counted, DeviceCounted};
use crate::model::{Bundle, Node, Table};

/// How long a node may take for what should take no time.
const QUICK: Duration = Duration::from_secs(10);
/// How much longer than its probes the sending node may take.
const GRACE: Duration = Duration::from_secs(5);

/// What came of it, and what did not.
#[derive(Debug, Default)]
pub struct Done {
    /// What was collected.
    pub collected: Collected,
    /// What could not be, and why.
    pub doubts: Vec<String>,
}

/// Carries out `plan` on the nodes of `live`.
pub fn run(live: &mut Live, bundle: &Bundle, plan: &Plan) -> Done {
    let mut done = Done::default();
    open(live, plan, &mut done);
    let before = count(live, plan);
    match send(live, &plan.node, &plan.main) {
        Ok(sent) => done.collected.main = sent,
        Err(why) => done.doubt(&plan.node, &why),
    }
    read(live, plan, &mut done);
    let after = count(live, plan);
    close(live, plan);
    for (name, after) in &after {
        let (Some(before), Some(node)) = (before.get(name), bundle.node(name)) else {
            continue;
        };
        let idle = moved(&from_snapshot(node), before);
        let moved = moved_by_probes(&idle, moved(before, after));
        done.collected.moved.insert(name.clone(), moved);
    }
    // Only now, as these are not to be among what was counted and seen.
    if let Some(request) = &plan.underlay {
        done.collected.underlay = send(live, &plan.node, request).ok();
    }
    let any_passed = correlate::answered(&done.collected.main) > 0;
    if let Some(request) = plan.large.as_ref().filter(|_| any_passed) {
        done.collected.large = send(live, &plan.node, request).ok();
    }
    done.collected.clocks = clocks(live, plan);
    done
}

impl Done {
    fn doubt(&mut self, node: &str, why: &str) {
        self.doubts.push(format!("{node}: {why}"));
    }
}

/// Opens all taps; returns when every node has its own or has said why not.
fn open(live: &mut Live, plan: &Plan, done: &mut Done) {
    let answers = live.ask_within(QUICK, |node| {
        let netns = plan.taps.get(node)?.clone();
        Some(Question::TapOpen {
            netns,
            watch: plan.main.watch.clone(),
        })
    });
    for (node, answer) in answers {
        match answer {
            Ok(AnswerOutcome::Open(blind)) => {
                for blind in &blind {
                    done.doubt(
                        &node,
                        &format!(
                            "no packets can be seen in net:[{}]: {}",
                            blind.netns, blind.why
                        ),
                    );
                }
                done.collected.seen.insert(node.clone(), Seens::default());
                done.collected.blind.insert(node, blind);
            }
            Ok(_) => done.doubt(&node, "it did not open its taps"),
            Err(why) => done.doubt(&node, &format!("no packets can be seen: {why}")),
        }
    }
}

fn read(live: &mut Live, plan: &Plan, done: &mut Done) {
    let answers = live.ask_within(QUICK, |node| {
        plan.taps.contains_key(node).then_some(Question::TapRead)
    });
    for (node, answer) in answers {
        match answer {
            Ok(AnswerOutcome::Seen(seens)) => {
                if seens.dropped > 0 {
                    let why = format!("the kernel had no room for {} packets", seens.dropped);
                    done.doubt(&node, &why);
                }
                if let Some(why) = &seens.doubt {
                    done.doubt(&node, why);
                }
                done.collected.seen.insert(node, seens);
            }
            Ok(_) => done.doubt(&node, "it did not say what it saw"),
            Err(why) => {
                // It may have seen them; nobody knows.
                if done.collected.seen.remove(&node).is_some() {
                    done.doubt(&node, &format!("what it saw is lost: {why}"));
                }
            }
        }
    }
}

fn close(live: &mut Live, plan: &Plan) {
    // One that does not answer any more has closed them, as it has ended.
    let _ = live.ask_within(QUICK, |node| {
        plan.taps.contains_key(node).then_some(Question::TapClose)
    });
}

fn count(live: &mut Live, plan: &Plan) -> BTreeMap<String, Vec<Counted>> {
    let wanted = |node: &str| -> Option<Vec<NetnsRef>> { plan.taps.get(node).cloned() };
    live.ask_within(QUICK, |node| {
        wanted(node).map(|netns| Question::Counters { netns })
    })
    .into_iter()
    .filter_map(|(node, answer)| match answer {
        Ok(AnswerOutcome::Counted(counted)) => Some((node, counted)),
        _ => None,
    })
    .collect()
}

fn send(live: &mut Live, node: &str, request: &Send) -> Result<Vec<Sent>, String> {
    let between = request.interval_us.unwrap_or(200_000);
    let whole = Duration::from_micros(
        between
            .saturating_mul(u64::from(request.count))
            .saturating_add(request.wait_us),
    );
    match live.ask(node, Question::Send(request.clone()), whole + GRACE)? {
        AnswerOutcome::Sent(sent) => Ok(sent),
        _ => Err("it did not say what became of the packets".to_owned()),
    }
}

/// How clocks differ. Nodes that share a kernel share a clock, whatever was measured.
fn clocks(live: &Live, plan: &Plan) -> Clocks {
    let mut of_boot = BTreeMap::new();
    let known = plan.taps.keys().filter_map(|node| {
        let clock = live.clock(node)?;
        let ahead = Ahead {
            ns: clock.ahead_ns,
            doubt_ns: clock.doubt_ns,
            boot: clock.boot.clone(),
        };
        let shared = of_boot
            .entry(clock.boot.clone())
            .or_insert_with(|| ahead.clone());
        let ahead = if clock.boot.is_empty() {
            ahead
        } else {
            shared.clone()
        };
        Some((node.clone(), ahead))
    });
    Clocks(known.collect())
}

/// What a snapshot says was counted then.
fn from_snapshot(node: &Node) -> Vec<Counted> {
    node.namespaces
        .iter()
        .map(|netns| Counted {
            netns: netns.id,
            protocols: netns.counters.clone(),
            conntrack: netns.conntrack.clone(),
            devices: Table {
                state: netns.links.state,
                reason: netns.links.reason.clone(),
                rows: netns
                    .links
                    .iter()
                    .map(|link| DeviceCounted {
                        index: link.index,
                        name: link.name.clone(),
                        stats: link.stats,
                    })
                    .collect(),
            },
            softnet: node.softnet.clone(),
        })
        .collect()
}
