//! The undo journal: one file for each attachment, from before its first change to after its last.
//!
//! ```text
//! <stateDir>/journal/<network>/<container>@<ifname>
//!   line 1  {"schema":"ovl.journal/v1", …, "boot":"…", "undo":[…]}     before anything is changed
//!   line 2  {"attached":{"addresses":[…],"operations":[…]}}            after everything is
//! ```
//!
//! A file without its second line is an ADD that did not come to its end: whoever meets it next (DEL,
//! GC, another ADD) carries out its undo steps. They are all written before the first operation, each of
//! them does nothing where there is nothing to undo, and so it does not matter how far the ADD came.
//!
//! Nothing here is flushed to the disk. A process that is killed loses none of what it wrote; only a
//! crash of the kernel does, and that takes the links, routes and namespaces with it. Such an entry, if it
//! survives, is known by its boot id, and its links are not looked for: their names may be others' now.
//!
//! The file's lock (`flock`) is held by whoever works on the attachment, and ends with the process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::mac::Mac;
use crate::naming::Owner;
use crate::plan::Operation;
use crate::spec::{Attachment, Code, Error, NetworkName, Result};

/// The schema of an entry.
const SCHEMA: &str = "ovl.journal/v1";
/// Between container and interface in a file's name: no container id holds one.
const SEPARATOR: char = '@';
/// The kernel's name for the time since it was started.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// All entries of a node.
#[derive(Debug, Clone)]
pub struct Journal {
    dir: PathBuf,
}

/// The entry of one attachment, locked.
#[derive(Debug)]
pub struct Entry {
    path: PathBuf,
    file: File,
    /// How far its ADD came.
    pub progress: Progress,
}

/// How far an ADD came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Nothing was changed: the entry is new, or was cut off while it was written.
    None,
    /// It may have changed anything that its undo steps name.
    Begun(Intent),
    /// It came to its end.
    Attached(Intent, Attached),
}

/// What an ADD is about to do, or rather how to undo it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// `SCHEMA`.
    pub schema: String,
    /// Whose it is.
    #[serde(flatten)]
    pub owner: Owner,
    /// The boot in which it is done.
    pub boot: String,
    /// The pod's network namespace.
    pub netns: PathBuf,
    /// What undoes it, in the order of undoing.
    pub undo: Vec<Undo>,
}

/// What undoes a part of an ADD. "Already gone" is success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "undo",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Undo {
    /// Deletes the node's end, and with it the pod's end, and every address, route, neighbour and fdb row
    /// that is bound to either.
    DeleteLink {
        /// Its name.
        name: String,
    },
    /// Deletes the rules in the pod that send packets from its addresses to a table: unlike routes they
    /// survive their link.
    DeletePodRules {
        /// The table.
        table: u32,
    },
    /// Deletes the bridge if an ADD made it and it has no ports.
    DeleteBridge {
        /// Its name.
        name: String,
        /// The hardware address of one that an ADD made.
        mac: Mac,
    },
    /// Gives the attachment's addresses back.
    ReleaseAddresses {
        /// The IPAM plugin they are from.
        ipam: String,
    },
}

/// What an ADD made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    /// The pod's addresses.
    pub addresses: Vec<IpNet>,
    /// Every operation it made, for CHECK.
    pub operations: Vec<Operation>,
}

impl Attached {
    /// The name of the node's end.
    pub fn link(&self) -> Option<&str> {
        self.operations
            .iter()
            .find_map(|operation| match operation {
                Operation::CreateVeth { node, .. } => Some(node.name.as_str()),
                _ => None,
            })
    }
}

#[derive(Serialize, Deserialize)]
struct SecondLine {
    attached: Attached,
}

/// What to do when another process works on the same attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// Wait for its end.
    Wait,
    /// Leave.
    Refuse,
}

/// An entry that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// Another process works on the attachment.
    #[error("another process works on {0}")]
    Busy(Box<Owner>),
    /// The file cannot be used.
    #[error("cannot {operation} journal entry {}: {cause}{}", path.display(), advice(cause))]
    File {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
}

fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::ReadOnlyFilesystem => "; set stateDir to a writable directory",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room there",
        io::ErrorKind::PermissionDenied => "; run as root",
        _ => "",
    }
}

