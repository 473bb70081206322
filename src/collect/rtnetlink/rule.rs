//! Policy rules (`RTM_GETRULE`).

use ipnet::IpNet;
use plugin_core::netlink::Socket;

use super::{INET, INET6, Message, tables};
use crate::collect::attributes::{Attributes, Value};
use crate::model::route::Protocol;
use crate::model::rule::{Family, RuleAction};
use crate::model::{Rule, Table, TableId};

const RTM_GETRULE: u16 = 34;
/// `struct fib_rule_hdr`.
const HEADER: usize = 12;

const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_GOTO: u16 = 4;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_FLOW: u16 = 11;
const FRA_TUN_ID: u16 = 12;
const FRA_SUPPRESS_IFGROUP: u16 = 13;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_PAD: u16 = 18;
const FRA_L3MDEV: u16 = 19;
const FRA_UID_RANGE: u16 = 20;
const FRA_PROTOCOL: u16 = 21;
const FRA_IP_PROTO: u16 = 22;
const FRA_SPORT_RANGE: u16 = 23;
const FRA_DPORT_RANGE: u16 = 24;
const FRA_DSCP: u16 = 25;
const FRA_SPORT_MASK: u16 = 28;
const FRA_DPORT_MASK: u16 = 29;
const FRA_DSCP_MASK: u16 = 30;

const FIB_RULE_INVERT: u32 = 2;

/// The rules of both families, in the order they are asked.
pub(in crate::collect) fn read(socket: &mut Socket) -> Table<Rule> {
    let request = |family| {
        let mut header = [0; HEADER];
        header[0] = family;
        Message::new(RTM_GETRULE, header)
    };
    tables(socket, &[request(INET), request(INET6)], decode)
}

fn decode(payload: &[u8]) -> Option<Rule> {
    let &[family, dst_len, src_len, tos, table, _, _, action] = payload.get(..8)? else {
        return None;
    };
    let flags = Value(payload).u32_in(8)?;
    let mut table = TableId(u32::from(table));
    let mut goto = 0;
    let family = match family {
        INET => Family::Inet,
        INET6 => Family::Inet6,
        _ => return None,
    };
    let mut rule = Rule {
        invert: flags & FIB_RULE_INVERT != 0,
        tos,
        protocol: Protocol::UNSPEC,
        ..Rule::for_all(family, 0, RuleAction::Nop)
    };
    for (kind, value) in Attributes::behind(payload, HEADER) {
        match kind {
            FRA_DST => rule.to = value.ip().and_then(|ip| IpNet::new(ip, dst_len).ok()),
            FRA_SRC => rule.from = value.ip().and_then(|ip| IpNet::new(ip, src_len).ok()),
            FRA_IIFNAME => rule.iif = Some(value.text()),
            FRA_OIFNAME => rule.oif = Some(value.text()),
            FRA_GOTO => goto = value.u32()?,
            FRA_PRIORITY => rule.priority = value.u32()?,
            FRA_FWMARK => rule.fwmark = value.u32(),
            FRA_FWMASK => rule.fwmask = value.u32(),
            FRA_TUN_ID => rule.tunnel_id = value.be64(),
            FRA_TABLE => table = TableId(value.u32()?),
            FRA_L3MDEV => rule.l3mdev = value.flag(),
            FRA_UID_RANGE => rule.uids = value.u32_in(0).zip(value.u32_in(4)),
            FRA_PROTOCOL => rule.protocol = Protocol(value.u8()?),
            FRA_IP_PROTO => rule.ip_protocol = value.u8(),
            FRA_SPORT_RANGE => rule.source_ports = value.u16_in(0).zip(value.u16_in(2)),
            FRA_DPORT_RANGE => rule.destination_ports = value.u16_in(0).zip(value.u16_in(2)),
            // Six bits of what `tos` matches with eight.
            FRA_DSCP => rule.tos = value.u8()? << 2,
            // -1 means off.
            FRA_SUPPRESS_PREFIXLEN => {
                rule.suppress_prefixlen = value.u32().filter(|v| *v != u32::MAX);
            }
            FRA_SUPPRESS_IFGROUP => rule.suppress_ifgroup = value.u32().filter(|v| *v != u32::MAX),
            // Since Linux 6.15 one port, and a DSCP, come with a mask; the whole of it says nothing.
            FRA_SPORT_MASK | FRA_DPORT_MASK if value.u16_in(0) == Some(u16::MAX) => {}
            FRA_DSCP_MASK if value.u8() == Some(0x3f) => {}
            FRA_FLOW | FRA_PAD => {}
            _ => rule.unknown_match = true,
        }
    }
    // FR_ACT_* of linux/fib_rules.h.
    rule.action = match action {
        1 => RuleAction::Lookup(table),
        2 => RuleAction::Goto(goto),
        3 => RuleAction::Nop,
        6 => RuleAction::Blackhole,
        7 => RuleAction::Unreachable,
        8 => RuleAction::Prohibit,
        _ => return None,
    };
    Some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::attributes::Writer;
    use crate::model::notation;

    #[test]
    fn rules_read_as_ip_prints_them() {
        let bytes = Writer::behind(&[2, 0, 24, 0, 100, 0, 0, 1, 2, 0, 0, 0])
            .put_u32(FRA_TABLE, 1000)
            .put_u32(FRA_PRIORITY, 99)
            .put(FRA_SRC, &[10, 1, 2, 0])
            .put_u32(FRA_FWMARK, 0x8000)
            .put_u32(FRA_FWMASK, 0xff00)
            .put(FRA_IIFNAME, b"eth0\0")
            .put_u32(FRA_SUPPRESS_PREFIXLEN, u32::MAX)
            .0;
        let rule = decode(&bytes).unwrap();
        assert_eq!(
            notation::rule(&rule),
            "99: not from 10.1.2.0/24 fwmark 0x8000/0xff00 iif eth0 lookup 1000"
        );
        assert!(!rule.unknown_match);
    }

    #[test]
    fn a_whole_mask_says_nothing_and_a_part_is_not_understood() {
        let with = |mask: u16| {
            let bytes = Writer::behind(&[2, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0])
                .put_u32(FRA_PRIORITY, 50)
                .put(FRA_DPORT_RANGE, &[0xe9, 0x14, 0xe9, 0x14])
                .put(FRA_DPORT_MASK, &mask.to_ne_bytes())
                .0;
            decode(&bytes).unwrap()
        };
        let whole = with(u16::MAX);
        assert_eq!(notation::rule(&whole), "50: from all dport 5353 blackhole");
        assert!(!whole.unknown_match && with(0xff00).unknown_match);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let bytes = Writer::behind(&[10, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0])
            .put(99, &[1])
            .0;
        assert!(decode(&bytes).unwrap().unknown_match);
    }
}
