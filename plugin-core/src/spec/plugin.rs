//! What makes a program a CNI plugin: it implements [`Plugin`], and [`main`] does the rest: variables,
//! version negotiation, errors as JSON, and a reply even when the program itself is at fault.

use std::any::Any;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use super::args::{Args, RequestedIp};
use super::config::PluginConfig;
use super::environment::Environment;
use super::error::{Code, Error, Result};
use super::name::Attachment;
use super::result::AddResult;
use super::runtime_config::RuntimeConfig;
use super::verb::Verb;
use super::version::SpecVersion;

/// What every request carries.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The configuration.
    pub config: PluginConfig,
    /// `runtimeConfig` of the configuration.
    pub runtime: RuntimeConfig,
    /// `CNI_ARGS`.
    pub args: Args,
    /// `CNI_PATH`: where a plugin that delegates looks for the other one.
    pub path: Vec<PathBuf>,
}

impl Invocation {
    /// Every address asked for, in the order the reference plugin host-local takes them: `IP` of
    /// `CNI_ARGS`, then `args.cni.ips`, then `runtimeConfig.ips`; one named twice is there once.
    ///
    /// # Errors
    /// When one is no address.
    pub fn requested_ips(&self) -> Result<Vec<RequestedIp>> {
        let mut ips: Vec<RequestedIp> = Vec::new();
        let asked = self
            .args
            .ips()?
            .into_iter()
            .chain(self.config.cni_args()?.ips);
        for ip in asked.chain(self.runtime.ips.iter().copied()) {
            if !ips.iter().any(|seen| seen.address == ip.address) {
                ips.push(ip);
            }
        }
        Ok(ips)
    }
}

/// Attach a container.
#[derive(Debug, Clone)]
pub struct Add {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// The container's network namespace.
    pub netns: PathBuf,
    /// What an earlier plugin of the chain made.
    pub prev_result: Option<AddResult>,
    /// The rest of the request.
    pub invocation: Invocation,
}

/// Detach a container.
#[derive(Debug, Clone)]
pub struct Del {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// The container's network namespace, which may be gone or not even named.
    pub netns: Option<PathBuf>,
    /// What ADD made, if the runtime still knows.
    pub prev_result: Option<AddResult>,
    /// The rest of the request.
    pub invocation: Invocation,
}

/// Is it as ADD left it?
#[derive(Debug, Clone)]
pub struct Check {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// The container's network namespace.
    pub netns: PathBuf,
    /// What ADD made.
    pub prev_result: Option<AddResult>,
    /// The rest of the request.
    pub invocation: Invocation,
}

/// Remove what belongs to no valid attachment.
#[derive(Debug, Clone)]
pub struct Gc {
    /// The attachments to leave alone.
    pub valid: Vec<Attachment>,
    /// The rest of the request.
    pub invocation: Invocation,
}

/// Could an ADD be served?
#[derive(Debug, Clone)]
pub struct Status {
    /// The rest of the request.
    pub invocation: Invocation,
}

/// A CNI plugin.
pub trait Plugin {
    /// The binary's name.
    fn name(&self) -> &'static str;

    /// Attaches; on failure nothing is left behind.
    ///
    /// # Errors
    /// What went wrong.
    fn add(&self, request: &Add) -> Result<AddResult>;

    /// Detaches; "already gone" is success.
    ///
    /// # Errors
    /// What could not be removed.
    fn del(&self, request: &Del) -> Result<()>;

    /// Verifies.
    ///
    /// # Errors
    /// [`Code::NotAsExpected`] with what is wrong in its details.
    fn check(&self, request: &Check) -> Result<()>;

    /// Sweeps.
    ///
    /// # Errors
    /// What could not be removed; everything else is.
    fn gc(&self, request: &Gc) -> Result<()>;

    /// Says whether an ADD would be served.
    ///
    /// # Errors
    /// [`Code::NotAvailable`] or [`Code::LimitedConnectivity`].
    fn status(&self, request: &Status) -> Result<()>;
}

/// What goes to standard output, and how the process ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// 0, or 1 on an error.
    pub exit: u8,
    /// The result, the error, or nothing.
    pub stdout: Vec<u8>,
}

