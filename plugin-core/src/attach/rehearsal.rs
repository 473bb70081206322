//! The plan of an ADD that nobody makes.

use super::{Kind, ipam::Ipam, plan};
use crate::ipam::{self, Config, Owner};
use crate::plan::Plan;
use crate::spec::{Add, AddResult, Code, Error, IpConfig, Result};

/// What an ADD of `kind` would do now. Changes nothing: neither the kernel nor any record.
///
/// # Errors
/// What the ADD would refuse. Another plugin's IPAM cannot be asked without taking an address, so with one the
/// request has to name the address.
pub fn rehearse(kind: Kind, request: &Add) -> Result<Plan> {
    let invocation = &request.invocation;
    let given = match Ipam::of(&invocation.config, kind.purpose()) {
        Some(Ipam::Ours(purpose)) => {
            let config = Config::of(&invocation.config, purpose)?;
            let owner = Owner {
                attachment: request.attachment.clone(),
                pod: invocation.args.pod(),
            };
            ipam::rehearse(&config, &owner, &ipam::plugin::requested(invocation)?)?.into_result()
        }
        Some(Ipam::Other(kind)) => asked_for(&kind, request)?,
        None => {
            return Err(Error::config(format!(
                "network {}: there is no ipam.type",
                invocation.config.name
            )));
        }
    };
    plan(kind, request, &given)
}

/// The addresses that the request names, as if `kind` had given them.
fn asked_for(kind: &str, request: &Add) -> Result<AddResult> {
    let asked = request.invocation.requested_ips()?;
    if asked.is_empty() {
        return Err(Error::new(
            Code::NotAvailable,
            format!("which address {kind} would give is not known before it gives it"),
        )
        .with_details("name one with CNI_ARGS, such as IP=10.1.2.3/24"));
    }
    let ips = asked
        .iter()
        .map(|ip| {
            let whole = if ip.address.is_ipv4() { 32 } else { 128 };
            let address = ipnet::IpNet::new(ip.address, ip.prefix_len.unwrap_or(whole))
                .map_err(|error| Error::environment(format!("CNI_ARGS: IP={ip}: {error}")))?;
            Ok(IpConfig {
                address,
                gateway: None,
                interface: None,
            })
        })
        .collect::<Result<_>>()?;
    Ok(AddResult {
        ips,
        ..AddResult::default()
    })
}
