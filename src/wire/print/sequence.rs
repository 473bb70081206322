//! The first sequence numbers of TCP conversations, which later ones are printed relative to.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// How many conversations are remembered for certain; twice as many at most are held.
const REMEMBERED: usize = 1 << 20;

/// One end's view: addresses and ports in a fixed order, whichever direction a segment travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    V4([u8; 4], [u8; 4], u32),
    V6([u8; 16], [u8; 16], u32),
}

/// What numbers are subtracted: of the end that comes first in [`Key`], and of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Start {
    pub(super) sequence: u32,
    pub(super) acknowledgement: u32,
}

/// All conversations seen.
///
/// tcpdump never forgets one. Here the memory is bounded: when [`REMEMBERED`] new ones have come, those
/// not seen since the last time that happened are dropped, and counted.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    recent: HashMap<Key, Start, RandomState>,
    older: HashMap<Key, Start, RandomState>,
    forgotten: u64,
}

impl Conversations {
    /// The numbers of a conversation, or none if it is new.
    pub(super) fn get(&mut self, key: &Key) -> Option<Start> {
        if let Some(start) = self.recent.get(key) {
            return Some(*start);
        }
        if self.older.is_empty() {
            return None;
        }
        let start = self.older.remove(key)?;
        self.set(*key, start);
        Some(start)
    }

    /// Remembers the numbers of a conversation.
    pub(super) fn set(&mut self, key: Key, start: Start) {
        if self.recent.len() >= REMEMBERED && !self.recent.contains_key(&key) {
            self.forgotten += self.older.len() as u64;
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(key, start);
    }

    /// How many conversations have been forgotten.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}
