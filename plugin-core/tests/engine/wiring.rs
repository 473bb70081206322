//! What an ADD makes, as `ip` sees it, and what is left after a DEL.

use serde_json::{Value, json};

use super::node::{Node, Who, addresses, in_pod, ping, pod_json};

const POD1: &str = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=pod1";
const POD2: &str = "K8S_POD_NAME=pod2;K8S_POD_NAMESPACE=default;IgnoreUnknown=1";

/// The first row that has all these values.
fn row<'a>(rows: &'a Value, wanted: &Value) -> &'a Value {
    let fits = |row: &&Value| {
        wanted
            .as_object()
            .unwrap()
            .iter()
            .all(|(key, value)| &row[key] == value)
    };
    rows.as_array()
        .unwrap()
        .iter()
        .find(fits)
        .unwrap_or_else(|| panic!("no row {wanted} in {rows:#}"))
}

#[test]
fn a_routed_pod_is_as_calico_wires_it() {
    let Some(node) = Node::new() else { return };
    let (p1, p2) = (node.pod("1"), node.pod("2"));
    let net = node.routed(json!({}));
    let before = {
        // Blocks are claimed once and stay the node's.
        node.must("ADD", &net, Who::new("c0", &p1));
        node.must("DEL", &net, Who::new("c0", &p1));
        node.gc(&net, &[]);
        node.snapshot()
    };
    let r1 = node.must("ADD", &net, Who::new("c1", &p1).args(POD1));
    let r2 = node.must("ADD", &net, Who::new("c2", &p2).args(POD2));
    let [v4, v6] = addresses(&r1).try_into().unwrap();

    assert_eq!(r1["interfaces"][0]["name"], "calice0906292e2");
    assert_eq!(r1["interfaces"][0]["mac"], "ee:ee:ee:ee:ee:ee");
    assert_eq!(r1["interfaces"][0].get("sandbox"), None);
    assert_eq!(r1["interfaces"][1]["name"], "eth0");
    assert_eq!(r1["interfaces"][1]["sandbox"], p1.to_str().unwrap());
    assert_eq!(r1["ips"][0]["interface"], 1);
    assert_eq!(r2["interfaces"][0]["name"], "calibd2348b4f67");

    let host = node.link("calice0906292e2");
    assert_eq!(host["address"], "ee:ee:ee:ee:ee:ee");
    assert_eq!(host["mtu"], 1450);
    assert_eq!(host["ifalias"], "ovl:k8s-pod-network/c1/eth0");
    let eth0 = pod_json(&p1, "ip", &["-j", "addr", "show", "eth0"])[0].clone();
    assert_eq!(eth0["mtu"], 1450);
    assert_eq!(eth0["address"], r1["interfaces"][1]["mac"]);
    assert_eq!(eth0["ifindex"], host["link_index"]);
    let four = row(&eth0["addr_info"], &json!({"family": "inet"}));
    assert_eq!(
        (&four["local"], &four["prefixlen"]),
        (&json!(v4), &json!(32))
    );
    assert_eq!(
        (&four["broadcast"], &four["scope"]),
        (&json!(v4), &json!("global"))
    );
    let six = row(&eth0["addr_info"], &json!({"local": v6}));
    assert_eq!(six["prefixlen"], 128);
    assert_eq!(six.get("tentative"), None);

    // The book's rows, to the word.
    let routes = in_pod(&p1, "ip", &["route"]);
    assert_eq!(
        routes,
        "default via 169.254.1.1 dev eth0 \n169.254.1.1 dev eth0 scope link \n"
    );
    let routes = node.run("ip", &["route", "show", &v4]);
    assert_eq!(routes, format!("{v4} dev calice0906292e2 scope link \n"));
    let routes = pod_json(&p1, "ip", &["-6", "-j", "route"]);
    row(
        &routes,
        &json!({"dst": "default", "gateway": "fe80::ecee:eeff:feee:eeee", "dev": "eth0"}),
    );

    for address in addresses(&r2) {
        ping(&p1, &address);
    }
    let neighbours = pod_json(&p1, "ip", &["-j", "neigh"]);
    for gateway in ["169.254.1.1", "fe80::ecee:eeff:feee:eeee"] {
        let gateway = row(&neighbours, &json!({"dst": gateway}));
        assert_eq!(gateway["lladdr"], "ee:ee:ee:ee:ee:ee");
    }
    // The book's size: 1422 and 28 of headers fill the MTU.
    let other = &addresses(&r2)[0];
    in_pod(
        &p1,
        "ping",
        &["-n", "-c1", "-W5", "-M", "do", "-s", "1422", other],
    );

    node.must("CHECK", &net, Who::new("c1", &p1).args(POD1));
    node.must("DEL", &net, Who::new("c1", &p1).args(POD1));
    node.must("DEL", &net, Who::new("c1", &p1).gone());
    node.must("DEL", &net, Who::new("c2", &p2).gone());
    node.gc(&net, &[]);
    assert_eq!(node.snapshot(), before);
}

