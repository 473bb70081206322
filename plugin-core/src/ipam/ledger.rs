//! What this node gave away, on its own disk: one file per network, read whole and appended to under a
//! lock.
//!
//! A line is a CRC-32 and a JSON object, and is written by one write(2). That makes an ADD with several
//! addresses one step: killed before it, nothing is given; killed after it, the addresses belong to their
//! owner until DEL or GC. A torn last line was never acted upon and is dropped. A damaged line that is followed
//! by good ones is no crash of ours but damage, which may hide an address in use: nothing is given until
//! somebody looks at it.
//!
//! One file rather than one per address, because ADD must find what an owner has already, and reading 20 KB
//! takes less than opening 110 files.
//!
//! **Flushes.** Which blocks are this node's is flushed to disk before the store is told, so that the two
//! agree after a power loss. Single addresses are not flushed, which would cost each ADD 0.4 to 4 ms
//! (measured on a virtual disk, idle and busy) and win nothing: a write survives the death of any process, and
//! a loss of power that forgets a record ends the pod that had the address too. Addresses of other nodes'
//! blocks are different, and are recorded in the store, which flushes.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::pool::Block;
use super::time::Seconds;
use crate::spec::Attachment;
use crate::spec::args::Pod;

/// Lines that may be superseded before the file is written anew.
const SLACK: usize = 64;

/// The records of one network on this node, locked while this lives.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    path: PathBuf,
    /// Octets of the file that were read and understood; a torn line may follow.
    valid: u64,
    /// Lines in the file.
    lines: usize,
    damage: Option<Damage>,
    state: State,
    /// Where in the file the last line about each owner is: offset and length.
    places: HashMap<Attachment, (u64, usize)>,
    /// Holds the lock, on the directory: the file itself is replaced now and then.
    _lock: File,
}

/// A line that cannot be read, with good ones behind it.
#[derive(Debug, Clone)]
struct Damage {
    line: usize,
    cause: String,
}

/// Everything the lines add up to.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Blocks this node owns or is about to claim, oldest first. Whether it really owns one is for the
    /// store to say.
    pub(super) blocks: Vec<Held>,
    /// Who has which addresses.
    pub(super) records: BTreeMap<Attachment, Record>,
    /// Addresses in use.
    pub(super) used: HashMap<IpAddr, Attachment>,
    /// Addresses that were released, and when.
    pub(super) cooling: BTreeMap<IpAddr, Seconds>,
}

/// A block in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    /// Which.
    #[serde(rename = "cidr")]
    pub(super) block: Block,
    /// The name this node had when it claimed it.
    pub(super) node: String,
    /// How much of it the owner may give, when last seen.
    pub(super) granted: u64,
    /// The store says it is ours, but this ledger did not know: it was lost, and pods may have addresses
    /// that nobody here remembers. Nothing is given from the block until GC settles it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unsure: bool,
    /// The offset after the last one given: where the search goes on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) next: u64,
}

/// What one attachment has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) owner: Attachment,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pod: Option<Pod>,
    #[serde(default)]
    pub(super) addresses: Vec<IpAddr>,
    /// Which of the addresses belong to another node's block, and to which.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) borrowed: BTreeMap<IpAddr, Block>,
    /// Other nodes' blocks that an address was about to be borrowed from: the store may have loans
    /// that are in no record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) borrowing: Vec<Block>,
    /// When it was given.
    pub(super) since: Seconds,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line {
    /// The block is ours, or about to be. Replaces an earlier line about the same block.
    Block(Held),
    /// The block is not ours any more.
    Drop(Block),
    /// The owner has these addresses, and no others.
    Give(Record),
    /// The owner has none any more.
    Take(Taken),
    /// An address was released (what is left of a `take` when the file is written anew).
    Cooling(IpAddr, Seconds),
}

/// The end of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) owner: Attachment,
    pub(super) at: Seconds,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl State {
    fn apply(&mut self, line: Line) {
        match line {
            Line::Block(held) => match self.blocks.iter_mut().find(|b| b.block == held.block) {
                Some(known) => *known = held,
                None => self.blocks.push(held),
            },
            Line::Drop(block) => self.blocks.retain(|held| held.block != block),
            Line::Give(record) => {
                self.forget(&record.owner, None);
                for address in &record.addresses {
                    self.used.insert(*address, record.owner.clone());
                    self.cooling.remove(address);
                    if let Some((held, offset)) = self.locate(*address) {
                        held.next = offset + 1;
                    }
                }
                self.records.insert(record.owner.clone(), record);
            }
            Line::Take(taken) => self.forget(&taken.owner, Some(taken.at)),
            Line::Cooling(address, at) => {
                self.cooling.insert(address, at);
            }
        }
    }

    fn forget(&mut self, owner: &Attachment, released: Option<Seconds>) {
        let Some(record) = self.records.remove(owner) else {
            return;
        };
        for address in record.addresses {
            self.used.remove(&address);
            // The cool-down of a borrowed address is kept where the next borrower looks: in the store.
            if let Some(at) = released.filter(|_| !record.borrowed.contains_key(&address)) {
                self.cooling.insert(address, at);
            }
        }
    }

    fn locate(&mut self, address: IpAddr) -> Option<(&mut Held, u64)> {
        self.blocks.iter_mut().find_map(|held| {
            let offset = held.block.offset(address)?;
            Some((held, offset))
        })
    }

    /// The block in the ledger that holds `address`.
    pub(super) fn block_of(&self, address: IpAddr) -> Option<&Held> {
        self.blocks
            .iter()
            .find(|held| held.block.offset(address).is_some())
    }

    /// The fewest lines that add up to this.
    fn lines(&self) -> impl Iterator<Item = Line> {
        let blocks = self.blocks.iter().cloned().map(Line::Block);
        let cooling = self.cooling.iter().map(|(ip, at)| Line::Cooling(*ip, *at));
        let records = self.records.values().cloned().map(Line::Give);
        // The blocks last: giving moves `next`.
        cooling.chain(records).chain(blocks)
    }

    fn line_count(&self) -> usize {
        self.blocks.len() + self.cooling.len() + self.records.len()
    }
}

