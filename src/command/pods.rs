//! `ovl pods`: every pod, a row each.

use std::time::Duration;

use crate::cluster::Source;
use crate::collect::Scope;
use crate::command::Context;
use crate::error::{Outcome, Result};
use crate::inspect::pods::{PodList, list};
use crate::render::pods as show;
use crate::render::{Format, format};

/// How often a watched list is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Also sandboxes that have ended.
    pub all: bool,
    /// Show the list again whenever it changes.
    pub watch: bool,
    /// Where to look.
    pub source: Source,
    /// How to print it.
    pub output: Format,
}

/// Lists the pods.
///
/// # Errors
/// When no node can be read.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let mut shown: Option<PodList> = None;
    loop {
        let bundle = request.source.read(&Scope::Pods)?;
        let now = list(&bundle, request.all);
        if shown.as_ref().is_none_or(|before| !same(before, &now)) {
            if shown.is_some() && request.output != Format::Json {
                context.out.write_all(b"\n")?;
            }
            print(request, &now, context)?;
            context.out.flush()?;
            super::warn_of_missing(&bundle);
            for doubt in &now.doubts {
                super::warn(doubt);
            }
            shown = Some(now);
        }
        if !request.watch {
            break;
        }
        std::thread::sleep(PERIOD);
    }
    Ok(Outcome::Healthy)
}

fn print(request: &Request, list: &PodList, context: &mut Context<'_>) -> Result<()> {
    match request.output {
        Format::Json => format::json(list, context.out)?,
        output => show::text(list, output == Format::Wide, context.out)?,
    }
    Ok(())
}

/// Whether two lists differ in nothing but the time that has passed.
fn same(before: &PodList, now: &PodList) -> bool {
    let ageless = |list: &PodList| {
        let mut list = list.clone();
        for pod in &mut list.pods {
            pod.age_s = None;
        }
        list
    };
    ageless(before) == ageless(now)
}
