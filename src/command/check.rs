//! `ovl check`: what is wrong on a node in itself.

use crate::cli::Context;
use crate::cluster::Source;
use crate::collect::Scope;
use crate::diagnose;
use crate::error::{Outcome, Result};
use crate::render::check as show;
use crate::render::{Format, format};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Where to look.
    pub source: Source,
    /// How to print it.
    pub output: Format,
}

/// Looks, and exits 1 if something is wrong, 4 if nothing is wrong as far as could be seen but not all could.
///
/// # Errors
/// When no node can be read.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let bundle = request.source.read(&Scope::Everything)?;
    let report = diagnose::check(&bundle);
    match request.output {
        Format::Json => format::json(&report, context.out)?,
        output => show::text(&report, output == Format::Wide, context.style, context.out)?,
    }
    Ok(
        if report
            .findings
            .iter()
            .any(|finding| finding.severity == diagnose::Severity::Fault)
        {
            Outcome::Fault
        } else if report.doubts.is_empty() {
            Outcome::Healthy
        } else {
            Outcome::CannotTell
        },
    )
}
