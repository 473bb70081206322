//! Sends probes from inside a namespace and waits for their answers.
//!
//! The namespace is entered, nothing is run in it: a pod needs no program for this. What the sender's socket
//! receives has passed everything up to a process, the namespace's own filters too, which a tap cannot say.

mod echo;
mod socket;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use plugin_core::netns::Netns;

use super::message::{Kind, Outcome, Send, Sent};
use super::session::now_ns;
use socket::Socket;

/// How long the next probe waits for the answer to the last one, unless an interval was given.
const PATIENCE: Duration = Duration::from_millis(200);

/// The most probes of one request, and the longest they may take altogether.
const MOST: u16 = 10_000;
const LONGEST: Duration = Duration::from_secs(600);

/// A probe that waits for its answer.
struct Open {
    sequence: u16,
    begun: Instant,
    time_ns: i64,
}

/// Sends what `request` says from `netns`, and returns what became of each, in their order.
///
/// # Errors
/// When the namespace cannot be entered or a socket cannot be made there. What goes wrong with a single
/// probe is its outcome.
pub fn send(netns: &Netns, request: &Send) -> io::Result<Vec<Sent>> {
    let count = request.count.min(MOST);
    let end = Instant::now() + LONGEST;
    let mut all = Vec::with_capacity(usize::from(count));
    let mut exchange = match request.kind {
        Kind::Echo => Exchange::Echo(echo::Echo::open(netns, request)?),
        Kind::Udp(_) | Kind::Tcp(_) => Exchange::Stream(stream::Stream::new(netns, request)),
    };
    let mut open: Vec<Open> = Vec::new();
    for number in 0..count {
        let sequence = request.first_sequence.wrapping_add(number);
        let begun = Instant::now();
        let time_ns = now_ns();
        match exchange.send(sequence) {
            Ok(()) => open.push(Open {
                sequence,
                begun,
                time_ns,
            }),
            Err(error) => all.push(Sent {
                sequence,
                time_ns,
                outcome: not_sent(&error),
            }),
        }
        let last = number + 1 == count;
        let (pause, eager) = match (last, request.interval_us) {
            (true, _) => (Duration::from_micros(request.wait_us), true),
            (false, Some(interval)) => (Duration::from_micros(interval), false),
            (false, None) => (PATIENCE, true),
        };
        let until = (begun + pause).min(end);
        exchange.listen(&mut open, &mut all, until, eager)?;
        if Instant::now() >= end {
            break;
        }
    }
    all.extend(open.into_iter().map(|open| Sent {
        sequence: open.sequence,
        time_ns: open.time_ns,
        outcome: Outcome::Silence,
    }));
    all.sort_by_key(|sent| sent.sequence.wrapping_sub(request.first_sequence));
    Ok(all)
}

enum Exchange<'a> {
    Echo(echo::Echo<'a>),
    Stream(stream::Stream<'a>),
}

impl Exchange<'_> {
    fn send(&mut self, sequence: u16) -> io::Result<()> {
        match self {
            Self::Echo(echo) => echo.send(sequence),
            Self::Stream(stream) => stream.send(sequence),
        }
    }

    /// Waits for answers until `until`; when `eager`, only while something is open.
    fn listen(
        &mut self,
        open: &mut Vec<Open>,
        done: &mut Vec<Sent>,
        until: Instant,
        eager: bool,
    ) -> io::Result<()> {
        loop {
            if eager && open.is_empty() {
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let heard = match self {
                Self::Echo(echo) => echo.hear(left)?,
                Self::Stream(stream) => stream.hear(left)?,
            };
            let now = Instant::now();
            for (sequence, heard) in heard {
                let Some(place) = open.iter().position(|open| open.sequence == sequence) else {
                    continue;
                };
                let probe = open.swap_remove(place);
                let after = now.saturating_duration_since(probe.begun);
                let after_ns = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
                done.push(Sent {
                    sequence,
                    time_ns: probe.time_ns,
                    outcome: heard.after(after_ns),
                });
            }
        }
    }
}

/// What a socket heard about a probe.
enum Heard {
    Answer,
    Refusal,
    Error(super::message::IcmpError),
    Failure(io::Error),
}

impl Heard {
    fn after(self, after_ns: u64) -> Outcome {
        match self {
            Self::Answer => Outcome::Answered { after_ns },
            Self::Refusal => Outcome::Refused { after_ns },
            Self::Error(error) => Outcome::Error { after_ns, error },
            Self::Failure(error) => not_sent(&error),
        }
    }
}

fn not_sent(error: &io::Error) -> Outcome {
    Outcome::NotSent {
        errno: error.raw_os_error().unwrap_or(0),
        why: error.to_string(),
    }
}

/// Where probe `sequence` goes.
fn destination(request: &Send) -> SocketAddr {
    let port = match request.kind {
        Kind::Echo => 0,
        Kind::Udp(port) | Kind::Tcp(port) => port,
    };
    SocketAddr::new(request.destination, port)
}

/// A payload of `length` octets that begins with the mark of `sequence`; a mark takes room in any case.
fn payload(request: &Send, sequence: u16, length: usize) -> Vec<u8> {
    let mut payload = super::identify::mark(request.watch.nonce, sequence).to_vec();
    // As `ping` fills it: each octet is its own place.
    payload.extend((payload.len()..length).map(|place| (place & 0xff) as u8));
    payload
}

/// Octets of the IP header in front of the destination's packets.
fn ip_header(request: &Send) -> usize {
    if request.destination.is_ipv4() {
        20
    } else {
        40
    }
}

/// A socket in `netns`.
fn open(netns: &Netns, family: &SocketAddr, kind: i32, protocol: i32) -> io::Result<Socket> {
    netns
        .run(|| Socket::new(family, kind, protocol))
        .map_err(io::Error::other)?
}
