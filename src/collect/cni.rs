//! What the Container Network Interface left on a node: configurations, plugins, cached results, and the
//! records of the address plugins.
//!
//! Broken files are rows with an error, not a reason to read nothing: it is the broken one that matters.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use ipnet::IpNet;
use plugin_core::chain::list::NetworkList;
use plugin_core::ipam;
use plugin_core::spec::PluginConfig;
use serde::Deserialize;
use serde_json::Value;

use crate::model::Table;
use crate::model::cni::{AddressRecord, Block, CachedResult, Cni, Config, Plugin};

/// Where things are on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Configurations.
    pub config_dir: PathBuf,
    /// Plugins, in the order they are looked for.
    pub plugin_dirs: Vec<PathBuf>,
    /// libcni's cache.
    pub cache_dir: PathBuf,
    /// host-local's records.
    pub host_local_dir: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            config_dir: "/etc/cni/net.d".into(),
            plugin_dirs: ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"]
                .map(PathBuf::from)
                .to_vec(),
            cache_dir: "/var/lib/cni".into(),
            host_local_dir: "/var/lib/cni/networks".into(),
        }
    }
}

impl Paths {
    /// The usual places with libcni's cache, and host-local's records in it, below another directory.
    #[must_use]
    pub fn with_cache(mut self, dir: PathBuf) -> Self {
        self.host_local_dir = dir.join("networks");
        self.cache_dir = dir;
        self
    }
}

/// Reads everything.
pub(super) fn read(paths: &Paths) -> Cni {
    let results = results(&paths.cache_dir);
    read_with(paths, results, None)
}

/// Reads what concerns some sandboxes and addresses.
pub(super) fn read_for(paths: &Paths, containers: &[String], addresses: &[IpAddr]) -> Cni {
    let results = results_of(&paths.cache_dir, containers);
    let mut cni = read_with(paths, results, Some(addresses));
    cni.addresses.rows.retain(|record| {
        addresses.contains(&record.address) || containers.contains(&record.container)
    });
    cni
}

/// Reads all but the results; of host-local's records only those of `wanted`, if given.
fn read_with(paths: &Paths, results: Table<CachedResult>, wanted: Option<&[IpAddr]>) -> Cni {
    let configs = configs(&paths.config_dir);
    let (mut addresses, mut blocks) = host_local(paths, &configs, wanted);
    own_records(&configs, &mut addresses, &mut blocks);
    addresses.rows.sort_by_key(|record| record.address);
    Cni {
        config_dir: paths.config_dir.display().to_string(),
        plugin_dirs: existing(&paths.plugin_dirs),
        plugins: plugins(&paths.plugin_dirs),
        cache_dir: paths.cache_dir.display().to_string(),
        results,
        configs,
        addresses,
        blocks,
    }
}

fn existing(dirs: &[PathBuf]) -> Vec<String> {
    dirs.iter()
        .filter(|dir| dir.is_dir())
        .map(|dir| dir.display().to_string())
        .collect()
}

/// The paths of what is in a directory, sorted by the octets of their names; a directory that is not there is empty.
fn names(dir: &Path) -> io::Result<Vec<PathBuf>> {
    names_where(dir, |_| true)
}

