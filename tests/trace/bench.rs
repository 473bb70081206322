//! Measurements: what they say of a network that wraps, of one that loses, and that nothing stays.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::support::lab::Lab;

fn bench(lab: &Lab, args: &[&str]) -> (Value, i32) {
    let here = lab.here();
    let mut all = vec!["bench", "-o", "json", "--echoes=50", &here];
    all.extend(args);
    let output = lab.run(&all);
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (document, output.status.code().unwrap())
}

/// Sockets that wait for load in the pod's namespace: TCP listeners and UDP sockets.
fn receivers(lab: &Lab, pod: &str) -> usize {
    ["tcp", "udp"]
        .iter()
        .flat_map(|table| {
            let text = lab.on(pod, &format!("cat /proc/net/{table}"));
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        })
        // 0A is TCP_LISTEN; an unconnected UDP socket is 07, TCP_CLOSE.
        .filter(|line| matches!(line.split_whitespace().nth(3), Some("0A" | "07")))
        .count()
}

#[test]
fn pods_are_measured_beside_their_nodes() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    let (bench, code) = bench(&lab, &["pod1", "pod2", "--rate=200"]);
    assert_eq!(code, 0, "{bench:#}");
    let ways = [("pods", 1450, 50), ("nodes", 1500, 0)];
    for (way, mtu, wrapping) in ways {
        let way = &bench[way];
        assert_eq!(way["path_mtu"], mtu, "{way:#}");
        assert_eq!(way["wrapping"], wrapping, "{way:#}");
        let trips = &way["round_trips"]["known"];
        assert_eq!(trips["answered"], 50, "{way:#}");
        assert!(trips["min_ns"].as_u64() <= trips["p50_ns"].as_u64());
        assert!(trips["p50_ns"].as_u64() <= trips["max_ns"].as_u64());
        let tcp = &way["tcp"]["known"];
        // 20 octets of TCP, 12 of timestamps, 20 of IP.
        assert_eq!(tcp["segment"], mtu - 52, "{way:#}");
        let bits = tcp["bits_per_second"].as_u64().unwrap();
        assert!(
            (1_000_000..=230_000_000).contains(&bits),
            "{bits} bits a second of 200 million"
        );
        let udp = &way["udp"]["known"];
        assert!(udp["received"].as_u64() > Some(0), "{way:#}");
        assert!(udp["received"].as_u64() <= udp["sent"].as_u64());
        // 18 octets of payload: 200 Mbit/s are 1.4 million a second.
        assert!(udp["sent_per_second"].as_u64() < Some(1_500_000));
    }
    assert_eq!(receivers(&lab, "pod2"), 0);
}

#[test]
fn what_is_lost_is_no_number() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    lab.on("pod2", "iptables -A INPUT -p udp -j DROP");
    let (bench, code) = bench(&lab, &["pod1", "pod2", "--rate=20"]);
    assert_eq!(code, 1, "{bench:#}");
    let lost = bench["pods"]["udp"]["lost"].as_str().unwrap();
    assert!(lost.ends_with("datagrams arrived"), "{lost}");
    assert!(bench["pods"]["tcp"]["known"].is_object(), "{bench:#}");
    assert!(bench["nodes"]["udp"]["known"].is_object(), "{bench:#}");
}

#[test]
fn a_measurement_that_is_killed_leaves_no_receiver() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let mut running = lab.start(&[
        "bench",
        "pod1",
        "pod2",
        "--seconds=30",
        "--echoes=1",
        "--rate=1",
        &lab.here(),
    ]);
    let wait = |what: &str, wanted: bool| {
        let begun = Instant::now();
        while (receivers(&lab, "pod2") > 0) != wanted {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "waited too long for {what}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait("the receiver", true);
    running.0.kill().unwrap();
    wait("its end", false);
}
