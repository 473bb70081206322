//! The desired state of a node, computed from its own settings, its peers and the address blocks alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::check::overlap;
use super::mac;
use super::masquerade::Masquerade;
use super::network::{LocalNode, Network, Vxlan, family};
use super::peer::{Block, Peer};
use super::settings::{Encap, Mode};
use super::state::{Bridge, Device, Fixed, RouteKey, State, Target, Tunnel};
use crate::mac::Mac;

/// What a node should hold, and what kept parts of the network out of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The desired state.
    pub state: State,
    /// Peers and blocks that were left out or look wrong. The rest of the plan stands.
    pub problems: Vec<Problem>,
}

/// Something in the store that this node cannot or should not act on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Problem {
    /// A record about another network.
    #[error("peer {peer} is of network {network}: left out")]
    OtherNetwork {
        /// Who.
        peer: String,
        /// Its network.
        network: String,
    },
    /// A peer says it has what is ours.
    #[error("peer {peer} claims this node's {what} {value}: left out")]
    ClaimsOurs {
        /// Who.
        peer: String,
        /// `address`, `VTEP MAC`, `VTEP address`.
        what: &'static str,
        /// Which.
        value: String,
    },
    /// Two peers say they have the same.
    #[error("peers {first} and {peer} both claim {what} {value}: {peer} is left out")]
    ClaimedTwice {
        /// Who is kept.
        first: String,
        /// Who is not.
        peer: String,
        /// `address`, `VTEP MAC`, `VTEP address`.
        what: &'static str,
        /// Which.
        value: String,
    },
    /// A peer's underlay address is a pod address: its tunnel would run through itself.
    #[error("peer {peer} has its underlay address {address} inside pool {pool}: left out")]
    AddressInPool {
        /// Who.
        peer: String,
        /// Its address.
        address: IpAddr,
        /// The pool.
        pool: IpNet,
    },
    /// A peer has no address to send to.
    #[error("peer {peer} has no {family} underlay address: its {family} pods cannot be reached")]
    NoAddress {
        /// Who.
        peer: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// A peer has no tunnel end, or not for this family.
    #[error("peer {peer} has no {family} VTEP address: its {family} pods cannot be reached")]
    NoVtep {
        /// Who.
        peer: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// A peer's tunnels are another network's.
    #[error(
        "peer {peer} has VNI {vni} on port {port}, this node {own_vni} on {own_port}: left out"
    )]
    OtherTunnel {
        /// Who.
        peer: String,
        /// Its VNI.
        vni: u32,
        /// Its UDP port.
        port: u16,
        /// Ours.
        own_vni: u32,
        /// Ours.
        own_port: u16,
    },
    /// Packets that fit here do not fit there.
    #[error("peer {peer} has MTU {mtu}, this node {own}: large packets between them may be lost")]
    OtherMtu {
        /// Who.
        peer: String,
        /// Its pods' MTU.
        mtu: u32,
        /// Ours.
        own: u32,
    },
    /// A block that belongs to no pool.
    #[error("block {block} of {node} is outside the pools: left out")]
    BlockOutsidePools {
        /// The block.
        block: IpNet,
        /// Its owner.
        node: String,
    },
    /// A block of a node that has not published itself (yet, or any more).
    #[error("block {block} is owned by {node}, which has no record: left out")]
    BlockOfUnknownNode {
        /// The block.
        block: IpNet,
        /// Its owner.
        node: String,
    },
}

/// Computes the desired state of `me`. The result does not depend on the order of peers and blocks.
pub fn plan(network: &Network, me: &LocalNode, peers: &[Peer], blocks: &[Block]) -> Plan {
    let mut plan = Plan {
        state: own_part(network, me),
        problems: Vec::new(),
    };
    let peers = sound_peers(network, me, peers, &mut plan.problems);
    let mut paths = BTreeMap::new();
    for &peer in peers.values() {
        paths.insert(peer.node.as_str(), Paths::to(network, me, peer, &mut plan));
    }
    let blocks: BTreeSet<&Block> = blocks.iter().collect();
    for block in blocks {
        let inside = network
            .pools
            .iter()
            .any(|pool| pool.cidr.contains(&block.cidr));
        if !inside {
            plan.problems.push(Problem::BlockOutsidePools {
                block: block.cidr,
                node: block.node.clone(),
            });
        } else if block.node == me.name {
            // A bridge's connected route already keeps the block's addresses from the default route.
            if !me
                .bridge_addresses
                .iter()
                .any(|net| net.contains(&block.cidr))
            {
                let key = RouteKey::plain(block.cidr);
                plan.state.routes.insert(key, Target::Blackhole);
            }
        } else if let Some(paths) = paths.get(block.node.as_str()) {
            // Without a target the problem has been told with the peer; a flat network needs none.
            if let Some(target) = paths.target(block.cidr.addr()) {
                plan.state
                    .routes
                    .insert(RouteKey::plain(block.cidr), target);
            }
        } else if !peers.contains_key(block.node.as_str()) {
            plan.problems.push(Problem::BlockOfUnknownNode {
                block: block.cidr,
                node: block.node.clone(),
            });
        }
    }
    plan.problems.sort();
    plan.problems.dedup();
    plan
}

