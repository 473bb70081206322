//! How long `ovl check` takes to hold 1,000 nodes with 50 pods each against each other, and how much memory.
//!
//! One core, in processor time, without the reading of files. `OVL_BENCH_NODES` sets another number of nodes;
//! `OVL_BENCH_WRITE=FILE` writes the routed one as a bundle, for `ovl check --from FILE`.

// A benchmark reports by printing and fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout)]

#[allow(dead_code, reason = "not all of it is used by every benchmark")]
#[path = "models/thousand.rs"]
mod thousand;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Duration;

use ovl::diagnose;
use thousand::{Kind, PODS, bundle};

fn main() {
    let nodes: u32 = std::env::var("OVL_BENCH_NODES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(1000);
    println!(
        "{nodes} nodes, {} pods, {} pairs of nodes",
        nodes * PODS,
        u64::from(nodes) * u64::from(nodes - 1) / 2
    );
    for (name, kind) in [("routed", Kind::Routed), ("wrapped", Kind::Wrapped)] {
        let bundle = bundle(kind, nodes);
        if let (Ok(path), Kind::Routed) = (std::env::var("OVL_BENCH_WRITE"), kind) {
            let mut file = BufWriter::new(File::create(path).unwrap());
            serde_json::to_writer(&mut file, &bundle).unwrap();
            file.flush().unwrap();
        }
        let model = resident_mib();
        let begun = cpu_time();
        let report = diagnose::check(&bundle);
        let took = cpu_time() - begun;
        assert!(report.findings.is_empty(), "{:#?}", report.findings.first());
        println!(
            "{name:<8} {:>8.2} s   {model} MiB for the snapshots, at most {} MiB more for the check",
            took.as_secs_f64(),
            peak_mib().saturating_sub(model)
        );
    }
}

/// Processor time, so that a busy machine does not decide.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

fn resident_mib() -> u64 {
    status("VmRSS")
}

fn peak_mib() -> u64 {
    status("VmHWM")
}

fn status(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}
