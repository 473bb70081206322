//! The devices that a packet passes, one line each.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::render::Style;
use crate::render::escape::escape;
use crate::trace::{Leg, Sight, Trace};
use crate::walk::path::{Direction, End, Hop, RowTable, Step, Wire, Wrapping};

/// How far a row may reach before it is left to `wide`.
const WIDEST_ROW: usize = 76;

/// One line of the way.
struct Line {
    place: String,
    device: String,
    what: String,
    more: Vec<String>,
    sight: Option<Sight>,
}

pub(super) fn way(
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
            write!(
                out,
                "  {}  {}",
                style.bad("✗ lost at"),
                escape(&drop.at.to_string()),
            )?;
            if let Some(row) = drop.rows.first() {
                write!(out, "  {}", style.aside(escape(&row.text)))?;
            }
            writeln!(out)?;
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
pub(super) fn short(place: &str) -> &str {
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

pub(super) fn reply(
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

/// The word for a direction on a drawing.
pub(in crate::render) fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "out",
        Direction::In => "in",
    }
}

#[cfg(test)]
mod tests;
