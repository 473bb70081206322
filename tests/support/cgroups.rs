//! Control groups of a test's own. They are the machine's that runs the test, whatever namespaces the runtime is
//! in, and a runtime removes those of its sandboxes but not the one that holds them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const ROOT: &str = "/sys/fs/cgroup";

/// A parent for the control groups of sandboxes, removed with all of them when the value goes.
pub struct Cgroups {
    name: String,
}

impl Cgroups {
    /// One that nobody else has. The runtime makes it when it first needs it.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("ovl-test-{}-{number}", std::process::id()),
        }
    }

    /// As a pod's `cgroup_parent` says it.
    pub fn parent(&self) -> String {
        format!("/{}", self.name)
    }

    /// Where it is: in the one hierarchy (cgroup v2), or in every controller's own (v1).
    fn directories(&self) -> Vec<PathBuf> {
        let hierarchies = fs::read_dir(ROOT).into_iter().flatten().flatten();
        std::iter::once(PathBuf::from(ROOT))
            .chain(hierarchies.map(|entry| entry.path()))
            .map(|hierarchy| hierarchy.join(&self.name))
            .filter(|directory| directory.is_dir())
            .collect()
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        let start = Instant::now();
        loop {
            self.directories()
                .iter()
                .for_each(|directory| remove(directory));
            let left = self.directories();
            if left.is_empty() {
                return;
            }
            // One that holds a process cannot be removed, and what was killed takes a moment to end.
            if start.elapsed() > Duration::from_secs(10) {
                eprintln!("control groups are left: {left:?}");
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// From the bottom. The files in a control group go with it.
fn remove(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(directory);
}
