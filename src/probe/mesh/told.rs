//! What a mesh of echoes adds to what the tables say.

use super::{Became, Echo, Mesh};
use crate::diagnose::echoes::{Echoes, Layer, Lost};
use crate::diagnose::{Finding, Report, Severity};
use crate::trace::Trace;

/// Adds what became of the echoes of `mesh` to a report.
pub fn count(report: &mut Report, mesh: &Mesh, became: &[Became]) {
    let mut echoes = Echoes {
        without_pods: mesh.without_pods.clone(),
        ..Echoes::default()
    };
    for (echo, became) in mesh.echoes.iter().zip(became) {
        let count = match echo.layer {
            Layer::Nodes => &mut echoes.nodes,
            Layer::Pods => &mut echoes.pods,
        };
        match became {
            Became::Answered => {
                count.sent += 1;
                count.answered += 1;
            }
            Became::Lost => {
                count.sent += 1;
                echoes.lost.push(Lost {
                    layer: echo.layer,
                    source: echo.source.name.clone(),
                    source_address: echo.source.address,
                    destination: echo.destination.name.clone(),
                    destination_address: echo.destination.address,
                    findings: Vec::new(),
                });
            }
            Became::Unknown(why) => report.doubt(format!("{}: {why}", title(echo))),
        }
    }
    for doubt in &mesh.doubts {
        report.doubt(doubt.clone());
    }
    report.echoes = Some(echoes);
}

/// Adds what a trace of a lost echo found. `pods_pass`: pods of the same two nodes reach each other.
pub fn add_trace(report: &mut Report, echo: &Echo, trace: Trace, pods_pass: bool) {
    let passes = trace.is_answered();
    let ids = trace.findings.iter().map(|verdict| verdict.finding.id);
    let ids: Vec<_> = ids.collect();
    for doubt in &trace.doubts {
        report.doubt(format!("{}: {doubt}", title(echo)));
    }
    if passes {
        report.doubt(format!(
            "{}: one echo was lost, {} sent afterwards were answered",
            title(echo),
            trace.probes.as_ref().map_or(0, |probes| probes.sent)
        ));
    } else if ids.is_empty() && trace.doubts.is_empty() {
        report.doubt(format!("{}: lost, and nothing says where", title(echo)));
    }
    for verdict in trace.findings {
        // What the tables told of already, whatever they call the place.
        let is_told = report.findings.iter().any(|told| {
            let (new, told_device) = (&verdict.finding, &told.device);
            (told.id, &told.node) == (new.id, &new.node)
                && (told_device == &new.device || told_device.is_none() || new.device.is_none())
        });
        if !is_told {
            report.add(match pods_pass {
                true => of_nodes_alone(verdict.finding),
                false => verdict.finding,
            });
        }
    }
    let lost = report.echoes.as_mut().and_then(|echoes| {
        echoes.lost.iter_mut().find(|lost| {
            (lost.source_address, lost.destination_address)
                == (echo.source.address, echo.destination.address)
        })
    });
    if let Some(lost) = lost {
        lost.findings = ids;
    }
    report.sort();
}

/// What loses one echo loses another, too.
pub fn lose_with(report: &mut Report, echo: &Echo, cause: &Echo) {
    let Some(echoes) = &mut report.echoes else {
        return;
    };
    let is_of = |lost: &Lost, echo: &Echo| {
        (lost.source_address, lost.destination_address)
            == (echo.source.address, echo.destination.address)
    };
    let ids = echoes.lost.iter().find(|lost| is_of(lost, cause));
    let ids = ids.map(|lost| lost.findings.clone()).unwrap_or_default();
    for lost in echoes.lost.iter_mut().filter(|lost| is_of(lost, echo)) {
        lost.findings.clone_from(&ids);
    }
}

/// Notes what cannot be told of an echo.
pub fn leave_doubt(report: &mut Report, echo: &Echo, why: &str) {
    report.doubt(format!("{}: {why}", title(echo)));
}

/// Notes that so many lost echoes were not traced.
pub fn leave_untraced(report: &mut Report, echoes: usize) {
    if echoes > 0 {
        report.doubt(format!(
            "{echoes} more lost echoes were not traced; `ovl trace` says why each is lost"
        ));
    }
}

/// Where nodes do not answer echoes and their pods do, something between them lets echoes alone not pass, which is what
/// many clouds do on purpose.
fn of_nodes_alone(finding: Finding) -> Finding {
    if finding.id != "underlay-lost" {
        return finding;
    }
    Finding {
        severity: Severity::Warning,
        why: "Pods of the two nodes reach each other, so that only echoes between the nodes are lost.".to_owned(),
        ..finding
    }
}

fn title(echo: &Echo) -> String {
    format!("{} → {}", echo.source.name, echo.destination.name)
}
