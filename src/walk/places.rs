//! Rows found by a hash of their key.
//!
//! Most of what a walk takes is waiting for memory, as the tables of a network of many nodes are larger than any
//! cache. A map has its own copy of each key, and looks at two places before it looks at the row; here only the row's
//! number is kept, and nearly always one place is looked at.

use std::net::IpAddr;

/// The numbers of rows, each at the place that the hash of its key says or at the next one free.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Counted from 1; 0 is a free place. A power of two, or none.
    numbers: Box<[u32]>,
}

impl Places {
    /// Room for so many rows.
    pub(super) fn new(rows: usize) -> Self {
        // One place in four is taken at most, so that what is not there is told by the first look.
        let places = match rows {
            0 => 0,
            _ => (rows * 4).next_power_of_two(),
        };
        Self {
            numbers: vec![0; places].into_boxed_slice(),
        }
    }

    /// The number of the row whose key has this hash, and of which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        for place in self.places(hash) {
            match self.numbers.get(place) {
                None | Some(0) => return None,
                Some(number) => {
                    let row = *number as usize - 1;
                    if is_it(row) {
                        return Some(row);
                    }
                }
            }
        }
        None
    }

    /// Enters a row. Of two rows with one key the first is found.
    pub(super) fn insert(&mut self, hash: u64, row: usize) {
        let free = self
            .places(hash)
            .find(|place| self.numbers.get(*place) == Some(&0));
        if let Ok(number) = u32::try_from(row + 1)
            && let Some(place) = free.and_then(|place| self.numbers.get_mut(place))
        {
            *place = number;
        }
    }

    fn places(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let places = self.numbers.len();
        let first = hash as usize;
        (0..places).map(move |next| first.wrapping_add(next) & (places - 1))
    }
}

/// The hash of an address together with a small number: a prefix length, a device.
#[inline]
pub(super) fn hash(address: IpAddr, with: u32) -> u64 {
    let bits = match address {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            (bits >> 64) as u64 ^ (bits as u64).rotate_left(29)
        }
    };
    hash_of(bits ^ u64::from(with).rotate_left(40))
}

/// The hash of a number.
#[inline]
pub(super) fn hash_of(number: u64) -> u64 {
    // The product of 64 by 64 bits (the golden ratio's digits), both halves: every bit of the number moves the
    // lower bits, which choose the place. Nobody gains by rows that share one.
    let product = u128::from(number) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_found_and_no_other() {
        let address = |n: u32| IpAddr::from((0x0a00_0000 + n * 64).to_be_bytes());
        let keys: Vec<_> = (0..1000).map(|n| (address(n / 2), n % 2)).collect();
        let mut places = Places::new(keys.len());
        for (row, (address, with)) in keys.iter().enumerate() {
            places.insert(hash(*address, *with), row);
        }
        let find =
            |address, with| places.find(hash(address, with), |row| keys[row] == (address, with));
        for (row, (address, with)) in keys.iter().enumerate() {
            assert_eq!(find(*address, *with), Some(row));
        }
        assert_eq!(find(address(3), 2), None);
        assert_eq!(find("::1".parse().unwrap(), 0), None);
        assert_eq!(Places::default().find(7, |_| true), None);
    }

    #[test]
    fn of_two_with_one_key_the_first_is_found() {
        let mut places = Places::new(2);
        places.insert(hash_of(7), 0);
        places.insert(hash_of(7), 1);
        assert_eq!(places.find(hash_of(7), |_| true), Some(0));
        assert_eq!(places.find(hash_of(7), |row| row == 1), Some(1));
    }
}