#[test]
fn a_bridged_pod_is_as_weave_wires_it() {
    let Some(node) = Node::new() else { return };
    let (p1, p2) = (node.pod("1"), node.pod("2"));
    let net = node.bridged(json!({}));
    let r1 = node.must("ADD", &net, Who::new("c1", &p1).args(POD1));
    let r2 = node.must("ADD", &net, Who::new("c2", &p2).args(POD2));
    let [v4, v6] = addresses(&r1).try_into().unwrap();
    let gateway = r1["ips"][0]["gateway"].as_str().unwrap();

    let names: Vec<&str> = (0..3)
        .map(|at| r1["interfaces"][at]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["weave", "vethce0906292e2", "eth0"]);
    assert_eq!(r1["ips"][0]["interface"], 2);
    assert_eq!(r1["ips"][0]["address"], format!("{v4}/12"));

    let bridge = node.link("weave");
    assert_eq!(bridge["linkinfo"]["info_kind"], "bridge");
    assert_eq!(bridge["address"], r1["interfaces"][0]["mac"]);
    let port = node.link("vethce0906292e2");
    assert_eq!(port["master"], "weave");
    assert_eq!(port["linkinfo"]["info_slave_data"]["hairpin"], true);
    assert_eq!(port["mtu"], 1376);
    let own = node.json("ip", &["-j", "addr", "show", "weave"])[0]["addr_info"].clone();
    assert_eq!(row(&own, &json!({"local": gateway}))["prefixlen"], 12);

    let eth0 = pod_json(&p1, "ip", &["-j", "addr", "show", "eth0"])[0].clone();
    let four = row(&eth0["addr_info"], &json!({"local": v4}));
    assert_eq!(
        (&four["prefixlen"], &four["broadcast"]),
        (&json!(12), &json!("10.47.255.255"))
    );
    assert_eq!(
        row(&eth0["addr_info"], &json!({"local": v6}))["prefixlen"],
        64
    );
    let routes = pod_json(&p1, "ip", &["-j", "route"]);
    row(
        &routes,
        &json!({"dst": "default", "gateway": gateway, "dev": "eth0"}),
    );
    row(
        &routes,
        &json!({"dst": "10.32.0.0/12", "dev": "eth0", "scope": "link", "prefsrc": v4}),
    );

    for address in addresses(&r2).iter().map(String::as_str).chain([gateway]) {
        ping(&p1, address);
    }
    // Pods see each other's own addresses.
    let neighbours = pod_json(&p1, "ip", &["-j", "neigh"]);
    let other = row(&neighbours, &json!({"dst": addresses(&r2)[0]}));
    assert_eq!(other["lladdr"], r2["interfaces"][2]["mac"]);

    node.must("CHECK", &net, Who::new("c1", &p1));
    for container in ["c1", "c2"] {
        node.must("DEL", &net, Who::new(container, &p1).gone());
    }
    assert_eq!(
        node.json("ip", &["-j", "link", "show", "master", "weave"]),
        json!([])
    );
    node.gc(&net, &[]);
    let links = node.json("ip", &["-j", "link"]);
    assert_eq!(
        links.as_array().unwrap().len(),
        1,
        "the bridge it made is gone: {links:#}"
    );
}

#[test]
fn an_address_keeps_its_mac() {
    let Some(node) = Node::new() else { return };
    let (p1, p2) = (node.pod("1"), node.pod("2"));
    let net = node.bridged(json!({}));
    let first = node.must("ADD", &net, Who::new("c1", &p1).args("IP=10.46.0.8"));
    node.must("DEL", &net, Who::new("c1", &p1));
    let second = node.must("ADD", &net, Who::new("c2", &p2).args("IP=10.46.0.8"));
    assert_eq!(second["ips"][0]["address"], "10.46.0.8/12");
    assert_eq!(
        first["interfaces"][2]["mac"],
        second["interfaces"][2]["mac"]
    );
}

