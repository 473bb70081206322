//! The first sequence numbers of TCP conversations, which later ones are printed relative to.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use foldhash::fast::RandomState;

/// How many conversations are remembered for certain; twice as many at most are held.
const REMEMBERED: usize = 1 << 20;

/// One end's view: addresses and ports in a fixed order, whichever direction a segment travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    V4([u8; 4], [u8; 4], u32),
    V6([u8; 16], [u8; 16], u32),
}

impl Hash for Key {
    /// As few numbers as can be: an array would be hashed octet by octet, its length first.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match *self {
            Self::V4([a, b, c, d], [e, f, g, h], ports) => {
                u64::from_ne_bytes([a, b, c, d, e, f, g, h]).hash(state);
                ports.hash(state);
            }
            Self::V6(first, second, ports) => {
                u128::from_ne_bytes(first).hash(state);
                u128::from_ne_bytes(second).hash(state);
                ports.hash(state);
            }
        }
    }
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
#[derive(Debug)]
pub(super) struct Conversations {
    remembered: usize,
    recent: HashMap<Key, Start, RandomState>,
    older: HashMap<Key, Start, RandomState>,
    forgotten: u64,
}

impl Default for Conversations {
    fn default() -> Self {
        Self::remembering(REMEMBERED)
    }
}

impl Conversations {
    fn remembering(remembered: usize) -> Self {
        Self {
            remembered,
            recent: HashMap::default(),
            older: HashMap::default(),
            forgotten: 0,
        }
    }

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
        if self.recent.len() >= self.remembered && !self.recent.contains_key(&key) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_not_seen_for_long_are_forgotten_and_counted() {
        let key = |n: u32| Key::V4(n.to_be_bytes(), [10, 0, 0, 1], 80);
        let start = |n| Start {
            sequence: n,
            acknowledgement: n + 1,
        };
        let mut conversations = Conversations::remembering(100);
        for n in 0..100 {
            conversations.set(key(n), start(n));
        }
        // As many again, with one of the first that is still in use: none is forgotten yet.
        for n in 100..199 {
            conversations.set(key(n), start(n));
            assert_eq!(conversations.get(&key(7)), Some(start(7)));
        }
        assert_eq!(conversations.forgotten(), 0);
        for n in 199..300 {
            conversations.set(key(n), start(n));
            assert_eq!(conversations.get(&key(7)), Some(start(7)), "in use");
        }
        assert_eq!(conversations.get(&key(8)), None);
        assert!(
            conversations.forgotten() >= 99,
            "{}",
            conversations.forgotten()
        );
        assert!(conversations.recent.len() + conversations.older.len() <= 200);
    }
}
