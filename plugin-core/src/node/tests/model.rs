//! For any two states, the diff carried out on the one gives the other. The model below is how the kernel
//! carries out a change, as far as rows depend on links.

use std::collections::BTreeSet;

use super::*;
use crate::mac::Mac;
use crate::node::state::{Bridge, Device, Fixed, RouteKey, Target, Tunnel};

fn carry_out(state: &mut State, change: &Change) {
    match change.clone() {
        Change::DeleteVxlan(_) => {
            state.vxlan = None;
            state.neighbours.clear();
            state.fdb.clear();
            lose(state, Device::Vxlan);
        }
        Change::DeleteBridge(_) => {
            state.bridge = None;
            if let Some(tunnel) = &mut state.vxlan
                && tunnel.master == Some(Device::Bridge)
            {
                tunnel.master = None;
            }
            lose(state, Device::Bridge);
        }
        Change::CreateBridge(bridge) => assert_eq!(state.bridge.replace(bridge), None),
        Change::SetBridge(bridge) => assert!(state.bridge.replace(bridge).is_some()),
        Change::CreateVxlan(tunnel) => {
            assert!(
                tunnel.master.is_none() || state.bridge.is_some(),
                "a bridge comes first"
            );
            assert_eq!(state.vxlan.replace(tunnel), None);
        }
        Change::SetVxlan(tunnel) => assert!(state.vxlan.replace(tunnel).is_some()),
        Change::SetSysctl { path, value } => {
            state.sysctls.insert(path, Some(value));
        }
        Change::AddAddress(device, net) => assert!(state.addresses.insert((device, net))),
        Change::DeleteAddress(device, net) => assert!(state.addresses.remove(&(device, net))),
        Change::SetNeighbour(address, mac) => {
            assert!(state.vxlan.is_some());
            state.neighbours.insert(address, mac);
        }
        Change::DeleteNeighbour(address) => assert!(state.neighbours.remove(&address).is_some()),
        Change::SetFdb(mac, node) => {
            assert!(state.vxlan.is_some());
            assert_ne!(mac, Mac::ZERO);
            state.fdb.insert(mac, [node].into());
        }
        Change::AddFlood(node) => {
            assert!(
                state.fdb.entry(Mac::ZERO).or_default().insert(node),
                "EEXIST"
            );
        }
        Change::DeleteFdb(mac, node) => {
            let nodes = state.fdb.get_mut(&mac).unwrap();
            assert!(nodes.remove(&node));
            if nodes.is_empty() {
                state.fdb.remove(&mac);
            }
        }
        Change::AddRoute(key, target) => {
            assert_eq!(state.routes.insert(key, target), None, "EEXIST");
        }
        Change::ReplaceRoute(key, target) => {
            assert!(state.routes.insert(key, target).is_some());
        }
        Change::DeleteRoute(key, target) => {
            assert_eq!(state.routes.remove(&key), Some(target));
        }
        Change::InstallMasquerade(table) => state.masquerade = Some(table),
        Change::RemoveMasquerade(_) => state.masquerade = None,
    }
}

fn lose(state: &mut State, lost: Device) {
    state.addresses.retain(|(device, _)| *device != lost);
    state
        .routes
        .retain(|_, target| !matches!(target, Target::Via { device, .. } if *device == lost));
}

