//! The per-node daemon: tells the other nodes about this one, and keeps routes, neighbours, forwarding entries
//! and devices as the network needs them.
//!
//! ```text
//! configuration ─┐                         ┌─▶ the kernel (plugin_core::node)
//! store ── view ─┼─▶ plan ── sync ─────────┼─▶ the CNI configuration, once ready
//! kernel, signals ── watch ─▶ run ─────────┴─▶ status, for the plugins' STATUS
//! ```
//!
//! One thread, which sleeps until something it depends on changes. What it made stays when it ends: pods keep
//! talking while an agent is replaced. `ovl agent --cleanup` takes everything away.

mod addresses;
mod cleanup;
mod cni;
mod config;
mod files;
mod log;
mod run;
mod view;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

pub use cleanup::cleanup;
pub use run::run;

/// What an agent is told on its command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// The network's settings, TOML or JSON.
    pub config: PathBuf,
    /// The directory that all nodes share.
    pub store: PathBuf,
    /// The node's own directory.
    pub state_dir: PathBuf,
    /// Where the runtime looks for CNI configurations.
    pub cni_dir: PathBuf,
    /// This node's name, instead of the settings' and the host's.
    pub node: Option<String>,
    /// How often everything is compared again, whether or not something was heard.
    pub resync: Duration,
}
