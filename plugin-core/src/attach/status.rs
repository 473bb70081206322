//! STATUS: could an ADD be served now? Cheap: a runtime asks every few seconds.

use rustix::fs::{Access, access};

use super::network::{Kind, Network};
use crate::spec::{Code, Error, Result, Status};

/// Answers a STATUS.
///
/// # Errors
/// [`Code::NotAvailable`] with the reason.
pub(super) fn status(kind: Kind, request: &Status) -> Result<()> {
    let network = Network::read(kind, &request.invocation.config)?;
    let dir = &network.state_dir;
    // Until the first ADD the directory need not be there.
    if dir.exists() && access(dir, Access::WRITE_OK).is_err() {
        return Err(Error::new(
            Code::NotAvailable,
            format!("the state directory {} cannot be written", dir.display()),
        ));
    }
    network.ipam.status(request)
}
