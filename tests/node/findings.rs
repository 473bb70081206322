//! Each finding is provoked: by a fault that is made in a lab, or, where the kernel cannot be brought to it in a
//! namespace, in a snapshot of a healthy lab that is edited.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::labs::{check, ids};
use crate::support::lab::Lab;

/// A fault that is made by a script on a lab's node.
///
/// In the scripts stand DEVICE (the node's end of pod1's pair), OTHER (that of pod2), NETNS (the path of pod1's
/// namespace), NETNS2, ADDRESS and ADDRESS2 (their addresses), MAC (of pod1's eth0), GATEWAY, CONFIG.
struct Fault {
    profile: &'static str,
    id: &'static str,
    make: &'static str,
    /// Empty: pod1 is made anew.
    heal: &'static str,
}

const fn fault(
    profile: &'static str,
    id: &'static str,
    make: &'static str,
    heal: &'static str,
) -> Fault {
    Fault {
        profile,
        id,
        make,
        heal,
    }
}

const FAULTS: &[Fault] = &[
    // What the node's own settings and rules do to pods.
    fault(
        "calico",
        "proxy-arp-off",
        "echo 0 > /proc/sys/net/ipv4/conf/DEVICE/proxy_arp",
        "echo 1 > /proc/sys/net/ipv4/conf/DEVICE/proxy_arp",
    ),
    fault(
        "calico",
        "gateway-without-route",
        "ip route del 169.254.1.1 dev lo",
        "ip route add 169.254.1.1 dev lo scope link",
    ),
    fault(
        "weave",
        "gateway-unanswered",
        "ip addr del GATEWAY/12 dev weave",
        "ip addr add GATEWAY/12 dev weave",
    ),
    fault(
        "weave",
        "ip-forward-off",
        "echo 0 > /proc/sys/net/ipv4/ip_forward",
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
    ),
    fault(
        "calico",
        "ip-forward-off",
        "echo 0 > /proc/sys/net/ipv4/ip_forward",
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
    ),
    fault(
        "calico",
        "veth-forwarding-off",
        "echo 0 > /proc/sys/net/ipv4/conf/DEVICE/forwarding",
        "echo 1 > /proc/sys/net/ipv4/conf/DEVICE/forwarding",
    ),
    fault(
        "calico",
        "forward-policy-drop",
        "iptables -P FORWARD DROP; iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "iptables -P FORWARD ACCEPT; iptables -F FORWARD",
    ),
    fault(
        "weave",
        "rule-drop",
        "iptables -I FORWARD -s ADDRESS -j DROP",
        "iptables -D FORWARD -s ADDRESS -j DROP",
    ),
    fault(
        "calico",
        "network-policy-drop",
        "iptables -I FORWARD -s ADDRESS -m comment --comment 'networkpolicy default/deny-all' -j DROP",
        "iptables -D FORWARD -s ADDRESS -m comment --comment 'networkpolicy default/deny-all' -j DROP",
    ),
    fault(
        "calico",
        "forward-policy-drop",
        "nft add table inet shut; nft add chain inet shut shut '{ type filter hook forward priority 0; policy drop; }'",
        "nft delete table inet shut",
    ),
    fault(
        "calico",
        "host-route-missing",
        "ip route del ADDRESS",
        "ip route add ADDRESS dev DEVICE scope link",
    ),
    fault(
        "calico",
        "host-route-wrong",
        "ip route replace ADDRESS dev OTHER scope link",
        "ip route replace ADDRESS dev DEVICE scope link",
    ),
    fault(
        "calico",
        "rule-hijacks-route",
        "ip rule add to ADDRESS lookup 100; ip route add default via 192.168.61.1 dev enp0s8 table 100",
        "ip rule del to ADDRESS; ip route flush table 100",
    ),
    fault(
        "weave",
        "unreachable-route",
        "ip route add unreachable ADDRESS",
        "ip route del unreachable ADDRESS",
    ),
    fault(
        "calico",
        "rp-filter-drop",
        "echo 1 > /proc/sys/net/ipv4/conf/DEVICE/rp_filter; ip rule add iif lo to ADDRESS lookup 100; \
         ip route add default via 192.168.61.1 dev enp0s8 table 100",
        "ip rule del iif lo to ADDRESS; ip route flush table 100",
    ),
    fault(
        "calico",
        "neighbour-mac-wrong",
        "ip neigh replace ADDRESS lladdr 02:00:00:00:00:01 dev DEVICE nud permanent",
        "ip neigh del ADDRESS dev DEVICE",
    ),
    fault(
        "calico",
        "neighbour-mac-wrong",
        "nsenter --net=NETNS ip neigh replace 169.254.1.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
        "nsenter --net=NETNS ip neigh del 169.254.1.1 dev eth0",
    ),
    fault(
        "weave",
        "bridge-fdb-wrong",
        "bridge fdb replace MAC dev OTHER master static sticky",
        "bridge fdb del MAC dev OTHER master",
    ),
    fault(
        "weave",
        "rule-reject",
        "iptables -I FORWARD -d ADDRESS -j REJECT",
        "iptables -D FORWARD -d ADDRESS -j REJECT",
    ),
    fault(
        "weave",
        "blackhole-route",
        "ip route add blackhole ADDRESS",
        "ip route del blackhole ADDRESS",
    ),
    fault(
        "weave",
        "host-route-wrong",
        "ip route add ADDRESS dev enp0s8",
        "ip route del ADDRESS dev enp0s8",
    ),
    // What was given to a pod and is gone.
    fault(
        "weave",
        "pod-default-route-wrong",
        "nsenter --net=NETNS ip route replace default via 10.47.0.9",
        "nsenter --net=NETNS ip route replace default via GATEWAY",
    ),
    fault(
        "calico",
        "pod-default-route-missing",
        "nsenter --net=NETNS ip route del default",
        "nsenter --net=NETNS ip route add default via 169.254.1.1 dev eth0",
    ),
    fault(
        "calico",
        "pod-address-missing",
        "nsenter --net=NETNS ip addr flush dev eth0 scope global",
        "",
    ),
    fault(
        "weave",
        "pod-address-missing",
        "nsenter --net=NETNS ip addr flush dev eth0 scope global",
        "",
    ),
    fault(
        "weave",
        "pod-device-missing",
        "nsenter --net=NETNS ip link del eth0",
        "",
    ),
    fault(
        "weave",
        "veth-not-in-bridge",
        "ip link set DEVICE nomaster",
        "ip link set DEVICE master weave; bridge link set dev DEVICE hairpin on",
    ),
    // Devices.
    fault(
        "weave",
        "bridge-port-down",
        "ip link set DEVICE down",
        "ip link set DEVICE up",
    ),
    fault(
        "weave",
        "bridge-port-not-forwarding",
        "ip link set DEVICE down; ip link set weave type bridge stp_state 1; ip link set DEVICE up",
        "ip link set weave type bridge stp_state 0; ip link set DEVICE down; ip link set DEVICE up",
    ),
    fault(
        "weave",
        "bridge-down",
        "ip link set weave down",
        "ip link set weave up",
    ),
    fault(
        "weave",
        "pod-device-down",
        "nsenter --net=NETNS ip link set eth0 down",
        "",
    ),
    fault(
        "calico",
        "pod-device-down",
        "nsenter --net=NETNS ip link set eth0 down",
        "",
    ),
    fault("calico", "host-veth-down", "ip link set DEVICE down", ""),
    fault(
        "calico",
        "veth-without-peer",
        "ip netns add lost; ip link add calilost type veth peer name eth0 netns lost; ip link set calilost up; \
         ip route add 172.31.239.254 dev calilost; \
         (exec 3</run/netns/lost; ip netns del lost; exec sleep 3) >/dev/null 2>&1 & \
         while [ -e /run/netns/lost ]; do sleep 0.01; done",
        "ip link del calilost",
    ),
    fault(
        "weave",
        "pod-mtu-above-device",
        "nsenter --net=NETNS ip link set eth0 mtu 1500",
        "nsenter --net=NETNS ip link set eth0 mtu 1376",
    ),
    // One thing twice.
    fault(
        "weave",
        "duplicate-pod-address",
        "nsenter --net=NETNS ip addr add ADDRESS2/12 dev eth0",
        "nsenter --net=NETNS ip addr del ADDRESS2/12 dev eth0",
    ),
    fault(
        "calico",
        "duplicate-pod-address",
        "nsenter --net=NETNS ip addr add ADDRESS2/32 dev eth0",
        "nsenter --net=NETNS ip addr del ADDRESS2/32 dev eth0",
    ),
    fault(
        "calico",
        "duplicate-pod-address",
        "ip addr add ADDRESS/32 dev lo",
        "ip addr del ADDRESS/32 dev lo",
    ),
    fault(
        "weave",
        "duplicate-mac",
        "nsenter --net=NETNS2 ip link set eth0 address MAC",
        "",
    ),
    // CNI's files, and names of namespaces.
    fault(
        "weave",
        "cni-config-shadowed",
        "sleep 1.1; printf '{\"cniVersion\":\"1.0.0\",\"name\":\"late\",\"plugins\":[{\"type\":\"ptp\"}]}' > /etc/cni/net.d/99-late.conflist",
        "rm /etc/cni/net.d/99-late.conflist",
    ),
    fault(
        "weave",
        "cni-config-broken",
        "printf '{' > /etc/cni/net.d/00-broken.conf",
        "rm /etc/cni/net.d/00-broken.conf",
    ),
    fault(
        "weave",
        "cni-plugin-missing",
        "cp CONFIG /tmp/kept; sed -i s/portmap/portmop/ CONFIG",
        "cp /tmp/kept CONFIG",
    ),
    fault(
        "weave",
        "ipam-record-without-sandbox",
        "mkdir -p /var/lib/cni/networks/weave; printf '0123456789abcdef0123456789abcdef\\neth0' > /var/lib/cni/networks/weave/10.46.7.7",
        "rm -r /var/lib/cni/networks/weave",
    ),
    fault(
        "weave",
        "netns-leaked",
        "ip netns add cni-lost",
        "ip netns del cni-lost",
    ),
    fault(
        "weave",
        "netns-name-stale",
        "touch /run/netns/cni-stale",
        "rm /run/netns/cni-stale",
    ),
    fault(
        "weave",
        "iptables-backends-mixed",
        "iptables-nft -A FORWARD -s 203.0.113.1 -j DROP; iptables-legacy -A FORWARD -s 203.0.113.1 -j DROP",
        "iptables-nft -D FORWARD -s 203.0.113.1 -j DROP; iptables-legacy -D FORWARD -s 203.0.113.1 -j DROP",
    ),
];