#[test]
fn a_network_twice_in_a_pod_works_from_both() {
    let Some(node) = Node::new() else { return };
    for net in [node.routed(json!({})), node.bridged(json!({}))] {
        let kind = net["type"].as_str().unwrap();
        let (p1, p2) = (node.pod(&format!("{kind}1")), node.pod(&format!("{kind}2")));
        let first = node.must("ADD", &net, Who::new("c1", &p1).args(POD1));
        let second = node.must("ADD", &net, Who::new("c1", &p1).args(POD1).ifname("net1"));
        let other = node.must("ADD", &net, Who::new("c2", &p2).args(POD2));
        for result in [&first, &second] {
            for address in addresses(result) {
                ping(&p2, &address);
                for other in addresses(&other) {
                    if other.contains(':') == address.contains(':') {
                        in_pod(&p1, "ping", &["-n", "-c1", "-W5", "-I", &address, &other]);
                    }
                }
            }
        }
        for ifname in ["eth0", "net1"] {
            node.must("CHECK", &net, Who::new("c1", &p1).ifname(ifname));
        }
        node.must("DEL", &net, Who::new("c1", &p1).ifname("net1"));
        node.must("CHECK", &net, Who::new("c1", &p1));
        assert!(
            !in_pod(&p1, "ip", &["rule"]).contains("200"),
            "a rule of net1 is left"
        );
        ping(&p1, &addresses(&other)[0]);
        node.must("DEL", &net, Who::new("c1", &p1));
        node.must("DEL", &net, Who::new("c2", &p2));
    }
}

#[test]
fn a_replaced_pod_does_not_lose_its_link_to_the_late_del_of_the_old_one() {
    let Some(node) = Node::new() else { return };
    let (old, new) = (node.pod("old"), node.pod("new"));
    let net = node.routed(json!({}));
    let first = node.must("ADD", &net, Who::new("c1", &old).args(POD1));
    // The same pod's name, while the old sandbox is still there.
    let second = node.must("ADD", &net, Who::new("c2", &new).args(POD1));
    assert_eq!(first["interfaces"][0]["name"], "calice0906292e2");
    assert_ne!(
        first["interfaces"][0]["name"],
        second["interfaces"][0]["name"]
    );
    node.must("DEL", &net, Who::new("c1", &old).args(POD1));
    node.must("CHECK", &net, Who::new("c2", &new).args(POD1));

    // The name is free again, and the second DEL of the old one comes late.
    let third = node.pod("third");
    let result = node.must("ADD", &net, Who::new("c3", &third).args(POD1));
    assert_eq!(result["interfaces"][0]["name"], "calice0906292e2");
    node.must("DEL", &net, Who::new("c1", &old).args(POD1).gone());
    node.must("CHECK", &net, Who::new("c3", &third).args(POD1));
}

#[test]
fn gc_keeps_what_is_valid_and_needs_no_journal() {
    let Some(node) = Node::new() else { return };
    for net in [node.routed(json!({})), node.bridged(json!({}))] {
        let kind = net["type"].as_str().unwrap();
        let pods: Vec<_> = (0..3).map(|at| node.pod(&format!("{kind}{at}"))).collect();
        for (at, pod) in pods.iter().enumerate() {
            node.must("ADD", &net, Who::new(&format!("c{at}"), pod));
        }
        // As after the state directory was lost.
        let name = net["name"].as_str().unwrap();
        std::fs::remove_file(node.state_dir().join("journal").join(name).join("c2@eth0")).unwrap();
        node.gc(&net, &[("c0", "eth0")]);
        node.must("CHECK", &net, Who::new("c0", &pods[0]));
        let links = node.json("ip", &["-j", "link"]);
        let ours = links
            .as_array()
            .unwrap()
            .iter()
            .filter(|link| link.get("ifalias").is_some());
        let aliases: Vec<&str> = ours
            .filter_map(|link| link["ifalias"].as_str())
            .filter(|alias| alias.ends_with("/eth0"))
            .collect();
        assert_eq!(aliases, [format!("ovl:{name}/c0/eth0")]);
        node.gc(&net, &[]);
    }
    assert_eq!(
        node.json("ip", &["-j", "link"]).as_array().unwrap().len(),
        1
    );
}

#[test]
fn del_frees_the_address_though_the_configuration_became_wrong() {
    let Some(node) = Node::new() else { return };
    let pod = node.pod("1");
    let net = node.routed(json!({}));
    let asked = Who::new("c1", &pod).args("IP=172.31.7.7");
    node.must("ADD", &net, asked);
    let wrong = node.routed(json!({"encap": "ipip", "mtu": "much", "hostPrefix": 7}));
    node.must("DEL", &wrong, Who::new("c1", &pod).gone());
    node.must("ADD", &net, Who::new("c2", &pod).args("IP=172.31.7.7"));
}
