//! The place of a device below its master (`IFLA_INFO_SLAVE_DATA`).

use crate::collect::attributes::{Attributes, Value};
use crate::model::TableId;
use crate::model::link::{BridgePort, Port, PortState};

/// The port of a master of that kind.
pub(super) fn decode(name: &str, data: Attributes<'_>) -> Port {
    match name {
        "bridge" => Port::Bridge(bridge(data)),
        "bond" => Port::Bond {
            // BOND_STATE_ACTIVE and BOND_LINK_UP are zero.
            active: data.get(1).and_then(Value::u8) == Some(0),
            mii_up: data.get(2).and_then(Value::u8) == Some(0),
            failures: data.get(3).and_then(Value::u32).unwrap_or_default(),
        },
        "vrf" => Port::Vrf {
            table: TableId(data.get(1).and_then(Value::u32).unwrap_or_default()),
        },
        other => Port::Other {
            name: other.to_owned(),
        },
    }
}

/// `IFLA_BRPORT_*` of `linux/if_link.h`.
fn bridge(data: Attributes<'_>) -> BridgePort {
    let mut port = BridgePort::default();
    for (kind, value) in data {
        match kind {
            1 => {
                port.state = match value.u8() {
                    Some(1) => PortState::Listening,
                    Some(2) => PortState::Learning,
                    Some(3) => PortState::Forwarding,
                    Some(4) => PortState::Blocking,
                    _ => PortState::Disabled,
                }
            }
            3 => port.cost = value.u32().unwrap_or_default(),
            // MODE is hairpin.
            4 => port.hairpin = value.flag(),
            5 => port.bpdu_guard = value.flag(),
            8 => port.learning = value.flag(),
            9 => port.unicast_flood = value.flag(),
            10 => port.proxy_arp = value.flag(),
            18 => port.number = value.u16().unwrap_or_default(),
            27 => port.multicast_flood = value.flag(),
            30 => port.broadcast_flood = value.flag(),
            32 => port.neigh_suppress = value.flag(),
            33 => port.isolated = value.flag(),
            39 => port.locked = value.flag(),
            _ => {}
        }
    }
    port
}
