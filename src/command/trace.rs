//! `ovl trace`: the way of a packet between two ends, and what breaks it.

use crate::cli::Context;
use crate::cluster::Source;
use crate::collect::Scope;
use crate::diagnose::Severity;
use crate::error::{Error, Outcome, Result};
use crate::inspect::find::NotFound;
use crate::render::format;
use crate::render::trace::{self as show, svg};
use crate::trace::endpoint::Unfound;
use crate::trace::{Question, Trace, ways};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Who asks whom, and with what.
    pub question: Question,
    /// Send nothing.
    pub is_static: bool,
    /// How to print it.
    pub output: Output,
    /// Where to look.
    pub place: Source,
}

/// How to print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Text {
        /// With every row.
        wide: bool,
    },
    /// For scripts.
    Json,
    /// To look at.
    Svg,
}

/// Follows the packet and prints its way.
///
/// # Errors
/// When no node can be read, or one of the two ends is not found.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let bundle = request.place.read(&Scope::Everything)?;
    let ways = ways(&bundle, &request.question).map_err(unfound)?;
    let trace = ways.into_trace(&bundle);
    match request.output {
        Output::Text { wide } => show::text(&trace, wide, context.style, context.out)?,
        Output::Json => format::json(&trace, context.out)?,
        Output::Svg => svg::draw(&trace, context.out)?,
    }
    super::warn_of_missing(&bundle);
    Ok(outcome(&trace))
}

/// 1 if something is wrong, 0 if the question is answered and nothing is in doubt, else 4.
fn outcome(trace: &Trace) -> Outcome {
    let faults = trace
        .findings
        .iter()
        .any(|verdict| verdict.finding.severity == Severity::Fault);
    if faults {
        Outcome::Fault
    } else if trace.is_answered() && trace.doubts.is_empty() {
        Outcome::Healthy
    } else {
        Outcome::CannotTell
    }
}

fn unfound(unfound: Unfound) -> Error {
    match unfound {
        Unfound::Pod(NotFound::Absent(words)) => Error::failed(words).try_this("ovl pods"),
        Unfound::Pod(NotFound::Ambiguous(names)) => {
            Error::usage(format!("that means several: {}", names.join("; ")))
                .try_this("say which with NAMESPACE/NAME or the id")
        }
        Unfound::Pod(NotFound::Unknown(words)) => Error::new(Outcome::CannotTell, words),
        Unfound::Node(known) => Error::failed("there is no such node among those that were read")
            .try_this(format!("one of {}", known.join(", "))),
        Unfound::NoAddress(name) => Error::failed(format!("{name} has no address of that family")),
        Unfound::Service(name) => {
            Error::failed(format!("no rule of any node translates for service {name}"))
                .try_this("the address of an endpoint, or the cluster address with its port")
        }
    }
}
