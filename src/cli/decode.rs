//! `ovl decode`: the words, most of them tcpdump's.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use super::kubernetes::Cluster;
use crate::command::decode::{NameSource, Request};
use crate::error::{Error, Result};
use crate::render::decode::{Answer, Form, Output};
use crate::wire::packet::VxlanPorts;
use crate::wire::print::{Dump, PrintOptions, TimeStyle, UdpPayload};

/// The words of `ovl decode`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Decode {
    /// Captures; with -r, the words of a filter
    #[arg(value_name = "FILE")]
    words: Vec<String>,

    /// Only packets that match
    #[arg(last = true, value_name = "FILTER")]
    filter: Vec<String>,

    /// Read FILE; all other words are the filter, as with tcpdump
    #[arg(short, value_name = "FILE", help_heading = "Input")]
    read: Vec<PathBuf>,

    /// Wait for more at the end of the file, as tail -f does
    #[arg(short, long, help_heading = "Input")]
    follow: bool,

    /// Write the packets to FILE (pcap; pcapng if so named) instead of printing them
    #[arg(
        short,
        value_name = "FILE",
        help_heading = "Output",
        conflicts_with = "answer"
    )]
    write: Option<PathBuf>,

    #[command(flatten)]
    show: Show,
}

/// What is shown of packets, and how: the same words for files and for live captures.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Read the filter from FILE
    #[arg(short = 'F', value_name = "FILE", help_heading = "Selection")]
    filter_file: Option<PathBuf>,

    /// Only packets whose outermost frame matches
    #[arg(long, value_name = "FILTER", help_heading = "Selection")]
    outer: Option<String>,

    /// Only packets with a frame inside a tunnel that matches
    #[arg(long, value_name = "FILTER", help_heading = "Selection")]
    inner: Option<String>,

    /// Only packets in the tunnel with this VNI
    #[arg(long, value_name = "N", help_heading = "Selection")]
    vni: Option<u32>,

    /// Stop after N packets
    #[arg(short, value_name = "N", help_heading = "Selection")]
    count: Option<u64>,

    /// Name pods, nodes and services as a lab (lab, lab:NAME), a snapshot file or a cluster (kube) has them
    ///
    /// A snapshot also tells on which ports VXLAN is. A cluster is asked once, at the start, with
    /// kubectl's kubeconfig, for the right to list pods, nodes and services. It knows only what is there
    /// now: a packet that is older than a pod is not named after it. Files of these names: ./lab, ./kube.
    #[arg(long, value_name = "SOURCE", help_heading = "Input")]
    names: Option<String>,

    /// Pair echo requests with their replies at every capture point
    #[arg(long, help_heading = "Answers", group = "answer")]
    pings: bool,

    /// Sum up conversations, and what wrapping them costs
    #[arg(long, help_heading = "Answers", group = "answer")]
    flows: bool,

    /// Show what was fragmented, or told to be smaller
    #[arg(long, help_heading = "Answers", group = "answer")]
    mtu: bool,

    /// Form of the output; json is one object a line
    #[arg(
        short,
        long,
        value_name = "FORM",
        default_value = "text",
        help_heading = "Output"
    )]
    output: Output,

    /// Print link-layer headers
    #[arg(short, help_heading = "tcpdump's text")]
    ether: bool,

    /// Print ports as numbers (addresses always are)
    #[arg(short, action = ArgAction::Count, help_heading = "tcpdump's text")]
    numeric: u8,

    /// Print less
    #[arg(short, action = ArgAction::Count, help_heading = "tcpdump's text")]
    quiet: u8,

    /// Print more (up to -vvv)
    #[arg(short, action = ArgAction::Count, help_heading = "tcpdump's text")]
    verbose: u8,

    /// Time: -t none, -tt Unix, -ttt since the one before, -tttt date, -ttttt since the first
    #[arg(short, action = ArgAction::Count, help_heading = "tcpdump's text")]
    time: u8,

    /// Print nanoseconds
    #[arg(long, help_heading = "tcpdump's text")]
    nano: bool,

    /// Number the packets
    #[arg(short = '#', long = "number", help_heading = "tcpdump's text")]
    number: bool,

    /// Print TCP sequence numbers as they are
    #[arg(short = 'S', help_heading = "tcpdump's text")]
    absolute_sequence: bool,

    /// Do not check checksums
    #[arg(short = 'K', help_heading = "tcpdump's text")]
    skip_checksums: bool,

    /// Print the octets (-xx: with the link header)
    #[arg(short = 'x', action = ArgAction::Count, help_heading = "tcpdump's text")]
    hex: u8,

    /// Print the octets with their characters (-XX: with the link header)
    #[arg(short = 'X', action = ArgAction::Count, help_heading = "tcpdump's text")]
    hex_ascii: u8,

    /// Print the octets as characters (-AA: with the link header)
    #[arg(short = 'A', action = ArgAction::Count, help_heading = "tcpdump's text")]
    ascii: u8,

    /// Write out each packet's text at once
    #[arg(short = 'l', help_heading = "tcpdump's text")]
    line_buffered: bool,

    /// Print as tcpdump does, to the letter
    #[arg(short = 'T', value_name = "TYPE", help_heading = "tcpdump's text")]
    udp_type: Option<UdpType>,

    #[command(flatten)]
    cluster: Cluster,
}

