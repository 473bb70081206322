//! What changes from one trace to the next. Pure.

use serde::Serialize;

use super::Trace;
use crate::error::Outcome;

/// When and how a trace became another than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Watched {
    /// When it began, nanoseconds since 1970.
    pub time_ns: i64,
    /// What changed.
    pub change: Change,
}

/// How a trace differs from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is the first one.
    Begun,
    /// Something is wrong now.
    Broke,
    /// Nothing is wrong any more.
    Healed,
    /// It cannot be told now.
    Unknown,
    /// It can be told again, and nothing is wrong.
    Known,
    /// Something else is wrong, or it goes another way.
    Changed,
}

impl Change {
    /// As words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Broke => "broke",
            Self::Healed => "healed",
            Self::Unknown => "cannot tell",
            Self::Known => "can tell again",
            Self::Changed => "changed",
        }
    }
}

/// What was seen last.
#[derive(Debug, Default)]
pub struct Watch {
    last: Option<(Outcome, Vec<String>)>,
    /// Whether it was broken when that could last be told.
    was_broken: bool,
}

impl Watch {
    /// Whether nothing was seen yet.
    pub fn is_new(&self) -> bool {
        self.last.is_none()
    }

    /// What a trace that ended with `outcome` changes; nothing if it says what the one before did.
    pub fn note(&mut self, trace: &Trace, outcome: Outcome) -> Option<Change> {
        self.see(outcome, state(trace))
    }

    /// The same when there is no trace.
    pub fn note_failure(&mut self, words: &str) -> Option<Change> {
        self.see(Outcome::CannotTell, vec![words.to_owned()])
    }

    fn see(&mut self, outcome: Outcome, state: Vec<String>) -> Option<Change> {
        let now = (outcome, state);
        if self.last.as_ref() == Some(&now) {
            return None;
        }
        let before = self.last.replace(now).map(|(outcome, _)| outcome);
        let was_broken = self.was_broken;
        match outcome {
            Outcome::Fault => self.was_broken = true,
            Outcome::Healthy => self.was_broken = false,
            _ => {}
        }
        Some(match (before, outcome) {
            (None, _) => Change::Begun,
            (Some(before), now) if before == now => Change::Changed,
            (_, Outcome::Fault) if was_broken => Change::Changed,
            (_, Outcome::Fault) => Change::Broke,
            (_, Outcome::Healthy) if was_broken => Change::Healed,
            (_, Outcome::Healthy) => Change::Known,
            _ => Change::Unknown,
        })
    }
}

/// What makes a trace another than the one before: what is wrong and where, which way it goes, whether it arrives; not
/// how long it took.
fn state(trace: &Trace) -> Vec<String> {
    let findings = trace.findings.iter().map(|verdict| {
        let finding = &verdict.finding;
        format!(
            "{} {} {:?} {:?}",
            finding.id, finding.node, finding.place, finding.device
        )
    });
    let points = trace.out.path.tap_points();
    findings
        .chain(points.map(|point| format!("{point:?}")))
        .chain(trace.missing.iter().map(|missing| missing.node.clone()))
        .chain([trace.is_answered().to_string()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_told_once_by_its_name() {
        let mut watch = Watch::default();
        let mut see = |outcome, state: &str| watch.see(outcome, vec![state.to_owned()]);
        assert_eq!(see(Outcome::Healthy, "a"), Some(Change::Begun));
        assert_eq!(see(Outcome::Healthy, "a"), None);
        assert_eq!(see(Outcome::Healthy, "b"), Some(Change::Changed));
        assert_eq!(see(Outcome::Fault, "c"), Some(Change::Broke));
        assert_eq!(see(Outcome::Fault, "d"), Some(Change::Changed));
        assert_eq!(see(Outcome::CannotTell, "e"), Some(Change::Unknown));
        assert_eq!(see(Outcome::Fault, "d"), Some(Change::Changed));
        assert_eq!(see(Outcome::CannotTell, "e"), Some(Change::Unknown));
        assert_eq!(see(Outcome::Healthy, "a"), Some(Change::Healed));
        assert_eq!(see(Outcome::CannotTell, "e"), Some(Change::Unknown));
        assert_eq!(see(Outcome::Healthy, "a"), Some(Change::Known));
    }
}
