//! Networks that no profile has.

use super::support::lab::Lab;
use super::support::{can_run, needs};

/// IPv6: 40 octets of header and 8 of ICMPv6.
const V6_HEADERS: u32 = 48;
const V4_HEADERS: u32 = 28;

/// Two hosts, two pods; both families both ways, to the last octet and no further.
fn assert_dual_stack(lab: &Lab, mtu: u32) {
    needs("ping", "iputils-ping");
    let there = lab.pod("there", "b", &[]);
    let here = lab.pod("here", "a", &[]);
    assert_eq!((here.len(), there.len()), (2, 2), "{here:?} {there:?}");
    for (from, addresses) in [("here", there), ("there", here)] {
        for address in addresses {
            let headers = if address.contains(':') {
                V6_HEADERS
            } else {
                V4_HEADERS
            };
            lab.ping(from, &address, mtu - headers).unwrap();
            lab.ping(from, &address, mtu - headers + 1).unwrap_err();
        }
    }
}

fn dual_stack(subnet: &str, network: &str) -> String {
    format!(
        r#"
        subnet = [{{ {subnet} }}]
        node = [{{ name = "a" }}, {{ name = "b" }}]
        [network]
        name = "pods"
        pools = [{{ cidr = "172.31.0.0/16" }}, {{ cidr = "fd00:31::/48" }}]
        {network}
        "#
    )
}

const BOTH: &str = r#"cidr = ["192.168.61.0/24", "fd00:61::/64"]"#;

#[test]
fn routed_dual_stack() {
    if can_run() {
        let lab = Lab::of_topology("dual-routed", &dual_stack(BOTH, r#"mode = "routed""#));
        assert_dual_stack(&lab, 1500);
        lab.down();
    }
}

#[test]
fn routed_in_vxlan_dual_stack() {
    if can_run() {
        let network = "mode = \"routed\"\nencap = \"always\"";
        let lab = Lab::of_topology("dual-always", &dual_stack(BOTH, network));
        assert_dual_stack(&lab, 1450);
        lab.down();
    }
}

#[test]
fn flat_dual_stack() {
    if can_run() {
        let lab = Lab::of_topology("dual-flat", &dual_stack(BOTH, r#"mode = "flat""#));
        assert_dual_stack(&lab, 1450);
        lab.down();
    }
}

#[test]
fn subnets_dual_stack_with_jumbo_frames() {
    if can_run() {
        let subnet = format!("{BOTH}, mtu = 9000");
        let lab = Lab::of_topology("dual-jumbo", &dual_stack(&subnet, r#"mode = "subnets""#));
        assert_dual_stack(&lab, 8950);
        lab.down();
    }
}

#[test]
fn vxlan_over_an_ipv6_underlay() {
    if can_run() {
        let subnet = r#"cidr = "fd00:61::/64""#;
        for (name, mode) in [("six-flat", "flat"), ("six-subnets", "subnets")] {
            let lab = Lab::of_topology(name, &dual_stack(subnet, &format!("mode = \"{mode}\"")));
            let nodes = lab.json("a", "ip -j -4 addr show dev enp0s8");
            assert!(
                nodes.is_empty(),
                "there is no IPv4 on the underlay: {nodes:?}"
            );
            assert_dual_stack(&lab, 1430);
            lab.down();
        }
    }
}

#[test]
fn a_wrong_topology_is_refused_and_leaves_nothing() {
    let lab = Lab::prepared("wrong");
    let file = lab.write(
        "topology.toml",
        "subnet = [{ cidr = \"10.0.0.0/24\" }]\nnode = []\n",
    );
    let error = lab.fails(&["lab", "up", "--file", file.to_str().unwrap()]);
    assert!(
        error.contains("topology.toml") && error.contains("network"),
        "{error}"
    );
    lab.assert_gone();
}

#[test]
fn a_network_that_an_agent_refuses_fails_with_the_agents_words_and_leaves_nothing() {
    if !can_run() {
        return;
    }
    let lab = Lab::prepared("refused");
    let network = "mode = \"flat\"\nmtu = 1500";
    let file = lab.write("topology.toml", &dual_stack(BOTH, network));
    let error = lab.fails(&["lab", "up", "--file", file.to_str().unwrap()]);
    assert!(
        error.contains("the agent of a") && error.contains("1450"),
        "{error}"
    );
    lab.assert_gone();
}
