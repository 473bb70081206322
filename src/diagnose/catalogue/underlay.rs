//! What is lost between the nodes, where neither can see it.

use super::super::Severity::{Fault, Warning};
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "between the nodes",
    entries: &[
        Entry {
            id: "vxlan-lost-in-underlay",
            severity: Fault,
            title: "VXLAN packets are lost between the nodes",
            mechanism: "They were seen leaving one node and never arriving at the other, while other packets between \
                 the two pass. Security groups that do not allow the UDP port, and hypervisors that use the \
                 port themselves, do that.",
            show: "ovl capture -i UNDERLAY -- udp port PORT (on both nodes)",
            fix: "Allow UDP PORT between the nodes, or move the network to another port.",
        },
        Entry {
            id: "pod-addresses-lost-in-underlay",
            severity: Fault,
            title: "packets with pod addresses are lost between the nodes",
            mechanism: "They were seen leaving one node and never arriving at the other, while packets with the \
                 nodes' own addresses pass. Clouds drop packets whose source or destination is not the \
                 machine's.",
            show: "ovl capture -i UNDERLAY -- host POD_ADDRESS (on both nodes)",
            fix: "Turn off the source/destination check of the machines, or wrap: VXLAN.",
        },
        Entry {
            id: "underlay-lost",
            severity: Fault,
            title: "packets between the nodes are lost",
            mechanism: "Not even packets with the nodes' own addresses pass.",
            show: "ping NODE_ADDRESS (from the other node)",
            fix: "Mend the network between the nodes first.",
        },
        Entry {
            id: "bad-outer-checksum",
            severity: Fault,
            title: "wrapped packets arrive with a wrong checksum",
            mechanism: "Some cards promise to fill in the checksum of wrapped packets and get it wrong. The \
                 receiver's UDP drops them and counts UdpInCsumErrors.",
            show: "nstat -az UdpInCsumErrors (on the receiver)",
            fix: "ethtool -K UNDERLAY tx-checksum-ip-generic off (on the sender)",
        },
        Entry {
            id: "neighbour-table-overflow",
            severity: Fault,
            title: "the neighbour table is full",
            mechanism: "At net.ipv4.neigh.default.gc_thresh3 entries, in all namespaces together, no new neighbour \
                 is resolved and packets to it are dropped (neighbour table overflow).",
            show: "ip ntable show name arp_cache\n\
                 dmesg | grep overflow",
            fix: "sysctl -w net.ipv4.neigh.default.gc_thresh3=FOUR_TIMES",
        },
        Entry {
            id: "neighbour-table-nearly-full",
            severity: Warning,
            title: "the neighbour table is nearly full",
            mechanism: "At gc_thresh3 entries, in all namespaces together, no new neighbour is resolved.",
            show: "ip ntable show name arp_cache",
            fix: "sysctl -w net.ipv4.neigh.default.gc_thresh3=FOUR_TIMES",
        },
    ],
};