impl From<Unavailable> for Error {
    fn from(unavailable: Unavailable) -> Self {
        let code = match unavailable {
            Unavailable::Busy(_) => Code::TryAgainLater,
            Unavailable::File { .. } => Code::State,
        };
        Self::new(code, unavailable.to_string())
    }
}

impl Intent {
    /// An intent of `owner` to attach the namespace `netns`.
    ///
    /// # Errors
    /// When the kernel does not tell its boot id.
    pub fn new(owner: Owner, netns: PathBuf, undo: Vec<Undo>) -> Result<Self> {
        Ok(Self {
            schema: SCHEMA.to_owned(),
            owner,
            boot: boot_id()?,
            netns,
            undo,
        })
    }

    /// Whether the kernel that it was meant for still runs.
    pub fn is_of_this_boot(&self) -> bool {
        boot_id().is_ok_and(|boot| boot == self.boot)
    }
}

fn boot_id() -> Result<String> {
    fs::read_to_string(BOOT_ID)
        .map(|text| text.trim_end().to_owned())
        .map_err(|cause| {
            Error::new(
                Code::Io,
                format!("cannot read {BOOT_ID}: {cause}; is /proc mounted?"),
            )
        })
}

impl Journal {
    /// The journal under a state directory.
    pub fn new(state_dir: &Path) -> Self {
        Self {
            dir: state_dir.join("journal"),
        }
    }

    /// Locks the entry of `owner`, making it if there is none.
    ///
    /// # Errors
    /// When the entry cannot be made or read, or another process has it and `busy` is to refuse.
    pub fn begin(&self, owner: &Owner, busy: Busy) -> Result<Entry, Unavailable> {
        let path = self.path(owner);
        loop {
            let file = match open(&path, true) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let parent = path.parent().unwrap_or(&self.dir);
                    fs::create_dir_all(parent).map_err(failed("make the directory of", &path))?;
                    continue;
                }
                opened => opened.map_err(failed("make", &path))?,
            };
            if let Some(entry) = locked(file, &path, owner, busy)? {
                return Ok(entry);
            }
        }
    }

    /// Locks the entry of `owner` if there is one.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn find(&self, owner: &Owner, busy: Busy) -> Result<Option<Entry>, Unavailable> {
        let path = self.path(owner);
        loop {
            let file = match open(&path, false) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => opened.map_err(failed("open", &path))?,
            };
            if let Some(entry) = locked(file, &path, owner, busy)? {
                return Ok(Some(entry));
            }
        }
    }

    /// The attachments of `network` that have an entry.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn owners(&self, network: &NetworkName) -> Result<Vec<Owner>, Unavailable> {
        let dir = self.dir.join(network.as_str());
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(failed("list", &dir))?,
        };
        let mut owners = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed("list", &dir))?.file_name();
            let parts = name.to_str().and_then(|name| name.split_once(SEPARATOR));
            let Some((container, ifname)) = parts else {
                continue;
            };
            if let (Ok(container_id), Ok(ifname)) = (container.parse(), ifname.parse()) {
                owners.push(Owner {
                    network: network.clone(),
                    attachment: Attachment {
                        container_id,
                        ifname,
                    },
                });
            }
        }
        owners.sort();
        Ok(owners)
    }

    /// Whether a process that is alive is making a link of this name for another attachment. Asked only
    /// about a link that carries no alias yet, where an ADD was killed.
    pub fn is_being_made(&self, link: &str, except: &Owner) -> bool {
        let networks = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        networks
            .filter_map(|network| network.file_name().to_str()?.parse().ok())
            .flat_map(|network| self.owners(&network).unwrap_or_default())
            .filter(|owner| owner != except)
            .any(|owner| {
                let path = self.path(&owner);
                let makes_it = |progress| match progress {
                    Progress::Begun(intent) => intent
                        .undo
                        .iter()
                        .any(|undo| matches!(undo, Undo::DeleteLink { name } if name == link)),
                    _ => false,
                };
                open(&path, false).is_ok_and(|mut file| {
                    let held =
                        rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err();
                    held && read(&mut file).is_ok_and(makes_it)
                })
            })
    }

    /// A lock over all bridges: shared while a port is being made, exclusive while an empty bridge is
    /// removed, since the kernel has no "delete if empty". It ends when the file is dropped.
    ///
    /// # Errors
    /// When the directory cannot be locked.
    pub fn lock_bridges(&self, exclusive: bool) -> Result<File, Unavailable> {
        let operation = if exclusive {
            FlockOperation::LockExclusive
        } else {
            FlockOperation::LockShared
        };
        fs::create_dir_all(&self.dir).map_err(failed("make the directory of", &self.dir))?;
        let file = File::open(&self.dir).map_err(failed("open", &self.dir))?;
        flock(&file, operation).map_err(failed("lock", &self.dir))?;
        Ok(file)
    }

    /// Removes the directories of networks without entries.
    pub fn forget_empty(&self) {
        for network in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            // Fails for one that is not empty, which is the point.
            let _ = fs::remove_dir(network.path());
        }
    }

    fn path(&self, owner: &Owner) -> PathBuf {
        let Attachment {
            container_id,
            ifname,
        } = &owner.attachment;
        self.dir
            .join(owner.network.as_str())
            .join(format!("{container_id}{SEPARATOR}{ifname}"))
    }
}

