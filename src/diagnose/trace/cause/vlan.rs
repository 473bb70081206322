//! Losses for the VLAN of a frame.

use super::Case;
use crate::diagnose::trace::facts;
use crate::diagnose::trace::origin::Told;
use crate::model::route::PortVlan;
use crate::model::{Link, LinkKind};
use crate::walk::path::Direction;

impl Case<'_> {
    /// Untagged frames that come in by the port are in no VLAN.
    pub(super) fn no_pvid(&self) -> Told {
        let name = self.device_name();
        let mut vlans = self.vlans().map(|row| row.vlan);
        let vlan = match (vlans.next(), vlans.next()) {
            (Some(only), None) => only.to_string(),
            _ => "VLAN".to_owned(),
        };
        let what = if self.is_bridge() {
            format!("{name} itself sends untagged frames, and has no PVID")
        } else {
            format!("untagged frames come in by {name}, and it has no PVID")
        };
        self.port_of_vlan("bridge-port-without-pvid")
            .what(what)
            .fix(self.add(&vlan, " pvid untagged"))
    }

    /// The port is not in the VLAN of the frame.
    pub(super) fn not_in_vlan(&self, vlan: u16) -> Told {
        let name = self.device_name();
        // What is behind it takes frames without tags; a trunk, or a VLAN device on the bridge, with them.
        let is_trunk = self.vlans().any(|row| !row.untagged);
        let takes_tags = match self.link {
            Some(bridge) if self.is_bridge() => self.has_vlan_device(bridge, vlan),
            Some(link) => is_trunk || !matches!(link.kind, LinkKind::Veth),
            None => true,
        };
        let how = if takes_tags { "" } else { " pvid untagged" };
        self.port_of_vlan("bridge-port-not-in-vlan")
            .what(format!("{name} is not in VLAN {vlan}, and the frame is"))
            .fix(self.add(&vlan.to_string(), how))
    }

    /// A tagged frame where nothing takes the tag off.
    pub(super) fn no_vlan_device(&self, vlan: u16) -> Told {
        let (name, prefix) = (self.device_name(), self.prefix());
        let told = self
            .here("vlan-device-missing")
            .what(format!(
                "a frame comes to {name} with the tag of VLAN {vlan}, and no VLAN device on it takes that"
            ))
            .show(format!("{prefix}ip -d link show type vlan"));
        // The port of a bridge that a pod is behind would better take the tag off.
        let before = self
            .path
            .hops
            .iter()
            .rev()
            .find(|hop| hop.direction == Direction::Out && hop.headers.vlan == Some(vlan));
        let port = before.and_then(|hop| {
            let netns = self.bundle.node(&hop.at.node)?.netns(hop.at.netns)?;
            netns.link(hop.at.device.as_ref()?.index)
        });
        let is_pods = |port: &&Link| {
            self.is_pod() && port.master.is_some() && matches!(port.kind, LinkKind::Veth)
        };
        match port.filter(is_pods) {
            Some(port) => told.fix(format!(
                "bridge vlan add dev {} vid {vlan} pvid untagged",
                port.name
            )),
            None => told.fix(format!(
                "{prefix}ip link add link {name} name {name}.{vlan} up type vlan id {vlan}"
            )),
        }
    }

    fn port_of_vlan(&self, id: &'static str) -> Told {
        let told = self.here(id).show(format!(
            "{}bridge vlan show dev {}",
            self.prefix(),
            self.device_name()
        ));
        let pod = self
            .link
            .and_then(|link| facts::pod_behind(self.node, link));
        match pod {
            Some(pod) => told.place(pod),
            None => told,
        }
    }

    fn add(&self, vlan: &str, how: &str) -> String {
        let own = if self.is_bridge() { " self" } else { "" };
        format!(
            "{}bridge vlan add dev {} vid {vlan}{how}{own}",
            self.prefix(),
            self.device_name()
        )
    }

    fn is_bridge(&self) -> bool {
        self.link
            .is_some_and(|link| matches!(link.kind, LinkKind::Bridge(_)))
    }

    /// The rows of the port.
    fn vlans(&self) -> impl Iterator<Item = &PortVlan> {
        let device = self.link.map(|link| link.index);
        self.netns
            .port_vlans
            .iter()
            .filter(move |row| Some(row.device) == device)
    }

    fn has_vlan_device(&self, below: &Link, id: u16) -> bool {
        self.netns.links.iter().any(|link| {
            matches!(&link.kind, LinkKind::Vlan(vlan) if vlan.id == id)
                && link.lower.is_some_and(|lower| lower.index == below.index)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnose::{Finding, Severity};
    use crate::error::Outcome;
    use crate::model::Table;
    use crate::trace::{Content, Question, Trace, ways};
    use crate::walk::bridged::{Host, bundle, mac};

    fn trace(host: Host, destination: &str) -> Trace {
        let question = Question {
            source: "pod1".parse().unwrap(),
            destination: destination.parse().unwrap(),
            content: Content::ECHO,
            v6: None,
        };
        let bundle = bundle([host]);
        ways(&bundle, &question).unwrap().into_trace(&bundle)
    }

    /// The one fault of a trace.
    fn fault(host: Host, destination: &str) -> Finding {
        let trace = trace(host, destination);
        assert_eq!(trace.outcome(), Outcome::Fault);
        let mut faults = trace
            .findings
            .into_iter()
            .map(|verdict| verdict.finding)
            .filter(|finding| finding.severity == Severity::Fault);
        let first = faults.next().unwrap();
        assert_eq!(faults.next(), None);
        first
    }

    fn evidence(finding: &Finding) -> Vec<&str> {
        finding
            .evidence
            .iter()
            .map(|evidence| evidence.text.as_str())
            .collect()
    }

    fn pods() -> Host {
        Host::new(1)
            .pod_in(1, "10.10.0.2/24", 10)
            .pod_in(2, "10.10.0.3/24", 10)
    }

    #[test]
    fn pods_of_one_vlan_are_healthy() {
        let trace = trace(pods(), "pod2");
        assert_eq!(trace.outcome(), Outcome::Healthy, "{:?}", trace.findings);
        assert!(trace.findings.is_empty(), "{:?}", trace.findings);
    }

    #[test]
    fn the_port_of_a_pod_in_another_vlan_is_shown() {
        for known in [false, true] {
            let host = pods()
                .without_vlans("veth2")
                .vlan("veth2", 20, "PVID Untagged");
            let host = if known {
                host.knows(1, "10.10.0.3", mac(1, 102))
            } else {
                host
            };
            let finding = fault(host, "pod2");
            assert_eq!(finding.id, "bridge-port-not-in-vlan");
            assert_eq!(finding.device.as_deref(), Some("veth2"));
            assert_eq!(finding.place.as_deref(), Some("default/pod2"));
            let rows = evidence(&finding);
            assert!(rows.contains(&"veth2  20 PVID Egress Untagged"), "{rows:?}");
            assert_eq!(finding.show, "bridge vlan show dev veth2");
            let fix = "bridge vlan add dev veth2 vid 10 pvid untagged";
            assert_eq!(finding.fix, fix);
        }
    }

    #[test]
    fn the_bridge_itself_is_told_to_join() {
        let host = || {
            pods()
                .gateway(1, "10.10.0.1")
                .vlan_device("br0", 10, "10.10.0.1/24")
        };
        let whole = trace(host().vlan("br0", 10, ""), "node/host01");
        assert_eq!(whole.outcome(), Outcome::Healthy, "{:?}", whole.findings);
        let finding = fault(host(), "node/host01");
        assert_eq!(finding.id, "bridge-port-not-in-vlan");
        assert_eq!(finding.fix, "bridge vlan add dev br0 vid 10 self");
        let rows = evidence(&finding);
        assert!(rows.contains(&"br0  1 PVID Egress Untagged"), "{rows:?}");
    }

    #[test]
    fn a_port_without_pvid_is_given_the_one_it_has() {
        let host = pods().without_vlans("veth1").vlan("veth1", 10, "Untagged");
        let finding = fault(host, "pod2");
        assert_eq!(finding.id, "bridge-port-without-pvid");
        let fix = "bridge vlan add dev veth1 vid 10 pvid untagged";
        assert_eq!(finding.fix, fix);
        let none = fault(pods().without_vlans("veth1"), "pod2");
        assert!(evidence(&none).contains(&"veth1  None"));
        let fix = "bridge vlan add dev veth1 vid VLAN pvid untagged";
        assert_eq!(none.fix, fix);
    }

    #[test]
    fn the_tag_of_a_pod_is_to_be_taken_off_at_its_port() {
        let host =
            pods()
                .without_vlans("veth2")
                .vlan("veth2", 10, "")
                .knows(1, "10.10.0.3", mac(1, 102));
        let finding = fault(host, "pod2");
        assert_eq!(finding.id, "vlan-device-missing");
        assert_eq!(finding.place.as_deref(), Some("default/pod2"));
        let fix = "bridge vlan add dev veth2 vid 10 pvid untagged";
        assert_eq!(finding.fix, fix);
    }

    #[test]
    fn what_was_not_read_is_not_missing() {
        let unread = |host: Host| {
            host.edit(|root| root.port_vlans = Table::unavailable("permission denied"))
        };
        for host in [pods(), pods().knows(1, "10.10.0.3", mac(1, 102))] {
            assert_eq!(trace(unread(host), "pod2").outcome(), Outcome::CannotTell);
        }
        let open = pods().edit_bridge(|bridge| bridge.vlan_filtering = false);
        assert_eq!(trace(unread(open), "pod2").outcome(), Outcome::Healthy);
    }
}
