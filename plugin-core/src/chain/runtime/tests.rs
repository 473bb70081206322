//! Chains of shell scripts, run as a runtime runs plugins.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A directory of plugins that write down what they were asked, and a cache.
struct Bench {
    dir: TempDir,
    runtime: Runtime,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime {
            path: vec![dir.path().to_owned()],
            cache: Cache::new(dir.path().join("cache")),
            limit: Duration::from_secs(20),
        };
        Self { dir, runtime }
    }

    /// A plugin that keeps its input as `NAME.VERB` and then does `body`.
    fn plugin(&self, name: &str, body: &str) -> &Self {
        let path = self.dir.path().join(name);
        let dir = self.dir.path().display();
        let text = format!(
            "#!/bin/sh\ncat > {dir}/{name}.$CNI_COMMAND\n\
             echo \"$CNI_COMMAND {name} $CNI_CONTAINERID $CNI_IFNAME ${{CNI_NETNS:+netns}} $CNI_ARGS\" >> {dir}/log\n{body}\n"
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        self
    }

    /// A plugin that answers ADD with an address and everything else with nothing.
    fn answering(&self, name: &str, address: &str) -> &Self {
        let body = format!(
            r#"[ $CNI_COMMAND = ADD ] && echo '{{"cniVersion":"1.0.0","ips":[{{"address":"{address}"}}],"extra":1}}'
            exit 0"#
        );
        self.plugin(name, &body)
    }

    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        fs::write(self.dir.path().join("log"), "").unwrap();
        text.lines()
            .map(|line| {
                line.split_whitespace()
                    .take(2)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }

    fn input(&self, name: &str, verb: Verb) -> Value {
        let text = fs::read(self.dir.path().join(format!("{name}.{verb}"))).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn is_cached(&self) -> bool {
        self.runtime
            .cache
            .load(&list("1.0.0", &["a"]).name, &container().attachment)
            .unwrap()
            .is_some()
    }
}

fn list(version: &str, kinds: &[&str]) -> NetworkList {
    let plugins: Vec<Value> = kinds
        .iter()
        .map(|kind| json!({"type": kind, "capabilities": {"mac": true}}))
        .collect();
    NetworkList::from_text(
        json!({"cniVersion": version, "name": "net", "plugins": plugins}).to_string(),
    )
    .unwrap()
}

/// The namespace is the test's own: these plugins touch nothing.
fn container() -> Container {
    Container {
        attachment: Attachment {
            container_id: "c1".parse().unwrap(),
            ifname: "fake0".parse().unwrap(),
        },
        netns: Some("/proc/self/ns/net".into()),
        args: "IgnoreUnknown=1".parse().unwrap(),
        capability_args: serde_json::from_value(json!({"mac": "02:00:00:00:00:01", "ips": []}))
            .unwrap(),
    }
}

fn verdicts(steps: &[Step]) -> Vec<(&str, bool)> {
    steps
        .iter()
        .map(|step| (step.kind.as_str(), step.outcome.is_ok()))
        .collect()
}

#[test]
fn results_go_down_the_chain_and_into_the_cache() {
    let bench = Bench::new();
    bench.answering("a", "10.0.0.2/24").plugin(
        "b",
        r#"[ $CNI_COMMAND = ADD ] && echo '{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.0.0.3/24"}]}'; exit 0"#,
    );
    let list = list("1.0.0", &["a", "b"]);
    let added = bench.runtime.add(&list, &container()).unwrap();
    assert_eq!(verdicts(&added.steps), [("a", true), ("b", true)]);
    // b answered in another version than it was asked in.
    assert_eq!(
        added.result.unwrap(),
        json!({"cniVersion": "1.0.0", "ips": [{"address": "10.0.0.3/24"}]})
    );
    assert_eq!(bench.input("a", Verb::Add).get("prevResult"), None);
    assert_eq!(
        bench.input("b", Verb::Add),
        json!({
            "type": "b", "capabilities": {"mac": true}, "name": "net", "cniVersion": "1.0.0",
            "prevResult": {"cniVersion": "1.0.0", "ips": [{"address": "10.0.0.2/24"}], "extra": 1},
            "runtimeConfig": {"mac": "02:00:00:00:00:01"},
        })
    );
    assert!(bench.is_cached());
    assert_eq!(bench.log(), ["ADD a", "ADD b"]);

    let error = bench.runtime.add(&list, &container()).unwrap_err();
    assert!(error.to_string().contains("already"), "{error}");
    assert_eq!(bench.log(), Vec::<String>::new());
}

#[test]
fn del_runs_in_reverse_and_remembers_for_the_caller() {
    let bench = Bench::new();
    bench
        .answering("a", "10.0.0.2/24")
        .answering("b", "10.0.0.2/24");
    let list = list("1.0.0", &["a", "b"]);
    bench.runtime.add(&list, &container()).unwrap();
    bench.log();
    // As the second DEL of a kubelet: no namespace, no arguments.
    let bare = Container {
        netns: None,
        args: Args::default(),
        capability_args: Map::new(),
        ..container()
    };
    let steps = bench.runtime.del(&list, &bare).unwrap();
    assert_eq!(verdicts(&steps), [("b", true), ("a", true)]);
    let request = bench.input("a", Verb::Del);
    assert_eq!(request["prevResult"]["ips"][0]["address"], "10.0.0.2/24");
    assert_eq!(request["runtimeConfig"]["mac"], "02:00:00:00:00:01");
    let log = fs::read_to_string(bench.dir.path().join("log")).unwrap();
    assert_eq!(
        log,
        "DEL b c1 fake0 netns IgnoreUnknown=1\nDEL a c1 fake0 netns IgnoreUnknown=1\n"
    );
    assert!(!bench.is_cached());
    // And again, with nothing left to know.
    let steps = bench.runtime.del(&list, &bare).unwrap();
    assert_eq!(verdicts(&steps), [("b", true), ("a", true)]);
    assert_eq!(bench.input("a", Verb::Del).get("prevResult"), None);
}

#[test]
fn del_goes_on_when_a_plugin_is_missing_or_fails() {
    let bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.answering(name, "10.0.0.2/24");
    }
    let list = list("1.0.0", &["a", "b", "c"]);
    bench.runtime.add(&list, &container()).unwrap();
    bench.log();
    fs::remove_file(bench.dir.path().join("c")).unwrap();
    bench.plugin("b", "echo garbage; exit 1");
    let steps = bench.runtime.del(&list, &container()).unwrap();
    assert_eq!(verdicts(&steps), [("c", false), ("b", false), ("a", true)]);
    assert!(matches!(steps[0].outcome, Err(Error::NotFound { .. })));
    assert!(
        steps[1]
            .outcome
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("garbage")
    );
    assert_eq!(
        bench.log(),
        ["DEL b", "DEL a"],
        "a, which holds the address, was reached"
    );
    assert!(
        bench.is_cached(),
        "kept, so that DEL can be tried again with what it knows"
    );

    bench.answering("b", "").answering("c", "");
    assert_eq!(
        first_failure(&bench.runtime.del(&list, &container()).unwrap()).map(|_| ()),
        None
    );
    assert!(!bench.is_cached());
}

#[test]
fn del_comes_after_what_add_left_running() {
    let bench = Bench::new();
    let log = bench.dir.path().join("late");
    let body = format!(
        "[ $CNI_COMMAND = ADD ] && (sleep 0.3; echo add >> {0}) >&- 2>&- &\n\
         [ $CNI_COMMAND = DEL ] && echo del >> {0}; echo '{{}}'",
        log.display()
    );
    bench.plugin("a", &body);
    let list = list("1.0.0", &["a"]);
    bench.runtime.add(&list, &container()).unwrap();
    bench.runtime.del(&list, &container()).unwrap();
    assert_eq!(fs::read_to_string(log).unwrap(), "add\ndel\n");
}

#[test]
fn a_failed_add_is_undone_to_the_end() {
    let bench = Bench::new();
    bench.answering("a", "10.0.0.2/24").answering("c", "10.0.0.2/24").plugin(
        "b",
        r#"[ $CNI_COMMAND = ADD ] || exit 0; echo '{"code":11,"msg":"later"}'; echo trace >&2; exit 1"#,
    );
    let list = list("1.0.0", &["a", "b", "c"]);
    let added = bench.runtime.add(&list, &container()).unwrap();
    assert_eq!(added.failure().unwrap().to_string(), "ADD by b: later");
    assert_eq!(added.result, None);
    assert_eq!(added.steps[1].log, "trace\n");
    assert_eq!(
        verdicts(&added.undo),
        [("c", true), ("b", true), ("a", true)]
    );
    assert_eq!(bench.log(), ["ADD a", "ADD b", "DEL c", "DEL b", "DEL a"]);
    assert!(!bench.is_cached());
}

#[test]
fn what_is_no_result_fails_the_add() {
    for (printed, said) in [
        ("hello", "printed no JSON"),
        ("", "printed no JSON"),
        ("[]", "printed no result"),
        (r#"{"ips":[{"address":"x"}]}"#, "printed no result"),
        (r#"{"cniVersion":"7.0.0"}"#, "7.0.0"),
    ] {
        let bench = Bench::new();
        bench.plugin("a", &format!("echo '{printed}'"));
        let added = bench
            .runtime
            .add(&list("1.0.0", &["a"]), &container())
            .unwrap();
        let error = added.failure().unwrap().to_string();
        assert!(error.contains(said), "{printed}: {error}");
        assert_eq!(bench.log(), ["ADD a", "DEL a"]);
    }
    // Of a plugin that changes nothing, these count as results (containernetworking/cni#895).
    for printed in ["null", "{}"] {
        let bench = Bench::new();
        bench.plugin("a", &format!("echo '{printed}'"));
        let added = bench
            .runtime
            .add(&list("1.0.0", &["a"]), &container())
            .unwrap();
        assert_eq!(added.result, Some(json!({"cniVersion": "1.0.0"})));
    }
}

#[test]
fn nothing_runs_when_the_container_cannot_be_right() {
    let bench = Bench::new();
    bench.answering("a", "10.0.0.2/24");
    let list = list("1.0.0", &["a"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    for (netns, said) in [
        (Some(file.path().to_owned()), "not a network namespace"),
        (Some("/nowhere".into()), "/nowhere"),
        (None, "not known"),
    ] {
        let error = bench
            .runtime
            .add(
                &list,
                &Container {
                    netns,
                    ..container()
                },
            )
            .unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_eq!(bench.log(), Vec::<String>::new());
    assert!(!bench.is_cached());
}

#[test]
fn an_add_that_cannot_be_remembered_is_undone() {
    let bench = Bench::new();
    let cache = bench.dir.path().join("cache");
    let body = format!(
        "[ $CNI_COMMAND = ADD ] || exit 0; mkdir {0}; touch {0}/results; echo '{{}}'",
        cache.display()
    );
    bench.plugin("a", &body);
    let added = bench
        .runtime
        .add(&list("1.0.0", &["a"]), &container())
        .unwrap();
    let error = added.failure().unwrap();
    assert!(
        matches!(
            error,
            Error::Cache {
                operation: "write",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(added.result, None);
    assert_eq!(bench.log(), ["ADD a", "DEL a"]);
}

#[test]
fn check_passes_the_final_result_to_all_and_knows_when_not_to_ask() {
    let bench = Bench::new();
    bench
        .answering("a", "10.0.0.2/24")
        .answering("b", "10.0.0.3/24");
    let net = list("0.4.0", &["a", "b"]);
    let error = bench.runtime.check(&net, &container()).unwrap_err();
    assert!(
        error.to_string().contains("does not know c1/fake0"),
        "{error}"
    );
    bench.runtime.add(&net, &container()).unwrap();
    let steps = bench.runtime.check(&net, &container()).unwrap();
    assert_eq!(verdicts(&steps), [("a", true), ("b", true)]);
    let previous =
        json!({"cniVersion": "0.4.0", "ips": [{"version": "4", "address": "10.0.0.3/24"}]});
    assert_eq!(bench.input("a", Verb::Check)["prevResult"], previous);

    let old = list("0.3.1", &["a"]);
    assert!(
        bench
            .runtime
            .check(&old, &container())
            .unwrap_err()
            .to_string()
            .contains("0.4.0")
    );
    let disabled = NetworkList {
        disable_check: true,
        ..list("1.0.0", &["a"])
    };
    assert!(
        bench
            .runtime
            .check(&disabled, &container())
            .unwrap_err()
            .to_string()
            .contains("disableCheck")
    );
}

#[test]
fn gc_detaches_what_is_not_valid_and_then_lets_plugins_sweep() {
    let bench = Bench::new();
    bench
        .answering("a", "10.0.0.2/24")
        .answering("b", "10.0.0.2/24");
    let net = list("1.1.0", &["a", "b"]);
    let other = Container {
        attachment: Attachment {
            container_id: "c2".parse().unwrap(),
            ..container().attachment
        },
        ..container()
    };
    bench.runtime.add(&net, &container()).unwrap();
    bench.runtime.add(&net, &other).unwrap();
    bench.log();
    let valid = [container().attachment];
    let collected = bench.runtime.gc(&net, &valid).unwrap();
    assert_eq!(collected.swept.len(), 1);
    assert_eq!(collected.swept[0].attachment.attachment, other.attachment);
    assert_eq!(bench.log(), ["DEL b", "DEL a", "GC a", "GC b"]);
    let sent = json!([{"containerID": "c1", "ifname": "fake0"}]);
    for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
        assert_eq!(bench.input("b", Verb::Gc)[key], sent);
    }
    assert!(bench.is_cached());

    // Before 1.1.0 only what the cache remembers can be detached.
    let collected = bench.runtime.gc(&list("1.0.0", &["a", "b"]), &[]).unwrap();
    assert_eq!((collected.swept.len(), collected.steps.len()), (1, 0));
    assert_eq!(bench.log(), ["DEL b", "DEL a"]);
    let disabled = NetworkList {
        disable_gc: true,
        ..net
    };
    assert!(
        bench
            .runtime
            .gc(&disabled, &[])
            .unwrap_err()
            .to_string()
            .contains("disableGC")
    );
}

#[test]
fn status_asks_everybody() {
    let bench = Bench::new();
    bench
        .answering("a", "")
        .plugin("b", r#"echo '{"code":50,"msg":"no addresses"}'; exit 1"#);
    let steps = bench.runtime.status(&list("1.1.0", &["b", "a"])).unwrap();
    assert_eq!(verdicts(&steps), [("b", false), ("a", true)]);
    assert_eq!(
        first_failure(&steps).unwrap().reported().unwrap().code,
        crate::spec::Code::NotAvailable
    );
    let log = fs::read_to_string(bench.dir.path().join("log")).unwrap();
    assert!(
        log.starts_with("STATUS b    \n"),
        "no container is named: {log:?}"
    );
    assert!(bench.runtime.status(&list("1.0.0", &["a"])).is_err());
}

#[test]
fn versions_are_asked_of_the_binary() {
    let bench = Bench::new();
    bench.plugin(
        "a",
        r#"echo '{"cniVersion":"1.1.0","supportedVersions":["0.3.1","1.0.0"]}'"#,
    );
    bench.plugin("b", "echo huh");
    assert_eq!(
        bench.runtime.versions("a").unwrap().versions,
        ["0.3.1", "1.0.0"]
    );
    assert!(
        bench
            .runtime
            .versions("b")
            .unwrap_err()
            .to_string()
            .contains("huh")
    );
    assert!(matches!(
        bench.runtime.versions("c"),
        Err(Error::NotFound { .. })
    ));
}
