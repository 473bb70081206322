//! The `ipam` section of a network configuration: read, completed and validated whole before anything is
//! touched.
//!
//! ```json
//! {"type": "ovl-ipam",
//!  "pools": [{"cidr": "172.31.0.0/16", "blockSize": 26}, {"cidr": "fd00:10::/112"}],
//!  "store": "/var/lib/ovl/store"}
//! ```
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `pools` | see below; a pod gets one address of each family | required |
//! | `store` | directory shared by the nodes; must exist | `store` in `stateDir`, made when needed: one node |
//! | `stateDir` | this node's own directory | the plugin's, or `/var/lib/ovl` |
//! | `node` | this node's name | the plugin's, or the host name |
//! | `borrow` | when no block is free, take single addresses of other nodes' blocks, and let others take them from ours | `false` |
//! | `coolDown` | seconds before a released address is used again while there are others | 60 |
//! | `routes` | routes of the result, as in the CNI result | none |
//!
//! | key of a pool | meaning | default |
//! |---|---|---|
//! | `cidr` | the range | required |
//! | `blockSize` | prefix length of a block | 26, or 122 for IPv6 |
//! | `exclude` | ranges never given | none |
//! | `preferred` | blocks this node claims first | none |
//! | `layout` | `routed`: /32 and /128; `flat`: the pool's prefix length, all on one link | the plugin's; alone `flat` |
//! | `gateway` | `none`; `node`: an address from this node's block; or an address of the pool | the plugin's; alone the first address of the pool |

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::Error;
use super::pool::{Block, Family, Gateway, Layout, Pool, overlap};
use crate::spec::{PluginConfig, Route, any_case};
use crate::store::DirStore;

const STATE_DIR: &str = "/var/lib/ovl";
const COOL_DOWN: u64 = 60;

/// The type name of this plugin in `ipam.type`.
pub const TYPE: &str = "ovl-ipam";

/// What a pool is for unless its configuration says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `ovl-routed`: single addresses, no gateway.
    Routed,
    /// `ovl-vxlan`: one flat network, a gateway address on every node.
    Flat,
    /// Any plugin that delegates to `ovl-ipam`, in the way of host-local: flat, the gateway is the first
    /// address of the pool.
    Delegated,
}

/// Where the records of a network are. All that DEL needs: it must work when the rest of the configuration
/// has changed or become wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub(super) network: String,
    pub(super) node: String,
    pub(super) state_dir: PathBuf,
    pub(super) store: Shared,
}

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shared {
    /// In a directory that the configuration names; it must be there.
    At(PathBuf),
    /// In the state directory: nobody else uses it.
    Alone,
}

/// A network's address management, complete and valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub(super) place: Place,
    pub(super) pools: Vec<Pool>,
    pub(super) routes: Vec<Route>,
    pub(super) borrow: bool,
    pub(super) cool_down: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Section {
    #[serde(rename = "type")]
    _type: Option<String>,
    #[serde(default)]
    pools: Vec<PoolSection>,
    #[serde(rename = "store")]
    _store: Option<PathBuf>,
    #[serde(rename = "stateDir")]
    _state_dir: Option<PathBuf>,
    #[serde(rename = "node")]
    _node: Option<String>,
    #[serde(default)]
    borrow: bool,
    cool_down: Option<u64>,
    #[serde(default)]
    routes: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PoolSection {
    cidr: Range,
    block_size: Option<u8>,
    #[serde(default)]
    exclude: Vec<Range>,
    #[serde(default)]
    preferred: Vec<Range>,
    layout: Option<LayoutName>,
    gateway: Option<String>,
}

/// A range whose parse error repeats what was given.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Range(IpNet);

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            format!("{text:?} is not a range of addresses, such as 10.0.0.0/16 or fd00::/64")
        })
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LayoutName {
    Routed,
    Flat,
}

