//! Time stamps, in the styles of `-t`, `-tt`, `-ttt`, `-tttt` and `-ttttt`.

use std::mem::MaybeUninit;

use super::text::{Put, Zeros, append, six_digits};
use crate::wire::frame::Timestamp;

/// How the time of a packet is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeStyle {
    /// Time of day in the local zone.
    #[default]
    TimeOfDay,
    /// Not at all (`-t`).
    Hidden,
    /// Seconds since 1970 (`-tt`).
    Unix,
    /// Since the packet before (`-ttt`).
    SincePrevious,
    /// Date and time of day in the local zone (`-tttt`).
    DateAndTime,
    /// Since the first packet (`-ttttt`).
    SinceFirst,
}

impl TimeStyle {
    /// The style that `-t` given this many times means; none for more than five.
    pub fn from_count(count: u8) -> Option<Self> {
        Some(match count {
            0 => Self::TimeOfDay,
            1 => Self::Hidden,
            2 => Self::Unix,
            3 => Self::SincePrevious,
            4 => Self::DateAndTime,
            5 => Self::SinceFirst,
            _ => return None,
        })
    }
}

/// The time of day as tcpdump prints it: `22:13:20.307949`, in the local zone or in UTC.
pub fn clock_text(time: Timestamp, utc: bool) -> String {
    let mut text = Vec::new();
    Clock::new(TimeStyle::TimeOfDay, false, utc).print(time, &mut text);
    String::from_utf8_lossy(text.trim_ascii_end()).into_owned()
}

/// Prints time stamps, and remembers what relative ones relate to.
#[derive(Debug)]
pub(super) struct Clock {
    style: TimeStyle,
    nano: bool,
    utc: bool,
    reference: Option<(i64, u64)>,
    /// The second last printed as date or time of day, and its text.
    second: Option<i64>,
    text: Vec<u8>,
    /// The second last printed as a time of day with microseconds, and all of that text.
    shown: Option<(i64, [u8; 16])>,
}

/// The text for seconds that have no date: those past 2038-01-19, as tcpdump sees them.
const NO_DATE: &str = "[Error converting time]";

impl Clock {
    pub(super) fn new(style: TimeStyle, nano: bool, utc: bool) -> Self {
        Self {
            style,
            nano,
            utc,
            reference: None,
            second: None,
            text: Vec::new(),
            shown: None,
        }
    }

    #[inline(always)]
    pub(super) fn print(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        // Most packets are of the second of the one before.
        if let Some((second, text)) = &self.shown
            && *second == time.seconds
            && let Some(digits) = six_digits(time.nanos / 1000)
        {
            append(text, out);
            if let Some([places @ .., _blank]) = out.last_chunk_mut::<7>() {
                *places = digits;
            }
        } else {
            self.print_anew(time, out);
        }
    }

    #[inline(never)]
    fn print_anew(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        let fraction = if self.nano {
            time.nanos
        } else {
            time.nanos / 1000
        };
        match self.style {
            TimeStyle::Hidden => {}
            TimeStyle::TimeOfDay | TimeStyle::DateAndTime => {
                let start = out.len();
                self.date(time.seconds, out);
                if has_date(time.seconds) {
                    self.fraction(fraction, out);
                }
                out.push(b' ');
                let text = out.get(start..).unwrap_or_default();
                self.shown = <[u8; 16]>::try_from(text)
                    .ok()
                    .filter(|_| !self.nano && has_date(time.seconds))
                    .map(|text| (time.seconds, text));
            }
            TimeStyle::Unix => {
                if has_date(time.seconds) {
                    (time.seconds as u32).put(out);
                    self.fraction(fraction, out);
                } else {
                    NO_DATE.put(out);
                }
                out.push(b' ');
            }
            TimeStyle::SincePrevious | TimeStyle::SinceFirst => {
                self.relative(time.seconds, fraction, out);
            }
        }
    }

    fn relative(&mut self, seconds: i64, fraction: u64, out: &mut Vec<u8>) {
        let now = (seconds, fraction);
        // A reference at the epoch counts as not set, as `timerisset` has it.
        let reference = *match &mut self.reference {
            Some(reference) if *reference != (0, 0) => reference,
            unset => unset.insert(now),
        };
        let (sign, later, earlier) = if now < reference {
            (b'-', reference, now)
        } else {
            (b' ', now, reference)
        };
        let mut difference = later.0.wrapping_sub(earlier.0);
        let mut part = later.1.wrapping_sub(earlier.1) as i64;
        if part < 0 {
            difference -= 1;
            part += if self.nano { 1_000_000_000 } else { 1_000_000 };
        }
        out.push(sign);
        if has_date(difference) {
            let day = difference as u32 % 86_400;
            time_of_day(day, out);
            self.fraction(part as u64, out);
        } else {
            NO_DATE.put(out);
        }
        out.push(b' ');
        if self.style == TimeStyle::SincePrevious {
            self.reference = Some(now);
        }
    }

