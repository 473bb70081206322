//! The verbs, run over a list of plugins.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::cache::{Cache, CachedAttachment};
use super::error::{Error, Result};
use super::exec::{self, beginning};
use super::list::{ListedPlugin, NetworkList};
use super::turn::Turn;
use crate::netlink::{self, Socket};
use crate::netns::Netns;
use crate::spec::{AddResult, Args, Attachment, SpecVersion, Verb, any_case};

/// How long a plugin may take unless told otherwise. A kubelet gives a whole sandbox four minutes.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

/// How long what an earlier ADD or DEL of the same attachment left running is waited for. A child of a
/// killed plugin is done in milliseconds; a daemon that a plugin leaves on purpose never is.
const TURN_PATIENCE: Duration = Duration::from_secs(10);

/// What runs plugins on this machine.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// Where the binaries are, in the order they are looked for.
    pub path: Vec<PathBuf>,
    /// Where results are remembered.
    pub cache: Cache,
    /// How long one plugin may take.
    pub limit: Duration,
}

/// The container a verb is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// Its network namespace. Only DEL can do without.
    pub netns: Option<PathBuf>,
    /// `CNI_ARGS`.
    pub args: Args,
    /// Capability arguments, by capability.
    pub capability_args: Map<String, Value>,
}

/// One plugin, asked once.
#[derive(Debug)]
pub struct Step {
    /// Its `type`.
    pub kind: String,
    /// Its binary, if there is one.
    pub binary: Option<PathBuf>,
    /// What it was asked.
    pub verb: Verb,
    /// How long it took.
    pub took: Duration,
    /// What it printed on standard error.
    pub log: String,
    /// What came of it.
    pub outcome: Result<()>,
}

/// What became of an ADD.
#[derive(Debug)]
pub struct Added {
    /// The plugins that were asked, in order; the last one may have failed.
    pub steps: Vec<Step>,
    /// The plugins of the DEL that followed a failure.
    pub undo: Vec<Step>,
    /// The chain's result, in the list's version, when every plugin succeeded.
    pub result: Option<Value>,
    /// Why the result could not be remembered, which fails the ADD as well: no DEL would know it.
    pub not_cached: Option<Error>,
}

impl Added {
    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&Error> {
        first_failure(&self.steps).or(self.not_cached.as_ref())
    }
}

/// What a GC did to one attachment that the cache remembers and nobody needs.
#[derive(Debug)]
pub struct Swept {
    /// The attachment.
    pub attachment: CachedAttachment,
    /// The plugins of its DEL.
    pub steps: Vec<Step>,
}

/// What became of a GC.
#[derive(Debug)]
pub struct Collected {
    /// Attachments that were detached.
    pub swept: Vec<Swept>,
    /// The plugins that were asked to sweep. None before 1.1.0.
    pub steps: Vec<Step>,
}

/// What a plugin answers to VERSION.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// Its `supportedVersions`, as it wrote them.
    pub versions: Vec<String>,
}

/// The first failure among steps, if any.
pub fn first_failure(steps: &[Step]) -> Option<&Error> {
    steps.iter().find_map(|step| step.outcome.as_ref().err())
}

impl Runtime {
    /// Attaches a container: every plugin in order, each given the result of the one before. When one fails,
    /// all are asked to undo it.
    ///
    /// # Errors
    /// Before any plugin runs: no namespace at the path, an interface of that name in it (some plugins
    /// would delete it on the way back), the attachment exists already, or another ADD or DEL of it still
    /// runs.
    pub fn add(&self, list: &NetworkList, container: &Container) -> Result<Added> {
        self.cache.prepare()?;
        let turn = self.turn(list, container)?.ok_or_else(|| {
            Error::Refused(format!(
                "another ADD or DEL of {} on network {} still runs",
                container.attachment, list.name
            ))
        })?;
        self.refuse_to_add(list, container)?;
        let mut added = Added {
            steps: Vec::with_capacity(list.plugins.len()),
            undo: Vec::new(),
            result: None,
            not_cached: None,
        };
        for plugin in &list.plugins {
            let request = plugin.request(list, added.result.as_ref(), &container.capability_args);
            let (mut step, printed) =
                self.ask(plugin, Verb::Add, Some(container), request, Some(&turn));
            if let Some(printed) = printed {
                match read_result(&plugin.kind, &printed, list.version) {
                    Ok(result) => added.result = Some(result),
                    Err(error) => step.outcome = Err(error),
                }
            }
            added.steps.push(step);
            if added.failure().is_some() {
                break;
            }
        }
        if let (None, Some(result)) = (added.failure(), &added.result) {
            added.not_cached = self.cache.store(list, container, result).err();
        }
        if added.failure().is_some() {
            added.result = None;
            added.undo = self.run_del(list, container, None, Some(&turn));
        }
        Ok(added)
    }

