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
mod lab;
mod mesh;
mod probes;
mod programs;
mod results;
mod saved;
mod space;

// What is not used here is used by the tests of labs.
#[allow(dead_code)]
#[path = "../lab/support.rs"]
mod support;
mod tables;
mod unnamed;
mod watching;
