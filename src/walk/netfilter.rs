//! What packet filters and address translation do to a packet, at each hook, in the order of the kernel.
//!
//! iptables of both backends and nft become one form (`rule`), which is then run. What is not understood makes the
//! answer *cannot tell*, but only where it matters: when the packet comes out the same whether the match holds or
//! not, it does not.
//!
//! Sources: `include/uapi/linux/netfilter_ipv4.h` (priorities), `net/netfilter/core.c`, `net/ipv4/netfilter/ip_tables.c`,
//! `net/netfilter/nf_nat_core.c`.

pub mod class;
mod could;
mod iptables;
mod nft;
mod rule;
mod run;

use std::net::IpAddr;

use serde::Serialize;

use super::path::{Cause, Packet, Row};
use crate::model::Netns;
use crate::model::number::IfIndex;
use crate::model::rule::Family;
use rule::Chain;

/// Where in a namespace a packet is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// It has just come in.
    Prerouting,
    /// It is for the namespace.
    Input,
    /// It is to go on.
    Forward,
    /// The namespace has made it.
    Output,
    /// It is about to leave.
    Postrouting,
    /// A device has received the frame, before all else (`netdev`, `inet`).
    Ingress,
    /// A device is about to send the frame, after all else (`netdev`).
    Egress,
    /// A bridge has received the frame by a port.
    BridgePrerouting,
    /// It is for the bridge itself.
    BridgeInput,
    /// It goes from one port to another.
    BridgeForward,
    /// The bridge itself sends it.
    BridgeOutput,
    /// It leaves by a port.
    BridgePostrouting,
}

impl Hook {
    /// `nft`'s word; iptables' in capitals is the chain.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
            Self::Ingress => "ingress",
            Self::Egress => "egress",
            Self::BridgePrerouting => "bridge prerouting",
            Self::BridgeInput => "bridge input",
            Self::BridgeForward => "bridge forward",
            Self::BridgeOutput => "bridge output",
            Self::BridgePostrouting => "bridge postrouting",
        }
    }
}

/// The devices that a hook knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Devices {
    /// It came in by.
    pub input: Option<IfIndex>,
    /// It leaves by.
    pub output: Option<IfIndex>,
}

/// What a hook does with a packet.
#[derive(Debug)]
pub enum Judgement {
    /// It goes on, perhaps changed. A masquerade leaves the source unspecified, for the caller to fill in.
    Accept {
        /// The rules that changed it.
        changed_by: Vec<Row>,
    },
    /// It does not.
    Drop(Loss),
    /// The rules cannot be followed.
    CannotTell(Doubt),
}

/// A rule that is not understood decides.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// Which, or what could not be read.
    pub why: String,
    /// What comes of the packet unless one of `losses` takes it, and the rules that change it; nothing if that is
    /// not certain either.
    pub otherwise: Option<(Packet, Vec<Row>)>,
    /// The rules that may throw it away.
    pub losses: Vec<Loss>,
}

/// A packet thrown away by a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// As a cause.
    pub cause: Cause,
    /// The rule.
    pub row: String,
}

/// The rules of one namespace, ready to run.
#[derive(Debug)]
pub struct Ruleset<'a> {
    netns: &'a Netns,
    /// All base chains with their hooks, in the order in which a packet meets them.
    chains: Vec<Chain>,
    /// What could not be read, by family.
    doubts: Vec<(Family, String)>,
}

impl<'a> Ruleset<'a> {
    /// Makes the rules of `netns` ready.
    pub fn new(netns: &'a Netns) -> Self {
        let mut this = Self {
            netns,
            chains: Vec::new(),
            doubts: Vec::new(),
        };
        iptables::compile(netns, &mut this.chains, &mut this.doubts);
        nft::compile(netns, &mut this.chains, &mut this.doubts);
        this.chains.sort_by_key(|chain| chain.priority);
        this
    }

    /// Whether any chain looks at frames, and not only at what is routed.
    pub fn sees_frames(&self) -> bool {
        self.chains.iter().any(Chain::sees_frames)
    }

    /// Whether nothing is looked at.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty() && self.doubts.is_empty()
    }

    /// What `hook` does with `packet`.
    pub fn judge(
        &self,
        hook: Hook,
        devices: Devices,
        tracked: Tracked,
        packet: &mut Packet,
        recording: bool,
    ) -> Judgement {
        if self.is_empty() {
            return Judgement::Accept {
                changed_by: Vec::new(),
            };
        }
        run::judge(self, hook, devices, tracked, packet, recording, 0)
    }

    /// The endpoints behind a service's address, as the rules at `hook` translate it.
    pub fn endpoints(&self, hook: Hook, packet: &Packet) -> Vec<(IpAddr, Option<u16>)> {
        const MOST: usize = 1000;
        let devices = Devices {
            input: None,
            output: None,
        };
        let mut found: Vec<(IpAddr, Option<u16>)> = Vec::new();
        for choice in 0..MOST {
            let mut copy = *packet;
            let judged = run::judge(self, hook, devices, Tracked::NEW, &mut copy, false, choice);
            if !matches!(judged, Judgement::Accept { .. }) || copy.destination == packet.destination
            {
                break;
            }
            let end = (copy.destination, copy.protocol.ports().map(|ports| ports.1));
            if found.contains(&end) {
                break;
            }
            found.push(end);
        }
        found
    }
}

/// What connection tracking knows of a packet when it comes to a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracked {
    /// It belongs to a conversation that was let through before.
    pub established: bool,
    /// The destination of the conversation's first packet was replaced here (`IPS_DST_NAT`).
    pub dnat: bool,
    /// Its source was (`IPS_SRC_NAT`).
    pub snat: bool,
    /// It is none of a conversation (`IP_CT_UNTRACKED`).
    pub untracked: bool,
}

impl Tracked {
    /// The first packet of a conversation, as it came.
    pub const NEW: Self = Self {
        established: false,
        dnat: false,
        snat: false,
        untracked: false,
    };

    /// A packet of no conversation.
    pub const UNTRACKED: Self = Self {
        untracked: true,
        ..Self::NEW
    };
}

/// A rule of nft's JSON in the words of `nft list`.
pub fn nft_rule(rule: &serde_json::Value) -> String {
    nft::notation(rule)
}

#[cfg(test)]
mod tests;
