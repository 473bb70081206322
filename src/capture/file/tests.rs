//! The formats from byte literals, whole and cut at every octet.

use std::io::Cursor;

use super::*;
use crate::wire::LinkType;

fn read(bytes: &[u8], options: &Options) -> Result<(Vec<String>, Option<Error>), Error> {
    let mut reader = Reader::from_source("t", Box::new(Cursor::new(bytes.to_vec())), options)?;
    let mut seen = Vec::new();
    loop {
        match reader.next_record() {
            Ok(Some(record)) => seen.push(format!(
                "{}.{:09} {} {}/{} {:x?}",
                record.time.seconds,
                record.time.nanos,
                record.interface.link_type.0,
                record.data.len(),
                record.wire_len,
                record.data
            )),
            Ok(None) => return Ok((seen, None)),
            Err(error) => return Ok((seen, Some(error))),
        }
    }
}

fn whole(bytes: &[u8]) -> Vec<String> {
    let (seen, error) = read(bytes, &Options::default()).unwrap();
    assert!(error.is_none(), "{error:?}");
    seen
}

const LITTLE_MICRO: &[u8] = &[
    0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 113, 0, 0,
    0, // file
    0x78, 0x56, 0x34, 0x12, 0x40, 0x42, 0x0f, 0, 3, 0, 0, 0, 100, 0, 0, 0, 0xaa, 0xbb,
    0xcc, // 1
    0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // 2: empty
];

const BIG_NANO: &[u8] = &[
    0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0,
    1, // snap 2
    0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 9, 1, 2, 3, // longer than the snap length
];

#[test]
fn pcap_little_endian_microseconds() {
    assert_eq!(
        whole(LITTLE_MICRO),
        [
            // The fraction is a million: kept as it is.
            "305419896.1000000000 113 3/100 [aa, bb, cc]",
            "4294967295.000001000 113 0/0 []",
        ]
    );
    let signed = Options {
        signed_seconds: true,
        ..Options::default()
    };
    let (seen, _) = read(LITTLE_MICRO, &signed).unwrap();
    assert!(seen[1].starts_with("-1."), "{seen:?}");
}

#[test]
fn pcap_big_endian_nanoseconds_cut_to_the_snap_length() {
    assert_eq!(whole(BIG_NANO), ["1.000000007 1 2/9 [1, 2]"]);
}

