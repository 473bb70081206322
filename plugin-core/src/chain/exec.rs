//! One plugin, started once: found, fed, listened to, and killed when it does not end.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, kill_process_group, pidfd_open,
    set_parent_process_death_signal,
};

use super::error::{Error, Result};
use crate::spec::{self, Verb};

/// The most a plugin may print on each of its outputs, in octets. A result of a thousand routes has a
/// tenth of that.
const OUTPUT_MAX: usize = 4 << 20;

/// How much of what a plugin printed goes into an error.
const QUOTED_MAX: usize = 512;

/// How often a binary that is just being written is tried again, each time waiting twice as long as before:
/// 3 s in all.
const BUSY_RETRIES: u32 = 6;
const BUSY_WAIT: Duration = Duration::from_millis(50);

/// What a plugin is run with.
#[derive(Debug)]
pub struct Request<'a> {
    /// The plugin's `type`, for errors.
    pub kind: &'a str,
    /// What it is asked; also `CNI_COMMAND`.
    pub verb: Verb,
    /// The other `CNI_*` variables, on top of this process's environment.
    pub variables: Vec<(&'static str, OsString)>,
    /// Its standard input.
    pub stdin: &'a [u8],
    /// How long it may take.
    pub limit: Duration,
    /// A descriptor that it and everything it starts inherits, and so tells when all of them have ended.
    pub inherited: Option<BorrowedFd<'a>>,
}

/// What a plugin printed before it ended well.
#[derive(Debug)]
pub struct Printed {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error: logs.
    pub stderr: String,
}

/// Why a plugin failed, with its logs.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: Error,
    /// Standard error.
    pub stderr: String,
}

/// The binary of a plugin: the first regular file of that name in the directories of `path`.
///
/// # Errors
/// [`Error::NotFound`], also for a name that is no file name.
pub fn find(kind: &str, path: &[PathBuf]) -> Result<PathBuf> {
    let plain = !kind.is_empty() && !kind.contains('/');
    path.iter()
        .map(|dir| dir.join(kind))
        .find(|binary| plain && binary.is_file())
        .ok_or_else(|| Error::NotFound {
            kind: kind.to_owned(),
            path: path.to_vec(),
        })
}

/// Runs a plugin to its end.
///
/// # Errors
/// When it does not start, does not end in time, or fails; with the error object it printed, if it did.
pub fn run(binary: &Path, request: &Request<'_>) -> Result<Printed, Failed> {
    let silent = |error| Failed {
        error,
        stderr: String::new(),
    };
    let mut child = start(binary, request).map_err(|source| {
        silent(Error::Start {
            binary: binary.to_owned(),
            source,
        })
    })?;
    let ended = converse(&mut child, request.stdin, request.limit);
    if !matches!(
        ended,
        Ok(Conversation {
            end: End::Exited,
            ..
        })
    ) {
        kill(&child);
    }
    let status = child.wait();
    let (conversation, status) = match (ended, status) {
        (Ok(conversation), Ok(status)) => (conversation, status),
        (Err(source), _) | (_, Err(source)) => {
            return Err(silent(Error::Start {
                binary: binary.to_owned(),
                source,
            }));
        }
    };
    judge(request, conversation, status)
}

fn start(binary: &Path, request: &Request<'_>) -> io::Result<Child> {
    let mut command = Command::new(binary);
    command
        .env("CNI_COMMAND", request.verb.as_str())
        .envs(request.variables.iter().map(|(name, value)| (name, value)))
        // A group of its own, so that what it started can be killed with it.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    die_with_us(&mut command);
    if let Some(inherited) = request.inherited {
        pass_on(&mut command, inherited);
    }
    let mut wait = BUSY_WAIT;
    for _ in 0..BUSY_RETRIES {
        match command.spawn() {
            // Somebody has the file open for writing: it is being installed, or a fork of ours in another
            // thread still holds the descriptor that wrote it.
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(wait);
                wait *= 2;
            }
            started => return started,
        }
    }
    command.spawn()
}

