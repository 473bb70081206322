//! Packets as one JSON object a line: `ovl.decode.packet/v1` of `docs/schema/decode.schema.json`.
//!
//! Written by hand into the output buffer, because a program that reads millions of packets waits for this.

use std::collections::HashMap;
use std::io::Write;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use super::{Seen, Sink};
use crate::capture::Record;
use crate::capture::names::AddressNames;
use crate::capture::point::{Tunnel, Way};
use crate::error::Result;
use crate::wire::bytes::{Bytes, Read};
use crate::wire::ethernet::{self, sll, sll2};
use crate::wire::ip::{v4, v6};
use crate::wire::packet::{Kind, Layer};
use crate::wire::tcp;
use crate::wire::{LinkType, Timestamp};

/// Interfaces whose quoted names are remembered.
const MAX_INTERFACES: usize = 4096;

/// Writes packets.
pub(super) struct JsonLines {
    /// The files' names, quoted.
    files: Vec<String>,
    /// Interfaces' names, quoted, by file and interface.
    interfaces: HashMap<(usize, u32), Option<String>>,
    names: Arc<AddressNames>,
    clock: Clock,
}

impl JsonLines {
    pub(super) fn new(files: &[String], names: Arc<AddressNames>) -> Self {
        Self {
            files: files.iter().map(|name| quoted(name)).collect(),
            interfaces: HashMap::new(),
            names,
            clock: Clock::default(),
        }
    }
}

impl Sink for JsonLines {
    fn packet(&mut self, seen: &Seen<'_>, out: &mut Vec<u8>) -> Result<()> {
        let record = seen.record;
        out.extend(b"{\"schema\":\"ovl.decode.packet/v1\",\"time\":\"");
        self.clock.put(record.time, out);
        out.extend(b"\",\"file\":");
        out.extend(
            self.files
                .get(seen.source)
                .map_or("null", String::as_str)
                .as_bytes(),
        );
        field(out, "number", seen.number);
        if self.interfaces.len() >= MAX_INTERFACES {
            self.interfaces.clear();
        }
        let interface = self
            .interfaces
            .entry((seen.source, record.interface.id))
            .or_insert_with(|| record.interface.name.as_deref().map(quoted));
        if let Some(name) = interface {
            out.extend(b",\"interface\":");
            out.extend(name.as_bytes());
        }
        let bytes = Bytes::new(record.data);
        if record.interface.link_type == LinkType::LINUX_SLL2
            && let Ok(index) = bytes.u32(sll2::INTERFACE)
        {
            field(out, "ifindex", index);
        }
        if let Some(way) = Way::of(record) {
            word(out, "direction", way.word());
        }
        field(out, "link_type", record.interface.link_type.0);
        field(out, "length", record.wire_len);
        field(out, "captured", record.data.len());
        if let Some(comment) = record.comment {
            out.extend(b",\"comment\":");
            out.extend(quoted(&String::from_utf8_lossy(comment)).as_bytes());
        }
        out.extend(b",\"layers\":[");
        for (index, layer) in seen.layers.iter().enumerate() {
            out.extend(if index == 0 { &b"{"[..] } else { b",{" });
            out.extend(b"\"kind\":\"");
            out.extend(layer.kind.name().as_bytes());
            out.push(b'"');
            // Whatever was not captured is left out; the layer walk vouches for fixed headers only.
            let _ = self.fields(layer, &bytes, record, out);
            out.push(b'}');
        }
        out.extend(b"]}\n");
        Ok(())
    }
}

