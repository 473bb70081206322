//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers, and the numbers of what they carry.

/// The IPv4 header.
pub mod v4 {
    /// Octets without options.
    pub const HEADER_LENGTH: usize = 20;
    /// Version and header length.
    pub const VERSION: usize = 0;
    /// Type of service.
    pub const TOS: usize = 1;
    /// Octets of header and payload.
    pub const TOTAL_LENGTH: usize = 2;
    /// Identification.
    pub const ID: usize = 4;
    /// Flags and fragment offset.
    pub const FRAGMENT: usize = 6;
    /// Time to live.
    pub const TTL: usize = 8;
    /// Protocol of the payload.
    pub const PROTOCOL: usize = 9;
    /// Header checksum.
    pub const CHECKSUM: usize = 10;
    /// Source address.
    pub const SOURCE: usize = 12;
    /// Destination address.
    pub const DESTINATION: usize = 16;
    /// First option.
    pub const OPTIONS: usize = 20;

    /// "Reserved" bit of the flags (RFC 3514 calls it evil).
    pub const RESERVED: u16 = 0x8000;
    /// "Don't fragment".
    pub const DONT_FRAGMENT: u16 = 0x4000;
    /// "More fragments".
    pub const MORE_FRAGMENTS: u16 = 0x2000;
    /// The fragment offset, in units of 8 octets.
    pub const OFFSET_MASK: u16 = 0x1fff;
}

/// The IPv6 header.
pub mod v6 {
    /// Octets of the fixed header.
    pub const HEADER_LENGTH: usize = 40;
    /// Version, traffic class, flow label.
    pub const FLOW: usize = 0;
    /// Octets after the fixed header.
    pub const PAYLOAD_LENGTH: usize = 4;
    /// What follows the fixed header.
    pub const NEXT_HEADER: usize = 6;
    /// Hop limit.
    pub const HOP_LIMIT: usize = 7;
    /// Source address.
    pub const SOURCE: usize = 8;
    /// Destination address.
    pub const DESTINATION: usize = 24;
}

/// A protocol number (IPv4 protocol, IPv6 next header).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Protocol(pub u8);

#[allow(missing_docs)]
impl Protocol {
    pub const HOP_BY_HOP: Self = Self(0);
    pub const ICMP: Self = Self(1);
    pub const IGMP: Self = Self(2);
    pub const IPV4: Self = Self(4);
    pub const TCP: Self = Self(6);
    pub const UDP: Self = Self(17);
    pub const DCCP: Self = Self(33);
    pub const IPV6: Self = Self(41);
    pub const ROUTING: Self = Self(43);
    pub const FRAGMENT: Self = Self(44);
    pub const GRE: Self = Self(47);
    pub const ESP: Self = Self(50);
    pub const AH: Self = Self(51);
    pub const ICMPV6: Self = Self(58);
    pub const NONE: Self = Self(59);
    pub const DESTINATION_OPTIONS: Self = Self(60);
    pub const OSPF: Self = Self(89);
    pub const PIM: Self = Self(103);
    pub const IPCOMP: Self = Self(108);
    pub const VRRP: Self = Self(112);
    pub const SCTP: Self = Self(132);
    pub const MOBILITY: Self = Self(135);
    /// The mobility header before it had a number of its own.
    pub const MOBILITY_OLD: Self = Self(62);
    pub const ETHERNET: Self = Self(143);

    /// tcpdump's name, as `-v` prints it.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "Options",
            1 => "ICMP",
            2 => "IGMP",
            4 => "IPIP",
            6 => "TCP",
            8 => "EGP",
            9 => "IGRP",
            17 => "UDP",
            33 => "DCCP",
            41 => "IPv6",
            43 => "Routing",
            44 => "Fragment",
            46 => "RSVP",
            47 => "GRE",
            50 => "ESP",
            51 => "AH",
            55 => "Mobile IP",
            58 => "ICMPv6",
            62 => "Mobile IP (old)",
            88 => "EIGRP",
            89 => "OSPF",
            103 => "PIM",
            108 => "Compressed IP",
            112 => "VRRP",
            113 => "PGM",
            132 => "SCTP",
            135 => "Mobility",
            143 => "Ethernet",
            _ => return None,
        })
    }

    /// The keyword of IANA's protocol registry in `/etc/protocols` spelling, which tcpdump prints without
    /// `-n`.
    pub fn keyword(self) -> Option<&'static str> {
        KEYWORDS
            .get(usize::from(self.0))
            .copied()
            .filter(|name| !name.is_empty())
            .or(match self.0 {
                253 => Some("exptest-253"),
                254 => Some("exptest-254"),
                255 => Some("reserved"),
                _ => None,
            })
    }
}

#[rustfmt::skip]
const KEYWORDS: [&str; 143] = [
    "hopopt", "icmp", "igmp", "ggp", "ipencap", "st", "tcp", "cbt", "egp", "igp",
    "bbn-rcc-mon", "nvp-ii", "pup", "argus", "emcon", "xnet", "chaos", "udp", "mux", "dcn-meas",
    "hmp", "prm", "xns-idp", "trunk-1", "trunk-2", "leaf-1", "leaf-2", "rdp", "irtp", "iso-tp4",
    "netblt", "mfe-nsp", "merit-inp", "dccp", "3pc", "idpr", "xtp", "ddp", "idpr-cmtp", "tp++",
    "il", "ipv6", "sdrp", "ipv6-route", "ipv6-frag", "idrp", "rsvp", "gre", "dsr", "bna",
    "esp", "ah", "i-nlsp", "swipe", "narp", "mobile", "tlsp", "skip", "ipv6-icmp", "ipv6-nonxt",
    "ipv6-opts", "", "cftp", "", "sat-expak", "kryptolan", "rvd", "ippc", "", "sat-mon",
    "visa", "ipcv", "cpnx", "rspf", "wsn", "pvp", "br-sat-mon", "sun-nd", "wb-mon", "wb-expak",
    "iso-ip", "vmtp", "secure-vmtp", "vines", "ttp", "nsfnet-igp", "dgp", "tcf", "eigrp", "ospf",
    "sprite-rpc", "larp", "mtp", "ax.25", "ipip", "micp", "scc-sp", "etherip", "encap", "",
    "gmtp", "ifmp", "pnni", "pim", "aris", "scps", "qnx", "a/n", "ipcomp", "snp",
    "compaq-peer", "ipx-in-ip", "vrrp", "pgm", "", "l2tp", "ddx", "iatp", "stp", "srp",
    "uti", "smp", "sm", "ptp", "isis", "fire", "crtp", "crudp", "sscopmce", "iplt",
    "sps", "pipe", "sctp", "fc", "rsvp-e2e-ignore", "mobility-header", "udplite", "mpls-in-ip", "manet", "hip",
    "shim6", "wesp", "rohc",
];
