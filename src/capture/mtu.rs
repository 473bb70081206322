//! What did not fit: packets in fragments, and senders that were told to send smaller ones.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::addresses;
use super::point::{PointId, Points, Tunnel, Way, innermost_tunnel};
use super::record::Record;
use crate::wire::Timestamp;
use crate::wire::bytes::Bytes;
use crate::wire::ip::{v4, v6};
use crate::wire::packet::{Kind, Layer};

/// Rows remembered of each kind; any more are counted only.
pub const MAX_ROWS: usize = 4096;

/// Senders whose packets came in fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FragmentKey {
    /// Inside which tunnel; none outside.
    pub tunnel: Option<Tunnel>,
    /// Who sent.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// IP protocol.
    pub protocol: u8,
}

/// What was fragmented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragmented {
    /// Between whom.
    pub key: FragmentKey,
    /// Packets, each counted at its first fragment, at the point that saw most.
    pub packets: u64,
    /// Fragments, at that point.
    pub fragments: u64,
    /// The largest fragment, octets of IP.
    pub largest: u32,
    /// The largest whole packet, octets of IP, if the last fragment of one was seen.
    pub whole: Option<u32>,
    /// When first.
    pub first: Timestamp,
}

/// A sender that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ToldKey {
    /// Inside which tunnel; none outside.
    pub tunnel: Option<Tunnel>,
    /// Who told.
    pub from: IpAddr,
    /// Whom.
    pub to: IpAddr,
    /// Where the packet that was too big was going.
    pub destination: IpAddr,
    /// Its IP protocol.
    pub protocol: u8,
    /// What would fit, octets of IP; 0 if not told (RFC 1191 §4).
    pub mtu: u32,
}

/// What senders were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// By whom, about what.
    pub key: ToldKey,
    /// How often, at the point that saw most.
    pub times: u64,
    /// The largest packet it was about, octets of IP.
    pub size: u32,
    /// When first.
    pub first: Timestamp,
}

/// What is counted at one point.
#[derive(Debug, Clone, Copy)]
struct Here {
    place: (PointId, Option<Way>),
    packets: u64,
    count: u64,
}

#[derive(Debug)]
struct FragmentRow {
    largest: u32,
    whole: Option<u32>,
    first: Timestamp,
    here: Vec<Here>,
}

#[derive(Debug)]
struct ToldRow {
    size: u32,
    first: Timestamp,
    here: Vec<Here>,
}

/// Everything that did not fit.
#[derive(Debug, Default)]
pub struct TooBig {
    fragments: HashMap<FragmentKey, FragmentRow>,
    told: HashMap<ToldKey, ToldRow>,
    unlisted: u64,
    points: Points,
}

impl TooBig {
    /// Looks at a packet. `source` counts the files.
    pub fn see(&mut self, source: usize, record: &Record<'_>, layers: &[Layer]) {
        let bytes = Bytes::new(record.data);
        for (index, layer) in layers.iter().enumerate() {
            let before = layers.get(..index).unwrap_or_default();
            match layer.kind {
                Kind::Ipv4 => {
                    let at = layer.header.start;
                    let Ok(fragment) = bytes.u16(at + v4::FRAGMENT) else {
                        continue;
                    };
                    let offset = u32::from(fragment & v4::OFFSET_MASK) * 8;
                    let more = fragment & v4::MORE_FRAGMENTS != 0;
                    if offset == 0 && !more {
                        continue;
                    }
                    let protocol = bytes.u8(at + v4::PROTOCOL).unwrap_or(255);
                    let header = layer.header.len() as u32;
                    self.see_fragment(
                        source,
                        record,
                        before,
                        layer,
                        layer,
                        (protocol, offset, more, header),
                    );
                }
                Kind::Ipv6Extension => {
                    // Which extension it is stands in the header before: 44 is the fragment header.
                    let announced = before.last().and_then(|last| match last.kind {
                        Kind::Ipv6 => bytes.u8(last.header.start + v6::NEXT_HEADER).ok(),
                        _ => bytes.u8(last.header.start).ok(),
                    });
                    let at = layer.header.start;
                    let (Some(44), Ok(fragment)) = (announced, bytes.u16(at + 2)) else {
                        continue;
                    };
                    let (offset, more) = (u32::from(fragment & 0xfff8), fragment & 1 != 0);
                    if offset == 0 && !more {
                        continue;
                    }
                    let Some(ip) = before.iter().rev().find(|layer| layer.kind == Kind::Ipv6)
                    else {
                        continue;
                    };
                    let protocol = bytes.u8(at).unwrap_or(255);
                    let header = (layer.header.end - ip.header.start) as u32;
                    self.see_fragment(
                        source,
                        record,
                        before,
                        layer,
                        ip,
                        (protocol, offset, more, header),
                    );
                }
                Kind::Icmp | Kind::Icmpv6 => self.see_error(source, record, before, layer),
                _ => {}
            }
        }
    }

