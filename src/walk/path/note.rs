//! What is noticed on a way and does not stop the packet.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use super::{Cause, Place, Row};
use crate::walk::netfilter::Hook;

/// Something noticed that does not stop the packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Note {
    /// Where.
    pub at: Place,
    /// What.
    pub kind: NoteKind,
    /// The row, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<Row>,
}

/// What can be noticed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum NoteKind {
    /// The source address was replaced.
    SourceTranslated {
        /// By.
        to: IpAddr,
        /// By a masquerading rule.
        masquerade: bool,
    },
    /// The destination address was replaced.
    DestinationTranslated {
        /// By.
        to: IpAddr,
    },
    /// A hash decides between several ways; this is one of them.
    OneOfSeveral {
        /// How many there are.
        ways: usize,
    },
    /// The next hop is not a known node; the underlay is taken to bring it to the destination.
    UnderlayRoutes {
        /// The router.
        router: IpAddr,
    },
    /// The kernel has to ask first: no valid entry yet, but somebody would answer.
    WouldResolve {
        /// For whom.
        address: IpAddr,
    },
    /// It is cut into pieces here.
    Fragmented {
        /// The largest piece, octets.
        mtu: u32,
        /// What it had, octets.
        size: u32,
    },
    /// A rule that is not understood may throw it away here.
    MayDrop {
        /// Where in the stack.
        hook: Hook,
        /// As what it would be lost.
        cause: Box<Cause>,
    },
    /// A program sees the packet here, and what it does cannot be read: XDP, or a BPF or other filter.
    Program {
        /// What it is.
        what: String,
    },
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SourceTranslated { to, masquerade } => {
                let how = if *masquerade { "masquerade" } else { "SNAT" };
                write!(f, "source becomes {to} ({how})")
            }
            Self::DestinationTranslated { to } => write!(f, "destination becomes {to} (DNAT)"),
            Self::OneOfSeveral { ways } => write!(f, "one of {ways} ways, chosen by a hash"),
            Self::UnderlayRoutes { router } => {
                write!(
                    f,
                    "{router} is no node of these; taken for a router of the underlay"
                )
            }
            Self::WouldResolve { address } => write!(f, "asks for {address} first"),
            Self::Fragmented { mtu, .. } => write!(f, "cut into pieces of {mtu} octets"),
            Self::MayDrop { hook, .. } => write!(f, "a rule at {} may take it", hook.as_str()),
            Self::Program { what } => write!(f, "{what} sees it and may do anything"),
        }
    }
}
