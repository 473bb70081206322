//! What a sync of the node's desired state costs, counted in messages to the kernel.

use std::net::IpAddr;

use plugin_core::netlink::{Socket, route};
use plugin_core::node::peer::{SCHEMA, Vtep};
use plugin_core::node::{Block, Kernel, LocalNode, Network, PROTOCOL, Peer, Scope, Settings, mac};
use plugin_core::node::{Underlay, plan, read};

use super::sandbox::Sandbox;

fn outer(number: u8) -> IpAddr {
    [192, 168, 61, number + 2].into()
}

fn inner(number: u8) -> IpAddr {
    [10, 1, number, 0].into()
}

fn peer(number: u8) -> Peer {
    let node = format!("node{number}");
    Peer {
        schema: SCHEMA.to_owned(),
        network: "pods".to_owned(),
        addresses: vec![format!("{}/24", outer(number)).parse().unwrap()],
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

fn block(number: u8) -> Block {
    Block {
        cidr: format!("{}/24", inner(number)).parse().unwrap(),
        node: format!("node{number}"),
    }
}

/// Requests sent in a sync, and changes that it reports.
fn cost(kernel: &mut Kernel, state: &plugin_core::node::State) -> (u64, usize) {
    let before = kernel.socket().requests_sent();
    let report = kernel.sync(state).unwrap();
    assert_eq!(report.failures, []);
    let sent = kernel.socket().requests_sent() - before;
    (sent, report.changes.len())
}

#[test]
fn a_sync_that_changes_nothing_sends_nothing_but_questions() {
    let Some(sandbox) = Sandbox::new() else {
        return;
    };
    for line in [
        "link add u0 type veth peer name u1",
        "link set u1 up",
        "link set u0 up",
        "address add 192.168.61.1/24 dev u0",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        sandbox.run("ip", &words);
    }
    sandbox.netns.run(count).unwrap();
}

fn count() {
    let settings: Settings = serde_json::from_str(
        r#"{"name": "pods", "mode": "routed", "encap": "always", "masquerade": false,
            "pools": [{"cidr": "10.0.0.0/8", "blockSize": 24}]}"#,
    )
    .unwrap();
    let underlay = Underlay {
        device: "u0".to_owned(),
        mtu: 1500,
        addresses: vec!["192.168.61.1/24".parse().unwrap()],
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
    let scope = Scope::new(&network, &me);
    let mut kernel = Kernel::new(Socket::open().unwrap(), scope.clone());
    // However many rows there are, the questions are the same.
    for peers in [1_u8, 200] {
        let state = plan(
            &network,
            &me,
            &(0..peers).map(peer).collect::<Vec<_>>(),
            &(0..peers).map(block).collect::<Vec<_>>(),
        )
        .state;
        let (_, made) = cost(&mut kernel, &state);
        assert!(made >= 3 * usize::from(peers.min(199)), "{made}");

        let mut reader = Socket::open().unwrap();
        read::read(&mut reader, &scope, state.sysctls.keys()).unwrap();
        let questions = reader.requests_sent();
        assert_eq!(cost(&mut kernel, &state), (questions, 0), "{peers} peers");
        assert_eq!(cost(&mut kernel, &state), (questions, 0), "{peers} peers");

        // The count is not blind: one row that somebody deleted is one more message.
        let rows = route::list(&mut reader).unwrap().rows;
        let ours = rows.iter().find(|row| row.protocol == PROTOCOL).unwrap();
        reader.apply(&ours.delete()).unwrap();
        assert_eq!(cost(&mut kernel, &state), (questions + 1, 1));
        assert_eq!(cost(&mut kernel, &state), (questions, 0));
    }
}
