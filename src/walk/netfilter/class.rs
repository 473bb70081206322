//! What the rules let through of all packets that have something in common: whether any is accepted, whatever else
//! it carries. Each packet by itself is `run`'s affair.

use std::net::IpAddr;

use ipnet::IpNet;

use super::rule::{
    Action, Chain, Element, Field, Match, Replace, Rule, States, Table, Test, Value, is_called,
};
use super::{Hook, Ruleset};
use crate::model::rule::Family;

/// Chains that call each other deeper than this are not followed (the kernel refuses loops).
const DEEPEST: u8 = 32;

/// The first packets of conversations, with what is known of them all.
#[derive(Debug, Clone)]
pub struct Class<'a> {
    /// The family of their addresses.
    pub family: Family,
    /// The device that they came in by.
    pub input: Option<&'a str>,
    /// The device that they leave by.
    pub output: Option<&'a str>,
    /// Who sends them.
    pub source: Option<IpAddr>,
    /// Whom they are for.
    pub destination: Option<IpAddr>,
}

/// What becomes of a class of packets in one base chain.
#[derive(Debug, Clone)]
pub struct Fate<'r> {
    /// What changes the chain: `iptables`, `ip6tables-legacy`, `nft` …
    pub program: &'static str,
    /// The chain's table; nft's with the family before it.
    pub table: &'r str,
    /// The chain.
    pub chain: &'r str,
    /// Whether any packet of the class is accepted.
    pub accepts: Accepts,
    /// What throws away all packets that come as far, if anything does.
    pub drops: Option<Drops>,
    /// Whether any may be thrown away at all.
    pub may_drop: bool,
}

/// Whether anything of a class is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accepts {
    /// No rule does.
    Nothing,
    /// Only rules of which it cannot be told what they match.
    Undecided,
    /// Packets that are like this.
    Something,
}

/// What throws packets away that no rule took before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drops {
    /// A rule that is about every packet that came as far.
    Rule {
        /// As its program prints it.
        text: String,
        /// The command that takes it away.
        undo: String,
        /// The sender is told.
        rejects: bool,
    },
    /// The end of the chain.
    Policy {
        /// The command that lets packets pass there.
        undo: String,
    },
}

impl Ruleset<'_> {
    /// What each base chain at `hook` does with the packets of a class.
    pub fn fates(&self, hook: Hook, class: &Class<'_>) -> Vec<Fate<'_>> {
        self.chains
            .iter()
            .filter(|chain| chain.hook == hook && !chain.is_nat)
            .filter(|chain| chain.family.is_none_or(|family| family == class.family))
            .map(|chain| class.fate(chain))
            .collect()
    }
}

/// Whether a rule is about the packets of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    All,
    Some,
    /// It looks at what is not known.
    Undecided,
    None,
}

impl About {
    fn of(known: Option<bool>) -> Self {
        match known {
            Some(true) => Self::All,
            Some(false) => Self::None,
            None => Self::Some,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Undecided, _) | (_, Self::Undecided) => Self::Undecided,
            (Self::Some, _) | (_, Self::Some) => Self::Some,
            (Self::All, Self::All) => Self::All,
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    fn not(self) -> Self {
        match self {
            Self::All => Self::None,
            Self::None => Self::All,
            other => other,
        }
    }
}

/// What became of the packets so far, and whether any are left for the rules behind.
struct Course {
    accepts: Accepts,
    drops: Option<Drops>,
    may_drop: bool,
    /// Some come to the end of the chain, or are sent back to the one that called it.
    ends: bool,
    goes_on: bool,
}

impl Course {
    const BEGINS: Self = Self {
        accepts: Accepts::Nothing,
        drops: None,
        may_drop: false,
        ends: false,
        goes_on: true,
    };

    fn accept(&mut self, about: About) {
        let accepts = if about == About::Undecided {
            Accepts::Undecided
        } else {
            Accepts::Something
        };
        self.accepts = self.accepts.max(accepts);
    }

    /// `by` is about all packets that came as far; what is behind it in the rules gets none of them.
    fn drop(&mut self, by: Option<Drops>) {
        self.may_drop = true;
        if self.drops.is_none() {
            self.drops = by;
        }
    }

