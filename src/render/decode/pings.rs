//! Echo requests and what became of them.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::words;
use super::{Output, Seen, Sink};
use crate::capture::names::AddressNames;
use crate::capture::pings::{Conversation, Exchange, Hop, Pings, Refusal, Sighting, Totals};
use crate::capture::point::{Device, PointId, Way};
use crate::error::Result;
use crate::render::{Style, table};
use crate::wire::Timestamp;
use crate::wire::print::clock_text;

/// Rows shown of one conversation as text; the others are in the counts, and in `-o json`.
const MAX_ROWS: usize = 1000;

/// Collects, and shows at the end.
pub(super) struct PingReport {
    pings: Pings,
    names: Arc<AddressNames>,
    files: Vec<String>,
    output: Output,
    style: Style,
}

impl PingReport {
    pub(super) fn new(
        files: Vec<String>,
        names: Arc<AddressNames>,
        output: Output,
        style: Style,
    ) -> Self {
        Self {
            pings: Pings::default(),
            names,
            files,
            output,
            style,
        }
    }
}

impl Sink for PingReport {
    fn packet(&mut self, seen: &Seen<'_>, _out: &mut Vec<u8>) -> Result<()> {
        self.pings
            .see(seen.source, seen.number, seen.record, seen.layers);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let conversations = self.pings.conversations();
        match self.output {
            Output::Text => self.text(&conversations, out),
            Output::Table => self.table(&conversations, out),
            Output::Json => self.json(&conversations, out)?,
        }
        Ok(())
    }
}

/// What makes a column: a place, and which of several sightings there.
type Column = (PointId, Option<Way>, usize);

