//! Where a reading command looks: the flags that they all share.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cluster::{self, Local, Remote, Source};
use crate::collect::{Paths, RuntimeChoice};
use crate::error::{Error, Result};

/// Where to look. Without any of these, at this node.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where to look")]
pub(super) struct Where {
    /// Saved snapshots in place of the live network; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lab", "via"])]
    from: Vec<PathBuf>,

    /// A lab on this machine; the only one there is if no name is given
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", conflicts_with = "via")]
    lab: Option<String>,

    /// The command that runs a program on a node, such as 'ssh root@{node}'
    ///
    /// `ovl node serve` is put behind it, unless it says `node serve` itself:
    /// --via 'docker exec -i {node} /opt/ovl node serve'
    #[arg(long, value_name = "COMMAND", requires = "nodes")]
    via: Option<String>,

    /// The nodes, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    nodes: Vec<String>,

    /// How many nodes are asked at once
    #[arg(long, value_name = "N", default_value_t = 16, hide_short_help = true,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    at_once: u16,

    /// How many seconds a node may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, hide_short_help = true,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    node_timeout: u64,

    /// The container runtime's socket, or `none`; found by itself if not given
    #[arg(long, value_name = "SOCKET", hide_short_help = true)]
    cri: Option<PathBuf>,

    /// Where CNI configurations are
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    cni_conf_dir: Option<PathBuf>,

    /// Where CNI plugins are; may be repeated
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    cni_bin_dir: Vec<PathBuf>,

    /// Where CNI results are cached
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    cni_cache_dir: Option<PathBuf>,
}

impl Where {
    /// Whether it is about saved snapshots, which no packet can be sent in.
    pub(super) fn is_saved(&self) -> bool {
        !self.from.is_empty()
    }

    /// The place that is meant.
    pub(super) fn into_source(self) -> Result<Source> {
        let local = self.local();
        if !self.from.is_empty() {
            return Ok(Source::Files(self.from));
        }
        if let Some(name) = self.lab {
            return Ok(Source::Lab {
                name: Some(name).filter(|name| !name.is_empty()),
                nodes: self.nodes,
            });
        }
        if let Some(template) = &self.via {
            return Ok(Source::Remote(Remote {
                nodes: cluster::via(template, &self.nodes)?,
                local,
                at_once: usize::from(self.at_once),
                limit: Duration::from_secs(self.node_timeout),
            }));
        }
        if !self.nodes.is_empty() {
            return Err(
                Error::usage("--nodes needs to know how the nodes are reached")
                    .try_this("--via 'ssh root@{node}', or --lab"),
            );
        }
        Ok(Source::Here(local))
    }

    fn local(&self) -> Local {
        let mut paths = Paths::default();
        if let Some(dir) = &self.cni_conf_dir {
            paths.config_dir.clone_from(dir);
        }
        if !self.cni_bin_dir.is_empty() {
            paths.plugin_dirs.clone_from(&self.cni_bin_dir);
        }
        if let Some(dir) = &self.cni_cache_dir {
            paths = paths.with_cache(dir.clone());
        }
        Local {
            runtime: match &self.cri {
                None => RuntimeChoice::Usual,
                Some(none) if none.as_os_str() == "none" => RuntimeChoice::None,
                Some(socket) => RuntimeChoice::Socket(socket.clone()),
            },
            paths,
        }
    }
}
