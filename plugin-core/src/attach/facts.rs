//! What must be known of the node before a plan can be made. Reads only.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use ipnet::IpNet;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{RouteAttribute, RouteMessage};

use super::network::{Bridge, Network, VxlanDevice, Wiring};
use crate::mac::Mac;
use crate::naming::Owner;
use crate::netlink::link::{self, Link};
use crate::netlink::{self, IfIndex, Socket, address};
use crate::node::network::{OVERHEAD_V4, OVERHEAD_V6};
use crate::node::settings::Encap;
use crate::routed;
use crate::spec::args::Pod;
use crate::spec::{Code, Error, Result};

/// What Ethernet carries where nothing else is known.
const ETHERNET_MTU: u32 = 1500;
/// An address that no network has (RFC 5737, TEST-NET-1): its route is the default route. It is looked up,
/// never sent to.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// What a plan depends on, beside the configuration and the addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The name of the node's end.
    pub link: String,
    /// The MTU of the pair, in octets.
    pub mtu: u32,
    /// Whether the kernel has IPv6.
    pub ipv6: bool,
    /// Whether the node has a way to the pods' gateway by which it would answer ARP for it.
    pub answers_gateway: bool,
    /// The bridge, if it is there already.
    pub bridge: Option<BridgeFacts>,
}

/// A bridge that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeFacts {
    /// Its hardware address.
    pub mac: Option<Mac>,
}

impl Facts {
    /// Gathers them, and refuses what cannot work.
    ///
    /// # Errors
    /// What is wrong, or what could not be read.
    pub fn gather(
        network: &Network,
        owner: &Owner,
        pod: Option<&Pod>,
        node: &mut Socket,
    ) -> Result<Self> {
        let bridge = match &network.wiring {
            Wiring::Routed => None,
            Wiring::Bridged(bridge) => bridge_facts(network, bridge, node)?,
        };
        let answers_gateway = match network.wiring {
            Wiring::Routed => answers_for(routed::GATEWAY_V4.into(), node),
            Wiring::Bridged(_) => true,
        };
        Ok(Self {
            link: free_name(network, owner, pod, node)?,
            mtu: mtu(network, node)?,
            ipv6: Path::new("/proc/sys/net/ipv6").exists(),
            answers_gateway,
            bridge: bridge.map(|link| BridgeFacts { mac: link.mac }),
        })
    }
}

/// The pod's own name for the link, or if somebody has it, the attachment's. A pod that is replaced has
/// two sandboxes for a while, and the new one need not wait for the old.
fn free_name(
    network: &Network,
    owner: &Owner,
    pod: Option<&Pod>,
    node: &mut Socket,
) -> Result<String> {
    let wanted = owner.pod_link(&network.host_prefix, pod);
    if link::by_name(node, &wanted)?.is_none() {
        return Ok(wanted);
    }
    let unique = owner.unique_link(&network.host_prefix);
    match link::by_name(node, &unique)? {
        None => Ok(unique),
        Some(taken) => Err(Error::new(
            Code::InterfaceExists,
            format!("the node has a link {unique} already"),
        )
        .with_details(format!(
            "it is no attachment of ours{}; `ip link delete {unique}` removes it",
            taken
                .alias
                .map_or_else(String::new, |alias| format!(" (alias {alias:?})"))
        ))),
    }
}

/// The MTU of the pods: as configured, if the underlay carries it; else all that it carries.
fn mtu(network: &Network, node: &mut Socket) -> Result<u32> {
    let wrapped = network.encap != Encap::Never;
    let device = match &network.vxlan.name {
        Some(name) if wrapped => link::by_name(node, name)?,
        _ => None,
    };
    // The device that wraps has had the overhead taken off.
    let (carrier, overhead) = match device {
        Some(vxlan) => (Some(vxlan), 0),
        None => {
            let underlay = underlay(network, node)?;
            let overhead = match (&underlay, wrapped) {
                (_, false) => 0,
                (Some(link), true) if !has_ipv4(link.index, node)? => OVERHEAD_V6,
                (_, true) => OVERHEAD_V4,
            };
            (underlay, overhead)
        }
    };
    let Some(carrier) = carrier else {
        return Ok(network.mtu.unwrap_or(ETHERNET_MTU - overhead));
    };
    let most = carrier.mtu.saturating_sub(overhead);
    match network.mtu {
        Some(mtu) if mtu > most => Err(Error::config(format!(
            "mtu {mtu} is above what {} carries",
            carrier.name
        ))
        .with_details(if overhead == 0 {
            format!("{} has {}: at most {most}", carrier.name, carrier.mtu)
        } else {
            format!(
                "{} has {} and VXLAN takes {overhead}: at most {most}",
                carrier.name, carrier.mtu
            )
        })),
        Some(mtu) => Ok(mtu),
        None => Ok(most),
    }
}

