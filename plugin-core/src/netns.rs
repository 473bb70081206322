//! Network namespaces: opened by path or process, made, entered.
//!
//! `setns(2)` moves one thread. Everything here that enters a namespace does so on a throwaway thread,
//! which ends before the call returns, so the caller never finds itself elsewhere, whatever `f` does. Only
//! a process that has no other thread, as a CNI plugin, goes there and back itself: starting a thread
//! would cost it more than all else that it does inside.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::mount::{MountPropagationFlags, UnmountFlags};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use serde::{Deserialize, Serialize};

/// `NSFS_MAGIC` of `include/uapi/linux/magic.h`: the file system that namespace files live on.
const NSFS_MAGIC: u64 = 0x6e73_6673;

/// `NS_GET_NSTYPE` of `include/uapi/linux/nsfs.h`: asks a namespace file for its `CLONE_NEW…` flag.
const NS_GET_NSTYPE: libc::Ioctl = 0xb703;

/// Which namespace, whatever path leads to it: device and inode of its file. Unique while it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NetnsId {
    /// Device number of the nsfs file system.
    pub device: u64,
    /// Inode, as in `net:[4026531840]`.
    pub inode: u64,
}

/// An open network namespace. It lives at least as long as this does.
#[derive(Debug)]
pub struct Netns {
    file: File,
    path: PathBuf,
    id: NetnsId,
}

