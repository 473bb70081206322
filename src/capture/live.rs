//! Packets from devices, in any number of network namespaces, as one stream in the order of time.
//!
//! Each device is opened from inside its namespace and read from outside, all on one thread. No device is
//! ever put into promiscuous mode: that would change what the network under test does.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pcap::{Active, Capture, Linktype, Precision};
use plugin_core::netlink::{Socket, link};
use plugin_core::netns::Netns;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::interface::Interface;
use super::record::Record;
use crate::wire::bytes::Bytes;
use crate::wire::ethernet::sll2;
use crate::wire::{LinkType, Timestamp};

/// libpcap hands over a block of packets after this long even if it is not full.
const BLOCK_TIMEOUT: Duration = Duration::from_millis(100);
/// After this long, a packet that has been seen has been handed over for certain.
pub const LATEST: Duration = Duration::from_millis(200);
/// Packets of several sockets are kept back this long, so that those of the others can overtake them.
const HOLD: Duration = Duration::from_millis(250);
/// How many octets of packets are kept back at most; beyond that, the oldest go early.
const HELD_OCTETS: usize = 8 << 20;
/// Packets taken from one socket before the others are looked at.
const BATCH: usize = 1024;

/// Where to capture.
pub struct Place {
    /// The device; `any` for all of them.
    pub device: String,
    /// The namespace; none for the caller's own.
    pub netns: Option<Netns>,
    /// What the namespace or its pod is called, for people.
    pub label: Option<String>,
}

/// How to capture.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A pcap filter, run by the kernel.
    pub filter: String,
    /// The most octets kept of a packet.
    pub snap_length: u32,
    /// The kernel's buffer of each socket, in octets.
    pub buffer: Option<u32>,
    /// Another link type than the device's first.
    pub link_type: Option<String>,
}

/// Why a capture cannot be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The namespace cannot be entered.
    #[error("cannot enter the namespace of {0}: {1}")]
    Netns(String, #[source] plugin_core::netns::Error),
    /// libpcap cannot open the device.
    #[error("cannot capture on {device}: {reason}")]
    Open {
        /// Which, and where.
        device: String,
        /// libpcap's words.
        reason: String,
    },
    /// libpcap does not take the filter.
    #[error("cannot use the filter '{expression}' on {device}: {reason}")]
    Filter {
        /// The filter.
        expression: String,
        /// Which device, and where.
        device: String,
        /// libpcap's words.
        reason: String,
    },
    /// The device went away, or reading failed.
    #[error("cannot read on from {device}: {reason}")]
    Read {
        /// Which, and where.
        device: String,
        /// The system's words.
        reason: String,
    },
}

impl Error {
    /// Whether more rights would help.
    pub fn is_lack_of_access(&self) -> bool {
        match self {
            Self::Netns(_, error) => error
                .io()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied),
            Self::Open { reason, .. } => {
                reason.contains("permission") || reason.contains("not permitted")
            }
            _ => false,
        }
    }
}

/// One open device.
struct Tap {
    capture: Capture<Active>,
    /// The device with its place, for messages.
    title: String,
    devices: Devices,
    ended: bool,
}

/// What the kernel counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets that passed the filter.
    pub received: u64,
    /// Packets for which there was no room.
    pub dropped: u64,
    /// Packets that the device itself dropped.
    pub dropped_by_device: u64,
}

/// An open capture.
pub struct Live {
    taps: Vec<Tap>,
    held: BinaryHeap<Reverse<Held>>,
    held_octets: usize,
    arrivals: u64,
    next_interface: u32,
}

/// A packet kept back. The order of arrival decides between equal times.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    time: Timestamp,
    arrival: u64,
    tap: usize,
    interface: u32,
    wire_len: u32,
    data: Vec<u8>,
}

/// What a packet's taker wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// More packets.
    Continue,
    /// No more.
    Stop,
}

