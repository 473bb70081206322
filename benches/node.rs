//! What it takes to see a node with 250 pods, beside the pipeline of `crictl`'s questions and `ip` that one
//! would type by hand.
//!
//! A real containerd runs the pods, on the standard `bridge` plugin. The fastest of several runs counts, since a
//! busy machine only ever adds. `OVL_BENCH_PODS` sets another number of pods.

// A benchmark reports by printing and fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr, unreachable_pub, dead_code)]

#[path = "../tests/node/containerd.rs"]
mod containerd;
#[path = "../tests/support/support.rs"]
mod support;

use std::time::{Duration, Instant};

use containerd::{BRIDGE, Node};
use support::OVL;

/// Runs of each command.
const RUNS: usize = 15;

fn main() {
    let pods: usize = std::env::var("OVL_BENCH_PODS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(250);
    let Some(mut node) = Node::new("bridged", BRIDGE) else {
        return;
    };
    let few = 10.min(pods);
    let names: Vec<String> = (0..pods).map(|number| format!("pod{number}")).collect();
    let ids = node.pods(&names[..few]);
    let with_few = measure(&node);
    node.pods(&names[few..]);
    let with_all = measure(&node);
    let by_hand = pipeline(&node, &ids[0]);

    println!(
        "{:<26} {:>9} {:>9}   goal",
        "",
        format!("{few} pods"),
        format!("{pods} pods")
    );
    let goals = ["30 ms", "", "150 ms", "1000 ms"];
    for ((few, all), goal) in with_few.iter().zip(&with_all).zip(goals) {
        let few = few.1;
        println!("{:<26} {:>9} {:>9}   {goal}", all.0, ms(few), ms(all.1));
    }
    println!(
        "{:<26} {:>9} {:>9}   ten times ovl pod",
        "the same by hand",
        "",
        ms(by_hand)
    );
    println!(
        "ovl snapshot: {} MiB resident at most, goal 100",
        peak(&node)
    );
    let pod = with_all[0].1;
    println!(
        "by hand / ovl pod = {:.1}",
        by_hand.as_secs_f64() / pod.as_secs_f64()
    );
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn measure(node: &Node) -> Vec<(&'static str, Duration)> {
    [
        ("ovl pod NAME", ["pod", "default/pod0"].as_slice()),
        ("ovl pod ADDRESS", &["pod", "10.88.0.2"]),
        ("ovl pods", &["pods"]),
        ("ovl snapshot", &["snapshot", "-o", "/run/snapshot.json"]),
    ]
    .into_iter()
    .map(|(name, args)| (name, fastest(|| inside(node, args))))
    .collect()
}

fn fastest(mut run: impl FnMut() -> Duration) -> Duration {
    (0..RUNS).map(|_| run()).min().unwrap()
}

/// Runs `ovl` there, and measures from within, so that entering the machine does not count.
fn inside(node: &Node, args: &[&str]) -> Duration {
    let socket = node.socket();
    let words = [&[OVL], args, &["--cri", socket.to_str().unwrap()]]
        .concat()
        .join(" ");
    timed(node, &words)
}

fn timed(node: &Node, words: &str) -> Duration {
    let script = format!("a=$(date +%s%N); {words} >/dev/null; b=$(date +%s%N); echo $((b - a))");
    let text = node.machine.ok("bash", &["-c", &script]);
    // Two programs that tell the time are started as well; one of them falls into the measure.
    Duration::from_nanos(text.trim().parse().unwrap())
}

/// What is typed by hand to learn what `ovl pod` shows: the sandbox by its pod's name, its namespace, who lives there,
/// its addresses and devices, the other end of its pair, its routes and neighbours, and the node's routes. No more than
/// that: not whose address the gateway is, nor which plugins made it.
fn pipeline(node: &Node, id: &str) -> Duration {
    let socket = node.socket();
    // Where there is no crictl, ctr asks the same runtime as often: a list by name, and an inspection.
    let ctr = format!("ctr --address {} -n k8s.io", socket.display());
    let script = format!(
        r#"{{ POD_ID=$({ctr} containers ls -q 'labels."io.cri-containerd.kind"==sandbox,id=={id}'); \
         NETNS=$(basename $({ctr} containers info $POD_ID | jq -r '.Spec.linux.namespaces[]|select(.type=="network").path')); \
         ps $(ip netns pids $NETNS); ip netns exec $NETNS ip addr; ip netns exec $NETNS ip link; ip link | grep -B 1 $NETNS; \
         ip netns exec $NETNS ip route; ip netns exec $NETNS ip neigh; ip route; }}"#
    );
    let shown = node.machine.ok("bash", &["-c", &script]);
    for seen in ["inet ", "link-netns ", "default via "] {
        assert!(
            shown.contains(seen),
            "{seen} is not in what is typed by hand: {shown}"
        );
    }
    let begun = Instant::now();
    let time = fastest(|| timed(node, &script));
    assert!(begun.elapsed() > time);
    time
}

/// The most memory that a snapshot took, in MiB.
fn peak(node: &Node) -> u64 {
    let socket = node.socket();
    let script = format!(
        "{OVL} snapshot -o /run/snapshot.json --cri {} & p=$!; m=0; while kill -0 $p 2>/dev/null; do \
         n=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$p/status 2>/dev/null); [ -n \"$n\" ] && m=$n; done; echo $m",
        socket.display()
    );
    node.machine
        .ok("bash", &["-c", &script])
        .trim()
        .parse::<u64>()
        .unwrap()
        / 1024
}
