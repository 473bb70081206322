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
const RTEXT_FILTER_BRVLAN: u32 = 2;
const IFLA_BRIDGE_VLAN_INFO: u16 = 2;
const BRIDGE_VLAN_INFO_PVID: u16 = 0x02;
const BRIDGE_VLAN_INFO_UNTAGGED: u16 = 0x04;

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
    let body = Writer::behind(&header).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN);
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
    spec.nested()
        .filter(|(kind, _)| *kind == IFLA_BRIDGE_VLAN_INFO)
        .filter_map(|(_, value)| {
            // struct bridge_vlan_info: flags, VLAN.
            let flags = value.u16_in(0)?;
            Some(PortVlan {
                device,
                vlan: value.u16_in(2)?,
                pvid: flags & BRIDGE_VLAN_INFO_PVID != 0,
                untagged: flags & BRIDGE_VLAN_INFO_UNTAGGED != 0,
            })
        })
        .collect()
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