    fn date(&mut self, seconds: i64, out: &mut Vec<u8>) {
        if self.second != Some(seconds) {
            self.second = Some(seconds);
            self.text.clear();
            let broken_down = has_date(seconds)
                .then(|| break_down(seconds, self.utc))
                .flatten();
            match broken_down {
                None => NO_DATE.put(&mut self.text),
                Some(date) => {
                    if self.style == TimeStyle::DateAndTime {
                        (
                            date.year,
                            "-",
                            Zeros::<2>(date.month),
                            "-",
                            Zeros::<2>(date.day),
                            " ",
                        )
                            .put(&mut self.text);
                    }
                    time_of_day(date.second_of_day, &mut self.text);
                }
            }
        }
        out.extend_from_slice(&self.text);
    }

    fn fraction(&self, fraction: u64, out: &mut Vec<u8>) {
        out.push(b'.');
        if self.nano {
            Zeros::<9>(fraction as u32).put(out);
        } else {
            Zeros::<6>(fraction as u32).put(out);
        }
    }
}

/// tcpdump prints no time for seconds that do not fit 31 bits.
fn has_date(seconds: i64) -> bool {
    seconds as u32 & 0x8000_0000 == 0
}

fn time_of_day(second: u32, out: &mut Vec<u8>) {
    (
        Zeros::<2>(second / 3600),
        ":",
        Zeros::<2>(second / 60 % 60),
        ":",
        Zeros::<2>(second % 60),
    )
        .put(out);
}

struct Date {
    year: u32,
    month: u32,
    day: u32,
    second_of_day: u32,
}

/// A moment, in seconds since 1970, as RFC 3339 writes it in UTC.
pub(super) struct Utc(pub(super) i64);

impl Put for Utc {
    fn put(self, out: &mut Vec<u8>) {
        let Some(date) = break_down(self.0, true) else {
            "unrepresentable".put(out);
            return;
        };
        let (month, day) = (Zeros::<2>(date.month), Zeros::<2>(date.day));
        (date.year, "-", month, "-", day, "T").put(out);
        time_of_day(date.second_of_day, out);
        out.push(b'Z');
    }
}

/// The date in the zone of `TZ`, or in UTC.
fn break_down(seconds: i64, utc: bool) -> Option<Date> {
    let mut broken_down = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both functions read the time they are given and fill the `tm` they are given, unless they
    // return null.
    let result = unsafe {
        if utc {
            libc::gmtime_r(&seconds, broken_down.as_mut_ptr())
        } else {
            libc::localtime_r(&seconds, broken_down.as_mut_ptr())
        }
    };
    if result.is_null() {
        return None;
    }
    // SAFETY: filled, since the result is not null.
    let tm = unsafe { broken_down.assume_init() };
    Some(Date {
        year: u32::try_from(i64::from(tm.tm_year) + 1900).ok()?,
        month: u32::try_from(tm.tm_mon).ok()? + 1,
        day: u32::try_from(tm.tm_mday).ok()?,
        second_of_day: u32::try_from(tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(clock: &mut Clock, seconds: i64, micros: u64) -> String {
        let mut out = Vec::new();
        clock.print(Timestamp::from_micros(seconds, micros), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn styles() {
        let mut day = Clock::new(TimeStyle::TimeOfDay, false, true);
        assert_eq!(print(&mut day, 1_700_000_000, 307_949), "22:13:20.307949 ");
        assert_eq!(
            print(&mut day, 1_700_000_000, 1_000_000),
            "22:13:20.1000000 "
        );
        assert_eq!(print(&mut day, 0x8000_0000, 0), "[Error converting time] ");
        let mut date = Clock::new(TimeStyle::DateAndTime, true, true);
        assert_eq!(
            print(&mut date, 1_700_000_000, 1),
            "2023-11-14 22:13:20.000001000 "
        );
        let mut unix = Clock::new(TimeStyle::Unix, false, true);
        assert_eq!(print(&mut unix, 1_700_000_000, 1), "1700000000.000001 ");
    }

    #[test]
    fn relative_times_may_be_negative() {
        let mut since = Clock::new(TimeStyle::SincePrevious, false, true);
        assert_eq!(print(&mut since, 100, 5), " 00:00:00.000000 ");
        assert_eq!(print(&mut since, 100, 29), " 00:00:00.000024 ");
        assert_eq!(print(&mut since, 99, 999_999), "-00:00:00.000030 ");
        let mut first = Clock::new(TimeStyle::SinceFirst, false, true);
        print(&mut first, 100, 0);
        print(&mut first, 101, 0);
        assert_eq!(print(&mut first, 102, 1), " 00:00:02.000001 ");
    }
}