    /// `header` is what comes before the fragment's data, counted from the IP header.
    fn see_fragment(
        &mut self,
        source: usize,
        record: &Record<'_>,
        before: &[Layer],
        layer: &Layer,
        ip: &Layer,
        (protocol, offset, more, header): (u8, u32, bool, u32),
    ) {
        let bytes = Bytes::new(record.data);
        let Some((from, to, _)) = addresses(&bytes, ip) else {
            return;
        };
        let tunnel = innermost_tunnel(before, Some(layer), record.data);
        let key = FragmentKey {
            tunnel,
            source: from,
            destination: to,
            protocol,
        };
        let place = (self.points.of(source, record, tunnel), Way::of(record));
        if !self.fragments.contains_key(&key) && self.fragments.len() >= MAX_ROWS {
            self.unlisted += 1;
            return;
        }
        let row = self.fragments.entry(key).or_insert_with(|| FragmentRow {
            largest: 0,
            whole: None,
            first: record.time,
            here: Vec::new(),
        });
        row.largest = row.largest.max(ip.length);
        if !more {
            // The last one tells how long the packet was.
            let whole = offset + ip.length;
            let fragment_header = header - ip.header.len() as u32;
            let whole = whole.saturating_sub(fragment_header);
            row.whole = row.whole.max(Some(whole));
        }
        let here = at_place(&mut row.here, place);
        here.count += 1;
        here.packets += u64::from(offset == 0);
    }

    fn see_error(&mut self, source: usize, record: &Record<'_>, before: &[Layer], layer: &Layer) {
        let bytes = Bytes::new(record.data);
        let at = layer.header.start;
        let (Ok(kind), Ok(code)) = (bytes.u8(at), bytes.u8(at + 1)) else {
            return;
        };
        let quoted = at + 8;
        let about = match (layer.kind, kind, code) {
            // RFC 1191: fragmentation needed.
            (Kind::Icmp, 3, 4) => {
                let address = |offset| bytes.array::<4>(quoted + offset).map(Ipv4Addr::from);
                match (
                    bytes.u16(at + 6),
                    address(v4::DESTINATION),
                    bytes.u8(quoted + v4::PROTOCOL),
                    bytes.u16(quoted + v4::TOTAL_LENGTH),
                ) {
                    (Ok(mtu), Ok(to), Ok(protocol), Ok(size)) => {
                        (u32::from(mtu), IpAddr::from(to), protocol, u32::from(size))
                    }
                    _ => return,
                }
            }
            // RFC 4443 §3.2: packet too big.
            (Kind::Icmpv6, 2, _) => {
                match (
                    bytes.u32(at + 4),
                    bytes.array::<16>(quoted + v6::DESTINATION),
                    bytes.u8(quoted + v6::NEXT_HEADER),
                    bytes.u16(quoted + v6::PAYLOAD_LENGTH),
                ) {
                    (Ok(mtu), Ok(to), Ok(protocol), Ok(size)) => (
                        mtu,
                        IpAddr::from(Ipv6Addr::from(to)),
                        protocol,
                        u32::from(size) + v6::HEADER_LENGTH as u32,
                    ),
                    _ => return,
                }
            }
            _ => return,
        };
        let ip = before
            .iter()
            .rev()
            .find(|layer| matches!(layer.kind, Kind::Ipv4 | Kind::Ipv6));
        let Some((from, to, _)) = ip.and_then(|ip| addresses(&bytes, ip)) else {
            return;
        };
        let (mtu, destination, protocol, size) = about;
        let tunnel = innermost_tunnel(before, Some(layer), record.data);
        let key = ToldKey {
            tunnel,
            from,
            to,
            destination,
            protocol,
            mtu,
        };
        let place = (self.points.of(source, record, tunnel), Way::of(record));
        if !self.told.contains_key(&key) && self.told.len() >= MAX_ROWS {
            self.unlisted += 1;
            return;
        }
        let row = self.told.entry(key).or_insert_with(|| ToldRow {
            size: 0,
            first: record.time,
            here: Vec::new(),
        });
        row.size = row.size.max(size);
        at_place(&mut row.here, place).count += 1;
    }

    /// Fragmented packets, by the time they were first seen.
    pub fn fragmented(&self) -> Vec<Fragmented> {
        let mut list: Vec<Fragmented> = self
            .fragments
            .iter()
            .map(|(key, row)| {
                let most = row.here.iter().max_by_key(|here| here.count);
                Fragmented {
                    key: *key,
                    packets: most.map_or(0, |here| here.packets),
                    fragments: most.map_or(0, |here| here.count),
                    largest: row.largest,
                    whole: row.whole,
                    first: row.first,
                }
            })
            .collect();
        list.sort_by_key(|row| (row.first, row.key));
        list
    }

    /// Senders that were told, by the time they first were.
    pub fn told(&self) -> Vec<Told> {
        let mut list: Vec<Told> = self
            .told
            .iter()
            .map(|(key, row)| Told {
                key: *key,
                times: row.here.iter().map(|here| here.count).max().unwrap_or(0),
                size: row.size,
                first: row.first,
            })
            .collect();
        list.sort_by_key(|row| (row.first, row.key));
        list
    }

    /// How many sightings are in no row because there were too many rows.
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }
}

/// The counts of a place; a place too many is counted to the last one.
fn at_place(list: &mut Vec<Here>, place: (PointId, Option<Way>)) -> &mut Here {
    const MAX_PLACES: usize = 16;
    let found = list.iter().position(|here| here.place == place);
    let found = found.unwrap_or_else(|| {
        if list.len() < MAX_PLACES {
            list.push(Here {
                place,
                packets: 0,
                count: 0,
            });
        }
        list.len() - 1
    });
    // The position was just found, or is that of the last of at least one.
    &mut list[found]
}
