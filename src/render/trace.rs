//! `ovl trace`, for people: one line for each device that the packet passes.

pub mod svg;

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::Style;
use super::check;
use super::escape::escape;
use crate::diagnose::trace::Verdict;
use crate::trace::watch::{Change, Watched};
use crate::trace::{Endpoint, Leg, Probes, Sight, Trace};
use crate::walk::path::{Direction, End, Hop, Protocol, RowTable, Step, Wire, Wrapping};
use crate::wire::Timestamp;
use crate::wire::print::clock_text;

/// How far a row may reach before it is left to `wide`.
const WIDEST_ROW: usize = 76;

/// Writes a trace. `wide` shows every row that decided something, and the answer's way even if it is the same.
///
/// # Errors
/// Those of `out`.
pub fn text(trace: &Trace, wide: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if let Some(watched) = &trace.watched {
        change(watched, style, out)?;
    }
    writeln!(
        out,
        "{}  →  {}   {}",
        endpoint(&trace.source, style),
        endpoint(&trace.destination, style),
        question(trace)
    )?;
    let sent = trace.probes.as_ref().map(|probes| probes.sent);
    way(&trace.out, sent, wide, style, out)?;
    if let Some(back) = &trace.back {
        reply(trace, back, sent, wide, style, out)?;
    }
    for endpoint in &trace.endpoints {
        let to = match endpoint.port {
            Some(port) => std::net::SocketAddr::new(endpoint.address, port).to_string(),
            None => endpoint.address.to_string(),
        };
        let end = match &endpoint.end {
            End::Delivered { at } => style.good(format!("arrives at {} on {}", at.name, at.node)),
            End::Dropped(drop) => style.bad(format!("lost at {}", drop.at)),
            End::CannotTell { why, .. } => style.doubtful(format!("cannot tell: {why}")),
        };
        writeln!(out, "  endpoint  {to}  {end}")?;
    }
    conclusion(trace, style, out)?;
    for verdict in &trace.findings {
        writeln!(out)?;
        finding(verdict, wide, style, out)?;
    }
    if trace.more_may_follow && !trace.findings.is_empty() {
        writeln!(
            out,
            "\n{}",
            style.aside("more may be wrong behind it: trace again once this is mended")
        )?;
    }
    Ok(())
}

/// One line that says when and what: `12:03:07  broke`.
///
/// # Errors
/// Those of `out`.
pub fn change(watched: &Watched, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let word = watched.change.as_str();
    let word = match watched.change {
        Change::Broke => style.bad(word),
        Change::Healed | Change::Known => style.good(word),
        Change::Unknown => style.doubtful(word),
        Change::Begun | Change::Changed => word.to_owned(),
    };
    if watched.change != Change::Begun {
        writeln!(out)?;
    }
    writeln!(out, "{}  {word}", time_of_day(watched.time_ns))
}

/// The time of day in the local zone, to the second.
fn time_of_day(time_ns: i64) -> String {
    let seconds = time_ns.div_euclid(1_000_000_000);
    let text = clock_text(Timestamp { seconds, nanos: 0 }, false);
    text.split('.').next().unwrap_or_default().to_owned()
}

fn endpoint(endpoint: &Endpoint, style: Style) -> String {
    let mut text = style.subject(escape(&endpoint.name));
    let address = match endpoint.port {
        Some(port) => std::net::SocketAddr::new(endpoint.address, port).to_string(),
        None => endpoint.address.to_string(),
    };
    if address != endpoint.name {
        text.push_str(&format!(" {address}"));
    }
    if let Some(node) = &endpoint.node
        && endpoint.name != format!("node/{node}")
    {
        text.push_str(&format!(" ({})", escape(node)));
    }
    text
}

