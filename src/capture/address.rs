//! Who a packet is from and for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::bytes::Bytes;
use crate::wire::ip::{v4, v6};
use crate::wire::packet::{Kind, Layer};

/// Source, destination and time to live of an IP header.
pub fn addresses(bytes: &Bytes<'_>, ip: &Layer) -> Option<(IpAddr, IpAddr, u8)> {
    let at = ip.header.start;
    match ip.kind {
        Kind::Ipv4 => {
            let address = |offset| bytes.array::<4>(at + offset).ok().map(Ipv4Addr::from);
            Some((
                address(v4::SOURCE)?.into(),
                address(v4::DESTINATION)?.into(),
                bytes.u8(at + v4::TTL).ok()?,
            ))
        }
        Kind::Ipv6 => {
            let address = |offset| bytes.array::<16>(at + offset).ok().map(Ipv6Addr::from);
            Some((
                address(v6::SOURCE)?.into(),
                address(v6::DESTINATION)?.into(),
                bytes.u8(at + v6::HOP_LIMIT).ok()?,
            ))
        }
        _ => None,
    }
}
