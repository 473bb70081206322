//! The kernel's network tables, over rtnetlink. One file a table; each turns the messages of one dump
//! into rows.

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader, NetlinkSerializable};
use plugin_core::netlink::{self, Socket};

use crate::model::Table;

pub(super) mod address;
pub(super) mod bridge;
pub(super) mod link;
pub(super) mod neighbour;
pub(super) mod nexthop;
pub(super) mod nsid;
pub(super) mod route;
pub(super) mod rule;
pub(super) mod tc;

/// `AF_UNSPEC`, `AF_INET`, `AF_BRIDGE`, `AF_INET6`.
pub(super) const UNSPEC: u8 = 0;
pub(super) const INET: u8 = 2;
pub(super) const BRIDGE: u8 = 7;
pub(super) const INET6: u8 = 10;

/// A message of any netlink family: its type, and what stands behind the netlink header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u16,
    pub(super) payload: Vec<u8>,
}

impl Message {
    pub(super) fn new(kind: u16, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            payload: payload.into(),
        }
    }
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        self.payload.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        for (to, from) in buffer.iter_mut().zip(&self.payload) {
            *to = *from;
        }
    }
}

impl NetlinkDeserializable for Message {
    type Error = std::convert::Infallible;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Self::Error> {
        Ok(Self::new(header.message_type, payload))
    }
}

/// Reads a table: sends `request` as a dump and turns each answer into a row, or leaves it out.
pub(super) fn table<T>(
    socket: &mut Socket,
    request: &Message,
    decode: impl FnMut(&[u8]) -> Option<T>,
) -> Table<T> {
    tables(socket, std::slice::from_ref(request), decode)
}

/// Reads a table that takes several dumps, such as one a family. What one dump lacks, the table lacks.
pub(super) fn tables<T>(
    socket: &mut Socket,
    requests: &[Message],
    mut decode: impl FnMut(&[u8]) -> Option<T>,
) -> Table<T> {
    let mut rows = Vec::new();
    let mut disturbed = false;
    for request in requests {
        match socket.dump::<_, Message>(request) {
            Ok(dump) => {
                disturbed |= !dump.complete;
                rows.extend(dump.rows.iter().filter_map(|row| decode(&row.payload)));
            }
            // A kernel without IPv6 or without the table has no rows of it.
            Err(error) if is_unsupported(&error) => {}
            Err(error) => return Table::unavailable(error.to_string()),
        }
    }
    if disturbed {
        Table::inconsistent(rows, "it changed while it was read, again and again")
    } else {
        Table::complete(rows)
    }
}

/// Whether the kernel does not know the family or the request at all.
fn is_unsupported(error: &netlink::Error) -> bool {
    matches!(
        error.errno(),
        Some(libc::EAFNOSUPPORT | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT)
    )
}
