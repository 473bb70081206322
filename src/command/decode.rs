//! `ovl decode`: captures in, text or answers out.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::capture::file::{Merge, Options, Reader};
use crate::capture::names::AddressNames;
use crate::capture::point::layers_into;
use crate::capture::select::Selection;
use crate::capture::{Filter, FilterError};
use crate::cluster::file;
use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::kubernetes::{self, Access};
use crate::lab::directory::Labs;
use crate::render::decode::{self, Form, Seen, Sink, Text};
use crate::wire::LinkType;
use crate::wire::packet::VxlanPorts;

/// How much text is gathered before it is written.
const CHUNK: usize = 64 * 1024;

/// What was asked for.
#[derive(Debug)]
pub struct Request {
    /// Captures, `-` for standard input.
    pub files: Vec<PathBuf>,
    /// Who says which address is whose.
    pub names: Option<NameSource>,
    /// Wait for more at the end.
    pub follow: bool,
    /// A pcap filter on the frame; empty for none.
    pub filter: String,
    /// A file that holds such a filter, instead.
    pub filter_file: Option<PathBuf>,
    /// Another filter on the frame.
    pub outer: Option<String>,
    /// A filter on frames inside tunnels.
    pub inner: Option<String>,
    /// A VNI that must be there.
    pub vni: Option<u32>,
    /// Stop after this many packets.
    pub count: Option<u64>,
    /// What is made of the packets.
    pub form: Form,
    /// Say on standard error what is being read, as tcpdump does.
    pub announce: bool,
    /// Write out each packet's text at once.
    pub line_buffered: bool,
}

/// Who says which address is whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameSource {
    /// A lab, by name or the only one.
    Lab(Option<String>),
    /// A file with a node's snapshot or a bundle of them.
    File(PathBuf),
    /// A cluster's API server.
    Kube(Access),
}

impl From<&str> for NameSource {
    fn from(text: &str) -> Self {
        match text.split_once(':') {
            _ if text == "lab" => Self::Lab(None),
            Some(("lab", name)) => Self::Lab(Some(name.to_owned())),
            _ => Self::File(PathBuf::from(text)),
        }
    }
}

/// Reads the captures and shows what was asked for.
///
/// # Errors
/// When a file cannot be opened, a filter makes no sense, or the output cannot be written. A file that is
/// broken further on is shown as far as it goes, with a message on standard error, and ends with
/// [`Outcome::Fault`].
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    let readers = open(request)?;
    let selection = selection(request, &readers)?;
    let files = readers
        .iter()
        .map(|reader| reader.name().to_owned())
        .collect();
    let names = Arc::new(names(request, &readers)?);
    let ports = names.vxlan_ports();
    let known = Arc::clone(&names);
    let form = &request.form;
    let outcome = if form.is_text_of_packets() {
        // By its own type, not as some sink: what the compiler then does with the loop as a whole is worth a
        // tenth of the time for small packets.
        let mut sink = Text::new(form, known, context.style);
        Packets::new(request, readers, selection, ports).show(&mut sink, context.out)?
    } else {
        let mut sink = decode::sink(form, &readers, files, known, context.style)?;
        Packets::new(request, readers, selection, ports).show(sink.as_mut(), context.out)?
    };
    warn_of_unnamed(&names);
    Ok(outcome)
}

/// The packets of all captures, in their order, as far as they are wanted.
struct Packets<'a> {
    request: &'a Request,
    merge: Merge,
    selection: Selection,
    ports: VxlanPorts,
}

impl<'a> Packets<'a> {
    fn new(
        request: &'a Request,
        readers: Vec<Reader>,
        selection: Selection,
        ports: VxlanPorts,
    ) -> Self {
        Self {
            request,
            merge: Merge::new(readers),
            selection,
            ports,
        }
    }

    /// Gives them all to the sink, and its text to `out`.
    fn show<S: Sink + ?Sized>(mut self, sink: &mut S, out: &mut dyn Write) -> Result<Outcome> {
        let looks_inside = self.selection.looks_inside();
        let needs_layers = looks_inside || sink.needs_layers();
        let mut layers = Vec::new();
        let mut text = Vec::with_capacity(2 * CHUNK);
        let mut number = 0;
        let mut outcome = Outcome::Healthy;
        let limit = self.request.count.unwrap_or(u64::MAX);
        let line_buffered = self.request.line_buffered;
        while number < limit {
            if !self.merge.advance_at_hand() {
                if self.merge.may_wait() {
                    write_out(&mut text, out)?;
                    sink.flush()?;
                    out.flush()?;
                }
                match self.merge.advance() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        // What is whole comes first, then where it broke.
                        write_out(&mut text, out)?;
                        out.flush()?;
                        let _ = writeln!(std::io::stderr(), "ovl: {error}");
                        outcome = Outcome::Fault;
                        continue;
                    }
                }
            }
            let Some(record) = self.merge.record() else {
                continue;
            };
            if !self.selection.wants(&record).map_err(refused)? {
                continue;
            }
            if needs_layers {
                layers_into(&record, &self.ports, &mut layers);
                if looks_inside
                    && !self
                        .selection
                        .wants_inside(&record, &layers)
                        .map_err(refused)?
                {
                    continue;
                }
            }
            number += 1;
            let seen = Seen {
                source: self.merge.source(),
                number,
                record: &record,
                layers: &layers,
            };
            sink.packet(&seen, &mut text)?;
            if text.len() >= CHUNK || (line_buffered && !text.is_empty()) {
                write_out(&mut text, out)?;
                if line_buffered {
                    out.flush()?;
                }
            }
        }
        sink.finish(&mut text)?;
        write_out(&mut text, out)?;
        out.flush()?;
        if let Some(doubt) = sink.doubt() {
            super::warn(&doubt);
        }
        Ok(outcome)
    }
}

