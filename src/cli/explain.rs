//! `ovl explain`.

use clap::Args;

use crate::command::explain::Request;
use crate::render::Format;

/// `ovl explain [ID]`
#[derive(Debug, Args)]
pub struct Explain {
    /// The name of a finding; all are listed without it
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// The output
    #[arg(long, short, value_enum, default_value = "text")]
    output: Format,
}

impl Explain {
    /// What is asked for.
    pub fn into_request(self) -> Request {
        Request {
            id: self.id,
            output: self.output,
        }
    }
}
