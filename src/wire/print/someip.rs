//! SOME/IP, remote calls between control units (AUTOSAR PRS_SOMEIPProtocol).

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::Read;

const HEADER_LENGTH: u32 = 16;

impl Dissector<'_> {
    pub(super) fn someip(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "someip";
        put!(self, "SOMEIP");
        if length < HEADER_LENGTH {
            self.invalid();
            return Ok(());
        }
        let message = self.u32(at)?;
        let kind = if message & 0x8000 == 0 {
            "method "
        } else {
            "event "
        };
        put!(
            self,
            ", service ",
            message >> 16,
            ", ",
            kind,
            message & 0x7fff
        );
        put!(self, ", len ", self.u32(at + 4)?);
        let request = self.u32(at + 8)?;
        put!(
            self,
            ", client ",
            request >> 16,
            ", session ",
            request & 0xffff
        );
        put!(self, ", pver ", self.u8(at + 12)?);
        put!(self, ", iver ", self.u8(at + 13)?);
        put!(self, ", msgtype ", message_type(self.u8(at + 14)?));
        // tcpdump ends the line here, and once more behind the packet.
        put!(self, ", retcode ", return_code(self.u8(at + 15)?), "\n");
        Ok(())
    }
}

fn message_type(kind: u8) -> &'static str {
    match kind {
        0x00 => "REQUEST",
        0x01 => "REQUEST_NO_RETURN",
        0x02 => "NOTIFICATION",
        0x80 => "RESPONSE",
        0x81 => "ERROR",
        0x20 => "TP_REQUEST",
        0x21 => "TP_REQUEST_NO_RETURN",
        0x22 => "TP_NOTIFICATION",
        0xa0 => "TP_RESPONSE",
        0xa1 => "TP_ERROR",
        _ => "Unknown",
    }
}

fn return_code(code: u8) -> &'static str {
    match code {
        0x00 => "E_OK",
        0x01 => "E_NOT_OK",
        0x02 => "E_UNKNOWN_SERVICE",
        0x03 => "E_UNKNOWN_METHOD",
        0x04 => "E_NOT_READY",
        0x05 => "E_NOT_REACHABLE",
        0x06 => "E_TIMEOUT",
        0x07 => "E_WRONG_PROTOCOL_VERSION",
        0x08 => "E_WRONG_INTERFACE_VERSION",
        0x09 => "E_MALFORMED_MESSAGE",
        0x0a => "E_WRONG_MESSAGE_TYPE",
        0x0b => "E_E2E_REPEATED",
        0x0c => "E_E2E_WRONG_SEQUENCE",
        0x0d => "E_E2E",
        0x0e => "E_E2E_NOT_AVAILABLE",
        0x0f => "E_E2E_NO_NEW_DATA",
        _ => "Unknown",
    }
}
