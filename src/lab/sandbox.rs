//! A pod's sandbox: a pause process with namespaces of its own on a node, as a container runtime makes it.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use plugin_core::netns::Netns;

use super::cables;
use super::handshake::{PAUSE, Plan, Waiting};
use super::namespaces;
use super::process::{Held, Process};
use super::state::Pod;
use crate::error::{Error, Result};

/// How long the kernel may take to end a process of a pod.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts the pod's pause process on its node. `record` writes the process down before it becomes anything.
///
/// # Errors
/// When the sandbox cannot be made, or `record` fails; at most the recorded process is left then.
pub fn start(
    node: &Held,
    pod: &Pod,
    record: impl FnOnce(Process) -> Result<()>,
) -> Result<Process> {
    let failed = |e: io::Error| {
        Error::failed(format!("cannot make the sandbox of {}", pod.full_name())).caused_by(e)
    };
    let plan = Plan::Pause {
        host_name: pod.name.clone(),
        netns: pod.netns.clone(),
    };
    let mut pause = Waiting::inside(node, PAUSE).map_err(failed)?;
    record(pause.process())?;
    pause.send(&plan).map_err(failed)?;
    let process = pause.ready(&plan).map_err(failed)?;
    let netns = Netns::of_pid(process.pid).map_err(|e| failed(io::Error::other(e)))?;
    cables::raise_loopback(&pod.full_name(), &netns)?;
    Ok(process)
}

/// Ends every process of the sandbox and removes its network namespace. What is gone already is success.
///
/// # Errors
/// When a process does not end, or the namespace cannot be removed.
pub fn end(node: &Held, pod: &Pod) -> Result<()> {
    let failed = |e: io::Error| {
        Error::failed(format!("cannot remove the sandbox of {}", pod.full_name())).caused_by(e)
    };
    if let Some(pause) = pod.pause.filter(|pause| pause.is_alive()) {
        let netns = Netns::of_pid(pause.pid).map_err(|e| failed(io::Error::other(e)))?;
        pause.kill(PATIENCE).map_err(failed)?;
        // Whatever else runs in the pod was started by `ovl lab exec`.
        let is_inside = |pid| Netns::of_pid(pid).is_ok_and(|other| other.id() == netns.id());
        for process in processes(is_inside).map_err(failed)? {
            process.kill(PATIENCE).map_err(failed)?;
        }
    }
    namespaces::run_inside(node, || Netns::remove(&pod.netns))
        .map_err(failed)?
        .map_err(|e| failed(io::Error::other(e)))
}

/// Ends what a killed ADD left running for the pod. The plugin itself died with its runtime; an `iptables`
/// that it had started did not, and would meet the DEL that comes next.
///
/// # Errors
/// When a process does not end.
pub fn end_plugins(pod: &Pod) -> Result<()> {
    let failed = |e: io::Error| {
        Error::failed(format!("cannot end the plugins of {}", pod.full_name())).caused_by(e)
    };
    // Whatever a plugin starts inherits this, and no other pod has the same.
    let variable = format!("CNI_CONTAINERID={}", pod.sandbox);
    let is_of_pod = |pid| {
        fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|all| all.split(|o| *o == 0).any(|one| one == variable.as_bytes()))
    };
    let start = Instant::now();
    loop {
        let left = processes(is_of_pod).map_err(failed)?;
        if left.is_empty() {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            let message = format!("{} of them are still there after SIGKILL", left.len());
            return Err(failed(io::Error::new(io::ErrorKind::TimedOut, message)));
        }
        // Looked for again afterwards: one of them may have started another in between.
        for process in left {
            process.kill(PATIENCE).map_err(failed)?;
        }
    }
}

/// The processes that meet a condition, as far as the caller may see them.
fn processes(wanted: impl Fn(u32) -> bool) -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // The start time first: if the number changes hands in between, the kill misses.
        let Ok(process) = Process::of(pid) else {
            continue;
        };
        if wanted(pid) && process.is_alive() {
            processes.push(process);
        }
    }
    Ok(processes)
}
