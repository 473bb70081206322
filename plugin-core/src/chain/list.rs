//! A network configuration list: what a file says, or what a single plugin's file stands for.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::spec::version::{Triple, UnknownVersion};
use crate::spec::{NetworkName, SpecVersion};

/// A network: its plugins in the order in which ADD runs them.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkList {
    /// Name of the network.
    pub name: NetworkName,
    /// The version every plugin of the list is spoken to in: the highest of `cniVersion` and
    /// `cniVersions` that this engine speaks.
    pub version: SpecVersion,
    /// CHECK must not be called.
    pub disable_check: bool,
    /// GC must not be called.
    pub disable_gc: bool,
    /// Plugins in files beside the list are ignored.
    pub load_only_inlined_plugins: bool,
    /// The plugins.
    pub plugins: Vec<ListedPlugin>,
    /// The list as text, which the result cache keeps.
    pub text: Vec<u8>,
}

/// One plugin of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedPlugin {
    /// `type`: the name of the binary.
    pub kind: String,
    /// The capabilities that are switched on.
    pub capabilities: BTreeSet<String>,
    /// The whole object.
    pub config: Map<String, Value>,
}

/// Why a file is no network.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It cannot be read.
    #[error("cannot read it: {0}")]
    Read(#[from] io::Error),
    /// It is not a JSON object.
    #[error("it is not a JSON object: {0}")]
    Json(#[from] serde_json::Error),
    /// A key is wrong.
    #[error("{0}")]
    Invalid(String),
    /// It speaks a version that this engine does not.
    #[error(transparent)]
    Version(#[from] UnknownVersion),
    /// A file of plugins beside the list is wrong.
    #[error("{}: {cause}", path.display())]
    Beside {
        /// The plugin's file.
        path: PathBuf,
        /// What is wrong with it.
        cause: Box<ListError>,
    },
}

type Result<T, E = ListError> = std::result::Result<T, E>;

impl NetworkList {
    /// Reads a file as a runtime does: a `.conflist` is a list, with the plugins of the directory
    /// `NAME/*.conf` beside it unless it says `loadOnlyInlinedPlugins`; any other file is one plugin.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = std::fs::read(path)?;
        if path
            .extension()
            .is_none_or(|extension| extension != "conflist")
        {
            return Self::from_single(&text);
        }
        let mut list = Self::parse(text)?;
        if !list.load_only_inlined_plugins {
            let beside = path
                .parent()
                .unwrap_or(Path::new("."))
                .join(list.name.as_str());
            list.plugins.extend(plugins_beside(&beside)?);
        }
        list.require_plugins()
    }

    /// Reads a list that stands alone.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_text(text: impl Into<Vec<u8>>) -> Result<Self> {
        Self::parse(text.into())?.require_plugins()
    }

    /// Makes a list of a single plugin's configuration (`.conf`, `.json`).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_single(text: &[u8]) -> Result<Self> {
        let config: Map<String, Value> = serde_json::from_slice(text)?;
        if config.get("type").is_none() && config.contains_key("plugins") {
            return Err(ListError::Invalid(
                "it is a list of plugins, which only a .conflist file may hold".to_owned(),
            ));
        }
        let plugin = ListedPlugin::from_object(config)?;
        let list = json!({
            "name": plugin.config.get("name").cloned().unwrap_or_default(),
            "cniVersion": plugin.config.get("cniVersion").cloned().unwrap_or_else(|| "".into()),
            "plugins": [plugin.config],
        });
        Self::from_text(list.to_string())
    }

    fn parse(text: Vec<u8>) -> Result<Self> {
        let object: Map<String, Value> = serde_json::from_slice(&text)?;
        let name = string(&object, "name")?
            .ok_or_else(|| ListError::Invalid("it has no network name".to_owned()))?
            .parse()
            .map_err(|error: crate::spec::Error| ListError::Invalid(error.to_string()))?;
        let version = chosen_version(&object)?;
        let load_only_inlined_plugins = flag(&object, "loadOnlyInlinedPlugins")?;
        let plugins = match object.get("plugins") {
            None if load_only_inlined_plugins => {
                return Err(ListError::Invalid(
                    "loadOnlyInlinedPlugins is true, and there is no plugins key".to_owned(),
                ));
            }
            None => Vec::new(),
            Some(Value::Array(plugins)) if plugins.is_empty() => {
                return Err(ListError::Invalid("plugins is empty".to_owned()));
            }
            Some(Value::Array(plugins)) => plugins
                .iter()
                .enumerate()
                .map(|(index, plugin)| match plugin {
                    Value::Object(config) => {
                        ListedPlugin::from_object(config.clone()).map_err(|error| {
                            ListError::Invalid(format!("plugin {}: {error}", index + 1))
                        })
                    }
                    other => Err(ListError::Invalid(format!(
                        "plugin {} is {other}",
                        index + 1
                    ))),
                })
                .collect::<Result<_>>()?,
            Some(other) => {
                return Err(ListError::Invalid(format!(
                    "plugins is {other}, not a list"
                )));
            }
        };
        Ok(Self {
            name,
            version,
            disable_check: flag(&object, "disableCheck")?,
            disable_gc: flag(&object, "disableGC")?,
            load_only_inlined_plugins,
            plugins,
            text,
        })
    }

    fn require_plugins(self) -> Result<Self> {
        if self.plugins.is_empty() {
            return Err(ListError::Invalid("it has no plugins".to_owned()));
        }
        Ok(self)
    }
}

