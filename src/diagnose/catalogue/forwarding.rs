//! Nodes that do not forward.

use super::super::Severity::Fault;
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "forwarding",
    entries: &[
        Entry {
            id: "ip-forward-off",
            severity: Fault,
            title: "the node does not forward",
            mechanism: "A host drops what is not for one of its own addresses. Only with net.ipv4.ip_forward (IPv6: \
                 net.ipv6.conf.all.forwarding) it is a router (net/ipv4/route.c, ip_route_input_slow).",
            show: "sysctl net.ipv4.ip_forward",
            fix: "sysctl -w net.ipv4.ip_forward=1",
        },
        Entry {
            id: "rp-filter-drop",
            severity: Fault,
            title: "the reverse path filter drops the packet",
            mechanism: "With rp_filter 1 (strict) a packet is dropped when the way back to its source does not lead \
                 by the device it came by; with 2 (loose) when no device leads there. The kernel takes the \
                 larger of net.ipv4.conf.all and the device's own setting (net/ipv4/fib_frontend.c).",
            show: "sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.DEVICE.rp_filter\n\
                 ip route get SOURCE from ADDRESS\n\
                 nstat -az TcpExtIPReversePathFilter",
            fix: "sysctl -w net.ipv4.conf.DEVICE.rp_filter=2 (and all, if it is 1), or mend the way back",
        },
        Entry {
            id: "martian-source",
            severity: Fault,
            title: "the source address is impossible on this device",
            mechanism: "A packet whose source is one of the node's own addresses, or one that its table discards, is \
                 dropped as a martian whatever rp_filter says (net/ipv4/fib_frontend.c).",
            show: "sysctl -w net.ipv4.conf.all.log_martians=1; dmesg | grep martian\n\
                 ip route get SOURCE",
            fix: "Find who sends with that address: ovl pod ADDRESS; or mend the route to it.",
        },
        Entry {
            id: "arp-unanswered",
            severity: Fault,
            title: "a host on the link does not answer",
            mechanism: "The host has the address but keeps silent: arp_ignore, arp_filter, or NOARP on its device.",
            show: "sysctl net.ipv4.conf.DEVICE.arp_ignore\n\
                 ip link show DEVICE",
            fix: "sysctl -w net.ipv4.conf.DEVICE.arp_ignore=0",
        },
        Entry {
            id: "hop-limit-exceeded",
            severity: Fault,
            title: "the packet goes in a circle until its hop limit is used up",
            mechanism: "Two routers name each other as the way to the destination. Each takes one from the hop limit \
                 (TTL); at zero the packet is dropped with ICMP \"time exceeded\".",
            show: "ip route get POD_ADDRESS (on both)",
            fix: "Correct the route on the node that sends it back.",
        },
        Entry {
            id: "ipv6-off",
            severity: Fault,
            title: "IPv6 is switched off on the device",
            mechanism: "With net.ipv6.conf.DEVICE.disable_ipv6 the device drops every IPv6 packet.",
            show: "sysctl net.ipv6.conf.DEVICE.disable_ipv6",
            fix: "sysctl -w net.ipv6.conf.DEVICE.disable_ipv6=0",
        },
    ],
};