    /// Takes in what a called chain did with the packets that a rule is about.
    fn take(&mut self, called: Self, about: About, is_goto: bool) {
        let most = if about == About::Undecided {
            Accepts::Undecided
        } else {
            Accepts::Something
        };
        self.accepts = self.accepts.max(called.accepts.min(most));
        if called.may_drop {
            self.drop(called.drops.filter(|_| about == About::All));
        }
        if is_goto {
            self.ends |= called.ends;
        } else {
            self.goes_on |= called.ends;
        }
    }
}

impl Class<'_> {
    fn fate<'r>(&self, chain: &'r Chain) -> Fate<'r> {
        let mut course = self.follow(&chain.table, &chain.name, 0);
        if course.ends {
            if chain.policy_drops {
                course.drop(Some(Drops::Policy {
                    undo: chain.table.open(&chain.name),
                }));
            } else {
                course.accepts = Accepts::Something;
            }
        }
        Fate {
            program: chain.table.program,
            table: &chain.table.name,
            chain: &chain.name,
            accepts: course.accepts,
            drops: course.drops,
            may_drop: course.may_drop,
        }
    }

    fn follow(&self, table: &Table, chain: &str, depth: u8) -> Course {
        let mut course = Course::BEGINS;
        let Some(rules) = table.chains.get(chain).filter(|_| depth <= DEEPEST) else {
            course.accepts = Accepts::Undecided;
            course.ends = true;
            return course;
        };
        for rule in rules {
            let about = rule
                .matches
                .iter()
                .fold(About::All, |about, one| about.and(self.asks(one)));
            if about == About::None || rule.actions.is_empty() {
                continue;
            }
            course.goes_on = about != About::All;
            self.act(
                &mut course,
                (table, chain, rule),
                &rule.actions,
                about,
                depth,
            );
            if !course.goes_on {
                return course;
            }
        }
        course.ends = true;
        course
    }

    /// Does what a rule does with the packets that it is about.
    fn act(
        &self,
        course: &mut Course,
        place: (&Table, &str, &Rule),
        actions: &[Action],
        about: About,
        depth: u8,
    ) {
        let (table, chain, rule) = place;
        for action in actions {
            match action {
                Action::Accept
                | Action::Replace(Replace {
                    translates: true, ..
                })
                | Action::Masquerade => return course.accept(about),
                Action::Drop | Action::Reject => {
                    return course.drop((about == About::All).then(|| Drops::Rule {
                        text: rule.text.clone(),
                        undo: table.without(chain, rule),
                        rejects: matches!(action, Action::Reject),
                    }));
                }
                Action::Return => {
                    course.ends = true;
                    return;
                }
                Action::Jump(name) | Action::Goto(name) => {
                    let is_goto = matches!(action, Action::Goto(_));
                    let rest = course.goes_on;
                    course.goes_on = false;
                    course.take(self.follow(table, name, depth + 1), about, is_goto);
                    let comes_back = std::mem::replace(&mut course.goes_on, rest);
                    if !comes_back {
                        return;
                    }
                }
                Action::Verdicts { fields, map } => {
                    for (element, actions) in map {
                        let about = about.and(self.is_element(fields, element));
                        if about == About::None {
                            continue;
                        }
                        self.act(course, place, actions, about, depth);
                        if about == About::All {
                            return;
                        }
                    }
                }
                // Somebody else decides, or nobody knows.
                Action::Ask | Action::Unknown(_) => {
                    course.accept(About::Undecided);
                    return course.drop(None);
                }
                // What it says may end the way of some, whichever way.
                Action::Perhaps(_) => {
                    course.accept(About::Undecided);
                    course.drop(None);
                }
                // A field that is written sends nobody away.
                Action::Replace(_)
                | Action::Mark { .. }
                | Action::HopsLess(_)
                | Action::HopsAre(_) => {}
            }
        }
        course.goes_on = true;
    }

    fn asks(&self, one: &Match) -> About {
        let about = match &one.test {
            Test::Source(nets) => within(nets, self.source),
            Test::Destination(nets) => within(nets, self.destination),
            Test::Input(names) => named(names, self.input),
            Test::Output(names) => named(names, self.output),
            Test::Version(family) => About::of(Some(*family == self.family)),
            Test::State(states) => state(*states),
            Test::Elements { fields, elements } => elements
                .iter()
                .map(|element| self.is_element(fields, element))
                .fold(About::None, About::or),
            Test::Always => About::All,
            // Some packets have them.
            Test::Protocol(_)
            | Test::SourcePort(_)
            | Test::DestinationPort(_)
            | Test::IcmpType(_)
            | Test::AddressType { .. }
            | Test::Length(..)
            | Test::Hops(..)
            | Test::Chance => About::Some,
            // Of marks it is not known what was set before.
            Test::Mark { .. } | Test::Unknown(_) => About::Undecided,
        };
        if one.invert { about.not() } else { about }
    }

    fn is_element(&self, fields: &[Field], element: &Element) -> About {
        if fields.len() != element.values.len() {
            return About::None;
        }
        fields
            .iter()
            .zip(&element.values)
            .map(|(field, value)| self.has(*field, value))
            .fold(About::All, About::and)
    }

    fn has(&self, field: Field, value: &Value) -> About {
        let address = match field {
            Field::Source => self.source,
            Field::Destination => self.destination,
            Field::Input | Field::Output => {
                let device = if field == Field::Input {
                    self.input
                } else {
                    self.output
                };
                return match value {
                    Value::Any => About::All,
                    Value::Name(name) => named(std::slice::from_ref(name), device),
                    _ => About::None,
                };
            }
            Field::SourcePort | Field::DestinationPort | Field::Protocol => {
                return match value {
                    Value::Any => About::All,
                    _ => About::Some,
                };
            }
            Field::Mark => return About::Undecided,
        };
        match value {
            Value::Any => About::All,
            Value::Net(net) => within(std::slice::from_ref(net), address),
            Value::Range(first, last) => {
                About::of(address.map(|address| (*first..=*last).contains(&address)))
            }
            _ => About::None,
        }
    }
}

fn within(nets: &[IpNet], address: Option<IpAddr>) -> About {
    About::of(address.map(|address| nets.iter().any(|net| net.contains(&address))))
}

fn named(names: &[String], device: Option<&str>) -> About {
    About::of(device.map(|device| names.iter().any(|name| is_called(device, name))))
}

/// The first packet of a conversation is new; what was translated before is not known.
fn state(states: States) -> About {
    if states.new {
        About::All
    } else if states.dnat || states.snat {
        About::Undecided
    } else {
        About::None
    }
}

#[cfg(test)]
mod tests;