/// Only those whose names are `wanted`.
fn names_where(dir: &Path, wanted: impl Fn(&OsStr) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if wanted(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

fn unreadable<T>(dir: &Path, error: &io::Error) -> Table<T> {
    Table::unavailable(format!("cannot read {}: {error}", dir.display()))
}

/// The configuration files in the order in which a runtime considers them (libcni, `ConfFiles`: by name).
fn configs(dir: &Path) -> Table<Config> {
    let paths = match names(dir) {
        Ok(paths) => paths,
        Err(error) => return unreadable(dir, &error),
    };
    Table::complete(
        paths
            .iter()
            .filter(|path| {
                let extension = path.extension().and_then(|extension| extension.to_str());
                matches!(extension, Some("conf" | "conflist" | "json")) && !path.is_dir()
            })
            .map(|path| config(path))
            .collect(),
    )
}

fn config(path: &Path) -> Config {
    let mut row = Config {
        path: path.display().to_string(),
        modified_s: fs::metadata(path)
            .map(|meta| meta.mtime())
            .unwrap_or_default(),
        network: None,
        cni_version: None,
        plugins: Vec::new(),
        content: Value::Null,
        error: None,
    };
    // What a runtime would say of it.
    row.error = NetworkList::from_file(path)
        .err()
        .map(|error| error.to_string());
    // What it says itself, as far as it can be read.
    let Some(content) = fs::read(path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
    else {
        return row;
    };
    row.content = content;
    let text = |key: &str| {
        row.content
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    row.network = text("name");
    row.cni_version = text("cniVersion");
    row.plugins = match row.content.get("plugins").and_then(Value::as_array) {
        Some(plugins) => plugins
            .iter()
            .filter_map(|plugin| plugin.get("type")?.as_str().map(str::to_owned))
            .collect(),
        None => text("type").into_iter().collect(),
    };
    row
}

fn plugins(dirs: &[PathBuf]) -> Table<Plugin> {
    let mut rows: Vec<Plugin> = Vec::new();
    for dir in dirs {
        let paths = match names(dir) {
            Ok(paths) => paths,
            Err(error) => return unreadable(dir, &error),
        };
        for path in paths {
            let (Ok(meta), Some(name)) = (fs::metadata(&path), path.file_name()) else {
                continue;
            };
            let name = name.to_string_lossy().into_owned();
            // The first directory that has it is where it is found.
            if meta.is_file() && !rows.iter().any(|row| row.name == name) {
                rows.push(Plugin {
                    name,
                    path: path.display().to_string(),
                    size: meta.len(),
                    executable: meta.mode() & 0o111 != 0,
                });
            }
        }
    }
    Table::complete(rows)
}

/// libcni's `cachedInfo`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cached {
    #[serde(default)]
    container_id: String,
    #[serde(default)]
    config: String,
    #[serde(default)]
    if_name: String,
    #[serde(default)]
    network_name: String,
    netns: Option<String>,
    #[serde(default)]
    cni_args: Option<Vec<(String, String)>>,
    result: Option<Value>,
}

/// The cached results.
pub(super) fn results(cache_dir: &Path) -> Table<CachedResult> {
    let dir = cache_dir.join("results");
    match names(&dir) {
        Ok(paths) => Table::complete(paths.iter().filter_map(|path| result(path)).collect()),
        Err(error) => unreadable(&dir, &error),
    }
}

/// The cached results of some sandboxes: the file names have their identifiers in them.
fn results_of(cache_dir: &Path, containers: &[String]) -> Table<CachedResult> {
    let dir = cache_dir.join("results");
    let ids: Vec<_> = containers
        .iter()
        .filter(|id| !id.is_empty())
        .map(memchr::memmem::Finder::new)
        .collect();
    let is_of = |name: &OsStr| ids.iter().any(|id| id.find(name.as_bytes()).is_some());
    match names_where(&dir, is_of) {
        Ok(paths) => Table::partial(
            paths.iter().filter_map(|path| result(path)).collect(),
            "only what concerns the pod was read",
        ),
        Err(error) => unreadable(&dir, &error),
    }
}

/// The sandboxes that were given an address, as was written down: by host-local in a file of that name, else in cached
/// results, of which those without the address's text are not parsed.
pub(super) fn containers_with(paths: &Paths, address: IpAddr) -> impl Iterator<Item = String> {
    let configs = configs(&paths.config_dir);
    let (records, _) = host_local(paths, &configs, Some(&[address]));
    let recorded = records.rows.into_iter().map(|record| record.container);
    let dir = paths.cache_dir.join("results");
    let text = address.to_string();
    let cached = std::iter::once_with(move || names(&dir).unwrap_or_default())
        .flatten()
        .filter(move |path| fs::read_to_string(path).is_ok_and(|content| content.contains(&text)))
        .filter_map(|path| result(&path))
        .filter(move |result| result.addresses().contains(&address))
        .map(|result| result.container);
    recorded.chain(cached)
}

fn result(path: &Path) -> Option<CachedResult> {
    let cached: Cached = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let result = cached.result.unwrap_or_default();
    // Runtimes of before Kubernetes 1.27 do not note the namespace; the result names it for what is inside.
    let netns = cached.netns.or_else(|| {
        result
            .get("interfaces")?
            .as_array()?
            .iter()
            .find_map(|interface| interface.get("sandbox")?.as_str())
            .filter(|sandbox| !sandbox.is_empty())
            .map(str::to_owned)
    });
    Some(CachedResult {
        path: path.display().to_string(),
        network: cached.network_name,
        container: cached.container_id,
        ifname: cached.if_name,
        netns,
        args: cached.cni_args.unwrap_or_default(),
        config: BASE64_STANDARD
            .decode(&cached.config)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default(),
        result,
    })
}

/// host-local's records: one file per address, named after it, in a directory per network; the first line
/// is the container, the second the interface (`plugins/ipam/host-local/backend/disk`).
fn host_local(
    paths: &Paths,
    configs: &Table<Config>,
    wanted: Option<&[IpAddr]>,
) -> (Table<AddressRecord>, Table<Block>) {
    let mut dirs = vec![paths.host_local_dir.clone()];
    let mut blocks = Vec::new();
    for config in configs {
        for ipam in sections(&config.content, "host-local") {
            if let Some(dir) = ipam.get("dataDir").and_then(Value::as_str) {
                dirs.push(dir.into());
            }
            for subnet in subnets(ipam) {
                blocks.push(Block {
                    network: config.network.clone().unwrap_or_default(),
                    cidr: subnet,
                    node: None,
                    path: config.path.clone(),
                });
            }
        }
    }
    dirs.sort();
    dirs.dedup();
    let mut rows = Vec::new();
    for dir in dirs {
        let networks = match names(&dir) {
            Ok(networks) => networks,
            Err(error) => return (unreadable(&dir, &error), Table::complete(blocks)),
        };
        for network in networks.iter().filter(|path| path.is_dir()) {
            let files = match wanted {
                Some(addresses) => Ok(addresses
                    .iter()
                    .map(|a| network.join(a.to_string()))
                    .collect()),
                None => names(network),
            };
            match files {
                Ok(files) => {
                    let files: Vec<PathBuf> = files;
                    rows.extend(
                        files
                            .iter()
                            .filter_map(|path| host_local_record(network, path)),
                    );
                }
                Err(error) => return (unreadable(network, &error), Table::complete(blocks)),
            }
        }
    }
    (Table::complete(rows), Table::complete(blocks))
}

fn host_local_record(network: &Path, path: &Path) -> Option<AddressRecord> {
    // `last_reserved_ip.0` and `lock` stand beside the addresses; IPv6 has `_` for `:` on some systems.
    let address: IpAddr = path.file_name()?.to_str()?.replace('_', ":").parse().ok()?;
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().map(str::trim);
    Some(AddressRecord {
        plugin: "host-local".to_owned(),
        network: network.file_name()?.to_string_lossy().into_owned(),
        address,
        container: lines.next().unwrap_or_default().to_owned(),
        ifname: lines
            .next()
            .map(str::to_owned)
            .filter(|name| !name.is_empty()),
        path: path.display().to_string(),
    })
}

/// The ranges of an IPAM section: `subnet`, or `ranges` of sets of ranges.
fn subnets(ipam: &Value) -> Vec<IpNet> {
    let subnet = |value: &Value| value.get("subnet")?.as_str()?.parse().ok();
    let mut found: Vec<IpNet> = subnet(ipam).into_iter().collect();
    let sets = ipam.get("ranges").and_then(Value::as_array);
    for set in sets.into_iter().flatten() {
        found.extend(set.as_array().into_iter().flatten().filter_map(subnet));
    }
    found
}

/// The IPAM sections of that type, wherever they stand in a configuration: in plugins, and in the delegates
/// of a plugin that runs others.
fn sections<'a>(value: &'a Value, kind: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if key == "ipam" && value.get("type").and_then(Value::as_str) == Some(kind) {
                    found.push(value);
                } else {
                    found.extend(sections(value, kind));
                }
            }
        }
        Value::Array(values) => {
            for value in values {
                found.extend(sections(value, kind));
            }
        }
        _ => {}
    }
    found
}

