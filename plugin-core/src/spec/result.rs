//! What an ADD made: one type for all versions, read from any of them and written in the exact shape
//! of each.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::any_case;
use super::error::{Code, Error, Result};
use super::runtime_config::empty_is_none;
use super::version::{SpecVersion, UnknownVersion};

/// What an ADD made, free of any version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddResult {
    /// Every interface that belongs to the attachment, those on the host included.
    pub interfaces: Vec<Interface>,
    /// The addresses.
    pub ips: Vec<IpConfig>,
    /// The routes in the container.
    pub routes: Vec<Route>,
    /// What the container's resolver should be told.
    pub dns: Dns,
}

/// An interface of an attachment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its hardware address, as text: not every link has six octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Its MTU in octets (1.1.0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The path of its network namespace; none for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
    /// A socket file that stands for the interface (1.1.0).
    #[serde(
        rename = "socketPath",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub socket_path: Option<String>,
    /// Its PCI device (1.1.0).
    #[serde(rename = "pciID", default, skip_serializing_if = "Option::is_none")]
    pub pci_id: Option<String>,
}

/// An address of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpConfig {
    /// The address with its prefix length; host bits are kept.
    pub address: IpNet,
    /// The gateway of its subnet.
    pub gateway: Option<IpAddr>,
    /// Index into [`AddResult::interfaces`]; an IPAM plugin leaves it out.
    pub interface: Option<usize>,
}

/// A route in the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Destination.
    pub dst: IpNet,
    /// Next hop; when absent the gateway of a fitting address may be used.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "empty_is_none"
    )]
    pub gw: Option<IpAddr>,
    /// MTU along the path in octets (1.1.0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// TCP segment size to advertise, in octets (1.1.0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advmss: Option<u32>,
    /// Metric, lower wins (1.1.0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Routing table (1.1.0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// Scope: 0 global, 253 link, 254 host (1.1.0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<u8>,
}

impl Route {
    /// A route with nothing but a destination and a next hop.
    pub fn via(dst: IpNet, gw: Option<IpAddr>) -> Self {
        Self {
            dst,
            gw,
            mtu: None,
            advmss: None,
            priority: None,
            table: None,
            scope: None,
        }
    }
}

/// What a resolver should be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// Name servers, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nameservers: Vec<String>,
    /// The local domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Search domains, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// Options of the resolver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

impl Dns {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An entry of `ips` on the wire. `version` is there in 0.x only.
#[derive(Serialize, Deserialize)]
struct WireIp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interface: Option<i64>,
    address: IpNet,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "empty_is_none"
    )]
    gateway: Option<IpAddr>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(rename = "cniVersion", default)]
    cni_version: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<Interface>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ips: Vec<WireIp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
    #[serde(default, skip_serializing_if = "Dns::is_empty")]
    dns: Dns,
}

impl AddResult {
    /// The object in the shape of `version`: what that version cannot say is left out.
    pub fn to_value(&self, version: SpecVersion) -> Value {
        // A result holds strings, numbers and addresses only, so this cannot fail.
        serde_json::to_value(self.to_wire(version)).unwrap_or(Value::Null)
    }

