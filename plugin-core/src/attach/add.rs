//! ADD: validate, write down the way back, take an address, carry out the plan.

use std::path::Path;

use super::ends::{Ends, has_ipv6, node_end, secondary};
use super::facts::Facts;
use super::network::{Kind, Network, Wiring};
use super::undo::Undoing;
use crate::journal::{Attached, Busy, Entry, Intent, Journal, Progress, Undo};
use crate::mac::Mac;
use crate::naming::{self, Owner};
use crate::netlink::Socket;
use crate::netlink::link;
use crate::netns::Netns;
use crate::plan::execute::Kernel;
use crate::plan::{Operation, Plan, Side};
use crate::spec::{Add, AddResult, Code, Error, Result};
use crate::{routed, vxlan};

/// Answers an ADD.
///
/// # Errors
/// What went wrong; nothing is left behind then.
pub(super) fn add(kind: Kind, request: &Add) -> Result<AddResult> {
    let network = Network::read(kind, &request.invocation.config)?;
    let owner = owner_of(request)?;
    let mut kernel = Kernel::open(open_netns(&request.netns)?)?;
    let journal = Journal::new(&network.state_dir);
    let mut entry = journal.begin(&owner, Busy::Refuse)?;
    let adding = Adding {
        request,
        network: &network,
        owner: &owner,
        journal: &journal,
    };
    // When this fails the entry stays: it is that of an ADD that stands, or has more to undo.
    adding.recover(&mut kernel.node, &entry)?;
    let facts = match adding.validate(&mut kernel) {
        Ok(facts) => facts,
        Err(error) => {
            entry.remove()?;
            return Err(error);
        }
    };
    let netns = request.netns.clone();
    let intent = Intent::new(owner.clone(), netns, adding.undo_steps(&facts))?;
    if let Err(error) = entry.intend(intent) {
        entry.remove()?;
        return Err(error.into());
    }
    let given = match network.ipam.add(request) {
        Ok(given) => given,
        Err(error) => {
            // An IPAM plugin that fails has undone what it did itself, and nothing else was done.
            entry.remove()?;
            return Err(error);
        }
    };
    match adding.attach(&mut kernel, &mut entry, &facts, &given) {
        Ok(result) => Ok(result),
        Err(error) => Err(adding.roll_back(&mut kernel.node, entry, error)),
    }
}

/// The plan of an ADD with the addresses that `given` holds, as [`Ipam::add`](super::ipam::Ipam::add) or
/// a preview of it would give them. Reads the kernel and changes nothing.
///
/// # Errors
/// What an ADD would refuse.
pub fn plan(kind: Kind, request: &Add, given: &AddResult) -> Result<Plan> {
    let network = Network::read(kind, &request.invocation.config)?;
    let owner = owner_of(request)?;
    let pod = request.invocation.args.pod();
    let facts = Facts::gather(&network, &owner, pod.as_ref(), &mut Socket::open()?)?;
    let (_, _, operations) = wire(&network, &owner, &facts, given)?;
    Ok(Plan::new(owner, operations))
}

/// One ADD on its way.
struct Adding<'a> {
    request: &'a Add,
    network: &'a Network,
    owner: &'a Owner,
    journal: &'a Journal,
}

