//! The kernel's forwarding decisions, imitated from a snapshot.
//!
//! Everything here is a pure function of [`crate::model`]: it opens nothing, starts nothing and reads no
//! clock. A decision always carries the row that made it. Where the snapshot does not suffice to decide,
//! the answer is *cannot tell* with the reason, never a guess.

pub mod answer;
pub mod fib;
pub mod flow;
pub mod path;
