//! `ovl cni list`.

use plugin_core::chain::exec;

use super::Place;
use crate::command::Context;
use crate::error::{Outcome, Result};
use crate::render::Format;
use crate::render::cni::list::{Listing, write};

pub(super) fn list(place: &Place, format: Format, context: &mut Context<'_>) -> Result<Outcome> {
    let directory = place.directory()?;
    let listing = Listing::new(&directory, |kind| exec::find(kind, &place.bin_dirs).is_ok());
    write(&listing, format, context.style, context.out)?;
    // A list is shown whatever is in it; that the network in use cannot work is a fault.
    Ok(if listing.usable() {
        Outcome::Healthy
    } else {
        Outcome::Fault
    })
}
