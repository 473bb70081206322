//! Ethernet II and 802.3 frames with any number of 802.1Q tags.

use super::dissector::Dissector;
use super::heads::Link;
use super::phrase::Phrase;
use super::text::{HexZeros, put};
use crate::wire::bytes::Read;
use crate::wire::ethernet::{
    DESTINATION, EtherType, HEADER_LENGTH, MAX_LENGTH, SOURCE, TYPE, VLAN_TAG_LENGTH,
};

impl Dissector<'_> {
    /// Prints a frame of `length` octets, `captured` of which are there, and answers how many octets its
    /// headers have.
    pub(super) fn ethernet(&mut self, start: usize, length: u32, captured: u32) -> Read<usize> {
        self.protocol = "ether";
        if length < captured {
            put!(self, "[length ", length, " < caplen ", captured, "]");
            self.invalid();
            return Ok(length as usize);
        }
        if captured < HEADER_LENGTH as u32 {
            self.truncated();
            return Ok(captured as usize);
        }
        if !self.enter() {
            return Ok(captured as usize);
        }
        if self.headed(Link::Ethernet, start, length)? {
            return Ok(HEADER_LENGTH);
        }
        if self.plain_ipv4(start, length)? {
            self.ipv4(start + HEADER_LENGTH, length - HEADER_LENGTH as u32)?;
            return Ok(HEADER_LENGTH);
        }
        let frame_length = length;
        if self.options.link_header {
            self.ethernet_addresses(start)?;
        }
        let mut at = start + HEADER_LENGTH;
        let mut ether_type = self.u16(start + TYPE)?;
        let mut rest = length - HEADER_LENGTH as u32;
        let mut captured = captured - HEADER_LENGTH as u32;
        let mut length_printed = false;
        while EtherType(ether_type).is_vlan() {
            if captured < VLAN_TAG_LENGTH as u32 {
                self.protocol = "vlan";
                self.truncated();
                return Ok(at - start + captured as usize);
            }
            if self.options.link_header {
                let tag = self.u16(at)?;
                self.ethernet_type(ether_type);
                if length_printed {
                    put!(self, ", ");
                } else {
                    put!(self, ", length ", frame_length, ": ");
                    length_printed = true;
                }
                self.vlan_tag(tag);
            }
            ether_type = self.u16(at + 2)?;
            at += VLAN_TAG_LENGTH;
            rest -= VLAN_TAG_LENGTH as u32;
            captured -= VLAN_TAG_LENGTH as u32;
        }
        if ether_type <= MAX_LENGTH {
            let payload = rest.min(u32::from(ether_type));
            let captured = captured.min(payload);
            let before = self.bytes.narrow(at, payload as usize);
            if self.options.link_header {
                put!(self, "802.3");
                if !length_printed {
                    put!(self, ", length ", payload, ": ");
                }
            }
            let headers = self.ethernet_llc(start, at, payload, captured)?;
            self.bytes.set_end(before);
            return Ok(at - start + headers);
        }
        if EtherType(ether_type) == EtherType::JUMBO_LLC {
            let headers = self.ethernet_llc(start, at, rest, captured)?;
            return Ok(at - start + headers);
        }
        if self.options.link_header {
            self.ethernet_type(ether_type);
            if length_printed {
                put!(self, ", ");
            } else {
                put!(self, ", length ", frame_length, ": ");
            }
        }
        if !self.ethertype(EtherType(ether_type), at, rest, captured)? {
            if !self.options.link_header {
                self.ethernet_addresses(start)?;
                self.ethernet_type(ether_type);
                put!(self, ", length ", frame_length, ": ");
            }
            self.payload(at, captured as usize)?;
        }
        Ok(at - start)
    }

    /// Prints the header of an untagged frame that carries IPv4.
    pub(super) fn ethernet_ipv4_header(&mut self, start: usize, length: u32) -> Read<()> {
        if !self.plain_ipv4(start, length)? {
            self.ethernet_addresses(start)?;
            self.ethernet_type(EtherType::IPV4.0);
            put!(self, ", length ", length, ": ");
        }
        Ok(())
    }

    /// Prints the header of the most common frame there is, as a phrase; answers false for any other.
    #[inline]
    fn plain_ipv4(&mut self, start: usize, length: u32) -> Read<bool> {
        let Ok(length) = u16::try_from(length) else {
            return Ok(false);
        };
        if !self.options.link_header
            || !self.options.numeric
            || self.options.quiet > 0
            || self.u16(start + TYPE)? != EtherType::IPV4.0
        {
            return Ok(false);
        }
        let mut phrase = Phrase::<96>::new(self.out);
        phrase.mac(self.bytes.array(start + SOURCE)?);
        phrase.literal(b" > ");
        phrase.mac(self.bytes.array(start + DESTINATION)?);
        phrase.literal(b", ethertype IPv4 (0x0800), length ");
        phrase.number(length);
        phrase.literal(b": ");
        phrase.put();
        Ok(true)
    }

    fn ethernet_llc(&mut self, start: usize, at: usize, length: u32, captured: u32) -> Read<usize> {
        match self.llc(at, length, captured, Some(start))? {
            Ok(headers) => Ok(headers),
            Err(headers) => {
                self.payload(at, captured as usize)?;
                Ok(headers)
            }
        }
    }

    fn ethernet_addresses(&mut self, start: usize) -> Read<()> {
        put!(
            self,
            self.mac(start + SOURCE)?,
            " > ",
            self.mac(start + DESTINATION)?,
            ", "
        );
        Ok(())
    }

    fn ethernet_type(&mut self, ether_type: u16) {
        if self.options.quiet == 0 && EtherType(ether_type) == EtherType::IPV4 {
            put!(self, "ethertype IPv4 (0x0800)");
            return;
        }
        let name = EtherType(ether_type).name();
        let digits = HexZeros::<4>(u32::from(ether_type));
        if self.options.quiet == 0 {
            put!(
                self,
                "ethertype ",
                name.unwrap_or("Unknown"),
                " (0x",
                digits,
                ")"
            );
        } else if let Some(name) = name {
            put!(self, name);
        } else {
            put!(self, "Unknown Ethertype (0x", digits, ")");
        }
    }

    /// `vlan 10, p 0, `
    pub(super) fn vlan_tag(&mut self, tag: u16) {
        let drop_eligible = if tag & 0x1000 != 0 { ", DEI" } else { "" };
        put!(
            self,
            "vlan ",
            tag & 0xfff,
            ", p ",
            tag >> 13,
            drop_eligible,
            ", "
        );
    }

    /// Prints what an Ethernet type announces; answers false, having printed nothing, if that is not
    /// understood.
    pub(super) fn ethertype(
        &mut self,
        ether_type: EtherType,
        at: usize,
        length: u32,
        captured: u32,
    ) -> Read<bool> {
        match ether_type {
            EtherType::IPV4 => self.ipv4(at, length)?,
            EtherType::IPV6 => self.ipv6(at, length)?,
            EtherType::ARP | EtherType::REVERSE_ARP => self.arp(at, length, captured)?,
            EtherType::MPLS | EtherType::MPLS_MULTICAST => self.mpls(at, length)?,
            EtherType::NSH => self.nsh(at, length)?,
            EtherType::LLDP => self.lldp(at, length)?,
            EtherType::LOOPBACK => self.loopback(at, length)?,
            EtherType::PPPOE_DISCOVERY | EtherType::PPPOE_SESSION => self.pppoe(at, length)?,
            // As they were numbered before there was a standard.
            EtherType(0x3c12 | 0x3c13) => self.pppoe(at, length)?,
            EtherType::SLOW => self.slow(at, length)?,
            EtherType::PPP => {
                if length > 0 {
                    put!(self, ": ");
                    self.ppp(at, length)?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
