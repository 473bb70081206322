//! Policy rules: which table is asked, and when.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Change, Dump, Error, Socket};

/// A rule that sends a packet to a table. Rules of other actions and selectors are beyond it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    /// Its place: the lowest is asked first.
    pub priority: u32,
    /// The source it matches; every one when absent. Gives the family, together with `dst`.
    pub src: Option<IpNet>,
    /// The destination it matches; every one when absent.
    pub dst: Option<IpNet>,
    /// The table it leads to.
    pub table: u32,
    /// Who made it (`RTPROT_…`).
    pub protocol: u8,
}

impl Rule {
    /// The rule that a message describes; `None` for one that this type cannot hold.
    pub fn from_message(message: &RuleMessage) -> Option<Self> {
        if message.header.action != RuleAction::ToTable {
            return None;
        }
        let mut rule = Self {
            priority: 0,
            src: None,
            dst: None,
            table: message.header.table.into(),
            protocol: 0,
        };
        for attribute in &message.attributes {
            match attribute {
                RuleAttribute::Priority(priority) => rule.priority = *priority,
                RuleAttribute::Table(table) => rule.table = *table,
                RuleAttribute::Protocol(protocol) => rule.protocol = (*protocol).into(),
                RuleAttribute::Source(ip) => {
                    rule.src = IpNet::new(*ip, message.header.src_len).ok();
                }
                RuleAttribute::Destination(ip) => {
                    rule.dst = IpNet::new(*ip, message.header.dst_len).ok();
                }
                // 0xffffffff: no such condition.
                RuleAttribute::SuppressPrefixLen(u32::MAX) => {}
                RuleAttribute::Iifname(_)
                | RuleAttribute::Oifname(_)
                | RuleAttribute::FwMark(_)
                | RuleAttribute::SuppressPrefixLen(_) => return None,
                _ => {}
            }
        }
        Some(rule)
    }

    fn message(&self) -> RuleMessage {
        let mut message = RuleMessage::default();
        let ipv6 = [self.src, self.dst]
            .into_iter()
            .flatten()
            .any(|net| matches!(net, IpNet::V6(_)));
        message.header.family = if ipv6 {
            AddressFamily::Inet6
        } else {
            AddressFamily::Inet
        };
        message.header.action = RuleAction::ToTable;
        let attributes = &mut message.attributes;
        attributes.push(RuleAttribute::Priority(self.priority));
        attributes.push(RuleAttribute::Protocol(self.protocol.into()));
        match u8::try_from(self.table) {
            Ok(table) => message.header.table = table,
            Err(_) => attributes.push(RuleAttribute::Table(self.table)),
        }
        let mut select = |net: Option<IpNet>, attribute: fn(IpAddr) -> RuleAttribute| {
            net.map_or(0, |net| {
                attributes.push(attribute(net.addr()));
                net.prefix_len()
            })
        };
        message.header.src_len = select(self.src, RuleAttribute::Source);
        message.header.dst_len = select(self.dst, RuleAttribute::Destination);
        message
    }

    /// Adds the rule; it must not exist.
    pub fn add(&self) -> Change {
        Change::create(RouteNetlinkMessage::NewRule(self.message()))
    }

    /// Removes the rule.
    pub fn delete(&self) -> Change {
        Change::plain(RouteNetlinkMessage::DelRule(self.message()))
    }
}

/// The rules of both families that lead to a table.
///
/// # Errors
/// Those of [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Dump<Rule>, Error> {
    let mut all = Dump {
        rows: Vec::new(),
        complete: true,
    };
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut message = RuleMessage::default();
        message.header.family = family;
        let dump = socket.dump(&RouteNetlinkMessage::GetRule(message))?;
        let dump = dump.filter_map(|message| match message {
            RouteNetlinkMessage::NewRule(message) => Rule::from_message(&message),
            _ => None,
        });
        all.complete &= dump.complete;
        all.rows.extend(dump.rows);
    }
    Ok(all)
}
