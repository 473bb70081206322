//! What a device is to the bridge or bond that it is a port of.

use serde::{Deserialize, Serialize};

use crate::model::number::TableId;

/// A bridge's settings for one port.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BridgePort {
    /// The spanning tree state.
    pub state: PortState,
    /// Frames may leave by the port they came from.
    pub hairpin: bool,
    /// Frames do not pass between isolated ports.
    pub isolated: bool,
    /// It learns source MACs.
    pub learning: bool,
    /// Frames for unknown MACs leave here too.
    pub unicast_flood: bool,
    /// Unknown multicasts leave here too.
    pub multicast_flood: bool,
    /// Broadcasts leave here too.
    pub broadcast_flood: bool,
    /// The bridge answers ARP for what is behind the port.
    pub proxy_arp: bool,
    /// The bridge answers ARP and ND for what it knows, and keeps the question off the port.
    pub neigh_suppress: bool,
    /// Only known source MACs may talk.
    pub locked: bool,
    /// BPDUs are dropped and the port closed (`guard`).
    pub bpdu_guard: bool,
    /// Spanning tree path cost.
    pub cost: u32,
    /// The port's number on the bridge.
    pub number: u16,
}

/// The spanning tree state of a bridge port; only `Forwarding` passes frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortState {
    /// Off.
    #[default]
    Disabled,
    /// Listens for BPDUs.
    Listening,
    /// Learns MACs, passes nothing.
    Learning,
    /// Passes frames.
    Forwarding,
    /// Kept closed against loops.
    Blocking,
}

impl PortState {
    /// The word of `bridge link`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Listening => "listening",
            Self::Learning => "learning",
            Self::Forwarding => "forwarding",
            Self::Blocking => "blocking",
        }
    }
}

/// The place of a device below its master.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Port {
    /// A bridge's port.
    Bridge(BridgePort),
    /// A bond's port.
    Bond {
        /// Whether it carries traffic.
        active: bool,
        /// Whether the link monitor says it works.
        mii_up: bool,
        /// How often it failed.
        failures: u32,
    },
    /// Below a VRF.
    Vrf {
        /// The VRF's table.
        table: TableId,
    },
    /// Another kind.
    Other {
        /// The kernel's name for it.
        name: String,
    },
}
