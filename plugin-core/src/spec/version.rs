//! Which edition of the specification a configuration, a plugin or a result speaks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An edition of the CNI specification that this engine speaks, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecVersion {
    /// 0.3.0: lists of plugins, `interfaces`.
    V0_3_0,
    /// 0.3.1: the same shapes as 0.3.0.
    V0_3_1,
    /// 0.4.0: CHECK, and `prevResult` on DEL.
    V0_4_0,
    /// 1.0.0: no `version` in `ips`.
    V1_0_0,
    /// 1.1.0: GC, STATUS, and more fields for interfaces and routes.
    V1_1_0,
}

impl SpecVersion {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V0_3_0,
        Self::V0_3_1,
        Self::V0_4_0,
        Self::V1_0_0,
        Self::V1_1_0,
    ];

    /// The newest.
    pub const CURRENT: Self = Self::V1_1_0;

    /// As it is written in `cniVersion`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_3_0 => "0.3.0",
            Self::V0_3_1 => "0.3.1",
            Self::V0_4_0 => "0.4.0",
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }
}

impl fmt::Display for SpecVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A version this engine does not speak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("CNI version \"{0}\" is not one of 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0")]
pub struct UnknownVersion(pub String);

impl FromStr for SpecVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
            .ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

impl Serialize for SpecVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SpecVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A version as three numbers, for comparing ones that this engine need not speak: a list's
/// `cniVersions` may name the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Triple(pub u32, pub u32, pub u32);

impl FromStr for Triple {
    type Err = UnknownVersion;

    /// As libcni reads it: one to three numbers, missing ones are 0, and no text at all is 0.1.0.
    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        if text.is_empty() {
            return Ok(Self(0, 1, 0));
        }
        let unknown = || UnknownVersion(text.to_owned());
        let mut numbers = [0_u32; 3];
        let mut parts = text.split('.');
        for (index, number) in numbers.iter_mut().enumerate() {
            match parts.next() {
                Some(part) => *number = part.parse().map_err(|_| unknown())?,
                None if index == 0 => return Err(unknown()),
                None => break,
            }
        }
        if parts.next().is_some() {
            return Err(unknown());
        }
        let [major, minor, micro] = numbers;
        Ok(Self(major, minor, micro))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_both_directions() {
        for version in SpecVersion::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        assert!("0.2.0".parse::<SpecVersion>().is_err());
        assert!("1.1".parse::<SpecVersion>().is_err());
        assert!("".parse::<SpecVersion>().is_err());
    }

    #[test]
    fn later_is_greater() {
        assert!(SpecVersion::ALL.is_sorted());
        assert!(SpecVersion::V1_0_0 > SpecVersion::V0_4_0);
    }

    #[test]
    fn triples_compare_by_number_and_not_by_text() {
        let triple = |text: &str| text.parse::<Triple>().unwrap();
        assert!(triple("1.10.0") > triple("1.9.9"));
        assert_eq!(triple("1.1"), Triple(1, 1, 0));
        assert_eq!(triple(""), Triple(0, 1, 0));
        assert!("1.1.0.0".parse::<Triple>().is_err());
        assert!("1.x".parse::<Triple>().is_err());
    }
}
