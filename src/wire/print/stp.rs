//! Spanning tree (IEEE 802.1D, 802.1w, 802.1s, 802.1aq).

use super::dissector::Dissector;
use super::text::{Bits, HexColons, HexString, HexZeros, Put, Zeros, put};
use crate::wire::bytes::Read;

/// Octets of a configuration message with the version 1 length.
const CONFIG_LENGTH: u32 = 36;
/// Octets of a multiple spanning tree message without instances.
const MULTIPLE_LENGTH: u32 = 102;
/// Octets of one instance.
const INSTANCE_LENGTH: u16 = 16;
/// Octets of the configuration identifier behind the version 3 length.
const CONFIGURATION_LENGTH: u16 = 64;
/// Octets of what shortest path bridging adds, at least.
const SHORTEST_PATH_LENGTH: u32 = 87;

const FLAG_NAMES: [(u32, &str); 6] = [
    (0x01, "Topology change"),
    (0x02, "Proposal"),
    (0x10, "Learn"),
    (0x20, "Forward"),
    (0x40, "Agreement"),
    (0x80, "Topology change ACK"),
];

/// A timer, in units of 1/256 second, with two digits behind the point.
struct Timer(u16);

impl Put for Timer {
    fn put(self, out: &mut Vec<u8>) {
        // To the nearest, ties to even, as printf rounds.
        let scaled = u32::from(self.0) * 100;
        let (mut hundredths, rest) = (scaled / 256, scaled % 256);
        if rest > 128 || rest == 128 && hundredths % 2 == 1 {
            hundredths += 1;
        }
        (hundredths / 100, ".", Zeros::<2>(hundredths % 100)).put(out);
    }
}

/// A priority and a MAC address.
struct BridgeId<'a>(&'a [u8]);

impl Put for BridgeId<'_> {
    fn put(self, out: &mut Vec<u8>) {
        let (priority, address) = self.0.split_at(self.0.len().min(2));
        (HexString(priority), ".", HexColons(address)).put(out);
    }
}

fn flags(value: u8) -> Bits<'static> {
    Bits {
        value: u32::from(value),
        names: &FLAG_NAMES,
        separator: ", ",
        none: "none",
    }
}

fn port_role(flags: u8) -> &'static str {
    match flags >> 2 & 3 {
        1 => "Alternate",
        2 => "Root",
        3 => "Designated",
        _ => "Unknown",
    }
}

