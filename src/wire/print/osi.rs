//! OSI network protocols, as far as their first octet says (ISO/IEC TR 9577).

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::Read;

impl Dissector<'_> {
    pub(super) fn osi(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "isoclns";
        let identifier = self.u8(at)?;
        put!(self, "OSI NLPID ", identifier, ", length ", length);
        Ok(())
    }
}
