//! What the links of an attachment are called, and how a link says whose it is.
//!
//! A link's name is short and may be wanted twice: a pod that is replaced keeps its name while the old
//! sandbox is still being torn down. So the name is never taken as proof. The host end of each veth pair
//! carries its whole attachment as its alias (`ip link` prints it), and nothing is deleted whose alias
//! names another one.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha1_smol::Sha1;

use crate::mac::Mac;
use crate::spec::args::Pod;
use crate::spec::{Attachment, Error, NetworkName};

/// Hexadecimal digits of a hash in a link name: Calico's number, so that names are Calico's too.
const DIGITS: usize = 11;
/// Octets of an alias without its NUL (`IFALIASZ`, linux/if.h).
const ALIAS_MAX: usize = 255;
/// What every alias of ours begins with.
const ALIAS_PREFIX: &str = "ovl:";
/// The interface that gets the pod's own name: the first one, which every runtime calls so.
pub(crate) const FIRST_INTERFACE: &str = "eth0";

/// One interface of one container on one network: what owns links, addresses and journal entries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The network.
    pub network: NetworkName,
    /// The container and its interface.
    #[serde(flatten)]
    pub attachment: Attachment,
}

/// The first letters of the host ends' names; 1 to 4 of `[a-z0-9]`, so that eleven digits fit behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPrefix(String);

impl Owner {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When together they are too long for a link alias.
    pub fn new(network: NetworkName, attachment: Attachment) -> Result<Self, Error> {
        let owner = Self {
            network,
            attachment,
        };
        let length = owner.alias().len();
        if length > ALIAS_MAX {
            return Err(Error::environment(format!(
                "the network's name and CNI_CONTAINERID are too long together: an attachment's label takes \
                 {length} octets of the {ALIAS_MAX} that a link alias holds"
            )));
        }
        Ok(owner)
    }

    /// What the host end carries as its alias.
    pub fn alias(&self) -> String {
        format!("{ALIAS_PREFIX}{self}")
    }

    /// Reads an alias; none if it is not one of ours.
    pub fn from_alias(alias: &str) -> Option<Self> {
        let mut parts = alias.strip_prefix(ALIAS_PREFIX)?.splitn(3, '/');
        Some(Self {
            network: parts.next()?.parse().ok()?,
            attachment: Attachment {
                container_id: parts.next()?.parse().ok()?,
                ifname: parts.next()?.parse().ok()?,
            },
        })
    }

    /// The name of the host end. Calico's rule for the first interface of a pod: the prefix and a
    /// hash of `NAMESPACE.POD`; for everything else [`unique_link`](Self::unique_link).
    pub fn pod_link(&self, prefix: &HostPrefix, pod: Option<&Pod>) -> String {
        match pod {
            Some(pod) if self.attachment.ifname.as_str() == FIRST_INTERFACE => {
                hashed(prefix, &format!("{}.{}", pod.namespace, pod.name))
            }
            _ => self.unique_link(prefix),
        }
    }

    /// A name for the host end that no other attachment has.
    pub fn unique_link(&self, prefix: &HostPrefix) -> String {
        hashed(prefix, &self.to_string())
    }

    /// The hardware address of the pod's end. It follows the pod's first address, not the pod: whoever
    /// still has the last holder of an address in its ARP table is right about the new one.
    pub fn pod_mac(&self, address: Option<IpAddr>) -> Mac {
        digest(&match address {
            Some(address) => format!("{} {address}", self.network),
            None => self.to_string(),
        })
    }

    /// The hardware address of the node's end where that is a bridge port, which needs one of its own.
    pub fn port_mac(&self) -> Mac {
        digest(&format!("{self} port"))
    }
}

/// The hardware address of a bridge that an ADD makes because no agent has. By it the bridge is known as
/// one that may be removed once it has no ports; an address is there from the first moment, where an alias
/// would have to be written after.
pub fn bridge_mac(node: &str, bridge: &str) -> Mac {
    digest(&format!("{node} {bridge} made by ADD"))
}

fn digest(seed: &str) -> Mac {
    let [a, b, c, d, e, f, ..] = Sha1::from(seed).digest().bytes();
    // Locally administered, and not a group address (IEEE 802-2014 §8.2.2).
    Mac([a & 0xfc | 0x02, b, c, d, e, f])
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.attachment)
    }
}

