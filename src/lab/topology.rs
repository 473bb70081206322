//! What a lab consists of: the hosts' subnets, the hosts, and the pod network on them.
//!
//! A topology is written in TOML (all keys: `ovl lab up --help`) or comes from a [profile](super::profile).
//! [`Topology::parse`] fills in what was left out, so that everything behind it deals with a complete and
//! consistent one.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use plugin_core::mac::Mac;
use plugin_core::node::Settings;
use serde::{Deserialize, Serialize};

/// The device that leads from a host to its subnet, unless the topology says otherwise: VirtualBox's name
/// for the second adapter, which the sessions of the tutorial use.
const DEVICE: &str = "enp0s8";
/// The first three octets of VirtualBox's hardware addresses.
const OUI: [u8; 3] = [0x08, 0x00, 0x27];
/// The host number of the first host of a subnet.
const FIRST_V4: u128 = 11;
/// The same for IPv6, which is written in hexadecimal: `…::11`.
const FIRST_V6: u128 = 0x11;
/// Kernel link names end at 15 octets (`IFNAMSIZ`).
pub(super) const LINK_NAME_LEN: usize = 15;

/// A complete, consistent topology.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// The hosts' networks. With more than one, a router joins them.
    pub subnets: Vec<Subnet>,
    /// The hosts.
    pub nodes: Vec<Node>,
    /// The pod network: the settings of every node's agent, but for what differs by node.
    pub network: Settings,
}

/// A network of hosts: one Ethernet segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its name.
    pub name: String,
    /// Its addresses, at most one prefix a family.
    pub cidrs: Vec<IpNet>,
    /// The largest layer 3 packet it carries, in octets.
    pub mtu: u32,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The subnet it is in.
    pub subnet: String,
    /// Its device in that subnet.
    pub device: String,
    /// The hardware address of the device.
    pub mac: Mac,
    /// The addresses of the device, with the subnet's prefix lengths.
    pub addresses: Vec<IpNet>,
    /// Address blocks that are the host's from the beginning. More are claimed as pods come.
    pub blocks: Vec<IpNet>,
}

