//! TCP options (RFC 9293 section 3.1, RFC 7323, RFC 2018, RFC 5925, RFC 7413, RFC 8684).

use crate::wire::bytes::{Cut, Read};
use crate::wire::print::dissector::Dissector;
use crate::wire::print::sequence::Start;
use crate::wire::print::text::{Hex, HexString, HexZeros, put};
use crate::wire::tcp::HEADER_LENGTH;

/// Why options end early.
pub(super) enum OptionError {
    /// Not captured; the whole packet ends.
    Packet,
    /// Not captured; the options end.
    Cut,
    /// Its length is impossible.
    Bad,
}

impl From<Cut> for OptionError {
    fn from(_: Cut) -> Self {
        Self::Packet
    }
}

/// What selective acknowledgements are printed relative to.
#[derive(Clone, Copy, Default)]
pub(super) struct Relative {
    pub(super) reverse: bool,
    pub(super) start: Start,
}
impl Dissector<'_> {
    /// `begun` becomes true with the second option, from where on a broken list is closed.
    pub(super) fn tcp_options(
        &mut self,
        segment: usize,
        end: usize,
        data: u32,
        flags: u8,
        relative: Relative,
        begun: &mut bool,
    ) -> Result<(), OptionError> {
        let mut at = segment + HEADER_LENGTH;
        while at < end {
            if *begun {
                put!(self, ",");
            }
            let code = self.u8(at)?;
            let (length, value) = if code <= 1 {
                (1, at + 1)
            } else {
                let length = usize::from(self.u8(at + 1)?);
                if length < 2 || length > end - at {
                    return Err(OptionError::Bad);
                }
                (length, at + 2)
            };
            let left = end - value;
            // How many octets of the value this option was read to have.
            let check = |dissector: &Self, octets: usize| {
                if octets > left {
                    Err(OptionError::Bad)
                } else if !dissector.has(value, octets) {
                    Err(OptionError::Cut)
                } else {
                    Ok(octets)
                }
            };
            match option_name(code) {
                Some(name) => put!(self, name),
                None => put!(self, "unknown-", code),
            }
            let read = match code {
                0 | 1 | 4 => 0,
                2 => {
                    let read = check(self, 2)?;
                    put!(self, " ", self.u16(value)?);
                    read
                }
                3 => {
                    let read = check(self, 1)?;
                    put!(self, " ", self.u8(value)?);
                    read
                }
                5 => {
                    let read = length - 2;
                    self.tcp_sack(value, read, relative, check)?;
                    read
                }
                6 | 7 | 11..=13 => {
                    let read = check(self, 4)?;
                    put!(self, " ", self.u32(value)?);
                    read
                }
                8 => {
                    let read = check(self, 8)?;
                    put!(
                        self,
                        " val ",
                        self.u32(value)?,
                        " ecr ",
                        self.u32(value + 4)?
                    );
                    read
                }
                19 => {
                    let read = check(self, 16)?;
                    let whole = if self.has(end, data as usize) {
                        "shared secret not supplied with -M, "
                    } else {
                        "snaplen too short, "
                    };
                    let digest = HexString(self.bytes.slice(value, 16)?);
                    put!(self, " ", whole, "can't check - ", digest);
                    read
                }
                20 => {
                    let read = check(self, 2)?;
                    let capabilities = HexZeros::<2>(u32::from(self.u8(value)?));
                    put!(self, " cap ", capabilities, " id ", self.u8(value + 1)?);
                    read
                }
                28 => {
                    let read = check(self, 2)?;
                    let timeout = u32::from(self.u16(value)?);
                    let seconds = if timeout & 1 != 0 {
                        (timeout >> 1) * 60
                    } else {
                        timeout >> 1
                    };
                    put!(self, " 0x", Hex(timeout), " ", seconds);
                    read
                }
                29 => {
                    let read = length - 2;
                    self.tcp_authentication(value, read, check)?;
                    read
                }
                30 => {
                    let read = check(self, length - 2)?;
                    if !self.mptcp(at, length, flags)? {
                        return Err(OptionError::Bad);
                    }
                    read
                }
                34 => {
                    let read = check(self, length - 2)?;
                    put!(self, " ");
                    self.tcp_fast_open(value, read)?;
                    read
                }
                254 => {
                    let read = check(self, length - 2)?;
                    if read < 2 {
                        return Err(OptionError::Bad);
                    }
                    let magic = self.u16(value)?;
                    put!(self, "-");
                    if magic == 0xf989 {
                        put!(self, "tfo");
                        self.tcp_fast_open(value + 2, read - 2)?;
                    } else {
                        put!(self, HexZeros::<4>(u32::from(magic)));
                    }
                    read
                }
                _ => {
                    let read = length.saturating_sub(2);
                    if read > 0 {
                        put!(self, " 0x");
                    }
                    for octet in 0..read {
                        check(self, octet + 1)?;
                        put!(self, HexZeros::<2>(u32::from(self.u8(value + octet)?)));
                    }
                    read
                }
            };
            let taken = value - at + read;
            if taken != length {
                put!(self, "[len ", length, "]");
            }
            *begun = true;
            if code == 0 {
                break;
            }
            at = value + read;
        }
        Ok(())
    }

    fn tcp_sack(
        &mut self,
        at: usize,
        length: usize,
        relative: Relative,
        check: impl Fn(&Self, usize) -> Result<usize, OptionError>,
    ) -> Result<(), OptionError> {
        if !length.is_multiple_of(8) {
            put!(self, " invalid sack");
            return Ok(());
        }
        put!(self, " ", length / 8, " ");
        let start = if relative.reverse {
            relative.start.sequence
        } else {
            relative.start.acknowledgement
        };
        for block in (0..length).step_by(8) {
            check(self, block + 8)?;
            let from = self.u32(at + block)?.wrapping_sub(start);
            let to = self.u32(at + block + 4)?.wrapping_sub(start);
            put!(self, "{", from, ":", to, "}");
        }
        Ok(())
    }

    /// RFC 5925 section 2.2.
    fn tcp_authentication(
        &mut self,
        at: usize,
        length: usize,
        check: impl Fn(&Self, usize) -> Result<usize, OptionError>,
    ) -> Result<(), OptionError> {
        if length < 2 {
            self.invalid();
            return Ok(());
        }
        check(self, 1)?;
        put!(self, " keyid ", self.u8(at)?);
        check(self, 2)?;
        put!(self, " rnextkeyid ", self.u8(at + 1)?);
        if length > 2 {
            put!(self, " mac 0x");
            for octet in 2..length {
                check(self, octet + 1)?;
                put!(self, HexZeros::<2>(u32::from(self.u8(at + octet)?)));
            }
        }
        Ok(())
    }

    /// RFC 7413 section 4.1.1.
    fn tcp_fast_open(&mut self, at: usize, length: usize) -> Read<()> {
        if length == 0 {
            put!(self, " cookiereq");
        } else if !length.is_multiple_of(2) || !(4..=16).contains(&length) {
            self.invalid();
        } else {
            put!(self, " cookie ", HexString(self.bytes.slice(at, length)?));
        }
        Ok(())
    }
}

fn option_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "eol",
        1 => "nop",
        2 => "mss",
        3 => "wscale",
        4 => "sackOK",
        5 => "sack",
        6 => "echo",
        7 => "echoreply",
        8 => "TS",
        11 => "cc",
        12 => "ccnew",
        13 => "",
        19 => "md5",
        20 => "scps",
        28 => "uto",
        29 => "tcp-ao",
        30 => "mptcp",
        34 => "tfo",
        254 => "exp",
        _ => return None,
    })
}
