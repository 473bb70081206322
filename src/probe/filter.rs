//! What a tap lets through, as a classic BPF program that the kernel runs.
//!
//! A node may carry a lot, and a tap must neither cost it much nor lose what it waits for. So the kernel
//! passes on only what can be a probe, an answer, an error, a question for an address, or a tunnel's packet.
//! All loads are relative to the network header (`SKF_NET_OFF`, `net/core/filter.c`), which makes one
//! program right for every kind of device.

use std::mem::offset_of;

use super::message::Watch;
use crate::wire::ethernet::EtherType;
use crate::wire::ip::Protocol;
use crate::wire::port;
use crate::wire::tcp::{self, flag};

/// `SKF_AD_OFF` + `SKF_AD_PROTOCOL` of `include/uapi/linux/filter.h`: the packet's Ethernet type.
const ETHER_TYPE: u32 = (-0x1000_i32) as u32;
/// `SKF_NET_OFF`: the network header.
const NETWORK: u32 = (-0x10_0000_i32) as u32;
/// Octets kept of each packet: enough for two sets of headers and what an ICMP error quotes.
pub const SNAP: u32 = 512;
/// A conditional jump reaches 255 instructions.
const MOST_PORTS: usize = 64;

/// One instruction, as `struct sock_filter` has it.
pub type Instruction = libc::sock_filter;

const _: () = assert!(offset_of!(libc::sock_filter, k) == 4);

/// A jump's target, until places are known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Next,
    Take,
    Leave,
    Mark(u8),
}

enum Line {
    Plain(u16, u32),
    Jump(u16, u32, To, To),
    Mark(u8),
}

const LD_W: u16 = 0x20;
const LD_H: u16 = 0x28;
const LD_B: u16 = 0x30;
const LD_H_IND: u16 = 0x48;
const LD_B_IND: u16 = 0x50;
const LDX_IMM: u16 = 0x01;
const LDX_MSH: u16 = 0xb1;
const JEQ: u16 = 0x15;
const JGE: u16 = 0x35;
const JGT: u16 = 0x25;
const JSET: u16 = 0x45;
const RET: u16 = 0x06;

const V6: u8 = 0;
const TCP: u8 = 1;
const PORTS: u8 = 2;
const V4_UDP: u8 = 3;
const V4_TCP: u8 = 4;
const V6_TCP: u8 = 5;
const V6_UDP: u8 = 6;

