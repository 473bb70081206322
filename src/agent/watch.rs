//! Sleeps until something the node's state depends on has changed, and says what.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader};
use netlink_packet_route::RouteNetlinkMessage;
use plugin_core::mac::Mac;
use plugin_core::netlink::address::Address;
use plugin_core::netlink::fdb::FdbEntry;
use plugin_core::netlink::link::Link;
use plugin_core::netlink::neighbour::Neighbour;
use plugin_core::netlink::route::{MAIN, Route};
use plugin_core::netlink::{self, Socket};
use plugin_core::node::read::Indices;
use plugin_core::node::state::RouteKey;
use plugin_core::node::{PROTOCOL, Scope, State};
use plugin_core::store::Key;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

/// `RTNLGRP_LINK`, `_NEIGH`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR`, `_IPV6_ROUTE` of
/// `include/uapi/linux/rtnetlink.h`.
const GROUPS: [u32; 6] = [1, 3, 5, 7, 9, 11];
/// `RTNLGRP_IPV4_NETCONF` and `_IPV6_NETCONF`: changes of `forwarding` and its like.
const SETTINGS_GROUPS: [u32; 2] = [24, 25];
/// `NETLINK_NETFILTER` and `NFNLGRP_NFTABLES` of `include/uapi/linux/netlink.h` and `netfilter/nfnetlink.h`.
const NETFILTER: isize = 12;
const NFTABLES_GROUP: u32 = 7;
/// Room for the events of a first sync with thousands of peers. What does not fit is not lost: the kernel says
/// that there was more, and everything is read anew.
const EVENT_BUFFER: usize = 8 << 20;

/// What has changed since the last time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wake {
    /// Rows or devices of ours, or the underlay.
    pub kernel: bool,
    /// Our nftables table.
    pub table: bool,
    /// These records of the store.
    pub keys: BTreeSet<Key>,
    /// More of the store than can be told.
    pub store: bool,
    /// Records have been removed.
    pub removed: bool,
    /// The agent is to end.
    pub stop: bool,
}

/// What is worth waking up for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interest<'a> {
    pub scope: &'a Scope,
    pub indices: Indices,
    pub desired: &'a State,
}

/// Everything that is listened to.
#[derive(Debug)]
pub(super) struct Watch {
    kernel: Socket,
    settings: Socket,
    table: Socket,
    inotify: OwnedFd,
    root: PathBuf,
    network: String,
    /// Watched directories, below the root, by watch descriptor.
    directories: HashMap<i32, PathBuf>,
    stop: UnixStream,
}

impl Watch {
    /// Begins to listen. Nothing that happens from now on is missed.
    pub(super) fn new(root: &Path, network: &str) -> io::Result<Self> {
        let mut kernel = Socket::open().map_err(io::Error::other)?;
        kernel.set_receive_buffer(EVENT_BUFFER);
        kernel.subscribe(&GROUPS).map_err(io::Error::other)?;
        let mut settings = Socket::open().map_err(io::Error::other)?;
        settings
            .subscribe(&SETTINGS_GROUPS)
            .map_err(io::Error::other)?;
        let mut table = Socket::open_protocol(NETFILTER).map_err(io::Error::other)?;
        table
            .subscribe(&[NFTABLES_GROUP])
            .map_err(io::Error::other)?;
        let (stop, signal) = UnixStream::pair()?;
        stop.set_nonblocking(true)?;
        signal.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(libc::SIGTERM, signal.try_clone()?)?;
        signal_hook::low_level::pipe::register(libc::SIGINT, signal)?;
        let mut watch = Self {
            kernel,
            settings,
            table,
            inotify: inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?,
            root: root.to_owned(),
            network: network.to_owned(),
            directories: HashMap::new(),
            stop,
        };
        watch.arm();
        Ok(watch)
    }

