//! `ovl check`, for people.

use std::io::{self, Write};

use super::Style;
use super::escape::escape;
use crate::diagnose::echoes::{Count, Echoes};
use crate::diagnose::{Finding, Report, Severity};

/// Writes what was found, faults first, and what could not be looked at. `wide` adds the proof of warnings too.
///
/// # Errors
/// Those of `out`.
pub fn text(report: &Report, wide: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        write_finding(finding, wide, style, out)?;
        writeln!(out)?;
    }
    let count = |severity| {
        report
            .findings
            .iter()
            .filter(|f| f.severity == severity)
            .count()
    };
    let (faults, warnings) = (count(Severity::Fault), count(Severity::Warning));
    let nodes = match report.nodes.as_slice() {
        [one] => escape(one).into_owned(),
        several => format!("{} nodes", several.len()),
    };
    let summary = match (faults, warnings) {
        (0, 0) if report.doubts.is_empty() => style.good(format!("{nodes}: nothing wrong")),
        (0, 0) => style.doubtful(format!("{nodes}: nothing wrong as far as could be seen")),
        (0, _) => style.doubtful(format!("{nodes}: {}", plural(warnings, "warning"))),
        (_, 0) => style.bad(format!("{nodes}: {}", plural(faults, "fault"))),
        _ => style.bad(format!(
            "{nodes}: {}, {}",
            plural(faults, "fault"),
            plural(warnings, "warning")
        )),
    };
    writeln!(out, "{summary}")?;
    if let Some(echoes) = &report.echoes {
        write_echoes(echoes, style, out)?;
    }
    for doubt in &report.doubts {
        writeln!(
            out,
            "  {}",
            style.doubtful(format!("not seen  {}", escape(doubt)))
        )?;
    }
    Ok(())
}

/// How many echoes were answered, and those that were not.
fn write_echoes(echoes: &Echoes, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let of = |count: &Count, between: &str| {
        let text = format!("{} of {} {between}", count.answered, count.sent);
        if count.answered == count.sent {
            style.good(text)
        } else {
            style.bad(text)
        }
    };
    let mut parts = vec![of(&echoes.nodes, "between nodes")];
    if echoes.pods.sent > 0 {
        parts.push(of(&echoes.pods, "between pods"));
    }
    writeln!(out, "  echoes    {}", parts.join(", "))?;
    for lost in &echoes.lost {
        writeln!(
            out,
            "  {}      {} {} → {} {}  {}",
            style.bad("lost"),
            escape(&lost.source),
            lost.source_address,
            escape(&lost.destination),
            lost.destination_address,
            style.aside(lost.findings.join(", "))
        )?;
    }
    for node in &echoes.without_pods {
        writeln!(
            out,
            "  {}",
            style.aside(format!("no pods   {}", escape(node)))
        )?;
    }
    Ok(())
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

pub(super) fn write_finding(
    finding: &Finding,
    wide: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mark = match finding.severity {
        Severity::Fault => style.bad(finding.severity.as_str()),
        Severity::Warning => style.doubtful(finding.severity.as_str()),
    };
    let mut place = finding.node.clone();
    for part in [&finding.place, &finding.device].into_iter().flatten() {
        place.push(' ');
        place.push_str(part);
    }
    writeln!(
        out,
        "{mark}  {}  {}",
        style.subject(finding.id),
        escape(&place)
    )?;
    writeln!(out, "  {}", escape(&finding.what))?;
    writeln!(out, "  {}", escape(&finding.why))?;
    if wide || finding.severity == Severity::Fault {
        for evidence in &finding.evidence {
            let line = format!("{}: {}", evidence.source, evidence.text);
            writeln!(out, "  {}  {}", style.aside("proof"), escape(&line))?;
        }
    }
    writeln!(out, "  {}   {}", style.aside("show"), escape(&finding.show))?;
    writeln!(out, "  {}    {}", style.aside("fix"), escape(&finding.fix))
}
