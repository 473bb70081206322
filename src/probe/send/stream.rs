//! UDP datagrams and TCP connections: one socket a probe, each with a source port of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use plugin_core::netns::Netns;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::socket::Socket;
use super::{Heard, Send, destination, ip_header, open, payload};
use crate::probe::message::Kind;

/// Octets of UDP's header.
const HEADER: usize = 8;

pub(super) struct Stream<'a> {
    netns: &'a Netns,
    request: &'a Send,
    open: Vec<(u16, Socket)>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(netns: &'a Netns, request: &'a Send) -> Self {
        Self {
            netns,
            request,
            open: Vec::new(),
        }
    }

    pub(super) fn send(&mut self, sequence: u16) -> io::Result<()> {
        let to = destination(self.request);
        let tcp = matches!(self.request.kind, Kind::Tcp(_));
        let kind = if tcp {
            libc::SOCK_STREAM
        } else {
            libc::SOCK_DGRAM
        };
        let socket = open(self.netns, &to, kind, 0)?;
        let any: IpAddr = if to.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        let watch = &self.request.watch;
        let port = watch.first_port.wrapping_add(sequence % watch.ports.max(1));
        socket.option(libc::SOL_SOCKET, libc::SO_REUSEADDR, &1_i32)?;
        socket.bind(&SocketAddr::new(self.request.source.unwrap_or(any), port))?;
        if tcp {
            // Given up with a reset, so that no state of ours is left on the way.
            let reset = libc::linger {
                l_onoff: 1,
                l_linger: 0,
            };
            socket.option(libc::SOL_SOCKET, libc::SO_LINGER, &reset)?;
        } else {
            socket.dont_fragment(to.is_ipv4(), self.request.dont_fragment)?;
        }
        match socket.connect(&to) {
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
            other => other?,
        }
        if !tcp {
            let room =
                (self.request.size as usize).saturating_sub(ip_header(self.request) + HEADER);
            socket.send(&payload(self.request, sequence, room))?;
        }
        self.open.push((sequence, socket));
        Ok(())
    }

    pub(super) fn hear(&mut self, patience: Duration) -> io::Result<Vec<(u16, Heard)>> {
        let tcp = matches!(self.request.kind, Kind::Tcp(_));
        let wanted = if tcp { PollFlags::OUT } else { PollFlags::IN };
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        let mut ready: Vec<_> = self
            .open
            .iter()
            .map(|(_, socket)| PollFd::new(socket, wanted))
            .collect();
        match poll(&mut ready, Some(&patience)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let events: Vec<bool> = ready.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(ready);
        let mut heard = Vec::new();
        let mut still = Vec::with_capacity(self.open.len());
        for ((sequence, socket), has_event) in self.open.drain(..).zip(events) {
            match has_event.then(|| outcome(&socket, tcp)).flatten() {
                Some(outcome) => heard.push((sequence, outcome)),
                None => still.push((sequence, socket)),
            }
        }
        self.open = still;
        Ok(heard)
    }
}

/// What an event at a socket means; `None` when it means nothing yet.
fn outcome(socket: &Socket, tcp: bool) -> Option<Heard> {
    let refused = |error: io::Error| {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            Heard::Refusal
        } else {
            Heard::Failure(error)
        }
    };
    if tcp {
        return Some(match socket.error() {
            Ok(()) => Heard::Answer,
            Err(error) => refused(error),
        });
    }
    match socket.receive(&mut [0; 2048]) {
        Ok(Some(_)) => Some(Heard::Answer),
        Ok(None) => None,
        Err(error) => Some(refused(error)),
    }
}
