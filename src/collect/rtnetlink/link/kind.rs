//! What each kind of device has of its own (`IFLA_INFO_DATA`). Numbers are those of `linux/if_link.h` and
//! `linux/if_tunnel.h`, named in the order of their enums.

use crate::collect::attributes::{Attributes, Value};
use crate::model::link::{
    Bond, Bridge, DontFragment, Geneve, Ipvlan, LinkKind, Macvlan, Netkit, Tunnel, Vlan,
    VlanProtocol, Vxlan,
};
use crate::model::{IfIndex, TableId, Vni};

/// The kind of that name with these settings.
pub(super) fn decode(name: &str, data: Attributes<'_>) -> LinkKind {
    match name {
        "veth" => LinkKind::Veth,
        "bridge" => LinkKind::Bridge(bridge(data)),
        "vxlan" => LinkKind::Vxlan(vxlan(data)),
        "macvlan" => LinkKind::Macvlan(macvlan(data)),
        "macvtap" => LinkKind::Macvtap(macvlan(data)),
        "ipvlan" | "ipvtap" => LinkKind::Ipvlan(ipvlan(data)),
        "vlan" => LinkKind::Vlan(vlan(data)),
        "bond" => LinkKind::Bond(bond(data)),
        "vrf" => LinkKind::Vrf {
            table: TableId(data.get(1).and_then(Value::u32).unwrap_or_default()),
        },
        "wireguard" => LinkKind::Wireguard,
        "geneve" => LinkKind::Geneve(geneve(data)),
        "ipip" | "sit" | "ip6tnl" => LinkKind::Tunnel(ip_tunnel(name, data)),
        "gre" | "gretap" | "erspan" | "ip6gre" | "ip6gretap" | "ip6erspan" => {
            LinkKind::Tunnel(gre(name, data))
        }
        "vti" | "vti6" => LinkKind::Tunnel(vti(name, data)),
        "netkit" => LinkKind::Netkit(netkit(data)),
        "tun" => LinkKind::Tun,
        "ifb" => LinkKind::Ifb,
        "dummy" => LinkKind::Dummy,
        other => LinkKind::Other {
            name: other.to_owned(),
        },
    }
}

/// The kernel gives times of a bridge in ticks of `USER_HZ`.
const USER_HZ: f64 = 100.0;

fn bridge(data: Attributes<'_>) -> Bridge {
    const AGEING_TIME: u16 = 4;
    const STP_STATE: u16 = 5;
    const VLAN_FILTERING: u16 = 7;
    const VLAN_PROTOCOL: u16 = 8;
    const GROUP_FWD_MASK: u16 = 9;
    const MCAST_SNOOPING: u16 = 23;
    const MCAST_QUERIER: u16 = 25;
    const NF_CALL_IPTABLES: u16 = 36;
    const NF_CALL_IP6TABLES: u16 = 37;
    const VLAN_DEFAULT_PVID: u16 = 39;
    const FDB_N_LEARNED: u16 = 48;
    const FDB_MAX_LEARNED: u16 = 49;
    let mut bridge = Bridge::default();
    for (kind, value) in data {
        match kind {
            AGEING_TIME => {
                bridge.ageing_s = f64::from(value.u32().unwrap_or_default()) / USER_HZ;
            }
            STP_STATE => bridge.stp = value.u32().unwrap_or_default(),
            VLAN_FILTERING => bridge.vlan_filtering = value.flag(),
            VLAN_PROTOCOL => bridge.vlan_protocol = value.be16().and_then(vlan_protocol),
            GROUP_FWD_MASK => bridge.group_fwd_mask = value.u16().unwrap_or_default(),
            MCAST_SNOOPING => bridge.multicast_snooping = value.flag(),
            MCAST_QUERIER => bridge.multicast_querier = value.flag(),
            NF_CALL_IPTABLES => bridge.nf_call_iptables = value.flag(),
            NF_CALL_IP6TABLES => bridge.nf_call_ip6tables = value.flag(),
            VLAN_DEFAULT_PVID => bridge.default_pvid = value.u16().unwrap_or_default(),
            FDB_N_LEARNED => bridge.learned = value.u32(),
            FDB_MAX_LEARNED => bridge.max_learned = value.u32(),
            _ => {}
        }
    }
    bridge
}

