//! Netlink attributes, read leniently.
//!
//! A snapshot must come out of any kernel, also one newer than this program. So an attribute of an
//! unknown kind or an unexpected length is passed over, and costs nothing but itself; the row it stands
//! in is kept. That is why the strict messages of `netlink-packet-route`, which the engine uses for what
//! it writes itself, are not used here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plugin_core::mac::Mac;

/// `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`: flags in the type of an attribute.
const TYPE_MASK: u16 = 0x3fff;

/// The attributes in a piece of a message, in order. Ends at the first that does not fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The attributes behind a fixed header of `length` octets.
    pub(super) fn behind(payload: &'a [u8], length: usize) -> Self {
        Self(payload.get(length..).unwrap_or_default())
    }

    /// The first attribute of that kind.
    pub(super) fn get(mut self, kind: u16) -> Option<Value<'a>> {
        self.find(|(found, _)| *found == kind)
            .map(|(_, value)| value)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let &[a, b, c, d] = self.0.get(..4)? else {
            return None;
        };
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let kind = u16::from_ne_bytes([c, d]) & TYPE_MASK;
        let value = self.0.get(4..length)?;
        // Attributes are aligned to four octets; the last one may end without its padding.
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, Value(value)))
    }
}

/// The value of an attribute. Each reader returns `None` for a value of another length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a>(pub(super) &'a [u8]);

impl<'a> Value<'a> {
    pub(super) fn u8(self) -> Option<u8> {
        self.0.first().copied()
    }

    pub(super) fn flag(self) -> bool {
        self.u8().is_some_and(|value| value != 0)
    }

    pub(super) fn u16(self) -> Option<u16> {
        self.0.try_into().ok().map(u16::from_ne_bytes)
    }

    pub(super) fn u32(self) -> Option<u32> {
        self.0.try_into().ok().map(u32::from_ne_bytes)
    }

    pub(super) fn i32(self) -> Option<i32> {
        self.0.try_into().ok().map(i32::from_ne_bytes)
    }

    pub(super) fn u64(self) -> Option<u64> {
        self.0.try_into().ok().map(u64::from_ne_bytes)
    }

    /// A number in network byte order.
    pub(super) fn be16(self) -> Option<u16> {
        self.0.try_into().ok().map(u16::from_be_bytes)
    }

    /// A number in network byte order.
    pub(super) fn be32(self) -> Option<u32> {
        self.0.try_into().ok().map(u32::from_be_bytes)
    }

    /// A number in network byte order.
    pub(super) fn be64(self) -> Option<u64> {
        self.0.try_into().ok().map(u64::from_be_bytes)
    }

    /// Text up to the first zero.
    pub(super) fn text(self) -> String {
        let text = self.0.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    pub(super) fn mac(self) -> Option<Mac> {
        Mac::from_slice(self.0)
    }

    /// An address: IPv4 of four octets, IPv6 of sixteen.
    pub(super) fn ip(self) -> Option<IpAddr> {
        if let Ok(octets) = <[u8; 4]>::try_from(self.0) {
            Some(Ipv4Addr::from(octets).into())
        } else if let Ok(octets) = <[u8; 16]>::try_from(self.0) {
            Some(Ipv6Addr::from(octets).into())
        } else {
            None
        }
    }

    /// An address that is not the unspecified one, by which the kernel means "none".
    pub(super) fn specified_ip(self) -> Option<IpAddr> {
        self.ip().filter(|ip| !ip.is_unspecified())
    }

    pub(super) fn nested(self) -> Attributes<'a> {
        Attributes(self.0)
    }

    /// The number at the place `index` of an array of 32-bit numbers.
    pub(super) fn i32_at(self, index: usize) -> Option<i32> {
        let start = index * 4;
        Value(self.0.get(start..start + 4)?).i32()
    }

    /// The number at the place `index` of an array of 64-bit numbers.
    pub(super) fn u64_at(self, index: usize) -> Option<u64> {
        let start = index * 8;
        Value(self.0.get(start..start + 8)?).u64()
    }

    /// A 32-bit number at a place in octets of a structure.
    pub(super) fn u32_in(self, offset: usize) -> Option<u32> {
        Value(self.0.get(offset..offset + 4)?).u32()
    }

    /// A 16-bit number at a place in octets of a structure.
    pub(super) fn u16_in(self, offset: usize) -> Option<u16> {
        Value(self.0.get(offset..offset + 2)?).u16()
    }
}

/// Attributes for a request or a test, in the kernel's shape.
#[derive(Debug, Clone, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    /// Starts behind a fixed header.
    pub(super) fn behind(header: &[u8]) -> Self {
        Self(header.to_vec())
    }

    /// Adds an attribute.
    pub(super) fn put(mut self, kind: u16, value: &[u8]) -> Self {
        // Requests of this program are a few dozen octets; what does not fit is refused by the kernel.
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Adds a number.
    pub(super) fn put_u32(self, kind: u16, value: u32) -> Self {
        self.put(kind, &value.to_ne_bytes())
    }

    /// Adds attributes in an attribute.
    pub(super) fn nest(self, kind: u16, inner: Self) -> Self {
        self.put(kind | 0x8000, &inner.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_to_the_end_and_not_beyond() {
        let bytes = Writer::default()
            .put(3, b"eth0\0")
            .put_u32(4, 1450)
            .nest(18, Writer::default().put(1, b"veth\0"))
            .0;
        let attributes = Attributes(&bytes);
        assert_eq!(attributes.get(3).unwrap().text(), "eth0");
        assert_eq!(attributes.get(4).unwrap().u32(), Some(1450));
        let info = attributes.get(18).unwrap().nested();
        assert_eq!(info.get(1).unwrap().text(), "veth");
        assert_eq!(attributes.count(), 3);
    }

    #[test]
    fn broken_lengths_end_the_walk() {
        assert_eq!(Attributes(&[]).count(), 0);
        assert_eq!(Attributes(&[8, 0, 1]).count(), 0);
        assert_eq!(
            Attributes(&[0, 0, 1, 0, 9, 9, 9, 9]).count(),
            0,
            "zero must not loop"
        );
        assert_eq!(Attributes(&[200, 0, 1, 0, 1, 2, 3, 4]).count(), 0);
        // The padding of the last attribute may be missing.
        assert_eq!(Attributes(&[5, 0, 1, 0, 7]).next().unwrap().1.u8(), Some(7));
    }

    #[test]
    fn a_value_of_another_length_is_not_a_number() {
        assert_eq!(Value(&[1, 2, 3]).u32(), None);
        assert_eq!(Value(&[1, 2, 3]).ip(), None);
        assert_eq!(Value(&[0; 4]).specified_ip(), None);
        assert_eq!(Value(&[1, 0, 0, 0, 2]).i32_at(1), None);
    }
}
