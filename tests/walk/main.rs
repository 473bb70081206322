//! Walking packets through snapshots, held against what kernels do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stderr, unreachable_pub, dead_code)]

mod kernel;
#[path = "../node/machine.rs"]
mod machine;
