//! The runtime's own words: sandboxes and containers, over the Container Runtime Interface on a unix
//! socket.
//!
//! `v1` and `v1alpha2` have the same messages under two names; whichever the runtime speaks is used
//! (containerd before 1.6 and CRI-O before 1.20 know only the older).

mod grpc;
mod message;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use grpc::Channel;
use message::{
    Container, ContainerFilter, Filter, ListContainers, ListContainersAnswer, ListSandboxes,
    ListSandboxesAnswer, SandboxItem, Status, StatusAnswer, Version, VersionAnswer,
};
use serde::Deserialize;

use crate::model::NetnsId;
use crate::model::sandbox::{self, ContainerState, Runtime, Sandbox, SandboxSource, SandboxState};

/// Where runtimes listen, in the order they are tried.
const SOCKETS: [&str; 6] = [
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
    "/run/cri-dockerd.sock",
];

/// How many questions are open at once. The runtime answers each on a thread of its own.
const AT_ONCE: usize = 32;
/// `SANDBOX_READY`.
const READY: i32 = 0;

/// `NamespaceMode.NODE`.
const NODE_NETWORK: i32 = 2;

/// Why the runtime could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No socket at the usual places.
    #[error("no container runtime listens at the usual places; name its socket with --cri")]
    NoSocket,
    /// Nobody listens, or access is denied.
    #[error("cannot reach the container runtime at {socket}: {source}")]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It did not answer in time.
    #[error("the container runtime at {socket} did not answer within {} s", .limit.as_secs_f64())]
    Slow {
        /// The socket.
        socket: PathBuf,
        /// How long it was given.
        limit: Duration,
    },
    /// It answered with an error.
    #[error("the container runtime at {socket} refused {method}: {message}")]
    Refused {
        /// The socket.
        socket: PathBuf,
        /// What was asked.
        method: &'static str,
        /// Its words.
        message: String,
        /// The gRPC status.
        code: i32,
    },
    /// What came was not gRPC, or not the message it should be.
    #[error(
        "the container runtime at {socket} gave an answer to {method} that cannot be understood: {reason}"
    )]
    Answer {
        /// The socket.
        socket: PathBuf,
        /// What was asked.
        method: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// Which sandboxes are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All.
    All,
    /// Those of one pod. Without a namespace, of every pod of that name.
    Named {
        namespace: Option<String>,
        name: String,
    },
    /// Those whose identifier, or that of one of their containers, begins so.
    Id(String),
}

/// What a runtime said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) runtime: Runtime,
    pub(super) sandboxes: Vec<Sandbox>,
}

/// The socket to ask: the given one, or the first of the usual ones that is there.
///
/// # Errors
/// When there is none.
pub(super) fn socket(given: Option<&Path>) -> Result<PathBuf, Error> {
    match given {
        Some(path) => {
            // crictl and kubelet write it as a URL.
            let text = path.to_string_lossy();
            Ok(PathBuf::from(text.strip_prefix("unix://").unwrap_or(&text)))
        }
        None => SOCKETS
            .iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
            .ok_or(Error::NoSocket),
    }
}

/// Asks the runtime at `socket`, for at most `limit` in all.
///
/// # Errors
/// When it cannot be reached, is too slow or refuses. A sandbox that goes while it is looked at is left
/// out or says so, and is no error.
pub(super) fn ask(socket: &Path, wanted: &Wanted, limit: Duration) -> Result<Answer, Error> {
    within(socket, limit, conversation(socket, wanted))
}

/// Runs a conversation, for at most `limit` in all.
fn within<T>(
    socket: &Path,
    limit: Duration,
    conversation: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|source| Error::Connect {
            socket: socket.to_owned(),
            source,
        })?;
    runtime.block_on(async {
        tokio::time::timeout(limit, conversation)
            .await
            .unwrap_or_else(|_| {
                Err(Error::Slow {
                    socket: socket.to_owned(),
                    limit,
                })
            })
    })
}

/// A sandbox whose process was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// The process that holds it.
    pub(super) pid: u32,
    /// The network namespace that this process is in.
    pub(super) netns: NetnsId,
}

