//! Packets as tcpdump prints them, or a little better.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Seen, Sink};
use crate::command::decode::Request;
use crate::error::Result;
use crate::render::Style;
use crate::wire::Frame;
use crate::wire::print::{Names, Printer, Services};

/// The printer, with its names and colours.
pub(super) struct Text {
    printer: Printer,
    style: Style,
    device: Arc<Mutex<Option<String>>>,
    place: Option<(usize, u32)>,
}

impl Text {
    pub(super) fn new(request: &Request, style: Style) -> Self {
        let mut names = Names::none();
        if !request.print.numeric {
            let services = std::fs::read_to_string("/etc/services").unwrap_or_default();
            names = names.with_services(Services::parse(&services));
        }
        let device: Arc<Mutex<Option<String>>> = Arc::default();
        names = if request.tcpdump {
            // tcpdump asks the machine it runs on, whichever machine captured.
            names.with_devices(local_device)
        } else {
            let device = Arc::clone(&device);
            names.with_devices(move |index| {
                let named = device.lock().unwrap_or_else(PoisonError::into_inner);
                Some(named.clone().unwrap_or_else(|| format!("if{index}")))
            })
        };
        Self {
            printer: Printer::new(request.print.clone(), names),
            style: if request.tcpdump { Style::PLAIN } else { style },
            device,
            place: None,
        }
    }
}

impl Sink for Text {
    fn needs_layers(&self) -> bool {
        false
    }

    fn packet(&mut self, seen: &Seen<'_>, out: &mut Vec<u8>) -> Result<()> {
        let record = seen.record;
        let place = Some((seen.source, record.interface.id));
        if self.place != place {
            // Another interface may call another device by the same index.
            self.place = place;
            let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
            *device = record.interface.name.clone().filter(|name| name != "any");
            self.printer.forget_devices();
        }
        let start = out.len();
        let frame = Frame {
            link: record.interface.link_type,
            time: record.time,
            length: record.wire_len,
            bytes: record.data,
        };
        self.printer.print_numbered(&frame, seen.number, out);
        if self.style.is_coloured() {
            paint(out, start, self.style);
        }
        Ok(())
    }
}

/// Dims the lines that only wrap another one, and marks what tells of trouble.
fn paint(out: &mut Vec<u8>, start: usize, style: Style) {
    const TROUBLE: [&str; 7] = [
        "unreachable",
        "time exceeded",
        "too big",
        "need to frag",
        "Flags [R",
        "(incorrect",
        "bytes missing",
    ];
    let text = String::from_utf8_lossy(out.get(start..).unwrap_or_default()).into_owned();
    out.truncate(start);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let wraps = lines.peek().is_some_and(|next| next.starts_with("  "));
        let painted = if TROUBLE.iter().any(|word| line.contains(word)) {
            style.bad(line)
        } else if wraps && line.contains(", vni ") {
            style.aside(line)
        } else {
            line.to_owned()
        };
        out.extend(painted.as_bytes());
        out.push(b'\n');
    }
}

/// The name of this machine's device with the given index.
fn local_device(index: u32) -> Option<String> {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: `name` has the IF_NAMESIZE octets that if_indextoname may write.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr()) };
    if found.is_null() {
        return None;
    }
    let bytes = name.map(|octet| octet as u8);
    let name = std::ffi::CStr::from_bytes_until_nul(&bytes).ok()?;
    Some(name.to_string_lossy().into_owned())
}
