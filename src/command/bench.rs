//! `ovl bench`: the same traffic between two pods and between their nodes, in one run.

use std::net::IpAddr;
use std::time::Duration;

use crate::bench::{Bench, Measured, Packets, RoundTrips, Stream};
use crate::cli::Context;
use crate::cluster::Source;
use crate::cluster::live::Live;
use crate::cluster::protocol::{AnswerOutcome, Question as Ask};
use crate::collect::Scope;
use crate::error::{Error, Outcome, Result};
use crate::model::Bundle;
use crate::probe::load::{Load, Received};
use crate::probe::message::{Kind, NetnsRef, Send, Watch};
use crate::probe::plan::reference;
use crate::render::{Format, bench as show, format};
use crate::trace::{Content, Endpoint, Named, Question, Ways, ways};
use crate::walk::path::Path;

/// How long a node may take for what should take no time.
const QUICK: Duration = Duration::from_secs(10);
/// What is on its way when the load ends has so long to arrive.
const SETTLE: Duration = Duration::from_millis(100);

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// Who sends.
    pub source: Named,
    /// Who receives.
    pub destination: Named,
    /// How long each load lasts.
    pub time: Duration,
    /// How many echoes.
    pub echoes: u16,
    /// No load.
    pub is_idle: bool,
    /// How to print it.
    pub output: Format,
    /// Where to look.
    pub place: Source,
}

/// Measures and prints. Exits 4 when something could not be measured.
///
/// # Errors
/// When no node can be read, or one of the two ends is not found.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let mut live = Live::open(&request.place)?;
    let bundle = live.read(&Scope::Everything)?;
    let pods = find(&bundle, &request.source, &request.destination)?;
    let mut pairs = vec![pods];
    let nodes = pairs.first().and_then(|pods| {
        let (from, to) = (pods.source.node.clone()?, pods.destination.node.clone()?);
        (from != to).then_some((Named::Node(from), Named::Node(to)))
    });
    if let Some((from, to)) = nodes
        && (&from, &to) != (&request.source, &request.destination)
    {
        pairs.push(find(&bundle, &from, &to)?);
    }
    let mut bench = Bench {
        schema: Bench::SCHEMA,
        ways: Vec::new(),
        doubts: Vec::new(),
    };
    for pair in &pairs {
        let measured = measure(request, &mut live, &bundle, pair, &mut bench.doubts)?;
        bench.ways.push(measured);
    }
    drop(live);
    match request.output {
        Format::Json => format::json(&bench, context.out)?,
        _ => show::text(&bench, context.style, context.out)?,
    }
    super::warn_of_missing(&bundle);
    Ok(if bench.doubts.is_empty() {
        Outcome::Healthy
    } else {
        Outcome::CannotTell
    })
}

fn find(bundle: &Bundle, source: &Named, destination: &Named) -> Result<Ways> {
    let question = Question {
        source: source.clone(),
        destination: destination.clone(),
        content: Content::ECHO,
        v6: None,
    };
    ways(bundle, &question).map_err(|who| super::trace::unfound(who, bundle))
}

/// One end with the node that is asked for it.
struct End {
    node: String,
    netns: NetnsRef,
    address: IpAddr,
}

fn end(bundle: &Bundle, endpoint: &Endpoint) -> Result<End> {
    endpoint
        .node
        .as_deref()
        .zip(endpoint.netns)
        .and_then(|(name, netns)| {
            let node = bundle.node(name)?;
            Some(End {
                node: name.to_owned(),
                netns: reference(node, node.netns(netns)?),
                address: endpoint.address,
            })
        })
        .ok_or_else(|| Error::usage(format!("{} is on none of these nodes", endpoint.name)))
}

