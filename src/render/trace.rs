//! `ovl trace`, for people: one line for each device that the packet passes.

pub mod svg;
mod way;

use std::io::{self, Write};

use super::escape::escape;
use super::{Style, check};
use crate::diagnose::trace::Verdict;
use crate::trace::watch::{Change, Watched};
use crate::trace::{Endpoint, Probes, Trace};
use crate::walk::path::{End, Protocol};
use crate::wire::Timestamp;
use crate::wire::print::clock_text;
use way::{arrow, reply, short, way};

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
