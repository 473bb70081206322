//! Addresses of devices.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::number::IfIndex;
use super::route::Scope;

/// One address of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The device.
    pub device: IfIndex,
    /// The address (`local` of `ip addr`).
    pub address: IpAddr,
    /// How many leading bits are the network's.
    pub prefix_len: u8,
    /// The other end of a point-to-point address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
    /// The broadcast address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<IpAddr>,
    /// How far the address is valid.
    pub scope: Scope,
    /// What `ip addr` calls the address beside the device's name (`eth0:1`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `IFA_F_*` of the kernel.
    pub flags: u32,
    /// Seconds until the address is no longer used for new connections; `None` is forever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_s: Option<u32>,
    /// Seconds until the address goes; `None` is forever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_s: Option<u32>,
    /// Who put it there (`IFA_PROTO`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u8>,
}

impl Address {
    /// `IFA_F_OPTIMISTIC`.
    const OPTIMISTIC: u32 = 0x04;
    /// `IFA_F_SECONDARY`.
    const SECONDARY: u32 = 0x01;
    /// `IFA_F_DADFAILED`.
    const DAD_FAILED: u32 = 0x08;
    /// `IFA_F_DEPRECATED`.
    const DEPRECATED: u32 = 0x20;
    /// `IFA_F_TENTATIVE`.
    const TENTATIVE: u32 = 0x40;

    /// Whether another address of the same network comes first.
    pub fn is_secondary(&self) -> bool {
        self.address.is_ipv4() && self.flags & Self::SECONDARY != 0
    }

    /// Whether duplicate address detection has not finished: the kernel does not use it yet.
    pub fn is_tentative(&self) -> bool {
        self.flags & Self::TENTATIVE != 0
    }

    /// Whether the kernel neither sends from it nor answers for it: not asked about to the end, or refused.
    pub fn is_unusable(&self) -> bool {
        self.is_duplicate() || (self.is_tentative() && self.flags & Self::OPTIMISTIC == 0)
    }

    /// Whether somebody else on the link already had this address.
    pub fn is_duplicate(&self) -> bool {
        self.flags & Self::DAD_FAILED != 0
    }

    /// Whether it is no longer chosen as a source.
    pub fn is_deprecated(&self) -> bool {
        self.flags & Self::DEPRECATED != 0
    }

    /// The network that the address makes reachable on the device.
    pub fn network(&self) -> Option<ipnet::IpNet> {
        ipnet::IpNet::new(self.peer.unwrap_or(self.address), self.prefix_len)
            .ok()
            .map(|net| net.trunc())
    }
}
