//! ICMP (RFC 792, RFC 1191, RFC 1256) with the packet that an error quotes and its extensions (RFC 4884).

use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::phrase::Phrase;
use super::text::{Hex, HexZeros, Put, Zeros, put};
use crate::wire::bytes::Read;
use crate::wire::checksum;
use crate::wire::ip::{Protocol, v4};

/// Where the packet that an error quotes begins.
const QUOTED: usize = 8;
/// Where extensions begin: after 128 octets of quoted packet.
const EXTENSION: usize = QUOTED + 128;
/// tcpdump writes the sentence into a buffer of this many characters.
const SENTENCE: usize = 163;

/// Milliseconds since midnight.
struct Milliseconds(u32);

impl Put for Milliseconds {
    fn put(self, out: &mut Vec<u8>) {
        let seconds = self.0 / 1000;
        (
            Zeros::<2>(seconds / 3600),
            ":",
            Zeros::<2>(seconds / 60 % 60),
            ":",
            Zeros::<2>(seconds % 60),
            ".",
            Zeros::<3>(self.0 % 1000),
        )
            .put(out);
    }
}

impl Dissector<'_> {
    pub(super) fn icmp(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        self.protocol = "icmp";
        if let Ok(echo @ [0 | 8, _, _, _, _, _, c, d]) = self.bytes.array::<8>(at)
            && !self.verbose()
        {
            self.echo_id(echo);
            self.echo_behind_id(u16::from_be_bytes([c, d]), length);
            return Ok(());
        }
        let kind = self.u8(at)?;
        let code = self.u8(at + 1)?;
        let start = self.out.len();
        put!(self, "ICMP ");
        let sentence = self.out.len();
        if let Err(cut) = self.icmp_sentence(at, kind, code) {
            self.out.truncate(start);
            if self.ends_only_message(at, kind, code) {
                self.truncated();
                return Ok(());
            }
            return Err(cut);
        }
        self.out.truncate(self.out.len().min(sentence + SENTENCE));
        put!(self, ", length ", length);
        if !self.verbose() {
            return Ok(());
        }
        if !header.fragmented
            && let Ok(message) = self.bytes.slice(at, length as usize)
        {
            let sum = checksum::of(message);
            if sum != 0 {
                let field = self.u16(at + 2)?;
                let right = checksum::should_be(field, sum);
                put!(
                    self,
                    " (wrong icmp cksum ",
                    Hex(u32::from(field)),
                    " (->",
                    Hex(u32::from(right)),
                    ")!)"
                );
            }
        }
        if matches!(kind, 3 | 4 | 5 | 11 | 12) {
            let quoted = at + QUOTED;
            put!(self, "\n\t");
            let quoted_length = self.u16(quoted + v4::TOTAL_LENGTH)?;
            let before = self.bytes.narrow(quoted, usize::from(quoted_length));
            // A length that ends before its own field cuts the message, not what it quotes.
            self.u16(quoted + v4::TOTAL_LENGTH)?;
            self.ipv4(quoted, u32::from(quoted_length))?;
            self.bytes.set_end(before);
        }
        self.protocol = "icmp";
        if length as usize > EXTENSION && matches!(kind, 3 | 11 | 12) {
            self.icmp_extensions(at, length as usize)?;
        }
        Ok(())
    }

    /// Whether a cut in a sentence ends the message and not the packet, which tells what `-x` shows then.
    fn ends_only_message(&self, at: usize, kind: u8, code: u8) -> bool {
        match kind {
            3 => code == 3 && !self.has(at + QUOTED + v4::PROTOCOL, 1),
            9 | 11 | 14 => true,
            _ => false,
        }
    }

    /// The first half of an echo's sentence.
    #[inline(always)]
    pub(super) fn echo_id(&mut self, [kind, _, _, _, a, b, _, _]: [u8; 8]) {
        let mut phrase = Phrase::<64>::new(self.out);
        if kind == 8 {
            phrase.literal(b"ICMP echo request, id ");
        } else {
            phrase.literal(b"ICMP echo reply, id ");
        }
        phrase.number(u16::from_be_bytes([a, b]));
        phrase.literal(b", seq ");
        phrase.put();
    }

    /// The other half.
    #[inline(always)]
    pub(super) fn echo_behind_id(&mut self, sequence: u16, length: u32) {
        self.protocol = "icmp";
        let mut phrase = Phrase::<64>::new(self.out);
        phrase.number(sequence);
        phrase.literal(b", length ");
        phrase.number(length);
        phrase.put();
    }

    fn icmp_sentence(&mut self, at: usize, kind: u8, code: u8) -> Read<()> {
        let quoted_destination = at + QUOTED + v4::DESTINATION;
        match kind {
            0 | 8 => {
                let what = if kind == 8 { "request" } else { "reply" };
                put!(
                    self,
                    "echo ",
                    what,
                    ", id ",
                    self.u16(at + 4)?,
                    ", seq ",
                    self.u16(at + 6)?
                );
            }
            3 => self.icmp_unreachable(at, code)?,
            5 => {
                let destination = self.v4(quoted_destination)?;
                let gateway = self.v4(at + 4)?;
                match code {
                    0 => put!(self, "redirect ", destination, " to net ", gateway),
                    1 => put!(self, "redirect ", destination, " to host ", gateway),
                    2 => put!(self, "redirect-tos ", destination, " to net ", gateway),
                    3 => put!(self, "redirect-tos ", destination, " to host ", gateway),
                    _ => put!(self, "redirect-#", code, " ", destination, " to ", gateway),
                }
            }
            9 => self.icmp_router_advertisement(at)?,
            11 => {
                self.v4(quoted_destination)?;
                match code {
                    0 => put!(self, "time exceeded in-transit"),
                    1 => put!(self, "ip reassembly time exceeded"),
                    _ => put!(self, "time exceeded-#", code),
                }
            }
            12 if code != 0 => put!(self, "parameter problem - code ", code),
            12 => put!(self, "parameter problem - octet ", self.u8(at + 4)?),
            18 => put!(self, "address mask is 0x", HexZeros::<8>(self.u32(at + 8)?)),
            13 => put!(
                self,
                "time stamp query id ",
                self.u16(at + 4)?,
                " seq ",
                self.u16(at + 6)?
            ),
            14 => put!(
                self,
                "time stamp reply id ",
                self.u16(at + 4)?,
                " seq ",
                self.u16(at + 6)?,
                ": org ",
                Milliseconds(self.u32(at + 8)?),
                ", recv ",
                Milliseconds(self.u32(at + 12)?),
                ", xmit ",
                Milliseconds(self.u32(at + 16)?)
            ),
            4 => put!(self, "source quench"),
            10 => put!(self, "router solicitation"),
            15 => put!(self, "information request"),
            16 => put!(self, "information reply"),
            17 => put!(self, "address mask request"),
            _ => put!(self, "type-#", kind),
        }
        Ok(())
    }

    fn icmp_unreachable(&mut self, at: usize, code: u8) -> Read<()> {
        let quoted = at + QUOTED;
        if code == 4 {
            let mtu = self.u16(at + 6)?;
            let destination = self.v4(quoted + v4::DESTINATION)?;
            put!(self, destination, " unreachable - need to frag");
            if mtu != 0 {
                put!(self, " (mtu ", mtu, ")");
            }
            return Ok(());
        }
        if code == 3 {
            let header_length = usize::from(self.u8(quoted)? & 15) * 4;
            let port = self.u16(quoted + header_length + 2)?;
            let protocol = Protocol(self.u8(quoted + v4::PROTOCOL)?);
            put!(self, self.v4(quoted + v4::DESTINATION)?);
            match protocol {
                Protocol::TCP => {
                    put!(self, " tcp port ");
                    self.tcp_port(port);
                }
                Protocol::UDP => {
                    put!(self, " udp port ");
                    self.udp_port(port);
                }
                Protocol(number) => put!(self, " protocol ", number, " port ", port),
            }
            put!(self, " unreachable");
            return Ok(());
        }
        let destination = self.v4(quoted + v4::DESTINATION)?;
        let (before, after) = match code {
            0 => ("net ", " unreachable"),
            1 => ("host ", " unreachable"),
            2 => {
                put!(
                    self,
                    destination,
                    " protocol ",
                    self.u8(quoted + v4::PROTOCOL)?,
                    " unreachable"
                );
                return Ok(());
            }
            5 => ("", " unreachable - source route failed"),
            6 => ("net ", " unreachable - unknown"),
            7 => ("host ", " unreachable - unknown"),
            8 => ("", " unreachable - source host isolated"),
            9 => ("net ", " unreachable - admin prohibited"),
            10 => ("host ", " unreachable - admin prohibited"),
            11 => ("net ", " unreachable - tos prohibited"),
            12 => ("host ", " unreachable - tos prohibited"),
            13 => ("host ", " unreachable - admin prohibited filter"),
            14 => ("host ", " unreachable - host precedence violation"),
            15 => ("host ", " unreachable - precedence cutoff"),
            _ => {
                put!(self, destination, " unreachable - #", code);
                return Ok(());
            }
        };
        put!(self, before, destination, after);
        Ok(())
    }

    fn icmp_router_advertisement(&mut self, at: usize) -> Read<()> {
        put!(self, "router advertisement");
        let count = self.u8(at + 4)?;
        let size = self.u8(at + 5)?;
        let lifetime = u32::from(self.u16(at + 6)?);
        put!(self, " lifetime ");
        if lifetime < 60 {
            put!(self, lifetime);
        } else if lifetime < 3600 {
            put!(self, lifetime / 60, ":", Zeros::<2>(lifetime % 60));
        } else {
            put!(
                self,
                lifetime / 3600,
                ":",
                Zeros::<2>(lifetime % 3600 / 60),
                ":",
                Zeros::<2>(lifetime % 60)
            );
        }
        put!(self, " ", count, ":");
        if size != 2 {
            put!(self, " [size ", size, "]");
            return Ok(());
        }
        for entry in 0..usize::from(count) {
            let place = at + 8 + entry * 8;
            put!(self, " {", self.v4(place)?, " ", self.u32(place + 4)?, "}");
        }
        Ok(())
    }

    fn icmp_extensions(&mut self, at: usize, length: usize) -> Read<()> {
        let extension = at + EXTENSION;
        let mut left = length - EXTENSION;
        // The fixed part tcpdump looks at ends with the first octet behind the extension's header.
        if !self.has(at, EXTENSION + 5) {
            self.truncated();
            return Ok(());
        }
        let sum = self.bytes.slice(extension, left).map(checksum::of);
        if self.u8(at + 5)? == 0 && sum.is_ok_and(|sum| sum != 0) {
            return Ok(());
        }
        let version = self.u8(extension)? >> 4;
        put!(self, "\n\tICMP Multi-Part extension v", version);
        if version != 2 {
            put!(self, " packet not supported");
            return Ok(());
        }
        if let Ok(sum) = sum {
            let verdict = if sum != 0 { "in" } else { "" };
            let field = HexZeros::<4>(u32::from(self.u16(extension + 2)?));
            put!(
                self,
                ", checksum 0x",
                field,
                " (",
                verdict,
                "correct), length ",
                left
            );
        }
        // A length between 136 and 140 leaves less than the header; tcpdump's counter wraps around, and
        // the captured octets end the loop.
        let mut object = extension + 4;
        left = (left as u32).wrapping_sub(4) as usize;
        while left > 4 {
            if !self.has(object, 4) {
                self.truncated();
                return Ok(());
            }
            let object_length = usize::from(self.u16(object)?);
            let class = self.u8(object + 2)?;
            let kind = self.u8(object + 3)?;
            object += 4;
            let name = match class {
                1 => "MPLS Stack Entry",
                2 => "Interface Identification",
                _ => "unknown",
            };
            put!(
                self,
                "\n\t  ",
                name,
                " Object (",
                class,
                "), Class-Type: ",
                kind,
                ", length ",
                object_length
            );
            left -= 4;
            if class == 0 || object_length < 4 {
                return Ok(());
            }
            let payload = object_length - 4;
            if class == 1 && kind == 1 {
                let label = self.u32(object)?;
                put!(self, "\n\t    label ", label >> 12, ", tc ", label >> 9 & 7);
                if label & 0x100 != 0 {
                    put!(self, ", [S]");
                }
                put!(self, ", ttl ", label & 0xff);
            } else {
                self.unknown_data("\n\t    ", object, payload);
            }
            if left < payload {
                break;
            }
            left -= payload;
            object += payload;
        }
        Ok(())
    }
}
