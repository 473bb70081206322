//! What a fuzzer runs: the program's own reader, decoder and printers over a whole capture file.
//!
//! The same functions are the targets of cargo-fuzz (`fuzz/fuzz_targets`) and of the test that mutates
//! captures on a stable toolchain (`tests/decode/mutation.rs`). None of them returns anything: whatever the
//! bytes are, they must come back, without a panic, in time proportional to the input.

use std::io::Cursor;
use std::sync::Arc;

use ovl::capture::file::{Options, Reader};
use ovl::capture::names::AddressNames;
use ovl::capture::point::layers_into;
use ovl::render::decode::{Answer, Form, Output, Seen, sink};
use ovl::render::style::{Style, When};
use ovl::wire::Frame;
use ovl::wire::packet::VxlanPorts;
use ovl::wire::print::{Dump, Names, PrintOptions, Printer, UdpPayload};

/// Text: as tcpdump prints it, with every option that reads more of the packet, and as we do by default.
pub fn text(file: &[u8]) -> Vec<u8> {
    let verbose = PrintOptions {
        link_header: true,
        verbosity: 3,
        utc: true,
        dump: Dump::HexAscii { link_header: false },
        ..PrintOptions::default()
    };
    let exact = PrintOptions {
        verbosity: 2,
        numeric: true,
        utc: true,
        udp: UdpPayload::Vxlan,
        ..PrintOptions::default()
    };
    let found = PrintOptions {
        direction: true,
        utc: true,
        udp: UdpPayload::Overlay(VxlanPorts::default()),
        ..PrintOptions::default()
    };
    let brief = PrintOptions {
        link_header: true,
        numeric: true,
        utc: true,
        udp: UdpPayload::Vxlan,
        ..PrintOptions::default()
    };
    let mut printers = [verbose, exact, found.clone(), brief.clone()]
        .map(|options| Printer::new(options, Names::none()));
    // Heads of headers are remembered by these options; what is printed must not show it.
    let mut anew =
        [found, brief].map(|options| Printer::new(options, Names::none()).without_heads());
    let (mut out, mut again) = (Vec::new(), Vec::new());
    let Ok(mut reader) = open(file) else {
        return out;
    };
    while let Ok(Some(record)) = reader.next_record() {
        let frame = Frame {
            link: record.interface.link_type,
            time: record.time,
            length: record.wire_len,
            bytes: record.data,
        };
        // Thrice, as a head is remembered when it comes the second time, and used from the third.
        for _ in 0..3 {
            for (n, printer) in printers.iter_mut().enumerate() {
                let from = out.len();
                printer.print(&frame, &mut out);
                if let Some(anew) = n.checked_sub(2).and_then(|n| anew.get_mut(n)) {
                    again.clear();
                    anew.print(&frame, &mut again);
                    assert!(out.ends_with(&again) && out.len() - from == again.len());
                }
            }
        }
    }
    out
}

/// The answers for scripts: packets, pings, conversations and sizes as JSON.
pub fn json(file: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for answer in [Answer::Packets, Answer::Pings, Answer::Flows, Answer::Mtu] {
        let Ok(reader) = open(file) else {
            return out;
        };
        let form = Form {
            answer,
            output: Output::Json,
            write: None,
            nanoseconds: false,
            print: PrintOptions::default(),
            places: true,
            tcpdump: false,
        };
        let readers = [reader];
        let files = vec!["fuzz".to_owned()];
        let names = Arc::new(AddressNames::default());
        let ports = names.vxlan_ports();
        let Ok(mut sink) = sink(
            &form,
            &readers,
            files,
            names,
            Style::for_stdout(When::Never),
        ) else {
            continue;
        };
        let [mut reader] = readers;
        let mut layers = Vec::new();
        let mut number = 0;
        while let Ok(Some(record)) = reader.next_record() {
            layers_into(&record, &ports, &mut layers);
            number += 1;
            let seen = Seen {
                source: 0,
                number,
                record: &record,
                layers: &layers,
            };
            if sink.packet(&seen, &mut out).is_err() {
                break;
            }
        }
        let _ = sink.finish(&mut out);
    }
    out
}

fn open(file: &[u8]) -> Result<Reader, ovl::capture::file::Error> {
    Reader::from_source(
        "fuzz",
        Box::new(Cursor::new(file.to_vec())),
        &Options::default(),
    )
}
