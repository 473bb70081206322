//! Slow protocols (IEEE 802.3 annex 57A): link aggregation and its markers (IEEE 802.1AX). Of others, OAM among
//! them, no more than name and length.

use super::dissector::Dissector;
use super::text::{Bits, HexZeros, put};
use crate::wire::bytes::Read;

const AGGREGATION: u8 = 1;
const MARKER: u8 = 2;
const OAM: u8 = 3;
/// Octets of a part's head: kind and length.
const HEADER: u32 = 2;

const STATES: [(u32, &str); 8] = [
    (0x01, "Activity"),
    (0x02, "Timeout"),
    (0x04, "Aggregation"),
    (0x08, "Synchronization"),
    (0x10, "Collecting"),
    (0x20, "Distributing"),
    (0x40, "Default"),
    (0x80, "Expired"),
];

impl Dissector<'_> {
    pub(super) fn slow(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "slow";
        if length < 1 {
            self.slow_too_short();
            return Ok(());
        }
        let kind = self.u8(at)?;
        let name = match kind {
            AGGREGATION => "LACP",
            MARKER => "MARKER",
            OAM => "OAM",
            _ => {
                put!(self, "unknown (", kind, "), length ", length);
                self.unknown_data("\n\t", at, length as usize);
                return Ok(());
            }
        };
        if kind == OAM {
            put!(self, name, ", length ", length);
            return Ok(());
        }
        if length < 2 {
            self.slow_too_short();
            return Ok(());
        }
        let version = self.u8(at + 1)?;
        if version != 1 {
            put!(self, name, " version ", version, " packet not supported");
            return Ok(());
        }
        put!(self, name, "v1, length ", length);
        if self.verbose() {
            self.slow_parts(kind, at + 2, length - 2)?;
        }
        Ok(())
    }

    fn slow_too_short(&mut self) {
        let lead = if self.verbose() { "\n\t\t " } else { " (" };
        let end = if self.verbose() { "" } else { ")" };
        put!(self, lead, "packet is too short", end);
    }

    fn slow_parts(&mut self, protocol: u8, at: usize, length: u32) -> Read<()> {
        let (mut at, mut left) = (at, length);
        while left > 0 {
            if left < HEADER {
                self.slow_too_short();
                break;
            }
            let (kind, octets) = (self.u8(at)?, u32::from(self.u8(at + 1)?));
            let (name, expected) = match (protocol, kind) {
                (_, 0) => ("Terminator", octets),
                (AGGREGATION, 1) => ("Actor Information", 20),
                (AGGREGATION, 2) => ("Partner Information", 20),
                (AGGREGATION, 3) => ("Collector Information", 16),
                (MARKER, 1) => ("Marker Information", 16),
                _ => ("Unknown", octets),
            };
            let number = HexZeros::<2>(u32::from(kind));
            put!(self, "\n\t", name, " TLV (0x", number, "), length ", octets);
            if kind == 0 {
                break;
            }
            if octets < HEADER {
                put!(self, "\n\t    ERROR: illegal length - should be >= 2");
                break;
            }
            if left < octets {
                self.slow_too_short();
                break;
            }
            if !self.has(at, octets as usize) {
                self.truncated();
                break;
            }
            let (value, rest) = (at + HEADER as usize, (octets - HEADER) as usize);
            if octets != expected {
                put!(self, "\n\t    ERROR: illegal length - should be ", expected);
            } else {
                match (protocol, kind) {
                    (AGGREGATION, 1 | 2) => self.slow_port(value)?,
                    (AGGREGATION, 3) => put!(self, "\n\t  Max Delay ", self.u16(value)?),
                    (MARKER, 1) => put!(
                        self,
                        "\n\t  Request System ",
                        self.mac(value + 2)?,
                        ", Request Port ",
                        self.u16(value)?,
                        ", Request Transaction ID 0x",
                        HexZeros::<8>(self.u32(value + 8)?)
                    ),
                    _ if self.options.verbosity <= 1 => self.unknown_data("\n\t  ", value, rest),
                    _ => {}
                }
            }
            if self.options.verbosity > 1 {
                self.unknown_data("\n\t  ", value, rest);
            }
            at += octets as usize;
            left -= octets;
        }
        Ok(())
    }

    /// A port of an aggregation, and what its end makes of it.
    fn slow_port(&mut self, at: usize) -> Read<()> {
        let state = Bits {
            value: u32::from(self.u8(at + 14)?),
            names: &STATES,
            separator: ", ",
            none: "none",
        };
        put!(
            self,
            "\n\t  System ",
            self.mac(at + 2)?,
            ", System Priority ",
            self.u16(at)?,
            ", Key ",
            self.u16(at + 8)?
        );
        put!(
            self,
            ", Port ",
            self.u16(at + 12)?,
            ", Port Priority ",
            self.u16(at + 10)?,
            "\n\t  State Flags [",
            state,
            "]"
        );
        Ok(())
    }
}
