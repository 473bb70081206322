//! Our one nftables table: what leaves the pools takes the node's address, everything else keeps its own.
//!
//! nft's documented programming interface is its JSON (`libnftables-json(5)`); this module speaks that
//! and knows nothing of running the program.

use ipnet::IpNet;
use serde_json::{Value, json};

/// The table of one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masquerade {
    /// Its name; the family is `inet`.
    pub table: String,
    /// What the kernel holds, or should: chains and rules without handles and counters.
    rules: Vec<Value>,
}

impl Masquerade {
    /// The name of the table of `network`.
    pub fn table_of(network: &str) -> String {
        format!("ovl-{network}")
    }

    /// The table for `network` with these pools.
    pub fn new(network: &str, pools: impl IntoIterator<Item = IpNet>) -> Self {
        let table = Self::table_of(network);
        let mut rules = vec![json!({"chain": {
            "family": "inet", "table": table, "name": "postrouting",
            "type": "nat", "hook": "postrouting", "prio": 100, "policy": "accept",
        }})];
        for pool in pools {
            rules.push(json!({"rule": {
                "family": "inet", "table": table, "chain": "postrouting",
                "expr": [
                    prefix_match("==", "saddr", pool),
                    prefix_match("!=", "daddr", pool),
                    {"masquerade": {"flags": "fully-random"}},
                ],
            }}));
        }
        Self { table, rules }
    }

    /// The input of `nft -j -f -` that puts the table in place of whatever is there, in one transaction.
    pub fn install(&self) -> Value {
        let table = json!({"table": {"family": "inet", "name": self.table}});
        let mut commands = vec![
            // Deleting what is not there is an error, so it is made sure to be there first.
            json!({"add": table}),
            json!({"delete": table}),
            json!({"add": table}),
        ];
        commands.extend(self.rules.iter().map(|rule| json!({"add": rule})));
        json!({"nftables": commands})
    }

    /// The input of `nft -j -f -` that takes the table away.
    pub fn remove(table: &str) -> Value {
        let table = json!({"table": {"family": "inet", "name": table}});
        json!({"nftables": [{"add": table}, {"delete": table}]})
    }

    /// The table as `nft -j list table inet TABLE` prints it; `None` when the text is not that.
    pub fn from_listing(table: &str, listing: &Value) -> Option<Self> {
        let mut rules = Vec::new();
        for item in listing.get("nftables")?.as_array()? {
            let mut item = item.clone();
            let object = item.as_object_mut()?;
            if object.contains_key("metainfo") || object.contains_key("table") {
                continue;
            }
            for value in object.values_mut() {
                if let Some(fields) = value.as_object_mut() {
                    fields.remove("handle");
                }
            }
            rules.push(item);
        }
        Some(Self {
            table: table.to_owned(),
            rules,
        })
    }
}

fn prefix_match(op: &str, field: &str, net: IpNet) -> Value {
    let protocol = match net {
        IpNet::V4(_) => "ip",
        IpNet::V6(_) => "ip6",
    };
    // nft prints a prefix of full length as an address, and what it prints is what we compare.
    let right = if net.prefix_len() == net.max_prefix_len() {
        json!(net.addr().to_string())
    } else {
        json!({"prefix": {"addr": net.addr().to_string(), "len": net.prefix_len()}})
    };
    json!({"match": {
        "op": op,
        "left": {"payload": {"protocol": protocol, "field": field}},
        "right": right,
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_of_what_was_installed_is_equal_to_it() {
        let wanted = Masquerade::new("pods", ["172.31.0.0/16".parse().unwrap()]);
        // What nft 1.0.6 prints for it, with handles and in its own order of keys.
        let listing = json!({"nftables": [
            {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
            {"table": {"family": "inet", "name": "ovl-pods", "handle": 1}},
            {"chain": {"family": "inet", "table": "ovl-pods", "name": "postrouting", "handle": 1,
                "type": "nat", "hook": "postrouting", "prio": 100, "policy": "accept"}},
            {"rule": {"family": "inet", "table": "ovl-pods", "chain": "postrouting", "handle": 2,
                "expr": [
                {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
                    "right": {"prefix": {"addr": "172.31.0.0", "len": 16}}}},
                {"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "daddr"}},
                    "right": {"prefix": {"addr": "172.31.0.0", "len": 16}}}},
                {"masquerade": {"flags": "fully-random"}}]}},
        ]});
        assert_eq!(
            Masquerade::from_listing("ovl-pods", &listing),
            Some(wanted.clone())
        );
        let mut without = listing;
        without["nftables"].as_array_mut().unwrap().pop();
        assert_ne!(Masquerade::from_listing("ovl-pods", &without), Some(wanted));
    }
}
