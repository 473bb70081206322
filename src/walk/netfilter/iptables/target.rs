//! What a rule's target does with a packet (`iptables-extensions(8)`).

use std::net::IpAddr;

use super::notation::{masked, number};
use crate::walk::netfilter::rule::Action;

pub(super) fn target_of(word: &str, target: &str, rest: &[&str]) -> Vec<Action> {
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
            Some((address, port)) => Action::Destination(address, port),
            None => Action::Unknown("DNAT".to_owned()),
        },
        "SNAT" => match option("--to-source").and_then(end) {
            Some((Some(address), _)) => Action::Source(address),
            _ => Action::Unknown("SNAT".to_owned()),
        },
        "REDIRECT" => {
            let port = option("--to-ports").and_then(|port| port.parse().ok());
            Action::Destination(None, port)
        }
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
        // They look, count or label, and let the packet go on as it is.
        "LOG" | "NFLOG" | "CT" | "NOTRACK" | "CONNMARK" | "TCPMSS" | "CHECKSUM" | "TRACE"
        | "CONNSECMARK" | "SECMARK" | "SET" | "DSCP" | "TOS" | "CLASSIFY" => return Vec::new(),
        "TTL" | "HL" => hops(&option).unwrap_or_else(|| Action::Unknown(target.to_owned())),
        "QUEUE" | "NFQUEUE" => Action::Ask,
        "TPROXY" | "NETMAP" | "TEE" | "SYNPROXY" => Action::Unknown(target.to_owned()),
        chain if word == "-g" || word == "--goto" => Action::Goto(chain.to_owned()),
        chain => Action::Jump(chain.to_owned()),
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

/// `10.0.0.1:80`, `10.0.0.1`, `[fd00::1]:80`; a range is not one end.
fn end(text: &str) -> Option<(Option<IpAddr>, Option<u16>)> {
    if let Ok(address) = text.parse() {
        return Some((Some(address), None));
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some((Some(socket.ip()), Some(socket.port())));
    }
    let port = text.strip_prefix(':')?.parse().ok()?;
    Some((None, Some(port)))
}

/// `--set-xmark value/mask`: mask first, then exclusive or.
fn xmark(text: &str) -> (u32, u32) {
    masked(text)
}
