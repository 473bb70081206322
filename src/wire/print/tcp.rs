//! TCP (RFC 9293) with relative sequence numbers.

mod option;
mod plain;

use self::option::{OptionError, Relative};
use super::UdpPayload;
use super::dissector::Dissector;
use super::dns::Carrier;
use super::ipv4::IpHeader;
use super::ports::Ports;
use super::sequence::{Key, Start};
use super::text::{Bits, HexZeros, put};
use super::text_protocol::{self, TextProtocol};
use crate::wire::bytes::{Cut, Read};
use crate::wire::checksum;
use crate::wire::ip::{Protocol, v4, v6};
use crate::wire::port;
use crate::wire::tcp::{
    ACKNOWLEDGEMENT, CHECKSUM, DATA_OFFSET, FLAGS, HEADER_LENGTH, SEQUENCE, URGENT, WINDOW, flag,
};

const FLAG_NAMES: [(u32, &str); 8] = [
    (flag::FIN as u32, "F"),
    (flag::SYN as u32, "S"),
    (flag::RST as u32, "R"),
    (flag::PUSH as u32, "P"),
    (flag::ACK as u32, "."),
    (flag::URG as u32, "U"),
    (flag::ECE as u32, "E"),
    (flag::CWR as u32, "W"),
];

const PUSH_ACK: u8 = flag::PUSH | flag::ACK;

/// What a segment is taken to carry, in the order in which tcpdump asks: of its ports' meanings the first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Payload {
    Telnet,
    Smtp,
    Whois,
    Bgp,
    Redis,
    Ssh,
    Ftp,
    Http,
    Rtsp,
    Dns,
    Ldp,
    Unknown,
}

/// Ports that mean something.
static MEANT: Ports = Ports::of(&[
    port::FTP,
    port::SSH,
    port::TELNET,
    port::SMTP,
    port::WHOIS,
    port::DNS,
    port::HTTP,
    port::BGP,
    port::RTSP,
    port::LDP,
    port::REDIS,
    port::HTTP_ALTERNATE,
    port::RTSP_ALTERNATE,
]);

impl Payload {
    fn of(port: u16) -> Self {
        match port {
            port::TELNET => Self::Telnet,
            port::SMTP => Self::Smtp,
            port::WHOIS => Self::Whois,
            port::BGP => Self::Bgp,
            port::REDIS => Self::Redis,
            port::SSH => Self::Ssh,
            port::FTP => Self::Ftp,
            port::HTTP | port::HTTP_ALTERNATE => Self::Http,
            port::RTSP | port::RTSP_ALTERNATE => Self::Rtsp,
            port::DNS => Self::Dns,
            port::LDP => Self::Ldp,
            _ => Self::Unknown,
        }
    }

    /// How its lines are read, if it speaks in lines.
    fn lines(self) -> Option<&'static TextProtocol> {
        Some(match self {
            Self::Smtp => &text_protocol::SMTP,
            Self::Whois => &text_protocol::WHOIS,
            Self::Ftp => &text_protocol::FTP,
            Self::Http => &text_protocol::HTTP,
            Self::Rtsp => &text_protocol::RTSP,
            _ => return None,
        })
    }
}

/// Octets of a reset's data that `-v` shows.
const RESET_DATA: usize = 30;

