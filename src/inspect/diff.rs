//! What changed between two snapshots, in an operator's words (`ovl.diff/v1`).

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;

use super::find::occupant;
use crate::model::route::Protocol;
use crate::model::{Bundle, Link, Netns, Node, Table, TableId, notation};

/// What a forwarding entry is known by: device, MAC, VLAN and tunnel end.
type FdbKey = (
    String,
    plugin_core::mac::Mac,
    Option<u16>,
    Option<std::net::IpAddr>,
);

/// What changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// Always [`Diff::SCHEMA`].
    pub schema: &'static str,
    /// The changes, by node and place.
    pub changes: Vec<Change>,
    /// What could not be compared, and why.
    pub doubts: Vec<String>,
}

impl Diff {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.diff/v1";
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The node.
    pub node: String,
    /// Where on it: a pod, a namespace, or the node itself.
    pub place: String,
    /// What kind of row: `link`, `route`, `neighbour` …
    pub what: &'static str,
    /// How it changed.
    pub kind: ChangeKind,
    /// In words.
    pub text: String,
}

/// How something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is different.
    Changed,
}

/// Compares two moments of the same nodes.
pub fn compare(before: &Bundle, after: &Bundle) -> Diff {
    let mut diff = Diff {
        schema: Diff::SCHEMA,
        changes: Vec::new(),
        doubts: Vec::new(),
    };
    let alone = before.nodes.len() == 1 && after.nodes.len() == 1;
    for old in &before.nodes {
        // Two snapshots of one node are compared even if it was called something else.
        let new = if alone {
            after.nodes.first()
        } else {
            after.node(&old.name)
        };
        match new {
            Some(new) => Comparison {
                diff: &mut diff,
                node: &new.name,
                place: String::new(),
            }
            .nodes(old, new),
            None => diff.change(
                &old.name,
                "",
                "node",
                ChangeKind::Removed,
                format!("node {} is not there", old.name),
            ),
        }
    }
    for new in after
        .nodes
        .iter()
        .filter(|new| !alone && before.node(&new.name).is_none())
    {
        diff.change(
            &new.name,
            "",
            "node",
            ChangeKind::Added,
            format!("node {} is new", new.name),
        );
    }
    diff
}

impl Diff {
    fn change(
        &mut self,
        node: &str,
        place: &str,
        what: &'static str,
        kind: ChangeKind,
        text: String,
    ) {
        self.changes.push(Change {
            node: node.to_owned(),
            place: place.to_owned(),
            what,
            kind,
            text,
        });
    }
}

/// A comparison of one place.
struct Comparison<'a> {
    diff: &'a mut Diff,
    node: &'a str,
    place: String,
}

