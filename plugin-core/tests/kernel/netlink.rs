//! Rows written by `plugin_core::netlink` and read by iproute2, and the reverse.

use std::time::Duration;

use netlink_packet_route::RouteNetlinkMessage;
use plugin_core::mac::Mac;
use plugin_core::netlink::fdb::FdbEntry;
use plugin_core::netlink::link::{Port, Set, VethEnd, Vxlan};
use plugin_core::netlink::neighbour::{self, Neighbour};
use plugin_core::netlink::route::{self, Kind, Route};
use plugin_core::netlink::rule::{self, Rule};
use plugin_core::netlink::{Change, Socket, address, fdb, link};

use crate::sandbox::Sandbox;

const HOST_MAC: Mac = Mac([0xee; 6]);

#[test]
fn a_veth_pair_across_namespaces() {
    let (Some(host), Some(pod)) = (Sandbox::new(), Sandbox::new()) else {
        return;
    };
    let mut socket = Socket::open_in(&host.netns).unwrap();
    let near = VethEnd {
        name: "cali0",
        mac: Some(HOST_MAC),
        netns: None,
    };
    let far = VethEnd {
        name: "eth0",
        mac: None,
        netns: Some(&pod.netns),
    };
    socket.apply(&link::add_veth(&near, &far, 1450)).unwrap();
    let again = socket
        .apply(&link::add_veth(&near, &far, 1450))
        .unwrap_err();
    assert!(again.is_exists(), "{again}");

    let host_end = link::by_name(&mut socket, "cali0").unwrap().unwrap();
    socket
        .apply(&Set::index(host_end.index).up(true).change())
        .unwrap();
    let mut inside = Socket::open_in(&pod.netns).unwrap();
    let pod_end = link::by_name(&mut inside, "eth0").unwrap().unwrap();
    inside.apply(&Set::name("eth0").up(true).change()).unwrap();
    let host_end = link::by_index(&mut socket, host_end.index)
        .unwrap()
        .unwrap();
    assert_eq!(host_end.link, Some(pod_end.index));
    assert!(host_end.link_netnsid.is_some());
    assert_eq!(
        (host_end.mac, host_end.mtu, host_end.kind.as_deref()),
        (Some(HOST_MAC), 1450, Some("veth"))
    );
    assert!(host_end.up && host_end.lower_up);

    let shown = host.json("ip", &["-j", "link", "show", "dev", "cali0"]);
    assert_eq!(shown[0]["address"], "ee:ee:ee:ee:ee:ee");
    assert_eq!(shown[0]["mtu"], 1450);
    socket.apply(&link::delete(host_end.index)).unwrap();
    assert_eq!(
        link::by_name(&mut inside, "eth0").unwrap(),
        None,
        "both ends go at once"
    );
    assert!(
        socket
            .apply(&link::delete(host_end.index))
            .unwrap_err()
            .is_absent()
    );
}

#[test]
fn a_bridge_with_a_vxlan_port_and_its_flooding_list() {
    let Some(node) = Sandbox::new() else { return };
    let mut socket = Socket::open_in(&node.netns).unwrap();
    let mac: Mac = "1a:72:78:64:36:c6".parse().unwrap();
    let vxlan = Vxlan {
        vni: 7,
        port: 6784,
        local: Some("127.0.0.1".parse().unwrap()),
        underlay: None,
        learning: true,
    };
    let changes = [
        link::add_bridge("weave", Some(mac), 1376, true),
        link::add_vxlan("vxlan-6784", None, 1376, true, &vxlan),
    ];
    for result in socket.batch(&changes).unwrap() {
        result.unwrap();
    }
    let bridge = link::by_name(&mut socket, "weave").unwrap().unwrap();
    let port = Port {
        hairpin: true,
        neigh_suppress: true,
        learning: false,
    };
    let device = link::by_name(&mut socket, "vxlan-6784").unwrap().unwrap();
    socket
        .apply(&Set::index(device.index).master(bridge.index).change())
        .unwrap();
    socket
        .apply(&Set::index(device.index).port(port).change())
        .unwrap();
    let device = link::by_index(&mut socket, device.index).unwrap().unwrap();
    assert_eq!(device.vxlan, Some(vxlan));
    assert_eq!(device.port, Some(port));
    assert_eq!(
        (bridge.mac, bridge.mtu, device.master),
        (Some(mac), 1376, Some(bridge.index))
    );

    let peers = ["127.0.0.2", "127.0.0.3"].map(|ip| ip.parse().unwrap());
    let flood = peers.map(|peer| FdbEntry::vxlan(device.index, Mac::ZERO, peer));
    for entry in &flood {
        socket.apply(&entry.append()).unwrap();
    }
    let own = |socket: &mut Socket| -> Vec<FdbEntry> {
        let mut rows = fdb::list(socket).unwrap().rows;
        rows.retain(|row| row.own && row.dst.is_some());
        rows.sort();
        rows
    };
    assert_eq!(own(&mut socket), flood);
    let shown = node.json("bridge", &["-j", "fdb", "show", "dev", "vxlan-6784"]);
    let dst: Vec<_> = shown
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["dst"].as_str())
        .collect();
    assert_eq!(dst, ["127.0.0.2", "127.0.0.3"]);
    socket.apply(&flood[0].delete()).unwrap();
    assert_eq!(own(&mut socket), flood[1..]);
}

