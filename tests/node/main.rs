//! A node seen by `ovl`, held against what the system's own tools say of it. Every node here is in namespaces
//! that the test made.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stderr, unreachable_pub)]

mod answers;
mod capture;
mod containerd;
mod findings;
mod kernel;
mod labs;
mod saved;
mod schemas;
#[allow(dead_code, reason = "shared with other programs of tests")]
#[path = "../support/support.rs"]
mod support;
