//! What a rule's target does with a packet (`iptables-extensions(8)`).

use std::net::IpAddr;

use super::notation::{masked, number};
use crate::walk::netfilter::rule::{Action, Choice, End, Replace, Whither};

/// What `-j TARGET` of a rule in `chain` does.
pub(super) fn target_of(chain: &str, word: &str, target: &str, rest: &[&str]) -> Vec<Action> {
    let option = |name: &str| {
        rest.iter()
            .position(|word| *word == name)
            .and_then(|at| rest.get(at + 1))
            .copied()
    };
    let action = match target {
        "ACCEPT" => Action::Accept,
        "DROP" => Action::Drop,
        "REJECT" => Action::Reject,
        "RETURN" => Action::Return,
        "MASQUERADE" => Action::Masquerade,
        "DNAT" => match option("--to-destination").and_then(end) {
            Some(end) => translated(false, Choice::One(end)),
            None => Action::Unknown("DNAT".to_owned()),
        },
        "SNAT" => match option("--to-source").and_then(end) {
            Some(end) => translated(true, Choice::One(end)),
            None => Action::Unknown("SNAT".to_owned()),
        },
        "NETMAP" => match option("--to").and_then(|net| net.parse().ok()) {
            // The source where a packet leaves, the destination where it comes in.
            Some(net) => translated(matches!(chain, "POSTROUTING" | "INPUT"), Choice::net(net)),
            None => Action::Unknown("NETMAP".to_owned()),
        },
        "REDIRECT" => translated(
            false,
            Choice::One(End {
                address: Whither::Own,
                port: option("--to-ports").and_then(|port| port.parse().ok()),
            }),
        ),
        "MARK" => match (
            option("--set-xmark"),
            option("--set-mark"),
            option("--or-mark"),
        ) {
            (Some(text), _, _) => {
                let (value, mask) = xmark(text);
                Action::Mark { mask, value }
            }
            (_, Some(text), _) => {
                let (value, mask) = xmark(text);
                Action::Mark {
                    mask: mask | value,
                    value,
                }
            }
            (_, _, Some(text)) => {
                let value = number(text);
                Action::Mark { mask: value, value }
            }
            _ => Action::Unknown("MARK".to_owned()),
        },
        // They look, count, label or copy, and let the packet go on as it is.
        "LOG" | "NFLOG" | "ULOG" | "AUDIT" | "CT" | "NOTRACK" | "CONNMARK" | "TCPMSS"
        | "TCPOPTSTRIP" | "CHECKSUM" | "TRACE" | "CONNSECMARK" | "SECMARK" | "SET" | "DSCP"
        | "TOS" | "ECN" | "CLASSIFY" | "TEE" | "IDLETIMER" | "RATEEST" | "LED" => {
            return Vec::new();
        }
        "TTL" | "HL" => hops(&option).unwrap_or_else(|| Action::Unknown(target.to_owned())),
        "QUEUE" | "NFQUEUE" => Action::Ask,
        "TPROXY" | "SYNPROXY" => Action::Unknown(target.to_owned()),
        other if word == "-g" || word == "--goto" => Action::Goto(other.to_owned()),
        other => Action::Jump(other.to_owned()),
    };
    vec![action]
}

/// `--ttl-set 1`, `--hl-dec 2`
fn hops<'t>(option: &impl Fn(&str) -> Option<&'t str>) -> Option<Action> {
    let number = |suffix: &str| {
        option(&format!("--ttl-{suffix}"))
            .or_else(|| option(&format!("--hl-{suffix}")))?
            .parse::<u8>()
            .ok()
    };
    number("set")
        .map(Action::HopsAre)
        .or_else(|| Some(Action::HopsLess(i16::from(number("dec")?))))
        .or_else(|| Some(Action::HopsLess(-i16::from(number("inc")?))))
}

/// `10.0.0.1:80`, `10.0.0.1`, `[fd00::1]:80`, `:80`; a range is not one end.
fn end(text: &str) -> Option<End> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(End::at(address));
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(End {
            port: Some(socket.port()),
            ..End::at(socket.ip())
        });
    }
    let port = text.strip_prefix(':')?.parse().ok()?;
    Some(End {
        address: Whither::Same,
        port: Some(port),
    })
}

fn translated(source: bool, by: Choice) -> Action {
    Action::Replace(Replace {
        source,
        by,
        translates: true,
    })
}

/// `--set-xmark value/mask`: mask first, then exclusive or.
fn xmark(text: &str) -> (u32, u32) {
    masked(text)
}