impl Place {
    /// Reads what is needed to find a network's records; what is missing or wrong gets its default.
    pub fn of(config: &PluginConfig) -> Self {
        let ipam = any_case::get(config.raw(), "ipam").and_then(Value::as_object);
        let text = |key: &str| {
            let of = |object: &Map<String, Value>| {
                let value = any_case::get(object, key)?.as_str()?;
                (!value.is_empty()).then(|| value.to_owned())
            };
            ipam.and_then(of).or_else(|| of(config.raw()))
        };
        Self {
            network: config.name.to_string(),
            node: text("node").unwrap_or_else(host_name),
            state_dir: text("stateDir").map_or_else(|| STATE_DIR.into(), PathBuf::from),
            store: text("store").map_or(Shared::Alone, |path| Shared::At(path.into())),
        }
    }

    /// The network's name.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// This node's name.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The directory of the network's ledger.
    pub(super) fn ledger(&self) -> PathBuf {
        // A network's name is a file name: spec::NetworkName.
        self.state_dir.join("ipam").join(&self.network)
    }

    /// The store, which must be there if the configuration names it.
    pub(super) fn open_store(&self) -> Result<DirStore, Error> {
        Ok(match &self.store {
            Shared::At(path) => DirStore::open(path)?,
            Shared::Alone => DirStore::create_at(self.state_dir.join("store"))?,
        })
    }
}

/// The kernel's name for this machine; without its domain it is what a kubelet calls the node by default.
fn host_name() -> String {
    let uname = rustix::system::uname();
    uname.nodename().to_string_lossy().to_lowercase()
}

impl Config {
    /// Reads and validates the `ipam` section of a plugin's configuration.
    ///
    /// # Errors
    /// [`Error::Config`] with everything that is wrong.
    pub fn of(config: &PluginConfig, purpose: Purpose) -> Result<Self, Error> {
        let fail = |wrong| Error::Config {
            network: config.name.to_string(),
            wrong,
        };
        let place = Place::of(config);
        let section = any_case::get(config.raw(), "ipam").cloned();
        let section: Section = any_case::from_value(section.unwrap_or_else(|| Map::new().into()))
            .map_err(|cause| fail(vec![cause.to_string()]))?;

        let mut wrong = Vec::new();
        for (key, path) in [
            ("stateDir", Some(&place.state_dir)),
            (
                "store",
                match &place.store {
                    Shared::At(path) => Some(path),
                    Shared::Alone => None,
                },
            ),
        ] {
            if let Some(path) = path.filter(|path| !path.is_absolute()) {
                wrong.push(format!("{key} {} is not an absolute path", path.display()));
            }
        }
        if section.pools.is_empty() {
            wrong.push("there is no pool; give pools: [{\"cidr\": …}]".into());
        }
        let mut pools = Vec::with_capacity(section.pools.len());
        for given in section.pools {
            match pool(given, purpose) {
                Ok(pool) => pools.push(pool),
                Err(causes) => wrong.extend(causes),
            }
        }
        for (index, pool) in pools.iter().enumerate() {
            for earlier in pools.iter().take(index) {
                if overlap(pool.cidr, earlier.cidr) {
                    wrong.push(format!("pools {} and {} overlap", earlier.cidr, pool.cidr));
                }
            }
        }
        let mut routes = Vec::with_capacity(section.routes.len());
        for given in section.routes {
            match any_case::from_value(given.clone()) {
                Ok(route) => routes.push(route),
                Err(cause) => wrong.push(format!("route {given}: {cause}")),
            }
        }
        if !wrong.is_empty() {
            return Err(fail(wrong));
        }
        Ok(Self {
            place,
            pools,
            routes,
            borrow: section.borrow,
            cool_down: Duration::from_secs(section.cool_down.unwrap_or(COOL_DOWN)),
        })
    }

    /// Where the network's records are.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The pools, in order of preference.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// The routes to put into the result.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The directory that the nodes share, for an agent to watch.
    pub fn store_path(&self) -> PathBuf {
        match &self.place.store {
            Shared::At(path) => path.clone(),
            Shared::Alone => self.place.state_dir.join("store"),
        }
    }

    /// The state directory of this node.
    pub fn state_dir(&self) -> &Path {
        &self.place.state_dir
    }

    /// The families of the pools, IPv4 first.
    pub(super) fn families(&self) -> BTreeSet<Family> {
        self.pools.iter().map(Pool::family).collect()
    }

    /// The pool that `address` is from.
    pub fn pool_of(&self, address: IpAddr) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.cidr.contains(&address))
    }
}

