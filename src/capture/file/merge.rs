//! Several files as one stream, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::VecDeque;

use super::{Error, Reader};
use crate::capture::record::Record;
use crate::wire::Timestamp;

/// Several readers, merged. Only each file's next packet is compared, so any number of files of any size is
/// merged in a fixed amount of memory; packets of one file keep their order, even where their times run
/// backwards (an `-i any` capture does), and packets of the same time come in the order of the files.
pub struct Merge {
    readers: Vec<Reader>,
    waiting: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The reader whose packet was handed out last, to be moved on.
    current: Option<usize>,
    /// Readers to be moved on before anything can be compared.
    unread: VecDeque<usize>,
}

impl Merge {
    /// Merges `readers`, none of which has been advanced.
    pub fn new(readers: Vec<Reader>) -> Self {
        Self {
            waiting: BinaryHeap::with_capacity(readers.len()),
            unread: (0..readers.len()).collect(),
            readers,
            current: None,
        }
    }

    /// Moves on to the next packet, which [`Merge::record`] then shows. False at the end of all files.
    ///
    /// # Errors
    /// When one of the files is broken. The others go on: call again.
    pub fn advance(&mut self) -> Result<bool, Error> {
        // One file needs no comparing.
        if let [only] = self.readers.as_mut_slice() {
            self.current = Some(0);
            return only.advance();
        }
        self.advance_many()
    }

    /// Moves on if there is one file, and its next packet at hand: see [`Reader::advance_at_hand`].
    #[inline(always)]
    pub fn advance_at_hand(&mut self) -> bool {
        match self.readers.as_mut_slice() {
            [only] => only.advance_at_hand(),
            _ => false,
        }
    }

    fn advance_many(&mut self) -> Result<bool, Error> {
        self.unread.extend(self.current.take());
        while let Some(index) = self.unread.pop_front() {
            let Some(reader) = self.readers.get_mut(index) else {
                continue;
            };
            if reader.advance()?
                && let Some(time) = reader.time()
            {
                self.waiting.push(Reverse((time, index)));
            }
        }
        self.current = self.waiting.pop().map(|Reverse((_, index))| index);
        Ok(self.current.is_some())
    }

    /// The packet that the last [`Merge::advance`] found.
    #[inline]
    pub fn record(&self) -> Option<Record<'_>> {
        self.readers.get(self.current?)?.record()
    }

    /// Which of the files the current packet is from, counted from 0.
    #[inline]
    pub fn source(&self) -> usize {
        self.current.unwrap_or(0)
    }

    /// The files.
    pub fn readers(&self) -> &[Reader] {
        &self.readers
    }

    /// Whether the next [`Merge::advance`] may have to wait for somebody to write.
    #[inline]
    pub fn may_wait(&self) -> bool {
        self.current
            .and_then(|index| self.readers.get(index))
            .is_some_and(Reader::may_wait)
    }
}
