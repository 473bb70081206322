//! Runtimes, plugins and namespaces, and what has no name of its own.

use super::super::Severity::{Fault, Warning};
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "the node",
    entries: &[
        Entry {
            id: "lost-here",
            severity: Fault,
            title: "the packet was seen here and never at the next place",
            mechanism: "Taps on every device of the way saw the packet up to here. The tables do not say why it went \
                 no further: a filter that they do not show (tc, XDP, BPF, a security module), a rule that is \
                 not understood, or hardware. The finding lists the counters that moved and the rows that \
                 could do it.",
            show: "ovl capture -i DEVICE (on both sides of the gap)\n\
                 tc filter show dev DEVICE ingress; ip -d link show DEVICE; nft list ruleset",
            fix: "Take the candidates away one by one, beginning with the one whose counter moved.",
        },
        Entry {
            id: "not-answered",
            severity: Fault,
            title: "the packet arrived, and no answer was sent",
            mechanism: "The destination got the packet and sent nothing back: its own filter, a program of the \
                 kernel's that takes it before the stack, or a way back that it does not have. That a \
                 program keeps silent to UDP is no fault of the network, and not told as one.",
            show: "nft list ruleset; ip route get SOURCE (in the pod)",
            fix: "Let the pod answer.",
        },
        Entry {
            id: "shared-netns",
            severity: Warning,
            title: "two pods live in one namespace",
            mechanism: "A namespace has one set of addresses and routes. The pods share all of them.",
            show: "ovl pods",
            fix: "Delete one of the pods.",
        },
        Entry {
            id: "netns-gone",
            severity: Fault,
            title: "the namespace of a pod is gone",
            mechanism: "The runtime names a namespace that nothing is left of: the pod has no network.",
            show: "ovl pod NAME",
            fix: "Delete the pod, so that its network is set up again.",
        },
        Entry {
            id: "netns-leaked",
            severity: Warning,
            title: "a namespace is left that belongs to no pod",
            mechanism: "A runtime that failed half way leaves a namespace, its devices and its addresses behind.",
            show: "ip netns; ovl pods --all",
            fix: "ip netns delete NAME",
        },
        Entry {
            id: "netns-name-stale",
            severity: Warning,
            title: "a name of a namespace leads nowhere",
            mechanism: "The file is there and nothing is mounted on it.",
            show: "ip netns",
            fix: "rm /run/netns/NAME",
        },
        Entry {
            id: "cni-config-broken",
            severity: Fault,
            title: "a CNI configuration cannot be read",
            mechanism: "A runtime passes over what it cannot read, and uses the next file in the order of names, or \
                 none.",
            show: "ovl cni list",
            fix: "Correct the file.",
        },
        Entry {
            id: "cni-config-shadowed",
            severity: Warning,
            title: "another CNI configuration comes first",
            mechanism: "A runtime uses the first file in the order of names; the others are never looked at.",
            show: "ovl cni list",
            fix: "Remove or rename the one that is not meant.",
        },
        Entry {
            id: "cni-plugin-missing",
            severity: Fault,
            title: "a plugin of the CNI configuration is not installed",
            mechanism: "A runtime runs every plugin of the list; without one of them no pod starts.",
            show: "ovl cni list",
            fix: "Install the plugin into the plugin directory.",
        },
    ],
};
