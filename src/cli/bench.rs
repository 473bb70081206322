//! `ovl bench`.

use clap::{Args, ValueEnum};

use super::source::Where;
use crate::bench::run::{Amount, Pair};
use crate::command::bench::Request;
use crate::error::{Error, Result};
use crate::trace::Named;

/// `ovl bench SRC DST`
#[derive(Debug, Args)]
pub struct Bench {
    /// Who sends: [NAMESPACE/]POD, node/NAME, or an address
    #[arg(value_name = "SRC")]
    source: String,

    /// Who receives: the same
    #[arg(value_name = "DST")]
    destination: String,

    /// How many seconds each of the six measurements lasts
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=30))]
    seconds: u32,

    /// How many echoes are sent, if there is time
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    echoes: u16,

    /// Megabits of data a second that are not to be exceeded
    #[arg(long, value_name = "MBIT", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,

    /// The port that the load goes to, where a packet filter lets only some through
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    port: u16,

    /// Over IPv4 only
    #[arg(short = '4', conflicts_with = "v6")]
    v4: bool,

    /// Over IPv6 only
    #[arg(short = '6')]
    v6: bool,

    /// The output
    #[arg(long, short, value_enum, default_value = "text")]
    output: Shape,

    #[command(flatten)]
    place: Where,
}

/// `-o`
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shape {
    /// A table: the pods beside their nodes
    Text,
    /// One document
    Json,
}

impl Bench {
    /// What is asked for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_request(self) -> Result<Request> {
        if self.place.is_saved() {
            return Err(Error::usage(
                "saved snapshots carry no packets; leave out --from",
            ));
        }
        let named = |text: &str| -> Result<Named> {
            let named = text
                .parse()
                .map_err(|error: crate::trace::endpoint::NotAnEndpoint| {
                    Error::usage(error.to_string())
                })?;
            match named {
                Named::Service { .. } => Err(Error::usage(
                    "the load needs a receiver of its own; name a pod or a node, not a service",
                )),
                named => Ok(named),
            }
        };
        Ok(Request {
            pair: Pair {
                source: named(&self.source)?,
                destination: named(&self.destination)?,
                v6: match (self.v4, self.v6) {
                    (true, _) => Some(false),
                    (_, true) => Some(true),
                    _ => None,
                },
            },
            amount: Amount {
                seconds: self.seconds,
                echoes: self.echoes,
                most_bits: self.rate * 1_000_000,
                port: self.port,
            },
            json: matches!(self.output, Shape::Json),
            place: self.place.into_source()?,
        })
    }
}
