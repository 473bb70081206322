//! The configuration of our plugins, read and checked before anything is touched.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `mtu` | of both ends of a pod's veth pair, in octets | what the underlay carries |
//! | `hostPrefix` | first letters of the node's ends | `cali`; `veth` on a bridge |
//! | `encap` | `never`, `always`, `crossSubnet`: whether packets to other nodes are wrapped in VXLAN | `never`; `always` on a bridge |
//! | `underlay` | the device that reaches the other nodes | that of the default route |
//! | `vxlan`, `vni`, `port` | the VXLAN device of this network, for checking against | none |
//! | `bridge` | `ovl-vxlan`: the bridge | `cni0` |
//! | `gateway` | `ovl-vxlan`: whether the bridge is the pods' default gateway | `true` |
//! | `hairpin` | `ovl-vxlan`: whether a pod can reach itself through a service address | `true` |
//! | `node` | this node's name | the host name |
//! | `stateDir` | this node's own directory | `/var/lib/ovl` |
//! | `ipam` | `ovl-ipam` in the same process, or any other IPAM plugin | required |

use std::path::PathBuf;

use serde::Deserialize;

use super::ipam::Ipam;
use crate::ipam::Purpose;
use crate::naming::HostPrefix;
use crate::node::settings::Encap;
use crate::spec::{Code, Error, PluginConfig, Result};

/// Where a node keeps its own state unless told otherwise.
const STATE_DIR: &str = "/var/lib/ovl";
/// Largest value of a VXLAN network identifier (RFC 7348 §4: 24 bits).
const VNI_MAX: u32 = 0x00ff_ffff;
/// Smallest MTU that an IPv4 link may have (RFC 791).
pub(super) const MTU_MIN_V4: u32 = 68;
/// Smallest MTU that an IPv6 link may have (RFC 8200 §5).
pub(super) const MTU_MIN_V6: u32 = 1280;
/// The largest the veth driver takes (`ETH_MAX_MTU`).
const MTU_MAX: u32 = 65535;

/// Which of the two plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `ovl-routed`.
    Routed,
    /// `ovl-vxlan`.
    Vxlan,
}

impl Kind {
    /// What our own IPAM's pools are for, unless they say otherwise.
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Routed => Purpose::Routed,
            Self::Vxlan => Purpose::Flat,
        }
    }
}

/// A network as its configuration has it.
#[derive(Debug)]
pub struct Network {
    /// Wanted MTU in octets.
    pub mtu: Option<u32>,
    /// First letters of the node's ends.
    pub host_prefix: HostPrefix,
    /// Whether packets to other nodes are wrapped.
    pub encap: Encap,
    /// The device that reaches the other nodes.
    pub underlay: Option<String>,
    /// The VXLAN device.
    pub vxlan: VxlanDevice,
    /// This node's name.
    pub node: String,
    /// This node's own directory.
    pub state_dir: PathBuf,
    /// Where addresses come from.
    pub ipam: Ipam,
    /// How pods are wired.
    pub wiring: Wiring,
}

/// What the configuration says of the network's VXLAN device. The device itself is the agent's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VxlanDevice {
    /// Its name.
    pub name: Option<String>,
    /// Its network identifier.
    pub vni: Option<u32>,
    /// Its UDP port.
    pub port: Option<u16>,
}

/// How pods are wired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wiring {
    /// Each behind a host route of its own.
    Routed,
    /// All of a node in one bridge.
    Bridged(Bridge),
}

/// The bridge of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its name.
    pub name: String,
    /// Whether it is the pods' default gateway.
    pub gateway: bool,
    /// Whether frames may leave a port by which they came.
    pub hairpin: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Section {
    mtu: Option<u32>,
    host_prefix: Option<HostPrefix>,
    encap: Option<Encap>,
    underlay: Option<String>,
    vxlan: Option<String>,
    vni: Option<u32>,
    port: Option<u16>,
    bridge: Option<String>,
    gateway: Option<bool>,
    hairpin: Option<bool>,
    node: Option<String>,
    state_dir: Option<PathBuf>,
}

