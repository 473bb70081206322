//! Neighbours, proxy entries and forwarding databases (`RTM_GETNEIGH`), and how full the neighbour
//! tables are (`RTM_GETNEIGHTBL`).

use plugin_core::mac::Mac;
use plugin_core::netlink::Socket;

use super::{BRIDGE, INET, INET6, Message, UNSPEC, table, tables};
use crate::collect::attributes::{Attributes, Value, Writer};
use crate::model::counters::NeighbourTableUse;
use crate::model::neighbour::NeighbourState;
use crate::model::{FdbEntry, IfIndex, Neighbour, Table, Vni};

const RTM_GETNEIGH: u16 = 30;
const RTM_GETNEIGHTBL: u16 = 66;
/// `struct ndmsg`: family, padding, index, state, flags, type.
const HEADER: usize = 12;

const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NDA_VLAN: u16 = 5;
const NDA_PORT: u16 = 6;
const NDA_VNI: u16 = 7;
const NDA_IFINDEX: u16 = 8;
const NDA_MASTER: u16 = 9;
const NDA_PROTOCOL: u16 = 12;
const NDA_NH_ID: u16 = 13;

const NTF_SELF: u8 = 0x02;
const NTF_PROXY: u8 = 0x08;
const NTF_EXT_LEARNED: u8 = 0x10;
const NTF_STICKY: u8 = 0x40;
const NTF_ROUTER: u8 = 0x80;

const NDTA_NAME: u16 = 1;
const NDTA_THRESH1: u16 = 2;
const NDTA_THRESH2: u16 = 3;
const NDTA_THRESH3: u16 = 4;
const NDTA_CONFIG: u16 = 5;
const NDTA_PARMS: u16 = 6;
const NDTA_STATS: u16 = 7;
const NDTPA_IFINDEX: u16 = 1;

/// Neighbours of both families and the addresses answered for others.
pub(in crate::collect) fn read(socket: &mut Socket) -> Table<Neighbour> {
    let requests = [
        request(INET, 0, None),
        request(INET6, 0, None),
        request(INET, NTF_PROXY, None),
        request(INET6, NTF_PROXY, None),
    ];
    tables(socket, &requests, decode)
}

/// Neighbours behind one device. Needs a strict socket.
pub(in crate::collect) fn read_of(socket: &mut Socket, device: IfIndex) -> Table<Neighbour> {
    let requests = [
        request(INET, 0, Some(device)),
        request(INET6, 0, Some(device)),
    ];
    tables(socket, &requests, decode)
}

/// The addresses answered for others. The kernel refuses to filter these by device (`net/core/neighbour.c`).
pub(in crate::collect) fn read_proxies(socket: &mut Socket) -> Table<Neighbour> {
    let requests = [
        request(INET, NTF_PROXY, None),
        request(INET6, NTF_PROXY, None),
    ];
    tables(socket, &requests, decode)
}

fn request(family: u8, flags: u8, device: Option<IfIndex>) -> Message {
    let mut header = [0; HEADER];
    header[0] = family;
    header[10] = flags;
    let mut body = Writer::behind(&header);
    if let Some(device) = device {
        body = body.put_u32(NDA_IFINDEX, device.0);
    }
    Message::new(RTM_GETNEIGH, body.0)
}

fn decode(payload: &[u8]) -> Option<Neighbour> {
    let family = *payload.first()?;
    if family != INET && family != INET6 {
        return None;
    }
    let flags = *payload.get(10)?;
    let mut address = None;
    let mut row = Neighbour {
        device: IfIndex(Value(payload).u32_in(4)?),
        address: [0, 0, 0, 0].into(),
        mac: None,
        state: state(Value(payload).u16_in(8)?),
        proxy: flags & NTF_PROXY != 0,
        router: flags & NTF_ROUTER != 0,
        extern_learned: flags & NTF_EXT_LEARNED != 0,
        protocol: None,
    };
    for (kind, value) in Attributes::behind(payload, HEADER) {
        match kind {
            NDA_DST => address = value.ip(),
            NDA_LLADDR => row.mac = value.mac(),
            NDA_PROTOCOL => row.protocol = value.u8().filter(|protocol| *protocol != 0),
            _ => {}
        }
    }
    row.address = address?;
    Some(row)
}

/// Forwarding databases of all bridges and VXLAN devices.
pub(in crate::collect) fn read_fdb(socket: &mut Socket) -> Table<FdbEntry> {
    let mut header = [0; HEADER];
    header[0] = BRIDGE;
    table(socket, &Message::new(RTM_GETNEIGH, header), decode_fdb)
}

/// The forwarding database rows behind one port of a bridge. Needs a strict socket.
pub(in crate::collect) fn read_fdb_of(socket: &mut Socket, port: IfIndex) -> Table<FdbEntry> {
    let mut header = [0; HEADER];
    header[0] = BRIDGE;
    header[4..8].copy_from_slice(&port.0.to_ne_bytes());
    table(socket, &Message::new(RTM_GETNEIGH, header), decode_fdb)
}

