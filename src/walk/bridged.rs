//! Networks of bridges that filter VLANs, made by hand, for tests.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use plugin_core::mac::Mac;

use crate::model::link::{
    Bridge, BridgePort, InetConf, LinkFlags, Lower, OperState, Port, PortState, Vlan, VlanProtocol,
    Vxlan,
};
use crate::model::neighbour::NeighbourState;
use crate::model::netfilter::Netfilter;
use crate::model::route::{PortVlan, RouteKind, Scope};
use crate::model::rule::{Family, Rule, RuleAction};
use crate::model::sandbox::SandboxSource;
use crate::model::{
    Address, Bundle, FdbEntry, IfIndex, Link, LinkKind, Neighbour, Netns, NetnsId, NextHop, Node,
    Route, Sandbox, SandboxState, Table, TableId, Vni,
};

/// The bridge's index in the node's own namespace.
pub const BRIDGE: u32 = 10;
const UPLINK: u32 = 2;
const VXLAN: u32 = 4;
const ROOT: NetnsId = NetnsId(1);

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn mac(node: u8, number: u8) -> Mac {
    Mac([2, 0, 0, 0, node, number])
}

/// A node under construction: `br0`, which filters, and pods behind `veth1`, `veth2` …
pub struct Host {
    number: u8,
    node: Node,
}

impl Host {
    /// A node with an uplink at 192.168.61.NUMBER and a bridge without ports.
    pub fn new(number: u8) -> Self {
        let mut root = namespace(ROOT);
        root.links
            .rows
            .push(link(1, "lo", LinkKind::Loopback, None));
        let bridge = LinkKind::Bridge(Bridge {
            vlan_filtering: true,
            vlan_protocol: Some(VlanProtocol::Customer),
            default_pvid: 1,
            ..Bridge::default()
        });
        root.links
            .rows
            .push(link(BRIDGE, "br0", bridge, Some(mac(number, 10))));
        let node = Node {
            schema: Node::SCHEMA.to_owned(),
            name: format!("host{number:02}"),
            root: ROOT,
            namespaces: vec![root],
            sandboxes: Table::complete(Vec::new()),
            ..Node::default()
        };
        Self { number, node }.vlan("br0", 1, "PVID Untagged")
    }

    pub fn root(&mut self) -> &mut Netns {
        &mut self.node.namespaces[0]
    }

    fn pod_netns(&mut self, pod: u8) -> &mut Netns {
        let id = NetnsId(100 + u64::from(pod));
        let namespaces = &mut self.node.namespaces;
        namespaces.iter_mut().find(|netns| netns.id == id).unwrap()
    }

    /// The namespace of a pod.
    pub fn edit_pod(mut self, pod: u8, edit: impl FnOnce(&mut Netns)) -> Self {
        edit(self.pod_netns(pod));
        self
    }

    pub fn edit(mut self, edit: impl FnOnce(&mut Netns)) -> Self {
        edit(self.root());
        self
    }

    pub fn edit_link(self, name: &str, edit: impl FnOnce(&mut Link)) -> Self {
        self.edit(|root| {
            let links = &mut root.links.rows;
            edit(links.iter_mut().find(|link| link.name == name).unwrap());
        })
    }

    pub fn edit_bridge(self, edit: impl FnOnce(&mut Bridge)) -> Self {
        self.edit_link("br0", |link| match &mut link.kind {
            LinkKind::Bridge(bridge) => edit(bridge),
            _ => unreachable!(),
        })
    }

    /// A pod at that address, on a port that is in no VLAN.
    pub fn pod(mut self, pod: u8, address: &str) -> Self {
        let id = NetnsId(100 + u64::from(pod));
        let (host_end, name) = (20 + u32::from(pod), format!("veth{pod}"));
        let own = mac(self.number, 100 + pod);
        let mut netns = namespace(id);
        netns.paths = vec![format!("/run/netns/pod{pod}")];
        netns
            .links
            .rows
            .push(link(1, "lo", LinkKind::Loopback, None));
        netns.links.rows.push(Link {
            lower: Some(lower(host_end, ROOT)),
            ..link(2, "eth0", LinkKind::Veth, Some(own))
        });
        let net: IpNet = address.parse().unwrap();
        give(&mut netns, 2, net);
        self.node.namespaces.push(netns);
        self.node.sandboxes.rows.push(sandbox(pod, id, net.addr()));
        let host_mac = mac(self.number, 50 + pod);
        self.root().links.rows.push(Link {
            lower: Some(lower(2, id)),
            ..port(link(host_end, &name, LinkKind::Veth, Some(host_mac)))
        });
        self
    }

