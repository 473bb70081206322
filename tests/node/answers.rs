//! Who answers for a pod's gateway: the kernel is asked too, by a packet.

use serde_json::Value;

use crate::support::OVL;
use crate::support::machine::Machine;

/// A routed pod, and one behind a bridge.
const NETWORK: &str = "
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link add up0 type veth peer name up1
ip addr add 192.168.61.11/24 dev up0
ip link set up0 up; ip link set up1 up
ip route add default via 192.168.61.1 dev up0
for pod in cni-a cni-b; do ip netns add $pod; ip -n $pod link set lo up; done
ip link add cali-b type veth peer name eth0 netns cni-b
ip link set cali-b address ee:ee:ee:ee:ee:ee up
echo 1 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp
# An answer for others waits up to 0.8 seconds otherwise.
echo 0 > /proc/sys/net/ipv4/neigh/cali-b/proxy_delay
ip -n cni-b addr add 10.2.0.2/32 dev eth0
ip -n cni-b link set eth0 up
ip -n cni-b route add 169.254.1.1 dev eth0 scope link
ip -n cni-b route add default via 169.254.1.1 dev eth0
ip route add 10.2.0.2 dev cali-b scope link
ip link add br0 type bridge
ip addr add 10.1.0.1/24 dev br0
ip link set br0 up
ip link add veth-a type veth peer name eth0 netns cni-a
ip link set veth-a master br0 up
ip -n cni-a addr add 10.1.0.2/24 dev eth0
ip -n cni-a link set eth0 up
ip -n cni-a route add default via 10.1.0.1
";

/// What is done, how it is undone, and the pod that is cut off from its gateway by it, if any.
const CHANGES: &[(&str, &str, Option<&str>)] = &[
    ("true", "true", None),
    (
        "echo 0 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp",
        "echo 1 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp",
        Some("cni-b"),
    ),
    (
        "echo 0 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp; echo 1 > /proc/sys/net/ipv4/conf/all/proxy_arp",
        "echo 1 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp; echo 0 > /proc/sys/net/ipv4/conf/all/proxy_arp",
        None,
    ),
    (
        "echo 0 > /proc/sys/net/ipv4/conf/cali-b/forwarding",
        "echo 1 > /proc/sys/net/ipv4/conf/cali-b/forwarding",
        Some("cni-b"),
    ),
    (
        "ip route del default",
        "ip route add default via 192.168.61.1 dev up0",
        Some("cni-b"),
    ),
    (
        "ip route del default; ip route add 169.254.0.0/16 dev up0",
        "ip route add default via 192.168.61.1 dev up0; ip route del 169.254.0.0/16 dev up0",
        None,
    ),
    (
        "ip route add 169.254.1.1 dev cali-b",
        "ip route del 169.254.1.1 dev cali-b",
        Some("cni-b"),
    ),
    (
        "ip route add blackhole 169.254.0.0/16",
        "ip route del blackhole 169.254.0.0/16",
        Some("cni-b"),
    ),
    (
        "ip route del default; ip route add default via 192.168.61.1 dev up0 table 100; ip rule add not from 10.9.0.0/16 iif br0 lookup 100",
        "ip route add default via 192.168.61.1 dev up0; ip route flush table 100; ip rule del not from 10.9.0.0/16 iif br0",
        None,
    ),
    (
        "ip rule add iif cali-b lookup 100; ip route add 169.254.1.1 dev cali-b table 100",
        "ip rule del iif cali-b; ip route flush table 100",
        Some("cni-b"),
    ),
    (
        "ip route del 10.2.0.2 dev cali-b; echo 1 > /proc/sys/net/ipv4/conf/cali-b/rp_filter",
        "ip route add 10.2.0.2 dev cali-b scope link; echo 0 > /proc/sys/net/ipv4/conf/cali-b/rp_filter",
        Some("cni-b"),
    ),
    (
        "ip route del 10.2.0.2 dev cali-b",
        "ip route add 10.2.0.2 dev cali-b scope link",
        None,
    ),
    (
        "ip route del 10.2.0.2 dev cali-b; echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter",
        "ip route add 10.2.0.2 dev cali-b scope link; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter",
        Some("cni-b"),
    ),
    (
        "ip addr add 10.2.0.2/32 dev lo",
        "ip addr del 10.2.0.2/32 dev lo",
        Some("cni-b"),
    ),
    (
        "ip addr add 169.254.1.1/32 dev lo; echo 0 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp",
        "ip addr del 169.254.1.1/32 dev lo; echo 1 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp",
        None,
    ),
    (
        "ip addr add 169.254.1.1/32 dev lo; echo 1 > /proc/sys/net/ipv4/conf/cali-b/arp_ignore",
        "ip addr del 169.254.1.1/32 dev lo; echo 0 > /proc/sys/net/ipv4/conf/cali-b/arp_ignore",
        Some("cni-b"),
    ),
    (
        "echo 0 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp; ip neigh add proxy 169.254.1.1 dev cali-b",
        "echo 1 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp; ip neigh del proxy 169.254.1.1 dev cali-b",
        None,
    ),
    (
        "ip link set cali-b arp off",
        "ip link set cali-b arp on",
        Some("cni-b"),
    ),
    (
        "ip link set cali-b down",
        "ip link set cali-b up; ip route add 10.2.0.2 dev cali-b scope link",
        Some("cni-b"),
    ),
    (
        "ip addr del 10.1.0.1/24 dev br0",
        "ip addr add 10.1.0.1/24 dev br0",
        Some("cni-a"),
    ),
    (
        "ip addr del 10.1.0.1/24 dev br0; ip addr add 10.1.0.1/32 dev lo; ip route add 10.1.0.0/24 dev br0",
        "ip addr del 10.1.0.1/32 dev lo; ip route del 10.1.0.0/24 dev br0; ip addr add 10.1.0.1/24 dev br0",
        None,
    ),
    // The loopback takes the whole network for the node's own, and so the pod's question for forged.
    (
        "ip addr del 10.1.0.1/24 dev br0; ip addr add 10.1.0.1/24 dev lo; ip route add 10.1.0.0/24 dev br0",
        "ip addr del 10.1.0.1/24 dev lo; ip route del 10.1.0.0/24 dev br0; ip addr add 10.1.0.1/24 dev br0",
        Some("cni-a"),
    ),
    // For half a minute the port only listens.
    (
        "ip link set veth-a down; ip link set br0 type bridge stp_state 1; ip link set veth-a up",
        "ip link set br0 type bridge stp_state 0; ip link set veth-a down; ip link set veth-a up",
        Some("cni-a"),
    ),
    ("ip link set br0 down", "ip link set br0 up", Some("cni-a")),
];

