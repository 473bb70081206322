//! Packet filters that let nothing of a pod through.
//!
//! Only what holds for every packet of a pod is concluded: the rules are followed with whatever the packet might be,
//! and a fault is that no way through them ends in ACCEPT. Which packets of a healthy pod are let through is for a
//! trace to say, which knows the packet.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::{Evidence, Finding, Look, Severity, policy, reach};
use crate::model::netfilter::{Backend, Chain, Iptables, IptablesRule, IptablesTable};
use crate::model::rule::Family;
use crate::model::{Netns, State};

/// Chains that call each other deeper than this are not followed (the kernel refuses loops).
const DEPTH: usize = 32;

pub(super) fn check(look: &mut Look<'_>) {
    let Some(root) = look.node.root() else { return };
    let pods = reach::routed(look);
    if pods.is_empty() {
        return;
    }
    for tables in &root.netfilter.iptables {
        let Some(table) = tables.tables.iter().find(|table| table.name == "filter") else {
            continue;
        };
        let of_family = |address: &IpAddr| address.is_ipv4() == (tables.family == Family::Inet);
        let mut shut = Vec::new();
        for (pod, device, addresses) in &pods {
            for address in addresses.iter().copied().filter(of_family) {
                for flow in [
                    Flow::from_pod(device, address),
                    Flow::to_pod(device, address),
                ] {
                    let outcome = forward(table, &flow);
                    if !outcome.drop {
                        continue;
                    }
                    match outcome.accept {
                        Accept::Never => shut.push((pod, address, flow.outward, outcome)),
                        Accept::Undecided => look.doubt(&format!(
                            "whether {} lets {pod}'s packets through: what it accepts depends on marks, sets or the like",
                            program(tables)
                        )),
                        Accept::Some => {}
                    }
                }
            }
        }
        report(look, tables, &pods, &shut);
    }
    for chain in native_chains(root) {
        let what = format!("{} {} {}", chain.family, chain.table, chain.name);
        if chain.rules == 0 {
            look.findings.push(Finding {
                what: format!("the nftables chain {what} drops everything that is forwarded"),
                evidence: vec![Evidence::new(
                    "nft list ruleset",
                    "hook forward, policy drop, no rule",
                )],
                show: format!("nft list chain {what}"),
                fix: format!("nft add chain {what} '{{ policy accept; }}'"),
                ..finding(look, None)
            });
        } else {
            look.doubt(&format!(
                "what the nftables chain {what} lets through: its policy is drop, and its {} rules were not followed",
                chain.rules
            ));
        }
    }
}

fn finding(look: &Look<'_>, pod: Option<&str>) -> Finding {
    Finding {
        id: "forward-policy-drop",
        severity: Severity::Fault,
        node: look.node.name.clone(),
        place: pod.map(str::to_owned),
        device: None,
        what: String::new(),
        why: "a pod's packets are forwarded by the node like those of anybody else, and must pass"
            .to_owned(),
        evidence: Vec::new(),
        show: String::new(),
        fix: String::new(),
    }
}

fn program(tables: &Iptables) -> String {
    let program = match tables.family {
        Family::Inet => "iptables",
        Family::Inet6 => "ip6tables",
    };
    match tables.backend {
        Backend::Nft => format!("{program}-nft"),
        Backend::Legacy => format!("{program}-legacy"),
    }
}

/// A flow that nothing accepts: the pod, its address, whether it is what the pod sends, and what drops it.
type Shut<'a> = (&'a String, IpAddr, bool, Outcome);

/// One finding for the node if it is every pod's fate, else one for each.
fn report(
    look: &mut Look<'_>,
    tables: &Iptables,
    pods: &[(String, String, Vec<IpAddr>)],
    shut: &[Shut<'_>],
) {
    let Some((_, _, _, first)) = shut.first() else {
        return;
    };
    let program = program(tables);
    let by = first
        .by
        .clone()
        .unwrap_or_else(|| "-P FORWARD DROP".to_owned());
    let fix = if by.starts_with("-P") {
        format!("{program} -P FORWARD ACCEPT")
    } else {
        format!("{program} -D {}", by.trim_start_matches("-A "))
    };
    let id = if by.starts_with("-P") {
        "forward-policy-drop"
    } else if policy::wrote(&by) {
        "network-policy-drop"
    } else if by.contains("-j REJECT") {
        "rule-reject"
    } else {
        "rule-drop"
    };
    let base = |look: &Look<'_>, pod: Option<&str>| Finding {
        id,
        evidence: vec![Evidence::new(format!("{program}-save -t filter"), &by)],
        show: format!("{program} -t filter -vnL FORWARD"),
        fix: fix.clone(),
        ..finding(look, pod)
    };
    let every = pods
        .iter()
        .all(|(pod, _, _)| shut.iter().any(|(other, ..)| *other == pod));
    if every && pods.len() > 1 {
        let found = Finding {
            what: format!(
                "{program} forwards nothing of any pod: no rule accepts it before '{by}'"
            ),
            ..base(look, None)
        };
        look.findings.push(found);
        return;
    }
    let mut told: Vec<&String> = Vec::new();
    for (pod, address, outward, _) in shut {
        if told.contains(pod) {
            continue;
        }
        told.push(pod);
        let (direction, name) = if *outward { ("from", pod) } else { ("to", pod) };
        let found = Finding {
            what: format!(
                "{program} forwards nothing {direction} {name} ({address}): no rule accepts it before '{by}'"
            ),
            ..base(look, Some(pod))
        };
        look.findings.push(found);
    }
}

