//! A real containerd with pods made by the standard plugins, over its CRI socket.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::support::cgroups::Cgroups;
use crate::support::cri;
use crate::support::machine::Machine;
use crate::support::{OVL, wait_for};

/// Programs that only this test needs.
const NEEDED: [&str; 4] = ["containerd", "ctr", "runc", "busybox"];

/// A machine with a containerd.
pub struct Node {
    pub machine: Machine,
    runtime: Option<Child>,
    dir: tempfile::TempDir,
    bin_dir: PathBuf,
    pods: Vec<String>,
    /// Last: a control group can go when the machine's processes have.
    cgroups: Cgroups,
}

impl Node {
    /// A node whose pods get their network by `plugins`, the body of a configuration list.
    pub fn new(network: &str, plugins: &str) -> Option<Self> {
        Self::with_plugins(network, plugins, false)
    }

    /// The same with this project's plugins beside the standard ones, if `ours`.
    fn with_plugins(network: &str, plugins: &str, ours: bool) -> Option<Self> {
        let missing: Vec<_> = NEEDED
            .iter()
            .filter(|program| {
                !["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
                    .iter()
                    .any(|dir| Path::new(dir).join(program).exists())
            })
            .collect();
        let plugin_dir = Path::new("/usr/lib/cni/bridge");
        if !missing.is_empty() || !plugin_dir.exists() {
            assert!(
                std::env::var_os("OVL_TEST_STRICT").is_none_or(|value| value != "1"),
                "this test needs containerd and the standard plugins"
            );
            eprintln!("skipped: needs {missing:?} and the standard plugins");
            return None;
        }
        let machine = Machine::new()?;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let bin_dir = if ours {
            our_plugins(&dir.path().join("bin"))
        } else {
            PathBuf::from("/usr/lib/cni")
        };
        let list = format!(r#"{{"cniVersion":"1.0.0","name":"{network}","plugins":[{plugins}]}}"#);
        std::fs::write(machine.path("/etc/cni/net.d/10-net.conflist"), list).unwrap();
        let config = format!(
            r#"version = 2
root = "{root}"
state = "{state}"
[grpc]
address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "test.local/pause:1"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{bin_dir}"
conf_dir = "/etc/cni/net.d"
"#,
            bin_dir = bin_dir.display(),
            root = at("root"),
            state = at("state"),
            socket = at("containerd.sock")
        );
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        pause_image(dir.path());
        let mut node = Self {
            machine,
            runtime: None,
            dir,
            bin_dir,
            pods: Vec::new(),
            cgroups: Cgroups::new(),
        };
        node.start();
        node.machine.ok(
            "ctr",
            &[
                "--address",
                node.socket().to_str().unwrap(),
                "-n",
                "k8s.io",
                "images",
                "import",
                "--snapshotter",
                "native",
                node.dir.path().join("pause.tar").to_str().unwrap(),
            ],
        );
        Some(node)
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("containerd.sock")
    }

    /// Starts the runtime and waits until it answers.
    pub fn start(&mut self) {
        let log = std::fs::File::create(self.dir.path().join("log")).unwrap();
        let child = self
            .machine
            .command("containerd")
            .args(["-c", self.dir.path().join("config.toml").to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.runtime = Some(child);
        wait_for("containerd", || {
            let socket = self.socket();
            let args = ["--address", socket.to_str().unwrap(), "version"];
            self.machine
                .run("ctr", &args)
                .status
                .success()
                .then_some(())
        });
    }

    /// Stops the runtime; its pods go on.
    pub fn stop(&mut self) {
        let Some(mut child) = self.runtime.take() else {
            return;
        };
        // `nsenter` stands before it; the runtime is its child within the machine.
        let pids = self.machine.run("sh", &["-c", "for p in /proc/[0-9]*; do [ \"$(cat $p/comm 2>/dev/null)\" = containerd ] && echo ${p#/proc/}; done"]);
        for pid in String::from_utf8_lossy(&pids.stdout).split_whitespace() {
            self.machine.run("kill", &[pid]);
        }
        let _ = child.wait();
    }

    /// Runs pods on the pod network and returns their sandboxes.
    pub fn pods(&mut self, names: &[String]) -> Vec<String> {
        self.run_pods(names, false)
    }

    fn run_pods(&mut self, names: &[String], host_network: bool) -> Vec<String> {
        let ids = cri::run_all(&self.socket(), names, host_network, &self.cgroups).unwrap_or_else(
            |error| {
                let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
                panic!("{error}\n{log}")
            },
        );
        self.pods.extend(ids.clone());
        ids
    }

    pub fn ovl(&self, args: &[&str]) -> Output {
        let socket = self.socket();
        let places = [
            "--cri",
            socket.to_str().unwrap(),
            "--cni-bin-dir",
            self.bin_dir.to_str().unwrap(),
        ];
        self.machine.run(OVL, &[args, &places].concat())
    }

    pub fn ovl_ok(&self, args: &[&str]) -> String {
        let output = self.ovl(args);
        assert!(
            output.status.success(),
            "ovl {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = cri::remove_all(&self.socket(), &self.pods);
        self.stop();
    }
}

/// This project's plugins, and beside them the standard ones that a chain needs.
fn our_plugins(dir: &Path) -> PathBuf {
    let program = Path::new(OVL).with_file_name("ovl-cni");
    if !program.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--package", "plugin-core", "--bin", "ovl-cni"])
            .status()
            .unwrap();
        assert!(built.success());
    }
    std::fs::create_dir_all(dir).unwrap();
    let installed = Command::new(&program)
        .arg("install")
        .arg(dir)
        .output()
        .unwrap();
    assert!(
        installed.status.success(),
        "{}",
        String::from_utf8_lossy(&installed.stderr)
    );
    for plugin in ["loopback", "portmap"] {
        std::os::unix::fs::symlink(Path::new("/usr/lib/cni").join(plugin), dir.join(plugin))
            .unwrap();
    }
    dir.to_owned()
}

/// An image of a program that does nothing, as `ctr images import` takes it (OCI image layout).
fn pause_image(dir: &Path) {
    let script = r#"set -e
cd "$1"; mkdir -p layer/bin oci/blobs/sha256; cp "$(command -v busybox)" layer/bin/pause; ln -sf pause layer/bin/sleep
blob() { h=$(sha256sum < $1); h=${h%% *}; s=$(stat -c %s $1); mv $1 oci/blobs/sha256/$h; }
tar -C layer -cf layer.tar .; blob layer.tar; l=$h ls=$s
printf '{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/bin/sleep","1000000"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' $l > config; blob config; c=$h cs=$s
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' $c $cs $l $ls > manifest; blob manifest
printf '{"imageLayoutVersion":"1.0.0"}' > oci/oci-layout
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"test.local/pause:1","org.opencontainers.image.ref.name":"1"}}]}' $h $s > oci/index.json
tar -C oci -cf pause.tar oci-layout index.json blobs"#;
    let made = Command::new("sh")
        .args(["-ec", script, "sh"])
        .arg(dir)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

pub const BRIDGE: &str = r#"{"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,"hairpinMode":true,
    "ipam":{"type":"host-local","ranges":[[{"subnet":"10.88.0.0/16"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
    {"type":"portmap","capabilities":{"portMappings":true}}"#;
const PTP: &str = r#"{"type":"ptp","mtu":1400,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.99.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}"#;

const ROUTED: &str = r#"{"type":"ovl-routed","mtu":1450,"hostPrefix":"cali","node":"node1",
    "ipam":{"type":"ovl-ipam","pools":[{"cidr":"172.31.0.0/16","blockSize":26}]}},
    {"type":"portmap","capabilities":{"portMappings":true}}"#;
const VXLAN: &str = r#"{"type":"ovl-vxlan","bridge":"weave","mtu":1376,"gateway":true,"node":"node1",
    "ipam":{"type":"ovl-ipam","pools":[{"cidr":"10.32.0.0/12"}]}}"#;

/// What is special about a network.
struct Expected {
    network: &'static str,
    plugins: &'static str,
    ours: bool,
    /// The plugin that records addresses.
    records: &'static str,
    /// Who answers for the gateway.
    by: &'static str,
    /// The bridge, if there is one.
    bridge: Option<&'static str>,
}

const NETWORKS: [Expected; 4] = [
    Expected {
        network: "bridged",
        plugins: BRIDGE,
        ours: false,
        records: "host-local",
        by: "owner",
        bridge: Some("cni0"),
    },
    Expected {
        network: "joined",
        plugins: PTP,
        ours: false,
        records: "host-local",
        by: "owner",
        bridge: None,
    },
    Expected {
        network: "routed",
        plugins: ROUTED,
        ours: true,
        records: "ovl-ipam",
        by: "proxy-arp",
        bridge: None,
    },
    Expected {
        network: "overlaid",
        plugins: VXLAN,
        ours: true,
        records: "ovl-ipam",
        by: "owner",
        bridge: Some("weave"),
    },
];

#[test]
fn every_field_of_a_pod_is_right_whoever_made_its_network() {
    for expected in &NETWORKS {
        let Some(mut node) = Node::with_plugins(expected.network, expected.plugins, expected.ours)
        else {
            return;
        };
        node.machine.sh(
            "ip link add up0 type veth peer name up1; ip addr add 192.168.61.11/24 dev up0
            ip link set up0 up; ip link set up1 up; ip route add default via 192.168.61.1",
        );
        let ids = node.pods(&["one".to_owned(), "two".to_owned()]);
        let on_node = node.run_pods(&["shared".to_owned()], true);
        let report: Value =
            serde_json::from_str(&node.ovl_ok(&["pod", "default/one", "-o", "json"])).unwrap();
        fields(&node, &report, &ids[0], expected);

        // The same pod by every other name.
        let text = ageless(&node.ovl_ok(&["pod", "one"]));
        let device = report["interfaces"][0]["peer"]["link"]["name"]
            .as_str()
            .unwrap();
        let index = report["interfaces"][0]["peer"]["link"]["index"].to_string();
        let address = report["interfaces"][0]["addresses"][0]["address"]
            .as_str()
            .unwrap();
        let pid = format!("pid:{}", report["sandbox"]["pid"]);
        for subject in [&ids[0][..12], &ids[0], device, &index, address, &pid] {
            assert_eq!(
                ageless(&node.ovl_ok(&["pod", subject])),
                text,
                "by {subject}"
            );
        }

        let list: Value = serde_json::from_str(&node.ovl_ok(&["pods", "-o", "json"])).unwrap();
        let rows = list["pods"].as_array().unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0]["addresses"][0], *address);
        assert_eq!(rows[0]["pid"], report["sandbox"]["pid"]);
        assert_eq!(rows[0]["sandbox"], ids[0]);
        let path = report["sandbox"]["netns_path"].as_str().unwrap();
        assert_eq!(rows[0]["netns"], path.rsplit('/').next().unwrap());
        assert_eq!(rows[0]["bridge"].as_str(), expected.bridge);
        assert_eq!(rows[0]["device"], device);
        let shared = &rows[1];
        assert_eq!(
            (shared["name"].as_str(), shared["host_network"].as_bool()),
            (Some("shared"), Some(true))
        );
        // A pod on the node's network is reached by the node's address.
        assert_eq!(shared["addresses"], serde_json::json!(["192.168.61.11"]));
        let text = node.ovl_ok(&["pod", &on_node[0]]);
        assert!(
            text.starts_with("default/shared  192.168.61.11  on node1")
                && text.contains("hostNetwork"),
            "{text}"
        );
        // Its processes are among the node's, and no other is told.
        let shared: Value =
            serde_json::from_str(&node.ovl_ok(&["pod", "default/shared", "-o", "json"])).unwrap();
        let own = shared["netns"]["processes"]["rows"].as_array().unwrap();
        assert_eq!(own.len(), 1, "{own:?}");
        assert_eq!(own[0]["container"], on_node[0]);
        assert_eq!(own[0]["pid"], shared["sandbox"]["pid"]);
        let line = format!("processes   {}  /bin/sleep", own[0]["pid"]);
        assert!(text.contains(&line), "{line} is not in {text}");
        let by_pid = node.ovl_ok(&["pod", &format!("pid:{}", own[0]["pid"])]);
        assert_eq!(ageless(&by_pid), ageless(&text));

        let check = node.ovl(&["check"]);
        let words = String::from_utf8_lossy(&check.stdout).into_owned();
        assert_eq!(check.status.code(), Some(0), "{words}");
        assert!(words.contains("nothing wrong"), "{words}");
        let reader = super::saved::Reader::new();
        for args in [
            ["pod", "default/one"].as_slice(),
            &["pod", "default/shared"],
            &["check"],
        ] {
            reader.compare(args, |args| node.ovl(args), |path| node.machine.path(path));
        }
        without_the_runtime(&mut node, &ids);
    }
}

/// Compares a report with what the system's tools say.
fn fields(node: &Node, report: &Value, id: &str, expected: &Expected) {
    assert_eq!(report["sandbox"]["id"], id);
    assert_eq!(report["sandbox"]["state"], "ready");
    assert_eq!(report["runtime"]["name"], "containerd");
    assert_eq!(report["runtime"]["api"], "v1");
    let path = report["sandbox"]["netns_path"].as_str().unwrap();
    let inode = node.machine.ok("stat", &["-L", "-c", "%i", path]);
    assert_eq!(report["netns"]["id"].to_string(), inode.trim());
    let name = path.rsplit('/').next().unwrap();
    let pids: Vec<_> = node
        .machine
        .ok("ip", &["netns", "pids", name])
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let own: Vec<_> = report["netns"]["processes"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["pid"].to_string())
        .collect();
    assert_eq!(own, pids);
    assert_eq!(report["sandbox"]["pid"].to_string(), pids[0]);
    assert_eq!(report["netns"]["processes"]["rows"][0]["container"], id);

    let inside = |args: &[&str]| -> Value {
        node.machine
            .json("ip", &[&["netns", "exec", name, "ip", "-j"], args].concat())
    };
    let eth0 = &inside(&["addr", "show", "eth0"])[0];
    let interface = &report["interfaces"][0];
    assert_eq!(report["interfaces"].as_array().unwrap().len(), 1);
    assert_eq!(interface["link"]["index"], eth0["ifindex"]);
    assert_eq!(interface["link"]["mac"], eth0["address"]);
    assert_eq!(interface["link"]["mtu"], eth0["mtu"]);
    assert_eq!(
        interface["addresses"][0]["address"],
        eth0["addr_info"][0]["local"]
    );
    assert_eq!(
        interface["addresses"][0]["prefix_len"],
        eth0["addr_info"][0]["prefixlen"]
    );
    let outside = node.machine.json("ip", &["-j", "-d", "link"]);
    let host = outside
        .as_array()
        .unwrap()
        .iter()
        .find(|link| link["ifindex"] == eth0["link_index"])
        .unwrap();
    let peer = &interface["peer"];
    assert_eq!(peer["place"], "node1");
    assert_eq!(peer["link"]["name"], host["ifname"]);
    assert_eq!(peer["link"]["mac"], host["address"]);
    assert_eq!(peer["link"]["mtu"], host["mtu"]);
    assert_eq!(peer["master"]["name"], host["master"]);
    let routes: Vec<_> = inside(&["-4", "route"])
        .as_array()
        .unwrap()
        .iter()
        .map(|route| route["dst"].as_str().unwrap().to_owned())
        .collect();
    let own: Vec<_> = report["routes"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["text"].as_str().unwrap())
        .filter(|text| !text.contains("fe80") && !text.contains("ff00"))
        .collect();
    assert_eq!(own.len(), routes.len());
    for (text, destination) in own.iter().zip(&routes) {
        assert!(
            text.starts_with(destination.as_str()),
            "{text} {destination}"
        );
    }
    let gateway = &report["gateways"][0];
    assert_eq!(gateway["answer"]["by"], expected.by);
    let answers = match expected.bridge {
        Some(bridge) => bridge.into(),
        None => host["ifname"].clone(),
    };
    assert_eq!(gateway["answer"]["device"], answers);
    // The kernel is asked too.
    let address = gateway["address"].as_str().unwrap();
    node.machine.run(
        "ip",
        &["netns", "exec", name, "ping", "-c", "1", "-W", "1", address],
    );
    let neighbour = &inside(&["neigh", "show", address])[0];
    assert_eq!(gateway["answer"]["mac"], neighbour["lladdr"], "{gateway}");
    let attachment = report["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["ifname"] == "eth0")
        .unwrap();
    assert_eq!(attachment["network"], expected.network);
    assert_eq!(attachment["config"], "/etc/cni/net.d/10-net.conflist");
    assert_eq!(attachment["cached"]["container"], id);
    let record = &report["address_records"]["rows"][0];
    assert_eq!(
        (record["plugin"].as_str(), &record["container"]),
        (Some(expected.records), &report["sandbox"]["id"])
    );
    assert_eq!(report["doubts"], serde_json::json!([]));
}

/// With the runtime stopped there is an answer all the same, and it says what it lacks.
fn without_the_runtime(node: &mut Node, ids: &[String]) {
    node.stop();
    let begun = std::time::Instant::now();
    let text = node.ovl_ok(&["pod", "default/one"]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    assert!(
        text.contains("not known   cannot reach the container runtime"),
        "{text}"
    );
    assert!(
        text.contains("◀── veth ──▶") && text.contains(&ids[0][..13]),
        "{text}"
    );
    let pods = node.ovl(&["pods"]);
    assert!(String::from_utf8_lossy(&pods.stderr).contains("found without the runtime"));
    assert!(String::from_utf8_lossy(&pods.stdout).contains("one"));
    let check = node.ovl(&["check"]);
    assert_eq!(
        check.status.code(),
        Some(4),
        "{}",
        String::from_utf8_lossy(&check.stdout)
    );
    node.start();
}

#[test]
fn a_pod_that_ends_while_it_is_looked_at_is_no_error() {
    let Some(mut node) = Node::new("bridged", BRIDGE) else {
        return;
    };
    node.pods(&["stays".to_owned()]);
    let goes = node.pods(&["goes".to_owned()]);
    std::thread::scope(|scope| {
        let socket = node.socket();
        let removing = scope.spawn(move || cri::remove_all(&socket, &goes));
        while !removing.is_finished() {
            for args in [["pods"].as_slice(), &["snapshot"], &["pod", "stays"]] {
                let output = node.ovl(args);
                assert_eq!(
                    output.status.code(),
                    Some(0),
                    "{args:?}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            let output = node.ovl(&["pod", "goes"]);
            assert!(
                matches!(output.status.code(), Some(0 | 1)),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        removing.join().unwrap().unwrap();
    });
    let output = node.ovl(&["pod", "goes"]);
    assert_eq!(output.status.code(), Some(1));
}

fn ageless(text: &str) -> String {
    text.lines()
        .map(|line| match line.split_once(", ") {
            Some((head, rest)) if line.trim_start().starts_with("sandbox") => {
                format!(
                    "{head}{}",
                    rest.split_once(" old").map_or("", |(_, rest)| rest)
                )
            }
            _ => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}