impl ListedPlugin {
    fn from_object(config: Map<String, Value>) -> Result<Self> {
        let kind = match string(&config, "type")? {
            None | Some("") => return Err(ListError::Invalid("it has no type".to_owned())),
            Some(kind) => kind.to_owned(),
        };
        let capabilities = match config.get("capabilities") {
            None | Some(Value::Null) => BTreeSet::new(),
            Some(Value::Object(capabilities)) => capabilities
                .iter()
                .filter_map(|(name, on)| match on {
                    Value::Bool(true) => Some(Ok(name.clone())),
                    Value::Bool(false) => None,
                    other => Some(Err(ListError::Invalid(format!(
                        "{kind}: capability {name} is {other}, neither true nor false"
                    )))),
                })
                .collect::<Result<_>>()?,
            Some(other) => {
                return Err(ListError::Invalid(format!(
                    "{kind}: capabilities is {other}, not an object"
                )));
            }
        };
        Ok(Self {
            kind,
            capabilities,
            config,
        })
    }

    /// What the plugin reads from standard input: its own object, with the network's name and version,
    /// the previous result, and of the runtime's capability arguments those it asked for.
    pub fn request(
        &self,
        list: &NetworkList,
        prev_result: Option<&Value>,
        capability_args: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut request = self.config.clone();
        request.insert("name".to_owned(), list.name.as_str().into());
        request.insert("cniVersion".to_owned(), list.version.as_str().into());
        if let Some(result) = prev_result {
            request.insert("prevResult".to_owned(), result.clone());
        }
        let runtime_config: Map<String, Value> = capability_args
            .iter()
            .filter(|(capability, _)| self.capabilities.contains(*capability))
            .map(|(capability, value)| (capability.clone(), value.clone()))
            .collect();
        if !runtime_config.is_empty() {
            request.insert("runtimeConfig".to_owned(), Value::Object(runtime_config));
        }
        request
    }
}

/// The plugin configurations in a directory beside a list, in the order of their names; no directory
/// means none.
fn plugins_beside(dir: &Path) -> Result<Vec<ListedPlugin>> {
    let mut files = match std::fs::read_dir(dir) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    files.retain(|path| has_extension(path, &["conf"]) && !is_directory(path));
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let read =
                || ListedPlugin::from_object(serde_json::from_slice(&std::fs::read(&path)?)?);
            read().map_err(|cause| ListError::Beside {
                path: path.clone(),
                cause: Box::new(cause),
            })
        })
        .collect()
}

/// Whether a file's name ends in one of the extensions. Unlike [`Path::extension`], as Go's
/// `filepath.Ext`: a file named just `.conf` has one.
pub(super) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.rsplit_once('.'))
        .is_some_and(|(_, extension)| extensions.contains(&extension))
}

/// Whether it is a directory itself; a symbolic link to one is not, and cannot be read as a file.
pub(super) fn is_directory(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|metadata| metadata.is_dir())
}

fn string<'a>(object: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>> {
    match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(ListError::Invalid(format!("{key} is {other}, not a text"))),
    }
}

/// A boolean, which may also be written as a text in any case.
fn flag(object: &Map<String, Value>, key: &str) -> Result<bool> {
    match object.get(key) {
        None => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(other) => Err(ListError::Invalid(format!(
            "{key} is {other}, neither true nor false"
        ))),
    }
}

/// The highest of `cniVersions` and `cniVersion` that is not newer than what this engine speaks. Without
/// `cniVersions`, `cniVersion` stands as it is.
fn chosen_version(object: &Map<String, Value>) -> Result<SpecVersion> {
    let single = string(object, "cniVersion")?.unwrap_or_default();
    let newest: Triple = SpecVersion::CURRENT.as_str().parse()?;
    let chosen = match object.get("cniVersions") {
        None => single.to_owned(),
        Some(Value::Array(versions)) => {
            let mut best: Option<(Triple, &str)> = None;
            for version in versions {
                let text = version.as_str().ok_or_else(|| {
                    ListError::Invalid(format!("cniVersions holds {version}, not a text"))
                })?;
                best = better(best, text, newest)?;
            }
            if !single.is_empty() {
                best = better(best, single, newest)?;
            }
            best.map_or(single, |(_, text)| text).to_owned()
        }
        Some(other) => {
            return Err(ListError::Invalid(format!(
                "cniVersions is {other}, not a list"
            )));
        }
    };
    if chosen.is_empty() {
        return Err(ListError::Invalid(
            "it has no cniVersion, which means 0.1.0; this program speaks 0.3.0 to 1.1.0"
                .to_owned(),
        ));
    }
    Ok(chosen.parse()?)
}

fn better<'a>(
    best: Option<(Triple, &'a str)>,
    text: &'a str,
    newest: Triple,
) -> Result<Option<(Triple, &'a str)>> {
    let triple: Triple = text.parse()?;
    Ok(
        if triple <= newest && best.is_none_or(|(best, _)| triple > best) {
            Some((triple, text))
        } else {
            best
        },
    )
}

#[cfg(test)]
mod tests;
