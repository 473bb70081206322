//! Links: veth pairs, bridges and their ports, VXLAN devices.

use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    AfSpecInet, AfSpecUnspec, InetDevConf, InfoBridgePort, InfoData, InfoKind, InfoPortData,
    InfoPortKind, InfoVeth, InfoVxlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use std::os::fd::{AsFd, AsRawFd};

use super::{Change, Dump, Error, IfIndex, Socket};
use crate::mac::Mac;
use crate::netns::Netns;

/// A link, as far as the engine looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number in its namespace.
    pub index: IfIndex,
    /// Its name.
    pub name: String,
    /// What somebody wrote on it (`ip link set alias`).
    pub alias: Option<String>,
    /// `veth`, `bridge`, `vxlan`, …; `None` for hardware and loopback.
    pub kind: Option<String>,
    /// Its hardware address, if that is an Ethernet one.
    pub mac: Option<Mac>,
    /// The largest layer 3 packet it takes, in octets.
    pub mtu: u32,
    /// Whether it is administratively up (`IFF_UP`).
    pub up: bool,
    /// Whether it has a carrier (`IFF_LOWER_UP`).
    pub lower_up: bool,
    /// The bridge (or bond, VRF) it is a port of.
    pub master: Option<IfIndex>,
    /// `IFLA_LINK`: the other end of a veth, the device below a macvlan. In the namespace of
    /// [`Link::link_netnsid`], or this one.
    pub link: Option<IfIndex>,
    /// The nsid by which this namespace knows the namespace of [`Link::link`].
    pub link_netnsid: Option<i32>,
    /// The parameters of a VXLAN device.
    pub vxlan: Option<Vxlan>,
    /// The flags of a bridge port.
    pub port: Option<Port>,
}

/// The parameters of a VXLAN device (RFC 7348; `drivers/net/vxlan/vxlan_core.c`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vxlan {
    /// The network identifier, 24 bits.
    pub vni: u32,
    /// The UDP port it sends to and listens on.
    pub port: u16,
    /// The source of the outer packets.
    pub local: Option<IpAddr>,
    /// The device that carries the outer packets.
    pub underlay: Option<IfIndex>,
    /// Whether it learns where an inner source address is from what it receives.
    pub learning: bool,
}

/// The flags of a bridge port that the engine sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// A frame may leave through the port it came in by.
    pub hairpin: bool,
    /// ARP and ND are answered from the neighbour table in place of being flooded here.
    pub neigh_suppress: bool,
    /// The bridge learns source addresses from frames of this port.
    pub learning: bool,
}

impl Link {
    /// The link that a message describes.
    pub fn from_message(message: &LinkMessage) -> Self {
        let flags = message.header.flags;
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            alias: None,
            kind: None,
            mac: None,
            mtu: 0,
            up: flags.contains(LinkFlags::Up),
            lower_up: flags.contains(LinkFlags::LowerUp),
            master: None,
            link: None,
            link_netnsid: None,
            vxlan: None,
            port: None,
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name.clone_from(name),
                LinkAttribute::IfAlias(alias) => link.alias = Some(alias.clone()),
                LinkAttribute::Address(bytes) => link.mac = Mac::from_slice(bytes),
                LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
                LinkAttribute::Controller(index) => link.master = Some(*index),
                LinkAttribute::Link(index) => link.link = Some(*index),
                LinkAttribute::LinkNetNsId(id) => link.link_netnsid = Some(*id),
                LinkAttribute::LinkInfo(infos) => link.read_infos(infos),
                _ => {}
            }
        }
        link
    }

    fn read_infos(&mut self, infos: &[LinkInfo]) {
        for info in infos {
            match info {
                LinkInfo::Kind(kind) => self.kind = Some(kind.to_string()),
                LinkInfo::Data(InfoData::Vxlan(data)) => self.vxlan = Some(Vxlan::from_infos(data)),
                LinkInfo::PortData(InfoPortData::BridgePort(data)) => {
                    self.port = Some(Port::from_infos(data));
                }
                _ => {}
            }
        }
    }
}

impl Vxlan {
    fn from_infos(infos: &[InfoVxlan]) -> Self {
        let mut vxlan = Self {
            vni: 0,
            port: 0,
            local: None,
            underlay: None,
            learning: false,
        };
        for info in infos {
            match info {
                InfoVxlan::Id(vni) => vxlan.vni = *vni,
                InfoVxlan::Port(port) => vxlan.port = *port,
                InfoVxlan::Local(address) => vxlan.local = Some(IpAddr::V4(*address)),
                InfoVxlan::Local6(address) => vxlan.local = Some(IpAddr::V6(*address)),
                InfoVxlan::Link(index) => vxlan.underlay = Some(*index),
                InfoVxlan::Learning(learning) => vxlan.learning = *learning,
                _ => {}
            }
        }
        vxlan
    }

