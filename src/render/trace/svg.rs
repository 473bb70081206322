//! A trace as a drawing: the nodes side by side, the namespaces in them, and the packet's way through their devices.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{arrow, short};
use crate::trace::{Leg, Trace};
use crate::walk::path::{End, Hop, Place, Wire, Wrapping};

const COLUMN: usize = 380;
const GAP: usize = 190;
const MARGIN: usize = 28;
const DEVICE: usize = 46;
const STEP: usize = 74;
const HEAD: usize = 96;

/// A device in a column.
struct Box<'t> {
    place: &'t Place,
    hops: Vec<&'t Hop>,
    seen: Option<u32>,
}

/// A node, and the devices of it that the packet passes, in its order.
struct Column<'t> {
    node: &'t str,
    boxes: Vec<Box<'t>>,
    /// How the packet gets to the next one.
    wire: Option<(Wire, &'t Hop)>,
}

/// Writes the drawing.
///
/// # Errors
/// Those of `out`.
pub fn draw(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    let columns = columns(&trace.out);
    let rows = columns
        .iter()
        .map(|column| column.boxes.len())
        .max()
        .unwrap_or(0)
        .max(1);
    let width = 2 * MARGIN + columns.len() * COLUMN + columns.len().saturating_sub(1) * GAP;
    let bottom = HEAD + 60 + rows * STEP;
    let findings = trace.findings.len();
    let height = bottom + 70 + findings * 44;
    let mut svg = String::new();
    head(&mut svg, trace, width.max(760), height);
    let broken = broken_at(&trace.out);
    // What moves is drawn over what stands.
    let mut ways = String::new();
    for (number, column) in columns.iter().enumerate() {
        let x = MARGIN + number * (COLUMN + GAP);
        // The way goes down in the first node, across, and up again in the last.
        let upwards = number > 0 && number + 1 == columns.len();
        draw_column(&mut svg, &mut ways, column, x, rows, upwards, trace, broken);
        if let Some((wire, hop)) = &column.wire {
            draw_wire(&mut ways, wire, hop, x, bottom, number + 1 < columns.len());
        }
    }
    svg.push_str(&ways);
    verdict(&mut svg, trace, bottom + 40);
    svg.push_str("</svg>\n");
    out.write_all(svg.as_bytes())
}

fn columns(leg: &Leg) -> Vec<Column<'_>> {
    let mut columns: Vec<Column<'_>> = Vec::new();
    for (number, hop) in leg.path.hops.iter().enumerate() {
        if columns
            .last()
            .is_none_or(|column| column.node != hop.at.node)
        {
            columns.push(Column {
                node: &hop.at.node,
                boxes: Vec::new(),
                wire: None,
            });
        }
        let seen = leg.sights.get(number).and_then(|sight| sight.seen);
        let Some(column) = columns.last_mut() else {
            continue;
        };
        match column.boxes.last_mut() {
            Some(last) if *last.place == hop.at => last.hops.push(hop),
            _ => column.boxes.push(Box {
                place: &hop.at,
                hops: vec![hop],
                seen,
            }),
        }
        if let Some(wire) = hop.wire {
            column.wire = Some((wire, hop));
        }
    }
    columns
}

/// The place where the packet is lost.
fn broken_at(leg: &Leg) -> Option<&Place> {
    match &leg.path.end {
        End::Dropped(drop) => Some(&drop.at),
        End::CannotTell { at, .. } => Some(at),
        End::Delivered { .. } => None,
    }
}

