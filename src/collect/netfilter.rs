//! Packet filters: what `nft` and the iptables programs say, and ipsets.
//!
//! The programs are run only where the kernel says that there is something for them to print, so that a
//! node with hundreds of empty pod namespaces does not start hundreds of programs.

mod ipset;
mod save;

use std::path::Path;
use std::time::Duration;

use plugin_core::netlink::Socket;

use super::program;
use super::rtnetlink::{Message, table};
use crate::model::netfilter::{Backend, Iptables, Netfilter};
use crate::model::rule::Family;
use crate::model::{State, Table};

/// `NETLINK_NETFILTER`.
pub(super) const PROTOCOL: isize = 12;
/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE`.
const GET_TABLE: u16 = 10 << 8 | 1;
const NFTA_TABLE_NAME: u16 = 1;
/// `struct nfgenmsg`: family, version, resource.
const HEADER: usize = 4;

/// How long one of the programs may take.
const PROGRAM_TIME: Duration = Duration::from_secs(10);

/// Reads everything in the namespace of the calling thread, which the programs inherit.
pub(super) fn read() -> Netfilter {
    let (nft_tables, ipsets) = match Socket::open_protocol(PROTOCOL) {
        Ok(mut socket) => {
            let tables = table(
                &mut socket,
                &Message::new(GET_TABLE, [0; HEADER]),
                |payload| {
                    let name = super::attributes::Attributes::behind(payload, HEADER)
                        .get(NFTA_TABLE_NAME)?;
                    Some((*payload.first()?, name.text()))
                },
            );
            (tables, ipset::read(&mut socket))
        }
        Err(error) => (
            Table::unavailable(error.to_string()),
            Table::unavailable(error.to_string()),
        ),
    };
    Netfilter {
        nft: nft(&nft_tables),
        iptables: [Family::Inet, Family::Inet6]
            .into_iter()
            .flat_map(|family| [iptables_nft(family, &nft_tables), iptables_legacy(family)])
            .collect(),
        ipsets,
    }
}

/// Whether a table was read and is empty: then there is nothing to ask a program for.
fn is_known_empty<T>(table: &Table<T>) -> bool {
    table.state == State::Complete && table.rows.is_empty()
}

fn nft(tables: &Table<(u8, String)>) -> Table<serde_json::Value> {
    if is_known_empty(tables) {
        return Table::complete(Vec::new());
    }
    let text = match program::output(&["nft"], &["-j", "list", "ruleset"], PROGRAM_TIME) {
        Ok(text) => text,
        Err(error) => return Table::unavailable(error.to_string()),
    };
    #[derive(serde::Deserialize)]
    struct Ruleset {
        nftables: Vec<serde_json::Value>,
    }
    match serde_json::from_str::<Ruleset>(&text) {
        Ok(ruleset) => Table::complete(ruleset.nftables),
        Err(error) => {
            Table::unavailable(format!("nft printed something else than its JSON: {error}"))
        }
    }
}

/// Tables of iptables-nft are ordinary nft tables of these names.
const NAMES: [&str; 5] = ["raw", "mangle", "nat", "filter", "security"];

fn iptables_nft(family: Family, tables: &Table<(u8, String)>) -> Iptables {
    // NFPROTO_IPV4 and NFPROTO_IPV6.
    let number = match family {
        Family::Inet => 2,
        Family::Inet6 => 10,
    };
    let nothing = tables.state == State::Complete
        && !tables
            .iter()
            .any(|(family, name)| *family == number && NAMES.contains(&name.as_str()));
    Iptables {
        backend: Backend::Nft,
        family,
        tables: if nothing {
            Table::complete(Vec::new())
        } else {
            let programs: &[&str] = match family {
                Family::Inet => &["iptables-nft-save", "iptables-save"],
                Family::Inet6 => &["ip6tables-nft-save", "ip6tables-save"],
            };
            saved(programs, Backend::Nft)
        },
    }
}

fn iptables_legacy(family: Family) -> Iptables {
    let (list, programs): (_, &[&str]) = match family {
        Family::Inet => (
            "ip_tables_names",
            &["iptables-legacy-save", "iptables-save"],
        ),
        Family::Inet6 => (
            "ip6_tables_names",
            &["ip6tables-legacy-save", "ip6tables-save"],
        ),
    };
    // The file lists the tables in use; without the module there is no file, and no table either.
    let path = Path::new("/proc/thread-self/net").join(list);
    let tables = match std::fs::read_to_string(&path) {
        Ok(names) if names.trim().is_empty() => Table::complete(Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Table::complete(Vec::new()),
        Ok(_) => saved(programs, Backend::Legacy),
        Err(error) => Table::unavailable(format!("cannot read {}: {error}", path.display())),
    };
    Iptables {
        backend: Backend::Legacy,
        family,
        tables,
    }
}

/// Runs the first of `programs` that is there and works on `backend`.
fn saved(programs: &[&str], backend: Backend) -> Table<crate::model::netfilter::IptablesTable> {
    match program::output(programs, &["-c"], PROGRAM_TIME) {
        // iptables-save without the backend in its name says in its first line which one it is.
        Ok(text) => match save::backend(&text) {
            Some(found) if found != backend => Table::unavailable(format!(
                "there is no {} here",
                programs.first().unwrap_or(&"iptables-save")
            )),
            _ => save::parse(&text),
        },
        Err(error) => Table::unavailable(error.to_string()),
    }
}
