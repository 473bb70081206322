//! The standard plugins in our chain, our IPAM under theirs, and theirs under ours.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::support::lab::Lab;
use super::support::{can_run, needs};

const PACKAGE: &str = "containernetworking-plugins";

/// A program that runs in a pod until the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves `text` over HTTP on a port of the pod.
fn serve(lab: &Lab, pod: &str, port: u16, text: &str) -> Running {
    needs("busybox", "busybox");
    let directory = format!("/run/www-{pod}");
    lab.exec(pod, &["mkdir", "-p", &directory]);
    lab.exec(
        pod,
        &[
            "sh",
            "-c",
            &format!("printf %s '{text}' >{directory}/index.html"),
        ],
    );
    let port = port.to_string();
    let httpd = ["busybox", "httpd", "-f", "-p", &port, "-h", &directory];
    let server = lab
        .command(&[&["lab", "exec", pod, "--"], &httpd[..]].concat())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !lab
        .exec(pod, &["ss", "-Hltn"])
        .contains(&format!(":{port}"))
    {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "httpd does not listen"
        );
        thread::sleep(Duration::from_millis(10));
    }
    Running(server)
}

/// The body of what an HTTP server answers, if it does.
fn fetch(lab: &Lab, place: &str, host: &str, port: u16) -> Option<String> {
    let script =
        format!("exec 3<>/dev/tcp/{host}/{port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3");
    let bash = ["timeout", "5", "bash", "-c", &script];
    let output = lab.run(&[&["lab", "exec", place, "--"], &bash[..]].concat());
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
}

fn bandwidth_and_portmap(profile: &str) {
    needs("bandwidth", PACKAGE);
    needs("portmap", PACKAGE);
    let lab = Lab::made(
        &format!("chain-{profile}"),
        &["--profile", profile, "--nodes", "2"],
    );
    let limits = [
        "--ingress-bandwidth",
        "10M",
        "--egress-bandwidth",
        "20M",
        "--port",
        "8080:80",
    ];
    lab.pod("web", "host01", &limits);
    lab.pod("client", "host02", &[]);

    let host = lab.listed_pod("web")["attachments"][0]["host_interface"]
        .as_str()
        .unwrap()
        .to_owned();
    let shaped = lab.exec("host01", &["tc", "qdisc", "show", "dev", &host]);
    assert!(
        shaped.contains("tbf") && shaped.contains("rate 10Mbit"),
        "{shaped}"
    );
    let all = lab.exec("host01", &["tc", "qdisc", "show"]);
    assert!(
        all.contains("rate 20Mbit"),
        "what the pod sends is shaped on an ifb: {all}"
    );

    let _server = serve(&lab, "web", 80, "hello from web");
    let pod = lab.addresses("web")[0].clone();
    let hello = Some("hello from web");
    assert_eq!(fetch(&lab, "client", &pod, 80).as_deref(), hello);
    assert_eq!(
        fetch(&lab, "host02", "192.168.61.11", 8080).as_deref(),
        hello
    );
    assert_eq!(
        fetch(&lab, "client", "192.168.61.11", 8080).as_deref(),
        hello
    );
    lab.ok(&["lab", "pod", "rm", "web"]);
    let rest = lab.exec("host01", &["tc", "qdisc", "show"]);
    assert!(!rest.contains("tbf"), "{rest}");
    assert_eq!(
        fetch(&lab, "host02", "192.168.61.11", 8080),
        None,
        "the port leads nowhere"
    );
    lab.down();
}

#[test]
fn bandwidth_and_portmap_after_routed() {
    if can_run() {
        bandwidth_and_portmap("calico");
    }
}

#[test]
fn bandwidth_and_portmap_after_vxlan() {
    if can_run() {
        bandwidth_and_portmap("weave");
    }
}

#[test]
fn our_ipam_under_the_standard_bridge() {
    if !can_run() {
        return;
    }
    needs("bridge", PACKAGE);
    let lab = Lab::made("ipam-under-bridge", &["--nodes", "1"]);
    let list = r#"{"cniVersion":"1.0.0","name":"second","plugins":[{"type":"bridge","bridge":"br-second",
        "ipam":{"type":"ovl-ipam","pools":[{"cidr":"10.99.0.0/24","blockSize":26}],
                "store":"/var/lib/ovl/store"}}]}"#;
    std::fs::write(
        lab.node_file("host01", "/etc/cni/net.d/20-second.conflist"),
        list,
    )
    .unwrap();
    lab.pod("one", "host01", &["--network", "second"]);
    lab.pod("two", "host01", &["--network", "second"]);
    let second = |pod: &str| {
        let attachment = lab.listed_pod(pod)["attachments"][1].clone();
        assert_eq!(attachment["interface"], "net1");
        let address = attachment["addresses"][0].as_str().unwrap().to_owned();
        address.split('/').next().unwrap().to_owned()
    };
    let address = second("two");
    assert!(address.starts_with("10.99.0."), "{address}");
    assert_ne!(address, second("one"));
    lab.exec(
        "one",
        &["ping", "-c", "1", "-W", "10", "-I", "net1", &address],
    );
    lab.ok(&["lab", "pod", "rm", "one"]);
    lab.ok(&["lab", "pod", "rm", "two"]);
    lab.down();
}

#[test]
fn host_local_under_ours() {
    if !can_run() {
        return;
    }
    needs("host-local", PACKAGE);
    let lab = Lab::made("host-local-under", &["--nodes", "1"]);
    let list = r#"{"cniVersion":"1.0.0","name":"theirs","plugins":[{"type":"ovl-routed","mtu":1450,
        "hostPrefix":"cali","ipam":{"type":"host-local","subnet":"10.98.0.0/24"}}]}"#;
    std::fs::write(
        lab.node_file("host01", "/etc/cni/net.d/00-theirs.conflist"),
        list,
    )
    .unwrap();
    let one = lab.pod("one", "host01", &[])[0].clone();
    let two = lab.pod("two", "host01", &[])[0].clone();
    assert!(
        one.starts_with("10.98.0.") && two.starts_with("10.98.0.") && one != two,
        "{one} {two}"
    );
    lab.ping("one", &two, 56).unwrap();
    let leases = lab.node_file("host01", "/var/lib/cni/networks/theirs");
    assert!(leases.join(&one).exists());
    lab.ok(&["lab", "pod", "rm", "one"]);
    assert!(!leases.join(&one).exists());
    lab.down();
}