impl Adding<'_> {
    /// Undoes what an earlier ADD for the same attachment left, if it was killed or its pod is gone.
    fn recover(&self, node: &mut Socket, entry: &Entry) -> Result<()> {
        let intent = match &entry.progress {
            Progress::None => return Ok(()),
            Progress::Begun(intent) => intent,
            Progress::Attached(intent, attached) => {
                let there = link::by_name(node, attached.link().unwrap_or_default())?;
                if there.is_some_and(|link| link.alias == Some(self.owner.alias())) {
                    return Err(Error::new(
                        Code::InterfaceExists,
                        format!("{} is attached already", self.owner),
                    )
                    .with_details("a runtime must DEL an attachment before it ADDs it again"));
                }
                intent
            }
        };
        super::all_of(self.undoing(node).undo(intent))
    }

    fn undoing<'b>(&'b self, node: &'b mut Socket) -> Undoing<'b> {
        Undoing {
            journal: self.journal,
            node,
            ipam: Some(&self.network.ipam),
            invocation: &self.request.invocation,
        }
    }

    /// Everything that can be known to fail, before anything is changed.
    fn validate(&self, kernel: &mut Kernel) -> Result<Facts> {
        self.network.ipam.validate(&self.request.invocation)?;
        let ifname = self.owner.attachment.ifname.as_str();
        if kernel.link(Side::Pod, ifname)?.is_some() {
            return Err(Error::new(
                Code::InterfaceExists,
                format!(
                    "CNI_IFNAME={ifname} is taken in {}",
                    self.request.netns.display()
                ),
            )
            .with_details("the namespace has a link of this name"));
        }
        let pod = self.request.invocation.args.pod();
        Facts::gather(self.network, self.owner, pod.as_ref(), &mut kernel.node)
    }

    fn attach(
        &self,
        kernel: &mut Kernel,
        entry: &mut Entry,
        facts: &Facts,
        given: &AddResult,
    ) -> Result<AddResult> {
        let (ends, result, operations) = wire(self.network, self.owner, facts, given)?;
        // A bridge without ports may be removed; this one is about to have one.
        let bridge_lock = match self.network.wiring {
            Wiring::Routed => None,
            Wiring::Bridged(_) => Some(self.journal.lock_bridges(false)?),
        };
        kernel.execute(&operations)?;
        drop(bridge_lock);
        entry.attach(Attached {
            addresses: result.ips.iter().map(|ip| ip.address).collect(),
            operations,
        })?;
        Ok(self.result(&ends, result, facts))
    }

    fn undo_steps(&self, facts: &Facts) -> Vec<Undo> {
        let mut undo = vec![Undo::DeleteLink {
            name: facts.link.clone(),
        }];
        let table = secondary(self.owner.attachment.ifname.as_str());
        undo.extend(table.map(|table| Undo::DeletePodRules { table }));
        if let Wiring::Bridged(bridge) = &self.network.wiring
            && facts.bridge.is_none()
        {
            undo.push(Undo::DeleteBridge {
                name: bridge.name.clone(),
                mac: naming::bridge_mac(&self.network.node, &bridge.name),
            });
        }
        undo.push(Undo::ReleaseAddresses {
            ipam: self.network.ipam.kind().to_owned(),
        });
        undo
    }

    fn roll_back(&self, node: &mut Socket, entry: Entry, mut error: Error) -> Error {
        let mut left = Vec::new();
        if let Progress::Begun(intent) | Progress::Attached(intent, _) = &entry.progress {
            left = self.undoing(node).undo(intent);
        }
        if left.is_empty() {
            left.extend(entry.remove().err().map(Error::from));
        }
        for failed in left {
            error.details +=
                &format!("\nand it could not be undone, which DEL or GC will try again: {failed}");
        }
        error
    }

    fn result(&self, ends: &Ends, given: AddResult, facts: &Facts) -> AddResult {
        let sandbox = self.request.netns.to_string_lossy();
        let mut interfaces = Vec::with_capacity(3);
        if let Wiring::Bridged(bridge) = &self.network.wiring {
            interfaces.push(vxlan::interface(
                bridge,
                bridge_mac(self.network, &bridge.name, facts),
            ));
        }
        interfaces.push(ends.interface(Side::Node, &sandbox));
        interfaces.push(ends.interface(Side::Pod, &sandbox));
        let pod = interfaces.len() - 1;
        let mut result = AddResult {
            interfaces,
            ..given
        };
        for ip in &mut result.ips {
            ip.interface = Some(pod);
        }
        if let Ok(dns) = self.request.invocation.config.dns()
            && !dns.is_empty()
        {
            result.dns = dns;
        }
        result
    }
}

/// What a pod gets, and the operations that give it.
fn wire(
    network: &Network,
    owner: &Owner,
    facts: &Facts,
    given: &AddResult,
) -> Result<(Ends, AddResult, Vec<Operation>)> {
    if has_ipv6(given) {
        if !facts.ipv6 {
            return Err(Error::config(
                "the pool has IPv6 addresses, and this kernel has no IPv6",
            ));
        }
        network.refuse_small_mtu(facts.mtu, true)?;
    }
    let ends = |mac| {
        Ends::new(
            owner,
            node_end(&facts.link, mac),
            facts.mtu,
            facts.ipv6,
            given,
        )
    };
    Ok(match &network.wiring {
        Wiring::Routed => {
            let (ends, result) = (ends(routed::HOST_MAC), routed::adapt(given));
            let operations = routed::operations(&ends, &result, facts.answers_gateway);
            (ends, result, operations)
        }
        Wiring::Bridged(bridge) => {
            let (ends, result) = (ends(owner.port_mac()), vxlan::adapt(given, bridge.gateway));
            let mac = bridge_mac(network, &bridge.name, facts);
            let operations = vxlan::operations(&ends, &result, bridge, mac);
            (ends, result, operations)
        }
    })
}

/// The hardware address that the bridge has, or will have.
fn bridge_mac(network: &Network, bridge: &str, facts: &Facts) -> Mac {
    let there = facts.bridge.as_ref().and_then(|bridge| bridge.mac);
    there.unwrap_or_else(|| naming::bridge_mac(&network.node, bridge))
}

fn owner_of(request: &Add) -> Result<Owner> {
    Owner::new(
        request.invocation.config.name.clone(),
        request.attachment.clone(),
    )
}

/// Opens the namespace that `CNI_NETNS` names.
pub(super) fn open_netns(path: &Path) -> Result<Netns> {
    Netns::open(path).map_err(|error| {
        Error::environment(format!("CNI_NETNS={} cannot be used", path.display()))
            .with_details(error.to_string())
    })
}