    /// A pod as the standard plugin `bridge` makes it with `vlan`.
    pub fn pod_in(self, pod: u8, address: &str, vlan: u16) -> Self {
        self.pod(pod, address)
            .vlan(&format!("veth{pod}"), vlan, "PVID Untagged")
    }

    /// A VLAN of a port of the bridge, or of the bridge itself.
    pub fn vlan(self, device: &str, vlan: u16, flags: &str) -> Self {
        self.edit(|root| {
            let device = root.link_named(device).unwrap().index;
            let (pvid, untagged) = (flags.contains("PVID"), flags.contains("Untagged"));
            root.port_vlans.rows.push(PortVlan {
                device,
                vlan,
                pvid,
                untagged,
            });
        })
    }

    pub fn without_vlans(self, device: &str) -> Self {
        self.edit(|root| {
            let device = root.link_named(device).unwrap().index;
            root.port_vlans.rows.retain(|row| row.device != device);
        })
    }

    /// A pod's route to everything else.
    pub fn gateway(self, pod: u8, gateway: &str) -> Self {
        self.edit_pod(pod, |netns| {
            let everything = "0.0.0.0/0".parse().unwrap();
            let hop = NextHop {
                gateway: Some(ip(gateway)),
                ..NextHop::device(IfIndex(2))
            };
            netns.routes.rows.push(Route {
                nexthops: vec![hop],
                ..Route::to(everything)
            });
        })
    }

    /// A gateway as the standard plugin `bridge` makes it: a pair in the node's own namespace, one end of it a port.
    pub fn pair_gateway(self, address: &str, vlan: u16) -> Self {
        let (inside, outside) = (200 + u32::from(vlan), 400 + u32::from(vlan));
        let number = self.number;
        let port_name = format!("vethgw{vlan}");
        let low = vlan.to_be_bytes()[1];
        self.edit(|root| {
            let name = format!("br0.{vlan}");
            root.links.rows.push(Link {
                lower: Some(lower(outside, ROOT)),
                ..link(inside, &name, LinkKind::Veth, Some(mac(number + 100, low)))
            });
            let own = Some(mac(number + 120, low));
            root.links.rows.push(Link {
                lower: Some(lower(inside, ROOT)),
                ..port(link(outside, &port_name, LinkKind::Veth, own))
            });
            give(root, inside, address.parse().unwrap());
        })
        .vlan(&port_name, vlan, "PVID Untagged")
    }

    /// A VLAN device on the bridge, the uplink or another device, with an address.
    pub fn vlan_device(self, below: &str, vlan: u16, address: &str) -> Self {
        self.edit(|root| {
            let below = root.link_named(below).unwrap().clone();
            give_vlan_device(root, &below, vlan, address);
        })
    }

    pub fn uplink(self, address: Option<&str>) -> Self {
        let number = self.number;
        self.edit(|root| {
            let own = Some(mac(number, 1));
            root.links
                .rows
                .push(link(UPLINK, "eth0", LinkKind::Device, own));
            if let Some(address) = address {
                give(root, UPLINK, address.parse().unwrap());
            }
        })
    }

    /// A VXLAN device in the bridge that floods to `peer`.
    pub fn vxlan(self, local: &str, peer: &str) -> Self {
        let number = self.number;
        self.edit(|root| {
            let kind = LinkKind::Vxlan(Vxlan {
                vni: Vni(7),
                port: 4789,
                local: Some(ip(local)),
                ..Vxlan::default()
            });
            root.links.rows.push(Link {
                mtu: 1450,
                ..port(link(VXLAN, "vx0", kind, Some(mac(number, 4))))
            });
            root.fdb.rows.push(FdbEntry {
                dst: Some(ip(peer)),
                own: true,
                ..fdb_row(VXLAN, Mac::ZERO, None)
            });
        })
    }

    /// A row of the bridge's table.
    pub fn fdb(self, mac: Mac, port: &str, vlan: Option<u16>) -> Self {
        self.edit(|root| {
            let port = root.link_named(port).unwrap().index;
            root.fdb.rows.push(FdbEntry {
                master: Some(IfIndex(BRIDGE)),
                ..fdb_row(port.0, mac, vlan)
            });
        })
    }

    /// What a pod believes to know of a neighbour.
    pub fn knows(self, pod: u8, address: &str, mac: Mac) -> Self {
        self.edit_pod(pod, |netns| {
            netns.neighbours.rows.push(Neighbour {
                device: IfIndex(2),
                address: ip(address),
                mac: Some(mac),
                state: NeighbourState::Permanent,
                proxy: false,
                router: false,
                extern_learned: false,
                protocol: None,
            });
        })
    }
}

/// The nodes as one network.
pub fn bundle(hosts: impl IntoIterator<Item = Host>) -> Bundle {
    let nodes = hosts.into_iter().map(|host| host.node).collect();
    Bundle::new(nodes, Vec::new())
}

