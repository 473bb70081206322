//! What an overlay costs: the same traffic between two pods and between their nodes, side by side. Pure: from
//! what was measured to a document.

use std::net::IpAddr;

use serde::Serialize;

use crate::probe::load::Received;
use crate::probe::message::{Outcome, Sent};

/// A comparison (`ovl.bench/v1`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bench {
    /// Always [`Bench::SCHEMA`].
    pub schema: &'static str,
    /// What was asked for first, then the nodes, if the two ends are on different ones.
    pub ways: Vec<Measured>,
    /// What could not be measured, and why.
    pub doubts: Vec<String>,
}

impl Bench {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.bench/v1";
}

/// What one way carries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Who sent.
    pub source: String,
    /// From this address.
    pub source_address: IpAddr,
    /// Who received.
    pub destination: String,
    /// At this address.
    pub destination_address: IpAddr,
    /// The largest packet that gets through uncut by the tables, octets.
    pub path_mtu: Option<u32>,
    /// Octets that wrapping adds to each packet.
    pub wrapping: u32,
    /// Echoes, one after the other.
    pub round_trips: Option<RoundTrips>,
    /// One TCP connection.
    pub stream: Option<Stream>,
    /// Small UDP packets.
    pub packets: Option<Packets>,
}

/// How long echoes took, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RoundTrips {
    /// How many were sent.
    pub sent: u32,
    /// How many were answered.
    pub answered: u32,
    /// Half took no longer.
    pub p50_ns: u64,
    /// Nine of ten took no longer.
    pub p90_ns: u64,
    /// Ninety-nine of a hundred took no longer.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl RoundTrips {
    /// From what became of each; none if none was answered.
    pub fn of(sent: &[Sent]) -> Option<Self> {
        let mut times: Vec<u64> = sent
            .iter()
            .filter_map(|sent| match sent.outcome {
                Outcome::Answered { after_ns } => Some(after_ns),
                _ => None,
            })
            .collect();
        times.sort_unstable();
        // The nearest rank: the smallest time that so many of a hundred do not exceed.
        let rank = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(place).copied()
        };
        Some(Self {
            sent: u32::try_from(sent.len()).unwrap_or(u32::MAX),
            answered: u32::try_from(times.len()).unwrap_or(u32::MAX),
            p50_ns: rank(50)?,
            p90_ns: rank(90)?,
            p99_ns: rank(99)?,
            max_ns: rank(100)?,
        })
    }
}

/// What a TCP connection carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stream {
    /// Octets of data that arrived.
    pub octets: u64,
    /// In this time, nanoseconds.
    pub time_ns: u64,
    /// Bits of data in a second.
    pub bits_per_second: u64,
}

impl Stream {
    /// From what the receiver counted; none if nothing came.
    pub fn of(received: &Received) -> Option<Self> {
        Some(Self {
            octets: received.octets,
            time_ns: received.stream_ns,
            bits_per_second: per_second(received.octets.saturating_mul(8), received.stream_ns)?,
        })
    }
}

/// How many small packets came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Packets {
    /// Handed to the kernel.
    pub sent: u64,
    /// Taken by the receiver.
    pub received: u64,
    /// In this time, nanoseconds.
    pub time_ns: u64,
    /// Received in a second.
    pub per_second: u64,
}

impl Packets {
    /// From what the receiver counted of `sent`; none if nothing came.
    pub fn of(sent: u64, received: &Received) -> Option<Self> {
        Some(Self {
            sent,
            received: received.packets,
            time_ns: received.packets_ns,
            per_second: per_second(received.packets, received.packets_ns)?,
        })
    }
}

fn per_second(number: u64, time_ns: u64) -> Option<u64> {
    let scaled = u128::from(number) * 1_000_000_000;
    u64::try_from(scaled.checked_div(u128::from(time_ns))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let sent: Vec<Sent> = (1..=200)
            .map(|n| Sent {
                sequence: n,
                time_ns: 0,
                outcome: if n == 200 {
                    Outcome::Silence
                } else {
                    Outcome::Answered {
                        after_ns: u64::from(n),
                    }
                },
            })
            .collect();
        let times = RoundTrips::of(&sent).unwrap();
        assert_eq!((times.sent, times.answered), (200, 199));
        assert_eq!(
            (times.p50_ns, times.p90_ns, times.p99_ns, times.max_ns),
            (100, 180, 198, 199)
        );
        assert_eq!(RoundTrips::of(&[]), None);
    }

    #[test]
    fn rates_are_of_what_arrived() {
        let received = Received {
            octets: 1_000_000,
            stream_ns: 500_000_000,
            packets: 10,
            packets_ns: 0,
        };
        assert_eq!(Stream::of(&received).unwrap().bits_per_second, 16_000_000);
        assert_eq!(Packets::of(20, &received), None, "no time, no rate");
    }
}
