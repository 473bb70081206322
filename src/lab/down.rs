//! Taking a lab apart, whatever condition it is in.
//!
//! Everything a lab consists of hangs on the first processes of its machines: with them end their PID
//! namespaces and every process in these, and with those the mounts, the network namespaces and all links.
//! Besides there is only the lab's directory.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::directory::{Directory, Lock};
use super::state::State;
use crate::error::{Error, Result};

/// How long the kernel may take to end a lab's processes.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long another command on the same lab is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// Takes the lab down.
///
/// # Errors
/// When a process or a file cannot be removed. What else there is has been removed all the same, and the
/// command can be given again.
pub fn down(directory: &Directory) -> Result<()> {
    let lock = directory.lock(LOCK_PATIENCE)?;
    let state = directory.read()?;
    take_apart(directory, &lock, state.as_ref())
}

/// Ends all processes and removes all files.
pub(super) fn take_apart(directory: &Directory, _lock: &Lock, state: Option<&State>) -> Result<()> {
    if let Some(state) = state.filter(|state| state.is_of_this_boot()) {
        end_machines(state)?;
    }
    check_no_mounts(directory.path())
        .and_then(|()| directory.remove())
        .map_err(|e| {
            Error::failed(format!("cannot remove {}", directory.path().display())).caused_by(e)
        })
}

fn end_machines(state: &State) -> Result<()> {
    let failed = |machine: &str, e: io::Error| {
        Error::failed(format!("cannot end {machine} of lab {}", state.name)).caused_by(e)
    };
    let mut first_error = None;
    let mut dying = Vec::new();
    for machine in &state.machines {
        let killed = machine.process.hold().and_then(|held| {
            held.map(|held| held.signal(Signal::KILL).map(|()| held))
                .transpose()
        });
        match killed {
            Ok(None) => {}
            Ok(Some(held)) => dying.push((machine, held)),
            Err(error) => first_error = first_error.or(Some(failed(&machine.name, error))),
        }
    }
    let start = Instant::now();
    for (machine, held) in dying {
        let error = match held.wait(PATIENCE.saturating_sub(start.elapsed())) {
            Ok(true) => continue,
            Ok(false) => io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "process {} is still there after SIGKILL",
                    machine.process.pid
                ),
            ),
            Err(error) => error,
        };
        first_error = first_error.or(Some(failed(&machine.name, error)));
    }
    first_error.map_or(Ok(()), Err)
}

/// A mount below the lab's directory would lead out of it when the files are removed. There is none, since
/// all are made in the nodes' own mount namespaces; but being wrong about that would be terrible.
fn check_no_mounts(path: &Path) -> io::Result<()> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let below = |line: &str| {
        line.split(' ')
            .nth(4)
            .is_some_and(|point| Path::new(point).starts_with(path))
    };
    match mounts.lines().find(|line| below(line)) {
        Some(line) => Err(io::Error::other(format!(
            "something is mounted there: {line}"
        ))),
        None => Ok(()),
    }
}
