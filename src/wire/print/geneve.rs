//! Geneve (RFC 8926).

use super::dissector::Dissector;
use super::text::{Bits, Hex, HexZeros, put};
use crate::wire::bytes::Read;
use crate::wire::ethernet::EtherType;

const HEADER_LENGTH: u32 = 8;

const FLAG_NAMES: [(u32, &str); 8] = [
    (0x80, "O"),
    (0x40, "C"),
    (0x20, "R1"),
    (0x10, "R2"),
    (0x08, "R3"),
    (0x04, "R4"),
    (0x02, "R5"),
    (0x01, "R6"),
];

impl Dissector<'_> {
    pub(super) fn geneve(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "geneve";
        put!(self, "Geneve");
        if length < HEADER_LENGTH {
            put!(self, " [length ", length, " < 8]");
            self.invalid();
            return Ok(());
        }
        if !self.has(at, HEADER_LENGTH as usize) {
            self.truncated();
            return Ok(());
        }
        let version_and_options = self.u8(at)?;
        let version = version_and_options >> 6;
        if version != 0 {
            put!(self, " ERROR: unknown-version ", version);
            return Ok(());
        }
        let flags = Bits {
            value: u32::from(self.u8(at + 1)?),
            names: &FLAG_NAMES,
            separator: "",
            none: "none",
        };
        let protocol = self.u16(at + 2)?;
        put!(
            self,
            ", Flags [",
            flags,
            "], vni 0x",
            Hex(self.u24(at + 4)?)
        );
        let reserved = self.u8(at + 7)?;
        if reserved != 0 {
            put!(self, ", rsvd 0x", Hex(u32::from(reserved)));
        }
        if self.options.link_header {
            let name = EtherType(protocol).name().unwrap_or("unknown");
            put!(
                self,
                ", proto ",
                name,
                " (0x",
                HexZeros::<4>(u32::from(protocol)),
                ")"
            );
        }
        let options = u32::from(version_and_options & 0x3f) * 4;
        let left = length - HEADER_LENGTH;
        if left < options {
            put!(
                self,
                " truncated-geneve - ",
                options - left,
                " bytes missing"
            );
            return Ok(());
        }
        let options_at = at + HEADER_LENGTH as usize;
        if !self.has(options_at, options as usize) {
            self.truncated();
            return Ok(());
        }
        if options > 0 {
            put!(self, ", options [");
            if self.verbose() {
                self.geneve_options(options_at, options as usize)?;
            } else {
                put!(self, options, " bytes");
            }
            put!(self, "]");
        }
        put!(self, if self.verbose() { "\n\t" } else { ": " });
        let inner = options_at + options as usize;
        let left = left - options;
        let captured = self.bytes.available(inner) as u32;
        if !self.ethertype(EtherType(protocol), inner, left, captured)? {
            if EtherType(protocol) == EtherType::TRANSPARENT_BRIDGING {
                self.ethernet(inner, left, captured)?;
            } else {
                put!(self, "geneve-proto-0x", Hex(u32::from(protocol)));
            }
        }
        Ok(())
    }

    fn geneve_options(&mut self, start: usize, length: usize) -> Read<()> {
        let mut place = 0;
        while place < length {
            if place > 0 {
                put!(self, ", ");
            }
            let at = start + place;
            let class = self.u16(at)?;
            let kind = self.u8(at + 2)?;
            let option_length = 4 + usize::from(self.u8(at + 3)? & 0x1f) * 4;
            put!(
                self,
                "class ",
                option_class(class),
                " (0x",
                Hex(u32::from(class)),
                ") type 0x",
                Hex(u32::from(kind)),
                if kind & 0x80 != 0 { "(C)" } else { "" },
                " len ",
                option_length
            );
            if option_length > length - place {
                put!(self, " [bad length]");
                return Ok(());
            }
            if self.options.verbosity > 1 && option_length > 4 {
                put!(self, " data");
                for word in (4..option_length).step_by(4) {
                    put!(self, " ", HexZeros::<8>(self.u32(at + word)?));
                }
            }
            place += option_length;
        }
        Ok(())
    }
}

fn option_class(class: u16) -> &'static str {
    match class {
        0x0100 => "Linux",
        0x0101 => "Open vSwitch",
        0x0102 => "Open Virtual Networking (OVN)",
        0x0103 => "In-band Network Telemetry (INT)",
        0x0104 => "VMware",
        0..=0x00ff => "Standard",
        0xfff0.. => "Experimental",
        _ => "Unknown",
    }
}
