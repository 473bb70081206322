//! Address management: a pool is split into blocks, a node claims blocks in the shared store, and pods get
//! addresses from their node's blocks.
//!
//! | module | question |
//! |---|---|
//! | [`config`] | what is configured, and does it make sense |
//! | `pool` | which blocks and addresses a pool has (arithmetic) |
//! | [`claim`](Claim) | who owns a block, in the store |
//! | `ledger` | who has an address, on this node's disk |
//! | `session` | one request over both |
//! | `allocate`, `release`, `sweep`, `verify` | ADD, DEL, GC, CHECK and STATUS |
//! | `rehearsal` | what ADD would give |
//! | `search`, `borrow`, `gateway` | where ADD finds an address |
//! | [`plugin`] | the same as a CNI plugin, `ovl-ipam` |
//!
//! The functions here are the in-process interface for plugins and agents: they open the store, read the
//! clock, and leave the rest to the modules.
//!
//! An address is never given twice, whatever is lost:
//! - Two nodes never own one block: claims are created only if absent, and changed by compare-and-swap.
//! - A store that lost a claim gets it again from the node whose ledger has it. If another node was faster, the
//!   block is not used here any more.
//! - A node whose ledger is lost finds blocks of its own in the store that it knows nothing about. They are
//!   set aside until GC shows that no attachment is unknown: pods that were forgotten keep their addresses, and the
//!   first GC after the last of them ended puts the blocks to use again.
//! - A node that is called something else does not use the blocks of its old name.

pub mod config;
pub mod plugin;

mod allocate;
mod borrow;
mod claim;
mod error;
mod gateway;
mod inventory;
mod ledger;
mod pool;
mod rehearsal;
mod release;
mod search;
mod session;
mod sweep;
mod time;
mod verify;

use std::net::IpAddr;

use ipnet::IpNet;

pub use allocate::{Allocation, Assigned, Owner, Request};
pub use claim::{Claim, Claimed, Loan, claimed};
pub use config::{Config, Place, Purpose};
pub use error::Error;
pub use inventory::{Inventory, inventory};
pub use pool::{Block, Family, Gateway, Layout, Pool, Reserved};
pub use rehearsal::rehearse;
pub use sweep::Swept;
pub use time::Seconds;
pub use verify::Capacity;

use crate::spec::Attachment;
use crate::store::Store;

/// ADD: gives `owner` one address of each family, or nothing. For the same owner it is the same again.
///
/// # Errors
/// [`Error::Exhausted`], [`Error::Refused`] for an address asked for, and what the disk or the store says.
pub fn allocate(config: &Config, owner: &Owner, request: &Request) -> Result<Allocation, Error> {
    let store = config.place.open_store()?;
    allocate::allocate(config, &store, Seconds::now(), owner, request)
}

/// DEL: frees everything that `owner` has and says what that was. Nothing to free is success.
///
/// # Errors
/// What the disk says; what the store says if the address was borrowed.
pub fn release(place: &Place, owner: &Attachment) -> Result<Vec<IpAddr>, Error> {
    release::release(place, || opened(place), Seconds::now(), owner)
}

/// CHECK: verifies that `owner` has the addresses that its ADD returned.
///
/// # Errors
/// [`Error::NotAsExpected`] with everything that is wrong.
pub fn check(config: &Config, owner: &Attachment, returned: &[IpAddr]) -> Result<(), Error> {
    let store = config.place.open_store()?;
    verify::check(config, &store, owner, returned)
}

/// GC: frees what belongs to no attachment in `valid`, then releases blocks that are not needed. With
/// `dry_run` it only says what it would do.
///
/// # Errors
/// What could not be freed; everything else is.
pub fn gc(config: &Config, valid: &[Attachment], dry_run: bool) -> Result<Swept, Error> {
    let (place, now) = (&config.place, Seconds::now());
    let mut swept = sweep::records(place, || opened(place), now, valid, dry_run)?;
    let store = place.open_store()?;
    sweep::blocks(config, &store, now, valid, dry_run, &mut swept)?;
    Ok(swept)
}

/// STATUS: how much this node has, or why an ADD would fail.
///
/// # Errors
/// [`Error::Exhausted`], and what the disk or the store says.
pub fn status(config: &Config) -> Result<Vec<Capacity>, Error> {
    let store = config.place.open_store()?;
    verify::status(config, &store, Seconds::now())
}

/// This node's own address in each pool with [`Gateway::Node`], with the pool's prefix length: the first
/// address of its first block that was free when it was first asked for, and the same ever after, also when
/// the node's disk is lost.
///
/// # Errors
/// [`Error::Exhausted`] when a pool has no block left, and what the disk or the store says.
pub fn gateways(config: &Config) -> Result<Vec<IpNet>, Error> {
    let store = config.place.open_store()?;
    gateway::gateways(config, &store, Seconds::now())
}

/// Frees what a node that is gone for good has in the store, and says which blocks it had.
///
/// # Errors
/// What the store says.
pub fn remove_node(store: &dyn Store, network: &str, node: &str) -> Result<Vec<Block>, Error> {
    release::remove_node(store, network, node, Seconds::now())
}

fn opened(place: &Place) -> Result<Box<dyn Store>, Error> {
    Ok(Box::new(place.open_store()?))
}

#[cfg(test)]
mod tests;
