//! `ovl decode` beside `tcpdump -enr FILE -T vxlan`, on captures made from a seed.
//!
//! Each case runs both on the same file with their output thrown away, several times in turn, and compares
//! the fastest run of each in processor time (user and system), so that a busy machine does not decide.
//! Before that, the text of both is compared octet by octet. Then JSON beside `tshark -T ek`, and reading alone
//! beside `tcpdump -w /dev/null`. With `OVL_BENCH_DIR` the captures are kept there.
//!
//! The commands are run as they are typed, where no `TZ` is set: then the C library looks for every packet whether
//! /etc/localtime is still the same file, which is half of tcpdump's time for small packets. The last column is the
//! ratio where `TZ` says the zone to both, which spares tcpdump that.

// A benchmark reports by printing and fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/decode/generator.rs"]
mod generator;

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use generator::{Ip, Pcap, Random, cooked2, ethernet, icmp, ipv4, tcp, udp, wrapped};

/// Runs of each program a case.
const RUNS: usize = 5;

/// Kibibytes that may be resident, whatever the file's size.
const PEAK: i64 = 32 * 1024;

/// A capture to decode, and how much faster we mean to be.
struct Case {
    name: &'static str,
    packets: u64,
    goal: f64,
    link: u32,
    frames: fn(u64, &mut Capture),
}

/// Where a case's frames go.
type Capture = Pcap<BufWriter<File>>;

const CASES: [Case; 4] = [
    Case {
        name: "mix",
        packets: 300_000,
        goal: 10.0,
        link: 1,
        frames: mix,
    },
    Case {
        name: "pings",
        packets: 500_000,
        goal: 20.0,
        link: 1,
        frames: pings,
    },
    Case {
        name: "8000 pods",
        packets: 200_000,
        goal: 50.0,
        link: 1,
        frames: pods,
    },
    Case {
        name: "sll2",
        packets: 300_000,
        goal: 30.0,
        link: 276,
        frames: sll2,
    },
];

/// Full-size and small packets of TCP, UDP and ICMP between a few pods of two nodes.
fn mix(packets: u64, capture: &mut Capture) {
    let mut random = Random::new(1);
    let payload = random.octets(1400);
    let mut sequence = 1000u32;
    for n in 0..packets {
        let pod = 2 + random.below(20) as u8;
        let ip = Ip {
            id: n as u16,
            ..Ip::between([10, 46, 0, pod], [10, 40, 0, pod])
        };
        let stamps = [1, 1, 8, 10, 0, 0, (n >> 8) as u8, n as u8, 0, 0, 0, 9];
        let packet = match random.below(10) {
            0..=3 => {
                sequence = sequence.wrapping_add(1348);
                let segment = tcp(
                    (8080, 40000),
                    (sequence, 77),
                    0x10,
                    &stamps,
                    &payload[..1348],
                );
                ipv4(&ip, 6, &segment)
            }
            4..=6 => ipv4(
                &ip,
                6,
                &tcp((40000, 8080), (77, sequence), 0x10, &stamps, &[]),
            ),
            7 => ipv4(&ip, 17, &udp(40001, 40002, &payload[..200])),
            _ => ipv4(
                &ip,
                1,
                &icmp(8, 0, [0x1a, 0x2b, (n >> 8) as u8, n as u8], &payload[..56]),
            ),
        };
        // Small datagrams inside are taken for VXLAN too, as -T has it; the frame is of IPv4 all the same.
        let frame = wrapped(
            (11, 12),
            50_000 + u16::from(pod),
            4789,
            7,
            &ethernet(1, 2, 0x0800, &packet),
        );
        capture.packet(n * 37, &frame, frame.len());
    }
}

fn ping(n: u64, from: [u8; 4], to: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let (source, destination, kind) = if n.is_multiple_of(2) {
        (from, to, 8)
    } else {
        (to, from, 0)
    };
    let sequence = (n / 2) as u16;
    let [high, low] = sequence.to_be_bytes();
    let ip = Ip {
        id: n as u16,
        ..Ip::between(source, destination)
    };
    let packet = ipv4(&ip, 1, &icmp(kind, 0, [0x1a, 0x2b, high, low], payload));
    ethernet(
        u16::from(source[3]),
        u16::from(destination[3]),
        0x0800,
        &packet,
    )
}

