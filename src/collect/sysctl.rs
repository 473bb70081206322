//! Settings of the kernel that forwarding depends on, from `/proc/sys/net`.
//!
//! The files show the network namespace of the thread that opens them. Settings of single devices come
//! with the devices and are not read here, but `all` and `default` are.

use std::fs;
use std::io;

use crate::model::Table;
use crate::model::netns::Sysctl;

/// Settings of every namespace.
const NAMES: [&str; 47] = [
    "ipv4/ip_forward",
    "ipv4/ip_default_ttl",
    "ipv4/ip_forward_use_pmtu",
    "ipv4/ip_no_pmtu_disc",
    "ipv4/ip_nonlocal_bind",
    "ipv4/ip_local_port_range",
    "ipv4/icmp_echo_ignore_all",
    "ipv4/icmp_ratelimit",
    "ipv4/icmp_ratemask",
    "ipv4/fwmark_reflect",
    "ipv4/fib_multipath_hash_policy",
    "ipv4/fib_multipath_use_neigh",
    "ipv4/tcp_mtu_probing",
    "ipv4/tcp_l3mdev_accept",
    "ipv4/udp_l3mdev_accept",
    "ipv4/conf/all/forwarding",
    "ipv4/conf/all/rp_filter",
    "ipv4/conf/all/proxy_arp",
    "ipv4/conf/all/accept_local",
    "ipv4/conf/all/route_localnet",
    "ipv4/conf/all/arp_ignore",
    "ipv4/conf/all/arp_announce",
    "ipv4/conf/all/arp_filter",
    "ipv4/conf/all/src_valid_mark",
    "ipv4/conf/all/send_redirects",
    "ipv4/conf/all/log_martians",
    "ipv4/conf/all/bc_forwarding",
    "ipv4/conf/default/forwarding",
    "ipv4/conf/default/rp_filter",
    "ipv4/conf/default/proxy_arp",
    "ipv4/neigh/default/gc_thresh1",
    "ipv4/neigh/default/gc_thresh2",
    "ipv4/neigh/default/gc_thresh3",
    "ipv6/conf/all/forwarding",
    "ipv6/conf/all/disable_ipv6",
    "ipv6/conf/all/proxy_ndp",
    "ipv6/conf/all/accept_ra",
    "ipv6/conf/default/forwarding",
    "ipv6/conf/default/disable_ipv6",
    "ipv6/neigh/default/gc_thresh3",
    "ipv6/bindv6only",
    "bridge/bridge-nf-call-iptables",
    "bridge/bridge-nf-call-ip6tables",
    "netfilter/nf_conntrack_max",
    "netfilter/nf_conntrack_count",
    "netfilter/nf_conntrack_buckets",
    "netfilter/nf_conntrack_tcp_be_liberal",
];

/// The settings of the calling thread's namespace. One that the kernel does not have is left out.
pub(super) fn read() -> Table<Sysctl> {
    let mut rows = Vec::with_capacity(NAMES.len());
    for name in NAMES {
        match fs::read_to_string(format!("/proc/sys/net/{name}")) {
            Ok(text) => rows.push(Sysctl {
                name: format!("net.{}", name.replace('/', ".")),
                value: text.split_whitespace().collect::<Vec<_>>().join(" "),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A few settings are the root user's; the others can still be read.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => return Table::unavailable(format!("cannot read net/{name}: {error}")),
        }
    }
    if rows.is_empty() {
        Table::unavailable("there is no /proc/sys/net")
    } else {
        Table::complete(rows)
    }
}
