//! A thousand nodes with fifty pods each, made by code: routed, or routed into VXLAN.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use ovl::model::link::{InetConf, LinkFlags, Lower, OperState, Vxlan};
use ovl::model::neighbour::NeighbourState;
use ovl::model::netfilter::Netfilter;
use ovl::model::netns::Sysctl;
use ovl::model::route::{Protocol, RouteKind, Scope};
use ovl::model::rule::{Family, Rule, RuleAction};
use ovl::model::sandbox::SandboxSource;
use ovl::model::{
    Address, Bundle, FdbEntry, IfIndex, Link, LinkKind, Mac, Neighbour, Netns, NetnsId, NextHop,
    Node, Route, Sandbox, SandboxState, Table, TableId, Vni,
};

/// Pods a node.
pub const PODS: u32 = 50;

/// How pods reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A block route to each other node.
    Routed,
    /// The same through VXLAN, each tunnel end set by hand.
    Wrapped,
}

/// All nodes.
pub fn bundle(kind: Kind, nodes: u32) -> Bundle {
    Bundle::new(
        (0..nodes).map(|node| make(kind, node, nodes)).collect(),
        Vec::new(),
    )
}

pub fn name(node: u32) -> String {
    format!("node{node:04}")
}

fn node_address(node: u32) -> IpAddr {
    Ipv4Addr::from_bits(0xc0a8_0000 + 256 + node).into()
}

/// Blocks of 64 addresses in 10.0.0.0/8.
fn block(node: u32) -> IpNet {
    Ipv4Net::new(Ipv4Addr::from_bits(0x0a00_0000 + node * 64), 26)
        .unwrap()
        .into()
}

pub fn pod_address(node: u32, pod: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + node * 64 + pod + 1).into()
}

fn mac(kind: u8, number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac([2, kind, a, b, c, d])
}

fn make(kind: Kind, node: u32, nodes: u32) -> Node {
    let uplink = IfIndex(2);
    let mut sandboxes = Vec::new();
    let gateway: IpAddr = Ipv4Addr::new(169, 254, 1, 1).into();
    let mut root = namespace(1);
    root.links
        .rows
        .push(link(1, "lo", LinkKind::Loopback, None, None));
    root.links.rows.push(link(
        2,
        "enp0s8",
        LinkKind::Device,
        Some(mac(1, node)),
        None,
    ));
    root.addresses.rows.push(address(2, node_address(node), 16));
    root.routes.rows.push(local(node_address(node), 2));
    root.routes.rows.push(route(
        IpNet::new(node_address(0), 16).unwrap().trunc(),
        2,
        None,
    ));
    root.routes.rows.push(Route {
        kind: RouteKind::Blackhole,
        nexthops: Vec::new(),
        ..route(block(node), 2, None)
    });
    if kind == Kind::Wrapped {
        root.links.rows.push(Link {
            kind: LinkKind::Vxlan(Vxlan {
                vni: Vni(1),
                port: 8472,
                local: Some(node_address(node)),
                underlay: Some(uplink),
                ..Vxlan::default()
            }),
            mtu: 1450,
            ..link(3, "flannel.1", LinkKind::Device, Some(mac(3, node)), None)
        });
        root.addresses.rows.push(address(3, block(node).addr(), 32));
    }
    for other in (0..nodes).filter(|other| *other != node) {
        root.neighbours
            .rows
            .push(neighbour(uplink, node_address(other), mac(1, other)));
        match kind {
            Kind::Routed => {
                root.routes
                    .rows
                    .push(route(block(other), 2, Some(node_address(other))));
            }
            Kind::Wrapped => {
                let end = block(other).addr();
                root.routes.rows.push(route(block(other), 3, Some(end)));
                root.neighbours.rows.push(Neighbour {
                    state: NeighbourState::Permanent,
                    ..neighbour(IfIndex(3), end, mac(3, other))
                });
                root.fdb
                    .rows
                    .push(tunnel_end(mac(3, other), node_address(other)));
            }
        }
    }
    let mut namespaces = Vec::new();
    for pod in 0..PODS {
        let host_end = pod + 10;
        let address_of_pod = pod_address(node, pod);
        let own = mac(2, node * PODS + pod);
        let host_mac = Mac([0xee; 6]);
        let id = NetnsId(u64::from(pod) + 2);
        root.links.rows.push(link(
            host_end,
            &format!("cali{pod:011}"),
            LinkKind::Veth,
            Some(host_mac),
            Some((2, id)),
        ));
        root.routes
            .rows
            .push(route(IpNet::from(address_of_pod), host_end, None));
        root.neighbours
            .rows
            .push(neighbour(IfIndex(host_end), address_of_pod, own));
        let mut netns = namespace(id.0);
        netns
            .links
            .rows
            .push(link(1, "lo", LinkKind::Loopback, None, None));
        netns.links.rows.push(link(
            2,
            "eth0",
            LinkKind::Veth,
            Some(own),
            Some((host_end, NetnsId(1))),
        ));
        netns.addresses.rows.push(address(2, address_of_pod, 32));
        netns.routes.rows.push(local(address_of_pod, 2));
        netns.routes.rows.push(route(IpNet::from(gateway), 2, None));
        netns
            .routes
            .rows
            .push(route("0.0.0.0/0".parse().unwrap(), 2, Some(gateway)));
        netns
            .neighbours
            .rows
            .push(neighbour(IfIndex(2), gateway, host_mac));
        namespaces.push(netns);
        sandboxes.push(sandbox(node, pod, id));
    }
    namespaces.insert(0, root);
    Node {
        schema: Node::SCHEMA.to_owned(),
        name: name(node),
        root: NetnsId(1),
        namespaces,
        sandboxes: Table::complete(sandboxes),
        ..Node::default()
    }
}

