//! What ANSI/TIA-1057 adds to LLDP for telephones and other endpoints.

use super::super::dissector::Dissector;
use super::super::text::{Bits, Hex, HexZeros, put};
use super::Value;
use crate::wire::bytes::Read;

const CAPABILITIES: [(u32, &str); 6] = [
    (0x01, "LLDP-MED capabilities"),
    (0x02, "network policy"),
    (0x04, "location identification"),
    (0x08, "extended power via MDI-PSE"),
    (0x10, "extended power via MDI-PD"),
    (0x20, "Inventory"),
];

const POLICY_FLAGS: [(u32, &str); 3] = [(0x80, "Unknown"), (0x40, "Tagged"), (0x20, "reserved")];

impl Dissector<'_> {
    pub(super) fn lldp_endpoint(&mut self, at: usize, size: usize) -> Read<Value> {
        if size < 4 {
            return Ok(Value::Done);
        }
        let subtype = self.u8(at + 3)?;
        let name = subtype_name(subtype).unwrap_or("unknown");
        put!(self, "\n\t  ", name, " Subtype (", subtype, ")");
        match subtype {
            1 if size >= 7 => {
                let value = u32::from(self.u16(at + 4)?);
                let names = Bits {
                    value,
                    names: &CAPABILITIES,
                    separator: ", ",
                    none: "none",
                };
                put!(
                    self,
                    "\n\t    Media capabilities [",
                    names,
                    "] (0x",
                    HexZeros::<4>(value),
                    ")"
                );
                let kind = self.u8(at + 6)?;
                let name = match kind {
                    1 => "endpoint class 1",
                    2 => "endpoint class 2",
                    3 => "endpoint class 3",
                    4 => "network connectivity",
                    _ => "unknown",
                };
                put!(
                    self,
                    "\n\t    Device type [",
                    name,
                    "] (0x",
                    HexZeros::<2>(u32::from(kind)),
                    ")"
                );
            }
            2 if size >= 8 => self.lldp_policy(at)?,
            3 if size >= 5 => self.lldp_location(at, size)?,
            4 if size >= 7 => self.lldp_power(at)?,
            5..=11 => {
                let name = match subtype {
                    5 => "Hardware revision",
                    6 => "Firmware revision",
                    7 => "Software revision",
                    8 => "Serial number",
                    9 => "Manufacturer name",
                    10 => "Model name",
                    _ => "Asset ID",
                };
                put!(self, "\n\t  ", name, " ");
                self.padded_name(at + 4, size - 4)?;
            }
            1..=4 => {}
            _ => return Ok(Value::Unknown),
        }
        Ok(Value::Done)
    }

    fn lldp_policy(&mut self, at: usize) -> Read<()> {
        let kind = self.u8(at + 4)?;
        let name = match kind {
            1 => "voice",
            2 => "voice signaling",
            3 => "guest voice",
            4 => "guest voice signaling",
            5 => "softphone voice",
            6 => "video conferencing",
            7 => "streaming video",
            8 => "video signaling",
            _ => "none",
        };
        put!(
            self,
            "\n\t    Application type [",
            name,
            "] (0x",
            HexZeros::<2>(u32::from(kind)),
            ")"
        );
        let names = Bits {
            value: u32::from(self.u8(at + 5)?),
            names: &POLICY_FLAGS,
            separator: ", ",
            none: "none",
        };
        put!(self, ", Flags [", names, "]");
        put!(self, "\n\t    Vlan id ", self.u16(at + 5)? >> 1 & 0xfff);
        let value = self.u16(at + 6)?;
        put!(
            self,
            ", L2 priority ",
            value >> 6 & 7,
            ", DSCP value ",
            value & 0x3f
        );
        Ok(())
    }

    fn lldp_location(&mut self, at: usize, size: usize) -> Read<()> {
        let format = self.u8(at + 4)?;
        let name = match format {
            1 => "coordinate-based LCI",
            2 => "civic address LCI",
            3 => "ECS ELIN",
            _ => "unknown",
        };
        put!(
            self,
            "\n\t    Location data format ",
            name,
            " (0x",
            HexZeros::<2>(u32::from(format)),
            ")"
        );
        match format {
            1 if size >= 21 => self.lldp_coordinates(at)?,
            2 if size >= 6 => self.lldp_civic_address(at, size)?,
            1 | 2 => {}
            3 => {
                put!(self, "\n\t    ECS ELIN id ");
                self.padded_name(at + 5, size - 5)?;
            }
            _ => {
                put!(self, "\n\t    Location ID ");
                self.unknown_data("\n\t      ", at + 5, size - 5);
            }
        }
        Ok(())
    }

    /// RFC 6225.
    fn lldp_coordinates(&mut self, at: usize) -> Read<()> {
        for (name, place) in [("Latitude", at + 5), ("Longitude", at + 10)] {
            let first = self.u8(place)?;
            let value = u64::from(first & 3) << 32 | u64::from(self.u32(place + 1)?);
            put!(self, "\n\t    ", name, " resolution ", first >> 2, ", ");
            put!(
                self,
                if name == "Latitude" {
                    "latitude"
                } else {
                    "longitude"
                },
                " value ",
                value
            );
        }
        let kind = self.u8(at + 15)? >> 4;
        let name = match kind {
            1 => "meters",
            2 => "floors",
            _ => "unknown",
        };
        put!(self, "\n\t    Altitude type ", name, " (", kind, ")");
        let resolution = self.u16(at + 15)? >> 6 & 0x3f;
        let altitude = Hex(self.u32(at + 16)? & 0x3fff_ffff);
        put!(
            self,
            "\n\t    Altitude resolution ",
            resolution,
            ", altitude value 0x",
            altitude
        );
        let datum = self.u8(at + 20)?;
        let name = match datum {
            1 => "World Geodesic System 1984",
            2 => "North American Datum 1983 (NAVD88)",
            3 => "North American Datum 1983 (MLLW)",
            _ => "unknown",
        };
        put!(
            self,
            "\n\t    Datum ",
            name,
            " (0x",
            HexZeros::<2>(u32::from(datum)),
            ")"
        );
        Ok(())
    }

    /// RFC 4776.
    fn lldp_civic_address(&mut self, at: usize, size: usize) -> Read<()> {
        let length = usize::from(self.u8(at + 5)?);
        if length < 3 || size < 7 + length {
            return Ok(());
        }
        let whose = self.u8(at + 6)?;
        let name = match whose {
            0 => "location of DHCP server",
            1 => "location of the network element believed to be closest to the client",
            2 => "location of the client",
            _ => "unknown",
        };
        put!(self, "\n\t    LCI length ", length, ", LCI what ", name);
        put!(
            self,
            " (0x",
            HexZeros::<2>(u32::from(whose)),
            "), Country-code "
        );
        self.padded_name(at + 7, 2)?;
        let mut place = at + 9;
        let mut left = length - 3;
        while left >= 2 {
            let kind = self.u8(place)?;
            let octets = usize::from(self.u8(place + 1)?);
            place += 2;
            left -= 2;
            let name = match kind {
                1 => "national subdivisions (state,canton,region,province,prefecture)",
                2 => "county, parish, gun, district",
                3 => "city, township, shi",
                4 => "city division, borough, city district, ward chou",
                5 => "neighborhood, block",
                6 => "street",
                _ => "unknown",
            };
            put!(
                self,
                "\n\t      CA type '",
                name,
                "' (",
                kind,
                "), length ",
                octets,
                ": "
            );
            if kind == 0 || octets == 0 || left < octets {
                break;
            }
            self.padded_name(place, octets)?;
            place += octets;
            left -= octets;
        }
        Ok(())
    }

    fn lldp_power(&mut self, at: usize) -> Read<()> {
        let first = self.u8(at + 4)?;
        // tcpdump looks at the two lowest bits here, not at the two highest that hold the type.
        let kind = if first & 3 != 0 {
            "PD device"
        } else {
            "PSE device"
        };
        let source = match first >> 4 & 3 {
            1 => "PSE - primary power source",
            2 => "local - backup power source",
            3 => "PSE+local - reserved",
            _ => "none",
        };
        put!(
            self,
            "\n\t    Power type [",
            kind,
            "], Power source [",
            source,
            "]"
        );
        let priority = first & 15;
        let name = match priority {
            1 => "critical",
            2 => "high",
            3 => "low",
            _ => "none",
        };
        put!(
            self,
            "\n\t    Power priority [",
            name,
            "] (0x",
            HexZeros::<2>(u32::from(priority)),
            ")"
        );
        let power = self.u16(at + 5)?;
        if power < 1024 {
            put!(self, ", Power ", power / 10, ".", power % 10, " Watts");
        } else {
            put!(self, ", Power ", power, " (Reserved)");
        }
        Ok(())
    }
}

fn subtype_name(subtype: u8) -> Option<&'static str> {
    Some(match subtype {
        1 => "LLDP-MED Capabilities",
        2 => "Network policy",
        3 => "Location identification",
        4 => "Extended power-via-MDI",
        5 => "Inventory - hardware revision",
        6 => "Inventory - firmware revision",
        7 => "Inventory - software revision",
        8 => "Inventory - serial number",
        9 => "Inventory - manufacturer name",
        10 => "Inventory - model name",
        11 => "Inventory - asset ID",
        _ => return None,
    })
}
