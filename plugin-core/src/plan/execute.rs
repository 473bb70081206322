//! Carrying out a plan: netlink requests that follow each other in one namespace go out together.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::InetDevConf;

use super::{Operation, Side, VethEnd};
use crate::mac::Mac;
use crate::netlink::link::{self, Link, Port, Set};
use crate::netlink::route::{self, Route};
use crate::netlink::rule::Rule;
use crate::netlink::{self, Change, IfIndex, Socket, address};
use crate::netns::{self, Netns};

/// `RTPROT_BOOT`: what `ip route add` writes and does not print. The routes of a pod are its own; only
/// what reconciles the node's routes to others looks at protocols, and leaves these alone.
pub const PROTOCOL: u8 = 3;
/// Where the rules of secondary interfaces stand: before the main table (32766).
pub const RULE_PRIORITY: u32 = 1000;

/// The loopback device is the first of every namespace (`LOOPBACK_IFINDEX`, include/net/flow.h).
const LOOPBACK: IfIndex = 1;

/// The two namespaces an attachment lives in.
#[derive(Debug)]
pub struct Kernel {
    /// The pod's namespace.
    pub netns: Netns,
    /// A socket in the node's namespace.
    pub node: Socket,
    /// A socket in the pod's.
    pub pod: Socket,
    indices: HashMap<(Side, String), IfIndex>,
}