/// What is changed in a snapshot of a healthy lab.
struct Edit {
    id: &'static str,
    change: fn(&mut Value),
}

const EDITS: &[Edit] = &[
    // The kernel's limit is that of the whole machine.
    Edit {
        id: "conntrack-nearly-full",
        change: |node| {
            node["namespaces"][0]["conntrack"] = json!({"known": {"count": 950, "max": 1000}});
        },
    },
    Edit {
        id: "neighbour-table-nearly-full",
        change: |node| {
            let row = &mut node["neighbour_tables"]["rows"][0];
            let limit = row["gc_thresh3"].as_u64().unwrap();
            row["entries"] = limit.into();
        },
    },
    // Two pods of a runtime never begin in one namespace.
    Edit {
        id: "shared-netns",
        change: |node| {
            let pods = node["sandboxes"]["rows"].as_array_mut().unwrap();
            let (netns, path) = (pods[0]["netns"].clone(), pods[0]["netns_path"].clone());
            // The second pod's own namespace has gone.
            let gone = pods[1]["netns"].clone();
            pods[1]["netns"] = netns;
            pods[1]["netns_path"] = path;
            pods[1]["addresses"] = json!([]);
            let twin = pods[1]["id"].clone();
            remove(&mut node["namespaces"], |row| row["id"] == gone);
            remove(&mut node["cni"]["results"]["rows"], |row| {
                row["container"] == twin
            });
            remove(&mut node["cni"]["addresses"]["rows"], |row| {
                row["container"] == twin
            });
            forget_devices(node, &gone);
        },
    },
    // An unmounted name leaves an empty file; the pod's processes keep the namespace itself.
    Edit {
        id: "netns-gone",
        change: |node| {
            let pod = &mut node["sandboxes"]["rows"][1];
            let gone = pod["netns"].take();
            let path = pod["netns_path"].clone();
            node["dead_paths"].as_array_mut().unwrap().push(path);
            remove(&mut node["namespaces"], |row| row["id"] == gone);
            forget_devices(node, &gone);
        },
    },
    // The plugins of a lab give a default route and no other.
    Edit {
        id: "pod-route-missing",
        change: |node| {
            let routes = &mut node["cni"]["results"]["rows"][0]["result"]["routes"];
            routes
                .as_array_mut()
                .unwrap()
                .push(json!({"dst": "10.9.0.0/16"}));
        },
    },
    // The ledger of addresses is one file that the plugin mends by itself.
    Edit {
        id: "sandbox-without-ipam-record",
        change: |node| {
            let pod = node["sandboxes"]["rows"][0]["id"].clone();
            remove(&mut node["cni"]["addresses"]["rows"], |row| {
                row["container"] == pod
            });
        },
    },
];

