//! Where labs keep their files, and how one is changed by one at a time.
//!
//! All changes of a lab's state happen under a lock on its directory; the file is replaced, never rewritten.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::fs::{FlockOperation, flock};

use super::state::{Phase, SCHEMA, State};
use crate::error::{Error, Outcome, Result};

/// The environment variable that says where labs keep their files.
pub const DIRECTORY_VARIABLE: &str = "OVL_LAB_DIR";

const FILE: &str = "lab.json";

/// The directories that ovl makes for its labs, below one that is there.
const OWN_PARENTS: &str = "ovl/labs";

/// How often a lock is tried while it is waited for.
const RETRY: Duration = Duration::from_millis(5);

/// Where labs keep their files.
#[derive(Debug, Clone)]
pub struct Labs {
    root: PathBuf,
}

impl Labs {
    /// The place of whoever runs this: `$OVL_LAB_DIR`, `/run/ovl/labs` for root, and for everyone else
    /// a directory that goes away with the session. Must be called before a user namespace is entered.
    pub fn of_caller() -> Self {
        let user = rustix::process::geteuid();
        let root = if let Some(given) = std::env::var_os(DIRECTORY_VARIABLE) {
            PathBuf::from(given)
        } else if user.is_root() {
            Path::new("/run").join(OWN_PARENTS)
        } else if let Some(session) = std::env::var_os("XDG_RUNTIME_DIR").filter(|d| !d.is_empty())
        {
            PathBuf::from(session).join(OWN_PARENTS)
        } else {
            PathBuf::from(format!("/tmp/ovl-{}", user.as_raw()))
        };
        // Processes of a lab have another working directory.
        Self {
            root: std::path::absolute(&root).unwrap_or(root),
        }
    }

    /// The names of all labs, also of those left behind by a crash, in order.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn names(&self) -> Result<Vec<String>> {
        let unreadable =
            |e| Error::failed(format!("cannot read {}", self.root.display())).caused_by(e);
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            if let (Ok(name), true) = (entry.file_name().into_string(), entry.path().is_dir()) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The lab with this name, or the only one there is.
    ///
    /// # Errors
    /// When there is none, or several to choose from.
    pub fn choose(&self, name: Option<&str>) -> Result<Directory> {
        if let Some(name) = name {
            return self.find(name)?.ok_or_else(|| {
                Error::usage(format!("there is no lab {name}")).try_this("ovl lab ls")
            });
        }
        let names = self.names()?;
        match names.as_slice() {
            [] => Err(Error::usage("there is no lab").try_this("ovl lab up --profile calico")),
            [only] => Ok(self.directory(only)),
            several => Err(
                Error::usage(format!("there are several labs: {}", several.join(", ")))
                    .try_this("say which with --lab NAME"),
            ),
        }
    }

    /// The lab with this name, whatever its condition; `None` if there is nothing of that name.
    ///
    /// # Errors
    /// When `name` cannot be a lab's.
    pub fn find(&self, name: &str) -> Result<Option<Directory>> {
        check_name(name)?;
        let directory = self.directory(name);
        Ok(directory.path.is_dir().then_some(directory))
    }

    /// Makes the directory of a new lab and locks it. The directory must not exist.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn create(&self, name: &str) -> Result<(Directory, Lock)> {
        check_name(name)?;
        let directory = self.directory(name);
        let path = &directory.path;
        let failed = |e| Error::failed(format!("cannot create {}", path.display())).caused_by(e);
        // Other users learn nothing of the lab: one of them could be told to reach into it.
        let mut parents = DirBuilder::new();
        parents.mode(0o700).recursive(true);
        loop {
            parents.create(&self.root).map_err(failed)?;
            self.check_owner()?;
            match DirBuilder::new().mode(0o700).create(path) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(busy(name));
                }
                // Whoever took the last lab down has just removed the parent.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        // Another `up` that saw the directory before it was locked took it for what a killed one left, and
        // goes on to make the lab itself.
        let lock = directory
            .try_lock(Duration::ZERO)?
            .ok_or_else(|| busy(name))?;
        Ok((directory, lock))
    }

    /// A directory below `/tmp` may have been laid there by somebody else.
    fn check_owner(&self) -> Result<()> {
        let root = &self.root;
        let failed = |e| Error::failed(format!("cannot look at {}", root.display())).caused_by(e);
        let owner = fs::symlink_metadata(root).map_err(failed)?.uid();
        if owner == rustix::process::geteuid().as_raw() {
            return Ok(());
        }
        let message = format!("{} belongs to user {owner}", root.display());
        Err(Error::new(Outcome::NoAccess, message).try_this(format!(
            "set {DIRECTORY_VARIABLE} to a directory of your own"
        )))
    }

    fn directory(&self, name: &str) -> Directory {
        Directory {
            name: name.to_owned(),
            path: self.root.join(name),
        }
    }
}

/// The directory of one lab.
#[derive(Debug, Clone)]
pub struct Directory {
    name: String,
    path: PathBuf,
}

