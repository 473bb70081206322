//! LLC (IEEE 802.2) and SNAP headers, between an 802.3 length and what it carries.

use super::dissector::Dissector;
use super::text::{HexZeros, put};
use crate::wire::bytes::Read;
use crate::wire::ethernet::{DESTINATION, EtherType, SOURCE};
use crate::wire::oui;

/// How many octets of headers were printed; `Err` if what follows is not understood.
pub(super) type Headers = Result<usize, usize>;

const SNAP: u8 = 0xaa;
const STP: u8 = 0x42;
const IP: u8 = 0x06;
const OSI: u8 = 0xfe;
/// Unnumbered information.
const UI: u16 = 0x03;
const XID: u16 = 0xaf;
/// Octets of organisation and protocol.
const SNAP_LENGTH: usize = 5;

impl Dissector<'_> {
    /// `frame` is where the Ethernet header begins, if there is one.
    pub(super) fn llc(
        &mut self,
        at: usize,
        length: u32,
        captured: u32,
        frame: Option<usize>,
    ) -> Read<Headers> {
        self.protocol = "llc";
        if captured < 3 || length < 3 {
            return self.llc_cut(at, length, captured);
        }
        let destination_field = self.u8(at)?;
        let source_field = self.u8(at + 1)?;
        let first = self.u8(at + 2)?;
        let unnumbered = first & 3 == 3;
        let (control, header) = if unnumbered {
            (u16::from(first), 3)
        } else {
            if captured < 4 || length < 4 {
                return self.llc_cut(at, length, captured);
            }
            (u16::from_le_bytes(self.bytes.array(at + 2)?), 4)
        };
        if source_field == 0xff && destination_field == 0xff {
            // Novell's raw 802.3: IPX without any LLC header, which is not decoded here.
            if self.options.link_header {
                put!(self, "IPX 802.3: ");
            }
            return Ok(Err(0));
        }
        let destination = destination_field & !1;
        let source = source_field & !1;
        if self.options.link_header {
            put!(
                self,
                "LLC, dsap ",
                service(destination).unwrap_or("Unknown"),
                " (0x",
                HexZeros::<2>(u32::from(destination)),
                if destination_field & 1 == 0 {
                    ") Individual"
                } else {
                    ") Group"
                },
                ", ssap ",
                service(source).unwrap_or("Unknown"),
                " (0x",
                HexZeros::<2>(u32::from(source)),
                if source_field & 1 == 0 {
                    ") Command"
                } else {
                    ") Response"
                }
            );
            if unnumbered {
                put!(self, ", ctrl 0x", HexZeros::<2>(u32::from(control)), ": ");
            } else {
                put!(self, ", ctrl 0x", HexZeros::<4>(u32::from(control)), ": ");
            }
        }
        let payload = at + header;
        let length = length - header as u32;
        let captured = captured - header as u32;
        if source == destination && control == UI {
            match source {
                SNAP => {
                    let headers = header + SNAP_LENGTH;
                    let understood = self.snap(payload, length, captured, frame)?;
                    return Ok(if understood {
                        Ok(headers)
                    } else {
                        Err(headers)
                    });
                }
                STP => {
                    self.stp(payload, length)?;
                    return Ok(Ok(header));
                }
                OSI => {
                    self.osi(payload, length)?;
                    return Ok(Ok(header));
                }
                IP => {
                    self.ipv4(payload, length)?;
                    return Ok(Ok(header));
                }
                _ => {}
            }
        }
        if !self.options.link_header {
            self.llc_services(source, destination, frame)?;
        }
        let source_response = u16::from(source_field & 1);
        if unnumbered {
            match command(control & 0xef) {
                Some(name) => put!(self, "Unnumbered, ", name),
                None => put!(
                    self,
                    "Unnumbered, ",
                    HexZeros::<2>(u32::from(control & 0xef))
                ),
            }
            let flags = flags(source_response != 0, control & 0x10 != 0);
            put!(
                self,
                ", Flags [",
                flags,
                "], length ",
                length + header as u32
            );
            if control & !0x10 == XID {
                if length == 0 {
                    return Ok(Ok(header));
                }
                if captured < 1 {
                    self.truncated();
                    return Ok(Ok(header));
                }
                if self.u8(payload)? == 0x81 {
                    if captured < 3 || length < 3 {
                        self.truncated();
                        self.hex_and_ascii(payload, captured as usize)?;
                    } else {
                        let class = HexZeros::<2>(u32::from(self.u8(payload + 1)?));
                        let window = HexZeros::<2>(u32::from(self.u8(payload + 2)?));
                        put!(self, ": ", class, " ", window);
                    }
                    return Ok(Ok(header));
                }
            }
            return Ok(Err(header));
        }
        let flags = flags(source_response != 0, control & 0x100 != 0);
        let received = control >> 9 & 0x7f;
        let whole = length + header as u32;
        if control & 1 == 1 {
            let name = match control >> 2 & 3 {
                0 => "Receiver Ready",
                1 => "Receiver not Ready",
                2 => "Reject",
                _ => "?",
            };
            put!(
                self,
                "Supervisory, ",
                name,
                ", rcv seq ",
                received,
                ", Flags [",
                flags,
                "], length ",
                whole
            );
            return Ok(Ok(header));
        }
        let sent = control >> 1 & 0x7f;
        put!(
            self,
            "Information, send seq ",
            sent,
            ", rcv seq ",
            received,
            ", Flags [",
            flags,
            "], length ",
            whole
        );
        Ok(Err(header))
    }

    fn llc_cut(&mut self, at: usize, length: u32, captured: u32) -> Read<Headers> {
        self.truncated();
        self.hex_and_ascii(at, captured as usize)?;
        Ok(Ok(captured.min(length) as usize))
    }

    fn llc_services(&mut self, source: u8, destination: u8, frame: Option<usize>) -> Read<()> {
        if let Some(frame) = frame {
            put!(self, self.mac(frame + SOURCE)?, " ");
        }
        if source != destination {
            match service(source) {
                Some(name) => put!(self, name, " "),
                None => put!(
                    self,
                    "Unknown SSAP 0x",
                    HexZeros::<2>(u32::from(source)),
                    " "
                ),
            }
        }
        if frame.is_some() || source != destination {
            put!(self, "> ");
        }
        if let Some(frame) = frame {
            put!(self, self.mac(frame + DESTINATION)?, " ");
        }
        match service(destination) {
            Some(name) => put!(self, name, " "),
            None => put!(
                self,
                "Unknown DSAP 0x",
                HexZeros::<2>(u32::from(destination)),
                " "
            ),
        }
        Ok(())
    }

    /// Answers false if the protocol is not understood.
    fn snap(&mut self, at: usize, length: u32, captured: u32, frame: Option<usize>) -> Read<bool> {
        const BRIDGE_PADDING: usize = 2;
        self.protocol = "snap";
        if !self.has(at, SNAP_LENGTH)
            || captured < SNAP_LENGTH as u32
            || length < SNAP_LENGTH as u32
        {
            self.truncated();
            return Ok(true);
        }
        let organisation = self.u24(at)?;
        let protocol = self.u16(at + 3)?;
        let name = protocol_name(organisation, protocol).unwrap_or("Unknown");
        let organisation_name = oui::name(organisation).unwrap_or("Unknown");
        let payload = at + SNAP_LENGTH;
        let length = length - SNAP_LENGTH as u32;
        let captured = captured - SNAP_LENGTH as u32;
        if self.options.link_header {
            put!(
                self,
                "oui ",
                organisation_name,
                " (0x",
                HexZeros::<6>(organisation),
                if organisation == 0 {
                    "), ethertype "
                } else {
                    "), pid "
                },
                name,
                " (0x",
                HexZeros::<4>(u32::from(protocol)),
                "), length ",
                length,
                ": "
            );
        }
        match (organisation, protocol) {
            (0x00_0000 | 0x00_00f8, _) | (0x08_0007, 0x809b)
                if self.ethertype(EtherType(protocol), payload, length, captured)? =>
            {
                return Ok(true);
            }
            (0x00_000c, 0x010b | 0x010c) | (0x00_80c2, 0x000e) => {
                self.stp(payload, length)?;
                return Ok(true);
            }
            (0x00_80c2, 0x0001 | 0x0007) => {
                if !self.has(payload, BRIDGE_PADDING) {
                    self.truncated();
                    return Ok(true);
                }
                let padding = BRIDGE_PADDING as u32;
                self.ethernet(
                    payload + BRIDGE_PADDING,
                    length.wrapping_sub(padding),
                    captured.wrapping_sub(padding),
                )?;
                return Ok(true);
            }
            _ => {}
        }
        if !self.options.link_header {
            if let Some(frame) = frame {
                let (source, destination) =
                    (self.mac(frame + SOURCE)?, self.mac(frame + DESTINATION)?);
                put!(self, source, " > ", destination, " ");
            }
            put!(self, "SNAP, ");
            if organisation == 0 {
                put!(self, "ethertype ");
            } else {
                put!(
                    self,
                    "oui ",
                    organisation_name,
                    " (0x",
                    HexZeros::<6>(organisation),
                    "), pid "
                );
            }
            put!(
                self,
                name,
                " (0x",
                HexZeros::<4>(u32::from(protocol)),
                "), length ",
                length,
                ": "
            );
        }
        Ok(false)
    }
}

