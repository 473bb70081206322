//! Proof by packets: what is sent, where it is seen, and what the kernel counted meanwhile.
//!
//! | | |
//! |---|---|
//! | [`message`] | what is asked of a node and what it answers, as plain values |
//! | [`tap`] | sees packets: one socket for all devices of a namespace, never promiscuous |
//! | [`filter`] | what such a socket lets through, as a program for the kernel |
//! | [`identify`] | which probe a frame is, whatever it is wrapped in and whatever address it was given (pure) |
//! | [`send`] | sends probes from inside a namespace and waits for their answers |
//! | [`clocks`] | how clocks of nodes differ, and times between nodes (pure) |
//! | [`counters`] | what moved in the kernel's counters between two readings |
//! | [`prove`] | one whole trace, with packets |
//! | [`mesh`] | one echo between each two nodes, and between their pods |
//! | [`session`] | what a node keeps open for whoever asks it |
//!
//! Nothing here changes what a node does: no device, no table and no setting is touched.

pub mod clocks;
pub mod correlate;
pub mod counters;
pub mod filter;
pub mod identify;
pub mod mesh;
pub mod message;
pub mod plan;
pub mod prove;
pub mod run;
pub mod send;
pub mod session;
pub mod tap;
