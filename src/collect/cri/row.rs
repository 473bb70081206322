//! A runtime's answers as rows of the model.

use std::net::IpAddr;

use serde::Deserialize;

use super::message::{Container, SandboxItem, StatusAnswer};
use super::{Error, Held, grpc};
use crate::model::sandbox::{self, ContainerState, Sandbox, SandboxSource, SandboxState};

/// `SANDBOX_READY`.
pub(super) const READY: i32 = 0;

/// `NamespaceMode.NODE`.
const NODE_NETWORK: i32 = 2;

/// What a list tells of a sandbox, and the process that holds it, if that is known otherwise.
pub(super) fn listed(
    item: SandboxItem,
    held: Option<Held>,
    containers: Vec<sandbox::Container>,
) -> Sandbox {
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
        host_network: held.is_some_and(|held| held.on_node),
        netns_path: None,
        netns: held.filter(|held| !held.on_node).map(|held| held.netns),
        pid: held.map(|held| held.pid),
        addresses: Vec::new(),
        containers,
        labels: item.labels.into_iter().collect(),
        annotations: item.annotations.into_iter().collect(),
        source: SandboxSource::Cri,
        doubt: None,
    }
}

/// A sandbox by its status; `None` if it has gone. Of one that is held the status need not be verbose.
pub(super) fn sandbox(
    item: SandboxItem,
    status: Result<StatusAnswer, Error>,
    held: Option<Held>,
    containers: Vec<sandbox::Container>,
) -> Option<Sandbox> {
    let mut row = listed(item, held, containers);
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
        row.host_network |= status
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
    if held.is_some() {
        return Some(row);
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

pub(super) fn container(container: Container) -> sandbox::Container {
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
    use std::collections::HashMap;
    use std::path::PathBuf;

    use super::super::message::{
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
        let row = sandbox(item(), Ok(status), None, Vec::new()).unwrap();
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
        let row = sandbox(item(), Ok(status), None, Vec::new()).unwrap();
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
        assert!(sandbox(item(), Err(refused(grpc::NOT_FOUND)), None, Vec::new()).is_none());
        let row = sandbox(item(), Err(refused(13)), None, Vec::new()).unwrap();
        assert!(row.doubt.is_some());
    }
}