/// All packets of new connections that a pod sends, or that are sent to it.
#[derive(Debug, Clone)]
struct Flow {
    outward: bool,
    input: Option<String>,
    output: Option<String>,
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
}

impl Flow {
    fn from_pod(device: &str, address: IpAddr) -> Self {
        Self {
            outward: true,
            input: Some(device.to_owned()),
            output: None,
            source: Some(address),
            destination: None,
        }
    }

    fn to_pod(device: &str, address: IpAddr) -> Self {
        Self {
            outward: false,
            input: None,
            output: Some(device.to_owned()),
            source: None,
            destination: Some(address),
        }
    }
}

/// Whether anything of a flow is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Accept {
    Never,
    /// Only by rules of which it cannot be told what they match.
    Undecided,
    Some,
}

/// What may become of a flow.
#[derive(Debug, Clone)]
struct Outcome {
    accept: Accept,
    drop: bool,
    /// It may come to the end of the chain.
    end: bool,
    /// The rule or policy that drops.
    by: Option<String>,
}

/// Whether a rule is about a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    All,
    /// Some packets of the flow.
    Some,
    /// It looks at what is not known.
    Undecided,
    None,
}

impl Match {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Undecided, _) | (_, Self::Undecided) => Self::Undecided,
            (Self::Some, _) | (_, Self::Some) => Self::Some,
            (Self::All, Self::All) => Self::All,
        }
    }

    fn not(self) -> Self {
        match self {
            Self::All => Self::None,
            Self::None => Self::All,
            other => other,
        }
    }

    fn of(known: Option<bool>) -> Self {
        match known {
            Some(true) => Self::All,
            Some(false) => Self::None,
            None => Self::Some,
        }
    }
}

fn forward(table: &IptablesTable, flow: &Flow) -> Outcome {
    let Some(chain) = table.chain("FORWARD") else {
        return Outcome {
            accept: Accept::Some,
            drop: false,
            end: false,
            by: None,
        };
    };
    let mut outcome = follow(table, chain, flow, 0);
    if outcome.end {
        if chain.policy.as_deref() == Some("DROP") {
            outcome.drop = true;
            outcome
                .by
                .get_or_insert_with(|| "-P FORWARD DROP".to_owned());
        } else {
            outcome.accept = Accept::Some;
        }
    }
    outcome
}

fn follow(table: &IptablesTable, chain: &Chain, flow: &Flow, depth: usize) -> Outcome {
    let mut outcome = Outcome {
        accept: Accept::Never,
        drop: false,
        end: false,
        by: None,
    };
    for rule in &chain.rules {
        let (matched, target) = read(rule, flow);
        if matched == Match::None {
            continue;
        }
        let Some(target) = target else { continue };
        let accepted = if matched == Match::Undecided {
            Accept::Undecided
        } else {
            Accept::Some
        };
        // Whether packets of the flow are left for the rules behind.
        let mut rest = matched != Match::All;
        match target.name {
            "ACCEPT" => outcome.accept = outcome.accept.max(accepted),
            "DROP" | "REJECT" => {
                outcome.drop = true;
                if matched == Match::All {
                    outcome
                        .by
                        .get_or_insert_with(|| format!("-A {} {}", chain.name, rule.text()));
                }
            }
            "RETURN" => outcome.end = true,
            name => match table.chain(name) {
                Some(called) if depth < DEPTH => {
                    let inner = follow(table, called, flow, depth + 1);
                    outcome.accept = outcome.accept.max(inner.accept.min(accepted));
                    outcome.drop |= inner.drop;
                    if outcome.by.is_none() {
                        outcome.by = inner.by;
                    }
                    if target.goto {
                        outcome.end |= inner.end;
                    } else {
                        rest |= inner.end;
                    }
                }
                Some(_) => outcome.accept = outcome.accept.max(Accept::Undecided),
                // A verdict of somebody else's.
                None if ["NFQUEUE", "QUEUE", "SYNPROXY"].contains(&name) => {
                    outcome.accept = outcome.accept.max(Accept::Undecided);
                    outcome.drop = true;
                }
                // LOG, MARK, TCPMSS and the like let the packet go on.
                None => rest = true,
            },
        }
        if !rest {
            return outcome;
        }
    }
    outcome.end = true;
    outcome
}

