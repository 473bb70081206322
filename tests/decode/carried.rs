//! Frames of what is found by its port or protocol number: routing, management, monitoring.

mod ldp;
mod ospf;
mod ppp;
mod snmp;

use crate::generator::{self, Ip, Sample, ethernet, ipv4, ipv6, tcp, udp};

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn sum(octets: &[u8]) -> u16 {
    let sum: u32 = octets
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    !((sum & 0xffff) + (sum >> 16)) as u16
}

/// A message whose third and fourth octet are its checksum.
fn summed(mut message: Vec<u8>) -> Vec<u8> {
    let sum = sum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    message
}

/// All of them, in Ethernet frames.
fn packets() -> Vec<(&'static str, Vec<u8>)> {
    let ip = Ip::between([10, 46, 0, 8], [10, 40, 0, 21]);
    let mut packets = Vec::new();
    for message in dvmrp().into_iter().chain(pim_v1()) {
        packets.push(("igmp", ipv4(&ip, 2, &summed(message))));
    }
    for message in pim() {
        packets.push(("pim", ipv4(&ip, 103, &summed(message))));
    }
    for message in ospf::version_2() {
        packets.push(("ospf", ipv4(&ip, 89, &message)));
    }
    for message in snmp::messages() {
        packets.push(("snmp", ipv4(&ip, 17, &udp(40000, 161, &message))));
    }
    for message in ldp::messages() {
        packets.push(("ldp", ipv4(&ip, 17, &udp(646, 646, &message))));
        let segment = tcp((646, 40000), (1, 1), 0x18, &[], &message);
        packets.push(("ldp over tcp", ipv4(&ip, 6, &segment)));
    }
    for message in telnet() {
        let segment = tcp((23, 40000), (1, 1), 0x18, &[], &message);
        packets.push(("telnet", ipv4(&ip, 6, &segment)));
    }
    for message in rip() {
        packets.push(("rip", ipv4(&ip, 17, &udp(520, 520, &message))));
    }
    for message in hsrp() {
        packets.push(("hsrp", ipv4(&ip, 17, &udp(40000, 1985, &message))));
    }
    for message in sflow() {
        packets.push(("sflow", ipv4(&ip, 17, &udp(40000, 6343, &message))));
    }
    for message in olsr(4) {
        packets.push(("olsr", ipv4(&ip, 17, &udp(698, 698, &message))));
    }
    packets
}

/// The generator's frames and these.
pub(crate) fn samples(seed: u64) -> Vec<Sample> {
    let mut samples = generator::samples(seed);
    samples.extend(packets().into_iter().map(|(name, packet)| Sample {
        name: name.to_owned(),
        frame: ethernet(1, 2, 0x0800, &packet),
    }));
    for frame in ppp::frames() {
        samples.push(Sample {
            name: "pppoe".to_owned(),
            frame: ethernet(1, 2, 0x8864, &ppp::in_ethernet(0, &frame)),
        });
        samples.push(Sample {
            name: "ppp in gre".to_owned(),
            frame: ethernet(
                1,
                2,
                0x0800,
                &ipv4(
                    &Ip::between([10, 0, 0, 7], [10, 0, 0, 8]),
                    47,
                    &ppp::in_gre(&frame),
                ),
            ),
        });
    }
    for tags in [
        &[
            1u8, 1, 0, 0, 1, 3, 0, 3, 1, b'x', 2, 1, 2, 0, 3, b'o', b'f', 1, 9, 9, 0, 1, 7,
        ][..],
        &[0, 0, 0, 2, 65, 66, 1, 1, 0, 0],
    ] {
        for code in [9, 7, 0x19, 0x65, 0xa7, 0x33] {
            samples.push(Sample {
                name: "pppoe discovery".to_owned(),
                frame: ethernet(1, 2, 0x8863, &ppp::in_ethernet(code, tags)),
            });
        }
    }
    samples.push(Sample {
        name: "pppoe, older".to_owned(),
        frame: ethernet(1, 2, 0x3c13, &[0x25, 9, 0, 0, 5, 0xdc, 1]),
    });
    samples.push(Sample {
        name: "ppp in ethernet".to_owned(),
        frame: ethernet(1, 2, 0x880b, &ppp::frames()[0]),
    });
    for message in ospf::version_3() {
        samples.push(Sample {
            name: "ospf 3".to_owned(),
            frame: ethernet(1, 2, 0x86dd, &ipv6(8, 33, 89, &message)),
        });
    }
    for message in slow() {
        samples.push(Sample {
            name: "slow protocol".to_owned(),
            frame: ethernet(1, 2, 0x8809, &message),
        });
    }
    for message in ripng() {
        samples.push(Sample {
            name: "ripng".to_owned(),
            frame: ethernet(1, 2, 0x86dd, &ipv6(8, 33, 17, &udp(521, 521, &message))),
        });
    }
    for message in olsr(16) {
        samples.push(Sample {
            name: "olsr over IPv6".to_owned(),
            frame: ethernet(1, 2, 0x86dd, &ipv6(8, 33, 17, &udp(698, 698, &message))),
        });
    }
    samples
}

