//! A network's settings once they have been checked against the node they are for.

use std::net::IpAddr;

use ipnet::IpNet;

use super::check::{self, Refusal, overlap};
use super::mac;
use super::peer::{self, Peer, Vtep};
use super::settings::{Encap, Mode, Pool, Settings};

/// What VXLAN adds to a packet with an IPv4 outer header, in octets: 20 + 8 (UDP) + 8 + 14 (inner
/// Ethernet), RFC 7348 §5.
pub const OVERHEAD_V4: u32 = 50;
/// The same with an IPv6 outer header.
pub const OVERHEAD_V6: u32 = 70;

/// The device that reaches the other nodes, as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Underlay {
    /// Its name.
    pub device: String,
    /// Its MTU in octets.
    pub mtu: u32,
    /// Its global addresses with prefix lengths, in the kernel's order.
    pub addresses: Vec<IpNet>,
}

/// A network on one node, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// How pods are attached.
    pub mode: Mode,
    /// When traffic between nodes is wrapped.
    pub encap: Encap,
    /// Where pod addresses come from.
    pub pools: Vec<Pool>,
    /// The pods' MTU in octets.
    pub mtu: u32,
    /// Whether what leaves the pools takes the node's address.
    pub masquerade: bool,
    /// The tunnel device; none when `encap` is `never`.
    pub vxlan: Option<Vxlan>,
    /// The bridge of the modes that have one.
    pub bridge: Option<String>,
}

/// The tunnel device of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vxlan {
    /// Its name.
    pub device: String,
    /// The network identifier.
    pub vni: u32,
    /// The UDP port.
    pub port: u16,
    /// Whether it learns addresses from what it receives.
    pub learning: bool,
}

/// This node, as its own part of the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalNode {
    /// Its name.
    pub name: String,
    /// The underlay device.
    pub device: String,
    /// Its chosen underlay addresses, at most one a family; VXLAN runs over the first.
    pub addresses: Vec<IpNet>,
    /// The addresses of its VXLAN device inside the overlay, for routed tunnels.
    pub vtep_addresses: Vec<IpAddr>,
    /// The addresses of its bridge, with the prefix length its pods see.
    pub bridge_addresses: Vec<IpNet>,
    /// Whether the underlay device follows router advertisements (its `accept_ra` is not 0).
    pub takes_router_advertisements: bool,
}

impl Network {
    /// Checks `settings` against the node's underlay. The addresses are the ones to use on it.
    pub fn new(settings: &Settings, underlay: &Underlay) -> Result<(Self, Vec<IpNet>), Refusal> {
        check::network_name(&settings.name)?;
        check::pools(&settings.name, &settings.pools)?;
        for pool in &settings.pools {
            if let Some(&there) = underlay
                .addresses
                .iter()
                .find(|a| overlap(pool.cidr, a.trunc()))
            {
                return Err(Refusal::PoolOverlapsUnderlay {
                    pool: pool.cidr,
                    underlay: there,
                    device: underlay.device.clone(),
                });
            }
        }
        let encap = match (settings.mode, settings.encap) {
            (_, Some(encap)) => encap,
            (Mode::Routed, None) => Encap::Never,
            (Mode::Flat | Mode::Subnets, None) => Encap::Always,
        };
        if settings.mode == Mode::Flat && encap != Encap::Always {
            return Err(Refusal::FlatNeedsVxlan);
        }
        let addresses = underlay_addresses(settings, underlay)?;
        if encap == Encap::Never {
            for pool in &settings.pools {
                let needed = pool.cidr.addr();
                if !addresses
                    .iter()
                    .any(|a| a.addr().is_ipv4() == needed.is_ipv4())
                {
                    return Err(Refusal::NoUnderlayAddress {
                        device: underlay.device.clone(),
                        family: family(needed),
                        why: format!("pool {} needs as its next hop without VXLAN", pool.cidr),
                    });
                }
            }
        }
        let vxlan = (encap != Encap::Never)
            .then(|| Vxlan::new(settings))
            .transpose()?;
        let overhead = match (&vxlan, addresses.first()) {
            (None, _) => 0,
            (Some(_), Some(IpNet::V6(_))) => OVERHEAD_V6,
            (Some(_), _) => OVERHEAD_V4,
        };
        let mtu = mtu(settings, underlay, overhead)?;
        let bridge = match settings.mode {
            Mode::Routed => None,
            Mode::Flat | Mode::Subnets => {
                Some(settings.bridge.clone().unwrap_or_else(|| "cni0".to_owned()))
            }
        };
        if let Some(name) = &bridge {
            check::device_name(name)?;
        }
        let network = Self {
            name: settings.name.clone(),
            mode: settings.mode,
            encap,
            pools: settings.pools.clone(),
            mtu,
            masquerade: settings.masquerade,
            vxlan,
            bridge,
        };
        Ok((network, addresses))
    }

