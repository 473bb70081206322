//! Datagrams taken apart: messages, acknowledgements, and what the kernel says of a refusal.
//!
//! Framing is done here rather than by `netlink-packet-core`, because the extended ACK stands behind
//! the error code, where that crate does not look (`Documentation/userspace-api/netlink/intro.rst`).

use std::io;

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader};

use crate::netlink::Error;

pub(super) const HEADER_LEN: usize = 16;

pub(super) const NLMSG_NOOP: u16 = 1;

pub(super) const NLMSG_ERROR: u16 = 2;

pub(super) const NLMSG_DONE: u16 = 3;

pub(super) const NLM_F_DUMP_INTR: u16 = 0x10;

const NLM_F_CAPPED: u16 = 0x100;

const NLM_F_ACK_TLVS: u16 = 0x200;

/// `NLMSGERR_ATTR_MSG` of `include/uapi/linux/netlink.h`.
const NLMSGERR_ATTR_MSG: u16 = 1;

/// One message of a received datagram.
pub(super) struct Frame<'a> {
    pub(super) header: NetlinkHeader,
    pub(super) payload: &'a [u8],
}

impl Frame<'_> {
    pub(super) fn kind(&self) -> u16 {
        self.header.message_type
    }

    pub(super) fn message<A: NetlinkDeserializable>(
        &self,
        request: &'static str,
    ) -> Result<A, Error> {
        A::deserialize(&self.header, self.payload)
            .map_err(|error| decode(request, error.to_string()))
    }

    /// The meaning of an `NLMSG_ERROR`: success when its code is zero.
    pub(super) fn acknowledgement(&self, request: &'static str) -> Result<(), Error> {
        let code = code(self.payload).ok_or_else(|| decode(request, "an error without a code"))?;
        if code == 0 {
            return Ok(());
        }
        // Behind the code stands the header of the request, its payload unless capped, then attributes.
        let mut offset = 4 + HEADER_LEN;
        if self.header.flags & NLM_F_CAPPED == 0 {
            let length = self
                .payload
                .get(4..8)
                .and_then(|b| b.try_into().ok())
                .map(u32::from_ne_bytes);
            offset = 4
                + (length.unwrap_or(0) as usize)
                    .max(HEADER_LEN)
                    .next_multiple_of(4);
        }
        let reason = if self.header.flags & NLM_F_ACK_TLVS == 0 {
            None
        } else {
            self.payload.get(offset..).and_then(explanation)
        };
        Err(refusal(request, code, reason))
    }

    /// The meaning of an `NLMSG_DONE`, which carries the error that ended a dump early.
    pub(super) fn done(&self, request: &'static str) -> Result<(), Error> {
        match code(self.payload) {
            None | Some(0) => Ok(()),
            Some(code) => Err(refusal(
                request,
                code,
                self.payload.get(4..).and_then(explanation),
            )),
        }
    }
}

pub(super) fn frames(bytes: &[u8]) -> impl Iterator<Item = Result<Frame<'_>, String>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut rest);
        let Some(head) = bytes.get(..HEADER_LEN) else {
            return Some(Err(format!("{} octets where a header has 16", bytes.len())));
        };
        let u32_at =
            |at: usize| u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let u16_at = |at: usize| u16::from_ne_bytes([head[at], head[at + 1]]);
        let mut header = NetlinkHeader::default();
        header.length = u32_at(0);
        header.message_type = u16_at(4);
        header.flags = u16_at(6);
        header.sequence_number = u32_at(8);
        header.port_number = u32_at(12);
        let length = header.length as usize;
        let Some(payload) = bytes.get(HEADER_LEN..length) else {
            return Some(Err(format!(
                "a message of {length} octets in {}",
                bytes.len()
            )));
        };
        rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok(Frame { header, payload }))
    })
}

fn code(payload: &[u8]) -> Option<i32> {
    payload.get(..4)?.try_into().ok().map(i32::from_ne_bytes)
}

/// The text of `NLMSGERR_ATTR_MSG` among the attributes of an acknowledgement.
fn explanation(mut attributes: &[u8]) -> Option<String> {
    while let Some(&[a, b, c, d]) = attributes.get(..4) {
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = attributes.get(4..length)?;
        if u16::from_ne_bytes([c, d]) == NLMSGERR_ATTR_MSG {
            let text = value.split(|byte| *byte == 0).next().unwrap_or(value);
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
    None
}

fn refusal(request: &'static str, code: i32, reason: Option<String>) -> Error {
    Error::Kernel {
        request,
        source: io::Error::from_raw_os_error(code.saturating_neg()),
        reason,
    }
}

pub(super) fn decode(request: &'static str, reason: impl Into<String>) -> Error {
    Error::Decode {
        request,
        reason: reason.into(),
    }
}

pub(super) fn transport(request: &'static str, source: io::Error) -> Error {
    Error::Transport { request, source }
}

/// The name of a request in `rtnetlink(7)`.
pub(super) fn name_of(message_type: u16) -> &'static str {
    match message_type {
        16 => "RTM_NEWLINK",
        17 => "RTM_DELLINK",
        18 => "RTM_GETLINK",
        19 => "RTM_SETLINK",
        20 => "RTM_NEWADDR",
        21 => "RTM_DELADDR",
        22 => "RTM_GETADDR",
        24 => "RTM_NEWROUTE",
        25 => "RTM_DELROUTE",
        26 => "RTM_GETROUTE",
        28 => "RTM_NEWNEIGH",
        29 => "RTM_DELNEIGH",
        30 => "RTM_GETNEIGH",
        32 => "RTM_NEWRULE",
        33 => "RTM_DELRULE",
        34 => "RTM_GETRULE",
        36 => "RTM_NEWQDISC",
        37 => "RTM_DELQDISC",
        38 => "RTM_GETQDISC",
        42 => "RTM_GETTCLASS",
        46 => "RTM_GETTFILTER",
        88 => "RTM_NEWNSID",
        90 => "RTM_GETNSID",
        106 => "RTM_GETNEXTHOP",
        _ => "a netlink request",
    }
}

#[cfg(test)]
mod tests;
