//! STATUS: could an ADD be served now? Cheap: a runtime asks every few seconds.

use std::path::Path;

use rustix::fs::{Access, access};

use super::network::{Kind, Network};
use crate::node::status::Status as AgentStatus;
use crate::spec::{Code, Error, NetworkName, Result, Status};

/// Answers a STATUS.
///
/// # Errors
/// [`Code::NotAvailable`] or [`Code::LimitedConnectivity`] with the reason.
pub(super) fn status(kind: Kind, request: &Status) -> Result<()> {
    let network = Network::read(kind, &request.invocation.config)?;
    let dir = &network.state_dir;
    // Until the first ADD the directory need not be there.
    if dir.exists() && access(dir, Access::WRITE_OK).is_err() {
        return Err(Error::new(
            Code::NotAvailable,
            format!("the state directory {} cannot be written", dir.display()),
        ));
    }
    refuse_unready(&request.invocation.config.name, dir)?;
    network.ipam.status(request)
}

/// Refuses while the node's agent says that pods would not reach the other nodes, and when it said something
/// once but does not live any more: nobody tells the other nodes of new blocks then, nor this one of theirs.
/// Without a word of an agent nothing is known against the network.
fn refuse_unready(network: &NetworkName, state_dir: &Path) -> Result<()> {
    let Ok(Some(status)) = AgentStatus::load(state_dir, network.as_str()) else {
        return Ok(());
    };
    // What cannot be looked at counts as alive: the status is the better witness.
    let reason = if AgentStatus::agent_lives(state_dir, network.as_str()).unwrap_or(true) {
        if status.ready {
            return Ok(());
        }
        status.reason.unwrap_or_default()
    } else {
        "its agent does not run; start `ovl agent`".to_owned()
    };
    let message = format!("network {network} is not ready on node {}", status.node);
    Err(Error::new(Code::LimitedConnectivity, message).with_details(reason))
}
