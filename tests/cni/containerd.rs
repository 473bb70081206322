//! containerd as a process of its own, in namespaces of its own, runs a sandbox on each plugin.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::cgroups::Cgroups;
use crate::support::cri;

/// What containerd brings a sandbox's loopback device up with, of containernetworking-plugins.
const LOOPBACK: &str = "/usr/lib/cni/loopback";

const PAUSE: &str = "localhost/pause:test";

/// A running containerd. Its process namespace ends with it, and so does everything it started.
struct Containerd {
    process: Child,
    dir: tempfile::TempDir,
    /// Last: a control group can go when the processes in it have.
    cgroups: Cgroups,
}

impl Containerd {
    /// Starts one whose only network is `network`; `None`, with the reason on standard error, where the
    /// test cannot have one.
    fn start(network: &dyn Fn(&Path) -> Value) -> Option<Self> {
        let missing = if !rustix::process::geteuid().is_root() {
            Some("root")
        } else if !Path::new(LOOPBACK).exists() {
            Some(LOOPBACK)
        } else {
            ["containerd", "ctr", "runc", "cc"]
                .into_iter()
                .find(|program| !is_installed(program))
        };
        if let Some(missing) = missing {
            assert!(
                std::env::var_os("OVL_TEST_STRICT").is_none(),
                "this test needs {missing}"
            );
            eprintln!("skipped: needs {missing}");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["net.d", "bin", "cni", "oci/blobs/sha256", "rootfs"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        run(Command::new(plugin_binary()).arg("install").arg(at("bin")));
        std::os::unix::fs::symlink(LOOPBACK, at("bin/loopback")).unwrap();
        let list = json!({"cniVersion": "1.0.0", "name": "pods", "plugins": [network(dir.path())]});
        std::fs::write(at("net.d/10-ovl.conflist"), list.to_string()).unwrap();
        std::fs::write(at("config.toml"), config(dir.path())).unwrap();
        pause_image(dir.path());
        // What it keeps outside its own directories is hidden behind mounts of its own.
        let script = format!(
            "set -e; mount --bind {cni} /var/lib/cni; mount -t tmpfs run /run/containerd\n\
             ip link set lo up; exec containerd --config {config}",
            cni = at("cni").display(),
            config = at("config.toml").display(),
        );
        std::fs::create_dir_all("/var/lib/cni").unwrap();
        std::fs::create_dir_all("/run/containerd").unwrap();
        let log = std::fs::File::create(at("log")).unwrap();
        let process = Command::new("unshare")
            .args([
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "sh",
                "-c",
            ])
            .arg(script)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let cgroups = Cgroups::new();
        let this = Self {
            process,
            dir,
            cgroups,
        };
        this.wait_until_ready();
        run(Command::new("ctr")
            .arg("--address")
            .arg(this.socket())
            .args([
                "--namespace",
                "k8s.io",
                "images",
                "import",
                "--snapshotter",
                "native",
            ])
            .arg(this.dir.path().join("pause.tar")));
        Some(this)
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("c.sock")
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = cri::answers(&self.socket()) {
            assert!(
                Instant::now() < deadline,
                "containerd is not up: {error}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// What the runtime answered; fails with its log.
    fn answer<A>(&self, answer: Result<A, String>) -> A {
        answer.unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// Runs a program in containerd's network namespace: the node.
    fn on_node(&self, program: &str, args: &[&str]) -> String {
        let node = plugin_core::netns::Netns::of_pid(self.process.id()).unwrap();
        let output = node
            .run(|| Command::new(program).args(args).output())
            .unwrap()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // --kill-child takes the init of the process namespace along, which takes everything.
        let _ = self.process.kill();
        let _ = self.process.wait();
        for _ in 0..100 {
            // Overlaid mounts went with their namespace; the cgroups of what was killed may take a moment.
            if std::fs::remove_dir_all(self.dir.path()).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// `ovl-cni` stands beside the binaries of this package, which cargo builds with the workspace.
fn plugin_binary() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_ovl")).with_file_name("ovl-cni");
    if !binary.exists() {
        run(Command::new(env!("CARGO")).args([
            "build",
            "--package",
            "plugin-core",
            "--bin",
            "ovl-cni",
        ]));
    }
    binary
}

fn config(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        r#"version = 2
root = "{dir}/root"
state = "{dir}/state"
[grpc]
address = "{dir}/c.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{dir}/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{dir}/bin"
conf_dir = "{dir}/net.d"
"#
    )
}

/// An OCI archive with one static program that waits.
fn pause_image(dir: &Path) {
    std::fs::write(
        dir.join("pause.c"),
        "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n",
    )
    .unwrap();
    run(Command::new("cc").current_dir(dir).args([
        "-static",
        "-Os",
        "-o",
        "rootfs/pause",
        "pause.c",
    ]));
    run(Command::new("tar")
        .current_dir(dir)
        .args(["-C", "rootfs", "-cf", "layer", "."]));
    let blob = |content: Vec<u8>, kind: &str| {
        let hex: String = Sha256::digest(&content)
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        let size = content.len();
        std::fs::write(dir.join("oci/blobs/sha256").join(&hex), content).unwrap();
        json!({"mediaType": format!("application/vnd.oci.image.{kind}"), "digest": format!("sha256:{hex}"), "size": size})
    };
    let layer = blob(std::fs::read(dir.join("layer")).unwrap(), "layer.v1.tar");
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }, "os": "linux",
        "config": {"Entrypoint": ["/pause"]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    });
    let config = blob(config.to_string().into_bytes(), "config.v1+json");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config, "layers": [layer],
    });
    let mut manifest = blob(manifest.to_string().into_bytes(), "manifest.v1+json");
    manifest["annotations"] = json!({"io.containerd.image.name": PAUSE});
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    std::fs::write(dir.join("oci/index.json"), index.to_string()).unwrap();
    std::fs::write(
        dir.join("oci/oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    run(Command::new("tar")
        .current_dir(dir)
        .args(["-C", "oci", "-cf", "pause.tar", "."]));
}

/// Runs a sandbox, sees its address, has the node reach it, and stops it.
fn a_sandbox_comes_and_goes(network: &dyn Fn(&Path) -> Value) {
    let Some(containerd) = Containerd::start(network) else {
        return;
    };
    let socket = containerd.socket();
    let names = ["pod1".to_owned()];
    let sandboxes = cri::run_all(&socket, &names, false, &containerd.cgroups);
    let sandboxes = containerd.answer(sandboxes);
    let address = containerd.answer(cri::address(&socket, &sandboxes[0]));
    assert!(
        address.starts_with("172.31."),
        "{address:?}\n{}",
        containerd.log()
    );
    // containerd told the plugin whose it is, and its libcni remembers the result where ours reads it.
    let links = containerd.on_node("ip", &["-o", "link"]);
    assert!(links.contains("calice0906292e2"), "{links}");
    let cache = plugin_core::chain::Cache::new(containerd.dir.path().join("cni"));
    let cached = cache.attachments().unwrap();
    let cached = cached
        .iter()
        .find(|cached| cached.network.as_str() == "pods")
        .unwrap();
    assert_eq!(cached.attachment.container_id.as_str(), sandboxes[0]);
    assert_eq!(cached.args.pod().unwrap().to_string(), "default/pod1");
    assert!(
        cached.result["ips"][0]["address"]
            .as_str()
            .unwrap()
            .starts_with(&address)
    );

    containerd.answer(cri::remove_all(&socket, &sandboxes));
    let links = containerd.on_node("ip", &["-o", "link"]);
    assert!(!links.contains("calice0906292e2"), "{links}");
    assert!(
        cache
            .attachments()
            .unwrap()
            .iter()
            .all(|cached| cached.network.as_str() != "pods")
    );
    assert!(!containerd.on_node("ip", &["route"]).contains(&address));
}

fn pools(dir: &Path) -> Value {
    json!({"type": "ovl-ipam", "pools": [{"cidr": "172.31.0.0/16", "blockSize": 26}], "stateDir": dir.join("ovl")})
}

#[test]
fn containerd_runs_a_sandbox_on_the_routed_plugin() {
    a_sandbox_comes_and_goes(&|dir| {
        json!({"type": "ovl-routed", "mtu": 1450, "hostPrefix": "cali", "node": "host01",
            "stateDir": dir.join("ovl"), "ipam": pools(dir)})
    });
}

#[test]
fn containerd_runs_a_sandbox_on_the_vxlan_plugin() {
    a_sandbox_comes_and_goes(&|dir| {
        json!({"type": "ovl-vxlan", "bridge": "weave", "mtu": 1376, "gateway": true, "hostPrefix": "cali",
            "node": "host01", "stateDir": dir.join("ovl"), "ipam": pools(dir)})
    });
}
