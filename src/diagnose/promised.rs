//! What a pod's network plugins gave it, and what of that is gone.

use std::net::IpAddr;

use super::{Evidence, Finding, Look, Severity, whole};
use crate::inspect::pod::pod_addresses;
use crate::model::cni::CachedResult;
use crate::model::sandbox::SandboxSource;
use crate::model::{Link, LinkKind, Netns, Sandbox, SandboxState, notation};

pub(super) fn check(look: &mut Look<'_>) {
    for sandbox in &look.node.sandboxes {
        if sandbox.host_network || sandbox.state != SandboxState::Ready {
            continue;
        }
        let Some(netns) = sandbox.netns.and_then(|id| look.node.netns(id)) else {
            continue;
        };
        let results: Vec<&CachedResult> = look
            .node
            .cni
            .results
            .iter()
            .filter(|result| !sandbox.id.is_empty() && result.container == sandbox.id)
            .collect();
        let pod = Pod { sandbox, netns };
        let mut told = false;
        for result in &results {
            told |= result.given().next().is_some();
            pod.device(look, result);
            pod.addresses(look, result);
            pod.routes(look, result);
            pod.wrong_router(look, result, &results);
            pod.bridge(look, result);
        }
        if !told {
            pod.without_result(look);
        }
    }
}

struct Pod<'a> {
    sandbox: &'a Sandbox,
    netns: &'a Netns,
}

