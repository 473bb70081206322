//! The programs a node runs: this one, its plugins, and the standard plugins where they are installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use plugin_core::node::settings::Chained;

use super::files::{self, STANDARD_PLUGINS};
use crate::error::{Error, Result};

/// The environment variable that says where `ovl-cni` is.
pub const CNI_VARIABLE: &str = "OVL_CNI";

/// The programs that every node of a lab gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// This program.
    pub ovl: PathBuf,
    /// The multi-call plugin.
    pub ovl_cni: PathBuf,
}

impl Programs {
    /// Finds them: `ovl-cni` by `$OVL_CNI`, next to this program, or on `$PATH`.
    ///
    /// # Errors
    /// When there is no `ovl-cni`.
    pub fn find() -> Result<Self> {
        let ovl = std::env::current_exe()
            .map_err(|e| Error::failed("cannot tell where this program is").caused_by(e))?;
        if let Some(given) = std::env::var_os(CNI_VARIABLE).map(PathBuf::from) {
            return if given.is_file() {
                Ok(Self {
                    ovl,
                    ovl_cni: std::path::absolute(&given).unwrap_or(given),
                })
            } else {
                Err(Error::failed(format!(
                    "{CNI_VARIABLE}={} is no file",
                    given.display()
                )))
            };
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let beside = ovl.parent().map(Path::to_owned);
        let ovl_cni = beside
            .into_iter()
            .chain(std::env::split_paths(&path))
            .map(|directory| directory.join("ovl-cni"))
            .find(|file| file.is_absolute() && file.is_file());
        let ovl_cni = ovl_cni.ok_or_else(|| {
            Error::failed(format!(
                "cannot find ovl-cni beside {} or on PATH",
                ovl.display()
            ))
            .try_this(format!("cargo build --workspace, or set {CNI_VARIABLE}"))
        })?;
        Ok(Self { ovl, ovl_cni })
    }
}

/// The search path on a node: the caller's, then where `ovl` and the system's tools are. An ordinary user's
/// path often lacks `/usr/sbin`, and with it `ip` and `nft`.
pub fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    let ours = files::OVL.trim_end_matches("/ovl");
    for directory in [
        ours,
        "/usr/local/sbin",
        "/usr/sbin",
        "/sbin",
        "/usr/bin",
        "/bin",
    ] {
        if !path.is_empty() {
            path.push(":");
        }
        path.push(directory);
    }
    path
}

/// The name of a standard plugin's program.
pub fn plugin_name(plugin: Chained) -> &'static str {
    match plugin {
        Chained::Bandwidth => "bandwidth",
        Chained::Portmap => "portmap",
    }
}

/// Whether a standard plugin is installed.
pub fn is_installed(plugin: Chained) -> bool {
    STANDARD_PLUGINS
        .iter()
        .any(|directory| Path::new(directory).join(plugin_name(plugin)).is_file())
}