impl Dissector<'_> {
    pub(super) fn stp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "stp";
        if length < 4 {
            self.invalid();
            return Ok(());
        }
        if self.u16(at)? != 0 {
            put!(self, "unknown STP version, length ", length);
            return Ok(());
        }
        let version = self.u8(at + 2)?;
        let name = match version {
            0 => "802.1d",
            2 => "802.1w",
            3 => "802.1s",
            4 => "802.1aq",
            _ => {
                let digits = HexZeros::<2>(u32::from(version));
                put!(self, "STP Unknown STP protocol (0x", digits, ")");
                return Ok(());
            }
        };
        put!(self, "STP ", name);
        let kind = self.u8(at + 3)?;
        match kind {
            0x00 => put!(self, ", Config"),
            0x02 => put!(self, ", Rapid STP"),
            0x80 => put!(self, ", Topology Change"),
            _ => put!(
                self,
                ", Unknown BPDU Type (0x",
                HexZeros::<2>(u32::from(kind)),
                ")"
            ),
        }
        let valid = match (kind, version) {
            (0x00, _) if length < CONFIG_LENGTH - 1 => false,
            (0x02, 2) if length < CONFIG_LENGTH => false,
            (0x00, _) | (0x02, 2) => {
                self.stp_config(at, length, version)?;
                true
            }
            (0x02, 3 | 4) => self.stp_multiple(at, length, version)?,
            _ => true,
        };
        if !valid {
            self.invalid();
        }
        Ok(())
    }

    fn stp_config(&mut self, at: usize, length: u32, version: u8) -> Read<()> {
        let value = self.u8(at + 4)?;
        put!(self, ", Flags [", flags(value), "]");
        let bridge = BridgeId(self.bytes.slice(at + 17, 8)?);
        let port = HexZeros::<4>(u32::from(self.u16(at + 25)?));
        put!(self, ", bridge-id ", bridge, ".", port, ", length ", length);
        if !self.verbose() {
            return Ok(());
        }
        self.stp_timers(at)?;
        let root = BridgeId(self.bytes.slice(at + 5, 8)?);
        put!(
            self,
            "\n\troot-id ",
            root,
            ", root-pathcost ",
            self.u32(at + 13)?
        );
        if version == 2 {
            put!(self, ", port-role ", port_role(value));
        }
        Ok(())
    }

    fn stp_timers(&mut self, at: usize) -> Read<()> {
        put!(
            self,
            "\n\tmessage-age ",
            Timer(self.u16(at + 27)?),
            "s, max-age ",
            Timer(self.u16(at + 29)?),
            "s, hello-time ",
            Timer(self.u16(at + 31)?),
            "s, forwarding-delay ",
            Timer(self.u16(at + 33)?),
            "s"
        );
        Ok(())
    }

    /// Answers false if a length contradicts another.
    fn stp_multiple(&mut self, at: usize, length: u32, version: u8) -> Read<bool> {
        if length < MULTIPLE_LENGTH || self.u8(at + 35)? != 0 {
            return Ok(false);
        }
        let version3 = u32::from(self.u16(at + 36)?) + 2;
        if length < CONFIG_LENGTH + version3 {
            return Ok(false);
        }
        self.stp_instances(at, length)?;
        if version == 4 {
            let behind = CONFIG_LENGTH + version3;
            let version4 = u32::from(self.u16(at + behind as usize)?) + 2;
            if length < behind + version4 || version4 < SHORTEST_PATH_LENGTH {
                return Ok(false);
            }
            self.stp_shortest_path(at + behind as usize)?;
        }
        Ok(true)
    }

    fn stp_instances(&mut self, at: usize, length: u32) -> Read<()> {
        let value = self.u8(at + 4)?;
        put!(self, ", CIST Flags [", flags(value), "], length ", length);
        if !self.verbose() {
            return Ok(());
        }
        put!(self, "\n\tport-role ", port_role(value), ", ");
        let root = BridgeId(self.bytes.slice(at + 5, 8)?);
        put!(
            self,
            "CIST root-id ",
            root,
            ", CIST ext-pathcost ",
            self.u32(at + 13)?
        );
        let regional = BridgeId(self.bytes.slice(at + 17, 8)?);
        put!(self, "\n\tCIST regional-root-id ", regional, ", ");
        put!(
            self,
            "CIST port-id ",
            HexZeros::<4>(u32::from(self.u16(at + 25)?)),
            ","
        );
        self.stp_timers(at)?;
        let version3 = self.u16(at + 36)?;
        put!(self, "\n\tv3len ", version3, ", MCID Name ");
        self.padded_name(at + 39, 32)?;
        let revision = self.u16(at + 71)?;
        let digest = HexString(self.bytes.slice(at + 73, 16)?);
        put!(self, ", rev ", revision, ",\n\t\tdigest ", digest, ", ");
        put!(self, "CIST int-root-pathcost ", self.u32(at + 89)?, ",");
        let bridge = BridgeId(self.bytes.slice(at + 93, 8)?);
        put!(self, "\n\tCIST bridge-id ", bridge, ", ");
        put!(self, "CIST remaining-hops ", self.u8(at + 101)?);
        let mut left = version3.saturating_sub(CONFIGURATION_LENGTH);
        let mut place = at + MULTIPLE_LENGTH as usize;
        while left >= INSTANCE_LENGTH {
            let instance = self.u16(place + 1)? & 0x0fff;
            let value = self.u8(place)?;
            put!(
                self,
                "\n\tMSTI ",
                instance,
                ", Flags [",
                flags(value),
                "], port-role ",
                port_role(value)
            );
            let root = BridgeId(self.bytes.slice(place + 1, 8)?);
            put!(
                self,
                "\n\t\tMSTI regional-root-id ",
                root,
                ", pathcost ",
                self.u32(place + 9)?
            );
            put!(
                self,
                "\n\t\tMSTI bridge-prio ",
                self.u8(place + 13)? >> 4,
                ", port-prio ",
                self.u8(place + 14)? >> 4,
                ", hops ",
                self.u8(place + 15)?
            );
            left -= INSTANCE_LENGTH;
            place += usize::from(INSTANCE_LENGTH);
        }
        Ok(())
    }

    fn stp_shortest_path(&mut self, at: usize) -> Read<()> {
        if !self.verbose() {
            return Ok(());
        }
        put!(self, "\n\tv4len ", self.u16(at)?, ", ");
        put!(self, "AUXMCID Name ");
        self.padded_name(at + 3, 32)?;
        let revision = self.u16(at + 35)?;
        let digest = HexString(self.bytes.slice(at + 37, 16)?);
        put!(self, ", Rev ", revision, ",\n\t\tdigest ", digest);
        let agreement = self.u8(at + 53)?;
        let format = self.u8(at + 55)?;
        let convention = self.u8(at + 56)?;
        let edges = self.u16(at + 57)?;
        let topology = HexString(self.bytes.slice(at + 67, 20)?);
        put!(
            self,
            "\n\tAgreement num ",
            agreement >> 6,
            ", Discarded Agreement num ",
            agreement >> 4 & 3,
            ", Agreement valid-flag ",
            agreement >> 3 & 1,
            ",\n\tRestricted role-flag: ",
            agreement >> 2 & 1
        );
        put!(self, ", Format id ", format >> 4, " cap ", format);
        put!(
            self,
            ", Convention id ",
            convention >> 4,
            " cap ",
            convention
        );
        put!(
            self,
            ",\n\tEdge count ",
            edges,
            ", Agreement digest ",
            topology
        );
        Ok(())
    }

    /// A name of at most `length` octets, which a zero octet may end.
    pub(super) fn padded_name(&mut self, at: usize, length: usize) -> Read<()> {
        for place in at..at + length {
            let octet = self.u8(place)?;
            if octet == 0 {
                break;
            }
            super::text::Escaped(octet).put(self.out);
        }
        Ok(())
    }
}
