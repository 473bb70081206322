//! Links as the kernel tells them.

use super::*;
use crate::model::link::{DontFragment, Port};

/// A message of an Ethernet device that is up, with `info` as its kind's data.
fn message(name: &str, kind: &str, data: Writer) -> Vec<u8> {
    let mut header = [0; HEADER];
    header[2] = 1;
    header[4] = 9;
    header[8..12].copy_from_slice(&0x1_1043_u32.to_ne_bytes());
    let mut text = kind.as_bytes().to_vec();
    text.push(0);
    let info = Writer::default()
        .put(IFLA_INFO_KIND, &text)
        .nest(IFLA_INFO_DATA, data);
    Writer::behind(&header)
        .put(IFLA_IFNAME, format!("{name}\0").as_bytes())
        .put_u32(IFLA_MTU, 1450)
        .put(IFLA_ADDRESS, &[2, 0, 0, 0, 0, 1])
        .put(IFLA_OPERSTATE, &[6])
        .put_u32(IFLA_LINK, 2)
        .nest(IFLA_LINKINFO, info)
        .0
}

fn kind_of(kind: &str, data: Writer) -> LinkKind {
    decode(&message("d0", kind, data)).unwrap().kind
}

#[test]
fn a_veth_whose_peer_is_elsewhere() {
    let mut bytes = message("eth0", "veth", Writer::default());
    bytes = Writer(bytes).put(IFLA_LINK_NETNSID, &0_i32.to_ne_bytes()).0;
    let link = decode(&bytes).unwrap();
    assert_eq!(link.kind, LinkKind::Veth);
    assert!(link.is_running());
    assert_eq!(
        link.peer(),
        Some(&Lower {
            index: IfIndex(2),
            nsid: Some(Nsid(0)),
            netns: None
        })
    );
}

#[test]
fn vxlan_settings() {
    let data = Writer::default()
        .put_u32(1, 4096)
        .put(4, &[192, 168, 61, 11])
        .put_u32(3, 2)
        .put(7, &[0])
        .put(15, &4789_u16.to_be_bytes())
        .put(10, &[0, 0, 0, 0])
        .put(18, &[1])
        .put(29, &[1]);
    let LinkKind::Vxlan(vxlan) = kind_of("vxlan", data) else {
        panic!("not a vxlan")
    };
    assert_eq!((vxlan.vni.0, vxlan.port), (4096, 4789));
    assert_eq!(vxlan.local.unwrap().to_string(), "192.168.61.11");
    assert_eq!(vxlan.underlay, Some(IfIndex(2)));
    assert!(!vxlan.learning && vxlan.udp_csum);
    assert_eq!(vxlan.df, DontFragment::Set);
}

#[test]
fn kinds_that_this_kernel_may_lack() {
    assert_eq!(kind_of("dummy", Writer::default()), LinkKind::Dummy);
    assert_eq!(kind_of("wireguard", Writer::default()), LinkKind::Wireguard);
    let LinkKind::Ipvlan(ipvlan) =
        kind_of("ipvlan", Writer::default().put(1, &[2, 0]).put(2, &[1, 0]))
    else {
        panic!("not an ipvlan")
    };
    assert_eq!(
        (ipvlan.mode.as_str(), ipvlan.isolation.as_str()),
        ("l3s", "private")
    );
    let LinkKind::Vlan(vlan) = kind_of(
        "vlan",
        Writer::default().put(1, &[100, 0]).put(5, &[0x88, 0xa8]),
    ) else {
        panic!("not a vlan")
    };
    assert_eq!((vlan.id, vlan.protocol.as_str()), (100, "802.1ad"));
    let LinkKind::Bond(bond) = kind_of(
        "bond",
        Writer::default()
            .put(1, &[1])
            .put_u32(2, 4)
            .put_u32(3, 100)
            .put(14, &[1]),
    ) else {
        panic!("not a bond")
    };
    assert_eq!(bond.mode, "active-backup");
    assert_eq!((bond.active, bond.miimon_ms), (Some(IfIndex(4)), 100));
    assert_eq!(bond.hash_policy, "layer3+4");
    assert_eq!(
        kind_of("vrf", Writer::default().put_u32(1, 1001)),
        LinkKind::Vrf {
            table: crate::model::TableId(1001)
        }
    );
    let LinkKind::Geneve(geneve) = kind_of(
        "geneve",
        Writer::default()
            .put_u32(1, 77)
            .put(2, &[10, 0, 0, 9])
            .put(5, &6081_u16.to_be_bytes())
            .put(6, &[]),
    ) else {
        panic!("not a geneve")
    };
    assert_eq!(
        (geneve.vni.0, geneve.port, geneve.collect_metadata),
        (77, 6081, true)
    );
    let LinkKind::Netkit(netkit) = kind_of(
        "netkit",
        Writer::default().put(2, &[1]).put_u32(3, 2).put_u32(5, 1),
    ) else {
        panic!("not a netkit")
    };
    assert_eq!(
        (netkit.mode.as_str(), netkit.policy.as_str(), netkit.primary),
        ("l3", "blackhole", true)
    );
}

