//! Packets as bytes: where the headers are, and the text tcpdump would print for them.
//!
//! | module | answers |
//! |---|---|
//! | [`frame`] | what a capture file holds: link type, time, length on the wire, bytes |
//! | [`bytes`] | how bytes are read without trusting any length field |
//! | [`ethernet`], [`ip`], [`port`], … | one protocol a file: the offsets, numbers and names of its header |
//! | [`packet`] | which layers a frame has, with their byte ranges and tunnel depth |
//! | [`mod@print`] | the text of `tcpdump -enr FILE -T vxlan`, letter for letter |
//!
//! Nothing here panics, allocates per packet, opens a file or reads a clock, whatever the bytes are: all
//! access goes through [`bytes::Bytes`], which answers [`bytes::Cut`] past the end of what was captured.
//! Offsets and numbers are those of the RFCs named in each file; texts are tcpdump's (4.99.3).

pub mod bytes;
pub mod checksum;
pub mod ethernet;
pub mod frame;
pub mod ip;
pub mod oui;
pub mod packet;
pub mod port;
pub mod print;
pub mod tcp;

pub use frame::{Frame, LinkType, Timestamp};
pub use packet::{Layer, Layers};
pub use print::{PrintOptions, Printer};
