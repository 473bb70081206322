//! Options of the protocols by which the ends of a link agree: LCP (RFC 1661 section 6), IPCP (RFC 1332,
//! RFC 1877), IPv6CP (RFC 5072), CCP (RFC 1962) and BACP (RFC 2125).

use super::{BACP, CCP, CHAP, IPCP, IPV6CP, LCP, protocol_name};
use crate::wire::bytes::Read;
use crate::wire::oui;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{Hex, HexZeros, put};

/// Octets of an option's head: kind and length.
const HEADER: usize = 2;

const LCP_OPTIONS: [&str; 31] = [
    "Vend-Ext",
    "MRU",
    "ACCM",
    "Auth-Prot",
    "Qual-Prot",
    "Magic-Num",
    "deprecated(6)",
    "PFC",
    "ACFC",
    "FCS-Alt",
    "SDP",
    "Num-Mode",
    "deprecated(12)",
    "Call-Back",
    "deprecated(14)",
    "deprecated(15)",
    "deprecated(16)",
    "MRRU",
    "12-Bit seq #",
    "End-Disc",
    "Proprietary",
    "DCE-Id",
    "MP+",
    "Link-Disc",
    "LCP-Auth-Opt",
    "COBS",
    "Prefix-elision",
    "Multilink-header-Form",
    "I18N",
    "SDL-over-SONET/SDH",
    "PPP-Muxing",
];

/// How an option's text ends.
enum End {
    /// With all of it shown.
    Whole,
    /// With its length, which is wrong; the next option follows.
    Wrong,
    /// So that no other option can follow.
    Last,
}