fn question(trace: &Trace) -> String {
    let times = match &trace.probes {
        Some(probes) => format!(" ×{}", probes.sent),
        None => String::new(),
    };
    let packet = &trace.packet;
    let cut = if packet.dont_fragment {
        ", not to be cut"
    } else {
        ""
    };
    match packet.protocol {
        Protocol::Udp {
            destination_port, ..
        } => format!("udp port {destination_port}{times}{cut}"),
        Protocol::Tcp {
            destination_port, ..
        } => format!("tcp port {destination_port}{times}{cut}"),
        _ => {
            let headers = if packet.source.is_ipv6() { 48 } else { 28 };
            let data = packet.size.saturating_sub(headers);
            format!("icmp echo{times}, {data} octets{cut}")
        }
    }
}

/// One line of the way.
struct Line {
    place: String,
    device: String,
    what: String,
    more: Vec<String>,
    sight: Option<Sight>,
}

fn way(
    leg: &Leg,
    sent: Option<u32>,
    wide: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let path = &leg.path;
    let lines: Vec<Line> = path
        .hops
        .iter()
        .enumerate()
        .map(|(at, hop)| {
            let is_end = at + 1 == path.hops.len() && path.is_delivered();
            line(hop, is_end, leg.sights.get(at).copied(), wide)
        })
        .collect();
    let width =
        |of: &dyn Fn(&Line) -> &str| lines.iter().map(|line| of(line).width()).max().unwrap_or(0);
    let places = width(&|line| &line.place);
    let devices = width(&|line| &line.device);
    let whats = width(&|line| &line.what).min(WIDEST_ROW);
    let mut node: Option<&str> = None;
    for (hop, line) in path.hops.iter().zip(&lines) {
        if node != Some(&hop.at.node) {
            writeln!(out, "  {}", style.subject(escape(&hop.at.node)))?;
            node = Some(&hop.at.node);
        }
        let seen = sight(line.sight, sent, style);
        // What was seen keeps its column: a long row goes on below.
        let mut rows = if seen.is_empty() {
            vec![line.what.clone()]
        } else {
            folded(&line.what, whats)
        }
        .into_iter();
        let first = rows.next().unwrap_or_default();
        let row = format!(
            "  {}  {}  {}",
            padded(&line.place, places),
            padded(&line.device, devices),
            if seen.is_empty() {
                first
            } else {
                padded(&first, whats)
            },
        );
        writeln!(out, "{}", format!("{row}  {seen}").trim_end())?;
        let indent = 6 + places + devices;
        for rest in rows {
            writeln!(out, "{:indent$}  {rest}", "")?;
        }
        for more in &line.more {
            writeln!(out, "{:indent$}{}", "", style.aside(more))?;
        }
        if let Some(wire) = &hop.wire {
            writeln!(out, "  {}", style.aside(crossing(wire, hop)))?;
        }
    }
    match &path.end {
        End::Delivered { .. } => {}
        End::Dropped(drop) => {
            let what = drop.rows.first().map_or("", |row| row.text.as_str());
            writeln!(
                out,
                "  {}  {}  {}",
                style.bad("✗ lost at"),
                escape(&drop.at.to_string()),
                style.aside(escape(what))
            )?;
        }
        End::CannotTell { at, why } => {
            writeln!(
                out,
                "  {}  {}  {}",
                style.doubtful("? cannot tell from"),
                escape(&at.to_string()),
                escape(why)
            )?;
        }
    }
    for note in &path.notes {
        // Asking for a neighbour is what every first packet does.
        let is_ordinary = matches!(note.kind, crate::walk::path::NoteKind::WouldResolve { .. });
        if wide || !is_ordinary {
            writeln!(
                out,
                "  {}",
                style.aside(format!(
                    "note: {}: {}",
                    escape(&note.at.to_string()),
                    note.kind
                ))
            )?;
        }
    }
    Ok(())
}

fn line(hop: &Hop, is_end: bool, sight: Option<Sight>, wide: bool) -> Line {
    let what = what(hop, is_end);
    let more = if wide {
        hop.rows
            .iter()
            .filter(|row| row.text != what)
            .map(|row| format!("{}: {}", row.table.as_str(), escape(&row.text)))
            .collect()
    } else {
        Vec::new()
    };
    Line {
        place: escape(short(&hop.at.name)).into_owned(),
        device: hop
            .at
            .device
            .as_ref()
            .map(|device| escape(&device.name).into_owned())
            .unwrap_or_default(),
        what,
        more,
        sight,
    }
}

