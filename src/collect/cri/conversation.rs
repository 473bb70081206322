//! What is asked of a runtime, and in which order: as few round trips as the question allows.

use std::collections::HashMap;
use std::path::Path;

use super::grpc::{self, Channel};
use super::message::{
    ContainerFilter, Filter, ListContainers, ListContainersAnswer, ListSandboxes,
    ListSandboxesAnswer, SandboxItem, Status, StatusAnswer, Version, VersionAnswer,
};
use super::row;
use super::{Answer, Detail, Error, Held, Wanted};
use crate::model::sandbox::{self, Runtime, Sandbox};

/// How many questions are open at once. The runtime answers each on a thread of its own.
const AT_ONCE: usize = 32;

/// What tools print of an identifier. A runtime completes those by itself; of shorter ones it says nothing if they are
/// ambiguous.
const PRINTED: usize = 12;

/// Some sandboxes, each with everything that the runtime knows of it.
pub(super) async fn some(socket: &Path, wanted: &Wanted) -> Result<Answer, Error> {
    let mut channel = Channel::connect(socket).await?;
    let (version, items) = match wanted {
        Wanted::Named { namespace, name } => {
            let (version, mut items) = greet(&mut channel, Some(labelled(namespace, name))).await?;
            // A runtime's own client (crictl runp) sets no labels; the metadata names the pod all the same.
            if items.is_empty() {
                items = sandboxes(&channel, None).finish().await?.items;
                items.retain(|item| is_named(item, namespace.as_deref(), name));
            }
            (version, items)
        }
        Wanted::Id(prefix) => by_id(&mut channel, prefix).await?,
    };
    let asked: Vec<_> = items
        .iter()
        .map(|item| containers(&channel, of_sandbox(&item.id)))
        .collect();
    let questions = items.iter().map(|item| (item.id.clone(), true)).collect();
    let statuses = statuses(&channel, questions).await;
    let mut rows = Vec::with_capacity(items.len());
    for ((item, status), asked) in items.into_iter().zip(statuses).zip(asked) {
        let containers = asked.finish().await?.containers;
        let containers = containers.into_iter().map(row::container).collect();
        rows.extend(row::sandbox(item, status, None, containers));
    }
    Ok(answer(rows, version, &channel, socket))
}

/// All sandboxes. `held` tells of those that run which process holds them, as far as that is known without the runtime.
pub(super) async fn all(
    socket: &Path,
    detail: Detail,
    held: impl FnOnce(&[&str]) -> HashMap<String, Held>,
) -> Result<Answer, Error> {
    let mut channel = Channel::connect(socket).await?;
    let (version, items) = greet(&mut channel, None).await?;
    let asked = (detail == Detail::Whole).then(|| containers(&channel, None));
    let running: Vec<&str> = items
        .iter()
        .filter(|item| item.state == row::READY)
        .map(|item| item.id.as_str())
        .collect();
    let held = held(&running);
    let questions = items
        .iter()
        .filter_map(|item| match (held.contains_key(&item.id), detail) {
            (true, Detail::Listed) => None,
            (is_held, _) => Some((item.id.clone(), !is_held)),
        })
        .collect::<Vec<_>>();
    let ids: Vec<String> = questions.iter().map(|(id, _)| id.clone()).collect();
    let mut told: HashMap<String, _> = ids
        .into_iter()
        .zip(statuses(&channel, questions).await)
        .collect();
    let mut of: HashMap<String, Vec<sandbox::Container>> = HashMap::new();
    if let Some(asked) = asked {
        for container in asked.finish().await?.containers {
            of.entry(container.pod_sandbox_id.clone())
                .or_default()
                .push(row::container(container));
        }
    }
    let rows = items
        .into_iter()
        .filter_map(|item| {
            let containers = of.remove(&item.id).unwrap_or_default();
            let held = held.get(&item.id).copied();
            match told.remove(&item.id) {
                Some(status) => row::sandbox(item, status, held, containers),
                None => Some(row::listed(item, held, containers)),
            }
        })
        .collect();
    Ok(answer(rows, version, &channel, socket))
}