/// What the kernel did not do, or did not tell.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A netlink request.
    #[error(transparent)]
    Netlink(#[from] netlink::Error),
    /// The pod's namespace.
    #[error(transparent)]
    Netns(#[from] netns::Error),
    /// A sysctl.
    #[error("{}: {source}", path.display())]
    Sysctl {
        /// Its file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A link that an operation names is not there.
    #[error("{0} link {1} does not exist")]
    NoLink(&'static str, String),
    /// An operation that has no netlink request of its own.
    #[error("it is no netlink request")]
    NotNetlink,
}

/// An operation of a plan that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation}")]
pub struct Failure {
    /// What was to be done.
    pub operation: String,
    /// Why it was not.
    pub source: Refusal,
}

impl Kernel {
    /// Opens a socket in this thread's namespace and one in the pod's.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn open(netns: Netns) -> Result<Self, netlink::Error> {
        let node = Socket::open()?;
        let pod = Socket::open_in(&netns)?;
        Ok(Self {
            netns,
            node,
            pod,
            indices: HashMap::new(),
        })
    }

    /// The socket of a side.
    pub fn socket(&mut self, side: Side) -> &mut Socket {
        match side {
            Side::Node => &mut self.node,
            Side::Pod => &mut self.pod,
        }
    }

    /// The link of this name, if it is there.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn link(&mut self, side: Side, name: &str) -> Result<Option<Link>, netlink::Error> {
        link::by_name(self.socket(side), name)
    }

    /// Makes the operations in order, up to the first that fails. What was made stays: undoing it is
    /// for the journal.
    ///
    /// # Errors
    /// The first operation that failed. Those behind it in the same batch may have been made.
    pub fn execute(&mut self, operations: &[Operation]) -> Result<(), Failure> {
        let mut rest = operations;
        while let Some(first) = rest.first() {
            let alone = |refusal| (0, refusal);
            let taken = if first.goes_alone() {
                1
            } else {
                rest.iter()
                    .take_while(|next| !next.goes_alone() && next.side() == first.side())
                    .count()
            };
            let (batch, behind) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
            let done = match first {
                Operation::SetSysctl { side, key, value } if first.goes_alone() => {
                    self.set_sysctl(*side, key, *value).map_err(alone)
                }
                Operation::EnsureBridge { name, mac, mtu } => {
                    self.ensure_bridge(name, *mac, *mtu).map_err(alone)
                }
                Operation::CreateVeth {
                    node,
                    pod,
                    mtu,
                    bridge,
                } => self
                    .create_veth(node, pod, *mtu, bridge.as_deref())
                    .map_err(alone),
                other => self.send(other.side(), batch),
            };
            done.map_err(|(at, source)| Failure {
                operation: batch.get(at).unwrap_or(first).to_string(),
                source,
            })?;
            rest = behind;
        }
        Ok(())
    }

    /// Sends a batch; on failure says which of it.
    fn send(&mut self, side: Side, batch: &[Operation]) -> Result<(), (usize, Refusal)> {
        let mut changes = Vec::with_capacity(batch.len());
        for (at, operation) in batch.iter().enumerate() {
            changes.push(self.change(operation).map_err(|refusal| (at, refusal))?);
        }
        let answers = self
            .socket(side)
            .batch(&changes)
            .map_err(|error| (0, error.into()))?;
        for (at, (answer, operation)) in answers.into_iter().zip(batch).enumerate() {
            match answer {
                Err(error) if error.is_exists() && operation.is_shared() => {}
                answer => answer.map_err(|error| (at, error.into()))?,
            }
        }
        Ok(())
    }

    fn change(&mut self, operation: &Operation) -> Result<Change, Refusal> {
        Ok(match operation {
            Operation::SetAlias { link, alias } => Set::index(self.index(Side::Node, link)?)
                .alias(alias)
                .change(),
            Operation::SetPort { link, hairpin } => {
                // A port that suppresses is one whose own questions are not answered by the bridge
                // (br_do_proxy_suppress_arp): that is for the tunnel's port.
                let port = Port {
                    hairpin: *hairpin,
                    neigh_suppress: false,
                    learning: true,
                };
                Set::index(self.index(Side::Node, link)?)
                    .port(port)
                    .change()
            }
            Operation::AddAddress {
                side,
                link,
                address,
            } => address::add(self.index(*side, link)?, *address, true),
            Operation::RaiseLink { side, link } => {
                Set::index(self.index(*side, link)?).up(true).change()
            }
            Operation::AddRoute { side, link, .. } => {
                let index = self.index(*side, link)?;
                let route = route_of(operation, index).ok_or(Refusal::NotNetlink)?;
                match side {
                    // Nobody else may have a route to the pod's address.
                    Side::Node => route.add(),
                    // A second interface of the same network has the same routes; the first keeps its
                    // place before them.
                    Side::Pod => Change::with_flags(
                        RouteNetlinkMessage::NewRoute(route.message()),
                        NLM_F_CREATE | NLM_F_APPEND,
                    ),
                }
            }
            Operation::AddRule { source, table } => rule_of(*source, *table).add(),
            Operation::EnsureGatewayRoute { gateway } => gateway_route(*gateway).add(),
            Operation::SetSysctl { .. } => {
                let (link, conf) = switch(operation).ok_or(Refusal::NotNetlink)?;
                Set::index(self.index(operation.side(), link)?)
                    .inet(conf)
                    .change()
            }
            Operation::EnsureBridge { .. } | Operation::CreateVeth { .. } => {
                return Err(Refusal::NotNetlink);
            }
        })
    }

    fn ensure_bridge(&mut self, name: &str, mac: Mac, mtu: u32) -> Result<(), Refusal> {
        match self.link(Side::Node, name)? {
            Some(bridge) if bridge.up => {}
            Some(bridge) => self
                .node
                .apply(&Set::index(bridge.index).up(true).change())?,
            None => {
                let made = self
                    .node
                    .apply(&link::add_bridge(name, Some(mac), mtu, true));
                // Another ADD may have been faster.
                netlink::error::or_exists(made)?;
            }
        }
        Ok(())
    }

    fn create_veth(
        &mut self,
        node: &VethEnd,
        pod: &VethEnd,
        mtu: u32,
        bridge: Option<&str>,
    ) -> Result<(), Refusal> {
        let bridge = bridge
            .map(|name| self.index(Side::Node, name))
            .transpose()?;
        let near = link::VethEnd {
            name: &node.name,
            mac: Some(node.mac),
            netns: None,
        };
        let far = link::VethEnd {
            name: &pod.name,
            mac: Some(pod.mac),
            netns: Some(&self.netns),
        };
        let change = match bridge {
            Some(bridge) => link::add_veth_port(&near, &far, mtu, bridge),
            None => link::add_veth(&near, &far, mtu),
        };
        Ok(self.node.apply(&change)?)
    }

    /// The number of a link, asked for once.
    fn index(&mut self, side: Side, name: &str) -> Result<IfIndex, Refusal> {
        let key = (side, name.to_owned());
        if let Some(index) = self.indices.get(&key) {
            return Ok(*index);
        }
        let link = self.link(side, name)?;
        let index = link
            .map(|link| link.index)
            .ok_or_else(|| Refusal::NoLink(side.whose(), name.to_owned()))?;
        self.indices.insert(key, index);
        Ok(index)
    }

    fn set_sysctl(&self, side: Side, key: &str, value: i64) -> Result<(), Refusal> {
        let path = sysctl_path(key);
        let write = || match read_number(&path) {
            // A write of the value it has is not free: ip_forward resets flags of every device.
            Ok(found) if found == value => Ok(()),
            _ => std::fs::write(&path, value.to_string()),
        };
        let written = match side {
            Side::Node => write(),
            Side::Pod => self.netns.run(write)?,
        };
        written.map_err(|source| Refusal::Sysctl { path, source })
    }

    /// The value of a sysctl.
    ///
    /// # Errors
    /// When it cannot be read, or is no number.
    pub fn sysctl(&self, side: Side, key: &str) -> Result<i64, Refusal> {
        let path = sysctl_path(key);
        let read = match side {
            Side::Node => read_number(&path),
            Side::Pod => self.netns.run(|| read_number(&path))?,
        };
        read.map_err(|source| Refusal::Sysctl { path, source })
    }
}

impl Operation {
    /// Whether it is more, or other, than one netlink request on links that are there.
    fn goes_alone(&self) -> bool {
        match self {
            Self::EnsureBridge { .. } | Self::CreateVeth { .. } => true,
            Self::SetSysctl { .. } => switch(self).is_none(),
            _ => false,
        }
    }

    /// Whether it makes what other attachments also want, so that "already there" is success.
    fn is_shared(&self) -> bool {
        matches!(
            self,
            Self::AddAddress {
                side: Side::Node,
                ..
            } | Self::EnsureGatewayRoute { .. }
        )
    }
}

/// The link and the switch of it that a `SetSysctl` turns on, if netlink can: it goes in one batch with what else is
/// done to the link, where a file costs five calls.
fn switch(operation: &Operation) -> Option<(&str, InetDevConf)> {
    let Operation::SetSysctl { key, value, .. } = operation else {
        return None;
    };
    let (link, name) = key.strip_prefix("net/ipv4/conf/")?.split_once('/')?;
    // Zeros are left out of a request; `all` and `default` are no links.
    if *value == 0 || matches!(link, "all" | "default") {
        return None;
    }
    let value = i32::try_from(*value).ok()?;
    let mut conf = InetDevConf::default();
    match name {
        "forwarding" => conf.forwarding = value,
        "proxy_arp" => conf.proxy_arp = value,
        "rp_filter" => conf.rp_filter = value,
        _ => return None,
    }
    Some((link, conf))
}

/// The route that an `EnsureGatewayRoute` makes.
pub(crate) fn gateway_route(gateway: std::net::IpAddr) -> Route {
    let mut route = Route::to(gateway.into(), PROTOCOL);
    route.oif = Some(LOOPBACK);
    route.link_scope = true;
    route
}

/// The route that an `AddRoute` makes on the link with this number.
pub(super) fn route_of(operation: &Operation, index: IfIndex) -> Option<Route> {
    let Operation::AddRoute {
        table,
        destination,
        gateway,
        source,
        metric,
        mtu,
        ..
    } = operation
    else {
        return None;
    };
    let mut route = Route::to(*destination, PROTOCOL);
    route.table = table.unwrap_or(route::MAIN);
    route.gateway = *gateway;
    route.oif = Some(index);
    route.link_scope = gateway.is_none() && destination.addr().is_ipv4();
    route.prefsrc = *source;
    route.metric = metric.unwrap_or(0);
    route.mtu = *mtu;
    Some(route)
}

/// The rule that an `AddRule` makes.
pub(crate) fn rule_of(source: IpNet, table: u32) -> Rule {
    Rule {
        priority: RULE_PRIORITY,
        src: Some(source),
        dst: None,
        table,
        protocol: PROTOCOL,
    }
}

fn sysctl_path(key: &str) -> PathBuf {
    Path::new("/proc/sys").join(key)
}

fn read_number(path: &Path) -> io::Result<i64> {
    let text = std::fs::read_to_string(path)?;
    text.trim()
        .parse()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
