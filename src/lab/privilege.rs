//! With which rights a lab is made: root's, or those that an ordinary user has in a user namespace.

use std::fs;
use std::io;

use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, ThreadNameSpaceType, UnshareFlags, capabilities};

use super::namespaces::unshare;
use super::process::Held;
use crate::error::{Error, Outcome, Result};

/// What making namespaces and links takes.
const NEEDED: CapabilitySet = CapabilitySet::SYS_ADMIN.union(CapabilitySet::NET_ADMIN);

/// Whether the caller may make namespaces and links as it is.
pub fn is_sufficient() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(NEEDED))
}

/// Puts this process into a new user namespace where its user is root. Must be called while the process
/// has one thread (`user_namespaces(7)`).
///
/// # Errors
/// When the kernel does not allow it, with what to do about it.
pub fn make_user_namespace() -> Result<()> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(UnshareFlags::NEWUSER).map_err(refused)?;
    let map = || -> io::Result<()> {
        // Without CAP_SETGID in the parent, a group map needs this first (user_namespaces(7)).
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1\n"))?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1\n"))
    };
    map().map_err(refused)?;
    if is_sufficient() {
        Ok(())
    } else {
        // Ubuntu lets the namespace be made and takes its capabilities away.
        Err(refused(io::Error::from_raw_os_error(libc::EPERM)))
    }
}

/// Puts this process into the user namespace that `machine` lives in. Must be called while the process
/// has one thread.
///
/// # Errors
/// When it belongs to another user.
pub fn enter_user_namespace(machine: &Held) -> Result<()> {
    let machine = rustix::fd::AsFd::as_fd(machine);
    match rustix::thread::move_into_thread_name_spaces(machine, ThreadNameSpaceType::USER) {
        // EINVAL: this process is in it already, as one started by `ovl lab exec` is.
        Ok(()) | Err(rustix::io::Errno::INVAL) => Ok(()),
        Err(errno) => Err(
            Error::new(Outcome::NoAccess, "cannot enter the lab's user namespace")
                .caused_by(io::Error::from(errno))
                .try_this("run this as the user who made the lab"),
        ),
    }
}

fn refused(error: io::Error) -> Error {
    let setting =
        |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    let advice = if setting(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
    ) {
        "sudo ovl lab up, or: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    } else if setting("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "sudo ovl lab up, or: sudo sysctl kernel.unprivileged_userns_clone=1"
    } else if setting("/proc/sys/user/max_user_namespaces", "0") {
        "sudo ovl lab up, or: sudo sysctl user.max_user_namespaces=10000"
    } else {
        "sudo ovl lab up; in a container: give it CAP_SYS_ADMIN and CAP_NET_ADMIN"
    };
    Error::new(
        Outcome::NoAccess,
        "a lab needs root, or a kernel that gives users namespaces",
    )
    .caused_by(error)
    .try_this(advice)
}
