//! The address of the node itself in a pool: what pods of a flat network send to when they leave it.
//!
//! It is part of the block's claim, not of the ledger, so that it is the same after the node's disk was lost
//! and known to all nodes.

use std::net::IpAddr;

use ipnet::IpNet;

use super::config::Config;
use super::error::Error;
use super::ledger::{Held, Ledger};
use super::pool::{Gateway, Pool};
use super::search::next_in;
use super::session::Session;
use super::time::Seconds;
use crate::store::Store;

impl Session<'_> {
    /// This node's own address in `pool`, reserved in the store the first time and the same ever after;
    /// `None` if the pool has no block left for this node.
    pub(super) fn gateway(&mut self, pool: &Pool) -> Result<Option<IpAddr>, Error> {
        if self.held(pool).is_empty() {
            // After the ledger was lost the store still knows; this sets such blocks aside.
            self.set_aside_unknown()?;
        }
        let mut first = None;
        for held in self.held(pool) {
            let claim = if held.unsure {
                self.claim_of(&held)?
            } else {
                self.owned(&held)?
            };
            let Some(claim) = claim else { continue };
            if claim.gateway.is_some() {
                return Ok(claim.gateway);
            }
            if !held.unsure {
                first.get_or_insert((held, claim));
            }
        }
        let (held, claim) = match first {
            Some(first) => first,
            None => {
                let Some(held) = self.claim(pool, None)? else {
                    return Ok(None);
                };
                let Some(claim) = self.owned(&held)? else {
                    return Ok(None);
                };
                (held, claim)
            }
        };
        let from_the_start = Held { next: 0, ..held };
        let free = |address: &IpAddr| !self.is_taken(&claim, *address);
        let Some(address) = next_in(pool, &from_the_start, claim.granted, free) else {
            return Ok(None);
        };
        let node = self.config.place.node.clone();
        self.change(from_the_start.block, |claim| {
            (claim.owned_by(&node) && claim.gateway.is_none())
                .then(|| claim.gateway = Some(address))
        })?;
        Ok(Some(address))
    }
}

/// This node's address in each pool that gives it one.
pub(super) fn gateways(
    config: &Config,
    store: &dyn Store,
    now: Seconds,
) -> Result<Vec<IpNet>, Error> {
    let pools: Vec<&Pool> = config
        .pools
        .iter()
        .filter(|pool| pool.gateway == Gateway::Node)
        .collect();
    if pools.is_empty() {
        return Ok(Vec::new());
    }
    let ledger = Ledger::open(&config.place.ledger())?;
    ledger.require_whole()?;
    let mut session = Session::new(config, store, now, ledger);
    let mut found = Vec::new();
    let reserve = || {
        for pool in pools {
            let Some(address) = session.gateway(pool)? else {
                return Err(Error::Exhausted {
                    network: config.place.network.clone(),
                    family: pool.family(),
                    node: config.place.node.clone(),
                    why: format!("pool {} has no free block for its gateway", pool.cidr()),
                });
            };
            found.push(IpNet::new(address, pool.pod_prefix()).unwrap_or(IpNet::from(address)));
        }
        Ok(())
    };
    let reserved = reserve();
    if reserved.is_err() {
        session.release_fresh();
    }
    let _ = session.ledger.tidy(|at| at.passed(config.cool_down, now));
    reserved.map(|()| found)
}
