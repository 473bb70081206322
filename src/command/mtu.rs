//! `ovl mtu`: how large a packet may be, and why.

use crate::cluster::Source;
use crate::collect::Scope;
use crate::command::Context;
use crate::error::{Outcome, Result};
use crate::render::{Format, format, mtu as show};
use crate::trace::mtu::Mtus;
use crate::trace::{Question, ways};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Between whom; the devices of all nodes if nobody.
    pub question: Option<Question>,
    /// Where to look.
    pub place: Source,
    /// How to print it.
    pub output: Format,
}

/// Reads the tables and prints what fits where: exits 1 if something does not fit together, 4 if not all could be
/// seen.
///
/// # Errors
/// When no node can be read, or one of the two ends is not found.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let bundle = request.place.read(&Scope::Everything)?;
    let mtus = match &request.question {
        Some(question) => Mtus::of_way(
            &ways(&bundle, question)
                .map_err(|unfound| super::trace::unfound(unfound, &bundle, &request.place))?,
        ),
        None => Mtus::of_nodes(&bundle),
    };
    match request.output {
        Format::Json => format::json(&mtus, context.out)?,
        Format::Text | Format::Wide => show::text(&mtus, context.style, context.out)?,
    }
    super::warn_of_missing(&bundle);
    Ok(if !mtus.faults.is_empty() {
        Outcome::Fault
    } else if mtus.doubt.is_some() || !bundle.missing.is_empty() {
        Outcome::CannotTell
    } else {
        Outcome::Healthy
    })
}
