//! What bridges and tunnels learn from a packet, so that the answer to it goes where they now believe its sender to be.
//!
//! A snapshot shows what they believed before; the first packet of a conversation puts that right
//! (`net/bridge/br_fdb.c`, `br_fdb_update`; `drivers/net/vxlan/vxlan_core.c`, `vxlan_snoop`).

use std::collections::HashMap;
use std::net::IpAddr;

use plugin_core::mac::Mac;

use super::network::SpaceId;
use crate::model::number::IfIndex;

/// What was learned on one way.
#[derive(Debug, Clone, Default)]
pub(super) struct Learned {
    /// By bridge, VLAN (0 if it does not filter them) and MAC.
    ports: HashMap<(SpaceId, IfIndex, u16, Mac), IfIndex>,
    ends: HashMap<(SpaceId, IfIndex, Mac), IpAddr>,
}

impl Learned {
    /// A bridge has seen a MAC of a VLAN behind a port.
    pub(super) fn behind(
        &mut self,
        space: SpaceId,
        bridge: IfIndex,
        (vlan, mac): (u16, Mac),
        port: IfIndex,
    ) {
        self.ports.insert((space, bridge, vlan, mac), port);
    }

    /// The port behind which a bridge has seen a MAC of a VLAN.
    pub(super) fn port(
        &self,
        space: SpaceId,
        bridge: IfIndex,
        (vlan, mac): (u16, Mac),
    ) -> Option<IfIndex> {
        self.ports.get(&(space, bridge, vlan, mac)).copied()
    }

    /// A tunnel device has seen a MAC come from a tunnel end.
    pub(super) fn comes_from(&mut self, space: SpaceId, device: IfIndex, mac: Mac, end: IpAddr) {
        self.ends.insert((space, device, mac), end);
    }

    /// The tunnel end that a MAC came from.
    pub(super) fn end(&self, space: SpaceId, device: IfIndex, mac: Mac) -> Option<IpAddr> {
        self.ends.get(&(space, device, mac)).copied()
    }
}
