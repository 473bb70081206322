//! Pieces as they are printed.

use super::*;

fn text(piece: impl Put) -> String {
    let mut out = Vec::new();
    piece.put(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn numbers() {
    for value in [0u32, 7, 10, 42, 99, 100, 101, 999, 65535, u32::MAX] {
        assert_eq!(text(value), value.to_string());
        assert_eq!(
            text(u64::from(value) * 7),
            (u64::from(value) * 7).to_string()
        );
        assert_eq!(text(Hex(value)), format!("{value:x}"));
        assert_eq!(text(HexZeros::<4>(value)), format!("{value:04x}"));
        assert_eq!(text(HexZeros::<8>(value)), format!("{value:08x}"));
        assert_eq!(text(Zeros::<6>(value)), format!("{value:06}"));
        assert_eq!(text(Blanks::<5>(u64::from(value))), format!("{value:5}"));
    }
    assert_eq!(text(u64::MAX), u64::MAX.to_string());
    assert_eq!(text(-5i64), "-5");
}

#[test]
fn addresses() {
    let octets = [0x66, 0x5a, 0x18, 0x78, 0xe4, 0xa8];
    let mac = |organisation| Mac {
        octets,
        organisation,
    };
    assert_eq!(text(mac(false)), "66:5a:18:78:e4:a8");
    assert_eq!(text(mac(true)), "66:5a:18:78:e4:a8 (oui Unknown)");
    for v4 in [
        [0, 0, 0, 0],
        [10, 46, 0, 8],
        [255, 255, 255, 255],
        [192, 168, 61, 12],
    ] {
        assert_eq!(text(V4(v4)), std::net::Ipv4Addr::from(v4).to_string());
    }
    for v6 in [
        "::",
        "::1",
        "fd10::21",
        "1:0:0:2::3",
        "2001:db8:0:1:1:1:1:1",
        "fe80::",
        "::ffff:1.2.3.4",
    ] {
        let address: std::net::Ipv6Addr = v6.parse().unwrap();
        assert_eq!(text(V6(address.octets())), v6);
    }
    // Where BSD and RFC 5952 part ways.
    let deprecated: std::net::Ipv6Addr = "::10.0.0.1".parse().unwrap();
    assert_eq!(text(V6(deprecated.octets())), "::10.0.0.1");
}

#[test]
fn wire_text_cannot_reach_the_terminal() {
    assert_eq!(text(Escaped(0x1b)), "^[");
    assert_eq!(text(Escaped(0x7f)), "^?");
    assert_eq!(text(Escaped(0x9b)), "M-^[");
    assert_eq!(text(Escaped(b'a')), "a");
}
