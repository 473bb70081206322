//! Routes that are missing, lead elsewhere, or are never asked.

use super::super::Severity::Fault;
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "routes",
    entries: &[
        Entry {
            id: "no-route-to-block",
            severity: Fault,
            title: "no route leads to the block of the other pod",
            mechanism: "The kernel asks its rules in order, and in each table the longest prefix that holds the \
                 destination (net/ipv4/fib_trie.c). When the block of another node has no row, the packet \
                 takes whatever shorter row there is, often the default route to a router that knows no pods, \
                 or it is refused with \"network unreachable\".",
            show: "ip route get POD_ADDRESS\n\
                 ip route show BLOCK",
            fix: "ip route add BLOCK via NODE_ADDRESS dev UNDERLAY onlink\n\
                 The network agent of the node (calico-node, flanneld, ovl agent) should have done it: look at its log.",
        },
        Entry {
            id: "no-route",
            severity: Fault,
            title: "no route leads to the destination",
            mechanism: "The destination is no pod's and in no range of pods that a node routes to: it is for the \
                 world outside, and the node that has to send it on has no row for it, not even a default route. \
                 The sender is told \"network unreachable\".",
            show: "ip route get ADDRESS",
            fix: "ip route add default via ROUTER",
        },
        Entry {
            id: "block-route-to-wrong-node",
            severity: Fault,
            title: "the route to a block leads to a node that does not have it",
            mechanism: "A block route names the node that its pods are on. A node that gets packets of another one's \
                 block forwards them by its own table: they make a detour, meet filters they should not, and \
                 are lost as soon as that node has no route either, or drops what it takes for spoofed.",
            show: "ip route show BLOCK",
            fix: "ip route replace BLOCK via OWNER_ADDRESS dev UNDERLAY onlink",
        },
        Entry {
            id: "blackhole-route",
            severity: Fault,
            title: "a blackhole route wins",
            mechanism: "A route of the type blackhole drops without a word. The longest prefix wins whatever its \
                 type, so that a blackhole for one address or for a smaller network beats the route to the \
                 whole block. The blackhole that a node keeps for its own block is right: it stops what is \
                 for pods that are gone.",
            show: "ip route get POD_ADDRESS\n\
                 ip route show table all type blackhole",
            fix: "ip route del blackhole PREFIX",
        },
        Entry {
            id: "unreachable-route",
            severity: Fault,
            title: "an unreachable, prohibit or throw route wins",
            mechanism: "Routes of the types unreachable and prohibit drop and answer with ICMP \"host unreachable\" or \
                 \"administratively prohibited\". One of the type throw ends the search in its table, and where \
                 no later table has an answer the network is unreachable. The longest prefix wins whatever its type.",
            show: "ip route get POD_ADDRESS\n\
                 ip route show table all type unreachable",
            fix: "ip route del unreachable PREFIX",
        },
        Entry {
            id: "rule-hijacks-route",
            severity: Fault,
            title: "a policy rule leads to a table that sends the packet elsewhere",
            mechanism: "Rules are asked in the order of their priority, and the first table with an answer decides. \
                 A rule before that of the main table (32766) may answer with a route that knows nothing of \
                 pods, and the right row in the main table is never looked at.",
            show: "ip rule\n\
                 ip route show table TABLE\n\
                 ip route get POD_ADDRESS from SOURCE iif DEVICE",
            fix: "ip rule del priority PRIORITY\n\
                 or put the pod ranges before it: ip rule add to POD_RANGE lookup main priority PRIORITY-1",
        },
        Entry {
            id: "neighbour-unheard",
            severity: Fault,
            title: "somebody would answer for the next hop, and is not heard",
            mechanism: "A packet whose next hop has no MAC yet waits while the kernel asks for it (neigh_resolve_output, \
                 net/core/neighbour.c). By the tables somebody has the address and answers, but the entry was \
                 FAILED or INCOMPLETE afterwards: what carries packets may well filter ARP or IPv6's neighbour \
                 solicitations, in nft's families arp, bridge and netdev, in tc, in XDP, or in a switch.",
            show: "ip neigh show ADDRESS; ovl capture -i DEVICE arp (on both sides)",
            fix: "Take away what filters it.",
        },
        Entry {
            id: "next-hop-unresolved",
            severity: Fault,
            title: "the next hop does not answer ARP or neighbour discovery",
            mechanism: "Before a packet leaves, the kernel needs the next hop's hardware address. It asks three \
                 times, a second apart; then the entry is FAILED, waiting packets are dropped, and the sender \
                 hears \"host unreachable\" (net/core/neighbour.c).",
            show: "ip neigh show NEXT_HOP\n\
                 ip route get POD_ADDRESS",
            fix: "Correct the gateway in the route, or bring the host that has the address back.",
        },
        Entry {
            id: "underlay-neighbour-stale",
            severity: Fault,
            title: "the neighbour entry of the other node has a wrong hardware address",
            mechanism: "An entry that was set by hand (PERMANENT) or learned from somebody else is used as it is. \
                 Frames go to a hardware address that nobody has, and the switch or the other host's card \
                 drops them without a word.",
            show: "ip neigh show NODE_ADDRESS\n\
                 and on that node: ip link show UNDERLAY",
            fix: "ip neigh del NODE_ADDRESS dev UNDERLAY",
        },
        Entry {
            id: "host-route-missing",
            severity: Fault,
            title: "the node has no route to its own pod",
            mechanism: "Where pods are routed, each has a route of its own on its node, to its end of the pair. \
                 Without it the packet meets the blackhole of the node's own block, or goes back out by the \
                 default route.",
            show: "ip route get POD_ADDRESS",
            fix: "ip route add POD_ADDRESS dev HOST_DEVICE scope link\n\
                 or delete the pod, so that its network is set up again",
        },
        Entry {
            id: "host-route-wrong",
            severity: Fault,
            title: "the node's route to its own pod leads to another device",
            mechanism: "The longest prefix wins, and among equals the lowest metric. A row for the pod's address \
                 that leads elsewhere takes all its packets, also when the right row stands beside it; with a \
                 strict reverse path filter the node drops what the pod sends, too.",
            show: "ip route get POD_ADDRESS",
            fix: "ip route replace POD_ADDRESS dev HOST_DEVICE scope link",
        },
        Entry {
            id: "neighbour-mac-wrong",
            severity: Fault,
            title: "the entry for a pod or its gateway was set by hand to another MAC",
            mechanism: "An entry that is PERMANENT is used as it is and never asked for again \
                 (net/core/neighbour.c). A device takes no frame that is for another's MAC.",
            show: "ip neigh show POD_ADDRESS\n\
                 ip neigh show GATEWAY (in the pod)",
            fix: "ip neigh del ADDRESS dev DEVICE",
        },
        Entry {
            id: "asymmetric-return",
            severity: Fault,
            title: "the answer takes another way than the request",
            mechanism: "Nothing is lost by that alone. But connection tracking on the way sees only half of the \
                 packets, strict reverse path filters drop the other half, and the MTU of the two ways may \
                 differ.",
            show: "ip route get SOURCE_POD from DESTINATION_POD iif DEVICE",
            fix: "Make both nodes reach each other by the same device: ip route show on both.",
        },
    ],
};
