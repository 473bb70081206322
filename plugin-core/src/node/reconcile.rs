//! Makes the kernel hold the desired state: read, compare, change what differs, and no more.

use super::apply::{Failure, apply, describe};
use super::check::{self, Refusal};
use super::diff::{Change, diff};
use super::masquerade::Masquerade;
use super::nft;
use super::read::{Indices, Reading, read};
use super::scope::Scope;
use super::state::State;
use crate::netlink::{self, Socket};

/// How often a sync looks again after it has changed links. The second look finds what the kernel dropped
/// with them, the third that nothing is left.
const PASSES: usize = 3;

/// The kernel of one namespace, as far as one network of ours goes.
#[derive(Debug)]
pub struct Kernel {
    socket: Socket,
    scope: Scope,
    table: Known,
    /// A table we put in place, and how nft printed it right after.
    printed: Option<(Masquerade, Masquerade)>,
}

/// What is known of our nftables table without running nft.
#[derive(Debug)]
enum Known {
    /// Nothing.
    No,
    /// It is what this says.
    Yes(Option<Masquerade>),
}

/// What a sync did.
#[derive(Debug, Default)]
pub struct Report {
    /// The changes it made or tried; empty when everything was as it should be.
    pub changes: Vec<Change>,
    /// Those that failed.
    pub failures: Vec<Failure>,
    /// The numbers of the devices, as they were found.
    pub indices: Indices,
    /// Whether the tables were read whole. If not, nothing was removed, and another sync is needed.
    pub complete: bool,
}

/// Why a sync could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node holds something that does not go together with the network.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The kernel cannot be read, or its answers got lost.
    #[error(transparent)]
    Netlink(#[from] netlink::Error),
}

impl Kernel {
    /// The kernel behind `socket`. The settings below `/proc/sys/net` and nftables are those of the calling
    /// thread's namespace, which must be the socket's.
    pub fn new(socket: Socket, scope: Scope) -> Self {
        Self {
            socket,
            scope,
            table: Known::No,
            printed: None,
        }
    }

    /// Changes what counts as ours. What no longer does is not taken away: see [`Scope::without`].
    pub fn set_scope(&mut self, scope: Scope) {
        if scope.table != self.scope.table {
            self.doubt_table();
        }
        self.scope = scope;
    }

    /// What counts as ours.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The socket, for what else is to be read.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Has the next sync look at the nftables table again, because it may have changed.
    pub fn doubt_table(&mut self) {
        self.table = Known::No;
    }

    /// Makes the kernel hold `desired`. When it does already, nothing but requests to read are sent.
    ///
    /// # Errors
    /// When the node holds something that does not go together with the network, or cannot be read.
    /// Changes that the kernel refuses are not errors but [`Report::failures`].
    pub fn sync(&mut self, desired: &State) -> Result<Report, Error> {
        let mut report = Report::default();
        for _ in 0..PASSES {
            let Reading {
                mut state,
                indices,
                links,
                complete,
            } = read(&mut self.socket, &self.scope, desired.sysctls.keys())?;
            report.complete = complete;
            report.indices = indices;
            report.failures.clear();
            check::links(desired, &self.scope, &links)?;
            state.masquerade = self.table(desired, &mut report.failures);
            let mut changes = diff(desired, &state);
            if !complete {
                // A row that was not seen may be there, but one that was seen twice is not superfluous.
                changes.retain(|change| !change.removes());
            }
            if changes.is_empty() {
                break;
            }
            let failures = apply(&mut self.socket, &self.scope, indices, &changes)?;
            let again = changes.iter().any(Change::touches_links);
            if let Some(change) = changes.iter().find(|change| change.touches_table()) {
                let what = describe(change);
                if failures.iter().any(|failure| failure.what == what) {
                    self.doubt_table();
                } else {
                    self.confirm_table(desired);
                }
            }
            report.failures.extend(failures);
            report.changes.append(&mut changes);
            if !again {
                break;
            }
        }
        Ok(report)
    }

    /// Our nftables table: what is known, else what nft lists.
    fn table(&mut self, desired: &State, failures: &mut Vec<Failure>) -> Option<Masquerade> {
        if let Known::Yes(found) = &self.table {
            return found.clone();
        }
        let found = match self.scope.table.as_deref().map(nft::read)? {
            Ok(Some(found)) => match &self.printed {
                Some((wanted, printed)) if *printed == found => Some(wanted.clone()),
                _ => Some(found),
            },
            Ok(None) => None,
            // Without nft there is no table of ours, and none is missing unless one is wanted.
            Err(_) if desired.masquerade.is_none() => None,
            Err(error) => {
                failures.push(Failure {
                    what: "read our nftables table".to_owned(),
                    cause: error.to_string(),
                    local: true,
                });
                // Unknown is not absent: what is wanted is taken to be there until nft says otherwise.
                return desired.masquerade.clone();
            }
        };
        self.table = Known::Yes(found.clone());
        found
    }

    /// Looks at the table after it was put in place. A version of nft that prints it otherwise than this
    /// one would, must not have it replaced for ever: what it prints right after is taken for the same.
    fn confirm_table(&mut self, desired: &State) {
        let found = self.scope.table.as_deref().map(nft::read);
        self.table = match (found, &desired.masquerade) {
            (Some(Ok(Some(printed))), Some(wanted)) => {
                self.printed = Some((wanted.clone(), printed));
                Known::Yes(Some(wanted.clone()))
            }
            (Some(Ok(found)), _) => Known::Yes(found),
            (None, _) => Known::Yes(None),
            (Some(Err(_)), _) => Known::No,
        };
    }
}
