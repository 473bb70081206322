//! What a device has of its own that may take packets: XDP programs, filters of traffic control, queues.
//!
//! Sources: `net/core/dev.c` (`__netif_receive_skb_core`, `__dev_queue_xmit`, `sch_handle_ingress`: what a filter drops
//! its queue counts, whatever kind of filter it is), `net/sched/act_*.c`.

use super::between::{Guilt, Suspect};
use super::origin::Told;
use crate::diagnose::Evidence;
use crate::model::tc::{Action, Filter, Qdisc};
use crate::model::{Link, Netns, Node};
use crate::walk::path::Hop;

/// A packet passes a device, or should have.
pub(super) struct Passage<'a> {
    pub(super) hop: &'a Hop,
    pub(super) node: &'a Node,
    pub(super) netns: &'a Netns,
    pub(super) link: &'a Link,
    /// The namespace as it was read when the packets had been sent.
    pub(super) later: Option<&'a Netns>,
    /// Here it was seen last.
    pub(super) is_last_seen: bool,
    /// Here it should have been seen next.
    pub(super) is_next: bool,
    /// It comes in by the device.
    pub(super) arrives: bool,
}

impl Passage<'_> {
    /// What to put before a command so that it works in the namespace.
    fn prefix(&self) -> String {
        match self.netns.paths.first() {
            Some(path) if self.netns.id != self.node.root => format!("nsenter --net={path} "),
            _ => String::new(),
        }
    }

    fn told(&self, id: &'static str) -> Told {
        let told = Told::new(id, &self.node.name).device(&self.link.name);
        if self.netns.id == self.node.root {
            told
        } else {
            told.place(&self.hop.at.name)
        }
    }
}

/// What a device itself may do with a packet: on arrival behind the tap, on departure before it.
pub(super) fn suspects(passage: &Passage<'_>) -> Vec<Suspect> {
    let mut found = Vec::new();
    let arrives = passage.arrives;
    // XDP runs before a tap sees what arrives; filters and queues of what leaves, too.
    let (before_tap, behind_tap) = (!passage.is_last_seen, !passage.is_next);
    if arrives && before_tap {
        found.extend(program(passage));
    }
    if !(arrives && behind_tap || !arrives && before_tap) {
        return found;
    }
    found.extend(filters(passage));
    if !arrives {
        found.extend(queues(passage));
    }
    found
}

/// An XDP program, which counts nothing that others can read.
fn program(passage: &Passage<'_>) -> Option<Suspect> {
    let (at, name) = (&passage.hop.at, &passage.link.name);
    let mode = passage.link.xdp.as_ref()?;
    let program = passage.link.xdp_program.as_ref();
    let which = program.map_or_else(String::new, |program| format!(" {program}"));
    let off = match mode.as_str() {
        "native" => "xdpdrv off",
        "generic" => "xdpgeneric off",
        "offload" => "xdpoffload off",
        _ => "xdp off",
    };
    let prefix = passage.prefix();
    let what =
        format!("an XDP program ({mode}{which}) sees all that arrives at {at} before anybody else");
    let show = format!("{prefix}ip -d link show {name}; bpftool prog show");
    let undo = format!("{prefix}ip link set dev {name} {off}");
    let told = passage
        .told("xdp-drop")
        .what(format!("{what}, and does not let the packets go on"))
        .show(show.clone())
        .fix(undo.clone());
    Some(Suspect {
        concerns: true,
        undo: Some(undo),
        guilt: Some(Guilt::Device(Box::new(told))),
        ..Suspect::new(what, show)
    })
}

