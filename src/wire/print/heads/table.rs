//! Texts found by the octets they were made from.

use crate::wire::print::text::put_front;

/// What a text is found by: the octets looked at, and how many digits each of the frames' lengths has. Texts
/// that differ in the number of digits are different ones.
pub(super) struct Key<'a, const W: usize> {
    octets: &'a [[u8; 8]; W],
    /// The bits of them that are looked at.
    mask: &'static [u64; W],
    /// Four bits for each length.
    digits: u32,
    hash: u64,
}

/// The first of three words, and of another three where there are as many, that tell packets apart most: they
/// hold IP addresses, ports and the VNI. All others count too, once a text is found.
const TELLING: usize = 3;
const TELLING_INSIDE: usize = 9;

impl<'a, const W: usize> Key<'a, W> {
    /// The octets of a packet that `mask` has, with lengths of so many `digits`.
    #[inline(always)]
    pub(super) fn new(octets: &'a [[u8; 8]; W], mask: &'static [u64; W], digits: u32) -> Self {
        let word = |n: usize| u64::from_le_bytes(octets[n]) & mask[n];
        let mut telling = [0; 3];
        for (n, told) in telling.iter_mut().enumerate() {
            *told = word(TELLING + n);
            if W >= TELLING_INSIDE + 3 {
                *told = told.rotate_left(23) ^ word(TELLING_INSIDE + n);
            }
        }
        let [a, b, c] = telling;
        let even = a ^ c.rotate_left(31) ^ u64::from(digits);
        // Digits of pi: other constants would do, as nobody gains by two texts that share a place.
        let product =
            u128::from(even ^ 0x243f_6a88_85a3_08d3) * u128::from(b ^ 0x1319_8a2e_0370_7344);
        Self {
            octets,
            mask,
            digits,
            hash: product as u64 ^ (product >> 64) as u64,
        }
    }

    #[inline(always)]
    fn words(&self) -> impl Iterator<Item = u64> {
        let pairs = self.octets.iter().zip(self.mask);
        pairs.map(|(octets, mask)| u64::from_le_bytes(*octets) & mask)
    }

    /// Tells most keys of a place apart.
    #[inline(always)]
    fn tag(&self) -> u16 {
        (self.hash >> 48) as u16
    }
}

/// How many digits a frame's length has, if it is printed; 0 if not.
#[inline(always)]
pub(super) fn digits_of(is_printed: bool, length: u32) -> u32 {
    if !is_printed {
        return 0;
    }
    1 + u32::from(length >= 10)
        + u32::from(length >= 100)
        + u32::from(length >= 1000)
        + u32::from(length >= 10_000)
}

/// One text of at most `T` octets with `L` lengths in it, and the `W` words it was made of.
#[derive(Clone)]
#[repr(align(64))]
struct Entry<const W: usize, const T: usize, const L: usize> {
    words: [u64; W],
    /// The key's digits and the table's epoch.
    digits_and_epoch: u32,
    size: u16,
    lengths: [Length; L],
    text: [u8; T],
}

/// A length that a text says, and where.
#[derive(Clone, Copy)]
struct Length {
    value: u32,
    hole: u16,
    digits: u16,
}

impl<const W: usize, const T: usize, const L: usize> Entry<W, T, L> {
    const EMPTY: Self = Self {
        words: [0; W],
        digits_and_epoch: 0,
        size: 0,
        lengths: [Length {
            value: 0,
            hole: 0,
            digits: 0,
        }; L],
        text: [0; T],
    };

    /// Whether this is what `key` stands for, without the call that comparing arrays makes.
    #[inline(always)]
    fn is(&self, key: &Key<'_, W>, epoch: u32) -> bool {
        let pairs = self.words.iter().zip(key.words());
        let differing = pairs.fold(0, |bits, (ours, theirs)| bits | (ours ^ theirs));
        differing | u64::from(self.digits_and_epoch ^ (key.digits | epoch)) == 0
    }

    /// Appends the text with other lengths in it.
    #[inline(always)]
    fn print(&self, lengths: [u32; L], out: &mut Vec<u8>) {
        let from = out.len();
        put_front(&self.text, usize::from(self.size), out);
        for (said, value) in self.lengths.iter().zip(lengths) {
            if said.value != value {
                let hole = from + usize::from(said.hole);
                let mut left = value;
                if let Some(digits) = out.get_mut(hole..hole + usize::from(said.digits)) {
                    for digit in digits.iter_mut().rev() {
                        *digit = b'0' + (left % 10) as u8;
                        left /= 10;
                    }
                }
            }
        }
    }
}

/// What is added to an epoch for the next, above all digits.
const EPOCH: u32 = 1 << 8;

/// What is known of a text.
pub(super) enum Known {
    /// Everything; it has been printed.
    Printed,
    /// It was asked for before, so it is worth remembering.
    AskedFor,
    /// Nothing.
    New,
}

