//! Conversations, and what wrapping them costs.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::pings::{line, moment};
use super::words;
use super::{Output, Seen, Sink};
use crate::capture::flows::{Flow, Flows, MAX_FLOWS, MAX_WRAPPINGS, Wrapping};
use crate::capture::names::AddressNames;
use crate::capture::point::TunnelKind;
use crate::error::Result;
use crate::render::{Style, table};

/// Conversations shown as text; `-o json` shows all.
const MAX_ROWS: usize = 1000;

/// Collects, and shows at the end.
pub(super) struct FlowReport {
    flows: Flows,
    names: Arc<AddressNames>,
    output: Output,
    style: Style,
}

impl FlowReport {
    pub(super) fn new(names: Arc<AddressNames>, output: Output, style: Style) -> Self {
        Self {
            flows: Flows::default(),
            names,
            output,
            style,
        }
    }
}

impl Sink for FlowReport {
    fn packet(&mut self, seen: &Seen<'_>, _out: &mut Vec<u8>) -> Result<()> {
        self.flows.see(seen.source, seen.record, seen.layers);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.output == Output::Json {
            return self.json(out);
        }
        let conversations = self.flows.conversations();
        if conversations.is_empty() {
            out.extend(b"no IP packet\n");
            return Ok(());
        }
        let wrappings = self.flows.wrappings();
        if !wrappings.is_empty() {
            self.wrappings(&wrappings, out);
            out.push(b'\n');
        }
        self.conversations(&conversations, out);
        Ok(())
    }
}

impl FlowReport {
    fn wrappings(&self, wrappings: &[Wrapping], out: &mut Vec<u8>) {
        let mut rows = table::with_heads(&[
            "TUNNEL",
            "PORT",
            "BETWEEN",
            "AND",
            "PACKETS",
            "ON THE WIRE",
            "INSIDE",
            "EACH",
            "OVERHEAD",
        ]);
        for wrapping in wrappings {
            table::push(
                &mut rows,
                [
                    wrapping.key.tunnel.to_string(),
                    match wrapping.key.port {
                        0 => String::new(),
                        port => port.to_string(),
                    },
                    words::address(&self.names, wrapping.key.a, wrapping.first),
                    words::address(&self.names, wrapping.key.b, wrapping.first),
                    wrapping.packets.to_string(),
                    wrapping.wire_octets.to_string(),
                    wrapping.inner_octets.to_string(),
                    wrapping
                        .per_packet
                        .map_or_else(|| "differs".to_owned(), |cost| format!("+{cost}")),
                    format!("{:.1}%", wrapping.percent()),
                ],
            );
        }
        out.extend(table::text(rows).as_bytes());
        for note in self.notes(wrappings) {
            out.extend(format!("{}\n", self.style.aside(note)).as_bytes());
        }
    }

    /// What the numbers mean, once.
    fn notes(&self, wrappings: &[Wrapping]) -> Vec<String> {
        let mut notes = Vec::new();
        let costs = |octets| {
            wrappings.iter().any(|wrapping| {
                wrapping.key.tunnel.kind == TunnelKind::Vxlan && wrapping.per_packet == Some(octets)
            })
        };
        if costs(50) {
            notes.push("50 octets: Ethernet 14, IPv4 20, UDP 8, VXLAN 8.".to_owned());
        }
        if costs(70) {
            notes.push("70 octets: Ethernet 14, IPv6 40, UDP 8, VXLAN 8.".to_owned());
        }
        if self.flows.is_cooked() {
            notes.push(
                "A cooked capture (-i any) shows 2 or 6 more: its own header is not on the wire."
                    .to_owned(),
            );
        }
        if self.flows.wrappings_are_incomplete() {
            notes.push(format!(
                "More than {MAX_WRAPPINGS} pairs of tunnel ends: the others are not counted."
            ));
        }
        notes
    }