#[test]
fn tunnels_of_all_sorts() {
    let tunnel = |kind: &str, data| match kind_of(kind, data) {
        LinkKind::Tunnel(tunnel) => tunnel,
        other => panic!("{kind} became {other:?}"),
    };
    let ipip = tunnel(
        "ipip",
        Writer::default()
            .put(2, &[10, 0, 0, 1])
            .put(3, &[0; 4])
            .put(4, &[64])
            .put(10, &[1]),
    );
    assert_eq!(ipip.local.unwrap().to_string(), "10.0.0.1");
    assert_eq!(ipip.remote, None);
    assert!(ipip.path_mtu_discovery);
    let gre = tunnel(
        "gretap",
        Writer::default()
            .put(4, &7_u32.to_be_bytes())
            .put(2, &[0x20, 0])
            .put(7, &[10, 0, 0, 2])
            .put(18, &[]),
    );
    assert_eq!((gre.input_key, gre.collect_metadata), (Some(7), true));
    let vti = tunnel(
        "vti",
        Writer::default()
            .put(3, &9_u32.to_be_bytes())
            .put(5, &[10, 0, 0, 2]),
    );
    assert_eq!(vti.output_key, Some(9));
    let ip6tnl = tunnel(
        "ip6tnl",
        Writer::default().put(9, &[41]).put(3, &[0xfe; 16]),
    );
    assert_eq!(ip6tnl.protocol, 41);
    assert!(ip6tnl.remote.unwrap().is_ipv6());
}

#[test]
fn a_bridge_and_its_port() {
    let LinkKind::Bridge(bridge) = kind_of(
        "bridge",
        Writer::default()
            .put_u32(4, 30_000)
            .put_u32(5, 0)
            .put(7, &[1])
            .put(23, &[1])
            .put(36, &[1])
            .put(39, &[1, 0]),
    ) else {
        panic!("not a bridge")
    };
    assert_eq!(
        (bridge.ageing_s, bridge.vlan_filtering, bridge.default_pvid),
        (300.0, true, 1)
    );
    assert!(bridge.nf_call_iptables);
    let data = Writer::default()
        .put(1, &[3])
        .put_u32(3, 2)
        .put(4, &[1])
        .put(8, &[1])
        .put(9, &[1])
        .put(30, &[1])
        .put(33, &[1]);
    let Port::Bridge(port) = port::decode("bridge", Attributes(&data.0)) else {
        panic!("not a bridge port")
    };
    assert_eq!(port.state.as_str(), "forwarding");
    assert!(port.hairpin && port.isolated && port.learning && port.unicast_flood);
    assert!(!port.multicast_flood && !port.neigh_suppress);
}

#[test]
fn any_bytes_at_all_do_no_harm() {
    let whole = message("d0", "vxlan", Writer::default().put_u32(1, 1));
    for end in 0..whole.len() {
        let _ = decode(&whole[..end]);
    }
    let mut odd = whole.clone();
    for place in HEADER..whole.len() {
        odd[place] ^= 0xff;
        let _ = decode(&odd);
        odd[place] ^= 0xff;
    }
}
