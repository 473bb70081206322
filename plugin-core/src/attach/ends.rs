//! The two ends of a pod's veth pair, and what both plugins do with them.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::mac::Mac;
use crate::naming::{FIRST_INTERFACE, Owner};
use crate::plan::{Operation, Side, VethEnd};
use crate::spec::{AddResult, Interface};

/// A pair, before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// Whose it is.
    pub owner: Owner,
    /// The end on the node.
    pub node: VethEnd,
    /// The end in the pod.
    pub pod: VethEnd,
    /// The MTU of both, in octets.
    pub mtu: u32,
    /// Whether the kernel has IPv6.
    pub ipv6: bool,
}

impl Ends {
    /// The ends of `owner`'s pair; the pod's hardware address follows its first IP address.
    pub fn new(owner: &Owner, node: VethEnd, mtu: u32, ipv6: bool, given: &AddResult) -> Self {
        let address = given.ips.first().map(|ip| ip.address.addr());
        let name = owner.attachment.ifname.to_string();
        let pod = VethEnd {
            name,
            mac: owner.pod_mac(address),
        };
        Self {
            owner: owner.clone(),
            node,
            pod,
            mtu,
            ipv6,
        }
    }

    /// Makes the pair, as a port of `bridge` if there is one, and says whose it is.
    pub(crate) fn create(&self, bridge: Option<&str>) -> [Operation; 2] {
        [
            Operation::CreateVeth {
                node: self.node.clone(),
                pod: self.pod.clone(),
                mtu: self.mtu,
                bridge: bridge.map(str::to_owned),
            },
            Operation::SetAlias {
                link: self.node.name.clone(),
                alias: self.owner.alias(),
            },
        ]
    }

    /// Gives the pod's end its addresses and raises it.
    pub(crate) fn address_pod(&self, given: &AddResult) -> Vec<Operation> {
        let link = &self.pod.name;
        let mut list = Vec::new();
        if has_ipv6(given) {
            // Runtimes may start a namespace without IPv6; and an address that is being looked for
            // duplicates cannot be used for a second.
            for (name, value) in [("disable_ipv6", 0), ("accept_ra", 0), ("accept_dad", 0)] {
                list.push(Operation::link_sysctl(
                    Side::Pod,
                    "ipv6/conf",
                    link,
                    name,
                    value,
                ));
            }
        }
        list.extend(given.ips.iter().map(|ip| Operation::AddAddress {
            side: Side::Pod,
            link: link.clone(),
            address: ip.address,
        }));
        list.push(Operation::RaiseLink {
            side: Side::Pod,
            link: link.clone(),
        });
        list
    }

    /// The routes of the result, in the pod.
    pub(crate) fn route_pod(&self, given: &AddResult) -> Vec<Operation> {
        given
            .routes
            .iter()
            .map(|route| Operation::AddRoute {
                side: Side::Pod,
                table: route.table,
                destination: route.dst.trunc(),
                gateway: route.gw,
                link: self.pod.name.clone(),
                source: None,
                metric: route.priority.or(secondary(&self.pod.name)),
                mtu: route.mtu,
            })
            .collect()
    }

    /// What a second interface needs so that packets from its addresses leave by it, where the main table
    /// would send them out of the first: a table of its own. `links` are the routes of what is on the link.
    pub(crate) fn own_table(&self, given: &AddResult, links: &[IpNet]) -> Vec<Operation> {
        let pod = &self.pod.name;
        let Some(table) = secondary(pod) else {
            return Vec::new();
        };
        let route =
            |dst, gateway| Operation::route(Side::Pod, Some(table), dst, gateway, pod, None);
        let mut list: Vec<Operation> = links.iter().map(|link| route(*link, None)).collect();
        for ip in &given.ips {
            let address = ip.address.addr();
            let default = route(everything(address), ip.gateway);
            if ip.gateway.is_some() && !list.contains(&default) {
                list.push(default);
            }
            list.push(Operation::AddRule {
                source: address.into(),
                table,
            });
        }
        list
    }

    /// The entry of an end in the result.
    pub(crate) fn interface(&self, side: Side, sandbox: &str) -> Interface {
        let (end, sandbox) = match side {
            Side::Node => (&self.node, None),
            Side::Pod => (&self.pod, Some(sandbox.to_owned())),
        };
        Interface {
            name: end.name.clone(),
            mac: Some(end.mac.to_string()),
            mtu: Some(self.mtu),
            sandbox,
            ..Interface::default()
        }
    }
}

/// The number of a secondary interface: the metric of its routes, behind those of the first, and the table
/// it has for itself. 2000 and the number that its name ends with (IPv6 has 1024 where no metric is given);
/// none for `eth0`, the first.
pub(crate) fn secondary(pod_link: &str) -> Option<u32> {
    if pod_link == FIRST_INTERFACE {
        return None;
    }
    let stem = pod_link.trim_end_matches(|c: char| c.is_ascii_digit());
    let number: u32 = pod_link
        .strip_prefix(stem)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    Some(2000 + number % 1_000_000)
}

/// Whether any address is IPv4.
pub(crate) fn has_ipv4(given: &AddResult) -> bool {
    given.ips.iter().any(|ip| ip.address.addr().is_ipv4())
}

/// Whether any address is IPv6.
pub(crate) fn has_ipv6(given: &AddResult) -> bool {
    given.ips.iter().any(|ip| ip.address.addr().is_ipv6())
}

/// Every destination of the family of `like`.
pub(crate) fn everything(like: IpAddr) -> IpNet {
    match like {
        IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
        IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
    }
}

/// An end on the node.
pub(crate) fn node_end(name: &str, mac: Mac) -> VethEnd {
    VethEnd {
        name: name.to_owned(),
        mac,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secondary_interfaces_are_numbered_by_their_names() {
        for (name, number) in [
            ("eth0", None),
            ("net1", Some(2001)),
            ("net12", Some(2012)),
            ("eth1", Some(2001)),
            ("uplink", Some(2000)),
            ("7", Some(2007)),
            ("n99999999999999", Some(2000)),
        ] {
            assert_eq!(secondary(name), number, "{name}");
        }
    }
}
