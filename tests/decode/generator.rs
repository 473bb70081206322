//! Frames of every protocol the printer knows, out of a seed. The same seed gives the same frames on every
//! machine.

#![allow(dead_code)] // The benchmark uses one half of this file, the tests the other.

use std::io::Write;

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn octets(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

fn sum(octets: &[u8], start: u32) -> u16 {
    let mut total = start;
    for pair in octets.chunks(2) {
        total += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    }
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}

fn put16(octets: &mut [u8], at: usize, value: u16) {
    octets[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn mac(host: u16) -> [u8; 6] {
    let [a, b] = host.to_be_bytes();
    [0x66, 0x5a, 0x18, 0x78, a, b]
}

pub(crate) fn ethernet(source: u16, destination: u16, kind: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[
        &mac(destination),
        &mac(source),
        &kind.to_be_bytes(),
        payload,
    ])
}

fn ethernet_802_3(payload: &[u8]) -> Vec<u8> {
    ethernet(1, 2, payload.len() as u16, payload)
}

/// What an IP header says beside addresses and protocol.
#[derive(Debug, Clone)]
pub(crate) struct Ip {
    pub(crate) source: [u8; 4],
    pub(crate) destination: [u8; 4],
    pub(crate) options: Vec<u8>,
    pub(crate) fragment: u16,
    pub(crate) tos: u8,
    pub(crate) id: u16,
}

impl Ip {
    pub(crate) fn between(source: [u8; 4], destination: [u8; 4]) -> Self {
        Self {
            source,
            destination,
            options: Vec::new(),
            fragment: 0,
            tos: 0,
            id: 1,
        }
    }
}

pub(crate) fn ipv4(ip: &Ip, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header = 20 + ip.options.len();
    let mut packet = vec![0; 20];
    packet[0] = 0x40 | (header / 4) as u8;
    packet[1] = ip.tos;
    put16(&mut packet, 2, (header + payload.len()) as u16);
    put16(&mut packet, 4, ip.id);
    put16(&mut packet, 6, ip.fragment);
    packet[8] = 64;
    packet[9] = protocol;
    packet[12..16].copy_from_slice(&ip.source);
    packet[16..20].copy_from_slice(&ip.destination);
    packet.extend_from_slice(&ip.options);
    let checksum = sum(&packet, 0);
    put16(&mut packet, 10, checksum);
    packet.extend_from_slice(payload);
    packet
}

fn v6(host: u8) -> [u8; 16] {
    let mut address = [0; 16];
    address[0] = 0xfd;
    address[1] = 0x10;
    address[15] = host;
    address
}

pub(crate) fn ipv6(source: u8, destination: u8, next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    packet.extend_from_slice(&[next, 64]);
    packet.extend_from_slice(&v6(source));
    packet.extend_from_slice(&v6(destination));
    packet.extend_from_slice(payload);
    packet
}

/// A transport segment with its checksum at `at` right for IPv4.
fn summed(ip: &Ip, protocol: u8, mut segment: Vec<u8>, at: usize) -> Vec<u8> {
    let pseudo = cat(&[
        &ip.source,
        &ip.destination,
        &[0, protocol],
        &(segment.len() as u16).to_be_bytes(),
    ]);
    let start = u32::from(!sum(&pseudo, 0));
    put16(&mut segment, at, 0);
    let checksum = sum(&segment, start);
    put16(&mut segment, at, checksum);
    segment
}

fn summed6(source: u8, destination: u8, protocol: u8, mut segment: Vec<u8>, at: usize) -> Vec<u8> {
    let pseudo = cat(&[
        &v6(source),
        &v6(destination),
        &(segment.len() as u32).to_be_bytes(),
        &[0, 0, 0, protocol],
    ]);
    let start = u32::from(!sum(&pseudo, 0));
    put16(&mut segment, at, 0);
    let checksum = sum(&segment, start);
    put16(&mut segment, at, checksum);
    segment
}

pub(crate) fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[
        &source.to_be_bytes(),
        &destination.to_be_bytes(),
        &(8 + payload.len() as u16).to_be_bytes(),
        &[0, 0],
        payload,
    ])
}

pub(crate) fn tcp(
    ports: (u16, u16),
    numbers: (u32, u32),
    flags: u8,
    options: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    cat(&[
        &ports.0.to_be_bytes(),
        &ports.1.to_be_bytes(),
        &numbers.0.to_be_bytes(),
        &numbers.1.to_be_bytes(),
        &[(((20 + options.len()) / 4) << 4) as u8, flags],
        &502u16.to_be_bytes(),
        &[0, 0, 0, 3],
        options,
        payload,
    ])
}

pub(crate) fn icmp(kind: u8, code: u8, rest: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut message = cat(&[&[kind, code, 0, 0], &rest, payload]);
    let checksum = sum(&message, 0);
    put16(&mut message, 2, checksum);
    message
}

pub(crate) fn vxlan(flags: u8, vni: u32, inner: &[u8]) -> Vec<u8> {
    cat(&[&[flags, 0, 0, 0], &(vni << 8).to_be_bytes(), inner])
}

/// An inner frame wrapped for the underlay.
pub(crate) fn wrapped(
    node: (u8, u8),
    source_port: u16,
    port: u16,
    vni: u32,
    inner: &[u8],
) -> Vec<u8> {
    let ip = Ip::between([192, 168, 61, node.0], [192, 168, 61, node.1]);
    let datagram = udp(source_port, port, &vxlan(8, vni, inner));
    ethernet(
        u16::from(node.0),
        u16::from(node.1),
        0x0800,
        &ipv4(&ip, 17, &datagram),
    )
}

fn dns_name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out
}

fn record(name: &[u8], kind: u16, class: u16, data: &[u8]) -> Vec<u8> {
    cat(&[
        name,
        &kind.to_be_bytes(),
        &class.to_be_bytes(),
        &93_784u32.to_be_bytes(),
        &(data.len() as u16).to_be_bytes(),
        data,
    ])
}

