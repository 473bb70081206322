//! Capture files, written.

mod pcap;
mod pcapng;
mod ring;

use std::path::Path;

pub use pcap::PcapWriter;
pub use pcapng::{NewInterface, PcapngWriter};
pub use ring::{Ring, Rotation};

/// Which kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// The classic format: one link type, no names.
    Pcap,
    /// The next generation: any number of interfaces, with names and comments.
    Pcapng,
}

impl FileFormat {
    /// By the file's name: `.pcapng` and `.ntar` are pcapng, anything else is pcap, as tcpdump writes it.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("pcapng" | "ntar") => Self::Pcapng,
            _ => Self::Pcap,
        }
    }
}
