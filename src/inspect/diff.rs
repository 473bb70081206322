//! What changed between two snapshots, in an operator's words (`ovl.diff/v1`).

mod netfilter;
mod netns;
mod node;

use std::fmt::Display;

use serde::Serialize;

use crate::model::{Bundle, Table};

/// What changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// Always [`Diff::SCHEMA`].
    pub schema: &'static str,
    /// The changes, by node and place.
    pub changes: Vec<Change>,
    /// What could not be compared, and why.
    pub doubts: Vec<String>,
}

impl Diff {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.diff/v1";
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The node.
    pub node: String,
    /// Where on it: a pod, a namespace, or the node itself.
    pub place: String,
    /// What kind of row: `link`, `route`, `neighbour` …
    pub what: &'static str,
    /// How it changed.
    pub kind: ChangeKind,
    /// In words.
    pub text: String,
}

/// How something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is different.
    Changed,
}

/// Compares two moments of the same nodes.
pub fn compare(before: &Bundle, after: &Bundle) -> Diff {
    let mut diff = Diff {
        schema: Diff::SCHEMA,
        changes: Vec::new(),
        doubts: Vec::new(),
    };
    let alone = before.nodes.len() == 1 && after.nodes.len() == 1;
    for old in &before.nodes {
        // Two snapshots of one node are compared even if it was called something else.
        let new = if alone {
            after.nodes.first()
        } else {
            after.node(&old.name)
        };
        match new {
            Some(new) => Comparison {
                diff: &mut diff,
                node: &new.name,
                place: String::new(),
            }
            .nodes(old, new),
            None => diff.change(
                &old.name,
                "",
                "node",
                ChangeKind::Removed,
                format!("node {} is not there", old.name),
            ),
        }
    }
    for new in after
        .nodes
        .iter()
        .filter(|new| !alone && before.node(&new.name).is_none())
    {
        diff.change(
            &new.name,
            "",
            "node",
            ChangeKind::Added,
            format!("node {} is new", new.name),
        );
    }
    diff
}

impl Diff {
    fn change(
        &mut self,
        node: &str,
        place: &str,
        what: &'static str,
        kind: ChangeKind,
        text: String,
    ) {
        self.changes.push(Change {
            node: node.to_owned(),
            place: place.to_owned(),
            what,
            kind,
            text,
        });
    }
}

/// A comparison of one place.
struct Comparison<'a> {
    diff: &'a mut Diff,
    node: &'a str,
    place: String,
}

impl Comparison<'_> {
    fn change(&mut self, what: &'static str, kind: ChangeKind, text: String) {
        self.diff.change(self.node, &self.place, what, kind, text);
    }

    fn changed(
        &mut self,
        what: &'static str,
        name: impl Display,
        field: &str,
        old: impl Display,
        new: impl Display,
    ) {
        let space = if field.is_empty() { "" } else { " " };
        self.change(
            what,
            ChangeKind::Changed,
            format!("{name}: {field}{space}{old} → {new}"),
        );
    }

    /// Compares two tables by key. Nothing is said to be gone or new on the word of a table that was not read whole.
    fn table<T, K: PartialEq>(
        &mut self,
        what: &'static str,
        old: &Table<T>,
        new: &Table<T>,
        key: impl Fn(&T) -> K,
        text: impl Fn(&T) -> String,
        mut both: impl FnMut(&mut Self, &T, &T),
    ) {
        let mut unmatched: Vec<&T> = old.iter().collect();
        let mut added = Vec::new();
        for row in new {
            match unmatched.iter().position(|other| key(other) == key(row)) {
                Some(place) => both(self, unmatched.remove(place), row),
                None => added.push(row),
            }
        }
        match old.doubt() {
            None => added.iter().for_each(|row| {
                self.change(what, ChangeKind::Added, format!("{} is new", text(row)));
            }),
            Some(reason) if !added.is_empty() => self.doubt(what, "before", reason),
            Some(_) => {}
        }
        match new.doubt() {
            None => unmatched.iter().for_each(|row| {
                self.change(what, ChangeKind::Removed, format!("{} is gone", text(row)));
            }),
            Some(reason) if !unmatched.is_empty() => self.doubt(what, "after", reason),
            Some(_) => {}
        }
    }

    fn doubt(&mut self, what: &str, when: &str, reason: &str) {
        let place = if self.place.is_empty() {
            self.node
        } else {
            &self.place
        };
        let doubt = format!(
            "{} {place}: {what} rows {when} are not certain: {reason}",
            self.node
        );
        if !self.diff.doubts.contains(&doubt) {
            self.diff.doubts.push(doubt);
        }
    }
}

fn named<T, U>(table: &Table<T>, row: impl Fn(&T) -> U) -> Table<U> {
    Table {
        state: table.state,
        reason: table.reason.clone(),
        rows: table.iter().map(row).collect(),
    }
}

/// The fields in which two values differ, as JSON has them.
fn fields<T: Serialize>(old: &T, new: &T) -> Vec<(String, String, String)> {
    let object = |value: &T| match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(object)) => object,
        _ => serde_json::Map::new(),
    };
    let plain = |value: Option<&serde_json::Value>| match value {
        None | Some(serde_json::Value::Null) => "none".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let (old, new) = (object(old), object(new));
    let mut names: Vec<&String> = old
        .keys()
        .chain(new.keys().filter(|key| !old.contains_key(*key)))
        .collect();
    names.sort();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| {
            (
                name.replace('_', " "),
                plain(old.get(name)),
                plain(new.get(name)),
            )
        })
        .collect()
}
