//! The sending end of a load.

use std::io::{self, Read, Write};
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use plugin_core::netns::Netns;

use super::message::{Flood, Flooded, Load};
use super::receive::micros;
use crate::probe::tap::set;

/// How long a connection may take to stand.
const CONNECTING: Duration = Duration::from_secs(3);
/// The longest load.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a full connection is waited for before the clock is looked at.
const STALL: Duration = Duration::from_millis(200);
/// How long the last octets may take to arrive.
const DRAINING: Duration = Duration::from_secs(2);
/// Octets given to the kernel at once.
const PIECE: usize = 128 * 1024;
/// Datagrams between two looks at the clock.
const BATCH: u32 = 32;

/// Sends what `request` says from `netns`.
///
/// # Errors
/// When the namespace cannot be entered or a socket cannot be made there. What the network refuses is part of
/// the answer.
pub fn send(netns: &Netns, request: &Flood) -> Result<Flooded, String> {
    let sent = match request.load {
        Load::Tcp => stream(netns, request),
        Load::Udp => datagrams(netns, request),
    };
    sent.map_err(|error| format!("cannot send to {}: {error}", request.destination))
}

fn duration(request: &Flood) -> Duration {
    Duration::from_millis(request.duration_ms).min(LONGEST)
}

fn stream(netns: &Netns, request: &Flood) -> io::Result<Flooded> {
    let connected = netns
        .run(|| TcpStream::connect_timeout(&request.destination, CONNECTING))
        .map_err(io::Error::other)?;
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(error) => {
            return Ok(Flooded {
                refused: Some(match error.kind() {
                    io::ErrorKind::TimedOut => {
                        format!("no connection within {} s", CONNECTING.as_secs())
                    }
                    _ => error.to_string(),
                }),
                ..Flooded::default()
            });
        }
    };
    // TCP paces itself to this (`tcp_update_pacing_rate`, `net/ipv4/tcp_input.c`).
    let octets: u64 = request.most_bits / 8;
    set(&stream, libc::SOL_SOCKET, libc::SO_MAX_PACING_RATE, &octets)?;
    stream.set_write_timeout(Some(STALL))?;
    let begun = Instant::now();
    let end = begun + duration(request);
    let mut flooded = Flooded::default();
    let piece = vec![0x6f; PIECE];
    if let Err(error) = stream.write_all(&request.nonce.to_be_bytes()) {
        flooded.refused = Some(error.to_string());
    }
    while flooded.refused.is_none() && Instant::now() < end {
        match stream.write(&piece) {
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => flooded.refused = Some(error.to_string()),
        }
    }
    flooded.elapsed_us = micros(begun.elapsed());
    // The receiver closes when it has everything. Whatever has not arrived by then never will, and no
    // state of ours stays in the kernel.
    let _ = stream.shutdown(Shutdown::Write);
    stream.set_read_timeout(Some(DRAINING))?;
    let _ = stream.read(&mut [0; 8]);
    if let Some(info) = info(&stream) {
        flooded.segment = info.tcpi_snd_mss;
        flooded.retransmitted = info.tcpi_total_retrans;
    }
    let reset = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    set(&stream, libc::SOL_SOCKET, libc::SO_LINGER, &reset)?;
    Ok(flooded)
}

/// What the kernel knows of a connection.
fn info(stream: &TcpStream) -> Option<libc::tcp_info> {
    // SAFETY: an all-zero tcp_info is a valid value of plain integers.
    let mut info: libc::tcp_info = unsafe { zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: `info` and `length` are valid for writing and of the size that is said.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    (result == 0).then_some(info)
}

fn datagrams(netns: &Netns, request: &Flood) -> io::Result<Flooded> {
    let any: IpAddr = if request.destination.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = netns
        .run(|| UdpSocket::bind(SocketAddr::new(any, 0)))
        .map_err(io::Error::other)??;
    let mut flooded = Flooded::default();
    if let Err(error) = socket.connect(request.destination) {
        flooded.refused = Some(error.to_string());
        return Ok(flooded);
    }
    let mut datagram = vec![0; usize::from(request.payload).max(8)];
    for (place, octet) in datagram.iter_mut().zip(request.nonce.to_be_bytes()) {
        *place = octet;
    }
    let begun = Instant::now();
    let end = begun + duration(request);
    let bits = (datagram.len() * 8) as f64;
    while Instant::now() < end {
        for _ in 0..BATCH {
            match socket.send(&datagram) {
                Ok(_) => flooded.datagrams += 1,
                // No room on the way out, which is what this is about.
                Err(error)
                    if error.raw_os_error() == Some(libc::ENOBUFS)
                        || error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    flooded.refused = Some(error.to_string());
                    flooded.elapsed_us = micros(begun.elapsed());
                    return Ok(flooded);
                }
            }
        }
        let due = flooded.datagrams as f64 * bits / request.most_bits.max(1) as f64;
        let wait = Duration::from_secs_f64(due).saturating_sub(begun.elapsed());
        thread::sleep(wait.min(end.saturating_duration_since(Instant::now())));
    }
    flooded.elapsed_us = micros(begun.elapsed());
    Ok(flooded)
}
