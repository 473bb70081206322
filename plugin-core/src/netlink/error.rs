//! What can go wrong between a request and its answer.

use std::io;

/// A request that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No socket of this kind is to be had.
    #[error("cannot open a netlink socket: {0}")]
    Open(#[source] io::Error),
    /// The namespace in which the socket was to be opened.
    #[error(transparent)]
    Netns(#[from] crate::netns::Error),
    /// The request did not leave, or the answer did not come.
    #[error("{request} failed on its way: {source}")]
    Transport {
        /// The request's name in `rtnetlink(7)`.
        request: &'static str,
        /// The error of `send(2)` or `recv(2)`; `TimedOut` when the kernel kept silent.
        source: io::Error,
    },
    /// The kernel said no.
    #[error("{request}: {source}{}", .reason.as_ref().map(|r| format!(" ({r})")).unwrap_or_default())]
    Kernel {
        /// The request's name in `rtnetlink(7)`.
        request: &'static str,
        /// The error number.
        source: io::Error,
        /// The kernel's explanation (`NLMSGERR_ATTR_MSG`), if it gave one.
        reason: Option<String>,
    },
    /// The answer makes no sense.
    #[error("the answer to {request} cannot be understood: {reason}")]
    Decode {
        /// The request's name in `rtnetlink(7)`.
        request: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The kernel had more to say than the socket could hold, and dropped it (`ENOBUFS`).
    #[error("events were lost because they came faster than they were read")]
    Overrun,
}

impl Error {
    /// The error number, when the kernel refused.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Kernel { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }

    /// The row is there already (`EEXIST`).
    pub fn is_exists(&self) -> bool {
        self.errno() == Some(libc::EEXIST)
    }

    /// What the request speaks of is not there: `ENOENT`, `ESRCH` for routes, `ENODEV` for links,
    /// `EADDRNOTAVAIL` for addresses.
    pub fn is_absent(&self) -> bool {
        matches!(
            self.errno(),
            Some(libc::ENOENT | libc::ESRCH | libc::ENODEV | libc::EADDRNOTAVAIL)
        )
    }

    /// The caller may not do this.
    pub fn is_permission(&self) -> bool {
        let io = match self {
            Self::Kernel { source, .. } | Self::Transport { source, .. } | Self::Open(source) => {
                Some(source)
            }
            Self::Netns(error) => error.io(),
            Self::Decode { .. } | Self::Overrun => None,
        };
        io.is_some_and(|e| e.kind() == io::ErrorKind::PermissionDenied)
    }
}

/// Treats "already there" as success, for requests that only want it to be there.
///
/// # Errors
/// Any other error.
pub fn or_exists(result: Result<(), Error>) -> Result<(), Error> {
    result.or_else(|error| {
        if error.is_exists() {
            Ok(())
        } else {
            Err(error)
        }
    })
}

/// Treats "not there" as success, for requests that only want it gone.
///
/// # Errors
/// Any other error.
pub fn or_absent(result: Result<(), Error>) -> Result<(), Error> {
    result.or_else(|error| {
        if error.is_absent() {
            Ok(())
        } else {
            Err(error)
        }
    })
}
