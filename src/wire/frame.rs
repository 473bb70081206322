//! What a capture file says about one packet.

/// A link-layer header type, as capture files number them (<https://www.tcpdump.org/linktypes.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// IP without a link header.
    pub const RAW: Self = Self(101);
    /// IP without a link header, as some files number it.
    pub const RAW_OPENBSD: Self = Self(14);
    /// IP without a link header, as BSD's own DLT numbers it.
    pub const RAW_DLT: Self = Self(12);
    /// OpenBSD loopback: address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, 16 octets.
    pub const LINUX_SLL: Self = Self(113);
    /// IPv4 without a link header.
    pub const IPV4: Self = Self(228);
    /// IPv6 without a link header.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture version 2, 20 octets, with the interface index.
    pub const LINUX_SLL2: Self = Self(276);

    /// Whether the header of this link type is understood.
    pub fn is_known(self) -> bool {
        matches!(
            self,
            Self::NULL
                | Self::ETHERNET
                | Self::RAW
                | Self::RAW_OPENBSD
                | Self::RAW_DLT
                | Self::LOOP
                | Self::LINUX_SLL
                | Self::IPV4
                | Self::IPV6
                | Self::LINUX_SLL2
        )
    }
}

/// When a packet was captured. The fraction is kept as the file has it, even past a second, since tcpdump
/// prints it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// Nanoseconds on top, usually below 1,000,000,000.
    pub nanos: u64,
}

impl Timestamp {
    /// From seconds and microseconds.
    pub fn from_micros(seconds: i64, microseconds: u64) -> Self {
        Self {
            seconds,
            nanos: microseconds.saturating_mul(1000),
        }
    }

    /// Nanoseconds since 1970.
    pub fn as_nanos(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos)
    }
}

/// One captured packet.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What the first bytes are.
    pub link: LinkType,
    /// When it was captured.
    pub time: Timestamp,
    /// Octets the packet had on the wire (with a cooked header: those of the header too).
    pub length: u32,
    /// The octets that were captured, at most `length` of them.
    pub bytes: &'a [u8],
}
