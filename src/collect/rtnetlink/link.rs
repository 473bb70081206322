//! Devices (`RTM_GETLINK`).

mod kind;
mod port;

use plugin_core::netlink::Socket;

use super::{Message, UNSPEC, table};
use crate::collect::attributes::{Attributes, Value, Writer};
use crate::model::link::{
    Inet6Conf, InetConf, LinkFlags, LinkKind, LinkStats, Lower, OperState, Program,
};
use crate::model::{IfIndex, Link, Nsid, Table};

const RTM_GETLINK: u16 = 18;
/// `struct ifinfomsg`: family, padding, type, index, flags, change.
const HEADER: usize = 16;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_QDISC: u16 = 6;
const IFLA_MASTER: u16 = 10;
const IFLA_TXQLEN: u16 = 13;
const IFLA_OPERSTATE: u16 = 16;
const IFLA_LINKINFO: u16 = 18;
const IFLA_IFALIAS: u16 = 20;
const IFLA_STATS64: u16 = 23;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_GROUP: u16 = 27;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_PROMISCUITY: u16 = 30;
const IFLA_CARRIER_CHANGES: u16 = 35;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_GSO_MAX_SIZE: u16 = 41;
const IFLA_XDP: u16 = 43;
const IFLA_PROP_LIST: u16 = 52;
const IFLA_ALT_IFNAME: u16 = 53;
const IFLA_PERM_ADDRESS: u16 = 54;

const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;

const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_PROG_ID: u16 = 4;
const IFLA_INET_CONF: u16 = 1;
const IFLA_INET6_CONF: u16 = 2;

/// `ARPHRD_LOOPBACK`.
const LOOPBACK: u16 = 772;

/// Every device.
pub(in crate::collect) fn read(socket: &mut Socket) -> Table<Link> {
    let mut header = [0; HEADER];
    header[0] = UNSPEC;
    table(socket, &Message::new(RTM_GETLINK, header), decode)
}

/// One device by its index.
pub(in crate::collect) fn by_index(
    socket: &mut Socket,
    index: IfIndex,
) -> Result<Link, plugin_core::netlink::Error> {
    let mut header = [0; HEADER];
    header[4..8].copy_from_slice(&index.0.to_ne_bytes());
    one(socket, header.to_vec())
}

/// One device by its name, or another name it answers to.
pub(in crate::collect) fn by_name(
    socket: &mut Socket,
    name: &str,
) -> Result<Link, plugin_core::netlink::Error> {
    let mut text = name.as_bytes().to_vec();
    text.push(0);
    // Names longer than 15 octets can only be alternative ones (IFNAMSIZ).
    let kind = if text.len() > 16 {
        IFLA_ALT_IFNAME
    } else {
        IFLA_IFNAME
    };
    let body = Writer::behind(&[0; HEADER])
        .put(kind, &text)
        .put_u32(IFLA_EXT_MASK, 0);
    one(socket, body.0)
}

fn one(socket: &mut Socket, body: Vec<u8>) -> Result<Link, plugin_core::netlink::Error> {
    let answer: Message = socket.get(&Message::new(RTM_GETLINK, body), 0)?;
    decode(&answer.payload).ok_or(plugin_core::netlink::Error::Decode {
        request: "RTM_GETLINK",
        reason: "a device without name".to_owned(),
    })
}

