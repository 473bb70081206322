//! Making faults and taking them back. What is about to be done is recorded in the lab's state first.

use std::fs;

use rustix::process::Signal;

use super::plan::{Plan, See, Site, Unfit};
use super::scene::Scene;
use super::{Broken, Done, Fault, Stopped};
use crate::cluster;
use crate::error::{Error, Outcome, Result};
use crate::lab::directory::Directory;
use crate::lab::exec;
use crate::lab::process::Process;
use crate::lab::state::State;
use crate::model::Bundle;

/// What fault is to be made, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The kind.
    pub fault: String,
    /// The node to break; the first pod's, or the one it speaks to, when left out.
    pub node: Option<String>,
    /// The pod that sends; the first one when left out.
    pub pod: Option<String>,
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Healed {
    /// The faults, the last one first, as they were taken back.
    pub faults: Vec<Broken>,
    /// What could not be taken back, and is still remembered.
    pub failures: Vec<String>,
}

/// Makes a fault in a lab. `bundle` is the lab before.
///
/// # Errors
/// When the lab has nothing of the kind, or a command fails; what was done by then has been taken back.
pub fn make(
    directory: &Directory,
    state: &State,
    bundle: &Bundle,
    request: &Request,
) -> Result<Broken> {
    let fault = super::find(&request.fault).ok_or_else(|| {
        Error::usage(format!("there is no fault {:?}", request.fault))
            .try_this("ovl lab break --list")
    })?;
    if state.faults.iter().any(|broken| broken.fault == fault.id) {
        return Err(Error::usage(format!("{} is broken already", fault.id))
            .try_this(format!("ovl lab heal --lab {}", state.name)));
    }
    let pod = match &request.pod {
        Some(name) => Some(exec::find_pod(state, name)?.full_name()),
        None => None,
    };
    if let Some(node) = &request.node
        && !state.nodes().any(|machine| machine.name == *node)
    {
        return Err(Error::usage(format!(
            "lab {} has no node {node}",
            state.name
        )));
    }
    let scene = Scene::choose(
        state,
        bundle,
        fault.side,
        fault.way,
        request.node.as_deref(),
        pod.as_deref(),
    );
    let (scene, plan) = scene
        .and_then(|scene| (fault.plan)(&scene).map(|plan| (scene, plan)))
        .map_err(|unfit| refused(fault, &unfit))?;
    let broken = recorded(fault, &scene, &plan, state)?;
    directory.update(|state| {
        state.faults.push(broken.clone());
        Ok(())
    })?;
    let made = stop(&broken).and_then(|()| run_all(directory, state, &broken));
    match made {
        Ok(()) => Ok(broken),
        Err(error) => {
            // The first error is the one to be told; what is left of the fault stays recorded for `heal`.
            let _ = take_back(directory, Some(fault.id));
            Err(error)
        }
    }
}

/// Whether a fault can be made in the lab, and if not, why.
///
/// # Errors
/// Why not.
pub fn fits(fault: &Fault, state: &State, bundle: &Bundle) -> Result<(), Unfit> {
    let scene = Scene::choose(state, bundle, fault.side, fault.way, None, None);
    match scene {
        Ok(scene) => (fault.plan)(&scene).map(|_| ()),
        // What no lab can do is not for want of pods.
        Err(unfit) => Err(unfit),
    }
}

fn refused(fault: &Fault, unfit: &Unfit) -> Error {
    match unfit {
        Unfit::Meaningless(why) => Error::usage(format!("{} cannot be made here: {why}", fault.id)),
        Unfit::Impossible(why) => Error::new(
            Outcome::CannotTell,
            format!("{} cannot be made in a lab: {why}", fault.id),
        ),
    }
}

fn recorded(fault: &Fault, scene: &Scene<'_>, plan: &Plan, state: &State) -> Result<Broken> {
    let mut stopped: Vec<Stopped> = Vec::new();
    for step in &plan.steps {
        let node = match &step.site {
            Site::Machine(name) => name,
            Site::Pod(_) => continue,
        };
        let is_node = state.nodes().any(|machine| machine.name == *node);
        if is_node
            && !stopped.iter().any(|row| row.node == *node)
            && let Some(agent) = agent_of(state, node)?
        {
            stopped.push(Stopped {
                node: node.clone(),
                agent,
            });
        }
    }
    Ok(Broken {
        fault: fault.id.to_owned(),
        node: plan.node.clone(),
        pod: plan.pod.clone(),
        device: plan.device.clone(),
        see: see(scene, &plan.see),
        steps: plan
            .steps
            .iter()
            .map(|step| Done {
                site: step.site.clone(),
                command: step.command.clone(),
                undo: step.undo.clone(),
                done: false,
            })
            .collect(),
        stopped,
    })
}

