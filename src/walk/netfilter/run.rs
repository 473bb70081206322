//! Runs a packet over the chains of a hook.

mod holds;
mod replace;

use std::net::IpAddr;

use super::rule::{Action, Chain, Match, Rule, Table};
use super::{Devices, Doubt, Hook, Judgement, Loss, Ruleset, Tracked};
use crate::walk::flow::family_of;
use crate::walk::path::{Cause, Packet, Row, RowTable};

/// Jumps nest no deeper in the kernel either (`NFT_JUMP_STACK_SIZE`, and xtables' own limit is larger).
const DEEPEST: u8 = 64;
/// So many matches that are not understood are tried both ways.
const MOST_UNKNOWN: u32 = 3;

/// One run, with what it assumes about what it does not understand.
struct Run<'r, 'a> {
    ruleset: &'r Ruleset<'a>,
    devices: Devices,
    tracked: Tracked,
    packet: Packet,
    first: Packet,
    /// The bit of each unknown match says whether it is taken to hold.
    assumed: u32,
    unknown: Vec<String>,
    /// So many matches that hold by chance are passed over.
    skip: usize,
    recording: bool,
    changed_by: Vec<Row>,
}

enum Flow {
    Next,
    Accept,
    Lost(Loss),
    Unknown(String),
}

/// What became of the packet in one run.
struct Outcome {
    end: Ended,
    changed_by: Vec<Row>,
}

#[derive(PartialEq)]
enum Ended {
    /// As this.
    Passes(Packet),
    Lost(Loss),
    CannotTell(String),
}

pub(super) fn judge(
    ruleset: &Ruleset<'_>,
    hook: Hook,
    devices: Devices,
    tracked: Tracked,
    packet: &mut Packet,
    recording: bool,
    skip: usize,
) -> Judgement {
    let family = family_of(packet.destination);
    if let Some((_, why)) = ruleset.doubts.iter().find(|(of, _)| *of == family) {
        return Judgement::CannotTell(Doubt {
            why: why.clone(),
            otherwise: None,
            losses: Vec::new(),
        });
    }
    let run = |assumed: u32| -> (Outcome, Vec<String>) {
        let mut run = Run {
            assumed,
            skip,
            recording,
            ..Run::new(ruleset, devices, tracked, *packet)
        };
        let end = match run.hook(hook) {
            Flow::Next | Flow::Accept => Ended::Passes(run.packet),
            Flow::Lost(loss) => Ended::Lost(loss),
            Flow::Unknown(why) => Ended::CannotTell(why),
        };
        let outcome = Outcome {
            end,
            changed_by: run.changed_by,
        };
        (outcome, run.unknown)
    };
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    let mut assumed: u32 = 0;
    loop {
        let (outcome, met) = run(assumed);
        if unknown.len() < met.len() {
            unknown = met;
        }
        if !outcomes.iter().any(|known| known.end == outcome.end) {
            outcomes.push(outcome);
        }
        let bits = u32::try_from(unknown.len()).unwrap_or(u32::MAX);
        if bits <= MOST_UNKNOWN {
            assumed += 1;
            if assumed >= 1 << bits {
                break;
            }
        } else {
            // Too many to try them in all ways: each by itself shows what it may do.
            assumed = if assumed.is_power_of_two() {
                assumed << 1
            } else {
                1
            };
            if assumed == 0 || assumed >= 1 << bits.min(31) {
                break;
            }
        }
    }
    let is_sure =
        outcomes.len() == 1 && u32::try_from(unknown.len()).is_ok_and(|bits| bits <= MOST_UNKNOWN);
    if is_sure && let Some(outcome) = outcomes.pop() {
        return match outcome.end {
            Ended::Passes(passed) => {
                *packet = passed;
                Judgement::Accept {
                    changed_by: outcome.changed_by,
                }
            }
            Ended::Lost(loss) => Judgement::Drop(loss),
            Ended::CannotTell(why) => Judgement::CannotTell(Doubt {
                why,
                otherwise: None,
                losses: Vec::new(),
            }),
        };
    }
    Judgement::CannotTell(doubt(outcomes, &unknown))
}