/// Gives a device an address, and the routes that the kernel adds.
pub fn give(netns: &mut Netns, device: u32, net: IpNet) {
    netns.addresses.rows.push(Address {
        device: IfIndex(device),
        address: net.addr(),
        prefix_len: net.prefix_len(),
        peer: None,
        broadcast: None,
        scope: Scope::UNIVERSE,
        label: None,
        flags: 0x80,
        preferred_s: None,
        valid_s: None,
        protocol: None,
    });
    let hop = vec![NextHop::device(IfIndex(device))];
    netns.routes.rows.push(Route {
        table: TableId::LOCAL,
        kind: RouteKind::Local,
        scope: Scope::HOST,
        nexthops: hop.clone(),
        ..Route::to(net.addr().into())
    });
    netns.routes.rows.push(Route {
        scope: Scope::LINK,
        nexthops: hop,
        ..Route::to(net.trunc())
    });
}

/// Puts a VLAN device on another one, with an address.
pub fn give_vlan_device(netns: &mut Netns, below: &Link, vlan: u16, address: &str) {
    let index = 600 + u32::from(vlan);
    let kind = LinkKind::Vlan(Vlan {
        id: vlan,
        protocol: VlanProtocol::Customer,
    });
    let id = netns.id;
    netns.links.rows.push(Link {
        lower: Some(lower(below.index.0, id)),
        ..link(index, &format!("{}.{vlan}", below.name), kind, below.mac)
    });
    give(netns, index, address.parse().unwrap());
}

fn lower(index: u32, netns: NetnsId) -> Lower {
    Lower {
        index: IfIndex(index),
        nsid: None,
        netns: Some(netns),
    }
}

fn port(link: Link) -> Link {
    Link {
        master: Some(IfIndex(BRIDGE)),
        port: Some(Port::Bridge(BridgePort {
            state: PortState::Forwarding,
            learning: true,
            unicast_flood: true,
            multicast_flood: true,
            broadcast_flood: true,
            ..BridgePort::default()
        })),
        ..link
    }
}

/// Makes a device a port of the bridge.
pub fn into_bridge(link: &mut Link) {
    *link = port(link.clone());
}

fn fdb_row(device: u32, mac: Mac, vlan: Option<u16>) -> FdbEntry {
    FdbEntry {
        vlan,
        ..FdbEntry::new(IfIndex(device), mac, NeighbourState::Permanent)
    }
}

fn namespace(id: NetnsId) -> Netns {
    let rules = [
        (0, TableId::LOCAL),
        (32766, TableId::MAIN),
        (32767, TableId::DEFAULT),
    ]
    .map(|(priority, table)| Rule::for_all(Family::Inet, priority, RuleAction::Lookup(table)));
    Netns {
        id,
        links: Table::complete(Vec::new()),
        addresses: Table::complete(Vec::new()),
        rules: Table::complete(rules.into()),
        routes: Table::complete(Vec::new()),
        nexthops: Table::complete(Vec::new()),
        neighbours: Table::complete(Vec::new()),
        fdb: Table::complete(Vec::new()),
        port_vlans: Table::complete(Vec::new()),
        sysctls: Table::complete(Vec::new()),
        filters: Table::complete(Vec::new()),
        netfilter: Netfilter {
            nft: Table::complete(Vec::new()),
            iptables: Vec::new(),
            ipsets: Table::complete(Vec::new()),
        },
        sockets: Table::complete(Vec::new()),
        ..Netns::default()
    }
}

fn link(index: u32, name: &str, kind: LinkKind, mac: Option<Mac>) -> Link {
    let is_loopback = kind == LinkKind::Loopback;
    Link {
        hardware_type: if is_loopback { 772 } else { 1 },
        mac,
        flags: LinkFlags(if is_loopback { 0x1_0049 } else { 0x1_1043 }),
        oper_state: OperState::Up,
        mtu: if is_loopback { 65536 } else { 1500 },
        inet: Some(InetConf {
            forwarding: 1,
            ..InetConf::default()
        }),
        ..Link::new(IfIndex(index), name.to_owned(), kind)
    }
}

fn sandbox(pod: u8, netns: NetnsId, address: IpAddr) -> Sandbox {
    Sandbox {
        id: format!("{pod:064x}"),
        namespace: "default".to_owned(),
        name: format!("pod{pod}"),
        uid: None,
        attempt: 0,
        state: SandboxState::Ready,
        created_ns: None,
        host_network: false,
        netns_path: None,
        netns: Some(netns),
        pid: None,
        addresses: vec![address],
        containers: Vec::new(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        source: SandboxSource::Cri,
        doubt: None,
    }
}