#[test]
fn routes_neighbours_rules_and_addresses() {
    let Some(node) = Sandbox::new() else { return };
    let mut socket = Socket::open_in(&node.netns).unwrap();
    let near = VethEnd {
        name: "enp0s8",
        mac: None,
        netns: None,
    };
    let far = VethEnd {
        name: "far",
        mac: None,
        netns: None,
    };
    socket.apply(&link::add_veth(&near, &far, 0)).unwrap();
    for name in ["enp0s8", "far"] {
        socket.apply(&Set::name(name).up(true).change()).unwrap();
    }
    let device = link::by_name(&mut socket, "enp0s8").unwrap().unwrap().index;
    socket
        .apply(&address::add(
            device,
            "192.168.61.11/24".parse().unwrap(),
            true,
        ))
        .unwrap();
    socket
        .apply(&address::add(device, "fd00::11/64".parse().unwrap(), true))
        .unwrap();
    let listed = address::list(&mut socket).unwrap();
    assert!(listed.complete);
    for text in ["192.168.61.11/24", "fd00::11/64"] {
        let found = listed
            .rows
            .iter()
            .find(|row| row.address.to_string() == text)
            .unwrap();
        assert!(!found.unusable && !found.local_scope, "{text}");
    }
    let shown = node.json("ip", &["-j", "-4", "addr", "show", "dev", "enp0s8"]);
    assert_eq!(shown[0]["addr_info"][0]["broadcast"], "192.168.61.255");

    let mut block = Route::to("172.31.89.192/26".parse().unwrap(), 80);
    block.gateway = Some("192.168.61.12".parse().unwrap());
    block.oif = Some(device);
    block.onlink = true;
    let mut own = Route::to("172.31.239.192/26".parse().unwrap(), 80);
    own.kind = Kind::Blackhole;
    let mut pod = Route::to("172.31.239.216/32".parse().unwrap(), 3);
    pod.oif = Some(device);
    pod.link_scope = true;
    let mut six = Route::to("fd10:0:0:1::/64".parse().unwrap(), 80);
    six.gateway = Some("fd00::12".parse().unwrap());
    six.oif = Some(device);
    let mut hidden = block.clone();
    hidden.table = 1000;
    let routes = [block, own, pod, six, hidden];
    let changes: Vec<Change> = routes.iter().map(Route::add).collect();
    for (route, result) in routes.iter().zip(socket.batch(&changes).unwrap()) {
        result.unwrap_or_else(|error| panic!("{}: {error}", route.dst));
    }
    let listed = route::list(&mut socket).unwrap().rows;
    for route in &routes {
        let same = |row: &&Route| row.dst == route.dst && row.table == route.table;
        let mut found = listed.iter().find(same).unwrap().clone();
        if found.dst.addr().is_ipv6() {
            // The kernel gives every IPv6 route a metric (IP6_RT_PRIO_USER) when none was asked for.
            assert_eq!(found.metric, 1024);
            found.metric = 0;
        }
        assert_eq!(&found, route);
    }
    let shown = node.json("ip", &["-j", "route", "show", "172.31.89.192/26"]);
    assert_eq!(shown[0]["gateway"], "192.168.61.12");
    assert_eq!(shown[0]["protocol"], "80");
    assert_eq!(shown[0]["flags"][0], "onlink");
    for route in &routes {
        socket
            .apply(&route.delete())
            .unwrap_or_else(|error| panic!("{}: {error}", route.dst));
    }
    let wrong = Route {
        gateway: Some("10.0.0.1".parse().unwrap()),
        ..routes[2].clone()
    };
    let refused = socket.apply(&wrong.add()).unwrap_err().to_string();
    assert!(
        refused.contains("RTM_NEWROUTE") && refused.contains('('),
        "explained: {refused}"
    );

    let entry = Neighbour {
        index: device,
        address: "192.168.61.12".parse().unwrap(),
        mac: Some(HOST_MAC),
        permanent: true,
    };
    socket.apply(&entry.replace()).unwrap();
    assert!(neighbour::list(&mut socket).unwrap().rows.contains(&entry));
    socket.apply(&entry.delete()).unwrap();
    let proxied = "fd10::1".parse().unwrap();
    socket
        .apply(&neighbour::add_proxy(device, proxied))
        .unwrap();
    assert_eq!(
        neighbour::list_proxies(&mut socket).unwrap().rows,
        [(device, proxied)]
    );
    socket
        .apply(&neighbour::delete_proxy(device, proxied))
        .unwrap();
    assert!(
        neighbour::list_proxies(&mut socket)
            .unwrap()
            .rows
            .is_empty()
    );

    let policy = Rule {
        priority: 100,
        src: Some("10.1.0.0/16".parse().unwrap()),
        dst: None,
        table: 1000,
        protocol: 80,
    };
    socket.apply(&policy.add()).unwrap();
    assert!(rule::list(&mut socket).unwrap().rows.contains(&policy));
    socket.apply(&policy.delete()).unwrap();
    assert!(!rule::list(&mut socket).unwrap().rows.contains(&policy));
}

