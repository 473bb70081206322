//! Pools and blocks as arithmetic: which blocks a pool has, where a node begins to look for one, which
//! addresses of it may be given. Opens nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Family {
    /// IPv4.
    #[serde(rename = "ipv4")]
    V4,
    /// IPv6.
    #[serde(rename = "ipv6")]
    V6,
}

impl Family {
    /// Of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Bits in an address.
    pub fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    fn address(self, number: u128) -> IpAddr {
        match self {
            // Only numbers that came from an address of the same family get here.
            #[allow(clippy::cast_possible_truncation)]
            Self::V4 => IpAddr::V4(Ipv4Addr::from_bits(number as u32)),
            Self::V6 => IpAddr::V6(Ipv6Addr::from_bits(number)),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// An address as a number, host byte order.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// A block: an aligned part of a pool that one node gives addresses from. It holds at most 2^32
/// addresses (see [`super::config`]), so that an address in it is an offset that fits a `u64`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(from = "IpNet", into = "IpNet")]
pub struct Block(IpNet);

impl From<IpNet> for Block {
    fn from(cidr: IpNet) -> Self {
        Self::new(cidr)
    }
}

impl From<Block> for IpNet {
    fn from(block: Block) -> Self {
        block.0
    }
}

impl Block {
    /// The block with this range; host bits are dropped.
    pub fn new(cidr: IpNet) -> Self {
        Self(cidr.trunc())
    }

    /// Its range.
    pub fn cidr(self) -> IpNet {
        self.0
    }

    /// IPv4 or IPv6.
    pub fn family(self) -> Family {
        Family::of(self.0.network())
    }

    /// Number of addresses.
    pub fn size(self) -> u64 {
        let host_bits = u32::from(self.0.max_prefix_len() - self.0.prefix_len());
        1u64.checked_shl(host_bits).unwrap_or(u64::MAX)
    }

    /// The address at `offset`, counted from the first; `None` past the end.
    pub fn address(self, offset: u64) -> Option<IpAddr> {
        (offset < self.size()).then(|| {
            self.family()
                .address(number(self.0.network()) + u128::from(offset))
        })
    }

    /// Where `address` is in the block; `None` if it is not.
    pub fn offset(self, address: IpAddr) -> Option<u64> {
        if !self.0.contains(&address) {
            return None;
        }
        u64::try_from(number(address) - number(self.0.network())).ok()
    }

    /// True if the two have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        overlap(self.0, other.0)
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// True if the two ranges have an address in common.
pub(super) fn overlap(a: IpNet, b: IpNet) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}

/// A range of addresses that pods get theirs from, split into blocks of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    pub(super) cidr: IpNet,
    pub(super) block_prefix: u8,
    pub(super) exclude: Vec<IpNet>,
    pub(super) preferred: Vec<Block>,
    pub(super) layout: Layout,
    pub(super) gateway: Gateway,
}

/// How pods see their pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Each pod is alone (/32, /128) and everything is routed. Every address of the pool can be given.
    Routed,
    /// All pods are on one link and have the pool's prefix length. The pool's network and broadcast
    /// addresses are never given.
    Flat,
}

/// Where pods of a pool send what is not for their own link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateway {
    /// The pool says nothing about it.
    None,
    /// An address of the node's own, from the node's own block: see [`super::gateways`].
    Node,
    /// The same address on every node. It is never given to a pod.
    Fixed(IpAddr),
}

impl Pool {
    /// Its range.
    pub fn cidr(&self) -> IpNet {
        self.cidr
    }

    /// IPv4 or IPv6.
    pub fn family(&self) -> Family {
        Family::of(self.cidr.network())
    }

    /// How pods see it.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Where its pods send what leaves their link.
    pub fn gateway(&self) -> Gateway {
        self.gateway
    }

    /// The prefix length that an address of this pool has in a pod.
    pub fn pod_prefix(&self) -> u8 {
        match self.layout {
            Layout::Routed => self.family().bits(),
            Layout::Flat => self.cidr.prefix_len(),
        }
    }

    /// Number of blocks.
    pub fn block_count(&self) -> u128 {
        let bits = u32::from(self.block_prefix.saturating_sub(self.cidr.prefix_len()));
        1u128.checked_shl(bits).unwrap_or(u128::MAX)
    }

    /// The block at `index`, counted from the first of [`Pool::block_count`].
    fn block(&self, index: u128) -> Option<Block> {
        let host_bits = u32::from(self.family().bits() - self.block_prefix);
        let first = number(self.cidr.network()) + index.checked_shl(host_bits).unwrap_or(0);
        IpNet::new(self.family().address(first), self.block_prefix)
            .ok()
            .map(Block::new)
    }