/// What does not depend on peers: devices, their addresses, sysctls, masquerade.
fn own_part(network: &Network, me: &LocalNode) -> State {
    let mut state = State {
        bridge: network.bridge.as_ref().map(|name| Bridge {
            name: name.clone(),
            mac: mac::of_bridge(&me.name, name),
            mtu: network.mtu,
            up: true,
        }),
        vxlan: network
            .vxlan
            .as_ref()
            .map(|vxlan| tunnel(network, me, vxlan)),
        masquerade: network
            .masquerade
            .then(|| Masquerade::new(&network.name, network.pools.iter().map(|pool| pool.cidr))),
        ..State::default()
    };
    if network.bridge.is_some() {
        let addresses = me.bridge_addresses.iter();
        state
            .addresses
            .extend(addresses.map(|&net| (Device::Bridge, net)));
    }
    if network.has_routed_tunnels() {
        let addresses = me.vtep_addresses.iter();
        state
            .addresses
            .extend(addresses.map(|&addr| (Device::Vxlan, IpNet::from(addr))));
    }
    for pool in &network.pools {
        let path = match pool.cidr {
            IpNet::V4(_) => "net/ipv4/ip_forward",
            IpNet::V6(_) => "net/ipv6/conf/all/forwarding",
        };
        state.sysctls.insert(path.to_owned(), Some("1".to_owned()));
        // A host that forwards stops listening to router advertisements unless told 2
        // (Documentation/networking/ip-sysctl.rst, accept_ra), and would lose its default route.
        if matches!(pool.cidr, IpNet::V6(_)) && me.takes_router_advertisements {
            // A dot in a device's name is part of the path's component here, not a separator.
            let path = format!("net/ipv6/conf/{}/accept_ra", me.device);
            state.sysctls.insert(path, Some("2".to_owned()));
        }
    }
    state
}

fn tunnel(network: &Network, me: &LocalNode, vxlan: &Vxlan) -> Tunnel {
    Tunnel {
        name: vxlan.device.clone(),
        fixed: Fixed {
            vni: vxlan.vni,
            port: vxlan.port,
            local: me.addresses.first().map(IpNet::addr),
            underlay: Some(Device::Underlay),
            learning: vxlan.learning,
        },
        mac: mac::of_vtep(&me.name),
        mtu: network.mtu,
        up: true,
        master: (network.mode == Mode::Flat).then_some(Device::Bridge),
    }
}

/// The peers whose records contradict neither ours nor each other's, by name.
fn sound_peers<'a>(
    network: &Network,
    me: &LocalNode,
    peers: &'a [Peer],
    problems: &mut Vec<Problem>,
) -> BTreeMap<&'a str, &'a Peer> {
    let mut sorted: Vec<&Peer> = peers.iter().filter(|peer| peer.node != me.name).collect();
    sorted.sort_by(|a, b| a.node.cmp(&b.node));
    let mut claimed: BTreeMap<Claim, &str> = BTreeMap::new();
    let own = claims(&network.record(me, Vec::new(), ""), network);
    let mut sound = BTreeMap::new();
    for peer in sorted {
        if let Some(problem) = contradiction(network, peer) {
            problems.push(problem);
            continue;
        }
        let claims = claims(peer, network);
        if let Some(claim) = claims.iter().find(|claim| own.contains(claim)) {
            problems.push(Problem::ClaimsOurs {
                peer: peer.node.clone(),
                what: claim.what(),
                value: claim.value(),
            });
            continue;
        }
        if let Some((claim, first)) = claims
            .iter()
            .find_map(|claim| claimed.get(claim).map(|first| (claim, *first)))
        {
            problems.push(Problem::ClaimedTwice {
                first: first.to_owned(),
                peer: peer.node.clone(),
                what: claim.what(),
                value: claim.value(),
            });
            continue;
        }
        if peer.mtu != network.mtu {
            problems.push(Problem::OtherMtu {
                peer: peer.node.clone(),
                mtu: peer.mtu,
                own: network.mtu,
            });
        }
        claimed.extend(claims.into_iter().map(|claim| (claim, peer.node.as_str())));
        sound.insert(peer.node.as_str(), peer);
    }
    sound
}

