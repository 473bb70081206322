//! The next-generation format, in this machine's byte order, times in nanoseconds.

use std::io::{self, Write};

use crate::capture::record::Direction;
use crate::wire::LinkType;
use crate::wire::Timestamp;

const PADDING: [u8; 4] = [0; 4];

/// Writes a pcapng file of one section.
pub struct PcapngWriter<W> {
    out: W,
    interfaces: u32,
    written: u64,
}

/// An interface to be described.
#[derive(Debug, Clone, Copy)]
pub struct NewInterface<'a> {
    /// How its packets begin.
    pub link_type: LinkType,
    /// The most octets kept of a packet; 0 for no limit.
    pub snap_length: u32,
    /// Its name.
    pub name: Option<&'a str>,
    /// More about it.
    pub description: Option<&'a str>,
}

impl<W: Write> PcapngWriter<W> {
    /// Begins the section. `comment` is for people who open the file.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, comment: Option<&str>) -> io::Result<Self> {
        let mut writer = Self {
            out,
            interfaces: 0,
            written: 0,
        };
        let mut body = Vec::new();
        body.extend(0x1a2b_3c4d_u32.to_ne_bytes());
        body.extend(1_u16.to_ne_bytes());
        body.extend(0_u16.to_ne_bytes());
        // Length of the section: not known.
        body.extend(u64::MAX.to_ne_bytes());
        if let Some(comment) = comment {
            option(&mut body, 1, comment.as_bytes());
        }
        option(&mut body, 3, std::env::consts::OS.as_bytes());
        option(
            &mut body,
            4,
            concat!("ovl ", env!("CARGO_PKG_VERSION")).as_bytes(),
        );
        end_of_options(&mut body);
        writer.block(0x0a0d_0d0a, &body)?;
        Ok(writer)
    }

    /// Describes an interface and says its number, which [`PcapngWriter::packet`] takes.
    ///
    /// # Errors
    /// Those of the output.
    pub fn interface(&mut self, interface: &NewInterface<'_>) -> io::Result<u32> {
        let mut body = Vec::new();
        // 16 bits; no link type has more.
        body.extend((interface.link_type.0 as u16).to_ne_bytes());
        body.extend(0_u16.to_ne_bytes());
        body.extend(interface.snap_length.to_ne_bytes());
        if let Some(name) = interface.name {
            option(&mut body, 2, name.as_bytes());
        }
        if let Some(description) = interface.description {
            option(&mut body, 3, description.as_bytes());
        }
        // Nanoseconds.
        option(&mut body, 9, &[9]);
        end_of_options(&mut body);
        self.block(1, &body)?;
        self.interfaces += 1;
        Ok(self.interfaces - 1)
    }

    /// Writes a packet of `wire_len` octets, of which `data` was captured, on an interface.
    ///
    /// # Errors
    /// Those of the output.
    pub fn packet(
        &mut self,
        interface: u32,
        time: Timestamp,
        wire_len: u32,
        data: &[u8],
        direction: Option<Direction>,
        comment: Option<&[u8]>,
    ) -> io::Result<()> {
        let mut options = Vec::new();
        if let Some(comment) = comment {
            option(&mut options, 1, comment);
        }
        if let Some(direction) = direction {
            let flags: u32 = match direction {
                Direction::Inbound => 1,
                Direction::Outbound => 2,
            };
            option(&mut options, 2, &flags.to_ne_bytes());
        }
        if !options.is_empty() {
            end_of_options(&mut options);
        }
        let padding = data.len().next_multiple_of(4) - data.len();
        let length = 32 + data.len() + padding + options.len();
        // Before 1970 there are no timestamps in this format.
        let count = u64::try_from(time.seconds)
            .unwrap_or(0)
            .wrapping_mul(1_000_000_000)
            .wrapping_add(time.nanos);
        let mut head = [0; 28];
        let fields = [
            6,
            length as u32,
            interface,
            (count >> 32) as u32,
            count as u32,
            data.len() as u32,
            wire_len,
        ];
        for (place, field) in head.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_ne_bytes());
        }
        self.out.write_all(&head)?;
        self.out.write_all(data)?;
        self.out
            .write_all(PADDING.get(..padding).unwrap_or_default())?;
        self.out.write_all(&options)?;
        self.out.write_all(&(length as u32).to_ne_bytes())?;
        self.written += length as u64;
        Ok(())
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let length = 12 + body.len() as u32;
        self.out.write_all(&kind.to_ne_bytes())?;
        self.out.write_all(&length.to_ne_bytes())?;
        self.out.write_all(body)?;
        self.out.write_all(&length.to_ne_bytes())?;
        self.written += u64::from(length);
        Ok(())
    }

    /// Octets written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Passes on what is buffered.
    ///
    /// # Errors
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The output itself.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Appends an option; what 16 bits of length cannot hold is cut.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    body.extend(code.to_ne_bytes());
    body.extend((value.len() as u16).to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend(PADDING);
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::capture::file::{Options, Reader};

    #[test]
    fn what_is_written_is_read_back() {
        let mut file = PcapngWriter::new(Vec::new(), Some("a test")).unwrap();
        let any = file
            .interface(&NewInterface {
                link_type: LinkType::LINUX_SLL2,
                snap_length: 262_144,
                name: Some("eth0"),
                description: Some("netns cni-1, pod default/pod1"),
            })
            .unwrap();
        let raw = file
            .interface(&NewInterface {
                link_type: LinkType::RAW,
                snap_length: 0,
                name: None,
                description: None,
            })
            .unwrap();
        let time = Timestamp {
            seconds: 1_795_463_269,
            nanos: 237_000_402,
        };
        file.packet(
            any,
            time,
            100,
            &[1, 2, 3],
            Some(Direction::Outbound),
            Some(b"why"),
        )
        .unwrap();
        file.packet(raw, Timestamp::default(), 0, &[], None, None)
            .unwrap();
        assert_eq!(file.written(), file.out.len() as u64);
        let bytes = file.into_inner();

        let mut reader =
            Reader::from_source("t", Box::new(Cursor::new(bytes)), &Options::default()).unwrap();
        let record = reader.next_record().unwrap().unwrap();
        assert_eq!(
            (record.time, record.wire_len, record.data),
            (time, 100, &[1, 2, 3][..])
        );
        assert_eq!(record.direction, Some(Direction::Outbound));
        assert_eq!(record.comment, Some(&b"why"[..]));
        assert_eq!(record.interface.name.as_deref(), Some("eth0"));
        assert_eq!(
            record.interface.description.as_deref(),
            Some("netns cni-1, pod default/pod1")
        );
        let record = reader.next_record().unwrap().unwrap();
        assert_eq!(record.interface.link_type, LinkType::RAW);
        assert!(record.data.is_empty() && record.comment.is_none());
        assert!(reader.next_record().unwrap().is_none());
    }
}
