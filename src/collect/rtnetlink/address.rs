//! Addresses (`RTM_GETADDR`).

use std::net::IpAddr;

use plugin_core::netlink::Socket;

use super::{Message, UNSPEC, table};
use crate::collect::attributes::{Attributes, Value};
use crate::model::route::Scope;
use crate::model::{Address, IfIndex, Table};

const RTM_GETADDR: u16 = 22;
/// `struct ifaddrmsg`: family, prefix length, flags, scope, index.
const HEADER: usize = 8;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const IFA_BROADCAST: u16 = 4;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;
const IFA_PROTO: u16 = 11;

/// `INFINITY_LIFE_TIME` of `net/addrconf.h`.
const FOREVER: u32 = u32::MAX;

/// Every address, or those of one device when the socket is strict.
pub(in crate::collect) fn read(socket: &mut Socket, device: Option<IfIndex>) -> Table<Address> {
    let mut header = [0; HEADER];
    header[0] = UNSPEC;
    header[4..8].copy_from_slice(&device.unwrap_or_default().0.to_ne_bytes());
    table(socket, &Message::new(RTM_GETADDR, header), decode)
}

fn decode(payload: &[u8]) -> Option<Address> {
    let &[_family, prefix_len, flags, scope] = payload.get(..4)? else {
        return None;
    };
    let device = IfIndex(Value(payload).u32_in(4)?);
    let mut address = None;
    let mut local = None;
    let mut row = Address {
        device,
        address: IpAddr::from([0, 0, 0, 0]),
        prefix_len,
        peer: None,
        broadcast: None,
        scope: Scope(scope),
        label: None,
        flags: u32::from(flags),
        preferred_s: None,
        valid_s: None,
        protocol: None,
    };
    for (kind, value) in Attributes::behind(payload, HEADER) {
        match kind {
            IFA_ADDRESS => address = value.ip(),
            IFA_LOCAL => local = value.ip(),
            IFA_LABEL => row.label = Some(value.text()),
            IFA_BROADCAST => row.broadcast = value.ip(),
            IFA_FLAGS => row.flags = value.u32().unwrap_or(row.flags),
            IFA_CACHEINFO => {
                row.preferred_s = value.u32_in(0).filter(|seconds| *seconds != FOREVER);
                row.valid_s = value.u32_in(4).filter(|seconds| *seconds != FOREVER);
            }
            IFA_PROTO => row.protocol = value.u8(),
            _ => {}
        }
    }
    // Both are given for IPv4, where they differ only if the address is point-to-point; IPv6 gives the
    // local one only then (net/ipv4/devinet.c, net/ipv6/addrconf.c).
    row.address = local.or(address)?;
    row.peer = address.filter(|peer| *peer != row.address);
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::attributes::Writer;

    #[test]
    fn a_pod_address() {
        let bytes = Writer::behind(&[2, 32, 0x80, 0, 3, 0, 0, 0])
            .put(IFA_ADDRESS, &[172, 31, 239, 205])
            .put(IFA_LOCAL, &[172, 31, 239, 205])
            .put(IFA_BROADCAST, &[172, 31, 25, 202])
            .put(IFA_LABEL, b"eth0\0")
            .put_u32(IFA_FLAGS, 0x80)
            .put(IFA_CACHEINFO, &[0xff; 16])
            .0;
        let row = decode(&bytes).unwrap();
        assert_eq!(row.device, IfIndex(3));
        assert_eq!(
            (row.address.to_string(), row.prefix_len),
            ("172.31.239.205".into(), 32)
        );
        assert_eq!(row.peer, None);
        assert_eq!(row.valid_s, None, "for ever");
        assert_eq!(decode(&bytes[..7]), None);
    }

    #[test]
    fn a_point_to_point_address() {
        let bytes = Writer::behind(&[2, 32, 0, 0, 3, 0, 0, 0])
            .put(IFA_ADDRESS, &[10, 0, 0, 2])
            .put(IFA_LOCAL, &[10, 0, 0, 1])
            .0;
        let row = decode(&bytes).unwrap();
        assert_eq!(row.address.to_string(), "10.0.0.1");
        assert_eq!(row.peer.unwrap().to_string(), "10.0.0.2");
    }
}
