//! How an interface counts time.

use crate::capture::file::error::Fault;
use crate::wire::Timestamp;

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

/// How an interface counts time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) units: u64,
    pub(super) offset: i64,
}

impl Clock {
    pub(super) const MICROSECONDS: Self = Self {
        units: 1_000_000,
        offset: 0,
    };

    pub(super) fn moment(self, high: u32, low: u32) -> Timestamp {
        let count = (u64::from(high) << 32) | u64::from(low);
        let (seconds, rest) = match self.units {
            // The two usual resolutions, with divisors the compiler knows.
            1_000_000 => (count / 1_000_000, count % 1_000_000 * 1000),
            NANOS => (count / NANOS, count % NANOS),
            units => {
                let rest = u128::from(count % units) * u128::from(NANOS) / u128::from(units);
                (count / units, rest as u64)
            }
        };
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Timestamp {
            seconds: seconds.saturating_add(self.offset),
            nanos: rest,
        }
    }
}

/// Units a second, of an `if_tsresol` option: a negative power of 10, or of 2 with the top bit set.
pub(super) fn units(resolution: u8) -> Result<u64, Fault> {
    let power = u32::from(resolution & 0x7f);
    let units = if resolution & 0x80 != 0 {
        1_u64.checked_shl(power)
    } else {
        10_u64.checked_pow(power)
    };
    units.filter(|&units| units > 0).ok_or_else(|| {
        let base = if resolution & 0x80 != 0 { 2 } else { 10 };
        Fault::Malformed(format!(
            "Interface Description Block if_tsresol option resolution {base}^-{power} is too high"
        ))
    })
}
