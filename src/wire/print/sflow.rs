//! sFlow, version 5 (sflow.org, sFlow Datagram Format).

mod record;

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::Read;

/// Octets of a datagram's head where the agent has an IPv4 address; 12 more where it has an IPv6 address.
const HEADER: u32 = 28;
const IPV4: u32 = 1;
const IPV6: u32 = 2;

/// A length does not allow for what is said to be there.
pub(super) struct Invalid;

/// What is left of a datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    at: usize,
    left: u32,
}

impl Rest {
    fn pass(&mut self, octets: u32) {
        self.at += octets as usize;
        self.left -= octets;
    }
}

impl Dissector<'_> {
    pub(super) fn sflow(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "sflow";
        let family = self.u32(at + 4)?;
        let is_v4 = family == IPV4;
        let header = if is_v4 { HEADER } else { HEADER + 12 };
        if matches!(family, IPV4 | IPV6) && length < header {
            put!(self, "sFlowv", self.u32(at)?);
            put!(self, " [length ", length, " < ", HEADER, "]");
            self.invalid();
            return Ok(());
        }
        self.bytes.slice(at, HEADER as usize)?;
        let version = self.u32(at)?;
        if version != 5 {
            put!(self, "sFlow version ", version, " packet not supported");
            return Ok(());
        }
        let address = at + 8;
        let agent = address + if is_v4 { 4 } else { 16 };
        if !self.verbose() {
            let agent = self.u32(agent)?;
            self.sflow_agent(address, is_v4, agent)?;
            put!(self, ", length ", length);
            return Ok(());
        }
        let samples = self.u32(agent + 12)?;
        let [agent_id, sequence, uptime] =
            [self.u32(agent)?, self.u32(agent + 4)?, self.u32(agent + 8)?];
        self.sflow_agent(address, is_v4, agent_id)?;
        put!(
            self,
            ", seqnum ",
            sequence,
            ", uptime ",
            uptime,
            ", samples ",
            samples,
            ", length ",
            length
        );
        if length < header {
            put!(self, " [tlen ", length, " < ", header, "]");
            self.invalid();
            return Ok(());
        }
        let mut rest = Rest { at, left: length };
        rest.pass(header);
        if self.sflow_samples(&mut rest, samples)?.is_err() {
            self.invalid();
            self.bytes.slice(rest.at, rest.left as usize)?;
        }
        Ok(())
    }

    fn sflow_agent(&mut self, at: usize, is_v4: bool, agent: u32) -> Read<()> {
        if is_v4 {
            put!(self, "sFlowv5, IPv4 agent ", self.v4(at)?);
        } else {
            put!(self, "sFlowv5, IPv6 agent ", self.v6(at)?);
        }
        put!(self, ", agent-id ", agent);
        Ok(())
    }

    fn sflow_samples(&mut self, rest: &mut Rest, count: u32) -> Read<Result<(), Invalid>> {
        for _ in 0..count {
            if rest.left == 0 {
                break;
            }
            let kind = self.u32(rest.at)? & 0xfff;
            let length = self.u32(rest.at + 4)?;
            if rest.left < 8 {
                return Ok(Err(Invalid));
            }
            rest.pass(8);
            let name = match kind {
                1 => "flow sample",
                2 => "counter sample",
                3 => "expanded flow sample",
                4 => "expanded counter sample",
                _ => "Unknown",
            };
            put!(self, "\n\t", name, " (", kind, "), length ", length, ",");
            if kind == 0 || length == 0 {
                return Ok(Ok(()));
            }
            if rest.left < length {
                return Ok(Err(Invalid));
            }
            self.bytes.slice(rest.at, length as usize)?;
            let sample = match kind {
                1..=4 => self.sflow_sample(kind, *rest)?,
                _ => {
                    if self.options.verbosity <= 1 {
                        self.unknown_data("\n\t    ", rest.at, length as usize);
                    }
                    Ok(())
                }
            };
            if sample.is_err() {
                return Ok(sample);
            }
            rest.pass(length);
        }
        Ok(Ok(()))
    }

    /// A sample's head and its records. What its length says is not held against it, only the datagram's end.
    fn sflow_sample(&mut self, kind: u32, mut rest: Rest) -> Read<Result<(), Invalid>> {
        let (expanded, flow) = (kind > 2, kind % 2 == 1);
        let header = match kind {
            1 => 32,
            2 => 12,
            3 => 44,
            _ => 16,
        };
        if rest.left < header {
            return Ok(Err(Invalid));
        }
        let at = rest.at;
        let records = self.u32(at + header as usize - 4)?;
        let (source, index) = if expanded {
            (self.u32(at + 4)?, self.u32(at + 8)?)
        } else {
            (u32::from(self.u8(at + 4)?), self.u24(at + 5)?)
        };
        put!(self, " seqnum ", self.u32(at)?, ", type ", source);
        put!(self, ", idx ", index);
        if flow {
            let rate = at + if expanded { 12 } else { 8 };
            put!(
                self,
                ", rate ",
                self.u32(rate)?,
                ", pool ",
                self.u32(rate + 4)?,
                ", drops ",
                self.u32(rate + 8)?,
                ","
            );
            if !expanded {
                put!(self, " input ", self.u32(rate + 12)?);
                put!(self, " output ", self.u32(rate + 16)?);
            }
            put!(self, " records ", records);
        } else {
            put!(self, ", records ", records);
        }
        rest.pass(header);
        self.sflow_records(rest, records, flow)
    }
}