fn flags(response: bool, poll: bool) -> &'static str {
    match (response, poll) {
        (false, false) => "Command",
        (true, false) => "Response",
        (false, true) => "Poll",
        (true, true) => "Final",
    }
}

/// Names of service access points.
fn service(address: u8) -> Option<&'static str> {
    Some(match address {
        0x00 => "Null",
        0xff => "Global",
        0x02 => "802.1B I",
        0x03 => "802.1B G",
        0x06 => "IP",
        0x04 => "SNA",
        0x0e => "ProWay NM",
        0x42 => "STP",
        0x4e => "RS511",
        0x7e => "ISO8208",
        0x8e => "ProWay",
        0xaa => "SNAP",
        0xe0 => "IPX",
        0xf0 => "NetBeui",
        0xfe => "OSI",
        _ => return None,
    })
}

fn command(control: u16) -> Option<&'static str> {
    Some(match control {
        0x03 => "ui",
        0xe3 => "test",
        0xaf => "xid",
        0x63 => "ua",
        0x43 => "disc",
        0x0f => "dm",
        0x6f => "sabme",
        0x87 => "frmr",
        _ => return None,
    })
}

fn protocol_name(organisation: u32, protocol: u16) -> Option<&'static str> {
    match organisation {
        0x00_0000 | 0x00_00f8 | 0x08_0007 => EtherType(protocol).name(),
        0x00_000c => Some(match protocol {
            0x2000 => "CDP",
            0x2003 => "VTP",
            0x2004 => "DTP",
            0x0111 => "UDLD",
            0x010b => "PVST",
            0x010c => "VLAN Bridge",
            _ => return None,
        }),
        0x00_80c2 => Some(match protocol {
            0x0001 => "Ethernet + FCS",
            0x0007 => "Ethernet w/o FCS",
            0x0002 => "802.4 + FCS",
            0x0008 => "802.4 w/o FCS",
            0x0003 => "Token Ring + FCS",
            0x0009 => "Token Ring w/o FCS",
            0x0004 => "FDDI + FCS",
            0x000a => "FDDI w/o FCS",
            0x0005 => "802.6 + FCS",
            0x000b => "802.6 w/o FCS",
            0x000e => "BPDU",
            _ => return None,
        }),
        _ => None,
    }
}
