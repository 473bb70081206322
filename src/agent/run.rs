//! The agent's life: start, sync, sleep, and over again until it is told to end.

mod tell;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use plugin_core::netlink::Socket;
use plugin_core::node::read::Indices;
use plugin_core::node::reconcile::Error as SyncError;
use plugin_core::node::status::{self, Status};
use plugin_core::node::{Failure, Kernel, LocalNode, Network, Plan, Scope, Settings, State, plan};
use plugin_core::store::DirStore;

use super::addresses::{self, Own};
use super::config::{self, Unfit};
use super::files::{absolute, lock, remove_file};
use super::view::{self, View};
use super::watch::{Interest, Wake, Watch};
use super::{Options, cni, log};
use crate::error::{Error, Outcome, Result};

/// How long peers that vanished together with our own record are kept: the store was replaced or emptied, and
/// their agents need a moment to publish themselves again.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait for the rest when records are removed: emptying a store takes a moment.
const REMOVALS: Duration = Duration::from_millis(50);
/// How soon something that failed is tried again: this, then twice as long each time, up to a full resync.
/// What could heal it is mostly heard of earlier.
const RETRY: Duration = Duration::from_secs(1);
/// How soon tables that changed while they were read are read again.
const UNSTABLE: Duration = Duration::from_millis(50);
/// How many changes or failures are told one by one.
const TOLD: usize = 5;

/// Runs the agent until SIGTERM or SIGINT.
///
/// # Errors
/// What keeps it from starting: a wrong configuration, a missing underlay, another agent.
pub fn run(options: &Options) -> Result<Outcome> {
    let settings = config::load(&options.config)?;
    let options = Options {
        store: absolute(&options.store)?,
        state_dir: absolute(&options.state_dir)?,
        ..options.clone()
    };
    let _only_one = lock(&options.state_dir, &settings.name)?;
    let node = config::node_name(options.node.as_deref(), &settings);
    // Before anything is read, so that what changes afterwards is heard.
    let watch = Watch::new(&options.store, &settings.name)
        .map_err(|error| Error::failed("cannot listen for changes").caused_by(error))?;
    let mut agent = Agent::start(options, settings, node, watch)?;
    agent.live()
}

struct Agent {
    options: Options,
    settings: Settings,
    store: DirStore,
    watch: Watch,
    kernel: Kernel,
    network: Network,
    me: LocalNode,
    own: Option<Own>,
    view: View,
    /// Whether the view is what the store says. If not, it is what the store said last.
    view_is_whole: bool,
    /// Whether there ever was one: nothing may be taken for departed before.
    view_is_known: bool,
    plan: Plan,
    /// Whether the plan follows from the view, the network and this node.
    plan_is_current: bool,
    /// Why the network does not fit the node any more.
    unfit: Option<String>,
    /// How soon what failed is tried again.
    retry: Duration,
    indices: Indices,
    /// Since when peers are kept that the store does not know.
    grace: Option<Instant>,
    status: Status,
    /// How many other nodes there are.
    peers: usize,
    /// What was complained about last, so that it is said once.
    complaints: BTreeSet<String>,
    failures: BTreeSet<String>,
}

