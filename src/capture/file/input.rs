//! The octets of a file through one reusable buffer, whatever they are wrapped in.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

/// The buffer's first size. A record that does not fit makes it grow.
const FIRST: usize = 256 * 1024;
const PAGE: usize = 4096;
/// How much of compressed input is read at once.
const COMPRESSED: usize = 64 * 1024;
/// What a decompressor may take for its window. `xz -9` needs 65 MiB, touched only as far as data comes.
const XZ_MEMORY: u64 = 80 << 20;
/// The same for zstd, as a power of two: 16 MiB. RFC 8878 §3.1.1.1.2 asks decoders for 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 24;

/// A file or stream, read forward only.
pub(super) struct Input {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where `buffer[start]` stands in the uncompressed stream.
    offset: u64,
    waits: bool,
}

impl Input {
    /// Opens `path`, or standard input for `-`. With `follow`, the end of the file is not the end: the
    /// reader waits for more, as `tail -f` does.
    pub(super) fn open(path: &Path, follow: bool) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            // Unbuffered: the standard library's own buffer would only add a copy.
            let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            let waits = !file.metadata()?.is_file();
            return Self::new(Box::new(file), waits);
        }
        let file = File::open(path)?;
        let kind = file.metadata()?;
        if kind.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        if follow && kind.is_file() {
            return Self::new(Box::new(Growing::new(file, path)?), true);
        }
        let waits = !kind.is_file();
        Self::new(Box::new(file), waits)
    }

    /// Reads from `source`; `waits` says that it may have to wait for its data.
    pub(super) fn new(mut source: Box<dyn Read + Send>, waits: bool) -> io::Result<Self> {
        let mut magic = [0; 6];
        let mut got = 0;
        while let Some(rest) = magic.get_mut(got..).filter(|rest| !rest.is_empty()) {
            match source.read(rest) {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let seen = magic.get(..got).unwrap_or_default().to_vec();
        let whole = Cursor::new(seen.clone()).chain(source);
        Ok(Self {
            source: unwrap(&seen, whole)?,
            buffer: vec![0; FIRST],
            start: 0,
            end: 0,
            offset: 0,
            waits,
        })
    }

    /// Where the next octet stands in the uncompressed stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the source may have to wait for data (a pipe, a terminal, a growing file).
    pub(super) fn waits(&self) -> bool {
        self.waits
    }

    /// What is in the buffer and not yet consumed.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Octets that can be consumed without reading.
    #[inline]
    pub(super) fn available(&self) -> usize {
        self.end - self.start
    }

    /// Has at least `want` octets in the buffer, or as many as there are before the end, and says how many.
    /// The buffer grows only as data really arrives, so a length in a file allocates nothing by itself.
    #[inline]
    pub(super) fn fill(&mut self, want: usize) -> io::Result<usize> {
        if self.available() < want {
            self.refill(want)?;
        }
        Ok(self.available())
    }

    #[cold]
    fn refill(&mut self, want: usize) -> io::Result<()> {
        let kept = self.available();
        let end = self.page_from(kept);
        self.buffer
            .copy_within(self.start..self.end, end.saturating_sub(kept));
        self.start = end.saturating_sub(kept);
        self.end = end;
        while self.available() < want {
            if self.end == self.buffer.len() {
                let needed = (self.start + want).max(FIRST);
                self.buffer.resize((self.buffer.len() * 2).min(needed), 0);
            }
            let Some(free) = self.buffer.get_mut(self.end..) else {
                break;
            };
            match self.source.read(free) {
                Ok(0) => break,
                Ok(n) => self.end += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The first place in the buffer, from `place` on, that begins a page: the kernel copies a file to there
    /// in a third of the time that it takes to elsewhere. Without one that leaves room for more, `place`.
    fn page_from(&self, place: usize) -> usize {
        let Some(rest) = self.buffer.get(place..) else {
            return place;
        };
        let up = rest.as_ptr().align_offset(PAGE);
        if up < rest.len() / 2 {
            place + up
        } else {
            place
        }
    }

    /// Passes over `count` octets, which must be in the buffer.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.available());
        self.start += count;
        self.offset += count as u64;
    }

    /// Passes over `count` octets, reading as needed; says how many there were.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let got = self.fill(1)?;
            if got == 0 {
                break;
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(got);
            self.consume(step);
            left -= step as u64;
        }
        Ok(count - left)
    }
}

type Whole = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// Takes off the compression that the first octets announce.
fn unwrap(magic: &[u8], whole: Whole) -> io::Result<Box<dyn Read + Send>> {
    let buffered = |whole| BufReader::with_capacity(COMPRESSED, whole);
    Ok(match magic {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(whole))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered(whole))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            let stream = liblzma::stream::Stream::new_stream_decoder(
                XZ_MEMORY,
                liblzma::stream::CONCATENATED,
            )
            .map_err(io::Error::from)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(
                buffered(whole),
                stream,
            ))
        }
        _ => Box::new(whole),
    })
}

/// A file that somebody is still writing.
struct Growing {
    file: File,
    watch: Option<rustix::fd::OwnedFd>,
    read: u64,
}

impl Growing {
    fn new(file: File, path: &Path) -> io::Result<Self> {
        // Without inotify (a limit reached, a strange file system) the reader looks twice a second.
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)
            .and_then(|fd| inotify::add_watch(&fd, path, inotify::WatchFlags::MODIFY).map(|_| fd))
            .ok();
        Ok(Self {
            file,
            watch,
            read: 0,
        })
    }

    fn wait(&self) -> io::Result<()> {
        let pause = Duration::from_millis(500);
        let Some(watch) = &self.watch else {
            thread::sleep(pause);
            return Ok(());
        };
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(pause.subsec_nanos()),
        };
        match poll(
            &mut [PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN)],
            Some(&limit),
        ) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // The events themselves do not matter, only that they do not fill the queue.
        let mut events = [0; 4096];
        let _ = rustix::io::read(watch, &mut events);
        Ok(())
    }
}

impl Read for Growing {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = self.file.read(buf)?;
            if got > 0 || buf.is_empty() {
                self.read += got as u64;
                return Ok(got);
            }
            if self.file.metadata()?.len() < self.read {
                return Err(io::Error::other(
                    "the file became shorter while it was followed",
                ));
            }
            self.wait()?;
        }
    }
}