fn dvmrp() -> Vec<Vec<u8>> {
    let message = |kind: u8, body: &[u8]| cat(&[&[0x13, kind, 0, 0, 0, 0, 2, 3], body]);
    let head = [10, 0, 0, 1, 1, 2];
    vec![
        message(1, &[0, 0, 1, 2, 10, 0, 0, 9, 10, 0, 0, 10, 7]),
        message(
            2,
            &[
                255, 0, 0, 10, 1, 3, 10, 2, 0x84, 255, 255, 255, 10, 1, 2, 3, 0x81, 0, 0, 0, 10,
                0x82, 1,
            ],
        ),
        message(3, &[]),
        message(
            4,
            &cat(&[&head, &[2, 10, 0, 0, 2, 10, 0, 0, 3], &head, &[1, 9]]),
        ),
        message(5, &[]),
        message(
            6,
            &cat(&[
                &head,
                &[0x73, 2, 10, 0, 0, 2, 10, 0, 0, 3],
                &head,
                &[0, 2, 10, 0, 0, 4],
            ]),
        ),
        message(7, &[10, 0, 0, 1, 225, 0, 0, 1, 0, 0, 0x1c, 0x20]),
        message(8, &[10, 0, 0, 1, 225, 0, 0, 1]),
        message(9, &[10, 0, 0, 1, 225, 0, 0, 1]),
        message(77, &[1, 2]),
    ]
}

fn pim_v1() -> Vec<Vec<u8>> {
    let message = |kind: u8, body: &[u8]| cat(&[&[0x14, kind, 0, 0, 0x10, 0, 0, 0], body]);
    let addresses = [10, 0, 0, 1, 255, 255, 255, 0, 10, 0, 0, 2, 0, 0, 0, 90];
    let inner = ipv4(
        &Ip::between([10, 0, 0, 7], [225, 0, 0, 1]),
        17,
        &udp(9, 9, b"x"),
    );
    let several = cat(&[
        &[10, 0, 0, 1, 0, 0, 0, 210, 4, 32, 0, 2],
        &[225, 0, 0, 1, 255, 255, 255, 255, 0, 1, 0, 1],
        &[1, 0xe0, 10, 0, 0, 9, 0, 0x20, 10, 0, 0, 8],
        &[225, 0, 0, 2, 255, 0, 0, 0, 0, 0, 0, 0],
    ]);
    let single = |joined: u8, hold: u8| {
        cat(&[
            &[
                10, 0, 0, 1, 0, 0, 0, hold, 4, 32, 0, 1, 225, 0, 0, 1, 255, 255, 0, 0,
            ],
            &[0, joined, 0, 1 - joined, 1, 0xd8, 10, 0, 0, 9],
        ])
    };
    vec![
        message(0, &[0x10, 0, 0, 105]),
        message(0, &[0x70, 0, 0, 105]),
        message(1, &cat(&[&[0; 0], &inner])),
        message(2, &[225, 0, 0, 1, 10, 0, 0, 1]),
        message(3, &several),
        message(3, &single(1, 180)),
        message(6, &single(0, 90)),
        message(7, &several[..10]),
        message(4, &addresses),
        message(5, &cat(&[&addresses[..12], &[0x80, 0, 0, 3, 0, 0, 0, 9]])),
        message(9, &[0, 0]),
    ]
}

