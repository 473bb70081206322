use super::*;
use crate::model::netfilter::{Backend, Chain, Iptables, IptablesTable};
use crate::model::netns::Sysctl;
use crate::model::rule::Family;
use crate::model::{Bundle, Table};
use crate::walk::bridged::{Host, bundle, give_vlan_device, into_bridge, ip, mac};
use crate::walk::path::{End, Path, Unanswered};
use crate::walk::{Network, Origin, Packet};

/// The way of an echo from a namespace of `host01`, and that of its answer; from where it ends back to the sender.
fn ways(bundle: &Bundle, from: u64, source: &str, destination: &str) -> (Path, Option<Path>) {
    let network = Network::new(bundle);
    let space = network
        .space("host01", crate::model::NetnsId(from))
        .unwrap();
    let origin = Origin { space, goal: None };
    let talk = network.converse(origin, &Packet::echo(ip(source), ip(destination)));
    (talk.out, talk.back)
}

/// Where both ways of an echo end that a pod sends.
fn delivered(bundle: &Bundle, pod: u64, source: &str, destination: &str, at: &str) -> Path {
    let (out, back) = ways(bundle, 100 + pod, source, destination);
    match &out.end {
        End::Delivered { at: place } => assert_eq!(format!("{} {}", place.node, place.name), at),
        other => panic!("{other:?}"),
    }
    let back = back.unwrap();
    assert!(back.is_delivered(), "{:?}", back.end);
    out
}

