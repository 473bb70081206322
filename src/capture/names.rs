//! Who has which address: pods, nodes and services, as a snapshot, a lab, a cluster or the capture file
//! itself says.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use smallvec::SmallVec;

use crate::lab::state::State;
use crate::model::bundle::Bundle;
use crate::model::link::LinkKind;
use crate::model::netns::Netns;
use crate::model::node::Node;
use crate::wire::Timestamp;
use crate::wire::packet::VxlanPorts;

/// Names by address.
#[derive(Debug, Default)]
pub struct AddressNames {
    names: HashMap<IpAddr, Owners>,
    vxlan_ports: Vec<u16>,
}

/// All who have, or had, an address.
#[derive(Debug, Default)]
struct Owners {
    list: SmallVec<[Owner; 1]>,
    /// Whether a packet was older than all of them.
    asked_too_early: AtomicBool,
}

/// Who has an address.
#[derive(Debug)]
struct Owner {
    name: String,
    /// From when on; always if the source of the name does not say.
    since: Option<Timestamp>,
}

impl AddressNames {
    /// What a snapshot says: pods by the addresses of their sandboxes, nodes by those of their own
    /// devices, services by the nodes' rules, and the ports of all VXLAN devices.
    pub fn from_bundle(bundle: &Bundle) -> Self {
        let mut names = Self::default();
        for node in &bundle.nodes {
            names.add_node(node);
        }
        names
    }

    /// What a lab says: its pods and nodes.
    pub fn from_lab(lab: &State) -> Self {
        let mut names = Self::default();
        for pod in &lab.pods {
            let name = pod.full_name();
            for attachment in &pod.attachments {
                for network in &attachment.addresses {
                    names.add(network.addr(), &name);
                }
            }
        }
        for node in &lab.topology.nodes {
            for network in &node.addresses {
                names.add(network.addr(), &node.name);
            }
        }
        names
    }

    fn add_node(&mut self, node: &Node) {
        for sandbox in node
            .sandboxes
            .iter()
            .filter(|sandbox| !sandbox.host_network)
        {
            let name = sandbox.full_name();
            for &address in &sandbox.addresses {
                self.add(address, &name);
            }
            if let Some(netns) = node.netns_of(sandbox) {
                self.add_addresses(netns, &name);
            }
        }
        if let Some(root) = node.root() {
            self.add_addresses(root, &node.name);
            for at in root.netfilter.services() {
                self.add(at.address, &format!("svc/{}", at.service));
            }
        }
        for netns in &node.namespaces {
            for link in netns.links.iter() {
                if let LinkKind::Vxlan(vxlan) = &link.kind {
                    self.add_vxlan_port(vxlan.port);
                }
            }
        }
    }

    fn add_addresses(&mut self, netns: &Netns, name: &str) {
        for address in netns.addresses.iter() {
            self.add(address.address, name);
        }
    }

    /// Calls `address` by `name`. The first name counts; addresses that every machine has get none.
    pub fn add(&mut self, address: IpAddr, name: &str) {
        self.add_since(address, name, None);
    }

    /// Calls `address` by `name` in packets that are not older than `since`. Of several names that are right
    /// for a packet the first counts.
    pub fn add_since(&mut self, address: IpAddr, name: &str, since: Option<Timestamp>) {
        let everywhere = match address {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
        };
        if everywhere {
            return;
        }
        let owners = &mut self.names.entry(address).or_default().list;
        // What comes behind a name that is always right would never be asked for.
        if owners
            .iter()
            .all(|owner| owner.since > since && owner.since.is_some())
        {
            owners.push(Owner {
                name: name.to_owned(),
                since,
            });
        }
    }

    /// Adds the names that a capture file holds.
    pub fn add_all(&mut self, names: &BTreeMap<IpAddr, String>) {
        for (address, name) in names {
            self.add(*address, name);
        }
    }

    /// A VXLAN device listens on this UDP port.
    pub fn add_vxlan_port(&mut self, port: u16) {
        if !self.vxlan_ports.contains(&port) {
            self.vxlan_ports.push(port);
        }
    }

    /// The ports everybody uses and those of the known devices.
    pub fn vxlan_ports(&self) -> VxlanPorts {
        let mut ports = VxlanPorts::default();
        for &port in &self.vxlan_ports {
            ports.add(port);
        }
        ports
    }

    /// Whether there is any name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of an address in a packet of this time.
    #[inline]
    pub fn get(&self, address: IpAddr, time: Timestamp) -> Option<&str> {
        if self.names.is_empty() {
            return None;
        }
        let owners = self.names.get(&address)?;
        let owner = owners
            .list
            .iter()
            .find(|owner| owner.since.is_none_or(|since| since <= time));
        if owner.is_none() {
            owners.asked_too_early.store(true, Ordering::Relaxed);
        }
        owner.map(|owner| owner.name.as_str())
    }

    /// How many addresses [`get`](Self::get) had no name for only because the packet was too old.
    pub fn asked_too_early(&self) -> usize {
        let owners = self.names.values();
        owners
            .filter(|owners| owners.asked_too_early.load(Ordering::Relaxed))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::table::Table;

    #[test]
    fn what_every_machine_has_names_nobody() {
        let mut names = AddressNames::default();
        let [pod, loopback, local] =
            ["10.46.0.8", "127.0.0.1", "fe80::1"].map(|text| text.parse::<IpAddr>().unwrap());
        for address in [pod, loopback, local] {
            names.add(address, "default/pod1");
        }
        names.add(pod, "other");
        let now = Timestamp::default();
        assert_eq!(names.get(pod, now), Some("default/pod1"));
        assert_eq!(
            (names.get(loopback, now), names.get(local, now)),
            (None, None)
        );
    }

    #[test]
    fn a_name_counts_from_when_its_owner_began() {
        let at = |seconds| Timestamp { seconds, nanos: 0 };
        let mut names = AddressNames::default();
        let [reused, kept] = ["10.46.0.8", "10.46.0.9"].map(|text| text.parse().unwrap());
        names.add_since(reused, "default/new", Some(at(200)));
        names.add_since(reused, "default/old", Some(at(100)));
        names.add_since(kept, "default/young", Some(at(200)));
        names.add(kept, "from the file");
        names.add(kept, "never asked for");
        assert_eq!(names.get(reused, at(100)), Some("default/old"));
        assert_eq!(names.asked_too_early(), 0);
        let seen = [99, 100, 199, 200].map(|time| names.get(reused, at(time)));
        let (old, new) = (Some("default/old"), Some("default/new"));
        assert_eq!(seen, [None, old, old, new]);
        assert_eq!(names.get(kept, at(199)), Some("from the file"));
        assert_eq!(names.get(kept, at(200)), Some("default/young"));
        assert_eq!(names.asked_too_early(), 1);
    }

    #[test]
    fn services_are_named_by_the_rules_of_nodes() {
        let map = serde_json::json!({"map": {"table": "kube-proxy", "name": "service-ips", "elem": [
            [{"concat": ["10.96.0.10", "udp", 53]}, {"goto": {"target": "service-N-kube-system/dns/udp/dns"}}],
        ]}});
        let mut root = Netns::default();
        root.netfilter.nft = Table::complete(vec![map]);
        let node = Node {
            name: "host01".into(),
            namespaces: vec![root],
            ..Node::default()
        };
        let names = AddressNames::from_bundle(&Bundle::new(vec![node], Vec::new()));
        let service = "10.96.0.10".parse().unwrap();
        assert_eq!(
            names.get(service, Timestamp::default()),
            Some("svc/kube-system/dns")
        );
    }
}
