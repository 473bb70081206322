//! Traces and what they are made of, with real packets between namespaces that the tests make.

// A test fails by panicking and reports by printing, in its helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod clocks;
mod deaths;
mod dual;
mod handmade;
mod healthy;
mod mesh;
mod probes;
mod programs;
mod results;
mod saved;
#[allow(dead_code, reason = "shared with other programs of tests")]
#[path = "../support/support.rs"]
mod support;
mod tables;
mod unnamed;
mod via;
mod watching;
