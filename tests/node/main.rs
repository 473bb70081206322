//! A node seen by `ovl`, held against what the system's own tools say of it. Every node here is in namespaces
//! that the test made.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stderr, unreachable_pub)]

mod answers;
mod capture;
#[path = "../containerd/cgroups.rs"]
mod cgroups;
mod containerd;
#[allow(dead_code, reason = "shared with tests that ask a runtime for more")]
#[path = "../containerd/cri.rs"]
mod cri;
mod findings;
mod kernel;
mod labs;
mod machine;
mod saved;
mod schemas;
