//! Policy routing rules.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::number::TableId;
use super::route::Protocol;

/// One rule (`ip rule`). Rules are asked in the order of their priority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The family whose packets it is for.
    pub family: Family,
    /// Lower is asked first.
    pub priority: u32,
    /// Takes the packets that do *not* match.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invert: bool,
    /// Packets from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpNet>,
    /// Packets to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<IpNet>,
    /// Packets that came by the device of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iif: Option<String>,
    /// Packets of sockets bound to the device of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oif: Option<String>,
    /// Packets with this mark, after `fwmask`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fwmark: Option<u32>,
    /// Which bits of the mark count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fwmask: Option<u32>,
    /// Packets of this type of service; 0 is any.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tos: u8,
    /// Packets of this IP protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_protocol: Option<u8>,
    /// Packets with a source port in this range, ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ports: Option<(u16, u16)>,
    /// Packets with a destination port in this range, ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_ports: Option<(u16, u16)>,
    /// Packets of these users, ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uids: Option<(u32, u32)>,
    /// Packets with this tunnel identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel_id: Option<u64>,
    /// Asks the table of the device's VRF.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub l3mdev: bool,
    /// What is done.
    pub action: RuleAction,
    /// Routes with a prefix this long or shorter do not count; `None` is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_prefixlen: Option<u32>,
    /// Routes by devices of this group do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_ifgroup: Option<u32>,
    /// Who put it there.
    pub protocol: Protocol,
    /// It matches on something that is not decoded here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown_match: bool,
}

impl Rule {
    /// A rule that asks nothing of a packet, as the kernel's own are.
    pub fn for_all(family: Family, priority: u32, action: RuleAction) -> Self {
        Self {
            family,
            priority,
            invert: false,
            from: None,
            to: None,
            iif: None,
            oif: None,
            fwmark: None,
            fwmask: None,
            tos: 0,
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            uids: None,
            tunnel_id: None,
            l3mdev: false,
            action,
            suppress_prefixlen: None,
            suppress_ifgroup: None,
            protocol: Protocol::KERNEL,
            unknown_match: false,
        }
    }
}

fn is_zero(value: &u8) -> bool {
    *value == 0
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// Looks into a table; the next rule follows if nothing is found there.
    Lookup(TableId),
    /// Goes on at the rule of that priority.
    Goto(u32),
    /// Goes on with the next rule.
    Nop,
    /// Drops without a word.
    Blackhole,
    /// Drops and says that the network is unreachable.
    Unreachable,
    /// Drops and says that it is prohibited.
    Prohibit,
}