/// What makes a record useless by itself.
fn contradiction(network: &Network, peer: &Peer) -> Option<Problem> {
    if peer.network != network.name {
        return Some(Problem::OtherNetwork {
            peer: peer.node.clone(),
            network: peer.network.clone(),
        });
    }
    for address in &peer.addresses {
        let inside = |cidr: &IpNet| overlap(*cidr, IpNet::from(address.addr()));
        if let Some(pool) = network.pools.iter().map(|pool| pool.cidr).find(inside) {
            return Some(Problem::AddressInPool {
                peer: peer.node.clone(),
                address: address.addr(),
                pool,
            });
        }
    }
    match (&network.vxlan, &peer.vtep) {
        (Some(own), Some(vtep)) if (own.vni, own.port) != (vtep.vni, vtep.port) => {
            Some(Problem::OtherTunnel {
                peer: peer.node.clone(),
                vni: vtep.vni,
                port: vtep.port,
                own_vni: own.vni,
                own_port: own.port,
            })
        }
        _ => None,
    }
}

/// Something only one node can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    Address(IpAddr),
    VtepMac(Mac),
    VtepAddress(IpAddr),
}

impl Claim {
    fn what(self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::VtepMac(_) => "VTEP MAC",
            Self::VtepAddress(_) => "VTEP address",
        }
    }

    fn value(self) -> String {
        match self {
            Self::Address(addr) | Self::VtepAddress(addr) => addr.to_string(),
            Self::VtepMac(mac) => mac.to_string(),
        }
    }
}

fn claims(peer: &Peer, network: &Network) -> Vec<Claim> {
    let mut claims: Vec<Claim> = peer
        .addresses
        .iter()
        .map(|net| Claim::Address(net.addr()))
        .collect();
    if let (Some(vtep), true) = (&peer.vtep, network.has_routed_tunnels()) {
        claims.push(Claim::VtepMac(vtep.mac));
        claims.extend(vtep.addresses.iter().map(|&addr| Claim::VtepAddress(addr)));
    }
    claims
}

/// How a peer's pods are reached, by family.
struct Paths {
    v4: Option<Target>,
    v6: Option<Target>,
}

impl Paths {
    /// Finds the way to `peer` and adds the neighbours and forwarding entries it needs.
    fn to(network: &Network, me: &LocalNode, peer: &Peer, plan: &mut Plan) -> Self {
        let mut paths = Self { v4: None, v6: None };
        if network.mode == Mode::Flat {
            if let Some(outer) = outer_address(me, peer, plan) {
                plan.state.fdb.entry(Mac::ZERO).or_default().insert(outer);
            }
            return paths;
        }
        for pool in &network.pools {
            let inner = pool.cidr.addr();
            let target = match native_gateway(network, me, peer, inner) {
                Some(gateway) => Some(Target::Via {
                    gateway,
                    device: Device::Underlay,
                    onlink: true,
                }),
                None if network.encap == Encap::Never => {
                    plan.problems.push(Problem::NoAddress {
                        peer: peer.node.clone(),
                        family: family(inner),
                    });
                    None
                }
                None => tunnel_to(me, peer, inner, plan),
            };
            match pool.cidr {
                IpNet::V4(_) => paths.v4 = target,
                IpNet::V6(_) => paths.v6 = target,
            }
        }
        paths
    }

    fn target(&self, like: IpAddr) -> Option<Target> {
        if like.is_ipv4() { self.v4 } else { self.v6 }
    }
}

/// The peer's underlay address, if packets of the family of `inner` go to it unwrapped.
fn native_gateway(network: &Network, me: &LocalNode, peer: &Peer, inner: IpAddr) -> Option<IpAddr> {
    let theirs = peer.address_like(inner)?.addr();
    match network.encap {
        Encap::Never => Some(theirs),
        Encap::Always => None,
        Encap::CrossSubnet => me
            .addresses
            .iter()
            .any(|own| own.contains(&theirs))
            .then_some(theirs),
    }
}

/// Adds what a routed tunnel to `peer` needs and returns the route's target.
fn tunnel_to(me: &LocalNode, peer: &Peer, inner: IpAddr, plan: &mut Plan) -> Option<Target> {
    let (Some(vtep), Some(gateway)) = (&peer.vtep, peer.vtep_address_like(inner)) else {
        plan.problems.push(Problem::NoVtep {
            peer: peer.node.clone(),
            family: family(inner),
        });
        return None;
    };
    let outer = outer_address(me, peer, plan)?;
    plan.state.neighbours.insert(gateway, vtep.mac);
    plan.state.fdb.insert(vtep.mac, BTreeSet::from([outer]));
    Some(Target::Via {
        gateway,
        device: Device::Vxlan,
        onlink: true,
    })
}

/// Where wrapped packets for `peer` are sent: its address of the family this node's tunnels run over.
fn outer_address(me: &LocalNode, peer: &Peer, plan: &mut Plan) -> Option<IpAddr> {
    let own = me.addresses.first()?.addr();
    let theirs = peer.address_like(own);
    if theirs.is_none() {
        plan.problems.push(Problem::NoAddress {
            peer: peer.node.clone(),
            family: family(own),
        });
    }
    theirs.map(|net| net.addr())
}
