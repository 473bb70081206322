//! `ovl cni …` as it is typed.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use plugin_core::spec::{self, Attachment, ContainerId, IfName};
use serde_json::{Map, Value};
use sha2::{Digest, Sha512};

use crate::command::cni::{Place, Request, Target, Verb};
use crate::error::{Error, Result};
use crate::render::Format;

/// What `ovl cni` may be told.
#[derive(Debug, Args)]
pub struct Cni {
    #[command(subcommand)]
    verb: CniVerb,

    #[command(flatten)]
    place: PlaceArgs,

    /// Output format
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        global = true,
        default_value = "text"
    )]
    output: Format,
}

#[derive(Debug, Args)]
struct PlaceArgs {
    /// Directory with the network configurations
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        env = "NETCONFPATH",
        hide_env_values = true
    )]
    #[arg(default_value = "/etc/cni/net.d")]
    net_dir: PathBuf,

    /// Directories with the plugin binaries, separated by colons
    #[arg(
        long,
        value_name = "DIRS",
        global = true,
        env = "CNI_PATH",
        hide_env_values = true
    )]
    #[arg(value_delimiter = ':', default_value = "/opt/cni/bin:/usr/lib/cni")]
    bin_dir: Vec<PathBuf>,

    /// Directory in which runtimes remember results
    #[arg(long, value_name = "DIR", global = true)]
    #[arg(default_value = plugin_core::chain::cache::DEFAULT_DIR)]
    cache_dir: PathBuf,

    /// How long one plugin may take, in seconds
    #[arg(long, value_name = "SECONDS", global = true, default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

#[derive(Debug, Subcommand)]
enum CniVerb {
    /// List the network configurations in the order a runtime takes them
    List,
    /// Show the network a runtime uses, why, and its plugins
    Show {
        #[command(flatten)]
        network: NetworkArgs,
    },
    /// Attach a network namespace to the network
    Add {
        #[command(flatten)]
        container: ContainerArgs,
        #[command(flatten)]
        arguments: ArgumentArgs,
    },
    /// Detach a network namespace, whatever is left of it
    Del {
        #[command(flatten)]
        container: ContainerArgs,
        #[command(flatten)]
        arguments: ArgumentArgs,
    },
    /// Ask the plugins whether an attachment is as it was made
    Check {
        #[command(flatten)]
        container: ContainerArgs,
    },
    /// Print the kernel operations of an add without making them (ovl-routed and ovl-vxlan)
    Plan {
        #[command(flatten)]
        container: ContainerArgs,
        #[command(flatten)]
        arguments: ArgumentArgs,
    },
    /// Remove what belongs to no attachment whose namespace is still there
    Gc {
        #[command(flatten)]
        network: NetworkArgs,
        /// Keep this attachment whatever became of its namespace
        #[arg(long, value_name = "CONTAINER-ID/IFNAME", value_parser = attachment)]
        keep: Vec<Attachment>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Ask the plugins whether they could attach a container now
    Status {
        #[command(flatten)]
        network: NetworkArgs,
    },
}

#[derive(Debug, Args)]
struct NetworkArgs {
    /// The network's name [default: the one a runtime uses]
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
}

#[derive(Debug, Args)]
struct ContainerArgs {
    /// The network namespace: a path, or a name below /run/netns
    #[arg(value_name = "NETNS")]
    netns: PathBuf,

    #[command(flatten)]
    network: NetworkArgs,

    /// The container's id [default: made from the namespace's path, as cnitool does]
    #[arg(long, value_name = "ID")]
    container_id: Option<ContainerId>,

    /// The interface in the namespace
    #[arg(long, value_name = "NAME", default_value = "eth0")]
    ifname: IfName,
}

#[derive(Debug, Args)]
struct ArgumentArgs {
    /// The pod this is for, as a kubelet's runtime would say it in CNI_ARGS
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = pod)]
    pod: Option<(String, String)>,

    /// CNI_ARGS: KEY=VALUE pairs, separated by semicolons
    #[arg(long, value_name = "ARGS")]
    args: Option<spec::Args>,

    /// Capability arguments as a JSON object, such as '{"ips": ["10.1.2.3"]}'
    #[arg(long, value_name = "JSON", value_parser = object)]
    capability_args: Option<Map<String, Value>>,
}

impl Cni {
    /// The request it stands for.
    ///
    /// # Errors
    /// When the words do not fit together.
    pub fn into_request(self) -> Result<Request> {
        let place = Place {
            net_dir: self.place.net_dir,
            bin_dirs: self.place.bin_dir,
            cache_dir: self.place.cache_dir,
            limit: std::time::Duration::from_secs(self.place.timeout),
        };
        let verb = match self.verb {
            CniVerb::List => Verb::List,
            CniVerb::Show { network } => Verb::Show {
                network: network.network,
            },
            CniVerb::Add {
                container,
                arguments,
            } => Verb::Add(container.target(Some(arguments))?),
            CniVerb::Del {
                container,
                arguments,
            } => Verb::Del(container.target(Some(arguments))?),
            CniVerb::Plan {
                container,
                arguments,
            } => Verb::Plan(container.target(Some(arguments))?),
            CniVerb::Check { container } => Verb::Check(container.target(None)?),
            CniVerb::Gc {
                network,
                keep,
                dry_run,
            } => Verb::Gc {
                network: network.network,
                keep,
                dry_run,
            },
            CniVerb::Status { network } => Verb::Status {
                network: network.network,
            },
        };
        Ok(Request {
            place,
            verb,
            format: self.output,
        })
    }
}