/// Held by whoever changes a lab.
#[derive(Debug)]
pub struct Lock {
    _directory: File,
}

impl Directory {
    /// The lab's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that stands for `/` of a node: its own `/etc`, `/opt`, `/run` and `/var/lib` are below.
    pub fn node_root(&self, node: &str) -> PathBuf {
        self.path.join("nodes").join(node)
    }

    /// Removes the directory, and those above it that ovl made if no other lab is left in them.
    ///
    /// # Errors
    /// When something in it cannot be removed. One that is gone already is success.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The kernel removes empty directories only.
        let labs = self
            .path
            .parent()
            .filter(|labs| labs.ends_with(OWN_PARENTS));
        for own in labs.into_iter().flat_map(Path::ancestors).take(2) {
            if fs::remove_dir(own).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// What all nodes share: the store and the list of hosts.
    pub fn shared(&self) -> PathBuf {
        self.path.join("shared")
    }

    /// Waits for the lock at most `patience`.
    ///
    /// # Errors
    /// When someone else still has it, or the lab is gone meanwhile.
    pub fn lock(&self, patience: Duration) -> Result<Lock> {
        self.try_lock(patience)?.ok_or_else(|| gone(&self.name))
    }

    /// Waits for the lock at most `patience`; `None` when the lab is gone meanwhile.
    ///
    /// # Errors
    /// When someone else still has it.
    pub fn try_lock(&self, patience: Duration) -> Result<Option<Lock>> {
        let failed = |e: io::Error| {
            Error::failed(format!("cannot lock {}", self.path.display())).caused_by(e)
        };
        let start = Instant::now();
        loop {
            let directory = match File::open(&self.path) {
                Ok(directory) => directory,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(None);
                }
                Err(error) => return Err(failed(error)),
            };
            match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if self.is(&directory) => {
                    return Ok(Some(Lock {
                        _directory: directory,
                    }));
                }
                // Someone removed the directory between opening and locking it, and may have made it anew.
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) if start.elapsed() >= patience => {
                    return Err(busy(&self.name));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => thread::sleep(RETRY),
                Err(errno) => return Err(failed(errno.into())),
            }
        }
    }

    fn is(&self, opened: &File) -> bool {
        let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        matches!((opened.metadata(), fs::metadata(&self.path)), (Ok(a), Ok(b)) if same(&a, &b))
    }

    /// Reads the state; `None` if the lab has none (yet).
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn read(&self) -> Result<Option<State>> {
        let path = self.path.join(FILE);
        let failed =
            |e: io::Error| Error::failed(format!("cannot read {}", path.display())).caused_by(e);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let state: State = serde_json::from_slice(&text).map_err(|e| failed(e.into()))?;
        if state.schema != SCHEMA {
            return Err(Error::failed(format!(
                "lab {} was made by another version of ovl ({} in {})",
                self.name,
                state.schema,
                path.display()
            )));
        }
        Ok(Some(state))
    }

    /// The state of a lab that is up.
    ///
    /// # Errors
    /// When it is not, or cannot be read.
    pub fn read_up(&self) -> Result<State> {
        let state = self
            .read()?
            .filter(|state| state.phase == Phase::Up && state.is_alive());
        state.ok_or_else(|| {
            Error::failed(format!("lab {} is not up", self.name))
                .try_this(format!("ovl lab down --lab {}, then ovl lab up", self.name))
        })
    }

    /// Writes the state. The lock shows that nobody else does.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, _lock: &Lock, state: &State) -> Result<()> {
        let path = self.path.join(FILE);
        let mut text = serde_json::to_vec_pretty(state).unwrap_or_default();
        text.push(b'\n');
        replace_file(&path, &text)
            .map_err(|e| Error::failed(format!("cannot write {}", path.display())).caused_by(e))
    }

    /// Changes the state under the lock.
    ///
    /// # Errors
    /// Those of `change`, of reading and of writing.
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let lock = self.lock(Duration::from_secs(10))?;
        let mut state = self.read_up()?;
        let result = change(&mut state)?;
        self.write(&lock, &state)?;
        Ok(result)
    }
}

/// Puts `text` in place of the file, whole or not at all.
pub(super) fn replace_file(path: &Path, text: &[u8]) -> io::Result<()> {
    let staged = path.with_extension("new");
    fs::write(&staged, text)?;
    fs::rename(&staged, path)
}

/// Whether `name` can be a lab's: it becomes a directory and a word of a command line.
fn check_name(name: &str) -> Result<()> {
    if super::topology::is_label(name) {
        Ok(())
    } else {
        Err(Error::usage(format!("{name:?} is no name for a lab"))
            .try_this("use lower-case letters, digits and '-' inside, at most 63"))
    }
}

fn busy(name: &str) -> Error {
    Error::failed(format!("lab {name} is being changed by another ovl"))
        .try_this("wait for it to end, or choose another name with --lab")
}

fn gone(name: &str) -> Error {
    Error::failed(format!("lab {name} was taken down meanwhile"))
}

#[cfg(test)]
mod tests;
