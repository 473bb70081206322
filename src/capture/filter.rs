//! libpcap's filter expressions, run on packets that are already here.
//!
//! The expression is compiled by libpcap for the link type at hand and run by libpcap's own interpreter, so
//! it selects what `tcpdump -r FILE EXPRESSION` selects.

use std::io::Write as _;
use std::os::fd::IntoRawFd as _;

use super::record::Record;
use crate::wire::LinkType;

/// Where Linux's loads of ancillary data begin (`SKF_AD_OFF`): the kernel knows what they mean, a file does not.
const ANCILLARY: u32 = 0xffff_f000;

/// An expression, compiled once for each link type that turns up.
pub struct Filter {
    expression: String,
    programs: Vec<(LinkType, Program)>,
}

/// An expression that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// libpcap does not accept it.
    #[error("cannot use the filter '{expression}' on {link_type}: {reason}")]
    Compile {
        /// The expression.
        expression: String,
        /// The link type it was compiled for.
        link_type: String,
        /// libpcap's words.
        reason: String,
    },
}

struct Program(pcap::BpfProgram);

impl Filter {
    /// A filter for packets that begin with `link_type`; more link types are added as they turn up.
    /// An empty expression lets everything pass.
    ///
    /// # Errors
    /// When libpcap does not accept the expression for this link type.
    pub fn new(expression: &str, link_type: LinkType) -> Result<Self, FilterError> {
        Ok(Self {
            expression: expression.to_owned(),
            programs: vec![(link_type, Program::compile(expression, link_type)?)],
        })
    }

    /// The expression as it was given.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Whether the packet passes.
    ///
    /// # Errors
    /// When the packet's link type is a new one for which the expression makes no sense.
    #[inline]
    pub fn passes(&mut self, record: &Record<'_>) -> Result<bool, FilterError> {
        self.passes_bytes(record.interface.link_type, record.data, record.wire_len)
    }

    /// Whether a frame of `wire_len` octets, of which `data` is here, passes.
    ///
    /// # Errors
    /// When the link type is a new one for which the expression makes no sense.
    #[inline]
    pub fn passes_bytes(
        &mut self,
        link_type: LinkType,
        data: &[u8],
        wire_len: u32,
    ) -> Result<bool, FilterError> {
        let link_type = in_order_of(data, link_type);
        if let Some((known, program)) = self.programs.first()
            && *known == link_type
        {
            return Ok(program.run(data, wire_len));
        }
        self.passes_other(link_type, data, wire_len)
    }

    #[cold]
    fn passes_other(
        &mut self,
        link_type: LinkType,
        data: &[u8],
        wire_len: u32,
    ) -> Result<bool, FilterError> {
        let known = self
            .programs
            .iter()
            .position(|(known, _)| *known == link_type);
        let index = match known {
            Some(index) => index,
            None => {
                let program = Program::compile(&self.expression, link_type)?;
                self.programs.push((link_type, program));
                self.programs.len() - 1
            }
        };
        // The last one used is found first the next time.
        self.programs.swap(0, index);
        Ok(self
            .programs
            .first()
            .is_some_and(|(_, program)| program.run(data, wire_len)))
    }
}

/// What a frame is compiled for. BSD's null link begins with the address family in the byte order of the machine
/// that captured it; in network order it is what LOOP is.
#[inline]
fn in_order_of(data: &[u8], link_type: LinkType) -> LinkType {
    // Families are small, so the order that gives a small number is the right one.
    if link_type == LinkType::NULL && matches!(data, [0, 0, _, _, ..]) {
        LinkType::LOOP
    } else {
        link_type
    }
}

/// Compiles as libpcap does for a file. On links that begin with an address family that matters: IPv6 is any of
/// the numbers that systems give it, where a handle without a file would take that of this machine alone.
fn compile_for_file(
    expression: &str,
    link_type: LinkType,
) -> Result<pcap::BpfProgram, pcap::Error> {
    if !matches!(link_type, LinkType::NULL | LinkType::LOOP) {
        return pcap::Capture::dead(pcap::Linktype(link_type.dlt()))?.compile(expression, true);
    }
    /// A pcap file's magic number, version, and the longest packet (RFC draft-ietf-opsawg-pcap).
    const HEAD: [u32; 5] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144];
    let refuse = |error: std::io::Error| pcap::Error::PcapError(error.to_string());
    let (reader, mut writer) = std::io::pipe().map_err(refuse)?;
    let mut file = Vec::new();
    for word in HEAD.into_iter().chain([link_type.0]) {
        file.extend_from_slice(&word.to_le_bytes());
    }
    // Less than a pipe holds, so this does not wait.
    writer.write_all(&file).map_err(refuse)?;
    // SAFETY: the descriptor is nobody else's from here on.
    let handle = unsafe { pcap::Capture::from_raw_fd(reader.into_raw_fd()) }?;
    handle.compile(expression, true)
}

