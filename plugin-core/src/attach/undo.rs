//! Carrying out the undo steps of an attachment. Goes on to the end whatever fails on the way.

use std::path::Path;

use super::ipam::Ipam;
use crate::journal::{Intent, Journal, Undo};
use crate::mac::Mac;
use crate::naming::Owner;
use crate::netlink::error::or_absent;
use crate::netlink::link::{self, Link};
use crate::netlink::{self, Socket, rule};
use crate::netns::Netns;
use crate::plan::execute::PROTOCOL;
use crate::spec::{Code, Error, Invocation, Result};

/// What undoing needs.
pub(super) struct Undoing<'a> {
    pub(super) journal: &'a Journal,
    pub(super) node: &'a mut Socket,
    pub(super) ipam: Option<&'a Ipam>,
    pub(super) invocation: &'a Invocation,
}

impl Undoing<'_> {
    /// Undoes what an ADD of `intent` may have done.
    pub(super) fn undo(&mut self, intent: &Intent) -> Vec<Error> {
        let mut errors = Vec::new();
        // Links of an earlier boot are gone, and their names may be others' now.
        let this_boot = intent.is_of_this_boot();
        for step in &intent.undo {
            let undone = match step {
                Undo::ReleaseAddresses { .. } => self.release(&intent.owner),
                _ if !this_boot => Ok(()),
                Undo::DeleteLink { name } => self.delete_link(name, &intent.owner),
                Undo::DeletePodRules { table } => delete_pod_rules(&intent.netns, *table),
                Undo::DeleteBridge { name, mac } => {
                    delete_empty_bridge(self.journal, self.node, name, *mac)
                }
            };
            errors.extend(undone.err());
        }
        errors
    }

    /// Gives the attachment's addresses back.
    pub(super) fn release(&self, owner: &Owner) -> Result<()> {
        match self.ipam {
            Some(ipam) => ipam.release(&owner.attachment, self.invocation),
            None => Ok(()),
        }
    }

    /// Deletes the link of this name if it is the attachment's: by its alias, or, without one, because the
    /// journal says that an ADD was killed between making it and writing the alias.
    fn delete_link(&mut self, name: &str, owner: &Owner) -> Result<()> {
        let Some(link) = link::by_name(self.node, name)? else {
            return Ok(());
        };
        let ours = match &link.alias {
            Some(alias) => *alias == owner.alias(),
            None => {
                link.kind.as_deref() == Some("veth") && !self.journal.is_being_made(name, owner)
            }
        };
        if ours {
            delete(self.node, &link)
        } else {
            Ok(())
        }
    }

    /// Deletes whatever links carry the attachment's alias.
    pub(super) fn delete_links_of(&mut self, owner: &Owner) -> Result<()> {
        let alias = owner.alias();
        let links = link::list(self.node)?.rows;
        let mut outcome = Ok(());
        for link in links
            .iter()
            .filter(|link| link.alias.as_ref() == Some(&alias))
        {
            outcome = outcome.and(delete(self.node, link));
        }
        outcome
    }
}

/// Deletes a link. One that goes away by itself, as its namespace does, is gone all the same.
pub(super) fn delete(node: &mut Socket, link: &Link) -> Result<()> {
    or_absent(node.apply(&link::delete(link.index))).map_err(|error| {
        Error::new(
            Code::Kernel,
            format!("cannot delete the node's link {}", link.name),
        )
        .with_details(error.to_string())
    })
}

/// Deletes a bridge that an ADD made, once it has no ports.
pub(super) fn delete_empty_bridge(
    journal: &Journal,
    node: &mut Socket,
    name: &str,
    mac: Mac,
) -> Result<()> {
    let _no_port_is_made = journal.lock_bridges(true)?;
    let Some(bridge) = link::by_name(node, name)? else {
        return Ok(());
    };
    if bridge.mac != Some(mac) {
        return Ok(());
    }
    let links = link::list(node)?;
    let has_ports = links
        .rows
        .iter()
        .any(|link| link.master == Some(bridge.index));
    if has_ports || !links.complete {
        Ok(())
    } else {
        delete(node, &bridge)
    }
}

/// Deletes the rules that lead to a table of ours in a pod, if the pod is still there.
fn delete_pod_rules(netns: &Path, table: u32) -> Result<()> {
    let Ok(netns) = Netns::open(netns) else {
        return Ok(());
    };
    let sweep = || -> Result<(), netlink::Error> {
        let mut pod = Socket::open_in(&netns)?;
        for rule in rule::list(&mut pod)?.rows {
            if rule.table == table && rule.protocol == PROTOCOL {
                or_absent(pod.apply(&rule.delete()))?;
            }
        }
        Ok(())
    };
    sweep().map_err(|error| {
        Error::new(
            Code::Kernel,
            format!("cannot delete the pod's rules to table {table}"),
        )
        .with_details(error.to_string())
    })
}
