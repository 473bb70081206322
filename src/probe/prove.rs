//! One whole trace: packets on the ways that the tables predict, and what they say together.

use std::fs::File;
use std::io::Read;

use super::correlate::correlate;
use super::plan::{Manner, Plan};
use super::run;
use crate::cluster::live::Live;
use crate::collect::Scope;
use crate::diagnose::trace as diagnosis;
use crate::error::{Error, Outcome, Result};
use crate::model::Bundle;
use crate::trace::{Trace, Ways};

/// Sends packets on `ways` and concludes from what became of them.
///
/// # Errors
/// When the source's namespace is not known, or no random number can be read.
pub fn prove(live: &mut Live, bundle: &Bundle, ways: Ways, manner: Manner) -> Result<Trace> {
    let plan = Plan::new(bundle, &ways, manner, nonce()?)
        .map_err(|why| Error::new(Outcome::CannotTell, why))?;
    let done = run::run(live, bundle, &plan);
    let seen = correlate(bundle, &ways, &plan, &done.collected);
    let conclude = |after: Option<&Bundle>| {
        let read = diagnosis::Read {
            before: bundle,
            after,
        };
        diagnosis::conclude(read, &ways.for_diagnosis(), Some(&seen.observed))
    };
    let mut conclusion = conclude(None);
    if conclusion.is_unexplained() {
        // Rules and queues count: what moved meanwhile says which of them it may have been.
        let after = live.read(&Scope::Everything).ok();
        conclusion = conclude(after.as_ref());
    }
    let mut trace = ways.with_conclusion(bundle, conclusion);
    trace.out.sights = seen.there;
    if let Some(back) = &mut trace.back {
        back.sights = seen.back;
    }
    trace.probes = Some(seen.probes);
    trace.doubts.extend(done.doubts);
    Ok(trace)
}

/// A number that no packet but ours has.
///
/// # Errors
/// When the system gives no random numbers.
pub fn nonce() -> Result<u64> {
    let mut octets = [0; 8];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut octets))
        .map_err(|error| Error::failed("cannot read /dev/urandom").caused_by(error))?;
    Ok(u64::from_be_bytes(octets))
}
