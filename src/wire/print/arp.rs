//! ARP and reverse ARP (RFC 826, RFC 903, RFC 2390).

use super::dissector::Dissector;
use super::text::{HexColons, HexZeros, Put, put};
use crate::wire::bytes::{Cut, Read};
use crate::wire::ethernet::EtherType;

/// Octets before the addresses.
const HEADER_LENGTH: usize = 8;

/// An ARP packet's fixed part, and where its addresses lie.
struct Header {
    protocol: u16,
    hardware_length: u8,
    protocol_length: u8,
    sender_hardware: usize,
    sender_protocol: usize,
    target_hardware: usize,
    target_protocol: usize,
}

impl Header {
    fn is_ip(&self) -> bool {
        matches!(EtherType(self.protocol), EtherType::IPV4 | EtherType::TRAIL)
    }
}

impl Dissector<'_> {
    pub(super) fn arp(&mut self, at: usize, length: u32, captured: u32) -> Read<()> {
        self.protocol = "arp";
        if !self.has(at, HEADER_LENGTH) {
            return Err(Cut);
        }
        let hardware = self.u16(at)?;
        let operation = self.u16(at + 6)?;
        let hardware_length = self.u8(at + 4)?;
        let protocol_length = self.u8(at + 5)?;
        let sender_hardware = at + HEADER_LENGTH;
        let sender_protocol = sender_hardware + usize::from(hardware_length);
        let target_hardware = sender_protocol + usize::from(protocol_length);
        let target_protocol = target_hardware + usize::from(hardware_length);
        let header = Header {
            protocol: self.u16(at + 2)?,
            hardware_length,
            protocol_length,
            sender_hardware,
            sender_protocol,
            target_hardware,
            target_protocol,
        };
        if !self.has(target_protocol, usize::from(protocol_length)) {
            return Err(Cut);
        }
        if !self.options.link_header {
            put!(self, "ARP, ");
        }
        let verbose = self.verbose();
        if !header.is_ip() || protocol_length != 4 || hardware_length == 0 || verbose {
            match hardware_name(hardware) {
                Some(name) => put!(self, name),
                None => put!(self, "Unknown Hardware (", hardware, ")"),
            }
            put!(self, " (len ", hardware_length, "), ");
            match EtherType(header.protocol).name() {
                Some(name) => put!(self, name),
                None => put!(
                    self,
                    "Unknown Protocol (0x",
                    HexZeros::<4>(u32::from(header.protocol)),
                    ")"
                ),
            }
            put!(self, " (len ", protocol_length, ")");
            if !verbose {
                put!(self, ", length ", length);
                return Ok(());
            }
            put!(self, ", ");
        }
        match operation_name(operation) {
            Some(name) => put!(self, name, " "),
            None => put!(self, "Unknown (", operation, ") "),
        }
        match operation {
            1 => {
                put!(self, "who-has ");
                self.arp_protocol_address(&header, header.target_protocol)?;
                let target = self
                    .bytes
                    .slice(header.target_hardware, usize::from(hardware_length))?;
                if target.iter().any(|&octet| octet != 0) {
                    put!(self, " (");
                    self.arp_hardware_address(&header, header.target_hardware)?;
                    put!(self, ")");
                }
                put!(self, " tell ");
                self.arp_protocol_address(&header, header.sender_protocol)?;
            }
            2 => {
                self.arp_protocol_address(&header, header.sender_protocol)?;
                put!(self, " is-at ");
                self.arp_hardware_address(&header, header.sender_hardware)?;
            }
            3 | 8 => {
                put!(self, "who-is ");
                self.arp_hardware_address(&header, header.target_hardware)?;
                put!(self, " tell ");
                self.arp_hardware_address(&header, header.sender_hardware)?;
            }
            4 => {
                self.arp_hardware_address(&header, header.target_hardware)?;
                put!(self, " at ");
                self.arp_protocol_address(&header, header.target_protocol)?;
            }
            9 => {
                self.arp_hardware_address(&header, header.sender_hardware)?;
                put!(self, " at ");
                self.arp_protocol_address(&header, header.sender_protocol)?;
            }
            _ => return self.hex_and_ascii(at, captured as usize),
        }
        put!(self, ", length ", length);
        Ok(())
    }

    fn arp_protocol_address(&mut self, header: &Header, at: usize) -> Read<()> {
        if !header.is_ip() {
            put!(self, "<wrong proto type>");
        } else if header.protocol_length != 4 {
            put!(self, "<wrong len>");
        } else {
            put!(self, self.v4(at)?);
        }
        Ok(())
    }

    fn arp_hardware_address(&mut self, header: &Header, at: usize) -> Read<()> {
        match header.hardware_length {
            0 => put!(self, "<empty>"),
            6 => put!(self, self.mac(at)?),
            length => {
                let octets = self.bytes.slice(at, usize::from(length))?;
                HexColons(octets).put(self.out);
            }
        }
        Ok(())
    }
}

fn hardware_name(hardware: u16) -> Option<&'static str> {
    Some(match hardware {
        1 => "Ethernet",
        6 => "TokenRing",
        7 => "ArcNet",
        15 => "FrameRelay",
        23 => "Strip",
        24 => "IEEE 1394",
        19 => "ATM",
        32 => "InfiniBand",
        _ => return None,
    })
}

fn operation_name(operation: u16) -> Option<&'static str> {
    Some(match operation {
        1 => "Request",
        2 => "Reply",
        3 => "Reverse Request",
        4 => "Reverse Reply",
        8 => "Inverse Request",
        9 => "Inverse Reply",
        10 => "NACK Reply",
        _ => return None,
    })
}
