//! What the store says: the peers and the blocks, kept up key by key.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use plugin_core::ipam::Claim;
use plugin_core::node::peer::SCHEMA;
use plugin_core::node::{Block, Peer};
use plugin_core::store::{DirStore, Entry, Error, Key, Prefix, Store};

/// The store's records about one network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    /// Who says what about itself, by node.
    peers: BTreeMap<String, Peer>,
    /// Who owns what.
    claims: BTreeMap<IpNet, Claim>,
    /// Records that cannot be understood, and why.
    unreadable: BTreeMap<String, String>,
}

impl View {
    /// Reads everything. A directory that is not there is an outage, not an empty store.
    pub(super) fn load(store: &DirStore, network: &str) -> Result<Self, Error> {
        DirStore::open(store.root())?;
        let mut view = Self::default();
        for entry in store.list(&Prefix::Nodes)? {
            view.take(store, &entry);
        }
        for entry in store.list(&Prefix::BlocksOf(network.to_owned()))? {
            view.take(store, &entry);
        }
        Ok(view)
    }

    /// Reads again what is under `keys`.
    pub(super) fn refresh(
        &mut self,
        store: &DirStore,
        network: &str,
        keys: &BTreeSet<Key>,
    ) -> Result<(), Error> {
        for key in keys {
            match key {
                Key::Block { network: of, .. } if of != network => continue,
                _ => {}
            }
            match store.get(key)? {
                Some(entry) => self.take(store, &entry),
                None => self.drop(store, key),
            }
        }
        Ok(())
    }

    fn take(&mut self, store: &DirStore, entry: &Entry) {
        self.drop(store, &entry.key);
        let refused = match &entry.key {
            Key::Node(_) => match serde_json::from_slice::<Peer>(&entry.value) {
                Ok(peer) if peer.schema == SCHEMA => {
                    self.peers.insert(peer.node.clone(), peer);
                    return;
                }
                Ok(peer) => format!("its schema is {}, not {SCHEMA}", peer.schema),
                Err(error) => error.to_string(),
            },
            Key::Block { cidr, .. } => match Claim::parse(&entry.value) {
                Ok(claim) => {
                    self.claims.insert(*cidr, claim);
                    return;
                }
                Err(error) => error.to_string(),
            },
        };
        self.unreadable.insert(store.locate(&entry.key), refused);
    }

    fn drop(&mut self, store: &DirStore, key: &Key) {
        match key {
            Key::Node(node) => drop(self.peers.remove(node)),
            Key::Block { cidr, .. } => drop(self.claims.remove(cidr)),
        }
        self.unreadable.remove(&store.locate(key));
    }

    /// This view with what only `older` has added to it.
    pub(super) fn or(mut self, older: &Self) -> Self {
        for (node, peer) in &older.peers {
            self.peers
                .entry(node.clone())
                .or_insert_with(|| peer.clone());
        }
        for (cidr, claim) in &older.claims {
            self.claims.entry(*cidr).or_insert_with(|| claim.clone());
        }
        self
    }

    /// What `node` says about itself.
    pub(super) fn peer(&self, node: &str) -> Option<&Peer> {
        self.peers.get(node)
    }

    /// All peers, this node included.
    pub(super) fn peers(&self) -> Vec<Peer> {
        self.peers.values().cloned().collect()
    }

    /// Who has which addresses: the blocks, and single addresses that a block's owner lent to another node.
    pub(super) fn blocks(&self, me: &str) -> Vec<Block> {
        let mut blocks = Vec::new();
        for (&cidr, claim) in &self.claims {
            blocks.extend(claim.node.clone().map(|node| Block { cidr, node }));
            // An address lent to this node has a pod behind it, whose own route leads there.
            let lent = claim.lent_in_use().filter(|(_, node)| *node != me);
            blocks.extend(lent.map(|(address, node)| Block {
                cidr: IpNet::from(address),
                node: node.to_owned(),
            }));
        }
        blocks
    }

    /// The blocks of `node`.
    pub(super) fn blocks_of(&self, node: &str) -> Vec<IpNet> {
        let owned = self.claims.iter().filter(|(_, claim)| claim.owned_by(node));
        owned.map(|(cidr, _)| *cidr).collect()
    }

    /// Records that cannot be understood, in words.
    pub(super) fn complaints(&self) -> impl Iterator<Item = String> + '_ {
        self.unreadable
            .iter()
            .map(|(place, why)| format!("{place} cannot be understood: {why}: left out"))
    }
}

/// Makes the store hold `record` as what this node says about itself. Says whether anything was written.
pub(super) fn publish(store: &DirStore, record: &Peer) -> Result<bool, Error> {
    let key = Key::Node(record.node.clone());
    let mut value = serde_json::to_vec(record).unwrap_or_default();
    value.push(b'\n');
    match store.get(&key)? {
        Some(entry) if entry.value == value => Ok(false),
        Some(entry) => store.replace(&key, &value, &entry.revision).map(|_| true),
        None => store.create(&key, &value).map(|_| true),
    }
}

/// Takes away what this node says about itself.
pub(super) fn withdraw(store: &DirStore, node: &str) -> Result<bool, Error> {
    let key = Key::Node(node.to_owned());
    match store.get(&key)? {
        Some(entry) => store.delete(&key, &entry.revision).map(|()| true),
        None => Ok(false),
    }
}
