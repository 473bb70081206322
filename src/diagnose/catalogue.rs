//! Everything that can be found to be wrong, each kind with a name that stays, for scripts and `ovl explain`.
//!
//! Data only: one file a family. A finding that is not here does not exist; a test holds that.

mod address;
mod device;
mod forwarding;
mod gateway;
mod mtu;
mod netfilter;
mod node;
mod route;
mod service;
mod underlay;
mod vxlan;

use serde::Serialize;

use super::Severity;

/// One kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    pub id: &'static str,
    /// How bad it is. Some are milder until something is lost.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What the kernel does, and so why packets are lost.
    pub mechanism: &'static str,
    /// How to see it by hand. Words in capitals stand for names and addresses.
    pub show: &'static str,
    /// How to mend it.
    pub fix: &'static str,
}

/// Kinds that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Its kinds.
    pub entries: &'static [Entry],
}

/// All families.
pub const FAMILIES: &[Family] = &[
    route::FAMILY,
    gateway::FAMILY,
    device::FAMILY,
    address::FAMILY,
    forwarding::FAMILY,
    netfilter::FAMILY,
    vxlan::FAMILY,
    underlay::FAMILY,
    mtu::FAMILY,
    service::FAMILY,
    node::FAMILY,
];

/// All kinds.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().flat_map(|family| family.entries)
}

/// The kind of that name.
pub fn find(id: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.id == id)
}

/// The family of a kind.
pub fn family_of(id: &str) -> Option<&'static Family> {
    FAMILIES
        .iter()
        .find(|family| family.entries.iter().any(|entry| entry.id == id))
}

/// The kinds whose names are nearest to a mistyped one, at most three.
pub fn similar(id: &str) -> Vec<&'static str> {
    let parts: Vec<&str> = id.split('-').filter(|part| part.len() > 2).collect();
    let shared = |entry: &Entry| {
        parts
            .iter()
            .filter(|part| entry.id.split('-').any(|own| own == **part))
            .count()
    };
    let mut found: Vec<_> = all()
        .map(|entry| (shared(entry), entry.id))
        .filter(|(count, _)| *count > 0)
        .collect();
    found.sort_by_key(|(count, id)| (std::cmp::Reverse(*count), *id));
    found.into_iter().take(3).map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_kind_is_there_once_and_says_everything() {
        let mut seen = HashSet::new();
        for entry in all() {
            assert!(seen.insert(entry.id), "{} twice", entry.id);
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(entry.id.chars().all(kebab), "{}", entry.id);
            assert!(
                !entry.title.is_empty() && !entry.title.ends_with('.'),
                "{}",
                entry.id
            );
            for text in [entry.mechanism, entry.show, entry.fix] {
                assert!(text.len() >= 8, "{}: {text:?}", entry.id);
            }
            assert!(entry.mechanism.ends_with('.'), "{}", entry.id);
        }
    }

    #[test]
    fn a_mistyped_name_is_guessed() {
        assert!(similar("stale-fdb").contains(&"fdb-entry-stale"));
        assert!(similar("xyz").is_empty());
    }
}
