//! Forwarding databases: bridges' and VXLAN devices'.

use std::net::IpAddr;

use plugin_core::mac::Mac;
use serde::{Deserialize, Serialize};

use super::neighbour::NeighbourState;
use super::number::{IfIndex, Vni};

/// One row of `bridge fdb`.
///
/// A row with `master` belongs to that bridge and says behind which port (`device`) the MAC is. A row
/// without belongs to the device itself: for a VXLAN device it says to which tunnel end a frame goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FdbEntry {
    /// The bridge's port, or the device the row belongs to.
    pub device: IfIndex,
    /// The MAC; all zeros means "all that is unknown" (flooding).
    pub mac: Mac,
    /// The bridge whose table this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<IfIndex>,
    /// VXLAN: the tunnel end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst: Option<IpAddr>,
    /// VXLAN: another VNI than the device's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vni: Option<Vni>,
    /// VXLAN: another UDP port than the device's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// VXLAN: the device the wrapped packet must leave by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<IfIndex>,
    /// VXLAN: the nexthop group that holds the tunnel ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nexthop_id: Option<u32>,
    /// The VLAN, on a bridge that filters them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
    /// `Permanent`: the device's own or set by hand; `Noarp`: set by hand ("static"); else learned.
    pub state: NeighbourState,
    /// The device's own table (`NTF_SELF`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// A daemon learned it (`NTF_EXT_LEARNED`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extern_learned: bool,
    /// Never moves to another port (`NTF_STICKY`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sticky: bool,
}

impl FdbEntry {
    /// A row that says no more than that the device has the MAC.
    pub fn new(device: IfIndex, mac: Mac, state: NeighbourState) -> Self {
        Self {
            device,
            mac,
            master: None,
            dst: None,
            vni: None,
            port: None,
            via: None,
            nexthop_id: None,
            vlan: None,
            state,
            own: false,
            extern_learned: false,
            sticky: false,
        }
    }

    /// Whether the kernel learned it from a frame, so that it may go or move by itself.
    pub fn is_learned(&self) -> bool {
        !matches!(
            self.state,
            NeighbourState::Permanent | NeighbourState::Noarp
        ) && !self.extern_learned
    }
}
