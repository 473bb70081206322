//! The hosts' networks: a bridge for each subnet inside the switch, and a veth pair to each host.
//!
//! All links are made in the namespace of the switch, the far end in that of the host from the start;
//! the namespace that `ovl` runs in never sees one. The switch has no other links: there is no way out.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use ipnet::IpNet;
use plugin_core::mac::Mac;
use plugin_core::netlink::link::{self, VethEnd};
use plugin_core::netlink::route::Route;
use plugin_core::netlink::{Change, IfIndex, Socket, address};
use plugin_core::netns::Netns;

use super::state::Machine;
use super::topology::{self, ROUTER, SWITCH, Topology};
use crate::error::{Error, Result};

/// `RTPROT_STATIC`: what an administrator has configured.
const STATIC: u8 = 4;

/// The ports that cannot be named after their host are `port0`, `port1`, ….
const PORT_PREFIX: &str = "port";
/// The bridges of the switch are `br0`, `br1`, …: one a subnet.
const BRIDGE_PREFIX: &str = "br";

/// A cable from the switch to a machine.
struct Cable<'a> {
    machine: &'a str,
    device: String,
    port: String,
    /// Which subnet it belongs to, counted from zero.
    subnet: usize,
    mac: Mac,
    mtu: u32,
    addresses: Vec<IpNet>,
    /// Where the host sends what is for another subnet.
    gateways: Vec<IpNet>,
}

/// Connects the machines as the topology says.
///
/// # Errors
/// When the kernel refuses a link, an address or a route.
pub fn lay(topology: &Topology, machines: &[Machine]) -> Result<()> {
    let mut namespaces = BTreeMap::new();
    for machine in machines {
        let netns =
            Netns::of_pid(machine.process.pid).map_err(|e| lost(&machine.name).caused_by(e))?;
        namespaces.insert(machine.name.as_str(), netns);
    }
    let find = |name: &str| namespaces.get(name).ok_or_else(|| lost(name));
    let switch = find(SWITCH)?;
    let mut socket = Open::new(SWITCH, switch)?;
    // The bridges only switch: without this they would take part in IPv6 themselves.
    set_all(
        SWITCH,
        switch,
        &[
            "net/ipv6/conf/all/disable_ipv6",
            "net/ipv6/conf/default/disable_ipv6",
        ],
    )?;
    let mut bridges = Vec::new();
    for number in 0..topology.subnets.len() {
        let name = format!("{BRIDGE_PREFIX}{number}");
        socket.apply("make a bridge", &link::add_bridge(&name, None, 0, true))?;
        bridges.push(socket.index(&name)?);
    }
    for cable in cables(topology) {
        let netns = find(cable.machine)?;
        let bridge = bridges
            .get(cable.subnet)
            .copied()
            .ok_or_else(|| lost(cable.machine))?;
        let near = VethEnd {
            name: &cable.port,
            mac: None,
            netns: None,
        };
        let far = VethEnd {
            name: &cable.device,
            mac: Some(cable.mac),
            netns: Some(netns),
        };
        let what = format!("lay a cable to {}", cable.machine);
        socket.apply(&what, &link::add_veth_port(&near, &far, cable.mtu, bridge))?;
        let port = socket.index(&cable.port)?;
        socket.apply(&what, &link::Set::index(port).up(true).change())?;
        configure(&cable, netns)?;
    }
    if let Some(router) = namespaces.get(ROUTER) {
        set_all(
            ROUTER,
            router,
            &["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"],
        )?;
    }
    Ok(())
}

/// Raises loopback, as every host does first.
///
/// # Errors
/// When the kernel refuses.
pub fn raise_loopback(machine: &str, netns: &Netns) -> Result<()> {
    Open::new(machine, netns)?.apply("raise lo", &link::Set::name("lo").up(true).change())
}

fn configure(cable: &Cable<'_>, netns: &Netns) -> Result<()> {
    let mut socket = Open::new(cable.machine, netns)?;
    let index = socket.index(&cable.device)?;
    let mut changes = vec![link::Set::index(index).up(true).change()];
    changes.extend(
        cable
            .addresses
            .iter()
            .map(|&net| address::add(index, net, true)),
    );
    for gateway in &cable.gateways {
        let any = match gateway {
            IpNet::V4(_) => IpNet::V4(Default::default()),
            IpNet::V6(_) => IpNet::V6(Default::default()),
        };
        let mut route = Route::to(any, STATIC);
        route.gateway = Some(gateway.addr());
        route.oif = Some(index);
        changes.push(route.add());
    }
    for change in &changes {
        socket.apply(&format!("configure {}", cable.device), change)?;
    }
    Ok(())
}

