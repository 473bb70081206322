//! What did not fit.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::pings::{line, moment};
use super::words;
use super::{Output, Seen, Sink};
use crate::capture::flows::Transport;
use crate::capture::mtu::{Fragmented, Told, TooBig};
use crate::capture::names::AddressNames;
use crate::error::Result;
use crate::render::{Style, table};

/// Collects, and shows at the end.
pub(super) struct MtuReport {
    seen: TooBig,
    names: Arc<AddressNames>,
    output: Output,
    style: Style,
}

impl MtuReport {
    pub(super) fn new(names: Arc<AddressNames>, output: Output, style: Style) -> Self {
        Self {
            seen: TooBig::default(),
            names,
            output,
            style,
        }
    }
}

impl Sink for MtuReport {
    fn packet(&mut self, seen: &Seen<'_>, _out: &mut Vec<u8>) -> Result<()> {
        self.seen.see(seen.source, seen.record, seen.layers);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let (told, fragmented) = (self.seen.told(), self.seen.fragmented());
        if self.output == Output::Json {
            return json(&told, &fragmented, out);
        }
        if told.is_empty() && fragmented.is_empty() {
            out.extend(b"nothing was fragmented, and nobody was told to send less\n");
            return Ok(());
        }
        if !told.is_empty() {
            self.told(&told, out);
        }
        if !told.is_empty() && !fragmented.is_empty() {
            out.push(b'\n');
        }
        if !fragmented.is_empty() {
            self.fragmented(&fragmented, out);
        }
        if self.seen.unlisted() > 0 {
            let note = format!(
                "{} more are not listed: too many different ones.",
                words::plural(self.seen.unlisted(), "packet")
            );
            out.extend(format!("{}\n", self.style.doubtful(note)).as_bytes());
        }
        Ok(())
    }
}

impl MtuReport {
    fn told(&self, told: &[Told], out: &mut Vec<u8>) {
        let mut rows = table::with_heads(&[
            "TOLD", "BY", "AT MOST", "WAS", "TO", "PROTO", "TUNNEL", "TIMES",
        ]);
        for row in told {
            table::push(
                &mut rows,
                [
                    words::address(&self.names, row.key.to, row.first),
                    words::address(&self.names, row.key.from, row.first),
                    match row.key.mtu {
                        0 => "not said".to_owned(),
                        mtu => mtu.to_string(),
                    },
                    row.size.to_string(),
                    words::address(&self.names, row.key.destination, row.first),
                    words::transport(Transport(row.key.protocol)),
                    words::tunnel(row.key.tunnel),
                    row.times.to_string(),
                ],
            );
        }
        out.extend(table::text(rows).as_bytes());
    }

    fn fragmented(&self, fragmented: &[Fragmented], out: &mut Vec<u8>) {
        let mut rows = table::with_heads(&[
            "FRAGMENTED FROM",
            "TO",
            "PROTO",
            "TUNNEL",
            "PACKETS",
            "FRAGMENTS",
            "LARGEST",
            "WHOLE",
        ]);
        for row in fragmented {
            table::push(
                &mut rows,
                [
                    words::address(&self.names, row.key.source, row.first),
                    words::address(&self.names, row.key.destination, row.first),
                    words::transport(Transport(row.key.protocol)),
                    words::tunnel(row.key.tunnel),
                    row.packets.to_string(),
                    row.fragments.to_string(),
                    row.largest.to_string(),
                    row.whole
                        .map_or_else(String::new, |whole| whole.to_string()),
                ],
            );
        }
        out.extend(table::text(rows).as_bytes());
    }
}

fn json(told: &[Told], fragmented: &[Fragmented], out: &mut Vec<u8>) -> Result<()> {
    for row in told {
        line(
            &JsonTold {
                schema: "ovl.decode.too-big/v1",
                told: row.key.to,
                by: row.key.from,
                destination: row.key.destination,
                protocol: row.key.protocol,
                tunnel: row.key.tunnel.map(|tunnel| tunnel.kind.name()),
                network: row.key.tunnel.and_then(|tunnel| tunnel.network),
                mtu: row.key.mtu,
                size: row.size,
                times: row.times,
                first: moment(row.first),
            },
            out,
        )?;
    }
    for row in fragmented {
        line(
            &JsonFragmented {
                schema: "ovl.decode.fragmented/v1",
                source: row.key.source,
                destination: row.key.destination,
                protocol: row.key.protocol,
                tunnel: row.key.tunnel.map(|tunnel| tunnel.kind.name()),
                network: row.key.tunnel.and_then(|tunnel| tunnel.network),
                packets: row.packets,
                fragments: row.fragments,
                largest: row.largest,
                whole: row.whole,
                first: moment(row.first),
            },
            out,
        )?;
    }
    Ok(())
}

#[derive(Serialize)]
struct JsonTold {
    schema: &'static str,
    told: IpAddr,
    by: IpAddr,
    destination: IpAddr,
    protocol: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<u32>,
    mtu: u32,
    size: u32,
    times: u64,
    first: String,
}

#[derive(Serialize)]
struct JsonFragmented {
    schema: &'static str,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<u32>,
    packets: u64,
    fragments: u64,
    largest: u32,
    whole: Option<u32>,
    first: String,
}
