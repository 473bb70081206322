//! The kernel's forwarding decisions, imitated from snapshots.
//!
//! Everything here is a pure function of [`crate::model`]: it opens nothing, starts nothing and reads no
//! clock. A decision always carries the row that made it. Where the snapshot does not suffice to decide,
//! the answer is *cannot tell* with the reason, never a guess.
//!
//! [`network::Network`] orders the namespaces of all nodes; [`walker`] sends a packet through it:
//!
//! | module | decides |
//! |---|---|
//! | [`fib`] | which route: rules, tables, longest prefix, metric |
//! | [`answer`] | who answers for an address; whether a source is believed |
//! | [`netfilter`] | what packet filters and address translation do |
//! | `hook` | which of it a packet meets, and what is remembered for the answer |
//! | `layer3` | sending, forwarding, taking, and the checks on arrival |
//! | `neighbour` | with which MAC, and who would answer for it |
//! | `behind` | which device is behind another |
//! | `layer2` | devices, pairs, the underlay |
//! | `bridge` | which port of a bridge |
//! | `port` | whether a bridge's port passes frames |
//! | `vlan` | tags, and who is in which VLAN |
//! | `tunnel` | wrapping and unwrapping |
//! | `evidence` | the rows that decided, as their tools list them |
//! | [`path`] | what comes of it, as plain values |

pub mod answer;
mod behind;
mod bridge;
#[cfg(test)]
pub(crate) mod bridged;
mod evidence;
pub mod fib;
pub mod flow;
mod hook;
mod layer2;
mod layer3;
mod learned;
mod neighbour;
pub mod netfilter;
pub mod network;
pub mod path;
mod places;
mod port;
mod translation;
mod tunnel;
mod vlan;
pub mod walker;

pub use network::{Network, SpaceId};
pub use path::{Packet, Path};
pub use walker::{Conversation, Origin, OtherWay, OtherWays};
