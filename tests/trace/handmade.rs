//! Faults that an operator makes by hand and the catalogue's lab does not: each must be named where it is, with the
//! command that takes it back, and not as another fault that it looks like.

use super::support::lab::Lab;

struct Case {
    /// Where it is made: a node or a pod.
    on: &'static str,
    make: &'static str,
    heal: &'static str,
    /// Who asks whom.
    ways: [&'static str; 2],
    id: &'static str,
    node: &'static str,
    /// In the finding, or in its fix.
    says: &'static str,
    /// With what; an echo if nothing is said.
    with: &'static [&'static str],
    /// How many of three packets are answered.
    answered: u64,
}

impl Case {
    const fn new(on: &'static str, make: &'static str, heal: &'static str) -> Self {
        Self {
            on,
            make,
            heal,
            ways: ["pod1", "pod2"],
            id: "",
            node: "",
            says: "",
            with: &[],
            answered: 0,
        }
    }

    const fn is(mut self, id: &'static str, node: &'static str, says: &'static str) -> Self {
        self.id = id;
        self.node = node;
        self.says = says;
        self
    }

    const fn answered(mut self) -> Self {
        self.answered = 3;
        self
    }

    const fn with(mut self, with: &'static [&'static str]) -> Self {
        self.with = with;
        self
    }

    const fn between(mut self, from: &'static str, to: &'static str) -> Self {
        self.ways = [from, to];
        self
    }
}

