//! Which addresses are services', by what kube-proxy leaves in a node's rules.

use std::net::IpAddr;

use serde_json::Value;

use super::{IptablesRule, Netfilter};

/// An address and port of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAddress<'a> {
    /// `NAMESPACE/NAME`.
    pub service: &'a str,
    /// What the port is called; empty where it is the only one.
    pub port_name: &'a str,
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub transport: &'a str,
}

impl Netfilter {
    /// The services whose addresses are translated here, in the order of the rules.
    ///
    /// kube-proxy writes their names into comments of iptables rules (`pkg/proxy/iptables/proxier.go`), and
    /// into the chains that a map of its nftables table leads to (`pkg/proxy/nftables/proxier.go`).
    pub fn services(&self) -> Vec<ServiceAddress<'_>> {
        let rules = self
            .iptables
            .iter()
            .flat_map(|program| &program.tables)
            .flat_map(|table| &table.chains)
            .flat_map(|chain| &chain.rules);
        let elements = self
            .nft
            .iter()
            .filter_map(|object| object.get("map"))
            .filter(|map| map["table"] == "kube-proxy" && map["name"] == "service-ips")
            .filter_map(|map| map["elem"].as_array())
            .flatten();
        rules
            .filter_map(of_rule)
            .chain(elements.filter_map(of_element))
            .collect()
    }
}

/// `-d 10.96.0.1/32 -p tcp … --comment "default/kubernetes:https cluster IP" … --dport 443`. External
/// addresses and node ports have rules of their own.
fn of_rule(rule: &IptablesRule) -> Option<ServiceAddress<'_>> {
    let comment = rule.value("--comment")?;
    if !comment.contains("cluster IP") && !comment.contains("has no endpoints") {
        return None;
    }
    let subject = comment.split(' ').next()?;
    let (service, port_name) = subject.split_once(':').unwrap_or((subject, ""));
    service.split_once('/')?;
    Some(ServiceAddress {
        service,
        port_name,
        address: rule.value("-d")?.split('/').next()?.parse().ok()?,
        port: rule.value("--dport")?.parse().ok()?,
        transport: rule.value("-p")?,
    })
}

/// `[{"concat": ["10.96.0.1", "tcp", 443]}, {"goto": {"target": "service-2QRHZV4L-default/kubernetes/tcp/https"}}]`
fn of_element(element: &Value) -> Option<ServiceAddress<'_>> {
    let [key, verdict] = element.as_array()?.as_slice() else {
        return None;
    };
    let [address, transport, port] = key["concat"].as_array()?.as_slice() else {
        return None;
    };
    let chain = verdict["goto"]["target"].as_str()?;
    let (_hash, subject) = chain.strip_prefix("service-")?.split_once('-')?;
    let (rest, port_name) = subject.rsplit_once('/')?;
    let (service, _transport) = rest.rsplit_once('/')?;
    service.split_once('/')?;
    Some(ServiceAddress {
        service,
        port_name,
        address: address.as_str()?.parse().ok()?,
        port: port.as_u64()?.try_into().ok()?,
        transport: transport.as_str()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::netfilter::{Backend, Chain, Iptables, IptablesTable};
    use crate::model::rule::Family;
    use crate::model::table::Table;

    fn rule(text: &str, comment: &str) -> IptablesRule {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        words.extend(["--comment".to_owned(), comment.to_owned()]);
        IptablesRule {
            words,
            packets: 0,
            bytes: 0,
        }
    }

    #[test]
    fn iptables_names_services_in_comments() {
        let rules = vec![
            rule(
                "-d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-A -m comment",
                "default/kubernetes:https cluster IP",
            ),
            rule(
                "-d 203.0.113.7/32 -p tcp -m tcp --dport 80 -j KUBE-EXT-B -m comment",
                "shop/web loadbalancer IP",
            ),
            rule(
                "-d 10.96.3.4/32 -p udp -m udp --dport 53 -j REJECT -m comment",
                "shop/dns has no endpoints",
            ),
            rule("-j KUBE-MARK-MASQ -m comment", "shop/web cluster IP"),
        ];
        let netfilter = Netfilter {
            iptables: vec![Iptables {
                backend: Backend::Nft,
                family: Family::Inet,
                tables: Table::complete(vec![IptablesTable {
                    name: "nat".into(),
                    chains: vec![Chain {
                        name: "KUBE-SERVICES".into(),
                        policy: None,
                        packets: 0,
                        bytes: 0,
                        rules,
                    }],
                }]),
            }],
            ..Netfilter::default()
        };
        let found = netfilter.services();
        let told: Vec<_> = found
            .iter()
            .map(|found| {
                format!(
                    "{} {} {} {}:{}",
                    found.service, found.port_name, found.transport, found.address, found.port
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "default/kubernetes https tcp 10.96.0.1:443",
                "shop/dns  udp 10.96.3.4:53"
            ]
        );
    }

    #[test]
    fn nftables_names_services_in_chains() {
        // As `nft -j list ruleset` (1.0.6) prints the map.
        let map = serde_json::json!({"map": {
            "family": "ip", "name": "service-ips", "table": "kube-proxy",
            "type": ["ipv4_addr", "inet_proto", "inet_service"], "handle": 3, "map": "verdict",
            "elem": [
                [{"concat": ["10.96.0.10", "udp", 53]},
                 {"goto": {"target": "service-NWBZK7IH-kube-system/kube-dns/udp/dns"}}],
                [{"concat": ["10.96.0.9", "tcp", 80]}, {"goto": {"target": "service-X-a-b/c/tcp/"}}],
                [{"concat": ["10.96.0.8", "tcp", 80]}, {"drop": null}],
                "unexpected",
            ]
        }});
        let netfilter = Netfilter {
            nft: Table::complete(vec![map]),
            ..Netfilter::default()
        };
        let found = netfilter.services();
        assert_eq!(
            found.first(),
            Some(&ServiceAddress {
                service: "kube-system/kube-dns",
                port_name: "dns",
                address: IpAddr::from([10, 96, 0, 10]),
                port: 53,
                transport: "udp",
            })
        );
        let others: Vec<_> = found.iter().skip(1).map(|found| found.service).collect();
        assert_eq!(others, ["a-b/c"]);
    }
}
