//! Where a loss comes from, when that is not where it shows.

mod block;
mod pod;
mod route;
mod translated;
mod tunnel;

use std::net::IpAddr;

use super::cause::Case;
use super::facts;
use crate::diagnose::{Evidence, Finding, Severity, catalogue};
use crate::model::{Bundle, Netns, Node};
pub(super) use block::{
    block_route, by_stranger, claimed_twice, no_block_route, passed_to_router, wrong_node,
};
pub(super) use pod::{
    broken_destination, broken_pod, default_gateway, enslaved, gateway_given, prefix_given,
};
pub(super) use route::{asked_on, dead_endpoint, flat, host_route, of_routing};
pub(super) use translated::{redirected, spared, without};
pub(super) use tunnel::{
    changed_mac, duplicate_mac, no_tunnel, other_vni, taken_mac, tunnel_mac, tunnel_missing,
};

/// A finding in the making.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) id: &'static str,
    pub(super) node: String,
    pub(super) place: Option<String>,
    pub(super) device: Option<String>,
    pub(super) what: String,
    pub(super) why: Option<String>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) show: String,
    pub(super) fix: String,
}

impl Told {
    /// The finding; why it breaks the packet, and how grave it is, as the catalogue says, unless it was told.
    pub(super) fn into_finding(self) -> Finding {
        let entry = catalogue::find(self.id);
        Finding {
            id: self.id,
            severity: entry.map_or(Severity::Fault, |entry| entry.severity),
            node: self.node,
            place: self.place,
            device: self.device,
            what: self.what,
            why: self.why.unwrap_or_else(|| {
                let text = entry.map_or("", |entry| entry.mechanism);
                text.split_inclusive(". ")
                    .next()
                    .unwrap_or(text)
                    .trim()
                    .to_owned()
            }),
            evidence: self.evidence,
            show: self.show,
            fix: self.fix,
        }
    }

    pub(super) fn new(id: &'static str, node: &str) -> Self {
        Self {
            id,
            node: node.to_owned(),
            place: None,
            device: None,
            what: String::new(),
            why: None,
            evidence: Vec::new(),
            show: String::new(),
            fix: String::new(),
        }
    }

    pub(super) fn place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    pub(super) fn device(mut self, device: &str) -> Self {
        self.device = Some(device.to_owned());
        self
    }

    pub(super) fn what(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    pub(super) fn show(mut self, show: impl Into<String>) -> Self {
        self.show = show.into();
        self
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    pub(super) fn evidence(mut self, evidence: Vec<Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }
}

/// A namespace has an address that is another's, and was not given it by a network of pods.
pub(super) fn borne_too(
    case: &Case<'_>,
    node: &Node,
    netns: &Netns,
    address: IpAddr,
) -> Option<Told> {
    let row = netns.addresses.iter().find(|row| row.address == address)?;
    let is_given = node.sandboxes_in(netns.id).any(|sandbox| {
        sandbox.addresses.contains(&address)
            || node.cni.results.iter().any(|result| {
                result.container == sandbox.id && result.addresses().contains(&address)
            })
    });
    let other = facts::holders(case.bundle, address)
        .find(|holder| (&holder.node.name, holder.netns.id) != (&node.name, netns.id))?;
    if is_given {
        return None;
    }
    let device = netns.device_name(row.device);
    let id = if other.is_pod() {
        "duplicate-pod-address"
    } else {
        "duplicate-node-address"
    };
    let prefix = case.prefix();
    Some(
        Told::new(id, &node.name)
            .device(&device)
            .what(format!(
                "{address} is the address of {}, and {device} of {} has it too",
                other.name(),
                node.name
            ))
            .show(format!("{prefix}ip address show to {address}"))
            .fix(format!(
                "{prefix}ip address del {address}/{} dev {device}",
                row.prefix_len
            )),
    )
}

/// An IPv6 address that its host does not use: not yet, or never as somebody else has it.
pub(super) fn unusable(
    bundle: &Bundle,
    addresses: impl IntoIterator<Item = IpAddr>,
) -> Option<Told> {
    addresses
        .into_iter()
        .filter(IpAddr::is_ipv6)
        .flat_map(|address| facts::holders(bundle, address).map(move |holder| (address, holder)))
        .find_map(|(address, holder)| {
            let row = holder
                .netns
                .addresses_of(holder.link.index)
                .find(|row| row.address == address && row.is_unusable())?;
            let name = &holder.link.name;
            let mut told = Told::new("ipv6-address-tentative", &holder.node.name).device(name);
            let mut prefix = String::new();
            if holder.is_pod() {
                told = told.place(holder.name());
                prefix = holder
                    .netns
                    .paths
                    .first()
                    .map_or_else(String::new, |path| format!("nsenter --net={path} "));
            }
            let (word, what, fix) = if row.is_duplicate() {
                (
                    "dadfailed",
                    "is not used: somebody else on the link has it",
                    format!("find the other: ovl pod {address}; then set the address again"),
                )
            } else {
                (
                    "tentative",
                    "is not used yet: whether somebody else has it is still being asked",
                    "wait a second or two, and trace again".to_owned(),
                )
            };
            Some(
                told.what(format!("{address} on {name} {what}"))
                    .show(format!("{prefix}ip -6 address show dev {name}"))
                    .fix(fix)
                    .evidence(vec![Evidence::new(
                        format!("{} address", holder.node.name),
                        format!("{address}/{} dev {name} {word}", row.prefix_len),
                    )]),
            )
        })
}
