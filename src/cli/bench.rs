//! `ovl bench`.

use std::time::Duration;

use clap::Args;

use super::source::Where;
use crate::command::bench::Request;
use crate::error::{Error, Result};
use crate::render::Format;
use crate::trace::Named;

/// `ovl bench SRC DST`
#[derive(Debug, Args)]
pub struct Bench {
    /// Who sends: [NAMESPACE/]POD, node/NAME, or an address of one of them
    #[arg(value_name = "SRC")]
    source: String,

    /// Who receives: the same
    #[arg(value_name = "DST")]
    destination: String,

    /// Seconds of each load: TCP, then small UDP packets, on each of the two ways
    #[arg(long, short, value_name = "SECONDS", default_value_t = 2,
          value_parser = clap::value_parser!(u64).range(1..=30))]
    time: u64,

    /// How many echoes measure the round trip; 0 for none
    #[arg(long, short, value_name = "N", default_value_t = 500,
          value_parser = clap::value_parser!(u16).range(0..=10_000))]
    count: u16,

    /// Only the round trip: put no load on the network
    #[arg(long)]
    idle: bool,

    /// The output
    #[arg(long, short, value_enum, default_value = "text")]
    output: Format,

    #[command(flatten)]
    place: Where,
}

impl Bench {
    /// What is asked for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_request(self) -> Result<Request> {
        if self.place.is_saved() {
            return Err(Error::usage(
                "traffic needs a live network, not saved snapshots",
            ));
        }
        let named = |text: &str| -> Result<Named> {
            let named: Named =
                text.parse()
                    .map_err(|error: crate::trace::endpoint::NotAnEndpoint| {
                        Error::usage(error.to_string())
                    })?;
            if matches!(named, Named::Service { .. }) {
                return Err(Error::usage(
                    "load is put on pods and nodes; name one behind the service",
                ));
            }
            Ok(named)
        };
        Ok(Request {
            source: named(&self.source)?,
            destination: named(&self.destination)?,
            time: Duration::from_secs(self.time),
            echoes: self.count,
            is_idle: self.idle,
            output: self.output,
            place: self.place.into_source()?,
        })
    }
}