fn cables(topology: &Topology) -> Vec<Cable<'_>> {
    let routers = topology.router_addresses();
    let mut cables = Vec::new();
    for (n, node) in topology.nodes.iter().enumerate() {
        let place = topology
            .subnets
            .iter()
            .enumerate()
            .find(|(_, s)| s.name == node.subnet);
        let Some((number, subnet)) = place else {
            continue;
        };
        let like = |gateway: &&IpNet| {
            node.addresses
                .iter()
                .any(|own| own.addr().is_ipv4() == gateway.addr().is_ipv4())
        };
        let router = routers
            .get(number)
            .map_or(&[][..], |(_, addresses)| addresses.as_slice());
        cables.push(Cable {
            machine: &node.name,
            device: node.device.clone(),
            port: port_name(&node.name, n),
            subnet: number,
            mac: node.mac,
            mtu: subnet.mtu,
            addresses: node.addresses.clone(),
            gateways: router.iter().filter(like).copied().collect(),
        });
    }
    for (number, (subnet, addresses)) in routers.iter().enumerate() {
        cables.push(Cable {
            machine: ROUTER,
            device: format!("eth{number}"),
            port: format!("{ROUTER}{number}"),
            subnet: number,
            mac: topology::mac_of(ROUTER, &subnet.name),
            mtu: subnet.mtu,
            addresses: addresses.clone(),
            gateways: Vec::new(),
        });
    }
    cables
}

/// The switch's ports are named after what is at the other end, where that is a name for a link.
pub(super) fn port_name(node: &str, number: usize) -> String {
    let taken = [BRIDGE_PREFIX, ROUTER, PORT_PREFIX].iter().any(|prefix| {
        node.strip_prefix(prefix)
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
    });
    if node.len() > topology::LINK_NAME_LEN || taken || node == "lo" {
        format!("{PORT_PREFIX}{number}")
    } else {
        node.to_owned()
    }
}

/// Sets switches below `/proc/sys` of a machine's namespace to 1. What the kernel does not have (it may be
/// built without IPv6) needs no setting.
fn set_all(machine: &str, netns: &Netns, switches: &[&str]) -> Result<()> {
    let set = || -> io::Result<()> {
        for switch in switches {
            match fs::write(format!("/proc/sys/{switch}"), "1") {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    };
    let result = netns.run(set).map_err(|e| lost(machine).caused_by(e))?;
    result.map_err(|e| {
        Error::failed(format!("cannot set {} on {machine}", switches.join(", "))).caused_by(e)
    })
}

fn lost(machine: &str) -> Error {
    Error::failed(format!("cannot find the network namespace of {machine}"))
}

/// A netlink socket that names its machine in errors.
struct Open<'a> {
    machine: &'a str,
    socket: Socket,
}

impl<'a> Open<'a> {
    fn new(machine: &'a str, netns: &Netns) -> Result<Self> {
        let socket = Socket::open_in(netns).map_err(|e| {
            Error::failed(format!("cannot open a netlink socket on {machine}")).caused_by(e)
        })?;
        Ok(Self { machine, socket })
    }

    fn apply(&mut self, what: &str, change: &Change) -> Result<()> {
        self.socket
            .apply(change)
            .map_err(|e| self.failed(what).caused_by(e))
    }

    fn index(&mut self, name: &str) -> Result<IfIndex> {
        let link = link::by_name(&mut self.socket, name);
        let link = link.map_err(|e| self.failed(&format!("look at {name}")).caused_by(e))?;
        link.map(|link| link.index)
            .ok_or_else(|| self.failed(&format!("find {name}")))
    }

    fn failed(&self, what: &str) -> Error {
        Error::failed(format!("cannot {what} on {}", self.machine))
    }
}

#[cfg(test)]
mod tests {
    use super::super::profile::Profile;
    use super::*;

    #[test]
    fn ports_bear_the_names_of_hosts_where_they_can() {
        assert_eq!(port_name("host01", 0), "host01");
        assert_eq!(port_name("br0", 4), "port4");
        assert_eq!(port_name("router1", 5), "port5");
        assert_eq!(port_name("a-name-that-is-too-long", 6), "port6");
        assert_eq!(port_name("bridge", 0), "bridge");
    }

    #[test]
    fn hosts_behind_a_router_have_a_default_route_and_others_have_none() {
        let topology = Profile::CrossSubnet.topology(3).unwrap();
        let cables = cables(&topology);
        let gateways: Vec<String> = cables
            .iter()
            .map(|c| format!("{} {:?}", c.machine, c.gateways))
            .collect();
        assert_eq!(
            gateways,
            [
                "host01 [192.168.61.1/24]",
                "host02 [192.168.61.1/24]",
                "host03 [192.168.62.1/24]",
                "router []",
                "router []"
            ]
        );
        let topology = Profile::Calico.topology(3).unwrap();
        assert!(
            super::cables(&topology)
                .iter()
                .all(|c| c.gateways.is_empty())
        );
    }
}
