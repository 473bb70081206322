//! Both backends of iptables in use at once: each program sees only its own rules, and packets meet both.

use super::{Evidence, Finding, Severity};
use crate::model::Node;
use crate::model::netfilter::{Backend, Iptables};
use crate::model::rule::Family;

pub(super) fn check(node: &Node, findings: &mut Vec<Finding>) {
    let Some(root) = node.root() else { return };
    for family in [Family::Inet, Family::Inet6] {
        let of = |backend| {
            root.netfilter
                .iptables
                .iter()
                .find(|tables| tables.backend == backend && tables.family == family)
                .map(rules)
                .filter(|count| *count > 0)
        };
        let (Some(nft), Some(legacy)) = (of(Backend::Nft), of(Backend::Legacy)) else {
            continue;
        };
        let program = match family {
            Family::Inet => "iptables",
            Family::Inet6 => "ip6tables",
        };
        findings.push(Finding {
            id: "iptables-backends-mixed",
            severity: Severity::Warning,
            node: node.name.clone(),
            place: None,
            device: None,
            what: format!("both backends of {program} hold rules"),
            why: "a packet must pass both, and each program shows and changes only its own: a rule that drops may be invisible to whoever looks".to_owned(),
            evidence: vec![
                Evidence::new(format!("{program}-nft-save"), format!("{nft} rules")),
                Evidence::new(format!("{program}-legacy-save"), format!("{legacy} rules")),
            ],
            show: format!("{program}-legacy-save; {program}-nft-save"),
            fix: "have all that write rules use one backend (update-alternatives --set iptables), then flush the other".to_owned(),
        });
    }
}

/// How many rules there are; a chain's policy other than ACCEPT counts as one.
fn rules(tables: &Iptables) -> usize {
    tables
        .tables
        .iter()
        .flat_map(|table| &table.chains)
        .map(|chain| chain.rules.len() + usize::from(chain.policy.as_deref() == Some("DROP")))
        .sum()
}
