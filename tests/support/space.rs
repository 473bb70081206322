//! Network namespaces, each held by a process that dies with the test.

use std::fs;
use std::process::{Child, Command, Output};

use ovl::model::number::NetnsId;
use ovl::probe::message::NetnsRef;
use plugin_core::netlink::Socket;
use plugin_core::netns::Netns;
use serde_json::Value;

use super::until;

/// A network namespace, for as long as its process lives.
pub struct Space(Child);

impl Space {
    pub fn new() -> Self {
        let child = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "unshare",
                "--net",
                "sleep",
                "infinity",
            ])
            .spawn()
            .expect("setpriv and unshare of util-linux");
        let space = Self(child);
        // The namespace is there once the process has become sleep.
        let comm = format!("/proc/{}/comm", space.pid());
        until("a namespace", || {
            fs::read_to_string(&comm).is_ok_and(|name| name == "sleep\n")
        });
        space.run("ip link set lo up");
        space
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn netns(&self) -> Netns {
        Netns::of_pid(self.pid()).unwrap()
    }

    /// As another node would be asked for it.
    pub fn named(&self) -> NetnsRef {
        NetnsRef {
            id: NetnsId(self.netns().id().inode),
            paths: Vec::new(),
            pids: vec![self.pid()],
        }
    }

    /// A socket to the kernel inside.
    pub fn socket(&self) -> Socket {
        Socket::open_in(&self.netns()).unwrap()
    }

    /// A command that runs inside, and dies with the test.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "nsenter"]);
        command.arg(format!("--net=/proc/{}/ns/net", self.pid()));
        command.args(["--", program]);
        command
    }

    pub fn output(&self, line: &str) -> Output {
        let mut words = line.split_whitespace();
        let program = words.next().unwrap();
        self.command(program).args(words).output().unwrap()
    }

    /// Runs a command inside that must succeed.
    #[track_caller]
    pub fn run(&self, line: &str) -> String {
        let output = self.output(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command of iproute2 prints as JSON.
    #[track_caller]
    pub fn json(&self, line: &str) -> Vec<Value> {
        let text = self.run(line);
        if text.trim().is_empty() {
            Vec::new()
        } else {
            serde_json::from_str(&text).unwrap()
        }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two namespaces with a cable, and a VXLAN network over it.
pub struct Pair(pub Space, pub Space);

impl Pair {
    pub fn new() -> Self {
        let (a, b) = (Space::new(), Space::new());
        a.run(&format!(
            "ip link add u0 type veth peer name u0 netns {}",
            b.pid()
        ));
        for (space, own, other) in [(&a, 1, 2), (&b, 2, 1)] {
            space.run(&format!("ip address add 10.99.0.{own}/24 dev u0"));
            space.run(&format!("ip address add fd99::{own}/64 dev u0 nodad"));
            space.run("ip link set u0 up");
            space.run(&format!(
                "ip link add x0 type vxlan id 42 dstport 4789 dev u0 local 10.99.0.{own} remote 10.99.0.{other}"
            ));
            space.run(&format!("ip address add 10.98.0.{own}/24 dev x0"));
            space.run("ip link set x0 up");
        }
        Self(a, b)
    }
}
