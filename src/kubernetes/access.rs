//! Which cluster is asked, and as whom: what kubectl would do with the same flags and environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::failure::{credentials, innermost};
use crate::error::{Error, Outcome, Result};

/// How long a credential plugin may take: some ask for a password or open a browser.
const PLUGIN_LIMIT: Duration = Duration::from_secs(60);

/// kubectl's flags of the same names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `--kubeconfig`, in place of `$KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`, in place of the current one.
    pub context: Option<String>,
    /// `--as`: the user to impersonate.
    pub user: Option<String>,
    /// `--as-group`: their groups.
    pub groups: Vec<String>,
    /// `--request-timeout`: how long one request may take.
    pub limit: Duration,
}

impl Access {
    /// The server and the credentials.
    pub(super) async fn config(&self) -> Result<Config> {
        let mut config = match self.kubeconfig()? {
            Some(kubeconfig) => self.choose(kubeconfig).await?,
            None => self.of_this_pod()?,
        };
        // The limit is on whole requests; another one beside it would only speak before it.
        config.connect_timeout = None;
        config.write_timeout = None;
        // What is wrong is said at once; whoever reads it knows better whether to try again.
        config.default_retry = false;
        if let Some(user) = &self.user {
            config.auth_info.impersonate = Some(user.clone());
            config.auth_info.impersonate_groups = Some(self.groups.clone());
        }
        Ok(config)
    }

    /// The files' contents; `None` if there are none.
    fn kubeconfig(&self) -> Result<Option<Kubeconfig>> {
        let files = match &self.kubeconfig {
            Some(path) => vec![path.clone()],
            // Of these, the ones that do not exist do not count.
            None => usual_files()
                .into_iter()
                .filter(|path| path.try_exists().unwrap_or(true))
                .collect(),
        };
        let mut merged: Option<Kubeconfig> = None;
        for path in files {
            let mut read =
                Kubeconfig::read_from(&path).map_err(|error| unreadable(&path, error))?;
            // An empty one is none, and leaves the word to the next file.
            read.current_context = read.current_context.filter(|name| !name.is_empty());
            merged = Some(match merged {
                // The first to say something wins, as in kubectl.
                Some(before) => before
                    .merge(read)
                    .map_err(|error| unreadable(&path, error))?,
                None => read,
            });
        }
        // `kubectl config unset` and an empty file leave nothing that names a cluster.
        let empty = |config: &Kubeconfig| config.clusters.is_empty() && config.contexts.is_empty();
        Ok(merged.filter(|config| self.kubeconfig.is_some() || !empty(config)))
    }