fn answer(
    mut rows: Vec<Sandbox>,
    version: VersionAnswer,
    channel: &Channel,
    socket: &Path,
) -> Answer {
    rows.sort_by(|a, b| {
        (&a.namespace, &a.name, a.attempt).cmp(&(&b.namespace, &b.name, b.attempt))
    });
    Answer {
        runtime: Runtime {
            name: version.runtime_name,
            version: version.runtime_version,
            api: channel.api().to_owned(),
            socket: socket.display().to_string(),
        },
        sandboxes: rows,
    }
}

/// Finds out which version of the interface the runtime speaks, and asks for sandboxes in the same breath.
async fn greet(
    channel: &mut Channel,
    filter: Option<Filter>,
) -> Result<(VersionAnswer, Vec<SandboxItem>), Error> {
    let question = Version {
        version: String::new(),
    };
    loop {
        let list = sandboxes(channel, filter.clone());
        match channel.call("Version", &question).await {
            Err(Error::Refused { code, .. })
                if code == grpc::UNIMPLEMENTED && channel.speak_older() => {}
            version => return Ok((version?, list.finish().await?.items)),
        }
    }
}

/// The sandboxes whose identifier, or that of one of their containers, begins so.
async fn by_id(
    channel: &mut Channel,
    prefix: &str,
) -> Result<(VersionAnswer, Vec<SandboxItem>), Error> {
    let is_printed = prefix.len() >= PRINTED;
    let filter = is_printed.then(|| Filter {
        id: prefix.to_owned(),
        ..Filter::default()
    });
    let (version, mut items) = greet(channel, filter).await?;
    if is_printed && items.is_empty() {
        let filter = ContainerFilter {
            id: prefix.to_owned(),
            ..ContainerFilter::default()
        };
        let found = containers(channel, Some(filter)).finish().await?.containers;
        for container in found {
            let filter = Filter {
                id: container.pod_sandbox_id,
                ..Filter::default()
            };
            items.extend(sandboxes(channel, Some(filter)).finish().await?.items);
        }
    }
    if items.is_empty() || !is_printed {
        if is_printed {
            items = sandboxes(channel, None).finish().await?.items;
        }
        let all = containers(channel, None).finish().await?.containers;
        let owners: Vec<_> = all
            .iter()
            .filter(|container| container.id.starts_with(prefix))
            .map(|container| &container.pod_sandbox_id)
            .collect();
        items.retain(|item| item.id.starts_with(prefix) || owners.contains(&&item.id));
    }
    Ok((version, items))
}

fn labelled(namespace: &Option<String>, name: &str) -> Filter {
    let mut labels = HashMap::from([("io.kubernetes.pod.name".to_owned(), name.to_owned())]);
    if let Some(namespace) = namespace {
        labels.insert("io.kubernetes.pod.namespace".to_owned(), namespace.clone());
    }
    Filter {
        label_selector: labels,
        ..Filter::default()
    }
}

fn is_named(item: &SandboxItem, namespace: Option<&str>, name: &str) -> bool {
    item.metadata.as_ref().is_some_and(|metadata| {
        metadata.name == name && namespace.is_none_or(|namespace| metadata.namespace == namespace)
    })
}

fn sandboxes(channel: &Channel, filter: Option<Filter>) -> grpc::Pending<ListSandboxesAnswer> {
    channel.begin("ListPodSandbox", ListSandboxes { filter })
}

fn containers(
    channel: &Channel,
    filter: Option<ContainerFilter>,
) -> grpc::Pending<ListContainersAnswer> {
    channel.begin("ListContainers", ListContainers { filter })
}

fn of_sandbox(id: &str) -> Option<ContainerFilter> {
    Some(ContainerFilter {
        pod_sandbox_id: id.to_owned(),
        ..ContainerFilter::default()
    })
}

/// Asks for each of these sandboxes, several at once, and whether verbosely; the answers are in the same order.
async fn statuses(
    channel: &Channel,
    questions: Vec<(String, bool)>,
) -> Vec<Result<StatusAnswer, Error>> {
    let mut answers = Vec::with_capacity(questions.len());
    let mut open = std::collections::VecDeque::new();
    for (id, verbose) in questions {
        if open.len() == AT_ONCE
            && let Some(first) = open.pop_front()
        {
            answers.push(grpc::Pending::finish(first).await);
        }
        let question = Status {
            pod_sandbox_id: id,
            verbose,
        };
        open.push_back(channel.begin("PodSandboxStatus", question));
    }
    for pending in open {
        answers.push(pending.finish().await);
    }
    answers
}
