//! What a whole trace takes between two nodes of a lab, from the start of the program to its end: both nodes read, taps
//! opened, three packets sent and answered, and told what became of them at every device.
//!
//! The fastest of several runs counts, since a busy machine only ever adds; the median stands beside it.
//! `OVL_BENCH_RUNS` sets another number of runs.

// A benchmark reports by printing and fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr, unreachable_pub, dead_code)]

#[path = "../tests/support/support.rs"]
mod support;

use std::time::{Duration, Instant};

use support::lab::Lab;

fn main() {
    let runs: usize = std::env::var("OVL_BENCH_RUNS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(25);
    println!(
        "{:<44} {:>9} {:>9}   goal",
        format!("the whole command, {runs} runs"),
        "fastest",
        "median"
    );
    for profile in ["calico", "flannel"] {
        let Some(lab) = Lab::up(profile, 2) else {
            return;
        };
        let here = lab.here();
        let file = lab.path("saved.json.zst");
        let file = file.to_str().unwrap();
        lab.ok(&["snapshot", "-o", file, &here]);
        // By hand: the same three packets, and a look at the tables of one of the two nodes.
        let by_hand =
            "ip route get 192.168.61.12; ip neigh; bridge fdb; nft list ruleset; iptables-save";
        for (what, goal, args) in [
            (
                "trace pod1 pod2",
                "400 ms",
                vec!["trace", "pod1", "pod2", &here],
            ),
            (
                "trace pod1 pod2 --static",
                "",
                vec!["trace", "pod1", "pod2", "--static", &here],
            ),
            (
                "trace pod1 pod2 --from FILE",
                "",
                vec!["trace", "pod1", "pod2", "--from", file],
            ),
            ("check --probe", "", vec!["check", "--probe", &here]),
            (
                "by hand: tables of one node",
                "",
                vec![
                    "lab",
                    "--lab",
                    lab.name(),
                    "exec",
                    "host01",
                    "--",
                    "sh",
                    "-c",
                    by_hand,
                ],
            ),
        ] {
            let mut times: Vec<Duration> = (0..runs)
                .map(|_| {
                    let begun = Instant::now();
                    lab.ok(&args);
                    begun.elapsed()
                })
                .collect();
            times.sort_unstable();
            println!(
                "{:<44} {:>9} {:>9}   {goal}",
                format!("{profile}: {what}"),
                ms(times[0]),
                ms(times[runs / 2])
            );
        }
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
