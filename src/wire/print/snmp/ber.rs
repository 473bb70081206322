//! Elements of ASN.1 in basic encoding (X.690), of the types that SNMP's messages are made of (RFC 1155, RFC 2578).

use super::names::{self, Names};
use crate::wire::bytes::Cut;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{HexZeros, put};

/// Why a message is not read on.
pub(super) enum Stop {
    /// What was captured ends, and with it the packet's text.
    Cut,
    /// What is wrong has been said.
    Said,
}

impl From<Cut> for Stop {
    fn from(_: Cut) -> Self {
        Self::Cut
    }
}

/// What is left of a sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) at: usize,
    pub(super) length: u32,
}

/// What an element holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Null,
    ObjectId,
    Address,
    Unsigned,
    Unsigned64,
    Exception,
    Sequence,
    Pdu,
    /// Something that is shown as octets.
    Octets,
    /// Something of no type known.
    Any,
}

/// One element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) kind: Kind,
    pub(super) id: u8,
    /// Octets of the element, its head included.
    pub(super) total: u32,
    /// What is inside.
    pub(super) content: Rest,
    /// Its number, if it is one.
    pub(super) number: u64,
}

impl Element {
    pub(super) fn integer(&self) -> i32 {
        self.number as i32
    }
}

const EXTENDED: u8 = 0x1f;
/// tcpdump's name for each class where it has no name for a type of it: its macro's parameter.
const CLASS: &str = "x";
const UNIVERSAL: [&str; 18] = [
    "U-0",
    "Boolean",
    "Integer",
    "Bitstring",
    "String",
    "Null",
    "ObjID",
    "ObjectDes",
    "U-8",
    "U-9",
    "U-10",
    "U-11",
    "U-12",
    "U-13",
    "U-14",
    "U-15",
    "Sequence",
    "Set",
];
const APPLICATION: [&str; 7] = [
    "IpAddress",
    "Counter",
    "Gauge",
    "TimeTicks",
    "Opaque",
    "C-5",
    "Counter64",
];
/// SNMP's messages (RFC 3416 section 3).
const PDUS: [&str; 9] = [
    "GetRequest",
    "GetNextRequest",
    "GetResponse",
    "SetRequest",
    "Trap",
    "GetBulk",
    "Inform",
    "V2Trap",
    "Report",
];
const EXCEPTIONS: [&str; 3] = ["noSuchObject", "noSuchInstance", "endOfMibView"];

/// Parts of the tree whose numbers are shown by a letter only, and how they are encoded.
const ABBREVIATIONS: [(&str, &[u8], &[u32]); 4] = [
    ("", &[43, 6, 1, 2, 1], &[1, 3, 6, 1, 2, 1]),
    ("E:", &[43, 6, 1, 4, 1], &[1, 3, 6, 1, 4, 1]),
    ("X:", &[43, 6, 1, 3], &[1, 3, 6, 1, 3]),
    ("S:", &[43, 6, 1, 6, 3], &[1, 3, 6, 1, 6, 3]),
];

