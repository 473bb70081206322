//! Options of IPv6, each hop's and the destination's (RFC 8200 section 4.2, RFC 2675, RFC 6275).

use super::Next;
use crate::wire::bytes::{Cut, Read};
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{HexZeros, put};

impl Dissector<'_> {
    pub(super) fn ipv6_options_header(
        &mut self,
        protocol: &'static str,
        at: usize,
        jumbo: &mut bool,
        payload_length: &mut u32,
    ) -> Read<Next> {
        self.protocol = protocol;
        let length = (usize::from(self.u8(at + 1)?) + 1) * 8;
        if !self.has(at, length) {
            self.truncated();
            return Ok(Next::Stop);
        }
        put!(self, "HBH ");
        if self
            .ipv6_options(at + 2, length - 2, Some((jumbo, payload_length)))?
            .is_err()
        {
            self.truncated();
            return Ok(Next::Stop);
        }
        Ok(Next::After(length))
    }

    pub(super) fn ipv6_destination_options(&mut self, at: usize) -> Read<Next> {
        self.protocol = "dstopt";
        let length = (usize::from(self.u8(at + 1)?) + 1) * 8;
        if !self.has(at, length) {
            self.truncated();
            return Ok(Next::Stop);
        }
        put!(self, "DSTOPT ");
        if self.verbose() && self.ipv6_options(at + 2, length - 2, None)?.is_err() {
            self.truncated();
            return Ok(Next::Stop);
        }
        Ok(Next::After(length))
    }

    /// Prints options; a jumbo one counts only where `hop_by_hop` is given.
    fn ipv6_options(
        &mut self,
        at: usize,
        length: usize,
        mut hop_by_hop: Option<(&mut bool, &mut u32)>,
    ) -> Read<Read<()>> {
        let verbose = self.verbose();
        let mut seen_jumbo = false;
        let mut place = 0;
        while place < length {
            let option = at + place;
            let kind = self.u8(option)?;
            let option_length = if kind == 0 {
                1
            } else if place + 1 < length {
                usize::from(self.u8(option + 1)?) + 2
            } else {
                return Ok(Err(Cut));
            };
            if place + option_length > length {
                return Ok(Err(Cut));
            }
            let left = length - place;
            match kind {
                0 if verbose => put!(self, "(pad1)"),
                1 if verbose => put!(self, "(padn)"),
                0 | 1 => {}
                // Router alert, RFC 2711.
                5 => {
                    if left < 4 {
                        put!(self, "(rtalert: trunc)");
                        return Ok(Err(Cut));
                    }
                    if option_length != 4 {
                        put!(self, "(rtalert: invalid len ", option_length - 2, ")");
                        return Ok(Err(Cut));
                    }
                    if verbose {
                        let value = HexZeros::<4>(u32::from(self.u16(option + 2)?));
                        put!(self, "(rtalert: 0x", value, ") ");
                    }
                }
                // Jumbo payload, RFC 2675.
                0xc2 => {
                    if left < 6 {
                        put!(self, "(jumbo: trunc)");
                        return Ok(Err(Cut));
                    }
                    if option_length != 6 {
                        put!(self, "(jumbo: invalid len ", option_length - 2, ")");
                        return Ok(Err(Cut));
                    }
                    let size = self.u32(option + 2)?;
                    let remark = if seen_jumbo {
                        " - already seen"
                    } else {
                        seen_jumbo = true;
                        match &mut hop_by_hop {
                            None => " - not a hop-by-hop option",
                            Some((_, payload_length)) if **payload_length != 0 => {
                                " - payload len != 0"
                            }
                            Some(_) if size < 65536 => " - < 65536",
                            Some((found, payload_length)) => {
                                **found = true;
                                **payload_length = size;
                                ""
                            }
                        }
                    };
                    if verbose {
                        put!(self, "(jumbo: ", size, remark, ") ");
                    }
                }
                // Home address, RFC 6275 section 6.3.
                0xc9 => {
                    if left < 18 {
                        put!(self, "(homeaddr: trunc)");
                        return Ok(Err(Cut));
                    }
                    if option_length < 18 {
                        put!(self, "(homeaddr: invalid len ", option_length - 2, ")");
                        return Ok(Err(Cut));
                    }
                    if verbose {
                        put!(self, "(homeaddr: ", self.v6(option + 2)?);
                        if self
                            .ipv6_sub_options(option + 18, option_length - 18)?
                            .is_err()
                        {
                            return Ok(Err(Cut));
                        }
                        put!(self, ")");
                    }
                }
                _ if verbose => put!(
                    self,
                    "(opt_type 0x",
                    HexZeros::<2>(u32::from(kind)),
                    ": len=",
                    option_length - 2,
                    ")"
                ),
                _ => {}
            }
            place += option_length;
        }
        if verbose {
            put!(self, " ");
        }
        Ok(Ok(()))
    }

    fn ipv6_sub_options(&mut self, at: usize, length: usize) -> Read<Read<()>> {
        let mut place = 0;
        while place < length {
            let kind = self.u8(at + place)?;
            let option_length = if kind == 0 {
                1
            } else if place + 1 < length {
                usize::from(self.u8(at + place + 1)?) + 2
            } else {
                return Ok(Err(Cut));
            };
            if place + option_length > length {
                return Ok(Err(Cut));
            }
            match kind {
                0 => put!(self, ", pad1"),
                1 => put!(self, ", padn"),
                _ => put!(
                    self,
                    ", sopt_type 0x",
                    HexZeros::<2>(u32::from(kind)),
                    ": len=",
                    option_length - 2
                ),
            }
            place += option_length;
        }
        Ok(Ok(()))
    }
}