struct Target<'a> {
    name: &'a str,
    goto: bool,
}

/// Takes a rule apart: what it matches of the flow, and what it does.
fn read<'a>(rule: &'a IptablesRule, flow: &Flow) -> (Match, Option<Target<'a>>) {
    let mut matched = Match::All;
    let mut target = None;
    let mut words = rule.words.iter().map(String::as_str);
    let mut inverted = false;
    let mut module = "";
    while let Some(word) = words.next() {
        if word == "!" {
            inverted = true;
            continue;
        }
        let found = match word {
            "-i" | "--in-interface" => device(flow.input.as_deref(), words.next()),
            "-o" | "--out-interface" => device(flow.output.as_deref(), words.next()),
            "-s" | "--source" => address(flow.source, words.next()),
            "-d" | "--destination" => address(flow.destination, words.next()),
            "-p" | "--protocol" => {
                if words.next() == Some("all") {
                    Match::All
                } else {
                    Match::Some
                }
            }
            "-m" | "--match" => {
                module = words.next().unwrap_or_default();
                Match::All
            }
            "-j" | "--jump" | "-g" | "--goto" => {
                target = words.next().map(|name| Target {
                    name,
                    goto: word.starts_with("-g") || word == "--goto",
                });
                // What follows are the target's own words.
                break;
            }
            "--comment" => {
                words.next();
                Match::All
            }
            "--ctstate" | "--state" => connection(words.next()),
            // Ports, flags and types are the packet's affair: some packets have them.
            _ if [
                "tcp",
                "udp",
                "icmp",
                "icmp6",
                "sctp",
                "multiport",
                "addrtype",
                "limit",
                "statistic",
                "hashlimit",
            ]
            .contains(&module) =>
            {
                Match::Some
            }
            _ => Match::Undecided,
        };
        let found = if inverted { found.not() } else { found };
        // The value of an option that is not known stands behind it without a dash.
        if word.starts_with('-') {
            inverted = false;
        }
        matched = matched.and(found);
    }
    (matched, target)
}

fn device(known: Option<&str>, wanted: Option<&str>) -> Match {
    let (Some(known), Some(wanted)) = (known, wanted) else {
        return Match::Some;
    };
    Match::of(Some(match wanted.strip_suffix('+') {
        Some(prefix) => known.starts_with(prefix),
        None => known == wanted,
    }))
}

fn address(known: Option<IpAddr>, wanted: Option<&str>) -> Match {
    let (Some(known), Some(wanted)) = (known, wanted) else {
        return Match::Some;
    };
    let network = wanted
        .parse::<IpNet>()
        .or_else(|_| wanted.parse::<IpAddr>().map(IpNet::from));
    match network {
        Ok(network) => Match::of(Some(network.contains(&known))),
        Err(_) => Match::Undecided,
    }
}

/// The first packet of a connection is new.
fn connection(states: Option<&str>) -> Match {
    let Some(states) = states else {
        return Match::Undecided;
    };
    let mut rest = states.split(',');
    if rest.clone().any(|state| state == "NEW") {
        Match::All
    } else if rest.all(|state| ["RELATED", "ESTABLISHED", "INVALID"].contains(&state)) {
        Match::None
    } else {
        // UNTRACKED, SNAT, DNAT: translation has been decided before.
        Match::Undecided
    }
}

/// A chain of nftables' own that drops unless a rule accepts.
struct Native {
    family: String,
    table: String,
    name: String,
    rules: usize,
}

