//! A node of a test: a network namespace, a state directory, a directory of plugins, and pods.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use plugin_core::netns::Netns;
use serde_json::{Value, json};

/// Where Debian's containernetworking-plugins are.
const STANDARD_PLUGINS: &str = "/usr/lib/cni";

/// A node. Its namespaces go with it.
pub struct Node {
    pub netns: Netns,
    dir: tempfile::TempDir,
}

/// What a plugin said.
#[derive(Debug)]
#[allow(
    dead_code,
    reason = "standard error is for the message of a failed assertion"
)]
pub struct Answer {
    pub success: bool,
    pub stdout: Value,
    pub stderr: String,
}

/// Which attachment a request is about.
#[derive(Clone, Copy)]
pub struct Who<'a> {
    pub container: &'a str,
    pub netns: Option<&'a Path>,
    pub ifname: &'a str,
    pub args: &'a str,
}

impl Node {
    /// A new node; `None`, with the reason on standard error, where the test cannot have one.
    pub fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            assert!(
                std::env::var_os("OVL_TEST_STRICT").is_none(),
                "this test needs root"
            );
            eprintln!("skipped: making network namespaces needs root");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        for name in ["ovl-routed", "ovl-vxlan", "ovl-ipam"] {
            symlink(env!("CARGO_BIN_EXE_ovl-cni"), bin.join(name)).unwrap();
        }
        let netns = Netns::create_at(dir.path().join("node")).unwrap();
        let node = Self { netns, dir };
        node.run("ip", &["link", "set", "lo", "up"]);
        Some(node)
    }

    /// A new pod's namespace.
    pub fn pod(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(format!("pod-{name}"));
        Netns::create_at(&path).unwrap();
        path
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Where plugins are looked for.
    pub fn path(&self) -> Vec<PathBuf> {
        vec![self.dir.path().join("bin"), STANDARD_PLUGINS.into()]
    }

    /// A routed network of this node.
    pub fn routed(&self, extra: Value) -> Value {
        self.network(
            json!({
                "cniVersion": "1.1.0", "name": "k8s-pod-network", "type": "ovl-routed", "mtu": 1450,
                "node": "host01", "stateDir": self.state_dir(),
                "ipam": {"type": "ovl-ipam", "pools": [
                    {"cidr": "172.31.0.0/16", "blockSize": 24}, {"cidr": "fd00:31::/112", "blockSize": 120},
                ]},
            }),
            extra,
        )
    }

    /// A bridged network of this node.
    pub fn bridged(&self, extra: Value) -> Value {
        self.network(
            json!({
                "cniVersion": "1.1.0", "name": "weave", "type": "ovl-vxlan", "mtu": 1376,
                "bridge": "weave", "node": "host01", "stateDir": self.state_dir(),
                "ipam": {"type": "ovl-ipam", "pools": [
                    {"cidr": "10.32.0.0/12", "blockSize": 24}, {"cidr": "fd00:32::/64", "blockSize": 120},
                ]},
            }),
            extra,
        )
    }

    fn network(&self, mut network: Value, extra: Value) -> Value {
        let object = network.as_object_mut().unwrap();
        object.extend(extra.as_object().unwrap().clone());
        network
    }

    /// Starts a plugin as a runtime does.
    pub fn spawn(&self, verb: &str, network: &Value, who: Who<'_>) -> Child {
        let binary = self
            .dir
            .path()
            .join("bin")
            .join(network["type"].as_str().unwrap());
        self.start(Command::new(binary), verb, network, who)
    }

    fn start(&self, mut command: Command, verb: &str, network: &Value, who: Who<'_>) -> Child {
        let path = std::env::join_paths(self.path()).unwrap();
        command
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", who.container)
            .env("CNI_IFNAME", who.ifname)
            .env("CNI_ARGS", who.args)
            .env("CNI_PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match who.netns {
            Some(netns) => command.env("CNI_NETNS", netns),
            None => command.env_remove("CNI_NETNS"),
        };
        let mut child = self.netns.run(|| command.spawn()).unwrap().unwrap();
        // A plugin that was killed does not read.
        let _ = child
            .stdin
            .take()
            .unwrap()
            .write_all(network.to_string().as_bytes());
        child
    }

    /// Asks a plugin through another program, which `wrap` makes of its command.
    pub fn ask_wrapped(
        &self,
        verb: &str,
        network: &Value,
        who: Who<'_>,
        wrap: impl Fn(&mut Command) -> Command,
    ) -> Answer {
        let binary = self
            .dir
            .path()
            .join("bin")
            .join(network["type"].as_str().unwrap());
        let wrapped = wrap(&mut Command::new(binary));
        Answer::of(self.start(wrapped, verb, network, who))
    }

    /// Asks a plugin and waits for its answer.
    pub fn ask(&self, verb: &str, network: &Value, who: Who<'_>) -> Answer {
        Answer::of(self.spawn(verb, network, who))
    }

    /// Asks, and takes success for granted.
    pub fn must(&self, verb: &str, network: &Value, who: Who<'_>) -> Value {
        let answer = self.ask(verb, network, who);
        assert!(answer.success, "{verb} {}: {answer:?}", who.container);
        answer.stdout
    }

    /// GC of `network` with these attachments as the valid ones.
    pub fn gc(&self, network: &Value, valid: &[(&str, &str)]) {
        let valid: Vec<Value> = valid
            .iter()
            .map(|(container, ifname)| json!({"containerID": container, "ifname": ifname}))
            .collect();
        let network = self.network(network.clone(), json!({"cni.dev/valid-attachments": valid}));
        self.must("GC", &network, Who::nobody());
    }

    /// Runs a program on the node and returns its output; it must succeed.
    pub fn run(&self, program: &str, args: &[&str]) -> String {
        run_in(&self.netns, program, args)
    }

    /// Runs a program on the node that prints JSON.
    pub fn json(&self, program: &str, args: &[&str]) -> Value {
        parse(&self.run(program, args))
    }

    /// What `ip -j` says of one link of the node.
    pub fn link(&self, name: &str) -> Value {
        self.json("ip", &["-d", "-j", "link", "show", name])[0].clone()
    }

    /// Everything of the node that an attachment may touch, as text.
    pub fn snapshot(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (program, args) in [
            ("ip", &["-d", "-o", "link"][..]),
            ("ip", &["-o", "addr"]),
            ("ip", &["rule"]),
            ("ip", &["-6", "rule"]),
            ("ip", &["route", "show", "table", "all"]),
            ("ip", &["-6", "route", "show", "table", "all"]),
            ("ip", &["neigh", "show", "proxy"]),
            ("bridge", &["fdb"]),
            ("nft", &["list", "ruleset"]),
        ] {
            all.push(format!("{program} {args:?}: {}", self.run(program, args)));
        }
        let mut files = Vec::new();
        files_under(&self.state_dir(), &mut files);
        files.sort();
        all.push(format!("{files:#?}"));
        all
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A test that fails must not be followed by a second panic here.
        for entry in std::fs::read_dir(self.dir.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name == "node" || name.starts_with("pod-") {
                let _ = Netns::remove(entry.path());
            }
        }
    }
}