fn vxlan(data: Attributes<'_>) -> Vxlan {
    let mut vxlan = Vxlan::default();
    for (kind, value) in data {
        match kind {
            1 => vxlan.vni = Vni(value.u32().unwrap_or_default()),
            // GROUP and GROUP6: a multicast group, or the only tunnel end.
            2 | 16 => vxlan.remote = value.specified_ip(),
            3 => vxlan.underlay = value.u32().filter(|index| *index != 0).map(IfIndex),
            // LOCAL and LOCAL6.
            4 | 17 => vxlan.local = value.specified_ip(),
            5 => vxlan.ttl = value.u8().unwrap_or_default(),
            6 => vxlan.tos = value.u8().unwrap_or_default(),
            7 => vxlan.learning = value.flag(),
            8 => vxlan.ageing_s = value.u32().unwrap_or_default(),
            9 => vxlan.max_learned = value.u32().unwrap_or_default(),
            // PORT_RANGE: two numbers in network byte order.
            10 => {
                if let &[a, b, c, d] = value.0 {
                    vxlan.source_ports = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                }
            }
            11 => vxlan.proxy = value.flag(),
            12 => vxlan.rsc = value.flag(),
            13 => vxlan.l2miss = value.flag(),
            14 => vxlan.l3miss = value.flag(),
            15 => vxlan.port = value.be16().unwrap_or_default(),
            18 => vxlan.udp_csum = value.flag(),
            19 => vxlan.udp_zero_csum6_tx = value.flag(),
            20 => vxlan.udp_zero_csum6_rx = value.flag(),
            // GBP and GPE are flags without a value.
            23 => vxlan.gbp = true,
            25 => vxlan.collect_metadata = value.flag(),
            27 => vxlan.gpe = true,
            29 => vxlan.df = dont_fragment(value),
            30 => vxlan.vni_filter = value.flag(),
            _ => {}
        }
    }
    vxlan
}

/// `enum ifla_vxlan_df`, which Geneve shares.
fn dont_fragment(value: Value<'_>) -> DontFragment {
    match value.u8() {
        Some(1) => DontFragment::Set,
        Some(2) => DontFragment::Inherit,
        _ => DontFragment::Unset,
    }
}

fn macvlan(data: Attributes<'_>) -> Macvlan {
    // MACVLAN_MODE_* are bits.
    let mode = match data.get(1).and_then(Value::u32) {
        Some(1) => "private",
        Some(2) => "vepa",
        Some(4) => "bridge",
        Some(8) => "passthru",
        Some(16) => "source",
        _ => "unknown",
    };
    Macvlan {
        mode: mode.to_owned(),
    }
}

fn ipvlan(data: Attributes<'_>) -> Ipvlan {
    let mode = match data.get(1).and_then(Value::u16) {
        Some(0) => "l2",
        Some(1) => "l3",
        Some(2) => "l3s",
        _ => "unknown",
    };
    let isolation = match data.get(2).and_then(Value::u16) {
        Some(flags) if flags & 1 != 0 => "private",
        Some(flags) if flags & 2 != 0 => "vepa",
        _ => "bridge",
    };
    Ipvlan {
        mode: mode.to_owned(),
        isolation: isolation.to_owned(),
    }
}

fn vlan(data: Attributes<'_>) -> Vlan {
    Vlan {
        id: data.get(1).and_then(Value::u16).unwrap_or_default(),
        protocol: data
            .get(5)
            .and_then(Value::be16)
            .and_then(vlan_protocol)
            .unwrap_or_default(),
    }
}

/// By the EtherType.
fn vlan_protocol(ether_type: u16) -> Option<VlanProtocol> {
    match ether_type {
        0x8100 => Some(VlanProtocol::Customer),
        0x88a8 => Some(VlanProtocol::Service),
        _ => None,
    }
}

fn bond(data: Attributes<'_>) -> Bond {
    const MODES: [&str; 7] = [
        "balance-rr",
        "active-backup",
        "balance-xor",
        "broadcast",
        "802.3ad",
        "balance-tlb",
        "balance-alb",
    ];
    const POLICIES: [&str; 6] = [
        "layer2",
        "layer3+4",
        "layer2+3",
        "encap2+3",
        "encap3+4",
        "vlan+srcmac",
    ];
    let word = |names: &[&str], kind| {
        let place = data.get(kind).and_then(Value::u8).map(usize::from);
        place
            .and_then(|place| names.get(place))
            .map_or_else(|| "unknown".to_owned(), |name| (*name).to_owned())
    };
    Bond {
        mode: word(&MODES, 1),
        active: data.get(2).and_then(Value::u32).map(IfIndex),
        miimon_ms: data.get(3).and_then(Value::u32).unwrap_or_default(),
        hash_policy: word(&POLICIES, 14),
    }
}

