//! TCP and UDP ports with a meaning here (IANA, unless a comment says otherwise).

#![allow(missing_docs)]

pub const FTP: u16 = 21;
pub const SSH: u16 = 22;
pub const TELNET: u16 = 23;
pub const SMTP: u16 = 25;
pub const WHOIS: u16 = 43;
pub const DNS: u16 = 53;
pub const BOOTPS: u16 = 67;
pub const BOOTPC: u16 = 68;
pub const HTTP: u16 = 80;
pub const HTTP_ALTERNATE: u16 = 8080;
pub const NTP: u16 = 123;
pub const SNMP: u16 = 161;
pub const SNMP_TRAP: u16 = 162;
pub const BGP: u16 = 179;
pub const SYSLOG: u16 = 514;
pub const RIP: u16 = 520;
pub const RIPNG: u16 = 521;
pub const DHCPV6_CLIENT: u16 = 546;
pub const DHCPV6_SERVER: u16 = 547;
pub const RTSP: u16 = 554;
pub const LDP: u16 = 646;
pub const OLSR: u16 = 698;
pub const HSRP: u16 = 1985;
pub const BFD_CONTROL: u16 = 3784;
pub const BFD_ECHO: u16 = 3785;
/// ESP in UDP and IKE beside it, behind address translation.
pub const ESP: u16 = 4500;
pub const BFD_MULTIHOP: u16 = 4784;
pub const VXLAN: u16 = 4789;
pub const VXLAN_GPE: u16 = 4790;
pub const SIP: u16 = 5060;
pub const MDNS: u16 = 5353;
pub const GENEVE: u16 = 6081;
pub const SFLOW: u16 = 6343;
pub const REDIS: u16 = 6379;
pub const MPLS: u16 = 6635;
/// Weave Net's fast datapath: VXLAN, though IANA gives the port to BFD on link aggregation.
pub const WEAVE: u16 = 6784;
/// Linux's default VXLAN port, from before IANA assigned 4789; flannel uses it.
pub const VXLAN_LINUX: u16 = 8472;
pub const RTSP_ALTERNATE: u16 = 8554;
pub const SOMEIP: u16 = 30490;
/// What Broadcom's switches send from; the first of IANA's ports for passing use, and one that Linux sends from.
pub const LINE_INTERFACE: u16 = 49152;
