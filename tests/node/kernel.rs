//! The kernel's tables, against `ip` and `bridge`.

use std::collections::BTreeSet;

use ovl::model::link::LinkKind;
use ovl::model::{Link, Netns, Node, notation};
use serde_json::Value;

use crate::support::machine::Machine;

/// A node with a bridge, a pod behind it, a routed pod, a VXLAN device, policy routing and fixed entries.
const NETWORK: &str = "
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link add br0 type bridge
ip addr add 10.1.0.1/24 dev br0
ip link set br0 up
for pod in cni-a cni-b; do ip netns add $pod; ip -n $pod link set lo up; done
ip link add veth-a type veth peer name eth0 netns cni-a
ip link set veth-a master br0 up
bridge link set dev veth-a hairpin on isolated on
ip -n cni-a addr add 10.1.0.2/24 dev eth0
ip -n cni-a link set eth0 mtu 1400 up
ip -n cni-a route add default via 10.1.0.1
ip link add cali-b type veth peer name eth0 netns cni-b
ip link set cali-b address ee:ee:ee:ee:ee:ee up
echo 1 > /proc/sys/net/ipv4/conf/cali-b/proxy_arp
ip -n cni-b addr add 10.2.0.2/32 dev eth0
ip -n cni-b link set eth0 up
ip -n cni-b route add 169.254.1.1 dev eth0 scope link
ip -n cni-b route add default via 169.254.1.1 dev eth0
ip route add 10.2.0.2 dev cali-b scope link
ip route add blackhole 10.2.0.0/26 proto 80
ip link add up0 type veth peer name up1
ip addr add 192.168.61.11/24 dev up0
ip link set up0 up
ip link set up1 up
ip link add vx0 type vxlan id 4096 local 192.168.61.11 dev up0 dstport 4789 nolearning
ip link set vx0 up
bridge fdb add 66:5a:18:78:e4:a8 dev vx0 dst 192.168.61.12 self permanent
ip route add 10.3.0.0/26 via 192.168.61.12 dev up0 proto 80 onlink
ip route add 10.4.0.0/16 metric 50 mtu lock 1400 nexthop via 192.168.61.12 weight 1 nexthop via 192.168.61.13 weight 3
ip route add default via 192.168.61.1 dev up0 table 100
ip rule add fwmark 0x8000/0xff00 lookup 100 priority 99
ip rule add not from 10.0.0.0/8 iif br0 sport 80-90 lookup 100 priority 120
ip neigh add 192.168.61.12 lladdr 08:00:27:fc:d2:36 dev up0 nud permanent
ip neigh add proxy 10.9.9.9 dev br0
ip link add mv0 link up0 type macvlan mode bridge
iptables-nft -t nat -A POSTROUTING -s 10.1.0.0/24 -m comment --comment 'two words' -j MASQUERADE
for d in br0 veth-a cali-b up0 up1; do until ip link show $d | grep -q 'state UP'; do sleep 0.02; done; done
";

fn snapshot(machine: &Machine) -> Node {
    serde_json::from_str(&machine.ovl(&["snapshot"])).unwrap()
}

