//! What a node refuses to do, said before anything is touched.

use std::net::IpAddr;

use ipnet::IpNet;

use super::scope::Scope;
use super::state::State;
use crate::netlink::link::Link;

/// A configuration that cannot work on this node, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The name cannot be a network's.
    #[error(
        "network name {0:?} is not valid: start with a letter or digit, then letters, digits, '_', '.' or '-'"
    )]
    Name(String),
    /// A device name the kernel would not take.
    #[error("device name {0:?} is not valid: 1 to 15 octets without '/' or white space")]
    DeviceName(String),
    /// No pools at all.
    #[error("network {0} has no pools: give at least one, such as {{ cidr = \"10.244.0.0/16\" }}")]
    NoPools(String),
    /// Two pools of one family.
    #[error("pools {0} and {1} are of one address family: a network has at most one pool a family")]
    TwoPoolsOfAFamily(IpNet, IpNet),
    /// Two pools share addresses.
    #[error("pools {0} and {1} overlap")]
    PoolsOverlap(IpNet, IpNet),
    /// A pool written with host bits.
    #[error("pool {0} has host bits set: write {1}")]
    HostBits(IpNet, IpNet),
    /// A block larger than its pool or without room for addresses.
    #[error(
        "pool {pool} cannot be cut into /{size} blocks: choose a block size of /{least} to /{most}"
    )]
    BlockSize {
        /// The pool.
        pool: IpNet,
        /// What was asked.
        size: u8,
        /// The pool's own prefix length.
        least: u8,
        /// The smallest block that has addresses to give.
        most: u8,
    },
    /// A preferred block that the pool does not have.
    #[error("pool {pool}: preferred {block} is not one of its /{size} blocks")]
    Preferred {
        /// The pool.
        pool: IpNet,
        /// What is preferred.
        block: IpNet,
        /// The prefix length of its blocks.
        size: u8,
    },
    /// A pool contains, or lies in, what the nodes reach each other by.
    #[error("pool {pool} overlaps {underlay} of underlay device {device}: choose another pool")]
    PoolOverlapsUnderlay {
        /// The pool.
        pool: IpNet,
        /// The device's address and prefix length.
        underlay: IpNet,
        /// The device.
        device: String,
    },
    /// No device to reach other nodes by.
    #[error("underlay device {0} does not exist")]
    NoUnderlay(String),
    /// Nothing says which device it is.
    #[error(
        "no underlay device: nothing is configured and there is no default route; set `underlay`"
    )]
    UnderlayUnknown,
    /// The underlay has no address of a family that is needed.
    #[error("underlay device {device} has no global {family} address, which {why}")]
    NoUnderlayAddress {
        /// The device.
        device: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// Who needs it.
        why: String,
    },
    /// A configured address is not on the underlay.
    #[error("address {address} is not on underlay device {device}")]
    AddressNotThere {
        /// The configured address.
        address: IpAddr,
        /// The device.
        device: String,
    },
    /// A packet of the pods would not fit.
    #[error(
        "MTU {mtu} is above what the underlay carries: {device} has {underlay}{overhead}, so at most {most}"
    )]
    Mtu {
        /// What was asked.
        mtu: u32,
        /// The underlay device.
        device: String,
        /// Its MTU.
        underlay: u32,
        /// ` and VXLAN takes 50`, or nothing.
        overhead: String,
        /// The most that fits.
        most: u32,
    },
    /// Less than the family's minimum.
    #[error("MTU {mtu} is too small: {family} needs at least {least}")]
    MtuTooSmall {
        /// What was asked, or what is left.
        mtu: u32,
        /// The family.
        family: &'static str,
        /// Its minimum (RFC 791, RFC 8200).
        least: u32,
    },
    /// A VNI of more than 24 bits.
    #[error("VNI {0} does not fit in 24 bits")]
    Vni(u32),
    /// Learning where all addresses are known.
    #[error("learning is only for a flat network: routed and subnets know every address")]
    LearningL3,
    /// A flat network without tunnels.
    #[error("a flat network needs VXLAN on every path: encap must be \"always\"")]
    FlatNeedsVxlan,
    /// Another VXLAN device has the port.
    #[error("VXLAN port {port} is claimed by {owner} (VNI {vni}): give {device} another port")]
    PortTaken {
        /// The UDP port.
        port: u16,
        /// Who has it.
        owner: String,
        /// That one's VNI.
        vni: u32,
        /// Our device.
        device: String,
    },
    /// A device of our name is something else.
    #[error("device {name} exists and is a {found}, not a {wanted}: rename or remove it")]
    NameTaken {
        /// The name.
        name: String,
        /// What it is.
        found: String,
        /// What it has to be.
        wanted: &'static str,
    },
}

