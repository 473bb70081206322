//! What the Container Network Interface left on a node.

mod given;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::table::Table;
pub use given::Given;

/// Configuration, plugins, cached results and address records.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cni {
    /// Where configurations are looked for.
    pub config_dir: String,
    /// The files there, in the order in which a runtime considers them.
    pub configs: Table<Config>,
    /// Where plugins are looked for.
    pub plugin_dirs: Vec<String>,
    /// The programs there.
    pub plugins: Table<Plugin>,
    /// Where runtimes keep results.
    pub cache_dir: String,
    /// The results there.
    pub results: Table<CachedResult>,
    /// Who has which address, by the records of the address plugins.
    pub addresses: Table<AddressRecord>,
    /// The ranges that address plugins hold for this node.
    pub blocks: Table<Block>,
}

impl Cni {
    /// The configuration that a runtime uses: the first by name that can be read.
    pub fn active(&self) -> Option<&Config> {
        self.configs.iter().find(|config| config.error.is_none())
    }
}

/// One configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Its path.
    pub path: String,
    /// Seconds since 1970 of its last change.
    pub modified_s: i64,
    /// The network's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The version it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cni_version: Option<String>,
    /// The plugins it runs, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<String>,
    /// The document.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub content: Value,
    /// Why it cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One plugin program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Octets.
    pub size: u64,
    /// Whether it may be run.
    pub executable: bool,
}

/// What a chain of plugins answered when a container got its interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CachedResult {
    /// The file.
    pub path: String,
    /// The network's name.
    pub network: String,
    /// The sandbox.
    pub container: String,
    /// The interface in the sandbox.
    pub ifname: String,
    /// The namespace it was made in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns: Option<String>,
    /// `CNI_ARGS`, such as `K8S_POD_NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<(String, String)>,
    /// The configuration it was made with.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub config: Value,
    /// The result, in the configuration's version.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
}

impl CachedResult {
    /// The value of one of `CNI_ARGS`.
    pub fn arg(&self, key: &str) -> Option<&str> {
        self.args
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The addresses it gave.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.given().map(|given| given.address.addr()).collect()
    }
}

/// One address that an address plugin has given away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRecord {
    /// Whose record: `host-local` or `ovl-ipam`.
    pub plugin: String,
    /// The network.
    pub network: String,
    /// The address.
    pub address: IpAddr,
    /// The sandbox that has it.
    pub container: String,
    /// The interface that has it; older records do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ifname: Option<String>,
    /// The file it stands in.
    pub path: String,
}

/// A range that is this node's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The network.
    pub network: String,
    /// The range.
    pub cidr: ipnet::IpNet,
    /// The node it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The file it stands in.
    pub path: String,
}
