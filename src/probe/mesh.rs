//! One echo from each node to each other, and one from a pod of each to a pod of each other.
//!
//! [`plan`] is pure: from a bundle to the echoes. [`send`] has the nodes send them, several at once, and says what
//! became of each.

pub mod lost;
pub mod told;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::message::{Kind, Outcome, Send, Sent, Watch};
use super::plan::{reference, underlay};
use crate::cluster::live::Live;
use crate::cluster::protocol::{AnswerOutcome, Question};
use crate::diagnose::echoes::Layer;
use crate::model::route::Scope;
use crate::model::{Bundle, Netns, Node, SandboxState};
use crate::trace::Endpoint;
use crate::walk::path::Packet;
use crate::walk::{Network, Origin};

/// Pods of a node that are looked at for one that can be reached.
const CANDIDATES: usize = 4;
/// Echoes that a node is asked for at once: a question has its greatest length.
const AT_ONCE: usize = 256;
/// How long an echo may take.
const WAIT: Duration = Duration::from_secs(2);
/// How much longer than its echoes a node may take.
const GRACE: Duration = Duration::from_secs(5);

/// An echo between two nodes or two of their pods.
#[derive(Debug, Clone, PartialEq)]
pub struct Echo {
    /// Of which network.
    pub layer: Layer,
    /// Who asks.
    pub source: Endpoint,
    /// Who is asked.
    pub destination: Endpoint,
}

/// What became of an echo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It was answered.
    Answered,
    /// It was not.
    Lost,
    /// It was not sent, or nobody knows.
    Unknown(String),
}

/// Who is asked for what.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mesh {
    /// The echoes, in the order of the nodes, those between nodes before those between pods.
    pub echoes: Vec<Echo>,
    /// Nodes without a pod that has a network of its own.
    pub without_pods: Vec<String>,
    /// Why some echoes are missing.
    pub doubts: Vec<String>,
}

/// Which echoes there are to be.
pub fn plan(bundle: &Bundle) -> Mesh {
    let network = Network::new(bundle);
    let roots = RootAddresses::of(bundle);
    let mut mesh = Mesh::default();
    let mut between_pods = Vec::new();
    let pods: Vec<_> = bundle.nodes.iter().map(pods).collect();
    for (from, pods_from) in bundle.nodes.iter().zip(&pods) {
        if pods_from.is_empty() {
            mesh.without_pods.push(from.name.clone());
        }
        for (to, pods_to) in bundle.nodes.iter().zip(&pods) {
            if from.name == to.name {
                continue;
            }
            let mut below = None;
            for v6 in [false, true] {
                if let Some((echo, by_way)) =
                    pod_echo(&network, (from, pods_from), (to, pods_to), v6)
                {
                    between_pods.push(echo);
                    below = below.or(by_way);
                }
            }
            match node_echo(&roots, from, to, below) {
                Some(echo) => mesh.echoes.push(echo),
                None => mesh.doubts.push(format!(
                    "{} and {} have no two addresses of one family to ask each other with",
                    from.name, to.name
                )),
            }
        }
    }
    mesh.echoes.extend(between_pods);
    mesh
}

/// The namespaces of a node's running pods, with what they are called.
fn pods(node: &Node) -> Vec<(&Netns, String)> {
    node.sandboxes
        .iter()
        .filter(|sandbox| sandbox.state != SandboxState::NotReady && !sandbox.host_network)
        .filter_map(|sandbox| {
            let netns = node.netns(sandbox.netns?)?;
            (netns.id != node.root).then(|| (netns, sandbox.full_name()))
        })
        .collect()
}

