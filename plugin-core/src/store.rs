//! What the nodes of a network share: which nodes there are and which node owns which block.
//!
//! [`Store`] is as small as an API server can serve (create if absent, get, list, compare and swap);
//! [`DirStore`] keeps it in a directory. Values are opaque here: their owners (the agent for nodes,
//! [`crate::ipam`] for blocks) define them. Watching is not part of the trait: an agent watches the
//! directory with inotify and uses [`Key::of_path`] to learn what changed.
//!
//! Layout of the directory:
//!
//! ```text
//! nodes/<node>                      written by that node's agent
//! blocks/<network>/<cidr>           `172.31.0.64-26`, `fd00:10::40-122`: who owns the block
//! .lock  .staging/                  the store's own; never part of a listing
//! ```

use std::fmt;
use std::path::{Component, Path, PathBuf};

use ipnet::IpNet;

mod directory;
mod name;

pub use directory::DirStore;

/// What a value is stored under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// What a node says about itself.
    Node(String),
    /// The owner of one block of a network.
    Block {
        /// The network's name, as in its CNI configuration.
        network: String,
        /// The block.
        cidr: IpNet,
    },
}

/// A set of keys that can be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prefix {
    /// Every node.
    Nodes,
    /// Every block of every network.
    Blocks,
    /// Every block of one network.
    BlocksOf(String),
}

impl Key {
    /// The path of the value below the root of a [`DirStore`]. Names are escaped, so that none of
    /// them leads out of its directory or hides as a dot file.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Node(node) => Path::new("nodes").join(name::escape(node)),
            Self::Block { network, cidr } => Path::new("blocks")
                .join(name::escape(network))
                .join(name::of_cidr(*cidr)),
        }
    }

    /// The key that a path below the root stands for: the inverse of [`Key::path`]. `None` for the
    /// store's own files and for anything that is not ours.
    pub fn of_path(path: &Path) -> Option<Self> {
        let mut parts = Vec::with_capacity(3);
        for component in path.components() {
            match component {
                Component::Normal(part) => parts.push(part.to_str()?),
                _ => return None,
            }
        }
        match parts.as_slice() {
            ["nodes", node] => Some(Self::Node(name::unescape(node)?)),
            ["blocks", network, cidr] => Some(Self::Block {
                network: name::unescape(network)?,
                cidr: name::to_cidr(cidr)?,
            }),
            _ => None,
        }
    }
}

/// As the directory store spells it: `blocks/k8s-pod-network/172.31.0.64-26`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().display().fmt(f)
    }
}

/// Which state of a value was seen. Only the store that gave it can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision(String);

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is stored under.
    pub key: Key,
    /// The value, whole.
    pub value: Vec<u8>,
    /// To be given back with a change that depends on this value.
    pub revision: Revision,
}

/// A place that the nodes share.
///
/// Every call is atomic and, once it has returned, durable. A reader sees a value whole or not at
/// all, also when its writer was killed.
pub trait Store {
    /// Stores `value` if there is nothing under `key` yet; [`Error::Exists`] otherwise.
    fn create(&self, key: &Key, value: &[u8]) -> Result<Revision, Error>;

    /// The value under `key`.
    fn get(&self, key: &Key) -> Result<Option<Entry>, Error>;

    /// Every value under `prefix`, in the order of the keys.
    fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Error>;

    /// Replaces the value under `key` if it is still the one that `seen` stands for;
    /// [`Error::Changed`] otherwise.
    fn replace(&self, key: &Key, value: &[u8], seen: &Revision) -> Result<Revision, Error>;

    /// Removes the value under `key` if it is still the one that `seen` stands for;
    /// [`Error::Changed`] otherwise.
    fn delete(&self, key: &Key, seen: &Revision) -> Result<(), Error>;

    /// Where `key` is found by hand: a path, a resource name. For messages.
    fn locate(&self, key: &Key) -> String;
}

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else created the value first.
    #[error("{0} exists already")]
    Exists(String),
    /// The value was changed or removed since it was read.
    #[error("{0} was changed by somebody else meanwhile")]
    Changed(String),
    /// The name cannot be stored.
    #[error("{name:?} cannot be used as a name in the store: {cause}")]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// The directory of a [`DirStore`] is not there. It is never created on the way: a shared
    /// directory that is not mounted would turn into one store per node.
    #[error(
        "the store directory {} does not exist; create it (mkdir -p) or mount it, the same one on every node",
        .0.display()
    )]
    Missing(PathBuf),
    /// The operating system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was attempted: "read", "write", …
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
