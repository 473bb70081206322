//! Pods and commands in them.

use std::io::Write;
use std::process::Stdio;

use super::support::can_run;
use super::support::lab::Lab;

#[test]
fn a_pod_comes_and_goes() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("comes", &["--nodes", "2"]);
    let before = lab.exec("host01", &["ip", "-br", "link"]);
    let out = lab.ok(&["lab", "pod", "add", "pod1", "--node", "host01"]);
    assert!(out.starts_with("pod default/pod1 is up on host01"), "{out}");
    assert!(out.contains("calice0906292e2"), "{out}");

    let pod = lab.listed_pod("pod1");
    let netns = pod["netns"].as_str().unwrap();
    assert!(netns.starts_with("/run/netns/cni-"), "{netns}");
    assert_eq!(pod["sandbox"].as_str().unwrap().len(), 64);
    let name = netns.strip_prefix("/run/netns/").unwrap();
    // As the sessions find the processes of a pod.
    let script = format!("ps -o args= -p \"$(ip netns pids {name})\"");
    assert_eq!(lab.exec("host01", &["sh", "-c", &script]).trim(), "/pause");
    let inside = lab.exec(
        "host01",
        &["ip", "netns", "exec", name, "ip", "-br", "addr"],
    );
    assert!(inside.contains(&lab.addresses("pod1")[0]), "{inside}");
    let result = format!(
        "/var/lib/cni/results/k8s-pod-network-{}-eth0",
        pod["sandbox"].as_str().unwrap()
    );
    assert!(lab.node_file("host01", &result).exists(), "{result}");

    assert!(
        lab.fails(&["lab", "pod", "add", "pod1"])
            .contains("already")
    );
    let spread = lab.ok(&["lab", "pod", "add", "pod2"]);
    assert!(
        spread.contains("host02"),
        "the node with fewer pods: {spread}"
    );

    lab.ok(&["lab", "pod", "rm", "pod1"]);
    assert_eq!(lab.exec("host01", &["ip", "-br", "link"]), before);
    assert_eq!(lab.exec("host01", &["ls", "/run/netns"]), "");
    assert!(!lab.node_file("host01", &result).exists());
    assert!(lab.fails(&["lab", "pod", "rm", "pod1"]).contains("no pod1"));
    lab.down();
}

#[test]
fn removing_a_pod_ends_what_runs_in_it() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("ends", &["--nodes", "1"]);
    lab.pod("pod1", "host01", &[]);
    let mut sleeping = lab
        .command(&[
            "lab",
            "exec",
            "pod1",
            "--",
            "sh",
            "-c",
            "echo ready; exec sleep 600",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 5];
    std::io::Read::read_exact(sleeping.stdout.as_mut().unwrap(), &mut ready).unwrap();
    lab.ok(&["lab", "pod", "rm", "pod1"]);
    assert_eq!(sleeping.wait().unwrap().code(), Some(128 + 9));
    lab.down();
}

#[test]
fn a_failing_plugin_leaves_no_pod() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("fails", &["--nodes", "1"]);
    let file = lab.node_file("host01", "/etc/cni/net.d/00-broken.conflist");
    let list = r#"{"cniVersion":"1.0.0","name":"broken","plugins":[{"type":"no-such-plugin"}]}"#;
    std::fs::write(&file, list).unwrap();
    let error = lab.fails(&["lab", "pod", "add", "pod1"]);
    assert!(error.contains("no-such-plugin"), "{error}");
    assert_eq!(lab.exec("host01", &["ls", "/run/netns"]), "");
    std::fs::remove_file(file).unwrap();
    lab.ok(&["lab", "pod", "add", "pod1"]);
    lab.down();
}

#[test]
fn exec_passes_on_streams_and_exit_codes() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("exec", &["--nodes", "1"]);
    lab.pod("pod1", "host01", &[]);
    for place in ["host01", "pod1", "switch"] {
        let code = |script: &str| {
            lab.run(&["lab", "exec", place, "--", "sh", "-c", script])
                .status
                .code()
        };
        assert_eq!(code("exit 0"), Some(0), "{place}");
        assert_eq!(code("exit 7"), Some(7), "{place}");
        assert_eq!(code("kill -9 $$"), Some(137), "{place}");
        assert_eq!(lab.exec(place, &["hostname"]).trim(), place);
    }
    let mut cat = lab
        .command(&["lab", "exec", "pod1", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    cat.stdin.take().unwrap().write_all(b"through").unwrap();
    assert_eq!(cat.wait_with_output().unwrap().stdout, b"through");
    let missing = lab.run(&["lab", "exec", "pod1", "--", "no-such-program"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("no-such-program"));
    assert_eq!(
        lab.run(&["lab", "exec", "nobody", "--", "true"])
            .status
            .code(),
        Some(2)
    );
    lab.down();
}

#[test]
fn names_are_resolved_in_pods_and_on_nodes() {
    if !can_run() {
        return;
    }
    let lab = Lab::made("names", &["--nodes", "2"]);
    lab.pod("pod1", "host01", &[]);
    let address = lab.pod("pod2", "host02", &[])[0].clone();
    for place in ["pod1", "host02"] {
        assert!(
            lab.exec(place, &["getent", "hosts", "pod2"])
                .starts_with(&address)
        );
        assert!(
            lab.exec(place, &["getent", "hosts", "pod2.default"])
                .starts_with(&address)
        );
        assert!(
            lab.exec(place, &["getent", "hosts", "host01"])
                .starts_with("192.168.61.11")
        );
    }
    lab.down();
}
