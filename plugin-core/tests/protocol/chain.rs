//! The chain over the standard plugins of containernetworking-plugins, and ours among them.

use std::path::Path;
use std::time::Duration;

use plugin_core::chain::runtime::first_failure;
use plugin_core::chain::{Cache, Container, NetworkList, Runtime};
use plugin_core::spec::{Args, Attachment};
use serde_json::{Value, json};

use crate::speaker::{STANDARD_PLUGINS, Speaker, in_pod};

struct Bench {
    speaker: Speaker,
    runtime: Runtime,
}

impl Bench {
    fn new() -> Option<Self> {
        let speaker = Speaker::new()?;
        if !Path::new(STANDARD_PLUGINS).join("bridge").exists() {
            assert!(
                std::env::var_os("OVL_TEST_STRICT").is_none(),
                "this test needs the standard plugins"
            );
            eprintln!(
                "skipped: {STANDARD_PLUGINS} has no plugins; install containernetworking-plugins"
            );
            return None;
        }
        let runtime = Runtime {
            path: speaker.path(),
            cache: Cache::new(speaker.dir.path().join("cache")),
            limit: Duration::from_secs(60),
        };
        Some(Self { speaker, runtime })
    }

    fn list(&self, version: &str, plugins: &Value) -> NetworkList {
        NetworkList::from_text(
            json!({"cniVersion": version, "name": "chained", "plugins": plugins}).to_string(),
        )
        .unwrap()
    }

    fn host_local(&self) -> Value {
        json!({"type": "host-local", "subnet": "172.31.9.0/24", "dataDir": self.speaker.dir.path().join("host-local")})
    }

    /// The files that host-local keeps for addresses in use.
    fn taken(&self) -> usize {
        let dir = self.speaker.dir.path().join("host-local/chained");
        std::fs::read_dir(dir)
            .map(|entries| {
                entries
                    .flatten()
                    .filter(|e| e.file_name().to_string_lossy().starts_with("172."))
                    .count()
            })
            .unwrap_or(0)
    }

    fn container(&self) -> Container {
        Container {
            attachment: Attachment {
                container_id: "c1".parse().unwrap(),
                ifname: "eth0".parse().unwrap(),
            },
            netns: Some(self.speaker.pod.clone()),
            args: Args::from_pairs([("IgnoreUnknown".into(), "1".into())]),
            capability_args: serde_json::from_value(json!({"mac": "02:11:22:33:44:55"})).unwrap(),
        }
    }

    /// Runs `f` where the node is, so that the plugins it starts are on the node.
    fn on_node<T: Send>(&self, f: impl FnOnce(&Runtime) -> T + Send) -> T {
        self.speaker.node.netns.run(|| f(&self.runtime)).unwrap()
    }
}

#[test]
fn bridge_and_tuning_are_driven_to_the_end_and_back() {
    let Some(bench) = Bench::new() else { return };
    let before = bench.speaker.traces();
    let plugins = json!([
        {"type": "bridge", "bridge": "br0", "isGateway": true, "ipam": bench.host_local()},
        {"type": "tuning", "capabilities": {"mac": true}},
    ]);
    for version in ["0.3.1", "0.4.0", "1.0.0"] {
        let list = bench.list(version, &plugins);
        let container = bench.container();
        let added = bench
            .on_node(|runtime| runtime.add(&list, &container))
            .unwrap();
        assert!(added.failure().is_none(), "{version}: {added:?}");
        let result = added.result.unwrap();
        assert_eq!(result["cniVersion"], version);
        // tuning read what bridge made, and changed it: capability arguments and prevResult arrived.
        assert_eq!(result["interfaces"][2]["mac"], "02:11:22:33:44:55");
        let eth0 = in_pod(&bench.speaker.pod, &["-o", "addr", "show", "eth0"]);
        assert!(
            eth0.contains(result["ips"][0]["address"].as_str().unwrap()),
            "{eth0}"
        );
        if version != "0.3.1" {
            let steps = bench
                .on_node(|runtime| runtime.check(&list, &container))
                .unwrap();
            assert!(first_failure(&steps).is_none(), "{steps:?}");
            in_pod(&bench.speaker.pod, &["addr", "flush", "dev", "eth0"]);
            let steps = bench
                .on_node(|runtime| runtime.check(&list, &container))
                .unwrap();
            assert!(first_failure(&steps).is_some());
        }
        let steps = bench
            .on_node(|runtime| runtime.del(&list, &container))
            .unwrap();
        assert!(first_failure(&steps).is_none(), "{steps:?}");
        assert_eq!(bench.taken(), 0);
    }
    bench.speaker.node.run("ip", &["link", "del", "br0"]);
    assert_eq!(bench.speaker.changes_since(&before), [""; 0]);
}