fn lines(text: &str) -> BTreeSet<String> {
    // Several ways of one route are on lines of their own.
    text.replace("\n\t", " ")
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn every_table_says_what_the_tools_say() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.sh(NETWORK);
    // Each device joins the group of an address of its own a moment after it came up.
    machine.sh(
        "for d in br0 veth-a cali-b up0 up1; do until ip -6 addr show $d | grep -q fe80; do sleep 0.02; done; done",
    );
    let node = snapshot(&machine);
    let root = node.root().unwrap();
    for netns in &node.namespaces {
        for (table, doubt) in [
            ("links", netns.links.doubt()),
            ("addresses", netns.addresses.doubt()),
            ("rules", netns.rules.doubt()),
            ("routes", netns.routes.doubt()),
            ("nexthops", netns.nexthops.doubt()),
            ("neighbours", netns.neighbours.doubt()),
            ("fdb", netns.fdb.doubt()),
            ("vlans", netns.port_vlans.doubt()),
            ("mdb", netns.mdb.doubt()),
            ("sysctls", netns.sysctls.doubt()),
            ("qdiscs", netns.qdiscs.doubt()),
            ("filters", netns.filters.doubt()),
            ("nft", netns.netfilter.nft.doubt()),
            ("sockets", netns.sockets.doubt()),
        ] {
            assert_eq!(doubt, None, "{table} of {:?}", netns.paths);
        }
        assert!(netns.counters.known().is_some());
    }

    links(root, &machine.json("ip", &["-j", "-d", "link"]));
    addresses(root, &machine.json("ip", &["-j", "addr"]));
    let routes: BTreeSet<_> = root
        .routes
        .iter()
        .filter(|route| route.destination.addr().is_ipv4())
        .map(|route| notation::route(route, root))
        .collect();
    assert_eq!(
        routes,
        lines(&machine.ok("ip", &["-4", "route", "show", "table", "all"]))
    );
    let rules: BTreeSet<_> = root
        .rules
        .iter()
        .filter(|rule| rule.family == ovl::model::rule::Family::Inet)
        .map(notation::rule)
        .collect();
    assert_eq!(rules, lines(&machine.ok("ip", &["-4", "rule"])));
    let neighbours: BTreeSet<_> = root
        .neighbours
        .iter()
        // `ip neigh` leaves out what needs no resolution.
        .filter(|row| {
            row.address.is_ipv4() && row.state != ovl::model::neighbour::NeighbourState::Noarp
        })
        .map(|row| notation::neighbour(row, root))
        .collect();
    let mut expected = lines(&machine.ok("ip", &["-4", "neigh"]));
    expected.extend(lines(&machine.ok("ip", &["-4", "neigh", "show", "proxy"])));
    assert_eq!(neighbours, expected);
    let fdb: BTreeSet<_> = root
        .fdb
        .iter()
        .map(|row| notation::fdb(row, root))
        .collect();
    let bridge = lines(&machine.ok("bridge", &["fdb"]));
    assert!(
        bridge
            .iter()
            .any(|line| line.starts_with("66:5a:18:78:e4:a8 dev vx0 dst 192.168.61.12"))
    );
    let unordered = |rows: &BTreeSet<String>| -> BTreeSet<BTreeSet<String>> {
        rows.iter()
            .map(|row| row.split(' ').map(str::to_owned).collect())
            .collect()
    };
    assert_eq!(unordered(&fdb), unordered(&bridge));

    peers(&node);
    let nat = root
        .netfilter
        .iptables
        .iter()
        .flat_map(|tables| &tables.tables)
        .find(|table| table.name == "nat")
        .expect("the nat table");
    let rule = &nat.chain("POSTROUTING").unwrap().rules[0];
    assert_eq!(
        rule.text(),
        r#"-s 10.1.0.0/24 -m comment --comment "two words" -j MASQUERADE"#
    );
    assert_eq!(root.sysctl("net.ipv4.ip_forward"), Some("1"));
    assert!(
        root.sockets.iter().any(|socket| socket.port == 4789),
        "the socket of vx0"
    );
    let features = root
        .link_named("veth-a")
        .unwrap()
        .features
        .as_ref()
        .unwrap();
    let ethtool = machine.ok("ethtool", &["-k", "veth-a"]);
    for line in ethtool.lines().skip(1) {
        let (name, state) = line.trim().split_once(": ").unwrap();
        // ethtool sums up some under names of its own.
        if name.starts_with("tx-") || name.starts_with("rx-gro") {
            let sums = ["tx-checksumming", "tx-vlan-offload"];
            if !sums.contains(&name) {
                assert_eq!(
                    features.iter().any(|f| f == name),
                    state.starts_with("on"),
                    "{line}"
                );
            }
        }
    }
}

