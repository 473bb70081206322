//! What an ADD gives, and in which order.

use std::collections::BTreeSet;

use super::*;

fn routed(cidr: &str, block_size: u8) -> Cluster {
    Cluster::new(json!({"pools": [{"cidr": cidr, "blockSize": block_size}]}))
}

#[test]
fn the_same_owner_gets_the_same_address_and_others_do_not() {
    let cluster = routed("172.31.0.0/16", 26);
    let node = cluster.node("host01");
    let first = node.add("pod1");
    assert_eq!(node.add("pod1"), first);
    assert_ne!(node.add("pod2"), first);
    // The same container may be attached twice, by another interface.
    let second = Owner {
        attachment: Attachment {
            ifname: "net1".parse().unwrap(),
            ..attachment("pod1")
        },
        pod: None,
    };
    let (now, any) = (node.now(), Request::default());
    let second = allocate::allocate(&node.config, &node.store, now, &second, &any).unwrap();
    assert_ne!(second.addresses[0].address.addr(), first);
    assert_eq!(node.records(), 3);
    assert_eq!(node.del("pod1"), [first]);
    assert_eq!(node.del("pod1"), [] as [IpAddr; 0]);
    assert_eq!(node.records(), 2);
}

#[test]
fn a_full_block_is_followed_by_another_until_the_pool_is_exhausted() {
    let cluster = routed("10.9.0.0/24", 26);
    let node = cluster.node("host01");
    let given: BTreeSet<_> = (0..256).map(|n| node.add(&format!("c{n}"))).collect();
    assert_eq!(given.len(), 256);
    assert_eq!(cluster.claims().len(), 4);
    let error = node.try_add("c256").unwrap_err();
    assert!(matches!(error, Error::Exhausted { .. }), "{error}");
    let text = error.to_string();
    for part in ["network net", "IPv4", "host01", "10.9.0.0/24", "borrow"] {
        assert!(text.contains(part), "{part:?} in {text:?}");
    }
    assert_eq!(node.records(), 256);
    assert!(matches!(node.status(), Err(Error::Exhausted { .. })));
    let freed = node.del("c77");
    assert!(node.status().is_ok());
    assert_eq!(node.try_add("c256").unwrap(), freed);
}

#[test]
fn a_released_address_rests_while_there_are_others() {
    let cluster = routed("10.9.0.0/30", 30);
    let mut node = cluster.node("host01");
    let first = node.add("a");
    node.del("a");
    let others: BTreeSet<_> = ["b", "c", "d"].map(|c| node.add(c)).into();
    assert!(!others.contains(&first) && others.len() == 3);
    // Nothing else is free.
    assert_eq!(node.add("e"), first);
    // Of several that rest, the one that did longest.
    node.del("b");
    node.now += 5;
    let last = node.del("c");
    node.now += 5;
    let earlier = node.add("f");
    assert_ne!(vec![earlier], last);
    // After the cool-down the search goes on in a circle.
    node.del("f");
    node.now += 60;
    let next = node.add("g");
    assert!(next == earlier || vec![next] == last);
}

#[test]
fn a_new_block_comes_before_an_address_that_rests() {
    let cluster = routed("10.9.0.0/24", 30);
    let mut node = cluster.node("host01");
    for n in 0..4 {
        node.add(&format!("a{n}"));
    }
    node.del("a0");
    node.add("b");
    assert_eq!(cluster.claims().len(), 2);
    // GC gives it back when nobody uses it and nothing rests in it.
    node.del("b");
    let valid = ["a1", "a2", "a3"];
    assert_eq!(node.gc(&valid).blocks, []);
    node.now += 60;
    assert_eq!(node.sweep(&valid, true).blocks.len(), 1);
    assert_eq!(cluster.claims().len(), 2);
    assert_eq!(node.gc(&valid).blocks.len(), 1);
    assert_eq!(cluster.claims().len(), 1);
    // The oldest stays, so that the next ADD need not claim it again.
    node.gc(&[]);
    node.now += 60;
    assert_eq!(node.gc(&[]).blocks, []);
    assert_eq!(cluster.claims().len(), 1);
}

#[test]
fn time_that_goes_back_does_not_cool() {
    let cluster = routed("10.9.0.0/31", 31);
    let mut node = cluster.node("host01");
    let first = node.add("a");
    node.del("a");
    node.now = 10;
    assert_ne!(node.add("b"), first);
    assert_eq!(node.add("c"), first);
}

#[test]
fn blocks_of_one_address_work() {
    let cluster = routed("10.9.0.0/29", 32);
    let node = cluster.node("host01");
    let given: BTreeSet<_> = (0..8).map(|n| node.add(&format!("c{n}"))).collect();
    assert_eq!(given.len(), 8);
    assert!(node.try_add("c8").is_err());
    assert_eq!(cluster.claims().len(), 8);
}

