//! How long a node takes to learn of 5,000 peers (route, neighbour, forwarding entry each), to find that nothing
//! has changed, and to put back one row; with `ip -batch` and `bridge -batch` making the same rows beside it. In
//! namespaces of its own; needs root.

// A benchmark prints, and ends when it cannot go on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use plugin_core::netlink::{Socket, route};
use plugin_core::netns::Netns;
use plugin_core::node::peer::{SCHEMA, Vtep};
use plugin_core::node::{
    Block, Kernel, LocalNode, Network, PROTOCOL, Peer, Scope, Settings, Underlay, mac, plan,
};

const PEERS: u16 = 5000;

fn main() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root to make network namespaces");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = (
        directory.path().join("ours"),
        directory.path().join("theirs"),
    );
    let (a, b) = (
        Netns::create_at(&ours).unwrap(),
        Netns::create_at(&theirs).unwrap(),
    );
    let first = a.run(sync).unwrap();
    let batch = b.run(|| batch(directory.path())).unwrap();
    println!(
        "ip -batch, bridge -batch   {batch:>10.1?}   ratio {:.2}",
        first.div_duration_f64(batch)
    );
    Netns::remove(&ours).unwrap();
    Netns::remove(&theirs).unwrap();
}

fn run(line: &str) {
    let mut words = line.split(' ');
    let status = Command::new(words.next().unwrap())
        .args(words)
        .status()
        .unwrap();
    assert!(status.success(), "{line}");
}

fn underlay() {
    for line in [
        "ip link add u0 type veth peer name u1",
        "ip link set u1 up",
        "ip link set u0 up",
        "ip address add 192.168.0.1/16 dev u0",
    ] {
        run(line);
    }
}

fn outer(number: u16) -> IpAddr {
    let [high, low] = (number + 2).to_be_bytes();
    [192, 168, high, low].into()
}

fn inner(number: u16) -> IpAddr {
    let [high, low] = number.to_be_bytes();
    [10, high + 1, low, 0].into()
}

fn peer(number: u16) -> Peer {
    let node = format!("node{number}");
    Peer {
        schema: SCHEMA.to_owned(),
        network: "pods".to_owned(),
        addresses: vec![format!("{}/16", outer(number)).parse().unwrap()],
        vtep: Some(Vtep {
            mac: mac::of_vtep(&node),
            addresses: vec![inner(number)],
            vni: 4096,
            port: 4789,
        }),
        mtu: 1450,
        subnets: Vec::new(),
        version: String::new(),
        node,
    }
}

/// Returns how long the first sync took.
fn sync() -> Duration {
    underlay();
    let settings: Settings = serde_json::from_str(
        r#"{"name": "pods", "mode": "routed", "encap": "always", "masquerade": false,
            "pools": [{"cidr": "10.0.0.0/8", "blockSize": 24}]}"#,
    )
    .unwrap();
    let addresses = vec!["192.168.0.1/16".parse().unwrap()];
    let underlay = Underlay {
        device: "u0".to_owned(),
        mtu: 1500,
        addresses,
    };
    let (network, addresses) = Network::new(&settings, &underlay).unwrap();
    let me = LocalNode {
        name: "me".to_owned(),
        device: "u0".to_owned(),
        addresses,
        vtep_addresses: vec!["10.255.0.0".parse().unwrap()],
        bridge_addresses: Vec::new(),
        takes_router_advertisements: false,
    };
    let peers: Vec<Peer> = (0..PEERS).map(peer).collect();
    let blocks: Vec<Block> = (0..PEERS)
        .map(|number| Block {
            cidr: format!("{}/24", inner(number)).parse().unwrap(),
            node: format!("node{number}"),
        })
        .collect();

    let mut kernel = Kernel::new(Socket::open().unwrap(), Scope::new(&network, &me));
    let start = Instant::now();
    let plan = plan(&network, &me, &peers, &blocks);
    let report = kernel.sync(&plan.state).unwrap();
    let first = start.elapsed();
    assert_eq!(report.failures, []);
    assert!(report.changes.len() >= 3 * usize::from(PEERS));
    println!(
        "first sync, {} changes {first:>10.1?}",
        report.changes.len()
    );

    let start = Instant::now();
    let report = kernel.sync(&plan.state).unwrap();
    let idle = start.elapsed();
    assert_eq!(report.changes, []);
    println!("nothing to change          {idle:>10.1?}");

    let rows = route::list(kernel.socket()).unwrap().rows;
    let row = rows.iter().find(|row| row.protocol == PROTOCOL).unwrap();
    kernel.socket().apply(&row.delete()).unwrap();
    let start = Instant::now();
    let report = kernel.sync(&plan.state).unwrap();
    assert_eq!(report.changes.len(), 1);
    println!("one row put back           {:>10.1?}", start.elapsed());
    first
}

/// The same rows by the usual programs.
fn batch(directory: &std::path::Path) -> Duration {
    underlay();
    let (mut ip, mut bridge) = (String::new(), String::new());
    ip.push_str("link add vxlan.calico type vxlan id 4096 dstport 4789 local 192.168.0.1 dev u0 nolearning\n");
    ip.push_str("link set vxlan.calico up\n");
    for number in 0..PEERS {
        let (inner, mac) = (inner(number), mac::of_vtep(&format!("node{number}")));
        writeln!(
            ip,
            "neigh add {inner} lladdr {mac} dev vxlan.calico nud permanent"
        )
        .unwrap();
        writeln!(
            ip,
            "route add {inner}/24 via {inner} dev vxlan.calico proto 80 onlink"
        )
        .unwrap();
        writeln!(
            bridge,
            "fdb add {mac} dev vxlan.calico dst {} self permanent",
            outer(number)
        )
        .unwrap();
    }
    let (ip_file, bridge_file) = (directory.join("ip"), directory.join("bridge"));
    fs::write(&ip_file, ip).unwrap();
    fs::write(&bridge_file, bridge).unwrap();
    let start = Instant::now();
    run(&format!("ip -batch {}", ip_file.display()));
    run(&format!("bridge -batch {}", bridge_file.display()));
    start.elapsed()
}
