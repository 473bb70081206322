//! OSPF's messages.

use super::{cat, words};

const ROUTER: [u8; 4] = [10, 0, 0, 1];

fn message(kind: u8, authentication: (u8, [u8; 8]), body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 24).to_be_bytes();
    let head = cat(&[
        &[2, kind],
        &length,
        &ROUTER,
        &[0, 0, 0, kind / 2, 0, 0, 0, authentication.0],
    ]);
    cat(&[&head, &authentication.1, body])
}

fn plain(kind: u8, body: &[u8]) -> Vec<u8> {
    message(kind, (0, [0; 8]), body)
}

/// An advertisement, for either version: the third and fourth octet are the options and the kind, or the kind.
fn advertisement(kind: [u8; 2], id: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 20).to_be_bytes();
    cat(&[
        &[0, 9],
        &kind,
        &id,
        &ROUTER,
        &[0x80, 0, 0, 1, 1, 2],
        &length,
        body,
    ])
}

fn parameter(kind: u16, value: &[u8]) -> Vec<u8> {
    let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
    let length = (value.len() as u16).to_be_bytes();
    cat(&[&kind.to_be_bytes(), &length, value, &padding])
}

fn restart() -> Vec<u8> {
    let parts = [
        parameter(1, &[0, 0, 0, 120]),
        parameter(2, &[1]),
        parameter(3, &ROUTER),
        parameter(9, &[1, 2, 3, 4]),
        parameter(2, &[1, 2]),
    ];
    parts.concat()
}

fn engineering() -> Vec<Vec<u8>> {
    let speed = 125_000_000f32.to_bits().to_be_bytes();
    let properties = [
        parameter(1, &[1]),
        parameter(2, &ROUTER),
        parameter(3, &ROUTER),
        parameter(5, &[0, 0, 0, 10]),
        parameter(6, &speed),
        parameter(8, &speed.repeat(8)),
        parameter(9, &[0, 0, 0, 1]),
        parameter(11, &[0, 0, 0, 1, 0, 0, 0, 2]),
        parameter(14, &[0x12, 0, 0, 0]),
        parameter(15, &cat(&[&[51, 2, 0, 0], &speed.repeat(8)])),
        parameter(
            17,
            &cat(&[&[254, 0, 0, 0], &speed, &f32::NAN.to_bits().to_be_bytes()]),
        ),
        parameter(77, &[1, 2, 3]),
        parameter(16, &[0, 0, 0, 1, 0, 0, 0, 2]),
    ];
    vec![
        cat(&[&parameter(1, &ROUTER), &parameter(2, &properties.concat())]),
        cat(&[
            &parameter(9, &[1, 2, 3]),
            &parameter(2, &parameter(5, &[1])),
        ]),
        parameter(2, &parameter(17, &[0, 0, 0, 0, 1])),
        parameter(1, &[1, 2]),
    ]
}

pub(super) fn version_2() -> Vec<Vec<u8>> {
    let hello = [
        255, 255, 255, 0, 0, 10, 0x52, 1, 0, 0, 0, 40, 10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 3,
    ];
    let update = |advertisements: &[Vec<u8>]| {
        let count = (advertisements.len() as u32).to_be_bytes();
        plain(4, &cat(&[&count, &advertisements.concat()]))
    };
    let id = [10, 0, 0, 0];
    let link = |kind: u8, more: &[u8]| {
        cat(&[
            &ROUTER,
            &[255, 0, 0, 0, kind, more.len() as u8 / 4, 0, 5],
            more,
        ])
    };
    let links = cat(&[
        &[0x83, 0, 0, 5],
        &link(1, &[1, 0, 0, 7, 9, 0, 0, 8]),
        &link(2, &[]),
        &link(3, &[2, 0, 0, 9]),
        &link(4, &[]),
        &link(5, &[]),
    ]);
    let external = [
        255, 0, 0, 0, 0x82, 0, 0, 20, 10, 0, 0, 9, 0, 0, 0, 7, 1, 255, 255, 255, 0, 0, 0, 0, 0, 0,
        0, 0,
    ];
    let information = cat(&[
        &parameter(1, &[0, 0, 0, 0x70]),
        &parameter(9, &[1, 2, 3, 4]),
        &parameter(1, &[1]),
    ]);
    let headers = cat(&[
        &advertisement([2, 1], id, &[]),
        &advertisement([0x42, 10], [1, 0, 0, 1], &[]),
    ]);
    let signalling = [
        &[1, 2, 0, 3][..],
        &parameter(1, &[0, 0, 0, 1]),
        &parameter(2, &[7; 20]),
        &parameter(9, &[1; 4]),
    ]
    .concat();
    let mut messages = vec![
        plain(1, &hello),
        message(1, (1, *b"secret\0\0"), &hello),
        cat(&[
            &message(1, (2, [0, 0, 1, 16, 0, 0, 0, 9]), &hello),
            &[9; 16],
        ]),
        message(1, (7, [0; 8]), &hello),
        cat(&[&plain(1, &hello), &signalling]),
        cat(&[&plain(1, &hello), &parameter(1, &[1; 3])]),
        plain(2, &cat(&[&[5, 0xdc, 0x12, 7, 0, 0, 0, 1], &headers])),
        cat(&[&plain(2, &[0, 0, 0x10, 0, 0, 0, 0, 1]), &signalling]),
        plain(
            3,
            &cat(&[
                &[0, 0, 0, 1],
                &id,
                &ROUTER,
                &[0, 0, 0, 9, 3, 0, 0, 1],
                &ROUTER,
            ]),
        ),
        update(&[advertisement([2, 1], id, &links)]),
        update(&[
            advertisement(
                [2, 2],
                id,
                &cat(&[&[255, 255, 0, 0], &ROUTER, &[10, 0, 0, 2]]),
            ),
            advertisement([2, 3], id, &[255, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 6]),
            advertisement([2, 4], id, &[255, 0, 0, 0, 0, 0, 0, 5]),
            advertisement([2, 5], id, &external),
            advertisement([2, 7], id, &external),
            advertisement([2, 6], id, &words(&[1, 2, 2, 3, 9, 4])),
            advertisement([2, 8], id, &[]),
            advertisement([2, 9], [3, 0, 0, 0], &restart()),
            advertisement([2, 10], [4, 0, 0, 0], &information),
            advertisement([2, 11], [9, 0, 0, 0], &[1, 2, 3]),
        ]),
        plain(
            4,
            &[
                0, 0, 0, 1, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3,
            ],
        ),
        plain(5, &headers),
        plain(6, &[]),
        cat(&[&[3], &plain(1, &hello)[1..]]),
    ];
    messages.extend(
        engineering()
            .iter()
            .map(|body| update(&[advertisement([2, 10], [1, 0, 0, 1], body)])),
    );
    messages
}

