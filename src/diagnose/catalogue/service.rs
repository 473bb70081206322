//! Services, and what they lead to.

use super::super::Severity::Fault;
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "services and sockets",
    entries: &[
        Entry {
            id: "service-without-endpoints",
            severity: Fault,
            title: "the service has no endpoint",
            mechanism: "kube-proxy rejects what is for a service without ready endpoints.",
            show: "kubectl get endpointslices -l kubernetes.io/service-name=NAME\n\
                 iptables-save | grep \"has no endpoints\"",
            fix: "Make a pod ready that the service selects: kubectl describe service NAME.",
        },
        Entry {
            id: "service-endpoint-dead",
            severity: Fault,
            title: "the service leads to an address that no pod has",
            mechanism: "The destination is rewritten (DNAT) to an endpoint that is gone: the table of endpoints is \
                 stale, or was written by hand.",
            show: "iptables-save -t nat | grep SERVICE_ADDRESS\n\
                 conntrack -L -d SERVICE_ADDRESS",
            fix: "Restart kube-proxy of the node; correct endpoints that were written by hand.",
        },
        Entry {
            id: "nothing-listening-tcp",
            severity: Fault,
            title: "nothing listens on the TCP port",
            mechanism: "The packet arrived, and the kernel of the pod answered it with a reset: no socket listens on \
                 the port, or only on 127.0.0.1.",
            show: "ss -ltn (in the pod)",
            fix: "Start the server, or have it listen on all addresses.",
        },
        Entry {
            id: "nothing-listening-udp",
            severity: Fault,
            title: "nothing listens on the UDP port",
            mechanism: "The packet arrived, and the kernel of the pod answered it with ICMP \"port unreachable\".",
            show: "ss -lun (in the pod)",
            fix: "Start the server, or have it listen on all addresses.",
        },
    ],
};
