//! Routes with a single next hop, of any table and type.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteProtocol, RouteScope,
    RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Change, Dump, Error, IfIndex, Socket};

/// The main routing table (`RT_TABLE_MAIN`).
pub const MAIN: u32 = 254;

/// What becomes of a packet that a route matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// It goes to the next hop.
    Unicast,
    /// It is for this host.
    Local,
    /// It vanishes.
    Blackhole,
    /// It is refused: host unreachable.
    Unreachable,
    /// It is refused: administratively prohibited.
    Prohibit,
    /// The table is left for the next rule.
    Throw,
    /// Anything else, by its number in `include/uapi/linux/rtnetlink.h`.
    Other(u8),
}

impl From<RouteType> for Kind {
    fn from(kind: RouteType) -> Self {
        match kind {
            RouteType::Unicast => Self::Unicast,
            RouteType::Local => Self::Local,
            RouteType::BlackHole => Self::Blackhole,
            RouteType::Unreachable => Self::Unreachable,
            RouteType::Prohibit => Self::Prohibit,
            RouteType::Throw => Self::Throw,
            other => Self::Other(other.into()),
        }
    }
}

impl From<Kind> for RouteType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Unicast => Self::Unicast,
            Kind::Local => Self::Local,
            Kind::Blackhole => Self::BlackHole,
            Kind::Unreachable => Self::Unreachable,
            Kind::Prohibit => Self::Prohibit,
            Kind::Throw => Self::Throw,
            Kind::Other(number) => number.into(),
        }
    }
}

/// A route. Several next hops, lightweight tunnels and nexthop objects are beyond it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Route {
    /// The table; [`MAIN`] unless a rule leads elsewhere.
    pub table: u32,
    /// The destination, without host part.
    pub dst: IpNet,
    /// What becomes of the packet.
    pub kind: Kind,
    /// The next hop; none for a destination on the link.
    pub gateway: Option<IpAddr>,
    /// The link it leaves by.
    pub oif: Option<IfIndex>,
    /// The gateway is taken to be on the link, whatever the addresses say.
    pub onlink: bool,
    /// `scope link` rather than `global` (IPv4).
    pub link_scope: bool,
    /// Who made it (`RTPROT_…`); 80 is ours, as it is Calico's.
    pub protocol: u8,
    /// The source address of packets that start here.
    pub prefsrc: Option<IpAddr>,
    /// The metric: the lowest wins among equal destinations. Zero means the kernel's default.
    pub metric: u32,
    /// The path MTU in octets, if it is less than the link's.
    pub mtu: Option<u32>,
}

impl Route {
    /// A unicast route of the main table to `dst`, made by `protocol`, with nothing else set.
    pub fn to(dst: IpNet, protocol: u8) -> Self {
        Self {
            table: MAIN,
            dst: dst.trunc(),
            kind: Kind::Unicast,
            gateway: None,
            oif: None,
            onlink: false,
            link_scope: false,
            protocol,
            prefsrc: None,
            metric: 0,
            mtu: None,
        }
    }