fn dns_response(random: &mut Random) -> Vec<u8> {
    let pointer = [0xc0, 12];
    let soa = cat(&[&dns_name("ns.example"), &pointer, &random.octets(20)]);
    let answers = [
        record(&pointer, 1, 1, &[10, 96, 0, 10]),
        record(&pointer, 28, 1, &v6(7)),
        record(&pointer, 5, 1, &cat(&[&[3], b"www", &pointer])),
        record(
            &pointer,
            15,
            1,
            &cat(&[&[0, 10], &dns_name("mail.example")]),
        ),
        record(&pointer, 16, 1, b"\x05hello\x03\x01\xffz"),
        record(
            &pointer,
            33,
            1,
            &cat(&[&[0, 1, 0, 2, 0, 53], &dns_name("a.b")]),
        ),
        record(&pointer, 6, 1, &soa),
        record(&pointer, 257, 3, &[1, 2, 3]),
    ];
    let additional = record(
        &[0],
        41,
        1232,
        b"\x00\x0a\x00\x08abcdefgh\x00\x08\x00\x07\x00\x01\x18\x00\x0a\x01\x02",
    );
    let head = [
        0x1a,
        0x2b,
        0x85,
        0x80,
        0,
        1,
        0,
        answers.len() as u8,
        0,
        0,
        0,
        1,
    ];
    cat(&[
        &head,
        &dns_name("kubernetes.default.svc.cluster.local"),
        &[0, 1, 0, 1],
        &answers.concat(),
        &additional,
    ])
}

fn dns_query(multicast: bool) -> Vec<u8> {
    let class: [u8; 2] = if multicast { [0x80, 1] } else { [0, 1] };
    cat(&[
        &[0x1a, 0x2b, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1],
        &dns_name("pod1.default.svc.cluster.local"),
        &[0, 28],
        &class,
        &record(&[0], 41, 4096, &[]),
    ])
}

fn dhcp(random: &mut Random) -> Vec<u8> {
    let mut message = vec![1, 1, 6, 0];
    message.extend(random.octets(4));
    message.extend_from_slice(&[
        0, 3, 0x80, 0, 0, 0, 0, 0, 10, 0, 0, 5, 10, 0, 0, 1, 0, 0, 0, 0,
    ]);
    message.extend_from_slice(&mac(9));
    message.extend_from_slice(&[0; 10]);
    message.extend_from_slice(&[0; 192]);
    message.extend_from_slice(&[0x63, 0x82, 0x53, 0x63]);
    for option in [
        &[53u8, 1, 1][..],
        &[55, 5, 1, 3, 6, 15, 119],
        &[61, 7, 1, 1, 2, 3, 4, 5, 6],
        &[12, 4, b'p', b'o', b'd', 7],
        &[51, 4, 0, 1, 0x51, 0x80],
        &[2, 4, 0xff, 0xff, 0xf1, 0xf0],
        &[3, 8, 10, 0, 0, 1, 10, 0, 0, 2],
        &[33, 8, 10, 1, 0, 0, 10, 0, 0, 1],
        &[121, 13, 24, 10, 2, 3, 10, 0, 0, 1, 0, 10, 0, 0, 1],
        &[82, 6, 1, 4, b'e', b't', b'h', b'0'],
        &[81, 7, 5, 0, 0, b'a', b'.', b'b', b'.'],
        &[77, 5, 4, b'i', b'P', b'X', b'E'],
        &[19, 1, 1],
        &[57, 2, 5, 0xdc],
        &[46, 1, 8],
        &[224, 3, 1, 2, 3],
        &[255, 0, 0],
    ] {
        message.extend_from_slice(option);
    }
    message
}

fn dhcpv6(random: &mut Random) -> Vec<u8> {
    let option = |code: u16, data: &[u8]| {
        cat(&[
            &code.to_be_bytes(),
            &(data.len() as u16).to_be_bytes(),
            data,
        ])
    };
    let address = option(5, &cat(&[&v6(3), &[0, 0, 0x0e, 0x10, 0, 0, 0x1c, 0x20]]));
    let association = cat(&[&random.octets(4), &[0, 0, 7, 8, 0, 0, 11, 64], &address]);
    cat(&[
        &[1, 1, 2, 3],
        &option(1, &cat(&[&[0, 1, 0, 1, 0x2a, 0, 0, 1], &mac(3)])),
        &option(2, &cat(&[&[0, 3, 0, 1], &mac(4)])),
        &option(3, &association),
        &option(6, &[0, 23, 0, 24, 0, 99]),
        &option(8, &[0, 5]),
        &option(23, &v6(9)),
        &option(24, &dns_name("cluster.local")),
        &option(13, &[0, 2]),
        &option(14, &[]),
    ])
}

fn tcp_options() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "syn",
            vec![
                2, 4, 5, 0x82, 4, 2, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 3, 3, 10,
            ],
        ),
        ("timestamps", vec![1, 1, 8, 10, 0, 0, 0, 101, 0, 0, 0, 200]),
        (
            "sack",
            vec![
                1, 1, 5, 18, 0, 0, 3, 0xe9, 0, 0, 7, 0xd1, 0, 0, 9, 0, 0, 0, 9, 9,
            ],
        ),
        ("fast open", vec![34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1]),
        ("fast open request", vec![34, 2, 1, 0]),
        (
            "experiment",
            vec![254, 8, 0xf9, 0x89, 1, 2, 3, 4, 254, 4, 0x12, 0x34],
        ),
        ("timeout", vec![28, 4, 0x80, 5, 28, 4, 0, 4]),
        (
            "authentication",
            vec![29, 8, 1, 2, 0xaa, 0xbb, 0xcc, 0xdd, 1, 1, 1, 1],
        ),
        ("md5", cat(&[&[19, 18], &[0x5a; 16], &[1, 1]])),
        ("scps", vec![20, 4, 0x7f, 3, 6, 6, 0, 0, 0, 9, 1, 1]),
        ("unknown", vec![77, 5, 1, 2, 3, 76, 2, 0]),
        ("bad length", vec![2, 40, 5, 0x82]),
        ("short", vec![2, 3, 5, 0x82]),
        ("multipath capable", cat(&[&[30, 12, 0, 0x81], &[9; 8]])),
        ("multipath join", cat(&[&[30, 12, 0x11, 1], &[8; 8]])),
        ("multipath sequence", cat(&[&[30, 20, 0x20, 5], &[7; 16]])),
        ("multipath address", vec![30, 8, 0x34, 1, 10, 0, 0, 1]),
        ("multipath close", cat(&[&[30, 12, 0x70, 0], &[6; 8]])),
    ]
}

