//! IS-IS as far as link state packets go (ISO/IEC 10589): switches of an underlay speak it.

use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{Blanks, HexString, HexZeros, Put, put};

/// Octets of a link state packet's own header.
const LINK_STATE_LENGTH: usize = 19;

/// Octets of the header that all IS-IS packets have.
const COMMON_LENGTH: usize = 8;

/// A system, node or link state packet identifier, by its length of 6, 7 or 8.
struct Id<'a>(&'a [u8]);

impl Put for Id<'_> {
    fn put(self, out: &mut Vec<u8>) {
        for (n, octet) in self.0.iter().enumerate() {
            match n {
                2 | 4 | 6 => out.push(b'.'),
                7 => out.push(b'-'),
                _ => {}
            }
            HexString(&[*octet]).put(out);
        }
    }
}

impl Dissector<'_> {
    /// Answers false if the packet is to be shown in hexadecimal.
    #[inline]
    pub(super) fn isis(&mut self, at: usize, length: u32) -> Read<bool> {
        self.protocol = "isis";
        if !self.has(at, COMMON_LENGTH) || length < COMMON_LENGTH as u32 {
            self.truncated();
            return Ok(true);
        }
        if !self.options.link_header {
            put!(self, "IS-IS");
        }
        let [_, fixed, version, id_length, kind, packet_version, _, areas] =
            self.bytes.array(at)?;
        if version != 1 {
            put!(self, "version ", version, " packet not supported");
            return Ok(false);
        }
        if id_length != 6 && id_length != 0 {
            put!(self, "system ID length of ", id_length, " is not supported");
            return Ok(false);
        }
        if packet_version != 1 {
            put!(self, "version ", packet_version, " packet not supported");
            return Ok(false);
        }
        if length < u32::from(fixed) {
            put!(
                self,
                "fixed header length ",
                fixed,
                " > packet length ",
                length
            );
            return Ok(false);
        }
        if usize::from(fixed) < COMMON_LENGTH {
            put!(
                self,
                "fixed header length ",
                fixed,
                " < minimum header size 8"
            );
            return Ok(false);
        }
        if areas == 255 {
            put!(self, "bad packet -- 255 areas");
            return Ok(false);
        }
        let lead = if self.options.link_header { "" } else { ", " };
        let name = packet_name(kind);
        if self.verbose() {
            put!(self, lead, "length ", length);
            match name {
                Some(name) => put!(self, "\n\t", name),
                None => put!(self, "\n\tunknown, type ", kind),
            }
            let shown = if areas == 0 { 3 } else { areas };
            put!(
                self,
                ", hlen: ",
                fixed,
                ", v: ",
                version,
                ", pdu-v: ",
                packet_version
            );
            put!(
                self,
                ", sys-id-len: 6 (",
                id_length,
                "), max-area: ",
                shown,
                " (",
                areas,
                ")"
            );
            if self.options.verbosity > 1 {
                self.unknown_data("\n\t", at, COMMON_LENGTH);
            }
        } else {
            match name {
                Some(name) => put!(self, lead, name),
                None => put!(self, lead, "unknown PDU-Type ", kind),
            }
        }
        match kind {
            18 | 20 => self.isis_link_state(at, length, fixed),
            _ if self.verbose() => {
                self.unknown_data("\n\t  ", at + COMMON_LENGTH, length as usize);
                Ok(false)
            }
            _ => {
                let source = at + COMMON_LENGTH;
                match kind {
                    15 | 16 => {
                        put!(self, ", src-id ", Id(self.bytes.slice(source + 1, 6)?));
                        let network = Id(self.bytes.slice(source + 12, 7)?);
                        put!(self, ", lan-id ", network, ", prio ", self.u8(source + 11)?);
                    }
                    17 => put!(self, ", src-id ", Id(self.bytes.slice(source + 1, 6)?)),
                    24..=27 => put!(self, ", src-id ", Id(self.bytes.slice(source + 2, 7)?)),
                    _ => {}
                }
                put!(self, ", length ", length);
                Ok(true)
            }
        }
    }

    fn isis_link_state(&mut self, at: usize, length: u32, fixed: u8) -> Read<bool> {
        if usize::from(fixed) != COMMON_LENGTH + LINK_STATE_LENGTH {
            put!(self, ", bogus fixed header length ", fixed, " should be 19");
            return Ok(false);
        }
        let header = at + COMMON_LENGTH;
        if !self.has(header, LINK_STATE_LENGTH) || length < u32::from(fixed) {
            self.truncated();
            return Ok(true);
        }
        let size = self.u16(header)?;
        let lifetime = Blanks::<5>(u64::from(self.u16(header + 2)?));
        let id = Id(self.bytes.slice(header + 4, 8)?);
        let sequence = HexZeros::<8>(self.u32(header + 12)?);
        if !self.verbose() {
            put!(
                self,
                ", lsp-id ",
                id,
                ", seq 0x",
                sequence,
                ", lifetime ",
                lifetime,
                "s"
            );
            put!(self, ", length ", length);
            return Ok(true);
        }
        let length = length.min(u32::from(size));
        let checksum = self.u16(header + 16)?;
        put!(
            self,
            "\n\t  lsp-id: ",
            id,
            ", seq: 0x",
            sequence,
            ", lifetime: ",
            lifetime,
            "s"
        );
        put!(self, "\n\t  chksum: 0x", HexZeros::<4>(u32::from(checksum)));
        self.osi_checksum(header + 4, checksum, 12, length.wrapping_sub(12));
        let flags = self.u8(header + 18)?;
        put!(self, ", PDU length: ", size, ", Flags: [ ");
        for (flag, name) in [
            (0x04, "Overload bit set, "),
            (0x08, "default "),
            (0x10, "delay "),
            (0x20, "expense "),
            (0x40, "error "),
            (0x78, "ATT bit set, "),
            (0x80, "P bit set, "),
        ] {
            put!(self, if flags & flag != 0 { name } else { "" });
        }
        let level = match flags & 3 {
            0 => "Unused 0x0 (invalid) ]",
            1 => "L1 IS ]",
            2 => "Unused 0x2 (invalid) ]",
            _ => "L2 IS ]",
        };
        put!(self, level);
        if self.options.verbosity > 1 {
            self.unknown_data("\n\t  ", header, LINK_STATE_LENGTH);
        }
        let Some(left) = length.checked_sub(u32::from(fixed)) else {
            self.invalid();
            return Ok(true);
        };
        self.isis_elements(header + LINK_STATE_LENGTH, left as usize)?;
        Ok(true)
    }

    fn isis_elements(&mut self, at: usize, left: usize) -> Read<()> {
        let (mut at, mut left) = (at, left);
        while left > 0 {
            if !self.has(at, 2) || left < 2 {
                self.truncated();
                return Ok(());
            }
            let kind = self.u8(at)?;
            let length = usize::from(self.u8(at + 1)?);
            at += 2;
            left -= 2;
            let name = element_name(kind).unwrap_or("unknown");
            put!(self, "\n\t    ", name, " TLV #", kind, ", length: ", length);
            if left < length {
                self.truncated();
                return Ok(());
            }
            self.isis_element(kind, at, length)?;
            if self.options.verbosity > 1 {
                self.unknown_data("\n\t      ", at, length);
            }
            at += length;
            left -= length;
        }
        Ok(())
    }

    /// Prints an element's value as far as it is known and whole.
    fn isis_element(&mut self, kind: u8, at: usize, length: usize) -> Read<()> {
        let end = at + length;
        let mut place = at;
        match kind {
            1 => {
                while place < end {
                    let octets = usize::from(self.u8(place)?);
                    place += 1;
                    if end - place < octets {
                        break;
                    }
                    put!(self, "\n\t      Area address (length: ", octets, "): ");
                    self.osi_address(place, octets)?;
                    place += octets;
                }
            }
            3 => {
                while place + 10 <= end {
                    let neighbor = Id(self.bytes.slice(place + 4, 6)?);
                    put!(self, "\n\t      ES Neighbor: ", neighbor);
                    self.isis_metrics(place)?;
                    place += 10;
                }
            }
            4 => {
                while place + 6 <= end {
                    put!(self, "\n\t      ", Id(self.bytes.slice(place, 6)?));
                    place += 6;
                }
            }
            8 => {}
            9 => {
                while place + 16 <= end {
                    let id = Id(self.bytes.slice(place + 2, 8)?);
                    let sequence = HexZeros::<8>(self.u32(place + 10)?);
                    let lifetime = Blanks::<5>(u64::from(self.u16(place)?));
                    let checksum = HexZeros::<4>(u32::from(self.u16(place + 14)?));
                    put!(self, "\n\t      lsp-id: ", id, ", seq: 0x", sequence);
                    put!(self, ", lifetime: ", lifetime, "s, chksum: 0x", checksum);
                    place += 16;
                }
            }
            10 if length == 0 => {}
            10 => self.isis_authentication(at, length)?,
            14 if length >= 2 => put!(self, "\n\t      LSP Buffersize: ", self.u16(at)?),
            14 => {}
            132 => {
                while place + 4 <= end {
                    put!(self, "\n\t      IPv4 interface address: ", self.v4(place)?);
                    place += 4;
                }
            }
            137 => {
                put!(self, "\n\t      Hostname: ");
                self.padded_name(at, length)?;
            }
            _ if self.options.verbosity <= 1 => self.unknown_data("\n\t\t", at, length),
            _ => {}
        }
        Ok(())
    }

    fn isis_metrics(&mut self, at: usize) -> Read<()> {
        for (n, title) in [
            ", Default Metric: ",
            "\n\t\t  Delay Metric: ",
            "\n\t\t  Expense Metric: ",
            "\n\t\t  Error Metric: ",
        ]
        .into_iter()
        .enumerate()
        {
            let metric = self.u8(at + n)?;
            if n == 0 || metric & 0x80 == 0 {
                let reach = if metric & 0x40 != 0 {
                    "External"
                } else {
                    "Internal"
                };
                put!(self, title, metric & 0x3f, ", ", reach);
            }
        }
        Ok(())
    }

    fn isis_authentication(&mut self, at: usize, length: usize) -> Read<()> {
        let kind = self.u8(at)?;
        let value = at + 1;
        let left = length - 1;
        match kind {
            1 => put!(self, "\n\t      simple text password: "),
            3 => put!(self, "\n\t      Generic Crypto key-id: "),
            54 => put!(self, "\n\t      HMAC-MD5 password: "),
            255 => put!(self, "\n\t      Routing Domain private password: "),
            _ => {
                let digits = HexZeros::<2>(u32::from(kind));
                put!(
                    self,
                    "\n\t      unknown Authentication type 0x",
                    digits,
                    ": "
                );
            }
        }
        match kind {
            1 => self.padded_name(value, left)?,
            3 if left < 2 => {}
            3 => {
                let password = HexString(self.bytes.slice(value + 2, left - 2)?);
                put!(self, self.u16(value)?, ", password: ", password);
            }
            54 => {
                put!(self, HexString(self.bytes.slice(value, left)?));
                put!(
                    self,
                    if left == 16 {
                        ""
                    } else {
                        ", (invalid subTLV) "
                    }
                );
                put!(self, " (unchecked)");
            }
            _ => self.unknown_data("\n\t\t  ", value, left),
        }
        Ok(())
    }
}

