//! One file a verb. A verb takes a plain request made by the command line, wires the stages together and
//! returns an [`Outcome`](crate::error::Outcome); it holds no logic of its own.

pub mod agent;
pub mod bench;
pub mod capture;
pub mod check;
pub mod cni;
pub mod completion;
pub mod decode;
pub mod diff;
pub mod explain;
pub mod lab;
pub mod mtu;
pub mod node;
pub mod pod;
pub mod pods;
pub mod snapshot;
pub mod trace;

use std::io::Write;

use crate::render::Style;

/// What every verb gets beside its own request.
pub struct Context<'a> {
    /// Where the result goes.
    pub out: &'a mut dyn Write,
    /// How the result is coloured.
    pub style: Style,
}

/// Says something on standard error that is no reason to end.
fn warn(text: &str) {
    // Standard error is the last resort; when it is gone, so is the warning.
    let _ = writeln!(
        std::io::stderr(),
        "ovl: {}",
        crate::render::escape::escape(text)
    );
}

/// Says which nodes did not answer.
fn warn_of_missing(bundle: &crate::model::Bundle) {
    for words in crate::cluster::missing_in_words(&bundle.missing) {
        warn(&words);
    }
}