    /// The block that `address` belongs to, if it is an address of this pool.
    pub fn block_of(&self, address: IpAddr) -> Option<Block> {
        if !self.cidr.contains(&address) {
            return None;
        }
        IpNet::new(address, self.block_prefix).ok().map(Block::new)
    }

    /// True for a block of any size inside this pool. Blocks keep their size when the configured one
    /// changes.
    pub fn holds(&self, block: Block) -> bool {
        self.cidr.contains(&block.cidr())
    }

    /// Every block once, in the order in which `node` tries to claim them: the preferred ones, then
    /// round the pool from a place that depends on the node's name. Nodes spread over the pool, and
    /// the blocks of one node are neighbours.
    pub fn order(&self, node: &str) -> impl Iterator<Item = Block> + '_ {
        let digest = sha1_smol::Sha1::from(node).digest().bytes();
        let start = digest
            .iter()
            .take(8)
            .fold(0u128, |sum, byte| (sum << 8) | u128::from(*byte));
        let count = self.block_count();
        let ring = (0..count).filter_map(move |step| self.block((start % count + step) % count));
        self.preferred
            .iter()
            .copied()
            .chain(ring.filter(|block| !self.preferred.contains(block)))
    }

    /// Why `address`, which is in the pool, is never given to a pod; `None` if it may be.
    pub fn reserved(&self, address: IpAddr) -> Option<Reserved> {
        if self.exclude.iter().any(|range| range.contains(&address)) {
            return Some(Reserved::Excluded);
        }
        if self.gateway == Gateway::Fixed(address) {
            return Some(Reserved::Gateway);
        }
        if self.layout == Layout::Flat {
            if address == self.cidr.network() {
                // RFC 4291 2.6.1: the first address of an IPv6 subnet is its routers' anycast address.
                return Some(Reserved::Network);
            }
            if self.family() == Family::V4 && address == self.cidr.broadcast() {
                return Some(Reserved::Broadcast);
            }
        }
        None
    }

    /// The first offset of `block` at or after `from` that may be given, past everything reserved.
    /// Whole excluded ranges are stepped over at once.
    pub(super) fn next_givable(&self, block: Block, from: u64) -> Option<u64> {
        let mut offset = from;
        loop {
            let address = block.address(offset)?;
            if self.reserved(address).is_none() {
                return Some(offset);
            }
            let past = self
                .exclude
                .iter()
                .filter(|range| range.contains(&address))
                .map(|range| number(range.broadcast()))
                .max();
            offset = match past {
                Some(last) => {
                    let next = (last - number(block.cidr().network())).checked_add(1)?;
                    u64::try_from(next).ok()?
                }
                None => offset.checked_add(1)?,
            };
        }
    }
}

/// Why an address of a pool is not given to pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// The configuration excludes it.
    Excluded,
    /// It is the gateway.
    Gateway,
    /// It is the first address of the pool.
    Network,
    /// It is the last address of the pool.
    Broadcast,
}