/// Refuses pools that no network can be made of.
pub(super) fn pools(network: &str, pools: &[super::settings::Pool]) -> Result<(), Refusal> {
    let Some(first) = pools.first() else {
        return Err(Refusal::NoPools(network.to_owned()));
    };
    for pool in pools {
        let cidr = pool.cidr;
        if cidr != cidr.trunc() {
            return Err(Refusal::HostBits(cidr, cidr.trunc()));
        }
        let most = cidr.max_prefix_len() - 2;
        if !(cidr.prefix_len()..=most).contains(&pool.block_size()) {
            return Err(Refusal::BlockSize {
                pool: cidr,
                size: pool.block_size(),
                least: cidr.prefix_len(),
                most,
            });
        }
    }
    for pool in pools {
        let size = pool.block_size();
        let a_block = |block: &IpNet| {
            pool.cidr.contains(block) && block.prefix_len() == size && *block == block.trunc()
        };
        if let Some(&block) = pool.preferred.iter().find(|block| !a_block(block)) {
            return Err(Refusal::Preferred {
                pool: pool.cidr,
                block,
                size,
            });
        }
    }
    for other in pools.get(1..).unwrap_or_default() {
        if overlap(first.cidr, other.cidr) {
            return Err(Refusal::PoolsOverlap(first.cidr, other.cidr));
        }
    }
    for (at, pool) in pools.iter().enumerate() {
        let same = pools
            .get(at + 1..)
            .unwrap_or_default()
            .iter()
            .find(|other| other.cidr.addr().is_ipv4() == pool.cidr.addr().is_ipv4());
        if let Some(other) = same {
            return Err(if overlap(pool.cidr, other.cidr) {
                Refusal::PoolsOverlap(pool.cidr, other.cidr)
            } else {
                Refusal::TwoPoolsOfAFamily(pool.cidr, other.cidr)
            });
        }
    }
    Ok(())
}

/// Whether two prefixes share an address.
pub(super) fn overlap(a: IpNet, b: IpNet) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// Refuses a device name the kernel would not take (`dev_valid_name`, net/core/dev.c).
pub(super) fn device_name(name: &str) -> Result<(), Refusal> {
    let valid = (1..=15).contains(&name.len())
        && name != "."
        && name != ".."
        && !name
            .bytes()
            .any(|b| b == b'/' || b == b':' || b.is_ascii_whitespace());
    if valid {
        Ok(())
    } else {
        Err(Refusal::DeviceName(name.to_owned()))
    }
}

/// Refuses a name the CNI specification does not allow for a network.
pub(super) fn network_name(name: &str) -> Result<(), Refusal> {
    let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if valid {
        Ok(())
    } else {
        Err(Refusal::Name(name.to_owned()))
    }
}

/// Refuses what the node's links do not go together with.
pub(super) fn links(desired: &State, scope: &Scope, links: &[Link]) -> Result<(), Refusal> {
    let named = |name: &str| links.iter().find(|link| link.name == name);
    let needs_underlay = desired.vxlan.is_some() || !desired.routes.is_empty();
    if needs_underlay && named(&scope.underlay).is_none() {
        return Err(Refusal::NoUnderlay(scope.underlay.clone()));
    }
    let bridge = desired
        .bridge
        .as_ref()
        .map(|bridge| (&bridge.name, "bridge"));
    let vxlan = desired.vxlan.as_ref().map(|tunnel| (&tunnel.name, "vxlan"));
    for (name, wanted) in bridge.into_iter().chain(vxlan) {
        let Some(link) = named(name) else { continue };
        if link.kind.as_deref() != Some(wanted) {
            return Err(Refusal::NameTaken {
                name: name.clone(),
                found: link
                    .kind
                    .clone()
                    .unwrap_or_else(|| "hardware device".to_owned()),
                wanted,
            });
        }
    }
    let Some(tunnel) = &desired.vxlan else {
        return Ok(());
    };
    for link in links.iter().filter(|link| link.name != tunnel.name) {
        if let Some(other) = &link.vxlan
            && other.port == tunnel.fixed.port
        {
            return Err(Refusal::PortTaken {
                port: tunnel.fixed.port,
                owner: link.name.clone(),
                vni: other.vni,
                device: tunnel.name.clone(),
            });
        }
    }
    Ok(())
}