impl Dissector<'_> {
    pub(super) fn tcp(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        self.protocol = "tcp";
        if !self.has(at, 4) {
            if header.version == 6 {
                put!(
                    self,
                    self.v6(header.at + v6::SOURCE)?,
                    " > ",
                    self.v6(header.at + v6::DESTINATION)?,
                    ":"
                );
            } else {
                put!(
                    self,
                    self.v4(header.at + v4::SOURCE)?,
                    " > ",
                    self.v4(header.at + v4::DESTINATION)?,
                    ":"
                );
            }
            self.truncated();
            return Ok(());
        }
        let ports = (self.u16(at)?, self.u16(at + 2)?);
        self.transport_addresses(header, Protocol::TCP, Some(ports))?;
        self.tcp_behind_ports(at, length, header)
    }

    /// What follows the addresses and ports.
    pub(super) fn tcp_behind_ports(
        &mut self,
        at: usize,
        length: u32,
        header: IpHeader,
    ) -> Read<()> {
        self.protocol = "tcp";
        let ports = (self.u16(at)?, self.u16(at + 2)?);
        if self.has_heads && self.plain_segment(at, length, header, ports)? {
            return Ok(());
        }
        if !self.has(at, HEADER_LENGTH) {
            self.truncated();
            return Ok(());
        }
        let header_length = u32::from(self.u8(at + DATA_OFFSET)? >> 4) * 4;
        if header_length < HEADER_LENGTH as u32 {
            put!(
                self,
                " tcp ",
                length.wrapping_sub(header_length),
                " [bad hdr length ",
                header_length,
                " - too short, < 20]"
            );
            return Ok(());
        }
        if self.options.quiet > 0 {
            put!(self, "tcp ", length.wrapping_sub(header_length));
            if header_length > length {
                put!(
                    self,
                    " [bad hdr length ",
                    header_length,
                    " - too long, > ",
                    length,
                    "]"
                );
            }
            return Ok(());
        }
        let flags = self.u8(at + FLAGS)?;
        self.tcp_flags(flags);
        let mut sequence = self.u32(at + SEQUENCE)?;
        let mut acknowledgement = self.u32(at + ACKNOWLEDGEMENT)?;
        let mut relative = Relative::default();
        if !self.options.absolute_sequence && flags & flag::ACK != 0 {
            relative = self.tcp_relative(
                header,
                ports,
                flags & flag::SYN != 0,
                &mut sequence,
                &mut acknowledgement,
            )?;
        }
        if header_length > length {
            put!(
                self,
                " [bad hdr length ",
                header_length,
                " - too long, > ",
                length,
                "]"
            );
            return Ok(());
        }
        if self.verbose() && !self.options.skip_checksums && !header.fragmented {
            self.tcp_checksum(at, length, header)?;
        }
        let data = length - header_length;
        if self.options.verbosity > 1
            || data > 0
            || flags & (flag::SYN | flag::FIN | flag::RST) != 0
        {
            put!(self, ", seq ", sequence);
            if data > 0 {
                put!(self, ":", sequence.wrapping_add(data));
            }
        }
        if flags & flag::ACK != 0 {
            put!(self, ", ack ", acknowledgement);
        }
        put!(self, ", win ", self.u16(at + WINDOW)?);
        if flags & flag::URG != 0 {
            put!(self, ", urg ", self.u16(at + URGENT)?);
        }
        let payload = at + header_length as usize;
        if header_length > HEADER_LENGTH as u32 {
            put!(self, ", options [");
            let mut begun = false;
            match self.tcp_options(at, payload, data, flags, relative, &mut begun) {
                Ok(()) => put!(self, "]"),
                Err(OptionError::Packet) => return Err(Cut),
                Err(OptionError::Cut) => {
                    self.truncated();
                    if begun {
                        put!(self, ">");
                    }
                    return Ok(());
                }
                Err(OptionError::Bad) => {
                    put!(self, "[bad opt]");
                    if begun {
                        put!(self, "]");
                    }
                    return Ok(());
                }
            }
        }
        put!(self, ", length ", data);
        if data == 0 {
            return Ok(());
        }
        if !self.has(at, header_length as usize) {
            let captured = self.bytes.available(at);
            put!(
                self,
                " [remaining caplen(",
                captured,
                ") < header length(",
                header_length,
                ")]"
            );
            return Err(Cut);
        }
        if flags & flag::RST != 0 && self.verbose() {
            self.tcp_reset_data(payload, data as usize);
            return Ok(());
        }
        if self.options.udp == UdpPayload::Vxlan {
            return Ok(());
        }
        self.tcp_payload(payload, data, ports)
    }

    fn tcp_flags(&mut self, flags: u8) {
        match flags {
            flag::ACK => put!(self, "Flags [.]"),
            PUSH_ACK => put!(self, "Flags [P.]"),
            _ => {
                let names = Bits {
                    value: u32::from(flags),
                    names: &FLAG_NAMES,
                    separator: "",
                    none: "none",
                };
                put!(self, "Flags [", names, "]");
            }
        }
    }

    pub(super) fn tcp_port(&mut self, port: u16) {
        let name = (!self.options.numeric)
            .then(|| self.names.services().tcp(port))
            .flatten();
        match name {
            Some(name) => put!(self, name),
            None => put!(self, port),
        }
    }

    /// What is behind the header, where the port says what it is.
    #[inline]
    fn tcp_payload(&mut self, at: usize, length: u32, ports: (u16, u16)) -> Read<()> {
        if MEANT.has(ports.0) || MEANT.has(ports.1) {
            self.tcp_payload_of(at, length, ports)?;
        }
        Ok(())
    }

    /// Of BGP no more than its name is shown.
    #[inline(never)]
    fn tcp_payload_of(&mut self, at: usize, length: u32, ports: (u16, u16)) -> Read<()> {
        match Payload::of(ports.0).min(Payload::of(ports.1)) {
            Payload::Bgp => {
                self.protocol = "bgp";
                put!(self, ": BGP");
                Ok(())
            }
            Payload::Telnet => self.telnet(at, length),
            Payload::Redis => self.resp(at, length),
            Payload::Ssh => self.ssh(at, length),
            Payload::Dns => self.dns(at, length, Carrier::Tcp),
            Payload::Ldp => self.ldp(at, length),
            payload => {
                if let Some(protocol) = payload.lines() {
                    put!(self, ": ");
                    self.text_protocol(protocol, at, length)?;
                }
                Ok(())
            }
        }
    }

    /// Makes both numbers relative to the first ones of their conversation. The conversation is known by
    /// addresses and ports alone: neither the VNI nor the depth of tunnels counts.
    fn tcp_relative(
        &mut self,
        header: IpHeader,
        (source, destination): (u16, u16),
        synchronise: bool,
        sequence: &mut u32,
        acknowledgement: &mut u32,
    ) -> Read<Relative> {
        let ordered = |reverse: bool| {
            if reverse {
                u32::from(destination) << 16 | u32::from(source)
            } else {
                u32::from(source) << 16 | u32::from(destination)
            }
        };
        let (key, reverse) = if header.version == 6 {
            let from = self.bytes.array(header.at + v6::SOURCE)?;
            let to = self.bytes.array(header.at + v6::DESTINATION)?;
            let reverse = source > destination || source == destination && from > to;
            let (first, second) = if reverse { (to, from) } else { (from, to) };
            (Key::V6(first, second, ordered(reverse)), reverse)
        } else {
            let from = self.bytes.array(header.at + v4::SOURCE)?;
            let to = self.bytes.array(header.at + v4::DESTINATION)?;
            let reverse = source > destination || source == destination && from > to;
            let (first, second) = if reverse { (to, from) } else { (from, to) };
            (Key::V4(first, second, ordered(reverse)), reverse)
        };
        let known = if synchronise {
            None
        } else {
            self.conversations.get(&key)
        };
        let start = match known {
            Some(start) => {
                if reverse {
                    *sequence = sequence.wrapping_sub(start.acknowledgement);
                    *acknowledgement = acknowledgement.wrapping_sub(start.sequence);
                } else {
                    *sequence = sequence.wrapping_sub(start.sequence);
                    *acknowledgement = acknowledgement.wrapping_sub(start.acknowledgement);
                }
                start
            }
            None => {
                let acknowledged = acknowledgement.wrapping_sub(1);
                let start = if reverse {
                    Start {
                        sequence: acknowledged,
                        acknowledgement: *sequence,
                    }
                } else {
                    Start {
                        sequence: *sequence,
                        acknowledgement: acknowledged,
                    }
                };
                self.conversations.set(key, start);
                start
            }
        };
        Ok(Relative { reverse, start })
    }

    fn tcp_checksum(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        let Ok(segment) = self.bytes.slice(at, length as usize) else {
            return Ok(());
        };
        let sum = self
            .transport_sum(header, Protocol::TCP, length)?
            .octets(segment)
            .finish();
        let field = self.u16(at + CHECKSUM)?;
        put!(self, ", cksum 0x", HexZeros::<4>(u32::from(field)));
        if sum != 0 {
            let right = checksum::should_be(field, sum);
            put!(
                self,
                " (incorrect -> 0x",
                HexZeros::<4>(u32::from(right)),
                ")"
            );
        } else {
            put!(self, " (correct)");
        }
        Ok(())
    }

    /// Text that a reset may carry (RFC 9293 section 3.5.3).
    fn tcp_reset_data(&mut self, at: usize, length: usize) {
        put!(
            self,
            if self.has(at, length) {
                " [RST"
            } else {
                " [!RST"
            }
        );
        if length > RESET_DATA {
            put!(self, "+");
        }
        put!(self, " ");
        let text = self.bytes.rest(at, length.min(RESET_DATA));
        self.escaped(text);
        put!(self, "]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_with_a_meaning_is_looked_at() {
        for port in 0..=u16::MAX {
            let means = Payload::of(port) != Payload::Unknown;
            assert_eq!(MEANT.has(port), means, "{port}");
        }
    }
}