#[test]
fn one_address_of_each_family() {
    let cluster = Cluster::new(json!({"pools": [
        {"cidr": "fd00:10::/112"},
        {"cidr": "10.9.0.0/30", "blockSize": 30},
        {"cidr": "10.9.1.0/30", "blockSize": 30},
    ]}));
    let node = cluster.node("host01");
    let mut given = BTreeSet::new();
    for n in 0..8 {
        let addresses = node.try_add(&format!("c{n}")).unwrap();
        assert!(addresses[0].is_ipv4() && addresses[1].is_ipv6() && addresses.len() == 2);
        given.extend(addresses);
    }
    assert_eq!(given.len(), 16);
    // IPv4 is exhausted, in both pools: no IPv6 address is lost to the attempt.
    let error = node.try_add("c8").unwrap_err().to_string();
    assert!(
        error.contains("IPv4") && error.contains("10.9.1.0/30"),
        "{error}"
    );
    assert_eq!(node.records(), 8);
    assert_eq!(node.del("c3").len(), 2);
}

#[test]
fn when_the_second_family_fails_the_first_leaves_nothing_behind() {
    let cluster = Cluster::new(json!({"pools": [
        {"cidr": "10.9.0.0/24", "gateway": "node"},
        {"cidr": "fd00::/127", "blockSize": 127},
    ]}));
    let other = cluster.node("host02");
    other.add("x");
    other.del("x");
    let node = cluster.node("host01");
    assert!(node.try_add("c").unwrap_err().to_string().contains("IPv6"));
    assert!(
        cluster
            .claims()
            .iter()
            .all(|(_, node)| node.as_deref() == Some("host02"))
    );
    assert!(!cluster.ledger("host01").exists());
}

#[test]
fn an_address_that_was_asked_for() {
    let cluster = Cluster::new(json!({"pools": [
        {"cidr": "10.9.0.0/24", "exclude": ["10.9.0.64/28"]},
        {"cidr": "fd00::/112"},
    ]}));
    let node = cluster.node("host01");
    let given = node.ask("a", "10.9.0.200").unwrap().addresses;
    assert_eq!(given[0].address.to_string(), "10.9.0.200/32");
    assert!(given[1].address.addr().is_ipv6());
    // Again is fine, and so is asking for nothing in particular; something else is not.
    assert_eq!(node.ask("a", "10.9.0.200").unwrap().addresses, given);
    assert_eq!(
        node.allocate("a", &Request::default()).unwrap().addresses,
        given
    );
    for (container, address, why) in [
        ("a", "10.9.0.201", "a/eth0 has 10.9.0.200"),
        ("b", "10.9.0.200", "pod default/a"),
        ("b", "10.9.0.70", "exclude"),
        ("b", "192.0.2.1", "in no pool (10.9.0.0/24, fd00::/112)"),
    ] {
        let error = node.ask(container, address).unwrap_err().to_string();
        assert!(
            error.contains(address) && error.contains(why),
            "{why:?} in {error:?}"
        );
    }
    assert_eq!(node.records(), 1);
    // Two of one family.
    let two = Request {
        addresses: vec![ip("10.9.0.1"), ip("10.9.0.2")],
    };
    assert!(
        node.allocate("b", &two)
            .unwrap_err()
            .to_string()
            .contains("one address")
    );
    // In another node's block.
    let error = cluster
        .node("host02")
        .ask("c", "10.9.0.201")
        .unwrap_err()
        .to_string();
    assert!(error.contains("10.9.0.192/26 of host01"), "{error}");
    // Resting is no reason to refuse.
    node.del("a");
    node.ask("b", "10.9.0.200").unwrap();
}

#[test]
fn weave_as_in_the_book() {
    let cluster = Cluster::new(json!({"pools": [
        {"cidr": "10.32.0.0/12", "blockSize": 15, "layout": "flat", "gateway": "node",
         "preferred": ["10.46.0.0/15"]},
    ]}));
    let node = cluster.node("host01");
    let given = node.ask("pod1", "10.46.0.8").unwrap().addresses;
    assert_eq!(given[0].address.to_string(), "10.46.0.8/12");
    assert_eq!(given[0].gateway, Some(ip("10.46.0.0")));
    assert_eq!(node.gateways().unwrap(), ["10.46.0.0/12".parse().unwrap()]);
    let error = node.ask("pod3", "10.46.0.0").unwrap_err().to_string();
    assert!(error.contains("gateway of this node"), "{error}");
    // The pool's first address is its network address, so that the gateway there is the second.
    let mut ipam = cluster.ipam.clone();
    ipam["pools"][0]["preferred"] = json!(["10.32.0.0/15"]);
    let cluster = Cluster::new(ipam);
    let node = cluster.node("host03");
    assert_eq!(node.gateways().unwrap(), ["10.32.0.1/12".parse().unwrap()]);
    assert_eq!(node.add("pod"), ip("10.32.0.2"));
}