impl Comparison<'_> {
    fn change(&mut self, what: &'static str, kind: ChangeKind, text: String) {
        self.diff.change(self.node, &self.place, what, kind, text);
    }

    fn changed(
        &mut self,
        what: &'static str,
        name: impl Display,
        field: &str,
        old: impl Display,
        new: impl Display,
    ) {
        let space = if field.is_empty() { "" } else { " " };
        self.change(
            what,
            ChangeKind::Changed,
            format!("{name}: {field}{space}{old} → {new}"),
        );
    }

    fn nodes(&mut self, old: &Node, new: &Node) {
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

    fn pods(&mut self, old: &Node, new: &Node) {
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

    fn configs(&mut self, old: &Node, new: &Node) {
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

    fn namespaces(&mut self, old: &Netns, new: &Netns) {
        self.table(
            "link",
            &old.links,
            &new.links,
            |link| link.name.clone(),
            |link| format!("device {}", link.name),
            |diff, a, b| diff.links(old, new, a, b),
        );
        let name = |netns: &Netns, index| netns.device_name(index);
        let addressed = |netns: &Netns| {
            named(&netns.addresses, |row| {
                (name(netns, row.device), notation::address(row))
            })
        };
        self.table(
            "address",
            &addressed(old),
            &addressed(new),
            Clone::clone,
            |(device, address)| format!("address {address} dev {device}"),
            |_, _, _| {},
        );
        // A route is known by what it is for; where it leads may change.
        let routed = |netns: &Netns| {
            let all = named(&netns.routes, |row| {
                (
                    (row.table, row.destination.to_string(), row.metric, row.tos),
                    notation::route(row, netns),
                    row.protocol,
                )
            });
            // The kernel keeps the local table by itself, as addresses come and go.
            kept(all, |((table, ..), _, protocol)| {
                *table != TableId::LOCAL || *protocol != Protocol::KERNEL
            })
        };
        self.table(
            "route",
            &routed(old),
            &routed(new),
            |(key, _, _)| key.clone(),
            |(_, text, _)| format!("route {text}"),
            |diff, (_, a, _), (_, b, _)| {
                if a != b {
                    diff.change("route", ChangeKind::Changed, format!("route {a} → {b}"));
                }
            },
        );
        let ruled = |netns: &Netns| named(&netns.rules, |row| (row.family, notation::rule(row)));
        self.table(
            "rule",
            &ruled(old),
            &ruled(new),
            Clone::clone,
            |(_, text)| format!("rule {text}"),
            |_, _, _| {},
        );
        self.neighbours(old, new);
        let forwarded = |netns: &Netns| {
            named(&netns.fdb, |row| {
                (
                    (name(netns, row.device), row.mac, row.vlan, row.dst),
                    notation::fdb(row, netns),
                    row.is_learned(),
                )
            })
        };
        let (a, b) = (forwarded(old), forwarded(new));
        // What a bridge learns comes and goes by itself, and so do the groups a device listens to.
        let lasting = |table| {
            kept(table, |row: &(FdbKey, String, bool)| {
                let is_group = row.0.1.is_multicast() && row.0.3.is_none();
                !(row.2 || is_group)
            })
        };
        self.table(
            "fdb",
            &lasting(a),
            &lasting(b),
            |row| row.0.clone(),
            |row| format!("fdb {}", row.1),
            |_, _, _| {},
        );
        self.table(
            "sysctl",
            &old.sysctls,
            &new.sysctls,
            |row| row.name.clone(),
            |row| format!("sysctl {} = {}", row.name, row.value),
            |diff, a, b| {
                // A count is not a setting.
                if a.value != b.value
                    && !b.name.ends_with("_count")
                    && !(b.name.ends_with(".forwarding") && switched(old, new))
                {
                    diff.changed(
                        "sysctl",
                        format!("sysctl {}", b.name),
                        "",
                        &a.value,
                        &b.value,
                    );
                }
            },
        );
        self.netfilter(old, new);
    }

    fn links(&mut self, old: &Netns, new: &Netns, a: &Link, b: &Link) {
        let device = format!("device {}", b.name);
        if a.index != b.index {
            self.change(
                "link",
                ChangeKind::Changed,
                format!("{device} was made anew (index {} → {})", a.index, b.index),
            );
        }
        if a.kind.name() != b.kind.name() {
            self.changed("link", &device, "kind", a.kind.name(), b.kind.name());
        } else if a.kind != b.kind {
            for (field, was, is) in fields(&a.kind, &b.kind) {
                // What a bridge has learned is no setting.
                if field != "learned" {
                    self.changed("link", &device, &field, was, is);
                }
            }
        }
        if a.mtu != b.mtu {
            self.changed("link", &device, "MTU", a.mtu, b.mtu);
        }
        if a.mac != b.mac {
            let text = |mac: Option<plugin_core::mac::Mac>| {
                mac.map_or_else(|| "none".to_owned(), |mac| mac.to_string())
            };
            self.changed("link", &device, "MAC", text(a.mac), text(b.mac));
        }
        if a.is_up() != b.is_up() {
            let word = |link: &Link| if link.is_up() { "up" } else { "down" };
            self.changed("link", &device, "is", word(a), word(b));
        } else if a.is_running() != b.is_running() {
            let word = |link: &Link| {
                if link.is_running() {
                    "has a carrier"
                } else {
                    "has no carrier"
                }
            };
            self.changed("link", &device, "", word(a), word(b));
        }
        let master = |netns: &Netns, link: &Link| {
            link.master
                .map_or_else(|| "none".to_owned(), |index| netns.device_name(index))
        };
        let (was, is) = (master(old, a), master(new, b));
        if was != is {
            self.changed("link", &device, "master", was, is);
        }
        if let (Some(was), Some(is)) = (a.bridge_port(), b.bridge_port())
            && was != is
        {
            for (field, was, is) in fields(was, is) {
                self.changed("link", &device, &format!("port {field}"), was, is);
            }
        }
        for (family, differences) in [
            ("ipv4", a.inet.zip(b.inet).map(|(a, b)| fields(&a, &b))),
            ("ipv6", a.inet6.zip(b.inet6).map(|(a, b)| fields(&a, &b))),
        ] {
            for (field, was, is) in differences.unwrap_or_default() {
                // The node's switch turns those of all devices.
                if field == "forwarding" && switched(old, new) {
                    continue;
                }
                self.changed("link", &device, &format!("{family} {field}"), was, is);
            }
        }
        if let (Some(was), Some(is)) = (&a.features, &b.features) {
            for gone in was.iter().filter(|name| !is.contains(name)) {
                self.changed("link", &device, gone, "on", "off");
            }
            for come in is.iter().filter(|name| !was.contains(name)) {
                self.changed("link", &device, come, "off", "on");
            }
        }
    }

    fn neighbours(&mut self, old: &Netns, new: &Netns) {
        let table = |netns: &Netns| {
            named(&netns.neighbours, |row| {
                let fixed =
                    row.proxy || row.state == crate::model::neighbour::NeighbourState::Permanent;
                (
                    (netns.device_name(row.device), row.address, row.proxy),
                    row.mac,
                    fixed,
                    notation::neighbour(row, netns),
                )
            })
        };
        let (old, new) = (table(old), table(new));
        // Learned entries come and go; only one that says something else than before is news.
        for (key, mac, _, _) in &new.rows {
            let before = old
                .rows
                .iter()
                .find(|(other, ..)| other == key)
                .and_then(|(_, mac, ..)| *mac);
            if let (Some(before), Some(now)) = (before, *mac)
                && before != now
            {
                self.changed(
                    "neighbour",
                    format!("neighbour {} dev {}", key.1, key.0),
                    "MAC",
                    before,
                    now,
                );
            }
        }
        let fixed = |table| kept(table, |row: &(_, _, bool, String)| row.2);
        self.table(
            "neighbour",
            &fixed(old),
            &fixed(new),
            |row| row.0.clone(),
            |row| format!("neighbour {}", row.3),
            |_, _, _| {},
        );
    }

    fn netfilter(&mut self, old: &Netns, new: &Netns) {
        for was in &old.netfilter.iptables {
            let Some(is) = new
                .netfilter
                .iptables
                .iter()
                .find(|is| is.backend == was.backend && is.family == was.family)
            else {
                continue;
            };
            let rules = |tables: &Table<crate::model::netfilter::IptablesTable>| Table {
                state: tables.state,
                reason: tables.reason.clone(),
                rows: tables
                    .iter()
                    .flat_map(|table| {
                        table.chains.iter().flat_map(move |chain| {
                            let policy = chain
                                .policy
                                .as_ref()
                                .map(|policy| format!("{} -P {} {policy}", table.name, chain.name));
                            let rules = chain.rules.iter().map(move |rule| {
                                format!("{} -A {} {}", table.name, chain.name, rule.text())
                            });
                            policy.into_iter().chain(rules)
                        })
                    })
                    .collect(),
            };
            let program = match is.family {
                crate::model::rule::Family::Inet => "iptables",
                crate::model::rule::Family::Inet6 => "ip6tables",
            };
            self.table(
                "rule",
                &rules(&was.tables),
                &rules(&is.tables),
                Clone::clone,
                |text| format!("{program} -t {text}"),
                |_, _, _| {},
            );
        }
        // Handles and counters change without a rule being another.
        let plain = |table: &Table<serde_json::Value>| {
            named(table, |value| without_counters(value.clone()).to_string())
        };
        let (was, is) = (plain(&old.netfilter.nft), plain(&new.netfilter.nft));
        if was.is_complete() && is.is_complete() && was.rows != is.rows {
            let (gone, come) = (
                difference(&was.rows, &is.rows),
                difference(&is.rows, &was.rows),
            );
            self.change(
                "nft",
                ChangeKind::Changed,
                format!("nft ruleset: {come} objects new, {gone} gone"),
            );
        }
    }

    /// Compares two tables by key. Nothing is said to be gone or new on the word of a table that was not read whole.
    fn table<T, K: PartialEq>(
        &mut self,
        what: &'static str,
        old: &Table<T>,
        new: &Table<T>,
        key: impl Fn(&T) -> K,
        text: impl Fn(&T) -> String,
        mut both: impl FnMut(&mut Self, &T, &T),
    ) {
        let mut unmatched: Vec<&T> = old.iter().collect();
        let mut added = Vec::new();
        for row in new {
            match unmatched.iter().position(|other| key(other) == key(row)) {
                Some(place) => both(self, unmatched.remove(place), row),
                None => added.push(row),
            }
        }
        match old.doubt() {
            None => added.iter().for_each(|row| {
                self.change(what, ChangeKind::Added, format!("{} is new", text(row)));
            }),
            Some(reason) if !added.is_empty() => self.doubt(what, "before", reason),
            Some(_) => {}
        }
        match new.doubt() {
            None => unmatched.iter().for_each(|row| {
                self.change(what, ChangeKind::Removed, format!("{} is gone", text(row)));
            }),
            Some(reason) if !unmatched.is_empty() => self.doubt(what, "after", reason),
            Some(_) => {}
        }
    }

    fn doubt(&mut self, what: &str, when: &str, reason: &str) {
        let place = if self.place.is_empty() {
            self.node
        } else {
            &self.place
        };
        let doubt = format!(
            "{} {place}: {what} rows {when} are not certain: {reason}",
            self.node
        );
        if !self.diff.doubts.contains(&doubt) {
            self.diff.doubts.push(doubt);
        }
    }
}

/// Whether the node's forwarding was switched.
fn switched(old: &Netns, new: &Netns) -> bool {
    ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]
        .iter()
        .any(|name| old.sysctl(name) != new.sysctl(name))
}

/// What a namespace is called in a comparison: the pod in it, else its name.
fn place(node: &Node, netns: &Netns) -> String {
    if netns.id == node.root {
        return "the node".to_owned();
    }
    occupant(node, netns)
}

fn named<T, U>(table: &Table<T>, row: impl Fn(&T) -> U) -> Table<U> {
    Table {
        state: table.state,
        reason: table.reason.clone(),
        rows: table.iter().map(row).collect(),
    }
}

/// The rows that `keep` keeps.
fn kept<T>(mut table: Table<T>, keep: impl FnMut(&T) -> bool) -> Table<T> {
    table.rows.retain(keep);
    table
}

/// The fields in which two values differ, as JSON has them.
fn fields<T: Serialize>(old: &T, new: &T) -> Vec<(String, String, String)> {
    let object = |value: &T| match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(object)) => object,
        _ => serde_json::Map::new(),
    };
    let plain = |value: Option<&serde_json::Value>| match value {
        None | Some(serde_json::Value::Null) => "none".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let (old, new) = (object(old), object(new));
    let mut names: Vec<&String> = old
        .keys()
        .chain(new.keys().filter(|key| !old.contains_key(*key)))
        .collect();
    names.sort();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| {
            (
                name.replace('_', " "),
                plain(old.get(name)),
                plain(new.get(name)),
            )
        })
        .collect()
}

/// An nft object without what changes by itself.
fn without_counters(mut value: serde_json::Value) -> serde_json::Value {
    match &mut value {
        serde_json::Value::Object(object) => {
            for key in ["handle", "packets", "bytes", "expires", "used"] {
                object.remove(key);
            }
            for (_, inner) in object.iter_mut() {
                *inner = without_counters(inner.take());
            }
        }
        serde_json::Value::Array(values) => {
            for inner in values {
                *inner = without_counters(inner.take());
            }
        }
        _ => {}
    }
    value
}

/// How many of `these` are not among `those`, each counted as often as it stands there.
fn difference(these: &[String], those: &[String]) -> usize {
    let mut rest: Vec<&String> = those.iter().collect();
    these
        .iter()
        .filter(|text| match rest.iter().position(|other| other == text) {
            Some(place) => {
                rest.swap_remove(place);
                false
            }
            None => true,
        })
        .count()
}
