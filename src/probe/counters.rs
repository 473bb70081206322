//! What moved in the kernel's counters between two readings. Pure.
//!
//! Counters say that something happened, not to whom: others use the node too. What moved anyway, as far as
//! a third reading before the first tells, is taken off.

use serde::{Deserialize, Serialize};

use crate::model::counters::{Counted, Counters};
use crate::model::link::LinkStats;
use crate::model::number::NetnsId;

/// A counter that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The namespace.
    pub netns: NetnsId,
    /// The device, for counters of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Its name: that of `nstat`, of `ip -s -s link`, or `conntrack` and `softnet` with theirs.
    pub name: String,
    /// By how much.
    pub by: u64,
}

/// What moved from `before` to `after`, in the order of namespaces and names. What could not be read in
/// either did not move, as far as is known.
pub fn moved(before: &[Counted], after: &[Counted]) -> Vec<Moved> {
    let mut all = Vec::new();
    for after in after {
        let Some(before) = before.iter().find(|before| before.netns == after.netns) else {
            continue;
        };
        let mut add = |device: Option<&str>, prefix: &str, old: &Counters, new: &Counters| {
            for (name, value) in new {
                let by = value.saturating_sub(old.get(name).copied().unwrap_or(0));
                if by > 0 {
                    all.push(Moved {
                        netns: after.netns,
                        device: device.map(str::to_owned),
                        name: format!("{prefix}{name}"),
                        by,
                    });
                }
            }
        };
        if let (Some(old), Some(new)) = (before.protocols.known(), after.protocols.known()) {
            add(None, "", old, new);
        }
        if let (Some(old), Some(new)) = (before.conntrack.known(), after.conntrack.known()) {
            add(None, "conntrack ", &old.stats, &new.stats);
        }
        if let (Some(old), Some(new)) = (before.softnet.known(), after.softnet.known()) {
            let named = |softnet: &crate::model::counters::Softnet| {
                Counters::from([
                    ("dropped".to_owned(), softnet.dropped),
                    ("time_squeeze".to_owned(), softnet.time_squeeze),
                ])
            };
            add(None, "softnet ", &named(old), &named(new));
        }
        for device in &after.devices {
            let old = before.devices.iter().find(|old| old.index == device.index);
            if let Some(old) = old {
                let name = Some(device.name.as_str());
                add(name, "", &by_name(&old.stats), &by_name(&device.stats));
            }
        }
    }
    all
}

/// The same, without what moved just as much in the time before that nobody sent a probe.
pub fn moved_by_probes(idle: &[Moved], during: Vec<Moved>) -> Vec<Moved> {
    during
        .into_iter()
        .filter_map(|mut moved| {
            let anyway = idle.iter().find(|idle| {
                idle.netns == moved.netns && idle.device == moved.device && idle.name == moved.name
            });
            moved.by = moved.by.saturating_sub(anyway.map_or(0, |idle| idle.by));
            (moved.by > 0).then_some(moved)
        })
        .collect()
}

/// A device's counters by their names.
fn by_name(stats: &LinkStats) -> Counters {
    // The names of the fields are the kernel's, and all fields are numbers.
    serde_json::to_value(stats)
        .and_then(serde_json::from_value)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::counters::{Conntrack, DeviceCounted, Softnet};
    use crate::model::number::IfIndex;
    use crate::model::{Reading, Table};

    fn counted(forwarded: u64, dropped: u64) -> Counted {
        Counted {
            netns: NetnsId(7),
            protocols: Reading::Known(Counters::from([("IpForwDatagrams".to_owned(), forwarded)])),
            conntrack: Reading::Known(Conntrack::default()),
            devices: Table::complete(vec![DeviceCounted {
                index: IfIndex(2),
                name: "eth0".to_owned(),
                stats: LinkStats {
                    tx_dropped: dropped,
                    ..LinkStats::default()
                },
            }]),
            softnet: Reading::Known(Softnet::default()),
        }
    }

    #[test]
    fn what_moved_is_named_and_what_moves_anyway_is_taken_off() {
        let during = moved(&[counted(10, 1)], &[counted(13, 2)]);
        let words: Vec<_> = during
            .iter()
            .map(|m| (m.device.as_deref(), m.name.as_str(), m.by))
            .collect();
        assert_eq!(
            words,
            [
                (None, "IpForwDatagrams", 3),
                (Some("eth0"), "tx_dropped", 1)
            ]
        );
        let idle = moved(&[counted(9, 0)], &[counted(10, 1)]);
        let ours = moved_by_probes(&idle, during);
        assert_eq!(ours.len(), 1);
        assert_eq!(ours[0].by, 2);
    }
}
