//! One form for the rules of iptables and nft.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::Hook;
use crate::model::rule::Family;

/// A base chain with all chains it can lead to.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) hook: Hook,
    pub(super) priority: i32,
    /// `None` is both (`inet`).
    pub(super) family: Option<Family>,
    /// Only the first packet of a conversation is looked at.
    pub(super) is_nat: bool,
    pub(super) by: &'static str,
    pub(super) table: Arc<Table>,
    pub(super) name: String,
    pub(super) policy_drops: bool,
    /// Only these devices', for a chain that hangs on devices.
    pub(super) devices: Vec<String>,
}

impl Chain {
    pub(super) fn sees_frames(&self) -> bool {
        !matches!(
            self.hook,
            Hook::Prerouting | Hook::Input | Hook::Forward | Hook::Output | Hook::Postrouting
        )
    }
}

/// The chains of one table.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// iptables' name alone; nft's with the family before it.
    pub(super) name: String,
    /// What changes it: `iptables`, `ip6tables-legacy`, `nft` …
    pub(super) program: &'static str,
    pub(super) chains: HashMap<String, Vec<Rule>>,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) matches: Vec<Match>,
    pub(super) actions: Vec<Action>,
    /// As its program prints it.
    pub(super) text: String,
    /// nft's number of it.
    pub(super) handle: Option<u64>,
}

impl Table {
    /// The command that takes a rule of `chain` away.
    pub(super) fn without(&self, chain: &str, rule: &Rule) -> String {
        match (rule.handle, rule.text.strip_prefix("-A ")) {
            (Some(handle), _) => format!("nft delete rule {} {chain} handle {handle}", self.name),
            (None, Some(rest)) => format!("{} -t {} -D {rest}", self.program, self.name),
            (None, None) => format!("nft -a list chain {} {chain}", self.name),
        }
    }

    /// The command that has the end of `chain` let packets pass.
    pub(super) fn open(&self, chain: &str) -> String {
        match self.program {
            "nft" => format!(
                "nft add chain {} {chain} '{{ policy accept ; }}'",
                self.name
            ),
            program => format!("{program} -t {} -P {chain} ACCEPT", self.name),
        }
    }
}

#[derive(Debug)]
pub(super) struct Match {
    pub(super) invert: bool,
    pub(super) test: Test,
}

/// What is asked of a packet.
#[derive(Debug)]
pub(super) enum Test {
    Source(Vec<IpNet>),
    Destination(Vec<IpNet>),
    /// Names, as `is_called` reads them.
    Input(Vec<String>),
    Output(Vec<String>),
    Protocol(Vec<u8>),
    SourcePort(Vec<(u16, u16)>),
    DestinationPort(Vec<(u16, u16)>),
    Mark {
        value: u32,
        mask: u32,
    },
    State(States),
    /// An echo request (8, 128) or reply (0, 129), as its ICMP type.
    IcmpType(Vec<u8>),
    /// The type of an address for this namespace.
    AddressType {
        destination: bool,
        kind: AddressType,
    },
    Elements {
        fields: Vec<Field>,
        elements: Vec<Element>,
    },
    /// Octets of the packet, header included.
    Length(u32, u32),
    /// Hops left to go, from and to.
    Hops(u8, u8),
    /// Of IP, by its family.
    Version(Family),
    /// One in several is chosen.
    Chance,
    Always,
    Unknown(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressType {
    Local,
    Unicast,
    Broadcast,
    Multicast,
}

/// Whether a rule's name for devices means this one: one that ends with `+` or `*` stands for all that begin so.
#[inline]
pub(super) fn is_called(device: &str, name: &str) -> bool {
    match name.strip_suffix(['+', '*']) {
        Some(prefix) => device.starts_with(prefix),
        None => device == name,
    }
}

/// States of connection tracking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct States {
    pub(super) new: bool,
    pub(super) established: bool,
    pub(super) untracked: bool,
    /// The packet's address was translated.
    pub(super) dnat: bool,
    pub(super) snat: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Source,
    Destination,
    SourcePort,
    DestinationPort,
    Protocol,
    Input,
    Output,
    Mark,
}

/// A member of a set: a value for each field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) values: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Net(IpNet),
    Range(IpAddr, IpAddr),
    Number(u32, u32),
    /// A port of one protocol.
    Service(u8, u16, u16),
    Name(String),
    Any,
}

/// What takes the place of a packet's address and port.
#[derive(Debug, Clone)]
pub(super) struct Replace {
    /// The source's; else the destination's.
    pub(super) source: bool,
    pub(super) by: Choice,
    /// By address translation, which is done with the packet; else the field alone is written, and the next rule asked.
    pub(super) translates: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Choice {
    One(End),
    /// The first member that the packet is; if it is none, nothing happens.
    Map {
        fields: Vec<Field>,
        map: Vec<(Element, End)>,
    },
    /// One of them, by chance.
    Any(Vec<End>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) address: Whither,
    pub(super) port: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whither {
    /// The address stays.
    Same,
    /// An address of the device that the packet came in by.
    Own,
    /// The bits of the network; behind its prefix, those of the packet.
    Net(IpNet),
}

impl End {
    /// An address, whatever the port.
    pub(super) fn at(address: IpAddr) -> Self {
        Self {
            address: Whither::Net(IpNet::from(address)),
            port: None,
        }
    }
}

impl Choice {
    /// The addresses of a network, one for one.
    pub(super) fn net(net: IpNet) -> Self {
        Self::One(End {
            address: Whither::Net(net),
            port: None,
        })
    }
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    Accept,
    Drop,
    Reject,
    Return,
    Jump(String),
    Goto(String),
    /// Other addresses and ports take the place of the packet's.
    Replace(Replace),
    Masquerade,
    /// `(mark & !mask) ^ value`
    Mark {
        mask: u32,
        value: u32,
    },
    Verdicts {
        fields: Vec<Field>,
        map: Vec<(Element, Vec<Action>)>,
    },
    /// The hop limit becomes less by so much, or more if negative.
    HopsLess(i16),
    HopsAre(u8),
    /// A program decides what becomes of it.
    Ask,
    /// Whether the packet goes on behind this is not known.
    Perhaps(String),
    Unknown(String),
}
