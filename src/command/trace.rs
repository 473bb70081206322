//! `ovl trace`: the way of a packet between two ends, what proves it, and what breaks it.

use std::time::Duration;

use crate::cluster::live::Live;
use crate::cluster::{Source, missing_in_words};
use crate::collect::Scope;
use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::inspect::find::NotFound;
use crate::model::Bundle;
pub use crate::probe::plan::Manner;
use crate::probe::prove::prove;
use crate::probe::session::now_ns;
use crate::render::escape::escape;
use crate::render::format;
use crate::render::trace::{self as show, svg};
use crate::trace::endpoint::Unfound;
use crate::trace::watch::{Watch, Watched};
use crate::trace::{Question, Trace, ways};

use super::pod::not_found;

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
            .map_err(|who| unfound(who, &bundle, &request.place))?
            .into_trace(&bundle);
        return show_once(request, &trace, context);
    }
    if request.watch {
        return watch(request, context);
    }
    let mut live = Live::open(&request.place)?;
    let trace = once(request, &mut live)?;
    // What the nodes keep open is closed before anybody reads how it ended.
    drop(live);
    show_once(request, &trace, context)
}

/// Traces again and again, and shows each that says something else.
fn watch(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let mut watch = Watch::default();
    let mut live: Option<Live> = None;
    loop {
        let time_ns = now_ns();
        let traced = match &mut live {
            Some(live) => once(request, live),
            None => {
                Live::open(&request.place).and_then(|opened| once(request, live.insert(opened)))
            }
        };
        // Nodes that were lost, or started anew, are asked again from the start.
        if traced
            .as_ref()
            .map_or(true, |trace| !trace.missing.is_empty())
        {
            live = None;
        }
        match traced {
            Ok(mut trace) => {
                let outcome = trace.outcome();
                if let Some(change) = watch.note(&trace, outcome) {
                    trace.watched = Some(Watched { time_ns, change });
                    print(request.output, &trace, context)?;
                }
            }
            // What makes no sense at first never will.
            Err(error) if watch.is_new() => return Err(error),
            Err(error) => {
                let words = error.with_cause();
                if let Some(change) = watch.note_failure(&words) {
                    let watched = Watched { time_ns, change };
                    match request.output {
                        Output::Text { .. } => {
                            show::change(&watched, context.style, context.out)?;
                            writeln!(context.out, "  {}", escape(&words))?;
                        }
                        _ => super::warn(&words),
                    }
                }
            }
        }
        context.out.flush()?;
        std::thread::sleep(PERIOD);
    }
}

fn show_once(request: &Request, trace: &Trace, context: &mut Context<'_>) -> Result<Outcome> {
    print(request.output, trace, context)?;
    for words in missing_in_words(&trace.missing) {
        super::warn(&words);
    }
    Ok(trace.outcome())
}

/// One whole trace. Where packets went otherwise than the tables said, these are read once more: packets change what
/// neighbours and bridges know.
fn once(request: &Request, live: &mut Live) -> Result<Trace> {
    let trace = once_only(request, live)?;
    if trace.contradicted {
        return once_only(request, live);
    }
    Ok(trace)
}

fn once_only(request: &Request, live: &mut Live) -> Result<Trace> {
    let bundle = live.read(&Scope::Everything)?;
    let ways =
        ways(&bundle, &request.question).map_err(|who| unfound(who, &bundle, &request.place))?;
    match request.manner {
        Some(manner) => prove(live, &bundle, ways, manner),
        None => Ok(ways.into_trace(&bundle)),
    }
}

fn print(output: Output, trace: &Trace, context: &mut Context<'_>) -> Result<()> {
    match output {
        Output::Text { wide } => show::text(trace, wide, context.style, context.out)?,
        Output::Json => format::json(trace, context.out)?,
        Output::Svg => svg::draw(trace, context.out)?,
    }
    Ok(())
}

/// Whoever is not among the nodes that were read may be on one that was not.
pub fn unfound(unfound: Unfound, bundle: &Bundle, place: &Source) -> Error {
    if let Some(first) = missing_in_words(&bundle.missing).first()
        && !matches!(&unfound, Unfound::Pod(NotFound::Ambiguous(_)))
    {
        let who = match &unfound {
            Unfound::Pod(NotFound::Absent(words) | NotFound::Unknown(words))
            | Unfound::Unknown(words) => words.clone(),
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
        Unfound::Pod(error) => not_found(error, place),
        Unfound::Unknown(words) => Error::new(Outcome::CannotTell, words),
        Unfound::Node(known) => Error::failed("there is no such node among those that were read")
            .try_this(format!("one of {}", known.join(", "))),
        Unfound::NoAddress(name) => Error::failed(format!("{name} has no address of that family")),
        Unfound::Service(name) => {
            Error::failed(format!("no rule of any node translates for service {name}"))
                .try_this("the address of an endpoint, or the cluster address with its port")
        }
    }
}