/// xorshift64*: the states have to be many and repeatable, not unpredictable.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    fn often(&mut self) -> bool {
        self.below(4) > 0
    }

    fn node(&mut self) -> std::net::IpAddr {
        [192, 168, 61, self.below(6) as u8].into()
    }

    fn mac(&mut self) -> Mac {
        Mac([0x66, 0, 0, 0, 0, self.below(4) as u8])
    }

    /// A state such as a kernel could hold: rows of a device only where the device is.
    fn state(&mut self, desired: bool) -> State {
        let mut state = State::default();
        if self.often() {
            state.bridge = Some(Bridge {
                name: "cni0".to_owned(),
                mac: self.mac(),
                mtu: 1400 + self.below(2) as u32,
                up: desired || self.often(),
            });
        }
        if self.often() {
            self.tunnel(&mut state, desired);
        }
        let table = self.below(3);
        if table > 0 {
            let pool = format!("10.{table}.0.0/16").parse().unwrap();
            state.masquerade = Some(masquerade::Masquerade::new("pods", [pool]));
        }
        let value = self.below(2).to_string();
        state
            .sysctls
            .insert("net/ipv4/ip_forward".to_owned(), Some(value));
        for _ in 0..self.below(12) {
            let (key, target) = self.route(state.vxlan.is_some(), desired);
            state.routes.insert(key, target);
        }
        for _ in 0..self.below(3) {
            let address = format!("10.244.1.{}/24", self.below(3)).parse().unwrap();
            if state.bridge.is_some() {
                state.addresses.insert((Device::Bridge, address));
            }
        }
        state
    }

    fn tunnel(&mut self, state: &mut State, desired: bool) {
        let in_bridge = state.bridge.is_some() && self.often();
        state.vxlan = Some(Tunnel {
            name: "vxlan.calico".to_owned(),
            fixed: Fixed {
                vni: 4096 + u32::from(!self.often()),
                port: 4789,
                local: Some("192.168.61.11".parse().unwrap()),
                underlay: Some(Device::Underlay),
                learning: false,
            },
            mac: self.mac(),
            mtu: 1400 + self.below(2) as u32,
            up: desired || self.often(),
            master: in_bridge.then_some(Device::Bridge),
        });
        for _ in 0..self.below(6) {
            let (node, mac) = (self.node(), self.mac());
            state.neighbours.insert(node, mac);
            let (node, mac) = (self.node(), self.mac());
            state.fdb.insert(mac, [node].into());
            let node = self.node();
            state.fdb.entry(Mac::ZERO).or_default().insert(node);
        }
        if self.often() {
            let address = format!("10.244.9.{}/32", self.below(3)).parse().unwrap();
            state.addresses.insert((Device::Vxlan, address));
        }
    }

    fn route(&mut self, vxlan: bool, desired: bool) -> (RouteKey, Target) {
        let mut key = RouteKey::plain(format!("10.244.{}.0/24", self.below(16)).parse().unwrap());
        if !desired && self.below(8) == 0 {
            key.metric = 5;
        }
        let device = if vxlan && self.often() {
            Device::Vxlan
        } else {
            Device::Underlay
        };
        let target = match self.below(8) {
            0 => Target::Blackhole,
            1 if !desired => Target::Foreign,
            _ => Target::Via {
                gateway: self.node(),
                device,
                onlink: desired || self.often(),
            },
        };
        (key, target)
    }
}

#[test]
fn any_state_becomes_any_other_and_then_nothing_is_left_to_do() {
    let mut changes_made = 0;
    for seed in 1..=4000 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let desired = random.state(true);
        let mut actual = random.state(false);
        let changes = diff(&desired, &actual);
        for change in &changes {
            carry_out(&mut actual, change);
        }
        changes_made += changes.len();
        assert_eq!(actual, desired, "seed {seed}, {changes:#?}");
        assert_eq!(diff(&desired, &actual), [], "seed {seed}");
    }
    assert!(
        changes_made > 20_000,
        "the states differ: {changes_made} changes"
    );
}

#[test]
fn one_missing_row_is_one_change() {
    let mut random = Random(7);
    let desired = random.state(true);
    let key = *desired.routes.keys().next().unwrap();
    let mut actual = desired.clone();
    let target = actual.routes.remove(&key).unwrap();
    assert_eq!(diff(&desired, &actual), [Change::AddRoute(key, target)]);
}

#[test]
fn what_a_route_leads_through_comes_before_it_and_goes_after_it() {
    let (near, far) = (State::default(), {
        let mut random = Random(3);
        let mut state = State::default();
        random.tunnel(&mut state, true);
        let destination = RouteKey::plain("10.244.7.0/24".parse().unwrap());
        let gateway = random.node();
        let target = Target::Via {
            gateway,
            device: Device::Vxlan,
            onlink: true,
        };
        state.routes.insert(destination, target);
        state.neighbours.insert(gateway, random.mac());
        state
    });
    let changes = diff(&far, &near);
    let at = |wanted: fn(&Change) -> bool| changes.iter().position(wanted).unwrap();
    let route = at(|change| matches!(change, Change::AddRoute(..)));
    assert!(at(|change| matches!(change, Change::CreateVxlan(_))) < route);
    assert!(at(|change| matches!(change, Change::SetNeighbour(..))) < route);
    let mut bare = far.clone();
    bare.routes.clear();
    bare.neighbours.clear();
    let changes = diff(&bare, &far);
    let kinds: BTreeSet<_> = changes
        .iter()
        .map(|change| matches!(change, Change::DeleteRoute(..)))
        .collect();
    assert_eq!(kinds.len(), 2);
    assert!(
        matches!(changes.first(), Some(Change::DeleteRoute(..))),
        "{changes:?}"
    );
}
