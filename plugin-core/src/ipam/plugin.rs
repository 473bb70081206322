//! `ovl-ipam` as a CNI plugin: what any plugin that delegates its addresses can name in `ipam.type`.

use std::io::Write;
use std::net::IpAddr;

use super::config::{Config, Place, Purpose, TYPE};
use super::{Error, Owner, Request, Seconds};
use crate::spec::{
    self, Add, AddResult, Check, Code, Del, Gc, Invocation, IpConfig, Plugin, Status,
};

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ipam;

impl Plugin for Ipam {
    fn name(&self) -> &'static str {
        TYPE
    }

    fn add(&self, request: &Add) -> spec::Result<AddResult> {
        let invocation = &request.invocation;
        let config = configured(invocation)?;
        let owner = Owner {
            attachment: request.attachment.clone(),
            pod: invocation.args.pod(),
        };
        let wanted = requested(invocation)?;
        let allocation = super::allocate(&config, &owner, &wanted)?;
        for warning in &allocation.warnings {
            // A runtime keeps a plugin's standard error in its own log.
            let _ = writeln!(std::io::stderr(), "{TYPE}: {warning}");
        }
        Ok(allocation.into_result())
    }

    fn del(&self, request: &Del) -> spec::Result<()> {
        super::release(&Place::of(&request.invocation.config), &request.attachment)?;
        Ok(())
    }

    fn check(&self, request: &Check) -> spec::Result<()> {
        let config = configured(&request.invocation)?;
        let Some(result) = &request.prev_result else {
            return Err(spec::Error::config(format!(
                "network {}: CHECK needs prevResult",
                config.place().network()
            )));
        };
        let returned: Vec<IpAddr> = result.ips.iter().map(|ip| ip.address.addr()).collect();
        super::check(&config, &request.attachment, &returned)?;
        Ok(())
    }

    fn gc(&self, request: &Gc) -> spec::Result<()> {
        match configured(&request.invocation) {
            Ok(config) => {
                super::gc(&config, &request.valid, false)?;
                Ok(())
            }
            // Addresses become free all the same; only the blocks need pools.
            Err(error) => {
                let place = Place::of(&request.invocation.config);
                let store = || super::opened(&place);
                super::sweep::records(&place, store, Seconds::now(), &request.valid, false)?;
                Err(error.into())
            }
        }
    }

    fn status(&self, request: &Status) -> spec::Result<()> {
        let status = configured(&request.invocation).and_then(|config| super::status(&config));
        match status {
            Ok(_) => Ok(()),
            Err(error @ Error::Config { .. }) => Err(error.into()),
            // SPEC 1.1.0 "STATUS": 50, no ADD can be served.
            Err(error) => Err(spec::Error {
                code: Code::NotAvailable,
                ..error.into()
            }),
        }
    }
}

fn configured(invocation: &Invocation) -> Result<Config, Error> {
    Config::of(&invocation.config, Purpose::Delegated)
}

/// The addresses that a runtime asks for, wherever it does. A prefix length is not needed, since the pool
/// has one.
///
/// # Errors
/// When one of them is no address.
pub fn requested(invocation: &Invocation) -> spec::Result<Request> {
    let ips = invocation.requested_ips()?;
    Ok(Request {
        addresses: ips.into_iter().map(|ip| ip.address).collect(),
    })
}

impl super::Allocation {
    /// As an IPAM plugin's result: without interfaces.
    pub fn into_result(self) -> AddResult {
        AddResult {
            ips: self
                .addresses
                .into_iter()
                .map(|assigned| IpConfig {
                    address: assigned.address,
                    gateway: assigned.gateway,
                    interface: None,
                })
                .collect(),
            routes: self.routes,
            ..AddResult::default()
        }
    }
}
