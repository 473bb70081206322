//! Labs for traces.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::space::can_run;

/// The program under test.
pub const OVL: &str = env!("CARGO_BIN_EXE_ovl");

/// Labs of this process so far; no two have one name.
static LABS: AtomicU32 = AtomicU32::new(0);

/// A lab, for as long as the test runs.
pub struct Lab {
    directory: TempDir,
    name: String,
}

impl Lab {
    /// A lab with `pod1` on the first node, `pod2` on the second, and `pod3` on the last.
    pub fn up(profile: &str, nodes: u8) -> Option<Self> {
        if !can_run() {
            return None;
        }
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let lab = Self {
            directory: tempfile::tempdir().unwrap(),
            name: format!("trace-{}-{number}", std::process::id()),
        };
        let count = nodes.to_string();
        let up = [
            "lab",
            "up",
            "--lab",
            &lab.name,
            "--profile",
            profile,
            "--nodes",
            &count,
        ];
        lab.ok(&up);
        for (pod, node) in [("pod1", 1), ("pod2", 2), ("pod3", nodes)] {
            let node = format!("host{node:02}");
            lab.ok(&[
                "lab", "--lab", &lab.name, "pod", "add", pod, "--node", &node,
            ]);
        }
        Some(lab)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn here(&self) -> String {
        format!("--lab={}", self.name)
    }

    /// A path beside the lab's own files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(OVL);
        command
            .args(args)
            .env("OVL_LAB_DIR", self.directory.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "ovl {args:?}: {}{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a program that is ended with the value, if not before.
    pub fn start(&self, args: &[&str]) -> Running {
        let child = self
            .command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Running(child)
    }

    /// A trace as a document, and how it ended.
    #[track_caller]
    pub fn trace(&self, args: &[&str]) -> (Value, i32) {
        let mut all = vec!["trace", "-o", "json"];
        all.extend(args);
        let output = self.run(&all);
        let document = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (document, output.status.code().unwrap())
    }

    /// Runs a command of a node.
    #[track_caller]
    pub fn on(&self, node: &str, line: &str) -> String {
        let mut args = vec!["lab", "--lab", &self.name, "exec", node, "--"];
        args.extend(line.split_whitespace());
        self.ok(&args)
    }

    /// How many packet sockets there are in a node's namespace.
    pub fn packet_sockets(&self, node: &str) -> usize {
        self.on(node, "cat /proc/net/packet").lines().count() - 1
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let down = self.run(&["lab", "down", "--lab", &self.name]);
        if !down.status.success() && !std::thread::panicking() {
            panic!("{}", String::from_utf8_lossy(&down.stderr));
        }
    }
}

/// A program that runs.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
