//! The text tcpdump prints for a packet, letter for letter.
//!
//! [`Printer::print`] appends a packet's lines to a buffer that the caller writes out and reuses. What the
//! options mean is what tcpdump's flags mean; see [`PrintOptions`]. Two things differ on purpose:
//! addresses are never looked up (no DNS query may leave because a capture is read), and headers nested
//! deeper than any network nests them are not followed.

mod address_family;
mod arp;
mod bfd;
mod bootp;
mod demux;
mod dhcpv6;
mod dissector;
mod dns;
mod ethernet;
mod geneve;
mod gre;
mod heads;
mod hex;
mod hsrp;
mod icmp;
mod icmpv6;
mod igmp;
mod ipsec;
mod ipv4;
mod ipv6;
mod ldp;
mod line_interface;
mod link;
mod llc;
mod lldp;
mod loopback;
mod mobility;
mod mpls;
mod mptcp;
mod names;
mod nsh;
mod ntp;
mod olsr;
mod osi;
mod ospf;
mod phrase;
mod pim;
mod ports;
mod ppp;
mod pppoe;
mod resp;
mod rip;
mod sctp;
mod sequence;
mod sflow;
mod slow;
mod snmp;
mod someip;
mod stp;
mod syslog;
mod tcp;
mod telnet;
mod text;
mod text_protocol;
mod time;
mod udp;
mod vrrp;
mod vxlan;
mod vxlan_gpe;

pub use names::{Names, Services};
pub use time::{TimeStyle, clock_text};

use self::dissector::Dissector;
use self::heads::Heads;
use self::sequence::Conversations;
use self::text::{Blanks, Put};
use self::time::Clock;
use super::bytes::Bytes;
use super::frame::Frame;

/// The longest packet that is looked at, tcpdump's `MAXIMUM_SNAPLEN`.
const MAX_LENGTH: usize = 262_144;

/// What to print, and how. The default is what tcpdump does without any flag.
#[derive(Debug, Clone, Default)]
pub struct PrintOptions {
    /// Print link-layer headers (`-e`).
    pub link_header: bool,
    /// Print ports and protocols as numbers (`-n`). Addresses always are.
    pub numeric: bool,
    /// Print less (`-q`, counted).
    pub quiet: u8,
    /// Print more (`-v`, counted).
    pub verbosity: u8,
    /// Print the packet's number (`-#`).
    pub number: bool,
    /// Print time stamps so (`-t`, counted).
    pub time: TimeStyle,
    /// Print nanoseconds (`--nano`).
    pub nano: bool,
    /// Print dates and times of day in UTC instead of the local zone.
    pub utc: bool,
    /// Print TCP sequence numbers as they are (`-S`).
    pub absolute_sequence: bool,
    /// Do not check checksums (`-K`).
    pub skip_checksums: bool,
    /// Print the octets too (`-x`, `-xx`, `-X`, `-XX`, `-A`, `-AA`).
    pub dump: Dump,
    /// What UDP carries.
    pub udp: UdpPayload,
    /// Print the direction that a cooked header (version 1) says without the link header too, as is done of
    /// version 2 anyway.
    pub direction: bool,
    /// What each line of an inner Ethernet frame starts with; empty for tcpdump's own text.
    pub inner_indent: &'static str,
}

/// Which octets are printed after a packet, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dump {
    /// None.
    #[default]
    None,
    /// Digits (`-x`); with the link header (`-xx`).
    Hex {
        /// Whether the link header is included.
        link_header: bool,
    },
    /// Digits and characters (`-X`); with the link header (`-XX`).
    HexAscii {
        /// Whether the link header is included.
        link_header: bool,
    },
    /// Characters (`-A`); with the link header (`-AA`).
    Ascii {
        /// Whether the link header is included.
        link_header: bool,
    },
}

/// What the payload of UDP is taken for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum UdpPayload {
    /// What tcpdump takes the port for: VXLAN on 4789 only, OTV on 8472, BFD on 6784.
    #[default]
    TcpdumpPorts,
    /// VXLAN, all of it, and TCP payload is not looked at (`-T vxlan`).
    Vxlan,
    /// VXLAN on the ports that are known for it and where the payload has its shape, else as
    /// [`UdpPayload::TcpdumpPorts`].
    Overlay(crate::wire::packet::VxlanPorts),
}

/// Prints packets, one after the other, in the order of the capture.
#[derive(Debug)]
pub struct Printer {
    options: PrintOptions,
    names: Names,
    conversations: Conversations,
    heads: Heads,
    has_heads: bool,
    clock: Clock,
    packets: u64,
    /// Where the packet was captured, if its frame does not say.
    point: String,
    /// Whether the time does not stand alone before the packet.
    accompanied: bool,
}

