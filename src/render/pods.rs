//! `ovl pods`, for people.

use std::io::{self, Write};

use super::table;
use crate::inspect::pods::{PodList, PodRow};
use crate::model::sandbox::{SandboxState, short_id};

/// Writes the table. A column says the node where several were asked, wherever that was; `wide` adds it and all others.
///
/// # Errors
/// Those of `out`.
pub fn text(list: &PodList, wide: bool, out: &mut dyn Write) -> io::Result<()> {
    let nodes = wide || list.nodes > 1;
    if list.pods.is_empty() {
        return writeln!(out, "No pods.");
    }
    let mut heads = vec![
        "NAMESPACE",
        "NAME",
        "ADDRESS",
        "NETNS",
        "DEVICE",
        "BRIDGE",
        "MTU",
        "AGE",
    ];
    if nodes {
        heads.insert(0, "NODE");
    }
    if wide {
        heads.extend(["STATE", "PID", "SANDBOX"]);
    }
    let mut rows = table::with_heads(&heads);
    for pod in &list.pods {
        table::push(&mut rows, cells(pod, nodes, wide));
    }
    out.write_all(table::text(rows).as_bytes())
}

fn cells(pod: &PodRow, nodes: bool, wide: bool) -> Vec<String> {
    let plain = |text: &Option<String>| text.clone().unwrap_or_default();
    let addresses: Vec<_> = pod.addresses.iter().map(ToString::to_string).collect();
    let mut cells = vec![
        pod.namespace.clone(),
        pod.name.clone(),
        addresses.join(","),
        if pod.host_network {
            "(host network)".to_owned()
        } else {
            plain(&pod.netns)
        },
        plain(&pod.device),
        plain(&pod.bridge),
        pod.mtu.map(|mtu| mtu.to_string()).unwrap_or_default(),
        pod.age_s.map(age).unwrap_or_default(),
    ];
    if nodes {
        cells.insert(0, pod.node.clone());
    }
    if wide {
        cells.extend([
            match pod.state {
                SandboxState::Unknown => String::new(),
                state => state.as_str().to_owned(),
            },
            pod.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            short_id(&pod.sandbox).to_owned(),
        ]);
    }
    cells
}

/// A time as kubectl shows it: the two largest units at most.
pub fn age(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 if !seconds.is_multiple_of(60) => format!("{minutes}m{}s", seconds % 60),
        120..10_800 => format!("{minutes}m"),
        10_800..28_800 if !minutes.is_multiple_of(60) => format!("{hours}h{}m", minutes % 60),
        10_800..172_800 => format!("{hours}h"),
        172_800..691_200 if !hours.is_multiple_of(24) => format!("{days}d{}h", hours % 24),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_is_said_where_several_were_asked() {
        let row = PodRow {
            node: "host01".to_owned(),
            namespace: "default".to_owned(),
            name: "pod1".to_owned(),
            state: SandboxState::Ready,
            sandbox: "0123456789abcdef".to_owned(),
            host_network: false,
            addresses: Vec::new(),
            netns: None,
            pid: None,
            device: None,
            bridge: None,
            mtu: None,
            created_ns: None,
            age_s: None,
        };
        let mut list = PodList {
            schema: PodList::SCHEMA,
            pods: vec![row],
            nodes: 1,
            missing: Vec::new(),
            doubts: Vec::new(),
        };
        let first_word = |list: &PodList, wide| {
            let mut out = Vec::new();
            text(list, wide, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            text.split_whitespace().next().unwrap().to_owned()
        };
        assert_eq!(first_word(&list, false), "NAMESPACE");
        assert_eq!(first_word(&list, true), "NODE");
        list.nodes = 2;
        assert_eq!(first_word(&list, false), "NODE");
    }

    #[test]
    fn times_read_as_kubectl_writes_them() {
        let samples = [
            (16, "16s"),
            (152, "2m32s"),
            (960, "16m"),
            (10_800, "3h"),
            (12_000, "3h20m"),
            (90_000, "25h"),
            (180_000, "2d2h"),
            (864_000, "10d"),
        ];
        for (seconds, text) in samples {
            assert_eq!(age(seconds), text);
        }
    }
}