/// Filters that may keep a packet from going on.
fn filters(passage: &Passage<'_>) -> Vec<Suspect> {
    let Passage {
        netns, link, later, ..
    } = *passage;
    let (at, name) = (&passage.hop.at, &link.name);
    let arrives = passage.arrives;
    let side = if arrives { "ingress" } else { "egress" };
    let taking: Vec<(&Filter, String)> = netns
        .filters
        .iter()
        .filter(|filter| filter.device == link.index && filter.is_ingress() == arrives)
        .filter_map(|filter| Some((filter, takes(filter, netns)?)))
        .collect();
    let dropped = later.and_then(|later| dropped_at(netns, later, link));
    let mut found: Vec<Suspect> = taking
        .iter()
        .map(|(filter, what)| {
            let own = later.and_then(|later| {
                let now = later.filters.iter().find(|other| filter.is(other))?;
                Some(counted(now)?.saturating_sub(counted(filter)?))
            });
            // A program's drops are counted by the queue alone; one filter that may drop is the one that did.
            let moved = own.or(dropped.filter(|_| taking.len() == 1));
            let which = named(filter);
            let prefix = passage.prefix();
            let show = format!("{prefix}tc -s filter show dev {name} {side}");
            let undo = format!("{prefix}{}", without(filter, netns, link, side));
            let told = passage
                .told("tc-filter-drop")
                .what(format!(
                    "a filter of traffic control ({which}) at {side} of {name} takes the packets: {what}"
                ))
                .show(show.clone())
                .fix(undo.clone())
                .evidence(vec![Evidence::new(
                    format!("{} tc filter", passage.node.name),
                    format!("dev {name} {side} {which}: {what}"),
                )]);
            Suspect {
                moved,
                concerns: true,
                undo: Some(undo),
                guilt: Some(Guilt::Device(Box::new(told))),
                ..Suspect::new(format!("a tc filter ({which}) at {side} of {at}: {what}"), show)
            }
        })
        .collect();
    // The queue counted drops that no action did: they are one of these filters' doing.
    let uncounted: Vec<&Suspect> = found.iter().filter(|one| one.moved.is_none()).collect();
    if let (Some(dropped @ 1..), [first, _, ..]) = (dropped, uncounted.as_slice())
        && let Some(Guilt::Device(told)) = &first.guilt
    {
        let all: Vec<&str> = uncounted
            .iter()
            .filter_map(|one| one.undo.as_deref())
            .collect();
        let whats: Vec<&str> = uncounted.iter().map(|one| one.what.as_str()).collect();
        let told = Told {
            what: format!(
                "one of several filters takes the packets: {}",
                whats.join("; ")
            ),
            fix: format!("one by one: {}", all.join("; ")),
            ..(**told).clone()
        };
        let one = Suspect {
            moved: Some(dropped),
            concerns: true,
            guilt: Some(Guilt::Device(Box::new(told.clone()))),
            ..Suspect::new(told.what.clone(), told.show)
        };
        found.retain(|other| other.moved.is_some());
        found.push(one);
    }
    found
}

/// Which filter it is among those of its side.
fn named(filter: &Filter) -> String {
    let (kind, priority) = (&filter.kind, filter.priority);
    match &filter.program {
        Some(program) => format!("{kind} {program}, pref {priority}"),
        None => format!("{kind}, pref {priority}"),
    }
}

/// The command that takes a filter away.
fn without(filter: &Filter, netns: &Netns, link: &Link, side: &str) -> String {
    let name = &link.name;
    let below = match filter.parent {
        // `ingress`, and both sides of clsact.
        0xffff_0000 | 0xffff_fff1..=0xffff_fff3 => side.to_owned(),
        parent => format!("parent {:x}:{:x}", parent >> 16, parent & 0xffff),
    };
    let place = format!("tc filter del dev {name} {below} pref {}", filter.priority);
    let alone = !netns.filters.iter().any(|other| {
        (other.device, other.parent, other.priority)
            == (filter.device, filter.parent, filter.priority)
            && other.handle != filter.handle
    });
    if alone {
        return place;
    }
    let handle = filter.handle;
    let handle = match filter.kind.as_str() {
        // Hash table, bucket and node.
        "u32" => {
            let bucket = match (handle >> 12) & 0xff {
                0 => String::new(),
                bucket => format!("{bucket:x}"),
            };
            format!("{:x}:{bucket}:{:x}", handle >> 20, handle & 0xfff)
        }
        _ => format!("{handle:#x}"),
    };
    format!("{place} handle {handle} protocol all {}", filter.kind)
}

