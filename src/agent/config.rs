//! From the configuration file and the kernel to what the agent works with.

use std::fs;
use std::path::Path;

use plugin_core::netlink::{self, Socket, link, route};
use plugin_core::node::read::{global_addresses, sysctl};
use plugin_core::node::{LocalNode, Network, Refusal, Settings, Underlay};

use crate::error::{Error, Result};

/// Reads the settings: JSON if the file's name says so, else TOML.
pub(super) fn load(path: &Path) -> Result<Settings> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Error::failed(format!("cannot read {shown}")).caused_by(error))?;
    let wrong =
        |cause: String| Error::failed(format!("{shown} is not an agent's configuration: {cause}"));
    if path
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
    } else {
        toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))
    }
}

/// The node's name: what was said, else the host name, as kubelet does.
pub(super) fn node_name(given: Option<&str>, settings: &Settings) -> String {
    given.or(settings.node.as_deref()).map_or_else(
        || {
            rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .to_lowercase()
        },
        str::to_owned,
    )
}

/// Why the settings and the kernel do not make a network.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Netlink(#[from] netlink::Error),
}

/// Checks the settings against the kernel as it is now. The node's own addresses in the overlay are not known
/// yet.
pub(super) fn fit(
    settings: &Settings,
    node: &str,
    socket: &mut Socket,
) -> Result<(Network, LocalNode), Unfit> {
    let underlay = underlay(settings, socket)?;
    let (network, addresses) = Network::new(settings, &underlay)?;
    let accept_ra = sysctl(&format!("net/ipv6/conf/{}/accept_ra", underlay.device));
    let me = LocalNode {
        name: node.to_owned(),
        device: underlay.device,
        addresses,
        vtep_addresses: Vec::new(),
        bridge_addresses: Vec::new(),
        takes_router_advertisements: accept_ra.is_some_and(|value| value != "0"),
    };
    Ok((network, me))
}

/// The underlay device: the one that is configured, else the one of the default route.
fn underlay(settings: &Settings, socket: &mut Socket) -> Result<Underlay, Unfit> {
    let link = match &settings.underlay {
        Some(name) => {
            link::by_name(socket, name)?.ok_or_else(|| Refusal::NoUnderlay(name.clone()))?
        }
        None => {
            let routes = route::list(socket)?.rows;
            let default = routes
                .iter()
                .filter(|row| row.table == route::MAIN && row.dst.prefix_len() == 0)
                .filter(|row| row.gateway.is_some())
                .min_by_key(|row| (row.dst.addr().is_ipv6(), row.metric));
            let index = default
                .and_then(|row| row.oif)
                .ok_or(Refusal::UnderlayUnknown)?;
            link::by_index(socket, index)?.ok_or(Refusal::UnderlayUnknown)?
        }
    };
    Ok(Underlay {
        addresses: global_addresses(socket, link.index)?,
        mtu: link.mtu,
        device: link.name,
    })
}