/// The device that reaches the other nodes, if it is configured or there is a default route.
fn underlay(network: &Network, node: &mut Socket) -> Result<Option<Link>> {
    if let Some(name) = &network.underlay {
        let found = link::by_name(node, name)?;
        return match found {
            Some(link) => Ok(Some(link)),
            None => Err(Error::config(format!(
                "underlay {name} does not exist on this node"
            ))),
        };
    }
    match way_to(ELSEWHERE.into(), node) {
        Some(index) => Ok(link::by_index(node, index)?),
        None => Ok(None),
    }
}

/// The device by which packets to `address` leave, if there is a route.
fn way_to(address: IpAddr, node: &mut Socket) -> Option<IfIndex> {
    let mut message = RouteMessage::default();
    let destination = IpNet::from(address);
    message.header.address_family = match address {
        IpAddr::V4(_) => netlink_packet_route::AddressFamily::Inet,
        IpAddr::V6(_) => netlink_packet_route::AddressFamily::Inet6,
    };
    message.header.destination_prefix_length = destination.prefix_len();
    message
        .attributes
        .push(RouteAttribute::Destination(address.into()));
    // The kernel's refusal says that there is no route; nothing else can be wrong with the question.
    match node.get(&RouteNetlinkMessage::GetRoute(message), 0) {
        Ok(RouteNetlinkMessage::NewRoute(route)) => {
            route
                .attributes
                .iter()
                .find_map(|attribute| match attribute {
                    RouteAttribute::Oif(index) => Some(*index),
                    _ => None,
                })
        }
        _ => None,
    }
}

/// Whether the kernel would answer ARP for `gateway` on a link with proxy ARP: only where it has a route
/// to it by another link (`arp_process`, net/ipv4/arp.c), which a default route is.
fn answers_for(gateway: IpAddr, node: &mut Socket) -> bool {
    way_to(gateway, node).is_some()
}

fn has_ipv4(index: IfIndex, node: &mut Socket) -> Result<bool, netlink::Error> {
    let addresses = address::list(node)?.rows;
    Ok(addresses
        .iter()
        .any(|row| row.index == index && row.address.addr().is_ipv4()))
}

/// The bridge, if it is there; refuses names and tunnels that are somebody else's.
fn bridge_facts(network: &Network, bridge: &Bridge, node: &mut Socket) -> Result<Option<Link>> {
    let found = link::by_name(node, &bridge.name)?;
    if let Some(link) = &found
        && link.kind.as_deref() != Some("bridge")
    {
        return Err(
            Error::config(format!("bridge {} is no bridge", bridge.name)).with_details(format!(
                "the node has a link of this name, of kind {}; choose another name for the bridge",
                link.kind.as_deref().unwrap_or("hardware")
            )),
        );
    }
    refuse_foreign_tunnel(&network.vxlan, bridge, found.as_ref(), node)?;
    Ok(found)
}

/// Refuses a VXLAN port that another device has, and a device that is not what the configuration says.
fn refuse_foreign_tunnel(
    wanted: &VxlanDevice,
    bridge: &Bridge,
    there: Option<&Link>,
    node: &mut Socket,
) -> Result<()> {
    let Some(name) = &wanted.name else {
        return Ok(());
    };
    let Some(device) = link::by_name(node, name)? else {
        // The agent has not made it. If another network has its port, it never will.
        let Some(port) = wanted.port else {
            return Ok(());
        };
        let links = link::list(node)?.rows;
        let claimed = links.iter().find_map(|link| {
            let vxlan = link.vxlan.as_ref()?;
            let same_vni = wanted.vni.is_none_or(|vni| vni == vxlan.vni);
            (vxlan.port == port && same_vni).then(|| (link.name.clone(), vxlan.vni))
        });
        return match claimed {
            Some((other, vni)) => Err(Error::config(format!(
                "VXLAN port {port} is claimed by another network"
            ))
            .with_details(format!(
                "{other} has it with VNI {vni}; give {name} another port or VNI"
            ))),
            None => Ok(()),
        };
    };
    let Some(vxlan) = &device.vxlan else {
        let kind = device.kind.as_deref().unwrap_or("hardware");
        return Err(Error::config(format!(
            "vxlan {name} is no VXLAN device but of kind {kind}"
        )));
    };
    if let Some(port) = wanted.port.filter(|port| *port != vxlan.port) {
        return Err(Error::config(format!(
            "{name} has UDP port {}, the configuration says {port}",
            vxlan.port
        )));
    }
    if let Some(vni) = wanted.vni.filter(|vni| *vni != vxlan.vni) {
        return Err(Error::config(format!(
            "{name} has VNI {}, the configuration says {vni}",
            vxlan.vni
        )));
    }
    // A device without a master is routed into (flannel's way).
    let master = device
        .master
        .filter(|master| there.map(|link| link.index) != Some(*master));
    if let Some(master) = master {
        let owner = link::by_index(node, master)?
            .map_or_else(|| format!("link {master}"), |link| link.name);
        return Err(Error::config(format!(
            "{name} is a port of {owner}, not of {}",
            bridge.name
        ))
        .with_details("two networks cannot share one VXLAN device"));
    }
    Ok(())
}