fn ipv4_options() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("route", vec![7, 7, 8, 10, 0, 0, 1, 0]),
        ("timestamp", vec![68, 12, 13, 1, 10, 0, 0, 1, 0, 0, 1, 0]),
        ("alert", vec![148, 4, 0, 0]),
        ("source route", vec![131, 7, 4, 10, 9, 9, 9, 1]),
        ("unknown", vec![99, 4, 1, 2]),
        ("bad", vec![7, 99, 4, 0]),
    ]
}

fn stp(kind: u8, version: u8) -> Vec<u8> {
    let mut message = vec![0x42, 0x42, 0x03, 0, 0, version, kind, 0x7c];
    message.extend_from_slice(&[
        0x80, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 4, 0x80, 1, 1, 2, 3, 4, 5, 7,
    ]);
    message.extend_from_slice(&[0x80, 2, 1, 0, 20, 0, 2, 128, 15, 3, 0, 0]);
    message
}

fn lldp() -> Vec<u8> {
    let element =
        |kind: u16, value: &[u8]| cat(&[&(kind << 9 | value.len() as u16).to_be_bytes(), value]);
    cat(&[
        &element(1, &cat(&[&[4], &mac(1)])),
        &element(2, b"\x05eth0"),
        &element(3, &[0, 120]),
        &element(4, b"uplink"),
        &element(5, b"leaf01"),
        &element(6, b"a switch"),
        &element(7, &[0, 0x14, 0, 4]),
        &element(8, &[5, 1, 10, 0, 0, 1, 2, 0, 0, 0, 3, 0]),
        &element(127, &[0, 0x80, 0xc2, 1, 0, 10]),
        &element(127, &[0, 0x80, 0xc2, 3, 0, 10, 3, b'v', b'1', b'0']),
        &element(127, &[0, 0x12, 0x0f, 1, 3, 0x6c, 0x01, 0, 30]),
        &element(127, &[0, 0x12, 0x0f, 4, 0x05, 0xee]),
        &element(127, &[0, 0x12, 0xbb, 1, 0, 0x33, 4]),
        &element(127, &[0, 0x12, 0xbb, 4, 0x12, 0, 65]),
        &element(127, &[1, 2, 3, 4, 5]),
        &element(0, &[]),
    ])
}

fn discovery(kind: u8) -> Vec<u8> {
    let link = cat(&[&[1, 1], &mac(5)]);
    let mtu = [5, 1, 0, 0, 0, 0, 5, 0xaa];
    let prefix = cat(&[
        &[
            3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
        ],
        &v6(0),
    ]);
    let servers = cat(&[&[25, 3, 0, 0, 0, 0, 0, 60], &v6(53)]);
    let domains = cat(&[
        &[31, 3, 0, 0, 0, 0, 0, 60],
        &dns_name("cluster.local"),
        &[0],
    ]);
    let route = [24, 2, 48, 8, 0, 0, 0, 60, 0xfd, 0x10, 0, 0, 0, 0, 0, 0];
    match kind {
        133 => cat(&[&[133, 0, 0, 0, 0, 0, 0, 0], &link]),
        134 => cat(&[
            &[134, 0, 0, 0, 64, 0xc8, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2],
            &link,
            &mtu,
            &prefix,
            &servers,
            &domains,
            &route,
            &[99, 1, 1, 2, 3, 4, 5, 6],
        ]),
        135 => cat(&[&[135, 0, 0, 0, 0, 0, 0, 0], &v6(33), &link]),
        136 => cat(&[&[136, 0, 0, 0, 0x60, 0, 0, 0], &v6(33), &[2], &link[1..]]),
        _ => cat(&[&[137, 0, 0, 0, 0, 0, 0, 0], &v6(1), &v6(2), &link]),
    }
}

/// A message about time: its first octet, stratum and poll interval, and what follows its times.
fn ntp(first: u8, stratum: u8, poll: i8, behind: &[u8]) -> Vec<u8> {
    cat(&[
        &[first, stratum, poll as u8, 0xe9],
        &[0, 1, 0x80, 0, 0, 0, 0x12, 0x34],
        b"GPS\0",
        &[0xe8, 0x12, 0x34, 0x56, 0x80, 0, 0, 1],
        &[if stratum == 0 { 0 } else { 0xe8 }, 0, 0, 0, 0, 0, 0, 0],
        &[0xe8, 0x12, 0x34, 0x57, 0x40, 0, 0, 0],
        &[0x01, 0x12, 0x34, 0x57, 0xff, 0xff, 0xff, 0xff],
        behind,
    ])
}

/// A control packet with an authentication section.
fn bfd_with(authentication: &[u8]) -> Vec<u8> {
    let mut section = authentication.to_vec();
    section.resize(usize::from(authentication[1]), 0xa5);
    cat(&[
        &[0x20, 0x44, 3, 24 + authentication[1]],
        &[0, 0, 0, 1, 0, 0, 0, 2],
        &[0, 0x0f, 0x42, 0x40, 0, 0x0f, 0x42, 0x40, 0, 0, 0, 0],
        &section,
    ])
}

fn sctp() -> Vec<u8> {
    let mut packet = vec![0x96, 0x0c, 0x0b, 0x59, 0, 0, 0, 1, 0, 0, 0, 0];
    packet.extend_from_slice(&[
        1, 0, 0, 20, 0, 0, 0, 1, 0, 1, 0, 0, 0, 10, 0, 10, 0, 0, 0, 99,
    ]);
    packet.extend_from_slice(&[
        0, 3, 0, 21, 0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 46, 1, 2, 3, 4, 5, 0, 0, 0,
    ]);
    packet.extend_from_slice(&[
        3, 0, 0, 24, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 2, 0, 3, 0, 0, 0, 7,
    ]);
    packet.extend_from_slice(&[200, 0, 0, 4]);
    packet
}