fn pim() -> Vec<Vec<u8>> {
    let message = |kind: u8, second: u8, body: &[u8]| cat(&[&[0x20 | kind, second, 0, 0], body]);
    let unicast = [1, 0, 10, 0, 0, 1];
    let group = [1, 0, 0x80, 24, 225, 0, 1, 0];
    let point = [1, 0, 10, 0, 0, 2, 0, 150, 7, 0];
    let packet = |protocol| ipv4(&Ip::between([10, 0, 0, 7], [225, 0, 0, 1]), protocol, b"x");
    vec![
        message(1, 0, &cat(&[&[0x40, 0, 0, 0], &packet(99)])),
        message(1, 0, &cat(&[&[0x80, 0, 0, 0], &ipv6(1, 2, 59, &[])])),
        message(1, 0, &cat(&[&[0, 0, 0, 0], &[0; 20]])),
        message(1, 0, &[0, 0, 0, 0, 0x90]),
        message(2, 0, &cat(&[&group, &unicast])),
        message(2, 4, &[0, 32, 225, 0, 0, 1, 10, 0, 0, 1]),
        message(
            4,
            0,
            &cat(&[
                &[1, 2, 30, 5],
                &unicast,
                &group,
                &[2, 1, 0, 0],
                &point,
                &group,
                &[1],
            ]),
        ),
        message(
            5,
            0,
            &cat(&[&group, &unicast, &[0x80, 0, 0, 3, 0, 0, 0, 9]]),
        ),
        message(8, 0, &cat(&[&[2, 9, 0, 150], &unicast, &group, &group])),
        message(9, 0, &cat(&[&unicast, &group, &unicast, &[0, 30]])),
        message(10, 0x10, &cat(&[&unicast, &[0, 0, 0, 3, 0, 0, 0, 9]])),
        message(
            10,
            0x30,
            &cat(&[
                &unicast,
                &[0, 0, 0, 3, 0, 0, 0, 9],
                &unicast,
                &[0, 0, 0, 4, 0, 0, 0, 8, 1, 0],
            ]),
        ),
        message(12, 0, &[1]),
    ]
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn sflow() -> Vec<Vec<u8>> {
    let part =
        |format: u32, content: &[u8]| cat(&[&words(&[format, content.len() as u32]), content]);
    let datagram = |agent: &[u8], samples: &[Vec<u8>]| {
        let family = if agent.len() == 4 { 1 } else { 2 };
        let numbers = words(&[7, 100, 5000, samples.len() as u32]);
        cat(&[&words(&[5, family]), agent, &numbers, &samples.concat()])
    };
    let flow = [
        part(1, &words(&[1, 1518, 4, 0])),
        part(1, &words(&[17, 1518, 4, 0])),
        part(2, &words(&[64, 0, 0, 0, 0, 0x0800])),
        part(1001, &words(&[1, 2, 3, 4])),
        part(1002, &words(&[1])),
        part(99, &words(&[1, 2])),
        part(0x0001_0001, &words(&[1, 2])),
    ];
    let count: Vec<u32> = (1..=22).collect();
    let counters = [
        part(1, &words(&[&[3, 6, 0, 1000, 1, 3], &count[..16]].concat())),
        part(2, &words(&count[..13])),
        part(3, &words(&count[..2])),
        part(4, &words(&count[..20])),
        part(5, &words(&count[..7])),
        part(1001, &words(&count[..7])),
        part(77, &words(&count[..2])),
    ];
    let sample = |format: u32, head: &[u32], records: &[Vec<u8>]| {
        let head = words(&[head, &[records.len() as u32]].concat());
        part(format, &cat(&[&head, &records.concat()]))
    };
    let v4 = [10, 0, 0, 1];
    vec![
        datagram(&v4, &[sample(1, &[1, 0x0100_0002, 3, 4, 5, 6, 7], &flow)]),
        datagram(&[1; 16], &[sample(2, &[1, 0x0100_0002], &counters)]),
        datagram(
            &v4,
            &[
                sample(3, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], &flow),
                sample(4, &[1, 2, 3], &counters),
                part(9, &[1, 2, 3]),
            ],
        ),
        datagram(&v4, &[part(1, &[1, 2, 3]), part(0, &[])]),
        datagram(&v4, &[words(&[2, 500])]),
        datagram(&v4, &[part(1, &words(&[1, 2, 3, 4, 5, 6, 7, 2, 1, 99]))]),
        words(&[4, 1, 0x0a00_0001, 0, 0, 0, 0]),
        words(&[5, 2, 0x0a00_0001, 0, 0, 0, 0]),
        words(&[5, 9, 0x0a00_0001, 0, 0, 0, 0, 0]),
    ]
}

