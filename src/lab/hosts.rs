//! `/etc/hosts` of every node and pod: hosts and pods by name.

use std::fmt::Write;

use super::directory::Directory;
use super::directory::replace_file;
use super::state::State;
use crate::error::{Error, Result};

/// Writes the list for the lab as it is.
///
/// # Errors
/// When the file cannot be written.
pub fn write(directory: &Directory, state: &State) -> Result<()> {
    let path = directory.shared().join("hosts");
    replace_file(&path, text(state).as_bytes())
        .map_err(|e| Error::failed(format!("cannot write {}", path.display())).caused_by(e))
}

fn text(state: &State) -> String {
    let mut text = String::from("127.0.0.1 localhost\n::1 localhost ip6-localhost\n");
    for node in &state.topology.nodes {
        for address in &node.addresses {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {}", address.addr(), node.name);
        }
    }
    for pod in &state.pods {
        // `pod1` for short where that is not ambiguous, as from within its namespace; and first, because the
        // first name is the one that tools print.
        let alone = state
            .pods
            .iter()
            .filter(|other| other.name == pod.name)
            .count()
            == 1;
        let short = if alone {
            format!("{} ", pod.name)
        } else {
            String::new()
        };
        for address in pod.addresses() {
            let _ = writeln!(
                text,
                "{} {short}{}.{}",
                address.addr(),
                pod.name,
                pod.namespace
            );
        }
    }
    text
}
