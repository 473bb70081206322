//! A machine of a test's own: network, processes, mounts, host name. It ends with the value, with all its
//! processes.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::{OVL, can_run, wait_for};

/// Files of its own where a node has them; the rest is the machine's that runs the test.
const PREPARE: &str = "set -e
mount -t tmpfs run /run
mkdir -p /run/netns /run/overlay/etc /run/overlay/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/overlay/etc,workdir=/run/overlay/work /etc
mount -t tmpfs lib /var/lib
mkdir -p /etc/cni/net.d
ip link set lo up
hostname node1
touch /run/prepared
exec sleep infinity";

pub struct Machine {
    unshare: Child,
    /// Its first process, in the numbers of whoever runs the test.
    pid: u32,
}

impl Machine {
    /// A new machine; `None`, with the reason on standard error, where the test cannot have one.
    pub fn new() -> Option<Self> {
        if !can_run() {
            return None;
        }
        let unshare = Command::new("unshare")
            .args([
                "--mount",
                "--net",
                "--uts",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args(["--propagation", "private", "sh", "-c", PREPARE])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let children = format!("/proc/{0}/task/{0}/children", unshare.id());
        let mut machine = Self { unshare, pid: 0 };
        machine.pid = wait_for("the machine's first process", || {
            std::fs::read_to_string(&children)
                .ok()?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        });
        wait_for("the machine's files", || {
            machine
                .run("test", &["-e", "/run/prepared"])
                .status
                .success()
                .then_some(())
        });
        Some(machine)
    }

    /// A command that runs there.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args([
            "-t",
            &self.pid.to_string(),
            "-m",
            "-n",
            "-u",
            "-p",
            "--",
            program,
        ]);
        command
    }

    pub fn run(&self, program: &str, args: &[&str]) -> Output {
        self.command(program)
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What a program prints; it must succeed.
    pub fn ok(&self, program: &str, args: &[&str]) -> String {
        let output = self.run(program, args);
        assert!(
            output.status.success(),
            "{program} {args:?}: {}{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a script of a shell; it must succeed.
    pub fn sh(&self, script: &str) -> String {
        self.ok("sh", &["-ec", script])
    }

    pub fn json(&self, program: &str, args: &[&str]) -> Value {
        let text = self.ok(program, args);
        serde_json::from_str(if text.trim().is_empty() { "[]" } else { &text }).unwrap()
    }

    /// Runs `ovl` there without a runtime.
    pub fn ovl(&self, args: &[&str]) -> String {
        self.ok(OVL, &[args, &["--cri", "none"]].concat())
    }

    /// A path there, as it is reached from outside.
    pub fn path(&self, path: &str) -> std::path::PathBuf {
        Path::new(&format!("/proc/{}/root", self.pid)).join(path.trim_start_matches('/'))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Its first process goes with `unshare`, and with that one all others.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
    }
}
