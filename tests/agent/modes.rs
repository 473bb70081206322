//! Three nodes in each mode: what their kernels hold, and pods that reach each other.

use serde_json::json;

use crate::ground::{Ground, address, fdb, neighbours, ping, plug, routes};
use crate::support::can_run;
use crate::support::space::Space;

fn row(destination: &str, gateway: &str, device: &str) -> (String, String, String) {
    (
        destination.to_owned(),
        gateway.to_owned(),
        device.to_owned(),
    )
}

#[test]
fn routed_without_encapsulation() {
    if !can_run() {
        return;
    }
    let settings = json!({
        "name": "k8s-pod-network", "mode": "routed", "underlay": "enp0s8", "mtu": 1450,
        "cniFile": "10-calico.conflist", "plugins": ["bandwidth", "portmap"],
        "pools": [{"cidr": "172.31.0.0/16", "blockSize": 26}],
    });
    let mut ground = Ground::new(3, settings);
    ground.claim("host01", "172.31.239.192/26");
    ground.claim("host02", "172.31.89.192/26");
    ground.claim("host03", "172.31.25.192/26");
    ground.start_all();
    let host01 = &ground.nodes[0].space;
    let expected = [
        row("172.31.239.192/26", "blackhole", ""),
        row("172.31.25.192/26", "192.168.61.13", "enp0s8"),
        row("172.31.89.192/26", "192.168.61.12", "enp0s8"),
    ];
    assert_eq!(routes(host01), expected);
    let shown = host01.run("ip route");
    let book = "172.31.25.192/26 via 192.168.61.13 dev enp0s8 proto 80 onlink";
    assert!(shown.lines().any(|line| line.trim_end() == book), "{shown}");

    let pod1 = ground.routed_pod(0, "cali1", &["172.31.239.216".parse().unwrap()]);
    let pod2 = ground.routed_pod(1, "cali2", &["172.31.89.197".parse().unwrap()]);
    ping(&pod1, "172.31.89.197", "-M do -s 1422");
    ping(&pod2, "172.31.239.216", "");
    // Between pods the address stays; what leaves the pool takes the node's.
    let sees = |pattern: &str, from: &Space, to: &str| {
        let device = if pattern.contains("cali2") {
            "cali2"
        } else {
            "enp0s8"
        };
        let on = if device == "cali2" {
            &ground.nodes[1].space
        } else {
            &ground.nodes[2].space
        };
        let mut dump = on
            .command("tcpdump")
            .args([
                "-n",
                "-l",
                "-c",
                "1",
                "-i",
                device,
                "icmp[icmptype] == icmp-echo",
            ])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        listening(&mut dump);
        ping(from, to, "");
        String::from_utf8(dump.wait_with_output().unwrap().stdout).unwrap()
    };
    assert!(sees("on cali2", &pod1, "172.31.89.197").contains("172.31.239.216 > 172.31.89.197"));
    assert!(sees("on host03", &pod1, "192.168.61.13").contains("192.168.61.11 > 192.168.61.13"));
    // An address of a local block without a pod goes nowhere.
    assert!(
        !host01
            .output("ping -c 1 -W 1 172.31.239.250")
            .status
            .success()
    );

    let config = ground.nodes[0].directory.join("net.d/10-calico.conflist");
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(config).unwrap()).unwrap();
    assert_eq!(config["name"], "k8s-pod-network");
    let types: Vec<_> = config["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["type"])
        .collect();
    assert_eq!(types, ["ovl-routed", "bandwidth", "portmap"]);
    assert_eq!(config["plugins"][0]["mtu"], 1450);
}

/// Waits until tcpdump says that it listens.
fn listening(dump: &mut std::process::Child) {
    use std::io::BufRead;
    let mut lines = std::io::BufReader::new(dump.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("listening on")));
}

#[test]
fn routed_into_vxlan_dual_stack() {
    if !can_run() {
        return;
    }
    let settings = json!({
        "name": "pods", "mode": "routed", "encap": "always", "underlay": "enp0s8",
        "pools": [{"cidr": "10.244.0.0/16", "blockSize": 26}, {"cidr": "fd10:244::/112"}],
    });
    everything_wrapped(settings, 1450, "192.168.61.12");
}

#[test]
fn routed_into_vxlan_over_ipv6() {
    if !can_run() {
        return;
    }
    let settings = json!({
        "name": "pods", "mode": "routed", "encap": "always", "underlay": "enp0s8",
        "addresses": ["fd61::11"],
        "pools": [{"cidr": "10.244.0.0/16", "blockSize": 26}, {"cidr": "fd10:244::/112"}],
    });
    everything_wrapped(settings, 1430, "fd61::12");
}

