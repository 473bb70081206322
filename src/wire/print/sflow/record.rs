//! What sFlow's samples hold: counters of interfaces, and what is known of a packet.

use super::{Invalid, Rest};
use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::put;

/// How wide a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wide {
    /// Four octets.
    U32,
    /// Eight octets.
    U64,
}
use Wide::{U32, U64};

/// What is printed of a record: each number behind its title, one after the other from the start.
type Numbers = &'static [(&'static str, Wide)];

const ETHERNET: Numbers = &[
    ("\n\t      align errors ", U32),
    (", fcs errors ", U32),
    (", single collision ", U32),
    (", multiple collision ", U32),
    (", test error ", U32),
    ("\n\t      deferred ", U32),
    (", late collision ", U32),
    (", excessive collision ", U32),
    (", mac trans error ", U32),
    ("\n\t      carrier error ", U32),
    (", frames too long ", U32),
    (", mac receive errors ", U32),
    (", symbol errors ", U32),
];
const BASE_VG: Numbers = &[
    ("\n\t      in high prio frames ", U32),
    (", in high prio octets ", U64),
    ("\n\t      in norm prio frames ", U32),
    (", in norm prio octets ", U64),
    ("\n\t      in ipm errors ", U32),
    (", oversized ", U32),
    (", in data errors ", U32),
    (", null addressed frames ", U32),
    ("\n\t      out high prio frames ", U32),
    (", out high prio octets ", U64),
    (", trans into frames ", U32),
    ("\n\t      in hc high prio octets ", U64),
    (", in hc norm prio octets ", U64),
    (", out hc high prio octets ", U64),
];
const VLAN: Numbers = &[
    ("\n\t      vlan_id ", U32),
    (", octets ", U64),
    (", unicast_pkt ", U32),
    (", multicast_pkt ", U32),
    (", broadcast_pkt ", U32),
    (", discards ", U32),
];
/// tcpdump calls the free memory the total one too.
const PROCESSOR: Numbers = &[
    ("\n\t      5sec ", U32),
    (", 1min ", U32),
    (", 5min ", U32),
    (", total_mem ", U64),
    (", total_mem ", U64),
];
const SWITCH: Numbers = &[
    ("\n\t      src vlan ", U32),
    (", src pri ", U32),
    (", dst vlan ", U32),
    (", dst pri ", U32),
];
/// What follows an interface's state.
const TRAFFIC: Numbers = &[
    ("\n\t      In octets ", U64),
    (", unicast pkts ", U32),
    (", multicast pkts ", U32),
    (", broadcast pkts ", U32),
    (", discards ", U32),
    ("\n\t      In errors ", U32),
    (", unknown protos ", U32),
    ("\n\t      Out octets ", U64),
    (", unicast pkts ", U32),
    (", multicast pkts ", U32),
    (", broadcast pkts ", U32),
    (", discards ", U32),
    ("\n\t      Out errors ", U32),
    (", promisc mode ", U32),
];
/// Octets of an interface's counters in front of its traffic.
const STATE: usize = 24;

fn octets(numbers: Numbers) -> usize {
    let wide = |&(_, wide): &(&str, Wide)| if wide == U32 { 4 } else { 8 };
    numbers.iter().map(wide).sum()
}