/// What several outcomes leave in doubt.
fn doubt(outcomes: Vec<Outcome>, unknown: &[String]) -> Doubt {
    let mut doubt = Doubt {
        why: format!(
            "it depends on a rule that is not followed: {}",
            unknown.first().map_or("", String::as_str)
        ),
        otherwise: None,
        losses: Vec::new(),
    };
    let mut ways = 0;
    for outcome in outcomes {
        match outcome.end {
            Ended::Passes(packet) => {
                ways += 1;
                doubt.otherwise = Some((packet, outcome.changed_by));
            }
            Ended::Lost(loss) => doubt.losses.push(loss),
            Ended::CannotTell(why) => {
                ways += 2;
                doubt.why = why;
            }
        }
    }
    // Where no rule was found that takes it, there were too many in doubt to try them in all ways together.
    let is_certain = ways == 1 && !doubt.losses.is_empty();
    doubt.otherwise = doubt.otherwise.filter(|_| is_certain);
    doubt
}

/// Whether a test that asks for nothing but what the packet carries holds for it.
pub(super) fn holds(ruleset: &Ruleset<'_>, test: &Match, packet: &Packet) -> bool {
    let devices = Devices {
        input: None,
        output: None,
    };
    Run::new(ruleset, devices, Tracked::NEW, *packet).holds(test)
}

impl<'r, 'a> Run<'r, 'a> {
    fn new(ruleset: &'r Ruleset<'a>, devices: Devices, tracked: Tracked, packet: Packet) -> Self {
        Self {
            ruleset,
            devices,
            tracked,
            packet,
            first: packet,
            assumed: 0,
            unknown: Vec::new(),
            skip: 0,
            recording: false,
            changed_by: Vec::new(),
        }
    }
}

impl Run<'_, '_> {
    fn hook(&mut self, hook: Hook) -> Flow {
        let family = family_of(self.packet.destination);
        let ruleset = self.ruleset;
        for chain in &ruleset.chains {
            let concerns = chain.hook == hook
                && chain.family.is_none_or(|of| of == family)
                && !(chain.is_nat && self.tracked.established)
                && (chain.devices.is_empty() || self.hangs_on(&chain.devices));
            if !concerns {
                continue;
            }
            match self.chain(chain, &chain.table, &chain.name, 0) {
                Flow::Accept => {}
                Flow::Next if chain.policy_drops => {
                    return Flow::Lost(Loss {
                        cause: Cause::Filtered {
                            by: chain.by,
                            chain: format!("{} {}", chain.table.name, chain.name),
                            rejected: false,
                            policy: true,
                            undo: chain.table.open(&chain.name),
                        },
                        row: format!("{}: policy of {} drops", chain.table.name, chain.name),
                    });
                }
                Flow::Next => {}
                lost => return lost,
            }
        }
        Flow::Next
    }

    fn chain(&mut self, base: &Chain, table: &Table, name: &str, depth: u8) -> Flow {
        if depth > DEEPEST {
            return Flow::Unknown(format!("chains of {} lead in circles", table.name));
        }
        let Some(rules) = table.chains.get(name) else {
            return Flow::Unknown(format!("chain {name} of {} is not there", table.name));
        };
        for rule in rules {
            if !self.matches(rule) {
                continue;
            }
            match self.act(base, table, name, rule, &rule.actions, depth) {
                (Flow::Next, false) => {}
                (Flow::Next, true) => return Flow::Next,
                (other, _) => return other,
            }
        }
        Flow::Next
    }

