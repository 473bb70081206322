//! Why a plugin could not be run, or what it said.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::netns;
use crate::spec::{self, NetworkName, SpecVersion, Verb};

/// The result of running plugins.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between a runtime and its plugins.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No directory holds the binary.
    #[error("plugin {kind} is not in {}", list(.path))]
    NotFound {
        /// The plugin's `type`.
        kind: String,
        /// Where it was looked for.
        path: Vec<PathBuf>,
    },
    /// The binary is there and does not start.
    #[error("cannot start plugin {}: {source}", binary.display())]
    Start {
        /// The binary.
        binary: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The plugin reported an error, as it should.
    #[error("{verb} by {kind}: {error}")]
    Reported {
        /// The plugin's `type`.
        kind: String,
        /// What it was asked.
        verb: Verb,
        /// What it said.
        error: spec::Error,
    },
    /// The plugin ended, and what it printed is not what the protocol says.
    #[error("{verb} by {kind} {problem}{}", quoted(.printed))]
    Protocol {
        /// The plugin's `type`.
        kind: String,
        /// What it was asked.
        verb: Verb,
        /// What is wrong.
        problem: String,
        /// The beginning of what it printed.
        printed: String,
    },
    /// The plugin did not end in time and was killed.
    #[error("{verb} by {kind} did not end within {} s and was killed{}", limit.as_secs_f32(), quoted(.printed))]
    Timeout {
        /// The plugin's `type`.
        kind: String,
        /// What it was asked.
        verb: Verb,
        /// How long it had.
        limit: Duration,
        /// The beginning of what it printed on standard error.
        printed: String,
    },
    /// The container's namespace is not there, or is something else.
    #[error(transparent)]
    Netns(#[from] netns::Error),
    /// The network's version of CNI does not have the verb.
    #[error("network {network} is of CNI {version}; {verb} came with {}", verb.since())]
    NotInVersion {
        /// The network.
        network: NetworkName,
        /// Its version.
        version: SpecVersion,
        /// The verb.
        verb: Verb,
    },
    /// The network's configuration forbids the verb.
    #[error("network {network} says disable{}", if *verb == Verb::Gc { "GC" } else { "Check" })]
    Disabled {
        /// The network.
        network: NetworkName,
        /// The verb.
        verb: Verb,
    },
    /// What is asked for makes no sense for this container.
    #[error("{0}")]
    Refused(String),
    /// The result cache could not be read or written.
    #[error("cannot {operation} the result cache {}: {source}", path.display())]
    Cache {
        /// `read`, `write`, `create` or `lock`.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    /// What the plugin said, if it was the plugin that said it.
    pub fn reported(&self) -> Option<&spec::Error> {
        match self {
            Self::Reported { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether access was lacking.
    pub fn is_permission(&self) -> bool {
        match self {
            Self::Netns(error) => error
                .io()
                .is_some_and(|io| io.kind() == io::ErrorKind::PermissionDenied),
            Self::Start { source, .. } | Self::Cache { source, .. } => {
                source.kind() == io::ErrorKind::PermissionDenied
            }
            _ => false,
        }
    }
}

/// For a plugin that delegates: what it should itself report.
impl From<Error> for spec::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Reported { error, .. } => error,
            Error::Netns(error) => error.into(),
            other => Self::new(spec::Code::Delegate, other.to_string()),
        }
    }
}

fn list(path: &[PathBuf]) -> String {
    if path.is_empty() {
        return "any directory: CNI_PATH is empty".to_owned();
    }
    path.iter()
        .map(|dir| dir.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn quoted(printed: &str) -> String {
    match printed.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}
