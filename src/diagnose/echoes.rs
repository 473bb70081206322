//! What became of echoes between each two nodes, for a report.

use std::net::IpAddr;

use serde::Serialize;

/// What became of the echoes between each two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Echoes {
    /// Between the nodes, with their own addresses.
    pub nodes: Count,
    /// Between a pod of each and a pod of each other.
    pub pods: Count,
    /// Those that were not answered.
    pub lost: Vec<Lost>,
    /// Nodes without a pod that could be asked.
    pub without_pods: Vec<String>,
}

/// Which network an echo is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Between the nodes, with their own addresses.
    Nodes,
    /// Between pods.
    Pods,
}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Count {
    /// Echoes sent.
    pub sent: u32,
    /// Echoes answered.
    pub answered: u32,
}

/// An echo that was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// Of which network.
    pub layer: Layer,
    /// Who asked.
    pub source: String,
    /// From this address.
    pub source_address: IpAddr,
    /// Who was asked.
    pub destination: String,
    /// At this address.
    pub destination_address: IpAddr,
    /// What a trace of the same two found.
    pub findings: Vec<&'static str>,
}
