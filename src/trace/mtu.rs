//! How large a packet may be: at each device of a way, or at the devices of the nodes, and what the numbers are
//! made of.

use serde::Serialize;

use super::endpoint::Endpoint;
use super::ways::Ways;
use crate::model::link::{Link, LinkKind};
use crate::model::{Bundle, Netns, Node};
use crate::walk::path::{Cause, End, Hop, Path, Step, Wrapping};

/// What fits where (`ovl.mtu/v1`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mtus {
    /// Always [`Mtus::SCHEMA`].
    pub schema: &'static str,
    /// The ends of the way, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<(Endpoint, Endpoint)>,
    /// The devices, in the order of the way, or by node.
    pub devices: Vec<DeviceMtu>,
    /// The largest packet that gets through both ways uncut, octets from its IP header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_mtu: Option<u32>,
    /// What the numbers are made of.
    pub reasons: Vec<String>,
    /// What does not fit together: packets are lost, or cut.
    pub faults: Vec<String>,
    /// Why the way was not followed to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceMtu {
    /// Its node.
    pub node: String,
    /// Its namespace, as people call it.
    pub place: String,
    /// Its name.
    pub device: String,
    /// Its largest packet, octets.
    pub mtu: u32,
    /// What is wrapped around the packet there, octets.
    pub wrapping: u32,
    /// What is left for the packet.
    pub room: u32,
}

impl Mtus {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.mtu/v1";

