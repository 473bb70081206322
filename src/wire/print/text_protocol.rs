//! Protocols that speak in lines of text: HTTP (RFC 9112), SIP (RFC 3261), RTSP (RFC 7826), SMTP (RFC 5321), FTP
//! (RFC 959), WHOIS (RFC 3912) and SSH's greeting (RFC 4253 section 4.2).

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::{Cut, Read};

/// A protocol whose messages are lines.
pub(super) struct TextProtocol {
    /// What it is called where a packet is cut.
    protocol: &'static str,
    /// What it is called in front of its lines.
    title: &'static str,
    /// Words that begin a request. With none every line is shown; else only what begins with a request or a
    /// response is, not the middle of a body.
    requests: &'static [&'static str],
}

pub(super) const HTTP: TextProtocol = TextProtocol {
    protocol: "http",
    title: "HTTP",
    requests: &HTTP_REQUESTS,
};

pub(super) const RTSP: TextProtocol = TextProtocol {
    protocol: "rtsp",
    title: "RTSP",
    requests: &[
        "DESCRIBE",
        "ANNOUNCE",
        "GET_PARAMETER",
        "OPTIONS",
        "PAUSE",
        "PLAY",
        "RECORD",
        "REDIRECT",
        "SETUP",
        "SET_PARAMETER",
        "TEARDOWN",
    ],
};

pub(super) const SIP: TextProtocol = TextProtocol {
    protocol: "sip",
    title: "SIP",
    requests: &[
        "ACK",
        "BYE",
        "CANCEL",
        "DO",
        "INFO",
        "INVITE",
        "MESSAGE",
        "NOTIFY",
        "OPTIONS",
        "PRACK",
        "QAUTH",
        "REFER",
        "REGISTER",
        "SPRACK",
        "SUBSCRIBE",
        "UPDATE",
        "PUBLISH",
    ],
};

pub(super) const FTP: TextProtocol = TextProtocol {
    protocol: "ftp",
    title: "FTP",
    requests: &[],
};

pub(super) const SMTP: TextProtocol = TextProtocol {
    protocol: "smtp",
    title: "SMTP",
    requests: &[],
};

pub(super) const WHOIS: TextProtocol = TextProtocol {
    protocol: "whois",
    title: "WHOIS",
    requests: &[],
};

/// HTTP's requests, WebDAV's and Microsoft's included.
const HTTP_REQUESTS: [&str; 38] = [
    "GET",
    "PUT",
    "COPY",
    "HEAD",
    "LOCK",
    "MOVE",
    "POLL",
    "POST",
    "BCOPY",
    "BMOVE",
    "MKCOL",
    "TRACE",
    "LABEL",
    "MERGE",
    "DELETE",
    "SEARCH",
    "UNLOCK",
    "REPORT",
    "UPDATE",
    "NOTIFY",
    "BDELETE",
    "CONNECT",
    "OPTIONS",
    "CHECKIN",
    "PROPFIND",
    "CHECKOUT",
    "CCM_POST",
    "SUBSCRIBE",
    "PROPPATCH",
    "BPROPFIND",
    "BPROPPATCH",
    "UNCHECKOUT",
    "MKACTIVITY",
    "MKWORKSPACE",
    "UNSUBSCRIBE",
    "RPC_CONNECT",
    "VERSION-CONTROL",
    "BASELINE-CONTROL",
];

/// The longest first word that is looked at.
const MAX_WORD: usize = 128;

fn is_printable(octet: u8) -> bool {
    (0x20..=0x7e).contains(&octet)
}

impl Dissector<'_> {
    pub(super) fn text_protocol(
        &mut self,
        protocol: &TextProtocol,
        at: usize,
        length: u32,
    ) -> Read<()> {
        self.protocol = protocol.protocol;
        let length = length as usize;
        let shown =
            protocol.requests.is_empty() || self.is_text_head(protocol.requests, at, length);
        put!(self, protocol.title);
        if !shown {
            return Ok(());
        }
        if !self.verbose() {
            self.text_line(": ", at, 0, length)?;
            return Ok(());
        }
        put!(self, ", length: ", length);
        let mut place = 0;
        while place < length {
            match self.text_line("\n\t", at, place, length)? {
                Some(next) => place = next,
                None => break,
            }
        }
        Ok(())
    }

    /// Whether a request or a response begins here, not the middle of a body.
    fn is_text_head(&self, requests: &[&str], at: usize, length: usize) -> bool {
        let Some((word, next)) = self.word(at, 0, length) else {
            return false;
        };
        if requests
            .iter()
            .any(|request| request.as_bytes().eq_ignore_ascii_case(word))
        {
            return true;
        }
        self.word(at, next, length)
            .is_some_and(|(code, _)| code.len() == 3 && code.iter().all(u8::is_ascii_digit))
    }

    /// The word at `place`, and where the next one begins.
    fn word(&self, at: usize, place: usize, length: usize) -> Option<(&[u8], usize)> {
        let rest = self.bytes.rest(at + place, length - place);
        let is_space = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
        let end = rest.iter().position(is_space);
        if end.is_none() && rest.len() < length - place {
            // The capture ends inside the word.
            return None;
        }
        let word = rest.get(..end.unwrap_or(rest.len()))?;
        if word.is_empty() || word.len() > MAX_WORD || !word.iter().all(|&o| is_printable(o)) {
            return None;
        }
        let behind = rest.get(word.len()..)?;
        let blanks = behind.iter().take_while(|&&octet| octet == b' ').count();
        Some((word, place + word.len() + blanks))
    }

    /// Prints a line of printable characters and answers where the next one begins. Anything else is not
    /// printed, and a line without an end is marked as cut.
    fn text_line(
        &mut self,
        lead: &'static str,
        at: usize,
        start: usize,
        length: usize,
    ) -> Read<Option<usize>> {
        let line = self.bytes.rest(at + start, length - start);
        let end = line
            .iter()
            .position(|&octet| !is_printable(octet) && octet != b'\t');
        let text = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
        let next = match end.map(|end| (end, line.get(end), line.get(end + 1))) {
            Some((end, Some(b'\n'), _)) => start + end + 1,
            Some((end, Some(b'\r'), Some(b'\n'))) => start + end + 2,
            Some((end, Some(b'\r'), None)) if start + end + 1 < length => return Err(Cut),
            Some(_) => return Ok(None),
            None if line.len() < length - start => return Err(Cut),
            None => {
                put!(self, lead, text);
                self.truncated();
                return Ok(None);
            }
        };
        put!(self, lead, text);
        Ok(Some(next))
    }

    pub(super) fn ssh(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "ssh";
        for (n, &wanted) in b"SSH-".iter().enumerate() {
            if self.u8(at + n)? != wanted {
                return Ok(());
            }
        }
        let greeting = self.bytes.rest(at, length as usize);
        let Some(end) = greeting.iter().position(|&octet| !is_printable(octet)) else {
            return if greeting.len() < length as usize {
                Err(Cut)
            } else {
                Ok(())
            };
        };
        let ends = match (greeting.get(end), greeting.get(end + 1)) {
            (Some(b'\n'), _) => true,
            (Some(b'\r'), None) if end + 1 < length as usize => return Err(Cut),
            (Some(b'\r'), next) => next == Some(&b'\n'),
            _ => false,
        };
        if ends {
            put!(self, ": SSH: ", greeting.get(..end).unwrap_or_default());
        }
        Ok(())
    }
}
