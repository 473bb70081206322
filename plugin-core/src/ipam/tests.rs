//! The whole of address management over real directories, with the clock in the test's hand.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::spec::args::Pod;
use crate::spec::{self, PluginConfig};
use crate::store::DirStore;

mod addresses;
mod bad_input;
mod borrowing;
mod concurrency;
mod losses;

/// A store, and nodes that share it, each with a state directory and a clock of its own.
struct Cluster {
    dir: tempfile::TempDir,
    ipam: Value,
}

struct Node {
    config: Config,
    store: DirStore,
    now: u64,
}

impl Cluster {
    fn new(ipam: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        Self { dir, ipam }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn store(&self) -> DirStore {
        DirStore::open(self.path().join("store")).unwrap()
    }

    fn state_dir(&self, node: &str) -> PathBuf {
        self.path().join(node)
    }

    fn ledger(&self, node: &str) -> PathBuf {
        self.state_dir(node).join("ipam/net/ledger")
    }

    fn node(&self, name: &str) -> Node {
        self.node_in(name, &self.state_dir(name))
    }

    fn node_in(&self, name: &str, state_dir: &Path) -> Node {
        let mut ipam = self.ipam.clone();
        ipam["store"] = json!(self.path().join("store"));
        ipam["stateDir"] = json!(state_dir);
        ipam["node"] = json!(name);
        Node {
            config: config(&ipam, Purpose::Routed).unwrap(),
            store: self.store(),
            now: 1000,
        }
    }

    /// The claims in the store, with their owners.
    fn claims(&self) -> Vec<(String, Option<String>)> {
        claimed(&self.store(), "net")
            .unwrap()
            .into_iter()
            .map(|taken| (taken.block.to_string(), taken.claim.unwrap().node))
            .collect()
    }
}

fn config(ipam: &Value, purpose: Purpose) -> Result<Config, Error> {
    let whole = json!({"cniVersion": "1.0.0", "name": "net", "type": "test", "ipam": ipam});
    let whole = PluginConfig::from_json(whole.to_string().as_bytes()).unwrap();
    Config::of(&whole, purpose)
}

fn attachment(container: &str) -> Attachment {
    Attachment {
        container_id: container.parse().unwrap(),
        ifname: "eth0".parse().unwrap(),
    }
}

fn owner(container: &str) -> Owner {
    Owner {
        attachment: attachment(container),
        pod: Some(Pod {
            namespace: "default".into(),
            name: container.into(),
        }),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

impl Node {
    fn now(&self) -> Seconds {
        Seconds(self.now)
    }

    fn allocate(&self, container: &str, request: &Request) -> Result<Allocation, Error> {
        let owner = owner(container);
        allocate::allocate(&self.config, &self.store, self.now(), &owner, request)
    }

    fn try_add(&self, container: &str) -> Result<Vec<IpAddr>, Error> {
        let allocation = self.allocate(container, &Request::default())?;
        Ok(allocation
            .addresses
            .iter()
            .map(|a| a.address.addr())
            .collect())
    }

    fn add(&self, container: &str) -> IpAddr {
        self.try_add(container).unwrap()[0]
    }

    fn ask(&self, container: &str, address: &str) -> Result<Allocation, Error> {
        let request = Request {
            addresses: vec![ip(address)],
        };
        self.allocate(container, &request)
    }

    fn del(&self, container: &str) -> Vec<IpAddr> {
        let store = || opened(&self.config.place);
        release::release(
            &self.config.place,
            store,
            self.now(),
            &attachment(container),
        )
        .unwrap()
    }

    fn gc(&self, valid: &[&str]) -> Swept {
        self.sweep(valid, false)
    }

    fn sweep(&self, valid: &[&str], dry_run: bool) -> Swept {
        let valid: Vec<_> = valid.iter().map(|c| attachment(c)).collect();
        let (place, now) = (&self.config.place, self.now());
        let mut swept = sweep::records(place, || opened(place), now, &valid, dry_run).unwrap();
        sweep::blocks(&self.config, &self.store, now, &valid, dry_run, &mut swept).unwrap();
        swept
    }

    fn status(&self) -> Result<Vec<Capacity>, Error> {
        verify::status(&self.config, &self.store, self.now())
    }

    fn check(&self, container: &str, returned: &[IpAddr]) -> Result<(), Error> {
        verify::check(&self.config, &self.store, &attachment(container), returned)
    }

    fn gateways(&self) -> Result<Vec<IpNet>, Error> {
        gateway::gateways(&self.config, &self.store, self.now())
    }

    fn records(&self) -> usize {
        inventory(&self.config.place)
            .unwrap()
            .map_or(0, |i| i.records.len())
    }
}
