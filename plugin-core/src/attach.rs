//! What `ovl-routed` and `ovl-vxlan` do alike: each verb of CNI around a [`Plan`](crate::plan::Plan).
//!
//! ADD is a transaction. Everything is validated while the kernel is only read; then the way back is
//! written to the [journal](crate::journal); then the address is taken and the plan carried out. What fails
//! or is killed on its way is undone, by the same process or by the next that meets the entry.

pub mod add;
pub mod check;
pub mod del;
pub mod ends;
pub mod facts;
pub mod gc;
pub mod ipam;
pub mod network;
pub mod rehearsal;
pub mod status;
pub mod undo;

pub use add::plan;
pub use network::{Kind, Network, Wiring};
pub use rehearsal::rehearse;

use crate::netlink;
use crate::plan::execute::{Failure, Refusal};
use crate::spec::{self, Add, AddResult, Check, Code, Del, Error, Gc, Result, Status};

impl spec::Plugin for Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Routed => "ovl-routed",
            Self::Vxlan => "ovl-vxlan",
        }
    }

    fn add(&self, request: &Add) -> Result<AddResult> {
        add::add(*self, request)
    }

    fn del(&self, request: &Del) -> Result<()> {
        del::del(*self, request)
    }

    fn check(&self, request: &Check) -> Result<()> {
        check::check(*self, request)
    }

    fn gc(&self, request: &Gc) -> Result<()> {
        gc::gc(*self, request)
    }

    fn status(&self, request: &Status) -> Result<()> {
        status::status(*self, request)
    }
}

impl From<netlink::Error> for Error {
    fn from(error: netlink::Error) -> Self {
        Refusal::from(error).into()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(Code::Kernel, "cannot read the kernel's tables").with_details(explained(&refusal))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::new(Code::Kernel, failure.to_string()).with_details(explained(&failure.source))
    }
}

/// A refusal and what to do about it.
fn explained(refusal: &Refusal) -> String {
    let advice = match refusal {
        Refusal::Netlink(error) if error.is_permission() => {
            "; run as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN"
        }
        Refusal::Netlink(error) if error.is_exists() => {
            "; something else made it: see `ip link`, `ip route` and `ip rule`"
        }
        Refusal::Sysctl { source, .. }
            if source.kind() == std::io::ErrorKind::ReadOnlyFilesystem =>
        {
            "; the plugin needs a writable /proc/sys/net"
        }
        _ => "",
    };
    format!("{refusal}{advice}")
}

/// Several errors as one: the first speaks, the others stand in its details.
fn all_of(errors: Vec<Error>) -> Result<()> {
    let mut errors = errors.into_iter();
    let Some(mut first) = errors.next() else {
        return Ok(());
    };
    for error in errors {
        if !first.details.is_empty() {
            first.details.push('\n');
        }
        first.details += &format!("also: {error}");
    }
    Err(first)
}
