//! Packets into another capture file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::{Form, Seen, Sink};
use crate::capture::file::{MAX_PACKET, Reader};
use crate::capture::write::{FileFormat, NewInterface, PcapWriter, PcapngWriter};
use crate::error::{Error, Result};
use crate::wire::LinkType;

type Out = BufWriter<Box<dyn Write>>;

/// Writes the packets that pass.
pub(super) struct ToFile {
    path: String,
    file: Kind,
}

enum Kind {
    Pcap {
        file: PcapWriter<Out>,
        link_type: LinkType,
    },
    Pcapng {
        file: PcapngWriter<Out>,
        /// Ours, by file and the file's own.
        interfaces: HashMap<(usize, u32), u32>,
    },
}

impl ToFile {
    pub(super) fn create(path: &Path, form: &Form, readers: &[Reader]) -> Result<Self> {
        let name = path.display().to_string();
        let failed =
            |error: io::Error| Error::failed(format!("cannot write {name}")).caused_by(error);
        let out: Box<dyn Write> = if path.as_os_str() == "-" {
            Box::new(io::stdout())
        } else {
            Box::new(File::create(path).map_err(failed)?)
        };
        let out = BufWriter::with_capacity(128 * 1024, out);
        let mut interfaces = readers.iter().flat_map(Reader::interfaces);
        let file = match FileFormat::of(path) {
            FileFormat::Pcap => {
                let first = interfaces.next();
                let link_type = first.map_or(LinkType::ETHERNET, |first| first.link_type);
                if interfaces.any(|other| other.link_type != link_type) {
                    return Err(several_link_types(&name));
                }
                let snap = first
                    .map(|first| first.snap_length)
                    .filter(|&length| length > 0)
                    .unwrap_or(MAX_PACKET);
                Kind::Pcap {
                    file: PcapWriter::new(out, link_type, snap, form.nanoseconds)
                        .map_err(failed)?,
                    link_type,
                }
            }
            FileFormat::Pcapng => Kind::Pcapng {
                file: PcapngWriter::new(out, None).map_err(failed)?,
                interfaces: HashMap::new(),
            },
        };
        Ok(Self { path: name, file })
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::failed(format!("cannot write {}", self.path)).caused_by(error)
    }
}

fn several_link_types(name: &str) -> Error {
    Error::failed(format!(
        "cannot write packets of several link types to {name}: a pcap file has one"
    ))
    .try_this("-w FILE.pcapng")
}

impl Sink for ToFile {
    fn needs_layers(&self) -> bool {
        false
    }

    fn packet(&mut self, seen: &Seen<'_>, _out: &mut Vec<u8>) -> Result<()> {
        let record = seen.record;
        let result = match &mut self.file {
            Kind::Pcap { file, link_type } => {
                if record.interface.link_type != *link_type {
                    return Err(several_link_types(&self.path));
                }
                file.packet(record.time, record.wire_len, record.data)
            }
            Kind::Pcapng { file, interfaces } => {
                let key = (seen.source, record.interface.id);
                let id = match interfaces.get(&key) {
                    Some(id) => Ok(*id),
                    None => file.interface(&NewInterface {
                        link_type: record.interface.link_type,
                        snap_length: record.interface.snap_length,
                        name: record.interface.name.as_deref(),
                        description: record.interface.description.as_deref(),
                    }),
                };
                id.and_then(|id| {
                    interfaces.insert(key, id);
                    file.packet(
                        id,
                        record.time,
                        record.wire_len,
                        record.data,
                        record.direction,
                        record.comment,
                    )
                })
            }
        };
        result.map_err(|error| self.failed(error))
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        match &mut self.file {
            Kind::Pcap { file, .. } => file.flush(),
            Kind::Pcapng { file, .. } => file.flush(),
        }
        .map_err(|error| self.failed(error))
    }
}
