//! Reads from the kernel the part of a node's state that is ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use ipnet::IpNet;

use super::scope::{PROTOCOL, Scope};
use super::state::{Bridge, Device, Fixed, RouteKey, State, Target, Tunnel};
use crate::mac::Mac;
use crate::netlink::link::Link;
use crate::netlink::route::{Kind, MAIN, Route};
use crate::netlink::{self, IfIndex, Socket, address, fdb, link, neighbour, route};

/// What is there.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The part that is ours, its nftables table left out.
    pub state: State,
    /// The numbers of the devices.
    pub indices: Indices,
    /// All links of the namespace.
    pub links: Vec<Link>,
    /// Whether every table was read undisturbed. If not, nothing may be taken for absent or superfluous.
    pub complete: bool,
}

/// The numbers that devices have now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indices {
    /// That of the underlay.
    pub underlay: Option<IfIndex>,
    /// That of our VXLAN device.
    pub vxlan: Option<IfIndex>,
    /// That of our bridge.
    pub bridge: Option<IfIndex>,
}

impl Indices {
    /// Those of the devices `scope` names.
    pub fn among(links: &[Link], scope: &Scope) -> Self {
        let of = |name: &str| {
            links
                .iter()
                .find(|link| link.name == name)
                .map(|link| link.index)
        };
        Self {
            underlay: of(&scope.underlay),
            vxlan: scope.vxlan.as_deref().and_then(of),
            bridge: scope.bridge.as_deref().and_then(of),
        }
    }

    /// The number of a device, if it exists.
    pub fn of(self, device: Device) -> Option<IfIndex> {
        match device {
            Device::Underlay => self.underlay,
            Device::Vxlan => self.vxlan,
            Device::Bridge => self.bridge,
            Device::Other(index) => Some(index),
        }
    }

    /// The device with a number.
    pub fn device(self, index: IfIndex) -> Device {
        match Some(index) {
            at if at == self.underlay => Device::Underlay,
            at if at == self.vxlan => Device::Vxlan,
            at if at == self.bridge => Device::Bridge,
            _ => Device::Other(index),
        }
    }
}

/// Reads links, addresses, routes, neighbours and forwarding entries, and the settings named in
/// `sysctls`. The nftables table is read by [`super::nft`].
///
/// # Errors
/// When a table cannot be read at all.
pub fn read<'a>(
    socket: &mut Socket,
    scope: &Scope,
    sysctls: impl IntoIterator<Item = &'a String>,
) -> Result<Reading, netlink::Error> {
    let links = link::list(socket)?;
    let indices = Indices::among(&links.rows, scope);
    let mut complete = links.complete;
    let mut state = State {
        bridge: of_kind(&links.rows, indices.bridge, "bridge").map(bridge),
        vxlan: of_kind(&links.rows, indices.vxlan, "vxlan").and_then(|link| tunnel(link, indices)),
        ..State::default()
    };
    if scope.vxlan.is_some() || scope.bridge.is_some() {
        let addresses = address::list(socket)?;
        complete &= addresses.complete;
        for row in addresses.rows {
            let device = indices.device(row.index);
            if matches!(device, Device::Vxlan | Device::Bridge) && !row.local_scope {
                state.addresses.insert((device, row.address));
            }
        }
    }
    let routes = route::list(socket)?;
    complete &= routes.complete;
    state.routes = routes
        .rows
        .iter()
        .filter(|row| row.protocol == PROTOCOL && row.table == MAIN && scope.holds(&row.dst))
        .map(|row| (key(row), target(row, indices)))
        .collect();
    if let Some(index) = indices.vxlan {
        if !scope.only_flooding {
            let neighbours = neighbour::list(socket)?;
            complete &= neighbours.complete;
            let ours = neighbours
                .rows
                .iter()
                .filter(|row| row.index == index && row.permanent);
            state.neighbours = ours
                .filter_map(|row| Some((row.address, row.mac?)))
                .collect();
        }
        let entries = fdb::list(socket)?;
        complete &= entries.complete;
        state.fdb = forwarding(&entries.rows, index, scope.only_flooding);
    }
    for path in sysctls {
        state.sysctls.insert(path.clone(), sysctl(path));
    }
    Ok(Reading {
        state,
        indices,
        links: links.rows,
        complete,
    })
}

fn of_kind<'a>(links: &'a [Link], index: Option<IfIndex>, kind: &str) -> Option<&'a Link> {
    links
        .iter()
        .find(|link| Some(link.index) == index && link.kind.as_deref() == Some(kind))
}

fn bridge(link: &Link) -> Bridge {
    Bridge {
        name: link.name.clone(),
        mac: link.mac.unwrap_or_default(),
        mtu: link.mtu,
        up: link.up,
    }
}

fn tunnel(link: &Link, indices: Indices) -> Option<Tunnel> {
    let vxlan = link.vxlan.as_ref()?;
    Some(Tunnel {
        name: link.name.clone(),
        fixed: Fixed {
            vni: vxlan.vni,
            port: vxlan.port,
            local: vxlan.local,
            underlay: vxlan.underlay.map(|index| indices.device(index)),
            learning: vxlan.learning,
        },
        mac: link.mac.unwrap_or_default(),
        mtu: link.mtu,
        up: link.up,
        master: link.master.map(|index| indices.device(index)),
    })
}

fn key(row: &Route) -> RouteKey {
    RouteKey {
        destination: row.dst,
        metric: row.metric,
    }
}

fn target(row: &Route, indices: Indices) -> Target {
    match (row.kind, row.gateway, row.oif) {
        (Kind::Unicast, Some(gateway), Some(oif)) => Target::Via {
            gateway,
            device: indices.device(oif),
            onlink: row.onlink,
        },
        (Kind::Blackhole, _, _) => Target::Blackhole,
        _ => Target::Foreign,
    }
}

fn forwarding(
    entries: &[fdb::FdbEntry],
    index: IfIndex,
    only_flooding: bool,
) -> BTreeMap<Mac, BTreeSet<std::net::IpAddr>> {
    let mut fdb: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for entry in entries {
        let ours = entry.index == index && entry.own && entry.permanent;
        if let (true, Some(dst)) = (ours, entry.dst)
            && (entry.mac == Mac::ZERO || !only_flooding)
        {
            fdb.entry(entry.mac).or_default().insert(dst);
        }
    }
    fdb
}

/// A kernel setting without its line end; `None` when the kernel has none of that name.
pub fn sysctl(path: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new("/proc/sys").join(path)).ok()?;
    Some(text.trim_end().to_owned())
}

/// Writes a kernel setting.
///
/// # Errors
/// Those of the file.
pub fn set_sysctl(path: &str, value: &str) -> io::Result<()> {
    fs::write(Path::new("/proc/sys").join(path), value)
}

/// The global addresses of a link, in the kernel's order.
///
/// # Errors
/// Those of the dump.
pub fn global_addresses(socket: &mut Socket, index: IfIndex) -> Result<Vec<IpNet>, netlink::Error> {
    let rows = address::list(socket)?.rows.into_iter();
    Ok(rows
        .filter(|row| row.index == index && !row.local_scope)
        .map(|row| row.address)
        .collect())
}
