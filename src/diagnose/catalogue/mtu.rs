//! Packets that are too large for the way.

use super::super::Severity::Fault;
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "sizes",
    entries: &[
        Entry {
            id: "pod-mtu-above-device",
            severity: Fault,
            title: "the pod's MTU is above that of the device behind it",
            mechanism: "A device drops frames larger than its MTU on arrival from a pair, and a bridge does not pass \
                 them (net/bridge/br_forward.c): both without a word.",
            show: "ip link show (in the pod, and on the node)",
            fix: "ip link set eth0 mtu SMALLER (in the pod), and the network's setting for new pods",
        },
        Entry {
            id: "pod-mtu-above-path",
            severity: Fault,
            title: "the pod's MTU is above what the way carries",
            mechanism: "The pod believes that it may send packets that a device on the way does not take. A router \
                 answers ICMP \"fragmentation needed\"; a bridge drops without a word.",
            show: "ovl mtu SOURCE DESTINATION",
            fix: "Set the network's MTU to the smallest on the way, less 50 octets where it is wrapped in VXLAN (70 over IPv6).",
        },
        Entry {
            id: "packet-above-own-mtu",
            severity: Fault,
            title: "the packet that was asked about is larger than the sender's own device takes",
            mechanism: "The sender's kernel refuses a packet that must not be cut and does not fit the device it should \
                 leave by (\"message too long\"). That says nothing of the network: programs are told at once, and \
                 send smaller ones.",
            show: "ip link show eth0 (in the pod)",
            fix: "Ask with a smaller --size, or without --df.",
        },
        Entry {
            id: "underlay-mtu-too-small",
            severity: Fault,
            title: "the underlay carries less than the overlay takes for granted",
            mechanism: "What a pod may send, with the wrapping of 50 octets (70 over IPv6) if it is wrapped, must \
                 fit into the MTU of the node's device. If it does not, large packets are fragmented or \
                 refused, and connections hang once they carry data.",
            show: "ip link show UNDERLAY VXLAN\n\
                 ovl mtu SOURCE DESTINATION",
            fix: "ip link set UNDERLAY mtu LARGER, or a smaller MTU for the pods",
        },
        Entry {
            id: "pmtu-black-hole",
            severity: Fault,
            title: "packets are too large, and the sender never hears of it",
            mechanism: "Path MTU discovery needs the ICMP message \"fragmentation needed\" (RFC 1191). When a filter \
                 drops it, the sender repeats the same large packet for ever: small requests work, large \
                 answers hang.",
            show: "ping -M do -s SIZE ADDRESS (in the pod)\n\
                 iptables-save -c | grep -i icmp",
            fix: "Let ICMP type 3 code 4 (ICMPv6 type 2) pass.",
        },
    ],
};
