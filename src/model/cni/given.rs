//! What a cached result promises of a pod's interface.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::CachedResult;

/// An address that a plugin gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// The address, and how many leading bits are the network's.
    pub address: IpNet,
    /// The router that goes with it.
    pub gateway: Option<IpAddr>,
}

impl CachedResult {
    /// The addresses that were given for the interface, of any version of the protocol.
    pub fn given(&self) -> impl Iterator<Item = Given> + '_ {
        let new = list(&self.result, "ips")
            // Of a device on the node, such as a bridge, the result may tell too.
            .filter(|ip| self.is_inside(ip))
            .filter_map(|ip| given(ip.get("address")?, ip.get("gateway")));
        // CNI 0.2 and before.
        let old = ["ip4", "ip6"]
            .into_iter()
            .filter_map(|key| self.result.get(key))
            .filter_map(|ip| given(ip.get("ip")?, ip.get("gateway")));
        new.chain(old)
    }

    /// Whether an address is one in the pod: without a number for its interface it is.
    fn is_inside(&self, ip: &Value) -> bool {
        let Some(place) = ip.get("interface").and_then(Value::as_u64) else {
            return true;
        };
        list(&self.result, "interfaces")
            .nth(usize::try_from(place).unwrap_or(usize::MAX))
            .is_none_or(|interface| sandbox_of(interface).is_some())
    }

    /// The destinations of the routes that were given.
    pub fn routes(&self) -> impl Iterator<Item = IpNet> + '_ {
        let destination = |route: &Value| -> Option<IpNet> {
            let network: IpNet = route.get("dst")?.as_str()?.parse().ok()?;
            Some(network.trunc())
        };
        let old = ["ip4", "ip6"]
            .into_iter()
            .filter_map(|key| self.result.get(key))
            .flat_map(|ip| list(ip, "routes"));
        list(&self.result, "routes")
            .chain(old)
            .filter_map(destination)
    }

    /// The routers that were given, with the addresses or with the routes.
    pub fn routers(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let by_route = list(&self.result, "routes")
            .filter_map(|route| route.get("gw")?.as_str()?.parse().ok());
        self.given()
            .filter_map(|given| given.gateway)
            .chain(by_route)
    }

    /// The names of the devices that were made in the pod.
    pub fn inside(&self) -> impl Iterator<Item = &str> {
        list(&self.result, "interfaces")
            .filter(|interface| sandbox_of(interface).is_some())
            .filter_map(|interface| interface.get("name")?.as_str())
    }

    /// The names of the devices that were used or made on the node.
    pub fn outside(&self) -> impl Iterator<Item = &str> {
        list(&self.result, "interfaces")
            .filter(|interface| sandbox_of(interface).is_none())
            .filter_map(|interface| interface.get("name")?.as_str())
    }

    /// The bridges that the plugins join pods to, and whether each is to have the gateway's address.
    pub fn bridges(&self) -> Vec<(&str, bool)> {
        let mut found = Vec::new();
        match self.config.get("plugins").and_then(Value::as_array) {
            Some(plugins) => plugins
                .iter()
                .for_each(|plugin| bridges(plugin, &mut found)),
            None => bridges(&self.config, &mut found),
        }
        found
    }

    /// Whether the plugins give `bridge` the gateway's address.
    pub fn makes_gateway(&self, bridge: &str) -> bool {
        self.bridges().contains(&(bridge, true))
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn sandbox_of(interface: &Value) -> Option<&str> {
    interface
        .get("sandbox")?
        .as_str()
        .filter(|sandbox| !sandbox.is_empty())
}

fn given(address: &Value, gateway: Option<&Value>) -> Option<Given> {
    let text = address.as_str()?;
    let address = match text.parse() {
        Ok(address) => address,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    Some(Given {
        address,
        gateway: gateway
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok()),
    })
}

/// The bridges of one plugin. The keys and what they are when left out are those of the plugins' own documents.
fn bridges<'a>(plugin: &'a Value, found: &mut Vec<(&'a str, bool)>) {
    let flag = |value: &Value, key: &str| value.get(key).and_then(Value::as_bool);
    let name = |value: &'a Value| {
        value
            .get("bridge")
            .and_then(Value::as_str)
            .unwrap_or("cni0")
    };
    match plugin.get("type").and_then(Value::as_str) {
        Some("bridge") => {
            let gateway = ["isGateway", "isDefaultGateway"]
                .iter()
                .any(|key| flag(plugin, key) == Some(true));
            found.push((name(plugin), gateway));
        }
        Some("ovl-vxlan") => found.push((name(plugin), flag(plugin, "gateway").unwrap_or(true))),
        // It runs bridge with what is left out filled in (its own file of addresses says the rest).
        Some("flannel") => {
            let delegate = plugin.get("delegate").unwrap_or(&Value::Null);
            if delegate
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or("bridge")
                == "bridge"
            {
                let gateway = flag(delegate, "isGateway").unwrap_or(true)
                    || flag(delegate, "isDefaultGateway") == Some(true);
                found.push((name(delegate), gateway));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cached(config: Value, result: Value) -> CachedResult {
        CachedResult {
            path: String::new(),
            network: "net".to_owned(),
            container: "c".to_owned(),
            ifname: "eth0".to_owned(),
            netns: None,
            args: Vec::new(),
            config,
            result,
        }
    }

    #[test]
    fn what_is_inside_and_what_is_on_the_node() {
        let cached = cached(
            json!({"plugins": [{"type": "bridge", "bridge": "br1", "isGateway": true}, {"type": "portmap"}]}),
            json!({"cniVersion": "1.0.0",
                "interfaces": [{"name": "br1"}, {"name": "veth1", "sandbox": ""}, {"name": "eth0", "sandbox": "/run/netns/a"}],
                "ips": [{"address": "10.1.0.2/24", "gateway": "10.1.0.1", "interface": 2}, {"address": "10.1.0.1/24", "interface": 0}],
                "routes": [{"dst": "0.0.0.0/0"}, {"dst": "10.9.1.1/16", "gw": "10.1.0.1"}]}),
        );
        assert_eq!(cached.inside().collect::<Vec<_>>(), ["eth0"]);
        assert_eq!(cached.outside().collect::<Vec<_>>(), ["br1", "veth1"]);
        let given: Vec<_> = cached.given().collect();
        assert_eq!(given.len(), 1);
        assert_eq!(given[0].address, "10.1.0.2/24".parse().unwrap());
        assert_eq!(given[0].gateway, "10.1.0.1".parse().ok());
        let routes: Vec<_> = cached.routes().map(|route| route.to_string()).collect();
        assert_eq!(routes, ["0.0.0.0/0", "10.9.0.0/16"]);
        assert!(cached.makes_gateway("br1") && !cached.makes_gateway("cni0"));
    }

    #[test]
    fn older_results_and_what_plugins_do_when_not_told() {
        let old = cached(
            json!({"type": "bridge"}),
            json!({"cniVersion": "0.2.0", "ip4": {"ip": "10.1.0.2/24", "gateway": "10.1.0.1", "routes": [{"dst": "0.0.0.0/0"}]}}),
        );
        assert_eq!(old.given().count(), 1);
        assert_eq!(old.routes().count(), 1);
        assert_eq!(old.bridges(), [("cni0", false)]);
        let flannel = cached(
            json!({"plugins": [{"type": "flannel", "delegate": {"hairpinMode": true}}]}),
            Value::Null,
        );
        assert_eq!(flannel.bridges(), [("cni0", true)]);
        let ovl = cached(
            json!({"plugins": [{"type": "ovl-vxlan", "bridge": "weave"}]}),
            Value::Null,
        );
        assert_eq!(ovl.bridges(), [("weave", true)]);
    }
}
