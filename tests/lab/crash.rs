//! Killed at any moment, a lab can be taken apart, and made again.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::support::lab::{Lab, processes};
use super::support::{can_run, until};

/// From before the first process to after the last, in steps that hit different ones.
const MOMENTS: [u64; 14] = [1, 3, 6, 10, 15, 22, 30, 40, 55, 75, 100, 140, 200, 300];

#[test]
fn a_killed_up_leaves_nothing_after_down() {
    if !can_run() {
        return;
    }
    let lab = Lab::prepared("killed-up");
    let mut cut_short = 0;
    for moment in MOMENTS {
        let mut up = lab
            .command(&["lab", "up", "--profile", "crosssubnet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(moment));
        let ended = up.try_wait().unwrap();
        up.kill().unwrap();
        up.wait().unwrap();
        cut_short += usize::from(ended.is_none());
        // Killed before it had a directory, there is no lab, and down says so.
        let down = lab.run(&["lab", "down"]);
        let nothing = String::from_utf8_lossy(&down.stderr).contains("there is no lab");
        assert!(down.status.success() || nothing, "{moment} ms: {down:?}");
        // A process that was waiting to be told what to become sees its input end, and goes by itself.
        let start = Instant::now();
        while !processes(lab.name()).is_empty() && start.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(5));
        }
        lab.assert_gone();
    }
    assert!(
        cut_short > MOMENTS.len() / 2,
        "most were killed on the way: {cut_short}"
    );
}

#[test]
fn up_after_a_kill_starts_anew() {
    if !can_run() {
        return;
    }
    let lab = Lab::prepared("killed-again");
    let mut up = lab
        .command(&["lab", "up", "--nodes", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // As soon as the first machine is written down.
    let state = lab.root().join(lab.name()).join("lab.json");
    let start = Instant::now();
    while !std::fs::read_to_string(&state).is_ok_and(|text| text.contains("switch")) {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "up does not get going"
        );
        thread::sleep(Duration::from_millis(1));
    }
    up.kill().unwrap();
    up.wait().unwrap();
    let error = lab.fails(&["lab", "exec", "host01", "--", "true"]);
    assert!(error.contains("is not up"), "{error}");
    let output = lab.run(&["lab", "up", "--nodes", "2"]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("removing what is left"));
    assert_eq!(processes(lab.name()).len(), 3, "one switch and two nodes");
    lab.down();
}

#[test]
fn ctrl_c_undoes_what_was_done() {
    if !can_run() {
        return;
    }
    let lab = Lab::prepared("interrupted");
    let mut up = lab
        .command(&["lab", "up"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = lab.root().join(lab.name()).join("lab.json");
    let start = Instant::now();
    while !state.exists() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "up does not get going"
        );
        thread::sleep(Duration::from_millis(1));
    }
    let pid = rustix::process::Pid::from_child(&up);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = up.wait().unwrap();
    assert!(!status.success());
    lab.assert_gone();
}

#[test]
fn one_up_at_a_time() {
    if !can_run() {
        return;
    }
    let lab = Lab::prepared("at-once");
    let spawn = || {
        let mut command = lab.command(&["lab", "up", "--nodes", "2"]);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [spawn(), spawn()].map(|child| child.wait_with_output().unwrap());
    let [won, lost]: [Vec<_>; 2] =
        [true, false].map(|good| both.iter().filter(|o| o.status.success() == good).collect());
    assert_eq!((won.len(), lost.len()), (1, 1), "{both:?}");
    let error = String::from_utf8_lossy(&lost[0].stderr);
    assert!(
        error.contains("another ovl") || error.contains("is up already"),
        "{error}"
    );
    assert_eq!(processes(lab.name()).len(), 3);
    lab.down();
}

#[test]
fn a_machine_that_died_is_no_obstacle() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("died", &["--nodes", "2"]);
    lab.pod("pod1", "host01", &[]);
    let listing: serde_json::Value =
        serde_json::from_str(&lab.ok(&["lab", "ls", "-o", "json"])).unwrap();
    let pid = listing["labs"][0]["nodes"][0]["pid"].as_i64().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let start = Instant::now();
    while processes(lab.name()).len() == 3 && start.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(5));
    }
    let error = lab.fails(&["lab", "exec", "host01", "--", "true"]);
    assert!(
        error.contains("host01") && error.contains("does not run any more"),
        "{error}"
    );
    lab.exec("host02", &["true"]);
    lab.down();
}

