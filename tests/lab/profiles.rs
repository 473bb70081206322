//! Every profile is the network it says it is.

use serde_json::Value;

use super::support::lab::Lab;
use super::support::{can_run, needs};

/// The payload that fills an MTU: 20 octets of IPv4 and 8 of ICMP are in front of it.
const V4_HEADERS: u32 = 28;

fn with_three_pods(profile: &str) -> Lab {
    needs("ping", "iputils-ping");
    let lab = Lab::made(profile, &["--profile", profile]);
    for (pod, node) in [("pod1", "host01"), ("pod2", "host02"), ("pod3", "host03")] {
        lab.pod(pod, node, &[]);
    }
    lab
}

/// Every pod reaches every other one with the largest packet that its interface takes, and not with a larger
/// one.
fn assert_full_mesh(lab: &Lab, mtu: u32) {
    let pods = ["pod1", "pod2", "pod3"];
    for from in pods {
        let links = lab.json(from, "ip -j link show dev eth0");
        assert_eq!(links[0]["mtu"], mtu, "{from}");
        for to in pods {
            let address = &lab.addresses(to)[0];
            lab.ping(from, address, mtu - V4_HEADERS).unwrap();
            if from != to {
                let error = lab.ping(from, address, mtu - V4_HEADERS + 1).unwrap_err();
                assert!(error.contains("too long"), "{error}");
            }
        }
    }
}

fn row<'a>(rows: &'a [Value], dst: &str) -> &'a Value {
    rows.iter()
        .find(|row| row["dst"] == dst)
        .unwrap_or_else(|| panic!("no {dst} in {rows:#?}"))
}

#[test]
fn calico() {
    if !can_run() {
        return;
    }
    let lab = with_three_pods("calico");
    assert_full_mesh(&lab, 1450);

    let addresses = lab.json("pod1", "ip -j -4 addr show dev eth0");
    let address = &lab.addresses("pod1")[0];
    assert!(
        address.starts_with("172.31.239."),
        "{address} is not of host01's block"
    );
    assert_eq!(addresses[0]["addr_info"][0]["local"], address.as_str());
    assert_eq!(addresses[0]["addr_info"][0]["prefixlen"], 32);

    let routes = lab.json("pod1", "ip -j route");
    assert_eq!(row(&routes, "default")["gateway"], "169.254.1.1");
    assert_eq!(row(&routes, "169.254.1.1")["scope"], "link");
    let neighbours = lab.json("pod1", "ip -j neigh");
    assert_eq!(
        row(&neighbours, "169.254.1.1")["lladdr"],
        "ee:ee:ee:ee:ee:ee"
    );

    let routes = lab.json("host01", "ip -j route");
    for (block, gateway) in [
        ("172.31.89.192/26", "192.168.61.12"),
        ("172.31.25.192/26", "192.168.61.13"),
    ] {
        let route = row(&routes, block);
        assert_eq!(route["gateway"], gateway);
        assert_eq!(route["dev"], "enp0s8");
        assert_eq!(route["protocol"], "80");
        assert_eq!(route["flags"], serde_json::json!(["onlink"]));
    }
    let pod = row(&routes, address);
    assert_eq!(pod["dev"], "calice0906292e2");
    assert_eq!(pod["scope"], "link");
    let links = lab.json("host01", "ip -j link show dev calice0906292e2");
    assert_eq!(links[0]["address"], "ee:ee:ee:ee:ee:ee");
    let links = lab.json("host02", "ip -j link show dev calibd2348b4f67");
    assert_eq!(links[0]["mtu"], 1450);
    // The hop count of the sessions: one less for each of the two hosts.
    let ping = lab.exec(
        "pod1",
        &["ping", "-n", "-c", "1", &lab.addresses("pod2")[0]],
    );
    assert!(ping.contains("ttl=62"), "{ping}");
    lab.down();
}

#[test]
fn weave() {
    if !can_run() {
        return;
    }
    let lab = with_three_pods("weave");
    assert_full_mesh(&lab, 1376);

    let address = &lab.addresses("pod2")[0];
    let routes = lab.json("pod1", "ip -j route");
    assert_eq!(row(&routes, "default")["gateway"], "10.46.0.0");
    assert_eq!(row(&routes, "10.32.0.0/12")["scope"], "link");
    let links = lab.json("pod2", "ip -j link show dev eth0");
    let neighbours = lab.json("pod1", "ip -j neigh");
    assert_eq!(
        row(&neighbours, address)["lladdr"],
        links[0]["address"],
        "pod2's own address"
    );
    let vxlan = lab.json("host01", "ip -j -d link show type vxlan");
    let data = &vxlan[0]["linkinfo"]["info_data"];
    assert_eq!(data["port"], 6784);
    let ping = lab.exec("pod1", &["ping", "-n", "-c", "1", address]);
    assert!(ping.contains("ttl=64"), "{ping}");
    lab.down();
}

#[test]
fn flannel() {
    if !can_run() {
        return;
    }
    let lab = with_three_pods("flannel");
    assert_full_mesh(&lab, 1450);

    let addresses = ["pod1", "pod2", "pod3"].map(|pod| lab.addresses(pod)[0].clone());
    for (n, address) in addresses.iter().enumerate() {
        assert!(address.starts_with(&format!("10.244.{n}.")), "{address}");
    }
    let routes = lab.json("host01", "ip -j route");
    let route = row(&routes, "10.244.1.0/24");
    assert_eq!(route["dev"], "flannel.1");
    assert_eq!(route["flags"], serde_json::json!(["onlink"]));
    let vxlan = lab.json("host01", "ip -j -d link show dev flannel.1");
    let data = &vxlan[0]["linkinfo"]["info_data"];
    assert_eq!((&data["port"], &data["id"]), (&8472.into(), &1.into()));
    lab.down();
}

#[test]
fn crosssubnet() {
    if !can_run() {
        return;
    }
    let lab = with_three_pods("crosssubnet");
    assert_full_mesh(&lab, 1450);

    let block = |pod: &str| {
        let address: std::net::Ipv4Addr = lab.addresses(pod)[0].parse().unwrap();
        ipnet::Ipv4Net::new(address, 26)
            .unwrap()
            .trunc()
            .to_string()
    };
    let routes = lab.json("host01", "ip -j route");
    let inside = row(&routes, &block("pod2"));
    assert_eq!(
        (&inside["dev"], &inside["gateway"]),
        (&"enp0s8".into(), &"192.168.61.12".into())
    );
    let across = row(&routes, &block("pod3"));
    assert_eq!(across["dev"], "vxlan.calico");
    // The wrapped packets go through the router, which counts them.
    let crossed = lab.json("router", "ip -j -s link show dev eth1");
    assert!(crossed[0]["stats64"]["tx"]["packets"].as_u64().unwrap() > 0);
    lab.down();
}
