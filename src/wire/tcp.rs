//! The TCP header (RFC 9293).

/// Octets without options.
pub const HEADER_LENGTH: usize = 20;
/// Source port.
pub const SOURCE_PORT: usize = 0;
/// Destination port.
pub const DESTINATION_PORT: usize = 2;
/// Sequence number.
pub const SEQUENCE: usize = 4;
/// Acknowledgement number.
pub const ACKNOWLEDGEMENT: usize = 8;
/// Data offset (upper four bits, in units of four octets).
pub const DATA_OFFSET: usize = 12;
/// Flags.
pub const FLAGS: usize = 13;
/// Window.
pub const WINDOW: usize = 14;
/// Checksum.
pub const CHECKSUM: usize = 16;
/// Urgent pointer.
pub const URGENT: usize = 18;

/// The flags octet.
pub mod flag {
    #![allow(missing_docs)]
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PUSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
    pub const URG: u8 = 0x20;
    pub const ECE: u8 = 0x40;
    pub const CWR: u8 = 0x80;
}

/// The UDP header (RFC 768), whose ports lie where TCP's do.
pub mod udp {
    /// Octets of the header.
    pub const HEADER_LENGTH: usize = 8;
    /// Octets of header and payload.
    pub const LENGTH: usize = 4;
    /// Checksum.
    pub const CHECKSUM: usize = 6;
}
