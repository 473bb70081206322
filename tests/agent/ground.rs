//! Nodes on a switch, pods wired by hand, agents as processes. Everything lives in namespaces held by processes
//! that die with the test, so nothing is left even when it is killed.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use plugin_core::ipam::claimed;
use plugin_core::node::peer::{SCHEMA, Vtep};
use plugin_core::node::status::Status;
use plugin_core::node::{Peer, mac};
use plugin_core::store::{DirStore, Key, Store};
use serde_json::Value;

use crate::support::PATIENCE;
use crate::support::space::Space;

/// A node, its agent and its directories.
pub struct Node {
    pub name: String,
    pub space: Space,
    pub directory: PathBuf,
    agent: Option<Child>,
}

/// Nodes `host01`, `host02`, … and the store they share.
pub struct Ground {
    pub nodes: Vec<Node>,
    pub settings: Value,
    /// Switches and routers.
    pub between: Vec<Space>,
    pub directory: tempfile::TempDir,
}

impl Ground {
    /// Nodes on one switch: `192.168.61.11/24`, `.12`, … and `fd61::11/64`, … on enp0s8.
    pub fn new(nodes: usize, settings: Value) -> Self {
        let mut ground = Self::empty(settings);
        let switch = ground.switch();
        for number in 1..=nodes {
            ground.add_node(
                &switch,
                &[
                    format!("192.168.61.1{number}/24"),
                    format!("fd61::1{number}/64"),
                ],
            );
        }
        ground.between.push(switch);
        ground
    }

    pub fn empty(settings: Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        DirStore::create_at(directory.path().join("store")).unwrap();
        Self {
            nodes: Vec::new(),
            settings,
            between: Vec::new(),
            directory,
        }
    }

    pub fn switch(&self) -> Space {
        let switch = Space::new();
        switch.run("ip link add br0 type bridge");
        switch.run("ip link set br0 up");
        switch
    }

    pub fn add_node(&mut self, switch: &Space, addresses: &[String]) {
        let number = self.nodes.len() + 1;
        let name = format!("host0{number}");
        let space = Space::new();
        plug(switch, &format!("to{number}"), &space, "enp0s8");
        for address in addresses {
            space.run(&format!("ip address add {address} dev enp0s8 nodad"));
        }
        let directory = self.directory.path().join(&name);
        fs::create_dir(&directory).unwrap();
        self.nodes.push(Node {
            name,
            space,
            directory,
            agent: None,
        });
    }

