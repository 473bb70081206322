//! `ovl capture`: packets from devices, printed or written.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plugin_core::netns::Netns;

use super::decode::{Request as Show, expression, names, refused, select_inside, warn_of_unnamed};
use super::pod::not_found;
use crate::capture::Record;
use crate::capture::interface::Whereabouts;
use crate::capture::live::{self, Live, Place, Settings, Then};
use crate::capture::point::layers_into;
use crate::capture::privilege;
use crate::capture::select::Selection;
use crate::capture::write::{Ring, Rotation};
use crate::cluster::{Local, Source};
use crate::collect::{Paths, RuntimeChoice, Scope};
use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::inspect::find::find;
use crate::lab::directory::Labs;
use crate::model::Subject;
use crate::render::decode::{self, Seen, Sink, sink};
use crate::wire::Timestamp;
use crate::wire::packet::{Layer, VxlanPorts};

/// How long the program sleeps at most before it looks whether it should end.
const PATIENCE: Duration = Duration::from_millis(200);
/// How much text is gathered before it is written.
const CHUNK: usize = 64 * 1024;

/// What was asked for.
#[derive(Debug)]
pub struct Request {
    /// Namespaces.
    pub places: Vec<Where>,
    /// Devices in each of them.
    pub devices: Vec<String>,
    /// The most octets kept of a packet.
    pub snap_length: u32,
    /// Octets of each socket's buffer in the kernel.
    pub buffer: Option<u32>,
    /// A link type other than the device's first.
    pub link_type: Option<String>,
    /// Who to become.
    pub user: Option<String>,
    /// How long.
    pub duration: Option<Duration>,
    /// How many octets of packets.
    pub max_octets: Option<u64>,
    /// Into which file.
    pub write: Option<PathBuf>,
    /// When into another.
    pub rotation: Rotation,
    /// Which packets, and how they are shown.
    pub show: Show,
}

/// A network namespace, as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// The caller's own.
    Here,
    /// A name in `/run/netns`, a path, or the number of a process.
    Netns(String),
    /// A pod of this node, as its runtime and CNI know it.
    Pod(Subject),
    /// A pod of a lab.
    LabPod {
        /// The lab, or the only one.
        lab: Option<String>,
        /// `[namespace/]name`
        pod: String,
    },
}

/// Captures until it is told to stop.
///
/// # Errors
/// When a device or namespace cannot be opened, a filter makes no sense, or the output cannot be written.
pub fn run(request: &Request, context: &mut Context<'_>) -> Result<Outcome> {
    // Everything that needs rights or reads files comes before the rights are given up; who waits for a
    // cluster can still interrupt.
    let names = Arc::new(names(&request.show, &[])?);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))
            .map_err(|error| Error::failed("cannot listen to signals").caused_by(error))?;
    }
    let mut live = open(request)?;
    let mut selection = Selection::default();
    select_inside(&request.show, &mut selection)?;
    let output = Output::new(request, &live, Arc::clone(&names), context)?;
    privilege::drop_all(request.user.as_deref()).map_err(|error| {
        let who = request.user.as_deref().unwrap_or("an unprivileged process");
        Error::failed(format!("cannot become {who}")).caused_by(error)
    })?;
    for (device, link_type, snap_length) in live.describe() {
        let description = link_type
            .description()
            .map_or_else(String::new, |text| format!(" ({text})"));
        let _ = writeln!(
            io::stderr(),
            "listening on {device}, link-type {}{description}, snapshot length {snap_length} bytes",
            link_type.name()
        );
    }
    let mut session = Session {
        ports: names.vxlan_ports(),
        needs_layers: selection.looks_inside() || output.needs_layers(),
        selection,
        layers: Vec::new(),
        captured: 0,
        packets: request.show.count.unwrap_or(u64::MAX),
        octets: request.max_octets.unwrap_or(u64::MAX),
        output,
    };
    let end = request.duration.map(|duration| Instant::now() + duration);
    let result = loop {
        let patience = end.map_or(PATIENCE, |end| {
            PATIENCE.min(end.saturating_duration_since(Instant::now()))
        });
        match live.poll(patience, &mut |tap, record| session.take(tap, record)) {
            Ok(Then::Continue) => {}
            Ok(Then::Stop) => break Ok(()),
            Err(error) => break Err(error),
        }
        if let Err(error) = session.output.pause() {
            break Err(error);
        }
        let over = end.is_some_and(|end| Instant::now() >= end);
        if over || stop.load(Ordering::Relaxed) {
            // What came before the signal is wanted too.
            break session.last_words(&mut live);
        }
    };
    let counters = live.counters();
    let finished = session.output.finish();
    let captured = session.captured;
    warn_of_unnamed(&names);
    let _ = write!(
        io::stderr(),
        "{captured} packets captured\n{} packets received by filter\n{} packets dropped by kernel\n",
        counters.received,
        counters.dropped
    );
    if counters.dropped_by_device > 0 {
        let _ = writeln!(
            io::stderr(),
            "{} packets dropped by interface",
            counters.dropped_by_device
        );
    }
    result.and(finished)?;
    Ok(Outcome::Healthy)
}

