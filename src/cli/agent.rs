//! `ovl agent`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::agent::Options;
use crate::command;

/// What follows `ovl agent`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The directory that all nodes of the network share
    #[arg(long, value_name = "DIR")]
    store: PathBuf,

    /// The network's settings, TOML (or JSON, if the name ends in .json)
    #[arg(long, value_name = "FILE", default_value = "/etc/ovl/agent.toml")]
    config: PathBuf,

    /// This node's name [default: the settings' `node`, or the host name]
    #[arg(long, value_name = "NAME")]
    node: Option<String>,

    /// The node's own directory
    #[arg(long, value_name = "DIR", default_value = "/var/lib/ovl")]
    state_dir: PathBuf,

    /// Where the runtime looks for CNI configurations
    #[arg(long, value_name = "DIR", default_value = "/etc/cni/net.d")]
    cni_dir: PathBuf,

    /// Compare everything this often, whether or not something was heard
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86400))]
    resync: u64,

    /// Take the node out of the network: remove everything the agent made, then end
    #[arg(long)]
    cleanup: bool,
}

impl Arguments {
    /// The plain request.
    pub(super) fn request(self) -> command::agent::Request {
        command::agent::Request {
            options: Options {
                config: self.config,
                store: self.store,
                state_dir: self.state_dir,
                cni_dir: self.cni_dir,
                node: self.node,
                resync: Duration::from_secs(self.resync),
            },
            cleanup: self.cleanup,
        }
    }
}
