//! A lab of a test's own, gone when the test ends, however it ends.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::{OVL, can_run};

/// A place for labs that no other test shares, with one lab in it.
pub struct Lab {
    directory: TempDir,
    name: String,
}

impl Lab {
    /// A lab with `pod1` on the first node, `pod2` on the second, and `pod3` on the last; `None` where the test
    /// cannot run.
    pub fn up(profile: &str, nodes: u8) -> Option<Self> {
        let lab = Self::bare(profile, nodes)?;
        for (pod, node) in [("pod1", 1), ("pod2", 2), ("pod3", nodes)] {
            lab.add(pod, &format!("host{node:02}"));
        }
        Some(lab)
    }

    /// A lab without pods; `None` where the test cannot run.
    pub fn bare(profile: &str, nodes: u8) -> Option<Self> {
        can_run().then(|| {
            let nodes = nodes.to_string();
            Self::made(profile, &["--profile", profile, "--nodes", &nodes])
        })
    }

    /// A lab that `ovl lab up` makes of these arguments. `name` ends up in `ps`, so each test has its own.
    pub fn made(name: &str, args: &[&str]) -> Self {
        let lab = Self::prepared(name);
        lab.ok(&[&["lab", "up"], args].concat());
        lab
    }

    /// A lab of a topology file.
    pub fn of_topology(name: &str, topology: &str) -> Self {
        let lab = Self::prepared(name);
        let file = lab.write("topology.toml", topology);
        lab.ok(&["lab", "up", "--file", file.to_str().unwrap()]);
        lab
    }

    /// The place without the lab.
    pub fn prepared(name: &str) -> Self {
        static LABS: AtomicU32 = AtomicU32::new(0);
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        Self {
            directory: tempfile::tempdir().unwrap(),
            name: format!("{name}-{}-{number}", std::process::id()),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells a command to look at this lab.
    pub fn here(&self) -> String {
        format!("--lab={}", self.name)
    }

    /// Where labs of this place keep their files.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("labs")
    }

    /// A file of a node, as the test sees it.
    pub fn node_file(&self, node: &str, path: &str) -> PathBuf {
        let root = self.root().join(&self.name).join("nodes").join(node);
        root.join(path.trim_start_matches('/'))
    }

    /// A path for a file of the test, beside the labs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of the test.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// `ovl` where this place's labs are. `ovl lab` is told which one, unless the arguments say it; other commands
    /// look where they are told to.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(OVL);
        command
            .env("OVL_LAB_DIR", self.root())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        let end = args.iter().position(|arg| *arg == "--");
        let (own, rest) = args.split_at(end.unwrap_or(args.len()));
        let is_told = own
            .iter()
            .any(|arg| *arg == "--all" || *arg == "--lab" || arg.starts_with("--lab="));
        command.args(own);
        if own.first() == Some(&"lab") && !is_told {
            command.arg(self.here());
        }
        command.args(rest);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs `ovl`, which must succeed; its standard output.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "ovl {}: {}\n{stdout}{}",
            args.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        stdout
    }

