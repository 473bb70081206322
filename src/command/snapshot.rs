//! `ovl snapshot`: everything that forwards a packet, in one document.

use std::path::PathBuf;

use serde_json::Value;

use crate::cluster::{Source, file};
use crate::collect::Scope;
use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::inspect::redact::Redactor;

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Where to write it; standard output if not given.
    pub output: Option<PathBuf>,
    /// Whether names and addresses are replaced.
    pub redact: bool,
    /// Where to look.
    pub source: Source,
}

/// Takes a snapshot and writes it: of one node as it is, of several as a bundle.
///
/// # Errors
/// When no node can be read, or the file not be written.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let bundle = request.source.read(&Scope::Everything)?;
    let written = match (bundle.nodes.as_slice(), bundle.missing.is_empty()) {
        ([node], true) => serde_json::to_value(node),
        _ => serde_json::to_value(&bundle),
    };
    let mut document: Value =
        written.map_err(|error| Error::failed("cannot write the snapshot").caused_by(error))?;
    if request.redact {
        Redactor::default().redact(&mut document);
    }
    match &request.output {
        Some(path) => file::write(path, &document)?,
        None => {
            serde_json::to_writer(&mut *context.out, &document).map_err(std::io::Error::from)?;
            context.out.write_all(b"\n")?;
        }
    }
    super::warn_of_missing(&bundle);
    // What was asked for is there as far as it goes, and says itself how far that is.
    Ok(if bundle.missing.is_empty() {
        Outcome::Healthy
    } else {
        Outcome::CannotTell
    })
}