/// kubectl does not say `default` either.
fn short(place: &str) -> &str {
    place.strip_prefix("default/").unwrap_or(place)
}

fn what(hop: &Hop, is_end: bool) -> String {
    let row = |table| hop.rows.iter().find(|row| row.table == table);
    let decisive = match hop.step {
        Step::Wrap => hop
            .rows
            .iter()
            .rev()
            .find(|row| row.table == RowTable::Fdb)
            .or_else(|| hop.rows.first()),
        _ => row(RowTable::Route)
            .or_else(|| row(RowTable::Fdb))
            .or_else(|| hop.rows.first()),
    };
    match hop.step {
        Step::Receive | Step::Deliver if is_end => "local".to_owned(),
        Step::Receive | Step::Deliver => "in".to_owned(),
        Step::Unwrap if is_end => "unwrapped, local".to_owned(),
        Step::Unwrap => "unwrapped".to_owned(),
        Step::Flood => "flooded: the bridge does not know the MAC".to_owned(),
        _ => decisive.map_or_else(|| "out".to_owned(), |row| escape(&row.text).into_owned()),
    }
}

/// A row in pieces no wider than `width`, broken between words; a word that is wider stays whole.
fn folded(text: &str, width: usize) -> Vec<String> {
    if text.width() <= width {
        return vec![text.to_owned()];
    }
    let mut pieces: Vec<String> = Vec::new();
    for word in text.split(' ') {
        // All but the first piece are set in by two.
        let room = if pieces.len() > 1 { width - 2 } else { width };
        match pieces.last_mut() {
            Some(piece) if piece.width() + 1 + word.width() <= room => {
                piece.push(' ');
                piece.push_str(word);
            }
            _ => pieces.push(word.to_owned()),
        }
    }
    pieces
}

fn padded(text: &str, width: usize) -> String {
    let fill = width.saturating_sub(text.width());
    format!("{text}{:fill$}", "")
}

fn sight(sight: Option<Sight>, sent: Option<u32>, style: Style) -> String {
    let (Some(sight), Some(sent)) = (sight, sent) else {
        return String::new();
    };
    let Some(seen) = sight.seen else {
        return style.doubtful("no tap");
    };
    let count = format!("{seen}/{sent}");
    let count = if seen >= sent {
        style.good(count)
    } else if seen == 0 {
        style.bad(count)
    } else {
        style.doubtful(count)
    };
    match sight.after_ns {
        Some(after) if seen > 0 => {
            format!(
                "{count}  {:>9}",
                after_text(after, sight.doubt_ns.unwrap_or(0))
            )
        }
        _ => count,
    }
}

/// Rounded as far as it can be believed: `~` if it may as well be a quarter more or less, and no more than its bound if
/// it may be nothing.
fn after_text(ns: i64, doubt_ns: i64) -> String {
    let (sign, ns) = match (ns, doubt_ns) {
        (_, 0) => ("+", ns),
        (ns, doubt) if ns < 500 => ("≤", ns.saturating_add(doubt)),
        (ns, doubt) if doubt > ns / 4 => ("~", ns),
        _ => ("+", ns),
    };
    let us = (ns + 500) / 1000;
    if us >= 10_000 {
        format!("{sign}{}.{} ms", us / 1000, us % 1000 / 100)
    } else {
        format!("{sign}{us} µs")
    }
}

fn crossing(wire: &Wire, hop: &Hop) -> String {
    let from = wire
        .from
        .map_or_else(|| "?".to_owned(), |from| from.to_string());
    let to = match hop.headers.outer {
        Some(outer) if wire.by_router => format!("{} by way of {}", outer.destination, wire.to),
        _ => wire.to.to_string(),
    };
    let router = if wire.by_router && hop.headers.outer.is_none() {
        " (a router of the underlay)"
    } else {
        ""
    };
    let inside = match hop.headers.outer {
        Some(outer) => {
            let octets = outer.kind.octets(outer.destination.is_ipv6());
            match outer.kind {
                Wrapping::Vxlan { vni, port } => {
                    format!("  VXLAN {vni}, UDP {port}, {octets} octets more")
                }
                Wrapping::Ip { protocol } => {
                    format!("  IP protocol {protocol}, {octets} octets more")
                }
            }
        }
        None => String::new(),
    };
    format!("─────── {from} → {to}{router}{inside} ───────")
}

