//! Addresses and ranges, missing or twice.

use super::super::Severity::{Fault, Warning};
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "addresses and ranges",
    entries: &[
        Entry {
            id: "pod-address-missing",
            severity: Fault,
            title: "the pod's device does not have the pod's address",
            mechanism: "The cluster believes the pod to have the address that its network gave it. A kernel that \
                 does not have it answers neither ARP nor packets for it. With the last address of a device \
                 all its routes go too (net/ipv4/fib_frontend.c).",
            show: "ip address show dev eth0 (in the pod)",
            fix: "Delete the pod, so that its network is set up again.",
        },
        Entry {
            id: "ipv6-address-tentative",
            severity: Fault,
            title: "an IPv6 address is not used yet, or was refused as a duplicate",
            mechanism: "The kernel first asks the link whether somebody else has a new IPv6 address (RFC 4862 §5.4), for \
                 about a second. Until then the address is tentative: it is neither sent from nor answered for. \
                 If somebody answers, it stays so for ever (dadfailed).",
            show: "ip -6 address show tentative",
            fix: "Wait a second or two. For a duplicate: find the other (ovl pod ADDRESS), or set the address with \
                 nodad where the network sees to it that none is given twice.",
        },
        Entry {
            id: "duplicate-pod-address",
            severity: Fault,
            title: "two pods have one address",
            mechanism: "Packets for the address reach one of the two: the one whose node or port was learned last. \
                 Answers to the other are lost.",
            show: "ovl pod ADDRESS",
            fix: "Delete one of the pods; if it happens again, look at the address records: ovl check.",
        },
        Entry {
            id: "duplicate-node-address",
            severity: Fault,
            title: "two nodes have one address",
            mechanism: "Each answers ARP for it, and the others keep whichever answer came last. What comes from the \
                 other bearer is thrown away as a packet of one's own (net/ipv4/fib_frontend.c).",
            show: "ip neigh show ADDRESS; ip address show to ADDRESS (on all nodes)",
            fix: "ip address del ADDRESS/LENGTH dev DEVICE, on the node that should not have it",
        },
        Entry {
            id: "range-overlap",
            severity: Fault,
            title: "a network of the node covers addresses of pods",
            mechanism: "An address on a device makes its whole network reachable on that link. When that network \
                 holds pod addresses and is the longer prefix, the node asks for them by ARP on the wrong \
                 link.",
            show: "ip route get POD_ADDRESS\n\
                 ip address",
            fix: "Choose pod ranges that no network of the nodes overlaps; meanwhile: ip address del NET dev DEVICE",
        },
        Entry {
            id: "block-claimed-twice",
            severity: Fault,
            title: "two nodes hold one block",
            mechanism: "A block belongs to one node. A second one that takes it for its own keeps packets for the \
                 first one's pods, and gives their addresses away again.",
            show: "ip route show BLOCK (on both nodes)",
            fix: "Take it from the node that has no pods in it, and its record from the address store.",
        },
        Entry {
            id: "ipam-record-without-sandbox",
            severity: Warning,
            title: "an address is recorded for a pod that is not there",
            mechanism: "An address plugin frees an address when the runtime deletes the pod. When that never came, \
                 the address stays taken; with enough of them, new pods get none.",
            show: "ls /var/lib/cni/networks/NETWORK",
            fix: "ovl cni gc",
        },
        Entry {
            id: "sandbox-without-ipam-record",
            severity: Warning,
            title: "a pod's address has no record",
            mechanism: "What is not recorded is free, and will be given to another pod.",
            show: "ovl pod ADDRESS",
            fix: "Delete the pod, so that it gets an address with a record.",
        },
    ],
};
