//! What a pod network costs: round trips, TCP throughput and packets a second from pod to pod, beside the same
//! between their two nodes, in one run.
//!
//! | | |
//! |---|---|
//! | [`message`] | what is asked of a node and what it answers, as plain values |
//! | [`send`], [`receive`] | a small sender and receiver, each inside a namespace |
//! | [`run`] | which is asked when, and what comes of it |
//!
//! Load is bounded by time: each of the six measurements has its seconds, and a node ends what nobody asks about.

pub mod message;
pub mod receive;
pub mod run;
pub mod send;

use serde::Serialize;

use crate::trace::Endpoint;

/// A whole measurement (`ovl.bench/v1`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bench {
    /// Always [`Bench::SCHEMA`].
    pub schema: &'static str,
    /// Seconds that each measurement had.
    pub seconds: u32,
    /// Bits a second that were not to be exceeded.
    pub most_bits: u64,
    /// Between what was asked about.
    pub pods: Way,
    /// Between their nodes; nothing if they are on one, or are nodes themselves.
    pub nodes: Option<Way>,
}

impl Bench {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.bench/v1";

    /// Both ways, if there are two.
    pub fn ways(&self) -> impl Iterator<Item = &Way> {
        std::iter::once(&self.pods).chain(&self.nodes)
    }
}

/// What one way can carry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Way {
    /// From.
    pub source: Endpoint,
    /// To.
    pub destination: Endpoint,
    /// The largest packet that gets through there and back uncut, octets, by the tables.
    pub path_mtu: Option<u32>,
    /// Octets that are put around a packet on its way, by the tables; the most at any device.
    pub wrapping: Option<u32>,
    /// Echoes, one after the other.
    pub round_trips: Measured<RoundTrips>,
    /// One TCP connection.
    pub tcp: Measured<Throughput>,
    /// Small UDP datagrams.
    pub udp: Measured<Packets>,
}

/// What came of a measurement: three answers, never two.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured<T> {
    /// It was measured.
    Known(T),
    /// Packets were sent and nothing came of it.
    Lost(String),
    /// It could not be measured.
    Unavailable(String),
}

impl<T> Measured<T> {
    /// The result, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Lost(_) | Self::Unavailable(_) => None,
        }
    }
}

/// Times from an echo to its reply, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RoundTrips {
    /// Echoes sent.
    pub sent: u32,
    /// Echoes answered.
    pub answered: u32,
    /// The shortest.
    pub min_ns: u64,
    /// Half of all are not longer.
    pub p50_ns: u64,
    /// Nine of ten are not longer.
    pub p90_ns: u64,
    /// 99 of a hundred are not longer.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl RoundTrips {
    /// The percentiles by nearest rank; `None` if nothing was answered.
    pub fn of(sent: u32, mut times_ns: Vec<u64>) -> Option<Self> {
        times_ns.sort_unstable();
        let count = times_ns.len();
        let rank = |percent: usize| {
            let at = (count * percent).div_ceil(100).max(1) - 1;
            times_ns.get(at).copied()
        };
        Some(Self {
            sent,
            answered: u32::try_from(count).unwrap_or(u32::MAX),
            min_ns: *times_ns.first()?,
            p50_ns: rank(50)?,
            p90_ns: rank(90)?,
            p99_ns: rank(99)?,
            max_ns: *times_ns.last()?,
        })
    }
}

/// What a TCP connection carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Throughput {
    /// Octets that the receiver got.
    pub octets: u64,
    /// From the connection's start to its last octet, microseconds.
    pub elapsed_us: u64,
    /// Bits a second of payload.
    pub bits_per_second: u64,
    /// Octets of payload in a segment (`tcpi_snd_mss`).
    pub segment: u32,
    /// Segments that had to be sent again.
    pub retransmitted: u32,
}

/// What small datagrams came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Packets {
    /// Octets of each with its IP header.
    pub size: u32,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that the receiving socket got.
    pub received: u64,
    /// Datagrams a second that were sent.
    pub sent_per_second: u64,
    /// Datagrams a second that arrived.
    pub received_per_second: u64,
}

/// `amount` in `elapsed_us` as so many a second; none if there was no time to speak of.
fn per_second(amount: u64, elapsed_us: u64) -> Option<u64> {
    let rate = u128::from(amount) * 1_000_000 / u128::from(elapsed_us).max(1);
    (elapsed_us > 0).then(|| u64::try_from(rate).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let all = RoundTrips::of(201, (1..=200).rev().collect()).unwrap();
        assert_eq!((all.min_ns, all.p50_ns, all.p90_ns), (1, 100, 180));
        assert_eq!((all.p99_ns, all.max_ns), (198, 200));
        assert_eq!((all.sent, all.answered), (201, 200));
        let one = RoundTrips::of(1, vec![7]).unwrap();
        assert_eq!((one.min_ns, one.p50_ns, one.p99_ns), (7, 7, 7));
        assert_eq!(RoundTrips::of(3, Vec::new()), None);
    }

    #[test]
    fn rates_do_not_overflow() {
        assert_eq!(per_second(10, 500_000), Some(20));
        assert_eq!(per_second(10, 0), None);
        assert_eq!(per_second(u64::MAX, 1), Some(u64::MAX));
    }
}
