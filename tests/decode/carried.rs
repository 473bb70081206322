//! Frames of what is found by its port or protocol number: routing, management, monitoring.

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
    for message in ldp() {
        packets.push(("ldp", ipv4(&ip, 17, &udp(646, 646, &message))));
        let segment = tcp((646, 40000), (1, 1), 0x18, &[], &message);
        packets.push(("ldp over tcp", ipv4(&ip, 6, &segment)));
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

fn ldp() -> Vec<Vec<u8>> {
    let parameter = |kind: u16, value: &[u8]| {
        cat(&[
            &kind.to_be_bytes(),
            &(value.len() as u16).to_be_bytes(),
            value,
        ])
    };
    let message = |kind: u16, parameters: &[Vec<u8>]| {
        let body = cat(&[&[0, 0, 0, 7], &parameters.concat()]);
        cat(&[
            &kind.to_be_bytes(),
            &(body.len() as u16).to_be_bytes(),
            &body,
        ])
    };
    let packet = |messages: &[Vec<u8>]| {
        let body = cat(&[&[10, 0, 0, 1, 0, 0], &messages.concat()]);
        cat(&[&[0, 1], &(body.len() as u16).to_be_bytes(), &body])
    };
    let circuit = cat(&[
        &[0x80, 0x80, 5, 17, 0, 0, 0, 1, 0, 0, 0, 100],
        &[1, 4, 5, 0xdc, 3, 3, b'x', 12, 4, 1, 2, 9, 2],
    ]);
    let mut six = vec![2, 0, 2, 61];
    six.extend([0x20, 1, 0xd, 0xb8, 0, 1, 2, 0xff]);
    vec![
        packet(&[message(
            0x100,
            &[
                parameter(0x400, &[0, 15, 0xc0, 0]),
                parameter(0x401, &[10, 0, 0, 1]),
                parameter(0x402, &[0, 0, 0, 9]),
                parameter(0x8403, &[1; 16]),
            ],
        )]),
        packet(&[
            message(
                0x200,
                &[
                    parameter(0x500, &[0, 1, 0, 180, 0xc0, 0, 0x80, 0]),
                    parameter(0x503, &[0x80, 9, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6]),
                    parameter(0x601, &[5, 0xdc]),
                    parameter(0x500, &[0, 1]),
                ],
            ),
            message(0x201, &[]),
        ]),
        packet(&[
            message(
                0x300,
                &[
                    parameter(0x101, &[0, 1, 10, 0, 0, 1, 10, 0, 0, 2, 3]),
                    parameter(0x101, &[0, 99]),
                    parameter(0x101, &[&[0, 2][..], &[1; 16]].concat()),
                ],
            ),
            message(
                0x400,
                &[
                    parameter(0x100, &[2, 0, 1, 23, 10, 1, 255]),
                    parameter(0x200, &[0, 0, 0, 18]),
                    parameter(0x100, &six),
                    parameter(0x100, &[2, 0, 1, 33]),
                    parameter(0x100, &[2, 0, 7, 33]),
                    parameter(0x100, &[1]),
                ],
            ),
        ]),
        packet(&[
            message(
                0x8400,
                &[
                    parameter(0x100, &circuit),
                    parameter(0x100, &[0x80, 0, 4, 0, 0, 0, 0, 1]),
                    parameter(0x100, &[0x80, 0, 4, 2, 0, 0, 0, 1, 0, 0, 0, 1]),
                    parameter(0xc100, &[0x80, 0, 4, 40, 0, 0, 0, 1, 0, 0, 0, 1]),
                ],
            ),
            message(
                0x001,
                &[parameter(0x300, &[0xc0, 0, 0, 9, 0, 0, 0, 3, 4, 0])],
            ),
            message(0x401, &[parameter(0x104, &[1, 2, 3])]),
            message(0x402, &[parameter(0x104, &[1, 2, 3]), vec![1, 0, 0, 9]]),
        ]),
        cat(&[
            &packet(&[message(0x201, &[])]),
            &packet(&[message(0x201, &[])]),
        ]),
        vec![0, 2, 0, 20, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        vec![0, 1, 0, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        cat(&[&packet(&[vec![1, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0]])]),
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