    fn refuse_to_add(&self, list: &NetworkList, container: &Container) -> Result<()> {
        let Attachment {
            container_id,
            ifname,
        } = &container.attachment;
        if self
            .cache
            .load(&list.name, &container.attachment)?
            .is_some()
        {
            return Err(Error::Refused(format!(
                "{ifname} of container {container_id} is on network {} already; DEL comes first",
                list.name
            )));
        }
        let netns = open_netns(container)?;
        let taken = Socket::open_in(&netns)
            .and_then(|mut socket| netlink::link::by_name(&mut socket, ifname.as_str()));
        match taken {
            Ok(Some(_)) => Err(Error::Refused(format!(
                "there is an interface {ifname} in {} already",
                netns.path().display()
            ))),
            // When the kernel cannot be asked, the plugin will find out.
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Detaches a container: every plugin in reverse, to the end, whatever fails. What the call does not say
    /// (namespace, arguments) is taken from the cache, which is kept when something failed, so that DEL can be
    /// tried again.
    ///
    /// # Errors
    /// When the cache cannot be read or cleared. What the plugins said is in their steps.
    pub fn del(&self, list: &NetworkList, container: &Container) -> Result<Vec<Step>> {
        // Whatever still runs after so long, or keeps the lock from being made, must not stop a DEL.
        let turn = self.turn(list, container).ok().flatten();
        let cached = self.cache.load(&list.name, &container.attachment)?;
        let container = completed(container, cached.as_ref());
        let steps = self.run_del(list, &container, cached.as_ref(), turn.as_ref());
        if first_failure(&steps).is_none() {
            self.cache.forget(&list.name, &container.attachment)?;
        }
        Ok(steps)
    }

    fn run_del(
        &self,
        list: &NetworkList,
        container: &Container,
        cached: Option<&CachedAttachment>,
        turn: Option<&Turn>,
    ) -> Vec<Step> {
        // Before 0.4.0 DEL has no prevResult. A cached one that cannot be read must not stop it.
        let previous = cached
            .filter(|_| list.version >= SpecVersion::V0_4_0)
            .and_then(|cached| cached.result_as(list.version).ok());
        list.plugins
            .iter()
            .rev()
            .map(|plugin| {
                let request = plugin.request(list, previous.as_ref(), &container.capability_args);
                self.ask(plugin, Verb::Del, Some(container), request, turn)
                    .0
            })
            .collect()
    }

    /// Asks every plugin whether the attachment is as ADD left it.
    ///
    /// # Errors
    /// Before any plugin runs: the version has no CHECK, the list forbids it, or nothing was ever added.
    pub fn check(&self, list: &NetworkList, container: &Container) -> Result<Vec<Step>> {
        require(list, Verb::Check)?;
        if list.disable_check {
            return Err(Error::Disabled {
                network: list.name.clone(),
                verb: Verb::Check,
            });
        }
        let cached = self
            .cache
            .load(&list.name, &container.attachment)?
            .ok_or_else(|| {
                Error::Refused(format!(
                    "{} does not know {} on network {}",
                    self.cache.results_dir().display(),
                    container.attachment,
                    list.name
                ))
            })?;
        let container = completed(container, Some(&cached));
        open_netns(&container)?;
        let previous = cached
            .result_as(list.version)
            .map_err(|error| Error::Refused(error.to_string()))?;
        Ok(list
            .plugins
            .iter()
            .map(|plugin| {
                let request = plugin.request(list, Some(&previous), &container.capability_args);
                self.ask(plugin, Verb::Check, Some(&container), request, None)
                    .0
            })
            .collect())
    }

    /// The attachments of a network that the cache remembers and that are not among `valid`.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn stale(&self, list: &NetworkList, valid: &[Attachment]) -> Result<Vec<CachedAttachment>> {
        let mut attachments = self.cache.attachments()?;
        attachments
            .retain(|cached| cached.network == list.name && !valid.contains(&cached.attachment));
        Ok(attachments)
    }

    /// Detaches what is remembered and not valid, then, from 1.1.0 on, has every plugin sweep.
    ///
    /// # Errors
    /// Before anything is done: the list forbids it, or the cache cannot be read.
    pub fn gc(&self, list: &NetworkList, valid: &[Attachment]) -> Result<Collected> {
        if list.disable_gc {
            return Err(Error::Disabled {
                network: list.name.clone(),
                verb: Verb::Gc,
            });
        }
        let mut swept = Vec::new();
        for attachment in self.stale(list, valid)? {
            let container = Container {
                attachment: attachment.attachment.clone(),
                netns: None,
                args: Args::default(),
                capability_args: Map::new(),
            };
            swept.push(Swept {
                steps: self.del(list, &container)?,
                attachment,
            });
        }
        let steps = if list.version < Verb::Gc.since() {
            Vec::new()
        } else {
            let valid = json!(valid);
            list.plugins
                .iter()
                .map(|plugin| {
                    let mut request = plugin.request(list, None, &Map::new());
                    for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
                        request.insert(key.to_owned(), valid.clone());
                    }
                    self.ask(plugin, Verb::Gc, None, request, None).0
                })
                .collect()
        };
        Ok(Collected { swept, steps })
    }

