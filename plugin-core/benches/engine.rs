//! How fast the plugins are, beside the standard ones, in one run on one machine: each is started as a
//! runtime starts it, by turns, in namespaces that this program makes.
//!
//! `cargo bench -p plugin-core --bench engine`; `OVL_BENCH_ROUNDS` says how often (default 60). Ends with 1
//! when a promise is not kept.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use plugin_core::netlink::Socket;
use plugin_core::netlink::link;
use plugin_core::netns::Netns;
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

/// Where Debian's containernetworking-plugins are.
const STANDARD_PLUGINS: &str = "/usr/lib/cni";
const OURS: &str = env!("CARGO_BIN_EXE_ovl-cni");

/// Two plugins that do the same work.
struct Pair {
    label: &'static str,
    ours: Value,
    standard: Value,
}

/// What is measured in; everything of it goes away at the end.
struct Bench {
    dir: tempfile::TempDir,
    node: Netns,
    rounds: usize,
}

fn main() -> ExitCode {
    // `cargo test --benches` only wants to know that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    if !rustix::process::geteuid().is_root() || !Path::new(STANDARD_PLUGINS).join("ptp").exists() {
        say("needs root and containernetworking-plugins (in /usr/lib/cni)");
        return ExitCode::from(3);
    }
    match Bench::new().and_then(|bench| bench.run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::from(4)
        }
    }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

impl Bench {
    fn new() -> Result<Self, Failure> {
        let dir = tempfile::tempdir()?;
        std::fs::create_dir(dir.path().join("bin"))?;
        for name in ["ovl-routed", "ovl-vxlan"] {
            std::os::unix::fs::symlink(OURS, dir.path().join("bin").join(name))?;
        }
        let node = Netns::create_at(dir.path().join("node"))?;
        let rounds = std::env::var("OVL_BENCH_ROUNDS")
            .ok()
            .and_then(|text| text.parse().ok());
        let rounds = rounds.unwrap_or(60).max(3);
        let bench = Self { dir, node, rounds };
        bench.in_node(Command::new("ip").args(["link", "set", "lo", "up"]))?;
        Ok(bench)
    }

    fn run(&self) -> Result<bool, Failure> {
        say(&format!(
            "{} rounds, milliseconds: the fastest tenth, which is judged, and the median, which also\n\
             measures what else this machine does",
            self.rounds
        ));
        say(&format!(
            "{:<34}{:>8}{:>8}   {:>8}{:>8}   {:>6}",
            "", "ovl", "median", "other", "median", "ratio"
        ));
        let mut kept = true;
        for pair in self.pairs() {
            kept &= self.compare(&pair)?;
        }
        kept &= self.start()?;
        Ok(kept)
    }

    fn pairs(&self) -> [Pair; 2] {
        let state = self.dir.path().join("state");
        let data = self.dir.path().join("host-local");
        let host_local = |subnet: &str| json!({"type": "host-local", "dataDir": data, "subnet": subnet, "routes": [{"dst": "0.0.0.0/0"}]});
        let ours =
            |cidr: &str| json!({"type": "ovl-ipam", "pools": [{"cidr": cidr, "blockSize": 24}]});
        [
            Pair {
                label: "ovl-routed / ptp+host-local",
                ours: json!({"cniVersion": "1.0.0", "name": "routed", "type": "ovl-routed", "mtu": 1450,
                    "node": "host01", "stateDir": state, "ipam": ours("172.31.0.0/16")}),
                standard: json!({"cniVersion": "1.0.0", "name": "ptp", "type": "ptp", "mtu": 1450,
                    "ipam": host_local("10.99.0.0/16")}),
            },
            Pair {
                label: "ovl-vxlan / bridge+host-local",
                ours: json!({"cniVersion": "1.0.0", "name": "bridged", "type": "ovl-vxlan", "mtu": 1376,
                    "bridge": "weave", "node": "host01", "stateDir": state, "ipam": ours("10.32.0.0/12")}),
                standard: json!({"cniVersion": "1.0.0", "name": "bridge", "type": "bridge", "mtu": 1376,
                    "bridge": "cni9", "isGateway": true, "hairpinMode": true,
                    "ipam": host_local("10.98.0.0/16")}),
            },
        ]
    }

