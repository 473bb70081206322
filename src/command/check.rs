//! `ovl check`: what is wrong on each node, and between them.

use std::time::Duration;

use crate::cluster::Source;
use crate::cluster::live::Live;
use crate::collect::Scope;
use crate::command::Context;
use crate::diagnose::{self, Report, Severity};
use crate::error::{Error, Outcome, Result};
use crate::model::Bundle;
use crate::probe::mesh::{self, lost, told};
use crate::probe::prove::nonce;
use crate::render::check as show;
use crate::render::{Format, format};

/// How long new echoes are sent.
const ECHOES_WITHIN: Duration = Duration::from_secs(60);

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Where to look.
    pub source: Source,
    /// Whether packets are sent as well.
    pub probe: bool,
    /// How to print it.
    pub output: Format,
}

/// Looks, and exits 1 if something is wrong, 4 if nothing is wrong as far as could be seen but not all could.
///
/// # Errors
/// When no node can be read.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let report = if request.probe {
        let mut live = Live::open(&request.source)?;
        let bundle = live.read(&Scope::Everything)?;
        with_echoes(&mut live, &bundle)?
    } else {
        diagnose::check(&request.source.read(&Scope::Everything)?)
    };
    match request.output {
        Format::Json => format::json(&report, context.out)?,
        output => show::text(&report, output == Format::Wide, context.style, context.out)?,
    }
    let is_fault = |finding: &diagnose::Finding| finding.severity == Severity::Fault;
    Ok(if report.findings.iter().any(is_fault) {
        Outcome::Fault
    } else if report.doubts.is_empty() {
        Outcome::Healthy
    } else {
        Outcome::CannotTell
    })
}

/// What the tables say, and what echoes between each two nodes do.
fn with_echoes(live: &mut Live, bundle: &Bundle) -> Result<Report> {
    if bundle.nodes.len() + bundle.missing.len() < 2 {
        return Err(
            Error::usage("--probe asks nodes of each other; there is only one")
                .try_this("--via 'ssh root@{node}' --nodes A,B, or --lab"),
        );
    }
    let mut report = diagnose::check(bundle);
    let mesh = mesh::plan(bundle);
    let became = mesh::send(live, bundle, &mesh.echoes, nonce()?, ECHOES_WITHIN);
    told::count(&mut report, &mesh, &became);
    lost::trace(live, bundle, &mesh, &became, &mut report);
    Ok(report)
}
