//! SIGKILL at any point, of ADD and of DEL: what DEL or GC find afterwards, they remove.
//!
//! `OVL_CRASH_CYCLES` says how often (default 200), `OVL_CRASH_SEED` from where the chance starts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use plugin_core::ipam;
use plugin_core::spec::PluginConfig;
use serde_json::{Value, json};

use super::node::{Node, Who};

const PODS: usize = 8;

/// xorshift64: a test must be able to say from where it started.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// How many attachments have addresses by the network's ledger.
fn owners(net: &Value) -> usize {
    let config = PluginConfig::from_json(net.to_string().as_bytes()).unwrap();
    let inventory = ipam::inventory(&ipam::Place::of(&config)).unwrap();
    inventory.map_or(0, |inventory| inventory.records.len())
}

#[test]
fn after_kills_at_random_points_gc_leaves_the_node_as_it_was() {
    let Some(node) = Node::new() else { return };
    let cycles = number("OVL_CRASH_CYCLES").unwrap_or(200);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let seed = number("OVL_CRASH_SEED").unwrap_or(now.as_nanos() as u64 | 1);
    eprintln!("{cycles} cycles, seed {seed}");
    let mut chance = Chance(seed);

    let mut nets = [node.routed(json!({})), node.bridged(json!({}))];
    for net in &mut nets {
        // A block whose addresses all rest has the node claim a second, which it keeps: a fast machine gets there.
        net["ipam"]["coolDown"] = json!(0);
    }
    let pods: Vec<PathBuf> = (0..PODS).map(|at| node.pod(&at.to_string())).collect();
    let mut longest = Duration::from_millis(1);
    for net in &nets {
        let started = Instant::now();
        node.must("ADD", net, Who::new("warm", &pods[0]));
        longest = longest.max(started.elapsed());
        node.must("DEL", net, Who::new("warm", &pods[0]));
    }
    let sweep = || nets.iter().for_each(|net| node.gc(net, &[]));
    sweep();
    let before = node.snapshot();

    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    let mut dirty = Vec::new();
    for cycle in 0..cycles {
        let net = &nets[chance.below(2) as usize];
        let container = format!("c{cycle}");
        let free = (0..PODS).find(|at| !dirty.contains(at)).unwrap();
        let ifname = ["eth0", "net1"][chance.below(2) as usize];
        let who = Who::new(&container, &pods[free]).ifname(ifname);

        let mut child = node.spawn("ADD", net, who);
        std::thread::sleep(longest.mul_f64(chance.below(1200) as f64 / 1000.0));
        child.kill().unwrap();
        let finished = child.wait().unwrap().success();
        *ends
            .entry(if finished {
                "ADD finished"
            } else {
                "ADD killed"
            })
            .or_default() += 1;

        match chance.below(5) {
            0 => node.must("DEL", net, who).as_null().unwrap(),
            1 => node.must("DEL", net, who.gone()).as_null().unwrap(),
            2 if !finished => {
                // The runtime tries again.
                let again = node.ask("ADD", net, who);
                // It may have been killed after its last step, before it could say so.
                assert!(
                    again.success || again.told().contains("attached already"),
                    "{again:?}"
                );
                node.must("CHECK", net, who);
                node.must("DEL", net, who);
            }
            3 => {
                let mut child = node.spawn("DEL", net, who.gone());
                std::thread::sleep(longest.mul_f64(chance.below(3000) as f64 / 1000.0));
                child.kill().unwrap();
                let end = if child.wait().unwrap().success() {
                    "DEL finished"
                } else {
                    "DEL killed"
                };
                *ends.entry(end).or_default() += 1;
                dirty.push(free);
            }
            _ => dirty.push(free),
        }
        if dirty.len() == PODS || cycle + 1 == cycles {
            sweep();
            dirty.clear();
            assert_eq!(
                node.snapshot(),
                before,
                "after cycle {cycle} of seed {seed}"
            );
            let left: Vec<usize> = nets.iter().map(owners).collect();
            assert_eq!(
                left,
                [0, 0],
                "owners of addresses after cycle {cycle} of seed {seed}"
            );
        }
    }
    eprintln!("{ends:?}");
}
