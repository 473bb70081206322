//! Comparing a plan with the kernel: what an ADD made, is it still so?

use std::fmt;

use ipnet::IpNet;

use super::execute::{Kernel, Refusal, route_of, rule_of};
use super::{Operation, Side, VethEnd};
use crate::netlink::address::Address;
use crate::netlink::link::{self, Link};
use crate::netlink::route::Route;
use crate::netlink::rule::Rule;
use crate::netlink::{Dump, IfIndex, address, route, rule};

/// Something that is not as ADD left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// What was looked at.
    pub what: String,
    /// How ADD left it.
    pub expected: String,
    /// How it is.
    pub found: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}",
            self.what, self.expected, self.found
        )
    }
}

/// What is compared with, and what was found. Each table is read once, and only when it is needed.
struct Inspection<'a> {
    kernel: &'a mut Kernel,
    addresses: [Option<Dump<Address>>; 2],
    routes: [Option<Dump<Route>>; 2],
    rules: Option<Dump<Rule>>,
    deviations: Vec<Deviation>,
}

impl Kernel {
    /// What of the operations does not hold any more. Reads only.
    ///
    /// # Errors
    /// When the kernel does not tell: then nothing is known to be wrong, or right.
    pub fn verify(&mut self, operations: &[Operation]) -> Result<Vec<Deviation>, Refusal> {
        let mut inspection = Inspection {
            kernel: self,
            addresses: [None, None],
            routes: [None, None],
            rules: None,
            deviations: Vec::new(),
        };
        for operation in operations {
            inspection.verify(operation)?;
        }
        Ok(inspection.deviations)
    }
}

impl Inspection<'_> {
    fn verify(&mut self, operation: &Operation) -> Result<(), Refusal> {
        match operation {
            Operation::EnsureBridge { name, .. } => {
                let found = self.kernel.link(Side::Node, name)?;
                let found = found.map_or("none".to_owned(), |link| {
                    format!("{} that is {}", kind(&link), state(&link))
                });
                self.compare(format!("the node's {name}"), "bridge that is up", &found);
            }
            Operation::CreateVeth {
                node,
                pod,
                mtu,
                bridge,
            } => {
                self.verify_veth(node, pod, *mtu, bridge.as_deref())?;
            }
            Operation::SetAlias { link, alias } => {
                if let Some(found) = self.kernel.link(Side::Node, link)? {
                    let found = found.alias.as_deref().unwrap_or("none");
                    self.compare(format!("alias of the node's {link}"), alias, found);
                }
            }
            Operation::SetPort { link, hairpin } => {
                if let Some(port) = self
                    .kernel
                    .link(Side::Node, link)?
                    .and_then(|link| link.port)
                {
                    self.compare(
                        format!("hairpin of port {link}"),
                        on(*hairpin),
                        on(port.hairpin),
                    );
                }
            }
            Operation::SetSysctl { side, key, value } => {
                let found = match self.kernel.sysctl(*side, key) {
                    Ok(found) => found.to_string(),
                    Err(Refusal::Sysctl { source, .. })
                        if source.kind() == std::io::ErrorKind::NotFound =>
                    {
                        "none".to_owned()
                    }
                    Err(refusal) => return Err(refusal),
                };
                self.compare(
                    format!("{} sysctl {key}", side.whose()),
                    &value.to_string(),
                    &found,
                );
            }
            Operation::AddAddress {
                side,
                link,
                address,
            } => {
                self.verify_address(*side, link, *address)?;
            }
            Operation::RaiseLink { side, link } => {
                if let Some(found) = self.kernel.link(*side, link)? {
                    self.compare(
                        format!("state of {} {link}", side.whose()),
                        "up",
                        state(&found),
                    );
                }
            }
            Operation::AddRoute { side, link, .. } => self.verify_route(operation, *side, link)?,
            Operation::AddRule { source, table } => self.verify_rule(*source, *table)?,
            Operation::EnsureGatewayRoute { gateway } => {
                let routes = match slot(&mut self.routes, Side::Node) {
                    Some(routes) => routes,
                    none => none.insert(route::list(&mut self.kernel.node)?),
                };
                let leads =
                    |row: &Route| row.kind == route::Kind::Unicast && row.dst.contains(gateway);
                if routes.complete && !routes.rows.iter().any(leads) {
                    let what = format!("the node's route to the pods' gateway {gateway}");
                    self.compare(what, "any", "none");
                }
            }
        }
        Ok(())
    }

    fn verify_veth(
        &mut self,
        node: &VethEnd,
        pod: &VethEnd,
        mtu: u32,
        bridge: Option<&str>,
    ) -> Result<(), Refusal> {
        let near = self.verify_end(Side::Node, node, mtu)?;
        let far = self.verify_end(Side::Pod, pod, mtu)?;
        if let (Some(near), Some(far)) = (&near, &far) {
            let peer = |index: Option<IfIndex>| {
                index.map_or("none".to_owned(), |index| format!("@if{index}"))
            };
            let what = format!("peer of the node's {}", node.name);
            self.compare(what, &peer(Some(far.index)), &peer(near.link));
            let what = format!("peer of the pod's {}", pod.name);
            self.compare(what, &peer(Some(near.index)), &peer(far.link));
        }
        if let (Some(near), Some(bridge)) = (near, bridge) {
            let master = match near.master {
                None => "none".to_owned(),
                Some(index) => link::by_index(&mut self.kernel.node, index)?
                    .map_or_else(|| format!("link {index}"), |link| link.name),
            };
            self.compare(
                format!("bridge of the node's {}", node.name),
                bridge,
                &master,
            );
        }
        Ok(())
    }

    fn verify_end(&mut self, side: Side, end: &VethEnd, mtu: u32) -> Result<Option<Link>, Refusal> {
        let what = format!("{} {}", side.whose(), end.name);
        let Some(link) = self.kernel.link(side, &end.name)? else {
            self.compare(what, "veth", "none");
            return Ok(None);
        };
        self.compare(format!("kind of {what}"), "veth", kind(&link));
        self.compare(
            format!("MTU of {what}"),
            &mtu.to_string(),
            &link.mtu.to_string(),
        );
        let mac = link
            .mac
            .map_or_else(|| "none".to_owned(), |mac| mac.to_string());
        self.compare(format!("MAC of {what}"), &end.mac.to_string(), &mac);
        Ok(Some(link))
    }

    fn verify_address(&mut self, side: Side, link: &str, wanted: IpNet) -> Result<(), Refusal> {
        let Some(index) = self.kernel.link(side, link)?.map(|link| link.index) else {
            return Ok(());
        };
        let addresses = match slot(&mut self.addresses, side) {
            Some(addresses) => addresses,
            none => none.insert(address::list(self.kernel.socket(side))?),
        };
        let there = addresses.rows.iter().filter(|row| row.index == index);
        let found = match there.clone().find(|row| row.address == wanted) {
            Some(row) if row.unusable => format!("{wanted}, tentative or a duplicate"),
            Some(_) => return Ok(()),
            None if !addresses.complete => return Ok(()),
            None => {
                let of_family = there.filter(|row| {
                    !row.local_scope && row.address.addr().is_ipv4() == wanted.addr().is_ipv4()
                });
                list(of_family.map(|row| row.address.to_string()))
            }
        };
        self.compare(
            format!("address of {} {link}", side.whose()),
            &wanted.to_string(),
            &found,
        );
        Ok(())
    }

    fn verify_route(
        &mut self,
        operation: &Operation,
        side: Side,
        link: &str,
    ) -> Result<(), Refusal> {
        let Some(index) = self.kernel.link(side, link)?.map(|link| link.index) else {
            return Ok(());
        };
        let Some(wanted) = route_of(operation, index) else {
            return Ok(());
        };
        let routes = match slot(&mut self.routes, side) {
            Some(routes) => routes,
            none => none.insert(route::list(self.kernel.socket(side))?),
        };
        let rivals = routes
            .rows
            .iter()
            .filter(|row| row.dst == wanted.dst && row.table == wanted.table);
        if !routes.complete || rivals.clone().any(|row| is_same(row, &wanted)) {
            return Ok(());
        }
        let found = list(rivals.map(|row| describe(row, index, link)));
        let what = format!("{} route to {}", side.whose(), wanted.dst);
        self.compare(what, &describe(&wanted, index, link), &found);
        Ok(())
    }

    fn verify_rule(&mut self, source: IpNet, table: u32) -> Result<(), Refusal> {
        let wanted = rule_of(source, table);
        let rules = match &mut self.rules {
            Some(rules) => rules,
            none => none.insert(rule::list(&mut self.kernel.pod)?),
        };
        if rules.complete && !rules.rows.contains(&wanted) {
            let of_source = rules.rows.iter().filter(|row| row.src == Some(source));
            let found =
                list(of_source.map(|row| format!("{} to table {}", row.priority, row.table)));
            let expected = format!("{} to table {table}", wanted.priority);
            self.compare(format!("the pod's rule from {source}"), &expected, &found);
        }
        Ok(())
    }

    fn compare(&mut self, what: String, expected: &str, found: &str) {
        if expected != found {
            let (expected, found) = (expected.to_owned(), found.to_owned());
            self.deviations.push(Deviation {
                what,
                expected,
                found,
            });
        }
    }
}

