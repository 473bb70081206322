//! `ovl lab`: the words of the command, and what they mean.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::command::lab::{Request, Which};
use crate::error::{Error, Result};
use crate::lab::profile::Profile;
use crate::lab::state::{Capabilities, HostPort, Protocol};
use crate::lab::up::{self, Source};
use crate::lab::{fault, pod};
use crate::render::Format;

/// How a topology file is written; the end of `ovl lab up --help`.
const TOPOLOGY: &str = "\
A topology file, with all that may be left out marked by #:

  subnet = [
    { cidr = [\"192.168.61.0/24\", \"fd00:61::/64\"], name = \"rack1\", mtu = 9000 },  # name, mtu
    { cidr = \"192.168.62.0/24\", name = \"rack2\" },      # a router joins several subnets
  ]
  node = [
    { name = \"host01\", subnet = \"rack1\" },             # subnet: the first
    { name = \"host02\", subnet = \"rack2\",
      address = \"192.168.62.20\", device = \"eth0\",      # address, device, mac, block
      mac = \"08:00:27:00:00:02\", block = \"172.31.89.192/26\" },
  ]
  [network]                                          # the settings of the agent (ovl agent --help)
  name = \"k8s-pod-network\"
  mode = \"routed\"                                    # or flat, or subnets
  encap = \"crossSubnet\"                              # never, always, crossSubnet
  pools = [{ cidr = \"172.31.0.0/16\", blockSize = 26 }, { cidr = \"fd00:31::/48\", blockSize = 122 }]";

/// `ovl lab`
#[derive(Debug, Args)]
pub struct Lab {
    /// Which lab; the only one there is when left out
    #[arg(
        long = "lab",
        visible_alias = "name",
        global = true,
        value_name = "NAME"
    )]
    lab: Option<String>,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a lab: hosts on a switch, an agent on each, nothing outside of it
    #[command(after_help = TOPOLOGY)]
    Up {
        /// Which network to make
        #[arg(long, value_enum, default_value = "calico", conflicts_with = "file")]
        profile: Profile,

        /// How many hosts
        #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "file",
              value_parser = clap::value_parser!(u8).range(1..=200))]
        nodes: u8,

        /// Make what a topology file describes
        #[arg(long, short, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Take a lab apart, also one that a crash left behind
    Down {
        /// Which lab
        #[arg(conflicts_with_all = ["lab", "all"])]
        name: Option<String>,

        /// All labs of this user
        #[arg(long, conflicts_with = "lab")]
        all: bool,
    },
    /// List labs, their nodes and their pods
    Ls {
        /// How to print them
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// Add and remove pods
    #[command(subcommand)]
    Pod(PodAction),
    /// Break something on purpose, to see it found
    Break {
        /// Which fault; its finding has the same name (ovl explain FAULT)
        #[arg(required_unless_present = "list")]
        fault: Option<String>,

        /// The node to break; the first pod's, or the one that pod speaks to, when left out
        #[arg(long, value_name = "NODE", conflicts_with = "list")]
        node: Option<String>,

        /// The pod that sends: the first one when left out
        #[arg(long, value_name = "POD", conflicts_with = "list")]
        pod: Option<String>,

        /// List the faults, and which of them can be made in the lab
        #[arg(long)]
        list: bool,

        /// How to print it
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// Undo what break did
    Heal {
        /// How to print it
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// Run a command on a node, the switch, the router or in a pod
    Exec {
        /// host01, switch, router, POD or NAMESPACE/POD
        #[arg(value_name = "NODE|POD")]
        place: String,

        /// The command
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Open a shell on a node, the switch, the router or in a pod
    Shell {
        /// host01, switch, router, POD or NAMESPACE/POD
        #[arg(value_name = "NODE|POD")]
        place: String,
    },
}

#[derive(Debug, Subcommand)]
enum PodAction {
    /// Start a pod and attach it to the network, as kubelet and containerd do
    Add(AddPod),
    /// Remove a pod
    Rm {
        /// POD or NAMESPACE/POD
        pod: String,
    },
}

#[derive(Debug, Args)]
struct AddPod {
    /// The pod's name, or NAMESPACE/NAME
    name: String,

    /// The node to run it on; the one with the fewest pods when left out
    #[arg(long, value_name = "NODE")]
    node: Option<String>,

    /// The pod's Kubernetes namespace
    #[arg(long, short, default_value = "default")]
    namespace: String,

    /// Ask for this address (one a family)
    #[arg(long = "ip", value_name = "ADDRESS")]
    addresses: Vec<IpAddr>,

    /// Let a port of the node lead to the pod: HOST:POD[/tcp|udp|sctp]
    #[arg(long = "port", value_name = "HOST:POD", value_parser = parse_port)]
    ports: Vec<HostPort>,

    /// The most the pod may receive, in bits a second (10M, 1G, 512Ki)
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    ingress_bandwidth: Option<u64>,

    /// The most the pod may send, in bits a second
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    egress_bandwidth: Option<u64>,

    /// Attach it to this network too: the name in a configuration of the node's /etc/cni/net.d
    #[arg(long = "network", value_name = "NAME")]
    networks: Vec<String>,
}

impl Lab {
    /// What is asked for.
    ///
    /// # Errors
    /// When the words do not go together.
    pub fn into_request(self) -> Result<Request> {
        let lab = self.lab;
        Ok(match self.action {
            Action::Up {
                profile,
                nodes,
                file,
            } => Request::Up(up::Request {
                name: lab,
                source: file.map_or(Source::Profile(profile, nodes), Source::File),
            }),
            Action::Down { all: true, .. } => Request::Down(Which::All),
            Action::Down { name, .. } => Request::Down(Which::One(name.or(lab))),
            Action::Ls { output } => Request::List { lab, output },
            Action::Pod(PodAction::Add(add)) => Request::AddPod {
                lab,
                pod: add.into_request()?,
            },
            Action::Pod(PodAction::Rm { pod }) => Request::RemovePod { lab, pod },
            Action::Break {
                list: true, output, ..
            } => Request::ListFaults { lab, output },
            Action::Break {
                fault,
                node,
                pod,
                output,
                ..
            } => Request::Break {
                lab,
                fault: fault::Request {
                    fault: fault.unwrap_or_default(),
                    node,
                    pod,
                },
                output,
            },
            Action::Heal { output } => Request::Heal { lab, output },
            Action::Exec { place, command } => Request::Exec {
                lab,
                place,
                command,
            },
            Action::Shell { place } => Request::Shell { lab, place },
        })
    }
}

impl AddPod {
    fn into_request(self) -> Result<pod::Request> {
        let (namespace, name) = match self.name.split_once('/') {
            None => (self.namespace, self.name),
            Some((namespace, name))
                if self.namespace == "default" || self.namespace == namespace =>
            {
                (namespace.to_owned(), name.to_owned())
            }
            Some(_) => {
                let (name, namespace) = (self.name, self.namespace);
                return Err(Error::usage(format!(
                    "{name} is not in namespace {namespace}"
                )));
            }
        };
        Ok(pod::Request {
            namespace,
            name,
            node: self.node,
            addresses: self.addresses,
            networks: self.networks,
            capabilities: Capabilities {
                ports: self.ports,
                ingress_rate: self.ingress_bandwidth,
                egress_rate: self.egress_bandwidth,
            },
        })
    }
}

fn parse_port(text: &str) -> Result<HostPort, String> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        _ => return Err(format!("'{protocol}' is not tcp, udp or sctp")),
    };
    let (host, container) = ports.split_once(':').unwrap_or((ports, ports));
    let port = |text: &str| match text.parse() {
        Ok(0) | Err(_) => Err(format!("'{text}' is no port between 1 and 65535")),
        Ok(port) => Ok(port),
    };
    Ok(HostPort {
        host: port(host)?,
        container: port(container)?,
        protocol,
    })
}

/// A quantity as Kubernetes writes it, in whole bits a second.
fn parse_rate(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at(digits);
    let factor: u64 = match suffix {
        "" => 1,
        "k" => 1000,
        "M" => 1000 * 1000,
        "G" => 1000 * 1000 * 1000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(format!("'{suffix}' is not k, M, G, Ki, Mi or Gi")),
    };
    let rate = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor));
    // What Kubernetes takes: less cannot be shaped, more is not meant.
    match rate {
        Some(rate) if (1000..=1_000_000_000_000_000).contains(&rate) => Ok(rate),
        _ => Err("a rate lies between 1k and 1000000G".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read() {
        let port = |host, container, protocol| {
            Ok(HostPort {
                host,
                container,
                protocol,
            })
        };
        assert_eq!(parse_port("8080:80"), port(8080, 80, Protocol::Tcp));
        assert_eq!(parse_port("53:5353/udp"), port(53, 5353, Protocol::Udp));
        assert_eq!(parse_port("80"), port(80, 80, Protocol::Tcp));
        for wrong in ["", "0:80", "80:0", "70000:80", "80:80/icmp", "a:b", "1:2:3"] {
            assert!(parse_port(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_read() {
        assert_eq!(parse_rate("10M"), Ok(10_000_000));
        assert_eq!(parse_rate("1Mi"), Ok(1 << 20));
        assert_eq!(parse_rate("5000"), Ok(5000));
        for wrong in ["", "M", "10m", "1", "99999999999999999999", "-1M", "1e6"] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }
}