impl ContainerArgs {
    fn target(self, arguments: Option<ArgumentArgs>) -> Result<Target> {
        let netns = full_path(&self.netns)?;
        let container_id = match self.container_id {
            Some(id) => id,
            None => cnitool_id(&netns).map_err(|error| Error::usage(error.to_string()))?,
        };
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut capability_args = Map::new();
        if let Some(ArgumentArgs {
            pod,
            args,
            capability_args: given,
        }) = arguments
        {
            if let Some((namespace, name)) = pod {
                // As containerd sends them (pkg/cri/server/sandbox_run.go, cniNamespaceOpts).
                pairs.extend([
                    ("IgnoreUnknown".to_owned(), "1".to_owned()),
                    ("K8S_POD_NAMESPACE".to_owned(), namespace),
                    ("K8S_POD_NAME".to_owned(), name),
                    (
                        "K8S_POD_INFRA_CONTAINER_ID".to_owned(),
                        container_id.to_string(),
                    ),
                ]);
            }
            let args = args.unwrap_or_default();
            pairs.extend(
                args.pairs()
                    .map(|(key, value)| (key.to_owned(), value.to_owned())),
            );
            capability_args = given.unwrap_or_default();
        }
        Ok(Target {
            network: self.network.network,
            container: plugin_core::chain::Container {
                attachment: Attachment {
                    container_id,
                    ifname: self.ifname,
                },
                netns: Some(netns),
                args: spec::Args::from_pairs(pairs),
                capability_args,
            },
        })
    }
}

/// A bare name is one below /run/netns, as for `ip netns`; anything else is made absolute, because
/// plugins run in another directory.
fn full_path(netns: &Path) -> Result<PathBuf> {
    if netns.components().count() == 1 && netns.is_relative() && !netns.exists() {
        return Ok(Path::new("/run/netns").join(netns));
    }
    std::path::absolute(netns)
        .map_err(|error| Error::usage(format!("cannot make {} absolute: {error}", netns.display())))
}

/// The id cnitool makes of a namespace's path, so that one may undo what the other did.
fn cnitool_id(netns: &Path) -> spec::Result<ContainerId> {
    let digest = Sha512::digest(netns.as_os_str().as_encoded_bytes());
    let hex: String = digest
        .iter()
        .take(10)
        .map(|octet| format!("{octet:02x}"))
        .collect();
    format!("cnitool-{hex}").parse()
}

fn attachment(text: &str) -> std::result::Result<Attachment, String> {
    let (container_id, ifname) = text
        .split_once('/')
        .ok_or("it is not CONTAINER-ID/IFNAME")?;
    let wrong = |error: spec::Error| error.to_string();
    Ok(Attachment {
        container_id: container_id.parse().map_err(wrong)?,
        ifname: ifname.parse().map_err(wrong)?,
    })
}

fn pod(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        None if !text.is_empty() => Ok(("default".to_owned(), text.to_owned())),
        _ => Err("it is not NAMESPACE/NAME".to_owned()),
    }
}

fn object(text: &str) -> std::result::Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("it is not a JSON object: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn request(words: &[&str]) -> Request {
        let words = ["ovl", "cni"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Cni(cni) => cni.into_request().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_namespace_by_name_has_cnitools_id() {
        let Verb::Add(target) =
            request(&["add", "blue", "--pod", "pod1", "--args", "IP=10.0.0.9"]).verb
        else {
            panic!()
        };
        assert_eq!(target.container.netns, Some("/run/netns/blue".into()));
        // printf /run/netns/blue | sha512sum | head -c 20
        assert_eq!(
            target.container.attachment.container_id.as_str(),
            "cnitool-df26705e2e4ffd095eb1"
        );
        assert_eq!(target.container.attachment.ifname.as_str(), "eth0");
        assert_eq!(
            target.container.args.pod().unwrap().to_string(),
            "default/pod1"
        );
        assert_eq!(target.container.args.get("IP"), Some("10.0.0.9"));
    }

    #[test]
    fn what_is_no_name_is_a_usage_error() {
        for words in [
            ["add", "blue", "--ifname", "a/b"],
            ["add", "blue", "--ifname", "sixteen-octets__"],
            ["add", "blue", "--container-id", "a b"],
            ["add", "blue", "--args", "IP"],
            ["add", "blue", "--capability-args", "[]"],
            ["gc", "--dry-run", "--keep", "eth0"],
        ] {
            let error = Cli::try_parse_from(["ovl", "cni"].iter().chain(&words)).unwrap_err();
            assert_eq!(
                error.kind(),
                clap::error::ErrorKind::ValueValidation,
                "{words:?}"
            );
        }
    }

    #[test]
    fn directories_are_split() {
        let place = request(&["list", "--bin-dir", "/a:/b", "--timeout", "5"]).place;
        assert_eq!(place.bin_dirs, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(place.limit.as_secs(), 5);
    }
}