impl JsonLines {
    #[expect(clippy::too_many_lines, reason = "one arm a protocol")]
    fn fields(
        &self,
        layer: &Layer,
        bytes: &Bytes<'_>,
        record: &Record<'_>,
        out: &mut Vec<u8>,
    ) -> Read<()> {
        let at = layer.header.start;
        match layer.kind {
            Kind::Ethernet => {
                mac(out, "source", bytes.array(at + ethernet::SOURCE)?);
                mac(out, "destination", bytes.array(at + ethernet::DESTINATION)?);
                field(out, "type", bytes.u16(at + ethernet::TYPE)?);
                field(out, "length", layer.length);
            }
            Kind::LinuxSll => {
                if bytes.u16(at + sll::ADDRESS_LENGTH)? == 6 {
                    mac(out, "source", bytes.array(at + sll::ADDRESS)?);
                }
                field(out, "type", bytes.u16(at + sll::PROTOCOL)?);
            }
            Kind::LinuxSll2 => {
                if bytes.u8(at + sll2::ADDRESS_LENGTH)? == 6 {
                    mac(out, "source", bytes.array(at + sll2::ADDRESS)?);
                }
                field(out, "type", bytes.u16(at + sll2::PROTOCOL)?);
            }
            Kind::Vlan => {
                let tag = bytes.u16(at)?;
                field(out, "id", tag & 0x0fff);
                field(out, "priority", tag >> 13);
                field(out, "type", bytes.u16(at + 2)?);
            }
            Kind::Mpls => {
                let label = bytes.u32(at)?;
                field(out, "label", label >> 12);
                field(out, "ttl", label & 0xff);
            }
            Kind::Arp => self.arp(at, bytes, record.time, out)?,
            Kind::Ipv4 => {
                let source = bytes.array(at + v4::SOURCE)?;
                let destination = bytes.array(at + v4::DESTINATION)?;
                ipv4(out, "source", source);
                self.name(out, "source_name", source.into(), record.time);
                ipv4(out, "destination", destination);
                self.name(out, "destination_name", destination.into(), record.time);
                field(out, "protocol", bytes.u8(at + v4::PROTOCOL)?);
                field(out, "ttl", bytes.u8(at + v4::TTL)?);
                field(out, "id", bytes.u16(at + v4::ID)?);
                field(out, "length", layer.length);
                let fragment = bytes.u16(at + v4::FRAGMENT)?;
                flag(out, "dont_fragment", fragment & v4::DONT_FRAGMENT != 0);
                if fragment & (v4::MORE_FRAGMENTS | v4::OFFSET_MASK) != 0 {
                    flag(out, "more_fragments", fragment & v4::MORE_FRAGMENTS != 0);
                    let offset = u32::from(fragment & v4::OFFSET_MASK) * 8;
                    field(out, "fragment_offset", offset);
                }
            }
            Kind::Ipv6 => {
                let source: [u8; 16] = bytes.array(at + v6::SOURCE)?;
                let destination: [u8; 16] = bytes.array(at + v6::DESTINATION)?;
                ipv6(out, "source", source);
                self.name(out, "source_name", source.into(), record.time);
                ipv6(out, "destination", destination);
                self.name(out, "destination_name", destination.into(), record.time);
                field(out, "protocol", bytes.u8(at + v6::NEXT_HEADER)?);
                field(out, "ttl", bytes.u8(at + v6::HOP_LIMIT)?);
                field(out, "length", layer.length);
            }
            Kind::Icmp | Kind::Icmpv6 => {
                let kind = bytes.u8(at)?;
                let code = bytes.u8(at + 1)?;
                field(out, "type", kind);
                field(out, "code", code);
                match (layer.kind, kind, code) {
                    (Kind::Icmp, 0 | 8, _) | (Kind::Icmpv6, 128 | 129, _) => {
                        field(out, "id", bytes.u16(at + 4)?);
                        field(out, "sequence", bytes.u16(at + 6)?);
                    }
                    (Kind::Icmp, 3, 4) => field(out, "mtu", bytes.u16(at + 6)?),
                    (Kind::Icmpv6, 2, _) => field(out, "mtu", bytes.u32(at + 4)?),
                    _ => {}
                }
            }
            Kind::Tcp => {
                field(out, "source_port", bytes.u16(at)?);
                field(out, "destination_port", bytes.u16(at + 2)?);
                out.extend(b",\"flags\":\"");
                tcp_flags(out, bytes.u8(at + tcp::FLAGS)?);
                out.push(b'"');
                field(out, "sequence", bytes.u32(at + tcp::SEQUENCE)?);
                field(
                    out,
                    "acknowledgement",
                    bytes.u32(at + tcp::ACKNOWLEDGEMENT)?,
                );
                field(out, "window", bytes.u16(at + tcp::WINDOW)?);
                let payload = layer.length.saturating_sub(layer.header.len() as u32);
                field(out, "payload", payload);
            }
            Kind::Udp => {
                field(out, "source_port", bytes.u16(at)?);
                field(out, "destination_port", bytes.u16(at + 2)?);
                field(out, "payload", layer.length.saturating_sub(8));
            }
            Kind::Sctp => {
                field(out, "source_port", bytes.u16(at)?);
                field(out, "destination_port", bytes.u16(at + 2)?);
            }
            Kind::Vxlan | Kind::VxlanGpe | Kind::Geneve => {
                field(out, "vni", bytes.u24(at + 4)?);
            }
            Kind::Gre => {
                if let Some(key) = Tunnel::opened_by(layer, record.data).and_then(|gre| gre.network)
                {
                    field(out, "key", key);
                }
            }
            Kind::Esp => {
                field(out, "spi", bytes.u32(at)?);
                field(out, "sequence", bytes.u32(at + 4)?);
            }
            Kind::Payload => field(out, "length", layer.length),
            _ => {}
        }
        Ok(())
    }

