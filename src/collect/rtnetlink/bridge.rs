//! What bridges keep beside their forwarding databases: VLANs of ports and multicast groups.

use plugin_core::netlink::Socket;

use super::{BRIDGE, Message, table};
use crate::collect::attributes::{Attributes, Value, Writer};
use crate::model::route::{MdbEntry, PortVlan};
use crate::model::{IfIndex, Table};

const RTM_GETLINK: u16 = 18;
const RTM_GETMDB: u16 = 86;
/// `struct ifinfomsg`.
const LINK_HEADER: usize = 16;
/// `struct br_port_msg`: the family, padding, the bridge.
const MDB_HEADER: usize = 8;

const IFLA_AF_SPEC: u16 = 26;
const IFLA_EXT_MASK: u16 = 29;
/// Ranges in place of one row a VLAN: all 4094 of a trunk do not fit into a message (since Linux 4.0).
const RTEXT_FILTER_BRVLAN_COMPRESSED: u32 = 4;
const IFLA_BRIDGE_VLAN_INFO: u16 = 2;
const BRIDGE_VLAN_INFO_PVID: u16 = 0x02;
const BRIDGE_VLAN_INFO_UNTAGGED: u16 = 0x04;
const BRIDGE_VLAN_INFO_RANGE_BEGIN: u16 = 0x08;
const BRIDGE_VLAN_INFO_RANGE_END: u16 = 0x10;

/// `VLAN_N_VID` less the reserved one.
const LAST_VLAN: u16 = 4094;

const MDBA_MDB: u16 = 1;
const MDBA_MDB_ENTRY: u16 = 1;
const MDBA_MDB_ENTRY_INFO: u16 = 1;

/// `ETH_P_IP` and `ETH_P_IPV6`.
const ETHERTYPE_IP: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// VLANs of all bridges' ports.
pub(in crate::collect) fn read_vlans(socket: &mut Socket) -> Table<PortVlan> {
    let mut header = [0; LINK_HEADER];
    header[0] = BRIDGE;
    let body = Writer::behind(&header).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
    let table = table(socket, &Message::new(RTM_GETLINK, body.0), |payload| {
        Some(decode_vlans(payload))
    });
    Table {
        state: table.state,
        reason: table.reason,
        rows: table.rows.into_iter().flatten().collect(),
    }
}

fn decode_vlans(payload: &[u8]) -> Vec<PortVlan> {
    let Some(device) = Value(payload).u32_in(4).map(IfIndex) else {
        return Vec::new();
    };
    let Some(spec) = Attributes::behind(payload, LINK_HEADER).get(IFLA_AF_SPEC) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    let mut begin = None;
    for (kind, value) in spec.nested() {
        // struct bridge_vlan_info: flags, VLAN.
        let (IFLA_BRIDGE_VLAN_INFO, Some(flags), Some(vlan)) =
            (kind, value.u16_in(0), value.u16_in(2))
        else {
            continue;
        };
        if flags & BRIDGE_VLAN_INFO_RANGE_BEGIN != 0 {
            begin = Some(vlan);
            continue;
        }
        let first = match begin.take() {
            Some(first) if flags & BRIDGE_VLAN_INFO_RANGE_END != 0 => first,
            _ => vlan,
        };
        // No more than there are, whatever the message says.
        rows.extend((first..=vlan.min(LAST_VLAN)).map(|vlan| PortVlan {
            device,
            vlan,
            pvid: flags & BRIDGE_VLAN_INFO_PVID != 0,
            untagged: flags & BRIDGE_VLAN_INFO_UNTAGGED != 0,
        }));
    }
    rows
}

/// Multicast groups of all bridges.
pub(in crate::collect) fn read_mdb(socket: &mut Socket) -> Table<MdbEntry> {
    let mut header = [0; MDB_HEADER];
    header[0] = BRIDGE;
    let table = table(socket, &Message::new(RTM_GETMDB, header), |payload| {
        Some(decode_mdb(payload))
    });
    Table {
        state: table.state,
        reason: table.reason,
        rows: table.rows.into_iter().flatten().collect(),
    }
}

