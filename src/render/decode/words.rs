//! How times, points and addresses are written in answers.

use std::net::IpAddr;

use crate::capture::flows::{End, Transport};
use crate::capture::interface::Whereabouts;
use crate::capture::names::AddressNames;
use crate::capture::point::{Device, Point, Tunnel, Way};
use crate::wire::Timestamp;

/// A duration with three or four digits: `402 ns`, `35 µs`, `1.011 ms`, `2.500 s`.
pub(super) fn duration(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    match nanos {
        0..1000 => format!("{sign}{nanos} ns"),
        1000..1_000_000 => format!("{sign}{} µs", (nanos + 500) / 1000),
        1_000_000..1_000_000_000 => {
            format!("{sign}{}.{:03} ms", nanos / 1_000_000, nanos / 1000 % 1000)
        }
        _ => format!(
            "{sign}{}.{:03} s",
            nanos / 1_000_000_000,
            nanos / 1_000_000 % 1000
        ),
    }
}

/// `10.46.0.8 (default/pod1)`, or the address alone; who had it at that time.
pub(super) fn address(names: &AddressNames, address: IpAddr, time: Timestamp) -> String {
    match names.get(address, time) {
        Some(name) => format!("{address} ({name})"),
        None => address.to_string(),
    }
}

/// `10.46.0.8:80 (default/pod1)`, without port 0; who had it at that time.
pub(super) fn end(names: &AddressNames, end: End, time: Timestamp) -> String {
    let text = match (end.address, end.port) {
        (address, 0) => address.to_string(),
        (IpAddr::V4(address), port) => format!("{address}:{port}"),
        (IpAddr::V6(address), port) => format!("[{address}]:{port}"),
    };
    match names.get(end.address, time) {
        Some(name) => format!("{text} ({name})"),
        None => text,
    }
}

/// `tcp`, or the number.
pub(super) fn transport(transport: Transport) -> String {
    transport
        .name()
        .map_or_else(|| format!("proto {}", transport.0), str::to_owned)
}

/// `vxlan 7`, or nothing.
pub(super) fn tunnel(tunnel: Option<Tunnel>) -> String {
    tunnel.map_or_else(String::new, |tunnel| tunnel.to_string())
}

/// A point for people. `way` stands for the device where the capture does not name it; `files` are named
/// when there are several.
pub(super) fn point(point: &Point, way: Option<Way>, turn: usize, files: &[String]) -> String {
    let mut words = Vec::new();
    if files.len() > 1
        && let Some(file) = files.get(point.source)
    {
        let name = file.rsplit('/').next().unwrap_or(file);
        words.push(format!("{name}:"));
    }
    match (&point.device, way) {
        (Device::Unknown, Some(way)) => words.push(way.name().to_owned()),
        (Device::Unknown, None) => {
            if point.tunnel.is_none() {
                words.push("here".to_owned());
            }
        }
        (device, _) => words.push(device.to_string()),
    }
    if let Some(place) = &point.place {
        let name = Whereabouts::of(place).map_or(place.as_str(), |place| place.name());
        words.push(format!("of {name}"));
    }
    if turn > 0 {
        words.push(format!("#{}", turn + 1));
    }
    if let Some(tunnel) = point.tunnel {
        words.push(format!("in {tunnel}"));
    }
    words.join(" ")
}

/// `1 packet`, `2 packets`.
pub(super) fn plural(count: u64, thing: &str) -> String {
    if count == 1 {
        format!("1 {thing}")
    } else {
        format!("{count} {thing}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_what_matters() {
        let seen = [402, 35_000, 35_600, 1_011_000, 2_500_000_000, -57_000].map(duration);
        assert_eq!(
            seen,
            ["402 ns", "35 µs", "36 µs", "1.011 ms", "2.500 s", "-57 µs"]
        );
    }
}
