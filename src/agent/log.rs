//! Short lines on standard error: the time of day in UTC and what happened.

use std::io::{self, Write};
use std::time::SystemTime;

use crate::render::escape;

/// Writes one line. Names in it come from files that others write, so it is escaped.
pub(super) fn line(text: impl AsRef<str>) {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let of_day = since.as_secs() % 86_400;
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let millis = since.subsec_millis();
    let text = escape::escape(text.as_ref());
    // Without standard error there is nobody to tell.
    let _ = writeln!(
        io::stderr(),
        "{hours:02}:{minutes:02}:{seconds:02}.{millis:03} {text}"
    );
}