fn geneve(data: Attributes<'_>) -> Geneve {
    let mut geneve = Geneve::default();
    for (kind, value) in data {
        match kind {
            1 => geneve.vni = Vni(value.u32().unwrap_or_default()),
            2 | 7 => geneve.remote = value.specified_ip(),
            3 => geneve.ttl = value.u8().unwrap_or_default(),
            5 => geneve.port = value.be16().unwrap_or_default(),
            // A flag without a value.
            6 => geneve.collect_metadata = true,
            13 => geneve.df = dont_fragment(value),
            _ => {}
        }
    }
    geneve
}

fn ip_tunnel(name: &str, data: Attributes<'_>) -> Tunnel {
    let mut tunnel = named(name);
    for (kind, value) in data {
        match kind {
            2 => tunnel.local = value.specified_ip(),
            3 => tunnel.remote = value.specified_ip(),
            4 => tunnel.ttl = value.u8().unwrap_or_default(),
            5 => tunnel.tos = value.u8().unwrap_or_default(),
            9 => tunnel.protocol = value.u8().unwrap_or_default(),
            10 => tunnel.path_mtu_discovery = value.flag(),
            15 => tunnel.encapsulation = encapsulation(value),
            18 => tunnel.encapsulation_port = value.be16().filter(|port| *port != 0),
            19 => tunnel.collect_metadata = true,
            20 => tunnel.fwmark = value.u32().filter(|mark| *mark != 0),
            _ => {}
        }
    }
    tunnel
}

fn gre(name: &str, data: Attributes<'_>) -> Tunnel {
    /// `GRE_KEY` in the flags, which are in network byte order (RFC 2890 §2).
    const KEY: u16 = 0x2000;
    let has_key = |kind| {
        data.get(kind)
            .and_then(Value::be16)
            .is_some_and(|flags| flags & KEY != 0)
    };
    let mut tunnel = named(name);
    for (kind, value) in data {
        match kind {
            4 if has_key(2) => tunnel.input_key = value.be32(),
            5 if has_key(3) => tunnel.output_key = value.be32(),
            6 => tunnel.local = value.specified_ip(),
            7 => tunnel.remote = value.specified_ip(),
            8 => tunnel.ttl = value.u8().unwrap_or_default(),
            9 => tunnel.tos = value.u8().unwrap_or_default(),
            10 => tunnel.path_mtu_discovery = value.flag(),
            14 => tunnel.encapsulation = encapsulation(value),
            17 => tunnel.encapsulation_port = value.be16().filter(|port| *port != 0),
            18 => tunnel.collect_metadata = true,
            20 => tunnel.fwmark = value.u32().filter(|mark| *mark != 0),
            _ => {}
        }
    }
    tunnel
}

fn vti(name: &str, data: Attributes<'_>) -> Tunnel {
    let mut tunnel = named(name);
    for (kind, value) in data {
        match kind {
            2 => tunnel.input_key = value.be32(),
            3 => tunnel.output_key = value.be32(),
            4 => tunnel.local = value.specified_ip(),
            5 => tunnel.remote = value.specified_ip(),
            6 => tunnel.fwmark = value.u32().filter(|mark| *mark != 0),
            _ => {}
        }
    }
    tunnel
}

fn named(name: &str) -> Tunnel {
    Tunnel {
        name: name.to_owned(),
        ..Tunnel::default()
    }
}

/// `TUNNEL_ENCAP_*`.
fn encapsulation(value: Value<'_>) -> Option<String> {
    let name = match value.u16()? {
        1 => "fou",
        2 => "gue",
        3 => "mpls",
        _ => return None,
    };
    Some(name.to_owned())
}

fn netkit(data: Attributes<'_>) -> Netkit {
    let mut netkit = Netkit {
        mode: "l3".to_owned(),
        policy: "forward".to_owned(),
        primary: false,
    };
    for (kind, value) in data {
        match kind {
            2 => netkit.primary = value.flag(),
            // NETKIT_PASS is 0, NETKIT_DROP is 2.
            3 if value.u32() == Some(2) => "blackhole".clone_into(&mut netkit.policy),
            5 if value.u32() == Some(0) => "l2".clone_into(&mut netkit.mode),
            _ => {}
        }
    }
    netkit
}