impl Pod<'_> {
    fn finding(&self, look: &Look<'_>, id: &'static str, device: &str) -> Finding {
        let pod = self.sandbox.full_name();
        Finding {
            id,
            severity: Severity::Fault,
            node: look.node.name.clone(),
            show: format!("ovl pod {pod}"),
            fix: format!("kubectl delete pod {}", self.sandbox.name),
            place: Some(pod),
            device: Some(device.to_owned()),
            what: String::new(),
            why: String::new(),
            evidence: Vec::new(),
        }
    }

    fn link(&self, result: &CachedResult) -> Option<&Link> {
        self.netns.link_named(&result.ifname)
    }

    fn device(&self, look: &mut Look<'_>, result: &CachedResult) {
        let made = result.inside().any(|name| name == result.ifname);
        if made && whole(&self.netns.links).is_some() && self.link(result).is_none() {
            look.findings.push(Finding {
                what: format!("{} has no {} any more", self.sandbox.full_name(), result.ifname),
                why: format!("network {} made it, and somebody deleted it: the pod is cut off from that network", result.network),
                evidence: vec![Evidence::new(&result.path, format!("made {}", result.ifname))],
                ..self.finding(look, "pod-device-missing", &result.ifname)
            });
        }
    }

    fn addresses(&self, look: &mut Look<'_>, result: &CachedResult) {
        let Some(addresses) = whole(&self.netns.addresses) else {
            return;
        };
        let Some(link) = self.link(result) else {
            return;
        };
        for given in result.given() {
            let address = given.address.addr();
            if addresses.iter().any(|row| row.address == address) {
                continue;
            }
            look.findings.push(Finding {
                fix: format!(
                    "{}ip address add {} dev {}",
                    super::device::prefix(look.node, self.netns),
                    given.address,
                    link.name
                ),
                ..self.lost_address(
                    look,
                    address,
                    &link.name,
                    Evidence::new(&result.path, format!("address {}", given.address)),
                )
            });
        }
    }

    fn lost_address(
        &self,
        look: &Look<'_>,
        address: IpAddr,
        device: &str,
        proof: Evidence,
    ) -> Finding {
        Finding {
            what: format!("{} does not have its address {address}", self.sandbox.full_name()),
            why: "it was given the address when it was made; others still send to it, and nobody takes it".to_owned(),
            evidence: vec![
                proof,
                Evidence::new(
                    format!("ip address of {}", self.sandbox.full_name()),
                    match pod_addresses(self.netns).as_slice() {
                        [] => "none but the loopback's and link-local ones".to_owned(),
                        found => found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                    },
                ),
            ],
            ..self.finding(look, "pod-address-missing", device)
        }
    }

    /// A device that is down, or that lost its address, has lost its routes with it.
    fn routes(&self, look: &mut Look<'_>, result: &CachedResult) {
        let Some(routes) = whole(&self.netns.routes) else {
            return;
        };
        let Some(link) = self.link(result).filter(|link| link.is_up()) else {
            return;
        };
        for destination in result.routes() {
            let alike = |address: &IpAddr| address.is_ipv4() == destination.addr().is_ipv4();
            let addressed = result.given().any(|given| {
                self.netns
                    .addresses
                    .iter()
                    .any(|row| row.address == given.address.addr() && alike(&row.address))
            });
            // With several networks another one may have taken the default route over.
            if !addressed || routes.iter().any(|route| route.destination == destination) {
                continue;
            }
            let default = destination.prefix_len() == 0;
            look.findings.push(Finding {
                what: if default {
                    format!("{} has no default route", self.sandbox.full_name())
                } else {
                    format!("{} has no route to {destination}", self.sandbox.full_name())
                },
                why: if default {
                    "it reaches nothing but its own link, and cannot reply to anybody else"
                        .to_owned()
                } else {
                    "what it sends there goes another way or is refused".to_owned()
                },
                evidence: vec![Evidence::new(&result.path, format!("route {destination}"))],
                fix: match result.given().find_map(|given| given.gateway.filter(alike)) {
                    Some(gateway) => format!(
                        "{}ip route add {destination} via {gateway} dev {}",
                        super::device::prefix(look.node, self.netns),
                        link.name
                    ),
                    None => format!("kubectl delete pod {}", self.sandbox.name),
                },
                ..self.finding(
                    look,
                    if default {
                        "pod-default-route-missing"
                    } else {
                        "pod-route-missing"
                    },
                    &result.ifname,
                )
            });
        }
    }

    /// A default route by the device of `result` to a router that no network of the pod has.
    fn wrong_router(&self, look: &mut Look<'_>, result: &CachedResult, all: &[&CachedResult]) {
        let Some(link) = self.link(result) else {
            return;
        };
        let known: Vec<IpAddr> = all.iter().flat_map(|result| result.routers()).collect();
        for route in self.netns.routes.iter().filter(|route| route.is_default()) {
            let wrong = route
                .nexthops
                .iter()
                .filter(|hop| hop.device == Some(link.index))
                .filter_map(|hop| hop.gateway)
                .find(|gateway| !known.contains(gateway));
            let right = known
                .iter()
                .find(|right| wrong.is_some_and(|wrong| wrong.is_ipv4() == right.is_ipv4()));
            let (Some(wrong), Some(right)) = (wrong, right) else {
                continue;
            };
            look.findings.push(Finding {
                what: format!(
                    "the default route of {} leads to {wrong}, but its gateway is {right}",
                    self.sandbox.full_name()
                ),
                why: "whatever is not on the pod's own link goes to a router that its network does not know".to_owned(),
                evidence: vec![
                    Evidence::new(
                        format!("ip route of {}", self.sandbox.full_name()),
                        notation::route(route, self.netns),
                    ),
                    Evidence::new(&result.path, format!("gateway {right}")),
                ],
                fix: format!(
                    "{}ip route replace default via {right} dev {}",
                    super::device::prefix(look.node, self.netns),
                    link.name
                ),
                ..self.finding(look, "pod-default-route-wrong", &link.name)
            });
        }
    }

    /// The node's end of a pair belongs into the bridge that the plugin joined it to.
    fn bridge(&self, look: &mut Look<'_>, result: &CachedResult) {
        let Some(root) = look.node.root() else { return };
        let Some(end) = self
            .link(result)
            .and_then(Link::peer)
            .filter(|peer| peer.netns == Some(root.id))
            .and_then(|peer| root.link(peer.index))
        else {
            return;
        };
        // A plugin that runs another keeps silent of the bridge in its own file, but the result names it.
        let by_result = result.outside().find(|name| {
            root.link_named(name)
                .is_some_and(|link| matches!(link.kind, LinkKind::Bridge(_)))
        });
        let bridges = result.bridges();
        let Some(name) = by_result.or_else(|| bridges.first().map(|(name, _)| *name)) else {
            return;
        };
        let joined = end.master.and_then(|index| root.link(index));
        if joined.is_some_and(|link| link.name == name) {
            return;
        }
        let exists = root.link_named(name).is_some();
        if !exists && whole(&root.links).is_none() {
            return;
        }
        let now = match (joined, exists) {
            (Some(other), _) => format!("it is a port of {}", other.name),
            (None, true) => "it is no port of any".to_owned(),
            (None, false) => format!("there is no {name} any more"),
        };
        look.findings.push(Finding {
            what: format!(
                "{}, the node's end of {}'s {}, is not in {name}: {now}",
                end.name,
                self.sandbox.full_name(),
                result.ifname
            ),
            why: format!("network {} joins its pods by {name}: the pod hears neither the others nor its gateway", result.network),
            evidence: vec![
                Evidence::new(&result.path, format!("joined to {name}")),
                Evidence::new("ip link", format!("{} {}", end.name, joined.map_or_else(|| "no master".to_owned(), |link| format!("master {}", link.name)))),
            ],
            show: format!("ip -d link show {}", end.name),
            fix: if exists {
                format!("ip link set {} master {name}", end.name)
            } else {
                format!("kubectl delete pod {}", self.sandbox.name)
            },
            ..self.finding(look, "veth-not-in-bridge", &end.name)
        });
    }

    /// No plugin's word is left: the runtime remembers addresses, and nobody routes.
    fn without_result(&self, look: &mut Look<'_>) {
        let Some(addresses) = whole(&self.netns.addresses) else {
            return;
        };
        let pod = self.sandbox.full_name();
        let own = pod_addresses(self.netns);
        if self.sandbox.source == SandboxSource::Cri {
            for address in &self.sandbox.addresses {
                if !addresses.iter().any(|row| row.address == *address) {
                    let device = self
                        .netns
                        .links
                        .iter()
                        .find(|link| !link.is_loopback())
                        .map_or("lo", |link| link.name.as_str());
                    let proof = Evidence::new("runtime", format!("address {address}"));
                    let finding = self.lost_address(look, *address, device, proof);
                    look.findings.push(finding);
                }
            }
        }
        if own.is_empty() && self.sandbox.addresses.is_empty() {
            look.doubt(&format!(
                "which addresses {pod} should have: it has none, and no plugin's result is kept"
            ));
        } else if !own.is_empty()
            && whole(&self.netns.routes)
                .is_some_and(|routes| !routes.iter().any(crate::model::Route::is_default))
        {
            look.doubt(&format!("whether {pod} should have a default route: it has none, and no plugin's result is kept"));
        }
    }
}
