//! tcpdump itself, asked about generated frames cut at every length.

use std::io::Write as _;
use std::process::{Command, Stdio};

use ovl::wire::Frame;
use ovl::wire::print::{Dump, Names, PrintOptions, Printer, Services, TimeStyle, UdpPayload};

use crate::carried;
use crate::files;
use crate::generator::{self, Pcap};
use crate::golden::first_difference;

/// The version whose text is imitated. Others print some things otherwise.
const VERSION: &str = "tcpdump version 4.99.3";

/// Whether the tests may run tcpdump: it is there, of the right version, and we may make a namespace for it
/// in which no device names come between.
fn tcpdump_is_there() -> bool {
    let version = Command::new("tcpdump").arg("--version").output();
    let found = version.as_ref().is_ok_and(|output| {
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        String::from_utf8_lossy(&text).contains(VERSION)
    });
    let isolated = Command::new("unshare").args(["-n", "true"]).status();
    let usable = found && isolated.is_ok_and(|status| status.success());
    if !usable {
        let is = if found {
            "the right to unshare -n is missing: run the tests as root".to_owned()
        } else {
            let there = version.map_or_else(
                |_| "no tcpdump is there".to_owned(),
                |output| {
                    let text = [output.stdout, output.stderr].concat();
                    let line = String::from_utf8_lossy(&text);
                    format!("there is {}", line.lines().next().unwrap_or_default())
                },
            );
            format!(
                "{there}, and other versions print some things otherwise: put {VERSION} (Debian 12's) \
                 first in PATH, or unset OVL_TEST_STRICT to go without this comparison"
            )
        };
        let why = format!("not compared with {VERSION}: {is}");
        assert!(std::env::var_os("OVL_TEST_STRICT").is_none(), "{why}");
        eprintln!("{why}");
    }
    usable
}

fn tcpdump(capture: &[u8], flags: &[&str]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("capture.pcap");
    std::fs::File::create(&file)
        .unwrap()
        .write_all(capture)
        .unwrap();
    // No zone, and libpcap may not resolve anything: there is no way out of the namespace.
    let output = Command::new("unshare")
        .args(["-n", "tcpdump"])
        .args(flags)
        .arg("-r")
        .arg(&file)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    output.stdout
}

fn ours(capture: &[u8], options: PrintOptions) -> Vec<u8> {
    let services = std::fs::read_to_string("/etc/services").unwrap_or_default();
    let names = Names::none()
        .with_services(Services::parse(&services))
        .with_devices(|index| (index == 1).then(|| "lo".to_owned()));
    let mut printer = Printer::new(options, names);
    let mut out = Vec::new();
    for packet in files::read(capture) {
        let frame = Frame {
            link: packet.link,
            time: packet.time,
            length: packet.length,
            bytes: &packet.bytes,
        };
        printer.print(&frame, &mut out);
    }
    out
}

/// tcpdump's flags as ours.
fn options(flags: &[&str]) -> PrintOptions {
    let count = |flag: char| {
        flags
            .iter()
            .filter(|word| !word.starts_with("--"))
            .map(|word| word.matches(flag).count() as u8)
            .sum::<u8>()
    };
    let link_header = count('x') > 1 || count('X') > 1 || count('A') > 1;
    PrintOptions {
        link_header: flags[0].contains('e'),
        numeric: flags[0].contains('n'),
        quiet: count('q'),
        verbosity: flags[0].matches('v').count() as u8,
        number: count('#') > 0,
        time: TimeStyle::from_count(count('t')).unwrap(),
        nano: flags.contains(&"--nano"),
        utc: true,
        absolute_sequence: count('S') > 0,
        skip_checksums: count('K') > 0,
        dump: if flags[0].contains('X') {
            Dump::HexAscii { link_header }
        } else if flags[0].matches('x').count() > 0 {
            Dump::Hex {
                link_header: flags[0].matches('x').count() > 1,
            }
        } else if count('A') > 0 {
            Dump::Ascii { link_header }
        } else {
            Dump::None
        },
        udp: if flags.contains(&"vxlan") {
            UdpPayload::Vxlan
        } else {
            UdpPayload::TcpdumpPorts
        },
        ..PrintOptions::default()
    }
}

fn compare(title: &str, capture: &[u8], flags: &[&str]) -> Result<usize, String> {
    let theirs = tcpdump(capture, flags);
    let ours = ours(capture, options(flags));
    if ours == theirs {
        Ok(ours.iter().filter(|&&octet| octet == b'\n').count())
    } else {
        Err(format!(
            "{title} {flags:?}: {}",
            first_difference(&ours, &theirs)
        ))
    }
}

