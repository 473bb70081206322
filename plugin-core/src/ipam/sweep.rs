//! GC: what belongs to no valid attachment becomes free, blocks that are not needed go back to the
//! store, and those that were set aside after the ledger was lost are put to use again.

use std::net::IpAddr;

use super::claim::claimed;
use super::config::{Config, Place};
use super::error::Error;
use super::ledger::{Held, Ledger, Line, Record};
use super::pool::Block;
use super::release::end;
use super::session::Session;
use super::time::Seconds;
use crate::spec::Attachment;
use crate::store::Store;

/// What GC freed, or would free.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Attachments that are not valid, and what they had.
    pub records: Vec<(Attachment, Vec<IpAddr>)>,
    /// Blocks that went back to the store.
    pub blocks: Vec<Block>,
    /// Blocks that were set aside after the ledger was lost, and can be used again.
    pub settled: Vec<Block>,
}

/// Frees the addresses of every attachment that is not in `valid`. Needs no valid pools.
pub(super) fn records(
    place: &Place,
    open_store: impl Fn() -> Result<Box<dyn Store>, Error>,
    now: Seconds,
    valid: &[Attachment],
    dry_run: bool,
) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    let Some(mut ledger) = Ledger::open_existing(&place.ledger())? else {
        return Ok(swept);
    };
    let stale: Vec<Record> = ledger
        .state()
        .records
        .values()
        .filter(|record| !valid.contains(&record.owner))
        .cloned()
        .collect();
    let mut error = None;
    for record in stale {
        if !dry_run && let Err(cause) = end(&mut ledger, place, &open_store, now, &record) {
            error.get_or_insert(cause);
        }
        swept.records.push((record.owner, record.addresses));
    }
    error.map_or(Ok(swept), Err)
}

/// Settles blocks that were set aside, and releases those that are not needed. `swept` is what
/// [`records`] did: in a dry run those records are still there and count as gone.
pub(super) fn blocks(
    config: &Config,
    store: &dyn Store,
    now: Seconds,
    valid: &[Attachment],
    dry_run: bool,
    swept: &mut Swept,
) -> Result<(), Error> {
    let dir = config.place.ledger();
    let ledger = if dry_run {
        Ledger::look(&dir)?
    } else {
        open_if_needed(config, store, &dir)?
    };
    let Some(ledger) = ledger else {
        return Ok(());
    };
    ledger.require_whole()?;
    let mut session = Session::new(config, store, now, ledger);
    if !dry_run {
        session.set_aside_unknown()?;
    }

    // Every attachment that is alive has a record: nothing that was forgotten is in use.
    let known = &session.ledger.state().records;
    if valid.iter().all(|owner| known.contains_key(owner)) {
        swept.settled = settle(&mut session, dry_run)?;
    }
    let gone: Vec<IpAddr> = swept
        .records
        .iter()
        .flat_map(|(_, ips)| ips)
        .copied()
        .collect();
    let mut error = None;
    for block in surplus(&session, &gone)? {
        match release(&mut session, block, dry_run) {
            Ok(true) => swept.blocks.push(block),
            Ok(false) => {}
            Err(cause) => {
                error.get_or_insert(cause);
            }
        }
    }
    if !dry_run {
        if config.borrow {
            shrink(&mut session)?;
        }
        // What cannot be tidied now (the disk is full) is as good as before.
        let _ = session.ledger.tidy(|at| at.passed(config.cool_down, now));
    }
    error.map_or(Ok(()), Err)
}

/// The ledger, made anew if it was lost while the store has blocks of ours.
fn open_if_needed(
    config: &Config,
    store: &dyn Store,
    dir: &std::path::Path,
) -> Result<Option<Ledger>, Error> {
    if let Some(ledger) = Ledger::open_existing(dir)? {
        return Ok(Some(ledger));
    }
    let ours = claimed(store, &config.place.network)?
        .iter()
        .any(|taken| taken.owned_by(&config.place.node));
    if ours {
        Ledger::open(dir).map(Some)
    } else {
        Ok(None)
    }
}

fn settle(session: &mut Session<'_>, dry_run: bool) -> Result<Vec<Block>, Error> {
    let unsure: Vec<Held> = session
        .ledger
        .state()
        .blocks
        .iter()
        .filter(|held| held.unsure)
        .cloned()
        .collect();
    let blocks = unsure.iter().map(|held| held.block).collect();
    if !dry_run {
        session.ledger.append(unsure.into_iter().map(|held| {
            Line::Block(Held {
                unsure: false,
                ..held
            })
        }))?;
    }
    Ok(blocks)
}

/// Blocks that nobody uses: all but the oldest of each pool, and those in no pool. Addresses that still
/// rest keep their block.
fn surplus(session: &Session<'_>, gone: &[IpAddr]) -> Result<Vec<Block>, Error> {
    let state = session.ledger.state();
    let in_use = |block: Block| {
        let used = state.used.keys().filter(|address| !gone.contains(address));
        let resting = state
            .cooling
            .iter()
            .filter(|(_, at)| !session.is_cool(**at));
        used.chain(resting.map(|(address, _)| address))
            .any(|address| block.offset(*address).is_some())
    };
    let mut kept = Vec::new();
    let mut surplus = Vec::new();
    for held in &state.blocks {
        let pool = session
            .config
            .pools
            .iter()
            .find(|pool| pool.holds(held.block));
        let first = pool.is_some_and(|pool| !kept.contains(&pool.cidr()));
        let ours = !held.unsure && session.claim_of(held)?.is_some();
        if let Some(pool) = pool.filter(|_| first && ours) {
            kept.push(pool.cidr());
        } else if !held.unsure && !in_use(held.block) {
            surplus.push(held.block);
        }
    }
    Ok(surplus)
}

fn release(session: &mut Session<'_>, block: Block, dry_run: bool) -> Result<bool, Error> {
    let held = session
        .ledger
        .state()
        .blocks
        .iter()
        .find(|held| held.block == block);
    let Some(held) = held.cloned() else {
        return Ok(false);
    };
    if held.node != session.config.place.node {
        // Claimed under another name. That name may be another machine's by now, which then has a copy of
        // this ledger: only the line is ours to remove.
        if !dry_run {
            session.ledger.append([Line::Drop(block)])?;
        }
        return Ok(true);
    }
    let claim = session.claim_of(&held)?;
    if claim.is_some_and(|claim| claim.gateway.is_some() || claim.lent_in_use().next().is_some()) {
        return Ok(false);
    }
    if dry_run {
        return Ok(true);
    }
    session.release(block)
}

/// Gives what is granted but not used at the end of each block back, for others to borrow.
fn shrink(session: &mut Session<'_>) -> Result<(), Error> {
    let mine = session.ledger.state().blocks.clone();
    for held in mine {
        let Some(claim) = session.owned(&held)? else {
            continue;
        };
        let state = session.ledger.state();
        let resting = state
            .cooling
            .iter()
            .filter(|(_, at)| !session.is_cool(**at));
        let last = state
            .used
            .keys()
            .chain(resting.map(|(address, _)| address))
            .chain(&claim.gateway)
            .filter_map(|address| held.block.offset(*address))
            .max();
        let least = (held.block.size() / 4).max(1);
        let granted = last.map_or(least, |last| (last + 1).max(least));
        if granted >= claim.granted {
            continue;
        }
        // The ledger first: it may say less than the store, never more.
        session.note_grant(held.block, granted)?;
        let node = session.config.place.node.clone();
        session.change(held.block, |claim| {
            (claim.owned_by(&node) && !claim.restored).then(|| claim.granted = granted)
        })?;
    }
    Ok(())
}