impl Answer {
    pub fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        Self {
            success: output.status.success(),
            stdout: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Message and details of an error.
    pub fn told(&self) -> String {
        assert!(!self.success, "no error: {self:?}");
        format!("{}\n{}", self.stdout["msg"], self.stdout["details"])
    }
}

impl<'a> Who<'a> {
    /// The first interface of a container.
    pub fn new(container: &'a str, netns: &'a Path) -> Self {
        Self {
            container,
            netns: Some(netns),
            ifname: "eth0",
            args: "",
        }
    }

    pub fn ifname(self, ifname: &'a str) -> Self {
        Self { ifname, ..self }
    }

    pub fn args(self, args: &'a str) -> Self {
        Self { args, ..self }
    }

    /// Without its namespace, as a runtime's second DEL.
    pub fn gone(self) -> Self {
        Self {
            netns: None,
            ..self
        }
    }

    fn nobody() -> Self {
        Self {
            container: "",
            netns: None,
            ifname: "",
            args: "",
        }
    }
}

/// Runs a program in a pod and returns its output; it must succeed.
pub fn in_pod(pod: &Path, program: &str, args: &[&str]) -> String {
    run_in(&Netns::open(pod).unwrap(), program, args)
}

/// Runs a program in a pod that prints JSON.
pub fn pod_json(pod: &Path, program: &str, args: &[&str]) -> Value {
    parse(&in_pod(pod, program, args))
}

/// Sends one echo request from a pod; it must be answered.
pub fn ping(pod: &Path, address: &str) {
    in_pod(pod, "ping", &["-n", "-c", "1", "-W", "5", address]);
}

/// The addresses of a result, without their prefix lengths.
pub fn addresses(result: &Value) -> Vec<String> {
    let ips = result["ips"].as_array().unwrap();
    ips.iter()
        .map(|ip| {
            ip["address"]
                .as_str()
                .unwrap()
                .split('/')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn parse(text: &str) -> Value {
    // `ip -j` prints nothing for nothing.
    let text = if text.trim().is_empty() { "[]" } else { text };
    serde_json::from_str(text).unwrap()
}

fn run_in(netns: &Netns, program: &str, args: &[&str]) -> String {
    let output = netns
        .run(|| Command::new(program).args(args).output())
        .unwrap()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {args:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn files_under(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_under(&path, out);
        } else {
            out.push(path);
        }
    }
}