/// In addresses of that many octets.
fn olsr(octets: usize) -> Vec<Vec<u8>> {
    let address = |last: u8| [vec![10; octets - 1], vec![last]].concat();
    let message = |kind: u8, body: &[u8]| {
        let length = (body.len() + octets + 8) as u16;
        let head = cat(&[&[kind, 0x86], &length.to_be_bytes(), &address(1)]);
        cat(&[&head, &[255, 3, 0x12, 0x34], body])
    };
    let packet = |messages: &[Vec<u8>]| {
        let body = messages.concat();
        cat(&[&((body.len() + 4) as u16).to_be_bytes(), &[0, 9], &body])
    };
    let link =
        |code: u8, body: &[u8]| cat(&[&[code, 0], &((body.len() + 4) as u16).to_be_bytes(), body]);
    let quality = cat(&[&address(2), &[255, 100, 0, 0], &address(3), &[1, 0, 0, 0]]);
    let names = cat(&[
        &[0, 1, 0, 2, 0, 0, 0, 4],
        &address(2),
        b"node",
        &[0, 9, 0, 3],
        &address(3),
        b"xyz\0",
    ]);
    let mask = |octet: u8| [vec![255; octets / 2], vec![octet], vec![0; octets / 2 - 1]].concat();
    let gateway = [
        vec![0; octets],
        vec![0, 0x1f, 0x7d, 0xff],
        vec![0; octets - 4],
    ]
    .concat();
    let networks = cat(&[&address(0), &mask(0xf0), &gateway, &address(0), &mask(0x0f)]);
    let hello = cat(&[
        &[0, 0, 5, 3],
        &link(6, &cat(&[&address(2), &address(3)])),
        &link(13, &address(4)),
        &[0, 0, 0, 99],
    ]);
    vec![
        packet(&[
            message(1, &hello),
            message(2, &cat(&[&[0, 7, 0, 0], &address(5)])),
        ]),
        packet(&[
            message(201, &cat(&[&[0, 0, 5, 3], &link(10, &quality)])),
            message(202, &cat(&[&[0, 7, 0, 0], &quality])),
            message(3, &cat(&[&address(5), &address(6)])),
        ]),
        packet(&[message(4, &networks.repeat(2)), message(130, &names)]),
        packet(&[
            message(130, &[0, 1, 0, 9, 1]),
            message(128, &[1, 2, 3]),
            message(99, &[1]),
        ]),
        packet(&[vec![
            1, 0, 0, 99, 10, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        ]]),
        packet(&[vec![0; 24]]),
    ]
}

fn telnet() -> Vec<Vec<u8>> {
    vec![
        vec![255, 253, 1, 255, 251, 31, 255, 254, 99, 255, 252, 0],
        vec![255, 255, 255, 241, 255, 249, b'x', 255, 241],
        vec![
            255, 250, 24, 1, 255, 240, 255, 250, 31, 0, 80, 0, 24, 255, 240,
        ],
        vec![
            255, 250, 37, 1, 2, 9, 255, 240, 255, 250, 38, 7, 5, 255, 240,
        ],
        vec![255, 250, 37, 8, 8, 255, 240, 255, 250, 24, 255, 240],
        vec![255, 250, 24, 1, 2, 255],
        vec![255, 250, 24, 1, 2],
        vec![255, 250, 24],
        vec![255, 100, 1],
        vec![b'l', b's', 255, 241],
    ]
}

