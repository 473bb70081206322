//! Packets as columns: the innermost packet of each, and how it travelled.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::words;
use super::{Seen, Sink};
use crate::capture::address::addresses;
use crate::capture::flows::{End, Transport};
use crate::capture::names::AddressNames;
use crate::capture::point::{Points, Way, innermost_tunnel};
use crate::error::Result;
use crate::render::escape::escape;
use crate::wire::bytes::Bytes;
use crate::wire::ip::{v4, v6};
use crate::wire::packet::Kind;
use crate::wire::print::clock_text;
use crate::wire::tcp::flag;

/// The columns and their least widths. A cell that is longer widens its column from there on, so that
/// rows can be written as packets come.
const HEADS: [(&str, usize); 8] = [
    ("TIME", 15),
    ("WAY", 3),
    ("AT", 6),
    ("TUNNEL", 9),
    ("FROM", 22),
    ("TO", 22),
    ("PROTO", 6),
    ("LENGTH", 6),
];

/// Writes rows.
pub(super) struct Columns {
    names: Arc<AddressNames>,
    files: Vec<String>,
    points: Points,
    widths: [usize; HEADS.len()],
    begun: bool,
}

impl Columns {
    pub(super) fn new(files: Vec<String>, names: Arc<AddressNames>) -> Self {
        Self {
            names,
            files,
            points: Points::default(),
            widths: HEADS.map(|(_, width)| width),
            begun: false,
        }
    }

    /// The heads stand over columns that are as wide as the first row needs.
    fn make_room(&mut self, cells: &[String; HEADS.len()]) {
        for (cell, width) in cells.iter().zip(&mut self.widths) {
            *width = (*width).max(escape(cell).chars().count());
        }
    }

    fn row(&mut self, cells: &[String; HEADS.len()], last: &str, out: &mut Vec<u8>) {
        for (cell, width) in cells.iter().zip(&mut self.widths) {
            let cell = if cell.is_empty() { "-" } else { cell };
            let cell = escape(cell);
            let length = cell.chars().count();
            *width = (*width).max(length);
            out.extend(cell.as_bytes());
            out.resize(out.len() + *width - length + 2, b' ');
        }
        out.extend(last.as_bytes());
        out.push(b'\n');
    }
}

impl Sink for Columns {
    fn packet(&mut self, seen: &Seen<'_>, out: &mut Vec<u8>) -> Result<()> {
        let record = seen.record;
        let bytes = Bytes::new(record.data);
        let ip = seen
            .layers
            .iter()
            .rposition(|layer| matches!(layer.kind, Kind::Ipv4 | Kind::Ipv6 | Kind::Arp));
        let layer = ip.and_then(|place| seen.layers.get(place));
        let before = seen.layers.get(..ip.unwrap_or(0)).unwrap_or_default();
        let tunnel = innermost_tunnel(before, layer, record.data);
        let after = ip.map_or(&[][..], |place| {
            seen.layers.get(place + 1..).unwrap_or_default()
        });
        let transport = after.iter().find(|layer| {
            !matches!(
                layer.kind,
                Kind::Ipv6Extension | Kind::Ah | Kind::Payload | Kind::Cut
            )
        });
        let point = self.points.of(seen.source, record, None);
        let way = Way::of(record);
        let place = self.points.get(point).map_or_else(String::new, |point| {
            words::point(point, None, 0, &self.files)
        });
        let ports = transport
            .filter(|layer| matches!(layer.kind, Kind::Tcp | Kind::Udp | Kind::Sctp))
            .and_then(|layer| {
                let at = layer.header.start;
                Some((bytes.u16(at).ok()?, bytes.u16(at + 2).ok()?))
            })
            .unwrap_or((0, 0));
        let ends = layer.and_then(|layer| match layer.kind {
            Kind::Arp => {
                let at = layer.header.start;
                let address = |at| bytes.array::<4>(at).ok().map(Ipv4Addr::from);
                Some((
                    IpAddr::from(address(at + 14)?),
                    IpAddr::from(address(at + 24)?),
                ))
            }
            _ => addresses(&bytes, layer).map(|(from, to, _)| (from, to)),
        });
        let (from, to) = ends.map_or_else(Default::default, |(from, to)| {
            let text = |address, port| words::end(&self.names, End { address, port }, record.time);
            (text(from, ports.0), text(to, ports.1))
        });
        let protocol = match (layer.map(|layer| layer.kind), transport) {
            (Some(Kind::Arp), _) => "arp".to_owned(),
            (_, Some(transport)) => transport.kind.name().to_owned(),
            (Some(Kind::Ipv4), _) => layer
                .and_then(|ip| bytes.u8(ip.header.start + v4::PROTOCOL).ok())
                .map_or_else(String::new, |number| words::transport(Transport(number))),
            (Some(_), _) => layer
                .and_then(|ip| bytes.u8(ip.header.start + v6::NEXT_HEADER).ok())
                .map_or_else(String::new, |number| words::transport(Transport(number))),
            (None, None) => String::new(),
        };
        let what = what(
            seen,
            &bytes,
            layer.map(|layer| (layer.kind, layer.header.start)),
            transport.map(|layer| (layer.kind, layer.header.start)),
        );
        let cells = [
            clock_text(record.time, false),
            way.map_or_else(String::new, |way| way.name().to_owned()),
            place,
            words::tunnel(tunnel),
            from,
            to,
            protocol,
            record.wire_len.to_string(),
        ];
        if !self.begun {
            self.begun = true;
            self.make_room(&cells);
            let heads = HEADS.map(|(head, _)| head.to_owned());
            self.row(&heads, "WHAT", out);
        }
        self.row(&cells, &what, out);
        Ok(())
    }
}