    fn arp(&self, at: usize, bytes: &Bytes<'_>, time: Timestamp, out: &mut Vec<u8>) -> Read<()> {
        field(out, "operation", bytes.u16(at + 6)?);
        // Ethernet and IPv4 only; other address lengths are another protocol.
        if bytes.u16(at + 4)? != 0x0604 {
            return Ok(());
        }
        mac(out, "sender", bytes.array(at + 8)?);
        let sender = bytes.array(at + 14)?;
        ipv4(out, "sender_address", sender);
        self.name(out, "sender_name", sender.into(), time);
        mac(out, "target", bytes.array(at + 18)?);
        let target = bytes.array(at + 24)?;
        ipv4(out, "target_address", target);
        self.name(out, "target_name", target.into(), time);
        Ok(())
    }

    fn name(&self, out: &mut Vec<u8>, key: &str, address: IpAddr, time: Timestamp) {
        if let Some(name) = self.names.get(address, time) {
            out.extend(b",\"");
            out.extend(key.as_bytes());
            out.extend(b"\":");
            out.extend(quoted(name).as_bytes());
        }
    }
}

/// A JSON string. Keys here are ours and need no escaping; whatever comes from outside does.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `,"key":number`
#[inline]
pub(super) fn field(out: &mut Vec<u8>, key: &str, value: impl itoa::Integer) {
    out.extend(b",\"");
    out.extend(key.as_bytes());
    out.extend(b"\":");
    out.extend(itoa::Buffer::new().format(value).as_bytes());
}

/// `,"key":"word"`, where the word needs no escaping.
#[inline]
pub(super) fn word(out: &mut Vec<u8>, key: &str, value: &str) {
    out.extend(b",\"");
    out.extend(key.as_bytes());
    out.extend(b"\":\"");
    out.extend(value.as_bytes());
    out.push(b'"');
}

#[inline]
fn flag(out: &mut Vec<u8>, key: &str, value: bool) {
    out.extend(b",\"");
    out.extend(key.as_bytes());
    out.extend(if value { &b"\":true"[..] } else { b"\":false" });
}

fn begin_text(out: &mut Vec<u8>, key: &str) {
    out.extend(b",\"");
    out.extend(key.as_bytes());
    out.extend(b"\":\"");
}