impl Program {
    fn compile(expression: &str, link_type: LinkType) -> Result<Self, FilterError> {
        let refuse = |reason: String| FilterError::Compile {
            expression: expression.to_owned(),
            link_type: link_type.name(),
            reason,
        };
        // libpcap takes a C string; a NUL in the middle would silently shorten the filter.
        if expression.contains('\0') {
            return Err(refuse("it contains a NUL character".to_owned()));
        }
        let words = |error: pcap::Error| match error {
            pcap::Error::PcapError(text) => text,
            other => other.to_string(),
        };
        let program =
            compile_for_file(expression, link_type).map_err(|error| refuse(words(error)))?;
        if loads_ancillary_data(&program) {
            return Err(refuse(
                "it asks the kernel for what a captured packet does not hold (inbound, outbound, ifname, …)"
                    .to_owned(),
            ));
        }
        Ok(Self(program))
    }

    #[inline]
    fn run(&self, data: &[u8], wire_len: u32) -> bool {
        let instructions = self.0.get_instructions();
        let captured = u32::try_from(data.len()).unwrap_or(u32::MAX);
        // SAFETY: the instructions were made and checked by pcap_compile and live as long as `self`;
        // `data` is readable for `captured` octets, which the interpreter checks each load against.
        unsafe { bpf_filter(instructions.as_ptr(), data.as_ptr(), wire_len, captured) != 0 }
    }
}

fn loads_ancillary_data(program: &pcap::BpfProgram) -> bool {
    program.get_instructions().iter().any(|instruction| {
        // The fields are private but for their text: code, jt, jf, k.
        let text = instruction.to_string();
        let mut fields = text.split(' ');
        let code: u16 = fields
            .next()
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        let k: u32 = fields.next_back().and_then(|k| k.parse().ok()).unwrap_or(0);
        // BPF_LD with BPF_ABS.
        code & 0x07 == 0 && code & 0xe0 == 0x20 && k >= ANCILLARY
    })
}

unsafe extern "C" {
    /// libpcap's interpreter (`pcap/bpf.h`). The `pcap` crate's own call passes the captured length for the
    /// length on the wire, which would make `greater 100` wrong for packets that were cut.
    fn bpf_filter(
        program: *const pcap::BpfInstruction,
        packet: *const u8,
        wire_len: u32,
        captured: u32,
    ) -> u32;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ICMP echo request in Ethernet, cut after the IP header.
    const ICMP: [u8; 34] = [
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, // Ethernet
        0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ];

    fn passes(expression: &str) -> bool {
        Filter::new(expression, LinkType::ETHERNET)
            .unwrap()
            .passes_bytes(LinkType::ETHERNET, &ICMP, 98)
            .unwrap()
    }

    #[test]
    fn expressions_mean_what_libpcap_says() {
        assert!(passes("icmp and host 10.0.0.1"));
        assert!(!passes("udp"));
        assert!(passes(""));
        // Reaches past what was captured.
        assert!(!passes("icmp[0] == 8"));
    }

    #[test]
    fn lengths_are_those_on_the_wire() {
        assert!(passes("greater 98"));
        assert!(!passes("greater 99"));
        assert!(passes("ip[2:2] == 84 and len == 98"));
    }

    #[test]
    fn a_second_link_type_is_compiled_for() {
        let mut filter = Filter::new("icmp", LinkType::ETHERNET).unwrap();
        assert!(filter.passes_bytes(LinkType::RAW, &ICMP[14..], 84).unwrap());
        assert!(filter.passes_bytes(LinkType::ETHERNET, &ICMP, 98).unwrap());
        assert!(!filter.passes_bytes(LinkType::RAW, &ICMP, 98).unwrap());
    }

    #[test]
    fn families_are_those_of_any_system_in_any_byte_order() {
        let passes = |expression: &str, family: [u8; 4], version: u8| {
            let packet = [&family[..], &[version << 4 | 5; 40]].concat();
            Filter::new(expression, LinkType::NULL)
                .unwrap()
                .passes_bytes(LinkType::NULL, &packet, 44)
                .unwrap()
        };
        for family in [24, 28, 30] {
            assert!(passes("ip6", [family, 0, 0, 0], 6), "{family}");
            assert!(passes("ip6", [0, 0, 0, family], 6), "{family}");
        }
        assert!(!passes("ip6", [2, 0, 0, 0], 4));
        assert!(passes("ip", [2, 0, 0, 0], 4));
        assert!(passes("ip", [0, 0, 0, 2], 4));
        assert!(!passes("ip", [30, 0, 0, 0], 6));
    }

    #[test]
    fn what_a_file_cannot_answer_is_refused() {
        let refused = |expression| {
            Filter::new(expression, LinkType::ETHERNET)
                .err()
                .unwrap()
                .to_string()
        };
        assert!(refused("hots 10.0.0.1").contains("syntax error"));
        assert!(refused("inbound").contains("inbound"));
        assert!(refused("icmp\0 or udp").contains("NUL"));
    }
}