fn links(root: &Netns, expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(root.links.rows.len(), expected.len());
    for row in expected {
        let link = root.link_named(row["ifname"].as_str().unwrap()).unwrap();
        assert_eq!(
            link.index.0,
            row["ifindex"].as_u64().unwrap() as u32,
            "{row}"
        );
        assert_eq!(u64::from(link.mtu), row["mtu"].as_u64().unwrap(), "{row}");
        assert_eq!(
            link.oper_state.as_str(),
            row["operstate"].as_str().unwrap(),
            "{row}"
        );
        let flags: BTreeSet<_> = row["flags"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let own: BTreeSet<_> = link.flags.names().collect();
        // `ip` adds what is not a flag.
        let flags: BTreeSet<_> = flags
            .into_iter()
            .filter(|flag| !["NO-CARRIER", "M-DOWN"].contains(flag))
            .collect();
        assert_eq!(own, flags, "{row}");
        if !link.is_loopback() {
            assert_eq!(
                link.mac.unwrap().to_string(),
                row["address"].as_str().unwrap()
            );
        }
        let master = link.master.map(|index| root.device_name(index));
        assert_eq!(master.as_deref(), row["master"].as_str(), "{row}");
        if let Some(kind) = row["linkinfo"]["info_kind"].as_str() {
            assert_eq!(link.kind.name(), kind);
        }
        kinds(link, row);
    }
}

fn kinds(link: &Link, row: &Value) {
    let data = &row["linkinfo"]["info_data"];
    match &link.kind {
        LinkKind::Vxlan(vxlan) => {
            assert_eq!(u64::from(vxlan.vni.0), data["id"].as_u64().unwrap());
            assert_eq!(u64::from(vxlan.port), data["port"].as_u64().unwrap());
            assert_eq!(
                vxlan.local.unwrap().to_string(),
                data["local"].as_str().unwrap()
            );
            assert_eq!(vxlan.learning, data["learning"].as_bool().unwrap());
            assert!(vxlan.underlay.is_some());
        }
        LinkKind::Macvlan(macvlan) => assert_eq!(macvlan.mode, data["mode"].as_str().unwrap()),
        LinkKind::Bridge(bridge) => {
            assert_eq!(
                bridge.ageing_s * 100.0,
                data["ageing_time"].as_f64().unwrap()
            );
            assert_eq!(
                u64::from(bridge.vlan_filtering),
                data["vlan_filtering"].as_u64().unwrap()
            );
        }
        _ => {}
    }
    if let Some(port) = link.bridge_port() {
        let data = &row["linkinfo"]["info_slave_data"];
        for (own, name) in [
            (port.hairpin, "hairpin"),
            (port.isolated, "isolated"),
            (port.learning, "learning"),
            (port.unicast_flood, "flood"),
            (port.broadcast_flood, "bcast_flood"),
            (port.multicast_flood, "mcast_flood"),
            (port.neigh_suppress, "neigh_suppress"),
            (port.bpdu_guard, "guard"),
        ] {
            assert_eq!(own, data[name].as_bool().unwrap(), "{name} of {data}");
        }
        assert_eq!(port.state.as_str(), data["state"].as_str().unwrap());
    }
}

fn addresses(root: &Netns, expected: &Value) {
    let expected: BTreeSet<_> = expected
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|link| {
            let name = link["ifname"].as_str().unwrap();
            link["addr_info"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |row| {
                    format!(
                        "{name} {}/{} {}",
                        row["local"].as_str().unwrap(),
                        row["prefixlen"],
                        row["scope"].as_str().unwrap()
                    )
                })
        })
        .collect();
    let own: BTreeSet<_> = root
        .addresses
        .iter()
        .map(|row| {
            format!(
                "{} {} {}",
                root.device_name(row.device),
                notation::address(row),
                row.scope
            )
        })
        .collect();
    assert_eq!(own, expected);
}

/// Both ends of each pair name each other.
fn peers(node: &Node) {
    let root = node.root().unwrap();
    for (outside, inside) in [("veth-a", "cni-a"), ("cali-b", "cni-b")] {
        let near = root.link_named(outside).unwrap();
        let peer = near.peer().unwrap();
        let netns = node.netns(peer.netns.unwrap()).unwrap();
        assert!(
            netns.paths.iter().any(|path| path.ends_with(inside)),
            "{:?}",
            netns.paths
        );
        let far = netns.link(peer.index).unwrap();
        assert_eq!(far.name, "eth0");
        let back = far.peer().unwrap();
        assert_eq!((back.netns, back.index), (Some(node.root), near.index));
    }
    let up0 = root.link_named("up0").unwrap();
    assert_eq!(
        up0.peer().unwrap().netns,
        Some(node.root),
        "a pair within one namespace"
    );
}

