//! What cannot work is refused in words, and leaves nothing behind.

use std::path::Path;

use serde_json::{Value, json};

use super::node::{Node, Who, in_pod};

/// Asks for an ADD that must fail with `code`, say all of `told`, and change nothing.
fn refused(node: &Node, net: &Value, who: Who<'_>, code: u32, told: &[&str]) {
    let before = node.snapshot();
    let answer = node.ask("ADD", net, who);
    let text = answer.told();
    assert_eq!(answer.stdout["code"], code, "{text}");
    for part in told {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
    let after: Vec<String> = node.snapshot();
    // Blocks that were claimed on the way stay the node's; addresses and links do not.
    assert_eq!(
        after[..after.len() - 1],
        before[..before.len() - 1],
        "{text}"
    );
    let files = after.last().unwrap();
    assert!(!files.contains("@eth0"), "a journal entry is left: {files}");
}

#[test]
fn configurations_that_cannot_work() {
    let Some(node) = Node::new() else { return };
    let pod = node.pod("1");
    let who = Who::new("c1", &pod);
    let ipam = |pools: Value| json!({"ipam": {"type": "ovl-ipam", "pools": pools}});
    for (extra, code, told) in [
        (json!({"encap": "ipip"}), 7, &["ipip", "crossSubnet"][..]),
        (
            json!({"mtu": 9000, "underlay": "lo0"}),
            7,
            &["underlay lo0 does not exist"],
        ),
        (json!({"mtu": 1000}), 7, &["1000", "IPv6", "1280"]),
        (json!({"ipam": {}}), 7, &["ipam.type"]),
        (
            json!({"ipam": {"type": "no-such-ipam"}}),
            105,
            &["no-such-ipam"],
        ),
        (ipam(json!([])), 7, &["pool"]),
        (
            ipam(json!([{"cidr": "172.31.0.0/28", "blockSize": 26}])),
            7,
            &["172.31.0.0/28", "26"],
        ),
        (
            ipam(json!([{"cidr": "172.31.0.0/16"}, {"cidr": "172.31.4.0/24"}])),
            7,
            &["172.31.0.0/16", "172.31.4.0/24", "overlap"],
        ),
        (
            json!({"stateDir": "/proc/ovl"}),
            104,
            &["/proc/ovl/journal"],
        ),
    ] {
        refused(&node, &node.routed(extra), who, code, told);
    }
}

#[test]
fn namespaces_that_are_none() {
    let Some(node) = Node::new() else { return };
    let net = node.routed(json!({}));
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let told = ["CNI_NETNS", path, "is not a network namespace"];
    refused(&node, &net, Who::new("c1", file.path()), 4, &told);
    let gone = Path::new("/run/netns/ovl-no-such-namespace");
    refused(
        &node,
        &net,
        Who::new("c1", gone),
        4,
        &["ovl-no-such-namespace", "No such file"],
    );
    // The node's own.
    let own = node.state_dir().with_file_name("node");
    refused(
        &node,
        &net,
        Who::new("c1", &own),
        4,
        &["CNI_NETNS", "plugin itself"],
    );
}

#[test]
fn an_interface_name_that_is_taken() {
    let Some(node) = Node::new() else { return };
    let pod = node.pod("1");
    in_pod(&pod, "ip", &["link", "add", "eth0", "type", "bridge"]);
    let net = node.routed(json!({}));
    refused(
        &node,
        &net,
        Who::new("c1", &pod),
        103,
        &["CNI_IFNAME=eth0", "taken"],
    );
    // Nor does the DEL that follows take away what is not ours.
    node.must("DEL", &net, Who::new("c1", &pod));
    in_pod(&pod, "ip", &["link", "show", "eth0"]);
}

#[test]
fn more_than_the_underlay_carries() {
    let Some(node) = Node::new() else { return };
    let pod = node.pod("1");
    let who = Who::new("c1", &pod);
    node.run(
        "ip",
        &["link", "add", "enp0s8", "mtu", "1500", "type", "veth"],
    );
    node.run("ip", &["addr", "add", "192.168.61.11/24", "dev", "enp0s8"]);
    let on = |extra: Value| {
        let mut extra = extra;
        extra["underlay"] = json!("enp0s8");
        extra
    };
    let net = node.routed(on(json!({"mtu": 1501})));
    refused(&node, &net, who, 7, &["mtu 1501", "enp0s8", "1500"]);
    let net = node.routed(on(json!({"mtu": 1451, "encap": "crossSubnet"})));
    refused(
        &node,
        &net,
        who,
        7,
        &["mtu 1451", "VXLAN takes 50", "at most 1450"],
    );
    let net = node.bridged(on(json!({"mtu": 1451})));
    refused(&node, &net, who, 7, &["mtu 1451", "at most 1450"]);

    // Without an MTU it is all that the underlay carries.
    let net = node.bridged(on(json!({"mtu": 0})));
    let result = node.must("ADD", &net, who);
    assert_eq!(result["interfaces"][2]["mtu"], 1450);
    node.must("DEL", &net, who);
    // Through IPv6 the wrapping takes 70.
    node.run("ip", &["addr", "flush", "dev", "enp0s8"]);
    let result = node.must("ADD", &net, who);
    assert_eq!(result["interfaces"][2]["mtu"], 1430);
    node.must("DEL", &net, who);
    // The default route says which device it is.
    node.run("ip", &["addr", "add", "192.168.61.11/24", "dev", "enp0s8"]);
    node.run("ip", &["link", "set", "enp0s8", "up"]);
    node.run("ip", &["route", "add", "default", "via", "192.168.61.1"]);
    let net = node.routed(json!({"mtu": 1501}));
    refused(&node, &net, who, 7, &["mtu 1501", "enp0s8"]);
}

#[test]
fn tunnels_and_bridges_of_others() {
    let Some(node) = Node::new() else { return };
    let pod = node.pod("1");
    let who = Who::new("c1", &pod);
    let vxlan = |name: &str, id: &str, port: &str| {
        let args = [
            "link", "add", name, "type", "vxlan", "id", id, "dstport", port, "dev", "lo",
        ];
        node.run("ip", &args);
    };
    vxlan("vxlan-a", "5", "6784");
    node.run("ip", &["link", "add", "other", "type", "bridge"]);
    node.run("ip", &["link", "set", "vxlan-a", "master", "other"]);

    for (extra, told) in [
        (
            json!({"vxlan": "vxlan-b", "port": 6784, "vni": 5}),
            &["6784", "claimed by another network", "vxlan-a"][..],
        ),
        (
            json!({"vxlan": "vxlan-a", "port": 6784}),
            &["vxlan-a is a port of other, not of weave"],
        ),
        (json!({"vxlan": "vxlan-a", "port": 4789}), &["6784", "4789"]),
        (json!({"vxlan": "vxlan-a", "vni": 6}), &["VNI 5", "6"]),
        (json!({"vxlan": "other"}), &["other is no VXLAN device"]),
        (json!({"bridge": "vxlan-a"}), &["vxlan-a is no bridge"]),
    ] {
        refused(&node, &node.bridged(extra), who, 7, told);
    }
}

#[test]
fn a_pool_without_an_address_left() {
    let Some(node) = Node::new() else { return };
    let pool = json!([{"cidr": "172.31.0.0/30", "blockSize": 30}]);
    let net = node.routed(json!({"ipam": {"type": "ovl-ipam", "pools": pool}}));
    for at in 0..4 {
        let pod = node.pod(&at.to_string());
        node.must(
            "ADD",
            &net,
            Who::new(&format!("full{at}"), &pod).ifname("net1"),
        );
    }
    let pod = node.pod("one-too-many");
    refused(&node, &net, Who::new("c1", &pod), 101, &["172.31.0.0/30"]);
    assert!(
        !node
            .ask("STATUS", &net, Who::new("", &pod).ifname(""))
            .success
    );
    node.must("DEL", &net, Who::new("full0", &pod).ifname("net1").gone());
    node.must("ADD", &net, Who::new("c1", &pod));
}

#[test]
fn an_agent_that_is_not_ready() {
    let Some(node) = Node::new() else { return };
    let net = node.routed(json!({}));
    let pod = node.pod("1");
    let who = Who::new("", &pod).ifname("");
    node.must("STATUS", &net, who);
    let agent = |ready: bool| {
        let status = json!({"schema": "ovl.agent/v1", "network": "k8s-pod-network", "node": "host01",
            "ready": ready, "reason": "underlay device enp0s8 does not exist", "peers": 0,
            "scope": {"underlay": "enp0s8", "pools": []}, "version": "0"});
        let dir = node.state_dir().join("agent");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("k8s-pod-network.json"), status.to_string()).unwrap();
    };
    // What it wrote while it lived says nothing once it is gone.
    agent(true);
    let answer = node.ask("STATUS", &net, who);
    assert!(answer.told().contains("does not run"), "{answer:?}");
    assert_eq!(answer.stdout["code"], 51);
    let lock = node.state_dir().join("agent/.k8s-pod-network.lock");
    let living = std::fs::File::create(lock).unwrap();
    living.lock().unwrap();
    agent(false);
    let answer = node.ask("STATUS", &net, who);
    assert!(
        answer.told().contains("enp0s8 does not exist"),
        "{answer:?}"
    );
    assert_eq!(answer.stdout["code"], 51);
    agent(true);
    node.must("STATUS", &net, who);
}