/// A frame and what it is.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) frame: Vec<u8>,
}

/// One Ethernet frame of each kind, and each IPv4 packet of them inside VXLAN too.
pub(crate) fn samples(seed: u64) -> Vec<Sample> {
    let mut random = Random::new(seed);
    let mut packets: Vec<(String, Vec<u8>)> = Vec::new();
    let ip = Ip::between([10, 46, 0, 8], [10, 40, 0, 21]);
    let back = Ip::between([10, 40, 0, 21], [10, 46, 0, 8]);
    let mut add = |name: &str, packet: Vec<u8>| packets.push((name.to_owned(), packet));

    add(
        "echo",
        ipv4(&ip, 1, &icmp(8, 0, [0x1a, 0x2b, 0, 1], &random.octets(56))),
    );
    add("echo reply, wrong sum", {
        let mut message = icmp(0, 0, [0x1a, 0x2b, 0, 1], &random.octets(16));
        message[2] ^= 0x10;
        ipv4(&back, 1, &message)
    });
    let quoted = ipv4(&back, 17, &summed(&back, 17, udp(40000, 9999, b"what"), 6));
    let quoted_tcp = ipv4(&back, 6, &tcp((40000, 81), (1, 0), 2, &[], &[]));
    for code in 0..=16 {
        add(
            "unreachable",
            ipv4(&ip, 1, &icmp(3, code, [0, 0, 5, 0xaa], &quoted)),
        );
    }
    add(
        "tcp unreachable",
        ipv4(&ip, 1, &icmp(3, 3, [0; 4], &quoted_tcp)),
    );
    for code in 0..=4 {
        add(
            "redirect",
            ipv4(&ip, 1, &icmp(5, code, [10, 40, 0, 254], &quoted)),
        );
    }
    let labels = cat(&[&quoted, &vec![0; 128 - quoted.len()], &{
        let mut extension = vec![
            0x20, 0, 0, 0, 0, 8, 1, 1, 0, 1, 0x01, 0xff, 0, 8, 2, 5, 1, 2, 3, 4,
        ];
        let checksum = sum(&extension, 0);
        put16(&mut extension, 2, checksum);
        extension
    }]);
    add(
        "exceeded with labels",
        ipv4(&ip, 1, &icmp(11, 0, [0, 32, 0, 0], &labels)),
    );
    for (kind, code) in [
        (11, 1),
        (11, 7),
        (12, 0),
        (12, 3),
        (4, 0),
        (10, 0),
        (15, 0),
        (16, 0),
        (17, 0),
        (42, 0),
    ] {
        add(
            "icmp",
            ipv4(&ip, 1, &icmp(kind, code, [20, 0, 0, 0], &quoted)),
        );
    }
    add(
        "mask",
        ipv4(&ip, 1, &icmp(18, 0, [0, 1, 0, 2], &[255, 255, 255, 0])),
    );
    add(
        "stamp",
        ipv4(
            &ip,
            1,
            &icmp(
                14,
                0,
                [0, 1, 0, 2],
                &[0, 0x38, 0, 1, 1, 0x38, 0, 1, 2, 0x38, 0, 1],
            ),
        ),
    );
    add(
        "router",
        ipv4(
            &ip,
            1,
            &icmp(
                9,
                0,
                [2, 2, 7, 8],
                &[10, 0, 0, 1, 0, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 2],
            ),
        ),
    );
    add(
        "udp",
        ipv4(
            &ip,
            17,
            &summed(&ip, 17, udp(40001, 40002, &random.octets(20)), 6),
        ),
    );
    add(
        "udp, wrong sum",
        ipv4(&ip, 17, &{
            let mut segment = udp(40001, 40002, &random.octets(9));
            segment[7] = 9;
            segment
        }),
    );
    add(
        "udp, long",
        ipv4(&ip, 17, &{
            let mut segment = udp(40001, 40002, &random.octets(9));
            segment[5] = 99;
            segment
        }),
    );
    for (name, option) in tcp_options() {
        let (flags, data): (u8, &[u8]) = match name {
            "syn" | "multipath capable" | "multipath join" => (0x02, &[]),
            "sack" => (0x10, &[]),
            _ => (0x18, b"payload"),
        };
        let segment = tcp((40010, 40011), (1000, 500), flags, &option, data);
        add(name, ipv4(&ip, 6, &summed(&ip, 6, segment, 16)));
    }
    for (n, flags) in [0x12, 0x10, 0x18, 0x11, 0x14, 0x00, 0x04, 0xff]
        .into_iter()
        .enumerate()
    {
        let numbers = (1001 + n as u32 * 7, 501 + n as u32 * 3);
        let segment = tcp((40010, 40011), numbers, flags, &[], &[b'x'; 12][..n]);
        add("segment", ipv4(&ip, 6, &summed(&ip, 6, segment, 16)));
        let segment = tcp((40011, 40010), (numbers.1, numbers.0), flags, &[], &[]);
        add("segment back", ipv4(&back, 6, &segment));
        add(
            "segment over IPv6",
            ipv6(
                8,
                33,
                6,
                &summed6(8, 33, 6, tcp((40011, 40010), numbers, flags, &[], &[]), 16),
            ),
        );
    }
    add(
        "http",
        ipv4(
            &ip,
            6,
            &tcp(
                (40010, 80),
                (1, 1),
                0x18,
                &[],
                b"GET / HTTP/1.1\r\nHost: pod1\r\n\r\nbody",
            ),
        ),
    );
    add(
        "http response",
        ipv4(
            &back,
            6,
            &tcp(
                (80, 40010),
                (1, 1),
                0x18,
                &[],
                b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n\x01\x02",
            ),
        ),
    );
    add(
        "ssh",
        ipv4(
            &ip,
            6,
            &tcp((22, 40010), (1, 1), 0x18, &[], b"SSH-2.0-OpenSSH_9.2p1\r\n"),
        ),
    );
    add(
        "dns over tcp",
        ipv4(&ip, 6, &{
            let query = dns_query(false);
            tcp(
                (40010, 53),
                (1, 1),
                0x18,
                &[],
                &cat(&[&(query.len() as u16).to_be_bytes(), &query]),
            )
        }),
    );
    for (name, option) in ipv4_options() {
        let mut ip = ip.clone();
        ip.options = option;
        add(
            name,
            ipv4(&ip, 17, &summed(&ip, 17, udp(40001, 40002, b"data"), 6)),
        );
    }
    for fragment in [0x2000, 0x2004, 0x00ff, 0x4000, 0x8000] {
        let mut ip = ip.clone();
        ip.fragment = fragment;
        ip.tos = (fragment >> 8) as u8 | 1;
        add(
            "fragment",
            ipv4(&ip, 1, &icmp(8, 0, [0, 1, 0, 1], &random.octets(24))),
        );
        add(
            "fragment of udp",
            ipv4(&ip, 17, &udp(40001, 40002, &random.octets(24))),
        );
    }
    add("unknown protocol", ipv4(&ip, 253, &random.octets(4)));
    add("igmp query", ipv4(&ip, 2, &[0x11, 100, 0, 0, 239, 1, 2, 3]));
    add(
        "igmp v3 query",
        ipv4(
            &ip,
            2,
            &[0x11, 0xa0, 0, 0, 239, 1, 2, 3, 2, 10, 0, 1, 10, 0, 0, 1],
        ),
    );
    add(
        "igmp v3 report",
        ipv4(
            &ip,
            2,
            &[
                0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 1, 239, 1, 2, 3, 10, 0, 0, 9, 9, 0, 0, 0, 239,
                1, 2, 4,
            ],
        ),
    );
    for kind in [0x12, 0x16, 0x17, 0x99] {
        add("igmp", ipv4(&ip, 2, &[kind, 0, 0, 0, 239, 1, 2, 3]));
    }
    add("sctp", ipv4(&ip, 132, &sctp()));
    for (source, destination) in [(6704u16, 6705u16), (40000, 6706)] {
        let ports = [source.to_be_bytes(), destination.to_be_bytes()].concat();
        let chunk = [5, 0, 0, 4];
        let association = cat(&[&ports, &[0, 0, 0, 1, 0, 0, 0, 0], &chunk]);
        add("forces", ipv4(&ip, 132, &association));
    }
    add(
        "vrrp",
        ipv4(
            &ip,
            112,
            &[0x21, 1, 100, 2, 0, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
        ),
    );
    add(
        "vrrp 3",
        ipv4(&ip, 112, &[0x31, 1, 100, 1, 0, 100, 0, 0, 10, 0, 0, 1]),
    );
    add("esp", ipv4(&ip, 50, &random.octets(40)));
    add(
        "ah",
        ipv4(
            &ip,
            51,
            &cat(&[
                &[17, 4, 0, 0, 0, 0, 0x10, 1, 0, 0, 0, 5],
                &[0xab; 12],
                &udp(40001, 40002, b"data"),
            ]),
        ),
    );
    add("ipcomp", ipv4(&ip, 108, &[4, 0, 0x12, 0x34, 1, 2, 3]));
    let inner = ipv4(&ip, 1, &icmp(8, 0, [0, 7, 0, 1], &random.octets(16)));
    let inner6 = ipv6(
        8,
        33,
        58,
        &summed6(8, 33, 58, vec![128, 0, 0, 0, 0, 7, 0, 1, 9, 9], 2),
    );
    let inner_frame = ethernet(1, 2, 0x0800, &inner);
    add("ipip", ipv4(&ip, 4, &inner));
    add("6in4", ipv4(&ip, 41, &inner6));
    for flags in [0x0000u16, 0x2000, 0x3000, 0x8000, 0x0002] {
        let optional = match flags {
            0x2000 => 4,
            0x3000 => 8,
            0x8000 => 4,
            _ => 0,
        };
        let header = cat(&[
            &flags.to_be_bytes(),
            &[0x08, 0x00],
            &random.octets(optional),
        ]);
        add("gre", ipv4(&ip, 47, &cat(&[&header, &inner])));
    }
    add(
        "gre bridging",
        ipv4(&ip, 47, &cat(&[&[0, 0, 0x65, 0x58], &inner_frame])),
    );
    add(
        "gre ipv6",
        ipv4(&ip, 47, &cat(&[&[0, 0, 0x86, 0xdd], &inner6])),
    );
    add("gre unknown", ipv4(&ip, 47, &[0, 0, 0x12, 0x34, 1, 2]));
    add(
        "gre route",
        ipv4(
            &ip,
            47,
            &cat(&[
                &[
                    0x40, 0, 0x08, 0, 0, 0, 0, 0, 8, 0, 4, 8, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0,
                ],
                &inner,
            ]),
        ),
    );
    add(
        "gre 1",
        ipv4(
            &ip,
            47,
            &[
                0x30, 0x81, 0x12, 0x34, 0, 4, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0,
            ],
        ),
    );
    for (port, payload) in [
        (4789, vxlan(8, 7, &inner_frame)),
        (4789, vxlan(0, 7, &inner_frame)),
        (8472, vxlan(8, 1, &inner_frame)),
        (6784, vxlan(8, 7, &inner_frame)),
        (6784, cat(&[&[0x20, 0xc0, 3, 24], &random.octets(20)])),
        (3784, cat(&[&[0x22, 0x40, 3, 24], &random.octets(20)])),
        (4790, cat(&[&[0x0c, 0, 0, 1, 0, 0, 42, 0], &inner])),
        (4790, cat(&[&[0x0c, 0, 0, 3, 0, 0, 42, 0], &inner_frame])),
        (
            4790,
            cat(&[
                &[
                    0x0c, 0, 0, 4, 0, 0, 42, 0, 0x0f, 0xc2, 0x02, 1, 0, 0, 1, 255,
                ],
                &inner,
            ]),
        ),
        (4790, cat(&[&[0x0c, 0, 0, 9, 0, 0, 42, 0], &inner])),
        (
            6081,
            cat(&[&[0, 0x40, 0x65, 0x58, 0, 0, 42, 0], &inner_frame]),
        ),
        (
            6081,
            cat(&[
                &[2, 0, 0x08, 0x00, 0, 0, 42, 1, 1, 2, 0x80, 1, 1, 2, 3, 4],
                &inner,
            ]),
        ),
        (6081, cat(&[&[0x40, 0, 0x08, 0x00, 0, 0, 42, 0], &inner])),
        (
            6635,
            cat(&[&[0x00, 0x06, 0x40, 0xff, 0x00, 0x06, 0x51, 0x40], &inner]),
        ),
        (53, dns_query(false)),
        (53, dns_response(&mut random)),
        (5353, dns_query(true)),
        (5353, dns_response(&mut random)),
        (67, dhcp(&mut random)),
        (547, dhcpv6(&mut random)),
        (3785, random.octets(24)),
        (4500, random.octets(24)),
        (4500, vec![0xff]),
        (4500, vec![1, 2, 3]),
        (
            3784,
            bfd_with(&[1, 9, 3, b's', b'e', b'c', b'r', b'e', b't']),
        ),
        (3784, bfd_with(&[2, 24, 7, 0, 0, 0, 0, 5])),
        (4784, bfd_with(&[5, 28, 7, 0, 0, 0, 0, 5])),
        (3784, bfd_with(&[9, 4, 1, 2])),
        (123, ntp(0x23, 0, 6, &[])),
        (123, ntp(0x24, 1, -6, &[0, 0, 0, 9])),
        (123, ntp(0x1c, 2, 40, &[7; 20])),
        (123, ntp(0xe5, 17, 31, &[7; 24])),
        (123, ntp(0x5d, 62, 0, &[1])),
        (123, vec![0x26, 0xd3, 0, 5, 0, 0, 0, 1, 0, 2, 0, 3, 1, 2, 3]),
        (
            123,
            vec![0x16, 0x02, 0, 5, 0x80, 0, 0, 1, 0, 2, 0, 9, 1, 2, 3],
        ),
        (123, vec![0x17, 0x02, 0, 5]),
        (123, vec![0x23; 20]),
        (
            514,
            b"<34>Oct 11 22:14:15 pod1 su: 'su root' failed\n".to_vec(),
        ),
        (514, b"<999>1 - -".to_vec()),
        (514, b"no priority".to_vec()),
        (
            5060,
            b"INVITE sip:pod2@10.40.0.21 SIP/2.0\r\nCall-ID: 7\r\n\r\nv=0\r\n".to_vec(),
        ),
        (5060, b"\r\n\r\n".to_vec()),
        (
            30490,
            vec![
                0xff, 0xff, 0x81, 0, 0, 0, 0, 8, 0, 1, 0, 2, 1, 1, 2, 0, 9, 9,
            ],
        ),
        (30490, vec![1, 2, 3]),
    ] {
        add(
            "datagram",
            ipv4(&ip, 17, &summed(&ip, 17, udp(40001, port, &payload), 6)),
        );
    }
    for shim in [
        0x48c0_0007u32,
        0x6a40_0001,
        0x2d00_0001,
        0x0e80_0001,
        0x4000_0001,
    ] {
        let payload = match shim >> 25 & 15 {
            7 => &inner_frame,
            6 => &inner6,
            _ => &inner,
        };
        let payload = cat(&[&shim.to_be_bytes(), payload]);
        add("line interface", ipv4(&ip, 17, &udp(49152, 4789, &payload)));
    }
    for (port, lines) in [
        (
            6379,
            &b"*2\r\n$4\r\nINCR\r\n$1\r\nz\r\n+OK\r\n:7\r\n-ERR no\r\n"[..],
        ),
        (
            6379,
            b"*0\r\n*-1\r\n$-1\r\n$0\r\n\r\n$-2\r\n*x\r\n$9999999999\r\nPING\r\n",
        ),
        (6379, b"*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n*3\r\n:3\r\n"),
        (6379, b"\r\nPING\n\n"),
        (6379, b"$2147483648\r\n$12"),
        (25, b"220 pod1 ESMTP\r\n250 ok\n"),
        (21, b"USER anonymous\r\n"),
        (43, b"example.com\r\n"),
        (
            554,
            b"SETUP rtsp://10.40.0.21/1 RTSP/1.0\r\nCSeq: 2\r\n\r\n",
        ),
        (8554, b"$\x00\x01\x02 interleaved"),
    ] {
        let segment = tcp((40010, port), (1, 1), 0x18, &[], lines);
        add("lines", ipv4(&ip, 6, &segment));
    }
    for kind in [133, 134, 135, 136, 137] {
        add(
            "discovery",
            ipv6(8, 33, 58, &summed6(8, 33, 58, discovery(kind), 2)),
        );
    }
    let quoted6 = ipv6(33, 8, 17, &udp(40000, 9999, b"what"));
    for (kind, code) in [
        (1, 0),
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (1, 9),
        (2, 0),
        (3, 0),
        (3, 1),
        (3, 2),
        (4, 0),
        (4, 1),
        (4, 9),
        (129, 0),
        (141, 0),
        (144, 0),
        (145, 0),
        (147, 0),
        (160, 0),
        (200, 1),
    ] {
        let message = cat(&[&[kind, code, 0, 0, 0, 0, 5, 0x78], &quoted6]);
        add("icmpv6", ipv6(8, 33, 58, &summed6(8, 33, 58, message, 2)));
    }
    let report = cat(&[&[143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 1], &v6(1), &v6(2)]);
    let query = cat(&[
        &[130, 0, 0, 0, 0x90, 1, 0, 0],
        &v6(1),
        &[0x0a, 0x91, 0, 1],
        &v6(2),
    ]);
    let alert = [58, 0, 5, 2, 0, 0, 1, 0];
    add(
        "listener report",
        ipv6(8, 33, 0, &cat(&[&alert, &summed6(8, 33, 58, report, 2)])),
    );
    add(
        "listener query",
        ipv6(8, 33, 0, &cat(&[&alert, &summed6(8, 33, 58, query, 2)])),
    );
    add(
        "listener done",
        ipv6(
            8,
            33,
            58,
            &summed6(8, 33, 58, cat(&[&[132, 0, 0, 0, 0, 1, 0, 0], &v6(1)]), 2),
        ),
    );
    let echo6 = summed6(
        8,
        33,
        58,
        cat(&[&[128, 0, 0, 0, 0, 7, 0, 1], &random.octets(30)]),
        2,
    );
    add(
        "first fragment",
        ipv6(8, 33, 44, &cat(&[&[58, 0, 0, 1, 0, 0, 0xab, 0xcd], &echo6])),
    );
    add(
        "later fragment",
        ipv6(
            8,
            33,
            44,
            &cat(&[&[58, 0, 0, 56, 0, 0, 0xab, 0xcd], &echo6]),
        ),
    );
    add(
        "destination options",
        ipv6(
            8,
            33,
            60,
            &cat(&[
                &[58, 1, 1, 4, 0, 0, 0, 0, 0x3e, 4, 1, 2, 3, 4, 1, 0],
                &echo6,
            ]),
        ),
    );
    add(
        "routing",
        ipv6(
            8,
            33,
            43,
            &cat(&[&[58, 2, 0, 1, 0, 0, 0, 0], &v6(9), &echo6]),
        ),
    );
    add(
        "segment routing",
        ipv6(
            8,
            33,
            43,
            &cat(&[&[58, 4, 4, 1, 1, 0, 0, 5], &v6(9), &v6(10), &echo6]),
        ),
    );
    for (code, body) in [
        (0u8, vec![0, 0]),
        (
            1,
            cat(&[&[30, 1, 1, 0, 0x88, 7, 0, 0], &v6(1), &[0, 4, 1, 9, 3, 0]]),
        ),
        (1, cat(&[&[30, 1, 1, 0, 0x22, 7, 0, 0], &v6(1)])),
        (1, vec![30, 1, 1, 0]),
        (
            2,
            cat(&[&[30, 0xc0, 0, 7], &v6(1), &[5, 2, 0, 128, 99, 1, 1]]),
        ),
        (2, cat(&[&[30, 0x00, 0, 7], &[6, 14, 1], &[7; 13]])),
        (2, cat(&[&[30, 0x40, 0, 7], &[7; 12]])),
        (3, cat(&[&[30, 0x80, 7, 1], &v6(1), &[8, 9]])),
        (3, vec![30, 0, 7, 1]),
        (0x81, vec![1, 2, 3, 4]),
        (9, vec![1, 2, 3, 4]),
    ] {
        let message = cat(&[&[155, code, 0, 0], &body]);
        add("lossy", ipv6(8, 33, 58, &summed6(8, 33, 58, message, 2)));
    }
    for (kind, data, behind) in [
        (0u8, [0, 0], vec![]),
        (1, [0, 0], vec![1, 2, 3, 4, 5, 6, 7, 8]),
        (2, [0, 0], vec![1, 2, 3, 4, 5, 6, 7, 8]),
        (3, [0, 9], cat(&[&[7; 16], &[4, 4, 0, 1, 0, 2, 1, 0]])),
        (4, [0, 9], cat(&[&[7; 16], &[2, 2, 0, 9, 0x63, 2, 1, 2]])),
        (5, [1, 2], vec![0xb0, 0, 0, 9, 0, 0, 1, 0]),
        (5, [1, 2], cat(&[&[0, 0, 0, 9, 3, 16], &v6(9), &[1, 0]])),
        (6, [1, 0x80], cat(&[&[0, 1, 0, 9, 5, 10, 1, 2], &[0; 8]])),
        (6, [1, 0], vec![0, 1, 0, 9, 5, 2, 1, 2]),
        (7, [1, 0], cat(&[&v6(9), &[2, 0, 0, 0, 0, 0, 0, 0]])),
        (7, [1, 0], vec![]),
        (9, [1, 0], vec![0; 8]),
    ] {
        let units = (behind.len() / 8) as u8;
        let message = cat(&[&[59, units, kind, 0, 0, 0], &data, &behind]);
        add(
            "mobility",
            ipv6(8, 33, if kind == 4 { 62 } else { 135 }, &message),
        );
    }
    add("no next header", ipv6(8, 33, 59, &[]));
    add("unknown next header", ipv6(8, 33, 253, &[1, 2, 3]));
    add(
        "udp over IPv6",
        ipv6(
            8,
            33,
            17,
            &summed6(8, 33, 17, udp(40001, 40002, b"data"), 6),
        ),
    );
    add("ipv6 in ipv6", ipv6(8, 33, 41, &inner6));
    add("ethernet in ipv6", ipv6(8, 33, 143, &inner_frame));
    add("sctp over IPv6", ipv6(8, 33, 132, &sctp()));
    {
        let mut packet = ipv6(8, 33, 17, &udp(40001, 40002, b"data"));
        packet[0..4].copy_from_slice(&[0x62, 0xe1, 0x23, 0x45]);
        add("flow label", packet);
        let mut packet = ipv4(&ip, 17, &udp(40001, 40002, b"data"));
        packet[0] = 0x44;
        add("short header", packet.clone());
        packet[0] = 0x55;
        add("version 5", packet.clone());
        packet[0] = 0x45;
        packet[3] = 10;
        add("short length", packet.clone());
        packet[3] = 200;
        add("long length", packet);
    }

    let mut samples: Vec<Sample> = Vec::new();
    for (name, packet) in packets {
        let kind = if packet[0] >> 4 == 6 { 0x86dd } else { 0x0800 };
        let frame = ethernet(1, 2, kind, &packet);
        samples.push(Sample {
            name: format!("{name} in vxlan"),
            frame: wrapped((11, 12), 50200, 4789, 7, &frame),
        });
        samples.push(Sample { name, frame });
    }
    let mut add = |name: &str, frame: Vec<u8>| {
        samples.push(Sample {
            name: name.to_owned(),
            frame,
        });
    };
    for operation in [1u16, 2, 3, 4, 8, 9, 10, 99] {
        let body = cat(&[
            &[0, 1, 8, 0, 6, 4],
            &operation.to_be_bytes(),
            &mac(1),
            &[10, 46, 0, 8],
            &mac(2),
            &[10, 40, 0, 21],
        ]);
        add("arp", ethernet(1, 2, 0x0806, &body));
    }
    add(
        "arp, odd lengths",
        ethernet(
            1,
            2,
            0x0806,
            &[
                0, 7, 8, 0, 3, 4, 0, 1, 1, 2, 3, 10, 0, 0, 1, 0, 0, 0, 10, 0, 0, 2,
            ],
        ),
    );
    add(
        "arp, unknown protocol",
        ethernet(1, 2, 0x0806, &[0, 1, 0x12, 0x34, 1, 1, 0, 2, 1, 2, 3, 4]),
    );
    add(
        "vlan",
        ethernet(1, 2, 0x8100, &cat(&[&[0x20, 10, 0x08, 0], &inner])),
    );
    add(
        "qinq",
        ethernet(
            1,
            2,
            0x88a8,
            &cat(&[&[0x10, 100, 0x81, 0, 0, 200, 0x86, 0xdd], &inner6]),
        ),
    );
    add(
        "vlan with llc",
        ethernet(1, 2, 0x8100, &cat(&[&[0, 10, 0, 38], &stp(0, 0)])),
    );
    add("unknown type", ethernet(1, 2, 0x1234, &random.octets(37)));
    add(
        "mpls",
        ethernet(
            1,
            2,
            0x8847,
            &cat(&[&[0x00, 0x06, 0x40, 0xff, 0x00, 0x06, 0x51, 0x40], &inner]),
        ),
    );
    add(
        "mpls null",
        ethernet(1, 2, 0x8847, &cat(&[&[0, 0, 0x21, 0x40], &inner6])),
    );
    add(
        "mpls unknown",
        ethernet(1, 2, 0x8848, &[0, 6, 0x41, 0x40, 1, 2, 3, 4]),
    );
    add(
        "nsh",
        ethernet(
            1,
            2,
            0x894f,
            &cat(&[
                &[0x2f, 0xc6, 1, 1, 0, 0, 1, 255],
                &random.octets(16),
                &inner,
            ]),
        ),
    );
    add("lldp", ethernet(1, 2, 0x88cc, &lldp()));
    add(
        "loopback",
        ethernet(1, 2, 0x9000, &[0, 0, 1, 0, 5, 0, 1, 2, 3]),
    );
    add(
        "loopback forward",
        ethernet(1, 2, 0x9000, &[0, 0, 2, 0, 1, 2, 3, 4, 5, 6, 7]),
    );
    for (kind, version) in [(0, 0), (2, 2), (0x80, 0), (9, 0), (0, 9)] {
        add("stp", ethernet_802_3(&stp(kind, version)));
    }
    add(
        "multiple stp",
        ethernet_802_3(&{
            let mut message = stp(2, 3);
            message.extend_from_slice(&[0, 80, 0]);
            message.extend_from_slice(b"region");
            message.extend_from_slice(&[0; 26]);
            message.extend(random.octets(2 + 16 + 4 + 8 + 1 + 16));
            message
        }),
    );
    add(
        "snap",
        ethernet_802_3(&cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0], &inner])),
    );
    add(
        "snap unknown",
        ethernet_802_3(&[0xaa, 0xaa, 3, 1, 2, 3, 0x08, 0, 1, 2, 3]),
    );
    add("llc xid", ethernet_802_3(&[0xe4, 0xe5, 0xbf, 0x81, 1, 2]));
    add(
        "llc information",
        ethernet_802_3(&[0x04, 0x08, 0x02, 0x04, 1, 2, 3]),
    );
    add("llc supervisory", ethernet_802_3(&[0x08, 0x09, 0x05, 0x05]));
    add("llc test", ethernet_802_3(&[0x00, 0x01, 0xe3, 1, 2, 3]));
    samples
}