impl Dissector<'_> {
    pub(super) fn sflow_records(
        &mut self,
        mut rest: Rest,
        count: u32,
        flow: bool,
    ) -> Read<Result<(), Invalid>> {
        for _ in 0..count {
            if rest.left < 8 {
                return Ok(Err(Invalid));
            }
            let format = self.u32(rest.at)?;
            let length = self.u32(rest.at + 4)?;
            let kind = format & 0xfff;
            let (enterprise, name, comma) = if flow {
                (format >> 12, flow_name(kind), "")
            } else {
                (format >> 20, counter_name(kind), ",")
            };
            let name = name.filter(|_| enterprise == 0).unwrap_or("Unknown");
            put!(self, "\n\t    enterprise ", enterprise, comma, " ");
            put!(self, name, " (", kind, ") length ", length);
            rest.pass(8);
            if rest.left < length {
                return Ok(Err(Invalid));
            }
            if enterprise == 0 {
                let record = if flow {
                    self.sflow_flow(kind, rest, length)?
                } else {
                    self.sflow_counter(kind, rest, length)?
                };
                if record.is_err() {
                    return Ok(record);
                }
            }
            rest.pass(length);
        }
        Ok(Ok(()))
    }

    fn sflow_counter(&mut self, kind: u32, rest: Rest, length: u32) -> Read<Result<(), Invalid>> {
        match kind {
            1 => self.sflow_interface(rest),
            2 => self.sflow_numbers(rest, ETHERNET),
            3 => Ok(Ok(())),
            4 => self.sflow_numbers(rest, BASE_VG),
            5 => self.sflow_numbers(rest, VLAN),
            1001 => self.sflow_numbers(rest, PROCESSOR),
            _ => {
                self.sflow_unknown(rest, length);
                Ok(Ok(()))
            }
        }
    }

    fn sflow_flow(&mut self, kind: u32, rest: Rest, length: u32) -> Read<Result<(), Invalid>> {
        match kind {
            1 => {
                if rest.left < 16 {
                    return Ok(Err(Invalid));
                }
                let protocol = self.u32(rest.at)?;
                let name = match protocol {
                    1 => "Ethernet",
                    11 => "IPv4",
                    12 => "IPv6",
                    _ => "Unknown",
                };
                put!(
                    self,
                    "\n\t      protocol ",
                    name,
                    " (",
                    protocol,
                    "), length ",
                    self.u32(rest.at + 4)?,
                    ", stripped bytes ",
                    self.u32(rest.at + 8)?,
                    ", header_size ",
                    self.u32(rest.at + 12)?
                );
                Ok(Ok(()))
            }
            2 => {
                if rest.left < 24 {
                    return Ok(Err(Invalid));
                }
                put!(
                    self,
                    "\n\t      frame len ",
                    self.u32(rest.at)?,
                    ", type ",
                    self.u32(rest.at + 20)?
                );
                Ok(Ok(()))
            }
            1001 => self.sflow_numbers(rest, SWITCH),
            _ => {
                if flow_name(kind).is_none() {
                    self.sflow_unknown(rest, length);
                }
                Ok(Ok(()))
            }
        }
    }

    fn sflow_unknown(&mut self, rest: Rest, length: u32) {
        if self.options.verbosity <= 1 {
            self.unknown_data("\n\t\t", rest.at, length as usize);
        }
    }

    fn sflow_interface(&mut self, rest: Rest) -> Read<Result<(), Invalid>> {
        let traffic = Rest {
            at: rest.at + STATE,
            left: rest.left.saturating_sub(STATE as u32),
        };
        if (traffic.left as usize) < octets(TRAFFIC) {
            return Ok(Err(Invalid));
        }
        let at = rest.at;
        let direction = self.u32(at + 16)?;
        let name = match direction {
            0 => "unknown",
            1 => "full-duplex",
            2 => "half-duplex",
            3 => "in",
            4 => "out",
            _ => "Unknown",
        };
        put!(
            self,
            "\n\t      ifindex ",
            self.u32(at)?,
            ", iftype ",
            self.u32(at + 4)?,
            ", ifspeed ",
            self.bytes.u64(at + 8)?,
            ", ifdirection ",
            direction,
            " (",
            name,
            ")"
        );
        let status = self.u32(at + 20)?;
        let is_up = |bit: u32| if status & bit != 0 { "up" } else { "down" };
        put!(
            self,
            "\n\t      ifstatus ",
            status,
            ", adminstatus: ",
            is_up(1),
            ", operstatus: ",
            is_up(2)
        );
        self.sflow_numbers(traffic, TRAFFIC)
    }

    fn sflow_numbers(&mut self, rest: Rest, numbers: Numbers) -> Read<Result<(), Invalid>> {
        if (rest.left as usize) < octets(numbers) {
            return Ok(Err(Invalid));
        }
        let mut at = rest.at;
        let mut line = self.out.len();
        for &(title, wide) in numbers {
            if title.starts_with('\n') {
                line = self.out.len();
            }
            let number = if wide == U32 {
                self.u32(at).map(u64::from)
            } else {
                self.bytes.u64(at)
            };
            match number {
                Ok(number) => put!(self, title, number),
                Err(cut) => {
                    // A line is there as a whole or not at all.
                    self.out.truncate(line);
                    return Err(cut);
                }
            }
            at += if wide == U32 { 4 } else { 8 };
        }
        Ok(Ok(()))
    }
}

fn counter_name(kind: u32) -> Option<&'static str> {
    Some(match kind {
        1 => "Generic counter",
        2 => "Ethernet counter",
        3 => "Token ring counter",
        4 => "100 BaseVG counter",
        5 => "Vlan counter",
        1001 => "Processor counter",
        _ => return None,
    })
}

fn flow_name(kind: u32) -> Option<&'static str> {
    Some(match kind {
        1 => "Raw packet",
        2 => "Ethernet frame",
        3 => "IPv4 Data",
        4 => "IPv6 Data",
        1001 => "Extended Switch data",
        1002 => "Extended Router data",
        1003 => "Extended Gateway data",
        1004 => "Extended User data",
        1005 => "Extended URL data",
        1006 => "Extended MPLS data",
        1007 => "Extended NAT data",
        1008 => "Extended MPLS tunnel",
        1009 => "Extended MPLS VC",
        1010 => "Extended MPLS FEC",
        1011 => "Extended MPLS LVP FEC",
        1012 => "Extended VLAN Tunnel",
        _ => return None,
    })
}
