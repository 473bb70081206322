//! Who is meant by the words of `ovl trace`: a pod, a node, a service, or an address.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::Serialize;

use crate::inspect::find::{self, NotFound};
use crate::model::number::NetnsId;
use crate::model::route::Scope;
use crate::model::{Bundle, Netns, Node, Subject};

/// Who was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// `[ns/]pod`, or whatever else leads to one.
    Pod(Subject),
    /// `node/NAME`
    Node(String),
    /// `svc/[ns/]NAME[:PORT]`
    Service {
        /// Its Kubernetes namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its port by number or name; the first one if none is given.
        port: Option<String>,
    },
    /// An address that may be anybody's, and a port.
    Address(IpAddr, Option<u16>),
}

/// Words that name nobody.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is neither [NAMESPACE/]POD, node/NAME, svc/NAME[:PORT] nor an address")]
pub struct NotAnEndpoint(String);

impl FromStr for Named {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAnEndpoint(text.to_owned());
        if let Some(node) = text.strip_prefix("node/") {
            return Some(Self::Node(node.to_owned()))
                .filter(|_| !node.is_empty())
                .ok_or_else(wrong);
        }
        if let Some(service) = text
            .strip_prefix("svc/")
            .or_else(|| text.strip_prefix("service/"))
        {
            let (path, port) = match service.rsplit_once(':') {
                Some((path, port)) => (path, Some(port.to_owned())),
                None => (service, None),
            };
            let (namespace, name) = path.split_once('/').unwrap_or(("default", path));
            if name.is_empty() || name.contains('/') || port.as_deref() == Some("") {
                return Err(wrong());
            }
            return Ok(Self::Service {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                port,
            });
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address, None));
        }
        if let Ok(socket) = text.parse::<SocketAddr>() {
            return Ok(Self::Address(socket.ip(), Some(socket.port())));
        }
        text.parse().map(Self::Pod).map_err(|_| wrong())
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(subject) => subject.fmt(f),
            Self::Node(node) => write!(f, "node/{node}"),
            Self::Service {
                namespace,
                name,
                port,
            } => {
                write!(f, "svc/{namespace}/{name}")?;
                port.iter().try_for_each(|port| write!(f, ":{port}"))
            }
            Self::Address(address, None) => address.fmt(f),
            Self::Address(address, Some(port)) => SocketAddr::new(*address, *port).fmt(f),
        }
    }
}

/// One end of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Endpoint {
    /// What people call it: a pod with its namespace, a node, a service, or the address itself.
    pub name: String,
    /// The node it is on; none for a service, or an address that no node has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The network namespace it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<NetnsId>,
    /// The address that is used.
    pub address: IpAddr,
    /// The port that is asked, if it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `tcp` or `udp`, if the service says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<&'static str>,
}

/// Why nobody could be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfound {
    /// Nobody, or several, or nobody knows.
    Pod(NotFound),
    /// No such node among these.
    Node(Vec<String>),
    /// It is there, but has no address of the family.
    NoAddress(String),
    /// What it should be found in was not read whole.
    Unknown(String),
    /// No rule of any node translates for such a service.
    Service(String),
}

impl Endpoint {
    /// Looks for whoever is named. `v6` asks for an address of that family; without it, IPv4 is taken before IPv6.
    ///
    /// # Errors
    /// When there is nobody, or several.
    pub fn find(bundle: &Bundle, named: &Named, v6: Option<bool>) -> Result<Self, Unfound> {
        match named {
            Named::Pod(subject) => {
                let found = find::find(bundle, subject).map_err(Unfound::Pod)?;
                let Some(netns) = found.netns else {
                    let why = format!(
                        "the network namespace of {} could not be read",
                        found.name()
                    );
                    return Err(Unfound::Pod(NotFound::Unknown(why)));
                };
                let wanted = match subject {
                    Subject::Address(address) => Some(*address),
                    _ => None,
                };
                let address = wanted
                    .or_else(|| address_of(found.node, netns, v6))
                    // That it lost what it was given is for the walk to find.
                    .or_else(|| given_to(found.node, netns, v6))
                    .ok_or_else(|| no_address(found.name(), found.node, netns))?;
                Ok(Self::at(found.name(), found.node, netns, address))
            }
            Named::Node(name) => {
                let names = || bundle.nodes.iter().map(|node| node.name.clone()).collect();
                let node = bundle.node(name).ok_or_else(|| Unfound::Node(names()))?;
                let root = node.root().ok_or_else(|| Unfound::Node(names()))?;
                let address = address_of(node, root, v6)
                    .ok_or_else(|| no_address(format!("node/{name}"), node, root))?;
                Ok(Self::at(format!("node/{name}"), node, root, address))
            }
            Named::Service {
                namespace,
                name,
                port,
            } => service(bundle, namespace, name, port.as_deref())
                .ok_or_else(|| no_service(bundle, format!("{namespace}/{name}"))),
            Named::Address(address, port) => {
                let holder = bundle.nodes.iter().find_map(|node| {
                    let netns = node
                        .namespaces
                        .iter()
                        .find(|netns| netns.addresses.iter().any(|row| row.address == *address))?;
                    Some((node, netns))
                });
                let mut endpoint = match holder {
                    Some((node, netns)) => {
                        let name = if netns.id == node.root {
                            format!("node/{}", node.name)
                        } else {
                            find::occupant(node, netns)
                        };
                        Self::at(name, node, netns, *address)
                    }
                    None => Self {
                        name: address.to_string(),
                        node: None,
                        netns: None,
                        address: *address,
                        port: None,
                        transport: None,
                    },
                };
                endpoint.port = *port;
                Ok(endpoint)
            }
        }
    }