/// An Ethernet frame as cooked captures hold it, version 1.
pub(crate) fn cooked(frame: &[u8], direction: u16) -> Vec<u8> {
    cat(&[
        &direction.to_be_bytes(),
        &[0, 1, 0, 6],
        &frame[6..12],
        &[0, 0],
        &frame[12..],
    ])
}

/// An Ethernet frame as cooked captures hold it, version 2.
pub(crate) fn cooked2(frame: &[u8], direction: u8, device: u32) -> Vec<u8> {
    cat(&[
        &frame[12..14],
        &[0, 0],
        &device.to_be_bytes(),
        &[0, 1, direction, 6],
        &frame[6..12],
        &[0, 0],
        &frame[14..],
    ])
}

/// Writes a pcap file, little endian, in microseconds.
pub(crate) struct Pcap<W>(pub(crate) W);

impl Pcap<Vec<u8>> {
    pub(crate) fn new(link: u32) -> Self {
        Self::to(link, Vec::new())
    }
}

impl<W: Write> Pcap<W> {
    pub(crate) fn to(link: u32, mut file: W) -> Self {
        for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, link] {
            file.write_all(&word.to_le_bytes()).unwrap();
        }
        Self(file)
    }

    pub(crate) fn packet(&mut self, micros: u64, frame: &[u8], captured: usize) {
        let captured = captured.min(frame.len());
        for word in [
            1_700_000_000 + (micros / 1_000_000) as u32,
            (micros % 1_000_000) as u32,
            captured as u32,
            frame.len() as u32,
        ] {
            self.0.write_all(&word.to_le_bytes()).unwrap();
        }
        self.0.write_all(&frame[..captured]).unwrap();
    }
}
