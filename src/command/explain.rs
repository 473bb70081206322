//! `ovl explain`: what a finding means.

use crate::command::Context;
use crate::diagnose::catalogue;
use crate::error::{Error, Outcome, Result};
use crate::render::{Format, explain as show, format};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// The finding; all when left out.
    pub id: Option<String>,
    /// How to print it.
    pub output: Format,
}

/// Explains.
///
/// # Errors
/// When there is no such finding.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let entry = match &request.id {
        Some(id) => Some(catalogue::find(id).ok_or_else(|| unknown(id))?),
        None => None,
    };
    match (request.output, entry) {
        (Format::Json, _) => {
            format::json(&show::Document::of(request.id.as_deref()), context.out)?;
        }
        (_, Some(entry)) => show::one(entry, context.style, context.out)?,
        (_, None) => show::all(context.out)?,
    }
    Ok(Outcome::Healthy)
}

fn unknown(id: &str) -> Error {
    let error = Error::usage(format!("there is no finding {id:?}"));
    match catalogue::similar(id).as_slice() {
        [] => error.try_this("ovl explain lists all"),
        similar => error.try_this(format!("ovl explain {}", similar.join(", or "))),
    }
}
