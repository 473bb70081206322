//! Pods as the node's runtime sees them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::number::NetnsId;

/// One pod sandbox: what all containers of a pod share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// The runtime's identifier. Empty if no source named one.
    pub id: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// The pod's unique identifier in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// How often the sandbox was made anew.
    #[serde(default)]
    pub attempt: u32,
    /// Whether it runs.
    pub state: SandboxState,
    /// When it was made, nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_ns: Option<i64>,
    /// Whether it shares the node's network.
    pub host_network: bool,
    /// The path of its network namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns_path: Option<String>,
    /// That namespace, if the path leads to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns: Option<NetnsId>,
    /// The process that holds it (the pause process), as this node numbers processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The addresses that the runtime believes it has, the pod's own first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Its containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Container>,
    /// The pod's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The pod's annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Who said so.
    pub source: SandboxSource,
    /// What could not be found out about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl Sandbox {
    /// `namespace/name`, or the start of the identifier when there is no name.
    pub fn full_name(&self) -> String {
        if self.name.is_empty() {
            short_id(&self.id).to_owned()
        } else if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }

    /// Its own identifier and those of its containers.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let containers = self
            .containers
            .iter()
            .map(|container| container.id.as_str());
        std::iter::once(self.id.as_str()).chain(containers)
    }
}

/// The reason when the runtime was left out on purpose: nothing that should be known is missing then.
pub const RUNTIME_LEFT_OUT: &str = "the runtime was not to be asked";

/// The first 13 characters of an identifier, as `crictl` shows it.
pub fn short_id(id: &str) -> &str {
    id.get(..13).unwrap_or(id)
}

/// Whether a sandbox runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxState {
    /// It runs.
    Ready,
    /// It has ended, or never came up; the runtime still remembers it.
    NotReady,
    /// Nobody said.
    Unknown,
}

impl SandboxState {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not ready",
            Self::Unknown => "state unknown",
        }
    }
}

/// Who named a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxSource {
    /// The runtime, over CRI.
    Cri,
    /// The CNI result cache: the runtime was not asked or did not answer.
    ResultCache,
    /// Only the namespace and its processes are known.
    Namespace,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The runtime's identifier.
    pub id: String,
    /// Its name in the pod.
    pub name: String,
    /// Its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Whether it runs.
    pub state: ContainerState,
    /// When it was made, nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_ns: Option<i64>,
    /// How often it was started anew.
    #[serde(default)]
    pub attempt: u32,
}

/// Whether a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerState {
    /// Made, not started.
    Created,
    /// It runs.
    Running,
    /// It has ended.
    Exited,
    /// Nobody said.
    Unknown,
}

impl ContainerState {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Exited => "exited",
            Self::Unknown => "unknown",
        }
    }
}

/// The runtime that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// `containerd`, `cri-o` …
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of the interface that was spoken: `v1` or `v1alpha2`.
    pub api: String,
    /// Its socket.
    pub socket: String,
}
