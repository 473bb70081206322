//! A trace: who asks whom, the way there and back by the tables, what was seen of the packets that were sent, and
//! what it all means. Pure: from a bundle and what was observed to a document.

pub mod endpoint;
pub mod mtu;
pub mod watch;
mod ways;

use std::net::IpAddr;

use serde::Serialize;

pub use endpoint::{Endpoint, Named};
pub use ways::{Content, Question, Ways, between, ways};

use watch::Watched;

use crate::diagnose::Severity;
use crate::diagnose::trace::Verdict;
use crate::error::Outcome;
use crate::model::bundle::Missing;
use crate::walk::path::{End, Packet, Path};

/// A whole trace (`ovl.trace/v1`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// Always [`Trace::SCHEMA`].
    pub schema: &'static str,
    /// Who asks.
    pub source: Endpoint,
    /// Who is asked.
    pub destination: Endpoint,
    /// The packet.
    pub packet: Packet,
    /// The way there.
    pub out: Leg,
    /// The way of the answer, if the packet arrives by the tables.
    pub back: Option<Leg>,
    /// Whether the answer passes the same devices in reverse.
    pub same_way_back: Option<bool>,
    /// What stands behind a service, each with how a packet to it ends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<ServiceEndpoint>,
    /// What became of the packets that were sent; nothing if none were.
    pub probes: Option<Probes>,
    /// The largest packet that gets through both ways uncut, octets, by the tables.
    pub path_mtu: Option<u32>,
    /// What is wrong, in the order of the way.
    pub findings: Vec<Verdict>,
    /// The way was not followed to its end; more may be wrong behind.
    pub more_may_follow: bool,
    /// Packets went otherwise than the tables said; these may have changed meanwhile.
    #[serde(skip)]
    pub contradicted: bool,
    /// What could not be told, and why.
    pub doubts: Vec<String>,
    /// Nodes that did not answer.
    pub missing: Vec<Missing>,
    /// When and how it became another than the one before; nothing if it was not watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watched: Option<Watched>,
}

impl Trace {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.trace/v1";

    /// A fault if something is wrong; healthy if the question is answered and nothing is in doubt.
    pub fn outcome(&self) -> Outcome {
        let is_fault = |verdict: &Verdict| verdict.finding.severity == Severity::Fault;
        if self.findings.iter().any(is_fault) {
            Outcome::Fault
        } else if self.is_answered() && self.doubts.is_empty() {
            Outcome::Healthy
        } else {
            Outcome::CannotTell
        }
    }

    /// Whether the question is answered: every packet was, or, if none was sent, the tables lead there and back.
    pub fn is_answered(&self) -> bool {
        match &self.probes {
            Some(probes) => probes.sent > 0 && probes.answered == probes.sent,
            None => {
                self.out.path.is_delivered()
                    && self
                        .back
                        .as_ref()
                        .is_some_and(|back| back.path.is_delivered())
            }
        }
    }
}

/// One way, with what was seen at each hop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leg {
    /// The way.
    #[serde(flatten)]
    pub path: Path,
    /// What was seen at each of its hops, in their order; empty if nothing was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sights: Vec<Sight>,
}

impl From<Path> for Leg {
    fn from(path: Path) -> Self {
        Self {
            path,
            sights: Vec::new(),
        }
    }
}

/// What was seen at one hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sight {
    /// How many of the packets; nothing if nobody could look.
    pub seen: Option<u32>,
    /// The median time since the hop before it that saw them, nanoseconds, between nodes with the difference of
    /// their clocks taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_ns: Option<i64>,
    /// How wrong that can be either way, nanoseconds; nothing if it was measured with one clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt_ns: Option<i64>,
}

/// What became of the packets that were sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probes {
    /// How many were sent.
    pub sent: u32,
    /// How many were answered.
    pub answered: u32,
    /// Round trips in the order of the probes, nanoseconds.
    pub round_trips_ns: Vec<u64>,
    /// What came back in place of answers, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Sent and answered: between the two nodes, with their own addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlay: Option<(u32, u32)>,
    /// Sent and answered: of the size that the source believes in, not to be cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub large: Option<(u32, u32)>,
}

/// An endpoint of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceEndpoint {
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How a packet to it ends.
    pub end: End,
}
