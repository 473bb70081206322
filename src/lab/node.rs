//! What runs on a node from the beginning: its agent, with the network's settings for this node.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use plugin_core::netns::Netns;
use plugin_core::node::Settings;
use plugin_core::node::settings::{Chained, Pool};
use plugin_core::node::status::Status;

use super::cables;
use super::directory::Directory;
use super::files::{self, below};
use super::handshake::{PROGRAM, Plan, Waiting};
use super::interrupt;
use super::process::{Held, Process};
use super::programs;
use super::state::{Machine, State};
use super::topology::Node;
use crate::error::{Error, Result};

/// How long an agent may take until its node is part of the network.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often that is looked at.
const PERIOD: Duration = Duration::from_millis(4);
/// How much of an agent's log is shown when it fails, in lines.
const LOG_LINES: usize = 8;

/// A node whose agent was started.
struct Starting<'a> {
    name: &'a str,
    root: std::path::PathBuf,
    agent: Process,
}

/// Starts every node's agent and waits until each has joined the network with all the others.
///
/// # Errors
/// When an agent ends, or does not get ready in time; with what it said.
pub fn start_agents(
    directory: &Directory,
    state: &State,
    progress: &mut dyn FnMut(&str),
) -> Result<()> {
    let plugins = chained(&state.topology.network, progress);
    let mut starting = Vec::new();
    for node in &state.topology.nodes {
        let machine = state.machine(&node.name).ok_or_else(|| lost(&node.name))?;
        let root = directory.node_root(&node.name);
        let settings = settings_of(node, &state.topology.network, &plugins);
        write_settings(&root, &settings)?;
        let agent = start_agent(machine)?;
        starting.push(Starting {
            name: &node.name,
            root,
            agent,
        });
    }
    let peers = starting.len().saturating_sub(1);
    for node in &starting {
        await_ready(node, &state.topology.network.name, peers)?;
    }
    Ok(())
}

/// The standard plugins to chain: those that the topology names, else those that are installed.
fn chained(network: &Settings, progress: &mut dyn FnMut(&str)) -> Vec<Chained> {
    if !network.plugins.is_empty() {
        return network.plugins.clone();
    }
    let all = [Chained::Bandwidth, Chained::Portmap];
    let (installed, absent): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|plugin| programs::is_installed(*plugin));
    if !absent.is_empty() {
        let names: Vec<&str> = absent.into_iter().map(programs::plugin_name).collect();
        progress(&format!(
            "without {}: not in {} (apt install containernetworking-plugins)",
            names.join(" and "),
            files::STANDARD_PLUGINS.join(" or ")
        ));
    }
    installed
}

fn settings_of(node: &Node, network: &Settings, plugins: &[Chained]) -> Settings {
    let preferred = |mut pool: Pool| {
        pool.preferred = node
            .blocks
            .iter()
            .copied()
            .filter(|b| pool.cidr.contains(b))
            .collect();
        pool
    };
    Settings {
        pools: network.pools.iter().cloned().map(preferred).collect(),
        node: Some(node.name.clone()),
        underlay: Some(node.device.clone()),
        addresses: node.addresses.iter().map(ipnet::IpNet::addr).collect(),
        plugins: plugins.to_vec(),
        ..network.clone()
    }
}

fn write_settings(root: &Path, settings: &Settings) -> Result<()> {
    let path = below(root, files::AGENT_CONFIG);
    let text = serde_json::to_vec_pretty(settings).unwrap_or_default();
    fs::write(&path, text)
        .map_err(|e| Error::failed(format!("cannot write {}", path.display())).caused_by(e))
}

fn start_agent(machine: &Machine) -> Result<Process> {
    let failed = |e: std::io::Error| {
        Error::failed(format!("cannot start the agent of {}", machine.name)).caused_by(e)
    };
    let held: Held = machine
        .process
        .hold()
        .map_err(failed)?
        .ok_or_else(|| lost(&machine.name))?;
    let netns = Netns::of_pid(machine.process.pid).map_err(|e| lost(&machine.name).caused_by(e))?;
    cables::raise_loopback(&machine.name, &netns)?;
    let plan = Plan::Program {
        command: agent_command(),
        log: files::AGENT_LOG.into(),
    };
    let mut agent = Waiting::inside(&held, PROGRAM).map_err(failed)?;
    agent.send(&plan).map_err(failed)?;
    agent.ready(&plan).map_err(failed)
}

/// As it would be typed on the node.
fn agent_command() -> Vec<String> {
    [
        files::OVL,
        "agent",
        "--config",
        files::AGENT_CONFIG,
        "--store",
        files::STORE,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn await_ready(node: &Starting<'_>, network: &str, peers: usize) -> Result<()> {
    let state_dir = below(&node.root, files::STATE);
    let start = Instant::now();
    loop {
        interrupt::check()?;
        let status = Status::load(&state_dir, network).ok().flatten();
        if status
            .as_ref()
            .is_some_and(|status| status.ready && status.peers == peers)
        {
            return Ok(());
        }
        let ended = !node.agent.is_alive();
        if ended || start.elapsed() > PATIENCE {
            let what = if ended { "ended" } else { "is not ready" };
            let why = status
                .and_then(|status| status.reason)
                .map(|reason| format!(": {reason}"));
            let message = format!(
                "the agent of {} {what}{}",
                node.name,
                why.unwrap_or_default()
            );
            return Err(Error::failed(message).caused_by(last_words(&node.root)));
        }
        std::thread::sleep(PERIOD);
    }
}

/// The end of the agent's log.
fn last_words(root: &Path) -> String {
    let log = fs::read_to_string(below(root, files::AGENT_LOG)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    match lines.get(from..) {
        Some(last) if !last.is_empty() => last.join("\n  "),
        _ => "it said nothing".to_owned(),
    }
}

fn lost(machine: &str) -> Error {
    Error::failed(format!("{machine} does not run any more"))
}
