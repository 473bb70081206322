//! Signalling over SCTP: MTP3 user adaptation (RFC 4666).

use super::super::dissector::Dissector;
use super::super::text::{HexZeros, put};
use crate::wire::bytes::Read;

const HEADER_LENGTH: usize = 8;

impl Dissector<'_> {
    pub(super) fn m3ua(&mut self, at: usize, size: usize) -> Read<()> {
        self.protocol = "m3ua";
        if size < HEADER_LENGTH {
            self.invalid();
            return self.must_have(at, size as u32);
        }
        self.must_have(at, HEADER_LENGTH as u32)?;
        if self.u8(at)? != 1 {
            return Ok(());
        }
        let class = self.u8(at + 2)?;
        let kind = self.u8(at + 3)?;
        match class {
            0 => put!(self, "\n\t\tManagement"),
            1 => put!(self, "\n\t\tTransfer"),
            2 => put!(self, "\n\t\tSS7"),
            3 | 4 => put!(self, "\n\t\tASP"),
            9 => put!(self, "\n\t\tRouting Key Management"),
            _ => put!(self, "\n\t\tUnknown message class ", class),
        }
        if matches!(class, 0..=4 | 9) {
            match message_name(class, kind) {
                Some(name) => put!(self, " ", name, " Message"),
                None => put!(
                    self,
                    " Unknown (0x",
                    HexZeros::<2>(u32::from(kind)),
                    ") Message"
                ),
            }
        }
        let length = self.u32(at + 4)?;
        if length as usize != size {
            put!(
                self,
                "\n\t\t\t@@@@@@ Corrupted length ",
                length,
                " of message @@@@@@"
            );
            return Ok(());
        }
        self.m3ua_parameters(at + HEADER_LENGTH, size - HEADER_LENGTH)
    }

    fn m3ua_parameters(&mut self, start: usize, size: usize) -> Read<()> {
        let end = start + size;
        let mut at = start;
        while at < end {
            if at + 4 > end {
                self.invalid();
                return self.must_have(start, size as u32);
            }
            let tag = self.u16(at)?;
            match parameter_name(tag) {
                Some(name) => put!(self, "\n\t\t\t", name, ": "),
                None => put!(
                    self,
                    "\n\t\t\tUnknown Parameter (0x",
                    HexZeros::<4>(u32::from(tag)),
                    "): "
                ),
            }
            let length = usize::from(self.u16(at + 2)?);
            if length < 4 {
                self.invalid();
                return self.must_have(start, size as u32);
            }
            let padded = (at + length - start).next_multiple_of(4) + start - at;
            self.must_have(at, padded as u32)?;
            // tcpdump reads the value from where the parameter begins, its own header included.
            match tag {
                0x0006 | 0x0013 | 0x0200 if length < 8 => self.invalid(),
                0x0006 | 0x0013 | 0x0200 => put!(self, "0x", HexZeros::<8>(self.u32(at)?)),
                _ => put!(self, "(length ", length, ")"),
            }
            at += padded;
        }
        Ok(())
    }
}

fn message_name(class: u8, kind: u8) -> Option<&'static str> {
    Some(match (class, kind) {
        (0, 0) => "Error",
        (0, 1) => "Notify",
        (1, 1) => "Data",
        (2, 1) => "Destination Unavailable",
        (2, 2) => "Destination Available",
        (2, 3) => "Destination State Audit",
        (2, 4) => "Signalling Congestion",
        (2, 5) => "Destination User Part Unavailable",
        (2, 6) => "Destination Restricted",
        (3, 1) => "Up",
        (3, 2) => "Down",
        (3, 3) => "Heartbeat",
        (3, 4) => "Up Acknowledgement",
        (3, 5) => "Down Acknowledgement",
        (3, 6) => "Heartbeat Acknowledgement",
        (4, 1) => "Active",
        (4, 2) => "Inactive",
        (4, 3) => "Active Acknowledgement",
        (4, 4) => "Inactive Acknowledgement",
        (9, 1) => "Registration Request",
        (9, 2) => "Registration Response",
        (9, 3) => "Deregistration Request",
        (9, 4) => "Deregistration Response",
        _ => return None,
    })
}

fn parameter_name(tag: u16) -> Option<&'static str> {
    Some(match tag {
        0x0004 => "INFO String",
        0x0006 => "Routing Context",
        0x0007 => "Diagnostic Info",
        0x0009 => "Heartbeat Data",
        0x000b => "Traffic Mode Type",
        0x000c => "Error Code",
        0x000d => "Status",
        0x0011 => "ASP Identifier",
        0x0012 => "Affected Point Code",
        0x0013 => "Correlation ID",
        0x0200 => "Network Appearance",
        0x0204 => "User/Cause",
        0x0205 => "Congestion Indications",
        0x0206 => "Concerned Destination",
        0x0207 => "Routing Key",
        0x0208 => "Registration Result",
        0x0209 => "Deregistration Result",
        0x020a => "Local Routing Key Identifier",
        0x020b => "Destination Point Code",
        0x020c => "Service Indicators",
        0x020e => "Originating Point Code List",
        0x0210 => "Protocol Data",
        0x0212 => "Registration Status",
        0x0213 => "Deregistration Status",
        _ => return None,
    })
}
