//! What changed in a network namespace: devices, addresses, routes, neighbours and the like.

use super::{ChangeKind, Comparison, fields, named};
use crate::model::route::Protocol;
use crate::model::{Link, Netns, Table, TableId, notation};

/// What a forwarding entry is known by: device, MAC, VLAN and tunnel end.
type FdbKey = (
    String,
    plugin_core::mac::Mac,
    Option<u16>,
    Option<std::net::IpAddr>,
);

impl Comparison<'_> {
    pub(super) fn namespaces(&mut self, old: &Netns, new: &Netns) {
        self.table(
            "link",
            &old.links,
            &new.links,
            |link| link.name.clone(),
            |link| format!("device {}", link.name),
            |diff, a, b| diff.links(old, new, a, b),
        );
        let name = |netns: &Netns, index| netns.device_name(index);
        let addressed = |netns: &Netns| {
            named(&netns.addresses, |row| {
                (name(netns, row.device), notation::address(row))
            })
        };
        self.table(
            "address",
            &addressed(old),
            &addressed(new),
            Clone::clone,
            |(device, address)| format!("address {address} dev {device}"),
            |_, _, _| {},
        );
        // A route is known by what it is for; where it leads may change.
        let routed = |netns: &Netns| {
            let all = named(&netns.routes, |row| {
                (
                    (row.table, row.destination.to_string(), row.metric, row.tos),
                    notation::route(row, netns),
                    row.protocol,
                )
            });
            // The kernel keeps the local table by itself, as addresses come and go.
            kept(all, |((table, ..), _, protocol)| {
                *table != TableId::LOCAL || *protocol != Protocol::KERNEL
            })
        };
        self.table(
            "route",
            &routed(old),
            &routed(new),
            |(key, _, _)| key.clone(),
            |(_, text, _)| format!("route {text}"),
            |diff, (_, a, _), (_, b, _)| {
                if a != b {
                    diff.change("route", ChangeKind::Changed, format!("route {a} → {b}"));
                }
            },
        );
        let ruled = |netns: &Netns| named(&netns.rules, |row| (row.family, notation::rule(row)));
        self.table(
            "rule",
            &ruled(old),
            &ruled(new),
            Clone::clone,
            |(_, text)| format!("rule {text}"),
            |_, _, _| {},
        );
        self.neighbours(old, new);
        let forwarded = |netns: &Netns| {
            named(&netns.fdb, |row| {
                (
                    (name(netns, row.device), row.mac, row.vlan, row.dst),
                    notation::fdb(row, netns),
                    row.is_learned(),
                )
            })
        };
        let (a, b) = (forwarded(old), forwarded(new));
        // What a bridge learns comes and goes by itself, and so do the groups a device listens to.
        let lasting = |table| {
            kept(table, |row: &(FdbKey, String, bool)| {
                let is_group = row.0.1.is_multicast() && row.0.3.is_none();
                !(row.2 || is_group)
            })
        };
        self.table(
            "fdb",
            &lasting(a),
            &lasting(b),
            |row| row.0.clone(),
            |row| format!("fdb {}", row.1),
            |_, _, _| {},
        );
        self.table(
            "sysctl",
            &old.sysctls,
            &new.sysctls,
            |row| row.name.clone(),
            |row| format!("sysctl {} = {}", row.name, row.value),
            |diff, a, b| {
                // A count is not a setting.
                if a.value != b.value
                    && !b.name.ends_with("_count")
                    && !(b.name.ends_with(".forwarding") && switched(old, new))
                {
                    diff.changed(
                        "sysctl",
                        format!("sysctl {}", b.name),
                        "",
                        &a.value,
                        &b.value,
                    );
                }
            },
        );
        self.netfilter(old, new);
    }

    fn links(&mut self, old: &Netns, new: &Netns, a: &Link, b: &Link) {
        let device = format!("device {}", b.name);
        if a.index != b.index {
            self.change(
                "link",
                ChangeKind::Changed,
                format!("{device} was made anew (index {} → {})", a.index, b.index),
            );
        }
        if a.kind.name() != b.kind.name() {
            self.changed("link", &device, "kind", a.kind.name(), b.kind.name());
        } else if a.kind != b.kind {
            for (field, was, is) in fields(&a.kind, &b.kind) {
                // What a bridge has learned is no setting.
                if field != "learned" {
                    self.changed("link", &device, &field, was, is);
                }
            }
        }
        if a.mtu != b.mtu {
            self.changed("link", &device, "MTU", a.mtu, b.mtu);
        }
        if a.mac != b.mac {
            let text = |mac: Option<plugin_core::mac::Mac>| {
                mac.map_or_else(|| "none".to_owned(), |mac| mac.to_string())
            };
            self.changed("link", &device, "MAC", text(a.mac), text(b.mac));
        }
        if a.is_up() != b.is_up() {
            let word = |link: &Link| if link.is_up() { "up" } else { "down" };
            self.changed("link", &device, "is", word(a), word(b));
        } else if a.is_running() != b.is_running() {
            let word = |link: &Link| {
                if link.is_running() {
                    "has a carrier"
                } else {
                    "has no carrier"
                }
            };
            self.changed("link", &device, "", word(a), word(b));
        }
        let master = |netns: &Netns, link: &Link| {
            link.master
                .map_or_else(|| "none".to_owned(), |index| netns.device_name(index))
        };
        let (was, is) = (master(old, a), master(new, b));
        if was != is {
            self.changed("link", &device, "master", was, is);
        }
        if let (Some(was), Some(is)) = (a.bridge_port(), b.bridge_port())
            && was != is
        {
            for (field, was, is) in fields(was, is) {
                self.changed("link", &device, &format!("port {field}"), was, is);
            }
        }
        for (family, differences) in [
            ("ipv4", a.inet.zip(b.inet).map(|(a, b)| fields(&a, &b))),
            ("ipv6", a.inet6.zip(b.inet6).map(|(a, b)| fields(&a, &b))),
        ] {
            for (field, was, is) in differences.unwrap_or_default() {
                // The node's switch turns those of all devices.
                if field == "forwarding" && switched(old, new) {
                    continue;
                }
                self.changed("link", &device, &format!("{family} {field}"), was, is);
            }
        }
        if let (Some(was), Some(is)) = (&a.features, &b.features) {
            for gone in was.iter().filter(|name| !is.contains(name)) {
                self.changed("link", &device, gone, "on", "off");
            }
            for come in is.iter().filter(|name| !was.contains(name)) {
                self.changed("link", &device, come, "off", "on");
            }
        }
    }

    fn neighbours(&mut self, old: &Netns, new: &Netns) {
        let table = |netns: &Netns| {
            named(&netns.neighbours, |row| {
                let fixed =
                    row.proxy || row.state == crate::model::neighbour::NeighbourState::Permanent;
                (
                    (netns.device_name(row.device), row.address, row.proxy),
                    row.mac,
                    fixed,
                    notation::neighbour(row, netns),
                )
            })
        };
        let (old, new) = (table(old), table(new));
        // Learned entries come and go; only one that says something else than before is news.
        for (key, mac, _, _) in &new.rows {
            let before = old
                .rows
                .iter()
                .find(|(other, ..)| other == key)
                .and_then(|(_, mac, ..)| *mac);
            if let (Some(before), Some(now)) = (before, *mac)
                && before != now
            {
                self.changed(
                    "neighbour",
                    format!("neighbour {} dev {}", key.1, key.0),
                    "MAC",
                    before,
                    now,
                );
            }
        }
        let fixed = |table| kept(table, |row: &(_, _, bool, String)| row.2);
        self.table(
            "neighbour",
            &fixed(old),
            &fixed(new),
            |row| row.0.clone(),
            |row| format!("neighbour {}", row.3),
            |_, _, _| {},
        );
    }
}

/// Whether the node's forwarding was switched.
fn switched(old: &Netns, new: &Netns) -> bool {
    ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]
        .iter()
        .any(|name| old.sysctl(name) != new.sysctl(name))
}

/// The rows that `keep` keeps.
fn kept<T>(mut table: Table<T>, keep: impl FnMut(&T) -> bool) -> Table<T> {
    table.rows.retain(keep);
    table
}
