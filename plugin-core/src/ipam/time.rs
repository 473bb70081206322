//! Time as a parameter: only the outermost callers read a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Seconds since 1970. A wall clock, because records outlive the boot that wrote them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seconds(pub u64);

impl Seconds {
    /// The present.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since.map_or(0, |since| since.as_secs()))
    }

    /// True if at least `duration` lies between `self` and the later `now`. When the clock was set
    /// back, so that `self` lies in the future, it has not passed.
    pub(super) fn passed(self, duration: Duration, now: Self) -> bool {
        now.0
            .checked_sub(self.0)
            .is_some_and(|elapsed| elapsed >= duration.as_secs())
    }
}
