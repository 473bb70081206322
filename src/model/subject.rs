//! What can be asked for: a pod, by any of the names that lead to it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::number::IfIndex;

/// What somebody typed to name a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// `namespace/name`.
    Pod {
        /// The pod's namespace.
        namespace: String,
        /// The pod's name.
        name: String,
    },
    /// A pod's name, a device's name, or the start of a sandbox's or container's identifier; which of them
    /// only a look at the node tells, in this order.
    Word(String),
    /// A process.
    Pid(u32),
    /// An address.
    Address(IpAddr),
    /// A device of the node.
    Index(IfIndex),
}

/// The text names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' names no pod; give [namespace/]name, the start of a sandbox or container id, pid:N, an address, or a device of the node by name or index"
)]
pub struct NotASubject(String);

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotASubject(text.to_owned());
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(wrong());
        }
        if let Some(pid) = text.strip_prefix("pid:") {
            return pid.parse().map(Self::Pid).map_err(|_| wrong());
        }
        if let Some((namespace, name)) = text.split_once('/') {
            if namespace.is_empty() || name.is_empty() || name.contains('/') {
                return Err(wrong());
            }
            return Ok(Self::Pod {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            });
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number too large for an index may still be the start of an identifier.
            return Ok(text.parse().map_or_else(
                |_| Self::Word(text.to_owned()),
                |index| Self::Index(IfIndex(index)),
            ));
        }
        Ok(Self::Word(text.to_owned()))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod { namespace, name } => write!(f, "{namespace}/{name}"),
            Self::Word(word) => f.write_str(word),
            Self::Pid(pid) => write!(f, "pid:{pid}"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Index(index) => write!(f, "device {index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_leads_to_a_pod() {
        let parse = |text: &str| text.parse::<Subject>().unwrap();
        assert_eq!(
            parse("kube-system/coredns"),
            Subject::Pod {
                namespace: "kube-system".into(),
                name: "coredns".into()
            }
        );
        assert_eq!(
            parse("cali9381c30abed"),
            Subject::Word("cali9381c30abed".into())
        );
        assert_eq!(parse("pid:12"), Subject::Pid(12));
        assert_eq!(
            parse("fd00::1"),
            Subject::Address("fd00::1".parse().unwrap())
        );
        assert_eq!(parse("17"), Subject::Index(IfIndex(17)));
        assert_eq!(
            parse("73913202300799999999"),
            Subject::Word("73913202300799999999".into())
        );
        for wrong in ["", "a/b/c", "/x", "x/", "pid:", "pid:x", "a b"] {
            assert!(wrong.parse::<Subject>().is_err(), "{wrong}");
        }
    }
}
