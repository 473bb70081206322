//! Processes named so that a number that was used again is never mistaken for them.
//!
//! A process is its number together with the time it started, as `/proc/PID/stat` tells it, in the boot
//! that it belongs to. Signals go through a pidfd that was checked against that time, so that nothing
//! but the process itself can be hit.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// A process that was seen alive once, and may be gone since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Its number in the PID namespace of whoever runs `ovl`.
    pub pid: u32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/PID/stat`, `proc_pid_stat(5)`).
    pub started: u64,
}

/// A living process, held by a descriptor. The number cannot be used again for another process without
/// this noticing.
#[derive(Debug)]
pub struct Held {
    pidfd: OwnedFd,
}

impl Process {
    /// The process that has the number now.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(pid: u32) -> io::Result<Self> {
        Ok(Self {
            pid,
            started: start_time(pid)?,
        })
    }

    /// Holds the process; `None` if it is gone.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn hold(self) -> io::Result<Option<Held>> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(None);
        };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        // The descriptor pins whatever has the number now; only then is it safe to ask whether that is
        // the process that was meant.
        match start_time(self.pid) {
            Ok(started) if started == self.started => Ok(Some(Held { pidfd })),
            _ => Ok(None),
        }
    }

    /// Whether it is there and not a zombie.
    pub fn is_alive(self) -> bool {
        matches!(self.hold(), Ok(Some(held)) if !held.has_ended())
    }

    /// Kills it and waits until the kernel has taken it apart. For the first process of a PID namespace
    /// that includes every process in the namespace (`kernel/pid_namespace.c`, `zap_pid_ns_processes`).
    ///
    /// # Errors
    /// When it may not be signalled, or is still there after `patience`.
    pub fn kill(self, patience: Duration) -> io::Result<()> {
        let Some(held) = self.hold()? else {
            return Ok(());
        };
        held.signal(Signal::KILL)?;
        if held.wait(patience)? {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "process {} is still there {patience:?} after SIGKILL",
                    self.pid
                ),
            ))
        }
    }
}

impl Held {
    /// Sends a signal. A process that has ended meanwhile is success.
    ///
    /// # Errors
    /// When it may not be signalled.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until it has ended; false if `patience` ran out first.
    ///
    /// # Errors
    /// Those of `poll(2)`.
    pub fn wait(&self, patience: Duration) -> io::Result<bool> {
        let timeout = Timespec::try_from(patience).map_err(io::Error::other)?;
        loop {
            let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(ready) => return Ok(ready > 0),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.wait(Duration::ZERO).unwrap_or(false)
    }
}

impl AsFd for Held {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// The boot that this is: processes recorded in another one are gone.
///
/// # Errors
/// When `/proc` is not mounted.
pub fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}

fn start_time(pid: u32) -> io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the command in parentheses and may hold blanks and parentheses itself.
    stat.rsplit_once(')')
        .and_then(|(_, rest)| rest.split_ascii_whitespace().nth(19))
        .and_then(|field| field.parse().ok())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("/proc/{pid}/stat: {stat:?}"),
            )
        })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn sleeper() -> std::process::Child {
        Command::new("sleep")
            .arg("60")
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn a_killed_process_is_gone_and_killing_it_again_is_success() {
        let mut child = sleeper();
        let process = Process::of(child.id()).unwrap();
        assert!(process.is_alive());
        process.kill(Duration::from_secs(5)).unwrap();
        assert!(!process.is_alive(), "a zombie is not alive");
        process.kill(Duration::from_secs(5)).unwrap();
        child.wait().unwrap();
        process.kill(Duration::from_secs(5)).unwrap();
    }

    #[test]
    fn the_same_number_of_another_time_is_another_process() {
        let mut child = sleeper();
        let here = Process::of(child.id()).unwrap();
        let other = Process {
            started: here.started + 1,
            ..here
        };
        assert!(!other.is_alive());
        other.kill(Duration::from_secs(5)).unwrap();
        assert!(here.is_alive(), "it was not hit");
        here.kill(Duration::from_secs(5)).unwrap();
        child.wait().unwrap();
    }
}
