//! Text made from remembered heads against text made anew, over long conversations.

use ovl::wire::packet::VxlanPorts;
use ovl::wire::print::{Names, PrintOptions, Printer, UdpPayload};
use ovl::wire::{Frame, LinkType, Timestamp};

use crate::generator::{Ip, Random, cooked, cooked2, ethernet, icmp, ipv4, tcp, udp, wrapped};

/// A packet of one of a few conversations, of any length, wrapped or not, now and then changed somewhere.
fn packet(random: &mut Random) -> (LinkType, Vec<u8>) {
    let payload = random.octets(1200);
    let length = random.pick(&[0, 1, 8, 50, 56, 57, 99, 100, 800, 899, 900, 1000, 1200]);
    let payload = &payload[..length];
    let pod = 2 + random.below(3) as u8;
    let ip = Ip {
        id: random.next() as u16,
        tos: random.pick(&[0, 0xb8]),
        fragment: random.pick(&[0, 0x4000, 0x4000, 0x8000, 0x2000, 0x00b9]),
        ..Ip::between([10, 46, 0, pod], [10, 40, 0, 100 + pod])
    };
    let stamps: Vec<u8> = [&[1, 1, 8, 10], random.octets(8).as_slice()].concat();
    let options = random.pick(&[&[][..], &stamps, &[2, 4, 5, 0xb4], &stamps[..8]]);
    let flags = random.pick(&[0x10, 0x10, 0x18, 0x11, 0x02, 0x14]);
    let numbers = (random.next() as u32 >> random.below(32), 7);
    let inner = match random.below(4) {
        0 => ipv4(&ip, 6, &tcp((40000, 80), numbers, flags, options, payload)),
        1 => ipv4(&ip, 17, &udp(40001, 53000, payload)),
        2 => ipv4(&ip, 89, payload),
        _ => {
            let code = random.below(2) as u8;
            let kind = random.pick(&[8, 0, 3]);
            ipv4(
                &ip,
                1,
                &icmp(kind, code, [1, 2, 3, random.next() as u8], payload),
            )
        }
    };
    let inner = ethernet(u16::from(pod), 9, 0x0800, &inner);
    let port = random.pick(&[4789, 8472, 6784, 7000]);
    let mut frame = match random.below(3) {
        0 => inner,
        _ => wrapped((11, 11 + pod), 50_000 + u16::from(pod), port, 7, &inner),
    };
    let link = match random.below(3) {
        0 => LinkType::ETHERNET,
        1 => {
            frame = cooked(&frame, random.pick(&[0, 4]));
            LinkType::LINUX_SLL
        }
        _ => {
            frame = cooked2(&frame, random.pick(&[0, 4]), random.pick(&[3, 4, 300]));
            LinkType::LINUX_SLL2
        }
    };
    if random.once_in(4) {
        let at = random.below(frame.len().min(120) as u64) as usize;
        frame[at] ^= 1 << random.below(8);
    }
    if random.once_in(8) {
        frame.truncate(1 + random.below(frame.len() as u64) as usize);
    }
    (link, frame)
}

#[test]
fn what_is_remembered_prints_as_what_is_made_anew() {
    let mut random = Random::new(5);
    for (link_header, udp) in [
        (true, UdpPayload::Vxlan),
        (true, UdpPayload::TcpdumpPorts),
        (true, UdpPayload::Overlay(VxlanPorts::default())),
        (false, UdpPayload::Overlay(VxlanPorts::default())),
        (false, UdpPayload::Vxlan),
    ] {
        let options = PrintOptions {
            link_header,
            direction: !link_header,
            numeric: random.once_in(2),
            utc: true,
            udp,
            inner_indent: "  ",
            ..PrintOptions::default()
        };
        // What a device is called changes in the middle.
        let names = || {
            let mut asked = 0;
            Names::none().with_devices(move |index| {
                asked += 1;
                (index != 300)
                    .then(|| format!("eth{index}-{}", if asked > 3 { "new" } else { "old" }))
            })
        };
        let mut printer = Printer::new(options.clone(), names());
        let mut anew = Printer::new(options, names()).without_heads();
        let (mut ours, mut expected) = (Vec::new(), Vec::new());
        for n in 0..40_000u64 {
            if n == 20_000 {
                printer.forget_devices();
                anew.forget_devices();
            }
            let (link, bytes) = packet(&mut random);
            let frame = Frame {
                link,
                time: Timestamp::from_micros(1_700_000_000 + (n / 100) as i64, n % 1_000_000),
                length: bytes.len() as u32 + u32::from(random.once_in(9)) * 3,
                bytes: &bytes,
            };
            ours.clear();
            expected.clear();
            printer.print(&frame, &mut ours);
            anew.print(&frame, &mut expected);
            assert_eq!(
                String::from_utf8_lossy(&ours),
                String::from_utf8_lossy(&expected),
                "packet {n}: {bytes:02x?}"
            );
        }
    }
}
