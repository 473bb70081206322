//! The standard plugins around ours: behind them in a chain, and below them as IPAM.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use plugin_core::chain::runtime::DEFAULT_LIMIT;
use plugin_core::chain::{Cache, Container, NetworkList, Runtime};
use plugin_core::netlink::Socket;
use plugin_core::netlink::link::{VethEnd, add_veth};
use plugin_core::netns::Netns;
use plugin_core::spec::{Args, Attachment};
use serde_json::{Value, json};

use super::node::{Node, Who, addresses, in_pod, ping, pod_json};

fn missing(plugin: &str) -> bool {
    if Path::new("/usr/lib/cni").join(plugin).exists() {
        return false;
    }
    assert!(
        std::env::var_os("OVL_TEST_STRICT").is_none(),
        "this test needs containernetworking-plugins"
    );
    eprintln!("skipped: there is no {plugin}; install containernetworking-plugins");
    true
}

/// What the answering end of a connection sends.
const GREETING: &[u8] = b"hello from the pod";

#[test]
fn bandwidth_and_portmap_follow_ours() {
    let Some(node) = Node::new() else { return };
    if missing("portmap") || missing("bandwidth") {
        return;
    }
    let client = node.pod("client");
    connect(&node, &client);

    for (at, net) in [node.routed(json!({})), node.bridged(json!({}))]
        .into_iter()
        .enumerate()
    {
        let (host_port, port) = (8080 + at as u16, 80);
        let mut first = net.clone();
        for key in ["cniVersion", "name"] {
            first.as_object_mut().unwrap().remove(key);
        }
        let list = json!({
            "cniVersion": "1.0.0", "name": net["name"],
            "plugins": [
                first,
                {"type": "bandwidth", "capabilities": {"bandwidth": true}},
                {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}},
            ],
        });
        let list = NetworkList::from_text(list.to_string()).unwrap();
        let pod = node.pod(&format!("chained{at}"));
        let capabilities = json!({
            "bandwidth": {"ingressRate": 8_000_000, "ingressBurst": 8_000_000,
                "egressRate": 8_000_000, "egressBurst": 8_000_000},
            "portMappings": [{"hostPort": host_port, "containerPort": port, "protocol": "tcp"}],
        });
        let runtime = Runtime {
            path: node.path(),
            cache: Cache::new(node.state_dir().join("cache")),
            limit: DEFAULT_LIMIT,
        };
        let container = Container {
            attachment: Attachment {
                container_id: format!("c{at}").parse().unwrap(),
                ifname: "eth0".parse().unwrap(),
            },
            netns: Some(pod.clone()),
            args: Args::default(),
            capability_args: capabilities.as_object().unwrap().clone(),
        };
        let added = node
            .netns
            .run(|| runtime.add(&list, &container))
            .unwrap()
            .unwrap();
        assert!(added.failure().is_none(), "{added:#?}");
        let result = added.result.unwrap();

        let host = result["interfaces"]
            .as_array()
            .unwrap()
            .iter()
            .find(|interface| {
                let name = interface["name"].as_str().unwrap();
                name.starts_with("cali") || name.starts_with("veth")
            });
        let host = host.unwrap()["name"].as_str().unwrap();
        let qdiscs = node.run("tc", &["qdisc", "show", "dev", host]);
        assert!(
            qdiscs.contains("tbf") && qdiscs.contains("8Mbit"),
            "{qdiscs}"
        );

        let pod_ns = Netns::open(&pod).unwrap();
        let listener = pod_ns
            .run(|| TcpListener::bind(("0.0.0.0", port)).unwrap())
            .unwrap();
        let answering = std::thread::spawn(move || {
            listener.accept().unwrap().0.write_all(GREETING).unwrap();
        });
        let client_ns = Netns::open(&client).unwrap();
        let greeting = client_ns.run(|| {
            let address = format!("192.168.61.11:{host_port}").parse().unwrap();
            let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap();
            let mut text = Vec::new();
            stream.read_to_end(&mut text).unwrap();
            text
        });
        assert_eq!(greeting.unwrap(), GREETING);
        answering.join().unwrap();

        let steps = node
            .netns
            .run(|| runtime.check(&list, &container))
            .unwrap()
            .unwrap();
        // CHECK of portmap 1.1 looks for the rules of IPv4 among those of IPv6 and fails by itself.
        let judged = || steps.iter().filter(|step| step.kind != "portmap");
        assert_eq!(judged().count(), 2);
        assert!(judged().all(|step| step.outcome.is_ok()), "{steps:#?}");
        let steps = node
            .netns
            .run(|| runtime.del(&list, &container))
            .unwrap()
            .unwrap();
        assert!(steps.iter().all(|step| step.outcome.is_ok()), "{steps:#?}");
        assert!(!node.run("ip", &["link"]).contains(host));
    }
}

