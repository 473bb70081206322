//! The files a node has of its own.
//!
//! A node sees the file system of the machine that the lab runs on, but for four directories that
//! every node must have to itself: `/etc` (`/etc/cni/net.d`, `/etc/hosts`), `/opt` (`/opt/cni/bin`),
//! `/run` (`/run/netns`) and `/var/lib` (`/var/lib/cni`, `/var/lib/ovl`). Each is a directory of the lab
//! bound over the machine's own. What the machine has there besides is reached through links to
//! `/run/host`, so that certificates, users and installed plugins are found where they always are.
//! All mounts happen in the node's mount namespace and end with it.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};
use rustix::mount::{mount_bind, mount_bind_recursive};

pub use super::handshake::MachineFiles;

/// Where the plugins are, as a node sees it.
pub const CNI_BIN: &str = "/opt/cni/bin";
/// Where the network configurations are, as a node sees it.
pub const CNI_NET: &str = "/etc/cni/net.d";
/// Where results are kept, as a node sees it.
pub const CNI_CACHE: &str = "/var/lib/cni";
/// Where the engine keeps its state, as a node sees it.
pub const STATE: &str = "/var/lib/ovl";
/// The store that all nodes of the lab share, as a node sees it.
pub const STORE: &str = "/var/lib/ovl/store";
/// The agent's log, as a node sees it.
pub const AGENT_LOG: &str = "/run/ovl-agent.log";
/// The agent's configuration, as a node sees it.
pub const AGENT_CONFIG: &str = "/etc/ovl/agent.json";
/// The `ovl` program, as a node sees it.
pub const OVL: &str = "/opt/ovl/bin/ovl";
/// What all nodes share, as a node sees it.
const SHARED: &str = "/run/ovl-lab";

/// Names under which `ovl-cni` is a plugin.
const OUR_PLUGINS: [&str; 3] = ["ovl-routed", "ovl-vxlan", "ovl-ipam"];

/// Where distributions and containerd keep the standard plugins; the first that has one wins.
pub const STANDARD_PLUGINS: [&str; 2] = ["/opt/cni/bin", "/usr/lib/cni"];

/// A directory of the node that replaces one of the host.
struct Replaced {
    /// As both see it.
    path: &'static str,
    /// Names below it that are the node's own and not taken from the host.
    own: &'static [&'static str],
    /// Directories to make, relative to it.
    directories: &'static [&'static str],
}

const REPLACED: [Replaced; 3] = [
    Replaced {
        path: "/etc",
        own: &["cni", "hostname", "hosts", "ovl", "resolv.conf"],
        directories: &["cni/net.d", "ovl"],
    },
    Replaced {
        path: "/opt",
        own: &["cni", "ovl"],
        directories: &["cni/bin", "ovl/bin"],
    },
    Replaced {
        path: "/var/lib",
        own: &["cni", "ovl"],
        directories: &["cni", "ovl/store"],
    },
];

/// Makes the node's own directories and puts them in their places. The calling process must have a mount
/// namespace of its own.
///
/// # Errors
/// A sentence that names the path and the cause.
pub fn mount_all(files: &MachineFiles, host_name: &str) -> Result<(), String> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| format!("cannot prepare {}: {error}", path.display())
    };
    let run = files.root.join("run");
    fs::create_dir_all(run.join("netns")).map_err(at(&run))?;
    for replaced in &REPLACED {
        populate(&files.root, replaced).map_err(at(&below(&files.root, replaced.path)))?;
    }
    let etc = files.root.join("etc");
    fs::write(etc.join("hostname"), format!("{host_name}\n")).map_err(at(&etc))?;
    fs::write(etc.join("resolv.conf"), "# A lab has no way out.\n").map_err(at(&etc))?;
    symlink(Path::new(SHARED).join("hosts"), etc.join("hosts")).map_err(at(&etc))?;
    plugins(files).map_err(at(&below(&files.root, CNI_BIN)))?;
    bind_file(&files.ovl, &below(&files.root, OVL)).map_err(at(&files.ovl))?;
    bind(&files.shared, &below(&files.root, SHARED)).map_err(at(&files.shared))?;
    let store = files.shared.join("store");
    bind(&store, &below(&files.root, STORE)).map_err(at(&store))?;
    put_in_place(files).map_err(at(&files.root))
}

/// `path` of the node, as the caller of `ovl` sees it.
pub fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn populate(root: &Path, replaced: &Replaced) -> io::Result<()> {
    let ours = below(root, replaced.path);
    let through = Path::new("/run/host").join(replaced.path.trim_start_matches('/'));
    for directory in replaced.directories {
        fs::create_dir_all(ours.join(directory))?;
    }
    for entry in fs::read_dir(replaced.path)? {
        let entry = entry?;
        let name = entry.file_name();
        if replaced.own.iter().any(|own| name == *own) {
            continue;
        }
        // A link is copied, so that a relative one still means the same place.
        let target = if entry.file_type()?.is_symlink() {
            fs::read_link(entry.path())?
        } else {
            through.join(&name)
        };
        symlink(target, ours.join(name))?;
    }
    bind(
        Path::new(replaced.path),
        &below(root, &through.to_string_lossy()),
    )
}

/// Our plugins, and links to the host's standard ones.
fn plugins(files: &MachineFiles) -> io::Result<()> {
    let bin = below(&files.root, CNI_BIN);
    bind_file(&files.ovl_cni, &bin.join("ovl-cni"))?;
    for name in OUR_PLUGINS {
        symlink("ovl-cni", bin.join(name))?;
    }
    for directory in STANDARD_PLUGINS {
        let Ok(entries) = fs::read_dir(directory) else {
            continue;
        };
        let seen = match directory.strip_prefix("/opt/") {
            Some(rest) => Path::new("/run/host/opt").join(rest),
            None => PathBuf::from(directory),
        };
        for entry in entries {
            let name = entry?.file_name();
            match symlink(seen.join(&name), bin.join(&name)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn bind(source: &Path, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    // Recursive: a user namespace may not look beneath the mounts of its parent, so the kernel refuses
    // to leave them out (fs/namespace.c, has_locked_children).
    Ok(mount_bind_recursive(source, target)?)
}

fn bind_file(source: &Path, target: &Path) -> io::Result<()> {
    fs::File::create_new(target)?;
    Ok(mount_bind(source, target)?)
}

/// Moves the node's directories over the host's. All are opened first, because the lab's directory may
/// itself lie below one of them.
fn put_in_place(files: &MachineFiles) -> io::Result<()> {
    let mut opened = Vec::new();
    for path in REPLACED
        .iter()
        .map(|replaced| replaced.path)
        .chain(["/run"])
    {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        opened.push((open(below(&files.root, path), flags, Mode::empty())?, path));
    }
    for (directory, path) in &opened {
        mount_bind_recursive(format!("/proc/self/fd/{}", directory.as_raw_fd()), *path)?;
    }
    Ok(())
}