/// Completes and validates one pool.
fn pool(given: PoolSection, purpose: Purpose) -> Result<Pool, Vec<String>> {
    let Range(cidr) = given.cidr;
    let family = Family::of(cidr.addr());
    let mut wrong = Vec::new();
    if cidr.addr() != cidr.network() {
        wrong.push(format!(
            "pool {cidr} has host bits set; its range is {}",
            cidr.trunc()
        ));
    }
    if cidr.prefix_len() == 0 {
        wrong.push(format!("pool {cidr} is everything; give a range"));
    }

    let block_prefix = given.block_size.unwrap_or(match family {
        Family::V4 => 26,
        Family::V6 => 122,
    });
    if block_prefix > family.bits() {
        wrong.push(format!(
            "pool {cidr}: blockSize {block_prefix} is longer than an {family} address ({} bits)",
            family.bits()
        ));
    } else if block_prefix < cidr.prefix_len() {
        wrong.push(format!(
            "pool {cidr} is too small for a block of /{block_prefix}; give a larger pool, or a blockSize \
             from {} to {}",
            cidr.prefix_len(),
            family.bits()
        ));
    } else if family.bits() - block_prefix > 32 {
        wrong.push(format!(
            "pool {cidr}: blockSize {block_prefix} makes blocks of more than 2^32 addresses; give 96 or \
             more"
        ));
    }

    for Range(range) in &given.exclude {
        if Family::of(range.addr()) != family || !overlap(cidr, *range) {
            wrong.push(format!("pool {cidr}: exclude {range} is not in the pool"));
        }
    }
    for Range(block) in &given.preferred {
        if block.prefix_len() != block_prefix
            || block.addr() != block.network()
            || !cidr.contains(block)
        {
            wrong.push(format!(
                "pool {cidr}: preferred {block} is not one of its blocks of /{block_prefix}"
            ));
        }
    }

    let layout = match (given.layout, purpose) {
        (Some(LayoutName::Routed), _) | (None, Purpose::Routed) => Layout::Routed,
        (Some(LayoutName::Flat), _) | (None, Purpose::Flat | Purpose::Delegated) => Layout::Flat,
    };
    let gateway = match given.gateway.as_deref() {
        None => match (layout, purpose) {
            (Layout::Routed, _) => Gateway::None,
            (Layout::Flat, Purpose::Delegated) => {
                // As host-local and the bridge plugin do when nothing is said.
                let range = Block::new(cidr);
                let first = range.address(1).or_else(|| range.address(0));
                first.map_or(Gateway::None, Gateway::Fixed)
            }
            (Layout::Flat, Purpose::Routed | Purpose::Flat) => Gateway::Node,
        },
        Some("none") => Gateway::None,
        Some("node") => Gateway::Node,
        Some(text) => match text.parse::<IpAddr>() {
            Ok(address) if Family::of(address) != family => {
                wrong.push(format!(
                    "pool {cidr}: gateway {address} is not an {family} address"
                ));
                Gateway::None
            }
            Ok(address) if layout == Layout::Flat && !cidr.contains(&address) => {
                wrong.push(format!(
                    "pool {cidr}: gateway {address} is not in the pool, and the layout is flat"
                ));
                Gateway::None
            }
            Ok(address) => Gateway::Fixed(address),
            Err(_) => {
                wrong.push(format!(
                    "pool {cidr}: gateway {text:?} is neither none, node nor an address"
                ));
                Gateway::None
            }
        },
    };

    let pool = Pool {
        cidr: cidr.trunc(),
        block_prefix,
        exclude: given.exclude.iter().map(|range| range.0.trunc()).collect(),
        preferred: given
            .preferred
            .iter()
            .map(|range| Block::new(range.0))
            .collect(),
        layout,
        gateway,
    };
    // Larger ones are not exhausted by any list a person writes, nor counted by an offset.
    let countable = family.bits() - cidr.prefix_len() <= 32;
    if wrong.is_empty() && countable && pool.next_givable(Block::new(pool.cidr), 0).is_none() {
        wrong.push(format!(
            "pool {cidr} has no address to give: all are excluded or reserved"
        ));
    }
    if wrong.is_empty() {
        Ok(pool)
    } else {
        Err(wrong)
    }
}