    fn to_infos(&self) -> Vec<InfoVxlan> {
        let mut infos = vec![
            InfoVxlan::Id(self.vni),
            InfoVxlan::Port(self.port),
            InfoVxlan::Learning(self.learning),
        ];
        match self.local {
            Some(IpAddr::V4(address)) => infos.push(InfoVxlan::Local(address)),
            Some(IpAddr::V6(address)) => infos.push(InfoVxlan::Local6(address)),
            None => {}
        }
        infos.extend(self.underlay.map(InfoVxlan::Link));
        infos
    }
}

impl Port {
    fn from_infos(infos: &[InfoBridgePort]) -> Self {
        let mut port = Self {
            hairpin: false,
            neigh_suppress: false,
            learning: true,
        };
        for info in infos {
            match info {
                InfoBridgePort::HairpinMode(on) => port.hairpin = *on,
                InfoBridgePort::NeighSupress(on) => port.neigh_suppress = *on,
                InfoBridgePort::Learning(on) => port.learning = *on,
                _ => {}
            }
        }
        port
    }
}

/// One end of a veth pair that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct VethEnd<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its hardware address; the kernel picks one when absent.
    pub mac: Option<Mac>,
    /// The namespace it is to be made in; that of the socket when absent.
    pub netns: Option<&'a Netns>,
}

impl VethEnd<'_> {
    fn message(&self, mtu: u32) -> LinkMessage {
        let mut message = LinkMessage::default();
        message
            .attributes
            .push(LinkAttribute::IfName(self.name.to_owned()));
        if mtu != 0 {
            message.attributes.push(LinkAttribute::Mtu(mtu));
        }
        message
            .attributes
            .extend(self.mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
        if let Some(netns) = self.netns {
            message
                .attributes
                .push(LinkAttribute::NetNsFd(netns.as_fd().as_raw_fd()));
        }
        message
    }
}

/// Makes a veth pair, both ends down. The kernel refuses to raise the peer in the same message
/// (`ENOTCONN`, `drivers/net/veth.c`), so neither is. An MTU of zero leaves it to the kernel (1500).
pub fn add_veth(near: &VethEnd<'_>, far: &VethEnd<'_>, mtu: u32) -> Change {
    Change::create(RouteNetlinkMessage::NewLink(veth(near, far, mtu)))
}

/// Makes a veth pair whose near end is a port of `bridge` from the start, or is not made at all.
pub fn add_veth_port(near: &VethEnd<'_>, far: &VethEnd<'_>, mtu: u32, bridge: IfIndex) -> Change {
    let mut message = veth(near, far, mtu);
    message.attributes.push(LinkAttribute::Controller(bridge));
    Change::create(RouteNetlinkMessage::NewLink(message))
}

fn veth(near: &VethEnd<'_>, far: &VethEnd<'_>, mtu: u32) -> LinkMessage {
    let mut message = near.message(mtu);
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(far.message(mtu)))),
    ]));
    message
}

/// Makes a bridge, up when `up`. Its address is fixed at `mac` when given: otherwise it follows the
/// lowest of its ports, and every pod's neighbour entry for the gateway with it.
pub fn add_bridge(name: &str, mac: Option<Mac>, mtu: u32, up: bool) -> Change {
    add_simple(name, mac, mtu, up, vec![LinkInfo::Kind(InfoKind::Bridge)])
}

/// Makes a VXLAN device, up when `up`.
pub fn add_vxlan(name: &str, mac: Option<Mac>, mtu: u32, up: bool, vxlan: &Vxlan) -> Change {
    let infos = vec![
        LinkInfo::Kind(InfoKind::Vxlan),
        LinkInfo::Data(InfoData::Vxlan(vxlan.to_infos())),
    ];
    add_simple(name, mac, mtu, up, infos)
}