    /// The route that a message describes; `None` for one with several next hops, a nexthop object or
    /// a tunnel, which this type cannot hold.
    pub fn from_message(message: &RouteMessage) -> Option<Self> {
        let header = &message.header;
        let any: IpAddr = match header.address_family {
            AddressFamily::Inet => Ipv4Addr::UNSPECIFIED.into(),
            AddressFamily::Inet6 => Ipv6Addr::UNSPECIFIED.into(),
            _ => return None,
        };
        let mut dst = any;
        let mut route = Self::to(IpNet::new(any, 0).ok()?, header.protocol.into());
        route.table = header.table.into();
        route.kind = header.kind.into();
        route.onlink = header.flags.contains(RouteFlags::Onlink);
        route.link_scope = header.scope == RouteScope::Link;
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Destination(address) => dst = ip(address)?,
                RouteAttribute::Gateway(address) => route.gateway = Some(ip(address)?),
                RouteAttribute::Via(RouteVia::Inet(address)) => {
                    route.gateway = Some(IpAddr::V4(*address));
                }
                RouteAttribute::Via(RouteVia::Inet6(address)) => {
                    route.gateway = Some(IpAddr::V6(*address));
                }
                RouteAttribute::PrefSource(address) => route.prefsrc = Some(ip(address)?),
                RouteAttribute::Oif(index) => route.oif = Some(*index),
                RouteAttribute::Table(table) => route.table = *table,
                RouteAttribute::Priority(metric) => route.metric = *metric,
                RouteAttribute::Metrics(metrics) => {
                    route.mtu = metrics.iter().find_map(|metric| match metric {
                        RouteMetric::Mtu(mtu) => Some(*mtu),
                        _ => None,
                    });
                }
                RouteAttribute::MultiPath(_)
                | RouteAttribute::NhId(_)
                | RouteAttribute::Encap(_)
                | RouteAttribute::EncapType(_) => return None,
                _ => {}
            }
        }
        route.dst = IpNet::new(dst, header.destination_prefix_length).ok()?;
        Some(route)
    }

    /// The message that describes this route.
    pub fn message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        let header = &mut message.header;
        header.address_family = family(self.dst.addr());
        header.destination_prefix_length = self.dst.prefix_len();
        header.protocol = RouteProtocol::from(self.protocol);
        header.kind = self.kind.into();
        header.scope = if self.link_scope {
            RouteScope::Link
        } else {
            RouteScope::Universe
        };
        if self.onlink {
            header.flags = RouteFlags::Onlink;
        }
        let attributes = &mut message.attributes;
        match u8::try_from(self.table) {
            Ok(table) => header.table = table,
            Err(_) => attributes.push(RouteAttribute::Table(self.table)),
        }
        if self.dst.prefix_len() > 0 {
            attributes.push(RouteAttribute::Destination(self.dst.addr().into()));
        }
        if let Some(gateway) = self.gateway {
            // An IPv4 destination behind an IPv6 next hop (RFC 5549) goes into RTA_VIA.
            attributes.push(match (self.dst, gateway) {
                (IpNet::V4(_), IpAddr::V6(address)) => {
                    RouteAttribute::Via(RouteVia::Inet6(address))
                }
                _ => RouteAttribute::Gateway(gateway.into()),
            });
        }
        attributes.extend(self.oif.map(RouteAttribute::Oif));
        attributes.extend(self.prefsrc.map(|ip| RouteAttribute::PrefSource(ip.into())));
        if self.metric != 0 {
            attributes.push(RouteAttribute::Priority(self.metric));
        }
        attributes.extend(
            self.mtu
                .map(|mtu| RouteAttribute::Metrics(vec![RouteMetric::Mtu(mtu)])),
        );
        message
    }

    /// Adds the route; it must not exist.
    pub fn add(&self) -> Change {
        Change::create(RouteNetlinkMessage::NewRoute(self.message()))
    }

    /// Adds the route, or puts it in place of the one with the same destination, table and metric.
    pub fn replace(&self) -> Change {
        Change::replace(RouteNetlinkMessage::NewRoute(self.message()))
    }

    /// Removes the route. Whatever is set here must match.
    pub fn delete(&self) -> Change {
        let mut message = self.message();
        if !self.link_scope {
            // RT_SCOPE_NOWHERE matches every scope on deletion (net/ipv4/fib_trie.c).
            message.header.scope = RouteScope::NoWhere;
        }
        Change::plain(RouteNetlinkMessage::DelRoute(message))
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

fn family(ip: IpAddr) -> AddressFamily {
    match ip {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// The routes of every table and both families, those that [`Route`] cannot hold left out.
///
/// # Errors
/// Those of [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Dump<Route>, Error> {
    let mut all = Dump {
        rows: Vec::new(),
        complete: true,
    };
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut message = RouteMessage::default();
        message.header.address_family = family;
        let dump = socket.dump(&RouteNetlinkMessage::GetRoute(message))?;
        let dump = dump.filter_map(|message| match message {
            RouteNetlinkMessage::NewRoute(message) => Route::from_message(&message),
            _ => None,
        });
        all.complete &= dump.complete;
        all.rows.extend(dump.rows);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_survives_its_message() {
        let mut route = Route::to("172.31.89.192/26".parse().unwrap(), 80);
        route.gateway = Some("192.168.61.12".parse().unwrap());
        route.oif = Some(2);
        route.onlink = true;
        route.metric = 7;
        route.mtu = Some(1450);
        assert_eq!(Route::from_message(&route.message()), Some(route.clone()));

        route.table = 1000;
        route.dst = "fd10::/64".parse().unwrap();
        route.gateway = Some("fe80::1".parse().unwrap());
        assert_eq!(Route::from_message(&route.message()), Some(route.clone()));

        route.dst = "0.0.0.0/0".parse().unwrap();
        assert_eq!(
            Route::from_message(&route.message()),
            Some(route),
            "RTA_VIA"
        );
    }
}
