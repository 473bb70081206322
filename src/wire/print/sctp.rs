//! SCTP (RFC 9260).

mod m3ua;

use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::text::{Hex, put};
use crate::wire::bytes::Read;
use crate::wire::ip::{v4, v6};

/// Octets of the common header.
const HEADER_LENGTH: u32 = 12;
/// Octets of a chunk's type, flags and length.
const CHUNK_HEADER: u32 = 4;
/// Payload of the M3UA protocol.
const M3UA: u32 = 3;

/// Why a chunk ends the packet.
enum Chunk {
    /// It does not.
    Whole,
    /// Its length is impossible; that has been said.
    Bogus,
}

/// The channel of forwarding and control element separation that a port is (RFC 5811 section 4.2.1.2). What the
/// channels carry is not shown.
fn forces_channel(port: u16) -> Option<&'static str> {
    Some(match port {
        6704 => "[ForCES HP]",
        6705 => "[ForCES MP]",
        6706 => "[ForCES LP]",
        _ => return None,
    })
}

impl Dissector<'_> {
    pub(super) fn sctp(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        self.protocol = "sctp";
        if length < HEADER_LENGTH {
            put!(
                self,
                "truncated-sctp - ",
                HEADER_LENGTH - length,
                " bytes missing!"
            );
            return Ok(());
        }
        if !self.has(at, HEADER_LENGTH as usize) {
            self.truncated();
            return Ok(());
        }
        let (source, destination) = (self.u16(at)?, self.u16(at + 2)?);
        let ip = header.at;
        if header.version == 6 {
            let (from, to) = (self.v6(ip + v6::SOURCE)?, self.v6(ip + v6::DESTINATION)?);
            put!(
                self,
                from,
                ".",
                source,
                " > ",
                to,
                ".",
                destination,
                ": sctp"
            );
        } else {
            let (from, to) = (self.v4(ip + v4::SOURCE)?, self.v4(ip + v4::DESTINATION)?);
            put!(
                self,
                from,
                ".",
                source,
                " > ",
                to,
                ".",
                destination,
                ": sctp"
            );
        }
        for port in [source, destination] {
            put!(self, forces_channel(port));
        }
        let very_verbose = self.options.verbosity >= 2;
        let mut place = at + HEADER_LENGTH as usize;
        let mut left = length - HEADER_LENGTH;
        let mut number = 0u32;
        while left != 0 {
            number += 1;
            let lead = match (very_verbose, number) {
                (true, _) => "\n\t",
                (false, 1) => " (",
                (false, _) => ", (",
            };
            if left < CHUNK_HEADER {
                put!(
                    self,
                    lead,
                    number,
                    ") [chunk descriptor cut off at end of packet]"
                );
                break;
            }
            if !self.has(place, CHUNK_HEADER as usize) {
                self.truncated();
                return Ok(());
            }
            let chunk = self.u16(place + 2)?;
            if u32::from(chunk) < CHUNK_HEADER {
                put!(
                    self,
                    lead,
                    number,
                    ") [Bad chunk length ",
                    chunk,
                    ", < size of chunk descriptor]"
                );
                break;
            }
            let padding = u32::from(chunk).next_multiple_of(4) - u32::from(chunk);
            if left < padding {
                put!(
                    self,
                    lead,
                    number,
                    ") [Bad chunk length ",
                    chunk,
                    ", > remaining data in packet]"
                );
                break;
            }
            if !self.has(place, usize::from(chunk)) {
                self.truncated();
                return Ok(());
            }
            put!(self, lead, number, ") ");
            if let Chunk::Bogus = self.sctp_chunk(place, chunk)? {
                put!(self, "bogus chunk length ", chunk, "]");
                return Ok(());
            }
            place += usize::from(chunk);
            // tcpdump's counter wraps around where a chunk is longer than the packet.
            left = left.wrapping_sub(u32::from(chunk));
            if padding != 0 {
                if !self.has(place, padding as usize) {
                    self.truncated();
                    return Ok(());
                }
                place += padding as usize;
                left = left.wrapping_sub(padding);
            }
        }
        Ok(())
    }

    /// Prints a chunk that is there whole.
    fn sctp_chunk(&mut self, at: usize, length: u16) -> Read<Chunk> {
        let kind = self.u8(at)?;
        match chunk_name(kind) {
            Some(name) => put!(self, "[", name, "] "),
            None => put!(self, "[Unknown chunk type: 0x", Hex(u32::from(kind)), "] "),
        }
        let value = at + CHUNK_HEADER as usize;
        let left = usize::from(length) - CHUNK_HEADER as usize;
        match kind {
            0x00 => return self.sctp_data(at, value, left),
            0x01 | 0x02 => {
                if left < 16 {
                    return Ok(Chunk::Bogus);
                }
                put!(self, "[init tag: ", self.u32(value)?, "] ");
                put!(self, "[rwnd: ", self.u32(value + 4)?, "] ");
                put!(self, "[OS: ", self.u16(value + 8)?, "] ");
                put!(self, "[MIS: ", self.u16(value + 10)?, "] ");
                put!(self, "[init TSN: ", self.u32(value + 12)?, "] ");
            }
            0x03 => return self.sctp_selective(value, left),
            _ => {}
        }
        Ok(Chunk::Whole)
    }

    fn sctp_data(&mut self, at: usize, value: usize, left: usize) -> Read<Chunk> {
        /// Octets before the payload.
        const DATA_HEADER: usize = 12;
        let flags = self.u8(at + 1)?;
        for (flag, name) in [(4, "(U)"), (2, "(B)"), (1, "(E)")] {
            if flags & flag != 0 {
                put!(self, name);
            }
        }
        if flags & 7 != 0 {
            put!(self, " ");
        }
        if left < DATA_HEADER {
            return Ok(Chunk::Bogus);
        }
        put!(self, "[TSN: ", self.u32(value)?, "] ");
        put!(self, "[SID: ", self.u16(value + 4)?, "] ");
        put!(self, "[SSEQ ", self.u16(value + 6)?, "] ");
        let protocol = self.u32(value + 8)?;
        match payload_name(protocol) {
            Some(name) => put!(self, "[PPID ", name, "] "),
            None => put!(self, "[PPID 0x", Hex(protocol), "] "),
        }
        let payload = value + DATA_HEADER;
        let size = left - DATA_HEADER;
        if size == 0 {
            return Ok(Chunk::Bogus);
        }
        if self.options.verbosity >= 2 {
            if protocol == M3UA {
                self.m3ua(payload, size)?;
                self.protocol = "sctp";
            } else {
                put!(self, "[Payload");
                if self.shows_payload() {
                    put!(self, ":");
                    self.hex_and_ascii(payload, size)?;
                }
                put!(self, "]");
            }
        }
        Ok(Chunk::Whole)
    }

    fn sctp_selective(&mut self, value: usize, left: usize) -> Read<Chunk> {
        if left < 12 {
            return Ok(Chunk::Bogus);
        }
        let acknowledged = self.u32(value)?;
        let gaps = self.u16(value + 8)?;
        let duplicates = self.u16(value + 10)?;
        put!(self, "[cum ack ", acknowledged, "] ");
        put!(self, "[a_rwnd ", self.u32(value + 4)?, "] ");
        put!(self, "[#gap acks ", gaps, "] ");
        put!(self, "[#dup tsns ", duplicates, "] ");
        let mut place = value + 12;
        let mut left = left - 12;
        for gap in 1..=u32::from(gaps) {
            if left == 0 {
                break;
            }
            if left < 4 {
                return Ok(Chunk::Bogus);
            }
            let start = acknowledged.wrapping_add(u32::from(self.u16(place)?));
            let end = acknowledged.wrapping_add(u32::from(self.u16(place + 2)?));
            put!(
                self,
                "\n\t\t[gap ack block #",
                gap,
                ": start = ",
                start,
                ", end = ",
                end,
                "] "
            );
            place += 4;
            left -= 4;
        }
        for duplicate in 1..=u32::from(duplicates) {
            if left == 0 {
                break;
            }
            if left < 4 {
                return Ok(Chunk::Bogus);
            }
            put!(
                self,
                "\n\t\t[dup TSN #",
                duplicate,
                ": ",
                self.u32(place)?,
                "] "
            );
            place += 4;
            left -= 4;
        }
        Ok(Chunk::Whole)
    }
}