/// Runs `plugin` as this process: `CNI_*`, standard input, standard output. Without `CNI_COMMAND` it says
/// on standard error what it is.
pub fn main(plugin: &dyn Plugin) -> ExitCode {
    if std::env::var_os("CNI_COMMAND").is_none_or(|command| command.is_empty()) {
        // As the reference skeleton does (pkg/skel), for somebody who tries the binary by hand.
        let spoken = SpecVersion::ALL.map(SpecVersion::as_str).join(", ");
        let about = format!(
            "CNI plugin {} v{}\nCNI protocol versions supported: {spoken}\n",
            plugin.name(),
            env!("CARGO_PKG_VERSION"),
        );
        let _ = io::stderr().write_all(about.as_bytes());
        return ExitCode::SUCCESS;
    }
    let mut stdin = Vec::new();
    let read = if io::stdin().is_terminal() {
        Ok(0)
    } else {
        io::stdin().lock().read_to_end(&mut stdin)
    };
    let reply = match read {
        Ok(_) => run(plugin, |name| std::env::var_os(name), &stdin),
        Err(error) => failed(
            &Error::new(
                Code::Io,
                format!("cannot read the configuration from standard input: {error}"),
            ),
            SpecVersion::CURRENT,
        ),
    };
    match io::stdout().write_all(&reply.stdout) {
        Ok(()) => ExitCode::from(reply.exit),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Answers one request. A panic of the plugin becomes an error like any other.
pub fn run(plugin: &dyn Plugin, lookup: impl Fn(&str) -> Option<OsString>, stdin: &[u8]) -> Reply {
    let version = answered_version(stdin);
    let environment = match Environment::from_lookup(lookup) {
        Ok(environment) => environment,
        Err(error) => return failed(&error, version.unwrap_or(SpecVersion::CURRENT)),
    };
    if environment.verb == Verb::Version {
        return Reply {
            exit: 0,
            stdout: version_info(stdin),
        };
    }
    let answer = panic::catch_unwind(AssertUnwindSafe(|| dispatch(plugin, environment, stdin)))
        .unwrap_or_else(|cause| {
            Err(Error::new(
                Code::Internal,
                format!("{} is at fault: it panicked", plugin.name()),
            )
            .with_details(panic_text(cause.as_ref())))
        });
    match answer {
        Ok(stdout) => Reply { exit: 0, stdout },
        Err(error) => failed(&error, version.unwrap_or(SpecVersion::CURRENT)),
    }
}

fn dispatch(plugin: &dyn Plugin, environment: Environment, stdin: &[u8]) -> Result<Vec<u8>> {
    let verb = environment.verb;
    let config = PluginConfig::from_json(stdin)?;
    let version = config.version;
    if version < verb.since() {
        return Err(Error::new(
            Code::IncompatibleVersion,
            format!("config version does not allow {verb}"),
        )
        .with_details(format!(
            "network {} is of {version}; {verb} came with {}",
            config.name,
            verb.since()
        )));
    }
    // DEL frees what it can: what it does not strictly need may be broken.
    let lenient = verb == Verb::Del;
    let invocation = Invocation {
        runtime: forgive(lenient, config.runtime_config())?,
        args: forgive(lenient, environment.args.parse::<Args>())?,
        path: environment.path,
        config,
    };
    let prev_result = |invocation: &Invocation| forgive(lenient, invocation.config.prev_result());
    let attachment = environment
        .container_id
        .zip(environment.ifname)
        .map(|(container_id, ifname)| Attachment {
            container_id,
            ifname,
        })
        .ok_or_else(|| {
            Error::environment("required env variables [CNI_CONTAINERID,CNI_IFNAME] missing")
        });
    let netns = environment
        .netns
        .ok_or_else(|| Error::environment("required env variables [CNI_NETNS] missing"));
    match verb {
        Verb::Add => {
            let netns = netns?;
            invocation.args.reject_unknown()?;
            if !environment.netns_override {
                refuse_own_netns(&netns)?;
            }
            let request = Add {
                attachment: attachment?,
                netns,
                prev_result: prev_result(&invocation)?,
                invocation,
            };
            plugin.add(&request).map(|result| result.to_json(version))
        }
        Verb::Del => {
            let request = Del {
                attachment: attachment?,
                netns: netns.ok(),
                prev_result: prev_result(&invocation)?,
                invocation,
            };
            plugin.del(&request).map(|()| Vec::new())
        }
        Verb::Check => {
            let request = Check {
                attachment: attachment?,
                netns: netns?,
                prev_result: prev_result(&invocation)?,
                invocation,
            };
            plugin.check(&request).map(|()| Vec::new())
        }
        Verb::Gc => {
            let request = Gc {
                valid: invocation.config.valid_attachments()?,
                invocation,
            };
            plugin.gc(&request).map(|()| Vec::new())
        }
        Verb::Status => plugin.status(&Status { invocation }).map(|()| Vec::new()),
        Verb::Version => Ok(version_info(stdin)),
    }
}

fn forgive<T: Default>(lenient: bool, result: Result<T>) -> Result<T> {
    if lenient {
        Ok(result.unwrap_or_default())
    } else {
        result
    }
}

/// A container that shares the plugin's namespace (a hostNetwork pod wired by mistake) would have the
/// plugin rearrange the node itself.
fn refuse_own_netns(netns: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    match (
        identity(netns),
        identity(Path::new("/proc/thread-self/ns/net")),
    ) {
        (Ok(container), Ok(own)) if container == own => Err(Error::environment(format!(
            "CNI_NETNS={} is the namespace of the plugin itself",
            netns.display()
        ))),
        // Whether it is there, and a namespace at all, is for the plugin to say, which opens it.
        _ => Ok(()),
    }
}

/// The version an answer should be in: the request's, if it is one.
fn answered_version(stdin: &[u8]) -> Option<SpecVersion> {
    cni_version(stdin)?.parse().ok()
}

fn cni_version(stdin: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(stdin).ok()?;
    let version = super::any_case::get(value.as_object()?, "cniVersion")?;
    version.as_str().map(str::to_owned)
}

/// The answer to VERSION: the version asked in, and those spoken.
fn version_info(stdin: &[u8]) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct VersionInfo<'a> {
        cni_version: &'a str,
        supported_versions: [SpecVersion; 5],
    }
    let asked = cni_version(stdin);
    let info = VersionInfo {
        cni_version: asked.as_deref().unwrap_or(SpecVersion::CURRENT.as_str()),
        supported_versions: SpecVersion::ALL,
    };
    let mut text = serde_json::to_vec(&info).unwrap_or_default();
    text.push(b'\n');
    text
}

fn failed(error: &Error, version: SpecVersion) -> Reply {
    Reply {
        exit: 1,
        stdout: error.to_json(version),
    }
}

fn panic_text(cause: &(dyn Any + Send)) -> String {
    cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .to_owned()
}

#[cfg(test)]
mod tests;