    /// Whoever is in a namespace, with the address of a family that others would use.
    pub fn of(name: String, node: &Node, netns: &Netns, v6: bool) -> Option<Self> {
        let address = address_of(node, netns, Some(v6))?;
        Some(Self::at(name, node, netns, address))
    }

    /// Whoever is in a namespace, at one of its addresses.
    pub fn at(name: String, node: &Node, netns: &Netns, address: IpAddr) -> Self {
        Self {
            name,
            node: Some(node.name.clone()),
            netns: Some(netns.id),
            address,
            port: None,
            transport: None,
        }
    }
}

/// That there is no address, or that nobody knows.
fn no_address(name: String, node: &Node, netns: &Netns) -> Unfound {
    let unread = |what: &str, why: &str| {
        Unfound::Unknown(format!(
            "{name} on {} has no address: {what} were not read: {why}",
            node.name
        ))
    };
    match (netns.addresses.doubt(), node.cni.results.doubt()) {
        (Some(why), _) => unread("its addresses", why),
        (None, Some(why)) if netns.id != node.root => unread("the results of its plugins", why),
        _ => Unfound::NoAddress(name),
    }
}

/// That no rule is for the service, or that nobody knows.
fn no_service(bundle: &Bundle, name: String) -> Unfound {
    let unread = bundle.nodes.iter().find_map(|node| {
        let filters = &node.root()?.netfilter.iptables;
        let why = filters.iter().find_map(|program| program.tables.doubt())?;
        Some(format!("the rules of {} were not read: {why}", node.name))
    });
    match unread {
        Some(why) => Unfound::Unknown(format!("nothing translates for service {name}; {why}")),
        None => Unfound::Service(name),
    }
}

/// The address that the plugins of a pod gave it.
fn given_to(node: &Node, netns: &Netns, v6: Option<bool>) -> Option<IpAddr> {
    let sandbox = node.sandboxes_in(netns.id).next()?;
    let results = node.cni.results.iter();
    results
        .filter(|result| !sandbox.id.is_empty() && result.container == sandbox.id)
        .flat_map(crate::model::cni::CachedResult::addresses)
        // The plugin of the loopback has results too.
        .find(|address| !address.is_loopback() && v6.is_none_or(|v6| address.is_ipv6() == v6))
}

/// The address that others would use. On a node that is the one on the device of its default route, or else the
/// first that is not a bridge's or tunnel's.
fn address_of(node: &Node, netns: &Netns, v6: Option<bool>) -> Option<IpAddr> {
    let usable = |address: &IpAddr, scope: Scope| {
        scope == Scope::UNIVERSE
            && !address.is_loopback()
            && v6.is_none_or(|v6| address.is_ipv6() == v6)
    };
    let is_root = netns.id == node.root;
    let leads_out = |index| {
        netns.link(index).is_some_and(|link| {
            matches!(
                link.kind,
                crate::model::LinkKind::Device | crate::model::LinkKind::Bond(_)
            ) || (link.kind == crate::model::LinkKind::Veth
                && link
                    .peer()
                    .is_none_or(|peer| peer.netns.is_none_or(|netns| node.netns(netns).is_none())))
        })
    };
    let mut rows: Vec<_> = netns
        .addresses
        .iter()
        .filter(|row| usable(&row.address, row.scope))
        .collect();
    rows.sort_by_key(|row| {
        (
            is_root && !leads_out(row.device),
            row.address.is_ipv6(),
            row.is_secondary(),
            row.is_deprecated(),
        )
    });
    rows.first().map(|row| row.address)
}

/// A service by the rules that kube-proxy leaves on any node.
fn service(bundle: &Bundle, namespace: &str, name: &str, port: Option<&str>) -> Option<Endpoint> {
    let full = format!("{namespace}/{name}");
    let roots = bundle.nodes.iter().filter_map(Node::root);
    let found = roots
        .flat_map(|root| root.netfilter.services())
        .find(|at| {
            at.service == full
                && port.is_none_or(|port| port == at.port_name || port == at.port.to_string())
        })?;
    Some(Endpoint {
        name: format!("svc/{full}"),
        node: None,
        netns: None,
        address: found.address,
        port: Some(found.port),
        transport: match found.transport {
            "udp" => Some("udp"),
            _ => Some("tcp"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_can_be_named() {
        let named = |text: &str| text.parse::<Named>().unwrap();
        assert_eq!(named("node/host01"), Named::Node("host01".into()));
        assert_eq!(
            named("svc/web:http"),
            Named::Service {
                namespace: "default".into(),
                name: "web".into(),
                port: Some("http".into())
            }
        );
        assert_eq!(
            named("svc/shop/web"),
            Named::Service {
                namespace: "shop".into(),
                name: "web".into(),
                port: None
            }
        );
        assert_eq!(
            named("10.0.0.1:80"),
            Named::Address("10.0.0.1".parse().unwrap(), Some(80))
        );
        assert_eq!(
            named("fd00::1"),
            Named::Address("fd00::1".parse().unwrap(), None)
        );
        assert!(matches!(named("kube-system/dns"), Named::Pod(_)));
        for wrong in ["", "node/", "svc/", "svc/a/b/c", "svc/web:", "a b"] {
            assert!(wrong.parse::<Named>().is_err(), "{wrong}");
        }
        assert_eq!(named("svc/shop/web:80").to_string(), "svc/shop/web:80");
    }
}
