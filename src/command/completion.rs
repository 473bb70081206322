//! `ovl completion`: the completion script of a shell, and the words that kubectl asks a plugin for.

use std::ffi::OsString;
use std::io::Write;

use clap_complete::aot::Shell;

use crate::error::{Error, Outcome, Result};

/// Whose script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// `kubectl_complete-ovl`, which kubectl runs for `kubectl ovl <TAB>`
    Kubectl,
}

/// What kubectl runs to complete a plugin's words: it must be found in `PATH` under this name.
const KUBECTL_SCRIPT: &str = "#!/bin/sh
# kubectl runs this for `kubectl ovl <TAB>`; put it in PATH as kubectl_complete-ovl.
exec kubectl-ovl __complete -- \"$@\"
";

/// cobra's ShellCompDirectiveNoFileComp: the words are all there are.
const NO_FILES: &str = ":4";

/// Writes the completion script of `target` for the program `name`.
///
/// # Errors
/// When `out` cannot be written.
pub fn run(
    target: Target,
    mut command: clap::Command,
    name: &str,
    out: &mut dyn Write,
) -> Result<Outcome> {
    let shell = match target {
        Target::Bash => Shell::Bash,
        Target::Zsh => Shell::Zsh,
        Target::Fish => Shell::Fish,
        Target::Powershell => Shell::PowerShell,
        Target::Kubectl => {
            out.write_all(KUBECTL_SCRIPT.as_bytes())?;
            return Ok(Outcome::Healthy);
        }
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    out.write_all(&script)?;
    Ok(Outcome::Healthy)
}

/// Writes what could stand in place of the last of `words`, as kubectl wants it: a word a line, a
/// tab and its description, then cobra's directive.
///
/// # Errors
/// When `out` cannot be written.
pub fn complete(
    mut words: Vec<OsString>,
    mut command: clap::Command,
    out: &mut dyn Write,
) -> Result<Outcome> {
    // The engine counts the program's own name.
    words.insert(0, "ovl".into());
    let last = words.len() - 1;
    let found = clap_complete::engine::complete(&mut command, words, last, None)
        .map_err(|error| Error::usage("cannot complete these words").caused_by(error))?;
    for candidate in found.iter().filter(|candidate| !candidate.is_hide_set()) {
        write!(out, "{}", candidate.get_value().to_string_lossy())?;
        if let Some(help) = candidate.get_help() {
            let help = help.to_string();
            write!(out, "\t{}", help.lines().next().unwrap_or_default())?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{NO_FILES}")?;
    Ok(Outcome::Healthy)
}