#[test]
fn twice_the_same_attachment() {
    let Some(node) = Node::new() else { return };
    let pod = node.pod("1");
    let net = node.routed(json!({}));
    node.must("ADD", &net, Who::new("c1", &pod));
    let answer = node.ask("ADD", &net, Who::new("c1", &pod));
    assert!(answer.told().contains("attached already"), "{answer:?}");
    node.must("CHECK", &net, Who::new("c1", &pod));
}

#[test]
fn a_file_system_without_room() {
    let Some(node) = Node::new() else { return };
    let pod = node.pod("1");
    std::fs::create_dir(node.state_dir()).unwrap();
    let before = node.snapshot();
    // A file system of one page, which is taken, in a mount namespace of the plugin's own.
    let script = "mount -t tmpfs -o size=4k none \"$STATE\" && head -c 4096 /dev/zero > \"$STATE/full\" \
                  && exec \"$PLUGIN\"";
    let net = node.routed(json!({}));
    let wrap = |command: &mut std::process::Command| {
        let plugin = command.get_program().to_owned();
        let mut wrapped = std::process::Command::new("unshare");
        wrapped.args(["--mount", "sh", "-c", script]);
        wrapped.env("PLUGIN", plugin).env("STATE", node.state_dir());
        wrapped
    };
    let answer = node.ask_wrapped("ADD", &net, Who::new("c1", &pod), wrap);
    let text = answer.told();
    assert_eq!(answer.stdout["code"], 104, "{text}");
    assert!(text.contains("No space left on device"), "{text}");
    assert!(text.contains("make room"), "{text}");
    assert_eq!(node.snapshot(), before);
}
