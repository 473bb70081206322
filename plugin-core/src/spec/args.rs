//! `CNI_ARGS`: `KEY=VALUE` pairs separated by semicolons, in no order (containerd iterates a Go map).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};

/// The keys that any plugin understands or may ignore.
const KNOWN: [&str; 8] = [
    "IgnoreUnknown",
    "IP",
    "GATEWAY",
    "MAC",
    "K8S_POD_NAMESPACE",
    "K8S_POD_NAME",
    "K8S_POD_INFRA_CONTAINER_ID",
    "K8S_POD_UID",
];

/// The pairs of `CNI_ARGS`, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Args(Vec<(String, String)>);

/// The pod an attachment is for, as a kubelet's runtime says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pod {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for Pod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Args {
    /// Builds the list a runtime sends.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The pairs in the order they came.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a key; of several, the last.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs()
            .filter(|(k, _)| *k == key)
            .map(|(_, value)| value)
            .last()
    }

    /// The pod this is for, when a Kubernetes runtime asks.
    pub fn pod(&self) -> Option<Pod> {
        Some(Pod {
            namespace: self
                .get("K8S_POD_NAMESPACE")
                .filter(|text| !text.is_empty())?
                .to_owned(),
            name: self
                .get("K8S_POD_NAME")
                .filter(|text| !text.is_empty())?
                .to_owned(),
        })
    }

    /// The addresses that `IP` asks for: one, or several with commas between, each with or without a
    /// prefix length.
    ///
    /// # Errors
    /// When one of them is no address.
    pub fn ips(&self) -> Result<Vec<RequestedIp>> {
        self.get("IP")
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(|text| {
                text.parse()
                    .map_err(|error| Error::environment(format!("CNI_ARGS: IP={text}: {error}")))
            })
            .collect()
    }

    /// Whether keys that nobody knows are fine.
    ///
    /// # Errors
    /// When `IgnoreUnknown` is neither true nor false.
    pub fn ignore_unknown(&self) -> Result<bool> {
        match self
            .get("IgnoreUnknown")
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(other) => Err(Error::environment(format!(
                "CNI_ARGS: IgnoreUnknown={other} is neither 1, true, 0 nor false"
            ))),
        }
    }

    /// Refuses keys that no plugin knows, unless `IgnoreUnknown` allows them.
    ///
    /// # Errors
    /// Names the unknown keys.
    pub fn reject_unknown(&self) -> Result<()> {
        let unknown: Vec<&str> = self
            .pairs()
            .map(|(key, _)| key)
            .filter(|key| !KNOWN.contains(key))
            .collect();
        if unknown.is_empty() || self.ignore_unknown()? {
            return Ok(());
        }
        Err(Error::environment(format!(
            "CNI_ARGS holds {}, which this plugin does not know; IgnoreUnknown=1 allows it",
            unknown.join(", ")
        )))
    }
}

impl FromStr for Args {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.split(';')
            .filter(|pair| !pair.is_empty())
            .map(|pair| match pair.split_once('=') {
                Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
                _ => Err(Error::environment(format!(
                    "CNI_ARGS: {pair:?} is not KEY=VALUE"
                ))),
            })
            .collect::<Result<_>>()
            .map(Self)
    }
}

impl fmt::Display for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.pairs().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{key}={value}")?;
        }
        Ok(())
    }
}

/// An address somebody asks for, with a prefix length or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestedIp {
    /// The address.
    pub address: IpAddr,
    /// The prefix length, if one was given.
    pub prefix_len: Option<u8>,
}

impl FromStr for RequestedIp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self {
                address,
                prefix_len: None,
            });
        }
        match text.parse::<IpNet>() {
            Ok(net) => Ok(Self {
                address: net.addr(),
                prefix_len: Some(net.prefix_len()),
            }),
            Err(_) => Err(format!(
                "{text:?} is neither an address nor an address with a prefix length"
            )),
        }
    }
}

impl TryFrom<String> for RequestedIp {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RequestedIp> for String {
    fn from(ip: RequestedIp) -> Self {
        ip.to_string()
    }
}

impl fmt::Display for RequestedIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix_len {
            Some(length) => write!(f, "{}/{length}", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Code;

    #[test]
    fn containerd_sends_them_in_any_order() {
        for text in [
            "K8S_POD_NAME=pod1;IgnoreUnknown=1;K8S_POD_UID=u;K8S_POD_NAMESPACE=default;X=y",
            "X=y;K8S_POD_NAMESPACE=default;K8S_POD_UID=u;K8S_POD_NAME=pod1;IgnoreUnknown=true",
        ] {
            let args: Args = text.parse().unwrap();
            assert_eq!(args.pod().unwrap().to_string(), "default/pod1");
            args.reject_unknown().unwrap();
            assert_eq!(args.to_string(), text);
        }
    }

    #[test]
    fn unknown_keys_are_named() {
        let args: Args = "FOO=1;IP=10.0.0.1".parse().unwrap();
        let error = args.reject_unknown().unwrap_err();
        assert_eq!(error.code, Code::InvalidEnvironment);
        assert!(
            error.msg.contains("FOO") && !error.msg.contains("IP,"),
            "{error}"
        );
        assert!(
            "IgnoreUnknown=maybe;FOO=1"
                .parse::<Args>()
                .unwrap()
                .reject_unknown()
                .is_err()
        );
    }

    #[test]
    fn pairs_without_a_key_or_a_sign_are_refused() {
        for bad in ["FOO", "=1", "A=1;B"] {
            assert!(bad.parse::<Args>().is_err(), "{bad}");
        }
        assert_eq!("".parse::<Args>().unwrap(), Args::default());
        assert_eq!("A=1;".parse::<Args>().unwrap().get("A"), Some("1"));
    }

    #[test]
    fn requested_addresses() {
        let args: Args = "IP=10.1.2.3/24,fd00::5".parse().unwrap();
        let ips: Vec<String> = args
            .ips()
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(ips, ["10.1.2.3/24", "fd00::5"]);
        assert!("IP=10.1".parse::<Args>().unwrap().ips().is_err());
    }
}