    /// The cluster and user of the context.
    async fn choose(&self, kubeconfig: Kubeconfig) -> Result<Config> {
        let current = kubeconfig.current_context.as_deref();
        let wanted = self.context.as_deref().or(current).unwrap_or_default();
        let mut known: Vec<&str> = kubeconfig
            .contexts
            .iter()
            .map(|context| context.name.as_str())
            .collect();
        known.sort_unstable();
        let advice = format!("--context NAME, where NAME is one of: {}", known.join(", "));
        if wanted.is_empty() {
            return Err(Error::usage("the kubeconfig has no current context").try_this(advice));
        }
        if !known.contains(&wanted) {
            let words = format!("the kubeconfig has no context {wanted}");
            return Err(Error::usage(words).try_this(advice));
        }
        let has_proxy = own_proxy(&kubeconfig, wanted);
        let options = KubeConfigOptions {
            context: Some(wanted.to_owned()),
            ..KubeConfigOptions::default()
        };
        let words = format!("cannot use the context {wanted} of the kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config =
            config.map_err(|error| Error::new(Outcome::NoAccess, format!("{words}: {error}")))?;
        // A proxy from the environment is not for every server.
        if !has_proxy && !is_behind_proxy(&config.cluster_url) {
            config.proxy_url = None;
        }
        Ok(config)
    }

    /// The service account of the pod that this program runs in.
    fn of_this_pod(&self) -> Result<Config> {
        let advice = "--kubeconfig FILE, or KUBECONFIG";
        if let Some(context) = &self.context {
            let words = format!("there is no kubeconfig that could have a context {context}");
            return Err(Error::usage(words).try_this(advice));
        }
        Config::incluster().map_err(|error| {
            let words = "cannot tell which cluster is meant: there is no kubeconfig, \
                         and this is no pod with a service account";
            Error::new(Outcome::NoAccess, format!("{words} ({error})")).try_this(advice)
        })
    }
}

/// Where kubectl looks without `--kubeconfig`.
fn usual_files() -> Vec<PathBuf> {
    let listed = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty());
    match listed {
        Some(list) => std::env::split_paths(&list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        None => std::env::home_dir()
            .map(|home| home.join(".kube/config"))
            .into_iter()
            .collect(),
    }
}

fn unreadable(path: &Path, error: KubeconfigError) -> Error {
    let words = format!("cannot read the kubeconfig {}", path.display());
    match error {
        KubeconfigError::ReadConfig(cause, _) => {
            Error::new(Outcome::NoAccess, words).caused_by(cause)
        }
        error => Error::new(Outcome::NoAccess, format!("{words}: {error}")),
    }
}

/// Whether the kubeconfig itself says which proxy is in front of the context's cluster.
fn own_proxy(kubeconfig: &Kubeconfig, context: &str) -> bool {
    let context = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == context);
    let cluster = context.and_then(|named| named.context.as_ref());
    cluster
        .and_then(|of| {
            kubeconfig
                .clusters
                .iter()
                .find(|named| named.name == of.cluster)
        })
        .and_then(|named| named.cluster.as_ref()?.proxy_url.as_ref())
        .is_some_and(|url| !url.is_empty())
}

/// Whether `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` put a proxy in front of the server. Like kubectl's
/// language (Go's httpproxy), this machine itself is never behind one.
fn is_behind_proxy(server: &http::Uri) -> bool {
    let host = server.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let here = address
        .parse::<std::net::IpAddr>()
        .map_or(host == "localhost", |address| address.is_loopback());
    !here && Matcher::from_env().intercept(server).is_some()
}

/// The server as kubectl writes it.
pub(super) fn server(config: &Config) -> String {
    config
        .cluster_url
        .to_string()
        .trim_end_matches('/')
        .to_owned()
}

/// A client of the server. Where the kubeconfig has a credential plugin, this runs it.
pub(super) async fn connect(config: Config) -> Result<Client> {
    let plugin = config.auth_info.exec.as_ref();
    let plugin = plugin.and_then(|exec| exec.command.clone());
    let server = server(&config);
    // On a thread of its own: the plugin blocks.
    let client = tokio::task::spawn_blocking(move || Client::try_from(config));
    let made = match tokio::time::timeout(PLUGIN_LIMIT, client).await {
        Ok(Ok(made)) => made,
        Ok(Err(panicked)) => {
            let words = format!("cannot prepare to ask {server}");
            return Err(Error::failed(words).caused_by(panicked));
        }
        Err(_) => {
            let plugin = plugin.as_deref().unwrap_or("the credential plugin");
            let words = format!("{plugin} gave no credential for {server} within {PLUGIN_LIMIT:?}");
            return Err(Error::new(Outcome::NoAccess, words).try_this("kubectl get nodes"));
        }
    };
    made.map_err(|error| {
        let cause = match &error {
            kube::Error::Auth(error) => credentials(error),
            error => innermost(error),
        };
        let of_plugin = plugin.map_or_else(String::new, |plugin| format!(" (plugin {plugin})"));
        let words = format!("no credentials for {server}{of_plugin}: {cause}");
        Error::new(Outcome::NoAccess, words).try_this("kubectl get nodes says more")
    })
}
