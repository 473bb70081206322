//! Queues and filters (`RTM_GETQDISC`, `RTM_GETTFILTER`).

use plugin_core::netlink::Socket;

use super::{Message, table, tables};
use crate::collect::attributes::{Attributes, Value};
use crate::model::tc::{Action, Filter, Qdisc};
use crate::model::{IfIndex, Table};

const RTM_GETQDISC: u16 = 38;
const RTM_GETTFILTER: u16 = 46;
/// `struct tcmsg`: family, padding, index, handle, parent, info.
const HEADER: usize = 20;

const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_STATS2: u16 = 7;
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;
const TCA_STATS_PKT64: u16 = 8;

const TCA_TBF_PARMS: u16 = 1;
const TCA_TBF_RATE64: u16 = 4;
const TCA_TBF_BURST: u16 = 6;

const TCA_BPF_ACT: u16 = 1;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
const TCA_U32_ACT: u16 = 7;
const TCA_FLOWER_ACT: u16 = 3;
const TCA_MATCHALL_ACT: u16 = 2;
const TCA_ACT_KIND: u16 = 1;
const TCA_ACT_OPTIONS: u16 = 2;
const TCA_ACT_STATS: u16 = 4;
const TCA_MIRRED_PARMS: u16 = 2;
const TCA_GACT_PARMS: u16 = 2;

/// What a filter hangs below: `TC_H_ROOT`, `TC_H_INGRESS`, and both sides of clsact.
const ROOT: u32 = 0xffff_ffff;
pub(in crate::collect) const CLSACT_INGRESS: u32 = 0xffff_fff2;
pub(in crate::collect) const CLSACT_EGRESS: u32 = 0xffff_fff3;
/// The handle of an `ingress` or `clsact` queue, below which `ingress` has its filters.
const INGRESS_HANDLE: u32 = 0xffff_0000;

/// The queues of all devices.
pub(in crate::collect) fn read_qdiscs(socket: &mut Socket) -> Table<Qdisc> {
    table(
        socket,
        &Message::new(RTM_GETQDISC, [0; HEADER]),
        decode_qdisc,
    )
}

