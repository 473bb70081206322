//! The pure parts together: settings and peers in, desired rows out; and any state brought to any other.

mod model;
mod plans;
mod refusals;

use super::settings::{Encap, Mode, Pool, Settings};
use super::*;

pub(super) fn settings(mode: Mode, encap: Option<Encap>, pools: &[(&str, u8)]) -> Settings {
    let pools = pools.iter().map(|(cidr, size)| Pool {
        cidr: cidr.parse().unwrap(),
        block_size: Some(*size),
        preferred: Vec::new(),
    });
    Settings {
        name: "pods".to_owned(),
        mode,
        encap,
        pools: pools.collect(),
        borrow: false,
        node: None,
        underlay: None,
        addresses: Vec::new(),
        mtu: None,
        masquerade: true,
        vxlan: settings::VxlanSettings::default(),
        bridge: None,
        host_prefix: None,
        plugins: Vec::new(),
        cni_file: None,
        cni_version: None,
    }
}

pub(super) fn underlay(addresses: &[&str]) -> Underlay {
    Underlay {
        device: "enp0s8".to_owned(),
        mtu: 1500,
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
    }
}

/// Node `host0N` of a network, with addresses that follow from N.
pub(super) fn node(number: u8, settings: &Settings, underlay: &Underlay) -> (Network, LocalNode) {
    let (network, addresses) = Network::new(settings, underlay).unwrap();
    let v6 = settings.pools.iter().any(|pool| pool.cidr.addr().is_ipv6());
    let mut vtep_addresses = vec![format!("10.244.{number}.0").parse().unwrap()];
    if v6 {
        vtep_addresses.push(format!("fd10:244:0:{number}::").parse().unwrap());
    }
    let me = LocalNode {
        name: format!("host0{number}"),
        device: underlay.device.clone(),
        addresses,
        vtep_addresses,
        bridge_addresses: vec![format!("10.244.{number}.1/24").parse().unwrap()],
        takes_router_advertisements: false,
    };
    (network, me)
}

pub(super) fn block(cidr: &str, node: &str) -> Block {
    Block {
        cidr: cidr.parse().unwrap(),
        node: node.to_owned(),
    }
}
