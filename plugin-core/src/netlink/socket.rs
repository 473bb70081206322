//! One synchronous netlink socket: requests, dumps, batches, events.

mod frame;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST,
    NetlinkDeserializable, NetlinkSerializable,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use rustix::net::RecvFlags;
use rustix::net::sockopt::Timeout;

use super::Error;
use crate::netns::Netns;
use frame::{
    HEADER_LEN, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, decode, frames, name_of,
    transport,
};

/// The kernel fills dump messages up to this size when the reader offers it
/// (`net/netlink/af_netlink.c`, `netlink_dump`).
const RECEIVE_LEN: usize = 32 * 1024;

/// How long the kernel may keep silent. It answers at once or never.
const SILENCE: Duration = Duration::from_secs(10);

/// How often an interrupted dump is read again.
const DUMP_RETRIES: usize = 5;

/// Requests sent at once. Each acknowledgement takes about a kilobyte of the socket's receive
/// buffer (212,992 octets by default), which must hold those of a whole batch.
const BATCH_LEN: usize = 64;

/// A table as the kernel gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether the kernel went through the table undisturbed. When `false`, a row may be missing or
    /// doubled, however often it was read again (`NLM_F_DUMP_INTR`).
    pub complete: bool,
}

impl<T> Dump<T> {
    /// The same dump with each row turned into something else, or left out.
    pub fn filter_map<U>(self, f: impl FnMut(T) -> Option<U>) -> Dump<U> {
        Dump {
            rows: self.rows.into_iter().filter_map(f).collect(),
            complete: self.complete,
        }
    }
}

/// One request that changes something, ready to be sent alone or in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    message: RouteNetlinkMessage,
    flags: u16,
}

impl Change {
    /// Adds a row; it must not exist.
    pub fn create(message: RouteNetlinkMessage) -> Self {
        Self {
            message,
            flags: NLM_F_CREATE | NLM_F_EXCL,
        }
    }

    /// Adds a row or takes the place of the one with its key.
    pub fn replace(message: RouteNetlinkMessage) -> Self {
        Self {
            message,
            flags: NLM_F_CREATE | NLM_F_REPLACE,
        }
    }

    /// Changes or removes what exists.
    pub fn plain(message: RouteNetlinkMessage) -> Self {
        Self { message, flags: 0 }
    }

    /// A request with other flags, such as `NLM_F_CREATE | NLM_F_APPEND`.
    pub fn with_flags(message: RouteNetlinkMessage, flags: u16) -> Self {
        Self { message, flags }
    }

    /// The message.
    pub fn message(&self) -> &RouteNetlinkMessage {
        &self.message
    }
}

/// A netlink socket of one namespace.
#[derive(Debug)]
pub struct Socket {
    socket: netlink_sys::Socket,
    sequence: u32,
    receive: Vec<u8>,
    sent: u64,
}

