//! Packet filters and address translation.

use super::plan::{Plan, Site, Unfit};
use super::scene::{End, Scene};
use super::{Fault, Way};
use crate::model::netfilter::Backend;
use crate::model::rule::Family;

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("forward-policy-drop", Way::Any, policy),
    Fault::sender("rule-drop", Way::Any, drop),
    Fault::sender("rule-reject", Way::Any, reject),
    Fault::receiver("network-policy-drop", Way::Any, network_policy),
    Fault::sender("pod-traffic-masqueraded", Way::Any, masquerade),
    Fault::sender("conntrack-invalid-drop", Way::Any, invalid),
    Fault::sender("conntrack-full", Way::Any, full),
];

/// Chains of iptables end at 28 octets (`XT_EXTENSION_MAXNAMELEN`).
const CHAIN_LEN: usize = 28;

/// What takes back all rules of an iptables table: its own rule where others had made the table before, else the
/// table that did not exist.
pub(super) fn undo(end: &End<'_>, table: &str, own: &str) -> String {
    let existed = end.root.netfilter.iptables.iter().any(|tables| {
        tables.backend == Backend::Nft
            && tables.family == Family::Inet
            && tables
                .tables
                .iter()
                .any(|found| found.name == table && found.chains.iter().any(|c| c.policy.is_some()))
    });
    if existed {
        own.to_owned()
    } else {
        format!("nft delete table ip {table}")
    }
}

/// Frames between the ports of a bridge meet iptables only where the bridge asks it.
fn filtered(scene: &Scene<'_>) -> Result<(), Unfit> {
    let asks = scene
        .here
        .root
        .sysctl_number("net.bridge.bridge-nf-call-iptables");
    if scene.is_flat() && asks == Some(0) {
        return Err(Unfit::here("bridged frames do not meet iptables"));
    }
    Ok(())
}

fn policy(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    filtered(scene)?;
    Ok(scene.plan().step(
        scene.here.on_node(),
        "iptables -P FORWARD DROP",
        [undo(&scene.here, "filter", "iptables -P FORWARD ACCEPT")],
    ))
}

fn drop(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    rule(scene, "-j DROP")
}

fn reject(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    if scene.is_flat() {
        // A bridge has no way back to the sender for the refusal (net/ipv4/netfilter/nf_reject_ipv4.c).
        return Err(Unfit::here("bridged frames cannot be refused by iptables"));
    }
    rule(scene, "-j REJECT --reject-with icmp-admin-prohibited")
}

fn rule(scene: &Scene<'_>, target: &str) -> Result<Plan, Unfit> {
    filtered(scene)?;
    let rule = format!(
        "FORWARD -s {} -d {} {target}",
        scene.here.address, scene.there.address
    );
    Ok(scene.plan().step(
        scene.here.on_node(),
        format!("iptables -I {rule}"),
        [undo(&scene.here, "filter", &format!("iptables -D {rule}"))],
    ))
}

/// A chain as a network policy's controller writes it, that no policy lets anything through.
fn network_policy(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    filtered(scene)?;
    let node = scene.here.on_node();
    let mut chain = format!("cali-tw-{}", scene.here.outer.name);
    chain.truncate(CHAIN_LEN);
    let jump = format!(
        "FORWARD -d {} -m comment --comment 'cali: to {}' -j {chain}",
        scene.here.address,
        scene.here.pod()
    );
    let comment = format!("networkpolicy {}/deny-all", scene.here.sandbox.namespace);
    let whole = undo(&scene.here, "filter", "");
    let (remove_jump, remove_chain) = if whole.is_empty() {
        (
            vec![format!("iptables -D {jump}")],
            vec![
                format!("iptables -F {chain}"),
                format!("iptables -X {chain}"),
            ],
        )
    } else {
        (Vec::new(), vec![whole])
    };
    Ok(scene
        .plan()
        .step(node.clone(), format!("iptables -N {chain}"), remove_chain)
        .passing(
            node.clone(),
            format!("iptables -A {chain} -m comment --comment '{comment}' -j DROP"),
        )
        .step(node, format!("iptables -I {jump}"), remove_jump))
}

fn masquerade(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    if scene.is_flat() {
        return Err(Unfit::here("bridged frames keep their source"));
    }
    let rule = format!(
        "POSTROUTING -s {} -d {} -j MASQUERADE",
        scene.here.address, scene.there.address
    );
    Ok(scene.plan().step(
        scene.here.on_node(),
        format!("iptables -t nat -I {rule}"),
        [undo(
            &scene.here,
            "nat",
            &format!("iptables -t nat -D {rule}"),
        )],
    ))
}

/// The request is not tracked, so that its answer belongs to nothing.
fn invalid(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    filtered(scene)?;
    let node: Site = scene.here.on_node();
    let raw = format!(
        "PREROUTING -s {} -d {} -j CT --notrack",
        scene.here.address, scene.there.address
    );
    let drop = "FORWARD -m conntrack --ctstate INVALID -j DROP";
    Ok(scene
        .plan()
        .step(
            node.clone(),
            format!("iptables -t raw -I {raw}"),
            [undo(
                &scene.here,
                "raw",
                &format!("iptables -t raw -D {raw}"),
            )],
        )
        .step(
            node,
            format!("iptables -I {drop}"),
            [undo(&scene.here, "filter", &format!("iptables -D {drop}"))],
        ))
}

fn full(_: &Scene<'_>) -> Result<Plan, Unfit> {
    Err(Unfit::Impossible(
        "the limit of tracked connections is the kernel's: a lab would change it for this machine"
            .into(),
    ))
}