fn decode_mdb(payload: &[u8]) -> Vec<MdbEntry> {
    let Some(bridge) = Value(payload).u32_in(4).map(IfIndex) else {
        return Vec::new();
    };
    Attributes::behind(payload, MDB_HEADER)
        .filter(|(kind, _)| *kind == MDBA_MDB)
        .flat_map(|(_, mdb)| mdb.nested())
        .filter(|(kind, _)| *kind == MDBA_MDB_ENTRY)
        .flat_map(|(_, entry)| entry.nested())
        .filter(|(kind, _)| *kind == MDBA_MDB_ENTRY_INFO)
        .filter_map(|(_, info)| {
            // struct br_mdb_entry: port, state, flags, VLAN, then 16 octets of address and an EtherType.
            let protocol = u16::from_be(info.u16_in(24)?);
            let address = |length: usize| info.0.get(8..8 + length).map(Value);
            let (group, mac) = match protocol {
                ETHERTYPE_IP => (address(4)?.ip(), None),
                ETHERTYPE_IPV6 => (address(16)?.ip(), None),
                _ => (None, address(6)?.mac()),
            };
            Some(MdbEntry {
                bridge,
                port: IfIndex(info.u32_in(0)?),
                group,
                mac,
                permanent: info.0.get(4) == Some(&1),
                vlan: info.u16_in(6)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlans_of_a_port() {
        let mut header = [0; LINK_HEADER];
        header[0] = BRIDGE;
        header[4] = 5;
        let spec = Writer::default()
            .put(IFLA_BRIDGE_VLAN_INFO, &[6, 0, 1, 0])
            .put(IFLA_BRIDGE_VLAN_INFO, &[0, 0, 100, 0]);
        let bytes = Writer::behind(&header).nest(IFLA_AF_SPEC, spec).0;
        let vlans = decode_vlans(&bytes);
        assert_eq!(vlans.len(), 2);
        assert!(vlans[0].pvid && vlans[0].untagged);
        assert_eq!((vlans[1].vlan, vlans[1].pvid), (100, false));
    }

    /// As the kernel answers for a trunk of `bridge vlan add dev eth1 vid 1 pvid untagged`, `vid 10-12` and `vid 20`,
    /// when asked for ranges.
    #[test]
    fn a_range_of_vlans_is_each_of_them() {
        #[rustfmt::skip]
        let message = [
            // struct ifinfomsg: AF_BRIDGE, ARPHRD_ETHER, index 5, flags.
            7, 0, 1, 0,  5, 0, 0, 0,  0x43, 0x10, 1, 0,  0, 0, 0, 0,
            // IFLA_IFNAME eth1
            9, 0, 3, 0,  b'e', b't', b'h', b'1',  0, 0, 0, 0,
            // IFLA_MASTER 4
            8, 0, 10, 0,  4, 0, 0, 0,
            // IFLA_AF_SPEC
            36, 0, 26, 0,
            8, 0, 2, 0,  6, 0, 1, 0,
            8, 0, 2, 0,  8, 0, 10, 0,
            8, 0, 2, 0,  16, 0, 12, 0,
            8, 0, 2, 0,  0, 0, 20, 0,
        ];
        let rows = decode_vlans(&message);
        let vlans: Vec<_> = rows.iter().map(|row| row.vlan).collect();
        assert_eq!(vlans, [1, 10, 11, 12, 20]);
        assert!(rows.iter().all(|row| row.device == IfIndex(5)));
        let with = |flag: fn(&PortVlan) -> bool| rows.iter().filter(|row| flag(row)).count();
        assert_eq!((with(|row| row.pvid), with(|row| row.untagged)), (1, 1));
    }

    #[test]
    fn half_a_range_is_no_range() {
        let mut header = [0; LINK_HEADER];
        header[4] = 5;
        let begin = [8, 0, 10, 0];
        let vlans = |spec: Writer| {
            let bytes = Writer::behind(&header).nest(IFLA_AF_SPEC, spec).0;
            let rows = decode_vlans(&bytes);
            rows.iter().map(|row| row.vlan).collect::<Vec<_>>()
        };
        let put = |value: &[u8]| Writer::default().put(IFLA_BRIDGE_VLAN_INFO, value);
        assert!(vlans(put(&begin)).is_empty());
        assert_eq!(vlans(put(&[16, 0, 12, 0])), [12]);
        let cut = put(&begin).put(IFLA_BRIDGE_VLAN_INFO, &[0, 0, 20, 0]);
        assert_eq!(vlans(cut), [20]);
        let mad = put(&[8, 0, 0, 0]).put(IFLA_BRIDGE_VLAN_INFO, &[16, 0, 0xff, 0xff]);
        assert_eq!(vlans(mad).len(), 4095);
    }

    #[test]
    fn a_group_member() {
        let mut info = vec![9, 0, 0, 0, 1, 0, 0, 0, 239, 1, 1, 1];
        info.resize(24, 0);
        info.extend(ETHERTYPE_IP.to_be_bytes());
        info.extend([0, 0]);
        let entry = Writer::default().put(MDBA_MDB_ENTRY_INFO, &info);
        let mdb = Writer::default().nest(MDBA_MDB_ENTRY, entry);
        let bytes = Writer::behind(&[7, 0, 0, 0, 4, 0, 0, 0])
            .nest(MDBA_MDB, mdb)
            .0;
        let rows = decode_mdb(&bytes);
        assert_eq!(rows[0].group.unwrap().to_string(), "239.1.1.1");
        assert_eq!((rows[0].bridge, rows[0].port), (IfIndex(4), IfIndex(9)));
        assert!(rows[0].permanent);
    }
}
