//! What a node's ledger holds, for people and snapshots.

use std::net::IpAddr;

use serde::Serialize;

use super::config::Place;
use super::error::Error;
use super::ledger::Ledger;
use super::pool::Block;
use super::time::Seconds;
use crate::spec::Attachment;
use crate::spec::args::Pod;

/// Everything in one network's ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// The blocks this node takes for its own, oldest first.
    pub blocks: Vec<OwnBlock>,
    /// Who has which addresses.
    pub records: Vec<Owned>,
    /// Addresses that were released lately, and when (seconds since 1970).
    pub released: Vec<(IpAddr, Seconds)>,
}

/// A block of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnBlock {
    /// Its range.
    pub cidr: Block,
    /// Set aside, because the records of it were lost.
    pub unsure: bool,
}

/// The addresses of one attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owned {
    /// Which interface of which container.
    pub owner: Attachment,
    /// The pod.
    pub pod: Option<Pod>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Those of them that belong to other nodes' blocks.
    pub borrowed: Vec<IpAddr>,
    /// When they were given (seconds since 1970).
    pub since: Seconds,
}

/// Reads the ledger of a network; `None` if there is none on this node.
///
/// # Errors
/// What the disk says, and [`Error::Damaged`].
pub fn inventory(place: &Place) -> Result<Option<Inventory>, Error> {
    let Some(ledger) = Ledger::look(&place.ledger())? else {
        return Ok(None);
    };
    ledger.require_whole()?;
    let state = ledger.state();
    let blocks = state.blocks.iter().map(|held| OwnBlock {
        cidr: held.block,
        unsure: held.unsure,
    });
    let records = state.records.values().map(|record| Owned {
        owner: record.owner.clone(),
        pod: record.pod.clone(),
        addresses: record.addresses.clone(),
        borrowed: record.borrowed.keys().copied().collect(),
        since: record.since,
    });
    Ok(Some(Inventory {
        blocks: blocks.collect(),
        records: records.collect(),
        released: state.cooling.iter().map(|(ip, at)| (*ip, *at)).collect(),
    }))
}
