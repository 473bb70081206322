//! What an agent leaves on its node's disk: whether the network is ready, for the plugins' STATUS, and what it
//! made, for its next run.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::scope::Scope;

/// The schema of a [`Status`].
pub const SCHEMA: &str = "ovl.agent/v1";

/// The state of one network on this node, as its agent last saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// [`SCHEMA`].
    pub schema: String,
    /// The network.
    pub network: String,
    /// The node.
    pub node: String,
    /// Whether pods that are attached now reach the other nodes' pods.
    pub ready: bool,
    /// Why not, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many other nodes there are.
    pub peers: usize,
    /// What counts as the network's on this node.
    pub scope: Scope,
    /// The addresses of its VXLAN device.
    #[serde(default)]
    pub vtep_addresses: Vec<IpAddr>,
    /// The addresses of its bridge.
    #[serde(default)]
    pub bridge_addresses: Vec<IpNet>,
    /// The CNI configuration it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cni_file: Option<PathBuf>,
    /// The agent's version.
    pub version: String,
}

impl Status {
    /// Where the status of `network` lies below a node's state directory.
    pub fn path(state_dir: &Path, network: &str) -> PathBuf {
        state_dir.join("agent").join(format!("{network}.json"))
    }

    /// The last one written; `None` when there is none, or none that can be understood: then nothing is known
    /// of an earlier run.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn load(state_dir: &Path, network: &str) -> io::Result<Option<Self>> {
        match fs::read(Self::path(state_dir, network)) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The file that the network's agent holds locked (`flock(2)`) for as long as it lives.
    pub fn lock_path(state_dir: &Path, network: &str) -> PathBuf {
        state_dir.join("agent").join(format!(".{network}.lock"))
    }

    /// Whether the network's agent lives. A kernel lock tells: unlike a process number in a file, it cannot
    /// outlive the process, nor be mistaken for another one's.
    ///
    /// # Errors
    /// When the lock is there and cannot be looked at.
    pub fn agent_lives(state_dir: &Path, network: &str) -> io::Result<bool> {
        let file = match File::open(Self::lock_path(state_dir, network)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        // Shared, so that many can look at a time; gone again with the file.
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(fs::TryLockError::WouldBlock) => Ok(true),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Writes it in place of the last one. A reader sees the one or the other.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn save(&self, state_dir: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        write_atomically(&Self::path(state_dir, &self.network), &text)
    }

    /// Removes it; one that is not there is success.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn remove(state_dir: &Path, network: &str) -> io::Result<()> {
        match fs::remove_file(Self::path(state_dir, network)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Puts a file in place in one step: staged as a dot file in the same directory, which runtimes do not look
/// at, flushed, renamed. Makes the directory if needed.
///
/// # Errors
/// Those of the file system; the old file stands then.
pub fn write_atomically(path: &Path, text: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let name = path
        .file_name()
        .ok_or(io::ErrorKind::InvalidInput)?
        .to_string_lossy();
    let staged = directory.join(format!(".{name}.staged"));
    let written = File::create(&staged).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&staged, path)) {
        // What is left of a full disk must not fill it further.
        let _ = fs::remove_file(&staged);
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_lives_as_long_as_it_holds_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let lives = || Status::agent_lives(dir.path(), "pods").unwrap();
        assert!(!lives(), "there never was one");
        let path = Status::lock_path(dir.path(), "pods");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let agent = File::create(&path).unwrap();
        agent.lock().unwrap();
        assert!(lives() && lives());
        drop(agent);
        assert!(!lives(), "the file alone says nothing");
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("net.d/10-pods.conflist");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing staged is left");
        let below_a_file = path.join("x");
        assert!(write_atomically(&below_a_file, b"").is_err());
    }
}
