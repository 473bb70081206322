//! What a namespace calls another (`RTM_GETNSID`).

use std::os::fd::{AsFd, AsRawFd};

use plugin_core::netlink::Socket;

use super::Message;
use crate::collect::attributes::{Attributes, Writer};
use crate::model::Nsid;

const RTM_GETNSID: u16 = 90;
/// `struct rtgenmsg`, padded.
const HEADER: usize = 4;
const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;

/// What the namespace of `socket` calls the one behind the descriptor, if it has a name for it.
///
/// # Errors
/// The kernel's refusal.
pub(in crate::collect) fn of(
    socket: &mut Socket,
    netns: impl AsFd,
) -> Result<Option<Nsid>, plugin_core::netlink::Error> {
    let body =
        Writer::behind(&[0; HEADER]).put(NETNSA_FD, &netns.as_fd().as_raw_fd().to_ne_bytes());
    let answer: Message = socket.get(&Message::new(RTM_GETNSID, body.0), 0)?;
    // NETNSA_NSID_NOT_ASSIGNED is -1.
    Ok(Attributes::behind(&answer.payload, HEADER)
        .get(NETNSA_NSID)
        .and_then(super::super::attributes::Value::i32)
        .filter(|nsid| *nsid >= 0)
        .map(Nsid))
}
