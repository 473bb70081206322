//! Network namespaces: which there are on the node, and what stands in each.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use plugin_core::netlink::Socket;
use plugin_core::netns::Netns as Handle;

use super::{bpf, counters, features, netfilter, rtnetlink, sockets, sysctl};
use crate::model::netns::NamedNetns;
use crate::model::{Link, Netns, NetnsId, Nsid, Table};

/// Where namespaces are bound to names.
const NAMED: [&str; 3] = ["/run/netns", "/var/run/netns", "/run/docker/netns"];

/// A namespace that can be entered.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) id: NetnsId,
    pub(super) handle: Handle,
    pub(super) paths: Vec<String>,
}

impl Entrance {
    /// Opens the namespace behind a path.
    ///
    /// # Errors
    /// When there is none, or it may not be opened.
    pub(super) fn open(path: impl AsRef<Path>) -> Result<Self, plugin_core::netns::Error> {
        let path = path.as_ref();
        let handle = Handle::open(path)?;
        Ok(Self {
            id: NetnsId(handle.id().inode),
            handle,
            paths: vec![usual(path)],
        })
    }

    /// The namespace of this thread.
    ///
    /// # Errors
    /// When `/proc` is not there.
    pub(super) fn here() -> Result<Self, plugin_core::netns::Error> {
        let handle = Handle::current()?;
        Ok(Self {
            id: NetnsId(handle.id().inode),
            handle,
            paths: Vec::new(),
        })
    }
}

/// A path in the words of the others: runtimes say /var/run where that is but a link to /run.
fn usual(path: &Path) -> String {
    let is_link = || fs::read_link("/var/run").is_ok();
    match path.strip_prefix("/var/run") {
        Ok(rest) if is_link() => Path::new("/run").join(rest).display().to_string(),
        _ => path.display().to_string(),
    }
}

/// Namespaces by their names, and names that lead to none.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entrances: Vec<Entrance>,
    pub(super) dead: Vec<String>,
    /// Why some may be missing.
    pub(super) doubt: Option<String>,
    /// Where in `entrances` each stands.
    places: HashMap<NetnsId, usize>,
}

impl Found {
    /// Looks at the places where namespaces are bound to names.
    pub(super) fn named() -> Self {
        let mut found = Self::default();
        let mut seen: Vec<PathBuf> = Vec::new();
        for dir in NAMED {
            // /var/run is a link to /run on most systems.
            let Ok(dir) = fs::canonicalize(dir) else {
                continue;
            };
            if seen.contains(&dir) {
                continue;
            }
            match fs::read_dir(&dir) {
                Ok(entries) => {
                    let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
                    paths.sort();
                    for path in paths {
                        found.add(&path);
                    }
                }
                Err(error) => found.doubt = Some(format!("cannot list {}: {error}", dir.display())),
            }
            seen.push(dir);
        }
        found
    }

    fn add(&mut self, path: &Path) {
        match Entrance::open(path) {
            Ok(entrance) => self.push(entrance),
            Err(plugin_core::netns::Error::NotANetns { path }) => {
                self.dead.push(path.display().to_string());
            }
            Err(error)
                if error
                    .io()
                    .is_some_and(|e| e.kind() == io::ErrorKind::NotFound) => {}
            Err(error) => self.doubt = Some(error.to_string()),
        }
    }

    /// Adds a namespace, or another path of one that is known.
    pub(super) fn push(&mut self, entrance: Entrance) {
        let place = self.places.get(&entrance.id).copied();
        match place.and_then(|place| self.entrances.get_mut(place)) {
            Some(known) => {
                for path in entrance.paths {
                    if !known.paths.contains(&path) {
                        known.paths.push(path);
                    }
                }
            }
            None => {
                self.places.insert(entrance.id, self.entrances.len());
                self.entrances.push(entrance);
            }
        }
    }

    /// The one of that identity, if it is among them.
    pub(super) fn get(&self, id: NetnsId) -> Option<&Entrance> {
        self.entrances.get(*self.places.get(&id)?)
    }
}

