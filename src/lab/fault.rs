//! Faults to be made in a lab on purpose, and undone to the letter.
//!
//! A fault is what an operator could have typed by mistake: commands, run by the system's own programs in the
//! namespaces of a node, a pod or the switch, each with the commands that take it back. Which they are follows
//! from a snapshot of the healthy lab, so that every layout of a network gets the fault in its own way. Each has
//! the name of the finding that it must lead to ([`crate::diagnose::catalogue`]).
//!
//! | file | answers |
//! |---|---|
//! | `scene` | between which pods, and what of the network is there to be broken |
//! | `plan` | what is to be run, and how it is taken back |
//! | `apply` | how that happens, recorded first, so that a crash loses nothing |
//! | the others | which faults there are, a family a file |

mod address;
mod apply;
mod forwarding;
mod gateway;
mod mtu;
mod neighbour;
mod netfilter;
mod plan;
mod pod;
mod rebuild;
mod route;
mod scene;
mod service;
mod underlay;
mod vxlan;

pub use apply::{Healed, Request, fits, heal, make};
pub use plan::{Plan, See, Site, Unfit};
pub use scene::Scene;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::process::Process;

/// A kind of fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The finding it leads to.
    pub id: &'static str,
    /// Whose node is broken.
    pub side: Side,
    /// What way must lead from one pod to the other.
    pub way: Way,
    /// What is to be done.
    pub plan: fn(&Scene<'_>) -> Result<Plan, Unfit>,
}

/// At which end of the way from one pod to another something is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where the packet is sent.
    Sender,
    /// Where it is to arrive.
    Receiver,
}

/// How packets get from one pod's node to the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In any way.
    Any,
    /// As they are.
    Plain,
    /// Wrapped in VXLAN.
    Wrapped,
}

impl Fault {
    const fn at(
        id: &'static str,
        side: Side,
        way: Way,
        plan: fn(&Scene<'_>) -> Result<Plan, Unfit>,
    ) -> Self {
        Self {
            id,
            side,
            way,
            plan,
        }
    }

    /// One where the packet is sent.
    const fn sender(
        id: &'static str,
        way: Way,
        plan: fn(&Scene<'_>) -> Result<Plan, Unfit>,
    ) -> Self {
        Self::at(id, Side::Sender, way, plan)
    }

    /// One where the packet is to arrive.
    const fn receiver(
        id: &'static str,
        way: Way,
        plan: fn(&Scene<'_>) -> Result<Plan, Unfit>,
    ) -> Self {
        Self::at(id, Side::Receiver, way, plan)
    }
}

/// Every kind of fault, family by family.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    [
        route::FAULTS,
        neighbour::FAULTS,
        gateway::FAULTS,
        pod::FAULTS,
        forwarding::FAULTS,
        netfilter::FAULTS,
        vxlan::FAULTS,
        underlay::FAULTS,
        mtu::FAULTS,
        address::FAULTS,
        service::FAULTS,
    ]
    .into_iter()
    .flatten()
}

/// The kind of that name.
pub fn find(id: &str) -> Option<&'static Fault> {
    all().find(|fault| fault.id == id)
}

/// A fault that was made, as the lab's state remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// What kind.
    pub fault: String,
    /// The node that a tracer must name.
    pub node: String,
    /// The pod on it, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The device, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The command that shows it: `ovl` and its arguments, without `--lab`.
    pub see: Vec<String>,
    /// What was done, in this order.
    pub steps: Vec<Done>,
    /// Agents that were stopped so that they do not mend it.
    pub stopped: Vec<Stopped>,
}

/// One command that was run, or was about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Where.
    pub site: Site,
    /// The command.
    pub command: String,
    /// The commands that take it back.
    pub undo: Vec<String>,
    /// Whether it was run to its end; if not, it may have been or not.
    pub done: bool,
}

/// An agent that was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Its node.
    pub node: String,
    /// The process.
    pub agent: Process,
}

/// The prefix that holds one address alone.
fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(_) => format!("{address}/32"),
        IpAddr::V6(_) => format!("{address}/128"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_fault_is_in_the_catalogue_and_there_once() {
        let mut seen = HashSet::new();
        for fault in all() {
            assert!(seen.insert(fault.id), "{} twice", fault.id);
            assert!(
                crate::diagnose::catalogue::find(fault.id).is_some(),
                "{} is not in the catalogue",
                fault.id
            );
        }
    }
}
