//! What is the whole node's: its name, its kernel, tables that all namespaces share.

use std::time::{SystemTime, UNIX_EPOCH};

use plugin_core::netlink::Socket;

use super::{counters, rtnetlink};
use crate::model::{Node, Table};

/// A node that has nothing but its name and the time.
pub(super) fn identity(name: Option<&str>) -> Node {
    let uname = rustix::system::uname();
    let hostname = uname.nodename().to_string_lossy().into_owned();
    Node {
        schema: Node::SCHEMA.to_owned(),
        ovl_version: env!("CARGO_PKG_VERSION").to_owned(),
        name: name.map_or_else(|| hostname.clone(), str::to_owned),
        hostname,
        kernel: uname.release().to_string_lossy().into_owned(),
        taken_ns: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|time| i64::try_from(time.as_nanos()).ok())
            .unwrap_or_default(),
        ..Node::default()
    }
}

/// Reads the tables that all namespaces share.
pub(super) fn fill(node: &mut Node) {
    node.neighbour_tables = match Socket::open() {
        Ok(mut socket) => rtnetlink::neighbour::read_use(&mut socket),
        Err(error) => Table::unavailable(error.to_string()),
    };
    node.softnet = counters::softnet();
}
