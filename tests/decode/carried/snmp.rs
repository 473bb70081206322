//! SNMP's messages, built from elements of ASN.1.

use super::cat;

/// An element of ASN.1.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    match u8::try_from(content.len()) {
        Ok(length @ 0..0x80) => cat(&[&[tag, length], content]),
        _ => cat(&[&[tag, 0x82], &(content.len() as u16).to_be_bytes(), content]),
    }
}

fn sequence(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag, &parts.concat())
}

pub(super) fn messages() -> Vec<Vec<u8>> {
    let number = |value: u8| element(2, &[value]);
    let name = |id: &[u8]| element(6, id);
    let text = |text: &[u8]| element(4, text);
    let system = [43, 6, 1, 2, 1, 1, 5, 0];
    let bind = |value: Vec<u8>| sequence(0x30, &[name(&system), value]);
    let message = |version: u8, community: &[u8], pdu: Vec<u8>| {
        sequence(0x30, &[number(version), text(community), pdu])
    };
    let request = |tag: u8, status: u8, index: u8, bindings: &[Vec<u8>]| {
        let numbers = [element(2, &[0x9a, 1, 2, 3]), number(status), number(index)].concat();
        element(tag, &cat(&[&numbers, &sequence(0x30, bindings)]))
    };
    let values = [
        bind(text(b"router")),
        bind(text(&[1, 2, 0xff])),
        bind(element(5, &[])),
        bind(element(0x40, &[10, 0, 0, 1])),
        bind(element(0x41, &[0xff, 0xff, 0xff, 0xfe])),
        bind(element(0x43, &[1, 0])),
        bind(element(0x46, &[1, 2, 3, 4, 5, 6, 7, 8])),
        bind(element(0x80, &[])),
        bind(name(&[43, 6, 1, 4, 1, 9, 0x8f, 0x65, 1])),
        bind(name(&[0x78, 3])),
        bind(element(3, &[1, 2])),
        bind(element(0x44, &[1])),
        bind(element(0x83, &[])),
        bind(element(2, &[])),
    ];
    let trap = |generic: u8, specific: u8| {
        let parts = [
            name(&[43, 6, 1, 6, 3, 1, 1, 5]),
            element(0x40, &[10, 0, 0, 1]),
            number(generic),
            number(specific),
            element(0x43, &[0x12, 0x34]),
            sequence(0x30, &[bind(number(0x85))]),
        ];
        sequence(0xa4, &parts)
    };
    let user = [
        text(&[0x80, 0, 1]),
        number(3),
        number(44),
        text(b"operator"),
        text(&[]),
        text(&[]),
    ];
    let scoped = [
        text(&[0x80, 0, 1]),
        text(b""),
        request(0xa0, 0, 0, &[bind(element(5, &[]))]),
    ];
    let version_3 = |flags: u8, model: u8| {
        let head = [
            number(1),
            element(2, &[5, 0xdc]),
            text(&[flags]),
            number(model),
        ];
        let parts = [
            number(3),
            sequence(0x30, &head),
            text(&sequence(0x30, &user)),
            sequence(0x30, &scoped),
        ];
        sequence(0x30, &parts)
    };
    let asked = [bind(element(5, &[])), bind(number(1))];
    vec![
        message(0, b"public", request(0xa0, 0, 0, &asked)),
        message(0, b"secret", request(0xa1, 2, 3, &asked)),
        message(1, b"public", request(0xa2, 0, 0, &values)),
        message(1, b"public", request(0xa2, 2, 1, &values[..1])),
        message(1, b"public", request(0xa2, 99, 0, &values[..1])),
        message(1, b"public", request(0xa2, 0, 4, &values[9..])),
        message(1, b"public", request(0xa5, 1, 20, &asked)),
        message(1, b"\x01\x02", request(0xa7, 0, 0, &values[..2])),
        message(0, b"public", request(0xa6, 0, 0, &asked)),
        message(0, b"public", trap(6, 17)),
        message(0, b"public", trap(3, 1)),
        message(1, b"public", trap(9, 1)),
        version_3(4, 3),
        version_3(3, 2),
        version_3(2, 3),
        message(2, b"public", request(0xa0, 0, 0, &asked)),
        cat(&[&message(1, b"public", element(0x30, &[])), &[0]]),
        vec![0x30, 0x84, 0, 0, 0, 9, 0x1f, 0x81, 2, 0],
        vec![0xff, 2, 1, 0],
        vec![0xc0, 2, 1, 0],
        vec![0x22, 2, 1, 0],
    ]
}
