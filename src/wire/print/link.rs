//! The first header of a frame, by the link type of its capture.

use super::dissector::Dissector;
use super::heads::Link;
use super::text::{Named, Put, put};
use crate::wire::bytes::{Cut, Read};
use crate::wire::ethernet::{self, EtherType, direction, sll, sll2};
use crate::wire::frame::{Frame, LinkType};

/// Linux's pseudo types below 1536 (`linux/if_ether.h`): raw 802.3 and 802.2.
const ETH_P_802_3: u16 = 1;
const ETH_P_802_2: u16 = 4;

impl Dissector<'_> {
    /// Prints a whole frame.
    pub(super) fn link(&mut self, frame: &Frame<'_>) -> Read<()> {
        match frame.link {
            LinkType::ETHERNET => {
                if self.headed_tunnel(Link::Ethernet, frame.length)? {
                    self.link_header += ethernet::HEADER_LENGTH;
                    return Ok(());
                }
                self.link_header += self.ethernet(0, frame.length, frame.bytes.len() as u32)?;
                Ok(())
            }
            LinkType::LINUX_SLL => self.sll(frame.length),
            LinkType::LINUX_SLL2 => self.sll2(frame.length),
            LinkType::RAW
            | LinkType::RAW_OPENBSD
            | LinkType::RAW_DLT
            | LinkType::IPV4
            | LinkType::IPV6 => {
                self.protocol = "raw";
                if self.options.link_header {
                    put!(self, "ip: ");
                }
                self.ip_any(0, frame.length)
            }
            LinkType::NULL | LinkType::LOOP => self.null(frame.length),
            _ => {
                self.protocol = "unsupported";
                put!(self, "UNSUPPORTED");
                self.hex_and_ascii(0, frame.bytes.len())
            }
        }
    }

    fn null(&mut self, length: u32) -> Read<()> {
        const HEADER: usize = 4;
        self.protocol = "null";
        if !self.has(0, HEADER) {
            return Err(Cut);
        }
        self.link_header += HEADER;
        // The family is in the byte order of the host that captured it, or in network order; families
        // are small, so the order that gives a small number is the right one.
        let mut family = u32::from_le_bytes(self.bytes.array(0)?);
        if family & 0xffff_0000 != 0 {
            family = family.swap_bytes();
        }
        if self.options.link_header {
            self.null_header(family, length);
        }
        let rest = length.wrapping_sub(HEADER as u32);
        match family {
            2 => self.ipv4(HEADER, rest),
            24 | 28 | 30 => self.ipv6(HEADER, rest),
            _ => {
                if !self.options.link_header {
                    self.null_header(family, length);
                }
                self.payload(HEADER, self.bytes.available(HEADER))
            }
        }
    }

    fn null_header(&mut self, family: u32, length: u32) {
        let name = bsd_family(family);
        if self.options.quiet == 0 {
            put!(self, "AF ", name.unwrap_or("Unknown"), " (", family, ")");
        } else {
            put!(self, Named(name, ("Unknown AF ", family, "")));
        }
        put!(self, ", length ", length, ": ");
    }

    fn sll(&mut self, length: u32) -> Read<()> {
        self.protocol = "sll";
        if !self.has(0, sll::LENGTH) {
            return Err(Cut);
        }
        if self.headed_tunnel(Link::Sll, length)? || self.headed(Link::Sll, 0, length)? {
            self.link_header += sll::LENGTH;
            return Ok(());
        }
        self.sll_front(length)?;
        let protocol = self.u16(sll::PROTOCOL)?;
        self.cooked_payload(
            sll::LENGTH,
            protocol,
            length.wrapping_sub(sll::LENGTH as u32),
            |dissector, length| dissector.sll_header(length.wrapping_add(sll::LENGTH as u32)),
        )
    }

    /// Prints what stands before the payload, whatever that is.
    pub(super) fn sll_front(&mut self, length: u32) -> Read<()> {
        if self.options.link_header {
            self.sll_header(length)?;
        } else if self.options.direction {
            self.sll_direction()?;
        }
        Ok(())
    }

    fn sll_direction(&mut self) -> Read<()> {
        let direction = direction(self.u16(sll::PACKET_TYPE)?);
        for _ in direction.len()..3 {
            self.out.push(b' ');
        }
        put!(self, direction, " ");
        Ok(())
    }

    fn sll_header(&mut self, length: u32) -> Read<()> {
        self.protocol = "sll";
        self.sll_direction()?;
        if self.u16(sll::ADDRESS_LENGTH)? == ethernet::ADDRESS_LENGTH as u16 {
            put!(self, self.mac(sll::ADDRESS)?, " ");
        }
        self.cooked_type(self.u16(sll::PROTOCOL)?, length);
        Ok(())
    }

    fn sll2(&mut self, length: u32) -> Read<()> {
        self.protocol = "sll2";
        if !self.has(0, sll2::LENGTH) {
            return Err(Cut);
        }
        if self.headed_tunnel(Link::Sll2, length)? || self.headed(Link::Sll2, 0, length)? {
            self.link_header += sll2::LENGTH;
            return Ok(());
        }
        self.sll2_front(length)?;
        let protocol = self.u16(sll2::PROTOCOL)?;
        self.cooked_payload(
            sll2::LENGTH,
            protocol,
            length.wrapping_sub(sll2::LENGTH as u32),
            |dissector, length| dissector.sll2_header(length.wrapping_add(sll2::LENGTH as u32)),
        )
    }

    /// Prints what stands before the payload, whatever that is.
    pub(super) fn sll2_front(&mut self, length: u32) -> Read<()> {
        let index = self.u32(sll2::INTERFACE)?;
        let name = self.names.device(index);
        let padding = 5usize.saturating_sub(name.len());
        name.put(self.out);
        for _ in 0..=padding {
            self.out.push(b' ');
        }
        let direction = direction(u16::from(self.u8(sll2::PACKET_TYPE)?));
        direction.put(self.out);
        for _ in direction.len()..=3 {
            self.out.push(b' ');
        }
        if self.options.link_header {
            self.sll2_header(length)?;
        }
        Ok(())
    }

    fn sll2_header(&mut self, length: u32) -> Read<()> {
        self.protocol = "sll2";
        put!(self, "ifindex ", self.u32(sll2::INTERFACE)?, " ");
        if self.u8(sll2::ADDRESS_LENGTH)? == ethernet::ADDRESS_LENGTH as u8 {
            put!(self, self.mac(sll2::ADDRESS)?, " ");
        }
        self.cooked_type(self.u16(sll2::PROTOCOL)?, length);
        Ok(())
    }

    fn cooked_type(&mut self, protocol: u16, length: u32) {
        if self.options.quiet > 0 {
            return;
        }
        match protocol {
            ETH_P_802_3 => put!(self, "802.3"),
            ETH_P_802_2 => put!(self, "802.2"),
            _ => {
                let name = (protocol > ethernet::MAX_LENGTH)
                    .then(|| EtherType(protocol).name())
                    .flatten();
                put!(
                    self,
                    "ethertype ",
                    name.unwrap_or("Unknown"),
                    " (0x",
                    super::text::HexZeros::<4>(u32::from(protocol)),
                    ")"
                );
            }
        }
        put!(self, ", length ", length, ": ");
    }

    /// What follows a cooked header. `header` prints that header when it was not asked for but the payload
    /// is not understood.
    fn cooked_payload(
        &mut self,
        header_length: usize,
        protocol: u16,
        mut length: u32,
        header: impl Fn(&mut Self, u32) -> Read<()>,
    ) -> Read<()> {
        let mut at = header_length;
        let mut protocol = protocol;
        while EtherType(protocol) == EtherType::VLAN {
            let captured = self.bytes.available(at);
            if captured < ethernet::VLAN_TAG_LENGTH {
                self.protocol = "vlan";
                self.truncated();
                self.link_header += at + captured;
                return Ok(());
            }
            if self.options.link_header {
                self.vlan_tag(self.u16(at)?);
            }
            protocol = self.u16(at + 2)?;
            if protocol <= ethernet::MAX_LENGTH {
                protocol = ETH_P_802_2;
            }
            if self.options.quiet == 0 {
                let name = EtherType(protocol).name().unwrap_or("Unknown");
                put!(self, "ethertype ", name, ", ");
            }
            at += ethernet::VLAN_TAG_LENGTH;
            length = length.wrapping_sub(ethernet::VLAN_TAG_LENGTH as u32);
        }
        let captured = self.bytes.available(at);
        let mut headers = at;
        if protocol == ETH_P_802_2 {
            match self.llc(at, length, captured as u32, None)? {
                Ok(llc_header) => headers += llc_header,
                Err(_) => self.payload(at, captured)?,
            }
        } else if protocol <= ethernet::MAX_LENGTH {
            self.payload(at, captured)?;
        } else if !self.ethertype(EtherType(protocol), at, length, captured as u32)? {
            if !self.options.link_header {
                header(self, length)?;
            }
            self.payload(at, captured)?;
        }
        self.link_header += headers;
        Ok(())
    }
}

/// BSD's address families, as far as tcpdump names them.
pub(super) fn bsd_family(family: u32) -> Option<&'static str> {
    Some(match family {
        2 => "IPv4",
        6 => "NS",
        7 => "ISO",
        16 => "Appletalk",
        23 => "IPX",
        24 | 28 | 30 => "IPv6",
        _ => return None,
    })
}