#[test]
fn a_killed_pod_add_leaves_nothing_after_pod_rm() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("killed-pod", &["--nodes", "1"]);
    // The first pod makes the node claim its block, which stays.
    lab.pod("first", "host01", &[]);
    let look = || {
        let script = "ip -br link; ip route; ls /run/netns; ls /var/lib/cni/results";
        lab.exec("host01", &["sh", "-c", script])
    };
    let before = look();
    let mut cut_short = 0;
    for moment in MOMENTS {
        let mut add = lab
            .command(&["lab", "pod", "add", "pod1", "--port", "8080:80"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(moment));
        cut_short += usize::from(add.try_wait().unwrap().is_none());
        add.kill().unwrap();
        add.wait().unwrap();
        let removed = lab.run(&["lab", "pod", "rm", "pod1"]);
        let nothing = String::from_utf8_lossy(&removed.stderr).contains("there is no pod1");
        assert!(
            removed.status.success() || nothing,
            "{moment} ms: {removed:?}"
        );
        assert_eq!(look(), before, "{moment} ms");
    }
    assert!(cut_short > 3, "some were killed on the way: {cut_short}");
    lab.down();
}

/// A plugin whose ADD never ends and leaves something behind when it is killed, and whose DEL succeeds at the
/// second attempt only, and never while what ADD left behind is there.
const STUBBORN: &str = r#"#!/bin/sh
exec 2>>/run/stubborn.log
case $CNI_COMMAND in
ADD)
    setsid sleep 3600 &
    echo $! >/run/left-behind
    echo $$ >/run/plugin.new
    mv /run/plugin.new /run/plugin
    wait
    ;;
DEL)
    echo DEL >>/run/dels
    if kill -0 "$(cat /run/left-behind)"; then
        echo '{"code": 11, "msg": "what ADD started is there"}'
        exit 1
    fi
    if [ "$(wc -l </run/dels)" -lt 2 ]; then
        echo '{"code": 11, "msg": "try again"}'
        exit 1
    fi
    ;;
esac
"#;

#[test]
fn what_a_killed_pod_add_started_is_ended_before_del_and_del_is_tried_again() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("stubborn", &["--nodes", "1"]);
    let plugin = lab.node_file("host01", "/opt/cni/bin/stubborn");
    std::fs::write(&plugin, STUBBORN).unwrap();
    std::fs::set_permissions(&plugin, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(
        lab.node_file("host01", "/etc/cni/net.d/00-stubborn.conflist"),
        r#"{"cniVersion": "1.0.0", "name": "stubborn", "plugins": [{"type": "stubborn"}]}"#,
    )
    .unwrap();
    let mut add = lab
        .command(&["lab", "pod", "add", "pod1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = lab.node_file("host01", "/run/plugin");
    until("the plugin runs", || started.exists());
    add.kill().unwrap();
    add.wait().unwrap();
    let lives = |file: &str| {
        let script = format!("kill -0 $(cat {file})");
        let output = lab.run(&["lab", "exec", "host01", "--", "sh", "-c", &script]);
        output.status.success()
    };
    until("the plugin dies with who ran it", || !lives("/run/plugin"));
    assert!(lives("/run/left-behind"));
    lab.ok(&["lab", "pod", "rm", "pod1"]);
    assert!(!lives("/run/left-behind"));
    assert_eq!(lab.exec("host01", &["cat", "/run/dels"]), "DEL\nDEL\n");
    lab.down();
}