impl Dissector<'_> {
    /// One option, of at most `most` octets; answers how many it has, or 0 if no other follows.
    pub(super) fn ppp_option(&mut self, protocol: u16, at: usize, most: u32) -> Read<u32> {
        if most < HEADER as u32 {
            return Ok(0);
        }
        if !self.has(at, HEADER) {
            let name = match protocol {
                LCP => "[|lcp]",
                IPCP => "[|ipcp]",
                IPV6CP => "[|ip6cp]",
                CCP => "[|ccp]",
                BACP => "[|bacp]",
                _ => "",
            };
            put!(self, name);
            return Ok(0);
        }
        let (kind, length) = (self.u8(at)?, usize::from(self.u8(at + 1)?));
        let Some(name) = option_name(protocol, kind) else {
            return Ok(0);
        };
        if most < length as u32 {
            return Ok(0);
        }
        let number = HexZeros::<2>(u32::from(kind));
        if name.is_empty() {
            put!(self, "\n\tunknown LCP option 0x", number);
            return Ok(if length < HEADER { 0 } else { length as u32 });
        }
        put!(
            self,
            "\n\t  ",
            name,
            " Option (0x",
            number,
            "), length ",
            length
        );
        if length < HEADER {
            put!(self, " (length bogus, should be >= 2)");
            return Ok(0);
        }
        let end = match protocol {
            LCP => self.ppp_lcp(kind, at, length)?,
            IPCP => self.ppp_ipcp(kind, at, length)?,
            IPV6CP => self.ppp_ipv6cp(kind, at, length)?,
            CCP => self.ppp_ccp(kind, at, length)?,
            _ => self.ppp_bacp(kind, at, length)?,
        };
        match end {
            End::Whole => {
                if self.options.verbosity > 1 {
                    self.unknown_data("\n\t    ", at + HEADER, length - HEADER);
                }
                Ok(length as u32)
            }
            End::Wrong => Ok(length as u32),
            End::Last => Ok(0),
        }
    }

    fn ppp_should_be(&mut self, relation: &'static str, octets: usize) {
        put!(
            self,
            " (length bogus, should be ",
            relation,
            " ",
            octets,
            ")"
        );
    }

    fn ppp_unknown(&mut self, at: usize, length: usize) -> End {
        if self.options.verbosity < 2 {
            self.unknown_data("\n\t    ", at + HEADER, length - HEADER);
        }
        End::Whole
    }

    fn ppp_lcp(&mut self, kind: u8, at: usize, length: usize) -> Read<End> {
        let (relation, octets, otherwise) = match kind {
            0 => (">=", 6, End::Wrong),
            1 => ("=", 4, End::Wrong),
            2 => ("=", 6, End::Wrong),
            3 => (">=", 4, End::Wrong),
            4 => (">=", 4, End::Last),
            5 => ("=", 6, End::Last),
            13 | 19 => (">=", 3, End::Last),
            17 | 23 => ("=", 4, End::Last),
            _ => (">=", 0, End::Last),
        };
        if length < octets || relation == "=" && length != octets {
            self.ppp_should_be(relation, octets);
            return Ok(otherwise);
        }
        let value = at + HEADER;
        match kind {
            0 => {
                let vendor = self.u24(value)?;
                let name = oui::name(vendor).unwrap_or("Unknown");
                put!(self, ": Vendor: ", name, " (", vendor, ")");
            }
            1 | 17 => put!(self, ": ", self.u16(value)?),
            2 | 5 => put!(self, ": 0x", HexZeros::<8>(self.u32(value)?)),
            3 => {
                let protocol = self.u16(value)?;
                // tcpdump's text for a number that it does not know lacks the sign that would show it.
                let name = protocol_name(protocol).unwrap_or("Unknown Auth Proto (0x04x)");
                put!(self, ": ", name);
                match protocol {
                    CHAP => match self.u8(value + 2)? {
                        5 => put!(self, ", MD5"),
                        128 => put!(self, ", MS-CHAPv1"),
                        129 => put!(self, ", MS-CHAPv2"),
                        other => put!(self, ", Unknown Auth Alg ", other),
                    },
                    0xc023 | 0xc227 | 0xc027 | 0xc123 => {}
                    _ => self.unknown_data("\n\t", at, length),
                }
            }
            4 => {
                let is_report = self.u16(value)? == 0xc025;
                put!(self, if is_report { ": LQR" } else { ": unknown" });
            }
            7 | 8 => {}
            13 => {
                put!(self, ": ");
                let operation = self.u8(value)?;
                let name = match operation {
                    0 => "UserAuth",
                    1 => "DialString",
                    2 => "LocalID",
                    3 => "E.164",
                    4 => "X.500",
                    6 => "CBCP",
                    _ => "Unknown",
                };
                put!(self, ": Callback Operation ", name, " (", operation, ")");
            }
            19 => return self.ppp_endpoint(at, length),
            23 => put!(self, ": 0x", HexZeros::<4>(u32::from(self.u16(value)?))),
            _ => return Ok(self.ppp_unknown(at, length)),
        }
        Ok(End::Whole)
    }

    /// Which system is at this end of several links (RFC 1990 section 5.1.3).
    fn ppp_endpoint(&mut self, at: usize, length: usize) -> Read<End> {
        let class = self.u8(at + 2)?;
        match class {
            0 => put!(self, ": Null"),
            1 => put!(self, ": Local"),
            2 | 3 => {
                let octets = if class == 2 { 7 } else { 9 };
                if length != octets {
                    self.ppp_should_be("=", octets);
                    return Ok(End::Last);
                }
                if class == 2 {
                    put!(self, ": IPv4 ", self.v4(at + 3)?);
                } else {
                    put!(self, ": MAC ", self.mac(at + 3)?);
                }
            }
            4 => put!(self, ": Magic-Num-Block"),
            5 => put!(self, ": PSNDN"),
            _ => put!(self, ": Unknown class ", class),
        }
        Ok(End::Whole)
    }

    fn ppp_ipcp(&mut self, kind: u8, at: usize, length: usize) -> Read<End> {
        let value = at + HEADER;
        match kind {
            1 if length != 10 => {
                self.ppp_should_be("=", 10);
                return Ok(End::Wrong);
            }
            1 => put!(
                self,
                ": src ",
                self.v4(value)?,
                ", dst ",
                self.v4(value + 4)?
            ),
            2 if length < 4 => {
                self.ppp_should_be(">=", 4);
                return Ok(End::Last);
            }
            2 => return self.ppp_compression(at, length),
            3 | 4 | 129..=132 if length != 6 => {
                self.ppp_should_be("=", 6);
                return Ok(End::Last);
            }
            3 | 4 | 129..=132 => put!(self, ": ", self.v4(value)?),
            _ => return Ok(self.ppp_unknown(at, length)),
        }
        Ok(End::Whole)
    }

    /// How IP's headers are compressed (RFC 1332 section 3.2, RFC 3544 section 2.1).
    fn ppp_compression(&mut self, at: usize, length: usize) -> Read<End> {
        const LEAST: usize = 14;
        let protocol = self.u16(at + HEADER)?;
        let name = match protocol {
            0x002d => "VJ-Comp",
            0x0061 => "IP Header Compression",
            _ => "Unknown",
        };
        put!(
            self,
            ": ",
            name,
            " (0x",
            HexZeros::<2>(u32::from(protocol)),
            "):"
        );
        if protocol != 0x0061 {
            return Ok(End::Whole);
        }
        if length < LEAST {
            self.ppp_should_be(">=", LEAST);
            return Ok(End::Last);
        }
        if !self.has(at + HEADER, LEAST) {
            put!(self, "[|ipcp]");
            return Ok(End::Last);
        }
        put!(
            self,
            "\n\t    TCP Space ",
            self.u16(at + 4)?,
            ", non-TCP Space ",
            self.u16(at + 6)?,
            ", maxPeriod ",
            self.u16(at + 8)?,
            ", maxTime ",
            self.u16(at + 10)?,
            ", maxHdr ",
            self.u16(at + 12)?
        );
        let (mut place, mut left) = (at + LEAST, length - LEAST);
        if left > 0 {
            put!(self, "\n\t      Suboptions, length ", left);
        }
        while left >= 2 {
            if !self.has(place, 2) {
                put!(self, "[|ipcp]");
                return Ok(End::Last);
            }
            let (kind, octets) = (self.u8(place)?, usize::from(self.u8(place + 1)?));
            if kind == 0 || octets == 0 {
                break;
            }
            let name = match kind {
                1 => "RTP-Compression",
                2 => "Enhanced RTP-Compression",
                _ => "Unknown",
            };
            put!(
                self,
                "\n\t\t",
                name,
                " Suboption #",
                kind,
                ", length ",
                octets
            );
            if left < octets {
                put!(
                    self,
                    " [remaining suboptions length ",
                    left,
                    " < ",
                    octets,
                    "]"
                );
                self.invalid();
                break;
            }
            place += octets;
            left -= octets;
        }
        if self.options.verbosity > 1 {
            // tcpdump has lost the option's start by now.
            let start = if length > LEAST { place } else { at };
            self.unknown_data("\n\t    ", start + HEADER, length - HEADER);
        }
        Ok(End::Wrong)
    }

    fn ppp_ipv6cp(&mut self, kind: u8, at: usize, length: usize) -> Read<End> {
        if kind != 1 {
            return Ok(self.ppp_unknown(at, length));
        }
        if length != 10 {
            self.ppp_should_be("=", 10);
            return Ok(End::Wrong);
        }
        if !self.has(at + HEADER, 8) {
            put!(self, "[|ip6cp]");
            return Ok(End::Last);
        }
        for (lead, place) in [(": ", 2), (":", 4), (":", 6), (":", 8)] {
            put!(self, lead, HexZeros::<4>(u32::from(self.u16(at + place)?)));
        }
        Ok(End::Whole)
    }

    fn ppp_ccp(&mut self, kind: u8, at: usize, length: usize) -> Read<End> {
        let least = match kind {
            21 => 3,
            24 | 26 => 4,
            _ => return Ok(self.ppp_unknown(at, length)),
        };
        if length < least {
            self.ppp_should_be(">=", least);
            return Ok(End::Wrong);
        }
        let first = self.u8(at + 2)?;
        match kind {
            21 => put!(
                self,
                ": Version: ",
                first >> 5,
                ", Dictionary Bits: ",
                first & 0x1f
            ),
            24 => put!(
                self,
                ": Features: ",
                first >> 6,
                ", PxP: ",
                if first & 0x20 != 0 {
                    "Enabled"
                } else {
                    "Disabled"
                },
                ", History: ",
                first & 0x1f,
                ", #CTX-ID: ",
                self.u8(at + 3)?
            ),
            _ => {
                let second = self.u8(at + 3)?;
                let method = u32::from(first & 0x0f);
                put!(
                    self,
                    ": Window: ",
                    first >> 4,
                    "K, Method: ",
                    if method == 8 { "zlib" } else { "unknown" },
                    " (0x",
                    Hex(method),
                    "), MBZ: ",
                    second >> 2,
                    ", CHK: ",
                    second & 3
                );
            }
        }
        Ok(End::Whole)
    }

    fn ppp_bacp(&mut self, kind: u8, at: usize, length: usize) -> Read<End> {
        if kind != 1 {
            return Ok(self.ppp_unknown(at, length));
        }
        if length != 6 {
            self.ppp_should_be("=", 6);
            return Ok(End::Wrong);
        }
        put!(
            self,
            ": Magic-Num 0x",
            HexZeros::<8>(self.u32(at + HEADER)?)
        );
        Ok(End::Whole)
    }
}

