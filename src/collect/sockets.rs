//! Sockets that packets may end in, over `NETLINK_SOCK_DIAG` (`sock_diag(7)`).

use plugin_core::netlink::Socket as Netlink;

use super::attributes::{Attributes, Value};
use super::rtnetlink::{INET, INET6, Message, tables};
use crate::model::socket::{Socket, Transport};
use crate::model::{IfIndex, Table};

/// `NETLINK_SOCK_DIAG`.
pub(super) const PROTOCOL: isize = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `struct inet_diag_req_v2`.
const REQUEST: usize = 56;
/// `struct inet_diag_msg`.
const HEADER: usize = 72;
const INET_DIAG_SKMEMINFO: u16 = 7;
const INET_DIAG_SKV6ONLY: u16 = 11;
/// The places of `SK_MEMINFO_RCVBUF` and `SK_MEMINFO_DROPS` in the numbers of `INET_DIAG_SKMEMINFO`.
const RECEIVE_BUFFER: usize = 1;
const DROPS: usize = 8;
/// `TCP_LISTEN` as a bit.
const LISTENING: u32 = 1 << 10;
const ANY_STATE: u32 = u32::MAX;

/// UDP sockets and TCP listeners of the namespace of `socket`.
pub(super) fn read(socket: &mut Netlink) -> Table<Socket> {
    let mut all = Vec::new();
    let mut worst = Table::complete(Vec::new());
    for transport in [Transport::Udp, Transport::Tcp] {
        let requests = [request(INET, transport), request(INET6, transport)];
        let table = tables(socket, &requests, |payload| decode(payload, transport));
        all.extend(table.rows);
        if table.reason.is_some() {
            worst = Table {
                state: table.state,
                reason: table.reason,
                rows: Vec::new(),
            };
        }
    }
    worst.rows = all;
    worst
}

fn request(family: u8, transport: Transport) -> Message {
    let mut body = [0; REQUEST];
    let (protocol, states) = match transport {
        Transport::Udp => (17, ANY_STATE),
        Transport::Tcp => (6, LISTENING),
    };
    body[0] = family;
    body[1] = protocol;
    body[2] = 1 << (INET_DIAG_SKMEMINFO - 1);
    body[4..8].copy_from_slice(&states.to_ne_bytes());
    Message::new(SOCK_DIAG_BY_FAMILY, body)
}

fn decode(payload: &[u8], protocol: Transport) -> Option<Socket> {
    let family = *payload.first()?;
    let be16 = |offset: usize| {
        payload
            .get(offset..offset + 2)
            .and_then(|b| Value(b).be16())
    };
    let length = if family == INET { 4 } else { 16 };
    let ip = |offset: usize| {
        payload
            .get(offset..offset + length)
            .and_then(|b| Value(b).ip())
    };
    let number = |offset| Value(payload).u32_in(offset);
    let remote_port = be16(6)?;
    let mut socket = Socket {
        protocol,
        local: ip(8)?,
        port: be16(4)?,
        remote: (remote_port != 0).then_some((ip(24)?, remote_port)),
        device: number(40).filter(|index| *index != 0).map(IfIndex),
        v6_only: false,
        receive_queue: number(56)?,
        // A listener's backlog stands where others have what they are yet to send.
        receive_limit: match protocol {
            Transport::Tcp => number(60),
            Transport::Udp => None,
        },
        inode: number(68)?,
        drops: 0,
    };
    for (kind, value) in Attributes::behind(payload, HEADER) {
        match kind {
            INET_DIAG_SKMEMINFO => {
                socket.drops = value.u32_in(DROPS * 4).unwrap_or_default();
                if protocol == Transport::Udp {
                    socket.receive_limit = value.u32_in(RECEIVE_BUFFER * 4);
                }
            }
            INET_DIAG_SKV6ONLY => socket.v6_only = value.flag(),
            _ => {}
        }
    }
    Some(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::attributes::Writer;

    #[test]
    fn a_tunnel_port() {
        let mut bytes = vec![0; HEADER];
        bytes[0] = INET;
        bytes[4..6].copy_from_slice(&4789_u16.to_be_bytes());
        bytes[68] = 9;
        bytes[56..60].copy_from_slice(&2305_u32.to_ne_bytes());
        let mut memory = vec![0; 36];
        memory[4..8].copy_from_slice(&2304_u32.to_ne_bytes());
        memory[32] = 5;
        let bytes = Writer(bytes).put(INET_DIAG_SKMEMINFO, &memory).0;
        let socket = decode(&bytes, Transport::Udp).unwrap();
        assert_eq!((socket.port, socket.drops, socket.inode), (4789, 5, 9));
        assert!(socket.local.is_unspecified());
        assert_eq!(socket.remote, None);
        assert_eq!(socket.overfull(), Some((2305, 2304)));
        assert_eq!(decode(&bytes[..60], Transport::Udp), None);
    }

    #[test]
    fn a_listener_with_as_many_waiting_as_may_takes_one_more() {
        let mut bytes = vec![0; HEADER];
        bytes[0] = INET;
        bytes[56] = 2;
        bytes[60] = 2;
        let socket = decode(&bytes, Transport::Tcp).unwrap();
        assert_eq!((socket.receive_limit, socket.overfull()), (Some(2), None));
        bytes[56] = 3;
        let socket = decode(&bytes, Transport::Tcp).unwrap();
        assert_eq!(socket.overfull(), Some((3, 2)));
    }
}
