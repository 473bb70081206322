//! Ethernet's configuration testing protocol, which some switches send to themselves.

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::{Cut, Read};
use crate::wire::ethernet::ADDRESS_LENGTH;

impl Dissector<'_> {
    pub(super) fn loopback(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "loopback";
        put!(self, "Loopback");
        if length < 2 {
            self.invalid();
            return self.must_have(at, length);
        }
        let skip = u16::from_le_bytes(self.bytes.array(at)?);
        let (at, length) = (at + 2, length - 2);
        put!(self, ", skipCount ", skip);
        if skip % 8 != 0 {
            put!(self, " (bogus)");
        }
        if u32::from(skip) > length {
            self.invalid();
            return self.must_have(at, length);
        }
        self.must_have(at, u32::from(skip))?;
        let (at, length) = (at + usize::from(skip), length - u32::from(skip));
        if length < 2 {
            self.invalid();
            return self.must_have(at, length);
        }
        let function = u16::from_le_bytes(self.bytes.array(at)?);
        let (at, length) = (at + 2, length - 2);
        let taken = match function {
            1 => {
                put!(self, ", Reply");
                2
            }
            2 => {
                put!(self, ", Forward Data");
                ADDRESS_LENGTH as u32
            }
            _ => {
                put!(self, ",  invalid (", function, ")");
                return self.must_have(at, length);
            }
        };
        if length < taken {
            self.invalid();
            return self.must_have(at, length);
        }
        if function == 1 {
            put!(
                self,
                ", receipt number ",
                u16::from_le_bytes(self.bytes.array(at)?)
            );
        } else {
            put!(self, ", forwarding address ", self.mac(at)?);
        }
        put!(self, ", data (", length - taken, " octets)");
        self.must_have(at, length)
    }

    /// Ends the packet if octets that a length field promises were not captured.
    pub(super) fn must_have(&self, at: usize, length: u32) -> Read<()> {
        if self.has(at, length as usize) {
            Ok(())
        } else {
            Err(Cut)
        }
    }
}
