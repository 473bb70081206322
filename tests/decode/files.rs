//! A reader for the test's own captures, independent of the program's: pcap and pcapng, whole in memory.

use ovl::wire::{LinkType, Timestamp};

/// One packet of a file.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) link: LinkType,
    pub(crate) time: Timestamp,
    pub(crate) length: u32,
    pub(crate) bytes: Vec<u8>,
}

struct Order {
    little: bool,
}

impl Order {
    fn u16(&self, bytes: &[u8]) -> u16 {
        let bytes = bytes.try_into().unwrap();
        if self.little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        }
    }

    fn u32(&self, bytes: &[u8]) -> u32 {
        let bytes = bytes.try_into().unwrap();
        if self.little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        }
    }
}

/// The packets of a capture file, as far as it is whole.
pub(crate) fn read(file: &[u8]) -> Vec<Packet> {
    if file.get(..4) == Some(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        pcapng(file)
    } else {
        pcap(file)
    }
}

/// libpcap hands out at most this many octets a packet, whatever the file says.
const MAX_SNAPLEN: u32 = 262_144;

fn pcap(file: &[u8]) -> Vec<Packet> {
    let magic = u32::from_le_bytes(file[..4].try_into().unwrap());
    let (little, nano) = match magic {
        0xa1b2_c3d4 => (true, false),
        0xd4c3_b2a1 => (false, false),
        0xa1b2_3c4d => (true, true),
        0x4d3c_b2a1 => (false, true),
        _ => panic!("not a capture file: {magic:08x}"),
    };
    let order = Order { little };
    let snaplen = order.u32(&file[16..20]);
    let link = LinkType(order.u32(&file[20..24]) & 0x03ff_ffff);
    let mut packets = Vec::new();
    let mut rest = &file[24..];
    while rest.len() >= 16 {
        let seconds = i64::from(order.u32(&rest[..4]) as i32);
        let fraction = u64::from(order.u32(&rest[4..8]));
        let captured = order.u32(&rest[8..12]);
        let length = order.u32(&rest[12..16]);
        if captured > MAX_SNAPLEN.max(snaplen) {
            break;
        }
        let Some(bytes) = rest.get(16..16 + captured as usize) else {
            break;
        };
        packets.push(Packet {
            link,
            time: Timestamp {
                seconds,
                nanos: if nano { fraction } else { fraction * 1000 },
            },
            length,
            bytes: bytes.to_vec(),
        });
        rest = &rest[16 + captured as usize..];
    }
    packets
}

fn pcapng(file: &[u8]) -> Vec<Packet> {
    let mut order = Order { little: true };
    let mut packets = Vec::new();
    let mut interfaces: Vec<(LinkType, u64)> = Vec::new();
    let mut rest = file;
    while rest.len() >= 12 {
        let kind = order.u32(&rest[..4]);
        if kind == 0x0a0d_0d0a {
            order.little = rest[8..12] == [0x4d, 0x3c, 0x2b, 0x1a];
            interfaces.clear();
        }
        let length = order.u32(&rest[4..8]) as usize;
        let Some(body) = rest.get(8..length.saturating_sub(4)) else {
            break;
        };
        match kind {
            1 => {
                let link = LinkType(u32::from(order.u16(&body[..2])));
                interfaces.push((link, resolution(&order, &body[8..])));
            }
            6 => {
                let Some(&(link, units)) = interfaces.get(order.u32(&body[..4]) as usize) else {
                    break;
                };
                let ticks =
                    u64::from(order.u32(&body[4..8])) << 32 | u64::from(order.u32(&body[8..12]));
                let captured = order.u32(&body[12..16]) as usize;
                let Some(bytes) = body.get(20..20 + captured) else {
                    break;
                };
                let nanos = u128::from(ticks % units) * 1_000_000_000 / u128::from(units);
                packets.push(Packet {
                    link,
                    time: Timestamp {
                        seconds: (ticks / units) as i64,
                        nanos: nanos as u64,
                    },
                    length: order.u32(&body[16..20]),
                    bytes: bytes.to_vec(),
                });
            }
            _ => {}
        }
        rest = &rest[length.next_multiple_of(4)..];
    }
    packets
}

/// Ticks a second, from an interface's options.
fn resolution(order: &Order, mut options: &[u8]) -> u64 {
    while options.len() >= 4 {
        let code = order.u16(&options[..2]);
        let length = usize::from(order.u16(&options[2..4]));
        if code == 9 {
            let exponent = options[4];
            return if exponent & 0x80 != 0 {
                1 << (exponent & 0x7f)
            } else {
                10u64.pow(u32::from(exponent))
            };
        }
        if code == 0 {
            break;
        }
        options = options.get(4 + length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    1_000_000
}