type Pods<'a, 'b> = (&'a Node, &'b [(&'a Netns, String)]);

/// An echo between two pods, and the nodes' addresses below it if its way crosses from one to the other. Pods that
/// reach each other by the tables come first: what is wrong with a single pod, or kept from it on purpose, says nothing
/// of the network.
fn pod_echo(
    network: &Network<'_>,
    from: Pods<'_, '_>,
    to: Pods<'_, '_>,
    v6: bool,
) -> Option<(Echo, Option<(IpAddr, IpAddr)>)> {
    let ends = |(node, pods): Pods<'_, '_>| -> Vec<Endpoint> {
        let endpoint =
            |(netns, name): &(&Netns, String)| Endpoint::of(name.clone(), node, netns, v6);
        pods.iter().filter_map(endpoint).take(CANDIDATES).collect()
    };
    let mut first = None;
    for source in ends(from) {
        for destination in ends(to) {
            let space = |end: &Endpoint| network.space(end.node.as_deref()?, end.netns?);
            let Some(space_of_source) = space(&source) else {
                continue;
            };
            let origin = Origin {
                space: space_of_source,
                goal: space(&destination),
            };
            let ways = network.converse(origin, &Packet::echo(source.address, destination.address));
            let below = underlay(&ways.out);
            let passes =
                ways.out.is_delivered() && ways.back.is_some_and(|back| back.is_delivered());
            let echo = Echo {
                layer: Layer::Pods,
                source: source.clone(),
                destination,
            };
            if passes {
                return Some((echo, below));
            }
            first.get_or_insert((echo, None));
        }
    }
    first
}

/// How many nodes have each address: one that several have, such as that of a virtual machine's way out, leads to
/// oneself.
struct RootAddresses(HashMap<IpAddr, u32>);

impl RootAddresses {
    fn of(bundle: &Bundle) -> Self {
        let mut counts = HashMap::new();
        for root in bundle.nodes.iter().filter_map(Node::root) {
            for row in &root.addresses {
                *counts.entry(row.address).or_insert(0) += 1;
            }
        }
        Self(counts)
    }

    /// A node with an address of its own.
    fn endpoint(&self, node: &Node, v6: bool) -> Option<Endpoint> {
        let root = node.root()?;
        let name = || format!("node/{}", node.name);
        let is_own = |address: &IpAddr| self.0.get(address) == Some(&1);
        let usual = Endpoint::of(name(), node, root, v6);
        if usual.as_ref().is_some_and(|end| is_own(&end.address)) {
            return usual;
        }
        root.addresses
            .iter()
            .filter(|row| row.scope == Scope::UNIVERSE && row.address.is_ipv6() == v6)
            .map(|row| row.address)
            .filter(|address| !address.is_loopback())
            .find(is_own)
            .map(|address| Endpoint::at(name(), node, root, address))
    }
}

/// An echo between two nodes: with the addresses that their pods' packets are carried by, if those are known.
fn node_echo(
    roots: &RootAddresses,
    from: &Node,
    to: &Node,
    below: Option<(IpAddr, IpAddr)>,
) -> Option<Echo> {
    let of = |node: &Node, address: IpAddr| {
        let root = node.root()?;
        let is_there = root.addresses.iter().any(|row| row.address == address);
        is_there.then(|| Endpoint::at(format!("node/{}", node.name), node, root, address))
    };
    let carried = below.and_then(|(source, destination)| of(from, source).zip(of(to, destination)));
    let own = |v6| roots.endpoint(from, v6).zip(roots.endpoint(to, v6));
    let (source, destination) = carried.or_else(|| own(false)).or_else(|| own(true))?;
    Some(Echo {
        layer: Layer::Nodes,
        source,
        destination,
    })
}

/// Sends the echoes, no new ones once `within` is over, and says what became of each, in their order.
pub fn send(
    live: &mut Live,
    bundle: &Bundle,
    echoes: &[Echo],
    nonce: u64,
    within: Duration,
) -> Vec<Became> {
    let mut became = vec![Became::Unknown("it was not asked for".to_owned()); echoes.len()];
    let mut of_node: BTreeMap<&str, Vec<(usize, Send)>> = BTreeMap::new();
    for (number, echo) in echoes.iter().enumerate() {
        match request(bundle, echo, nonce.wrapping_add(number as u64)) {
            Some((node, send)) => of_node.entry(node).or_default().push((number, send)),
            None => fill(&mut became, [number], "its namespace is not known"),
        }
    }
    let end = Instant::now() + within;
    loop {
        // Each node its next ones.
        let asked: BTreeMap<&str, Vec<(usize, Send)>> = of_node
            .iter_mut()
            .filter(|(_, left)| !left.is_empty())
            .map(|(node, left)| (*node, left.drain(..left.len().min(AT_ONCE)).collect()))
            .collect();
        if asked.is_empty() {
            return became;
        }
        let left = end.saturating_duration_since(Instant::now());
        let answers = live.ask_within(left + WAIT + GRACE, |node| {
            let sends = asked
                .get(node)?
                .iter()
                .map(|(_, send)| send.clone())
                .collect();
            Some(Question::SendAll {
                sends,
                within_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            })
        });
        for (node, answer) in answers {
            let numbers = asked
                .get(node.as_str())
                .into_iter()
                .flatten()
                .map(|(number, _)| *number);
            match answer {
                Ok(AnswerOutcome::SentAll(results)) => {
                    for (number, result) in numbers.zip(results) {
                        if let Some(became) = became.get_mut(number) {
                            *became = outcome(result);
                        }
                    }
                }
                Ok(_) => fill(&mut became, numbers, "it did not say what became of it"),
                Err(why) => fill(&mut became, numbers, &why),
            }
        }
    }
}

fn fill(became: &mut [Became], numbers: impl IntoIterator<Item = usize>, why: &str) {
    for number in numbers {
        if let Some(became) = became.get_mut(number) {
            *became = Became::Unknown(why.to_owned());
        }
    }
}

fn outcome(result: Result<Vec<Sent>, String>) -> Became {
    match result.as_deref().map(<[Sent]>::first) {
        Ok(Some(sent)) if matches!(sent.outcome, Outcome::Answered { .. }) => Became::Answered,
        Ok(Some(_)) => Became::Lost,
        Ok(None) => Became::Unknown("it did not say what became of it".to_owned()),
        Err(why) => Became::Unknown(why.clone()),
    }
}

/// The node that sends an echo, and what it is told.
fn request<'a>(bundle: &'a Bundle, echo: &Echo, nonce: u64) -> Option<(&'a str, Send)> {
    let node = bundle.node(echo.source.node.as_deref()?)?;
    let netns = node.netns(echo.source.netns?)?;
    let packet = Packet::echo(echo.source.address, echo.destination.address);
    let send = Send {
        netns: reference(node, netns),
        source: Some(packet.source),
        destination: packet.destination,
        kind: Kind::Echo,
        watch: Watch {
            nonce,
            first_port: 0,
            ports: 0,
            destination_port: None,
            any_syn: false,
            tunnel_ports: Vec::new(),
        },
        first_sequence: 0,
        count: 1,
        size: packet.size,
        dont_fragment: false,
        interval_us: None,
        wait_us: u64::try_from(WAIT.as_micros()).unwrap_or(u64::MAX),
    };
    Some((&node.name, send))
}
