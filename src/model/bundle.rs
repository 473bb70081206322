//! Several nodes at one moment.

use serde::{Deserialize, Serialize};

use super::node::Node;

/// Nodes of one network (`ovl.bundle/v1`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Bundle {
    /// Always [`Bundle::SCHEMA`].
    pub schema: String,
    /// Nodes that answered.
    pub nodes: Vec<Node>,
    /// Nodes that did not, and why.
    pub missing: Vec<Missing>,
}

impl Bundle {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.bundle/v1";

    /// The nodes, under the document's name.
    pub fn new(nodes: Vec<Node>, missing: Vec<Missing>) -> Self {
        Self {
            schema: Self::SCHEMA.to_owned(),
            nodes,
            missing,
        }
    }

    /// The node of that name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

/// A node that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Its name.
    pub node: String,
    /// Why.
    pub reason: String,
}
