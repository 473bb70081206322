//! A 48-bit hardware address.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An Ethernet address, written `ee:ee:ee:ee:ee:ee`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The address that no device has. In a VXLAN forwarding table it stands for every destination
    /// without an entry of its own: the flooding list (`drivers/net/vxlan/vxlan_core.c`).
    pub const ZERO: Self = Self([0; 6]);

    /// The address of `bytes`, if there are exactly six.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Whether the group bit is set: multicast or broadcast (IEEE 802-2014 §8.2.2).
    pub fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not six hexadecimal octets joined by colons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a MAC address such as 66:5a:18:78:e4:a8")]
pub struct ParseMacError(String);

impl FromStr for Mac {
    type Err = ParseMacError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseMacError(text.to_owned());
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().ok_or_else(wrong)?;
            if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(wrong());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        if parts.next().is_some() {
            Err(wrong())
        } else {
            Ok(Self(octets))
        }
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_both_ways() {
        let mac = Mac([0x66, 0x5a, 0x18, 0x78, 0xe4, 0xa8]);
        assert_eq!(mac.to_string(), "66:5a:18:78:e4:a8");
        assert_eq!("66:5A:18:78:e4:a8".parse(), Ok(mac));
        assert_eq!("8:0:27:3d:0:b".parse(), Ok(Mac([8, 0, 0x27, 0x3d, 0, 0xb])));
    }

    #[test]
    fn what_is_not_a_mac_is_refused() {
        for text in [
            "",
            "66:5a:18:78:e4",
            "66:5a:18:78:e4:a8:00",
            "66:5a:18:78:e4:+8",
            "66-5a",
        ] {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }
}
