//! What the agent tells: its log, its status, and the CNI configuration once the network is ready.

use std::collections::BTreeSet;
use std::fs;

use plugin_core::node::apply::describe;
use plugin_core::node::status::{Status, write_atomically};
use plugin_core::node::{Failure, Report};

use super::{Agent, TOLD};
use crate::agent::{Options, cni, log};

impl Agent {
    pub(super) fn complain(&mut self, complaints: BTreeSet<String>) {
        let news: Vec<_> = complaints.difference(&self.complaints).collect();
        for complaint in news.iter().take(TOLD) {
            log::line(complaint);
        }
        if news.len() > TOLD {
            log::line(format!("and {} more of the kind", news.len() - TOLD));
        }
        self.complaints = complaints;
    }

    pub(super) fn tell(&mut self, report: &Report, prefix: &str) {
        if report.changes.len() <= TOLD {
            for change in &report.changes {
                log::line(format!("{prefix}{}", describe(change)));
            }
        } else {
            log::line(format!("{prefix}{} changes", report.changes.len()));
        }
        let failures: BTreeSet<String> = report.failures.iter().map(Failure::to_string).collect();
        let news: Vec<_> = failures.difference(&self.failures).collect();
        for failure in news.iter().take(TOLD) {
            log::line(failure);
        }
        if news.len() > TOLD {
            log::line(format!("and {} more", news.len() - TOLD));
        }
        self.failures = failures;
    }

    /// Records whether the network is ready, and writes the CNI configuration once it is.
    pub(super) fn set_ready(&mut self, reason: Option<String>) {
        let mut next = self.status.clone();
        next.peers = self.peers;
        next.ready = reason.is_none();
        next.reason = reason;
        next.scope = self.kernel.scope().clone();
        next.vtep_addresses.clone_from(&self.me.vtep_addresses);
        next.bridge_addresses.clone_from(&self.me.bridge_addresses);
        if next.ready
            && let Err(error) = self.write_cni()
        {
            next.ready = false;
            next.reason = Some(format!("cannot write the CNI configuration: {error}"));
        }
        if next == self.status && Status::path(&self.options.state_dir, &next.network).exists() {
            return;
        }
        if next.ready != self.status.ready || next.reason != self.status.reason {
            log::line(match &next.reason {
                None => format!("ready, {} peers", next.peers),
                Some(reason) => format!("not ready: {reason}"),
            });
        }
        if let Err(error) = next.save(&self.options.state_dir) {
            log::line(format!("cannot write the status: {error}"));
        }
        self.status = next;
    }

    fn write_cni(&mut self) -> std::io::Result<()> {
        let Options {
            store, state_dir, ..
        } = &self.options;
        let config = cni::config(&self.settings, &self.network, &self.me, store, state_dir);
        let text = cni::text(&config);
        let path = cni::path(&self.options, &self.settings);
        if fs::read(&path).is_ok_and(|found| found == text) {
            return Ok(());
        }
        write_atomically(&path, &text)?;
        log::line(format!("wrote {}", path.display()));
        Ok(())
    }
}
