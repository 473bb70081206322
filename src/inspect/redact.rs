//! A snapshot that may leave the house: names and addresses are replaced, each always by the same, so that
//! whatever hangs together still does.
//!
//! Devices whose names are made from a pod's (`cali9381c30abed`) keep their beginning, and get other digits.
//!
//! Addresses keep their network: two addresses that share their first bits share as many afterwards
//! (prefix-preserving), so that routes still cover what they covered. Special addresses (loopback,
//! link-local, multicast, unspecified) stay. So does what the kernel, Kubernetes and CNI name themselves.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use plugin_core::mac::Mac;
use serde_json::{Map, Value};

/// Replaces names and addresses. One of these for all documents that belong together.
#[derive(Debug)]
pub struct Redactor {
    seed: std::hash::RandomState,
    names: HashMap<(&'static str, String), String>,
    counts: HashMap<&'static str, usize>,
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new(std::hash::RandomState::new())
    }
}

/// Fields that hold a name, and what it is the name of.
const NAMED: [(&str, &str); 16] = [
    ("hostname", "node"),
    ("node", "node"),
    ("namespace", "namespace"),
    ("K8S_POD_NAMESPACE", "namespace"),
    ("K8S_POD_NAME", "pod"),
    ("K8S_POD_UID", "uid"),
    ("K8S_POD_INFRA_CONTAINER_ID", "id"),
    ("uid", "uid"),
    ("container", "id"),
    ("containerId", "id"),
    ("id", "id"),
    ("image", "image"),
    ("alias", "alias"),
    ("command", "command"),
    ("program", "program"),
    ("network", "network"),
];

/// Fields that are left out, as anything at all may stand in them.
const DROPPED: [&str; 9] = [
    "labels",
    "annotations",
    "content",
    "config",
    "kubeconfig",
    "args",
    "cniArgs",
    "comment",
    "reason",
];

/// With so many hexadecimal digits at its end a device's name is a hash or random.
const HASHED: usize = 8;

impl Redactor {
    fn new(seed: std::hash::RandomState) -> Self {
        Self {
            seed,
            names: HashMap::new(),
            counts: HashMap::new(),
        }
    }

    /// Replaces names and addresses in a node or bundle.
    pub fn redact(&mut self, document: &mut Value) {
        // The names of pods and nodes are learned first, since they stand inside of other texts too.
        self.learn(document);
        self.value(document, "", "");
    }

    fn learn(&mut self, value: &Value) {
        if let Value::Object(object) = value {
            if object.contains_key("kernel") {
                for key in ["name", "hostname"] {
                    self.remember(object, key, "node");
                }
            }
            if object.contains_key("mtu")
                && let Some(name) = object.get("name").and_then(Value::as_str)
            {
                self.remember_device(name);
            }
            if object.contains_key("host_network") {
                self.remember(object, "name", "pod");
                self.remember(object, "namespace", "namespace");
                self.remember(object, "id", "id");
            }
        }
        match value {
            Value::Object(object) => object.values().for_each(|value| self.learn(value)),
            Value::Array(values) => values.iter().for_each(|value| self.learn(value)),
            _ => {}
        }
    }

    /// The end of a device's name may be the hash of the pod's, from which that can be guessed.
    fn remember_device(&mut self, name: &str) {
        let digits = name
            .bytes()
            .rev()
            .take_while(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
            .count();
        if digits < HASHED {
            return;
        }
        // `cali` ends with no such digit, but the name may begin with some.
        let (prefix, hash) = name.split_at(name.len() - digits);
        let mut new = format!("{:016x}", self.hash(hash.as_bytes()));
        new.truncate(digits.min(16));
        self.names
            .insert(("device", name.to_owned()), format!("{prefix}{new}"));
    }

    fn remember(&mut self, object: &Map<String, Value>, key: &str, kind: &'static str) {
        if let Some(name) = object
            .get(key)
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty())
        {
            self.name(kind, name);
        }
    }