/// Echo requests and replies between two pods.
fn pings(packets: u64, capture: &mut Capture) {
    let payload = Random::new(2).octets(56);
    for n in 0..packets {
        let inner = ping(n, [10, 46, 0, 8], [10, 40, 0, 21], &payload);
        let frame = wrapped((11, 12), 50200, 4789, 7, &inner);
        capture.packet(n * 500, &frame, frame.len());
    }
}

/// Echo requests between any of 8,000 pods: tcpdump finds the names of addresses in a table that most of
/// a pod network's addresses share one row of.
fn pods(packets: u64, capture: &mut Capture) {
    let mut random = Random::new(3);
    let payload = random.octets(56);
    let pod = |number: u64| [10, 244, (number / 250) as u8, 1 + (number % 250) as u8];
    for n in 0..packets {
        let (from, to) = (pod(random.below(8000)), pod(random.below(8000)));
        let node = (1 + from[2], 1 + to[2]);
        let frame = wrapped(node, 50200, 4789, 1, &ping(n, from, to, &payload));
        capture.packet(n * 500, &frame, frame.len());
    }
}

/// Echo requests as `-i any` records them, on three devices in turn.
fn sll2(packets: u64, capture: &mut Capture) {
    let payload = Random::new(4).octets(56);
    for n in 0..packets {
        let inner = ping(n / 3, [10, 46, 0, 8], [10, 40, 0, 21], &payload);
        let frame = match n % 3 {
            0 => cooked2(&inner, 3, 7),
            1 => cooked2(&inner, 4, 5),
            _ => cooked2(&wrapped((11, 12), 50200, 4789, 7, &inner), 4, 2),
        };
        capture.packet(n * 500, &frame, frame.len());
    }
}

fn command(program: &Path, before: &[&str], file: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(before)
        .arg("-enr")
        .arg(file)
        .args(["-T", "vxlan"])
        .env_remove("TZ")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The same where the environment says the time zone.
fn in_zone(mut command: Command) -> Command {
    command.env("TZ", "UTC");
    command
}

/// Processor seconds and peak resident kibibytes of one run.
fn measure(mut command: Command) -> (f64, i64) {
    // The exit status and the usage are taken by wait4 below, which clippy cannot know.
    #[allow(clippy::zombie_processes)]
    let child = command.stdout(Stdio::null()).spawn().unwrap();
    let mut status = 0;
    // SAFETY: an all-zero rusage is a valid value, and both pointers are to locals of the right types.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let id = libc::wait4(child.id() as libc::pid_t, &mut status, 0, &mut usage);
        assert!(id > 0, "{}", std::io::Error::last_os_error());
        usage
    };
    assert!(
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        "a run failed"
    );
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (
        seconds(usage.ru_utime) + seconds(usage.ru_stime),
        usage.ru_maxrss,
    )
}

/// Whether both programs print the same, read a piece at a time.
fn same_text(mut one: Command, mut other: Command) -> bool {
    let mut one = one.stdout(Stdio::piped()).spawn().unwrap();
    let mut other = other.stdout(Stdio::piped()).spawn().unwrap();
    let (mut left, mut right) = (one.stdout.take().unwrap(), other.stdout.take().unwrap());
    let (mut a, mut b) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let same = loop {
        let length = left.read(&mut a).unwrap();
        if length == 0 {
            break right.read(&mut b).unwrap() == 0;
        }
        if right.read_exact(&mut b[..length]).is_err() || a[..length] != b[..length] {
            break false;
        }
    };
    drop((left, right));
    one.wait().unwrap();
    other.wait().unwrap();
    same
}