fn namespace(id: u64) -> Netns {
    Netns {
        id: NetnsId(id),
        links: Table::complete(Vec::new()),
        addresses: Table::complete(Vec::new()),
        rules: Table::complete(rules()),
        routes: Table::complete(Vec::new()),
        nexthops: Table::complete(Vec::new()),
        neighbours: Table::complete(Vec::new()),
        fdb: Table::complete(Vec::new()),
        port_vlans: Table::complete(Vec::new()),
        sysctls: Table::complete(vec![Sysctl {
            name: "net.ipv4.conf.all.rp_filter".to_owned(),
            value: "1".to_owned(),
        }]),
        netfilter: Netfilter {
            nft: Table::complete(Vec::new()),
            iptables: Vec::new(),
            ipsets: Table::complete(Vec::new()),
        },
        sockets: Table::complete(Vec::new()),
        ..Netns::default()
    }
}

fn rules() -> Vec<Rule> {
    [
        (0, TableId::LOCAL),
        (32766, TableId::MAIN),
        (32767, TableId::DEFAULT),
    ]
    .map(|(priority, table)| Rule::for_all(Family::Inet, priority, RuleAction::Lookup(table)))
    .into()
}

fn route(destination: IpNet, device: u32, gateway: Option<IpAddr>) -> Route {
    Route {
        scope: if gateway.is_some() {
            Scope::UNIVERSE
        } else {
            Scope::LINK
        },
        protocol: Protocol(80),
        nexthops: vec![NextHop {
            gateway,
            onlink: gateway.is_some(),
            ..NextHop::device(IfIndex(device))
        }],
        ..Route::to(destination)
    }
}

fn local(address: IpAddr, device: u32) -> Route {
    Route {
        table: TableId::LOCAL,
        kind: RouteKind::Local,
        scope: Scope::HOST,
        ..route(IpNet::from(address), device, None)
    }
}

fn address(device: u32, address: IpAddr, prefix_len: u8) -> Address {
    Address {
        device: IfIndex(device),
        address,
        prefix_len,
        peer: None,
        broadcast: None,
        scope: Scope::UNIVERSE,
        label: None,
        flags: 0x80,
        preferred_s: None,
        valid_s: None,
        protocol: None,
    }
}

fn neighbour(device: IfIndex, address: IpAddr, mac: Mac) -> Neighbour {
    Neighbour {
        device,
        address,
        mac: Some(mac),
        state: NeighbourState::Reachable,
        proxy: false,
        router: false,
        extern_learned: false,
        protocol: None,
    }
}

fn link(
    index: u32,
    name: &str,
    kind: LinkKind,
    mac: Option<Mac>,
    peer: Option<(u32, NetnsId)>,
) -> Link {
    let is_loopback = kind == LinkKind::Loopback;
    Link {
        hardware_type: if is_loopback { 772 } else { 1 },
        mac,
        flags: LinkFlags(if is_loopback { 0x1_0049 } else { 0x1_1043 }),
        oper_state: OperState::Up,
        mtu: if is_loopback { 65536 } else { 1500 },
        lower: peer.map(|(index, netns)| Lower {
            index: IfIndex(index),
            nsid: None,
            netns: Some(netns),
        }),
        inet: Some(InetConf {
            forwarding: 1,
            rp_filter: 1,
            proxy_arp: 1,
            ..InetConf::default()
        }),
        ..Link::new(IfIndex(index), name.to_owned(), kind)
    }
}

fn sandbox(node: u32, pod: u32, netns: NetnsId) -> Sandbox {
    Sandbox {
        id: format!("{node:032x}{pod:032x}"),
        namespace: "default".to_owned(),
        name: format!("pod{node:04}-{pod:02}"),
        uid: None,
        attempt: 0,
        state: SandboxState::Ready,
        created_ns: None,
        host_network: false,
        netns_path: None,
        netns: Some(netns),
        pid: None,
        addresses: vec![pod_address(node, pod)],
        containers: Vec::new(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        source: SandboxSource::Cri,
        doubt: None,
    }
}

fn tunnel_end(mac: Mac, dst: IpAddr) -> FdbEntry {
    FdbEntry {
        dst: Some(dst),
        own: true,
        ..FdbEntry::new(IfIndex(3), mac, NeighbourState::Permanent)
    }
}