fn reply(
    trace: &Trace,
    back: &Leg,
    sent: Option<u32>,
    wide: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if trace.same_way_back == Some(true) && !wide {
        let last = back.sights.last().copied();
        // Only the end counts: hops between show in `wide`.
        let seen = sight(
            last.map(|last| Sight {
                after_ns: None,
                ..last
            }),
            sent,
            style,
        );
        return writeln!(
            out,
            "{}",
            format!("  reply  same way back  {seen}").trim_end()
        );
    }
    writeln!(out, "  {}", style.subject("reply"))?;
    way(back, sent, wide, style, out)
}

fn conclusion(trace: &Trace, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let faults = trace
        .findings
        .iter()
        .any(|verdict| verdict.finding.severity == crate::diagnose::Severity::Fault);
    let (word, told) = if faults {
        (style.bad("fault"), true)
    } else if trace.is_answered() && trace.doubts.is_empty() {
        (style.good("ok"), true)
    } else if trace.is_answered() {
        (style.doubtful("ok, with doubts"), true)
    } else {
        (style.doubtful("cannot tell"), false)
    };
    let mut parts = Vec::new();
    match &trace.probes {
        Some(probes) => parts.push(outcome(probes)),
        None if told => parts.push("by the tables; no packet was sent".to_owned()),
        None => {}
    }
    if let Some(mtu) = trace.path_mtu {
        parts.push(format!("path MTU {mtu}"));
    }
    writeln!(out, "  {word}  {}", parts.join("; "))?;
    for doubt in &trace.doubts {
        writeln!(
            out,
            "  {}",
            style.doubtful(format!("not known  {}", escape(doubt)))
        )?;
    }
    Ok(())
}

fn outcome(probes: &Probes) -> String {
    let mut text = format!("{} sent, {} answered", probes.sent, probes.answered);
    let mut times = probes.round_trips_ns.clone();
    times.sort_unstable();
    if let (Some(least), Some(middle), Some(most)) =
        (times.first(), times.get(times.len() / 2), times.last())
    {
        text.push_str(&format!(
            ", {}/{}/{} ms",
            ms(*least),
            ms(*middle),
            ms(*most)
        ));
    }
    for error in &probes.errors {
        text.push_str(&format!("; {}", escape(error)));
    }
    text
}

/// Milliseconds with two digits, as `ping` shows them.
fn ms(ns: u64) -> String {
    let hundredths = (ns + 5_000) / 10_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn finding(verdict: &Verdict, wide: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    check::write_finding(&verdict.finding, wide, style, out)?;
    writeln!(
        out,
        "  {}   {}",
        style.aside("sure"),
        verdict.certainty.as_str()
    )?;
    for possible in &verdict.possible {
        writeln!(
            out,
            "  {}  {}",
            style.aside("maybe"),
            escape(&possible.what)
        )?;
        writeln!(
            out,
            "         {} {}",
            style.aside("to tell:"),
            escape(&possible.tell)
        )?;
    }
    Ok(())
}

/// The word for a direction on a drawing.
pub(super) fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "out",
        Direction::In => "in",
    }
}

#[cfg(test)]
mod tests {
    use super::after_text;

    #[test]
    fn times_say_how_far_they_can_be_believed() {
        assert_eq!(after_text(8_600, 0), "+9 µs");
        assert_eq!(after_text(0, 0), "+0 µs");
        assert_eq!(after_text(41_000, 2_000), "+41 µs");
        assert_eq!(after_text(41_000, 40_000), "~41 µs");
        assert_eq!(after_text(0, 14_000), "≤14 µs");
        assert_eq!(after_text(12_340_000, 0), "+12.3 ms");
    }
}
