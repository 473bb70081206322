//! The agent's own files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plugin_core::node::status::Status;

use crate::error::{Error, Result};

/// How long a STATUS may take to look at the agent's lock.
const GLANCE: Duration = Duration::from_millis(200);

/// Keeps a second agent of the same network away for as long as the file is open.
pub(super) fn lock(state_dir: &Path, network: &str) -> Result<File> {
    let path = Status::lock_path(state_dir, network);
    let cannot = |error| Error::failed(format!("cannot lock {}", path.display())).caused_by(error);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(cannot)?;
    }
    let file = File::create(&path).map_err(cannot)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // A STATUS holds the lock as well, for the moment in which it looks whether an agent does.
            Err(fs::TryLockError::WouldBlock) if start.elapsed() < GLANCE => {
                std::thread::sleep(GLANCE / 20);
            }
            Err(fs::TryLockError::WouldBlock) => {
                return Err(Error::failed(format!(
                    "another agent of network {network} runs on this node"
                ))
                .try_this("stop it first, or give this one another --state-dir"));
            }
            Err(fs::TryLockError::Error(error)) => return Err(cannot(error)),
        }
    }
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path)
        .map_err(|error| Error::usage(format!("{} is no path", path.display())).caused_by(error))
}

pub(super) fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::failed(format!("cannot remove {}", path.display())).caused_by(error))
        }
        _ => Ok(()),
    }
}