fn everything_wrapped(settings: serde_json::Value, mtu: u32, outer_of_host02: &str) {
    let by_node = settings["addresses"].is_array();
    let mut ground = Ground::new(3, settings);
    for at in 0..3 {
        if by_node {
            ground.settings["addresses"] = json!([format!("fd61::1{}", at + 1)]);
        }
        ground.start(at);
    }
    for at in 0..3 {
        ground.until_ready(at, 2);
    }
    let host01 = &ground.nodes[0].space;
    let link = &host01.json("ip -j -d link show vxlan.calico")[0];
    assert_eq!(link["address"], "66:5a:18:78:e4:a8");
    assert_eq!(link["mtu"], mtu);
    let data = &link["linkinfo"]["info_data"];
    assert_eq!(
        (&data["id"], &data["port"], &data["learning"]),
        (&json!(4096), &json!(4789), &json!(false))
    );
    assert_eq!(data["link"], "enp0s8");
    // Two peers, each with a neighbour and a route a family, and one forwarding entry.
    assert_eq!(neighbours(host01, "vxlan.calico").len(), 4);
    assert_eq!(fdb(host01, "vxlan.calico").len(), 2);
    let mac2 = plugin_core::node::mac::of_vtep("host02").to_string();
    assert!(fdb(host01, "vxlan.calico").contains(&(mac2, outer_of_host02.to_owned())));
    let through = routes(host01)
        .iter()
        .filter(|row| row.2 == "vxlan.calico")
        .count();
    assert_eq!(through, 4, "{:?}", routes(host01));

    let pods: Vec<(Space, Vec<std::net::IpAddr>)> = (0..3)
        .map(|at| {
            let blocks = ground.blocks_of(&ground.nodes[at].name);
            assert_eq!(blocks.len(), 2);
            let addresses: Vec<_> = blocks.into_iter().map(|block| address(block, 9)).collect();
            let pod = ground.routed_pod(at, "cali1", &addresses);
            pod.run(&format!("ip link set eth0 mtu {mtu}"));
            (pod, addresses)
        })
        .collect();
    for (from, _) in &pods {
        for (_, addresses) in &pods {
            for to in addresses {
                let headers = if to.is_ipv4() { 28 } else { 48 };
                ping(
                    from,
                    &to.to_string(),
                    &format!("-M do -s {}", mtu - headers),
                );
            }
        }
    }
    // The node itself reaches pods of other nodes from its address in the overlay.
    for to in &pods[1].1 {
        ping(host01, &to.to_string(), "");
    }
}

#[test]
fn vxlan_only_across_subnets() {
    if !can_run() {
        return;
    }
    let settings = json!({
        "name": "pods", "mode": "routed", "encap": "crossSubnet", "underlay": "enp0s8",
        "pools": [{"cidr": "172.31.0.0/16", "blockSize": 26}],
    });
    let mut ground = Ground::empty(settings);
    let (near, far, router) = (ground.switch(), ground.switch(), Space::new());
    plug(&near, "router", &router, "near");
    plug(&far, "router", &router, "far");
    router.run("ip address add 192.168.61.1/24 dev near");
    router.run("ip address add 192.168.62.1/24 dev far");
    router.run("sysctl -qw net.ipv4.ip_forward=1");
    ground.add_node(&near, &["192.168.61.11/24".to_owned()]);
    ground.add_node(&near, &["192.168.61.12/24".to_owned()]);
    ground.add_node(&far, &["192.168.62.13/24".to_owned()]);
    for (at, gateway) in ["192.168.61.1", "192.168.61.1", "192.168.62.1"]
        .iter()
        .enumerate()
    {
        ground.nodes[at]
            .space
            .run(&format!("ip route add default via {gateway}"));
    }
    ground.between.extend([near, far, router]);
    ground.start_all();
    let devices: Vec<String> = routes(&ground.nodes[0].space)
        .into_iter()
        .map(|row| row.2)
        .filter(|d| !d.is_empty())
        .collect();
    assert_eq!(
        devices.iter().filter(|d| *d == "enp0s8").count(),
        1,
        "{devices:?}"
    );
    assert_eq!(
        devices.iter().filter(|d| *d == "vxlan.calico").count(),
        1,
        "{devices:?}"
    );
    let pods: Vec<_> = (0..3)
        .map(|at| {
            let block = ground.blocks_of(&ground.nodes[at].name)[0];
            (
                ground.routed_pod(at, "cali1", &[address(block, 9)]),
                address(block, 9),
            )
        })
        .collect();
    for (from, _) in &pods {
        for (_, to) in &pods {
            ping(from, &to.to_string(), "-M do -s 1422");
        }
    }
}