impl Printer {
    /// A printer that has seen no packet yet.
    pub fn new(options: PrintOptions, names: Names) -> Self {
        let clock = Clock::new(options.time, options.nano, options.utc);
        Self {
            has_heads: options.quiet == 0 && options.verbosity == 0,
            accompanied: options.number,
            options,
            names,
            conversations: Conversations::default(),
            heads: Heads::new(),
            clock,
            packets: 0,
            point: String::new(),
        }
    }

    /// What stands behind the time from here on: where packets were captured whose frames do not say. tcpdump has
    /// nothing there.
    pub fn set_point(&mut self, write: impl FnOnce(&mut String)) {
        self.point.clear();
        write(&mut self.point);
        self.accompanied = self.options.number || !self.point.is_empty();
    }

    /// Puts each packet's text together anew, remembering no part of it: the same text, more slowly. This is
    /// what the text of the usual way is held against.
    #[must_use]
    pub fn without_heads(mut self) -> Self {
        self.has_heads = false;
        self
    }

    /// Looks device names up anew, as the next packet is from another machine or namespace.
    pub fn forget_devices(&mut self) {
        self.names.forget_devices();
        self.heads.forget_devices();
    }

    /// How many TCP conversations had to be forgotten, after which their sequence numbers start anew.
    pub fn forgotten_conversations(&self) -> u64 {
        self.conversations.forgotten()
    }

    /// Appends the lines of one packet, the last newline included.
    pub fn print(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        self.packets += 1;
        self.print_numbered(frame, self.packets, out);
    }

    /// As [`Printer::print`], for a packet that has the given number (`-#`) in its capture.
    #[inline]
    pub fn print_numbered(&mut self, frame: &Frame<'_>, number: u64, out: &mut Vec<u8>) {
        let captured = frame.bytes.len();
        let length = frame.length as usize;
        let is_valid = captured != 0 && captured <= length && length <= MAX_LENGTH;
        if self.accompanied {
            self.accompany_time(frame, number, is_valid, out);
        } else if is_valid {
            self.clock.print(frame.time, out);
        }
        if !is_valid {
            invalid_header(captured, length, out);
            return;
        }
        let mut dissector = Dissector {
            bytes: Bytes::new(frame.bytes),
            out,
            options: &self.options,
            names: &mut self.names,
            conversations: &mut self.conversations,
            heads: &mut self.heads,
            has_heads: self.has_heads,
            protocol: "",
            link_header: 0,
            depth: 0,
        };
        if dissector.link(frame).is_err() {
            dissector.truncated();
            dissector.link_header = 0;
        }
        if dissector.options.dump != Dump::None {
            dissector.bytes = Bytes::new(frame.bytes);
            dissector.dump();
        }
        out.push(b'\n');
    }

    /// The time, with what stands before and behind it.
    #[cold]
    fn accompany_time(
        &mut self,
        frame: &Frame<'_>,
        number: u64,
        is_valid: bool,
        out: &mut Vec<u8>,
    ) {
        if self.options.number {
            (Blanks::<5>(number), "  ").put(out);
        }
        if is_valid {
            self.clock.print(frame.time, out);
            out.extend(self.point.as_bytes());
        }
    }
}

impl Dissector<'_> {
    /// What `-x`, `-X` and `-A` add.
    fn dump(&mut self) {
        let captured = self.bytes.end();
        let start = match self.options.dump {
            Dump::None => return,
            Dump::Hex { link_header }
            | Dump::HexAscii { link_header }
            | Dump::Ascii { link_header } => {
                if link_header {
                    0
                } else {
                    self.link_header
                }
            }
        };
        if start >= captured {
            return;
        }
        let length = captured - start;
        // Nothing past the captured octets is asked for, so none of these is cut.
        let _ = match self.options.dump {
            Dump::None => Ok(()),
            Dump::Hex { .. } => self.hex("\n\t", start, length),
            Dump::HexAscii { .. } => self.hex_and_ascii(start, length),
            Dump::Ascii { .. } => self.ascii(start, length),
        };
    }
}

/// Says what is wrong with a record whose lengths cannot be.
#[cold]
fn invalid_header(captured: usize, length: usize, out: &mut Vec<u8>) {
    let mut lead = "[Invalid header:";
    if captured == 0 {
        (lead, " caplen==0").put(out);
        lead = ",";
    }
    if length == 0 {
        (lead, " len==0").put(out);
        lead = ",";
    } else if length < captured {
        (lead, " len(", length, ") < caplen(", captured, ")").put(out);
        lead = ",";
    }
    if captured > MAX_LENGTH {
        (lead, " caplen(", captured, ") > ", MAX_LENGTH).put(out);
        lead = ",";
    }
    if length > MAX_LENGTH {
        (lead, " len(", length, ") > ", MAX_LENGTH).put(out);
    }
    "]\n".put(out);
}