#[test]
fn a_gateway_outlives_the_disk_and_garbage_collection() {
    let cluster = Cluster::new(json!({"pools": [
        {"cidr": "10.9.0.0/24", "blockSize": 28, "layout": "flat", "gateway": "node"},
    ], "coolDown": 0}));
    let node = cluster.node("host01");
    let gateway = node.gateways().unwrap();
    node.gc(&[]);
    assert_eq!(node.gateways().unwrap(), gateway);
    std::fs::remove_dir_all(cluster.state_dir("host01")).unwrap();
    assert_eq!(node.gateways().unwrap(), gateway);
    let other = cluster.node("host02").gateways().unwrap();
    assert_ne!(other, gateway);
}

#[test]
fn fixed_gateway_routes_and_prefix_as_host_local_would() {
    let dir = tempfile::tempdir().unwrap();
    let ipam = json!({
        "type": "ovl-ipam", "stateDir": dir.path(), "node": "n",
        "pools": [{"cidr": "10.9.0.0/24"}, {"cidr": "fd00::/120"}],
        "routes": [{"dst": "0.0.0.0/0"}],
    });
    let config = config(&ipam, Purpose::Delegated).unwrap();
    let all: Vec<_> = (0..253)
        .map(|n| allocate(&config, &owner(&format!("c{n}")), &Request::default()).unwrap())
        .collect();
    assert_eq!(all[0].routes.len(), 1);
    for allocation in &all {
        let [v4, v6] = allocation.addresses.as_slice() else {
            panic!("{allocation:?}");
        };
        assert_eq!(
            (v4.address.prefix_len(), v6.address.prefix_len()),
            (24, 120)
        );
        assert_eq!(
            (v4.gateway, v6.gateway),
            (Some(ip("10.9.0.1")), Some(ip("fd00::1")))
        );
        assert!(v4.address.addr() != ip("10.9.0.1") && v4.address.addr() != ip("10.9.0.255"));
    }
    let error = allocate(&config, &owner("one-more"), &Request::default()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Exhausted {
                family: Family::V4,
                ..
            }
        ),
        "{error}"
    );
    assert!(dir.path().join("store/blocks/net").is_dir());
}

#[test]
fn check_says_what_was_expected_and_found() {
    let cluster = routed("10.9.0.0/24", 26);
    let node = cluster.node("host01");
    let address = node.add("a");
    node.check("a", &[address]).unwrap();
    let error = |node: &Node, container: &str, returned: &[IpAddr]| {
        let error = node.check(container, returned).unwrap_err();
        assert!(matches!(error, Error::NotAsExpected { .. }));
        error.to_string()
    };
    assert!(error(&node, "a", &[]).contains("did not return it"));
    assert!(error(&node, "a", &[ip("192.0.2.1")]).contains("192.0.2.1 of a/eth0 is in no pool"));
    assert!(error(&node, "b", &[address]).contains("it is recorded for a/eth0"));
    node.del("a");
    assert!(error(&node, "a", &[address]).contains("but it is free"));
    let nobody = cluster.node("host02");
    assert!(error(&nobody, "a", &[address]).contains("but it is free"));
    assert!(!cluster.state_dir("host02").exists());
}

#[test]
fn a_del_finds_the_address_whatever_the_configuration_says_now() {
    let cluster = routed("10.9.0.0/24", 26);
    let address = cluster.node("host01").add("a");
    let broken = json!({
        "cniVersion": "1.0.0", "name": "net", "type": "test", "stateDir": cluster.state_dir("host01"),
        "ipam": {"type": "ovl-ipam", "pools": "none", "store": "/nowhere/at/all"},
    });
    let broken = PluginConfig::from_json(broken.to_string().as_bytes()).unwrap();
    assert_eq!(
        release(&Place::of(&broken), &attachment("a")).unwrap(),
        [address]
    );
}

#[test]
fn a_del_of_nothing_makes_nothing() {
    let cluster = routed("10.9.0.0/24", 26);
    let node = cluster.node("host01");
    node.del("a");
    assert_eq!(node.gc(&[]), Swept::default());
    assert!(!cluster.state_dir("host01").exists());
}

#[test]
fn gc_frees_what_is_not_valid() {
    let cluster = routed("10.9.0.0/24", 26);
    let node = cluster.node("host01");
    let (a, b) = (node.add("a"), node.add("b"));
    let would = node.sweep(&["b"], true);
    assert_eq!(would.records, [(attachment("a"), vec![a])]);
    assert_eq!(node.records(), 2);
    assert_eq!(node.gc(&["b", "unknown"]), would);
    assert_eq!(node.records(), 1);
    node.check("b", &[b]).unwrap();
}