impl Ledger {
    /// Opens the ledger in `dir` for changing, made if there is none, and waits for the lock.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(|e| Error::io("create", dir, e))?;
        let lock = File::open(dir).map_err(|e| Error::io("open", dir, e))?;
        lock.lock().map_err(|e| Error::io("lock", dir, e))?;
        let path = dir.join("ledger");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| Error::io("open", &path, e))?;
        Self::read(file, path, lock)
    }

    /// Opens the ledger in `dir` if there is one: nothing is created for a DEL of something unknown.
    pub(super) fn open_existing(dir: &Path) -> Result<Option<Self>, Error> {
        match fs::metadata(dir.join("ledger")) {
            Ok(_) => Self::open(dir).map(Some),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io("open", &dir.join("ledger"), e)),
        }
    }

    /// Reads the ledger in `dir` without the right to change it; `None` if there is none.
    pub(super) fn look(dir: &Path) -> Result<Option<Self>, Error> {
        let path = dir.join("ledger");
        let open = |path: &Path| match File::open(path) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io("open", path, e)),
        };
        let Some(lock) = open(dir)? else {
            return Ok(None);
        };
        lock.lock_shared().map_err(|e| Error::io("lock", dir, e))?;
        let Some(file) = open(&path)? else {
            return Ok(None);
        };
        Self::read(file, path, lock).map(Some)
    }

    fn read(mut file: File, path: PathBuf, lock: File) -> Result<Self, Error> {
        let mut content = Vec::new();
        file.read_to_end(&mut content)
            .map_err(|e| Error::io("read", &path, e))?;
        let mut ledger = Self {
            file,
            path,
            valid: 0,
            lines: 0,
            damage: None,
            state: State::default(),
            places: HashMap::new(),
            _lock: lock,
        };
        let mut suspect = None;
        let mut end = 0;
        for (index, line) in content.split_inclusive(|byte| *byte == b'\n').enumerate() {
            end += line.len() as u64;
            match decode(line) {
                Ok(decoded) => {
                    ledger.place(&decoded, end - line.len() as u64, line.len());
                    ledger.state.apply(decoded);
                    ledger.valid = end;
                    ledger.lines = index + 1;
                    if ledger.damage.is_none() {
                        ledger.damage = suspect.take();
                    }
                }
                Err(cause) if suspect.is_none() => {
                    suspect = Some(Damage {
                        line: index + 1,
                        cause,
                    });
                }
                Err(_) => {}
            }
        }
        Ok(ledger)
    }

    /// What is recorded.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Refuses when part of the file cannot be read: what it says may be that an address is in use.
    pub(super) fn require_whole(&self) -> Result<(), Error> {
        match &self.damage {
            None => Ok(()),
            Some(Damage { line, cause }) => Err(Error::Damaged {
                path: self.path.clone(),
                line: *line,
                cause: cause.clone(),
            }),
        }
    }

    /// Writes `lines`, all or none, and takes them into account.
    pub(super) fn append(&mut self, lines: impl IntoIterator<Item = Line>) -> Result<(), Error> {
        let lines: Vec<Line> = lines.into_iter().collect();
        let mut text = Vec::with_capacity(256 * lines.len());
        let mut starts = Vec::with_capacity(lines.len());
        for line in &lines {
            starts.push(text.len());
            encode(line, &mut text);
        }
        self.write(&text)?;
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        for ((line, start), end) in lines.into_iter().zip(&starts).zip(ends) {
            self.place(&line, self.valid + *start as u64, end - start);
            self.state.apply(line);
            self.lines += 1;
        }
        self.valid += text.len() as u64;
        Ok(())
    }

    fn place(&mut self, line: &Line, offset: u64, length: usize) {
        if let Line::Give(record) = line {
            self.places.insert(record.owner.clone(), (offset, length));
        }
    }

    /// Ends a record. On a full disk the line about it is overwritten in place, which needs no space: an
    /// address must become free also then. It does not rest, in that case.
    pub(super) fn take(&mut self, taken: Taken) -> Result<(), Error> {
        let place = self.places.get(&taken.owner).copied();
        match (self.append([Line::Take(taken.clone())]), place) {
            (Err(Error::Io { source, .. }), Some((offset, length)))
                if matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) =>
            {
                self.overwrite(Line::Take(taken), offset, length)
            }
            (appended, _) => appended,
        }
    }

    fn overwrite(&mut self, line: Line, offset: u64, length: usize) -> Result<(), Error> {
        let mut json = to_json(&line);
        // JSON may end with white space; a `take` is shorter than the `give` it replaces.
        json.resize(length.saturating_sub(FRAME).max(json.len()), b' ');
        let mut text = Vec::with_capacity(length);
        frame(&json, &mut text);
        if text.len() != length {
            let full = io::Error::from(io::ErrorKind::StorageFull);
            return Err(Error::io("write", &self.path, full));
        }
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.write_all(&text))
            .map_err(|e| Error::io("write", &self.path, e))?;
        self.state.apply(line);
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> Result<(), Error> {
        let valid = self.valid;
        let write = |file: &mut File| {
            if file.metadata()?.len() > valid {
                file.set_len(valid)?;
            }
            file.seek(SeekFrom::Start(valid))?;
            file.write_all(text)
        };
        write(&mut self.file).map_err(|cause| {
            // Half a line on a full disk: it would be dropped by the next reader, but need not stay.
            let _ = self.file.set_len(valid);
            Error::io("write", &self.path, cause)
        })
    }

    /// [`Ledger::append`], on the disk itself when it returns.
    pub(super) fn append_durably(
        &mut self,
        lines: impl IntoIterator<Item = Line>,
    ) -> Result<(), Error> {
        let fresh = self.valid == 0;
        self.append(lines)?;
        self.file
            .sync_data()
            .and_then(|()| if fresh { self.sync_dir() } else { Ok(()) })
            .map_err(|e| Error::io("flush", &self.path, e))
    }

    fn sync_dir(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Ends a change: forgets addresses that `cooled` says are cool, and when most of the file is
    /// superseded, or nothing is left to say, writes it anew.
    pub(super) fn tidy(&mut self, cooled: impl Fn(Seconds) -> bool) -> Result<(), Error> {
        if self.damage.is_some() {
            return Ok(());
        }
        let empty = self.state.blocks.is_empty() && self.state.records.is_empty();
        if !empty && self.lines <= 2 * self.state.line_count() + SLACK {
            return Ok(());
        }
        self.state.cooling.retain(|_, at| !cooled(*at));
        if self.state.line_count() == 0 {
            return fs::remove_file(&self.path).map_err(|e| Error::io("remove", &self.path, e));
        }
        if self.lines == self.state.line_count() {
            return Ok(());
        }
        self.rewrite()
    }

    /// Replaces the file by one that says the same in the fewest lines, and leaves damage out.
    fn rewrite(&mut self) -> Result<(), Error> {
        let mut text = Vec::new();
        let lines: Vec<Line> = self.state.lines().collect();
        let mut ends = Vec::with_capacity(lines.len());
        for line in &lines {
            encode(line, &mut text);
            ends.push(text.len());
        }
        let staged = self.path.with_extension("new");
        let write = || {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&staged)?;
            file.write_all(&text)?;
            file.sync_data()?;
            fs::rename(&staged, &self.path)?;
            Ok(file)
        };
        self.file = write().map_err(|cause| {
            let _ = fs::remove_file(&staged);
            Error::io("write", &staged, cause)
        })?;
        self.valid = text.len() as u64;
        self.lines = lines.len();
        self.places.clear();
        let mut start = 0;
        for (line, end) in lines.iter().zip(ends) {
            self.place(line, start as u64, end - start);
            start = end;
        }
        Ok(())
    }
}

/// Octets of a line around its JSON: the checksum, a space and the end of the line.
const FRAME: usize = 10;

fn to_json(line: &Line) -> Vec<u8> {
    // Strings, numbers and addresses: nothing in a line can fail to serialise.
    serde_json::to_vec(line).unwrap_or_default()
}

fn frame(json: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(format!("{:08x} ", crc32fast::hash(json)).as_bytes());
    into.extend_from_slice(json);
    into.push(b'\n');
}

fn encode(line: &Line, into: &mut Vec<u8>) {
    frame(&to_json(line), into);
}

fn decode(line: &[u8]) -> Result<Line, String> {
    let line = line.strip_suffix(b"\n").ok_or("it has no end")?;
    let (sum, json) = line.split_at_checked(9).ok_or("it is too short")?;
    let sum = std::str::from_utf8(sum)
        .ok()
        .and_then(|text| u32::from_str_radix(text.strip_suffix(' ')?, 16).ok())
        .ok_or("it does not begin with a checksum")?;
    if sum != crc32fast::hash(json) {
        return Err("its checksum is wrong".into());
    }
    serde_json::from_slice(json).map_err(|e| e.to_string())
}