impl Network {
    /// Reads the configuration of a plugin.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(kind: Kind, config: &PluginConfig) -> Result<Self> {
        let section: Section = config.settings()?;
        let wrong = |what: String| Error::config(format!("network {}: {what}", config.name));
        let refuse_long = |key: &str, name: &Option<String>| match name {
            Some(name) if name.parse::<crate::spec::IfName>().is_err() => Err(wrong(format!(
                "{key} {name:?} cannot be the name of a link"
            ))),
            _ => Ok(()),
        };
        refuse_long("underlay", &section.underlay)?;
        refuse_long("vxlan", &section.vxlan)?;
        refuse_long("bridge", &section.bridge)?;
        // 0 is how the reference plugins write "not given".
        let mtu = section.mtu.filter(|mtu| *mtu != 0);
        if let Some(mtu) = mtu.filter(|mtu| !(MTU_MIN_V4..=MTU_MAX).contains(mtu)) {
            return Err(wrong(format!(
                "mtu {mtu} is not between {MTU_MIN_V4} and {MTU_MAX}"
            )));
        }
        if let Some(vni) = section.vni.filter(|vni| *vni > VNI_MAX) {
            return Err(wrong(format!("vni {vni} does not fit in 24 bits")));
        }
        if section.port == Some(0) {
            return Err(wrong("port 0 is no UDP port".to_owned()));
        }
        let state_dir = section.state_dir.unwrap_or_else(|| STATE_DIR.into());
        if !state_dir.is_absolute() {
            return Err(wrong(format!(
                "stateDir {} is not an absolute path",
                state_dir.display()
            )));
        }
        let ipam = Ipam::of(config, kind.purpose()).ok_or_else(|| {
            wrong("ipam.type is missing; \"ovl-ipam\" gives addresses".to_owned())
        })?;
        Ok(Self {
            mtu,
            host_prefix: section.host_prefix.unwrap_or_else(|| match kind {
                Kind::Routed => HostPrefix::calico(),
                Kind::Vxlan => HostPrefix::veth(),
            }),
            encap: section.encap.unwrap_or(match kind {
                Kind::Routed => Encap::Never,
                Kind::Vxlan => Encap::Always,
            }),
            underlay: section.underlay,
            vxlan: VxlanDevice {
                name: section.vxlan,
                vni: section.vni,
                port: section.port,
            },
            node: section
                .node
                .filter(|node| !node.is_empty())
                .unwrap_or_else(host_name),
            state_dir,
            ipam,
            wiring: match kind {
                Kind::Routed => Wiring::Routed,
                Kind::Vxlan => Wiring::Bridged(Bridge {
                    name: section.bridge.unwrap_or_else(|| "cni0".to_owned()),
                    gateway: section.gateway.unwrap_or(true),
                    hairpin: section.hairpin.unwrap_or(true),
                }),
            },
        })
    }

    /// Checks an MTU against the addresses a pod has.
    ///
    /// # Errors
    /// When it is too small for IPv6.
    pub fn refuse_small_mtu(&self, mtu: u32, ipv6: bool) -> Result<()> {
        if ipv6 && mtu < MTU_MIN_V6 {
            return Err(Error::new(
                Code::InvalidConfig,
                format!("mtu {mtu} is too small for IPv6, which needs {MTU_MIN_V6}"),
            ));
        }
        Ok(())
    }
}

/// The state directory of a configuration whose other keys may be wrong: DEL and GC need no more.
pub(super) fn state_dir(config: &PluginConfig) -> PathBuf {
    config
        .section::<Option<PathBuf>>("stateDir")
        .ok()
        .flatten()
        .unwrap_or_else(|| STATE_DIR.into())
}

/// The kernel's name for this machine; a kubelet calls the node so unless told otherwise.
fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(kind: Kind, extra: Value) -> Result<Network> {
        let mut value = json!({"cniVersion": "1.0.0", "name": "net", "type": "x",
            "ipam": {"type": "host-local"}});
        value
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        Network::read(
            kind,
            &PluginConfig::from_json(value.to_string().as_bytes()).unwrap(),
        )
    }

    #[test]
    fn what_is_left_out_has_its_fields_own_value() {
        let routed = read(Kind::Routed, json!({})).unwrap();
        assert_eq!(routed.encap, Encap::Never);
        assert_eq!(String::from(routed.host_prefix), "cali");
        assert_eq!(routed.state_dir.to_str(), Some("/var/lib/ovl"));
        let bridged = read(Kind::Vxlan, json!({"mtu": 0})).unwrap();
        assert_eq!(bridged.encap, Encap::Always);
        assert_eq!(bridged.mtu, None);
        let bridge = Bridge {
            name: "cni0".into(),
            gateway: true,
            hairpin: true,
        };
        assert_eq!(bridged.wiring, Wiring::Bridged(bridge));
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_key() {
        for (extra, told) in [
            (json!({"encap": "ipip"}), "ipip"),
            (json!({"mtu": 67}), "mtu 67"),
            (json!({"mtu": 65536}), "mtu 65536"),
            (json!({"mtu": "big"}), "big"),
            (json!({"hostPrefix": "calico"}), "hostPrefix"),
            (json!({"vni": 1 << 24}), "vni"),
            (json!({"port": 0}), "port 0"),
            (json!({"port": 65536}), "65536"),
            (json!({"bridge": "a-name-that-is-too-long"}), "bridge"),
            (json!({"underlay": "a/b"}), "underlay"),
            (json!({"stateDir": "ovl"}), "stateDir"),
            (json!({"ipam": {}}), "ipam.type"),
        ] {
            let error = read(Kind::Vxlan, extra.clone()).unwrap_err();
            assert_eq!(error.code, Code::InvalidConfig, "{extra}");
            assert!(error.to_string().contains(told), "{extra}: {error}");
        }
    }
}
