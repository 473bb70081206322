//! Peers come and go, agents are stopped, killed and started again, the store vanishes.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ground::{Ground, exists, fdb, neighbours, routes};
use crate::support::{can_run, until};

fn wrapped() -> Value {
    json!({
        "name": "pods", "mode": "routed", "encap": "always", "underlay": "enp0s8",
        "pools": [{"cidr": "10.244.0.0/16", "blockSize": 26}],
    })
}

/// Publishes nodes that do not exist, each with a block.
fn crowd(ground: &Ground, numbers: std::ops::Range<u16>) {
    for number in numbers {
        let [high, low] = number.to_be_bytes();
        let vtep = [10, 200, high, low].into();
        let name = format!("crowd{number}");
        ground.publish(
            &name,
            &format!("192.168.{}.{low}/16", 64 + high),
            Some((4096, 4789, &[vtep])),
        );
        ground.claim(
            &name,
            &format!("10.244.{}.{}/26", number / 4 + 1, number % 4 * 64),
        );
    }
}

fn counts(ground: &Ground) -> (usize, usize, usize) {
    let space = &ground.nodes[0].space;
    if !space.output("ip link show vxlan.calico").status.success() {
        return (routes(space).len(), 0, 0);
    }
    (
        routes(space).len(),
        neighbours(space, "vxlan.calico").len(),
        fdb(space, "vxlan.calico").len(),
    )
}

#[test]
fn peers_come_and_go() {
    if !can_run() {
        return;
    }
    let mut ground = Ground::new(2, wrapped());
    ground.start(0);
    ground.until_ready(0, 0);
    let alone = counts(&ground);
    assert_eq!(alone, (1, 0, 0));
    ground.start(1);
    until("the second node", || counts(&ground) == (2, 1, 1));
    crowd(&ground, 0..20);
    until("twenty more", || counts(&ground) == (22, 21, 21));
    for number in 0..20 {
        ground.withdraw(&format!("crowd{number}"));
    }
    until("twenty less", || counts(&ground) == (2, 1, 1));
    // One that is stopped is still there; one that leaves is not.
    ground.stop(1);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(counts(&ground), (2, 1, 1));
    ground.cleanup(1);
    until("the second to leave", || counts(&ground) == (1, 0, 0));
}

#[test]
fn a_restart_takes_over_and_takes_back() {
    if !can_run() {
        return;
    }
    let mut ground = Ground::new(1, wrapped());
    crowd(&ground, 0..10);
    ground.start(0);
    until("ten peers", || counts(&ground) == (11, 10, 10));
    let space = &ground.nodes[0].space;
    let index = space.json("ip -j link show vxlan.calico")[0]["ifindex"].clone();
    let address = space.json("ip -j address show vxlan.calico")[0]["addr_info"][0]["local"].clone();
    ground.stop(0);
    assert_eq!(counts(&ground), (11, 10, 10), "what it made stays");
    for number in 0..4 {
        ground.withdraw(&format!("crowd{number}"));
    }
    ground.start(0);
    until("the departed to go", || counts(&ground) == (7, 6, 6));
    let space = &ground.nodes[0].space;
    assert_eq!(
        space.json("ip -j link show vxlan.calico")[0]["ifindex"],
        index,
        "the device was kept"
    );
    let again = space.json("ip -j address show vxlan.calico")[0]["addr_info"][0]["local"].clone();
    assert_eq!(again, address);

    // Another configuration: what only the old one named goes.
    ground.stop(0);
    ground.settings["encap"] = json!("never");
    ground.settings["masquerade"] = json!(false);
    ground.start(0);
    ground.until_ready(0, 6);
    let space = &ground.nodes[0].space;
    until("the device to go", || {
        !space.output("ip link show vxlan.calico").status.success()
    });
    until("the table to go", || {
        space.run("nft list ruleset").is_empty()
    });
    assert!(routes(space).iter().all(|row| row.2 != "vxlan.calico"));
}

#[test]
fn killed_at_any_moment_the_next_run_gets_there() {
    if !can_run() {
        return;
    }
    let mut ground = Ground::new(1, wrapped());
    crowd(&ground, 0..300);
    for moment in [0, 5, 10, 15, 20, 30, 40, 60, 90, 140] {
        ground.start(0);
        std::thread::sleep(Duration::from_millis(moment));
        ground.kill(0);
        // Half of them lose their device as well.
        if moment % 20 == 0 {
            ground.nodes[0].space.output("ip link del vxlan.calico");
        }
    }
    ground.start(0);
    // What the last killed run said of itself may still stand; the kernel's tables do not lie.
    until("everything", || counts(&ground) == (301, 300, 300));
    ground.until_ready(0, 300);
    let staged = fs::read_dir(ground.nodes[0].directory.join("net.d"))
        .unwrap()
        .count();
    assert_eq!(staged, 1, "the CNI configuration and nothing staged");
}

