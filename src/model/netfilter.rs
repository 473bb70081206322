//! Packet filters and address translation, as the programs that own them print them.

mod service;

use serde::{Deserialize, Serialize};

pub use self::service::ServiceAddress;

use super::rule::Family;
use super::table::{Reading, Table};

/// Everything netfilter does in one namespace.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Netfilter {
    /// The rule set as `nft -j list ruleset` prints it (`nftables` array of `libnftables-json(5)`). Rules
    /// made by iptables-nft are in it too, but without their matches; those are in `iptables`.
    pub nft: Table<serde_json::Value>,
    /// iptables tables of both backends and families, with counters.
    pub iptables: Vec<Iptables>,
    /// Sets that iptables rules refer to (`ipset`).
    pub ipsets: Table<IpSet>,
}

/// What one backend of iptables holds for one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Iptables {
    /// Which backend.
    pub backend: Backend,
    /// Which family.
    pub family: Family,
    /// Its tables.
    pub tables: Table<IptablesTable>,
}

/// The kernel interface below an iptables program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// nf_tables.
    Nft,
    /// ip_tables.
    Legacy,
}

/// One iptables table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IptablesTable {
    /// `raw`, `mangle`, `nat`, `filter` or `security`.
    pub name: String,
    /// Its chains, in the order of the program.
    pub chains: Vec<Chain>,
}

impl IptablesTable {
    /// The chain of that name.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
    }
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// What happens at its end, for a chain that belongs to a hook: `ACCEPT` or `DROP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Packets that met the policy.
    pub packets: u64,
    /// Octets of those.
    pub bytes: u64,
    /// Its rules, in order.
    pub rules: Vec<IptablesRule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IptablesRule {
    /// Its words as `iptables-save` prints them, without `-A CHAIN`; quotes are resolved.
    pub words: Vec<String>,
    /// Packets that matched.
    pub packets: u64,
    /// Octets of those.
    pub bytes: u64,
}

impl IptablesRule {
    /// The word behind `word`, for an option with one value.
    pub fn value(&self, word: &str) -> Option<&str> {
        let at = self.words.iter().position(|other| other == word)?;
        self.words.get(at + 1).map(String::as_str)
    }

    /// The words as one could type them.
    pub fn text(&self) -> String {
        let words: Vec<_> = self
            .words
            .iter()
            .map(|word| {
                // What a shell would take for something else, inside of quotes too.
                let special = [
                    ' ', '"', '\'', '\\', '|', '&', ';', '<', '>', '(', ')', '$', '`', '*', '?',
                ];
                if word.is_empty() || word.contains(special) {
                    let mut quoted = String::from('"');
                    for letter in word.chars() {
                        if matches!(letter, '"' | '\\' | '$' | '`') {
                            quoted.push('\\');
                        }
                        quoted.push(letter);
                    }
                    quoted.push('"');
                    quoted
                } else {
                    word.clone()
                }
            })
            .collect();
        words.join(" ")
    }
}

/// One ipset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IpSet {
    /// Its name.
    pub name: String,
    /// `hash:ip`, `hash:net`, `hash:ip,port`, `list:set` …
    pub kind: String,
    /// Its members in `ipset save` notation: `10.0.0.1`, `10.0.0.0/24`, `10.0.0.1,tcp:80`; members that
    /// are not decoded make it unavailable.
    pub members: Reading<Vec<String>>,
}
