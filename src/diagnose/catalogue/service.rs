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
            mechanism: "The packet arrived, and the kernel there answered it with a reset: no socket listens on \
                 the port, or only on 127.0.0.1.",
            show: "ss -ltn (in the pod)",
            fix: "Start the server, or have it listen on all addresses.",
        },
        Entry {
            id: "nothing-listening-udp",
            severity: Fault,
            title: "nothing listens on the UDP port",
            mechanism: "The packet arrived, and the kernel there answered it with ICMP \"port unreachable\".",
            show: "ss -lun (in the pod)",
            fix: "Start the server, or have it listen on all addresses.",
        },
        Entry {
            id: "socket-full",
            severity: Fault,
            title: "the server's socket is full",
            mechanism: "What arrives waits at the socket until the program takes it, and when more waits than may, \
                 the kernel throws away what comes and tells nobody: connections beyond the backlog of \
                 listen(2) (tcp_conn_request, net/ipv4/tcp_input.c), datagrams beyond SO_RCVBUF \
                 (__udp_enqueue_schedule_skb, net/ipv4/udp.c). The program hangs, or is too slow.",
            show: "ss -ltnm; ss -lunm (in the pod: Recv-Q, and what may wait in Send-Q and rb)\n\
                 nstat -az TcpExtListenOverflows UdpRcvbufErrors",
            fix: "Find out what the program waits for, or restart it. A longer queue only where it is merely slow: \
                 net.core.somaxconn, net.core.rmem_max, and what the program asks for.",
        },
        Entry {
            id: "echo-ignored",
            severity: Fault,
            title: "the destination is told not to answer echoes",
            mechanism: "The kernel answers echo requests itself, unless net.ipv4.icmp_echo_ignore_all (IPv6: \
                 net.ipv6.icmp.echo_ignore_all) is set in the namespace (icmp_echo, net/ipv4/icmp.c). \
                 Everything else may well be answered.",
            show: "sysctl net.ipv4.icmp_echo_ignore_all (in the pod)\n\
                 ovl trace SRC DST --proto tcp:PORT",
            fix: "sysctl -w net.ipv4.icmp_echo_ignore_all=0 (in the pod)",
        },
    ],
};