/// An option's name, empty for one of LCP's that has none; nothing for a protocol whose options are not shown.
fn option_name(protocol: u16, kind: u8) -> Option<&'static str> {
    Some(match (protocol, kind) {
        (LCP, _) => LCP_OPTIONS.get(usize::from(kind)).copied().unwrap_or(""),
        (IPCP, 1) => "IP-Addrs",
        (IPCP, 2) => "IP-Comp",
        (IPCP, 3) => "IP-Addr",
        (IPCP, 4) => "Home-Addr",
        (IPCP, 129) => "Pri-DNS",
        (IPCP, 130) => "Pri-NBNS",
        (IPCP, 131) => "Sec-DNS",
        (IPCP, 132) => "Sec-NBNS",
        (IPV6CP, 1) => "Interface-ID",
        (BACP, 1) => "Favored-Peer",
        (IPCP | IPV6CP, _) => "unknown",
        (CCP, _) => compression_name(kind).unwrap_or("Unknown"),
        (BACP, _) => "Unknown",
        _ => return None,
    })
}

fn compression_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "OUI",
        1 => "Pred-1",
        2 => "Pred-2",
        3 => "Puddle",
        16 => "HP-PPC",
        17 => "Stac-LZS",
        18 => "MPPC",
        19 => "Gand-FZA",
        20 => "V.42bis",
        21 => "BSD-Comp",
        23 => "LZS-DCP",
        24 => "MVRCA",
        25 => "DEC",
        26 => "Deflate",
        255 => "Reserved",
        _ => return None,
    })
}
