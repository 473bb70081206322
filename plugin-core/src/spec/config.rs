//! The configuration a plugin reads from standard input.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::{Code, Error, Result};
use super::name::{Attachment, NetworkName};
use super::result::{AddResult, Dns};
use super::runtime_config::RuntimeConfig;
use super::version::{SpecVersion, UnknownVersion};
use super::{RequestedIp, any_case};

/// A plugin's configuration: the keys of the protocol checked, everything else as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginConfig {
    /// `cniVersion`.
    pub version: SpecVersion,
    /// `name` of the network.
    pub name: NetworkName,
    /// `type`: the plugin's binary.
    pub kind: String,
    /// `ipam.type`, if there is one.
    pub ipam_kind: Option<String>,
    raw: Map<String, Value>,
}

/// `args.cni` (CONVENTIONS.md).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CniArgs {
    /// Addresses asked for.
    pub ips: Vec<RequestedIp>,
    /// Labels for the container.
    pub labels: Vec<Label>,
}

/// A label in `args.cni.labels`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Label {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}

impl PluginConfig {
    /// Reads what came on standard input.
    ///
    /// # Errors
    /// [`Code::Decode`] when it is not a JSON object, [`Code::InvalidConfig`] when name or type are missing
    /// or wrong, [`Code::IncompatibleVersion`] when the version is not spoken.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let raw: Map<String, Value> = serde_json::from_slice(text).map_err(|error| {
            Error::new(
                Code::Decode,
                format!("the network configuration is not a JSON object: {error}"),
            )
        })?;
        Self::from_object(raw)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// As [`PluginConfig::from_json`].
    pub fn from_object(raw: Map<String, Value>) -> Result<Self> {
        let name = text(&raw, "name")?.unwrap_or_default().parse()?;
        // A configuration without a version is of 0.1.0 (SPEC.md 0.2.0, "Network Configuration").
        let version = text(&raw, "cniVersion")?
            .filter(|text| !text.is_empty())
            .unwrap_or("0.1.0");
        let version = version.parse().map_err(|UnknownVersion(version)| {
            let spoken = SpecVersion::ALL.map(SpecVersion::as_str).join(", ");
            Error::new(
                Code::IncompatibleVersion,
                format!("network {name}: CNI version {version:?} is not supported"),
            )
            .with_details(format!("this plugin speaks {spoken}"))
        })?;
        let kind = text(&raw, "type")?.unwrap_or_default().to_owned();
        let ipam_kind = match any_case::get(&raw, "ipam") {
            None | Some(Value::Null) => None,
            Some(Value::Object(ipam)) => text(ipam, "type")?
                .filter(|kind| !kind.is_empty())
                .map(str::to_owned),
            Some(other) => {
                return Err(Error::config(format!(
                    "network {name}: ipam is {other}, not an object"
                )));
            }
        };
        Ok(Self {
            version,
            name,
            kind,
            ipam_kind,
            raw,
        })
    }

    /// The whole object.
    pub fn raw(&self) -> &Map<String, Value> {
        &self.raw
    }

    /// The whole object as a plugin's own type, keys in any case.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`], naming the network and what does not fit.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T> {
        any_case::from_value(Value::Object(self.raw.clone())).map_err(|error| {
            Error::config(format!(
                "network {}: the configuration of {} is wrong",
                self.name, self.kind
            ))
            .with_details(error.to_string())
        })
    }

    /// The value of one key as a type of its own, keys in any case; `T`'s default when it is absent.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`], naming the network, the key and what does not fit.
    pub fn section<T: DeserializeOwned + Default>(&self, key: &str) -> Result<T> {
        match any_case::get(&self.raw, key) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => any_case::from_value(value.clone()).map_err(|error| {
                Error::config(format!("network {}: {key} is wrong", self.name))
                    .with_details(error.to_string())
            }),
        }
    }

    /// `runtimeConfig`.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] when it does not fit.
    pub fn runtime_config(&self) -> Result<RuntimeConfig> {
        self.section("runtimeConfig")
    }

    /// `dns`.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] when it does not fit.
    pub fn dns(&self) -> Result<Dns> {
        self.section("dns")
    }

    /// `args.cni`.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] when it does not fit.
    pub fn cni_args(&self) -> Result<CniArgs> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Args {
            cni: CniArgs,
        }
        self.section::<Args>("args").map(|args| args.cni)
    }

    /// `prevResult`, from any version. One that names none is of the configuration's.
    ///
    /// # Errors
    /// Those of [`AddResult::from_value`].
    pub fn prev_result(&self) -> Result<Option<AddResult>> {
        match any_case::get(&self.raw, "prevResult") {
            None | Some(Value::Null) => Ok(None),
            Some(value) => AddResult::from_value(value.clone(), self.version)
                .map(|(result, _)| Some(result))
                .map_err(|error| Error {
                    msg: format!("network {}: prevResult: {}", self.name, error.msg),
                    ..error
                }),
        }
    }

    /// The attachments that GC must leave alone. The specification names the key
    /// `cni.dev/valid-attachments`; libcni also sends `cni.dev/attachments`, which an early text had
    /// (containernetworking/cni#1101), and older runtimes send that alone.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] when neither is there: without the list nothing may be removed. An empty
    /// list, which Go may write as `null`, is a list.
    pub fn valid_attachments(&self) -> Result<Vec<Attachment>> {
        let value = ["cni.dev/valid-attachments", "cni.dev/attachments"]
            .into_iter()
            .find_map(|key| any_case::get(&self.raw, key).map(|value| (key, value)));
        match value {
            None => Err(Error::config(format!(
                "network {}: GC came without cni.dev/valid-attachments; nothing is removed",
                self.name
            ))),
            Some((_, Value::Null)) => Ok(Vec::new()),
            Some((key, value)) => any_case::from_value(value.clone()).map_err(|error| {
                Error::config(format!("network {}: {key} is wrong", self.name))
                    .with_details(error.to_string())
            }),
        }
    }
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>> {
    match any_case::get(object, key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Error::config(format!("{key} is {other}, not a text"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config(value: Value) -> Result<PluginConfig> {
        PluginConfig::from_json(value.to_string().as_bytes())
    }

    fn network(extra: Value) -> PluginConfig {
        let mut value = json!({"cniVersion": "1.1.0", "name": "net", "type": "ovl-routed"});
        value
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        config(value).unwrap()
    }

    #[test]
    fn the_keys_of_the_protocol() {
        let read =
            network(json!({"ipam": {"type": "ovl-ipam"}, "dns": {"nameservers": ["1.2.3.4"]}}));
        assert_eq!(read.version, SpecVersion::V1_1_0);
        assert_eq!(read.name.as_str(), "net");
        assert_eq!(read.kind, "ovl-routed");
        assert_eq!(read.ipam_kind.as_deref(), Some("ovl-ipam"));
        assert_eq!(read.dns().unwrap().nameservers, ["1.2.3.4"]);
        assert_eq!(read.prev_result().unwrap(), None);
    }

    #[test]
    fn what_is_wrong_has_the_right_code() {
        let code = |text: &str| PluginConfig::from_json(text.as_bytes()).unwrap_err().code;
        assert_eq!(code(""), Code::Decode);
        assert_eq!(code("not json"), Code::Decode);
        assert_eq!(code("[]"), Code::Decode);
        assert_eq!(code(r#"{"cniVersion":"1.0.0"}"#), Code::InvalidConfig);
        assert_eq!(
            code(r#"{"cniVersion":"1.0.0","name":"a/b"}"#),
            Code::InvalidConfig
        );
        assert_eq!(code(r#"{"cniVersion":1,"name":"a"}"#), Code::InvalidConfig);
        assert_eq!(
            code(r#"{"cniVersion":"9.9.9","name":"a"}"#),
            Code::IncompatibleVersion
        );
        assert_eq!(
            code(r#"{"cniVersion":"0.2.0","name":"a"}"#),
            Code::IncompatibleVersion
        );
        assert_eq!(code(r#"{"name":"a"}"#), Code::IncompatibleVersion);
        assert_eq!(
            code(r#"{"cniVersion":"1.0.0","name":"a","ipam":[]}"#),
            Code::InvalidConfig
        );
    }

    #[test]
    fn a_previous_result_may_be_of_another_version() {
        let read = network(json!({"prevResult": {
            "cniVersion": "0.3.1", "ips": [{"version": "4", "address": "10.0.0.2/24"}],
        }}));
        let result = read.prev_result().unwrap().unwrap();
        assert_eq!(result.ips[0].address.to_string(), "10.0.0.2/24");
        let error = network(json!({"prevResult": {"cniVersion": "0.1.0"}}))
            .prev_result()
            .unwrap_err();
        assert_eq!(error.code, Code::IncompatibleVersion);
    }

    #[test]
    fn requested_addresses_in_args() {
        let read = network(json!({"args": {"cni": {"ips": ["10.2.2.42/24"], "labels": [
            {"key": "app", "value": "db"},
        ]}}}));
        let args = read.cni_args().unwrap();
        assert_eq!(args.ips[0].to_string(), "10.2.2.42/24");
        assert_eq!(args.labels[0].value, "db");
        assert_eq!(network(json!({})).cni_args().unwrap(), CniArgs::default());
    }

    #[test]
    fn gc_wants_a_list_and_an_empty_one_is_a_list() {
        let attachments = json!([{"containerID": "c1", "ifname": "eth0"}]);
        for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
            let read = network(json!({key: attachments.clone()}))
                .valid_attachments()
                .unwrap();
            assert_eq!(read[0].to_string(), "c1/eth0");
            assert_eq!(network(json!({key: null})).valid_attachments().unwrap(), []);
        }
        let both = json!({"cni.dev/attachments": [], "cni.dev/valid-attachments": attachments});
        assert_eq!(network(both).valid_attachments().unwrap().len(), 1);
        assert_eq!(
            network(json!({})).valid_attachments().unwrap_err().code,
            Code::InvalidConfig
        );
    }
}