/// What every packet meets.
struct Session<'a, 'b> {
    ports: VxlanPorts,
    selection: Selection,
    needs_layers: bool,
    layers: Vec<Layer>,
    captured: u64,
    /// When to stop.
    packets: u64,
    octets: u64,
    output: Output<'a, 'b>,
}

impl Session<'_, '_> {
    fn take(&mut self, tap: usize, record: &Record<'_>) -> Result<Then> {
        if self.needs_layers {
            layers_into(record, &self.ports, &mut self.layers);
            let inside = self.selection.wants_inside(record, &self.layers);
            if !inside.map_err(refused)? {
                return Ok(Then::Continue);
            }
        }
        let seen = Seen {
            source: tap,
            number: self.captured + 1,
            record,
            layers: &self.layers,
        };
        if !self.output.take(&seen)? {
            return Ok(Then::Stop);
        }
        self.captured += 1;
        let enough = self.captured >= self.packets || self.output.octets() >= self.octets;
        Ok(if enough { Then::Stop } else { Then::Continue })
    }

    /// Takes what was seen up to now, which the kernel may still be gathering in a block.
    fn last_words(&mut self, live: &mut Live) -> Result<()> {
        let asked = now();
        let end = Instant::now() + live::LATEST;
        let mut take = |tap: usize, record: &Record<'_>| {
            if record.time > asked {
                Ok(Then::Continue)
            } else {
                self.take(tap, record)
            }
        };
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if live.poll(left, &mut take)? == Then::Stop {
                return Ok(());
            }
            if left.is_zero() {
                return live.drain(&mut take).map(drop);
            }
        }
    }
}

impl From<live::Error> for Error {
    fn from(error: live::Error) -> Self {
        let (outcome, advice) = if error.is_lack_of_access() {
            (
                Outcome::NoAccess,
                Some("run as root, or give CAP_NET_RAW (and CAP_SYS_ADMIN for other namespaces)"),
            )
        } else if matches!(error, live::Error::Filter { .. }) {
            (Outcome::Usage, None)
        } else {
            (Outcome::Fault, None)
        };
        let error = Self::new(outcome, error.to_string());
        match advice {
            Some(advice) => error.try_this(advice),
            None => error,
        }
    }
}

fn open(request: &Request) -> Result<Live> {
    let mut filter = expression(&request.show)?;
    if let Some(outer) = &request.show.outer {
        filter = if filter.trim().is_empty() {
            outer.clone()
        } else {
            format!("({filter}) and ({outer})")
        };
    }
    let settings = Settings {
        filter,
        snap_length: request.snap_length,
        buffer: request.buffer,
        link_type: request.link_type.clone(),
    };
    let mut places = Vec::new();
    for place in &request.places {
        for device in &request.devices {
            let (netns, label) = resolve(place)?;
            places.push(Place {
                device: device.clone(),
                netns,
                label,
            });
        }
    }
    Ok(Live::open(places, &settings)?)
}

/// The namespace, and what to call it.
fn resolve(place: &Where) -> Result<(Option<Netns>, Option<String>)> {
    let opened = |path: &Path| {
        Netns::open(path).map_err(|error| {
            let denied = error
                .io()
                .is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
            let outcome = if denied {
                Outcome::NoAccess
            } else {
                Outcome::Fault
            };
            Error::new(outcome, error.to_string())
        })
    };
    match place {
        Where::Here => Ok((None, None)),
        Where::Netns(name) => {
            let path = if name.contains('/') {
                PathBuf::from(name)
            } else if name.bytes().all(|digit| digit.is_ascii_digit()) {
                PathBuf::from(format!("/proc/{name}/ns/net"))
            } else {
                Path::new("/run/netns").join(name)
            };
            Ok((Some(opened(&path)?), Some(described(None, name))))
        }
        Where::Pod(subject) => {
            let (path, label) = pod_netns(subject)?;
            Ok((Some(opened(&path)?), Some(label)))
        }
        Where::LabPod { lab, pod } => {
            let lab = Labs::of_caller().choose(lab.as_deref())?;
            let state = lab.read_up()?;
            let found = state.pods.iter().find(|candidate| {
                candidate.full_name() == *pod || (!pod.contains('/') && candidate.name == *pod)
            });
            let Some(found) = found else {
                return Err(
                    Error::failed(format!("lab {} has no pod {pod}", lab.name()))
                        .try_this(format!("ovl pods --lab {}", lab.name())),
                );
            };
            let Some(pause) = &found.pause else {
                return Err(Error::failed(format!("pod {pod} does not run")));
            };
            let path = PathBuf::from(format!("/proc/{}/ns/net", pause.pid));
            let netns = found.netns.display().to_string();
            let label = described(Some(&found.full_name()), &netns);
            Ok((Some(opened(&path)?), Some(label)))
        }
    }
}

