//! DHCP for IPv4 (RFC 2131) and its ancestor BOOTP (RFC 951).

mod option;

use super::dissector::Dissector;
use super::text::{Bits, Hex, HexZeros, put};
use crate::wire::bytes::Read;

/// What begins a list of options (RFC 2132 section 2).
const MAGIC_COOKIE: u32 = 0x6382_5363;

impl Dissector<'_> {
    pub(super) fn bootp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "bootp";
        let operation = self.u8(at)?;
        match operation {
            1 => put!(self, "BOOTP/DHCP, Request"),
            2 => put!(self, "BOOTP/DHCP, Reply"),
            _ => {
                let digits = HexZeros::<2>(u32::from(operation));
                put!(self, "BOOTP/DHCP, unknown (0x", digits, ")");
            }
        }
        let hardware = self.u8(at + 1)?;
        let hardware_length = self.u8(at + 2)?;
        let ethernet = hardware == 1 && hardware_length == 6;
        if ethernet && operation == 1 {
            put!(self, " from ", self.mac(at + 28)?);
        }
        put!(self, ", length ", length);
        if !self.verbose() {
            return Ok(());
        }
        if !self.has(at + 8, 2) {
            self.truncated();
            return Ok(());
        }
        if hardware != 1 {
            put!(self, ", htype ", hardware);
        }
        if !ethernet {
            put!(self, ", hlen ", hardware_length);
        }
        let hops = self.u8(at + 3)?;
        if hops != 0 {
            put!(self, ", hops ", hops);
        }
        let transaction = self.u32(at + 4)?;
        if transaction != 0 {
            put!(self, ", xid 0x", Hex(transaction));
        }
        let seconds = self.u16(at + 8)?;
        if seconds != 0 {
            put!(self, ", secs ", seconds);
        }
        let flags = u32::from(self.u16(at + 10)?);
        let names = Bits {
            value: flags,
            names: &[(0x8000, "Broadcast")],
            separator: ", ",
            none: "none",
        };
        put!(self, ", Flags [", names, "]");
        if self.options.verbosity > 1 {
            put!(self, " (0x", HexZeros::<4>(flags), ")");
        }
        for (title, place) in [
            ("\n\t  Client-IP ", 12),
            ("\n\t  Your-IP ", 16),
            ("\n\t  Server-IP ", 20),
            ("\n\t  Gateway-IP ", 24),
        ] {
            if self.u32(at + place)? != 0 {
                put!(self, title, self.v4(at + place)?);
            }
        }
        if ethernet {
            put!(self, "\n\t  Client-Ethernet-Address ", self.mac(at + 28)?);
        }
        for (title, place, size) in [("\n\t  sname \"", 44, 64), ("\n\t  file \"", 108, 128)] {
            if self.u8(at + place)? == 0 {
                continue;
            }
            put!(self, title);
            let ended = self.terminated_name(at + place, size);
            put!(self, "\"");
            if !ended {
                self.truncated();
                return Ok(());
            }
        }
        let vendor = at + 236;
        if !self.has(vendor, 4) {
            self.truncated();
            return Ok(());
        }
        match self.u32(vendor)? {
            MAGIC_COOKIE => self.dhcp_options(vendor)?,
            0 => {}
            other => put!(self, "\n\t  Vendor-#0x", Hex(other)),
        }
        Ok(())
    }

    /// A name that a zero octet ends; answers false if none does.
    fn terminated_name(&mut self, at: usize, size: usize) -> bool {
        let field = self.bytes.rest(at, size);
        let end = field.iter().position(|&octet| octet == 0);
        let name = field.get(..end.unwrap_or(field.len())).unwrap_or_default();
        self.escaped(name);
        end.is_some()
    }
}
