//! Rights given up once the sockets are open: a decoder of what strangers send needs none.

use std::ffi::CString;
use std::io;
use std::ptr;

use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};

/// Becomes `user` if one is given (and its groups), and gives up every capability. Only the calling thread
/// loses its capabilities: call this while there is no other.
///
/// # Errors
/// When there is no such user, or the kernel refuses.
pub fn drop_all(user: Option<&str>) -> io::Result<()> {
    if let Some(user) = user {
        become_user(user)?;
    }
    set_no_new_privs(true)?;
    set_capabilities(
        None,
        CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        },
    )?;
    Ok(())
}

fn become_user(user: &str) -> io::Result<()> {
    let name = CString::new(user).map_err(io::Error::other)?;
    let mut entry = std::mem::MaybeUninit::<libc::passwd>::zeroed();
    let mut strings = vec![0; 16 * 1024];
    let mut found = ptr::null_mut();
    // SAFETY: every pointer is to memory of the size given, which outlives the call.
    let error = unsafe {
        libc::getpwnam_r(
            name.as_ptr(),
            entry.as_mut_ptr(),
            strings.as_mut_ptr(),
            strings.len(),
            &raw mut found,
        )
    };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    if found.is_null() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no such user"));
    }
    // SAFETY: getpwnam_r filled the entry, as it says by a pointer that is not null.
    let (uid, gid) = unsafe {
        let entry = entry.assume_init();
        (entry.pw_uid, entry.pw_gid)
    };
    // Groups first, the user last: after that there is no right left to change groups.
    // SAFETY: `name` is a C string; the calls change nothing but this process' identity.
    let failed = unsafe {
        libc::initgroups(name.as_ptr(), gid) != 0
            || libc::setgid(gid) != 0
            || libc::setuid(uid) != 0
    };
    if failed {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
