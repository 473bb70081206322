//! Offloads that are on, over ethtool's netlink family (Linux 5.8).

use std::collections::HashMap;

use plugin_core::netlink::{Error, Socket};

use super::attributes::{Attributes, Value, Writer};
use super::rtnetlink::Message;
use crate::model::IfIndex;

/// `NETLINK_GENERIC`.
pub(super) const PROTOCOL: isize = 16;
/// The fixed type of the family that names families.
const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
/// `struct genlmsghdr`: command, version, reserved.
const HEADER: usize = 4;

const ETHTOOL_MSG_FEATURES_GET: u8 = 11;
const FEATURES_HEADER: u16 = 1;
const FEATURES_ACTIVE: u16 = 4;
const HEADER_DEV_INDEX: u16 = 1;
const BITSET_BITS: u16 = 3;
const BIT_NAME: u16 = 2;

/// The number that the kernel gave ethtool's family, the same in every namespace.
///
/// # Errors
/// `ENOENT` on a kernel without it.
pub(super) fn family(socket: &mut Socket) -> Result<u16, Error> {
    let body =
        Writer::behind(&[CTRL_CMD_GETFAMILY, 1, 0, 0]).put(CTRL_ATTR_FAMILY_NAME, b"ethtool\0");
    let answer: Message = socket.get(&Message::new(GENL_ID_CTRL, body.0), 0)?;
    Attributes::behind(&answer.payload, HEADER)
        .get(CTRL_ATTR_FAMILY_ID)
        .and_then(Value::u16)
        .ok_or(Error::Decode {
            request: "CTRL_CMD_GETFAMILY",
            reason: "no number of the family".to_owned(),
        })
}

/// The active features of every device of the namespace of `socket`.
///
/// # Errors
/// The kernel's refusal.
pub(super) fn read(
    socket: &mut Socket,
    family: u16,
) -> Result<HashMap<IfIndex, Vec<String>>, Error> {
    let body = Writer::behind(&[ETHTOOL_MSG_FEATURES_GET, 1, 0, 0])
        .nest(FEATURES_HEADER, Writer::default());
    let dump = socket.dump::<_, Message>(&Message::new(family, body.0))?;
    Ok(dump
        .rows
        .iter()
        .filter_map(|row| decode(&row.payload))
        .collect())
}

fn decode(payload: &[u8]) -> Option<(IfIndex, Vec<String>)> {
    let attributes = Attributes::behind(payload, HEADER);
    let index = attributes
        .get(FEATURES_HEADER)?
        .nested()
        .get(HEADER_DEV_INDEX)?
        .u32()?;
    let names = attributes
        .get(FEATURES_ACTIVE)?
        .nested()
        .get(BITSET_BITS)?
        .nested()
        .filter_map(|(_, bit)| Some(bit.nested().get(BIT_NAME)?.text()))
        .collect();
    Some((IfIndex(index), names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_what_is_on() {
        let bit = |name: &[u8]| Writer::default().put_u32(1, 0).put(BIT_NAME, name);
        let bits = Writer::default()
            .nest(1, bit(b"rx-gro\0"))
            .nest(1, bit(b"tx-checksum-ip-generic\0"));
        let bytes = Writer::behind(&[ETHTOOL_MSG_FEATURES_GET, 1, 0, 0])
            .nest(
                FEATURES_HEADER,
                Writer::default().put_u32(HEADER_DEV_INDEX, 4),
            )
            .nest(FEATURES_ACTIVE, Writer::default().nest(BITSET_BITS, bits))
            .0;
        assert_eq!(
            decode(&bytes),
            Some((
                IfIndex(4),
                vec!["rx-gro".to_owned(), "tx-checksum-ip-generic".to_owned()]
            ))
        );
    }
}
