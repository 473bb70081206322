//! A rule of the packet filter that throws the packet away: whose it is, and the command that takes it away.

use std::net::IpAddr;

use super::cause::Case;
use super::origin::Told;
use crate::diagnose::policy;

/// What the walk says of the rule.
pub(super) struct Filtered<'a> {
    /// `iptables` or `nft`.
    pub(super) by: &'a str,
    /// The table and chain.
    pub(super) chain: &'a str,
    /// Whether the sender is told.
    pub(super) rejected: bool,
    /// It was the policy at the end of the chain.
    pub(super) policy: bool,
    /// The command that takes it away.
    pub(super) undo: &'a str,
}

/// What a packet lost to a rule is a finding of.
pub(super) fn told(case: &Case<'_>, filtered: &Filtered<'_>) -> Told {
    let Filtered {
        by, chain, undo, ..
    } = *filtered;
    let row = case.row();
    let lower = format!("{chain} {row}").to_lowercase();
    let show = format!("{}{}", case.prefix(), shows(undo));
    if lower.contains("has no endpoints") {
        return case.no_endpoint(case.destination()).show(show);
    }
    let place = |told: Told| {
        if case.is_pod() {
            told.place(case.name.clone())
        } else {
            told
        }
    };
    let undo = format!("{}{undo}", case.prefix());
    if filtered.policy {
        return place(case.of_node("forward-policy-drop"))
            .what(format!(
                "the policy of {chain} ({by}) is to drop, and no rule accepts the packet"
            ))
            .show(show)
            .fix(format!("{undo} # or a rule that accepts what is for pods"));
    }
    let outer = case.path.hops.last().and_then(|hop| hop.headers.outer);
    if outer.is_some() && lower.contains("input") && !case.is_pod() {
        let device = case
            .link
            .map_or_else(|| case.device_name(), |link| link.name.clone());
        return case
            .of_node("vxlan-port-blocked")
            .device(&device)
            .what(format!(
                "{chain} drops the wrapped packet when it arrives: {row}"
            ))
            .show(show)
            .fix(format!(
                "{undo} # or accept the UDP port of the tunnel from the other nodes"
            ));
    }
    if policy::wrote(&lower) {
        return place(case.of_node("network-policy-drop"))
            .what(format!(
                "a network policy drops the packet in {chain}: {row}"
            ))
            .show(show)
            .fix("let the sender in: kubectl get networkpolicy -A");
    }
    if lower.contains("invalid") {
        return place(case.of_node("conntrack-invalid-drop"))
            .what(format!(
                "{chain} drops the packet as it belongs to no tracked connection: {row}"
            ))
            .show(format!("{show}; conntrack -S"))
            .fix("take away what keeps the request from being tracked, or have both directions pass this node");
    }
    let (id, how) = if lower.contains("-j nfqueue") || lower.ends_with(" queue") {
        (
            "rule-drop",
            "has a program decide (queue), which does not let go on,",
        )
    } else if filtered.rejected {
        ("rule-reject", "rejects")
    } else {
        ("rule-drop", "drops")
    };
    place(case.of_node(id))
        .what(format!("a rule of {chain} ({by}) {how} the packet: {row}"))
        .show(show)
        .fix(undo)
}

/// The command that shows a rule where it stands, from the one that takes it away.
pub(super) fn shows(undo: &str) -> String {
    let words: Vec<&str> = undo.split(' ').collect();
    match words.as_slice() {
        ["nft", _, _, family, table, chain, ..] => {
            format!("nft -a list chain {family} {table} {chain}")
        }
        [program, "-t", table, _, chain, ..] => {
            format!("{program} -t {table} -L {chain} -v -n --line-numbers")
        }
        _ => "nft -a list ruleset; iptables-save -c".to_owned(),
    }
}

/// The command that says what a rule does with packets for an address, and the one that takes the rule away. A rule of
/// nft need not count; one put before it has the kernel report each rule that a packet meets.
pub(super) fn would_tell(undo: &str, destination: IpAddr) -> String {
    let ip = if destination.is_ipv4() { "ip" } else { "ip6" };
    match undo.strip_prefix("nft delete rule ") {
        Some(rule) => format!(
            "nft insert rule {rule} {ip} daddr {destination} meta nftrace set 1; nft monitor trace; \
             or without it: {undo}"
        ),
        None => format!("{}; or without it: {undo}", shows(undo)),
    }
}

#[cfg(test)]
mod tests {
    use super::{shows, would_tell};

    #[test]
    fn what_a_rule_without_counter_does_is_told_by_tracing_it() {
        assert_eq!(
            would_tell(
                "nft delete rule bridge guard out handle 2",
                "10.0.0.2".parse().unwrap()
            ),
            "nft insert rule bridge guard out handle 2 ip daddr 10.0.0.2 meta nftrace set 1; nft monitor trace; \
             or without it: nft delete rule bridge guard out handle 2"
        );
    }

    #[test]
    fn a_rule_is_shown_with_its_counters_or_its_handle() {
        assert_eq!(
            shows("ip6tables-legacy -t raw -D PREROUTING -p udp -j DROP"),
            "ip6tables-legacy -t raw -L PREROUTING -v -n --line-numbers"
        );
        assert_eq!(
            shows("nft delete rule netdev guard in handle 4"),
            "nft -a list chain netdev guard in"
        );
    }
}