/// Says whose names came too late.
pub(super) fn warn_of_unnamed(names: &AddressNames) {
    let count = names.asked_too_early();
    if count > 0 {
        let addresses = if count == 1 {
            "address is"
        } else {
            "addresses are"
        };
        super::warn(&format!(
            "{count} {addresses} not named in packets that are older than the pod, node or service \
             that has the address now"
        ));
    }
}

fn write_out(text: &mut Vec<u8>, out: &mut dyn Write) -> Result<()> {
    if !text.is_empty() {
        out.write_all(text)?;
        text.clear();
    }
    Ok(())
}

fn open(request: &Request) -> Result<Vec<Reader>> {
    let options = Options {
        follow: request.follow,
        signed_seconds: request.form.tcpdump,
        one_link_type: false,
    };
    let mut readers = Vec::with_capacity(request.files.len());
    for file in &request.files {
        let reader = Reader::open(file, &options).map_err(|error| {
            let missing = !file.exists() && request.files.len() > 1;
            let error = Error::failed(error.to_string());
            if missing {
                error.try_this("a filter stands behind --: ovl decode FILE -- FILTER")
            } else {
                error
            }
        })?;
        if request.announce {
            announce(&reader);
        }
        readers.push(reader);
    }
    Ok(readers)
}

/// What tcpdump says on standard error before the first packet.
fn announce(reader: &Reader) {
    let Some(interface) = reader.interfaces().first() else {
        return;
    };
    let link = interface.link_type;
    let description = link
        .description()
        .map_or_else(String::new, |text| format!(" ({text})"));
    let snap = match interface.snap_length {
        0 => crate::capture::file::MAX_PACKET,
        length => length,
    };
    let mut err = std::io::stderr();
    let _ = writeln!(
        err,
        "reading from file {}, link-type {}{description}, snapshot length {snap}",
        reader.name(),
        link.name()
    );
    if link == LinkType::LINUX_SLL2 {
        let _ = writeln!(err, "Warning: interface names might be incorrect");
    }
}

/// The filter's words, from the command line or its file.
pub(super) fn expression(request: &Request) -> Result<String> {
    match &request.filter_file {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            Error::failed(format!("cannot read the filter {}", path.display())).caused_by(error)
        }),
        None => Ok(request.filter.clone()),
    }
}

fn selection(request: &Request, readers: &[Reader]) -> Result<Selection> {
    let mut selection = Selection::default();
    let expression = expression(request)?;
    // Compiled for the first file now, so that a mistake is told before anything is printed.
    let link = readers
        .iter()
        .find_map(|reader| reader.interfaces().first())
        .map_or(LinkType::ETHERNET, |interface| interface.link_type);
    let outer = request.outer.as_deref().unwrap_or_default();
    for expression in [expression.as_str(), outer] {
        if !expression.trim().is_empty() {
            selection.outer(Filter::new(expression, link).map_err(refused)?);
        }
    }
    select_inside(request, &mut selection)?;
    Ok(selection)
}

/// What must be inside the tunnels.
pub(super) fn select_inside(request: &Request, selection: &mut Selection) -> Result<()> {
    if let Some(expression) = &request.inner {
        selection.inner(Filter::new(expression, LinkType::ETHERNET).map_err(refused)?);
    }
    if let Some(vni) = request.vni {
        selection.vni(vni);
    }
    Ok(())
}

/// Who has which address, as far as anybody says.
pub(super) fn names(request: &Request, readers: &[Reader]) -> Result<AddressNames> {
    let mut names = match &request.names {
        None => AddressNames::default(),
        Some(NameSource::File(path)) => AddressNames::from_bundle(&file::read(path)?),
        Some(NameSource::Lab(name)) => {
            let lab = Labs::of_caller().choose(name.as_deref())?;
            AddressNames::from_lab(&lab.read_up()?)
        }
        Some(NameSource::Kube(access)) => {
            let named = kubernetes::address_names(access)?;
            for words in &named.missing {
                super::warn(words);
            }
            named.names
        }
    };
    for reader in readers {
        if let Some(own) = reader.names() {
            names.add_all(own);
        }
    }
    Ok(names)
}

pub(super) fn refused(error: FilterError) -> Error {
    Error::usage(error.to_string())
}
