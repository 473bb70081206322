//! Where addresses come from: our own IPAM in this process, or another plugin by CNI's own protocol.

use std::io::Write;

use crate::chain::delegate;
use crate::ipam::config::{Place, TYPE};
use crate::ipam::{self, Config, Owner, Purpose, Swept};
use crate::spec::{
    Add, AddResult, Attachment, Check, Code, Del, Error, Gc, Invocation, PluginConfig, Result,
    Status,
};

/// The source of a network's addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ipam {
    /// `ovl-ipam`, without another process.
    Ours(Purpose),
    /// A plugin that is found through `CNI_PATH`.
    Other(String),
}

impl Ipam {
    /// The one a configuration names, if it names one.
    pub fn of(config: &PluginConfig, purpose: Purpose) -> Option<Self> {
        let kind = config.ipam_kind.as_deref()?;
        Some(if kind == TYPE {
            Self::Ours(purpose)
        } else {
            Self::Other(kind.to_owned())
        })
    }

    /// `ipam.type`.
    pub fn kind(&self) -> &str {
        match self {
            Self::Ours(_) => TYPE,
            Self::Other(kind) => kind,
        }
    }

    /// Refuses what can be known to be wrong before anything is touched.
    ///
    /// # Errors
    /// What is wrong with our own IPAM's section; another plugin speaks for itself.
    pub fn validate(&self, invocation: &Invocation) -> Result<()> {
        match self {
            Self::Ours(purpose) => {
                Config::of(&invocation.config, *purpose)?;
                ipam::plugin::requested(invocation)?;
            }
            // One that is not there could neither give an address nor take it back.
            Self::Other(kind) => drop(delegate::locate(kind, invocation)?),
        }
        Ok(())
    }

    /// Takes the attachment's addresses.
    ///
    /// # Errors
    /// Why there are none.
    pub fn add(&self, request: &Add) -> Result<AddResult> {
        let given = match self {
            Self::Ours(purpose) => allocate(*purpose, request)?,
            Self::Other(kind) => delegate::add(kind, request)?,
        };
        if given.ips.is_empty() {
            return Err(Error::new(
                Code::Delegate,
                format!("{} gave no address", self.kind()),
            ));
        }
        Ok(given)
    }

    /// Gives them back. "None there" is success.
    ///
    /// # Errors
    /// Why they could not be given back.
    pub fn release(&self, attachment: &Attachment, invocation: &Invocation) -> Result<()> {
        match self {
            Self::Ours(_) => {
                ipam::release(&Place::of(&invocation.config), attachment)?;
                Ok(())
            }
            Self::Other(kind) => {
                let request = Del {
                    attachment: attachment.clone(),
                    netns: None,
                    prev_result: None,
                    invocation: invocation.clone(),
                };
                delegate::del(kind, &request)
            }
        }
    }

    /// Has it look whether the addresses are still the attachment's.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self, request: &Check, given: &[ipnet::IpNet]) -> Result<()> {
        match self {
            Self::Ours(purpose) => {
                let config = Config::of(&request.invocation.config, *purpose)?;
                let given: Vec<_> = given.iter().map(ipnet::IpNet::addr).collect();
                ipam::check(&config, &request.attachment, &given)?;
                Ok(())
            }
            Self::Other(kind) => delegate::check(kind, request),
        }
    }

    /// Has it release what no valid attachment has. A plugin that does not know GC is left alone: what it
    /// gave to attachments of ours has been given back one by one.
    ///
    /// # Errors
    /// What it reported.
    pub fn gc(&self, request: &Gc) -> Result<()> {
        match self {
            Self::Ours(purpose) => {
                let config = Config::of(&request.invocation.config, *purpose)?;
                ipam::gc(&config, &request.valid, false)?;
                Ok(())
            }
            Self::Other(kind) => or_unknown_verb(delegate::gc(kind, request)),
        }
    }

    /// What [`Ipam::gc`] would free, as far as our own IPAM can tell; `None` for another plugin.
    ///
    /// # Errors
    /// What would keep it from that.
    pub fn would_free(&self, config: &PluginConfig, valid: &[Attachment]) -> Result<Option<Swept>> {
        match self {
            Self::Ours(purpose) => {
                let config = Config::of(config, *purpose)?;
                Ok(Some(ipam::gc(&config, valid, true)?))
            }
            Self::Other(_) => Ok(None),
        }
    }

    /// Asks whether it could give an address.
    ///
    /// # Errors
    /// Why not.
    pub fn status(&self, request: &Status) -> Result<()> {
        match self {
            Self::Ours(purpose) => {
                let config = Config::of(&request.invocation.config, *purpose)?;
                ipam::status(&config).map_err(|error| Error {
                    // No ADD can be served (SPEC.md, section "STATUS").
                    code: Code::NotAvailable,
                    ..error.into()
                })?;
                Ok(())
            }
            Self::Other(kind) => or_unknown_verb(delegate::status(kind, request)),
        }
    }
}

fn allocate(purpose: Purpose, request: &Add) -> Result<AddResult> {
    let invocation = &request.invocation;
    let config = Config::of(&invocation.config, purpose)?;
    let owner = Owner {
        attachment: request.attachment.clone(),
        pod: invocation.args.pod(),
    };
    let allocation = ipam::allocate(&config, &owner, &ipam::plugin::requested(invocation)?)?;
    for warning in &allocation.warnings {
        // A runtime keeps a plugin's standard error in its own log.
        let _ = writeln!(std::io::stderr(), "{TYPE}: {warning}");
    }
    Ok(allocation.into_result())
}

/// Plugins of before 1.1.0 refuse the verb (code 4, as their skeleton has it) or the version (code 1).
fn or_unknown_verb(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if error.code == Code::IncompatibleVersion => Ok(()),
        Err(error)
            if error.code == Code::InvalidEnvironment && error.msg.contains("CNI_COMMAND") =>
        {
            Ok(())
        }
        other => other,
    }
}