fn remove(rows: &mut Value, is_meant: impl Fn(&Value) -> bool) {
    rows.as_array_mut().unwrap().retain(|row| !is_meant(row));
}

/// The node's ends of the pairs that led into a namespace go with it, and the routes by them.
fn forget_devices(node: &mut Value, netns: &Value) {
    let root = &mut node["namespaces"][0];
    let gone: Vec<Value> = root["links"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|link| link["lower"]["netns"] == *netns)
        .map(|link| link["index"].clone())
        .collect();
    assert!(!gone.is_empty());
    remove(&mut root["links"]["rows"], |link| {
        gone.contains(&link["index"])
    });
    remove(&mut root["routes"]["rows"], |route| {
        route["nexthops"]
            .as_array()
            .is_some_and(|hops| hops.iter().any(|hop| gone.contains(&hop["device"])))
    });
}

/// Words in scripts, and what stands for them.
struct Words(Vec<(&'static str, String)>);

impl Words {
    fn of(lab: &Lab) -> Self {
        let report = |pod: &str| -> Value {
            let text = lab.ok(&["pod", pod, "-o", "json", &lab.here()]);
            serde_json::from_str(&text).unwrap()
        };
        let (one, two) = (report("pod1"), report("pod2"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let eth0 = |report: &Value| report["interfaces"][0].clone();
        let config = lab.sh("host01", "ls /etc/cni/net.d/*.conflist");
        Self(vec![
            // A longer word before one that it begins with.
            ("NETNS2", text(&two["netns"]["paths"][0])),
            ("NETNS", text(&one["netns"]["paths"][0])),
            ("ADDRESS2", text(&eth0(&two)["addresses"][0]["address"])),
            ("ADDRESS", text(&eth0(&one)["addresses"][0]["address"])),
            ("OTHER", text(&eth0(&two)["peer"]["link"]["name"])),
            ("DEVICE", text(&eth0(&one)["peer"]["link"]["name"])),
            ("MAC", text(&eth0(&one)["link"]["mac"])),
            ("GATEWAY", text(&one["gateways"][0]["address"])),
            ("CONFIG", config.trim().to_owned()),
        ])
    }

    fn put_into(&self, script: &str) -> String {
        self.0
            .iter()
            .fold(script.to_owned(), |script, (word, value)| {
                script.replace(word, value)
            })
    }
}

fn with_two_pods(profile: &str) -> Option<Lab> {
    let lab = Lab::bare(profile, 1)?;
    for pod in ["pod1", "pod2"] {
        lab.add(pod, "host01");
    }
    // It would mend what is broken while one looks.
    lab.sh(
        "host01",
        "for p in /proc/[0-9]*; do if tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q '^[^ ]*ovl agent '; \
         then kill -STOP ${p#/proc/}; stopped=1; fi; done; [ -n \"$stopped\" ]",
    );
    Some(lab)
}

fn provoke(profile: &str) {
    let Some(lab) = with_two_pods(profile) else {
        return;
    };
    for fault in FAULTS.iter().filter(|fault| fault.profile == profile) {
        let words = Words::of(&lab);
        let make = words.put_into(fault.make);
        lab.sh("host01", &make);
        let (code, report) = check(&lab);
        assert_eq!(ids(&report), [fault.id], "after {make}: {report:#}");
        complete(&report["findings"][0], code);
        if fault.heal.is_empty() {
            for pod in ["pod1", "pod2"] {
                lab.ok(&["lab", &format!("--lab={}", lab.name()), "pod", "rm", pod]);
                lab.add(pod, "host01");
            }
        } else {
            lab.sh("host01", &words.put_into(fault.heal));
        }
        let (code, report) = check(&lab);
        assert_eq!(
            (code, ids(&report)),
            (Some(0), Vec::new()),
            "after healing {make}: {report:#}"
        );
    }
}

/// A finding has every field, and the exit code is its severity's.
fn complete(finding: &Value, code: Option<i32>) {
    let id = &finding["id"];
    let expected = if finding["severity"] == "fault" { 1 } else { 0 };
    assert_eq!(code, Some(expected), "{id}");
    for field in ["what", "why", "show", "fix"] {
        assert!(
            !finding[field].as_str().unwrap().is_empty(),
            "{id}: {field}"
        );
    }
    assert!(!finding["evidence"].as_array().unwrap().is_empty(), "{id}");
}

#[test]
fn each_fault_of_a_routed_network_has_its_finding() {
    provoke("calico");
}

#[test]
fn each_fault_of_a_bridged_network_has_its_finding() {
    provoke("weave");
}

#[test]
fn what_the_kernel_cannot_be_brought_to_is_found_in_a_snapshot() {
    let Some(lab) = with_two_pods("calico") else {
        return;
    };
    let text = lab.ok(&["snapshot", &lab.here()]);
    let healthy: Value = serde_json::from_str(&text).unwrap();
    for edit in EDITS {
        let mut node = healthy.clone();
        (edit.change)(&mut node);
        let file = lab.write(&format!("{}.json", edit.id), &node.to_string());
        let output = lab.run(&["check", "-o", "json", "--from", file.to_str().unwrap()]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(ids(&report), [edit.id], "{report:#}");
        complete(&report["findings"][0], output.status.code());
    }
}

#[test]
fn no_finding_is_without_its_test() {
    let provoked: BTreeSet<&str> = FAULTS
        .iter()
        .map(|fault| fault.id)
        .chain(EDITS.iter().map(|edit| edit.id))
        .collect();
    let listed: BTreeSet<&str> = ovl::diagnose::IDS.into_iter().collect();
    assert_eq!(listed, provoked);
    // What the sources raise is what is listed.
    let mut raised = BTreeSet::new();
    let sources = format!("{}/src/diagnose", env!("CARGO_MANIFEST_DIR"));
    for module in [
        "address",
        "cni",
        "device",
        "forward",
        "forwarding",
        "gateway",
        "limit",
        "netfilter",
        "promised",
        "reach",
        "sandbox",
    ] {
        let text = std::fs::read_to_string(format!("{sources}/{module}.rs")).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        raised.extend(
            code.split('"')
                .skip(1)
                .step_by(2)
                .filter(|word| is_an_id(word))
                .map(str::to_owned),
        );
    }
    let known: BTreeSet<String> = listed.into_iter().map(str::to_owned).collect();
    assert_eq!(raised, known);
}

/// Words in kebab-case are identifiers, but for the names of plugins and of options.
fn is_an_id(word: &str) -> bool {
    let others = ["host-local", "ovl-ipam", "cni-"];
    word.contains('-')
        && !word.starts_with('-')
        && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        && !others.contains(&word)
}
