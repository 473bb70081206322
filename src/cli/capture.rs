//! `ovl capture`: where, how long, and into which files.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::decode::Show;
use crate::capture::write::Rotation;
use crate::command::capture::{Request, Where};
use crate::error::{Error, Result};
use crate::model::subject::NotASubject;

/// The words of `ovl capture`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Capture {
    /// Only packets that match this pcap filter; the kernel looks
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,

    /// Device, or any; may be repeated
    #[arg(
        short,
        value_name = "DEVICE",
        default_value = "any",
        help_heading = "Where"
    )]
    interface: Vec<String>,

    /// Network namespace: a name in /run/netns, a path, or a process; may be repeated
    #[arg(long, value_name = "NETNS", help_heading = "Where")]
    netns: Vec<String>,

    /// Pod on this node: [NAMESPACE/]NAME, an id, pid:N or an address; may be repeated
    #[arg(long, value_name = "POD", help_heading = "Where")]
    pod: Vec<String>,

    /// The pods are in a lab on this machine; the only one there is if no name is given
    #[arg(long, value_name = "NAME", requires = "pod", num_args = 0..=1, default_missing_value = "", help_heading = "Where")]
    lab: Option<String>,

    /// Keep at most N octets of each packet
    #[arg(short, value_name = "N", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(1..=262_144), help_heading = "How")]
    snap_length: u32,

    /// Kernel buffer of each socket, in KiB
    #[arg(short = 'B', value_name = "KIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576), help_heading = "How")]
    buffer: Option<u32>,

    /// Link type to ask for, such as LINUX_SLL for any
    #[arg(short = 'y', value_name = "TYPE", help_heading = "How")]
    link_type: Option<String>,

    /// Become this user once the sockets are open
    #[arg(short = 'Z', value_name = "USER", help_heading = "How")]
    user: Option<String>,

    /// Stop after this many seconds
    #[arg(long, value_name = "SECONDS", help_heading = "How")]
    duration: Option<u64>,

    /// Stop after this many octets of packets written
    #[arg(long, value_name = "OCTETS", requires = "write", help_heading = "How")]
    max_size: Option<u64>,

    /// Write to FILE (pcap; pcapng if so named, with devices, namespaces and pods) instead of printing
    #[arg(
        short,
        value_name = "FILE",
        help_heading = "Output",
        conflicts_with = "answer"
    )]
    write: Option<PathBuf>,

    /// Begin another file after N million octets
    #[arg(short = 'C', value_name = "N", requires = "write", value_parser = clap::value_parser!(u64).range(1..=1_000_000), help_heading = "Output")]
    file_size: Option<u64>,

    /// Begin another file every N seconds; FILE may hold strftime words
    #[arg(short = 'G', value_name = "N", requires = "write", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    file_seconds: Option<u64>,

    /// With -C use N files in turn; with -G end after N files
    #[arg(short = 'W', value_name = "N", requires = "write", value_parser = clap::value_parser!(u64).range(1..=1_000_000), help_heading = "Output")]
    file_count: Option<u64>,

    #[command(flatten)]
    show: Show,
}

const EXAMPLES: &str = "\
Examples:
  ovl capture -i any udp                       as tcpdump, with the inner packets
  ovl capture --pod default/pod1 icmp          inside a pod
  ovl capture --netns cni-7cff -w pod.pcapng   a file that names device and namespace
  ovl capture -i any -w r.pcap -C 100 -W 10    a ring of ten files";

impl Capture {
    /// The request behind the words.
    ///
    /// # Errors
    /// When the words contradict each other.
    pub fn into_request(self) -> Result<Request> {
        if self.file_count.is_some() && self.file_size.is_none() && self.file_seconds.is_none() {
            return Err(Error::usage(
                "-W needs -C or -G: with one file there is no other",
            ));
        }
        let mut show = self.show.into_request(self.filter.join(" "))?;
        let mut places: Vec<Where> = self.netns.into_iter().map(Where::Netns).collect();
        for pod in self.pod {
            places.push(match &self.lab {
                Some(lab) => Where::LabPod {
                    lab: Some(lab.clone()).filter(|name| !name.is_empty()),
                    pod,
                },
                None => Where::Pod(
                    pod.parse()
                        .map_err(|error: NotASubject| Error::usage(error.to_string()))?,
                ),
            });
        }
        if places.is_empty() {
            places.push(Where::Here);
        }
        // Where there is one place, it need not be said of every packet.
        show.form.places = places.len() > 1;
        Ok(Request {
            places,
            devices: self.interface,
            snap_length: self.snap_length,
            buffer: self.buffer.map(|kib| kib.saturating_mul(1024)),
            link_type: self.link_type,
            user: self.user,
            duration: self.duration.map(Duration::from_secs),
            max_octets: self.max_size,
            write: self.write,
            rotation: Rotation {
                octets: self.file_size.map(|millions| millions * 1_000_000),
                seconds: self.file_seconds,
                files: self.file_count,
            },
            show,
        })
    }
}