const EXAMPLES: &str = "\
Examples:
  ovl decode vxlan.pcap                       every packet, the inner one under its outer one
  ovl decode vxlan.pcap --inner icmp          only what carries ICMP inside
  ovl decode node1.pcap node2.pcap.gz --pings both captures as one, pings paired
  ovl decode vxlan.pcap -- udp port 4789      a filter on the outer packet
  ovl decode vxlan.pcap --names kube          pods, nodes and services of the current cluster
  ovl decode -enr vxlan.pcap -T vxlan icmp    what tcpdump prints for the same words";

/// What `-T` takes UDP for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UdpType {
    /// All UDP is VXLAN, as tcpdump -T vxlan has it
    Vxlan,
    /// What tcpdump without -T takes each port for
    Port,
}

impl Decode {
    /// The request behind the words.
    ///
    /// # Errors
    /// When there is no file, or the words contradict each other.
    pub fn into_request(self) -> Result<Request> {
        let announce = self.show.udp_type.is_some() || !self.read.is_empty();
        let mut filter = self.filter;
        let files: Vec<PathBuf> = if self.read.is_empty() {
            self.words.into_iter().map(PathBuf::from).collect()
        } else {
            filter.splice(0..0, self.words);
            self.read
        };
        if files.is_empty() {
            return Err(Error::usage("no capture given").try_this("ovl decode FILE"));
        }
        if self.follow && files.len() > 1 {
            return Err(Error::usage(
                "cannot follow several files: their packets could not be put in order",
            ));
        }
        let mut request = self.show.into_request(filter.join(" "))?;
        if self.follow && request.form.answer != Answer::Packets {
            return Err(Error::usage(
                "cannot follow a file and sum it up: there is no end to wait for",
            ));
        }
        request.files = files;
        request.follow = self.follow;
        request.form.write = self.write;
        request.announce = announce;
        Ok(request)
    }
}

/// Who is meant by `--names`.
fn name_source(words: Option<&str>, cluster: Cluster) -> Result<Option<NameSource>> {
    match (words, cluster.given()) {
        (Some("kube"), _) => Ok(Some(NameSource::Kube(cluster.into_access()))),
        (_, Some(flag)) => {
            let words = format!("{flag} is about a cluster, and no names are taken from one");
            Err(Error::usage(words).try_this("add --names kube"))
        }
        (words, None) => Ok(words.map(NameSource::from)),
    }
}

impl Show {
    /// A request without any file.
    ///
    /// # Errors
    /// When the words contradict each other.
    pub(super) fn into_request(self, filter: String) -> Result<Request> {
        let print = self.print_options()?;
        let names = name_source(self.names.as_deref(), self.cluster)?;
        let answer = match (self.pings, self.flows, self.mtu) {
            (true, ..) => Answer::Pings,
            (_, true, _) => Answer::Flows,
            (.., true) => Answer::Mtu,
            _ => Answer::Packets,
        };
        Ok(Request {
            files: Vec::new(),
            names,
            follow: false,
            filter,
            filter_file: self.filter_file,
            outer: self.outer,
            inner: self.inner,
            vni: self.vni,
            count: self.count,
            form: Form {
                answer,
                output: self.output,
                write: None,
                nanoseconds: self.nano,
                print,
                places: true,
                tcpdump: self.udp_type.is_some(),
            },
            announce: false,
            line_buffered: self.line_buffered,
        })
    }

    fn print_options(&self) -> Result<PrintOptions> {
        let time = TimeStyle::from_count(self.time)
            .ok_or_else(|| Error::usage("only -t, -tt, -ttt, -tttt, and -ttttt are supported"))?;
        let dump = match (self.hex, self.hex_ascii, self.ascii) {
            (0, 0, 0) => Dump::None,
            (_, _, 1..) => Dump::Ascii {
                link_header: self.ascii > 1,
            },
            (_, 1.., _) => Dump::HexAscii {
                link_header: self.hex_ascii > 1,
            },
            _ => Dump::Hex {
                link_header: self.hex > 1,
            },
        };
        let (udp, inner_indent) = match self.udp_type {
            Some(UdpType::Vxlan) => (UdpPayload::Vxlan, ""),
            Some(UdpType::Port) => (UdpPayload::TcpdumpPorts, ""),
            None => (UdpPayload::Overlay(VxlanPorts::default()), "  "),
        };
        Ok(PrintOptions {
            link_header: self.ether,
            numeric: self.numeric > 0,
            quiet: self.quiet,
            verbosity: self.verbose,
            number: self.number,
            time,
            nano: self.nano,
            absolute_sequence: self.absolute_sequence,
            skip_checksums: self.skip_checksums,
            dump,
            udp,
            direction: self.udp_type.is_none(),
            inner_indent,
            ..PrintOptions::default()
        })
    }
}