/// How much of a namespace is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Devices and addresses.
    Brief,
    /// What decides where the packets of a pod go, as far as its own namespace is concerned.
    Pod,
    /// Everything.
    Whole,
}

/// Reads namespaces, several at once, each on a thread that was moved there. One that cannot be entered says
/// so in each of its tables. `others` are the namespaces that devices may lead to, the likeliest first.
pub(super) fn read(entrances: &[&Entrance], depth: Depth, others: &[&Entrance]) -> Vec<Netns> {
    let ethtool = match depth {
        Depth::Brief | Depth::Pod => None,
        Depth::Whole => Socket::open_protocol(features::PROTOCOL)
            .and_then(|mut socket| features::family(&mut socket))
            .ok(),
    };
    let own = Entrance::here().ok().map(|here| here.id);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(entrances.len()));
    let work = || {
        // Where this thread is; its own namespace can be read without the right to enter any.
        let mut here = own;
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(entrance) = entrances.get(place) else {
                return;
            };
            let entered = if here == Some(entrance.id) {
                Ok(())
            } else {
                entrance.handle.enter()
            };
            let netns = match entered {
                Ok(()) => {
                    here = Some(entrance.id);
                    read_here(entrance, depth, others, ethtool, own == Some(entrance.id))
                }
                Err(error) => closed(entrance, &format!("cannot enter the namespace: {error}")),
            };
            if let Ok(mut done) = done.lock() {
                done.push((place, netns));
            }
        }
    };
    // These threads end in other namespaces than they began in, and are never used again.
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(entrances.len()) {
            if std::thread::Builder::new()
                .spawn_scoped(scope, work)
                .is_err()
            {
                break;
            }
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, netns)| netns).collect()
}

/// A namespace that could not be read, and why.
fn closed(entrance: &Entrance, reason: &str) -> Netns {
    Netns {
        id: entrance.id,
        paths: entrance.paths.clone(),
        links: Table::unavailable(reason),
        addresses: Table::unavailable(reason),
        rules: Table::unavailable(reason),
        routes: Table::unavailable(reason),
        nexthops: Table::unavailable(reason),
        neighbours: Table::unavailable(reason),
        fdb: Table::unavailable(reason),
        sysctls: Table::unavailable(reason),
        ..Netns::default()
    }
}

/// Reads the namespace of the calling thread, which `entrance` leads to.
fn read_here(
    entrance: &Entrance,
    depth: Depth,
    others: &[&Entrance],
    ethtool: Option<u16>,
    own: bool,
) -> Netns {
    let mut socket = match Socket::open() {
        Ok(socket) => socket,
        Err(error) => return closed(entrance, &error.to_string()),
    };
    let mut netns = Netns {
        id: entrance.id,
        paths: entrance.paths.clone(),
        links: rtnetlink::link::read(&mut socket),
        addresses: rtnetlink::address::read(&mut socket, None),
        ..Netns::default()
    };
    netns.nsids = name_others(&mut socket, &netns.links, entrance.id, others);
    for link in &mut netns.links.rows {
        resolve(link, entrance.id, &netns.nsids);
    }
    if depth == Depth::Brief {
        if own {
            netns.routes = default_routes(&mut socket);
        }
        return netns;
    }
    netns.rules = rtnetlink::rule::read(&mut socket);
    netns.routes = rtnetlink::route::read(&mut socket, rtnetlink::route::Wanted::default());
    netns.nexthops = rtnetlink::nexthop::read(&mut socket);
    fill_nexthops(&mut netns);
    netns.neighbours = rtnetlink::neighbour::read(&mut socket);
    if depth == Depth::Pod {
        return netns;
    }
    netns.fdb = rtnetlink::neighbour::read_fdb(&mut socket);
    let has_bridge = netns
        .links
        .iter()
        .any(|link| matches!(link.kind, crate::model::LinkKind::Bridge(_)));
    (netns.port_vlans, netns.mdb) = if has_bridge || !netns.links.is_complete() {
        (
            rtnetlink::bridge::read_vlans(&mut socket),
            rtnetlink::bridge::read_mdb(&mut socket),
        )
    } else {
        (Table::complete(Vec::new()), Table::complete(Vec::new()))
    };
    netns.qdiscs = rtnetlink::tc::read_qdiscs(&mut socket);
    netns.filters = rtnetlink::tc::read_filters(&mut socket, &netns.qdiscs);
    netns.sysctls = sysctl::read();
    netns.netfilter = netfilter::read();
    netns.sockets = match Socket::open_protocol(sockets::PROTOCOL) {
        Ok(mut socket) => sockets::read(&mut socket),
        Err(error) => Table::unavailable(error.to_string()),
    };
    if let Some(family) = ethtool
        && let Ok(mut socket) = Socket::open_protocol(features::PROTOCOL)
        && let Ok(mut active) = features::read(&mut socket, family)
    {
        for link in &mut netns.links.rows {
            link.features = active.remove(&link.index);
        }
    }
    for link in &mut netns.links.rows {
        if let Some(program) = &mut link.xdp_program {
            program.name = bpf::name_of(program.id);
        }
    }
    netns.counters = counters::protocols();
    netns.conntrack = counters::conntrack(&netns.sysctls);
    netns
}

