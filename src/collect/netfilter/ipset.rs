//! Sets that iptables rules refer to, over netlink (`include/uapi/linux/netfilter/ipset/ip_set.h`).

use std::path::Path;

use plugin_core::netlink::Socket;

use crate::collect::attributes::{Attributes, Value, Writer};
use crate::collect::rtnetlink::{Message, table};
use crate::model::netfilter::IpSet;
use crate::model::{Reading, Table};

/// `NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_LIST`.
const LIST: u16 = 6 << 8 | 7;
/// `struct nfgenmsg`.
const HEADER: usize = 4;
/// `IPSET_PROTOCOL_MIN`, which every kernel still speaks.
const PROTOCOL: u8 = 6;

const ATTR_PROTOCOL: u16 = 1;
const ATTR_SETNAME: u16 = 2;
const ATTR_TYPENAME: u16 = 3;
const ATTR_ADT: u16 = 8;

const ADT_IP: u16 = 1;
const ADT_IP_TO: u16 = 2;
const ADT_CIDR: u16 = 3;
const ADT_PORT: u16 = 4;
const ADT_PORT_TO: u16 = 5;
const ADT_PROTO: u16 = 7;
const ADT_ETHER: u16 = 17;
const ADT_NAME: u16 = 18;
const ADT_IP2: u16 = 20;
const ADT_CIDR2: u16 = 21;
const ADT_IFACE: u16 = 23;

/// Where the kernel tells what it has loaded, and that it has sets. The module has a parameter, so it is told of also
/// where it is built in.
const MODULES: &str = "/sys/module";
const MODULE: &str = "/sys/module/ip_set";

/// All sets with their members.
pub(super) fn read(socket: &mut Socket) -> Table<IpSet> {
    // Without the module there are no sets, and asking would have the kernel look for it and load it
    // (net/netfilter/nfnetlink.c, nfnetlink_rcv_msg), for each namespace anew if it cannot be found.
    if Path::new(MODULES).is_dir() && !Path::new(MODULE).exists() {
        return Table::complete(Vec::new());
    }
    let body = Writer::behind(&[0; HEADER]).put(ATTR_PROTOCOL, &[PROTOCOL]);
    let parts = table(socket, &Message::new(LIST, body.0), decode);
    // A large set comes in several messages, one after the other.
    let mut sets: Vec<IpSet> = Vec::new();
    for part in parts.rows {
        match sets.last_mut().filter(|set| set.name == part.name) {
            Some(set) => match (&mut set.members, part.members) {
                (Reading::Known(all), Reading::Known(more)) => all.extend(more),
                (members, unknown) => *members = unknown,
            },
            None => sets.push(part),
        }
    }
    Table {
        state: parts.state,
        reason: parts.reason,
        rows: sets,
    }
}

fn decode(payload: &[u8]) -> Option<IpSet> {
    let attributes = Attributes::behind(payload, HEADER);
    let kind = attributes.get(ATTR_TYPENAME)?.text();
    let members = match attributes.get(ATTR_ADT) {
        None => Some(Vec::new()),
        Some(list) => list
            .nested()
            .map(|(_, entry)| member(&kind, entry.nested()))
            .collect(),
    };
    Some(IpSet {
        name: attributes.get(ATTR_SETNAME)?.text(),
        members: members.map_or_else(
            || Reading::Unavailable(format!("members of {kind} are not decoded")),
            Reading::Known,
        ),
        kind,
    })
}

/// One member in the notation of `ipset save`, which has the parts in the order of the kind's name.
fn member(kind: &str, entry: Attributes<'_>) -> Option<String> {
    let ip = |kind| {
        let (_, value) = entry.get(kind)?.nested().next()?;
        value.ip()
    };
    let prefix = |kind| entry.get(kind).and_then(Value::u8);
    let (_, parts) = kind.split_once(':')?;
    let mut text = Vec::new();
    for (place, part) in parts.split(',').enumerate() {
        // The second address of hash:net,net and its like.
        let second = place > 0 && matches!(part, "ip" | "net");
        let (address, cidr) = if second {
            (ADT_IP2, ADT_CIDR2)
        } else {
            (ADT_IP, ADT_CIDR)
        };
        text.push(match part {
            "ip" | "net" => {
                let address = ip(address)?;
                match (ip(ADT_IP_TO).filter(|_| !second), prefix(cidr)) {
                    (Some(last), _) if last != address => format!("{address}-{last}"),
                    (_, Some(length)) if part == "net" => format!("{address}/{length}"),
                    _ => address.to_string(),
                }
            }
            "port" => {
                let port = entry.get(ADT_PORT)?.be16()?;
                let protocol = match entry.get(ADT_PROTO).and_then(Value::u8) {
                    Some(6) => "tcp:".to_owned(),
                    Some(17) => "udp:".to_owned(),
                    Some(132) => "sctp:".to_owned(),
                    Some(other) => format!("{other}:"),
                    None => String::new(),
                };
                match entry.get(ADT_PORT_TO).and_then(Value::be16) {
                    Some(last) if last != port => format!("{protocol}{port}-{last}"),
                    _ => format!("{protocol}{port}"),
                }
            }
            "mac" => entry.get(ADT_ETHER)?.mac()?.to_string(),
            "iface" => entry.get(ADT_IFACE)?.text(),
            "set" => entry.get(ADT_NAME)?.text(),
            _ => return None,
        });
    }
    Some(text.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ip: [u8; 4]) -> Writer {
        Writer::default().put(1, &ip)
    }

    #[test]
    fn members_read_as_ipset_saves_them() {
        let entry = Writer::default()
            .nest(ADT_IP, address([10, 0, 0, 0]))
            .put(ADT_CIDR, &[24]);
        assert_eq!(
            member("hash:net", Attributes(&entry.0)).unwrap(),
            "10.0.0.0/24"
        );
        let entry = Writer::default()
            .nest(ADT_IP, address([10, 0, 0, 1]))
            .put(ADT_PORT, &80_u16.to_be_bytes())
            .put(ADT_PROTO, &[6]);
        assert_eq!(
            member("hash:ip,port", Attributes(&entry.0)).unwrap(),
            "10.0.0.1,tcp:80"
        );
        assert_eq!(member("hash:ip,mark", Attributes(&entry.0)), None);
    }
}