/// All texts of a sort. One found at its place is the only one there.
pub(super) struct Table<const W: usize, const T: usize, const L: usize> {
    places: usize,
    /// Those of an earlier epoch are forgotten. An epoch is never 0, so nothing is found where nothing was put.
    epoch: u32,
    /// None before the first one is remembered.
    entries: Vec<Entry<W, T, L>>,
    /// The tag that was last looked for and not found at each place. A text is remembered when it is looked
    /// for again: where every packet is of another conversation, none is remembered in vain, and none that
    /// returns is driven out.
    asked_for: Box<[u16]>,
}

impl<const W: usize, const T: usize, const L: usize> Table<W, T, L> {
    /// Room for so many, which must be a power of two.
    pub(super) fn new(places: usize) -> Self {
        debug_assert!(places.is_power_of_two());
        Self {
            places,
            epoch: EPOCH,
            entries: Vec::new(),
            asked_for: vec![0; places].into_boxed_slice(),
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.epoch = self.epoch.checked_add(EPOCH).unwrap_or_else(|| {
            self.entries.clear();
            EPOCH
        });
    }

    #[inline(always)]
    fn place(&self, key: &Key<'_, W>) -> usize {
        key.hash as usize & (self.places - 1)
    }

    /// Appends the text with these lengths in it, if it is known.
    #[inline(always)]
    pub(super) fn print(
        &mut self,
        key: &Key<'_, W>,
        lengths: [u32; L],
        out: &mut Vec<u8>,
    ) -> Known {
        let place = self.place(key);
        if let Some(entry) = self.entries.get(place)
            && entry.is(key, self.epoch)
        {
            entry.print(lengths, out);
            return Known::Printed;
        }
        match self.asked_for.get_mut(place) {
            Some(tag) if *tag == key.tag() => Known::AskedFor,
            Some(tag) => {
                *tag = key.tag();
                Known::New
            }
            None => Known::New,
        }
    }

    /// Remembers `text`, with each length in it and where its digits start. A text that is too long is not
    /// remembered.
    #[cold]
    pub(super) fn remember(&mut self, key: &Key<'_, W>, lengths: [(u32, usize); L], text: &[u8]) {
        if self.entries.is_empty() {
            self.entries.resize(self.places, Entry::EMPTY);
        }
        let place = self.place(key);
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let Some(room) = entry.text.get_mut(..text.len()) else {
            return;
        };
        room.copy_from_slice(text);
        for (ours, theirs) in entry.words.iter_mut().zip(key.words()) {
            *ours = theirs;
        }
        entry.digits_and_epoch = key.digits | self.epoch;
        entry.size = text.len() as u16;
        for (n, (said, (value, hole))) in entry.lengths.iter_mut().zip(lengths).enumerate() {
            *said = Length {
                value,
                hole: hole as u16,
                digits: (key.digits >> (4 * n) & 15) as u16,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ALL_BUT_ONE: [u64; 6] = [!0, !0, !0, !0, !0, !0xff];

    fn key<'a>(octets: &'a [[u8; 8]; 6], digits: u32) -> Key<'a, 6> {
        Key::new(octets, &ALL_BUT_ONE, digits)
    }

    fn known(table: &mut Table<6, 32, 1>, key: &Key<'_, 6>, length: u32) -> Option<String> {
        let mut out = b"> ".to_vec();
        match table.print(key, [length], &mut out) {
            Known::Printed => Some(String::from_utf8(out).unwrap()),
            Known::AskedFor | Known::New => {
                assert_eq!(out, b"> ", "nothing is printed of what is not known");
                None
            }
        }
    }

    #[test]
    fn a_text_is_found_by_what_is_looked_at_and_says_the_length_it_is_asked_with() {
        let mut table = Table::<6, 32, 1>::new(4);
        let mut octets = [[7; 8]; 6];
        assert_eq!(
            known(&mut table, &key(&[[0; 8]; 6], 0), 0),
            None,
            "nothing was put"
        );
        let asked = key(&octets, 3);
        let mut out = Vec::new();
        assert!(matches!(table.print(&asked, [123], &mut out), Known::New));
        assert!(matches!(
            table.print(&asked, [123], &mut out),
            Known::AskedFor
        ));
        table.remember(&asked, [(123, 4)], b"of, 123: ");
        assert_eq!(
            known(&mut table, &asked, 123).as_deref(),
            Some("> of, 123: ")
        );
        assert_eq!(
            known(&mut table, &asked, 907).as_deref(),
            Some("> of, 907: ")
        );
        assert_eq!(
            known(&mut table, &key(&octets, 2), 99),
            None,
            "another number of digits"
        );
        octets[5][0] = 1;
        assert!(
            known(&mut table, &key(&octets, 3), 123).is_some(),
            "not looked at"
        );
        for word in 0..6 {
            let mut other = octets;
            other[word][3] ^= 1;
            assert_eq!(known(&mut table, &key(&other, 3), 123), None, "word {word}");
        }
        table.clear();
        assert_eq!(known(&mut table, &key(&octets, 3), 123), None, "forgotten");
    }

    #[test]
    fn a_text_that_is_too_long_is_not_remembered() {
        let mut table = Table::<6, 32, 1>::new(4);
        let octets = [[7; 8]; 6];
        table.remember(&key(&octets, 0), [(0, 0)], &[b'x'; 33]);
        assert_eq!(known(&mut table, &key(&octets, 0), 0), None);
    }
}