    /// Asks every plugin whether it could serve an ADD. All are asked, for the reader's sake.
    ///
    /// # Errors
    /// When the version has no STATUS.
    pub fn status(&self, list: &NetworkList) -> Result<Vec<Step>> {
        require(list, Verb::Status)?;
        Ok(list
            .plugins
            .iter()
            .map(|plugin| {
                self.ask(
                    plugin,
                    Verb::Status,
                    None,
                    plugin.request(list, None, &Map::new()),
                    None,
                )
                .0
            })
            .collect())
    }

    /// Asks a plugin which versions it speaks.
    ///
    /// # Errors
    /// When it cannot be run, or does not answer as the protocol says.
    pub fn versions(&self, kind: &str) -> Result<Spoken> {
        let binary = exec::find(kind, &self.path)?;
        let stdin = json!({"cniVersion": SpecVersion::CURRENT}).to_string();
        let request = exec::Request {
            kind,
            verb: Verb::Version,
            // What plugins built with an old skeleton insist on, whatever the verb.
            variables: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]
                .into_iter()
                .map(|name| (name, "dummy".into()))
                .collect(),
            stdin: stdin.as_bytes(),
            limit: self.limit,
            inherited: None,
        };
        let printed = exec::run(&binary, &request).map_err(|failed| failed.error)?;
        let answer: Option<Value> = serde_json::from_slice(&printed.stdout).ok();
        let versions = answer
            .as_ref()
            .and_then(Value::as_object)
            .and_then(|object| any_case::get(object, "supportedVersions"))
            .and_then(Value::as_array)
            .map(|versions| {
                versions
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            });
        versions
            .map(|versions| Spoken { versions })
            .ok_or_else(|| Error::Protocol {
                kind: kind.to_owned(),
                verb: Verb::Version,
                problem: "answered without supportedVersions".to_owned(),
                printed: beginning(&String::from_utf8_lossy(&printed.stdout)),
            })
    }

    /// The turn to work on an attachment; `None` when somebody has it for too long.
    fn turn(&self, list: &NetworkList, container: &Container) -> Result<Option<Turn>> {
        let dir = self.cache.dir();
        Turn::take(dir, &list.name, &container.attachment, TURN_PATIENCE).map_err(|source| {
            Error::Cache {
                operation: "lock",
                path: dir.to_owned(),
                source,
            }
        })
    }

    /// Runs one plugin. What it printed comes beside the step, when it ended well.
    fn ask(
        &self,
        plugin: &ListedPlugin,
        verb: Verb,
        container: Option<&Container>,
        request: Map<String, Value>,
        turn: Option<&Turn>,
    ) -> (Step, Option<Vec<u8>>) {
        let started = Instant::now();
        let mut step = Step {
            kind: plugin.kind.clone(),
            binary: None,
            verb,
            took: Duration::ZERO,
            log: String::new(),
            outcome: Ok(()),
        };
        let stdin = Value::Object(request).to_string();
        let started_with = exec::find(&plugin.kind, &self.path)
            .and_then(|binary| Ok((binary, self.variables(container)?)));
        let mut stdout = None;
        match started_with {
            Err(error) => step.outcome = Err(error),
            Ok((binary, variables)) => {
                let request = exec::Request {
                    kind: &plugin.kind,
                    verb,
                    variables,
                    stdin: stdin.as_bytes(),
                    limit: self.limit,
                    inherited: turn.map(AsFd::as_fd),
                };
                match exec::run(&binary, &request) {
                    Ok(printed) => {
                        step.log = printed.stderr;
                        stdout = Some(printed.stdout);
                    }
                    Err(failed) => {
                        step.log = failed.stderr;
                        step.outcome = Err(failed.error);
                    }
                }
                step.binary = Some(binary);
            }
        }
        step.took = started.elapsed();
        (step, stdout)
    }

    /// The `CNI_*` variables. All are set, so that none is inherited.
    fn variables(&self, container: Option<&Container>) -> Result<Vec<(&'static str, OsString)>> {
        let path =
            std::env::join_paths(&self.path).map_err(|error| Error::Refused(error.to_string()))?;
        let text = |value: Option<String>| OsString::from(value.unwrap_or_default());
        let attachment = container.map(|container| &container.attachment);
        Ok(vec![
            (
                "CNI_CONTAINERID",
                text(attachment.map(|a| a.container_id.to_string())),
            ),
            ("CNI_IFNAME", text(attachment.map(|a| a.ifname.to_string()))),
            (
                "CNI_NETNS",
                container
                    .and_then(|c| c.netns.clone())
                    .map(PathBuf::into_os_string)
                    .unwrap_or_default(),
            ),
            (
                "CNI_ARGS",
                text(container.map(|container| container.args.to_string())),
            ),
            ("CNI_PATH", path),
        ])
    }
}

