//! `ovl bench`, for people: the pods beside their nodes.

use std::io::{self, Write};

use super::Style;
use super::escape::escape;
use super::table;
use crate::bench::{Bench, Measured, Way};
use crate::trace::Endpoint;

/// Writes a measurement.
///
/// # Errors
/// Those of `out`.
pub fn text(bench: &Bench, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let limit = rate(bench.most_bits);
    writeln!(
        out,
        "{}  →  {}   {} s each, at most {limit}",
        endpoint(&bench.pods.source, style),
        endpoint(&bench.pods.destination, style),
        bench.seconds
    )?;
    if let Some(nodes) = &bench.nodes {
        writeln!(
            out,
            "beside {}  →  {}",
            endpoint(&nodes.source, style),
            endpoint(&nodes.destination, style),
        )?;
    }
    writeln!(out)?;
    let pods = column(&bench.pods);
    let mut table = if bench.nodes.is_some() {
        table::with_heads(&["", "ASKED", "NODES", "COST"])
    } else {
        table::with_heads(&["", "ASKED"])
    };
    match &bench.nodes {
        Some(nodes) => {
            let nodes_column = column(nodes);
            for (((head, mine), (_, beside)), cost) in pods
                .iter()
                .zip(&nodes_column)
                .zip(costs(&bench.pods, nodes))
            {
                table::push(&mut table, [*head, mine, beside, &cost]);
            }
        }
        None => {
            for (head, mine) in &pods {
                table::push(&mut table, [*head, mine]);
            }
        }
    }
    write!(out, "{}", table::text(table))?;
    for (name, way) in std::iter::once(("asked", &bench.pods))
        .chain(bench.nodes.iter().map(|nodes| ("nodes", nodes)))
    {
        why(name, "round trip", &way.round_trips, style, out)?;
        why(name, "TCP", &way.tcp, style, out)?;
        why(name, "UDP", &way.udp, style, out)?;
    }
    Ok(())
}

/// What stands in the place of a number, explained.
fn why<T>(
    way: &str,
    what: &str,
    measured: &Measured<T>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match measured {
        Measured::Known(_) => Ok(()),
        Measured::Lost(words) => {
            writeln!(
                out,
                "{} {way}, {what}: {}",
                style.bad("lost"),
                escape(words)
            )
        }
        Measured::Unavailable(words) => writeln!(
            out,
            "{} {way}, {what}: {}",
            style.doubtful("cannot tell"),
            escape(words)
        ),
    }
}

fn endpoint(endpoint: &Endpoint, style: Style) -> String {
    let mut text = style.subject(escape(&endpoint.name));
    let address = endpoint.address.to_string();
    if address != endpoint.name {
        text.push_str(&format!(" {address}"));
    }
    match &endpoint.node {
        Some(node) if endpoint.name != format!("node/{node}") => {
            text.push_str(&format!(" ({})", escape(node)));
        }
        _ => {}
    }
    text
}

