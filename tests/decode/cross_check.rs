//! The layer walk against etherparse, an independent decoder: where both see a header, it lies at the same
//! place and is as long.

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use ovl::wire::packet::{Kind, Layers, VxlanPorts};
use ovl::wire::{Frame, LinkType, Timestamp};

use crate::generator;

/// A header's kind, offset and length.
type Place = (Kind, usize, usize);

/// What etherparse sees outside any tunnel.
fn theirs(frame: &[u8]) -> Option<Vec<Place>> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let mut places = Vec::new();
    let mut add = |kind, header: &[u8]| {
        let offset = header.as_ptr() as usize - frame.as_ptr() as usize;
        places.push((kind, offset, header.len()));
    };
    match packet.net? {
        NetSlice::Ipv4(ip) => add(Kind::Ipv4, ip.header().slice()),
        NetSlice::Ipv6(ip) => add(Kind::Ipv6, ip.header().slice()),
        NetSlice::Arp(arp) => add(Kind::Arp, arp.slice()),
    }
    match packet.transport {
        Some(TransportSlice::Udp(udp)) => add(Kind::Udp, udp.header_slice()),
        Some(TransportSlice::Tcp(tcp)) => add(Kind::Tcp, tcp.header_slice()),
        Some(TransportSlice::Icmpv4(message)) => add(Kind::Icmp, &message.slice()[..8]),
        Some(TransportSlice::Icmpv6(message)) => add(Kind::Icmpv6, &message.slice()[..8]),
        Some(TransportSlice::Igmp(message)) => add(Kind::Igmp, &message.slice()[..8]),
        None => {}
    }
    Some(places)
}

/// What we see outside any tunnel.
fn ours(bytes: &[u8]) -> Vec<Place> {
    let ports = VxlanPorts::default();
    let frame = Frame {
        link: LinkType::ETHERNET,
        time: Timestamp::default(),
        length: bytes.len() as u32,
        bytes,
    };
    Layers::new(&frame, &ports)
        .filter(|layer| layer.depth == 0)
        .map(|layer| (layer.kind, layer.header.start, layer.header.len()))
        .collect()
}

#[test]
fn headers_lie_where_etherparse_finds_them() {
    let (mut frames, mut headers) = (0, 0);
    for sample in generator::samples(4) {
        let Some(theirs) = theirs(&sample.frame) else {
            continue;
        };
        frames += 1;
        let ours = ours(&sample.frame);
        for place in theirs {
            headers += 1;
            assert!(
                ours.contains(&place),
                "{}: {place:?} is not among {ours:?}",
                sample.name
            );
        }
    }
    println!("{headers} headers of {frames} frames lie where etherparse finds them");
    assert!(frames > 300, "only {frames} frames");
}
