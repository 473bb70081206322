//! The classic format, in this machine's byte order as tcpdump writes it.

use std::io::{self, Write};

use crate::wire::{LinkType, Timestamp};

/// Writes a pcap file.
pub struct PcapWriter<W> {
    out: W,
    nanoseconds: bool,
    written: u64,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file's header. With `nanoseconds`, times keep all their digits (and the file says so).
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(
        mut out: W,
        link_type: LinkType,
        snap_length: u32,
        nanoseconds: bool,
    ) -> io::Result<Self> {
        let magic: u32 = if nanoseconds {
            0xa1b2_3c4d
        } else {
            0xa1b2_c3d4
        };
        let mut header = [0; 24];
        let (version, rest) = header.split_at_mut(8);
        version.copy_from_slice(
            &[
                &magic.to_ne_bytes()[..],
                &2_u16.to_ne_bytes(),
                &4_u16.to_ne_bytes(),
            ]
            .concat(),
        );
        // Eight octets of zone and accuracy stay zero: nobody ever used them.
        let (_, lengths) = rest.split_at_mut(8);
        lengths.copy_from_slice(&[snap_length.to_ne_bytes(), link_type.0.to_ne_bytes()].concat());
        out.write_all(&header)?;
        Ok(Self {
            out,
            nanoseconds,
            written: header.len() as u64,
        })
    }

    /// Writes a packet of `wire_len` octets of which `data` was captured.
    ///
    /// # Errors
    /// Those of the output.
    pub fn packet(&mut self, time: Timestamp, wire_len: u32, data: &[u8]) -> io::Result<()> {
        let fraction = if self.nanoseconds {
            time.nanos
        } else {
            time.nanos / 1000
        };
        let mut header = [0; 16];
        let fields = [
            // What a 32-bit field cannot hold is cut, as it always was.
            time.seconds as u32,
            fraction as u32,
            data.len() as u32,
            wire_len,
        ];
        for (place, field) in header.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_ne_bytes());
        }
        self.out.write_all(&header)?;
        self.out.write_all(data)?;
        self.written += (header.len() + data.len()) as u64;
        Ok(())
    }

    /// Octets written, the header included.
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