/// A topology that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not TOML, an unknown key, a value of the wrong kind.
    #[error("{0}")]
    Syntax(String),
    /// Something is missing or contradicts something else.
    #[error("{0}")]
    Wrong(String),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    subnet: Vec<WrittenSubnet>,
    node: Vec<WrittenNode>,
    network: Settings,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenSubnet {
    name: Option<String>,
    cidr: OneOrMore<IpNet>,
    mtu: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenNode {
    name: String,
    subnet: Option<String>,
    device: Option<String>,
    mac: Option<Mac>,
    address: Option<OneOrMore<IpAddr>>,
    block: Option<OneOrMore<IpNet>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an address, a prefix such as 192.168.61.0/24, or a list of them"
)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

impl Topology {
    /// Reads a topology file.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let written: Written = toml::from_str(text).map_err(|e| Error::Syntax(e.to_string()))?;
        let subnets: Vec<Subnet> = written
            .subnet
            .into_iter()
            .enumerate()
            .map(|(n, subnet)| subnet.complete(n))
            .collect();
        let mut nodes = Vec::new();
        for node in written.node {
            let node = node.complete(&subnets, &nodes)?;
            nodes.push(node);
        }
        let topology = Self {
            subnets,
            nodes,
            network: written.network,
        };
        topology.check()?;
        Ok(topology)
    }

    /// Finds what contradicts itself. The agent checks the network once more, against the kernel.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |message: String| Err(Error::Wrong(message));
        if self.nodes.is_empty() {
            return wrong("there is no node: add [[node]] with a name".into());
        }
        let mut names = BTreeSet::from([SWITCH, ROUTER]);
        for node in &self.nodes {
            check_name("node", &node.name)?;
            if !names.insert(&node.name) {
                return wrong(format!(
                    "the name {} is taken: choose another for the node",
                    node.name
                ));
            }
        }
        let mut names = BTreeSet::new();
        for (n, subnet) in self.subnets.iter().enumerate() {
            check_name("subnet", &subnet.name)?;
            if !names.insert(&subnet.name) {
                return wrong(format!("two subnets have the name {}", subnet.name));
            }
            subnet.check()?;
            for other in self.subnets.iter().take(n) {
                if let Some((a, b)) = overlap(&subnet.cidrs, &other.cidrs) {
                    return wrong(format!(
                        "subnets {} {a} and {} {b} overlap",
                        subnet.name, other.name
                    ));
                }
            }
            let pools: Vec<IpNet> = self.network.pools.iter().map(|pool| pool.cidr).collect();
            if let Some((a, b)) = overlap(&subnet.cidrs, &pools) {
                return wrong(format!("pool {b} overlaps subnet {} {a}", subnet.name));
            }
        }
        self.check_addresses()
    }

    fn check_addresses(&self) -> Result<(), Error> {
        let routers = self.router_addresses();
        let mut taken: BTreeSet<IpAddr> = routers
            .iter()
            .flat_map(|(_, addresses)| addresses)
            .map(IpNet::addr)
            .collect();
        let mut macs = BTreeSet::new();
        let mut blocks: Vec<(IpNet, &str)> = Vec::new();
        for node in &self.nodes {
            for address in &node.addresses {
                if !taken.insert(address.addr()) {
                    let (addr, name) = (address.addr(), &node.name);
                    return Err(Error::Wrong(format!(
                        "the address {addr} of {name} is taken"
                    )));
                }
            }
            if !macs.insert(node.mac) {
                let (mac, name) = (node.mac, &node.name);
                return Err(Error::Wrong(format!(
                    "the hardware address {mac} of {name} is taken"
                )));
            }
            for &block in &node.blocks {
                let pools = &self.network.pools;
                if !pools
                    .iter()
                    .any(|p| p.cidr.contains(&block) && p.block_size() == block.prefix_len())
                {
                    return Err(Error::Wrong(format!(
                        "{block} of {} is no block of a pool: it must lie in one and have its block size",
                        node.name
                    )));
                }
                if let Some((_, owner)) = blocks.iter().find(|(other, _)| *other == block) {
                    let name = &node.name;
                    return Err(Error::Wrong(format!(
                        "block {block} is both {owner}'s and {name}'s"
                    )));
                }
                blocks.push((block, &node.name));
            }
        }
        Ok(())
    }

    /// The subnet with this name.
    pub fn subnet(&self, name: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.name == name)
    }

    /// The addresses of the router in each subnet, with the subnets' prefix lengths; none when there is a
    /// single subnet and no router.
    pub fn router_addresses(&self) -> Vec<(&Subnet, Vec<IpNet>)> {
        if self.subnets.len() < 2 {
            return Vec::new();
        }
        let first = |subnet: &Subnet| subnet.cidrs.iter().filter_map(|c| host(*c, 1)).collect();
        self.subnets
            .iter()
            .map(|subnet| (subnet, first(subnet)))
            .collect()
    }
}

/// The name of the machine that holds the bridges.
pub const SWITCH: &str = "switch";
/// The name of the machine that joins the subnets.
pub const ROUTER: &str = "router";

impl Subnet {
    fn check(&self) -> Result<(), Error> {
        let families = |v4: bool| {
            self.cidrs
                .iter()
                .filter(|c| c.addr().is_ipv4() == v4)
                .count()
        };
        if self.cidrs.is_empty() || families(true) > 1 || families(false) > 1 {
            return Err(Error::Wrong(format!(
                "subnet {} must have one prefix, or one IPv4 and one IPv6 prefix",
                self.name
            )));
        }
        // RFC 8200 §5 for IPv6; RFC 791 requires every host to take 576 octets, whole or in pieces.
        let least = if families(false) > 0 { 1280 } else { 576 };
        if !(least..=65535).contains(&self.mtu) {
            return Err(Error::Wrong(format!(
                "MTU {} of subnet {} is not between {least} and 65535",
                self.mtu, self.name
            )));
        }
        Ok(())
    }
}

impl WrittenSubnet {
    fn complete(self, number: usize) -> Subnet {
        Subnet {
            name: self.name.unwrap_or_else(|| format!("net{}", number + 1)),
            cidrs: self.cidr.into_vec().iter().map(IpNet::trunc).collect(),
            mtu: self.mtu.unwrap_or(1500),
        }
    }
}

