//! `ovl check`: what is wrong on each node, and between them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::cli::Context;
use crate::cluster::Source;
use crate::cluster::live::Live;
use crate::collect::Scope;
use crate::diagnose::echoes::Layer;
use crate::diagnose::{self, Report, Severity};
use crate::error::{Error, Outcome, Result};
use crate::model::Bundle;
use crate::probe::mesh::{self, Became, Echo, Mesh, told};
use crate::probe::plan::Manner;
use crate::probe::prove::{nonce, prove};
use crate::render::check as show;
use crate::render::{Format, format};
use crate::trace::{self, Content};
use crate::walk::Network;

/// How long new echoes are sent.
const ECHOES_WITHIN: Duration = Duration::from_secs(60);
/// Lost echoes that are traced, and how long new traces are begun.
const MOST_TRACES: usize = 12;
const TRACES_WITHIN: Duration = Duration::from_secs(30);
/// How a lost echo is traced.
const MANNER: Manner = Manner {
    count: 2,
    interval_us: None,
    wait_us: 500_000,
};

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
    trace_lost(live, bundle, &mesh, &became, &mut report)?;
    Ok(report)
}

/// Traces what was lost. Where the nodes do not reach each other, their pods are not traced as well.
fn trace_lost(
    live: &mut Live,
    bundle: &Bundle,
    mesh: &Mesh,
    became: &[Became],
    report: &mut Report,
) -> Result<()> {
    let nodes = |echo: &Echo| (echo.source.node.clone(), echo.destination.node.clone());
    let between = |layer: Layer, wanted: Became| -> HashSet<_> {
        let all = mesh.echoes.iter().zip(became);
        all.filter(|(echo, became)| echo.layer == layer && **became == wanted)
            .map(|(echo, _)| nodes(echo))
            .collect()
    };
    let nodes_lose = between(Layer::Nodes, Became::Lost);
    let pods_pass = between(Layer::Pods, Became::Answered);
    let lost: Vec<&Echo> = mesh
        .echoes
        .iter()
        .zip(became)
        .filter(|(_, became)| **became == Became::Lost)
        .map(|(echo, _)| echo)
        .filter(|echo| echo.layer == Layer::Nodes || !nodes_lose.contains(&nodes(echo)))
        .collect();
    let network = Network::new(bundle);
    let begun = Instant::now();
    let mut traced = 0;
    for echo in &lost {
        if traced >= MOST_TRACES || begun.elapsed() >= TRACES_WITHIN {
            break;
        }
        traced += 1;
        let ends = (echo.source.clone(), echo.destination.clone());
        let ways = trace::between(&network, ends.0, ends.1, Content::ECHO)
            .map_err(|who| super::trace::unfound(who, bundle))?;
        let trace = prove(live, bundle, ways, MANNER)?;
        let pods_pass = echo.layer == Layer::Nodes && pods_pass.contains(&nodes(echo));
        told::add_trace(report, echo, trace, pods_pass);
    }
    told::leave_untraced(report, lost.len() - traced);
    Ok(())
}
