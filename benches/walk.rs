//! How fast packets are walked: pods to pods on 1,000 nodes with 50 pods each, routed, without recording the way.
//!
//! One core, in processor time. The model is made by code: a block route and a neighbour for each other node, a route for each pod.
//! `OVL_BENCH_NODES` sets another number of nodes. First in random pairs, where nearly every table is cold, then
//! from each pod in turn, as a check of all pairs goes.

// A benchmark reports by printing and fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout)]

#[allow(dead_code, reason = "not all of it is used by every benchmark")]
#[path = "models/thousand.rs"]
mod thousand;

use std::time::Duration;

use ovl::model::NetnsId;
use ovl::walk::{Network, Origin, Packet};
use thousand::{Kind, PODS, bundle, name, pod_address};

const PACKETS: u32 = 1_000_000;
const GOAL: f64 = 300_000.0;

fn main() {
    let nodes: u32 = std::env::var("OVL_BENCH_NODES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(1000);
    let before = resident_mib();
    let bundle = bundle(Kind::Routed, nodes);
    let model = resident_mib();
    let begun = cpu_time();
    let network = Network::new(&bundle);
    println!("{nodes} nodes, {} pods", nodes * PODS);
    println!(
        "index      {:>9.1} ms",
        (cpu_time() - begun).as_secs_f64() * 1e3
    );

    let spaces: Vec<_> = (0..nodes)
        .flat_map(|node| (0..PODS).map(move |pod| (node, pod)))
        .map(|(node, pod)| {
            network
                .space(&name(node), NetnsId(u64::from(pod) + 2))
                .unwrap()
        })
        .collect();
    let walk = |from: u32, to: u32| {
        let packet = Packet::echo(
            pod_address(from / PODS, from % PODS),
            pod_address(to / PODS, to % PODS),
        );
        let origin = Origin {
            space: spaces[from as usize],
            goal: Some(spaces[to as usize]),
        };
        let end = network.end(origin, &packet);
        assert_eq!(end, Ok(spaces[to as usize]), "{from} to {to}");
    };
    let all = nodes * PODS;
    let mut seed: u64 = 1;
    let mut random = || {
        // MMIX (Knuth): good enough to pick pods by its upper bits.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((seed >> 33) % u64::from(all)).unwrap()
    };
    // Orders the tables of every namespace.
    let begun = cpu_time();
    for pod in 0..all {
        walk(pod, (pod + PODS) % all);
    }
    println!(
        "warm       {:>9.1} ms, every table ordered",
        (cpu_time() - begun).as_secs_f64() * 1e3
    );
    let network_mib = resident_mib() - model;

    let begun = cpu_time();
    for _ in 0..PACKETS {
        walk(random(), random());
    }
    report("random", begun);
    let begun = cpu_time();
    for number in 0..PACKETS {
        walk(number / all * PODS % all, number % all);
    }
    report("in turn", begun);
    println!(
        "memory     {:>9} MiB for the snapshots, {network_mib} MiB for the network",
        model - before
    );
}

fn report(what: &str, begun: Duration) {
    let rate = f64::from(PACKETS) / (cpu_time() - begun).as_secs_f64();
    println!("{what:<10} {rate:>9.0} packets/s   goal {GOAL:.0}");
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
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}