    /// ADD and DEL of both by turns, and between them the bare RTM_DELLINK of such a pair.
    fn compare(&self, pair: &Pair) -> Result<bool, Failure> {
        let mut times: [Vec<Duration>; 5] = Default::default();
        let pod = self.pod()?;
        // One pod stays, so that neither has to make its bridge, or a block, again and again.
        self.cni("ADD", &pair.ours, "stays", "eth0", &pod)?;
        self.cni("ADD", &pair.standard, "stays", "eth1", &pod)?;
        // A namespace that goes away keeps the kernel's lock of all links busy for a while, so they are made
        // before and removed in the end.
        let pods: Vec<[PathBuf; 2]> = (0..self.rounds)
            .map(|_| Ok([self.pod()?, self.pod()?]))
            .collect::<Result<_, Failure>>()?;
        for (round, [ours, standard]) in pods.iter().enumerate() {
            let name = format!("c{round}");
            let [add, add_other, del, del_other, bare] = &mut times;
            add.push(self.cni("ADD", &pair.ours, &name, "eth0", ours)?);
            add_other.push(self.cni("ADD", &pair.standard, &name, "eth0", standard)?);
            del.push(self.cni("DEL", &pair.ours, &name, "eth0", ours)?);
            bare.push(self.bare_dellink(&pair.ours, "bare", ours)?);
            del_other.push(self.cni("DEL", &pair.standard, &name, "eth0", standard)?);
        }
        let [add, add_other, del, del_other, bare] = &mut times;
        let ratio = row(&format!("ADD {}", pair.label), add, add_other);
        row(&format!("DEL {}", pair.label), del, del_other);
        let label = format!(
            "DEL {} / RTM_DELLINK",
            pair.label.split(' ').next().unwrap_or_default()
        );
        row(&label, del, bare);
        let beyond = milliseconds(fast(del)) - milliseconds(fast(bare));
        let verdicts = [
            verdict(
                ratio <= 0.3,
                &format!("ADD at most 0.3 of the standard plugins: {ratio:.2}"),
            ),
            verdict(
                beyond <= 3.0,
                &format!("DEL within 3 ms of RTM_DELLINK: {beyond:+.2} ms"),
            ),
        ];
        Ok(verdicts == [true, true])
    }

    fn start(&self) -> Result<bool, Failure> {
        let (mut ours, mut empty) = (Vec::new(), Vec::new());
        let run = |command: &mut Command| -> Result<Duration, Failure> {
            let command = command.stdin(Stdio::null()).stdout(Stdio::null());
            let started = Instant::now();
            let status = command.status()?;
            let took = started.elapsed();
            if status.success() {
                Ok(took)
            } else {
                Err("a process failed".into())
            }
        };
        for _ in 0..self.rounds * 10 {
            ours.push(run(Command::new(OURS)
                .arg("ovl-routed")
                .env("CNI_COMMAND", "VERSION"))?);
            empty.push(run(&mut Command::new("/bin/true"))?);
        }
        row("start and VERSION / true(1)", &mut ours, &mut empty);
        let beyond = milliseconds(fast(&mut ours)) - milliseconds(fast(&mut empty));
        let peak = self.peak_memory()?;
        let verdicts = [
            verdict(
                beyond <= 1.0,
                &format!("start within 1 ms of an empty process: {beyond:+.2} ms"),
            ),
            verdict(
                peak <= 8192,
                &format!(
                    "peak memory of an ADD at most 8 MiB: {:.1} MiB",
                    peak as f64 / 1024.0
                ),
            ),
        ];
        Ok(verdicts == [true, true])
    }

