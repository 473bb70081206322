//! What the store says about a block. The agents read it too, to know where to send what is for it.
//!
//! A block's owner gives its addresses out without asking anybody, so nobody else may give any of them. To
//! lend some all the same, the owner only has what it has been granted: the first `granted` addresses. It
//! grants itself more by compare-and-swap, and others borrow by compare-and-swap from what is not granted
//! yet. So an address is given either by the owner or by one borrower, whoever comes first, and the usual
//! ADD changes nothing in the store.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::pool::Block;
use super::time::Seconds;
use crate::store::{Entry, Key, Prefix, Store};

/// The value under [`Key::Block`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    schema: Schema,
    /// The owner. Without one (its node was removed while addresses were lent) the next node that needs
    /// a block takes it over.
    pub node: Option<String>,
    /// The owner gives addresses below this offset only.
    pub granted: u64,
    /// The owner's own address for its pods to send to, from this block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Addresses given by other nodes, and those they returned a short while ago.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lent: BTreeMap<IpAddr, Loan>,
    /// The claim was lost and made again from the owner's records: which addresses above `granted`
    /// are lent is not known, so that `granted` stays what it is and nothing is lent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restored: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Schema {
    #[serde(rename = "ovl.block/v1")]
    V1,
}

/// One address of a block that another node gave to a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loan {
    /// The node of the pod.
    pub node: String,
    /// The container of the pod.
    pub container: String,
    /// The interface in the container.
    pub ifname: String,
    /// When it was returned. Absent while in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Seconds>,
}

impl Claim {
    /// `node` owns the block and has been granted its first `granted` addresses.
    pub(super) fn new(node: &str, granted: u64) -> Self {
        Self {
            schema: Schema::V1,
            node: Some(node.to_owned()),
            granted,
            gateway: None,
            lent: BTreeMap::new(),
            restored: false,
        }
    }

    /// Reads a stored claim. The error says what is wrong with the value, not where it is stored.
    pub fn parse(value: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(value)
    }

    /// As it is stored: one line of JSON.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // A map with string keys and no floats: nothing in it can fail to serialise.
        let mut value = serde_json::to_vec(self).unwrap_or_default();
        value.push(b'\n');
        value
    }

    /// True if `node` owns the block.
    pub fn owned_by(&self, node: &str) -> bool {
        self.node.as_deref() == Some(node)
    }

    /// True if `address` is the gateway or lent: nothing the owner could give to a pod.
    pub fn has_given(&self, address: IpAddr) -> bool {
        let lent = self.lent.get(&address);
        self.gateway == Some(address) || lent.is_some_and(|loan| loan.returned.is_none())
    }

    /// The addresses of the block that are on other nodes, and on which: each needs a route or a
    /// neighbour of its own.
    pub fn lent_in_use(&self) -> impl Iterator<Item = (IpAddr, &str)> {
        self.lent
            .iter()
            .filter(|(_, loan)| loan.returned.is_none())
            .map(|(address, loan)| (*address, loan.node.as_str()))
    }
}

/// A block with what the store says about it.
#[derive(Debug)]
pub struct Claimed {
    /// The network it belongs to.
    pub network: String,
    /// The block.
    pub block: Block,
    /// The claim, or why it cannot be read. The block is taken either way.
    pub claim: Result<Claim, serde_json::Error>,
    /// The stored value.
    pub entry: Entry,
}

impl Claimed {
    /// Reads what a listing or a watch gave. `None` for the value of another kind of key.
    pub fn of_entry(entry: Entry) -> Option<Self> {
        match &entry.key {
            Key::Block { network, cidr } => Some(Self {
                network: network.clone(),
                block: Block::new(*cidr),
                claim: Claim::parse(&entry.value),
                entry,
            }),
            Key::Node(_) => None,
        }
    }

    /// True if `node` is known to own the block.
    pub fn owned_by(&self, node: &str) -> bool {
        self.claim.as_ref().is_ok_and(|claim| claim.owned_by(node))
    }
}

/// Every block of `network` that is taken.
pub fn claimed(store: &dyn Store, network: &str) -> Result<Vec<Claimed>, crate::store::Error> {
    let entries = store.list(&Prefix::BlocksOf(network.to_owned()))?;
    Ok(entries.into_iter().filter_map(Claimed::of_entry).collect())
}
