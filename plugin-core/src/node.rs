//! What a node's kernel should hold so that its pods reach the pods of every other node, and how it is
//! made so.
//!
//! ```text
//! Settings ─▶ Network ─┐
//! the kernel ─▶ LocalNode ─┤
//! the store ─▶ Peer, Block ─┴─▶ plan() ─▶ State (desired) ─┐
//!                          kernel ─▶ read() ─▶ State (actual) ─┴─▶ diff() ─▶ Change… ─▶ apply()
//! ```
//!
//! Everything up to [`diff`](diff::diff) is pure. Rows are ours by their protocol number (routes), by their device
//! (neighbours, fdb, addresses of devices we made) or by their table (nftables); rows of others are
//! never read into a [`State`], so they cannot be removed.

pub mod apply;
pub mod check;
pub mod desired;
pub mod diff;
pub mod mac;
pub mod masquerade;
pub mod network;
pub mod nft;
pub mod peer;
pub mod read;
pub mod reconcile;
pub mod scope;
pub mod settings;
pub mod state;
pub mod status;

pub use apply::Failure;
pub use check::Refusal;
pub use desired::{Plan, Problem, plan};
pub use diff::{Change, diff};
pub use network::{LocalNode, Network, Underlay};
pub use peer::{Block, Peer};
pub use reconcile::{Kernel, Report};
pub use scope::{PROTOCOL, Scope};
pub use settings::Settings;
pub use state::State;

#[cfg(test)]
mod tests;
