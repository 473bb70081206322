//! GC: whatever belongs to no valid attachment of the network, gone: journal entries with their links and
//! addresses, links whose alias names an attachment that no entry has, addresses that nobody has, and in
//! the end what the plugins made for all pods of the node and no pod needs any more.

use std::collections::BTreeSet;

use super::ipam::Ipam;
use super::network::{Kind, Network, Wiring, state_dir};
use super::undo::{Undoing, delete, delete_empty_bridge};
use crate::journal::{Busy, Journal, Progress, Unavailable};
use crate::naming::{self, Owner};
use crate::netlink::error::or_absent;
use crate::netlink::{Socket, link};
use crate::plan::execute::gateway_route;
use crate::routed;
use crate::spec::{Attachment, Code, Error, Gc, Result};

/// Answers a GC.
///
/// # Errors
/// What could not be removed; all else is.
pub(super) fn gc(kind: Kind, request: &Gc) -> Result<()> {
    let invocation = &request.invocation;
    let network = &invocation.config.name;
    let journal = Journal::new(&state_dir(&invocation.config));
    let ipam = Ipam::of(&invocation.config, kind.purpose());
    let valid: BTreeSet<&Attachment> = request.valid.iter().collect();
    let mut node = Socket::open()?;
    let mut errors = Vec::new();
    let mut at_work: BTreeSet<Owner> = BTreeSet::new();

    for owner in journal.owners(network)? {
        if valid.contains(&owner.attachment) {
            continue;
        }
        match journal.find(&owner, Busy::Refuse) {
            Ok(None) => {}
            Ok(Some(entry)) => {
                let mut undoing = Undoing {
                    journal: &journal,
                    node: &mut node,
                    ipam: ipam.as_ref(),
                    invocation,
                };
                let failed = match &entry.progress {
                    Progress::None => Vec::new(),
                    Progress::Begun(intent) | Progress::Attached(intent, _) => undoing.undo(intent),
                };
                if failed.is_empty() {
                    errors.extend(entry.remove().err().map(Error::from));
                }
                errors.extend(failed);
            }
            // An ADD or DEL that has not come to its end decides about it itself.
            Err(Unavailable::Busy(owner)) => {
                at_work.insert(*owner);
            }
            Err(error) => errors.push(error.into()),
        }
    }

    for link in link::list(&mut node)?.rows {
        let Some(owner) = link.alias.as_deref().and_then(Owner::from_alias) else {
            continue;
        };
        let stale = owner.network == *network && !valid.contains(&owner.attachment);
        if stale && !at_work.contains(&owner) {
            errors.extend(delete(&mut node, &link).err());
        }
    }
    if let Some(ipam) = &ipam
        && at_work.is_empty()
    {
        errors.extend(ipam.gc(request).err());
    }
    if valid.is_empty() {
        // With a configuration that cannot be read nothing is known of a bridge.
        let network = Network::read(kind, &invocation.config).ok();
        errors.extend(sweep_shared(&journal, network.as_ref(), &mut node));
    }
    super::all_of(errors)
}

/// Removes the bridge if an ADD made it and it has no ports, and the node's route to the gateway of
/// routed pods when it has none of them.
fn sweep_shared(journal: &Journal, network: Option<&Network>, node: &mut Socket) -> Vec<Error> {
    let links = match link::list(node) {
        Ok(links) if links.complete => links.rows,
        Ok(_) => return Vec::new(),
        Err(error) => return vec![error.into()],
    };
    let mut errors = Vec::new();
    if let Some(network) = network
        && let Wiring::Bridged(bridge) = &network.wiring
    {
        let mac = naming::bridge_mac(&network.node, &bridge.name);
        errors.extend(delete_empty_bridge(journal, node, &bridge.name, mac).err());
    }
    let routed_pods = links.iter().any(|link| {
        link.mac == Some(routed::HOST_MAC)
            && link
                .alias
                .as_deref()
                .is_some_and(|alias| Owner::from_alias(alias).is_some())
    });
    if !routed_pods {
        let route = gateway_route(routed::GATEWAY_V4.into());
        errors.extend(or_absent(node.apply(&route.delete())).err().map(|error| {
            Error::new(
                Code::Kernel,
                format!("cannot delete the node's route to {}", routed::GATEWAY_V4),
            )
            .with_details(error.to_string())
        }));
    }
    journal.forget_empty();
    errors
}
