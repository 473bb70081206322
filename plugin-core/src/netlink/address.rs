//! Addresses of links.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Change, Dump, Error, IfIndex, Socket};

/// An address on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The link.
    pub index: IfIndex,
    /// The address with the length of its prefix; the host part is kept.
    pub address: IpNet,
    /// `true` for `scope link` (and `host`), which other hosts do not see.
    pub local_scope: bool,
    /// IPv6: still being checked for a duplicate, or found to be one (RFC 4862 §5.4).
    pub unusable: bool,
}

impl Address {
    /// The address that a message describes.
    pub fn from_message(message: &AddressMessage) -> Option<Self> {
        let mut address = None;
        let mut local = None;
        let mut flags = AddressFlags::empty();
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Address(ip) => address = Some(*ip),
                AddressAttribute::Local(ip) => local = Some(*ip),
                AddressAttribute::Flags(bits) => flags = *bits,
                _ => {}
            }
        }
        // On a point-to-point link IFA_ADDRESS is the peer's and IFA_LOCAL ours.
        let ip = local.or(address)?;
        Some(Self {
            index: message.header.index,
            address: IpNet::new(ip, message.header.prefix_len).ok()?,
            local_scope: message.header.scope != AddressScope::Universe,
            unusable: flags.intersects(AddressFlags::Tentative | AddressFlags::Dadfailed),
        })
    }
}

/// Gives `index` an address, as `ip addr add` does. IPv6 addresses skip duplicate detection, which
/// would keep a pod waiting for a second; `broadcast` fills in the one of the prefix (IPv4), which for a
/// `/32` is the address itself and for a /31 does not exist (RFC 3021).
pub fn add(index: IfIndex, address: IpNet, broadcast: bool) -> Change {
    let mut message = message(index, address);
    match address {
        IpNet::V4(net) if broadcast && net.prefix_len() != 31 => {
            message
                .attributes
                .push(AddressAttribute::Broadcast(net.broadcast()));
        }
        IpNet::V4(_) => {}
        IpNet::V6(_) => {
            message.header.flags |= AddressHeaderFlags::Nodad;
            message
                .attributes
                .push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
    }
    Change::create(RouteNetlinkMessage::NewAddress(message))
}

/// Takes an address away from a link.
pub fn delete(index: IfIndex, address: IpNet) -> Change {
    Change::plain(RouteNetlinkMessage::DelAddress(message(index, address)))
}

fn message(index: IfIndex, address: IpNet) -> AddressMessage {
    let ip = address.addr();
    let mut message = AddressMessage::default();
    message.header.family = match ip {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.prefix_len = address.prefix_len();
    message.header.index = index;
    message.attributes.push(AddressAttribute::Local(ip));
    message.attributes.push(AddressAttribute::Address(ip));
    message
}

/// All addresses of the namespace.
///
/// # Errors
/// Those of [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Dump<Address>, Error> {
    let request = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    Ok(socket.dump(&request)?.filter_map(|message| match message {
        RouteNetlinkMessage::NewAddress(message) => Address::from_message(&message),
        _ => None,
    }))
}
