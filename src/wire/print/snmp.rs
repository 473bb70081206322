//! SNMP, versions 1 (RFC 1157), 2c (RFC 1901, RFC 3416) and 3 (RFC 3412, RFC 3414).

mod ber;
mod names;

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::{Cut, Read};

use ber::{Element, Kind, Rest, Stop};

const GET: u8 = 0;
const GET_NEXT: u8 = 1;
const RESPONSE: u8 = 2;
const TRAP: u8 = 4;
const GET_BULK: u8 = 5;
/// The community that goes without saying.
const COMMUNITY: &[u8] = b"public";
/// The security model of users (RFC 3414).
const USERS: i32 = 3;

const ERRORS: [&str; 19] = [
    "noError",
    "tooBig",
    "noSuchName",
    "badValue",
    "readOnly",
    "genErr",
    "noAccess",
    "wrongType",
    "wrongLength",
    "wrongEncoding",
    "wrongValue",
    "noCreation",
    "inconsistentValue",
    "resourceUnavailable",
    "commitFailed",
    "undoFailed",
    "authorizationError",
    "notWritable",
    "inconsistentName",
];
const TRAPS: [&str; 7] = [
    "coldStart",
    "warmStart",
    "linkDown",
    "linkUp",
    "authenticationFailure",
    "egpNeighborLoss",
    "enterpriseSpecific",
];
const ENTERPRISE_SPECIFIC: i32 = 6;

/// Goes on behind a part that could not be read to its end.
fn or_go_on(part: Result<(), Stop>) -> Result<(), Stop> {
    match part {
        Err(Stop::Said) => Ok(()),
        other => other,
    }
}

