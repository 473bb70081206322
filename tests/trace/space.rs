//! Network namespaces, each held by a process that dies with the test.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use ovl::model::number::NetnsId;
use ovl::probe::message::NetnsRef;
use plugin_core::netns::Netns;

/// How long anything may take. Far more than it does, because tests share the machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether the test can run here.
pub fn can_run() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    let strict = std::env::var_os("OVL_TEST_STRICT").is_some_and(|value| value == "1");
    assert!(!strict, "needs root to make network namespaces");
    eprintln!("skipped: needs root to make network namespaces");
    false
}

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
        let begun = Instant::now();
        while !fs::read_to_string(&comm).is_ok_and(|name| name == "sleep\n") {
            assert!(
                begun.elapsed() < PATIENCE,
                "waited too long for a namespace"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
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

    /// Runs a command inside that must succeed.
    #[track_caller]
    pub fn run(&self, line: &str) -> String {
        let output = Command::new("nsenter")
            .arg(format!("--net=/proc/{}/ns/net", self.pid()))
            .arg("--")
            .args(line.split_whitespace())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
        String::from_utf8(output.stdout).unwrap()
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
