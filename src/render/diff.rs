//! `ovl diff`, for people.

use std::io::{self, Write};

use super::Style;
use super::escape::escape;
use crate::inspect::diff::{ChangeKind, Diff};

/// Writes a line for each change, under the place it is in.
///
/// # Errors
/// Those of `out`.
pub fn text(diff: &Diff, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if diff.changes.is_empty() {
        writeln!(out, "No difference.")?;
    }
    let mut place = None;
    for change in &diff.changes {
        let here = (&change.node, &change.place);
        if place != Some(here) {
            let name = match change.place.as_str() {
                "" | "the node" => change.node.clone(),
                pod => format!("{} {pod}", change.node),
            };
            writeln!(out, "{}", style.subject(escape(&name)))?;
            place = Some(here);
        }
        let text = escape(&change.text);
        let line = match change.kind {
            ChangeKind::Added => style.good(format!("+ {text}")),
            ChangeKind::Removed => style.bad(format!("- {text}")),
            ChangeKind::Changed => style.doubtful(format!("~ {text}")),
        };
        writeln!(out, "  {line}")?;
    }
    for doubt in &diff.doubts {
        writeln!(out, "{}", style.doubtful(format!("? {}", escape(doubt))))?;
    }
    Ok(())
}