#[test]
fn a_batch_larger_than_the_receive_buffer() {
    let Some(node) = Sandbox::new() else { return };
    let mut socket = Socket::open_in(&node.netns).unwrap();
    let routes: Vec<Route> = (0..2000u32)
        .map(|n| {
            let dst = format!("10.{}.{}.0/24", n / 256, n % 256).parse().unwrap();
            Route {
                kind: Kind::Blackhole,
                ..Route::to(dst, 80)
            }
        })
        .collect();
    let mut changes: Vec<Change> = routes.iter().map(Route::add).collect();
    changes.insert(1000, routes[0].add());
    let results = socket.batch(&changes).unwrap();
    assert_eq!(results.len(), 2001);
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), index == 1000, "{index}: {result:?}");
    }
    let listed = route::list(&mut socket).unwrap();
    assert!(listed.complete);
    assert_eq!(
        listed
            .rows
            .iter()
            .filter(|route| route.protocol == 80)
            .count(),
        2000
    );
}

#[test]
fn events_tell_of_a_change_and_silence_is_empty() {
    const RTNLGRP_IPV4_ROUTE: u32 = 7;
    let Some(node) = Sandbox::new() else { return };
    let mut listener = Socket::open_in(&node.netns).unwrap();
    listener.subscribe(&[RTNLGRP_IPV4_ROUTE]).unwrap();
    let silence = listener
        .events::<RouteNetlinkMessage>(Duration::from_millis(10))
        .unwrap();
    assert_eq!(silence, []);
    let mut socket = Socket::open_in(&node.netns).unwrap();
    let route = Route {
        kind: Kind::Blackhole,
        ..Route::to("10.9.0.0/16".parse().unwrap(), 80)
    };
    socket.apply(&route.add()).unwrap();
    let events = listener
        .events::<RouteNetlinkMessage>(Duration::from_secs(5))
        .unwrap();
    let [RouteNetlinkMessage::NewRoute(message)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(Route::from_message(message), Some(route));
}
