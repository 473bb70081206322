//! `ovl lab`: makes labs, takes them apart, and runs things in them.

use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Instant;

use crate::cluster::Source;
use crate::collect::Scope;
use crate::command::Context;
use crate::error::{Outcome, Result};
use crate::lab::directory::{Directory, Labs};
use crate::lab::down::down;
use crate::lab::exec::{self, exit_code};
use crate::lab::state::State;
use crate::lab::{self, fault, pod, up};
use crate::model::Bundle;
use crate::render::{Format, fault as show_fault, format, lab as show};

/// What is asked for.
#[derive(Debug)]
pub enum Request {
    /// Make a lab.
    Up(up::Request),
    /// Take labs apart.
    Down(Which),
    /// List labs.
    List {
        /// Which; all when left out.
        lab: Option<String>,
        /// How to print them.
        output: Format,
    },
    /// Start a pod.
    AddPod {
        /// Where.
        lab: Option<String>,
        /// What pod.
        pod: pod::Request,
    },
    /// Remove a pod.
    RemovePod {
        /// Where.
        lab: Option<String>,
        /// Its name.
        pod: String,
    },
    /// Make a fault.
    Break {
        /// Where.
        lab: Option<String>,
        /// What fault.
        fault: fault::Request,
        /// How to print it.
        output: Format,
    },
    /// Take all faults back.
    Heal {
        /// Where.
        lab: Option<String>,
        /// How to print it.
        output: Format,
    },
    /// List the kinds of faults.
    ListFaults {
        /// For which lab; for none when left out and there is none.
        lab: Option<String>,
        /// How to print them.
        output: Format,
    },
    /// Run a command.
    Exec {
        /// Where.
        lab: Option<String>,
        /// On what node or in what pod.
        place: String,
        /// The command.
        command: Vec<OsString>,
    },
    /// Open a shell.
    Shell {
        /// Where.
        lab: Option<String>,
        /// On what node or in what pod.
        place: String,
    },
}

/// One lab or all.
#[derive(Debug)]
pub enum Which {
    /// The named one, or the only one.
    One(Option<String>),
    /// Every lab of this user.
    All,
}

/// Does what is asked.
///
/// # Errors
/// When it cannot be done.
pub fn run(request: Request, context: &mut Context<'_>) -> Result<Outcome> {
    let labs = Labs::of_caller();
    match request {
        Request::Up(request) => {
            let start = Instant::now();
            let state = up::up(&request, &mut progress)?;
            show::up(&state, start.elapsed(), context.style, context.out)?;
            hint(&show::after_up(&state));
        }
        Request::Down(Which::One(name)) => {
            let directory = labs.choose(name.as_deref())?;
            let start = Instant::now();
            down(&directory)?;
            show::down(directory.name(), start.elapsed(), context.out)?;
        }
        Request::Down(Which::All) => return down_all(&labs, context),
        Request::List { lab, output } => return list(&labs, lab.as_deref(), output, context),
        Request::AddPod { lab, pod } => {
            let directory = labs.choose(lab.as_deref())?;
            let start = Instant::now();
            enter(&directory)?;
            let (state, pod) = pod::add(&directory, &pod, &mut progress)?;
            show::added(&pod, start.elapsed(), context.style, context.out)?;
            hint(&show::after_add(&state, &pod));
        }
        Request::RemovePod { lab, pod } => {
            let directory = labs.choose(lab.as_deref())?;
            let start = Instant::now();
            enter(&directory)?;
            let pod = pod::remove(&directory, &pod)?;
            show::removed(&pod, start.elapsed(), context.out)?;
        }
        Request::Break { lab, fault, output } => {
            let directory = labs.choose(lab.as_deref())?;
            let bundle = snapshot(&directory)?;
            let state = enter(&directory)?;
            let broken = fault::make(&directory, &state, &bundle, &fault)?;
            match output {
                Format::Json => format::json(&show_fault::Made::of(&broken), context.out)?,
                Format::Text | Format::Wide => {
                    show_fault::made(&broken, context.style, context.out)?;
                    hint(&show_fault::see(&state, &broken));
                }
            }
        }
        Request::Heal { lab, output } => {
            let directory = labs.choose(lab.as_deref())?;
            enter(&directory)?;
            let healed = fault::heal(&directory)?;
            match output {
                Format::Json => format::json(&show_fault::Undone::of(&healed), context.out)?,
                Format::Text | Format::Wide => {
                    show_fault::healed(&healed, context.style, context.out)?;
                }
            }
            if !healed.failures.is_empty() {
                return Ok(Outcome::Fault);
            }
        }
        Request::ListFaults { lab, output } => {
            let in_lab = match (&lab, labs.names()?.as_slice()) {
                (None, []) => None,
                _ => {
                    let directory = labs.choose(lab.as_deref())?;
                    Some((directory.read_up()?, snapshot(&directory)?))
                }
            };
            let lab = in_lab.as_ref().map(|(state, bundle)| (state, bundle));
            let kinds = show_fault::Kinds::of(lab);
            match output {
                Format::Json => format::json(&kinds, context.out)?,
                Format::Text | Format::Wide => {
                    show_fault::kinds(&kinds, context.style, context.out)?;
                }
            }
        }
        Request::Exec {
            lab,
            place,
            command,
        } => {
            let directory = labs.choose(lab.as_deref())?;
            return execute(&directory, &place, &command, context);
        }
        Request::Shell { lab, place } => {
            let directory = labs.choose(lab.as_deref())?;
            let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
            return execute(&directory, &place, &[shell], context);
        }
    }
    Ok(Outcome::Healthy)
}

