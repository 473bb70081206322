//! Attaching pods to networks and detaching them, as kubelet and a container runtime do: the node's CNI
//! directory decides, the plugins run as processes of the node, results are cached where libcni has them.

use std::path::PathBuf;

use plugin_core::chain::{
    self, Cache, CachedAttachment, Container, Directory, NetworkList, Runtime,
};
use plugin_core::netlink::{Socket, link};
use plugin_core::netns::Netns;
use plugin_core::spec::{AddResult, Args, Attachment as Interface, IfName, NetworkName};
use serde_json::{Map, Value, json};

use super::files::{CNI_BIN, CNI_CACHE, CNI_NET};
use super::namespaces;
use super::process::Held;
use super::state::{Attachment, Capabilities, Pod};
use crate::error::{Error, Result};

/// Attaches the pod to its node's default network and to those it names besides, and returns what it got.
///
/// # Errors
/// When there is no usable configuration or a plugin fails. Networks attached before stay so: detach.
pub fn attach(node: &Held, pod: &Pod) -> Result<Vec<Attachment>> {
    inside(node, pod, "attach", || {
        let runtime = runtime();
        let mut attachments = Vec::new();
        for (list, ifname) in wanted(pod)? {
            let container = container(pod, ifname)?;
            let added = runtime.add(&list, &container).map_err(|e| e.to_string())?;
            if let Some(error) = added.failure() {
                return Err(error.to_string());
            }
            let result = added.result.unwrap_or_default();
            let (result, _) =
                AddResult::from_value(result, list.version).map_err(|e| e.to_string())?;
            attachments.push(attachment(
                &list.name,
                &container.attachment.ifname,
                &result,
            ));
        }
        Ok(attachments)
    })
}

/// Detaches the pod from every network it is or may be attached to, the last one first, and to the end.
///
/// # Errors
/// The first failure; the rest has been tried all the same.
pub fn detach(node: &Held, pod: &Pod) -> Result<()> {
    inside(node, pod, "detach", || {
        let runtime = runtime();
        let mut attached = remembered(&runtime, pod)?;
        // A killed ADD is remembered nowhere: what the pod was to be attached to counts as well. Without a
        // configuration (any more) there is nothing to go by.
        for (list, ifname) in wanted(pod).unwrap_or_default() {
            if !attached
                .iter()
                .any(|(l, i)| l.name == list.name && *i == ifname)
            {
                attached.push((list, ifname));
            }
        }
        attached.sort_by(|(_, a), (_, b)| b.cmp(a));
        let mut first_failure = None;
        for (list, ifname) in attached {
            let failure = match runtime.del(&list, &container(pod, ifname)?) {
                Ok(steps) => chain::runtime::first_failure(&steps).map(ToString::to_string),
                Err(error) => Some(error.to_string()),
            };
            first_failure = first_failure.or(failure);
        }
        first_failure.map_or(Ok(()), Err)
    })
}

fn inside<T: Send>(
    node: &Held,
    pod: &Pod,
    what: &str,
    f: impl FnOnce() -> Result<T, String> + Send,
) -> Result<T> {
    let result = namespaces::run_inside(node, f).unwrap_or_else(|error| Err(error.to_string()));
    result.map_err(|e| {
        Error::failed(format!("cannot {what} {} on {}", pod.full_name(), pod.node)).caused_by(e)
    })
}

fn runtime() -> Runtime {
    Runtime {
        path: vec![PathBuf::from(CNI_BIN)],
        cache: Cache::new(CNI_CACHE),
        limit: chain::runtime::DEFAULT_LIMIT,
    }
}

/// The networks the pod is to have, with the interface for each: eth0, net1, net2, …
fn wanted(pod: &Pod) -> Result<Vec<(NetworkList, IfName)>, String> {
    let directory = Directory::read(CNI_NET).map_err(|e| e.to_string())?;
    let (_, default) = directory.winner().map_err(|e| e.to_string())?;
    let mut wanted = vec![(default.clone(), ifname("eth0")?)];
    for (n, name) in pod.networks.iter().enumerate() {
        let (_, list) = directory.named(name).map_err(|e| e.to_string())?;
        wanted.push((list.clone(), ifname(&format!("net{}", n + 1))?));
    }
    Ok(wanted)
}

/// The networks that the cache says the pod is attached to, with the configuration at that time.
fn remembered(runtime: &Runtime, pod: &Pod) -> Result<Vec<(NetworkList, IfName)>, String> {
    let cached = runtime.cache.attachments().map_err(|e| e.to_string())?;
    let of_pod = |cached: &CachedAttachment| cached.attachment.container_id.as_str() == pod.sandbox;
    let list = |cached: CachedAttachment| {
        let list = NetworkList::from_text(cached.config).map_err(|e| e.to_string())?;
        Ok((list, cached.attachment.ifname))
    };
    cached.into_iter().filter(of_pod).map(list).collect()
}

