//! Walking packets through snapshots, held against what kernels do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stderr, unreachable_pub, dead_code)]

mod kernel;
#[allow(dead_code, reason = "shared with other programs of tests")]
#[path = "../support/support.rs"]
mod support;
