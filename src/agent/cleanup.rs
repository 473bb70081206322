//! Takes a node out of a network: everything the agent made goes, in the order in which it can do no harm.

use plugin_core::netlink::{Socket, link};
use plugin_core::node::apply::describe;
use plugin_core::node::status::Status;
use plugin_core::node::{Kernel, Scope, State};
use plugin_core::store::DirStore;

use super::files::{absolute, lock, remove_file};
use super::run::no_access;
use super::{Options, addresses, cni, config, log, view};
use crate::error::{Error, Outcome, Result};

/// Removes what the agent of this network made on this node, and the node from the store. Carries on after
/// an error and ends with the first one. `ip_forward` stays: others may have come to depend on it.
///
/// # Errors
/// When an agent still runs, or when something could not be removed.
pub fn cleanup(options: &Options) -> Result<Outcome> {
    let settings = config::load(&options.config)?;
    let options = Options {
        store: absolute(&options.store)?,
        state_dir: absolute(&options.state_dir)?,
        ..options.clone()
    };
    let only_one = lock(&options.state_dir, &settings.name)?;
    let node = config::node_name(options.node.as_deref(), &settings);
    let last = Status::load(&options.state_dir, &settings.name)
        .map_err(|error| Error::failed("cannot read the agent's status").caused_by(error))?;
    let mut first_error = None;
    let mut carry_on = |result: Result<()>| {
        if let Err(error) = result {
            log::line(error.to_string());
            first_error.get_or_insert(error);
        }
    };
    // First, so that no pod comes while the rest goes.
    let written = last.as_ref().and_then(|last| last.cni_file.clone());
    carry_on(remove_file(
        &written.unwrap_or_else(|| cni::path(&options, &settings)),
    ));
    carry_on(leave_store(&options, &settings.name, &node));
    carry_on(clear_kernel(&settings, &node, last));
    carry_on(
        Status::remove(&options.state_dir, &settings.name)
            .map_err(|error| Error::failed("cannot remove the agent's status").caused_by(error)),
    );
    drop(only_one);
    match first_error {
        Some(error) => Err(error),
        None => {
            log::line(format!("{node} has left {}", settings.name));
            Ok(Outcome::Healthy)
        }
    }
}

fn leave_store(options: &Options, network: &str, node: &str) -> Result<()> {
    let cannot =
        |error| Error::failed(format!("cannot take {node} out of the store")).caused_by(error);
    let store = DirStore::open(&options.store).map_err(cannot)?;
    view::withdraw(&store, node).map_err(cannot)?;
    addresses::give_back(&store, network, node)
}

fn clear_kernel(
    settings: &plugin_core::node::Settings,
    node: &str,
    last: Option<Status>,
) -> Result<()> {
    let mut socket =
        Socket::open().map_err(|error| no_access(&error, "cannot talk to the kernel"))?;
    let mut scope = match last {
        Some(last) => last.scope,
        // Without a status there may still be what a killed first run made.
        None => match config::fit(settings, node, &mut socket) {
            Ok((network, me)) => Scope::new(&network, &me),
            Err(error) => {
                return Err(Error::failed("cannot tell what the agent made").caused_by(error));
            }
        },
    };
    let pods = pods_on_bridge(&mut socket, &scope)?;
    if pods > 0 {
        scope.bridge = None;
    }
    let report = Kernel::new(socket, scope)
        .sync(&State::default())
        .map_err(|error| Error::failed("cannot clear the kernel").caused_by(error))?;
    for change in report.changes.iter().filter(|_| report.changes.len() <= 10) {
        log::line(describe(change));
    }
    match report.failures.first() {
        Some(failure) => Err(Error::failed(failure.to_string())),
        None if pods > 0 => Err(Error::failed(format!(
            "the bridge has {pods} ports that are not the agent's and stays"
        ))
        .try_this("remove the pods of this network, then run it again")),
        None => Ok(()),
    }
}

/// How many ports the bridge has beside our VXLAN device.
fn pods_on_bridge(socket: &mut Socket, scope: &Scope) -> Result<usize> {
    let links = link::list(socket)
        .map_err(|error| no_access(&error, "cannot read the links"))?
        .rows;
    let index_of = |name: &Option<String>| {
        links
            .iter()
            .find(|link| Some(&link.name) == name.as_ref())
            .map(|link| link.index)
    };
    let Some(bridge) = index_of(&scope.bridge) else {
        return Ok(0);
    };
    let tunnel = index_of(&scope.vxlan);
    let ports = links
        .iter()
        .filter(|link| link.master == Some(bridge) && Some(link.index) != tunnel);
    Ok(ports.count())
}