fn rip() -> Vec<Vec<u8>> {
    let route = |family: u8, tag: u8, mask: u32, next: u8| {
        let addresses = words(&[0x0a01_0000, mask, u32::from(next), 3]);
        cat(&[&[0, family, 0, tag], &addresses])
    };
    let authentication = |kind: u8, data: &[u8; 16]| cat(&[&[0xff, 0xff, 0, kind], data]);
    let message = |command: u8, version: u8, entries: &[Vec<u8>]| {
        cat(&[&[command, version, 0, 0], &entries.concat()])
    };
    let routes = [
        route(2, 0, 0, 0),
        route(0, 0, 0, 0),
        route(2, 1, 0xffff_0000, 7),
        route(2, 0, 0xff00_0000, 0),
        route(2, 0, 0xff00_00ff, 0),
        route(7, 0, 0, 0),
        route(99, 0, 0, 0),
        vec![0, 2, 0],
    ];
    let mut keyed = [0; 16];
    keyed[..8].copy_from_slice(&[0, 44, 1, 20, 0, 0, 0, 9]);
    let data = *b"password\0\0\0\0\0\0\0\0";
    vec![
        message(1, 1, &routes),
        message(2, 2, &routes),
        message(
            2,
            2,
            &[
                authentication(2, &data),
                authentication(3, &keyed),
                authentication(1, &keyed),
            ],
        ),
        message(2, 2, &[authentication(9, &keyed)]),
        message(2, 3, &routes[..1]),
        message(2, 0, &routes[..1]),
        message(3, 1, &routes[..1]),
        message(5, 1, &[]),
        message(99, 1, &routes[..1]),
    ]
}

fn ripng() -> Vec<Vec<u8>> {
    let route = |tag: u8, bits: u8, metric: u8| cat(&[&[0x20; 16], &[0, tag, bits, metric]]);
    let dump = cat(&[&[0; 16], &[0, 0, 0, 16]]);
    vec![
        cat(&[&[1, 1, 0, 0], &dump]),
        cat(&[&[1, 1, 0, 0], &route(0, 64, 16)]),
        cat(&[&[2, 1, 0, 0], &route(7, 64, 2), &route(0, 48, 0), &[1]]),
        cat(&[&[1, 1, 0, 0], &dump, &route(1, 2, 3), &[1]]),
        vec![3, 1, 0, 0],
        vec![1, 2, 0, 0],
    ]
}

fn hsrp() -> Vec<Vec<u8>> {
    let message = |version: u8, code: u8, state: u8, reserved: u8| {
        let head = [version, code, state, 3, 10, 110, 1, reserved];
        cat(&[&head, b"cisco\0\0\0", &[10, 0, 0, 254]])
    };
    vec![
        message(0, 0, 16, 0),
        message(0, 1, 8, 5),
        message(0, 2, 3, 0),
        message(0, 9, 1, 0),
        message(1, 0, 2, 0),
        message(0, 0, 4, 0),
    ]
}

fn slow() -> Vec<Vec<u8>> {
    let part = |kind: u8, value: &[u8]| cat(&[&[kind, value.len() as u8 + 2], value]);
    let port = |state: u8| {
        let system = [0x80, 0, 2, 4, 6, 8, 10, 12, 0, 9, 0, 255, 0, 3];
        cat(&[&system, &[state, 0, 0, 0]])
    };
    let aggregation = [
        part(1, &port(0x3d)),
        part(2, &port(0)),
        part(3, &[0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        vec![0, 0, 0, 0],
    ];
    let marker = [0, 1, 2, 4, 6, 8, 10, 12, 0, 0, 0, 9, 0, 0];
    vec![
        cat(&[&[1, 1], &aggregation.concat()]),
        cat(&[&[1, 1], &part(1, &[1, 2]), &part(9, &[1, 2, 3]), &[3, 1]]),
        cat(&[&[1, 1], &part(9, &[1]), &[3, 50, 1]]),
        cat(&[&[2, 1], &part(1, &marker), &part(3, &[1]), &[0]]),
        vec![1, 2, 3],
        vec![2, 0],
        vec![1],
        vec![10, 1, 2, 3],
        vec![],
    ]
}