    /// Watches the store's directories, those that exist. Adding a watch twice gives the same one.
    pub(super) fn arm(&mut self) {
        let of_network = Key::Block {
            network: self.network.clone(),
            cidr: std::net::IpAddr::from([0; 4]).into(),
        };
        let mut wanted = vec![PathBuf::new(), "nodes".into(), "blocks".into()];
        wanted.extend(of_network.path().parent().map(Path::to_owned));
        let flags = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        self.directories.clear();
        for directory in wanted {
            // One that is not there yet appears in the one above.
            if let Ok(wd) = inotify::add_watch(&self.inotify, self.root.join(&directory), flags) {
                self.directories.insert(wd, directory);
            }
        }
    }

    /// Sleeps until something has changed, at most for `most`.
    pub(super) fn wait(&mut self, interest: Interest<'_>, most: Duration) -> io::Result<Wake> {
        let mut wake = Wake::default();
        let most = Timespec::try_from(most).map_err(io::Error::other)?;
        let mut fds = [
            PollFd::from_borrowed_fd(self.kernel.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.settings.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.table.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.inotify.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.stop.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, Some(&most)) {
            // A signal; what it means stands in the pipe, which the next call sees.
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(wake),
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        let [kernel, settings, table, store, stop] = fds.map(|fd| !fd.revents().is_empty());
        if kernel {
            self.hear_kernel(interest, &mut wake)?;
        }
        if settings {
            // Which one does not matter: reading those that are ours is cheaper than telling them apart.
            wake.kernel = true;
            while drained(&mut self.settings)? {}
        }
        if table {
            self.hear_table(interest, &mut wake)?;
        }
        if store {
            self.hear_store(&mut wake)?;
        }
        if stop {
            let mut signals = [0; 16];
            wake.stop = self.stop.read(&mut signals).is_ok_and(|count| count > 0);
        }
        Ok(wake)
    }

    fn hear_kernel(&mut self, interest: Interest<'_>, wake: &mut Wake) -> io::Result<()> {
        loop {
            match self.kernel.events::<RouteNetlinkMessage>(Duration::ZERO) {
                Ok(events) if events.is_empty() => return Ok(()),
                Ok(events) => wake.kernel |= events.iter().any(|event| concerns(interest, event)),
                Err(netlink::Error::Overrun) => wake.kernel = true,
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    fn hear_table(&mut self, interest: Interest<'_>, wake: &mut Wake) -> io::Result<()> {
        loop {
            match self.table.events::<TableEvent>(Duration::ZERO) {
                Ok(events) if events.is_empty() => return Ok(()),
                Ok(events) => {
                    let ours =
                        |event: &TableEvent| event.0.as_ref() == interest.scope.table.as_ref();
                    wake.table |= events.iter().any(ours);
                }
                Err(netlink::Error::Overrun) => wake.table = true,
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    fn hear_store(&mut self, wake: &mut Wake) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = inotify::Reader::new(self.inotify.as_fd(), &mut buffer);
        let mut rearm = false;
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::AGAIN) => break,
                Err(rustix::io::Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                wake.store = true;
                continue;
            }
            let Some(directory) = self.directories.get(&event.wd()) else {
                continue;
            };
            let Some(name) = event.file_name().and_then(|name| name.to_str().ok()) else {
                // The directory itself went away.
                rearm = true;
                continue;
            };
            let path = directory.join(name);
            wake.removed |= event
                .events()
                .intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM);
            match Key::of_path(&path) {
                Some(key) => drop(wake.keys.insert(key)),
                None if event.events().contains(ReadFlags::ISDIR) && !name.starts_with('.') => {
                    rearm = true;
                }
                None => {}
            }
        }
        if rearm {
            self.arm();
            wake.store = true;
        }
        Ok(())
    }
}

/// Takes events whose contents do not matter; whether there were any.
fn drained(socket: &mut Socket) -> io::Result<bool> {
    match socket.events::<Anything>(Duration::ZERO) {
        Ok(events) => Ok(!events.is_empty()),
        Err(netlink::Error::Overrun) => Ok(true),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// An event that is not looked at.
struct Anything;

impl NetlinkDeserializable for Anything {
    type Error = std::convert::Infallible;

    fn deserialize(_: &NetlinkHeader, _: &[u8]) -> Result<Self, Self::Error> {
        Ok(Self)
    }
}

/// Whether an event is about what the node's state consists of.
fn concerns(interest: Interest<'_>, event: &RouteNetlinkMessage) -> bool {
    let Interest {
        scope,
        indices,
        desired,
    } = interest;
    let known =
        |index: u32| [indices.underlay, indices.vxlan, indices.bridge].contains(&Some(index));
    match event {
        RouteNetlinkMessage::NewLink(message) | RouteNetlinkMessage::DelLink(message) => {
            let link = Link::from_message(message);
            let named = |name: &Option<String>| name.as_ref() == Some(&link.name);
            // A port that joins or leaves our bridge is reported under the port's own number.
            known(link.index)
                || link.name == scope.underlay
                || named(&scope.vxlan)
                || named(&scope.bridge)
        }
        RouteNetlinkMessage::NewAddress(message) | RouteNetlinkMessage::DelAddress(message) => {
            Address::from_message(message).is_some_and(|address| known(address.index))
        }
        RouteNetlinkMessage::NewRoute(message) | RouteNetlinkMessage::DelRoute(message) => {
            Route::from_message(message).is_some_and(|route| {
                let key = RouteKey {
                    destination: route.dst,
                    metric: route.metric,
                };
                // A route of someone else can also have taken the place of ours.
                route.table == MAIN
                    && scope.holds(&route.dst)
                    && (route.protocol == PROTOCOL || desired.routes.contains_key(&key))
            })
        }
        RouteNetlinkMessage::NewNeighbour(message) | RouteNetlinkMessage::DelNeighbour(message) => {
            if Some(message.header.ifindex) != indices.vxlan {
                return false;
            }
            if let Some(neighbour) = Neighbour::from_message(message) {
                return !scope.only_flooding
                    && (neighbour.permanent
                        || desired.neighbours.contains_key(&neighbour.address));
            }
            FdbEntry::from_message(message)
                .is_some_and(|entry| entry.own && (entry.mac == Mac::ZERO || !scope.only_flooding))
        }
        _ => false,
    }
}

/// An nftables event: the table it is about.
struct TableEvent(Option<String>);

impl NetlinkDeserializable for TableEvent {
    type Error = std::convert::Infallible;

    /// After `struct nfgenmsg` (4 octets) come attributes, and attribute 1 is the table's name in the messages
    /// about tables, chains, rules, sets and elements alike (`NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE`, …).
    fn deserialize(_: &NetlinkHeader, payload: &[u8]) -> Result<Self, Self::Error> {
        let mut attributes = payload.get(4..).unwrap_or_default();
        while let Some(&[a, b, c, d]) = attributes.get(..4) {
            let length = usize::from(u16::from_ne_bytes([a, b]));
            let Some(value) = attributes.get(4..length) else {
                break;
            };
            if u16::from_ne_bytes([c, d]) == 1 {
                let text = value.split(|octet| *octet == 0).next().unwrap_or_default();
                return Ok(Self(Some(String::from_utf8_lossy(text).into_owned())));
            }
            attributes = attributes
                .get(length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        Ok(Self(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_nftables_event_names_its_table() {
        let header = NetlinkHeader::default();
        let mut payload = vec![1, 0, 0, 0, 8, 0, 2, 0, 9, 9, 9, 9, 13, 0, 1, 0];
        payload.extend(b"ovl-pods\0\0\0\0");
        let Ok(event) = TableEvent::deserialize(&header, &payload);
        assert_eq!(event.0.as_deref(), Some("ovl-pods"));
        for broken in [&payload[..2], &payload[..6], &payload[..14], &[0; 12]] {
            let Ok(event) = TableEvent::deserialize(&header, broken);
            assert_eq!(event.0, None);
        }
    }
}
