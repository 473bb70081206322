//! What pods, nodes and services are called, by their addresses.
//!
//! The server says how things are now. A capture may be older: every name therefore counts only from when
//! its object began.

use std::cmp::Reverse;
use std::net::IpAddr;

use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Deserialize;

use super::list::Listed;
use crate::capture::names::AddressNames;
use crate::wire::Timestamp;

/// What counts of a pod.
#[derive(Debug, Deserialize)]
pub(super) struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
    creation_timestamp: Option<Time>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    host_network: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: Option<String>,
    /// The first of `podIPs`, and all that servers before 1.16 know.
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pod_ips: Option<Vec<Ip>>,
    start_time: Option<Time>,
}

/// A pod's address, or that of a load balancer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ip {
    ip: Option<String>,
}

/// What counts of a node.
#[derive(Debug, Deserialize)]
pub(super) struct Node {
    metadata: Metadata,
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    addresses: Option<Vec<NodeAddress>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeAddress {
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

/// What counts of a service.
#[derive(Debug, Deserialize)]
pub(super) struct Service {
    metadata: Metadata,
    #[serde(default)]
    spec: ServiceSpec,
    #[serde(default)]
    status: ServiceStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServiceSpec {
    /// The first of `clusterIPs`, and all that servers before 1.20 know; `None` is a headless service's.
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Option<Vec<String>>,
    #[serde(rename = "externalIPs")]
    external_ips: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceStatus {
    load_balancer: LoadBalancer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    ingress: Option<Vec<Ip>>,
}

impl Listed for Pod {
    type Kind = v1::Pod;
}

impl Listed for Node {
    type Kind = v1::Node;
}

impl Listed for Service {
    type Kind = v1::Service;
}

/// The names of all that has an address of its own.
pub(super) fn of(mut pods: Vec<Pod>, nodes: Vec<Node>, services: Vec<Service>) -> AddressNames {
    let mut names = AddressNames::default();
    // The newest first: a pod of a node that was lost may be said to run long after another got its address.
    pods.sort_by_key(|pod| Reverse(pod.since()));
    for pod in pods.iter().filter(|pod| pod.has_own_addresses()) {
        add(
            &mut names,
            pod.addresses(),
            &pod.metadata.full_name(),
            pod.since(),
        );
    }
    // Nodes before services: some load balancers lend a node's address to a service.
    for node in &nodes {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        add(&mut names, node.addresses(), name, node.metadata.since());
    }
    for service in &services {
        let name = format!("svc/{}", service.metadata.full_name());
        add(
            &mut names,
            service.addresses(),
            &name,
            service.metadata.since(),
        );
    }
    names
}

fn add<'a>(
    names: &mut AddressNames,
    addresses: impl Iterator<Item = &'a str>,
    name: &str,
    since: Option<Timestamp>,
) {
    if name.is_empty() {
        return;
    }
    // `None`, a host name and the empty string are none.
    for address in addresses.filter_map(|text| text.parse::<IpAddr>().ok()) {
        names.add_since(address, name, since);
    }
}

impl Metadata {
    /// `namespace/name`, as everywhere.
    fn full_name(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        match self.namespace.as_deref() {
            Some(namespace) if !namespace.is_empty() => format!("{namespace}/{name}"),
            _ => name.to_owned(),
        }
    }

    fn since(&self) -> Option<Timestamp> {
        self.creation_timestamp.as_ref().map(moment)
    }
}

impl Pod {
    /// A pod on the node's network has the node's addresses; those of a pod that has ended may be
    /// another's by now.
    fn has_own_addresses(&self) -> bool {
        let ended = matches!(self.status.phase.as_deref(), Some("Succeeded" | "Failed"));
        !ended && self.spec.host_network != Some(true)
    }

    /// When its kubelet took it up, which is before it got its address.
    fn since(&self) -> Option<Timestamp> {
        let started = self.status.start_time.as_ref().map(moment);
        started.or_else(|| self.metadata.since())
    }

    fn addresses(&self) -> impl Iterator<Item = &str> {
        let listed = self.status.pod_ips.iter().flatten();
        listed
            .filter_map(|address| address.ip.as_deref())
            .chain(self.status.pod_ip.as_deref())
    }
}

impl Node {
    fn addresses(&self) -> impl Iterator<Item = &str> {
        let listed = self.status.addresses.iter().flatten();
        listed
            .filter(|address| matches!(address.kind.as_str(), "InternalIP" | "ExternalIP"))
            .map(|address| address.address.as_str())
    }
}

impl Service {
    fn addresses(&self) -> impl Iterator<Item = &str> {
        let spec = &self.spec;
        let own = spec.cluster_ips.iter().chain(&spec.external_ips).flatten();
        let lent = self.status.load_balancer.ingress.iter().flatten();
        own.map(String::as_str)
            .chain(spec.cluster_ip.as_deref())
            .chain(lent.filter_map(|address| address.ip.as_deref()))
    }
}

/// The API server's times are whole seconds, rounded down.
fn moment(time: &Time) -> Timestamp {
    Timestamp {
        seconds: time.0.as_second(),
        nanos: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read<T: Listed>(objects: Value) -> Vec<T> {
        serde_json::from_value(objects).unwrap()
    }

    fn get(names: &AddressNames, address: &str, seconds: i64) -> Option<String> {
        let time = Timestamp { seconds, nanos: 1 };
        let name = names.get(address.parse().unwrap(), time);
        name.map(str::to_owned)
    }

    #[test]
    fn pods_are_named_by_all_addresses_of_their_own() {
        let pods = json!([
            {
                "metadata": {"namespace": "default", "name": "dual", "creationTimestamp": "1970-01-01T00:00:01Z"},
                "status": {
                    "phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
                    "startTime": "1970-01-01T00:00:02Z",
                },
            },
            // As a server before 1.16 says it.
            {"metadata": {"namespace": "default", "name": "old"}, "status": {"podIP": "10.0.0.2"}},
            // Not scheduled yet, and one whose addresses are nulls.
            {"metadata": {"namespace": "default", "name": "pending"}, "spec": {}, "status": {"phase": "Pending"}},
            {"metadata": {"name": "null"}, "status": {"podIP": null, "podIPs": null, "startTime": null}},
            {
                "metadata": {"namespace": "default", "name": "done"},
                "status": {"phase": "Failed", "podIP": "10.0.0.3", "podIPs": [{"ip": "10.0.0.3"}]},
            },
            {
                "metadata": {"namespace": "kube-system", "name": "proxy"},
                "spec": {"hostNetwork": true}, "status": {"phase": "Running", "podIP": "192.168.0.1"},
            },
        ]);
        let names = of(read(pods), Vec::new(), Vec::new());
        for address in ["10.0.0.1", "fd00::1"] {
            let seen = [1, 2].map(|seconds| get(&names, address, seconds));
            assert_eq!(seen, [None, Some("default/dual".to_owned())], "{address}");
        }
        assert_eq!(get(&names, "10.0.0.2", 0).as_deref(), Some("default/old"));
        for address in ["10.0.0.3", "192.168.0.1"] {
            assert_eq!(get(&names, address, 9), None, "{address}");
        }
    }

    #[test]
    fn of_two_pods_with_one_address_the_later_has_it() {
        let pod = |name: &str, start: &str| {
            json!({
                "metadata": {"namespace": "default", "name": name},
                "status": {"podIP": "10.0.0.1", "startTime": start},
            })
        };
        let lost = pod("on-a-lost-node", "1970-01-01T00:00:10Z");
        let moved = pod("moved", "1970-01-01T00:00:20Z");
        for pods in [json!([lost, moved]), json!([moved, lost])] {
            let names = of(read(pods), Vec::new(), Vec::new());
            let seen = [9, 10, 19, 20].map(|seconds| get(&names, "10.0.0.1", seconds));
            let (lost, moved) = ("default/on-a-lost-node", "default/moved");
            let expected = [None, Some(lost), Some(lost), Some(moved)];
            assert_eq!(seen, expected.map(|name| name.map(str::to_owned)));
        }
    }

    #[test]
    fn nodes_and_services_are_named_by_what_is_theirs() {
        let nodes = json!([{
            "metadata": {"name": "host01"},
            "status": {"addresses": [
                {"type": "Hostname", "address": "172.16.0.1"},
                {"type": "InternalIP", "address": "192.168.61.11"},
                {"type": "ExternalIP", "address": "203.0.113.7"},
                {"type": "InternalDNS", "address": "host01.local"},
            ]},
        }]);
        let services = json!([
            {
                "metadata": {"namespace": "kube-system", "name": "dns"},
                "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10", "fd00::10"]},
                "status": {"loadBalancer": {}},
            },
            {
                "metadata": {"namespace": "default", "name": "web"},
                "spec": {"clusterIP": "10.96.0.20", "externalIPs": ["198.51.100.1"]},
                "status": {"loadBalancer": {"ingress": [
                    {"ip": "198.51.100.2"}, {"hostname": "lb.example"}, {"ip": "192.168.61.11"},
                ]}},
            },
            {"metadata": {"namespace": "default", "name": "headless"}, "spec": {"clusterIP": "None"}},
            {"metadata": {"namespace": "default", "name": "external"}, "spec": {"clusterIP": ""}},
        ]);
        let names = of(Vec::new(), read(nodes), read(services));
        for (address, name) in [
            ("192.168.61.11", Some("host01")),
            ("203.0.113.7", Some("host01")),
            ("172.16.0.1", None),
            ("10.96.0.10", Some("svc/kube-system/dns")),
            ("fd00::10", Some("svc/kube-system/dns")),
            ("10.96.0.20", Some("svc/default/web")),
            ("198.51.100.1", Some("svc/default/web")),
            ("198.51.100.2", Some("svc/default/web")),
        ] {
            assert_eq!(get(&names, address, 0).as_deref(), name, "{address}");
        }
    }
}
