//! What is kept is bounded, and what was forgotten is told.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::generator::{Ip, Pcap, Random, ethernet, icmp, ipv4, tcp, udp, wrapped};

/// More than are kept of conversations and of requests (65,536).
const MANY: u64 = 65_536 + 464;

fn write(path: &Path, packets: u64, frame: impl Fn(u64) -> Vec<u8>) {
    let file = BufWriter::new(std::fs::File::create(path).unwrap());
    let mut capture = Pcap::to(1, file);
    for n in 0..packets {
        let frame = frame(n);
        capture.packet(n, &frame, frame.len());
    }
    capture.0.flush().unwrap();
}

fn decode(file: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ovl"))
        .arg("decode")
        .arg(file)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn pod(n: u64) -> [u8; 4] {
    let [.., a, b, c] = (n as u32).to_be_bytes();
    [10, a, b, c]
}

#[test]
fn forgotten_conversations_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("flows.pcap");
    write(&file, MANY, |n| {
        let ip = Ip::between(pod(n), [10, 255, 0, 1]);
        ethernet(1, 2, 0x0800, &ipv4(&ip, 17, &udp(40_000, 9, b"x")))
    });
    let text = decode(&file, &["--flows"]);
    let told =
        "The oldest 464 conversations were forgotten: more than 65536 at a time are not kept.";
    assert!(text.contains(told), "{}", &text[text.len() - 400..]);
    let json = decode(&file, &["--flows", "-o", "json"]);
    let objects: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |schema: &str| {
        objects
            .iter()
            .filter(|object| object["schema"] == schema)
            .count()
    };
    assert_eq!(of("ovl.decode.flow/v1"), 65_536);
    let told = objects.last().unwrap();
    assert_eq!(told["schema"], "ovl.decode.forgotten/v1");
    assert_eq!(told["flows"], 464);
}

#[test]
fn forgotten_requests_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pings.pcap");
    write(&file, MANY, |n| {
        let ip = Ip::between(pod(n), [10, 255, 0, 1]);
        ethernet(1, 2, 0x0800, &ipv4(&ip, 1, &icmp(8, 0, [0, 1, 0, 1], b"x")))
    });
    let text = decode(&file, &["--pings"]);
    let told = "The oldest 464 requests were forgotten: more came than are kept.";
    assert!(text.contains(told), "{}", &text[text.len() - 400..]);
}

#[test]
fn tunnel_ends_that_are_not_counted_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ends.pcap");
    let inner = ethernet(
        1,
        2,
        0x0800,
        &ipv4(&Ip::between(pod(1), pod(2)), 17, &udp(1, 2, b"x")),
    );
    write(&file, 5000, |n| {
        let frame = wrapped((11, 12), 50_000, 4789, 7, &inner);
        let (mut frame, [.., a, b]) = (frame, (n as u32).to_be_bytes());
        // The source of the outer IP header, whose checksum nobody looks at here.
        frame[26..30].copy_from_slice(&[192, 168, a, b]);
        frame
    });
    let text = decode(&file, &["--flows"]);
    let told = "More than 4096 pairs of tunnel ends: the others are not counted.";
    assert!(text.contains(told), "{}", &text[text.len() - 400..]);
}

/// Peak resident memory, in KiB, of a decode that is fed a capture of so many packets.
fn peak(args: &[&str], packets: u64) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ovl"))
        .args(["decode", "-"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut capture = Pcap::to(1, BufWriter::new(child.stdin.take().unwrap()));
    let payload = Random::new(7).octets(1300);
    for n in 0..packets {
        let ip = Ip::between([10, 46, 0, n as u8], [10, 40, 0, 21]);
        let data = &payload[..(n as usize * 131) % 1300];
        let segment = tcp((40_000, 8080), (n as u32, 1), 0x18, &[], data);
        let inner = ethernet(1, 2, 0x0800, &ipv4(&ip, 6, &segment));
        let frame = wrapped((11, 12), 50_000, 4789, 7, &inner);
        capture.packet(n, &frame, frame.len());
    }
    capture.0.flush().unwrap();
    // All but what the pipe holds has been read by now. What the system counts for a child that has ended
    // would include what this process held when it started it.
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let peak = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    drop(capture);
    assert!(child.wait().unwrap().success());
    peak
}

#[test]
fn memory_does_not_depend_on_the_size_of_the_file() {
    for args in [
        &["-en", "-T", "vxlan"][..],
        &["-v"],
        &["-o", "json"],
        &["-o", "table"],
        &["--flows"],
        &["--mtu"],
    ] {
        let small = peak(args, 500);
        let large = peak(args, 20_000);
        assert!(large < 32 * 1024, "{args:?}: {large} KiB");
        // The file grew by 14 MiB.
        assert!(
            large < small + 4 * 1024,
            "{args:?}: {small} KiB, then {large} KiB"
        );
    }
}
