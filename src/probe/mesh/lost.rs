//! Why echoes were lost: each is traced, within bounds.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::{Became, Echo, Mesh, told};
use crate::cluster::live::Live;
use crate::diagnose::Report;
use crate::diagnose::echoes::Layer;
use crate::model::Bundle;
use crate::probe::plan::Manner;
use crate::probe::prove::prove;
use crate::trace::{Content, between};
use crate::walk::Network;

/// Lost echoes that are traced, and how long new traces are begun.
const MOST_TRACES: usize = 12;
const TRACES_WITHIN: Duration = Duration::from_secs(30);
/// How a lost echo is traced.
const MANNER: Manner = Manner {
    count: 2,
    interval_us: None,
    wait_us: 500_000,
};

/// Traces what was lost. Where the nodes do not reach each other, their pods are not traced as well.
pub fn trace(
    live: &mut Live,
    bundle: &Bundle,
    mesh: &Mesh,
    became: &[Became],
    report: &mut Report,
) {
    let nodes = |echo: &Echo| (echo.source.node.clone(), echo.destination.node.clone());
    let pairs = |layer: Layer, wanted: Became| -> HashSet<_> {
        let all = mesh.echoes.iter().zip(became);
        all.filter(|(echo, became)| echo.layer == layer && **became == wanted)
            .map(|(echo, _)| nodes(echo))
            .collect()
    };
    let nodes_lose = pairs(Layer::Nodes, Became::Lost);
    let pods_pass = pairs(Layer::Pods, Became::Answered);
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
        let (from, to) = (echo.source.clone(), echo.destination.clone());
        let Ok(ways) = between(&network, from, to, Content::ECHO) else {
            told::leave_doubt(
                report,
                echo,
                "it is lost, and its sender was not read whole",
            );
            continue;
        };
        match prove(live, bundle, ways, MANNER) {
            Ok(trace) => {
                let pods_pass = echo.layer == Layer::Nodes && pods_pass.contains(&nodes(echo));
                told::add_trace(report, echo, trace, pods_pass);
            }
            Err(error) => told::leave_doubt(report, echo, &error.with_cause()),
        }
    }
    told::leave_untraced(report, lost.len() - traced);
    // Where the nodes do not reach each other, neither do their pods.
    let of_layer = |wanted| {
        mesh.echoes
            .iter()
            .filter(move |echo: &&Echo| echo.layer == wanted)
    };
    for pods in of_layer(Layer::Pods).filter(|echo| nodes_lose.contains(&nodes(echo))) {
        if let Some(cause) = of_layer(Layer::Nodes).find(|echo| nodes(echo) == nodes(pods)) {
            told::lose_with(report, pods, cause);
        }
    }
}
