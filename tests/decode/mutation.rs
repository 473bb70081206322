//! A fuzzer for stable toolchains: captures are changed at random, out of a seed, and must be survived.
//!
//! It runs for `OVL_FUZZ_SECONDS` (default 3) from `OVL_FUZZ_SEED` (default 1). A file that is not survived
//! is written to the directory for temporary files and its name printed; made small, it belongs to
//! `tests/data/fuzz`, whose files are all run first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use crate::body;
use crate::carried;
use crate::generator::{Pcap, Random};

/// Text a file may become for each of its octets, and for each of its packets. Hexadecimal takes about
/// five characters an octet, twelve times, and a lying length may repeat an address sixteen octets long.
const GROWTH: usize = 256;
/// Resident memory the process may gain between an early run and the end, in KiB: all of it is tables that are
/// bounded and buffers that are reused, so an hour needs no more than a minute.
const GAIN: u64 = 64 * 1024;
/// After how many runs memory is measured first.
const WARM: u64 = 500;
/// The longest a file of ours may take; the slowest takes about a hundredth of this.
const PATIENCE: Duration = Duration::from_secs(20);

/// Captures to begin with, small ones only.
fn seeds() -> Vec<Vec<u8>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pcaps");
    let mut files = Vec::new();
    for directory in ["realistic", "malformed"] {
        for entry in std::fs::read_dir(data.join(directory)).unwrap() {
            let path = entry.unwrap().path();
            let is_capture = path
                .extension()
                .is_some_and(|extension| extension == "pcap" || extension == "pcapng");
            if is_capture {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .filter(|file| file.len() < 4096)
        .collect();
    for (n, sample) in carried::samples(3).iter().enumerate() {
        let mut capture = Pcap::new(1);
        capture.packet(n as u64, &sample.frame, sample.frame.len());
        seeds.push(capture.0);
    }
    seeds
}

/// Changes a few octets, most often behind the file's own headers, or cuts, repeats or joins pieces.
fn mutate(random: &mut Random, file: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=random.below(6) {
        if file.len() < 48 {
            return;
        }
        let from = if random.once_in(10) { 0 } else { 40 };
        let at = from + random.below((file.len() - from) as u64) as usize;
        match random.below(8) {
            0 => file[at] ^= 1 << random.below(8),
            1 => file[at] = random.next() as u8,
            2 => file[at] = random.pick(&[0, 1, 4, 6, 8, 0x45, 0x60, 0x7f, 0x80, 0xc0, 0xfe, 0xff]),
            3 => file.truncate(at),
            4 => {
                let length = (random.below(32) as usize).min(file.len() - at);
                let piece = file[at..at + length].to_vec();
                file.splice(at..at, piece);
            }
            5 => {
                let start = random.below(other.len() as u64) as usize;
                let length = (random.below(64) as usize).min(other.len() - start);
                let end = (at + length).min(file.len());
                file.splice(at..end, other[start..start + length].iter().copied());
            }
            6 => {
                let end = (at + 2).min(file.len());
                file[at..end].fill(random.pick(&[0, 0xff]));
            }
            _ => {
                file.remove(at);
            }
        }
    }
}

fn survive(file: &[u8]) -> Result<(), String> {
    let began = cpu_time();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        (body::text(file).len(), body::json(file).len())
    }));
    let Ok((text, _)) = outcome else {
        return Err("it panicked".to_owned());
    };
    let took = cpu_time() - began;
    if took > PATIENCE {
        return Err(format!("it took {took:?}"));
    }
    if text > (file.len() + 4096) * GROWTH {
        return Err(format!("{} octets became {text}", file.len()));
    }
    Ok(())
}

/// Processor time of this thread: a machine that is busy, or a process that is held, makes nothing take longer.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .map_or(default, |value| value.parse().unwrap())
}

#[test]
fn changed_captures_are_survived() {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz");
    if let Ok(entries) = std::fs::read_dir(&found) {
        for entry in entries {
            let path = entry.unwrap().path();
            if let Err(why) = survive(&std::fs::read(&path).unwrap()) {
                panic!("{}: {why}", path.display());
            }
        }
    }
    let seconds = number("OVL_FUZZ_SECONDS", 3);
    let seed = number("OVL_FUZZ_SEED", 1);
    let seeds = seeds();
    let mut random = Random::new(seed);
    let end = cpu_time() + Duration::from_secs(seconds);
    let mut runs = 0u64;
    let mut early = None;
    while cpu_time() < end {
        let mut file = seeds[random.below(seeds.len() as u64) as usize].clone();
        let other = &seeds[random.below(seeds.len() as u64) as usize];
        mutate(&mut random, &mut file, other);
        if let Err(why) = survive(&file) {
            let kept = std::env::temp_dir().join(format!("ovl-fuzz-{seed}-{runs}.pcap"));
            std::fs::write(&kept, &file).unwrap();
            panic!("seed {seed}, run {runs}: {why}; kept as {}", kept.display());
        }
        runs += 1;
        if runs == WARM {
            early = Some(resident());
        }
    }
    let now = resident();
    // The other tests of this process come and go, so only a run of its own, as a long one is, tells.
    if let Some(early) = early.filter(|_| seconds >= 60) {
        assert!(now < early + GAIN, "{early} KiB became {now} KiB");
    }
    println!("{runs} changed captures survived in {seconds} s of processor time, in {now} KiB");
}
