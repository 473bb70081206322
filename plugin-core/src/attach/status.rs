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

/// Refuses while the node's agent says that pods would not reach the other nodes. Without an agent, or
/// without a word of it, nothing is known against it.
fn refuse_unready(network: &NetworkName, state_dir: &Path) -> Result<()> {
    match AgentStatus::load(state_dir, network.as_str()) {
        Ok(Some(status)) if !status.ready => Err(Error::new(
            Code::LimitedConnectivity,
            format!("network {network} is not ready on node {}", status.node),
        )
        .with_details(status.reason.unwrap_or_default())),
        _ => Ok(()),
    }
}
