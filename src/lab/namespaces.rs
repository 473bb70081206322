//! Running something where a lab's machine is.
//!
//! A machine of a lab (a node, the switch, a router) is a process with namespaces of its own; its pidfd
//! leads into all of them at once (`setns(2)`, since Linux 5.8). As everywhere, only a throwaway thread
//! is moved. The user namespace is the exception: the kernel moves no thread of a program that has
//! several, so [`super::privilege`] enters it once, before anything else happens.

use std::io;
use std::process::{Child, Command};

use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::thread::{ThreadNameSpaceType, UnshareFlags};

use super::process::Held;

/// What a machine has of its own.
const MACHINE: ThreadNameSpaceType = ThreadNameSpaceType::NETWORK
    .union(ThreadNameSpaceType::MOUNT)
    .union(ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME)
    .union(ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION)
    .union(ThreadNameSpaceType::PROCESS_ID);

/// Runs `f` on a thread inside the machine. Programs that `f` starts are processes of the machine; the
/// thread itself is not (a PID namespace takes children only), so `/proc/self` does not exist for `f`.
///
/// # Errors
/// When the machine may not be entered; `f` has not run then.
pub fn run_inside<T: Send>(machine: &Held, f: impl FnOnce() -> T + Send) -> io::Result<T> {
    on_a_thread(|| {
        // A thread that shares its working directory with others cannot change its mounts.
        unshare(UnshareFlags::FS)?;
        rustix::thread::move_into_thread_name_spaces(machine.as_fd(), MACHINE).map_err(
            |errno| {
                match errno {
                    // It is ending this moment: its descriptor is still there, its namespaces are not.
                    Errno::SRCH => {
                        io::Error::new(io::ErrorKind::NotFound, "it does not run any more")
                    }
                    errno => errno.into(),
                }
            },
        )?;
        Ok(f())
    })
}

/// Starts `command` as a process of the machine.
///
/// # Errors
/// When the machine may not be entered or the program cannot be executed.
pub fn spawn_inside(machine: &Held, mut command: Command) -> io::Result<Child> {
    run_inside(machine, move || command.spawn())?
}

/// Starts `command` as the first process of a new PID namespace.
///
/// # Errors
/// When the caller lacks CAP_SYS_ADMIN, or the program cannot be executed.
pub fn spawn_first(mut command: Command) -> io::Result<Child> {
    on_a_thread(move || {
        unshare(UnshareFlags::NEWPID)?;
        command.spawn()
    })
}

/// `unshare(2)` for the calling thread.
///
/// # Errors
/// Those of the system call.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: CLONE_FILES, the flag that could pull descriptors away from safe code, is never passed.
    unsafe { rustix::thread::unshare_unsafe(flags) }?;
    Ok(())
}

/// Runs `f` on a new thread and waits for it; a panic of `f` goes on in the caller.
fn on_a_thread<T: Send>(f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("lab".into())
            .spawn_scoped(scope, f)?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
