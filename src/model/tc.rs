//! Traffic control: queues, and filters that may turn a packet away.

use serde::{Deserialize, Serialize};

use super::number::IfIndex;

/// One queueing discipline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qdisc {
    /// The device.
    pub device: IfIndex,
    /// `noqueue`, `fq_codel`, `tbf`, `ingress`, `clsact` …
    pub kind: String,
    /// Its handle, `major:minor` as one number.
    pub handle: u32,
    /// What it hangs below; `0xffff_ffff` is the root, `0xffff_fff1` ingress.
    pub parent: u32,
    /// The rate it limits to, bits a second, where the kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_bps: Option<u64>,
    /// The burst it lets through, octets, where the kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst_bytes: Option<u32>,
    /// Octets that went through.
    pub bytes: u64,
    /// Packets that went through.
    pub packets: u64,
    /// Packets it dropped.
    pub drops: u64,
    /// How often the limit was met.
    pub overlimits: u64,
    /// Octets waiting.
    pub backlog_bytes: u32,
}

/// One filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The device.
    pub device: IfIndex,
    /// What it hangs below: `0xffff_fff2` is ingress of clsact, `0xffff_fff3` its egress.
    pub parent: u32,
    /// `bpf`, `u32`, `flower`, `matchall` …
    pub kind: String,
    /// Lower is asked first.
    pub priority: u16,
    /// The EtherType it is for; `0x0003` is all.
    pub protocol: u16,
    /// Its handle below the priority.
    pub handle: u32,
    /// The name of a BPF program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The BPF program decides itself what happens (direct action).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub direct_action: bool,
    /// What it does, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
}

/// What a filter does with a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// `mirred`, `gact`, `police` …
    pub kind: String,
    /// `mirred`: the device it is sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<IfIndex>,
    /// What it says, where that is decoded: `redirect`, `mirror`, `drop`, `pass` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Packets it was asked about.
    #[serde(default)]
    pub packets: u64,
    /// Packets it dropped.
    #[serde(default)]
    pub drops: u64,
}

impl Filter {
    /// Whether it is the same one, read at another time.
    pub fn is(&self, other: &Self) -> bool {
        let key = |filter: &Self| (filter.device, filter.parent, filter.priority, filter.handle);
        key(self) == key(other)
    }

    /// Whether it sees what comes in by the device: `ingress` has the handle `ffff:`, of which clsact's ingress is a part.
    pub fn is_ingress(&self) -> bool {
        matches!(self.parent, 0xffff_0000 | 0xffff_fff1 | 0xffff_fff2)
    }
}
