//! Redis' protocol, RESP 2 (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::Read;

/// One value of a message.
struct Value {
    /// Where the next one begins.
    next: usize,
    /// How many of the following are this one's elements.
    elements: u32,
}

/// What stands for the length of a string or an array.
enum Length {
    Of(u32),
    Null,
    TooLarge,
    Negative,
    Invalid,
}

impl Dissector<'_> {
    /// All values of `length` octets, however deep arrays lie inside each other.
    pub(super) fn resp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "resp";
        put!(self, ": RESP");
        let end = at + length as usize;
        let mut place = at;
        // Elements still to come of each array that has begun.
        let mut open: Vec<u32> = Vec::new();
        while place < end || !open.is_empty() {
            let Some(value) = self.resp_value(place, end)? else {
                self.truncated();
                return Ok(());
            };
            place = value.next;
            if value.elements > 0 {
                open.push(value.elements);
                continue;
            }
            while let Some(left) = open.last_mut() {
                *left -= 1;
                if *left > 0 {
                    break;
                }
                open.pop();
            }
        }
        Ok(())
    }

    /// One value; none if it is not whole before `end`.
    fn resp_value(&mut self, at: usize, end: usize) -> Read<Option<Value>> {
        if at >= end {
            return Ok(None);
        }
        let next = match self.u8(at)? {
            b'+' | b'-' | b':' => {
                let Some(line_end) = self.resp_line_end(at + 1, end) else {
                    return Ok(None);
                };
                self.resp_segment(at + 1, line_end);
                line_end + 2
            }
            b'$' => {
                let Some((length, place)) = self.resp_length(at + 1, end)? else {
                    return Ok(None);
                };
                let Length::Of(length) = length else {
                    self.resp_odd_length(&length);
                    return Ok(Some(Value {
                        next: place,
                        elements: 0,
                    }));
                };
                let string_end = place + length as usize;
                if length == 0 {
                    put!(self, " empty");
                } else if string_end > end || !self.has(place, length as usize) {
                    return Ok(None);
                } else {
                    self.resp_segment(place, string_end);
                }
                let Some(line_end) = self.resp_line_end(string_end, end) else {
                    return Ok(None);
                };
                line_end + 2
            }
            b'*' => {
                let Some((length, next)) = self.resp_length(at + 1, end)? else {
                    return Ok(None);
                };
                let elements = match length {
                    Length::Of(elements) if elements > 0 => elements,
                    _ => {
                        self.resp_odd_length(&length);
                        0
                    }
                };
                return Ok(Some(Value { next, elements }));
            }
            _ => {
                let Some(next) = self.resp_inline(at, end)? else {
                    return Ok(None);
                };
                next
            }
        };
        Ok(Some(Value { next, elements: 0 }))
    }

    /// A command as it is typed: a line that may end in any of `\r`, `\n`, or several of them.
    fn resp_inline(&mut self, at: usize, end: usize) -> Read<Option<usize>> {
        let is_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
        let rest = self.bytes.rest(at, end - at);
        let blank = rest.iter().take_while(|octet| is_end(octet)).count();
        let start = at + blank;
        let text = self.bytes.rest(start, end - start);
        let Some(length) = text.iter().position(is_end) else {
            if start + text.len() < end {
                // Cut before the line's end; a read there says so.
                self.u8(start + text.len())?;
            }
            return Ok(None);
        };
        self.resp_segment(start, start + length);
        let behind = text.get(length..).unwrap_or_default();
        let ends = behind.iter().take_while(|octet| is_end(octet)).count();
        Ok(Some(start + length + ends))
    }

    /// Where the `\r\n` from `at` on is, if it is there before `end`.
    fn resp_line_end(&self, at: usize, end: usize) -> Option<usize> {
        let rest = self.bytes.rest(at, end.checked_sub(at)?);
        let length = rest.windows(2).position(|pair| pair == b"\r\n")?;
        Some(at + length)
    }

    fn resp_segment(&mut self, start: usize, end: usize) {
        let text = self.bytes.rest(start, end - start);
        put!(self, " \"");
        self.escaped(text);
        put!(self, "\"");
    }

    fn resp_odd_length(&mut self, length: &Length) {
        put!(
            self,
            match length {
                Length::Of(_) => " empty",
                Length::Null => " null",
                Length::TooLarge => " length too large",
                Length::Negative => " length negative and not -1",
                Length::Invalid => " invalid",
            }
        );
    }

    /// A length and where what it is of begins; none if it is not whole before `end`.
    fn resp_length(&self, at: usize, end: usize) -> Read<Option<(Length, usize)>> {
        let mut place = at;
        if place >= end {
            return Ok(None);
        }
        let negative = self.u8(place)? == b'-';
        if negative {
            place += 1;
        }
        let digits = place;
        // More than 31 bits are too large, with however many digits they are written.
        let mut value = Some(0i32);
        loop {
            if place >= end {
                return Ok(None);
            }
            let octet = self.u8(place)?;
            if !octet.is_ascii_digit() {
                break;
            }
            let digit = i32::from(octet - b'0');
            value = value
                .and_then(|value| value.checked_mul(10))
                .and_then(|value| value.checked_add(digit));
            place += 1;
        }
        if place == digits || self.u8(place)? != b'\r' {
            return Ok(Some((Length::Invalid, place + 1)));
        }
        place += 1;
        if place >= end {
            return Ok(None);
        }
        if self.u8(place)? != b'\n' {
            return Ok(Some((Length::Invalid, place + 1)));
        }
        let length = match value {
            Some(1) if negative => Length::Null,
            _ if negative => Length::Negative,
            Some(value) => Length::Of(value as u32),
            None => Length::TooLarge,
        };
        Ok(Some((length, place + 1)))
    }
}
