//! Capture files, read as a stream.
//!
//! pcap (microseconds and nanoseconds, either byte order), pcapng (any number of sections and interfaces),
//! and both inside gzip, zstd or xz; files, pipes, standard input and files that still grow. No length in a
//! file is believed before its octets are there, so neither memory nor time depends on what a file claims.

mod error;
mod input;
mod merge;
mod order;
mod pcap;
mod pcapng;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

pub use error::{Error, Fault};
use input::Input;
pub use merge::Merge;

use super::interface::Interface;
use super::record::{Direction, Record};
use crate::wire::Timestamp;

/// The most octets of one packet: libpcap's `MAXIMUM_SNAPLEN`.
pub const MAX_PACKET: u32 = 262_144;

/// How a file is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Wait for more at the end of a plain file, as `tail -f` does.
    pub follow: bool,
    /// Take the seconds of a pcap file as signed, as libpcap up to 1.10.3 does: moments after 2038 are then
    /// before 1970. Unsigned is what the format says, good until 2106.
    pub signed_seconds: bool,
    /// Refuse a pcapng file whose interfaces have different link types, as libpcap must.
    pub one_link_type: bool,
}

/// A capture file, read forward, one [`Record`] at a time.
pub struct Reader {
    name: String,
    input: Input,
    format: Format,
    interfaces: Vec<Interface>,
    current: Option<Position>,
    packets: u64,
    ended: bool,
}

enum Format {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

/// A part of the block at the head of the buffer.
#[derive(Debug, Clone, Copy)]
struct Body {
    start: usize,
    length: usize,
}

/// Where the current packet is, relative to what the buffer has not consumed.
#[derive(Debug, Clone, Copy)]
struct Position {
    body: Body,
    comment: Option<Body>,
    /// Octets up to the next packet or block.
    total: usize,
    time: Timestamp,
    wire_len: u32,
    interface: usize,
    direction: Option<Direction>,
}

/// What a format's reader found.
enum Step {
    Packet(Position),
    /// A block that is not a packet.
    Other,
    End,
}

fn truncated(what: &'static str, wanted: usize, got: usize) -> Fault {
    Fault::Truncated { what, wanted, got }
}

impl Reader {
    /// Opens `path`, or standard input for `-`, and reads up to the first packet's link type.
    ///
    /// # Errors
    /// When the file cannot be opened or is no capture.
    pub fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        let name = path.to_string_lossy().into_owned();
        let input = match Input::open(path, options.follow) {
            Ok(input) => input,
            Err(error) => {
                return Err(Error {
                    file: name,
                    offset: 0,
                    packets: 0,
                    fault: Fault::Open(error),
                });
            }
        };
        Self::new(name, input, options)
    }

    /// Reads a capture from anything: `name` stands for it in messages.
    ///
    /// # Errors
    /// When `source` cannot be read or is no capture.
    pub fn from_source(
        name: &str,
        source: Box<dyn std::io::Read + Send>,
        options: &Options,
    ) -> Result<Self, Error> {
        match Input::new(source, true) {
            Ok(input) => Self::new(name.to_owned(), input, options),
            Err(error) => Err(Error {
                file: name.to_owned(),
                offset: 0,
                packets: 0,
                fault: Fault::Read(error),
            }),
        }
    }

    fn new(name: String, mut input: Input, options: &Options) -> Result<Self, Error> {
        match begin(&mut input, options) {
            Ok((format, interfaces)) => Ok(Self {
                name,
                input,
                format,
                interfaces,
                current: None,
                packets: 0,
                ended: false,
            }),
            Err(fault) => Err(Error {
                file: name,
                offset: input.offset(),
                packets: 0,
                fault,
            }),
        }
    }

    /// Moves on to the next packet, which [`Reader::record`] then shows. False at the end.
    ///
    /// # Errors
    /// When the file is broken here; the reader then stands at its end.
    pub fn advance(&mut self) -> Result<bool, Error> {
        Ok(self.advance_at_hand() || self.advance_further()?)
    }

