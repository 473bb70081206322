//! Labs, as `ovl lab` shows them.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::lab::state::{Machine, Phase, Pod, Role, State};
use crate::lab::topology::Node;

use super::Style;
use super::escape::escape;
use super::table::{push, text, with_heads};

/// A lab that was just made.
///
/// # Errors
/// Those of `out`.
pub fn up(state: &State, took: Duration, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "lab {} is up in {}",
        style.subject(&state.name),
        seconds(took)
    )?;
    writeln!(out)?;
    out.write_all(nodes(state).as_bytes())
}

/// A lab that was taken apart.
///
/// # Errors
/// Those of `out`.
pub fn down(name: &str, took: Duration, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "lab {name} is down in {}", seconds(took))
}

/// A pod that was just started.
///
/// # Errors
/// Those of `out`.
pub fn added(pod: &Pod, took: Duration, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let name = pod.full_name();
    writeln!(
        out,
        "pod {} is up on {} in {}",
        style.subject(&name),
        pod.node,
        seconds(took)
    )?;
    writeln!(out)?;
    let mut table = with_heads(&[
        "INTERFACE",
        "ADDRESS",
        "MAC",
        "MTU",
        "ON THE NODE",
        "NETWORK",
    ]);
    for attachment in &pod.attachments {
        push(
            &mut table,
            [
                attachment.interface.clone(),
                join(&attachment.addresses),
                attachment
                    .mac
                    .map(|mac| mac.to_string())
                    .unwrap_or_default(),
                attachment
                    .mtu
                    .map(|mtu| mtu.to_string())
                    .unwrap_or_default(),
                attachment.host_interface.clone().unwrap_or_default(),
                attachment.network.clone(),
            ],
        );
    }
    out.write_all(text(table).as_bytes())
}

/// A pod that was removed.
///
/// # Errors
/// Those of `out`.
pub fn removed(pod: &Pod, took: Duration, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "pod {} is gone from {} in {}",
        pod.full_name(),
        pod.node,
        seconds(took)
    )
}

/// What to type after `ovl lab up`.
pub fn after_up(state: &State) -> String {
    let node = state
        .topology
        .nodes
        .first()
        .map_or("host01", |node| node.name.as_str());
    format!("ovl lab pod add pod1 --node {node}{}", which(state))
}

/// What to type after `ovl lab pod add`: a second pod on another node, then a ping between the two.
pub fn after_add(state: &State, pod: &Pod) -> String {
    let elsewhere = state.pods.iter().find(|other| other.node != pod.node);
    if let Some(other) = elsewhere {
        let short = |pod: &Pod| {
            if pod.namespace == "default" {
                pod.name.clone()
            } else {
                pod.full_name()
            }
        };
        let (from, to) = (short(other), &pod.name);
        return format!("ovl lab exec {from}{} -- ping -c 3 {to}", which(state));
    }
    let node = state
        .topology
        .nodes
        .iter()
        .find(|node| node.name != pod.node);
    match node {
        Some(node) => format!("ovl lab pod add pod2 --node {}{}", node.name, which(state)),
        None => format!("ovl lab exec {}{} -- ip addr", pod.name, which(state)),
    }
}

/// The name is only typed when it is not the profile's: several labs are the exception.
fn which(state: &State) -> String {
    if state.profile.as_deref() == Some(&state.name) {
        String::new()
    } else {
        format!(" --lab {}", state.name)
    }
}

/// Labs with their nodes and pods.
///
/// # Errors
/// Those of `out`.
pub fn list(states: &[State], wide: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for (n, state) in states.iter().enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        let condition = condition(state);
        let shown = if condition == Condition::Up {
            style.good(condition.word())
        } else {
            style.bad(condition.word())
        };
        writeln!(
            out,
            "{}  {shown}, {}, {}",
            style.subject(escape(&state.name)),
            count(state.topology.nodes.len(), "node"),
            count(state.pods.len(), "pod"),
        )?;
        writeln!(out)?;
        out.write_all(nodes(state).as_bytes())?;
        if !state.pods.is_empty() {
            writeln!(out)?;
            out.write_all(pods(state, wide).as_bytes())?;
        }
    }
    Ok(())
}

fn nodes(state: &State) -> String {
    let mut table = with_heads(&["NODE", "ADDRESS", "DEVICE", "MAC", "MTU", "PODS"]);
    for node in &state.topology.nodes {
        let mtu = state
            .topology
            .subnet(&node.subnet)
            .map(|s| s.mtu.to_string());
        push(
            &mut table,
            [
                node.name.clone(),
                join(&node.addresses),
                node.device.clone(),
                node.mac.to_string(),
                mtu.unwrap_or_default(),
                pods_of(state, node).to_string(),
            ],
        );
    }
    text(table)
}

fn pods(state: &State, wide: bool) -> String {
    let mut heads = vec!["POD", "READY", "IP", "NODE", "HOST DEVICE"];
    if wide {
        heads.extend(["PID", "NETNS", "SANDBOX"]);
    }
    let mut table = with_heads(&heads);
    for pod in &state.pods {
        let addresses: Vec<String> = pod
            .addresses()
            .iter()
            .map(|net| net.addr().to_string())
            .collect();
        let host = pod
            .attachments
            .first()
            .and_then(|first| first.host_interface.clone());
        let mut row = vec![
            pod.full_name(),
            if pod.ready { "yes" } else { "no" }.to_owned(),
            addresses.join(","),
            pod.node.clone(),
            host.unwrap_or_default(),
        ];
        if wide {
            row.push(
                pod.pause
                    .map(|process| process.pid.to_string())
                    .unwrap_or_default(),
            );
            row.push(pod.netns.display().to_string());
            row.push(pod.sandbox.clone());
        }
        push(&mut table, row);
    }
    text(table)
}