/// The lab's state, from inside its user namespace if it has one.
fn enter(directory: &Directory) -> Result<State> {
    let state = directory.read_up()?;
    lab::enter(&state)?;
    Ok(state)
}

/// All nodes of a lab at this moment. To be taken before the lab's user namespace is entered, as it is read by
/// programs that enter it themselves.
fn snapshot(directory: &Directory) -> Result<Bundle> {
    let source = Source::Lab {
        name: Some(directory.name().to_owned()),
        nodes: Vec::new(),
    };
    source.read(&Scope::Everything)
}

fn execute(
    directory: &Directory,
    place: &str,
    command: &[OsString],
    context: &mut Context<'_>,
) -> Result<Outcome> {
    let state = enter(directory)?;
    context.out.flush()?;
    let status = exec::find(&state, place)?.run(command)?;
    Ok(Outcome::Passed(exit_code(status)))
}

fn down_all(labs: &Labs, context: &mut Context<'_>) -> Result<Outcome> {
    let mut outcome = Outcome::Healthy;
    for name in labs.names()? {
        let start = Instant::now();
        // One that cannot be taken apart keeps none of the others.
        match labs
            .find(&name)
            .and_then(|found| found.as_ref().map_or(Ok(()), down))
        {
            Ok(()) => show::down(&name, start.elapsed(), context.out)?,
            Err(error) => {
                progress(&error.with_cause());
                outcome = Outcome::Fault;
            }
        }
    }
    Ok(outcome)
}

fn list(
    labs: &Labs,
    only: Option<&str>,
    output: Format,
    context: &mut Context<'_>,
) -> Result<Outcome> {
    let names = match only {
        Some(name) => vec![labs.choose(Some(name))?.name().to_owned()],
        None => labs.names()?,
    };
    let mut states = Vec::new();
    let mut outcome = Outcome::Healthy;
    for name in names {
        let state = labs.find(&name).and_then(|found| match found {
            Some(directory) => directory.read(),
            None => Ok(None),
        });
        match state {
            Ok(Some(state)) => states.push(state),
            // It is being made this moment, or was killed before it came to anything.
            Ok(None) => progress(&format!(
                "lab {name} has no state: ovl lab down --lab {name} removes it"
            )),
            Err(error) => {
                progress(&error.with_cause());
                outcome = Outcome::Fault;
            }
        }
    }
    match output {
        Format::Json => format::json(&show::Listing::of(&states), context.out)?,
        Format::Text | Format::Wide => {
            show::list(&states, output == Format::Wide, context.style, context.out)?;
            if states.is_empty() && outcome == Outcome::Healthy {
                hint("ovl lab up --profile calico");
            }
        }
    }
    Ok(outcome)
}

fn progress(line: &str) {
    // Standard error is the last resort; when it is gone, so is the line.
    let _ = writeln!(io::stderr(), "{line}");
}

fn hint(command: &str) {
    progress(&format!("next: {command}"));
}
