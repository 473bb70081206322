//! The error a plugin prints on standard output, and its numbers.

use serde::{Deserialize, Serialize};

use super::SpecVersion;
use crate::netns;

/// The result of a plugin's operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error code. Those below 100 are the specification's; from 100 on they are the plugin's own, and the
/// ones named here are this engine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub enum Code {
    /// 1: the configuration's version is not spoken, or has no such verb.
    IncompatibleVersion,
    /// 2: a field of the configuration is not supported; the message names key and value.
    UnsupportedField,
    /// 3: the container does not exist, and there is nothing to clean up.
    UnknownContainer,
    /// 4: a variable is missing or wrong; the message names it.
    InvalidEnvironment,
    /// 5: reading or writing failed.
    Io,
    /// 6: something could not be decoded.
    Decode,
    /// 7: the configuration makes no sense.
    InvalidConfig,
    /// 11: a passing condition; the runtime may try again.
    TryAgainLater,
    /// 50: no ADD can be served now.
    NotAvailable,
    /// 51: no ADD can be served now, and existing containers may be cut off.
    LimitedConnectivity,
    /// 100: the kernel refused an operation.
    Kernel,
    /// 101: no address is left, or the one asked for is taken.
    AddressUnavailable,
    /// 102: CHECK found something that is not as ADD left it.
    NotAsExpected,
    /// 103: the interface name is taken in the container.
    InterfaceExists,
    /// 104: the store or the state directory cannot be used.
    State,
    /// 105: a plugin that was delegated to could not be run, or broke the protocol.
    Delegate,
    /// 999: a fault of the program itself (the number that libcni uses for the same).
    Internal,
    /// Any other number, from a foreign plugin.
    Other(u32),
}

impl Code {
    const NAMED: [(u32, Self); 17] = [
        (1, Self::IncompatibleVersion),
        (2, Self::UnsupportedField),
        (3, Self::UnknownContainer),
        (4, Self::InvalidEnvironment),
        (5, Self::Io),
        (6, Self::Decode),
        (7, Self::InvalidConfig),
        (11, Self::TryAgainLater),
        (50, Self::NotAvailable),
        (51, Self::LimitedConnectivity),
        (100, Self::Kernel),
        (101, Self::AddressUnavailable),
        (102, Self::NotAsExpected),
        (103, Self::InterfaceExists),
        (104, Self::State),
        (105, Self::Delegate),
        (999, Self::Internal),
    ];
}

impl From<u32> for Code {
    fn from(number: u32) -> Self {
        Self::NAMED
            .into_iter()
            .find_map(|(n, code)| (n == number).then_some(code))
            .unwrap_or(Self::Other(number))
    }
}

impl From<Code> for u32 {
    fn from(code: Code) -> Self {
        match code {
            Code::Other(number) => number,
            named => Code::NAMED
                .into_iter()
                .find_map(|(n, code)| (code == named).then_some(n))
                .unwrap_or(999),
        }
    }
}

/// What a plugin says when it fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{msg}{}{details}", if details.is_empty() { "" } else { ": " })]
pub struct Error {
    /// Which kind.
    pub code: Code,
    /// One line: the operation, the object and, unless `details` has it, the cause.
    pub msg: String,
    /// The rest, possibly several lines; may be empty.
    pub details: String,
}

impl Error {
    /// An error without details.
    pub fn new(code: Code, msg: impl Into<String>) -> Self {
        Self {
            code,
            msg: msg.into(),
            details: String::new(),
        }
    }

    /// Adds what stands in `details`.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<String>) -> Self {
        self.details = details.into();
        self
    }

    /// The configuration makes no sense (code 7).
    pub fn config(msg: impl Into<String>) -> Self {
        Self::new(Code::InvalidConfig, msg)
    }

    /// A variable is missing or wrong (code 4).
    pub fn environment(msg: impl Into<String>) -> Self {
        Self::new(Code::InvalidEnvironment, msg)
    }

    /// The object that goes to standard output.
    pub fn to_json(&self, version: SpecVersion) -> Vec<u8> {
        let printed = Printed {
            cni_version: Some(version.as_str().into()),
            code: self.code,
            msg: self.msg.clone(),
            details: self.details.clone(),
        };
        let mut text = serde_json::to_vec_pretty(&printed).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Reads what a plugin printed, if it is an error object at all.
    pub fn from_json(printed: &[u8]) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_slice(printed).ok()?;
        let printed: Printed = super::any_case::from_value(value).ok()?;
        Some(Self {
            code: printed.code,
            msg: printed.msg,
            details: printed.details,
        })
    }
}

/// A namespace that is not there or is something else came in `CNI_NETNS`; the rest is the kernel's word.
impl From<netns::Error> for Error {
    fn from(error: netns::Error) -> Self {
        match error {
            netns::Error::Open { .. } | netns::Error::NotANetns { .. } => {
                Self::environment(format!("CNI_NETNS: {error}"))
            }
            _ => Self::new(Code::Kernel, error.to_string()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Printed {
    #[serde(
        rename = "cniVersion",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    cni_version: Option<String>,
    code: Code,
    msg: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    details: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape() {
        let error = Error::config("Invalid Configuration")
            .with_details("Network 192.168.0.0/31 too small to allocate from.");
        assert_eq!(
            String::from_utf8(error.to_json(SpecVersion::V1_1_0)).unwrap(),
            r#"{
  "cniVersion": "1.1.0",
  "code": 7,
  "msg": "Invalid Configuration",
  "details": "Network 192.168.0.0/31 too small to allocate from."
}
"#
        );
        assert_eq!(
            Error::from_json(&error.to_json(SpecVersion::V0_3_0)),
            Some(error)
        );
    }

    #[test]
    fn every_number_survives() {
        for number in 0..1100 {
            assert_eq!(u32::from(Code::from(number)), number);
        }
    }

    #[test]
    fn what_is_not_an_error_object_is_none() {
        assert_eq!(Error::from_json(b"panic: runtime error"), None);
        assert_eq!(Error::from_json(br#"{"ips":[]}"#), None);
    }

    #[test]
    fn one_line_for_people() {
        assert_eq!(Error::config("bad pool").to_string(), "bad pool");
        assert_eq!(
            Error::config("bad pool").with_details("why").to_string(),
            "bad pool: why"
        );
    }
}
