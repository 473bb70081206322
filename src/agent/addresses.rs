//! The addresses that a node itself has inside the overlay, from its own blocks: those of its VXLAN device
//! where tunnels are routed, those of its bridge where there is one.

use std::net::IpAddr;

use ipnet::IpNet;
use plugin_core::ipam;
use plugin_core::node::settings::Mode;
use plugin_core::node::status::Status;
use plugin_core::node::{LocalNode, Network, Settings};
use plugin_core::spec::PluginConfig;
use plugin_core::store::DirStore;
use serde_json::{Value, json};

use super::Options;
use super::view::View;
use crate::error::{Error, Result};

/// A node's own addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Own {
    vtep: Vec<IpAddr>,
    bridge: Vec<IpNet>,
}

impl Own {
    /// Those of an earlier run.
    pub(super) fn of_status(status: &Status) -> Self {
        Self {
            vtep: status.vtep_addresses.clone(),
            bridge: status.bridge_addresses.clone(),
        }
    }

    /// Whether they are all from blocks that `node` owns, and there is all that the network needs.
    pub(super) fn suffice(&self, network: &Network, view: &View, node: &str) -> bool {
        let blocks = view.blocks_of(node);
        let ours = |address: &IpAddr| blocks.iter().any(|block| block.contains(address));
        let pools = network.pools.len();
        self.vtep.iter().all(ours)
            && self.bridge.iter().all(|net| ours(&net.addr()))
            && self.vtep.len()
                == if network.has_routed_tunnels() {
                    pools
                } else {
                    0
                }
            && self.bridge.len() == if network.bridge.is_some() { pools } else { 0 }
    }

    /// Lets `me` have them.
    pub(super) fn give_to(&self, me: &mut LocalNode) {
        me.vtep_addresses.clone_from(&self.vtep);
        me.bridge_addresses.clone_from(&self.bridge);
    }
}

/// Asks IPAM for this node's addresses, which claims a block of each pool when the node has none.
pub(super) fn own(
    settings: &Settings,
    network: &Network,
    node: &str,
    options: &Options,
) -> std::result::Result<Own, String> {
    let mut own = Own::default();
    if !network.has_routed_tunnels() && network.bridge.is_none() {
        return Ok(own);
    }
    let config = ipam_config(settings, node, options)?;
    for given in ipam::gateways(&config).map_err(|error| error.to_string())? {
        match network.mode {
            Mode::Routed => own.vtep.push(given.addr()),
            Mode::Flat => own.bridge.push(given),
            Mode::Subnets => {
                let (first, second) = of_subnet(network, given).ok_or_else(|| {
                    format!("block of {given} has no room for a bridge's address")
                })?;
                if network.has_routed_tunnels() {
                    own.vtep.push(first);
                }
                own.bridge.push(second);
            }
        }
    }
    Ok(own)
}

/// flannel's layout of a node's subnet: the first address is the VXLAN device's, the next the bridge's.
fn of_subnet(network: &Network, given: IpNet) -> Option<(IpAddr, IpNet)> {
    let pool = network
        .pools
        .iter()
        .find(|pool| pool.cidr.contains(&given.addr()))?;
    let block = IpNet::new(given.addr(), pool.block_size()).ok()?.trunc();
    let bridge = block.hosts().find(|address| *address != block.addr())?;
    Some((block.addr(), IpNet::new(bridge, block.prefix_len()).ok()?))
}

/// The pools as IPAM sees them for this purpose. The plugins' own configuration may see them otherwise (a node's
/// subnet as a network of its own), but over the same records.
fn ipam_config(
    settings: &Settings,
    node: &str,
    options: &Options,
) -> std::result::Result<ipam::Config, String> {
    let layout = match settings.mode {
        Mode::Routed => "routed",
        Mode::Flat | Mode::Subnets => "flat",
    };
    let pools: Vec<Value> = settings
        .pools
        .iter()
        .map(|pool| {
            json!({
                "cidr": pool.cidr, "blockSize": pool.block_size(), "preferred": pool.preferred,
                "layout": layout, "gateway": "node",
            })
        })
        .collect();
    let config = json!({
        "cniVersion": "1.0.0", "name": settings.name, "type": "ovl-agent",
        "node": node, "stateDir": options.state_dir,
        "ipam": {
            "type": "ovl-ipam", "pools": pools, "store": options.store, "borrow": settings.borrow,
        },
    });
    let config =
        PluginConfig::from_json(config.to_string().as_bytes()).map_err(|e| e.to_string())?;
    ipam::Config::of(&config, ipam::Purpose::Flat).map_err(|error| error.to_string())
}

/// Gives the blocks of a node that leaves back to the store.
pub(super) fn give_back(store: &DirStore, network: &str, node: &str) -> Result<()> {
    ipam::remove_node(store, network, node)
        .map(drop)
        .map_err(|error| {
            Error::failed(format!("cannot give back the blocks of {node}")).caused_by(error)
        })
}
