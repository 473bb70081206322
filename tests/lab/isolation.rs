//! What a lab does not touch.

use std::process::{Command, Stdio};

use super::support::lab::Lab;
use super::support::{OVL, can_run};

/// Everything of the namespaces that `ovl` runs in that a network could leave something in.
const SNAPSHOT: &str = "ip -d link; ip addr; ip route show table all; ip -6 route show table all; ip rule; \
    ip neigh; ls -A /run /run/netns /etc/cni /opt/cni 2>/dev/null; cat /proc/self/mountinfo; \
    nft list ruleset; hostname";

/// The same script makes a lab and looks before, while and after. It runs in namespaces of its own, so that
/// nothing else on the machine can change them meanwhile.
#[test]
fn the_callers_namespaces_stay_as_they_are() {
    if !can_run() {
        return;
    }
    let lab = Lab::prepared("isolation");
    let script = format!(
        "set -e
        look() {{ {SNAPSHOT}; }}
        ip link set lo up
        mount --make-rprivate /
        mount -t tmpfs tmpfs /run
        mkdir /run/netns
        look >\"$OUT/before\" 2>&1 || true
        {OVL} lab up --profile weave --nodes 2
        {OVL} lab pod add one
        {OVL} lab pod add two
        look >\"$OUT/while\" 2>&1 || true
        {OVL} lab down
        look >\"$OUT/after\" 2>&1 || true"
    );
    let out = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--uts", "sh", "-c", &script])
        .env("OVL_LAB_DIR", lab.root())
        .env("OUT", out.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read = |name| std::fs::read_to_string(out.path().join(name)).unwrap();
    assert!(
        read("before").contains("LOOPBACK"),
        "the snapshot shows something"
    );
    assert_eq!(read("before"), read("while"));
    assert_eq!(read("before"), read("after"));
}

#[test]
fn two_labs_live_side_by_side() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("side", &["--profile", "calico", "--nodes", "2"]);
    let other = format!("{}-b", lab.name());
    lab.ok(&[
        "lab",
        "up",
        "--profile",
        "calico",
        "--nodes",
        "2",
        "--lab",
        &other,
    ]);
    let error = lab.run(&["lab", "up", "--profile", "weave", "--lab", &other]);
    let error = String::from_utf8_lossy(&error.stderr).into_owned();
    assert!(error.contains("is up already"), "{error}");

    // The same names and addresses in both, and each ping stays in its lab.
    for name in [lab.name(), &other] {
        lab.ok(&[
            "lab", "pod", "add", "one", "--node", "host01", "--lab", name,
        ]);
        lab.ok(&[
            "lab", "pod", "add", "two", "--node", "host02", "--lab", name,
        ]);
        let ping = ["--", "ping", "-c", "1", "-W", "10", "two"];
        lab.ok(&[&["lab", "exec", "one", "--lab", name], &ping[..]].concat());
    }
    lab.ok(&["lab", "down", "--lab", &other]);
    lab.exec("one", &["ping", "-c", "1", "-W", "10", "two"]);

    let error = lab.run(&["lab", "exec", "one", "--lab", &other, "--", "true"]);
    assert_eq!(
        error.status.code(),
        Some(2),
        "there is no such lab any more"
    );
    lab.down();
}

#[test]
fn down_all_takes_all_down_and_nothing_else() {
    if !can_run() {
        return;
    }
    let here = Lab::made("all-here", &["--nodes", "1"]);
    let elsewhere = Lab::made("all-elsewhere", &["--nodes", "1"]);
    here.ok(&["lab", "up", "--nodes", "1", "--lab", "second"]);
    // Not a lab, and not ours.
    std::fs::write(here.root().join("note"), "mine").unwrap();
    let out = here.ok(&["lab", "down", "--all"]);
    assert!(out.contains("all-here") && out.contains("second"), "{out}");
    here.assert_gone();
    assert!(here.root().join("note").exists());
    assert_eq!(here.ok(&["lab", "down", "--all"]), "");
    elsewhere.exec("host01", &["true"]);
    elsewhere.down();
}

/// Nothing leads out of a lab.
#[test]
fn there_is_no_way_out() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("no-way-out", &["--profile", "calico", "--nodes", "1"]);
    let links = lab.json("switch", "ip -j -d link");
    for link in &links {
        let kind = &link["linkinfo"]["info_kind"];
        assert!(
            link["ifname"] == "lo" || kind == "bridge" || kind == "veth",
            "{link}"
        );
    }
    let routes = lab.json("host01", "ip -j route");
    assert!(
        routes.iter().all(|route| route["dst"] != "default"),
        "{routes:?}"
    );
    lab.down();
}