    /// `parent` is the field that holds the object in which `key` stands.
    fn value(&mut self, value: &mut Value, key: &str, parent: &str) {
        match value {
            Value::Object(object) => {
                for dropped in DROPPED {
                    // Words about a table's state are this program's own, with paths and names in them.
                    if let Some(held) = object.get_mut(dropped) {
                        *held = match held {
                            Value::String(_) => "redacted".into(),
                            Value::Array(_) => Value::Array(Vec::new()),
                            Value::Object(_) => Value::Object(Map::new()),
                            _ => Value::Null,
                        };
                    }
                }
                let is_sandbox = object.contains_key("host_network");
                let is_node = object.contains_key("kernel");
                let is_container = parent == "containers";
                for (name, inner) in object.iter_mut() {
                    if let Value::String(text) = inner {
                        let kind = match name.as_str() {
                            "name" if is_sandbox => Some("pod"),
                            "name" if is_node => Some("node"),
                            "name" if is_container => Some("container"),
                            "type" | "state" | "schema" => continue,
                            _ => NAMED
                                .iter()
                                .find(|(field, _)| field == name)
                                .map(|(_, kind)| *kind),
                        };
                        if let Some(kind) = kind
                            && !(name == "id" && text.len() < 12)
                        {
                            *text = self.name(kind, text);
                            continue;
                        }
                    }
                    self.value(inner, name, key);
                }
            }
            Value::Array(values) => {
                for value in values {
                    self.value(value, key, parent);
                }
            }
            Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }

    /// The name that stands for this one.
    fn name(&mut self, kind: &'static str, name: &str) -> String {
        // What every cluster has tells nothing.
        if name.is_empty() || (kind == "namespace" && ["default", "kube-system"].contains(&name)) {
            return name.to_owned();
        }
        if let Some(known) = self.names.get(&(kind, name.to_owned())) {
            return known.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let new = match kind {
            // Identifiers keep their form, so that their beginnings can still be typed.
            "id" => format!("{:064x}", 0xc0de_0000_u64 + *count as u64)
                .chars()
                .rev()
                .collect(),
            _ => format!("{kind}-{count}"),
        };
        self.names.insert((kind, name.to_owned()), new.clone());
        new
    }

    /// A text in which addresses and known names may stand.
    fn text(&mut self, text: &str) -> String {
        if let Ok(mac) = text.parse::<Mac>() {
            return self.mac(mac).to_string();
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return self.address(address).to_string();
        }
        if let Ok(net) = text.parse::<IpNet>() {
            return self.net(net).to_string();
        }
        // Paths, rules and the like: the parts between what cannot be in a name or an address.
        let mut new = String::with_capacity(text.len());
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_');
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let end = rest
                .find(|c| is_part(c) != is_part(first))
                .unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            if is_part(first) {
                new.push_str(&self.part(part));
            } else {
                new.push_str(part);
            }
            rest = after;
        }
        new
    }

    fn part(&mut self, part: &str) -> String {
        if let Ok(mac) = part.parse::<Mac>() {
            return self.mac(mac).to_string();
        }
        if let Ok(address) = part.parse::<IpAddr>() {
            return self.address(address).to_string();
        }
        // `10.0.0.1:80` of a DNAT rule.
        if let Some((address, port)) = part.rsplit_once(':')
            && let Ok(address) = address.parse::<Ipv4Addr>()
        {
            return format!("{}:{port}", self.address(address.into()));
        }
        let known = ["node", "pod", "namespace", "id", "uid", "device"]
            .into_iter()
            .find_map(|kind| self.names.get(&(kind, part.to_owned())).cloned());
        if let Some(known) = known {
            return known;
        }
        // `NETWORK-CONTAINERID-IFNAME`, `cri-containerd-ID.scope`, `net.ipv4.conf.DEVICE.rp_filter`
        let inside = self
            .names
            .iter()
            .find(|((kind, name), _)| {
                ["id", "device"].contains(kind) && part.contains(name.as_str())
            })
            .map(|((_, name), new)| (name.clone(), new.clone()));
        match inside {
            Some((name, new)) => part.replace(&name, &new),
            None => part.to_owned(),
        }
    }

    fn mac(&self, mac: Mac) -> Mac {
        // Everybody's, nobody's, groups, and Calico's fixed one tell nothing.
        if mac.is_multicast() || mac == Mac::ZERO || mac == Mac([0xee; 6]) {
            return mac;
        }
        let [a, b, c, d, e, ..] = self.hash(&mac.0).to_be_bytes();
        // Locally administered, not a group (IEEE 802-2014 §8.4).
        Mac([0x02, a, b, c, d, e])
    }

    fn address(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => {
                if address.is_loopback()
                    || address.is_link_local()
                    || address.is_multicast()
                    || address.is_unspecified()
                    || address.is_broadcast()
                {
                    return address.into();
                }
                // The first octet stays, so that private ranges stay private.
                Ipv4Addr::from(self.scramble(u128::from(address.to_bits()), 32, 8) as u32).into()
            }
            IpAddr::V6(address) => {
                if address.is_loopback() || address.is_multicast() || address.is_unspecified() {
                    return address.into();
                }
                // Link-local ones are made from MACs, so all but their prefix changes.
                Ipv6Addr::from(self.scramble(address.to_bits(), 128, 16)).into()
            }
        }
    }

