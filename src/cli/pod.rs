//! `ovl pod` and `ovl pods`.

use clap::Args;

use super::source::Where;
use crate::command::{pod, pods};
use crate::error::{Error, Result};
use crate::model::Subject;
use crate::render::Format;

/// `ovl pod WHAT`
#[derive(Debug, Args)]
pub struct Pod {
    /// [NAMESPACE/]NAME, the start of a sandbox or container id, pid:N, an address, or a device of the
    /// node by name or index
    #[arg(value_name = "WHAT")]
    subject: String,

    /// The output
    #[arg(long, short, value_enum, default_value = "text")]
    output: Format,

    #[command(flatten)]
    place: Where,
}

impl Pod {
    /// What is asked for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_request(self) -> Result<pod::Request> {
        let subject: Subject = self
            .subject
            .parse()
            .map_err(|error: crate::model::subject::NotASubject| Error::usage(error.to_string()))?;
        Ok(pod::Request {
            subject,
            output: self.output,
            source: self.place.into_source()?,
        })
    }
}

/// `ovl pods`
#[derive(Debug, Args)]
pub struct Pods {
    /// Also sandboxes that have ended
    #[arg(long, short)]
    all: bool,

    /// Show the list again whenever it changes, until interrupted
    #[arg(long, short, conflicts_with = "from")]
    watch: bool,

    /// The output
    #[arg(long, short, value_enum, default_value = "text")]
    output: Format,

    #[command(flatten)]
    place: Where,
}

impl Pods {
    /// What is asked for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_request(self) -> Result<pods::Request> {
        Ok(pods::Request {
            all: self.all,
            watch: self.watch,
            output: self.output,
            source: self.place.into_source()?,
        })
    }
}
