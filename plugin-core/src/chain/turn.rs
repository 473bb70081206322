//! Whose turn it is with an attachment: one ADD or DEL at a time, and the next one only when every process
//! that the last one started has ended.
//!
//! A runtime that is killed takes the plugin with it ([`super::exec`]), but not what the plugin has
//! started: an `iptables` that is still busy with the ADD would meet the DEL that follows. So the turn is a
//! lock which the plugin and all its descendants inherit, and which ends with the last of them.
//!
//! All attachments share one file, each having an octet of its own, so that nothing is left to sweep. The
//! locks are those of the open file (`F_OFD_SETLK`, `fcntl_locking(2)`), which children share; the classic
//! ones belong to a process and would end with it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::spec::{Attachment, NetworkName};

/// Beside the results, where libcni looks for none.
const FILE: &str = "ovl.lock";
/// How often a turn that somebody else has is asked for.
const RETRY: Duration = Duration::from_millis(5);

/// The right to work on an attachment. It ends when this is dropped and no process has inherited it.
#[derive(Debug)]
pub struct Turn {
    file: File,
}

impl Turn {
    /// Waits for the turn at most `patience`; `None` when somebody still has it then.
    ///
    /// # Errors
    /// When the lock cannot be made in `dir`, the directory of the result cache, or there is no such directory.
    pub fn take(
        dir: &Path,
        network: &NetworkName,
        attachment: &Attachment,
        patience: Duration,
    ) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join(FILE))?;
        let octet = octet(network, attachment);
        let start = Instant::now();
        while !lock(&file, octet)? {
            if start.elapsed() >= patience {
                return Ok(None);
            }
            std::thread::sleep(RETRY);
        }
        Ok(Some(Self { file }))
    }
}

/// For a plugin to inherit.
impl AsFd for Turn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The attachment's own octet: a hash (FNV-1a). Two that share one take turns, which is no more than slow.
fn octet(network: &NetworkName, attachment: &Attachment) -> libc::off_t {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = format!("{network}/{attachment}")
        .bytes()
        .fold(OFFSET, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(PRIME)
        });
    // Room for the end of the range, which is an offset as well.
    libc::off_t::try_from(hash >> 2).unwrap_or_default()
}

/// Whether the lock was to be had.
fn lock(file: &File, octet: libc::off_t) -> io::Result<bool> {
    // SAFETY: a C struct of integers, for which zero is a value. The lock's process id has to be zero.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = libc::F_WRLCK as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = octet;
    range.l_len = 1;
    // SAFETY: the descriptor is open, and the command takes a pointer to a `flock`, which outlives the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) } {
        -1 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            error => Err(error),
        },
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(dir: &Path, ifname: &str) -> Option<Turn> {
        let attachment = Attachment {
            container_id: "c1".parse().unwrap(),
            ifname: ifname.parse().unwrap(),
        };
        Turn::take(dir, &"net".parse().unwrap(), &attachment, Duration::ZERO).unwrap()
    }

    #[test]
    fn one_at_a_time_for_each_attachment() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().to_owned();
        let turn = take(&cache, "eth0").unwrap();
        assert!(take(&cache, "eth0").is_none());
        assert!(take(&cache, "net1").is_some(), "another is not held up");
        drop(turn);
        assert!(take(&cache, "eth0").is_some());
    }

    #[test]
    fn a_turn_ends_with_the_last_who_inherited_it() {
        let dir = tempfile::tempdir().unwrap();
        let turn = take(dir.path(), "eth0").unwrap();
        let heir = turn.file.try_clone().unwrap();
        drop(turn);
        assert!(take(dir.path(), "eth0").is_none());
        drop(heir);
        assert!(take(dir.path(), "eth0").is_some());
    }
}
