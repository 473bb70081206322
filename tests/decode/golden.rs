//! Captures with the answers tcpdump 4.99.3 gave for them: `tests/data/pcaps`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ovl::wire::Frame;
use ovl::wire::print::{Names, PrintOptions, Printer, UdpPayload};

use crate::files;

/// The flags behind an answer's suffix.
fn options(suffix: &str) -> PrintOptions {
    PrintOptions {
        link_header: suffix.contains('e'),
        numeric: true,
        verbosity: suffix.matches('v').count() as u8,
        utc: true,
        udp: if suffix.ends_with('T') {
            UdpPayload::Vxlan
        } else {
            UdpPayload::TcpdumpPorts
        },
        ..PrintOptions::default()
    }
}

/// The text of a whole capture. The answers were given where no device but `lo` existed.
fn decode(file: &[u8], options: PrintOptions) -> Vec<u8> {
    let names = Names::none().with_devices(|index| (index == 1).then(|| "lo".to_owned()));
    let mut printer = Printer::new(options, names);
    let mut out = Vec::new();
    for packet in files::read(file) {
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

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/pcaps")
        .join(name)
}

fn captures(directory: &Path) -> Vec<PathBuf> {
    let mut captures: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "pcap" || extension == "pcapng")
        })
        .collect();
    captures.sort();
    captures
}

/// How many captures printed as their answers, and the first difference of each that did not.
fn compare(directory: &Path, suffix: &str) -> (usize, usize, Vec<String>) {
    let (mut equal, mut all) = (0, 0);
    let mut differences = Vec::new();
    for capture in captures(directory) {
        let name = capture.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(answer) = std::fs::read(directory.join(format!("{name}.{suffix}"))) else {
            continue;
        };
        all += 1;
        let ours = decode(&std::fs::read(&capture).unwrap(), options(suffix));
        if ours == answer {
            equal += 1;
        } else {
            differences.push(format!("{name}: {}", first_difference(&ours, &answer)));
        }
    }
    (equal, all, differences)
}

/// The first line that differs.
pub(crate) fn first_difference(ours: &[u8], theirs: &[u8]) -> String {
    let (mut ours, mut theirs) = (ours.split(|&b| b == b'\n'), theirs.split(|&b| b == b'\n'));
    let mut line = 0;
    let mut before = None;
    loop {
        line += 1;
        let (our, their) = (ours.next(), theirs.next());
        if our != their {
            let text = |line: Option<&[u8]>| {
                line.map_or("(nothing)".to_owned(), |line| {
                    line.escape_ascii().to_string()
                })
            };
            return format!(
                "line {line}\n   behind {}\n     ours {}\n  tcpdump {}",
                text(before),
                text(our),
                text(their)
            );
        }
        before = our;
        assert!(our.is_some(), "no difference");
    }
}

fn report(title: &str, counts: &[(&str, usize, usize)]) {
    let mut text = String::new();
    for (suffix, equal, all) in counts {
        write!(text, " {suffix} {equal}/{all}").unwrap();
    }
    println!("{title}:{text}");
}

#[test]
fn realistic_captures_print_as_tcpdump_prints_them() {
    let directory = directory("realistic");
    let mut counts = Vec::new();
    let mut wrong = Vec::new();
    for suffix in ["enrT", "envrT", "envvrT", "nrT", "enr"] {
        let (equal, all, differences) = compare(&directory, suffix);
        assert!(all >= 90, "{suffix}: only {all} answers");
        counts.push((suffix, equal, all));
        wrong.extend(
            differences
                .into_iter()
                .map(|difference| format!("{suffix} {difference}")),
        );
    }
    report("realistic captures equal", &counts);
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn malformed_captures_are_survived() {
    let directory = directory("malformed");
    let (equal, all, differences) = compare(&directory, "enrT");
    report("malformed captures equal", &[("enrT", equal, all)]);
    if std::env::var_os("OVL_SHOW").is_some() {
        for difference in &differences {
            println!("{difference}");
        }
    }
}