    /// What fits on the way between two ends.
    pub fn of_way(ways: &Ways) -> Self {
        let out = &ways.conversation.out;
        let back = ways.conversation.back.as_ref();
        let path_mtu = match (out.mtu(), back.and_then(Path::mtu)) {
            (Some(out), Some(back)) => Some(out.min(back)),
            (one, other) => one.or(other),
        };
        let mut devices: Vec<DeviceMtu> = Vec::new();
        for hop in &out.hops {
            if let Some(row) = row(hop, ways.packet.size)
                && !devices.contains(&row)
            {
                devices.push(row);
            }
        }
        let mut reasons = Vec::new();
        for path in std::iter::once(out).chain(back) {
            for reason in wrappings(path) {
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        }
        reasons.extend(unused(&devices));
        let mut faults = Vec::new();
        if let (Some(first), Some(fits)) = (devices.first(), path_mtu)
            && first.mtu > fits
        {
            faults.push(format!(
                "{} {} sends up to {} octets, but the way carries {fits}: longer packets are lost or cut",
                first.place, first.device, first.mtu
            ));
        }
        let doubt = std::iter::once(out)
            .chain(back)
            .find_map(|path| unfinished(path, &mut faults));
        Self {
            schema: Self::SCHEMA,
            ends: Some((ways.source.clone(), ways.destination.clone())),
            devices,
            path_mtu,
            reasons,
            faults,
            doubt,
        }
    }

    /// What fits at the devices of all nodes.
    pub fn of_nodes(bundle: &Bundle) -> Self {
        let mut mtus = Self {
            schema: Self::SCHEMA,
            ends: None,
            devices: Vec::new(),
            path_mtu: None,
            reasons: Vec::new(),
            faults: Vec::new(),
            doubt: None,
        };
        for node in &bundle.nodes {
            mtus.add_node(node);
        }
        mtus
    }

    fn add_node(&mut self, node: &Node) {
        for netns in &node.namespaces {
            let is_root = netns.id == node.root;
            if let Some(why) = netns.links.doubt() {
                self.doubt = Some(format!("{}: its devices were not read: {why}", node.name));
            }
            let place = if is_root {
                "root".to_owned()
            } else {
                crate::inspect::find::occupant(node, netns)
            };
            for link in netns.links.iter().filter(|link| !link.is_loopback()) {
                // A pod's host end has what its pod's device has.
                if is_root && link.peer().is_some_and(|peer| peer.netns.is_some()) {
                    continue;
                }
                self.devices.push(DeviceMtu {
                    node: node.name.clone(),
                    place: place.clone(),
                    device: link.name.clone(),
                    mtu: link.mtu,
                    wrapping: 0,
                    room: link.mtu,
                });
                if let Some((below, wrapping, v6)) = tunnel(netns, link) {
                    let over = wrapping.octets(v6);
                    let text = sum(&link.name, link.mtu, &below.name, below.mtu, wrapping, v6);
                    if link.mtu + over > below.mtu {
                        self.faults.push(format!("{}: {text}", node.name));
                    } else if !self.reasons.contains(&text) {
                        self.reasons.push(text);
                    }
                }
            }
        }
    }
}

/// Why a way tells less than all; a packet lost for its size is a fault.
fn unfinished(path: &Path, faults: &mut Vec<String>) -> Option<String> {
    match &path.end {
        End::Delivered { .. } => None,
        End::Dropped(drop) => match drop.cause {
            Cause::MtuExceeded { mtu, size, .. } => {
                faults.push(format!(
                    "{}: {size} octets do not fit into {mtu}, and must not be cut",
                    drop.at
                ));
                None
            }
            _ => Some(format!(
                "the packet is lost at {}; `ovl trace` says why",
                drop.at
            )),
        },
        End::CannotTell { at, why } => Some(format!("{at}: {why}")),
    }
}

fn row(hop: &Hop, size: u32) -> Option<DeviceMtu> {
    let mtu = hop.mtu?;
    let wrapping = hop.size.saturating_sub(size);
    Some(DeviceMtu {
        node: hop.at.node.clone(),
        place: hop.at.name.clone(),
        device: hop.at.device.as_ref()?.name.clone(),
        mtu,
        wrapping,
        room: mtu.saturating_sub(wrapping),
    })
}

/// What each tunnel device on a way leaves of the device below it.
fn wrappings(path: &Path) -> Vec<String> {
    path.hops
        .windows(2)
        .filter_map(|pair| match pair {
            [tunnel, below] if tunnel.step == Step::Wrap => {
                let outer = below.headers.outer?;
                Some(sum(
                    &tunnel.at.device.as_ref()?.name,
                    tunnel.mtu?,
                    &below.at.device.as_ref()?.name,
                    below.mtu?,
                    outer.kind,
                    outer.destination.is_ipv6(),
                ))
            }
            _ => None,
        })
        .collect()
}

/// A way that carries more than its sender uses: mostly room for a wrapping that other ways need.
fn unused(devices: &[DeviceMtu]) -> Option<String> {
    let first = devices.first()?;
    let others = devices.iter().filter(|row| row.wrapping == 0);
    let room = others.map(|row| row.room).max()?;
    let wrapped = devices.iter().any(|row| row.wrapping > 0);
    let spare = room.checked_sub(first.mtu).filter(|spare| *spare > 0)?;
    if wrapped {
        return None;
    }
    let what = match spare {
        50 => "for VXLAN over IPv4, which this way does not use",
        70 => "for VXLAN over IPv6, which this way does not use",
        20 => "for IP in IP, which this way does not use",
        24 => "for GRE, which this way does not use",
        60 => "for WireGuard over IPv4, which this way does not use",
        80 => "for WireGuard over IPv6, which this way does not use",
        _ => "unused by this way",
    };
    Some(format!(
        "{} = {room} − {spare}: {} {} keeps {spare} octets {what}",
        first.mtu, first.place, first.device
    ))
}

/// `1450 = 1500 − 50 (IPv4 20 + UDP 8 + VXLAN 8 + Ethernet 14)`, and what is left or lacks.
fn sum(
    tunnel: &str,
    mtu: u32,
    below: &str,
    below_mtu: u32,
    wrapping: Wrapping,
    v6: bool,
) -> String {
    let over = wrapping.octets(v6);
    let fits = below_mtu.saturating_sub(over);
    let ip = if v6 { "IPv6 40" } else { "IPv4 20" };
    let parts = match wrapping {
        Wrapping::Vxlan { .. } => format!("{ip} + UDP 8 + VXLAN 8 + Ethernet 14"),
        Wrapping::Ip { protocol: 47 } => format!("{ip} + GRE 4"),
        Wrapping::Ip { .. } => ip.to_owned(),
    };
    let made_of = format!("{fits} = {below_mtu} − {over} ({parts})");
    let weave = if mtu == 1376 && matches!(wrapping, Wrapping::Vxlan { .. }) {
        ": Weave's 1460 − 50 − 34, with room for a cloud's own wrapping and encryption"
    } else {
        ""
    };
    if mtu > fits {
        format!(
            "{tunnel} has {mtu}, but {below} leaves {made_of}: {} too many",
            mtu - fits
        )
    } else if mtu < fits {
        format!(
            "{tunnel} has {mtu}, {} less than {below} leaves, {made_of}{weave}",
            fits - mtu
        )
    } else {
        format!("{tunnel} has what {below} leaves: {made_of}")
    }
}

/// The device below a tunnel device, and how it wraps.
fn tunnel<'a>(netns: &'a Netns, link: &'a Link) -> Option<(&'a Link, Wrapping, bool)> {
    match &link.kind {
        LinkKind::Vxlan(vxlan) => {
            let by_address = || {
                let local = vxlan.local?;
                let row = netns.addresses.iter().find(|row| row.address == local)?;
                netns.link(row.device)
            };
            let below = vxlan.underlay.and_then(|index| netns.link(index));
            let v6 = vxlan.local.or(vxlan.remote).is_some_and(|a| a.is_ipv6());
            let wrapping = Wrapping::Vxlan {
                vni: vxlan.vni,
                port: vxlan.port,
            };
            Some((below.or_else(by_address)?, wrapping, v6))
        }
        LinkKind::Tunnel(tunnel) => {
            let local = tunnel.local?;
            let row = netns.addresses.iter().find(|row| row.address == local)?;
            let protocol = match tunnel.name.as_str() {
                "ipip" => 4,
                "sit" => 41,
                "gre" | "ip6gre" => 47,
                _ => return None,
            };
            let below = netns.link(row.device)?;
            Some((below, Wrapping::Ip { protocol }, local.is_ipv6()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Vni;

    const VXLAN: Wrapping = Wrapping::Vxlan {
        vni: Vni(1),
        port: 8472,
    };

    #[test]
    fn the_numbers_of_the_field() {
        assert_eq!(
            sum("flannel.1", 1450, "eth0", 1500, VXLAN, false),
            "flannel.1 has what eth0 leaves: 1450 = 1500 − 50 (IPv4 20 + UDP 8 + VXLAN 8 + Ethernet 14)"
        );
        assert_eq!(
            sum("vx", 1430, "eth0", 1500, VXLAN, true),
            "vx has what eth0 leaves: 1430 = 1500 − 70 (IPv6 40 + UDP 8 + VXLAN 8 + Ethernet 14)"
        );
        assert_eq!(
            sum("vxlan-6784", 1376, "eth0", 1500, VXLAN, false),
            "vxlan-6784 has 1376, 74 less than eth0 leaves, 1450 = 1500 − 50 (IPv4 20 + UDP 8 + VXLAN 8 + \
             Ethernet 14): Weave's 1460 − 50 − 34, with room for a cloud's own wrapping and encryption"
        );
        assert_eq!(
            sum("vx", 1500, "eth0", 1500, VXLAN, false),
            "vx has 1500, but eth0 leaves 1450 = 1500 − 50 (IPv4 20 + UDP 8 + VXLAN 8 + Ethernet 14): 50 too many"
        );
    }

    #[test]
    fn room_that_is_kept_for_other_ways_is_named() {
        let device = |device: &str, mtu| DeviceMtu {
            node: "host01".into(),
            place: "root".into(),
            device: device.into(),
            mtu,
            wrapping: 0,
            room: mtu,
        };
        assert_eq!(
            unused(&[device("eth0", 1450), device("enp0s8", 1500)]).unwrap(),
            "1450 = 1500 − 50: root eth0 keeps 50 octets for VXLAN over IPv4, which this way does not use"
        );
        assert_eq!(
            unused(&[device("eth0", 1500), device("enp0s8", 1500)]),
            None
        );
    }
}
