//! ADD: which addresses an attachment gets.
//!
//! In this order: what it has already; the address asked for; the next address, round robin, of a block of
//! ours that has not been used lately; a new block; the address of ours that has rested longest; an address
//! of another node's block. A busy node so takes a second block rather than use an address again within
//! the cool-down, and gives the block back by GC.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::claim::claimed;
use super::config::Config;
use super::error::Error;
use super::ledger::{Ledger, Line, Record, Taken};
use super::pool::{Block, Family, Gateway, Pool};
use super::release::give_back;
use super::session::Session;
use super::time::Seconds;
use crate::spec::args::Pod;
use crate::spec::{Attachment, Route};
use crate::store::Store;

/// Whom addresses are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// The pod, for people.
    pub pod: Option<Pod>,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Particular addresses, at most one of each family. A family without one gets any.
    pub addresses: Vec<IpAddr>,
}

/// What an attachment gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// One address of each family, IPv4 first.
    pub addresses: Vec<Assigned>,
    /// The routes of the configuration.
    pub routes: Vec<Route>,
    /// What went well in spite of something that somebody should look at. For standard error.
    pub warnings: Vec<String>,
}

/// One address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// With the prefix length it has in the pod: all bits, or the pool's in a flat network.
    pub address: IpNet,
    /// The gateway of its pool, if there is one.
    pub gateway: Option<IpAddr>,
    /// True if it is from another node's block.
    pub borrowed: bool,
}

/// Gives `owner` its addresses, or none at all.
pub(super) fn allocate(
    config: &Config,
    store: &dyn Store,
    now: Seconds,
    owner: &Owner,
    request: &Request,
) -> Result<Allocation, Error> {
    let wanted = by_family(config, request)?;
    let ledger = Ledger::open(&config.place.ledger())?;
    ledger.require_whole()?;
    let previous = ledger.state().records.get(&owner.attachment).cloned();
    let mut add = Add {
        session: Session::new(config, store, now, ledger),
        owner,
        previous,
        borrowed: BTreeMap::new(),
        borrowing: Vec::new(),
    };
    let allocation = add.serve(&wanted);
    if allocation.is_err() {
        add.undo();
    }
    let Session { mut ledger, .. } = add.session;
    // What cannot be tidied now (the disk is full) is as good as before.
    let _ = ledger.tidy(|at| at.passed(config.cool_down, now));
    allocation
}

/// The addresses asked for, each of them possible as far as the configuration says.
fn by_family(config: &Config, request: &Request) -> Result<BTreeMap<Family, IpAddr>, Error> {
    let mut wanted = BTreeMap::new();
    for address in &request.addresses {
        let refuse = |why| Error::Refused {
            network: config.place.network.clone(),
            address: *address,
            why,
        };
        let Some(pool) = config.pool_of(*address) else {
            let pools: Vec<_> = config.pools.iter().map(|p| p.cidr().to_string()).collect();
            return Err(refuse(format!("it is in no pool ({})", pools.join(", "))));
        };
        if let Some(reason) = pool.reserved(*address) {
            return Err(refuse(format!("it {reason}")));
        }
        match wanted.insert(pool.family(), *address) {
            Some(other) if other != *address => {
                return Err(refuse(format!(
                    "so was {other}: one address of a family is given"
                )));
            }
            _ => {}
        }
    }
    Ok(wanted)
}

/// One ADD.
pub(super) struct Add<'a> {
    pub(super) session: Session<'a>,
    pub(super) owner: &'a Owner,
    /// What the owner had before.
    pub(super) previous: Option<Record>,
    /// Addresses that this request has borrowed, and from which block.
    pub(super) borrowed: BTreeMap<IpAddr, Block>,
    /// Blocks that this request has tried to borrow from.
    pub(super) borrowing: Vec<Block>,
}