fn hashed(prefix: &HostPrefix, text: &str) -> String {
    let digest = Sha1::from(text).digest().to_string();
    let digits: String = digest.chars().take(DIGITS).collect();
    format!("{}{digits}", prefix.0)
}

impl HostPrefix {
    /// `cali`, as Calico has it.
    pub fn calico() -> Self {
        Self("cali".to_owned())
    }

    /// `veth`, as every bridge plugin has it.
    pub fn veth() -> Self {
        Self("veth".to_owned())
    }
}

impl FromStr for HostPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if (1..=4).contains(&text.len()) && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("hostPrefix {text:?} is not 1 to 4 of a-z and 0-9"))
        }
    }
}

impl TryFrom<String> for HostPrefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<HostPrefix> for String {
    fn from(prefix: HostPrefix) -> Self {
        prefix.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(container: &str, ifname: &str) -> Owner {
        let attachment = Attachment {
            container_id: container.parse().unwrap(),
            ifname: ifname.parse().unwrap(),
        };
        Owner::new("k8s-pod-network".parse().unwrap(), attachment).unwrap()
    }

    fn pod(name: &str) -> Pod {
        Pod {
            namespace: "default".into(),
            name: name.into(),
        }
    }

    #[test]
    fn the_first_interface_has_calicos_name() {
        for (name, link) in [
            ("pod", "cali9381c30abed"),
            ("pod1", "calice0906292e2"),
            ("pod2", "calibd2348b4f67"),
        ] {
            assert_eq!(
                owner("c", "eth0").pod_link(&HostPrefix::calico(), Some(&pod(name))),
                link
            );
        }
    }

    #[test]
    fn a_network_twice_in_a_pod_has_two_names() {
        let prefix = HostPrefix::calico();
        let names = [
            owner("c", "eth0").pod_link(&prefix, Some(&pod("pod1"))),
            owner("c", "net1").pod_link(&prefix, Some(&pod("pod1"))),
            owner("c", "net2").pod_link(&prefix, Some(&pod("pod1"))),
            owner("c", "eth0").pod_link(&prefix, None),
            owner("d", "eth0").pod_link(&prefix, None),
        ];
        for (at, name) in names.iter().enumerate() {
            assert_eq!(name.len(), 15);
            assert!(!names[..at].contains(name), "{name}");
        }
    }

    #[test]
    fn an_alias_says_whose_the_link_is() {
        let owner = owner("b7d2391320e07f97add7ccad2ad1a664", "eth0");
        assert_eq!(
            owner.alias(),
            "ovl:k8s-pod-network/b7d2391320e07f97add7ccad2ad1a664/eth0"
        );
        assert_eq!(Owner::from_alias(&owner.alias()), Some(owner));
        for foreign in ["", "ovl:", "ovl:a/b", "ovl:a/b/", "uplink to rack 7"] {
            assert_eq!(Owner::from_alias(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn names_too_long_for_an_alias_are_refused() {
        let attachment = Attachment {
            container_id: "c".repeat(240).parse().unwrap(),
            ifname: "eth0".parse().unwrap(),
        };
        assert!(Owner::new("k8s-pod-network".parse().unwrap(), attachment).is_err());
    }

    #[test]
    fn a_mac_follows_the_address() {
        let address = Some("10.46.0.8".parse().unwrap());
        let mac = owner("c", "eth0").pod_mac(address);
        assert_eq!(mac, owner("d", "net1").pod_mac(address));
        assert_ne!(
            mac,
            owner("c", "eth0").pod_mac(Some("10.46.0.9".parse().unwrap()))
        );
        assert_eq!(mac.0[0] & 0x03, 0x02);
    }

    #[test]
    fn prefixes_leave_room_for_the_digits() {
        for good in ["c", "cali", "veth", "p0"] {
            assert!(good.parse::<HostPrefix>().is_ok(), "{good}");
        }
        for bad in ["", "calic", "Cali", "a/b", "a b", "é"] {
            assert!(bad.parse::<HostPrefix>().is_err(), "{bad}");
        }
    }
}
