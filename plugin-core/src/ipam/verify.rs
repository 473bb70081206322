//! CHECK and STATUS: what is recorded against what should be.

use std::net::IpAddr;

use serde::Serialize;

use super::claim::{Claim, claimed};
use super::config::Config;
use super::error::Error;
use super::ledger::{Held, Ledger, Record};
use super::pool::{Block, Family};
use super::session::key;
use super::time::Seconds;
use crate::spec::Attachment;
use crate::store::Store;

/// Verifies that `owner` has the addresses that its ADD returned, and that they are this node's to give.
pub(super) fn check(
    config: &Config,
    store: &dyn Store,
    owner: &Attachment,
    returned: &[IpAddr],
) -> Result<(), Error> {
    let place = &config.place;
    let mut findings = Vec::new();
    let ledger = Ledger::look(&place.ledger())?;
    let path = place.ledger().join("ledger");
    let record = ledger.as_ref().and_then(|l| l.state().records.get(owner));
    for address in returned {
        if config.pool_of(*address).is_none() {
            findings.push(format!("{address} of {owner} is in no pool"));
        } else if record.is_none_or(|record| !record.addresses.contains(address)) {
            let state = ledger.as_ref().map(Ledger::state);
            let found = match state.and_then(|state| state.used.get(address)) {
                Some(other) => format!("it is recorded for {other}"),
                None => "it is free".into(),
            };
            findings.push(format!(
                "{address} should be recorded for {owner} in {}, but {found}",
                path.display()
            ));
        }
    }
    if let (Some(ledger), Some(record)) = (&ledger, record) {
        for address in &record.addresses {
            if !returned.contains(address) {
                findings.push(format!(
                    "{address} is recorded for {owner}, but its ADD did not return it"
                ));
            }
            let held = ledger.state().block_of(*address);
            findings.extend(wrong_block(config, store, record, *address, held)?);
        }
    }
    if findings.is_empty() {
        if let Some(ledger) = ledger {
            ledger.require_whole()?;
        }
        return Ok(());
    }
    Err(Error::NotAsExpected {
        network: place.network.clone(),
        findings,
    })
}

/// What is wrong with the block that an address is from.
fn wrong_block(
    config: &Config,
    store: &dyn Store,
    record: &Record,
    address: IpAddr,
    held: Option<&Held>,
) -> Result<Option<String>, Error> {
    let place = &config.place;
    let lender = record.borrowed.get(&address).copied();
    let Some(block) = lender.or(held.map(|held| held.block)) else {
        return Ok(Some(format!("{address} is in no block of this node")));
    };
    let key = key(&place.network, block);
    let location = store.locate(&key);
    let Some(entry) = store.get(&key)? else {
        return Ok(Some(format!(
            "block {block} of {address} should be in the store, but {location} is not there"
        )));
    };
    let claim = match Claim::parse(&entry.value) {
        Ok(claim) => claim,
        Err(cause) => return Ok(Some(format!("{location} is damaged: {cause}"))),
    };
    let owner = claim.node.as_deref().unwrap_or("nobody");
    Ok(match lender {
        None if !claim.owned_by(&place.node) => Some(format!(
            "block {block} of {address} should be of {}, but {location} says {owner}",
            place.node
        )),
        Some(_) => {
            let loan = claim.lent.get(&address);
            let lent = loan.is_some_and(|l| l.returned.is_none() && l.node == place.node);
            (!lent).then(|| {
                format!(
                    "{address} should be lent by {owner} to {}, but {location} does not say so",
                    place.node
                )
            })
        }
        None => None,
    })
}

/// How many addresses of a family there are on this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// IPv4 or IPv6.
    pub family: Family,
    /// Blocks of this node that can be used.
    pub blocks: usize,
    /// Addresses in those blocks, reserved ones included.
    pub size: u64,
    /// Addresses in use.
    pub used: u64,
    /// Addresses that were released within the cool-down.
    pub resting: u64,
}

