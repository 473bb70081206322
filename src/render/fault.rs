//! Faults of a lab, as `ovl lab break` and `ovl lab heal` show them.

use std::io::{self, Write};

use serde::Serialize;

use super::Style;
use super::escape::escape;
use super::table::{push, text, with_heads};
use crate::diagnose::catalogue;
use crate::lab::fault::{self, Broken, Healed, Unfit};
use crate::lab::state::State;
use crate::model::Bundle;

/// `ovl lab break FAULT -o json`.
#[derive(Debug, Serialize)]
pub struct Made<'a> {
    schema: &'static str,
    #[serde(flatten)]
    broken: &'a Broken,
}

impl<'a> Made<'a> {
    /// What is to be printed.
    pub fn of(broken: &'a Broken) -> Self {
        Self {
            schema: "ovl.lab-fault/v1",
            broken,
        }
    }
}

/// A fault that was just made.
///
/// # Errors
/// Those of `out`.
pub fn made(broken: &Broken, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let title = catalogue::find(&broken.fault).map_or("", |entry| entry.title);
    let mut place = broken.node.clone();
    for part in [&broken.pod, &broken.device].into_iter().flatten() {
        place.push(' ');
        place.push_str(part);
    }
    writeln!(
        out,
        "{}  {}  {}",
        style.bad("broken"),
        style.subject(&broken.fault),
        escape(&place)
    )?;
    writeln!(out, "  {title}")?;
    if broken.steps.is_empty() {
        writeln!(
            out,
            "  nothing had to be done for it: pods of a lab serve nothing"
        )?;
    }
    for step in &broken.steps {
        let (name, command) = (escape(step.site.name()), escape(&step.command));
        writeln!(out, "  {}  {command}", style.aside(name))?;
    }
    for stopped in &broken.stopped {
        let words = format!(
            "the agent of {} is stopped, or it would mend this; ovl lab heal lets it go on",
            stopped.node
        );
        writeln!(out, "  {}", style.doubtful(escape(&words)))?;
    }
    Ok(())
}

/// The command that shows the fault.
pub fn see(state: &State, broken: &Broken) -> String {
    format!("ovl {} --lab {}", broken.see.join(" "), state.name)
}

/// `ovl lab heal -o json`.
#[derive(Debug, Serialize)]
pub struct Undone<'a> {
    schema: &'static str,
    #[serde(flatten)]
    healed: &'a Healed,
}

impl<'a> Undone<'a> {
    /// What is to be printed.
    pub fn of(healed: &'a Healed) -> Self {
        Self {
            schema: "ovl.lab-heal/v1",
            healed,
        }
    }
}

/// What was taken back.
///
/// # Errors
/// Those of `out`.
pub fn healed(healed: &Healed, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if healed.faults.is_empty() {
        return writeln!(out, "nothing is broken");
    }
    for broken in &healed.faults {
        writeln!(
            out,
            "{}  {}  {}",
            style.good("healed"),
            style.subject(&broken.fault),
            escape(&broken.node)
        )?;
    }
    for failure in &healed.failures {
        writeln!(out, "  {}", style.bad(escape(failure)))?;
    }
    Ok(())
}

/// `ovl lab break --list`.
#[derive(Debug, Serialize)]
pub struct Kinds {
    schema: &'static str,
    lab: Option<String>,
    faults: Vec<Kind>,
}

/// One kind of fault.
#[derive(Debug, Serialize)]
struct Kind {
    id: &'static str,
    family: &'static str,
    title: &'static str,
    /// Whether it can be made in the lab; nothing without a lab.
    available: Option<bool>,
    /// Why it cannot be made.
    reason: Option<String>,
}

impl Kinds {
    /// All kinds, and which of them can be made in a lab.
    pub fn of(lab: Option<(&State, &Bundle)>) -> Self {
        let faults = fault::all()
            .map(|kind| {
                let fits = lab.map(|(state, bundle)| fault::fits(kind, state, bundle));
                let reason = match &fits {
                    Some(Err(Unfit::Meaningless(why) | Unfit::Impossible(why))) => {
                        Some(why.clone())
                    }
                    _ => None,
                };
                Kind {
                    id: kind.id,
                    family: catalogue::family_of(kind.id).map_or("", |family| family.name),
                    title: catalogue::find(kind.id).map_or("", |entry| entry.title),
                    available: fits.map(|fits| fits.is_ok()),
                    reason,
                }
            })
            .collect();
        Self {
            schema: "ovl.lab-faults/v1",
            lab: lab.map(|(state, _)| state.name.clone()),
            faults,
        }
    }
}

/// All kinds, as a table.
///
/// # Errors
/// Those of `out`.
pub fn kinds(kinds: &Kinds, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (fit, unfit): (Vec<_>, Vec<_>) =
        (kinds.faults.iter()).partition(|kind| kind.reason.is_none());
    if !fit.is_empty() {
        let mut table = with_heads(&["FAULT", "FAMILY", "WHAT"]);
        for kind in &fit {
            push(&mut table, [kind.id, kind.family, kind.title]);
        }
        out.write_all(text(table).as_bytes())?;
    }
    if let (Some(lab), false) = (&kinds.lab, unfit.is_empty()) {
        if !fit.is_empty() {
            writeln!(out)?;
        }
        writeln!(
            out,
            "{}",
            style.doubtful(format!("not in lab {}", escape(lab)))
        )?;
        writeln!(out)?;
        let mut table = with_heads(&["FAULT", "FAMILY", "WHY NOT"]);
        for kind in unfit {
            push(
                &mut table,
                [
                    kind.id,
                    kind.family,
                    kind.reason.as_deref().unwrap_or_default(),
                ],
            );
        }
        out.write_all(text(table).as_bytes())?;
    }
    Ok(())
}