    /// [`AddResult::to_value`] as it is printed on standard output.
    pub fn to_json(&self, version: SpecVersion) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(&self.to_wire(version)).unwrap_or_default();
        text.push(b'\n');
        text
    }

    fn to_wire(&self, version: SpecVersion) -> Wire {
        let mut wire = Wire {
            cni_version: version.as_str().to_owned(),
            interfaces: self.interfaces.clone(),
            ips: self
                .ips
                .iter()
                .map(|ip| WireIp {
                    version: (version < SpecVersion::V1_0_0).then(|| {
                        match ip.address {
                            IpNet::V4(_) => "4",
                            IpNet::V6(_) => "6",
                        }
                        .to_owned()
                    }),
                    interface: ip.interface.and_then(|index| i64::try_from(index).ok()),
                    address: ip.address,
                    gateway: ip.gateway,
                })
                .collect(),
            routes: self.routes.clone(),
            dns: self.dns.clone(),
        };
        if version < SpecVersion::V1_1_0 {
            for interface in &mut wire.interfaces {
                interface.mtu = None;
                interface.socket_path = None;
                interface.pci_id = None;
            }
            for route in &mut wire.routes {
                *route = Route::via(route.dst, route.gw);
            }
        }
        wire
    }

    /// Reads a result. One that names no version is taken as `assumed`, the version of the configuration
    /// it answers, as libcni does.
    ///
    /// # Errors
    /// [`Code::Decode`] when it is no result, [`Code::IncompatibleVersion`] when its version is not spoken.
    pub fn from_value(value: Value, assumed: SpecVersion) -> Result<(Self, SpecVersion)> {
        let wire: Wire = any_case::from_value(value).map_err(|error| {
            Error::new(Code::Decode, format!("cannot read a CNI result: {error}"))
        })?;
        let version = match wire.cni_version.as_str() {
            "" => assumed,
            text => text.parse().map_err(|error: UnknownVersion| {
                Error::new(Code::IncompatibleVersion, "cannot read a CNI result")
                    .with_details(error.to_string())
            })?,
        };
        let ips = wire
            .ips
            .into_iter()
            .map(|ip| IpConfig {
                address: ip.address,
                gateway: ip.gateway,
                // Some plugins write -1 for "none".
                interface: ip.interface.and_then(|index| usize::try_from(index).ok()),
            })
            .collect();
        let result = Self {
            interfaces: wire
                .interfaces
                .into_iter()
                .map(|mut interface| {
                    // Go plugins write "" for what they do not know.
                    interface.mac = interface.mac.filter(|mac| !mac.is_empty());
                    interface.sandbox = interface.sandbox.filter(|path| !path.is_empty());
                    interface
                })
                .collect(),
            ips,
            routes: wire.routes,
            dns: wire.dns,
        };
        Ok((result, version))
    }

    /// Reads what a plugin printed.
    ///
    /// # Errors
    /// As [`AddResult::from_value`], and [`Code::Decode`] when it is not JSON.
    pub fn from_json(printed: &[u8], assumed: SpecVersion) -> Result<(Self, SpecVersion)> {
        let value = serde_json::from_slice(printed).map_err(|error| {
            Error::new(Code::Decode, format!("a CNI result is not JSON: {error}"))
        })?;
        Self::from_value(value, assumed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> AddResult {
        AddResult {
            interfaces: vec![
                Interface {
                    name: "calice0906292e2".into(),
                    mac: Some("ee:ee:ee:ee:ee:ee".into()),
                    mtu: Some(1450),
                    ..Interface::default()
                },
                Interface {
                    name: "eth0".into(),
                    mac: Some("4e:57:c4:70:aa:95".into()),
                    mtu: Some(1450),
                    sandbox: Some("/run/netns/pod1".into()),
                    socket_path: Some("/run/vhost".into()),
                    pci_id: Some("0000:00:1f.6".into()),
                },
            ],
            ips: vec![
                IpConfig {
                    address: "172.31.239.216/32".parse().unwrap(),
                    gateway: Some("169.254.1.1".parse().unwrap()),
                    interface: Some(1),
                },
                IpConfig {
                    address: "fd00::5/128".parse().unwrap(),
                    gateway: None,
                    interface: Some(1),
                },
            ],
            routes: vec![Route {
                dst: "0.0.0.0/0".parse().unwrap(),
                gw: Some("169.254.1.1".parse().unwrap()),
                mtu: Some(1450),
                advmss: Some(1410),
                priority: Some(5),
                table: Some(100),
                scope: Some(253),
            }],
            dns: Dns {
                nameservers: vec!["10.96.0.10".into()],
                domain: Some("cluster.local".into()),
                search: vec!["svc.cluster.local".into()],
                options: vec!["ndots:5".into()],
            },
        }
    }

    fn expected(version: &str) -> Value {
        let mut value = json!({
            "cniVersion": version,
            "interfaces": [
                {"name": "calice0906292e2", "mac": "ee:ee:ee:ee:ee:ee"},
                {"name": "eth0", "mac": "4e:57:c4:70:aa:95", "sandbox": "/run/netns/pod1"},
            ],
            "ips": [
                {"interface": 1, "address": "172.31.239.216/32", "gateway": "169.254.1.1"},
                {"interface": 1, "address": "fd00::5/128"},
            ],
            "routes": [{"dst": "0.0.0.0/0", "gw": "169.254.1.1"}],
            "dns": {
                "nameservers": ["10.96.0.10"],
                "domain": "cluster.local",
                "search": ["svc.cluster.local"],
                "options": ["ndots:5"],
            },
        });
        if version.starts_with("0.") {
            value["ips"][0]["version"] = json!("4");
            value["ips"][1]["version"] = json!("6");
        }
        if version == "1.1.0" {
            value["interfaces"][0]["mtu"] = json!(1450);
            value["interfaces"][1]["mtu"] = json!(1450);
            value["interfaces"][1]["socketPath"] = json!("/run/vhost");
            value["interfaces"][1]["pciID"] = json!("0000:00:1f.6");
            value["routes"][0] = json!({
                "dst": "0.0.0.0/0", "gw": "169.254.1.1", "mtu": 1450, "advmss": 1410,
                "priority": 5, "table": 100, "scope": 253,
            });
        }
        value
    }

    #[test]
    fn each_version_has_its_own_shape() {
        for version in SpecVersion::ALL {
            assert_eq!(
                sample().to_value(version),
                expected(version.as_str()),
                "{version}"
            );
        }
    }

    #[test]
    fn any_version_can_be_read() {
        for version in SpecVersion::ALL {
            let (result, read) =
                AddResult::from_value(expected(version.as_str()), SpecVersion::V0_3_0).unwrap();
            assert_eq!(read, version);
            assert_eq!(result.to_value(version), expected(version.as_str()));
        }
        let (full, _) = AddResult::from_value(expected("1.1.0"), SpecVersion::CURRENT).unwrap();
        assert_eq!(full, sample());
    }

    #[test]
    fn nothing_is_written_for_nothing() {
        assert_eq!(
            AddResult::default().to_value(SpecVersion::V1_0_0),
            json!({"cniVersion": "1.0.0"})
        );
    }

    #[test]
    fn results_as_go_plugins_print_them() {
        let printed = br#"{"interfaces":[{"name":"lo","mac":"","sandbox":""}],"ips":[
            {"version":"4","interface":-1,"address":"127.0.0.1/8","gateway":null}],
            "routes":null,"dns":{}}"#;
        let (result, version) = AddResult::from_json(printed, SpecVersion::V0_3_1).unwrap();
        assert_eq!(version, SpecVersion::V0_3_1);
        assert_eq!(result.interfaces[0].mac, None);
        assert_eq!(result.interfaces[0].sandbox, None);
        assert_eq!(result.ips[0].interface, None);
        assert_eq!(result.routes, []);
    }

    #[test]
    fn what_is_no_result_says_why() {
        let code = |text: &[u8]| {
            AddResult::from_json(text, SpecVersion::CURRENT)
                .unwrap_err()
                .code
        };
        assert_eq!(code(b"ok"), Code::Decode);
        assert_eq!(code(b"[]"), Code::Decode);
        assert_eq!(code(br#"{"ips":[{"address":"nowhere"}]}"#), Code::Decode);
        assert_eq!(
            code(br#"{"cniVersion":"0.2.0","ip4":{}}"#),
            Code::IncompatibleVersion
        );
    }
}