/// The program for `watch`.
pub fn program(watch: &Watch) -> Vec<Instruction> {
    let protocol = |number: Protocol, to| Line::Jump(JEQ, u32::from(number.0), to, To::Next);
    let ether = |number: EtherType, to| Line::Jump(JEQ, u32::from(number.0), to, To::Next);
    let mut lines = vec![
        Line::Plain(LD_W, ETHER_TYPE),
        ether(EtherType::ARP, To::Take),
        // Tags that no device took off.
        ether(EtherType::VLAN, To::Take),
        ether(EtherType::QINQ, To::Take),
        ether(EtherType::IPV6, To::Mark(V6)),
        Line::Jump(JEQ, u32::from(EtherType::IPV4.0), To::Next, To::Leave),
        // IPv4: what has no ports here, and pieces of what was cut.
        Line::Plain(LD_H, NETWORK + 6),
        Line::Jump(JSET, 0x1fff, To::Take, To::Next),
        Line::Plain(LD_B, NETWORK + 9),
        protocol(Protocol::ICMP, To::Take),
        protocol(Protocol::IPV4, To::Take),
        protocol(Protocol::IPV6, To::Take),
        protocol(Protocol::GRE, To::Take),
        protocol(Protocol::TCP, To::Mark(V4_TCP)),
        Line::Jump(JEQ, u32::from(Protocol::UDP.0), To::Mark(V4_UDP), To::Leave),
        Line::Mark(V6),
        Line::Plain(LD_B, NETWORK + 6),
        protocol(Protocol::ICMPV6, To::Take),
        protocol(Protocol::FRAGMENT, To::Take),
        protocol(Protocol::HOP_BY_HOP, To::Take),
        protocol(Protocol::IPV4, To::Take),
        protocol(Protocol::IPV6, To::Take),
        protocol(Protocol::GRE, To::Take),
        protocol(Protocol::TCP, To::Mark(V6_TCP)),
        Line::Jump(JEQ, u32::from(Protocol::UDP.0), To::Mark(V6_UDP), To::Leave),
        Line::Mark(V4_TCP),
        Line::Plain(LDX_MSH, NETWORK),
        // Always true: `jump` of the classic kind only reaches by a condition or a 32-bit constant.
        Line::Jump(JGE, 0, To::Mark(TCP), To::Mark(TCP)),
        Line::Mark(V6_TCP),
        Line::Plain(LDX_IMM, 40),
        Line::Mark(TCP),
        // Only how connections begin and are refused.
        Line::Plain(LD_B_IND, NETWORK + tcp::FLAGS as u32),
        Line::Jump(
            JSET,
            u32::from(flag::SYN | flag::RST),
            if watch.any_syn {
                To::Take
            } else {
                To::Mark(PORTS)
            },
            To::Leave,
        ),
        Line::Mark(V4_UDP),
        Line::Plain(LDX_MSH, NETWORK),
        Line::Jump(JGE, 0, To::Mark(PORTS), To::Mark(PORTS)),
        Line::Mark(V6_UDP),
        Line::Plain(LDX_IMM, 40),
        Line::Mark(PORTS),
    ];
    let last = watch
        .first_port
        .saturating_add(watch.ports.saturating_sub(1));
    for at in [tcp::SOURCE_PORT, tcp::DESTINATION_PORT] {
        lines.push(Line::Plain(LD_H_IND, NETWORK + at as u32));
        lines.extend(
            watch
                .destination_port
                .map(|port| Line::Jump(JEQ, u32::from(port), To::Take, To::Next)),
        );
        if at == tcp::DESTINATION_PORT {
            let usual = [port::VXLAN, port::VXLAN_LINUX, port::WEAVE];
            lines.extend(
                usual
                    .iter()
                    .chain(watch.tunnel_ports.iter().take(MOST_PORTS))
                    .map(|port| Line::Jump(JEQ, u32::from(*port), To::Take, To::Next)),
            );
        }
        let otherwise = if at == tcp::DESTINATION_PORT {
            To::Leave
        } else {
            To::Next
        };
        // The middle of two comparisons: not below the first and not above the last.
        lines.push(Line::Jump(
            JGE,
            u32::from(watch.first_port),
            To::Next,
            To::Mark(10 + at as u8),
        ));
        lines.push(Line::Jump(JGT, u32::from(last), otherwise, To::Take));
        lines.push(Line::Mark(10 + at as u8));
    }
    assemble(&lines)
}

/// The program that lets nothing through.
pub fn nothing() -> Vec<Instruction> {
    vec![instruction(RET, 0, 0, 0)]
}

/// Puts distances in place of marks. Behind the lines come the two ends: leave, then take.
fn assemble(lines: &[Line]) -> Vec<Instruction> {
    let mut place = 0_usize;
    let mut marks = Vec::new();
    for line in lines {
        match line {
            Line::Mark(mark) => marks.push((*mark, place)),
            _ => place += 1,
        }
    }
    let leave = place;
    let distance = |from: usize, to: To| -> u8 {
        let target = match to {
            To::Next => from + 1,
            To::Leave => leave,
            To::Take => leave + 1,
            To::Mark(mark) => marks
                .iter()
                .find(|(known, _)| *known == mark)
                .map_or(leave, |(_, place)| *place),
        };
        u8::try_from(target.saturating_sub(from + 1)).unwrap_or(u8::MAX)
    };
    let mut program = Vec::with_capacity(leave + 2);
    for line in lines {
        let at = program.len();
        match *line {
            Line::Plain(code, k) => program.push(instruction(code, 0, 0, k)),
            Line::Jump(code, k, yes, no) => {
                program.push(instruction(code, distance(at, yes), distance(at, no), k));
            }
            Line::Mark(_) => {}
        }
    }
    program.push(instruction(RET, 0, 0, 0));
    program.push(instruction(RET, 0, 0, SNAP));
    program
}

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jump_lands_inside() {
        for tunnels in [0, 1, 200] {
            let watch = Watch {
                nonce: 1,
                first_port: 61_000,
                ports: 3,
                destination_port: Some(80),
                any_syn: tunnels == 1,
                tunnel_ports: (0..tunnels).map(|n| 20_000 + n).collect(),
            };
            let program = program(&watch);
            for (at, line) in program.iter().enumerate() {
                if line.code & 7 == 5 {
                    for to in [line.jt, line.jf] {
                        assert!(at + 1 + usize::from(to) < program.len());
                        assert_ne!(to, u8::MAX, "a jump that is too far was cut short");
                    }
                }
            }
        }
    }
}
