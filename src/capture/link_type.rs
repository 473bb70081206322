//! Link types as libpcap's programming interface knows them: `DLT_` values, which differ from the
//! `LINKTYPE_` values of capture files for a few old types, and their names.

use crate::wire::LinkType;

impl LinkType {
    /// A type that no file has: libpcap's numbers are not negative.
    pub const UNKNOWN: Self = Self(u32::MAX);

    /// The file value of one of libpcap's `DLT_` values, on Linux.
    pub fn from_dlt(dlt: i32) -> Self {
        let Ok(value) = u32::try_from(dlt) else {
            return Self::UNKNOWN;
        };
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