fn packet_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        15 => "L1 Lan IIH",
        16 => "L2 Lan IIH",
        17 => "p2p IIH",
        18 => "L1 LSP",
        20 => "L2 LSP",
        24 => "L1 CSNP",
        25 => "L2 CSNP",
        26 => "L1 PSNP",
        27 => "L2 PSNP",
        _ => return None,
    })
}

fn element_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Area address(es)",
        2 => "IS Reachability",
        3 => "ES Neighbor(s)",
        4 => "Partition DIS",
        5 => "Prefix Neighbors",
        6 => "IS Neighbor(s)",
        7 => "Instance Identifier",
        8 => "Padding",
        9 => "LSP entries",
        10 => "Authentication",
        12 => "Checksum",
        13 => "Purge Originator Identifier",
        14 => "LSP Buffersize",
        22 => "Extended IS Reachability",
        24 => "IS Alias ID",
        42 => "DECnet Phase IV",
        66 => "Lucent Proprietary",
        128 => "IPv4 Internal Reachability",
        129 => "Protocols supported",
        130 => "IPv4 External Reachability",
        131 => "Inter-Domain Information Type",
        132 => "IPv4 Interface address(es)",
        133 => "IPv4 authentication (deprecated)",
        134 => "Traffic Engineering Router ID",
        135 => "Extended IPv4 Reachability",
        137 => "Hostname",
        138 => "Shared Risk Link Group",
        143 => "Multi-Topology-Aware Port Capability",
        144 => "Multi-Topology Capability",
        176 | 177 => "Nortel Proprietary",
        211 => "Restart Signaling",
        222 => "Multi Topology IS Reachability",
        229 => "Multi Topology",
        232 => "IPv6 Interface address(es)",
        235 => "Multi-Topology IPv4 Reachability",
        236 => "IPv6 reachability",
        237 => "Multi-Topology IP6 Reachability",
        240 => "Point-to-point Adjacency State",
        241 => "Hello PDU Sequence Number",
        242 => "IS-IS Router Capability",
        250 => "Vendor Private",
        _ => return None,
    })
}
