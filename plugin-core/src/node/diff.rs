//! What has to change so that the actual state becomes the desired one, in an order the kernel accepts
//! and that never takes a working path away before its successor is there.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::masquerade::Masquerade;
use super::state::{Bridge, Device, RouteKey, State, Target, Tunnel};
use crate::mac::Mac;

/// One change to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Removes the VXLAN device of this name, and with it all its rows.
    DeleteVxlan(String),
    /// Removes the bridge of this name.
    DeleteBridge(String),
    /// Makes the bridge.
    CreateBridge(Bridge),
    /// Corrects address, MTU or state of the bridge.
    SetBridge(Bridge),
    /// Makes the VXLAN device.
    CreateVxlan(Tunnel),
    /// Corrects address, MTU, state or bridge of the VXLAN device.
    SetVxlan(Tunnel),
    /// Writes a kernel setting.
    SetSysctl {
        /// The path below `/proc/sys`.
        path: String,
        /// The value.
        value: String,
    },
    /// Adds an address to one of our devices.
    AddAddress(Device, IpNet),
    /// Removes an address.
    DeleteAddress(Device, IpNet),
    /// Gives a neighbour its permanent Ethernet address.
    SetNeighbour(IpAddr, Mac),
    /// Removes a neighbour.
    DeleteNeighbour(IpAddr),
    /// Sends an inner address to a node, and only there.
    SetFdb(Mac, IpAddr),
    /// Adds a node to the flooding list.
    AddFlood(IpAddr),
    /// Removes a destination of an inner address, or of the flooding list ([`Mac::ZERO`]).
    DeleteFdb(Mac, IpAddr),
    /// Adds a route; a row of someone else in its place is an error.
    AddRoute(RouteKey, Target),
    /// Changes where a route of ours leads.
    ReplaceRoute(RouteKey, Target),
    /// Removes a route of ours.
    DeleteRoute(RouteKey, Target),
    /// Puts our nftables table in place.
    InstallMasquerade(Masquerade),
    /// Removes the nftables table of this name.
    RemoveMasquerade(String),
}

impl Change {
    /// Whether something of ours goes away with it and nothing takes its place.
    pub fn removes(&self) -> bool {
        matches!(
            self,
            Self::DeleteVxlan(_)
                | Self::DeleteBridge(_)
                | Self::DeleteAddress(..)
                | Self::DeleteNeighbour(_)
                | Self::DeleteFdb(..)
                | Self::DeleteRoute(..)
                | Self::RemoveMasquerade(_)
        )
    }

    /// Whether it is about the node itself rather than the way to some peer.
    pub fn is_local(&self) -> bool {
        self.touches_links()
            || self.touches_table()
            || matches!(self, Self::SetSysctl { .. } | Self::AddAddress(..))
            || matches!(self, Self::AddRoute(_, Target::Blackhole))
    }

    /// Whether it is about the nftables table.
    pub fn touches_table(&self) -> bool {
        matches!(self, Self::InstallMasquerade(_) | Self::RemoveMasquerade(_))
    }

    /// Whether the kernel may drop other rows with this change, so that they have to be looked at again.
    pub fn touches_links(&self) -> bool {
        matches!(
            self,
            Self::DeleteVxlan(_)
                | Self::DeleteBridge(_)
                | Self::CreateBridge(_)
                | Self::SetBridge(_)
                | Self::CreateVxlan(_)
                | Self::SetVxlan(_)
        )
    }
}

/// The least set of changes from `actual` to `desired`; empty when they are equal.
pub fn diff(desired: &State, actual: &State) -> Vec<Change> {
    let mut changes = Vec::new();
    let lost = links(desired, actual, &mut changes);
    for (path, value) in &desired.sysctls {
        let Some(value) = value else { continue };
        if actual.sysctls.get(path) != Some(&Some(value.clone())) {
            changes.push(Change::SetSysctl {
                path: path.clone(),
                value: value.clone(),
            });
        }
    }
    rows(desired, actual, &lost, &mut changes);
    match (&desired.masquerade, &actual.masquerade) {
        (Some(wanted), found) if found.as_ref() != Some(wanted) => {
            changes.push(Change::InstallMasquerade(wanted.clone()));
        }
        (None, Some(found)) => changes.push(Change::RemoveMasquerade(found.table.clone())),
        _ => {}
    }
    changes
}

