//! When a packet was seen.

use std::cmp::Ordering;
use std::time::Duration;

/// Nanoseconds in a second.
pub const NANOS: u64 = 1_000_000_000;

/// A moment as a capture file holds it: Unix seconds and the part below.
///
/// The fraction is what the file says, scaled to nanoseconds: a broken file may say a million microseconds
/// or more, and such a fraction is kept (tcpdump prints it), never carried into the seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Timestamp {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub seconds: i64,
    /// Nanoseconds; below 1,000,000,000 unless the file is broken.
    pub nanos: u64,
}

impl Timestamp {
    /// A moment from seconds and nanoseconds.
    pub fn new(seconds: i64, nanos: u64) -> Self {
        Self { seconds, nanos }
    }

    /// The same moment as one count of nanoseconds since 1970, saturating (years 1677 to 2262).
    pub fn as_nanos(self) -> i64 {
        self.seconds
            .saturating_mul(NANOS as i64)
            .saturating_add(i64::try_from(self.nanos).unwrap_or(i64::MAX))
    }

    /// Nanoseconds from `earlier` to `self`; negative when `self` is the earlier one.
    pub fn nanos_since(self, earlier: Self) -> i64 {
        self.as_nanos().saturating_sub(earlier.as_nanos())
    }

    /// The moment `duration` after 1970.
    pub fn from_unix(duration: Duration) -> Self {
        Self {
            seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            nanos: u64::from(duration.subsec_nanos()),
        }
    }
}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    /// By the moment meant; a broken fraction counts for what it says.
    fn cmp(&self, other: &Self) -> Ordering {
        let nanos = |t: &Self| i128::from(t.seconds) * i128::from(NANOS) + i128::from(t.nanos);
        nanos(self)
            .cmp(&nanos(other))
            .then(self.seconds.cmp(&other.seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_fraction_orders_by_what_it_says() {
        let broken = Timestamp::new(10, 1_000_000_000);
        assert!(broken > Timestamp::new(10, 999_999_999));
        assert!(broken < Timestamp::new(11, 1));
        assert_eq!(broken.nanos_since(Timestamp::new(10, 0)), 1_000_000_000);
    }

    #[test]
    fn differences_have_a_sign_and_saturate() {
        let a = Timestamp::new(1, 5);
        let b = Timestamp::new(1, 9);
        assert_eq!(a.nanos_since(b), -4);
        assert_eq!(Timestamp::new(i64::MAX, 0).as_nanos(), i64::MAX);
    }
}