/// The default routes of the main table, whose device has the node's address.
fn default_routes(socket: &mut Socket) -> Table<crate::model::Route> {
    let mut table = rtnetlink::route::read(socket, rtnetlink::route::Wanted::default());
    table
        .rows
        .retain(|route| route.is_default() && route.table == crate::model::TableId::MAIN);
    if table.is_complete() {
        table = Table::partial(table.rows, "only default routes were read");
    }
    table
}

/// A route by a nexthop object has the object's ways filled in by the kernel; one by a group too, but not in
/// old kernels.
fn fill_nexthops(netns: &mut Netns) {
    let objects: HashMap<_, _> = netns
        .nexthops
        .iter()
        .map(|object| (object.id, object))
        .collect();
    for route in &mut netns.routes.rows {
        let Some(object) = route.nexthop_id.and_then(|id| objects.get(&id)) else {
            continue;
        };
        if !route.nexthops.is_empty() {
            continue;
        }
        route.nexthops = match &object.hop {
            Some(hop) => vec![hop.clone()],
            None => object
                .group
                .iter()
                .filter_map(|(id, weight)| {
                    let mut hop = objects.get(id)?.hop.clone()?;
                    hop.weight = *weight;
                    Some(hop)
                })
                .collect(),
        };
    }
}

/// Finds out which namespaces are meant by the numbers that the links of this one use.
pub(super) fn name_others(
    socket: &mut Socket,
    links: &Table<Link>,
    own: NetnsId,
    others: &[&Entrance],
) -> Vec<NamedNetns> {
    let mut wanted: Vec<Nsid> = links.iter().filter_map(|link| link.lower?.nsid).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut named = Vec::with_capacity(wanted.len());
    for other in others {
        if wanted.is_empty() {
            break;
        }
        if other.id == own {
            continue;
        }
        if let Ok(Some(nsid)) = rtnetlink::nsid::of(socket, &other.handle)
            && let Ok(place) = wanted.binary_search(&nsid)
        {
            wanted.remove(place);
            named.push(NamedNetns {
                nsid,
                netns: other.id,
            });
        }
    }
    named.sort_by_key(|named| named.nsid);
    named
}

/// Says which namespace the other end of a link is in, where that is known.
pub(super) fn resolve(link: &mut Link, own: NetnsId, nsids: &[NamedNetns]) {
    if let Some(lower) = &mut link.lower {
        lower.netns = match lower.nsid {
            None => Some(own),
            Some(nsid) => nsids
                .iter()
                .find(|named| named.nsid == nsid)
                .map(|named| named.netns),
        };
    }
}
