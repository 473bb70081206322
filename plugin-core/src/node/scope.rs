//! What counts as ours on a node, by name, protocol number and table.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::masquerade::Masquerade;
use super::network::{LocalNode, Network};
use super::settings::Mode;

/// The routing protocol number of our rows (`RTPROT_…`), which is also the one Calico uses.
pub const PROTOCOL: u8 = 80;

/// The marks by which rows are known as ours. An agent keeps those of its last run, so that it can take
/// back what a changed configuration no longer names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// The underlay device: not ours, but routes of ours lead through it.
    pub underlay: String,
    /// Our VXLAN device.
    #[serde(default)]
    pub vxlan: Option<String>,
    /// Our bridge.
    #[serde(default)]
    pub bridge: Option<String>,
    /// Routes of [`PROTOCOL`] to destinations in these are ours.
    pub pools: Vec<IpNet>,
    /// Our nftables table in family `inet`.
    #[serde(default)]
    pub table: Option<String>,
    /// Whether only the flooding list of the VXLAN device is ours, because bridged frames teach it the rest.
    #[serde(default)]
    pub only_flooding: bool,
}

impl Scope {
    /// That of a network on a node.
    pub fn new(network: &Network, me: &LocalNode) -> Self {
        Self {
            underlay: me.device.clone(),
            vxlan: network.vxlan.as_ref().map(|vxlan| vxlan.device.clone()),
            bridge: network.bridge.clone(),
            pools: network.pools.iter().map(|pool| pool.cidr).collect(),
            table: Some(Masquerade::table_of(&network.name)),
            only_flooding: network.mode == Mode::Flat,
        }
    }

    /// What this one names and `new` does not: what is left to take away after the configuration changed.
    pub fn without(&self, new: &Self) -> Self {
        let gone = |old: &Option<String>, new: &Option<String>| old.clone().filter(|_| old != new);
        let kept = |pool: &&IpNet| !new.pools.contains(pool);
        Self {
            underlay: self.underlay.clone(),
            vxlan: gone(&self.vxlan, &new.vxlan),
            bridge: gone(&self.bridge, &new.bridge),
            pools: self.pools.iter().filter(kept).copied().collect(),
            table: gone(&self.table, &new.table),
            only_flooding: self.only_flooding,
        }
    }

    /// Whether a destination lies in what we route.
    pub fn holds(&self, destination: &IpNet) -> bool {
        self.pools.iter().any(|pool| pool.contains(destination))
    }
}