#[test]
fn reading_changes_nothing_and_a_file_says_what_the_node_said() {
    let Some(machine) = Machine::new() else {
        return;
    };
    // Link-local addresses are tentative for two seconds; without IPv6 nothing changes by itself.
    machine.sh("for c in all default; do echo 1 > /proc/sys/net/ipv6/conf/$c/disable_ipv6; done");
    machine.sh(NETWORK);
    machine.sh("for pod in cni-a cni-b; do ip netns exec $pod sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6'; done");
    // The first who looks makes the kernel give numbers to the namespaces of far ends; so does `ip link`.
    let look =
        "ip link; ip addr; ip route show table all; ip rule; ip neigh; bridge fdb; nft -s list ruleset
        for pod in cni-a cni-b; do ip -n $pod link; ip -n $pod route; done";
    machine.sh(look);
    let before = machine.sh(look);
    machine.ovl(&["snapshot", "-o", "/run/before.json.zst"]);
    let pod = machine.ovl(&["pod", "cali-b"]);
    let check = machine.run(OVL_PROGRAM, &["check", "--cri", "none"]);
    assert_eq!(machine.sh(look), before);
    assert!(
        machine
            .ovl(&["diff", "/run/before.json.zst"])
            .starts_with("No difference.")
    );

    // From the file, without the node and its privileges.
    let file = machine.path("/run/before.json.zst");
    let saved = |args: &[&str]| {
        std::process::Command::new(OVL_PROGRAM)
            .args(args)
            .args(["--from", file.to_str().unwrap()])
            .output()
            .unwrap()
    };
    let again = saved(&["pod", "cali-b"]);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), pod);
    let again = saved(&["check"]);
    assert_eq!(again.stdout, check.stdout);
    assert_eq!(again.status.code(), check.status.code());

    // And what changed is said in words.
    machine.sh(
        "ip -n cni-a link set eth0 mtu 1300; ip route del blackhole 10.2.0.0/26
        ip route change 10.3.0.0/26 via 192.168.61.13 dev up0 proto 80 onlink
        ip neigh replace 192.168.61.12 lladdr 08:00:27:00:00:09 dev up0 nud permanent
        ip link set veth-a down; echo 0 > /proc/sys/net/ipv4/ip_forward",
    );
    let output = machine.run(
        OVL_PROGRAM,
        &["diff", "/run/before.json.zst", "--cri", "none"],
    );
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    for words in [
        "~ device eth0: MTU 1400 → 1300",
        "- route blackhole 10.2.0.0/26 proto 80 is gone",
        "~ route 10.3.0.0/26 via 192.168.61.12 dev up0 proto 80 onlink → 10.3.0.0/26 via 192.168.61.13 dev up0 proto 80 onlink",
        "~ neighbour 192.168.61.12 dev up0: MAC 08:00:27:fc:d2:36 → 08:00:27:00:00:09",
        "~ device veth-a: is up → down",
        "~ sysctl net.ipv4.ip_forward: 1 → 0",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
}

const OVL_PROGRAM: &str = crate::support::OVL;