fn chunk_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0x00 => "DATA",
        0x01 => "INIT",
        0x02 => "INIT ACK",
        0x03 => "SACK",
        0x04 => "HB REQ",
        0x05 => "HB ACK",
        0x06 => "ABORT",
        0x07 => "SHUTDOWN",
        0x08 => "SHUTDOWN ACK",
        0x09 => "OP ERR",
        0x0a => "COOKIE ECHO",
        0x0b => "COOKIE ACK",
        0x0c => "ECN ECHO",
        0x0d => "ECN CWR",
        0x0e => "SHUTDOWN COMPLETE",
        0xc0 => "FOR CUM TSN",
        0xc1 => "REL CTRL",
        0xc2 => "REL CTRL ACK",
        _ => return None,
    })
}

fn payload_name(protocol: u32) -> Option<&'static str> {
    const NAMES: [&str; 27] = [
        "ISDN Q.921",
        "M2UA",
        "M3UA",
        "SUA",
        "M2PA",
        "V5.2",
        "H.248",
        "BICC",
        "TALI",
        "DUA",
        "ASAP",
        "ENRP",
        "H.323",
        "Q.IPC",
        "SIMCO",
        "DDPSC",
        "DDPSSC",
        "S1AP",
        "RUA",
        "HNBAP",
        "ForCES HP",
        "ForCES MP",
        "ForCES LP",
        "SBc-AP",
        "NBAP",
        "",
        "X2AP",
    ];
    NAMES
        .get((protocol as usize).checked_sub(1)?)
        .copied()
        .filter(|name| !name.is_empty())
}