/// The words after `ovl` that show the fault.
fn see(scene: &Scene<'_>, see: &See) -> Vec<String> {
    let (from, to) = scene.pair();
    let short = |name: String| {
        name.strip_prefix("default/")
            .map_or(name.clone(), str::to_owned)
    };
    let (from, to) = (short(from.pod()), short(to.pod()));
    let more = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    match see {
        See::Check => vec!["check".to_owned()],
        See::Trace => vec!["trace".to_owned(), from, to],
        See::TraceWith(words) => [vec!["trace".to_owned(), from, to], more(words)].concat(),
        See::TraceTo(address, words) => {
            [vec!["trace".to_owned(), from, address.clone()], more(words)].concat()
        }
    }
}

/// The agent's process: the one in the node's network namespace that runs `ovl agent`.
fn agent_of(state: &State, node: &str) -> Result<Option<Process>> {
    let Some(machine) = state.machine(node) else {
        return Ok(None);
    };
    let unreadable = |e: std::io::Error| Error::failed("cannot look for the agent").caused_by(e);
    let own = fs::read_link(format!("/proc/{}/ns/net", machine.process.pid)).map_err(unreadable)?;
    for entry in fs::read_dir("/proc").map_err(unreadable)?.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // Processes end while they are looked at.
        let is_agent = fs::read_link(entry.path().join("ns/net")).is_ok_and(|ns| ns == own)
            && fs::read(entry.path().join("cmdline")).is_ok_and(|line| {
                let mut words = line.split(|byte| *byte == 0);
                words
                    .next()
                    .is_some_and(|program| program.ends_with(b"ovl"))
                    && words.next() == Some(b"agent")
            });
        if is_agent && let Ok(process) = Process::of(pid) {
            return Ok(Some(process));
        }
    }
    Ok(None)
}

fn stop(broken: &Broken) -> Result<()> {
    broken.stopped.iter().try_for_each(|row| {
        signal(row, Signal::STOP).map_err(|e| {
            Error::failed(format!("cannot stop the agent of {}", row.node)).caused_by(e)
        })
    })
}

fn signal(stopped: &Stopped, signal: Signal) -> std::io::Result<()> {
    match stopped.agent.hold()? {
        Some(held) => held.signal(signal),
        None => Ok(()),
    }
}

fn run_all(directory: &Directory, state: &State, broken: &Broken) -> Result<()> {
    for (number, step) in broken.steps.iter().enumerate() {
        run(state, &step.site, &step.command)?;
        directory.update(|state| {
            let recorded = state
                .faults
                .iter_mut()
                .find(|recorded| recorded.fault == broken.fault)
                .and_then(|recorded| recorded.steps.get_mut(number));
            if let Some(recorded) = recorded {
                recorded.done = true;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Runs one command; what it says on standard error is the cause of its failure.
fn run(state: &State, site: &Site, command: &str) -> Result<()> {
    let words = cluster::words(command)
        .filter(|words| !words.is_empty())
        .ok_or_else(|| Error::failed(format!("cannot read the command {command:?}")))?;
    let words: Vec<_> = words.into_iter().map(Into::into).collect();
    let output = exec::find(state, site.name())?.output(&words)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().lines().next().unwrap_or("it said nothing");
    Err(Error::failed(format!("{command} failed on {}", site.name())).caused_by(said.to_owned()))
}

/// Takes every fault back, the last one first, and lets the agents go on.
///
/// # Errors
/// When the lab's state cannot be read or written. What could not be taken back is in the answer.
pub fn heal(directory: &Directory) -> Result<Healed> {
    take_back(directory, None)
}

fn take_back(directory: &Directory, only: Option<&str>) -> Result<Healed> {
    let state = directory.read_up()?;
    let mut healed = Healed {
        faults: Vec::new(),
        failures: Vec::new(),
    };
    let mut kept = Vec::new();
    for broken in state.faults.iter().rev() {
        if only.is_some_and(|only| only != broken.fault) {
            kept.push(broken.clone());
            continue;
        }
        let mut remains = broken.clone();
        remains.steps.clear();
        for step in broken.steps.iter().rev() {
            let mut undo = Vec::new();
            for command in &step.undo {
                match run(&state, &step.site, command) {
                    Ok(()) => {}
                    // What may not have been done need not be taken back.
                    Err(_) if !step.done => {}
                    Err(error) => {
                        healed.failures.push(error.with_cause());
                        undo.push(command.clone());
                    }
                }
            }
            if !undo.is_empty() {
                remains.steps.insert(
                    0,
                    Done {
                        undo,
                        ..step.clone()
                    },
                );
            }
        }
        if !remains.steps.is_empty() {
            remains.stopped.clear();
            kept.push(remains);
        }
        healed.faults.push(broken.clone());
    }
    kept.reverse();
    let still: Vec<&Stopped> = kept.iter().flat_map(|broken| &broken.stopped).collect();
    for stopped in healed.faults.iter().flat_map(|broken| &broken.stopped) {
        if still.iter().any(|other| other.node == stopped.node) {
            continue;
        }
        if let Err(error) = signal(stopped, Signal::CONT) {
            healed.failures.push(format!(
                "cannot resume the agent of {}: {error}",
                stopped.node
            ));
        }
    }
    directory.update(|state| {
        state.faults = kept;
        Ok(())
    })?;
    Ok(healed)
}