#[test]
fn what_is_said_of_gateways_is_what_the_kernel_does() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.sh(NETWORK);
    for (change, undo, cut_off) in CHANGES {
        machine.sh(change);
        let node: ovl::model::Node = serde_json::from_str(&machine.ovl(&["snapshot"])).unwrap();
        for (pod, gateway, device) in [
            ("cni-a", "10.1.0.1", "veth-a"),
            ("cni-b", "169.254.1.1", "cali-b"),
        ] {
            let answered = answers(&machine, pod, gateway);
            assert_eq!(!answered, *cut_off == Some(pod), "{pod} after {change}");
            let text = machine.ovl(&["pod", device, "-o", "json"]);
            let report: Value = serde_json::from_str(&text).unwrap();
            let shown = &report["gateways"][0]["answer"];
            let by = shown["by"].as_str().unwrap();
            let from_all = of_snapshot(&node, pod);
            assert_eq!(
                ["owner", "proxy-arp"].contains(&from_all.as_str()),
                answered,
                "{pod} after {change}: {shown} and {from_all}"
            );
            // One pod's look may leave open what the whole node tells, and never says otherwise.
            assert!(
                by == from_all || by == "unknown",
                "{pod} after {change}: {shown}, {from_all}"
            );
        }
        machine.sh(undo);
    }
}

/// Whether the pod gets a link-layer address for its gateway.
fn answers(machine: &Machine, pod: &str, gateway: &str) -> bool {
    machine.sh(&format!(
        "ip -n {pod} neigh flush all; ip netns exec {pod} ping -c 1 -W 0.3 {gateway} >/dev/null 2>&1 || true"
    ));
    let rows = machine.json("ip", &["-n", pod, "-j", "neigh", "show", gateway]);
    rows.as_array()
        .unwrap()
        .iter()
        .any(|row| row.get("lladdr").is_some())
}

fn of_snapshot(node: &ovl::model::Node, pod: &str) -> String {
    let path = format!("/run/netns/{pod}");
    let netns = node
        .namespaces
        .iter()
        .find(|netns| netns.paths.contains(&path))
        .unwrap();
    let fib = node.root().map(ovl::walk::fib::Fib::new);
    let gateways = ovl::inspect::gateway::gateways(node, fib.as_ref(), netns);
    let answer = serde_json::to_value(&gateways[0].answer).unwrap();
    answer["by"].as_str().unwrap().to_owned()
}

#[test]
fn routes_that_were_not_read_whole_leave_the_answer_open() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.sh(NETWORK);
    machine.sh("ip route del default");
    let mut node: Value = machine.json(OVL, &["snapshot", "--cri", "none"]);
    let routes = &mut node["namespaces"][0]["routes"];
    routes["state"] = "inconsistent".into();
    routes["reason"] = "it changed while it was read".into();
    let file = machine.path("/run/edited.json");
    std::fs::write(&file, node.to_string()).unwrap();
    let text = machine.ok(OVL, &["pod", "cali-b", "--from", "/run/edited.json"]);
    assert!(
        text.contains("169.254.1.1 answered by whom cannot be told")
            && text.contains("it changed while it was read"),
        "{text}"
    );
}