impl Socket {
    /// A routing socket in the namespace of the calling thread.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn open() -> Result<Self, Error> {
        Self::open_protocol(NETLINK_ROUTE)
    }

    /// A routing socket in `netns`; it stays there wherever it is used.
    ///
    /// # Errors
    /// When the namespace may not be entered, or the kernel gives no socket.
    pub fn open_in(netns: &Netns) -> Result<Self, Error> {
        netns.run(Self::open)?
    }

    /// A socket of another netlink family, such as `NETLINK_SOCK_DIAG`.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn open_protocol(protocol: isize) -> Result<Self, Error> {
        let mut socket = netlink_sys::Socket::new(protocol).map_err(Error::Open)?;
        socket.bind_auto().map_err(Error::Open)?;
        // Without the payload of the failed request an error always fits, and its explanation follows.
        socket.set_cap_ack(true).map_err(Error::Open)?;
        socket.set_ext_ack(true).map_err(Error::Open)?;
        rustix::net::sockopt::set_socket_timeout(&socket, Timeout::Recv, Some(SILENCE))
            .map_err(|errno| Error::Open(errno.into()))?;
        Ok(Self {
            socket,
            sequence: 0,
            receive: Vec::new(),
            sent: 0,
        })
    }

    /// Has the kernel check and apply the filters of dump requests (`NETLINK_GET_STRICT_CHK`):
    /// one table, one device.
    ///
    /// # Errors
    /// When the kernel is older than 4.20.
    pub fn set_strict(&mut self, strict: bool) -> Result<(), Error> {
        self.socket
            .set_netlink_get_strict_chk(strict)
            .map_err(Error::Open)
    }

    /// Makes the socket hear the events of `groups` (`RTNLGRP_…`). Read them with [`Socket::events`];
    /// a socket that hears events must not be used for requests.
    ///
    /// # Errors
    /// When a group does not exist.
    pub fn subscribe(&mut self, groups: &[u32]) -> Result<(), Error> {
        for group in groups {
            self.socket.add_membership(*group).map_err(Error::Open)?;
        }
        Ok(())
    }

    /// Asks for a receive buffer of `octets`, beyond the system's limit where the caller may.
    pub fn set_receive_buffer(&mut self, octets: usize) {
        use rustix::net::sockopt;
        if sockopt::set_socket_recv_buffer_size_force(&self.socket, octets).is_err() {
            // Without CAP_NET_ADMIN the limit holds, and a smaller buffer is still a buffer.
            let _ = sockopt::set_socket_recv_buffer_size(&self.socket, octets);
        }
    }

    /// How many requests have been sent.
    pub fn requests_sent(&self) -> u64 {
        self.sent
    }

    /// Sends one change and waits for its acknowledgement.
    ///
    /// # Errors
    /// The kernel's refusal, with its explanation; or that of the way there and back.
    pub fn apply(&mut self, change: &Change) -> Result<(), Error> {
        self.request(&change.message, change.flags)
    }

    /// Sends one message that asks for nothing but an acknowledgement.
    ///
    /// # Errors
    /// As [`Socket::apply`].
    pub fn request<M: NetlinkSerializable>(
        &mut self,
        message: &M,
        flags: u16,
    ) -> Result<(), Error> {
        let request = name_of(message.message_type());
        let mut bytes = Vec::new();
        let sequence = self.frame(message, flags | NLM_F_ACK, &mut bytes);
        self.send(&bytes, request)?;
        self.acknowledgement(sequence, request)
    }

    /// Sends many changes in few system calls, in order, and returns what became of each. A change
    /// that is refused does not stop those behind it.
    ///
    /// # Errors
    /// When requests or answers got lost on their way; what has been applied is unknown then.
    pub fn batch(&mut self, changes: &[Change]) -> Result<Vec<Result<(), Error>>, Error> {
        let mut results = Vec::with_capacity(changes.len());
        let mut bytes = Vec::new();
        for chunk in changes.chunks(BATCH_LEN) {
            bytes.clear();
            let mut sequences = Vec::with_capacity(chunk.len());
            for change in chunk {
                sequences.push(self.frame(&change.message, change.flags | NLM_F_ACK, &mut bytes));
            }
            let Some(first) = chunk.first() else { continue };
            self.send(&bytes, name_of(first.message.message_type()))?;
            // One read can bring several acknowledgements; they come in the order of the requests.
            let mut waiting = sequences.iter().zip(chunk).peekable();
            while waiting.peek().is_some() {
                let received = self.receive("batch")?;
                for frame in frames(received) {
                    let frame = frame.map_err(|reason| decode("batch", reason))?;
                    let Some((sequence, change)) = waiting.peek() else {
                        break;
                    };
                    if frame.header.sequence_number != **sequence || frame.kind() != NLMSG_ERROR {
                        continue;
                    }
                    results.push(frame.acknowledgement(name_of(change.message.message_type())));
                    waiting.next();
                }
            }
        }
        Ok(results)
    }

    /// Sends one message and returns the one that answers it, such as `RTM_NEWROUTE` for `RTM_GETROUTE`.
    ///
    /// # Errors
    /// The kernel's refusal, or an answer that cannot be understood.
    pub fn get<M, A>(&mut self, message: &M, flags: u16) -> Result<A, Error>
    where
        M: NetlinkSerializable,
        A: NetlinkDeserializable,
    {
        let request = name_of(message.message_type());
        let mut bytes = Vec::new();
        let sequence = self.frame(message, flags, &mut bytes);
        self.send(&bytes, request)?;
        loop {
            let received = self.receive(request)?;
            for frame in frames(received) {
                let frame = frame.map_err(|reason| decode(request, reason))?;
                if frame.header.sequence_number != sequence || frame.kind() == NLMSG_NOOP {
                    continue;
                }
                if frame.kind() == NLMSG_ERROR {
                    frame.acknowledgement(request)?;
                    return Err(decode(request, "an acknowledgement in place of an answer"));
                }
                return frame.message(request);
            }
        }
    }

    /// Reads a whole table: sends `message` as a dump request and collects the answers. A dump that the
    /// kernel interrupted is read again, at most five times.
    ///
    /// # Errors
    /// The kernel's refusal, or an answer that cannot be understood.
    pub fn dump<M, A>(&mut self, message: &M) -> Result<Dump<A>, Error>
    where
        M: NetlinkSerializable,
        A: NetlinkDeserializable,
    {
        let mut attempts = 0;
        loop {
            let dump = self.dump_once(message)?;
            attempts += 1;
            if dump.complete || attempts > DUMP_RETRIES {
                return Ok(dump);
            }
        }
    }

    fn dump_once<M, A>(&mut self, message: &M) -> Result<Dump<A>, Error>
    where
        M: NetlinkSerializable,
        A: NetlinkDeserializable,
    {
        let request = name_of(message.message_type());
        let mut bytes = Vec::new();
        let sequence = self.frame(message, NLM_F_DUMP, &mut bytes);
        self.send(&bytes, request)?;
        let mut dump = Dump {
            rows: Vec::new(),
            complete: true,
        };
        loop {
            let received = self.receive(request)?;
            for frame in frames(received) {
                let frame = frame.map_err(|reason| decode(request, reason))?;
                if frame.header.sequence_number != sequence {
                    continue;
                }
                if frame.header.flags & NLM_F_DUMP_INTR != 0 {
                    dump.complete = false;
                }
                match frame.kind() {
                    NLMSG_NOOP => {}
                    NLMSG_ERROR => {
                        frame.acknowledgement(request)?;
                        return Ok(dump);
                    }
                    NLMSG_DONE => {
                        frame.done(request)?;
                        return Ok(dump);
                    }
                    _ => dump.rows.push(frame.message(request)?),
                }
            }
        }
    }

    /// The events that have come, waiting for the first at most `wait`; none if there was none.
    /// Messages of kinds that `A` does not know are left out.
    ///
    /// # Errors
    /// [`Error::Overrun`] when events were lost: whatever is derived from them must be read anew.
    pub fn events<A: NetlinkDeserializable>(&mut self, wait: Duration) -> Result<Vec<A>, Error> {
        // SO_RCVTIMEO of zero would mean "for ever".
        let wait = wait.max(Duration::from_micros(1));
        rustix::net::sockopt::set_socket_timeout(&self.socket, Timeout::Recv, Some(wait))
            .map_err(|errno| transport("events", errno.into()))?;
        match self.receive("events") {
            Ok(received) => Ok(frames(received)
                .filter_map(Result::ok)
                .filter_map(|frame| frame.message("events").ok())
                .collect()),
            Err(Error::Transport { source, .. }) if source.kind() == io::ErrorKind::TimedOut => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    fn frame<M: NetlinkSerializable>(&mut self, message: &M, flags: u16, out: &mut Vec<u8>) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sent += 1;
        let body = message.buffer_len();
        let start = out.len();
        let length = HEADER_LEN + body;
        // Messages are aligned to four octets (NLMSG_ALIGN); the length leaves the padding out.
        out.resize(start + length.next_multiple_of(4), 0);
        if let Some(frame) = out.get_mut(start..start + length) {
            let (header, payload) = frame.split_at_mut(HEADER_LEN);
            header[0..4].copy_from_slice(&(length as u32).to_ne_bytes());
            header[4..6].copy_from_slice(&message.message_type().to_ne_bytes());
            header[6..8].copy_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
            header[8..12].copy_from_slice(&self.sequence.to_ne_bytes());
            message.serialize(payload);
        }
        self.sequence
    }

    fn send(&self, bytes: &[u8], request: &'static str) -> Result<(), Error> {
        let sent = self
            .socket
            .send(bytes, 0)
            .map_err(|source| transport(request, source))?;
        if sent == bytes.len() {
            Ok(())
        } else {
            Err(transport(request, io::ErrorKind::WriteZero.into()))
        }
    }

    fn receive(&mut self, request: &'static str) -> Result<&[u8], Error> {
        self.receive.resize(RECEIVE_LEN, 0);
        loop {
            match rustix::net::recv(&self.socket, &mut self.receive[..], RecvFlags::TRUNC) {
                Ok((_, length)) => {
                    return self.receive.get(..length).ok_or_else(|| {
                        decode(
                            request,
                            format!("{length} octets do not fit the receive buffer"),
                        )
                    });
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::NOBUFS) => return Err(Error::Overrun),
                Err(rustix::io::Errno::AGAIN) => {
                    return Err(transport(request, io::ErrorKind::TimedOut.into()));
                }
                Err(errno) => return Err(transport(request, errno.into())),
            }
        }
    }

    fn acknowledgement(&mut self, sequence: u32, request: &'static str) -> Result<(), Error> {
        loop {
            let received = self.receive(request)?;
            for frame in frames(received) {
                let frame = frame.map_err(|reason| decode(request, reason))?;
                if frame.header.sequence_number == sequence && frame.kind() == NLMSG_ERROR {
                    return frame.acknowledgement(request);
                }
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