#[test]
fn a_pod_is_found_from_every_side() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.sh(NETWORK);
    let mut inside = machine
        .command("ip")
        .args(["netns", "exec", "cni-b", "sleep", "infinity"])
        .spawn()
        .unwrap();
    let pid = crate::support::wait_for("the process in the pod", || {
        machine
            .ok("ip", &["netns", "pids", "cni-b"])
            .split_whitespace()
            .next()
            .map(str::to_owned)
    });
    let index = machine.json("ip", &["-j", "link", "show", "cali-b"])[0]["ifindex"].to_string();
    let text = machine.ovl(&["pod", "cali-b"]);
    for words in [
        "10.2.0.2/32",
        "◀── veth ──▶  cali-b",
        "ee:ee:ee:ee:ee:ee",
        // The node has no default route but in table 100, and a rule leads there.
        "gateway     169.254.1.1 answered by cali-b (proxy ARP), ee:ee:ee:ee:ee:ee",
        "on the node 10.2.0.2 dev cali-b scope link",
        "from others 10.2.0.0/26",
        "sleep infinity",
        "net:[",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    for subject in ["10.2.0.2", &index, &format!("pid:{pid}"), "cni-b"] {
        assert_eq!(machine.ovl(&["pod", subject]), text, "by {subject}");
    }
    // Without a route, the node does not answer for the gateway.
    machine.sh("ip route flush table 100");
    let text = machine.ovl(&["pod", "cali-b"]);
    assert!(
        text.contains(
            "169.254.1.1 answered by nobody: cali-b has proxy_arp set, but the node has no route"
        ),
        "{text}"
    );
    // A bridge is drawn behind its port, and its own address is the gateway.
    let text = machine.ovl(&["pod", "veth-a"]);
    assert!(text.contains("── port ──  br0"), "{text}");
    assert!(text.contains("forwarding, hairpin, isolated"), "{text}");
    assert!(
        text.contains("gateway     10.1.0.1 is br0 on node1"),
        "{text}"
    );

    let refused = |subject: &str| {
        let output = machine.run(OVL_PROGRAM, &["pod", subject, "--cri", "none"]);
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, words) = refused("br0");
    assert_eq!(code, Some(1));
    assert!(
        words.contains("br0 on node1 is a bridge and no pod's; its ports are veth-a"),
        "{words}"
    );
    let (_, words) = refused("192.168.61.11");
    assert!(
        words.contains("192.168.61.11 is node1's own address, on up0"),
        "{words}"
    );
    assert_eq!(refused("a b").0, Some(2));
    // Without a runtime nobody can say that there is no such pod.
    assert_eq!(refused("default/nobody").0, Some(4));
    inside.kill().unwrap();
    inside.wait().unwrap();
}

#[test]
fn without_privileges_what_cannot_be_read_is_said() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.sh(NETWORK);
    let output = machine
        .command("setpriv")
        .args([
            "--reuid",
            "65534",
            "--clear-groups",
            "--inh-caps=-all",
            "--bounding-set=-all",
        ])
        .args([OVL_PROGRAM, "snapshot", "--cri", "none"])
        .output()
        .unwrap();
    // The program itself may lie where nobody may look.
    if output.status.code() == Some(127) || output.status.code() == Some(126) {
        assert!(
            std::env::var_os("OVL_TEST_STRICT").is_none_or(|value| value != "1"),
            "nobody cannot run {OVL_PROGRAM}"
        );
        eprintln!("skipped: nobody cannot run {OVL_PROGRAM}");
        return;
    }
    let node: Node = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        node.root().unwrap().links.doubt(),
        None,
        "the node's own devices are no secret"
    );
    let pod = node
        .namespaces
        .iter()
        .find(|netns| netns.id != node.root)
        .unwrap();
    let reason = pod.links.doubt().expect("a pod's devices cannot be read");
    assert!(reason.contains("cannot enter the namespace"), "{reason}");
    assert!(node.namespaces_doubt.is_some());

    // Less is seen, and so less is found and more left open; nothing is found that is not there.
    let as_nobody = |args: &[&str]| {
        machine
            .command("setpriv")
            .args([
                "--reuid",
                "65534",
                "--clear-groups",
                "--inh-caps=-all",
                "--bounding-set=-all",
                OVL_PROGRAM,
            ])
            .args(args)
            .args(["--cri", "none"])
            .output()
            .unwrap()
    };
    let as_root = machine.run(OVL_PROGRAM, &["check", "-o", "json", "--cri", "none"]);
    let found = |text: &[u8]| -> (Vec<Value>, usize) {
        let report: Value = serde_json::from_slice(text).unwrap();
        let doubts = report["doubts"].as_array().unwrap().len();
        (report["findings"].as_array().unwrap().clone(), doubts)
    };
    let (all, _) = found(&as_root.stdout);
    let check = as_nobody(&["check", "-o", "json"]);
    let (seen, doubts) = found(&check.stdout);
    assert!(
        seen.iter().all(|finding| all.contains(finding)),
        "{seen:#?}"
    );
    assert!(doubts > 0);
    assert!(!seen.is_empty() || check.status.code() == Some(4));
    let pods = as_nobody(&["pods"]);
    assert!(
        pods.status.success(),
        "{}",
        String::from_utf8_lossy(&pods.stderr)
    );
    let pod = as_nobody(&["pod", "cali-b"]);
    assert!(matches!(pod.status.code(), Some(0 | 1 | 3 | 4)), "{pod:?}");
}