/// Chains on the forward hook with policy drop that iptables-nft does not show.
fn native_chains(root: &Netns) -> Vec<Native> {
    if root.netfilter.nft.state == State::Unavailable {
        return Vec::new();
    }
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let rows = || root.netfilter.nft.iter();
    rows()
        .filter_map(|row| row.get("chain"))
        .filter(|chain| {
            text(chain, "hook").as_deref() == Some("forward")
                && text(chain, "policy").as_deref() == Some("drop")
                && ["ip", "ip6", "inet"]
                    .contains(&text(chain, "family").unwrap_or_default().as_str())
        })
        .filter_map(|chain| {
            Some(Native {
                family: text(chain, "family")?,
                table: text(chain, "table")?,
                name: text(chain, "name")?,
                rules: 0,
            })
        })
        .filter(|chain| {
            !(chain.family != "inet" && chain.name == "FORWARD" && chain.table == "filter")
        })
        .map(|chain| {
            let rules = rows()
                .filter_map(|row| row.get("rule"))
                .filter(|rule| {
                    text(rule, "family").as_ref() == Some(&chain.family)
                        && text(rule, "table").as_ref() == Some(&chain.table)
                        && text(rule, "chain").as_ref() == Some(&chain.name)
                })
                .count();
            Native { rules, ..chain }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(lines: &[&str]) -> IptablesTable {
        let mut chains: Vec<Chain> = Vec::new();
        for line in lines {
            let mut words = line.split_whitespace().map(str::to_owned);
            let verb = words.next().unwrap();
            let name = words.next().unwrap();
            if !chains.iter().any(|chain| chain.name == name) {
                chains.push(Chain {
                    name: name.clone(),
                    policy: None,
                    packets: 0,
                    bytes: 0,
                    rules: Vec::new(),
                });
            }
            let chain = chains.iter_mut().find(|chain| chain.name == name).unwrap();
            match verb.as_str() {
                "-P" => chain.policy = words.next(),
                "-A" => chain.rules.push(IptablesRule {
                    words: words.collect(),
                    packets: 0,
                    bytes: 0,
                }),
                _ => {}
            }
        }
        IptablesTable {
            name: "filter".to_owned(),
            chains,
        }
    }

    fn outward(lines: &[&str]) -> (Accept, bool) {
        let flow = Flow::from_pod("cali1", "172.31.0.2".parse().unwrap());
        let outcome = forward(&table(lines), &flow);
        (outcome.accept, outcome.drop)
    }

    #[test]
    fn a_policy_that_drops_needs_a_rule_that_accepts() {
        assert_eq!(outward(&["-P FORWARD ACCEPT"]), (Accept::Some, false));
        assert_eq!(outward(&["-P FORWARD DROP"]), (Accept::Never, true));
        let replies = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
        assert_eq!(
            outward(&["-P FORWARD DROP", replies]),
            (Accept::Never, true)
        );
        for accepted in [
            "-A FORWARD -i cali+ -j ACCEPT",
            "-A FORWARD -s 172.31.0.0/16 -j ACCEPT",
            "-A FORWARD ! -i docker0 -j ACCEPT",
            "-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT",
            "-A FORWARD -m conntrack --ctstate NEW -m comment --comment x -j ACCEPT",
        ] {
            assert_eq!(
                outward(&["-P FORWARD DROP", accepted]).0,
                Accept::Some,
                "{accepted}"
            );
        }
        for other in [
            "-A FORWARD -i docker0 -j ACCEPT",
            "-A FORWARD ! -s 172.31.0.0/16 -j ACCEPT",
        ] {
            assert_eq!(
                outward(&["-P FORWARD DROP", other]).0,
                Accept::Never,
                "{other}"
            );
        }
    }

    #[test]
    fn chains_are_followed_and_return() {
        let lines = [
            "-P FORWARD DROP",
            "-N KUBE-FORWARD",
            "-A FORWARD -j KUBE-FORWARD",
            "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
        ];
        assert_eq!(outward(&lines), (Accept::Undecided, true));
        let first = [
            "-P FORWARD ACCEPT",
            "-N OURS",
            "-A FORWARD -g OURS",
            "-A FORWARD -j DROP",
            "-A OURS -s 10.0.0.0/8 -j DROP",
        ];
        // A chain that was gone to, not called, ends at the policy.
        assert_eq!(outward(&first), (Accept::Some, false));
        let called = [
            "-P FORWARD ACCEPT",
            "-N OURS",
            "-A FORWARD -j OURS",
            "-A FORWARD -j DROP",
            "-A OURS -s 10.0.0.0/8 -j DROP",
        ];
        assert_eq!(outward(&called), (Accept::Never, true));
    }

    #[test]
    fn what_goes_on_is_not_a_verdict() {
        let lines = [
            "-P FORWARD DROP",
            "-A FORWARD -j LOG --log-prefix x",
            "-A FORWARD -j ACCEPT",
        ];
        assert_eq!(outward(&lines).0, Accept::Some);
        assert_eq!(
            outward(&["-P FORWARD ACCEPT", "-A FORWARD -i cali1 -j REJECT"]),
            (Accept::Never, true)
        );
    }
}
