//! Packets as tcpdump prints them, or a little better.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Form, Seen, Sink};
use crate::capture::address::addresses;
use crate::capture::names::AddressNames;
use crate::capture::point::Way;
use crate::capture::{Interface, Record};
use crate::error::Result;
use crate::render::Style;
use crate::render::escape::escape;
use crate::wire::bytes::Bytes;
use crate::wire::packet::Kind;
use crate::wire::print::{Names, Printer, Services, UdpPayload};
use crate::wire::{Frame, LinkType};

/// The printer, with its names and colours.
pub struct Text {
    printer: Printer,
    style: Style,
    device: Arc<Mutex<Option<String>>>,
    known: Option<Arc<AddressNames>>,
    interface: Option<(usize, u32)>,
    /// Whether devices are named with the pod or namespace that they are in.
    places: bool,
    /// What captured the packets, where their frames do not say.
    point: Option<String>,
}

impl Text {
    /// A printer of packets in this form.
    pub fn new(form: &Form, known: Arc<AddressNames>, style: Style) -> Self {
        let mut options = form.print.clone();
        if let UdpPayload::Overlay(ports) = &mut options.udp {
            *ports = known.vxlan_ports();
        }
        let mut names = Names::none();
        if !form.print.numeric {
            let services = std::fs::read_to_string("/etc/services").unwrap_or_default();
            names = names.with_services(Services::parse(&services));
        }
        let device: Arc<Mutex<Option<String>>> = Arc::default();
        names = if form.tcpdump {
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
            printer: Printer::new(options, names),
            style: if form.tcpdump { Style::PLAIN } else { style },
            device,
            known: Some(known).filter(|known| !form.tcpdump && !known.is_empty()),
            interface: None,
            places: form.places && !form.tcpdump,
            point: None,
        }
    }

    /// The packets that follow are from another interface, which may call another device by the same index.
    #[cold]
    fn move_to(&mut self, source: usize, interface: &Interface) {
        self.interface = Some((source, interface.id));
        let name = interface.name.as_deref().filter(|name| *name != "any");
        let place = interface.whereabouts().filter(|_| self.places);
        let full = match (name, place) {
            (Some(name), Some(place)) => Some(format!("{}:{name}", escape(place.name()))),
            (name, _) => name.map(str::to_owned),
        };
        self.point = full
            .clone()
            .filter(|_| place.is_some() && interface.link_type != LinkType::LINUX_SLL2);
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        *device = full;
        self.printer.forget_devices();
        self.printer.set_point(|_| {});
    }

    /// Says where a packet was captured as the printer does of those whose frames say it.
    #[cold]
    fn say_point(&mut self, record: &Record<'_>) {
        if let Some(point) = &self.point {
            let way = Way::of(record).map(Way::name);
            self.printer.set_point(|text| {
                // Nothing can fail here: the text grows.
                let _ = match way {
                    Some(way) => write!(text, "{point:<5} {way:<3} "),
                    None => write!(text, "{point:<5} "),
                };
            });
        }
    }
}

impl Sink for Text {
    fn needs_layers(&self) -> bool {
        self.known.is_some()
    }

    #[inline]
    fn packet(&mut self, seen: &Seen<'_>, out: &mut Vec<u8>) -> Result<()> {
        let record = seen.record;
        if self.interface != Some((seen.source, record.interface.id)) {
            self.move_to(seen.source, record.interface);
        }
        if self.point.is_some() {
            self.say_point(record);
        }
        let start = out.len();
        let frame = Frame {
            link: record.interface.link_type,
            time: record.time,
            length: record.wire_len,
            bytes: record.data,
        };
        self.printer.print_numbered(&frame, seen.number, out);
        if let Some(known) = &self.known {
            annotate(out, start, known, seen);
        }
        if self.style.is_coloured() {
            paint(out, start, self.style);
        }
        Ok(())
    }

    fn doubt(&self) -> Option<String> {
        let forgotten = self.printer.forgotten_conversations();
        (forgotten > 0).then(|| {
            format!(
                "{forgotten} TCP conversations were forgotten, as there were too many to remember: \
                 where they went on, sequence numbers are relative to where that was"
            )
        })
    }
}

/// Writes the names of the packet's addresses beside them: `10.46.0.8.80[default/pod1]`.
fn annotate(out: &mut Vec<u8>, start: usize, known: &AddressNames, seen: &Seen<'_>) {
    let bytes = Bytes::new(seen.record.data);
    let mut done: Vec<IpAddr> = Vec::new();
    for layer in seen.layers {
        let pair = match layer.kind {
            Kind::Arp => {
                let at = layer.header.start;
                let address = |at| bytes.array::<4>(at).ok().map(IpAddr::from);
                address(at + 14).zip(address(at + 24))
            }
            _ => addresses(&bytes, layer).map(|(from, to, _)| (from, to)),
        };
        for address in pair.into_iter().flat_map(|(from, to)| [from, to]) {
            if done.contains(&address) {
                continue;
            }
            done.push(address);
            if let Some(name) = known.get(address, seen.record.time) {
                let name = format!("[{}]", escape(name));
                insert_behind(out, start, &address.to_string(), &name);
            }
        }
    }
}

/// Inserts `name` behind each whole `address`, and behind the port if there is one.
fn insert_behind(out: &mut Vec<u8>, start: usize, address: &str, name: &str) {
    let text = out.split_off(start);
    let finder = memchr::memmem::Finder::new(address);
    let mut rest = text.as_slice();
    while let Some(found) = finder.find(rest) {
        let (before, from) = rest.split_at(found);
        let (whole, behind) = from.split_at(address.len());
        out.extend(before);
        out.extend(whole);
        let inside = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b':';
        let begins = out
            .get(..out.len() - whole.len())
            .and_then(<[u8]>::last)
            .is_none_or(|octet| !inside(octet) && *octet != b'.');
        // A port behind a dot, which is followed by no further dot and digit: that would be an address.
        let port = match behind.strip_prefix(b".") {
            Some(digits) => {
                let count = digits
                    .iter()
                    .take_while(|octet| octet.is_ascii_alphanumeric() || **octet == b'-')
                    .count();
                if count > 0 { count + 1 } else { 0 }
            }
            None => 0,
        };
        let (port, behind) = behind.split_at(port);
        out.extend(port);
        // `2001:db8::1: ICMP6` ends in a colon that is not the address's.
        let ends = match behind {
            [b':', next, ..] => !next.is_ascii_hexdigit() && *next != b':',
            [next, ..] => !inside(next),
            [] => true,
        };
        if begins && ends {
            out.extend(name.as_bytes());
        }
        rest = behind;
    }
    out.extend(rest);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_behind_whole_addresses_and_their_ports() {
        let named = |text: &str, address: &str| {
            let mut out = text.as_bytes().to_vec();
            insert_behind(&mut out, 0, address, "[pod]");
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            named(
                "IP 10.0.0.1.80 > 110.0.0.1.5: 10.0.0.12 tell 10.0.0.1, x\n",
                "10.0.0.1"
            ),
            "IP 10.0.0.1.80[pod] > 110.0.0.1.5: 10.0.0.12 tell 10.0.0.1[pod], x\n"
        );
        assert_eq!(named("10.0.0.1: ICMP", "10.0.0.1"), "10.0.0.1[pod]: ICMP");
        assert_eq!(
            named("fd10::8 > fd10::81: fd10::8.53", "fd10::8"),
            "fd10::8[pod] > fd10::81: fd10::8.53[pod]"
        );
        assert_eq!(named("fd10::8: ICMP6", "fd10::8"), "fd10::8[pod]: ICMP6");
    }
}