impl Agent {
    fn start(options: Options, settings: Settings, node: String, watch: Watch) -> Result<Self> {
        let mut socket =
            Socket::open().map_err(|error| no_access(&error, "cannot talk to the kernel"))?;
        let (network, me) =
            config::fit(&settings, &node, &mut socket).map_err(|error| match error {
                Unfit::Refused(refusal) => Error::failed(format!(
                    "network {} does not fit this node: {refusal}",
                    settings.name
                )),
                Unfit::Netlink(error) => no_access(&error, "cannot read the kernel's tables"),
            })?;
        let scope = Scope::new(&network, &me);
        let last = Status::load(&options.state_dir, &settings.name).map_err(|error| {
            Error::failed("cannot read the status of an earlier run").caused_by(error)
        })?;
        let status = Status {
            schema: status::SCHEMA.to_owned(),
            network: settings.name.clone(),
            node,
            ready: false,
            reason: Some("starting".to_owned()),
            peers: 0,
            scope: scope.clone(),
            vtep_addresses: Vec::new(),
            bridge_addresses: Vec::new(),
            cni_file: Some(cni::path(&options, &settings)),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let store = match DirStore::open(&options.store) {
            Ok(store) => store,
            // Without a store there is nothing to begin with, unless an earlier run left its state.
            Err(error) => return Err(Error::failed("cannot use the store").caused_by(error)),
        };
        let mut agent = Self {
            own: last.as_ref().map(Own::of_status),
            store,
            watch,
            kernel: Kernel::new(socket, scope),
            network,
            me,
            view: View::default(),
            view_is_whole: false,
            view_is_known: false,
            plan: Plan::default(),
            plan_is_current: false,
            unfit: None,
            retry: RETRY,
            indices: Indices::default(),
            grace: None,
            status,
            peers: 0,
            complaints: BTreeSet::new(),
            failures: BTreeSet::new(),
            options,
            settings,
        };
        if let Some(last) = last {
            agent.take_back(&last)?;
            agent.retire(&last)?;
        }
        Ok(agent)
    }

    /// What an earlier run said of itself is not true before this one has looked. What it made stays written
    /// down, for the next run if this one is killed.
    fn take_back(&self, last: &Status) -> Result<()> {
        let unknown = Status {
            ready: false,
            reason: self.status.reason.clone(),
            ..last.clone()
        };
        unknown
            .save(&self.options.state_dir)
            .map_err(|error| Error::failed("cannot write the status").caused_by(error))
    }

    /// Takes away what an earlier run made and this one no longer names.
    fn retire(&mut self, last: &Status) -> Result<()> {
        let left = last.scope.without(self.kernel.scope());
        let nothing = left.vxlan.is_none()
            && left.bridge.is_none()
            && left.table.is_none()
            && left.pools.is_empty();
        if !nothing {
            let socket =
                Socket::open().map_err(|error| no_access(&error, "cannot talk to the kernel"))?;
            let report = Kernel::new(socket, left)
                .sync(&State::default())
                .map_err(|error| {
                    Error::failed("cannot take away what an earlier run made").caused_by(error)
                })?;
            self.tell(&report, "of an earlier configuration: ");
        }
        match &last.cni_file {
            Some(old) if Some(old) != self.status.cni_file.as_ref() => remove_file(old),
            _ => Ok(()),
        }
    }

    fn live(&mut self) -> Result<Outcome> {
        log::line(format!(
            "{} joins {} by {} ({})",
            self.me.name,
            self.network.name,
            self.me.device,
            self.me
                .addresses
                .iter()
                .map(|net| net.addr().to_string())
                .collect::<Vec<_>>()
                .join(", "),
        ));
        let mut store_changed = true;
        let mut keys = BTreeSet::new();
        let mut last_full = Instant::now();
        loop {
            if store_changed || !keys.is_empty() {
                self.look_at_store(store_changed, &keys);
            }
            let done = self.sync();
            let wake = self.sleep(done, last_full)?;
            if wake.stop {
                log::line("ends; what it made stays");
                return Ok(Outcome::Healthy);
            }
            if wake.removed {
                // Whoever empties the store is not done yet.
                std::thread::sleep(REMOVALS);
            }
            let due = last_full.elapsed() >= self.options.resync;
            if due {
                last_full = Instant::now();
                self.kernel.doubt_table();
            }
            if wake.table {
                self.kernel.doubt_table();
            }
            if wake.kernel || due {
                self.look_at_underlay();
            }
            store_changed =
                wake.store || wake.removed || due || !self.view_is_whole || self.grace_is_over();
            keys = wake.keys;
        }
    }

    /// Sleeps until there is something to do: at once if the sync is to be repeated.
    fn sleep(&mut self, done: Done, last_full: Instant) -> Result<Wake> {
        let until_full = self.options.resync.saturating_sub(last_full.elapsed());
        let most = match done {
            Done::Again => UNSTABLE,
            Done::Failed => until_full.min(self.retry),
            Done::Well if !self.view_is_whole => until_full.min(RETRY),
            Done::Well => until_full,
        };
        let most = self.grace.map_or(most, |since| {
            most.min(GRACE.saturating_sub(since.elapsed()))
        });
        let interest = Interest {
            scope: self.kernel.scope(),
            indices: self.indices,
            desired: &self.plan.state,
        };
        self.watch
            .wait(interest, most)
            .map_err(|error| Error::failed("cannot listen for changes").caused_by(error))
    }

    fn grace_is_over(&self) -> bool {
        self.grace.is_some_and(|since| since.elapsed() >= GRACE)
    }

    /// Reads the store, all of it or what is under `keys`; when it cannot be read, the last view stands.
    fn look_at_store(&mut self, whole: bool, keys: &BTreeSet<plugin_core::store::Key>) {
        let whole = whole || !self.view_is_whole;
        let read = self
            .read_store(whole, keys)
            .map_err(|error| error.to_string());
        let read = read.and_then(|()| self.announce());
        self.plan_is_current = false;
        match read {
            Ok(()) => (self.view_is_whole, self.view_is_known) = (true, true),
            Err(error) => {
                if self.view_is_whole || self.complaints.is_empty() {
                    log::line(format!(
                        "the store cannot be used, the last state stands: {error}"
                    ));
                }
                self.view_is_whole = false;
            }
        }
    }

    fn read_store(
        &mut self,
        whole: bool,
        keys: &BTreeSet<plugin_core::store::Key>,
    ) -> std::result::Result<(), plugin_core::store::Error> {
        if !whole {
            return self.view.refresh(&self.store, &self.network.name, keys);
        }
        // First, so that what changes while it is read is heard. The directories may be new ones.
        self.watch.arm();
        let fresh = View::load(&self.store, &self.network.name)?;
        self.accept(fresh);
        Ok(())
    }

    fn accept(&mut self, fresh: View) {
        let known = fresh.peer(&self.me.name).is_some();
        let had_peers = self
            .view
            .peers()
            .iter()
            .any(|peer| peer.node != self.me.name);
        if self.grace_is_over() {
            self.grace = None;
        } else if self.view_is_known && !known && had_peers && self.grace.is_none() {
            log::line("the store has lost this node's record: peers are kept for a moment");
            self.grace = Some(Instant::now());
        }
        self.view = if self.grace.is_some() {
            fresh.or(&self.view)
        } else {
            fresh
        };
    }

    /// Gets this node's own addresses and publishes its record.
    fn announce(&mut self) -> std::result::Result<(), String> {
        let sufficient = |own: &Own| own.suffice(&self.network, &self.view, &self.me.name);
        if !self.own.as_ref().is_some_and(sufficient) {
            let own = addresses::own(&self.settings, &self.network, &self.me.name, &self.options)?;
            self.own = Some(own);
            // With the blocks that were claimed for it.
            self.read_store(true, &BTreeSet::new())
                .map_err(|error| error.to_string())?;
        }
        if let Some(own) = &self.own {
            own.give_to(&mut self.me);
        }
        let subnets = self.view.blocks_of(&self.me.name);
        let record = self
            .network
            .record(&self.me, subnets, env!("CARGO_PKG_VERSION"));
        if let Some(found) = self.view.peer(&self.me.name)
            && found.addresses != record.addresses
        {
            let there = found
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            self.complain(
                [format!(
                    "the store had {} at {there}: this one takes its place",
                    record.node
                )]
                .into(),
            );
        }
        view::publish(&self.store, &record)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// Takes over what changed about the underlay: addresses, MTU.
    fn look_at_underlay(&mut self) {
        let fit = config::fit(&self.settings, &self.me.name, self.kernel.socket());
        match fit {
            Ok((network, mut me)) => {
                self.unfit = None;
                me.vtep_addresses.clone_from(&self.me.vtep_addresses);
                me.bridge_addresses.clone_from(&self.me.bridge_addresses);
                if (&network, &me) != (&self.network, &self.me) {
                    log::line(format!("{} has changed", me.device));
                    (self.network, self.me) = (network, me);
                    self.kernel.set_scope(Scope::new(&self.network, &self.me));
                    self.plan_is_current = false;
                    // The other nodes have to hear of it.
                    if let Err(error) = self.announce() {
                        log::line(format!("the store cannot be used: {error}"));
                        self.view_is_whole = false;
                    }
                }
            }
            // The last plan stands.
            Err(error) => self.unfit = Some(error.to_string()),
        }
    }

    /// Plans, syncs, and tells.
    fn sync(&mut self) -> Done {
        if !self.view_is_known || self.own.is_none() {
            // Peers that are not known would be taken for departed.
            self.set_ready(Some("the store could not be read yet".to_owned()));
            return Done::Failed;
        }
        if !self.plan_is_current {
            self.make_plan();
        }
        let report = match self.kernel.sync(&self.plan.state) {
            Ok(report) => report,
            Err(error) => return self.could_not_sync(&error),
        };
        self.indices = report.indices;
        self.tell(&report, "");
        let local = report.failures.iter().find(|failure| failure.local);
        self.set_ready(self.unfit.clone().or_else(|| local.map(Failure::to_string)));
        if !report.complete {
            Done::Again
        } else if report.failures.is_empty() {
            self.retry = RETRY;
            Done::Well
        } else {
            self.retry = (self.retry * 2).min(self.options.resync);
            Done::Failed
        }
    }

    fn make_plan(&mut self) {
        let peers = self.view.peers();
        let blocks = self.view.blocks(&self.me.name);
        self.plan = plan(&self.network, &self.me, &peers, &blocks);
        self.plan_is_current = true;
        self.peers = peers
            .iter()
            .filter(|peer| peer.node != self.me.name)
            .count();
        let mut complaints: BTreeSet<String> = self.view.complaints().collect();
        complaints.extend(self.plan.problems.iter().map(ToString::to_string));
        self.complain(complaints);
    }

    fn could_not_sync(&mut self, error: &SyncError) -> Done {
        let said = error.to_string();
        if self.failures != [said.clone()].into() {
            log::line(format!("cannot sync: {said}"));
            self.failures = [said.clone()].into();
        }
        self.set_ready(Some(said));
        self.retry = (self.retry * 2).min(self.options.resync);
        Done::Failed
    }
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Well,
    /// Something was refused; it may work later.
    Failed,
    /// The tables changed while they were read.
    Again,
}

pub(super) fn no_access(error: &plugin_core::netlink::Error, what: &str) -> Error {
    let outcome = if error.is_permission() {
        Outcome::NoAccess
    } else {
        Outcome::Fault
    };
    Error::new(outcome, format!("{what}: {error}"))
        .try_this("run it as root, or with CAP_NET_ADMIN")
}
