//! The echo request that an ICMP error quotes (RFC 792, RFC 4443 section 2.4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Echo;
use crate::wire::bytes::Bytes;
use crate::wire::ip::{v4, v6};
use crate::wire::packet::Kind;

/// The echo request that an error quotes.
pub(super) fn quoted_echo(bytes: &Bytes<'_>, at: usize, kind: Kind) -> Option<Echo> {
    let (source, destination, icmp, request): (IpAddr, IpAddr, usize, u8) = match kind {
        Kind::Icmp => {
            let first = bytes.u8(at).ok()?;
            let fragment = bytes.u16(at + v4::FRAGMENT).ok()? & v4::OFFSET_MASK;
            if first >> 4 != 4 || bytes.u8(at + v4::PROTOCOL).ok()? != 1 || fragment != 0 {
                return None;
            }
            (
                Ipv4Addr::from(bytes.array::<4>(at + v4::SOURCE).ok()?).into(),
                Ipv4Addr::from(bytes.array::<4>(at + v4::DESTINATION).ok()?).into(),
                at + usize::from(first & 15) * 4,
                8,
            )
        }
        _ => {
            if bytes.u8(at).ok()? >> 4 != 6 || bytes.u8(at + v6::NEXT_HEADER).ok()? != 58 {
                return None;
            }
            (
                Ipv6Addr::from(bytes.array::<16>(at + v6::SOURCE).ok()?).into(),
                Ipv6Addr::from(bytes.array::<16>(at + v6::DESTINATION).ok()?).into(),
                at + v6::HEADER_LENGTH,
                128,
            )
        }
    };
    if bytes.u8(icmp).ok()? != request {
        return None;
    }
    Some(Echo {
        source,
        destination,
        id: bytes.u16(icmp + 4).ok()?,
        sequence: bytes.u16(icmp + 6).ok()?,
    })
}
