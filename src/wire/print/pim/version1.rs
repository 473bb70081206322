//! PIM version 1 (draft-ietf-idmr-pim-spec-02), which travels in IGMP.

use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::put;

/// Seconds after which a join or a prune is forgotten unless it says otherwise.
const HOLD_TIME: u16 = 180;

impl Dissector<'_> {
    pub(in crate::wire::print) fn pim_v1(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "pimv1";
        let kind = self.u8(at + 1)?;
        match type_name(kind) {
            Some(name) => put!(self, " ", name),
            None => put!(self, " [type ", kind, "]"),
        }
        match kind {
            0 => self.pim_v1_query(at)?,
            1 => {
                if !self.has(at + 8, 20) {
                    self.truncated();
                    return Ok(());
                }
                self.pim_v1_for(at + 20, at + 24)?;
            }
            2 => self.pim_v1_for(at + 8, at + 12)?,
            4 if self.verbose() => {
                put!(self, " group ", self.v4(at + 8)?);
                self.pim_v1_mask(at + 12)?;
                put!(self, " RP ", self.v4(at + 16)?, " hold ");
                let seconds = u32::from(self.u16(at + 22)?);
                self.duration(seconds);
            }
            5 => {
                self.pim_v1_for(at + 16, at + 8)?;
                self.pim_v1_mask(at + 12)?;
                let preference = self.u32(at + 20)?;
                put!(
                    self,
                    if preference >> 31 != 0 {
                        " RP-tree"
                    } else {
                        " SPT"
                    },
                    " pref ",
                    preference & 0x7fff_ffff,
                    " metric ",
                    self.u32(at + 24)?
                );
            }
            3 | 6 | 7 if self.verbose() => {
                if length < 8 {
                    self.truncated();
                    return Ok(());
                }
                if self
                    .pim_v1_join_prune(at + 8, length as usize - 8)?
                    .is_none()
                {
                    self.truncated();
                }
            }
            _ => {}
        }
        let version = self.u8(at + 4)? >> 4;
        if version != 1 {
            put!(self, " [v", version, "]");
        }
        Ok(())
    }

    fn pim_v1_query(&mut self, at: usize) -> Read<()> {
        if let Ok(mode) = self.u8(at + 8) {
            match mode >> 4 {
                0 => put!(self, " Dense-mode"),
                1 => put!(self, " Sparse-mode"),
                2 => put!(self, " Sparse-Dense-mode"),
                mode => put!(self, " mode-", mode),
            }
        }
        if self.verbose() {
            put!(self, " (Hold-time ");
            let seconds = u32::from(self.u16(at + 10)?);
            self.duration(seconds);
            put!(self, ")");
        }
        Ok(())
    }

    fn pim_v1_for(&mut self, source: usize, group: usize) -> Read<()> {
        put!(self, " for ", self.v4(source)?, " > ", self.v4(group)?);
        Ok(())
    }

    /// A mask, unless it leaves one address only.
    fn pim_v1_mask(&mut self, at: usize) -> Read<()> {
        if self.u32(at)? != u32::MAX {
            put!(self, "/", self.v4(at)?);
        }
        Ok(())
    }

    /// Answers nothing if the message is cut.
    fn pim_v1_join_prune(&mut self, at: usize, length: usize) -> Read<Option<()>> {
        if self.has(at, 30)
            && self.u8(at + 11)? == 1
            && u32::from(self.u16(at + 20)?) + u32::from(self.u16(at + 22)?) == 1
        {
            self.pim_v1_single(at)?;
            return Ok(Some(()));
        }
        let several_lines = self.options.verbosity > 1;
        let lead = if several_lines { "\n" } else { "" };
        if length < 4 {
            return Ok(None);
        }
        put!(self, lead);
        put!(self, " Upstream Nbr: ", self.v4(at)?);
        if length < 8 {
            return Ok(None);
        }
        put!(self, lead, " Hold time: ");
        let seconds = u32::from(self.u16(at + 6)?);
        self.duration(seconds);
        if !several_lines {
            return Ok(Some(()));
        }
        if length < 12 {
            return Ok(None);
        }
        let mut place = 12;
        for _ in 0..self.u8(at + 11)? {
            if length - place < 4 {
                return Ok(None);
            }
            put!(self, "\n\tGroup: ", self.v4(at + place)?);
            if length - place < 8 {
                return Ok(None);
            }
            self.pim_v1_mask(at + place + 4)?;
            if length - place < 12 {
                return Ok(None);
            }
            let joined = self.u16(at + place + 8)?;
            let pruned = self.u16(at + place + 10)?;
            put!(self, " joined: ", joined, " pruned: ", pruned);
            place += 12;
            for source in 0..u32::from(joined) + u32::from(pruned) {
                if length - place < 6 {
                    return Ok(None);
                }
                let entry = at + place;
                let (sparse, flags) = (self.u8(entry)?, self.u8(entry + 1)?);
                let joins = source < u32::from(joined);
                put!(
                    self,
                    if joins { "\n\tJoin  " } else { "\n\tPrune " },
                    if sparse & 1 != 0 { "Sparse " } else { "Dense " },
                    if flags & 0x80 != 0 { "WC " } else { "" },
                    if flags & 0x40 != 0 { "RP " } else { "SPT " },
                    self.v4(entry + 2)?,
                    "/",
                    flags & 0x3f
                );
                place += 6;
            }
        }
        Ok(Some(()))
    }

    /// One source of one group, on one line.
    fn pim_v1_single(&mut self, at: usize) -> Read<()> {
        put!(self, " RPF ", self.v4(at)?, " ");
        let seconds = self.u16(at + 6)?;
        if seconds != HOLD_TIME {
            put!(self, "Hold ");
            self.duration(u32::from(seconds));
        }
        let joins = self.u16(at + 20)? != 0;
        let (sparse, flags) = (self.u8(at + 24)?, self.u8(at + 25)?);
        put!(
            self,
            if joins { "Join" } else { "Prune" },
            " (",
            self.v4(at + 26)?,
            "/",
            flags & 0x3f,
            ", ",
            self.v4(at + 12)?
        );
        self.pim_v1_mask(at + 16)?;
        put!(
            self,
            if sparse & 1 != 0 {
                ") Sparse"
            } else {
                ") Dense"
            },
            if flags & 0x80 != 0 { " WC" } else { "" },
            if flags & 0x40 != 0 { " RP" } else { " SPT" }
        );
        Ok(())
    }
}

fn type_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "Query",
        1 => "Register",
        2 => "Register-Stop",
        3 => "Join/Prune",
        4 => "RP-reachable",
        5 => "Assert",
        6 => "Graft",
        7 => "Graft-ACK",
        _ => return None,
    })
}
