//! What a node looks like: plain values, and nothing else.
//!
//! One [`Node`] (`ovl.node/v1`) holds everything on a machine that decides where a packet goes. It is
//! filled by [`crate::collect`] or read from a file; whoever reads it cannot tell which. This module
//! imports no sibling, opens nothing, and knows no clock.
//!
//! Unknown is not absent: every table is a [`Table`] that says how far it can be trusted, and every
//! single value that may be unreadable is a [`Reading`].

pub mod address;
pub mod bundle;
pub mod cni;
pub mod counters;
pub mod fdb;
pub mod link;
pub mod neighbour;
pub mod netfilter;
pub mod netns;
pub mod node;
pub mod notation;
pub mod number;
pub mod route;
pub mod rule;
pub mod sandbox;
pub mod socket;
pub mod subject;
pub mod table;
pub mod tc;

pub use address::Address;
pub use bundle::Bundle;
pub use fdb::FdbEntry;
pub use link::{Link, LinkKind};
pub use neighbour::Neighbour;
pub use netns::Netns;
pub use node::Node;
pub use number::{IfIndex, NetnsId, Nsid, TableId, Vni};
pub use plugin_core::mac::Mac;
pub use route::{NextHop, Route};
pub use rule::Rule;
pub use sandbox::{Sandbox, SandboxState};
pub use subject::Subject;
pub use table::{Reading, State, Table};