    /// The second is whether the chain ends here.
    fn act(
        &mut self,
        base: &Chain,
        table: &Table,
        chain: &str,
        rule: &Rule,
        actions: &[Action],
        depth: u8,
    ) -> (Flow, bool) {
        let text = || format!("{}: {}", table.name, rule.text);
        let lost = |rejected| {
            let cause = Cause::Filtered {
                by: base.by,
                chain: format!("{} {chain}", table.name),
                rejected,
                policy: false,
                undo: table.without(chain, rule),
            };
            (Flow::Lost(Loss { cause, row: text() }), true)
        };
        for action in actions {
            match action {
                Action::Accept => return (Flow::Accept, true),
                Action::Drop => return lost(false),
                Action::Reject => return lost(true),
                Action::Return => return (Flow::Next, true),
                // A target that no chain is and that is not known: an extension.
                Action::Jump(to) if !table.chains.contains_key(to) => {
                    if self.assume(format!("{} ({to})", rule.text)) {
                        return lost(false);
                    }
                }
                Action::Perhaps(what) => {
                    if self.assume(format!("{} ({what})", rule.text)) {
                        return lost(false);
                    }
                }
                Action::Jump(to) => match self.chain(base, table, to, depth + 1) {
                    Flow::Next => {}
                    other => return (other, true),
                },
                Action::Goto(to) => return (self.chain(base, table, to, depth + 1), true),
                Action::Replace(replace) => match self.replace(replace) {
                    Ok(false) => {}
                    Ok(true) => {
                        self.changed(table, chain, rule);
                        if replace.translates {
                            return (Flow::Accept, true);
                        }
                    }
                    Err(()) => return (Flow::Unknown(text()), true),
                },
                Action::Masquerade => {
                    self.packet.source = match self.packet.source {
                        IpAddr::V4(_) => IpAddr::from([0, 0, 0, 0]),
                        IpAddr::V6(_) => IpAddr::from([0u8; 16]),
                    };
                    self.changed(table, chain, rule);
                    return (Flow::Accept, true);
                }
                Action::Mark { mask, value } => {
                    self.packet.mark = (self.packet.mark & !mask) ^ value;
                }
                Action::Verdicts { fields, map } => {
                    let found = map
                        .iter()
                        .find(|(element, _)| self.is_element(fields, element));
                    if let Some((_, actions)) = found {
                        let result = self.act(base, table, chain, rule, actions, depth);
                        if !matches!(result, (Flow::Next, false)) {
                            return result;
                        }
                    }
                }
                Action::HopsAre(hops) => {
                    self.packet.ttl = *hops;
                    self.changed(table, chain, rule);
                }
                Action::HopsLess(by) => {
                    let hops = i16::from(self.packet.ttl) - by;
                    self.packet.ttl = u8::try_from(hops.clamp(0, 255)).unwrap_or(0);
                    self.changed(table, chain, rule);
                }
                Action::Ask => {
                    if self.assume(format!("{} (a program decides)", rule.text)) {
                        return lost(false);
                    }
                    return (Flow::Accept, true);
                }
                Action::Unknown(what) => {
                    let why = format!("{what} in {}", text());
                    return (Flow::Unknown(why), true);
                }
            }
        }
        (Flow::Next, false)
    }

    /// The chain hangs on the device that the frame passes.
    fn hangs_on(&self, devices: &[String]) -> bool {
        let passed = self.devices.input.or(self.devices.output);
        passed.is_some_and(|device| {
            let name = self.ruleset.netns.device_name(device);
            devices.contains(&name)
        })
    }

    /// Whether what is not understood is taken to hold in this run.
    fn assume(&mut self, what: String) -> bool {
        let bit = u32::try_from(self.unknown.len()).unwrap_or(31).min(31);
        self.unknown.push(what);
        self.assumed & (1 << bit) != 0
    }

    fn changed(&mut self, table: &Table, chain: &str, rule: &Rule) {
        if self.recording {
            let text = format!("{}: {}", table.name, rule.text);
            self.changed_by.push(Row {
                undo: Some(table.without(chain, rule)),
                ..Row::new(RowTable::Netfilter, text)
            });
        }
    }
}