/// Whether a row of the kernel is the route that was asked for. Where no metric was given the kernel
/// takes 1024 for IPv6 (`IP6_RT_PRIO_USER`), and it knows no scopes there.
fn is_same(row: &Route, wanted: &Route) -> bool {
    let ipv6 = wanted.dst.addr().is_ipv6();
    row.kind == wanted.kind
        && row.gateway == wanted.gateway
        && row.oif == wanted.oif
        && row.prefsrc == wanted.prefsrc
        && (row.metric == wanted.metric || ipv6 && wanted.metric == 0)
        && (row.link_scope == wanted.link_scope || ipv6)
}

fn describe(route: &Route, index: IfIndex, link: &str) -> String {
    let mut text = route
        .gateway
        .map_or_else(String::new, |gateway| format!("via {gateway} "));
    text += &match route.oif {
        Some(oif) if oif == index => format!("dev {link}"),
        Some(oif) => format!("by link {oif}"),
        None => format!("{:?}", route.kind).to_lowercase(),
    };
    if route.link_scope {
        text += " scope link";
    }
    if let Some(source) = route.prefsrc {
        text += &format!(" src {source}");
    }
    if route.metric != 0 {
        text += &format!(" metric {}", route.metric);
    }
    text
}

fn kind(link: &Link) -> &str {
    link.kind.as_deref().unwrap_or("no virtual link")
}

fn state(link: &Link) -> &'static str {
    if link.up { "up" } else { "down" }
}

fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        "none".to_owned()
    } else {
        items.join(" and ")
    }
}

fn slot<T>(slots: &mut [T; 2], side: Side) -> &mut T {
    let [node, pod] = slots;
    match side {
        Side::Node => node,
        Side::Pod => pod,
    }
}
