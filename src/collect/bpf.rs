//! What programs of BPF are called (`bpf(2)`, `BPF_OBJ_GET_INFO_BY_FD`).

use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd};

const BPF_PROG_GET_FD_BY_ID: libc::c_int = 13;
const BPF_OBJ_GET_INFO_BY_FD: libc::c_int = 15;

/// `union bpf_attr` for the first of the two commands.
#[repr(C)]
struct ById {
    id: u32,
    next_id: u32,
    flags: u32,
}

/// `union bpf_attr` for the second.
#[repr(C)]
struct InfoBy {
    fd: u32,
    length: u32,
    info: u64,
}

/// The beginning of `struct bpf_prog_info`, up to the name: the kernel fills in as much as there is room for.
#[repr(C, align(8))]
struct Info([u8; 80]);

/// Where the name stands in it.
const NAME: usize = 64;

/// The name of the program with that number; nothing if it has none, is gone, or may not be asked for: that takes
/// `CAP_SYS_ADMIN`.
pub(super) fn name_of(id: u32) -> Option<String> {
    let attributes = ById {
        id,
        next_id: 0,
        flags: 0,
    };
    let program = bpf(BPF_PROG_GET_FD_BY_ID, &attributes)?;
    // SAFETY: the kernel just made the descriptor, and it belongs to nobody else.
    let program = unsafe { OwnedFd::from_raw_fd(program) };
    let mut info = Info([0; 80]);
    let attributes = InfoBy {
        fd: u32::try_from(std::os::fd::AsRawFd::as_raw_fd(&program)).ok()?,
        length: u32::try_from(size_of::<Info>()).ok()?,
        info: (&raw mut info) as u64,
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes)?;
    let name = CStr::from_bytes_until_nul(info.0.get(NAME..)?).ok()?;
    let name = name.to_string_lossy();
    (!name.is_empty()).then(|| name.into_owned())
}

fn bpf<T>(command: libc::c_int, attributes: &T) -> Option<libc::c_int> {
    // SAFETY: `attributes` is a plain structure that is valid for reading and of the size that is said; what it points
    // to lives as long as the caller, and is as long as it says.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(attributes),
            size_of::<T>(),
        )
    };
    libc::c_int::try_from(result)
        .ok()
        .filter(|result| *result >= 0)
}