    fn net(&self, net: IpNet) -> IpNet {
        if net.prefix_len() == 0 {
            return net;
        }
        let whole = self.address(net.addr());
        match IpNet::new(whole, net.prefix_len()) {
            // A network stays a network: nothing behind its prefix. An address with a prefix stays one.
            Ok(new) if net.trunc() == net => new.trunc(),
            Ok(new) => new,
            Err(_) => net,
        }
    }

    /// Flips each bit behind the first `kept` or not, as the bits before it decide.
    fn scramble(&self, bits: u128, width: u32, kept: u32) -> u128 {
        let mut new = bits;
        for place in kept..width {
            let shift = width - 1 - place;
            let before = bits >> shift >> 1;
            let mut input = before.to_be_bytes().to_vec();
            input.extend(place.to_be_bytes());
            new ^= u128::from(self.hash(&input) & 1) << shift;
        }
        new
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "schema": "ovl.node/v1", "kernel": "6.1", "name": "host01", "hostname": "host01",
            "sandboxes": {"state": "complete", "rows": [{
                "id": "b7d2391320e07f97add7ccad2ad1a664393348f1dcb6f803f701318999ed0295",
                "namespace": "shop", "name": "checkout", "host_network": false,
                "labels": {"secret": "yes"}, "addresses": ["172.31.239.205"]
            }]},
            "namespaces": [{
                "addresses": {"state": "complete", "rows": [{"address": "172.31.239.205", "prefix_len": 32}]},
                "routes": {"rows": [{"destination": "172.31.239.192/26"}, {"destination": "0.0.0.0/0"}]},
                "links": {"rows": [{"name": "eth0", "mac": "f2:ed:e8:04:00:cc", "kind": {"type": "veth"}},
                                   {"name": "cali9381c30abed", "mtu": 1450, "mac": "ee:ee:ee:ee:ee:ee"}]}
            }],
            "rule": "-A FORWARD -i cali9381c30abed -j ACCEPT",
            "sysctl": "net.ipv4.conf.cali9381c30abed.rp_filter",
            "cni": {"results": {"rows": [{"path":
                "/var/lib/cni/results/net-b7d2391320e07f97add7ccad2ad1a664393348f1dcb6f803f701318999ed0295-eth0"}]}}
        })
    }

    #[test]
    fn nothing_is_left_and_all_still_hangs_together() {
        let mut redacted = document();
        Redactor::default().redact(&mut redacted);
        let text = redacted.to_string();
        for gone in [
            "host01",
            "checkout",
            "shop",
            "secret",
            "172.31.239",
            "f2:ed",
            "b7d2391320e0",
            "9381c30abed",
        ] {
            assert!(!text.contains(gone), "{gone} is still in {text}");
        }
        let pod = &redacted["sandboxes"]["rows"][0];
        let address = pod["addresses"][0].as_str().unwrap();
        let netns = &redacted["namespaces"][0];
        assert_eq!(netns["addresses"]["rows"][0]["address"], address);
        let block: IpNet = netns["routes"]["rows"][0]["destination"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(
            block.contains(&address.parse::<IpAddr>().unwrap()),
            "{block} {address}"
        );
        assert_eq!(netns["routes"]["rows"][1]["destination"], "0.0.0.0/0");
        assert_eq!(netns["links"]["rows"][1]["mac"], "ee:ee:ee:ee:ee:ee");
        let device = netns["links"]["rows"][1]["name"].as_str().unwrap();
        assert!(device.starts_with("cali") && device.len() == 15, "{device}");
        for place in ["rule", "sysctl"] {
            assert!(redacted[place].as_str().unwrap().contains(device));
        }
        assert_eq!(netns["links"]["rows"][0]["kind"]["type"], "veth");
        let id = pod["id"].as_str().unwrap();
        assert_eq!(id.len(), 64);
        assert!(
            redacted["cni"]["results"]["rows"][0]["path"]
                .as_str()
                .unwrap()
                .contains(id)
        );
    }

    #[test]
    fn the_same_becomes_the_same() {
        let mut redactor = Redactor::default();
        let mut both = [document(), document()];
        for document in &mut both {
            redactor.redact(document);
        }
        assert_eq!(both[0], both[1]);
    }
}