    /// Moves on to the next packet if that is in the buffer already, and nothing unusual: nearly always. If
    /// not, [`Reader::advance`] is to be called.
    // Inlined, the position stays in registers: written here and read at once by `record`, part of it in wider
    // pieces than it was written in, it is waited for.
    #[inline(always)]
    pub fn advance_at_hand(&mut self) -> bool {
        if let Format::Pcap(pcap) = &self.format
            && let Some(done) = &self.current
            && let Some(bytes) = self.input.bytes().get(done.total..)
            && let Some(position) = pcap.next_of(bytes)
        {
            self.input.consume(done.total);
            self.current = Some(position);
            self.packets += 1;
            return true;
        }
        false
    }

    /// As [`Reader::advance`], for whatever comes.
    #[inline(never)]
    fn advance_further(&mut self) -> Result<bool, Error> {
        if let Some(done) = self.current.take() {
            self.input.consume(done.total);
        }
        if self.ended {
            return Ok(false);
        }
        let step = match &mut self.format {
            Format::Pcap(pcap) => pcap.advance(&mut self.input),
            Format::Pcapng(pcapng) => pcapng.advance(&mut self.input, &mut self.interfaces),
        };
        match step {
            Ok(Step::Packet(position)) => {
                self.current = Some(position);
                self.packets += 1;
                Ok(true)
            }
            Ok(Step::End | Step::Other) => {
                self.ended = true;
                Ok(false)
            }
            Err(fault) => Err(self.broken(fault)),
        }
    }

    #[cold]
    fn broken(&mut self, fault: Fault) -> Error {
        self.ended = true;
        Error {
            file: self.name.clone(),
            offset: self.input.offset(),
            packets: self.packets,
            fault,
        }
    }

    /// The packet that the last [`Reader::advance`] found.
    #[inline]
    pub fn record(&self) -> Option<Record<'_>> {
        let position = self.current.as_ref()?;
        let bytes = self.input.bytes();
        let part = |body: Body| bytes.get(body.start..body.start + body.length);
        Some(Record {
            time: position.time,
            wire_len: position.wire_len,
            data: part(position.body)?,
            interface: self.interfaces.get(position.interface)?,
            direction: position.direction,
            comment: position.comment.and_then(part),
        })
    }

    /// The next packet, or `None` at the end: [`Reader::advance`] and [`Reader::record`] in one.
    ///
    /// # Errors
    /// When the file is broken here; the reader then stands at its end.
    #[inline]
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, Error> {
        Ok(if self.advance()? { self.record() } else { None })
    }

    /// When the current packet was seen.
    #[inline]
    pub fn time(&self) -> Option<Timestamp> {
        self.current.as_ref().map(|position| position.time)
    }

    /// The file, as it was named.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Packets read so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// The interfaces of the section being read, as far as they are known.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Names that the file itself gives to addresses, as far as it was read.
    pub fn names(&self) -> Option<&BTreeMap<IpAddr, String>> {
        match &self.format {
            Format::Pcap(_) => None,
            Format::Pcapng(pcapng) => Some(pcapng.names()).filter(|names| !names.is_empty()),
        }
    }

    /// Whether the next [`Reader::advance`] may have to wait for somebody to write: the moment to flush
    /// what was printed so far.
    #[inline]
    pub fn may_wait(&self) -> bool {
        self.input.waits()
            && self
                .current
                .as_ref()
                .is_none_or(|done| self.input.available() < done.total + 28)
    }
}

/// Tells the format and reads what comes before the first packet.
fn begin(input: &mut Input, options: &Options) -> Result<(Format, Vec<Interface>), Fault> {
    let got = input.fill(4).map_err(Fault::Read)?;
    let Some(magic) = input.bytes().first_chunk::<4>().copied() else {
        return Err(truncated("file header", 4, got));
    };
    if pcap::Pcap::recognises(magic) {
        let (pcap, interface) = pcap::Pcap::open(input, magic, options)?;
        return Ok((Format::Pcap(pcap), vec![interface]));
    }
    if pcapng::Pcapng::recognises(magic) {
        let (pcapng, interfaces) = pcapng::Pcapng::open(input, options)?;
        return Ok((Format::Pcapng(pcapng), interfaces));
    }
    Err(Fault::UnknownFormat)
}

#[cfg(test)]
mod tests;
