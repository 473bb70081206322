//! A lab of a test's own, gone when the test ends, however it ends.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub const OVL: &str = env!("CARGO_BIN_EXE_ovl");

/// Whether the test can run here; says why not, and fails when `OVL_TEST_STRICT` is set.
pub fn is_root() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|meta| {
        use std::os::unix::fs::MetadataExt;
        meta.uid() == 0
    });
    if !root {
        assert!(
            std::env::var_os("OVL_TEST_STRICT").is_none_or(|v| v != "1"),
            "needs root"
        );
        eprintln!("skipped: needs root");
    }
    root
}

/// A place for labs that no other test shares, with one lab in it.
pub struct Lab {
    directory: TempDir,
    name: String,
}

impl Lab {
    /// Makes a lab. `name` ends up in `ps`, so each test has its own.
    pub fn up(name: &str, args: &[&str]) -> Self {
        let lab = Self::prepared(name);
        lab.ok(&[&["lab", "up"], args].concat());
        lab
    }

    /// The place without the lab.
    pub fn prepared(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            directory,
            name: format!("{name}-{}", std::process::id()),
        }
    }

    /// Makes a lab from a topology file.
    pub fn of_topology(name: &str, topology: &str) -> Self {
        let lab = Self::prepared(name);
        let file = lab.write("topology.toml", topology);
        lab.ok(&["lab", "up", "--file", file.to_str().unwrap()]);
        lab
    }

    pub fn name(&self) -> &str {
        &self.name
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

    /// Writes a file for the test.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// `ovl`, told which lab.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(OVL);
        command.env("OVL_LAB_DIR", self.root()).env("NO_COLOR", "1");
        let at = args
            .iter()
            .position(|arg| *arg == "--")
            .unwrap_or(args.len());
        command.args(&args[..at]);
        if !args.contains(&"--all") && !args.contains(&"--lab") {
            command.args(["--lab", &self.name]);
        }
        command.args(&args[at..]);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs `ovl`, which must succeed; its standard output.
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
    pub fn fails(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(!output.status.success(), "ovl {} succeeded", args.join(" "));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Runs a command on a node or in a pod; its standard output.
    pub fn exec(&self, place: &str, command: &[&str]) -> String {
        self.ok(&[&["lab", "exec", place, "--"], command].concat())
    }

    /// What a command of iproute2 prints as JSON.
    pub fn json(&self, place: &str, command: &str) -> Vec<Value> {
        let words: Vec<&str> = command.split(' ').collect();
        let text = self.exec(place, &words);
        let value: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{command}: {e}\n{text}"));
        value.as_array().cloned().unwrap_or_default()
    }

    /// Starts a pod; the addresses of its default network, without prefix lengths.
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
        let output = self.run(&["lab", "down", "--all"]);
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
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

/// Waits for a condition, for as long as the slowest machine may take.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "not yet: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Fails with the reason when a tool that a test drives is not installed.
pub fn needs(tool: &str, package: &str) {
    let found = [
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/lib/cni",
        "/opt/cni/bin",
    ]
    .iter()
    .any(|directory| Path::new(directory).join(tool).exists());
    assert!(found, "{tool} is not installed: apt install {package}");
}
