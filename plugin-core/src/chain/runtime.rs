//! The verbs, run over a list of plugins.

mod ask;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::cache::{Cache, CachedAttachment};
use super::error::{Error, Result};
use super::exec::{self, beginning};
use super::list::NetworkList;
use super::turn::Turn;
use crate::netlink::{self, Socket};
use crate::netns::Netns;
use crate::spec::{Args, Attachment, SpecVersion, Verb, any_case};
use ask::read_result;

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

#[cfg(test)]
mod tests;
