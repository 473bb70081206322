//! Neighbour entries: which hardware address answers for an address, and for whom we answer.

use std::net::IpAddr;

use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Change, Dump, Error, IfIndex, Socket};
use crate::mac::Mac;

/// A neighbour entry of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Neighbour {
    /// The link.
    pub index: IfIndex,
    /// The address asked for.
    pub address: IpAddr,
    /// The hardware address that answers, once known.
    pub mac: Option<Mac>,
    /// Fixed by somebody, never asked for again (`NUD_PERMANENT`).
    pub permanent: bool,
}

impl Neighbour {
    /// The entry that a message describes; `None` for forwarding and proxy entries.
    pub fn from_message(message: &NeighbourMessage) -> Option<Self> {
        if message.header.flags.contains(NeighbourFlags::Proxy) {
            return None;
        }
        let mut address = None;
        let mut mac = None;
        for attribute in &message.attributes {
            match attribute {
                NeighbourAttribute::Destination(to) => address = ip(to),
                NeighbourAttribute::LinkLayerAddress(bytes) => mac = Mac::from_slice(bytes),
                _ => {}
            }
        }
        Some(Self {
            index: message.header.ifindex,
            address: address?,
            mac,
            permanent: message.header.state == NeighbourState::Permanent,
        })
    }

    fn message(&self) -> NeighbourMessage {
        let mut message = NeighbourMessage::default();
        message.header.family = family(self.address);
        message.header.ifindex = self.index;
        message.header.state = if self.permanent {
            NeighbourState::Permanent
        } else {
            NeighbourState::Reachable
        };
        message
            .attributes
            .push(NeighbourAttribute::Destination(self.address.into()));
        message.attributes.extend(
            self.mac
                .map(|mac| NeighbourAttribute::LinkLayerAddress(mac.0.to_vec())),
        );
        message
    }

    /// Adds the entry or takes the place of the one for its address.
    pub fn replace(&self) -> Change {
        Change::replace(RouteNetlinkMessage::NewNeighbour(self.message()))
    }

    /// Removes the entry for its address.
    pub fn delete(&self) -> Change {
        Change::plain(RouteNetlinkMessage::DelNeighbour(self.message()))
    }
}

/// Makes `index` answer neighbour solicitations for `address` (`ip neigh add proxy`), which IPv6 needs
/// address by address where IPv4's `proxy_arp` follows the routes.
pub fn add_proxy(index: IfIndex, address: IpAddr) -> Change {
    Change::replace(RouteNetlinkMessage::NewNeighbour(proxy(index, address)))
}

/// Undoes [`add_proxy`].
pub fn delete_proxy(index: IfIndex, address: IpAddr) -> Change {
    Change::plain(RouteNetlinkMessage::DelNeighbour(proxy(index, address)))
}

fn proxy(index: IfIndex, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(address);
    message.header.ifindex = index;
    message.header.flags = NeighbourFlags::Proxy;
    message
        .attributes
        .push(NeighbourAttribute::Destination(address.into()));
    message
}

fn family(ip: IpAddr) -> AddressFamily {
    match ip {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn ip(address: &NeighbourAddress) -> Option<IpAddr> {
    match address {
        NeighbourAddress::Inet(address) => Some(IpAddr::V4(*address)),
        NeighbourAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

/// The neighbour entries of every link and both families.
///
/// # Errors
/// Those of [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Dump<Neighbour>, Error> {
    let request = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
    Ok(socket.dump(&request)?.filter_map(|message| match message {
        RouteNetlinkMessage::NewNeighbour(message) => Neighbour::from_message(&message),
        _ => None,
    }))
}

/// The addresses for which a link answers (`ip neigh show proxy`).
///
/// # Errors
/// Those of [`Socket::dump`].
pub fn list_proxies(socket: &mut Socket) -> Result<Dump<(IfIndex, IpAddr)>, Error> {
    let mut message = NeighbourMessage::default();
    message.header.flags = NeighbourFlags::Proxy;
    let request = RouteNetlinkMessage::GetNeighbour(message);
    Ok(socket.dump(&request)?.filter_map(|message| match message {
        RouteNetlinkMessage::NewNeighbour(message)
            if message.header.flags.contains(NeighbourFlags::Proxy) =>
        {
            message
                .attributes
                .iter()
                .find_map(|attribute| match attribute {
                    NeighbourAttribute::Destination(to) => Some((message.header.ifindex, ip(to)?)),
                    _ => None,
                })
        }
        _ => None,
    }))
}