fn head(svg: &mut String, trace: &Trace, width: usize, height: usize) {
    let title = format!(
        "{} {} → {} {}",
        trace.source.name, trace.source.address, trace.destination.name, trace.destination.address
    );
    let _ = write!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, monospace" font-size="12">
<title>{title}</title>
<style>
  .paper {{ fill: #ffffff }} .node {{ fill: #f4f6f8; stroke: #8a97a3 }} .netns {{ fill: #ffffff; stroke: #b9c3cc; stroke-dasharray: 4 3 }}
  .device {{ fill: #e3f1e6; stroke: #2f7d43 }} .broken {{ fill: #fbe3e1; stroke: #b3261e; stroke-width: 2 }} .unseen {{ fill: #fff4d6; stroke: #a06a00 }}
  .way {{ stroke: #2f7d43; stroke-width: 2; fill: none }} .lost {{ stroke: #b3261e; stroke-width: 2; fill: none }}
  text {{ fill: #1d2328 }} .small {{ font-size: 10px; fill: #55616b }} .title {{ font-size: 15px; font-weight: bold }} .bad {{ fill: #b3261e }} .good {{ fill: #2f7d43 }}
  @media (prefers-color-scheme: dark) {{
    .paper {{ fill: #14181c }} .node {{ fill: #1c2228; stroke: #5a6772 }} .netns {{ fill: #14181c; stroke: #46525c }}
    .device {{ fill: #16301d; stroke: #58b36f }} .broken {{ fill: #3a1715; stroke: #ef6a5f }} .unseen {{ fill: #33280e; stroke: #d9a441 }}
    .way {{ stroke: #58b36f }} .lost {{ stroke: #ef6a5f }} text {{ fill: #e3e8ec }} .small {{ fill: #9aa7b2 }} .bad {{ fill: #ef6a5f }} .good {{ fill: #58b36f }}
  }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L8 4 L0 8 z" fill="#2f7d43"/></marker></defs>
<rect class="paper" width="{width}" height="{height}"/>
<text class="title" x="{MARGIN}" y="34">{title}</text>
"##,
        title = escaped(&title),
    );
    let _ = writeln!(
        svg,
        r#"<text class="small" x="{MARGIN}" y="54">{}</text>"#,
        escaped(&super::question(trace))
    );
}

#[allow(
    clippy::too_many_arguments,
    reason = "a column, where it stands, and the two layers of the drawing"
)]
fn draw_column(
    svg: &mut String,
    ways: &mut String,
    column: &Column<'_>,
    x: usize,
    rows: usize,
    upwards: bool,
    trace: &Trace,
    broken: Option<&Place>,
) {
    let top = HEAD - 10;
    let height = 50 + rows * STEP;
    let _ = writeln!(
        svg,
        r#"<rect class="node" x="{x}" y="{top}" width="{COLUMN}" height="{height}" rx="10"/><text x="{}" y="{}" font-weight="bold">{}</text>"#,
        x + 14,
        top + 22,
        escaped(column.node)
    );
    let count = column.boxes.len();
    let y_of = |number: usize| {
        let row = if upwards {
            rows - 1 - number
        } else {
            number
                + (rows - count.min(rows))
                    * usize::from(column.wire.is_some() && number + 1 == count)
        };
        HEAD + 34 + row * STEP
    };
    for (number, item) in column.boxes.iter().enumerate() {
        let y = y_of(number);
        let is_pod = item.place.name != "root";
        if is_pod {
            let _ = writeln!(
                svg,
                r#"<rect class="netns" x="{}" y="{}" width="{}" height="{}" rx="8"/>"#,
                x + 10,
                y - 18,
                COLUMN - 20,
                DEVICE + 26
            );
        }
        let is_broken = broken.is_some_and(|place| place == item.place);
        let class = match (is_broken, item.seen, &trace.probes) {
            (true, _, _) => "broken",
            (_, Some(0), Some(_)) => "unseen",
            _ => "device",
        };
        let name = item
            .place
            .device
            .as_ref()
            .map_or("?", |device| device.name.as_str());
        let _ = writeln!(
            svg,
            r#"<text class="small" x="{}" y="{}">{}</text><rect class="{class}" x="{}" y="{y}" width="{}" height="{DEVICE}" rx="6"/><text x="{}" y="{}" font-weight="bold">{}</text>"#,
            x + 22,
            y - 5,
            escaped(short(&item.place.name)),
            x + 20,
            COLUMN - 40,
            x + 32,
            y + 19,
            escaped(name)
        );
        let mtu = item.hops.iter().find_map(|hop| hop.mtu);
        let mut right: Vec<String> = mtu.map(|mtu| format!("mtu {mtu}")).into_iter().collect();
        if let (Some(seen), Some(probes)) = (item.seen, &trace.probes) {
            right.push(format!("seen {seen}/{}", probes.sent));
        }
        let _ = writeln!(
            svg,
            r#"<text class="small" x="{}" y="{}" text-anchor="end">{}</text><text class="small" x="{}" y="{}">{}</text>"#,
            x + COLUMN - 32,
            y + 19,
            escaped(&right.join("  ")),
            x + 32,
            y + 36,
            escaped(&cut(&decision(item)))
        );
        if number + 1 < count {
            let next = y_of(number + 1);
            let (from, to) = if next > y {
                (y + DEVICE, next)
            } else {
                (y, next + DEVICE)
            };
            let middle = x + COLUMN - 90;
            let _ = writeln!(
                ways,
                r#"<path class="way" marker-end="url(#tip)" d="M{middle} {from} L{middle} {to}"/>"#
            );
        }
        if is_broken {
            let (cx, cy) = (x + COLUMN - 34, y + 34);
            let _ = writeln!(
                ways,
                r#"<path class="lost" d="M{} {} l12 12 m0 -12 l-12 12"/>"#,
                cx - 6,
                cy - 6
            );
        }
    }
}

/// What decided, in the notation of whoever would look it up.
fn decision(item: &Box<'_>) -> String {
    item.hops
        .iter()
        .find_map(|hop| hop.rows.first())
        .map_or_else(
            || {
                item.hops
                    .first()
                    .map_or("", |hop| arrow(hop.direction))
                    .to_owned()
            },
            |row| row.text.clone(),
        )
}

fn draw_wire(svg: &mut String, wire: &Wire, hop: &Hop, x: usize, bottom: usize, arrives: bool) {
    let y = bottom - STEP + DEVICE / 2 - 26;
    let (from, to) = (x + COLUMN - 20, x + COLUMN + GAP + 20);
    let class = if arrives { "way" } else { "lost" };
    let _ = writeln!(
        svg,
        r#"<path class="{class}" marker-end="url(#tip)" d="M{from} {y} L{to} {y}"/>"#
    );
    let middle = x + COLUMN + GAP / 2;
    let mut lines = vec![format!("→ {}", wire.to)];
    if let Some(outer) = hop.headers.outer {
        lines.push(match outer.kind {
            Wrapping::Vxlan { vni, port } => format!("VXLAN {vni}, UDP {port}"),
            Wrapping::Ip { protocol } => format!("IP protocol {protocol}"),
        });
        lines.push(format!(
            "+{} octets",
            outer.kind.octets(outer.destination.is_ipv6())
        ));
    }
    if wire.by_router {
        lines.push("by the underlay's routers".to_owned());
    }
    for (number, line) in lines.iter().enumerate() {
        let _ = writeln!(
            svg,
            r#"<text class="small" x="{middle}" y="{}" text-anchor="middle">{}</text>"#,
            if number == 0 {
                y - 8
            } else {
                y + 2 + 14 * number
            },
            escaped(line)
        );
    }
}

fn verdict(svg: &mut String, trace: &Trace, mut y: usize) {
    if trace.findings.is_empty() {
        let (class, word) = if trace.is_answered() && trace.doubts.is_empty() {
            ("good", "nothing wrong")
        } else {
            ("small", "cannot tell")
        };
        let _ = writeln!(
            svg,
            r#"<text class="{class}" x="{MARGIN}" y="{y}">{word}</text>"#
        );
        return;
    }
    for verdict in &trace.findings {
        let finding = &verdict.finding;
        let _ = writeln!(
            svg,
            r#"<text class="bad" x="{MARGIN}" y="{y}" font-weight="bold">{}</text><text x="{MARGIN}" y="{}">{}</text>"#,
            escaped(finding.id),
            y + 17,
            escaped(&finding.what)
        );
        y += 44;
    }
}

/// What fits into a device's box.
fn cut(text: &str) -> String {
    const MOST: usize = 52;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(MOST - 1).collect();
    format!("{kept}…")
}

/// Text inside XML; control characters have no place there at all.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