fn require(list: &NetworkList, verb: Verb) -> Result<()> {
    if list.version >= verb.since() {
        return Ok(());
    }
    Err(Error::NotInVersion {
        network: list.name.clone(),
        version: list.version,
        verb,
    })
}

fn open_netns(container: &Container) -> Result<Netns> {
    match &container.netns {
        Some(path) => Ok(Netns::open(path)?),
        None => Err(Error::Refused(format!(
            "the network namespace of container {} is not known",
            container.attachment.container_id
        ))),
    }
}

/// The container with what the cache knows and the caller did not say.
fn completed(container: &Container, cached: Option<&CachedAttachment>) -> Container {
    let mut container = container.clone();
    if let Some(cached) = cached {
        container.netns = container.netns.or_else(|| cached.netns.clone());
        if container.args == Args::default() {
            container.args = cached.args.clone();
        }
        if container.capability_args.is_empty() {
            container.capability_args = cached.capability_args.clone();
        }
    }
    container
}

/// Reads what an ADD printed: an object of a version we speak. It goes on to the next plugin as it is,
/// with whatever fields nobody here knows; one without a version is given the list's, as libcni does
/// (containernetworking/cni#895).
fn read_result(kind: &str, printed: &[u8], version: SpecVersion) -> Result<Value> {
    let wrong = |problem: String| Error::Protocol {
        kind: kind.to_owned(),
        verb: Verb::Add,
        problem,
        printed: beginning(&String::from_utf8_lossy(printed)),
    };
    let mut value: Value = serde_json::from_slice(printed)
        .map_err(|error| wrong(format!("printed no JSON ({error})")))?;
    if value.is_null() {
        value = Value::Object(Map::new());
    }
    let (result, made) = AddResult::from_value(value.clone(), version)
        .map_err(|error| wrong(format!("printed no result ({error})")))?;
    if made != version {
        return Ok(result.to_value(version));
    }
    if let Value::Object(object) = &mut value {
        object.insert("cniVersion".to_owned(), version.as_str().into());
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
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
}
