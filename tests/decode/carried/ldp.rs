//! LDP's messages.

use super::cat;

pub(super) fn messages() -> Vec<Vec<u8>> {
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
