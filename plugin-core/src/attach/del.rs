//! DEL: everything that ADD made, gone. Needs neither the namespace nor an earlier result, and looks no
//! further into the configuration than it must: a wrong key never keeps an address taken.

use super::ipam::Ipam;
use super::network::{Kind, state_dir};
use super::undo::Undoing;
use crate::journal::{Busy, Journal, Progress};
use crate::naming::Owner;
use crate::netlink::Socket;
use crate::spec::{Del, Error, Result};

/// Answers a DEL.
///
/// # Errors
/// What could not be removed; all else is.
pub(super) fn del(kind: Kind, request: &Del) -> Result<()> {
    let invocation = &request.invocation;
    let owner = Owner {
        network: invocation.config.name.clone(),
        attachment: request.attachment.clone(),
    };
    let journal = Journal::new(&state_dir(&invocation.config));
    let ipam = Ipam::of(&invocation.config, kind.purpose());
    let mut node = Socket::open()?;
    let mut errors = Vec::new();

    // An ADD of the same attachment that is still at work is let finish.
    let entry = journal.find(&owner, Busy::Wait).unwrap_or_else(|error| {
        errors.push(Error::from(error));
        None
    });
    let mut undoing = Undoing {
        journal: &journal,
        node: &mut node,
        ipam: ipam.as_ref(),
        invocation,
    };
    match entry.as_ref().map(|entry| &entry.progress) {
        Some(Progress::Begun(intent) | Progress::Attached(intent, _)) => {
            errors.extend(undoing.undo(intent));
        }
        // Deleted before, never made, or the state directory was lost: the alias tells.
        Some(Progress::None) | None => {
            errors.extend(undoing.delete_links_of(&owner).err());
            errors.extend(undoing.release(&owner).err());
        }
    }
    if let Some(entry) = entry
        && errors.is_empty()
    {
        errors.extend(entry.remove().err().map(Error::from));
    }
    super::all_of(errors)
}