fn add_simple(name: &str, mac: Option<Mac>, mtu: u32, up: bool, infos: Vec<LinkInfo>) -> Change {
    let mut message = LinkMessage::default();
    if up {
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
    }
    message
        .attributes
        .push(LinkAttribute::IfName(name.to_owned()));
    if mtu != 0 {
        message.attributes.push(LinkAttribute::Mtu(mtu));
    }
    message
        .attributes
        .extend(mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
    message.attributes.push(LinkAttribute::LinkInfo(infos));
    Change::create(RouteNetlinkMessage::NewLink(message))
}

/// A change to a link that exists, built up step by step.
#[derive(Debug, Clone, Default)]
pub struct Set {
    message: LinkMessage,
}

impl Set {
    /// Of the link with this number.
    pub fn index(index: IfIndex) -> Self {
        let mut set = Self::default();
        set.message.header.index = index;
        set
    }

    /// Of the link with this name, for a link that an earlier change of the same batch makes.
    pub fn name(name: &str) -> Self {
        let mut set = Self::default();
        set.message
            .attributes
            .push(LinkAttribute::IfName(name.to_owned()));
        set
    }

    /// Raises it or takes it down.
    #[must_use]
    pub fn up(mut self, up: bool) -> Self {
        self.message.header.change_mask |= LinkFlags::Up;
        self.message.header.flags.set(LinkFlags::Up, up);
        self
    }

    /// Sets the MTU in octets.
    #[must_use]
    pub fn mtu(self, mtu: u32) -> Self {
        self.with(LinkAttribute::Mtu(mtu))
    }

    /// Sets the hardware address.
    #[must_use]
    pub fn mac(self, mac: Mac) -> Self {
        self.with(LinkAttribute::Address(mac.0.to_vec()))
    }

    /// Makes it a port of a bridge; of none when `master` is zero.
    #[must_use]
    pub fn master(self, master: IfIndex) -> Self {
        self.with(LinkAttribute::Controller(master))
    }

    /// Writes on it; at most 255 octets (`IFALIASZ`).
    #[must_use]
    pub fn alias(self, alias: &str) -> Self {
        self.with(LinkAttribute::IfAlias(alias.to_owned()))
    }

    /// Moves it to another namespace. The descriptor must stay open until the change is applied.
    #[must_use]
    pub fn netns(self, netns: &Netns) -> Self {
        self.with(LinkAttribute::NetNsFd(netns.as_fd().as_raw_fd()))
    }

    /// Renames it; only [`Set::index`] can name the link then.
    #[must_use]
    pub fn rename(self, name: &str) -> Self {
        self.with(LinkAttribute::IfName(name.to_owned()))
    }

    /// Sets the flags of a bridge port.
    #[must_use]
    pub fn port(self, port: Port) -> Self {
        self.with(LinkAttribute::LinkInfo(vec![
            LinkInfo::PortKind(InfoPortKind::Bridge),
            LinkInfo::PortData(InfoPortData::BridgePort(vec![
                InfoBridgePort::HairpinMode(port.hairpin),
                InfoBridgePort::NeighSupress(port.neigh_suppress),
                InfoBridgePort::Learning(port.learning),
            ])),
        ]))
    }

    /// Sets switches of `net.ipv4.conf.LINK`, those that are not zero (`inet_set_link_af`, net/ipv4/devinet.c).
    #[must_use]
    pub fn inet(self, conf: InetDevConf) -> Self {
        let request = AfSpecUnspec::Inet(vec![AfSpecInet::DevConfRequest(conf)]);
        self.with(LinkAttribute::AfSpecUnspec(vec![request]))
    }

    fn with(mut self, attribute: LinkAttribute) -> Self {
        self.message.attributes.push(attribute);
        self
    }

    /// The change, for [`Socket::apply`] or [`Socket::batch`].
    pub fn change(self) -> Change {
        // RTM_NEWLINK without NLM_F_CREATE; RTM_SETLINK ignores the flags of bridge ports.
        Change::plain(RouteNetlinkMessage::NewLink(self.message))
    }
}

/// Removes a link by number. Both ends of a veth pair go at once.
pub fn delete(index: IfIndex) -> Change {
    let mut message = LinkMessage::default();
    message.header.index = index;
    Change::plain(RouteNetlinkMessage::DelLink(message))
}

/// Removes a link by name.
pub fn delete_named(name: &str) -> Change {
    let mut message = LinkMessage::default();
    message
        .attributes
        .push(LinkAttribute::IfName(name.to_owned()));
    Change::plain(RouteNetlinkMessage::DelLink(message))
}

/// All links.
///
/// # Errors
/// Those of [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Dump<Link>, Error> {
    let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
    Ok(socket.dump(&request)?.filter_map(|message| match message {
        RouteNetlinkMessage::NewLink(message) => Some(Link::from_message(&message)),
        _ => None,
    }))
}

/// The link with this name, if there is one.
///
/// # Errors
/// Any other refusal.
pub fn by_name(socket: &mut Socket, name: &str) -> Result<Option<Link>, Error> {
    let mut message = LinkMessage::default();
    message
        .attributes
        .push(LinkAttribute::IfName(name.to_owned()));
    get(socket, message)
}

/// The link with this number, if there is one.
///
/// # Errors
/// Any other refusal.
pub fn by_index(socket: &mut Socket, index: IfIndex) -> Result<Option<Link>, Error> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    get(socket, message)
}

fn get(socket: &mut Socket, message: LinkMessage) -> Result<Option<Link>, Error> {
    match socket.get(&RouteNetlinkMessage::GetLink(message), 0) {
        Ok(RouteNetlinkMessage::NewLink(message)) => Ok(Some(Link::from_message(&message))),
        Ok(_) => Ok(None),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}
