//! Runs `nft`, whose JSON is its documented interface (`libnftables-json(5)`), and nothing else.

use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::masquerade::Masquerade;

/// A run of `nft` that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started.
    #[error("cannot run nft: {0}; install nftables, or turn masquerade off")]
    Start(#[source] io::Error),
    /// It said no.
    #[error("nft cannot {what} table inet {table}: {said}")]
    Refused {
        /// `list`, `replace`, `remove`.
        what: &'static str,
        /// The table.
        table: String,
        /// The first line of its standard error.
        said: String,
    },
    /// Its output is not the JSON it promises.
    #[error("nft prints no table inet {0}: its output is not what libnftables-json(5) says")]
    Output(String),
}

/// Our table as the kernel holds it; `None` when it is not there.
///
/// # Errors
/// When `nft` is absent or refuses.
pub fn read(table: &str) -> Result<Option<Masquerade>, Error> {
    let output = run(&["list", "table", "inet", table], None)?;
    if !output.status.success() {
        // The text of ENOENT in the C locale; nft has no exit code for it.
        if String::from_utf8_lossy(&output.stderr).contains("No such file or directory") {
            return Ok(None);
        }
        return Err(refused("list", table, &output));
    }
    serde_json::from_slice(&output.stdout)
        .ok()
        .and_then(|listing: Value| Masquerade::from_listing(table, &listing))
        .map(Some)
        .ok_or_else(|| Error::Output(table.to_owned()))
}

/// Puts the table in place of whatever is there, in one transaction.
///
/// # Errors
/// When `nft` is absent or refuses; the old table stands then.
pub fn install(table: &Masquerade) -> Result<(), Error> {
    let output = run(&["-f", "-"], Some(&table.install()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(refused("replace", &table.table, &output))
    }
}

/// Takes the table away; one that is not there is success.
///
/// # Errors
/// When `nft` is absent or refuses.
pub fn remove(table: &str) -> Result<(), Error> {
    let output = run(&["-f", "-"], Some(&Masquerade::remove(table)))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(refused("remove", table, &output))
    }
}

fn run(arguments: &[&str], input: Option<&Value>) -> Result<Output, Error> {
    let mut child = Command::new("nft")
        .arg("-j")
        .args(arguments)
        // Its messages are looked at.
        .env("LC_ALL", "C")
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::Start)?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // One that ends without reading says why on standard error.
        let _ = stdin.write_all(input.to_string().as_bytes());
    }
    child.wait_with_output().map_err(Error::Start)
}

fn refused(what: &'static str, table: &str, output: &Output) -> Error {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().find(|line| !line.trim().is_empty());
    Error::Refused {
        what,
        table: table.to_owned(),
        said: said.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned()),
    }
}