/// A runtime that takes the question and never answers is waited for once, and not for long.
#[test]
fn a_runtime_that_hangs_is_not_waited_for() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.sh(NETWORK);
    let listener =
        std::os::unix::net::UnixListener::bind(machine.path("/run/silent.sock")).unwrap();
    for args in [
        ["pods"].as_slice(),
        &["pod", "cali-b"],
        &["pod", "nobody"],
        &["check"],
    ] {
        let begun = std::time::Instant::now();
        let output = machine.run(
            OVL_PROGRAM,
            &[args, &["--cri", "/run/silent.sock"]].concat(),
        );
        let (out, words) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(9),
            "{args:?}"
        );
        match args {
            ["pods"] => assert!(
                out.contains("cni-b") && words.contains("found without the runtime"),
                "{out}{words}"
            ),
            ["pod", "cali-b"] => assert!(out.contains("10.2.0.2"), "{out}{words}"),
            ["pod", ..] => assert_eq!(output.status.code(), Some(4), "{out}{words}"),
            _ => assert!(matches!(output.status.code(), Some(1 | 4)), "{out}{words}"),
        }
    }
    drop(listener);
}

#[test]
fn every_one_of_many_pods_is_there() {
    const PODS: usize = 250;
    let Some(machine) = Machine::new() else {
        return;
    };
    let mut script = String::new();
    for pod in 0..PODS {
        script.push_str(&format!(
            "netns add cni-{pod}\nlink add veth{pod} type veth peer name eth0 netns cni-{pod}\nlink set veth{pod} up\n"
        ));
    }
    std::fs::write(machine.path("/run/batch"), script).unwrap();
    machine.ok("ip", &["-batch", "/run/batch"]);
    let begun = std::time::Instant::now();
    let list: Value = serde_json::from_str(&machine.ovl(&["pods", "-o", "json"])).unwrap();
    assert_eq!(list["pods"].as_array().unwrap().len(), PODS);
    let node = snapshot(&machine);
    assert_eq!(node.namespaces.len(), PODS + 1);
    let root = node.root().unwrap();
    for netns in node.namespaces.iter().filter(|netns| netns.id != node.root) {
        let eth0 = netns.link_named("eth0").unwrap();
        let peer = eth0.peer().unwrap();
        assert_eq!(peer.netns, Some(root.id));
        assert_eq!(
            root.link(peer.index).unwrap().peer().unwrap().netns,
            Some(netns.id)
        );
    }
    // Who asks for one pod does not wait for the others to be read.
    machine.sh("ip -n cni-77 link set eth0 up; ip -n cni-77 addr add 10.77.0.2/32 dev eth0");
    crate::support::wait_for("the pod's own IPv6 address", || {
        let addresses = machine.ok("ip", &["-n", "cni-77", "-6", "addr", "show", "dev", "eth0"]);
        (addresses.contains("fe80") && !addresses.contains("tentative")).then_some(())
    });
    let question = r#"{"id":1,"ask":"resolve","node":"n","subject":{"word":"veth77"},"places":{"without_cri":true}}"#;
    // It ends with its client, so that has to wait for the answer.
    let answers = machine.sh(&format!(
        "{{ echo '{question}'; sleep 3; }} | {OVL_PROGRAM} node serve"
    ));
    let answer: Value = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|line: &Value| line["id"] == 1)
        .unwrap_or_else(|| panic!("no answer: {answers}"));
    let namespaces = answer["node"]["namespaces"].as_array().unwrap();
    assert_eq!(namespaces.len(), 2, "{answer}");
    let links = namespaces[0]["links"]["rows"].as_array().unwrap();
    assert_eq!(links.len(), 1, "{links:#?}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(60));
}
