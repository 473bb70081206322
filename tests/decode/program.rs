//! `ovl decode` and `ovl capture` as they are called, beside tcpdump where it can say the same.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pcaps/realistic")
}

fn capture(name: &str) -> String {
    captures().join(name).to_str().unwrap().to_owned()
}

/// Standard output, standard error and the exit code.
fn ovl(args: &[&str]) -> (String, String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_ovl"))
        .args(args)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.status.code().unwrap(),
    )
}

/// tcpdump's standard output; `None` where it is not installed.
fn tcpdump(args: &[&str]) -> Option<String> {
    match Command::new("tcpdump").args(args).env("TZ", "UTC").output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            assert!(
                std::env::var_os("OVL_TEST_STRICT").is_none(),
                "tcpdump: {error}"
            );
            eprintln!("skipped: tcpdump: {error}");
            None
        }
    }
}

#[test]
fn words_and_filters_mean_what_they_mean_to_tcpdump() {
    let file = capture("ovl_real_any_sll.pcap");
    for filter in [
        "icmp",
        "udp port 6784 and greater 200",
        "host 10.46.0.8 and tcp[tcpflags] & tcp-syn != 0",
        "ip6",
        "arp or src 192.168.61.12",
        "less 60",
    ] {
        let args = ["-enr", file.as_str(), "-T", "vxlan", filter];
        let Some(expected) = tcpdump(&args) else {
            return;
        };
        assert!(!expected.is_empty(), "{filter}");
        let (out, err, code) = ovl(&[&["decode"][..], &args].concat());
        assert_eq!(out, expected, "{filter}");
        assert_eq!(code, 0);
        assert!(err.contains("link-type LINUX_SLL (Linux cooked v1), snapshot length 262144"));
    }
}

