//! `ovl node serve`: the far side of a conversation with another node.

use std::io;

use crate::cluster::serve;
use crate::command::Context;
use crate::error::{Outcome, Result};

/// Serves on the standard streams.
///
/// # Errors
/// When they cannot be used.
pub fn serve(context: &mut Context<'_>) -> Result<Outcome> {
    serve::serve(io::BufReader::new(io::stdin()), context.out)
}
