//! Names as file names, reversibly.

use ipnet::IpNet;

/// Escapes everything but letters, digits and `_ . -` as `%XX`, and a leading dot too: the result
/// is never empty, `.`, `..`, hidden, or more than one path component.
pub(super) fn escape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'.' if index == 0 => out.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The inverse of [`escape`]; `None` for what [`escape`] never writes.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    let name = String::from_utf8(out).ok()?;
    (!name.is_empty() && escape(&name) == text).then_some(name)
}

/// `172.31.0.64-26`: a file name cannot hold the slash.
pub(super) fn of_cidr(cidr: IpNet) -> String {
    let cidr = cidr.trunc();
    format!("{}-{}", cidr.network(), cidr.prefix_len())
}

/// The inverse of [`of_cidr`].
pub(super) fn to_cidr(text: &str) -> Option<IpNet> {
    let (address, length) = text.rsplit_once('-')?;
    let cidr = IpNet::new(address.parse().ok()?, length.parse().ok()?).ok()?;
    // `+26`, `026` and host bits parse too, but are not how it is written.
    (of_cidr(cidr) == text).then_some(cidr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_round_trip_and_stay_one_plain_component() {
        for name in [
            "host01",
            "k8s-pod-network",
            "..",
            ".",
            ".hidden",
            "../../etc/passwd",
            "a/b",
            "nul\0byte",
            "%2E",
            "höst",
            " ",
            "a\nb",
        ] {
            let escaped = escape(name);
            assert_eq!(unescape(&escaped).as_deref(), Some(name));
            assert!(!escaped.starts_with('.') && !escaped.contains('/') && !escaped.contains('\0'));
        }
    }

    #[test]
    fn foreign_file_names_are_not_names() {
        for text in [
            "", ".lock", "%", "%2", "%zz", "%2e", "%41", "a b", "host01~",
        ] {
            assert_eq!(unescape(text), None, "{text:?}");
        }
    }

    #[test]
    fn cidrs_survive_the_round_trip() {
        for (cidr, text) in [
            ("172.31.0.64/26", "172.31.0.64-26"),
            ("10.46.0.0/15", "10.46.0.0-15"),
            ("fd00:10::40/122", "fd00:10::40-122"),
            ("::/0", "::-0"),
        ] {
            let cidr: IpNet = cidr.parse().unwrap();
            assert_eq!(of_cidr(cidr), text);
            assert_eq!(to_cidr(text), Some(cidr));
        }
        for text in [
            "172.31.0.65-26",
            "172.31.0.64-026",
            "172.31.0.64",
            "x-26",
            "172.31.0.64-33",
        ] {
            assert_eq!(to_cidr(text), None, "{text:?}");
        }
    }
}
