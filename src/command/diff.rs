//! `ovl diff`: what changed between two snapshots.

use std::path::PathBuf;

use crate::cluster::{Source, file};
use crate::collect::Scope;
use crate::command::Context;
use crate::error::{Outcome, Result};
use crate::inspect::diff::compare;
use crate::render::diff as show;
use crate::render::{Format, format};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// The snapshot before.
    pub before: PathBuf,
    /// Where to look now.
    pub after: Source,
    /// How to print it.
    pub output: Format,
}

/// Compares, and exits 1 if there is a difference, as `diff` does.
///
/// # Errors
/// When one of the two cannot be read.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let before = file::read(&request.before)?;
    let after = request.after.read(&Scope::Everything)?;
    let diff = compare(&before, &after);
    match request.output {
        Format::Json => format::json(&diff, context.out)?,
        _ => show::text(&diff, context.style, context.out)?,
    }
    super::warn_of_missing(&after);
    Ok(if !diff.changes.is_empty() {
        Outcome::Fault
    } else if !diff.doubts.is_empty() {
        Outcome::CannotTell
    } else {
        Outcome::Healthy
    })
}
