//! Nexthop objects (`RTM_GETNEXTHOP`, Linux 5.3).

use plugin_core::netlink::Socket;

use super::route::encap;
use super::{Message, UNSPEC, table};
use crate::collect::attributes::{Attributes, Value};
use crate::model::route::{NextHop, NextHopObject, Protocol};
use crate::model::{IfIndex, Table};

const RTM_GETNEXTHOP: u16 = 106;
/// `struct nhmsg`: family, scope, protocol, reserved, flags.
const HEADER: usize = 8;

const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_GROUP_TYPE: u16 = 3;
const NHA_BLACKHOLE: u16 = 4;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;
const NHA_ENCAP_TYPE: u16 = 7;
const NHA_ENCAP: u16 = 8;
const NHA_FDB: u16 = 11;

const RTNH_F_DEAD: u32 = 1;
const RTNH_F_ONLINK: u32 = 4;
const RTNH_F_LINKDOWN: u32 = 16;
/// `NEXTHOP_GRP_TYPE_RES`.
const RESILIENT: u16 = 1;

/// All nexthop objects.
pub(in crate::collect) fn read(socket: &mut Socket) -> Table<NextHopObject> {
    let mut header = [0; HEADER];
    header[0] = UNSPEC;
    table(socket, &Message::new(RTM_GETNEXTHOP, header), decode)
}

fn decode(payload: &[u8]) -> Option<NextHopObject> {
    let protocol = *payload.get(2)?;
    let flags = Value(payload).u32_in(4)?;
    let mut id = None;
    let mut object = NextHopObject {
        id: 0,
        hop: None,
        group: Vec::new(),
        blackhole: false,
        fdb: false,
        resilient: false,
        protocol: Protocol(protocol),
    };
    let mut hop = NextHop {
        device: None,
        onlink: flags & RTNH_F_ONLINK != 0,
        dead: flags & RTNH_F_DEAD != 0,
        linkdown: flags & RTNH_F_LINKDOWN != 0,
        ..NextHop::device(IfIndex(0))
    };
    let (mut encap_type, mut encap_value) = (0, None);
    for (kind, value) in Attributes::behind(payload, HEADER) {
        match kind {
            NHA_ID => id = value.u32(),
            // struct nexthop_grp: id, weight − 1 (low octet), weight (high octet, Linux 6.12), reserved.
            NHA_GROUP => {
                object.group = value
                    .0
                    .chunks_exact(8)
                    .filter_map(|entry| {
                        let &[_, _, _, _, low, high, _, _] = entry else {
                            return None;
                        };
                        let weight = (u16::from(high) << 8 | u16::from(low)).saturating_add(1);
                        Some((Value(entry).u32_in(0)?, weight))
                    })
                    .collect();
            }
            NHA_GROUP_TYPE => object.resilient = value.u16() == Some(RESILIENT),
            NHA_BLACKHOLE => object.blackhole = true,
            NHA_FDB => object.fdb = true,
            NHA_OIF => hop.device = value.u32().map(IfIndex),
            NHA_GATEWAY => hop.gateway = value.specified_ip(),
            NHA_ENCAP_TYPE => encap_type = value.u16().unwrap_or_default(),
            NHA_ENCAP => encap_value = Some(value.nested()),
            _ => {}
        }
    }
    object.id = id?;
    if encap_type != 0 {
        hop.encap = Some(encap(encap_type, encap_value));
    }
    if object.group.is_empty() && !object.blackhole {
        object.hop = Some(hop);
    }
    Some(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::attributes::Writer;

    #[test]
    fn a_hop_and_a_group() {
        let bytes = Writer::behind(&[2, 0, 4, 0, 4, 0, 0, 0])
            .put_u32(NHA_ID, 7)
            .put_u32(NHA_OIF, 2)
            .put(NHA_GATEWAY, &[192, 168, 61, 12])
            .0;
        let object = decode(&bytes).unwrap();
        assert_eq!(object.id, 7);
        let hop = object.hop.unwrap();
        assert!(hop.onlink);
        assert_eq!(hop.device, Some(IfIndex(2)));

        let mut members = Vec::new();
        for (id, weight) in [(7u32, 0u8), (8, 4)] {
            members.extend(id.to_ne_bytes());
            members.extend([weight, 0, 0, 0]);
        }
        let bytes = Writer::behind(&[0, 0, 4, 0, 0, 0, 0, 0])
            .put_u32(NHA_ID, 10)
            .put(NHA_GROUP, &members)
            .0;
        let object = decode(&bytes).unwrap();
        assert_eq!(object.group, [(7, 1), (8, 5)]);
        assert_eq!(object.hop, None);
    }
}
