//! Settings of the internet protocols for one device.

use serde::{Deserialize, Serialize};

/// IPv4's settings of one device (`net.ipv4.conf.DEVICE.*`), the ones that decide where packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InetConf {
    /// Packets that arrive here may leave by another device.
    pub forwarding: i32,
    /// Reverse path filter; the kernel takes the maximum of this and `all`.
    pub rp_filter: i32,
    /// ARP questions for addresses that are reachable by another device are answered.
    pub proxy_arp: i32,
    /// Those reachable by the same device too.
    pub proxy_arp_pvlan: i32,
    /// Own addresses are taken as a source.
    pub accept_local: i32,
    /// 127/8 may be routed.
    pub route_localnet: i32,
    /// Which ARP questions are answered.
    pub arp_ignore: i32,
    /// Which source ARP questions have.
    pub arp_announce: i32,
    /// Whether ARP follows the source route.
    pub arp_filter: i32,
    /// Whether unasked ARP makes entries.
    pub arp_accept: i32,
    /// Whether the fwmark takes part in the reverse path lookup.
    pub src_valid_mark: i32,
    /// Whether redirects are sent.
    pub send_redirects: i32,
    /// Whether redirects are followed.
    pub accept_redirects: i32,
    /// Whether packets from impossible addresses are logged.
    pub log_martians: i32,
    /// Whether directed broadcasts are forwarded.
    pub bc_forwarding: i32,
    /// Whether routes by a device without carrier are passed over.
    pub ignore_routes_with_linkdown: i32,
}

/// IPv6's settings of one device (`net.ipv6.conf.DEVICE.*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Inet6Conf {
    /// No IPv6 at all.
    pub disable_ipv6: i32,
    /// Packets that arrive here may leave by another device.
    pub forwarding: i32,
    /// The same, whatever `all` says.
    pub force_forwarding: i32,
    /// Neighbour questions are answered for the addresses of the proxy table.
    pub proxy_ndp: i32,
    /// Router advertisements are followed: 1 unless forwarding, 2 always.
    pub accept_ra: i32,
    /// Duplicate address detection: 0 off, 1 on, 2 on and switch IPv6 off on a clash.
    pub accept_dad: i32,
    /// The hop limit of own packets.
    pub hop_limit: i32,
    /// The largest IPv6 packet, octets.
    pub mtu: i32,
    /// Segment routing headers are accepted.
    pub seg6_enabled: i32,
    /// Whether routes by a device without carrier are passed over.
    pub ignore_routes_with_linkdown: i32,
}