impl PingReport {
    fn text(&self, conversations: &[Conversation<'_>], out: &mut Vec<u8>) {
        if conversations.is_empty() {
            out.extend(b"no echo request or reply\n");
            return;
        }
        let mut columns_seen = 0;
        for (index, conversation) in conversations.iter().enumerate() {
            if index > 0 {
                out.push(b'\n');
            }
            let head = format!(
                "{} > {}, id {}",
                words::address(&self.names, conversation.source, conversation.began()),
                words::address(&self.names, conversation.destination, conversation.began()),
                conversation.id
            );
            let totals = self.totals(&conversation.totals);
            out.extend(format!("{}: {totals}\n", self.style.subject(head)).as_bytes());
            columns_seen = columns_seen.max(self.rows(conversation, out));
        }
        if columns_seen > 1 {
            let note = "Each column: the time from request to reply as seen at that point.";
            out.extend(format!("\n{}\n", self.style.aside(note)).as_bytes());
        }
        if self.pings.forgotten() > 0 {
            let note = format!(
                "The oldest {} were forgotten: more came than are kept.",
                words::plural(self.pings.forgotten() as u64, "request")
            );
            out.extend(format!("{}\n", self.style.doubtful(note)).as_bytes());
        }
    }

    /// The table of one conversation; says how many points it has.
    fn rows(&self, conversation: &Conversation<'_>, out: &mut Vec<u8>) -> usize {
        let points = self.pings.points();
        let mut columns: Vec<Column> = Vec::new();
        let shown = conversation.exchanges.iter().take(MAX_ROWS);
        let all: Vec<(&Exchange, Vec<Hop>)> = shown
            .map(|exchange| (*exchange, exchange.hops(points)))
            .collect();
        for (_, hops) in &all {
            for column in self.columns(hops) {
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        let notes: Vec<String> = all
            .iter()
            .map(|(exchange, _)| self.note(exchange))
            .collect();
        let with_notes = notes.iter().any(|note| !note.is_empty());
        let mut heads = vec!["SEQ".to_owned(), "SENT".to_owned()];
        for (point, way, turn) in &columns {
            heads.push(points.get(*point).map_or_else(String::new, |known| {
                words::point(known, *way, *turn, &self.files)
            }));
        }
        if with_notes {
            heads.push("NOTE".to_owned());
        }
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let mut rows = table::with_heads(&heads);
        for ((exchange, hops), note) in all.iter().zip(notes) {
            let mut row = vec![
                exchange.echo.sequence.to_string(),
                clock_text(exchange.first_seen(), false),
            ];
            let own = self.columns(hops);
            for column in &columns {
                let hop = own.iter().zip(hops).find(|(own, _)| *own == column);
                row.push(hop.map_or_else(String::new, |(_, hop)| cell(hop)));
            }
            if with_notes {
                row.push(note);
            }
            table::push(&mut rows, row);
        }
        out.extend(table::text(rows).as_bytes());
        if conversation.exchanges.len() > MAX_ROWS {
            let more = conversation.exchanges.len() - MAX_ROWS;
            out.extend(format!("… and {more} more (-o json shows all)\n").as_bytes());
        }
        columns.len()
    }

    /// The column of each hop of an exchange. At a known device, a request that goes in and its reply that
    /// goes out are in one column; elsewhere the request's way tells columns apart, and their order.
    fn columns(&self, hops: &[Hop]) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::with_capacity(hops.len());
        for hop in hops {
            let point = self.pings.points().get(hop.point);
            let unknown = point.is_some_and(|point| point.device == Device::Unknown);
            let way = hop.request.or(hop.reply).and_then(|seen| seen.way);
            let way = way.filter(|_| unknown);
            let turn = columns
                .iter()
                .filter(|(point, other, _)| *point == hop.point && *other == way)
                .count();
            columns.push((hop.point, way, turn));
        }
        columns
    }

    fn totals(&self, totals: &Totals) -> String {
        let mut words = vec![
            format!("{} sent", totals.sent),
            format!("{} answered", totals.answered),
        ];
        let mut bad = |count: usize, word: &str| {
            if count > 0 {
                words.push(self.style.bad(format!("{count} {word}")));
            }
        };
        bad(totals.lost, "lost");
        bad(totals.refused, "refused");
        bad(totals.impostors, "answered by somebody else");
        bad(totals.duplicated, "duplicated");
        bad(totals.reordered, "out of order");
        bad(totals.unasked, "replies without a request");
        words.join(", ")
    }

    fn note(&self, exchange: &Exchange) -> String {
        let mut notes = Vec::new();
        if let Some(refusal) = &exchange.refusal {
            notes.push(format!(
                "{} said {}",
                words::address(&self.names, refusal.from, refusal.time),
                refusal_words(refusal, exchange.echo.source)
            ));
        }
        if let Some(other) = exchange.impostor() {
            notes.push(format!(
                "answered by {}",
                words::address(&self.names, other, exchange.first_seen())
            ));
        }
        if exchange.requests.is_empty() {
            notes.push("request not seen".to_owned());
        } else if !exchange.is_answered() {
            let place = exchange.last_seen().and_then(|seen| {
                let point = self.pings.points().get(seen.point)?;
                Some(words::point(point, seen.way, 0, &self.files))
            });
            notes.push(match place {
                Some(place) if place != "here" => format!("lost, last seen at {place}"),
                _ => "lost".to_owned(),
            });
        }
        notes.join("; ")
    }

    fn table(&self, conversations: &[Conversation<'_>], out: &mut Vec<u8>) {
        let mut rows =
            table::with_heads(&["FROM", "TO", "ID", "SEQ", "AT", "REQUEST", "REPLY", "TIME"]);
        let points = self.pings.points();
        let time = |seen: Option<Sighting>| {
            seen.map_or_else(String::new, |seen| clock_text(seen.time, false))
        };
        for conversation in conversations {
            for exchange in &conversation.exchanges {
                for hop in exchange.hops(points) {
                    let way = hop.request.or(hop.reply).and_then(|seen| seen.way);
                    let place = points.get(hop.point).map_or_else(String::new, |point| {
                        words::point(point, way, hop.turn, &self.files)
                    });
                    table::push(
                        &mut rows,
                        [
                            words::address(&self.names, conversation.source, conversation.began()),
                            words::address(
                                &self.names,
                                conversation.destination,
                                conversation.began(),
                            ),
                            conversation.id.to_string(),
                            exchange.echo.sequence.to_string(),
                            place,
                            time(hop.request),
                            time(hop.reply),
                            hop.round_trip().map_or_else(String::new, words::duration),
                        ],
                    );
                }
            }
        }
        out.extend(table::text(rows).as_bytes());
    }

    fn json(&self, conversations: &[Conversation<'_>], out: &mut Vec<u8>) -> Result<()> {
        for conversation in conversations {
            for exchange in &conversation.exchanges {
                line(&self.ping(exchange), out)?;
            }
            let totals = &conversation.totals;
            line(
                &Summary {
                    schema: "ovl.decode.pings/v1",
                    source: conversation.source,
                    source_name: self.names.get(conversation.source, conversation.began()),
                    destination: conversation.destination,
                    destination_name: self
                        .names
                        .get(conversation.destination, conversation.began()),
                    id: conversation.id,
                    sent: totals.sent,
                    answered: totals.answered,
                    lost: totals.lost,
                    duplicated: totals.duplicated,
                    reordered: totals.reordered,
                    impostors: totals.impostors,
                    refused: totals.refused,
                    unasked: totals.unasked,
                    forgotten: self.pings.forgotten(),
                },
                out,
            )?;
        }
        Ok(())
    }

    fn ping<'a>(&'a self, exchange: &Exchange) -> Ping<'a> {
        let points = self.pings.points();
        let hops = exchange
            .hops(points)
            .into_iter()
            .filter_map(|hop| {
                let point = points.get(hop.point)?;
                Some(PingHop {
                    file: self.files.get(point.source).map(String::as_str),
                    device: match &point.device {
                        Device::Unknown => None,
                        known => Some(known.to_string()),
                    },
                    place: point.place.clone(),
                    tunnel: point.tunnel.map(|tunnel| tunnel.kind.name()),
                    network: point.tunnel.and_then(|tunnel| tunnel.network),
                    request: hop.request.map(seen),
                    reply: hop.reply.map(seen),
                    round_trip_ns: hop.round_trip(),
                })
            })
            .collect();
        Ping {
            schema: "ovl.decode.ping/v1",
            source: exchange.echo.source,
            source_name: self.names.get(exchange.echo.source, exchange.first_seen()),
            destination: exchange.echo.destination,
            destination_name: self
                .names
                .get(exchange.echo.destination, exchange.first_seen()),
            id: exchange.echo.id,
            sequence: exchange.echo.sequence,
            answered: exchange.is_answered(),
            answered_by: exchange.impostor(),
            refused_by: exchange.refusal.map(|refusal| refusal.from),
            hops,
        }
    }
}

fn cell(hop: &Hop) -> String {
    match (hop.round_trip(), hop.request) {
        (Some(time), _) => words::duration(time),
        (None, Some(_)) => "no reply".to_owned(),
        (None, None) => "reply only".to_owned(),
    }
}

/// What an ICMP error means, in a few words (RFC 792, RFC 1812 §5.2.7.1, RFC 4443).
fn refusal_words(refusal: &Refusal, asker: IpAddr) -> &'static str {
    if asker.is_ipv4() {
        match (refusal.kind, refusal.code) {
            (3, 0) => "net unreachable",
            (3, 1) => "host unreachable",
            (3, 2) => "protocol unreachable",
            (3, 3) => "port unreachable",
            (3, 4) => "too big",
            (3, 9 | 10 | 13) => "prohibited",
            (3, _) => "unreachable",
            (11, 1) => "reassembly took too long",
            (11, _) => "hop limit reached",
            _ => "bad header",
        }
    } else {
        match (refusal.kind, refusal.code) {
            (1, 0) => "no route",
            (1, 1) => "prohibited",
            (1, 3) => "address unreachable",
            (1, 4) => "port unreachable",
            (1, _) => "unreachable",
            (2, _) => "too big",
            (3, 1) => "reassembly took too long",
            (3, _) => "hop limit reached",
            _ => "bad header",
        }
    }
}

/// Appends a value as one line.
pub(super) fn line<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    out.push(b'\n');
    Ok(())
}

