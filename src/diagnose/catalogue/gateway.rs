//! The first step out of a pod.

use super::super::Severity::Fault;
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "the pod's gateway",
    entries: &[
        Entry {
            id: "gateway-unanswered",
            severity: Fault,
            title: "nobody answers for the pod's gateway",
            mechanism: "A pod sends everything to its default gateway, whose hardware address it asks for by ARP. \
                 The gateway is an address of the bridge, or one that nobody has and that the node answers \
                 for (proxy ARP). Without an answer nothing leaves the pod.",
            show: "ip neigh show GATEWAY (in the pod)\n\
                 ip address show BRIDGE",
            fix: "ip address add GATEWAY/PREFIX dev BRIDGE",
        },
        Entry {
            id: "proxy-arp-off",
            severity: Fault,
            title: "the node does not answer for the pod's gateway: proxy ARP is off",
            mechanism: "With net.ipv4.conf.DEVICE.proxy_arp the kernel answers ARP for addresses it has a route to \
                 by another device (net/ipv4/arp.c). 169.254.1.1 is nobody's address: when the setting is off \
                 on the node's end of the pair, nobody answers.",
            show: "sysctl net.ipv4.conf.HOST_DEVICE.proxy_arp",
            fix: "sysctl -w net.ipv4.conf.HOST_DEVICE.proxy_arp=1",
        },
        Entry {
            id: "veth-forwarding-off",
            severity: Fault,
            title: "the node's end of the pod's pair does not forward",
            mechanism: "Each device has its own forwarding switch. When it is off on the node's end of the pair, \
                 what the pod sends is for the node alone, and proxy ARP does not answer on it either \
                 (net/ipv4/arp.c asks IN_DEV_FORWARD first).",
            show: "sysctl net.ipv4.conf.HOST_DEVICE.forwarding",
            fix: "sysctl -w net.ipv4.conf.HOST_DEVICE.forwarding=1",
        },
        Entry {
            id: "gateway-without-route",
            severity: Fault,
            title: "the node has no route that lets it answer for the gateway",
            mechanism: "Proxy ARP answers only for addresses that the kernel has a route to, by another device than \
                 the one it was asked by (net/ipv4/arp.c, arp_fwd_proxy). A node with a default route has one \
                 for every address; a node without needs one for the gateway itself.",
            show: "ip route get GATEWAY",
            fix: "ip route add GATEWAY dev lo scope link",
        },
        Entry {
            id: "pod-route-missing",
            severity: Fault,
            title: "the pod lacks a route that its network gave it",
            mechanism: "A plugin may give routes beside the default one, such as to services or to a second \
                 network. Without its row the destination is reached by the default route, that is by another \
                 network, or not at all.",
            show: "ip route (in the pod)",
            fix: "Delete the pod, so that its network is set up again.",
        },
        Entry {
            id: "arp-off",
            severity: Fault,
            title: "a device is told not to speak ARP",
            mechanism: "A device that is set to arp off asks for nobody and answers nobody: what it sends has its own MAC \
                 as destination (net/ipv4/arp.c, arp_constructor), which nobody else takes. arp_ignore makes a \
                 device answer only for some of its addresses, or for none.",
            show: "ip link show DEVICE (NOARP)\n\
                 sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.DEVICE.arp_ignore",
            fix: "ip link set DEVICE arp on; sysctl -w net.ipv4.conf.DEVICE.arp_ignore=0",
        },
        Entry {
            id: "pod-default-route-missing",
            severity: Fault,
            title: "the pod has no default route",
            mechanism: "A pod knows its own device and, behind a bridge, its own subnet. Everything else needs the \
                 default route; without it the pod's kernel says \"network is unreachable\" itself.",
            show: "ip route (in the pod)",
            fix: "ip route add default via GATEWAY dev eth0 (in the pod)\n\
                 or delete the pod, so that its network is set up again",
        },
        Entry {
            id: "pod-default-route-wrong",
            severity: Fault,
            title: "the pod's default route leads to an address that is not its gateway",
            mechanism: "The pod asks for the hardware address of whatever its default route names. The plugin that \
                 set the pod up gave another gateway; what stands there now, nobody answers for.",
            show: "ip route; ip neigh (in the pod)",
            fix: "ip route replace default via GATEWAY dev eth0 (in the pod)",
        },
    ],
};