impl Dissector<'_> {
    /// Takes the next element off `rest` if it is of the kind wanted; else says `complaint` and shows it.
    pub(super) fn ber_expect(
        &mut self,
        rest: &mut Rest,
        wanted: Kind,
        complaint: &'static str,
    ) -> Result<Element, Stop> {
        let element = self.ber(*rest)?;
        if element.kind != wanted {
            put!(self, "[", complaint, "]");
            self.ber_print(&element)?;
            return Err(Stop::Said);
        }
        rest.at += element.total as usize;
        rest.length = rest.length.wrapping_sub(element.total);
        Ok(element)
    }

    /// The next element; what makes it none is said.
    pub(super) fn ber(&mut self, rest: Rest) -> Result<Element, Stop> {
        let Rest { at, length } = rest;
        if length < 1 {
            put!(self, "[nothing to parse]");
            return Err(Stop::Said);
        }
        let first = self.u8(at)?;
        let (constructed, class) = (first & 0x20 != 0, usize::from(first >> 6));
        let (mut at, mut left) = (at + 1, length - 1);
        let id = self.ber_id(first, &mut at, &mut left)?;
        let content = self.ber_length(&mut at, &mut left)?;
        if left < content {
            put!(self, "[len", left, "<asnlen", content, "]");
            return Err(Stop::Said);
        }
        let name = match class {
            0 => UNIVERSAL.get(usize::from(id)),
            1 => APPLICATION.get(usize::from(id)),
            2 => PDUS.get(usize::from(id)),
            _ => ["P-0"].get(usize::from(id)),
        };
        let Some(&name) = name else {
            let form = if constructed { "C" } else { "P" };
            put!(self, "[id?", form, "/", CLASS, "/", id, "]");
            return Err(Stop::Said);
        };
        if !self.has(at, content as usize) {
            self.truncated();
            return Err(Stop::Said);
        }
        let mut element = Element {
            kind: kind(constructed, class, id),
            id,
            total: length - left + content,
            content: Rest {
                at,
                length: content,
            },
            number: 0,
        };
        match (element.kind, constructed, class) {
            (Kind::Octets, false, 0) => put!(self, "[P/U/", name, "]"),
            (Kind::Octets, false, 1) => put!(self, "[P/A/", name, "]"),
            (Kind::Octets, false, _) => put!(self, "[P/", CLASS, "/", name, "]"),
            (Kind::Octets, true, 0) => put!(self, "C/U/", name),
            (Kind::Octets, true, _) => put!(self, "C/", CLASS, "/", name),
            (Kind::Integer, ..) if content == 0 => {
                put!(self, "[asnlen=0]");
                return Err(Stop::Said);
            }
            (Kind::Integer, ..) => {
                let negative = self.u8(at)? & 0x80 != 0;
                element.number = self.ber_number(element.content, if negative { !0 } else { 0 })?;
            }
            (Kind::Unsigned, ..) => {
                element.number = self.ber_number(element.content, 0)? & 0xffff_ffff;
            }
            (Kind::Unsigned64, ..) => element.number = self.ber_number(element.content, 0)?,
            _ => {}
        }
        Ok(element)
    }

    fn ber_id(&mut self, first: u8, at: &mut usize, left: &mut u32) -> Result<u8, Stop> {
        let id = first & EXTENDED;
        if id != EXTENDED {
            return Ok(id);
        }
        // Seven bits to an octet, as long as the eighth is set; the lowest eight count.
        let mut id = 0u8;
        loop {
            let octet = self.u8(*at)?;
            if *left < 1 {
                put!(self, "[Xtagfield?]");
                return Err(Stop::Said);
            }
            id = id << 7 | octet & 0x7f;
            *left -= 1;
            *at += 1;
            if octet & 0x80 == 0 {
                return Ok(id);
            }
        }
    }

    fn ber_length(&mut self, at: &mut usize, left: &mut u32) -> Result<u32, Stop> {
        if *left < 1 {
            put!(self, "[no asnlen]");
            return Err(Stop::Said);
        }
        let first = self.u8(*at)?;
        *at += 1;
        *left -= 1;
        if first & 0x80 == 0 {
            return Ok(u32::from(first));
        }
        let octets = u32::from(first & 0x7f);
        if *left < octets {
            put!(self, "[asnlen? ", *left, "<", octets, "]");
            return Err(Stop::Said);
        }
        let Ok(said) = self.bytes.slice(*at, octets as usize) else {
            self.truncated();
            return Err(Stop::Said);
        };
        *at += octets as usize;
        *left -= octets;
        Ok(said
            .iter()
            .fold(0, |length, &octet| length << 8 | u32::from(octet)))
    }

    fn ber_number(&self, content: Rest, start: u64) -> Result<u64, Stop> {
        let octets = self.bytes.slice(content.at, content.length as usize)?;
        Ok(octets
            .iter()
            .fold(start, |number, &octet| number << 8 | u64::from(octet)))
    }

    /// Shows an element.
    pub(super) fn ber_print(&mut self, element: &Element) -> Result<(), Stop> {
        let content = element.content;
        match element.kind {
            Kind::Text => self.ber_text(content)?,
            Kind::Integer => put!(self, i64::from(element.integer())),
            Kind::Null => {}
            Kind::ObjectId => self.ber_object_id(content)?,
            Kind::Address => {
                if content.length != 4 {
                    put!(self, "[inetaddr len!=4]");
                }
                let octets = self.bytes.slice(content.at, content.length as usize)?;
                for (n, &octet) in octets.iter().enumerate() {
                    put!(self, if n > 0 { "." } else { "" }, octet);
                }
            }
            Kind::Unsigned | Kind::Unsigned64 => put!(self, element.number),
            Kind::Exception => {
                let name = EXCEPTIONS.get(usize::from(element.id)).copied();
                put!(self, "[", name.unwrap_or_default(), "]");
            }
            Kind::Sequence => put!(self, "Seq(", content.length, ")"),
            Kind::Pdu => {
                let name = PDUS.get(usize::from(element.id)).copied();
                put!(self, name.unwrap_or_default(), "(", content.length, ")");
            }
            Kind::Octets => self.ber_octets(content)?,
            Kind::Any => put!(self, "[BE_ANY!?]"),
        }
        Ok(())
    }

    pub(super) fn ber_octets(&mut self, content: Rest) -> Result<(), Stop> {
        let octets = self.bytes.slice(content.at, content.length as usize)?;
        for &octet in octets {
            put!(self, "_", HexZeros::<2>(u32::from(octet)));
        }
        Ok(())
    }

    /// Text, or octets if one of them is not for printing.
    pub(super) fn ber_text(&mut self, content: Rest) -> Result<(), Stop> {
        let octets = self.bytes.slice(content.at, content.length as usize)?;
        if octets.iter().all(|octet| (0x20..0x7f).contains(octet)) {
            put!(self, "\"", octets, "\"");
            return Ok(());
        }
        for (n, &octet) in octets.iter().enumerate() {
            let lead = if n > 0 { "_" } else { "" };
            put!(self, lead, HexZeros::<2>(u32::from(octet)));
        }
        Ok(())
    }

    fn ber_object_id(&mut self, content: Rest) -> Result<(), Stop> {
        let mut octets = self.bytes.slice(content.at, content.length as usize)?;
        let mut names = None;
        let mut dot = ".";
        if !self.options.numeric && octets.len() > 2 {
            for (prefix, encoded, numbers) in ABBREVIATIONS {
                if let Some(rest) = octets.strip_prefix(encoded) {
                    octets = rest;
                    names = Some(names::ROOT.below(numbers));
                    dot = "";
                    put!(self, prefix);
                    break;
                }
            }
        }
        let mut number = 0i32;
        for &octet in octets {
            number = number << 7 | i32::from(octet & 0x7f);
            if octet & 0x80 != 0 {
                continue;
            }
            if names.is_none() {
                // The first octet stands for two numbers (X.690 section 8.19.4).
                let start = if self.options.numeric {
                    Names::NONE
                } else {
                    names::ROOT
                };
                let top = (number / 40).min(2);
                names = Some(self.ber_object(start, top, dot));
                number = number.wrapping_sub(top.wrapping_mul(40));
            }
            names = names.map(|names| self.ber_object(names, number, dot));
            dot = ".";
            number = 0;
        }
        Ok(())
    }

    /// One number of an object's, by name if it has one; answers the names below it.
    fn ber_object(&mut self, names: Names, number: i32, dot: &'static str) -> Names {
        let number = number as u32;
        match names.of(number) {
            Some((name, below)) => {
                put!(self, dot, name);
                below
            }
            None => {
                put!(self, dot, number);
                Names::NONE
            }
        }
    }
}

fn kind(constructed: bool, class: usize, id: u8) -> Kind {
    match (constructed, class, id) {
        (false, 0, 2) => Kind::Integer,
        (false, 0, 4) => Kind::Text,
        (false, 0, 5) => Kind::Null,
        (false, 0, 6) => Kind::ObjectId,
        (false, 1, 0) => Kind::Address,
        (false, 1, 1..=3) => Kind::Unsigned,
        (false, 1, 6) => Kind::Unsigned64,
        (false, 2, 0..=2) => Kind::Exception,
        (false, 2, _) => Kind::Any,
        (true, 0, 16) => Kind::Sequence,
        (true, 2, _) => Kind::Pdu,
        _ => Kind::Octets,
    }
}