#[test]
fn a_missing_sibling_leaks_no_address() {
    let Some(bench) = Bench::new() else { return };
    let before = bench.speaker.traces();
    let ptp = json!({"type": "ptp", "ipam": bench.host_local()});
    let container = bench.container();
    // Missing when it is added: undone at once.
    let list = bench.list("1.0.0", &json!([ptp, {"type": "no-such-plugin"}]));
    let added = bench
        .on_node(|runtime| runtime.add(&list, &container))
        .unwrap();
    assert!(
        added
            .failure()
            .unwrap()
            .to_string()
            .contains("no-such-plugin")
    );
    assert_eq!(bench.taken(), 0);
    assert_eq!(bench.speaker.changes_since(&before), [""; 0]);
    // Missing when it is deleted: what is there is undone, and the rest is told.
    let whole = bench.list("1.0.0", &json!([ptp]));
    assert!(
        bench
            .on_node(|runtime| runtime.add(&whole, &container))
            .unwrap()
            .failure()
            .is_none()
    );
    assert_eq!(bench.taken(), 1);
    let steps = bench
        .on_node(|runtime| runtime.del(&list, &container))
        .unwrap();
    assert!(
        first_failure(&steps)
            .unwrap()
            .to_string()
            .contains("no-such-plugin")
    );
    assert_eq!(bench.taken(), 0);
    assert_eq!(bench.speaker.changes_since(&before), [""; 0]);
}

#[test]
fn ours_delegates_to_host_local_and_static() {
    let Some(bench) = Bench::new() else { return };
    let fixed = json!({"type": "static", "addresses": [{"address": "172.31.9.7/24"}]});
    for kind in ["ovl-routed", "ovl-vxlan"] {
        for ipam in [bench.host_local(), fixed.clone()] {
            let mut plugin = bench.speaker.network(kind);
            plugin["ipam"] = ipam.clone();
            let list = bench.list("1.0.0", &json!([plugin]));
            let container = bench.container();
            let added = bench
                .on_node(|runtime| runtime.add(&list, &container))
                .unwrap();
            assert!(added.failure().is_none(), "{kind} {ipam}: {added:?}");
            let address = added.result.unwrap()["ips"][0]["address"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(address.starts_with("172.31.9."), "{address}");
            let steps = bench
                .on_node(|runtime| runtime.check(&list, &container))
                .unwrap();
            assert!(first_failure(&steps).is_none(), "{kind} {ipam}: {steps:?}");
            let steps = bench
                .on_node(|runtime| runtime.del(&list, &container))
                .unwrap();
            assert!(first_failure(&steps).is_none(), "{kind} {ipam}: {steps:?}");
            assert_eq!(bench.taken(), 0, "{kind}");
        }
    }
}

#[test]
fn gc_over_ours_sweeps_what_the_cache_forgot() {
    let Some(bench) = Bench::new() else { return };
    let list = bench.list("1.1.0", &json!([bench.speaker.network("ovl-routed")]));
    let container = bench.container();
    assert!(
        bench
            .on_node(|runtime| runtime.add(&list, &container))
            .unwrap()
            .failure()
            .is_none()
    );
    let with_pod = bench.speaker.traces();
    let valid = [container.attachment.clone()];
    let collected = bench.on_node(|runtime| runtime.gc(&list, &valid)).unwrap();
    assert!(
        collected.swept.is_empty() && first_failure(&collected.steps).is_none(),
        "{collected:?}"
    );
    assert_eq!(bench.speaker.changes_since(&with_pod), [""; 0]);
    // The cache is lost; the plugin still knows what it owns.
    std::fs::remove_dir_all(bench.runtime.cache.results_dir()).unwrap();
    let collected = bench.on_node(|runtime| runtime.gc(&list, &[])).unwrap();
    assert!(first_failure(&collected.steps).is_none(), "{collected:?}");
    assert!(
        !bench
            .speaker
            .node
            .run("ip", &["-o", "link"])
            .contains("cali")
    );
    assert!(
        in_pod(&bench.speaker.pod, &["-o", "link"]).lines().count() == 1,
        "only lo is left"
    );
    let steps = bench.on_node(|runtime| runtime.status(&list)).unwrap();
    assert!(first_failure(&steps).is_none(), "{steps:?}");
}
