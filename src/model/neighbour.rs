//! Who has which address on a link.

use std::net::IpAddr;

use plugin_core::mac::Mac;
use serde::{Deserialize, Serialize};

use super::number::IfIndex;

/// One neighbour entry (`ip neigh`), or one address answered for another (`ip neigh show proxy`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// The device behind which it is.
    pub device: IfIndex,
    /// Its address.
    pub address: IpAddr,
    /// Its link-layer address, when known and six octets long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// How sure the kernel is.
    pub state: NeighbourState,
    /// Not a neighbour, but an address that this node answers for on the device (`NTF_PROXY`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proxy: bool,
    /// It said it is a router (`NTF_ROUTER`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub router: bool,
    /// A daemon learned it, not the kernel (`NTF_EXT_LEARNED`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extern_learned: bool,
    /// Which daemon put it there (`NDA_PROTOCOL`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u8>,
}

/// `NUD_*` of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeighbourState {
    /// Nothing has happened yet.
    None,
    /// Asked for; nobody has answered so far.
    Incomplete,
    /// Confirmed lately.
    Reachable,
    /// Known, and confirmed when next used.
    Stale,
    /// Used, about to be confirmed.
    Delay,
    /// Being confirmed.
    Probe,
    /// Nobody answered.
    Failed,
    /// Needs no resolution.
    Noarp,
    /// Set by hand and never changed.
    Permanent,
}

impl NeighbourState {
    /// Whether a packet leaves with this entry's link-layer address (`NUD_VALID`).
    pub fn is_valid(self) -> bool {
        !matches!(self, Self::None | Self::Incomplete | Self::Failed)
    }

    /// The word of `ip neigh`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Incomplete => "INCOMPLETE",
            Self::Reachable => "REACHABLE",
            Self::Stale => "STALE",
            Self::Delay => "DELAY",
            Self::Probe => "PROBE",
            Self::Failed => "FAILED",
            Self::Noarp => "NOARP",
            Self::Permanent => "PERMANENT",
        }
    }
}
