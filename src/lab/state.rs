//! What a lab consists of right now.
//!
//! Whatever a lab makes outside of its directory is written down before it is put to use, so that it
//! can be taken apart by anyone, also when whoever made it was killed.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use plugin_core::mac::Mac;
use serde::{Deserialize, Serialize};

use super::fault::Broken;
use super::process::{self, Process};
use super::topology::Topology;

/// The schema of the state file.
pub const SCHEMA: &str = "ovl.lab/v1";
/// A lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The profile it was made from, if it was.
    pub profile: Option<String>,
    /// The boot it was made in; in another one nothing of it is left but this file.
    pub boot: String,
    /// Whether it lives in a user namespace, which every command must enter first.
    pub user_namespace: bool,
    /// How far it has come.
    pub phase: Phase,
    /// What it was to be.
    pub topology: Topology,
    /// Its machines: the switch first, then a router if there is one, then the nodes.
    pub machines: Vec<Machine>,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// The faults that were made in it on purpose, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Broken>,
}

/// How far a lab has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Being made, or left behind by someone who was.
    Starting,
    /// Complete.
    Up,
}

/// A process with namespaces of its own: a host of the lab, its switch or its router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Its first process: all its namespaces are those of this one.
    pub process: Process,
}

/// What a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It holds the bridges that the cables end at.
    Switch,
    /// It joins the subnets.
    Router,
    /// It runs pods.
    Node,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The node it runs on.
    pub node: String,
    /// The identity of its sandbox: 64 hexadecimal digits, as containerd gives them.
    pub sandbox: String,
    /// Its network namespace, as its node sees it.
    pub netns: PathBuf,
    /// The process that keeps its namespaces; none until it has been started.
    pub pause: Option<Process>,
    /// Whether its networks are complete.
    pub ready: bool,
    /// The networks it is attached to, the default one first, in the order of attachment.
    pub attachments: Vec<Attachment>,
    /// What the runtime asks the plugins for.
    pub capabilities: Capabilities,
    /// The networks it was to be attached to besides the default one.
    pub networks: Vec<String>,
    /// The addresses it asked for.
    pub requested: Vec<IpAddr>,
}

/// A pod's place in a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// The interface inside the pod.
    pub interface: String,
    /// The interface's hardware address, once it is known.
    pub mac: Option<Mac>,
    /// The interface's MTU in octets, once it is known.
    pub mtu: Option<u32>,
    /// The other end on the node, if there is one.
    pub host_interface: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
}

/// What a runtime hands to the plugins that declare the capability.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Ports of the node that lead to the pod.
    #[serde(default)]
    pub ports: Vec<HostPort>,
    /// The most the pod may receive, in bits a second.
    #[serde(default)]
    pub ingress_rate: Option<u64>,
    /// The most the pod may send, in bits a second.
    #[serde(default)]
    pub egress_rate: Option<u64>,
}

/// A port of the node that leads to the pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPort {
    /// On the node.
    pub host: u16,
    /// In the pod.
    pub container: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: Protocol,
}

/// A transport protocol that has ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 9260.
    Sctp,
}

impl Protocol {
    /// As a plugin's `portMappings` spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl State {
    /// The machine with this name.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    /// The nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &Machine> {
        self.machines
            .iter()
            .filter(|machine| machine.role == Role::Node)
    }

    /// Whether the lab was made in this boot and has a machine that still runs.
    pub fn is_alive(&self) -> bool {
        self.is_of_this_boot()
            && self
                .machines
                .iter()
                .any(|machine| machine.process.is_alive())
    }

    /// Whether the processes it names can still be there.
    pub fn is_of_this_boot(&self) -> bool {
        // Where the boot cannot be told, the start times decide alone.
        process::boot_id().map_or(true, |boot| boot == self.boot)
    }
}

impl Pod {
    /// `namespace/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The addresses of its default network.
    pub fn addresses(&self) -> &[IpNet] {
        self.attachments
            .first()
            .map_or(&[], |attachment| attachment.addresses.as_slice())
    }
}
