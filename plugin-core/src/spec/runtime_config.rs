//! `runtimeConfig`: what a runtime says about one container, by capability (CONVENTIONS.md).

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{RequestedIp, any_case};

/// The capabilities this engine knows; keys in any case, others are left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RuntimeConfig {
    /// Ports of the host to forward.
    pub port_mappings: Vec<PortMapping>,
    /// Rate limits.
    pub bandwidth: Option<Bandwidth>,
    /// Addresses asked for.
    pub ips: Vec<RequestedIp>,
    /// Hardware address asked for.
    pub mac: Option<String>,
    /// Address ranges, one set for each address wanted.
    pub ip_ranges: IpRanges,
    /// Resolver settings of the container.
    pub dns: Option<RuntimeDns>,
    /// Names for the container in the network's own name service.
    pub aliases: Vec<String>,
    /// The device to use, for plugins that hand one over.
    #[serde(rename = "deviceID")]
    pub device_id: Option<String>,
    /// The cgroup of the pod.
    pub cgroup_path: Option<String>,
    /// The pod's annotations, as containerd hands them over.
    #[serde(rename = "io.kubernetes.cri.pod-annotations")]
    pub pod_annotations: BTreeMap<String, String>,
}

/// A port of the host that leads into the container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortMapping {
    /// Port on the host; 0 means none was asked for.
    pub host_port: u16,
    /// Port in the container.
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`; as given, in any case.
    #[serde(default = "tcp")]
    pub protocol: String,
    /// Address of the host to listen on; empty means all.
    #[serde(default, rename = "hostIP")]
    pub host_ip: String,
}

fn tcp() -> String {
    "tcp".to_owned()
}

/// Rate limits in bits a second, bursts in bits; 0 means no limit. Directions are the container's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Bandwidth {
    /// Into the container.
    pub ingress_rate: u64,
    /// Into the container.
    pub ingress_burst: u64,
    /// Out of the container.
    pub egress_rate: u64,
    /// Out of the container.
    pub egress_burst: u64,
}

/// Resolver settings, with the keys of the capability, which differ from those of a result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RuntimeDns {
    /// Name servers.
    pub servers: Vec<String>,
    /// Search domains.
    pub searches: Vec<String>,
    /// Options.
    pub options: Vec<String>,
}

/// A range of addresses to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpRange {
    /// The subnet it lies in.
    pub subnet: IpNet,
    /// First address.
    #[serde(default, deserialize_with = "empty_is_none")]
    pub range_start: Option<IpAddr>,
    /// Last address.
    #[serde(default, deserialize_with = "empty_is_none")]
    pub range_end: Option<IpAddr>,
    /// Gateway of the subnet.
    #[serde(default, deserialize_with = "empty_is_none")]
    pub gateway: Option<IpAddr>,
}

/// Reads an address that a Go program may have written as an empty text.
pub(super) fn empty_is_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<IpAddr>, D::Error> {
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(D::Error::custom),
    }
}

/// Sets of ranges: the convention is a list of lists, and go-cni sends a flat list, each its own set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpRanges(pub Vec<Vec<IpRange>>);

impl<'de> Deserialize<'de> for IpRanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not an untagged enum, through which keys in any case would not be seen.
        Vec::<Value>::deserialize(deserializer)?
            .into_iter()
            .map(|set| match set {
                Value::Array(_) => any_case::from_value(set),
                range => any_case::from_value(range).map(|range| vec![range]),
            })
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn as_containerd_sends_it() {
        // github.com/containerd/go-cni marshals structures without tags, and empty texts for what is not set.
        let sent = json!({
            "portMappings": [
                {"HostPort": 8080, "ContainerPort": 80, "Protocol": "TCP", "HostIP": ""},
                {"HostPort": 53, "ContainerPort": 53, "Protocol": "udp", "HostIP": "192.168.61.11"},
            ],
            "bandwidth": {"IngressRate": 1000, "IngressBurst": 2000, "EgressRate": 0, "EgressBurst": 0},
            "ipRanges": [{"Subnet": "10.1.0.0/16", "RangeStart": "10.1.2.3", "RangeEnd": "", "Gateway": ""}],
            "dns": {"Servers": ["10.96.0.10"], "Searches": null, "Options": ["ndots:5"]},
            "io.kubernetes.cri.pod-annotations": {"a.b/C": "d"},
        });
        let read: RuntimeConfig = any_case::from_value(sent).unwrap();
        assert_eq!(read.port_mappings[0].host_port, 8080);
        assert_eq!(read.port_mappings[0].protocol, "TCP");
        assert_eq!(read.port_mappings[1].host_ip, "192.168.61.11");
        assert_eq!(read.bandwidth.as_ref().unwrap().ingress_burst, 2000);
        assert_eq!(read.ip_ranges.0[0][0].range_start, "10.1.2.3".parse().ok());
        assert_eq!(read.ip_ranges.0[0][0].range_end, None);
        assert_eq!(read.dns.as_ref().unwrap().servers, ["10.96.0.10"]);
        assert_eq!(read.dns.as_ref().unwrap().searches, Vec::<String>::new());
        assert_eq!(read.pod_annotations["a.b/C"], "d");
    }

    #[test]
    fn as_the_convention_writes_it() {
        let sent = json!({
            "portMappings": [{"hostPort": 8080, "containerPort": 80}],
            "ipRanges": [[{"subnet": "10.1.0.0/16"}, {"subnet": "10.2.0.0/16"}], [{"subnet": "fd00::/64"}]],
            "ips": ["10.1.2.3/24", "fd00::5"],
            "mac": "c2:11:22:33:44:66",
            "aliases": ["db"],
            "deviceID": "0000:04:00.5",
            "cgroupPath": "/kubelet.slice",
        });
        let read: RuntimeConfig = any_case::from_value(sent).unwrap();
        assert_eq!(read.port_mappings[0].protocol, "tcp");
        assert_eq!(
            read.ip_ranges.0.iter().map(Vec::len).collect::<Vec<_>>(),
            [2, 1]
        );
        assert_eq!(read.ips[0].prefix_len, Some(24));
        assert_eq!(read.aliases, ["db"]);
        assert_eq!(read.device_id.as_deref(), Some("0000:04:00.5"));
    }

    #[test]
    fn nothing_and_null_are_the_default() {
        for sent in [
            json!({}),
            json!({"portMappings": null, "bandwidth": null, "mac": null}),
        ] {
            assert_eq!(
                any_case::from_value::<RuntimeConfig>(sent).unwrap(),
                RuntimeConfig::default()
            );
        }
    }
}
