//! How the octets of a captured packet begin.

/// A `LINKTYPE_` value as capture files hold it (<https://www.tcpdump.org/linktypes.html>). libpcap's
/// programming interface uses `DLT_` values, which differ for a few old types: see [`LinkType::dlt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: a 4-octet address family in the capturing machine's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IPv4 or IPv6, told apart by the version field.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: a 4-octet address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture, version 1: what `-i any` gave for twenty years.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" capture, version 2, which names the interface.
    pub const LINUX_SLL2: Self = Self(276);

    /// The file value of one of libpcap's `DLT_` values, on Linux.
    pub fn from_dlt(dlt: i32) -> Self {
        let value = u32::try_from(dlt).unwrap_or(u32::MAX);
        Self(
            MOVED
                .iter()
                .find(|(_, moved)| *moved == value)
                .map_or(value, |(file, _)| *file),
        )
    }

    /// libpcap's `DLT_` value on Linux (`pcap-common.c`, `linktype_to_dlt`).
    pub fn dlt(self) -> i32 {
        let value = MOVED
            .iter()
            .find(|(file, _)| *file == self.0)
            .map_or(self.0, |(_, dlt)| *dlt);
        i32::try_from(value).unwrap_or(i32::MAX)
    }
}

impl LinkType {
    /// libpcap's name, such as `LINUX_SLL`; the number when it has none.
    pub fn name(self) -> String {
        pcap::Linktype(self.dlt())
            .get_name()
            .unwrap_or_else(|_| self.0.to_string())
    }

    /// libpcap's words for it, such as `Linux cooked v1`.
    pub fn description(self) -> Option<String> {
        pcap::Linktype(self.dlt()).get_description().ok()
    }
}

/// (`LINKTYPE_`, `DLT_`) where the two differ on Linux.
const MOVED: [(u32, u32); 5] = [
    (100, 11), // ATM_RFC1483
    (101, 12), // RAW
    (102, 15), // SLIP_BSDOS
    (103, 16), // PPP_BSDOS
    (106, 19), // ATM_CLIP
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_has_another_number_in_the_api() {
        assert_eq!(LinkType::RAW.dlt(), 12);
        assert_eq!(LinkType::from_dlt(12), LinkType::RAW);
        assert_eq!(LinkType::LINUX_SLL2.dlt(), 276);
        assert_eq!(LinkType::from_dlt(1), LinkType::ETHERNET);
    }
}
