//! Profiles laid out.

use super::*;

const ROUTED: &str =
    "[network]\nname = \"net\"\nmode = \"routed\"\npools = [{ cidr = \"172.31.0.0/16\" }]\n";

fn parse(head: &str) -> Result<Topology, Error> {
    Topology::parse(&format!("{head}\n{ROUTED}"))
}

#[test]
fn what_is_left_out_is_filled_in() {
    let topology = parse(
        r#"
        subnet = [{ cidr = ["192.168.61.0/24", "fd00:61::/64"] }]
        node = [{ name = "host01" }, { name = "host02", address = "192.168.61.200" }]
        "#,
    )
    .unwrap();
    let addresses = |n: usize| {
        topology.nodes[n]
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(addresses(0), ["192.168.61.11/24", "fd00:61::11/64"]);
    assert_eq!(addresses(1), ["192.168.61.200/24"]);
    assert_eq!(topology.nodes[0].device, "enp0s8");
    assert!(topology.nodes[0].mac.to_string().starts_with("08:00:27:"));
    assert_ne!(topology.nodes[0].mac, topology.nodes[1].mac);
    assert_eq!(topology.subnets[0].mtu, 1500);
    assert!(topology.router_addresses().is_empty());
}

#[test]
fn hosts_of_two_subnets_are_counted_apart_and_joined_by_a_router() {
    let topology = parse(
        r#"
        subnet = [{ name = "a", cidr = "192.168.61.0/24" }, { name = "b", cidr = "192.168.62.0/24" }]
        node = [{ name = "h1", subnet = "b" }, { name = "h2", subnet = "a" }, { name = "h3", subnet = "b" }]
        "#,
    )
    .unwrap();
    let addresses: Vec<_> = topology
        .nodes
        .iter()
        .map(|n| n.addresses[0].to_string())
        .collect();
    assert_eq!(
        addresses,
        ["192.168.62.11/24", "192.168.61.11/24", "192.168.62.12/24"]
    );
    let routers = topology.router_addresses();
    assert_eq!(routers[1].1[0].to_string(), "192.168.62.1/24");
}

#[test]
fn contradictions_are_named() {
    let subnet = r#"subnet = [{ cidr = "192.168.61.0/24" }]"#;
    let wrong = [
        ("node = []", "no node"),
        (
            r#"node = [{ name = "a" }, { name = "a" }]"#,
            "name a is taken",
        ),
        (r#"node = [{ name = "switch" }]"#, "name switch is taken"),
        (r#"node = [{ name = "../x" }]"#, "is no name for a node"),
        (r#"node = [{ name = "a", subnet = "b" }]"#, "no subnet b"),
        (
            r#"node = [{ name = "a", address = "10.0.0.1" }]"#,
            "not in its subnet",
        ),
        (
            r#"node = [{ name = "a", device = "a-name-too-long-" }]"#,
            "name of a device",
        ),
        (
            r#"node = [{ name = "a", block = "172.31.0.0/24" }]"#,
            "no block of a pool",
        ),
        (
            r#"node = [{ name = "a", block = "172.31.0.0/26" }, { name = "b", block = "172.31.0.0/26" }]"#,
            "both a's and b's",
        ),
        (
            r#"node = [{ name = "a", colour = "red" }]"#,
            "unknown field `colour`",
        ),
    ];
    for (node, expected) in wrong {
        let error = parse(&format!("{subnet}\n{node}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{node}: {error}");
    }
    let node = r#"node = [{ name = "a" }]"#;
    for (subnet, expected) in [
        (r#"[{ cidr = "172.31.1.0/24" }]"#, "overlaps subnet"),
        (
            r#"[{ cidr = ["10.0.0.0/24", "10.0.1.0/24"] }]"#,
            "one prefix",
        ),
        (r#"[{ cidr = "10.0.0.0/24", mtu = 60 }]"#, "between 576"),
        (r#"[{ cidr = "fd00::/64", mtu = 1279 }]"#, "between 1280"),
        (
            r#"[{ cidr = "10.0.0.0/8" }, { cidr = "10.1.0.0/16" }]"#,
            "overlap",
        ),
        (r#"[{ cidr = "10.0.0.0" }]"#, "expected an address"),
    ] {
        let error = parse(&format!("subnet = {subnet}\n{node}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{subnet}: {error}");
    }
}

#[test]
fn labels_are_those_of_kubernetes() {
    for good in ["a", "pod1", "a-b", &"x".repeat(63)] {
        assert!(is_label(good), "{good}");
    }
    for bad in ["", "-a", "a-", "A", "a.b", "a/b", "..", &"x".repeat(64)] {
        assert!(!is_label(bad), "{bad}");
    }
}