/// Lists all sandboxes at `socket`, without their containers. `held` is given the identifiers of those that run, and
/// says which of them need not be asked for one by one: a runtime takes milliseconds for each such question, as it
/// tells everything it knows.
///
/// # Errors
/// As [`ask`].
pub(super) fn list(
    socket: &Path,
    limit: Duration,
    held: impl FnOnce(&[&str]) -> HashMap<String, Held>,
) -> Result<(Answer, HashMap<String, Held>), Error> {
    within(socket, limit, async {
        let mut channel = Channel::connect(socket).await?;
        let version = version(&mut channel).await?;
        let items = sandboxes(&mut channel, None).await?;
        let running: Vec<&str> = items
            .iter()
            .filter(|item| item.state == READY)
            .map(|item| item.id.as_str())
            .collect();
        let held = held(&running);
        let (known, others): (Vec<_>, Vec<_>) = items
            .into_iter()
            .partition(|item| held.contains_key(&item.id));
        let statuses = statuses(&channel, &others).await;
        let mut rows: Vec<_> = others
            .into_iter()
            .zip(statuses)
            .filter_map(|(item, status)| sandbox_row(item, status, Vec::new()))
            .chain(known.into_iter().map(|item| listed_row(item, Vec::new())))
            .collect();
        sort(&mut rows);
        Ok((
            Answer {
                runtime: runtime_of(version, &channel, socket),
                sandboxes: rows,
            },
            held,
        ))
    })
}

fn sort(rows: &mut [Sandbox]) {
    rows.sort_by(|a, b| {
        (&a.namespace, &a.name, a.attempt).cmp(&(&b.namespace, &b.name, b.attempt))
    });
}

fn runtime_of(version: VersionAnswer, channel: &Channel, socket: &Path) -> Runtime {
    Runtime {
        name: version.runtime_name,
        version: version.runtime_version,
        api: channel.api().to_owned(),
        socket: socket.display().to_string(),
    }
}

async fn conversation(socket: &Path, wanted: &Wanted) -> Result<Answer, Error> {
    let mut channel = Channel::connect(socket).await?;
    let version = version(&mut channel).await?;
    let filter = match wanted {
        Wanted::Named { namespace, name } => {
            let mut labels = HashMap::from([("io.kubernetes.pod.name".to_owned(), name.clone())]);
            if let Some(namespace) = namespace {
                labels.insert("io.kubernetes.pod.namespace".to_owned(), namespace.clone());
            }
            Some(Filter {
                label_selector: labels,
            })
        }
        Wanted::All | Wanted::Id(_) => None,
    };
    let mut items = sandboxes(&mut channel, filter).await?;
    // A runtime's own client (crictl runp) sets no labels; the metadata names the pod all the same.
    if let (Wanted::Named { namespace, name }, true) = (wanted, items.is_empty()) {
        items = sandboxes(&mut channel, None).await?;
        items.retain(|item| {
            let metadata = item.metadata.clone().unwrap_or_default();
            metadata.name == *name
                && namespace
                    .as_ref()
                    .is_none_or(|namespace| metadata.namespace == *namespace)
        });
    }
    let containers = match wanted {
        Wanted::Named { .. } => {
            let mut found = Vec::new();
            for item in &items {
                found.extend(containers(&mut channel, Some(&item.id)).await?);
            }
            found
        }
        Wanted::All | Wanted::Id(_) => containers(&mut channel, None).await?,
    };
    if let Wanted::Id(prefix) = wanted {
        let owners: Vec<_> = containers
            .iter()
            .filter(|container| container.id.starts_with(prefix))
            .map(|container| &container.pod_sandbox_id)
            .collect();
        items.retain(|item| item.id.starts_with(prefix) || owners.contains(&&item.id));
    }
    let statuses = statuses(&channel, &items).await;
    let mut of: HashMap<String, Vec<sandbox::Container>> = HashMap::new();
    for container in containers {
        of.entry(container.pod_sandbox_id.clone())
            .or_default()
            .push(container_row(container));
    }
    let mut rows: Vec<_> = items
        .into_iter()
        .zip(statuses)
        .filter_map(|(item, status)| {
            let containers = of.remove(&item.id).unwrap_or_default();
            sandbox_row(item, status, containers)
        })
        .collect();
    sort(&mut rows);
    Ok(Answer {
        runtime: runtime_of(version, &channel, socket),
        sandboxes: rows,
    })
}

/// Finds out which version of the interface the runtime speaks.
async fn version(channel: &mut Channel) -> Result<VersionAnswer, Error> {
    let question = Version {
        version: String::new(),
    };
    match channel.call("Version", &question).await {
        Err(Error::Refused { code, .. }) if code == grpc::UNIMPLEMENTED => {
            channel.speak_v1alpha2();
            channel.call("Version", &question).await
        }
        other => other,
    }
}

