//! CHECK finds each thing that somebody else broke, and says expected and found.

use serde_json::{Value, json};

use super::node::{Node, Who, addresses, in_pod};

/// Breaks one thing after another on fresh attachments.
fn finds(node: &Node, net: &Value, broken: &[(&str, &str, &str)]) {
    for (at, (side, command, told)) in broken.iter().enumerate() {
        let pod = node.pod(&format!("{}{at}", net["type"].as_str().unwrap()));
        let container = format!("c{at}");
        let who = Who::new(&container, &pod);
        let result = node.must("ADD", net, who);
        node.must("CHECK", net, who);

        let links = result["interfaces"].as_array().unwrap();
        let host = links[links.len() - 2]["name"].as_str().unwrap();
        let [v4, v6] = addresses(&result).try_into().unwrap();
        let mac = links.last().unwrap()["mac"].as_str().unwrap();
        let fill = |text: &str| {
            text.replace("HOST", host)
                .replace("V4", &v4)
                .replace("V6", &v6)
                .replace("PODMAC", mac)
        };
        let command = fill(command);
        let words: Vec<&str> = command.split(' ').collect();
        match *side {
            "node" => node.run(words[0], &words[1..]),
            _ => in_pod(&pod, words[0], &words[1..]),
        };

        let answer = node.ask("CHECK", net, who);
        let text = answer.told();
        assert_eq!(answer.stdout["code"], 102, "after {command}: {text}");
        assert!(
            text.contains(&fill(told)),
            "after {command}: no {:?} in {text}",
            fill(told)
        );
        node.must("DEL", net, who);
    }
}

#[test]
fn of_a_routed_pod() {
    let Some(node) = Node::new() else { return };
    let net = node.routed(json!({}));
    finds(
        &node,
        &net,
        &[
            (
                "node",
                "ip link set HOST mtu 1400",
                "MTU of the node's HOST: expected 1450, found 1400",
            ),
            (
                "pod",
                "ip link set eth0 mtu 1400",
                "MTU of the pod's eth0: expected 1450, found 1400",
            ),
            (
                "node",
                "ip link set HOST down",
                "state of the node's HOST: expected up, found down",
            ),
            (
                "pod",
                "ip link set eth0 down",
                "state of the pod's eth0: expected up, found down",
            ),
            (
                "node",
                "ip link del HOST",
                "the node's HOST: expected veth, found none",
            ),
            (
                "node",
                "ip link set HOST address ee:ee:ee:ee:ee:ef",
                "MAC of the node's HOST: expected ee:ee:ee:ee:ee:ee, found ee:ee:ee:ee:ee:ef",
            ),
            (
                "pod",
                "ip link set eth0 address 02:00:00:00:00:01",
                "MAC of the pod's eth0: expected PODMAC, found 02:00:00:00:00:01",
            ),
            (
                "pod",
                "ip addr del V4/32 dev eth0",
                "address of the pod's eth0: expected V4/32, found none",
            ),
            (
                "pod",
                "ip -6 addr del V6/128 dev eth0",
                "expected V6/128, found none",
            ),
            (
                "pod",
                "ip route del default",
                "the pod's route to 0.0.0.0/0: expected via 169.254.1.1 dev eth0, found none",
            ),
            (
                "pod",
                "ip -6 route del default",
                "the pod's route to ::/0: expected via fe80::ecee:eeff:feee:eeee dev eth0, found none",
            ),
            (
                "node",
                "ip route del V4",
                "the node's route to V4/32: expected dev HOST scope link, found none",
            ),
            (
                "node",
                "ip route replace V4 dev lo",
                "found by link 1 scope link",
            ),
            (
                "node",
                "ip -6 route del V6",
                "the node's route to V6/128: expected dev HOST, found none",
            ),
            (
                "node",
                "ip addr del fe80::ecee:eeff:feee:eeee/64 dev HOST",
                "expected fe80::ecee:eeff:feee:eeee/64",
            ),
            (
                "node",
                "sysctl -qw net/ipv4/conf/HOST/proxy_arp=0",
                "net/ipv4/conf/HOST/proxy_arp: expected 1, found 0",
            ),
            (
                "node",
                "sysctl -qw net/ipv4/conf/HOST/rp_filter=0",
                "net/ipv4/conf/HOST/rp_filter: expected 1, found 0",
            ),
            (
                "node",
                "sysctl -qw net/ipv4/conf/HOST/forwarding=0",
                "net/ipv4/conf/HOST/forwarding: expected 1, found 0",
            ),
            (
                "node",
                "sysctl -qw net/ipv4/neigh/HOST/proxy_delay=80",
                "net/ipv4/neigh/HOST/proxy_delay: expected 0, found 80",
            ),
            (
                "node",
                "ip link set HOST alias somebody-else",
                "alias of the node's HOST: expected ovl:k8s-pod-network/",
            ),
        ],
    );
}

#[test]
fn of_a_bridged_pod() {
    let Some(node) = Node::new() else { return };
    let net = node.bridged(json!({}));
    // A first pod, so that the bridge is not made anew each time.
    let first = node.pod("first");
    node.must("ADD", &net, Who::new("first", &first));
    finds(
        &node,
        &net,
        &[
            (
                "node",
                "ip link set HOST nomaster",
                "bridge of the node's HOST: expected weave, found none",
            ),
            (
                "node",
                "bridge link set dev HOST hairpin off",
                "hairpin of port HOST: expected on, found off",
            ),
            (
                "node",
                "ip link set HOST mtu 1300",
                "MTU of the node's HOST: expected 1376, found 1300",
            ),
            (
                "pod",
                "ip addr del V4/12 dev eth0",
                "address of the pod's eth0: expected V4/12, found none",
            ),
            (
                "pod",
                "ip route del default",
                "the pod's route to 0.0.0.0/0: expected via",
            ),
            (
                "pod",
                "ip link del eth0",
                "the pod's eth0: expected veth, found none",
            ),
        ],
    );
    node.run("ip", &["link", "set", "weave", "down"]);
    let answer = node.ask("CHECK", &net, Who::new("first", &first));
    let told = "the node's weave: expected bridge that is up, found bridge that is down";
    assert!(answer.told().contains(told), "{answer:?}");
}

#[test]
fn of_the_records() {
    let Some(node) = Node::new() else { return };
    let pod = node.pod("1");
    let net = node.routed(json!({}));
    let who = Who::new("c1", &pod);
    let mut result = node.must("ADD", &net, who);
    let with = |result: &Value| {
        let mut net = net.clone();
        net["prevResult"] = result.clone();
        net
    };
    node.must("CHECK", &with(&result), who);
    let address = addresses(&result)[0].clone();
    result["ips"][0]["address"] = json!("172.31.99.99/32");
    let text = node.ask("CHECK", &with(&result), who).told();
    assert!(text.contains("addresses of eth0 in prevResult"), "{text}");
    assert!(
        text.contains(&address) && text.contains("172.31.99.99"),
        "{text}"
    );

    // The address is given back behind the pod's back.
    let mut ipam = net.clone();
    ipam["type"] = json!("ovl-ipam");
    node.must("DEL", &ipam, who);
    let text = node.ask("CHECK", &net, who).told();
    assert!(text.contains("ovl-ipam"), "{text}");

    let entry = node.state_dir().join("journal/k8s-pod-network/c1@eth0");
    std::fs::remove_file(entry).unwrap();
    let text = node.ask("CHECK", &net, who).told();
    assert!(
        text.contains("journal entry: expected one, found none"),
        "{text}"
    );
}