/// Why a namespace could not be opened, made, entered or removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing can be opened at the path.
    #[error("cannot open the network namespace {path}: {source}")]
    Open {
        /// What was opened.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The path leads to something else, such as an ordinary file or a mount namespace.
    #[error("{path} is not a network namespace")]
    NotANetns {
        /// What was opened.
        path: PathBuf,
    },
    /// The namespace is there and may not be entered.
    #[error("cannot enter the network namespace {path}: {source}; this needs CAP_SYS_ADMIN")]
    Enter {
        /// What was to be entered.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A new namespace could not be made or bound to its path.
    #[error("cannot create a network namespace at {path}: {source}")]
    Create {
        /// Where it was to be.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The mount at the path could not be taken away.
    #[error("cannot remove the network namespace {path}: {source}")]
    Remove {
        /// Where it is.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// The error of the operating system, if that was the cause.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::NotANetns { .. } => None,
            Self::Open { source, .. }
            | Self::Enter { source, .. }
            | Self::Create { source, .. }
            | Self::Remove { source, .. } => Some(source),
        }
    }
}

impl Netns {
    /// Opens the namespace that `path` leads to: a bind mount such as `/run/netns/NAME`, or
    /// `/proc/PID/ns/net`.
    ///
    /// # Errors
    /// When there is nothing, or something that is not a network namespace.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let open = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        // A path that a config gives may be a FIFO, which would block the open without O_NONBLOCK.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_CLOEXEC | libc::O_NONBLOCK)
            .open(path)
            .map_err(open)?;
        let nsfs = rustix::fs::fstatfs(&file)
            .map_err(|e| open(e.into()))?
            .f_type as u64;
        if nsfs != NSFS_MAGIC || namespace_type(&file) != Some(libc::CLONE_NEWNET) {
            return Err(Error::NotANetns {
                path: path.to_owned(),
            });
        }
        let meta = file.metadata().map_err(open)?;
        let id = NetnsId {
            device: meta.dev(),
            inode: meta.ino(),
        };
        Ok(Self {
            file,
            path: path.to_owned(),
            id,
        })
    }

    /// The namespace of the calling thread.
    ///
    /// # Errors
    /// When `/proc` is not mounted.
    pub fn current() -> Result<Self, Error> {
        Self::open("/proc/thread-self/ns/net")
    }

    /// The namespace of a process.
    ///
    /// # Errors
    /// When the process is gone, or may not be looked at (`ptrace(2)` access mode).
    pub fn of_pid(pid: u32) -> Result<Self, Error> {
        Self::open(format!("/proc/{pid}/ns/net"))
    }

    /// Makes a new namespace and binds it to `path`, as `ip netns add` does. The path must not exist.
    ///
    /// # Errors
    /// When the path exists, or the caller lacks CAP_SYS_ADMIN. Nothing is left behind then.
    pub fn create_at(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let create = |source| Error::Create {
            path: path.to_owned(),
            source,
        };
        File::create_new(path).map_err(create)?;
        let made = on_a_thread_of_its_own(|| {
            unshare(UnshareFlags::NEWNET)?;
            rustix::mount::mount_bind("/proc/thread-self/ns/net", path)?;
            Ok(())
        });
        if let Err(source) = made {
            // The mount did not happen; what is left to remove is the empty file of a moment ago.
            let _ = fs::remove_file(path);
            return Err(create(source));
        }
        Self::open(path)
    }

    /// Takes away the mount that [`Netns::create_at`] made. The namespace ends with its last process,
    /// descriptor and mount.
    ///
    /// # Errors
    /// When it cannot be unmounted or its file cannot be removed. A path that is already gone is success.
    pub fn remove(path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let remove = |source| Error::Remove {
            path: path.to_owned(),
            source,
        };
        match rustix::mount::unmount(path, UnmountFlags::DETACH) {
            Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {}
            Err(errno) => return Err(remove(errno.into())),
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(remove(error)),
            _ => Ok(()),
        }
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its identity, equal for every path that leads to it.
    pub fn id(&self) -> NetnsId {
        self.id
    }

    /// Runs `f` in this namespace, and leaves the calling thread where it is. Sockets that `f` opens stay
    /// in this namespace and can be used from outside. `/proc/sys/net` and `/proc/net` (through
    /// `/proc/thread-self`) are this namespace's while `f` runs; `/sys` is not.
    ///
    /// # Errors
    /// When the namespace may not be entered; `f` has not run then.
    pub fn run<T: Send>(&self, f: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let enter = |source| Error::Enter {
            path: self.path.clone(),
            source,
        };
        // Entering where it is already shows that it may come back.
        if is_only_thread()
            && let Ok(here) = Self::current()
            && here.enter().is_ok()
        {
            self.enter().map_err(enter)?;
            let _back = WayBack(here);
            return Ok(f());
        }
        on_a_thread_of_its_own(|| {
            self.enter()?;
            Ok(f())
        })
        .map_err(enter)
    }

    /// Moves the calling thread into this namespace for good. For a process that has a single thread
    /// and nothing else to do elsewhere; everything else uses [`Netns::run`].
    ///
    /// # Errors
    /// When the namespace may not be entered.
    pub fn enter(&self) -> io::Result<()> {
        let network = Some(LinkNameSpaceType::Network);
        Ok(rustix::thread::move_into_link_name_space(
            self.file.as_fd(),
            network,
        )?)
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Brings the calling thread back to where it was, also when what it did elsewhere panicked.
struct WayBack(Netns);

impl Drop for WayBack {
    fn drop(&mut self) {
        if self.0.enter().is_err() {
            // Going on in the wrong namespace would change the wrong network.
            std::process::abort();
        }
    }
}

/// Whether the calling thread is all there is of this process, so that nobody can start another meanwhile.
/// Beside its own two, the directory has a link for each thread
/// (`fs/proc/base.c`, `proc_task_getattr`).
fn is_only_thread() -> bool {
    fs::metadata("/proc/self/task").is_ok_and(|task| task.nlink() == 3)
}

/// The `CLONE_NEW…` flag of a namespace file; `None` for any other nsfs file.
fn namespace_type(file: &File) -> Option<libc::c_int> {
    // SAFETY: NS_GET_NSTYPE takes no argument and the descriptor is open for the whole call.
    let kind = unsafe { libc::ioctl(file.as_raw_fd(), NS_GET_NSTYPE) };
    (kind >= 0).then_some(kind)
}

/// `unshare(2)` for the calling thread.
///
/// # Errors
/// Those of the system call.
fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: CLONE_FILES, the flag that could pull descriptors away from safe code, is never passed.
    unsafe { rustix::thread::unshare_unsafe(flags) }?;
    Ok(())
}

/// Runs `f` on a new thread and waits for it; a panic of `f` goes on in the caller.
fn on_a_thread_of_its_own<T: Send>(f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("netns".into())
            .spawn_scoped(scope, f)?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Gives the calling process a mount namespace of its own whose mounts do not reach back, so that a
/// test may mount what it likes. The calling thread only, and not undone.
///
/// # Errors
/// When the caller lacks CAP_SYS_ADMIN.
pub fn unshare_mounts() -> io::Result<()> {
    unshare(UnshareFlags::NEWNS)?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    Ok(rustix::mount::mount_change("/", private)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_is_a_network_namespace() {
        let here = Netns::current().unwrap();
        assert_eq!(here.id(), Netns::of_pid(std::process::id()).unwrap().id());
        assert_ne!(here.id().inode, 0);
    }

    #[test]
    fn what_is_not_a_network_namespace_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(
            Netns::open(file.path()),
            Err(Error::NotANetns { .. })
        ));
        assert!(matches!(
            Netns::open("/proc/self/ns/uts"),
            Err(Error::NotANetns { .. })
        ));
        assert!(matches!(Netns::open("/nowhere"), Err(Error::Open { .. })));
    }

    #[test]
    fn a_namespace_is_made_entered_and_removed() {
        if !rustix::process::geteuid().is_root() {
            assert!(std::env::var_os("OVL_TEST_STRICT").is_none(), "needs root");
            eprintln!("skipped: needs root");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made");
        let made = Netns::create_at(&path).unwrap();
        assert!(matches!(Netns::create_at(&path), Err(Error::Create { .. })));
        let here = Netns::current().unwrap().id();
        let inside = made.run(|| Netns::current().unwrap().id()).unwrap();
        assert_eq!(inside, made.id());
        assert_ne!(inside, here);
        assert_eq!(
            Netns::current().unwrap().id(),
            here,
            "the caller was not moved"
        );
        drop(made);
        Netns::remove(&path).unwrap();
        Netns::remove(&path).unwrap();
        assert!(!path.exists());
    }
}
