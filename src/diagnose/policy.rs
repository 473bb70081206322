//! Which rules of a packet filter a network policy's controller wrote.

/// The marks of Calico's, kube-router's, Weave's and Cilium's chains and comments, in lower case.
const MARKS: [&str; 12] = [
    "networkpolicy",
    "network-policy",
    "network policy",
    "cali-pi-",
    "cali-po-",
    "cali-tw-",
    "cali-fw-",
    "kube-nwplcy",
    "kube-pod-fw",
    "drop if no policies",
    "weave-npc",
    "netpol",
];

/// Whether a chain and rule are a network policy's.
pub(super) fn wrote(chain_and_rule: &str) -> bool {
    let text = chain_and_rule.to_lowercase();
    MARKS.iter().any(|mark| text.contains(mark))
}
