//! What `ovl decode` makes of the packets it reads: each [`Sink`] is one form of one answer.

mod flows;
mod json;
mod mtu;
mod pings;
mod table;
mod text;
mod words;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

pub use self::text::Text;

use crate::capture::Record;
use crate::capture::file::Reader;
use crate::capture::names::AddressNames;
use crate::error::Result;
use crate::render::Style;
use crate::wire::packet::Layer;
use crate::wire::print::PrintOptions;

/// What is made of packets.
#[derive(Debug)]
pub struct Form {
    /// What to find out.
    pub answer: Answer,
    /// In which form.
    pub output: Output,
    /// Write packets here instead.
    pub write: Option<PathBuf>,
    /// Keep nanoseconds when writing.
    pub nanoseconds: bool,
    /// How packets are printed.
    pub print: PrintOptions,
    /// Name the pod or namespace that a device is in.
    pub places: bool,
    /// Do as tcpdump does, warts included.
    pub tcpdump: bool,
}

impl Form {
    /// Whether it is what [`Text`] makes.
    pub fn is_text_of_packets(&self) -> bool {
        self.write.is_none() && self.answer == Answer::Packets && self.output == Output::Text
    }
}

/// What to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The packets themselves.
    Packets,
    /// Echo requests and what became of them.
    Pings,
    /// Conversations.
    Flows,
    /// What was too big.
    Mtu,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For people: columns
    Table,
    /// For scripts: one object a line, docs/schema/decode.schema.json
    Json,
}

/// A packet that passed the filters.
pub struct Seen<'a> {
    /// Which file it is from, counted from 0.
    pub source: usize,
    /// Its number among those that passed.
    pub number: u64,
    /// The packet.
    pub record: &'a Record<'a>,
    /// Its headers, if [`Sink::needs_layers`] asked for them.
    pub layers: &'a [Layer],
}

/// Takes packets, gives text.
pub trait Sink {
    /// Whether [`Seen::layers`] must be filled.
    fn needs_layers(&self) -> bool {
        true
    }

    /// Takes a packet; appends what can be said of it at once.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn packet(&mut self, seen: &Seen<'_>, out: &mut Vec<u8>) -> Result<()>;

    /// Appends what can only be said at the end.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    /// What is not as it looks in the text, for people to know.
    fn doubt(&self) -> Option<String> {
        None
    }

    /// Passes on what is buffered beside the text, before a pause.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The sink of a form; `files` are the captures' names.
///
/// # Errors
/// When the file to be written cannot be.
pub fn sink(
    form: &Form,
    readers: &[Reader],
    files: Vec<String>,
    names: Arc<AddressNames>,
    style: Style,
) -> Result<Box<dyn Sink>> {
    if let Some(path) = &form.write {
        return Ok(Box::new(write::ToFile::create(path, form, readers)?));
    }
    Ok(match (form.answer, form.output) {
        (Answer::Packets, Output::Text) => Box::new(Text::new(form, names, style)),
        (Answer::Packets, Output::Json) => Box::new(json::JsonLines::new(&files, names)),
        (Answer::Packets, Output::Table) => Box::new(table::Columns::new(files, names)),
        (Answer::Pings, output) => Box::new(pings::PingReport::new(files, names, output, style)),
        (Answer::Flows, output) => Box::new(flows::FlowReport::new(names, output, style)),
        (Answer::Mtu, output) => Box::new(mtu::MtuReport::new(names, output, style)),
    })
}