/// Every row's head and value, the same rows for every way.
fn column(way: &Way) -> [(&'static str, String); 9] {
    let trips = |of: fn(&crate::bench::RoundTrips) -> u64| {
        cell(&way.round_trips, |trips| microseconds(of(trips)))
    };
    [
        (
            "path MTU",
            way.path_mtu.map(|mtu| mtu.to_string()).unwrap_or_default(),
        ),
        ("round trip, half below", trips(|trips| trips.p50_ns)),
        ("  90 % below", trips(|trips| trips.p90_ns)),
        ("  99 % below", trips(|trips| trips.p99_ns)),
        (
            "  lost",
            cell(&way.round_trips, |trips| {
                format!(
                    "{} of {}",
                    trips.sent.saturating_sub(trips.answered),
                    trips.sent
                )
            }),
        ),
        ("TCP", cell(&way.tcp, |tcp| rate(tcp.bits_per_second))),
        (
            "  segments",
            cell(&way.tcp, |tcp| {
                format!("{} octets, {} sent again", tcp.segment, tcp.retransmitted)
            }),
        ),
        (
            "UDP, small",
            cell(&way.udp, |udp| {
                format!("{}/s", grouped(udp.received_per_second))
            }),
        ),
        (
            "  lost",
            cell(&way.udp, |udp| {
                let lost = udp.sent.saturating_sub(udp.received);
                format!("{:.1} %", 100.0 * lost as f64 / udp.sent.max(1) as f64)
            }),
        ),
    ]
}

/// What the pods have more or less than their nodes, for each row of [`column()`].
fn costs(pods: &Way, nodes: &Way) -> [String; 9] {
    let time = |of: fn(&crate::bench::RoundTrips) -> u64| match (
        pods.round_trips.known(),
        nodes.round_trips.known(),
    ) {
        (Some(pods), Some(nodes)) => {
            let more = i128::from(of(pods)) - i128::from(of(nodes));
            format!("{:+.1} µs", more as f64 / 1000.0)
        }
        _ => String::new(),
    };
    let percent = |pods: Option<u64>, nodes: Option<u64>| match (pods, nodes) {
        (Some(pods), Some(nodes)) if nodes > 0 => {
            format!("{:+.0} %", 100.0 * (pods as f64 / nodes as f64 - 1.0))
        }
        _ => String::new(),
    };
    [
        match pods.wrapping {
            Some(0) => "not wrapped".to_owned(),
            Some(octets) => format!("{octets} octets around each packet"),
            None => String::new(),
        },
        time(|trips| trips.p50_ns),
        time(|trips| trips.p90_ns),
        time(|trips| trips.p99_ns),
        String::new(),
        percent(
            pods.tcp.known().map(|tcp| tcp.bits_per_second),
            nodes.tcp.known().map(|tcp| tcp.bits_per_second),
        ),
        String::new(),
        percent(
            pods.udp.known().map(|udp| udp.received_per_second),
            nodes.udp.known().map(|udp| udp.received_per_second),
        ),
        String::new(),
    ]
}

fn cell<T>(measured: &Measured<T>, of: impl Fn(&T) -> String) -> String {
    match measured {
        Measured::Known(value) => of(value),
        Measured::Lost(_) => "lost".to_owned(),
        Measured::Unavailable(_) => "?".to_owned(),
    }
}

fn microseconds(ns: u64) -> String {
    format!("{:.1} µs", ns as f64 / 1000.0)
}

/// Bits a second with three digits that count.
fn rate(bits: u64) -> String {
    let (value, unit) = match bits {
        0..1_000_000 => (bits as f64 / 1e3, "kbit/s"),
        1_000_000..1_000_000_000 => (bits as f64 / 1e6, "Mbit/s"),
        _ => (bits as f64 / 1e9, "Gbit/s"),
    };
    let decimals = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

/// A number in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Packets, RoundTrips, Throughput};

    fn way(name: &str, address: &str, node: &str, p50: u64, bits: u64) -> Way {
        let endpoint = |name: &str, address: &str| Endpoint {
            name: name.to_owned(),
            node: Some(node.to_owned()),
            netns: None,
            address: address.parse().unwrap(),
            port: None,
            transport: None,
        };
        Way {
            source: endpoint(name, address),
            destination: endpoint("node/host02", "192.168.61.12"),
            path_mtu: Some(1450),
            wrapping: Some(50),
            round_trips: Measured::Known(RoundTrips {
                sent: 1000,
                answered: 999,
                min_ns: 1,
                p50_ns: p50,
                p90_ns: 2 * p50,
                p99_ns: 3 * p50,
                max_ns: 4 * p50,
            }),
            tcp: Measured::Known(Throughput {
                octets: bits / 8,
                elapsed_us: 1_000_000,
                bits_per_second: bits,
                segment: 1398,
                retransmitted: 0,
            }),
            udp: Measured::Known(Packets {
                size: 46,
                sent: 412_345,
                received: 400_000,
                sent_per_second: 412_345,
                received_per_second: 400_000,
            }),
        }
    }

    #[test]
    fn the_pods_stand_beside_their_nodes() {
        let mut pods = way("default/pod1", "10.0.0.1", "host01", 61_250, 9_412_000_000);
        let nodes = way(
            "node/host01",
            "192.168.61.11",
            "host01",
            40_000,
            12_345_000_000,
        );
        pods.udp = Measured::Lost("none of 5 datagrams arrived".into());
        let bench = Bench {
            schema: Bench::SCHEMA,
            seconds: 1,
            most_bits: 10_000_000_000,
            pods,
            nodes: Some(nodes),
        };
        let mut out = Vec::new();
        text(&bench, Style::PLAIN, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
default/pod1 10.0.0.1 (host01)  →  node/host02 192.168.61.12 (host01)   1 s each, at most 10.0 Gbit/s
beside node/host01 192.168.61.11  →  node/host02 192.168.61.12 (host01)

                        ASKED                      NODES                      COST
path MTU                1450                       1450                       50 octets around each packet
round trip, half below  61.2 µs                    40.0 µs                    +21.2 µs
  90 % below            122.5 µs                   80.0 µs                    +42.5 µs
  99 % below            183.8 µs                   120.0 µs                   +63.8 µs
  lost                  1 of 1000                  1 of 1000                  -
TCP                     9.41 Gbit/s                12.3 Gbit/s                -24 %
  segments              1398 octets, 0 sent again  1398 octets, 0 sent again  -
UDP, small              lost                       400 000/s                  -
  lost                  lost                       3.0 %                      -
lost asked, UDP: none of 5 datagrams arrived
"
        );
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(rate(9_412_000_000), "9.41 Gbit/s");
        assert_eq!(rate(123_400_000), "123 Mbit/s");
        assert_eq!(rate(999), "1.00 kbit/s");
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(grouped(999), "999");
    }
}
