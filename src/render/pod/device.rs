//! A device and its peer, in the words of `ip`.

use crate::inspect::pod::Peer;
use crate::model::link::{BridgePort, PortState};
use crate::model::{Address, Link, notation};

pub(super) fn device_lines(link: &Link, addresses: &[Address], wide: bool) -> Vec<String> {
    let mut lines = vec![format!("{} ({})", link.name, link.index)];
    lines.extend(link.mac.map(|mac| mac.to_string()));
    lines.push(format!("mtu {}, {}", link.mtu, state(link)));
    lines.extend(
        addresses
            .iter()
            .filter(|row| wide || row.scope != crate::model::route::Scope::LINK)
            .map(notation::address),
    );
    if wide {
        let stats = &link.stats;
        lines.push(format!(
            "rx {} tx {} packets",
            stats.rx_packets, stats.tx_packets
        ));
        let bad = stats.rx_dropped + stats.tx_dropped + stats.rx_errors + stats.tx_errors;
        if bad > 0 {
            lines.push(format!(
                "dropped rx {} tx {}, errors rx {} tx {}",
                stats.rx_dropped, stats.tx_dropped, stats.rx_errors, stats.tx_errors
            ));
        }
        if let Some(qdisc) = link.qdisc.as_ref().filter(|qdisc| *qdisc != "noqueue") {
            lines.push(format!("qdisc {qdisc}"));
        }
    }
    lines
}

pub(super) fn peer_lines(peer: &Peer, node: &str, wide: bool) -> Vec<String> {
    let mut lines = device_lines(&peer.link, &peer.addresses, wide);
    if peer.place != node
        && let Some(first) = lines.first_mut()
    {
        first.push_str(&format!(" of {}", peer.place));
    }
    if let Some(port) = peer.link.bridge_port() {
        lines.push(port_in_words(port));
    }
    let settings: Vec<_> = [
        (
            peer.link.inet.is_some_and(|conf| conf.proxy_arp != 0),
            "proxy_arp",
        ),
        (
            peer.link.inet.is_some_and(|conf| conf.forwarding == 0),
            "not forwarding",
        ),
        (
            peer.link.inet6.is_some_and(|conf| conf.proxy_ndp != 0),
            "proxy_ndp",
        ),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .map(|(_, word)| word)
    .collect();
    if !settings.is_empty() && peer.master.is_none() {
        lines.push(settings.join(", "));
    }
    lines
}

fn port_in_words(port: &BridgePort) -> String {
    let mut words = vec![port.state.as_str()];
    for (set, word) in [
        (port.hairpin, "hairpin"),
        (port.isolated, "isolated"),
        (!port.learning, "no learning"),
        (!port.unicast_flood, "no flooding"),
        (port.neigh_suppress, "neigh_suppress"),
        (port.locked, "locked"),
    ] {
        // A port that is not forwarding says enough by that.
        if set && port.state == PortState::Forwarding {
            words.push(word);
        }
    }
    words.join(", ")
}

fn state(link: &Link) -> &'static str {
    match (link.is_up(), link.is_running()) {
        (false, _) => "down",
        (true, false) => "up, no carrier",
        (true, true) => "up",
    }
}

pub(super) fn kind_in_words(link: &Link) -> String {
    match &link.kind {
        crate::model::LinkKind::Macvlan(macvlan) => format!("macvlan {}", macvlan.mode),
        crate::model::LinkKind::Ipvlan(ipvlan) => format!("ipvlan {}", ipvlan.mode),
        crate::model::LinkKind::Vlan(vlan) => format!("vlan {}", vlan.id),
        kind => kind.name().to_owned(),
    }
}
