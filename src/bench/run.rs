//! Asks the nodes, one measurement after the other, each first between the pods and then between the nodes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::message::{Flood, Flooded, Listen, Listening, Load, Received};
use super::{Bench, Measured, Packets, RoundTrips, Throughput, Way, per_second};
use crate::cluster::live::Live;
use crate::cluster::protocol::{AnswerOutcome, Question as Ask};
use crate::model::{Bundle, NetnsId};
use crate::probe::message::{Kind, NetnsRef, Outcome, Send, Watch};
use crate::probe::plan;
use crate::probe::prove::nonce;
use crate::trace::endpoint::Unfound;
use crate::trace::{Content, Named, Question, Ways, ways};
use crate::walk::path::{Packet, Path};

/// Octets of payload of a small datagram: with UDP over IPv4, the smallest that Ethernet does not pad.
const SMALL: u16 = 18;
/// Echoes asked for at once.
const ROUND: u16 = 100;
/// Echoes that find out whether there is anything to measure, and warm up what is cached.
const FIRST: u16 = 3;
/// How long an echo is waited for.
const PATIENCE: Duration = Duration::from_millis(500);
/// How much longer than its work a node may take.
const GRACE: Duration = Duration::from_secs(10);

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// How long each measurement lasts.
    pub seconds: u32,
    /// Echoes, unless the time is over before.
    pub echoes: u16,
    /// Bits a second that are not to be exceeded.
    pub most_bits: u64,
    /// The port that load goes to; the kernel's choice if 0.
    pub port: u16,
}

/// Who measures with whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// From.
    pub source: Named,
    /// To.
    pub destination: Named,
    /// IPv6 or IPv4 on purpose.
    pub v6: Option<bool>,
}

/// Why nothing was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// One of the two was not found.
    Unfound(Unfound),
    /// It is nothing that can receive.
    NoReceiver(String),
}

/// One way to measure.
struct Side {
    ways: Ways,
    from: (String, NetnsRef),
    to: (String, NetnsRef),
}

/// Measures.
///
/// # Errors
/// When one of the two is not found, or is in no namespace of these nodes.
pub fn run(
    live: &mut Live,
    bundle: &Bundle,
    pair: &Pair,
    amount: Amount,
) -> Result<Bench, Refusal> {
    let pods = Side::new(bundle, pair)?;
    let nodes = beside(bundle, &pods);
    let mut sides = vec![pods];
    sides.extend(nodes);
    let round_trips: Vec<_> = sides
        .iter()
        .map(|side| side.round_trips(live, amount))
        .collect();
    let tcp: Vec<_> = sides.iter().map(|side| side.tcp(live, amount)).collect();
    let udp: Vec<_> = sides.iter().map(|side| side.udp(live, amount)).collect();
    let mut ways = sides
        .into_iter()
        .zip(round_trips)
        .zip(tcp)
        .zip(udp)
        .map(|(((side, round_trips), tcp), udp)| side.into_way(round_trips, tcp, udp));
    let Some(pods) = ways.next() else {
        // There is always the first side.
        return Err(Refusal::NoReceiver(pair.destination.to_string()));
    };
    Ok(Bench {
        schema: Bench::SCHEMA,
        seconds: amount.seconds,
        most_bits: amount.most_bits,
        pods,
        nodes: ways.next(),
    })
}

/// The two nodes, by their addresses on the network that the packet crosses between them.
fn beside(bundle: &Bundle, pods: &Side) -> Option<Side> {
    let (from, to) = plan::underlay(&pods.ways.conversation.out)?;
    let pair = Pair {
        source: Named::Address(from, None),
        destination: Named::Address(to, None),
        v6: None,
    };
    let side = Side::new(bundle, &pair).ok()?;
    // A node beside itself says nothing.
    (side.from.1.id != pods.from.1.id || side.to.1.id != pods.to.1.id).then_some(side)
}

impl Side {
    fn new(bundle: &Bundle, pair: &Pair) -> Result<Self, Refusal> {
        let question = Question {
            source: pair.source.clone(),
            destination: pair.destination.clone(),
            content: Content::ECHO,
            v6: pair.v6,
        };
        let ways = ways(bundle, &question).map_err(Refusal::Unfound)?;
        let reference = |name: &str, node: &Option<String>, netns: Option<NetnsId>| {
            let found = node.as_deref().zip(netns).and_then(|(node, netns)| {
                let node = bundle.node(node)?;
                Some((node.name.clone(), plan::reference(node, node.netns(netns)?)))
            });
            found.ok_or_else(|| Refusal::NoReceiver(name.to_owned()))
        };
        let (source, destination) = (&ways.source, &ways.destination);
        Ok(Self {
            from: reference(&source.name, &source.node, source.netns)?,
            to: reference(&destination.name, &destination.node, destination.netns)?,
            ways,
        })
    }

    fn into_way(
        self,
        round_trips: Measured<RoundTrips>,
        tcp: Measured<Throughput>,
        udp: Measured<Packets>,
    ) -> Way {
        let conversation = &self.ways.conversation;
        let paths = || std::iter::once(&conversation.out).chain(&conversation.back);
        let wrapping = |path: &Path| {
            path.hops
                .iter()
                .map(|hop| hop.size.saturating_sub(path.packet.size))
                .max()
        };
        let is_whole = paths().all(Path::is_delivered);
        Way {
            path_mtu: paths().filter_map(Path::mtu).min().filter(|_| is_whole),
            wrapping: paths().filter_map(wrapping).max().filter(|_| is_whole),
            source: self.ways.source,
            destination: self.ways.destination,
            round_trips,
            tcp,
            udp,
        }
    }

