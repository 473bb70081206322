//! `ovl pod`: everything about one pod.

use crate::cluster::Source;
use crate::collect::Scope;
use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::inspect::find::{NotFound, find};
use crate::inspect::pod::report;
use crate::model::Subject;
use crate::render::pod as show;
use crate::render::{Format, format};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Which pod.
    pub subject: Subject,
    /// Where to look.
    pub source: Source,
    /// How to print it.
    pub output: Format,
}

/// Finds the pod and prints it.
///
/// # Errors
/// When there is no such pod, or several.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let bundle = request.source.read(&Scope::Pod(request.subject.clone()))?;
    let found =
        find(&bundle, &request.subject).map_err(|error| not_found(error, &request.source))?;
    let report = report(&bundle, &found);
    match request.output {
        Format::Json => format::json(&report, context.out)?,
        output => show::text(&report, output == Format::Wide, context.style, context.out)?,
    }
    super::warn_of_missing(&bundle);
    Ok(Outcome::Healthy)
}

/// The error for a pod that is not found.
pub(super) fn not_found(error: NotFound, place: &Source) -> Error {
    match error {
        NotFound::Absent(words) => Error::failed(words).try_this(place.list_pods()),
        NotFound::Ambiguous(words) => {
            Error::usage(words).try_this("say which with NAMESPACE/NAME or the id")
        }
        NotFound::Unknown(words) => Error::new(Outcome::CannotTell, words),
    }
}