pub(super) fn version_3() -> Vec<Vec<u8>> {
    let message = |kind: u8, body: &[u8], behind: &[u8]| {
        let length = (body.len() as u16 + 16).to_be_bytes();
        cat(&[
            &[3, kind],
            &length,
            &ROUTER,
            &[0, 0, 0, kind / 2, 0, 0, kind, 0],
            body,
            behind,
        ])
    };
    let id = [0, 0, 0, 5];
    let prefix = |bits: u8, options: u8, metric: [u8; 2]| {
        let octets = usize::from(bits).div_ceil(32) * 4;
        cat(&[&[bits, options], &metric, &[0x20; 28][..octets]])
    };
    let hello = |options: [u8; 3]| {
        cat(&[
            &id,
            &[1],
            &options,
            &[0, 10, 0, 40],
            &ROUTER,
            &[10, 0, 0, 2, 10, 0, 0, 3],
        ])
    };
    let update = |advertisements: &[Vec<u8>]| {
        let count = (advertisements.len() as u32).to_be_bytes();
        message(4, &cat(&[&count, &advertisements.concat()]), &[])
    };
    let link = |kind: u8| cat(&[&[kind, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2], &ROUTER]);
    let trailer = cat(&[
        &[0, 1, 0, 20, 0, 0, 0, 7],
        &[0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4],
    ]);
    let headers = cat(&[
        &advertisement([0x20, 1], id, &[]),
        &advertisement([0xc0, 5], id, &[]),
    ]);
    let mut short = advertisement([0x20, 1], id, &[]);
    short[19] = 3;
    let mut messages = vec![
        message(1, &hello([0, 0, 0x13]), &[]),
        message(
            1,
            &hello([0, 6, 0x13]),
            &cat(&[&[1, 2, 0, 8, 1, 2, 3, 4], &trailer]),
        ),
        message(1, &hello([0, 4, 0x13]), &trailer),
        message(
            1,
            &hello([0, 4, 0x13]),
            &[0, 9, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9],
        ),
        message(
            2,
            &cat(&[&[0, 0, 0, 0x13, 5, 0xdc, 0, 7, 0, 0, 0, 9], &headers]),
            &[],
        ),
        message(
            3,
            &cat(&[
                &[0, 0, 0x20, 1],
                &id,
                &ROUTER,
                &[0, 0, 0x60, 9],
                &id,
                &ROUTER,
            ]),
            &[],
        ),
        update(&[
            advertisement(
                [0x20, 1],
                id,
                &cat(&[&[3, 0, 0, 0x33], &link(1), &link(2), &link(4)]),
            ),
            advertisement([0x20, 1], id, &cat(&[&[3, 0, 0, 0x33], &link(9)])),
            advertisement([0x20, 2], id, &cat(&[&[0, 0, 0, 0x33], &ROUTER, &ROUTER])),
            advertisement(
                [0x20, 3],
                id,
                &cat(&[&[0, 0, 0, 7], &prefix(64, 3, [0, 0]), &prefix(0, 0, [0, 1])]),
            ),
            advertisement(
                [0x40, 5],
                id,
                &cat(&[
                    &[0x83, 0, 0, 7],
                    &prefix(48, 8, [1, 2]),
                    &[0x20; 16],
                    &[0; 4],
                    &ROUTER,
                ]),
            ),
            advertisement(
                [0, 8],
                id,
                &cat(&[
                    &[1, 0, 0, 0x13],
                    &[0xfe; 16],
                    &[0, 0, 0, 1],
                    &prefix(64, 0, [0, 0]),
                ]),
            ),
            advertisement(
                [0x20, 9],
                id,
                &cat(&[&[0, 1, 0x20, 1], &id, &ROUTER, &prefix(64, 2, [0, 5])]),
            ),
            advertisement([0, 11], id, &restart()[..24]),
            advertisement([0x60, 14], id, &[1, 2, 3]),
        ]),
        update(&[advertisement(
            [0x20, 3],
            id,
            &cat(&[&[0, 0, 0, 7], &prefix(200, 3, [0, 0])]),
        )]),
        update(&[short.clone()]),
        message(5, &headers, &[]),
        message(5, &short, &[]),
        message(6, &[], &[]),
        vec![3, 1, 0, 99, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    messages.extend(
        engineering()
            .iter()
            .map(|body| update(&[advertisement([0, 10], id, body)])),
    );
    messages
}