/// Our own address plugin's records, for every network whose configuration uses it.
fn own_records(
    configs: &Table<Config>,
    addresses: &mut Table<AddressRecord>,
    blocks: &mut Table<Block>,
) {
    for config in configs {
        let Ok(list) = NetworkList::from_file(Path::new(&config.path)) else {
            continue;
        };
        for plugin in &list.plugins {
            let kind = plugin.config.get("ipam").and_then(|ipam| ipam.get("type"));
            if kind.and_then(Value::as_str) != Some(ipam::config::TYPE) {
                continue;
            }
            // A list's plugins get its name and version when they are run.
            let mut raw = plugin.config.clone();
            raw.insert("name".to_owned(), list.name.to_string().into());
            raw.insert("cniVersion".to_owned(), list.version.to_string().into());
            let Ok(plugin) = PluginConfig::from_object(raw) else {
                continue;
            };
            let place = ipam::Place::of(&plugin);
            let path = format!("{} on {}", place.network(), place.node());
            match ipam::inventory(&place) {
                Ok(None) => {}
                Ok(Some(inventory)) => {
                    for owned in inventory.records {
                        addresses.rows.extend(owned.addresses.iter().map(|address| {
                            AddressRecord {
                                plugin: ipam::config::TYPE.to_owned(),
                                network: place.network().to_owned(),
                                address: *address,
                                container: owned.owner.container_id.to_string(),
                                ifname: Some(owned.owner.ifname.to_string()),
                                path: path.clone(),
                            }
                        }));
                    }
                    blocks
                        .rows
                        .extend(inventory.blocks.iter().map(|block| Block {
                            network: place.network().to_owned(),
                            cidr: block.cidr.cidr(),
                            node: Some(place.node().to_owned()),
                            path: path.clone(),
                        }));
                }
                Err(error) => {
                    let reason = format!("cannot read the address records of {path}: {error}");
                    *addresses = Table::inconsistent(std::mem::take(&mut addresses.rows), reason);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
