//! `ovl cni`: drives any CNI directory as a runtime would.

mod attach;
mod list;
mod plan;
mod show;
mod sweep;

use std::path::{Path, PathBuf};
use std::time::Duration;

use plugin_core::chain::discovery::DiscoveryError;
use plugin_core::chain::{self, Cache, Container, Directory, NetworkList, Runtime};
use plugin_core::spec::Attachment;

use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::render::Format;

/// What to do, where, and how to show it.
#[derive(Debug)]
pub struct Request {
    /// The directories.
    pub place: Place,
    /// What to do.
    pub verb: Verb,
    /// How to show it.
    pub format: Format,
}

/// The directories of a node's CNI.
#[derive(Debug)]
pub struct Place {
    /// Network configurations.
    pub net_dir: PathBuf,
    /// Plugin binaries, in the order they are looked for.
    pub bin_dirs: Vec<PathBuf>,
    /// The result cache.
    pub cache_dir: PathBuf,
    /// How long one plugin may take.
    pub limit: Duration,
}

/// What to do.
#[derive(Debug)]
pub enum Verb {
    /// List the configurations.
    List,
    /// Show one network.
    Show {
        /// Its name; none is the one a runtime uses.
        network: Option<String>,
    },
    /// Attach.
    Add(Target),
    /// Detach.
    Del(Target),
    /// Verify.
    Check(Target),
    /// Say what an ADD would do.
    Plan(Target),
    /// Sweep.
    Gc {
        /// The network's name; none is the one a runtime uses.
        network: Option<String>,
        /// Attachments to keep in any case.
        keep: Vec<Attachment>,
        /// Only say what would be done.
        dry_run: bool,
    },
    /// Ask for readiness.
    Status {
        /// The network's name; none is the one a runtime uses.
        network: Option<String>,
    },
}

/// A container and the network it is about.
#[derive(Debug)]
pub struct Target {
    /// The network's name; none is the one a runtime uses.
    pub network: Option<String>,
    /// The container.
    pub container: Container,
}

/// Does what was asked.
///
/// # Errors
/// When it could not be tried at all. What plugins report is shown, and ends in [`Outcome::Fault`].
pub fn run(request: Request, context: &mut Context<'_>) -> Result<Outcome> {
    let Request {
        place,
        verb,
        format,
    } = request;
    match verb {
        Verb::List => list::list(&place, format, context),
        Verb::Show { network } => show::show(&place, network.as_deref(), format, context),
        Verb::Status { network } => show::status(&place, network.as_deref(), format, context),
        Verb::Add(target) => attach::add(&place, &target, format, context),
        Verb::Del(target) => attach::del(&place, &target, format, context),
        Verb::Plan(target) => plan::plan(&place, &target, format, context),
        Verb::Check(target) => attach::check(&place, &target, format, context),
        Verb::Gc {
            network,
            keep,
            dry_run,
        } => sweep::gc(&place, network.as_deref(), keep, dry_run, format, context),
    }
}

impl Place {
    fn directory(&self) -> Result<Directory> {
        Ok(Directory::read(&self.net_dir)?)
    }

    fn runtime(&self) -> Runtime {
        Runtime {
            path: self.bin_dirs.clone(),
            cache: Cache::new(&self.cache_dir),
            limit: self.limit,
        }
    }
}

/// The network of that name, or else the one a runtime uses.
fn choose<'a>(
    directory: &'a Directory,
    network: Option<&str>,
) -> Result<(&'a Path, &'a NetworkList)> {
    Ok(match network {
        Some(name) => directory.named(name)?,
        None => directory.winner()?,
    })
}

impl From<DiscoveryError> for Error {
    fn from(error: DiscoveryError) -> Self {
        let outcome = match &error {
            DiscoveryError::Read { source, .. }
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Outcome::NoAccess
            }
            DiscoveryError::Read { .. }
            | DiscoveryError::Empty { .. }
            | DiscoveryError::Broken { .. }
            | DiscoveryError::NoSuchNetwork { .. } => Outcome::Fault,
        };
        let advice = match &error {
            DiscoveryError::Broken { .. } => {
                Some("mend it, or give it a name that does not end in .conf, .conflist or .json")
            }
            DiscoveryError::NoSuchNetwork { .. } => Some("ovl cni list"),
            DiscoveryError::Empty { .. } | DiscoveryError::Read { .. } => {
                Some("--net-dir says where the configurations are")
            }
        };
        let plain = Self::new(outcome, error.to_string());
        match advice {
            Some(advice) => plain.try_this(advice),
            None => plain,
        }
    }
}

impl From<chain::Error> for Error {
    fn from(error: chain::Error) -> Self {
        let (outcome, advice) = match &error {
            chain::Error::NotInVersion { verb, .. } => (
                Outcome::CannotTell,
                Some(format!(
                    "add \"{}\" to cniVersions if all its plugins speak it",
                    verb.since()
                )),
            ),
            chain::Error::Disabled { .. } => (Outcome::CannotTell, None),
            chain::Error::NotFound { .. } => (
                Outcome::Fault,
                Some("--bin-dir says where the plugins are".to_owned()),
            ),
            error if error.is_permission() => (Outcome::NoAccess, Some("run as root".to_owned())),
            _ => (Outcome::Fault, None),
        };
        let plain = Self::new(outcome, error.to_string());
        match advice {
            Some(advice) => plain.try_this(advice),
            None => plain,
        }
    }
}