/// A moment as RFC 3339 has it.
pub(super) fn moment(time: Timestamp) -> String {
    let mut text = Vec::new();
    super::json::Clock::default().put(time, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn seen(sighting: Sighting) -> PingSeen {
    PingSeen {
        time: moment(sighting.time),
        direction: sighting.way.map(Way::word),
        packet: sighting.number,
        ttl: sighting.ttl,
    }
}

#[derive(Serialize)]
struct Ping<'a> {
    schema: &'static str,
    source: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_name: Option<&'a str>,
    destination: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_name: Option<&'a str>,
    id: u16,
    sequence: u16,
    answered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_by: Option<IpAddr>,
    hops: Vec<PingHop<'a>>,
}

#[derive(Serialize)]
struct PingHop<'a> {
    file: Option<&'a str>,
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<u32>,
    request: Option<PingSeen>,
    reply: Option<PingSeen>,
    round_trip_ns: Option<i128>,
}

#[derive(Serialize)]
struct PingSeen {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
    packet: u64,
    ttl: u8,
}

#[derive(Serialize)]
struct Summary<'a> {
    schema: &'static str,
    source: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_name: Option<&'a str>,
    destination: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_name: Option<&'a str>,
    id: u16,
    sent: usize,
    answered: usize,
    lost: usize,
    duplicated: usize,
    reordered: usize,
    impostors: usize,
    refused: usize,
    unasked: usize,
    forgotten: usize,
}
