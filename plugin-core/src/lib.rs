//! The CNI engine of `ovl`: what a runtime does, what a plugin does, and what keeps a node's routes and
//! forwarding entries true. Synchronous throughout; knows neither clap nor an async runtime.

pub mod attach;
pub mod chain;
pub mod ipam;
pub mod journal;
pub mod mac;
pub mod naming;
pub mod netlink;
pub mod netns;
pub mod node;
pub mod plan;
pub mod routed;
pub mod spec;
pub mod store;
pub mod vxlan;
