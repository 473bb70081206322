//! The runtime's own words: sandboxes and containers, over the Container Runtime Interface on a unix
//! socket.
//!
//! `v1` and `v1alpha2` have the same messages under two names; whichever the runtime speaks is used
//! (containerd before 1.6 and CRI-O before 1.20 know only the older).

mod conversation;
mod grpc;
mod message;
mod row;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::NetnsId;
use crate::model::sandbox::{Runtime, Sandbox};

/// Where runtimes listen, in the order they are tried.
const SOCKETS: [&str; 6] = [
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
    "/run/cri-dockerd.sock",
];

/// Why the runtime could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No socket at the usual places.
    #[error("no container runtime listens at the usual places; name its socket with --cri")]
    NoSocket,
    /// Nobody listens, or access is denied.
    #[error("cannot reach the container runtime at {socket}: {source}")]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It did not answer in time.
    #[error("the container runtime at {socket} did not answer within {} s", .limit.as_secs_f64())]
    Slow {
        /// The socket.
        socket: PathBuf,
        /// How long it was given.
        limit: Duration,
    },
    /// It answered with an error.
    #[error("the container runtime at {socket} refused {method}: {message}")]
    Refused {
        /// The socket.
        socket: PathBuf,
        /// What was asked.
        method: &'static str,
        /// Its words.
        message: String,
        /// The gRPC status.
        code: i32,
    },
    /// What came was not gRPC, or not the message it should be.
    #[error(
        "the container runtime at {socket} gave an answer to {method} that cannot be understood: {reason}"
    )]
    Answer {
        /// The socket.
        socket: PathBuf,
        /// What was asked.
        method: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// Which sandboxes are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those of one pod. Without a namespace, of every pod of that name.
    Named {
        namespace: Option<String>,
        name: String,
    },
    /// Those whose identifier, or that of one of their containers, begins so.
    Id(String),
}

/// How much is asked of every sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// What the list tells.
    Listed,
    /// Its containers and addresses too.
    Whole,
}

/// A sandbox whose process was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// The process that holds it.
    pub(super) pid: u32,
    /// The network namespace that this process is in.
    pub(super) netns: NetnsId,
    /// Whether that is the node's own.
    pub(super) on_node: bool,
}

/// What a runtime said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) runtime: Runtime,
    pub(super) sandboxes: Vec<Sandbox>,
}

/// The socket to ask: the given one, or the first of the usual ones that is there.
///
/// # Errors
/// When there is none.
pub(super) fn socket(given: Option<&Path>) -> Result<PathBuf, Error> {
    match given {
        Some(path) => {
            // crictl and kubelet write it as a URL.
            let text = path.to_string_lossy();
            Ok(PathBuf::from(text.strip_prefix("unix://").unwrap_or(&text)))
        }
        None => SOCKETS
            .iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
            .ok_or(Error::NoSocket),
    }
}

/// Asks the runtime at `socket` for some sandboxes, for at most `limit` in all.
///
/// # Errors
/// When it cannot be reached, is too slow or refuses. A sandbox that goes while it is looked at is left
/// out or says so, and is no error.
pub(super) fn ask(socket: &Path, wanted: &Wanted, limit: Duration) -> Result<Answer, Error> {
    within(socket, limit, conversation::some(socket, wanted))
}

/// Asks for all sandboxes at `socket`. `held` is given the identifiers of those that run, and says which of them need
/// not be asked for their process and namespace: a runtime takes milliseconds for each such question, as it tells
/// everything it knows.
///
/// # Errors
/// As [`ask`].
pub(super) fn list(
    socket: &Path,
    detail: Detail,
    limit: Duration,
    held: impl FnOnce(&[&str]) -> HashMap<String, Held>,
) -> Result<Answer, Error> {
    within(socket, limit, conversation::all(socket, detail, held))
}

/// Holds a conversation, for at most `limit` in all.
fn within<T>(
    socket: &Path,
    limit: Duration,
    conversation: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|source| Error::Connect {
            socket: socket.to_owned(),
            source,
        })?;
    runtime.block_on(async {
        tokio::time::timeout(limit, conversation)
            .await
            .unwrap_or_else(|_| {
                Err(Error::Slow {
                    socket: socket.to_owned(),
                    limit,
                })
            })
    })
}