/// The nodes' ends of the pairs are named by their pods: `vethce0906292e2` is pod1's, `vethbd2348b4f67` pod2's.
fn cases() -> Vec<Case> {
    vec![
        // Bridges.
        Case::new(
            "host02",
            "bridge link set dev vethbd2348b4f67 isolated on; bridge link set dev $(ls /sys/class/net/cni0/brif | grep -v bd2348) isolated on; ip neigh flush dev cni0",
            "for p in /sys/class/net/cni0/brif/*; do bridge link set dev $(basename $p) isolated off; done",
        )
        .between("pod2", "pod3")
        .is("bridge-port-isolated", "host02", "isolated off"),
        Case::new(
            "host02",
            "bridge link set dev vethbd2348b4f67 learning off flood off; bridge fdb del POD2MAC dev vethbd2348b4f67 master; ip neigh replace 10.244.1.2 dev cni0 lladdr POD2MAC nud permanent",
            "bridge link set dev vethbd2348b4f67 learning on flood on; ip neigh del 10.244.1.2 dev cni0",
        )
        .is("bridge-port-flood-off", "host02", "vethbd2348b4f67 flood on"),
        Case::new(
            "host02",
            "bridge fdb replace POD2MAC dev cni0 self permanent",
            "bridge fdb del POD2MAC dev cni0 self",
        )
        .is("bridge-fdb-wrong", "host02", "dev cni0 self"),
        Case::new(
            "host02",
            "ip link add other type bridge; ip link set other up; ip link set vethbd2348b4f67 master other",
            "ip link set vethbd2348b4f67 master cni0; bridge link set dev vethbd2348b4f67 hairpin on; ip link del other",
        )
        .is("veth-not-in-bridge", "host02", "not a port of cni0, but of other"),
        Case::new(
            "host01",
            "sysctl -qw net.ipv4.conf.cni0.arp_ignore=8",
            "sysctl -qw net.ipv4.conf.cni0.arp_ignore=0",
        )
        .is("arp-off", "host01", "arp_ignore"),
        // Either end of a pair: the port loses its carrier with the other end, and is disabled a moment later.
        Case::new(
            "pod2",
            "ip link set eth0 down",
            "ip link set eth0 up; ip route replace default via 10.244.1.1",
        )
        .is("pod-device-down", "host02", "ip link set eth0 up"),
        Case::new(
            "pod2",
            "ip link set eth0 down; sleep 1.5",
            "ip link set eth0 up; ip route replace default via 10.244.1.1",
        )
        .is("pod-device-down", "host02", "ip link set eth0 up"),
        Case::new(
            "host02",
            "bridge link set dev vethbd2348b4f67 state 1",
            "bridge link set dev vethbd2348b4f67 state 3",
        )
        .is("bridge-port-not-forwarding", "host02", "vethbd2348b4f67 is listening"),
        // Neighbours that are asked in vain, though they are there.
        Case::new(
            "host01",
            "nft add table arp odd; nft 'add chain arp odd in { type filter hook input priority 0 ; }'; nft add rule arp odd in counter drop; ip neigh flush dev enp0s8",
            "nft delete table arp odd",
        )
        .is("rule-drop", "host01", "nft delete rule arp odd in handle 2"),
        Case::new(
            "host01",
            "nft add table arp odd; nft 'add chain arp odd in { type filter hook input priority 0 ; }'; nft add rule arp odd in drop; ip neigh flush dev enp0s8",
            "nft delete table arp odd",
        )
        .is("neighbour-unheard", "host01", "a rule of host01, which does not count: arp odd: in drop"),
        // What does not answer, and why.
        Case::new(
            "pod2",
            "sysctl -qw net.ipv4.icmp_echo_ignore_all=1",
            "sysctl -qw net.ipv4.icmp_echo_ignore_all=0",
        )
        .is("echo-ignored", "host02", "sysctl -w net.ipv4.icmp_echo_ignore_all=0"),
        Case::new("pod2", "true", "true")
            .with(&["--proto", "udp:5354"])
            .is("nothing-listening-udp", "host02", "udp port 5354"),
        // Rules and routes, in tables of their own and in pods.
        Case::new(
            "pod1",
            "ip rule add to 10.244.1.2 priority 50 unreachable",
            "ip rule del priority 50",
        )
        .is("rule-hijacks-route", "host01", "ip rule del priority 50"),
        Case::new(
            "host01",
            "ip rule add ipproto icmp to 10.244.1.0/24 lookup 155 priority 50; ip route add blackhole default table 155",
            "ip rule del priority 50; ip route flush table 155",
        )
        .is("blackhole-route", "host01", "ip route del blackhole default table 155"),
        Case::new(
            "host01",
            "ip route add throw 10.244.1.2",
            "ip route del throw 10.244.1.2",
        )
        .is("unreachable-route", "host01", "ip route del throw 10.244.1.2"),
        Case::new(
            "pod1",
            "ip route add blackhole 10.244.1.2",
            "ip route del blackhole 10.244.1.2",
        )
        .is("blackhole-route", "host01", "nsenter --net="),
        Case::new(
            "pod1",
            "ip address add 10.244.0.2/16 dev eth0; ip address del 10.244.0.2/24 dev eth0; ip route replace default via 10.244.0.1",
            "ip address add 10.244.0.2/24 dev eth0; ip address del 10.244.0.2/16 dev eth0; ip route replace default via 10.244.0.1",
        )
        .is("next-hop-unresolved", "host01", "ip address add 10.244.0.2/24"),
        Case::new(
            "pod1",
            "sysctl -qw net.ipv4.ip_default_ttl=1",
            "sysctl -qw net.ipv4.ip_default_ttl=64",
        )
        .is("hop-limit-exceeded", "host01", "ip_default_ttl=64"),
        Case::new(
            "pod2",
            "ip address del 10.244.1.2/24 dev eth0",
            "ip address add 10.244.1.2/24 dev eth0; ip route replace default via 10.244.1.1",
        )
        .is("pod-address-missing", "host02", "10.244.1.2"),
        // Addresses that somebody else has, or is given: he answers in the pod's name.
        Case::new(
            "pod1",
            "ip address add 10.244.1.2/32 dev lo",
            "ip address del 10.244.1.2/32 dev lo",
        )
        .is("duplicate-pod-address", "host01", "pod1")
        .answered(),
        Case::new(
            "host02",
            "ip address add 10.244.1.2/32 dev enp0s8",
            "ip address del 10.244.1.2/32 dev enp0s8",
        )
        .is("duplicate-pod-address", "host02", "10.244.1.2")
        .answered(),
        Case::new(
            "host02",
            "iptables -t nat -I PREROUTING -d 10.244.1.2 -j REDIRECT",
            "iptables -t nat -D PREROUTING 1",
        )
        .is("pod-traffic-redirected", "host02", "iptables -t nat -D PREROUTING -d 10.244.1.2/32 -j REDIRECT")
        .answered(),
        Case::new(
            "host01",
            "iptables -t nat -I PREROUTING -d 10.244.1.2 -j DNAT --to-destination 10.9.9.9",
            "iptables -t nat -D PREROUTING 1",
        )
        .is("pod-traffic-redirected", "host01", "10.9.9.9"),
        Case::new(
            "host02",
            "nft add table ip odd; nft 'add map ip odd m { type ipv4_addr : ipv4_addr; elements = { 10.244.1.2 : 10.9.9.9 } ; }'; nft 'add chain ip odd pre { type nat hook prerouting priority -110; }'; nft add rule ip odd pre dnat to ip daddr map @m",
            "nft delete table ip odd",
        )
        .is("pod-traffic-redirected", "host02", "nft delete rule ip odd pre handle 3"),
        Case::new(
            "host02",
            "nft add table ip odd; nft 'add chain ip odd pre { type filter hook prerouting priority -300; }'; nft add rule ip odd pre ip daddr 10.244.1.2 ip daddr set 10.9.9.9",
            "nft delete table ip odd",
        )
        .is("pod-traffic-redirected", "host02", "nft delete rule ip odd pre handle 2"),
        Case::new(
            "host01",
            "nft add table ip odd; nft 'add chain ip odd post { type nat hook postrouting priority 90; }'; nft add rule ip odd post ip daddr 10.244.1.2 snat to 10.99.99.99",
            "nft delete table ip odd",
        )
        .is(
            "pod-traffic-masqueraded",
            "host01",
            "nft insert rule ip odd post handle 2 ip saddr 10.244.0.2 ip daddr 10.244.1.2 accept",
        ),
        Case::new(
            "host02",
            "iptables -t nat -I PREROUTING -d 10.244.1.2 -j NETMAP --to 10.9.9.0/24",
            "iptables -t nat -D PREROUTING 1",
        )
        .is("pod-traffic-redirected", "host02", "sends what is for 10.244.1.2 to 10.9.9.2"),
        // A chain without a name has no form in nft's JSON.
        Case::new(
            "host02",
            "nft add table ip odd; nft 'add chain ip odd way { type filter hook forward priority 0; }'; nft 'add rule ip odd way ip daddr 10.244.1.2 jump { icmp type echo-request drop ; }'",
            "nft delete table ip odd",
        )
        .is("lost-here", "host02", "handle 4 # if it is that rule"),
        // The node of the pod has its route, and something that wins over it.
        Case::new(
            "host02",
            "ip route add unreachable 10.244.1.2",
            "ip route del unreachable 10.244.1.2",
        )
        .is("unreachable-route", "host02", "ip route del unreachable 10.244.1.2"),
        Case::new(
            "host02",
            "ip route del 10.244.1.0/24 dev cni0",
            "ip route add 10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1",
        )
        .is(
            "host-route-missing",
            "host02",
            "ip route replace 10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1",
        ),
        // A forwarding entry with a VNI of its own: both devices have the right one.
        Case::new(
            "host01",
            "mac=$(ip neigh show 10.244.1.0 dev flannel.1 | cut -d' ' -f3); bridge fdb replace $mac dev flannel.1 dst 192.168.61.12 vni 2 self permanent",
            "mac=$(ip neigh show 10.244.1.0 dev flannel.1 | cut -d' ' -f3); bridge fdb replace $mac dev flannel.1 dst 192.168.61.12 self permanent",
        )
        .is("vni-mismatch", "host01", "the forwarding entry of flannel.1 has a VNI of its own"),
        // Rules: none that leads to the routes, one that forbids the way back, one that asks who sends.
        Case::new(
            "host01",
            "ip rule del priority 32766",
            "ip rule add priority 32766 lookup main",
        )
        .is("rule-hijacks-route", "host01", "ip rule add priority 32766 lookup main"),
        Case::new(
            "host02",
            "sysctl -qw net/ipv4/conf/flannel.1/rp_filter=2; ip rule add to 10.244.0.2 prohibit priority 90",
            "ip rule del priority 90; sysctl -qw net/ipv4/conf/flannel.1/rp_filter=0",
        )
        .is("rule-hijacks-route", "host02", "ip rule del priority 90"),
        Case::new(
            "pod1",
            "ip rule add to 10.244.1.2 uidrange 0-0 prohibit priority 90",
            "ip rule del priority 90",
        )
        .is("lost-here", "host01", "never seen to leave host01 default/pod1"),
        // Rules whose matches no table tells of.
        Case::new(
            "host02",
            "iptables -t mangle -I PREROUTING -d 10.244.1.2 -j CONNMARK --set-mark 9; iptables -I FORWARD -m connmark --mark 9 -j DROP",
            "iptables -D FORWARD 1; iptables -t mangle -D PREROUTING 1",
        )
        .is("rule-drop", "host02", "-m connmark --mark 0x9"),
        Case::new(
            "host02",
            "iptables -t raw -I PREROUTING -d 10.244.1.2 -j CT --notrack; iptables -I FORWARD -m conntrack --ctstate UNTRACKED -j DROP",
            "iptables -D FORWARD 1; iptables -t raw -D PREROUTING 1",
        )
        .is("rule-drop", "host02", "--ctstate UNTRACKED"),
        // The same where a rule for what is invalid stands beside it, as on nearly every node.
        Case::new(
            "host02",
            "iptables -I FORWARD -m conntrack --ctstate INVALID -j DROP; iptables -t raw -I PREROUTING -d 10.244.1.2 -j CT --notrack; iptables -I FORWARD -m conntrack --ctstate UNTRACKED -j DROP",
            "iptables -D FORWARD 1; iptables -t raw -D PREROUTING 1; iptables -D FORWARD 1",
        )
        .is("rule-drop", "host02", "--ctstate UNTRACKED"),
        // Sizes: small packets pass.
        Case::new(
            "host02",
            "iptables -I FORWARD -d 10.244.1.2 -m length --length 1000:9000 -j DROP",
            "iptables -D FORWARD 1",
        )
        .is("rule-drop", "host02", "--length 1000:9000")
        .answered(),
        Case::new(
            "host02",
            "iptables -I FORWARD -d 10.244.1.2 -m u32 --u32 '0&0xFFFF=0x400:0xFFFF' -j DROP",
            "iptables -D FORWARD 1",
        )
        .is("lost-here", "host02", "--u32")
        .answered(),
        Case::new(
            "host01",
            "ip link set vethce0906292e2 mtu 1000",
            "ip link set vethce0906292e2 mtu 1450",
        )
        .is("pod-mtu-above-path", "host01", "ip link set vethce0906292e2 mtu 1450")
        .answered(),
        Case::new(
            "pod2",
            "ip link set eth0 mtu 1000",
            "ip link set eth0 mtu 1450",
        )
        .is("pod-mtu-above-path", "host02", "its other end, vethbd2348b4f67, takes 1450")
        .answered(),
        Case::new(
            "host01",
            "ip route replace 10.244.1.0/24 via 10.244.1.0 dev flannel.1 proto 80 onlink mtu lock 1000",
            "ip route replace 10.244.1.0/24 via 10.244.1.0 dev flannel.1 proto 80 onlink",
        )
        .is("pod-mtu-above-path", "host01", "mtu lock 1000")
        .answered(),
    ]
}