fn container(pod: &Pod, ifname: IfName) -> Result<Container, String> {
    let addresses: Vec<String> = pod.requested.iter().map(ToString::to_string).collect();
    // Requested addresses are for the default network; the others have pools of their own.
    let is_default = ifname.as_str() == "eth0";
    let mut capability_args = capability_args(&pod.capabilities);
    if is_default && !addresses.is_empty() {
        capability_args.insert("ips".to_owned(), json!(addresses));
    }
    let mut args = vec![
        ("IgnoreUnknown", "1".to_owned()),
        ("K8S_POD_NAMESPACE", pod.namespace.clone()),
        ("K8S_POD_NAME", pod.name.clone()),
        ("K8S_POD_INFRA_CONTAINER_ID", pod.sandbox.clone()),
    ];
    if is_default && !addresses.is_empty() {
        args.push(("IP", addresses.join(",")));
    }
    Ok(Container {
        attachment: Interface {
            container_id: pod
                .sandbox
                .parse()
                .map_err(|e: plugin_core::spec::Error| e.to_string())?,
            ifname,
        },
        netns: Some(pod.netns.clone()),
        args: Args::from_pairs(args.into_iter().map(|(key, value)| (key.to_owned(), value))),
        capability_args,
    })
}

/// What kubelet makes of a pod's ports and bandwidth annotations.
fn capability_args(capabilities: &Capabilities) -> Map<String, Value> {
    let mut args = Map::new();
    if !capabilities.ports.is_empty() {
        let mapping = |port: &super::state::HostPort| {
            json!({
                "hostPort": port.host,
                "containerPort": port.container,
                "protocol": port.protocol.name(),
            })
        };
        let mappings: Vec<Value> = capabilities.ports.iter().map(mapping).collect();
        args.insert("portMappings".to_owned(), json!(mappings));
    }
    let mut bandwidth = Map::new();
    // The burst is containerd's: as much as fits 32 bits (go-cni, the CRI plugin's toCNIBandWidth).
    let mut limit = |direction: &str, rate: Option<u64>| {
        if let Some(rate) = rate {
            bandwidth.insert(format!("{direction}Rate"), json!(rate));
            bandwidth.insert(format!("{direction}Burst"), json!(i32::MAX));
        }
    };
    limit("ingress", capabilities.ingress_rate);
    limit("egress", capabilities.egress_rate);
    if !bandwidth.is_empty() {
        args.insert("bandwidth".to_owned(), Value::Object(bandwidth));
    }
    args
}

fn ifname(name: &str) -> Result<IfName, String> {
    name.parse()
        .map_err(|e: plugin_core::spec::Error| e.to_string())
}

fn attachment(network: &NetworkName, ifname: &IfName, result: &AddResult) -> Attachment {
    let inside = result
        .interfaces
        .iter()
        .find(|i| i.name == ifname.as_str() && i.sandbox.is_some());
    Attachment {
        network: network.to_string(),
        interface: ifname.to_string(),
        mac: inside
            .and_then(|i| i.mac.as_deref())
            .and_then(|mac| mac.parse().ok()),
        mtu: inside.and_then(|i| i.mtu),
        host_interface: None,
        addresses: result.ips.iter().map(|ip| ip.address).collect(),
    }
}

/// Fills in what plugins need not tell: what the kernel says of the interface and of its other end.
pub fn complete(attachment: &mut Attachment, pod: &Netns, node: &Netns) {
    let look = || -> Result<(), plugin_core::netlink::Error> {
        let mut inside = Socket::open_in(pod)?;
        let Some(link) = link::by_name(&mut inside, &attachment.interface)? else {
            return Ok(());
        };
        attachment.mac = link.mac.or(attachment.mac);
        attachment.mtu = Some(link.mtu);
        if let (Some("veth"), Some(peer)) = (link.kind.as_deref(), link.link) {
            let mut outside = Socket::open_in(node)?;
            attachment.host_interface = link::by_index(&mut outside, peer)?.map(|peer| peer.name);
        }
        Ok(())
    };
    // For show only: what the kernel does not tell is left out.
    let _ = { look }();
}

#[cfg(test)]
mod tests {
    use super::super::state::{HostPort, Protocol};
    use super::*;

    #[test]
    fn capabilities_are_spelled_as_kubelet_spells_them() {
        let none = capability_args(&Capabilities::default());
        assert!(none.is_empty());
        let args = capability_args(&Capabilities {
            ports: vec![HostPort {
                host: 8080,
                container: 80,
                protocol: Protocol::Tcp,
            }],
            ingress_rate: Some(10_000_000),
            egress_rate: None,
        });
        assert_eq!(
            Value::Object(args),
            json!({
                "portMappings": [{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }],
                "bandwidth": { "ingressRate": 10_000_000, "ingressBurst": 2_147_483_647 },
            })
        );
    }
}
