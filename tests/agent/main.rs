//! The agent as a process, on nodes that are network namespaces of the test, with `ip -j`, `bridge -j` and
//! `nft -j` as judges.

// A test fails by panicking and reports by printing, in its helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod ground;
mod life;
mod modes;
mod refusals;
mod repair;
#[allow(dead_code, reason = "shared with other programs of tests")]
#[path = "../support/support.rs"]
mod support;
