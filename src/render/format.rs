//! The `-o` choices that every reading command shares.

use std::io::{self, Write};

use serde::Serialize;

/// The shape of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people: aligned and short.
    #[default]
    Text,
    /// For people: everything.
    Wide,
    /// For scripts: one document, with a `schema` field.
    Json,
}

/// Writes `value` as indented JSON with a final newline.
///
/// # Errors
/// Those of `out`; a value that JSON cannot hold is reported as [`io::ErrorKind::InvalidData`].
pub fn json<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")
}