impl Add<'_> {
    fn serve(&mut self, wanted: &BTreeMap<Family, IpAddr>) -> Result<Allocation, Error> {
        let config = self.session.config;
        let mut addresses = Vec::new();
        for family in config.families() {
            let kept = self.previous.iter().flat_map(|record| &record.addresses);
            let kept = kept
                .copied()
                .find(|a| Family::of(*a) == family && config.pool_of(*a).is_some());
            addresses.push(match (kept, wanted.get(&family).copied()) {
                (Some(kept), Some(wanted)) if kept != wanted => {
                    return Err(self.refuse(
                        wanted,
                        format!("{} has {kept}; DEL it first", self.owner.attachment),
                    ));
                }
                (Some(kept), _) => kept,
                (None, Some(wanted)) => {
                    self.take(wanted)?;
                    wanted
                }
                (None, None) => self.choose(family)?,
            });
        }
        let allocation = self.allocation(&addresses)?;
        self.record(addresses)?;
        Ok(allocation)
    }

    fn allocation(&mut self, addresses: &[IpAddr]) -> Result<Allocation, Error> {
        let config = self.session.config;
        let mut assigned = Vec::with_capacity(addresses.len());
        for address in addresses {
            let Some(pool) = config.pool_of(*address) else {
                continue;
            };
            let gateway = match pool.gateway {
                Gateway::None => None,
                Gateway::Fixed(gateway) => Some(gateway),
                Gateway::Node => self.session.gateway(pool)?,
            };
            let had = self
                .previous
                .iter()
                .flat_map(|record| record.borrowed.keys());
            let borrowed = self.borrowed.keys().chain(had).any(|b| b == address);
            assigned.push(Assigned {
                // The prefix length is one of the family's.
                address: IpNet::new(*address, pool.pod_prefix()).unwrap_or(IpNet::from(*address)),
                gateway,
                borrowed,
            });
        }
        Ok(Allocation {
            addresses: assigned,
            routes: config.routes.clone(),
            warnings: self.session.notes.iter().cloned().collect(),
        })
    }

    /// Writes down who has what: the moment at which the addresses are given.
    fn record(&mut self, addresses: Vec<IpAddr>) -> Result<(), Error> {
        let mut borrowed = std::mem::take(&mut self.borrowed);
        let mut left = Vec::new();
        if let Some(previous) = &self.previous {
            if previous.addresses == addresses {
                return Ok(());
            }
            left.extend(&previous.borrowing);
            for (address, lender) in &previous.borrowed {
                if addresses.contains(address) {
                    borrowed.insert(*address, *lender);
                } else {
                    left.push(*lender);
                }
            }
        }
        let record = Record {
            owner: self.owner.attachment.clone(),
            pod: self.owner.pod.clone(),
            addresses,
            // Lenders of addresses that a changed configuration has no pool for; DEL returns them.
            borrowing: left,
            borrowed: borrowed.clone(),
            since: self.session.now,
        };
        let written = self.session.ledger.append([Line::Give(record)]);
        if written.is_err() {
            self.borrowed = borrowed;
        }
        written
    }

    /// Takes back what was done for a request that failed.
    fn undo(&mut self) {
        let (place, now) = (&self.session.config.place, self.session.now);
        let mut returned = true;
        for lender in std::mem::take(&mut self.borrowing) {
            let owner = &self.owner.attachment;
            returned &= give_back(self.session.store, place, lender, owner, now, |address| {
                let had = self.previous.iter().flat_map(|r| r.borrowed.keys());
                had.into_iter().any(|kept| *kept == address)
            })
            .is_ok();
        }
        // The line that announced the loans stays while a loan might: DEL tries again.
        let announced = self
            .session
            .ledger
            .state()
            .records
            .get(&self.owner.attachment);
        if returned && announced != self.previous.as_ref() {
            let line = match self.previous.take() {
                Some(previous) => Line::Give(previous),
                None => Line::Take(Taken {
                    owner: self.owner.attachment.clone(),
                    at: now,
                }),
            };
            let _ = self.session.ledger.append([line]);
        }
        self.session.release_fresh();
    }

    fn refuse(&self, address: IpAddr, why: String) -> Error {
        Error::Refused {
            network: self.session.config.place.network.clone(),
            address,
            why,
        }
    }

    /// Makes sure that a particular address can be given.
    fn take(&mut self, address: IpAddr) -> Result<(), Error> {
        let config = self.session.config;
        let Some(pool) = config.pool_of(address) else {
            return Err(self.refuse(address, "it is in no pool".into()));
        };
        let state = self.session.ledger.state();
        if let Some(owner) = state.used.get(&address) {
            let pod = state.records.get(owner).and_then(|r| r.pod.as_ref());
            let who = pod.map_or_else(|| owner.to_string(), |pod| format!("pod {pod} ({owner})"));
            return Err(self.refuse(address, format!("{who} has it")));
        }
        let held = match state.block_of(address).cloned() {
            Some(held) => Some(held),
            None => match pool.block_of(address) {
                Some(block) => self.session.claim(pool, Some(block))?,
                None => None,
            },
        };
        let Some(held) = held else {
            return self.take_from_another(address);
        };
        if pool.gateway == Gateway::Node {
            self.session.gateway(pool)?;
        }
        let Some(mut claim) = self.session.owned(&held)? else {
            let notes: Vec<_> = self.session.notes.iter().cloned().collect();
            return Err(self.refuse(address, notes.join("; ")));
        };
        let offset = held.block.offset(address).unwrap_or(u64::MAX);
        if offset >= claim.granted && self.session.grow(&held, Some(offset))? {
            claim = self.session.owned(&held)?.unwrap_or(claim);
        }
        if claim.gateway == Some(address) {
            return Err(self.refuse(address, "it is the gateway of this node".into()));
        }
        if let Some(loan) = claim.lent.get(&address).filter(|l| l.returned.is_none()) {
            let why = format!("{} on node {} has borrowed it", loan.container, loan.node);
            return Err(self.refuse(address, why));
        }
        if offset >= claim.granted {
            return Err(self.refuse(
                address,
                format!(
                    "which addresses of block {} are lent is not known, since its claim was lost",
                    held.block
                ),
            ));
        }
        Ok(())
    }

    /// A particular address that is in somebody else's block.
    fn take_from_another(&mut self, address: IpAddr) -> Result<(), Error> {
        let network = &self.session.config.place.network;
        let taken = claimed(self.session.store, network)?;
        let Some(other) = taken
            .iter()
            .find(|other| other.block.offset(address).is_some())
        else {
            let why = "its block overlaps another node's".to_owned();
            return Err(self.refuse(address, why));
        };
        let node = match &other.claim {
            Ok(claim) => claim.node.as_deref().unwrap_or("nobody"),
            Err(_) => "an unknown node",
        };
        if !self.session.config.borrow {
            let why = format!(
                "it is in block {} of {node}, and borrowing is off (borrow: true)",
                other.block
            );
            return Err(self.refuse(address, why));
        }
        match self.borrow_from(other, Some(address))? {
            Some(_) => Ok(()),
            None => Err(self.refuse(
                address,
                format!(
                    "{node}, whose block {} it is in, does not lend it",
                    other.block
                ),
            )),
        }
    }

    /// Any address of a family.
    fn choose(&mut self, family: Family) -> Result<IpAddr, Error> {
        let config = self.session.config;
        let pools: Vec<&Pool> = config
            .pools
            .iter()
            .filter(|pool| pool.family() == family)
            .collect();
        for pool in &pools {
            if pool.gateway == Gateway::Node {
                // Before any pod, so that it is the first address of the block.
                self.session.gateway(pool)?;
            }
            for held in self.session.held(pool) {
                if let Some(address) = self.session.cool_in(pool, &held)? {
                    return Ok(address);
                }
            }
        }
        for pool in &pools {
            if let Some(held) = self.session.claim(pool, None)?
                && let Some(address) = self.session.cool_in(pool, &held)?
            {
                return Ok(address);
            }
        }
        let mut rested: Option<(Seconds, IpAddr)> = None;
        for pool in &pools {
            for held in self.session.held(pool) {
                let found = self.session.longest_rested(pool, &held)?;
                rested = rested.into_iter().chain(found).min();
            }
        }
        if let Some((_, address)) = rested {
            return Ok(address);
        }
        if config.borrow {
            let taken = claimed(self.session.store, &config.place.network)?;
            for other in &taken {
                let in_pool = pools.iter().any(|pool| pool.holds(other.block));
                if in_pool
                    && !other.owned_by(&config.place.node)
                    && let Some(address) = self.borrow_from(other, None)?
                {
                    return Ok(address);
                }
            }
        }
        Err(self.exhausted(family, &pools))
    }

    fn exhausted(&self, family: Family, pools: &[&Pool]) -> Error {
        let place = &self.session.config.place;
        let mut why = Vec::new();
        for pool in pools {
            let blocks = self.session.held(pool).len();
            why.push(format!(
                "pool {} has no free block left ({} of /{} in all), and the {blocks} of this node are full",
                pool.cidr(),
                pool.block_count(),
                pool.block_prefix,
            ));
        }
        why.extend(self.session.notes.iter().cloned());
        why.push(if self.session.config.borrow {
            "no other node has an address to lend; add a pool".into()
        } else {
            "add a pool, or allow borrowing from other nodes' blocks (borrow: true)".into()
        });
        Error::Exhausted {
            network: place.network.clone(),
            family,
            node: place.node.clone(),
            why: why.join("; "),
        }
    }
}
