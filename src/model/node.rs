//! One node at one moment.

use serde::{Deserialize, Serialize};

use super::cni::Cni;
use super::counters::{NeighbourTableUse, Softnet};
use super::netns::Netns;
use super::number::NetnsId;
use super::sandbox::{Runtime, Sandbox};
use super::table::{Reading, Table};

/// Everything on a node that decides where a packet goes (`ovl.node/v1`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Always [`Node::SCHEMA`].
    pub schema: String,
    /// The version of the program that took the snapshot.
    pub ovl_version: String,
    /// The node's name: what the asker calls it, or its host name.
    pub name: String,
    /// Its host name.
    pub hostname: String,
    /// The kernel's release (`uname -r`).
    pub kernel: String,
    /// When the snapshot was begun, nanoseconds since 1970, by the node's clock.
    pub taken_ns: i64,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// The namespace that forwards for the pods.
    pub root: NetnsId,
    /// Every namespace that was found, `root` first.
    pub namespaces: Vec<Netns>,
    /// Whether `namespaces` are all there are.
    pub namespaces_doubt: Option<String>,
    /// The paths below the directories of named namespaces that lead to none.
    pub dead_paths: Vec<String>,
    /// The runtime that named the sandboxes.
    pub runtime: Reading<Runtime>,
    /// Pods.
    pub sandboxes: Table<Sandbox>,
    /// What CNI left.
    pub cni: Cni,
    /// Use of the neighbour tables.
    pub neighbour_tables: Table<NeighbourTableUse>,
    /// The receiving side.
    pub softnet: Reading<Softnet>,
}

impl Node {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.node/v1";

    /// The namespace with that identity.
    pub fn netns(&self, id: NetnsId) -> Option<&Netns> {
        self.namespaces.iter().find(|netns| netns.id == id)
    }

    /// The namespace that forwards for the pods.
    pub fn root(&self) -> Option<&Netns> {
        self.netns(self.root)
    }

    /// The sandboxes that live in a namespace. Sandboxes on the node's own network are not counted.
    pub fn sandboxes_in(&self, id: NetnsId) -> impl Iterator<Item = &Sandbox> {
        self.sandboxes
            .iter()
            .filter(move |sandbox| !sandbox.host_network && sandbox.netns == Some(id))
    }

    /// The namespace of a sandbox: its own, or the node's when it shares that.
    pub fn netns_of(&self, sandbox: &Sandbox) -> Option<&Netns> {
        if sandbox.host_network {
            self.root()
        } else {
            self.netns(sandbox.netns?)
        }
    }
}
