//! Why an address could not be given, released or verified.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::pool::Family;
use crate::{spec, store};

/// Why an address could not be given, released or verified.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration makes no sense: everything that is wrong with it.
    #[error("network {network}: ipam: {}", wrong.join("; "))]
    Config {
        /// The network's name.
        network: String,
        /// One sentence for each thing.
        wrong: Vec<String>,
    },
    /// No address of a family is left.
    #[error("network {network}: no {family} address is left on node {node}: {why}")]
    Exhausted {
        /// The network's name.
        network: String,
        /// Which family.
        family: Family,
        /// The node.
        node: String,
        /// What was tried, and what to try.
        why: String,
    },
    /// The address that was asked for cannot be given.
    #[error("network {network}: {address} was asked for, but {why}")]
    Refused {
        /// The network's name.
        network: String,
        /// The address.
        address: IpAddr,
        /// Why not.
        why: String,
    },
    /// CHECK found something that is not as ADD left it.
    #[error("network {network}: {}", findings.join("; "))]
    NotAsExpected {
        /// The network's name.
        network: String,
        /// Expected and found, one sentence each.
        findings: Vec<String>,
    },
    /// Part of the ledger cannot be read.
    #[error(
        "{} is damaged: line {line}: {cause}; addresses in use may be unknown, so that none is given: \
         move the file away and run GC",
        path.display()
    )]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// A value in the store cannot be read.
    #[error("{location} is damaged: {cause}")]
    DamagedClaim {
        /// Where it is.
        location: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Other nodes were always faster.
    #[error("network {network}: other nodes changed {location} at the same time, again and again")]
    Contended {
        /// The network's name.
        network: String,
        /// What.
        location: String,
    },
    /// The store did not do what was asked.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The state directory cannot be used.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_path_buf(),
            source,
        }
    }
}

impl From<Error> for spec::Error {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Config { .. } => spec::Code::InvalidConfig,
            Error::Exhausted { .. } | Error::Refused { .. } => spec::Code::AddressUnavailable,
            Error::NotAsExpected { .. } => spec::Code::NotAsExpected,
            Error::Contended { .. } => spec::Code::TryAgainLater,
            Error::Damaged { .. }
            | Error::DamagedClaim { .. }
            | Error::Store(_)
            | Error::Io { .. } => spec::Code::State,
        };
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        Self::new(code, error.to_string()).with_details(causes.join(": "))
    }
}
