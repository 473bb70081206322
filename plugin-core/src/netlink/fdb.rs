//! Forwarding entries of bridges and VXLAN devices.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Change, Dump, Error, IfIndex, Socket};
use crate::mac::Mac;

/// A forwarding entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FdbEntry {
    /// The link: a VXLAN device, or a port of a bridge.
    pub index: IfIndex,
    /// The destination; [`Mac::ZERO`] in a VXLAN device's flooding list.
    pub mac: Mac,
    /// VXLAN: the node it is sent to.
    pub dst: Option<IpAddr>,
    /// Entry of the device itself (`self`) rather than of the bridge it is a port of (`master`).
    pub own: bool,
    /// Fixed by somebody (`permanent`), neither learnt nor aged.
    pub permanent: bool,
    /// The bridge it belongs to, for an entry of a bridge.
    pub master: Option<IfIndex>,
}

impl FdbEntry {
    /// A fixed entry of a VXLAN device: frames for `mac` go to `dst`.
    pub fn vxlan(index: IfIndex, mac: Mac, dst: IpAddr) -> Self {
        Self {
            index,
            mac,
            dst: Some(dst),
            own: true,
            permanent: true,
            master: None,
        }
    }

    /// The entry that a message describes.
    pub fn from_message(message: &NeighbourMessage) -> Option<Self> {
        let mut mac = None;
        let mut dst = None;
        let mut master = None;
        for attribute in &message.attributes {
            match attribute {
                NeighbourAttribute::LinkLayerAddress(bytes) => mac = Mac::from_slice(bytes),
                NeighbourAttribute::Destination(to) => dst = ip(to),
                NeighbourAttribute::Controller(index) => master = Some(*index),
                _ => {}
            }
        }
        Some(Self {
            index: message.header.ifindex,
            mac: mac?,
            dst,
            own: message.header.flags.contains(NeighbourFlags::Own),
            // A set of bits: `bridge fdb append` adds NUD_NOARP.
            permanent: u16::from(message.header.state) & u16::from(NeighbourState::Permanent) != 0,
            master,
        })
    }

    fn message(&self) -> NeighbourMessage {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Bridge;
        message.header.ifindex = self.index;
        message.header.state = if self.permanent {
            NeighbourState::Permanent
        } else {
            NeighbourState::Reachable
        };
        message.header.flags = if self.own {
            NeighbourFlags::Own
        } else {
            NeighbourFlags::Controller
        };
        message
            .attributes
            .push(NeighbourAttribute::LinkLayerAddress(self.mac.0.to_vec()));
        message.attributes.extend(
            self.dst
                .map(|dst| NeighbourAttribute::Destination(dst.into())),
        );
        message
    }

    /// Adds the entry or changes the destination of the one for its address. A flooding list is made
    /// with [`FdbEntry::append`].
    pub fn replace(&self) -> Change {
        Change::replace(RouteNetlinkMessage::NewNeighbour(self.message()))
    }

    /// Adds one more destination for the address, as a flooding list has many.
    pub fn append(&self) -> Change {
        let message = RouteNetlinkMessage::NewNeighbour(self.message());
        Change::with_flags(message, NLM_F_CREATE | NLM_F_APPEND)
    }

    /// Removes the entry; with [`FdbEntry::dst`] only that destination.
    pub fn delete(&self) -> Change {
        Change::plain(RouteNetlinkMessage::DelNeighbour(self.message()))
    }
}

fn ip(address: &NeighbourAddress) -> Option<IpAddr> {
    match address {
        NeighbourAddress::Inet(address) => Some(IpAddr::V4(*address)),
        NeighbourAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        // The crate reads NDA_DST by the message's family, and that of a forwarding entry is AF_BRIDGE.
        NeighbourAddress::Other(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(bytes.as_slice()).ok().map(IpAddr::from),
            16 => <[u8; 16]>::try_from(bytes.as_slice())
                .ok()
                .map(IpAddr::from),
            _ => None,
        },
        _ => None,
    }
}

/// The forwarding entries of every bridge and VXLAN device.
///
/// # Errors
/// Those of [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Dump<FdbEntry>, Error> {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    let request = RouteNetlinkMessage::GetNeighbour(message);
    Ok(socket.dump(&request)?.filter_map(|message| match message {
        RouteNetlinkMessage::NewNeighbour(message) => FdbEntry::from_message(&message),
        _ => None,
    }))
}
