//! DEL: an attachment's addresses become free.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::claim::Claim;
use super::config::Place;
use super::error::Error;
use super::ledger::{Ledger, Line, Record, Taken};
use super::pool::Block;
use super::session::{key, swap};
use super::time::Seconds;
use crate::spec::Attachment;
use crate::store::{self, Store};

/// Frees everything `owner` has and says what that was. The store is opened only if an address was borrowed.
pub(super) fn release(
    place: &Place,
    open_store: impl Fn() -> Result<Box<dyn Store>, Error>,
    now: Seconds,
    owner: &Attachment,
) -> Result<Vec<IpAddr>, Error> {
    let Some(mut ledger) = Ledger::open_existing(&place.ledger())? else {
        return Ok(Vec::new());
    };
    let Some(record) = ledger.state().records.get(owner).cloned() else {
        let _ = ledger.tidy(|_| false);
        return Ok(Vec::new());
    };
    end(&mut ledger, place, open_store, now, &record)?;
    // How long addresses rest is not known here; ADD and GC forget those that have.
    let _ = ledger.tidy(|_| false);
    Ok(record.addresses)
}

/// Ends a record. Local addresses are free whatever happens; a borrowed one that the store does not take
/// back now stays in the record, for the next DEL or GC.
pub(super) fn end(
    ledger: &mut Ledger,
    place: &Place,
    open_store: impl Fn() -> Result<Box<dyn Store>, Error>,
    now: Seconds,
    record: &Record,
) -> Result<(), Error> {
    let lenders: BTreeSet<Block> = record
        .borrowed
        .values()
        .chain(&record.borrowing)
        .copied()
        .collect();
    let mut failed = Vec::new();
    let mut error = None;
    for lender in lenders {
        let returned = open_store()
            .and_then(|store| give_back(&*store, place, lender, &record.owner, now, |_| false));
        if let Err(cause) = returned {
            failed.push(lender);
            error.get_or_insert(cause);
        }
    }
    let taken = Taken {
        owner: record.owner.clone(),
        at: now,
    };
    let Some(error) = error else {
        return ledger.take(taken);
    };
    ledger.append([
        Line::Take(taken),
        Line::Give(Record {
            addresses: Vec::new(),
            borrowed: BTreeMap::new(),
            borrowing: failed,
            ..record.clone()
        }),
    ])?;
    Err(error)
}

/// Returns what `owner` has borrowed from a block, except addresses to `keep`. A loan or a block that is
/// not there any more is as good as returned.
pub(super) fn give_back(
    store: &dyn Store,
    place: &Place,
    lender: Block,
    owner: &Attachment,
    now: Seconds,
    keep: impl Fn(IpAddr) -> bool,
) -> Result<(), Error> {
    let change = |claim: &mut Claim| {
        let mut changed = false;
        for (address, loan) in &mut claim.lent {
            let ours = loan.node == place.node
                && loan.container == owner.container_id.as_str()
                && loan.ifname == owner.ifname.as_str();
            if ours && loan.returned.is_none() && !keep(*address) {
                loan.returned = Some(now);
                changed = true;
            }
        }
        changed.then_some(())
    };
    match swap(store, &place.network, lender, change)? {
        Some((claim, ())) if claim.node.is_none() => drop_orphan(store, &place.network, lender),
        _ => Ok(()),
    }
}

/// Removes the claim of a block that has no owner and no loan in use any more.
fn drop_orphan(store: &dyn Store, network: &str, block: Block) -> Result<(), Error> {
    let Some(entry) = store.get(&key(network, block))? else {
        return Ok(());
    };
    let unused = Claim::parse(&entry.value)
        .is_ok_and(|claim| claim.node.is_none() && claim.lent_in_use().next().is_none());
    if !unused {
        return Ok(());
    }
    match store.delete(&entry.key, &entry.revision) {
        // Changed: somebody needs it.
        Ok(()) | Err(store::Error::Changed(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Frees what a node that is gone for good has in the store: its blocks, except those that others have
/// borrowed from, which lose their owner; and what it has borrowed itself. Says which blocks it had.
pub(super) fn remove_node(
    store: &dyn Store,
    network: &str,
    node: &str,
    now: Seconds,
) -> Result<Vec<Block>, Error> {
    let mut blocks = Vec::new();
    for taken in super::claim::claimed(store, network)? {
        let block = taken.block;
        let change = |claim: &mut Claim| {
            let mut changed = false;
            for loan in claim.lent.values_mut() {
                if loan.node == node && loan.returned.is_none() {
                    loan.returned = Some(now);
                    changed = true;
                }
            }
            if claim.owned_by(node) {
                claim.node = None;
                claim.granted = 0;
                claim.gateway = None;
                claim.restored = false;
                changed = true;
            }
            changed.then_some(())
        };
        if taken.owned_by(node) {
            blocks.push(block);
        } else if taken.claim.is_err() {
            // Not known to be this node's.
            continue;
        }
        if swap(store, network, block, change)?.is_some() {
            drop_orphan(store, network, block)?;
        }
    }
    Ok(blocks)
}