fn main() {
    // Both programs run where no device but `lo` is, so that both know the same names.
    // SAFETY: the process has one thread, and keeps nothing that belongs to the network namespace it leaves.
    let left = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert!(
        left == 0,
        "needs root, for a network namespace: {}",
        std::io::Error::last_os_error()
    );
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_ovl"));
    let tcpdump = PathBuf::from("tcpdump");
    let scratch = tempfile::tempdir().unwrap();
    let directory =
        std::env::var_os("OVL_BENCH_DIR").map_or(scratch.path().to_owned(), PathBuf::from);
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    println!("case       packets   tcpdump/s       ovl/s   ratio  goal  peak KiB  with TZ");
    for case in CASES {
        if !wanted.is_empty()
            && !wanted
                .iter()
                .any(|wanted| case.name.contains(wanted.as_str()))
        {
            continue;
        }
        let file = directory.join(format!("{}.pcap", case.name.replace(' ', "-")));
        write(&case, &file);
        let their_command = || command(&tcpdump, &[], &file);
        let our_command = || command(&ours, &["decode"], &file);
        assert!(
            same_text(our_command(), their_command()),
            "{}: the text differs",
            case.name
        );
        let typed = Contest::between(case.name, &their_command, &our_command);
        let zoned = Contest::between(case.name, &|| in_zone(their_command()), &|| {
            in_zone(our_command())
        });
        let row = typed.row(case.name, case.packets, case.goal);
        println!("{row}  {:>7.1}", zoned.ratio());
    }
    others(&directory, &wanted);
}

/// What is compared with other words or programs: JSON, and reading without printing.
fn others(directory: &Path, wanted: &[String]) {
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let plain = |program: &Path, args: &[&str], file: &Path| {
        let mut command = Command::new(program);
        command.args(args).arg("-r").arg(file);
        command
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let ours = Path::new(env!("CARGO_BIN_EXE_ovl"));
    println!("\ncase       packets     other/s       ovl/s   ratio  goal  peak KiB");
    if is_wanted("json") {
        // A tenth of the usual: tshark takes its time.
        let case = Case {
            name: "json",
            packets: 30_000,
            goal: 100.0,
            link: 1,
            frames: mix,
        };
        let file = directory.join("json.pcap");
        write(&case, &file);
        let contest = Contest::between(
            case.name,
            &|| plain(Path::new("tshark"), &["-T", "ek"], &file),
            &|| plain(ours, &["decode", "-o", "json"], &file),
        );
        println!("{}", contest.row(case.name, case.packets, case.goal));
    }
    if is_wanted("read") {
        let case = Case {
            name: "read",
            packets: 300_000,
            goal: 1.0,
            link: 1,
            frames: mix,
        };
        let file = directory.join("read.pcap");
        write(&case, &file);
        let contest = Contest::between(
            case.name,
            &|| plain(Path::new("tcpdump"), &["-w", "/dev/null"], &file),
            &|| plain(ours, &["decode", "-w", "/dev/null"], &file),
        );
        println!("{}", contest.row(case.name, case.packets, case.goal));
    }
}

/// How two programs compare: processor seconds of the fastest run of each, and our peak of resident kibibytes.
struct Contest {
    theirs: f64,
    ours: f64,
    peak: i64,
}

impl Contest {
    /// Runs both in turn.
    fn between(name: &str, theirs: &dyn Fn() -> Command, ours: &dyn Fn() -> Command) -> Self {
        let mut best = Self {
            theirs: f64::MAX,
            ours: f64::MAX,
            peak: 0,
        };
        for _ in 0..RUNS {
            best.theirs = best.theirs.min(measure(theirs()).0);
            let (seconds, peak) = measure(ours());
            best.ours = best.ours.min(seconds);
            best.peak = best.peak.max(peak);
        }
        assert!(best.peak < PEAK, "{name}: {} KiB resident", best.peak);
        best
    }

    fn ratio(&self) -> f64 {
        self.theirs / self.ours
    }

    fn row(&self, name: &str, packets: u64, goal: f64) -> String {
        let rate = |seconds: f64| packets as f64 / seconds;
        format!(
            "{name:<9} {packets:>8} {:>11.0} {:>11.0} {:>7.1} {goal:>5} {:>9}",
            rate(self.theirs),
            rate(self.ours),
            self.ratio(),
            self.peak,
        )
    }
}

/// Writes a case's capture piece by piece: what this process holds would count as its children's peak.
fn write(case: &Case, file: &Path) {
    let file = BufWriter::new(File::create(file).unwrap());
    let mut capture = Pcap::to(case.link, file);
    (case.frames)(case.packets, &mut capture);
    capture.0.flush().unwrap();
}