impl WrittenNode {
    fn complete(self, subnets: &[Subnet], before: &[Node]) -> Result<Node, Error> {
        let subnet = match &self.subnet {
            None => subnets.first(),
            Some(name) => subnets.iter().find(|subnet| subnet.name == *name),
        };
        let subnet = subnet.ok_or_else(|| {
            let wanted = self.subnet.as_deref().unwrap_or("(the first)");
            Error::Wrong(format!(
                "there is no subnet {wanted} for node {}",
                self.name
            ))
        })?;
        let addresses = match self.address {
            Some(addresses) => within(subnet, &self.name, addresses.into_vec())?,
            None => {
                let neighbours = before
                    .iter()
                    .filter(|node| node.subnet == subnet.name)
                    .count();
                addresses(subnet, neighbours)
            }
        };
        let device = self.device.unwrap_or_else(|| DEVICE.to_owned());
        check_link_name(&device)?;
        Ok(Node {
            mac: self.mac.unwrap_or_else(|| mac_of(&self.name, &subnet.name)),
            name: self.name,
            subnet: subnet.name.clone(),
            device,
            addresses,
            blocks: self.block.map(OneOrMore::into_vec).unwrap_or_default(),
        })
    }
}

/// The addresses of the host that has `neighbours` hosts before it in its subnet.
pub(super) fn addresses(subnet: &Subnet, neighbours: usize) -> Vec<IpNet> {
    let number = |cidr: &IpNet| match cidr {
        IpNet::V4(_) => FIRST_V4 + neighbours as u128,
        IpNet::V6(_) => FIRST_V6 + neighbours as u128,
    };
    subnet
        .cidrs
        .iter()
        .filter_map(|cidr| host(*cidr, number(cidr)))
        .collect()
}

/// A hardware address that is always the same for a name.
pub(super) fn mac_of(machine: &str, subnet: &str) -> Mac {
    let digest = sha1_smol::Sha1::from(format!("{machine} {subnet}"))
        .digest()
        .bytes();
    let [a, b, c] = OUI;
    let [d, e, f, ..] = digest;
    Mac([a, b, c, d, e, f])
}

/// The default device of a host.
pub(super) fn default_device() -> String {
    DEVICE.to_owned()
}

fn within(subnet: &Subnet, node: &str, addresses: Vec<IpAddr>) -> Result<Vec<IpNet>, Error> {
    let place = |address: IpAddr| {
        let cidr = subnet
            .cidrs
            .iter()
            .find(|cidr| cidr.contains(&address))
            .ok_or_else(|| {
                Error::Wrong(format!(
                    "{address} of {node} is not in its subnet {}",
                    subnet.name
                ))
            })?;
        IpNet::new(address, cidr.prefix_len()).map_err(|e| Error::Wrong(e.to_string()))
    };
    addresses.into_iter().map(place).collect()
}

/// The address with this number in `cidr`, if there is one.
fn host(cidr: IpNet, number: u128) -> Option<IpNet> {
    let address = match cidr {
        IpNet::V4(net) => {
            let number = u32::try_from(number).ok()?;
            IpAddr::V4(u32::from(net.network()).checked_add(number)?.into())
        }
        IpNet::V6(net) => IpAddr::V6(u128::from(net.network()).checked_add(number)?.into()),
    };
    let usable = cidr.contains(&address) && address != cidr.broadcast();
    usable
        .then(|| IpNet::new(address, cidr.prefix_len()).ok())
        .flatten()
}

fn overlap(some: &[IpNet], others: &[IpNet]) -> Option<(IpNet, IpNet)> {
    let pairs = some
        .iter()
        .flat_map(|a| others.iter().map(move |b| (*a, *b)));
    pairs
        .into_iter()
        .find(|(a, b)| a.contains(b) || b.contains(a))
}

/// Host and subnet names become host names, directories and words of a command line.
fn check_name(what: &str, name: &str) -> Result<(), Error> {
    if is_label(name) {
        Ok(())
    } else {
        Err(Error::Wrong(format!(
            "{name:?} is no name for a {what}: use lower-case letters, digits and '-' inside, at most 63"
        )))
    }
}

/// Whether `name` is a DNS label as Kubernetes asks for (RFC 1123 §2.1).
pub fn is_label(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn check_link_name(name: &str) -> Result<(), Error> {
    let bad = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.len() > LINK_NAME_LEN || name == "lo" || name.contains(bad) {
        return Err(Error::Wrong(format!(
            "{name:?} cannot be the name of a device"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
