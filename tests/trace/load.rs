//! What an overlay costs, measured: real traffic between pods and between their nodes.

use serde_json::Value;

use super::lab::Lab;

#[test]
fn pods_are_measured_beside_their_nodes() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    let here = lab.here();
    let args = [
        "bench",
        "pod1",
        "pod2",
        "--time=1",
        "--count=50",
        "-o",
        "json",
        &here,
    ];
    let bench: Value = serde_json::from_str(&lab.ok(&args)).unwrap();
    assert_eq!(bench["schema"], "ovl.bench/v1");
    assert_eq!(bench["doubts"], Value::Array(Vec::new()), "{bench:#}");
    let ways = bench["ways"].as_array().unwrap();
    let said: Vec<_> = ways
        .iter()
        .map(|way| (&way["source"], &way["wrapping"], &way["path_mtu"]))
        .collect();
    assert_eq!(
        said,
        [
            (&"default/pod1".into(), &50.into(), &1450.into()),
            (&"node/host01".into(), &0.into(), &1500.into())
        ]
    );
    for way in ways {
        let trips = &way["round_trips"];
        assert_eq!(
            (&trips["sent"], &trips["answered"]),
            (&50.into(), &50.into())
        );
        let number = |value: &Value| value.as_u64().unwrap();
        assert!(number(&trips["p50_ns"]) <= number(&trips["p99_ns"]));
        assert!(number(&way["stream"]["octets"]) > 1_000_000, "{way:#}");
        let packets = &way["packets"];
        assert!(number(&packets["received"]) > 100, "{way:#}");
        assert!(number(&packets["received"]) <= number(&packets["sent"]));
    }
    // Nothing listens any more.
    let sockets = lab.on("host02", "ss -Hltun");
    let of_node = sockets
        .lines()
        .filter(|line| line.contains("192.168.61.12:"));
    assert_eq!(of_node.count(), 0, "{sockets}");
}

#[test]
fn without_load_only_round_trips_are_measured() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let here = lab.here();
    let bench: Value = serde_json::from_str(&lab.ok(&[
        "bench",
        "pod1",
        "pod2",
        "--idle",
        "--count=20",
        "-o",
        "json",
        &here,
    ]))
    .unwrap();
    let pods = &bench["ways"][0];
    assert_eq!(pods["round_trips"]["answered"], 20);
    assert_eq!(
        (&pods["stream"], &pods["packets"]),
        (&Value::Null, &Value::Null)
    );
    let wrong = lab.run(&["bench", "pod1", "svc/web", &here]);
    assert_eq!(wrong.status.code(), Some(2));
}