    fn conversations(&self, conversations: &[&Flow], out: &mut Vec<u8>) {
        let mut rows = table::with_heads(&[
            "TUNNEL",
            "PROTO",
            "FROM",
            "TO",
            "PACKETS",
            "BACK",
            "OCTETS",
            "BACK",
            "RETRANSMITTED",
        ]);
        for flow in conversations.iter().take(MAX_ROWS) {
            let (from, to) = flow.ends();
            let (there, back) = flow.counts();
            let repeated = there.retransmissions + back.retransmissions;
            table::push(
                &mut rows,
                [
                    words::tunnel(flow.key.tunnel),
                    words::transport(flow.key.transport),
                    words::end(&self.names, from, flow.first),
                    words::end(&self.names, to, flow.first),
                    there.packets.to_string(),
                    back.packets.to_string(),
                    there.octets.to_string(),
                    back.octets.to_string(),
                    if flow.key.transport.0 == 6 {
                        repeated.to_string()
                    } else {
                        String::new()
                    },
                ],
            );
        }
        out.extend(table::text(rows).as_bytes());
        if conversations.len() > MAX_ROWS {
            let more = conversations.len() - MAX_ROWS;
            out.extend(format!("… and {more} more (-o json shows all)\n").as_bytes());
        }
        if self.flows.forgotten() > 0 {
            let note = format!(
                "The oldest {} were forgotten: more than {MAX_FLOWS} at a time are not kept.",
                words::plural(self.flows.forgotten(), "conversation")
            );
            out.extend(format!("{}\n", self.style.doubtful(note)).as_bytes());
        }
    }

    fn json(&self, out: &mut Vec<u8>) -> Result<()> {
        for wrapping in self.flows.wrappings() {
            line(
                &JsonWrapping {
                    schema: "ovl.decode.wrapping/v1",
                    tunnel: wrapping.key.tunnel.kind.name(),
                    network: wrapping.key.tunnel.network,
                    port: Some(wrapping.key.port).filter(|&port| port != 0),
                    a: wrapping.key.a,
                    b: wrapping.key.b,
                    packets: wrapping.packets,
                    wire_octets: wrapping.wire_octets,
                    inner_octets: wrapping.inner_octets,
                    overhead_octets_per_packet: wrapping.per_packet,
                    overhead_percent: (wrapping.percent() * 100.0).round() / 100.0,
                },
                out,
            )?;
        }
        for flow in self.flows.conversations() {
            let (from, to) = flow.ends();
            let (there, back) = flow.counts();
            line(
                &JsonFlow {
                    schema: "ovl.decode.flow/v1",
                    tunnel: flow.key.tunnel.map(|tunnel| tunnel.kind.name()),
                    network: flow.key.tunnel.and_then(|tunnel| tunnel.network),
                    protocol: flow.key.transport.0,
                    source: from.address,
                    source_name: self.names.get(from.address, flow.first),
                    source_port: Some(from.port).filter(|&port| port != 0),
                    destination: to.address,
                    destination_name: self.names.get(to.address, flow.first),
                    destination_port: Some(to.port).filter(|&port| port != 0),
                    first: moment(flow.first),
                    last: moment(flow.last),
                    packets: [there.packets, back.packets],
                    octets: [there.octets, back.octets],
                    retransmissions: [there.retransmissions, back.retransmissions],
                },
                out,
            )?;
        }
        if self.flows.forgotten() > 0 {
            line(
                &Forgotten {
                    schema: "ovl.decode.forgotten/v1",
                    flows: self.flows.forgotten(),
                },
                out,
            )?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct JsonWrapping {
    schema: &'static str,
    tunnel: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    a: IpAddr,
    b: IpAddr,
    packets: u64,
    wire_octets: u64,
    inner_octets: u64,
    overhead_octets_per_packet: Option<u32>,
    overhead_percent: f64,
}

#[derive(Serialize)]
struct JsonFlow<'a> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<u32>,
    protocol: u8,
    source: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port: Option<u16>,
    destination: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port: Option<u16>,
    first: String,
    last: String,
    packets: [u64; 2],
    octets: [u64; 2],
    retransmissions: [u64; 2],
}

#[derive(Serialize)]
struct Forgotten {
    schema: &'static str,
    flows: u64,
}
