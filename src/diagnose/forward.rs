//! Packet filters that let nothing of a pod through.
//!
//! Only what holds for every packet of a pod is concluded: the rules are followed with whatever the packet might be,
//! and a fault is that no way through them ends in ACCEPT. Which packets of a healthy pod are let through is for a
//! trace to say, which knows the packet.

use std::net::IpAddr;

use super::{Evidence, Finding, Look, Severity, policy, reach};
use crate::walk::flow::family_of;
use crate::walk::netfilter::class::{Accepts, Class, Drops, Fate};
use crate::walk::netfilter::{Hook, Ruleset};

/// A pod, its device on the node, and its addresses.
type Pod = (String, String, Vec<IpAddr>);

pub(super) fn check(look: &mut Look<'_>) {
    let Some(root) = look.node.root() else { return };
    let pods = reach::routed(look);
    if pods.is_empty() {
        return;
    }
    let rules = Ruleset::new(root);
    let mut shut: Vec<Shut<'_>> = Vec::new();
    for (pod, device, addresses) in &pods {
        for address in addresses.iter().copied() {
            for class in [from_pod(device, address), to_pod(device, address)] {
                for mut fate in rules.fates(Hook::Forward, &class) {
                    match fate.accepts {
                        Accepts::Undecided if fate.may_drop => look.doubt(&format!(
                            "whether {} lets {pod}'s packets through: what it accepts depends on marks, sets or the like",
                            filter(&fate)
                        )),
                        Accepts::Nothing => shut.extend(fate.drops.take().map(|by| Shut {
                            pod,
                            address,
                            outward: class.source.is_some(),
                            fate,
                            by,
                        })),
                        _ => {}
                    }
                }
            }
        }
    }
    // One report for each chain, in the order in which a packet meets them.
    while let Some(first) = shut.first() {
        let chain = (first.fate.program, first.fate.table, first.fate.chain);
        let (of_chain, rest): (Vec<_>, Vec<_>) = shut
            .into_iter()
            .partition(|shut| (shut.fate.program, shut.fate.table, shut.fate.chain) == chain);
        report(look, &pods, &of_chain);
        shut = rest;
    }
}

/// All first packets that a pod sends.
fn from_pod(device: &str, address: IpAddr) -> Class<'_> {
    Class {
        family: family_of(address),
        input: Some(device),
        output: None,
        source: Some(address),
        destination: None,
    }
}

/// All first packets that are sent to it.
fn to_pod(device: &str, address: IpAddr) -> Class<'_> {
    Class {
        family: family_of(address),
        input: None,
        output: Some(device),
        source: None,
        destination: Some(address),
    }
}

/// Packets of which nothing is accepted.
struct Shut<'a> {
    pod: &'a String,
    address: IpAddr,
    /// Whether they are what the pod sends.
    outward: bool,
    fate: Fate<'a>,
    by: Drops,
}

/// What filters, by the name under which it can be asked whatever the system calls `iptables`.
fn filter(fate: &Fate<'_>) -> String {
    match fate.program {
        "nft" => format!("the nftables chain {} {}", fate.table, fate.chain),
        program if program.ends_with("-legacy") => program.to_owned(),
        program => format!("{program}-nft"),
    }
}

/// One finding for the node if it is every pod's fate, else one for each.
fn report(look: &mut Look<'_>, pods: &[Pod], shut: &[Shut<'_>]) {
    let Some(first) = shut.first() else { return };
    let filter = filter(&first.fate);
    let (base, by) = finding(look, first, &filter);
    let is_everyones = pods
        .iter()
        .all(|(pod, ..)| shut.iter().any(|shut| shut.pod == pod));
    if is_everyones && pods.len() > 1 {
        look.findings.push(Finding {
            what: format!("{filter} forwards nothing of any pod: no rule accepts it before '{by}'"),
            ..base
        });
        return;
    }
    let mut told: Vec<&String> = Vec::new();
    for Shut {
        pod,
        address,
        outward,
        ..
    } in shut
    {
        if told.contains(pod) {
            continue;
        }
        told.push(pod);
        let direction = if *outward { "from" } else { "to" };
        look.findings.push(Finding {
            place: Some((*pod).clone()),
            what: format!(
                "{filter} forwards nothing {direction} {pod} ({address}): no rule accepts it before '{by}'"
            ),
            ..base.clone()
        });
    }
}

/// What is found of a chain, without who suffers, and the rule or policy that is to blame.
fn finding(look: &Look<'_>, shut: &Shut<'_>, filter: &str) -> (Finding, String) {
    let fate = &shut.fate;
    let is_nft = fate.program == "nft";
    let (id, by, undo) = match &shut.by {
        Drops::Rule {
            text,
            undo,
            rejects,
        } => {
            let id = if policy::wrote(text) {
                "network-policy-drop"
            } else if *rejects {
                "rule-reject"
            } else {
                "rule-drop"
            };
            (id, text.clone(), undo)
        }
        Drops::Policy { undo } if is_nft => ("forward-policy-drop", "policy drop".to_owned(), undo),
        Drops::Policy { undo } => {
            let by = format!("-P {} DROP", fate.chain);
            ("forward-policy-drop", by, undo)
        }
    };
    let (source, show, fix) = if is_nft {
        (
            "nft list ruleset".to_owned(),
            format!("nft list chain {} {}", fate.table, fate.chain),
            undo.clone(),
        )
    } else {
        (
            format!("{filter}-save -t {}", fate.table),
            format!("{filter} -t {} -vnL {}", fate.table, fate.chain),
            undo.replacen(fate.program, filter, 1),
        )
    };
    let finding = Finding {
        id,
        severity: Severity::Fault,
        node: look.node.name.clone(),
        place: None,
        device: None,
        what: String::new(),
        why: "a pod's packets are forwarded by the node like those of anybody else, and must pass"
            .to_owned(),
        evidence: vec![Evidence::new(source, &by)],
        show,
        fix,
    };
    (finding, by)
}