/// What an echo is lost for, and where; questions that are not heard are told of as the frames would be.
fn lost(bundle: &Bundle, from: u64, source: &str, destination: &str) -> (Cause, String) {
    match ways(bundle, from, source, destination).0.end {
        End::Dropped(drop) => {
            let device = drop.at.device.map(|device| device.name);
            let cause = match drop.cause {
                Cause::NeighbourUnresolved {
                    why: Unanswered::NotHeard(cause),
                    ..
                } => *cause,
                cause => cause,
            };
            (cause, device.unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

fn doubt(bundle: &Bundle, pod: u64, source: &str, destination: &str) -> String {
    match ways(bundle, 100 + pod, source, destination).0.end {
        End::CannotTell { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

fn rows(path: &Path) -> Vec<&str> {
    path.hops
        .iter()
        .flat_map(|hop| &hop.rows)
        .filter(|row| row.table == RowTable::Vlan)
        .map(|row| row.text.as_str())
        .collect()
}

fn not_in(vlan: u16, device: &str) -> (Cause, String) {
    (Cause::NotInVlan { vlan }, device.to_owned())
}

/// Three pods of one subnet as the standard plugin makes them, the third in a VLAN of its own.
fn flat() -> Host {
    Host::new(1)
        .pod_in(1, "10.10.0.2/24", 10)
        .pod_in(2, "10.10.0.3/24", 10)
        .pod_in(3, "10.10.0.4/24", 20)
}

#[test]
fn pods_of_one_vlan_reach_each_other() {
    let bundle = bundle([flat()]);
    let out = delivered(&bundle, 1, "10.10.0.2", "10.10.0.3", "host01 default/pod2");
    let expected = [
        "veth1  10 PVID Egress Untagged",
        "veth2  10 PVID Egress Untagged",
    ];
    assert_eq!(rows(&out), expected);
    assert!(out.hops.iter().all(|hop| hop.headers.vlan.is_none()));
}

#[test]
fn pods_of_different_vlans_do_not() {
    let asked = bundle([flat()]);
    assert_eq!(
        lost(&asked, 101, "10.10.0.2", "10.10.0.4"),
        not_in(10, "veth3")
    );
    let known = bundle([flat().knows(1, "10.10.0.4", mac(1, 103))]);
    assert_eq!(
        lost(&known, 101, "10.10.0.2", "10.10.0.4"),
        not_in(10, "veth3")
    );
    // The same, but that the bridge does not look at tags.
    let open = flat().edit_bridge(|bridge| bridge.vlan_filtering = false);
    let open = bundle([open]);
    let out = delivered(&open, 1, "10.10.0.2", "10.10.0.4", "host01 default/pod3");
    assert!(rows(&out).is_empty());
}

#[test]
fn a_port_that_has_left_the_vlan_is_named() {
    let gone = bundle([flat()
        .without_vlans("veth2")
        .vlan("veth2", 30, "PVID Untagged")]);
    assert_eq!(
        lost(&gone, 101, "10.10.0.2", "10.10.0.3"),
        not_in(10, "veth2")
    );
}

#[test]
fn untagged_frames_need_a_pvid() {
    let none = bundle([flat().without_vlans("veth1").vlan("veth1", 10, "Untagged")]);
    let no_pvid = (Cause::NoPvid, "veth1".to_owned());
    assert_eq!(lost(&none, 101, "10.10.0.2", "10.10.0.3"), no_pvid);
    let known = flat()
        .without_vlans("veth1")
        .knows(1, "10.10.0.3", mac(1, 102));
    assert_eq!(
        lost(&bundle([known]), 101, "10.10.0.2", "10.10.0.3"),
        no_pvid
    );
}

#[test]
fn the_gateway_of_the_standard_plugin_is_a_port_too() {
    let host = || {
        flat()
            .gateway(1, "10.10.0.1")
            .pair_gateway("10.10.0.1/24", 10)
    };
    let whole = bundle([host()]);
    delivered(&whole, 1, "10.10.0.2", "10.10.0.1", "host01 root");
    let moved = bundle([host()
        .without_vlans("vethgw10")
        .vlan("vethgw10", 11, "PVID Untagged")]);
    assert_eq!(
        lost(&moved, 101, "10.10.0.2", "10.10.0.1"),
        not_in(10, "vethgw10")
    );
}

#[test]
fn vlans_reach_each_other_by_their_gateways() {
    let host = Host::new(1)
        .pod_in(1, "10.10.0.2/24", 10)
        .pod_in(2, "10.20.0.2/24", 20)
        .gateway(1, "10.10.0.1")
        .gateway(2, "10.20.0.1")
        .pair_gateway("10.10.0.1/24", 10)
        .vlan_device("br0", 20, "10.20.0.1/24")
        .vlan("br0", 20, "");
    let bundle = bundle([host]);
    let out = delivered(&bundle, 1, "10.10.0.2", "10.20.0.2", "host01 default/pod2");
    let tags: Vec<_> = out
        .hops
        .iter()
        .filter_map(|hop| hop.headers.vlan.map(|vlan| (vlan, hop.at.device.clone())))
        .map(|(vlan, device)| (vlan, device.unwrap().name))
        .collect();
    assert_eq!(tags, [(20, "br0".to_owned())]);
}

/// A pod whose gateway is on a VLAN device of the bridge.
fn by_vlan_device() -> Host {
    flat()
        .gateway(1, "10.10.0.1")
        .vlan_device("br0", 10, "10.10.0.1/24")
}

#[test]
fn the_bridge_itself_has_to_be_in_the_vlan_of_its_gateway() {
    let whole = bundle([by_vlan_device().vlan("br0", 10, "")]);
    let out = delivered(&whole, 1, "10.10.0.2", "10.10.0.1", "host01 root");
    let devices: Vec<_> = out
        .hops
        .iter()
        .map(|hop| hop.at.device.clone().unwrap().name)
        .collect();
    assert_eq!(devices, ["eth0", "veth1", "br0", "br0.10"]);

    let outside = bundle([by_vlan_device()]);
    assert_eq!(
        lost(&outside, 101, "10.10.0.2", "10.10.0.1"),
        not_in(10, "br0")
    );
    assert_eq!(
        lost(&outside, 1, "10.10.0.1", "10.10.0.2"),
        not_in(10, "br0")
    );
    let known = bundle([by_vlan_device().knows(1, "10.10.0.1", mac(1, 10))]);
    assert_eq!(
        lost(&known, 101, "10.10.0.2", "10.10.0.1"),
        not_in(10, "br0")
    );
}

#[test]
fn a_bridge_that_listens_to_everything_takes_other_vlans_as_they_are() {
    let host = by_vlan_device().edit_link("br0", |link| link.promiscuity = 1);
    let (out, back) = ways(&bundle([host]), 101, "10.10.0.2", "10.10.0.1");
    assert!(out.is_delivered(), "{:?}", out.end);
    // It sends none for it.
    assert!(!back.unwrap().is_delivered());
}

#[test]
fn a_bridge_that_takes_the_tag_off_has_the_address_itself() {
    let host = |flags: &str| {
        flat()
            .edit(|root| give(root, "10.10.0.1/24"))
            .without_vlans("br0")
            .vlan("br0", 10, flags)
    };
    let whole = bundle([host("PVID Untagged")]);
    delivered(&whole, 1, "10.10.0.2", "10.10.0.1", "host01 root");
    // With the tag left on it would need a VLAN device.
    let tagged = bundle([host("")]);
    let nobody = (Cause::NoVlanDevice { vlan: 10 }, "br0".to_owned());
    assert_eq!(lost(&tagged, 101, "10.10.0.2", "10.10.0.1"), nobody);
    let known = bundle([host("").knows(1, "10.10.0.1", mac(1, 10))]);
    assert_eq!(lost(&known, 101, "10.10.0.2", "10.10.0.1"), nobody);
    let no_pvid = (Cause::NoPvid, "br0".to_owned());
    assert_eq!(lost(&tagged, 1, "10.10.0.1", "10.10.0.2"), no_pvid);
}

fn give(root: &mut crate::model::Netns, address: &str) {
    crate::walk::bridged::give(root, crate::walk::bridged::BRIDGE, address.parse().unwrap());
}

#[test]
fn a_vlan_device_that_is_down_takes_nothing() {
    let host = by_vlan_device()
        .vlan("br0", 10, "")
        .edit_link("br0.10", |link| link.flags = LinkFlags(0x1002));
    let down = bundle([host.knows(1, "10.10.0.1", mac(1, 10))]);
    let (cause, device) = lost(&down, 101, "10.10.0.2", "10.10.0.1");
    assert_eq!((cause, device.as_str()), (Cause::DeviceDown, "br0.10"));
}

/// Two pods that put their own tags on, behind ports that leave them on.
fn trunks(first: &str, second: &str) -> Host {
    let on = |address: &'static str| {
        move |netns: &mut crate::model::Netns| {
            let eth0 = netns.link_named("eth0").unwrap().clone();
            give_vlan_device(netns, &eth0, 10, address);
        }
    };
    Host::new(1)
        .pod(1, "192.0.2.1/32")
        .pod(2, "192.0.2.2/32")
        .edit_pod(1, on("10.10.0.2/24"))
        .edit_pod(2, on("10.10.0.3/24"))
        .vlan("veth1", 10, first)
        .vlan("veth2", 10, second)
}

#[test]
fn a_tag_stays_on_between_trunks() {
    let whole = bundle([trunks("", "")]);
    let out = delivered(&whole, 1, "10.10.0.2", "10.10.0.3", "host01 default/pod2");
    let tagged: Vec<_> = out
        .hops
        .iter()
        .map(|hop| (hop.at.device.clone().unwrap().name, hop.headers.vlan))
        .collect();
    let (on, off) = (Some(10), None);
    let expected = [
        ("eth0.10", off),
        ("eth0", on),
        ("veth1", on),
        ("veth2", on),
        ("eth0", on),
        ("eth0.10", off),
    ];
    assert_eq!(
        tagged,
        expected.map(|(device, vlan)| (device.to_owned(), vlan))
    );
}

#[test]
fn a_tag_is_taken_off_for_a_pod_that_has_no_use_for_it() {
    // The second pod's own device is behind a port that takes the tag off.
    let host = trunks("", "PVID Untagged").edit_pod(2, |netns| {
        netns.addresses.rows.retain(|row| row.device.0 == 2);
        netns.routes.rows.retain(|route| {
            let hop = route.nexthops.first();
            hop.is_none_or(|hop| hop.device == Some(IfIndex(2)))
        });
        netns.links.rows.retain(|link| link.name != "eth0.10");
        crate::walk::bridged::give(netns, 2, "10.10.0.3/24".parse().unwrap());
    });
    delivered(
        &bundle([host]),
        1,
        "10.10.0.2",
        "10.10.0.3",
        "host01 default/pod2",
    );
}

#[test]
fn a_tag_that_a_port_is_not_in_does_not_come_in() {
    let host = trunks("", "").without_vlans("veth1").vlan("veth1", 20, "");
    assert_eq!(
        lost(&bundle([host]), 101, "10.10.0.2", "10.10.0.3"),
        not_in(10, "veth1")
    );
}

#[test]
fn a_tagged_frame_without_a_vlan_device_is_nobodys() {
    let host = flat().without_vlans("veth2").vlan("veth2", 10, "");
    let nobody = (Cause::NoVlanDevice { vlan: 10 }, "eth0".to_owned());
    let asked = bundle([host]);
    assert_eq!(lost(&asked, 101, "10.10.0.2", "10.10.0.3"), nobody);
    let known =
        flat()
            .without_vlans("veth2")
            .vlan("veth2", 10, "")
            .knows(1, "10.10.0.3", mac(1, 102));
    assert_eq!(
        lost(&bundle([known]), 101, "10.10.0.2", "10.10.0.3"),
        nobody
    );
}

#[test]
fn a_bridge_that_does_not_filter_leaves_tags_alone() {
    let host = trunks("", "")
        .without_vlans("veth1")
        .without_vlans("veth2")
        .edit_bridge(|bridge| {
            bridge.vlan_filtering = false;
            bridge.vlan_protocol = None;
        })
        .edit(|root| root.port_vlans = Table::default());
    delivered(
        &bundle([host]),
        1,
        "10.10.0.2",
        "10.10.0.3",
        "host01 default/pod2",
    );
}

#[test]
fn tags_of_another_kind_are_not_followed() {
    let service = |bridge: &mut crate::model::link::Bridge| {
        bridge.vlan_protocol = Some(VlanProtocol::Service);
    };
    // Between untagged ports the kind does not matter.
    let untagged = bundle([flat().edit_bridge(service)]);
    delivered(
        &untagged,
        1,
        "10.10.0.2",
        "10.10.0.3",
        "host01 default/pod2",
    );
    let mixed = bundle([trunks("", "").edit_bridge(service)]);
    let why = doubt(&mixed, 1, "10.10.0.2", "10.10.0.3");
    assert!(why.contains("two tags"), "{why}");
    let unknown = bundle([flat().edit_bridge(|bridge| bridge.vlan_protocol = None)]);
    let why = doubt(&unknown, 1, "10.10.0.2", "10.10.0.3");
    assert!(why.contains("kind of tags"), "{why}");
}

#[test]
fn vlans_that_were_not_read_are_not_missing() {
    for known in [false, true] {
        let host = flat().edit(|root| root.port_vlans = Table::unavailable("permission denied"));
        let host = if known {
            host.knows(1, "10.10.0.3", mac(1, 102))
        } else {
            host
        };
        let why = doubt(&bundle([host]), 1, "10.10.0.2", "10.10.0.3");
        assert_eq!(why, "VLANs of ports: permission denied");
    }
}

#[test]
fn a_row_of_another_vlan_does_not_count() {
    let second = mac(1, 102);
    let other = flat()
        .fdb(second, "veth3", Some(20))
        .fdb(second, "veth3", None);
    delivered(
        &bundle([other]),
        1,
        "10.10.0.2",
        "10.10.0.3",
        "host01 default/pod2",
    );
    let own = bundle([flat().fdb(second, "veth3", Some(10))]);
    let (cause, _) = lost(&own, 101, "10.10.0.2", "10.10.0.3");
    let right = Some("veth2".to_owned());
    assert_eq!(cause, Cause::BridgeFdbWrong { mac: second, right });
}

#[test]
fn one_mac_may_be_in_each_vlan() {
    for first in ["veth2", "veth3"] {
        let host = flat().edit_pod(3, |netns| {
            let eth0 = netns.links.rows.iter_mut().find(|link| link.name == "eth0");
            eth0.unwrap().mac = Some(mac(1, 102));
        });
        let host = host.edit(|root| root.links.rows.sort_by_key(|link| link.name != first));
        let bundle = bundle([host]);
        delivered(&bundle, 1, "10.10.0.2", "10.10.0.3", "host01 default/pod2");
    }
}

#[test]
fn ports_of_one_vlan_may_be_isolated_all_the_same() {
    let isolate = |link: &mut Link| match &mut link.port {
        Some(crate::model::link::Port::Bridge(port)) => port.isolated = true,
        _ => unreachable!(),
    };
    let host = flat()
        .edit_link("veth1", isolate)
        .edit_link("veth2", isolate)
        .knows(1, "10.10.0.3", mac(1, 102));
    let (cause, device) = lost(&bundle([host]), 101, "10.10.0.2", "10.10.0.3");
    assert_eq!((cause, device.as_str()), (Cause::PortIsolated, "veth2"));
}

/// A packet filter that forwards nothing, and sees bridged packets.
fn refusing(host: Host) -> Host {
    let rule = |name: &str, policy: &str| Chain {
        name: name.to_owned(),
        policy: Some(policy.to_owned()),
        packets: 0,
        bytes: 0,
        rules: Vec::new(),
    };
    host.edit_bridge(|bridge| bridge.nf_call_iptables = true)
        .edit(|root| {
            root.netfilter.iptables.push(Iptables {
                backend: Backend::Legacy,
                family: Family::Inet,
                tables: Table::complete(vec![IptablesTable {
                    name: "filter".to_owned(),
                    chains: vec![rule("FORWARD", "DROP")],
                }]),
            });
        })
}

#[test]
fn packet_filters_see_bridged_packets_without_tags() {
    let (cause, _) = lost(&bundle([refusing(flat())]), 101, "10.10.0.2", "10.10.0.3");
    assert!(matches!(cause, Cause::Filtered { .. }), "{cause:?}");
    let tagged = bundle([refusing(trunks("", ""))]);
    delivered(&tagged, 1, "10.10.0.2", "10.10.0.3", "host01 default/pod2");
    let asked = refusing(trunks("", "")).edit(|root| {
        root.sysctls.rows.push(Sysctl {
            name: "net.bridge.bridge-nf-filter-vlan-tagged".to_owned(),
            value: "1".to_owned(),
        });
    });
    let (cause, _) = lost(&bundle([asked]), 101, "10.10.0.2", "10.10.0.3");
    assert!(matches!(cause, Cause::Filtered { .. }), "{cause:?}");
}

/// Two nodes whose addresses are on VLAN devices of their uplinks.
fn on_vlans(first: u16, second: u16) -> Bundle {
    let host = |number: u8, vlan: u16| {
        let address = format!("192.168.61.{number}/24");
        Host::new(number)
            .uplink(None)
            .vlan_device("eth0", vlan, &address)
    };
    bundle([host(1, first), host(2, second)])
}

#[test]
fn nodes_of_one_vlan_reach_each_other() {
    let (out, back) = ways(&on_vlans(100, 100), 1, "192.168.61.1", "192.168.61.2");
    let last = out.hops.last().unwrap();
    assert_eq!(last.at.to_string(), "host02 root eth0.100");
    assert!(out.is_delivered() && back.unwrap().is_delivered());
}

#[test]
fn what_switches_do_to_tags_is_not_known() {
    let (out, _) = ways(&on_vlans(100, 200), 1, "192.168.61.1", "192.168.61.2");
    assert!(matches!(out.end, End::CannotTell { .. }), "{:?}", out.end);
    let tagged = || {
        Host::new(1)
            .uplink(None)
            .vlan_device("eth0", 100, "192.168.61.1/24")
    };
    let untagged = |number: u8, address: &str| Host::new(number).uplink(Some(address));
    let mixed = bundle([tagged(), untagged(2, "192.168.61.2/24")]);
    let (out, _) = ways(&mixed, 1, "192.168.61.1", "192.168.61.2");
    assert!(matches!(out.end, End::CannotTell { .. }), "{:?}", out.end);
    let plain = bundle([
        untagged(1, "192.168.61.1/24"),
        untagged(2, "192.168.61.2/24"),
    ]);
    let (out, _) = ways(&plain, 1, "192.168.61.1", "192.168.61.2");
    assert!(out.is_delivered(), "{:?}", out.end);
}

/// A node whose address is on a VLAN device of a bridge that the uplink is a port of.
fn bridged_uplink(number: u8, vlan_of_uplink: u16) -> Host {
    let address = format!("192.168.61.{number}/24");
    Host::new(number)
        .uplink(None)
        .edit_link("eth0", into_bridge)
        .vlan("eth0", vlan_of_uplink, "")
        .vlan("br0", 100, "")
        .vlan_device("br0", 100, &address)
}

#[test]
fn an_uplink_in_a_bridge_has_to_be_in_the_vlan() {
    let whole = bundle([bridged_uplink(1, 100), bridged_uplink(2, 100)]);
    let (out, back) = ways(&whole, 1, "192.168.61.1", "192.168.61.2");
    assert!(out.is_delivered(), "{:?}", out.end);
    assert!(back.unwrap().is_delivered());
    let shut = bundle([bridged_uplink(1, 101), bridged_uplink(2, 100)]);
    assert_eq!(
        lost(&shut, 1, "192.168.61.1", "192.168.61.2"),
        not_in(100, "eth0")
    );
    let there = bundle([bridged_uplink(1, 100), bridged_uplink(2, 101)]);
    assert_eq!(
        lost(&there, 1, "192.168.61.1", "192.168.61.2"),
        not_in(100, "eth0")
    );
}

/// Pods of two nodes in one VLAN, joined by VXLAN.
fn joined(flags: [&str; 2]) -> [Host; 2] {
    let host = |number: u8, peer: u8, flags: &str| {
        let (own, other) = (format!("192.168.61.{number}"), format!("192.168.61.{peer}"));
        Host::new(number)
            .uplink(Some(&format!("{own}/24")))
            .vxlan(&own, &other)
            .pod_in(number, &format!("10.10.0.{number}/24"), 10)
            .vlan("vx0", 10, flags)
    };
    let [first, second] = flags;
    [host(1, 2, first), host(2, 1, second)]
}

#[test]
fn a_tag_goes_through_a_tunnel() {
    let tagged = bundle(joined(["", ""]));
    let out = delivered(&tagged, 1, "10.10.0.1", "10.10.0.2", "host02 default/pod2");
    let most = |out: &Path| out.hops.iter().map(|hop| hop.size).max();
    assert_eq!(most(&out), Some(84 + 50 + 4));
    let untagged = bundle(joined(["PVID Untagged", "PVID Untagged"]));
    let out = delivered(
        &untagged,
        1,
        "10.10.0.1",
        "10.10.0.2",
        "host02 default/pod2",
    );
    assert_eq!(most(&out), Some(84 + 50));
}

#[test]
fn a_tunnel_has_to_be_in_the_vlan() {
    let [first, second] = joined(["", ""]);
    let first = first.without_vlans("vx0").vlan("vx0", 20, "");
    let here = bundle([first, second]);
    assert_eq!(
        lost(&here, 101, "10.10.0.1", "10.10.0.2"),
        not_in(10, "vx0")
    );
    let [first, second] = joined(["", ""]);
    let first = first
        .without_vlans("vx0")
        .knows(1, "10.10.0.2", mac(2, 102));
    let known = bundle([first, second]);
    assert_eq!(
        lost(&known, 101, "10.10.0.1", "10.10.0.2"),
        not_in(10, "vx0")
    );
    // What comes out of the tunnel without a tag is in no VLAN there.
    let [first, second] = joined(["PVID Untagged", ""]);
    let no_pvid = (Cause::NoPvid, "vx0".to_owned());
    assert_eq!(
        lost(&bundle([first, second]), 101, "10.10.0.1", "10.10.0.2"),
        no_pvid
    );
}

#[test]
fn a_vlan_device_gets_frames_before_the_bridge_that_the_device_below_is_a_port_of() {
    let host = trunks("", "").vlan_device("veth1", 10, "10.10.0.9/24");
    let bundle = bundle([host.knows(1, "10.10.0.9", mac(1, 51))]);
    let (out, _) = ways(&bundle, 101, "10.10.0.2", "10.10.0.9");
    let last = out.hops.last().unwrap();
    assert_eq!(last.at.to_string(), "host01 root veth1.10");
    assert!(out.is_delivered(), "{:?}", out.end);
}