#[inline]
fn mac(out: &mut Vec<u8>, key: &str, address: [u8; 6]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    begin_text(out, key);
    let mut text = *b"00:00:00:00:00:00";
    for (place, octet) in text.chunks_mut(3).zip(address) {
        if let [high, low, ..] = place {
            *high = DIGITS.get(usize::from(octet >> 4)).copied().unwrap_or(b'0');
            *low = DIGITS.get(usize::from(octet & 15)).copied().unwrap_or(b'0');
        }
    }
    out.extend(text);
    out.push(b'"');
}

#[inline]
fn ipv4(out: &mut Vec<u8>, key: &str, address: [u8; 4]) {
    begin_text(out, key);
    for (index, octet) in address.into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        out.extend(itoa::Buffer::new().format(octet).as_bytes());
    }
    out.push(b'"');
}

fn ipv6(out: &mut Vec<u8>, key: &str, address: [u8; 16]) {
    begin_text(out, key);
    // A Vec takes everything.
    let _ = write!(out, "{}", Ipv6Addr::from(address));
    out.push(b'"');
}

/// tcpdump's letters, in its order.
fn tcp_flags(out: &mut Vec<u8>, flags: u8) {
    if flags == 0 {
        out.extend(b"none");
        return;
    }
    for (bit, letter) in [
        (0x01, b'F'),
        (0x02, b'S'),
        (0x04, b'R'),
        (0x08, b'P'),
        (0x10, b'.'),
        (0x20, b'U'),
        (0x40, b'E'),
        (0x80, b'W'),
    ] {
        if flags & bit != 0 {
            out.push(letter);
        }
    }
}

/// Times as RFC 3339 has them, in UTC; the date of a second is worked out once.
#[derive(Debug, Default)]
pub(super) struct Clock {
    second: Option<i64>,
    text: Vec<u8>,
}

impl Clock {
    pub(super) fn put(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        // Here a broken fraction is carried: a reader of JSON expects a real moment.
        let seconds = time
            .seconds
            .saturating_add(i64::try_from(time.nanos / 1_000_000_000).unwrap_or(0));
        if self.second != Some(seconds) {
            self.second = Some(seconds);
            self.text = date_and_time(seconds).into_bytes();
        }
        out.extend(&self.text);
        out.push(b'.');
        let nanos = (time.nanos % 1_000_000_000) as u32;
        let mut digits = [b'0'; 9];
        let mut rest = nanos;
        for place in digits.iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend(digits);
        out.push(b'Z');
    }
}

/// `2026-11-23T19:47:49` for seconds since 1970.
pub(super) fn date_and_time(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, in eras of 400 years (146,097 days): the leap day comes last in a year.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year_of_era + era * 400 + next_year;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        assert_eq!(date_and_time(0), "1970-01-01T00:00:00");
        assert_eq!(date_and_time(951_782_400), "2000-02-29T00:00:00");
        assert_eq!(date_and_time(4_107_542_400), "2100-03-01T00:00:00");
        assert_eq!(date_and_time(1_795_463_269), "2026-11-23T19:47:49");
        assert_eq!(date_and_time(-1), "1969-12-31T23:59:59");
    }

    #[test]
    fn a_broken_fraction_is_carried() {
        let mut out = Vec::new();
        Clock::default().put(Timestamp::from_micros(9, 1_000_000), &mut out);
        assert_eq!(out, b"1970-01-01T00:00:10.000000000Z");
    }

    #[test]
    fn octets_become_text() {
        let mut out = Vec::new();
        mac(&mut out, "m", [0xee, 0, 0x0a, 1, 2, 0xff]);
        ipv4(&mut out, "a", [10, 0, 255, 1]);
        tcp_flags(&mut out, 0x12);
        assert_eq!(out, b",\"m\":\"ee:00:0a:01:02:ff\",\"a\":\"10.0.255.1\"S.");
    }
}
