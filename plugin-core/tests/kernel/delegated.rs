//! `ovl-ipam` as the `ipam` of the standard plugins, run as processes the way a runtime does.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

const STANDARD: &str = "/usr/lib/cni";

/// A host in a namespace of its own, with a plugin directory and a state directory.
struct Host {
    sandbox: Sandbox,
    dir: tempfile::TempDir,
}

/// What a plugin said.
struct Said {
    success: bool,
    json: Value,
}

impl Host {
    fn new() -> Option<Self> {
        let sandbox = Sandbox::new()?;
        if !Path::new(STANDARD).join("bridge").exists() {
            assert!(
                std::env::var_os("OVL_TEST_STRICT").is_none(),
                "this test needs the standard plugins"
            );
            eprintln!("skipped: {STANDARD} has no plugins; install containernetworking-plugins");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        symlink(
            env!("CARGO_BIN_EXE_ovl-cni"),
            dir.path().join("bin/ovl-ipam"),
        )
        .unwrap();
        Some(Self { sandbox, dir })
    }

    fn config(&self, version: &str, plugin: &Value, ipam: &Value) -> Value {
        let mut config = json!({
            "cniVersion": version, "name": "net", "stateDir": self.dir.path().join("state"),
            "node": "host01",
        });
        for (key, value) in plugin.as_object().unwrap() {
            config[key] = value.clone();
        }
        config["ipam"] = ipam.clone();
        config["ipam"]["type"] = json!("ovl-ipam");
        config["ipam"]["store"] = json!(self.dir.path().join("store"));
        config
    }

    fn run(&self, program: &Path, verb: &str, id: &str, netns: &Path, config: &Value) -> Said {
        let path = format!("{}:{STANDARD}", self.dir.path().join("bin").display());
        let output = self
            .sandbox
            .netns
            .run(|| {
                let mut child = Command::new(program)
                    .env_clear()
                    .env("CNI_COMMAND", verb)
                    .env("CNI_CONTAINERID", id)
                    .env("CNI_NETNS", netns)
                    .env("CNI_IFNAME", "eth0")
                    .env("CNI_PATH", path)
                    .env(
                        "CNI_ARGS",
                        format!("K8S_POD_NAMESPACE=default;IgnoreUnknown=1;K8S_POD_NAME={id}"),
                    )
                    .env("PATH", std::env::var_os("PATH").unwrap())
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                let mut stdin = child.stdin.take().unwrap();
                stdin.write_all(config.to_string().as_bytes()).unwrap();
                drop(stdin);
                child.wait_with_output().unwrap()
            })
            .unwrap();
        Said {
            success: output.status.success(),
            json: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        }
    }

    /// A verb of a standard plugin, which must succeed.
    fn must(&self, verb: &str, pod: &Pod, config: &Value) -> Value {
        let program = Path::new(STANDARD).join(config["type"].as_str().unwrap());
        let said = self.run(&program, verb, pod.id, pod.sandbox.netns.path(), config);
        assert!(said.success, "{verb} {config}: {}", said.json);
        said.json
    }

    /// A verb of `ovl-ipam` itself.
    fn ipam(&self, verb: &str, config: &Value) -> Said {
        let program: PathBuf = self.dir.path().join("bin/ovl-ipam");
        self.run(&program, verb, "x", Path::new("/run/netns/none"), config)
    }

    fn ledger(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("state/ipam/net/ledger")).unwrap()
    }
}

struct Pod {
    id: &'static str,
    sandbox: Sandbox,
}

impl Pod {
    fn new(id: &'static str) -> Self {
        let sandbox = Sandbox::new().unwrap();
        Self { id, sandbox }
    }

    /// Its global addresses as the kernel has them.
    fn addresses(&self) -> Vec<String> {
        let links = self
            .sandbox
            .json("ip", &["-j", "addr", "show", "dev", "eth0"]);
        let addresses = links[0]["addr_info"].as_array().unwrap();
        addresses
            .iter()
            .filter(|address| address["scope"] == "global")
            .map(|a| format!("{}/{}", a["local"].as_str().unwrap(), a["prefixlen"]))
            .collect()
    }
}

