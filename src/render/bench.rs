//! `ovl bench`, for people.

use std::io::{self, Write};

use super::Style;
use super::escape::escape;
use super::table;
use crate::bench::{Bench, Measured};

/// Writes one line a way, and what the first costs beside the second.
///
/// # Errors
/// Those of `out`.
pub fn text(bench: &Bench, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = table::with_heads(&[
        "FROM", "TO", "P50", "P90", "P99", "MAX", "ECHOES", "TCP", "UDP", "LOST", "MTU", "WRAPPING",
    ]);
    for way in &bench.ways {
        table::push(&mut rows, cells(way));
    }
    out.write_all(table::text(rows).as_bytes())?;
    if let [pods, nodes] = bench.ways.as_slice() {
        let mut costs = Vec::new();
        if let (Some(a), Some(b)) = (&pods.round_trips, &nodes.round_trips) {
            costs.push(format!("round trip {}", change(a.p50_ns, b.p50_ns)));
        }
        if let (Some(a), Some(b)) = (&pods.stream, &nodes.stream) {
            costs.push(format!(
                "TCP {}",
                change(a.bits_per_second, b.bits_per_second)
            ));
        }
        if let (Some(a), Some(b)) = (&pods.packets, &nodes.packets) {
            costs.push(format!("packets {}", change(a.per_second, b.per_second)));
        }
        if !costs.is_empty() {
            writeln!(out, "\npods beside nodes: {}", costs.join(", "))?;
        }
    }
    for doubt in &bench.doubts {
        writeln!(
            out,
            "{}",
            style.doubtful(format!("not measured  {}", escape(doubt)))
        )?;
    }
    Ok(())
}

fn cells(way: &Measured) -> [String; 12] {
    let trips = |pick: fn(&crate::bench::RoundTrips) -> u64| {
        way.round_trips
            .as_ref()
            .map(|trips| time(pick(trips)))
            .unwrap_or_default()
    };
    let echoes = way.round_trips.as_ref();
    let lost = way.packets.as_ref().map(|packets| {
        let lost = packets.sent.saturating_sub(packets.received);
        format!("{:.0} %", lost as f64 * 100.0 / packets.sent.max(1) as f64)
    });
    [
        way.source.clone(),
        way.destination.clone(),
        trips(|trips| trips.p50_ns),
        trips(|trips| trips.p90_ns),
        trips(|trips| trips.p99_ns),
        trips(|trips| trips.max_ns),
        echoes
            .map(|trips| format!("{}/{}", trips.answered, trips.sent))
            .unwrap_or_default(),
        way.stream
            .as_ref()
            .map(|stream| rate(stream.bits_per_second, "bit/s"))
            .unwrap_or_default(),
        way.packets
            .as_ref()
            .map(|packets| rate(packets.per_second, "/s"))
            .unwrap_or_default(),
        lost.unwrap_or_default(),
        way.path_mtu.map(|mtu| mtu.to_string()).unwrap_or_default(),
        format!("{} octets", way.wrapping),
    ]
}

/// Microseconds, or milliseconds from one on.
fn time(ns: u64) -> String {
    if ns < 1_000_000 {
        format!("{:.0} µs", ns as f64 / 1e3)
    } else {
        format!("{:.2} ms", ns as f64 / 1e6)
    }
}

fn rate(number: u64, unit: &str) -> String {
    let number = number as f64;
    if number >= 1e9 {
        format!("{:.2} G{unit}", number / 1e9)
    } else if number >= 1e6 {
        format!("{:.1} M{unit}", number / 1e6)
    } else {
        format!("{:.0} k{unit}", number / 1e3)
    }
}

fn change(with: u64, without: u64) -> String {
    let percent = (with as f64 / without.max(1) as f64 - 1.0) * 100.0;
    format!("{percent:+.0} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        assert_eq!(time(19_600), "20 µs");
        assert_eq!(time(1_250_000), "1.25 ms");
        assert_eq!(rate(9_870_000_000, "bit/s"), "9.87 Gbit/s");
        assert_eq!(rate(412_300, "/s"), "412 k/s");
        assert_eq!(change(120, 100), "+20 %");
        assert_eq!(change(75, 100), "-25 %");
    }
}
