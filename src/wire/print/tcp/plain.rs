//! The segments that most of TCP is: acknowledgements, with or without data.

use super::{DATA_OFFSET, FLAGS, HEADER_LENGTH, UdpPayload, flag};
use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::ipv4::IpHeader;
use crate::wire::print::phrase::Phrase;

impl Dissector<'_> {
    /// Prints the most common segment there is, an acknowledgement with or without data and with no option
    /// but a time stamp, as a phrase; answers false, having printed nothing, for any other.
    #[inline]
    pub(super) fn plain_segment(
        &mut self,
        at: usize,
        length: u32,
        header: IpHeader,
        ports: (u16, u16),
    ) -> Read<bool> {
        /// Where two empty options, the time stamp's kind and length, and both stamps are.
        const STAMPED: usize = HEADER_LENGTH + 12;
        let Ok(fixed) = self.bytes.array_at::<HEADER_LENGTH>(at) else {
            return Ok(false);
        };
        let flags = fixed[FLAGS];
        if flags & !flag::PUSH != flag::ACK {
            return Ok(false);
        }
        let (header_length, stamps) = match fixed[DATA_OFFSET] >> 4 {
            5 => (HEADER_LENGTH as u32, None),
            8 => match self.bytes.array_at::<STAMPED>(at) {
                Ok([.., 1, 1, 8, 10, a, b, c, d, e, f, g, h]) => (
                    STAMPED as u32,
                    Some((
                        u32::from_be_bytes([*a, *b, *c, *d]),
                        u32::from_be_bytes([*e, *f, *g, *h]),
                    )),
                ),
                _ => return Ok(false),
            },
            _ => return Ok(false),
        };
        if header_length > length {
            return Ok(false);
        }
        let [_, _, _, _, a, b, c, d, e, f, g, h, _, _, i, j, ..] = *fixed;
        let mut sequence = u32::from_be_bytes([a, b, c, d]);
        let mut acknowledgement = u32::from_be_bytes([e, f, g, h]);
        if !self.options.absolute_sequence {
            self.tcp_relative(header, ports, false, &mut sequence, &mut acknowledgement)?;
        }
        let data = length - header_length;
        let mut phrase = Phrase::<192>::new(self.out);
        if flags & flag::PUSH == 0 {
            phrase.literal(b"Flags [.]");
        } else {
            phrase.literal(b"Flags [P.]");
        }
        if data > 0 {
            phrase.literal(b", seq ");
            phrase.number(sequence);
            phrase.literal(b":");
            phrase.number(sequence.wrapping_add(data));
        }
        phrase.literal(b", ack ");
        phrase.number(acknowledgement);
        phrase.literal(b", win ");
        phrase.number(u16::from_be_bytes([i, j]));
        if let Some((value, echo)) = stamps {
            phrase.literal(b", options [nop,nop,TS val ");
            phrase.number(value);
            phrase.literal(b" ecr ");
            phrase.number(echo);
            phrase.literal(b"]");
        }
        phrase.literal(b", length ");
        phrase.number(data);
        phrase.put();
        if data > 0 && self.options.udp != UdpPayload::Vxlan {
            self.tcp_payload(at + header_length as usize, data, ports)?;
        }
        Ok(true)
    }
}
