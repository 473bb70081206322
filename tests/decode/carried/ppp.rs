//! PPP's frames, and what carries them.

use super::cat;
use crate::generator::{Ip, ipv4, ipv6, udp};

pub(super) fn in_ethernet(code: u8, body: &[u8]) -> Vec<u8> {
    cat(&[
        &[0x11, code, 0, 7],
        &(body.len() as u16).to_be_bytes(),
        body,
    ])
}

pub(super) fn in_gre(frame: &[u8]) -> Vec<u8> {
    let head = [0x30, 0x81, 0x88, 0x0b];
    let length = (frame.len() as u16).to_be_bytes();
    cat(&[&head, &length, &[0, 9, 0, 0, 0, 1, 0, 0, 0, 2], frame])
}

pub(super) fn frames() -> Vec<Vec<u8>> {
    let control = |protocol: u16, code: u8, body: &[u8]| {
        let length = (body.len() as u16 + 4).to_be_bytes();
        cat(&[
            &[0xff, 3],
            &protocol.to_be_bytes(),
            &[code, 1],
            &length,
            body,
        ])
    };
    let option = |kind: u8, value: &[u8]| cat(&[&[kind, value.len() as u8 + 2], value]);
    let options = |options: &[(u8, &[u8])]| -> Vec<u8> {
        options
            .iter()
            .flat_map(|(kind, value)| option(*kind, value))
            .collect()
    };
    let lcp = options(&[
        (0, &[0, 0, 0x0c, 1]),
        (1, &[5, 0xd4]),
        (2, &[0, 10, 0, 0]),
        (3, &[0xc2, 0x23, 5]),
        (3, &[0xc2, 0x23, 129]),
        (3, &[0xc2, 0x23, 7]),
        (3, &[0xc0, 0x23]),
        (3, &[0xc0, 0x99]),
        (4, &[0xc0, 0x25]),
        (5, &[1, 2, 3, 4]),
        (7, &[]),
        (9, &[1]),
        (13, &[6]),
        (17, &[5, 0xdc]),
        (19, &[2, 10, 0, 0, 1]),
        (19, &[3, 1, 2, 3, 4, 5, 6]),
        (19, &[9]),
        (23, &[0, 1]),
        (77, &[1]),
    ]);
    let ipcp = options(&[
        (1, &[10, 0, 0, 1, 10, 0, 0, 2]),
        (2, &[0, 0x2d, 15, 1]),
        (2, &[0, 0x61, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 1, 2, 2, 9]),
        (3, &[10, 0, 0, 1]),
        (129, &[10, 0, 0, 9]),
        (99, &[1, 2]),
        (1, &[1]),
        (2, &[0, 0x61, 1]),
    ]);
    let ccp = options(&[
        (21, &[0x2f]),
        (24, &[0x65, 3]),
        (26, &[0x78, 5]),
        (18, &[1, 0, 0, 0x60]),
    ]);
    let packet = ipv4(
        &Ip::between([10, 0, 0, 7], [10, 0, 0, 8]),
        17,
        &udp(1, 2, b"x"),
    );
    vec![
        control(0xc021, 1, &lcp),
        control(0xc021, 4, &[&lcp[..6], &[5, 7]].concat()),
        control(0xc021, 2, &[1, 1]),
        control(0xc021, 2, &[0xaa, 0, 1]),
        control(0x8021, 1, &ipcp),
        control(
            0x8057,
            3,
            &options(&[(1, &[1, 2, 3, 4, 5, 6, 7, 8]), (2, &[1]), (1, &[1])]),
        ),
        control(0x80fd, 1, &ccp),
        control(
            0xc02b,
            1,
            &options(&[(1, &[1, 2, 3, 4]), (2, &[1]), (1, &[1])]),
        ),
        control(0x8281, 1, &[1, 2]),
        control(0xc021, 0, &[1, 2, 3, 4, 0, 0, 0x0c]),
        control(0xc021, 5, b"bye"),
        control(0xc021, 8, &[0, 0x57, 1, 2]),
        control(0xc021, 9, &[1, 2, 3, 4]),
        control(0xc021, 10, &[1, 2, 3, 4, 5, 6]),
        control(0xc021, 12, &[1, 2, 3, 4, b'i', b'd', 0, 0, 0, 0]),
        control(0xc021, 13, &[1, 2, 3, 4, 0, 0, 0, 60]),
        control(0xc021, 99, &[1, 2]),
        control(0xc223, 1, &[3, 1, 2, 3, b'a', b'b']),
        control(0xc223, 3, b"ok"),
        control(0xc223, 9, b"ok"),
        control(0xc023, 1, &[2, b'm', b'e', 3, b'k', b'e', b'y']),
        control(0xc023, 2, &[2, b'o', b'k']),
        control(0xc023, 3, &[]),
        cat(&[&[0x21], &packet]),
        cat(&[&[0xff, 3, 0, 0x57], &ipv6(1, 2, 59, &[])]),
        cat(&[&[1, 3, 0, 0x3d], &[0xc1, 0x23, 1, 2]]),
        cat(&[&[0, 3, 0, 0xfd], &[1, 2]]),
        cat(&[&[0, 0x23], &[0, 1, 2]]),
        cat(&[&[0, 0x23], &[0xcf, 0x21], &packet]),
        cat(&[&[2, 1], &[1, 2]]),
        cat(&[&[0x99, 1], &[1, 2]]),
        cat(&[&[2, 0x81], &[0, 1, 0x11, 0x40], &packet]),
    ]
}