    pub fn store_path(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    pub fn store(&self) -> DirStore {
        DirStore::open(self.store_path()).unwrap()
    }

    pub fn network(&self) -> &str {
        self.settings["name"].as_str().unwrap()
    }

    /// The command line of a node's agent.
    pub fn agent(&self, at: usize, more: &[&str]) -> Command {
        let node = &self.nodes[at];
        let config = node.directory.join("agent.json");
        fs::write(&config, self.settings.to_string()).unwrap();
        let mut command = node.space.command(env!("CARGO_BIN_EXE_ovl"));
        command.arg("agent");
        command.arg("--store").arg(self.store_path());
        command.arg("--config").arg(config);
        command.args(["--node", &node.name]);
        command.arg("--state-dir").arg(node.directory.join("state"));
        command.arg("--cni-dir").arg(node.directory.join("net.d"));
        command.args(more);
        command
    }

    pub fn start(&mut self, at: usize) {
        self.start_with(at, &[]);
    }

    pub fn start_with(&mut self, at: usize, more: &[&str]) {
        let mut command = self.agent(at, more);
        let log = self.nodes[at].directory.join("log");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let child = command.stdin(Stdio::null()).stderr(log).spawn().unwrap();
        assert!(
            self.nodes[at].agent.replace(child).is_none(),
            "it runs already"
        );
    }

    pub fn start_all(&mut self) {
        for at in 0..self.nodes.len() {
            self.start(at);
        }
        let peers = self.nodes.len() - 1;
        for at in 0..self.nodes.len() {
            self.until_ready(at, peers);
        }
    }

    #[track_caller]
    pub fn until_ready(&self, at: usize, peers: usize) {
        let node = &self.nodes[at];
        let start = Instant::now();
        loop {
            let status = self.status(at);
            if status
                .as_ref()
                .is_some_and(|status| status.ready && status.peers == peers)
            {
                return;
            }
            let log = || fs::read_to_string(node.directory.join("log")).unwrap_or_default();
            assert!(
                start.elapsed() < PATIENCE,
                "{} is not ready: {status:#?}\n{}",
                node.name,
                log()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn status(&self, at: usize) -> Option<Status> {
        Status::load(&self.nodes[at].directory.join("state"), self.network()).unwrap()
    }

    pub fn log(&self, at: usize) -> String {
        fs::read_to_string(self.nodes[at].directory.join("log")).unwrap_or_default()
    }

    /// Ends an agent by SIGTERM; it must end well.
    pub fn stop(&mut self, at: usize) {
        let mut child = self.nodes[at].agent.take().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// Ends an agent by SIGKILL.
    pub fn kill(&mut self, at: usize) {
        let mut child = self.nodes[at].agent.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn cleanup(&self, at: usize) {
        let output = self.agent(at, &["--cleanup"]).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Has a node own a block, as IPAM records it.
    pub fn claim(&self, node: &str, cidr: &str) {
        let cidr: IpNet = cidr.parse().unwrap();
        let key = Key::Block {
            network: self.network().to_owned(),
            cidr,
        };
        let size = 1u64 << (cidr.max_prefix_len() - cidr.prefix_len()).min(32);
        let claim = serde_json::json!({"schema": "ovl.block/v1", "node": node, "granted": size});
        self.store()
            .create(&key, claim.to_string().as_bytes())
            .unwrap();
    }

    pub fn blocks_of(&self, node: &str) -> Vec<IpNet> {
        let claimed = claimed(&self.store(), self.network()).unwrap();
        let owned = claimed.iter().filter(|claimed| claimed.owned_by(node));
        owned.map(|claimed| claimed.block.cidr()).collect()
    }

    /// Publishes a node that does not exist.
    pub fn publish(&self, name: &str, address: &str, vtep: Option<(u32, u16, &[IpAddr])>) {
        let peer = Peer {
            schema: SCHEMA.to_owned(),
            node: name.to_owned(),
            network: self.network().to_owned(),
            addresses: vec![address.parse().unwrap()],
            vtep: vtep.map(|(vni, port, addresses)| Vtep {
                mac: mac::of_vtep(name),
                addresses: addresses.to_vec(),
                vni,
                port,
            }),
            mtu: 1450,
            subnets: Vec::new(),
            version: "0".to_owned(),
        };
        let value = serde_json::to_vec(&peer).unwrap();
        self.store()
            .create(&Key::Node(name.to_owned()), &value)
            .unwrap();
    }

    pub fn withdraw(&self, name: &str) {
        let key = Key::Node(name.to_owned());
        let entry = self.store().get(&key).unwrap().unwrap();
        self.store().delete(&key, &entry.revision).unwrap();
    }

    /// A pod behind a veth pair and a host route, as `ovl-routed` wires it.
    pub fn routed_pod(&self, at: usize, name: &str, addresses: &[IpAddr]) -> Space {
        let (node, pod) = (&self.nodes[at].space, Space::new());
        node.run(&format!(
            "ip link add {name} type veth peer name eth0 netns {}",
            pod.pid()
        ));
        node.run(&format!("ip link set {name} address ee:ee:ee:ee:ee:ee"));
        node.run(&format!(
            "sysctl -qw net.ipv4.conf.{name}.proxy_arp=1 net.ipv4.neigh.{name}.proxy_delay=0"
        ));
        // Proxy ARP answers for what the node has a way to by another link, and here is no default route.
        node.run("ip route replace 169.254.1.1 dev enp0s8 scope link");
        node.run(&format!("ip -6 address add fe80::1/64 dev {name} nodad"));
        node.run(&format!("ip link set {name} mtu 1450 up"));
        pod.run("ip link set eth0 mtu 1450 up");
        for address in addresses {
            if address.is_ipv4() {
                pod.run(&format!("ip address add {address}/32 dev eth0"));
                pod.run("ip route add 169.254.1.1 dev eth0 scope link");
                pod.run("ip route add default via 169.254.1.1 dev eth0");
                node.run(&format!("ip route add {address} dev {name} scope link"));
            } else {
                pod.run(&format!("ip address add {address}/128 dev eth0 nodad"));
                pod.run("ip -6 route add default via fe80::1 dev eth0");
                node.run(&format!("ip -6 route add {address} dev {name}"));
            }
        }
        pod
    }

    /// A pod in the node's bridge, as `ovl-vxlan` wires it.
    pub fn bridged_pod(
        &self,
        at: usize,
        name: &str,
        address: IpNet,
        gateway: IpAddr,
        mtu: u32,
    ) -> Space {
        let (node, pod) = (&self.nodes[at].space, Space::new());
        let bridge = self.settings["bridge"].as_str().unwrap();
        node.run(&format!(
            "ip link add {name} type veth peer name eth0 netns {}",
            pod.pid()
        ));
        node.run(&format!("ip link set {name} mtu {mtu} master {bridge} up"));
        pod.run(&format!("ip link set eth0 mtu {mtu} up"));
        pod.run(&format!("ip address add {address} dev eth0"));
        pod.run(&format!("ip route add default via {gateway}"));
        pod
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            if let Some(mut agent) = node.agent.take() {
                let _ = agent.kill();
                let _ = agent.wait();
            }
        }
        if std::thread::panicking() {
            for (at, node) in self.nodes.iter().enumerate() {
                eprintln!("--- the agent of {}:\n{}", node.name, self.log(at));
            }
        }
    }
}

/// Joins a machine to a switch.
pub fn plug(switch: &Space, port: &str, machine: &Space, device: &str) {
    switch.run(&format!(
        "ip link add {port} type veth peer name {device} netns {}",
        machine.pid()
    ));
    switch.run(&format!("ip link set {port} master br0 up"));
    machine.run(&format!("ip link set {device} up"));
}

/// The destinations of a node's routes of protocol 80, with their next hops and devices.
pub fn routes(space: &Space) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    for family in ["-4", "-6"] {
        for row in space.json(&format!("ip -j {family} route show proto 80")) {
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            let gateway = if row["type"] == "blackhole" {
                "blackhole".to_owned()
            } else {
                text("gateway")
            };
            let onlink = row["flags"]
                .as_array()
                .is_some_and(|flags| flags.contains(&"onlink".into()));
            assert!(gateway == "blackhole" || onlink, "{row}");
            rows.push((text("dst"), gateway, text("dev")));
        }
    }
    rows.sort();
    rows
}

/// The permanent neighbours of a device.
pub fn neighbours(space: &Space, device: &str) -> Vec<(String, String)> {
    let rows = space.json(&format!("ip -j neighbour show dev {device} nud permanent"));
    let mut rows: Vec<_> = rows
        .iter()
        .map(|row| (owned(row, "dst"), owned(row, "lladdr")))
        .collect();
    rows.sort();
    rows
}

/// The entries of a VXLAN device that lead to a node.
pub fn fdb(space: &Space, device: &str) -> Vec<(String, String)> {
    let rows = space.json(&format!("bridge -j fdb show dev {device}"));
    let to_nodes = rows
        .iter()
        .filter(|row| row["dst"].is_string() && row["state"] == "permanent");
    let mut rows: Vec<_> = to_nodes
        .map(|row| (owned(row, "mac"), owned(row, "dst")))
        .collect();
    rows.sort();
    rows
}

fn owned(row: &Value, key: &str) -> String {
    row[key].as_str().unwrap_or_default().to_owned()
}

/// Sends pings that must all be answered.
#[track_caller]
pub fn ping(from: &Space, to: &str, more: &str) {
    let family = if to.contains(':') { "-6" } else { "-4" };
    let said = from.run(&format!(
        "ping {family} -q -n -c 3 -i 0.05 -W 2 {more} {to}"
    ));
    assert!(said.contains(" 0% packet loss"), "{said}");
}

/// The address at an offset of a block.
pub fn address(block: IpNet, offset: u32) -> IpAddr {
    match block.network() {
        IpAddr::V4(first) => IpAddr::from((u32::from(first) + offset).to_be_bytes()),
        IpAddr::V6(first) => IpAddr::from((u128::from(first) + u128::from(offset)).to_be_bytes()),
    }
}

pub fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}