/// Joins the node, as 192.168.61.11, and another machine.
fn connect(node: &Node, other: &Path) {
    let other_ns = Netns::open(other).unwrap();
    let end = |name, netns| VethEnd {
        name,
        mac: None,
        netns,
    };
    let mut socket = Socket::open_in(&node.netns).unwrap();
    let pair = add_veth(&end("enp0s8", None), &end("eth0", Some(&other_ns)), 1500);
    socket.apply(&pair).unwrap();
    node.run("ip", &["addr", "add", "192.168.61.11/24", "dev", "enp0s8"]);
    node.run("ip", &["link", "set", "enp0s8", "up"]);
    in_pod(
        other,
        "ip",
        &["addr", "add", "192.168.61.12/24", "dev", "eth0"],
    );
    in_pod(other, "ip", &["link", "set", "eth0", "up"]);
}

#[test]
fn host_local_and_static_below_ours() {
    let Some(node) = Node::new() else { return };
    if missing("host-local") || missing("static") {
        return;
    }
    let data = node.state_dir().join("host-local");
    let host_local = json!({"ipam": {
        "type": "host-local", "dataDir": data,
        "ranges": [[{"subnet": "10.88.0.0/24"}], [{"subnet": "fd00:88::/64"}]],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "192.0.2.0/24"}],
    }});
    for net in [
        node.routed(json!({"cniVersion": "1.0.0", "name": "r", "ipam": host_local["ipam"]})),
        node.bridged(json!({"cniVersion": "1.0.0", "name": "b", "ipam": host_local["ipam"]})),
    ] {
        let kind = net["type"].as_str().unwrap();
        let (p1, p2) = (node.pod(&format!("{kind}1")), node.pod(&format!("{kind}2")));
        let first = node.must("ADD", &net, Who::new("c1", &p1));
        let second = node.must("ADD", &net, Who::new("c2", &p2));
        assert!(addresses(&first)[0].starts_with("10.88.0."), "{first:#}");
        for address in addresses(&second) {
            ping(&p1, &address);
        }
        let routes = pod_json(&p1, "ip", &["-j", "route", "show", "192.0.2.0/24"]);
        assert_eq!(routes[0]["dev"], "eth0", "{routes:#}");
        node.must("CHECK", &with(&net, &first), Who::new("c1", &p1));
        node.must("DEL", &net, Who::new("c1", &p1));
        node.must("DEL", &net, Who::new("c2", &p2).gone());
        let left: Vec<String> = std::fs::read_dir(data.join(net["name"].as_str().unwrap()))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains("10.88") || name.contains("fd00"))
            .collect();
        assert_eq!(left, [] as [&str; 0]);
    }

    let given = json!({"cniVersion": "1.0.0", "ipam": {"type": "static", "addresses": [{"address": "10.89.0.7/24"}]}});
    let net = node.routed(given);
    let pod = node.pod("static");
    let result = node.must("ADD", &net, Who::new("c1", &pod));
    assert_eq!(result["ips"][0]["address"], "10.89.0.7/32");
    node.run("ping", &["-n", "-c1", "-W5", "10.89.0.7"]);
    node.must("DEL", &net, Who::new("c1", &pod).gone());
}

fn with(net: &Value, result: &Value) -> Value {
    let mut net = net.clone();
    net["prevResult"] = result.clone();
    net
}
