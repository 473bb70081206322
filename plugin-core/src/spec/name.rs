//! The names that identify an attachment, checked as libcni checks them before they become part of a
//! path or a device.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::{Code, Error};

/// Lengths of an interface name, without the terminating NUL (`IFNAMSIZ` is 16, linux/if.h).
const IFNAME_MAX: usize = 15;

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

/// The `name` of a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkName(String);

/// A `CNI_CONTAINERID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerId(String);

/// A `CNI_IFNAME`: what the kernel accepts as a device name (`dev_valid_name`, net/core/dev.c).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(String);

text_newtype!(NetworkName);
text_newtype!(ContainerId);
text_newtype!(IfName);

/// `[a-zA-Z0-9][a-zA-Z0-9_.\-]*`, for network names and container ids.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

impl FromStr for NetworkName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::config("the configuration has no network name"));
        }
        if !is_plain(text) {
            return Err(Error::config(format!(
                "network name {text:?} may hold only letters, digits, '_', '.' and '-', and starts with \
                 a letter or digit"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for ContainerId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::new(
                Code::UnknownContainer,
                "CNI_CONTAINERID is empty",
            ));
        }
        if !is_plain(text) {
            return Err(Error::environment(format!(
                "CNI_CONTAINERID={text:?} may hold only letters, digits, '_', '.' and '-', and starts \
                 with a letter or digit"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for IfName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let reason = if text.is_empty() {
            "is empty"
        } else if text.len() > IFNAME_MAX {
            "is longer than 15 octets"
        } else if matches!(text, "." | "..") {
            "is a directory"
        } else if text
            .chars()
            .any(|c| matches!(c, '/' | ':' | '\0') || c.is_whitespace())
        {
            "holds '/', ':' or white space"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(Error::environment(format!(
            "CNI_IFNAME={text:?} {reason}, which no device name may"
        )))
    }
}

/// One container on one network: the pair that names it in every verb.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attachment {
    /// Which container.
    #[serde(rename = "containerID")]
    pub container_id: ContainerId,
    /// Which of its interfaces.
    pub ifname: IfName,
}

impl fmt::Display for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.container_id, self.ifname)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names() {
        for good in ["a", "0", "k8s-pod-network", "a.b_c-d", "cni0"] {
            assert!(good.parse::<NetworkName>().is_ok(), "{good}");
            assert!(good.parse::<ContainerId>().is_ok(), "{good}");
        }
        for bad in ["-a", ".a", "_a", "a/b", "a b", "ä", "a\n", ".."] {
            assert_eq!(
                bad.parse::<NetworkName>().unwrap_err().code,
                Code::InvalidConfig,
                "{bad}"
            );
            assert_eq!(
                bad.parse::<ContainerId>().unwrap_err().code,
                Code::InvalidEnvironment,
                "{bad}"
            );
        }
        assert_eq!(
            "".parse::<ContainerId>().unwrap_err().code,
            Code::UnknownContainer
        );
        assert_eq!(
            "".parse::<NetworkName>().unwrap_err().code,
            Code::InvalidConfig
        );
    }

    #[test]
    fn interface_names_are_the_kernels() {
        for good in ["eth0", "a", "fifteen-octets_", "net1.5", "…"] {
            assert!(good.parse::<IfName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "sixteen-octets__",
            "a/b",
            "a:b",
            "a b",
            "a\tb",
            "a\u{a0}b",
        ] {
            let error = bad.parse::<IfName>().unwrap_err();
            assert_eq!(error.code, Code::InvalidEnvironment);
            assert!(error.msg.contains("CNI_IFNAME"), "{error}");
        }
    }
}
