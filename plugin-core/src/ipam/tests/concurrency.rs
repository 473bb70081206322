//! Many threads and many processes on several nodes, some of them killed: no address twice, none lost.
//!
//! The witness is a directory with a file per address, made exclusively by whoever was given the address
//! and removed before it is released. It knows nothing of ledgers and claims.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;

const WORKER: &str = "OVL_IPAM_TEST_WORKER";

/// Small numbers that differ from run to run of the same seed only by the seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn occupy(witness: &Path, address: IpAddr, container: &str) -> io::Result<()> {
    let path = witness.join(address.to_string());
    // Written aside and linked, so that a witness killed half way says nothing rather than something empty.
    let aside = witness.with_extension(format!("{container}.new"));
    fs::write(&aside, container)?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    linked
}

#[test]
fn threads_of_several_nodes_share_a_pool_out_exactly() {
    let cluster = Cluster::new(json!({"borrow": true, "coolDown": 0, "pools": [
        {"cidr": "10.9.0.0/24", "blockSize": 26},
    ]}));
    let nodes: Vec<Node> = (0..3)
        .map(|n| cluster.node(&format!("host{n:02}")))
        .collect();
    let given: Vec<Vec<IpAddr>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..12)
            .map(|thread| {
                let node = &nodes[thread % nodes.len()];
                scope.spawn(move || {
                    let mut given = Vec::new();
                    loop {
                        match node.try_add(&format!("t{thread}-{}", given.len())) {
                            Ok(addresses) => given.extend(addresses),
                            Err(Error::Exhausted { .. }) => return given,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let all: Vec<IpAddr> = given.into_iter().flatten().collect();
    assert_eq!(all.len(), 256);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 256);
    assert_eq!(nodes.iter().map(Node::records).sum::<usize>(), 256);
}

#[test]
fn nodes_that_race_for_blocks_get_different_ones() {
    // All of them begin at the same block.
    let cluster = Cluster::new(json!({"pools": [
        {"cidr": "10.9.0.0/24", "blockSize": 28, "preferred": ["10.9.0.0/28"]},
    ]}));
    std::thread::scope(|scope| {
        for n in 0..16 {
            let node = cluster.node(&format!("host{n:02}"));
            scope.spawn(move || node.add("a"));
        }
    });
    let claims = cluster.claims();
    let owners: BTreeSet<_> = claims.iter().map(|(_, node)| node.clone()).collect();
    assert_eq!((claims.len(), owners.len()), (16, 16));
}

/// Not a test by itself: what [`Worker`] runs as a process of its own.
#[test]
fn worker() {
    let Ok(task) = std::env::var(WORKER) else {
        return;
    };
    let task: Value = serde_json::from_str(&task).unwrap();
    let text = |key: &str| task[key].as_str().unwrap().to_owned();
    let number = |key: &str| task[key].as_u64().unwrap();
    let witness = PathBuf::from(text("witness"));
    let config = config(&task["ipam"], Purpose::Routed).unwrap();
    let mut random = Random(number("seed") | 1);
    let mut have: Vec<(String, Vec<IpAddr>)> = Vec::new();
    let mut out = io::stdout();
    writeln!(out, "\nworking").unwrap();
    for round in 0..number("rounds") {
        if have.is_empty() || random.below(5) < 3 {
            let container = format!("{}-{round}", text("name"));
            match allocate(&config, &owner(&container), &Request::default()) {
                Ok(allocation) => {
                    let addresses: Vec<_> = allocation
                        .addresses
                        .iter()
                        .map(|a| a.address.addr())
                        .collect();
                    for address in &addresses {
                        occupy(&witness, *address, &container).unwrap_or_else(|error| {
                            panic!("{address}, given to {container}, is taken: {error}")
                        });
                    }
                    have.push((container, addresses));
                }
                Err(Error::Exhausted { .. }) if !have.is_empty() => {}
                Err(error) => panic!("{}", spec::Error::from(error)),
            }
        } else {
            let index = usize::try_from(random.below(have.len() as u64)).unwrap();
            let (container, addresses) = have.swap_remove(index);
            for address in &addresses {
                fs::remove_file(witness.join(address.to_string())).unwrap();
            }
            let released = release(&config.place, &attachment(&container)).unwrap();
            assert_eq!(released, addresses);
        }
    }
    writeln!(out, "done").unwrap();
}

struct Worker(Child);

impl Worker {
    fn start(cluster: &Cluster, node: &str, name: &str, seed: u64, rounds: u64) -> Self {
        let mut ipam = cluster.ipam.clone();
        ipam["store"] = json!(cluster.path().join("store"));
        ipam["stateDir"] = json!(cluster.state_dir(node));
        ipam["node"] = json!(node);
        let task = json!({
            "ipam": ipam, "name": name, "seed": seed, "rounds": rounds,
            "witness": cluster.path().join("witness"),
        });
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["ipam::tests::concurrency::worker", "--exact", "--nocapture"])
            .env(WORKER, task.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Waits until it has begun, or has failed to.
    fn begun(&mut self) {
        let out = BufReader::new(self.0.stdout.as_mut().unwrap());
        let begun = out.lines().any(|line| line.unwrap() == "working");
        assert!(begun, "the worker did not begin");
    }

    fn finish(mut self) {
        self.begun();
        let output = wait(self);
        assert!(output.0, "{}", output.1);
    }

    /// Kills it; `false` if it had finished by itself.
    fn kill(mut self) -> bool {
        self.0.kill().unwrap();
        let (success, text) = wait(self);
        // Killed by us, or done; not failed.
        assert!(!text.contains("panicked"), "{text}");
        !success
    }
}

fn wait(mut worker: Worker) -> (bool, String) {
    let mut text = String::new();
    io::Read::read_to_string(worker.0.stderr.as_mut().unwrap(), &mut text).unwrap();
    (worker.0.wait().unwrap().success(), text)
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Reaped already unless the test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the witness saw alive: containers and their addresses. A container that was killed between two
/// addresses is alive with one.
fn alive(cluster: &Cluster) -> BTreeMap<String, BTreeSet<IpAddr>> {
    let mut alive: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
    for file in fs::read_dir(cluster.path().join("witness")).unwrap() {
        let path = file.unwrap().path();
        let address = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let container = fs::read_to_string(&path).unwrap();
        alive.entry(container).or_default().insert(address);
    }
    alive
}

/// After GC with what the witness saw alive, the nodes have exactly that.
fn settle(cluster: &Cluster, nodes: &[&str]) {
    let alive = alive(cluster);
    let valid: Vec<Attachment> = alive.keys().map(|c| attachment(c)).collect();
    let mut owners = BTreeSet::new();
    let mut recorded = BTreeSet::new();
    let mut lent = 0;
    for name in nodes {
        let node = cluster.node(name);
        gc(&node.config, &valid, false).unwrap();
        let Some(inventory) = inventory(&node.config.place).unwrap() else {
            continue;
        };
        assert!(
            inventory.blocks.iter().all(|block| !block.unsure),
            "{inventory:?}"
        );
        for record in inventory.records {
            lent += record.borrowed.len();
            let container = record.owner.container_id.to_string();
            let seen = &alive[&container];
            assert!(
                seen.iter().all(|a| record.addresses.contains(a)),
                "{record:?}: {seen:?}"
            );
            owners.insert(container);
            for address in record.addresses {
                assert!(recorded.insert(address), "{address} is recorded twice");
            }
        }
    }
    assert_eq!(owners, alive.into_keys().collect());
    let claims = claimed(&cluster.store(), "net").unwrap();
    let loans: usize = claims
        .iter()
        .map(|taken| taken.claim.as_ref().unwrap().lent_in_use().count())
        .sum();
    assert_eq!(loans, lent);
}

fn contested() -> Cluster {
    let cluster = Cluster::new(json!({"borrow": true, "coolDown": 0, "pools": [
        {"cidr": "10.9.0.0/25", "blockSize": 27},
        {"cidr": "fd00::/121", "blockSize": 123},
    ]}));
    fs::create_dir(cluster.path().join("witness")).unwrap();
    cluster
}

#[test]
fn processes_of_several_nodes() {
    let cluster = contested();
    let nodes = ["host01", "host02", "host03"];
    let workers: Vec<_> = (0..9)
        .map(|n| Worker::start(&cluster, nodes[n % 3], &format!("w{n}"), 1 + n as u64, 60))
        .collect();
    workers.into_iter().for_each(Worker::finish);
    assert!(!alive(&cluster).is_empty());
    settle(&cluster, &nodes);
}

#[test]
fn processes_that_are_killed() {
    let cluster = contested();
    let nodes = ["host01", "host02"];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut killed = 0;
    for round in 0..15 {
        let mut workers: Vec<_> = (0..4)
            .map(|n| {
                let name = format!("r{round}w{n}");
                Worker::start(&cluster, nodes[n % 2], &name, random.below(1 << 40), 10_000)
            })
            .collect();
        workers.iter_mut().for_each(Worker::begun);
        for worker in workers {
            std::thread::sleep(Duration::from_micros(random.below(20_000)));
            killed += usize::from(worker.kill());
        }
        settle(&cluster, &nodes);
        // Half of what is alive ends, so that the pool does not fill up.
        for (index, file) in fs::read_dir(cluster.path().join("witness"))
            .unwrap()
            .enumerate()
        {
            if index % 2 == 0 {
                fs::remove_file(file.unwrap().path()).unwrap();
            }
        }
        settle(&cluster, &nodes);
    }
    assert!(killed > 50, "only {killed} of 60 were killed at work");
}