impl Dissector<'_> {
    pub(super) fn snmp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "snmp";
        put!(self, " ");
        match self.snmp_message(Rest { at, length }) {
            Err(Stop::Cut) => Err(Cut),
            Ok(()) | Err(Stop::Said) => Ok(()),
        }
    }

    fn snmp_message(&mut self, mut rest: Rest) -> Result<(), Stop> {
        let whole = self.ber_expect(&mut rest, Kind::Sequence, "!init SEQ")?;
        self.snmp_extra(rest.length, " extra after iSEQ]");
        let mut rest = whole.content;
        let version = self.ber_expect(&mut rest, Kind::Integer, "version!=INT")?;
        let version = version.integer();
        let name = match version {
            0 => "SNMPv1",
            1 => "SNMPv2c",
            3 => "SNMPv3",
            _ => {
                put!(self, "SNMP [version = ", i64::from(version), "]");
                return Ok(());
            }
        };
        if self.verbose() {
            put!(self, "{ ", name, " ");
        }
        let body = if version == 3 {
            self.snmp_version_3(rest)
        } else {
            self.snmp_community(rest, version)
        };
        or_go_on(body)?;
        self.snmp_close("} ");
        Ok(())
    }

    fn snmp_extra(&mut self, left: u32, what: &'static str) {
        if left > 0 {
            put!(self, "[", left, what);
        }
    }

    fn snmp_close(&mut self, bracket: &'static str) {
        if self.verbose() {
            put!(self, bracket);
        }
    }

    fn snmp_community(&mut self, mut rest: Rest, version: i32) -> Result<(), Stop> {
        let community = self.ber_expect(&mut rest, Kind::Text, "comm!=STR")?.content;
        let name = self.bytes.slice(community.at, community.length as usize)?;
        if name != COMMUNITY {
            put!(self, "C=");
            self.ber_text(community)?;
            put!(self, " ");
        }
        self.snmp_pdu(rest, version)
    }

    fn snmp_pdu(&mut self, rest: Rest, version: i32) -> Result<(), Stop> {
        let pdu = self.ber(rest)?;
        if pdu.kind != Kind::Pdu {
            put!(self, "[no PDU]");
            return Ok(());
        }
        self.snmp_extra(rest.length - pdu.total, " extra after PDU]");
        if self.verbose() {
            put!(self, "{ ");
        }
        self.ber_print(&pdu)?;
        put!(self, " ");
        if version == 0 && pdu.id >= GET_BULK {
            put!(self, "[v2 PDU in v1 message]");
            return Ok(());
        }
        if version == 1 && pdu.id == TRAP {
            put!(self, "[v1 PDU in v2 message]");
            return Ok(());
        }
        or_go_on(if pdu.id == TRAP {
            self.snmp_trap(pdu.content)
        } else {
            self.snmp_request(pdu.content, pdu.id)
        })?;
        self.snmp_close(" } ");
        Ok(())
    }

    /// All messages but the first version's trap.
    fn snmp_request(&mut self, mut rest: Rest, kind: u8) -> Result<(), Stop> {
        let id = self.ber_expect(&mut rest, Kind::Integer, "reqId!=INT")?;
        if self.verbose() {
            put!(self, "R=", i64::from(id.integer()), " ");
        }
        let status = self.ber_expect(&mut rest, Kind::Integer, "errorStatus!=INT")?;
        let status = status.integer();
        // Only a response may tell of an error, and in a bulk request the two numbers are others.
        let tells_error = kind == RESPONSE;
        if kind == GET_BULK {
            put!(self, " N=", i64::from(status));
        } else if status != 0 {
            put!(self, if tells_error { " " } else { "[errorStatus(" });
            let name = usize::try_from(status).ok().and_then(|n| ERRORS.get(n));
            match name {
                Some(&name) => put!(self, name),
                None => put!(self, "err=", status as u32),
            }
            put!(self, if tells_error { "" } else { ")!=0]" });
        }
        let index = self.ber_expect(&mut rest, Kind::Integer, "errorIndex!=INT")?;
        let index = index.integer();
        let number = i64::from(index);
        if kind == GET_BULK {
            put!(self, " M=", number);
        } else if index != 0 && !tells_error {
            put!(self, "[errorIndex(", number, ")!=0]");
        } else if index != 0 && status == 0 {
            put!(self, "[errorIndex(", number, ") w/o errorStatus]");
        } else if index != 0 {
            put!(self, "@", number);
        } else if status != 0 && tells_error {
            put!(self, "[errorIndex==0]");
        }
        self.snmp_bindings(rest, kind)
    }

    /// The first version's trap (RFC 1157 section 4.1.6).
    fn snmp_trap(&mut self, mut rest: Rest) -> Result<(), Stop> {
        put!(self, " ");
        let enterprise = self.ber_expect(&mut rest, Kind::ObjectId, "enterprise!=OID")?;
        self.ber_print(&enterprise)?;
        put!(self, " ");
        let agent = self.ber_expect(&mut rest, Kind::Address, "agent-addr!=INETADDR")?;
        self.ber_print(&agent)?;
        let generic = self.ber_expect(&mut rest, Kind::Integer, "generic-trap!=INT")?;
        let generic = generic.integer();
        match usize::try_from(generic).ok().and_then(|n| TRAPS.get(n)) {
            Some(&name) => put!(self, " ", name),
            None => put!(self, " gt=", i64::from(generic)),
        }
        let specific = self.ber_expect(&mut rest, Kind::Integer, "specific-trap!=INT")?;
        let specific = i64::from(specific.integer());
        if generic == ENTERPRISE_SPECIFIC {
            put!(self, " s=", specific);
        } else if specific != 0 {
            put!(self, "[specific-trap(", specific, ")!=0]");
        }
        put!(self, " ");
        let time = self.ber_expect(&mut rest, Kind::Unsigned, "time-stamp!=TIMETICKS")?;
        self.ber_print(&time)?;
        self.snmp_bindings(rest, TRAP)
    }

    /// Objects and their values.
    fn snmp_bindings(&mut self, mut rest: Rest, kind: u8) -> Result<(), Stop> {
        let all = self.ber_expect(&mut rest, Kind::Sequence, "!SEQ of varbind")?;
        self.snmp_extra(rest.length, " extra after SEQ of varbind]");
        let asks = matches!(kind, GET | GET_NEXT | GET_BULK);
        let mut rest = all.content;
        while rest.length > 0 {
            put!(self, " ");
            let binding = self.ber_expect(&mut rest, Kind::Sequence, "!varbind")?;
            let mut parts = binding.content;
            let name = self.ber_expect(&mut parts, Kind::ObjectId, "objName!=OID")?;
            self.ber_print(&name)?;
            if !asks {
                put!(self, "=");
            }
            let value = self.ber(parts)?;
            if value.kind != Kind::Null {
                put!(self, if asks { "[objVal!=NULL]" } else { "" });
                self.ber_print(&value)?;
            }
        }
        Ok(())
    }

    fn snmp_version_3(&mut self, mut rest: Rest) -> Result<(), Stop> {
        let head = self.ber_expect(&mut rest, Kind::Sequence, "!message")?;
        if self.verbose() {
            put!(self, "{ ");
        }
        let mut fields = head.content;
        self.ber_expect(&mut fields, Kind::Integer, "msgID!=INT")?;
        self.ber_expect(&mut fields, Kind::Integer, "msgMaxSize!=INT")?;
        let flags = self.snmp_flags(&mut fields)?;
        let named = |flag, name| if flags & flag != 0 { name } else { "" };
        put!(self, "F=", named(1, "a"), named(2, "p"), named(4, "r"), " ");
        let model = self.ber_expect(&mut fields, Kind::Integer, "msgSecurityModel!=INT")?;
        self.snmp_extra_behind(&model, fields, " extra after message SEQ]");
        self.snmp_close("} ");
        if model.integer() != USERS {
            let model = i64::from(model.integer());
            put!(self, "[security model ", model, "]");
            return Ok(());
        }
        if self.verbose() {
            put!(self, "{ USM ");
        }
        // What follows the head is counted from where its last field ended.
        let mut rest = Rest {
            at: fields.at,
            length: rest.length.wrapping_add(fields.length),
        };
        let security = self.ber_expect(&mut rest, Kind::Text, "msgSecurityParameters!=STR")?;
        or_go_on(self.snmp_user(security.content))?;
        self.snmp_close("} ");
        if self.verbose() {
            put!(self, "{ ScopedPDU ");
        }
        or_go_on(self.snmp_scoped(rest))?;
        self.snmp_close("} ");
        Ok(())
    }

    fn snmp_flags(&mut self, fields: &mut Rest) -> Result<u8, Stop> {
        let element = self.ber_expect(fields, Kind::Text, "msgFlags!=STR")?;
        let length = element.content.length;
        if length != 1 {
            put!(self, "[msgFlags size ", length, "]");
            return Err(Stop::Said);
        }
        let flags = self.u8(element.content.at)?;
        if !matches!(flags, 0 | 1 | 3 | 4 | 5 | 7) {
            let [high, low] = [flags >> 4, flags & 15].map(upper_digit);
            put!(self, "[msgFlags=0x", high, low, "]");
            return Err(Stop::Said);
        }
        Ok(flags)
    }

    /// Says that octets follow, if more of them do than the last field has.
    fn snmp_extra_behind(&mut self, last: &Element, rest: Rest, what: &'static str) {
        if last.total < rest.length {
            put!(self, "[", rest.length - last.total, what);
        }
    }

    /// Who speaks (RFC 3414 section 2.4).
    fn snmp_user(&mut self, mut rest: Rest) -> Result<(), Stop> {
        let all = self.ber_expect(&mut rest, Kind::Sequence, "!usm")?;
        let mut rest = all.content;
        self.ber_expect(&mut rest, Kind::Text, "msgAuthoritativeEngineID!=STR")?;
        for (letter, complaint) in [
            ("B=", "msgAuthoritativeEngineBoots!=INT"),
            ("T=", "msgAuthoritativeEngineTime!=INT"),
        ] {
            let number = self.ber_expect(&mut rest, Kind::Integer, complaint)?;
            if self.verbose() {
                put!(self, letter, i64::from(number.integer()), " ");
            }
        }
        let name = self.ber_expect(&mut rest, Kind::Text, "msgUserName!=STR")?;
        put!(self, "U=");
        self.ber_text(name.content)?;
        put!(self, " ");
        self.ber_expect(&mut rest, Kind::Text, "msgAuthenticationParameters!=STR")?;
        let last = self.ber_expect(&mut rest, Kind::Text, "msgPrivacyParameters!=STR")?;
        self.snmp_extra_behind(&last, rest, " extra after usm SEQ]");
        Ok(())
    }

    fn snmp_scoped(&mut self, mut rest: Rest) -> Result<(), Stop> {
        let all = self.ber_expect(&mut rest, Kind::Sequence, "!scoped PDU")?;
        let mut rest = all.content;
        let engine = self.ber_expect(&mut rest, Kind::Text, "contextEngineID!=STR")?;
        put!(self, "E=");
        self.ber_octets(engine.content)?;
        put!(self, " ");
        let name = self.ber_expect(&mut rest, Kind::Text, "contextName!=STR")?;
        put!(self, "C=");
        self.ber_text(name.content)?;
        put!(self, " ");
        self.snmp_pdu(rest, 3)
    }
}

fn upper_digit(value: u8) -> &'static str {
    const DIGITS: &str = "0123456789ABCDEF";
    let at = usize::from(value);
    DIGITS.get(at..=at).unwrap_or_default()
}
