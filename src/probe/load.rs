//! Load: what a way carries, by traffic. Bounded in time and in what it takes.
//!
//! The receiver counts; what a sender believes to have sent says nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use plugin_core::netns::Netns;
use serde::{Deserialize, Serialize};

/// The longest that load is put on a network at once.
pub const LONGEST: Duration = Duration::from_secs(30);
/// How long a receiver sleeps before it looks whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(50);
/// Octets written at once to a connection.
const PIECE: usize = 128 << 10;
/// Octets of data in each small packet: with UDP and IPv4 headers 46, the least of Ethernet.
const SMALL: usize = 18;
/// Small packets sent between two looks at the clock.
const BURST: u32 = 32;

/// What kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// One TCP connection, as fast as it goes.
    Stream,
    /// Small UDP packets, as many as go.
    Packets,
}

/// What a receiver has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Received {
    /// Octets of data over TCP.
    pub octets: u64,
    /// From the first to the last of them, nanoseconds.
    pub stream_ns: u64,
    /// UDP packets.
    pub packets: u64,
    /// From the first to the last of them, nanoseconds.
    pub packets_ns: u64,
}

/// A receiver in a namespace. It ends when dropped.
#[derive(Debug)]
pub struct Sink {
    port: u16,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    begun: Instant,
    is_over: AtomicBool,
    stream: Count,
    packets: Count,
}

/// A number, with when it first and last grew.
#[derive(Debug, Default)]
struct Count {
    number: AtomicU64,
    first_ns: AtomicU64,
    last_ns: AtomicU64,
}

impl Count {
    fn add(&self, number: u64, since: Instant) {
        let now = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if self.number.fetch_add(number, Ordering::Relaxed) == 0 {
            self.first_ns.store(now, Ordering::Relaxed);
        }
        self.last_ns.store(now, Ordering::Relaxed);
    }

    fn read(&self) -> (u64, u64) {
        let span = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (
            span(&self.number),
            span(&self.last_ns).saturating_sub(span(&self.first_ns)),
        )
    }
}

impl Sink {
    /// Listens on `address` in `netns`, on one free port for TCP and UDP.
    ///
    /// # Errors
    /// When the namespace cannot be entered, or has no such address.
    pub fn open(netns: &Netns, address: IpAddr) -> io::Result<Self> {
        let (listener, socket) = netns
            .run(|| {
                let listener = TcpListener::bind(SocketAddr::new(address, 0))?;
                let socket = UdpSocket::bind(listener.local_addr()?)?;
                Ok::<_, io::Error>((listener, socket))
            })
            .map_err(io::Error::other)??;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        socket.set_read_timeout(Some(GLANCE))?;
        let counts = Arc::new(Counts {
            begun: Instant::now(),
            is_over: AtomicBool::new(false),
            stream: Count::default(),
            packets: Count::default(),
        });
        // Dropped on failure, so that a thread which did start ends.
        let sink = Self {
            port,
            counts: Arc::clone(&counts),
        };
        let of_stream = Arc::clone(&counts);
        thread::Builder::new()
            .name("stream-sink".into())
            .spawn(move || take_stream(&listener, &of_stream))?;
        thread::Builder::new()
            .name("packet-sink".into())
            .spawn(move || take_packets(&socket, &counts))?;
        Ok(sink)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What came so far.
    pub fn received(&self) -> Received {
        let (octets, stream_ns) = self.counts.stream.read();
        let (packets, packets_ns) = self.counts.packets.read();
        Received {
            octets,
            stream_ns,
            packets,
            packets_ns,
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.counts.is_over.store(true, Ordering::Relaxed);
    }
}

fn take_stream(listener: &TcpListener, counts: &Counts) {
    let mut piece = vec![0; PIECE];
    while !counts.is_over.load(Ordering::Relaxed) {
        let Ok((mut stream, _)) = listener.accept() else {
            thread::sleep(GLANCE);
            continue;
        };
        let ready = stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_read_timeout(Some(GLANCE)));
        if ready.is_err() {
            continue;
        }
        while !counts.is_over.load(Ordering::Relaxed) {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => counts.stream.add(length as u64, counts.begun),
                Err(error) if is_pause(&error) => {}
                Err(_) => break,
            }
        }
    }
}

fn take_packets(socket: &UdpSocket, counts: &Counts) {
    let mut packet = [0; 64];
    while !counts.is_over.load(Ordering::Relaxed) {
        match socket.recv(&mut packet) {
            Ok(_) => counts.packets.add(1, counts.begun),
            Err(error) if is_pause(&error) => {}
            Err(_) => return,
        }
    }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// Puts `load` on the way from `netns` for `time`. Returns how many octets or packets were handed to the kernel.
///
/// # Errors
/// When the namespace cannot be entered, or the other end does not answer.
pub fn put(
    netns: &Netns,
    source: Option<IpAddr>,
    to: SocketAddr,
    load: Load,
    time: Duration,
) -> io::Result<u64> {
    let end = Instant::now() + time.min(LONGEST);
    match load {
        Load::Stream => {
            let mut stream = netns
                .run(|| TcpStream::connect_timeout(&to, Duration::from_secs(3)))
                .map_err(io::Error::other)??;
            stream.set_write_timeout(Some(Duration::from_secs(3)))?;
            let piece = vec![0; PIECE];
            let mut octets = 0;
            while Instant::now() < end {
                octets += stream.write(&piece)? as u64;
            }
            Ok(octets)
        }
        Load::Packets => {
            let any: IpAddr = if to.is_ipv4() {
                std::net::Ipv4Addr::UNSPECIFIED.into()
            } else {
                std::net::Ipv6Addr::UNSPECIFIED.into()
            };
            let socket = netns
                .run(|| {
                    let socket = UdpSocket::bind(SocketAddr::new(source.unwrap_or(any), 0))?;
                    socket.connect(to)?;
                    Ok::<_, io::Error>(socket)
                })
                .map_err(io::Error::other)??;
            let packet = [0; SMALL];
            let mut packets = 0;
            while Instant::now() < end {
                for _ in 0..BURST {
                    // A full queue loses it; what arrived is counted at the other end.
                    packets += u64::from(socket.send(&packet).is_ok());
                }
            }
            Ok(packets)
        }
    }
}