#[test]
fn pcap_cut_anywhere_hands_out_what_is_whole() {
    for cut in 0..LITTLE_MICRO.len() {
        let result = read(&LITTLE_MICRO[..cut], &Options::default());
        match cut {
            0..24 => {
                let error = result.unwrap_err();
                assert!(
                    matches!(error.fault, Fault::Truncated { .. }),
                    "{cut}: {error}"
                );
            }
            24 => assert_eq!(result.unwrap().0.len(), 0),
            43 => {
                let (seen, error) = result.unwrap();
                assert_eq!((seen.len(), error.is_none()), (1, true));
            }
            _ => {
                let (seen, error) = result.unwrap();
                assert_eq!(seen.len(), usize::from(cut > 43), "{cut}");
                let error = error.unwrap();
                assert_eq!(error.offset, if cut < 43 { 24 } else { 43 });
                assert!(
                    matches!(error.fault, Fault::Truncated { .. }),
                    "{cut}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_length_that_lies_allocates_nothing() {
    let mut lying = LITTLE_MICRO.to_vec();
    lying[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    let (seen, error) = read(&lying, &Options::default()).unwrap();
    assert!(seen.is_empty());
    assert_eq!(
        error.unwrap().fault.to_string(),
        "invalid packet capture length 4294967295, bigger than maximum of 262144"
    );
    // The largest that is believed, and is not there.
    lying[32..36].copy_from_slice(&262_144_u32.to_le_bytes());
    let (_, error) = read(&lying, &Options::default()).unwrap();
    assert_eq!(
        error.unwrap().to_string(),
        "t: truncated dump file; tried to read 262144 captured bytes, only got 19 (at octet 24, no packet before it)"
    );
}

/// A block with its two lengths.
fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let n32 = |n: u32| match order {
        Order::Big => n.to_be_bytes(),
        Order::Little => n.to_le_bytes(),
    };
    let length = n32(body.len() as u32 + 12);
    [&n32(kind), &length, body, &length].concat().to_vec()
}

fn section(order: Order) -> Vec<u8> {
    match order {
        Order::Big => block(
            order,
            0x0a0d_0d0a,
            &[
                0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
            ],
        ),
        Order::Little => block(
            order,
            0x0a0d_0d0a,
            &[
                0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
            ],
        ),
    }
}

use super::order::Order;

fn two_sections() -> Vec<u8> {
    let l = Order::Little;
    let b = Order::Big;
    [
        section(l),
        // SLL2, snap length 4, name "any", resolution 10^-9, offset 100 s.
        block(
            l,
            1,
            &[
                0x14, 1, 0, 0, 4, 0, 0, 0, 2, 0, 3, 0, b'a', b'n', b'y', 0, 9, 0, 1, 0, 9, 0, 0, 0,
                14, 0, 8, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ],
        ),
        // Ethernet, no limit, 2^-10.
        block(l, 1, &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0x8a, 0, 0, 0]),
        // 10.0.0.1 is "a".
        block(l, 4, &[1, 0, 6, 0, 10, 0, 0, 1, b'a', 0, 0, 0, 0, 0, 0, 0]),
        // On interface 0: 5 octets, of which the snap length leaves 4; comment "hi"; outbound.
        block(
            l,
            6,
            &[
                0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0,
                1, 0, 2, 0, b'h', b'i', 0, 0, 2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0,
            ],
        ),
        // Something nobody knows.
        block(l, 0x0bad_0bad, &[1, 2, 3, 4]),
        // On interface 1: 1.5 s.
        block(
            l,
            6,
            &[
                1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0,
            ],
        ),
        // A simple packet.
        block(l, 3, &[6, 0, 0, 0, 9, 9, 9, 9]),
        section(b),
        block(b, 1, &[0, 101, 0, 0, 0, 0, 0, 0]),
        block(
            b,
            6,
            &[
                0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 66, 65, 0, 0, 0, 2, 0, 0, 0, 2, 8, 8, 0, 0,
            ],
        ),
        // The obsolete packet block: a 16-bit interface and drop count.
        block(
            b,
            2,
            &[
                0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 6, 0, 0, 0,
            ],
        ),
    ]
    .concat()
}

#[test]
fn pcapng_sections_interfaces_resolutions() {
    assert_eq!(
        whole(&two_sections()),
        [
            "100.000000005 276 4/9 [1, 2, 3, 4]",
            "1.500000000 1 1/1 [7]",
            "0.000000000 276 4/6 [9, 9, 9, 9]",
            "1.000001000 101 2/2 [8, 8]",
            "0.000002000 101 1/1 [6]",
        ]
    );
}

#[test]
fn pcapng_names_comments_directions() {
    let bytes = two_sections();
    let mut reader =
        Reader::from_source("t", Box::new(Cursor::new(bytes)), &Options::default()).unwrap();
    let record = reader.next_record().unwrap().unwrap();
    assert_eq!(record.comment, Some(&b"hi"[..]));
    assert_eq!(record.direction, Some(Direction::Outbound));
    assert_eq!(record.interface.name.as_deref(), Some("any"));
    assert_eq!(record.interface.id, 0);
    assert_eq!(
        reader.names().unwrap()[&"10.0.0.1".parse::<IpAddr>().unwrap()],
        "a"
    );
    let last = loop {
        match reader.next_record().unwrap() {
            Some(record) if record.interface.link_type == LinkType::RAW => {
                break record.interface.id;
            }
            Some(_) => {}
            None => panic!("no raw packet"),
        }
    };
    assert_eq!(last, 2, "interfaces of later sections count on");
}

#[test]
fn pcapng_cut_anywhere_hands_out_what_is_whole() {
    let bytes = two_sections();
    let all = whole(&bytes);
    let mut clean = 0;
    for cut in 0..bytes.len() {
        let Ok((seen, error)) = read(&bytes[..cut], &Options::default()) else {
            assert!(cut < 28 + 60, "{cut}");
            continue;
        };
        assert_eq!(seen, all[..seen.len()], "{cut}");
        match error {
            None => clean += 1,
            Some(error) => assert!(
                matches!(error.fault, Fault::Truncated { .. }),
                "{cut}: {error}"
            ),
        }
    }
    // A cut between two blocks cannot be seen: one before each of the 11 that follow the section header.
    assert_eq!(clean, 11);
}

#[test]
fn pcapng_lies_are_named() {
    let l = Order::Little;
    let interface = block(l, 1, &[1, 0, 0, 0, 0, 0, 0, 0]);
    let say = |tail: Vec<u8>| {
        let bytes = [section(l), interface.clone(), tail].concat();
        match read(&bytes, &Options::default()) {
            Ok((_, Some(error))) | Err(error) => error.fault.to_string(),
            Ok(ok) => panic!("{ok:?}"),
        }
    };
    let mut packet = [0; 24];
    packet[0] = 7;
    assert!(say(block(l, 6, &packet)).contains("interface 7"));
    packet[0] = 0;
    packet[12] = 5;
    assert!(say(block(l, 6, &packet)).contains("5 octets in a block with room for 4"));
    packet[15] = 0x80;
    assert!(say(block(l, 6, &packet)).contains("bigger than maximum"));
    assert!(say(block(l, 6, &[0; 8])).contains("shorter than its fixed part"));
    assert!(say(vec![6, 0, 0, 0, 4, 0, 0, 0]).contains("length of 4 < 12"));
    assert!(say(vec![6, 0, 0, 0, 255, 255, 255, 127]).contains("not a multiple of 4"));
    assert!(say(vec![6, 0, 0, 0, 252, 255, 255, 127]).contains("larger than maximum"));
    let mut twice = block(l, 6, &[0; 20]);
    *twice.last_mut().unwrap() = 1;
    assert!(say(twice).contains("at its end"));
    assert!(
        say(block(
            l,
            1,
            &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 20, 0, 0, 0]
        ))
        .contains("10^-20 is too high")
    );
    assert!(
        say(block(
            l,
            1,
            &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0xff, 0, 0, 0]
        ))
        .contains("2^-127 is too high")
    );
}

#[test]
fn what_is_no_capture_is_refused() {
    let error = read(b"#!/bin/sh\n", &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "t: unknown file format");
    let mut archaic = LITTLE_MICRO.to_vec();
    archaic[4] = 1;
    assert!(
        read(&archaic, &Options::default())
            .unwrap_err()
            .to_string()
            .contains("archaic")
    );
}

#[test]
fn compression_is_found_by_its_magic() {
    use std::io::Write;
    let plain = whole(LITTLE_MICRO);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(LITTLE_MICRO).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(whole(&gzip), plain);
    // Two members, as `cat a.gz b.gz` makes.
    let mut tail = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    tail.write_all(&LITTLE_MICRO[24..]).unwrap();
    assert_eq!(
        whole(&[gzip.clone(), tail.finish().unwrap()].concat()).len(),
        4
    );
    let zstd = zstd::encode_all(LITTLE_MICRO, 1).unwrap();
    assert_eq!(whole(&zstd), plain);
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(LITTLE_MICRO).unwrap();
    assert_eq!(whole(&xz.finish().unwrap()), plain);
    // Cut short: what came out is shown, and the end is not taken for the real one.
    for whole in [gzip, zstd] {
        for cut in 6..whole.len() {
            match read(&whole[..cut], &Options::default()) {
                Err(_) | Ok((_, Some(_))) => {}
                Ok((seen, None)) => panic!("{cut} of {}: {seen:?}", whole.len()),
            }
        }
    }
}

#[test]
fn files_are_merged_by_time_and_stay_in_their_own_order() {
    let file = |times: &[u32]| {
        let mut bytes = LITTLE_MICRO[..24].to_vec();
        for time in times {
            bytes.extend(time.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend([0; 8]);
        }
        Reader::from_source("t", Box::new(Cursor::new(bytes)), &Options::default()).unwrap()
    };
    let mut merge = Merge::new(vec![file(&[5, 3, 9]), file(&[]), file(&[4, 5, 10])]);
    let mut seen = Vec::new();
    while merge.advance().unwrap() {
        seen.push((merge.record().unwrap().time.seconds, merge.source()));
    }
    assert_eq!(seen, [(4, 2), (5, 0), (3, 0), (5, 2), (9, 0), (10, 2)]);
}

#[test]
fn a_broken_file_does_not_end_the_others() {
    let open = |bytes: &[u8]| {
        Reader::from_source(
            "t",
            Box::new(Cursor::new(bytes.to_vec())),
            &Options::default(),
        )
        .unwrap()
    };
    let mut merge = Merge::new(vec![open(&LITTLE_MICRO[..30]), open(LITTLE_MICRO)]);
    let mut errors = 0;
    let mut packets = 0;
    loop {
        match merge.advance() {
            Ok(true) => packets += 1,
            Ok(false) => break,
            Err(_) => errors += 1,
        }
    }
    assert_eq!((errors, packets), (1, 2));
}
