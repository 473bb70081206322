//! What is refused before anything is touched, in the words an operator sees.

use super::*;

#[track_caller]
fn refused(settings: &Settings, underlay: &Underlay, words: &str) {
    let refusal = Network::new(settings, underlay).unwrap_err().to_string();
    assert!(refusal.contains(words), "{words:?} in {refusal:?}");
}

fn routed(pools: &[(&str, u8)]) -> Settings {
    settings(Mode::Routed, None, pools)
}

#[test]
fn pools() {
    let here = underlay(&["192.168.61.11/24", "fd61::1/64"]);
    refused(&routed(&[]), &here, "network pods has no pools");
    refused(
        &routed(&[("192.168.0.0/16", 26)]),
        &here,
        "pool 192.168.0.0/16 overlaps 192.168.61.11/24 of underlay device enp0s8",
    );
    refused(
        &routed(&[("192.168.61.128/25", 26)]),
        &here,
        "overlaps 192.168.61.11/24",
    );
    refused(
        &routed(&[("10.0.0.0/8", 26), ("10.4.0.0/16", 26)]),
        &here,
        "pools 10.0.0.0/8 and 10.4.0.0/16 overlap",
    );
    refused(
        &routed(&[("10.0.0.0/16", 26), ("10.4.0.0/16", 26)]),
        &here,
        "are of one address family",
    );
    refused(
        &routed(&[("10.0.0.1/16", 26)]),
        &here,
        "host bits set: write 10.0.0.0/16",
    );
    refused(
        &routed(&[("10.0.0.0/27", 26)]),
        &here,
        "choose a block size of /27 to /30",
    );
    refused(
        &routed(&[("10.0.0.0/16", 33)]),
        &here,
        "cannot be cut into /33 blocks",
    );
}

#[test]
fn mtu() {
    let here = underlay(&["192.168.61.11/24"]);
    let mut plain = routed(&[("10.0.0.0/16", 26)]);
    plain.mtu = Some(1501);
    refused(
        &plain,
        &here,
        "MTU 1501 is above what the underlay carries: enp0s8 has 1500, so at most 1500",
    );
    let mut wrapped = settings(Mode::Routed, Some(Encap::Always), &[("10.0.0.0/16", 26)]);
    wrapped.mtu = Some(1451);
    refused(
        &wrapped,
        &here,
        "enp0s8 has 1500 and VXLAN takes 50, so at most 1450",
    );
    refused(
        &wrapped,
        &underlay(&["fd61::1/64"]),
        "and VXLAN takes 70, so at most 1430",
    );
    wrapped.mtu = Some(1450);
    assert_eq!(Network::new(&wrapped, &here).unwrap().0.mtu, 1450);
    let mut six = settings(Mode::Routed, Some(Encap::Always), &[("fd10::/48", 64)]);
    six.mtu = Some(1279);
    refused(&six, &here, "IPv6 needs at least 1280");
}

#[test]
fn addresses_and_names() {
    let here = underlay(&["192.168.61.11/24"]);
    refused(
        &routed(&[("10.0.0.0/16", 26)]),
        &underlay(&[]),
        "has no global IPv4 or IPv6 address",
    );
    refused(
        &routed(&[("fd10::/48", 64)]),
        &here,
        "has no global IPv6 address, which pool fd10::/48 needs as its next hop without VXLAN",
    );
    let mut elsewhere = routed(&[("10.0.0.0/16", 26)]);
    elsewhere.addresses = vec!["192.168.61.99".parse().unwrap()];
    refused(
        &elsewhere,
        &here,
        "address 192.168.61.99 is not on underlay device enp0s8",
    );
    let mut named = routed(&[("10.0.0.0/16", 26)]);
    named.name = "../etc".to_owned();
    refused(&named, &here, "network name \"../etc\" is not valid");
    let mut long = settings(Mode::Flat, None, &[("10.32.0.0/12", 16)]);
    long.bridge = Some("a-name-of-sixteen".to_owned());
    refused(
        &long,
        &here,
        "device name \"a-name-of-sixteen\" is not valid",
    );
}

#[test]
fn tunnels() {
    let here = underlay(&["192.168.61.11/24"]);
    refused(
        &settings(Mode::Flat, Some(Encap::Never), &[("10.32.0.0/12", 16)]),
        &here,
        "a flat network needs VXLAN",
    );
    let mut learning = settings(Mode::Subnets, None, &[("10.244.0.0/16", 24)]);
    learning.vxlan.learning = Some(true);
    refused(&learning, &here, "learning is only for a flat network");
    learning.vxlan.learning = None;
    learning.vxlan.vni = Some(1 << 24);
    refused(&learning, &here, "VNI 16777216 does not fit in 24 bits");
}
