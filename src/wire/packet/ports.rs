//! Which UDP payload is VXLAN: by its port, or by its shape.

use super::vxlan;
use crate::wire::bytes::{Bytes, Read};
use crate::wire::ethernet::{self, EtherType};
use crate::wire::port;

/// Which UDP payload is VXLAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VxlanPorts {
    ports: Vec<u16>,
    by_shape: bool,
}

impl Default for VxlanPorts {
    /// IANA's port, Linux's, Weave's, and anything that has the shape.
    fn default() -> Self {
        Self {
            ports: vec![port::VXLAN, port::VXLAN_LINUX, port::WEAVE],
            by_shape: true,
        }
    }
}

impl VxlanPorts {
    /// Adds a port, say of a device that is known.
    pub fn add(&mut self, port: u16) {
        if !self.ports.contains(&port) {
            self.ports.push(port);
        }
    }

    /// Says whether payload on other ports is looked at.
    pub fn by_shape(&mut self, by_shape: bool) {
        self.by_shape = by_shape;
    }

    /// Whether a datagram between these ports is VXLAN.
    pub fn is_vxlan(&self, source: u16, destination: u16, payload: &[u8]) -> bool {
        let known = |port| self.ports.contains(&port);
        known(destination) || known(source) || self.by_shape && has_vxlan_shape(payload)
    }
}

/// Whether octets look like a VXLAN header with a frame behind it: only the flag and the identifier are
/// not zero, and the frame is one of IPv4, IPv6 or ARP whose first octets fit.
fn has_vxlan_shape(payload: &[u8]) -> bool {
    let bytes = Bytes::new(payload);
    let inner = vxlan::HEADER_LENGTH;
    let fits = || -> Read<bool> {
        if bytes.u32(0)? != u32::from(vxlan::FLAG_VNI) << 24 || bytes.u8(7)? != 0 {
            return Ok(false);
        }
        let first = bytes.u8(inner + ethernet::HEADER_LENGTH)?;
        let source_is_group = bytes.u8(inner + ethernet::SOURCE)? & 1 != 0;
        Ok(!source_is_group
            && match EtherType(bytes.u16(inner + ethernet::TYPE)?) {
                EtherType::IPV4 => first >> 4 == 4 && first & 15 >= 5,
                EtherType::IPV6 => first >> 4 == 6,
                EtherType::ARP => bytes.u16(inner + ethernet::HEADER_LENGTH)? == 1,
                _ => false,
            })
    };
    fits().unwrap_or(false)
}
