//! What the decoder says about captures, against what tcpdump says.

// A test fails by panicking and reports by printing, in its helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../../fuzz/body.rs"]
mod body;
mod carried;
mod cross_check;
mod files;
mod generator;
mod golden;
mod heads;
mod kube;
mod limits;
mod mutation;
mod oracle;
mod program;