fn decode_fdb(payload: &[u8]) -> Option<FdbEntry> {
    if *payload.first()? != BRIDGE {
        return None;
    }
    let flags = *payload.get(10)?;
    let mut mac = None;
    let device = IfIndex(Value(payload).u32_in(4)?);
    let state = state(Value(payload).u16_in(8)?);
    let mut row = FdbEntry {
        own: flags & NTF_SELF != 0,
        extern_learned: flags & NTF_EXT_LEARNED != 0,
        sticky: flags & NTF_STICKY != 0,
        ..FdbEntry::new(device, Mac::ZERO, state)
    };
    for (kind, value) in Attributes::behind(payload, HEADER) {
        match kind {
            NDA_LLADDR => mac = value.mac(),
            NDA_MASTER => row.master = value.u32().map(IfIndex),
            NDA_DST => row.dst = value.ip(),
            NDA_VNI => row.vni = value.u32().map(Vni),
            NDA_PORT => row.port = value.be16(),
            NDA_IFINDEX => row.via = value.u32().map(IfIndex),
            NDA_NH_ID => row.nexthop_id = value.u32(),
            NDA_VLAN => row.vlan = value.u16().filter(|vlan| *vlan != 0),
            _ => {}
        }
    }
    row.mac = mac?;
    Some(row)
}

/// `NUD_*` bits of `linux/neighbour.h`.
fn state(bits: u16) -> NeighbourState {
    match bits {
        0x01 => NeighbourState::Incomplete,
        0x02 => NeighbourState::Reachable,
        0x04 => NeighbourState::Stale,
        0x08 => NeighbourState::Delay,
        0x10 => NeighbourState::Probe,
        0x20 => NeighbourState::Failed,
        0x40 => NeighbourState::Noarp,
        bits if bits & 0x80 != 0 => NeighbourState::Permanent,
        _ => NeighbourState::None,
    }
}

/// How full the neighbour tables are.
pub(in crate::collect) fn read_use(socket: &mut Socket) -> Table<NeighbourTableUse> {
    // struct ndtmsg: the family and padding.
    table(
        socket,
        &Message::new(RTM_GETNEIGHTBL, [UNSPEC, 0, 0, 0]),
        decode_use,
    )
}

fn decode_use(payload: &[u8]) -> Option<NeighbourTableUse> {
    let mut row = NeighbourTableUse {
        name: String::new(),
        entries: 0,
        gc_thresh1: 0,
        gc_thresh2: 0,
        gc_thresh3: 0,
        table_fulls: 0,
    };
    let mut whole = false;
    for (kind, value) in Attributes::behind(payload, 4) {
        match kind {
            NDTA_NAME => row.name = value.text(),
            NDTA_THRESH1 => row.gc_thresh1 = value.u32()?,
            NDTA_THRESH2 => row.gc_thresh2 = value.u32()?,
            NDTA_THRESH3 => {
                row.gc_thresh3 = value.u32()?;
                whole = true;
            }
            // struct ndt_config: key length, entry size, entries, …
            NDTA_CONFIG => row.entries = value.u32_in(4)?,
            // struct ndt_stats: the eleventh number.
            NDTA_STATS => row.table_fulls = value.u64_at(10).unwrap_or_default(),
            // The settings of one device follow in messages of their own; they are not the table's.
            NDTA_PARMS if value.nested().get(NDTPA_IFINDEX).is_some() => return None,
            _ => {}
        }
    }
    // Other tables (decnet) have no limits.
    (whole && matches!(row.name.as_str(), "arp_cache" | "ndisc_cache")).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_and_a_proxy_entry() {
        let bytes = Writer::behind(&[2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 1])
            .put(NDA_DST, &[169, 254, 1, 1])
            .put(NDA_LLADDR, &[0xee; 6])
            .0;
        let row = decode(&bytes).unwrap();
        assert_eq!(row.state, NeighbourState::Reachable);
        assert!(!row.proxy);
        assert_eq!(row.mac.unwrap().to_string(), "ee:ee:ee:ee:ee:ee");
        let proxy = Writer::behind(&[2, 0, 0, 0, 3, 0, 0, 0, 0, 0, NTF_PROXY, 0])
            .put(NDA_DST, &[10, 0, 0, 1])
            .0;
        assert!(decode(&proxy).unwrap().proxy);
    }

    #[test]
    fn a_tunnel_end_and_a_bridge_port() {
        let bytes = Writer::behind(&[7, 0, 0, 0, 5, 0, 0, 0, 0x80, 0, NTF_SELF, 0])
            .put(NDA_LLADDR, &[0x66, 0x5a, 0x18, 0x78, 0xe4, 0xa8])
            .put(NDA_DST, &[192, 168, 61, 12])
            .0;
        let row = decode_fdb(&bytes).unwrap();
        assert!(row.own && !row.is_learned());
        assert_eq!(row.dst.unwrap().to_string(), "192.168.61.12");
        let bytes = Writer::behind(&[7, 0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0])
            .put(NDA_LLADDR, &[2, 0, 0, 0, 0, 1])
            .put_u32(NDA_MASTER, 4)
            .0;
        let row = decode_fdb(&bytes).unwrap();
        assert_eq!(row.master, Some(IfIndex(4)));
        assert!(row.is_learned());
    }
}
