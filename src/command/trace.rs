//! `ovl trace`: the way of a packet between two ends, what proves it, and what breaks it.

use std::time::Duration;

use crate::cli::Context;
use crate::cluster::live::Live;
use crate::cluster::{Source, missing_in_words};
use crate::collect::Scope;
use crate::diagnose::{Severity, trace as diagnosis};
use crate::error::{Error, Outcome, Result};
use crate::inspect::find::NotFound;
use crate::model::Bundle;
use crate::probe::correlate::correlate;
pub use crate::probe::plan::Manner;
use crate::probe::plan::Plan;
use crate::probe::run;
use crate::render::format;
use crate::render::trace::{self as show, svg};
use crate::trace::endpoint::Unfound;
use crate::trace::{Question, Trace, ways};

/// How long `--watch` rests between two traces.
const PERIOD: Duration = Duration::from_secs(1);

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Who asks whom, and with what.
    pub question: Question,
    /// How packets are sent; none are if this is not there.
    pub manner: Option<Manner>,
    /// Again and again, shown whenever it changed.
    pub watch: bool,
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
    if matches!(request.place, Source::Files(_)) {
        let bundle = request.place.read(&Scope::Everything)?;
        let trace = ways(&bundle, &request.question)
            .map_err(|who| unfound(who, &bundle))?
            .into_trace(&bundle);
        return show_once(request, &trace, context);
    }
    let mut live = Live::open(&request.place)?;
    if !request.watch {
        let trace = once(request, &mut live)?;
        // What the nodes keep open is closed before anybody reads how it ended.
        drop(live);
        return show_once(request, &trace, context);
    }
    let mut before: Option<Vec<String>> = None;
    loop {
        let trace = once(request, &mut live)?;
        let now = state(&trace);
        if before.as_ref() != Some(&now) {
            if before.is_some() && matches!(request.output, Output::Text { .. }) {
                context.out.write_all(b"\n")?;
            }
            print(request.output, &trace, context)?;
            context.out.flush()?;
            before = Some(now);
        }
        std::thread::sleep(PERIOD);
    }
}

fn show_once(request: &Request, trace: &Trace, context: &mut Context<'_>) -> Result<Outcome> {
    print(request.output, trace, context)?;
    for words in missing_in_words(&trace.missing) {
        super::warn(&words);
    }
    Ok(outcome(trace))
}

/// One whole trace.
fn once(request: &Request, live: &mut Live) -> Result<Trace> {
    let bundle = live.read(&Scope::Everything)?;
    let ways = ways(&bundle, &request.question).map_err(|who| unfound(who, &bundle))?;
    let Some(manner) = request.manner else {
        return Ok(ways.into_trace(&bundle));
    };
    let plan = Plan::new(&bundle, &ways, manner, nonce()?)
        .map_err(|why| Error::new(Outcome::CannotTell, why))?;
    let done = run::run(live, &bundle, &plan);
    let seen = correlate(&bundle, &ways, &plan, &done.collected);
    let conclusion = diagnosis::conclude(&bundle, &ways.for_diagnosis(), Some(&seen.observed));
    let mut trace = ways.with_conclusion(&bundle, conclusion);
    trace.out.sights = seen.there;
    if let Some(back) = &mut trace.back {
        back.sights = seen.back;
    }
    trace.probes = Some(seen.probes);
    trace.doubts.extend(done.doubts);
    Ok(trace)
}

/// What makes a trace another than the one before: what is wrong and where, which way it goes, whether it
/// arrives; not how long it took.
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

fn print(output: Output, trace: &Trace, context: &mut Context<'_>) -> Result<()> {
    match output {
        Output::Text { wide } => show::text(trace, wide, context.style, context.out)?,
        Output::Json => format::json(trace, context.out)?,
        Output::Svg => svg::draw(trace, context.out)?,
    }
    Ok(())
}

/// A number that no packet but ours has.
pub(super) fn nonce() -> Result<u64> {
    let mut octets = [0; 8];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut octets))
        .map_err(|error| Error::failed("cannot read /dev/urandom").caused_by(error))?;
    Ok(u64::from_be_bytes(octets))
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

/// Whoever is not among the nodes that were read may be on one that was not.
pub(super) fn unfound(unfound: Unfound, bundle: &Bundle) -> Error {
    if let Some(first) = missing_in_words(&bundle.missing).first()
        && !matches!(&unfound, Unfound::Pod(NotFound::Ambiguous(_)))
    {
        let who = match &unfound {
            Unfound::Pod(NotFound::Absent(words) | NotFound::Unknown(words)) => words.clone(),
            Unfound::Node(_) => "that node was not read".to_owned(),
            Unfound::NoAddress(name) => format!("{name} has no address of that family"),
            Unfound::Service(name) => {
                format!("no rule that was read translates for service {name}")
            }
            Unfound::Pod(NotFound::Ambiguous(_)) => String::new(),
        };
        return Error::new(Outcome::CannotTell, format!("{who}; {first}"));
    }
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
