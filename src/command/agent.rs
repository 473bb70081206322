//! `ovl agent`: keeps a node in a network, or takes it out of one.

use crate::agent::{self, Options};
use crate::error::{Outcome, Result};

/// What the agent is to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where everything is.
    pub options: Options,
    /// Whether the node leaves the network.
    pub cleanup: bool,
}

/// Runs until told to end, or until the node has left.
///
/// # Errors
/// What kept it from starting or from leaving.
pub fn run(request: &Request) -> Result<Outcome> {
    if request.cleanup {
        agent::cleanup(&request.options)
    } else {
        agent::run(&request.options)
    }
}
