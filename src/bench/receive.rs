//! The receiving end of a load: a socket inside a namespace and a thread that counts what comes.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use plugin_core::netns::Netns;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::message::{Listen, Listening, Load, Received};
use crate::probe::tap::set;

/// Receivers that one conversation may have at once.
const MOST: usize = 8;
/// The longest that one may wait for its load.
const LONGEST: Duration = Duration::from_secs(120);
/// No more comes once nothing has come for so long and the sender is known to have ended.
const QUIET: Duration = Duration::from_millis(50);
/// A stranger's connection has so long to show that it is none.
const GREETING: Duration = Duration::from_secs(1);
/// Octets read at once.
const PIECE: usize = 256 * 1024;
/// The kernel's room for datagrams that were not read yet, octets.
const ROOM: libc::c_int = 8 << 20;

/// The receivers of one conversation. They end with it.
#[derive(Debug, Default)]
pub struct Receivers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    last: u32,
    open: HashMap<u32, Receiver>,
}

#[derive(Debug)]
struct Receiver {
    sender_ended: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Received>>,
}

/// Until when a receiver goes on.
struct Until {
    sender_ended: Arc<AtomicBool>,
    end: Instant,
}

impl Until {
    /// Whether a quiet moment is the end.
    fn is_over(&self) -> bool {
        self.sender_ended.load(Ordering::Relaxed) || Instant::now() >= self.end
    }
}

enum Socket {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Receivers {
    /// Begins to receive.
    ///
    /// # Errors
    /// When the namespace cannot be entered, it has no such address, or the port is taken.
    pub fn listen(&self, netns: &Netns, request: &Listen) -> Result<Listening, String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.open.retain(|_, open| !open.thread.is_finished());
        if known.open.len() >= MOST {
            return Err(format!("{MOST} receivers are open already"));
        }
        let at = SocketAddr::new(request.address, request.port);
        let (socket, port) = netns
            .run(|| open(&at, request.load))
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("cannot receive at {at}: {error}"))?;
        let until = Until {
            sender_ended: Arc::default(),
            end: Instant::now() + Duration::from_millis(request.limit_ms).min(LONGEST),
        };
        let sender_ended = Arc::clone(&until.sender_ended);
        let nonce = request.nonce.to_be_bytes();
        let thread = thread::Builder::new()
            .name("receiver".into())
            .spawn(move || match socket {
                Socket::Tcp(listener) => stream(&listener, nonce, &until),
                Socket::Udp(socket) => datagrams(&socket, nonce, &until),
            })
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        known.last += 1;
        let receiver = known.last;
        let open = Receiver {
            sender_ended,
            thread,
        };
        known.open.insert(receiver, open);
        Ok(Listening { receiver, port })
    }

    /// Ends a receiver, whose sender has ended, and says what it got.
    ///
    /// # Errors
    /// When there is no such receiver, or reading failed.
    pub fn result(&self, receiver: u32) -> Result<Received, String> {
        let open = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .open
            .remove(&receiver)
            .ok_or_else(|| format!("there is no receiver {receiver}"))?;
        open.sender_ended.store(true, Ordering::Relaxed);
        match open.thread.join() {
            Ok(received) => received.map_err(|error| format!("cannot receive: {error}")),
            Err(_) => Err("the receiver failed".to_owned()),
        }
    }
}

/// Makes the socket in the namespace of the calling thread.
fn open(at: &SocketAddr, load: Load) -> io::Result<(Socket, u16)> {
    match load {
        Load::Tcp => {
            let listener = TcpListener::bind(at)?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            Ok((Socket::Tcp(listener), port))
        }
        Load::Udp => {
            let socket = UdpSocket::bind(at)?;
            socket.set_read_timeout(Some(QUIET))?;
            // Beyond the system's limit if allowed (CAP_NET_ADMIN); the usual room serves too.
            if set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &ROOM).is_err() {
                let _ = set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, &ROOM);
            }
            let port = socket.local_addr()?.port();
            Ok((Socket::Udp(socket), port))
        }
    }
}

fn stream(listener: &TcpListener, nonce: [u8; 8], until: &Until) -> io::Result<Received> {
    let mut received = Received::default();
    let mut stream = loop {
        match accept(listener, nonce)? {
            Some(stream) => break stream,
            None if until.is_over() => return Ok(received),
            None => {}
        }
    };
    let begun = Instant::now();
    stream.set_read_timeout(Some(QUIET * 4))?;
    let mut piece = vec![0; PIECE];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return Ok(received),
            Ok(length) => {
                received.octets += length as u64;
                received.elapsed_us = micros(begun.elapsed());
                if Instant::now() >= until.end {
                    return Ok(received);
                }
            }
            Err(error) if is_quiet(&error) => {
                if until.is_over() {
                    return Ok(received);
                }
            }
            // The sender gave up; what came before counts all the same.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(received),
            Err(error) => return Err(error),
        }
    }
}

/// Waits a moment for a connection that begins with the nonce.
fn accept(listener: &TcpListener, nonce: [u8; 8]) -> io::Result<Option<TcpStream>> {
    let patience = Timespec::try_from(QUIET).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&patience)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut stream = match listener.accept() {
        Ok((stream, _)) => stream,
        Err(error) if is_quiet(&error) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => return Ok(None),
        Err(error) => return Err(error),
    };
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(GREETING))?;
    let mut greeting = [0; 8];
    let is_ours = stream.read_exact(&mut greeting).is_ok() && greeting == nonce;
    Ok(is_ours.then_some(stream))
}

fn datagrams(socket: &UdpSocket, nonce: [u8; 8], until: &Until) -> io::Result<Received> {
    let mut received = Received::default();
    let mut first = None;
    let mut datagram = [0; 2048];
    loop {
        match socket.recv(&mut datagram) {
            Ok(length) => {
                let octets = datagram.get(..length).unwrap_or_default();
                if !octets.starts_with(&nonce) {
                    continue;
                }
                let now = Instant::now();
                received.octets += length as u64;
                received.datagrams += 1;
                let begun = *first.get_or_insert(now);
                received.elapsed_us = micros(now.saturating_duration_since(begun));
                if now >= until.end {
                    return Ok(received);
                }
            }
            Err(error) if is_quiet(&error) => {
                if until.is_over() {
                    return Ok(received);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_quiet(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