async fn sandboxes(
    channel: &mut Channel,
    filter: Option<Filter>,
) -> Result<Vec<SandboxItem>, Error> {
    let answer: ListSandboxesAnswer = channel
        .call("ListPodSandbox", &ListSandboxes { filter })
        .await?;
    Ok(answer.items)
}

async fn containers(channel: &mut Channel, sandbox: Option<&str>) -> Result<Vec<Container>, Error> {
    let question = ListContainers {
        filter: sandbox.map(|id| ContainerFilter {
            pod_sandbox_id: id.to_owned(),
        }),
    };
    let answer: ListContainersAnswer = channel.call("ListContainers", &question).await?;
    Ok(answer.containers)
}

/// Asks for each sandbox in turn, several at once; the answers are in the order of `items`.
async fn statuses(channel: &Channel, items: &[SandboxItem]) -> Vec<Result<StatusAnswer, Error>> {
    let mut answers: Vec<_> = items.iter().map(|_| None).collect();
    let mut open = tokio::task::JoinSet::new();
    let mut next = 0;
    loop {
        while open.len() < AT_ONCE {
            let Some(item) = items.get(next) else { break };
            let mut channel = channel.clone();
            let question = Status {
                pod_sandbox_id: item.id.clone(),
                verbose: true,
            };
            let place = next;
            open.spawn(async move { (place, channel.call("PodSandboxStatus", &question).await) });
            next += 1;
        }
        match open.join_next().await {
            None => break,
            Some(Ok((place, answer))) => {
                if let Some(slot) = answers.get_mut(place) {
                    *slot = Some(answer);
                }
            }
            // A task that panicked would leave its slot empty, which is said below.
            Some(Err(_)) => {}
        }
    }
    answers
        .into_iter()
        .map(|answer| {
            answer.unwrap_or_else(|| {
                Err(Error::Answer {
                    socket: channel.socket().to_owned(),
                    method: "PodSandboxStatus",
                    reason: "the question was not finished".to_owned(),
                })
            })
        })
        .collect()
}

/// What a list tells of a sandbox.
fn listed_row(item: SandboxItem, containers: Vec<sandbox::Container>) -> Sandbox {
    let metadata = item.metadata.unwrap_or_default();
    Sandbox {
        id: item.id,
        namespace: metadata.namespace,
        name: metadata.name,
        uid: Some(metadata.uid).filter(|uid| !uid.is_empty()),
        attempt: metadata.attempt,
        state: match item.state {
            READY => SandboxState::Ready,
            1 => SandboxState::NotReady,
            _ => SandboxState::Unknown,
        },
        created_ns: Some(item.created_at).filter(|time| *time > 0),
        host_network: false,
        netns_path: None,
        netns: None,
        pid: None,
        addresses: Vec::new(),
        containers,
        labels: item.labels.into_iter().collect(),
        annotations: item.annotations.into_iter().collect(),
        source: SandboxSource::Cri,
        doubt: None,
    }
}

fn sandbox_row(
    item: SandboxItem,
    status: Result<StatusAnswer, Error>,
    containers: Vec<sandbox::Container>,
) -> Option<Sandbox> {
    let mut row = listed_row(item, containers);
    let answer = match status {
        Ok(answer) => answer,
        // It went between the list and the question: it is not a pod of this node any more.
        Err(Error::Refused { code, .. }) if code == grpc::NOT_FOUND => return None,
        Err(error) => {
            row.doubt = Some(error.to_string());
            return Some(row);
        }
    };
    if let Some(status) = answer.status {
        row.host_network = status
            .linux
            .and_then(|linux| linux.namespaces)
            .and_then(|namespaces| namespaces.options)
            .is_some_and(|options| options.network == NODE_NETWORK);
        if let Some(network) = status.network {
            row.addresses = std::iter::once(network.ip)
                .chain(network.additional_ips.into_iter().map(|ip| ip.ip))
                .filter_map(|ip| ip.parse::<IpAddr>().ok())
                .collect();
        }
    }
    match answer
        .info
        .get("info")
        .map(|text| serde_json::from_str::<Info>(text))
    {
        Some(Ok(info)) => {
            row.pid = info.pid.filter(|pid| *pid != 0);
            row.netns_path = info
                .runtime_spec
                .and_then(|spec| spec.linux)
                .into_iter()
                .flat_map(|linux| linux.namespaces)
                .find(|namespace| namespace.kind == "network")
                .map(|namespace| namespace.path)
                .filter(|path| !path.is_empty());
        }
        Some(Err(error)) => {
            row.doubt = Some(format!("its runtime information is not JSON: {error}"));
        }
        None => row.doubt = Some("the runtime told nothing of its namespaces".to_owned()),
    }
    Some(row)
}

