//! Tunnel ends and what they know of each other.

use super::super::Severity::Fault;
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "VXLAN",
    entries: &[
        Entry {
            id: "vxlan-device-down",
            severity: Fault,
            title: "the VXLAN device is down",
            mechanism: "A VXLAN device that is down has no socket: it neither wraps nor takes anything, and routes \
                 by it are gone.",
            show: "ip -d link show VXLAN",
            fix: "ip link set VXLAN up; the network agent puts its routes back",
        },
        Entry {
            id: "vxlan-device-missing",
            severity: Fault,
            title: "the VXLAN device is missing",
            mechanism: "Without the device there is no tunnel end on the node: its routes and entries went with it.",
            show: "ip -d link show type vxlan",
            fix: "Restart the network agent of the node; it makes the device.",
        },
        Entry {
            id: "vni-mismatch",
            severity: Fault,
            title: "the VNI of the tunnel ends differs",
            mechanism: "The receiver looks for a device with the VNI in the packet; without one the packet is \
                 dropped (drivers/net/vxlan/vxlan_core.c, vxlan_rcv), and no counter of the device moves.",
            show: "ip -d link show VXLAN | grep -o \"vxlan id [0-9]*\" (on both)",
            fix: "Make the device anew with the others' VNI: it cannot be changed.",
        },
        Entry {
            id: "vxlan-port-mismatch",
            severity: Fault,
            title: "the UDP port of the tunnel ends differs",
            mechanism: "The receiver has no socket on the port that the sender uses: it answers ICMP \"port \
                 unreachable\", which the sender's VXLAN device does not act on. Linux defaults to 8472, RFC \
                 7348 says 4789.",
            show: "ip -d link show VXLAN | grep -o \"dstport [0-9]*\" (on both)\n\
                 nstat -az UdpNoPorts",
            fix: "Make the device anew with the others' port: it cannot be changed.",
        },
        Entry {
            id: "fdb-entry-missing",
            severity: Fault,
            title: "the VXLAN device does not know behind which node a MAC is",
            mechanism: "Without an entry for the MAC, and without a list for unknown ones, a VXLAN device has nobody \
                 to send to and drops the frame (tx_dropped).",
            show: "bridge fdb show dev VXLAN | grep MAC",
            fix: "bridge fdb append MAC dev VXLAN dst NODE_ADDRESS self permanent",
        },
        Entry {
            id: "fdb-entry-stale",
            severity: Fault,
            title: "the VXLAN device sends frames for a MAC to the wrong node",
            mechanism: "The entry names a node that no longer has the MAC. That node unwraps the frame and drops it, \
                 as it is for somebody else.",
            show: "bridge fdb show dev VXLAN | grep MAC",
            fix: "bridge fdb replace MAC dev VXLAN dst NODE_ADDRESS self permanent",
        },
        Entry {
            id: "fdb-entry-to-itself",
            severity: Fault,
            title: "the VXLAN device sends frames for a MAC to its own node",
            mechanism: "The entry names the node's own address. The kernel hands the frame back to the device \
                 itself, and it is for nobody there.",
            show: "bridge fdb show dev VXLAN | grep MAC",
            fix: "bridge fdb replace MAC dev VXLAN dst NODE_ADDRESS self permanent",
        },
        Entry {
            id: "vtep-neighbour-missing",
            severity: Fault,
            title: "the neighbour entry of a tunnel end is missing",
            mechanism: "Where the agent sets every entry, nobody answers ARP inside the tunnel: without the \
                 neighbour entry the inner frame has no destination MAC, and the packet is dropped as \"host \
                 unreachable\".",
            show: "ip neigh show dev VXLAN",
            fix: "ip neigh replace VTEP_ADDRESS lladdr VTEP_MAC dev VXLAN nud permanent",
        },
        Entry {
            id: "vtep-neighbour-stale",
            severity: Fault,
            title: "the neighbour entry of a tunnel end has a wrong MAC",
            mechanism: "The inner frame is for a MAC that no tunnel end has. No forwarding entry fits it, or the \
                 node that gets it drops it as it is for somebody else.",
            show: "ip neigh show VTEP_ADDRESS dev VXLAN\n\
                 and on that node: ip link show VXLAN",
            fix: "ip neigh replace VTEP_ADDRESS lladdr VTEP_MAC dev VXLAN nud permanent",
        },
        Entry {
            id: "flood-list-missing-peer",
            severity: Fault,
            title: "a node is missing where unknown frames are sent to",
            mechanism: "Broadcasts, such as ARP questions, and frames for unknown MACs go to every node that an \
                 entry for 00:00:00:00:00:00 names. A node that is not named hears no questions, and its pods \
                 seem not to exist.",
            show: "bridge fdb show dev VXLAN | grep 00:00:00:00:00:00",
            fix: "bridge fdb append 00:00:00:00:00:00 dev VXLAN dst NODE_ADDRESS self permanent",
        },
        Entry {
            id: "duplicate-vtep-mac",
            severity: Fault,
            title: "two tunnel ends have one MAC",
            mechanism: "The others know one tunnel end for a MAC. The node that took another one's MAC gets frames \
                 that are for its old one, and drops them as they are for somebody else.",
            show: "ip link show VXLAN (on all nodes)",
            fix: "ip link set VXLAN address ITS_OWN",
        },
        Entry {
            id: "vxlan-port-blocked",
            severity: Fault,
            title: "the receiver's firewall drops VXLAN packets",
            mechanism: "VXLAN packets are UDP packets for the node itself and meet its INPUT chain. They were seen \
                 on the node's card, and never on its VXLAN device.",
            show: "iptables -L INPUT -nv",
            fix: "iptables -I INPUT -p udp --dport PORT -j ACCEPT",
        },
        Entry {
            id: "wrong-underlay-device",
            severity: Fault,
            title: "the network uses the wrong device of the node",
            mechanism: "A node with several devices, such as a virtual machine with one for the way out and one \
                 between the machines, must use the one that leads to the other nodes. Agents choose the one \
                 of the default route unless told otherwise.",
            show: "ip -d link show VXLAN (local, dev)\n\
                 ip route get NODE_ADDRESS",
            fix: "Tell the agent: flannel --iface, calico IP_AUTODETECTION_METHOD, ovl agent: underlay.",
        },
        Entry {
            id: "tunnel-peer-unknown",
            severity: Fault,
            title: "the receiving tunnel device takes nothing from the sender",
            mechanism: "A tunnel device with a remote address takes packets from that address only.",
            show: "ip -d link show TUNNEL",
            fix: "Set the remote address to the sender, or to none.",
        },
        Entry {
            id: "tunnel-device-missing",
            severity: Fault,
            title: "nothing takes the wrapped packet where it arrives",
            mechanism: "An IPIP, GRE or SIT packet needs a tunnel device with fitting addresses; without one the kernel answers that the protocol is unreachable.",
            show: "ip -d link show type ipip",
            fix: "Restart the network agent of the node; it makes the device.",
        },
    ],
};
