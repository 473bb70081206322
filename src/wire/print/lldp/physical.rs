//! What IEEE 802.3 adds to LLDP (IEEE 802.3 clause 79).

use super::super::dissector::Dissector;
use super::super::text::{Bits, HexZeros, put};
use super::Value;
use crate::wire::bytes::Read;

/// RFC 3636, `ifMauAutoNegCapAdvertisedBits`.
const MODES: [(u32, &str); 15] = [
    (1 << 14, "10BASE-T hdx"),
    (1 << 13, "10BASE-T fdx"),
    (1 << 12, "100BASE-T4"),
    (1 << 11, "100BASE-TX hdx"),
    (1 << 10, "100BASE-TX fdx"),
    (1 << 9, "100BASE-T2 hdx"),
    (1 << 8, "100BASE-T2 fdx"),
    (1 << 7, "Pause for fdx links"),
    (1 << 6, "Asym PAUSE for fdx"),
    (1 << 5, "Sym PAUSE for fdx"),
    (1 << 4, "Asym and Sym PAUSE for fdx"),
    (1 << 3, "1000BASE-{X LX SX CX} hdx"),
    (1 << 2, "1000BASE-{X LX SX CX} fdx"),
    (1 << 1, "1000BASE-T hdx"),
    (1, "1000BASE-T fdx"),
];

/// RFC 3636, `dot3MauType`.
const TYPES: [&str; 41] = [
    "Unknown",
    "AUI",
    "10BASE_5",
    "FOIRL",
    "10BASE2",
    "10BASET duplex mode unknown",
    "10BASEFP",
    "10BASEFB",
    "10BASEFL duplex mode unknown",
    "10BROAD36",
    "10BASET hdx",
    "10BASET fdx",
    "10BASEFL hdx",
    "10BASEFL fdx",
    "100BASET4",
    "100BASETX hdx",
    "100BASETX fdx",
    "100BASEFX hdx",
    "100BASEFX fdx",
    "100BASET2 hdx",
    "100BASET2 fdx",
    "1000BASEX hdx",
    "1000BASEX fdx",
    "1000BASELX hdx",
    "1000BASELX fdx",
    "1000BASESX hdx",
    "1000BASESX fdx",
    "1000BASECX hdx",
    "1000BASECX fdx",
    "1000BASET hdx",
    "1000BASET fdx",
    "10GBASEX",
    "10GBASELX4",
    "10GBASER",
    "10GBASEER",
    "10GBASELR",
    "10GBASESR",
    "10GBASEW",
    "10GBASEEW",
    "10GBASELW",
    "10GBASESW",
];

impl Dissector<'_> {
    pub(super) fn lldp_physical(&mut self, at: usize, size: usize) -> Read<Value> {
        if size < 4 {
            return Ok(Value::Done);
        }
        let subtype = self.u8(at + 3)?;
        let (name, least) = match subtype {
            1 => ("MAC/PHY configuration/status", 9),
            2 => ("Power via MDI", 7),
            3 => ("Link aggregation", 9),
            4 => ("Max frame size", 6),
            _ => ("unknown", 0),
        };
        put!(self, "\n\t  ", name, " Subtype (", subtype, ")");
        if size < least {
            return Ok(Value::Done);
        }
        match subtype {
            1 => {
                let status = u32::from(self.u8(at + 4)?);
                let names = Bits {
                    value: status,
                    names: &[(1, "supported"), (2, "enabled")],
                    separator: ", ",
                    none: "none",
                };
                put!(
                    self,
                    "\n\t    autonegotiation [",
                    names,
                    "] (0x",
                    HexZeros::<2>(status),
                    ")"
                );
                let modes = u32::from(self.u16(at + 5)?);
                let names = Bits {
                    value: modes,
                    names: &MODES,
                    separator: ", ",
                    none: "unknown",
                };
                put!(
                    self,
                    "\n\t    PMD autoneg capability [",
                    names,
                    "] (0x",
                    HexZeros::<4>(modes),
                    ")"
                );
                let kind = self.u16(at + 7)?;
                let name = TYPES.get(usize::from(kind)).copied().unwrap_or("unknown");
                put!(
                    self,
                    "\n\t    MAU type ",
                    name,
                    " (0x",
                    HexZeros::<4>(u32::from(kind)),
                    ")"
                );
            }
            2 => {
                let names = Bits {
                    value: u32::from(self.u8(at + 4)?),
                    names: &[
                        (1, "PSE"),
                        (2, "supported"),
                        (4, "enabled"),
                        (8, "can be controlled"),
                    ],
                    separator: ", ",
                    none: "none",
                };
                let pair = match self.u8(at + 5)? {
                    1 => "signal",
                    2 => "spare",
                    _ => "unknown",
                };
                let class = match self.u8(at + 6)? {
                    1 => "class0",
                    2 => "class1",
                    3 => "class2",
                    4 => "class3",
                    5 => "class4",
                    _ => "unknown",
                };
                put!(
                    self,
                    "\n\t    MDI power support [",
                    names,
                    "], power pair ",
                    pair,
                    ", power class ",
                    class
                );
            }
            3 => self.lldp_aggregation(at)?,
            4 => put!(self, "\n\t    MTU size ", self.u16(at + 4)?),
            _ => return Ok(Value::Unknown),
        }
        Ok(Value::Done)
    }
}
