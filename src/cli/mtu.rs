//! `ovl mtu`.

use clap::Args;

use super::source::Where;
use crate::command::mtu::Request;
use crate::error::{Error, Result};
use crate::render::Format;
use crate::trace::endpoint::NotAnEndpoint;
use crate::trace::{Content, Named, Question};

/// `ovl mtu [SRC DST]`
#[derive(Debug, Args)]
pub struct Mtu {
    /// Who sends: [NAMESPACE/]POD, node/NAME, or an address
    #[arg(value_name = "SRC", requires = "destination")]
    source: Option<String>,

    /// To whom
    #[arg(value_name = "DST")]
    destination: Option<String>,

    /// Over IPv4 only
    #[arg(short = '4', conflicts_with = "v6")]
    v4: bool,

    /// Over IPv6 only
    #[arg(short = '6')]
    v6: bool,

    /// The output
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    place: Where,
}

impl Mtu {
    /// What is asked for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_request(self) -> Result<Request> {
        let named = |text: &str| -> Result<Named> {
            text.parse()
                .map_err(|error: NotAnEndpoint| Error::usage(error.to_string()))
        };
        let question = match (&self.source, &self.destination) {
            (Some(source), Some(destination)) => Some(Question {
                source: named(source)?,
                destination: named(destination)?,
                content: Content::ECHO,
                v6: match (self.v4, self.v6) {
                    (true, _) => Some(false),
                    (_, true) => Some(true),
                    _ => None,
                },
            }),
            _ => None,
        };
        Ok(Request {
            question,
            place: self.place.into_source()?,
            output: self.output,
        })
    }
}
