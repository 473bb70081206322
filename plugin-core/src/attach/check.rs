//! CHECK: is everything as ADD left it? The journal holds the operations that ADD made, and each of them is
//! compared with the kernel. Nothing is changed.

use super::add::open_netns;
use super::network::{Kind, Network};
use crate::journal::{Busy, Journal, Progress};
use crate::naming::Owner;
use crate::plan::check::Deviation;
use crate::plan::execute::Kernel;
use crate::spec::{Check, Code, Error, Result};

/// Answers a CHECK.
///
/// # Errors
/// [`Code::NotAsExpected`]: a line of details for each thing that is wrong.
pub(super) fn check(kind: Kind, request: &Check) -> Result<()> {
    let network = Network::read(kind, &request.invocation.config)?;
    let owner = Owner::new(
        request.invocation.config.name.clone(),
        request.attachment.clone(),
    )?;
    let entry = Journal::new(&network.state_dir).find(&owner, Busy::Refuse)?;
    let attached = match entry.as_ref().map(|entry| &entry.progress) {
        Some(Progress::Attached(_, attached)) => attached,
        Some(_) => {
            return Err(not_as_expected(
                &owner,
                "its ADD did not come to its end; DEL it",
            ));
        }
        None => {
            let missing = "journal entry: expected one, found none; DEL it and ADD it again";
            return Err(not_as_expected(&owner, missing));
        }
    };

    let mut kernel = Kernel::open(open_netns(&request.netns)?)?;
    let mut lines: Vec<String> = Vec::new();
    lines.extend(
        claimed_otherwise(request, &attached.addresses)
            .iter()
            .map(ToString::to_string),
    );
    lines.extend(
        kernel
            .verify(&attached.operations)?
            .iter()
            .map(ToString::to_string),
    );
    if let Err(error) = network.ipam.check(request, &attached.addresses) {
        lines.push(format!("{}: {error}", network.ipam.kind()));
    }
    if lines.is_empty() {
        Ok(())
    } else {
        Err(not_as_expected(&owner, &lines.join("\n")))
    }
}

/// The addresses that the runtime's result has for the interface and ADD did not give, or the reverse.
fn claimed_otherwise(request: &Check, given: &[ipnet::IpNet]) -> Option<Deviation> {
    let result = request.prev_result.as_ref()?;
    let ifname = request.attachment.ifname.as_str();
    let position = result
        .interfaces
        .iter()
        .position(|interface| interface.name == ifname && interface.sandbox.is_some())?;
    let claimed: Vec<ipnet::IpNet> = result
        .ips
        .iter()
        .filter(|ip| ip.interface == Some(position))
        .map(|ip| ip.address)
        .collect();
    let text = |nets: &[ipnet::IpNet]| {
        let nets: Vec<String> = nets.iter().map(ToString::to_string).collect();
        nets.join(" and ")
    };
    let same = claimed.len() == given.len() && claimed.iter().all(|net| given.contains(net));
    (!same).then(|| Deviation {
        what: format!("addresses of {ifname} in prevResult"),
        expected: text(given),
        found: text(&claimed),
    })
}

fn not_as_expected(owner: &Owner, details: &str) -> Error {
    Error::new(
        Code::NotAsExpected,
        format!("{owner} is not as ADD left it"),
    )
    .with_details(details)
}
