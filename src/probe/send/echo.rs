//! ICMP and ICMPv6 echo over a raw socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use plugin_core::netns::Netns;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::socket::Socket;
use super::{Heard, Send, destination, ip_header, open, payload};
use crate::probe::identify::{MARK, quoted};
use crate::probe::message::IcmpError;
use crate::wire::bytes::Bytes;
use crate::wire::checksum;
use crate::wire::packet::Kind;

/// Octets of an echo's header.
const HEADER: usize = 8;

pub(super) struct Echo<'a> {
    socket: Socket,
    request: &'a Send,
    bound: bool,
}

impl<'a> Echo<'a> {
    pub(super) fn open(netns: &Netns, request: &'a Send) -> io::Result<Self> {
        let to = destination(request);
        let protocol = if to.is_ipv4() {
            libc::IPPROTO_ICMP
        } else {
            libc::IPPROTO_ICMPV6
        };
        let socket = open(netns, &to, libc::SOCK_RAW, protocol)?;
        socket.dont_fragment(to.is_ipv4(), request.dont_fragment)?;
        Ok(Self {
            socket,
            request,
            bound: false,
        })
    }

    pub(super) fn send(&mut self, sequence: u16) -> io::Result<()> {
        let to = destination(self.request);
        // Here rather than at the opening, so that what stands against it is told of a probe.
        if let Some(source) = self.request.source.filter(|_| !self.bound) {
            self.socket.bind(&SocketAddr::new(source, 0))?;
            self.bound = true;
        }
        let room = (self.request.size as usize).saturating_sub(ip_header(self.request) + HEADER);
        let mut packet = Vec::with_capacity(HEADER + room.max(MARK));
        packet.extend([if to.is_ipv4() { 8 } else { 128 }, 0, 0, 0]);
        packet.extend(self.request.watch.echo_id().to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        packet.extend(payload(self.request, sequence, room));
        if to.is_ipv4() {
            // The kernel computes that of ICMPv6 itself (RFC 3542 §3.1).
            let sum = checksum::of(&packet).to_be_bytes();
            if let Some(field) = packet.get_mut(2..4) {
                field.copy_from_slice(&sum);
            }
        }
        // Not connected, as the socket is then to hear errors that others than the destination send.
        self.socket.send_to(&packet, &to)
    }

    pub(super) fn hear(&mut self, patience: Duration) -> io::Result<Vec<(u16, Heard)>> {
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        let mut ready = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut ready, Some(&patience)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut heard = Vec::new();
        let mut room = [0; 2048];
        loop {
            match self.socket.receive(&mut room) {
                Ok(None) => return Ok(heard),
                Ok(Some((length, from))) => {
                    heard.extend(self.understand(room.get(..length).unwrap_or_default(), from));
                }
                // An error that a packet of ours met; the packet that tells of it is heard as well.
                Err(_) => return Ok(heard),
            }
        }
    }

    /// `packet` begins with the IP header for IPv4 and without for IPv6, as raw sockets have it.
    fn understand(&self, packet: &[u8], from: Option<IpAddr>) -> Option<(u16, Heard)> {
        let bytes = Bytes::new(packet);
        let watch = &self.request.watch;
        let (at, layer) = if self.request.destination.is_ipv4() {
            (usize::from(bytes.u8(0).ok()? & 15) * 4, Kind::Icmp)
        } else {
            (0, Kind::Icmpv6)
        };
        let (kind, code) = (bytes.u8(at).ok()?, bytes.u8(at + 1).ok()?);
        match (layer, kind) {
            (Kind::Icmp, 0) | (Kind::Icmpv6, 129) => {
                let ours = bytes.u64(at + HEADER).ok()? == watch.nonce;
                ours.then(|| bytes.u16(at + 6).ok())
                    .flatten()
                    .map(|sequence| (sequence, Heard::Answer))
            }
            (Kind::Icmp, 3 | 11 | 12) | (Kind::Icmpv6, 1..=4) => {
                let mtu = match (layer, kind, code) {
                    (Kind::Icmp, 3, 4) => bytes.u16(at + 6).ok().map(u32::from),
                    (Kind::Icmpv6, 2, _) => bytes.u32(at + 4).ok(),
                    _ => None,
                };
                let error = IcmpError {
                    from: from?,
                    kind,
                    code,
                    mtu: mtu.filter(|mtu| *mtu != 0),
                };
                quoted(&bytes, at + 8, layer, watch).map(|sequence| (sequence, Heard::Error(error)))
            }
            _ => None,
        }
    }
}