fn pods_of(state: &State, node: &Node) -> usize {
    state
        .pods
        .iter()
        .filter(|pod| pod.node == node.name)
        .count()
}

fn join<T: ToString>(values: &[T]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

/// Whether a lab can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Up,
    Starting,
    Dead,
}

impl Condition {
    fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Starting => "incomplete",
            Self::Dead => "dead",
        }
    }
}

fn condition(state: &State) -> Condition {
    match state.phase {
        _ if !state.is_alive() => Condition::Dead,
        Phase::Up => Condition::Up,
        Phase::Starting => Condition::Starting,
    }
}

/// `ovl lab ls -o json`.
#[derive(Debug, Serialize)]
pub struct Listing<'a> {
    schema: &'static str,
    labs: Vec<Listed<'a>>,
}

#[derive(Debug, Serialize)]
struct Listed<'a> {
    name: &'a str,
    profile: Option<&'a str>,
    condition: Condition,
    user_namespace: bool,
    nodes: Vec<ListedNode<'a>>,
    pods: &'a [Pod],
}

#[derive(Debug, Serialize)]
struct ListedNode<'a> {
    #[serde(flatten)]
    node: &'a Node,
    pid: Option<u32>,
}

impl<'a> Listing<'a> {
    /// The schema of the document.
    pub const SCHEMA: &'static str = "ovl.labs/v1";

    /// What is to be printed.
    pub fn of(states: &'a [State]) -> Self {
        let labs = states
            .iter()
            .map(|state| Listed {
                name: &state.name,
                profile: state.profile.as_deref(),
                condition: condition(state),
                user_namespace: state.user_namespace,
                nodes: state
                    .topology
                    .nodes
                    .iter()
                    .map(|node| ListedNode {
                        node,
                        pid: pid_of(state, &node.name),
                    })
                    .collect(),
                pods: &state.pods,
            })
            .collect();
        Self {
            schema: Self::SCHEMA,
            labs,
        }
    }
}

fn pid_of(state: &State, node: &str) -> Option<u32> {
    let machine: &Machine = state.machine(node)?;
    (machine.role == Role::Node).then_some(machine.process.pid)
}

#[cfg(test)]
mod tests {
    use crate::lab::profile::Profile;
    use crate::lab::state::{Attachment, Capabilities, SCHEMA};

    use super::*;

    fn pod(name: &str, node: &str, address: &str) -> Pod {
        Pod {
            namespace: "default".into(),
            name: name.into(),
            node: node.into(),
            sandbox: "b7d2".into(),
            netns: "/run/netns/cni-7cffed61".into(),
            pause: None,
            ready: true,
            attachments: vec![Attachment {
                network: "k8s-pod-network".into(),
                interface: "eth0".into(),
                mac: "f2:ed:e8:04:00:cc".parse().ok(),
                mtu: Some(1450),
                host_interface: Some("calice0906292e2".into()),
                addresses: vec![address.parse().unwrap()],
            }],
            capabilities: Capabilities::default(),
            networks: Vec::new(),
            requested: Vec::new(),
        }
    }

    fn state(pods: Vec<Pod>) -> State {
        State {
            schema: SCHEMA.into(),
            name: "calico".into(),
            profile: Some("calico".into()),
            boot: String::new(),
            user_namespace: false,
            phase: Phase::Up,
            topology: Profile::Calico.topology(2).unwrap(),
            machines: Vec::new(),
            pods,
            faults: Vec::new(),
        }
    }

    fn printed(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_pod_is_shown_with_both_ends() {
        let pod = pod("pod1", "host01", "172.31.239.216/32");
        let took = Duration::from_millis(120);
        assert_eq!(
            printed(|out| added(&pod, took, Style::PLAIN, out)),
            "pod default/pod1 is up on host01 in 0.12 s\n\n\
             INTERFACE  ADDRESS            MAC                MTU   ON THE NODE      NETWORK\n\
             eth0       172.31.239.216/32  f2:ed:e8:04:00:cc  1450  calice0906292e2  k8s-pod-network\n"
        );
    }

    #[test]
    fn a_list_shows_nodes_then_pods() {
        let state = state(vec![pod("pod1", "host01", "172.31.239.216/32")]);
        assert_eq!(
            printed(|out| list(&[state], false, Style::PLAIN, out)),
            "calico  dead, 2 nodes, 1 pod\n\n\
             NODE    ADDRESS           DEVICE  MAC                MTU   PODS\n\
             host01  192.168.61.11/24  enp0s8  08:00:27:b7:ef:ef  1500  1\n\
             host02  192.168.61.12/24  enp0s8  08:00:27:fc:d2:36  1500  0\n\n\
             POD           READY  IP              NODE    HOST DEVICE\n\
             default/pod1  yes    172.31.239.216  host01  calice0906292e2\n"
        );
    }

    #[test]
    fn the_next_command_leads_to_a_ping_across_nodes() {
        let one = pod("pod1", "host01", "172.31.239.216/32");
        let two = pod("pod2", "host02", "172.31.89.197/32");
        assert_eq!(
            after_up(&state(vec![])),
            "ovl lab pod add pod1 --node host01"
        );
        let alone = state(vec![one.clone()]);
        assert_eq!(
            after_add(&alone, &one),
            "ovl lab pod add pod2 --node host02"
        );
        let mut both = state(vec![one, two.clone()]);
        assert_eq!(
            after_add(&both, &two),
            "ovl lab exec pod1 -- ping -c 3 pod2"
        );
        both.name = "mine".into();
        assert_eq!(
            after_add(&both, &two),
            "ovl lab exec pod1 --lab mine -- ping -c 3 pod2"
        );
    }
}