/// The one thing to know of a packet.
fn what(
    seen: &Seen<'_>,
    bytes: &Bytes<'_>,
    network: Option<(Kind, usize)>,
    transport: Option<(Kind, usize)>,
) -> String {
    if seen
        .layers
        .last()
        .is_some_and(|layer| layer.kind == Kind::Cut)
    {
        return "cut".to_owned();
    }
    match (network, transport) {
        (_, Some((Kind::Tcp, at))) => {
            let flags = bytes.u8(at + 13).unwrap_or(0);
            let mut words = Vec::new();
            for (bit, word) in [
                (flag::SYN, "SYN"),
                (flag::FIN, "FIN"),
                (flag::RST, "RST"),
                (flag::PUSH, "PSH"),
                (flag::ACK, "ACK"),
            ] {
                if flags & bit != 0 {
                    words.push(word);
                }
            }
            words.join(" ")
        }
        (_, Some((kind @ (Kind::Icmp | Kind::Icmpv6), at))) => {
            let number = (bytes.u8(at).unwrap_or(255), bytes.u8(at + 1).unwrap_or(255));
            let echo = |word: &str| {
                let part = |at| bytes.u16(at).unwrap_or(0);
                format!("echo {word} {} seq {}", part(at + 4), part(at + 6))
            };
            match (kind, number) {
                (Kind::Icmp, (8, _)) | (Kind::Icmpv6, (128, _)) => echo("request"),
                (Kind::Icmp, (0, _)) | (Kind::Icmpv6, (129, _)) => echo("reply"),
                (Kind::Icmp, (3, 4)) | (Kind::Icmpv6, (2, _)) => "too big".to_owned(),
                (Kind::Icmp, (3, _)) | (Kind::Icmpv6, (1, _)) => "unreachable".to_owned(),
                (Kind::Icmp, (11, _)) | (Kind::Icmpv6, (3, _)) => "time exceeded".to_owned(),
                (Kind::Icmpv6, (133, _)) => "router solicitation".to_owned(),
                (Kind::Icmpv6, (134, _)) => "router advertisement".to_owned(),
                (Kind::Icmpv6, (135, _)) => "neighbour solicitation".to_owned(),
                (Kind::Icmpv6, (136, _)) => "neighbour advertisement".to_owned(),
                (_, (kind, code)) => format!("type {kind} code {code}"),
            }
        }
        (Some((Kind::Arp, at)), _) => match bytes.u16(at + 6) {
            Ok(1) => "who has".to_owned(),
            Ok(2) => "is at".to_owned(),
            _ => String::new(),
        },
        (Some((Kind::Ipv4, at)), None) => match bytes.u16(at + v4::FRAGMENT) {
            Ok(fragment) if fragment & v4::OFFSET_MASK != 0 => "fragment".to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}
