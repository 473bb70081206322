//! `ovl bench`: what a pod network costs.

use crate::bench::run::{Amount, Pair, Refusal, run as measure};
use crate::bench::{Bench, Measured};
use crate::cluster::Source;
use crate::cluster::live::Live;
use crate::collect::Scope;
use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::model::Bundle;
use crate::render::{bench as show, format};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Between whom.
    pub pair: Pair,
    /// How much.
    pub amount: Amount,
    /// For scripts.
    pub json: bool,
    /// Where to look.
    pub place: Source,
}

/// Measures and prints.
///
/// # Errors
/// When no node can be read, or one of the two ends is not found.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let mut live = Live::open(&request.place)?;
    let bundle = live.read(&Scope::Everything)?;
    let bench = measure(&mut live, &bundle, &request.pair, request.amount)
        .map_err(|refusal| refused(refusal, &bundle, &request.place))?;
    if request.json {
        format::json(&bench, context.out)?;
    } else {
        show::text(&bench, context.style, context.out)?;
    }
    super::warn_of_missing(&bundle);
    Ok(outcome(&bench))
}

/// 1 if packets were lost altogether, 4 if something could not be measured.
fn outcome(bench: &Bench) -> Outcome {
    let mut outcome = Outcome::Healthy;
    for way in bench.ways() {
        for part in [of(&way.round_trips), of(&way.tcp), of(&way.udp)] {
            match (outcome, part) {
                (_, Outcome::Fault) => outcome = Outcome::Fault,
                (Outcome::Healthy, part) => outcome = part,
                _ => {}
            }
        }
    }
    outcome
}

fn of<T>(measured: &Measured<T>) -> Outcome {
    match measured {
        Measured::Known(_) => Outcome::Healthy,
        Measured::Lost(_) => Outcome::Fault,
        Measured::Unavailable(_) => Outcome::CannotTell,
    }
}

fn refused(refusal: Refusal, bundle: &Bundle, place: &Source) -> Error {
    match refusal {
        Refusal::Unfound(unfound) => super::trace::unfound(unfound, bundle, place),
        Refusal::NoReceiver(name) => Error::failed(format!(
            "{name} is in no network namespace of these nodes, so nothing can be sent or received there"
        ))
        .try_this("name two pods, or node/NAME"),
    }
}