    /// Whether tunnels are routed into (each peer a next hop) rather than bridged.
    pub fn has_routed_tunnels(&self) -> bool {
        self.vxlan.is_some() && self.mode != Mode::Flat
    }

    /// The record this node publishes.
    pub fn record(&self, me: &LocalNode, subnets: Vec<IpNet>, version: &str) -> Peer {
        Peer {
            schema: peer::SCHEMA.to_owned(),
            node: me.name.clone(),
            network: self.name.clone(),
            addresses: me.addresses.clone(),
            vtep: self.vxlan.as_ref().map(|vxlan| Vtep {
                mac: mac::of_vtep(&me.name),
                addresses: me.vtep_addresses.clone(),
                vni: vxlan.vni,
                port: vxlan.port,
            }),
            mtu: self.mtu,
            subnets,
            version: version.to_owned(),
        }
    }
}

impl Vxlan {
    fn new(settings: &Settings) -> Result<Self, Refusal> {
        let written = &settings.vxlan;
        let (device, vni, port) = match settings.mode {
            Mode::Routed => ("vxlan.calico", 4096, 4789),
            Mode::Flat => ("vxlan-6784", 0x26, 6784),
            Mode::Subnets => ("flannel.1", 1, 8472),
        };
        let flat = settings.mode == Mode::Flat;
        let vxlan = Self {
            device: written.device.clone().unwrap_or_else(|| device.to_owned()),
            vni: written.vni.unwrap_or(vni),
            port: written.port.unwrap_or(port),
            learning: written.learning.unwrap_or(flat),
        };
        check::device_name(&vxlan.device)?;
        if vxlan.vni >= 1 << 24 {
            return Err(Refusal::Vni(vxlan.vni));
        }
        if vxlan.learning && !flat {
            return Err(Refusal::LearningL3);
        }
        Ok(vxlan)
    }
}

/// One address a family: those configured, else the first of each that the device has.
fn underlay_addresses(settings: &Settings, underlay: &Underlay) -> Result<Vec<IpNet>, Refusal> {
    let mut chosen: Vec<IpNet> = Vec::new();
    if settings.addresses.is_empty() {
        for &net in &underlay.addresses {
            if !chosen
                .iter()
                .any(|c| c.addr().is_ipv4() == net.addr().is_ipv4())
            {
                chosen.push(net);
            }
        }
        // IPv4 first, whatever order the kernel keeps: all nodes must choose the same outer family.
        chosen.sort();
    } else {
        for &address in &settings.addresses {
            let net = underlay.addresses.iter().find(|net| net.addr() == address);
            chosen.push(*net.ok_or_else(|| Refusal::AddressNotThere {
                address,
                device: underlay.device.clone(),
            })?);
        }
    }
    if chosen.is_empty() {
        return Err(Refusal::NoUnderlayAddress {
            device: underlay.device.clone(),
            family: "IPv4 or IPv6",
            why: "the other nodes would send to".to_owned(),
        });
    }
    Ok(chosen)
}

fn mtu(settings: &Settings, underlay: &Underlay, overhead: u32) -> Result<u32, Refusal> {
    let most = underlay.mtu.saturating_sub(overhead);
    let mtu = settings.mtu.unwrap_or(most);
    if mtu > most {
        return Err(Refusal::Mtu {
            mtu,
            device: underlay.device.clone(),
            underlay: underlay.mtu,
            overhead: match overhead {
                0 => String::new(),
                _ => format!(" and VXLAN takes {overhead}"),
            },
            most,
        });
    }
    for pool in &settings.pools {
        // RFC 8200 §5; for IPv4 the kernel's own minimum for a device that carries it (ETH_MIN_MTU).
        let least = if pool.cidr.addr().is_ipv4() { 68 } else { 1280 };
        if mtu < least {
            return Err(Refusal::MtuTooSmall {
                mtu,
                family: family(pool.cidr.addr()),
                least,
            });
        }
    }
    Ok(mtu)
}

pub(super) fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}
