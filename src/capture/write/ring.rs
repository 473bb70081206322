//! A capture in one file or in several, one after the other or round and round (`-C`, `-G`, `-W`).

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{FileFormat, NewInterface, PcapWriter, PcapngWriter};
use crate::capture::record::Record;
use crate::wire::{LinkType, Timestamp};

type Out = BufWriter<Box<dyn Write>>;

/// When another file is begun.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rotation {
    /// Once a file has this many octets (`-C`, there in millions).
    pub octets: Option<u64>,
    /// Once a file is this old, in seconds of the packets' own time (`-G`).
    pub seconds: Option<u64>,
    /// How many files there are: with a limit of size they are used again in turn; with one of time alone
    /// the capture ends after the last (`-W`).
    pub files: Option<u64>,
}

/// Writes records.
pub struct Ring {
    path: PathBuf,
    format: FileFormat,
    nanoseconds: bool,
    rotation: Rotation,
    current: Current,
    /// Files begun for a limit of size, since the last one for a limit of time.
    turn: u64,
    /// Files begun for a limit of time.
    periods: u64,
    began: Option<Timestamp>,
    finished: bool,
    total: u64,
}

enum Current {
    /// Nothing is written before the first packet tells the link type.
    None,
    Pcap(PcapWriter<Out>, LinkType),
    Pcapng(PcapngWriter<Out>, HashMap<u32, u32>),
}

impl Ring {
    /// Writes to `path` (`-` is standard output), as pcapng if it is so named. The first file is begun at
    /// once, so that a path that cannot be written is told before anything is captured. With a limit of
    /// time, `path` may hold `strftime(3)` words.
    ///
    /// # Errors
    /// When the first file cannot be made.
    pub fn create(
        path: &Path,
        rotation: Rotation,
        nanoseconds: bool,
        link_type: LinkType,
        snap_length: u32,
        now: Timestamp,
    ) -> io::Result<Self> {
        let mut ring = Self {
            path: path.to_owned(),
            format: FileFormat::of(path),
            nanoseconds,
            rotation,
            current: Current::None,
            turn: 0,
            periods: 0,
            began: None,
            finished: false,
            total: 0,
        };
        ring.begin(link_type, snap_length, now)?;
        Ok(ring)
    }

    /// The name of the current file, by tcpdump's rules.
    fn name(&self, now: Timestamp) -> PathBuf {
        let mut name = if self.rotation.seconds.is_some() {
            strftime(&self.path, now)
        } else {
            self.path.clone().into_os_string()
        };
        if self.rotation.octets.is_some() {
            match self.rotation.files {
                // With a known number of files, enough leading zeros to sort them.
                Some(files) => {
                    let width = files.saturating_sub(1).max(1).ilog10() as usize + 1;
                    name.push(format!("{:0width$}", self.turn));
                }
                None if self.turn > 0 => name.push(self.turn.to_string()),
                None => {}
            }
        }
        PathBuf::from(name)
    }

    fn begin(&mut self, link_type: LinkType, snap_length: u32, now: Timestamp) -> io::Result<()> {
        self.flush()?;
        let out: Box<dyn Write> = if self.path.as_os_str() == "-" {
            Box::new(io::stdout())
        } else {
            Box::new(File::create(self.name(now))?)
        };
        let out = BufWriter::with_capacity(128 * 1024, out);
        self.current = match self.format {
            FileFormat::Pcap => Current::Pcap(
                PcapWriter::new(out, link_type, snap_length, self.nanoseconds)?,
                link_type,
            ),
            FileFormat::Pcapng => Current::Pcapng(PcapngWriter::new(out, None)?, HashMap::new()),
        };
        Ok(())
    }

    /// Writes a record, to the next file if the current one has had enough. False when there is no next
    /// file: the record is not written, and the capture is over.
    ///
    /// # Errors
    /// When a file cannot be written, or a pcap file would get a second link type.
    pub fn write(&mut self, record: &Record<'_>) -> io::Result<bool> {
        if self.finished {
            return Ok(false);
        }
        let interface = record.interface;
        let began = *self.began.get_or_insert(record.time);
        if let Some(seconds) = self.rotation.seconds
            && record.time.seconds.saturating_sub(began.seconds)
                >= i64::try_from(seconds).unwrap_or(i64::MAX)
        {
            self.periods += 1;
            if self.rotation.octets.is_none()
                && self
                    .rotation
                    .files
                    .is_some_and(|files| self.periods >= files)
            {
                self.finished = true;
                return Ok(false);
            }
            self.began = Some(record.time);
            self.turn = 0;
            self.begin(interface.link_type, interface.snap_length, record.time)?;
        } else if let Some(octets) = self.rotation.octets
            && self.written() > octets
        {
            self.turn += 1;
            if let Some(files) = self.rotation.files {
                self.turn %= files.max(1);
            }
            self.begin(interface.link_type, interface.snap_length, record.time)?;
        }
        let before = self.written();
        match &mut self.current {
            Current::None => {}
            Current::Pcap(file, link_type) => {
                if *link_type != interface.link_type {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "packets of several link types do not fit into a pcap file; name it .pcapng",
                    ));
                }
                file.packet(record.time, record.wire_len, record.data)?;
            }
            Current::Pcapng(file, known) => {
                let id = match known.get(&interface.id) {
                    Some(id) => *id,
                    None => file.interface(&NewInterface {
                        link_type: interface.link_type,
                        snap_length: interface.snap_length,
                        name: interface.name.as_deref(),
                        description: interface.description.as_deref(),
                    })?,
                };
                known.insert(interface.id, id);
                file.packet(
                    id,
                    record.time,
                    record.wire_len,
                    record.data,
                    record.direction,
                    record.comment,
                )?;
            }
        }
        self.total += self.written() - before;
        Ok(true)
    }

    /// Octets of packets in all files together.
    pub fn total(&self) -> u64 {
        self.total
    }

    fn written(&self) -> u64 {
        match &self.current {
            Current::None => 0,
            Current::Pcap(file, _) => file.written(),
            Current::Pcapng(file, _) => file.written(),
        }
    }

    /// Passes on what is buffered.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.current {
            Current::None => Ok(()),
            Current::Pcap(file, _) => file.flush(),
            Current::Pcapng(file, _) => file.flush(),
        }
    }
}

/// The path with `strftime(3)` words filled in, in local time; the path itself if that cannot be.
fn strftime(path: &Path, now: Timestamp) -> std::ffi::OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let Ok(pattern) = CString::new(path.as_os_str().as_bytes()) else {
        return path.as_os_str().to_owned();
    };
    let seconds = now.seconds as libc::time_t;
    let mut broken_down = std::mem::MaybeUninit::<libc::tm>::zeroed();
    let mut text = vec![0_u8; 4096];
    // SAFETY: all pointers are to memory that outlives the calls; `tm` is plain numbers and a pointer that
    // localtime_r sets; strftime writes at most the length given.
    let length = unsafe {
        if libc::localtime_r(&raw const seconds, broken_down.as_mut_ptr()).is_null() {
            return path.as_os_str().to_owned();
        }
        libc::strftime(
            text.as_mut_ptr().cast(),
            text.len(),
            pattern.as_ptr(),
            broken_down.as_ptr(),
        )
    };
    text.truncate(length);
    std::ffi::OsString::from_vec(text)
}