fn dual_stack() -> Value {
    json!({
        "pools": [{"cidr": "10.77.0.0/24"}, {"cidr": "fd77::/120"}],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
    })
}

#[test]
fn bridge_in_every_version_that_it_speaks() {
    let Some(host) = Host::new() else { return };
    let bridge = json!({"type": "bridge", "bridge": "br0", "isGateway": true});
    for version in ["0.3.0", "0.3.1", "0.4.0", "1.0.0"] {
        let mut config = host.config(version, &bridge, &dual_stack());
        let (one, two) = (Pod::new("pod1"), Pod::new("pod2"));
        let result = host.must("ADD", &one, &config);
        host.must("ADD", &two, &config);
        let told: Vec<_> = result["ips"].as_array().unwrap().iter().collect();
        assert_eq!(told.len(), 2, "{result}");
        assert_eq!(
            (&told[0]["gateway"], &told[1]["gateway"]),
            (&json!("10.77.0.1"), &json!("fd77::1"))
        );
        let had = one.addresses();
        assert_eq!(
            had,
            [
                told[0]["address"].as_str().unwrap(),
                told[1]["address"].as_str().unwrap()
            ]
        );
        assert!(
            had[0].starts_with("10.77.0.") && had[0].ends_with("/24"),
            "{had:?}"
        );
        assert!(
            had[1].starts_with("fd77::") && had[1].ends_with("/120"),
            "{had:?}"
        );
        for target in two
            .addresses()
            .iter()
            .map(|a| a.split('/').next().unwrap().to_owned())
        {
            one.sandbox.run("ping", &["-c1", "-W2", &target]);
        }
        one.sandbox.run("ping", &["-c1", "-W2", "10.77.0.1"]);
        assert!(host.ledger().contains(r#""name":"pod1""#));
        if version >= "0.4.0" {
            config["prevResult"] = result;
            host.must("CHECK", &one, &config);
        }
        for pod in [&one, &two] {
            host.must("DEL", pod, &config);
            host.must("DEL", pod, &config);
        }
        assert!(
            host.ledger().matches(r#"{"give""#).count()
                == host.ledger().matches(r#"{"take""#).count()
        );
    }
}

#[test]
fn ptp_and_macvlan() {
    let Some(host) = Host::new() else { return };
    host.sandbox.run(
        "ip",
        &["link", "add", "up0", "type", "veth", "peer", "name", "up1"],
    );
    for name in ["up0", "up1"] {
        host.sandbox.run("ip", &["link", "set", name, "up"]);
    }
    for plugin in [
        json!({"type": "ptp"}),
        json!({"type": "macvlan", "master": "up0"}),
    ] {
        let config = host.config("1.0.0", &plugin, &dual_stack());
        let pod = Pod::new("pod1");
        let result = host.must("ADD", &pod, &config);
        let told: Vec<_> = result["ips"]
            .as_array()
            .unwrap()
            .iter()
            .map(|ip| &ip["address"])
            .collect();
        let had = pod.addresses();
        // ptp turns them into single addresses with a route to the gateway.
        for (had, told) in had.iter().zip(told) {
            let told = told.as_str().unwrap();
            assert_eq!(had.split('/').next(), told.split('/').next());
        }
        host.must("DEL", &pod, &config);
    }
}

#[test]
fn every_verb_of_the_plugin_itself() {
    let Some(host) = Host::new() else { return };
    let plugin = json!({"type": "bridge"});
    let pools = json!({"pools": [{"cidr": "10.77.0.0/29", "blockSize": 29}]});
    for version in ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let config = host.config(version, &plugin, &pools);
        let said = host.ipam("ADD", &config);
        assert!(said.success, "{}", said.json);
        assert_eq!(said.json["cniVersion"], version);
        assert_eq!(said.json["ips"][0]["version"].is_null(), version >= "1.0.0");
        assert_eq!(said.json["interfaces"], Value::Null);
        assert_eq!(host.ipam("ADD", &config).json, said.json);
        if version >= "0.4.0" {
            let mut check = config.clone();
            check["prevResult"] = said.json;
            assert!(host.ipam("CHECK", &check).success);
            check["prevResult"]["ips"][0]["address"] = json!("10.77.0.1/29");
            let wrong = host.ipam("CHECK", &check);
            assert!(
                !wrong.success && wrong.json["code"] == 102,
                "{}",
                wrong.json
            );
        }
        assert!(host.ipam("DEL", &config).success);
    }

    let mut config = host.config("1.1.0", &plugin, &pools);
    assert!(host.ipam("STATUS", &config).success);
    // Five are left: eight without network, broadcast and gateway.
    let add = |id| {
        let program = host.dir.path().join("bin/ovl-ipam");
        host.run(&program, "ADD", id, Path::new("/run/netns/none"), &config)
    };
    for id in ["a", "b", "c", "d", "e"] {
        assert!(add(id).success);
    }
    let full = add("f");
    assert!(!full.success && full.json["code"] == 101, "{}", full.json);
    assert!(full.json["msg"].as_str().unwrap().contains("10.77.0.0/29"));
    assert_eq!(host.ipam("STATUS", &config).json["code"], 50);
    config["cni.dev/valid-attachments"] = json!([{"containerID": "c", "ifname": "eth0"}]);
    assert!(host.ipam("GC", &config).success);
    config
        .as_object_mut()
        .unwrap()
        .remove("cni.dev/valid-attachments");
    assert!(host.ipam("STATUS", &config).success);
    // Without the list nothing is swept, and broken pools do not keep addresses from it.
    assert_eq!(host.ipam("GC", &config).json["code"], 7);
    config["cni.dev/valid-attachments"] = json!([]);
    config["ipam"]["pools"] = json!([{"cidr": "10.77.0.0/29"}]);
    let broken = host.ipam("GC", &config);
    assert!(
        broken.json["msg"].as_str().unwrap().contains("too small"),
        "{}",
        broken.json
    );
    assert_eq!(host.ipam("ADD", &config).json["code"], 7);
    let ledger = host.ledger();
    assert!(ledger.matches(r#"{"give""#).count() <= ledger.matches(r#"{"take""#).count());
}

#[test]
fn an_address_that_was_asked_for_in_each_way() {
    let Some(host) = Host::new() else { return };
    let plugin = json!({"type": "bridge"});
    let config = host.config("1.0.0", &plugin, &dual_stack());
    let ask = |id: &str, args: &str, key: Option<(&str, Value)>| {
        let mut config = config.clone();
        if let Some((key, value)) = key {
            config[key] = value;
        }
        let output = Command::new(host.dir.path().join("bin/ovl-ipam"))
            .env_clear()
            .envs([
                ("CNI_COMMAND", "ADD"),
                ("CNI_CONTAINERID", id),
                ("CNI_IFNAME", "eth0"),
            ])
            .envs([("CNI_NETNS", "/run/netns/none"), ("CNI_ARGS", args)])
            .stdin(input(&host, &config))
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let given = ask("a", "IgnoreUnknown=1;IP=10.77.0.50", None);
    assert_eq!(given["ips"][0]["address"], "10.77.0.50/24");
    let given = ask(
        "b",
        "",
        Some(("args", json!({"cni": {"ips": ["10.77.0.51"]}}))),
    );
    assert_eq!(given["ips"][0]["address"], "10.77.0.51/24");
    let both = json!({"ips": ["10.77.0.52/24", "fd77::52"]});
    let given = ask("c", "", Some(("runtimeConfig", both)));
    assert_eq!(given["ips"][0]["address"], "10.77.0.52/24");
    assert_eq!(given["ips"][1]["address"], "fd77::52/120");
    let refused = ask("d", "IP=10.77.0.52", None);
    assert_eq!(refused["code"], 101);
    assert!(
        refused["msg"].as_str().unwrap().contains("c/eth0 has it"),
        "{refused}"
    );
    assert_eq!(ask("d", "IP=10.78.0.1", None)["code"], 101);
    assert_eq!(ask("d", "IP=nonsense", None)["code"], 4);
}

fn input(host: &Host, config: &Value) -> std::fs::File {
    let path = host.dir.path().join("input");
    std::fs::write(&path, config.to_string()).unwrap();
    std::fs::File::open(path).unwrap()
}
