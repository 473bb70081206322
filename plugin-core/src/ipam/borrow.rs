//! Single addresses of other nodes' blocks: from what their owner has not been granted yet.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::allocate::Add;
use super::claim::{Claim, Claimed, Loan};
use super::error::Error;
use super::ledger::{Line, Record};
use super::pool::{Block, Pool};
use super::time::Seconds;

impl Add<'_> {
    /// Borrows an address, a particular one or any, if its owner has not been granted it yet.
    pub(super) fn borrow_from(
        &mut self,
        other: &Claimed,
        only: Option<IpAddr>,
    ) -> Result<Option<IpAddr>, Error> {
        let config = self.session.config;
        let block = other.block;
        let Some(pool) = config.pools.iter().find(|pool| pool.holds(block)) else {
            return Ok(None);
        };
        let (now, cool_down) = (self.session.now, config.cool_down);
        let pick =
            |claim: &Claim| lendable(pool, block, claim, only, |at| at.passed(cool_down, now));
        let possible = match &other.claim {
            Ok(claim) => pick(claim),
            Err(_) => None,
        };
        if possible.is_none() {
            return Ok(None);
        }
        // Announced first: killed after the loan and before the record, DEL still finds it.
        self.borrowing.push(block);
        let mut intent = self.previous.clone().unwrap_or_else(|| Record {
            owner: self.owner.attachment.clone(),
            pod: self.owner.pod.clone(),
            addresses: Vec::new(),
            borrowed: BTreeMap::new(),
            borrowing: Vec::new(),
            since: now,
        });
        intent.borrowing.extend(&self.borrowing);
        self.session.ledger.append_durably([Line::Give(intent)])?;
        let loan = Loan {
            node: config.place.node.clone(),
            container: self.owner.attachment.container_id.to_string(),
            ifname: self.owner.attachment.ifname.to_string(),
            returned: None,
        };
        let borrowed = self.session.change(block, |claim| {
            claim.lent.retain(|_, loan| match loan.returned {
                Some(at) => !at.passed(cool_down, now),
                None => true,
            });
            let address = pick(claim)?;
            claim.lent.insert(address, loan.clone());
            Some(address)
        })?;
        if let Some(address) = borrowed {
            self.borrowed.insert(address, block);
        }
        Ok(borrowed)
    }
}

/// The address of `block` to borrow: the last one that has rested, else the last one. From the end, because
/// the owner is granted more from the front.
fn lendable(
    pool: &Pool,
    block: Block,
    claim: &Claim,
    only: Option<IpAddr>,
    is_cool: impl Fn(Seconds) -> bool,
) -> Option<IpAddr> {
    if claim.restored {
        return None;
    }
    let free = |address: &IpAddr| {
        let lent = claim.lent.get(address);
        pool.reserved(*address).is_none()
            && claim.gateway != Some(*address)
            && lent.is_none_or(|loan| loan.returned.is_some())
    };
    if let Some(address) = only {
        let offset = block.offset(address)?;
        return (offset >= claim.granted && free(&address)).then_some(address);
    }
    let ungranted = || {
        (claim.granted..block.size())
            .rev()
            .filter_map(|offset| block.address(offset))
            .filter(free)
    };
    let rested = |address: &IpAddr| {
        let returned = claim.lent.get(address).and_then(|loan| loan.returned);
        returned.is_none_or(&is_cool)
    };
    ungranted().find(rested).or_else(|| {
        let returned = |address: &IpAddr| claim.lent.get(address).and_then(|loan| loan.returned);
        ungranted().min_by_key(returned)
    })
}