/// Plans the links, and returns those whose rows the kernel drops on the way.
fn links(desired: &State, actual: &State, changes: &mut Vec<Change>) -> BTreeSet<Device> {
    let mut lost = BTreeSet::new();
    let vxlan = match (&desired.vxlan, &actual.vxlan) {
        (Some(wanted), Some(found)) if wanted.name == found.name && wanted.fixed == found.fixed => {
            Some(found)
        }
        (_, Some(found)) => {
            changes.push(Change::DeleteVxlan(found.name.clone()));
            lost.insert(Device::Vxlan);
            None
        }
        (_, None) => None,
    };
    let bridge = match (&desired.bridge, &actual.bridge) {
        (Some(wanted), Some(found)) if wanted.name == found.name => Some(found),
        (_, Some(found)) => {
            changes.push(Change::DeleteBridge(found.name.clone()));
            lost.insert(Device::Bridge);
            None
        }
        (_, None) => None,
    };
    match (&desired.bridge, bridge) {
        (Some(wanted), None) => changes.push(Change::CreateBridge(wanted.clone())),
        (Some(wanted), Some(found)) if wanted != found => {
            changes.push(Change::SetBridge(wanted.clone()));
        }
        _ => {}
    }
    match (&desired.vxlan, vxlan) {
        (Some(wanted), None) => changes.push(Change::CreateVxlan(wanted.clone())),
        // A device that stays while its bridge is made anew has lost its place in it.
        (Some(wanted), Some(found))
            if wanted != found
                || (wanted.master == Some(Device::Bridge) && lost.contains(&Device::Bridge)) =>
        {
            changes.push(Change::SetVxlan(wanted.clone()));
        }
        _ => {}
    }
    lost
}

fn rows(desired: &State, actual: &State, lost: &BTreeSet<Device>, changes: &mut Vec<Change>) {
    let kept = |device: &Device| !lost.contains(device);
    for &(device, net) in &desired.addresses {
        if !(kept(&device) && actual.addresses.contains(&(device, net))) {
            changes.push(Change::AddAddress(device, net));
        }
    }
    // What a route leads through comes before it, and goes after it.
    let mut removals = Vec::new();
    for (&address, &mac) in &desired.neighbours {
        if !(kept(&Device::Vxlan) && actual.neighbours.get(&address) == Some(&mac)) {
            changes.push(Change::SetNeighbour(address, mac));
        }
    }
    if kept(&Device::Vxlan) {
        for &address in actual.neighbours.keys() {
            if !desired.neighbours.contains_key(&address) {
                removals.push(Change::DeleteNeighbour(address));
            }
        }
    }
    forwarding(
        desired,
        actual,
        kept(&Device::Vxlan),
        changes,
        &mut removals,
    );

    for (&key, &target) in &desired.routes {
        let found = actual
            .routes
            .get(&key)
            .filter(|found| survives(found, lost));
        match found {
            Some(found) if *found == target => {}
            Some(_) => changes.push(Change::ReplaceRoute(key, target)),
            None => changes.push(Change::AddRoute(key, target)),
        }
    }
    for (&key, &target) in &actual.routes {
        if !desired.routes.contains_key(&key) && survives(&target, lost) {
            changes.push(Change::DeleteRoute(key, target));
        }
    }
    changes.append(&mut removals);
    for &(device, net) in &actual.addresses {
        if kept(&device) && !desired.addresses.contains(&(device, net)) {
            changes.push(Change::DeleteAddress(device, net));
        }
    }
}

fn forwarding(
    desired: &State,
    actual: &State,
    kept: bool,
    changes: &mut Vec<Change>,
    removals: &mut Vec<Change>,
) {
    let none = BTreeSet::new();
    let found_of = |mac: &Mac| {
        if kept {
            actual.fdb.get(mac).unwrap_or(&none)
        } else {
            &none
        }
    };
    for (&mac, wanted) in &desired.fdb {
        let found = found_of(&mac);
        if mac == Mac::ZERO {
            changes.extend(wanted.difference(found).map(|&node| Change::AddFlood(node)));
            removals.extend(
                found
                    .difference(wanted)
                    .map(|&node| Change::DeleteFdb(mac, node)),
            );
        } else if found != wanted {
            changes.extend(wanted.iter().map(|&node| Change::SetFdb(mac, node)));
        }
    }
    if kept {
        for (&mac, found) in actual
            .fdb
            .iter()
            .filter(|(mac, _)| !desired.fdb.contains_key(mac))
        {
            removals.extend(found.iter().map(|&node| Change::DeleteFdb(mac, node)));
        }
    }
}

/// Whether a route outlives the loss of devices.
fn survives(target: &Target, lost: &BTreeSet<Device>) -> bool {
    !matches!(target, Target::Via { device, .. } if lost.contains(device))
}
