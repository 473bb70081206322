//! `ovl trace`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::source::Where;
use crate::command::trace::{Manner, Output, Request};
use crate::error::{Error, Result};
use crate::trace::{Content, Named, Question};
use crate::walk::path::Protocol;

/// `ovl trace SRC DST`
#[derive(Debug, Args)]
pub struct Trace {
    /// Who asks: [NAMESPACE/]POD, node/NAME, or an address
    #[arg(value_name = "SRC")]
    source: String,

    /// Who is asked
    #[arg(
        value_name = "DST",
        help = "Who is asked: the same, or svc/[NAMESPACE/]NAME[:PORT]"
    )]
    destination: String,

    /// icmp, udp:PORT or tcp:PORT
    #[arg(long, value_name = "PROTO", default_value = "icmp")]
    proto: String,

    /// Octets of data in a packet, as ping counts them
    #[arg(long, short, value_name = "OCTETS", default_value_t = 56,
          value_parser = clap::value_parser!(u32).range(16..=65000))]
    size: u32,

    /// The packets must not be cut
    #[arg(long)]
    df: bool,

    /// Over IPv4 only
    #[arg(short = '4', conflicts_with = "v6")]
    v4: bool,

    /// Over IPv6 only
    #[arg(short = '6')]
    v6: bool,

    /// Only ask the tables; send nothing
    #[arg(long = "static")]
    is_static: bool,

    /// How many packets
    #[arg(long, short, value_name = "N", default_value_t = 3, conflicts_with = "is_static",
          value_parser = clap::value_parser!(u16).range(1..=200))]
    count: u16,

    /// Seconds from one packet to the next; if not given, each is sent when the one before was answered
    #[arg(long, short, value_name = "SECONDS", conflicts_with = "is_static", value_parser = seconds)]
    interval: Option<Duration>,

    /// How many seconds the last packet may take to be answered
    #[arg(long, value_name = "SECONDS", default_value = "1", hide_short_help = true,
          conflicts_with = "is_static", value_parser = seconds)]
    wait: Duration,

    /// Trace again and again, and show when it breaks and when it heals, until interrupted
    #[arg(long, short, conflicts_with = "from")]
    watch: bool,

    /// The output
    #[arg(long, short, value_enum, default_value = "text")]
    output: Shape,

    #[command(flatten)]
    place: Where,
}

/// `-o`
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shape {
    /// One line for each device on the way
    Text,
    /// Every row that decided something, and the way back
    Wide,
    /// One document
    Json,
    /// A drawing
    Svg,
}

impl Trace {
    /// What is asked for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_request(self) -> Result<Request> {
        let named = |text: &str| -> Result<Named> {
            text.parse()
                .map_err(|error: crate::trace::endpoint::NotAnEndpoint| {
                    Error::usage(error.to_string())
                })
        };
        let source = named(&self.source)?;
        if matches!(source, Named::Service { .. }) {
            return Err(Error::usage(
                "a service sends nothing; name one of its pods as SRC",
            ));
        }
        let is_static = self.is_static || self.place.is_saved();
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Ok(Request {
            question: Question {
                source,
                destination: named(&self.destination)?,
                content: Content {
                    protocol: protocol(&self.proto)?,
                    data: self.size,
                    dont_fragment: self.df,
                },
                v6: match (self.v4, self.v6) {
                    (true, _) => Some(false),
                    (_, true) => Some(true),
                    _ => None,
                },
            },
            manner: (!is_static).then(|| Manner {
                count: self.count,
                interval_us: self.interval.map(micros),
                wait_us: micros(self.wait),
            }),
            watch: self.watch,
            output: match self.output {
                Shape::Text => Output::Text { wide: false },
                Shape::Wide => Output::Text { wide: true },
                Shape::Json => Output::Json,
                Shape::Svg => Output::Svg,
            },
            place: self.place.into_source()?,
        })
    }
}

/// The source port of the first probe; any that nobody listens on would do.
const SOURCE_PORT: u16 = 40_000;

fn protocol(text: &str) -> Result<Protocol> {
    let wrong = || {
        Error::usage(format!(
            "--proto {text} is neither icmp, udp:PORT nor tcp:PORT"
        ))
        .try_this("--proto tcp:80")
    };
    if text == "icmp" {
        return Ok(Protocol::EchoRequest);
    }
    let (name, port) = text.split_once(':').ok_or_else(wrong)?;
    let destination_port = port
        .parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(wrong)?;
    let source_port = SOURCE_PORT;
    match name {
        "udp" => Ok(Protocol::Udp {
            source_port,
            destination_port,
        }),
        "tcp" => Ok(Protocol::Tcp {
            source_port,
            destination_port,
        }),
        _ => Err(wrong()),
    }
}

/// Seconds, also with a fraction, from a millisecond to ten minutes.
fn seconds(text: &str) -> std::result::Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| (0.001..=600.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "give seconds, from 0.001 to 600".to_owned())
}