/// A plugin must not go on when the runtime was killed: nobody hears its result, and the DEL that follows
/// would meet it halfway. What the plugin itself started has to be ended by whoever cleans up.
fn die_with_us(command: &mut Command) {
    let us = getpid();
    let before_exec = move || {
        // The signal comes when the thread that forked ends (prctl(2), PR_SET_PDEATHSIG); that one waits.
        set_parent_process_death_signal(Some(Signal::KILL))?;
        match getppid() {
            // A parent outside of the plugin's PID namespace has no number in it.
            None => Ok(()),
            Some(parent) if parent == us => Ok(()),
            // It was killed before the signal was asked for.
            Some(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    };
    // SAFETY: between fork and exec it makes three system calls, and neither allocates nor locks.
    unsafe { command.pre_exec(before_exec) };
}

/// Keeps a descriptor open in the plugin and, as far as that does not close it, in whatever it starts.
/// `command` must not outlive it.
fn pass_on(command: &mut Command, inherited: BorrowedFd<'_>) {
    let raw = inherited.as_raw_fd();
    let before_exec = move || {
        // SAFETY: in this copy of the process the descriptor is open as it was in the original.
        let inherited = unsafe { BorrowedFd::borrow_raw(raw) };
        Ok(fcntl_setfd(inherited, FdFlags::empty())?)
    };
    // SAFETY: between fork and exec it makes one system call, and neither allocates nor locks.
    unsafe { command.pre_exec(before_exec) };
}

enum End {
    Exited,
    TimedOut,
    TooMuch,
}

struct Conversation {
    end: End,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Writes standard input and reads both outputs until the process ends. Its end counts, and not the end of
/// its outputs, which a daemon it left behind may hold open.
fn converse(child: &mut Child, input: &[u8], limit: Duration) -> io::Result<Conversation> {
    let deadline = Instant::now() + limit;
    let exit = pidfd_open(pid(child)?, PidfdFlags::empty())?;
    let mut stdin = child
        .stdin
        .take()
        .map(|pipe| nonblocking(pipe.into()))
        .transpose()?;
    let mut outputs = [
        Output::new(child.stdout.take().map(Into::into))?,
        Output::new(child.stderr.take().map(Into::into))?,
    ];
    let mut unwritten = input;
    let end = loop {
        if unwritten.is_empty() {
            stdin = None;
        }
        let (writable, exited) = {
            let mut fds = vec![PollFd::new(&exit, PollFlags::IN)];
            fds.extend(
                outputs
                    .iter()
                    .filter_map(|o| o.pipe.as_ref())
                    .map(|pipe| PollFd::new(pipe, PollFlags::IN)),
            );
            fds.extend(stdin.iter().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => break End::TimedOut,
                Err(rustix::io::Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
                Ok(_) => {}
            }
            let ready = |fd: Option<&PollFd<'_>>| fd.is_some_and(|fd| !fd.revents().is_empty());
            (stdin.is_some() && ready(fds.last()), ready(fds.first()))
        };
        if let (true, Some(pipe)) = (writable, stdin.as_mut()) {
            match pipe.write(unwritten) {
                Ok(written) => unwritten = unwritten.get(written..).unwrap_or_default(),
                Err(error) if is_passing(&error) => {}
                // It does not care for its configuration, as for VERSION.
                Err(_) => unwritten = &[],
            }
        }
        for output in &mut outputs {
            output.drain()?;
        }
        if outputs.iter().any(|output| output.text.len() > OUTPUT_MAX) {
            break End::TooMuch;
        }
        if exited {
            break End::Exited;
        }
    };
    let [stdout, stderr] = outputs.map(|output| output.text);
    Ok(Conversation {
        end,
        stdout,
        stderr,
    })
}

/// One output of the plugin.
struct Output {
    pipe: Option<File>,
    text: Vec<u8>,
}

impl Output {
    fn new(pipe: Option<OwnedFd>) -> io::Result<Self> {
        Ok(Self {
            pipe: pipe.map(nonblocking).transpose()?,
            text: Vec::new(),
        })
    }

    /// Reads what is there.
    fn drain(&mut self) -> io::Result<()> {
        let mut chunk = [0_u8; 8192];
        while let Some(pipe) = self.pipe.as_mut() {
            match pipe.read(&mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(read) => {
                    self.text
                        .extend_from_slice(chunk.get(..read).unwrap_or_default());
                    if self.text.len() > OUTPUT_MAX {
                        return Ok(());
                    }
                }
                Err(error) if is_passing(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn nonblocking(pipe: OwnedFd) -> io::Result<File> {
    rustix::io::ioctl_fionbio(pipe.as_fd(), true)?;
    Ok(File::from(pipe))
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

fn pid(child: &Child) -> io::Result<Pid> {
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("a process without an id"))
}

/// Kills the plugin and everything in its group. It is not reaped yet, so the id is still its own.
fn kill(child: &Child) {
    if let Ok(pid) = pid(child) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

fn judge(
    request: &Request<'_>,
    conversation: Conversation,
    status: ExitStatus,
) -> Result<Printed, Failed> {
    let Conversation {
        end,
        stdout,
        stderr,
    } = conversation;
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    let (kind, verb) = (request.kind.to_owned(), request.verb);
    let error = match end {
        End::TimedOut => Error::Timeout {
            kind,
            verb,
            limit: request.limit,
            printed: beginning(&stderr),
        },
        End::TooMuch => Error::Protocol {
            kind,
            verb,
            problem: format!("printed more than {} MiB and was killed", OUTPUT_MAX >> 20),
            printed: String::new(),
        },
        End::Exited if status.success() => return Ok(Printed { stdout, stderr }),
        End::Exited => match spec::Error::from_json(&stdout) {
            Some(error) => Error::Reported { kind, verb, error },
            None => {
                let how = match (status.code(), status.signal()) {
                    (Some(code), _) => format!("failed with exit status {code}"),
                    (None, Some(signal)) => format!("was killed by signal {signal}"),
                    (None, None) => "failed".to_owned(),
                };
                let said = String::from_utf8_lossy(&stdout);
                let printed = if said.trim().is_empty() {
                    &*stderr
                } else {
                    &*said
                };
                Error::Protocol {
                    kind,
                    verb,
                    problem: format!("{how} and without an error object"),
                    printed: beginning(printed),
                }
            }
        },
    };
    Err(Failed { error, stderr })
}

/// The beginning of a text, cut at a character.
pub(super) fn beginning(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(QUOTED_MAX) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
