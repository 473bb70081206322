//! What a lab consists of right now, in a file, and the directory it has all its files in.
//!
//! Whatever a lab makes outside of its directory is written down before it is put to use, so that it
//! can be taken apart by anyone, also when whoever made it was killed. All changes of the file happen
//! under a lock on the directory; the file is replaced, never rewritten.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use plugin_core::mac::Mac;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::fault::Broken;
use super::process::{self, Process};
use super::topology::Topology;
use crate::error::{Error, Outcome, Result};

/// The schema of the state file.
pub const SCHEMA: &str = "ovl.lab/v1";
/// The environment variable that says where labs keep their files.
pub const DIRECTORY_VARIABLE: &str = "OVL_LAB_DIR";
const FILE: &str = "lab.json";
/// The directories that ovl makes for its labs, below one that is there.
const OWN_PARENTS: &str = "ovl/labs";
/// How often a lock is tried while it is waited for.
const RETRY: Duration = Duration::from_millis(5);

/// A lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The profile it was made from, if it was.
    pub profile: Option<String>,
    /// The boot it was made in; in another one nothing of it is left but this file.
    pub boot: String,
    /// Whether it lives in a user namespace, which every command must enter first.
    pub user_namespace: bool,
    /// How far it has come.
    pub phase: Phase,
    /// What it was to be.
    pub topology: Topology,
    /// Its machines: the switch first, then a router if there is one, then the nodes.
    pub machines: Vec<Machine>,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// The faults that were made in it on purpose, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Broken>,
}

/// How far a lab has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Being made, or left behind by someone who was.
    Starting,
    /// Complete.
    Up,
}

/// A process with namespaces of its own: a host of the lab, its switch or its router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Its first process: all its namespaces are those of this one.
    pub process: Process,
}

/// What a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It holds the bridges that the cables end at.
    Switch,
    /// It joins the subnets.
    Router,
    /// It runs pods.
    Node,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The node it runs on.
    pub node: String,
    /// The identity of its sandbox: 64 hexadecimal digits, as containerd gives them.
    pub sandbox: String,
    /// Its network namespace, as its node sees it.
    pub netns: PathBuf,
    /// The process that keeps its namespaces; none until it has been started.
    pub pause: Option<Process>,
    /// Whether its networks are complete.
    pub ready: bool,
    /// The networks it is attached to, the default one first, in the order of attachment.
    pub attachments: Vec<Attachment>,
    /// What the runtime asks the plugins for.
    pub capabilities: Capabilities,
    /// The networks it was to be attached to besides the default one.
    pub networks: Vec<String>,
    /// The addresses it asked for.
    pub requested: Vec<IpAddr>,
}

/// A pod's place in a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// The interface inside the pod.
    pub interface: String,
    /// The interface's hardware address, once it is known.
    pub mac: Option<Mac>,
    /// The interface's MTU in octets, once it is known.
    pub mtu: Option<u32>,
    /// The other end on the node, if there is one.
    pub host_interface: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
}

/// What a runtime hands to the plugins that declare the capability.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Ports of the node that lead to the pod.
    #[serde(default)]
    pub ports: Vec<HostPort>,
    /// The most the pod may receive, in bits a second.
    #[serde(default)]
    pub ingress_rate: Option<u64>,
    /// The most the pod may send, in bits a second.
    #[serde(default)]
    pub egress_rate: Option<u64>,
}

/// A port of the node that leads to the pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPort {
    /// On the node.
    pub host: u16,
    /// In the pod.
    pub container: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: Protocol,
}

/// A transport protocol that has ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 9260.
    Sctp,
}

impl Protocol {
    /// As a plugin's `portMappings` spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl State {
    /// The machine with this name.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    /// The nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &Machine> {
        self.machines
            .iter()
            .filter(|machine| machine.role == Role::Node)
    }

    /// Whether the lab was made in this boot and has a machine that still runs.
    pub fn is_alive(&self) -> bool {
        self.is_of_this_boot()
            && self
                .machines
                .iter()
                .any(|machine| machine.process.is_alive())
    }

    /// Whether the processes it names can still be there.
    pub fn is_of_this_boot(&self) -> bool {
        // Where the boot cannot be told, the start times decide alone.
        process::boot_id().map_or(true, |boot| boot == self.boot)
    }
}

impl Pod {
    /// `namespace/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The addresses of its default network.
    pub fn addresses(&self) -> &[IpNet] {
        self.attachments
            .first()
            .map_or(&[], |attachment| attachment.addresses.as_slice())
    }
}

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
mod tests {
    use super::super::profile::Profile;
    use super::*;

    fn state(name: &str) -> State {
        State {
            schema: SCHEMA.into(),
            name: name.into(),
            profile: Some("calico".into()),
            boot: process::boot_id().unwrap(),
            user_namespace: false,
            phase: Phase::Up,
            topology: Profile::Calico.topology(3).unwrap(),
            machines: Vec::new(),
            pods: Vec::new(),
            faults: Vec::new(),
        }
    }

    #[test]
    fn a_state_survives_its_file() {
        let root = tempfile::tempdir().unwrap();
        let labs = Labs {
            root: root.path().join("labs"),
        };
        assert!(labs.names().unwrap().is_empty());
        assert!(labs.choose(None).is_err());
        let (directory, lock) = labs.create("one").unwrap();
        assert_eq!(directory.read().unwrap(), None);
        directory.write(&lock, &state("one")).unwrap();
        assert_eq!(directory.read().unwrap(), Some(state("one")));
        assert_eq!(labs.names().unwrap(), ["one"]);
        assert_eq!(labs.choose(None).unwrap().name(), "one");
        assert!(labs.choose(Some("two")).is_err());
        labs.create("two").unwrap();
        assert!(
            labs.choose(None)
                .unwrap_err()
                .to_string()
                .contains("one, two")
        );
    }

    #[test]
    fn a_lab_is_changed_by_one_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let labs = Labs {
            root: root.path().to_owned(),
        };
        let (directory, lock) = labs.create("one").unwrap();
        let error = directory.lock(Duration::from_millis(20)).unwrap_err();
        assert!(error.to_string().contains("another ovl"), "{error}");
        assert!(labs.create("one").is_err());
        drop(lock);
        let lock = directory.lock(Duration::ZERO).unwrap();
        fs::remove_dir_all(directory.path()).unwrap();
        drop(lock);
        let error = directory.lock(Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("taken down"), "{error}");
    }

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        let labs = Labs {
            root: "/nowhere".into(),
        };
        for name in ["..", "a/b", "", "."] {
            assert!(labs.find(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_state_of_another_boot_is_dead() {
        let mut state = state("one");
        state.machines.push(Machine {
            name: "switch".into(),
            role: Role::Switch,
            process: Process::of(std::process::id()).unwrap(),
        });
        assert!(state.is_alive());
        state.boot = "another".into();
        assert!(!state.is_alive());
    }
}
