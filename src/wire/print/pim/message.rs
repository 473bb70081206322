//! Messages of PIM version 2 that carry packets, or that say who is the rendezvous point and who forwards
//! (RFC 7761 section 4.9, RFC 5059, RFC 5015, RFC 3973).

use super::{Encoded, Rest};
use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{Hex, put};

impl Dissector<'_> {
    /// A multicast packet on its way to the rendezvous point. Answers nothing if the message is cut.
    pub(super) fn pim_register(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        let Some(at) = rest.take(self, 4) else {
            return Ok(None);
        };
        let name = match self.u32(at)? {
            0x8000_0000 => "Border",
            0x4000_0000 => "Null",
            _ => "none",
        };
        put!(self, ", Flags [ ", name, " ]\n\t");
        let (at, length) = (rest.at, rest.left as u32);
        if length == 0 {
            return Ok(None);
        }
        match self.u8(at)? >> 4 {
            0 => put!(
                self,
                "IP-Null-header ",
                self.v4(at + 12)?,
                " > ",
                self.v4(at + 16)?
            ),
            4 => self.ipv4(at, length)?,
            6 => self.ipv6(at, length)?,
            version => put!(self, "IP ver ", version),
        }
        Ok(Some(()))
    }

    /// A group and a source. Answers nothing if either is cut.
    pub(super) fn pim_group_and_source(
        &mut self,
        rest: &mut Rest,
        source: &'static str,
    ) -> Read<Option<()>> {
        put!(self, " group=");
        if self.pim_address(rest, Encoded::Group)?.is_none() {
            return Ok(None);
        }
        put!(self, source);
        self.pim_address(rest, Encoded::Unicast)
    }

    /// Answers nothing if the message is cut.
    pub(super) fn pim_assert(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        if self.pim_group_and_source(rest, " src=")?.is_none() {
            return Ok(None);
        }
        let Some(at) = rest.take(self, 8) else {
            return Ok(None);
        };
        let preference = self.u32(at)?;
        let tree = if preference >> 31 != 0 { " RPT" } else { "" };
        put!(
            self,
            tree,
            " pref=",
            preference & 0x7fff_ffff,
            " metric=",
            self.u32(at + 4)?
        );
        Ok(Some(()))
    }

    /// Answers nothing if the message is cut.
    pub(super) fn pim_bootstrap(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        if rest.left < 2 {
            return Ok(None);
        }
        put!(self, " tag=", Hex(u32::from(self.u16(rest.at)?)));
        if rest.left < 3 {
            return Ok(None);
        }
        put!(self, " hashmlen=", self.u8(rest.at + 2)?);
        if rest.left < 4 || !self.has(rest.at + 4, 1) {
            return Ok(None);
        }
        put!(self, " BSRprio=", self.u8(rest.at + 3)?, " BSR=");
        rest.at += 4;
        rest.left -= 4;
        if self.pim_address(rest, Encoded::Unicast)?.is_none() {
            return Ok(None);
        }
        for group in 0u32.. {
            if rest.left == 0 {
                break;
            }
            put!(self, " (group", group, ": ");
            if self.pim_address(rest, Encoded::Group)?.is_none()
                || self.pim_rendezvous_points(rest)?.is_none()
            {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// A group's rendezvous points, as far as they are in this fragment. Answers nothing if they are cut.
    fn pim_rendezvous_points(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        if rest.left < 1 {
            return Ok(None);
        }
        put!(self, " RPcnt=", self.u8(rest.at)?);
        if rest.left < 2 {
            return Ok(None);
        }
        let count = self.u8(rest.at + 1)?;
        put!(self, " FRPcnt=", count);
        if rest.left < 4 {
            return Ok(None);
        }
        rest.at += 4;
        rest.left -= 4;
        for point in 0..count {
            if rest.left == 0 {
                break;
            }
            put!(self, " RP", point, "=");
            if self.pim_address(rest, Encoded::Unicast)?.is_none() || rest.left < 2 {
                return Ok(None);
            }
            put!(self, ",holdtime=");
            let seconds = u32::from(self.u16(rest.at)?);
            self.duration(seconds);
            if rest.left < 3 {
                return Ok(None);
            }
            put!(self, ",prio=", self.u8(rest.at + 2)?);
            if rest.left < 4 {
                return Ok(None);
            }
            rest.at += 4;
            rest.left -= 4;
        }
        put!(self, ")");
        Ok(Some(()))
    }

    /// Answers nothing if the message is cut.
    pub(super) fn pim_candidate(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        if rest.left < 1 {
            return Ok(None);
        }
        let groups = self.u8(rest.at)?;
        put!(self, " prefix-cnt=", groups);
        if rest.left < 2 {
            return Ok(None);
        }
        put!(self, " prio=", self.u8(rest.at + 1)?);
        if rest.left < 4 {
            return Ok(None);
        }
        put!(self, " holdtime=");
        let seconds = u32::from(self.u16(rest.at + 2)?);
        self.duration(seconds);
        rest.at += 4;
        rest.left -= 4;
        put!(self, " RP=");
        if self.pim_address(rest, Encoded::Unicast)?.is_none() {
            return Ok(None);
        }
        for group in 0..groups {
            if rest.left == 0 {
                break;
            }
            put!(self, " Group", group, "=");
            if self.pim_address(rest, Encoded::Group)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// Answers nothing if the message is cut.
    pub(super) fn pim_prune_refresh(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        for (title, encoded) in [
            (" src=", Encoded::Unicast),
            (" grp=", Encoded::Group),
            (" forwarder=", Encoded::Unicast),
        ] {
            put!(self, title);
            if self.pim_address(rest, encoded)?.is_none() {
                return Ok(None);
            }
        }
        if rest.left < 2 {
            return Ok(None);
        }
        put!(self, " TUNR ");
        let seconds = u32::from(self.u16(rest.at)?);
        self.duration(seconds);
        Ok(Some(()))
    }

    /// Who forwards on a link, for `subtype` of the message. Answers nothing if it is cut.
    pub(super) fn pim_forwarder_election(
        &mut self,
        rest: &mut Rest,
        subtype: u8,
    ) -> Read<Option<()>> {
        let name = match subtype {
            1 => "Offer",
            2 => "Winner",
            3 => "Backoff",
            4 => "Pass",
            _ => "Unknown",
        };
        put!(self, "\n\t  ", name, ", rpa=");
        if self.pim_address(rest, Encoded::Unicast)?.is_none() {
            return Ok(None);
        }
        put!(self, " sender pref=", self.u32(rest.at)?);
        put!(self, " sender metric=", self.u32(rest.at + 4)?);
        rest.skip_unchecked(8);
        let other = match subtype {
            3 => "offer",
            4 => "new winner",
            _ => return Ok(Some(())),
        };
        put!(self, "\n\t  ", other, " addr=");
        if self.pim_address(rest, Encoded::Unicast)?.is_none() {
            return Ok(None);
        }
        put!(self, " ", other, " pref=", self.u32(rest.at)?);
        put!(self, " ", other, " metric=", self.u32(rest.at + 4)?);
        if subtype == 3 {
            put!(self, " interval ", self.u16(rest.at + 8)?, "ms");
        }
        Ok(Some(()))
    }
}