    fn round_trips(&self, live: &mut Live, amount: Amount) -> Measured<RoundTrips> {
        let nonce = match nonce() {
            Ok(nonce) => nonce,
            Err(error) => return Measured::Unavailable(error.with_cause()),
        };
        let packet = &self.ways.packet;
        let mut request = Send {
            netns: self.from.1.clone(),
            source: Some(packet.source),
            destination: packet.destination,
            kind: Kind::Echo,
            watch: Watch {
                nonce,
                first_port: 0,
                ports: 1,
                destination_port: None,
                any_syn: false,
                tunnel_ports: Vec::new(),
            },
            first_sequence: 0,
            count: FIRST,
            size: Packet::echo(packet.source, packet.destination).size,
            dont_fragment: false,
            interval_us: None,
            wait_us: micros(PATIENCE),
        };
        match self.echo(live, &request) {
            Ok(times) if times.is_empty() => {
                return Measured::Lost(format!("none of {FIRST} echoes was answered"));
            }
            Ok(_) => {}
            Err(why) => return Measured::Unavailable(why),
        }
        let end = Instant::now() + Duration::from_secs(u64::from(amount.seconds));
        let (mut sent, mut all) = (0_u16, Vec::new());
        while sent < amount.echoes && Instant::now() < end {
            request.first_sequence = sent.wrapping_add(FIRST);
            request.count = ROUND.min(amount.echoes - sent);
            match self.echo(live, &request) {
                Ok(times) => all.extend(times),
                Err(why) => return Measured::Unavailable(why),
            }
            sent += request.count;
        }
        match RoundTrips::of(u32::from(sent), all) {
            Some(round_trips) => Measured::Known(round_trips),
            None => Measured::Lost(format!("none of {sent} echoes was answered")),
        }
    }

    /// The round trips of the echoes that were answered, nanoseconds.
    fn echo(&self, live: &mut Live, request: &Send) -> Result<Vec<u64>, String> {
        let limit = PATIENCE * u32::from(request.count) + GRACE;
        match live.ask(&self.from.0, Ask::Send(request.clone()), limit)? {
            AnswerOutcome::Sent(sent) => Ok(sent
                .iter()
                .filter_map(|sent| match sent.outcome {
                    Outcome::Answered { after_ns } => Some(after_ns),
                    _ => None,
                })
                .collect()),
            _ => Err(beside_the_point(&self.from.0)),
        }
    }

    fn tcp(&self, live: &mut Live, amount: Amount) -> Measured<Throughput> {
        let (flooded, received) = match self.load(live, Load::Tcp, amount) {
            Ok(both) => both,
            Err(why) => return Measured::Unavailable(why),
        };
        match (
            &flooded.refused,
            per_second(received.octets, received.elapsed_us),
        ) {
            (_, Some(octets)) if received.octets > 0 => Measured::Known(Throughput {
                octets: received.octets,
                elapsed_us: received.elapsed_us,
                bits_per_second: octets.saturating_mul(8),
                segment: flooded.segment,
                retransmitted: flooded.retransmitted,
            }),
            (Some(refused), _) => Measured::Lost(refused.clone()),
            // The handshake is small; what is large was lost.
            _ => Measured::Lost(format!(
                "connected, then nothing came: {} segments of {} octets were sent again",
                flooded.retransmitted, flooded.segment
            )),
        }
    }

    fn udp(&self, live: &mut Live, amount: Amount) -> Measured<Packets> {
        let (flooded, received) = match self.load(live, Load::Udp, amount) {
            Ok(both) => both,
            Err(why) => return Measured::Unavailable(why),
        };
        let (Some(sent), Some(arrived)) = (
            per_second(flooded.datagrams, flooded.elapsed_us),
            per_second(received.datagrams, received.elapsed_us),
        ) else {
            return Measured::Lost(match flooded.refused {
                Some(refused) => refused,
                None => format!("none of {} datagrams arrived", flooded.datagrams),
            });
        };
        let headers = if self.ways.packet.destination.is_ipv6() {
            48
        } else {
            28
        };
        Measured::Known(Packets {
            size: u32::from(SMALL) + headers,
            sent: flooded.datagrams,
            received: received.datagrams,
            sent_per_second: sent,
            received_per_second: arrived,
        })
    }

    /// A receiver there, load from here, and what came of both.
    fn load(
        &self,
        live: &mut Live,
        load: Load,
        amount: Amount,
    ) -> Result<(Flooded, Received), String> {
        let nonce = nonce().map_err(|error| error.with_cause())?;
        let duration = Duration::from_secs(u64::from(amount.seconds));
        let address = self.ways.packet.destination;
        let listen = Ask::BenchListen(Listen {
            netns: self.to.1.clone(),
            address,
            port: amount.port,
            load,
            nonce,
            limit_ms: millis(duration + GRACE),
        });
        let Listening { receiver, port } = match live.ask(&self.to.0, listen, GRACE)? {
            AnswerOutcome::Listening(listening) => listening,
            _ => return Err(beside_the_point(&self.to.0)),
        };
        let flood = Ask::BenchSend(Flood {
            netns: self.from.1.clone(),
            destination: SocketAddr::new(address, port),
            load,
            nonce,
            duration_ms: millis(duration),
            payload: SMALL,
            most_bits: amount.most_bits,
        });
        let flooded = live.ask(&self.from.0, flood, duration + GRACE);
        // Asked for in any case, as it ends the receiver.
        let received = live.ask(&self.to.0, Ask::BenchResult { receiver }, GRACE);
        match (flooded?, received?) {
            (AnswerOutcome::Flooded(flooded), AnswerOutcome::Received(received)) => {
                Ok((flooded, received))
            }
            _ => Err(beside_the_point(&self.from.0)),
        }
    }
}

fn beside_the_point(node: &str) -> String {
    format!("what {node} answers is not to the question")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
