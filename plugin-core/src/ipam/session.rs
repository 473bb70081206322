//! One request: the ledger locked, and what the store said about the blocks it touches.
//!
//! Lock order: the ledger first, then (inside the store) the store's own lock. The order of writes is what
//! makes a crash harmless: a block is in the ledger before it is in the store, and leaves the store before
//! it leaves the ledger. A block that is in the ledger alone is simply claimed again; one that is in the store
//! alone means that a ledger was lost.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::claim::{Claim, Claimed, claimed};
use super::config::{Config, Place};
use super::error::Error;
use super::ledger::{Held, Ledger, Line};
use super::pool::{Block, Pool};
use super::time::Seconds;
use crate::store::{self, Entry, Key, Store};

/// How often a change is tried that other nodes keep overtaking. Each failure means that another one
/// succeeded.
const ATTEMPTS: usize = 100;

pub(super) struct Session<'a> {
    pub(super) config: &'a Config,
    pub(super) store: &'a dyn Store,
    pub(super) now: Seconds,
    pub(super) ledger: Ledger,
    /// Claims of blocks of ours, as seen during this request.
    claims: HashMap<Block, Result<Claim, String>>,
    /// Blocks that this request has claimed.
    pub(super) fresh: Vec<Block>,
    /// Why blocks that look like ours are not used.
    pub(super) notes: BTreeSet<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        config: &'a Config,
        store: &'a dyn Store,
        now: Seconds,
        ledger: Ledger,
    ) -> Self {
        Self {
            config,
            store,
            now,
            ledger,
            claims: HashMap::new(),
            fresh: Vec::new(),
            notes: BTreeSet::new(),
        }
    }

    fn place(&self) -> &'a Place {
        &self.config.place
    }

    fn key(&self, block: Block) -> Key {
        key(&self.place().network, block)
    }

    /// Blocks of `pool` in the ledger, oldest first.
    pub(super) fn held(&self, pool: &Pool) -> Vec<Held> {
        let blocks = self.ledger.state().blocks.iter();
        blocks
            .filter(|held| pool.holds(held.block))
            .cloned()
            .collect()
    }

    /// What the store says about a block of the ledger, if that is that it is ours and may be used.
    /// One that the store has lost is claimed again: the ledger is the proof.
    pub(super) fn owned(&mut self, held: &Held) -> Result<Option<Claim>, Error> {
        if held.unsure {
            self.notes.insert(format!(
                "block {} is set aside, because this node's records of it were lost and pods may have \
                 addresses from it: GC settles that",
                held.block
            ));
            return Ok(None);
        }
        let claim = match self.claims.get(&held.block) {
            Some(known) => known.clone(),
            None => {
                let claim = self.ask(held)?;
                self.claims.insert(held.block, claim.clone());
                claim
            }
        };
        match claim {
            Ok(claim) => Ok(Some(claim)),
            Err(note) => {
                self.notes.insert(note);
                Ok(None)
            }
        }
    }

    fn ask(&self, held: &Held) -> Result<Result<Claim, String>, Error> {
        let (block, node) = (held.block, self.place().node.as_str());
        let key = self.key(block);
        if held.node != node {
            return Ok(Err(format!(
                "block {block} is of {}, which is what this node was called: give it that name again, or \
                 remove the node {}",
                held.node, held.node
            )));
        }
        for _ in 0..ATTEMPTS {
            if let Some(entry) = self.store.get(&key)? {
                return Ok(match Claim::parse(&entry.value) {
                    Ok(claim) if claim.owned_by(node) => Ok(claim),
                    Ok(claim) => Err(format!(
                        "block {block} was ours, but {} says it is of {}",
                        self.store.locate(&key),
                        claim.node.as_deref().unwrap_or("nobody")
                    )),
                    Err(cause) => Err(format!("{} is damaged: {cause}", self.store.locate(&key))),
                });
            }
            let mut claim = Claim::new(node, held.granted);
            claim.restored = held.granted < block.size();
            match self.store.create(&key, &claim.to_bytes()) {
                Ok(_) => return Ok(Ok(claim)),
                Err(store::Error::Exists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(self.contended(block))
    }

    /// Changes the claim of a block by compare-and-swap. `change` says with `None` that there is nothing
    /// to change, which the answer then is too, as it is when there is no claim.
    pub(super) fn change<T>(
        &mut self,
        block: Block,
        mut change: impl FnMut(&mut Claim) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let changed = swap(self.store, &self.place().network, block, |claim| {
            change(claim)
        })?;
        Ok(changed.map(|(claim, done)| {
            if claim.owned_by(&self.place().node) {
                self.claims.insert(block, Ok(claim));
            }
            done
        }))
    }

    /// How many addresses of a new block its owner is granted at once.
    fn first_grant(&self, block: Block) -> u64 {
        if self.config.borrow {
            (block.size() / 4).max(1)
        } else {
            block.size()
        }
    }

    /// Has more of our own block granted to us: up to and with `offset`, or an eighth more. Says
    /// whether there is more now.
    pub(super) fn grow(&mut self, held: &Held, offset: Option<u64>) -> Result<bool, Error> {
        let (block, node) = (held.block, self.place().node.clone());
        let granted = self.change(block, |claim| {
            let step = (block.size() / 8).max(1);
            let next = offset.map_or(claim.granted + step, |offset| offset + 1);
            let next = next.min(block.size());
            let may = claim.owned_by(&node) && !claim.restored && next > claim.granted;
            may.then(|| {
                claim.granted = next;
                next
            })
        })?;
        let Some(granted) = granted else {
            return Ok(false);
        };
        self.note_grant(block, granted)?;
        Ok(true)
    }

    /// Keeps the ledger's idea of how much of a block is ours.
    pub(super) fn note_grant(&mut self, block: Block, granted: u64) -> Result<(), Error> {
        let held = self.ledger.state().blocks.iter();
        let Some(held) = held.clone().find(|held| held.block == block).cloned() else {
            return Ok(());
        };
        self.ledger.append([Line::Block(Held { granted, ..held })])
    }

    /// Claims a block of `pool` that nobody has: `only` that one, or the first in this node's order.
    pub(super) fn claim(
        &mut self,
        pool: &Pool,
        only: Option<Block>,
    ) -> Result<Option<Held>, Error> {
        let taken = self.set_aside_unknown()?;
        let mut same: BTreeSet<Block> = BTreeSet::new();
        let mut others: Vec<Block> = Vec::new();
        let mut free_again: BTreeSet<Block> = BTreeSet::new();
        for other in &taken {
            let orphan = other.claim.as_ref().is_ok_and(|claim| claim.node.is_none());
            if orphan {
                free_again.insert(other.block);
            } else if other.block.cidr().prefix_len() == pool.block_prefix {
                same.insert(other.block);
            } else if pool.holds(other.block) || other.block.overlaps(Block::new(pool.cidr())) {
                others.push(other.block);
            }
        }
        // Also those that the store does not know (any more): they are claimed again when used.
        for held in &self.ledger.state().blocks {
            same.insert(held.block);
            others.push(held.block);
        }
        let node = self.place().node.clone();
        let candidates: Box<dyn Iterator<Item = Block>> = match only {
            Some(block) => Box::new(std::iter::once(block)),
            None => Box::new(pool.order(&node)),
        };
        for block in candidates {
            let is_taken =
                same.contains(&block) || others.iter().any(|other| other.overlaps(block));
            if is_taken || pool.next_givable(block, 0).is_none() {
                continue;
            }
            let held = Held {
                block,
                node: node.clone(),
                granted: self.first_grant(block),
                unsure: false,
                next: 0,
            };
            self.ledger.append_durably([Line::Block(held.clone())])?;
            match self.try_claim(&held, free_again.contains(&block)) {
                Ok(true) => {
                    self.fresh.push(block);
                    return Ok(Some(held));
                }
                Ok(false) => self.ledger.append([Line::Drop(block)])?,
                Err(error) => {
                    // Whatever the store has now: without the line it is not used.
                    let _ = self.ledger.append([Line::Drop(block)]);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Makes `held` ours in the store; `false` if another node was faster.
    fn try_claim(&mut self, held: &Held, orphan: bool) -> Result<bool, Error> {
        let (block, node) = (held.block, held.node.as_str());
        if orphan {
            let taken_over = self.change(block, |claim| {
                claim.node.is_none().then(|| {
                    claim.node = Some(node.to_owned());
                    claim.granted = held.granted;
                })
            })?;
            return Ok(taken_over.is_some());
        }
        let claim = Claim::new(node, held.granted);
        let revision = match self.store.create(&self.key(block), &claim.to_bytes()) {
            Ok(revision) => revision,
            Err(store::Error::Exists(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        // A node whose configuration has another block size creates another key. Of two that overlap,
        // whoever looks last sees both; when both do, both give way.
        let taken = claimed(self.store, &self.place().network)?;
        if taken
            .iter()
            .any(|other| other.block != block && other.block.overlaps(block))
        {
            self.store.delete(&self.key(block), &revision)?;
            return Ok(false);
        }
        self.claims.insert(block, Ok(claim));
        Ok(true)
    }

    /// What the store says about a block, if that is that it is ours. Changes nothing.
    pub(super) fn claim_of(&self, held: &Held) -> Result<Option<Claim>, Error> {
        let entry = self.store.get(&self.key(held.block))?;
        let claim = entry.and_then(|entry| Claim::parse(&entry.value).ok());
        Ok(claim.filter(|claim| claim.owned_by(&self.place().node)))
    }

    /// Lists all blocks of the network. Those that the store says are ours and the ledger does not know
    /// are from a ledger that was lost: they become known, and are not used.
    pub(super) fn set_aside_unknown(&mut self) -> Result<Vec<Claimed>, Error> {
        let place = self.place();
        let taken = claimed(self.store, &place.network)?;
        let unknown: Vec<Line> = taken
            .iter()
            .filter(|other| other.owned_by(&place.node))
            .filter(|other| {
                let mut known = self.ledger.state().blocks.iter();
                !known.any(|held| held.block == other.block)
            })
            .map(|other| {
                Line::Block(Held {
                    block: other.block,
                    node: place.node.clone(),
                    granted: other.claim.as_ref().map_or(0, |claim| claim.granted),
                    unsure: true,
                    next: 0,
                })
            })
            .collect();
        if !unknown.is_empty() {
            self.ledger.append_durably(unknown)?;
        }
        Ok(taken)
    }

    /// Gives a block of ours back to the store, unless addresses of it are lent. The caller knows that
    /// no pod of this node uses it.
    pub(super) fn release(&mut self, block: Block) -> Result<bool, Error> {
        let key = self.key(block);
        for _ in 0..ATTEMPTS {
            let Some(entry) = self.store.get(&key)? else {
                break;
            };
            match Claim::parse(&entry.value) {
                // Somebody else's by now: only the ledger's line is ours to remove.
                Ok(claim) if !claim.owned_by(&self.place().node) => break,
                Ok(claim) if claim.lent_in_use().next().is_some() || claim.restored => {
                    return Ok(false);
                }
                Ok(_) => {}
                Err(cause) => return Err(damaged(self.store, &key, &cause)),
            }
            match self.store.delete(&key, &entry.revision) {
                Ok(()) => break,
                Err(store::Error::Changed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.claims.remove(&block);
        self.ledger.append([Line::Drop(block)])?;
        Ok(true)
    }

    /// Undoes the claims of this request.
    pub(super) fn release_fresh(&mut self) {
        for block in std::mem::take(&mut self.fresh) {
            // It failed already, and for a better reason. What stays is an empty block of ours, and GC's.
            let _ = self.release(block);
        }
    }

    fn contended(&self, block: Block) -> Error {
        Error::Contended {
            network: self.place().network.clone(),
            location: self.store.locate(&self.key(block)),
        }
    }

    /// True if an address that was released then may be used again without a second thought.
    pub(super) fn is_cool(&self, released: Seconds) -> bool {
        released.passed(self.config.cool_down, self.now)
    }

    /// Tells whether `address` cannot be given now: it is in use, lent, or the gateway.
    pub(super) fn is_taken(&self, claim: &Claim, address: IpAddr) -> bool {
        self.ledger.state().used.contains_key(&address) || claim.has_given(address)
    }

    /// When `address` was last released; `None` if not lately.
    pub(super) fn released(&self, claim: &Claim, address: IpAddr) -> Option<Seconds> {
        let lent = claim.lent.get(&address).and_then(|loan| loan.returned);
        let own = self.ledger.state().cooling.get(&address).copied();
        lent.max(own).filter(|at| !self.is_cool(*at))
    }
}

pub(super) fn key(network: &str, block: Block) -> Key {
    Key::Block {
        network: network.to_owned(),
        cidr: block.cidr(),
    }
}

pub(super) fn damaged(store: &dyn Store, key: &Key, cause: &dyn std::fmt::Display) -> Error {
    Error::DamagedClaim {
        location: store.locate(key),
        cause: cause.to_string(),
    }
}

/// Compare-and-swap of a claim until it succeeds or there is nothing to do.
pub(super) fn swap<T>(
    store: &dyn Store,
    network: &str,
    block: Block,
    mut change: impl FnMut(&mut Claim) -> Option<T>,
) -> Result<Option<(Claim, T)>, Error> {
    let key = key(network, block);
    for _ in 0..ATTEMPTS {
        let Some(Entry {
            value, revision, ..
        }) = store.get(&key)?
        else {
            return Ok(None);
        };
        let mut claim = Claim::parse(&value).map_err(|cause| damaged(store, &key, &cause))?;
        let Some(done) = change(&mut claim) else {
            return Ok(None);
        };
        match store.replace(&key, &claim.to_bytes(), &revision) {
            Ok(_) => return Ok(Some((claim, done))),
            Err(store::Error::Changed(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Contended {
        network: network.to_owned(),
        location: store.locate(&key),
    })
}
