//! Packet filters and address translation.

use super::super::Severity::{Fault, Warning};
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "packet filters",
    entries: &[
        Entry {
            id: "forward-policy-drop",
            severity: Fault,
            title: "the policy of the FORWARD chain drops the packet",
            mechanism: "A packet that no rule of a base chain accepts meets the chain's policy. Docker sets FORWARD \
                 to DROP; whoever else forwards needs rules of its own.",
            show: "iptables -L FORWARD -nv | head -1",
            fix: "iptables -P FORWARD ACCEPT\n\
                 or a rule: iptables -I FORWARD -s POD_RANGE -d POD_RANGE -j ACCEPT",
        },
        Entry {
            id: "rule-drop",
            severity: Fault,
            title: "a rule drops the packet",
            mechanism: "The first rule that matches and has a verdict ends the way through its chain. A drop in any \
                 chain of a hook is final, whatever the others say.",
            show: "iptables-save -c | grep DROP\n\
                 nft list ruleset",
            fix: "iptables -D CHAIN RULE",
        },
        Entry {
            id: "rule-reject",
            severity: Fault,
            title: "a rule rejects the packet",
            mechanism: "As a drop, but the sender is told: ICMP \"prohibited\" or \"port unreachable\", or a TCP reset.",
            show: "iptables-save -c | grep REJECT\n\
                 nft list ruleset",
            fix: "iptables -D CHAIN RULE",
        },
        Entry {
            id: "network-policy-drop",
            severity: Fault,
            title: "a NetworkPolicy drops the packet",
            mechanism: "Network policies become rules on the pod's node: in chains of their own, with the policy's \
                 name in comments or chain names. What no policy of a selected pod lets in is dropped.",
            show: "kubectl get networkpolicy -A\n\
                 iptables-save -c | grep -i policy",
            fix: "kubectl edit networkpolicy NAME: let the sender in",
        },
        Entry {
            id: "pod-traffic-redirected",
            severity: Fault,
            title: "a rule gives packets for a pod another destination",
            mechanism: "DNAT and REDIRECT before routing put another destination into the first packet of each \
                 conversation, and connection tracking repeats it for the others and takes it back in the \
                 answers. So whoever is at the other address may answer in the pod's name.",
            show: "iptables-save -t nat; nft -a list ruleset; conntrack -L -d ADDRESS",
            fix: "Take the rule away, or let it not match what is for pods; conntrack -D -d ADDRESS ends what goes on.",
        },
        Entry {
            id: "pod-traffic-masqueraded",
            severity: Fault,
            title: "the source of pod-to-pod traffic is rewritten",
            mechanism: "A masquerade rule gives the packet the address of the node. The answer finds its way back, \
                 but policies, logs and the other pod see the node in place of the pod.",
            show: "iptables -t nat -L POSTROUTING -nv\n\
                 conntrack -L -s POD_ADDRESS",
            fix: "Except what is for pods: iptables -t nat -I POSTROUTING -s POD_RANGE -d POD_RANGE -j RETURN",
        },
        Entry {
            id: "conntrack-invalid-drop",
            severity: Fault,
            title: "a rule drops the packet as it belongs to no connection",
            mechanism: "Connection tracking calls a packet invalid that answers nothing it has seen: the request was \
                 not tracked, or took another way. Many rule sets drop those.",
            show: "iptables-save -c | grep -i -e notrack -e INVALID\n\
                 conntrack -S",
            fix: "Take away the NOTRACK rule, or have both directions pass this node.",
        },
        Entry {
            id: "conntrack-full",
            severity: Fault,
            title: "the table of tracked connections is full",
            mechanism: "At net.netfilter.nf_conntrack_max the first packet of every new connection is dropped \
                 (nf_conntrack: table full, dropping packet).",
            show: "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max\n\
                 dmesg | grep conntrack",
            fix: "sysctl -w net.netfilter.nf_conntrack_max=TWICE",
        },
        Entry {
            id: "conntrack-nearly-full",
            severity: Warning,
            title: "the table of tracked connections is nearly full",
            mechanism: "At net.netfilter.nf_conntrack_max the first packet of every new connection is dropped.",
            show: "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max",
            fix: "sysctl -w net.netfilter.nf_conntrack_max=TWICE",
        },
        Entry {
            id: "iptables-backends-mixed",
            severity: Warning,
            title: "both backends of iptables hold rules",
            mechanism: "iptables-legacy and iptables-nft are two filters in one kernel. A packet must pass both, and \
                 each program shows and changes only its own.",
            show: "iptables-legacy-save; iptables-nft-save",
            fix: "Have all that write rules use one backend, then flush the other.",
        },
        Entry {
            id: "tc-filter-drop",
            severity: Fault,
            title: "a filter of traffic control takes the packets",
            mechanism: "Filters below the queues ingress and clsact see every packet of a device, on arrival after the \
                 taps and before the stack, on departure before the taps (net/core/dev.c). An action may drop \
                 it, police it or send it elsewhere; a program of BPF may do anything. iptables and nft show \
                 nothing of it.",
            show: "tc -s filter show dev DEVICE ingress; tc -s filter show dev DEVICE egress\n\
                 tc -s qdisc show dev DEVICE",
            fix: "tc filter del dev DEVICE ingress pref PRIORITY, or restart what set it",
        },
        Entry {
            id: "xdp-drop",
            severity: Fault,
            title: "an XDP program stands where packets are lost",
            mechanism: "A program of XDP sees what arrives at a device before everybody else, taps included, and may \
                 drop it or send it elsewhere (bpf_prog_run_generic_xdp, net/core/dev.c). Nothing of the stack \
                 counts what it takes; packets were seen to leave for the device and never on it.",
            show: "ip -d link show DEVICE; bpftool prog show id NUMBER; bpftool net",
            fix: "ip link set dev DEVICE xdpgeneric off (xdpdrv, xdpoffload), or restart what set it",
        },
        Entry {
            id: "queue-drop",
            severity: Fault,
            title: "a device's queue throws the packets away",
            mechanism: "What leaves by a device waits in its queue. One with a rate or a limit throws away what does \
                 not fit (net/sched/sch_tbf.c, sch_netem.c, sch_fq_codel.c), and counts it as dropped.",
            show: "tc -s qdisc show dev DEVICE",
            fix: "tc qdisc del dev DEVICE root, or a larger rate and limit: bandwidth annotations of the pod, a shaper \
                 of the node",
        },
    ],
};