/// Turns one message into a device.
pub(in crate::collect) fn decode(payload: &[u8]) -> Option<Link> {
    let hardware_type = Value(payload).u16_in(2)?;
    let mut lower = None;
    let mut lower_nsid = None;
    let kind = if hardware_type == LOOPBACK {
        LinkKind::Loopback
    } else {
        LinkKind::Device
    };
    let index = IfIndex(Value(payload).u32_in(4)?);
    let mut link = Link {
        hardware_type,
        flags: LinkFlags(Value(payload).u32_in(8)?),
        ..Link::new(index, String::new(), kind)
    };
    for (kind, value) in Attributes::behind(payload, HEADER) {
        match kind {
            IFLA_IFNAME => link.name = value.text(),
            IFLA_ADDRESS => link.mac = value.mac().filter(|_| hardware_type != LOOPBACK),
            IFLA_PERM_ADDRESS => link.permanent_mac = value.mac(),
            IFLA_MTU => link.mtu = value.u32()?,
            IFLA_LINK => lower = value.u32().map(IfIndex),
            IFLA_LINK_NETNSID => lower_nsid = value.i32().map(Nsid),
            IFLA_QDISC => link.qdisc = Some(value.text()),
            IFLA_MASTER => link.master = value.u32().map(IfIndex),
            IFLA_TXQLEN => link.tx_queue_len = value.u32(),
            IFLA_OPERSTATE => link.oper_state = oper_state(value.u8().unwrap_or_default()),
            IFLA_IFALIAS => link.alias = Some(value.text()),
            IFLA_GROUP => link.group = value.u32().unwrap_or_default(),
            IFLA_PROMISCUITY => link.promiscuity = value.u32().unwrap_or_default(),
            IFLA_CARRIER_CHANGES => link.carrier_changes = value.u32(),
            IFLA_GSO_MAX_SIZE => link.gso_max_size = value.u32(),
            IFLA_PROP_LIST => {
                link.alternative_names = value
                    .nested()
                    .filter(|(kind, _)| *kind == IFLA_ALT_IFNAME)
                    .map(|(_, name)| name.text())
                    .collect();
            }
            IFLA_XDP => {
                let xdp = value.nested();
                link.xdp = xdp
                    .get(IFLA_XDP_ATTACHED)
                    .and_then(Value::u8)
                    .and_then(self::xdp);
                link.xdp_program = xdp
                    .get(IFLA_XDP_PROG_ID)
                    .and_then(Value::u32)
                    .filter(|id| *id != 0)
                    .map(|id| Program { id, name: None });
            }
            IFLA_LINKINFO => {
                let info = value.nested();
                if let Some(name) = info.get(IFLA_INFO_KIND) {
                    let data = info.get(IFLA_INFO_DATA).map(Value::nested);
                    link.kind = kind::decode(&name.text(), data.unwrap_or(Attributes(&[])));
                }
                if let Some(name) = info.get(IFLA_INFO_SLAVE_KIND) {
                    let data = info.get(IFLA_INFO_SLAVE_DATA).map(Value::nested);
                    link.port = Some(port::decode(&name.text(), data.unwrap_or(Attributes(&[]))));
                }
            }
            IFLA_AF_SPEC => {
                for (family, value) in value.nested() {
                    if family == u16::from(super::INET) {
                        link.inet = value.nested().get(IFLA_INET_CONF).map(inet);
                    } else if family == u16::from(super::INET6) {
                        link.inet6 = value.nested().get(IFLA_INET6_CONF).map(inet6);
                    }
                }
            }
            IFLA_STATS64 => link.stats = stats(value),
            _ => {}
        }
    }
    if link.name.is_empty() {
        return None;
    }
    // A device that is bound to itself is bound to nothing, unless *itself* is in another namespace.
    link.lower = lower
        .filter(|index| index.0 != 0 && (*index != link.index || lower_nsid.is_some()))
        .map(|index| Lower {
            index,
            nsid: lower_nsid,
            netns: None,
        });
    Some(link)
}

/// `IF_OPER_*` of `linux/if.h`.
fn oper_state(value: u8) -> OperState {
    match value {
        1 => OperState::NotPresent,
        2 => OperState::Down,
        3 => OperState::LowerLayerDown,
        4 => OperState::Testing,
        5 => OperState::Dormant,
        6 => OperState::Up,
        _ => OperState::Unknown,
    }
}

/// `XDP_ATTACHED_*` of `linux/if_link.h`.
fn xdp(value: u8) -> Option<String> {
    let name = match value {
        0 => return None,
        1 => "native",
        2 => "generic",
        3 => "offload",
        _ => "multi",
    };
    Some(name.to_owned())
}

/// The array of `IPV4_DEVCONF_*` of `linux/ip.h`, whose first number is 1.
fn inet(conf: Value<'_>) -> InetConf {
    let get = |number: usize| conf.i32_at(number - 1).unwrap_or_default();
    InetConf {
        forwarding: get(1),
        proxy_arp: get(3),
        accept_redirects: get(4),
        send_redirects: get(6),
        rp_filter: get(8),
        log_martians: get(11),
        arp_filter: get(13),
        arp_announce: get(18),
        arp_ignore: get(19),
        arp_accept: get(21),
        accept_local: get(23),
        src_valid_mark: get(24),
        proxy_arp_pvlan: get(25),
        route_localnet: get(26),
        ignore_routes_with_linkdown: get(29),
        bc_forwarding: get(32),
    }
}

/// The array of `DEVCONF_*` of `linux/ipv6.h`, whose first number is 0.
fn inet6(conf: Value<'_>) -> Inet6Conf {
    let get = |number: usize| conf.i32_at(number).unwrap_or_default();
    Inet6Conf {
        forwarding: get(0),
        hop_limit: get(1),
        mtu: get(2),
        accept_ra: get(3),
        proxy_ndp: get(22),
        disable_ipv6: get(26),
        accept_dad: get(27),
        ignore_routes_with_linkdown: get(39),
        seg6_enabled: get(44),
        force_forwarding: get(59),
    }
}

/// `struct rtnl_link_stats64` of `linux/if_link.h`.
fn stats(value: Value<'_>) -> LinkStats {
    let get = |place| value.u64_at(place).unwrap_or_default();
    LinkStats {
        rx_packets: get(0),
        tx_packets: get(1),
        rx_bytes: get(2),
        tx_bytes: get(3),
        rx_errors: get(4),
        tx_errors: get(5),
        rx_dropped: get(6),
        tx_dropped: get(7),
        multicast: get(8),
        collisions: get(9),
        rx_length_errors: get(10),
        rx_over_errors: get(11),
        rx_crc_errors: get(12),
        rx_frame_errors: get(13),
        rx_fifo_errors: get(14),
        rx_missed_errors: get(15),
        tx_aborted_errors: get(16),
        tx_carrier_errors: get(17),
        tx_fifo_errors: get(18),
        tx_heartbeat_errors: get(19),
        tx_window_errors: get(20),
        rx_nohandler: get(23),
        rx_otherhost_dropped: get(24),
    }
}

#[cfg(test)]
mod tests;
