//! How `ovl` starts a process of a lab so that none is ever lost.
//!
//! ```text
//! ovl                                   the process, on the other end of its standard input
//!  ├─ starts it                    ──▶  waits
//!  ├─ writes its number to the state
//!  ├─ sends the plan (a JSON line) ──▶  sets itself up
//!  ◀─────────────────────────────────── "ok", or why not
//! ```
//!
//! Whenever `ovl` dies, the process either is in the state file, or sees the end of its input before it
//! was told what to do, and exits.

use std::io::{self, BufRead, BufReader, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use serde::{Deserialize, Serialize};

use super::namespaces;
use super::process::{Held, Process};

/// `argv[0]` of a machine's first process; the word after it names the machine for whoever reads `ps`.
pub const MACHINE: &str = "ovl-lab";
/// `argv[0]` of a process that becomes a program of a machine.
pub const PROGRAM: &str = "ovl-lab-start";
/// `argv[0]` of the process that keeps a pod's namespaces, named as Kubernetes names its own.
pub const PAUSE: &str = "/pause";

/// What a process of a lab is to become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "camelCase")]
pub enum Plan {
    /// The first process of a machine: makes its namespaces and keeps them.
    Machine {
        /// The host name.
        host_name: String,
        /// The files the machine has of its own; none for the switch and a router.
        files: Option<MachineFiles>,
    },
    /// The process that keeps a pod's namespaces.
    Pause {
        /// The pod's host name.
        host_name: String,
        /// Where the network namespace is bound, as the node sees it.
        netns: PathBuf,
    },
    /// A program of the machine.
    Program {
        /// What to execute, and its arguments.
        command: Vec<String>,
        /// Where its output goes, as the machine sees it.
        log: PathBuf,
    },
}

/// Where a node's own files are, as the caller of `ovl` sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFiles {
    /// The directory that holds the node's own `/etc`, `/opt`, `/run` and `/var/lib`.
    pub root: PathBuf,
    /// The directory that all nodes of the lab share.
    pub shared: PathBuf,
    /// The `ovl` program.
    pub ovl: PathBuf,
    /// The multi-call plugin `ovl-cni`.
    pub ovl_cni: PathBuf,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    error: Option<String>,
}

/// A process that was started, and waits to be told what to become.
#[derive(Debug)]
pub struct Waiting {
    process: Process,
    stream: BufReader<UnixStream>,
}

impl Waiting {
    /// Starts the first process of a machine, in a PID namespace of its own. `label` names it in `ps`.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn machine(label: &str) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = ourselves(MACHINE, theirs);
        command.arg(label);
        let child = namespaces::spawn_first(command)?;
        Ok(Self {
            process: Process::of(child.id())?,
            stream: BufReader::new(ours),
        })
    }

    /// Starts a process inside `machine`, as a child of the machine's first process.
    ///
    /// # Errors
    /// When the machine may not be entered, or the process cannot be started.
    pub fn inside(machine: &Held, argv0: &str) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        // The process cannot know the number that we see it by; the kernel translates it for us.
        rustix::net::sockopt::set_socket_passcred(&ours, true)?;
        let mut parent = namespaces::spawn_inside(machine, ourselves(argv0, theirs))?;
        let greeted = sender_of_greeting(&ours);
        // The parent leaves as soon as it has its child, which is the one that matters.
        parent.wait()?;
        let pid = greeted?;
        rustix::net::sockopt::set_socket_passcred(&ours, false)?;
        Ok(Self {
            process: Process::of(pid)?,
            stream: BufReader::new(ours),
        })
    }

    /// Which process it is; to be written down before [`Waiting::send`].
    pub fn process(&self) -> Process {
        self.process
    }

    /// Tells it what to become.
    ///
    /// # Errors
    /// When it has died.
    pub fn send(&mut self, plan: &Plan) -> io::Result<()> {
        let mut line = serde_json::to_vec(plan)?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)
    }

    /// Waits until it is what it was told to become.
    ///
    /// # Errors
    /// What kept it from it, in its own words, or that it died.
    pub fn ready(mut self, plan: &Plan) -> io::Result<Process> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if line.is_empty() {
            // Execution closes a program's end of the socket.
            return match plan {
                Plan::Program { .. } => Ok(self.process),
                _ => Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the process died at once",
                )),
            };
        }
        match serde_json::from_str::<Answer>(&line)?.error {
            None => Ok(self.process),
            Some(error) => Err(io::Error::other(error)),
        }
    }
}

/// The other end: what the started process holds.
#[derive(Debug)]
pub struct Instructions {
    stream: BufReader<UnixStream>,
}

impl Instructions {
    /// Takes standard input, which must be the socket that [`Waiting`] made.
    ///
    /// # Errors
    /// When it cannot be duplicated.
    pub fn from_stdin() -> io::Result<Self> {
        let stdin: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self {
            stream: BufReader::new(UnixStream::from(stdin)),
        })
    }

    /// Says hello, so that the other end learns this process' number.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn greet(&mut self) -> io::Result<()> {
        self.stream.get_mut().write_all(b"\n")
    }

    /// Waits for the plan; `None` when the other end died without giving one.
    ///
    /// # Errors
    /// When what came is not a plan.
    pub fn receive(&mut self) -> io::Result<Option<Plan>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }

    /// Tells the other end what came of the plan.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn answer(&mut self, result: Result<(), String>) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Answer {
            error: result.err(),
        })?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)
    }
}

fn ourselves(argv0: &str, stdin: UnixStream) -> Command {
    use std::os::unix::process::CommandExt;
    // By this path the kernel finds the very program that runs, whatever has become of its file, and in
    // any mount namespace.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(argv0)
        .stdin(Stdio::from(OwnedFd::from(stdin)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn sender_of_greeting(stream: &UnixStream) -> io::Result<u32> {
    let mut octet = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let mut buffers = [IoSliceMut::new(&mut octet)];
    let received = rustix::net::recvmsg(stream, &mut buffers, &mut ancillary, flags)?;
    if received.bytes == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the process died at once",
        ));
    }
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmCredentials(credentials) = message {
            return u32::try_from(credentials.pid.as_raw_nonzero().get()).map_err(io::Error::other);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "the kernel did not say who greeted",
    ))
}