#[test]
fn without_the_store_the_last_state_stands() {
    if !can_run() {
        return;
    }
    let mut ground = Ground::new(2, wrapped());
    ground.start(0);
    ground.start(1);
    ground.until_ready(0, 1);
    until("the second node", || counts(&ground) == (2, 1, 1));
    let aside = ground.directory.path().join("aside");
    fs::rename(ground.store_path(), &aside).unwrap();
    ground.nodes[0].space.run("ip route flush proto 80");
    until("repair without a store", || counts(&ground) == (2, 1, 1));
    std::thread::sleep(Duration::from_millis(1300));
    assert_eq!(counts(&ground), (2, 1, 1));
    assert!(ground.log(0).contains("the last state stands"));
    fs::rename(&aside, ground.store_path()).unwrap();
    crowd(&ground, 0..1);
    until("a peer after the outage", || counts(&ground) == (3, 2, 2));

    // Emptied, as by a volume that was made anew: everybody publishes again and nobody loses a route.
    for directory in ["nodes", "blocks"] {
        fs::remove_dir_all(ground.store_path().join(directory)).unwrap();
    }
    let nodes = ground.store_path().join("nodes");
    until("both records", || {
        exists(&nodes.join("host01")) && exists(&nodes.join("host02"))
    });
    let (rows, _, _) = counts(&ground);
    assert!(rows >= 2, "kept meanwhile");
    until("the lost peer to be given up", || {
        counts(&ground) == (2, 1, 1)
    });
}

#[test]
fn leaving_takes_everything_away() {
    if !can_run() {
        return;
    }
    let settings = json!({
        "name": "weave", "mode": "flat", "underlay": "enp0s8", "bridge": "weave",
        "pools": [{"cidr": "10.32.0.0/12", "blockSize": 20}],
    });
    let mut ground = Ground::new(2, settings);
    let space = &ground.nodes[0].space;
    let whole = |space: &crate::support::space::Space| {
        ["ip -o link", "ip route", "nft list ruleset"]
            .map(|line| space.run(line))
            .join("")
    };
    let before = whole(space);
    ground.start_all();
    let space = &ground.nodes[0].space;
    assert_ne!(whole(space), before);
    let running = ground.agent(0, &["--cleanup"]).output().unwrap();
    assert!(!running.status.success());
    assert!(
        String::from_utf8_lossy(&running.stderr).contains("another agent of network weave runs")
    );
    ground.stop(0);
    ground.cleanup(0);
    let node = &ground.nodes[0];
    assert_eq!(whole(&node.space), before);
    assert!(!exists(&node.directory.join("net.d/10-weave.conflist")));
    assert!(!exists(&ground.store_path().join("nodes/host01")));
    assert_eq!(ground.blocks_of("host01"), []);
    assert_eq!(ground.status(0), None);
    until("the other node to notice", || {
        fdb(&ground.nodes[1].space, "vxlan-6784").is_empty()
    });
    // And back again.
    ground.start(0);
    ground.until_ready(0, 1);
}

#[test]
fn the_underlay_changes() {
    if !can_run() {
        return;
    }
    let mut ground = Ground::empty(wrapped());
    let switch = ground.switch();
    for number in 1..=2 {
        ground.add_node(&switch, &[format!("192.168.61.1{number}/24")]);
    }
    ground.between.push(switch);
    ground.start_all();
    until("the second node", || counts(&ground) == (2, 1, 1));
    let second = &ground.nodes[1].space;
    second.run("ip address del 192.168.61.12/24 dev enp0s8");
    let reason = |ground: &Ground| {
        ground
            .status(1)
            .and_then(|status| status.reason)
            .unwrap_or_default()
    };
    until("the loss to be noticed", || {
        reason(&ground).contains("enp0s8 has no global IPv4 or IPv6 address")
    });
    second.run("ip address add 192.168.61.212/24 dev enp0s8");
    let first = &ground.nodes[0].space;
    until("the new address", || {
        fdb(first, "vxlan.calico")
            .iter()
            .any(|row| row.1 == "192.168.61.212")
    });
    assert_eq!(counts(&ground), (2, 1, 1));
    // Down and up again: the kernel drops everything that leads through it.
    first.run("ip link set enp0s8 down");
    std::thread::sleep(Duration::from_millis(200));
    first.run("ip link set enp0s8 up");
    until("all rows", || counts(&ground) == (2, 1, 1));
}