fn container_row(container: Container) -> sandbox::Container {
    let metadata = container.metadata.unwrap_or_default();
    sandbox::Container {
        id: container.id,
        name: metadata.name,
        image: container
            .image
            .map(|image| image.image)
            .filter(|image| !image.is_empty()),
        state: match container.state {
            0 => ContainerState::Created,
            1 => ContainerState::Running,
            2 => ContainerState::Exited,
            _ => ContainerState::Unknown,
        },
        created_ns: Some(container.created_at).filter(|time| *time > 0),
        attempt: metadata.attempt,
    }
}

/// What containerd and CRI-O put into `info` of a verbose status.
#[derive(Debug, Deserialize)]
struct Info {
    pid: Option<u32>,
    #[serde(rename = "runtimeSpec")]
    runtime_spec: Option<Spec>,
}

#[derive(Debug, Deserialize)]
struct Spec {
    linux: Option<Linux>,
}

#[derive(Debug, Deserialize)]
struct Linux {
    #[serde(default)]
    namespaces: Vec<Namespace>,
}

#[derive(Debug, Deserialize)]
struct Namespace {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    path: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use message::{
        Metadata, NamespaceOptions, Namespaces, Network, PodIp, SandboxLinux, SandboxStatus,
    };

    fn item() -> SandboxItem {
        SandboxItem {
            id: "b7d2391320e0".to_owned(),
            metadata: Some(Metadata {
                name: "pod".to_owned(),
                uid: "u".to_owned(),
                namespace: "default".to_owned(),
                attempt: 0,
            }),
            state: 0,
            created_at: 5,
            ..SandboxItem::default()
        }
    }

    #[test]
    fn a_sandbox_with_its_namespace() {
        let info = r#"{"pid":35574,"runtimeSpec":{"linux":{"namespaces":[{"type":"pid"},
            {"type":"network","path":"/var/run/netns/cni-7cffed61"}]}},"more":1}"#;
        let status = StatusAnswer {
            status: Some(SandboxStatus {
                network: Some(Network {
                    ip: "172.31.239.205".to_owned(),
                    additional_ips: vec![PodIp {
                        ip: "fd00::1".to_owned(),
                    }],
                }),
                linux: None,
            }),
            info: HashMap::from([("info".to_owned(), info.to_owned())]),
        };
        let row = sandbox_row(item(), Ok(status), Vec::new()).unwrap();
        assert_eq!(row.pid, Some(35574));
        assert_eq!(
            row.netns_path.as_deref(),
            Some("/var/run/netns/cni-7cffed61")
        );
        assert_eq!(row.addresses.len(), 2);
        assert_eq!(row.doubt, None);
        assert_eq!(row.full_name(), "default/pod");
    }

    #[test]
    fn a_pod_on_the_nodes_network() {
        let status = StatusAnswer {
            status: Some(SandboxStatus {
                network: None,
                linux: Some(SandboxLinux {
                    namespaces: Some(Namespaces {
                        options: Some(NamespaceOptions {
                            network: NODE_NETWORK,
                        }),
                    }),
                }),
            }),
            info: HashMap::from([("info".to_owned(), "{\"pid\":7}".to_owned())]),
        };
        let row = sandbox_row(item(), Ok(status), Vec::new()).unwrap();
        assert!(row.host_network);
        assert_eq!(row.netns_path, None);
    }

    #[test]
    fn a_sandbox_that_went_is_left_out_and_a_silent_one_is_doubtful() {
        let refused = |code| Error::Refused {
            socket: PathBuf::new(),
            method: "PodSandboxStatus",
            message: "no".to_owned(),
            code,
        };
        assert!(sandbox_row(item(), Err(refused(grpc::NOT_FOUND)), Vec::new()).is_none());
        let row = sandbox_row(item(), Err(refused(13)), Vec::new()).unwrap();
        assert!(row.doubt.is_some());
    }

    #[test]
    fn the_socket_may_be_a_url() {
        let path = socket(Some(Path::new("unix:///run/x.sock"))).unwrap();
        assert_eq!(path, Path::new("/run/x.sock"));
    }
}
