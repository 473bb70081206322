//! Configurations that cannot work: a clear error, and nothing touched.

use serde_json::{Value, json};

use crate::ground::{Ground, exists};
use crate::support::{can_run, until};

fn routed() -> Value {
    json!({
        "name": "pods", "mode": "routed", "underlay": "enp0s8",
        "pools": [{"cidr": "10.244.0.0/16", "blockSize": 26}],
    })
}

#[test]
fn before_anything_is_touched() {
    if !can_run() {
        return;
    }
    let mut ground = Ground::new(1, routed());
    let cases = [
        (
            json!({"pools": [{"cidr": "192.168.0.0/16"}]}),
            "pool 192.168.0.0/16 overlaps 192.168.61.11/24",
        ),
        (
            json!({"pools": [{"cidr": "10.0.0.0/8"}, {"cidr": "10.1.0.0/16"}]}),
            "overlap",
        ),
        (
            json!({"mtu": 1501}),
            "MTU 1501 is above what the underlay carries: enp0s8 has 1500",
        ),
        (
            json!({"encap": "always", "mtu": 1451}),
            "VXLAN takes 50, so at most 1450",
        ),
        (
            json!({"underlay": "eth7"}),
            "underlay device eth7 does not exist",
        ),
        (
            json!({"underlay": null}),
            "there is no default route; set `underlay`",
        ),
        (
            json!({"pools": [{"cidr": "10.244.0.0/27", "blockSize": 26}]}),
            "cannot be cut into /26 blocks",
        ),
        (json!({"mode": "bridged"}), "unknown variant `bridged`"),
        (json!({"colour": "red"}), "unknown field `colour`"),
        (
            json!({"hostPrefix": "calico"}),
            "hostPrefix \"calico\" is not 1 to 4 of a-z and 0-9",
        ),
    ];
    let space = |ground: &Ground| {
        ["ip -o link", "ip route", "nft list ruleset"]
            .map(|line| ground.nodes[0].space.run(line))
            .join("")
    };
    let before = space(&ground);
    for (difference, words) in cases {
        let mut settings = routed();
        settings
            .as_object_mut()
            .unwrap()
            .extend(difference.as_object().unwrap().clone());
        ground.settings = settings;
        let output = ground.agent(0, &[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        assert!(said.contains(words), "{words:?} in {said:?}");
    }
    assert_eq!(space(&ground), before);
    assert!(!exists(&ground.nodes[0].directory.join("net.d")));
    assert!(!exists(&ground.store_path().join("nodes")));
}

#[test]
fn a_port_or_a_name_that_is_taken() {
    if !can_run() {
        return;
    }
    let mut settings = routed();
    settings["encap"] = json!("always");
    let mut ground = Ground::new(1, settings);
    let space = &ground.nodes[0].space;
    space.run("ip link add other type vxlan id 7 dstport 4789 dev enp0s8");
    ground.start(0);
    let reason = |ground: &Ground| {
        ground
            .status(0)
            .and_then(|status| status.reason)
            .unwrap_or_default()
    };
    until("the port's owner", || {
        reason(&ground).contains("VXLAN port 4789 is claimed by other (VNI 7)")
    });
    let space = &ground.nodes[0].space;
    assert!(!space.output("ip link show vxlan.calico").status.success());
    assert!(
        !exists(&ground.nodes[0].directory.join("net.d")),
        "not ready, so no pods"
    );
    space.run("ip link add vxlan.calico type bridge");
    space.run("ip link del other");
    until("the name's owner", || {
        reason(&ground).contains("device vxlan.calico exists and is a bridge")
    });
    ground.nodes[0].space.run("ip link del vxlan.calico");
    ground.until_ready(0, 0);
}