#[test]
fn what_is_written_is_what_tcpdump_writes() {
    let directory = tempfile::tempdir().unwrap();
    let [ours, theirs] =
        ["a.pcap", "b.pcap"].map(|name| directory.path().join(name).to_str().unwrap().to_owned());
    let file = capture("ovl_real_enp0s8.pcap");
    if tcpdump(&["-r", &file, "-w", &theirs, "icmp or arp"]).is_none() {
        return;
    }
    let (_, err, code) = ovl(&["decode", "-r", &file, "-w", &ours, "icmp or arp"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(std::fs::read(ours).unwrap(), std::fs::read(theirs).unwrap());
}

#[test]
fn a_cut_file_is_shown_as_far_as_it_goes() {
    let whole = std::fs::read(capture("ovl_real_any_sll.pcap")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut.pcap");
    std::fs::write(&path, &whole[..1000]).unwrap();
    let (out, err, code) = ovl(&["decode", "-n", path.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(out.lines().count() >= 8, "{out}");
    assert!(
        err.contains("truncated dump file; tried to read") && err.contains("after packet"),
        "{err}"
    );
}

#[test]
fn compressed_and_piped_files_are_the_same() {
    let file = capture("ovl_real_any_sll.pcap");
    let (expected, ..) = ovl(&["decode", "-en", &file]);
    let bytes = std::fs::read(&file).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&bytes).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ovl"))
        .args(["decode", "-en", "-"])
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let gzip = gzip.finish().unwrap();
    let feeder = std::thread::spawn(move || input.write_all(&gzip).unwrap());
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn a_growing_file_is_followed() {
    let bytes = std::fs::read(capture("ovl_real_any_sll.pcap")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("grows.pcap");
    // Cut in the middle of a packet.
    std::fs::write(&path, &bytes[..150]).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_ovl"))
        .args(["decode", "-n", "-f", "-c", "20", path.to_str().unwrap()])
        .env("TZ", "UTC")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    for piece in bytes[150..8000].chunks(500) {
        file.write_all(piece).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let (expected, ..) = ovl(&[
        "decode",
        "-n",
        "-c",
        "20",
        &capture("ovl_real_any_sll.pcap"),
    ]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

/// The figures of three captures of the same traffic, worked out by hand from tcpdump's times.
#[test]
fn pings_give_the_time_behind_every_point() {
    let (out, ..) = ovl(&["decode", "--pings", &capture("ovl_real_any_sll2.pcap")]);
    let expected = "\
10.46.0.8 > 10.40.0.21, id 27216: 3 sent, 3 answered
SEQ  SENT             if7    if5    if3 in vxlan 7
1    19:47:49.236990  35 µs  22 µs  18 µs
2    19:47:49.552541  75 µs  51 µs  42 µs
3    19:47:49.872548  74 µs  49 µs  40 µs
";
    assert!(out.starts_with(expected), "{out}");
    // Version 1 of the cooked header does not name devices: the way and the order do.
    let (out, ..) = ovl(&["decode", "--pings", &capture("ovl_real_any_sll.pcap")]);
    let expected = "\
10.46.0.8 > 10.40.0.21, id 27216: 3 sent, 3 answered
SEQ  SENT             P      Out    Out in vxlan 7
1    19:47:49.236990  35 µs  22 µs  18 µs
";
    assert!(out.starts_with(expected), "{out}");
    let (out, ..) = ovl(&["decode", "--pings", &capture("ovl_real_enp0s8.pcap")]);
    assert!(out.contains("1    19:47:49.237000  18 µs\n"), "{out}");
    assert!(!out.contains("lost"), "{out}");
}

#[test]
fn a_lost_reply_is_told_with_the_last_place() {
    let file = capture("ovl_real_any_sll2.pcap");
    let (out, ..) = ovl(&[
        "decode",
        "--pings",
        &file,
        "--",
        "not (icmp[icmptype] == icmp-echoreply) and not src 192.168.61.12",
    ]);
    assert!(
        out.contains("id 27216: 3 sent, 0 answered, 3 lost"),
        "{out}"
    );
    assert!(out.contains("lost, last seen at if3 in vxlan 7"), "{out}");
}

#[test]
fn wrapping_costs_fifty_and_seventy() {
    for name in [
        "ovl_real_any_sll.pcap",
        "ovl_real_any_sll2.pcap",
        "ovl_real_enp0s8.pcap",
    ] {
        let (out, ..) = ovl(&["decode", "--flows", &capture(name)]);
        let row = out
            .lines()
            .find(|line| line.starts_with("vxlan 7  6784"))
            .unwrap();
        assert!(row.contains(" +50 "), "{name}: {row}");
        assert!(out.contains("50 octets: Ethernet 14, IPv4 20, UDP 8, VXLAN 8."));
    }
    let (out, ..) = ovl(&["decode", "--flows", &capture("gso-ipv6-vxlan-ipv6.pcap")]);
    assert!(out.contains(" +70 "), "{out}");
}

#[test]
fn the_chapters_lengths_are_printed() {
    let file = capture("ovl_real_any_sll.pcap");
    let (out, ..) = ovl(&["decode", "-en", "--inner", "icmp[0] == 8", "-c", "1", &file]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].contains("length 150: 192.168.61.11.50055 > 192.168.61.12.6784: VXLAN"));
    assert!(
        lines[1].starts_with("  e6:78:69:44:3d:a4 > ba:75:e6:db:7c:c6"),
        "{out}"
    );
    assert!(lines[1].contains("length 98: 10.46.0.8 > 10.40.0.21: ICMP echo request"));
}

#[test]
fn inner_filters_and_networks_select() {
    let file = capture("ovl_real_enp0s8.pcap");
    let count = |args: &[&str]| {
        let (out, err, code) =
            ovl(&[&["decode", "-n", "-o", "json", file.as_str()][..], args].concat());
        assert_eq!(code, 0, "{err}");
        out.lines().count()
    };
    assert_eq!(count(&["--vni", "8"]), 0);
    assert_eq!(count(&["--vni", "7"]), count(&["--", "udp port 6784"]));
    assert!(count(&["--inner", "tcp port 80"]) > 10);
    assert_eq!(count(&["--inner", "tcp port 80", "--", "tcp"]), 0);
    let (_, err, code) = ovl(&["decode", &file, "--inner", "no such filter"]);
    assert_eq!(code, 2);
    assert!(err.contains("syntax error"), "{err}");
}

/// What the published schema says of one value; the few words of JSON Schema that the schema uses.
fn check(schema: &Value, value: &Value, at: &str) {
    if let Some(constant) = schema.get("const") {
        assert_eq!(constant, value, "{at}");
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        assert!(choices.contains(value), "{at}: {value}");
    }
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema says {other}"),
    };
    match schema.get("type") {
        Some(Value::String(kind)) => assert!(is(kind), "{at}: {value} is no {kind}"),
        Some(Value::Array(kinds)) => {
            assert!(
                kinds.iter().any(|kind| is(kind.as_str().unwrap())),
                "{at}: {value}"
            );
        }
        _ => {}
    }
    for required in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name = required.as_str().unwrap();
        assert!(
            value.get(name).is_some(),
            "{at}: {name} is missing in {value}"
        );
    }
    if let (Some(properties), Some(object)) = (
        schema.get("properties").and_then(Value::as_object),
        value.as_object(),
    ) {
        // Ours: an object with a schema of its own has no field that is not in it.
        for (name, value) in object {
            match properties.get(name) {
                Some(schema) => check(schema, value, &format!("{at}.{name}")),
                None => assert!(
                    properties.get("schema").is_none(),
                    "{at}.{name} is not in the schema"
                ),
            }
        }
    }
    if let (Some(items), Some(array)) = (schema.get("items"), value.as_array()) {
        for value in array {
            check(items, value, at);
        }
    }
}

#[test]
fn every_line_of_json_follows_the_published_schema() {
    let text = include_str!("../../docs/schema/decode.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(captures()).unwrap() {
        let path = entry.unwrap().path();
        if !path
            .extension()
            .is_some_and(|e| e == "pcap" || e == "pcapng")
        {
            continue;
        }
        for answer in [None, Some("--pings"), Some("--flows"), Some("--mtu")] {
            let mut args = vec!["decode", "-o", "json", path.to_str().unwrap()];
            args.extend(answer);
            let (out, ..) = ovl(&args);
            for line in out.lines() {
                let value: Value = serde_json::from_str(line).unwrap_or_else(|error| {
                    panic!("{}: {error}: {line}", path.display());
                });
                let name = value["schema"].as_str().unwrap();
                let short = name
                    .strip_prefix("ovl.decode.")
                    .and_then(|rest| rest.strip_suffix("/v1"))
                    .unwrap();
                check(&schema["$defs"][short], &value, short);
                seen.insert(short.to_owned());
            }
        }
    }
    for expected in ["packet", "ping", "pings", "wrapping", "flow", "fragmented"] {
        assert!(seen.contains(expected), "no {expected}");
    }
}

#[test]
fn names_stand_beside_addresses() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("node.json");
    std::fs::write(
        &path,
        r#"{"schema":"ovl.bundle/v1","nodes":[{"schema":"ovl.node/v1","name":"host01"}],"missing":[]}"#,
    )
    .unwrap();
    let file = capture("ovl_real_any_sll.pcap");
    let (out, err, code) = ovl(&[
        "decode",
        "-n",
        "-c",
        "3",
        "--names",
        path.to_str().unwrap(),
        &file,
    ]);
    assert_eq!((code, out.lines().count() > 2), (0, true), "{err}");
    let (_, err, code) = ovl(&["decode", "--names", "/nowhere.json", &file]);
    assert_ne!(code, 0);
    assert!(err.contains("/nowhere.json"), "{err}");
}

#[test]
fn changed_octets_never_hang_or_kill_the_program_or_its_json() {
    // A linear congruential generator (Knuth's constants): the same mutations every time.
    let mut state = 0x5eed_u64;
    let mut next = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mutant");
    for name in ["ovl_syn_eth.pcap", "dhcp-option-108.pcapng"] {
        let original = std::fs::read(capture(name)).unwrap();
        for _ in 0..25 {
            let mut bytes = original.clone();
            for _ in 0..1 + next(40) {
                let at = next(bytes.len());
                bytes[at] = next(256) as u8;
            }
            bytes.truncate(1 + next(bytes.len()));
            std::fs::write(&path, &bytes).unwrap();
            for answer in ["--pings", "--flows", "--mtu", "-e"] {
                let (out, err, code) =
                    ovl(&["decode", "-o", "json", answer, path.to_str().unwrap()]);
                assert!(code == 0 || code == 1, "{code}: {err}");
                assert!(!err.contains("panicked"), "{err}");
                for line in out.lines() {
                    serde_json::from_str::<Value>(line).unwrap();
                }
            }
        }
    }
}

/// Whether namespaces can be made here; says so when not.
fn can_make_namespaces() -> bool {
    let able = Command::new("unshare")
        .args(["-n", "true"])
        .status()
        .is_ok_and(|s| s.success());
    if !able {
        assert!(
            std::env::var_os("OVL_TEST_STRICT").is_none(),
            "network namespaces cannot be made"
        );
        eprintln!("skipped: network namespaces cannot be made (not root)");
    }
    able
}

#[test]
fn a_vxlan_between_two_namespaces_is_captured_live() {
    if !can_make_namespaces() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("live.pcapng");
    // Two namespaces that live as long as their `sleep`; the outer one is made for this test as well.
    let script = r#"
set -e
unshare -n sleep 60 & other=$!
trap 'kill $other' EXIT
for i in $(seq 200); do [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break; sleep 0.02; done
there() { nsenter -t $other -n "$@"; }
ip link set lo up; there ip link set lo up
ip link add name va type veth peer name vb netns $other
ip addr add 192.168.61.11/24 dev va; ip link set va up
there ip addr add 192.168.61.12/24 dev vb; there ip link set vb up
ip link add name vx type vxlan id 7 dstport 6784 local 192.168.61.11 remote 192.168.61.12
there ip link add name vx type vxlan id 7 dstport 6784 local 192.168.61.12 remote 192.168.61.11
ip addr add 10.46.0.8/12 dev vx; ip link set vx up
there ip addr add 10.40.0.21/12 dev vx; there ip link set vx up
"$OVL" capture --netns $$ --netns $other -i any -w "$FILE" --duration 15 2>"$FILE.err" & capture=$!
for i in $(seq 400); do [ "$(grep -c listening "$FILE.err")" = 2 ] && break; sleep 0.02; done
ping -c 3 -i 0.2 10.40.0.21
sleep 0.3
grep -E '^Cap(Eff|Prm):' /proc/$capture/status > "$FILE.caps"
kill -INT $capture; wait $capture
cat "$FILE.err" >&2
"#;
    let output = Command::new("unshare")
        .args(["-n", "bash", "-c", script])
        .env("OVL", env!("CARGO_BIN_EXE_ovl"))
        .env("FILE", &file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{err}{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(
        err.contains("packets captured") && err.contains("0 packets dropped by kernel"),
        "{err}"
    );
    let rights = std::fs::read_to_string(file.with_extension("pcapng.caps")).unwrap();
    for line in rights.lines() {
        assert!(
            line.ends_with("\t0000000000000000"),
            "rights were kept: {line}"
        );
    }

    let file = file.to_str().unwrap();
    let (out, err, code) = ovl(&["decode", "--pings", "-o", "json", file]);
    assert_eq!(code, 0, "{err}");
    let pings: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|value: &Value| value["schema"] == "ovl.decode.ping/v1")
        .collect();
    assert_eq!(pings.len(), 3);
    for ping in &pings {
        let places: Vec<(&str, bool)> = ping["hops"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hop| (hop["device"].as_str().unwrap(), hop["tunnel"] == "vxlan"))
            .collect();
        // Out through both devices here, in through both there, in the order of time.
        assert_eq!(
            places,
            [("vx", false), ("va", true), ("vb", true), ("vx", false)][..places.len()]
        );
        assert!(places.len() >= 3, "{ping}");
    }
    let (out, ..) = ovl(&["decode", "--flows", file]);
    assert!(
        out.lines()
            .any(|line| line.starts_with("vxlan 7  6784") && line.contains(" +50 ")),
        "{out}"
    );
    let (out, ..) = ovl(&["decode", "-en", "--inner", "icmp[0] == 8", "-c", "1", file]);
    assert!(
        out.contains("length 154: 192.168.61.11.")
            && out.contains("length 98: 10.46.0.8 > 10.40.0.21"),
        "{out}"
    );
}
