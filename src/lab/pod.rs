//! Starting and removing pods.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use plugin_core::netlink::{Socket, route};
use plugin_core::netns::Netns;

use super::directory::Directory;
use super::exec::find_pod;
use super::hosts;
use super::process::Held;
use super::runtime;
use super::sandbox;
use super::state::{Attachment, Capabilities, Pod, State};
use super::topology::is_label;
use crate::error::{Error, Result};

/// How long the other nodes' agents may take to learn of a pod's address block.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often that is looked at.
const PERIOD: Duration = Duration::from_millis(2);
/// How long to wait before each further attempt to detach a pod.
const DETACH_PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// What pod to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The node to run it on; the one with the fewest pods when left out.
    pub node: Option<String>,
    /// Addresses it asks for.
    pub addresses: Vec<IpAddr>,
    /// Networks it is attached to besides the default one, by name.
    pub networks: Vec<String>,
    /// What the plugins are asked for.
    pub capabilities: Capabilities,
}

/// Starts a pod and attaches it to its networks. Returns the lab with it.
///
/// # Errors
/// When it cannot be started or attached; nothing is left of it then.
pub fn add(
    directory: &Directory,
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> Result<(State, Pod)> {
    let pod = directory.update(|state| {
        let pod = planned(state, request)?;
        state.pods.push(pod.clone());
        Ok(pod)
    })?;
    match start(directory, &pod) {
        Ok((state, pod)) => {
            for node in without_route(&state, &pod) {
                let name = pod.full_name();
                progress(&format!(
                    "{node} has no route to {name}: is its agent running?"
                ));
            }
            Ok((state, pod))
        }
        Err(error) => {
            if let Err(remains) = undo(directory, &pod, progress) {
                let name = pod.full_name();
                progress(&format!("{remains}; ovl lab pod rm {name} tries again"));
            }
            Err(error)
        }
    }
}

/// Detaches a pod, ends its processes and forgets it. Returns what it was.
///
/// # Errors
/// When something of it cannot be removed; it stays listed then, and can be removed again.
pub fn remove(directory: &Directory, name: &str) -> Result<Pod> {
    let state = directory.read_up()?;
    let pod = find_pod(&state, name)?.clone();
    let node = node_of(&state, &pod)?;
    sandbox::end_plugins(&pod)?;
    detach(&node, &pod)?;
    forget(directory, &node, &pod)?;
    Ok(pod)
}

/// Detaches the pod, and tries again when that fails, as kubelet does (it stops a sandbox until it succeeds):
/// a plugin that is told to DEL may find the kernel or another program at work on the same thing.
fn detach(node: &Held, pod: &Pod) -> Result<()> {
    let mut pauses = DETACH_PAUSES.into_iter();
    loop {
        let error = match runtime::detach(node, pod) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        thread::sleep(pauses.next().ok_or(error)?);
    }
}

/// Removes a pod that could not be attached. The failed ADD was undone as far as the plugins could; one that
/// cannot even do that keeps nothing else.
fn undo(directory: &Directory, pod: &Pod, progress: &mut dyn FnMut(&str)) -> Result<()> {
    let state = directory.read_up()?;
    // Its process may have been written down since.
    let pod = state
        .pods
        .iter()
        .find(|other| other.sandbox == pod.sandbox)
        .unwrap_or(pod);
    let node = node_of(&state, pod)?;
    if let Err(error) = detach(&node, pod) {
        progress(&error.with_cause());
    }
    forget(directory, &node, pod)
}

fn forget(directory: &Directory, node: &Held, pod: &Pod) -> Result<()> {
    sandbox::end(node, pod)?;
    change(directory, |state| {
        state.pods.retain(|other| other.sandbox != pod.sandbox);
    })?;
    Ok(())
}

fn start(directory: &Directory, pod: &Pod) -> Result<(State, Pod)> {
    let state = directory.read_up()?;
    let node = node_of(&state, pod)?;
    let pause = sandbox::start(&node, pod, |pause| {
        change(directory, |state| {
            if let Some(entry) = entry(state, pod) {
                entry.pause = Some(pause);
            }
        })
        .map(drop)
    })?;
    let mut attachments = runtime::attach(&node, pod)?;
    let machine = state.machine(&pod.node).map(|machine| machine.process.pid);
    let outside = machine.and_then(|pid| Netns::of_pid(pid).ok());
    if let (Ok(inside), Some(outside)) = (Netns::of_pid(pause.pid), outside) {
        for attachment in &mut attachments {
            runtime::complete(attachment, &inside, &outside);
        }
    }
    let state = change(directory, |state| {
        if let Some(entry) = entry(state, pod) {
            entry.attachments = attachments;
            entry.ready = true;
        }
    })?;
    let pod = state
        .pods
        .iter()
        .find(|other| other.sandbox == pod.sandbox)
        .cloned();
    pod.map(|pod| (state, pod))
        .ok_or_else(|| Error::failed("the pod was removed meanwhile"))
}

/// Changes the state and the list of hosts, and returns the state.
fn change(directory: &Directory, change: impl FnOnce(&mut State)) -> Result<State> {
    directory.update(|state| {
        change(state);
        hosts::write(directory, state)?;
        Ok(state.clone())
    })
}

fn entry<'a>(state: &'a mut State, pod: &Pod) -> Option<&'a mut Pod> {
    state
        .pods
        .iter_mut()
        .find(|other| other.sandbox == pod.sandbox)
}

