//! What is wrong with the way of a packet: what the tables say of it, held against what the taps saw.
//!
//! A finding is *proven* when both say so. What only the tables say is told as that; what only the taps say is told
//! as what it is: last seen here, never there, with what could do it.

mod between;
mod blame;
mod cause;
mod device;
mod facts;
mod filtered;
mod observed;
mod origin;
mod quiet;
mod size;
mod unread;
mod waiting;

use serde::Serialize;

pub use observed::{Change, Observed, Sight};

use super::{Evidence, Finding};
use crate::model::Bundle;
use crate::model::number::NetnsId;
use crate::walk::OtherWays;
use crate::walk::path::{End, Note, NoteKind, Path};

/// The ways that a trace asked the tables for.
#[derive(Debug, Clone, Copy)]
pub struct Ways<'a> {
    /// From the source to the destination.
    pub there: &'a Path,
    /// The answer.
    pub back: Option<&'a Path>,
    /// What hashes may choose in place of the first ways.
    pub others: &'a OtherWays,
    /// A packet of the size that the source believes it may send, not to be cut.
    pub large: Option<&'a Path>,
    /// The same for what the destination believes.
    pub large_back: Option<&'a Path>,
    /// The node and namespace of the source and of the destination, as far as they are known.
    pub ends: [Option<(&'a str, NetnsId)>; 2],
}

/// A finding of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// What is wrong.
    #[serde(flatten)]
    pub finding: Finding,
    /// How sure that is.
    pub certainty: Certainty,
    /// What else it could be, and what would tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub possible: Vec<Possible>,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The tables say so, and packets were lost or changed exactly there.
    Proven,
    /// The tables say so; no packet was sent, or none could be seen.
    Tables,
    /// Packets were lost there; the tables do not say why.
    Seen,
}

impl Certainty {
    /// As words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Tables => "by the tables",
            Self::Seen => "seen, cause not known",
        }
    }
}

/// Something that could be the cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Possible {
    /// What.
    pub what: String,
    /// What would tell.
    pub tell: String,
}

/// What a trace concludes.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Conclusion {
    /// What is wrong, in the order of the way.
    pub verdicts: Vec<Verdict>,
    /// Why nothing can be said of something.
    pub doubts: Vec<String>,
    /// The way was not followed to its end, so that more may be wrong behind.
    pub more_may_follow: bool,
    /// Packets went otherwise than the tables say. These may have changed since they were read: a neighbour is
    /// learned anew by the first packet.
    #[serde(skip)]
    pub contradicted: bool,
}

/// The tables, and what they had become when the packets had been sent.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    /// What the ways were found with.
    pub before: &'a Bundle,
    /// Read afterwards, for what its counters say.
    pub after: Option<&'a Bundle>,
}

impl Conclusion {
    /// Whether packets are lost for a reason that the tables do not give, so that their counters are worth reading.
    pub fn is_unexplained(&self) -> bool {
        self.verdicts
            .iter()
            .any(|verdict| verdict.certainty == Certainty::Seen)
    }
}

/// Concludes from the tables, and from what was seen if packets were sent.
pub fn conclude(read: Read<'_>, ways: &Ways<'_>, observed: Option<&Observed>) -> Conclusion {
    let bundle = read.before;
    let mut conclusion = Conclusion::default();
    let predicted = predict(bundle, ways, &mut conclusion);
    match observed {
        None => {
            doubt_rules(ways, &mut conclusion);
            conclusion.verdicts = predicted
                .into_iter()
                .map(|(_, finding)| Verdict {
                    finding,
                    certainty: Certainty::Tables,
                    possible: Vec::new(),
                })
                .collect();
        }
        Some(observed) => observed::weigh(read, ways, predicted, observed, &mut conclusion),
    }
    conclusion
}

/// Nobody has sent a packet to see what the rules do that are not followed.
fn doubt_rules(ways: &Ways<'_>, conclusion: &mut Conclusion) {
    for path in [Some(ways.there), ways.back].into_iter().flatten() {
        conclusion
            .doubts
            .extend(path.notes.iter().filter_map(not_followed));
    }
}

/// That a rule may take the packet which the walk could not follow.
fn not_followed(note: &Note) -> Option<String> {
    let NoteKind::MayDrop { .. } = note.kind else {
        return None;
    };
    let row = note.row.as_ref().map_or("", |row| row.text.as_str());
    let at = &note.at;
    Some(format!(
        "{at}: it depends on a rule that is not followed: {row}"
    ))
}

/// Which of the ways a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leg {
    /// The request is lost.
    There,
    /// The answer is lost.
    Back,
    /// Both pass; something is wrong all the same.
    Quiet,
    /// Only large packets are lost.
    Large,
    /// Only packets that a hash sends another way are lost.
    Sometimes,
}

