//! `ovl snapshot`, `ovl diff`, `ovl check` and `ovl node serve`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::source::Where;
use crate::command::{check, diff, snapshot};
use crate::error::Result;
use crate::render::Format;

/// `ovl snapshot`
#[derive(Debug, Args)]
pub struct Snapshot {
    /// Where to write it, packed if the name ends in .zst; standard output if not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace names and addresses, each always by the same
    #[arg(long)]
    redact: bool,

    #[command(flatten)]
    place: Where,
}

impl Snapshot {
    /// What is asked for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_request(self) -> Result<snapshot::Request> {
        Ok(snapshot::Request {
            output: self.output,
            redact: self.redact,
            source: self.place.into_source()?,
        })
    }
}

/// `ovl diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The snapshot before
    #[arg(value_name = "BEFORE")]
    before: PathBuf,

    /// The snapshot after; the network as it is now if not given
    #[arg(value_name = "AFTER")]
    after: Option<PathBuf>,

    /// The output
    #[arg(long, short, value_enum, default_value = "text")]
    output: Format,

    #[command(flatten)]
    place: Where,
}

impl Diff {
    /// What is asked for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_request(self) -> Result<diff::Request> {
        Ok(diff::Request {
            before: self.before,
            after: match self.after {
                Some(path) => crate::cluster::Source::Files(vec![path]),
                None => self.place.into_source()?,
            },
            output: self.output,
        })
    }
}

/// `ovl check`
#[derive(Debug, Args)]
pub struct Check {
    /// Also send one echo from each node to each other, and from a pod of each to a pod of each other; what is
    /// lost is traced
    #[arg(long, short, conflicts_with = "from")]
    probe: bool,

    /// The output
    #[arg(long, short, value_enum, default_value = "text")]
    output: Format,

    #[command(flatten)]
    place: Where,
}

impl Check {
    /// What is asked for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_request(self) -> Result<check::Request> {
        Ok(check::Request {
            probe: self.probe,
            output: self.output,
            source: self.place.into_source()?,
        })
    }
}

/// `ovl node`
#[derive(Debug, Args)]
pub struct Node {
    #[command(subcommand)]
    pub(super) action: NodeAction,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum NodeAction {
    /// Answer questions on standard input, a JSON object a line, until it ends
    Serve,
}
