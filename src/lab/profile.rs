//! Ready-made topologies: the networks that people run, with the names, addresses and sizes of the
//! sessions in the tutorial.

use std::borrow::Cow;

use ipnet::IpNet;
use plugin_core::mac::Mac;
use plugin_core::node::Settings;
use serde::{Deserialize, Serialize};

use super::topology::{self, Error, Node, Subnet, Topology};

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Profile {
    /// Routed: a /32 a pod, block routes between the hosts, nothing wrapped.
    Calico,
    /// One flat network over VXLAN: pods find each other by ARP across hosts.
    Weave,
    /// A subnet a host, routed into VXLAN.
    Flannel,
    /// Two subnets of hosts and a router: routed inside a subnet, VXLAN across.
    CrossSubnet,
}

impl Profile {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calico => "calico",
            Self::Weave => "weave",
            Self::Flannel => "flannel",
            Self::CrossSubnet => "crosssubnet",
        }
    }

    /// The topology with this many hosts.
    ///
    /// # Errors
    /// When there is no room for so many.
    pub fn topology(self, nodes: u8) -> Result<Topology, Error> {
        let topology = Topology {
            subnets: self.subnets()?,
            nodes: self.nodes(nodes)?,
            network: self.network()?,
        };
        topology.check()?;
        Ok(topology)
    }

    fn subnets(self) -> Result<Vec<Subnet>, Error> {
        let subnet = |name: &str, cidr: &str| {
            Ok(Subnet {
                name: name.to_owned(),
                cidrs: vec![net(cidr)?],
                mtu: 1500,
            })
        };
        let mut subnets = vec![subnet("net1", "192.168.61.0/24")?];
        if self == Self::CrossSubnet {
            subnets.push(subnet("net2", "192.168.62.0/24")?);
        }
        Ok(subnets)
    }

    fn nodes(self, count: u8) -> Result<Vec<Node>, Error> {
        let subnets = self.subnets()?;
        // The first half in the first subnet; with three hosts, one pair in a subnet and two across.
        let per_subnet = usize::from(count).div_ceil(subnets.len());
        let mut nodes = Vec::new();
        for n in 0..usize::from(count) {
            let subnet = subnets.get(n / per_subnet.max(1)).ok_or_else(no_room)?;
            let name = format!("host{:02}", n + 1);
            let addresses = topology::addresses(subnet, n % per_subnet.max(1));
            if addresses.is_empty() {
                return Err(no_room());
            }
            nodes.push(Node {
                mac: self
                    .mac(n)
                    .unwrap_or_else(|| topology::mac_of(&name, &subnet.name)),
                name,
                subnet: subnet.name.clone(),
                device: topology::default_device(),
                addresses,
                blocks: self
                    .block(n)
                    .map(|block| net(&block))
                    .transpose()?
                    .into_iter()
                    .collect(),
            });
        }
        Ok(nodes)
    }

    /// The hardware addresses that the tutorial's sessions show.
    fn mac(self, node: usize) -> Option<Mac> {
        match (self, node) {
            (Self::Calico, 0) => Some(Mac([0x08, 0x00, 0x27, 0xb7, 0xef, 0xef])),
            (Self::Calico, 1) => Some(Mac([0x08, 0x00, 0x27, 0xfc, 0xd2, 0x36])),
            (Self::Weave, 0) => Some(Mac([0x08, 0x00, 0x27, 0x32, 0xa0, 0x28])),
            (Self::Weave, 1) => Some(Mac([0x08, 0x00, 0x27, 0x67, 0xb9, 0xda])),
            _ => None,
        }
    }

    /// The address blocks that the tutorial's sessions show, and flannel's, which follow the hosts.
    fn block(self, node: usize) -> Option<Cow<'static, str>> {
        let known = match (self, node) {
            (Self::Calico, 0) => "172.31.239.192/26",
            (Self::Calico, 1) => "172.31.89.192/26",
            (Self::Calico, 2) => "172.31.25.192/26",
            (Self::Weave, 0) => "10.46.0.0/20",
            (Self::Weave, 1) => "10.40.0.0/20",
            (Self::Weave, 2) => "10.32.0.0/20",
            (Self::Flannel, node) => return Some(format!("10.244.{node}.0/24").into()),
            _ => return None,
        };
        Some(known.into())
    }

    fn network(self) -> Result<Settings, Error> {
        let written = match self {
            Self::Calico => {
                r#"
                name = "k8s-pod-network"
                cniFile = "10-calico.conflist"
                mode = "routed"
                mtu = 1450
                pools = [{ cidr = "172.31.0.0/16", blockSize = 26 }]
                "#
            }
            // 1376 is what Weave's own fast datapath leaves of 1460 (see the tutorial), not what VXLAN
            // would leave of 1500.
            Self::Weave => {
                r#"
                name = "weave"
                cniFile = "10-weave.conflist"
                mode = "flat"
                mtu = 1376
                bridge = "weave"
                hostPrefix = "veth"
                pools = [{ cidr = "10.32.0.0/12", blockSize = 20 }]
                vxlan = { device = "vxlan-6784", port = 6784 }
                "#
            }
            Self::Flannel => {
                r#"
                name = "cbr0"
                cniFile = "10-flannel.conflist"
                mode = "subnets"
                mtu = 1450
                bridge = "cni0"
                hostPrefix = "veth"
                pools = [{ cidr = "10.244.0.0/16", blockSize = 24 }]
                vxlan = { device = "flannel.1", vni = 1, port = 8472 }
                "#
            }
            Self::CrossSubnet => {
                r#"
                name = "k8s-pod-network"
                cniFile = "10-calico.conflist"
                mode = "routed"
                encap = "crossSubnet"
                mtu = 1450
                pools = [{ cidr = "172.31.0.0/16", blockSize = 26 }]
                vxlan = { device = "vxlan.calico", vni = 4096, port = 4789 }
                "#
            }
        };
        toml::from_str(written).map_err(|e| Error::Syntax(e.to_string()))
    }
}

fn net(text: &str) -> Result<IpNet, Error> {
    text.parse()
        .map_err(|e| Error::Syntax(format!("{text}: {e}")))
}

fn no_room() -> Error {
    Error::Wrong("there is no room for so many nodes".into())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_profile_is_consistent_with_any_number_of_nodes() {
        for &profile in Profile::value_variants() {
            for nodes in [1, 2, 3, 4, 9, 100] {
                let topology = profile.topology(nodes).unwrap();
                assert_eq!(topology.nodes.len(), usize::from(nodes), "{profile:?}");
            }
            assert!(profile.topology(0).is_err());
        }
    }

    #[test]
    fn the_hosts_are_those_of_the_sessions() {
        let calico = Profile::Calico.topology(3).unwrap();
        let hosts: Vec<String> = calico
            .nodes
            .iter()
            .map(|n| format!("{} {}", n.name, n.addresses[0].addr()))
            .collect();
        assert_eq!(
            hosts,
            [
                "host01 192.168.61.11",
                "host02 192.168.61.12",
                "host03 192.168.61.13"
            ]
        );
        assert_eq!(calico.nodes[0].mac.to_string(), "08:00:27:b7:ef:ef");
        let across = Profile::CrossSubnet.topology(3).unwrap();
        let subnets: Vec<&str> = across.nodes.iter().map(|n| n.subnet.as_str()).collect();
        assert_eq!(subnets, ["net1", "net1", "net2"]);
    }
}
