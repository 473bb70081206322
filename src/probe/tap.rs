//! Sees packets: one packet socket for all devices of a namespace.
//!
//! A socket that is bound to no device sees every device of its namespace, so that a packet which strays is
//! seen where nobody expected it, at the price of one socket. It is opened inside the namespace and read
//! from outside. It never asks for promiscuous mode: that would change what the devices do.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use plugin_core::netns::Netns;

use super::filter::{self, SNAP};
use super::identify::identify;
use super::message::{Sighting, Watch};
use crate::model::number::{IfIndex, NetnsId};
use crate::walk::path::Direction;
use crate::wire::packet::VxlanPorts;
use crate::wire::{Frame, LinkType, Timestamp};

/// The kernel's room for packets that were not read yet, octets. A packet with 512 octets kept takes about
/// a kilobyte of it.
const ROOM: libc::c_int = 4 << 20;

/// An open tap. Closed when dropped.
#[derive(Debug)]
pub struct Tap {
    socket: OwnedFd,
    netns: NetnsId,
}

impl Tap {
    /// Opens a tap in `netns`. From here on nothing that `watch` means is missed.
    ///
    /// # Errors
    /// When the namespace may not be entered, or packet sockets are not allowed (CAP_NET_RAW).
    pub fn open(netns: &Netns, watch: &Watch) -> io::Result<Self> {
        Self::with(netns, &filter::program(watch))
    }

    /// Opens a tap that nothing comes through. It makes the kernel note the times of packets.
    ///
    /// # Errors
    /// As [`Tap::open`].
    pub fn idle(netns: &Netns) -> io::Result<Self> {
        Self::with(netns, &filter::nothing())
    }

    fn with(netns: &Netns, program: &[filter::Instruction]) -> io::Result<Self> {
        let socket = netns
            .run(|| open_socket(program))
            .map_err(io::Error::other)??;
        Ok(Self {
            socket,
            netns: NetnsId(netns.id().inode),
        })
    }

    /// Gives all that came since the last time. Does not wait.
    ///
    /// # Errors
    /// When the socket cannot be read.
    pub fn read(
        &self,
        watch: &Watch,
        ports: &VxlanPorts,
        sightings: &mut Vec<Sighting>,
    ) -> io::Result<()> {
        let mut frame = [0_u8; SNAP as usize];
        while let Some(arrival) = self.next(&mut frame)? {
            let octets = frame.get(..arrival.captured).unwrap_or_default();
            let seen = identify(
                &Frame {
                    link: arrival.link,
                    time: Timestamp::default(),
                    length: arrival.length,
                    bytes: octets,
                },
                ports,
                watch,
            );
            if let Some(mut seen) = seen {
                if arrival.unfinished
                    && let Some(outer) = &mut seen.outer
                {
                    outer.bad_checksum = false;
                }
                sightings.push(Sighting {
                    netns: self.netns,
                    device: arrival.device,
                    direction: arrival.direction,
                    other_host: arrival.other_host,
                    time_ns: arrival.time_ns,
                    length: arrival.length,
                    seen,
                });
            }
        }
        Ok(())
    }

    /// Packets for which there was no room, since the last time that was asked.
    pub fn dropped(&self) -> u64 {
        // SAFETY: an all-zero tpacket_stats is a valid value of plain integers.
        let mut stats: libc::tpacket_stats = unsafe { zeroed() };
        let mut length = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: `stats` and `length` are valid for writing and of the size that is said.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut stats).cast(),
                &raw mut length,
            )
        };
        if result == 0 {
            u64::from(stats.tp_drops)
        } else {
            0
        }
    }

    fn next(&self, frame: &mut [u8]) -> io::Result<Option<Arrival>> {
        // SAFETY: all-zero values of these plain structures are valid.
        let (mut from, mut message): (libc::sockaddr_ll, libc::msghdr) =
            unsafe { (zeroed(), zeroed()) };
        // Aligned as control messages must be.
        let mut control = [0_u64; 16];
        let mut piece = libc::iovec {
            iov_base: frame.as_mut_ptr().cast(),
            iov_len: frame.len(),
        };
        message.msg_name = (&raw mut from).cast();
        message.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        message.msg_iov = &raw mut piece;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control);
        let length = loop {
            // SAFETY: every pointer of `message` leads to memory that lives through the call and has the
            // length that is said. MSG_TRUNC makes the result the packet's own length.
            let length = unsafe {
                libc::recvmsg(
                    self.socket.as_raw_fd(),
                    &raw mut message,
                    libc::MSG_DONTWAIT | libc::MSG_TRUNC,
                )
            };
            match usize::try_from(length) {
                Ok(length) => break length,
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                    // A device went down or away; the others go on.
                    error if error.raw_os_error() == Some(libc::ENETDOWN) => {}
                    error => return Err(error),
                },
            }
        };
        let info = Control::of(&message);
        let captured = length.min(frame.len());
        Ok(Some(Arrival {
            device: IfIndex(u32::try_from(from.sll_ifindex).unwrap_or(0)),
            direction: if from.sll_pkttype == libc::PACKET_OUTGOING {
                Direction::Out
            } else {
                Direction::In
            },
            other_host: from.sll_pkttype == libc::PACKET_OTHERHOST,
            link: match from.sll_hatype {
                libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => LinkType::ETHERNET,
                _ => LinkType::RAW,
            },
            time_ns: info.time_ns.unwrap_or_else(super::session::now_ns),
            captured,
            unfinished: info.unfinished,
            // With a filter that keeps 512 octets, only the auxiliary data knows the packet's own length.
            length: info
                .length
                .unwrap_or_else(|| u32::try_from(length).unwrap_or(u32::MAX)),
        }))
    }
}

