//! What IEEE 802.1 adds to LLDP (IEEE 802.1Q annex D).

use super::super::dissector::Dissector;
use super::super::text::{Bits, HexZeros, put};
use super::Value;
use crate::wire::bytes::Read;

impl Dissector<'_> {
    pub(super) fn lldp_bridging(&mut self, at: usize, size: usize) -> Read<Value> {
        if size < 4 {
            return Ok(Value::Done);
        }
        let subtype = self.u8(at + 3)?;
        let name = subtype_name(subtype);
        put!(
            self,
            "\n\t  ",
            name.unwrap_or("unknown"),
            " Subtype (",
            subtype,
            ")"
        );
        // Too short an element is passed over in silence.
        let least = match subtype {
            1 | 3 | 8 | 11 => 6,
            2 => 7,
            4 | 12 => 5,
            7 | 13 => 9,
            9 | 10 => 25,
            14 => 8,
            _ => return Ok(Value::Unknown),
        };
        if size < least {
            return Ok(Value::Done);
        }
        let first = self.u8(at + 4)?;
        match subtype {
            1 => put!(self, "\n\t    port vlan id (PVID): ", self.u16(at + 4)?),
            2 => {
                let names = Bits {
                    value: u32::from(first),
                    names: &[(2, "supported"), (4, "enabled")],
                    separator: ", ",
                    none: "none",
                };
                put!(
                    self,
                    "\n\t    port and protocol vlan id (PPVID): ",
                    self.u16(at + 5)?,
                    ", flags [",
                    names,
                    "] (0x",
                    HexZeros::<2>(u32::from(first)),
                    ")"
                );
            }
            3 => {
                put!(self, "\n\t    vlan id (VID): ", self.u16(at + 4)?);
                if size >= 7 {
                    let length = usize::from(self.u8(at + 6)?);
                    if size >= 7 + length {
                        put!(self, "\n\t    vlan name: ");
                        self.padded_name(at + 7, length)?;
                    }
                }
            }
            4 => {
                let length = usize::from(first);
                if size >= 5 + length {
                    put!(self, "\n\t    protocol identity: ");
                    self.padded_name(at + 5, length)?;
                }
            }
            7 => self.lldp_aggregation(at)?,
            8 => {
                put!(self, "\n\t    Pre-Priority CNPV Indicator");
                self.lldp_priority_bits(first);
                put!(self, "\n\t    Pre-Priority Ready Indicator");
                let ready = self.u8(at + 5)?;
                self.lldp_priority_bits(ready);
            }
            9 => {
                put!(
                    self,
                    "\n\t    Willing:",
                    first >> 7,
                    ", CBS:",
                    first >> 6 & 2
                );
                put!(self, ", RES:", first >> 3 & 7, ", Max TCs:", first & 7);
                self.lldp_traffic_classes(at)?;
            }
            10 => {
                put!(self, "\n\t    RES: ", first);
                self.lldp_traffic_classes(at)?;
            }
            11 => {
                put!(
                    self,
                    "\n\t    Willing: ",
                    first >> 7,
                    ", MBC: ",
                    first >> 6 & 1
                );
                put!(
                    self,
                    ", RES: ",
                    first >> 4 & 3,
                    ", PFC cap:",
                    first & 15,
                    " "
                );
                put!(self, "\n\t    PFC Enable");
                let enabled = self.u8(at + 5)?;
                self.lldp_priority_bits(enabled);
            }
            12 => self.lldp_application_priority(at, size)?,
            13 => self.lldp_virtual_bridging(at)?,
            _ => self.lldp_channels(at, size)?,
        }
        Ok(Value::Done)
    }

    pub(super) fn lldp_aggregation(&mut self, at: usize) -> Read<()> {
        let names = Bits {
            value: u32::from(self.u8(at + 4)?),
            names: &[(1, "supported"), (2, "enabled")],
            separator: ", ",
            none: "none",
        };
        let port = self.u32(at + 5)?;
        put!(
            self,
            "\n\t    aggregation status [",
            names,
            "], aggregation port ID ",
            port
        );
        Ok(())
    }

    fn lldp_priority_bits(&mut self, bits: u8) {
        put!(self, "\n\t     Priority : 0  1  2  3  4  5  6  7");
        put!(self, "\n\t     Value    : ");
        for priority in 0..8 {
            put!(self, bits >> priority & 1, "  ");
        }
    }

    /// Eight numbers in columns of three.
    fn lldp_columns(&mut self, values: [u8; 8]) {
        for (n, value) in values.into_iter().enumerate() {
            if n > 0 {
                put!(self, " ");
            }
            let padding = match value {
                0..=9 => "  ",
                10..=99 => " ",
                _ => "",
            };
            put!(self, value, padding);
        }
    }

    fn lldp_traffic_classes(&mut self, at: usize) -> Read<()> {
        put!(self, "\n\t    Priority Assignment Table");
        put!(self, "\n\t     Priority : 0   1   2   3   4   5   6   7");
        put!(self, "\n\t     Value    : ");
        let [a, b, c, d] = self.bytes.array(at + 5)?;
        self.lldp_columns([
            a >> 4,
            a & 15,
            b >> 4,
            b & 15,
            c >> 4,
            c & 15,
            d >> 4,
            d & 15,
        ]);
        put!(self, "\n\t    TC Bandwidth Table");
        put!(self, "\n\t     TC%   : 0   1   2   3   4   5   6   7");
        put!(self, "\n\t     Value : ");
        let shares = self.bytes.array(at + 9)?;
        self.lldp_columns(shares);
        put!(self, "\n\t    TSA Assignment Table");
        put!(
            self,
            "\n\t     Traffic Class: 0   1   2   3   4   5   6   7"
        );
        put!(self, "\n\t     Value        : ");
        let algorithms = self.bytes.array(at + 17)?;
        self.lldp_columns(algorithms);
        Ok(())
    }

    fn lldp_application_priority(&mut self, at: usize, size: usize) -> Read<()> {
        put!(self, "\n\t    RES: ", self.u8(at + 4)?);
        let table = size - 5;
        if table == 0 || !table.is_multiple_of(3) {
            return Ok(());
        }
        put!(self, "\n\t    Application Priority Table");
        for entry in (at + 5..at + size).step_by(3) {
            let value = self.u8(entry)?;
            put!(
                self,
                "\n\t      Priority: ",
                value >> 5,
                ", RES: ",
                value >> 3 & 3
            );
            put!(
                self,
                ", Sel: ",
                value & 7,
                ", Protocol ID: ",
                self.u16(entry + 1)?
            );
        }
        Ok(())
    }

    fn lldp_virtual_bridging(&mut self, at: usize) -> Read<()> {
        let [bridge, station, retries, mode, keep] = self.bytes.array(at + 4)?;
        put!(self, "\n\t    EVB Bridge Status");
        put!(
            self,
            "\n\t      RES: ",
            bridge >> 3,
            ", BGID: ",
            bridge >> 2 & 1
        );
        put!(self, ", RRCAP: ", bridge >> 1 & 1, ", RRCTR: ", bridge & 1);
        put!(self, "\n\t    EVB Station Status");
        put!(
            self,
            "\n\t      RES: ",
            station >> 4,
            ", SGID: ",
            station >> 3 & 1
        );
        put!(
            self,
            ", RRREQ: ",
            station >> 2 & 1,
            ",RRSTAT: ",
            station & 3
        );
        put!(
            self,
            "\n\t    R: ",
            retries >> 5,
            ", RTE: ",
            retries & 0x1f,
            ", "
        );
        let name = match mode >> 6 {
            0 => "Not Supported",
            1 => "EVB Bridge",
            2 => "EVB Station",
            _ => "Reserved for future Standardization",
        };
        put!(self, "EVB Mode: ", name, " [", mode >> 6, "]");
        put!(
            self,
            "\n\t    ROL: ",
            mode >> 5 & 1,
            ", RWD: ",
            mode & 0x1f,
            ", "
        );
        put!(
            self,
            "RES: ",
            keep >> 6,
            ", ROL: ",
            keep >> 5 & 1,
            ", RKA: ",
            keep & 0x1f
        );
        Ok(())
    }

    fn lldp_channels(&mut self, at: usize, size: usize) -> Read<()> {
        let first = self.u8(at + 4)?;
        put!(
            self,
            "\n\t    Role: ",
            first >> 7,
            ", RES: ",
            first >> 4 & 7
        );
        put!(self, ", Scomp: ", first >> 3 & 1, " ");
        put!(self, "ChnCap: ", self.u16(at + 6)? & 0x0fff);
        if (size - 8).is_multiple_of(3) {
            for channel in (at + 8..at + size).step_by(3) {
                let value = self.u24(channel)?;
                put!(
                    self,
                    "\n\t    SCID: ",
                    value >> 12,
                    ", SVID: ",
                    value & 0xfff
                );
            }
        }
        Ok(())
    }
}

fn subtype_name(subtype: u8) -> Option<&'static str> {
    Some(match subtype {
        1 => "Port VLAN Id",
        2 => "Port and Protocol VLAN ID",
        3 => "VLAN name",
        4 => "Protocol Identity",
        7 => "Link aggregation",
        8 => "Congestion Notification",
        9 => "ETS Configuration",
        10 => "ETS Recommendation",
        11 => "Priority Flow Control Configuration",
        12 => "Application Priority",
        13 => "EVB",
        14 => "CDCP",
        _ => return None,
    })
}
