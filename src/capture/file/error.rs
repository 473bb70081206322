//! What is wrong with a capture file, and where.

use std::fmt;
use std::io;

/// A capture file could not be read any further. Everything before it was handed out.
#[derive(Debug, thiserror::Error)]
#[error("{}", Sentence(self))]
pub struct Error {
    /// The file, as the user named it; `-` for standard input.
    pub file: String,
    /// Where the part that is wrong begins, in octets from the start of the (uncompressed) file.
    pub offset: u64,
    /// Packets read from this file before.
    pub packets: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong. The sentences are libpcap's wherever it has one, because people search for them.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The system, or the decompressor, cannot read on.
    #[error("cannot read: {0}")]
    Read(io::Error),
    /// The file cannot be opened.
    #[error("{0}")]
    Open(io::Error),
    /// The file ends inside something.
    #[error("truncated dump file; tried to read {wanted} {what} bytes, only got {got}")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// How many octets it takes.
        wanted: usize,
        /// How many there were.
        got: usize,
    },
    /// Neither pcap nor pcapng, compressed or not.
    #[error("unknown file format")]
    UnknownFormat,
    /// pcap from before 1998.
    #[error("archaic pcap savefile format (version {0}.{1})")]
    Archaic(u16, u16),
    /// A length that no packet has.
    #[error("invalid packet capture length {length}, bigger than maximum of {limit}")]
    PacketTooLong {
        /// The length in the file.
        length: u32,
        /// The most we take.
        limit: u32,
    },
    /// Anything else that a length, offset or option says wrongly.
    #[error("{0}")]
    Malformed(String),
}

struct Sentence<'a>(&'a Error);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error {
            file,
            offset,
            packets,
            fault,
        } = self.0;
        let file = if file == "-" { "standard input" } else { file };
        match fault {
            Fault::Open(_) | Fault::UnknownFormat => write!(f, "{file}: {fault}"),
            _ if *packets == 0 => write!(
                f,
                "{file}: {fault} (at octet {offset}, no packet before it)"
            ),
            _ => write!(
                f,
                "{file}: {fault} (at octet {offset}, after packet {packets})"
            ),
        }
    }
}