impl Entry {
    /// Writes the undo steps. Call it before the first change.
    ///
    /// # Errors
    /// When it cannot be written; then nothing may be changed.
    pub fn intend(&mut self, intent: Intent) -> Result<(), Unavailable> {
        self.file.set_len(0).map_err(failed("empty", &self.path))?;
        self.append(&intent)?;
        self.progress = Progress::Begun(intent);
        Ok(())
    }

    /// Says that everything is done. Does nothing on an entry that was never begun.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn attach(&mut self, attached: Attached) -> Result<(), Unavailable> {
        self.append(&SecondLine {
            attached: attached.clone(),
        })?;
        if let Progress::Begun(intent) = std::mem::replace(&mut self.progress, Progress::None) {
            self.progress = Progress::Attached(intent, attached);
        }
        Ok(())
    }

    /// Removes the entry: all is undone.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn remove(self) -> Result<(), Unavailable> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(failed("remove", &self.path)),
        }
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), Unavailable> {
        let written = serde_json::to_vec(line)
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                // One write: a line is there or is not.
                self.file.write_all(&line)
            });
        written.map_err(failed("write", &self.path))
    }
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(create)
        .open(path)
}

/// Locks and reads an opened entry. None if it was removed before the lock was had.
fn locked(
    mut file: File,
    path: &Path,
    owner: &Owner,
    busy: Busy,
) -> Result<Option<Entry>, Unavailable> {
    let operation = match busy {
        Busy::Wait => FlockOperation::LockExclusive,
        Busy::Refuse => FlockOperation::NonBlockingLockExclusive,
    };
    match flock(&file, operation) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            return Err(Unavailable::Busy(Box::new(owner.clone())));
        }
        done => done.map_err(failed("lock", path))?,
    }
    if file.metadata().map_err(failed("look at", path))?.nlink() == 0 {
        return Ok(None);
    }
    let progress = read(&mut file).map_err(failed("read", path))?;
    Ok(Some(Entry {
        path: path.to_owned(),
        file,
        progress,
    }))
}

fn flock(file: &File, operation: FlockOperation) -> io::Result<()> {
    loop {
        match rustix::fs::flock(file, operation) {
            Err(rustix::io::Errno::INTR) => {}
            done => return done.map_err(io::Error::from),
        }
    }
}

fn read(file: &mut File) -> io::Result<Progress> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let mut lines = text.lines();
    let intent: Option<Intent> = lines
        .next()
        .and_then(|line| serde_json::from_str(line).ok());
    let second: Option<SecondLine> = lines
        .next()
        .and_then(|line| serde_json::from_str(line).ok());
    Ok(match (intent, second) {
        (None, _) => Progress::None,
        (Some(intent), None) => Progress::Begun(intent),
        (Some(intent), Some(second)) => Progress::Attached(intent, second.attached),
    })
}

fn failed<'a>(
    operation: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> Unavailable + 'a {
    move |cause| Unavailable::File {
        operation,
        path: path.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests;