/// Each frame cut at every length, as one capture. The times count frames and lengths.
fn cut(link: u32, frames: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut capture = Pcap::new(link);
    for (n, frame) in frames.enumerate() {
        for captured in 1..=frame.len() {
            capture.packet(n as u64 * 1_000_000 + captured as u64, &frame, captured);
        }
    }
    capture.0
}

#[test]
fn every_frame_cut_at_every_length_prints_as_tcpdump_prints_it() {
    if !tcpdump_is_there() {
        return;
    }
    let samples = carried::samples(1);
    let ethernet = cut(1, samples.iter().map(|sample| sample.frame.clone()));
    let cooked = cut(
        113,
        samples
            .iter()
            .step_by(3)
            .map(|sample| generator::cooked(&sample.frame, 4)),
    );
    let cooked2 = cut(
        276,
        samples
            .iter()
            .step_by(3)
            .map(|sample| generator::cooked2(&sample.frame, 4, 3)),
    );
    let ip = samples
        .iter()
        .filter(|sample| matches!(sample.frame.get(12..14), Some([0x08, 0x00] | [0x86, 0xdd])));
    let raw = cut(
        101,
        ip.clone()
            .step_by(3)
            .map(|sample| sample.frame[14..].to_vec()),
    );
    // D-Bus, which tcpdump does not print either.
    let unknown = cut(231, std::iter::once((0..40).collect()));
    let null = cut(
        0,
        ip.step_by(3)
            .map(|sample| [&[2u8, 0, 0, 0], &sample.frame[14..]].concat()),
    );
    let mut wrong = Vec::new();
    let mut lines = 0;
    for (title, capture, runs) in [
        (
            "ethernet",
            &ethernet,
            &[
                &["-ttenv"][..],
                &["-tten", "-T", "vxlan"],
                &["-ttenv", "-T", "vxlan"],
                &["-ttenvv", "-T", "vxlan"],
                &["-ttn", "-T", "vxlan"],
                &["-tten"],
                &["-ttenvv"],
                &["-ttenvvv"],
                &["-ttn"],
                &["-ttnq"],
                &["-ttnx"],
                &["-ttnx", "-T", "vxlan"],
            ][..],
        ),
        (
            "cooked",
            &cooked,
            &[&["-tten"][..], &["-ttn"], &["-ttenvv", "-T", "vxlan"]],
        ),
        (
            "cooked 2",
            &cooked2,
            &[&["-tten"][..], &["-ttn"], &["-ttenqv", "-T", "vxlan"]],
        ),
        ("unknown link", &unknown, &[&["-tten"][..], &["-ttnqx"]]),
        ("raw", &raw, &[&["-tten"][..], &["-ttnvv"]]),
        ("null", &null, &[&["-tten"][..], &["-ttnv"]]),
    ] {
        for flags in runs {
            match compare(title, capture, flags) {
                Ok(printed) => lines += printed,
                Err(difference) => wrong.push(difference),
            }
        }
    }
    println!("{} frames, {lines} lines equal to tcpdump's", samples.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_flag_means_what_tcpdump_means_by_it() {
    if !tcpdump_is_there() {
        return;
    }
    let samples = carried::samples(2);
    let mut capture = Pcap::new(1);
    for (n, sample) in samples.iter().enumerate() {
        // Out of order now and then, as captures of all devices are.
        let time = n as u64 * 1_000_003 - u64::from(n % 7 == 3) * 1_500_000;
        capture.packet(time, &sample.frame, sample.frame.len());
    }
    let mut wrong = Vec::new();
    for flags in [
        &["-n"][..],
        &["-e"],
        &["-vv"],
        &["-e", "-T", "vxlan"],
        &["-en"],
        &["-enq"],
        &["-enqq"],
        &["-nt"],
        &["-ntt"],
        &["-nttt"],
        &["-ntttt"],
        &["-nttttt"],
        &["-nv"],
        &["-nvv"],
        &["-nvvv"],
        &["-n#"],
        &["-nS"],
        &["-nK"],
        &["-nvK"],
        &["-nx"],
        &["-nxx"],
        &["-nX"],
        &["-nXX"],
        &["-nA"],
        &["-nAA"],
        &["-n", "--nano"],
        &["-nttt", "--nano"],
        &["-enxx", "-T", "vxlan"],
        &["-nX", "-T", "vxlan"],
        &["-env#S", "-T", "vxlan"],
    ] {
        if let Err(difference) = compare("flags", &capture.0, flags) {
            wrong.push(difference);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