#[test]
fn one_flat_network() {
    if !can_run() {
        return;
    }
    let settings = json!({
        "name": "weave", "mode": "flat", "underlay": "enp0s8", "mtu": 1376, "bridge": "weave",
        "pools": [{"cidr": "10.32.0.0/12", "blockSize": 20}],
        "vxlan": {"device": "vxlan-6784", "port": 6784},
    });
    let mut ground = Ground::new(3, settings);
    ground.settings["pools"][0]["preferred"] = json!(["10.46.0.0/20"]);
    ground.start(0);
    ground.settings["pools"][0]["preferred"] = json!(["10.40.0.0/20"]);
    ground.start(1);
    ground.settings["pools"][0]["preferred"] = json!([]);
    ground.start(2);
    for at in 0..3 {
        ground.until_ready(at, 2);
    }
    let host01 = &ground.nodes[0].space;
    let zero = "00:00:00:00:00:00".to_owned();
    let flooding = ["192.168.61.12", "192.168.61.13"].map(|node| (zero.clone(), node.to_owned()));
    assert_eq!(fdb(host01, "vxlan-6784"), flooding);
    assert_eq!(routes(host01), []);
    let link = &host01.json("ip -j -d link show vxlan-6784")[0];
    assert_eq!(
        (&link["master"], &link["mtu"]),
        (&json!("weave"), &json!(1376))
    );
    assert_eq!(link["linkinfo"]["info_data"]["learning"], true);
    let bridge = &host01.json("ip -j -4 address show weave")[0]["addr_info"][0];
    assert_eq!(
        (&bridge["local"], &bridge["prefixlen"]),
        (&json!("10.46.0.0"), &json!(12))
    );

    let pod = |at: usize, to: &str, gateway: &str| {
        let net = format!("{to}/12").parse().unwrap();
        ground.bridged_pod(at, "veth1", net, gateway.parse().unwrap(), 1376)
    };
    let pod1 = pod(0, "10.46.0.8", "10.46.0.0");
    let pod2 = pod(1, "10.40.0.21", "10.40.0.0");
    ping(&pod1, "10.40.0.21", "-M do -s 1348");
    ping(&pod2, "10.46.0.8", "");
    let of_pod2 = pod2.json("ip -j link show eth0")[0]["address"].clone();
    let known = pod1.json("ip -j neighbour show 10.40.0.21");
    assert_eq!(known[0]["lladdr"], of_pod2, "pod1 has pod2's own address");
    ping(&pod1, "192.168.61.13", "");
}

#[test]
fn a_subnet_a_node() {
    if !can_run() {
        return;
    }
    let settings = json!({
        "name": "cbr0", "mode": "subnets", "underlay": "enp0s8", "bridge": "cni0",
        "pools": [{"cidr": "10.244.0.0/16", "blockSize": 24}],
    });
    let mut ground = Ground::new(3, settings);
    ground.settings["pools"][0]["preferred"] = json!(["10.244.0.0/24"]);
    ground.start(0);
    ground.settings["pools"][0]["preferred"] = json!(["10.244.1.0/24"]);
    ground.start(1);
    ground.settings["pools"][0]["preferred"] = json!(["10.244.2.0/24"]);
    ground.start(2);
    for at in 0..3 {
        ground.until_ready(at, 2);
    }
    let host01 = &ground.nodes[0].space;
    let expected = [
        row("10.244.1.0/24", "10.244.1.0", "flannel.1"),
        row("10.244.2.0/24", "10.244.2.0", "flannel.1"),
    ];
    assert_eq!(routes(host01), expected);
    assert_eq!(neighbours(host01, "flannel.1").len(), 2);
    let config = ground.nodes[1].directory.join("net.d/10-cbr0.conflist");
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(config).unwrap()).unwrap();
    let ipam = &config["plugins"][0]["ipam"]["pools"][0];
    assert_eq!(ipam["cidr"], "10.244.1.0/24");
    assert_eq!(ipam["gateway"], "10.244.1.1");
    let pods: Vec<_> = (0..3)
        .map(|at| {
            let net = format!("10.244.{at}.7/24").parse().unwrap();
            let gateway = format!("10.244.{at}.1").parse().unwrap();
            ground.bridged_pod(at, "veth1", net, gateway, 1450)
        })
        .collect();
    for from in &pods {
        for at in 0..3 {
            ping(from, &format!("10.244.{at}.7"), "-M do -s 1422");
        }
    }
    ping(&pods[0], "192.168.61.13", "");
}
