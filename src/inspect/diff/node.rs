//! What changed of a node as a whole: its kernel, its pods, its configurations.

use std::collections::BTreeMap;

use super::super::find::occupant;
use super::{ChangeKind, Comparison};
use crate::model::{Netns, Node, Table};

impl Comparison<'_> {
    pub(super) fn nodes(&mut self, old: &Node, new: &Node) {
        if old.kernel != new.kernel {
            self.changed("node", &new.name, "kernel", &old.kernel, &new.kernel);
        }
        self.pods(old, new);
        self.configs(old, new);
        // Namespaces have other numbers after they were made anew, so pods are compared by their names.
        let places = |node: &Node| -> BTreeMap<String, usize> {
            node.namespaces
                .iter()
                .enumerate()
                .map(|(index, netns)| (place(node, netns), index))
                .collect()
        };
        let (old_places, new_places) = (places(old), places(new));
        for (name, index) in &new_places {
            let Some(new_netns) = new.namespaces.get(*index) else {
                continue;
            };
            match old_places
                .get(name)
                .and_then(|index| old.namespaces.get(*index))
            {
                Some(old_netns) => {
                    self.place.clone_from(name);
                    self.namespaces(old_netns, new_netns);
                    self.place.clear();
                }
                None => self.change(
                    "namespace",
                    ChangeKind::Added,
                    format!("namespace of {name} is new"),
                ),
            }
        }
        for name in old_places
            .keys()
            .filter(|name| !new_places.contains_key(*name))
        {
            self.change(
                "namespace",
                ChangeKind::Removed,
                format!("namespace of {name} is gone"),
            );
        }
    }

    pub(super) fn pods(&mut self, old: &Node, new: &Node) {
        let text = |row: &crate::model::Sandbox| row.full_name();
        let keyed = |node: &Node| -> Table<(String, crate::model::sandbox::SandboxState, String)> {
            Table {
                state: node.sandboxes.state,
                reason: node.sandboxes.reason.clone(),
                rows: node
                    .sandboxes
                    .iter()
                    .map(|row| (text(row), row.state, row.id.clone()))
                    .collect(),
            }
        };
        let (old, new) = (keyed(old), keyed(new));
        self.table(
            "pod",
            &old,
            &new,
            |row| row.2.clone(),
            |row| format!("pod {}", row.0),
            |diff, a, b| {
                if a.1 != b.1 {
                    diff.changed(
                        "pod",
                        format!("pod {}", b.0),
                        "is",
                        a.1.as_str(),
                        b.1.as_str(),
                    );
                }
            },
        );
    }

    pub(super) fn configs(&mut self, old: &Node, new: &Node) {
        self.table(
            "config",
            &old.cni.configs,
            &new.cni.configs,
            |row| row.path.clone(),
            |row| format!("CNI configuration {}", row.path),
            |diff, a, b| {
                if a.content != b.content {
                    diff.change(
                        "config",
                        ChangeKind::Changed,
                        format!("CNI configuration {} reads differently", b.path),
                    );
                }
            },
        );
        self.table(
            "address-record",
            &old.cni.addresses,
            &new.cni.addresses,
            |row| (row.network.clone(), row.address),
            |row| format!("{} record of {}", row.plugin, row.address),
            |diff, a, b| {
                if a.container != b.container {
                    diff.changed(
                        "address-record",
                        format!("record of {}", b.address),
                        "holder",
                        &a.container,
                        &b.container,
                    );
                }
            },
        );
    }
}

/// What a namespace is called in a comparison: the pod in it, else its name.
fn place(node: &Node, netns: &Netns) -> String {
    if netns.id == node.root {
        return "the node".to_owned();
    }
    occupant(node, netns)
}