    /// The most memory that an ADD had resident, in KiB. `ru_maxrss` also counts what the process was
    /// before it became the plugin, which is this program: the number is never too small.
    fn peak_memory(&self) -> Result<u64, Failure> {
        let pod = self.pod()?;
        let [pair, _] = self.pairs();
        let mut command = Command::new(self.dir.path().join("bin/ovl-routed"));
        self.request(&mut command, "ADD", "memory", "eth0", &pod);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = self.node.run(|| command.spawn())??;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(pair.ours.to_string().as_bytes())?;
        }
        let pid = i32::try_from(child.id())?;
        let mut status = 0;
        // SAFETY: an all-zero rusage is a valid value, both pointers are to live locals, and `child` is
        // not waited for by anybody else.
        let (waited, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            let waited = libc::wait4(pid, &raw mut status, 0, &raw mut usage);
            (waited, usage)
        };
        if waited != pid || status != 0 {
            return Err("the ADD for measuring memory failed".into());
        }
        Ok(u64::try_from(usage.ru_maxrss)?)
    }

    fn request(
        &self,
        command: &mut Command,
        verb: &str,
        container: &str,
        ifname: &str,
        pod: &Path,
    ) {
        command
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", container)
            .env("CNI_NETNS", pod)
            .env("CNI_IFNAME", ifname)
            .env("CNI_PATH", STANDARD_PLUGINS);
    }

    /// From the start of the process to the end of its answer.
    fn cni(
        &self,
        verb: &str,
        network: &Value,
        container: &str,
        ifname: &str,
        pod: &Path,
    ) -> Result<Duration, Failure> {
        let kind = network["type"].as_str().unwrap_or_default();
        let ours = self.dir.path().join("bin").join(kind);
        let binary = if ours.exists() {
            ours
        } else {
            Path::new(STANDARD_PLUGINS).join(kind)
        };
        let mut command = Command::new(binary);
        self.request(&mut command, verb, container, ifname, pod);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let text = network.to_string();
        let measured = self.node.run(|| -> std::io::Result<_> {
            let started = Instant::now();
            let mut child = command.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(text.as_bytes())?;
            }
            let mut answer = String::new();
            if let Some(mut stdout) = child.stdout.take() {
                stdout.read_to_string(&mut answer)?;
            }
            let status = child.wait()?;
            Ok((started.elapsed(), status, answer))
        })?;
        let (took, status, answer) = measured?;
        if status.success() {
            Ok(took)
        } else {
            Err(format!("{kind} {verb}: {answer}").into())
        }
    }

    /// The kernel's own time for deleting such a pair: addresses and routes that go with it cost as much as
    /// the pair itself, so it is one that our ADD made.
    fn bare_dellink(
        &self,
        network: &Value,
        container: &str,
        pod: &Path,
    ) -> Result<Duration, Failure> {
        self.cni("ADD", network, container, "eth0", pod)?;
        let mut socket = Socket::open_in(&self.node)?;
        let alias = format!("/{container}/eth0");
        let links = link::list(&mut socket)?.rows;
        let of_pod = |link: &&link::Link| {
            link.alias
                .as_deref()
                .is_some_and(|text| text.ends_with(&alias))
        };
        let near = links.iter().find(of_pod).ok_or("the pair is not there")?;
        let delete = link::delete(near.index);
        let started = Instant::now();
        socket.apply(&delete)?;
        let took = started.elapsed();
        self.cni("DEL", network, container, "eth0", pod)?;
        Ok(took)
    }

    fn pod(&self) -> Result<PathBuf, Failure> {
        let mut at = 0;
        let path = loop {
            let path = self.dir.path().join(format!("pod-{at}"));
            if !path.exists() {
                break path;
            }
            at += 1;
        };
        Netns::create_at(&path)?;
        Ok(path)
    }

    fn in_node(&self, command: &mut Command) -> Result<(), Failure> {
        let status = self.node.run(|| command.status())??;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{command:?} failed").into())
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(self.dir.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name == "node" || name.starts_with("pod-") {
                let _ = Netns::remove(entry.path());
            }
        }
    }
}

fn row(label: &str, ours: &mut [Duration], other: &mut [Duration]) -> f64 {
    let ratio = milliseconds(fast(ours)) / milliseconds(fast(other));
    say(&format!(
        "{label:<34}{:>8.2}{:>8.2}   {:>8.2}{:>8.2}   {ratio:>6.2}",
        milliseconds(fast(ours)),
        milliseconds(median(ours)),
        milliseconds(fast(other)),
        milliseconds(median(other)),
    ));
    ratio
}

fn verdict(kept: bool, promise: &str) -> bool {
    say(&format!(
        "  {} {promise}",
        if kept { "ok  " } else { "FAIL" }
    ));
    kept
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The time that a tenth of the rounds did not need.
fn fast(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 10).copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
