//! The CNI configuration of the network, which is what makes a runtime use it.

use std::path::{Path, PathBuf};

use ipnet::IpNet;
use plugin_core::node::settings::{Chained, Mode};
use plugin_core::node::{LocalNode, Network, Settings};
use serde_json::{Map, Value, json};

use super::Options;

/// The file to write, in the runtime's directory.
pub(super) fn path(options: &Options, settings: &Settings) -> PathBuf {
    let name = settings
        .cni_file
        .clone()
        .unwrap_or_else(|| format!("10-{}.conflist", settings.name));
    options.cni_dir.join(name)
}

/// The configuration for this node. `subnets` are the blocks whose addresses the bridge has, for the mode
/// in which each node is a subnet of its own.
pub(super) fn config(
    settings: &Settings,
    network: &Network,
    me: &LocalNode,
    store: &Path,
    state_dir: &Path,
) -> Value {
    let mut plugin = json!({"type": plugin_type(settings.mode), "mtu": network.mtu});
    if let Some(plugin) = plugin.as_object_mut() {
        if let Some(prefix) = &settings.host_prefix {
            plugin.insert("hostPrefix".to_owned(), json!(prefix));
        }
        plugin.insert("encap".to_owned(), json!(network.encap));
        plugin.insert("underlay".to_owned(), json!(me.device));
        if let Some(bridge) = &network.bridge {
            plugin.insert("bridge".to_owned(), json!(bridge));
            plugin.insert("gateway".to_owned(), json!(true));
        }
        if let Some(vxlan) = &network.vxlan {
            plugin.insert("vxlan".to_owned(), json!(vxlan.device));
            plugin.insert("vni".to_owned(), json!(vxlan.vni));
            plugin.insert("port".to_owned(), json!(vxlan.port));
        }
        plugin.insert("node".to_owned(), json!(me.name));
        plugin.insert("stateDir".to_owned(), json!(state_dir));
        plugin.insert("ipam".to_owned(), ipam(settings, network, me, store));
    }
    let chained = settings.plugins.iter().map(|plugin| match plugin {
        Chained::Bandwidth => json!({"type": "bandwidth", "capabilities": {"bandwidth": true}}),
        Chained::Portmap => {
            json!({"type": "portmap", "snat": true, "capabilities": {"portMappings": true}})
        }
    });
    let plugins: Vec<Value> = std::iter::once(plugin).chain(chained).collect();
    json!({
        "cniVersion": settings.cni_version.as_deref().unwrap_or("1.0.0"),
        "name": settings.name,
        "plugins": plugins,
    })
}

fn plugin_type(mode: Mode) -> &'static str {
    match mode {
        Mode::Routed => "ovl-routed",
        Mode::Flat | Mode::Subnets => "ovl-vxlan",
    }
}

fn ipam(settings: &Settings, network: &Network, me: &LocalNode, store: &Path) -> Value {
    let pools: Vec<Value> = match network.mode {
        // To its pods, a node's subnet is a flat network of its own, whose gateway is the bridge.
        Mode::Subnets => me.bridge_addresses.iter().map(|net| subnet(*net)).collect(),
        Mode::Routed | Mode::Flat => network
            .pools
            .iter()
            .map(|pool| {
                let mut value = json!({"cidr": pool.cidr, "blockSize": pool.block_size()});
                if let (false, Some(value)) = (pool.preferred.is_empty(), value.as_object_mut()) {
                    value.insert("preferred".to_owned(), json!(pool.preferred));
                }
                value
            })
            .collect(),
    };
    let mut ipam = Map::new();
    ipam.insert("type".to_owned(), json!("ovl-ipam"));
    ipam.insert("pools".to_owned(), json!(pools));
    ipam.insert("store".to_owned(), json!(store));
    if settings.borrow {
        ipam.insert("borrow".to_owned(), json!(true));
    }
    Value::Object(ipam)
}

fn subnet(bridge: IpNet) -> Value {
    json!({
        "cidr": bridge.trunc(),
        "blockSize": bridge.prefix_len(),
        "layout": "flat",
        "gateway": bridge.addr(),
    })
}

/// The text of the file.
pub(super) fn text(config: &Value) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(config).unwrap_or_default();
    text.push(b'\n');
    text
}