impl fmt::Display for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Excluded => "is in the pool's exclude list",
            Self::Gateway => "is the gateway",
            Self::Network => "is the network address of the pool",
            Self::Broadcast => "is the broadcast address of the pool",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn pool(cidr: &str, block_prefix: u8, layout: Layout) -> Pool {
        Pool {
            cidr: net(cidr),
            block_prefix,
            exclude: Vec::new(),
            preferred: Vec::new(),
            layout,
            gateway: Gateway::None,
        }
    }

    fn givable(pool: &Pool, block: &str) -> Vec<IpAddr> {
        let block = Block::new(net(block));
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(offset) = pool.next_givable(block, from) {
            found.push(block.address(offset).unwrap());
            from = offset + 1;
        }
        found
    }

    #[test]
    fn a_pool_is_covered_by_its_blocks_once_in_any_order() {
        let pool = pool("172.31.0.0/24", 26, Layout::Routed);
        assert_eq!(pool.block_count(), 4);
        for node in ["host01", "host02", "host03", ""] {
            let mut blocks: Vec<_> = pool.order(node).collect();
            blocks.sort();
            let expected = [
                "172.31.0.0/26",
                "172.31.0.64/26",
                "172.31.0.128/26",
                "172.31.0.192/26",
            ];
            assert_eq!(blocks, expected.map(|text| Block::new(net(text))));
        }
    }

    #[test]
    fn the_order_depends_on_the_name_alone_and_spreads_nodes() {
        let pool = pool("172.31.0.0/16", 26, Layout::Routed);
        let first = |node: &str| pool.order(node).next().unwrap();
        assert_eq!(first("host01"), first("host01"));
        let distinct: std::collections::BTreeSet<_> =
            (0..100).map(|n| first(&format!("host{n:02}"))).collect();
        assert!(
            distinct.len() > 85,
            "{} of 100 nodes begin apart",
            distinct.len()
        );
    }

    #[test]
    fn preferred_blocks_come_first_and_once() {
        let mut pool = pool("10.32.0.0/12", 15, Layout::Flat);
        pool.preferred = vec![Block::new(net("10.46.0.0/15"))];
        let blocks: Vec<_> = pool.order("host01").collect();
        assert_eq!(blocks[0].to_string(), "10.46.0.0/15");
        assert_eq!(blocks.len(), 8);
        assert_eq!(blocks.iter().filter(|b| **b == blocks[0]).count(), 1);
    }

    #[test]
    fn a_huge_pool_is_not_walked() {
        let pool = pool("fd00::/16", 122, Layout::Routed);
        assert_eq!(pool.block_count(), 1 << 106);
        let blocks: Vec<_> = pool.order("host01").take(3).collect();
        assert!(
            blocks
                .iter()
                .all(|block| pool.holds(*block) && block.size() == 64)
        );
        assert_eq!(
            pool.block_of(blocks[1].address(63).unwrap()),
            Some(blocks[1])
        );
    }

    #[test]
    fn the_last_block_of_all_addresses_does_not_overflow() {
        let pool = pool("255.255.255.0/24", 26, Layout::Routed);
        let last = pool.block(3).unwrap();
        assert_eq!(last.address(63), Some(ip("255.255.255.255")));
        assert_eq!(last.address(64), None);
        assert_eq!(pool.next_givable(last, 64), None);
        let pool = Pool {
            exclude: vec![net("255.255.255.192/26")],
            ..pool
        };
        assert_eq!(pool.next_givable(last, 0), None);
    }

    #[test]
    fn routed_gives_every_address_and_flat_keeps_the_ends() {
        let routed = pool("10.0.0.0/30", 30, Layout::Routed);
        assert_eq!(givable(&routed, "10.0.0.0/30").len(), 4);
        let flat = pool("10.0.0.0/30", 30, Layout::Flat);
        assert_eq!(
            givable(&flat, "10.0.0.0/30"),
            [ip("10.0.0.1"), ip("10.0.0.2")]
        );
        // The ends are the pool's, not each block's: Weave's host01 has 10.46.0.0.
        let weave = pool("10.32.0.0/12", 15, Layout::Flat);
        assert_eq!(weave.reserved(ip("10.46.0.0")), None);
        assert_eq!(weave.reserved(ip("10.32.0.0")), Some(Reserved::Network));
        assert_eq!(
            weave.reserved(ip("10.47.255.255")),
            Some(Reserved::Broadcast)
        );
        // IPv6 has no broadcast.
        let flat = pool("fd00::/126", 126, Layout::Flat);
        assert_eq!(givable(&flat, "fd00::/126").len(), 3);
    }

    #[test]
    fn excluded_ranges_are_stepped_over() {
        let mut pool = pool("10.0.0.0/8", 8, Layout::Routed);
        pool.exclude = vec![net("10.0.0.0/9"), net("10.128.0.0/32"), net("10.0.0.0/24")];
        pool.gateway = Gateway::Fixed(ip("10.128.0.1"));
        let block = Block::new(net("10.0.0.0/8"));
        let offset = pool.next_givable(block, 0).unwrap();
        assert_eq!(block.address(offset), Some(ip("10.128.0.2")));
    }

    #[test]
    fn blocks_of_one_address_and_of_the_largest_size() {
        let one = Block::new(net("10.0.0.7/32"));
        assert_eq!((one.size(), one.address(0)), (1, Some(ip("10.0.0.7"))));
        assert_eq!(one.address(1), None);
        let large = Block::new(net("fd00::/96"));
        assert_eq!(large.size(), 1 << 32);
        assert_eq!(large.offset(ip("fd00::1:0")), Some(65536));
        assert_eq!(large.offset(ip("fd00::1:0:0")), None);
        assert!(large.overlaps(Block::new(net("fd00::40/122"))));
        assert!(!large.overlaps(one));
    }
}
