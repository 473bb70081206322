//! What the processes of a lab do once they run: the other side of [`super::handshake`].
//!
//! They are this same program, recognised by `argv[0]`, and have a single thread.

use std::ffi::{CStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::thread::UnshareFlags;

use super::files;
use super::handshake::{Instructions, MACHINE, PAUSE, PROGRAM, Plan};
use super::namespaces::unshare;
use super::programs;

/// Runs this process as a part of a lab if that is what it was started for.
pub fn run_if_asked(args: &[OsString]) -> Option<ExitCode> {
    let argv0 = args.first()?.to_str()?;
    let result = match argv0 {
        MACHINE => follow(),
        PAUSE | PROGRAM => daemonize().and_then(|child| if child { follow() } else { Ok(()) }),
        _ => return None,
    };
    Some(if result.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Goes on in a child whose parent is the machine's first process, which reaps it. True in the child.
fn daemonize() -> io::Result<bool> {
    // SAFETY: this process has one thread, so the child may do anything that the parent may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(true),
        _ => Ok(false),
    }
}

fn follow() -> io::Result<()> {
    let mut instructions = Instructions::from_stdin()?;
    rustix::process::setsid().ok();
    std::env::set_current_dir("/")?;
    let first = std::process::id() == 1;
    if !first {
        instructions.greet()?;
    }
    let Some(plan) = instructions.receive()? else {
        return Ok(());
    };
    let result = match &plan {
        Plan::Machine { host_name, files } => machine(host_name, files.as_ref()),
        Plan::Pause { host_name, netns } => sandbox(host_name, netns),
        Plan::Program { command, log } => match program(command, log) {
            Ok(never) => match never {},
            Err(error) => Err(error),
        },
    };
    let failed = result.is_err();
    instructions.answer(result)?;
    drop(instructions);
    if failed {
        return Err(io::ErrorKind::Other.into());
    }
    let null = File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(null.as_fd())?;
    if first {
        // Whatever ends in this PID namespace without a parent is reaped by the kernel itself.
        // SAFETY: SIG_IGN runs no code of ours.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    }
    loop {
        // SAFETY: pause(2) takes nothing and touches nothing.
        unsafe { libc::pause() };
    }
}

fn machine(host_name: &str, own: Option<&files::MachineFiles>) -> Result<(), String> {
    name_thread(c"ovl-lab");
    let namespaces =
        UnshareFlags::NEWNET | UnshareFlags::NEWNS | UnshareFlags::NEWUTS | UnshareFlags::NEWIPC;
    unshare(namespaces).map_err(|e| format!("cannot make namespaces: {e}"))?;
    mounts_stay_here()?;
    set_host_name(host_name)?;
    if let Some(own) = own {
        files::mount_all(own, host_name)?;
    }
    own_proc_and_sys();
    Ok(())
}

fn sandbox(host_name: &str, netns: &Path) -> Result<(), String> {
    name_thread(c"pause");
    unshare(UnshareFlags::NEWNET).map_err(|e| format!("cannot make a network namespace: {e}"))?;
    let bound = bind_netns(netns);
    bound.map_err(|e| {
        format!(
            "cannot bind the network namespace to {}: {e}",
            netns.display()
        )
    })?;
    let rest = UnshareFlags::NEWNS | UnshareFlags::NEWUTS | UnshareFlags::NEWIPC;
    unshare(rest).map_err(|e| format!("cannot make namespaces: {e}"))?;
    mounts_stay_here()?;
    set_host_name(host_name)?;
    own_sys();
    Ok(())
}

fn bind_netns(netns: &Path) -> io::Result<()> {
    if let Some(directory) = netns.parent() {
        fs::create_dir_all(directory)?;
    }
    File::create_new(netns)?;
    Ok(mount_bind("/proc/self/ns/net", netns)?)
}

fn program(command: &[String], log: &Path) -> Result<std::convert::Infallible, String> {
    let (program, arguments) = command.split_first().ok_or("there is no program to run")?;
    let failed = |what: &str, error: io::Error| format!("cannot {what}: {error}");
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .map_err(|e| failed(&format!("write {}", log.display()), e))?;
    let other = log.try_clone().map_err(|e| failed("write the log", e))?;
    let error = Command::new(program)
        .args(arguments)
        .env("PATH", programs::search_path())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(other)
        .exec();
    Err(failed(&format!("run {program}"), error))
}

/// Mounts made from here on reach no other mount namespace, nor the other way round.
fn mounts_stay_here() -> Result<(), String> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(|e| format!("cannot make the mounts private: {e}"))
}

fn set_host_name(name: &str) -> Result<(), String> {
    rustix::system::sethostname(name.as_bytes())
        .map_err(|e| format!("cannot set the host name {name}: {e}"))
}

/// A `/proc` that knows this PID namespace, and a `/sys` that knows this network namespace. Where the
/// kernel forbids it (a container that hides parts of its own `/proc`), the ones of the host stay;
/// `/proc/sys/net` and `/proc/net` are right in either case.
fn own_proc_and_sys() {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None).ok();
    own_sys();
}

fn own_sys() {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("sysfs", "/sys", "sysfs", flags, None).ok();
}

fn name_thread(name: &CStr) {
    rustix::thread::set_name(name).ok();
}
