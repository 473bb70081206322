//! The system calls of a sender's socket.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use crate::probe::tap::set;

/// A socket that does not block.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

/// An address as the kernel takes it.
struct Raw {
    storage: libc::sockaddr_storage,
    length: libc::socklen_t,
}

impl Raw {
    fn new(address: &SocketAddr) -> Self {
        // SAFETY: all-zero values of these plain structures are valid.
        let mut storage: libc::sockaddr_storage = unsafe { zeroed() };
        let length = match address {
            SocketAddr::V4(address) => {
                let place = (&raw mut storage).cast::<libc::sockaddr_in>();
                // SAFETY: sockaddr_storage is large enough and aligned for every address.
                let place = unsafe { &mut *place };
                place.sin_family = libc::AF_INET as u16;
                place.sin_port = address.port().to_be();
                place.sin_addr.s_addr = u32::from(*address.ip()).to_be();
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(address) => {
                let place = (&raw mut storage).cast::<libc::sockaddr_in6>();
                // SAFETY: as above.
                let place = unsafe { &mut *place };
                place.sin6_family = libc::AF_INET6 as u16;
                place.sin6_port = address.port().to_be();
                place.sin6_addr.s6_addr = address.ip().octets();
                place.sin6_scope_id = address.scope_id();
                size_of::<libc::sockaddr_in6>()
            }
        };
        Self {
            storage,
            length: length as libc::socklen_t,
        }
    }

    fn address(&self) -> Option<IpAddr> {
        match i32::from(self.storage.ss_family) {
            libc::AF_INET => {
                let place = (&raw const self.storage).cast::<libc::sockaddr_in>();
                // SAFETY: the family says what it is, and the storage is large enough and aligned.
                let address = unsafe { (*place).sin_addr.s_addr };
                Some(Ipv4Addr::from(u32::from_be(address)).into())
            }
            libc::AF_INET6 => {
                let place = (&raw const self.storage).cast::<libc::sockaddr_in6>();
                // SAFETY: as above.
                let address = unsafe { (*place).sin6_addr.s6_addr };
                Some(Ipv6Addr::from(address).into())
            }
            _ => None,
        }
    }
}

impl Socket {
    /// A socket of the family of `address` in the namespace of the calling thread.
    pub(super) fn new(address: &SocketAddr, kind: i32, protocol: i32) -> io::Result<Self> {
        let family = if address.is_ipv4() {
            libc::AF_INET
        } else {
            libc::AF_INET6
        };
        let kind = kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: socket(2) takes no pointers.
        let socket = unsafe { libc::socket(family, kind, protocol) };
        if socket < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and belongs to nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(socket) }))
    }

    /// Packets are cut when they must be, or never.
    pub(super) fn dont_fragment(&self, v4: bool, never: bool) -> io::Result<()> {
        if v4 {
            let mode = if never {
                libc::IP_PMTUDISC_DO
            } else {
                libc::IP_PMTUDISC_DONT
            };
            set(self, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, &mode)
        } else {
            let mode = if never {
                libc::IPV6_PMTUDISC_DO
            } else {
                libc::IPV6_PMTUDISC_DONT
            };
            set(self, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, &mode)?;
            set(
                self,
                libc::IPPROTO_IPV6,
                libc::IPV6_DONTFRAG,
                &i32::from(never),
            )
        }
    }

    /// Sets an option to a plain value.
    pub(super) fn option<T>(&self, level: i32, name: i32, value: &T) -> io::Result<()> {
        set(self, level, name, value)
    }

    pub(super) fn bind(&self, address: &SocketAddr) -> io::Result<()> {
        let raw = Raw::new(address);
        // SAFETY: the address is valid for reading and of the length that is said.
        check(unsafe {
            libc::bind(
                self.as_raw_fd(),
                (&raw const raw.storage).cast(),
                raw.length,
            )
        })
    }

    pub(super) fn connect(&self, address: &SocketAddr) -> io::Result<()> {
        let raw = Raw::new(address);
        // SAFETY: as in `bind`.
        check(unsafe {
            libc::connect(
                self.as_raw_fd(),
                (&raw const raw.storage).cast(),
                raw.length,
            )
        })
    }

    pub(super) fn send(&self, octets: &[u8]) -> io::Result<()> {
        // SAFETY: `octets` is valid for reading and of the length that is said.
        let sent = unsafe { libc::send(self.as_raw_fd(), octets.as_ptr().cast(), octets.len(), 0) };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    pub(super) fn send_to(&self, octets: &[u8], address: &SocketAddr) -> io::Result<()> {
        let raw = Raw::new(address);
        // SAFETY: `octets` and the address are valid for reading and of the lengths that are said.
        let sent = unsafe {
            libc::sendto(
                self.as_raw_fd(),
                octets.as_ptr().cast(),
                octets.len(),
                0,
                (&raw const raw.storage).cast(),
                raw.length,
            )
        };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// What came, and from whom; `None` when nothing has come.
    pub(super) fn receive(&self, room: &mut [u8]) -> io::Result<Option<(usize, Option<IpAddr>)>> {
        // SAFETY: an all-zero address is a valid value of plain integers.
        let storage = unsafe { zeroed() };
        let mut raw = Raw {
            storage,
            length: size_of::<libc::sockaddr_storage>() as libc::socklen_t,
        };
        // SAFETY: `room` and the address are valid for writing and of the lengths that are said.
        let length = unsafe {
            libc::recvfrom(
                self.as_raw_fd(),
                room.as_mut_ptr().cast(),
                room.len(),
                libc::MSG_DONTWAIT,
                (&raw mut raw.storage).cast(),
                &raw mut raw.length,
            )
        };
        match usize::try_from(length) {
            Ok(length) => Ok(Some((length, raw.address()))),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Takes the error that waits at the socket (`SO_ERROR`).
    pub(super) fn error(&self) -> io::Result<()> {
        let mut value: libc::c_int = 0;
        let mut length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: `value` and `length` are valid for writing and of the size that is said.
        check(unsafe {
            libc::getsockopt(
                self.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ERROR,
                (&raw mut value).cast(),
                &raw mut length,
            )
        })?;
        if value == 0 {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(value))
        }
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