#[test]
fn what_is_broken_by_hand_is_named_with_the_way_back() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    let here = lab.here();
    let shell = |on: &str, line: &str| {
        let output = lab.run(&["lab", &here, "exec", on, "--", "sh", "-c", line]);
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let mac = shell("pod2", "cat /sys/class/net/eth0/address");
    let mut wrong = Vec::new();
    for case in cases() {
        let with_mac = |line: &str| line.replace("POD2MAC", mac.trim());
        shell(case.on, &with_mac(case.make));
        let [from, to] = case.ways;
        let mut args = vec![from, to, "--wait", "0.3", here.as_str()];
        args.extend(case.with);
        let (trace, code) = lab.trace(&args);
        shell(case.on, &with_mac(case.heal));
        let findings = trace["findings"].as_array().unwrap();
        let told = findings.first().cloned().unwrap_or_default();
        let possible = &told["possible"][0]["what"];
        let all = format!(
            "{} {} {} {possible}",
            told["what"], told["fix"], told["place"]
        );
        let right = findings.len() == 1
            && code == 1
            && told["id"] == case.id
            && told["node"] == case.node
            && all.contains(case.says)
            && trace["probes"]["answered"] == case.answered;
        if !right {
            let doubts = &trace["doubts"];
            wrong.push(format!(
                "{} ({}): exit {code}, doubts {doubts}, {findings:#?}",
                case.make, case.id
            ));
        }
        // Neighbours that were asked for in vain are not asked for again at once.
        for place in ["host01", "host02", "pod1", "pod2"] {
            shell(place, "ip neigh flush all");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A third one that has a pod's address is not on the way, and the tables of all nodes tell.
    shell("host02", "ip address add 10.244.0.2/32 dev enp0s8");
    let checked = lab.run(&["check", "-o", "json", &here]);
    shell("host02", "ip address del 10.244.0.2/32 dev enp0s8");
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let told = &report["findings"][0];
    assert_eq!(
        (
            checked.status.code(),
            &told["id"],
            &told["node"],
            &told["device"]
        ),
        (
            Some(1),
            &"duplicate-pod-address".into(),
            &"host02".into(),
            &"enp0s8".into()
        ),
        "{report:#}"
    );
    let (trace, code) = lab.trace(&["pod1", "pod2", &here]);
    assert_eq!(code, 0, "{trace:#}");
}

/// A device that the node routes by, made a bridge's port by mistake: what is wrong is that, and not the bridge.
#[test]
fn a_routed_device_in_a_bridge_is_told_as_that() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let here = lab.here();
    // Whose neighbours are forgotten decides who asks in vain.
    for (state, forgetful) in [("down", "pod2"), ("up", "pod2"), ("up", "host02")] {
        lab.on("host02", "ip link add odd type bridge");
        lab.on("host02", &format!("ip link set odd {state}"));
        lab.on("host02", "ip link set calibd2348b4f67 master odd");
        lab.on(forgetful, "ip neigh flush all");
        let (trace, code) = lab.trace(&["pod1", "pod2", "--wait", "0.3", &here]);
        lab.on("host02", "ip link set calibd2348b4f67 nomaster");
        lab.on("host02", "ip link del odd");
        lab.on(forgetful, "ip neigh flush all");
        let told = &trace["findings"][0];
        let fix = "ip link set calibd2348b4f67 nomaster";
        assert_eq!(
            (code, &told["id"], &told["node"], &told["fix"]),
            (1, &"veth-in-bridge".into(), &"host02".into(), &fix.into()),
            "{state}: {trace:#}"
        );
        assert_eq!(trace["findings"].as_array().unwrap().len(), 1, "{trace:#}");
    }
}

/// One of two routes leads by a third node, which does not forward: whichever of them these packets took.
#[test]
fn one_of_several_ways_that_is_shut_is_told_even_if_the_packets_took_another() {
    let Some(lab) = Lab::up("calico", 3) else {
        return;
    };
    let here = lab.here();
    lab.on("host03", "sysctl -qw net.ipv4.ip_forward=0");
    lab.on(
        "host01",
        "ip route replace 172.31.89.192/26 nexthop via 192.168.61.12 dev enp0s8 onlink nexthop via 192.168.61.13 dev enp0s8 onlink",
    );
    let (trace, code) = lab.trace(&["pod1", "pod2", "--wait", "0.3", &here]);
    let told = &trace["findings"][0];
    assert_eq!((code, &told["node"]), (1, &"host01".into()), "{trace:#}");
    assert_eq!(told["id"], "block-route-to-wrong-node", "{trace:#}");
}

/// A server that does not take what comes is at fault, once its queue is full; one that merely does not answer UDP
/// need not, and nobody can tell.
#[test]
fn silent_servers_are_told_from_full_ones() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let here = lab.here();
    let _silent = lab.start(&[
        "lab",
        &here,
        "exec",
        "pod2",
        "--",
        "socat",
        "-u",
        "UDP4-RECV:5353",
        "OPEN:/dev/null",
    ]);
    // One connection may wait; three that nobody accepts are more.
    let server = "import socket, time\ns = socket.socket()\ns.bind(('', 5355))\ns.listen(0)\nall = []\nfor _ in range(3):\n    c = socket.socket()\n    c.setblocking(False)\n    c.connect_ex(('127.0.0.1', 5355))\n    all.append(c)\ntime.sleep(60)";
    let _full = lab.start(&["lab", &here, "exec", "pod2", "--", "python3", "-c", server]);
    let listening = |port: &str| {
        (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            lab.on("pod2", "ss -Hlntu").contains(port)
        })
    };
    assert!(listening(":5353") && listening(":5355"));
    let (trace, code) = lab.trace(&[
        "pod1", "pod2", "--proto", "udp:5353", "--wait", "0.3", &here,
    ]);
    assert_eq!(
        (code, &trace["findings"]),
        (4, &serde_json::json!([])),
        "{trace:#}"
    );
    assert!(
        trace["doubts"][0]
            .as_str()
            .unwrap()
            .contains("where a socket takes UDP port 5353"),
        "{trace:#}"
    );
    let (trace, code) = lab.trace(&[
        "pod1", "pod2", "--proto", "tcp:5355", "--wait", "0.3", &here,
    ]);
    assert_eq!(
        (code, &trace["findings"][0]["id"]),
        (1, &"socket-full".into()),
        "{trace:#}"
    );
}
