//! What a node keeps open for whoever asks it: taps, and ways into namespaces. It ends with the conversation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plugin_core::netns::Netns;

use super::message::{Blind, NetnsRef, Seens, Send, Sent, Watch};
use super::tap::Tap;
use crate::cluster::parallel;
use crate::collect;
use crate::model::counters::Counted;
use crate::model::number::NetnsId;
use crate::wire::packet::VxlanPorts;

/// Namespaces that one session opens taps in.
const MOST_TAPS: usize = 256;
/// Kinds of probes that one session sends at once.
const SENDERS: usize = 16;

/// Now by this node's clock, nanoseconds since 1970.
pub fn now_ns() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}

/// Which boot of which machine this is; empty if the kernel does not say.
pub fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// A session. Everything in it is closed when it is dropped.
#[derive(Debug, Default)]
pub struct Session {
    taps: Mutex<Option<Taps>>,
    namespaces: Mutex<HashMap<NetnsId, Arc<Netns>>>,
    /// An idle tap. While a socket asks for times, the kernel notes them; it begins to a moment after the
    /// first has asked (`net_enable_timestamp`, `net/core/dev.c`), so the first asks long before it counts.
    clockwork: Mutex<Option<Tap>>,
}

#[derive(Debug)]
struct Taps {
    open: Vec<Tap>,
    watch: Watch,
    ports: VxlanPorts,
}

impl Session {
    /// The clock, and a sign that packets will be asked for.
    pub fn clock(&self) -> i64 {
        let mut clockwork = lock(&self.clockwork);
        if clockwork.is_none() {
            *clockwork = Netns::current().ok().and_then(|here| Tap::idle(&here).ok());
        }
        now_ns()
    }

    /// Opens a tap in each of `namespaces`, in place of all that were open. Returns where none can be.
    pub fn open(&self, namespaces: &[NetnsRef], watch: Watch) -> Vec<Blind> {
        let mut blind = Vec::new();
        let mut open = Vec::new();
        for netns in namespaces {
            let tap = if open.len() < MOST_TAPS {
                self.enter(netns)
                    .and_then(|netns| Tap::open(&netns, &watch).map_err(|error| error.to_string()))
            } else {
                Err(format!("{MOST_TAPS} taps are open already"))
            };
            match tap {
                Ok(tap) => open.push(tap),
                Err(why) => blind.push(Blind {
                    netns: netns.id,
                    why,
                }),
            }
        }
        let mut ports = VxlanPorts::default();
        for port in &watch.tunnel_ports {
            ports.add(*port);
        }
        *lock(&self.taps) = Some(Taps { open, watch, ports });
        blind
    }

    /// What was seen since the last time.
    pub fn read(&self) -> Seens {
        let mut seens = Seens::default();
        if let Some(taps) = &*lock(&self.taps) {
            for tap in &taps.open {
                if let Err(error) = tap.read(&taps.watch, &taps.ports, &mut seens.sightings) {
                    seens.doubt.get_or_insert(error.to_string());
                }
                seens.dropped += tap.dropped();
            }
        }
        seens
    }

    /// Closes all taps.
    pub fn close(&self) {
        *lock(&self.taps) = None;
        *lock(&self.clockwork) = None;
    }

    /// Sends probes.
    ///
    /// # Errors
    /// When the namespace cannot be entered or lets no socket be made.
    pub fn send(&self, request: &Send) -> Result<Vec<Sent>, String> {
        let netns = self.enter(&request.netns)?;
        super::send::send(&netns, request).map_err(|error| format!("cannot send: {error}"))
    }

    /// Sends several kinds of probes, some of them at once, and none that has not begun when `within` is over.
    /// The results are in their order.
    pub fn send_all(&self, requests: &[Send], within: Duration) -> Vec<Result<Vec<Sent>, String>> {
        let end = Instant::now() + within;
        parallel::each(requests, SENDERS, |request| {
            if Instant::now() >= end {
                return Err(format!("not sent within {} s", within.as_secs_f32()));
            }
            self.send(request)
        })
    }

    /// Reads what namespaces have counted; one that cannot be entered is left out.
    pub fn count(&self, namespaces: &[NetnsRef]) -> Vec<Counted> {
        namespaces
            .iter()
            .filter_map(|wanted| {
                let netns = self.enter(wanted).ok()?;
                netns.run(|| collect::count_here(wanted.id)).ok()
            })
            .collect()
    }

    /// Finds and opens a namespace, once.
    ///
    /// # Errors
    /// When it is gone or may not be opened.
    pub fn enter(&self, wanted: &NetnsRef) -> Result<Arc<Netns>, String> {
        let mut known = lock(&self.namespaces);
        if let Some(netns) = known.get(&wanted.id) {
            return Ok(Arc::clone(netns));
        }
        let is_it = |netns: &Netns| netns.id().inode == wanted.id.0;
        let found = Netns::current()
            .ok()
            .into_iter()
            .chain(
                wanted
                    .paths
                    .iter()
                    .filter_map(|path| Netns::open(path).ok()),
            )
            .chain(
                wanted
                    .pids
                    .iter()
                    .filter_map(|pid| Netns::of_pid(*pid).ok()),
            )
            .find(is_it)
            .map(Arc::new)
            .ok_or_else(|| format!("the network namespace net:[{}] is gone", wanted.id))?;
        known.insert(wanted.id, Arc::clone(&found));
        Ok(found)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a thread left when it panicked is still whole: every change is a single assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