/// Tells whether an ADD would succeed, as far as can be said without one: the store is listed only if this
/// node's own blocks are full.
pub(super) fn status(
    config: &Config,
    store: &dyn Store,
    now: Seconds,
) -> Result<Vec<Capacity>, Error> {
    let place = &config.place;
    let ledger = Ledger::look(&place.ledger())?;
    if let Some(ledger) = &ledger {
        ledger.require_whole()?;
    }
    let mut capacities = Vec::new();
    for family in config.families() {
        let mut capacity = Capacity {
            family,
            blocks: 0,
            size: 0,
            used: 0,
            resting: 0,
        };
        let mut own = Vec::new();
        if let Some(ledger) = &ledger {
            let state = ledger.state();
            own.extend(state.blocks.iter().filter(|held| {
                held.block.family() == family
                    && held.node == place.node
                    && !held.unsure
                    && config.pools.iter().any(|pool| pool.holds(held.block))
            }));
            let inside = |address: &IpAddr| own.iter().any(|h| h.block.offset(*address).is_some());
            capacity.used = count(state.used.keys().filter(|address| inside(address)));
            capacity.resting = count(
                state
                    .cooling
                    .iter()
                    .filter(|(address, at)| inside(address) && !at.passed(config.cool_down, now)),
            );
        }
        capacity.blocks = own.len();
        capacity.size = own.iter().map(|held| held.block.size()).sum();
        if !has_room(config, store, &own, ledger.as_ref())?
            && !can_grow(config, store, family, &own)?
        {
            return Err(Error::Exhausted {
                network: place.network.clone(),
                family,
                node: place.node.clone(),
                why: format!(
                    "the {} blocks of this node are full and the pools have no free block",
                    own.len()
                ),
            });
        }
        capacities.push(capacity);
    }
    Ok(capacities)
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.fold(0, |sum, _| sum + 1)
}

/// True if a block of this node has an address that can be given.
fn has_room(
    config: &Config,
    store: &dyn Store,
    own: &[&Held],
    ledger: Option<&Ledger>,
) -> Result<bool, Error> {
    let Some(ledger) = ledger else {
        return Ok(false);
    };
    for held in own {
        let Some(pool) = config.pools.iter().find(|pool| pool.holds(held.block)) else {
            continue;
        };
        let key = key(&config.place.network, held.block);
        let claim = match store.get(&key)?.map(|entry| Claim::parse(&entry.value)) {
            Some(Ok(claim)) if claim.owned_by(&config.place.node) => Some(claim),
            Some(_) => continue,
            // Lost, and claimed again by the next ADD.
            None => None,
        };
        let taken = |address: IpAddr| {
            ledger.state().used.contains_key(&address)
                || claim.as_ref().is_some_and(|claim| claim.has_given(address))
        };
        let mut from = 0;
        while let Some(offset) = pool.next_givable(held.block, from) {
            if held
                .block
                .address(offset)
                .is_some_and(|address| !taken(address))
            {
                return Ok(true);
            }
            from = offset + 1;
        }
    }
    Ok(false)
}

/// True if the pools of a family have a block that nobody has, or one that lends.
fn can_grow(
    config: &Config,
    store: &dyn Store,
    family: Family,
    own: &[&Held],
) -> Result<bool, Error> {
    let taken = claimed(store, &config.place.network)?;
    let is_taken = |block: Block| {
        let by_others = taken.iter().filter(|other| {
            other.claim.as_ref().is_ok_and(|claim| claim.node.is_some()) || other.claim.is_err()
        });
        by_others
            .map(|other| other.block)
            .chain(own.iter().map(|held| held.block))
            .any(|other| other.overlaps(block))
    };
    let pools = || config.pools.iter().filter(|pool| pool.family() == family);
    let free = pools().any(|pool| {
        pool.order(&config.place.node)
            .any(|block| !is_taken(block) && pool.next_givable(block, 0).is_some())
    });
    let lends = || {
        taken.iter().any(|other| {
            let granted = other.claim.as_ref().map_or(u64::MAX, |claim| {
                claim
                    .granted
                    .saturating_add(claim.lent_in_use().count() as u64)
            });
            pools().any(|pool| pool.holds(other.block))
                && !other.owned_by(&config.place.node)
                && granted < other.block.size()
        })
    };
    Ok(free || (config.borrow && lends()))
}