/// The network namespace of a pod of this node, and what to call it.
fn pod_netns(subject: &Subject) -> Result<(PathBuf, String)> {
    let here = Source::Here(Local {
        runtime: RuntimeChoice::Usual,
        paths: Paths::default(),
    });
    let bundle = here.read(&Scope::Pod(subject.clone()))?;
    let found = find(&bundle, subject).map_err(|error| not_found(error, &here))?;
    let name = found.name();
    if found.sandbox.is_some_and(|sandbox| sandbox.host_network) {
        let words = format!("pod {name} has no network of its own: it uses the node's");
        return Err(Error::usage(words).try_this("capture on the node, without --pod"));
    }
    let inhabitant = found.netns.and_then(|netns| netns.processes.iter().next());
    let held = inhabitant
        .map(|process| process.pid)
        .or_else(|| found.sandbox.and_then(|sandbox| sandbox.pid));
    let path = found
        .netns
        .and_then(|netns| netns.paths.first().cloned())
        .or_else(|| found.sandbox.and_then(|sandbox| sandbox.netns_path.clone()))
        .or_else(|| held.map(|pid| format!("/proc/{pid}/ns/net")));
    let Some(path) = path else {
        let words = format!("where the network of pod {name} is, is not known");
        return Err(Error::failed(words).try_this(format!("ovl pod {subject}")));
    };
    let label = described(Some(&name), &path);
    Ok((PathBuf::from(path), label))
}

fn described(pod: Option<&str>, netns: &str) -> String {
    Whereabouts { pod, netns }.to_string()
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

/// Where packets go.
enum Output<'a, 'b> {
    File(Box<Ring>, String),
    Text {
        sink: Box<dyn Sink>,
        text: Vec<u8>,
        context: &'a mut Context<'b>,
        at_once: bool,
    },
}

impl<'a, 'b> Output<'a, 'b> {
    fn new(
        request: &Request,
        live: &Live,
        names: Arc<crate::capture::names::AddressNames>,
        context: &'a mut Context<'b>,
    ) -> Result<Self> {
        let Some(path) = &request.write else {
            // People are told where each packet was seen by the names of devices and pods.
            let titles = match request.show.form.output {
                decode::Output::Json => live
                    .describe()
                    .map(|(title, ..)| title.to_owned())
                    .collect(),
                decode::Output::Text | decode::Output::Table => Vec::new(),
            };
            return Ok(Self::Text {
                sink: sink(&request.show.form, &[], titles, names, context.style)?,
                text: Vec::with_capacity(2 * CHUNK),
                context,
                at_once: request.show.line_buffered,
            });
        };
        let mut taps = live.describe();
        let Some((_, link_type, snap_length)) = taps.next() else {
            return Err(Error::usage("nothing to capture on"));
        };
        let ring = Ring::create(
            path,
            request.rotation,
            request.show.form.nanoseconds,
            link_type,
            snap_length,
            now(),
        )
        .map_err(|error| {
            Error::failed(format!("cannot write {}", path.display())).caused_by(error)
        })?;
        Ok(Self::File(Box::new(ring), path.display().to_string()))
    }

    fn needs_layers(&self) -> bool {
        match self {
            Self::File(..) => false,
            Self::Text { sink, .. } => sink.needs_layers(),
        }
    }

    /// False when there is no room for more.
    fn take(&mut self, seen: &Seen<'_>) -> Result<bool> {
        match self {
            Self::File(ring, path) => ring
                .write(seen.record)
                .map_err(|error| Error::failed(format!("cannot write {path}")).caused_by(error)),
            Self::Text {
                sink,
                text,
                context,
                at_once,
            } => {
                sink.packet(seen, text)?;
                if *at_once || text.len() >= CHUNK {
                    context.out.write_all(text)?;
                    context.out.flush()?;
                    text.clear();
                }
                Ok(true)
            }
        }
    }

    /// Shows what there is before the next wait.
    fn pause(&mut self) -> Result<()> {
        match self {
            // A file is filled in large pieces; its end comes with the capture's.
            Self::File(..) => {}
            Self::Text { text, context, .. } => {
                if !text.is_empty() {
                    context.out.write_all(text)?;
                    context.out.flush()?;
                    text.clear();
                }
            }
        }
        Ok(())
    }

    fn octets(&self) -> u64 {
        match self {
            Self::File(ring, _) => ring.total(),
            Self::Text { .. } => 0,
        }
    }

    fn finish(&mut self) -> Result<()> {
        match self {
            Self::File(ring, path) => ring
                .flush()
                .map_err(|error| Error::failed(format!("cannot write {path}")).caused_by(error)),
            Self::Text {
                sink,
                text,
                context,
                ..
            } => {
                sink.finish(text)?;
                context.out.write_all(text)?;
                context.out.flush()?;
                text.clear();
                if let Some(doubt) = sink.doubt() {
                    super::warn(&doubt);
                }
                Ok(())
            }
        }
    }
}
