//! Where in the network a packet was seen: which file, which device, which way, inside which tunnel.

use std::collections::HashMap;
use std::fmt;

use super::record::{Direction, Record};
use crate::wire::bytes::Bytes;
use crate::wire::ethernet::{sll, sll2};
use crate::wire::packet::{Kind, Layer};
use crate::wire::{Frame, LinkType};

/// Points that are told apart; the packets of any more are counted to the last one.
const MAX_POINTS: usize = 4096;

/// The device a packet was captured at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Device {
    /// The capture does not say: a pcap file of one device, or an old cooked capture of all of them.
    Unknown,
    /// By its index in its network namespace.
    Index(u32),
    /// By its name.
    Named(String),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("?"),
            Self::Index(index) => write!(f, "if{index}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// Which way a packet went through its device (`PACKET_HOST` … in `linux/if_packet.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// In, for this host.
    In,
    /// In, a link-layer broadcast.
    Broadcast,
    /// In, a link-layer multicast.
    Multicast,
    /// In, for somebody else's link address: a bridge port sees these.
    Other,
    /// Out.
    Out,
}

impl Way {
    /// The way of a packet, where its cooked header or its capture file says so.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        let bytes = Bytes::new(record.data);
        let kind = match record.interface.link_type {
            LinkType::LINUX_SLL => bytes.u16(sll::PACKET_TYPE).ok()?,
            LinkType::LINUX_SLL2 => u16::from(bytes.u8(sll2::PACKET_TYPE).ok()?),
            _ => {
                return record.direction.map(|direction| match direction {
                    Direction::Inbound => Self::In,
                    Direction::Outbound => Self::Out,
                });
            }
        };
        match kind {
            0 => Some(Self::In),
            1 => Some(Self::Broadcast),
            2 => Some(Self::Multicast),
            3 => Some(Self::Other),
            4 => Some(Self::Out),
            _ => None,
        }
    }

    /// tcpdump's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::In => "In",
            Self::Broadcast => "B",
            Self::Multicast => "M",
            Self::Other => "P",
            Self::Out => "Out",
        }
    }

    /// The word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Broadcast => "broadcast",
            Self::Multicast => "multicast",
            Self::Other => "other",
            Self::Out => "out",
        }
    }
}

/// A tunnel, as its header tells it apart from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tunnel {
    /// Which kind.
    pub kind: TunnelKind,
    /// VNI or key; none for IP in IP, or GRE without a key.
    pub network: Option<u32>,
}

/// The kinds of tunnels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TunnelKind {
    /// VXLAN.
    Vxlan,
    /// VXLAN-GPE.
    VxlanGpe,
    /// Geneve.
    Geneve,
    /// GRE.
    Gre,
    /// IPv4 or IPv6 directly in IP.
    IpInIp,
}

impl TunnelKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::VxlanGpe => "vxlan-gpe",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::IpInIp => "ipip",
        }
    }
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        match self.network {
            Some(network) => write!(f, " {network}"),
            None => Ok(()),
        }
    }
}

impl Tunnel {
    /// The tunnel that a header opens; none if it opens none.
    pub fn opened_by(layer: &Layer, frame: &[u8]) -> Option<Self> {
        let bytes = Bytes::new(frame);
        let at = layer.header.start;
        let kind = match layer.kind {
            Kind::Vxlan => TunnelKind::Vxlan,
            Kind::VxlanGpe => TunnelKind::VxlanGpe,
            Kind::Geneve => TunnelKind::Geneve,
            Kind::Gre => TunnelKind::Gre,
            _ => return None,
        };
        let network = match kind {
            TunnelKind::Gre => {
                // RFC 2890: the key is behind checksum and offset, if those are there.
                let flags = bytes.u16(at).ok()?;
                let key = at + if flags & 0xc000 != 0 { 8 } else { 4 };
                (flags & 0x2000 != 0).then(|| bytes.u32(key).ok()).flatten()
            }
            _ => bytes.u24(at + 4).ok(),
        };
        Some(Self { kind, network })
    }
}

/// The innermost tunnel that a header travels in; none for the outermost headers. `before` are the headers
/// before it.
pub fn innermost_tunnel(before: &[Layer], header: Option<&Layer>, frame: &[u8]) -> Option<Tunnel> {
    for layer in before.iter().rev() {
        if let Some(tunnel) = Tunnel::opened_by(layer, frame) {
            return Some(tunnel);
        }
        // A step in depth without a header that makes it: IP in IP.
        if header.is_some_and(|header| layer.depth < header.depth) {
            return Some(Tunnel {
                kind: TunnelKind::IpInIp,
                network: None,
            });
        }
    }
    None
}

/// A place where packets were seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// Which file, counted from 0.
    pub source: usize,
    /// Which device.
    pub device: Device,
    /// Where that device is, if the capture says: our own name namespace and pod.
    pub place: Option<String>,
    /// Inside which tunnel; none outside.
    pub tunnel: Option<Tunnel>,
}

/// A [`Point`]'s place in its [`Points`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PointId(pub u16);

/// All the points of a capture.
#[derive(Debug, Default)]
pub struct Points {
    known: Vec<Point>,
    /// By what the packet itself says: file, interface of the file, index in the cooked header, tunnel.
    index: HashMap<(usize, u32, u32, Option<Tunnel>), PointId>,
}

impl Points {
    /// The point where a packet was seen, inside `tunnel`.
    pub fn of(&mut self, source: usize, record: &Record<'_>, tunnel: Option<Tunnel>) -> PointId {
        let cooked = match record.interface.link_type {
            LinkType::LINUX_SLL2 => Bytes::new(record.data).u32(sll2::INTERFACE).unwrap_or(0),
            _ => 0,
        };
        let key = (source, record.interface.id, cooked, tunnel);
        if let Some(&id) = self.index.get(&key) {
            return id;
        }
        let device = match (&record.interface.name, cooked) {
            // The name of a cooked capture's interface is "any" unless the file tells devices apart.
            (Some(name), 0) => Device::Named(name.clone()),
            (Some(name), _) if name != "any" => Device::Named(name.clone()),
            (_, 1..) => Device::Index(cooked),
            (_, 0) => Device::Unknown,
        };
        let point = Point {
            source,
            device,
            place: record.interface.description.clone(),
            tunnel,
        };
        let position = self.known.iter().position(|known| *known == point);
        let position = position.unwrap_or_else(|| {
            if self.known.len() < MAX_POINTS {
                self.known.push(point);
            }
            self.known.len() - 1
        });
        let id = PointId(position as u16);
        if self.index.len() < MAX_POINTS {
            self.index.insert(key, id);
        }
        id
    }

    /// The point with this number.
    pub fn get(&self, id: PointId) -> Option<&Point> {
        self.known.get(usize::from(id.0))
    }
}

/// The headers of a record, into a list that is used again and again.
pub fn layers_into(
    record: &Record<'_>,
    ports: &crate::wire::packet::VxlanPorts,
    layers: &mut Vec<Layer>,
) {
    layers.clear();
    let frame = Frame {
        link: record.interface.link_type,
        time: record.time,
        length: record.wire_len,
        bytes: record.data,
    };
    layers.extend(crate::wire::Layers::new(&frame, ports));
}
