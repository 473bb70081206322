//! Healthy networks: the way is right to the last device, every packet is seen at every hop, nothing is found,
//! and nothing is changed.

use serde_json::Value;

use super::support::lab::Lab;

/// What a trace between two healthy pods must say.
#[track_caller]
fn assert_healthy(trace: &Value, code: i32, sent: u64, last: &str) {
    let say = || serde_json::to_string_pretty(trace).unwrap();
    assert_eq!(trace["findings"], Value::Array(Vec::new()), "{}", say());
    assert_eq!(trace["doubts"], Value::Array(Vec::new()), "{}", say());
    assert_eq!(trace["probes"]["sent"], sent);
    assert_eq!(trace["probes"]["answered"], sent, "{}", say());
    assert_eq!(code, 0);
    for leg in ["out", "back"] {
        let leg = &trace[leg];
        let sights = leg["sights"].as_array().unwrap();
        let hops = leg["hops"].as_array().unwrap();
        assert_eq!(sights.len(), hops.len());
        for (hop, sight) in hops.iter().zip(sights) {
            assert_eq!(sight["seen"], sent, "{hop:#} {}", say());
        }
        assert!(leg["end"]["delivered"].is_object());
    }
    let end = &trace["out"]["hops"].as_array().unwrap().last().unwrap()["at"];
    assert_eq!(end["name"], last);
    assert_eq!(end["device"]["name"], "eth0");
}

fn healthy(profile: &str, nodes: u8) {
    let Some(lab) = Lab::up(profile, nodes) else {
        return;
    };
    let here = lab.here();
    for (from, to) in [("pod1", "pod2"), ("pod2", "pod3"), ("pod3", "pod1")] {
        let (trace, code) = lab.trace(&[from, to, &here]);
        assert_healthy(&trace, code, 3, &format!("default/{to}"));
    }
    let (trace, code) = lab.trace(&["pod1", "pod2", "--count", "5", "--interval", "0.002", &here]);
    assert_healthy(&trace, code, 5, "default/pod2");
    // Larger than any device takes, a packet goes in pieces, each of which fits.
    for (from, to) in [("pod1", "pod2"), ("node/host01", "pod2")] {
        let (trace, code) = lab.trace(&[from, to, "--size", "4000", &here]);
        assert_healthy(&trace, code, 3, "default/pod2");
    }
}

#[test]
fn routed_pods() {
    healthy("calico", 3);
}

#[test]
fn pods_on_one_flat_network() {
    healthy("weave", 3);
}

#[test]
fn pods_routed_into_vxlan() {
    healthy("flannel", 3);
}

#[test]
fn pods_across_subnets_of_nodes() {
    healthy("crosssubnet", 3);
}

#[test]
fn what_is_advised_of_a_packet_that_is_too_large_fits() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    let here = lab.here();
    for (proto, fits) in [("icmp", 1422), ("udp:9", 1422)] {
        let sized = |size: u32| {
            let size = size.to_string();
            lab.trace(&[
                "pod1", "pod2", "--df", "--size", &size, "--proto", proto, &here,
            ])
        };
        let (trace, code) = sized(fits + 1);
        let finding = &trace["findings"][0];
        assert_eq!((code, &finding["id"]), (1, &"packet-above-own-mtu".into()));
        let fix = finding["fix"].as_str().unwrap();
        assert_eq!(
            fix,
            format!("ask with --size {fits} or less, or without --df")
        );
        let (trace, _) = sized(fits);
        assert_ne!(
            trace["findings"][0]["id"], "packet-above-own-mtu",
            "{proto}"
        );
    }
}

#[test]
fn nothing_is_changed_by_looking() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    let here = lab.here();
    // The first packets make neighbours known, which is their doing and not the trace's.
    lab.ok(&["trace", "pod1", "pod2", &here]);
    let (before, after) = (lab.path("before.json"), lab.path("after.json"));
    let (before, after) = (before.to_str().unwrap(), after.to_str().unwrap());
    lab.ok(&["snapshot", "-o", before, &here]);
    lab.ok(&["trace", "pod1", "pod2", &here]);
    lab.ok(&["trace", "pod1", "pod2", "--static", &here]);
    lab.ok(&["snapshot", "-o", after, &here]);
    let changes: Value =
        serde_json::from_str(&lab.ok(&["diff", "-o", "json", before, after])).unwrap();
    assert_eq!(changes["changes"], Value::Array(Vec::new()), "{changes:#}");
    for node in ["host01", "host02"] {
        assert_eq!(lab.packet_sockets(node), 0, "{node}");
    }
}