/// A packet, as the socket hands it over.
struct Arrival {
    device: IfIndex,
    direction: Direction,
    other_host: bool,
    link: LinkType,
    time_ns: i64,
    captured: usize,
    length: u32,
    /// A checksum in it is still to be computed by a device, which those around it already count with.
    unfinished: bool,
}

/// What comes beside a packet.
#[derive(Default)]
struct Control {
    time_ns: Option<i64>,
    length: Option<u32>,
    unfinished: bool,
}

impl Control {
    fn of(message: &libc::msghdr) -> Self {
        let mut found = Self::default();
        // SAFETY: `message` was filled by recvmsg, so its control buffer holds well-formed headers up to
        // msg_controllen; the macros stay inside. Each payload is read only if its header says it is whole.
        unsafe {
            let mut header = libc::CMSG_FIRSTHDR(message);
            while let Some(here) = header.as_ref() {
                let data = libc::CMSG_DATA(header);
                let whole = |size: usize| here.cmsg_len >= libc::CMSG_LEN(size as u32) as usize;
                match (here.cmsg_level, here.cmsg_type) {
                    (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS)
                        if whole(size_of::<libc::timespec>()) =>
                    {
                        let time: libc::timespec = data.cast::<libc::timespec>().read_unaligned();
                        found.time_ns = Some(time.tv_sec * 1_000_000_000 + time.tv_nsec);
                    }
                    (libc::SOL_PACKET, libc::PACKET_AUXDATA)
                        if whole(size_of::<libc::tpacket_auxdata>()) =>
                    {
                        let auxiliary: libc::tpacket_auxdata =
                            data.cast::<libc::tpacket_auxdata>().read_unaligned();
                        found.length = Some(auxiliary.tp_len);
                        found.unfinished = auxiliary.tp_status & libc::TP_STATUS_CSUMNOTREADY != 0;
                    }
                    _ => {}
                }
                header = libc::CMSG_NXTHDR(message, header);
            }
        }
        found
    }
}

/// Makes the socket in the namespace of the calling thread.
fn open_socket(program: &[filter::Instruction]) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // Protocol 0: it receives nothing until it is bound, so nothing passes by the filter.
    // SAFETY: socket(2) takes no pointers.
    let socket = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and belongs to nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(io::Error::other)?,
        filter: program.as_ptr().cast_mut(),
    };
    set(&socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &filter)?;
    set(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &1_i32)?;
    set(&socket, libc::SOL_PACKET, libc::PACKET_AUXDATA, &1_i32)?;
    // Beyond the system's limit if allowed (CAP_NET_ADMIN); the usual room serves too.
    if set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &ROOM).is_err() {
        let _ = set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, &ROOM);
    }
    // SAFETY: an all-zero sockaddr_ll is a valid value of plain integers.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    // SAFETY: `address` is valid for reading and of the size that is said.
    let bound = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    if bound < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(socket)
}

/// `setsockopt(2)` with a plain value.
pub(crate) fn set<T>(socket: &impl AsRawFd, level: i32, name: i32, value: &T) -> io::Result<()> {
    // SAFETY: `value` is valid for reading and of the size that is said.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
