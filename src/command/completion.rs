//! `ovl completion`: the completion script of a shell, on standard output.

use std::io::Write;

use clap_complete::Shell;

use crate::error::{Outcome, Result};

/// Writes the completion script of `shell` for the program `name`.
///
/// # Errors
/// When `out` cannot be written.
pub fn run(
    shell: Shell,
    mut command: clap::Command,
    name: &str,
    out: &mut dyn Write,
) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    out.write_all(&script)?;
    Ok(Outcome::Healthy)
}
