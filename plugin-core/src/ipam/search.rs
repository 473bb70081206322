//! Which address of this node's own blocks comes next.

use std::net::IpAddr;

use super::error::Error;
use super::ledger::Held;
use super::pool::Pool;
use super::session::Session;
use super::time::Seconds;

impl Session<'_> {
    /// The next address of a block of ours that has rested, after the one given last.
    pub(super) fn cool_in(&mut self, pool: &Pool, held: &Held) -> Result<Option<IpAddr>, Error> {
        let state = self.ledger.state();
        let free = |address: &IpAddr| {
            let at = state.cooling.get(address);
            !state.used.contains_key(address) && at.is_none_or(|at| self.is_cool(*at))
        };
        // Full as far as this node knows: the store need not be asked.
        if next_in(pool, held, held.block.size(), free).is_none() {
            return Ok(None);
        }
        loop {
            let Some(claim) = self.owned(held)? else {
                return Ok(None);
            };
            let free = |address: &IpAddr| {
                !self.is_taken(&claim, *address) && self.released(&claim, *address).is_none()
            };
            if let Some(address) = next_in(pool, held, claim.granted, free) {
                return Ok(Some(address));
            }
            if !self.grow(held, None)? {
                return Ok(None);
            }
        }
    }

    /// Of the addresses of a block of ours that have not rested enough, the one that did longest.
    pub(super) fn longest_rested(
        &mut self,
        pool: &Pool,
        held: &Held,
    ) -> Result<Option<(Seconds, IpAddr)>, Error> {
        let Some(claim) = self.owned(held)? else {
            return Ok(None);
        };
        let own = self
            .ledger
            .state()
            .cooling
            .iter()
            .map(|(ip, at)| (*at, *ip));
        let lent = claim
            .lent
            .iter()
            .filter_map(|(ip, loan)| Some((loan.returned?, *ip)));
        Ok(own
            .chain(lent)
            .filter(|(_, address)| {
                let offset = held.block.offset(*address);
                offset.is_some_and(|offset| offset < claim.granted)
                    && pool.reserved(*address).is_none()
                    && !self.is_taken(&claim, *address)
            })
            .min())
    }
}

/// The first address of a block that `free` accepts, below offset `limit`, in a circle from where the search
/// ended last.
pub(super) fn next_in(
    pool: &Pool,
    held: &Held,
    limit: u64,
    free: impl Fn(&IpAddr) -> bool,
) -> Option<IpAddr> {
    let start = if held.next < limit { held.next } else { 0 };
    let search = |from: u64, to: u64| {
        let mut from = from;
        while let Some(offset) = pool.next_givable(held.block, from).filter(|o| *o < to) {
            let address = held.block.address(offset)?;
            if free(&address) {
                return Some(address);
            }
            from = offset + 1;
        }
        None
    };
    search(start, limit).or_else(|| search(0, start))
}