fn node_of(state: &State, pod: &Pod) -> Result<Held> {
    let lost = || Error::failed(format!("{} does not run any more", pod.node));
    let machine = state.machine(&pod.node).ok_or_else(lost)?;
    machine
        .process
        .hold()
        .map_err(|e| lost().caused_by(e))?
        .ok_or_else(lost)
}

/// The pod as it is written down before anything of it is made.
fn planned(state: &State, request: &Request) -> Result<Pod> {
    let Request {
        namespace, name, ..
    } = request;
    for part in [namespace, name] {
        if !is_label(part) {
            return Err(
                Error::usage(format!("{part:?} is no name for a pod or a namespace"))
                    .try_this("use lower-case letters, digits and '-' inside, at most 63"),
            );
        }
    }
    if state.machine(name).is_some() {
        return Err(
            Error::usage(format!("{name} is a machine of lab {}", state.name))
                .try_this("choose another name for the pod"),
        );
    }
    if state
        .pods
        .iter()
        .any(|pod| pod.namespace == *namespace && pod.name == *name)
    {
        return Err(
            Error::usage(format!("there is a pod {namespace}/{name} already"))
                .try_this(format!("ovl lab pod rm {namespace}/{name}")),
        );
    }
    let node = match &request.node {
        Some(node) if state.nodes().any(|machine| machine.name == *node) => node.clone(),
        Some(node) => {
            return Err(
                Error::usage(format!("there is no node {node} in lab {}", state.name))
                    .try_this(format!("ovl lab ls --lab {}", state.name)),
            );
        }
        None => {
            let pods = |node: &str| state.pods.iter().filter(|pod| pod.node == node).count();
            let node = state.nodes().min_by_key(|machine| pods(&machine.name));
            node.map(|machine| machine.name.clone()).unwrap_or_default()
        }
    };
    let failed = |e: io::Error| Error::failed("cannot read /dev/urandom").caused_by(e);
    Ok(Pod {
        namespace: namespace.clone(),
        name: name.clone(),
        node,
        sandbox: hexadecimal(&random::<32>().map_err(failed)?),
        netns: PathBuf::from(format!("/run/netns/cni-{}", uuid().map_err(failed)?)),
        pause: None,
        ready: false,
        attachments: Vec::new(),
        capabilities: request.capabilities.clone(),
        networks: request.networks.clone(),
        requested: request.addresses.clone(),
    })
}

/// Waits until every other node has a route to the pod; the nodes that have none when patience runs out.
fn without_route<'a>(state: &'a State, pod: &Pod) -> Vec<&'a str> {
    let Some(default) = pod.attachments.first() else {
        return Vec::new();
    };
    let start = Instant::now();
    let mut nodes: Vec<_> = state
        .nodes()
        .filter(|machine| machine.name != pod.node)
        .filter_map(|machine| {
            let socket = Socket::open_in(&Netns::of_pid(machine.process.pid).ok()?).ok()?;
            Some((machine.name.as_str(), socket))
        })
        .collect();
    loop {
        nodes.retain_mut(|(_, socket)| !reaches(socket, default));
        if nodes.is_empty() || start.elapsed() > PATIENCE {
            return nodes.into_iter().map(|(name, _)| name).collect();
        }
        thread::sleep(PERIOD);
    }
}

/// Whether the routes of a namespace cover all addresses, other than by a default route.
fn reaches(socket: &mut Socket, attachment: &Attachment) -> bool {
    let Ok(routes) = route::list(socket) else {
        return false;
    };
    attachment.addresses.iter().all(|wanted| {
        routes
            .rows
            .iter()
            .any(|row| row.dst.prefix_len() > 0 && row.dst.contains(&wanted.addr()))
    })
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut octets)?;
    Ok(octets)
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// As containerd names the network namespaces it makes: five groups of a random UUID.
fn uuid() -> io::Result<String> {
    let digits = hexadecimal(&random::<16>()?);
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
    let groups: Vec<&str> = groups
        .into_iter()
        .filter_map(|range| digits.get(range))
        .collect();
    Ok(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_namespaces_look_like_containerds() {
        let uuid = uuid().unwrap();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_ne!(uuid, super::uuid().unwrap());
    }
}