    /// Runs `ovl`, which must fail; its standard error.
    #[track_caller]
    pub fn fails(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(!output.status.success(), "ovl {} succeeded", args.join(" "));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Starts `ovl`, which is ended with the value, if not before.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().unwrap())
    }

    /// What `ovl trace` says as JSON, and how it ended.
    #[track_caller]
    pub fn trace(&self, args: &[&str]) -> (Value, i32) {
        let output = self.run(&[&["trace", "-o", "json"], args].concat());
        let document = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (document, output.status.code().unwrap())
    }

    /// Runs a command on a node or in a pod; its standard output.
    #[track_caller]
    pub fn exec(&self, place: &str, command: &[&str]) -> String {
        self.ok(&[&["lab", "exec", place, "--"], command].concat())
    }

    /// Runs a line of words on a node or in a pod.
    #[track_caller]
    pub fn on(&self, place: &str, line: &str) -> String {
        self.exec(place, &line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs a script on a node or in a pod, each line of which must succeed.
    #[track_caller]
    pub fn sh(&self, place: &str, script: &str) -> String {
        self.exec(place, &["sh", "-ec", script])
    }

    /// What a command of iproute2 prints as JSON.
    #[track_caller]
    pub fn json(&self, place: &str, command: &str) -> Vec<Value> {
        let text = self.on(place, command);
        let value: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{command}: {e}\n{text}"));
        value.as_array().cloned().unwrap_or_default()
    }

    /// How many packet sockets there are in a node's namespace.
    pub fn packet_sockets(&self, node: &str) -> usize {
        self.on(node, "cat /proc/net/packet").lines().count() - 1
    }

    /// Starts a pod.
    #[track_caller]
    pub fn add(&self, pod: &str, node: &str) {
        self.ok(&["lab", "pod", "add", pod, "--node", node]);
    }

    /// Starts a pod; the addresses of its default network, without prefix lengths.
    #[track_caller]
    pub fn pod(&self, name: &str, node: &str, args: &[&str]) -> Vec<String> {
        self.ok(&[&["lab", "pod", "add", name, "--node", node], args].concat());
        self.addresses(name)
    }

    /// The addresses of a pod of namespace `default`.
    pub fn addresses(&self, pod: &str) -> Vec<String> {
        let pod = self.listed_pod(pod);
        let addresses = pod["attachments"][0]["addresses"].as_array().unwrap();
        addresses
            .iter()
            .map(|net| net.as_str().unwrap().split('/').next().unwrap().to_owned())
            .collect()
    }

    /// What `ovl lab ls -o json` says of a pod of namespace `default`.
    pub fn listed_pod(&self, name: &str) -> Value {
        let listing: Value = serde_json::from_str(&self.ok(&["lab", "ls", "-o", "json"])).unwrap();
        assert_eq!(listing["schema"], "ovl.labs/v1");
        let pods = listing["labs"][0]["pods"].as_array().unwrap().clone();
        pods.into_iter()
            .find(|pod| pod["name"] == name && pod["namespace"] == "default")
            .unwrap()
    }

    /// Whether `size` octets of payload, unfragmented, come back.
    pub fn ping(&self, from: &str, to: &str, size: u32) -> Result<(), String> {
        let size = size.to_string();
        let ping = [
            "ping", "-n", "-c", "1", "-W", "10", "-M", "do", "-s", &size, to,
        ];
        let output = self.run(&[&["lab", "exec", from, "--"], &ping[..]].concat());
        if output.status.success() {
            Ok(())
        } else {
            let text = [output.stdout, output.stderr].concat();
            Err(format!(
                "{from} -> {to} ({size}): {}",
                String::from_utf8_lossy(&text)
            ))
        }
    }

    /// Takes the lab down; nothing may be left of it.
    pub fn down(&self) {
        self.ok(&["lab", "down"]);
        self.assert_gone();
    }

    /// No process and no file is left.
    pub fn assert_gone(&self) {
        assert_eq!(
            processes(&self.name),
            Vec::<String>::new(),
            "processes are left"
        );
        assert!(!self.root().join(&self.name).exists(), "files are left");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let down = self.run(&["lab", "down", "--all"]);
        // A test that fails must not be followed by a second panic here.
        if !down.status.success() && !std::thread::panicking() {
            panic!("{}", String::from_utf8_lossy(&down.stderr));
        }
    }
}

/// A program that runs, until the value goes.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The machines of a lab that run, by their command lines.
pub fn processes(lab: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let is_number = |name: &OsStr| name.to_string_lossy().bytes().all(|b| b.is_ascii_digit());
        if !path.file_name().is_some_and(is_number) {
            continue;
        }
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.starts_with(&format!("ovl-lab {lab}/")) {
            found.push(line);
        }
    }
    found
}