impl Live {
    /// Opens all of `places`. Nothing is read yet.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub fn open(places: Vec<Place>, settings: &Settings) -> Result<Self, Error> {
        let mut taps = Vec::with_capacity(places.len());
        for place in places {
            taps.push(Tap::open(place, settings)?);
        }
        Ok(Self {
            taps,
            held: BinaryHeap::new(),
            held_octets: 0,
            arrivals: 0,
            next_interface: 0,
        })
    }

    /// Each device with its place, its link type and the most octets kept of a packet.
    pub fn describe(&self) -> impl Iterator<Item = (&str, LinkType, u32)> {
        self.taps.iter().map(|tap| {
            let devices = &tap.devices;
            (tap.title.as_str(), devices.link_type, devices.snap_length)
        })
    }

    /// Waits for packets, at most `patience`, and gives `take` those that are due: which tap, and the packet.
    ///
    /// # Errors
    /// When a device went away, or `take` fails.
    pub fn poll<E: From<Error>>(
        &mut self,
        patience: Duration,
        take: &mut impl FnMut(usize, &Record<'_>) -> Result<Then, E>,
    ) -> Result<Then, E> {
        // Whatever is captured from here on is later than this.
        let horizon = now();
        self.wait(patience)?;
        let several = self.taps.len() > 1;
        for index in 0..self.taps.len() {
            let Some(tap) = self.taps.get_mut(index).filter(|tap| !tap.ended) else {
                continue;
            };
            for _ in 0..BATCH {
                let packet = match tap.capture.next_packet() {
                    Ok(packet) => packet,
                    Err(pcap::Error::TimeoutExpired | pcap::Error::NoMorePackets) => break,
                    Err(error) => {
                        tap.ended = true;
                        return Err(Error::Read {
                            device: tap.title.clone(),
                            reason: words(error),
                        }
                        .into());
                    }
                };
                let time = Timestamp {
                    seconds: packet.header.ts.tv_sec,
                    // With nanosecond precision, that is what the field holds.
                    nanos: u64::try_from(packet.header.ts.tv_usec).unwrap_or(0),
                };
                let wire_len = packet.header.len;
                let key = device_index(tap.devices.link_type, packet.data);
                if several {
                    let held = Held {
                        time,
                        arrival: self.arrivals,
                        tap: index,
                        interface: key,
                        wire_len,
                        data: packet.data.to_vec(),
                    };
                    self.arrivals += 1;
                    self.held_octets += held.data.len();
                    self.held.push(Reverse(held));
                } else {
                    let interface = tap.devices.interface(key, &mut self.next_interface);
                    let record = Record {
                        time,
                        wire_len,
                        data: packet.data,
                        interface,
                        direction: None,
                        comment: None,
                    };
                    if take(index, &record)? == Then::Stop {
                        return Ok(Then::Stop);
                    }
                }
            }
        }
        let due = before(horizon, HOLD);
        self.release(Some(due), take)
    }

    /// Gives `take` everything that was kept back.
    ///
    /// # Errors
    /// When `take` fails.
    pub fn drain<E: From<Error>>(
        &mut self,
        take: &mut impl FnMut(usize, &Record<'_>) -> Result<Then, E>,
    ) -> Result<Then, E> {
        self.release(None, take)
    }

    fn release<E: From<Error>>(
        &mut self,
        due: Option<Timestamp>,
        take: &mut impl FnMut(usize, &Record<'_>) -> Result<Then, E>,
    ) -> Result<Then, E> {
        while let Some(Reverse(first)) = self.held.peek() {
            let early = due.is_some_and(|due| first.time > due);
            if early && self.held_octets <= HELD_OCTETS {
                break;
            }
            let Some(Reverse(held)) = self.held.pop() else {
                break;
            };
            self.held_octets = self.held_octets.saturating_sub(held.data.len());
            let Some(tap) = self.taps.get_mut(held.tap) else {
                continue;
            };
            let interface = tap
                .devices
                .interface(held.interface, &mut self.next_interface);
            let record = Record {
                time: held.time,
                wire_len: held.wire_len,
                data: &held.data,
                interface,
                direction: None,
                comment: None,
            };
            if take(held.tap, &record)? == Then::Stop {
                return Ok(Then::Stop);
            }
        }
        Ok(Then::Continue)
    }

    fn wait(&self, patience: Duration) -> Result<(), Error> {
        let mut fds: Vec<PollFd<'_>> = self
            .taps
            .iter()
            .filter(|tap| !tap.ended)
            .map(|tap| {
                // SAFETY: the descriptor is the capture's, which lives as long as `self`.
                let fd = unsafe { BorrowedFd::borrow_raw(tap.capture.as_raw_fd()) };
                PollFd::from_borrowed_fd(fd, PollFlags::IN)
            })
            .collect();
        // What is kept back must go out in time even when nothing more comes.
        let patience = if self.held.is_empty() {
            patience
        } else {
            patience.min(BLOCK_TIMEOUT)
        };
        let limit = Timespec {
            tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(patience.subsec_nanos()),
        };
        match poll(&mut fds, Some(&limit)) {
            // A signal: the caller looks at its flag.
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(Error::Read {
                device: "the sockets".to_owned(),
                reason: error.to_string(),
            }),
        }
    }

    /// What the kernel counted, all devices together.
    pub fn counters(&mut self) -> Counters {
        let mut sum = Counters::default();
        for tap in &mut self.taps {
            if let Ok(stat) = tap.capture.stats() {
                sum.received += u64::from(stat.received);
                sum.dropped += u64::from(stat.dropped);
                sum.dropped_by_device += u64::from(stat.if_dropped);
            }
        }
        sum
    }
}

impl Tap {
    fn open(place: Place, settings: &Settings) -> Result<Self, Error> {
        let Place {
            device,
            netns,
            label,
        } = place;
        let title = match &label {
            Some(label) => format!("{device} of {label}"),
            None => device.clone(),
        };
        let open = || activate(&device, &title, settings);
        // The socket for names is opened here too, while there are rights to enter.
        let (capture, names) = match &netns {
            None => (open()?, Socket::open().ok()),
            Some(netns) => {
                let capture = netns
                    .run(open)
                    .map_err(|error| Error::Netns(title.clone(), error))??;
                (capture, Socket::open_in(netns).ok())
            }
        };
        let link_type = LinkType::from_dlt(capture.get_datalink().0);
        let capture = capture.setnonblock().map_err(|error| Error::Open {
            device: title.clone(),
            reason: words(error),
        })?;
        Ok(Self {
            capture,
            title,
            devices: Devices {
                known: HashMap::new(),
                names,
                device,
                label,
                link_type,
                snap_length: settings.snap_length,
            },
            ended: false,
        })
    }
}

fn activate(device: &str, title: &str, settings: &Settings) -> Result<Capture<Active>, Error> {
    let refuse = |error: pcap::Error| Error::Open {
        device: title.to_owned(),
        reason: words(error),
    };
    let milliseconds = i32::try_from(BLOCK_TIMEOUT.as_millis()).unwrap_or(100);
    let mut inactive = Capture::from_device(device)
        .map_err(refuse)?
        .promisc(false)
        .precision(Precision::Nano)
        .timeout(milliseconds)
        .snaplen(i32::try_from(settings.snap_length).unwrap_or(i32::MAX));
    if let Some(buffer) = settings.buffer {
        inactive = inactive.buffer_size(i32::try_from(buffer).unwrap_or(i32::MAX));
    }
    let mut capture = inactive.open().map_err(refuse)?;
    let wanted = match &settings.link_type {
        Some(name) => Some(Linktype::from_name(name).map_err(refuse)?),
        // Of all devices, the cooked header that says which.
        None if device == "any" => Some(Linktype(LinkType::LINUX_SLL2.dlt())),
        None => None,
    };
    if let Some(wanted) = wanted {
        capture.set_datalink(wanted).map_err(refuse)?;
    }
    if !settings.filter.trim().is_empty() {
        capture
            .filter(&settings.filter, true)
            .map_err(|error| Error::Filter {
                expression: settings.filter.clone(),
                device: title.to_owned(),
                reason: words(error),
            })?;
    }
    Ok(capture)
}

fn words(error: pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text,
        other => other.to_string(),
    }
}

/// The index that a packet's cooked header holds; 0 where there is none.
fn device_index(link_type: LinkType, data: &[u8]) -> u32 {
    match link_type {
        LinkType::LINUX_SLL2 => Bytes::new(data).u32(sll2::INTERFACE).unwrap_or(0),
        _ => 0,
    }
}

/// The devices of a tap: what a packet's interface is made of when it is first seen.
struct Devices {
    known: HashMap<u32, Interface>,
    /// Asks the namespace for names, also of devices that come later; this takes no privilege.
    names: Option<Socket>,
    device: String,
    label: Option<String>,
    link_type: LinkType,
    snap_length: u32,
}

impl Devices {
    /// The interface behind an index: the device itself, or one of those behind `any`.
    fn interface(&mut self, index: u32, next: &mut u32) -> &Interface {
        let Self {
            known,
            names,
            device,
            label,
            link_type,
            snap_length,
        } = self;
        known.entry(index).or_insert_with(|| {
            let id = *next;
            *next = next.wrapping_add(1);
            let name = if index == 0 {
                device.clone()
            } else {
                names
                    .as_mut()
                    .and_then(|socket| link::by_index(socket, index).ok().flatten())
                    .map_or_else(|| format!("if{index}"), |link| link.name)
            };
            Interface {
                id,
                link_type: *link_type,
                snap_length: *snap_length,
                name: Some(name),
                description: label.clone(),
            }
        })
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: u64::from(since.subsec_nanos()),
    }
}

fn before(time: Timestamp, by: Duration) -> Timestamp {
    let nanos = time.as_nanos() - by.as_nanos() as i128;
    Timestamp {
        seconds: nanos.div_euclid(1_000_000_000) as i64,
        nanos: nanos.rem_euclid(1_000_000_000) as u64,
    }
}
