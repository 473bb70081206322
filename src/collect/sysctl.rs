//! Settings of the kernel that forwarding depends on, from `/proc/sys/net`.
//!
//! The files show the network namespace of the thread that opens them. Settings of single devices come
//! with the devices and are not read here, but `all` and `default` are.
//!
//! Below `/proc/sys/net` each namespace has directories of its own under the same names, and the kernel finds the
//! right one of those that anybody has looked at by asking each (`fs/proc/proc_sysctl.c`, `proc_sys_compare`). With
//! hundreds of namespaces that costs more than all else, so it is done once a directory, not once a file.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};

use crate::model::netns::Sysctl;
use crate::model::{State, Table};

/// More than any of these settings has.
const LONGEST: usize = 256;

/// Settings of every namespace, by directory.
const NAMES: [(&str, &[&str]); 6] = [
    (
        "ipv4",
        &[
            "ip_forward",
            "ip_default_ttl",
            "ip_forward_use_pmtu",
            "ip_no_pmtu_disc",
            "ip_nonlocal_bind",
            "ip_local_port_range",
            "icmp_echo_ignore_all",
            "icmp_ratelimit",
            "icmp_ratemask",
            "fwmark_reflect",
            "fib_multipath_hash_policy",
            "fib_multipath_use_neigh",
            "tcp_mtu_probing",
            "tcp_l3mdev_accept",
            "udp_l3mdev_accept",
            "conf/default/forwarding",
            "conf/default/rp_filter",
            "conf/default/proxy_arp",
            "neigh/default/gc_thresh1",
            "neigh/default/gc_thresh2",
            "neigh/default/gc_thresh3",
        ],
    ),
    (
        "ipv4/conf/all",
        &[
            "forwarding",
            "rp_filter",
            "proxy_arp",
            "accept_local",
            "route_localnet",
            "arp_ignore",
            "arp_announce",
            "arp_filter",
            "src_valid_mark",
            "send_redirects",
            "log_martians",
            "bc_forwarding",
        ],
    ),
    (
        "ipv6/conf/all",
        &["forwarding", "disable_ipv6", "proxy_ndp", "accept_ra"],
    ),
    (
        "ipv6",
        &[
            "conf/default/forwarding",
            "conf/default/disable_ipv6",
            "neigh/default/gc_thresh3",
            "bindv6only",
            "icmp/echo_ignore_all",
        ],
    ),
    (
        "bridge",
        &[
            "bridge-nf-call-iptables",
            "bridge-nf-call-ip6tables",
            "bridge-nf-filter-vlan-tagged",
        ],
    ),
    (
        "netfilter",
        &[
            "nf_conntrack_max",
            "nf_conntrack_count",
            "nf_conntrack_buckets",
            "nf_conntrack_tcp_be_liberal",
        ],
    ),
];

/// The settings of the calling thread's namespace. One that the kernel does not have is left out.
pub(super) fn read() -> Table<Sysctl> {
    read_those(|_, _| true)
}

/// Those that count for every device, beside its own.
pub(super) fn read_of_all_devices() -> Table<Sysctl> {
    only(
        read_those(|directory, _| directory.ends_with("/conf/all")),
        "of all devices",
    )
}

/// Those of connection tracking.
pub(super) fn read_of_conntrack() -> Table<Sysctl> {
    only(
        read_those(|_, file| file.starts_with("nf_conntrack_")),
        "of connection tracking",
    )
}

fn only(table: Table<Sysctl>, what: &str) -> Table<Sysctl> {
    match table.state {
        State::Complete => Table::partial(table.rows, format!("only those {what} were read")),
        _ => table,
    }
}

fn read_those(wanted: impl Fn(&str, &str) -> bool) -> Table<Sysctl> {
    let mut rows = Vec::new();
    for (name, files) in NAMES {
        let files = files.iter().filter(|file| wanted(name, file));
        if files.clone().next().is_none() {
            continue;
        }
        let directory = match Directory::open(name) {
            Ok(directory) => directory,
            // Without the protocol or the module there are no settings of it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Table::unavailable(format!("cannot read net/{name}: {error}")),
        };
        for file in files {
            match directory.read(file) {
                Ok(text) => rows.push(Sysctl {
                    name: format!("net.{name}.{file}").replace('/', "."),
                    value: text.split_whitespace().collect::<Vec<_>>().join(" "),
                }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // A few settings are the root user's; the others can still be read.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => {
                    return Table::unavailable(format!("cannot read net/{name}/{file}: {error}"));
                }
            }
        }
    }
    if rows.is_empty() {
        Table::unavailable("there is no /proc/sys/net")
    } else {
        Table::complete(rows)
    }
}

/// One of the directories below `/proc/sys/net`, of the namespace of the thread that opened it.
struct Directory(OwnedFd);

impl Directory {
    fn open(name: &str) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = format!("/proc/sys/net/{name}");
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// What stands in a file. One read brings it whole: the kernel makes the text anew for each, and gives as much of
    /// it as there is room for.
    fn read(&self, file: &str) -> io::Result<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, file, flags, Mode::empty())?;
        let mut text = vec![0; LONGEST];
        let length = rustix::io::read(&file, &mut text)?;
        text.truncate(length);
        String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_stands_there() {
        let table = read();
        assert!(table.is_complete());
        for row in &table {
            let path = format!("/proc/sys/{}", row.name.replace('.', "/"));
            let text = std::fs::read_to_string(path).unwrap();
            let words: Vec<_> = text.split_whitespace().collect();
            // Connections come and go meanwhile.
            if row.name != "net.netfilter.nf_conntrack_count" {
                assert_eq!(row.value, words.join(" "), "{}", row.name);
            }
        }
        let some = read_of_all_devices();
        assert_eq!(some.state, State::Partial);
        assert!(some.rows.len() < table.rows.len());
        assert!(
            some.iter()
                .any(|row| row.name == "net.ipv4.conf.all.rp_filter")
        );
        assert!(some.iter().all(|row| table.rows.contains(row)));
    }
}