/// How many packets the filters of a device dropped meanwhile, both sides together.
fn dropped_at(netns: &Netns, later: &Netns, link: &Link) -> Option<u64> {
    let of = |netns: &Netns| {
        let mut queues = netns.qdiscs.iter();
        let queue = queues.find(|qdisc| {
            qdisc.device == link.index && matches!(qdisc.kind.as_str(), "ingress" | "clsact")
        })?;
        Some(queue.drops)
    };
    Some(of(later)?.saturating_sub(of(netns)?))
}

/// Queues that threw packets away meanwhile.
fn queues<'a>(passage: &'a Passage<'a>) -> impl Iterator<Item = Suspect> + 'a {
    let Passage {
        netns, link, later, ..
    } = *passage;
    netns
        .qdiscs
        .iter()
        .filter(|qdisc| qdisc.device == link.index)
        // What these drop, their filters drop.
        .filter(|qdisc| !matches!(qdisc.kind.as_str(), "ingress" | "clsact"))
        .filter_map(move |qdisc| {
            let now = later?.qdiscs.iter().find(|other| {
                let key = |qdisc: &Qdisc| (qdisc.device, qdisc.handle, qdisc.parent);
                key(other) == key(qdisc) && other.kind == qdisc.kind
            })?;
            let moved = now.drops.saturating_sub(qdisc.drops);
            (moved > 0).then(|| queue(passage, qdisc, moved))
        })
}

fn queue(passage: &Passage<'_>, qdisc: &Qdisc, moved: u64) -> Suspect {
    let (at, name, kind) = (&passage.hop.at, &passage.link.name, &qdisc.kind);
    let prefix = passage.prefix();
    let show = format!("{prefix}tc -s qdisc show dev {name}");
    let undo = if qdisc.parent == u32::MAX {
        format!("{prefix}tc qdisc del dev {name} root")
    } else {
        format!("{prefix}tc qdisc show dev {name}, and give it more room")
    };
    let told = passage
        .told("queue-drop")
        .what(format!("the queue ({kind}) of {name} throws packets away"))
        .show(show.clone())
        .fix(undo.clone())
        .evidence(vec![Evidence::new(
            format!("{} tc qdisc", passage.node.name),
            format!(
                "{kind} {:x}: dev {name} dropped {moved} more{}",
                qdisc.handle >> 16,
                qdisc
                    .rate_bps
                    .map_or_else(String::new, |rate| format!(", rate {rate} bit/s"))
            ),
        )]);
    Suspect {
        moved: Some(moved),
        concerns: true,
        undo: Some(undo),
        guilt: Some(Guilt::Device(Box::new(told))),
        ..Suspect::new(format!("the queue ({kind}) of {at} drops"), show)
    }
}

/// What a filter does that may keep a packet from going on; nothing if it lets all pass.
fn takes(filter: &Filter, netns: &Netns) -> Option<String> {
    if filter.direct_action {
        let program = filter.program.as_deref().unwrap_or("without a name");
        return Some(format!("the BPF program {program} decides"));
    }
    filter.actions.iter().find_map(|action| {
        let verdict = action.verdict.as_deref().unwrap_or_default();
        let to = action
            .device
            .map_or_else(|| "?".to_owned(), |device| netns.device_name(device));
        match (action.kind.as_str(), verdict) {
            ("gact", "pass" | "pipe" | "reclassify" | "continue") => None,
            ("gact", verdict) => Some(verdict.to_owned()),
            ("mirred", verdict) if verdict.starts_with("redirect") => {
                Some(format!("{verdict} {to}"))
            }
            ("mirred" | "skbedit" | "csum" | "sample" | "connmark", _) => None,
            (kind, _) => Some(kind.to_owned()),
        }
    })
}

/// What a filter's actions counted: where they drop or send elsewhere, all packets; a policer, those it dropped.
/// Nothing of a filter without actions that count.
fn counted(filter: &Filter) -> Option<u64> {
    filter
        .actions
        .iter()
        .map(|action: &Action| match action.kind.as_str() {
            "police" => action.drops,
            _ => action.packets,
        })
        .max()
}