fn measure(
    request: &Request,
    live: &mut Live,
    bundle: &Bundle,
    ways: &Ways,
    doubts: &mut Vec<String>,
) -> Result<Measured> {
    let (from, to) = (end(bundle, &ways.source)?, end(bundle, &ways.destination)?);
    let out = &ways.conversation.out;
    let paths = std::iter::once(out).chain(&ways.conversation.back);
    let mut measured = Measured {
        source: ways.source.name.clone(),
        source_address: from.address,
        destination: ways.destination.name.clone(),
        destination_address: to.address,
        path_mtu: paths.filter_map(Path::mtu).min(),
        wrapping: wrapping(out),
        round_trips: None,
        stream: None,
        packets: None,
    };
    let title = format!("{} → {}", measured.source, measured.destination);
    let mut doubt = |what: &str, why: &str| doubts.push(format!("{title} {what}: {why}"));
    if request.echoes > 0 {
        match echoes(live, ways, &from, request.echoes) {
            Ok(trips @ Some(_)) => measured.round_trips = trips,
            Ok(None) => doubt("round trip", "no echo was answered"),
            Err(why) => doubt("round trip", &why),
        }
    }
    if !request.is_idle {
        match load(live, &from, &to, Load::Stream, request.time) {
            Ok((_, received)) => measured.stream = Stream::of(&received),
            Err(why) => doubt("TCP", &why),
        }
        match load(live, &from, &to, Load::Packets, request.time) {
            Ok((sent, received)) => measured.packets = Packets::of(sent, &received),
            Err(why) => doubt("packets", &why),
        }
        for (what, is_there) in [
            ("TCP", measured.stream.is_some()),
            ("packets", measured.packets.is_some()),
        ] {
            if !is_there
                && !doubts
                    .iter()
                    .any(|doubt| doubt.contains(&format!("{title} {what}")))
            {
                doubts.push(format!("{title} {what}: nothing arrived"));
            }
        }
    }
    Ok(measured)
}

/// The most octets that any hop adds around the packet.
fn wrapping(path: &Path) -> u32 {
    path.hops
        .iter()
        .map(|hop| hop.size.saturating_sub(path.packet.size))
        .max()
        .unwrap_or(0)
}

fn echoes(
    live: &mut Live,
    ways: &Ways,
    from: &End,
    count: u16,
) -> std::result::Result<Option<RoundTrips>, String> {
    let nonce = crate::probe::prove::nonce().map_err(|error| error.with_cause())?;
    let send = Send {
        netns: from.netns.clone(),
        source: Some(from.address),
        destination: ways.destination.address,
        kind: Kind::Echo,
        watch: Watch {
            nonce,
            first_port: 0,
            ports: 0,
            destination_port: None,
            any_syn: false,
            tunnel_ports: Vec::new(),
        },
        first_sequence: 0,
        count,
        size: ways.packet.size,
        dont_fragment: false,
        interval_us: None,
        wait_us: 1_000_000,
    };
    // Each lost one takes a fifth of a second.
    let limit = Duration::from_millis(200) * u32::from(count) + QUICK;
    match live.ask(&from.node, Ask::Send(send), limit)? {
        AnswerOutcome::Sent(sent) => Ok(RoundTrips::of(&sent)),
        _ => Err("it did not say what became of the echoes".to_owned()),
    }
}

/// One load: the receiver first, then the sender, then what the receiver counted.
fn load(
    live: &mut Live,
    from: &End,
    to: &End,
    load: Load,
    time: Duration,
) -> std::result::Result<(u64, Received), String> {
    let open = Ask::SinkOpen {
        netns: to.netns.clone(),
        address: to.address,
    };
    let AnswerOutcome::Sink(port) = live.ask(&to.node, open, QUICK)? else {
        return Err("it did not open a receiver".to_owned());
    };
    let put = Ask::Load {
        netns: from.netns.clone(),
        source: from.address,
        destination: to.address,
        port,
        load,
        time_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
    };
    let sent = live.ask(&from.node, put, time + QUICK);
    std::thread::sleep(SETTLE);
    let received = live.ask(&to.node, Ask::SinkClose, QUICK);
    match (sent?, received?) {
        (AnswerOutcome::Loaded(sent), AnswerOutcome::Received(received)) => Ok((sent, received)),
        _ => Err("it did not say what it counted".to_owned()),
    }
}
