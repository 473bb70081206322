//! A node with one network, and a way to say anything at all to its plugins.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plugin_core::netns::Netns;
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// Where Debian's containernetworking-plugins are.
pub const STANDARD_PLUGINS: &str = "/usr/lib/cni";

pub const VERSIONS: [&str; 5] = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/// A node and a pod.
pub struct Speaker {
    pub node: Sandbox,
    pub dir: tempfile::TempDir,
    pub pod: PathBuf,
}

/// What came back: the exit status, and standard output to the letter.
#[derive(Debug)]
pub struct Reply {
    pub exit: Option<i32>,
    pub stdout: String,
}

impl Reply {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It went well and had nothing to say.
    pub fn is_silent_success(&self) -> bool {
        self.exit == Some(0) && self.stdout.is_empty()
    }
}

impl Speaker {
    /// A node; `None`, with the reason on standard error, where the test cannot have one.
    pub fn new() -> Option<Self> {
        let node = Sandbox::new()?;
        node.run("ip", &["link", "set", "lo", "up"]);
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        for name in ["ovl-routed", "ovl-vxlan", "ovl-ipam"] {
            symlink(
                env!("CARGO_BIN_EXE_ovl-cni"),
                dir.path().join("bin").join(name),
            )
            .unwrap();
        }
        let pod = dir.path().join("pod");
        Netns::create_at(&pod).unwrap();
        Some(Self { node, dir, pod })
    }

    /// The directories with plugins: ours, then the standard ones.
    pub fn path(&self) -> Vec<PathBuf> {
        vec![self.dir.path().join("bin"), STANDARD_PLUGINS.into()]
    }

    /// The configuration of a network of `kind`, without its version.
    pub fn network(&self, kind: &str) -> Value {
        let mut network = json!({
            "name": format!("net-{kind}"), "type": kind, "node": "host01",
            "stateDir": self.dir.path().join("state"),
            "ipam": {"type": "ovl-ipam", "pools": [{"cidr": "172.31.0.0/16", "blockSize": 26}],
                "store": self.dir.path().join("store")},
        });
        let more = match kind {
            "ovl-routed" => json!({"mtu": 1450, "hostPrefix": "cali"}),
            "ovl-vxlan" => json!({"mtu": 1376, "bridge": "weave", "gateway": true}),
            _ => json!({}),
        };
        network
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        network
    }

    /// The same in a version.
    pub fn in_version(&self, kind: &str, version: &str) -> Value {
        let mut network = self.network(kind);
        network["cniVersion"] = json!(version);
        network
    }

    /// The variables of a request about container `id`.
    pub fn variables(&self, verb: &str, id: &str) -> Vec<(&'static str, String)> {
        vec![
            ("CNI_COMMAND", verb.to_owned()),
            ("CNI_CONTAINERID", id.to_owned()),
            ("CNI_NETNS", self.pod.display().to_string()),
            ("CNI_IFNAME", "eth0".to_owned()),
            (
                "CNI_ARGS",
                "K8S_POD_NAME=pod1;IP=172.31.0.5;K8S_POD_NAMESPACE=default;IgnoreUnknown=1"
                    .to_owned(),
            ),
        ]
    }

    /// Asks about container `c1`.
    pub fn ask(&self, verb: &str, config: &Value) -> Reply {
        let kind = config["type"].as_str().unwrap().to_owned();
        self.say(&kind, &self.variables(verb, "c1"), &config.to_string())
    }

    /// Says anything.
    pub fn say(&self, kind: &str, variables: &[(&str, String)], stdin: &str) -> Reply {
        let mut command = Command::new(self.dir.path().join("bin").join(kind));
        command
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = self.node.netns.run(|| command.spawn()).unwrap().unwrap();
        // VERSION may be answered without reading.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Reply {
            exit: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
        }
    }

    /// Everything that an attachment may leave behind, a line each: links, addresses, routes and rules of
    /// the node and of the pod, and files. What the kernel adds by itself in its own time (carrier, IPv6
    /// link-local addresses) is left out.
    pub fn traces(&self) -> Vec<String> {
        let mut all = Vec::new();
        for args in [
            &["-br", "link"][..],
            &["-4", "-o", "addr"],
            &["-4", "route", "show", "table", "all"],
            &["-4", "rule"],
            &["neigh", "show", "proxy"],
        ] {
            for (whose, text) in [
                ("node", self.node.run("ip", args)),
                ("pod", in_pod(&self.pod, args)),
            ] {
                all.extend(text.lines().map(|line| {
                    let words = line.split_whitespace();
                    let kept: Vec<&str> = if args.contains(&"link") {
                        words.take(1).collect()
                    } else {
                        words.filter(|word| *word != "linkdown").collect()
                    };
                    format!("{whose}: {}", kept.join(" "))
                }));
            }
        }
        files_under(&self.dir.path().join("state"), &mut all);
        files_under(&self.dir.path().join("store"), &mut all);
        all.sort();
        all
    }

    /// The lines that are there now and were not before, and the other way round.
    pub fn changes_since(&self, before: &[String]) -> Vec<String> {
        let now = self.traces();
        let gone = before
            .iter()
            .filter(|line| !now.contains(line))
            .map(|line| format!("- {line}"));
        let new = now
            .iter()
            .filter(|line| !before.contains(line))
            .map(|line| format!("+ {line}"));
        gone.chain(new).collect()
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        let _ = Netns::remove(&self.pod);
    }
}

/// What `ip` says in a pod; it must succeed.
pub fn in_pod(pod: &Path, args: &[&str]) -> String {
    let output = Netns::open(pod)
        .unwrap()
        .run(|| Command::new("ip").args(args).output())
        .unwrap()
        .unwrap();
    assert!(
        output.status.success(),
        "ip {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn files_under(dir: &Path, out: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_under(&path, out);
        } else {
            out.push(path.display().to_string());
        }
    }
}