/// What the tables say.
fn predict(bundle: &Bundle, ways: &Ways<'_>, conclusion: &mut Conclusion) -> Vec<(Leg, Finding)> {
    let mut found: Vec<(Leg, Finding)> = Vec::new();
    let mut push = |leg, finding: Finding| {
        let told = found.iter_mut().find(|(_, other): &&mut (Leg, Finding)| {
            (other.id, &other.node, &other.device) == (finding.id, &finding.node, &finding.device)
        });
        match told {
            // What is wrong all the same may be what loses the answer, too.
            Some(known) if known.0 == Leg::Quiet => *known = (leg, finding),
            Some(_) => {}
            None => found.push((leg, finding)),
        }
    };
    for (leg, path) in [(Leg::There, Some(ways.there)), (Leg::Back, ways.back)] {
        let Some(path) = path else { continue };
        match &path.end {
            End::Delivered { .. } => {
                conclusion.doubts.extend(unread::of_passage(bundle, path));
                for finding in quiet::of_path(bundle, path) {
                    push(Leg::Quiet, finding);
                }
            }
            End::Dropped(drop) => {
                let finding = translated(bundle, ways, leg)
                    .unwrap_or_else(|| cause::finding(bundle, path, drop));
                match unread::of_loss(bundle, ways, path, drop) {
                    None => push(leg, finding),
                    Some(unread) => conclusion.doubts.push(format!(
                        "{unread}; so that {} ({}) is only a guess",
                        finding.id, finding.what
                    )),
                }
                // Behind it nothing was looked at; what is wrong with the answer may follow from the same.
                conclusion.more_may_follow = true;
                return found;
            }
            End::CannotTell { at, why } => {
                let finding = translated(bundle, ways, leg).or_else(|| {
                    let suspect = quiet::suspect(bundle, path)?;
                    suspect.stands.then_some(suspect.finding)
                });
                if let Some(finding) = finding {
                    push(leg, finding);
                    conclusion.more_may_follow = true;
                    return found;
                }
                conclusion.doubts.push(format!("{at}: {why}"));
            }
        }
    }
    if let Some(finding) = ways
        .back
        .and_then(|back| quiet::asymmetric(bundle, ways.there, back))
    {
        push(Leg::Quiet, finding);
    }
    for other in &ways.others.found {
        let which = format!("one of {} ways, the {}", other.of, ordinal(other.number));
        let doubt = match &other.path.end {
            End::Delivered { .. } => unread::of_passage(bundle, &other.path).or_else(|| {
                if let Some(mut finding) = quiet::detour(bundle, &other.path) {
                    finding.what = format!("{which}: {}", finding.what);
                    push(Leg::Quiet, finding);
                }
                // What the first ways met is theirs to tell, or the packets'.
                let is_known = |note: &&Note| {
                    ways.there.notes.contains(note)
                        || ways.back.is_some_and(|back| back.notes.contains(note))
                };
                let mut own = other.path.notes.iter().filter(|note| !is_known(note));
                own.find_map(not_followed)
            }),
            End::CannotTell { at, why } => match quiet::suspect(bundle, &other.path) {
                Some(suspect) if suspect.stands => {
                    let mut finding = suspect.finding;
                    finding.what = format!("{which}: {}", finding.what);
                    push(Leg::Sometimes, finding);
                    None
                }
                _ => Some(format!("{at}: {why}")),
            },
            End::Dropped(drop) => match unread::of_loss(bundle, ways, &other.path, drop) {
                None => {
                    let mut finding = cause::finding(bundle, &other.path, drop);
                    finding.what = format!("{which}: {}", finding.what);
                    push(Leg::Sometimes, finding);
                    None
                }
                unread => unread,
            },
        };
        let doubt = doubt.map(|why| format!("{which}: {why}"));
        conclusion.doubts.extend(doubt);
    }
    if ways.others.more {
        let doubt = "there are more ways for a hash to choose from than were followed";
        conclusion.doubts.push(doubt.to_owned());
    }
    for path in [ways.large, ways.large_back].into_iter().flatten() {
        if let End::Dropped(drop) = &path.end
            && let Some(finding) = size::too_large(bundle, path, drop)
        {
            push(Leg::Large, finding);
            break;
        }
        if let Some(finding) = size::cut(bundle, path) {
            push(Leg::Large, finding);
            break;
        }
    }
    found
}

/// A way that is not passed as a rule changes the packet's addresses: the destination, or the source, which nobody
/// has and so no answer finds.
fn translated(bundle: &Bundle, ways: &Ways<'_>, leg: Leg) -> Option<Finding> {
    match leg {
        Leg::There => origin::redirected(bundle, ways.there).map(origin::Told::into_finding),
        Leg::Back => {
            let source = ways.back?.packet.destination;
            let changed = source != ways.there.packet.source;
            if !changed || facts::holders(bundle, source).next().is_some() {
                return None;
            }
            let mut finding = quiet::masqueraded(bundle, ways.there)?;
            finding
                .what
                .push_str(", which nobody has: no answer comes back");
            Some(finding)
        }
        _ => None,
    }
}

/// `2nd`
fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// The rows that a decision was made by, as evidence.
fn rows(node: &str, rows: &[crate::walk::path::Row]) -> Vec<Evidence> {
    rows.iter()
        .map(|row| Evidence::new(format!("{node} {}", row.table.as_str()), &row.text))
        .collect()
}
