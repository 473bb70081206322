//! `ovl capture` where pods are: on a node, in a lab, and into files that take turns.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::Pid;

use crate::support::lab::Lab;
use crate::support::machine::Machine;
use crate::support::{OVL, wait_for};

/// Waits until a capture listens; its standard error goes to `path`.
fn listens(path: &Path) {
    wait_for("a listening capture", || {
        std::fs::read_to_string(path)
            .ok()
            .filter(|text| text.contains("listening on"))
    });
}

/// Starts a capture on a machine, and waits until it listens.
fn start(machine: &Machine, args: &[&str]) -> Child {
    let directory = tempfile::tempdir().unwrap();
    let said = directory.path().join("said");
    let child = machine
        .command(OVL)
        .arg("capture")
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    listens(&said);
    child
}

/// The capture itself, which `nsenter` runs as its child.
fn process(capture: &Child) -> Pid {
    let children = format!("/proc/{0}/task/{0}/children", capture.id());
    let children = std::fs::read_to_string(children).unwrap();
    Pid::from_raw(children.trim().parse().unwrap()).unwrap()
}

fn interrupt(capture: &Child) {
    rustix::process::kill_process(process(capture), rustix::process::Signal::INT).unwrap();
}

fn ends_well(mut capture: Child) {
    let status = wait_for("a capture's end", || capture.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

#[test]
fn a_pod_is_found_as_the_node_knows_it() {
    let Some(machine) = Machine::new() else {
        return;
    };
    // What the reference runtime keeps of a pod that it added (libcni's cache).
    machine.sh(
        r#"ip netns add cni-a; ip -n cni-a link set lo up
mkdir -p /var/lib/cni/results
cat >/var/lib/cni/results/net-sandbox1-eth0 <<'END'
{"kind":"cniCacheV1","containerId":"sandbox1","networkName":"net","ifName":"eth0","netns":"/run/netns/cni-a",
"cniArgs":[["K8S_POD_NAMESPACE","shop"],["K8S_POD_NAME","web"]],
"config":"e30=","result":{"cniVersion":"1.0.0","interfaces":[],"ips":[],"dns":{}}}
END"#,
    );
    let capture = start(
        &machine,
        &[
            "--pod",
            "shop/web",
            "-i",
            "lo",
            "-c",
            "4",
            "-w",
            "/run/web.pcapng",
            "icmp",
        ],
    );
    machine.sh("ip netns exec cni-a ping -q -c 2 -i 0.1 127.0.0.1");
    ends_well(capture);
    let text = machine.ok(OVL, &["decode", "-n", "/run/web.pcapng"]);
    assert_eq!(text.lines().count(), 4, "{text}");
    let file = std::fs::read(machine.path("/run/web.pcapng")).unwrap();
    let named = b"pod shop/web, netns /run/netns/cni-a";
    assert!(
        file.windows(named.len()).any(|window| window == named),
        "the file does not say which pod it is of"
    );
    let missing = machine.run(OVL, &["capture", "--pod", "shop/none", "-c", "1"]);
    let words = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(
        !missing.status.success() && words.contains("shop/none"),
        "{words}"
    );
}

#[test]
fn files_take_turns_and_rights_are_given_up() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let size = |path: &str| std::fs::metadata(machine.path(path)).map(|file| file.len());
    machine.sh("mkdir /run/out; chmod 777 /run/out");
    let ping = |count: u32| {
        machine.sh(&format!("ping -q -c {count} -i 0.002 -s 60000 127.0.0.1"));
    };

    // 40 pings with 60 kB each way are 4.8 MB: of five files two remain, neither larger than it may be.
    let ring = start(
        &machine,
        &[
            "-i",
            "lo",
            "-w",
            "/run/out/ring.pcap",
            "-C",
            "1",
            "-W",
            "2",
            "icmp",
        ],
    );
    ping(40);
    interrupt(&ring);
    ends_well(ring);
    for name in ["/run/out/ring.pcap0", "/run/out/ring.pcap1"] {
        let octets = size(name).unwrap();
        assert!((60_000..1_070_000).contains(&octets), "{name}: {octets}");
        machine.ok(OVL, &["decode", "-n", name]);
    }
    assert!(size("/run/out/ring.pcap2").is_err() && size("/run/out/ring.pcap").is_err());

    // Two files of a second each, then it ends by itself.
    let timed = start(
        &machine,
        &[
            "-i",
            "lo",
            "-w",
            "/run/out/%s.pcap",
            "-G",
            "1",
            "-W",
            "2",
            "icmp",
        ],
    );
    machine.sh("ping -q -c 30 -i 0.1 127.0.0.1");
    ends_well(timed);
    let names = machine.sh("cd /run/out; ls | grep -E '^[0-9]{10}\\.pcap$'");
    assert_eq!(names.lines().count(), 2, "{names}");

    let limited = start(
        &machine,
        &[
            "-i",
            "lo",
            "-w",
            "/run/out/limited.pcap",
            "--max-size",
            "300000",
            "icmp",
        ],
    );
    ping(20);
    ends_well(limited);
    let octets = size("/run/out/limited.pcap").unwrap();
    assert!((240_000..=361_000).contains(&octets), "{octets}");

    let other = start(
        &machine,
        &[
            "-i",
            "lo",
            "-w",
            "/run/out/nobody.pcap",
            "-Z",
            "nobody",
            "icmp",
        ],
    );
    let process = process(&other).as_raw_nonzero();
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    assert!(
        status.contains("Uid:\t65534\t65534\t65534\t65534"),
        "{status}"
    );
    assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    machine.sh("ping -q -c 1 127.0.0.1");
    interrupt(&other);
    ends_well(other);
    let file = std::fs::metadata(machine.path("/run/out/nobody.pcap")).unwrap();
    assert!(file.size() > 24, "nothing was written: {}", file.size());
}

#[test]
fn addresses_are_called_by_the_names_of_a_lab_or_its_bundle() {
    let Some(lab) = Lab::bare("weave", 2) else {
        return;
    };
    lab.add("default/pod1", "host01");
    lab.add("default/pod2", "host02");
    let [file, said] = ["pings.pcapng", "said"].map(|name| lab.path(name).display().to_string());
    let here = lab.here();
    let mut capture = lab
        .command(&[
            "capture",
            &here,
            "--pod",
            "default/pod1",
            "-i",
            "eth0",
            "-c",
            "2",
            "-w",
            &file,
            "icmp",
        ])
        .stderr(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    listens(Path::new(&said));
    let pods = lab.ok(&["pods", &here, "-o", "json"]);
    let pods: serde_json::Value = serde_json::from_str(&pods).unwrap();
    let address = pods["pods"]
        .as_array()
        .unwrap()
        .iter()
        .find(|pod| pod["name"] == "pod2")
        .and_then(|pod| pod["addresses"][0].as_str())
        .unwrap_or_else(|| panic!("no address of pod2: {pods}"))
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    lab.sh("default/pod1", &format!("ping -c 1 -W 5 {address}"));
    let status = capture.wait().unwrap();
    assert!(
        status.success(),
        "{}",
        std::fs::read_to_string(&said).unwrap()
    );

    let bundle = lab.path("bundle.json").display().to_string();
    lab.ok(&["snapshot", &here, "-o", &bundle]);
    let names = format!("lab:{}", lab.name());
    for source in [names.as_str(), &bundle] {
        let text = lab.ok(&["decode", "-n", "--names", source, &file]);
        let request = text.lines().next().unwrap_or_default();
        assert!(
            request.contains("[default/pod1] > ")
                && request.contains(&format!("{address}[default/pod2]: ICMP echo request")),
            "{source}: {text}"
        );
    }
}

#[test]
fn of_several_pods_each_packet_says_whose_it_is() {
    let Some(lab) = Lab::bare("weave", 2) else {
        return;
    };
    lab.add("default/pod1", "host01");
    lab.add("default/pod2", "host02");
    let here = lab.here();
    let capture = |device: &str, output: &str, pods: &[&str]| {
        let said = lab.path("said");
        let mut args = vec!["capture", &here, "-i", device, "-o", output, "-c", "4"];
        args.extend(pods.iter().flat_map(|pod| ["--pod", pod]));
        args.push("icmp");
        let capture = lab
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        listens(&said);
        lab.ok(&[
            "lab", "exec", "pod1", &here, "--", "ping", "-c", "2", "-i", "0.2", "pod2",
        ]);
        let output = capture.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let both = ["default/pod1", "default/pod2"];
    let cooked = capture("any", "text", &both);
    let first = cooked.lines().next().unwrap();
    assert!(first.contains(" default/pod1:eth0 Out IP "), "{cooked}");
    assert!(cooked.contains(" default/pod2:eth0 In  IP "), "{cooked}");
    // Ethernet's frames say nothing of the device they pass.
    let plain = capture("eth0", "text", &both);
    assert!(plain.contains(" default/pod1:eth0 IP "), "{plain}");
    assert!(plain.contains(" default/pod2:eth0 IP "), "{plain}");
    let table = capture("any", "table", &both);
    assert!(table.contains("  eth0 of default/pod1  "), "{table}");
    assert!(table.contains("  eth0 of default/pod2  "), "{table}");
    // Where there is only one, it is not repeated in every line.
    let alone = capture("any", "text", &both[..1]);
    assert!(alone.contains(" eth0  Out IP "), "{alone}");
}
