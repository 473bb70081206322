//! What the kernel counts, from `/proc/net` of the calling thread's namespace.

use std::io;

use super::proc_file;
use crate::model::counters::{Conntrack, Counters, Softnet};
use crate::model::netns::Sysctl;
use crate::model::{Reading, Table};

fn file(name: &str) -> io::Result<String> {
    let path = format!("/proc/thread-self/net/{name}");
    proc_file::read(&path)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot read {path}: {error}")))
}

/// Protocol counters: `snmp`, `netstat` and `snmp6`.
pub(super) fn protocols() -> Reading<Counters> {
    let read = || -> io::Result<Counters> {
        let mut counters = Counters::new();
        for name in ["snmp", "netstat"] {
            pairs_of_lines(&file(name)?, &mut counters);
        }
        match file("snmp6") {
            Ok(text) => name_and_number(&text, &mut counters),
            // A kernel without IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(counters)
    };
    read().into()
}

/// `Ip: Forwarding DefaultTTL …` followed by `Ip: 1 64 …`. Negative numbers (`Tcp: MaxConn`) are not
/// counters.
fn pairs_of_lines(text: &str, counters: &mut Counters) {
    let mut lines = text.lines();
    while let (Some(heads), Some(values)) = (lines.next(), lines.next()) {
        let Some((prefix, heads)) = heads.split_once(':') else {
            continue;
        };
        let values = values.split_whitespace().skip(1);
        for (head, value) in heads.split_whitespace().zip(values) {
            if let Some(value) = value.parse().ok().filter(|value| *value != 0) {
                counters.insert(format!("{prefix}{head}"), value);
            }
        }
    }
}

/// `Ip6InReceives    12`
fn name_and_number(text: &str, counters: &mut Counters) {
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(value)) = (words.next(), words.next().and_then(|v| v.parse().ok()))
            && value != 0
        {
            counters.insert(name.to_owned(), value);
        }
    }
}

/// Use of connection tracking, by the settings of the same namespace.
pub(super) fn conntrack(sysctls: &Table<Sysctl>) -> Reading<Conntrack> {
    let number = |name: &str| -> Result<u64, String> {
        let name = format!("net.netfilter.nf_conntrack_{name}");
        let row = sysctls.iter().find(|row| row.name == name);
        row.and_then(|row| row.value.parse().ok())
            .ok_or_else(|| match sysctls.doubt() {
                Some(reason) => reason.to_owned(),
                None => format!("the kernel has no {name}"),
            })
    };
    let read = || -> Result<Conntrack, String> {
        let mut conntrack = Conntrack {
            count: number("count")?,
            max: number("max")?,
            stats: Counters::new(),
        };
        // The file is missing where the kernel is built without it; use and limit are told all the same.
        if let Ok(text) = file("stat/nf_conntrack") {
            conntrack.stats = per_processor(&text);
        }
        Ok(conntrack)
    };
    match read() {
        Ok(conntrack) => Reading::Known(conntrack),
        Err(reason) => Reading::Unavailable(reason),
    }
}

/// A line of names, then a line of hexadecimal numbers for each processor. `entries` is the same in each
/// and is left out.
fn per_processor(text: &str) -> Counters {
    let mut lines = text.lines();
    let names: Vec<_> = lines
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let mut sums = Counters::new();
    for line in lines {
        for (name, value) in names.iter().zip(line.split_whitespace()) {
            if let Some(value) = u64::from_str_radix(value, 16).ok().filter(|v| *v != 0)
                && *name != "entries"
            {
                *sums.entry((*name).to_owned()).or_default() += value;
            }
        }
    }
    sums
}

/// The receiving side, all processors together.
pub(super) fn softnet() -> Reading<Softnet> {
    file("softnet_stat").map(|text| sum_softnet(&text)).into()
}

fn sum_softnet(text: &str) -> Softnet {
    let mut sum = Softnet::default();
    for line in text.lines() {
        let mut numbers = line
            .split_whitespace()
            .map(|n| u64::from_str_radix(n, 16).unwrap_or_default());
        sum.processed += numbers.next().unwrap_or_default();
        sum.dropped += numbers.next().unwrap_or_default();
        sum.time_squeeze += numbers.next().unwrap_or_default();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_the_names_of_nstat() {
        let mut counters = Counters::new();
        pairs_of_lines(
            "Ip: Forwarding InReceives\nIp: 1 42\nTcp: MaxConn InSegs\nTcp: -1 7\nTcpExt: ListenDrops\nTcpExt: 0\n",
            &mut counters,
        );
        name_and_number("Ip6InReceives   \t3\nIp6InHdrErrors 0\n", &mut counters);
        let all: Vec<_> = counters
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        assert_eq!(
            all,
            [
                ("Ip6InReceives", 3),
                ("IpForwarding", 1),
                ("IpInReceives", 42),
                ("TcpInSegs", 7)
            ]
        );
    }

    #[test]
    fn processors_are_summed() {
        let sums = per_processor(
            "entries  found insert_failed drop\n00000005  00 0000000a 1\n00000005  00 00000001 0\n",
        );
        assert_eq!(sums.get("insert_failed"), Some(&11));
        assert_eq!(sums.get("drop"), Some(&1));
        assert_eq!(sums.get("entries"), None);
        let softnet = sum_softnet("000022e7 00000001 00000000 0\n0000674d 00000000 00000002 0\n");
        assert_eq!((softnet.dropped, softnet.time_squeeze), (1, 2));
    }
}
