//! What the kernel counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::link::LinkStats;
use super::number::{IfIndex, NetnsId};
use super::table::{Reading, Table};

/// Counters by the names of `nstat` (`IpInReceives`, `TcpExtListenDrops`, `Ip6InHdrErrors` …). One that
/// is zero is left out.
pub type Counters = BTreeMap<String, u64>;

/// Use of the connection tracking table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Conntrack {
    /// Connections in the table of this namespace.
    pub count: u64,
    /// How many it may hold.
    pub max: u64,
    /// Failures since the start, summed over all processors (`/proc/net/stat/nf_conntrack`): `drop`,
    /// `early_drop`, `insert_failed`, `invalid`, `error`, `search_restart`, `clash_resolve` … Zeros
    /// are left out.
    pub stats: Counters,
}

/// Use of one neighbour table. The limits and the number of entries are the kernel's, all namespaces
/// together; so is `table_fulls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighbourTableUse {
    /// `arp_cache` or `ndisc_cache`.
    pub name: String,
    /// Entries now, over all namespaces.
    pub entries: u32,
    /// Below this nothing is collected.
    pub gc_thresh1: u32,
    /// Above this, entries older than five seconds are collected.
    pub gc_thresh2: u32,
    /// Above this, nothing is added.
    pub gc_thresh3: u32,
    /// How often an entry could not be added.
    pub table_fulls: u64,
}

/// What the receiving side of the kernel did, summed over all processors (`/proc/net/softnet_stat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Softnet {
    /// Frames processed.
    pub processed: u64,
    /// Frames dropped as the backlog was full.
    pub dropped: u64,
    /// How often time or budget ran out.
    pub time_squeeze: u64,
}

/// What a namespace has counted so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// Which.
    pub netns: NetnsId,
    /// `snmp`, `netstat`, `snmp6`.
    pub protocols: Reading<Counters>,
    /// Connection tracking.
    pub conntrack: Reading<Conntrack>,
    /// Each device.
    pub devices: Table<DeviceCounted>,
    /// The receiving side, which all namespaces of a kernel share.
    pub softnet: Reading<Softnet>,
}

/// What a device has counted so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCounted {
    /// Its index.
    pub index: IfIndex,
    /// Its name.
    pub name: String,
    /// What went through it.
    pub stats: LinkStats,
}