fn decode_qdisc(payload: &[u8]) -> Option<Qdisc> {
    let mut qdisc = Qdisc {
        device: IfIndex(Value(payload).u32_in(4)?),
        kind: String::new(),
        handle: Value(payload).u32_in(8)?,
        parent: Value(payload).u32_in(12)?,
        rate_bps: None,
        burst_bytes: None,
        bytes: 0,
        packets: 0,
        drops: 0,
        overlimits: 0,
        backlog_bytes: 0,
    };
    let mut options = None;
    for (kind, value) in Attributes::behind(payload, HEADER) {
        match kind {
            TCA_KIND => qdisc.kind = value.text(),
            TCA_OPTIONS => options = Some(value.nested()),
            TCA_STATS2 => {
                for (kind, value) in value.nested() {
                    match kind {
                        // struct gnet_stats_basic: octets (64 bits), packets (32 bits).
                        TCA_STATS_BASIC => {
                            qdisc.bytes = value.u64_at(0).unwrap_or_default();
                            if qdisc.packets == 0 {
                                qdisc.packets = value.u32_in(8).map(u64::from).unwrap_or_default();
                            }
                        }
                        TCA_STATS_PKT64 => qdisc.packets = value.u64().unwrap_or_default(),
                        // struct gnet_stats_queue: length, backlog, drops, requeues, overlimits.
                        TCA_STATS_QUEUE => {
                            qdisc.backlog_bytes = value.u32_in(4).unwrap_or_default();
                            qdisc.drops = value.u32_in(8).map(u64::from).unwrap_or_default();
                            qdisc.overlimits = value.u32_in(16).map(u64::from).unwrap_or_default();
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if let (Some(options), "tbf") = (options, qdisc.kind.as_str()) {
        // struct tc_ratespec is 12 octets with the rate, octets a second, at its end.
        let mut rate = options
            .get(TCA_TBF_PARMS)
            .and_then(|parms| parms.u32_in(8))
            .map(u64::from);
        if let Some(wide) = options.get(TCA_TBF_RATE64).and_then(Value::u64) {
            rate = Some(wide);
        }
        qdisc.rate_bps = rate.map(|octets| octets * 8);
        qdisc.burst_bytes = options.get(TCA_TBF_BURST).and_then(Value::u32);
    }
    Some(qdisc)
}

/// The filters that hang below these queues.
pub(in crate::collect) fn read_filters(
    socket: &mut Socket,
    qdiscs: &Table<Qdisc>,
) -> Table<Filter> {
    if qdiscs.doubt().is_some() && qdiscs.rows.is_empty() {
        return Table::unavailable("the queues could not be read");
    }
    let requests: Vec<_> = qdiscs
        .iter()
        .flat_map(|qdisc| {
            let parents: &[u32] = match qdisc.kind.as_str() {
                "clsact" => &[CLSACT_INGRESS, CLSACT_EGRESS],
                "ingress" => &[INGRESS_HANDLE],
                // Queues without classes take no filters.
                "noqueue" | "pfifo_fast" | "tbf" | "mq" => &[],
                _ if qdisc.handle == 0 => &[ROOT],
                _ => std::slice::from_ref(&qdisc.handle),
            };
            parents
                .iter()
                .map(|parent| filter_request(qdisc.device, *parent))
        })
        .collect();
    tables(socket, &requests, decode_filter)
}

/// The filters that see what arrives at a device. Which queue they hang below need not be known.
pub(in crate::collect) fn read_ingress(socket: &mut Socket, device: IfIndex) -> Table<Filter> {
    let below =
        |socket: &mut Socket, parent| table(socket, &filter_request(device, parent), decode_filter);
    // `ingress` answers by any class of its own, `clsact` by those of its two sides only
    // (net/sched/sch_ingress.c, ingress_find and clsact_find).
    let ingress = below(socket, INGRESS_HANDLE);
    if ingress.rows.is_empty() && ingress.is_complete() {
        below(socket, CLSACT_INGRESS)
    } else {
        ingress
    }
}

fn filter_request(device: IfIndex, parent: u32) -> Message {
    let mut header = [0; HEADER];
    header[4..8].copy_from_slice(&device.0.to_ne_bytes());
    header[12..16].copy_from_slice(&parent.to_ne_bytes());
    Message::new(RTM_GETTFILTER, header)
}

fn decode_filter(payload: &[u8]) -> Option<Filter> {
    let info = Value(payload).u32_in(16)?;
    let mut options = None;
    let mut filter = Filter {
        device: IfIndex(Value(payload).u32_in(4)?),
        parent: Value(payload).u32_in(12)?,
        kind: String::new(),
        // TC_H_MAKE(priority, protocol in network byte order).
        priority: (info >> 16) as u16,
        protocol: u16::from_be(info as u16),
        handle: Value(payload).u32_in(8)?,
        program: None,
        direct_action: false,
        actions: Vec::new(),
    };
    for (kind, value) in Attributes::behind(payload, HEADER) {
        match kind {
            TCA_KIND => filter.kind = value.text(),
            TCA_OPTIONS => options = Some(value.nested()),
            _ => {}
        }
    }
    // A message without a handle stands for the priority, not for a filter.
    let options = options?;
    let list = match filter.kind.as_str() {
        "bpf" => {
            filter.program = options.get(TCA_BPF_NAME).map(Value::text);
            filter.direct_action = options
                .get(TCA_BPF_FLAGS)
                .and_then(Value::u32)
                .unwrap_or_default()
                & 1
                != 0;
            TCA_BPF_ACT
        }
        "u32" => TCA_U32_ACT,
        "flower" => TCA_FLOWER_ACT,
        "matchall" => TCA_MATCHALL_ACT,
        _ => return Some(filter),
    };
    if let Some(actions) = options.get(list) {
        filter.actions = actions
            .nested()
            .map(|(_, action)| decode_action(action))
            .collect();
    }
    // u32 dumps its hash tables too; they match nothing by themselves.
    if filter.kind == "u32" && filter.handle & 0xfff == 0 {
        return None;
    }
    Some(filter)
}

fn decode_action(value: Value<'_>) -> Action {
    let attributes = value.nested();
    let mut action = Action {
        kind: attributes
            .get(TCA_ACT_KIND)
            .map(Value::text)
            .unwrap_or_default(),
        device: None,
        verdict: None,
        packets: 0,
        drops: 0,
    };
    for (kind, value) in attributes
        .get(TCA_ACT_STATS)
        .into_iter()
        .flat_map(Value::nested)
    {
        match kind {
            TCA_STATS_BASIC => {
                action.packets = value.u32_in(8).map(u64::from).unwrap_or_default();
            }
            TCA_STATS_QUEUE => {
                action.drops = value.u32_in(8).map(u64::from).unwrap_or_default();
            }
            _ => {}
        }
    }
    let Some(options) = attributes.get(TCA_ACT_OPTIONS).map(Value::nested) else {
        return action;
    };
    // Both begin with struct tc_gen: index, capab, action, refcnt, bindcnt.
    match action.kind.as_str() {
        "mirred" => {
            if let Some(parms) = options.get(TCA_MIRRED_PARMS) {
                action.verdict = parms.u32_in(20).map(|what| {
                    match what {
                        1 => "redirect to egress",
                        2 => "mirror to egress",
                        3 => "redirect to ingress",
                        4 => "mirror to ingress",
                        _ => "unknown",
                    }
                    .to_owned()
                });
                action.device = parms.u32_in(24).map(IfIndex);
            }
        }
        "gact" => {
            action.verdict = options
                .get(TCA_GACT_PARMS)
                .and_then(|parms| parms.u32_in(8))
                .map(|what| {
                    match what {
                        0 => "pass",
                        1 => "reclassify",
                        2 => "drop",
                        3 => "pipe",
                        _ => "unknown",
                    }
                    .to_owned()
                });
        }
        _ => {}
    }
    action
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::attributes::Writer;

    fn header(handle: u32, parent: u32, info: u32) -> Vec<u8> {
        let mut header = vec![0; HEADER];
        header[4] = 7;
        header[8..12].copy_from_slice(&handle.to_ne_bytes());
        header[12..16].copy_from_slice(&parent.to_ne_bytes());
        header[16..20].copy_from_slice(&info.to_ne_bytes());
        header
    }

    #[test]
    fn a_shaper() {
        let mut parms = vec![0; 36];
        parms[8..12].copy_from_slice(&1_250_000_u32.to_ne_bytes());
        let mut queue = vec![0; 20];
        queue[8] = 3;
        let bytes = Writer::behind(&header(0x1_0000, ROOT, 2))
            .put(TCA_KIND, b"tbf\0")
            .nest(
                TCA_OPTIONS,
                Writer::default()
                    .put(TCA_TBF_PARMS, &parms)
                    .put_u32(TCA_TBF_BURST, 4000),
            )
            .nest(TCA_STATS2, Writer::default().put(TCA_STATS_QUEUE, &queue))
            .0;
        let qdisc = decode_qdisc(&bytes).unwrap();
        assert_eq!(qdisc.rate_bps, Some(10_000_000));
        assert_eq!((qdisc.burst_bytes, qdisc.drops), (Some(4000), 3));
    }

    #[test]
    fn a_filter_that_sends_packets_elsewhere() {
        let mut parms = vec![0; 28];
        parms[20] = 1;
        parms[24] = 12;
        let action = Writer::default().put(TCA_ACT_KIND, b"mirred\0").nest(
            TCA_ACT_OPTIONS,
            Writer::default().put(TCA_MIRRED_PARMS, &parms),
        );
        let bytes = Writer::behind(&header(0x8000_0800, 0xffff_0000, 49152 << 16 | 0x0300))
            .put(TCA_KIND, b"u32\0")
            .nest(
                TCA_OPTIONS,
                Writer::default().nest(TCA_U32_ACT, Writer::default().nest(1, action)),
            )
            .0;
        let filter = decode_filter(&bytes).unwrap();
        assert_eq!((filter.priority, filter.protocol), (49152, 3));
        assert_eq!(filter.actions[0].device, Some(IfIndex(12)));
        assert_eq!(
            filter.actions[0].verdict.as_deref(),
            Some("redirect to egress")
        );
    }
}
